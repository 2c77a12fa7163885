package inventory

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// personalFields are the places of the numbers of those strings that belong to
// one machine and not to its model (DSP0134 3.7.0, clause 7).
func personalFields(kind byte) []int {
	switch kind {
	case 1: // system: serial number
		return []int{0x07}
	case 2, 3: // board, chassis: serial number, asset tag
		return []int{0x07, 0x08}
	case 4: // processor: serial number, asset tag
		return []int{0x20, 0x21}
	case 17: // memory device: serial number, asset tag
		return []int{0x18, 0x19}
	case 22: // battery: serial number
		return []int{0x07}
	case 39: // power supply: serial number, asset tag
		return []int{0x08, 0x09}
	}
	return nil
}

// understood reports whether a structure's fields are known to hold nothing
// personal but those of personalFields: not those of the makers (128 and up),
// inactive ones, additional information, string properties, the host interface
// of a management controller, and the maker's own strings and options, where
// makers put serial numbers and hosts the credentials of their guests.
func understood(kind byte) bool {
	switch kind {
	case smbiosOEMStrings, 12, 40, 42, 46, 126:
		return false
	}
	return kind < 128 && kind <= smbiosEnd
}

// smbios scrubs a structure table in place, so that every length stays. What
// follows a fault in it is cut off.
func (s *scrubber) smbios(table []byte) []byte {
	b := bytes.Clone(table)
	for at := 0; at+4 <= len(b); {
		kind, length := b[at], int(b[at+1])
		if length < 4 || at+length > len(b) {
			return b[:at]
		}
		data := b[at : at+length]
		rest := b[at+length:]
		var texts [][]byte
		used := 0
		for {
			end := bytes.IndexByte(rest[used:], 0)
			if end < 0 {
				return b[:at]
			}
			if end == 0 {
				break
			}
			texts = append(texts, rest[used:used+end])
			used += end + 1
		}
		if used++; len(texts) == 0 && used < len(rest) && rest[used] == 0 {
			used++
		}
		s.structure(kind, data, texts)
		at += length + used
		if kind == smbiosEnd {
			clear(b[at:])
			break
		}
	}
	return b
}

// structure scrubs one structure.
func (s *scrubber) structure(kind byte, data []byte, texts [][]byte) {
	if !understood(kind) {
		if kind != smbiosOEMStrings && kind != 12 { // what those have is how many strings follow
			clear(data[4:])
		}
		for _, text := range texts {
			copy(text, strings.Repeat("X", len(text)))
		}
		return
	}
	if kind == smbiosSystem && len(data) >= 0x18 {
		if id := hex.EncodeToString(data[0x08:0x18]); strings.Trim(id, "0") != "" && !isPlaceholderUUID(smbiosUUID(data[0x08:0x18], smbiosVersion{2, 6})) {
			fake, _ := hex.DecodeString(strings.ReplaceAll(scrubbedUUID, "-", ""))
			copy(data[0x08:0x18], fake)
		}
	}
	if kind == 22 && len(data) >= 0x12 { // serial number of a smart battery
		clear(data[0x10:0x12])
	}
	for _, field := range personalFields(kind) {
		if field < len(data) && data[field] >= 1 && int(data[field]) <= len(texts) {
			text := texts[data[field]-1]
			copy(text, s.serial(string(text)))
		}
	}
	for i, text := range texts {
		switch clean := s.text(string(text)); {
		case !bytes.Contains(data[4:], []byte{byte(i + 1)}): // no field has it
			copy(text, strings.Repeat("X", len(text)))
		case len(clean) == len(text):
			copy(text, clean)
		default: // nothing is better than something personal
			copy(text, strings.Repeat("X", len(text)))
		}
	}
}
