package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// glyphs holds the advance of every character of the Basic Multilingual Plane
// that a face can print, in thousandths of an em plus one; 0 where it cannot.
type glyphs []uint16

// readGlyphs measures a face.
func readGlyphs(face *sfnt.Font) (glyphs, error) {
	var buf sfnt.Buffer
	g := make(glyphs, 1<<16)
	for c := rune(0x20); c < 1<<16; c++ {
		i, err := face.GlyphIndex(&buf, c)
		if err != nil || i == 0 || !unicode.IsPrint(c) && c != '\u00a0' && c != '\u202f' {
			continue
		}
		advance, err := face.GlyphAdvance(&buf, i, fixed.I(1000), font.HintingNone)
		if err != nil {
			return nil, fmt.Errorf("measure U+%04X: %w", c, err)
		}
		g[c] = uint16(advance.Round()) + 1
	}
	return g, nil
}

func (g glyphs) has(c rune) bool { return c >= 0 && int(c) < len(g) && g[c] != 0 }

// width is the width of cleaned text in millimetres at a size in points.
func (g glyphs) width(s string, points float64) float64 {
	n := 0
	for _, c := range s {
		if g.has(c) {
			n += int(g[c]) - 1
		}
	}
	return float64(n) / 1000 * points * mmPerPoint
}

// clean makes untrusted text printable without losing anything of it: it is
// composed (NFC), and control characters, bidirectional and other format
// characters, and whatever the face lacks become U+XXXX in braces.
func (g glyphs) clean(s string) string {
	s = visibleBytes(s)
	plain := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, c := range norm.NFC.String(s) {
		if g.has(c) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, "{U+%04X}", c)
		}
	}
	return b.String()
}

// visibleBytes writes bytes that are no UTF-8 in hex.
func visibleBytes(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		if c == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, "{0x%02X}", s[0])
		} else {
			b.WriteRune(c)
		}
		s = s[n:]
	}
	return b.String()
}

// maxLines bounds one value; beyond it the page refers to the attached record.
const maxLines = 56

// wrap breaks cleaned text into lines of at most width millimetres. It breaks
// at spaces; where a word alone is wider than a line, behind a hyphen, a slash
// or a written-out character, and else anywhere. Nothing but the spaces at the
// breaks is dropped. The text has at least one line.
func (g glyphs) wrap(s string, points, width float64) []string {
	var lines []string
	for {
		cut, next := g.fit(s, points, width)
		lines = append(lines, s[:cut])
		if s = s[next:]; s == "" {
			return lines
		}
	}
}

// fit finds how much of s goes on one line: it is printed up to cut and the
// rest begins at next. At least one character is taken.
func (g glyphs) fit(s string, points, width float64) (cut, next int) {
	room := int(width / points / mmPerPoint * 1000)
	space, soft := 0, 0
	for i, c := range s {
		if g.has(c) {
			room -= int(g[c]) - 1
		}
		if c == ' ' {
			if i > 0 {
				space = i
			}
			continue // a space may hang over the edge
		}
		if room < 0 && i > 0 {
			switch {
			case space > 0:
				return space, space + len(s[space:]) - len(strings.TrimLeft(s[space:], " "))
			case soft > 0:
				return soft, soft
			}
			return i, i
		}
		if strings.ContainsRune("-/}\u00a0", c) {
			soft = i + utf8.RuneLen(c)
		}
	}
	return len(s), len(s)
}
