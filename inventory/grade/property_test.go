package grade_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// drawDrive draws a drive of any health, and sometimes one that tells nothing.
func drawDrive(t *rapid.T, path string) inventory.Drive {
	d := soundDrive(path)
	if rapid.Bool().Draw(t, "emmc") {
		d.Bus = inventory.BusMMC
	}
	if rapid.IntRange(0, 4).Draw(t, "tells nothing") == 0 {
		d.Abilities = nil
		return d
	}
	h := *d.Abilities.Health
	passed := rapid.IntRange(0, 5).Draw(t, "fails itself") > 0
	h.Passed = &passed
	h.PercentUsed = some(rapid.Int64Range(0, 130).Draw(t, "used"))
	h.MediaErrors = some(rapid.SampledFrom([]int64{0, 0, 0, 1, 50}).Draw(t, "media errors"))
	h.SparePercent = some(rapid.Int64Range(0, 100).Draw(t, "spare"))
	d.Abilities = &inventory.Abilities{Protocol: "nvme", Health: &h}
	return d
}

// drawFacts draws a unit in any state.
func drawFacts(t *rapid.T) grade.Facts {
	f := laptop()
	f.Machine.System.Class = rapid.SampledFrom([]string{"laptop", "tablet", "desktop", "server", "other", ""}).Draw(t, "class")
	f.BeforeWork = rapid.Bool().Draw(t, "before work")
	f.SecurityGraded = rapid.IntRange(0, 9).Draw(t, "graded") == 0
	f.StorageUnreachable = rapid.IntRange(0, 9).Draw(t, "unreachable") == 0
	f.Status = rapid.SampledFrom([]grade.Status{"", grade.Product, grade.Waste}).Draw(t, "status")
	f.Machine.Drives, f.Drives = nil, nil
	for i := range rapid.IntRange(0, 3).Draw(t, "drives") {
		d := drawDrive(t, "/dev/sd"+string(rune('a'+i)))
		f.Machine.Drives = append(f.Machine.Drives, d)
		if state := rapid.SampledFrom([]grade.DataState{grade.DataUnknown, grade.DataClean, grade.DataClean, grade.DataDestroy, grade.DataHold}).Draw(t, "data"); state != "" {
			f.Drives = append(f.Drives, grade.Drive{Path: d.Path, State: state, Soldered: d.Bus == inventory.BusMMC})
		}
	}
	f.Machine.Batteries = nil
	for range rapid.IntRange(0, 2).Draw(t, "batteries") {
		f.Machine.Batteries = append(f.Machine.Batteries, inventory.Battery{HealthPercent: rapid.SampledFrom([]int{0, 5, 39, 40, 60, 79, 80, 100, 120}).Draw(t, "health")})
	}
	f.Checks = nil
	for _, part := range grade.CheckParts() {
		v := rapid.SampledFrom([]string{"", "pass", "pass", "pass", "fail", "skip", "not-done"}).Draw(t, part)
		if v == "" {
			continue
		}
		c := grade.Check{Part: part, Verdict: v}
		if part == "cosmetic" {
			c.Grade = rapid.SampledFrom([]string{"", "A", "B", "C", "D"}).Draw(t, "looks")
		}
		f.Checks = append(f.Checks, c)
	}
	for _, code := range locks() {
		setLock(&f, code, rapid.SampledFrom([]inventory.LockState{inventory.LockClear, inventory.LockClear, inventory.LockClear, inventory.LockUnknown, inventory.LockSet}).Draw(t, code))
	}
	f.Machine.CPU = slices.Clone(f.Machine.CPU)
	f.Machine.CPU[0].ModelNumber = rapid.SampledFrom([]int{0, 0x0e, 0x17, 0x2a, 0x8e}).Draw(t, "cpu")
	return f
}

// worsen makes one fact worse.
func worsen(t *rapid.T, f grade.Facts) grade.Facts {
	f.Checks, f.Drives = slices.Clone(f.Checks), slices.Clone(f.Drives)
	f.Machine.Drives, f.Machine.Batteries = slices.Clone(f.Machine.Drives), slices.Clone(f.Machine.Batteries)
	switch rapid.IntRange(0, 3).Draw(t, "what gets worse") {
	case 0:
		part := rapid.SampledFrom(append(grade.Triable(), "battery", grade.PartBatterySafety, "damage", "safety")).Draw(t, "part")
		say(&f, part, "fail", "")
	case 1:
		for i, c := range f.Checks {
			if c.Part == "cosmetic" && c.Grade != "" {
				f.Checks[i].Grade = max(c.Grade, rapid.SampledFrom(grade.Marks()).Draw(t, "looks"))
			}
		}
	case 2:
		for i, b := range f.Machine.Batteries {
			if b.HealthPercent > 1 {
				f.Machine.Batteries[i].HealthPercent = rapid.IntRange(1, b.HealthPercent).Draw(t, "health")
			}
		}
	case 3:
		for i, d := range f.Machine.Drives {
			if d.Abilities == nil {
				continue
			}
			h := *d.Abilities.Health
			failing := false
			h.Passed = &failing
			d.Abilities = &inventory.Abilities{Protocol: "nvme", Health: &h}
			f.Machine.Drives[i] = d
		}
	}
	return f
}

// forget makes one fact unknown.
func forget(t *rapid.T, f grade.Facts) grade.Facts {
	f.Machine.Drives, f.Machine.Batteries = slices.Clone(f.Machine.Drives), slices.Clone(f.Machine.Batteries)
	switch rapid.IntRange(0, 3).Draw(t, "what is forgotten") {
	case 3:
		f.StorageUnreachable = true
	case 0:
		for i := range f.Machine.Batteries {
			f.Machine.Batteries[i].HealthPercent = 0
		}
		say(&f, "battery", "not-done", "")
		if len(f.Machine.Batteries) == 0 {
			return f
		}
	case 1:
		for i := range f.Machine.Drives {
			f.Machine.Drives[i].Abilities = nil
		}
	case 2:
		// That looks were graded at all stands for having looked for damage.
		say(&f, "cosmetic", "not-done", "")
	}
	return f
}

