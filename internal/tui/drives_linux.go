package tui

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// drivesPage shows what will become of each drive, and changes it.
type drivesPage struct {
	blank
	m        *Model
	at       int // the row it stands on
	details  bool
	asked    int // counts plans, so that a late one is dropped
	askedFor order
	planning bool
	err      error
}

// order is what a plan is made for.
type order struct {
	in     Intake
	choice Choice
}

// planned is the answer to Plan.
type planned struct {
	generation, asked int
	rows              []Row
	err               error
}

func (p *drivesPage) enter() tea.Cmd {
	p.details = false
	if p.planning && p.askedFor == (order{p.m.in, p.m.choice}) {
		return nil
	}
	if p.m.rows == nil || p.err != nil || p.planning {
		return p.plan()
	}
	return nil
}

// plan asks for the rows anew. Until they come the old ones are shown, and
// nobody can go on with them.
func (p *drivesPage) plan() tea.Cmd {
	p.asked++
	p.planning, p.err, p.askedFor = true, nil, order{p.m.in, p.m.choice}
	ctx, w, in, c, generation, asked := p.m.ctx, p.m.work, p.m.in, p.m.choice, p.m.generation, p.asked
	return func() tea.Msg {
		rows, err := w.Plan(ctx, in, c)
		return planned{generation, asked, rows, err}
	}
}

func (p *drivesPage) message(msg tea.Msg) tea.Cmd {
	a, ok := msg.(planned)
	if !ok || a.generation != p.m.generation || a.asked != p.asked {
		return nil
	}
	if p.askedFor != (order{p.m.in, p.m.choice}) {
		// Made for what is no longer said; coming back asks again.
		p.planning = false
		return nil
	}
	p.planning, p.err = false, a.err
	if a.err != nil {
		p.m.setRows(nil)
		return nil
	}
	if a.rows == nil {
		a.rows = []Row{} // asked, and there is none
	}
	p.m.setRows(a.rows)
	p.at = min(p.at, max(len(a.rows)-1, 0))
	return nil
}

// setRows takes new plans.
func (m *Model) setRows(rows []Row) {
	m.rows, m.touch = rows, nil
	for _, r := range rows {
		if m.erased(r) {
			m.touch = append(m.touch, r)
		}
	}
}

// touched are the rows that will be erased.
func (m *Model) touched() []Row { return m.touch }

func (p *drivesPage) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	n := len(p.m.rows)
	switch k.String() {
	case "up":
		p.at = max(p.at-1, 0)
	case "down":
		p.at = min(p.at+1, max(n-1, 0))
	case "home":
		p.at = 0
	case "end":
		p.at = max(n-1, 0)
	default:
		return false, nil
	}
	return true, nil
}

func (p *drivesPage) actions() []action {
	m := p.m
	back := action{key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd {
		if p.details {
			p.details = false
			return nil
		}
		return m.goTo(atMachine)
	}}
	if p.planning {
		return []action{back}
	}
	again := action{key: "r", label: m.say("action.look-again", nil), do: func() tea.Cmd { m.setRows(nil); return p.plan() }}
	if p.err != nil {
		return []action{again, back}
	}
	var out []action
	switch {
	case p.details:
		return []action{back}
	case len(m.touched()) > 0:
		out = append(out, action{key: "enter", label: m.say("action.continue", nil), do: func() tea.Cmd { return m.goTo(atConfirm) }})
	default:
		out = append(out, action{key: "enter", label: m.say("action.without-drives", nil), do: func() tea.Cmd { return m.goTo(atChecks) }})
	}
	if len(m.rows) > 0 {
		out = append(out, action{key: "d", label: m.say("action.details", nil), do: func() tea.Cmd { p.details = true; return nil }})
	}
	out = append(out,
		action{key: "s", label: m.say("action.standard", nil), do: p.askStandard},
		action{key: "a", label: m.say("action.accept", nil), do: func() tea.Cmd {
			if m.choice.Accept == erase.Clear {
				m.choice.Accept = erase.MethodNone
			} else {
				m.choice.Accept = erase.Clear
			}
			return p.plan()
		}},
		action{key: "b", label: m.say("action.best-effort", nil), do: func() tea.Cmd { m.choice.BestEffort = !m.choice.BestEffort; return p.plan() }},
		action{key: "t", label: m.say("action.thaw", nil), do: func() tea.Cmd { m.choice.Thaw = !m.choice.Thaw; return p.plan() }},
		again, back)
	return out
}

// askStandard lets a standard be chosen.
func (p *drivesPage) askStandard() tea.Cmd {
	m := p.m
	q := &menu{title: m.say("drives.standard-which", nil)}
	for i, s := range m.setup.Standards {
		if s.ID == m.choice.Standard {
			q.at = i
		}
		q.options = append(q.options, option{
			label: m.standardTitle(s.ID), detail: m.method(s.Method),
			do: func() tea.Cmd { m.choice.Standard = s.ID; return p.plan() },
		})
	}
	m.over = q
	return nil
}

