package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ombruk/ombruk/erase"
)

// progress shows the drives at work.
type progress struct {
	blank
	m *Model
	// at is the drive it stands on, among those that are erased; -1 is all.
	at int
}

// pauseAnswer is what came of asking for a pause.
type pauseAnswer struct {
	generation int
	on         bool
	done, none []string // ids that were paused or not
}

func (p *progress) enter() tea.Cmd {
	if len(p.m.touched()) > 1 && p.at == 0 {
		p.at = -1
	}
	return nil
}

func (p *progress) message(msg tea.Msg) tea.Cmd {
	a, ok := msg.(pauseAnswer)
	if !ok || a.generation != p.m.generation {
		return nil
	}
	for _, id := range a.done {
		if d := p.m.drives[id]; d != nil {
			d.paused = a.on
		}
	}
	if len(a.none) > 0 && a.on {
		p.m.warn(p.m.count("progress.no-pause", len(a.none), nil))
	}
	return nil
}

func (p *progress) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	n := len(p.m.touched())
	first := 0
	if n > 1 {
		first = -1
	}
	switch k.String() {
	case "up":
		p.at = max(p.at-1, first)
	case "down":
		p.at = min(p.at+1, n-1)
	case "home":
		p.at = first
	case "end":
		p.at = n - 1
	default:
		return false, nil
	}
	return true, nil
}

// chosen are the ids of the drives it stands on that are still at work.
func (p *progress) chosen() []string {
	var out []string
	for i, r := range p.m.touched() {
		if d := p.m.drives[r.ID]; d != nil && d.result == nil && (p.at < 0 || p.at == i) {
			out = append(out, r.ID)
		}
	}
	return out
}

func (p *progress) actions() []action {
	m := p.m
	var out []action
	if !m.running() {
		out = append(out, action{key: "enter", label: m.say("action.result", nil), do: p.finish})
	}
	checks := action{key: "tab", label: m.say("action.checks", nil), do: func() tea.Cmd { return m.goTo(atChecks) }}
	if left := m.checks().left(); left > 0 {
		checks.label = m.count("action.checks-left", left, nil)
	}
	out = append(out, checks)
	out = append(out, m.remains().link()...)
	if ids := p.chosen(); len(ids) > 0 && m.run != nil {
		pause := action{key: "p", label: m.say("action.pause", nil), do: func() tea.Cmd { return p.pause(ids, true) }}
		if p.allPaused(ids) {
			pause = action{key: "p", label: m.say("action.go-on", nil), do: func() tea.Cmd { return p.pause(ids, false) }}
		}
		out = append(out, pause, action{key: "c", label: m.say("action.cancel", nil), do: p.askCancel})
	}
	return out
}

func (p *progress) allPaused(ids []string) bool {
	paused := 0
	for _, id := range ids {
		if p.m.drives[id].paused {
			paused++
		}
	}
	return paused > 0 && paused == len(ids)
}

func (p *progress) pause(ids []string, on bool) tea.Cmd {
	run, generation := p.m.run, p.m.generation
	return func() tea.Msg {
		a := pauseAnswer{generation: generation, on: on}
		for _, id := range ids {
			if run.Pause(id, on) {
				a.done = append(a.done, id)
			} else {
				a.none = append(a.none, id)
			}
		}
		return a
	}
}

// askCancel asks before work is given up. It stands on the answer that changes
// nothing.
func (p *progress) askCancel() tea.Cmd {
	m, ids := p.m, p.chosen()
	id := ""
	q := &menu{title: m.count("progress.cancel-all", len(ids), nil), tone: notice}
	if p.at >= 0 {
		r := m.touched()[p.at]
		id = r.ID
		q.title = m.say("progress.cancel-one", map[string]any{"Drive": printable(r.Drive.Model) + " " + m.serial(r.Drive)})
	}
	q.text = []string{m.say("progress.cancel-what", nil)}
	for _, each := range ids {
		if m.drives[each].progress.Device {
			q.text = append(q.text, m.say("progress.goes-on-anyway", nil))
			break
		}
	}
	run := m.run
	q.options = []option{
		{label: m.say("progress.cancel-no", nil)},
		{label: m.say("progress.cancel-yes", nil), do: func() tea.Cmd {
			for _, each := range ids {
				m.drives[each].cancelled = true
			}
			return func() tea.Msg {
				run.Cancel(id)
				return nil
			}
		}},
	}
	m.over = q
	return nil
}

