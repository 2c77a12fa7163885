package erase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// judge writes the outcome. It is the only place where an outcome better than
// unproven comes from, and it starts from the worst: a Sanitized value needs
// every pass through, every block of the last pass written, every erase
// accepted by the drive in this run (or in the one that our journal tells of)
// and ended with a terminal success, the read-back that was planned done in
// full with everything as expected, nothing left hidden, the drive back in
// ordinary use and still the one that was opened.
func (r *runner) judge() {
	res := &r.result
	res.Outcome, res.Assurance, res.Achieved, res.Disposition = Unproven, AssuranceNone, MethodNone, Hold
	res.Exceptions = []Exception{}
	switch hidden := r.leftHidden(); {
	case res.Err != nil:
		r.judgeError()
	case r.lastWrite.total > 0 || r.readBad.total > 0 || r.mismatch.total > 0:
		res.Outcome, res.Disposition = Failed, Destroy
		if r.writtenOver() {
			res.Disposition = Hold // the drive may be sound; the next run begins anew
		}
	case hidden > 0:
		// Somebody's data may be there, and nobody can look.
		res.Outcome = Failed
		stuck := ""
		if res.After != nil {
			stuck = res.After.Hidden.Stuck
		}
		r.except("hidden-area-left", fmt.Sprintf("%d bytes of the drive stay hidden, so nobody could look there.%s", hidden, sentence(stuck)),
			map[string]string{"bytes": fmt.Sprint(hidden), "cause": stuck})
	case r.readBacks == 0 || r.plan.Verify == VerifyNone:
		res.Assurance = DeviceReported
		r.except("not-read-back", "Nothing was read back, so the outcome is not proved.", nil)
	case r.givesErase() && !r.proved:
		res.Assurance = DeviceReported
		r.except("nothing-to-compare", fmt.Sprintf("Too little could be compared to prove the erase: %d of %d markers were on the drive before it, and %d other places held something.", r.marks.written, len(r.marks.places), len(r.marks.remembered)),
			map[string]string{"markers": fmt.Sprint(r.marks.written), "places": fmt.Sprint(len(r.marks.places)), "remembered": fmt.Sprint(len(r.marks.remembered))})
	case r.plan.Achieves == MethodNone:
		// Best effort at something that is no sanitization of this drive.
		res.Disposition = Destroy
		r.except("below-accepted", fmt.Sprintf("%s was accepted at the least, and what was done reaches no Method on this drive.", r.plan.Accepted),
			map[string]string{"accepted": r.plan.Accepted.String(), "achieved": MethodNone.String()})
	case r.size > 0 && res.Verification.BytesRead > 0 && r.allDone():
		res.Outcome, res.Assurance, res.Achieved, res.Disposition = Sanitized, ReadBack, r.plan.Achieves, Reuse
		if r.sawMedia {
			res.Assurance = MediaVerified
		}
	default:
		// Not reached while the steps report their errors; if one day they
		// do not, nothing is claimed.
		r.except("unfinished", "The run did not finish what was planned.", nil)
	}
	r.faults()
	r.circumstances()
	if res.Outcome == Sanitized && len(res.Exceptions) > 0 {
		res.Outcome = SanitizedWithExceptions
	}
	res.Fulfilled = res.Outcome.Clean() && res.Achieved >= r.plan.Accepted && res.Achieved != MethodNone
	if res.Outcome.Clean() && !res.Fulfilled {
		res.Disposition = Destroy
		r.except("below-accepted", fmt.Sprintf("%s was accepted at the least and %s was reached, so the order is not fulfilled.", r.plan.Accepted, res.Achieved),
			map[string]string{"accepted": r.plan.Accepted.String(), "achieved": res.Achieved.String()})
	}
}

