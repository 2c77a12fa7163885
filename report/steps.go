package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

// maxStepRows is how many rows the table of steps may have before passes of
// different patterns share one.
const maxStepRows = 9

// stepGroup is a run of consecutive steps that one row of the table stands for.
type stepGroup struct {
	first, last int // step numbers from 1, both inclusive
	steps       []certs.Step
	passes      int
	patterns    []string
	bytes       int64
	errors      int
}

// groupSteps joins consecutive equal passes of overwriting: same pattern, same
// commands and answers, no errors. Where that leaves too many rows (a run of 35
// patterns), consecutive passes join whatever they write, but random passes
// stay apart from fixed patterns. What the drive does itself is never joined.
func groupSteps(steps []certs.Step) []stepGroup {
	alike := func(a, b certs.Step) bool {
		return overwrites(a) && overwrites(b) && a.Technique == b.Technique && a.Run == b.Run && isRandom(a.Pattern) == isRandom(b.Pattern) &&
			len(a.Errors) == 0 && len(b.Errors) == 0
	}
	equal := func(a, b certs.Step) bool {
		return alike(a, b) && a.Pattern == b.Pattern && slices.Equal(a.Commands, b.Commands)
	}
	groups := joinSteps(steps, equal)
	if len(groups) > maxStepRows {
		groups = joinSteps(steps, alike)
	}
	return groups
}

// overwrites reports whether a step is a pass of overwriting; the first records
// named no kind, because there was no other.
func overwrites(st certs.Step) bool { return st.Kind == erase.StepOverwrite || st.Kind == "" }

func isRandom(pattern string) bool {
	return strings.HasPrefix(pattern, "random (") || pattern == "random"
}

func joinSteps(steps []certs.Step, same func(a, b certs.Step) bool) []stepGroup {
	var groups []stepGroup
	number := 1
	for i, st := range steps {
		passes := max(st.Passes, 1)
		if i == 0 || !same(steps[i-1], st) {
			groups = append(groups, stepGroup{first: number})
		}
		g := &groups[len(groups)-1]
		g.steps = append(g.steps, st)
		g.passes += passes
		g.last = number + passes - 1
		g.bytes += st.Bytes
		g.errors += len(st.Errors)
		g.patterns = append(g.patterns, st.Pattern)
		number += passes
	}
	return groups
}

// stepColumns are the columns of the table of steps: left edge and width.
type stepColumns struct {
	key      string
	x, width float64
}

var stepTable = [...]stepColumns{
	{"number", left, 9},
	{"step", left + 10, 86},
	{"start", left + 97, 31},
	{"end", left + 128.5, 31},
	{"bytes", left + 160, 14},
}

// steps draws the table of steps. What the drive was given and what it
// answered stands below each step, as wide as the table.
func (s *sheet) steps(steps []certs.Step) {
	if len(steps) == 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Get("steps.none", nil), value)))
		return
	}
	text, below := style{7.75, false, ink, 3.5}, style{7.25, false, ink, 3.2}
	var head []cell
	for _, c := range stepTable {
		head = append(head, s.cell(c.x, c.width, s.t.Get("field."+c.key, nil), label))
	}
	header := makeRow(head...)
	header.under = true
	groups := groupSteps(steps)
	for i, g := range groups {
		number := strconv.Itoa(g.first)
		if g.last > g.first {
			number += "\u2013" + strconv.Itoa(g.last)
		}
		first, last := g.steps[0], g.steps[len(g.steps)-1]
		size := "\u2013"
		if g.bytes > 0 || overwrites(first) {
			size = s.t.Bytes(g.bytes)
		}
		texts := [...]string{number, s.stepText(g), s.t.Timestamp(first.Started), s.t.Timestamp(last.Finished), size}
		var cells []cell
		for j, c := range stepTable {
			cells = append(cells, s.cell(c.x, c.width, texts[j], text))
		}
		r := makeRow(cells...)
		for _, line := range append(s.answers(g), answer{text: s.patternsInOrder(g)}) {
			if line.text == "" {
				continue
			}
			wide := s.cell(stepTable[1].x, right-stepTable[1].x, line.text+line.more, below)
			if line.brief != "" && len(wide.lines) > 1 {
				wide.lines = []string{s.cutTo(right-stepTable[1].x, line.brief, line.more, wide.style)}
			}
			wide.dy = r.height
			cells = append(cells, wide)
			r = makeRow(cells...)
		}
		r.under = i < len(groups)-1
		if i == 0 {
			s.together(0, header, r)
			s.put(header)
		} else if s.y+r.height > s.floor {
			s.need(r.height)
			s.put(header)
		}
		s.put(r)
	}
	s.skip(0.6)
}

