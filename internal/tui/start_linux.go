package tui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ombruk/ombruk/inventory/grade"
)

// field is a line of text that can be typed or scanned.
type field struct {
	label string // key
	value string
	// most is how many columns the text may have; what is longer is refused
	// whole, since half an asset tag is another asset tag.
	most int
}

// fieldMost is how long a tag, a name or a number can be.
const fieldMost = 64

// set takes a whole text, and says whether it did.
func (f *field) set(m *Model, s string) bool {
	if s = strings.TrimSpace(s); s != printable(s) {
		m.warn(m.say("field.unprintable", map[string]any{"Text": m.look.cut(printable(s), fieldMost)}))
		return false
	}
	if n := width(s); n > f.most {
		m.warn(m.say("field.too-long", map[string]any{"Length": n, "Most": f.most}))
		return false
	}
	f.value = s
	return true
}

// key takes a key that belongs to a text, and says whether it did.
func (f *field) key(m *Model, k tea.KeyPressMsg) bool {
	switch k.String() {
	case "backspace":
		if r := []rune(f.value); len(r) > 0 {
			f.value = string(r[:len(r)-1])
		}
		return true
	case "ctrl+u", "delete":
		f.value = ""
		return true
	}
	if k.Text == "" || k.Text != printable(k.Text) {
		return false
	}
	if width(f.value+k.Text) > f.most {
		m.warn(m.say("field.full", map[string]any{"Most": f.most}))
		return true
	}
	f.value += k.Text
	return true
}

// clockFormat is how date and time are typed.
const clockFormat = "2006-01-02 15:04"

// The fields of the start screen, from the top. The clock is only asked for
// when it is wrong.
const (
	fieldClock = iota
	fieldAsset
	fieldAgency
	fieldOrder
	fieldOperator
	fieldGraded
	fieldGo
)

// start asks what a technician knows of the machine.
type start struct {
	blank
	m      *Model
	at     int
	fields [fieldOperator + 1]field
	// graded is the answer to the question that has no default.
	graded *bool
	// status is what the machine comes in as. It has a key and no field: hardly
	// any differs from what was said before.
	status grade.Status
	busy   bool
}

func newStart(m *Model) *start {
	s := &start{m: m, at: fieldAsset, status: m.in.Status}
	s.fields = [...]field{
		fieldClock:    {label: "start.clock", most: len(clockFormat)},
		fieldAsset:    {label: "start.asset", value: m.in.AssetTag, most: fieldMost},
		fieldAgency:   {label: "start.agency", value: m.in.Agency, most: fieldMost},
		fieldOrder:    {label: "start.order", value: m.in.Order, most: fieldMost},
		fieldOperator: {label: "start.operator", value: m.in.Operator, most: fieldMost},
	}
	if m.setup.ClockWrong {
		s.at = fieldClock
		s.fields[fieldClock].value = m.setup.Now().Format(clockFormat)
	}
	return s
}

// clockSet is the answer to SetClock.
type clockSet struct{ err error }

func (s *start) message(msg tea.Msg) tea.Cmd {
	if msg, ok := msg.(clockSet); ok && s.busy {
		s.busy = false
		if msg.err != nil {
			s.at = fieldClock
			s.m.fail(msg.err)
			return nil
		}
		s.m.setup.ClockWrong = false
		return s.forward()
	}
	return nil
}

func (s *start) typing() bool { return s.at <= fieldOperator }

// first is the first field that is asked for.
func (s *start) first() int {
	if s.m.setup.ClockWrong {
		return fieldClock
	}
	return fieldAsset
}

func (s *start) move(by int) { s.at = min(max(s.at+by, s.first()), fieldGo) }

func (s *start) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "up", "shift+tab":
		s.move(-1)
		return true, nil
	case "down", "tab":
		s.move(1)
		return true, nil
	case "enter":
		switch {
		case s.at == fieldGo:
			return false, nil
		case s.at == fieldAgency && len(s.m.setup.Agencies) > 0 && s.fields[fieldAgency].value == "":
			s.askAgency("")
		case s.at == fieldGraded && s.graded == nil:
			s.m.warn(s.m.say("start.graded-answer", nil))
		default:
			s.move(1)
		}
		return true, nil
	}
	switch {
	case s.typing() && (k.String() == "left" || k.String() == "right"):
		// In a field Enter goes to the next one, so no action is chosen.
		return true, nil
	case s.at == fieldGraded:
		return s.gradedKey(k), nil
	case s.at == fieldAgency && len(s.m.setup.Agencies) > 0:
		return s.agencyKey(k), nil
	case s.at < fieldGraded:
		return s.fields[s.at].key(s.m, k), nil
	}
	return false, nil
}

