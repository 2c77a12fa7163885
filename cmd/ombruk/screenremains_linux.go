package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/remains"
	"github.com/ombruk/ombruk/internal/tui"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// look looks at what there is besides the drives, with the drives of now. The
// first look at a machine is kept, to know later what was taken out.
func (w *screenWork) look(ctx context.Context) ([]remains.Seen, inventory.Machine, error) {
	w.mu.Lock()
	m := w.machine
	w.mu.Unlock()
	drives, err := w.rig.Drives(ctx)
	if err != nil {
		return nil, m, fmt.Errorf("look for what remains: %w", err)
	}
	m.Drives = drives
	seen := w.remains.Look(ctx, m)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = seen
	}
	return seen, m, nil
}

// Remains implements tui.Work.
func (w *screenWork) Remains(ctx context.Context) ([]tui.Remain, error) {
	if w.remains == nil {
		return nil, nil
	}
	seen, _, err := w.look(ctx)
	if err != nil {
		return nil, err
	}
	var all []tui.Remain
	for _, s := range seen {
		shown := tui.Remain{Thing: s.Thing, There: s.Presence == remains.Present, Gone: s.Presence == remains.Absent, Names: s.Names, Way: string(s.Way)}
		if s.Why != "" {
			shown.Why = w.text().Get("remain-why."+string(s.Why), nil)
		}
		all = append(all, shown)
	}
	return all, nil
}

// Clear implements tui.Work.
func (w *screenWork) Clear(ctx context.Context, thing string) (tui.Said, error) {
	if w.remains == nil {
		return tui.Said{}, fmt.Errorf("clear %s: %w", thing, remains.ErrNothing)
	}
	_, m, err := w.look(ctx)
	if err != nil {
		return tui.Said{}, err
	}
	did, err := w.remains.Clear(ctx, m, thing)
	if err != nil {
		return tui.Said{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// What was cleared once stays so, whatever a second try comes to.
	if i := slices.IndexFunc(w.did, func(r certs.Remain) bool { return r.Thing == thing }); i < 0 {
		w.did = append(w.did, did)
	} else if w.did[i].State == certs.RemainLeft {
		w.did[i] = did
	}
	return tui.Said{Thing: thing, State: string(did.State), Text: did.Text}, nil
}

// whatRemains is what the record says of things besides the drives.
func (w *screenWork) whatRemains(ctx context.Context, found tui.Findings) []certs.Remain {
	if w.remains == nil {
		return nil
	}
	last, _, err := w.look(ctx)
	if err != nil {
		w.note("%v", err)
	}
	var people []certs.Remain
	for _, s := range found.Said {
		people = append(people, saidBy(s.Thing, certs.RemainState(s.State), found.Locks))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return remains.Decide(w.seen, last, w.did, people)
}

// saidBy is what a record says of what a person said.
func saidBy(thing string, state certs.RemainState, locks []inventory.Lock) certs.Remain {
	r := certs.Remain{Thing: thing, State: state, By: certs.ByPerson}
	switch {
	case thing == certs.RemainEnrolment && state == certs.RemainLeft:
		r.Text = "somebody saw that it is still enrolled"
		for _, l := range locks {
			if l.State == inventory.LockSet {
				r.Text += ": " + l.Code
			}
		}
	case thing == certs.RemainEnrolment && state == certs.RemainNone:
		r.Text = "somebody looked, and it asks for nobody's sign-in"
	case state == certs.RemainNone:
		r.Text = "somebody looked and found none"
	case state == certs.RemainDone:
		r.Text = "somebody removed or cleared it"
	case state == certs.RemainLeft:
		r.Text = "somebody left it"
	}
	return r
}

// reason is a reason of a judgement in the screen's language.
func (w *screenWork) reason(r grade.Reason) string {
	if text, ok := w.text().Reason(r.Code, r.Args); ok {
		return text
	}
	return r.Text
}
