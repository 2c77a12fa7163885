package tui

import (
	"fmt"
	"strings"

	"github.com/ombruk/ombruk/erase"
)

func (b *bench) help() string { return "screen.help.bench" }

// cellWidth is what a bay of the grid needs.
const cellWidth = 19

func (b *bench) columns(w int) int { return min(max(w/(cellWidth+1), 1), 6) }

func (b *bench) body(w, h int) (lines []string, focus int) {
	m := b.m
	if y := b.standing(); b.details && y != nil {
		return b.detail(y, w), 0
	}
	lines = append(lines, b.head(w)...)
	if b.err != nil {
		lines = append(lines, m.look.said(bad, errorText(b.err), w-2)...)
	}
	if b.arming {
		return append(lines, b.codeLines(w)...), 0
	}
	columns := b.columns(w)
	high := (len(b.bays) + columns - 1) / columns
	each := 3
	for each > 1 && high*each > h-len(lines) {
		each--
	}
	wide := (w - columns + 1) / columns
	for row := range high {
		rows := make([]string, each)
		for i := row; i < len(b.bays); i += high { // up and down go from number to number
			for n, s := range b.cell(i, wide, each) {
				if i > row {
					rows[n] += " "
				}
				rows[n] += s
			}
			if i == b.at {
				focus = len(lines) + each - 1
			}
		}
		lines = append(lines, rows...)
	}
	return lines, focus
}

// head says what the bench is about to do to what is put in.
func (b *bench) head(w int) []string {
	m := b.m
	counts := map[bayState]int{}
	for _, y := range b.bays {
		counts[y.state]++
	}
	what := m.say("drives.standard", map[string]any{"Standard": m.standardTitle(m.choice.Standard)})
	if m.choice.Accept == erase.Clear {
		what += "; " + m.say("drives.accept-on", nil)
	}
	if m.choice.BestEffort {
		what += "; " + m.say("drives.best-effort-on", nil)
	}
	if m.in.Operator != "" {
		what += "; " + printable(m.in.Operator)
	}
	var out []string
	if b.armed {
		s := m.look.sign(bad) + " " + m.say("bench.armed", nil) + "  " + m.say("bench.counts", map[string]any{
			"Working": counts[bayWork] + counts[bayPlan], "Ended": counts[bayEnded], "Left": counts[bayLeft] + counts[bayFailed] + counts[bayAgain]})
		out = append(out, m.look.block(bad, m.look.fill(" "+s, w)))
	} else {
		for _, l := range wrap(m.say("bench.not-armed", nil), w-2) {
			out = append(out, " "+m.look.bold(l))
		}
	}
	return append(out, " "+m.look.cut(what, w-2))
}

// codeLines ask for the code.
func (b *bench) codeLines(w int) (lines []string) {
	m := b.m
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, " "+l)
		}
	}
	lines = append(lines, "")
	for _, l := range wrap(m.look.sign(bad)+" "+m.say("bench.arm-what", nil), w-2) {
		lines = append(lines, m.look.block(bad, m.look.fill(" "+l, w)))
	}
	kept := 0
	for _, y := range b.bays {
		if y.state == bayKept {
			kept++
		}
	}
	lines = append(lines, "")
	if kept > 0 {
		add(wrap(m.count("bench.kept", kept, nil), w-2)...)
		for i, y := range b.bays {
			if y.state == bayKept {
				add(m.titles(i+1, y.drive, w-2)...)
			}
		}
		lines = append(lines, "")
	}
	boxes := ""
	for i := range codeDigits {
		digit := "_"
		if i < len(b.code.typed) {
			digit = b.code.typed[i : i+1]
		}
		boxes += "\u00a0" + digit
	}
	for _, l := range wrap(m.say("bench.type", map[string]any{"Code": b.code.code})+"  ["+boxes+"\u00a0]", w-2) {
		add(m.look.bold(strings.ReplaceAll(l, "\u00a0", " ")))
	}
	return lines
}

// state is what a bay's cell says first.
func (b *bench) state(y *bay) (tone, string) {
	m := b.m
	switch y.state {
	case bayKept:
		return quiet, m.say("bench.state.kept", nil)
	case bayPlan:
		return plain, m.say("bench.state.plan", nil)
	case bayLeft:
		if y.row.Boot {
			return quiet, m.say("bench.state.boot", nil)
		}
		return notice, m.say("bench.state.left", nil)
	case bayAgain:
		return notice, m.say("bench.state.again", nil)
	case bayFailed:
		return bad, m.say("bench.state.failed", nil)
	case bayEnded:
		t, s := m.outcome(*y.work.result)
		if y.gone {
			s = m.say("bench.state.out", map[string]any{"Word": s})
		}
		return t, s
	case bayWork:
		switch {
		case y.gone:
			return bad, m.say("bench.state.pulled", nil)
		case y.work.cancelled:
			return again, m.say("progress.cancelling", nil)
		case y.work.paused:
			return notice, m.say("progress.paused", nil)
		}
		return plain, m.step(y.row, &y.work)
	}
	return quiet, m.say("bench.state.free", nil)
}

