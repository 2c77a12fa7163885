package tui

import (
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// codeDigits is how long the code is that confirms.
const codeDigits = 4

// handBurst is how many keys at a scanner's pace are no hand's here, where it
// matters most.
const handBurst = 3

// confirm asks once, for the whole machine. The code stands below the list, so
// that whoever types it has seen the list, and Enter does nothing: neither a
// scanner nor a hand that rests on a key begins an erase.
type confirm struct {
	blank
	m     *Model
	code  string
	typed string
	fast  int // the largest burst among what was typed
	busy  bool
	// at is the first line that is seen, where there are more than fit, and
	// below how many more do not.
	at, below int
	failed    error
}

// began is the answer to Begin.
type began struct {
	generation int
	run        Run
	err        error
}

func (c *confirm) enter() tea.Cmd {
	c.typed, c.fast, c.at, c.failed = "", 0, 0, nil
	c.code = ""
	code, err := drawCode(c.m.setup.Rand)
	if err != nil {
		c.failed = err
		return nil
	}
	c.code = code
	return nil
}

// drawCode draws the digits of a code.
func drawCode(random io.Reader) (string, error) {
	n, err := rand.Int(random, big.NewInt(10_000))
	if err != nil {
		return "", fmt.Errorf("draw a code: %w", err)
	}
	return fmt.Sprintf("%0*d", codeDigits, n), nil
}

func (c *confirm) message(msg tea.Msg) tea.Cmd {
	b, ok := msg.(began)
	if !ok || b.generation != c.m.generation {
		return nil
	}
	c.busy = false
	if b.err != nil {
		c.m.drives = nil
		_ = c.enter()
		c.failed = b.err
		return nil
	}
	c.m.run = b.run
	return c.m.goTo(atProgress)
}

// burst is told how many keys came together with the one that follows.
func (c *confirm) burst(n int) { c.fast = max(c.fast, n) }

func (c *confirm) scanned(string, bool) bool {
	c.typed, c.fast = "", 0
	c.m.warn(c.m.say("confirm.by-hand", nil))
	return true
}

func (c *confirm) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	if c.busy {
		return true, nil
	}
	switch name := k.String(); name {
	case "up":
		c.at = max(c.at-1, 0)
		return true, nil
	case "down":
		c.at = min(c.at+1, c.below)
		return true, nil
	case "backspace":
		c.typed = c.typed[:max(len(c.typed)-1, 0)]
		return true, nil
	case "esc":
		return true, c.m.goTo(atDrives)
	case "enter":
		// With the action that it would run chosen by hand, it goes back.
		return c.m.chosen == "", nil
	}
	if len(k.Text) != 1 || k.Text[0] < '0' || k.Text[0] > '9' || c.code == "" {
		return false, nil
	}
	c.typed += k.Text
	c.at = c.below // what was scrolled with PgDn stays: the code is there
	if len(c.typed) < codeDigits {
		return true, nil
	}
	typed, fast := c.typed, c.fast
	c.typed, c.fast = "", 0
	switch {
	case fast >= handBurst:
		c.m.warn(c.m.say("confirm.by-hand", nil))
	case typed != c.code:
		c.m.warn(c.m.say("confirm.wrong", nil))
	default:
		return true, c.begin()
	}
	return true, nil
}

// begin starts the erase.
func (c *confirm) begin() tea.Cmd {
	m := c.m
	c.busy = true
	m.feed, m.drives = new(feed), map[string]*driveState{}
	rows := m.touched()
	for _, r := range rows {
		m.drives[r.ID] = &driveState{}
	}
	ctx, w, in, f, generation := m.ctx, m.work, m.in, m.feed, m.generation
	return func() tea.Msg {
		run, err := w.Begin(ctx, in, rows, f.emit, f.ended)
		return began{generation, run, err}
	}
}

