package policy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/inventory/grade"
)

// The looser policy grades as the shipped one does.
func TestShippedGrading(t *testing.T) {
	g := Default().Grading
	other, err := Load("common-practice")
	if err != nil {
		t.Fatal(err)
	}
	if g.Policy.Name != "ombruk default" || g.Policy.SHA256 != Default().SHA256 || other.Grading.Policy.Name != "common practice" {
		t.Errorf("judged by %+v and %+v", g.Policy, other.Grading.Policy)
	}
	other.Grading.Policy = g.Policy
	if !reflect.DeepEqual(other.Grading, g) {
		t.Error("the two shipped policies grade differently")
	}
	// Nothing of the sections may be left to a default: whoever copies the
	// shipped file has everything in front of them.
	for word := range strings.FieldsSeq("scale function cosmetic battery drive r2 dispositions") {
		if !strings.Contains(string(shipped), "\n  "+word+":") {
			t.Errorf("the shipped policy leaves out grading.%s", word)
		}
	}
	for key := range keyed(healthTable{}) {
		if !strings.Contains(string(shipped), "\n  "+key+":") {
			t.Errorf("the shipped policy leaves out drive_health.%s", key)
		}
	}
}

// graded is a policy that writes every table of grading.
const graded = `name: Our schools
valid_from: 2026-01-01
grading:
  scale:
    - letter: Gold
      asks: {function: A, cosmetic: B, data: A}
    - letter: "2"
      asks: {function: C}
    - letter: Scrap
  function:
    - {part: keyboard, fails: B, of: [laptop]}
    - {part: screen, fails: D}
  cosmetic: {damaged: C}
  battery: {A: 90, C: 50, passed: unknown}
  drive: {warn: C}
  r2:
    function: {A: F3}
    cosmetic: {A: C4, unknown: C0}
  dispositions:
    - {name: secret, when: {is: [security-graded]}, then: hold, failing_that: return}
    - {name: unreached, when: {is: [storage-unreachable]}, then: hold}
    - {name: again, when: {is: [data-to-retry]}, then: hold}
    - {name: untreated, when: {is: [data-untreated]}, then: hold}
    - {name: soldered, when: {is: [soldered-data-to-destroy]}, then: recycle}
    - {name: locked, when: {lock: [absolute, amt]}, then: hold, failing_that: parts}
    - {name: old, when: {class: [laptop], processor_before: 2015, memory_below_gib: 8}, then: recycle}
    - {name: bad-screen, when: {fails: [screen, battery-safety], screen_below_inches: 13, screen_below_lines: 768, made_before: 2012}, then: parts}
    - {name: scrap, when: {grade: [Scrap], drive: [reject, warn]}, then: recycle}
    - {name: rest, then: reuse}
drive_health:
  reallocated_sectors: {warn: 5, reject: 50}
  spare_percent: {warn: 30, reject: 10}
  power_on_hours: {warn: 40000}
  crc_errors: 0
`

