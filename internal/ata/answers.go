package ata

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/internal/scsi"
)

// SanitizeState is the answer to SANITIZE STATUS EXT (ACS-4, 7.36.7, and the state
// machine of 4.17.9).
type SanitizeState struct {
	Completed  bool // COUNT bit 15: the last sanitize, whenever it was, ended well
	Running    bool // bit 14
	Frozen     bool // bit 13
	Antifreeze bool // bit 12
	// Failed: the last one ended badly; Reason is why.
	Failed bool
	Reason SanitizeReason
	// Untold: the drive would not say what state it is in, nor why, which is
	// how some tell that the last one failed.
	Untold bool
	// Progress is the numerator over 65536; FFFFh when nothing runs.
	Progress uint16
	// UpperSet is true when bits 15 to 8 of COUNT were not passed on and
	// are not all zero. Then Completed, Running, Frozen and Antifreeze are
	// not known, but for Running, which follows from the progress.
	UpperSet bool
}

// SanitizeReason is the SANITIZE DEVICE ERROR REASON field (ACS-4 table 114).
type SanitizeReason byte

// The reasons why a drive refuses SANITIZE DEVICE.
const (
	ReasonNotTold      SanitizeReason = 0 // or the sanitize failed
	ReasonFailed       SanitizeReason = 1 // physical sectors were not sanitized
	ReasonUnsupported  SanitizeReason = 2
	ReasonFrozen       SanitizeReason = 3
	ReasonAntifreezing SanitizeReason = 4
)

// String is a sentence part.
func (r SanitizeReason) String() string {
	switch r {
	case ReasonNotTold:
		return "reason not told"
	case ReasonFailed:
		return "physical sectors were not sanitized"
	case ReasonUnsupported:
		return "not supported"
	case ReasonFrozen:
		return "frozen by SANITIZE FREEZE LOCK"
	case ReasonAntifreezing:
		return "antifreeze lock is set"
	}
	return fmt.Sprintf("reason %02Xh", byte(r))
}

// ParseSanitizeStatus reads the registers of a SANITIZE STATUS EXT that went well.
func ParseSanitizeStatus(r scsi.ATARegisters) SanitizeState {
	s := SanitizeState{
		Completed: r.Count&(1<<15) != 0, Running: r.Count&(1<<14) != 0, Frozen: r.Count&(1<<13) != 0, Antifreeze: r.Count&(1<<12) != 0,
		Progress: uint16(r.LBA),
	}
	if r.Partial {
		s.UpperSet = r.CountUpper
		s.Running = r.CountUpper && s.Progress != 0xffff
	}
	return s
}

// SanitizeRefused gives the reason for which a SANITIZE DEVICE command was
// aborted; ok is false when err is no abort by the drive.
func SanitizeRefused(err error) (reason SanitizeReason, ok bool) {
	var e *StatusError
	if !errors.As(err, &e) || e.NotPassedOn || !e.Aborted() {
		return 0, false
	}
	if e.Answer.Registers == nil {
		return ReasonNotTold, true
	}
	return SanitizeReason(e.Answer.Registers.LBA), true
}

// NativeMax gives the number of sectors from the registers of READ NATIVE MAX
// ADDRESS (EXT) or GET NATIVE MAX ADDRESS EXT.
func NativeMax(c Command, r scsi.ATARegisters) (sectors uint64, err error) {
	last := r.LBA
	if !c.Extended {
		last = r.LBA&0xffffff | uint64(r.Device&0x0f)<<24
	} else if r.Partial && r.LBAUpper {
		return 0, fmt.Errorf("%s: %w", c.Name, ErrNoRegisters)
	}
	if last == 0 || last >= 1<<48-1 {
		return 0, fmt.Errorf("%s, address %d: %w", c.Name, last, scsi.ErrMalformed)
	}
	return last + 1, nil
}

// ParseSMARTStatus reads the drive's verdict from the registers: true when no
// threshold is exceeded (ACS-4, 7.43.5).
func ParseSMARTStatus(r scsi.ATARegisters) (passed bool, err error) {
	switch r.LBA >> 8 & 0xffff {
	case 0xc24f:
		return true, nil
	case 0x2cf4:
		return false, nil
	}
	return false, fmt.Errorf("smart return status, lba %06Xh: %w", r.LBA&0xffffff, scsi.ErrMalformed)
}

// Attribute is one SMART attribute. Number and meaning are the maker's; what
// the common ones mean is convention.
type Attribute struct {
	Value, Worst byte
	Raw          uint64 // 48 bits
}

