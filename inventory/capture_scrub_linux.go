package inventory

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// scrubber replaces what is personal in the files of a machine. The same value
// gets the same replacement wherever it stands.
type scrubber struct {
	// fakes are the replacements by the value, in lower case.
	fakes map[string]string
	count int
	// secrets are the values that must stand nowhere, longest first.
	secrets []string
}

// scrubbedUUID takes the place of every UUID. It reads the same in both byte
// orders that SMBIOS has had.
const scrubbedUUID = "fafafafa-fafa-fafa-fafa-000000000001"

// scrubbedKey takes the place of a Windows product key.
const scrubbedKey = "XXXXX-XXXXX-XXXXX-XXXXX-XXXXX"

// newScrubber knows what is personal in m, so that it is found where nobody
// expects it, too.
func newScrubber(m Machine) *scrubber {
	s := &scrubber{fakes: map[string]string{}}
	var values []string
	values = append(values, m.System.Serial, m.Board.Serial)
	for _, key := range []string{"product_serial", "board_serial", "chassis_serial", "board_asset_tag", "chassis_asset_tag"} {
		values = append(values, m.System.Raw[key])
	}
	for _, module := range m.Memory.Modules {
		values = append(values, module.Serial)
	}
	for _, d := range m.Drives {
		values = append(values, d.Serial)
	}
	for _, d := range m.Displays {
		values = append(values, d.Serial)
	}
	for _, b := range m.Batteries {
		values = append(values, b.Serial)
	}
	for _, v := range values {
		s.keep(v, s.serial(v))
	}
	for _, n := range m.Network {
		if n.MAC != "" {
			fake := s.mac(n.MAC)
			s.keep(n.MAC, fake)
			s.keep(strings.ReplaceAll(n.MAC, ":", ""), strings.ReplaceAll(fake, ":", ""))
		}
	}
	for _, d := range m.Drives {
		if _, digits, ok := strings.Cut(d.WWN, "."); ok {
			s.keep(digits, s.worldWide(digits))
		}
	}
	s.keep(m.System.UUID, scrubbedUUID)
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
	return s
}

// keep remembers a value that must stand nowhere. A short one stands in too
// many places by chance.
func (s *scrubber) keep(value, fake string) {
	if len(value) >= 6 && fake != value && !slices.Contains(s.secrets, value) {
		s.secrets = append(s.secrets, value)
		s.fakes[strings.ToLower(value)] = fake
	}
}

// fake gives the replacement that a value has, or the next one.
func (s *scrubber) fake(value string, next func(n int) string) string {
	key := strings.ToLower(value)
	if s.fakes[key] == "" {
		s.count++
		s.fakes[key] = next(s.count)
	}
	return s.fakes[key]
}

// serial gives a made-up serial number or asset tag of the same length. What
// is none is left alone, for it is the firmware's and nobody's.
func (s *scrubber) serial(value string) string {
	core := strings.Trim(value, padding)
	if core == "" || isPlaceholder(core) || strings.Trim(core, "0 ") == "" {
		return value
	}
	fake := s.fake(core, func(n int) string {
		digits := fmt.Sprintf("%04d", n%10_000)
		if len(core) <= len(digits) {
			return digits[len(digits)-len(core):]
		}
		const word = "SCRUBBED"
		letters := word[:min(len(word), len(core)-len(digits))]
		return letters + strings.Repeat("0", len(core)-len(digits)-len(letters)) + digits
	})
	return strings.Replace(value, core, fake, 1)
}

// mac gives a made-up MAC address, of those that anybody may use (IEEE 802,
// the local bit).
func (s *scrubber) mac(value string) string {
	value = strings.TrimSpace(value)
	if strings.Trim(value, "0:") == "" || len(value) != 17 {
		return value
	}
	return s.fake(value, func(n int) string { return fmt.Sprintf("02:00:00:00:%02x:%02x", n>>8&255, n&255) })
}

// worldWide gives a made-up world-wide name of the same scheme, which the first
// digits have with the maker's number.
func (s *scrubber) worldWide(digits string) string {
	if len(digits) < 12 || strings.Trim(digits, "0-") == "" {
		return digits
	}
	return s.fake(digits, func(n int) string {
		return strings.ToLower(digits[:8]) + strings.Repeat("0", len(digits)-12) + fmt.Sprintf("%04x", n&0xffff)
	})
}

