package ata

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/internal/scsi"
)

// The operation codes (ACS-4 annex A; ATA8-ACS for F8h, 27h, F9h, 37h and B1h).
const (
	opReadNativeMaxExt = 0x27
	opReadLogExt       = 0x2f
	opSetMaxExt        = 0x37
	opTrustedReceive   = 0x5c
	opTrustedSend      = 0x5e
	opAMA              = 0x78
	opSMART            = 0xb0
	opDCO              = 0xb1
	opSanitize         = 0xb4
	opIdentify         = 0xec
	opSetPassword      = 0xf1
	opUnlock           = 0xf2
	opErasePrepare     = 0xf3
	opEraseUnit        = 0xf4
	opFreezeLock       = 0xf5
	opDisablePassword  = 0xf6
	opReadNativeMax    = 0xf8
	opSetMax           = 0xf9
)

// lbaMode is bit 6 of the DEVICE register, which old commands want set.
const lbaMode = 0x40

// askTimeout leaves a drive that sleeps the time to spin up.
const askTimeout = 40 * time.Second

func read(name string, opcode byte, blocks int) Command {
	return Command{Name: name, OpCode: opcode, Count: uint16(blocks), Direction: scsi.In, Data: make([]byte, 512*blocks), Timeout: askTimeout}
}

// IdentifyDevice is ACS-4, 7.13.
func IdentifyDevice() Command { return read("IDENTIFY DEVICE", opIdentify, 1) }

// ReadLogExt reads pages of a general purpose log (ACS-4, 7.24).
func ReadLogExt(log byte, page, pages uint16) Command {
	c := read("READ LOG EXT", opReadLogExt, int(max(pages, 1)))
	c.Extended = true
	c.LBA = uint64(log) | uint64(page&0xff)<<8 | uint64(page>>8)<<32
	return c
}

// smartKey is what LBA bits 23:8 must hold (ACS-4, 7.43).
const smartKey = 0xc24f00

// SMARTReturnStatus asks for the drive's verdict, see [ParseSMARTStatus] (ACS-4, 7.43.5).
func SMARTReturnStatus() Command {
	return Command{Name: "SMART RETURN STATUS", OpCode: opSMART, Features: 0xda, LBA: smartKey, Timeout: askTimeout, Registers: true}
}

// SMARTReadData asks for the attributes (ACS-4, 7.43.2).
func SMARTReadData() Command {
	c := read("SMART READ DATA", opSMART, 1)
	c.Features, c.LBA = 0xd0, smartKey
	return c
}

// SMARTReadThresholds asks for the thresholds of the attributes (ATA-3, obsolete since).
func SMARTReadThresholds() Command {
	c := read("SMART READ ATTRIBUTE THRESHOLDS", opSMART, 1)
	c.Features, c.LBA = 0xd1, smartKey
	return c
}

// SMARTReadLog reads a log of up to 255 blocks (ACS-4, 7.43.3).
func SMARTReadLog(log, blocks byte) Command {
	c := read("SMART READ LOG", opSMART, int(max(blocks, 1)))
	c.Features, c.LBA = 0xd5, smartKey|uint64(log)
	return c
}

// passwordBytes is the length of an ATA password (ACS-4, 7.37).
const passwordBytes = 32

// security is a SECURITY command with the block of data that holds a password
// (ACS-4, 7.37 to 7.42). Longer passwords are cut, as drives would.
func security(name string, opcode byte, word0 uint16, password []byte) Command {
	data := make([]byte, 512)
	binary.LittleEndian.PutUint16(data, word0)
	copy(data[2:2+passwordBytes], password)
	return Command{Name: name, OpCode: opcode, Count: 1, Direction: scsi.Out, Data: data, Timeout: askTimeout}
}

// Which password a SECURITY command is about, word 0 bit 0.
const (
	UserPassword   = 0
	MasterPassword = 1
)

// SecuritySetPassword sets the user password at level High, so that the
// master password still opens the drive (ACS-4, 7.41).
func SecuritySetPassword(password []byte) Command {
	return security("SECURITY SET PASSWORD", opSetPassword, UserPassword, password)
}

// SecurityUnlock is ACS-4, 7.42. A wrong password takes one of five attempts
// until the next power cycle.
func SecurityUnlock(which uint16, password []byte) Command {
	return security("SECURITY UNLOCK", opUnlock, which&1, password)
}