func (c *confirm) actions() []action {
	if c.busy {
		return nil
	}
	return []action{{key: "esc", label: c.m.say("action.back-nothing-done", nil), do: func() tea.Cmd { return c.m.goTo(atDrives) }}}
}

// typing: the digits go into the code, and Enter runs nothing that was not
// chosen with the arrows before.
func (c *confirm) typing() bool { return true }

func (c *confirm) help() string { return "screen.help.confirm" }

func (c *confirm) body(w, h int) (lines []string, focus int) {
	m := c.m
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, " "+l)
		}
	}
	rows := m.touched()
	var total int64
	for _, r := range rows {
		total += r.Drive.CapacityBytes
		for _, d := range r.Covers {
			if d.Path != r.Drive.Path {
				total += d.CapacityBytes
			}
		}
	}
	if c.failed != nil {
		add(m.look.said(bad, m.say("confirm.not-begun", map[string]any{"Cause": errorText(c.failed)}), w-2)...)
	}
	for _, l := range wrap(m.look.sign(bad)+" "+m.count("confirm.erased", len(rows), map[string]any{"Size": printable(m.text.Bytes(total))}), w-2) {
		lines = append(lines, m.look.block(bad, m.look.fill(" "+l, w)))
	}
	top := len(lines)
	for i, r := range m.rows {
		if !m.erased(r) {
			continue
		}
		add(m.titles(i+1, r.Drive, w-2)...)
		t, s := m.planLine(r)
		if len(rows) <= 4 || t == bad {
			for _, l := range m.look.said(t, s, w-8) {
				lines = append(lines, "      "+l)
			}
		}
		if len(r.Holds) > 0 && len(rows) <= 4 {
			for _, l := range wrap(m.say("drives.lost", map[string]any{"What": printable(strings.Join(r.Holds, ", "))}), w-10) {
				lines = append(lines, "        "+l)
			}
		}
		for _, d := range r.Covers {
			if d.Path != r.Drive.Path {
				lines = append(lines, "        "+m.look.cut(m.say("drives.covers", map[string]any{"Drive": printable(d.Path), "Size": m.size(d)}), w-10))
			}
		}
	}
	if len(rows) < len(m.rows) {
		lines = append(lines, "")
		add(wrap(m.count("confirm.left", len(m.rows)-len(rows), nil), w-2)...)
		for i, r := range m.rows {
			if m.erased(r) {
				continue
			}
			add(m.titles(i+1, r.Drive, w-2)...)
			if !r.Boot && len(m.rows)-len(rows) > 4 {
				continue
			}
			_, s := m.planLine(r)
			if r.Refused != "" && !r.Boot { // the heading says that it is left alone
				s = printable(r.Refused)
			}
			for _, l := range wrap(s, w-8) {
				lines = append(lines, "      "+l)
			}
		}
	}
	lines = append(lines, "")
	switch {
	case c.busy:
		add(m.say("confirm.beginning", nil))
	case c.code != "":
		add(wrap(m.say("confirm.undo", nil), w-2)...)
		boxes := ""
		for i := range codeDigits {
			digit := "_"
			if i < len(c.typed) {
				digit = c.typed[i : i+1]
			}
			boxes += " " + digit
		}
		for _, l := range wrap(m.say("confirm.type", map[string]any{"Code": c.code})+"  ["+strings.ReplaceAll(boxes, " ", "\u00a0")+"\u00a0]", w-2) {
			add(m.look.bold(strings.ReplaceAll(l, "\u00a0", " ")))
		}
	}
	if len(lines) > h && c.code != "" && !c.busy {
		// The code is out of sight, and nothing else says that there is one.
		below := m.look.said(notice, m.say("confirm.code-below", nil), w-2)
		for i := range below {
			below[i] = " " + below[i]
		}
		lines = slices.Insert(lines, top, below...)
	}
	c.below = max(len(lines)-h, 0)
	c.at = min(c.at, c.below)
	return lines, c.at + h - 1
}
