package scsi

import (
	"errors"
	"fmt"
)

// ATACommand is an ATA command with the fields of ATA PASS-THROUGH (SAT-4, 12.2).
type ATACommand struct {
	Features, Count uint16
	LBA             uint64 // 48 bits
	Device, Command byte
	Auxiliary       uint32 // only in the form of 32 bytes
	Protocol        ATAProtocol
	// Extend: the command has registers of 48 bits.
	Extend bool
	// Check, CK_COND: the registers are to come back as sense data, also
	// after a success.
	Check bool
	// Blocks of 512 bytes are transferred, as many as Count says (T_LENGTH
	// 2, BYT_BLOK 1, T_TYPE 0); false for a command without data.
	Blocks bool
}

// ATAProtocol is how data move (SAT-4 table 143). PIO and DMA commands are
// different ATA commands: the protocol must be that of the command.
type ATAProtocol byte

// The protocols that are used.
const (
	ATANonData ATAProtocol = 3
	ATAPIOIn   ATAProtocol = 4
	ATAPIOOut  ATAProtocol = 5
	ATADMA     ATAProtocol = 6
	ATAReturn  ATAProtocol = 15 // return response information
)

// ErrNeeds48Bits means that a command does not fit into the form of 12 bytes.
var ErrNeeds48Bits = errors.New("needs ATA PASS-THROUGH (16), which is not passed on")

func (a ATACommand) flags() byte {
	f := byte(0)
	if a.Check {
		f |= 1 << 5
	}
	if a.Blocks {
		f |= 1<<2 | 2
	}
	if a.Protocol == ATAPIOIn {
		f |= 1 << 3 // T_DIR from the device
	}
	return f
}

func (a ATACommand) protocol() byte {
	p := byte(a.Protocol) << 1
	if a.Extend {
		p |= 1
	}
	return p
}

// CDB12 is ATA PASS-THROUGH (12) (SAT-4, 12.2.2.2), operation code A1h. It
// carries no commands with 48 bits.
func (a ATACommand) CDB12() ([]byte, error) {
	if a.Extend || a.Features > 0xff || a.Count > 0xff || a.LBA > 0xffffff {
		return nil, fmt.Errorf("ATA command %02Xh: %w", a.Command, ErrNeeds48Bits)
	}
	return []byte{0xa1, a.protocol(), a.flags(), byte(a.Features), byte(a.Count),
		byte(a.LBA), byte(a.LBA >> 8), byte(a.LBA >> 16), a.Device, a.Command, 0, 0}, nil
}

// CDB16 is ATA PASS-THROUGH (16) (SAT-4, 12.2.2.3), operation code 85h.
func (a ATACommand) CDB16() []byte {
	return []byte{0x85, a.protocol(), a.flags(), byte(a.Features >> 8), byte(a.Features), byte(a.Count >> 8), byte(a.Count),
		byte(a.LBA >> 24), byte(a.LBA), byte(a.LBA >> 32), byte(a.LBA >> 8), byte(a.LBA >> 40), byte(a.LBA >> 16),
		a.Device, a.Command, 0}
}

// CDB32 is ATA PASS-THROUGH (32) (SAT-4, 12.2.2.4), operation code 7Fh/1FF0h.
func (a ATACommand) CDB32() []byte {
	cdb := make([]byte, 32)
	cdb[0], cdb[7], cdb[8], cdb[9] = 0x7f, 0x18, 0x1f, 0xf0
	cdb[10], cdb[11] = a.protocol(), a.flags()
	for i := range 6 {
		cdb[14+i] = byte(a.LBA >> (40 - 8*i))
	}
	cdb[20], cdb[21], cdb[22], cdb[23] = byte(a.Features>>8), byte(a.Features), byte(a.Count>>8), byte(a.Count)
	cdb[24], cdb[25] = a.Device, a.Command
	for i := range 4 {
		cdb[28+i] = byte(a.Auxiliary >> (24 - 8*i))
	}
	return cdb
}

// ATARegisters are what an ATA drive answered.
type ATARegisters struct {
	Error, Status, Device byte
	Count                 uint16
	LBA                   uint64
	Extend                bool
	// Partial: upper halves of Count and LBA that are not zero were not
	// passed on (fixed format has no room for them). CountUpper and LBAUpper
	// say which, and LogIndex which parameter of log page 16h has them; 0
	// for none.
	Partial              bool
	CountUpper, LBAUpper bool
	LogIndex             byte
}

// The bits of the STATUS register that mean that a command failed (ACS-4, 6.2).
const (
	ataBusy        = 0x80
	ataDeviceFault = 0x20
	ataError       = 0x01
)

// Failed reports whether the drive says that the command failed.
func (r ATARegisters) Failed() bool { return r.Status&(ataBusy|ataDeviceFault|ataError) != 0 }

