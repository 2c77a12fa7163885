package inventory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
)

// errNotEDID is the error for bytes in which no EDID is recognised.
var errNotEDID = errors.New("no EDID")

const (
	edidBlock = 128
	// maxEDIDBlocks is what the extension flag of the base block can count.
	maxEDIDBlocks = 256
	// maxDisplays is far beyond the screens that hang on one machine.
	maxDisplays = 64
)

// edidHeader begins every base block (VESA E-EDID 1.4, 3.3).
var edidHeader = []byte{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00}

// edid is what an EDID tells, in whichever form it came. What it does not tell
// is empty or zero.
type edid struct {
	pnpID    string
	product  int
	number   uint32 // serial number of the base block
	name     string // display product name
	serial   string // display product serial number
	texts    []string
	week     int // 0 when not told
	year     int
	revision int
	// screen is the size in the base block, image that of the preferred
	// timing, exact that of DisplayID, in millimetres.
	screen, image, exact size
	preferred, native    size // in pixels
	notes                []string
}

// size is a width and a height.
type size struct{ width, height int }

func (s size) area() int { return s.width * s.height }

func (e *edid) note(format string, args ...any) {
	if len(e.notes) < 16 {
		e.notes = append(e.notes, "EDID: "+fmt.Sprintf(format, args...))
	}
}

// isEDID reports whether b begins like a base block. Two bytes of the header
// may be damaged, as they are after a bad contact.
func isEDID(b []byte) bool {
	if len(b) < edidBlock {
		return false
	}
	right := 0
	for i, want := range edidHeader {
		if b[i] == want {
			right++
		}
	}
	return right >= 6
}

// parseEDID reads an EDID: VESA E-EDID 1.3 and 1.4, and of its extensions
// DisplayID 1.3 and 2.0. Bytes after the last block it tells of are left alone.
func parseEDID(b []byte) (Display, error) {
	if !isEDID(b) {
		return Display{}, errNotEDID
	}
	e := edid{}
	base := b[:edidBlock]
	if !bytes.Equal(base[:8], edidHeader) {
		e.note("the header is damaged")
	}
	e.base(base)
	told := 1 + int(base[0x7e])
	have := min(told, len(b)/edidBlock, maxEDIDBlocks)
	if have < told {
		e.note("%d of %d extension blocks are missing", told-have, told-1)
	}
	for i := range have {
		block := b[i*edidBlock : (i+1)*edidBlock]
		var sum byte
		for _, c := range block {
			sum += c
		}
		if sum != 0 {
			e.note("the checksum of block %d is wrong", i)
		}
		// DisplayID as an extension: VESA DisplayID 1.3, 2.0, tag 70h.
		if i > 0 && block[0] == 0x70 {
			e.displayID(block[1 : edidBlock-1])
		}
		// CTA-861 has room for more descriptors, where some have their serial.
		if i > 0 && block[0] == 0x02 && block[2] >= 4 && e.serial == "" {
			for at := int(block[2]); at+18 < edidBlock; at += 18 {
				if d := block[at : at+18]; d[0] == 0 && d[1] == 0 && d[3] == 0xff {
					e.serial = edidText(d[5:])
				}
			}
		}
	}
	return e.display(), nil
}

// base reads the base block; the offsets are those of E-EDID 1.4, table 3.1.
func (e *edid) base(b []byte) {
	e.pnpID = pnpID(binary.BigEndian.Uint16(b[0x08:]))
	e.product = int(binary.LittleEndian.Uint16(b[0x0a:]))
	e.number = binary.LittleEndian.Uint32(b[0x0c:])
	e.revision = int(b[0x13])
	e.made(int(b[0x10]), 1990+int(b[0x11]))
	if b[0x10] == 0 && b[0x11] == 0 {
		e.year = 0
	}
	e.screen = size{int(b[0x15]) * 10, int(b[0x16]) * 10}
	// With one of them zero, 1.4 has an aspect ratio there (3.6.2).
	if b[0x15] == 0 || b[0x16] == 0 {
		e.screen = size{}
	}
	for i := range 4 {
		d := b[0x36+18*i : 0x36+18*(i+1)]
		if d[0] != 0 || d[1] != 0 {
			if i == 0 {
				e.timing(d)
			}
			continue
		}
		switch text := edidText(d[5:]); d[3] {
		case 0xfc:
			e.name = appended(e.name, text)
		case 0xff:
			e.serial = appended(e.serial, text)
		case 0xfe:
			e.texts = append(e.texts, text)
		}
	}
}

