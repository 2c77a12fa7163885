package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

func newProcessCommand(a *app) *cobra.Command {
	f, of := new(jobFlags), new(unitFlags)
	cmd := &cobra.Command{
		Use:   "process [TARGET...] | --simulate PROFILE",
		Short: "The whole job for this machine: inventory, every internal drive, unit report",
		Long: `Takes the inventory of this machine, sanitizes every internal drive (or the
targets that are named instead), and leaves a record and page for each drive
and a unit report for the machine. Removable drives and drives on USB are left
alone unless they are named. If one internal drive may not be touched, nothing
is.

The unit is judged as 'ombruk grade' does, with what people found (--check,
--cosmetic, --lock, --status). What holds data or credentials besides the
drives is looked at, and what is seen stands in the report. --clear-tpm clears
the TPM when every drive is sanitized, or asks the firmware to; --eject opens
disc trays; --remains says what somebody did by hand. What nobody says and
nothing shows is not in the report.

` + exitHelp,
		Example: `  ombruk process --confirm S4EXNX0R123456 --clear-tpm --remains sim=done --cosmetic B
  ombruk process --simulate ata-ssd-block --check keyboard=pass`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.process(cmd, f, of, args) },
	}
	f.planning(cmd)
	f.running(cmd)
	of.add(cmd)
	return cmd
}

func (a *app) process(cmd *cobra.Command, f *jobFlags, of *unitFlags, paths []string) error {
	ctx := cmd.Context()
	says, byHand, err := of.read()
	if err != nil {
		return err
	}
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
	unit := job.UnitReport{Judge: judge, Began: began, Status: says.status, Locks: says.locks}
	for _, c := range says.checks {
		unit.Checks = append(unit.Checks, certs.Check{Part: c.Part, Verdict: certs.CheckVerdict(c.Verdict), Grade: c.Grade})
	}
	besides := lookBesides(ctx, r, machine)
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
	var left error
	unit.Remains, left = besides.close(ctx, of, byHand, allClean(machine, drives))
	unit.Machine, unit.Order, unit.Drives = machine, b.order, drives
	done, unitErr := b.station.Unit(unit)
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
		}{"unit", 1, done.ID, done.PagePath, done.EvidencePath, done.Unit.Grade.Grade, done.Unit.Disposition}); err != nil {
			return err
		}
	}
	a.say("unit report %s", done.PagePath)
	text, textErr := a.text()
	if textErr != nil {
		return errors.Join(err, textErr)
	}
	graded := *done.Unit.Grade
	w := &judgedText{t: text}
	w.add("", gradeSign(graded.Disposition)+" "+w.answer(graded))
	w.because(graded.Reasons)
	for _, line := range w.lines {
		a.say("%s", strings.TrimRight(line, " "))
	}
	for _, remain := range unit.Remains {
		a.say("%s: %s", text.Get("remain."+remain.Thing, nil), text.Get("remain-state."+string(remain.State), nil))
	}
	if left != nil && err == nil {
		return fail(exitError, "the unit report says so too; see what 'ombruk process --help' says of what holds data besides the drives", left)
	}
	return err
}

// unitDrives lists the drives of the machine with what was done to each.
func (b *batch) unitDrives(all []inventory.Drive) []certs.UnitDrive {
	if b.run == nil {
		return session.UnitDrives(nil, nil, nil, nil, all)
	}
	return session.UnitDrives(b.run.Works, b.run.Done, b.run.Errs, nil, all)
}
