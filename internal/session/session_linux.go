// Package session takes drives from the first look to closed records: which of
// them belong together, what the plan of each is, what an earlier run left, how
// they run side by side. The command line, the technician's screen and a stick
// that works by itself all go this way, so that what one of them refuses the
// others refuse too.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/inventory"
)

// Session is one sitting at a machine or a bench of loose drives.
type Session struct {
	Rig Rig
	// Note tells a person what is neither result nor error.
	Note func(format string, args ...any)
	// PendingDir gives the folder of what earlier runs left (record.Pending),
	// which may be on a stick and another one at another time. It need not
	// exist; empty, and a nil function, is none.
	PendingDir func() string
	Now        func() time.Time

	running atomic.Int64 // drives at work
}

// Wishes are what is asked for a number of drives.
type Wishes struct {
	Order erase.Order
	// Thaw allows the machine to be suspended to lift a freeze lock.
	Thaw bool
	// PSIDs and Passwords of single drives, by what erase.ConfirmToken calls
	// each.
	PSIDs, Passwords map[string][]byte
}

// Work is one drive to be done: its plan, and what it takes to carry it out.
type Work struct {
	Plan erase.Plan
	// Drives are the targets that the plan covers: one, or all namespaces of
	// a drive that one command erases.
	Drives []inventory.Drive
	// Refused is why it may not be run, nil where it may.
	Refused error

	order   erase.Order
	secrets drive.Secrets
	resume  *job.Resume
	before  []erase.Pass
	// group is the number of the physical drive: what belongs to one drive is
	// done one after another.
	group int
}

// Refusal is the first reason for which one of the works may not be run.
func Refusal(works []Work) error {
	for _, w := range works {
		if w.Refused != nil {
			return w.Refused
		}
	}
	return nil
}

