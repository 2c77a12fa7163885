package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/ombruk/ombruk/inventory/grade"
)

// noteMost is how long a note may be, in characters.
const noteMost = 80

// checksPage lists what can be checked of the machine, while the drives are at
// work or instead. A test of a part takes its place until it is over.
type checksPage struct {
	m    *Model
	list []Check
	at   int
	test partTest // nil on the list
	// typed is the note being typed about list[at]; nil when none is.
	typed *string
	seen  bool // what the machine lacks has been filled in
	// swollen means that somebody found the battery dangerous.
	swollen bool
}

// partTest is a test of one part.
type partTest interface {
	start() tea.Cmd
	// stop is called when it is over, however it ended.
	stop()
	message(msg tea.Msg) tea.Cmd
	key(k tea.KeyPressMsg) (taken bool, cmd tea.Cmd)
	actions() []action
	// grabs and bare are those of [page].
	grabs() bool
	bare() bool
	body(w, h int) []string
}

func newChecks(m *Model) checker {
	c := &checksPage{m: m}
	for _, part := range []string{"keyboard", "screen", "pointer", "speakers", "camera", "ports", "battery", "wifi", "cosmetic", "damage"} {
		c.list = append(c.list, Check{Part: part})
	}
	return c
}

// portable are the classes of machine that have camera, battery and Wi-Fi of
// their own: what is not seen of these is missing, not absent.
func portable(class string) bool {
	return slices.Contains([]string{"laptop", "convertible", "tablet"}, class)
}

// lacks skips what the machine plainly has none of.
func (c *checksPage) lacks() {
	machine := c.m.machine
	if c.seen || machine == nil {
		return
	}
	c.seen = true
	if portable(machine.System.Class) || machine.System.Class == "all-in-one" || machine.System.Class == "other" || machine.System.Class == "" {
		return
	}
	for i := range c.list {
		p := &c.list[i]
		if slices.Contains([]string{"camera", "battery", "wifi"}, p.Part) && len(c.facts(p.Part)) == 0 && p.Verdict == "" {
			p.Verdict, p.Note = VerdictSkip, c.m.say("check.none-seen", nil)
		}
	}
}

func (c *checksPage) findings() []Check {
	return slices.DeleteFunc(c.all(), func(p Check) bool { return p.Verdict == "" })
}

func (c *checksPage) all() []Check {
	all := slices.Clone(c.list)
	if c.swollen {
		all = append(all, Check{Part: grade.PartBatterySafety, Verdict: VerdictFail})
	}
	return all
}

func (c *checksPage) left() (n int) {
	for _, p := range c.list {
		if p.Verdict == "" {
			n++
		}
	}
	return n
}

func (c *checksPage) enter() tea.Cmd {
	c.end()
	c.typed = nil
	return nil
}

// end ends a test.
func (c *checksPage) end() {
	if c.test != nil {
		c.test.stop()
		c.test = nil
	}
}

func (c *checksPage) message(msg tea.Msg) tea.Cmd {
	c.lacks()
	if rest, ok := msg.(sounded); ok {
		return c.m.sound(rest...)
	}
	if c.test != nil {
		if c.m.at != atChecks {
			c.end() // somebody went elsewhere
			return nil
		}
		return c.test.message(msg)
	}
	return nil
}

func (c *checksPage) grabs() bool  { return c.test != nil && c.test.grabs() }
func (c *checksPage) bare() bool   { return c.test != nil && c.test.bare() }
func (c *checksPage) typing() bool { return c.typed != nil }
func (c *checksPage) help() string { return "screen.help.checks" }

func (c *checksPage) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch {
	case c.typed != nil:
		return true, c.typeNote(k)
	case c.test != nil:
		return c.test.key(k)
	}
	switch k.String() {
	case "up":
		c.at = max(c.at-1, 0)
	case "down":
		c.at = min(c.at+1, len(c.list)-1)
	case "home":
		c.at = 0
	case "end":
		c.at = len(c.list) - 1
	default:
		return false, nil
	}
	return true, nil
}

// typeNote edits the note.
func (c *checksPage) typeNote(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter", "tab":
		c.list[c.at].Note = strings.TrimSpace(*c.typed)
		c.typed = nil
		c.forward()
	case "esc":
		c.typed = nil
		c.forward()
	case "backspace":
		if _, n := utf8.DecodeLastRuneInString(*c.typed); n > 0 {
			*c.typed = (*c.typed)[:len(*c.typed)-n]
		}
	default:
		c.addToNote(printable(k.Text))
	}
	return nil
}

func (c *checksPage) addToNote(s string) {
	if utf8.RuneCountInString(*c.typed+s) > noteMost {
		c.m.warn(c.m.say("field.full", map[string]any{"Most": noteMost}))
		return
	}
	*c.typed += s
}

