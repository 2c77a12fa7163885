package tui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ombruk/ombruk/inventory"
)

// remainsPage asks about what holds data or credentials besides the drives. It
// comes up by itself before the result, where there is something to ask about.
type remainsPage struct {
	blank
	m *Model
	// first is what was there when the machine came, list what is there now.
	first, list []Remain
	err         error
	looking     bool
	clearing    string // the thing at which Clear is
	at          int
	// said is what people say, by thing; did what Clear did.
	said, did map[string]Said
	// lock is the lock that somebody saw; empty when there is none.
	lock string
	// last means that the result comes next.
	last  bool
	since time.Time
}

// Messages of the page.
type (
	remainsSeen struct {
		generation int
		list       []Remain
		err        error
	}
	remainCleared struct {
		generation int
		thing      string
		did        Said
		err        error
	}
)

// remains is the page of what remains in the machine in hand.
func (m *Model) remains() *remainsPage { return m.pages[atRemains].(*remainsPage) }

// toResult goes to the result, past what remains where something is to be asked.
func (m *Model) toResult() tea.Cmd {
	p := m.remains()
	if p.last = m.unit == nil && p.pending() > 0; p.last {
		return m.goTo(atRemains)
	}
	return m.goTo(atResult)
}

// link is the action that leads to the page; none where there is nothing to see.
func (p *remainsPage) link() []action {
	m := p.m
	if len(p.list) == 0 || m.unit != nil {
		return nil
	}
	label := m.say("action.remains", nil)
	if n := p.pending(); n > 0 {
		label = m.count("action.remains-left", n, nil)
	}
	return []action{{key: "r", label: label, do: func() tea.Cmd {
		p.last = false
		return m.goTo(atRemains)
	}}}
}

func (p *remainsPage) enter() tea.Cmd {
	p.since = p.m.setup.Now()
	p.at = 0
	p.forward()
	return p.look()
}

// look looks at what is there now.
func (p *remainsPage) look() tea.Cmd {
	m := p.m
	if p.looking || p.clearing != "" {
		return nil
	}
	p.looking = true
	ctx, w, generation := m.ctx, m.work, m.generation
	return func() tea.Msg {
		list, err := w.Remains(ctx)
		return remainsSeen{generation, list, err}
	}
}

func (p *remainsPage) message(msg tea.Msg) tea.Cmd {
	m := p.m
	switch msg := msg.(type) {
	case looked:
		if msg.generation == m.generation && msg.err == nil && m.setup.Unattended == nil {
			return p.look()
		}
	case remainsSeen:
		if msg.generation != m.generation {
			return nil
		}
		p.looking = false
		if p.err = msg.err; p.err == nil {
			if p.list = msg.list; p.first == nil {
				p.first = msg.list
			}
			if p.at < len(p.list) && p.stands(p.list[p.at]) != "left" {
				p.forward()
			}
		}
	case remainCleared:
		if msg.generation != m.generation {
			return nil
		}
		p.clearing = ""
		if msg.err != nil {
			m.fail(msg.err)
			return nil
		}
		p.did[msg.thing], p.since = msg.did, m.setup.Now()
		return p.look()
	}
	return nil
}

// stands is what is known of a thing: what Clear did, what people say, and
// where a card or a disc was taken out what is seen.
func (p *remainsPage) stands(r Remain) string {
	was := slices.ContainsFunc(p.first, func(f Remain) bool { return f.Thing == r.Thing && f.There })
	medium := r.Thing == "card" || r.Thing == "disc"
	switch did := p.did[r.Thing]; {
	case did.State != "" && did.State != "left":
		return did.State
	case medium && was && r.Gone, r.Thing == "card" && was && !r.There:
		return "done"
	case medium && r.There && p.said[r.Thing].State != "left":
		return "" // whatever somebody says
	case p.said[r.Thing].State != "":
		return p.said[r.Thing].State
	case r.Gone:
		return "none"
	case did.State != "" && !medium:
		return did.State
	}
	return ""
}

