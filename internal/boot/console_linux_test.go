package boot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/stick"
)

func TestWhichTerminalAPersonSitsAt(t *testing.T) {
	for active, want := range map[string]string{
		"tty0\n": "tty1", "tty0 ttyS0\n": "ttyS0", "ttyS0 tty0\n": "tty1", "tty2\n": "tty2", "": "tty1", "ttyUSB0\n": "ttyUSB0",
	} {
		root := t.TempDir()
		dir := filepath.Join(root, "sys/class/tty/console")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "active"), []byte(active), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := ConsoleName(root); got != want {
			t.Errorf("%q: got %s, want %s", active, got, want)
		}
	}
	for name, want := range map[string]bool{"tty1": true, "tty63": true, "ttyS0": false, "ttyUSB0": false, "tty": false, "hvc0": false} {
		if got := isVT(name); got != want {
			t.Errorf("%s: virtual %v, want %v", name, got, want)
		}
	}
}

// terminalAt is the other end of a serial line: it gets what it is asked and
// answers.
func serialLine(t *testing.T, answer string) (*console, *os.File) {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close(); _ = near.Close() })
	go func() {
		var heard []byte
		b := make([]byte, 256)
		for !bytes.Contains(heard, []byte("\x1b[6n")) {
			n, err := far.Read(b)
			if err != nil {
				return
			}
			heard = append(heard, b[:n]...)
		}
		_, _ = far.WriteString(answer)
	}()
	return &console{name: "ttyS0", tty: near, log: t.Logf}, near
}

