package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// unattended does a machine by itself, as the policy says. A countdown is seen
// first, which any key stops; then the technician's screens take over.
type unattended struct {
	blank
	m     *Model
	phase autoPhase
	until time.Time // the end of the countdown, or when the machine is powered off
	// why is what stands under the word at the end.
	why []string
	// word and tone of the end, where no record gives them.
	word string
	tone tone
}

// autoPhase is how far it is.
type autoPhase int

const (
	autoLook    autoPhase = iota // what the machine is
	autoCount                    // the countdown
	autoStopped                  // somebody pressed a key
	autoPlan
	autoBegin
	autoRun
	autoClose
	autoEnd
)

// Messages of the unattended work.
type (
	autoPlanned struct {
		generation int
		rows       []Row
		err        error
	}
	autoBegan struct {
		generation int
		run        Run
		err        error
	}
	autoClosed struct {
		generation int
		unit       Unit
		err        error
	}
)

// offAfter is how long the end is seen before the machine is powered off.
const offAfter = 30 * time.Second

func newUnattended(m *Model) page { return &unattended{m: m} }

func (u *unattended) enter() tea.Cmd { return u.looked() }

// looked begins the countdown when it is known what the machine is.
func (u *unattended) looked() tea.Cmd {
	m := u.m
	switch {
	case u.phase != autoLook || m.at != atUnattended:
		return nil
	case m.machineErr != nil:
		return u.end(again, m.say("unattended.word.not-done", nil), errorText(m.machineErr))
	case m.machine == nil:
		return nil
	}
	if refused := m.setup.Unattended.Refused; refused != nil {
		if why := refused(m.machine.Machine); why != "" {
			return u.end(again, m.say("unattended.word.refused", nil), m.say("unattended.nothing-touched", nil), printable(why))
		}
	}
	m.choice.BestEffort = m.setup.Unattended.BestEffort
	u.phase, u.until = autoCount, m.setup.Now().Add(m.setup.Unattended.Countdown)
	return m.sound(880)
}

// end brings up the word at the end.
func (u *unattended) end(t tone, word string, why ...string) tea.Cmd {
	u.phase, u.tone, u.word, u.why = autoEnd, t, word, why
	u.until = u.m.setup.Now().Add(offAfter)
	if t == good || t == notice {
		return u.m.sound(660, 880, 1320)
	}
	return u.m.sound(220, 0, 220, 0, 220)
}

func (u *unattended) message(msg tea.Msg) tea.Cmd {
	m := u.m
	if m.setup.Unattended == nil || m.at != atUnattended {
		return nil
	}
	switch msg := msg.(type) {
	case looked:
		return u.looked()
	case ticked:
		return u.tick()
	case autoPlanned:
		if msg.generation == m.generation && u.phase == autoPlan {
			return u.planned(msg.rows, msg.err)
		}
	case autoBegan:
		if msg.generation != m.generation || u.phase != autoBegin {
			return nil
		}
		if msg.err != nil {
			m.drives = nil
			return u.end(again, m.say("unattended.word.not-done", nil), m.say("confirm.not-begun", map[string]any{"Cause": errorText(msg.err)}))
		}
		m.run, u.phase = msg.run, autoRun
	case autoClosed:
		if msg.generation != m.generation || u.phase != autoClose {
			return nil
		}
		if msg.err != nil {
			return u.end(again, m.say("unattended.word.not-done", nil), m.say("result.not-closed", map[string]any{"Cause": errorText(msg.err)}), m.say("result.not-closed-do", nil))
		}
		m.unit = &msg.unit
		var why []string
		for _, s := range msg.unit.Why {
			why = append(why, printable(s))
		}
		for _, r := range m.results() {
			_, s := m.outcome(r)
			why = append(why, printable(strings.TrimSpace(r.Done.Record.Drive.Model))+" "+m.serialText(r.Done.Record.Drive.Serial)+": "+s)
		}
		for _, r := range m.rows {
			if !m.erased(r) && !r.Boot {
				_, s := m.planLine(r)
				why = append(why, m.modelOf(r.Drive.Model)+" "+m.serial(r.Drive)+": "+s)
			}
		}
		return u.end(u.unitTone(msg.unit), m.answer(msg.unit.Answer), why...)
	}
	return nil
}

