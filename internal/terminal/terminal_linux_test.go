package terminal

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"rsc.io/qr"
)

// soon is long for anything that these tests wait for.
const soon = 10 * time.Second

// asProgram makes this test's binary a program for the terminal.
const asProgram = "OMBRUK_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	if _, err := tea.NewProgram(&model{}).Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// model is a small program of the kind that the screens are.
type model struct {
	width, height int
	heard         []string
}

func (m *model) Init() tea.Cmd { return nil }

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			return m, tea.Quit
		}
		m.heard = append(m.heard, msg.String())
	}
	return m, nil
}

func (m *model) View() tea.View {
	if m.width == 0 {
		return tea.NewView("")
	}
	clean := lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Color("15")).Background(lipgloss.Color("#006d2c")).Render(" SLETTET ")
	v := tea.NewView(fmt.Sprintf("%s %dx%d\n%s\nheard: %s.", clean, m.width, m.height, strings.Repeat("─", m.width), strings.Join(m.heard, " ")))
	v.AltScreen = true
	return v
}

func startProgram(t *testing.T, term string, o Options) *Terminal {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"=1", "TERM="+term)
	tt, err := Start(cmd, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tt.Close() })
	return tt
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A program as the screens are one is driven with keys on each kind of terminal
// that a station has.
func TestProgramIsDriven(t *testing.T) {
	for _, term := range []string{"xterm-256color", "linux", "vt220", "screen"} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			t.Run(fmt.Sprintf("%s %dx%d", term, size[0], size[1]), func(t *testing.T) {
				t.Parallel()
				tt := startProgram(t, term, Options{Columns: size[0], Rows: size[1]})
				must(t,
					tt.UntilText(soon, fmt.Sprintf("SLETTET  %dx%d", size[0], size[1]), strings.Repeat("─", size[0])),
					tt.Key("up", "down", "left", "right", "enter", "esc", "tab", "f1"),
					tt.Type("æ?"),
					tt.Scan("T-1\r"),
					tt.UntilText(soon, "heard: up down left right enter esc tab f1 æ ? T - 1 enter."),
					tt.Resize(60, 20),
					tt.UntilText(soon, "SLETTET  60x20"),
				)
				if got := tt.Text(); len(got) != 20 || got[0] != " SLETTET  60x20" || got[1] != strings.Repeat("─", 60) {
					t.Errorf("the screen:\n%s", tt.framed())
				}
				must(t, tt.Key("ctrl+c"), tt.Wait(soon))
			})
		}
	}
}

func TestProgramEndsBeforeItShows(t *testing.T) {
	tt, err := Start(exec.Command("sh", "-c", "echo only this; exit 3"), Options{})
	must(t, err)
	defer func() { _ = tt.Close() }()
	err = tt.UntilText(soon, "something else")
	if err == nil || !strings.Contains(err.Error(), `ended before it showed ["something else"]`) || !strings.Contains(err.Error(), "| only this") {
		t.Errorf("got %v", err)
	}
	if err := tt.Wait(soon); err == nil || err.Error() != "exit status 3" {
		t.Errorf("ended with %v", err)
	}
	if err := tt.Key("hyper"); err == nil {
		t.Error("a key that is not there was pressed")
	}
}

// What is drawn is what a phone reads: a QR code of half blocks.
func TestPictureOfQR(t *testing.T) {
	const text = "https://example.org/verify/0193-4c1a?sha256=0123456789abcdef0123456789abcdef"
	code, err := qr.Encode(text, qr.M)
	must(t, err)
	var b strings.Builder
	b.WriteString("\x1b[97;40m")
	black := func(x, y int) bool { return y < code.Size && code.Black(x, y) }
	for y := -2; y < code.Size+2; y += 2 {
		for x := -2; x < code.Size+2; x++ {
			b.WriteString(map[[2]bool]string{{false, false}: "█", {true, false}: "▄", {false, true}: "▀", {true, true}: " "}[[2]bool{black(x, y), black(x, y+1)}])
		}
		b.WriteString("\r\n")
	}
	tt, far := attached(Options{})
	defer func() { _ = tt.Close() }()
	_, err = io.WriteString(far, b.String()+"\x1b[mread me")
	must(t, err, tt.UntilText(soon, "read me"))
	file := filepath.Join(t.TempDir(), "screen.png")
	f, err := os.Create(file)
	must(t, err, tt.PNG(f), f.Close())
	out, err := exec.Command("zbarimg", "-q", "--raw", file).Output()
	if err != nil || strings.TrimSpace(string(out)) != text {
		t.Errorf("zbarimg reads %q, %v", out, err)
	}
}