func rank(letter string) int { return strings.Index("ABCD", letter) }

func TestWorseFactsNeverGiveABetterGrade(t *testing.T) {
	rules := policy.Default().Grading
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		before := grade.Judge(f, rules, grade.Market{})
		after := grade.Judge(worsen(t, f), rules, grade.Market{})
		if rank(after.BestPossible) < rank(before.BestPossible) {
			t.Errorf("it could be %s, and now %s", before.BestPossible, after.BestPossible)
		}
		if before.Grade != "" && after.Grade != "" && rank(after.Grade) < rank(before.Grade) {
			t.Errorf("it was %s, and now is %s", before.Grade, after.Grade)
		}
	})
}

func TestForgettingNeverGivesABetterGrade(t *testing.T) {
	rules := policy.Default().Grading
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		if slices.ContainsFunc(f.Checks, func(c grade.Check) bool { return c.Part == "battery" && c.Verdict == "fail" }) {
			return // not forgotten, but taken back
		}
		before := grade.Judge(f, rules, grade.Market{})
		after := grade.Judge(forget(t, f), rules, grade.Market{})
		if after.Grade != "" && (before.Grade == "" || rank(after.Grade) < rank(before.Grade)) {
			t.Errorf("it was %q, and is %q with less known", before.Grade, after.Grade)
		}
	})
}

// A unit with data in it, or that may have, is never plainly for reuse, and after
// the work goes nowhere but back or to where what must be destroyed goes.
func TestDataNeverLeaves(t *testing.T) {
	shipped := policy.Default().Grading
	rapid.Check(t, func(t *rapid.T) {
		rules := shipped
		if rapid.Bool().Draw(t, "some other rules") {
			rules.Dispositions = rapid.SliceOfN(rapid.SampledFrom(shipped.Dispositions), 0, 8).Draw(t, "rules")
		}
		f := drawFacts(t)
		r := grade.Judge(f, rules, grade.Market{})
		state := map[string]grade.Drive{}
		for _, d := range f.Drives {
			state[d.Path] = d
		}
		dirty, soldered := f.StorageUnreachable, false
		for _, d := range f.Machine.Drives {
			s := state[d.Path]
			dirty = dirty || s.State == grade.DataUnknown || s.State == grade.DataHold
			soldered = soldered || s.State == grade.DataDestroy && s.Soldered
		}
		switch {
		case r.Disposition == grade.Reuse && (dirty || soldered) && len(r.Conditions) == 0:
			t.Errorf("plainly for reuse with data in it")
		case !f.BeforeWork && dirty && slices.Contains([]grade.Disposition{grade.Reuse, grade.Parts, grade.Recycle}, r.Disposition):
			t.Errorf("it goes to %s with data in it", r.Disposition)
		case soldered && (r.Disposition == grade.Reuse || r.Disposition == grade.Parts):
			t.Errorf("it goes to %s with data that must be destroyed", r.Disposition)
		}
	})
}

// Every judgement says why, by rules that stand in the policy; it depends on
// nothing but what it is given, and not on the order of that.
func TestEveryJudgementNamesItsRule(t *testing.T) {
	rules := policy.Default().Grading
	known := map[string]bool{
		"grading.function": true, "grading.cosmetic": true, "grading.cosmetic.damaged": true, "grading.battery": true, "grading.battery.passed": true,
		"grading.drive": true, "grading.drive.ok": true, "grading.drive.warn": true, "grading.drive.reject": true, "grading.drive.without": true,
	}
	for _, mark := range []string{"A", "B", "C"} {
		known["grading.battery."+mark] = true
	}
	for _, l := range rules.Scale {
		known["grading.scale."+l.Letter] = true
	}
	for _, p := range rules.Function {
		known["grading.function."+p.Part] = true
	}
	for _, d := range rules.Dispositions {
		known["grading.dispositions."+d.Name] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		r := grade.Judge(f, rules, grade.Market{})
		if r.Disposition == "" || len(r.Reasons) == 0 || !strings.HasPrefix(r.Reasons[0].Rule, "grading.dispositions.") {
			t.Fatalf("it goes to %q, by %v", r.Disposition, texts(r.Reasons))
		}
		all := append(append(slices.Clone(r.Reasons), r.Conditions...), r.Open...)
		for _, m := range r.Marks {
			if len(m.Reasons) == 0 {
				t.Errorf("%s has no reason", m.Of)
			}
			all = append(all, m.Reasons...)
		}
		for _, reason := range all {
			if reason.Code == "" || reason.Text == "" || strings.Contains(reason.Text, "{{") || strings.HasPrefix(reason.Rule, "grading.") && !known[reason.Rule] || reason.Rule == "" {
				t.Errorf("reason %+v", reason)
			}
		}
		if again := grade.Judge(f, rules, grade.Market{}); !reflect.DeepEqual(again, r) {
			t.Errorf("judged twice, it differs")
		}
		mixed := f
		mixed.Checks = rapid.Permutation(f.Checks).Draw(t, "order")
		mixed.Drives = rapid.Permutation(f.Drives).Draw(t, "order of drives")
		if again := grade.Judge(mixed, rules, grade.Market{}); !reflect.DeepEqual(again, r) {
			t.Errorf("in another order, it differs")
		}
	})
}