// unitTone is the tone of the unit's word; a machine with a drive that was left
// alone is never green.
func (u *unattended) unitTone(unit Unit) tone {
	t := answerTone(unit.Answer.Key)
	if t != good && t != notice {
		return t
	}
	for _, r := range u.m.rows {
		if !u.m.erased(r) && !r.Boot && r.Internal {
			return again
		}
	}
	return t
}

func (u *unattended) tick() tea.Cmd {
	m := u.m
	now := m.setup.Now()
	switch u.phase {
	case autoCount:
		if !now.Before(u.until) {
			return u.plan()
		}
	case autoRun:
		if !m.running() {
			u.phase = autoClose
			return u.close()
		}
	case autoEnd:
		if m.setup.Unattended.PowerOff && !m.leaving && !u.stayOn() && !now.Before(u.until) {
			return m.powerOff()
		}
	}
	return nil
}

// stayOn reports a drive that was left at an erase that breaks off without
// power and may leave it locked: the machine stays on until somebody comes.
func (u *unattended) stayOn() bool {
	return slices.ContainsFunc(u.m.results(), mustStayOn)
}

func (u *unattended) plan() tea.Cmd {
	m := u.m
	u.phase = autoPlan
	ctx, w, in, c, generation := m.ctx, m.work, m.in, m.choice, m.generation
	return func() tea.Msg {
		rows, err := w.Plan(ctx, in, c)
		return autoPlanned{generation, rows, err}
	}
}

func (u *unattended) planned(rows []Row, err error) tea.Cmd {
	m := u.m
	if err != nil {
		return u.end(again, m.say("unattended.word.not-done", nil), m.say("unattended.nothing-touched", nil), errorText(err))
	}
	m.setRows(rows)
	touched := m.touched()
	if len(touched) == 0 { // a record says what was there and why it was left
		u.phase = autoClose
		return u.close()
	}
	u.phase = autoBegin
	m.feed, m.drives = new(feed), map[string]*driveState{}
	for _, r := range touched {
		m.drives[r.ID] = &driveState{}
	}
	_ = m.pages[atProgress].enter() // it lends its picture
	ctx, w, in, f, generation := m.ctx, m.work, m.in, m.feed, m.generation
	return func() tea.Msg {
		run, err := w.Begin(ctx, in, touched, f.emit, f.ended)
		return autoBegan{generation, run, err}
	}
}

func (u *unattended) close() tea.Cmd {
	m := u.m
	ctx, w, in, rows, results, found, generation := m.ctx, m.work, m.in, m.rows, m.results(), Findings{Checks: m.checks().findings()}, m.generation
	return func() tea.Msg {
		unit, err := w.Close(ctx, in, rows, results, found)
		return autoClosed{generation, unit, err}
	}
}

// grabs has every key stop the countdown, and the powering off.
func (u *unattended) grabs() bool {
	return u.phase == autoCount || u.phase == autoEnd && u.m.setup.Unattended != nil && u.m.setup.Unattended.PowerOff && !u.until.IsZero()
}

func (u *unattended) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch {
	case u.phase == autoCount:
		u.phase = autoStopped
		return true, nil
	case u.grabs():
		u.until = time.Time{}
		u.m.setup.Unattended = u.staying()
		return true, nil
	}
	if u.m.drives != nil && (u.phase == autoRun || u.phase == autoBegin) {
		return u.m.pages[atProgress].key(k)
	}
	return false, nil
}

// staying is what it works by once somebody is there.
func (u *unattended) staying() *Unattended {
	s := *u.m.setup.Unattended
	s.PowerOff = false
	return &s
}