// stepText says in words what a row's step was. It says what was done, not
// what came of it: that is the drive's answer, and the outcome.
func (s *sheet) stepText(g stepGroup) string {
	st := g.steps[0]
	technique, command := capital(s.technique(st.Technique)), ""
	if st.Command != "" {
		command = erase.SpecificationName(st.Command)
	}
	switch st.Kind {
	case erase.StepErase:
		if technique == "" || command == "" {
			return joined(" ", technique, command)
		}
		return fmt.Sprintf("%s (%s)", short(technique), command)
	case erase.StepAwait:
		if command == "" {
			return s.t.Get("step.await-other", nil)
		}
		return s.t.Get("step.await", map[string]any{"Command": command})
	case erase.StepContinue:
		return s.t.Get("step.continue", map[string]any{"Run": st.Run})
	case erase.StepReveal:
		if st.Bytes > 0 {
			return s.t.Get("step.revealed", map[string]any{"Size": s.t.Bytes(st.Bytes)})
		}
	}
	if !overwrites(st) {
		return joined(": ", s.known("step", string(st.Kind)), technique)
	}
	if st.Run != "" {
		technique = s.t.Get("step.by-run", map[string]any{"Technique": technique, "Run": st.Run})
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(g.patterns)))
	text := ""
	switch {
	case len(distinct) == 1 && g.passes == 1:
		text = s.pattern(distinct[0])
	case len(distinct) == 1 && distinct[0] != "":
		text = s.t.Count("steps.times", int64(g.passes), map[string]any{"Pattern": s.pattern(distinct[0])})
	case len(distinct) > 1:
		text = s.t.Count("steps.patterns", int64(g.passes), nil)
	}
	return joined(": ", technique, text)
}

// patternsInOrder lists what the passes of a row wrote, where they differ.
func (s *sheet) patternsInOrder(g stepGroup) string {
	if len(slices.Compact(slices.Sorted(slices.Values(g.patterns)))) < 2 {
		return ""
	}
	patterns := make([]string, len(g.patterns))
	for i, p := range g.patterns {
		// The bytes of one pattern stay on one line.
		patterns[i] = strings.ReplaceAll(s.pattern(p), " ", "\u00a0")
	}
	return s.t.Get("steps.in-order", map[string]any{"Patterns": strings.Join(patterns, ", ")})
}

// pattern puts the record's words for a pattern into the page's language;
// bytes stay as they are.
func (s *sheet) pattern(p string) string {
	generator, isFrom := strings.CutPrefix(p, "random (")
	randomByte, isByte := strings.CutPrefix(p, "random byte ")
	complement, isComplement := strings.CutPrefix(p, "complement ")
	switch {
	case p == "random":
		return s.t.Get("pattern.random", nil)
	case isFrom && strings.HasSuffix(generator, ")"):
		return s.t.Get("pattern.random-from", map[string]any{"Generator": strings.TrimSuffix(generator, ")")})
	case isByte:
		return s.t.Get("pattern.random-byte", map[string]any{"Byte": randomByte})
	case isComplement:
		return s.t.Get("pattern.complement", map[string]any{"Byte": complement})
	}
	return p
}

// answer is a line on what the drive was given and what it answered.
type answer struct {
	text string
	more string // how much was left out behind it
	// brief is set where the answer takes one line and the record tells the
	// rest: the text without the command's parameters in words.
	brief string
}

