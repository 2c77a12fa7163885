package tui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// tone is what a piece of text means. Every tone but plain has a sign too, so
// that nothing is said by colour alone.
type tone int

const (
	plain tone = iota
	quiet      // beside the point
	good
	notice // something to know
	bad
	again // try again, not finished, not proven
)

// look turns meanings into colours and characters of one terminal.
type look struct {
	colour colorprofile.Profile
	// ascii is set where a terminal or its font may lack the characters that
	// bars, graphs and signs are drawn with. Letters are not touched.
	ascii bool
}

// The colours can be told apart by people who see red and green alike: a
// bluish green, an orange and a vermilion (M. Okabe, K. Ito, 2008). With 16
// colours they are what the terminal makes of its own, and nothing is dimmed: a
// console's dark grey cannot be read across a bench.
func (l look) shade(t tone) ansi.Color {
	if l.colour >= colorprofile.ANSI256 {
		switch t {
		case good:
			return ansi.RGBColor{R: 0x00, G: 0x9e, B: 0x73}
		case notice:
			return ansi.RGBColor{R: 0xe6, G: 0x9f, B: 0x00}
		case bad:
			return ansi.RGBColor{R: 0xd5, G: 0x5e, B: 0x00}
		case quiet:
			return ansi.RGBColor{R: 0xa0, G: 0xa0, B: 0xa0}
		}
	}
	switch t {
	case good:
		return ansi.BrightGreen
	case notice:
		return ansi.BrightYellow
	case bad:
		return ansi.BrightRed
	case again:
		return ansi.White
	}
	return nil
}

// paint colours text by its meaning.
func (l look) paint(t tone, s string) string {
	c := l.shade(t)
	if c == nil || s == "" {
		return s
	}
	if t == quiet && l.colour < colorprofile.ANSI {
		return s
	}
	style := ansi.Style{}.ForegroundColor(c)
	if t == bad {
		style = style.Bold()
	}
	return style.Styled(s)
}

// block writes text on a background of its tone's colour.
func (l look) block(t tone, s string) string {
	c := l.shade(t)
	if c == nil || l.colour < colorprofile.ANSI {
		return ansi.Style{}.Reverse(true).Styled(s)
	}
	return ansi.Style{}.ForegroundColor(ansi.Black).BackgroundColor(c).Styled(s)
}

// bold and marked need no colour.
func (l look) bold(s string) string { return ansi.Style{}.Bold().Styled(s) }

// marked is what is chosen now.
func (l look) marked(s string) string { return ansi.Style{}.Reverse(true).Styled(s) }

// sign says in one or two characters what the tone's colour says.
func (l look) sign(t tone) string {
	signs := map[tone][2]string{good: {"√", "OK"}, notice: {"!", "!"}, bad: {"×", "X"}, again: {"~", "~"}}
	s := signs[t]
	if l.ascii {
		return s[1]
	}
	return s[0]
}

// pick gives the first where the terminal has it, else the second.
func (l look) pick(drawn, ascii string) string {
	if l.ascii {
		return ascii
	}
	return drawn
}

// bar is a bar of the given width, cut down so that it is full only at the end.
func (l look) bar(ppm int64, width int) string {
	width = max(width, 1)
	n := int(min(max(ppm, 0), 1_000_000) * int64(width) / 1_000_000)
	return strings.Repeat(l.pick("█", "#"), n) + strings.Repeat(l.pick("░", "-"), width-n)
}

// graph draws the last speeds, the largest of them as the full height.
func (l look) graph(values []int64, width int) string {
	if len(values) > width {
		values = values[len(values)-width:]
	}
	steps := []rune(l.pick("▁▂▃▄▅▆▇█", "_.-:=+*#"))
	var most int64 = 1
	for _, v := range values {
		most = max(most, v)
	}
	var b strings.Builder
	for _, v := range values {
		b.WriteRune(steps[int(float64(max(v, 0))/float64(most)*float64(len(steps)-1)+0.5)])
	}
	return b.String()
}

// printable makes text from outside safe and readable on a terminal without
// losing anything of it: what has no place on a screen (control and format
// characters, bytes that are no UTF-8, line ends) becomes U+XXXX in braces.
func printable(s string) string {
	safe := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			safe = false
			break
		}
	}
	if safe {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, "{%02X}", s[i])
		case r == '\u00a0' || r == '\u202f':
			b.WriteByte(' ')
		// A mark that combines with nothing, or with what stands before the
		// text, would move what comes after it; beyond the first plane terminals
		// do not agree on widths.
		case !unicode.IsPrint(r) || unicode.Is(unicode.M, r) || r > 0xffff:
			fmt.Fprintf(&b, "{U+%04X}", r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// width is how many columns a line takes on the terminal. Nearly all that is
// drawn are characters of one column, which need no tables to be counted.
func width(s string) int {
	n := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\x1b' && i+1 < len(s) && s[i+1] == '[':
			end := strings.IndexByte(s[i:], 'm')
			if end < 0 {
				return ansi.StringWidth(s)
			}
			i += end + 1
			continue
		case c < 0x20 || c == 0x7f:
			return ansi.StringWidth(s)
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if narrow := r >= 0xa1 && r < 0x300 && r != 0xad || r >= 0x2500 && r < 0x25a0 || strings.ContainsRune("…•→↑↓√►", r); !narrow {
				return ansi.StringWidth(s)
			}
			i += size
		}
		n++
	}
	return n
}

// cut shortens a line to the width and shows that it did.
func (l look) cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if width(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, l.pick("…", "~"))
}

// fill cuts a line or pads it to the width.
func (l look) fill(s string, w int) string {
	s = l.cut(s, w)
	return s + strings.Repeat(" ", max(w-width(s), 0))
}

// right is fill with the text at the right.
func (l look) right(s string, w int) string {
	s = l.cut(s, w)
	return strings.Repeat(" ", max(w-width(s), 0)) + s
}

// wrap breaks text without colours into lines of at most w columns, at spaces
// where it can. Nothing of it but spaces is lost.
func wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	var out []string
	line := ""
	for i, word := range strings.Split(s, " ") {
		if i > 0 {
			if longer := line + " " + word; width(longer) <= w {
				line = longer
				continue
			}
			if strings.TrimSpace(line) != "" {
				out = append(out, strings.TrimRight(line, " "))
			}
		}
		for line = word; width(line) > w; {
			head, tail := split(line, w)
			out, line = append(out, head), tail
		}
	}
	return append(out, strings.TrimRight(line, " "))
}

// split cuts what fits into w columns, at least a character, off a word.
func split(s string, w int) (head, tail string) {
	n := 0
	for i, r := range s {
		if n += width(string(r)); n > w && i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// indented wraps text behind a lead, under which the further lines are indented.
func indented(lead, s string, w int) []string {
	in := width(lead)
	if in >= w/2 {
		return wrap(lead+s, w)
	}
	lines := wrap(s, w-in)
	for i := range lines {
		if i == 0 {
			lines[i] = lead + lines[i]
		} else {
			lines[i] = strings.Repeat(" ", in) + lines[i]
		}
	}
	return lines
}

// said is a paragraph with the sign and the colour of its tone.
func (l look) said(t tone, s string, w int) []string {
	lead := ""
	if sign := l.sign(t); sign != "" {
		lead = sign + " "
	}
	lines := indented(lead, s, w)
	for i := range lines {
		lines[i] = l.paint(t, lines[i])
	}
	return lines
}
