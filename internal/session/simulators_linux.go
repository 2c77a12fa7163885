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

// simulators is a bench of simulated drives.
type simulators struct {
	clock *drivesim.Clock
	sims  []*drivesim.Drive
}

// ErrNoProfile means that there is no simulated drive of that name.
var ErrNoProfile = errors.New("there is no such profile")

// Simulated makes the drives of the profiles, one after another: /dev/sim0,
// /dev/sim1 and so on. Their time passes speed times as fast as ours; at 0 as
// fast as it can. labels are the PSIDs that are printed on the drives that have
// one, by path. A name that no profile has is an [ErrNoProfile].
func Simulated(names []string, now time.Time, speed float64) (r Rig, labels map[string]string, err error) {
	s := &simulators{clock: drivesim.NewClock(now, speed)}
	labels = map[string]string{}
	for i, name := range names {
		p, err := drivesim.FindProfile(name)
		if err != nil {
			return nil, nil, fmt.Errorf("%.60q: %w", name, ErrNoProfile)
		}
		made, err := drivesim.New(p, drivesim.Options{Path: fmt.Sprintf("/dev/sim%d", i), Clock: s.clock, Seed: uint64(i)})
		if err != nil {
			return nil, nil, fmt.Errorf("simulate %s: %w", name, err)
		}
		for _, d := range made {
			if t := p.TCG; t != nil && t.PSID != "" && d.Facts().PartitionOf == "" {
				labels[d.Facts().Path] = t.PSID
			}
		}
		s.sims = append(s.sims, made...)
	}
	return s, labels, nil
}

func (*simulators) Mode() certs.Mode { return certs.ModeSimulated }

func (r *simulators) Drives(context.Context) ([]inventory.Drive, error) { return r.facts(), nil }

func (r *simulators) facts() []inventory.Drive {
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

func (*simulators) System() inventory.System {
	return inventory.System{Manufacturer: "Ombruk", Model: "Simulated computer", Class: "desktop", Serial: "SIMULATED"}
}

func (r *simulators) Machine(context.Context) (inventory.Machine, error) {
	return inventory.Machine{System: r.System(), Drives: r.facts()}, nil
}

func (r *simulators) Targets(_ context.Context, paths ...string) (all, named []inventory.Drive, errs []error) {
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

func (r *simulators) find(path string) *drivesim.Drive {
	for _, d := range r.sims {
		if d.Facts().Path == path {
			return d
		}
	}
	return nil
}

func (r *simulators) Ask(ctx context.Context, d inventory.Drive) (*inventory.Abilities, error) {
	return r.find(d.Path).Probe(ctx)
}

// Holds is nothing: what simulated drives hold is noise.
func (*simulators) Holds(context.Context, inventory.Drive) []inventory.Held { return nil }

func (r *simulators) Open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error) {
	var sims []*drivesim.Drive
	for _, d := range drives {
		sims = append(sims, r.find(d.Path))
	}
	return drivesim.Join(ctx, s, sims...)
}

func (r *simulators) Suspend() error {
	for _, d := range r.sims {
		d.Suspend()
	}
	return nil
}

func (*simulators) Awake() (release func(), err error) { return func() {}, nil }

func (r *simulators) Clocked(s *job.Station) {
	s.Now, s.Wait = r.clock.Now, r.clock.Wait
	s.ClockSource, s.ClockTrusted = "simulated", false
	s.Pending = nil // what simulated drives do ends with the program
}