// answers are what the drive was given in a row's steps and what it answered,
// a line each. Passes of overwriting take one line, once if the answer was
// always the same.
func (s *sheet) answers(g stepGroup) []answer {
	var lines []answer
	if !overwrites(g.steps[0]) {
		lines = s.commands(g.steps[0].Commands)
	} else {
		var answers []string
		for _, st := range g.steps {
			var texts []string
			for _, c := range st.Commands {
				texts = append(texts, s.command(c))
			}
			answers = append(answers, strings.Join(texts, "; "))
		}
		distinct := slices.Compact(slices.Sorted(slices.Values(answers)))
		text := distinct[0]
		switch {
		case len(distinct) > 1:
			text = s.t.Count("steps.answers", int64(len(distinct)), nil)
		case len(g.steps) > 1 && text != "":
			text = s.t.Count("steps.each", int64(len(g.steps)), map[string]any{"Answer": text})
		}
		lines = append(lines, answer{text: text})
	}
	if g.errors > 0 {
		lines = append(lines, answer{text: s.t.Count("steps.errors", int64(g.errors), nil)})
	}
	return lines
}

// commands are the first command of a step and the last, with their answers;
// those between them are counted. A drive may have been asked ten thousand
// times, and the record tells it all.
func (s *sheet) commands(list []erase.Command) []answer {
	var lines []answer
	for i, c := range list {
		if i == 0 || i == len(list)-1 {
			brief := c
			brief.Code, _, _ = strings.Cut(c.Code, ": ")
			lines = append(lines, answer{text: s.command(c), brief: s.command(brief)})
		}
	}
	if left := len(list) - 2; left > 0 {
		lines[0].more = " " + s.t.Count("steps.more-commands", int64(left), nil)
	}
	return lines
}

// cutTo is text, with an ellipsis where it is too long, and behind it what is
// never cut, in one line.
func (s *sheet) cutTo(width float64, text, more string, st style) string {
	g := s.face(st.bold)
	text, more = g.clean(text), g.clean(more)
	if g.width(text+more, st.points) <= width {
		return text + more
	}
	runes, end := []rune(text), "\u2026"+more
	for len(runes) > 0 && g.width(string(runes)+end, st.points) > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ,;:") + end
}

// ownWords are what ombruk itself says of a step in the record, and the message
// that says it on a page, with the numbers in their order.
var ownWords = []struct {
	says   *regexp.Regexp
	key    string
	params []string
}{
	{regexp.MustCompile(`^(\d{1,18}) transfers, (\d{1,18}) refused$`), "steps.transfers", []string{"Calls", "Refused"}},
	{regexp.MustCompile(`^up to byte (\d{1,18})$`), "steps.up-to", []string{"Byte"}},
	{regexp.MustCompile(`^from byte (\d{1,18}) of pass (\d{1,9}) of (\d{1,9})$`), "steps.from", []string{"Byte", "Pass", "Of"}},
	{regexp.MustCompile(`^(\d{1,18}) s$`), "steps.paused", []string{"Seconds"}},
	{regexp.MustCompile(`^(\d{1,18}) s in (\d{1,9}) pauses$`), "steps.paused-often", []string{"Seconds", "Pauses"}},
}

// inWords puts such words into the page's language; others stay as they are.
func (s *sheet) inWords(status string) (text string, ok bool) {
	for _, p := range ownWords {
		m := p.says.FindStringSubmatch(status)
		if m == nil {
			continue
		}
		params := map[string]any{}
		for i, name := range p.params {
			n, _ := strconv.ParseInt(m[i+1], 10, 64)
			params[name] = s.t.Number(n)
		}
		return s.t.Get(p.key, params), true
	}
	return status, false
}

func (s *sheet) command(c erase.Command) string {
	status, ours := s.inWords(c.Status)
	if ours && (c.Name == "go on" || c.Name == "pause") {
		return status // the row says the rest
	}
	switch status {
	case "done":
		status = s.t.Get("steps.done", nil)
	case "not sent":
		status = s.t.Get("steps.not-sent", nil)
	}
	name := c.Name
	if c.Code != "" {
		name = fmt.Sprintf("%s (%s)", name, c.Code)
	}
	return joined(": ", name, status)
}
