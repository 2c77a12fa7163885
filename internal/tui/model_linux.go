package tui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/ombruk/ombruk/internal/lang"
)

// place names a page.
type place int

const (
	atStart place = iota
	atStopped
	atMachine
	atDrives
	atConfirm
	atProgress
	atChecks
	atRemains
	atResult
	atBench
	atUnattended
)

// The smallest windows: for the full layout, and for any.
const (
	fullWidth, fullHeight   = 80, 24
	leastWidth, leastHeight = 30, 10
)

// Model is all of the screens. It does nothing by itself: what happens comes in
// as messages, and what takes time goes out as commands.
type Model struct {
	ctx   context.Context
	work  Work
	setup Setup
	text  *lang.Text
	look  look
	// pace is the time between two looks at what the drives report.
	pace time.Duration
	// wait brings a message after a time; tests let no time pass.
	wait          func(time.Duration, func(time.Time) tea.Msg) tea.Cmd
	width, height int
	// said keeps the sentences without arguments, and frame the last picture
	// until something changes.
	said  map[string]string
	frame string

	keyboard keyboard
	presses  int // counts keys, to know which wait is the last
	pages    map[place]page
	at       place
	over     *menu  // a question or a list over the page
	helping  bool   // help over all
	scroll   int    // lines scrolled up from the focus
	chosen   string // the footer's action that Enter runs; empty is the first
	note     string // about the last key, until the next
	noteTone tone
	leaving  bool

	// The machine in hand.
	machine    *Machine
	machineErr error
	in         Intake
	choice     Choice
	rows       []Row // of the last plan; see setRows
	touch      []Row // of these, what will be erased
	run        Run
	feed       *feed
	drives     map[string]*driveState // by Row.ID, once erasing has begun
	unit       *Unit
	keep       Keep
	generation int // of the machine in hand; answers about another are dropped
}

// New makes the screens of one technician's session, at the start screen. ascii
// says that bars and signs are to be drawn with ASCII only.
func New(ctx context.Context, w Work, setup Setup, text *lang.Text, ascii bool) *Model {
	m := &Model{ctx: ctx, work: w, setup: setup, text: text, look: look{colour: colorprofile.ANSI, ascii: ascii}, pace: 100 * time.Millisecond, wait: tea.Tick, said: map[string]string{}, width: fullWidth, height: fullHeight}
	m.begin(setup.Intake)
	return m
}

// begin takes a new machine in hand.
func (m *Model) begin(in Intake) {
	m.generation++
	m.in, m.choice = in, m.setup.Choice
	m.setRows(nil)
	m.run, m.unit = nil, nil
	m.feed, m.drives = new(feed), nil
	m.pages = map[place]page{
		atStart:      newStart(m),
		atStopped:    &stopped{m: m},
		atMachine:    &machinePage{m: m},
		atDrives:     &drivesPage{m: m},
		atConfirm:    &confirm{m: m},
		atProgress:   &progress{m: m},
		atChecks:     newChecks(m),
		atRemains:    &remainsPage{m: m, said: map[string]Said{}, did: map[string]Said{}},
		atResult:     &result{m: m},
		atBench:      newBench(m),
		atUnattended: newUnattended(m),
	}
	m.at, m.over, m.helping, m.chosen, m.scroll = atStart, nil, false, "", 0
	switch {
	case m.setup.Unattended != nil:
		m.at = atUnattended
	case m.setup.Bench:
		m.at = atBench
	}
}

// Messages of the model itself. Those with a generation are about the machine
// in hand when they were asked for.
type (
	settled struct{ presses int } // no key came for scanGap
	ticked  time.Time
	kept    Keep
	looked  struct {
		generation int
		machine    Machine
		err        error
	}
)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(m.tick(), m.lookAtKeep(0), m.lookAtMachine(), m.pages[m.at].enter())
}

func (m *Model) tick() tea.Cmd {
	pace := time.Second // for the clock
	if m.running() {
		pace = m.pace
	}
	return m.wait(pace, func(t time.Time) tea.Msg { return ticked(t) })
}

// lookAtKeep asks what keeps the records, after a while.
func (m *Model) lookAtKeep(after time.Duration) tea.Cmd {
	return m.wait(after, func(time.Time) tea.Msg { return kept(m.work.Keep()) })
}

// keepEvery is how often the state of the stick is looked at.
const keepEvery = 2 * time.Second

func (m *Model) lookAtMachine() tea.Cmd {
	ctx, w, generation := m.ctx, m.work, m.generation
	m.machine, m.machineErr = nil, nil
	return func() tea.Msg {
		if err := w.Ready(ctx); err != nil {
			return looked{generation: generation, err: err}
		}
		machine, err := w.Machine(ctx)
		return looked{generation, machine, err}
	}
}

