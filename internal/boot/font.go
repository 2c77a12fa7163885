package boot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Font is a console font (PSF 1 or 2).
type Font struct {
	Width, Height int
	// Glyphs are rows of whole bytes, the leftmost pixel in the highest bit.
	Glyphs [][]byte
	Runes  map[rune]int // which glyph shows a character
}

// Limits of what the console takes, and so of what is read.
const (
	maxFontGlyphs = 512
	maxFontWidth  = 64
	maxFontHeight = 128
	maxFontBytes  = 1 << 20
)

// ParseFont reads a font with a table of its characters, as
// linux/Documentation and kbd describe the formats.
func ParseFont(b []byte) (Font, error) {
	if len(b) > maxFontBytes {
		return Font{}, fmt.Errorf("read font: %d bytes is more than any has", len(b))
	}
	var f Font
	var err error
	switch {
	case bytes.HasPrefix(b, []byte{0x36, 0x04}):
		f, err = parsePSF1(b)
	case bytes.HasPrefix(b, []byte{0x72, 0xb5, 0x4a, 0x86}):
		f, err = parsePSF2(b)
	default:
		err = errors.New("neither PSF 1 nor PSF 2")
	}
	if err != nil {
		return Font{}, fmt.Errorf("read font: %w", err)
	}
	return f, nil
}

// glyphs cuts the bitmaps out of a file.
func (f *Font) glyphs(b []byte, at, count, size int) (rest []byte, err error) {
	if f.Width < 1 || f.Width > maxFontWidth || f.Height < 1 || f.Height > maxFontHeight || size != (f.Width+7)/8*f.Height {
		return nil, fmt.Errorf("%d x %d pixels in %d bytes", f.Width, f.Height, size)
	}
	if count != 256 && count != maxFontGlyphs {
		return nil, fmt.Errorf("%d glyphs, and the console takes 256 or 512", count)
	}
	if at < 0 || len(b) < at+count*size {
		return nil, errors.New("it ends early")
	}
	for n := range count {
		f.Glyphs = append(f.Glyphs, b[at+n*size:][:size])
	}
	return b[at+count*size:], nil
}

func parsePSF1(b []byte) (Font, error) {
	const has512, hasTable, hasSequences = 1, 2, 4
	if len(b) < 4 {
		return Font{}, errors.New("it ends early")
	}
	mode, height := b[2], int(b[3])
	count := 256
	if mode&has512 != 0 {
		count = 512
	}
	f := Font{Width: 8, Height: height, Runes: map[rune]int{}}
	table, err := f.glyphs(b, 4, count, height)
	if err != nil {
		return Font{}, err
	}
	if mode&(hasTable|hasSequences) == 0 {
		return Font{}, errors.New("it does not say which characters it has")
	}
	// For each glyph its characters, then after FFFEh sequences of them (which
	// a console cannot show), up to FFFFh.
	glyph, sequence := 0, false
	for ; len(table) >= 2 && glyph < count; table = table[2:] {
		switch u := binary.LittleEndian.Uint16(table); {
		case u == 0xffff:
			glyph, sequence = glyph+1, false
		case u == 0xfffe:
			sequence = true
		case !sequence:
			f.add(rune(u), glyph)
		}
	}
	return f, nil
}

func parsePSF2(b []byte) (Font, error) {
	const headerBytes, hasTable = 32, 1
	if len(b) < headerBytes {
		return Font{}, errors.New("it ends early")
	}
	word := func(n int) int { return int(binary.LittleEndian.Uint32(b[4*n:])) }
	at, flags, count, size := word(2), word(3), word(4), word(5)
	f := Font{Width: word(7), Height: word(6), Runes: map[rune]int{}}
	if at < headerBytes || at > len(b) {
		return Font{}, fmt.Errorf("a header of %d bytes", at)
	}
	table, err := f.glyphs(b, at, count, size)
	if err != nil {
		return Font{}, err
	}
	if flags&hasTable == 0 {
		return Font{}, errors.New("it does not say which characters it has")
	}
	glyph, sequence := 0, false
	for len(table) > 0 && glyph < count {
		switch table[0] {
		case 0xff:
			glyph, sequence, table = glyph+1, false, table[1:]
			continue
		case 0xfe:
			sequence, table = true, table[1:]
			continue
		}
		r, width := utf8.DecodeRune(table)
		if r != utf8.RuneError && !sequence {
			f.add(r, glyph)
		}
		table = table[width:]
	}
	return f, nil
}

// add notes a character of a glyph; the first glyph counts.
func (f *Font) add(r rune, glyph int) {
	if _, twice := f.Runes[r]; !twice {
		f.Runes[r] = glyph
	}
}

// doubled is the font with each pixel made four, for screens with very small
// ones.
func (f Font) doubled() Font {
	d := Font{Width: 2 * f.Width, Height: 2 * f.Height, Runes: f.Runes}
	rowBytes, doubleBytes := (f.Width+7)/8, (d.Width+7)/8
	for _, glyph := range f.Glyphs {
		b := make([]byte, doubleBytes*d.Height)
		for y := range d.Height {
			for x := range d.Width {
				if glyph[y/2*rowBytes+x/2/8]&(0x80>>(x/2%8)) != 0 {
					b[y*doubleBytes+x/8] |= 0x80 >> (x % 8)
				}
			}
		}
		d.Glyphs = append(d.Glyphs, b)
	}
	return d
}

// columns and rows are how many characters of the font fit on a screen.
func (f Font) columns(pixels int) int { return pixels / f.Width }
func (f Font) rows(pixels int) int    { return pixels / f.Height }

// chooseFont gives the font for a screen of so many pixels: the largest with
// which it has at least 100 columns and 30 rows, so that it has not many more;
// else, and for large text, the largest with which it has 80 and 24. It gives
// -1 when none fits.
func chooseFont(fonts []Font, width, height int, large bool) int {
	best := -1
	pick := func(columns, rows int) {
		for n, f := range fonts {
			if f.columns(width) < columns || f.rows(height) < rows {
				continue
			}
			if best < 0 || f.Width*f.Height > fonts[best].Width*fonts[best].Height {
				best = n
			}
		}
	}
	if !large {
		pick(100, 30)
	}
	if best < 0 {
		pick(80, 24)
	}
	return best
}
