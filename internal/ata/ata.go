// Package ata encodes ATA commands and decodes what drives answer (ACS-4,
// ATA8-ACS for what was dropped since). The commands travel inside SCSI
// (SAT-4, ATA PASS-THROUGH). It decides nothing; every register is kept.
package ata

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/internal/scsi"
)

// Command is one ATA command.
type Command struct {
	Name            string // as the standard calls it
	Features, Count uint16
	LBA             uint64
	Device, OpCode  byte
	Extended        bool // registers of 48 bits
	// Direction of Data, whose length is a multiple of 512. All commands
	// with data are PIO commands: every SAT layer passes those on, and
	// DMA buys nothing for a few blocks.
	Direction scsi.Direction
	Data      []byte
	// Timeout; zero means 30 seconds.
	Timeout time.Duration
	// Registers is true when the answer is in the registers, so that a
	// success without them is worth nothing.
	Registers bool
}

// Code is the operation code as it is printed: "B4h/0012h" where the FEATURES
// choose the command, else "F4h".
func (c Command) Code() string {
	switch c.OpCode {
	case opSanitize, opAMA:
		return fmt.Sprintf("%02Xh/%04Xh", c.OpCode, c.Features)
	case opDCO, opSMART:
		return fmt.Sprintf("%02Xh/%02Xh", c.OpCode, c.Features)
	}
	return fmt.Sprintf("%02Xh", c.OpCode)
}

// Answer is what came back.
type Answer struct {
	// Registers are nil when they did not come back.
	Registers *scsi.ATARegisters
	Response  scsi.Response
}

// String is the registers, or the SCSI status where there are none.
func (a Answer) String() string {
	if a.Registers != nil {
		return a.Registers.String()
	}
	if a.Response.Status == scsi.Good {
		return "good"
	}
	s, err := scsi.ParseSense(a.Response.Sense)
	if err != nil {
		return "SCSI status " + a.Response.Status.String()
	}
	return fmt.Sprintf("SCSI status %s, %s", a.Response.Status, s)
}

// StatusError is a refusal: by the drive when Answer has registers, else by
// whatever stands between.
type StatusError struct {
	Command Command
	Answer  Answer
	// NotPassedOn is true when the SAT layer does not know ATA PASS-THROUGH
	// or will not pass this command on: the drive has not seen it. Err is
	// why, where that was known beforehand.
	NotPassedOn bool
	Err         error
}

// Error is "SECURITY UNLOCK: status 51h error 04h ...".
func (e *StatusError) Error() string { return e.Command.Name + ": " + e.Said() }

// Unwrap gives Err.
func (e *StatusError) Unwrap() error { return e.Err }

// Said is the answer alone.
func (e *StatusError) Said() string {
	switch {
	case e.Err != nil:
		return "not passed on to the drive: " + e.Err.Error()
	case e.NotPassedOn:
		return "not passed on to the drive: " + e.Answer.String()
	}
	return e.Answer.String()
}

// errorAbort is the ABORT bit of the ERROR register (ACS-4, 6.3.2).
const errorAbort = 0x04

// Aborted reports whether the drive itself said no: "command aborted".
func (e *StatusError) Aborted() bool {
	r := e.Answer.Registers
	if r == nil {
		s, err := scsi.ParseSense(e.Answer.Response.Sense)
		return err == nil && s.Key == scsi.AbortedCommand
	}
	return r.Error&errorAbort != 0
}

// ErrNoRegisters means that a command went well, but what stands between did
// not pass the registers on that its answer is in.
var ErrNoRegisters = errors.New("the answer's registers were not passed on")

// Drive is an ATA drive behind a SAT layer.
type Drive struct {
	Unit *scsi.Unit
	// Short is true for bridges that only take ATA PASS-THROUGH (12). It is
	// found out by [Drive.Identify].
	Short bool
}

// Do gives a command. A refusal is a [*StatusError], returned beside the answer;
// other errors mean that it was not delivered or that the answer was lost.
func (d *Drive) Do(ctx context.Context, c Command) (Answer, error) {
	pass := scsi.ATACommand{
		Features: c.Features, Count: c.Count, LBA: c.LBA, Device: c.Device, Command: c.OpCode,
		Protocol: scsi.ATANonData, Extend: c.Extended,
		// With data in, AHCI's successes then look like aborts (seen in QEMU).
		Check:  c.Direction == scsi.None,
		Blocks: c.Direction != scsi.None,
	}
	switch c.Direction {
	case scsi.In:
		pass.Protocol = scsi.ATAPIOIn
	case scsi.Out:
		pass.Protocol = scsi.ATAPIOOut
	}
	cdb := pass.CDB16()
	if d.Short {
		var err error
		if cdb, err = pass.CDB12(); err != nil {
			return Answer{}, &StatusError{Command: c, NotPassedOn: true, Err: err}
		}
	}
	r, err := d.Unit.Do(ctx, scsi.Command{CDB: cdb, Direction: c.Direction, Data: c.Data, Timeout: c.Timeout})
	a := Answer{Response: r}
	var refused *scsi.SenseError
	switch {
	case errors.As(err, &refused):
		return d.checked(ctx, c, a, refused)
	case err != nil:
		return a, fmt.Errorf("%s: %w", c.Name, err)
	case c.Direction == scsi.In && r.Transferred < len(c.Data):
		return a, fmt.Errorf("%s: %d of %d bytes: %w", c.Name, r.Transferred, len(c.Data), scsi.ErrMalformed)
	case c.Registers:
		return a, fmt.Errorf("%s: %w", c.Name, ErrNoRegisters)
	}
	return a, nil
}

