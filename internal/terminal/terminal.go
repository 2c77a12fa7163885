// Package terminal is a terminal for tests and for pictures: it shows what a
// program writes to a pty, or a machine to its serial line, gives it keys as
// hands or a barcode scanner do, waits until the screen is as wanted, and draws
// it.
//
// It answers what programs ask a terminal as xterm does, and takes a frame that
// is sent as synchronized output as a whole. It knows no wide characters.
package terminal

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hinshun/vt10x"
)

// Options shape a terminal. The zero value is one of 80x24.
type Options struct {
	Columns, Rows int
	// KeyGap is the pause between two keys that are typed; 0 is 120 ms. A
	// program that takes keys which come faster for a scanner's must not see
	// fingers as one, and Esc must not run into the key after it.
	KeyGap time.Duration
	// Mute answers no question of the program, as a console on a serial line
	// that nobody looks at.
	Mute bool
}

// Terminal shows one program. Its methods may be called from many goroutines.
type Terminal struct {
	keyGap time.Duration
	line   io.ReadWriter
	// stop ends what is at the other end and releases the line; wait gives
	// the program's end.
	stop func() error
	wait func() error
	size func(columns, rows int) error

	sending sync.Mutex // keys and answers do not mix
	lastKey time.Time

	mu      sync.Mutex
	vt      vt10x.Terminal
	filter  filter
	raw     []byte
	changed chan struct{} // closed and replaced when there is something new
	ended   error         // why nothing more will come
}

// Attach shows what comes from a line, and writes keys and answers to it. Close
// closes it if it is an io.Closer.
func Attach(line io.ReadWriter, o Options) *Terminal {
	t := newTerminal(line, o)
	if c, ok := line.(io.Closer); ok {
		t.stop = c.Close
	}
	go t.read()
	return t
}

func newTerminal(line io.ReadWriter, o Options) *Terminal {
	nothing := func() error { return nil }
	t := &Terminal{keyGap: o.KeyGap, line: line, stop: nothing, wait: nothing, changed: make(chan struct{})}
	t.size = func(int, int) error { return nil }
	if t.keyGap == 0 {
		t.keyGap = 120 * time.Millisecond
	}
	o = o.sized()
	t.vt = vt10x.New(vt10x.WithSize(o.Columns, o.Rows))
	t.filter = filter{screen: t.vt, mute: o.Mute}
	return t
}

func (o Options) sized() Options {
	if o.Columns == 0 {
		o.Columns = 80
	}
	if o.Rows == 0 {
		o.Rows = 24
	}
	return o
}

// read shows what comes until there is no more.
func (t *Terminal) read() {
	buf := make([]byte, 32<<10)
	for {
		n, err := t.line.Read(buf)
		t.mu.Lock()
		t.raw = append(t.raw, buf[:n]...)
		answers := t.filter.feed(buf[:n])
		if err != nil {
			t.ended = err
		}
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if len(answers) > 0 {
			t.sending.Lock()
			_, _ = t.line.Write(answers) // a line that is gone is found by reading
			t.sending.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// Text is the lines of the screen without the blanks at their ends.
func (t *Terminal) Text() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text()
}

func (t *Terminal) text() []string {
	columns, rows := t.vt.Size()
	lines := make([]string, rows)
	for y := range lines {
		line := make([]rune, columns)
		for x := range line {
			if line[x] = t.vt.Cell(x, y).Char; line[x] == 0 {
				line[x] = ' '
			}
		}
		lines[y] = strings.TrimRight(string(line), " ")
	}
	return lines
}

// Output is all that has come so far, as it came.
func (t *Terminal) Output() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.raw)
}

// Until waits until the screen is as wanted; what says how that is, after
// "before". The error shows the screen.
func (t *Terminal) Until(within time.Duration, what string, wanted func(lines []string) bool) error {
	return t.until(within, what, func() bool { return wanted(t.text()) })
}

// UntilText waits until all of these texts are on the screen, each in one line.
func (t *Terminal) UntilText(within time.Duration, texts ...string) error {
	return t.Until(within, fmt.Sprintf("it showed %q", texts), func(lines []string) bool { return showAll(lines, texts) })
}

// UntilGone waits until none of these texts is on the screen.
func (t *Terminal) UntilGone(within time.Duration, texts ...string) error {
	return t.Until(within, fmt.Sprintf("%q were gone", texts), func(lines []string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return showAll(lines, []string{text}) })
	})
}

