package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// result is the answer: a word, a colour and a sign that all say the same.
type result struct {
	blank
	m    *Model
	busy bool
	err  error
	// since is when the answer came up.
	since time.Time
	// at is the record whose QR code is shown: 0 is the unit's, then the drives'.
	at int
	qr bool
}

func (r *result) enter() tea.Cmd {
	if r.m.unit != nil || r.busy {
		return nil
	}
	return r.close()
}

func (r *result) close() tea.Cmd {
	m := r.m
	r.busy, r.err = true, nil
	found := m.remains().found()
	found.Checks = m.checks().findings()
	if m.setup.Unattended == nil {
		// The record says what nobody looked at, too.
		found.Checks = m.checks().all()
	}
	return m.close(m.results(), found)
}

// results are what became of the rows, in their order.
func (m *Model) results() []Result {
	var out []Result
	for _, row := range m.rows {
		if d := m.drives[row.ID]; d != nil && d.result != nil {
			out = append(out, *d.result)
		}
	}
	return out
}

func (r *result) message(msg tea.Msg) tea.Cmd {
	c, ok := msg.(closed)
	if !ok || !r.busy || c.generation != r.m.generation {
		return nil
	}
	r.busy, r.err = false, c.err
	if c.err == nil {
		r.m.unit, r.since = &c.unit, r.m.setup.Now()
	}
	return nil
}

// answerTone is the tone of a page's word, as the page colours it. A word that
// is not known here is none that says clean.
func answerTone(key string) tone {
	switch key {
	case "word.clean", "word.unit-clean":
		return good
	case "word.clean-with-exceptions":
		return notice
	case "word.below", "word.destroy", "word.unit-destroy", "unit.unreachable-word":
		return bad
	}
	return again
}

// answer is the word itself.
func (m *Model) answer(a Answer) string {
	if a.Key == "" {
		return m.text.Get("word.not-proven", nil)
	}
	if a.Count > 0 {
		return m.text.Count(a.Key, int64(a.Count), nil)
	}
	return m.text.Get(a.Key, nil)
}

// outcome says what became of a drive.
func (m *Model) outcome(r Result) (tone, string) {
	if r.Err != nil {
		return bad, m.say("result.no-record", map[string]any{"Cause": errorText(r.Err)})
	}
	return answerTone(r.Answer.Key), m.answer(r.Answer)
}

// readable is how long the answer stays whatever is pressed.
const readable = 1500 * time.Millisecond

func (r *result) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	last := len(r.m.results())
	switch k.String() {
	case "enter":
		// A second press of the Enter that led here must not take the answer
		// away before anybody has read it.
		return r.m.setup.Now().Sub(r.since) < readable, nil
	case "up":
		r.at = max(r.at-1, 0)
	case "down":
		r.at = min(r.at+1, last)
	case "esc":
		if !r.qr {
			return false, nil
		}
		r.qr = false
	default:
		return false, nil
	}
	return true, nil
}

func (r *result) actions() []action {
	m := r.m
	if r.busy {
		return nil
	}
	if r.err != nil {
		return []action{
			{key: "r", label: m.say("action.try-again", nil), do: r.close},
			{key: "esc", label: m.say("action.back", nil), do: r.back},
		}
	}
	next := action{key: "n", label: m.say("action.next-machine", nil), do: m.next}
	if r.qr {
		return []action{{key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd { r.qr = false; return nil }}, next}
	}
	out := []action{next}
	if !m.checks().looked() && m.setup.Unattended == nil && m.unit.Answer.Key != "" {
		out = append(out, action{key: "g", label: m.say("result.looks", nil), do: r.askLooks})
	}
	return append(out, action{key: "q", label: m.say("action.qr", nil), do: func() tea.Cmd { r.qr = true; return nil }}, m.powerOffAction())
}

// askLooks asks for the letter that was forgotten. The machine then gets
// another record, which has it.
func (r *result) askLooks() tea.Cmd {
	m := r.m
	m.over = &menu{title: m.say("check.cosmetic-which", nil), text: []string{m.say("result.looks-why", nil)}, options: m.checks().looks(func() tea.Cmd {
		m.unit, r.at = nil, 0
		return r.close()
	})}
	return nil
}

func (r *result) back() tea.Cmd {
	if r.m.drives != nil {
		return r.m.goTo(atProgress)
	}
	return r.m.goTo(atDrives)
}

