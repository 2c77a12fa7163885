package policy

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

const looser = `name: Common practice
valid_from: 2026-01-01
accept: clear
verify: {after_overwrite: sample}
stall_minutes: 5
`

func TestDefault(t *testing.T) {
	p := Default()
	if p.Name == "" || p.ValidFrom.IsZero() || p.Accept != erase.MethodNone || p.Rules.ReadBack[erase.Overwrite] != erase.VerifyFull || p.Stall != 0 {
		t.Errorf("got %+v, want one that lowers nothing and reads everything back", p)
	}
	onDisk, err := Load("default.yaml")
	if err != nil || !reflect.DeepEqual(onDisk, p) {
		t.Errorf("the file itself: got %+v, %v, want %+v", onDisk, err, p)
	}
}

func TestLoad(t *testing.T) {
	name := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(name, []byte(looser), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{
		Name:      "Common practice",
		ValidFrom: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		SHA256:    fmt.Sprintf("%x", sha256.Sum256([]byte(looser))),
		Accept:    erase.Clear,
		Stall:     5 * time.Minute,
	}
	want.Rules = Default().Rules
	want.Rules.ReadBack[erase.Overwrite] = erase.VerifySample
	want.Rules.Policy = want.SHA256
	want.Grading = Default().Grading
	want.Grading.Policy = grade.Policy{Name: want.Name, SHA256: want.SHA256}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := Load(name + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: got %v, want %v", err, os.ErrNotExist)
	}
}

// Somebody who signed a policy must find that very file's digest on the page,
// byte order mark and all.
func TestDigestIsOfTheBytes(t *testing.T) {
	src := "\ufeff" + looser
	p, err := parse("p.yaml", []byte(src))
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(src))); err != nil || p.SHA256 != want {
		t.Errorf("got %s, %v, want %s", p.SHA256, err, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"no name", "name: Common practice\n", "", `p.yaml:1:1: name is missing`},
		{"a name of two lines", "Common practice", `"a\nb"`, `p.yaml:1:7: name: want one line`},
		{"no date", "valid_from: 2026-01-01\n", "", `p.yaml:1:1: valid_from is missing`},
		{"nothing is accepted as clean", "clear", "none", `p.yaml:3:9: accept: "none": want clear or purge`},
		{"destruction for lowering", "clear", "destruct", `accept: "destruct": want clear or purge`},
		{"capitals", "clear", "Clear", `accept: "Clear": want clear or purge`},
		{"reading back a little", "sample", "some", `p.yaml:4:27: verify.after_overwrite: "some": want full, sample or none`},
		{"no patience", "stall_minutes: 5", "stall_minutes: 0", `p.yaml:5:16: stall_minutes: 0: want 1 to 1440`},
		{"patience without end", "stall_minutes: 5", "stall_minutes: 99999", `stall_minutes: 99999: want`},
		{"half a minute", "stall_minutes: 5", "stall_minutes: 0.5", `p.yaml:5:16: stall_minutes: "0.5" is no whole number`},
		{"what a later version may know", "accept: clear", "techniques: {}", `p.yaml:3:1: unknown key "techniques"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse("p.yaml", []byte(strings.Replace(looser, tt.from, tt.to, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// tables is a policy that writes every table.
const tables = `name: Tables
valid_from: 2026-01-01
purge:
  ata-sanitize-block: [flash]
  nvme-format-crypto: [flash, magnetic]
verify:
  after_block_erase: sample
  after_security_erase: none
overwrite_after:
  - ata-sanitize-block
`

func TestRules(t *testing.T) {
	p, err := parse("p.yaml", []byte(tables))
	if err != nil {
		t.Fatal(err)
	}
	flash, magnetic := inventory.MediaFlash, inventory.MediaMagnetic
	want := erase.Rules{
		Purge: map[inventory.EraseCommand][]inventory.Media{inventory.ATASanitizeBlock: {flash}, inventory.NVMeFormatCrypto: {flash, magnetic}},
		ReadBack: map[erase.Technique]erase.VerifyMode{
			erase.Overwrite: erase.VerifyFull, erase.BlockErase: erase.VerifySample, erase.SecurityErase: erase.VerifyNone, erase.CryptoErase: erase.VerifySample,
			erase.SanitizeOverwrite: erase.VerifyFull, erase.Format: erase.VerifyFull, erase.Revert: erase.VerifySample,
		},
		OverwriteAfter: []inventory.EraseCommand{inventory.ATASanitizeBlock},
		GoOn:           erase.GoOnOnePass,
		Policy:         p.SHA256,
	}
	if !reflect.DeepEqual(p.Rules, want) {
		t.Errorf("got  %+v\nwant %+v", p.Rules, want)
	}
	// Nothing counts as Purge when the table is there and empty.
	none, err := parse("p.yaml", []byte("name: n\nvalid_from: 2026-01-01\npurge: {}\noverwrite_after: []\n"))
	if err != nil || len(none.Rules.Purge) != 0 || none.Rules.OverwriteAfter != nil {
		t.Errorf("got %+v, %v", none.Rules, err)
	}
}

func TestRulesRefuse(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"a command misspelt", "ata-sanitize-block: [f", "ata-sanitise-block: [f", `p.yaml:4:3: unknown key "ata-sanitise-block" in purge: did you mean "ata-sanitize-block"?`},
		{"media that is none", "[flash, magnetic]", "[flash, tape]", `p.yaml:5:31: purge.nvme-format-crypto: media "tape": want magnetic or flash`},
		{"media that nobody knows", "ata-sanitize-block: [flash]", "ata-sanitize-block: [unknown]", `p.yaml:4:24: purge.ata-sanitize-block: media "unknown": want`},
		{"a format as Purge", "nvme-format-crypto", "nvme-format-user", `p.yaml:5:22: purge.nvme-format-user: nvme-format-user is Clear at most`},
		{"the normal security erase as Purge", "nvme-format-crypto", "ata-security-erase", `ata-security-erase is Clear at most: its normal mode`},
		{"not a list", "[flash]", "flash", `p.yaml:4:23: purge.ata-sanitize-block: want a list`},
		{"reading back a bit", "sample", "a bit", `p.yaml:7:22: verify.after_block_erase: "a bit": want full, sample or none`},
		{"a technique that is none", "after_block_erase", "after_lunch", `p.yaml:7:3: unknown key "after_lunch" in verify`},
		{"overwriting after what is none", "- ata-sanitize-block", "- ata-sanitize", `p.yaml:10:5: overwrite_after: command "ata-sanitize" is not known`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse("p.yaml", []byte(strings.Replace(tables, tt.from, tt.to, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestGoOn(t *testing.T) {
	if got := Default().Rules.GoOn; got != erase.GoOnOnePass {
		t.Errorf("the shipped policy says %q", got)
	}
	for _, word := range []erase.GoOn{erase.GoOnNever, erase.GoOnOnePass, erase.GoOnAllPasses} {
		p, err := parse("p.yaml", []byte(looser+"resume_overwrite: "+string(word)+"\n"))
		if err != nil || p.Rules.GoOn != word || p.Rules.Policy != p.SHA256 {
			t.Errorf("%s: got %q, %v", word, p.Rules.GoOn, err)
		}
	}
	const want = `p.yaml:6:19: resume_overwrite: "true": want never, one-pass or all-passes`
	if _, err := parse("p.yaml", []byte(looser+"resume_overwrite: true\n")); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// alone is the section of a station that works by itself, from line 6 on.
const alone = looser + `unattended:
  machines:
    - manufacturer: "Dell Inc."
      model: "Latitude 7*"
    - manufacturer: LENOVO
  standard: nist-800-88r2-purge
  out_of_reach: best-effort
  countdown_seconds: 30
  then: power-off
`

func TestUnattended(t *testing.T) {
	p, err := parse("p.yaml", []byte(alone))
	if err != nil {
		t.Fatal(err)
	}
	want := &Unattended{
		Machines: []MachinePattern{{"Dell Inc.", "Latitude 7*"}, {"LENOVO", ""}}, Standard: "nist-800-88r2-purge",
		BestEffort: true, Countdown: 30 * time.Second, PowerOff: true,
	}
	if !reflect.DeepEqual(p.Unattended, want) {
		t.Errorf("got  %+v\nwant %+v", p.Unattended, want)
	}
	for _, c := range []struct {
		manufacturer, model string
		allowed             bool
	}{
		{"Dell Inc.", "Latitude 7420", true},
		{"DELL INC.", "latitude 7", true},
		{" Dell Inc. ", "Latitude 7420 ", true},
		{"Dell Inc.", "Latitude 5420", false},
		{"Dell", "Latitude 7420", false},
		{"Dell Inc.", "", false},
		{"Lenovo", "20XW0026MX", true},
		{"Lenovo Group", "20XW0026MX", false},
		{"", "", false},
	} {
		err := p.Unattended.Allows(inventory.System{Manufacturer: c.manufacturer, Model: c.model})
		if (err == nil) != c.allowed {
			t.Errorf("%q %q: %v", c.manufacturer, c.model, err)
		}
		if err != nil && (!strings.Contains(err.Error(), fmt.Sprintf("%q", c.model)) || !strings.Contains(err.Error(), "unattended.machines")) {
			t.Errorf("%q %q: the reason does not say what to do: %v", c.manufacturer, c.model, err)
		}
	}
}

// Without a section nothing is erased unattended; without machines every one is.
func TestUnattendedWhereNothingIsSaid(t *testing.T) {
	for _, name := range Shipped() {
		p := mustLoad(t, name)
		if err := p.Unattended.Allows(inventory.System{Manufacturer: "Dell Inc."}); err == nil || !strings.Contains(err.Error(), "add one") {
			t.Errorf("%s: %v", name, err)
		}
	}
	short := looser + "unattended: {standard: zero, out_of_reach: leave, countdown_seconds: 3600, then: stay}\n"
	p, err := parse("p.yaml", []byte(short))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Unattended{Standard: "zero", Countdown: time.Hour}); !reflect.DeepEqual(*p.Unattended, want) {
		t.Errorf("got %+v, want %+v", *p.Unattended, want)
	}
	if err := p.Unattended.Allows(inventory.System{}); err != nil {
		t.Error(err)
	}
}

func TestUnattendedRefuses(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"an empty section", alone[len(looser)+len("unattended:\n"):], "", `p.yaml:6:1: unattended: has no value`},
		{"no standard", "  standard: nist-800-88r2-purge\n", "", `p.yaml:6:1: unattended.standard is missing`},
		{"a standard that is none", "nist-800-88r2-purge", "nist", `p.yaml:11:13: unattended.standard: standard "nist" is not known`},
		{"nothing about what is out of reach", "  out_of_reach: best-effort\n", "", `p.yaml:6:1: unattended.out_of_reach: is missing: want best-effort or leave`},
		{"destroying right away", "best-effort", "destroy", `p.yaml:12:17: unattended.out_of_reach: "destroy": want best-effort or leave`},
		{"no countdown", "  countdown_seconds: 30\n", "", `p.yaml:6:1: unattended.countdown_seconds is missing`},
		{"no time to reach the key", "countdown_seconds: 30", "countdown_seconds: 9", `p.yaml:13:22: unattended.countdown_seconds: 9: want 10 to 3600`},
		{"more than an hour", "countdown_seconds: 30", "countdown_seconds: 3601", `unattended.countdown_seconds: 3601: want`},
		{"and then nothing", "  then: power-off\n", "", `p.yaml:6:1: unattended.then: is missing: want power-off or stay`},
		{"and then a reboot", "power-off", "reboot", `p.yaml:14:9: unattended.then: "reboot": want power-off or stay`},
		{"an empty list of machines", alone[len(looser)+len("unattended:\n") : strings.Index(alone, "  standard:")], "  machines: []\n", `unattended.machines names none: leave it out`},
		{"a machine that is any", "- manufacturer: LENOVO", "- {manufacturer: ''}", `unattended.machines: want a manufacturer, a model or both`},
		{"a star in the middle", "Latitude 7*", "Lat*7420", `p.yaml:9:14: unattended.machines: model "Lat*7420": want the whole name`},
		{"two stars", "Latitude 7*", "*itude*", `model "*itude*": want`},
		{"a space too many", "Dell Inc.", "Dell Inc. ", `manufacturer "Dell Inc. ": want`},
		{"a serial", "manufacturer: LENOVO", "serial: X", `p.yaml:10:7: unknown key "serial"`},
		{"a word for the countdown", "countdown_seconds: 30", "countdown_seconds: soon", `unattended.countdown_seconds: "soon" is no whole number`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := strings.Replace(alone, tt.from, tt.to, 1)
			if src == alone {
				t.Fatal("nothing was changed")
			}
			_, err := parse("p.yaml", []byte(src))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestShippedPolicies(t *testing.T) {
	for _, name := range Shipped() {
		p, err := Load(name)
		if err != nil || p.Name == "" || p.Accept != erase.MethodNone || len(p.Rules.Purge) == 0 {
			t.Errorf("%s: %v, %+v", name, err, p)
		}
	}
	for _, name := range append(Shipped(), "default.yaml") {
		src, err := Source(name)
		if want := mustLoad(t, name).SHA256; err != nil || fmt.Sprintf("%x", sha256.Sum256(src)) != want {
			t.Errorf("%s: other bytes than are loaded, %v", name, err)
		}
	}
	strict, loose := Default(), mustLoad(t, "common-practice")
	if strict.SHA256 == loose.SHA256 || strict.Name == loose.Name {
		t.Error("two policies that cannot be told apart")
	}
	// A file in the working directory is named with its folder.
	t.Chdir(t.TempDir())
	if err := os.WriteFile("common-practice", []byte(looser), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := mustLoad(t, "./common-practice"); p.Accept != erase.Clear {
		t.Errorf("got %+v, want the file", p)
	}
	flash, magnetic := inventory.MediaFlash, inventory.MediaMagnetic
	for _, c := range []struct {
		command       inventory.EraseCommand
		media         inventory.Media
		strict, loose erase.Method
	}{
		{inventory.ATASanitizeCrypto, flash, erase.Purge, erase.Purge}, {inventory.ATASanitizeCrypto, magnetic, erase.Purge, erase.Purge},
		{inventory.ATASanitizeBlock, flash, erase.Purge, erase.Purge},
		{inventory.ATASanitizeOverwrite, magnetic, erase.Purge, erase.Purge}, {inventory.ATASanitizeOverwrite, flash, erase.Clear, erase.Purge},
		{inventory.ATASecurityEraseEnhanced, magnetic, erase.Purge, erase.Purge}, {inventory.ATASecurityEraseEnhanced, flash, erase.Clear, erase.Purge},
		{inventory.ATASecurityErase, magnetic, erase.Clear, erase.Clear}, {inventory.ATASecurityErase, flash, erase.Clear, erase.Clear},
		{inventory.NVMeFormatCrypto, flash, erase.Clear, erase.Purge}, {inventory.NVMeFormatUser, flash, erase.Clear, erase.Clear},
		{inventory.SCSIFormat, magnetic, erase.Clear, erase.Clear}, {inventory.SDErase, flash, erase.Clear, erase.Clear},
		{inventory.ATASanitizeOverwrite, inventory.MediaUnknown, erase.Clear, erase.Purge},
	} {
		d := inventory.Drive{Path: "/dev/x", Media: c.media, CapacityBytes: 1 << 30, Abilities: &inventory.Abilities{Erasers: []inventory.Eraser{{Command: c.command}}}}
		for _, p := range []struct {
			Policy
			want erase.Method
		}{{strict, c.strict}, {loose, c.loose}} {
			for _, f := range erase.Reach(d, p.Rules) {
				if f.Command == c.command && f.Method != p.want {
					t.Errorf("%s: %s on %s is %v, want %v", p.Name, c.command, c.media, f.Method, p.want)
				}
			}
		}
	}
}

// The shipped default calls nothing Purge that its documents dispute; a page
// would have to say that it is the policy's word alone. TCG reverts are named
// so in any case.
func TestDefaultIsUndisputed(t *testing.T) {
	s, err := erase.FindStandard("ieee-2883-purge")
	if err != nil {
		t.Fatal(err)
	}
	for command, media := range Default().Rules.Purge {
		if strings.HasPrefix(string(command), "tcg-") {
			continue
		}
		for _, m := range media {
			d := inventory.Drive{Path: "/dev/x", Media: m, CapacityBytes: 1 << 30, Abilities: &inventory.Abilities{Erasers: []inventory.Eraser{{Command: command}}}}
			p, err := erase.MakePlan(d, erase.Order{Standard: s, Rules: Default().Rules})
			if err != nil || p.Achieves != erase.Purge || !strings.Contains(p.Reference, "corresponds to Purge according to IEEE 2883-2022") {
				t.Errorf("%s on %s: %v, %q", command, m, err, p.Reference)
			}
		}
	}
}

func mustLoad(t *testing.T, name string) Policy {
	t.Helper()
	p, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(looser))
	f.Add(shipped)
	f.Add(commonPractice)
	f.Add([]byte(tables))
	f.Add([]byte(alone))
	f.Add([]byte(graded))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := parse("p.yaml", src)
		if err == nil && (p.Name == "" || p.ValidFrom.IsZero() || p.Accept > erase.Purge || p.Rules.ReadBack[erase.Overwrite] == "" || len(p.Rules.ReadBack) != len(techniques())) {
			t.Errorf("accepted %+v", p)
		}
		if err != nil {
			return
		}
		// Whatever rules are accepted, they judge, and keep data in.
		g := p.Grading
		r := grade.Judge(grade.Facts{Machine: inventory.Machine{Drives: []inventory.Drive{{Path: "/dev/sda"}}}}, g, grade.Market{})
		if n := len(g.Dispositions); len(g.Scale) < 2 || n == 0 || !reflect.ValueOf(g.Dispositions[n-1].When).IsZero() || r.Disposition != grade.Hold || len(r.Reasons) == 0 {
			t.Errorf("judged %+v by %+v", r, g)
		}
	})
}