// scanned takes a scan into the note, and nowhere else.
func (c *checksPage) scanned(text string, _ bool) bool {
	if c.typed == nil {
		return false
	}
	c.addToNote(printable(text))
	return true
}

// decide gives the part it stands on a verdict. What is faulty is worth a note.
func (c *checksPage) decide(v Verdict) tea.Cmd {
	c.end()
	p := &c.list[c.at]
	if p.Verdict != v {
		p.Note = ""
	}
	p.Verdict, p.Grade = v, ""
	if p.Part == "battery" && v != VerdictFail {
		c.swollen = false
	}
	if v == VerdictFail {
		return c.askNote()
	}
	c.forward()
	return nil
}

// cosmetic is the check that comes to a grade.
func (c *checksPage) cosmetic() *Check {
	return &c.list[slices.IndexFunc(c.list, func(p Check) bool { return p.Part == "cosmetic" })]
}

func (c *checksPage) looked() bool { return c.cosmetic().Verdict != "" }

// looks is decide for the cosmetic check.
func (c *checksPage) looks(then func() tea.Cmd) (answers []option) {
	for _, g := range []string{"A", "B", "C", "D"} {
		answers = append(answers, option{label: g, detail: c.m.say("check.grade."+g, nil), do: func() tea.Cmd {
			p := c.cosmetic()
			p.Verdict, p.Grade = VerdictPass, g
			c.forward()
			return then()
		}})
	}
	return answers
}

func (c *checksPage) askNote() tea.Cmd {
	note := c.list[c.at].Note
	c.typed = &note
	return nil
}

// forward goes to the next part that is not done, if there is one.
func (c *checksPage) forward() {
	for i := 1; i < len(c.list); i++ {
		if n := (c.at + i) % len(c.list); c.list[n].Verdict == "" {
			c.at = n
			return
		}
	}
}

func (c *checksPage) actions() []action {
	m := c.m
	if c.typed != nil {
		return []action{
			{key: "enter", label: m.say("check.keep-note", nil), do: func() tea.Cmd { return c.typeNote(tea.KeyPressMsg{Code: tea.KeyEnter}) }},
			{key: "esc", label: m.say("check.no-note", nil)},
		}
	}
	if c.test != nil {
		return c.test.actions()
	}
	p := c.list[c.at]
	decide := func(key string, v Verdict) action {
		return action{key: m.say("check.key."+string(v), nil), label: m.say("check.do."+string(v), nil), do: func() tea.Cmd { return c.decide(v) }}
	}
	out := []action{{key: "enter", label: m.say("check.begin", nil), do: c.begin}}
	if c.left() == 0 {
		out = slices.Insert(out, 0, action{key: "g", label: m.say("action.continue", nil), do: func() tea.Cmd { return m.fromChecks(true) }})
	}
	if p.Part != "cosmetic" {
		out = append(out, decide("p", VerdictPass), decide("f", VerdictFail))
	}
	out = append(out, decide("s", VerdictSkip), action{key: m.say("check.key.note", nil), label: m.say("check.note", nil), do: c.askNote})
	if c.left() > 0 && m.drives == nil {
		out = append(out, action{key: "g", label: m.say("check.without-rest", nil), do: func() tea.Cmd { return m.fromChecks(true) }})
	}
	out = append(out, m.remains().link()...)
	if m.drives != nil {
		return append(out, action{key: "tab", label: m.say("action.drives", nil), do: func() tea.Cmd { return m.fromChecks(false) }})
	}
	return append(out, action{key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd { return m.fromChecks(false) }})
}

// begin tests the part it stands on, or asks about it.
func (c *checksPage) begin() tea.Cmd {
	m, part := c.m, c.list[c.at].Part
	switch part {
	case "keyboard":
		c.test = newKeyTest(c)
	case "screen":
		c.test = &screenTest{c: c}
	case "pointer":
		c.test = &pointerTest{c: c}
	case "ports":
		c.test = &portsTest{c: c}
	case "speakers":
		return c.playTones()
	case "cosmetic":
		m.over = &menu{title: m.say("check.cosmetic-which", nil), options: c.looks(func() tea.Cmd { return nil })}
		return nil
	case "battery":
		c.ask(m.say("check.ask.battery", nil), c.facts(part)...)
		m.over.options = slices.Insert(m.over.options, 2, option{label: m.say("check.swollen", nil), do: func() tea.Cmd {
			c.swollen = true
			return c.decide(VerdictFail)
		}})
		return nil
	default:
		c.ask(m.say("check.ask."+part, nil), c.facts(part)...)
		return nil
	}
	return c.test.start()
}

// verdicts in the order in which they are offered.
var verdicts = []Verdict{VerdictPass, VerdictFail, VerdictSkip}

