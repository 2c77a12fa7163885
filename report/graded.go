package report

import (
	"slices"
	"strings"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory/grade"
)

// judged is a reason of a judgement in the page's language, or the record's own
// English where the language has no words for its code or lacks a fact for it.
func (s *sheet) judged(r grade.Reason) string {
	if text, ok := s.t.Reason(r.Code, r.Args); ok {
		return text
	}
	if r.Text != "" {
		return r.Text
	}
	return r.Code
}

// reasons are reasons in one sentence part.
func (s *sheet) judgedAll(list []grade.Reason) string {
	var texts []string
	for _, r := range list {
		texts = append(texts, s.judged(r))
	}
	return strings.Join(s.firstOf(texts), "; ")
}

// dispositionSign says where a unit goes to those who read no words.
func dispositionSign(d grade.Disposition) sign {
	switch d {
	case grade.Reuse:
		return signCheck
	case grade.Recycle:
		return signAgain
	case grade.Parts:
		return signExclamation
	case grade.Return, grade.Hold:
		return signPause
	default:
		return signQuestion
	}
}

// strip draws the grade large, where the unit goes, and the marks that led
// there. What stands in the answer above is never weakened by it: while the
// storage is not settled, or something is to be done first, the disposition is
// only what would be.
func (s *sheet) strip(g grade.Result, disposition grade.Disposition, settled bool) {
	const height, square = 16.0, 21.0
	s.need(height + 2)
	top := s.y + 1.1
	s.pdf.SetDrawColor(ink.r, ink.g, ink.b)
	s.pdf.SetLineWidth(0.3)
	s.pdf.Rect(left+0.15, top, right-left-0.3, height, "D")
	s.line(left+square, top, left+square, top+height, ink, 0.3)

	letter := style{30, true, ink, 11}
	text := s.clean(g.Grade, true)
	if text == "" {
		text = "\u2013"
	}
	for s.r.bold.width(text, letter.points) > square-3 && letter.points > 6 {
		letter.points--
	}
	text = s.r.bold.wrap(text, letter.points, square-2)[0]
	width := s.r.bold.width(text, letter.points)
	s.text(left+2, top+3.6, s.clean(s.t.Get("strip.grade", nil), false), style{7, false, muted, 3})
	s.text(left+(square-width)/2, top+height/2+1.6+letter.points*mmPerPoint*0.36, text, letter)

	x := left + square + 4
	word := s.t.Get("unit.not-graded", nil)
	if disposition != "" {
		word = s.known("unit-disposition", string(disposition))
	}
	unsettled := !settled && disposition == grade.Reuse
	held := unsettled || len(g.Conditions) > 0 && disposition != "" && disposition != grade.Hold
	shown := dispositionSign(disposition)
	if held {
		shown = signPause
	}
	s.drawSign(shown, x+2.2, top+4.9, 4.2, ink)
	word = s.clean(word, true)
	big := style{12.5, true, ink, 5}
	s.text(x+6.5, top+6.5, word, big)
	const after = 3.0
	beside := x + 6.5 + s.r.bold.width(word, big.points) + after
	var facts []string
	switch {
	case unsettled:
		facts = append(facts, s.t.Get("strip.not-settled", nil))
	case held:
		facts = append(facts, s.t.Get("strip.once", nil))
	case disposition == grade.Hold && g.Afterwards != "" && g.Afterwards != grade.Hold:
		facts = append(facts, s.t.Get("strip.afterwards", map[string]any{"Where": s.known("unit-disposition", string(g.Afterwards))}))
	}
	if g.Status != "" {
		facts = append(facts, s.known("legal-status", string(g.Status)))
	}
	if codes := joined(" ", g.R2Function, g.R2Cosmetic); codes != "" {
		facts = append(facts, "R2 "+codes)
	}
	st := style{8.5, held, ink, 3.9}
	s.text(beside, top+6.4, s.face(held).wrap(s.clean(strings.Join(facts, "  \u00b7  "), held), st.points, right-2-beside)[0], st)

	if g.Grade == "" && g.BestPossible != "" {
		best := s.clean(s.t.Get("strip.at-best", map[string]any{"Grade": g.BestPossible}), true)
		s.text(left+2, top+height-1.6, s.r.bold.wrap(best, 7, square-3)[0], style{7, true, ink, 3})
	}
	if len(g.Marks) == 0 {
		s.y = top + height
		return
	}
	step := (right - 2 - x) / float64(max(len(g.Marks), 5))
	for i, m := range g.Marks[:min(len(g.Marks), 8)] {
		mark := s.clean(m.Grade, true)
		switch {
		case m.Grade == "" && m.AtBest != "":
			mark = s.clean("\u2264 "+m.AtBest, true)
		case m.Grade == "":
			mark = "\u2013"
		}
		at := x + float64(i)*step
		s.text(at, top+10.7, s.r.regular.wrap(s.clean(s.known("mark", m.Of), false), 7.5, step-1)[0], style{7.5, false, muted, 3})
		s.text(at, top+14.5, s.r.bold.wrap(mark, 10.5, step-1)[0], style{10.5, true, ink, 4})
	}
	s.y = top + height
}

