package boot

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/internal/stick"
)

// fontDir is where a stick keeps its console fonts.
const fontDir = "/usr/share/consolefonts"

// ConsoleName is the terminal that a person sits at: the console that was named
// last on the kernel's command line. tty0 stands for whichever virtual terminal
// is in front, which cannot be anybody's own, so tty1 is taken.
func ConsoleName(root string) string {
	words := strings.Fields(readLine(filepath.Join(root, "sys/class/tty/console/active")))
	if len(words) == 0 || words[len(words)-1] == "tty0" {
		return "tty1"
	}
	return words[len(words)-1]
}

// isVT reports whether a terminal is a virtual one: screen and keyboard.
func isVT(name string) bool {
	number, ok := strings.CutPrefix(name, "tty")
	_, err := strconv.Atoi(number)
	return ok && err == nil
}

// console is the terminal that a person sits at.
type console struct {
	name  string
	tty   *os.File
	log   func(format string, args ...any)
	large bool
	// fonts are those of the stick, and now the size of the one in use.
	fonts []Font
	now   [2]int
}

// open opens the console, again after its session has ended: the kernel hangs
// it up then.
func (c *console) open() error {
	if c.tty != nil {
		_ = c.tty.Close()
	}
	fd, err := unix.Open("/dev/"+c.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open the console %s: %w", c.name, err)
	}
	// Not waiting for a modem's carrier was for the opening only.
	_ = unix.SetNonblock(fd, false)
	c.tty = os.NewFile(uintptr(fd), "/dev/"+c.name)
	return nil
}

// prepare makes the console ready for a program that draws on it. What a
// display cannot do is logged and left.
func (c *console) prepare(layout string) {
	try := func(err error) {
		if err != nil {
			c.log("%v", err)
		}
	}
	try(plainTerminal(c.tty))
	if !isVT(c.name) {
		try(c.serialSize())
		return
	}
	// UTF-8, no blanking, no power saving, the cursor shown.
	_, _ = c.tty.WriteString("\x1b%G\x1b[9;0]\x1b[14;0]\x1b[?25h")
	try(kernel.UnicodeKeyboard(c.tty))
	try(kernel.LockConsole(c.tty))
	try(setKeyboard(c.tty, layout))
	try(c.setFont())
}

// plainTerminal sets what a session begins with: lines, echo, UTF-8, and no
// wait for a modem.
func plainTerminal(tty *os.File) error {
	t, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return fmt.Errorf("read the settings of %s: %w", tty.Name(), err)
	}
	t.Iflag = unix.ICRNL | unix.IUTF8
	t.Oflag = unix.OPOST | unix.ONLCR
	t.Lflag = unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.IEXTEN
	t.Cflag |= unix.CREAD | unix.CLOCAL
	t.Cflag &^= unix.HUPCL
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, t); err != nil {
		return fmt.Errorf("set up %s: %w", tty.Name(), err)
	}
	return nil
}

// answerWithin is how long a terminal on a serial line has to tell its size.
const answerWithin = 150 * time.Millisecond

// serialSize sets the size of a serial terminal: what it tells when it is asked
// where its cursor went that was sent to the far corner, else 80 x 24.
func (c *console) serialSize() error {
	size := &unix.Winsize{Col: 80, Row: 24}
	if columns, rows, ok := askSize(c.tty); ok {
		size.Col, size.Row = uint16(columns), uint16(rows)
	}
	if err := unix.IoctlSetWinsize(int(c.tty.Fd()), unix.TIOCSWINSZ, size); err != nil {
		return fmt.Errorf("set the size of %s: %w", c.tty.Name(), err)
	}
	return nil
}

func askSize(tty *os.File) (columns, rows int, ok bool) {
	fd := int(tty.Fd())
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return 0, 0, false
	}
	raw := *t
	raw.Lflag &^= unix.ICANON | unix.ECHO
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 0, 0
	if unix.IoctlSetTermios(fd, unix.TCSETS, &raw) != nil {
		return 0, 0, false
	}
	defer func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, t) }()
	if _, err := tty.WriteString("\x1b7\x1b[999;999H\x1b[6n\x1b8"); err != nil {
		return 0, 0, false
	}
	var answer []byte
	for deadline := time.Now().Add(answerWithin); len(answer) < 64; {
		left := time.Until(deadline)
		if left <= 0 {
			break
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, int(left.Milliseconds())+1); err != nil && !errors.Is(err, unix.EINTR) || n == 0 {
			break
		}
		b := make([]byte, 64)
		n, err := unix.Read(fd, b)
		if err != nil || n == 0 {
			break
		}
		answer = append(answer, b[:n]...)
		if columns, rows, ok = parseSize(answer); ok {
			break
		}
	}
	return columns, rows, ok
}

// parseSize reads a report of the cursor's place (CPR): ESC [ row ; column R.
func parseSize(b []byte) (columns, rows int, ok bool) {
	_, after, _ := strings.Cut(string(b), "\x1b[")
	report, _, ended := strings.Cut(after, "R")
	row, column, _ := strings.Cut(report, ";")
	rows, errRows := strconv.Atoi(row)
	columns, errColumns := strconv.Atoi(column)
	ok = ended && errRows == nil && errColumns == nil && rows >= 10 && rows <= 500 && columns >= 40 && columns <= 1000
	return columns, rows, ok
}

