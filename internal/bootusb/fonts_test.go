package bootusb

import (
	"bytes"
	"testing"
)

// A phone reads the QR code off the screen, so two halves must make a whole and
// nothing may be drawn beside a block.
func TestBlocksOfTheConsoleFonts(t *testing.T) {
	for _, size := range [][2]int{{8, 16}, {10, 20}, {12, 24}, {14, 28}, {16, 32}} {
		f, err := parsePSF(testFont(size[0], size[1]))
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.rewrite()
		if err != nil {
			t.Fatal(err)
		}
		font, err := parsePSF(b)
		if err != nil {
			t.Fatal(err)
		}
		if font.width != size[0] || font.height != size[1] || len(font.glyphs) != 256*font.glyphBytes {
			t.Errorf("got a font of %dx%d with %d glyphs", font.width, font.height, len(font.glyphs)/font.glyphBytes)
		}
		glyph := func(r rune) []byte {
			at, ok := font.byRune[r]
			if !ok {
				t.Fatalf("%dx%d has no %q", size[0], size[1], r)
			}
			return font.glyphs[at*font.glyphBytes : (at+1)*font.glyphBytes]
		}
		for _, r := range "æøåÆØÅäöüéßAaz09~!°…•√↑↓→►─│■" {
			glyph(r)
		}
		if font.byRune[' '] != 0x20 {
			t.Errorf("the console clears with place 32, and a space is at %d", font.byRune[' '])
		}
		ink := func(r rune) (n int) {
			for _, b := range glyph(r) {
				for ; b != 0; b &= b - 1 {
					n++
				}
			}
			return n
		}
		whole := size[0] * size[1]
		for r, eighths := range map[rune]int{'█': 8, '▀': 4, '▄': 4, '▌': 4, '▐': 4, '▂': 2, '▆': 6, '▒': 4, '░': 2, '▓': 6} {
			if got, want := ink(r), whole*eighths/8; got < want-size[1]/2 || got > want+size[1]/2 {
				t.Errorf("%dx%d: %q has %d dots, want about %d", size[0], size[1], r, got, want)
			}
		}
		for _, pair := range []string{"▀▄", "▌▐"} {
			r := []rune(pair)
			a, b := glyph(r[0]), glyph(r[1])
			both := make([]byte, len(a))
			for i := range a {
				if a[i]&b[i] != 0 {
					t.Errorf("%dx%d: %s overlap", size[0], size[1], pair)
					break
				}
				both[i] = a[i] | b[i]
			}
			if !bytes.Equal(both, glyph('█')) {
				t.Errorf("%dx%d: %s do not make a whole", size[0], size[1], pair)
			}
		}
		last := 0
		for _, r := range "▁▂▃▄▅▆▇█" {
			if got := ink(r); got <= last {
				t.Errorf("%dx%d: %q is not higher than the one before", size[0], size[1], r)
			} else {
				last = got
			}
		}
	}
}

func FuzzPSF(f *testing.F) {
	f.Add(testFont(8, 16))
	f.Add([]byte{0x36, 0x04, 0x02, 0x01})
	f.Fuzz(func(_ *testing.T, b []byte) {
		if font, err := parsePSF(b); err == nil {
			_, _ = font.rewrite()
		}
	})
}
