package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/ombruk/ombruk/internal/hands"
	"github.com/ombruk/ombruk/internal/stick"
)

// handled is what hands have done since the last time; nil events mean that
// there will be no more.
type handled struct {
	stream *stream
	events []hands.Event
	err    error
}

// stream is a look at what hands do.
type stream struct {
	cancel context.CancelFunc
	events <-chan hands.Event
}

// watchHands begins to look; the answers are handled messages.
func (m *Model) watchHands() (*stream, tea.Cmd) {
	ctx, cancel := context.WithCancel(m.ctx)
	s := &stream{cancel: cancel}
	w := m.work
	return s, func() tea.Msg {
		events, err := w.Input(ctx)
		if err != nil {
			return handled{stream: s, err: err}
		}
		s.events = events
		return s.next()
	}
}

// eventsMost is how many events come to the screen at once: a pointer sends a
// thousand a second.
const eventsMost = 256

// next waits for events.
func (s *stream) next() tea.Msg {
	e, ok := <-s.events
	if !ok {
		return handled{stream: s}
	}
	events := []hands.Event{e}
	for len(events) < eventsMost {
		select {
		case e, ok := <-s.events:
			if !ok {
				return handled{stream: s, events: events}
			}
			events = append(events, e)
			continue
		default:
		}
		break
	}
	return handled{stream: s, events: events}
}

// keyTest lights up every key that is struck. Where the keyboard itself can be
// watched it sees every key; else those that a terminal passes on.
type keyTest struct {
	c       *checksPage
	stream  *stream
	watched bool
	count   map[uint16]int
	last    time.Time
	escapes int
}

// quietAfter is how long no key is struck before the test is over, for a
// keyboard whose Esc does not work.
const quietAfter = 20 * time.Second

// keyRows are the keys of a laptop, row by row, by their codes.
func keyRows() [][]uint16 {
	return [][]uint16{
		{1, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88, 110, 111},
		{41, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 102},
		{15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 104},
		{58, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 43, 109},
		{42, 86, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 103, 107},
		{29, 125, 56, 57, 100, 127, 97, 105, 108, 106},
	}
}

// keyNames are what is engraved on keys that give no characters.
func keyNames() map[uint16]string {
	return map[uint16]string{
		1: "Esc", 59: "F1", 60: "F2", 61: "F3", 62: "F4", 63: "F5", 64: "F6", 65: "F7", 66: "F8", 67: "F9", 68: "F10", 87: "F11", 88: "F12", 110: "Ins", 111: "Del",
		14: "Bsp", 102: "Hom", 15: "Tab", 28: "Ent", 104: "PgU", 58: "Cap", 109: "PgD", 42: "Shf", 54: "Shf", 103: "Up", 107: "End",
		29: "Ctl", 125: "Win", 56: "Alt", 57: "Spc", 100: "AGr", 127: "Mnu", 97: "Ctl", 105: "Lft", 108: "Dwn", 106: "Rgt",
	}
}

// keyCodes are the keys that a terminal passes on under a name.
func keyCodes() map[rune]uint16 {
	return map[rune]uint16{
		tea.KeyEscape: 1, tea.KeyF1: 59, tea.KeyF2: 60, tea.KeyF3: 61, tea.KeyF4: 62, tea.KeyF5: 63, tea.KeyF6: 64, tea.KeyF7: 65, tea.KeyF8: 66, tea.KeyF9: 67, tea.KeyF10: 68, tea.KeyF11: 87, tea.KeyF12: 88,
		tea.KeyInsert: 110, tea.KeyDelete: 111, tea.KeyBackspace: 14, tea.KeyHome: 102, tea.KeyTab: 15, tea.KeyEnter: 28, tea.KeyPgUp: 104, tea.KeyPgDown: 109, tea.KeyUp: 103, tea.KeyEnd: 107,
		tea.KeySpace: 57, tea.KeyLeft: 105, tea.KeyDown: 108, tea.KeyRight: 106,
	}
}

func newKeyTest(c *checksPage) *keyTest {
	return &keyTest{c: c, count: map[uint16]int{}, last: c.m.setup.Now()}
}

func (k *keyTest) start() tea.Cmd {
	var cmd tea.Cmd
	k.stream, cmd = k.c.m.watchHands()
	return cmd
}

