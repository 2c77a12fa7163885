package report

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/lang"
)

// exceptions draws what a reader must know, or the sentence that there is
// nothing. byDrive is true when the drive erased itself and was then read.
func (s *sheet) exceptions(list []erase.Exception, byDrive bool) {
	s.section("exceptions")
	if len(list) == 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Get("exceptions.none", nil), value)))
		return
	}
	// A code may have other words where the drive erased itself, or still does.
	var variants []string
	if leftAtWork(list) {
		variants = append(variants, "-goes-on")
	}
	if byDrive {
		variants = append(variants, "-by-drive")
	}
	const indent = 5.0
	x, width := left+indent, right-left-indent
	for _, e := range list {
		text := s.cell(x, width, s.exception(e, variants), value)
		rows := []row{makeRow(text)}
		if len(e.LBARanges) > 0 {
			ranges := s.t.Get("exceptions.blocks", map[string]any{"Ranges": s.ranges(e.LBARanges)})
			rows = append(rows, makeRow(s.cell(x, width, ranges, style{7.75, false, ink, 3.5})))
		}
		s.together(0, rows...)
		for i, r := range rows {
			s.need(r.height)
			if i == 0 {
				s.drawSign(signExclamation, left+1.6, s.y+2, 3, ink)
			}
			s.put(r)
		}
		s.skip(0.7)
	}
}

// goesOn reports whether the drive was left erasing by itself.
func goesOn(list []erase.Exception) bool {
	return slices.ContainsFunc(list, func(e erase.Exception) bool { return e.Code == "goes-on" })
}

// leftAtWork reports whether the drive was left at its erase, whatever becomes of it.
func leftAtWork(list []erase.Exception) bool {
	return slices.ContainsFunc(list, func(e erase.Exception) bool {
		return e.Code == "goes-on" || e.Code == "at-work" || e.Code == "at-work-locked"
	})
}

// exception is the sentence of an exception in the page's language, or the
// record's own English where the language has none or lacks a fact for it.
func (s *sheet) exception(e erase.Exception, variants []string) string {
	args := map[string]any{}
	for k, v := range e.Params {
		args[k] = v
		if k == "cause" {
			args[k] = s.cause(v, e.Code)
		}
		if k == "accepted" || k == "achieved" {
			args[k] = s.known("method", v)
		}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			switch k {
			case "blocks", "markers", "places", "remembered":
				args[k] = s.t.Number(n)
			case "bytes":
				args[k] = s.t.Bytes(n)
			}
		}
	}
	if name, ok := args["name"].(string); ok {
		args["name"] = s.space(name)
	}
	text, ok := "", false
	for _, v := range append(variants, "") {
		if text, ok = s.t.Try("exception."+e.Code+v, args); ok {
			break
		}
	}
	if !ok {
		text = joined(": ", e.Text)
		if text == "" {
			text = e.Code
		}
	}
	if cause := s.cause(e.Params["cause"], e.Code); ok && e.Code == "hidden-area-left" && cause != "" {
		text += " " + s.t.Get("exceptions.cause", map[string]any{"Cause": cause})
	}
	// A cause may say nothing that the sentence does not, or may end with its
	// own full stop.
	if ok {
		text = strings.ReplaceAll(text, ": .", ".")
	}
	if strings.HasSuffix(text, "..") && !strings.HasSuffix(text, "...") {
		text = strings.TrimSuffix(text, ".")
	}
	if e.Params["more"] == "yes" {
		text += " " + s.t.Get("exceptions.cut", nil)
	}
	return text
}

// ranges lists block ranges, the first of them where there are many.
func (s *sheet) ranges(list []erase.BadRange) string {
	const shown = 40
	var parts []string
	for _, r := range list[:min(len(list), shown)] {
		text := strconv.FormatUint(r.LBA, 10)
		if r.Count > 1 {
			text += "\u2013" + strconv.FormatUint(r.LBA+r.Count-1, 10)
		}
		parts = append(parts, text)
	}
	text := strings.Join(parts, ", ")
	if more := len(list) - shown; more > 0 {
		text = s.t.Count("exceptions.more", int64(more), map[string]any{"Ranges": text})
	}
	return text
}

