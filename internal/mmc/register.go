package mmc

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrShort means that a register holds less than its fields need.
var ErrShort = errors.New("answer too short")

// ErrSenseless means that a register says nothing, or contradicts itself.
var ErrSenseless = errors.New("answer makes no sense")

// SectorBytes is the unit of SEC_COUNT and of the addresses of cards above 2 GiB.
const SectorBytes = 512

// ExtCSD is the extended CSD register of an eMMC (JESD84-B51 section 7.4), by
// its own names; the numbers are its byte indices.
type ExtCSD struct {
	GP_SIZE_MULT        [4]uint32 // 154:143, three bytes each, in high-capacity write protect groups
	RPMB_SIZE_MULT      byte      // 168, units of 128 KiB
	BOOT_WP_STATUS      byte      // 174, from EXT_CSD_REV 6 on
	ERASE_GROUP_DEF     byte      // 175
	PARTITION_CONFIG    byte      // 179
	ERASED_MEM_CONT     byte      // 181, what an erased block reads as: 0 zeros, 1 FFh
	EXT_CSD_REV         byte      // 192: 3 is 4.3, 5 is 4.41, 6 is 4.5, 7 is 5.0, 8 is 5.1
	SEC_COUNT           uint32    // 215:212, sectors of the user area
	HC_WP_GRP_SIZE      byte      // 221, in high-capacity erase groups
	ERASE_TIMEOUT_MULT  byte      // 223, 300 ms for one erase group
	HC_ERASE_GRP_SIZE   byte      // 224, units of 512 KiB
	BOOT_SIZE_MULT      byte      // 226, units of 128 KiB, of each of two boot partitions
	SEC_TRIM_MULT       byte      // 229
	SEC_ERASE_MULT      byte      // 230
	SEC_FEATURE_SUPPORT byte      // 231
	TRIM_MULT           byte      // 232, 300 ms for one erase group
	PRE_EOL_INFO        byte      // 267: 1 normal, 2 four fifths of the reserve used, 3 urgent
	LIFE_TIME_EST_A     byte      // 268, tenths of the life used, rounded up; 11 beyond
	LIFE_TIME_EST_B     byte      // 269
}

// Indices of the bytes that a SWITCH writes.
const (
	SanitizeStart   = 165
	EraseGroupDef   = 175
	PartitionConfig = 179
)

const extCSDBytes = 512

// ParseExtCSD decodes an answer to [ReadExtCSD]. One without a revision and
// sectors is an error, for that is what an answer of zeros looks like.
func ParseExtCSD(b []byte) (ExtCSD, error) {
	if len(b) < extCSDBytes {
		return ExtCSD{}, fmt.Errorf("extended CSD: %w: %d bytes", ErrShort, len(b))
	}
	e := ExtCSD{
		RPMB_SIZE_MULT: b[168], BOOT_WP_STATUS: b[174], ERASE_GROUP_DEF: b[175], PARTITION_CONFIG: b[179],
		ERASED_MEM_CONT: b[181], EXT_CSD_REV: b[192], SEC_COUNT: binary.LittleEndian.Uint32(b[212:]),
		HC_WP_GRP_SIZE: b[221], ERASE_TIMEOUT_MULT: b[223], HC_ERASE_GRP_SIZE: b[224], BOOT_SIZE_MULT: b[226],
		SEC_TRIM_MULT: b[229], SEC_ERASE_MULT: b[230], SEC_FEATURE_SUPPORT: b[231], TRIM_MULT: b[232],
		PRE_EOL_INFO: b[267], LIFE_TIME_EST_A: b[268], LIFE_TIME_EST_B: b[269],
	}
	for i := range e.GP_SIZE_MULT {
		at := b[143+3*i:]
		e.GP_SIZE_MULT[i] = uint32(at[0]) | uint32(at[1])<<8 | uint32(at[2])<<16
	}
	if e.SEC_COUNT == 0 {
		return ExtCSD{}, fmt.Errorf("extended CSD: %w: no sectors", ErrSenseless)
	}
	return e, nil
}

