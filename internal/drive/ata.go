package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// ataFirmware is an ATA drive's own side, on its own wire or behind a bridge.
type ataFirmware struct {
	host    Host
	secrets Secrets
	facts   inventory.Drive
	through string
	drive   *ata.Drive

	// who is the drive that first answered; another may not take its place.
	who string
	// given are the commands of the method that runs.
	given []erase.Command
	// stuck is why a hidden area could not be restored.
	stuck string
	// ownPassword is true from the moment we set ours; byMaster, that the
	// password that was given opened the drive as its master password.
	ownPassword, byMaster bool
	// had are the hidden areas that the drive once said it can have.
	had hideouts
	// sawRunning is true when the sanitize engine was seen at work since an
	// erase was last given.
	sawRunning bool
	run        *ataRun
	// last is what was found when the drive could still be asked.
	last inventory.Abilities
}

// ataRun is an erase that was given through this adapter.
type ataRun struct {
	command inventory.EraseCommand
	began   time.Time
	// before is the sanitize engine's state just before.
	before ata.SanitizeState
	// The rest is for SECURITY ERASE UNIT, which blocks: done is closed when
	// answer and err are there.
	estimate time.Duration
	done     chan struct{}
	answer   ata.Answer
	err      error
	// lock is the TCG side, for reverts.
	lock *tcgLock
}