// anyMAC is a MAC address: what is connected by Bluetooth is called after its
// own in sysfs.
var anyMAC = regexp.MustCompile(`(?i)\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b`)

// text replaces every secret and every MAC address in a text.
func (s *scrubber) text(text string) string {
	for _, secret := range s.secrets {
		for from := 0; ; {
			at := indexWord(text[from:], secret)
			if at < 0 {
				break
			}
			at += from
			fake := s.fakes[strings.ToLower(secret)]
			text = text[:at] + fake + text[at+len(secret):]
			from = at + len(fake)
		}
	}
	return anyMAC.ReplaceAllStringFunc(text, func(address string) string {
		if strings.HasPrefix(address, "02:00:00:00:") {
			return address // made up
		}
		return s.mac(address)
	})
}

// indexWord is where word stands in text by itself, in whatever case; -1 where
// it does not. An interface's name has letters in front of a MAC.
func indexWord(text, word string) int {
	lower, word := asciiLower(text), asciiLower(word)
	digit := func(i int) bool { return i >= 0 && i < len(lower) && lower[i] >= '0' && lower[i] <= '9' }
	for from := 0; ; {
		at := strings.Index(lower[from:], word)
		if at < 0 {
			return -1
		}
		at += from
		if !digit(at-1) && !digit(at+len(word)) {
			return at
		}
		from = at + 1
	}
}

// asciiLower leaves every byte where it is, whatever stands beside what is
// looked for.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// tells reports whether a secret stands in b, in one of the ways in which
// drives and firmware write texts.
func (s *scrubber) tells(b []byte) bool {
	swapped := bytes.Clone(b)
	for i := 0; i+1 < len(swapped); i += 2 {
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
	}
	for _, secret := range s.secrets {
		if indexWord(string(b), secret) >= 0 || bytes.Contains(swapped, []byte(secret)) ||
			strings.Contains(strings.ToLower(string(b)), hex.EncodeToString([]byte(secret))) {
			return true
		}
		if raw, err := hex.DecodeString(strings.NewReplacer("-", "", ":", "").Replace(secret)); err == nil && len(raw) >= 6 && bytes.Contains(b, raw) {
			return true
		}
	}
	return false
}

// harmless are the files that hold nothing personal, by name.
var harmless = regexp.MustCompile(`^(` + strings.Join([]string{
	`size|ro|removable|hidden|dev|partition|hw_sector_size|logical_block_size|physical_block_size|rotational|discard_max_hw_bytes`,
	`vendor|model|rev|type|raid_level|transport|firmware_rev|fwrev|name|temp1_input|proc_name|vpd_pgb1|state`,
	`class|device|subsystem_vendor|subsystem_device|idVendor|idProduct|product|manufacturer|b(Interface|Device)\w+`,
	`scope|present|technology|status|cycle_count|voltage_\w+|capacity|capacity_level|energy_\w+|charge_\w+|model_name`,
	`role|is_enabled|current_value|check_enrollment|tpm_version_major|enabled|active|addr_assign_type`,
	`(enclosure|bay|phy)_identifier|core_id|physical_package_id|thread_siblings(_list)?|online|processor_flags|modalias`,
	`bios_\w+|sys_vendor|product_(name|version|sku|family)|board_(vendor|name|version)|chassis_(vendor|type|version)`,
	`remapped_nvme|compatible|smbios_entry_point|SecureBoot-[0-9a-f-]+|cards|info`,
}, "|") + `)$`)

