package inventory

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxEDIDText is far beyond the longest text about all monitors of a machine.
const maxEDIDText = 8 << 20

// readEDIDs reads what b holds of EDIDs: one in binary, or a text with one or
// several, in hex (as edid-decode, xrandr --prop, xxd and hexdump print it) or
// put into words by edid-decode. Where a text has an EDID in both forms, hex is
// taken. The error wraps errNotEDID when there is none.
func readEDIDs(b []byte) ([]Display, error) {
	if isEDID(b) {
		d, err := parseEDID(b)
		return []Display{d}, err
	}
	if len(b) > maxEDIDText {
		return nil, fmt.Errorf("read EDID: longer than %d bytes: %w", maxEDIDText, errNotEDID)
	}
	if all := hexEDIDs(b); len(all) > 0 {
		return all, nil
	}
	var all []Display
	for _, part := range decodedEDIDs(b) {
		if d, ok := readDecodedEDID(part); ok && len(all) < maxDisplays {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read EDID: %w", errNotEDID)
	}
	return all, nil
}

// hexEDIDs finds EDIDs written in hex. What stands between them may be text.
// The copy of its input that edid-decode prints is no second monitor.
func hexEDIDs(b []byte) []Display {
	var all []Display
	var run, before []byte
	connector, next := "", ""
	copied, original := false, false // of the run, and of the one before it
	end := func() {
		// A copy of the EDID in its own extension is no second monitor.
		at := max(0, bytes.Index(run, edidHeader))
		d, err := parseEDID(run[at:])
		again := copied && original && bytes.Equal(run, before)
		if len(run) > 0 {
			before, original, copied = append(before[:0], run...), !copied, false
		}
		if err == nil && !again && len(all) < maxDisplays {
			if connector != "" {
				d.Connector, d.Internal = connector, isInternal(connector)
			}
			all = append(all, d)
		}
		run = run[:0]
	}
	for line := range bytes.Lines(b) {
		digits, ok := hexLine(line)
		switch {
		case ok:
			if len(run) == 0 {
				connector = next
			}
			run = append(run, digits...)
		case len(bytes.TrimSpace(line)) > 0:
			end()
			copied = bytes.HasPrefix(line, []byte("edid-decode (hex)"))
			// xrandr: "eDP-1 connected primary 1920x1080+0+0 ...".
			if name, rest, found := bytes.Cut(line, []byte(" ")); found && line[0] > ' ' {
				next = ""
				if bytes.HasPrefix(rest, []byte("connected")) {
					next = cleaned(string(name))
				}
			}
		}
	}
	end()
	return all
}

// hexLine gives the bytes of a line that holds nothing but hex, with an offset
// before it or not; ok is false for any other line, and for an empty one.
func hexLine(line []byte) (b []byte, ok bool) {
	s := strings.TrimSpace(string(line[:min(len(line), 4096)]))
	if offset, rest, found := strings.Cut(s, ": "); found && isHex(offset) { // xxd
		s, _, _ = strings.Cut(rest, "  ")
	} else if rest, _, found := strings.Cut(s, "|"); found { // hexdump -C
		_, s, _ = strings.Cut(rest, " ")
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "hex:"), `\`)
	for field := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		digits, err := hex.DecodeString(strings.TrimPrefix(field, "0x"))
		if err != nil {
			return nil, false
		}
		b = append(b, digits...)
	}
	return b, len(b) > 0
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// isInternal reports whether the machine's own panel hangs on a connector with
// this name.
func isInternal(connector string) bool {
	for _, kind := range []string{"eDP", "LVDS", "DSI"} {
		if strings.HasPrefix(connector, kind) {
			return true
		}
	}
	return false
}

// decodedBase begins what edid-decode says of a monitor, and did before 2020.
var decodedBase = regexp.MustCompile(`(?m)^(Block 0, Base EDID:|EDID version: )`)

// decodedEDIDs splits the output of edid-decode by monitors.
func decodedEDIDs(b []byte) [][]byte {
	var parts [][]byte
	at := decodedBase.FindAllIndex(b, maxDisplays)
	for i, from := range at {
		to := len(b)
		if i+1 < len(at) {
			to = at[i+1][0]
		}
		parts = append(parts, b[from[0]:to])
	}
	return parts
}

// decodedEDID is the reading of one monitor's text.
type decodedEDID struct {
	edid
	block  int  // the block that is told of
	timing bool // the preferred timing was read
	// told is true when a line about maker or size was there.
	told bool
}

var (
	decodedBlock  = regexp.MustCompile(`^Block +(\d+), `)
	decodedDTD    = regexp.MustCompile(`^DTD +1: +(\d+)x(\d+)i? .*?(?:(\d+) mm x (\d+) mm)?\)?$`)
	decodedMode   = regexp.MustCompile(`^Detailed mode: .*?(\d+) mm x (\d+) mm`)
	decodedPixels = regexp.MustCompile(`(\d+)x(\d+)`)
	decodedSize   = regexp.MustCompile(`([\d.]+) (cm|mm) x ([\d.]+) (?:cm|mm)`)
	decodedMaker  = regexp.MustCompile(`^Manufacturer: ([A-Z]{3})(?: Model ([0-9a-fA-F]+) Serial Number (\d+))?$`)
	decodedMade   = regexp.MustCompile(`^(?:Made in:?|Model year:?) *(?:week (\d+) of )?(?:year )?(\d{4})`)
	decodedSum    = regexp.MustCompile(`^Checksum: .*\(should be `)
)

// readDecodedEDID reads what edid-decode says of one monitor; ok is false when
// there is nothing to read. A serial number that it hides is "...".
func readDecodedEDID(b []byte) (d Display, ok bool) {
	t := decodedEDID{}
	// The two lines with numbers of an old detailed mode follow its first.
	mode := 0
	for line := range strings.Lines(string(b)) {
		// A line that was cut off may end within a number.
		if !strings.HasSuffix(line, "\n") {
			break
		}
		line = strings.TrimSpace(line[:min(len(line), 1024)])
		switch {
		case mode > 0:
			n, _ := strconv.Atoi(firstField(line))
			if mode == 2 {
				t.preferred.width = n
			} else {
				t.preferred.height = n
			}
			mode--
		case !t.timing && strings.HasPrefix(line, "Detailed mode: "):
			if m := decodedMode.FindStringSubmatch(line); m != nil {
				t.image = size{decimal(m[1]), decimal(m[2])}
			}
			t.timing, mode = true, 2
		case line == "Failures:" || line == "Warnings:":
			t.block = -1 // sentences about what was told
		default:
			t.line(line)
		}
	}
	return t.display(), t.told
}

func (t *decodedEDID) line(line string) {
	if m := decodedBlock.FindStringSubmatch(line); m != nil && t.block >= 0 {
		t.block = decimal(m[1])
		return
	}
	if t.block < 0 {
		return
	}
	if decodedSum.MatchString(line) {
		t.note("the checksum of block %d is wrong", t.block)
	}
	if t.block > 0 {
		t.extension(line)
		return
	}
	if m := decodedMaker.FindStringSubmatch(line); m != nil {
		t.pnpID, t.told = m[1], true
		if m[2] != "" {
			product, _ := strconv.ParseUint(m[2], 16, 16)
			n, _ := strconv.ParseUint(m[3], 10, 32)
			t.product, t.number = int(product), uint32(n)
		}
		return
	}
	if m := decodedMade.FindStringSubmatch(line); m != nil {
		t.week, t.year = decimal(m[1]), decimal(m[2])
		return
	}
	if m := decodedDTD.FindStringSubmatch(line); m != nil && !t.timing {
		t.timing = true
		t.preferred, t.image = size{decimal(m[1]), decimal(m[2])}, size{decimal(m[3]), decimal(m[4])}
		return
	}
	key, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	quoted := edidWords(strings.TrimSuffix(strings.TrimPrefix(value, "'"), "'"))
	switch key {
	case "Model":
		t.product = decimal(value)
	case "Serial Number":
		n, _ := strconv.ParseUint(firstField(value), 10, 32)
		t.number = uint32(n)
	case "Display Product Name", "Monitor name":
		t.name = appended(t.name, quoted)
	case "Display Product Serial Number", "Serial number":
		if quoted != "..." {
			t.serial = appended(t.serial, quoted)
		}
	case "Alphanumeric Data String", "ASCII string":
		t.texts = append(t.texts, quoted)
	case "Maximum image size":
		t.screen, t.told = millimetres(value), true
	}
}

// extension reads a line about an extension block. Sizes are of DisplayID, a
// serial number stands in CTA-861 where the base block has no room.
func (t *decodedEDID) extension(line string) {
	key, value, _ := strings.Cut(line, ":")
	m := decodedPixels.FindStringSubmatch(value)
	switch {
	case key == "Display Product Serial Number" && t.serial == "" && strings.TrimSpace(value) != "...":
		t.serial = edidWords(strings.Trim(strings.TrimSpace(value), "'"))
	case key == "Image size":
		t.exact = millimetres(value)
	case key == "Display native pixel format" && m != nil:
		t.native = size{decimal(m[1]), decimal(m[2])}
	case key == "DTD" && m != nil && strings.Contains(value, ", preferred"):
		t.prefers(size{decimal(m[1]), decimal(m[2])})
	}
}

// millimetres reads "41 cm x 26 cm" or "1198.1 mm x 337.0 mm".
func millimetres(s string) size {
	m := decodedSize.FindStringSubmatch(s)
	if m == nil {
		return size{}
	}
	factor := 1.0
	if m[2] == "cm" {
		factor = 10
	}
	side := func(s string) int {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 0 || f > 1e5 {
			return 0
		}
		return int(f*factor + 0.5)
	}
	if s := (size{side(m[1]), side(m[3])}); s.area() > 0 {
		return s
	}
	return size{}
}

// decimal reads a decimal number of a few digits; 0 when it is none.
func decimal(s string) int {
	if len(s) > 9 {
		return 0
	}
	n, _ := strconv.Atoi(s)
	return n
}

func firstField(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	return s
}