// asks reports whether somebody is to answer for a thing.
func (p *remainsPage) asks(r Remain) bool {
	tray := r.Thing == "disc" && p.did["disc"].State != "" && !r.Gone
	return (r.There || tray) && p.stands(r) == ""
}

// pending is how many things somebody is to answer for.
func (p *remainsPage) pending() (n int) {
	for _, r := range p.list {
		if p.asks(r) {
			n++
		}
	}
	return n
}

// found is what people say.
func (p *remainsPage) found() (f Findings) {
	for _, r := range p.list {
		if said := p.said[r.Thing]; said.State != "" {
			f.Said = append(f.Said, said)
		}
	}
	switch {
	case p.lock != "":
		f.Locks = []inventory.Lock{{Code: p.lock, State: inventory.LockSet, Text: inventory.LockSeen}}
	case p.said["enrolment"].State == "none":
		for _, code := range enrolments {
			f.Locks = append(f.Locks, inventory.Lock{Code: code, State: inventory.LockClear, Text: "a person saw none"})
		}
	}
	return f
}

// enrolments are the locks that only whom the machine came from can lift.
var enrolments = []string{inventory.LockAutopilot, inventory.LockActivation, inventory.LockKnox, inventory.LockChromeEnrolment}

// forward goes to the next thing that somebody is to answer for.
func (p *remainsPage) forward() {
	for i := range p.list {
		if n := (p.at + i) % len(p.list); p.asks(p.list[n]) {
			p.at = n
			return
		}
	}
}

// say takes what somebody says of the thing it stands on.
func (p *remainsPage) say(state string) tea.Cmd {
	thing := p.list[p.at].Thing
	if p.said[thing] = (Said{Thing: thing, State: state}); state == "" {
		delete(p.said, thing)
	}
	p.forward()
	if thing == "card" || thing == "disc" {
		return p.look()
	}
	return nil
}

func (p *remainsPage) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "enter":
		// The Enter that led here, struck twice, must not clear anything before
		// it was read what.
		return p.m.setup.Now().Sub(p.since) < readable, nil
	case "up":
		p.at = max(p.at-1, 0)
	case "down":
		p.at = min(p.at+1, max(len(p.list)-1, 0))
	case "home":
		p.at = 0
	case "end":
		p.at = max(len(p.list)-1, 0)
	default:
		return false, nil
	}
	return true, nil
}

// tooEarly reports whether drives are still to be erased, or at work: what
// reads an encrypted one may be in the TPM.
func (p *remainsPage) tooEarly() bool {
	return p.m.running() || p.m.drives == nil && !p.last
}

// allClean reports whether every drive of the machine was erased and is clean,
// and none may be there that nobody saw.
func (m *Model) allClean() bool {
	if m.machine == nil || slices.ContainsFunc(inventory.Unseen(m.machine.Machine), inventory.Reason.Hides) {
		return false
	}
	for _, r := range m.rows {
		if !r.Internal {
			continue
		}
		d := m.drives[r.ID]
		if d == nil || d.result == nil {
			return false
		}
		if t, _ := m.outcome(*d.result); t != good && t != notice {
			return false
		}
	}
	return true
}

func (p *remainsPage) actions() []action {
	m := p.m
	if p.clearing != "" {
		return nil
	}
	var out []action
	on := action{key: "g", label: m.say("action.continue", nil), do: func() tea.Cmd { return m.goTo(atResult) }}
	if p.pending() > 0 {
		on.label = m.say("remains.without-rest", nil)
	}
	if p.last && p.pending() == 0 {
		out = append(out, on)
	}
	if p.at < len(p.list) {
		out = append(out, p.answers(p.list[p.at])...)
	}
	if p.last && p.pending() > 0 {
		out = append(out, on)
	}
	if m.drives != nil {
		return append(out, action{key: "tab", label: m.say("action.drives", nil), do: func() tea.Cmd { return m.goTo(atProgress) }})
	}
	return append(out, action{key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd { return m.goTo(atChecks) }})
}