// SecurityDisablePassword is ACS-4, 7.37. The drive must be unlocked.
func SecurityDisablePassword(which uint16, password []byte) Command {
	return security("SECURITY DISABLE PASSWORD", opDisablePassword, which&1, password)
}

// SecurityErasePrepare must come immediately before [SecurityEraseUnit] (ACS-4, 7.38).
func SecurityErasePrepare() Command {
	return Command{Name: "SECURITY ERASE PREPARE", OpCode: opErasePrepare, Timeout: askTimeout}
}

// EraseTimeout is as long as a command that erases may take: longer than the
// largest drive needs, and shorter than what the kernel's timers count.
const EraseTimeout = 14 * 24 * time.Hour

// SecurityEraseUnit erases everything and blocks until that is done, for hours
// (ACS-4, 7.39).
func SecurityEraseUnit(which uint16, enhanced bool, password []byte) Command {
	word0, name := which&1, "SECURITY ERASE UNIT, normal"
	if enhanced {
		word0, name = word0|1<<1, "SECURITY ERASE UNIT, enhanced"
	}
	c := security(name, opEraseUnit, word0, password)
	c.Timeout = EraseTimeout
	return c
}

// SecurityFreezeLock is ACS-4, 7.40.
func SecurityFreezeLock() Command {
	return Command{Name: "SECURITY FREEZE LOCK", OpCode: opFreezeLock, Timeout: askTimeout}
}

// sanitizeAccept is how long a drive may take to accept a sanitize: it may
// first write back its cache.
const sanitizeAccept = 5 * time.Minute

// sanitize is a SANITIZE DEVICE command (ACS-4, 7.36). key is what LBA must
// hold, so that no stray command erases a drive.
func sanitize(name string, feature, count uint16, key uint64) Command {
	return Command{Name: "SANITIZE DEVICE, " + name, OpCode: opSanitize, Features: feature, Count: count, LBA: key,
		Device: lbaMode, Extended: true, Timeout: sanitizeAccept}
}

// failureMode is the FAILURE MODE bit in COUNT of the commands that sanitize: a
// drive that fails can then be put back into use (ACS-4, 7.36.2).
const failureMode = 1 << 4

func mode(exit bool) uint16 {
	if exit {
		return failureMode
	}
	return 0
}

// SanitizeStatus asks how far it is; clear leaves the failed state, if the
// sanitize was given with FAILURE MODE (ACS-4, 7.36.7).
func SanitizeStatus(clear bool) Command {
	c := sanitize("SANITIZE STATUS EXT", 0x0000, 0, 0)
	c.Timeout, c.Registers = askTimeout, true
	if clear {
		c.Name, c.Count = c.Name+" (CLEAR SANITIZE OPERATION FAILED)", 1
	}
	return c
}

// SanitizeCrypto is CRYPTO SCRAMBLE EXT (ACS-4, 7.36.3), key "Cryp".
func SanitizeCrypto(exit bool) Command {
	return sanitize("CRYPTO SCRAMBLE EXT", 0x0011, mode(exit), 0x43727970)
}

// SanitizeBlock is BLOCK ERASE EXT (ACS-4, 7.36.2), key "BkEr".
func SanitizeBlock(exit bool) Command {
	return sanitize("BLOCK ERASE EXT", 0x0012, mode(exit), 0x426b4572)
}

// SanitizeOverwrite is OVERWRITE EXT (ACS-4, 7.36.4), key "OW": passes, 1 to 15, of
// pattern. The field's value 0 would order 16 passes; it is never sent.
func SanitizeOverwrite(exit bool, passes int, pattern uint32, invert bool) Command {
	count := uint16(min(max(passes, 1), 15)) | mode(exit)
	if invert {
		count |= 1 << 7
	}
	return sanitize("OVERWRITE EXT", 0x0014, count, 0x4f57<<32|uint64(pattern))
}

// SanitizeFreezeLock is ACS-4, 7.36.6, key "FrLk".
func SanitizeFreezeLock() Command { return sanitize("SANITIZE FREEZE LOCK EXT", 0x0020, 0, 0x46724c6b) }

// SanitizeAntifreezeLock is ACS-4, 7.36.5, key "Anti".
func SanitizeAntifreezeLock() Command {
	return sanitize("SANITIZE ANTIFREEZE LOCK EXT", 0x0040, 0, 0x416e7469)
}