func (u *unattended) actions() []action {
	m := u.m
	restart := action{key: "r", label: m.say("unattended.restart", nil), do: func() tea.Cmd {
		u.phase = autoLook
		return u.looked()
	}}
	// From here on somebody is there, for the next machine too.
	hand := action{key: "t", label: m.say("unattended.technician", nil), do: func() tea.Cmd {
		m.setup.Unattended = nil
		return m.goTo(atStart)
	}}
	switch u.phase {
	case autoStopped:
		return []action{hand, restart, m.powerOffAction()}
	case autoRun:
		return []action{{key: "c", label: m.say("action.cancel", nil), do: m.pages[atProgress].(*progress).askCancel}}
	case autoEnd:
		out := []action{}
		if m.unit != nil {
			out = append(out, action{key: "enter", label: m.say("action.result", nil), do: func() tea.Cmd {
				m.setup.Unattended = nil
				return m.goTo(atResult)
			}})
		} else if m.machineErr != nil {
			out = append(out, action{key: "r", label: m.say("action.try-again", nil), do: func() tea.Cmd {
				u.phase = autoLook
				return m.lookAtMachine()
			}})
		} else {
			out = append(out, hand)
		}
		return append(out, m.powerOffAction())
	}
	return nil
}

func (u *unattended) help() string { return "screen.help.unattended" }

func (u *unattended) body(w, h int) (lines []string, focus int) {
	m := u.m
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, "  "+l)
		}
	}
	switch u.phase {
	case autoCount:
		seconds := int((u.until.Sub(m.setup.Now()) + time.Second - 1) / time.Second)
		add("")
		for _, l := range wrap(m.look.sign(bad)+" "+m.say("unattended.count", nil), w-4) {
			add(m.look.block(bad, m.look.fill(" "+l, w-4)))
		}
		add("")
		add(m.huge(strconv.Itoa(max(seconds, 0)), w-4, h-8)...)
		add("")
		add(wrap(m.say("drives.standard", map[string]any{"Standard": m.standardTitle(m.choice.Standard)}), w-4)...)
		if m.choice.BestEffort {
			add(wrap(m.say("unattended.best-effort", nil), w-4)...)
		}
		for _, l := range wrap(m.say("unattended.any-key", nil), w-4) {
			add(m.look.bold(l))
		}
	case autoStopped:
		add("")
		add(m.look.said(notice, m.say("unattended.stopped", nil), w-4)...)
	case autoRun, autoBegin:
		if m.drives != nil {
			return m.pages[atProgress].body(w, h)
		}
	case autoEnd:
		return u.endLines(w, h), 0
	case autoClose:
		add("", m.say("result.closing", nil))
	case autoPlan:
		add("", m.say("drives.planning", nil))
	default:
		add("")
		add(wrap(m.say("machine.reading", nil), w-4)...)
	}
	return lines, 0
}

// huge writes digits as large as the room allows.
func (m *Model) huge(s string, w, h int) []string {
	lines := m.letters(s, w)
	if lines == nil {
		return []string{m.look.bold(s)}
	}
	widest := 0
	for _, l := range lines {
		widest = max(widest, width(l))
	}
	scale := max(min(w/max(2*widest, 1), h/len(lines)), 0)
	if scale == 0 {
		return lines
	}
	var out []string
	for _, l := range lines {
		var b strings.Builder
		for _, r := range l {
			b.WriteString(strings.Repeat(string(r), 2*scale))
		}
		for range scale {
			out = append(out, b.String())
		}
	}
	return out
}

// endLines fill the page with the colour of the end.
func (u *unattended) endLines(w, h int) []string {
	m := u.m
	var lines []string
	word := m.letters(u.word, w-4)
	if len(word)+len(u.why)+5 > h {
		word = nil // the reasons go first
	}
	lines = append(lines, "")
	lines = append(lines, word...)
	lines = append(lines, "", m.look.sign(u.tone)+" "+u.word)
	for _, s := range u.why {
		lines = append(lines, indented("", s, w-4)...)
	}
	lines = append(lines, "")
	if u.stayOn() {
		lines = append(lines, wrap(m.look.sign(bad)+" "+m.text.Get("disposition.at-work", nil), w-4)...)
	} else if m.setup.Unattended.PowerOff && !u.until.IsZero() {
		seconds := max(int((u.until.Sub(m.setup.Now())+time.Second-1)/time.Second), 0)
		lines = append(lines, wrap(m.count("unattended.off", seconds, nil), w-4)...)
	}
	for len(lines) < h {
		lines = append(lines, "")
	}
	for i, l := range lines {
		lines[i] = m.look.block(u.tone, m.look.fill("  "+l, w))
	}
	return lines
}
