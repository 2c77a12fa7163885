package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"

	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/stick"
)

// Show shows the screens on a terminal until somebody powers off or leaves, or
// ctx ends, which is an error that wraps its cause. environ ("NAME=value") says
// what the terminal is: TERM, NO_COLOR, COLORTERM, and OMBRUK_GLYPHS, which is
// ascii or unicode where the terminal's name does not say what it can draw.
func Show(ctx context.Context, w Work, setup Setup, text *lang.Text, in io.Reader, out io.Writer, environ []string) error {
	t := terminalOf(environ)
	m := New(ctx, w, setup, text, t.ascii)
	m.look.colour, m.pace = t.colour, t.pace
	options := []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(plainOutput(out)), tea.WithEnvironment([]string{"TERM=" + t.moves}),
		tea.WithColorProfile(t.colour), tea.WithWindowSize(fullWidth, fullHeight), tea.WithFPS(t.frames), tea.WithFilter(sized),
		// Whoever ends us by a signal ends ctx; erases are not dropped for one that only the screens saw.
		tea.WithoutSignalHandler(),
	}
	_, err := tea.NewProgram(m, options...).Run()
	if err == nil {
		return nil
	}
	return fmt.Errorf("show the screens: %w", err)
}

// terminal is what is known of a terminal from its environment. Nothing is
// asked of it, since a console and a terminal on a serial line may not answer,
// or print the question.
type terminal struct {
	colour colorprofile.Profile
	ascii  bool
	pace   time.Duration // between two pictures of the drives
	frames int           // looks at whether there is a new picture, a second
	// moves is the terminal type whose ways of moving the cursor and inserting
	// are used.
	moves string
}

func terminalOf(environ []string) terminal {
	env := map[string]string{}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	name := env["TERM"]
	// What is on the other end of a serial line draws what a VT220 does.
	serial := strings.HasPrefix(name, "vt") || name == "ansi" || name == "dumb" || name == ""
	t := terminal{colour: colorprofile.ANSI, ascii: serial, pace: 100 * time.Millisecond, frames: 120, moves: name}
	switch {
	case env["NO_COLOR"] != "" || strings.HasPrefix(name, "vt") || name == "dumb" || name == "" || strings.HasSuffix(name, "-mono") || strings.HasSuffix(name, "-m"):
		t.colour = colorprofile.ASCII
	case env["COLORTERM"] == "truecolor" || env["COLORTERM"] == "24bit":
		t.colour = colorprofile.TrueColor
	case strings.HasSuffix(name, "256color"):
		t.colour = colorprofile.ANSI256
	}
	if serial {
		t.pace, t.frames = 500*time.Millisecond, 60
	}
	if name == "ansi" || name == "" || name == "dumb" {
		// A program that plays a terminal, which all do what the console does;
		// without a better word insert mode would be used, which some lack.
		t.moves = "linux"
	}
	switch env["OMBRUK_GLYPHS"] {
	case "ascii":
		t.ascii = true
	case "unicode":
		t.ascii = false
	}
	return t
}

// sized gives a terminal that does not know its size, as a serial line, the
// size of a VT220.
func sized(_ tea.Model, msg tea.Msg) tea.Msg {
	if s, ok := msg.(tea.WindowSizeMsg); ok && (s.Width <= 0 || s.Height <= 0) {
		return tea.WindowSizeMsg{Width: fullWidth, Height: fullHeight}
	}
	return msg
}

// plainOutput keeps back what only some terminals understand: questions about
// themselves, whose text or answer would show on others, and the protocols for
// keyboards that these screens have no use for.
func plainOutput(out io.Writer) io.Writer {
	p := plainWriter{out}
	if f, ok := out.(term.File); ok {
		return plainFile{p, f}
	}
	return p
}

type plainWriter struct{ out io.Writer }

func (p plainWriter) Write(b []byte) (int, error) {
	kept := b
	for _, s := range []string{
		"\x1b[?2026$p", "\x1b[?2027$p", // are synchronized output and Unicode widths known
		"\x1b[>4;2m", "\x1b[>4m", "\x1b[>4;0m", // other keys modified
		"\x1b[=0;1u", "\x1b[=1;1u", "\x1b[?u", // Kitty's keyboard
	} {
		kept = bytes.ReplaceAll(kept, []byte(s), nil)
	}
	if _, err := p.out.Write(kept); err != nil {
		return 0, err
	}
	return len(b), nil
}

// plainFile is a terminal, whose size can be asked of the kernel.
type plainFile struct {
	plainWriter
	file term.File
}

func (p plainFile) Write(b []byte) (int, error) { return p.plainWriter.Write(b) }
func (p plainFile) Read(b []byte) (int, error)  { return p.file.Read(b) }
func (p plainFile) Close() error                { return p.file.Close() }
func (p plainFile) Fd() uintptr                 { return p.file.Fd() }

// asUS gives what a scanner read, where the console's layout made other
// characters of what it typed.
func asUS(layout, s string) string {
	if layout == "" || layout == "us" {
		return s
	}
	return stick.AsUS(layout, s)
}
