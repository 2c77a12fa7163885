package inventory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The SMBIOS structure types that are read, DSP0134 3.7.0 clause 7.
const (
	smbiosFirmware  = 0
	smbiosSystem    = 1
	smbiosBoard     = 2
	smbiosChassis   = 3
	smbiosProcessor = 4
	smbiosMemory    = 17
	smbiosEnd       = 127
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
	kind byte
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

// text is the string whose number stands at offset; empty when there is none.
func (s smbiosStructure) text(offset int) string {
	if n := s.u8(offset); n >= 1 && n <= len(s.strings) {
		return cleaned(s.strings[n-1])
	}
	return ""
}

// parseStructures splits a structure table. Tables come from firmware and may
// be cut off or wrong: what was read before the fault is returned with the error.
func parseStructures(table []byte) ([]smbiosStructure, error) {
	var all []smbiosStructure
	for at := 0; at+4 <= len(table); {
		length := int(table[at+1])
		if length < 4 || at+length > len(table) {
			return all, fmt.Errorf("read SMBIOS structure at %d: length %d does not fit", at, length)
		}
		s := smbiosStructure{kind: table[at], data: table[at : at+length]}
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
			s.strings = append(s.strings, string(table[at:at+end]))
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

// firmwareTables is what the SMBIOS table of a machine says.
type firmwareTables struct {
	// raw is keyed by the names of /sys/class/dmi/id.
	raw         map[string]string
	chassisType int // 0 when absent
	processors  []CPU
	modules     []MemoryModule
	// hasMemory is true when type 17 structures were present, populated or not.
	hasMemory bool
}

// parseSMBIOS reads the structure table. With an error there may be results.
func parseSMBIOS(table []byte, v smbiosVersion) (firmwareTables, error) {
	structures, err := parseStructures(table)
	t := firmwareTables{raw: map[string]string{}}
	// Boards and chassis may repeat (blades, docks): the first is the machine's.
	set := func(key, value string) {
		if _, ok := t.raw[key]; !ok && value != "" {
			t.raw[key] = value
		}
	}
	seen := map[byte]bool{}
	for _, s := range structures {
		first := !seen[s.kind]
		seen[s.kind] = true
		switch {
		case s.kind == smbiosFirmware && first:
			set("bios_vendor", s.text(0x04))
			set("bios_version", s.text(0x05))
			set("bios_date", s.text(0x08))
		case s.kind == smbiosSystem && first:
			set("sys_vendor", s.text(0x04))
			set("product_name", s.text(0x05))
			set("product_version", s.text(0x06))
			set("product_serial", s.text(0x07))
			if len(s.data) >= 0x18 {
				set("product_uuid", smbiosUUID(s.data[0x08:0x18], v))
			}
			set("product_sku", s.text(0x19))
			set("product_family", s.text(0x1a))
		case s.kind == smbiosBoard && first:
			set("board_vendor", s.text(0x04))
			set("board_name", s.text(0x05))
			set("board_version", s.text(0x06))
			set("board_serial", s.text(0x07))
			set("board_asset_tag", s.text(0x08))
		case s.kind == smbiosChassis && first:
			// Bit 7 says that a lock is present.
			t.chassisType = s.u8(0x05) & 0x7f
			set("chassis_type", fmt.Sprint(t.chassisType))
			set("chassis_vendor", s.text(0x04))
			set("chassis_version", s.text(0x06))
			set("chassis_serial", s.text(0x07))
			set("chassis_asset_tag", s.text(0x08))
		case s.kind == smbiosProcessor:
			if cpu, ok := smbiosCPU(s); ok {
				t.processors = append(t.processors, cpu)
			}
		case s.kind == smbiosMemory:
			t.hasMemory = true
			if m, ok := smbiosModule(s); ok {
				t.modules = append(t.modules, m)
			}
		}
	}
	return t, err
}

// smbiosUUID writes the system UUID in RFC 4122 form. Since SMBIOS 2.6 the
// first three fields are little-endian (DSP0134 3.7.0, 7.2.1).
func smbiosUUID(b []byte, v smbiosVersion) string {
	u := [16]byte(b)
	if !v.before(2, 6) {
		u[0], u[1], u[2], u[3] = u[3], u[2], u[1], u[0]
		u[4], u[5] = u[5], u[4]
		u[6], u[7] = u[7], u[6]
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// smbiosCPU reads a processor (DSP0134 3.7.0, 7.5); ok is false for an empty
// socket and for what is no central processor.
func smbiosCPU(s smbiosStructure) (CPU, bool) {
	const populated, central = 1 << 6, 3
	if s.u8(0x18)&populated == 0 || s.u8(0x05) != central {
		return CPU{}, false
	}
	count := func(short, long int) int {
		if n := s.u8(short); n != 0xff {
			return n
		}
		return s.u16(long)
	}
	cpu := CPU{Model: s.text(0x10), Vendor: s.text(0x07), Cores: count(0x23, 0x2a), Threads: count(0x25, 0x2e)}
	if isPlaceholder(cpu.Model) {
		cpu.Model = ""
	}
	return cpu, true
}

// smbiosModule reads a memory device (DSP0134 3.7.0, 7.18); ok is false for an
// empty slot and for the firmware's own flash chip.
func smbiosModule(s smbiosStructure) (MemoryModule, bool) {
	var size int64
	switch n := s.u16(0x0c); {
	case n == 0:
		return MemoryModule{}, false
	case n == 0xffff: // populated, size unknown
	case n == 0x7fff:
		size = s.u32(0x1c) & 0x7fffffff << 20
	case n&0x8000 != 0:
		size = int64(n&0x7fff) << 10
	default:
		size = int64(n) << 20
	}
	kind := s.u8(0x12)
	if kind >= 0x08 && kind <= 0x0c { // ROM, flash, EEPROM, FEPROM, EPROM
		return MemoryModule{}, false
	}
	speed := int64(s.u16(0x15))
	if speed == 0xffff {
		speed = s.u32(0x54) & 0x7fffffff
	}
	known := func(text string) string {
		if isPlaceholder(text) {
			return ""
		}
		return text
	}
	return MemoryModule{
		Slot:         s.text(0x10),
		SizeBytes:    size,
		Type:         memoryType(kind),
		SpeedMTs:     int(speed),
		Manufacturer: known(s.text(0x17)),
		PartNumber:   known(s.text(0x1a)),
		Serial:       known(s.text(0x18)),
	}, true
}

// memoryType names the types that are met in machines of this century, DSP0134
// 3.7.0 table 78; empty for unknown.
func memoryType(code int) string {
	return map[int]string{
		0x03: "DRAM", 0x0f: "SDRAM", 0x11: "RDRAM", 0x12: "DDR", 0x13: "DDR2", 0x14: "DDR2 FB-DIMM", 0x18: "DDR3", 0x1a: "DDR4",
		0x1b: "LPDDR", 0x1c: "LPDDR2", 0x1d: "LPDDR3", 0x1e: "LPDDR4", 0x1f: "non-volatile", 0x20: "HBM", 0x21: "HBM2",
		0x22: "DDR5", 0x23: "LPDDR5", 0x24: "HBM3",
	}[code]
}

// chassisClass turns a chassis type (DSP0134 3.7.0, table 17) into a class.
// Workstations have no type of their own: a desktop or tower that its maker
// calls one is one.
func chassisClass(code int, model string) string {
	switch code {
	case 3, 4, 5, 6, 7, 15, 16, 24:
		for _, word := range []string{"Workstation", "WorkStation", "ThinkStation", "Precision "} {
			if strings.Contains(model, word) {
				return "workstation"
			}
		}
		return "desktop"
	case 8, 9, 10, 14:
		return "laptop"
	case 11, 30:
		return "tablet"
	case 13:
		return "all-in-one"
	case 17, 22, 23, 25, 28, 29:
		return "server"
	case 31, 32:
		return "convertible"
	case 35, 36:
		return "mini"
	default:
		return "other"
	}
}

// systemOf picks the named fields out of the raw ones. Placeholders are left
// out; where the product name is one, the board's stands in for it. Lenovo
// keeps the name people know in the version and an order number in the name.
func systemOf(raw map[string]string, chassis int) System {
	known := func(keys ...string) string {
		for _, key := range keys {
			if v := raw[key]; !isPlaceholder(v) {
				return v
			}
		}
		return ""
	}
	s := System{
		Manufacturer: known("sys_vendor", "board_vendor", "chassis_vendor"),
		Model:        known("product_name", "board_name"),
		Serial:       known("product_serial"),
		Raw:          raw,
	}
	if v := known("product_version"); strings.EqualFold(s.Manufacturer, "lenovo") && strings.ContainsAny(v, "aeiouAEIOU") && !strings.EqualFold(v, "lenovo") {
		s.Model = v
	}
	s.Class = chassisClass(chassis, s.Model+" "+raw["product_family"])
	if u := strings.ToLower(raw["product_uuid"]); !isPlaceholderUUID(u) {
		s.UUID = u
	}
	return s
}
