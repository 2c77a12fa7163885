package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/internal/tcg"
	"github.com/ombruk/ombruk/inventory"
)

// work is one drive to be done: its plan, and what it takes to carry it out.
type work struct {
	plan erase.Plan
	// drives are the targets that the plan covers: one, or all namespaces of
	// a drive that one command erases.
	drives  []inventory.Drive
	order   erase.Order
	secrets drive.Secrets
	resume  *job.Resume
	before  []erase.Pass
	// group is the number of the physical drive: what belongs to one drive is
	// done one after another.
	group int
}

// asked fills in what the drives answer. A drive that does not answer is planned
// for without, which a person is told.
func (a *app) asked(ctx context.Context, r rig, drives []inventory.Drive) {
	for i, d := range drives {
		if d.PartitionOf != "" {
			continue // it is no drive
		}
		answers, err := r.ask(ctx, d)
		if err != nil {
			a.note("%s does not say what it can do: %v", d.Path, err)
			continue
		}
		drives[i].Abilities = answers
	}
}

// prepare makes the plans of all drives. Beside each is why it is refused, nil
// where it is not.
func (a *app) prepare(ctx context.Context, r rig, f *jobFlags, o erase.Order, drives []inventory.Drive) ([]work, []error, error) {
	if err := secretsFit(f, drives); err != nil {
		return nil, nil, err
	}
	a.asked(ctx, r, drives)
	var works []work
	var refusals []error
	add := func(w work, err error) error {
		if err != nil && !errors.Is(err, erase.ErrOutOfReach) && !errors.Is(err, erase.ErrFrozen) && !errors.Is(err, erase.ErrLocked) && !errors.Is(err, erase.ErrNamespaces) {
			return err
		}
		works, refusals = append(works, w), append(refusals, err)
		return nil
	}
	for number, group := range grouped(drives) {
		order, secrets, err := a.orderFor(f, o, group[0])
		if err != nil {
			return nil, nil, err
		}
		if len(group) > 1 {
			whole := work{drives: group, order: order, secrets: secrets, group: number}
			whole.order.Together = true
			// Only NVMe says for sure that one command erases all of them.
			if whole.plan, err = erase.MakePlan(whole.drive(), whole.order); err == nil && whole.plan.WholeDrive() && nvme(group[0]) {
				if err := add(whole, nil); err != nil {
					return nil, nil, err
				}
				continue
			}
			order.Together = true
		}
		for _, d := range group {
			w := work{drives: []inventory.Drive{d}, order: order, secrets: secrets, group: number}
			w.plan, err = erase.MakePlan(d, w.order)
			if err := add(w, err); err != nil {
				return nil, nil, err
			}
		}
	}
	return works, refusals, nil
}

func nvme(d inventory.Drive) bool { return d.Abilities != nil && d.Abilities.Protocol == "nvme" }

// drive is what the plan is made for: with several namespaces, the drive with
// all of them one after another.
func (w work) drive() inventory.Drive {
	d := w.drives[0]
	for _, other := range w.drives[1:] {
		d.CapacityBytes += other.CapacityBytes
		d.PhysicalBlockBytes = max(d.PhysicalBlockBytes, other.PhysicalBlockBytes)
	}
	return d
}

// grouped puts the namespaces of one drive together when every one of them is
// among the targets.
func grouped(drives []inventory.Drive) [][]inventory.Drive {
	var groups [][]inventory.Drive
	taken := map[string]bool{}
	byPath := map[string]inventory.Drive{}
	for _, d := range drives {
		byPath[d.Path] = d
	}
	for _, d := range drives {
		if taken[d.Path] {
			continue
		}
		group := []inventory.Drive{d}
		for _, path := range d.Siblings {
			if other, ok := byPath[path]; ok {
				group = append(group, other)
			}
		}
		if len(group) != 1+len(d.Siblings) {
			group = group[:1]
		}
		for _, g := range group {
			taken[g.Path] = true
		}
		groups = append(groups, group)
	}
	return groups
}

// orderFor is the order with what was given for this one drive.
func (a *app) orderFor(f *jobFlags, o erase.Order, d inventory.Drive) (erase.Order, drive.Secrets, error) {
	var s drive.Secrets
	var err error
	o.Thaw = f.thaw
	if psid, ok := forDrive(f.psids, d); ok {
		s.PSID, o.PSID = []byte(psid), true
	}
	if name, ok := forDrive(f.passwords, d); ok {
		if s.Password, err = os.ReadFile(name); err != nil {
			return o, s, fmt.Errorf("read the password of %s: %w", d.Path, err)
		}
		s.Password = []byte(strings.TrimRight(string(s.Password), "\r\n"))
		o.Password = true
	}
	if command, accepted, ok := a.pending(d); ok {
		o.Resume, o.ResumeCommand = accepted, command
		o.Password = true // the drive may be locked with ours
	}
	return o, s, nil
}

