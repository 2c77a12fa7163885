package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

func newProcessCommand(a *app) *cobra.Command {
	f := new(jobFlags)
	cmd := &cobra.Command{
		Use:   "process [TARGET...] | --simulate PROFILE",
		Short: "The whole job for this machine: inventory, every internal drive, unit report",
		Long: `Takes the inventory of this machine, sanitizes every internal drive (or the
targets that are named instead), and leaves a record and page for each drive
and a unit report for the machine. Removable drives and drives on USB are left
alone unless they are named. If one internal drive may not be touched, nothing
is.

` + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error { return a.process(cmd, f, args) },
	}
	f.planning(cmd)
	f.running(cmd)
	return cmd
}

func (a *app) process(cmd *cobra.Command, f *jobFlags, paths []string) error {
	ctx := cmd.Context()
	began := a.now()
	p, err := a.loadPolicy()
	if err != nil {
		return fail(exitError, "", err)
	}
	judge, err := a.judge(p)
	if err != nil {
		return err
	}
	r, err := a.rig(f.simulate)
	if r == nil {
		return err
	}
	machine, err := r.Machine(ctx)
	if err != nil {
		return err
	}
	if len(paths) == 0 && len(f.simulate) == 0 {
		for _, d := range machine.Drives {
			if session.Internal(d) {
				paths = append(paths, d.Path)
			}
		}
	}
	b, err := a.erase(ctx, r, f, paths)
	if b == nil || b.run == nil && len(paths) > 0 {
		return err
	}
	drives := b.unitDrives(machine.Drives)
	if b.run != nil {
		machine.Drives = session.Answered(machine.Drives, b.run.Works, b.run.Done)
	}
	unit, unitErr := b.station.Unit(job.UnitReport{Machine: machine, Order: b.order, Drives: drives, Judge: judge, Began: began})
	if unitErr != nil {
		return fail(worse(b.code, exitError), "the records of the drives are closed; free the output folder and make the unit report by another run", fmt.Errorf("make the unit report: %w", unitErr))
	}
	if a.flags.json {
		if err := a.emit(struct {
			Type        string `json:"type"`
			Schema      int    `json:"schema"`
			ID          string `json:"id"`
			Page        string `json:"page"`
			Evidence    string `json:"evidence"`
			Grade       string `json:"grade"`
			Disposition string `json:"disposition"`
		}{"unit", 1, unit.ID, unit.PagePath, unit.EvidencePath, unit.Unit.Grade.Grade, unit.Unit.Disposition}); err != nil {
			return err
		}
	}
	a.say("unit report %s", unit.PagePath)
	text, textErr := a.text()
	if textErr != nil {
		return errors.Join(err, textErr)
	}
	graded := *unit.Unit.Grade
	a.say("%s %s", gradeSign(graded.Disposition), (&judgedText{t: text}).answer(graded))
	return err
}

// unitDrives lists the drives of the machine with what was done to each.
func (b *batch) unitDrives(all []inventory.Drive) []certs.UnitDrive {
	if b.run == nil {
		return session.UnitDrives(nil, nil, nil, nil, all)
	}
	return session.UnitDrives(b.run.Works, b.run.Done, b.run.Errs, nil, all)
}
