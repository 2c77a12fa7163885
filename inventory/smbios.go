package inventory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The SMBIOS structure types that are read, DSP0134 3.7.0 clause 7.
const (
	smbiosFirmware    = 0
	smbiosSystem      = 1
	smbiosBoard       = 2
	smbiosChassis     = 3
	smbiosProcessor   = 4
	smbiosPort        = 8
	smbiosSlot        = 9
	smbiosOnBoard     = 10
	smbiosOEMStrings  = 11
	smbiosMemoryArray = 16
	smbiosMemory      = 17
	smbiosPointing    = 21
	smbiosBattery     = 22
	smbiosSecurity    = 24
	smbiosOnBoardMore = 41
	smbiosTPM         = 43
	smbiosEnd         = 127
)

// smbiosVersion is the version of the specification that a table follows.
type smbiosVersion struct{ major, minor int }

func (v smbiosVersion) before(major, minor int) bool {
	return v.major < major || v.major == major && v.minor < minor
}

// parseEntryPoint reads the version out of an SMBIOS entry point: 64-bit
// "_SM3_" (DSP0134 3.7.0, 5.2.2) or 32-bit "_SM_" (5.2.1). A wrong checksum is
// an error.
func parseEntryPoint(b []byte) (smbiosVersion, error) {
	var length int
	var v smbiosVersion
	switch {
	case len(b) >= 24 && string(b[:5]) == "_SM3_":
		length, v = int(b[6]), smbiosVersion{int(b[7]), int(b[8])}
	case len(b) >= 31 && string(b[:4]) == "_SM_":
		length, v = int(b[5]), smbiosVersion{int(b[6]), int(b[7])}
	default:
		return smbiosVersion{}, errors.New("read SMBIOS entry point: no anchor")
	}
	var sum byte
	for _, c := range b[:min(length, len(b))] {
		sum += c
	}
	if length > len(b) || sum != 0 {
		return smbiosVersion{}, errors.New("read SMBIOS entry point: the checksum is wrong")
	}
	return v, nil
}

// smbiosStructure is one structure of the table.
type smbiosStructure struct {
	kind   byte
	handle int
	// data is the formatted area with its four bytes of header, so that
	// offsets are those of the specification.
	data    []byte
	strings []string
}

func (s smbiosStructure) u8(offset int) int {
	if offset >= len(s.data) {
		return 0
	}
	return int(s.data[offset])
}

func (s smbiosStructure) u16(offset int) int {
	if offset+2 > len(s.data) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(s.data[offset:]))
}

func (s smbiosStructure) u32(offset int) int64 {
	if offset+4 > len(s.data) {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(s.data[offset:]))
}

func (s smbiosStructure) u64(offset int) uint64 {
	if offset+8 > len(s.data) {
		return 0
	}
	return binary.LittleEndian.Uint64(s.data[offset:])
}

// text is the string whose number stands at offset; empty when there is none.
func (s smbiosStructure) text(offset int) string {
	if n := s.u8(offset); n >= 1 && n <= len(s.strings) {
		return cleaned(s.strings[n-1])
	}
	return ""
}

const (
	// maxStructures is the most structures of a table: their handles are of 16
	// bits (DSP0134 3.7.0, 6.1.2).
	maxStructures = 1 << 16
	// maxStrings is the most strings of a structure: their numbers are of 8.
	maxStrings = 255
)

// parseStructures splits a structure table. Tables come from firmware and may
// be cut off or wrong: what was read before the fault is returned with the error.
func parseStructures(table []byte) ([]smbiosStructure, error) {
	var all []smbiosStructure
	for at := 0; at+4 <= len(table); {
		length := int(table[at+1])
		if length < 4 || at+length > len(table) {
			return all, fmt.Errorf("read SMBIOS structure at %d: length %d does not fit", at, length)
		}
		if len(all) == maxStructures {
			return all, fmt.Errorf("read SMBIOS structure at %d: there are more than %d", at, maxStructures)
		}
		s := smbiosStructure{kind: table[at], handle: int(binary.LittleEndian.Uint16(table[at+2:])), data: table[at : at+length]}
		at += length
		// The string set: strings ended by NUL, the set by one more; an
		// empty set is two NULs.
		for {
			end := bytes.IndexByte(table[at:], 0)
			if end < 0 {
				return append(all, s), fmt.Errorf("read SMBIOS structure at %d: its strings do not end", at)
			}
			if end == 0 {
				break
			}
			if len(s.strings) < maxStrings {
				s.strings = append(s.strings, string(table[at:at+end]))
			}
			at += end + 1
		}
		at++
		if len(s.strings) == 0 && at < len(table) && table[at] == 0 {
			at++
		}
		all = append(all, s)
		if s.kind == smbiosEnd {
			break
		}
	}
	return all, nil
}
