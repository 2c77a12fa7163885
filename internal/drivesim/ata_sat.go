package drivesim

import "encoding/binary"

// ATA command codes (ACS-4 table B.1; READ NATIVE MAX, SET MAX and DEVICE
// CONFIGURATION from ATA8-ACS).
const (
	ataNOP                     = 0x00
	ataDataSetManagement       = 0x06
	ataReadSectors             = 0x20
	ataReadSectorsExt          = 0x24
	ataReadDMAExt              = 0x25
	ataReadNativeMaxExt        = 0x27
	ataReadLogExt              = 0x2F
	ataWriteSectors            = 0x30
	ataWriteSectorsExt         = 0x34
	ataWriteDMAExt             = 0x35
	ataSetMaxExt               = 0x37
	ataReadVerify              = 0x40
	ataReadVerifyExt           = 0x42
	ataReadLogDMAExt           = 0x47
	ataZACIn                   = 0x4A
	ataZACOut                  = 0x9F
	ataTrustedReceive          = 0x5C
	ataTrustedReceiveDMA       = 0x5D
	ataTrustedSend             = 0x5E
	ataTrustedSendDMA          = 0x5F
	ataAccessibleMax           = 0x78
	ataSMART                   = 0xB0
	ataDCO                     = 0xB1
	ataSanitizeDevice          = 0xB4
	ataReadDMA                 = 0xC8
	ataWriteDMA                = 0xCA
	ataStandbyImmediate        = 0xE0
	ataIdleImmediate           = 0xE1
	ataCheckPowerMode          = 0xE5
	ataFlushCache              = 0xE7
	ataFlushCacheExt           = 0xEA
	ataIdentify                = 0xEC
	ataSetFeatures             = 0xEF
	ataSecuritySetPassword     = 0xF1
	ataSecurityUnlock          = 0xF2
	ataSecurityErasePrepare    = 0xF3
	ataSecurityEraseUnit       = 0xF4
	ataSecurityFreezeLock      = 0xF5
	ataSecurityDisablePassword = 0xF6
	ataReadNativeMax           = 0xF8
	ataSetMax                  = 0xF9
)

// Bits of the ERROR and STATUS fields.
const (
	ataABRT = 0x04
	ataIDNF = 0x10
	ataUNC  = 0x40

	ataErr        = 0x01
	ataStatusGood = 0x50 // DRDY and the obsolete DSC
)

// ataCommand is one command as it reaches the drive.
type ataCommand struct {
	op      byte
	feature uint16
	count   uint16
	lba     uint64
	device  byte
	ext     bool // 48-bit
	out     []byte
	// want is how many bytes the host will take.
	want int
}

// ataAnswer is the drive's answer: its registers, and data.
type ataAnswer struct {
	status, errorBits byte
	count             uint16
	lba               uint64
	device            byte
	in                []byte
}

// ataGood and ataBad are the usual answers.
func ataGood() ataAnswer { return ataAnswer{status: ataStatusGood} }
func ataBad(errorBits byte) ataAnswer {
	return ataAnswer{status: ataStatusGood | ataErr, errorBits: errorBits}
}

// Protocols of ATA PASS-THROUGH (SAT-4 table 143).
const (
	satHardReset = 0
	satSoftReset = 1
	satNonData   = 3
	satPIOIn     = 4
	satPIOOut    = 5
	satDMA       = 6
	satUDMAIn    = 10
	satUDMAOut   = 11
	satResponse  = 15
)

// satRequest is a decoded ATA PASS-THROUGH CDB (SAT-4 12.2).
type satRequest struct {
	command   ataCommand
	protocol  byte
	ckCond    bool
	toHost    bool // T_DIR
	dataBytes int  // what the length fields say
}