func TestGrading(t *testing.T) {
	p, err := parse("p.yaml", []byte(graded))
	if err != nil {
		t.Fatal(err)
	}
	want := Default().Grading
	want.Policy = grade.Policy{Name: "Our schools", SHA256: p.SHA256}
	want.Scale = []grade.Letter{
		{Letter: "Gold", Asks: map[string]string{grade.Function: "A", grade.Cosmetic: "B", grade.Data: "A"}},
		{Letter: "2", Asks: map[string]string{grade.Function: "C"}}, {Letter: "Scrap", Asks: map[string]string{}},
	}
	want.Function = []grade.PartRule{{Part: "keyboard", Fails: "B", Of: []string{"laptop"}}, {Part: "screen", Fails: "D"}}
	want.Damaged = "C"
	want.Battery = grade.BatteryRules{A: 90, B: 60, C: 50}
	want.Drive.Warn = "C"
	want.R2 = grade.R2Rules{Function: map[string]string{"A": "F3"}, Cosmetic: map[string]string{"A": "C4"}, Unknown: "C0"}
	is := func(word string) grade.When { return grade.When{Is: []string{word}} }
	want.Dispositions = []grade.Disposal{
		{Name: "secret", When: is("security-graded"), Then: grade.Hold, FailingThat: grade.Return},
		{Name: "unreached", When: is("storage-unreachable"), Then: grade.Hold},
		{Name: "again", When: is("data-to-retry"), Then: grade.Hold},
		{Name: "untreated", When: is("data-untreated"), Then: grade.Hold},
		{Name: "soldered", When: is("soldered-data-to-destroy"), Then: grade.Recycle},
		{Name: "locked", When: grade.When{Lock: []string{"absolute", "amt"}}, Then: grade.Hold, FailingThat: grade.Parts},
		{Name: "old", When: grade.When{Class: []string{"laptop"}, ProcessorBefore: 2015, MemoryBelowGiB: 8}, Then: grade.Recycle},
		{Name: "bad-screen", When: grade.When{Fails: []string{"screen", "battery-safety"}, ScreenBelowInches: 13, ScreenBelowLines: 768, MadeBefore: 2012}, Then: grade.Parts},
		{Name: "scrap", When: grade.When{Grade: []string{"Scrap"}, Drive: []string{"reject", "warn"}}, Then: grade.Recycle},
		{Name: "rest", Then: grade.Reuse},
	}
	want.Health.ReallocatedSectors = grade.Limit{Warn: 5, Reject: 50}
	want.Health.SparePercent = grade.Limit{Warn: 30, Reject: 10}
	want.Health.PowerOnHours = grade.Limit{Warn: 40000}
	want.Health.CRCErrors = 0
	if !reflect.DeepEqual(p.Grading, want) {
		t.Errorf("got  %+v\nwant %+v", p.Grading, want)
	}
}

