package tui

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
)

// wire is the other end of a terminal that notes everything.
type wire struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(b)
}

func (w *wire) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// A console and a terminal on a serial line are asked nothing, and told only
// what a VT220 knows or passes over.
func TestSaysOnlyWhatEveryTerminalKnows(t *testing.T) {
	for _, term := range []string{"linux", "ansi", "vt220", "xterm-256color", "dumb"} {
		t.Run(term, func(t *testing.T) {
			text, err := lang.For("nb")
			if err != nil {
				t.Fatal(err)
			}
			w := ordinary(t)
			setup := usual(t)
			setup.Now = noon
			in, keys := io.Pipe()
			out := new(wire)
			done := make(chan error, 1)
			go func() {
				done <- Show(context.Background(), w, setup, text, in, out, []string{"TERM=" + term})
			}()
			deadline := time.Now().Add(5 * time.Second)
			for !strings.Contains(ansi.Strip(out.String()), "5XK2P13") {
				if time.Now().After(deadline) {
					t.Fatalf("nothing shown: %q", out.String())
				}
				time.Sleep(time.Millisecond)
			}
			for _, k := range []string{"\x1b[21~", "\x1b[B", "\r"} { // F10, down, Enter: power off
				if _, err := io.WriteString(keys, k); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * scanGap)
			}
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("not off: %q", ansi.Strip(out.String()))
			}
			if !w.did("power off") {
				t.Error("not powered off")
			}
			said := out.String()
			// Cursor and erase, attributes, insert and delete, scrolling region, insert mode,
			// cursor on and off, alternate screen, paste marks.
			known := regexp.MustCompile(`^\x1b(\[[0-9;]*[ABCDEFGHJKLMPSTXdfmr@` + "`" + `]|\[4[hl]|\[\?(25|1049|2004)[hl]|M|7|8)`)
			for i := 0; i < len(said); i++ {
				if said[i] != '\x1b' {
					continue
				}
				if !known.MatchString(said[i:]) {
					t.Fatalf("sends %q", said[i:min(i+16, len(said))])
				}
			}
			if term == "vt220" {
				for _, r := range ansi.Strip(said) {
					if r > 0x7e && !(r < 0x100 && unicode.IsLetter(r)) {
						t.Errorf("draws %q", r)
					}
				}
				if regexp.MustCompile(`\x1b\[[0-9;]*(3[0-7]|9[0-7]|4[0-7]|10[0-7]|38|48)[0-9;]*m`).MatchString(said) {
					t.Error("uses colours on a terminal without")
				}
			}
		})
	}
}

func TestKnowsATerminalByItsName(t *testing.T) {
	tests := []struct {
		environ []string
		colour  colorprofile.Profile
		ascii   bool
	}{
		{[]string{"TERM=linux"}, colorprofile.ANSI, false},
		{[]string{"TERM=linux", "NO_COLOR=1"}, colorprofile.ASCII, false},
		{[]string{"TERM=linux", "OMBRUK_GLYPHS=ascii"}, colorprofile.ANSI, true},
		{[]string{"TERM=vt220"}, colorprofile.ASCII, true},
		{[]string{"TERM=vt220", "OMBRUK_GLYPHS=unicode"}, colorprofile.ASCII, false},
		{[]string{"TERM=xterm-256color"}, colorprofile.ANSI256, false},
		{[]string{"TERM=xterm", "COLORTERM=truecolor"}, colorprofile.TrueColor, false},
		{nil, colorprofile.ASCII, true},
	}
	for _, tt := range tests {
		if got := terminalOf(tt.environ); got.colour != tt.colour || got.ascii != tt.ascii {
			t.Errorf("%v: got %v, ascii %v; want %v, %v", tt.environ, got.colour, got.ascii, tt.colour, tt.ascii)
		}
	}
}