func TestASerialTerminalTellsItsSize(t *testing.T) {
	for _, tt := range []struct{ answer, want string }{
		{"\x1b[43;132R", "132x43"},
		{"noise\x1b[24;80R", "80x24"},
		{"\x1b[9999;9999R", "80x24"}, // nothing has that size
		{"\x1b[;R", "80x24"},
		{"", "80x24"},
	} {
		c, near := serialLine(t, tt.answer)
		c.prepare("us")
		size, err := unix.IoctlGetWinsize(int(near.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%dx%d", size.Col, size.Row); got != tt.want {
			t.Errorf("answer %q: got %s, want %s", tt.answer, got, tt.want)
		}
		mode, err := unix.IoctlGetTermios(int(near.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if mode.Lflag&unix.ICANON == 0 || mode.Iflag&unix.IUTF8 == 0 || mode.Cflag&unix.CLOCAL == 0 || mode.Iflag&unix.IXON != 0 {
			t.Errorf("left in another mode: %+v", mode)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add([]byte("\x1b[24;80R"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if columns, rows, ok := parseSize(b); ok && (columns < 40 || columns > 1000 || rows < 10 || rows > 500) {
			t.Errorf("%q: %d x %d", b, columns, rows)
		}
	})
}

func TestArguments(t *testing.T) {
	const line = `BOOT_IMAGE=/vmlinuz quiet ombruk.medium=A ombruk.text=large ombruk.medium=B`
	for key, want := range map[string]string{"ombruk.medium": "B", "ombruk.text": "large", "quiet": "", "ombruk": "", "": ""} {
		if got := argument(line, key); got != want {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
}

// What the stick's menu asks for is what is looked for.
func TestLargeText(t *testing.T) {
	for line, want := range map[string]bool{"quiet " + stick.LargeTextArg + " panic=60": true, "quiet panic=60": false, "": false} {
		root := t.TempDir()
		if err := os.MkdirAll(filepath.Join(root, "proc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "proc/cmdline"), []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := largeText(root); got != want {
			t.Errorf("%q: got %v", line, got)
		}
	}
}

// psf makes a font in which each glyph's rows are its number, and A and ø have
// characters.
func psf(version, width, height, count int) []byte {
	var b []byte
	rowBytes := (width + 7) / 8
	if version == 1 {
		mode := byte(2)
		if count == 512 {
			mode |= 1
		}
		b = append(b, 0x36, 0x04, mode, byte(height))
	} else {
		b = append(b, 0x72, 0xb5, 0x4a, 0x86)
		for _, v := range []int{0, 32, 1, count, rowBytes * height, height, width} {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	}
	for n := range count {
		b = append(b, bytes.Repeat([]byte{byte(n)}, rowBytes*height)...)
	}
	for n := range count {
		var runes []rune
		switch n {
		case 65:
			runes = []rune{'A', 'Α'} // Latin and Greek
		case 200:
			runes = []rune{'ø'}
		}
		for _, r := range runes {
			if version == 1 {
				b = binary.LittleEndian.AppendUint16(b, uint16(r))
			} else {
				b = append(b, string(r)...)
			}
		}
		if version == 1 {
			if n == 200 { // a sequence, which a console cannot show
				b = append(b, 0xfe, 0xff, 'o', 0, 8, 3)
			}
			b = append(b, 0xff, 0xff)
		} else {
			if n == 200 {
				b = append(b, 0xfe)
				b = append(b, "o\u0338"...)
			}
			b = append(b, 0xff)
		}
	}
	return b
}

func TestFonts(t *testing.T) {
	for _, tt := range []struct{ version, width, height, count int }{{1, 8, 16, 256}, {1, 8, 14, 512}, {2, 12, 24, 256}, {2, 16, 32, 512}} {
		name := fmt.Sprintf("PSF %d, %d x %d, %d glyphs", tt.version, tt.width, tt.height, tt.count)
		b := psf(tt.version, tt.width, tt.height, tt.count)
		f, err := ParseFont(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.Width != tt.width || f.Height != tt.height || len(f.Glyphs) != tt.count || f.Glyphs[65][0] != 65 {
			t.Errorf("%s: got %d x %d, %d glyphs", name, f.Width, f.Height, len(f.Glyphs))
		}
		if want := map[rune]int{'A': 65, 'Α': 65, 'ø': 200}; fmt.Sprint(f.Runes) != fmt.Sprint(want) {
			t.Errorf("%s: characters %v, want %v", name, f.Runes, want)
		}
		for _, short := range []int{0, 3, 5, 31, 40, len(b) / 2} {
			if _, err := ParseFont(b[:short]); err == nil {
				t.Errorf("%s: %d bytes of it are a font", name, short)
			}
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "a text": []byte("hello"), "no table": {0x36, 0x04, 0, 16}, "0 pixels": psf(2, 0, 16, 256),
		"too wide": psf(2, 80, 16, 256), "300 glyphs": psf(2, 8, 16, 300), "too large": make([]byte, maxFontBytes+1),
	} {
		if _, err := ParseFont(b); err == nil || !strings.HasPrefix(err.Error(), "read font: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzParseFont(f *testing.F) {
	f.Add(psf(1, 8, 16, 256))
	f.Add(psf(2, 12, 24, 512))
	f.Add([]byte{0x72, 0xb5, 0x4a, 0x86})
	f.Fuzz(func(t *testing.T, b []byte) {
		font, err := ParseFont(b)
		if err != nil {
			return
		}
		for r, n := range font.Runes {
			if n >= len(font.Glyphs) {
				t.Errorf("%q has glyph %d of %d", r, n, len(font.Glyphs))
			}
		}
	})
}

func TestTheFontSuitsTheScreen(t *testing.T) {
	fonts := []Font{{Width: 8, Height: 16}, {Width: 10, Height: 20}, {Width: 12, Height: 24}, {Width: 14, Height: 28}, {Width: 16, Height: 32}}
	for _, tt := range []struct {
		width, height int
		large         bool
		want          string
	}{
		{640, 480, false, "8x16: 80 x 30"},
		{800, 600, false, "8x16: 100 x 37"},
		{1024, 768, false, "10x20: 102 x 38"},
		{1366, 768, false, "12x24: 113 x 32"},
		{1920, 1080, false, "16x32: 120 x 33"},
		{3840, 2160, false, "16x32: 240 x 67"},
		{1366, 768, true, "16x32: 85 x 24"},
		{1024, 768, true, "12x24: 85 x 32"},
		{320, 200, false, "none"},
	} {
		got := "none"
		if n := chooseFont(fonts, tt.width, tt.height, tt.large); n >= 0 {
			got = fmt.Sprintf("%dx%d: %d x %d", fonts[n].Width, fonts[n].Height, tt.width/fonts[n].Width, tt.height/fonts[n].Height)
		}
		if got != tt.want {
			t.Errorf("%d x %d, large %v: got %s, want %s", tt.width, tt.height, tt.large, got, tt.want)
		}
	}
}

func TestADoubledFontHasTheSamePicture(t *testing.T) {
	f := Font{Width: 10, Height: 2, Glyphs: [][]byte{{0b10000000, 0b01000000, 0b01100000, 0}}, Runes: map[rune]int{'x': 0}}
	d := f.doubled()
	want := []byte{0b11000000, 0, 0b00110000, 0b11000000, 0, 0b00110000, 0b00111100, 0, 0, 0b00111100, 0, 0}
	if d.Width != 20 || d.Height != 4 || !bytes.Equal(d.Glyphs[0], want) || d.Runes['x'] != 0 {
		t.Errorf("got %d x %d: %08b", d.Width, d.Height, d.Glyphs[0])
	}
	if n := chooseFont([]Font{{Width: 32, Height: 64}}, 3840, 2160, false); n != 0 {
		t.Error("a screen of 3840 x 2160 gets no doubled font")
	}
}

func TestScreenPixels(t *testing.T) {
	m := newMachine(t)
	if _, _, ok := screenPixels(m.root); ok {
		t.Error("a screen where there is none")
	}
	m.put("sys/class/graphics/fb0/virtual_size", "1920,2160\n") // two pictures
	if w, h, ok := screenPixels(m.root); !ok || w != 1920 || h != 2160 {
		t.Errorf("got %d x %d, %v", w, h, ok)
	}
	m.put("sys/class/graphics/fb0/modes", "U:1920x1080p-0\n")
	if w, h, ok := screenPixels(m.root); !ok || w != 1920 || h != 1080 {
		t.Errorf("got %d x %d, %v", w, h, ok)
	}
}

// The log stays small, keeps no file open, and goes on when the stick is back.
func TestTheLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	there := false
	l := &bootLog{dir: dir, id: "0a1b2c3d", now: func() time.Time { return at }, ready: func() bool { return there }}
	l.printf("first, without a stick")
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
	there = true
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for n := range 25 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("202602%02d-120000-aaaaaaaa.log", n+1)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
	l.printf("second \x1b[2J line\nand a third %s", strings.Repeat("x", 5000))
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	const name = "20260302-093000-0a1b2c3d.log"
	if len(names) != maxLogFiles || filepath.Base(names[len(names)-1]) != name || filepath.Base(names[0]) != "20260207-120000-aaaaaaaa.log" {
		t.Errorf("%d logs: %v", len(names), names)
	}
	read := func() string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	lines := strings.Split(strings.TrimSpace(read()), "\n")
	if len(lines) != 3 || lines[0] != "2026-03-02T09:30:00.000Z first, without a stick" || lines[1] != "2026-03-02T09:30:00.000Z second [2J line" || len(lines[2]) > maxLogLine+30 {
		t.Errorf("got %q", lines)
	}
	there = false
	l.printf("the stick is out")
	there = true
	if err := l.flush(); err != nil || !strings.Contains(read(), "the stick is out") {
		t.Errorf("after the stick came back: %v", err)
	}
	for range 3000 {
		l.printf("%s", strings.Repeat("y", 900))
	}
	if text := read(); len(text) > maxLogBytes || !strings.HasSuffix(text, "the log is full; what follows is not written\n") {
		t.Errorf("%d bytes, ends in %q", len(text), text[max(0, len(text)-60):])
	}
}

// A write that fails makes the kernel complain, which is logged: that must not
// go round in circles.
func TestTheLogRestsAfterAFailedWrite(t *testing.T) {
	tries := 0
	l := &bootLog{dir: "/proc/nothing", id: "0a1b2c3d", now: time.Now, file: "/proc/nothing/x.log", ready: func() bool { tries++; return true }}
	for range 10 {
		l.printf("line")
	}
	if tries != 1 {
		t.Errorf("tried %d times", tries)
	}
	if err := l.flush(); err == nil || tries != 2 {
		t.Errorf("when something was mounted: %v, %d tries", err, tries)
	}
}

func TestTheProgramsLastWords(t *testing.T) {
	for _, tt := range []struct {
		lines []string
		err   error
		code  int
		want  string
	}{
		{[]string{"note: x", "panic: runtime error: index out of range [3]", "", "goroutine 1 [running]:"}, nil, 2, "panic: runtime error: index out of range [3]"},
		{[]string{"ombruk: error: something"}, nil, 1, "ombruk: error: something"},
		{nil, nil, 3, "exit status 3"},
		{[]string{"mounted /dev/sdb2"}, nil, 137, "ended by signal 9 (killed)"},
		{nil, unix.ENOENT, -1, unix.ENOENT.Error()},
	} {
		r := &running{}
		for _, line := range tt.lines {
			r.said.add(line)
		}
		if got := r.cause(tt.err, tt.code); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.lines, got, tt.want)
		}
	}
}

func TestOnlyTheKernelsFirstProcessIsInit(t *testing.T) {
	if IsInit() {
		t.Error("a test takes itself for the first process of a stick")
	}
}

func TestAClockFromBeforeTheStickIsWrong(t *testing.T) {
	built := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	for now, want := range map[string]bool{"1980-01-01": true, "2026-03-01": true, "2026-03-03": false} {
		at, err := time.Parse(time.DateOnly, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := ClockWrong(at, built); got != want {
			t.Errorf("%s: got %v", now, got)
		}
	}
}