// finish goes to the result, after asking for checks that were not done.
func (p *progress) finish() tea.Cmd {
	m := p.m
	left := m.checks().left()
	if left == 0 || m.unit != nil {
		return m.toResult()
	}
	q := &menu{
		title: m.count("progress.checks-not-done", left, nil),
		options: []option{
			{label: m.say("progress.do-checks", nil), do: func() tea.Cmd { return m.goTo(atChecks) }},
			{label: m.say("progress.without-checks", nil), do: m.toResult},
		},
	}
	if !m.checks().looked() {
		// A letter is all that a grade needs of most machines.
		for _, o := range m.checks().looks(m.toResult) {
			o.label = m.say("progress.only-looks", map[string]any{"Grade": o.label})
			q.options = append(q.options, o)
		}
	}
	m.over = q
	return nil
}

func (p *progress) help() string { return "screen.help.progress" }

func (p *progress) body(w, h int) (lines []string, focus int) {
	m := p.m
	rows := m.touched()
	ended, errs := 0, 0
	left := int64(0) // of the slowest that can tell
	for _, r := range rows {
		d := m.drives[r.ID]
		if d == nil {
			continue
		}
		errs += int(d.progress.Errors)
		if d.result != nil {
			ended++
		} else {
			left = max(left, d.progress.ETASeconds)
		}
	}
	if len(rows) > 1 {
		s := m.say("progress.all", map[string]any{"Drives": len(rows), "Ended": ended})
		s = p.lead(-1) + p.mark(-1, m.look.cut(s, w-3))
		if left > 0 {
			s += "  " + m.say("progress.left", map[string]any{"Time": eta(left)})
		}
		if errs > 0 {
			// Of drives that are out of sight too.
			s += "  " + m.look.paint(bad, m.look.sign(bad)+" "+m.count("progress.errors", errs, nil))
		}
		lines = append(lines, s)
	}
	each := 1
	switch {
	case len(rows)*4+3 <= h:
		each = 4
	case len(rows)*3+3 <= h:
		each = 3
	case len(rows)*2+3 <= h:
		each = 2
	}
	number := map[string]int{}
	for i, r := range m.rows {
		number[r.ID] = i + 1
	}
	for i, r := range rows {
		if i == p.at {
			focus = len(lines) + min(each, 3) - 1
		}
		lines = append(lines, p.row(i, number[r.ID], r, w, each)...)
	}
	if each > 1 {
		for i, r := range m.rows {
			// What is left alone is of the machine too, and is not forgotten.
			if !m.erased(r) {
				lines = append(lines, m.aside(i+1, r, w))
			}
		}
	}
	lines = append(lines, "")
	if each < 3 && slices.ContainsFunc(rows, func(r Row) bool {
		d := m.drives[r.ID]
		return d != nil && d.result == nil && d.progress.Device && m.alone(r, d) == "progress.at-work"
	}) {
		for _, l := range m.look.said(notice, m.say("progress.stay-on", nil), w-2) {
			lines = append(lines, " "+l)
		}
	}
	if !m.running() {
		for _, l := range m.look.said(m.worst(), m.say("progress.all-done", nil), w-2) {
			lines = append(lines, " "+l)
		}
	}
	if !m.keep.LastSaved.IsZero() {
		lines = append(lines, m.look.cut(" "+m.say("progress.saved", map[string]any{"Time": m.keep.LastSaved.In(m.setup.Now().Location()).Format("15:04")}), w))
	}
	return lines, focus
}

// worst is good only when every drive of the machine is.
func (m *Model) worst() tone {
	for _, r := range m.rows {
		d := m.drives[r.ID]
		switch {
		case r.Boot:
		case d == nil || d.result == nil:
			return notice
		default:
			if t, _ := m.outcome(*d.result); t != good {
				return notice
			}
		}
	}
	return good
}

// aside is a drive that nothing is done to, and why.
func (m *Model) aside(number int, r Row, w int) string {
	t, s := m.planLine(r)
	if r.Refused != "" && !r.Boot {
		s = m.look.sign(t) + " " + printable(r.Refused)
	}
	return m.look.paint(t, m.look.cut("  "+m.title(number, r.Drive, max(w-4-width(s), 30))+"  "+s, w-1))
}