// file scrubs one file; ok is false when nobody has said how.
func (s *scrubber) file(name string, b []byte) (clean []byte, ok bool) {
	text := func(replace func(string) string) ([]byte, bool) {
		return []byte(s.text(replace(string(b)))), true
	}
	switch base := path.Base(name); base {
	case "serial", "serial_number", "serial-number", "product_serial", "board_serial", "chassis_serial", "board_asset_tag", "chassis_asset_tag":
		return text(s.serial)
	case "product_uuid":
		return text(func(t string) string {
			if isPlaceholderUUID(strings.ToLower(strings.TrimSpace(t))) {
				return t
			}
			return scrubbedUUID + "\n"
		})
	case "address":
		return text(func(t string) string { return s.mac(t) + "\n" })
	case "wwid", "nguid", "eui", "uuid":
		return text(s.worldWideText)
	case "cid":
		return text(s.cardID)
	case "uevent":
		return text(onlyLines("MAJOR=", "MINOR=", "DEVNAME=", "DEVTYPE=", "DRIVER="))
	case "cpuinfo":
		return text(func(t string) string { return withoutLines(t, "Serial") })
	case "meminfo":
		return text(onlyLines("MemTotal:"))
	case "devices": // of the input devices
		return text(inputDevicesOnly)
	case "edid":
		return s.edid(b), true
	case "MSDM":
		return scrubKey(b), true
	case "DMI":
		return s.smbios(b), true
	case "inquiry": // what follows is the maker's
		return b[:min(len(b), 36)], true
	case "vpd_pg80":
		return s.unitSerial(b), true
	case "vpd_pg83":
		return s.designators(b), true
	case "vpd_pg89":
		return s.ataInformation(b), true
	default:
		if !harmless.MatchString(base) {
			return nil, false
		}
		if bytes.IndexByte(b, 0) >= 0 {
			return b, true
		}
		return text(func(t string) string { return t })
	}
}

// onlyLines keeps the lines that begin so.
func onlyLines(prefixes ...string) func(string) string {
	return func(text string) string {
		var kept strings.Builder
		for line := range strings.Lines(text) {
			if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
				kept.WriteString(line)
			}
		}
		return kept.String()
	}
}

func withoutLines(text, prefix string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, prefix) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// inputDevicesOnly leaves out what is connected by Bluetooth, which people give
// their names to, and what a device is told apart by.
func inputDevicesOnly(text string) string {
	var kept []string
	for section := range strings.SplitSeq(text, "\n\n") {
		if first, _, _ := strings.Cut(section, "\n"); strings.Contains(first, "Bus="+busBluetooth) {
			continue
		}
		var lines strings.Builder
		for line := range strings.Lines(section) {
			if strings.HasPrefix(line, "U: Uniq=") {
				line = "U: Uniq=\n"
			}
			lines.WriteString(line)
		}
		kept = append(kept, lines.String())
	}
	return strings.Join(kept, "\n\n")
}

// worldWideText scrubs a world-wide name in the kernel's form.
func (s *scrubber) worldWideText(text string) string {
	text = strings.TrimSpace(text)
	scheme, digits, ok := strings.Cut(text, ".")
	switch {
	case !ok: // nguid and eui have groups of digits
		plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(text))
		if !isHex(plain) {
			return "\n"
		}
		return s.worldWide(plain) + "\n"
	case wwnFrom(text) == "":
		return scheme + ".scrubbed\n" // made of the serial number
	default:
		return scheme + "." + s.worldWide(strings.ToLower(digits)) + "\n"
	}
}

// cardID scrubs the serial number in the CID register of an eMMC or SD card
// and leaves the rest (JESD84-B51, 7.2).
func (s *scrubber) cardID(text string) string {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != 16 {
		return "\n"
	}
	// eMMC has the serial number in bytes 10 to 13, SD in 9 to 12.
	for i := 9; i < 14; i++ {
		b[i] = 0
	}
	b[12] = 1
	return hex.EncodeToString(b) + "\n"
}

// unitSerial scrubs the unit serial number page (SPC-5, 7.7.19).
func (s *scrubber) unitSerial(page []byte) []byte {
	b := bytes.Clone(page)
	if len(b) > 4 {
		copy(b[4:], s.serial(string(b[4:])))
	}
	return b
}

// designators scrubs the device identification page (SPC-5, 7.7.6).
func (s *scrubber) designators(page []byte) []byte {
	b := bytes.Clone(page)
	for at := 4; at+4 <= len(b); {
		n := int(b[at+3])
		if at+4+n > len(b) {
			return b[:at]
		}
		d := b[at+4 : at+4+n]
		switch kind := b[at+1] & 0x0f; {
		case kind == 1 && n >= 68: // maker, model, serial number
			copy(d[48:], s.serial(string(d[48:68])))
			clear(d[68:])
		case kind == 2 && n >= 8, kind == 3 && n >= 8:
			fake, err := hex.DecodeString(s.worldWide(hex.EncodeToString(d)))
			if err == nil && len(fake) == n {
				copy(d, fake)
			}
		case kind == 4, kind == 5, kind == 6: // numbers of ports
		default:
			clear(d[min(n, 8):])
		}
		at += 4 + n
	}
	return b
}