// ask asks what came of a test.
func (c *checksPage) ask(question string, facts ...string) {
	m := c.m
	q := &menu{title: question, text: facts}
	for _, v := range verdicts {
		q.options = append(q.options, option{label: m.say("check.answer."+string(v), nil), do: func() tea.Cmd { return c.decide(v) }})
	}
	m.over = q
}

// facts are what was found of a part.
func (c *checksPage) facts(part string) []string {
	m := c.m
	if m.machine == nil {
		return nil
	}
	p := m.machine.Parts
	var names []string
	switch part {
	case "keyboard":
		names = p.Keyboards
	case "pointer":
		names = p.Pointers
	case "speakers":
		names = p.Sound
	case "camera":
		names = p.Cameras
	case "wifi":
		names = p.WiFi
	case "battery":
		for _, b := range p.Batteries {
			var what []string
			if b.HealthPercent > 0 {
				what = append(what, m.say("check.health", map[string]any{"Percent": b.HealthPercent}))
			}
			if b.ChargePercent > 0 {
				what = append(what, m.say("check.charge", map[string]any{"Percent": b.ChargePercent}))
			}
			if b.Cycles > 0 {
				what = append(what, m.count("check.cycles", b.Cycles, nil))
			}
			if b.Status != "" {
				what = append(what, b.Status)
			}
			names = append(names, strings.TrimSpace(b.Name+" "+b.Manufacturer+" "+b.Model)+": "+strings.Join(what, ", "))
		}
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = printable(n)
	}
	return out
}

func (c *checksPage) playTones() tea.Cmd {
	m := c.m
	c.ask(m.say("check.ask.speakers", nil), c.facts("speakers")...)
	q := m.over
	q.options = slices.Insert(q.options, 2, option{label: m.say("check.again", nil), do: c.playTones})
	return m.sound(440, 660, 880)
}

// verdict is what a list says of a check.
func (m *Model) verdict(p Check) (tone, string) {
	switch {
	case p.Verdict == VerdictPass && p.Grade != "":
		return good, m.text.Get("check.graded", map[string]any{"Grade": p.Grade})
	case p.Verdict == VerdictPass:
		return good, m.text.Get("check.pass", nil)
	case p.Verdict == VerdictFail:
		return bad, m.text.Get("check.fail", nil)
	case p.Verdict == VerdictSkip:
		return again, m.text.Get("check.skip", nil)
	}
	return quiet, m.say("check.not-done", nil)
}

func (c *checksPage) body(w, h int) (lines []string, focus int) {
	m := c.m
	if c.test != nil {
		return c.test.body(w, h), 0
	}
	left := m.say("check.all-done", nil)
	if n := c.left(); n > 0 {
		left = m.count("check.left", n, nil)
	}
	lines = append(lines, " "+m.look.bold(m.look.cut(left, w-2)))
	if s := m.atWork(); s != "" {
		lines = append(lines, " "+m.look.cut(s, w-2))
	}
	lines = append(lines, "")
	name := 0
	for _, p := range c.list {
		name = max(name, width(m.text.Get("part."+p.Part, nil)))
	}
	for i, p := range c.list {
		t, s := m.verdict(p)
		sign := m.look.sign(t)
		if t == quiet {
			sign = " "
		}
		row := m.look.fill(m.text.Get("part."+p.Part, nil), name) + "  " + m.look.fill(sign, 2) + " " + m.look.fill(s, 12)
		note := printable(p.Note)
		if i == c.at && c.typed != nil {
			note = *c.typed + "_"
		}
		row = m.look.cut(row+" "+note, w-4)
		if i != c.at {
			lines = append(lines, "  "+m.look.paint(t, row))
			continue
		}
		lines = append(lines, m.look.pick("►", ">")+" "+m.look.marked(m.look.fill(row, w-4)))
		focus = len(lines) - 1
		if c.typed != nil {
			lines = append(lines, "    "+m.look.bold(m.look.cut(m.say("check.typing", map[string]any{"Most": noteMost}), w-6)))
			continue
		}
		for _, fact := range c.facts(p.Part) {
			for _, l := range indented("", fact, w-6) {
				lines = append(lines, "    "+l)
			}
		}
	}
	return lines, focus
}

// atWork says in a line how far the drives are; empty when none is at work.
func (m *Model) atWork() string {
	if m.drives == nil {
		return ""
	}
	ended, least := 0, int64(-1)
	for _, d := range m.drives {
		if d.result != nil {
			ended++
			continue
		}
		if n := ppm(d); n >= 0 && (least < 0 || n < least) {
			least = n
		}
	}
	s := m.say("progress.all", map[string]any{"Drives": len(m.drives), "Ended": ended})
	if least >= 0 && ended < len(m.drives) {
		s += ", " + fmt.Sprintf("%3s %%", strconv.FormatInt(least/10_000, 10))
	}
	return s
}