// goTo brings a page up.
func (m *Model) goTo(p place) tea.Cmd {
	m.at, m.over, m.chosen, m.scroll, m.note = p, nil, "", 0, ""
	return m.pages[p].enter()
}

// next takes the next machine in hand; who does it and for whom stays.
func (m *Model) next() tea.Cmd {
	m.begin(Intake{Agency: m.in.Agency, Order: m.in.Order, Operator: m.in.Operator, Status: m.setup.Intake.Status})
	return tea.Batch(m.lookAtMachine(), m.pages[m.at].enter())
}

// running reports whether a drive is at work or its record is open.
func (m *Model) running() bool {
	if b, ok := m.pages[atBench].(*bench); ok && b.running() {
		return true
	}
	for _, d := range m.drives {
		if d.result == nil {
			return true
		}
	}
	return false
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case settled:
		if msg.presses != m.presses {
			return m, nil
		}
		m.frame = ""
		return m, m.inputs(m.keyboard.flush())
	}
	m.frame = ""
	switch msg := msg.(type) {
	case tea.PasteMsg:
		return m, m.pasted(msg.Content)
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.ColorProfileMsg:
		m.look.colour = msg.Profile
	case ticked:
		m.drain(time.Time(msg))
		return m, tea.Batch(m.tick(), m.tell(msg))
	case kept:
		m.keep = Keep(msg)
		return m, tea.Batch(m.lookAtKeep(keepEvery), m.tell(msg))
	case looked:
		if msg.generation == m.generation {
			m.machineErr = msg.err
			if msg.err == nil {
				m.machine = &msg.machine
			}
		}
	}
	return m, m.tell(msg)
}

// tell gives every page a message.
func (m *Model) tell(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for p := atStart; p <= atUnattended; p++ {
		if cmd := m.pages[p].message(msg); cmd != nil {
			cmds = append(cmds, cmd)
		}
	}
	return tea.Batch(cmds...)
}

func (m *Model) press(k tea.KeyPressMsg) tea.Cmd {
	if m.leaving {
		return nil
	}
	if m.pages[m.at].grabs() && m.over == nil && !m.helping {
		m.frame = ""
		_, cmd := m.pages[m.at].key(k)
		return cmd
	}
	m.presses++
	inputs := m.keyboard.press(k, m.setup.Now())
	known := m.inputs(inputs)
	if len(inputs) > 0 {
		m.frame = ""
	}
	if len(m.keyboard.held) == 0 {
		return known
	}
	wait := settled{m.presses}
	return tea.Batch(known, m.wait(scanGap, func(time.Time) tea.Msg { return wait }))
}

func (m *Model) inputs(in []input) tea.Cmd {
	var cmds []tea.Cmd
	for _, i := range in {
		if i.scan {
			m.scanned(i)
		} else {
			cmds = append(cmds, m.key(i))
		}
	}
	return tea.Batch(cmds...)
}

// pasted takes pasted text: it can fill a field and nothing else.
func (m *Model) pasted(s string) tea.Cmd {
	m.scanned(input{scan: true, text: strings.TrimRight(s, "\r\n\t ")})
	return nil
}

func (m *Model) scanned(i input) {
	text := unprefixed(asUS(m.setup.Keyboard, i.text))
	if text == "" && i.text == "" && !i.ended {
		return
	}
	m.note = ""
	var taken bool
	switch {
	case m.helping:
	case m.over != nil:
		taken = m.over.scanned(text)
	default:
		taken = m.pages[m.at].scanned(text, i.ended)
	}
	if !taken && text != "" && m.note == "" {
		m.warn(m.say("scan-ignored", nil))
	}
}

// key takes a key that somebody pressed.
func (m *Model) key(i input) tea.Cmd {
	k := i.key
	m.note = ""
	name := k.String()
	switch {
	case name == "ctrl+c":
		return m.askLeave()
	case m.helping:
		m.helpKey(name)
		return nil
	case name == "f1" || name == "?":
		m.helping, m.scroll = true, 0
		return nil
	case name == "f3" && len(m.keep.Sticks) > 0:
		m.askStick()
		return nil
	case name == "pgup":
		m.scroll -= max(m.height/2, 1)
		return nil
	case name == "pgdown":
		m.scroll += max(m.height/2, 1)
		return nil
	}
	m.scroll = 0
	if m.over != nil {
		return m.over.key(m, k)
	}
	p := m.pages[m.at]
	if c, ok := p.(interface{ burst(int) }); ok {
		c.burst(i.burst)
	}
	if taken, cmd := p.key(k); taken {
		return cmd
	}
	actions := m.actions()
	for _, a := range actions {
		if a.key != "" && a.key != "enter" && strings.ToLower(name) == a.key && !(p.typing() && len(a.key) == 1) {
			return a.do()
		}
	}
	switch name {
	case "left", "right":
		n := m.chosenIndex(actions)
		if name == "left" {
			n--
		} else {
			n++
		}
		if len(actions) > 0 {
			n = (n + len(actions)) % len(actions)
			m.chosen = actions[n].key + actions[n].label
		}
	case "enter":
		// Help alone is for its own keys, or to be chosen.
		if len(actions) > 1 || m.chosen != "" {
			return actions[m.chosenIndex(actions)].do()
		}
	}
	return nil
}