func (p *progress) lead(i int) string {
	if i == p.at {
		return p.m.look.pick("►", ">") + " "
	}
	return "  "
}

func (p *progress) mark(i int, s string) string {
	if i == p.at {
		return p.m.look.marked(s)
	}
	return s
}

// row draws one drive in one to four lines.
func (p *progress) row(i, number int, r Row, w, each int) []string {
	m, d := p.m, p.m.drives[r.ID]
	if d == nil {
		d = &driveState{}
	}
	if each == 1 {
		if w < narrow {
			return []string{p.lead(i) + p.mark(i, m.look.fill(fmt.Sprintf("%2d %s", number, m.serial(r.Drive)), 14)) + " " + m.look.cut(p.short(d), w-18)}
		}
		room := 28 + max(w-fullWidth, 0)/4
		name := m.look.fill(fmt.Sprintf("%2d %s %s", number, m.look.cut(m.modelOf(r.Drive.Model), room/2), m.serial(r.Drive)), room)
		return []string{p.lead(i) + p.mark(i, name) + " " + p.line(d, w-room-4)}
	}
	out := m.chosenLines(i == p.at, []string{m.title(number, r.Drive, w-3)})
	out = append(out, "     "+p.line(d, w-6))
	if each >= 3 {
		out = append(out, "     "+p.under(r, d, w-6))
	}
	if each >= 4 {
		out = append(out, "")
	}
	return out
}

// ppm is how far a drive is in parts per million, -1 when it cannot be told.
func ppm(d *driveState) int64 {
	s := d.progress.Snapshot
	switch {
	case !d.seen:
		return 0
	case s.Device:
		return s.DevicePPM
	case s.AllSize <= 0:
		return -1
	}
	return int64(float64(s.AllDone) / float64(s.AllSize) * 1e6)
}

// short is the state of a drive in a few columns.
func (p *progress) short(d *driveState) string {
	m := p.m
	if d.result != nil {
		t, s := m.outcome(*d.result)
		return m.look.paint(t, m.look.sign(t)+" "+s)
	}
	if d.held != nil {
		return m.look.paint(bad, m.look.sign(bad)+" "+m.say("progress.held-short", nil))
	}
	s := p.percent(d)
	if d.paused {
		s += " " + m.say("progress.paused", nil)
	}
	if n := d.progress.Errors; n > 0 {
		s += " " + m.look.paint(bad, m.count("progress.errors", int(n), nil))
	}
	return s
}

func (p *progress) percent(d *driveState) string {
	n := ppm(d)
	if n < 0 {
		return "  - "
	}
	return fmt.Sprintf("%3d %%", n/10_000)
}

// line is bar, share, speed, time left, temperature and errors. Where they do
// not all fit, the least important is left out whole.
func (p *progress) line(d *driveState, w int) string {
	m := p.m
	if d.result != nil {
		t, s := m.outcome(*d.result)
		return m.look.paint(t, m.look.cut(m.look.sign(t)+" "+s, w))
	}
	e := d.progress
	type cell struct {
		text string
		rank int
	}
	var cells []cell
	add := func(rank int, s string) { cells = append(cells, cell{s, rank}) }
	share := p.percent(d)
	add(0, share)
	switch {
	case d.held != nil:
		add(0, m.look.paint(bad, m.look.sign(bad)+" "+m.say("progress.held-short", nil)))
	case d.cancelled:
		add(1, m.look.paint(again, m.look.sign(again)+" "+m.say("progress.cancelling", nil)))
	case d.paused:
		add(1, m.look.paint(notice, m.look.sign(notice)+" "+m.say("progress.paused", nil)))
	case !d.seen:
		add(1, m.say("progress.starting", nil))
	case e.Device && w < narrow:
		add(3, m.say("progress.by-itself-short", nil))
	case !e.Device:
		add(3, m.look.right(p.speed(e.BytesPerSecond), 9))
	}
	if e.ETASeconds >= 0 && d.seen && !d.paused && !d.cancelled {
		add(2, m.say("progress.left", map[string]any{"Time": eta(e.ETASeconds)}))
	}
	if e.TemperatureCelsius != nil {
		add(4, strconv.Itoa(*e.TemperatureCelsius)+m.look.pick(" °C", " C"))
	}
	if n := e.Errors; n > 0 {
		add(0, m.look.paint(bad, m.look.sign(bad)+" "+m.count("progress.errors", int(n), nil)))
	} else if d.seen && w >= narrow {
		add(5, m.count("progress.errors", 0, nil))
	}
	join := func() (string, int) {
		texts, most := []string{}, 0
		for _, c := range cells {
			texts, most = append(texts, c.text), max(most, c.rank)
		}
		return strings.Join(texts, "  "), most
	}
	s, most := join()
	for width(s) > w && most > 0 {
		cells = slices.DeleteFunc(cells, func(c cell) bool { return c.rank == most })
		s, most = join()
	}
	if bar := min(w-width(s)-3, 40); bar >= 6 {
		return "[" + m.look.bar(ppm(d), bar) + "] " + s
	}
	return m.look.cut(s, w)
}

