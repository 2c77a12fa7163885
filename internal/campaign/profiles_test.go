package campaign

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/policy"
)

var update = flag.Bool("update", false, "write the golden table anew")

// TestEveryProfile orders the default of every simulated drive there is, with
// everything allowed that a technician can allow, and compares what came of it
// with a table that was read by people: testdata/profiles.golden.
func TestEveryProfile(t *testing.T) {
	profiles, err := drivesim.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	standard, err := erase.FindStandard("nist-800-88r2-purge")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, p := range profiles {
		trial := &trial{random: rand.New(rand.NewPCG(1, 1)), profile: p, policy: policy.Default(), together: true,
			order: erase.Order{Standard: standard, Rules: policy.Default().Rules, Thaw: true}}
		trial.secrets, trial.order.Password, trial.order.PSID = secretsOf(p, nil)
		v := trial.run()
		fmt.Fprintf(&table, "%s: %s\n  expected   %s\n  came       %s\n", p.Name, p.Title, p.Expect, v.came())
		if v.problem != "" {
			t.Errorf("%s: %s", p.Name, v.problem)
		}
		if claim := v.falseClaim(); claim != "" && (p.Honest || p.Unmaskable(v.readEverything())) {
			t.Errorf("%s: %s", p.Name, claim)
		}
	}
	const name = "testdata/profiles.golden"
	if *update {
		if err := os.WriteFile(name, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(table.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(wanted)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(wanted) {
			w = wanted[i]
		}
		if g != w {
			t.Errorf("line %d (-update writes the table; read it):\n got %s\nwant %s", i+1, g, w)
		}
	}
}

// came is what became of a drive in one line.
func (v verdict) came() string {
	if v.refused != nil {
		var r *erase.RefusedError
		if errors.As(v.refused, &r) {
			return "refused: " + r.Detail
		}
		return "not opened: " + v.refused.Error()
	}
	r := v.result
	line := r.Outcome.String()
	if r.Outcome.Clean() {
		line += fmt.Sprintf(", %v by %s (%s), %s", r.Achieved, r.Technique, v.plan.Command, r.Assurance)
	}
	var codes []string
	for _, x := range r.Exceptions {
		codes = append(codes, x.Code)
	}
	slices.Sort(codes)
	if len(codes) > 0 {
		line += " [" + strings.Join(codes, ", ") + "]"
	}
	for _, s := range v.plan.Steps {
		if s.Kind == erase.StepThaw || s.Kind == erase.StepUnlock || s.Kind == erase.StepReveal || s.Kind == erase.StepAwait || s.Kind == erase.StepLeave {
			line += ", " + string(s.Kind) + " first"
		}
	}
	return line
}
