package main

import (
	"context"
	"slices"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/internal/tui"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/report"
)

// Close implements tui.Work.
func (w *screenWork) Close(ctx context.Context, in tui.Intake, rows []tui.Row, results []tui.Result, found tui.Findings) (tui.Unit, error) {
	w.mu.Lock()
	machine, all, began := w.machine, everSeen(w.machine.Drives, w.drives), w.began
	var works []session.Work
	for _, r := range results {
		works = append(works, w.planned[r.ID])
	}
	refused := map[string]error{}
	for _, row := range rows {
		if work := w.planned[row.ID]; row.Refused != "" && row.Plan != nil && work.Refused != nil {
			refused[row.ID] = work.Refused
		}
	}
	w.mu.Unlock()
	machine.Drives = all
	station, err := w.opened()
	if err != nil {
		return tui.Unit{}, err
	}
	o, err := w.jobOrder(station, in, machine)
	if err != nil {
		return tui.Unit{}, err
	}
	unit := job.UnitReport{Machine: machine, Order: o, Graded: in.Graded, Status: in.Status, Locks: found.Locks, Judge: w.judge, Began: began}
	if !in.Graded {
		unit.Remains = w.whatRemains(ctx, found)
	}
	var done []job.Done
	var errs []error
	for _, r := range results {
		done, errs = append(done, r.Done), append(errs, r.Err)
	}
	unit.Drives = session.UnitDrives(works, done, errs, refused, all)
	unit.Machine.Drives = session.Answered(all, works, done)
	for _, c := range found.Checks {
		verdict := certs.CheckVerdict(c.Verdict)
		if verdict == "" {
			verdict = certs.CheckNotDone
		}
		unit.Checks = append(unit.Checks, certs.Check{Part: c.Part, Verdict: verdict, Grade: c.Grade, Note: c.Note})
	}
	closed, err := station.Unit(unit)
	if err != nil {
		return tui.Unit{}, err
	}
	key, n := report.UnitAnswer(*closed.Unit)
	shown := tui.Unit{Number: closed.ID, PagePath: closed.PagePath, EvidencePath: closed.EvidencePath, SHA256: closed.SHA256,
		Disposition: closed.Unit.Disposition, Answer: tui.Answer{Key: key, Count: n}}
	for _, reason := range closed.Unit.Storage.Reasons {
		shown.Why = append(shown.Why, w.unseen(reason))
	}
	for _, r := range closed.Unit.Remains {
		shown.Remains = append(shown.Remains, tui.Said{Thing: r.Thing, State: string(r.State), Text: r.Text})
	}
	if g := closed.Unit.Grade; g != nil {
		shown.Grade = g.Grade
		for _, r := range g.Reasons {
			shown.Reasons = append(shown.Reasons, w.reason(r))
		}
	}
	return shown, nil
}

// everSeen are the drives of the last look and those of the first that are not
// there any more: one that went away meanwhile was not treated.
func everSeen(first, last []inventory.Drive) []inventory.Drive {
	all := slices.Clone(last)
	for _, d := range first {
		if !slices.ContainsFunc(last, func(o inventory.Drive) bool {
			return o.Serial == d.Serial && o.WWN == d.WWN && o.Model == d.Model && (o.Path == d.Path || d.Serial != "")
		}) {
			all = append(all, d)
		}
	}
	return all
}