// eta writes a time that is left as hours and minutes, or minutes and seconds.
func eta(seconds int64) string {
	d := time.Duration(min(seconds, 1_000_000)) * time.Second
	if d >= time.Hour {
		return fmt.Sprintf("%d:%02d h", int64(d/time.Hour), int64(d/time.Minute)%60)
	}
	return fmt.Sprintf("%d:%02d", int64(d/time.Minute), int64(d/time.Second)%60)
}

func (p *progress) speed(n int64) string {
	if n <= 0 {
		return "-"
	}
	if n >= 1_000_000_000 {
		return printable(p.m.text.Bytes(n)) + "/s"
	}
	return printable(p.m.text.Number(n/1_000_000)) + " MB/s"
}

// under is what is going on, and the graph of our own speed.
func (p *progress) under(r Row, d *driveState, w int) string {
	m := p.m
	if d.result != nil {
		s := ""
		if f := d.finished; f != nil {
			key := "progress.achieved"
			if f.Achieved == erase.MethodNone {
				key = "progress.not-achieved"
			}
			s = m.say(key, map[string]any{"Method": m.method(f.Achieved), "Technique": m.technique(f.Technique)})
		}
		return m.look.cut(m.look.paint(quiet, s), w)
	}
	if d.held != nil {
		return m.look.cut(m.look.paint(bad, m.say("progress.held", map[string]any{"Cause": printable(d.held.Text)})), w)
	}
	s := m.step(r, d)
	if d.progress.Device {
		alone := m.say(m.alone(r, d), nil)
		if s += ": " + alone; width(s) > w {
			s = alone
		}
	}
	if d.progress.Device || len(d.rates) == 0 {
		return m.look.cut(s, w)
	}
	room := w - width(s) - 2
	if room < 8 {
		return m.look.cut(s, w)
	}
	return s + "  " + m.look.paint(quiet, m.look.graph(d.rates, min(room, 40)))
}

// current is the step of the plan that is going on.
func current(r Row, d *driveState) (erase.Step, bool) {
	n := d.progress.Step
	if r.Plan == nil || n < 1 || n > len(r.Plan.Steps) {
		return erase.Step{}, false
	}
	return r.Plan.Steps[n-1], true
}

// alone says what a power cut does to a drive that works by itself: all but a
// sanitize breaks off, and some of it leaves the drive locked.
func (m *Model) alone(r Row, d *driveState) string {
	if step, ok := current(r, d); ok && step.SurvivesPowerCut() {
		return "progress.by-itself"
	}
	return "progress.at-work"
}

// step says which step of the plan is going on.
func (m *Model) step(r Row, d *driveState) string {
	n := d.progress.Step
	step, ok := current(r, d)
	if !ok {
		return m.say("progress.starting", nil)
	}
	pass, passes := 0, 0
	for i, s := range r.Plan.Steps {
		if s.Kind == erase.StepOverwrite {
			passes++
			if i < n {
				pass++
			}
		}
	}
	args := map[string]any{"Pass": pass, "Passes": passes, "Technique": m.technique(step.Technique)}
	if s, ok := m.text.Try("screen.step."+string(step.Kind), args); ok {
		return s
	}
	return printable(step.Title)
}
