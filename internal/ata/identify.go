package ata

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/ombruk/ombruk/internal/scsi"
)

// Identify is what is used of IDENTIFY DEVICE data (ACS-4, 7.13.6; ATA8-ACS for
// the feature sets that were dropped since).
type Identify struct {
	Serial   string // words 10 to 19
	Firmware string // words 23 to 26
	Model    string // words 27 to 46
	WWN      string // words 108 to 111, "naa.5000c500..."; empty when there is none
	// Sectors that can be addressed: words 60 and 61, 100 to 103 or 230 to 233.
	Sectors            uint64
	LogicalBlockBytes  int // word 106 and words 117 and 118
	PhysicalBlockBytes int
	// Rotation, word 217: 0 not told, 1 nothing rotates, else revolutions
	// per minute.
	Rotation uint16

	Has48Bit bool // word 83 bit 10
	GPL      bool // word 84 bit 5: READ LOG EXT
	SMART    bool // word 82 bit 0
	SMARTOn  bool // word 85 bit 0
	// CommandSets: words 82 and 83 are valid, so that a feature that they do
	// not have is none that the drive has.
	CommandSets bool

	HPA       bool // word 82 bit 10
	HPALocks  bool // word 86 bit 8: SET MAX security extension enabled
	DCO       bool // word 83 bit 11
	AMA       bool // word 119 bit 8
	Trusted   bool // word 48 bit 0
	Trim      bool // word 169 bit 0
	DRAT      bool // word 69 bit 14: the same data on every read after TRIM
	RZAT      bool // word 69 bit 5: zeros
	Encrypts  bool // word 69 bit 4: all user data
	Zoned     byte // word 69 bits 1:0: 1 host-aware, 2 managed by the drive
	Transport byte // word 222 bits 15:12: 1 is serial ATA

	Security Security
	Sanitize Sanitize
}

// Security is word 128 with words 89, 90 and 92 (ACS-4, 4.18).
type Security struct {
	Supported    bool // bit 0
	Enabled      bool // bit 1: a user password is set
	Locked       bool // bit 2
	Frozen       bool // bit 3
	CountExpired bool // bit 4: no password is taken until the next power cycle
	Enhanced     bool // bit 5
	Maximum      bool // bit 8: the master password only erases
	// EraseTime and EnhancedTime are the drive's estimates, words 89 and 90;
	// zero when it gives none. The highest value of a word means longer.
	EraseTime, EnhancedTime time.Duration
	MasterID                uint16 // word 92
}

// Sanitize is word 59 (ACS-4, 7.13.6.18).
type Sanitize struct {
	Supported      bool // bit 12
	Crypto         bool // bit 13
	Overwrite      bool // bit 14
	Block          bool // bit 15
	ACS3           bool // bit 11: allows the commands of ACS-3 while it runs
	AntifreezeLock bool // bit 10
}

// signature is the low byte of word 255 when the high byte is a checksum.
const signature = 0xa5

// ParseIdentify reads IDENTIFY DEVICE data. It refuses what is too short, has a
// wrong checksum, is of a packet device or names no drive.
func ParseIdentify(b []byte) (Identify, error) {
	if len(b) < 512 {
		return Identify{}, fmt.Errorf("identify device, %d bytes: %w", len(b), scsi.ErrMalformed)
	}
	w := words(b)
	if err := checksum(b[:512]); err != nil {
		return Identify{}, fmt.Errorf("identify device: %w", err)
	}
	id := Identify{Serial: w.text(10, 19), Firmware: w.text(23, 26), Model: w.text(27, 46)}
	// Bit 15 of word 0 is a packet device, unless word 2 makes a CFA card of it.
	if w.at(0)&(1<<15) != 0 && w.at(0) != 0x848a || id.Model == "" && id.Serial == "" {
		return Identify{}, fmt.Errorf("identify device, word 0 %04Xh: %w", w.at(0), scsi.ErrMalformed)
	}
	id.LogicalBlockBytes, id.PhysicalBlockBytes = 512, 512
	if v := w.at(106); v>>14 == 1 {
		if n := int(w.at(117)) | int(w.at(118))<<16; v&(1<<12) != 0 && n >= 256 && n <= 32768 {
			id.LogicalBlockBytes = 2 * n
		}
		id.PhysicalBlockBytes = id.LogicalBlockBytes
		if v&(1<<13) != 0 {
			id.PhysicalBlockBytes <<= v & 0x0f
		}
	}
	if w.at(83)>>14 == 1 {
		id.Has48Bit, id.DCO = w.bit(83, 10), w.bit(83, 11)
		id.SMART, id.HPA = w.bit(82, 0), w.bit(82, 10)
		id.CommandSets = true
	}
	id.GPL = w.at(84)>>14 == 1 && w.bit(84, 5) || w.at(87)>>14 == 1 && w.bit(87, 5)
	if w.at(87)>>14 == 1 {
		id.SMARTOn, id.HPALocks = w.bit(85, 0), w.bit(86, 8)
		if name := fmt.Sprintf("%04x%04x%04x%04x", w.at(108), w.at(109), w.at(110), w.at(111)); w.bit(87, 8) && strings.Trim(name, "0") != "" {
			id.WWN = "naa." + name
		}
	}
	id.AMA = w.bit(86, 15) && w.at(119)>>14 == 1 && w.bit(119, 8)
	id.Trusted = w.at(48)>>14 == 1 && w.bit(48, 0)
	id.Trim = w.told(169) && w.bit(169, 0)
	if w.bit(53, 1) && w.told(69) { // words 64 to 70 are valid
		id.DRAT, id.RZAT, id.Encrypts, id.Zoned = w.bit(69, 14), w.bit(69, 5), w.bit(69, 4), byte(w.at(69)&3)
	}
	if v := w.at(217); v == 1 || v >= 0x0401 && v <= 0xfffe {
		id.Rotation = v
	}
	if v := w.at(222); v != 0 && v != 0xffff {
		id.Transport = byte(v >> 12)
	}
	id.Sectors = uint64(w.at(60)) | uint64(w.at(61))<<16
	if id.Has48Bit {
		first := 100
		if w.bit(53, 1) && w.told(69) && w.bit(69, 3) {
			first = 230
		}
		if n := w.long(first); n > 0 && n <= 1<<48 {
			id.Sectors = n
		}
	}
	id.Security, id.Sanitize = w.security(), w.sanitize()
	return id, nil
}

