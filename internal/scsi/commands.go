package scsi

import (
	"encoding/binary"
	"time"
)

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// askTimeout is for commands that only ask: a drive that spins up first needs
// up to half a minute.
const askTimeout = 40 * time.Second

func in(cdb []byte, lengthBytes int) Command {
	return Command{CDB: cdb, Direction: In, Data: make([]byte, lengthBytes), Timeout: askTimeout}
}

// TestUnitReady is SPC-5, 6.47.
func TestUnitReady() Command { return Command{CDB: make([]byte, 6), Timeout: askTimeout} }

// Inquiry asks for standard inquiry data (SPC-5, 6.7).
func Inquiry(allocationBytes uint16) Command {
	cdb := []byte{0x12, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(cdb[3:], allocationBytes)
	return in(cdb, int(allocationBytes))
}

// InquiryVPD asks for a vital product data page (SPC-5, 6.7, EVPD 1).
func InquiryVPD(page byte, allocationBytes uint16) Command {
	c := Inquiry(allocationBytes)
	c.CDB[1], c.CDB[2] = 1, page
	return c
}

// ReadCapacity10 is SBC-4, 5.20.
func ReadCapacity10() Command { return in(append([]byte{0x25}, make([]byte, 9)...), 8) }

// ReadCapacity16 is SBC-4, 5.21, SERVICE ACTION IN (16) 10h.
func ReadCapacity16() Command {
	cdb := make([]byte, 16)
	cdb[0], cdb[1], cdb[13] = 0x9e, 0x10, 32
	return in(cdb, 32)
}

// ModeValues says which values MODE SENSE asks for (the PC field, SPC-5, 6.14).
type ModeValues byte

// The values. Many drives give the current block descriptor whatever is asked
// for, as SPC-4 would have it.
const (
	ModeCurrent    ModeValues = 0
	ModeChangeable ModeValues = 1 // ones where a value can be changed
	ModeDefault    ModeValues = 2
)

// ModeSense10 is SPC-5, 6.15. longLBA lets the drive answer with block
// descriptors of 16 bytes.
func ModeSense10(values ModeValues, page, subpage byte, longLBA bool, allocationBytes uint16) Command {
	cdb := make([]byte, 10)
	cdb[0], cdb[2], cdb[3] = 0x5a, byte(values)<<6|page&0x3f, subpage
	if longLBA {
		cdb[1] = 1 << 4
	}
	binary.BigEndian.PutUint16(cdb[7:], allocationBytes)
	return in(cdb, int(allocationBytes))
}

// ModeSense6 is SPC-5, 6.14.
func ModeSense6(values ModeValues, page, subpage, allocationBytes byte) Command {
	return in([]byte{0x1a, 0, byte(values)<<6 | page&0x3f, subpage, allocationBytes, 0}, int(allocationBytes))
}

// ModeSelect10 is SPC-5, 6.13, with PF 1. save keeps the values over a power cycle.
func ModeSelect10(list []byte, save bool) Command {
	cdb := make([]byte, 10)
	cdb[0], cdb[1] = 0x55, 1<<4
	if save {
		cdb[1] |= 1
	}
	binary.BigEndian.PutUint16(cdb[7:], uint16(len(list)))
	return Command{CDB: cdb, Direction: Out, Data: list, Timeout: askTimeout}
}

// ModeSelect6 is SPC-5, 6.12, with PF 1.
func ModeSelect6(list []byte, save bool) Command {
	cdb := []byte{0x15, 1 << 4, 0, 0, byte(len(list)), 0}
	if save {
		cdb[1] |= 1
	}
	return Command{CDB: cdb, Direction: Out, Data: list, Timeout: askTimeout}
}

// LogSense asks for the cumulative values of a log page (SPC-5, 6.10).
func LogSense(page, subpage byte, allocationBytes uint16) Command {
	cdb := make([]byte, 10)
	cdb[0], cdb[2], cdb[3] = 0x4d, 1<<6|page&0x3f, subpage
	binary.BigEndian.PutUint16(cdb[7:], allocationBytes)
	return in(cdb, int(allocationBytes))
}

// RequestSense is SPC-5, 6.39, for fixed format, which every drive has.
func RequestSense() Command { return in([]byte{0x03, 0, 0, 0, 252, 0}, 252) }

// ReportLUNs is SPC-5, 6.35, of all but the well-known logical units.
func ReportLUNs(allocationBytes uint32) Command {
	cdb := make([]byte, 12)
	cdb[0] = 0xa0
	binary.BigEndian.PutUint32(cdb[6:], allocationBytes)
	return in(cdb, int(allocationBytes))
}

// ReportSupportedOperationCode asks about one command (SPC-5, 6.36), with its
// service action or, for a command that has none, without.
func ReportSupportedOperationCode(opcode byte, serviceAction uint16, hasServiceAction bool) Command {
	cdb := make([]byte, 12)
	cdb[0], cdb[1], cdb[2], cdb[3] = 0xa3, 0x0c, 1, opcode
	if hasServiceAction {
		cdb[2] = 2
		binary.BigEndian.PutUint16(cdb[4:], serviceAction)
	}
	const allocationBytes = 64
	binary.BigEndian.PutUint32(cdb[6:], allocationBytes)
	return in(cdb, allocationBytes)
}

// ReadGrownDefects asks for the head of the list of grown defects, in short
// block format (SBC-4, 5.24, READ DEFECT DATA (12), REQ_GLIST).
func ReadGrownDefects() Command {
	cdb := make([]byte, 12)
	cdb[0], cdb[1] = 0xb7, 1<<3
	binary.BigEndian.PutUint32(cdb[6:], 8)
	return in(cdb, 8)
}

// SecurityProtocolIn is SPC-5, 6.40. data is filled; with a length that is a
// multiple of 512 the length is given in such blocks (INC_512).
func SecurityProtocolIn(protocol byte, specific uint16, data []byte) Command {
	return securityProtocol(0xa2, In, protocol, specific, data)
}

// SecurityProtocolOut is SPC-5, 6.41.
func SecurityProtocolOut(protocol byte, specific uint16, data []byte) Command {
	return securityProtocol(0xb5, Out, protocol, specific, data)
}

func securityProtocol(opcode byte, d Direction, protocol byte, specific uint16, data []byte) Command {
	cdb := make([]byte, 12)
	cdb[0], cdb[1] = opcode, protocol
	binary.BigEndian.PutUint16(cdb[2:], specific)
	n := uint32(len(data))
	if n > 0 && n%512 == 0 {
		cdb[4], n = 1<<7, n/512
	}
	binary.BigEndian.PutUint32(cdb[6:], n)
	if len(data) == 0 {
		d = None
	}
	return Command{CDB: cdb, Direction: d, Data: data, Timeout: askTimeout}
}

// The service actions of SANITIZE (SBC-4, 5.31).
const (
	SanitizeOpCode          = 0x48
	SanitizeOverwrite       = 0x01
	SanitizeBlockErase      = 0x02
	SanitizeCrypto          = 0x03
	SanitizeExitFailureMode = 0x1f
)

// Sanitize is SBC-4, 5.31, always with IMMED, so that the drive answers once
// it has accepted. ause (ALLOW UNRESTRICTED SANITIZE EXIT) lets a drive whose
// sanitize failed be put back into use by EXIT FAILURE MODE. An overwrite
// needs its parameter list, see [OverwriteList]; for the others list is nil.
func Sanitize(serviceAction byte, ause bool, list []byte) Command {
	cdb := make([]byte, 10)
	cdb[0], cdb[1] = SanitizeOpCode, serviceAction&0x1f
	if serviceAction != SanitizeExitFailureMode {
		cdb[1] |= 1 << 7
		if ause {
			cdb[1] |= 1 << 5
		}
	}
	binary.BigEndian.PutUint16(cdb[7:], uint16(len(list)))
	c := Command{CDB: cdb, Data: list, Timeout: sanitizeAccept}
	if len(list) > 0 {
		c.Direction = Out
	}
	return c
}

// sanitizeAccept is how long a drive may take to accept SANITIZE or FORMAT
// UNIT: it may first write back its cache.
const sanitizeAccept = 5 * time.Minute

// OverwriteList is the parameter list of SANITIZE, OVERWRITE (SBC-4, 5.31.2.2): count
// passes, 1 to 31 (0 is reserved and is not sent), of a pattern of up to one
// block.
func OverwriteList(count int, pattern []byte, invert bool) []byte {
	list := make([]byte, 4+len(pattern))
	list[0] = byte(min(max(count, 1), 31))
	if invert {
		list[0] |= 1 << 7
	}
	binary.BigEndian.PutUint16(list[2:], uint16(len(pattern)))
	copy(list[4:], pattern)
	return list
}

// FormatUnit is SBC-4, 5.4, with IMMED, the drive's defaults and its own list
// of defects. protection is the type to format with: 0 for none, else 1 to 3;
// exponent is its P_I_EXPONENT, which types 2 and 3 may have.
func FormatUnit(protection, exponent byte) Command {
	cdb := []byte{0x04, 1 << 4, 0, 0, 0, 0} // FMTDATA
	list := make([]byte, 4, 8)
	list[1] = 1 << 1 // IMMED
	if protection >= 2 && exponent != 0 {
		// Only the long list has room for it.
		cdb[1] |= 1 << 5
		list = list[:8]
		list[3] = exponent & 0x0f
	}
	// FMTPINFO and PROTECTION FIELD USAGE, SBC-4 table 44.
	switch protection {
	case 1:
		cdb[1] |= 2 << 6
	case 2:
		cdb[1] |= 3 << 6
	case 3:
		cdb[1] |= 3 << 6
		list[0] = 1
	}
	return Command{CDB: cdb, Direction: Out, Data: list, Timeout: sanitizeAccept}
}
