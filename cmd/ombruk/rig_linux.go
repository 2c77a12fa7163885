package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/term"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/inventory"
)

// rig is where drives come from: this machine, or simulators.
type rig interface {
	// mode is the mode of the records made from it.
	mode() certs.Mode
	machine(ctx context.Context) (inventory.Machine, error)
	// system is the part of machine that is quick to read.
	system() inventory.System
	drives(ctx context.Context) ([]inventory.Drive, error)
	// targets is inventory.Source.Targets.
	targets(ctx context.Context, paths ...string) (all, named []inventory.Drive, errs []error)
	// ask gives what a drive answers when it is asked what it can do; nil
	// when there is no way to ask it.
	ask(ctx context.Context, d inventory.Drive) (*inventory.Abilities, error)
	// open takes the drive of a plan for writing; several when a command for
	// the whole drive hits several namespaces.
	open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error)
	// suspend puts the machine to sleep for a moment.
	suspend() error
	// awake keeps the machine from being put to sleep until release is called.
	awake() (release func(), err error)
	// clocked gives a station the clock that its drives live in.
	clocked(s *job.Station)
}

// rig gives the simulators that were asked for, or this machine. It is nil when
// all that was asked for was the list of simulators, which has been shown.
func (a *app) rig(profiles []string) (rig, error) {
	if len(profiles) == 0 {
		return machineRig{}, nil
	}
	if slices.Contains(profiles, "list") {
		return nil, a.listProfiles()
	}
	speed := 0.0
	if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		speed = simSpeed
	}
	a.simulated = true
	r, err := newSimRig(profiles, a.now(), speed)
	if err != nil {
		return nil, err
	}
	for _, d := range r.sims {
		if t := d.Profile().TCG; t != nil && t.PSID != "" && d.Facts().PartitionOf == "" {
			a.note("the label of %s reads PSID %s", d.Facts().Path, t.PSID)
		}
	}
	return r, nil
}

// machineRig is this machine.
type machineRig struct{ source inventory.Source }

func (machineRig) mode() certs.Mode { return certs.ModeReal }

func (r machineRig) system() inventory.System { return r.source.System() }

func (r machineRig) machine(ctx context.Context) (inventory.Machine, error) {
	return r.source.Machine(ctx)
}

func (r machineRig) drives(ctx context.Context) ([]inventory.Drive, error) {
	return r.source.Drives(ctx)
}

func (r machineRig) targets(ctx context.Context, paths ...string) (all, named []inventory.Drive, errs []error) {
	return r.source.Targets(ctx, paths...)
}

// askWithin is how long a drive may take to say what it can do.
const askWithin = 30 * time.Second

func (r machineRig) ask(ctx context.Context, d inventory.Drive) (*inventory.Abilities, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	a, err := drive.Probe(ctx, d)
	if errors.Is(err, drive.ErrNoCommands) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

func (r machineRig) open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error) {
	var opened []*drive.Drive
	for _, d := range drives {
		one, err := drive.OpenWith(ctx, d, drive.Options{Look: r.source.Facts, Drives: r.source.Drives, Secrets: s})
		if err != nil {
			for _, other := range opened {
				_ = other.Close()
			}
			return nil, err
		}
		opened = append(opened, one)
	}
	if len(opened) == 1 {
		return opened[0], nil
	}
	return drive.Join(opened...)
}

// suspendFor is long enough for a machine to fall asleep and drives to lose
// their power.
const suspendFor = 10 * time.Second

func (r machineRig) suspend() error { return kernel.Suspend(suspendFor) }

func (machineRig) awake() (release func(), err error) {
	release, err = kernel.Awake()
	if errors.Is(err, fs.ErrPermission) {
		return func() {}, nil // an ordinary user with an image file: root's lock is not ours to take
	}
	return release, err
}

func (machineRig) clocked(*job.Station) {}

// simRig is a bench of simulated drives.
type simRig struct {
	clock *drivesim.Clock
	sims  []*drivesim.Drive
}

// simSpeed is how much faster simulated drives live when somebody watches, so
// that a training run can be followed and takes no hours.
const simSpeed = 60

// newSimRig makes the drives of the profiles, one after another: /dev/sim0,
// /dev/sim1 and so on. At speed 0 their time passes as fast as it can.
func newSimRig(names []string, now time.Time, speed float64) (*simRig, error) {
	r := &simRig{clock: drivesim.NewClock(now, speed)}
	for i, name := range names {
		p, err := drivesim.FindProfile(name)
		if err != nil {
			return nil, fail(exitUsage, "ombruk drives --simulate list shows the simulated drives there are", fmt.Errorf("--simulate %.60q: there is no such profile", name))
		}
		made, err := drivesim.New(p, drivesim.Options{Path: fmt.Sprintf("/dev/sim%d", i), Clock: r.clock, Seed: uint64(i)})
		if err != nil {
			return nil, fmt.Errorf("--simulate %s: %w", name, err)
		}
		r.sims = append(r.sims, made...)
	}
	return r, nil
}

func (*simRig) mode() certs.Mode { return certs.ModeSimulated }

func (r *simRig) drives(context.Context) ([]inventory.Drive, error) { return r.facts(), nil }

func (r *simRig) facts() []inventory.Drive {
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

func (*simRig) system() inventory.System {
	return inventory.System{Manufacturer: "Ombruk", Model: "Simulated computer", Class: "desktop", Serial: "SIMULATED"}
}

func (r *simRig) machine(context.Context) (inventory.Machine, error) {
	return inventory.Machine{System: r.system(), Drives: r.facts()}, nil
}

func (r *simRig) targets(_ context.Context, paths ...string) (all, named []inventory.Drive, errs []error) {
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

func (r *simRig) find(path string) *drivesim.Drive {
	for _, d := range r.sims {
		if d.Facts().Path == path {
			return d
		}
	}
	return nil
}

func (r *simRig) ask(ctx context.Context, d inventory.Drive) (*inventory.Abilities, error) {
	return r.find(d.Path).Probe(ctx)
}

func (r *simRig) open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error) {
	var sims []*drivesim.Drive
	for _, d := range drives {
		sims = append(sims, r.find(d.Path))
	}
	return drivesim.Join(ctx, s, sims...)
}

func (r *simRig) suspend() error {
	for _, d := range r.sims {
		d.Suspend()
	}
	return nil
}

func (*simRig) awake() (release func(), err error) { return func() {}, nil }

func (r *simRig) clocked(s *job.Station) {
	s.Now, s.Wait = r.clock.Now, r.clock.Wait
	s.ClockSource, s.ClockTrusted = "simulated", false
	s.Pending = nil // what simulated drives do ends with the program
}