// answers are what can be said of a thing, or done to it, the likeliest first.
func (p *remainsPage) answers(r Remain) (out []action) {
	m := p.m
	state := func(state string) action {
		return action{key: m.say("remains.key."+state, nil), label: m.say("remains.do."+state, nil), do: func() tea.Cmd { return p.say(state) }}
	}
	enter := func(key string, do func() tea.Cmd) {
		out = append(out, action{key: "enter", label: m.say(key, nil), do: do})
	}
	switch {
	case r.Thing == "enrolment":
		enter("remains.answer", p.askEnrolment)
		return out
	case r.Thing == "tpm" && p.did[r.Thing].State != "" && p.did[r.Thing].State != "left", r.Thing == "tpm" && r.Gone:
		return nil
	case r.Thing == "tpm" && p.tooEarly():
		return nil
	case r.Way == "clear" || r.Way == "firmware":
		enter("remains.do."+r.Way, p.clear)
	case r.Way == "eject":
		enter("remains.do.eject", p.clear)
	case r.There && (r.Thing == "card" || r.Thing == "disc"):
		enter("remains.look", p.look)
	default:
		enter("remains.answer", p.ask)
	}
	for _, s := range states(r.Thing) {
		out = append(out, state(s))
	}
	return out
}

// states are what a person can say of a thing.
func states(thing string) []string {
	if thing == "tpm" {
		return []string{"done", "left"} // whether there is one is seen
	}
	return []string{"done", "none", "left"}
}

// ask asks what became of the thing it stands on. It stands on the answer that
// says nothing, so that no Enter too many says that something was taken out.
func (p *remainsPage) ask() tea.Cmd {
	m, r := p.m, p.list[p.at]
	q := &menu{title: m.say("remains."+r.Thing, nil), text: []string{m.say("remains.about."+r.Thing, nil)}, options: []option{{label: m.say("remains.not-yet", nil)}}}
	for _, s := range states(r.Thing) {
		q.options = append(q.options, option{label: m.say("remains.do."+s, nil), do: func() tea.Cmd { return p.say(s) }})
	}
	m.over = q
	return nil
}

// clear clears what it stands on. A TPM of a machine whose drives are not all
// clean is only cleared after a question, which stands on no.
func (p *remainsPage) clear() tea.Cmd {
	m, r := p.m, p.list[p.at]
	do := func() tea.Cmd {
		p.clearing = r.Thing
		ctx, w, generation := m.ctx, m.work, m.generation
		return func() tea.Msg {
			did, err := w.Clear(ctx, r.Thing)
			return remainCleared{generation, r.Thing, did, err}
		}
	}
	if r.Thing != "tpm" || m.allClean() {
		return do()
	}
	m.over = &menu{title: m.say("remains.tpm-sure", nil), text: []string{m.say("remains.tpm-not-clean", nil)}, tone: notice, options: []option{
		{label: m.say("remains.tpm-leave", nil), do: func() tea.Cmd { return p.say("left") }},
		{label: m.say("remains.do."+r.Way, nil), do: do},
	}}
	return nil
}

// askEnrolment asks whose books the machine is still in, as far as a person has
// seen.
func (p *remainsPage) askEnrolment() tea.Cmd {
	m := p.m
	q := &menu{title: m.say("remains.enrolment-which", nil)}
	answer := func(label, lock, state string) {
		q.options = append(q.options, option{label: label, do: func() tea.Cmd {
			p.lock = lock
			return p.say(state)
		}})
	}
	answer(m.say("remains.enrolment-none", nil), "", "none")
	for _, code := range enrolments {
		answer(m.text.Get("lock."+code, nil), code, "left")
	}
	answer(m.say("remains.enrolment-unchecked", nil), "", "")
	m.over = q
	return nil
}

func (p *remainsPage) help() string { return "screen.help.remains" }

// remainTone is the tone of a state.
func remainTone(state string) tone {
	switch state {
	case "done", "none":
		return good
	case "requested":
		return notice
	case "left":
		return bad
	}
	return quiet
}

