package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Whatever is pressed, scanned and resized in whatever order: nothing panics,
// nothing is drawn beyond the window, nothing begins but by the code typed by
// hand, and no TPM is cleared while a drive is at work.
func FuzzScreens(f *testing.F) {
	f.Add([]byte("\x80T\x00\x00\x00n\x00\x01\x01a\x014711kw\x01q\x02n"))
	f.Add([]byte("\x00\x00\x00\x00n\x00\x01\x01\x014711\x03\x04c\x00\x01"))
	f.Add([]byte("\x00\x00\x00\x00n\x00\x01\x01a\x014711r\x01dg\x04\xe0\x01\xf0\xf0\x01\x00\x01d\x0f\x01\x00\x01g"))
	f.Add([]byte("\x90\x91\x92?pgd\x05\x06\x07fk\x81\x82"))
	names := []string{"down", "enter", "esc", "up", "tab", "left", "right", "f1", "f2", "f3", "f10", "pgdown", "pgup", "backspace", "home", "end", "ctrl+c", "ctrl+u", "f4"}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 300 {
			return
		}
		w := business(t)
		s := play(t, w, usual(t), "en", 80, 24)
		clears := w.clears
		w.clears = func(thing string) (Said, []Remain, error) {
			if s.m.running() {
				t.Fatalf("%s is cleared while a drive is at work", thing)
			}
			return clears(thing)
		}
		last := "" // the last keys that a person pressed
		for i, c := range script {
			before := w.did("begin")
			switch {
			case int(c) < len(names):
				s.press(names[c])
				last = ""
			case c >= 0x80 && c < 0xa0:
				size := sizes[int(c)%len(sizes)]
				s.send(tea.WindowSizeMsg{Width: size[0] + i%3, Height: size[1]})
			case c >= 0xa0 && c < 0xc0:
				s.scan([]string{"T-10442\n", "4711\n", "4711", "c\n", "n\t", "yyyy"}[int(c)%6])
				last = ""
			case c >= 0xc0 && c < 0xd0:
				s.send(tea.PasteMsg{Content: "4711\n"})
				last = ""
			case c >= 0xd0 && c < 0xe0 && w.emit != nil:
				s.working()
			case c >= 0xe0 && c < 0xf0 && w.emit != nil:
				s.finish()
			case c >= 0xf0:
				s.tick(time.Second)
			case c > 0x20 && c < 0x7f:
				last += string(rune(c))
				s.press(string(rune(c)))
			}
			if !before && w.did("begin") && !strings.HasSuffix(last, "4711") {
				t.Fatalf("begun after %q", last)
			}
			for _, l := range s.m.draw() {
				if n := ansi.StringWidth(l); n > max(s.m.width, 1) {
					t.Fatalf("a line of %d in a window of %d: %q", n, s.m.width, l)
				}
			}
			if n := len(s.m.draw()); n > max(s.m.height, 1) {
				t.Fatal(fmt.Sprint(n, " lines in a window of ", s.m.height))
			}
			if s.quit {
				return
			}
		}
	})
}
