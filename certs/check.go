package certs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// ErrContradiction is the cause when a record claims a clean drive against its
// own facts.
var ErrContradiction = errors.New("the record contradicts itself")

// Check refuses a record that claims a clean drive against its own facts, with
// [ErrContradiction]. The outcome is decided in package erase; this only makes
// sure that no record and no page says more than the facts can carry.
func (p Sanitization) Check() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: outcome %s, %s", ErrContradiction, p.Outcome, fmt.Sprintf(format, args...))
	}
	if !p.Outcome.Clean() {
		if p.Fulfilled {
			return refuse("and yet fulfilled")
		}
		return nil
	}
	accepted := p.Accepted.Method
	if accepted == erase.MethodNone {
		accepted = p.Requested.Method
	}
	v := p.Verification
	switch {
	case v.Mismatches != 0:
		return refuse("and yet %d blocks differ", v.Mismatches)
	case len(v.Errors) > 0:
		return refuse("and yet reading back met errors")
	case v.MarkersLeft > 0 || v.Unchanged > 0:
		return refuse("and yet %d markers and %d remembered places are still there", v.MarkersLeft, v.Unchanged)
	case v.BytesRead <= 0 || p.Drive.CapacityBytes <= 0:
		return refuse("and yet not one byte was read back")
	case p.Drive.HiddenAfter == (HiddenAreas{}) && p.Drive.Hidden.bytes() > p.restored():
		return refuse("and yet %d bytes were hidden and were not seen to come back", p.Drive.Hidden.bytes())
	case p.Drive.HiddenAfter.bytes() > 0:
		return refuse("and yet %d bytes stay hidden", p.Drive.HiddenAfter.bytes())
	case p.Achieved.Method >= erase.Purge && !p.gaveErase():
		return refuse("%s achieved, and yet no step gave the drive an erase", p.Achieved.Method)
	case p.wentOn() && (v.Mode != erase.VerifyFull || v.BytesRead != p.Drive.CapacityBytes):
		return refuse("and yet not all of what an earlier run wrote was read back")
	case v.Mode != erase.VerifyFull && v.Mode != erase.VerifySample:
		return refuse("and yet nothing was read back")
	case p.Assurance == erase.AssuranceNone:
		return refuse("and yet no assurance")
	case p.Achieved.Method == erase.MethodNone || p.Achieved.Technique == erase.TechniqueNone:
		return refuse("and yet no method or technique achieved")
	case p.Fulfilled && p.Achieved.Method < accepted:
		return refuse("fulfilled, and yet %s is less than %s", p.Achieved.Method, accepted)
	case p.Outcome == erase.Sanitized && len(p.Exceptions) > 0 && p.Fulfilled:
		return refuse("and yet it lists exceptions")
	}
	return nil
}

// gaveErase reports whether a step gave the drive an erase of its own, or
// awaited the one that an earlier run gave.
func (p Sanitization) gaveErase() bool {
	for _, s := range p.Steps {
		if (s.Kind == erase.StepErase || s.Kind == erase.StepAwait) && s.Command != "" && s.Bytes > 0 {
			return true
		}
	}
	return false
}

// wentOn reports whether the run went on with what an earlier run had begun.
func (p Sanitization) wentOn() bool {
	for _, s := range p.Steps {
		if s.Kind == erase.StepContinue || s.Kind == erase.StepOverwrite && s.Run != "" {
			return true
		}
	}
	return false
}

// restored is how many bytes came back from hiding.
func (p Sanitization) restored() (n int64) {
	for _, s := range p.Steps {
		if s.Kind == erase.StepReveal {
			n += s.Bytes
		}
	}
	return n
}

// bytes is all that is known to be hidden.
func (h HiddenAreas) bytes() int64 {
	return inventory.Hidden{HPABytes: h.HPABytes, DCOBytes: h.DCOBytes, AMABytes: h.AMABytes}.Bytes()
}

// Check refuses a record that says more of a machine than its facts can carry,
// with [ErrContradiction]: a drive called clean without its record, storage
// called treated beside a drive that was not, or none beside one, something
// cleared by nobody, or a disposition that is not the judgement's.
func (p Unit) Check() error {
	for _, d := range p.Drives {
		if d.Outcome.Clean() && (d.RecordID == "" || d.SHA256 == "" || d.NotTouched != "" || d.Achieved == erase.MethodNone) {
			return fmt.Errorf("%w: drive %s is called %s without a record that says so", ErrContradiction, d.Path, d.Outcome)
		}
	}
	if why := p.storageContradiction(); why != "" {
		return fmt.Errorf("%w: storage is called %s, %s", ErrContradiction, p.Storage.State, why)
	}
	seen := map[string]bool{}
	for _, c := range p.Checks {
		switch {
		case c.Part == "" || seen[c.Part]:
			return fmt.Errorf("%w: part %q was checked twice, or has no name", ErrContradiction, c.Part)
		case !slices.Contains([]CheckVerdict{CheckPass, CheckFail, CheckSkip, CheckNotDone}, c.Verdict):
			return fmt.Errorf("%w: the check of %s came to %q", ErrContradiction, c.Part, c.Verdict)
		case c.Grade != "" && (c.Part != PartCosmetic || !slices.Contains([]string{"A", "B", "C", "D"}, c.Grade)):
			return fmt.Errorf("%w: grade %q of %s: want A, B, C or D of %s", ErrContradiction, c.Grade, c.Part, PartCosmetic)
		}
		seen[c.Part] = true
	}
	if why := p.remainsContradiction(); why != "" {
		return fmt.Errorf("%w: %s", ErrContradiction, why)
	}
	if why := p.gradeContradiction(); why != "" {
		return fmt.Errorf("%w: %s", ErrContradiction, why)
	}
	return nil
}

