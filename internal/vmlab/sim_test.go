//go:build vm && linux

package vmlab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/inventory"
)

// sim is a drive that a program in the guest plays to the guest's kernel.
type sim struct {
	name    string
	profile drivesim.Profile
	serial  string
	job     *Job // of simdrive
}

// simKiB is how much of a simulated drive can be addressed: marking and reading
// back are many small transfers, and the processor is slow.
const simKiB = 512

// simulate adds drives to a machine that runs: names with their profiles.
// flags are simdrive's. Their paths are in b.paths.
func (b *bench) simulate(t *testing.T, profiles map[string]string, flags ...string) map[string]*sim {
	t.Helper()
	sims := map[string]*sim{}
	for name, profile := range profiles {
		p, err := drivesim.FindProfile(profile)
		if err != nil {
			t.Fatal(err)
		}
		args := slices.Concat([]string{"simdrive", "serve", "-kib", fmt.Sprint(simKiB)}, flags, []string{name, profile})
		sims[name] = &sim{name: name, profile: p, job: b.m.Begin(args...)}
	}
	for name, s := range sims {
		if err := b.served(s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return sims
}

// served waits until a drive is there.
func (b *bench) served(s *sim) error {
	if err := s.job.Until("\n"); err != nil {
		return err
	}
	var served struct{ Path, Serial string }
	if err := json.Unmarshal([]byte(s.job.Stdout()), &served); err != nil {
		return err
	}
	b.paths[s.name], s.serial = served.Path, served.Serial
	return nil
}

// truth is what is really in a simulated drive.
func (b *bench) truth(t *testing.T, name string) drivesim.Truth {
	t.Helper()
	var truth drivesim.Truth
	if err := json.Unmarshal([]byte(b.run(t, 0, "simdrive", "ask", name, "truth").Stdout), &truth); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return truth
}

// eraseAll is the command line that erases these drives together.
func (b *bench) eraseAll(out string, sims map[string]*sim, names ...string) []string {
	args := []string{"ombruk", "erase", "--json", "--allow-fabric", "--out", out}
	for _, name := range names {
		args = append(args, b.paths[name], "--confirm", sims[name].serial)
	}
	return append(args, labels(sims, names...)...)
}

// labels are the flags that tell what is printed on the drives.
func labels(sims map[string]*sim, names ...string) []string {
	var flags []string
	for _, name := range names {
		if tcg := sims[name].profile.TCG; tcg != nil && tcg.PSID != "" {
			flags = append(flags, "--psid", sims[name].serial+"="+tcg.PSID)
		}
	}
	return flags
}

// planned is a line of `ombruk plan --json`.
type planned struct {
	Type, Path, Achieves, Technique, Refused string
	Steps                                    []struct{ Kind, Command string }
	Why                                      []string
}

// plans asks ombruk for the plans of drives, by their names. The command must
// end with this code; flags are more of its.
func (b *bench) plans(t *testing.T, code int, names []string, flags ...string) map[string]planned {
	t.Helper()
	args := append([]string{"ombruk", "plan", "--json", "--allow-fabric"}, flags...)
	for _, name := range names {
		args = append(args, b.paths[name])
	}
	plans := map[string]planned{}
	for line := range strings.Lines(b.run(t, code, args...).Stdout) {
		var p planned
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Errorf("plan: %v: %s", err, line)
		}
		for _, name := range names {
			if p.Type == "plan" && p.Path == b.paths[name] {
				plans[name] = p
			}
		}
	}
	return plans
}

// command is the erase that a plan gives the drive.
func (p planned) command() inventory.EraseCommand {
	for _, s := range p.Steps {
		if s.Kind == "erase" {
			return inventory.EraseCommand(s.Command)
		}
	}
	return ""
}
