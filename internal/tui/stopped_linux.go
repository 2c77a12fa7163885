package tui

import tea "charm.land/bubbletea/v2"

// stopped is where a machine with security-graded information ends: it is not
// touched, and a record says so.
type stopped struct {
	blank
	m    *Model
	busy bool
}

// closed is the answer to Close.
type closed struct {
	generation int
	unit       Unit
	err        error
}

// close makes the unit's record.
func (m *Model) close(results []Result, found Findings) tea.Cmd {
	ctx, w, in, rows, generation := m.ctx, m.work, m.in, m.rows, m.generation
	if in.Graded {
		rows = nil
	}
	return func() tea.Msg {
		u, err := w.Close(ctx, in, rows, results, found)
		return closed{generation, u, err}
	}
}

func (s *stopped) message(msg tea.Msg) tea.Cmd {
	c, ok := msg.(closed)
	if !ok || !s.busy || c.generation != s.m.generation {
		return nil
	}
	s.busy = false
	if c.err != nil {
		s.m.fail(c.err)
		return nil
	}
	s.m.unit = &c.unit
	return nil
}

func (s *stopped) actions() []action {
	m := s.m
	switch {
	case s.busy:
		return nil
	case m.unit != nil:
		return []action{{key: "n", label: m.say("action.next-machine", nil), do: m.next}, m.powerOffAction()}
	}
	return []action{
		{key: "r", label: m.say("action.record", nil), do: func() tea.Cmd {
			s.busy = true
			return m.close(nil, Findings{})
		}},
		{key: "esc", label: m.say("action.not-graded", nil), do: func() tea.Cmd { return m.goTo(atStart) }},
	}
}

func (s *stopped) help() string { return "screen.help.stopped" }

func (s *stopped) body(w, h int) ([]string, int) {
	m := s.m
	lines := []string{""}
	if h >= 16 {
		for _, l := range m.letters(m.say("stopped.word", nil), w-4) {
			lines = append(lines, "  "+m.look.paint(bad, l))
		}
	}
	lines = append(lines, m.look.block(bad, m.look.fill(" "+m.look.sign(bad)+" "+m.say("stopped.word", nil), w)), "")
	for _, l := range m.look.said(bad, m.say("stopped.what", nil), w-4) {
		lines = append(lines, "  "+l)
	}
	lines = append(lines, "")
	for _, l := range wrap(m.say("stopped.do", nil), w-4) {
		lines = append(lines, "  "+l)
	}
	switch {
	case s.busy:
		lines = append(lines, "", "  "+m.say("result.closing", nil))
	case m.unit != nil:
		lines = append(lines, "")
		for _, l := range m.look.said(good, m.say("stopped.recorded", map[string]any{"Number": printable(m.unit.Number)}), w-4) {
			lines = append(lines, "  "+l)
		}
	}
	return lines, 0
}
