package bootusb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// fontSizes are the console fonts of a stick: the package's font that one is
// made from, and the file it becomes. A font is a quarter as high again as the
// one before, or more, up to what a screen of 3840 by 2160 needs. The larger ones
// are bold, since their strokes are otherwise as thin as in the smallest.
var fontSizes = []struct{ source, file string }{
	{"Uni2-Terminus16", "ombruk-8x16.psf"},
	{"Uni2-TerminusBold20x10", "ombruk-10x20.psf"},
	{"Uni2-TerminusBold24x12", "ombruk-12x24.psf"},
	{"Uni2-TerminusBold28x14", "ombruk-14x28.psf"},
	{"Uni2-TerminusBold32x16", "ombruk-16x32.psf"},
}

// fontRunes are the characters of the fonts on a stick, besides the printable
// ones of ASCII and Latin-1: 256 in all. A font of 512 would cost the console
// half of its colours. Block elements are drawn here, since Debian's fonts have
// next to none of them and the QR code and the graphs are made of them.
var fontRunes = []rune("ŠšŽž●✗€–—‘’“”•…→←↑↓►◄▲▼√≤≥≠│─┌┐└┘├┤┬┴┼═║╔╗╚╝█░▒▓▀▄▌▐▁▂▃▅▆▇▏▎▍▋▊▉■\ufffd")

// alike are characters that the fonts have under another number.
var alike = map[rune]rune{'►': '▶', '◄': '◀'}

// consoleFonts makes the stick's fonts by file name.
func (c *contents) consoleFonts() (map[string][]byte, error) {
	fonts := map[string][]byte{}
	for _, s := range fontSizes {
		packed, ok := c.fonts[s.source]
		if !ok {
			return nil, fmt.Errorf("make the console fonts: the package console-setup-linux has no %s", s.source)
		}
		_, b, err := plain(s.source+".gz", packed)
		if err != nil {
			return nil, fmt.Errorf("make the console fonts: %w", err)
		}
		f, err := parsePSF(b)
		if err != nil {
			return nil, fmt.Errorf("make the console font %s: %w", s.file, err)
		}
		if fonts[s.file], err = f.rewrite(); err != nil {
			return nil, fmt.Errorf("make the console font %s: %w", s.file, err)
		}
	}
	return fonts, nil
}

// psf is a console font: PC Screen Font, version 1 or 2.
type psf struct {
	width, height int
	glyphBytes    int
	glyphs        []byte
	byRune        map[rune]int
}

var errPSF = errors.New("it is no console font, or damaged")

func parsePSF(b []byte) (*psf, error) {
	le := binary.LittleEndian
	f := &psf{byRune: map[rune]int{}}
	var count int
	var table []byte
	switch {
	case len(b) >= 4 && b[0] == 0x36 && b[1] == 0x04:
		count, f.width, f.height = 256, 8, int(b[3])
		if b[2]&1 != 0 {
			count = 512
		}
		b = b[4:]
	case len(b) >= 32 && le.Uint32(b) == 0x864ab572:
		header, n := le.Uint32(b[8:]), le.Uint32(b[16:])
		if header < 32 || uint64(header) > uint64(len(b)) || n > 4096 || le.Uint32(b[24:]) > 64 || le.Uint32(b[28:]) > 64 {
			return nil, errPSF
		}
		count, f.height, f.width = int(n), int(le.Uint32(b[24:])), int(le.Uint32(b[28:]))
		if uint64(le.Uint32(b[20:])) != uint64((f.width+7)/8*f.height) {
			return nil, errPSF
		}
		b = b[header:]
		table = []byte{}
	default:
		return nil, errPSF
	}
	f.glyphBytes = (f.width + 7) / 8 * f.height
	if f.glyphBytes == 0 || len(b) < count*f.glyphBytes {
		return nil, errPSF
	}
	f.glyphs, b = b[:count*f.glyphBytes], b[count*f.glyphBytes:]
	note := func(r rune, glyph int) {
		if _, ok := f.byRune[r]; !ok {
			f.byRune[r] = glyph
		}
	}
	glyph, sequence := 0, false
	if table == nil { // version 1: 16-bit, FFFFh ends a glyph, FFFEh begins a sequence
		for ; len(b) >= 2 && glyph < count; b = b[2:] {
			switch r := rune(le.Uint16(b)); {
			case r == 0xffff:
				glyph, sequence = glyph+1, false
			case r == 0xfffe:
				sequence = true
			case !sequence:
				note(r, glyph)
			}
		}
		return f, nil
	}
	for len(b) > 0 && glyph < count { // version 2: UTF-8, FFh ends a glyph, FEh begins a sequence
		switch b[0] {
		case 0xff:
			glyph, sequence, b = glyph+1, false, b[1:]
		case 0xfe:
			sequence, b = true, b[1:]
		default:
			r, n := utf8.DecodeRune(b)
			if !sequence && (r != utf8.RuneError || n > 1) {
				note(r, glyph)
			}
			b = b[n:]
		}
	}
	return f, nil
}

