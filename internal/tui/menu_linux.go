package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// menu is a question or a list that lies over a page until it is answered.
// Enter takes the option it stands on, Esc goes back; a scanner can do neither.
type menu struct {
	title   string
	text    []string // paragraphs under the title
	tone    tone
	options []option
	at      int
	// filtered lets text be typed that narrows the options.
	filtered bool
	filter   string
	// typed offers an option for what was typed itself; nil when it does not.
	typed func(filter string) (option, bool)
}

// option is one answer. Without do it only goes back.
type option struct {
	label  string
	detail string // beside the label, where there is room
	do     func() tea.Cmd
}

// shown are the options that the filter leaves.
func (q *menu) shown() []option {
	if q.filter == "" {
		return q.options
	}
	var out []option
	for _, o := range q.options {
		if strings.Contains(strings.ToLower(o.label+" "+o.detail), strings.ToLower(q.filter)) {
			out = append(out, o)
		}
	}
	if q.typed != nil {
		if o, ok := q.typed(q.filter); ok {
			out = append(out, o)
		}
	}
	return out
}

func (q *menu) key(m *Model, k tea.KeyPressMsg) tea.Cmd {
	shown := q.shown()
	switch k.String() {
	case "esc":
		m.over = nil
	case "up":
		q.at = max(q.at-1, 0)
	case "down":
		q.at = min(q.at+1, max(len(shown)-1, 0))
	case "home":
		q.at = 0
	case "end":
		q.at = max(len(shown)-1, 0)
	case "enter":
		if q.at >= len(shown) {
			return nil
		}
		m.over = nil
		if do := shown[q.at].do; do != nil {
			return do()
		}
	case "backspace":
		if r := []rune(q.filter); len(r) > 0 {
			q.filter, q.at = string(r[:len(r)-1]), 0
		}
	default:
		if q.filtered && k.Text != "" && len(q.filter) < 64 {
			q.filter, q.at = q.filter+printable(k.Text), 0
		}
	}
	return nil
}

// scanned fills the filter, and chooses nothing.
func (q *menu) scanned(text string) bool {
	if !q.filtered || len(text) > 64 {
		return false
	}
	q.filter, q.at = printable(text), 0
	return true
}

func (q *menu) actions(m *Model) []action {
	return []action{
		{key: "enter", label: m.say("action.choose", nil)},
		{key: "esc", label: m.say("action.back", nil)},
	}
}

func (q *menu) body(m *Model, w int) (lines []string, focus int) {
	lines = []string{""}
	for _, s := range wrap(q.title, w-4) {
		lines = append(lines, "  "+m.look.bold(s))
	}
	for _, paragraph := range q.text {
		for _, s := range m.look.said(q.tone, paragraph, w-4) {
			lines = append(lines, "  "+s)
		}
	}
	lines = append(lines, "")
	if q.filtered {
		lines = append(lines, "  "+m.look.fill(m.say("filter", map[string]any{"Text": q.filter})+m.look.marked(" "), w-4), "")
	}
	shown := q.shown()
	if len(shown) == 0 {
		lines = append(lines, "  "+m.say("filter-none", nil))
	}
	for i, o := range shown {
		lead := "    "
		if i == q.at {
			lead = "  " + m.look.pick("►", ">") + " "
			focus = len(lines)
		}
		s := o.label
		if o.detail != "" {
			s += "  " + o.detail
		}
		for n, s := range indented("", s, w-6) {
			if i == q.at {
				s = m.look.marked(" " + s + " ")
			} else {
				s = " " + s
			}
			if n > 0 {
				lead = "    "
			}
			lines = append(lines, lead+s)
		}
	}
	return lines, min(focus+1, len(lines)-1)
}