// because draws what is to be done first, why the unit got its grade and goes
// where it goes, and what nobody knows, each reason with the rules that gave it.
func (s *sheet) because(g grade.Result) {
	type line struct {
		of, text string
		rules    []string
		first    bool
	}
	var lines []*line
	seen := map[string]*line{}
	add := func(of string, list []grade.Reason, first bool) {
		for _, r := range list {
			text := s.judged(r)
			l := seen[text]
			if l == nil {
				l = &line{of: of, text: text, first: first}
				lines, seen[text], of = append(lines, l), l, ""
			}
			if r.Rule != "" && !slices.Contains(l.rules, r.Rule) {
				l.rules = append(l.rules, r.Rule)
			}
		}
	}
	add(s.t.Get("because.first", nil), g.Conditions, true)
	add(s.t.Get("because.result", nil), g.Reasons, false)
	for _, m := range g.Marks {
		add(joined(" ", s.known("mark", m.Of), m.Grade), m.Reasons, false)
	}
	add(s.t.Get("because.open", nil), g.Open, false)
	var steps []string
	for _, step := range g.Preparation {
		steps = append(steps, joined(": ", s.known("judged.step", step.Step), s.known("judged.result", step.Result)))
	}
	if len(steps) > 0 {
		lines = append(lines, &line{of: "EN 50614", text: strings.Join(s.firstOf(steps), "; ")})
	}
	if len(lines) == 0 {
		return
	}
	s.section("because")
	const of, rule = 24.0, 47.0
	const most = 60 // reasons; what is more is in the record
	quiet := cramped
	quiet.colour = muted
	for i, l := range lines {
		if i == most {
			s.put(makeRow(s.cell(left+of, right-left-of, s.t.Count("value.more", int64(len(lines)-most), nil), cramped)))
			break
		}
		st := cramped
		st.bold = l.first
		s.put(makeRow(
			s.cell(left, of-1, l.of, st),
			s.cell(left+of, right-left-of-rule-2, l.text, st),
			s.cell(right-rule, rule, strings.Join(s.firstOf(l.rules), ", "), quiet)))
	}
}

// fitness draws which profiles the unit meets, and which parts would lift it.
func (k *stack) fitness(g *grade.Result) {
	if g == nil || len(g.Profiles)+len(g.Upgrades) == 0 {
		return
	}
	s := k.s
	k.section("fitness")
	row := func(name, says string) {
		k.rows = append(k.rows, makeRow(
			s.cell(k.x, stackLabel-1, name, style{7.25, false, muted, fact.leading}), s.cell(k.x+stackLabel, k.width-stackLabel, says, fact)))
	}
	for _, p := range g.Profiles[:min(len(g.Profiles), maxItems)] {
		says := s.known("fits", p.Fits)
		if len(p.Failing) > 0 {
			says = joined(": ", says, s.judgedAll(p.Failing))
		}
		for i, u := range p.Upgrades[:min(len(p.Upgrades), maxItems)] {
			lead := ""
			if i == 0 {
				lead = s.t.Get("fits.with", nil)
			}
			says = joined("; ", says, joined(" ", lead, s.upgrade(u)))
		}
		row(p.Profile, says)
	}
	for i, u := range g.Upgrades[:min(len(g.Upgrades), maxItems)] {
		name := ""
		if i == 0 {
			name = s.t.Get("fits.upgrade", nil)
		}
		says := s.upgrade(u)
		if u.From != u.To {
			says = joined(", ", says, s.t.Get("fits.lifts", map[string]any{"From": graded(u.From), "To": graded(u.To)}))
		}
		row(name, says)
	}
}

func graded(letter string) string {
	if letter == "" {
		return "\u2013"
	}
	return letter
}

// upgrade is what to put in and what it costs.
func (s *sheet) upgrade(u grade.Upgrade) string {
	what := u.Text
	if u.Reason.Code != "" {
		what = s.judged(u.Reason)
	}
	what = joined(": ", s.known("upgrade", u.Part), what)
	if len(u.With) > 0 {
		what = joined(", ", what, s.t.Get("judged.together", nil))
	}
	if u.CostMinor == nil {
		return joined(", ", what, s.t.Get("fits.no-price", nil))
	}
	return joined(", ", what, s.t.Get("fits.price", map[string]any{"Price": s.t.Money(*u.CostMinor, u.Currency)}))
}

// eligibility is the judgement about Windows 11; nil when there is none.
func eligibility(g *grade.Result) *grade.Eligibility {
	if g == nil {
		return nil
	}
	return &g.Windows11
}

// driveHealth is the verdict on a drive with what decided it; all that speaks
// for it stands with the mark that it came to, where there is one.
func (s *sheet) driveHealth(g *grade.Result, path string) (text string, bad bool) {
	if g == nil {
		return "", false
	}
	for _, d := range g.Health {
		if d.Path != path {
			continue
		}
		shown := d.Reasons
		told := func(r grade.Reason) bool {
			return slices.ContainsFunc(g.Marks, func(m grade.Mark) bool {
				return slices.ContainsFunc(m.Reasons, func(o grade.Reason) bool { return s.judged(o) == s.judged(r) })
			})
		}
		text := s.judgedAll(shown)
		if more := len(shown) - 1; more > 0 && !slices.ContainsFunc(shown[1:], func(r grade.Reason) bool { return !told(r) }) {
			text = joined(" ", s.judged(shown[0]), s.t.Count("value.more", int64(more), nil))
		}
		return joined(": ", s.known("drive-health", d.Verdict), text), d.Verdict == "reject"
	}
	return "", false
}

// policyOf is the policy that judged, as the foot shows it; nil when none did.
func policyOf(g *grade.Result) *certs.Policy {
	if g == nil {
		return nil
	}
	return &certs.Policy{Name: g.Policy.Name, SHA256: g.Policy.SHA256}
}