// Ask fills in what the drives answer, all drives at the same time: one that is
// dying must not hold up the others. A drive that does not answer is planned for
// without, which a person is told.
func (s *Session) Ask(ctx context.Context, drives []inventory.Drive) {
	var wg sync.WaitGroup
	errs := make([]error, len(drives))
	byController := map[string][]int{}
	for i, d := range drives {
		if d.PartitionOf != "" {
			continue // it is no drive
		}
		// What is behind one controller is asked one after another.
		first := slices.Min(append([]string{d.Path}, d.Siblings...))
		byController[first] = append(byController[first], i)
	}
	for _, group := range byController {
		wg.Go(func() {
			for _, i := range group {
				var answers *inventory.Abilities
				if answers, errs[i] = s.Rig.Ask(ctx, drives[i]); errs[i] == nil {
					drives[i].Abilities = answers
				}
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			s.Note("%s does not say what it can do: %v", drives[i].Path, err)
		}
	}
}

// Prepare asks the drives and makes the plans of all of them. A plan that may
// not be run says so in its Work.
func (s *Session) Prepare(ctx context.Context, wishes Wishes, drives []inventory.Drive) ([]Work, error) {
	s.Ask(ctx, drives)
	var works []Work
	add := func(w Work, err error) error {
		if err != nil && !errors.Is(err, erase.ErrOutOfReach) && !errors.Is(err, erase.ErrFrozen) && !errors.Is(err, erase.ErrLocked) && !errors.Is(err, erase.ErrNamespaces) {
			return err
		}
		w.Refused = err
		works = append(works, w)
		return nil
	}
	for number, group := range grouped(drives) {
		order, secrets := s.orderFor(wishes, group[0])
		if len(group) > 1 {
			whole := Work{Drives: group, order: order, secrets: secrets, group: number}
			whole.order.Together = true
			// Only NVMe says for sure that one command erases all of them.
			var err error
			if whole.Plan, err = erase.MakePlan(whole.drive(), whole.order); err == nil && whole.Plan.WholeDrive() && nvme(group[0]) {
				if err := add(whole, nil); err != nil {
					return nil, err
				}
				continue
			}
			order.Together = true
		}
		for _, d := range group {
			w := Work{Drives: []inventory.Drive{d}, order: order, secrets: secrets, group: number}
			if j := s.pending(d); order.Resume == nil || order.Resume.Written != nil {
				w.order.Resume = j // each is overwritten by itself
			}
			var err error
			w.Plan, err = erase.MakePlan(d, w.order)
			if err := add(w, err); err != nil {
				return nil, err
			}
		}
	}
	return works, nil
}

func nvme(d inventory.Drive) bool { return d.Abilities != nil && d.Abilities.Protocol == "nvme" }

// drive is what the plan is made for: with several namespaces, the drive with
// all of them one after another.
func (w Work) drive() inventory.Drive {
	d := w.Drives[0]
	for _, other := range w.Drives[1:] {
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
func (s *Session) orderFor(wishes Wishes, d inventory.Drive) (erase.Order, drive.Secrets) {
	var secrets drive.Secrets
	o, token := wishes.Order, erase.ConfirmToken(d)
	o.Thaw = wishes.Thaw
	if psid, ok := wishes.PSIDs[token]; ok {
		secrets.PSID, o.PSID = psid, true
	}
	if password, ok := wishes.Passwords[token]; ok {
		secrets.Password, o.Password = password, true
	}
	if o.Resume = s.pending(d); o.Resume != nil && o.Resume.Written == nil {
		o.Password = true // the drive may be locked with ours
	}
	return o, secrets
}

// pending is what an earlier run of this station was cut off in; nil when there
// is nothing. Whether that is true is checked with the station's key before
// anything rests on it.
func (s *Session) pending(d inventory.Drive) *erase.Journal {
	if s.PendingDir == nil {
		return nil
	}
	dir := s.PendingDir()
	if _, err := os.Stat(dir); dir == "" || err != nil {
		return nil
	}
	p, err := record.OpenPending(dir)
	if err != nil {
		return nil
	}
	entry, ok, err := p.Find(d)
	if err != nil {
		s.Note("%v", err)
	}
	if !ok {
		return nil
	}
	return &entry.Journal
}

// Resume finds what earlier runs left for the drives, now that the station can
// check it. A plan that rested on an entry that does not check out is made anew;
// changed lists those.
func (s *Session) Resume(st *job.Station, works []Work) (changed []erase.Plan, err error) {
	for i := range works {
		w := &works[i]
		if w.order.Resume == nil {
			continue
		}
		if w.resume, err = st.Resume(w.Drives[0]); err != nil {
			s.Note("%v", err)
		}
		if w.resume != nil {
			if !w.Plan.Resumes() {
				w.resume = nil // the plan gives an erase of its own
			}
			continue
		}
		w.order.Resume, w.order.Password = nil, len(w.secrets.Password) > 0
		if w.Plan, err = erase.MakePlan(w.drive(), w.order); err != nil {
			return changed, err
		}
		changed = append(changed, w.Plan)
	}
	return changed, nil
}

// waysAroundFrozen are what is left where a machine cannot be suspended.
const waysAroundFrozen = "unplug the drive's power and plug it in again while the machine runs, look for a setting in the machine's firmware, or send the drive to destruction"

// Thaw suspends the machine where a plan begins with that, asks the drives
// again, and makes their plans anew. all is every drive of the machine.
func (s *Session) Thaw(ctx context.Context, works []Work, all []inventory.Drive) error {
	frozen := func(w Work) bool {
		return slices.ContainsFunc(w.Plan.Steps, func(s erase.Step) bool { return s.Kind == erase.StepThaw })
	}
	first := slices.IndexFunc(works, frozen)
	if first < 0 {
		return nil
	}
	refuse := func(path, hint, detail string) error {
		return &erase.RefusedError{Path: path, Reason: erase.ErrFrozen, Detail: detail, Hint: hint}
	}
	all = slices.Clone(all)
	s.Ask(ctx, all)
	for _, d := range all {
		if d.Abilities != nil && d.Abilities.Sanitize.State == inventory.SanitizeRunning {
			return refuse(d.Path, "wait until that drive is done, then try again", "the machine cannot be suspended while this drive is at work")
		}
	}
	s.Note("suspending this machine for a few seconds to lift the freeze lock; it wakes by itself")
	began := s.Now()
	if err := s.Rig.Suspend(); err != nil {
		return refuse(works[first].Plan.Drive.Path, waysAroundFrozen, fmt.Sprintf("%v, and the machine cannot be suspended to lift that: %v", erase.ErrFrozen, err))
	}
	for i := range works {
		w := &works[i]
		if !frozen(*w) {
			continue
		}
		s.Ask(ctx, w.Drives)
		w.order.Thaw = false
		was := w.Plan
		var err error
		if w.Plan, err = erase.MakePlan(w.drive(), w.order); err != nil {
			return err
		}
		d := w.Plan.Drive
		if w.Plan.Command != was.Command || w.Plan.Achieves != was.Achieves {
			return refuse(d.Path, "look at the plan again (ombruk plan) and start anew",
				fmt.Sprintf("after the suspend it would be %s by %s instead of %s by %s", w.Plan.Achieves, w.Plan.Technique, was.Achieves, was.Technique))
		}
		status := "resumed; the drive is not frozen any more"
		if d.Abilities != nil && d.Abilities.Security.Frozen {
			status = "resumed; the drive's security is still frozen"
		}
		w.before = []erase.Pass{{Kind: erase.StepThaw, Started: began, Finished: s.Now(), Elapsed: s.Now().Sub(began), Errors: []erase.BadRange{},
			Commands: []erase.Command{{Name: "suspend to RAM", Status: status}}}}
	}
	return nil
}

// Internal reports whether a drive belongs to the machine rather than to
// whoever stands in front of it.
func Internal(d inventory.Drive) bool {
	return !d.Removable && !slices.Contains([]inventory.Bus{inventory.BusUSB, inventory.BusVirtual, inventory.BusLoop}, d.Bus) && d.Media != inventory.MediaOptical
}

// Order is what the records of one machine have in common, with the id that
// joins them and the person who does the work.
func Order(o job.Order, m inventory.Machine, performer certs.Person, random io.Reader) (job.Order, error) {
	var err error
	if o.UnitID, err = job.UnitID(m, random); err != nil {
		return o, err
	}
	if o.Operator = performer.Name; o.Operator != "" {
		o.People.PerformedBy = &performer
	}
	return o, nil
}
