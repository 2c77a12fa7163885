package session

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/inventory"
)

// Rig is where drives come from: this machine ([Machine]), or simulators
// ([Simulated]).
type Rig interface {
	// Mode is the mode of the records made from it.
	Mode() certs.Mode
	Machine(ctx context.Context) (inventory.Machine, error)
	// System is the part of machine that is quick to read.
	System() inventory.System
	Drives(ctx context.Context) ([]inventory.Drive, error)
	// Targets is inventory.Source.Targets.
	Targets(ctx context.Context, paths ...string) (all, named []inventory.Drive, errs []error)
	// Ask gives what a drive answers when it is asked what it can do; nil
	// when there is no way to ask it.
	Ask(ctx context.Context, d inventory.Drive) (*inventory.Abilities, error)
	// Holds recognises what a drive holds and would lose; see
	// inventory.Source.Holds.
	Holds(ctx context.Context, d inventory.Drive) []inventory.Held
	// Open takes the drive of a plan for writing; several when a command for
	// the whole drive hits several namespaces.
	Open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error)
	// Suspend puts the machine to sleep for a moment.
	Suspend() error
	// Awake keeps the machine from being put to sleep until release is called.
	Awake() (release func(), err error)
	// Clocked gives a station the clock that its drives live in.
	Clocked(s *job.Station)
}

// Machine is this machine.
func Machine() Rig { return machine{} }

type machine struct{ source inventory.Source }

func (machine) Mode() certs.Mode { return certs.ModeReal }

func (r machine) System() inventory.System { return r.source.System() }

func (r machine) Machine(ctx context.Context) (inventory.Machine, error) {
	return r.source.Machine(ctx)
}

func (r machine) Drives(ctx context.Context) ([]inventory.Drive, error) {
	return r.source.Drives(ctx)
}

func (r machine) Targets(ctx context.Context, paths ...string) (all, named []inventory.Drive, errs []error) {
	return r.source.Targets(ctx, paths...)
}

// askWithin is how long a drive may take to say what it can do.
const askWithin = 30 * time.Second

func (r machine) Ask(ctx context.Context, d inventory.Drive) (*inventory.Abilities, error) {
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

// holdsWithin is how long a drive may take to show what it holds.
const holdsWithin = 5 * time.Second

func (r machine) Holds(ctx context.Context, d inventory.Drive) []inventory.Held {
	ctx, cancel := context.WithTimeout(ctx, holdsWithin)
	defer cancel()
	return r.source.Holds(ctx, d)
}

func (r machine) Open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error) {
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

func (r machine) Suspend() error { return kernel.Suspend(suspendFor) }

func (machine) Awake() (release func(), err error) {
	release, err = kernel.Awake()
	if errors.Is(err, fs.ErrPermission) {
		return func() {}, nil // an ordinary user with an image file: root's lock is not ours to take
	}
	return release, err
}

func (machine) Clocked(*job.Station) {}
