package report

import (
	"strings"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory"
)

// unitBand is what stands beside the answer for one machine.
func unitBand(s *sheet, rec certs.Unit) band {
	n := count(rec.Drives)
	counts := []string{}
	for _, c := range []struct {
		key string
		n   int
	}{{"clean", n.clean}, {"destroy", n.destroy}, {"unfinished", n.unfinished}, {"untreated", n.untreated}} {
		if c.n > 0 {
			counts = append(counts, s.t.Count("unit."+c.key, int64(c.n), nil))
		}
	}
	disposition := s.t.Get("unit.not-graded", nil)
	if rec.Disposition != "" {
		disposition = s.known("unit-disposition", rec.Disposition)
	}
	b := band{fields: []bandField{
		{"drives", joined(": ", s.t.Count("unit.drives", int64(len(rec.Drives)), nil), strings.Join(counts, ", "))},
	}}
	b.low = rec.Grade != nil
	if rec.Grade == nil {
		b.fields = append([]bandField{{"disposition", disposition}}, b.fields...)
	}
	if sub, ok := s.t.Try("unit."+string(rec.Storage.State)+"-sub", nil); ok {
		b.sub, b.strong = sub, true
	}
	for _, c := range rec.Checks {
		if c.Grade != "" && rec.Grade == nil {
			b.fields = append(b.fields, bandField{"grade", c.Grade})
		}
	}
	return b
}

// storage says why there is storage that was not reached, or none at all.
func (s *sheet) storage(st certs.Storage) {
	if len(st.Reasons) == 0 {
		return
	}
	s.section("storage")
	for _, r := range st.Reasons {
		text := s.cell(left+5, right-left-5, s.reason(r), value)
		s.need(makeRow(text).height)
		s.drawSign(signExclamation, left+1.6, s.y+2, 3, ink)
		s.put(makeRow(text))
	}
}

// reason is a reason in the page's language, or the record's own English where
// the language has no words for its code.
func (s *sheet) reason(r inventory.Reason) string {
	device := r.Device
	if r.PCIID != "" && !strings.Contains(device, r.PCIID) {
		device = joined(" ", device, "("+r.PCIID+")")
	}
	if text, ok := s.t.Try("unseen."+r.Code, map[string]any{"Device": device}); ok {
		return text
	}
	return joined(": ", r.Code, r.Text)
}

// drives draws the table of drives, each with its outcome, its health and the
// number of its own record.
func (s *sheet) drives(rec certs.Unit) {
	s.section("drives")
	if len(rec.Drives) == 0 {
		none := capital(s.t.Get("value.none", nil))
		if rec.Storage.State == certs.StorageUnreachable || rec.Storage.State == certs.StorageNotHandled {
			none = s.t.Get("unit.none-seen", nil)
		}
		s.put(makeRow(s.cell(left, right-left, none, value)))
		return
	}
	facts := map[string]inventory.Drive{}
	for _, d := range rec.Machine.Drives {
		facts[d.Path] = d
	}
	t := s.table(
		stepColumns{"drive", left, 35}, stepColumns{"serial", left + 37, 26}, stepColumns{"health", left + 65, 29},
		stepColumns{"outcome", left + 96, 26}, stepColumns{"next", left + 124, 16}, stepColumns{"record", left + 142, 32})
	for i, d := range rec.Drives {
		outcome, next := s.known("outcome", d.Outcome.String()), ""
		if d.Outcome.Clean() && d.Fulfilled != nil && !*d.Fulfilled {
			outcome = s.t.Get("word.below", nil)
		}
		if d.Outcome.Clean() {
			outcome = joined(", ", outcome, short(s.known("method", d.Achieved.String())))
		}
		if d.Disposition != "" {
			next = s.known("next", string(d.Disposition))
		}
		if d.RecordID == "" || d.NotTouched != "" {
			outcome, next = joined(": ", s.t.Get("outcome.not-touched", nil), d.NotTouched), ""
		}
		health, bad := s.driveHealth(rec.Grade, d.Path)
		t.put(i == len(rec.Drives)-1, []string{s.driveName(facts[d.Path], d.Path, d.Model), d.Serial, health, outcome, next, d.RecordID},
			map[string]bool{"outcome": true, "health": bad})
	}
}

