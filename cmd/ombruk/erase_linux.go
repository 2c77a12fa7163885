package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/session"
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
	// run is nil until every drive could be begun.
	run  *session.Batch
	code int
}

// erase does the whole of `ombruk erase`.
func (a *app) erase(ctx context.Context, r session.Rig, f *jobFlags, paths []string) (*batch, error) {
	p, err := a.loadPolicy()
	if err != nil {
		return nil, err
	}
	order, err := a.orderOf(f, p)
	if err != nil {
		return nil, err
	}
	agency, err := a.agency(a.flags.agency)
	if err != nil {
		return nil, err
	}
	if err := a.recover(r.Mode()); err != nil {
		return nil, err
	}
	all, drives, err := a.targets(ctx, r, paths, f.allowFabric)
	if err != nil {
		return nil, err
	}
	sitting := a.session(r)
	works, err := a.prepare(ctx, sitting, f, order, drives)
	if err != nil {
		return nil, err
	}
	if err := session.Refusal(works); err != nil {
		return nil, refused(err)
	}
	for _, w := range works {
		if err := a.showPlan(w.Plan, nil); err != nil {
			return nil, err
		}
	}
	if err := a.confirmed(drives, f.confirm); err != nil {
		return nil, err
	}
	b := new(batch)
	if b.station, err = a.station(r.Mode()); err != nil {
		return nil, err
	}
	r.Clocked(b.station)
	changed, err := sitting.Resume(b.station, works)
	if err != nil {
		return nil, refused(err)
	}
	for _, plan := range changed {
		if err := a.showPlan(plan, nil); err != nil {
			return nil, err
		}
	}
	if err := sitting.Thaw(ctx, works, all); err != nil {
		return nil, refused(err)
	}
	b.machine = inventory.Machine{System: r.System(), Drives: all}
	if b.order, err = a.order(f, p, agency, b); err != nil {
		return nil, err
	}
	if r.Mode() == certs.ModeSimulated {
		a.note("simulated: no drive is touched, and the records are no certificates")
	}
	return b, a.runAll(ctx, sitting, b, works)
}

// runAll opens every drive and makes every started record durable, and only if
// all of that went through erases them side by side.
func (a *app) runAll(parent context.Context, s *session.Session, b *batch, works []session.Work) error {
	run, err := s.Begin(parent, b.station, b.machine, b.order, works)
	if err != nil {
		return refused(err)
	}
	b.run = run
	var plans []erase.Plan
	for _, w := range works {
		plans = append(plans, w.Plan)
	}
	view := a.view(plans)
	ctx, cancel := a.interruptible(parent, func() {
		view.note("stopping: what is being written is finished and the records are closed; press again to leave at once")
	})
	defer cancel()
	run.Run(ctx, nil, view.event, nil)
	view.end()
	return a.conclude(b)
}

// conclude says how it ended and with which code.
func (a *app) conclude(b *batch) error {
	var failed error
	for i, d := range b.run.Done {
		if err := b.run.Errs[i]; err != nil {
			a.complain(fmt.Errorf("%s: the record could not be closed: %w", b.run.Works[i].Plan.Drive.Path, err), exitError,
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

// progressEvery is how often progress is reported.
func (a *app) progressEvery() time.Duration {
	if a.flags.json {
		return time.Second
	}
	return 250 * time.Millisecond
}