func (m *Model) standardTitle(id string) string {
	if s, ok := m.text.Try("standard."+id, nil); ok {
		return s
	}
	return printable(id)
}

// method is the word for a Method that is short enough for a row.
func (m *Model) method(x erase.Method) string { return m.say("method."+x.String(), nil) }

// technique is the word for a technique that is short enough for a row.
func (m *Model) technique(t erase.Technique) string {
	if t == erase.TechniqueNone {
		return m.say("technique.none", nil)
	}
	return m.say("technique."+string(t), nil)
}

func (p *drivesPage) help() string { return "screen.help.drives" }

// bus is a short name of how a drive is connected.
func (m *Model) bus(b inventory.Bus) string {
	if b == inventory.BusATA {
		return "SATA"
	}
	if s, ok := m.text.Try("bus."+string(b), nil); ok {
		return s
	}
	return string(b)
}

// size and serial of a drive as a row shows them.
func (m *Model) size(d inventory.Drive) string { return printable(m.text.Bytes(d.CapacityBytes)) }

func (m *Model) serial(d inventory.Drive) string { return m.serialText(d.Serial) }

func (m *Model) serialText(serial string) string {
	if serial == "" {
		return m.say("drive.no-serial", nil)
	}
	return printable(serial)
}

// narrow is the width below which a drive's title takes two lines.
const narrow = 60

// titles are the first lines of a row; nothing in them is cut that tells one
// drive from another.
func (m *Model) titles(n int, d inventory.Drive, w int) []string {
	if w >= narrow {
		return []string{m.title(n, d, w)}
	}
	lines := indented(fmt.Sprintf("%2d ", n), m.bus(d.Bus)+" "+m.modelOf(d.Model)+", "+m.size(d)+",", w)
	return append(lines, indented("   ", m.serial(d), w)...)
}

func (m *Model) modelOf(model string) string {
	if model = printable(strings.TrimSpace(model)); model == "" {
		return m.say("drive.no-model", nil)
	}
	return model
}

// title is number, bus, model, size and serial in one line.
func (m *Model) title(n int, d inventory.Drive, w int) string {
	no := strconv.Itoa(n)
	model := m.modelOf(d.Model)
	if w < narrow {
		return m.look.cut(fmt.Sprintf("%2s %s  %s  %s", no, m.serial(d), m.size(d), model), w)
	}
	serial := w - 3 - 7 - 10 - 2
	name := min(max(serial*3/5, 20), 44)
	serial -= name + 1
	return fmt.Sprintf("%2s ", no) + m.look.fill(m.bus(d.Bus), 6) + " " + m.look.fill(model, name) + " " + m.look.right(m.size(d), 9) + "  " + m.look.fill(m.serial(d), serial)
}

// plan says in a line what will be done to a drive, and how that compares with
// what was ordered.
func (m *Model) planLine(r Row) (tone, string) {
	switch {
	case r.Boot:
		return quiet, m.say("drives.boot", nil)
	case r.Refused != "" || r.Plan == nil:
		return notice, m.say("drives.left", map[string]any{"Reason": printable(r.Refused)})
	}
	args := map[string]any{
		"Method": m.method(r.Plan.Achieves), "Technique": m.technique(r.Plan.Technique),
		"Requested": m.method(r.Plan.Requested), "Accepted": m.method(r.Plan.Accepted), "By": m.acceptedBy(r.Plan.AcceptedBy),
	}
	switch {
	case r.Plan.Achieves < r.Plan.Accepted:
		return bad, m.say("drives.below", args)
	case r.Plan.Achieves < r.Plan.Requested:
		return notice, m.say("drives.accepted", args)
	case r.Plan.Resumes():
		return notice, m.say("drives.resumes", args)
	}
	return good, m.say("drives.reaches", args)
}

// acceptedBy says who settled for less, in the words of the pages.
func (m *Model) acceptedBy(who string) string {
	kind, name, _ := strings.Cut(who, " ")
	switch kind {
	case "order", "operator", "policy":
		return m.text.Get("accepted."+kind, map[string]any{"Name": printable(name)})
	}
	return printable(who)
}

