package drivesim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfilesLoad(t *testing.T) {
	files, err := filepath.Glob("profiles/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(files) {
		t.Errorf("%d profiles, %d files", len(all), len(files))
	}
	told := map[Lie]bool{}
	for _, p := range all {
		if len(p.Title) > 110 || strings.Contains(p.Title, "\n") {
			t.Errorf("%s: the title is not one line: %q", p.Name, p.Title)
		}
		if strings.HasPrefix(p.Name, "liar-") == p.Honest {
			t.Errorf("%s: the name says one thing, honest another", p.Name)
		}
		for _, l := range p.Lies {
			told[l] = true
		}
		if _, err := New(p, Options{}); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	for _, l := range lieNames() {
		if !told[l] && l != LieSkipsHidden && l != LieFixedSense { // told by drives of other buses
			t.Errorf("no profile tells the lie %s", l)
		}
	}
}

func TestProfilesAreReadStrictly(t *testing.T) {
	good, err := os.ReadFile("profiles/nvme-crypto.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[string]any){
		"an unknown field":             func(m map[string]any) { m["capacity"] = 4 },
		"no title":                     func(m map[string]any) { delete(m, "title") },
		"a real model":                 func(m map[string]any) { m["model"] = "Fast SSD 980" },
		"a real serial":                func(m map[string]any) { m["serial"] = "S5H9NX0N123456" },
		"a liar that nothing unmasks":  func(m map[string]any) { m["honest"] = false },
		"an honest one to be unmasked": func(m map[string]any) { m["unmasked"] = "sample" },
		"an unknown lie":               func(m map[string]any) { m["lies"] = []string{"cheats"} },
		"no units":                     func(m map[string]any) { m["units"] = []any{} },
		"a unit without a size":        func(m map[string]any) { m["units"] = []any{map[string]any{"kib": 0}} },
		"a unit of a petabyte":         func(m map[string]any) { m["units"] = []any{map[string]any{"kib": 1 << 40}} },
		"a negative spare area":        func(m map[string]any) { m["spare_kib"] = -4 },
		"crypto without encryption":    func(m map[string]any) { m["encrypts"] = false },
		"a fault of an unknown kind":   func(m map[string]any) { m["faults"] = []any{map[string]any{"kind": "fire"}} },
		"a pattern of three bytes":     func(m map[string]any) { m["erased_reads"] = "010203" },
		"an unknown protocol":          func(m map[string]any) { m["protocol"] = "floppy" },
	} {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseProfile("bad", b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := ParseProfile("bad", append(good, "{}"...)); err == nil {
		t.Error("two profiles in one file are taken")
	}
	if _, err := FindProfile("../profile"); err == nil || !strings.Contains(err.Error(), "nvme-crypto") {
		t.Errorf("an unknown profile: %v", err)
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, name := range []string{"nvme-crypto", "liar-nvme-reset-forgets", "nvme-bad-blocks", "nvme-running"} {
		b, err := os.ReadFile("profiles/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProfile("fuzz", b)
		if err != nil {
			return
		}
		total := p.RPMBKiB + p.SpareKiB + p.RetiredKiB + p.StaleKiB
		for _, u := range p.Units {
			total += u.KiB + u.HiddenKiB
		}
		if total > 1<<14 {
			return // legal, and too big to try
		}
		drives, err := New(p, Options{})
		if err != nil {
			return
		}
		for _, d := range drives {
			_ = d.Facts()
			_ = d.Truth()
		}
	})
}