// appended puts a name together that fills more than one descriptor.
func appended(a, b string) string { return strings.TrimSpace(a + b) }

// made takes week and year of manufacture (E-EDID 1.4, 3.4.4).
func (e *edid) made(week, year int) {
	e.year = year
	switch {
	case week >= 1 && week <= 54:
		e.week = week
	case week == 0, week == 0xff: // not told; the year is that of the model
	default:
		e.note("week %d is none", week)
	}
}

// timing reads a detailed timing (E-EDID 1.4, 3.10.2), the first of which is
// the preferred one.
func (e *edid) timing(d []byte) {
	e.preferred = size{int(d[2]) | int(d[4]>>4)<<8, int(d[5]) | int(d[7]>>4)<<8}
	if d[17]&0x80 != 0 { // interlaced: the lines of one field
		e.preferred.height *= 2
	}
	e.image = size{int(d[12]) | int(d[14]>>4)<<8, int(d[13]) | int(d[14]&0x0f)<<8}
}

// edidText reads the thirteen characters of a descriptor, which end with a
// line feed.
func edidText(b []byte) string {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return edidWords(string(b))
}

// edidWords takes out of a text what no monitor is called, which is what noise
// on the line looks like.
func edidWords(s string) string {
	return cleaned(strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) || r > unicode.MaxASCII {
			return -1
		}
		return r
	}, s))
}

// pnpID unpacks the three letters of a maker (E-EDID 1.4, 3.4.1); empty when
// they are none.
func pnpID(packed uint16) string {
	letters := []byte{byte(packed>>10) & 31, byte(packed>>5) & 31, byte(packed) & 31}
	for i, n := range letters {
		if n < 1 || n > 26 {
			return ""
		}
		letters[i] = 'A' + n - 1
	}
	if packed&0x8000 != 0 {
		return ""
	}
	return string(letters)
}

// displayID reads a DisplayID section: version, length of the data blocks,
// product type, extension count, then data blocks of tag, revision, length.
func (e *edid) displayID(section []byte) {
	if len(section) < 5 {
		return
	}
	blocks := section[4:min(4+int(section[1]), len(section)-1)]
	for len(blocks) >= 3 {
		tag, revision, length := blocks[0], blocks[1], int(blocks[2])
		if tag == 0 && length == 0 { // padding
			return
		}
		if 3+length > len(blocks) {
			e.note("a DisplayID block does not fit")
			return
		}
		e.displayIDBlock(tag, revision, blocks[3:3+length])
		blocks = blocks[3+length:]
	}
}

func (e *edid) displayIDBlock(tag, revision byte, data []byte) {
	word := func(at int) int { return int(binary.LittleEndian.Uint16(data[at:])) }
	switch {
	case (tag == 0x01 || tag == 0x21) && len(data) >= 8:
		// Display parameters (DisplayID 1.3, 4.2; 2.0, 4.2): tenths of a
		// millimetre, or whole ones where bit 7 of the revision says so.
		tenths := 10
		if tag == 0x21 && revision&0x80 != 0 {
			tenths = 1
		}
		round := func(n int) int { return (n + tenths/2) / tenths }
		e.exact = size{round(word(0)), round(word(2))}
		e.native = size{word(4), word(6)}
		if e.native.width == 0xffff || e.native.height == 0xffff {
			e.native = size{}
		}
	case tag == 0x03 || tag == 0x22:
		// Detailed timings of type I (1.3, 4.4.1) and type VII (2.0, 4.3).
		for ; len(data) >= 20; data = data[20:] {
			if data[3]&0x80 != 0 {
				e.prefers(size{word(4) + 1, word(12) + 1})
			}
		}
	}
}

// prefers takes a preferred timing of an extension, which can say more than
// the base block has room for.
func (e *edid) prefers(s size) {
	if s.area() > e.preferred.area() {
		e.preferred = s
	}
}

