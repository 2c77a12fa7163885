package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/inventory"
)

// refuses is why a drive would not take a SECURITY command in this state.
func refuses(s ata.Security) (why string, cause error) {
	switch {
	case s.Frozen:
		return "frozen", erase.ErrFrozen
	case s.CountExpired:
		return "password attempts used up until the next power cycle", erase.ErrLocked
	case s.Locked:
		return "locked", erase.ErrLocked
	}
	return "", nil
}

// masterErases reports whether a drive that cannot be unlocked can still be
// erased with the password that was given: the master password at level Maximum.
func (a *ataFirmware) masterErases(s ata.Security) bool {
	return s.Locked && s.Maximum && !s.Frozen && !s.CountExpired && len(a.secrets.Password) > 0
}

// startSecurityErase sets our password, without which there is no erase, and
// leaves the erase to a goroutine, since it blocks until it is done.
func (a *ataFirmware) startSecurityErase(ctx context.Context, command inventory.EraseCommand) ([]erase.Command, error) {
	enhanced := command == inventory.ATASecurityEraseEnhanced
	run := &ataRun{command: command}
	which, password := uint16(ata.UserPassword), []byte(OwnPassword)
	given, err := a.method(ctx, func() error {
		id, err := a.identify(ctx)
		if err != nil {
			return refusal(err, nil)
		}
		unit := ata.SecurityEraseUnit(which, enhanced, nil)
		if !id.Security.Supported || enhanced && !id.Security.Enhanced {
			return refusedBefore(unit.Name, unit.Code(), "IDENTIFY DEVICE word 128 does not have it", erase.ErrUnsupported)
		}
		run.estimate = id.Security.EraseTime
		if enhanced {
			run.estimate = id.Security.EnhancedTime
		}
		if a.masterErases(id.Security) {
			// Nobody says which of the two passwords it is; as the user's it
			// opens the drive.
			if _, err := a.give(ctx, ata.SecurityUnlock(ata.UserPassword, a.secrets.Password)); undelivered(err) {
				return err
			}
			if id, err = a.identify(ctx); err != nil {
				return refusal(err, nil)
			}
		}
		if a.masterErases(id.Security) {
			which, password = ata.MasterPassword, a.secrets.Password
		} else {
			if why, cause := refuses(id.Security); cause != nil {
				return refusedBefore(unit.Name, unit.Code(), why, cause)
			}
			before := a.ownPassword
			a.ownPassword = true // it may be set from here on, unless the drive says no
			if _, err := a.give(ctx, ata.SecuritySetPassword(password)); err != nil {
				a.ownPassword = before || undelivered(err)
				return refusal(err, nil)
			}
		}
		if _, err := a.give(ctx, ata.SecurityErasePrepare()); err != nil {
			return refusal(err, nil)
		}
		return nil
	})
	if err != nil {
		return given, err
	}
	// Nothing may come between this and ERASE PREPARE, and nothing may end
	// it: neither the caller's context nor a watchdog.
	run.began, run.done = a.host.Now(), make(chan struct{})
	unit := ata.SecurityEraseUnit(which, enhanced, password)
	a.run = run
	go func() {
		defer close(run.done)
		run.answer, run.err = a.drive.Do(context.WithoutCancel(ctx), unit)
	}()
	// A refusal comes at once.
	const early = 50 * time.Millisecond
	if err := a.host.Wait(ctx, early); err != nil || run.settle() {
		return append(given, erase.Command{Name: unit.Name, Code: unit.Code(), Status: "sent"}), nil
	}
	given = append(given, erase.Command{Name: unit.Name, Code: unit.Code(), Status: a.securityAnswer()})
	var refused *ata.StatusError
	if errors.As(run.err, &refused) {
		return given, refusal(run.err, nil)
	}
	return given, nil
}

// settle is blocking, after a moment in which a command that is just ending can
// end: a simulator's clock must not run away from the goroutine that waits for it.
func (r *ataRun) settle() (blocking bool) {
	t := time.NewTimer(time.Millisecond)
	defer t.Stop()
	select {
	case <-r.done:
	case <-t.C:
	}
	return r.blocking()
}

// securityAnswer is how the drive answered SECURITY ERASE UNIT, in words.
func (a *ataFirmware) securityAnswer() string {
	if a.run.err != nil && undelivered(a.run.err) {
		return a.run.err.Error()
	}
	return a.run.answer.String()
}

