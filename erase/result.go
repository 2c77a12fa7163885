package erase

import (
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// Command is one command given to a drive, as it appears on the page.
type Command struct {
	Name string `json:"name"` // "WRITE", "SANITIZE BLOCK ERASE EXT"
	Code string `json:"code"` // the operation code as sent, "B4h/0012h"; empty for reads and writes through the kernel
	// Status is the drive's answer in words and numbers; for a plain write
	// the number of transfers and the number refused.
	Status string `json:"status"`
}

// BadRange is a run of logical blocks that could not be written or read.
type BadRange struct {
	LBA   uint64 `json:"lba"`   // first logical block
	Count uint64 `json:"count"` // number of logical blocks, at least 1
	Kind  string `json:"kind"`  // "write", "read" or "mismatch"
}

// Pass is one executed step.
type Pass struct {
	Kind StepKind `json:"kind"`
	// Run is the id of the record of an earlier run that did this step, or
	// that this run goes on with; empty for what this run did itself.
	Run       string    `json:"run,omitempty"`
	Technique Technique `json:"technique"`
	// Command is what the drive was given, in an erasing step.
	Command inventory.EraseCommand `json:"command,omitempty"`
	// Pattern names what was written: "00", "FF", "92 49 24", "random
	// (AES-128-CTR)", "random byte 4E", "complement B1".
	Pattern string `json:"pattern"`
	// Number counts from 1 to Of over the overwriting passes; 0 in others.
	Number   int           `json:"number"`
	Of       int           `json:"of"`
	Started  time.Time     `json:"started"`
	Finished time.Time     `json:"finished"`
	Elapsed  time.Duration `json:"elapsed"` // monotonic
	Bytes    int64         `json:"bytes"`
	Commands []Command     `json:"commands"`
	Errors   []BadRange    `json:"errors"`
}

// Verification is what reading back showed.
type Verification struct {
	Mode      VerifyMode `json:"mode"`
	BytesRead int64      `json:"bytes_read"`
	// FractionPPM is the share of the drive that was read, in parts per
	// million, rounded down; 1,000,000 only when every byte was read.
	FractionPPM int64 `json:"fraction_ppm"`
	// Mismatches is the number of logical blocks that held something else
	// than what was last written.
	Mismatches int64 `json:"mismatches"`
	// Path is "direct" when the page cache was bypassed, "cache-dropped"
	// where the file system has no direct reads, and "" when nothing was read.
	Path     string        `json:"path"`
	Started  time.Time     `json:"started"`
	Finished time.Time     `json:"finished"`
	Elapsed  time.Duration `json:"elapsed"`
	Errors   []BadRange    `json:"errors"`
	// Markers is how many places were marked before a firmware erase and
	// read back then; MarkersLeft is how many of them were still there after.
	Markers     int `json:"markers"`
	MarkersLeft int `json:"markers_left"`
	// Remembered is how many other places were read before the erase and
	// held something; Unchanged is how many of them still did after.
	Remembered int `json:"remembered"`
	Unchanged  int `json:"unchanged"`
	// Patterns are what a uniform drive was found to be filled with, in hex.
	Patterns []string `json:"patterns,omitempty"`
}

// Exception is something a reader of the page must know.
type Exception struct {
	// Code is a stable word. Of the blocks: bad-blocks, bad-blocks-earlier,
	// unreadable, mismatch. Of a run that ended early: interrupted,
	// not-closed, stalled, given-up, turned-read-only, device-gone,
	// size-changed, identity-changed, no-space, unfinished. Of a firmware
	// erase: refused-by-drive, frozen, locked, erase-failed, erase-forgotten,
	// silent, standstill, goes-on, at-work, at-work-locked, wrong-key,
	// not-left, markers-refused, nothing-to-compare,
	// unreadable-after-erase, takes-no-writes. Of what was asked:
	// not-read-back, below-accepted. Of the drive: missing-serial,
	// hidden-area-unknown, hidden-area-left, not-reached, answers-unknown,
	// failing-health, logical-device.
	Code      string     `json:"code"`
	Text      string     `json:"text"` // English, one sentence
	LBARanges []BadRange `json:"lba_ranges,omitempty"`
	// Params fill the translated sentence for the code; a subset of Text's facts.
	Params map[string]string `json:"params,omitempty"`
}

// Result is what a run of a plan came to.
type Result struct {
	Plan         Plan
	Passes       []Pass
	Verification Verification
	Exceptions   []Exception
	Outcome      Outcome
	Assurance    Assurance
	Achieved     Method
	Technique    Technique
	// Fulfilled is true when the outcome is clean and Achieved is at least
	// the accepted method.
	Fulfilled   bool
	Disposition Disposition
	Started     time.Time
	Finished    time.Time
	Elapsed     time.Duration
	// Before and After are what the drive answered before the first step and
	// after the last; nil when it was not asked or did not answer.
	Before, After *inventory.Abilities
	// SizeBytes is the capacity at the end, larger than planned when a hidden
	// area was restored.
	SizeBytes int64
	// Settled is true when the erase that the journal tells of has ended and
	// the drive is in ordinary use again, or when an overwrite has ended and
	// there is nothing to go on with. Until a run says so, what the journal
	// holds is needed by the next one: a run that gave no erase knows nothing
	// of the one before it.
	Settled bool
	// Err is the first error of the run, nil when it went through.
	Err error
}