// ataInformation scrubs the IDENTIFY DEVICE data in the ATA information page
// (SAT-4, 10.3.7; ACS-4, 7.13).
func (s *scrubber) ataInformation(page []byte) []byte {
	b := bytes.Clone(page)
	if len(b) < 572 {
		return b[:min(len(b), 60)]
	}
	id := b[60:572]
	swap := func(b []byte) []byte {
		out := bytes.Clone(b)
		for i := 0; i+1 < len(out); i += 2 {
			out[i], out[i+1] = out[i+1], out[i]
		}
		return out
	}
	copy(id[20:40], swap([]byte(s.serial(string(swap(id[20:40]))))))
	if name := swap(id[216:224]); strings.Trim(string(name), "\x00") != "" {
		if fake, err := hex.DecodeString(s.worldWide(hex.EncodeToString(name))); err == nil && len(fake) == 8 {
			copy(id[216:224], swap(fake))
		}
	}
	clear(id[352:412]) // the serial number of a medium
	if id[510] == 0xa5 {
		id[511] = 0
		var sum byte
		for _, c := range id {
			sum += c
		}
		id[511] = -sum
	}
	return b
}

// scrubKey replaces the product key in the ACPI table MSDM. A wrong checksum
// stays wrong.
func scrubKey(table []byte) []byte {
	b := bytes.Clone(table)
	const at = acpiHeaderBytes + 20
	if len(b) <= at {
		return b
	}
	data := b[at:]
	before := byteSum(data)
	if isProductKey(string(data[:min(len(data), productKeyBytes)])) {
		copy(data, scrubbedKey)
		clear(data[productKeyBytes:])
	} else {
		clear(data)
	}
	b[9] += before - byteSum(data)
	return b
}

func byteSum(b []byte) (sum byte) {
	for _, c := range b {
		sum += c
	}
	return sum
}

// edid scrubs the serial numbers of a display. A wrong checksum stays wrong.
func (s *scrubber) edid(b []byte) []byte {
	b = bytes.Clone(b[:len(b)/edidBlock*edidBlock])
	if !isEDID(b) {
		return nil
	}
	number := (&edid{number: binary.LittleEndian.Uint32(b[0x0c:])}).serialNumber()
	for at := 0; at < len(b); at += edidBlock {
		block := b[at : at+edidBlock]
		before := byteSum(block[:edidBlock-1])
		switch {
		case at == 0:
			if number != "" {
				binary.LittleEndian.PutUint32(block[0x0c:], 4_000_000_000+uint32(len(number)))
			}
			s.descriptors(block[0x36:0x7e])
		case block[0] == 0x02 && block[2] >= 4 && int(block[2]) < edidBlock-1: // CTA-861
			s.descriptors(block[block[2] : edidBlock-1])
		case block[0] == 0x70: // DisplayID
			scrubDisplayID(block[1 : edidBlock-1])
		default: // somebody's own, or a copy of the base block
			clear(block[1 : edidBlock-1])
		}
		block[edidBlock-1] += before - byteSum(block[:edidBlock-1])
	}
	return b
}

// descriptors scrubs the serial numbers among descriptors of 18 bytes.
func (s *scrubber) descriptors(b []byte) {
	for ; len(b) >= 18; b = b[18:] {
		if b[0] != 0 || b[1] != 0 || b[3] != 0xff {
			continue
		}
		text := b[5:18]
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			text = text[:end]
		}
		copy(text, s.serial(string(text)))
	}
}

// scrubDisplayID takes the serial number out of the product identification
// (DisplayID 1.3, 4.1; 2.0, 4.1) and sets the section's own checksum.
func scrubDisplayID(section []byte) {
	end := min(4+int(section[1]), len(section)-1)
	before := byteSum(section[:end])
	for at := 4; at+3 <= end; {
		n := int(section[at+2])
		if at+3+n > end {
			break
		}
		if tag := section[at]; (tag == 0x00 || tag == 0x20) && n >= 9 {
			clear(section[at+3+5 : at+3+9])
		}
		at += 3 + n
	}
	section[end] += before - byteSum(section[:end])
}
