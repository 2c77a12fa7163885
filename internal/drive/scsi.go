package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// scsiFirmware is the own side of a drive that speaks SCSI.
type scsiFirmware struct {
	host    Host
	secrets Secrets
	facts   inventory.Drive
	unit    *scsi.Unit
	// through is "usb bridge" or "sas adapter"; empty for a SAS drive.
	through string
	// notes are what was found when it was opened.
	notes []string
	// silent is true when nothing may be offered: another drive answered.
	silent bool

	// serial is what page 80h said first; another drive may not take its place.
	serial string
	given  []erase.Command
	// stuck is why blocks that Linux cannot read stay as they are, stuckSmall
	// why the drive stays smaller than it is.
	stuck, stuckSmall string
	run               *scsiRun
	// seen is an erase that was given by somebody else, which was seen at work.
	seen *scsiRun
}

// scsiRun is an erase that was given through this adapter.
type scsiRun struct {
	command inventory.EraseCommand
	// reset is true when the drive said since that it lost power or was reset.
	reset bool
	lock  *tcgLock
}

// newSCSI finds out what is at the end of the wire. ATA drives behind a bridge
// or adapter are spoken to in ATA, if the bridge passes that on and answers for
// this very drive.
func newSCSI(ctx context.Context, d inventory.Drive, h Host, s Secrets) (erase.Firmware, error) {
	if h.Wires().SCSI == nil {
		return nil, nil
	}
	f := &scsiFirmware{host: h, secrets: s, facts: d}
	f.unit = &scsi.Unit{Issuer: link{h}, Wait: h.Wait, Trace: f.watch}
	if d.Bus == inventory.BusUSB {
		f.through = "usb bridge"
	}
	var inq scsi.InquiryData
	err := patiently(ctx, h, func() (err error) {
		inq, err = f.unit.Inquiry(ctx)
		return err
	})
	switch {
	case undelivered(err), ctx.Err() != nil:
		return nil, fmt.Errorf("ask %s what it is: %w", d.Path, err)
	case err != nil:
		f.silent = true
		f.notes = append(f.notes, fmt.Sprintf("the drive does not say what it is: %v", err))
		return f, nil
	case d.Media == inventory.MediaOptical:
		return nil, nil
	case inq.Type != scsi.TypeDisk && inq.Type != scsi.TypeHostManaged || inq.Qualifier != 0:
		f.silent = true
		f.notes = append(f.notes, fmt.Sprintf("it says that it is no disk (peripheral qualifier %d, type %02Xh), so none of its commands is offered", inq.Qualifier, inq.Type))
		return f, nil
	}
	var behind *ataFirmware
	err = patiently(ctx, h, func() (err error) {
		behind, err = f.ataBehind(ctx, inq)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask %s whether it is ATA: %w", d.Path, err)
	}
	if behind != nil {
		return behind, nil
	}
	return f, nil
}

// ataBehind gives the ATA drive behind a bridge or adapter; nil when there is
// none, or none that can be trusted to be this one. Its error means not reached.
func (f *scsiFirmware) ataBehind(ctx context.Context, inq scsi.InquiryData) (*ataFirmware, error) {
	f.notes, f.silent = nil, false
	says := inq.Vendor == "ATA"
	// A USB bridge is asked for IDENTIFY DEVICE in any case: many have no
	// ATA Information page, and some stumble over the question.
	if f.through == "" {
		page, err := f.unit.VPD(ctx, 0x89)
		if undelivered(err) {
			return nil, err
		}
		if err == nil {
			_, perr := scsi.ParseVPD89(page)
			says = says || perr == nil
		}
		if !says {
			return nil, nil
		}
	}
	through := f.through
	if through == "" {
		through = "sas adapter"
	}
	a := ataBehind(f.facts, f.host, f.secrets, through)
	id, err := a.drive.Identify(ctx)
	switch {
	case err == nil && sameDrive(f.facts, id):
		return a, nil
	case err == nil:
		f.silent = true
		f.notes = append(f.notes, fmt.Sprintf("the %s answers for ATA drive %q, and this drive calls itself %q: it is not certain which drive its commands would reach, so none is offered; connect the drive directly",
			through, id.Serial, f.facts.Serial))
	case undelivered(err) && f.through == "":
		return nil, err
	case undelivered(err):
		// Simple USB sticks stumble over commands that they do not know.
		f.notes = append(f.notes, "the USB bridge does not answer ATA commands")
		if rerr := f.host.Refind(ctx); rerr != nil {
			return nil, err
		}
	case says:
		f.through = through
		f.notes = append(f.notes, fmt.Sprintf("an ATA drive behind a %s that does not pass ATA commands on: %v", through, err))
	}
	return nil, nil
}

// watch sees every exchange: a reset matters to an erase that does not survive it.
func (f *scsiFirmware) watch(_ scsi.Command, r scsi.Response, _ error) {
	if s, err := scsi.ParseSense(r.Sense); err == nil && s.Reset() {
		f.wasReset()
	}
}

func (f *scsiFirmware) wasReset() {
	for _, run := range []*scsiRun{f.run, f.seen} {
		if run != nil {
			run.reset = true
		}
	}
}

// scsiRefusal turns a drive's no into the error that callers look at.
func scsiRefusal(name, code string, err error) error {
	var e *scsi.SenseError
	if !errors.As(err, &e) {
		return err
	}
	var cause error
	switch {
	case e.Unsupported():
		cause = erase.ErrUnsupported
	case e.Sense.Key == scsi.DataProtect, e.Sense.Is(0x74, 0x71), e.Sense.Is(0x20, 0x02):
		cause = erase.ErrLocked
	}
	return &erase.DriveError{Command: erase.Command{Name: name, Code: code, Status: e.Answer()}, Cause: cause}
}

// corrupt reports whether a drive refuses because its format is broken: one
// that was cut short, or failed.
func corrupt(err error) bool {
	var e *scsi.SenseError
	return errors.As(err, &e) && e.Sense.Key == scsi.MediumError && (e.Sense.Is(0x31, 0x00) || e.Sense.Is(0x31, 0x01))
}

// give sends a command that changes something and notes it with its answer.
func (f *scsiFirmware) give(ctx context.Context, name, code string, c scsi.Command) error {
	_, err := f.unit.Do(ctx, c)
	status := "accepted"
	var e *scsi.SenseError
	if errors.As(err, &e) {
		status = e.Answer()
	} else if err != nil {
		status = err.Error()
	}
	f.given = append(f.given, erase.Command{Name: name, Code: code, Status: status})
	return scsiRefusal(name, code, err)
}

// engine is what a drive says it is at.
type engine struct {
	state erase.State
	ppm   int64
	said  string
	// formatting: it is a FORMAT UNIT; sanitizing: a SANITIZE.
	formatting, sanitizing bool
}

// asks bounds how many queued unit attentions REQUEST SENSE is asked past.
const asks = 8

// engine asks what the drive is at. Nothing is taken for done unless REQUEST
// SENSE has nothing to say and TEST UNIT READY finds the drive ready: while a
// sanitize runs or has failed, both say so (SBC-4, 4.11.3).
func (f *scsiFirmware) engine(ctx context.Context) (engine, error) {
	var s scsi.Sense
	for i := 0; ; i++ {
		got, raw, err := f.unit.RequestSense(ctx)
		var e *scsi.SenseError
		switch {
		case errors.As(err, &e):
			got = e.Sense // some drives refuse everything while they work
		case errors.Is(err, scsi.ErrNoSense):
			return engine{ppm: -1, said: fmt.Sprintf("request sense: %v", err)}, nil
		case err != nil:
			return engine{ppm: -1}, err
		}
		_ = raw
		s = got
		if s.Reset() {
			f.wasReset()
		}
		if s.Key != scsi.UnitAttention || i == asks {
			break
		}
	}
	if now := readSense(s); now.state != erase.StateIdle {
		f.notice(now)
		return now, nil
	}
	_, err := f.unit.Do(ctx, scsi.TestUnitReady())
	var e *scsi.SenseError
	switch {
	case errors.As(err, &e) && len(e.Raw) > 0:
		now := readSense(e.Sense)
		if now.state == erase.StateIdle {
			now.state = erase.StateUnknown
		}
		now.said = e.Answer()
		f.notice(now)
		return now, nil
	case errors.As(err, &e):
		return engine{ppm: -1, said: e.Answer()}, nil
	case err != nil:
		return engine{ppm: -1}, err
	}
	return engine{state: erase.StateIdle, ppm: -1, said: fmt.Sprintf("%s; ready", s)}, nil
}

// notice remembers an erase at work that was not given through this adapter.
func (f *scsiFirmware) notice(now engine) {
	if now.state != erase.StateRunning || !now.sanitizing && !now.formatting || f.run != nil || f.seen != nil {
		return
	}
	f.seen = &scsiRun{}
	if now.formatting {
		f.seen.command = inventory.SCSIFormat
	}
}

// readSense reads what a drive says it is at (SBC-4, 4.11 and 4.33). StateIdle
// means that the sense data say nothing.
func readSense(s scsi.Sense) engine {
	e := engine{ppm: s.ProgressPPM(), said: s.String()}
	switch {
	case s.ASC == 0x31 && s.ASCQ == 0x03:
		e.state, e.sanitizing = erase.StateFailed, true
	case s.ASC == 0x31 && s.ASCQ <= 0x01:
		e.state, e.formatting = erase.StateFailed, true
	case s.Is(0x04, 0x1b):
		e.state, e.sanitizing = erase.StateRunning, true
	case s.Is(0x04, 0x04):
		e.state, e.formatting = erase.StateRunning, true
	case s.Key == scsi.NotReady && (s.Is(0x04, 0x01) || s.Is(0x04, 0x07) || s.Is(0x04, 0x09)):
		e.state = erase.StateRunning // spinning up or tidying after a reset
	case s.Key == scsi.NoSense, s.Key == scsi.RecoveredError:
		e.state = erase.StateIdle
	}
	return e
}

// same refuses another drive than the first. A drive without a serial number
// cannot be told from another.
func (f *scsiFirmware) same(ctx context.Context) error {
	page, err := f.unit.VPD(ctx, 0x80)
	if undelivered(err) {
		return err
	}
	serial, perr := scsi.ParseVPD80(page)
	switch {
	case err != nil || perr != nil || serial == "":
	case f.serial == "":
		f.serial = serial
	case f.serial != serial:
		return fmt.Errorf("%w: the serial number was %q before and is %q now", erase.ErrIdentityChanged, f.serial, serial)
	}
	return nil
}

// scsiErase are the SCSI erase commands: the service action of SANITIZE, 0 for
// FORMAT UNIT.
func scsiErase(command inventory.EraseCommand) (name string, action byte, ok bool) {
	switch command {
	case inventory.SCSISanitizeOverwrite:
		return "SANITIZE, OVERWRITE", scsi.SanitizeOverwrite, true
	case inventory.SCSISanitizeBlock:
		return "SANITIZE, BLOCK ERASE", scsi.SanitizeBlockErase, true
	case inventory.SCSISanitizeCrypto:
		return "SANITIZE, CRYPTOGRAPHIC ERASE", scsi.SanitizeCrypto, true
	case inventory.SCSIFormat:
		return "FORMAT UNIT", 0, true
	}
	return "", 0, false
}

// method does do patiently and gives the commands that it gave.
func (f *scsiFirmware) method(ctx context.Context, do func() error) ([]erase.Command, error) {
	f.given = nil
	if f.silent {
		return nil, fmt.Errorf("%w: %s", erase.ErrUnsupported, f.notes[len(f.notes)-1])
	}
	err := patiently(ctx, f.host, do)
	return f.given, err
}

// Start implements erase.Firmware. SANITIZE is given with AUSE 1, so that a
// drive that fails can be put back into use and erased by other means.
func (f *scsiFirmware) Start(ctx context.Context, command inventory.EraseCommand, _ erase.StartOptions) ([]erase.Command, error) {
	f.run, f.seen = nil, nil // what an earlier erase came to says nothing of this one
	if command == inventory.TCGRevert || command == inventory.TCGPSIDRevert {
		return f.startTCG(ctx, command)
	}
	name, action, ok := scsiErase(command)
	if !ok {
		return nil, refusedBefore(string(command), "", "no command of SCSI", erase.ErrUnsupported)
	}
	code := fmt.Sprintf("%02Xh/%02Xh", scsi.SanitizeOpCode, action)
	c := scsi.Sanitize(action, true, nil)
	switch action {
	case scsi.SanitizeOverwrite:
		c = scsi.Sanitize(action, true, scsi.OverwriteList(1, make([]byte, 4), false))
	case 0:
		code = "04h"
		if f.through != "" {
			return nil, refusedBefore(name, code, "behind a "+f.through+" it may be reported done and do nothing", erase.ErrUnsupported)
		}
	}
	run := &scsiRun{command: command}
	sent := false
	given, err := f.method(ctx, func() error {
		if err := f.same(ctx); err != nil {
			return err
		}
		now, err := f.engine(ctx)
		switch {
		case err != nil:
			return err
		case now.state == erase.StateRunning && sent && (now.sanitizing || now.formatting):
			return nil // the answer was lost, the command was not
		case now.state == erase.StateRunning:
			return refusedBefore(name, code, "the drive is at work already: "+now.said, nil)
		}
		if action == 0 {
			capacity, err := f.unit.Capacity(ctx)
			switch {
			case corrupt(err):
				// What an interrupted format leaves behind has no capacity
				// until it is formatted again.
				f.given = append(f.given, erase.Command{Name: "READ CAPACITY", Code: "9Eh/10h",
					Status: err.Error() + "; so it is formatted without protection information"})
			case err != nil:
				return scsiRefusal("READ CAPACITY", "9Eh/10h", err)
			}
			c = scsi.FormatUnit(capacity.Protection, capacity.ProtectionExponent)
		}
		sent = true
		return f.give(ctx, name, code, c)
	})
	if err == nil {
		f.run, f.seen = run, nil
	}
	return given, err
}

func (f *scsiFirmware) startTCG(ctx context.Context, command inventory.EraseCommand) ([]erase.Command, error) {
	if f.silent {
		return f.method(ctx, nil)
	}
	run := &scsiRun{command: command, lock: newTCG(securityProtocol{f.unit}, f.host, f.secrets)}
	given, err := run.lock.Start(ctx, command)
	if err == nil {
		f.run = run
	}
	return given, err
}

// Status implements erase.Firmware. A SCSI drive tells of an erase only while
// it runs and when it failed, so that a success is: it was accepted, and is
// neither. A FORMAT UNIT does not go on after a reset, and so has failed then.
// For one that was given before this program began, it must have been seen at work.
func (f *scsiFirmware) Status(ctx context.Context) (erase.Status, error) {
	if f.run != nil && f.run.lock != nil {
		return f.run.lock.Status(ctx)
	}
	s := erase.Status{ProgressPPM: -1}
	_, err := f.method(ctx, func() error {
		now, err := f.engine(ctx)
		if err != nil {
			return err
		}
		s = erase.Status{State: now.state, ProgressPPM: now.ppm,
			Command: erase.Command{Name: "REQUEST SENSE", Code: "03h", Status: now.said}}
		run := f.run
		if run == nil {
			run = f.seen
		}
		if run == nil || now.state != erase.StateIdle {
			return nil
		}
		s.State, s.ProgressPPM = erase.StateSucceeded, -1
		if run.reset && run.command == inventory.SCSIFormat {
			s.State = erase.StateFailed
			s.Command.Status = "the drive was reset, and a FORMAT UNIT does not go on after that; " + s.Command.Status
		} else if run.reset {
			s.Command.Status += "; the drive was reset meanwhile"
		}
		return f.same(ctx)
	})
	return s, err
}

// Unlock implements erase.Firmware.
func (f *scsiFirmware) Unlock(ctx context.Context) ([]erase.Command, error) {
	if f.silent {
		return f.method(ctx, nil)
	}
	return newTCG(securityProtocol{f.unit}, f.host, f.secrets).Unlock(ctx)
}

// Leave implements erase.Firmware.
func (f *scsiFirmware) Leave(ctx context.Context) ([]erase.Command, error) {
	return f.method(ctx, func() error {
		now, err := f.engine(ctx)
		if err != nil {
			return err
		}
		if now.state == erase.StateFailed && now.sanitizing {
			err = f.give(ctx, "SANITIZE, EXIT FAILURE MODE", "48h/1Fh", scsi.Sanitize(scsi.SanitizeExitFailureMode, false, nil))
			if undelivered(err) {
				return err
			}
		}
		if rerr := f.host.Rescan(ctx); rerr != nil && err == nil {
			err = fmt.Errorf("read the drive's size again: %w", rerr)
		}
		return err
	})
}

// securityProtocol is tcg.Transport over SECURITY PROTOCOL IN and OUT.
type securityProtocol struct{ unit *scsi.Unit }

// IFSend is tcg.Transport's.
func (s securityProtocol) IFSend(ctx context.Context, protocol byte, comID uint16, data []byte) error {
	_, err := s.unit.Do(ctx, scsi.SecurityProtocolOut(protocol, comID, data))
	return err
}

// IFRecv is tcg.Transport's.
func (s securityProtocol) IFRecv(ctx context.Context, protocol byte, comID uint16, data []byte) error {
	_, err := s.unit.Do(ctx, scsi.SecurityProtocolIn(protocol, comID, data))
	return err
}

var _ erase.Firmware = (*scsiFirmware)(nil)

// formatPoll is how often a drive that is being reformatted is asked.
const formatPoll = 10 * time.Second
