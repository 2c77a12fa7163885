package drive

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// Abilities implements erase.Firmware. While the drive is held up by a command
// that blocks, it is what was found before.
func (a *ataFirmware) Abilities(ctx context.Context) (inventory.Abilities, error) {
	if a.run.blocking() {
		ab := a.last
		ab.Notes = append([]string{fmt.Sprintf("the drive is carrying out %s and answers nothing else", a.run.command)}, ab.Notes...)
		return ab, nil
	}
	var ab inventory.Abilities
	err := patiently(ctx, a.host, func() (err error) {
		ab, err = a.ask(ctx)
		return err
	})
	if err == nil {
		a.last = ab
	}
	return ab, err
}

// ask asks everything once. Its error means that the drive was not reached;
// what it would not answer is in the notes.
func (a *ataFirmware) ask(ctx context.Context) (inventory.Abilities, error) {
	ab := inventory.Abilities{Protocol: "ata", Through: a.through, Erasers: []inventory.Eraser{}, Sanitize: inventory.SanitizeState{ProgressPPM: -1}}
	id, err := a.identify(ctx)
	switch {
	case undelivered(err), ctx.Err() != nil:
		return ab, err
	case err != nil:
		// It may be another drive, or none that makes sense: nothing is
		// offered.
		ab.Notes = append(ab.Notes, fmt.Sprintf("the drive's own erase commands are not offered: %v", err))
		return ab, nil
	}
	page := a.securityPage(ctx, id)
	ab.Encrypts = id.Encrypts || page.Encrypts || id.Sanitize.Crypto
	ab.Security = inventory.Security{
		Supported: id.Security.Supported, Enabled: id.Security.Enabled, Locked: id.Security.Locked, Frozen: id.Security.Frozen,
		AttemptsUsedUp: id.Security.CountExpired, MasterOnly: id.Security.Enabled && id.Security.Maximum,
	}
	if id.Security.Supported {
		ab.Security.Kind = "ata"
	}
	if id.Zoned == 1 {
		ab.Zoned = "host-aware"
	}
	for _, q := range []struct {
		what string
		ask  func(context.Context, ata.Identify, *inventory.Abilities) error
	}{
		{"what stands between", a.askBetween},
		{"hidden areas", a.askHidden},
		{"health", a.askHealth},
		{"sanitize", func(ctx context.Context, id ata.Identify, ab *inventory.Abilities) error {
			return a.askSanitize(ctx, id, page, ab)
		}},
	} {
		err := q.ask(ctx, id, &ab)
		if !undelivered(err) {
			continue
		}
		// A bridge may hang on this one question. The rest stands if the
		// drive is still there.
		if rerr := a.host.Refind(ctx); rerr != nil {
			return ab, err
		}
		if _, ierr := a.identify(ctx); ierr != nil {
			return ab, err
		}
		if err := q.ask(ctx, id, &ab); err != nil {
			ab.Notes = append(ab.Notes, fmt.Sprintf("%s could not be asked: %v", q.what, err))
		}
	}
	if err := ctx.Err(); err != nil {
		return ab, err
	}
	a.addSecurityErase(id, &ab)
	if id.Trusted {
		tcgAbilities(ctx, ata.Trusted{Drive: a.drive}, &ab)
	}
	return ab, nil
}

// askBetween finds out what stands between, by the SAT layer's name, and
// whether the drive is zoned.
func (a *ataFirmware) askBetween(ctx context.Context, _ ata.Identify, ab *inventory.Abilities) error {
	if inq, err := a.drive.Unit.Inquiry(ctx); err == nil && inq.Type == scsi.TypeHostManaged {
		ab.Zoned = "host-managed"
	} else if undelivered(err) {
		return err
	}
	if a.through != "" {
		return nil
	}
	page, err := a.drive.Unit.VPD(ctx, 0x89)
	if err == nil {
		info, err := scsi.ParseVPD89(page)
		if err == nil && info.Vendor != "" && !strings.EqualFold(info.Vendor, "linux") {
			ab.Through = "sas adapter"
		}
	} else if undelivered(err) {
		return err
	}
	return nil
}