func (m *Model) helpKey(name string) {
	switch name {
	case "up":
		m.scroll--
	case "down":
		m.scroll++
	case "pgup":
		m.scroll -= max(m.height/2, 1)
	case "pgdown":
		m.scroll += max(m.height/2, 1)
	default:
		m.helping, m.scroll = false, 0
	}
}

// actions of the page, and help, which is everywhere.
func (m *Model) actions() []action {
	p := m.pages[m.at]
	key := "?"
	if p.typing() {
		key = "f1"
	}
	actions := p.actions()
	if p.grabs() {
		return actions // help has no key there
	}
	if len(m.keep.Sticks) > 0 {
		actions = append(actions, action{key: "f3", label: m.say("action.stick", nil), do: func() tea.Cmd {
			m.askStick()
			return nil
		}})
	}
	return append(actions, action{key: key, label: m.say("action.help", nil), do: func() tea.Cmd {
		m.helping = true
		return nil
	}})
}

func (m *Model) chosenIndex(actions []action) int {
	for i, a := range actions {
		if a.key+a.label == m.chosen {
			return i
		}
	}
	return 0
}

// say gives a sentence of the screens. No-break spaces are for pages; console
// fonts may lack them.
func (m *Model) say(key string, args map[string]any) string {
	if args == nil {
		s, ok := m.said[key]
		if !ok {
			s = strings.ReplaceAll(m.text.Get("screen."+key, nil), "\u00a0", " ")
			m.said[key] = s
		}
		return s
	}
	return strings.ReplaceAll(m.text.Get("screen."+key, args), "\u00a0", " ")
}

// count is say in the form that goes with n.
func (m *Model) count(key string, n int, args map[string]any) string {
	return strings.ReplaceAll(m.text.Count("screen."+key, int64(n), args), "\u00a0", " ")
}

// warn says something about the last key.
func (m *Model) warn(s string) { m.note, m.noteTone = s, notice }

// fail shows an error as it stands.
func (m *Model) fail(err error) { m.note, m.noteTone = errorText(err), bad }

// askStick asks which of several sticks is to keep the records.
func (m *Model) askStick() {
	q := &menu{title: m.say("stick.which", nil)}
	for _, s := range m.keep.Sticks {
		q.options = append(q.options, option{label: printable(s.Name), do: func() tea.Cmd {
			w := m.work
			return func() tea.Msg {
				w.ChooseStick(s.ID)
				return nil
			}
		}})
	}
	m.over = q
}

// askLeave asks before the screens are left; on a stick there is nothing to
// leave them for but to power off.
func (m *Model) askLeave() tea.Cmd {
	if m.running() {
		m.warn(m.say("leave-running", nil))
		return nil
	}
	m.over = &menu{
		title: m.say("leave.title", nil),
		options: []option{
			{label: m.say("leave.stay", nil)},
			{label: m.say(m.leaveKey(), nil), do: m.powerOff},
		},
	}
	return nil
}

func (m *Model) leaveKey() string {
	if m.setup.Stick {
		return "action.power-off"
	}
	return "action.leave"
}

// powerOff ends the session.
func (m *Model) powerOff() tea.Cmd {
	m.leaving = true
	m.note, m.noteTone = m.say("leaving", nil), plain
	w := m.work
	return func() tea.Msg {
		w.PowerOff()
		return tea.QuitMsg{}
	}
}

// powerOffAction is the action that ends the session.
func (m *Model) powerOffAction() action {
	return action{key: "o", label: m.say(m.leaveKey(), nil), do: m.powerOff}
}

// otherLanguage changes to the next language there is.
func (m *Model) otherLanguage() tea.Cmd {
	tags := lang.Tags()
	for i, tag := range tags {
		if tag == m.text.Tag() {
			if text, err := lang.For(tags[(i+1)%len(tags)]); err == nil {
				m.text, m.said = text, map[string]string{}
				m.work.Speak(text)
			}
			return nil
		}
	}
	return nil
}

// errorText is an error as people read it, several of them as one sentence.
func errorText(err error) string {
	return printable(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}