// SizeBytes is the size of the user area.
func (e ExtCSD) SizeBytes() int64 { return int64(e.SEC_COUNT) * SectorBytes }

// BootBytes is the size of each of the two boot partitions.
func (e ExtCSD) BootBytes() int64 { return int64(e.BOOT_SIZE_MULT) * (128 << 10) }

// RPMBBytes is the size of the Replay Protected Memory Block.
func (e ExtCSD) RPMBBytes() int64 { return int64(e.RPMB_SIZE_MULT) * (128 << 10) }

// GeneralBytes is the size of general purpose partition i, from 0 to 3.
func (e ExtCSD) GeneralBytes(i int) int64 {
	return int64(e.GP_SIZE_MULT[i]) * int64(e.HC_WP_GRP_SIZE) * e.GroupBytes()
}

// GroupBytes is the size of a high-capacity erase group; 0 when not told.
func (e ExtCSD) GroupBytes() int64 { return int64(e.HC_ERASE_GRP_SIZE) * (512 << 10) }

// CanSanitize reports SEC_SANITIZE (bit 6), which came with 4.5.
func (e ExtCSD) CanSanitize() bool { return e.EXT_CSD_REV >= 6 && e.SEC_FEATURE_SUPPORT&0x40 != 0 }

// CanTrim reports SEC_GB_CL_EN (bit 4): erasing by the sector.
func (e ExtCSD) CanTrim() bool { return e.SEC_FEATURE_SUPPORT&0x10 != 0 }

// CanSecureErase reports SECURE_ER_EN (bit 0), which came with 4.3 and has no
// meaning after 4.5.
func (e ExtCSD) CanSecureErase() bool {
	return e.EXT_CSD_REV >= 3 && e.EXT_CSD_REV <= 6 && e.SEC_FEATURE_SUPPORT&1 != 0
}

// BootProtected is how boot partition n, 1 or 2, is protected against writing:
// 0 not, 1 until the next power cycle, 2 for good.
func (e ExtCSD) BootProtected(n int) byte {
	if e.EXT_CSD_REV < 6 {
		return 0
	}
	return e.BOOT_WP_STATUS >> (2 * (n - 1)) & 3
}

// StartsFrom is the boot partition that the machine starts from: 0 none, 1 or
// 2, 7 the user area (PARTITION_CONFIG bits 5:3).
func (e ExtCSD) StartsFrom() byte { return e.PARTITION_CONFIG >> 3 & 7 }

// Access is the partition that commands go to (PARTITION_CONFIG bits 2:0): 0
// the user area, 1 and 2 boot, 3 RPMB, 4 to 7 general purpose.
func (e ExtCSD) Access() byte { return e.PARTITION_CONFIG & 7 }

// EraseTimeout is how long the card may take over so many erase groups, for
// the argument of an ERASE.
func (e ExtCSD) EraseTimeout(argument uint32, groups int64) time.Duration {
	each := int64(max(e.ERASE_TIMEOUT_MULT, 1))
	switch argument {
	case EraseTrim, EraseDiscard:
		each = int64(max(e.TRIM_MULT, 1))
	case EraseSecure:
		each *= int64(max(e.SEC_ERASE_MULT, 1))
	case SecureTrim1, SecureTrim2:
		each *= int64(max(e.SEC_TRIM_MULT, 1))
	}
	const unit, limit = 300 * time.Millisecond, 7 * 24 * time.Hour
	if groups > int64(limit/unit)/each {
		return limit
	}
	return max(time.Duration(groups*each)*unit, time.Minute)
}

// SDStatus is the SD Status register (SD Physical Layer Simplified
// Specification 9.10, section 4.10.2).
type SDStatus struct {
	// AUBytes is the size of an allocation unit, 0 when not told.
	AUBytes int64
	// ERASE_SIZE allocation units take ERASE_TIMEOUT seconds, and every
	// erase ERASE_OFFSET seconds besides; 0 when not told.
	ERASE_SIZE    uint16
	ERASE_TIMEOUT byte
	ERASE_OFFSET  byte
}

