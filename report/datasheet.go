package report

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// DataSheet is what a data sheet needs besides the machine.
type DataSheet struct {
	Language string // one of lang.Tags
	// Source says what the machine was read from, a file's name or several;
	// empty is the machine that the program runs on.
	Source string
	// Read is when that was.
	Read time.Time
	Tool certs.Tool
}

// DataSheet draws what a machine is and, with a grade, what that is worth:
// a page for a buyer that stands on no record. It is no certificate, says so,
// and says nothing of the data on the machine's drives. The bytes are the same
// for the same input.
func (r *Renderer) DataSheet(m inventory.Machine, g *grade.Result, d DataSheet) ([]byte, error) {
	v := verdict{word: "datasheet.word", title: "title.datasheet", sign: signExclamation, colour: grey}
	// There is no record; the id only has to be one, and is printed nowhere.
	h := certs.Header{ID: "data-sheet", Tool: d.Tool, Clock: certs.Clock{WallFinished: d.Read}}
	if g != nil {
		dataless := *g
		dataless.Marks = slices.DeleteFunc(slices.Clone(g.Marks), func(m grade.Mark) bool { return m.Of == "data" })
		g = &dataless
	}
	screen := m.System.Class == "monitor" // which starts nothing and stores nothing
	best, err := r.tightest(func(tight density) (*sheet, error) {
		s, err := r.open(h, Page{Language: d.Language}, v, tight)
		if err != nil {
			return nil, err
		}
		s.recordless = true
		name := joined(" ", m.System.Manufacturer, m.System.Model)
		s.pdf.SetTitle(s.clean(joined(": ", s.t.Get(v.title, nil), name), false), true)
		s.pdf.SetAuthor(s.clean(d.Tool.Name, false), true)
		s.datasheetHead()
		s.claim()
		if g != nil && (g.Grade != "" || g.Disposition != "" || len(g.Marks) > 0) {
			s.strip(*g, g.Disposition, screen)
		}
		a, b := s.beside()
		a.identity(m.System, m.Board)
		a.hardware(m)
		b.section("source")
		source := d.Source
		if source == "" {
			source = s.t.Get("datasheet.this-machine", nil)
		}
		b.field("source-file", source)
		b.field("read-at", s.t.Time(d.Read))
		b.field("tool", s.tool(d.Tool))
		if !screen {
			b.firmware(m.Firmware, eligibility(g))
		}
		if len(m.Locks) > 0 {
			b.locks(m.Locks)
		}
		shorter(a, b).fitness(g)
		s.fillColumns(a, b)
		s.drivesAlone(m, g)
		if g != nil {
			s.because(*g)
		}
		s.notes(m.Notes)
		return s, nil
	})
	if err != nil {
		return nil, fmt.Errorf("draw data sheet: %w", err)
	}
	best.numberPages()
	if g != nil {
		best.policyLine(g.Policy)
	}
	if err := best.err(); err != nil {
		return nil, fmt.Errorf("draw data sheet: %w", err)
	}
	var b bytes.Buffer
	if err := best.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("draw data sheet: %w", err)
	}
	return b.Bytes(), nil
}

// datasheetHead draws the head of a data sheet's first page. There is no issuer
// in it, since nobody vouches for it.
func (s *sheet) datasheetHead() {
	s.text(left, 20.5, s.clean(s.t.Get(s.verdict.title, nil), true), style{19, true, ink, 8})
	s.text(left, 26, s.t.Time(s.header.Clock.WallFinished), value)
	s.textRight(right, 20.5, s.clean(s.t.Get("datasheet.made-by", map[string]any{"Tool": s.tool(s.header.Tool)}), false), value)
	s.line(left, firstTop-2.8, right, firstTop-2.8, hairline, 0.2)
	s.y = firstTop
	// The last line of every page is the policy's.
	s.floor = bottom - 4
}

// claim draws what a data sheet is and what it is not.
func (s *sheet) claim() {
	text := s.cell(left+9, right-left-12, s.t.Get("datasheet.claim", nil), style{9.5, true, ink, 4.4})
	height := float64(len(text.lines))*text.style.leading + 3.6
	s.pdf.SetDrawColor(ink.r, ink.g, ink.b)
	s.pdf.SetLineWidth(0.3)
	s.pdf.Rect(left+0.15, s.y, right-left-0.3, height, "D")
	s.drawSign(signExclamation, left+4.5, s.y+height/2, 4.6, ink)
	text.dy = 1.8
	s.drawCell(text)
	s.y += height
}

// drivesAlone draws the drives of a machine that nothing was done to.
func (s *sheet) drivesAlone(m inventory.Machine, g *grade.Result) {
	if len(m.Drives) == 0 {
		return
	}
	s.section("drives")
	t := s.table(stepColumns{"drive", left, 52}, stepColumns{"serial", left + 54, 32},
		stepColumns{"media", left + 88, 24}, stepColumns{"health", left + 114, 60})
	const shown = 200
	for i, d := range m.Drives[:min(len(m.Drives), shown)] {
		health, bad := s.driveHealth(g, d.Path)
		media := ""
		if d.Media != "" && d.Media != inventory.MediaUnknown {
			media = s.known("media", string(d.Media))
		}
		if d.Bus != "" && d.Bus != inventory.BusUnknown {
			media = joined(", ", media, s.known("bus", string(d.Bus)))
		}
		t.put(i == len(m.Drives)-1, []string{s.driveName(d, d.Path, joined(" ", missingFrom(d.Model, d.Manufacturer), d.Model)), d.Serial, media, health},
			map[string]bool{"health": bad})
	}
	if more := len(m.Drives) - shown; more > 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Count("value.more", int64(more), nil), value)))
	}
}

// policyLine says at the bottom of the first page by which policy it judges.
func (s *sheet) policyLine(p grade.Policy) {
	text := joined(", ", p.Name, p.SHA256)
	if text == "" {
		return
	}
	s.onPage(1)
	s.floor = bottom + 4
	s.y = bottom - 3
	s.put(makeRow(
		cell{x: left, lines: []string{s.clean(s.t.Get("field.policy", nil), false)}, style: smallLb},
		cell{x: left + 19, lines: s.r.regular.wrap(s.clean(text, false), small.points, right-left-19)[:1], style: small}))
}
