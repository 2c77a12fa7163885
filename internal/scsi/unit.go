package scsi

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Unit is one logical unit that commands are given to.
type Unit struct {
	Issuer Issuer
	// Wait passes time before a busy unit is asked again; nil asks at once.
	Wait func(ctx context.Context, d time.Duration) error
	// Trace sees every exchange, also those that are tried again; may be nil.
	Trace func(Command, Response, error)
}

// SenseError is a drive's refusal: any status but GOOD.
type SenseError struct {
	OpCode byte
	Status Status
	// Sense is what could be read of Raw, which is the sense data as they
	// came; the zero value with Progress -1 when nothing could.
	Sense Sense
	Raw   []byte
}

// Error is "command 48h: status 02h, sense 5h/20h/00h invalid command operation code".
func (e *SenseError) Error() string { return fmt.Sprintf("command %02Xh: %s", e.OpCode, e.Answer()) }

// Answer is the drive's answer alone.
func (e *SenseError) Answer() string {
	if len(e.Raw) == 0 {
		return "status " + e.Status.String()
	}
	return fmt.Sprintf("status %s, %s", e.Status, e.Sense)
}

// Unsupported reports whether the drive does not know the command, or the field
// that chooses what it does. The other qualifiers of 20h deny access to a
// command that it has.
func (e *SenseError) Unsupported() bool {
	return e.Sense.Key == IllegalRequest && !e.Sense.Deferred && (e.Sense.Is(0x20, 0x00) || e.Sense.ASC == 0x24 || e.Sense.ASC == 0x26)
}

// String is the number, with a word where it is known.
func (s Status) String() string {
	words := map[Status]string{
		Good: "good", CheckCondition: "check condition", Busy: "busy",
		ReservationConflict: "reservation conflict", TaskSetFull: "task set full",
	}
	if w, ok := words[s]; ok {
		return fmt.Sprintf("%02Xh (%s)", byte(s), w)
	}
	return fmt.Sprintf("%02Xh", byte(s))
}

// How often a command that a drive did not begin is given again. A unit
// attention stands for each thing that happened (power on, capacity changed,
// mode parameters changed), so several may be queued.
const (
	attentions = 8
	busyTries  = 10
	busyPause  = 500 * time.Millisecond
)

// Do gives the command. Every status but GOOD becomes a [*SenseError], returned
// beside the answer; any other error means that the command was not delivered
// or its answer was lost. A UNIT ATTENTION, BUSY or TASK SET FULL, by which a drive says that
// it has not begun (SAM-5, 5.3.1), is tried again for a while.
func (u *Unit) Do(ctx context.Context, c Command) (Response, error) {
	if len(c.CDB) == 0 {
		return Response{}, errors.New("empty command")
	}
	for attention, busy := 0, 0; ; {
		r, err := u.Issuer.Issue(ctx, c)
		if u.Trace != nil {
			u.Trace(c, r, err)
		}
		if err != nil {
			return r, fmt.Errorf("command %02Xh: %w", c.CDB[0], err)
		}
		if r.Transferred < 0 || r.Transferred > len(c.Data) {
			r.Transferred = 0
		}
		if r.Status == Good {
			return r, nil
		}
		s, _ := ParseSense(r.Sense)
		switch {
		case r.Status == CheckCondition && s.Key == UnitAttention && !s.Deferred && attention < attentions:
			attention++
		case (r.Status == Busy || r.Status == TaskSetFull) && busy < busyTries:
			busy++
			if u.Wait != nil {
				if err := u.Wait(ctx, busyPause); err != nil {
					return r, fmt.Errorf("command %02Xh: %w", c.CDB[0], err)
				}
			}
		default:
			return r, &SenseError{OpCode: c.CDB[0], Status: r.Status, Sense: s, Raw: r.Sense}
		}
		if err := ctx.Err(); err != nil {
			return r, fmt.Errorf("command %02Xh: %w", c.CDB[0], err)
		}
	}
}