// words is IDENTIFY DEVICE data as the standard counts it.
type words []byte

func (w words) at(n int) uint16      { return binary.LittleEndian.Uint16(w[2*n:]) }
func (w words) told(n int) bool      { return w.at(n) != 0 && w.at(n) != 0xffff }
func (w words) bit(n, bit int) bool  { return w.at(n)&(1<<bit) != 0 }
func (w words) long(n int) uint64    { return binary.LittleEndian.Uint64(w[2*n:]) }
func (w words) text(a, b int) string { return swapped(w[2*a : 2*b+2]) }

// swapped is an ATA string: the first character of a pair is the high byte.
func swapped(b []byte) string {
	s := make([]byte, 0, len(b))
	for i := 0; i+1 < len(b); i += 2 {
		s = append(s, b[i+1], b[i])
	}
	return strings.Trim(string(s), "\x00 ")
}

func (w words) security() Security {
	v := w.at(128)
	if v == 0xffff || v&1 == 0 {
		return Security{}
	}
	return Security{
		Supported: true, Enabled: v&(1<<1) != 0, Locked: v&(1<<2) != 0, Frozen: v&(1<<3) != 0,
		CountExpired: v&(1<<4) != 0, Enhanced: v&(1<<5) != 0, Maximum: v&(1<<8) != 0,
		EraseTime: eraseTime(w.at(89)), EnhancedTime: eraseTime(w.at(90)), MasterID: w.at(92),
	}
}

// eraseTime is in units of two minutes: 15 bits in the extended format (bit
// 15, ACS-3), else 8 (ACS-4, 7.13.6.34).
func eraseTime(v uint16) time.Duration {
	switch {
	case v&(1<<15) != 0:
		v &= 0x7fff
	default:
		v &= 0xff
	}
	return time.Duration(v) * 2 * time.Minute
}

func (w words) sanitize() Sanitize {
	v := w.at(59)
	if v == 0xffff || v&(1<<12) == 0 {
		return Sanitize{}
	}
	return Sanitize{Supported: true, Crypto: v&(1<<13) != 0, Overwrite: v&(1<<14) != 0, Block: v&(1<<15) != 0,
		ACS3: v&(1<<11) != 0, AntifreezeLock: v&(1<<10) != 0}
}

// checksum checks the last word where it holds one (ACS-4, 7.13.6.94).
func checksum(b []byte) error {
	if b[510] != signature {
		return nil
	}
	sum := byte(0)
	for _, v := range b {
		sum += v
	}
	if sum != 0 {
		return fmt.Errorf("checksum off by %02Xh: %w", sum, scsi.ErrMalformed)
	}
	return nil
}

// ParseDCO gives the number of sectors of the drive without an overlay, from
// DEVICE CONFIGURATION IDENTIFY data (ATA8-ACS table 24, words 3 to 6).
func ParseDCO(b []byte) (sectors uint64, err error) {
	if len(b) < 512 {
		return 0, fmt.Errorf("device configuration identify, %d bytes: %w", len(b), scsi.ErrMalformed)
	}
	if err := checksum(b[:512]); err != nil {
		return 0, fmt.Errorf("device configuration identify: %w", err)
	}
	w := words(b)
	last := w.long(3)
	if w.at(0) == 0 || last == 0 || last >= 1<<48 {
		return 0, fmt.Errorf("device configuration identify, revision %04Xh, maximum LBA %d: %w", w.at(0), last, scsi.ErrMalformed)
	}
	return last + 1, nil
}