// ParseSMARTData gives the attributes of SMART READ DATA by their number.
func ParseSMARTData(b []byte) (map[byte]Attribute, error) {
	if err := smartBlock(b); err != nil {
		return nil, fmt.Errorf("smart data: %w", err)
	}
	as := map[byte]Attribute{}
	for i := 2; i+12 <= 362; i += 12 {
		if id := b[i]; id != 0 {
			raw := make([]byte, 8)
			copy(raw, b[i+5:i+11])
			as[id] = Attribute{Value: b[i+3], Worst: b[i+4], Raw: binary.LittleEndian.Uint64(raw)}
		}
	}
	return as, nil
}

// ParseSMARTThresholds gives the thresholds of SMART READ ATTRIBUTE THRESHOLDS.
func ParseSMARTThresholds(b []byte) (map[byte]byte, error) {
	if err := smartBlock(b); err != nil {
		return nil, fmt.Errorf("smart thresholds: %w", err)
	}
	ts := map[byte]byte{}
	for i := 2; i+12 <= 362; i += 12 {
		if b[i] != 0 {
			ts[b[i]] = b[i+1]
		}
	}
	return ts, nil
}

// smartBlock checks length and checksum (ACS-4, 7.43.2.12: all 512 bytes add up to zero).
func smartBlock(b []byte) error {
	if len(b) < 512 {
		return fmt.Errorf("%d bytes: %w", len(b), scsi.ErrMalformed)
	}
	sum := byte(0)
	for _, v := range b[:512] {
		sum += v
	}
	if sum != 0 {
		return fmt.Errorf("checksum off by %02Xh: %w", sum, scsi.ErrMalformed)
	}
	return nil
}

// The logs that are read (ACS-4 annex A, table A.2).
const (
	LogDirectory    = 0x00
	LogStatistics   = 0x04
	LogIdentify     = 0x30
	PageGeneral     = 0x01 // of the Device Statistics log
	PageRotating    = 0x03
	PageErrors      = 0x04
	PageTemperature = 0x05
	PageTransport   = 0x06
	PageSolidState  = 0x07
	PageSecurity    = 0x06 // of the IDENTIFY DEVICE data log
)

// Page is a page of the Device Statistics log (ACS-4, 9.5) or of the IDENTIFY
// DEVICE data log (9.11): quadwords with their validity in the top bits.
type Page []byte

// ParsePage checks that b is this page of such a log.
func ParsePage(b []byte, page byte) (Page, error) {
	if len(b) < 512 || b[2] != page || binary.LittleEndian.Uint16(b) == 0 {
		return nil, fmt.Errorf("log page %02Xh, %d bytes: %w", page, len(b), scsi.ErrMalformed)
	}
	return Page(b[:512]), nil
}

// Statistic is the quadword at a byte offset; nil unless the drive says that it
// supports it and that it is valid (bits 63 and 62).
func (p Page) Statistic(offset int) *int64 {
	v := binary.LittleEndian.Uint64(p[offset:])
	if v>>62 != 3 {
		return nil
	}
	n := int64(v & (1<<48 - 1))
	return &n
}

// Capability is a quadword of the IDENTIFY DEVICE data log; ok is false when it
// is not valid (bit 63).
func (p Page) Capability(offset int) (v uint64, ok bool) {
	v = binary.LittleEndian.Uint64(p[offset:])
	return v &^ (1 << 63), v>>63 == 1
}

// SecurityPage is what is used of the Security page of the IDENTIFY DEVICE data
// log (ACS-4, 9.11.8.8).
type SecurityPage struct {
	Encrypts bool // bit 0: ENCRYPT ALL SUPPORTED
	// RestrictedOverrides, bit 7, RESTRICTED SANITIZE OVERRIDES SECURITY: a
	// locked drive carries out a sanitize without FAILURE MODE.
	RestrictedOverrides bool
}

// ParseSecurityPage reads the security capabilities at byte 48.
func ParseSecurityPage(b []byte) (SecurityPage, error) {
	p, err := ParsePage(b, PageSecurity)
	if err != nil {
		return SecurityPage{}, err
	}
	v, ok := p.Capability(48)
	if !ok {
		return SecurityPage{}, nil
	}
	return SecurityPage{Encrypts: v&1 != 0, RestrictedOverrides: v&(1<<7) != 0}, nil
}

// ParseLogDirectory gives the number of pages of a log, 0 when the drive does
// not have it (ACS-4, 9.2).
func ParseLogDirectory(b []byte, log byte) (pages uint16, err error) {
	if len(b) < 512 || binary.LittleEndian.Uint16(b) != 1 {
		return 0, fmt.Errorf("log directory, %d bytes: %w", len(b), scsi.ErrMalformed)
	}
	return binary.LittleEndian.Uint16(b[2*int(log):]), nil
}
