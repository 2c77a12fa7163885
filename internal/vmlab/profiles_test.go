//go:build vm && linux

package vmlab

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/inventory"
)

var profilesWanted = flag.String("profiles", "", "also run TestEveryProfile, with the simulated drives whose names match this `regexp`; all take half an hour")

// playable says which drives can be played to a kernel here, and end in time:
// only one unit of a SCSI drive is shown, and the kernel itself waits for a
// command that never returns.
func playable(p drivesim.Profile) bool {
	endless := []drivesim.Lie{drivesim.LieEndlessFormat, drivesim.LieNeverEnds, drivesim.LieNoStatus, drivesim.LieOpenForever}
	return p.Bus != inventory.BusUSB && p.Bus != inventory.BusMMC && (p.Protocol == "nvme" || len(p.Units) == 1) &&
		!slices.ContainsFunc(p.Lies, func(l drivesim.Lie) bool { return slices.Contains(endless, l) }) &&
		!slices.ContainsFunc(p.Faults, func(f drivesim.Fault) bool { return f.Kind == drivesim.FaultVanish })
}

// Every simulated drive behind the real kernel, erased by the strongest it has:
// a record that says sanitized is about a drive that is, unless the drive lies
// in a way that no reading finds.
func TestEveryProfile(t *testing.T) {
	if *profilesWanted == "" {
		t.Skip("needs -profiles REGEXP")
	}
	wanted := regexp.MustCompile("^(" + *profilesWanted + ")$")
	all, err := drivesim.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(p drivesim.Profile) bool { return !wanted.MatchString(p.Name) || !playable(p) })
	// What the kernel keeps of drives that are gone fills the machine's memory.
	for some := range slices.Chunk(all, 40) {
		b := newBench(t)
		b.start(30 * time.Minute)
		for three := range slices.Chunk(some, 3) {
			sims := map[string]*sim{}
			for _, p := range three {
				if s := b.play(t, p); s != nil {
					sims[p.Name] = s
				}
			}
			var together sync.WaitGroup
			for _, s := range sims {
				together.Go(func() { b.tryProfile(t, sims, s) })
			}
			together.Wait()
			for _, s := range sims {
				// The kernel lets go of a drive while it still answers.
				what := "delete"
				if s.profile.Protocol == "nvme" {
					what = "delete_controller"
				}
				b.run(t, 0, "sh", "-c", "echo 1 >/sys/block/"+strings.TrimPrefix(b.paths[s.name], "/dev/")+"/device/"+what)
				if err := s.job.Kill(); err != nil {
					t.Error(err)
				}
			}
		}
		b.m.Kill()
	}
}

// play is simulate for one drive; nil when the kernel makes no disk of it, as
// of some that babble.
func (b *bench) play(t *testing.T, p drivesim.Profile) *sim {
	t.Helper()
	s := &sim{name: p.Name, profile: p, job: b.m.Begin("simdrive", "serve", "-speed", "36000", p.Name, p.Name)}
	if err := b.served(s); err != nil {
		if p.Honest {
			t.Errorf("%s: %v", p.Name, err)
		}
		return nil
	}
	return s
}

// tryProfile erases one drive and looks at what is left in it.
func (b *bench) tryProfile(t *testing.T, sims map[string]*sim, s *sim) {
	t.Helper()
	out, err := b.m.Run(append(b.eraseAll("/out/"+s.name, sims, s.name), "--best-effort")...)
	if err != nil {
		t.Errorf("%s: %v\n%s%s", s.name, err, out.Stdout, out.Stderr)
		return
	}
	if out.Code == 1 || out.Code > 5 {
		t.Errorf("%s: code %d\n%s", s.name, out.Code, out.Stderr)
	}
	if out.Code == 5 { // refused before anything was touched
		t.Logf("%s: %s", s.name, strings.TrimSpace(out.Stderr))
		return
	}
	records, _ := b.records(t, "/out/"+s.name)
	r := records[b.paths[s.name]]
	if r == nil {
		t.Errorf("%s has no record", s.name)
		return
	}
	truth := b.truth(t, s.name)
	left := truth.OriginalBytes(drivesim.Addressable)
	if r.Achieved.Method >= erase.Purge {
		left = truth.OriginalBytes(drivesim.Everything)
	}
	t.Logf("%s: %s, %s by %s, %d bytes left", s.name, r.Outcome, r.Achieved.Method, r.Achieved.Technique, left)
	covers := !slices.ContainsFunc(r.Exceptions, func(e erase.Exception) bool { return e.Code == "not-reached" })
	if r.Outcome.Clean() && covers && left > 0 && s.profile.Unmasked != drivesim.ByNothing {
		t.Errorf("%s is called %s and holds %d original bytes", s.name, r.Outcome, left)
	}
}