func (s *start) gradedKey(k tea.KeyPressMsg) bool {
	no, yes := false, true
	switch name := strings.ToLower(k.String()); name {
	case s.m.say("key.no", nil):
		s.graded = &no
	case s.m.say("key.yes", nil):
		s.graded = &yes
	case "space", " ", "left", "right":
		if s.graded == nil {
			s.graded = &no
		} else {
			other := !*s.graded
			s.graded = &other
		}
	default:
		return false
	}
	return true
}

func (s *start) agencyKey(k tea.KeyPressMsg) bool {
	switch name := k.String(); {
	case name == "backspace" || name == "delete" || name == "ctrl+u":
		s.fields[fieldAgency].value = ""
	case k.Text != "" && k.Text == printable(k.Text):
		s.askAgency(strings.TrimSpace(k.Text))
	default:
		return false
	}
	return true
}

// askAgency lets an agency of the contract be found by typing.
func (s *start) askAgency(filter string) {
	m := s.m
	q := &menu{title: m.say("start.agency-which", nil), filtered: true, filter: filter}
	take := func(orgnr string) func() tea.Cmd {
		return func() tea.Cmd {
			s.fields[fieldAgency].value = orgnr
			s.move(1)
			return nil
		}
	}
	for _, a := range m.setup.Agencies {
		q.options = append(q.options, option{label: printable(a.Name), detail: printable(a.Orgnr), do: take(a.Orgnr)})
	}
	q.typed = func(filter string) (option, bool) {
		number := strings.ReplaceAll(filter, " ", "")
		return option{label: m.say("start.agency-number", map[string]any{"Number": number}), do: take(number)}, len(number) == 9 && strings.Trim(number, "0123456789") == ""
	}
	m.over = q
}

// scanned fills the field it stands on and goes to the next.
func (s *start) scanned(text string, ended bool) bool {
	m := s.m
	if s.at > fieldOperator {
		return false
	}
	if text != "" {
		if s.at == fieldAgency && len(m.setup.Agencies) > 0 {
			orgnr := s.findAgency(text)
			if orgnr == "" {
				m.warn(m.say("start.agency-unknown", map[string]any{"Text": m.look.cut(printable(text), fieldMost)}))
				return true
			}
			text = orgnr
		}
		if !s.fields[s.at].set(m, text) {
			return true
		}
	}
	if ended {
		s.move(1)
	}
	return true
}

// findAgency knows an agency by its number or its whole name.
func (s *start) findAgency(text string) string {
	number := strings.ReplaceAll(text, " ", "")
	for _, a := range s.m.setup.Agencies {
		if a.Orgnr == number || strings.EqualFold(a.Name, text) {
			return a.Orgnr
		}
	}
	if len(number) == 9 && strings.Trim(number, "0123456789") == "" {
		return number
	}
	return ""
}

func (s *start) actions() []action {
	m := s.m
	out := []action{}
	if s.at == fieldGo {
		out = append(out, action{key: "enter", label: m.say("action.continue", nil), do: s.forward})
	} else {
		out = append(out, action{key: "enter", label: m.say("action.next-field", nil), do: func() tea.Cmd { s.move(1); return nil }})
	}
	out = append(out,
		action{key: "f4", label: m.say("start.status-change", nil), do: s.otherStatus},
		action{key: "f2", label: m.say("action.language", nil), do: m.otherLanguage},
		action{key: "f10", label: m.say(m.leaveKey(), nil), do: m.askLeave})
	return out
}

// statuses are what a machine can come in as, in the order of the key.
var statuses = []grade.Status{"", grade.Product, grade.Waste}

func (s *start) otherStatus() tea.Cmd {
	s.status = statuses[(slices.Index(statuses, s.status)+1)%len(statuses)]
	return nil
}

// statusWord is what is shown of a status.
func (m *Model) statusWord(s grade.Status) string {
	if s == "" {
		return m.say("start.status.none", nil)
	}
	return m.say("start.status."+string(s), nil)
}

// forward goes on when everything that must be said has been.
func (s *start) forward() tea.Cmd {
	m := s.m
	if s.busy {
		return nil
	}
	if m.setup.ClockWrong {
		at, err := time.ParseInLocation(clockFormat, s.fields[fieldClock].value, m.setup.Now().Location())
		if err != nil || at.Year() < 2020 || at.Year() > 2100 {
			s.at = fieldClock
			m.warn(m.say("start.clock-bad", map[string]any{"Text": s.fields[fieldClock].value, "Example": "2026-11-22 14:02"}))
			return nil
		}
		s.busy = true
		w := m.work
		return func() tea.Msg { return clockSet{w.SetClock(at)} }
	}
	if s.graded == nil {
		s.at = fieldGraded
		m.warn(m.say("start.graded-answer", nil))
		return nil
	}
	in := Intake{
		AssetTag: s.fields[fieldAsset].value, Agency: strings.ReplaceAll(s.fields[fieldAgency].value, " ", ""),
		Order: s.fields[fieldOrder].value, Operator: s.fields[fieldOperator].value, Graded: *s.graded, Status: s.status,
	}
	if err := m.work.CheckIntake(in); err != nil {
		if in.Agency != "" && m.agencyName(in.Agency) == in.Agency && len(m.setup.Agencies) > 0 {
			s.at = fieldAgency
			m.warn(m.say("start.agency-number-unknown", map[string]any{"Number": printable(in.Agency)}))
			return nil
		}
		m.fail(err)
		return nil
	}
	if in != m.in {
		m.in = in
		m.setRows(nil)
	}
	if in.Graded {
		return m.goTo(atStopped)
	}
	return m.goTo(atMachine)
}

