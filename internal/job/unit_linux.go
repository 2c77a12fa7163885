package job

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// UnitReport is what a machine's record is made of.
type UnitReport struct {
	Machine inventory.Machine
	Order   Order
	// Drives are the machine's own drives, each with its record or with why
	// it was left alone.
	Drives []certs.UnitDrive
	// Graded means that the machine holds security-graded information and
	// was not touched; Drives are then those that were left alone.
	Graded bool
	Checks []certs.Check
	// Remains are what was asked or seen of things besides the drives.
	Remains []certs.Remain
	// Locks are those that a person told of; see [inventory.Lock]. They join
	// the machine's own.
	Locks []inventory.Lock
	// Status is what the unit was when it came in.
	Status grade.Status
	// Judge grades the unit by the policy; nil leaves it ungraded.
	Judge func(grade.Facts) grade.Result
	Began time.Time
}

// Unit makes the record of a machine from the records of its drives, and tries
// again to make it durable for as long as [Station.Again] says so. What it says
// of the machine's storage as a whole follows from the facts; see [StorageOf].
func (s *Station) Unit(r UnitReport) (Done, error) {
	id, err := uuid.NewV7FromReader(s.Rand)
	if err != nil {
		return Done{}, fmt.Errorf("draw a record id: %w", err)
	}
	h := s.header(id.String(), r.Order)
	h.Clock.WallStarted, h.Clock.WallFinished = utc(r.Began), utc(s.Now())
	h.Clock.MonotonicSeconds = int64(time.Since(r.Began).Round(time.Second) / time.Second)
	u := certs.Unit{
		Header: h, Machine: r.Machine, Drives: notNil(r.Drives), People: r.Order.People,
		Storage: StorageOf(r.Machine, r.Drives, r.Graded), Checks: notNil(r.Checks), Remains: r.Remains,
	}
	// What the maker of a virtual machine leaves there may be a credential, and
	// nothing in a record needs it.
	u.Machine.OEMStrings = []string{}
	facts := factsOf(u, r)
	// What the drives said of their passwords last counts, not what was found
	// before they were erased.
	found := slices.DeleteFunc(slices.Clone(r.Machine.Locks), func(l inventory.Lock) bool { return l.Code == inventory.LockDrive })
	u.Machine.Locks = withLocks(append(found, inventory.DriveLocks(facts.Machine)...), r.Locks)
	facts.Machine.Locks = u.Machine.Locks
	if r.Judge != nil {
		result := r.Judge(facts)
		u.Grade, u.Disposition = &result, string(result.Disposition)
	}
	if r.Order.Operator != "" && u.People.PerformedBy == nil {
		u.People.PerformedBy = &certs.Person{Name: r.Order.Operator, Date: h.Clock.WallFinished.Format(time.DateOnly)}
	}
	var envelope []byte
	steps := []func() error{
		func() (err error) { envelope, err = s.unitEnvelope(&u); return err },
		func() error { return s.writeUnitPage(u, envelope) },
	}
	if err := s.keep(context.Background(), func(error) {}, steps...); err != nil {
		return Done{}, fmt.Errorf("close record %s: %w", u.ID, err)
	}
	s.Folder.Closed(u.ID)
	done := s.done(certs.Sanitization{Header: u.Header}, envelope)
	done.Unit = &u
	return done, nil
}

// withLocks are the locks that were found and those that a person told of. One
// that was found set stays set, whatever somebody says: what the machine shows
// outlives a word. Else the person knows better.
func withLocks(found, said []inventory.Lock) []inventory.Lock {
	all := slices.Clone(found)
	for _, l := range said {
		i := slices.IndexFunc(all, func(o inventory.Lock) bool { return o.Code == l.Code })
		switch {
		case i < 0:
			all = append(all, l)
		case all[i].State != inventory.LockSet:
			all[i] = l
		case l.State != inventory.LockSet:
			all[i].Text = strings.TrimPrefix(all[i].Text+"; ", "; ") + "against it: " + l.Text
		}
	}
	return notNil(all)
}