// blocking reports whether the drive is held up by a command that has not ended.
func (r *ataRun) blocking() bool {
	if r == nil || r.done == nil {
		return false
	}
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

func newATA(_ context.Context, d inventory.Drive, h Host, s Secrets) (erase.Firmware, error) {
	if h.Wires().SCSI == nil {
		return nil, nil
	}
	return ataBehind(d, h, s, ""), nil
}

// ataBehind is an ATA drive behind what through names.
func ataBehind(d inventory.Drive, h Host, s Secrets, through string) *ataFirmware {
	return &ataFirmware{host: h, secrets: s, facts: d, through: through, drive: &ata.Drive{Unit: &scsi.Unit{Issuer: link{h}, Wait: h.Wait}}}
}

// identify asks who answers, and refuses another drive than the first.
func (a *ataFirmware) identify(ctx context.Context) (ata.Identify, error) {
	id, err := a.drive.Identify(ctx)
	if err != nil {
		return id, err
	}
	who := id.Serial + "/" + id.Model
	switch {
	case a.who == "" && !sameDrive(a.facts, id):
		return id, fmt.Errorf("%w: IDENTIFY DEVICE is answered for %q, and the drive is %q", erase.ErrIdentityChanged, id.Serial, a.facts.Serial)
	case a.who == "":
		a.who = who
	case a.who != who:
		return id, fmt.Errorf("%w: IDENTIFY DEVICE said %q before and says %q now", erase.ErrIdentityChanged, a.who, who)
	}
	return id, nil
}

// give sends a command that changes something and notes it with its answer.
func (a *ataFirmware) give(ctx context.Context, c ata.Command) (ata.Answer, error) {
	answer, err := a.drive.Do(ctx, c)
	noted := erase.Command{Name: c.Name, Code: c.Code(), Status: answer.String()}
	var refused *ata.StatusError
	if errors.As(err, &refused) {
		noted.Status = refused.Said()
	} else if err != nil {
		noted.Status = err.Error()
	}
	a.given = append(a.given, noted)
	return answer, err
}

// refusal turns a drive's no into the error that callers look at.
func refusal(err error, cause error) error {
	var e *ata.StatusError
	if !errors.As(err, &e) {
		return err
	}
	if e.NotPassedOn {
		cause = erase.ErrUnsupported
	}
	return &erase.DriveError{Command: erase.Command{Name: e.Command.Name, Code: e.Command.Code(), Status: e.Said()}, Cause: cause}
}

// method does f patiently and gives the commands that it gave.
func (a *ataFirmware) method(ctx context.Context, f func() error) ([]erase.Command, error) {
	a.given = nil
	if a.run.blocking() {
		return nil, fmt.Errorf("the drive is still carrying out %s: %w", a.run.command, erase.ErrGone)
	}
	err := patiently(ctx, a.host, f)
	return a.given, err
}

// Start implements erase.Firmware.
func (a *ataFirmware) Start(ctx context.Context, command inventory.EraseCommand, _ erase.StartOptions) ([]erase.Command, error) {
	if !a.run.blocking() {
		// What an earlier erase came to says nothing of this one.
		a.run, a.sawRunning = nil, false
	}
	if c, ok := sanitizeCommand(command, true); ok {
		return a.startSanitize(ctx, command, c)
	}
	switch command {
	case inventory.ATASecurityErase, inventory.ATASecurityEraseEnhanced:
		return a.startSecurityErase(ctx, command)
	case inventory.TCGRevert, inventory.TCGPSIDRevert:
		if _, err := a.method(ctx, func() error { _, err := a.identify(ctx); return refusal(err, nil) }); err != nil {
			return nil, err
		}
		run := &ataRun{command: command, began: a.host.Now(), lock: newTCG(ata.Trusted{Drive: a.drive}, a.host, a.secrets)}
		given, err := run.lock.Start(ctx, command)
		if err == nil {
			a.run = run
		}
		return given, err
	}
	return nil, refusedBefore(string(command), "", "no command of ATA", erase.ErrUnsupported)
}

// sanitizeCommand is the ATA command for one of ours. One overwriting pass of
// zeros; exit is the FAILURE MODE bit.
func sanitizeCommand(command inventory.EraseCommand, exit bool) (ata.Command, bool) {
	switch command {
	case inventory.ATASanitizeCrypto:
		return ata.SanitizeCrypto(exit), true
	case inventory.ATASanitizeBlock:
		return ata.SanitizeBlock(exit), true
	case inventory.ATASanitizeOverwrite:
		return ata.SanitizeOverwrite(exit, 1, 0, false), true
	}
	return ata.Command{}, false
}

// startSanitize gives a sanitize, with FAILURE MODE 1, so that a drive that
// fails can be put back into use and erased by other means. A locked drive that
// takes one at all takes it with FAILURE MODE 0 only (ACS-4, 4.17).
func (a *ataFirmware) startSanitize(ctx context.Context, command inventory.EraseCommand, c ata.Command) ([]erase.Command, error) {
	run := &ataRun{command: command, began: a.host.Now()}
	sent := false
	given, err := a.method(ctx, func() error {
		id, err := a.identify(ctx)
		if err != nil {
			return err
		}
		state, status, err := a.sanitizeState(ctx)
		switch {
		case err != nil:
			return refusal(err, nil)
		case state.Running && sent:
			return nil // the answer was lost, the command was not
		case state.Running:
			return refusedBefore(c.Name, c.Code(), "a sanitize is running already: "+status.String(), nil)
		}
		if !sent {
			run.before = state
		}
		if id.Security.Locked {
			if !a.securityPage(ctx, id).RestrictedOverrides {
				return refusedBefore(c.Name, c.Code(), "the drive is locked by a password", erase.ErrLocked)
			}
			c, _ = sanitizeCommand(command, false)
		}
		sent = true
		if _, err = a.give(ctx, c); err != nil {
			return refusal(err, a.sanitizeCause(err, id))
		}
		return nil
	})
	if err == nil {
		a.run = run
	}
	return given, err
}

func (a *ataFirmware) sanitizeCause(err error, id ata.Identify) error {
	reason, _ := ata.SanitizeRefused(err)
	switch {
	case reason == ata.ReasonFrozen:
		return erase.ErrFrozen
	case reason == ata.ReasonUnsupported:
		return erase.ErrUnsupported
	case id.Security.Locked:
		return erase.ErrLocked
	}
	return nil
}

// sanitizeState asks the sanitize engine. A drive that aborts the question
// because its sanitize failed, or because it is frozen, has answered it; one
// that does not tell why may have failed.
func (a *ataFirmware) sanitizeState(ctx context.Context) (ata.SanitizeState, ata.Answer, error) {
	answer, err := a.drive.Do(ctx, ata.SanitizeStatus(false))
	if err == nil {
		state := ata.ParseSanitizeStatus(*answer.Registers)
		a.sawRunning = a.sawRunning || state.Running
		return state, answer, nil
	}
	state := ata.SanitizeState{Progress: 0xffff}
	switch reason, ok := ata.SanitizeRefused(err); {
	case ok && reason == ata.ReasonFailed:
		state.Failed, state.Reason = true, reason
		return state, answer, nil
	case ok && reason == ata.ReasonFrozen:
		state.Frozen, state.Reason = true, reason
		return state, answer, nil
	case ok && reason == ata.ReasonNotTold && answer.Registers != nil:
		state.Untold = true
		return state, answer, nil
	}
	return state, answer, err
}

// Status implements erase.Firmware.
func (a *ataFirmware) Status(ctx context.Context) (erase.Status, error) {
	switch {
	case a.run != nil && a.run.lock != nil:
		return a.run.lock.Status(ctx)
	case a.run != nil && a.run.done != nil:
		return a.securityStatus(ctx)
	}
	s := erase.Status{ProgressPPM: -1}
	err := patiently(ctx, a.host, func() error {
		state, answer, err := a.sanitizeState(ctx)
		c := ata.SanitizeStatus(false)
		s = erase.Status{ProgressPPM: -1, Command: erase.Command{Name: c.Name, Code: c.Code(), Status: answer.String()}}
		var refused *ata.StatusError
		if errors.As(err, &refused) || errors.Is(err, ata.ErrNoRegisters) {
			s.Command.Status = err.Error()
			return nil // an answer that says nothing: unknown
		}
		if err != nil {
			return err
		}
		s.State, s.ProgressPPM = a.sanitizeSays(state)
		if s.State == erase.StateSucceeded {
			_, err = a.identify(ctx) // of this drive, and not of one that took its place
		}
		return err
	})
	return s, err
}

// sanitizeSays is what the engine's state comes to. Where fixed-format sense lost
// the bits that say how it ended, the end of our own sanitize is taken from
// what is left: after it was accepted nothing failed (that would be an abort),
// nothing runs (the progress is FFFFh), and the bits are not all zero. That
// means success only if they were zero before, or if it was seen to run. The
// last holds as well for one that was given before this program began.
func (a *ataFirmware) sanitizeSays(s ata.SanitizeState) (erase.State, int64) {
	switch {
	case s.Failed:
		return erase.StateFailed, -1
	case s.Untold:
		return erase.StateUnknown, -1
	case s.Running:
		ppm := int64(-1)
		if s.Progress != 0xffff {
			ppm = int64(s.Progress) * 1_000_000 / 65536
		}
		return erase.StateRunning, ppm
	case s.Completed:
		return erase.StateSucceeded, -1
	case s.UpperSet && (a.sawRunning || a.run != nil && !a.run.before.UpperSet):
		return erase.StateSucceeded, -1
	case s.UpperSet:
		return erase.StateUnknown, -1
	}
	return erase.StateIdle, -1
}

// Leave implements erase.Firmware.
func (a *ataFirmware) Leave(ctx context.Context) ([]erase.Command, error) {
	tried := false
	return a.method(ctx, func() error {
		id, err := a.identify(ctx)
		if err != nil {
			return refusal(err, nil)
		}
		var first error
		if id.Sanitize.Supported {
			if state, _, err := a.sanitizeState(ctx); undelivered(err) {
				return err
			} else if err == nil && (state.Failed || state.Untold) {
				_, err := a.give(ctx, ata.SanitizeStatus(true))
				if err != nil && (state.Failed || undelivered(err)) {
					first = refusal(err, nil)
				}
			}
		}
		if undelivered(first) {
			return first
		}
		if err := a.leaveSecurity(ctx, id, &tried); err != nil {
			first = err
		}
		if undelivered(first) {
			return first
		}
		if err := a.host.Rescan(ctx); err != nil && first == nil {
			first = fmt.Errorf("read the drive's size again: %w", err)
		}
		return first
	})
}