func TestGradingRefuses(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"a key misspelt", "  battery:", "  batery:", `p.yaml:14:3: unknown key "batery" in grading: did you mean "battery"?`},
		{"a side misspelt", "asks: {function: C}", "asks: {funktion: C}", `p.yaml:8:14: unknown key "funktion" in grading.scale[1].asks: did you mean "function"?`},
		{"a mark that is none", "asks: {function: C}", "asks: {function: E}", `p.yaml:8:24: grading.scale[1].asks.function: "E": want one of A, B, C, D`},
		{"a scale of one letter", graded[strings.Index(graded, "    - letter: Gold"):strings.Index(graded, "    - letter: Scrap")], "", `grading.scale: has 1 letters: want 2 to 12`},
		{"a letter that stands twice", `"2"`, "Gold", `p.yaml:7:15: grading.scale[1].letter: "Gold" stands twice`},
		{"a letter that nobody can print", `"2"`, `"2 & a half"`, `grading.scale[1].letter: "2 & a half": want a letter or a short word`},
		{"a last letter that asks", "- letter: Scrap", "- {letter: Scrap, asks: {data: A}}", `grading.scale[2]: the last letter is for all the rest`},
		{"a letter that asks for nothing", "      asks: {function: C}\n", "", `p.yaml:7:7: grading.scale[1]: asks for nothing`},
		{"a worse letter that asks for more", "asks: {function: C}", "asks: {battery: C}", `p.yaml:8:23: grading.scale[1].asks.battery: asks for more than Gold above it does`},
		{"a part that is none", "part: keyboard", "part: keybord", `p.yaml:11:14: grading.function[0].part: "keybord": did you mean keyboard?`},
		{"a fault that costs nothing", "fails: B", "fails: A", `p.yaml:11:31: grading.function[0].fails: a fault cannot leave the best mark`},
		{"a class that is none", "of: [laptop]", "of: [notebook]", `p.yaml:11:39: grading.function[0].of[0]: "notebook": want one of laptop`},
		{"batteries that rise", "C: 50", "C: 95", `grading.battery: A 90, B 60, C 95: want them to fall`},
		{"a battery over the top", "A: 90", "A: 900", `p.yaml:14:16: grading.battery.A: 900: want 1 to 100 percent`},
		{"a worn drive above a good one", "{warn: C}", "{ok: C, warn: B}", `a drive that is worse cannot have a better mark`},
		{"a claim of licensed software", "{A: F3}", "{A: F5}", `p.yaml:17:19: grading.r2.function.A: F5 claims what no check here can show: want one of F3, F4`},
		{"a claim of never used", "{A: C4,", "{A: C9,", `grading.r2.cosmetic.A: C9 claims what no check here can show`},
		{"a rule without a name", "name: old, ", "", `grading.dispositions[6]: has no name`},
		{"a rule of two words", "name: old", "name: too old", `grading.dispositions[6].name: "too old": want small letters`},
		{"a rule that stands twice", "name: old", "name: locked", `p.yaml:26:14: grading.dispositions[6].name: "locked" stands twice`},
		{"a place that is none", "then: parts", "then: shop", `grading.dispositions[7].then: "shop": want one of reuse, parts, recycle, return, hold`},
		{"a word that is none", "is: [data-untreated]", "is: [data-untreted]", `grading.dispositions[3].when.is[0]: "data-untreted": did you mean data-untreated?`},
		{"a lock that is none", "absolute, amt", "absolute, amt, bitlocker", `grading.dispositions[5].when.lock[2]: "bitlocker": want one of firmware-setup-password`},
		{"a lock twice", "absolute, amt", "absolute, absolute", `grading.dispositions[5].when.lock[1]: "absolute" stands twice`},
		{"no lock at all", "lock: [absolute, amt]", "lock: []", `grading.dispositions[5].when.lock: names none`},
		{"a grade that the scale has not", "grade: [Scrap]", "grade: [D]", `p.yaml:28:36: grading.dispositions[8].when.grade[0]: rule scrap: the scale has no "D"`},
		{"a year that is none", "2015", "15", `grading.dispositions[6].when.processor_before: 15: want 1990 to 2100`},
		{"a rule that is never asked", "when: {lock: [absolute, amt]}, ", "", `grading.dispositions[5]: without when it always applies`},
		{"an empty condition", "{lock: [absolute, amt]}", "{}", `grading.dispositions[5].when: is empty`},
		{"a last rule with a condition", "name: rest, ", "name: rest, when: {is: [waste]}, ", `grading.dispositions[9]: the last rule is for all the rest`},
		{"failing what does not hold", "then: parts}", "then: parts, failing_that: recycle}", `only a rule that holds can have it`},
		{"data that may leave", "    - {name: untreated, when: {is: [data-untreated]}, then: hold}\n", "", `want a rule with when {is: [data-untreated]} and then hold, before every rule that lets a unit go`},
		{"data that may leave with some", "when: {is: [data-untreated]}", "when: {is: [data-untreated, waste]}", `want a rule with when {is: [data-untreated]} and then hold`},
		{"data that is recycled", "when: {is: [data-to-retry]}, then: hold", "when: {is: [data-to-retry]}, then: recycle", `want a rule with when {is: [data-to-retry]}`},
		{"soldered data for reuse", "then: recycle}\n    - {name: locked", "then: parts}\n    - {name: locked", `want a rule with when {is: [soldered-data-to-destroy]} and then recycle or hold`},
		{"a unit that goes before its data", "    - {name: secret", "    - {name: first, when: {is: [damaged]}, then: parts}\n    - {name: secret", `before every rule that lets a unit go`},
		{"a limit misspelt", "reallocated_sectors", "reallocated_sector", `unknown key "reallocated_sector" in drive_health: did you mean "reallocated_sectors"?`},
		{"a limit that says nothing", "{warn: 5, reject: 50}", "{}", `drive_health.reallocated_sectors: want warn, reject or both`},
		{"a limit below nothing", "warn: 5,", "warn: -5,", `drive_health.reallocated_sectors.warn: -5: want 0 (never) to 1000000000`},
		{"a drive rejected before it is watched", "{warn: 5, reject: 50}", "{warn: 50, reject: 5}", `a drive would be rejected before anything is said`},
		{"spare that falls the wrong way", "{warn: 30, reject: 10}", "{warn: 10, reject: 30}", `drive_health.spare_percent: warn 10, reject 30`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(graded, tt.from) == 0 {
				t.Fatalf("%q does not stand in the policy", tt.from)
			}
			_, err := parse("p.yaml", []byte(strings.Replace(graded, tt.from, tt.to, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "p.yaml:") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