// ReadNativeMax asks for the highest address that there is, with an HPA or
// without, see [NativeMax] (ATA8-ACS, 7.32; ext: 7.33).
func ReadNativeMax(ext bool) Command {
	if ext {
		return Command{Name: "READ NATIVE MAX ADDRESS EXT", OpCode: opReadNativeMaxExt, Device: lbaMode, Extended: true, Timeout: askTimeout, Registers: true}
	}
	return Command{Name: "READ NATIVE MAX ADDRESS", OpCode: opReadNativeMax, Device: lbaMode, Timeout: askTimeout, Registers: true}
}

// SetMaxAddress sets the highest address for good (COUNT bit 0). It works once
// per power cycle and only immediately after [ReadNativeMax] (ATA8-ACS, 7.47; ext: 7.48).
func SetMaxAddress(ext bool, last uint64) Command {
	if ext {
		return Command{Name: "SET MAX ADDRESS EXT", OpCode: opSetMaxExt, Count: 1, LBA: last & (1<<48 - 1), Device: lbaMode, Extended: true, Timeout: askTimeout}
	}
	return Command{Name: "SET MAX ADDRESS", OpCode: opSetMax, Count: 1, LBA: last & 0xffffff, Device: lbaMode | byte(last>>24&0x0f), Timeout: askTimeout}
}

// GetNativeMaxExt is GET NATIVE MAX ADDRESS EXT of the Accessible Max Address
// Configuration feature set (ACS-4, 7.1.2).
func GetNativeMaxExt() Command {
	return Command{Name: "GET NATIVE MAX ADDRESS EXT", OpCode: opAMA, Features: 0, Device: lbaMode, Extended: true, Timeout: askTimeout, Registers: true}
}

// SetAccessibleMaxExt is SET ACCESSIBLE MAX ADDRESS EXT, which stays over power
// cycles and works once in each (ACS-4, 7.1.3).
func SetAccessibleMaxExt(last uint64) Command {
	return Command{Name: "SET ACCESSIBLE MAX ADDRESS EXT", OpCode: opAMA, Features: 1, LBA: last & (1<<48 - 1), Device: lbaMode, Extended: true, Timeout: askTimeout}
}

// FreezeAccessibleMaxExt is FREEZE ACCESSIBLE MAX ADDRESS EXT (ACS-4, 7.1.4).
func FreezeAccessibleMaxExt() Command {
	return Command{Name: "FREEZE ACCESSIBLE MAX ADDRESS EXT", OpCode: opAMA, Features: 2, Device: lbaMode, Extended: true, Timeout: askTimeout}
}

// DCOIdentify asks what the drive can be at most (ATA8-ACS, 7.10.3).
func DCOIdentify() Command {
	c := read("DEVICE CONFIGURATION IDENTIFY", opDCO, 1)
	c.Features, c.Device = 0xc2, lbaMode
	return c
}

// DCORestore undoes an overlay (ATA8-ACS, 7.10.4). It is refused while there is an HPA.
func DCORestore() Command {
	return Command{Name: "DEVICE CONFIGURATION RESTORE", OpCode: opDCO, Features: 0xc0, Device: lbaMode, Timeout: askTimeout}
}

// DCOFreezeLock is ATA8-ACS, 7.10.2.
func DCOFreezeLock() Command {
	return Command{Name: "DEVICE CONFIGURATION FREEZE LOCK", OpCode: opDCO, Features: 0xc1, Device: lbaMode, Timeout: askTimeout}
}

// TrustedSend is ACS-4, 7.54.
func TrustedSend(protocol byte, specific uint16, data []byte) (Command, error) {
	return trusted("TRUSTED SEND", opTrustedSend, scsi.Out, protocol, specific, data)
}

// TrustedReceive is ACS-4, 7.52. It fills data.
func TrustedReceive(protocol byte, specific uint16, data []byte) (Command, error) {
	return trusted("TRUSTED RECEIVE", opTrustedReceive, scsi.In, protocol, specific, data)
}

// trusted holds the length to 255 blocks: the SAT layer takes it from COUNT,
// which is bits 7:0 of it.
func trusted(name string, opcode byte, d scsi.Direction, protocol byte, specific uint16, data []byte) (Command, error) {
	if len(data) == 0 || len(data)%512 != 0 || len(data) > 255*512 {
		return Command{}, fmt.Errorf("%s of %d bytes: not 1 to 255 blocks of 512", name, len(data))
	}
	return Command{Name: name, OpCode: opcode, Features: uint16(protocol), Count: uint16(len(data) / 512),
		LBA: uint64(specific) << 8, Device: lbaMode, Direction: d, Data: data, Timeout: askTimeout}, nil
}
