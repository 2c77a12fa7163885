package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// stroke is a key and how long after the one before it comes.
type stroke struct {
	key   string
	after time.Duration
}

// hand is a text typed by a person, burst one typed by a scanner.
func typed(text string, every time.Duration) []stroke {
	var out []stroke
	for _, r := range text {
		name := string(r)
		switch r {
		case '\n':
			name = "enter"
		case '\t':
			name = "tab"
		}
		out = append(out, stroke{name, every})
	}
	return out
}

func hand(text string) []stroke  { return typed(text, 120*time.Millisecond) }
func burst(text string) []stroke { return typed(text, 4*time.Millisecond) }

// played gives what a keyboard made of strokes, in short: 'key x', 'scan "text"',
// and a trailing '.' where an Enter or Tab came with the scan.
func played(strokes []stroke) string {
	var b keyboard
	var out []string
	now := noon()
	add := func(in []input) {
		for _, i := range in {
			s := fmt.Sprintf("scan %q", i.text)
			if !i.scan {
				s = "key " + i.key.String()
			} else if i.ended {
				s += "."
			}
			out = append(out, s)
		}
	}
	for n, s := range strokes {
		if n > 0 && s.after > scanGap {
			add(b.flush())
		}
		now = now.Add(s.after)
		add(b.press(keyOf(s.key), now))
	}
	add(b.flush())
	return strings.Join(out, ", ")
}

func TestTellsAScannerFromAPerson(t *testing.T) {
	join := func(parts ...[]stroke) (out []stroke) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	pause := func(s []stroke, d time.Duration) []stroke { s[0].after = d; return s }
	tests := []struct {
		name    string
		strokes []stroke
		want    string
	}{
		{"a person types", hand("pc\n"), "key p, key c, key enter"},
		{"a scan with Enter", burst("T-10442\n"), `scan "T-10442".`},
		{"a scan with Tab", burst("T-10442\t"), `scan "T-10442".`},
		{
			"a scan that a slow line hands over in two pieces", join(burst("T-1044"), pause(burst("2\n"), 60*time.Millisecond)),
			`scan "T-1044", scan "T-10442".`,
		},
		{
			"a scan whose first piece looks like a person's keys", join(burst("T-"), pause(burst("10442\n"), 60*time.Millisecond)),
			`key T, key -, scan "T-10442".`,
		},
		{
			"a scan in three pieces", join(burst("]C1T"), pause(burst("-"), 40*time.Millisecond), pause(burst("10442\n"), 200*time.Millisecond)),
			`scan "]C1T", key -, scan "]C1T-10442".`,
		},
		{"a scan with neither", burst("T-10442"), `scan "T-10442"`},
		{"a scan with carriage return and line feed", join(burst("T-10442\n"), []stroke{{"ctrl+j", 4 * time.Millisecond}}), `scan "T-10442".`},
		{"a scan that begins with Enter", burst("\nT-10442\n"), `scan "T-10442".`},
		{"a scan whose Enter comes late", join(burst("T-10442"), pause(burst("\n"), 120*time.Millisecond)), `scan "T-10442", scan "".`},
		{"an Enter that somebody presses after a scan", join(burst("T-10442"), pause(burst("\n"), 600*time.Millisecond)), `scan "T-10442", key enter`},
		{"a second Enter after a late one", join(burst("T-10442"), pause(burst("\n"), 120*time.Millisecond), hand("\n")), `scan "T-10442", scan ""., key enter`},
		{"a short code with Enter", burst("c\n"), `scan "c".`},
		{"two fields in one code", burst("T-1\tKartverket\n"), `scan "T-1"., scan "Kartverket".`},
		{"two codes in a row", join(burst("T-1000\n"), pause(burst("T-2000\n"), 400*time.Millisecond)), `scan "T-1000"., scan "T-2000".`},
		{"a separator inside", join(burst("0199"), []stroke{{"ctrl+]", 4 * time.Millisecond}}, burst("21")), `scan "019921"`},
		{"two keys at once", burst("pc"), "key p, key c"},
		{"a resting hand", typed("\n\n\n\n\n\n", 10*time.Millisecond), "key enter, key enter, key enter, key enter, key enter, key enter"},
		{"a key that repeats", typed("pppppp", 33*time.Millisecond), "key p, key p, key p, key p, key p, key p"},
		{"an arrow in between", join(burst("ab"), []stroke{{"up", 4 * time.Millisecond}}, hand("c")), "key a, key b, key up, key c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := played(tt.strokes); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTakesOffWhatScannersPutBefore(t *testing.T) {
	for in, want := range map[string]string{
		"]C1T-10442": "T-10442", "]A0974760673": "974760673", "]T-10442": "]T-10442", "T-10442": "T-10442",
		"\x02T-10442\x03": "T-10442", "]C1": "]C1", "  T 1 ": "T 1", "": "", "]d2]C1": "]C1",
	} {
		if got := unprefixed(in); got != want {
			t.Errorf("unprefixed(%q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever comes at whatever pace, an Enter that follows a letter at a
// scanner's pace is nobody's, and no text gets lost.
func FuzzKeyboard(f *testing.F) {
	f.Add([]byte("T-10442\n"), []byte{4, 4, 4, 4, 4, 4, 4, 4})
	f.Add([]byte("c\n"), []byte{4, 29})
	f.Add([]byte("\n\t\nabc"), []byte{200, 1, 31, 30, 2, 90})
	f.Fuzz(func(t *testing.T, keys, gaps []byte) {
		var b keyboard
		now := noon()
		text, got := "", ""
		take := func(in []input) {
			for _, i := range in {
				if i.scan {
					got += i.text
				} else {
					got += i.key.Text
				}
			}
		}
		var lastText time.Time
		for n, c := range keys {
			gap := time.Duration(100) * time.Millisecond
			if n < len(gaps) {
				gap = time.Duration(gaps[n]) * time.Millisecond
			}
			now = now.Add(gap)
			if gap > scanGap {
				take(b.flush())
			}
			k := tea.KeyPressMsg{Code: rune(c), Text: string(rune(c))}
			switch {
			case c == '\n':
				k = keyOf("enter")
			case c == '\t':
				k = keyOf("tab")
			case c < 0x20 || c >= 0x7f:
				k = keyOf("up")
			}
			in := b.press(k, now)
			if ends(k) && !lastText.IsZero() && now.Sub(lastText) <= scanGap {
				in = append(in, b.flush()...)
				for _, i := range in {
					if !i.scan && ends(i.key) && i.key.Code == k.Code {
						t.Fatalf("an Enter %v after a letter is taken for a person's", now.Sub(lastText))
					}
				}
			}
			take(in)
			if k.Text != "" {
				text, lastText = text+k.Text, now
			} else {
				lastText = time.Time{}
			}
		}
		take(b.flush())
		if got != text {
			t.Fatalf("typed %q, came out %q", text, got)
		}
	})
}