func TestPictureHasNoHoles(t *testing.T) {
	tt, far := attached(Options{Columns: 70, Rows: 6})
	defer func() { _ = tt.Close() }()
	_, err := io.WriteString(far, "▀▁▂▃▄▅▆▇█▉▊▋▌▍▎▏▐░▒▓▔▕▖▗▘▙▚▛▜▝▞▟ ┌─┬─┐│┼┃┏━┓╔═╗║╬╝╰╯╭╮ ÆØÅæøå€…·•–—\r\n\x1b[1;31mbold\x1b[0;4m under\x1b[0;7m reversed \x1b[38;5;208;48;2;0;0;90m208\x1b[m\r\n")
	must(t, err, tt.UntilText(soon, "bold under reversed 208"))
	var b bytes.Buffer
	if err := tt.PNG(&b); err != nil {
		t.Error(err)
	}
	_, err = io.WriteString(far, "snow ☃.")
	must(t, err, tt.UntilText(soon, "snow"))
	if err := tt.PNG(&b); err == nil || !strings.Contains(err.Error(), "line 3, column 6: the face has no '☃' (U+2603)") {
		t.Errorf("got %v", err)
	}
}

// attached is a terminal on a line, and the far end of the line.
func attached(o Options) (*Terminal, net.Conn) {
	near, far := net.Pipe()
	return Attach(near, o), far
}

// What programs ask and say besides what is to be seen, and what is seen.
func TestSequences(t *testing.T) {
	for _, tt := range []struct {
		name, sent string
		line       string // the first of the screen
		answers    string
	}{
		{"keyboard protocols", "a\x1b[31m\x1b[>4;2mb\x1b[=1;1uc\x1b[?ud\x1b[>1u", "abcd", ""},
		{"identity", "\x1b[c\x1b[>c\x1b[>q", "", "\x1b[?62;22c\x1b[>1;10;0c\x1bP>|ombruk-lab 1\x1b\\"},
		{"modes", "\x1b[?2026$p\x1b[?2027$p", "", "\x1b[?2026;2$y\x1b[?2027;0$y"},
		{"where the cursor is", "abc\x1b[6n\x1b[5n\x1b[?6n", "abc", "\x1b[1;4R\x1b[0n\x1b[?1;4R"},
		{"how large the screen is", "\x1b[999;999H\x1b[6n\x1b[18t\x1b[Hx", "x", "\x1b[24;80R\x1b[8;24;80t"},
		{"colours", "\x1b]11;?\x07\x1b]10;?\x1b\\", "", "\x1b]11;rgb:1212/1212/1414\x1b\\\x1b]10;rgb:d4d4/d4d4/d4d4\x1b\\"},
		{"terminfo", "\x1bP+q5463\x1b\\", "", "\x1bP0+r\x1b\\"},
		{"a title", "\x1b]0;OMBRUK\x07x\x1bkOMBRUK\x1b\\y", "xy", ""},
		{"repeated", "ab\x1b[3bc", "abbbbc", ""},
		{"inserted", "0:15 left\r\x1b[C\x1b[C\x1b[4hå!\x1b[4lx", "0:å!x5 left", ""},
		{"soft reset, cursor shapes, character sets", "\x1b[!pa\x1b[2 qb\x1b%Gc\x1b)0d", "abcd", ""},
		{"colours with colons, underlines", "\x1b[38:2::1:2:3;4:3;58:5:1;58;2;1;2;3mx\x1b[58;5;1my", "xy", ""},
		{"a frame that has not ended", "old\x1b[?2026h\x1b[2J\x1b[Hnew", "old", ""},
		{"a frame that has", "old\x1b[?2026h\x1b[2J\x1b[Hnew\x1b[?2026l", "new", ""},
		{"all reset", strings.Repeat("x", 70) + "\x1bcnew", "new", ""},
		{"broken off", "a\x1b[12\nb\x1b", "a", ""},
		{"characters in pieces", "blåbær", "blåbær", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whole, answers := fed([]byte(tt.sent), len(tt.sent))
			if whole[0] != tt.line || answers != tt.answers {
				t.Errorf("shown %q, answered %q; want %q, %q", whole[0], answers, tt.line, tt.answers)
			}
			if pieces, again := fed([]byte(tt.sent), 1); !slices.Equal(pieces, whole) || again != answers {
				t.Errorf("byte by byte: shown %q, answered %q", pieces[0], again)
			}
		})
	}
}

// fed is what a terminal shows and answers to something that comes in pieces of
// so many bytes.
func fed(sent []byte, piece int) (lines []string, answers string) {
	tt := newTerminal(nil, Options{})
	for p := range slices.Chunk(sent, piece) {
		answers += string(tt.filter.feed(p))
	}
	return tt.Text(), answers
}

// What comes over a serial line can be anything.
func FuzzScreen(f *testing.F) {
	f.Add([]byte("\x1b[?2026h\x1b[2J\x1b[Hnew\x1b[?2026l\x1b[38:2::1:2:3mx\x1b]11;?\x07"), 3)
	f.Add([]byte("\x1b[1;1r\x1b[5M\x1b[5L\x1b[99@\x1b[99P\x1b[99X\x1b[3b"), 1)
	f.Fuzz(func(t *testing.T, sent []byte, piece int) {
		fed(sent, len(sent)+1)
		fed(sent, 1+max(piece%64, 0))
	})
}