// securityPage reads the Security page of the IDENTIFY DEVICE data log; the
// zero value when the drive has none.
func (a *ataFirmware) securityPage(ctx context.Context, id ata.Identify) ata.SecurityPage {
	if !id.GPL || !id.Has48Bit || !a.hasLog(ctx, ata.LogIdentify) {
		return ata.SecurityPage{}
	}
	b, err := a.drive.Log(ctx, ata.LogIdentify, ata.PageSecurity, 1)
	if err != nil {
		return ata.SecurityPage{}
	}
	page, err := ata.ParseSecurityPage(b)
	if err != nil {
		return ata.SecurityPage{}
	}
	return page
}

func (a *ataFirmware) hasLog(ctx context.Context, log byte) bool {
	b, err := a.drive.Log(ctx, ata.LogDirectory, 0, 1)
	if err != nil {
		return false
	}
	pages, err := ata.ParseLogDirectory(b, log)
	return err == nil && pages > 0
}

// askSanitize adds the sanitize commands and the state of their engine.
func (a *ataFirmware) askSanitize(ctx context.Context, id ata.Identify, page ata.SecurityPage, ab *inventory.Abilities) error {
	if !id.Sanitize.Supported {
		return nil
	}
	state, answer, err := a.sanitizeState(ctx)
	blocked := ""
	ab.Sanitize.Raw = answer.String()
	var refused *ata.StatusError
	if errors.As(err, &refused) {
		ab.Sanitize.Raw = refused.Said()
	}
	switch {
	case undelivered(err), ctx.Err() != nil:
		return err
	case errors.Is(err, ata.ErrNoRegisters):
		ab.Sanitize.State = inventory.SanitizeUnknown
		blocked = "what stands between does not pass on the answer that tells how it ended"
	case errors.As(err, &refused) && refused.NotPassedOn:
		ab.Sanitize.State = inventory.SanitizeUnknown
		blocked = "what stands between does not pass on SANITIZE DEVICE"
	case err != nil:
		ab.Sanitize.State = inventory.SanitizeUnknown
		ab.Notes = append(ab.Notes, fmt.Sprintf("sanitize status: %v", err))
	default:
		ab.Sanitize.State, ab.Sanitize.ProgressPPM = engineState(state)
	}
	switch {
	case blocked != "":
	case state.Frozen:
		blocked = "frozen by SANITIZE FREEZE LOCK until the next power cycle"
	case id.Security.Locked && !page.RestrictedOverrides:
		blocked = "locked"
	}
	add := func(has bool, c inventory.EraseCommand) {
		if has {
			ab.Erasers = append(ab.Erasers, inventory.Eraser{Command: c, WholeDrive: true, Blocked: blocked})
		}
	}
	add(id.Sanitize.Crypto, inventory.ATASanitizeCrypto)
	add(id.Sanitize.Block, inventory.ATASanitizeBlock)
	add(id.Sanitize.Overwrite, inventory.ATASanitizeOverwrite)
	return nil
}

// engineState is the sanitize engine's state in the words of inventory.
func engineState(s ata.SanitizeState) (state string, ppm int64) {
	switch {
	case s.Failed:
		return inventory.SanitizeFailed, -1
	case s.Running:
		if s.Progress == 0xffff {
			return inventory.SanitizeRunning, -1
		}
		return inventory.SanitizeRunning, int64(s.Progress) * 1_000_000 / 65536
	case s.Completed:
		return inventory.SanitizeSucceeded, -1
	case s.UpperSet, s.Untold:
		return inventory.SanitizeUnknown, -1
	}
	return inventory.SanitizeIdle, -1
}

// addSecurityErase adds SECURITY ERASE UNIT.
func (a *ataFirmware) addSecurityErase(id ata.Identify, ab *inventory.Abilities) {
	s := id.Security
	if !s.Supported {
		return
	}
	blocked, _ := refuses(s)
	switch {
	case a.masterErases(s):
		blocked = ""
	case blocked == "" && ab.Sanitize.State == inventory.SanitizeFailed:
		blocked = "its last sanitize failed, and until one succeeds it takes nothing else"
	}
	ab.Erasers = append(ab.Erasers, inventory.Eraser{Command: inventory.ATASecurityErase, WholeDrive: true,
		EstimateSeconds: int64(s.EraseTime.Seconds()), Blocked: blocked})
	if s.Enhanced {
		ab.Erasers = append(ab.Erasers, inventory.Eraser{Command: inventory.ATASecurityEraseEnhanced, WholeDrive: true,
			EstimateSeconds: int64(s.EnhancedTime.Seconds()), Blocked: blocked})
	}
}

var _ erase.Firmware = (*ataFirmware)(nil)