// allDone reports whether every step of the plan that erases or looks was
// carried out, counted from the plan itself.
func (r *runner) allDone() bool {
	overwrites, readBacks, erases := 0, 0, 0
	for _, s := range r.plan.Steps {
		switch s.Kind {
		case StepOverwrite:
			overwrites++
		case StepReadBack:
			readBacks++
		case StepErase:
			erases++
		}
	}
	if r.awaits() && erases == 0 {
		erases = 1 // the one that was awaited
	}
	if r.plan.goesOn() && (!r.continued || r.result.Verification.Mode != VerifyFull || r.result.Verification.BytesRead != r.size) {
		return false // what another run wrote counts only if all of it was read
	}
	return overwrites+erases > 0 && overwrites == r.done-r.before && readBacks == r.readBacks &&
		(overwrites == 0 || r.wholeWritten) && (erases == 0 || r.accepted && r.erased && !r.working && r.left)
}

// givesErase reports whether the plan lets the drive erase itself.
func (r *runner) givesErase() bool {
	return slices.ContainsFunc(r.plan.Steps, func(s Step) bool { return s.Kind == StepErase }) || r.awaits()
}

// awaits reports whether the run takes up an erase that an earlier one gave.
func (r *runner) awaits() bool { return r.o.Resume != nil && !r.plan.goesOn() }

// health tells of a drive that is at its end by its own word. One that takes no
// writes any more is clean and of no use.
func (r *runner) health() {
	a := r.result.After
	if a == nil {
		a = r.result.Before
	}
	if a != nil && a.Health != nil && a.Health.Passed != nil && !*a.Health.Passed {
		r.except("failing-health", "The drive itself says that its health is failing.", nil)
	}
	if r.readOnly && r.result.Outcome.Clean() {
		r.result.Disposition = Destroy
		r.except("takes-no-writes", "The drive takes no writes any more, as worn-out flash does.", nil)
	}
}

// leftHidden is how many bytes are known to be hidden, or were and were not seen
// to come back: what a drive no longer tells has not gone away.
func (r *runner) leftHidden() int64 {
	if a := r.result.After; a != nil && a.Hidden.Known() {
		return a.Hidden.Bytes()
	}
	var hidden int64
	for _, a := range []*inventory.Abilities{r.plan.Drive.Abilities, r.result.Before, r.result.After} {
		if a != nil {
			hidden = max(hidden, a.Hidden.Bytes())
		}
	}
	return max(hidden-max(r.size-r.began, 0), 0)
}

// spaces lists the other parts of the drive that this record does not cover,
// whoever saw them.
func (r *runner) spaces() {
	seen := map[string]bool{}
	for _, a := range []*inventory.Abilities{r.result.After, r.result.Before, r.plan.Drive.Abilities} {
		if a == nil {
			continue
		}
		for _, s := range a.Spaces {
			// Together every part has been named: it is in this record, or,
			// as a unit of a SCSI drive, has one of its own.
			together := r.plan.Together && slices.Contains(r.plan.Drive.Siblings, s.Path)
			covered := r.erased && s.Reach == "drive" || together
			if !covered && !seen[s.Name] {
				r.except("not-reached", fmt.Sprintf("The drive also has %s (%d bytes), which this record does not cover.", s.Name, s.SizeBytes), map[string]string{"name": s.Name, "bytes": fmt.Sprint(s.SizeBytes)})
			}
			seen[s.Name] = true
		}
	}
}

// sentence puts a cause behind a sentence.
func sentence(cause string) string {
	if cause == "" {
		return ""
	}
	return " " + cause + "."
}

func (r *runner) except(code, text string, params map[string]string, ranges ...BadRange) {
	r.result.Exceptions = append(r.result.Exceptions, Exception{Code: code, Text: text, Params: params, LBARanges: ranges})
}

