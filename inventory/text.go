package inventory

import (
	"strings"
	"unicode/utf8"
)

// maxText is the longest text that is taken from a device, in runes. SCSI and
// NVMe fields end at 40; only descriptors can be longer.
const maxText = 256

// maxTextBytes is the most that is looked at for maxText runes.
const maxTextBytes = 64 << 10

// padding is what fills the ends of a field.
const padding = " \x00\t\r\n"

// clean takes the padding off a string from a device: spaces, NULs and line
// ends at both ends. Bytes that are not UTF-8 become U+FFFD. Other control
// characters stay, for they are what the device says; whoever prints the text
// makes them harmless. cut is true when the text was longer than maxText.
func clean(s string) (text string, cut bool) {
	if s = strings.Trim(s, padding); len(s) > maxTextBytes {
		s, cut = s[:maxTextBytes], true
	}
	text = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(text) <= maxText {
		return text, cut
	}
	return strings.TrimRight(string([]rune(text)[:maxText]), padding), true
}

// Text is a string from a device as [Drive] and [Machine] hold it: without
// padding, valid UTF-8, at most 256 runes. Whoever compares a string of their
// own reading with one of theirs puts it through this first.
func Text(s string) string { return cleaned(s) }

// cleaned is clean for those who have nowhere to tell about a cut.
func cleaned(s string) string {
	text, _ := clean(s)
	return text
}

// isPlaceholder reports whether a firmware string says nothing: the words that
// board makers leave in the tables, a counting sequence, or one character
// repeated. The words are those found in the DMI reports of linux-hardware.org.
func isPlaceholder(s string) bool {
	s = strings.ToLower(strings.Trim(s, " \x00\t\r\n\"'"))
	switch strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r == '.' || r == '_' || r == '-' || r == '[' || r == ']' || r == '<' || r == '>'
	}), " ") {
	case "", "to be filled by o e m", "to be filled by oem", "tobefilledbyoem", "oem", "o e m", "default string", "default",
		"system manufacturer", "system product name", "system version", "system serial number", "system name", "system sku number",
		"system uuid", "system sku", "system sku#", "system skunumber", "base board product", "type1family", "type1sku", "type1 family",
		"type2 board vendor name1", "type2 board product name1", "type2 board version", "oem chassis manufacturer", "s26361 kxxx vyyy",
		"asus notebooksku", "asus tabletsku", "oemstring", "battery name", "reference", "huronriver crb", "crb", "sku", "sku number", "sku0", "family", "product name", "serial number", "serial", "serialnum", "serno", "manufacturer", "version",
		"chassis manufacturer", "chassis manufacture", "chassis version", "chassis serial number", "enclosure",
		"base board manufacturer", "base board product name", "base board version", "base board serial number",
		"board manufacturer", "board product name", "board version", "board serial number", "mb serial number",
		"not specified", "not applicable", "not available", "not defined", "not set", "not provided", "not present", "notprovided",
		"none", "n/a", "na", "null", "nil", "unknown", "undefined", "invalid", "empty", "bad index", "other", "no dimm", "nodimm",
		"no asset tag", "no asset information", "asset tag", "asset 1234567890", "type1productconfigid", "type2 board serial number",
		"oem define0", "oem define1", "oem define2", "oem define3", "oem define 0", "oem define 1", "oem define 2", "oem define 3",
		"123456", "1234567", "12345678", "123456789", "1234567890", "0123456789", "0123456789abcdef", "123456789abcdef",
		"sernum0", "sernum1", "sernum2", "sernum3", "partnum0", "partnum1", "partnum2", "partnum3",
		"manufacturer0", "manufacturer1", "manufacturer2", "manufacturer3", "modulemanufacturer0", "modulemanufacturer1",
		"modulepartnumber", "modulepartnumber0", "modulepartnumber1", "dimm serial number", "dimm", "all series":
		return true
	}
	if s = strings.TrimPrefix(s, "0x"); s == "" {
		return true
	}
	return strings.Trim(s, s[:1]) == "" && (len(s) > 2 || strings.ContainsAny(s[:1], "0.-_*#?x"))
}

// isPlaceholderUUID reports whether a system UUID is no identity: all zeros
// or Fs (DSP0134 3.7.0, 7.2.1: not set, not present), or one of the values
// that come with reference firmware and are shared by thousands of machines.
func isPlaceholderUUID(u string) bool {
	digits := strings.ToLower(strings.ReplaceAll(u, "-", ""))
	if digits == "" || strings.Trim(digits, "0") == "" || strings.Trim(digits, "f") == "" {
		return true
	}
	switch u {
	case "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
		"12345678-1234-5678-90ab-cddeefaabbcc", "fefefefe-fefe-fefe-fefe-fefefefefefe":
		return true
	}
	return false
}

// compareNatural orders sda before sdb before sdaa, and nvme2n1 before nvme10n1.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, xNumber, restA := chunk(a)
		y, yNumber, restB := chunk(b)
		if x != y {
			// Letters count on like numbers, after the two of the driver.
			sameKind := xNumber && yNumber || len(x) > 2 && len(y) > 2 && x[:2] == y[:2]
			if sameKind && len(x) != len(y) {
				return len(x) - len(y)
			}
			return strings.Compare(x, y)
		}
		a, b = restA, restB
	}
	return len(a) - len(b)
}

// chunk splits off the leading run of digits (without leading zeros) or of
// other bytes.
func chunk(s string) (head string, number bool, rest string) {
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	number = isDigit(s[0])
	i := 1
	for i < len(s) && isDigit(s[i]) == number {
		i++
	}
	head = s[:i]
	if number {
		if head = strings.TrimLeft(head, "0"); head == "" {
			head = "0"
		}
	}
	return head, number, s[i:]
}