// checked judges an answer with CHECK CONDITION, which is also how the
// registers of a success come.
func (d *Drive) checked(ctx context.Context, c Command, a Answer, refused *scsi.SenseError) (Answer, error) {
	if refused.Status == scsi.CheckCondition {
		if r, ok := scsi.ParseATARegisters(a.Response.Sense); ok {
			a.Registers = &r
		}
	}
	s := refused.Sense
	informed := (s.Key == scsi.RecoveredError || s.Key == scsi.NoSense) && s.Is(0, 0x1d)
	if a.Registers == nil || a.Registers.Failed() || !informed || refused.Status != scsi.CheckCondition {
		return a, &StatusError{Command: c, Answer: a, NotPassedOn: a.Registers == nil && refused.Unsupported()}
	}
	if c.Direction == scsi.In && a.Response.Transferred < len(c.Data) {
		return a, fmt.Errorf("%s: %d of %d bytes: %w", c.Name, a.Response.Transferred, len(c.Data), scsi.ErrMalformed)
	}
	if a.Registers.Partial && a.Registers.LogIndex != 0 {
		d.complete(ctx, a.Registers)
	}
	if c.Registers && c.Extended && !a.Registers.Extend {
		// Half of the answer is missing and would read as zero.
		return a, fmt.Errorf("%s: %w", c.Name, ErrNoRegisters)
	}
	return a, nil
}

// complete fetches the registers that fixed format has no room for, from the
// ATA PASS-THROUGH Results log page (SAT-4, 12.3.2).
func (d *Drive) complete(ctx context.Context, r *scsi.ATARegisters) {
	b, err := d.Unit.Log(ctx, scsi.LogATAResults)
	if err != nil {
		return
	}
	p, err := scsi.ParseLog(b, scsi.LogATAResults)
	if err != nil {
		return
	}
	// The index counts from 1, the parameter codes from 0.
	full, ok := scsi.ParseATAReturn(p[uint16(r.LogIndex-1)])
	if ok && full.Status == r.Status && full.Error == r.Error && byte(full.Count) == byte(r.Count) && full.LBA&0xffffff == r.LBA {
		*r = full
	}
}

// Read gives a command that brings data, into memory of its own.
func (d *Drive) Read(ctx context.Context, c Command) ([]byte, error) {
	if _, err := d.Do(ctx, c); err != nil {
		return nil, err
	}
	return c.Data, nil
}

// Identify asks who the drive is. It finds out whether the bridge passes on
// ATA PASS-THROUGH (16) or only (12).
func (d *Drive) Identify(ctx context.Context) (Identify, error) {
	b, err := d.Read(ctx, IdentifyDevice())
	var refused *StatusError
	if errors.As(err, &refused) && refused.NotPassedOn && !d.Short {
		d.Short = true
		if b, err = d.Read(ctx, IdentifyDevice()); err != nil {
			d.Short = false
		}
	}
	if err != nil {
		return Identify{}, err
	}
	return ParseIdentify(b)
}

// Log reads pages of a log by READ LOG EXT.
func (d *Drive) Log(ctx context.Context, log byte, page, pages uint16) ([]byte, error) {
	return d.Read(ctx, ReadLogExt(log, page, pages))
}

// Trusted carries TCG payloads in TRUSTED SEND and RECEIVE.
type Trusted struct{ Drive *Drive }

// IFSend is tcg.Transport's.
func (t Trusted) IFSend(ctx context.Context, protocol byte, comID uint16, data []byte) error {
	c, err := TrustedSend(protocol, comID, data)
	if err != nil {
		return err
	}
	_, err = t.Drive.Do(ctx, c)
	return err
}

// IFRecv is tcg.Transport's.
func (t Trusted) IFRecv(ctx context.Context, protocol byte, comID uint16, data []byte) error {
	c, err := TrustedReceive(protocol, comID, data)
	if err != nil {
		return err
	}
	_, err = t.Drive.Do(ctx, c)
	return err
}
