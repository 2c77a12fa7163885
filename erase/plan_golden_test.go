package erase_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
)

var update = flag.Bool("update", false, "write the golden plans anew; review the difference as behaviour")

// order is an order as a person would give it, for a golden plan.
type order struct {
	name   string
	change func(*erase.Order)
}

func shipped(t testing.TB, name string) erase.Rules {
	t.Helper()
	p, err := policy.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.Rules
}

// sampleDrives are the drives whose reports are kept as test data.
func sampleDrives(t testing.TB) map[string]inventory.Drive {
	t.Helper()
	dir := filepath.Join("..", "inventory", "testdata", "smartctl")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	drives := map[string]inventory.Drive{}
	for _, f := range files {
		ext := filepath.Ext(f.Name())
		if ext != ".txt" && ext != ".json" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		d, err := inventory.ReadSmartctl(b)
		if err != nil {
			t.Fatal(err)
		}
		d.Path = "/dev/sample"
		drives[strings.TrimSuffix(f.Name(), ext)] = d
	}
	if len(drives) < 40 {
		t.Fatalf("%d samples", len(drives))
	}
	return drives
}

func TestGoldenPlansOfRealDrives(t *testing.T) {
	strict, loose := shipped(t, "default"), shipped(t, "common-practice")
	purge := func(r erase.Rules, change func(*erase.Order)) func(*erase.Order) {
		return func(o *erase.Order) {
			o.Standard, o.Rules, o.Together = standard(t, "nist-800-88r2-purge"), r, true
			if change != nil {
				change(o)
			}
		}
	}
	orders := []order{
		{"purge", purge(strict, nil)},
		{"purge, --thaw", purge(strict, func(o *erase.Order) { o.Thaw = true })},
		{"purge, --thaw, --policy common-practice", purge(loose, func(o *erase.Order) { o.Thaw = true })},
		{"purge, --accept clear", purge(strict, func(o *erase.Order) { o.Accept, o.AcceptBy = erase.Clear, "operator Kari" })},
		{"clear", func(o *erase.Order) { o.Standard, o.Rules = standard(t, "nist-800-88r2-clear"), strict }},
	}
	for name, d := range sampleDrives(t) {
		t.Run(name, func(t *testing.T) { golden(t, name, describe(d), d, orders) })
	}
}

func TestGoldenPlansOfMadeUpDrives(t *testing.T) {
	for _, c := range madeUp(t) {
		t.Run(c.name, func(t *testing.T) { golden(t, "case-"+c.name, c.story+"\n"+describe(c.drive), c.drive, c.orders) })
	}
}

func golden(t *testing.T, name, head string, d inventory.Drive, orders []order) {
	t.Helper()
	var b strings.Builder
	b.WriteString(head)
	for _, o := range orders {
		var ord erase.Order
		o.change(&ord)
		p, err := erase.MakePlan(d, ord)
		fmt.Fprintf(&b, "\n== %s\n%s", o.name, render(p, err))
	}
	file := filepath.Join("testdata", "plans", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("%s: the plan changed; run with -update and review.\ngot:\n%s", file, got)
	}
}

// describe is what the planner is told of a drive.
func describe(d inventory.Drive) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, %s, %s, %d bytes\n", d.Manufacturer, d.Model, d.Bus, d.Media, d.CapacityBytes)
	a := d.Abilities
	if a == nil {
		return b.String()
	}
	for _, e := range a.Erasers {
		fmt.Fprintf(&b, "  has %s", e.Command)
		if e.EstimateSeconds > 0 {
			fmt.Fprintf(&b, ", %d s", e.EstimateSeconds)
		}
		if e.Blocked != "" {
			fmt.Fprintf(&b, ", blocked: %s", e.Blocked)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func render(p erase.Plan, err error) string {
	var b strings.Builder
	var refused *erase.RefusedError
	if errors.As(err, &refused) {
		fmt.Fprintf(&b, "refused (%v): %s\n  hint: %s\n", refused.Reason, refused.Detail, refused.Hint)
	} else {
		fmt.Fprintf(&b, "reaches %s by %s; accepted %s\n%s\n", p.Achieves, p.Technique, p.Accepted, p.Reference)
	}
	for _, line := range p.Outline() {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	for _, s := range p.Steps {
		if s.Kind == erase.StepReadBack {
			fmt.Fprintf(&b, "  [expects %s, %s]\n", s.Expect, s.Verify)
		}
		if o := s.Options; o != (erase.StartOptions{}) {
			fmt.Fprintf(&b, "  [keep allocated %v, purge or fail %v, open media %v]\n", o.KeepAllocated, o.PurgeOrFail, o.OpenMedia)
		}
	}
	for _, w := range p.Why {
		fmt.Fprintf(&b, "  - %s\n", w)
	}
	for _, f := range p.Fallbacks {
		fmt.Fprintf(&b, "  or %s by %s, --standard %s: %s\n", f.Method, f.Technique, f.Standard, f.Why)
	}
	return b.String()
}

// Figures to reach: the plan of every sample drive in under a millisecond.
func BenchmarkPlan(b *testing.B) {
	drives := sampleDrives(b)
	names := make([]string, 0, len(drives))
	for name := range drives {
		names = append(names, name)
	}
	slices.Sort(names)
	o := erase.Order{Standard: standard(b, "nist-800-88r2-purge"), Rules: shipped(b, "default"), BestEffort: true, Thaw: true, Verify: erase.VerifySample}
	i := 0
	for b.Loop() {
		if _, err := erase.MakePlan(drives[names[i%len(names)]], o); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
