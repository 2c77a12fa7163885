package erase

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// judge writes the outcome. It is the only place where an outcome better than
// unproven comes from, and it starts from the worst: a Sanitized value needs
// every pass through, every block of the last pass written, the read-back
// that was planned done in full, every byte of it as written, and the drive
// still the one that was opened.
func (r *runner) judge() {
	res := &r.result
	res.Outcome, res.Assurance, res.Achieved, res.Disposition = Unproven, AssuranceNone, MethodNone, Hold
	res.Exceptions = []Exception{}
	switch {
	case res.Err != nil:
		r.judgeError()
	case r.lastWrite.total > 0 || r.readBad.total > 0 || r.mismatch.total > 0:
		res.Outcome, res.Disposition = Failed, Destroy
	case r.plan.Verify == VerifyNone:
		res.Assurance = DeviceReported
		r.except("not-read-back", "Nothing was read back, so the outcome is not proved.", nil)
	case r.verified && r.everyPassWhole():
		res.Outcome, res.Assurance, res.Achieved, res.Disposition = Sanitized, ReadBack, r.plan.Achieves, Reuse
	default:
		// Not reached while the passes and the read-back report their
		// errors; if one day they do not, nothing is claimed.
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

// everyPassWhole reports whether all passes ran and the last wrote every byte.
func (r *runner) everyPassWhole() bool {
	n := len(r.result.Passes)
	return n > 0 && n == len(r.plan.Standard.Passes) && r.result.Passes[n-1].Bytes == r.size
}

func (r *runner) except(code, text string, params map[string]string, ranges ...BadRange) {
	r.result.Exceptions = append(r.result.Exceptions, Exception{Code: code, Text: text, Params: params, LBARanges: ranges})
}

// judgeError judges a run that ended early. What a person can mend (a cable, a
// full file system, a cancelled run) is held for another try; a drive that
// hangs or fails all over is not.
func (r *runner) judgeError() {
	res, err := &r.result, r.result.Err
	done, all := r.o.Progress.allDone.Load(), r.plan.Bytes()
	percent := fmt.Sprint(ppm(min(done, all), all) / 10_000)
	params := map[string]string{"percent": percent, "cause": err.Error()}
	res.Outcome, res.Disposition = Failed, Hold
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		res.Outcome = Interrupted
		r.except("interrupted", fmt.Sprintf("The run was cancelled when %s %% of the work was done.", percent), params)
	case errors.Is(err, ErrStalled):
		res.Disposition = Destroy
		r.except("stalled", fmt.Sprintf("The drive stopped answering: %v.", err), params)
	case errors.Is(err, ErrGivenUp):
		res.Disposition = Destroy
		r.except("given-up", fmt.Sprintf("The drive failed too often to go on: %v.", err), params)
	case errors.Is(err, ErrReadOnly):
		res.Disposition = Destroy
		r.except("turned-read-only", "The drive turned read-only during the run, as worn-out flash does.", params)
	case errors.Is(err, ErrIdentityChanged):
		r.except("identity-changed", fmt.Sprintf("At the end it was no longer the drive that was started on: %v.", err), params)
	case errors.Is(err, ErrSizeChanged):
		r.except("size-changed", fmt.Sprintf("The size changed during the run: %v.", err), params)
	case errors.Is(err, ErrNoSpace):
		r.except("no-space", fmt.Sprintf("The file system that holds the image is full: %v.", err), params)
	case errors.Is(err, ErrGone):
		r.except("device-gone", fmt.Sprintf("The drive went away during the run: %v.", err), params)
	default:
		r.except("unfinished", fmt.Sprintf("The run ended early: %v.", err), params)
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
		r.except("mismatch", fmt.Sprintf("Blocks that held something else than what was written: %s.", n), params, r.mismatch.ranges("mismatch", block)...)
	}
}

// circumstances lists what a reader must know about the drive whatever the run
// came to.
func (r *runner) circumstances() {
	d := r.plan.Drive
	if strings.Trim(d.Serial, "0 ") == "" && d.Bus != inventory.BusImage {
		r.except("missing-serial", "The drive tells no serial number, so this page cannot be tied to it for certain.", nil)
	}
	switch d.Bus {
	case inventory.BusATA, inventory.BusUSB, inventory.BusUnknown:
		r.except("hidden-area-unknown", "Whether the drive hides an area (HPA, DCO, AMA) was not asked.", nil)
	case inventory.BusVirtual:
		r.except("logical-device", "This is a logical device made of others; what lies beneath it is not covered.", nil)
	}
}