// bare gives the QR code every line of a small window.
func (r *result) bare() bool {
	if !r.qr || r.m.unit == nil {
		return false
	}
	id, sha, _ := r.record()
	code, err := r.m.look.qrLines(qrText(id, sha))
	return err == nil && sha != "" && len(code) <= r.m.height && width(code[0]) <= r.m.width
}

func (r *result) help() string { return "screen.help.result" }

// record is the number and digest of what it stands on.
func (r *result) record() (id, sha256, title string) {
	m := r.m
	if results := m.results(); r.at > 0 && r.at <= len(results) {
		if results[r.at-1].Err != nil {
			return "", "", printable(results[r.at-1].ID)
		}
		d := results[r.at-1].Done
		return d.ID, d.SHA256, printable(strings.TrimSpace(d.Record.Drive.Model)) + " " + m.serialText(d.Record.Drive.Serial)
	}
	return m.unit.Number, m.unit.SHA256, m.say("result.unit", nil)
}

func (r *result) body(w, h int) (lines []string, focus int) {
	m := r.m
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, "  "+l)
		}
	}
	switch {
	case r.err != nil:
		add("")
		add(m.look.said(bad, m.say("result.not-closed", map[string]any{"Cause": errorText(r.err)}), w-4)...)
		add(wrap(m.say("result.not-closed-do", nil), w-4)...)
		return lines, 0
	case m.unit == nil:
		add("", m.say("result.closing", nil))
		return lines, 0
	case r.qr:
		return r.code(w, h), 0
	}
	t, word := answerTone(m.unit.Answer.Key), m.answer(m.unit.Answer)
	big := m.letters(word, w-4)
	if len(big)+4+2*len(m.results()) <= h {
		for _, l := range big {
			add(m.look.paint(t, l))
		}
	}
	where := ""
	if m.unit.Disposition != "" {
		where = m.text.Get("unit-disposition."+m.unit.Disposition, nil)
	}
	line := " " + m.look.sign(t) + " " + word
	if where != "" {
		line += "   " + m.look.pick("→", "->") + " " + where
	}
	if g := printable(m.unit.Grade); g != "" {
		line += "   " + m.say("result.grade", map[string]any{"Grade": g})
	}
	for _, l := range wrap(line, w-1) {
		lines = append(lines, m.look.block(t, m.look.fill(l, w)))
	}
	for _, s := range m.unit.Why {
		add(wrap(printable(s), w-4)...)
	}
	for _, s := range m.unit.Reasons[:min(len(m.unit.Reasons), reasonsShown)] {
		add(indented(m.look.pick("·", "-")+" ", printable(s), w-4)...)
	}
	add(r.remains(w)...)
	widest := 0
	for _, d := range m.results() {
		widest = max(widest, width(r.went(d)))
	}
	for i, d := range m.results() {
		lead := "  "
		if i+1 == r.at {
			lead = m.look.pick("►", ">") + " "
			focus = len(lines)
		}
		lines = append(lines, r.drive(d, lead, widest, w)...)
		if t, key := stillAtWork(d); key != "" {
			add(m.look.said(t, m.text.Get(key, nil), w-4)...)
		}
	}
	for _, row := range m.rows {
		if !m.erased(row) && (!row.Boot || row.Internal) { // the machine's own drive is no stick
			_, s := m.planLine(row)
			if row.Refused != "" {
				s = m.text.Get("outcome.not-touched", nil) + ". " + printable(row.Refused)
			}
			add(wrap(m.look.sign(notice)+" "+m.modelOf(row.Drive.Model)+" "+m.serial(row.Drive)+": "+s, w-4)...)
		}
	}
	lead := "  "
	if r.at == 0 {
		lead = m.look.pick("►", ">") + " "
	}
	lines = append(lines, indented(lead, m.say("result.number", map[string]any{"Number": printable(m.unit.Number)}), w-2)...)
	if m.unit.PagePath != "" {
		add(wrap(m.say("result.page", map[string]any{"Path": printable(m.unit.PagePath)}), w-4)...)
	}
	if code, err := m.look.qrLines(qrText(m.unit.Number, m.unit.SHA256)); err == nil && len(lines)+len(code)+1 <= h && !m.look.ascii {
		lines = append(lines, "")
		id, sha, title := r.record()
		if r.at > 0 {
			code, err = m.look.qrLines(qrText(id, sha))
		}
		if err == nil && sha != "" {
			add(code...)
		}
		if len(lines) < h {
			add(m.look.cut(title, w-4))
		}
	}
	return lines, focus
}

// reasonsShown is how many reasons of a grade the screen has room for. The page
// has them all.
const reasonsShown = 3