// textMost is how long a sentence of a unit's record may be, in bytes, and
// reasonsMost how many reasons one list of it may have. What is written is far
// below.
const (
	textMost    = 1000
	reasonsMost = 1000
)

// remainsContradiction is what speaks against what the record says of things
// besides the drives; empty when nothing does.
func (p Unit) remainsContradiction() string {
	seen := map[string]bool{}
	for _, r := range p.Remains {
		switch {
		case !slices.Contains(RemainThings(), r.Thing):
			return fmt.Sprintf("%.40q is nothing that could remain", r.Thing)
		case seen[r.Thing]:
			return r.Thing + " is said to remain twice"
		case !slices.Contains([]RemainState{RemainNone, RemainDone, RemainRequested, RemainLeft}, r.State):
			return fmt.Sprintf("%s came to %.40q", r.Thing, r.State)
		case r.By != ByOmbruk && r.By != ByPerson:
			return fmt.Sprintf("%s is %s by nobody (%.40q)", r.Thing, r.State, r.By)
		case r.State == RemainRequested && (r.Thing != RemainTPM || r.By != ByOmbruk):
			return r.Thing + " was requested of the firmware, which only the program can do, of a TPM"
		case r.State == RemainDone && r.By == ByOmbruk && !slices.Contains([]string{RemainTPM, RemainCard, RemainDisc}, r.Thing):
			return r.Thing + " is done by the program, which can only be told so"
		case p.Storage.State == StorageNotHandled && (r.State == RemainDone || r.State == RemainRequested):
			return fmt.Sprintf("%s is %s on a machine that is not handled here", r.Thing, r.State)
		case len(r.Text) > textMost:
			return fmt.Sprintf("what is said of %s takes %d bytes, more than %d", r.Thing, len(r.Text), textMost)
		}
		seen[r.Thing] = true
	}
	return ""
}

// gradeContradiction is what speaks against the judgement on the unit; empty
// when nothing does, and in records made before units were graded.
func (p Unit) gradeContradiction() string {
	g := p.Grade
	if g == nil {
		return ""
	}
	reasons := slices.Clone(g.Reasons)
	for _, m := range g.Marks {
		reasons = append(reasons, m.Reasons...)
	}
	if len(reasons) > reasonsMost {
		return fmt.Sprintf("the grade has %d reasons, more than %d", len(reasons), reasonsMost)
	}
	known := false // a reason says that not all storage was treated
	for _, r := range reasons {
		if r.Code == "" || len(r.Text) > textMost {
			return "a reason of the grade has no code, or no end"
		}
		known = known || slices.Contains([]string{"storage-unreachable", "data-untreated", "data-retry", "data-unread"}, r.Code)
	}
	uses := g.Disposition == grade.Reuse || g.Disposition == grade.Parts || g.Disposition == grade.Recycle
	switch {
	case string(g.Disposition) != p.Disposition:
		return fmt.Sprintf("the unit goes to %.40q, and was judged to go to %.40q", p.Disposition, g.Disposition)
	case !slices.Contains([]grade.Disposition{"", grade.Reuse, grade.Parts, grade.Recycle, grade.Return, grade.Hold}, g.Disposition):
		return fmt.Sprintf("the unit goes to %.40q, which is no place", g.Disposition)
	case len(g.Grade) > 8:
		return fmt.Sprintf("%.40q is no grade", g.Grade)
	case !slices.Contains([]grade.Status{"", grade.Product, grade.Waste}, g.Status):
		return fmt.Sprintf("the unit came in as %.40q, which is neither product nor waste", g.Status)
	case p.Storage.State == StorageNotHandled && uses:
		return fmt.Sprintf("the unit is not handled here, and yet goes to %s", g.Disposition)
	case g.Disposition == grade.Reuse && (p.Storage.State == StoragePartly || p.Storage.State == StorageUnreachable) && !known:
		return fmt.Sprintf("the unit is to be used again while its storage is %s, and no reason says so", p.Storage.State)
	}
	return ""
}

// storageContradiction is what speaks against the state of the storage; empty
// when nothing does.
func (p Unit) storageContradiction() string {
	untreated, touched, hidden := 0, 0, false
	for _, d := range p.Drives {
		if d.RecordID == "" || d.SHA256 == "" || d.NotTouched != "" {
			untreated++
		}
		if d.RecordID != "" {
			touched++
		}
	}
	for _, r := range p.Storage.Reasons {
		if r.Code == "" {
			return "and a reason has no code"
		}
		hidden = hidden || r.Hides()
	}
	switch p.Storage.State {
	case "":
		// A record from before it was said.
		if len(p.Storage.Reasons) > 0 {
			return "and there are reasons why"
		}
	case StorageTreated:
		switch {
		case len(p.Drives) == 0:
			return "and there is no drive"
		case untreated > 0:
			return fmt.Sprintf("and %d of %d drives have no record", untreated, len(p.Drives))
		case hidden:
			return "and there is storage that cannot be reached"
		}
	case StoragePartly:
		if untreated == 0 || hidden {
			return "and no drive was left alone, or there is storage that cannot be reached"
		}
	case StorageNone:
		if len(p.Drives) > 0 || hidden {
			return "and there is a drive, or storage that cannot be reached"
		}
	case StorageUnreachable:
		if !hidden {
			return "and no reason says so"
		}
	case StorageNotHandled:
		if touched > 0 || len(p.Storage.Reasons) == 0 {
			return "and a drive was touched, or no reason is given"
		}
	default:
		return "which is no state"
	}
	return ""
}