// judgeError judges a run that ended early. What a person can mend (a cable, a
// full file system, a cancelled run) is held for another try; a drive that
// hangs or fails all over is not.
func (r *runner) judgeError() {
	res, err := &r.result, oneLine{r.result.Err}
	done, all := r.o.Progress.allDone.Load(), r.plan.Bytes()
	percent := fmt.Sprint(ppm(min(done, all), all) / 10_000)
	params := map[string]string{"percent": percent, "cause": err.Error()}
	res.Outcome, res.Disposition = Failed, Hold
	gone := errors.Is(err, ErrGone)
	switch {
	case errors.Is(err, ErrIdentityChanged):
		r.except("identity-changed", fmt.Sprintf("It is no longer the drive that was started on: %v.", err), params)
	case r.cancelled && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		res.Outcome = Interrupted
		text := fmt.Sprintf("The run was cancelled when %s %% of the work was done.", percent)
		if r.working {
			text = "The run was cancelled while the drive was erasing itself."
			delete(params, "percent") // which counts our own work only
		}
		r.except("interrupted", text, params)
	case errors.Is(err, errWrongKey):
		r.except("wrong-key", fmt.Sprintf("The drive did not take the password or PSID that was given; it takes few attempts until it has been without power: %v.", err), params)
	case errors.Is(err, ErrFrozen):
		r.except("frozen", fmt.Sprintf("The drive is frozen and takes no erase: %v.", err), params)
	case errors.Is(err, ErrLocked):
		r.except("locked", fmt.Sprintf("The drive is locked: %v.", err), params)
	case gone:
		r.except("device-gone", fmt.Sprintf("The drive went away during the run: %v.", err), params)
	case errors.Is(err, ErrEraseFailed):
		res.Disposition = Destroy
		r.except("erase-failed", fmt.Sprintf("The drive says that its own erase failed: %v.", err), params)
	case errors.Is(err, errForgotten):
		res.Outcome = Unproven
		r.except("erase-forgotten", fmt.Sprintf("The drive took the erase and does not report its end: %v.", err), params)
	case errors.Is(err, ErrSilent):
		r.except("silent", fmt.Sprintf("The drive took the erase and stopped answering: %v.", err), params)
	case errors.Is(err, errStandstill):
		res.Outcome = Unproven
		r.except("standstill", fmt.Sprintf("The drive did not end its erase: %v.", err), params)
	case errors.Is(err, errNotLeft):
		r.except("not-left", fmt.Sprintf("The drive could not be put back into ordinary use: %v.", err), params)
	case errors.Is(err, ErrRefusedByDrive), errors.Is(err, ErrUnsupported):
		if len(r.plan.Fallbacks) == 0 {
			res.Disposition = Destroy
		}
		r.except("refused-by-drive", fmt.Sprintf("The drive refused what it says it can do: %v.", err), params)
	case errors.Is(err, ErrStalled):
		res.Disposition = Destroy
		r.except("stalled", fmt.Sprintf("The drive stopped answering: %v.", err), params)
	case errors.Is(err, ErrGivenUp):
		res.Disposition = Destroy
		r.except("given-up", fmt.Sprintf("The drive failed too often to go on: %v.", err), params)
	case errors.Is(err, ErrReadOnly):
		res.Disposition = Destroy
		r.except("turned-read-only", "The drive turned read-only during the run, as worn-out flash does.", params)
	case errors.Is(err, ErrSizeChanged):
		r.except("size-changed", fmt.Sprintf("The size changed during the run: %v.", err), params)
	case errors.Is(err, ErrNoSpace):
		r.except("no-space", fmt.Sprintf("The file system that holds the image is full: %v.", err), params)
	default:
		r.except("unfinished", fmt.Sprintf("The run ended early: %v.", err), params)
	}
	r.stillAtWork(gone)
}

// oneLine is an error without line breaks, as a sentence wants it.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.ReplaceAll(e.error.Error(), "\n", "; ") }

func (e oneLine) Unwrap() error { return e.error }

