package inventory

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// machineFromDMI reads what somebody captured of a machine's SMBIOS tables:
// the text that dmidecode prints, a file that it wrote with --dump-bin, or the
// bare table (/sys/firmware/dmi/tables/DMI). It reports whether b is such a
// dump at all; one that is broken or cut off gives what can be read of it, and
// Notes says so.
func machineFromDMI(b []byte) (Machine, bool) {
	m := unread()
	tables, ok := tablesFromDump(b)
	if !ok {
		if tables, ok = tablesFromText(b); !ok {
			return m, false
		}
	}
	tables.fill(&m)
	if m.System.Manufacturer == "" && m.System.Model == "" {
		m.Notes = append(m.Notes, "system: the firmware says nothing about maker and model")
	}
	return m, true
}

// tablesFromDump reads a binary dump: an entry point with the table at byte 32
// (where dmidecode puts it) or right behind it, the table alone, or the table
// behind the eight bytes that Windows puts in front of it (RawSMBIOSData).
func tablesFromDump(b []byte) (firmwareTables, bool) {
	version, table := smbiosVersion{2, 8}, b
	var notes []string
	switch {
	case bytes.HasPrefix(b, []byte("_SM3_")), bytes.HasPrefix(b, []byte("_SM_")):
		v, err := parseEntryPoint(b[:min(len(b), 32)])
		if err != nil {
			notes = append(notes, "system: "+err.Error())
		} else {
			version = v
		}
		length := 31
		if b[3] == '3' {
			length = 24
		}
		table = b[min(len(b), 32):]
		if behind := b[min(len(b), length):]; !looksLikeTable(table) && looksLikeTable(behind) {
			table = behind
		}
	case bytes.HasPrefix(b, []byte("_DMI_")) && len(b) >= 15:
		// The entry point of before SMBIOS: the version in two digits at 14.
		version, table = smbiosVersion{int(b[14] >> 4), int(b[14] & 15)}, b[min(len(b), 32):]
	case len(b) > 8 && int64(binary.LittleEndian.Uint32(b[4:])) == int64(len(b)-8) && looksLikeTable(b[8:]):
		version, table = smbiosVersion{int(b[1]), int(b[2])}, b[8:]
	case !looksLikeTable(b):
		return firmwareTables{}, false
	}
	tables, err := parseSMBIOS(table, version)
	if err != nil {
		notes = append(notes, "system: "+err.Error())
	}
	tables.notes = append(notes, tables.notes...)
	return tables, true
}

// looksLikeTable reports whether b is a structure table without an entry
// point: it begins with a whole structure of a known type, and one that
// describes a firmware, a system or a board is within reach.
func looksLikeTable(b []byte) bool {
	if !bytes.Contains(b[:min(len(b), 4096)], []byte{0, 0}) {
		return false
	}
	structures, err := parseStructures(b)
	for _, s := range structures {
		if s.kind <= smbiosBoard && len(s.data) >= 8 && len(s.strings) > 0 && (err == nil || len(structures) > 4) {
			return true
		}
	}
	return false
}

// hasTextMark reports whether a line is one that only a printed dump has.
func hasTextMark(line string) bool {
	return strings.HasPrefix(line, "# dmidecode ") ||
		strings.HasPrefix(line, "Handle 0x") && strings.Contains(line, "DMI type") ||
		strings.HasPrefix(line, "SMBIOS ") && strings.HasSuffix(line, " present.") ||
		strings.HasPrefix(line, "# SMBIOS entry point at ") || strings.HasPrefix(line, "# No SMBIOS nor DMI entry point found")
}