// remains says what became of things besides the drives: first what is not
// dealt with.
func (r *result) remains(w int) (lines []string) {
	m := r.m
	for _, state := range []string{"left", "requested", "done"} {
		var things []string
		for _, s := range m.unit.Remains {
			if s.State == state {
				things = append(things, m.say("remains."+s.Thing, nil)+" "+m.remainWord(s.Thing, state))
			}
		}
		if len(things) > 0 {
			lines = append(lines, m.look.said(remainTone(state), strings.Join(things, ", "), w-4)...)
		}
	}
	return lines
}

// stillAtWork is what to know before power-off of a drive that was left at its
// erase; empty for one that was not.
func stillAtWork(d Result) (tone, string) {
	for _, e := range d.Done.Record.Exceptions {
		switch e.Code {
		case "at-work", "at-work-locked":
			return bad, "disposition.at-work"
		case "goes-on":
			return notice, "disposition.goes-on"
		}
	}
	return quiet, ""
}

// mustStayOn reports a drive that is not to lose its power yet.
func mustStayOn(d Result) bool {
	_, key := stillAtWork(d)
	return key == "disposition.at-work"
}

// went is the word about one drive, and where it goes.
func (r *result) went(d Result) string {
	m := r.m
	t, s := m.outcome(d)
	s = m.look.sign(t) + " " + s
	if disposition := d.Done.Record.Disposition; d.Err == nil && disposition != "" {
		s += " " + m.look.pick("→", "->") + " " + m.text.Get("next."+string(disposition), nil)
	}
	return s
}

// drive is what is said of one drive: its word, which it is, and its record.
func (r *result) drive(d Result, lead string, widest, w int) []string {
	m := r.m
	t, _ := m.outcome(d)
	drive := d.Done.Record.Drive
	name := printable(d.ID)
	if d.Err == nil {
		name = m.modelOf(drive.Model) + " " + m.serialText(drive.Serial)
	}
	id := printable(d.Done.ID)
	if widest > w/2 || w < narrow {
		var out []string
		for _, l := range indented(lead, r.went(d), w-1) {
			out = append(out, m.look.paint(t, l))
		}
		return append(out, indented("    ", name, w-1)...)
	}
	line := lead + m.look.paint(t, m.look.fill(r.went(d), widest)) + "  " + name
	if width(line)+width(id)+3 <= w {
		return []string{line + "  " + id}
	}
	out := []string{m.look.cut(line, w)}
	if id != "" && len(m.results()) <= 4 {
		out = append(out, strings.Repeat(" ", widest+4)+m.look.cut(id, w-widest-4))
	}
	return out
}

// code shows the QR code alone, as large as it must be.
func (r *result) code(w, h int) (lines []string) {
	m := r.m
	id, sha, title := r.record()
	code, err := m.look.qrLines(qrText(id, sha))
	switch {
	case err != nil:
		return wrap(errorText(err), w)
	case sha == "":
		for _, l := range m.look.said(bad, title+": "+m.say("result.no-qr", nil), w-4) {
			lines = append(lines, "  "+l)
		}
		return lines
	case len(code) > h || width(code[0]) > w:
		for _, l := range wrap(m.say("result.qr-small", map[string]any{"Width": width(code[0]), "Height": len(code)}), w-4) {
			lines = append(lines, "  "+l)
		}
		lines = append(lines, "")
		for _, s := range []string{title, printable(id), "SHA-256 " + printable(sha)} {
			for _, l := range wrap(s, w-4) {
				lines = append(lines, "  "+l)
			}
		}
		return lines
	}
	text := []string{title, "", printable(id), "", m.say("result.qr", nil), "", m.say("result.qr-back", nil)}
	if m.setup.Simulated {
		text = append(text, "", m.look.sign(notice)+" "+m.say("simulated", nil))
	}
	if m.keep.Trouble != "" {
		text = append(text, "", m.look.sign(bad)+" "+m.say("keep.trouble", map[string]any{"Cause": printable(m.keep.Trouble)}))
	}
	var side []string
	room := w - width(code[0]) - 3
	for _, s := range text {
		if room > 16 {
			side = append(side, append(wrap(s, room), "")[:max(len(wrap(s, room)), 1)]...)
		}
	}
	for i, l := range code {
		if i < len(side) {
			l += "   " + side[i]
		}
		lines = append(lines, l)
	}
	return lines
}

// mono reports whether the terminal shows no colours.
func (l look) mono() bool { return l.colour < colorprofile.ANSI }
