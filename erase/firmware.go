package erase

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// Firmware is what a [Device] offers when its drive has erase commands of its
// own. One goroutine at a time calls it. A method that returns an error still
// returns the commands that were given up to then, for the record.
//
// Errors: one that wraps [ErrRefusedByDrive] is the drive's own refusal;
// [ErrFrozen] and [ErrLocked] say which lock stands in the way; [ErrGone] means
// that the drive does not answer at this moment, which during an erase is
// ordinary (it may reset), so the caller asks again for as long as it has
// patience: every call finds the drive anew by its serial and WWN.
type Firmware interface {
	// Abilities asks the drive anew. It changes nothing.
	Abilities(ctx context.Context) (inventory.Abilities, error)
	// Reveal restores what is hidden (HPA, DCO, AMA), for good, and puts
	// blocks of a size Linux cannot read back to 512 bytes. Afterwards
	// SizeBytes may be larger. What stayed hidden is in the next Abilities.
	Reveal(ctx context.Context) ([]Command, error)
	// Unlock lifts a lock with what the device was opened with: a password,
	// a PSID, or the password that a run of ours left behind.
	Unlock(ctx context.Context) ([]Command, error)
	// Start gives the drive an erase command. It returns when the drive has
	// accepted it (nil) or refused it, not when it is done; a command
	// that blocks is waited for behind Status.
	Start(ctx context.Context, command inventory.EraseCommand, o StartOptions) ([]Command, error)
	// Status asks how far the erase is that Start gave, or, where none was
	// given through this device, what the drive's sanitize engine says. It
	// never counts an erase that another command started as ours: for ATA and
	// NVMe Sanitize, the drive's record must be of the same command.
	Status(ctx context.Context) (Status, error)
	// Leave puts the drive back into ordinary use: our password disabled, a
	// failure mode or media verification state left, deallocation errors
	// off, the kernel's picture of the drive read again. It is called after
	// every erase, however that ended, and may be called again.
	Leave(ctx context.Context) ([]Command, error)
}

// OwnPassword is the password that a run of ours sets for an ATA SECURITY
// ERASE UNIT, which needs one. It is fixed and documented (docs/firmware.md), so
// that a drive left locked by a power cut can be opened by anybody.
const OwnPassword = "OMBRUK"

// StartOptions are choices within an erase command.
type StartOptions struct {
	// KeepAllocated asks the drive not to deallocate afterwards, so that
	// what is read back is the medium (NVMe NDI). A drive may decline.
	KeepAllocated bool
	// PurgeOrFail asks for a purge by IEEE 2883 or a failure (NVMe PREQ).
	PurgeOrFail bool
	// OpenMedia asks for the media verification state afterwards (NVMe EMVS).
	OpenMedia bool
}

// Status is where an erase that the drive does by itself has got to.
type Status struct {
	State State
	// ProgressPPM in parts per million; -1 when the drive does not tell.
	ProgressPPM int64
	// Remaining is the drive's own estimate; zero when it gives none.
	Remaining time.Duration
	// Command is how the drive was asked and what it answered.
	Command Command
	// Of is the erase that the drive says this is about, empty where it does not say.
	Of inventory.EraseCommand
	// Deallocated is true when the drive deallocated its blocks afterwards
	// although it was asked not to.
	Deallocated bool
	// Lost is set beside StateFailed when the drive said nothing: its answer
	// to a command that blocks until it is done was lost (a power cut).
	Lost bool
	// GlobalDataErased; see inventory.SanitizeState.
	GlobalDataErased bool
}

// State is what a drive says of an erase.
type State uint8

// The states. The zero value claims nothing.
const (
	StateUnknown   State = iota
	StateIdle            // nothing was ever started, as far as the drive tells
	StateRunning         // also when it only tidies up
	StateSucceeded       // a terminal success
	StateFailed          // a terminal failure
	StateOpenMedia       // a terminal success, and the media are open for verification
)

func (s State) String() string {
	return word([]string{"unknown", "idle", "running", "succeeded", "failed", "media open"}, int(s))
}

// Why a drive's firmware would not do what it was told.
var (
	ErrRefusedByDrive = errors.New("refused by the drive")
	ErrFrozen         = errors.New("frozen")
	ErrLocked         = errors.New("locked")
	ErrUnsupported    = errors.New("not supported by the drive")
	ErrSilent         = errors.New("drive has been silent")
	ErrEraseFailed    = errors.New("erase failed in the drive")
)

// DriveError is a drive's refusal of one command.
type DriveError struct {
	// Command is what was refused, with the drive's answer as its Status.
	Command Command
	// Cause is what it comes to: ErrFrozen, ErrLocked, ErrUnsupported, or
	// nil when the drive gives no reason that is told apart.
	Cause error
}

// Error names command and answer.
func (e *DriveError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %v: %s", e.Command.Name, e.Cause, e.Command.Status)
	}
	return fmt.Sprintf("%s: %s", e.Command.Name, e.Command.Status)
}

// Unwrap makes errors.Is find ErrRefusedByDrive and the cause.
func (e *DriveError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrRefusedByDrive}
	}
	return []error{ErrRefusedByDrive, e.Cause}
}
