package mmc

import "time"

// Response and command types of linux/mmc/core.h, for native and SPI hosts.
const (
	rspR1  = 0x0095 // present, CRC, opcode
	rspR1B = 0x049D // and busy
	typeAC = 0 << 5
	typeTC = 1 << 5 // with data
)

// What an ERASE does, its argument (JESD84-B51 section 6.6.9 to 6.6.13).
const (
	EraseGroups  uint32 = 0
	EraseTrim    uint32 = 1 // by the sector
	EraseDiscard uint32 = 3 // the card need not erase anything
	EraseSecure  uint32 = 0x80000000
	SecureTrim1  uint32 = 0x80000001 // marks
	SecureTrim2  uint32 = 0x80008000 // erases what is marked
)

// relativeAddress is the RCA that Linux gives to an eMMC.
const relativeAddress = 1 << 16

// ReadExtCSD is SEND_EXT_CSD, CMD8 of an eMMC.
func ReadExtCSD() Command {
	return Command{Opcode: 8, Flags: rspR1 | typeTC, Data: make([]byte, extCSDBytes), BlockBytes: extCSDBytes}
}

// Switch is SWITCH, CMD6: it writes one byte of the extended CSD.
func Switch(index, value byte, limit time.Duration) Command {
	const writeByte, normalSet = 3, 1
	return Command{Opcode: 6, Argument: writeByte<<24 | uint32(index)<<16 | uint32(value)<<8 | normalSet, Flags: rspR1B | typeAC, Timeout: limit}
}

// SendStatus is CMD13 of an eMMC. Its response tells of failures that the
// commands before it found out while they worked.
func SendStatus() Command {
	return Command{Opcode: 13, Argument: relativeAddress, Flags: rspR1 | typeAC}
}

// Erase are the three commands that erase from one address to another, the
// last included: ERASE_GROUP_START, ERASE_GROUP_END and ERASE, CMD35, 36, 38.
func Erase(first, last, argument uint32, limit time.Duration) []Command {
	return erase(35, first, last, argument, limit)
}

// EraseSD are the same of an SD card: CMD32, 33, 38.
func EraseSD(first, last uint32, limit time.Duration) []Command {
	return erase(32, first, last, EraseGroups, limit)
}

func erase(opcode, first, last, argument uint32, limit time.Duration) []Command {
	return []Command{
		{Opcode: opcode, Argument: first, Flags: rspR1 | typeAC},
		{Opcode: opcode + 1, Argument: last, Flags: rspR1 | typeAC},
		{Opcode: 38, Argument: argument, Flags: rspR1B | typeAC, Timeout: limit},
	}
}

// ReadSDStatus is SD_STATUS, ACMD13 of an SD card.
func ReadSDStatus() Command {
	return Command{Opcode: 13, Application: true, Flags: rspR1 | typeTC, Data: make([]byte, sdStatusBytes), BlockBytes: sdStatusBytes}
}