// display puts what was read into the form of the inventory.
func (e *edid) display() Display {
	d := Display{
		PNPID: e.pnpID, Manufacturer: pnpMaker(e.pnpID), ProductCode: e.product,
		Model: e.model(), Serial: e.serialNumber(), Year: e.year, Week: e.week, Internal: e.isPanel(),
	}
	if e.prefers(e.native); e.preferred.width > 0 && e.preferred.height > 0 {
		d.WidthPixels, d.HeightPixels = e.preferred.width, e.preferred.height
	}
	s := e.measure()
	d.WidthMillimetres, d.HeightMillimetres, d.DiagonalInches = s.width, s.height, diagonal(s)
	d.Notes = e.notes
	return d
}

// isPanel reports whether this is a panel that is built into something: it has
// no name to sell it by, and a maker of panels or a part number.
func (e *edid) isPanel() bool {
	return (e.name == "" || isPlaceholder(e.name)) && (isPanelMaker(e.pnpID) || e.partNumber() != "")
}

// model is the product name. The panels of notebooks have none, but one of
// their texts is often the number their maker knows them by.
func (e *edid) model() string {
	if e.name != "" && !isPlaceholder(e.name) {
		return e.name
	}
	if number := e.partNumber(); number != "" {
		return number
	}
	if e.product == 0 {
		return ""
	}
	return fmt.Sprintf("0x%04X", e.product)
}

// partNumber is the text that looks like a part number; empty when none does.
func (e *edid) partNumber() string {
	for _, text := range e.texts {
		digits := strings.ContainsAny(text, "0123456789")
		letters := strings.ContainsFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' })
		if len(text) >= 6 && digits && letters && !strings.ContainsFunc(text, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != ' ' && r != '.'
		}) {
			return text
		}
	}
	return ""
}

// serialNumber is the serial number as text, or the number of the base block
// where there is none and it is one.
func (e *edid) serialNumber() string {
	if e.serial != "" && !isPlaceholder(e.serial) {
		return e.serial
	}
	switch e.number {
	case 0, 1, 0x01010101, 0x01000000, 0xffffffff:
		return ""
	}
	return fmt.Sprint(e.number)
}

// measure is the size of the screen in millimetres. The base block rounds to
// centimetres, and the preferred timing tells more where the two agree.
func (e *edid) measure() size {
	if e.exact.area() > 0 && plausible(e.exact) {
		return e.exact
	}
	switch {
	case e.screen.area() == 0:
		e.note("it tells no size, as a projector does")
		return size{}
	case !plausible(e.screen):
		e.note("its size of %d x %d mm is an aspect ratio and not a size", e.screen.width, e.screen.height)
		return size{}
	case e.image.area() == 0:
		return e.screen
	case near(e.image.width, e.screen.width) && near(e.image.height, e.screen.height):
		return e.image
	case plausible(e.image):
		e.note("it tells two sizes: %d x %d mm for the screen, %d x %d mm for its picture",
			e.screen.width, e.screen.height, e.image.width, e.image.height)
	}
	return e.screen
}

// near reports whether a length in millimetres may be told in centimetres as
// the other, rounded in any way.
func near(exact, rounded int) bool { return exact > rounded-10 && exact < rounded+10 }

// plausible reports whether a size is that of a screen: makers who do not know
// put the ratio of its sides there.
func plausible(s size) bool {
	for _, ratio := range []size{{16, 9}, {16, 10}, {4, 3}, {5, 4}, {21, 9}} {
		for _, scale := range []int{1, 10, 100} {
			if s == (size{ratio.width * scale, ratio.height * scale}) && (scale != 100 || ratio == size{16, 9}) {
				return false
			}
		}
	}
	short, long := min(s.width, s.height), max(s.width, s.height)
	return short >= 30 && long <= 5*short
}

// diagonal is the diagonal in inches with one decimal; 0 when it is not known.
func diagonal(s size) float64 {
	if s.area() == 0 {
		return 0
	}
	return math.Round(math.Hypot(float64(s.width), float64(s.height))/25.4*10) / 10
}