// factsOf are what a unit is judged by.
func factsOf(u certs.Unit, r UnitReport) grade.Facts {
	f := grade.Facts{
		Machine: u.Machine, Status: r.Status, SecurityGraded: r.Graded,
		StorageUnreachable: u.Storage.State == certs.StorageUnreachable,
	}
	states := map[string]grade.DataState{}
	for _, d := range u.Drives {
		// Two drives can have been at one path, one after the other: clean is
		// only what is so of both.
		if state, again := states[d.Path]; !again || state == grade.DataClean {
			states[d.Path] = dataState(d)
		}
	}
	f.Machine.Drives = []inventory.Drive{}
	for _, d := range u.Machine.Drives {
		state, own := states[d.Path]
		for _, other := range d.Siblings {
			// One erase covers all namespaces, and is listed once.
			if s, ok := states[other]; ok && !own {
				state, own = s, true
			}
		}
		if !own {
			continue // plugged in beside the machine, as the boot stick is
		}
		f.Machine.Drives = append(f.Machine.Drives, d)
		eMMC := d.Bus == inventory.BusMMC && !d.Removable
		f.Drives = append(f.Drives, grade.Drive{Path: d.Path, State: state, Soldered: eMMC})
	}
	for _, d := range u.Drives {
		if !slices.ContainsFunc(f.Drives, func(known grade.Drive) bool { return known.Path == d.Path }) {
			f.Drives = append(f.Drives, grade.Drive{Path: d.Path, State: states[d.Path]}) // gone from the machine's list
		}
	}
	for _, c := range u.Checks {
		f.Checks = append(f.Checks, grade.Check{Part: c.Part, Verdict: string(c.Verdict), Grade: c.Grade, Note: c.Note})
	}
	return f
}

// dataState is what a unit's record says of the data on one drive.
func dataState(d certs.UnitDrive) grade.DataState {
	switch {
	case d.Disposition == erase.Destroy:
		return grade.DataDestroy
	case d.Outcome.Clean() && d.Disposition == erase.Reuse && d.RecordID != "" && (d.Fulfilled == nil || *d.Fulfilled):
		return grade.DataClean
	}
	return grade.DataHold
}

// unitEnvelope gives a machine's record its place in the chain and makes it
// durable, unless an earlier try has done so.
func (s *Station) unitEnvelope(u *certs.Unit) ([]byte, error) {
	envelope, err := os.ReadFile(s.Folder.Path(u.ID, record.EvidenceSuffix))
	if err == nil {
		r, err := certs.Open(envelope)
		if err != nil {
			return nil, err
		}
		if r.Unit == nil || r.Header.ID != u.ID || r.Header.Station != u.Station {
			return nil, fmt.Errorf("%s is the record of something else", s.Folder.Path(u.ID, record.EvidenceSuffix))
		}
		*u = *r.Unit
		return envelope, s.Chain.Settle()
	}
	return s.Chain.Append(s.Folder, u.ID, func(sequence int64, previous string) ([]byte, error) {
		u.Sequence, u.Previous = sequence, previous
		return made(certs.Seal(s.Signer, certs.KindUnit, s.Mode, u))
	})
}

func (s *Station) writeUnitPage(u certs.Unit, envelope []byte) error {
	pdf, err := made(s.unitPage(u, envelope))
	if err != nil {
		return err
	}
	return s.Folder.WritePage(u.ID, pdf)
}

// unitPage makes the signed page of a machine's record.
func (s *Station) unitPage(u certs.Unit, envelope []byte) ([]byte, error) {
	pdf, err := s.Pages.Unit(u, s.pageOf(envelope))
	if err != nil {
		return nil, fmt.Errorf("make the page of %s: %w", u.ID, err)
	}
	return certs.SignPDF(pdf, s.Signer, certs.PageInfo{Name: s.Signer.Name(), Reason: "unit", Time: u.Clock.WallFinished})
}

// StorageOf says what became of a machine's storage as a whole. Storage that may
// be there and cannot be seen outweighs every drive that was seen.
func StorageOf(m inventory.Machine, drives []certs.UnitDrive, graded bool) certs.Storage {
	st := certs.Storage{Reasons: []inventory.Reason{}}
	if graded {
		st.State = certs.StorageNotHandled
		st.Reasons = append(st.Reasons, inventory.Reason{Code: certs.ReasonGraded, Text: "The machine holds security-graded information and is not handled here."})
		return st
	}
	unseen := inventory.Unseen(m)
	for _, r := range unseen {
		if r.Hides() {
			st.Reasons = append(st.Reasons, r)
		}
	}
	st.State = certs.StorageTreated
	for _, d := range drives {
		if d.RecordID == "" || d.SHA256 == "" || d.NotTouched != "" {
			st.State = certs.StoragePartly
		}
	}
	switch {
	case len(st.Reasons) > 0:
		st.State = certs.StorageUnreachable
	case len(drives) == 0:
		st.State, st.Reasons = certs.StorageNone, append(st.Reasons, unseen...)
	}
	return st
}
