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

// groupSteps joins consecutive equal steps: same technique, same pattern, same
// commands and answers, no errors. Where that leaves too many rows (a run of 35
// patterns), consecutive steps of one technique join whatever they write, but
// random passes stay apart from fixed patterns.
func groupSteps(steps []certs.Step) []stepGroup {
	equal := func(a, b certs.Step) bool {
		return a.Technique == b.Technique && a.Pattern == b.Pattern && slices.Equal(a.Commands, b.Commands) &&
			len(a.Errors) == 0 && len(b.Errors) == 0
	}
	alike := func(a, b certs.Step) bool {
		return a.Technique == b.Technique && isRandom(a.Pattern) == isRandom(b.Pattern) &&
			len(a.Errors) == 0 && len(b.Errors) == 0
	}
	groups := joinSteps(steps, equal)
	if len(groups) > maxStepRows {
		groups = joinSteps(steps, alike)
	}
	return groups
}

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
	{"pass", left, 9},
	{"step", left + 10, 45},
	{"start", left + 57, 31},
	{"end", left + 89, 31},
	{"bytes", left + 121, 14},
	{"answer", left + 136, 38},
}

// steps draws the table of steps.
func (s *sheet) steps(steps []certs.Step) {
	if len(steps) == 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Get("steps.none", nil), value)))
		return
	}
	text := style{7.75, false, ink, 3.5}
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
		texts := [...]string{
			number, s.stepText(g), s.t.Timestamp(first.Started), s.t.Timestamp(last.Finished), s.t.Bytes(g.bytes), s.answer(g),
		}
		var cells []cell
		for j, c := range stepTable {
			cells = append(cells, s.cell(c.x, c.width, texts[j], text))
		}
		r := makeRow(cells...)
		if list := s.patternsInOrder(g); list != "" {
			// As wide as the table, so that it takes few lines.
			wide := s.cell(stepTable[1].x, right-stepTable[1].x, list, text)
			wide.dy = r.height
			r = makeRow(append(cells, wide)...)
		}
		r.under = i < len(groups)-1
		if i == 0 {
			s.together(0, header, r)
			s.put(header)
		} else if s.y+r.height > bottom {
			s.need(r.height)
			s.put(header)
		}
		s.put(r)
	}
	s.skip(0.6)
}

// stepText names the technique and the pattern or patterns of a row.
func (s *sheet) stepText(g stepGroup) string {
	technique := capital(s.technique(g.steps[0].Technique))
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

// answer is what the drive said, once if it always said the same.
func (s *sheet) answer(g stepGroup) string {
	const maxCommands = 6
	var answers []string
	for _, st := range g.steps {
		var parts []string
		for i, c := range st.Commands {
			if i == maxCommands {
				parts = append(parts, s.t.Count("steps.more-commands", int64(len(st.Commands)-i), nil))
				break
			}
			parts = append(parts, s.command(c))
		}
		answers = append(answers, strings.Join(parts, "; "))
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(answers)))
	text := distinct[0]
	switch {
	case len(distinct) > 1:
		text = s.t.Count("steps.answers", int64(len(distinct)), nil)
	case len(g.steps) > 1 && text != "":
		text = s.t.Count("steps.each", int64(len(g.steps)), map[string]any{"Answer": text})
	}
	if g.errors > 0 {
		text = joined("; ", text, s.t.Count("steps.errors", int64(g.errors), nil))
	}
	return text
}

var transfers = regexp.MustCompile(`^(\d{1,18}) transfers, (\d{1,18}) refused$`)

func (s *sheet) command(c erase.Command) string {
	status := c.Status
	if m := transfers.FindStringSubmatch(status); m != nil {
		calls, _ := strconv.ParseInt(m[1], 10, 64)
		refused, _ := strconv.ParseInt(m[2], 10, 64)
		status = s.t.Get("steps.transfers", map[string]any{"Calls": s.t.Number(calls), "Refused": s.t.Number(refused)})
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