// satDecode takes an ATA PASS-THROUGH (12), (16) or (32) apart.
func satDecode(cdb []byte) (r satRequest, ok bool) {
	var proto, flags byte
	c := &r.command
	switch {
	case len(cdb) >= 12 && cdb[0] == 0xA1:
		proto, flags = cdb[1], cdb[2]
		c.feature, c.count = uint16(cdb[3]), uint16(cdb[4])
		c.lba = uint64(cdb[5]) | uint64(cdb[6])<<8 | uint64(cdb[7])<<16
		c.device, c.op = cdb[8], cdb[9]
	case len(cdb) >= 16 && cdb[0] == 0x85:
		proto, flags = cdb[1], cdb[2]
		c.ext = proto&1 != 0
		c.feature, c.count = uint16(cdb[4]), uint16(cdb[6])
		c.lba = uint64(cdb[8]) | uint64(cdb[10])<<8 | uint64(cdb[12])<<16
		if c.ext {
			c.feature |= uint16(cdb[3]) << 8
			c.count |= uint16(cdb[5]) << 8
			c.lba |= uint64(cdb[7])<<24 | uint64(cdb[9])<<32 | uint64(cdb[11])<<40
		}
		c.device, c.op = cdb[13], cdb[14]
	case len(cdb) >= 32 && cdb[0] == 0x7F && binary.BigEndian.Uint16(cdb[8:]) == 0x1FF0:
		proto, flags = cdb[10], cdb[11]
		c.ext = proto&1 != 0
		c.feature, c.count = uint16(cdb[21]), uint16(cdb[23])
		c.lba = uint64(cdb[19]) | uint64(cdb[18])<<8 | uint64(cdb[17])<<16
		if c.ext {
			c.feature |= uint16(cdb[20]) << 8
			c.count |= uint16(cdb[22]) << 8
			c.lba |= uint64(cdb[16])<<24 | uint64(cdb[15])<<32 | uint64(cdb[14])<<40
		}
		c.device, c.op = cdb[24], cdb[25]
	default:
		return r, false
	}
	if !c.ext { // bits 27:24 of a 28-bit address are in DEVICE
		c.lba |= uint64(c.device&0x0F) << 24
	}
	r.protocol, r.ckCond, r.toHost = proto>>1&0x0F, flags&0x20 != 0, flags&0x08 != 0
	length := 0
	switch flags & 3 { // T_LENGTH
	case 1:
		length = int(c.feature)
	case 2:
		length = int(c.count)
	case 3:
		length = -1 // what the transport says
	}
	if length > 0 && flags&0x04 != 0 { // BYT_BLOK
		length *= sectorBytes
	}
	r.dataBytes = length
	switch r.protocol {
	case satPIOIn, satUDMAIn:
		ok = length != 0 && r.toHost
	case satPIOOut, satUDMAOut:
		ok = length != 0 && !r.toHost
	case satDMA:
		ok = length != 0
	case satNonData, satHardReset, satSoftReset, satResponse:
		ok = length == 0
	}
	return r, ok
}

// satDialect is how a SAT layer reports ATA registers.
type satDialect string

const (
	satDescriptor satDialect = "descriptor" // SAT: an ATA Status Return descriptor, always
	satFixed      satDialect = "fixed"      // SAT: fixed format, as many bridges and SAS HBAs do
	// satLibata61 is Linux 6.1: success in descriptor format, an abort in
	// fixed format with ERROR and STATUS five bytes later than SAT says.
	satLibata61 satDialect = "libata-6.1"
	satSilent   satDialect = "none" // never any registers: success is GOOD, an abort has bare sense
)

// satKey is the sense for an ATA error (SAT-4 table 11).
func satKey(a ataAnswer) *scsiSense {
	switch {
	case a.status&ataErr == 0:
		return sense(skRecovered, 0x00, 0x1D)
	case a.errorBits&ataUNC != 0:
		return sense(skMedium, 0x11, 0x04)
	case a.errorBits&ataIDNF != 0:
		return senseOutOfRange()
	}
	return sense(skAborted, 0x00, 0x00)
}

// satSense encodes the registers of an answer.
func satSense(d satDialect, c ataCommand, a ataAnswer) []byte {
	s := satKey(a)
	failed := a.status&ataErr != 0
	extend := byte(0)
	if c.ext {
		extend = 1
	}
	switch {
	case d == satSilent:
		return s.bytes(false)
	case d == satDescriptor || d == satLibata61 && !failed:
		b := []byte{0x72, s.key, s.asc, s.ascq, 0, 0, 0, 14}
		count, lba := a.count, a.lba
		if !c.ext {
			count, lba = count&0xFF, lba&0xFFFFFF
		}
		return append(b, 0x09, 12, extend, a.errorBits, byte(count>>8), byte(count),
			byte(lba>>24), byte(lba), byte(lba>>32), byte(lba>>8), byte(lba>>40), byte(lba>>16),
			a.device, a.status)
	}
	b := s.bytes(false)
	flags := byte(0)
	if c.ext {
		flags |= 0x80
		if a.count > 0xFF {
			flags |= 0x40
		}
		if a.lba > 0xFFFFFF {
			flags |= 0x20
		}
	}
	if d == satLibata61 {
		// The rest of the address would be in bytes that the length in byte 7
		// does not cover, and that SG_IO cuts off.
		b[8], b[9], b[10], b[11] = a.errorBits, a.status, a.device, byte(a.count)
		b[16], b[17] = flags, byte(a.lba)
		return b
	}
	b[0] |= 0x80 // VALID
	b[3], b[4], b[5], b[6] = a.errorBits, a.status, a.device, byte(a.count)
	b[8], b[9], b[10], b[11] = flags, byte(a.lba), byte(a.lba>>8), byte(a.lba>>16)
	return b
}