// driveName is what a drive is called and how much it holds.
func (s *sheet) driveName(d inventory.Drive, path, model string) string {
	size, hours := "", ""
	if d.CapacityBytes > 0 {
		size = s.t.Bytes(d.CapacityBytes)
	}
	if a := d.Abilities; a != nil && a.Health != nil && a.Health.PowerOnHours != nil {
		hours = s.t.Get("health.h", map[string]any{"Number": s.t.Number(*a.Health.PowerOnHours)})
	}
	return joined(", ", joined(" ", path, model), size, hours)
}

// table is a table with a head that is repeated on every page.
type table struct {
	s       *sheet
	columns []stepColumns
	head    row
	begun   bool
}

func (s *sheet) table(columns ...stepColumns) *table {
	var head []cell
	for _, c := range columns {
		head = append(head, s.cell(c.x, c.width, s.t.Get("field."+c.key, nil), label))
	}
	t := &table{s: s, columns: columns, head: makeRow(head...)}
	t.head.under = true
	return t
}

// put draws one row; nothing to say is a dash.
func (t *table) put(last bool, texts []string, bold map[string]bool) {
	var cells []cell
	for i, c := range t.columns {
		content := texts[i]
		if content == "" {
			content = "\u2013"
		}
		cells = append(cells, t.s.cell(c.x, c.width, content, style{7.75, bold[c.key], ink, 3.5}))
	}
	r := makeRow(cells...)
	r.under = !last
	if !t.begun {
		t.begun = true
		t.s.together(0, t.head, r)
		t.s.put(t.head)
	} else if t.s.y+r.height > t.s.floor {
		t.s.need(r.height)
		t.s.put(t.head)
	}
	t.s.put(r)
}

// body draws all that is known of the machine besides its answer.
func (s *sheet) body(rec certs.Unit) {
	a, b := s.beside()
	a.identity(rec.Machine.System, rec.Machine.Board)
	a.hardware(rec.Machine)
	h := rec.Header
	b.section("origin")
	b.field("asset-tag", h.AssetTag)
	b.field("agency", s.agency(h.Agency))
	b.field("agreement", joined(", ", h.Agency.Agreement, h.Agency.Subcontract))
	b.field("order", h.Order)
	b.firmware(rec.Machine.Firmware, eligibility(rec.Grade))
	b.locks(rec.Machine.Locks)
	b.remains(rec.Remains)
	shorter(a, b).checks(rec.Checks)
	shorter(a, b).fitness(rec.Grade)
	s.fillColumns(a, b)
}

// hands draws who did the work in a few lines: those whom NIST SP 800-88 wants
// named are on the drives' own pages.
func (s *sheet) hands(p certs.People, operator string, clock certs.Clock) {
	const columns, gap = 4, 5.0
	width := (right - left - gap*(columns-1)) / columns
	persons := []*certs.Person{p.PerformedBy, p.VerifiedBy, p.ValidatedBy}
	if persons[0] == nil && operator != "" {
		persons[0] = &certs.Person{Name: operator}
	}
	var cells []cell
	add := func(i int, key, says string, bold bool) {
		x := left + float64(i)*(width+gap)
		cells = append(cells, s.cell(x, width, s.t.Get("field."+key, nil), label))
		below := cell{x: x, dy: 7 * s.density.space, rule: width, style: style{colour: muted}}
		if says != "" {
			below = s.cell(x, width, says, style{cramped.points, bold, ink, cramped.leading})
			below.dy = 3.4 * s.density.space
		}
		cells = append(cells, below)
	}
	for i, key := range []string{"performed", "verified", "validated"} {
		says := ""
		if who := persons[i]; who != nil && who.Name != "" {
			says = joined(", ", who.Name, who.Title, who.Organisation, s.date(who.Date), who.Place)
		}
		add(i, key, says, false)
	}
	add(columns-1, "clock", s.clock(clock), !clock.Trusted)
	r := makeRow(cells...)
	s.need(r.height + 4)
	s.skip(2)
	s.line(left, s.y, right, s.y, hairline, 0.2)
	s.skip(1)
	s.put(r)
}