func (k *keyTest) stop()       { k.stream.cancel() }
func (k *keyTest) grabs() bool { return true }
func (k *keyTest) bare() bool  { return false }

func (k *keyTest) message(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case handled:
		if msg.stream != k.stream || msg.events == nil {
			return nil
		}
		k.watched = true
		for _, e := range msg.events {
			if e.Kind == hands.Key && e.Pressed {
				k.strike(e.Code)
			}
		}
		return k.stream.next
	case ticked:
		if k.c.m.setup.Now().Sub(k.last) >= quietAfter {
			k.finish()
		}
	}
	return nil
}

func (k *keyTest) strike(code uint16) {
	k.count[code]++
	k.last = k.c.m.setup.Now()
}

// key takes what the terminal passes on.
func (k *keyTest) key(p tea.KeyPressMsg) (bool, tea.Cmd) {
	if !k.watched {
		if code := k.codeOf(p); code != 0 {
			k.strike(code)
		}
	}
	k.last = k.c.m.setup.Now()
	if p.Code != tea.KeyEscape {
		k.escapes = 0
		return true, nil
	}
	if k.escapes++; k.escapes == 3 {
		k.finish()
	}
	return true, nil
}

// codeOf is the code of a key under the layout, 0 when it is not known.
func (k *keyTest) codeOf(p tea.KeyPressMsg) uint16 {
	if code, ok := keyCodes()[p.Code]; ok {
		return code
	}
	for _, key := range k.layout() {
		for _, r := range []rune{key.Plain, key.Shift, key.AltGr, key.ShiftAltGr} {
			if r != 0 && p.Text == string(r) {
				return uint16(key.Code)
			}
		}
	}
	return 0
}

func (k *keyTest) layout() []stick.Key {
	keys, ok := stick.Keyboard(k.c.m.setup.Keyboard)
	if !ok {
		keys, _ = stick.Keyboard("us")
	}
	return keys
}

// finish asks whether the keyboard is all right.
func (k *keyTest) finish() {
	struck, all := k.seen()
	k.c.end()
	k.c.ask(k.c.m.say("check.ask.keyboard", map[string]any{"Struck": struck, "Keys": all}))
	if struck < all {
		// One Enter must not pass a keyboard of which little was seen.
		k.c.m.over.at = slices.Index(verdicts, VerdictSkip)
	}
}

// seen is how many of the drawn keys were struck.
func (k *keyTest) seen() (struck, all int) {
	for _, row := range keyRows() {
		for _, code := range row {
			all++
			if k.count[code] > 0 {
				struck++
			}
		}
	}
	return struck, all
}

func (k *keyTest) actions() []action { return nil }

func (k *keyTest) body(w, _ int) []string {
	m := k.c.m
	names := map[uint16]string{}
	for _, key := range k.layout() {
		names[uint16(key.Code)] = strings.ToUpper(string(key.Plain))
	}
	for code, name := range keyNames() {
		names[code] = name
	}
	cell := 3
	if w < 15*4+3 {
		cell = 1
	}
	struck, all := k.seen()
	lines := []string{"", "  " + m.look.bold(m.look.cut(m.say("check.keys", map[string]any{"Struck": struck, "Keys": all}), w-4)), ""}
	for i, row := range keyRows() {
		line := "  "
		for _, code := range row {
			name := m.look.fill(names[code], cell)
			if cell == 1 {
				name = string([]rune(names[code])[:1])
			}
			if k.count[code] > 0 {
				name = m.look.marked(name)
			} else {
				name = m.look.paint(quiet, name)
			}
			line += name + " "
		}
		lines = append(lines, line)
		if i == 0 {
			lines = append(lines, "")
		}
	}
	others := 0
	for code := range k.count {
		if names[code] == "" {
			others++
		}
	}
	lines = append(lines, "")
	if others > 0 {
		lines = append(lines, "  "+m.look.cut(m.count("check.keys-others", others, nil), w-4))
	}
	if !k.watched {
		for _, l := range wrap(m.say("check.keys-terminal", nil), w-4) {
			lines = append(lines, "  "+l)
		}
	}
	for _, l := range wrap(m.say("check.keys-end", map[string]any{"Seconds": int(quietAfter / time.Second)}), w-4) {
		lines = append(lines, "  "+m.look.bold(l))
	}
	return lines
}