// stillAtWork says what becomes of a drive that was left at its erase.
func (r *runner) stillAtWork(gone bool) {
	if r.command == "" || !r.working && !(gone && !r.terminal) {
		return
	}
	switch password := map[string]string{"password": OwnPassword}; {
	case isSanitize(r.command):
		r.except("goes-on", "The drive goes on erasing by itself, also after power-off; the next run waits for it.", nil)
	case r.command == inventory.ATASecurityErase || r.command == inventory.ATASecurityEraseEnhanced:
		r.except("at-work-locked", "The drive must not be switched off while it is at work: the erase then stops, and the drive is locked with the password "+OwnPassword+", which the next run takes off.", password)
	default:
		r.except("at-work", "The drive must not be switched off while it is at work: the erase then stops and has to be given again.", nil)
	}
}

// faults lists blocks that could not be written or read, or held something else.
func (r *runner) faults() {
	block := int64(max(r.plan.Drive.LogicalBlockBytes, 512))
	blocks := func(b blockSet) (string, map[string]string) {
		n := fmt.Sprint((b.total + block - 1) / block)
		params := map[string]string{"blocks": n}
		if b.cut {
			params["more"] = "yes"
		}
		return n, params
	}
	if r.lastWrite.total > 0 {
		n, params := blocks(r.lastWrite)
		r.except("bad-blocks", fmt.Sprintf("Blocks that could not be overwritten: %s.", n), params, r.lastWrite.ranges("write", block)...)
	}
	if r.earlierWrite && r.lastWrite.total == 0 {
		r.except("bad-blocks-earlier", "An earlier pass could not write some blocks; the last pass wrote them all.", nil)
	}
	if r.readBad.total > 0 {
		n, params := blocks(r.readBad)
		r.except("unreadable", fmt.Sprintf("Blocks that could not be read back: %s.", n), params, r.readBad.ranges("read", block)...)
	}
	if r.mismatch.total > 0 {
		n, params := blocks(r.mismatch)
		text := "Blocks that held something else than what was written: %s."
		if r.rule != ExpectWritten {
			text = "Blocks that do not read as erased: %s."
		}
		r.except("mismatch", fmt.Sprintf(text, n), params, r.mismatch.ranges("mismatch", block)...)
	}
}

// circumstances lists what a reader must know about the drive whatever the run
// came to.
func (r *runner) circumstances() {
	d := r.plan.Drive
	if strings.Trim(d.Serial, "0 ") == "" && d.Bus != inventory.BusImage {
		r.except("missing-serial", "The drive tells no serial number, so this page cannot be tied to it for certain.", nil)
	}
	if r.unfit.total > 0 {
		n := fmt.Sprint(r.unfit.total / r.blockBytes())
		r.except("unreadable-after-erase", fmt.Sprintf("Blocks that did not fit their checksum after the key was destroyed, and then were written and read: %s.", n), map[string]string{"blocks": n})
	}
	if all := len(r.marks.places); r.erased && r.rule != ExpectWritten && r.marks.written <= all-max(1, all/10) {
		r.except("markers-refused", fmt.Sprintf("Of %d markers the drive took %d before the erase.", all, r.marks.written), map[string]string{"markers": fmt.Sprint(r.marks.written), "places": fmt.Sprint(all)})
	}
	r.health()
	if fw := r.dev.Firmware(); fw != nil && r.result.Before == nil && r.result.Err == nil {
		r.except("answers-unknown", "What else the drive has (other namespaces, hidden areas) could not be asked: its answers made no sense.", nil)
	}
	r.spaces()
	known := r.result.After != nil && r.result.After.Hidden.Known()
	switch d.Bus {
	case inventory.BusATA, inventory.BusUSB, inventory.BusUnknown:
		if !known {
			r.except("hidden-area-unknown", "Whether the drive hides an area (HPA, DCO, AMA) could not be asked.", nil)
		}
	case inventory.BusSAS:
		if a := r.result.After; a != nil && a.Protocol == "scsi" && !known {
			r.except("hidden-area-unknown", "Whether the drive was made smaller than it is could not be asked.", nil)
		}
	case inventory.BusVirtual:
		r.except("logical-device", "This is a logical device made of others; what lies beneath it is not covered.", nil)
	}
}