// remainWord is what a list says of a thing.
func (m *Model) remainWord(thing, state string) string {
	for _, key := range []string{"remains.state." + state + "." + thing, "remains.state." + state} {
		if s, ok := m.text.Try("screen."+key, nil); ok {
			return s
		}
	}
	return state
}

func (p *remainsPage) body(w, _ int) (lines []string, focus int) {
	m := p.m
	head := m.say("remains.all-done", nil)
	if n := p.pending(); n > 0 {
		head = m.count("remains.left", n, nil)
	}
	for _, l := range wrap(head, w-2) {
		lines = append(lines, " "+m.look.bold(l))
	}
	if s := m.atWork(); s != "" && m.running() {
		lines = append(lines, " "+m.look.cut(s, w-2))
	}
	lines = append(lines, "")
	if p.err != nil {
		for _, l := range m.look.said(bad, errorText(p.err), w-2) {
			lines = append(lines, " "+l)
		}
	}
	name := 0
	for _, r := range p.list {
		name = max(name, width(m.say("remains."+r.Thing, nil)))
	}
	for i, r := range p.list {
		t, s := p.word(r)
		sign := m.look.sign(t)
		if t == quiet {
			sign = " "
		}
		row := m.look.fill(m.say("remains."+r.Thing, nil), name) + "  " + m.look.fill(sign, 2) + " " + s
		if seen := p.names(r); seen != "" && w >= narrow {
			row += "  " + seen
		}
		row = m.look.cut(row, w-4)
		if i != p.at {
			lines = append(lines, "  "+m.look.paint(t, row))
			continue
		}
		focus = len(lines)
		lines = append(lines, m.look.pick("►", ">")+" "+m.look.marked(m.look.fill(row, w-4)))
		for _, paragraph := range p.about(r, w) {
			for _, l := range indented("", paragraph, w-6) {
				lines = append(lines, "    "+l)
			}
		}
	}
	return lines, min(focus+4, len(lines)-1)
}

// word is what the list says of a thing.
func (p *remainsPage) word(r Remain) (tone, string) {
	m := p.m
	state := p.stands(r)
	switch {
	case p.clearing == r.Thing:
		return again, m.say("remains.clearing", nil)
	case state != "" && r.Thing == "enrolment" && p.lock != "":
		return bad, m.text.Get("lock."+p.lock, nil)
	case state != "":
		return remainTone(state), m.remainWord(r.Thing, state)
	case p.asks(r):
		return notice, m.say("remains.there", nil)
	}
	return quiet, m.say("remains.not-said", nil)
}

// names are what was seen of a thing. Locks have names of ours.
func (p *remainsPage) names(r Remain) string {
	names := make([]string, len(r.Names))
	for i, n := range r.Names {
		names[i] = printable(n)
		if s, ok := p.m.text.Try("lock."+n, nil); ok && r.Thing == "enrolment" {
			names[i] = s
		}
	}
	return strings.Join(names, ", ")
}

// about is what to know of the thing it stands on.
func (p *remainsPage) about(r Remain, w int) (out []string) {
	m := p.m
	if seen := p.names(r); seen != "" && w < narrow {
		out = append(out, seen)
	}
	did := p.did[r.Thing]
	switch {
	case r.Thing == "tpm" && did.State == "requested":
		return append(out, m.say("remains.tpm-requested", nil))
	case r.Thing == "tpm" && did.State == "left":
		return append(out, printable(did.Text), m.say("remains.tpm-by-hand", nil))
	case r.Thing == "tpm" && did.State == "done":
		return out
	case r.Thing == "disc" && did.State != "" && p.stands(r) == "" && !r.There:
		return append(out, m.say("remains.tray-open", nil))
	}
	out = append(out, m.say("remains.about."+r.Thing, nil))
	if r.Thing == "tpm" && r.There && p.stands(r) == "" {
		if r.Why != "" {
			out = append(out, printable(r.Why))
		}
		if p.tooEarly() {
			out = append(out, m.say("remains.tpm-later", nil))
		}
	}
	return out
}