// UntilOutput waits until a text has come, whether it is still on the screen or
// not.
func (t *Terminal) UntilOutput(within time.Duration, text string) error {
	return t.until(within, fmt.Sprintf("%q had come", text), func() bool { return strings.Contains(string(t.raw), text) })
}

func showAll(lines, texts []string) bool {
	for _, text := range texts {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) }) {
			return false
		}
	}
	return true
}

// until is called without the lock, which wanted is called with.
func (t *Terminal) until(within time.Duration, what string, wanted func() bool) error {
	late := time.NewTimer(within)
	defer late.Stop()
	for {
		t.mu.Lock()
		ok, ended, changed := wanted(), t.ended, t.changed
		t.mu.Unlock()
		switch {
		case ok:
			return nil
		case ended != nil:
			return fmt.Errorf("the program ended before %s (%w); its screen:\n%s", what, ended, t.framed())
		}
		select {
		case <-changed:
		case <-late.C:
			return fmt.Errorf("%s passed before %s; the screen:\n%s", within, what, t.framed())
		}
	}
}

// framed is the screen with a bar before every line, so that it can be told
// from the text around it.
func (t *Terminal) framed() string {
	return "| " + strings.TrimRight(strings.Join(t.Text(), "\n| "), "\n| ")
}

// send writes keys one by one as fingers do, or at once.
func (t *Terminal) send(burst bool, keys ...string) error {
	t.sending.Lock()
	defer t.sending.Unlock()
	for i, key := range keys {
		if !burst || i == 0 {
			if gap := time.Until(t.lastKey.Add(t.keyGap)); gap > 0 {
				time.Sleep(gap) // the gap is what is asked for; nothing is waited for
			}
		}
		if _, err := io.WriteString(t.line, key); err != nil {
			return fmt.Errorf("type on the terminal: %w", err)
		}
		t.lastKey = time.Now()
	}
	return nil
}

// Type types a text as fingers do.
func (t *Terminal) Type(text string) error {
	return t.send(false, strings.Split(text, "")...)
}

// Scan types a text as a barcode scanner does, all at once. What the scanner
// sends after it, such as "\r", belongs to the text.
func (t *Terminal) Scan(text string) error { return t.send(true, text) }

// keys are what a terminal sends for the keys that are no character.
func sequence(name string) (string, bool) {
	s, ok := map[string]string{
		"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
		"home": "\x1b[H", "end": "\x1b[F", "pgup": "\x1b[5~", "pgdown": "\x1b[6~",
		"insert": "\x1b[2~", "delete": "\x1b[3~",
		"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "backspace": "\x7f", "space": " ",
		"f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS",
		"f5": "\x1b[15~", "f6": "\x1b[17~", "f7": "\x1b[18~", "f8": "\x1b[19~",
		"f9": "\x1b[20~", "f10": "\x1b[21~", "f11": "\x1b[23~", "f12": "\x1b[24~",
	}[name]
	if !ok && len(name) == len("ctrl+x") && strings.HasPrefix(name, "ctrl+") && name[5] >= 'a' && name[5] <= 'z' {
		return string(rune(name[5] - 'a' + 1)), true
	}
	return s, ok
}

// Key presses keys by their names: up, down, left, right, home, end, pgup,
// pgdown, insert, delete, enter, esc, tab, shift+tab, backspace, space, f1 to
// f12, ctrl+a to ctrl+z. A single character is itself.
func (t *Terminal) Key(names ...string) error {
	var keys []string
	for _, name := range names {
		s, ok := sequence(name)
		if !ok && len([]rune(name)) == 1 {
			s, ok = name, true
		}
		if !ok {
			return fmt.Errorf("press %q: there is no such key", name)
		}
		keys = append(keys, s)
	}
	return t.send(false, keys...)
}

// Resize gives the terminal another size, and tells the program when there is a
// way to tell it.
func (t *Terminal) Resize(columns, rows int) error {
	t.mu.Lock()
	t.vt.Resize(columns, rows)
	t.mu.Unlock()
	return t.size(columns, rows)
}

// Wait waits for the end of a program that was started, and gives it as
// exec.Cmd.Wait does. Of an attached line it waits for the end of that.
func (t *Terminal) Wait(within time.Duration) error {
	err := t.until(within, "its end", func() bool { return t.ended != nil })
	if err != nil {
		return err
	}
	return t.wait()
}

// Close ends the program, or closes the line. It may be called again.
func (t *Terminal) Close() error {
	err := t.stop()
	if errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