// screenTest fills the screen with one colour after the other.
type screenTest struct {
	c  *checksPage
	at int
}

// colours are those in which faults of a screen show.
func (s *screenTest) colours() []ansi.BasicColor {
	if s.c.m.look.colour < colorprofile.ANSI {
		return []ansi.BasicColor{ansi.Black, ansi.BrightWhite} // blank, and in reverse
	}
	return []ansi.BasicColor{ansi.Black, ansi.BrightWhite, ansi.BrightRed, ansi.BrightGreen, ansi.BrightBlue, ansi.BrightBlack}
}

func (s *screenTest) start() tea.Cmd          { return nil }
func (s *screenTest) stop()                   {}
func (s *screenTest) message(tea.Msg) tea.Cmd { return nil }
func (s *screenTest) grabs() bool             { return true }
func (s *screenTest) bare() bool              { return true }
func (s *screenTest) actions() []action       { return nil }

func (s *screenTest) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch {
	case k.String() == "left":
		s.at = max(s.at-1, 0)
	case k.Code == tea.KeyEscape, s.at == len(s.colours())-1:
		s.c.end()
		s.c.ask(s.c.m.say("check.ask.screen", nil))
	default:
		s.at++
	}
	return true, nil
}

func (s *screenTest) body(w, h int) []string {
	m := s.c.m
	blank := strings.Repeat(" ", w)
	style := ansi.Style{}.BackgroundColor(s.colours()[s.at])
	if m.look.colour < colorprofile.ANSI {
		style = ansi.Style{}
		if s.at == 1 {
			style = style.Reverse(true)
		}
	}
	lines := make([]string, h)
	for i := range lines {
		lines[i] = style.Styled(blank)
	}
	if s.at == 0 { // how to go on is said on the first, which is black
		for i, l := range wrap(m.say("check.pixels", map[string]any{"Colours": len(s.colours())}), w-4) {
			if at := h/2 + i; at < h {
				lines[at] = m.look.fill("  "+l, w)
			}
		}
	}
	return lines
}

// pointerTest counts what pointers do.
type pointerTest struct {
	c       *checksPage
	stream  *stream
	err     error
	moves   int
	wheel   int
	buttons map[uint16]int
}

// Codes of pointers in linux/input-event-codes.h.
const (
	buttonLeft, buttonRight, buttonMiddle = 0x110, 0x111, 0x112
	buttonTouch                           = 0x14a
	wheelSideways, wheelUpright           = 6, 8
)

func (p *pointerTest) start() tea.Cmd {
	p.buttons = map[uint16]int{}
	var cmd tea.Cmd
	p.stream, cmd = p.c.m.watchHands()
	return cmd
}

func (p *pointerTest) stop()       { p.stream.cancel() }
func (p *pointerTest) grabs() bool { return false }
func (p *pointerTest) bare() bool  { return false }

func (p *pointerTest) message(msg tea.Msg) tea.Cmd {
	h, ok := msg.(handled)
	if !ok || h.stream != p.stream {
		return nil
	}
	if h.events == nil {
		p.err = h.err
		return nil
	}
	for _, e := range h.events {
		switch {
		case e.Kind == hands.Button && e.Pressed:
			p.buttons[e.Code]++
		case e.Kind == hands.Move && (e.Code == wheelSideways || e.Code == wheelUpright):
			p.wheel++
		case e.Kind == hands.Move:
			p.moves++
		}
	}
	return p.stream.next
}

func (p *pointerTest) key(tea.KeyPressMsg) (bool, tea.Cmd) { return false, nil }

func (p *pointerTest) actions() []action {
	m := p.c.m
	return []action{{key: "enter", label: m.say("check.end", nil), do: func() tea.Cmd {
		p.c.end()
		p.c.ask(m.say("check.ask.pointer", nil), p.c.facts("pointer")...)
		return nil
	}}, {key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd { p.c.end(); return nil }}}
}

