package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
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

// internal reports whether a drive belongs to the machine rather than to
// whoever stands in front of it.
func internal(d inventory.Drive) bool {
	return !d.Removable && !slices.Contains([]inventory.Bus{inventory.BusUSB, inventory.BusVirtual, inventory.BusLoop}, d.Bus) && d.Media != inventory.MediaOptical
}

func (a *app) process(cmd *cobra.Command, f *jobFlags, paths []string) error {
	ctx := cmd.Context()
	began := a.now()
	r, err := a.rig(f.simulate)
	if r == nil {
		return err
	}
	machine, err := r.machine(ctx)
	if err != nil {
		return err
	}
	if len(paths) == 0 && len(f.simulate) == 0 {
		for _, d := range machine.Drives {
			if internal(d) {
				paths = append(paths, d.Path)
			}
		}
	}
	b, err := a.erase(ctx, r, f, paths)
	if b == nil || b.station == nil || b.done == nil && len(paths) > 0 {
		return err
	}
	unit, unitErr := b.station.Unit(machine, b.order, unitDrives(b, machine.Drives), began)
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
func unitDrives(b *batch, all []inventory.Drive) []certs.UnitDrive {
	var out []certs.UnitDrive
	treated := map[string]bool{}
	for i, d := range b.done {
		for _, covered := range b.works[i].drives { // all namespaces of one erase
			treated[covered.Path] = true
		}
		if b.errs[i] != nil {
			// It was written to, and no record says what came of it yet.
			r := d.Record.Drive
			out = append(out, certs.UnitDrive{Path: r.Path, Model: r.Model, Serial: r.Serial, RecordID: d.ID, Outcome: erase.Unproven, Disposition: erase.Hold})
			continue
		}
		out = append(out, unitDrive(d))
	}
	for _, d := range all {
		// What is plugged in beside the machine (the boot stick, a disk for
		// the records) is in the inventory and is no part of the unit.
		if treated[d.Path] || slices.ContainsFunc(d.AlsoAt, func(p string) bool { return treated[p] }) || !internal(d) {
			continue
		}
		why := "it was not among the targets"
		if err := erase.Blocked(d, all, false); err != nil {
			why = err.Error()
		}
		out = append(out, certs.UnitDrive{Path: d.Path, Model: d.Model, Serial: d.Serial, Disposition: erase.Hold, NotTouched: why})
	}
	return out
}

func unitDrive(d job.Done) certs.UnitDrive {
	r := d.Record
	return certs.UnitDrive{Path: r.Drive.Path, Model: r.Drive.Model, Serial: r.Drive.Serial, RecordID: d.ID, SHA256: d.SHA256,
		Outcome: r.Outcome, Achieved: r.Achieved.Method, Disposition: r.Disposition}
}
