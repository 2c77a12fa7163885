package session

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/inventory"
)

// Batch is a number of works that are run side by side.
type Batch struct {
	Works []Work
	// Done and Errs are what each work came to, and what went wrong with its
	// record; empty until Run.
	Done []job.Done
	Errs []error

	running *atomic.Int64 // drives at work in the whole session
	started []*job.Started
	release func()
}

// Begin opens every drive and makes every started record durable, or none: with
// an error nothing was touched. m is the machine that the drives sit in.
func (s *Session) Begin(ctx context.Context, st *job.Station, m inventory.Machine, o job.Order, works []Work) (*Batch, error) {
	release, err := s.Rig.Awake()
	if err != nil {
		return nil, &erase.RefusedError{Path: works[0].Plan.Drive.Path, Reason: err, Detail: err.Error(), Hint: "wait a moment and try again"}
	}
	b := &Batch{Works: works, running: &s.running, release: release}
	var devices []job.Device
	defer func() {
		if err == nil {
			return
		}
		for _, s := range b.started {
			s.TakeBack()
		}
		for _, d := range devices {
			_ = d.Close()
		}
		release()
	}()
	for _, w := range works {
		var d job.Device
		if d, err = s.Rig.Open(ctx, w.Drives, w.secrets); err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	if err = s.noStick(ctx, works); err != nil {
		return nil, err
	}
	for i, w := range works {
		var started *job.Started
		started, err = st.Begin(job.Task{Plan: w.Plan, Device: devices[i], Machine: m, Alongside: len(works),
			Temperature: temperature(w.Plan.Drive), Resume: w.resume, Before: w.before}, o)
		if err != nil {
			err = fmt.Errorf("begin %s: %w", w.Plan.Drive.Path, err)
			return nil, err
		}
		b.started = append(b.started, started)
	}
	return b, nil
}

// noStick refuses drives that turn out to be a boot stick now that they are
// open. One that was just plugged in is there before the kernel has read its
// partitions, by whose names it is known; opening it waits for that.
func (s *Session) noStick(ctx context.Context, works []Work) error {
	var paths []string
	for _, w := range works {
		for _, d := range w.Drives {
			paths = append(paths, d.Path)
		}
	}
	_, now, errs := s.Rig.Targets(ctx, paths...)
	for i, path := range paths {
		if errs[i] != nil {
			return fmt.Errorf("look at %s once more: %w", path, errs[i])
		}
		for _, u := range now[i].Uses {
			if u.Kind == inventory.UseBootMedium {
				return &erase.RefusedError{Path: path, Reason: erase.ErrBootMedium, Detail: "it is " + u.String(), Hint: "start this machine from another medium to erase this one"}
			}
		}
	}
	return nil
}

// Run carries all works out and returns when every record is closed or has
// failed to be. emit is called from many goroutines; ended, which may be nil,
// once for each work as its number. Each work lives in the context that alone
// gives for its number; nil means parent for all.
func (b *Batch) Run(parent context.Context, alone func(i int) context.Context, emit func(job.Event), ended func(i int)) {
	defer b.release()
	if alone == nil {
		alone = func(int) context.Context { return parent }
	}
	// A transfer that waits in the kernel keeps its place among the running
	// goroutines until the runtime notices; with more places than cores
	// nobody waits for that. At a rack every drive is a batch of its own.
	running := int(b.running.Add(int64(len(b.started))))
	defer b.running.Add(-int64(len(b.started)))
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), min(64, runtime.NumCPU()+4*running)))
	b.Done, b.Errs = make([]job.Done, len(b.started)), make([]error, len(b.started))
	var wg sync.WaitGroup
	for first := range b.Works {
		if first > 0 && b.Works[first-1].group == b.Works[first].group {
			continue
		}
		wg.Go(func() {
			for i := first; i < len(b.Works) && b.Works[i].group == b.Works[first].group; i++ {
				b.Done[i], b.Errs[i] = b.started[i].Run(alone(i), emit)
				if ended != nil {
					ended(i)
				}
			}
		})
	}
	wg.Wait()
}

// Pause holds up what we do ourselves to the drive of a work, or lets it go on.
// It reports whether there was anything to hold up or let go on.
func (b *Batch) Pause(i int, on bool) bool { return b.started[i].Pause(on) }

// UnitDrives lists the drives of a machine with what was done to each. A drive
// that was written to never stands there as one that was left alone, whatever
// became of its record and by whichever of its paths it was named. Refused is
// why a drive that could have been a target was none, by its path.
func UnitDrives(works []Work, done []job.Done, errs []error, refused map[string]error, all []inventory.Drive) []certs.UnitDrive {
	var out []certs.UnitDrive
	treated := map[string]inventory.Drive{}
	for i, d := range done {
		for _, covered := range works[i].Drives { // all namespaces of one erase
			treated[covered.Path] = covered
		}
		r := d.Record
		u := certs.UnitDrive{Path: r.Drive.Path, Model: r.Drive.Model, Serial: r.Drive.Serial, RecordID: d.ID}
		if errs[i] != nil {
			// It was written to, and no record says what came of it yet.
			u.Outcome, u.Disposition = erase.Unproven, erase.Hold
		} else {
			u.SHA256, u.Outcome, u.Achieved, u.Disposition = d.SHA256, r.Outcome, r.Achieved.Method, r.Disposition
			u.Fulfilled = &r.Fulfilled
		}
		out = append(out, u)
	}
	for _, d := range all {
		// What is plugged in beside the machine (the boot stick, a disk for
		// the records) is in the inventory and is no part of the unit.
		was := func(path string) bool {
			// Another drive may have come to where one was treated.
			t, ok := treated[path]
			return ok && t.Serial == d.Serial && t.WWN == d.WWN
		}
		if was(d.Path) || slices.ContainsFunc(d.AlsoAt, was) || !Internal(d) {
			continue
		}
		why := "it was not among the targets"
		if err := erase.Blocked(d, all, false); err != nil {
			why = err.Error()
		} else if err := refused[d.Path]; err != nil {
			why = err.Error()
		}
		out = append(out, certs.UnitDrive{Path: d.Path, Model: d.Model, Serial: d.Serial, Disposition: erase.Hold, NotTouched: why})
	}
	return out
}

// Answered gives the drives of a machine with what each last said of itself, as
// far as the works asked it. Another drive may have come to a path since: what
// the one before it said is not taken for its word.
func Answered(all []inventory.Drive, works []Work, done []job.Done) []inventory.Drive {
	type one struct{ path, serial, wwn string }
	which := func(d inventory.Drive) one { return one{d.Path, d.Serial, d.WWN} }
	last := map[one]*inventory.Abilities{}
	for i, w := range works {
		for _, d := range w.Drives {
			last[which(d)] = d.Abilities
		}
		if i < len(done) && done[i].Drive.Abilities != nil {
			last[which(done[i].Drive)] = done[i].Drive.Abilities
		}
	}
	out := slices.Clone(all)
	for i := range out {
		if a := last[which(out[i])]; a != nil {
			out[i].Abilities = a
		}
	}
	return out
}

// temperatureEvery is the time between two readings of a sensor, which may
// cost the drive a command.
const temperatureEvery = 5 * time.Second

// temperature reads a drive's sensor, where it had one at the start.
func temperature(d inventory.Drive) func() (int, bool) {
	if d.TemperatureCelsius == nil {
		return nil
	}
	last, at, known := *d.TemperatureCelsius, time.Now(), true
	return func() (int, bool) {
		if time.Since(at) >= temperatureEvery {
			last, known = inventory.Source{}.Temperature(d)
			at = time.Now()
		}
		return last, known
	}
}
