package tui

import (
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Whatever comes from outside, what goes to the terminal prints, moves nothing
// and has the width it is counted with.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"WDC WD10SPZX", "\x1b[2J", "a\u0300b", "\u202eabc", "\xff\xfe", "日本", "é\u00a0ø", "\U0001f600", "\u2026→√"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		for _, r := range got {
			if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) {
				t.Fatalf("printable(%q) = %q", s, got)
			}
		}
		if printable(got) != got {
			t.Fatalf("printable(%q) is not itself printable: %q", s, got)
		}
		if n, want := width(got), ansi.StringWidth(got); n != want {
			t.Fatalf("width(%q) = %d, want %d", got, n, want)
		}
		for w := range 12 {
			if n := width(look{}.cut(got, w)); n > w {
				t.Fatalf("cut(%q, %d) is %d wide", got, w, n)
			}
			if n := width(look{}.fill(got, w)); n != w {
				t.Fatalf("fill(%q, %d) is %d wide", got, w, n)
			}
		}
		kept := ""
		for _, l := range wrap(got, 10) {
			if width(l) > 10 {
				t.Fatalf("wrap(%q, 10) has %q", got, l)
			}
			kept += l
		}
		if kept, want := strings.ReplaceAll(kept, " ", ""), strings.ReplaceAll(got, " ", ""); kept != want {
			t.Fatalf("wrap(%q, 10) loses text: %q", got, kept)
		}
	})
}

func TestWidthKnowsColours(t *testing.T) {
	l := look{colour: 6}
	for _, s := range []string{l.paint(bad, "feil"), l.block(good, " √ SLETTET "), l.bold("OMBRUK"), l.marked("►"), l.paint(notice, "日本")} {
		if got, want := width(s), ansi.StringWidth(s); got != want {
			t.Errorf("width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestABarIsFullOnlyAtTheEnd(t *testing.T) {
	for ppm, want := range map[int64]string{-1: "----------", 0: "----------", 99_999: "----------", 500_000: "#####-----", 999_999: "#########-", 1_000_000: "##########", 2_000_000: "##########"} {
		if got := (look{ascii: true}).bar(ppm, 10); got != want {
			t.Errorf("bar(%d) = %s, want %s", ppm, got, want)
		}
	}
}

func TestAGraphShowsTheLastSpeeds(t *testing.T) {
	for _, tt := range []struct {
		values []int64
		want   string
	}{
		{nil, ""}, {[]int64{0, 0}, "▁▁"}, {[]int64{0, 50, 100}, "▁▅█"}, {[]int64{9, 100, 100, 50}, "██▅"}, {[]int64{-5, 10}, "▁█"},
	} {
		if got := (look{}).graph(tt.values, 3); got != tt.want {
			t.Errorf("graph(%v) = %s, want %s", tt.values, got, tt.want)
		}
	}
}

// Every word that a page can begin with is spelled in block letters on a screen
// of 80 columns, in every language.
func TestEveryWordHasItsLetters(t *testing.T) {
	keys := []string{"word.clean", "word.clean-with-exceptions", "word.below", "word.destroy", "word.try-again", "word.not-finished", "word.not-proven",
		"word.unit-clean", "word.unit-destroy", "word.unit-unfinished", "word.unit-untreated", "word.unit-no-drives", "unit.none-word", "unit.unreachable-word", "unit.not-handled-word", "screen.stopped.word"}
	for _, tag := range []string{"en", "nb"} {
		s := play(t, ordinary(t), usual(t), tag, 80, 24)
		for _, key := range keys {
			for _, n := range []int64{1, 2} {
				word := s.m.text.Count(key, n, nil)
				lines := s.m.letters(word, 76)
				if len(lines) == 0 || len(lines) > 2*letterRows+1 {
					t.Errorf("%s: %q takes %d lines", tag, word, len(lines))
				}
				for _, r := range strings.ToUpper(word) {
					if r != ' ' && strings.TrimSpace(strings.Join(letter(r), "")) == "" {
						t.Errorf("%s: %q has no letter %q", tag, word, r)
					}
				}
			}
		}
	}
}

func TestTheToneOfAWord(t *testing.T) {
	for key, want := range map[string]tone{
		"word.clean": good, "word.unit-clean": good, "word.clean-with-exceptions": notice, "word.below": bad, "word.destroy": bad, "word.unit-destroy": bad,
		"word.try-again": again, "word.not-finished": again, "word.not-proven": again, "word.unit-unfinished": again, "word.unit-untreated": again,
		"unit.none-word": again, "unit.unreachable-word": bad, "unit.not-handled-word": again, "something.new": again, "": again,
	} {
		if got := answerTone(key); got != want {
			t.Errorf("answerTone(%s) = %v, want %v", key, got, want)
		}
	}
}
