package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// A scanner is a keyboard that types very fast, so it is known by its pace.
const (
	// scanGap is the longest time between two keys of a scanner. A key of a
	// person is held back for as long, which is not seen.
	scanGap = 30 * time.Millisecond
	// scanKeys is how many keys at that pace are no person's.
	scanKeys = 4
	// scanTail is how long after a scan an Enter or Tab still belongs to it.
	scanTail = 250 * time.Millisecond
	// scanMost bounds what is kept of a burst, in keys.
	scanMost = 4096
)

// keyboard tells what people press from what scanners type. Keys that could be
// a scanner's (text, Enter, Tab) are held until the pace is known.
type keyboard struct {
	held []tea.KeyPressMsg
	last time.Time // of the last held key
	// ended is when the last scan ended; zero after a person's key.
	ended time.Time
	// run is the text before what is held that came without a pause longer than
	// scanTail. A slow line, or a machine that has much to do, hands a scan over
	// in pieces, of which the first can look like a person's keys; the last is
	// then half a tag.
	run string
}

// input is what the keyboard came to: a key of a person, or a piece of a scan.
type input struct {
	key tea.KeyPressMsg
	// burst is how many keys came at a scanner's pace together with key, which
	// is fewer than it takes for a scan.
	burst int
	scan  bool
	text  string
	ended bool // an Enter or Tab came after the text
}

// holds reports whether a scanner could have sent the key.
func holds(k tea.KeyPressMsg) bool {
	if k.Code == tea.KeyEscape || k.String() == "ctrl+c" {
		return false
	}
	return k.Text != "" || ends(k) || k.Mod.Contains(tea.ModCtrl)
}

// ends reports whether the key is one that scanners end with: Enter, Tab, or
// the line feed and carriage return themselves.
func ends(k tea.KeyPressMsg) bool {
	switch k.Code {
	case tea.KeyEnter, tea.KeyTab, tea.KeyKpEnter:
		return k.Mod == 0
	}
	return k.Mod == tea.ModCtrl && (k.Code == 'j' || k.Code == 'm' || k.Code == 'i')
}

// press takes a key and gives what is known by now.
func (b *keyboard) press(k tea.KeyPressMsg, now time.Time) []input {
	var out []input
	if len(b.held) > 0 && now.Sub(b.last) > scanGap {
		out = b.flush()
	}
	if now.Sub(b.last) > scanTail {
		b.run = ""
	}
	if !holds(k) {
		out = append(out, b.flush()...)
		b.ended, b.run = time.Time{}, ""
		return append(out, input{key: k, burst: 1})
	}
	if len(b.held) == 0 && ends(k) && !b.ended.IsZero() && now.Sub(b.ended) <= scanTail {
		b.ended, b.run = time.Time{}, ""
		return append(out, input{scan: true, ended: true})
	}
	if len(b.held) < scanMost {
		b.held = append(b.held, k)
	}
	b.last = now
	return out
}

// flush gives what is held, at the end of a burst.
func (b *keyboard) flush() []input {
	held := b.held
	b.held = nil
	if len(held) == 0 {
		return nil
	}
	b.ended = time.Time{}
	text := false
	for _, k := range held {
		text = text || k.Text != ""
	}
	// An Enter right behind a letter is no person's either: a short code.
	if !text || len(held) < scanKeys && !(len(held) > 1 && ends(held[len(held)-1])) {
		out := make([]input, len(held))
		for i, k := range held {
			out[i] = input{key: k, burst: len(held)}
			if b.run += k.Text; ends(k) || k.Mod.Contains(tea.ModCtrl) {
				b.run = ""
			}
		}
		return out
	}
	b.ended = b.last
	var out []input
	var piece strings.Builder
	if held[0].Text != "" {
		piece.WriteString(b.run)
	}
	b.run = ""
	for _, k := range held {
		switch {
		case ends(k) && piece.Len() == 0 && len(out) == 0:
			// What stands before the first character is a prefix.
		case ends(k) && piece.Len() == 0:
			// Carriage return and line feed are one end.
		case ends(k):
			out = append(out, input{scan: true, text: piece.String(), ended: true})
			piece.Reset()
		default:
			piece.WriteString(k.Text)
		}
	}
	if piece.Len() > 0 {
		b.run = piece.String()
		out = append(out, input{scan: true, text: b.run})
	}
	return out
}

// unprefixed takes the symbology identifier off a scan (ISO/IEC 15424: a
// bracket, a letter and a digit, "]C1"), and the characters that no tag has.
func unprefixed(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) > 3 && s[0] == ']' && (s[1] >= 'A' && s[1] <= 'Z' || s[1] >= 'a' && s[1] <= 'z') && (s[2] >= '0' && s[2] <= '9' || s[2] >= 'A' && s[2] <= 'Z' || s[2] >= 'a' && s[2] <= 'z') {
		s = s[3:]
	}
	return strings.TrimSpace(s)
}