// setKeyboard gives the console's keyboard a layout.
func setKeyboard(tty *os.File, layout string) error {
	keys, ok := stick.Keyboard(layout)
	if !ok {
		return fmt.Errorf("set the keyboard: no layout %q, there are %s", layout, strings.Join(stick.Keyboards(), ", "))
	}
	for _, k := range keys {
		for table, r := range map[uint8]rune{kernel.KeysPlain: k.Plain, kernel.KeysShift: k.Shift, kernel.KeysAltGr: k.AltGr, kernel.KeysShiftAltGr: k.ShiftAltGr} {
			if r == 0 {
				continue
			}
			letter := table <= kernel.KeysShift && strings.ToUpper(string(k.Plain)) == string(k.Shift) && k.Plain != k.Shift
			if err := kernel.SetKey(tty, table, k.Code, r, letter); err != nil {
				return err
			}
		}
	}
	return nil
}

// setFont gives the screen the font that suits it. Without fonts, or on a
// screen in text mode, it stays as the kernel has it.
func (c *console) setFont() error {
	width, height, ok := screenPixels("/")
	if !ok {
		return nil
	}
	if c.fonts == nil {
		var err error
		if c.fonts, err = readFonts(fontDir); err != nil {
			return err
		}
	}
	n := chooseFont(c.fonts, width, height, c.large)
	if n < 0 {
		return nil
	}
	f := c.fonts[n]
	// Twice the largest where even that is small. Kernels before 6.2 take no
	// more than 32 x 32 pixels.
	if d := f.doubled(); chooseFont([]Font{d}, width, height, c.large) == 0 && kernel.SetFont(c.tty, kernel.ConsoleFont(d)) == nil {
		f = d
	} else if err := kernel.SetFont(c.tty, kernel.ConsoleFont(f)); err != nil {
		return err
	}
	c.now = [2]int{f.Width, f.Height}
	c.log("screen of %d x %d pixels, font of %d x %d", width, height, f.Width, f.Height)
	return nil
}

// screenPixels is the size of the screen that the console is on.
func screenPixels(root string) (width, height int, ok bool) {
	size := readLine(filepath.Join(root, "sys/class/graphics/fb0/virtual_size"))
	w, h, _ := strings.Cut(size, ",")
	width, errWidth := strconv.Atoi(w)
	height, errHeight := strconv.Atoi(h)
	// The virtual size may have room for two pictures below each other; the
	// mode has not.
	mode := readLine(filepath.Join(root, "sys/class/graphics/fb0/modes"))
	if _, after, found := strings.Cut(mode, ":"); found {
		var w, h int
		if n, _ := fmt.Sscanf(after, "%dx%d", &w, &h); n == 2 && w > 0 && h > 0 {
			return w, h, true
		}
	}
	return width, height, errWidth == nil && errHeight == nil && width > 0 && height > 0
}

// readFonts reads all fonts of a folder. A folder that is not there
// has none.
func readFonts(dir string) ([]Font, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.psf"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	fonts := []Font{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := ParseFont(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		fonts = append(fonts, f)
	}
	return fonts, nil
}

// screenGlyphs are the characters beyond ASCII and Latin-1 that the screens are
// drawn with.
const screenGlyphs = "─│►√•…↑↓→░▀▄█▁▂▃▅▆▇"

// glyphs says what the console can draw: unicode, or ascii alone. A serial line
// shows whatever the terminal at its end does, which is taken to be UTF-8 unless
// the kernel's command line has ombruk.glyphs=ascii.
func (c *console) glyphs() string {
	asked := Argument("ombruk.glyphs")
	switch {
	case asked == "ascii", asked == "unicode":
		return asked
	case !isVT(c.name):
		return "unicode"
	case c.now == [2]int{}:
		// The kernel's own font is that of the first PCs, which has too few.
		return "ascii"
	}
	// Whichever of the fonts the screen gets when its driver comes.
	for _, f := range c.fonts {
		if !hasAll(f, screenGlyphs) {
			return "ascii"
		}
	}
	return "unicode"
}

func hasAll(f Font, runes string) bool {
	for _, r := range runes {
		if _, ok := f.Runes[r]; !ok {
			return false
		}
	}
	return true
}

// Argument is the value of key=value on the kernel's command line, the last
// one; empty when there is none.
func Argument(key string) string { return argument(readLine("/proc/cmdline"), key) }

// largeText reports whether large text was chosen in the stick's menu.
func largeText(root string) bool {
	return slices.Contains(strings.Fields(readLine(filepath.Join(root, "proc/cmdline"))), stick.LargeTextArg)
}

func argument(line, key string) (value string) {
	for _, word := range strings.Fields(line) {
		if k, v, ok := strings.Cut(word, "="); ok && k == key {
			value = v
		}
	}
	return value
}

// terminalType is the TERM for programs on a console. On a serial line nobody
// knows what is at the other end: ansi promises the colours and the cursor that
// every terminal program has, and that the line is slow. vt220 would promise no
// colours, xterm more than some keep.
func terminalType(name string) string {
	if isVT(name) {
		return "linux"
	}
	return "ansi"
}

// Beep starts a tone of the machine's speaker and returns at once. A machine
// without one stays silent.
func Beep(tty *os.File, hertz int, d time.Duration) error { return kernel.Beep(tty, hertz, d) }