// cell is one bay in the grid: number and state, drive, progress.
func (b *bench) cell(i, w, each int) []string {
	m, y := b.m, b.bays[i]
	t, s := b.state(y)
	if sign := m.look.sign(t); sign != "" {
		s = sign + " " + s
	}
	number := fmt.Sprintf("%2d ", i+1)
	percent := ""
	if y.state == bayWork && !y.gone {
		percent = " " + strings.TrimSpace((&progress{m: m}).percent(&y.work))
	}
	rest := ""
	if y.state == bayEnded { // its word is not cut where there is another line
		if parts := wrap(s, w-3); len(parts) > 1 && each == 3 {
			s, rest = parts[0], strings.Join(parts[1:], " ")
		}
	}
	first := m.look.fill(number+m.look.cut(s, w-3-width(percent)), w-width(percent)) + percent
	if i == b.at {
		first = m.look.marked(first)
	} else {
		first = m.look.bold(number) + m.look.paint(t, strings.TrimPrefix(first, number))
	}
	if each == 1 {
		return []string{first}
	}
	second, third := "", ""
	if y.state != bayFree {
		second = m.serial(y.drive)
	}
	switch {
	case y.work.result != nil && mustStayOn(*y.work.result):
		third = m.look.paint(bad, m.look.cut(m.look.sign(bad)+" "+m.say("bench.leave-in", nil), w-3))
	case rest != "":
		third = m.look.paint(t, m.look.cut("  "+rest, w-3))
	case y.state == bayWork && y.work.seen && !y.gone:
		left := ""
		if n := y.work.progress.ETASeconds; n >= 0 && !y.work.paused {
			left = " " + eta(n)
		}
		third = m.look.bar(ppm(&y.work), max(w-4-width(left), 3)) + left
	case y.state == bayLeft:
		third = printable(y.row.Refused)
	case y.state == bayFailed:
		third = errorText(y.failed)
	case y.state != bayFree:
		third = m.size(y.drive)
	}
	out := []string{first, m.look.fill("   "+second, w), m.look.fill("   "+third, w)}
	return out[:each]
}

// detail is everything about one bay.
func (b *bench) detail(y *bay, w int) (lines []string) {
	m := b.m
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, "  "+l)
		}
	}
	for _, l := range m.titles(b.at+1, y.drive, w-2) {
		lines = append(lines, " "+m.look.bold(l))
	}
	lines = append(lines, "")
	t, s := b.state(y)
	add(m.look.said(t, s, w-4)...)
	add(wrap(m.say("bench.slot", map[string]any{"Slot": printable(y.slot)}), w-4)...)
	add(indented(m.text.Get("field.path", nil)+": ", printable(y.drive.Path), w-4)...)
	if y.failed != nil {
		add(m.look.said(bad, errorText(y.failed), w-4)...)
	}
	if y.row.Refused != "" || y.row.Plan != nil {
		t, s := m.planLine(y.row)
		add(m.look.said(t, s, w-4)...)
	}
	if y.row.Refused != "" {
		for _, way := range y.row.Ways {
			add(indented(m.say("drives.way", nil)+" ", printable(way), w-4)...)
		}
	}
	for _, h := range y.row.Holds {
		add(wrap(m.say("drives.lost", map[string]any{"What": printable(h)}), w-4)...)
	}
	p := &progress{m: m}
	if y.state == bayWork && y.work.seen {
		lines = append(lines, "")
		add(p.line(&y.work, w-4), p.under(y.row, &y.work, w-4))
	}
	if r := y.work.result; r != nil && r.Err == nil {
		lines = append(lines, "")
		add(wrap(m.say("bench.record", map[string]any{"Number": r.Done.ID}), w-4)...)
	}
	if r := y.work.result; r != nil {
		if t, key := stillAtWork(*r); key != "" {
			add(m.look.said(t, m.text.Get(key, nil), w-4)...)
		}
	}
	if y.pending != nil {
		add(m.look.said(notice, m.say("bench.waits", map[string]any{"Serial": m.serial(*y.pending)}), w-4)...)
	}
	return lines
}
