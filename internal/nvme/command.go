package nvme

import (
	"context"
	"encoding/binary"
	"fmt"
)

// getLog is Get Log Page for the controller: bytes a multiple of 4 (NVMe Base
// 2.1 section 5.1.12; the number of dwords is 0's based).
func getLog(page byte, bytes int) Command {
	dwords := uint32(bytes/4 - 1)
	return Command{
		Opcode: opGetLogPage, NSID: 0xFFFFFFFF,
		CDW10: uint32(page) | dwords<<16, CDW11: dwords >> 16, Data: make([]byte, bytes),
	}
}

// SES is the secure erase setting of a format (NVMe Base 2.1 section 5.1.10,
// CDW10 bits 11:09).
type SES byte

// The settings. A format without one erases nothing that can be relied on.
const (
	NoErase        SES = 0
	UserDataErase  SES = 1
	CryptoKeyErase SES = 2
)

// Format is Format NVM of one namespace that keeps the format in use, with its
// metadata and protection information, and erases as ses says.
func Format(nsid uint32, n Namespace, ses SES) Command {
	return FormatTo(nsid, n.FormatIndex(), n.ExtendedLBA(), n.DPS, ses)
}

// FormatTo is Format NVM of one namespace to the block format with an index,
// with dps as in [Namespace].
func FormatTo(nsid uint32, lbaf int, extended bool, dps byte, ses SES) Command {
	cdw10 := uint32(lbaf&0xF) | bit(extended, 4) | uint32(dps&7)<<5 | uint32(dps>>3&1)<<8 |
		uint32(ses&7)<<9 | uint32(lbaf>>4&3)<<12
	return Command{Opcode: opFormat, NSID: nsid, CDW10: cdw10}
}

// Feature identifiers.
const (
	ErrorRecovery  = 0x05 // NVM Command Set 1.0 section 4.1.3.2; per namespace
	SanitizeConfig = 0x17 // NVMe Base 2.1 section 5.1.25.1.15
)

// DULBE is the bit of [ErrorRecovery] that makes reads of deallocated or
// unwritten blocks fail.
const DULBE = 1 << 16

// NODRM is the bit of [SanitizeConfig] that lets a sanitize asked not to
// deallocate go on although it will (warning mode); without it such a command
// is refused (error mode).
const NODRM = 1

// GetFeature asks for the current value of a feature, which is the result.
func GetFeature(id byte, nsid uint32) Command {
	return Command{Opcode: opGetFeatures, NSID: nsid, CDW10: uint32(id)}
}

// SetFeature sets a feature until the next reset.
func SetFeature(id byte, nsid, value uint32) Command {
	return Command{Opcode: opSetFeatures, NSID: nsid, CDW10: uint32(id), CDW11: value}
}

// SMART is the SMART / Health Information log page, 02h (NVMe Base 2.1
// section 5.1.12.1.3).
type SMART struct {
	CriticalWarning     byte
	TemperatureKelvin   uint16 // 0 when not told
	AvailableSpare      byte   // per cent
	PercentageUsed      byte   // 255 for more than 254
	DataUnitsWritten    Wide   // in 1000 units of 512 bytes
	PowerCycles         Wide
	PowerOnHours        Wide
	UnsafeShutdowns     Wide
	MediaErrors         Wide // unrecovered data integrity errors
	AvailableSpareLimit byte
}

const (
	smartLog      = 0x02
	smartLogBytes = 512
)

// ReadSMART asks for a [SMART].
func ReadSMART() Command { return getLog(smartLog, smartLogBytes) }

// ParseSMART decodes an answer to [ReadSMART]. One of zeros only is an error:
// a controller is never at 0 kelvin and without a power cycle.
func ParseSMART(b []byte) (SMART, error) {
	if len(b) < 176 {
		return SMART{}, fmt.Errorf("SMART log: %w: %d bytes", ErrShort, len(b))
	}
	s := SMART{
		CriticalWarning: b[0], TemperatureKelvin: binary.LittleEndian.Uint16(b[1:]),
		AvailableSpare: b[3], AvailableSpareLimit: b[4], PercentageUsed: b[5],
		DataUnitsWritten: wide(b[48:]), PowerCycles: wide(b[112:]),
		PowerOnHours: wide(b[128:]), UnsafeShutdowns: wide(b[144:]), MediaErrors: wide(b[160:]),
	}
	if s == (SMART{}) {
		return SMART{}, fmt.Errorf("SMART log: %w: all zeros", ErrSenseless)
	}
	return s, nil
}

// SecuritySend is Security Send (NVMe Base 2.1 section 5.1.24): security
// protocol in CDW10 bits 31:24, SPSP 1 and 0 below it, the length in CDW11.
func SecuritySend(protocol byte, specific uint16, data []byte) Command {
	return Command{
		Opcode: opSecuritySend, CDW10: uint32(protocol)<<24 | uint32(specific)<<8,
		CDW11: uint32(len(data)), Data: data,
	}
}

// SecurityReceive is Security Receive (section 5.1.23), its fields alike.
func SecurityReceive(protocol byte, specific uint16, data []byte) Command {
	c := SecuritySend(protocol, specific, data)
	c.Opcode = opSecurityReceive
	return c
}

// Security carries security protocol payloads over an Issuer: a tcg.Transport.
type Security struct{ To Issuer }

// IFSend implements tcg.Transport.
func (s Security) IFSend(ctx context.Context, protocol byte, comID uint16, data []byte) error {
	if _, err := Do(ctx, s.To, SecuritySend(protocol, comID, data)); err != nil {
		return fmt.Errorf("security send, protocol %02Xh: %w", protocol, err)
	}
	return nil
}

// IFRecv implements tcg.Transport.
func (s Security) IFRecv(ctx context.Context, protocol byte, comID uint16, data []byte) error {
	if _, err := Do(ctx, s.To, SecurityReceive(protocol, comID, data)); err != nil {
		return fmt.Errorf("security receive, protocol %02Xh: %w", protocol, err)
	}
	return nil
}