// String is "status 51h error 04h count 0000h lba 000000000001h".
func (r ATARegisters) String() string {
	upper := ""
	if r.Partial {
		upper = fmt.Sprintf(", upper bytes not passed on: count %s, lba %s", zeroOr(r.CountUpper), zeroOr(r.LBAUpper))
	}
	return fmt.Sprintf("status %02Xh error %02Xh count %04Xh lba %012Xh device %02Xh%s", r.Status, r.Error, r.Count, r.LBA, r.Device, upper)
}

func zeroOr(set bool) string {
	if set {
		return "not zero"
	}
	return "zero"
}

// ParseATARegisters finds the registers in the sense data of an ATA
// PASS-THROUGH command. ok is false when they hold none; a SAT layer may then
// not have passed the command on at all.
//
// Three forms are met: the ATA Status Return descriptor (SAT-4, 12.2.6); fixed
// format, where ERROR, STATUS, DEVICE and COUNT stand in the INFORMATION field
// (SAT-4, 12.2.7); and fixed format by Linux before 6.11, which puts them at bytes 8
// to 19 instead, for failed commands only (seen with Linux 6.1 in QEMU).
//
// In fixed format those bytes may just as well be something else: a success has
// registers there only under ATA PASS-THROUGH INFORMATION AVAILABLE, and a failure
// only where the INFORMATION field is valid, the status says that it failed, and it
// is no error of the medium, whose INFORMATION is a block address.
func ParseATARegisters(sense []byte) (r ATARegisters, ok bool) {
	s, err := ParseSense(sense)
	if err != nil || s.Deferred {
		return ATARegisters{}, false
	}
	if s.Descriptor {
		eachDescriptor(sense, func(kind byte, d []byte) {
			if got, is := ParseATAReturn(d); kind == 0x09 && is && !ok {
				r, ok = got, true
			}
		})
		return r, ok && plausible(r.Status)
	}
	if len(sense) < 12 {
		return ATARegisters{}, false
	}
	told := s.Is(0x00, 0x1d) || sense[0]&0x80 != 0 && failure(s, sense[4])
	if plausible(sense[4]) && int(sense[7]) >= 4 && told {
		flags := sense[8]
		r = ATARegisters{
			Error: sense[3], Status: sense[4], Device: sense[5], Count: uint16(sense[6]),
			LBA:    uint64(sense[9]) | uint64(sense[10])<<8 | uint64(sense[11])<<16,
			Extend: flags&0x80 != 0, CountUpper: flags&0x40 != 0, LBAUpper: flags&0x20 != 0, LogIndex: flags & 0x0f,
		}
		r.Partial = r.Extend && (r.CountUpper || r.LBAUpper)
		return r, true
	}
	// Taken for nothing but a failure, since these bytes may be anything.
	if len(sense) >= 18 && sense[0]&0x80 == 0 && be32(sense[3:]) == 0 && plausible(sense[9]) && failure(s, sense[9]) {
		at := func(i int) uint64 {
			if i < len(sense) {
				return uint64(sense[i])
			}
			return 0
		}
		r = ATARegisters{
			Error: sense[8], Status: sense[9], Device: sense[10], Count: uint16(sense[11]),
			LBA:    at(17) | at(18)<<8 | at(19)<<16,
			Extend: sense[16]&0x80 != 0, CountUpper: sense[16]&0x40 != 0, LBAUpper: sense[16]&0x20 != 0,
		}
		r.Partial = r.Extend && (r.CountUpper || r.LBAUpper)
		return r, true
	}
	return ATARegisters{}, false
}

// failure reports whether sense data and a STATUS register go together as those of a
// command that failed.
func failure(s Sense, status byte) bool {
	return status&(ataDeviceFault|ataError) != 0 && s.Key > RecoveredError && s.Key != MediumError && s.Key != UnitAttention
}

// plausible reports whether a STATUS register can be one that a drive gives at
// the end of a command: never zero, never busy.
func plausible(status byte) bool { return status != 0 && status&ataBusy == 0 }

// ParseATAReturn reads one ATA Status Return descriptor (SAT-4, 12.2.6), as in
// sense data and in log page 16h.
func ParseATAReturn(d []byte) (ATARegisters, bool) {
	if len(d) < 14 || d[0] != 0x09 || d[1] < 12 {
		return ATARegisters{}, false
	}
	r := ATARegisters{
		Extend: d[2]&1 != 0, Error: d[3], Count: uint16(d[5]),
		LBA:    uint64(d[7]) | uint64(d[9])<<8 | uint64(d[11])<<16,
		Device: d[12], Status: d[13],
	}
	if r.Extend {
		r.Count |= uint16(d[4]) << 8
		r.LBA |= uint64(d[6])<<24 | uint64(d[8])<<32 | uint64(d[10])<<40
	}
	return r, true
}