func (p *pointerTest) body(w, _ int) []string {
	m := p.c.m
	lines := []string{""}
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, "  "+l)
		}
	}
	if p.err != nil {
		add(m.look.said(notice, m.say("check.no-hands", nil), w-4)...)
		return lines
	}
	add(wrap(m.say("check.pointer", nil), w-4)...)
	lines = append(lines, "")
	for _, each := range []struct {
		key string
		n   int
	}{
		{"check.pointer.moves", p.moves}, {"check.pointer.left", p.buttons[buttonLeft]}, {"check.pointer.right", p.buttons[buttonRight]},
		{"check.pointer.middle", p.buttons[buttonMiddle]}, {"check.pointer.touch", p.buttons[buttonTouch]}, {"check.pointer.wheel", p.wheel},
	} {
		t, sign := quiet, " "
		if each.n > 0 {
			t, sign = good, m.look.sign(good)
		}
		add(m.look.paint(t, m.look.cut(m.look.fill(sign, 2)+" "+m.look.fill(m.say(each.key, nil), 20)+fmt.Sprintf("%7d", min(each.n, 9_999_999)), w-4)))
	}
	return lines
}

// portsTest sees what is plugged in while it lasts.
type portsTest struct {
	c      *checksPage
	before []hands.Plug
	looked bool
	// seen are the ports that something came to, in their order, with what
	// came last.
	seen  []hands.Plug
	err   error
	asked time.Time
}

// plugged is the answer to Plugged.
type plugged struct {
	test  *portsTest
	plugs []hands.Plug
	err   error
}

func (p *portsTest) start() tea.Cmd { return p.look() }
func (p *portsTest) stop()          {}
func (p *portsTest) grabs() bool    { return false }
func (p *portsTest) bare() bool     { return false }

func (p *portsTest) look() tea.Cmd {
	p.asked = p.c.m.setup.Now()
	w := p.c.m.work
	return func() tea.Msg {
		plugs, err := w.Plugged()
		return plugged{p, plugs, err}
	}
}

func (p *portsTest) message(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ticked:
		if p.c.m.setup.Now().Sub(p.asked) >= time.Second {
			return p.look()
		}
	case plugged:
		if msg.test != p {
			return nil
		}
		if p.err = msg.err; msg.err != nil {
			return nil
		}
		for _, plug := range msg.plugs {
			if !p.looked || slices.Contains(p.before, plug) {
				continue
			}
			if i := slices.IndexFunc(p.seen, func(o hands.Plug) bool { return o.Port == plug.Port }); i >= 0 {
				p.seen[i] = plug
			} else {
				p.seen = append(p.seen, plug)
			}
		}
		// What was pulled out counts when it comes back.
		p.before, p.looked = msg.plugs, true
	}
	return nil
}

func (p *portsTest) key(tea.KeyPressMsg) (bool, tea.Cmd) { return false, nil }

func (p *portsTest) actions() []action {
	m := p.c.m
	return []action{{key: "enter", label: m.say("check.end", nil), do: func() tea.Cmd {
		p.c.end()
		p.c.ask(m.count("check.ask.ports", len(p.seen), nil))
		return nil
	}}, {key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd { p.c.end(); return nil }}}
}

func (p *portsTest) body(w, _ int) []string {
	m := p.c.m
	lines := []string{""}
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, "  "+l)
		}
	}
	add(wrap(m.say("check.ports", nil), w-4)...)
	lines = append(lines, "")
	if p.err != nil {
		add(m.look.said(bad, errorText(p.err), w-4)...)
	}
	for i, plug := range p.seen {
		add(m.look.paint(good, m.look.cut(fmt.Sprintf("%s %2d  USB %s  %s", m.look.sign(good), i+1, printable(plug.Port), printable(plug.Name)), w-4)))
	}
	add(m.look.bold(m.count("check.ports-seen", len(p.seen), nil)))
	return lines
}

// toneLength is how long a tone lasts, and as long is the silence after it.
const toneLength = 200 * time.Millisecond

// sounded brings the next tone.
type sounded []int

// sound plays tones one after the other.
func (m *Model) sound(hertz ...int) tea.Cmd {
	if len(hertz) == 0 {
		return nil
	}
	w, rest := m.work, sounded(hertz[1:])
	return tea.Batch(func() tea.Msg {
		if hertz[0] > 0 { // else a pause
			w.Beep(hertz[0], toneLength)
		}
		return nil
	}, m.wait(2*toneLength, func(time.Time) tea.Msg { return rest }))
}
