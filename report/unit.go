package report

import (
	"fmt"
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
		{"disposition", disposition},
		{"drives", joined(": ", s.t.Count("unit.drives", int64(len(rec.Drives)), nil), strings.Join(counts, ", "))},
	}}
	if sub, ok := s.t.Try("unit."+string(rec.Storage.State)+"-sub", nil); ok {
		b.sub, b.strong = sub, true
	}
	for _, c := range rec.Checks {
		if c.Grade != "" {
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

// checks draws what a person found when checking the machine's parts.
func (s *sheet) checks(list []certs.Check) {
	if len(list) == 0 {
		return
	}
	s.section("checks")
	const partWidth, resultWidth = 36.0, 34.0
	columns := []stepColumns{{"part", left, partWidth}, {"result", left + partWidth + 2, resultWidth},
		{"note", left + partWidth + resultWidth + 4, right - left - partWidth - resultWidth - 4}}
	var head []cell
	for _, c := range columns {
		head = append(head, s.cell(c.x, c.width, s.t.Get("field."+c.key, nil), label))
	}
	header := makeRow(head...)
	header.under = true
	s.put(header)
	for _, c := range list {
		result, st := s.known("check", string(c.Verdict)), value
		if c.Verdict == certs.CheckFail {
			st = strong
		}
		if c.Grade != "" {
			result = joined(", ", result, s.t.Get("check.graded", map[string]any{"Grade": c.Grade}))
		}
		texts := []string{s.known("part", c.Part), result, c.Note}
		var cells []cell
		for i, col := range columns {
			cells = append(cells, s.cell(col.x, col.width, texts[i], st))
		}
		s.put(makeRow(cells...))
	}
}

// machine draws the machine, where it comes from, and what is in it.
func (s *sheet) machine(rec certs.Unit) {
	sys, h := rec.Machine.System, rec.Header
	class := ""
	if sys.Class != "" {
		class = capital(s.known("class", sys.Class))
	}
	s.pairs("machine", "origin", []field{
		{"manufacturer", sys.Manufacturer},
		{"model", sys.Model},
		{"class", class},
		{"serial", sys.Serial},
		{"uuid", sys.UUID},
	}, []field{
		{"asset-tag", h.AssetTag},
		{"agency", s.agency(h.Agency)},
		{"agreement", joined(", ", h.Agency.Agreement, h.Agency.Subcontract)},
		{"order", h.Order},
	})
	s.section("components")
	m := rec.Machine
	s.list("cpu", len(m.CPU), func(i int) string { return s.cpu(m.CPU[i]) })
	memory := ""
	if m.Memory.TotalBytes > 0 {
		memory = s.t.MemoryBytes(m.Memory.TotalBytes)
	}
	s.list("memory", 1+len(m.Memory.Modules), func(i int) string {
		if i == 0 {
			return memory
		}
		return s.module(m.Memory.Modules[i-1])
	})
	s.list("network", len(m.Network), func(i int) string { return s.nic(m.Network[i]) })
	s.put(makeRow(s.fieldCells(left, 26, right-left, field{"tool", s.tool(h.Tool)})...))
}

// list draws the items of one kind below each other, the label once.
func (s *sheet) list(key string, n int, item func(int) string) {
	if n == 0 {
		s.put(makeRow(s.fieldCells(left, 26, right-left, field{key, ""})...))
	}
	for i := range n {
		cells := s.fieldCells(left, 26, right-left, field{key, item(i)})
		if i > 0 {
			cells = cells[1:]
		}
		s.put(makeRow(cells...))
	}
}

func (s *sheet) cpu(c inventory.CPU) string {
	if c.Cores == 0 {
		return c.Model
	}
	return s.t.Count("value.cpu", int64(c.Cores), map[string]any{"Model": c.Model})
}

func (s *sheet) module(m inventory.MemoryModule) string {
	speed, size := "", ""
	if m.SpeedMTs > 0 {
		speed = s.t.Get("value.speed", map[string]any{"Number": m.SpeedMTs})
	}
	if m.SizeBytes > 0 {
		size = s.t.MemoryBytes(m.SizeBytes)
	}
	return joined(": ", m.Slot, joined(", ", joined(" ", size, m.Type), speed, joined(" ", m.Manufacturer, m.PartNumber), m.Serial))
}

func (s *sheet) nic(n inventory.NIC) string {
	wireless := ""
	if n.Wireless {
		wireless = s.t.Get("value.wireless", nil)
	}
	return joined(", ", n.Model, wireless, n.MAC, n.Name)
}

// drives draws the table of drives, each with its outcome and the number of
// its own record.
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
	sizes := map[string]int64{}
	for _, d := range rec.Machine.Drives {
		sizes[d.Path] = d.CapacityBytes
	}
	columns := []stepColumns{
		{"drive", left, 42}, {"serial", left + 44, 28}, {"outcome", left + 74, 26},
		{"method", left + 102, 14}, {"next", left + 118, 20}, {"record", left + 140, 34},
	}
	text := style{7.75, false, ink, 3.5}
	bold := text
	bold.bold = true
	var head []cell
	for _, c := range columns {
		head = append(head, s.cell(c.x, c.width, s.t.Get("field."+c.key, nil), label))
	}
	header := makeRow(head...)
	header.under = true
	for i, d := range rec.Drives {
		size := ""
		if n := sizes[d.Path]; n > 0 {
			size = s.t.Bytes(n)
		}
		outcome, method, next, record := s.known("outcome", d.Outcome.String()), "", "", d.RecordID
		if d.Outcome.Clean() && d.Fulfilled != nil && !*d.Fulfilled {
			outcome = s.t.Get("word.below", nil)
		}
		if d.Outcome.Clean() {
			method = short(s.known("method", d.Achieved.String()))
		}
		if d.Disposition != "" {
			next = s.known("next", string(d.Disposition))
		}
		if d.RecordID == "" || d.NotTouched != "" {
			outcome = joined(": ", s.t.Get("outcome.not-touched", nil), d.NotTouched)
			method, next = "", ""
		}
		texts := []string{joined(", ", joined(" ", d.Path, d.Model), size), d.Serial, outcome, method, next, record}
		var cells []cell
		for j, c := range columns {
			st := text
			if c.key == "outcome" {
				st = bold
			}
			content := texts[j]
			if content == "" {
				content = "\u2013"
			}
			cells = append(cells, s.cell(c.x, c.width, content, st))
		}
		r := makeRow(cells...)
		r.under = i < len(rec.Drives)-1
		if i == 0 {
			s.together(0, header, r)
			s.put(header)
		} else if s.y+r.height > s.floor {
			s.need(r.height)
			s.put(header)
		}
		s.put(r)
	}
}

// notes draws what could not be read about the machine.
func (s *sheet) notes(list []string) {
	if len(list) == 0 {
		return
	}
	s.section("notes")
	for _, n := range list {
		s.put(makeRow(s.cell(left, right-left, fmt.Sprintf("\u2013 %s", n), value)))
	}
}
