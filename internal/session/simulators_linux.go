package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/inventory"
)

// Simulators is a bench of simulated drives.
type Simulators struct {
	clock *drivesim.Clock
	sims  []*drivesim.Drive
}

// ErrNoProfile means that there is no simulated drive of that name.
var ErrNoProfile = errors.New("there is no such profile")

// Simulated makes the drives of the profiles, one after another: /dev/sim0,
// /dev/sim1 and so on. Their time passes speed times as fast as ours; at 0 as
// fast as it can. A name that no profile has is an [ErrNoProfile].
func Simulated(names []string, now time.Time, speed float64) (*Simulators, error) {
	r := &Simulators{clock: drivesim.NewClock(now, speed)}
	for i, name := range names {
		p, err := drivesim.FindProfile(name)
		if err != nil {
			return nil, fmt.Errorf("%.60q: %w", name, ErrNoProfile)
		}
		made, err := drivesim.New(p, drivesim.Options{Path: fmt.Sprintf("/dev/sim%d", i), Clock: r.clock, Seed: uint64(i)})
		if err != nil {
			return nil, fmt.Errorf("simulate %s: %w", name, err)
		}
		r.sims = append(r.sims, made...)
	}
	return r, nil
}

// Labels gives the PSID that is printed on the label of each drive that has one,
// by the drive's path.
func (r *Simulators) Labels() map[string]string {
	labels := map[string]string{}
	for _, d := range r.sims {
		if t := d.Profile().TCG; t != nil && t.PSID != "" && d.Facts().PartitionOf == "" {
			labels[d.Facts().Path] = t.PSID
		}
	}
	return labels
}

func (*Simulators) Mode() certs.Mode { return certs.ModeSimulated }

func (r *Simulators) Drives(context.Context) ([]inventory.Drive, error) { return r.facts(), nil }

func (r *Simulators) facts() []inventory.Drive {
	var all []inventory.Drive
	for _, d := range r.sims {
		f := d.Facts()
		if f.Uses == nil {
			f.Uses = []inventory.Use{}
		}
		all = append(all, f)
	}
	return all
}

func (*Simulators) System() inventory.System {
	return inventory.System{Manufacturer: "Ombruk", Model: "Simulated computer", Class: "desktop", Serial: "SIMULATED"}
}

func (r *Simulators) Machine(context.Context) (inventory.Machine, error) {
	return inventory.Machine{System: r.System(), Drives: r.facts()}, nil
}

func (r *Simulators) Targets(_ context.Context, paths ...string) (all, named []inventory.Drive, errs []error) {
	all = r.facts()
	named, errs = make([]inventory.Drive, len(paths)), make([]error, len(paths))
	for i, path := range paths {
		d := r.find(path)
		if d == nil {
			errs[i] = fmt.Errorf("%s: %w among the simulated drives", path, inventory.ErrNotFound)
			continue
		}
		named[i] = d.Facts()
	}
	return all, named, errs
}

func (r *Simulators) find(path string) *drivesim.Drive {
	for _, d := range r.sims {
		if d.Facts().Path == path {
			return d
		}
	}
	return nil
}

func (r *Simulators) Ask(ctx context.Context, d inventory.Drive) (*inventory.Abilities, error) {
	return r.find(d.Path).Probe(ctx)
}

// Holds is nothing: what simulated drives hold is noise.
func (*Simulators) Holds(context.Context, inventory.Drive) []inventory.Held { return nil }

func (r *Simulators) Open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error) {
	var sims []*drivesim.Drive
	for _, d := range drives {
		sims = append(sims, r.find(d.Path))
	}
	return drivesim.Join(ctx, s, sims...)
}

func (r *Simulators) Suspend() error {
	for _, d := range r.sims {
		d.Suspend()
	}
	return nil
}

func (*Simulators) Awake() (release func(), err error) { return func() {}, nil }

func (r *Simulators) Clocked(s *job.Station) {
	s.Now, s.Wait = r.clock.Now, r.clock.Wait
	s.ClockSource, s.ClockTrusted = "simulated", false
	s.Pending = nil // what simulated drives do ends with the program
}
