package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/term"

	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

// simSpeed is how much faster simulated drives live when somebody watches, so
// that a training run can be followed and takes no hours.
const simSpeed = 60

// rig gives the simulators that were asked for, or this machine. It is nil when
// all that was asked for was the list of simulators, which has been shown.
func (a *app) rig(profiles []string) (session.Rig, error) {
	if len(profiles) == 0 {
		return session.Machine(), nil
	}
	if slices.Contains(profiles, "list") {
		return nil, a.listProfiles()
	}
	speed := 0.0
	if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		speed = simSpeed
	}
	a.simulated = true
	r, labels, err := session.Simulated(profiles, a.now(), speed)
	if errors.Is(err, session.ErrNoProfile) {
		return nil, fail(exitUsage, "ombruk drives --simulate list shows the simulated drives there are", err)
	}
	if err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(labels)) {
		a.note("the label of %s reads PSID %s", path, labels[path])
	}
	return r, nil
}

// session is the sitting at a rig.
func (a *app) session(r session.Rig) *session.Session {
	s := &session.Session{Rig: r, Note: a.note, Now: a.now}
	if dir, err := a.stateDir(); err == nil {
		s.PendingDir = func() string { return filepath.Join(dir, pendingDir) }
	}
	return s
}

// listProfiles answers --simulate list.
func (a *app) listProfiles() error {
	all, err := drivesim.Profiles()
	if err != nil {
		return err
	}
	for _, p := range all {
		if a.flags.json {
			err = a.emit(struct {
				Type   string        `json:"type"`
				Schema int           `json:"schema"`
				Name   string        `json:"name"`
				Title  string        `json:"title"`
				Bus    inventory.Bus `json:"bus"`
				Honest bool          `json:"honest"`
				Expect string        `json:"expect"`
			}{"profile", 1, p.Name, p.Title, p.Bus, p.Honest, p.Expect})
			if err != nil {
				return err
			}
			continue
		}
		kind := "honest"
		if !p.Honest {
			kind = "LIAR"
		}
		a.say("%-32s %-6s %s", p.Name, kind, p.Title)
	}
	return nil
}
