package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/inventory"
)

func newEraseCommand(a *app) *cobra.Command {
	f := new(jobFlags)
	cmd := &cobra.Command{
		Use:   "erase TARGET... | --simulate PROFILE",
		Short: "Sanitize block devices or image files, from plan to certificate",
		Long: `Sanitizes one or more block devices or image files to a standard: by a command
of the drive's own firmware where the standard asks for Purge, by overwriting
where it asks for that. Each is read back, and leaves a signed record
(<id>.evidence.json) and page (<id>.pdf) in the output folder. 'ombruk plan'
shows beforehand what will be done and what else could be. With several targets
nothing is written unless all may be. Mounted drives, drives in use, the boot
medium, and drives that nobody confirmed are refused.

` + exitHelp,
		Example: `  ombruk erase /dev/nvme0n1 --confirm S4EXNX0R1
  ombruk erase /dev/sdb --standard nist-800-88r2-clear --confirm WD-WXC1A8
  ombruk erase disk.img --standard nist-800-88r2-clear --confirm disk.img`,
		Args: targetsOrSimulated(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.rig(f.simulate)
			if r == nil {
				return err
			}
			_, err = a.erase(cmd.Context(), r, f, args)
			return err
		},
	}
	f.planning(cmd)
	f.running(cmd)
	return cmd
}

// batch is what a run over several drives came to.
type batch struct {
	station *job.Station
	order   job.Order
	machine inventory.Machine
	// works, what each came to, and what went wrong with its record.
	works []work
	done  []job.Done
	errs  []error
	code  int
}

// erase does the whole of `ombruk erase`.
func (a *app) erase(ctx context.Context, r rig, f *jobFlags, paths []string) (*batch, error) {
	p, err := a.loadPolicy()
	if err != nil {
		return nil, err
	}
	order, err := a.orderOf(f, p)
	if err != nil {
		return nil, err
	}
	agency, err := a.agency()
	if err != nil {
		return nil, err
	}
	if err := a.recover(r.mode()); err != nil {
		return nil, err
	}
	all, drives, err := a.targets(ctx, r, paths, f.allowFabric)
	if err != nil {
		return nil, err
	}
	works, refusals, err := a.prepare(ctx, r, f, order, drives)
	if err != nil {
		return nil, refused(err)
	}
	if err := firstOf(refusals); err != nil {
		return nil, refused(err)
	}
	for _, w := range works {
		if err := a.showPlan(w.plan, nil); err != nil {
			return nil, err
		}
	}
	if err := a.confirmed(drives, f.confirm); err != nil {
		return nil, err
	}
	b := new(batch)
	if b.station, err = a.station(r.mode()); err != nil {
		return nil, err
	}
	r.clocked(b.station)
	if err := a.resumes(b.station, works); err != nil {
		return nil, err
	}
	if err := a.thaw(ctx, r, works, all); err != nil {
		return nil, err
	}
	b.machine = inventory.Machine{System: r.system(), Drives: all}
	if b.order, err = a.order(f, p, agency, b); err != nil {
		return nil, err
	}
	if r.mode() == certs.ModeSimulated {
		a.note("simulated: no drive is touched, and the records are no certificates")
	}
	return b, a.runAll(ctx, r, b, works)
}

// firstOf is the first error there is.
func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// runAll opens every drive and makes every started record durable, and only if
// all of that went through erases them side by side.
func (a *app) runAll(parent context.Context, r rig, b *batch, works []work) error {
	release, err := r.awake()
	if err != nil {
		return fail(exitRefused, "wait a moment and try again", fmt.Errorf("refused: %w", err))
	}
	defer release()
	started, err := beginAll(parent, r, b, works)
	if err != nil {
		return refused(err)
	}
	// A transfer that waits in the kernel keeps its place among the running
	// goroutines until the runtime notices; with more places than cores
	// nobody waits for that.
	runtime.GOMAXPROCS(min(64, runtime.NumCPU()+4*len(started)))
	var plans []erase.Plan
	for _, w := range works {
		plans = append(plans, w.plan)
	}
	view := a.view(plans)
	ctx, cancel := a.interruptible(parent, func() {
		view.note("stopping: what is being written is finished and the records are closed; press again to leave at once")
	})
	defer cancel()
	b.works, b.done, b.errs = works, make([]job.Done, len(started)), make([]error, len(started))
	var wg sync.WaitGroup
	for first := range works {
		if first > 0 && works[first-1].group == works[first].group {
			continue
		}
		wg.Go(func() {
			for i := first; i < len(works) && works[i].group == works[first].group; i++ {
				b.done[i], b.errs[i] = started[i].Run(ctx, view.event)
			}
		})
	}
	wg.Wait()
	view.end()
	return a.conclude(b)
}

// conclude says how it ended and with which code.
func (a *app) conclude(b *batch) error {
	var failed error
	for i, d := range b.done {
		if err := b.errs[i]; err != nil {
			a.complain(fmt.Errorf("%s: the record could not be closed: %w", b.works[i].plan.Drive.Path, err), exitError,
				"make room in the output folder and run again with it: what was left open is then closed, as interrupted where no final record was written")
			b.code = worse(b.code, exitError)
		}
		b.code = worse(b.code, exitOf(d))
	}
	if b.code != exitOK {
		failed = &codedError{code: b.code, err: errors.New("not every drive is plainly clean"), said: true}
	}
	return failed
}

// beginAll opens every drive and makes its started record durable, or none.
func beginAll(ctx context.Context, r rig, b *batch, works []work) (started []*job.Started, err error) {
	var devices []job.Device
	defer func() {
		if err == nil {
			return
		}
		for _, s := range started {
			s.TakeBack()
		}
		for _, d := range devices {
			_ = d.Close()
		}
	}()
	for _, w := range works {
		d, err := r.open(ctx, w.drives, w.secrets)
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	for i, w := range works {
		s, err := b.station.Begin(job.Task{Plan: w.plan, Device: devices[i], Machine: b.machine, Alongside: len(works),
			Temperature: temperature(w.plan.Drive), Resume: w.resume, Before: w.before}, b.order)
		if err != nil {
			return started, fmt.Errorf("begin %s: %w", w.plan.Drive.Path, err)
		}
		started = append(started, s)
	}
	return started, nil
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

// progressEvery is how often progress is reported.
func (a *app) progressEvery() time.Duration {
	if a.flags.json {
		return time.Second
	}
	return 250 * time.Millisecond
}