const sdStatusBytes = 64

// ParseSDStatus decodes an answer to [ReadSDStatus].
func ParseSDStatus(b []byte) (SDStatus, error) {
	if len(b) < sdStatusBytes {
		return SDStatus{}, fmt.Errorf("SD status: %w: %d bytes", ErrShort, len(b))
	}
	// AU_SIZE, bits 431:428, counts powers of two up to 4 MiB.
	au := [16]int64{0, 16, 32, 64, 128, 256, 512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 12 << 10, 16 << 10, 24 << 10, 32 << 10, 64 << 10}
	return SDStatus{
		AUBytes: au[b[10]>>4] << 10, ERASE_SIZE: binary.BigEndian.Uint16(b[11:]),
		ERASE_TIMEOUT: b[13] >> 2, ERASE_OFFSET: b[13] & 3,
	}, nil
}

// EraseTimeout is how long the card may take over so many bytes. Where it does
// not tell, 250 ms for each block is the rule (section 4.14).
func (s SDStatus) EraseTimeout(bytes int64) time.Duration {
	if s.AUBytes == 0 || s.ERASE_SIZE == 0 || s.ERASE_TIMEOUT == 0 {
		const most = 24 * time.Hour
		blocks := (bytes + SectorBytes - 1) / SectorBytes
		return min(max(time.Duration(min(blocks, int64(most/(250*time.Millisecond))))*250*time.Millisecond, time.Minute), most)
	}
	units := (bytes + s.AUBytes - 1) / s.AUBytes
	seconds := (units*int64(s.ERASE_TIMEOUT)+int64(s.ERASE_SIZE)-1)/int64(s.ERASE_SIZE) + int64(s.ERASE_OFFSET)
	return max(time.Duration(seconds)*time.Second, time.Minute)
}

// The structures of an SD card's CSD.
const (
	CSDStandard = 0 // up to 4 GiB, addresses in bytes
	CSDHigh     = 1 // SDHC and SDXC, addresses in sectors
	CSDUltra    = 2 // SDUC, sectors beyond what an argument holds
)

const csdDigits = 32

// CSDStructure is bits 127:126 of an SD card's CSD register, given in hexadecimal
// digits with the highest first (SD Physical Layer section 5.3.1).
func CSDStructure(csd string) (byte, error) {
	b, err := hex.DecodeString(csd)
	switch {
	case err != nil || len(csd) != csdDigits:
		return 0, fmt.Errorf("CSD: %w: %q", ErrShort, csd)
	case strings.Trim(csd, "0") == "":
		return 0, fmt.Errorf("CSD: %w: all zeros", ErrSenseless)
	}
	return b[0] >> 6, nil
}

// R1 is a card's status, as most responses hold it (JESD84-B51 section 6.13,
// SD Physical Layer section 4.10.1).
type R1 uint32

// Locked reports that the card is locked with a password (CMD42).
func (r R1) Locked() bool { return r&(1<<25) != 0 }

// Err is a *CardError when a bit says that something was not done, else nil.
func (r R1) Err() error {
	const failures = 0xFDF9A080
	if r&failures == 0 {
		return nil
	}
	return &CardError{r & failures}
}

// CardError is a card's refusal.
type CardError struct{ Bits R1 }

// Error names the bits.
func (e *CardError) Error() string {
	names := map[int]string{
		31: "address out of range", 30: "address misaligned", 29: "wrong block length", 28: "erase sequence error", 27: "wrong selection of blocks",
		26: "write protect violation", 24: "lock or unlock failed", 23: "CRC error", 22: "illegal command",
		21: "ECC failed", 20: "card controller error", 19: "general error", 16: "CSD overwrite", 15: "protected blocks skipped",
		13: "erase reset", 7: "switch error",
	}
	var said []string
	for bit := 31; bit >= 0; bit-- {
		if e.Bits>>bit&1 == 1 && names[bit] != "" {
			said = append(said, names[bit])
		}
	}
	return fmt.Sprintf("card status %08Xh %s", uint32(e.Bits), strings.Join(said, ", "))
}
