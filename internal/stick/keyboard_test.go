package stick_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ombruk/ombruk/internal/stick"
)

// typed is what a console with a layout makes of a scanner that strikes the
// keys of an American keyboard.
func typed(t interface{ Fatalf(string, ...any) }, layout, text string) string {
	keys, ok := stick.Keyboard(layout)
	us, _ := stick.Keyboard("us")
	if !ok {
		t.Fatalf("no layout %q", layout)
	}
	var out strings.Builder
next:
	for _, r := range text {
		for i, key := range us {
			if key.Code == 86 {
				continue // no American keyboard has it
			}
			switch r {
			case key.Plain:
				out.WriteRune(keys[i].Plain)
				continue next
			case key.Shift:
				out.WriteRune(keys[i].Shift)
				continue next
			}
		}
		out.WriteRune(r) // space, Tab and Enter are the same everywhere
	}
	return out.String()
}

func printableASCII() string {
	var b strings.Builder
	for r := ' '; r <= '~'; r++ {
		b.WriteRune(r)
	}
	return b.String()
}

func TestAScannerThatTypesAmericanIsToldBack(t *testing.T) {
	for _, layout := range stick.Keyboards() {
		all := printableASCII()
		if got := stick.AsUS(layout, typed(t, layout, all)); got != all {
			t.Errorf("%s: all of ASCII came back as\n got %q\nwant %q", layout, got, all)
		}
	}
	for _, tt := range []struct{ layout, screen, label string }{
		{"nb", "T+10442", "T-10442"},
		{"nb", "SERIAL:5XK2P13", "SERIAL>5XK2P13"},
		{"nb", "æ", "'"},
		{"nb", "MAC Ø9C", "MAC :9C"},
		{"da", "Æ", ":"},
		{"sv", "http;&&", "http<^^"},
		{"us", "http://x", "http://x"},
		{"fi", "as it is", "as it is"},
		{"nb", "汉", "汉"},
	} {
		if got := stick.AsUS(tt.layout, tt.screen); got != tt.label {
			t.Errorf("%s: %q was told back as %q, want %q", tt.layout, tt.screen, got, tt.label)
		}
	}
	if got, want := stick.AsUS("nb", typed(t, "nb", "https://a.b/c?d=e")), "https://a.b/c?d=e"; got != want {
		t.Errorf("an address: got %q, want %q", got, want)
	}
}

func TestAnyLabelComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := rapid.SampledFrom(stick.Keyboards()).Draw(t, "layout")
		label := rapid.StringOf(rapid.SampledFrom([]rune(printableASCII()))).Draw(t, "label")
		if got := stick.AsUS(layout, typed(t, layout, label)); got != label {
			t.Fatalf("%s: %q came back as %q", layout, label, got)
		}
	})
}

func TestEveryLayoutHasEveryKey(t *testing.T) {
	for _, layout := range stick.Keyboards() {
		keys, ok := stick.Keyboard(layout)
		if !ok || len(keys) != 48 {
			t.Fatalf("%s: %d keys, %v; want 48", layout, len(keys), ok)
		}
		var codes []uint8
		gives := map[rune]bool{}
		for _, k := range keys {
			codes = append(codes, k.Code)
			if k.Plain == 0 || k.Shift == 0 {
				t.Errorf("%s: key %d gives nothing: %+v", layout, k.Code, k)
			}
			for _, r := range []rune{k.Plain, k.Shift, k.AltGr, k.ShiftAltGr} {
				gives[r] = true
			}
		}
		slices.Sort(codes)
		if len(slices.Compact(codes)) != 48 {
			t.Errorf("%s: a key code occurs twice", layout)
		}
		for r := '!'; r <= '~'; r++ {
			if !gives[r] {
				t.Errorf("%s: %q cannot be typed", layout, r)
			}
		}
	}
	nb, _ := stick.Keyboard("nb")
	for _, want := range []stick.Key{
		{Code: 3, Plain: '2', Shift: '"', AltGr: '@'},
		{Code: 8, Plain: '7', Shift: '/', AltGr: '{'},
		{Code: 13, Plain: '\\', Shift: '`', AltGr: '´'},
		{Code: 18, Plain: 'e', Shift: 'E', AltGr: '€'},
		{Code: 26, Plain: 'å', Shift: 'Å'},
		{Code: 39, Plain: 'ø', Shift: 'Ø'},
		{Code: 86, Plain: '<', Shift: '>'},
	} {
		if !slices.Contains(nb, want) {
			t.Errorf("the Norwegian layout has no %+v", want)
		}
	}
}