// rewrite gives f as a font of the characters of a stick.
func (f *psf) rewrite() ([]byte, error) {
	var runes []rune
	// The place of a space is the one that the console clears with.
	for r := rune(0x20); r < 0x7f; r++ {
		runes = append(runes, r)
	}
	for r := rune(0xa0); r <= 0xff; r++ {
		if r != 0xad { // the soft hyphen, which nobody sees
			runes = append(runes, r)
		}
	}
	runes = append(runes, fontRunes...)
	const count = 256
	if len(runes) > count {
		return nil, fmt.Errorf("%d characters are more than %d", len(runes), count)
	}
	// The first 32 places, which no character of ASCII has, take the last ones.
	places := make([]rune, count)
	copy(places[0x20:], runes)
	if over := len(runes) - (count - 0x20); over > 0 {
		copy(places, runes[count-0x20:])
	}
	le := binary.LittleEndian
	var out, table bytes.Buffer
	header := make([]byte, 32)
	for i, v := range []uint32{0x864ab572, 0, 32, 1, count, uint32(f.glyphBytes), uint32(f.height), uint32(f.width)} {
		le.PutUint32(header[4*i:], v)
	}
	out.Write(header)
	for _, r := range places {
		switch at, ok := f.byRune[r]; {
		case r == 0:
			out.Write(make([]byte, f.glyphBytes))
		case isBlock(r):
			out.Write(f.draw(r))
			table.WriteRune(r)
		case ok:
			out.Write(f.glyphs[at*f.glyphBytes : (at+1)*f.glyphBytes])
			table.WriteRune(r)
		case f.byRune[alike[r]] != 0:
			at := f.byRune[alike[r]]
			out.Write(f.glyphs[at*f.glyphBytes : (at+1)*f.glyphBytes])
			table.WriteRune(r)
		default:
			return nil, fmt.Errorf("it has no %q", r)
		}
		table.WriteByte(0xff)
	}
	out.Write(table.Bytes())
	return out.Bytes(), nil
}

func isBlock(r rune) bool { return r >= 0x2580 && r <= 0x2593 }

// draw makes a block element (Unicode 2580h to 2593h).
func (f *psf) draw(r rune) []byte {
	b := make([]byte, f.glyphBytes)
	stride := (f.width + 7) / 8
	for y := range f.height {
		for x := range f.width {
			var on bool
			switch {
			case r == '▀':
				on = y < f.height/2
			case r >= '▁' && r <= '█': // eighths from below
				on = f.height-y <= (f.height*int(r-'▀')+4)/8
			case r >= '▉' && r <= '▏': // eighths from the left
				on = x < (f.width*int('▐'-r)+4)/8
			case r == '▐':
				on = x >= f.width/2
			case r == '░':
				on = (x+2*y)%4 == 0
			case r == '▒':
				on = (x+y)%2 == 0
			case r == '▓':
				on = (x+2*y)%4 != 0
			}
			if on {
				b[y*stride+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return b
}