// verified are the people of a record whose read-back may have been the same
// person's doing: then the page says that it was the program's read-back, so
// that nobody takes it for a second person, and names nobody where the
// read-back did not show the drive to be clean.
func verified(t *lang.Text, rec certs.Sanitization) certs.People {
	p := rec.People
	performer := rec.Operator
	if p.PerformedBy != nil {
		performer = p.PerformedBy.Name
	}
	switch {
	case p.VerifiedBy == nil || p.VerifiedBy.Name == "" || p.VerifiedBy.Name != performer && p.VerifiedBy.Name != rec.Operator:
	case !rec.Outcome.Clean():
		p.VerifiedBy = nil
	default:
		by := *p.VerifiedBy
		by.Name = t.Get("people.read-back", map[string]any{"Name": by.Name})
		p.VerifiedBy = &by
	}
	return p
}

// people draws the accountable people (NIST SP 800-88 Rev. 2 section 4.6:
// name, title, date, location, contact, signature of each), with lines to
// write on for those the record does not name, and then the clock.
func (s *sheet) people(p certs.People, operator string, clock certs.Clock) {
	const columns, gap, labelWidth = 3, 6.0, 19.0
	rule := 4.6 * s.density.space // a line that a hand can write on
	width := (right - left - gap*(columns-1)) / columns
	persons := [columns]*certs.Person{p.PerformedBy, p.VerifiedBy, p.ValidatedBy}
	if persons[0] == nil && operator != "" {
		persons[0] = &certs.Person{Name: operator}
	}
	var title []cell
	for i, key := range []string{"performed", "verified", "validated"} {
		title = append(title, s.cell(left+float64(i)*(width+gap), width, s.t.Get("field."+key, nil), strong))
	}
	rows := []row{makeRow(title...)}
	for _, key := range []string{"name", "title", "organisation", "date", "place", "contact", "signature"} {
		var cells []cell
		height := 0.0
		for i, who := range persons {
			x := left + float64(i)*(width+gap)
			text := ""
			if who != nil {
				text = s.personField(*who, key)
			}
			lb := s.cell(x, labelWidth-1, s.t.Get("field."+key, nil), label)
			v := s.cell(x+labelWidth, width-labelWidth, text, value)
			if text == "" {
				v = cell{x: x + labelWidth, rule: width - labelWidth, style: lb.style}
				height = rule
			}
			cells = append(cells, lb, v)
		}
		r := makeRow(cells...)
		if r.height < height {
			for i := range r.cells {
				r.cells[i].dy = height - r.height
			}
			r.height = height
		}
		rows = append(rows, r)
	}
	st := value
	if !clock.Trusted {
		st = strong
	}
	rows = append(rows, row{height: 1.2 * s.density.space}, makeRow(
		s.cell(left, labelWidth-1, s.t.Get("field.clock", nil), label),
		s.cell(left+labelWidth, right-left-labelWidth, s.clock(clock), st)))
	s.together(9, rows...)
	s.section("people")
	s.put(rows...)
}

// personField is one fact about a person. The signature of a named person is
// the station's, which covers the record that names him or her.
func (s *sheet) personField(p certs.Person, key string) string {
	switch key {
	case "name":
		return p.Name
	case "title":
		return p.Title
	case "organisation":
		return p.Organisation
	case "date":
		return s.date(p.Date)
	case "place":
		return p.Place
	case "contact":
		return p.Contact
	}
	if p.Name == "" {
		return ""
	}
	return s.t.Get("people.signed", nil)
}

// date writes an RFC 3339 date or time as a date; anything else as it stands.
func (s *sheet) date(text string) string {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if at, err := time.Parse(layout, text); err == nil {
			return s.t.Date(at)
		}
	}
	return text
}

func (s *sheet) clock(c certs.Clock) string {
	source := s.t.Get("clock.unknown", nil)
	if c.Source != "" {
		source = s.known("clock", c.Source)
	}
	key := "clock.untrusted"
	if c.Trusted {
		key = "clock.trusted"
	}
	return capital(s.t.Get(key, map[string]any{"Source": source}))
}