// secretsFit refuses passwords and PSIDs that are for none of the drives, or that
// no drive could take.
func secretsFit(f *jobFlags, drives []inventory.Drive) error {
	for flag, given := range map[string][]string{"--psid": f.psids, "--drive-password": f.passwords} {
		for _, g := range given {
			serial, value, ok := strings.Cut(g, "=")
			if !ok || serial == "" || value == "" {
				return fail(exitUsage, "", fmt.Errorf("%s: want SERIAL=VALUE", flag))
			}
			if !slices.ContainsFunc(drives, func(d inventory.Drive) bool { return erase.ConfirmToken(d) == serial }) {
				return fail(exitRefused, "check the serial (ombruk drives)", fmt.Errorf("refused: %s names %q, which is not among the targets", flag, serial))
			}
			if flag == "--psid" {
				if _, err := tcg.NormalizePSID(value); err != nil {
					return fail(exitRefused, "copy it again from the label, or scan it", fmt.Errorf("refused: --psid for %s: %w", serial, err))
				}
			}
		}
	}
	return nil
}

// forDrive finds the value that was given as SERIAL=VALUE for a drive.
func forDrive(given []string, d inventory.Drive) (string, bool) {
	for _, g := range given {
		if serial, value, ok := strings.Cut(g, "="); ok && serial == erase.ConfirmToken(d) {
			return value, true
		}
	}
	return "", false
}

// pending says whether an earlier run of this station gave the drive an erase
// and did not see the end of it. Whether that is true is checked with the
// station's key before anything rests on it.
func (a *app) pending(d inventory.Drive) (command inventory.EraseCommand, accepted, ok bool) {
	dir, err := a.keysDir()
	if err != nil {
		return "", false, false
	}
	dir = filepath.Join(dir, pendingDir)
	if _, err := os.Stat(dir); err != nil {
		return "", false, false
	}
	p, err := record.OpenPending(dir)
	if err != nil {
		return "", false, false
	}
	if command, accepted, ok, err = p.Command(d); err != nil {
		a.note("%v", err)
	}
	return command, accepted, ok
}

// pendingDir is beside the chain, in the folder of keys.
const pendingDir = "pending"

// resumes finds what earlier runs left for the drives, now that the station can
// check it. A plan that rests on an entry that does not check out is made anew.
func (a *app) resumes(st *job.Station, works []work) error {
	for i := range works {
		w := &works[i]
		if !w.order.Resume {
			continue
		}
		var err error
		if w.resume, err = st.Resume(w.drives[0]); err != nil {
			a.note("%v", err)
		}
		if w.resume != nil {
			if !w.plan.Resumes() {
				w.resume = nil // the plan gives an erase of its own
			}
			continue
		}
		w.order.Resume, w.order.Password = false, len(w.secrets.Password) > 0
		if w.plan, err = erase.MakePlan(w.drive(), w.order); err != nil {
			return refused(err)
		}
		if err := a.showPlan(w.plan, nil); err != nil {
			return err
		}
	}
	return nil
}

// thaw suspends the machine where a plan begins with that, asks the drives
// again, and makes their plans anew.
func (a *app) thaw(ctx context.Context, r rig, works []work, all []inventory.Drive) error {
	frozen := func(w work) bool {
		return slices.ContainsFunc(w.plan.Steps, func(s erase.Step) bool { return s.Kind == erase.StepThaw })
	}
	if !slices.ContainsFunc(works, frozen) {
		return nil
	}
	const ways = "unplug the drive's power and plug it in again while the machine runs, look for a setting in the machine's firmware, or send the drive to destruction"
	all = slices.Clone(all)
	a.asked(ctx, r, all)
	for _, d := range all {
		if d.Abilities != nil && d.Abilities.Sanitize.State == inventory.SanitizeRunning {
			return fail(exitRefused, "wait until that drive is done, then try again", fmt.Errorf("refused: the machine cannot be suspended while %s is at work", d.Path))
		}
	}
	a.note("suspending this machine for a few seconds to lift the freeze lock; it wakes by itself")
	began := a.now()
	if err := r.suspend(); err != nil {
		return fail(exitRefused, ways, fmt.Errorf("refused: %w, and the machine cannot be suspended to lift that: %w", erase.ErrFrozen, err))
	}
	for i := range works {
		w := &works[i]
		if !frozen(*w) {
			continue
		}
		a.asked(ctx, r, w.drives)
		w.order.Thaw = false
		was := w.plan
		var err error
		if w.plan, err = erase.MakePlan(w.drive(), w.order); err != nil {
			return refused(err)
		}
		if w.plan.Command != was.Command || w.plan.Achieves != was.Achieves {
			return fail(exitRefused, "look at the plan again (ombruk plan) and start anew", fmt.Errorf("refused: %s: after the suspend it would be %s by %s instead of %s by %s",
				w.plan.Drive.Path, w.plan.Achieves, w.plan.Technique, was.Achieves, was.Technique))
		}
		status := "resumed; the drive is not frozen any more"
		if d := w.plan.Drive; d.Abilities != nil && d.Abilities.Security.Frozen {
			status = "resumed; the drive's security is still frozen"
		}
		w.before = []erase.Pass{{Kind: erase.StepThaw, Started: began, Finished: a.now(), Elapsed: a.now().Sub(began), Errors: []erase.BadRange{},
			Commands: []erase.Command{{Name: "suspend to RAM", Status: status}}}}
	}
	return nil
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
