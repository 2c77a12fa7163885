package tui

import tea "charm.land/bubbletea/v2"

// later stands where a page is still being written.
type later struct {
	blank
	m *Model
}

func newChecks(m *Model) checker { return &later{m: m} }

func newBench(m *Model) page { return &later{m: m} }

func newUnattended(m *Model) page { return &later{m: m} }

func (l *later) findings() []Check { return nil }

func (l *later) left() int { return 0 }

func (l *later) actions() []action {
	return []action{
		{key: "enter", label: l.m.say("action.continue", nil), do: func() tea.Cmd { return l.m.fromChecks(true) }},
		{key: "esc", label: l.m.say("action.back", nil), do: func() tea.Cmd { return l.m.fromChecks(false) }},
		{key: "tab", label: l.m.say("action.drives", nil), do: func() tea.Cmd { return l.m.fromChecks(false) }},
	}
}