// In gives a command that brings data, and returns what came.
func (u *Unit) In(ctx context.Context, c Command) ([]byte, error) {
	r, err := u.Do(ctx, c)
	if err != nil {
		return nil, err
	}
	return c.Data[:r.Transferred], nil
}

// VPD reads a vital product data page, whole, with its head of four bytes. A
// drive that answers with something else gives an error.
func (u *Unit) VPD(ctx context.Context, page byte) ([]byte, error) {
	// Many bridges break at lengths above 255, so ask for more only if the
	// page says that there is more.
	b, err := u.In(ctx, InquiryVPD(page, 252))
	if err != nil {
		return nil, err
	}
	if len(b) >= 4 && b[1] == page && int(be16(b[2:]))+4 > len(b) && len(b) == 252 {
		if b, err = u.In(ctx, InquiryVPD(page, be16(b[2:])+4)); err != nil {
			return nil, err
		}
	}
	if _, err := vpdBody(b, page); err != nil {
		return nil, err
	}
	return b, nil
}

// Inquiry reads the standard inquiry data.
func (u *Unit) Inquiry(ctx context.Context) (InquiryData, error) {
	b, err := u.In(ctx, Inquiry(96))
	if err != nil {
		return InquiryData{}, err
	}
	return ParseInquiry(b)
}

// Capacity reads the capacity, by READ CAPACITY (16) or else (10).
func (u *Unit) Capacity(ctx context.Context) (Capacity, error) {
	b, err := u.In(ctx, ReadCapacity16())
	if err == nil {
		return ParseCapacity16(b)
	}
	var refused *SenseError
	if !errors.As(err, &refused) || !refused.Unsupported() {
		return Capacity{}, err
	}
	if b, err = u.In(ctx, ReadCapacity10()); err != nil {
		return Capacity{}, err
	}
	return ParseCapacity10(b)
}

// Mode reads the block descriptor, by MODE SENSE (10) or else (6). It asks for the
// page that every disk has (01h).
func (u *Unit) Mode(ctx context.Context, values ModeValues) (Mode, error) {
	const page = 0x01
	b, err := u.In(ctx, ModeSense10(values, page, 0, true, 252))
	if err == nil {
		return ParseModeSense10(b)
	}
	var refused *SenseError
	if !errors.As(err, &refused) || !refused.Unsupported() {
		return Mode{}, err
	}
	if b, err = u.In(ctx, ModeSense6(values, page, 0, 252)); err != nil {
		return Mode{}, err
	}
	return ParseModeSense6(b)
}

// RequestSense asks what the unit is at, without taking an answer for a
// refusal.
func (u *Unit) RequestSense(ctx context.Context) (Sense, []byte, error) {
	b, err := u.In(ctx, RequestSense())
	if err != nil {
		return Sense{Progress: -1}, nil, err
	}
	s, err := ParseSense(b)
	return s, b, err
}

// Supports asks whether the drive has a command, with this service action where
// it is not negative. known is false when it does not list its commands, which
// many do not.
func (u *Unit) Supports(ctx context.Context, opcode byte, serviceAction int) (has, known bool, err error) {
	b, err := u.In(ctx, ReportSupportedOperationCode(opcode, uint16(max(serviceAction, 0)), serviceAction >= 0))
	var refused *SenseError
	if errors.As(err, &refused) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	has, known = ParseSupportedOperationCode(b)
	return has, known, nil
}

// Log reads a log page (subpage 0), with its head of four bytes.
func (u *Unit) Log(ctx context.Context, page byte) ([]byte, error) {
	b, err := u.In(ctx, LogSense(page, 0, 252))
	if err != nil {
		return nil, err
	}
	if len(b) == 252 && int(be16(b[2:]))+4 > 252 {
		if b, err = u.In(ctx, LogSense(page, 0, uint16(min(int(be16(b[2:]))+4, 8192)))); err != nil {
			return nil, err
		}
	}
	if len(b) < 4 || b[0]&0x3f != page {
		return nil, fmt.Errorf("log page %02Xh: %w", page, ErrMalformed)
	}
	return b, nil
}