// Signs say without colours what colours say, and every drawing has its ASCII.
func TestWithoutColoursAndWithoutGlyphs(t *testing.T) {
	s := play(t, ordinary(t), usual(t), "nb", 80, 24)
	s.send(tea.ColorProfileMsg{Profile: colorprofile.ASCII})
	s.m.look.ascii = true
	tour(s, func(name string) {
		for _, l := range s.m.draw() {
			for _, r := range ansi.Strip(l) {
				if r > 0x7e && !(r < 0x100 && unicode.IsLetter(r)) {
					t.Errorf("%s draws %q in %q", name, r, ansi.Strip(l))
				}
			}
		}
	})
	s = play(t, ordinary(t), usual(t), "en", 80, 24)
	s.m.look.ascii = true
	toConfirm(s)
	s.write("4711")
	s.working()
	s.golden("progress-ascii-80x24-en")
	s.finish("word.destroy", "word.clean")
	s.w.unit.Answer = Answer{Key: "word.unit-destroy", Count: 1}
	s.press("enter")
	s.golden("result-ascii-80x24-en")
}

// A phone reads the code: here a program does that we did not write.
func TestTheQRCodeReads(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Fatal("needs zbarimg (Debian package zbar-tools)")
	}
	const id, sha = "0198c0de-7b1e-7c3a-9d55-0a1b2c3d4e5f", "5af13cbe1d0f7a2b9c8d6e5f40312233445566778899aabbccddeeff00112233"
	for _, ascii := range []bool{false, true} {
		lines, err := look{colour: colorprofile.ANSI, ascii: ascii}.qrLines(qrText(id, sha))
		if err != nil {
			t.Fatal(err)
		}
		if !ascii && (len(lines) > fullHeight || width(lines[0]) > fullWidth) {
			t.Errorf("the code takes %d lines of %d columns", len(lines), width(lines[0]))
		}
		const dot = 6
		img := image.NewGray(image.Rect(0, 0, width(lines[0])*dot, len(lines)*2*dot))
		for y, l := range lines {
			x, light := 0, false
			for len(l) > 0 {
				if strings.HasPrefix(l, "\x1b[") {
					end := strings.IndexByte(l, 'm')
					light = end > 3
					l = l[end+1:]
					continue
				}
				r := []rune(l)[0]
				l = l[len(string(r)):]
				dark := map[rune][2]bool{'█': {true, true}, '▀': {true, false}, '▄': {false, true}, ' ': {!light, !light}}[r]
				for half := range 2 {
					for dy := range dot {
						for dx := range dot {
							if !dark[half] {
								img.SetGray(x*dot+dx, (y*2+half)*dot+dy, color.Gray{Y: 255})
							}
						}
					}
				}
				x++
			}
		}
		file := filepath.Join(t.TempDir(), "code.png")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(zbar, "-q", "--raw", file).Output()
		if got, want := strings.ToLower(strings.TrimSpace(string(out))), "ombruk:1:"+id+":"+sha; err != nil || got != want {
			t.Errorf("ascii %v: read %q, %v; want %q", ascii, got, err, want)
		}
	}
}

// BenchmarkKeyWith24Drives is what a key costs from its message to the lines of
// the new frame while 24 drives report; the keyboard's own wait (scanGap) and
// the terminal's frame (1/60 s) come on top.
func BenchmarkKeyWith24Drives(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			w := rack(b, 24)
			s := play(b, w, usual(b), "nb", size[0], size[1])
			s.press("down", "down", "down", "down", "n", "down", "enter", "enter", "enter")
			s.write("4711")
			s.isAt(atProgress)
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for _, r := range w.began {
				wg.Go(func() {
					for n := int64(0); ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						w.emit(job.Event{Type: "progress", Path: r.ID, Progress: &job.ProgressEvent{Snapshot: erase.Snapshot{Step: 1, AllDone: n % 1000 * 4e9, AllSize: 4e12}, BytesPerSecond: 2e8, ETASeconds: 5000 - n%5000}})
						time.Sleep(time.Millisecond)
					}
				})
			}
			b.ResetTimer()
			for i := range b.N {
				s.tick(time.Second)
				s.m.Update(keyOf([]string{"down", "up"}[i%2]))
				if v := s.m.View(); v.Content == "" {
					b.Fatal("nothing drawn")
				}
			}
			b.StopTimer()
			close(stop)
			wg.Wait()
		})
	}
}