// securityStatus is where SECURITY ERASE UNIT has got to. It succeeded only if
// the drive said so and has lifted its lock, as a success does (ACS-4, 4.18.3.2).
func (a *ataFirmware) securityStatus(ctx context.Context) (erase.Status, error) {
	run := a.run
	unit := ata.SecurityEraseUnit(0, run.command == inventory.ATASecurityEraseEnhanced, nil)
	s := erase.Status{State: erase.StateRunning, ProgressPPM: -1, Of: run.command, Command: erase.Command{Name: unit.Name, Code: unit.Code(), Status: "at work"}}
	if run.settle() {
		s.Remaining = max(run.estimate-a.host.Now().Sub(run.began), 0)
		return s, nil
	}
	var id ata.Identify
	err := patiently(ctx, a.host, func() (err error) {
		id, err = a.identify(ctx)
		return err
	})
	if err != nil {
		return erase.Status{ProgressPPM: -1, Of: run.command, Command: s.Command}, refusal(err, nil)
	}
	s.Command.Status = a.securityAnswer()
	switch {
	case run.err != nil && undelivered(run.err):
		s.State, s.Lost = erase.StateFailed, true
		s.Command.Status = "its answer was lost: " + s.Command.Status
	case run.err != nil:
		s.State = erase.StateFailed
	case id.Security.Enabled || id.Security.Locked:
		s.State = erase.StateFailed
		s.Command.Status += "; but the drive kept its password, which a success removes"
	default:
		s.State = erase.StateSucceeded
	}
	return s, nil
}

// attempt is a password to try, and as which.
type attempt struct {
	which    uint16
	password []byte
	own      bool
}

// Unlock implements erase.Firmware. Every wrong password takes one of the five
// attempts of a power cycle, so each is tried once: the one that was given, as
// user and then as master password, then our own.
func (a *ataFirmware) Unlock(ctx context.Context) ([]erase.Command, error) {
	var tried int
	return a.method(ctx, func() error {
		id, err := a.identify(ctx)
		if err != nil {
			return refusal(err, nil)
		}
		if !id.Security.Locked {
			if id.Trusted {
				given, err := newTCG(ata.Trusted{Drive: a.drive}, a.host, a.secrets).Unlock(ctx)
				a.given = append(a.given, given...)
				return err
			}
			return nil
		}
		var attempts []attempt
		if p := a.secrets.Password; len(p) > 0 {
			attempts = append(attempts, attempt{which: ata.UserPassword, password: p})
			if !id.Security.Maximum {
				attempts = append(attempts, attempt{which: ata.MasterPassword, password: p})
			}
		}
		attempts = append(attempts, attempt{which: ata.UserPassword, password: []byte(OwnPassword), own: true})
		var last error
		for ; tried < len(attempts); tried++ {
			try := attempts[tried]
			if why, cause := refuses(id.Security); cause != nil && why != "locked" {
				c := ata.SecurityUnlock(0, nil)
				return refusedBefore(c.Name, c.Code(), why, cause)
			}
			_, err := a.give(ctx, ata.SecurityUnlock(try.which, try.password))
			if undelivered(err) {
				return err
			}
			last = err
			if id, err = a.identify(ctx); err != nil {
				return refusal(err, nil)
			}
			if last == nil && !id.Security.Locked {
				a.ownPassword = a.ownPassword || try.own
				a.byMaster = try.which == ata.MasterPassword
				return nil
			}
		}
		if last == nil {
			c := ata.SecurityUnlock(0, nil)
			return refusedBefore(c.Name, c.Code(), "it took the password and stays locked", erase.ErrLocked)
		}
		return refusal(last, erase.ErrLocked)
	})
}

// leaveSecurity leaves a drive open: it takes our password off, or the user's
// where that one was given. A drive that is unlocked with a password that
// nobody gave us, as by the machine's own firmware, takes ours in its place and
// then loses that (ACS-4, 4.18: state SEC5). At most one password is tried on a
// locked drive in each call of Leave, which tried remembers.
func (a *ataFirmware) leaveSecurity(ctx context.Context, id ata.Identify, tried *bool) error {
	s := id.Security
	if !s.Enabled && !s.Locked || !s.Supported {
		a.ownPassword = false
		return nil
	}
	which, password := uint16(ata.UserPassword), []byte(OwnPassword)
	if !a.ownPassword && len(a.secrets.Password) > 0 {
		password = a.secrets.Password
		if a.byMaster {
			which = ata.MasterPassword
		}
	}
	disable := ata.SecurityDisablePassword(which, password)
	if s.Frozen {
		return refusedBefore(disable.Name, disable.Code(), "frozen", erase.ErrFrozen)
	}
	if s.Locked {
		if s.CountExpired {
			return refusedBefore(disable.Name, disable.Code(), "locked, and password attempts used up until the next power cycle", erase.ErrLocked)
		}
		if *tried {
			return refusedBefore(disable.Name, disable.Code(), "locked, and the password was not taken", erase.ErrLocked)
		}
		*tried = true
		if _, err := a.give(ctx, ata.SecurityUnlock(which, password)); err != nil {
			return refusal(err, erase.ErrLocked)
		}
	}
	if !a.ownPassword && !s.Locked && len(a.secrets.Password) == 0 {
		a.ownPassword = true
		if _, err := a.give(ctx, ata.SecuritySetPassword([]byte(OwnPassword))); err != nil {
			a.ownPassword = undelivered(err)
			return refusal(err, erase.ErrLocked)
		}
	}
	if _, err := a.give(ctx, disable); err != nil {
		return refusal(err, erase.ErrLocked)
	}
	now, err := a.identify(ctx)
	if err != nil {
		return refusal(err, nil)
	}
	if now.Security.Enabled {
		return fmt.Errorf("%s: the drive said yes and kept its password: %w", disable.Name, erase.ErrLocked)
	}
	a.ownPassword = false
	return nil
}