func (s *start) help() string { return "screen.help.start" }

func (s *start) body(w, h int) (lines []string, focus int) {
	m := s.m
	add := func(l ...string) { lines = append(lines, l...) }
	for _, warning := range m.setup.Warnings {
		for _, l := range m.look.said(notice, printable(warning), w-2) {
			add(" " + l)
		}
	}
	if m.setup.ClockWrong {
		for _, l := range m.look.said(notice, m.say("start.clock-wrong", nil), w-2) {
			add(" " + l)
		}
	}
	if h >= 18 || len(lines) > 0 {
		add("")
	}
	labels := 0
	for f := s.first(); f <= fieldOperator; f++ {
		labels = max(labels, width(m.say(s.fields[f].label, s.zone())))
	}
	labels = max(labels, width(m.say("start.status", nil)))
	for f := s.first(); f <= fieldGo; f++ {
		lead := "   "
		if f == s.at {
			focus = len(lines) + 1
			lead = " " + m.look.pick("►", ">") + " "
		}
		switch f {
		case fieldGraded:
			for _, l := range indented("   "+m.look.fill(m.say("start.status", nil), labels)+"   ", m.statusWord(s.status), w-2) {
				add(l)
			}
			add("")
			for _, l := range indented(lead, m.say("start.graded", nil), w-2) {
				add(l)
			}
			add("   " + s.choice(false, "start.no") + "  " + s.choice(true, "start.yes"))
			if f == s.at {
				focus = len(lines) - 1
			}
			add("")
		case fieldGo:
			button := " " + m.say("action.continue", nil) + " "
			if f == s.at {
				button = m.look.marked(button)
			}
			add(lead + "[" + button + "]")
		default:
			label := m.say(s.fields[f].label, s.zone())
			value := printable(s.fields[f].value)
			if f == fieldAgency && value != "" {
				if name := m.agencyName(value); name != value {
					value = printable(name) + " (" + value + ")"
				}
			}
			room := w - 3 - labels - 4
			underneath := room < 16
			if underneath {
				room = w - 8
			}
			shown := value
			if width(shown) > room-1 {
				// The end is what is being typed.
				shown = m.look.pick("…", "~") + string([]rune(shown)[max(len([]rune(shown))-room+2, 0):])
			}
			if f == s.at {
				shown = shown + m.look.marked(" ")
			}
			box := "[" + m.look.fill(shown, min(room, 44)) + "]"
			if width(shown) > 44 && room > 44 {
				box = "[" + m.look.fill(shown, room) + "]"
			}
			if underneath {
				add(lead+label, "     "+box)
			} else {
				add(lead + m.look.fill(label, labels) + "  " + box)
			}
		}
	}
	add("")
	add(s.keep(w)...)
	return lines, focus
}

func (s *start) zone() map[string]any {
	return map[string]any{"Zone": s.m.setup.Now().Format("MST")}
}

func (s *start) choice(yes bool, key string) string {
	m := s.m
	mark := "( ) "
	if s.graded != nil && *s.graded == yes {
		mark = m.look.pick("(•) ", "(*) ")
	}
	text := mark + m.say(key, nil)
	if s.at == fieldGraded && s.graded != nil && *s.graded == yes {
		return m.look.marked(text)
	}
	return text
}

// keep says what is on the stick.
func (s *start) keep(w int) []string {
	m, k := s.m, s.m.keep
	var parts []string
	if k.Records > 0 || k.NotHanded > 0 {
		parts = append(parts, m.count("keep.records", k.Records, nil), m.count("keep.not-handed", k.NotHanded, nil))
	} else {
		parts = append(parts, m.say("keep.empty", nil))
	}
	if k.Second {
		parts = append(parts, m.say("keep.second", nil))
	}
	if k.FreeBytes > 0 {
		parts = append(parts, m.say("keep.free", map[string]any{"Size": printable(m.text.Bytes(k.FreeBytes))}))
	}
	var out []string
	for _, l := range wrap(strings.Join(parts, "; "), w-4) {
		out = append(out, "   "+m.look.paint(quiet, l))
	}
	return out
}