func (p *drivesPage) body(w, _ int) (lines []string, focus int) {
	m := p.m
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, " "+l)
		}
	}
	if m.rows == nil {
		lines = append(lines, "")
		switch {
		case p.err != nil:
			add(m.look.said(bad, errorText(p.err), w-2)...)
		default:
			add(wrap(m.say("drives.planning", nil), w-2)...)
		}
		return lines, 0
	}
	if p.details && p.at < len(m.rows) {
		return p.detail(m.rows[p.at], w), 0
	}
	add(p.choice(w)...)
	if len(m.touched()) == 0 {
		add(p.nothing(w)...)
	}
	for i, r := range m.rows {
		start := len(lines)
		lines = append(lines, m.chosenLines(i == p.at, m.titles(i+1, r.Drive, w-4))...)
		t, s := m.planLine(r)
		for _, l := range m.look.said(t, s, w-8) {
			lines = append(lines, "       "+l)
		}
		if m.erased(r) {
			for _, c := range r.Covers {
				if c.Path != r.Drive.Path {
					lines = append(lines, "         "+m.look.cut(m.say("drives.covers", map[string]any{"Drive": printable(c.Path), "Size": m.size(c)}), w-10))
				}
			}
			if len(r.Holds) > 0 {
				for _, l := range wrap(m.say("drives.lost", map[string]any{"What": printable(strings.Join(r.Holds, ", "))}), w-10) {
					lines = append(lines, "         "+l)
				}
			}
		}
		for _, way := range r.Ways {
			if r.Refused == "" {
				break
			}
			for _, l := range indented(m.say("drives.way", nil)+" ", printable(way), w-10) {
				lines = append(lines, "         "+l)
			}
		}
		if i == p.at {
			// The last line of the row, or its first where it has more than fit.
			focus = max(len(lines)-1, start)
		}
	}
	return lines, focus
}

// chosenLines marks lines as the chosen ones or indents them as the others.
func (m *Model) chosenLines(chosen bool, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		switch {
		case !chosen:
			out[i] = "  " + l
		case i == 0:
			out[i] = m.look.pick("►", ">") + " " + m.look.marked(l)
		default:
			out[i] = "  " + m.look.marked(l)
		}
	}
	return out
}

// erased reports whether a row will be erased.
func (m *Model) erased(r Row) bool { return r.Plan != nil && r.Refused == "" && !r.Boot }

// choice says what the plans are made for.
func (p *drivesPage) choice(w int) []string {
	m := p.m
	parts := []string{m.say("drives.standard", map[string]any{"Standard": m.standardTitle(m.choice.Standard)})}
	if m.choice.Accept == erase.Clear {
		parts = append(parts, m.say("drives.accept-on", nil))
	}
	if m.choice.BestEffort {
		parts = append(parts, m.say("drives.best-effort-on", nil))
	}
	if m.choice.Thaw {
		parts = append(parts, m.say("drives.thaw-on", nil))
	}
	if p.planning {
		parts = append(parts, m.say("drives.planning", nil))
	}
	return wrap(strings.Join(parts, "; "), w-2)
}

// nothing says that there is no drive to erase, and why.
func (p *drivesPage) nothing(w int) []string {
	m := p.m
	key := "drives.none"
	for _, r := range m.rows {
		if r.Boot {
			key = "drives.only-stick"
		}
	}
	for _, r := range m.rows {
		if !r.Boot {
			key = "drives.all-left"
		}
	}
	out := m.look.said(notice, m.say(key, nil), w-2)
	if m.machine != nil && key != "drives.all-left" {
		for _, odd := range m.machine.Odd {
			out = append(out, indented("  ", printable(odd), w-2)...)
		}
	}
	return append(out, "")
}

// detail is everything about one row.
func (p *drivesPage) detail(r Row, w int) (lines []string) {
	m := p.m
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, "  "+l)
		}
	}
	for _, l := range m.titles(p.at+1, r.Drive, w-2) {
		lines = append(lines, " "+m.look.bold(l))
	}
	lines = append(lines, "")
	t, s := m.planLine(r)
	add(m.look.said(t, s, w-4)...)
	d := r.Drive
	for _, f := range [][2]string{
		{"field.path", d.Path}, {"field.firmware", d.Firmware}, {"field.wwn", d.WWN}, {"field.capacity", m.text.Bytes(d.CapacityBytes)},
	} {
		if f[1] != "" {
			add(indented(m.text.Get(f[0], nil)+": ", printable(f[1]), w-4)...)
		}
	}
	for _, h := range r.Holds {
		add(wrap(m.say("drives.lost", map[string]any{"What": printable(h)}), w-4)...)
	}
	section := func(key, lead string, items []string) {
		if len(items) == 0 {
			return
		}
		lines = append(lines, "")
		add(m.look.bold(m.say(key, nil)))
		for _, s := range items {
			add(indented(lead, printable(s), w-4)...)
		}
	}
	section("drives.ways", "- ", r.Ways)
	if r.Plan != nil {
		section("drives.steps", "", r.Plan.Outline())
		section("drives.why", "- ", r.Plan.Why)
		var others []string
		for _, f := range r.Plan.Fallbacks {
			others = append(others, fmt.Sprintf("%s, %s (%s): %s", m.method(f.Method), m.technique(f.Technique), m.standardTitle(f.Standard), f.Why))
		}
		section("drives.others", "- ", others)
	}
	return lines
}
