package tui

import (
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// View implements tea.Model.
func (m *Model) View() tea.View {
	if m.frame == "" {
		m.frame = strings.Join(m.draw(), "\n")
	}
	v := tea.NewView(m.frame)
	v.AltScreen = true
	return v
}

// draw gives the lines of the window, at most as many as it has and none wider.
func (m *Model) draw() []string {
	w, h := m.width, m.height
	if w < leastWidth || h < leastHeight {
		return m.tooSmall(w, h)
	}
	p := m.pages[m.at]
	if p.bare() && m.over == nil && !m.helping {
		lines, _ := p.body(w, h)
		return m.crop(lines, w, h)
	}
	head, foot := m.header(w), m.footer(w)
	// Whatever else is there, the page gets a few lines.
	if most := h - 4; len(head)+len(foot) > most {
		foot = foot[:max(most-len(head), 1)]
	}
	room := max(h-len(head)-len(foot), 1)
	var lines []string
	focus := 0
	switch {
	case m.helping:
		lines = m.helpText(w)
	case m.over != nil:
		lines, focus = m.over.body(m, w)
	default:
		lines, focus = p.body(w, room)
	}
	body, above, below := m.window(lines, focus, room)
	foot[0] = m.more(w, above, below)
	for len(body) < room {
		body = append(body, "")
	}
	return m.crop(append(append(head, body...), foot...), w, h)
}

// crop makes sure that nothing leaves the window.
func (m *Model) crop(lines []string, w, h int) []string {
	lines = lines[:min(len(lines), h)]
	for i := range lines {
		if width(lines[i]) > w {
			lines[i] = m.look.cut(lines[i], w)
		}
	}
	return lines
}

func (m *Model) tooSmall(w, h int) []string {
	text := m.say("too-small", map[string]any{"Width": leastWidth, "Height": leastHeight})
	if m.running() {
		text = m.say("too-small-running", nil) + " " + text
	}
	return m.crop(wrap(text, max(w, 1)), max(w, 1), max(h, 1))
}

// window picks the lines around the focus, and says how many there are above
// and below.
func (m *Model) window(lines []string, focus, room int) (body []string, above, below int) {
	if len(lines) <= room {
		m.scroll = 0
		return lines, 0, 0
	}
	top := 0
	if focus >= room {
		top = focus - room + 1
	}
	most := len(lines) - room
	top = min(top, most)
	m.scroll = min(max(m.scroll, -top), most-top)
	top += m.scroll
	return append([]string{}, lines[top:top+room]...), top, most - top
}

// rule is a line across the window.
func (m *Model) rule(w int) string {
	return m.look.paint(quiet, strings.Repeat(m.look.pick("─", "-"), w))
}

// more is the line under the page; it says when there is more of it.
func (m *Model) more(w, above, below int) string {
	if above+below == 0 {
		return m.rule(w)
	}
	var parts []string
	if above > 0 {
		parts = append(parts, m.look.pick("↑", "^")+" "+m.count("more-above", above, nil)+" (PgUp)")
	}
	if below > 0 {
		parts = append(parts, m.look.pick("↓", "v")+" "+m.count("more-below", below, nil)+" (PgDn)")
	}
	s := m.look.cut(" "+strings.Join(parts, "   ")+" ", w)
	return m.look.marked(s) + m.rule(w-width(s))
}

// header says what is in hand, and whatever no page may hide.
func (m *Model) header(w int) []string {
	type part struct {
		text string
		rank int // the lowest is left out last
	}
	now := m.setup.Now()
	clock := now.Format("15:04")
	if now.Location() == time.UTC {
		clock += " UTC" // which is not what a watch says
	}
	left := "OMBRUK"
	parts := []part{}
	add := func(rank int, text string) {
		if text != "" {
			parts = append(parts, part{text, rank})
		}
	}
	if m.machine != nil {
		s := m.machine.System
		add(2, printable(strings.TrimSpace(s.Manufacturer+" "+s.Model)))
		if s.Serial != "" {
			add(3, "S/N "+printable(s.Serial))
		}
	}
	if m.in.AssetTag != "" && m.at != atStart {
		add(1, m.say("header.asset", map[string]any{"Asset": printable(m.in.AssetTag)}))
	}
	if m.at != atStart {
		add(4, printable(m.agencyName(m.in.Agency)))
	}
	room := w - 2 - width(left) - width(clock) - 3
	shown := make([]string, len(parts))
	for rank := 1; rank <= 4; rank++ {
		for i, p := range parts {
			if p.rank != rank || room < 8 {
				continue
			}
			shown[i] = m.look.cut(p.text, room-3)
			room -= width(shown[i]) + 3
		}
	}
	line := " " + m.look.bold(left)
	for _, s := range shown {
		if s != "" {
			line += "   " + s
		}
	}
	line = m.look.fill(line, w-width(clock)-2) + " " + clock + " "
	out := []string{line}
	if m.setup.Simulated {
		for _, s := range wrap(m.say("simulated", nil), w-2) {
			out = append(out, m.look.block(notice, m.look.fill(" "+s, w)))
		}
	}
	if m.keep.Trouble != "" {
		for i, s := range wrap(m.look.sign(bad)+" "+m.say("keep.trouble", map[string]any{"Cause": printable(m.keep.Trouble)}), w-2) {
			if i == max(3, m.height/4) {
				break
			}
			out = append(out, m.look.block(bad, m.look.fill(" "+s, w)))
		}
	}
	return append(out, m.rule(w))
}

// footer is the rule, the note about the last key, and the keys that work now.
func (m *Model) footer(w int) []string {
	out := []string{""}
	if m.note != "" {
		lines := m.look.said(m.noteTone, m.note, w-2)
		for i, s := range lines {
			if i == max(3, m.height/4) {
				break
			}
			out = append(out, " "+s)
		}
	}
	var actions []action
	switch {
	case m.helping:
		actions = []action{{key: "esc", label: m.say("action.back", nil)}}
	case m.over != nil:
		actions = m.over.actions(m)
	default:
		actions = m.actions()
	}
	return append(out, m.keyLines(actions, w)...)
}

// keyLines lays the actions out in as many lines as they need.
func (m *Model) keyLines(actions []action, w int) []string {
	chosen := m.chosenIndex(actions)
	var out []string
	line, used := "", 0
	for i, a := range actions {
		s := a.label
		if name := a.name(m); name != "" {
			s = name + " " + a.label
		}
		s = m.look.cut(s, w-3)
		cell := " " + s + " "
		if i == chosen && m.over == nil && !m.helping && (m.chosen != "" || !m.pages[m.at].typing()) {
			cell = m.look.marked(cell)
		} else if name := a.name(m); name != "" && len(name) < len(s) {
			cell = " " + m.look.bold(name) + s[len(name):] + " "
		}
		if used > 0 && used+width(cell)+1 > w {
			out, line, used = append(out, line), "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+cell, used+width(cell)
	}
	return append(out, line)
}

// helpText is what ? shows.
func (m *Model) helpText(w int) []string {
	var out []string
	for _, key := range []string{m.pages[m.at].help(), "screen.help.keys"} {
		for n := 1; ; n++ {
			paragraph, ok := m.text.Try(key+"."+strconv.Itoa(n), nil)
			if !ok {
				break
			}
			out = append(out, "")
			for _, s := range wrap(paragraph, w-4) {
				out = append(out, "  "+s)
			}
		}
	}
	return out
}

// agencyName is what people call an agency.
func (m *Model) agencyName(orgnr string) string {
	for _, a := range m.setup.Agencies {
		if a.Orgnr == orgnr {
			return a.Name
		}
	}
	return orgnr
}
