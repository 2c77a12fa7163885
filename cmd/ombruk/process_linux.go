package main

import (
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
	unit, unitErr := b.station.Unit(job.UnitReport{Machine: machine, Order: b.order, Drives: b.unitDrives(machine.Drives), Began: began})
	if unitErr != nil {
		return fail(worse(b.code, exitError), "the records of the drives are closed; free the output folder and make the unit report by another run", fmt.Errorf("make the unit report: %w", unitErr))
	}
	if a.flags.json {
		if err := a.emit(struct {
			Type     string `json:"type"`
			Schema   int    `json:"schema"`
			ID       string `json:"id"`
			Page     string `json:"page"`
			Evidence string `json:"evidence"`
		}{"unit", 1, unit.ID, unit.PagePath, unit.EvidencePath}); err != nil {
			return err
		}
	}
	a.say("unit report %s", unit.PagePath)
	return err
}

// unitDrives lists the drives of the machine with what was done to each.
func (b *batch) unitDrives(all []inventory.Drive) []certs.UnitDrive {
	if b.run == nil {
		return session.UnitDrives(nil, nil, nil, nil, all)
	}
	return session.UnitDrives(b.run.Works, b.run.Done, b.run.Errs, nil, all)
}
