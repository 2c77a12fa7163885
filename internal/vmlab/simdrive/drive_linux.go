package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/scsi"
)

// simulated is a drive of package drivesim, whose clock is the real one, or one
// that runs faster. It implements scsi.Issuer and nvmeDrive.
type simulated struct {
	// units are what a host sees of it; only NVMe drives have more than one
	// here.
	units []*drivesim.Drive
}

// simulate makes the drive of a profile. The name makes its serial number; kib
// is the size of its units, zero for the profile's.
func simulate(profile, name string, kib int64, speed float64) (*simulated, error) {
	p, err := drivesim.FindProfile(profile)
	if err != nil {
		return nil, err
	}
	for i := range p.Units {
		if kib > 0 {
			p.Units[i].KiB = kib
		}
	}
	units, err := drivesim.New(p, drivesim.Options{Path: name, Clock: drivesim.NewClock(time.Now(), speed)})
	if err != nil {
		return nil, err
	}
	return &simulated{units: units}, nil
}

func (s *simulated) isNVMe() bool { return s.units[0].Wires().NVMe != nil }

// delivered gives a command to the drive until it has been delivered: a drive
// that has lost its power is found again when it is back, as a kernel does.
// False means that its answer was lost.
func (s *simulated) delivered(unit *drivesim.Drive, give func() error) bool {
	for {
		err := give()
		if !errors.Is(err, syscall.ENODEV) {
			return err == nil
		}
		for unit.Refind(context.Background()) != nil {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// Issue implements scsi.Issuer.
func (s *simulated) Issue(ctx context.Context, c scsi.Command) (scsi.Response, error) {
	var r scsi.Response
	if !s.delivered(s.units[0], func() (err error) {
		r, err = s.units[0].Wires().SCSI.Issue(ctx, c)
		return err
	}) {
		// What the kernel is told of a command that a reset swallowed: UNIT
		// ATTENTION, BUS DEVICE RESET FUNCTION OCCURRED (SPC-5, table 62).
		r = scsi.Response{Status: scsi.CheckCondition, Sense: []byte{0x70, 0, 0x06, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0x03, 0, 0, 0, 0}}
	}
	return r, nil
}

// Status of commands that did not go well (NVMe Base Specification 2.0, figures
// 93 to 97).
const (
	abortRequested = 0x007
	lbaOutOfRange  = 0x080
	writeFault     = 0x280
	readError      = 0x281
	invalidNSID    = 0x00b
)

// Admin implements nvme.Issuer.
func (s *simulated) Admin(ctx context.Context, c nvme.Command) (nvme.Completion, error) {
	var done nvme.Completion
	if !s.delivered(s.units[0], func() (err error) {
		done, err = s.units[0].Wires().NVMe.Admin(ctx, c)
		return err
	}) {
		done = nvme.Completion{Status: abortRequested}
	}
	return done, nil
}

// The I/O commands (NVM Command Set Specification 1.0, figure 16).
const (
	ioFlush       = 0x00
	ioWrite       = 0x01
	ioRead        = 0x02
	ioWriteZeroes = 0x08
	ioDataset     = 0x09
)

// IO implements nvmeDrive.
func (s *simulated) IO(_ context.Context, c nvme.Command) (nvme.Completion, error) {
	for _, unit := range s.units {
		if unit.Wires().NSID == c.NSID {
			return s.blocks(unit, c), nil
		}
	}
	return nvme.Completion{Status: invalidNSID}, nil
}

func (s *simulated) blocks(unit *drivesim.Drive, c nvme.Command) nvme.Completion {
	d := unit.Blocks()
	block := int64(unit.Facts().LogicalBlockBytes)
	first, length := int64(c.CDW10)|int64(c.CDW11)<<32, (int64(c.CDW12&0xffff)+1)*block
	var err error
	failed := uint16(readError)
	if s.delivered(unit, func() error {
		switch c.Opcode {
		case ioFlush:
			err = d.Sync()
		case ioRead, ioWrite:
			if int64(len(c.Data)) != length {
				err = io.ErrUnexpectedEOF
			} else if c.Opcode == ioRead {
				_, err = d.ReadAt(c.Data, first*block)
			} else {
				failed = writeFault
				_, err = d.WriteAt(c.Data, first*block)
			}
		case ioWriteZeroes:
			failed = writeFault
			_, err = d.WriteAt(make([]byte, length), first*block)
		case ioDataset: // advice, which is not taken
		default:
			failed, err = invalidOpcode, errors.ErrUnsupported
		}
		return err
	}) {
		return nvme.Completion{}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ENOSPC) {
		failed = lbaOutOfRange
	}
	return nvme.Completion{Status: failed}
}

// asked answers a question about the drive that no host could ask.
func (s *simulated) asked(word string) (any, error) {
	switch word {
	case "truth":
		return s.units[0].Truth(), nil
	case "power-cycle":
		for _, unit := range s.units {
			unit.PowerCycle()
		}
		return struct{}{}, nil
	}
	return nil, fmt.Errorf("unknown question %q", word)
}
