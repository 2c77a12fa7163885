package report

import (
	"strings"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// known gives the message of a word from a fixed vocabulary, or the word
// itself where there is no message: a newer record may use a newer word.
func (s *sheet) known(prefix, word string) string {
	if text, ok := s.t.Try(prefix+"."+word, nil); ok {
		return text
	}
	return word
}

// method is the method's word in the document that is cited: NIST SP 800-88
// says Destroy where IEEE 2883 says Destruct.
func (s *sheet) method(m erase.Method, document string) string {
	word := m.String()
	if m == erase.Destruct && strings.HasPrefix(document, "NIST") {
		word = "destroy"
	}
	return s.known("method", word)
}

// document is the document by which a method is cited. The older overwriting
// standards know no such categories; theirs is NIST's.
func document(standard string) string {
	if strings.HasPrefix(standard, "ieee-") {
		return "IEEE 2883-2022"
	}
	for _, known := range erase.Standards() {
		if known.ID == standard && strings.HasPrefix(known.Document, "IEEE") {
			return known.Document
		}
	}
	return "NIST SP 800-88 Rev. 2"
}

// standard is the title of a standard, from the language or from the table.
func (s *sheet) standard(id string) string {
	if text, ok := s.t.Try("standard."+id, nil); ok {
		return text
	}
	for _, known := range erase.Standards() {
		if known.ID == id && known.Title != "" {
			return known.Title
		}
	}
	return id
}

func (s *sheet) technique(t erase.Technique) string {
	if t == erase.TechniqueNone {
		return ""
	}
	return s.known("technique", string(t))
}

// short is a text without what is added in parentheses.
func short(text string) string {
	word, _, _ := strings.Cut(text, " (")
	return word
}

// capital writes a text with a capital first letter.
func capital(text string) string {
	for i, c := range text {
		return strings.ToUpper(string(c)) + text[i+len(string(c)):]
	}
	return text
}

// sanitizationBand is what stands beside the answer for one drive. A drive
// that is not clean has achieved nothing, whatever was tried.
func sanitizationBand(s *sheet, rec certs.Sanitization) band {
	doc := document(rec.Requested.Standard)
	b := band{}
	switch {
	case goesOn(rec.Exceptions) && rec.Disposition == erase.Hold:
		b.sub = s.t.Get("disposition.goes-on", nil)
	case leftAtWork(rec.Exceptions) && rec.Disposition == erase.Hold:
		b.sub, b.strong = s.t.Get("disposition.at-work", nil), true
	case rec.Outcome.Clean() && rec.Fulfilled && rec.Disposition == erase.Destroy:
		// The word above is about the data; the drive is of no use all the same.
		b.sub, b.strong = s.t.Get("disposition.clean-destroy", nil), true
	case rec.Disposition != "":
		b.sub = s.known("disposition", string(rec.Disposition))
	}
	achieved := s.t.Get("method.none", nil)
	if rec.Outcome.Clean() {
		achieved = joined(", ", s.method(rec.Achieved.Method, doc), s.technique(rec.Achieved.Technique))
	}
	b.fields = append(b.fields, bandField{"achieved", achieved})
	if !rec.Outcome.Clean() || rec.Achieved.Method != rec.Requested.Method {
		b.fields = append(b.fields, bandField{"requested", s.method(rec.Requested.Method, doc)})
	}
	return b
}

// unitAndDrive draws what was in front of the technician: the unit on the
// left, the drive on the right, in step.
func (s *sheet) unitAndDrive(rec certs.Sanitization) {
	u, d, h := rec.Unit, rec.Drive, rec.Header
	s.pairs("unit", "drive", []field{
		{"manufacturer", u.Manufacturer},
		{"model", s.model(u.Model, u.Class)},
		{"serial", u.Serial},
		{"asset-tag", h.AssetTag},
		{"agency", s.agency(h.Agency)},
		{"agreement", joined(", ", h.Agency.Agreement, h.Agency.Subcontract)},
		{"order", h.Order},
		{"source", rec.Source},
		{"confidentiality", rec.Confidentiality},
	}, []field{
		{"manufacturer", d.Manufacturer},
		{"model", d.Model},
		{"serial", d.Serial},
		{"media", s.media(d)},
		{"capacity", s.capacity(d.CapacityBytes)},
		{"blocks", s.blocks(d)},
		{"firmware", d.Firmware},
		{"wwn", d.WWN},
		{"hidden", s.hidden(d)},
	})
}

// pairs draws two lists of fields beside each other.
func (s *sheet) pairs(leftKey, rightKey string, a, b []field) {
	const gap, labelWidth = 8.0, 26.0
	width := (right - left - gap) / 2
	second := left + width + gap
	s.need(14)
	s.skip(2.3)
	s.line(left, s.y, left+width, s.y, hairline, 0.2)
	s.line(second, s.y, right, s.y, hairline, 0.2)
	s.skip(1.1)
	s.put(makeRow(
		s.cell(left, width, s.t.Get("section."+leftKey, nil), heading),
		s.cell(second, width, s.t.Get("section."+rightKey, nil), heading)))
	s.skip(0.7)
	for i := range max(len(a), len(b)) {
		var cells []cell
		if i < len(a) {
			cells = append(cells, s.fieldCells(left, labelWidth, width, a[i])...)
		}
		if i < len(b) {
			cells = append(cells, s.fieldCells(second, labelWidth, width, b[i])...)
		}
		s.put(makeRow(cells...))
	}
}

func (s *sheet) agency(a certs.Agency) string {
	if a.Orgnr == "" || a.Name == "" {
		return joined("", a.Name, a.Orgnr)
	}
	return s.t.Get("value.agency", map[string]any{"Name": a.Name, "Orgnr": a.Orgnr})
}

func (s *sheet) model(model, class string) string {
	if class == "" || model == "" {
		return model
	}
	return s.t.Get("value.model", map[string]any{"Model": model, "Class": s.known("class", class)})
}

func (s *sheet) media(d certs.DriveFacts) string {
	media, bus := d.Media, d.Bus
	if media == "" {
		media = inventory.MediaUnknown
	}
	if bus == "" {
		bus = inventory.BusUnknown
	}
	text := joined(", ", s.known("media", string(media)), s.known("bus", string(bus)))
	if d.Path != "" {
		text += " (" + d.Path + ")"
	}
	return text
}

func (s *sheet) capacity(n int64) string {
	if n == 0 {
		return ""
	}
	return s.t.Get("value.capacity", map[string]any{"Size": s.t.Bytes(n), "Bytes": s.exactBytes(n)})
}

func (s *sheet) exactBytes(n int64) string { return s.t.Count("format.bytes", n, nil) }

func (s *sheet) blocks(d certs.DriveFacts) string {
	if d.LogicalBlockBytes == 0 {
		return ""
	}
	return s.t.Get("value.blocks", map[string]any{
		"Logical": s.exactBytes(int64(d.LogicalBlockBytes)), "Physical": s.exactBytes(int64(d.PhysicalBlockBytes))})
}

// hidden tells the areas beyond ordinary reads, before the run and after it.
// One that was not asked about is never said to be none. Accessible Max Address
// takes the place of the two others (ACS-4), so that a drive that answers to
// it need not be asked about them; NVMe has none of the three.
func (s *sheet) hidden(d certs.DriveFacts) string {
	type area struct {
		name          string
		before, after *int64
	}
	asked := func(a area) bool { return a.before != nil || a.after != nil }
	hpa := area{"HPA", d.Hidden.HPABytes, d.HiddenAfter.HPABytes}
	dco := area{"DCO", d.Hidden.DCOBytes, d.HiddenAfter.DCOBytes}
	ama := area{"AMA", d.Hidden.AMABytes, d.HiddenAfter.AMABytes}
	var areas []area
	if asked(hpa) || asked(dco) {
		areas = append(areas, hpa, dco)
	}
	if asked(ama) {
		areas = append(areas, ama)
	}
	if len(areas) == 0 {
		return s.t.Get("value.not-queried", nil)
	}
	after := d.HiddenAfter != certs.HiddenAreas{}
	var names, parts []string
	none := true
	for _, a := range areas {
		names = append(names, a.name)
		parts = append(parts, a.name+"\u00a0"+s.area(a.before, a.after, after))
		none = none && a.before != nil && *a.before == 0 && (!after || a.after != nil && *a.after == 0)
	}
	switch {
	case none && d.Bus == inventory.BusNVMe:
		return s.t.Get("value.none", nil)
	case none:
		return s.t.Get("hidden.none", map[string]any{"Areas": strings.Join(names, ", ")})
	}
	return strings.Join(parts, "; ")
}

// area is one hidden area before and after; asked is false when nothing was
// asked after the run.
func (s *sheet) area(before, after *int64, asked bool) string {
	say := func(n *int64) string {
		switch {
		case n == nil:
			return s.t.Get("value.not-queried", nil)
		case *n == 0:
			return s.t.Get("value.none", nil)
		}
		return s.t.Bytes(*n)
	}
	key := "hidden.before-after"
	switch {
	case before == nil && after == nil, before != nil && *before == 0 && (!asked || after != nil && *after == 0):
		return say(before)
	case before != nil && after != nil && *after == 0:
		key = "hidden.restored"
	case before != nil && after != nil && *before == *after:
		key = "hidden.still"
	}
	return s.t.Get(key, map[string]any{"Before": say(before), "After": say(after)})
}

// work draws what was ordered, what was done, and the steps.
func (s *sheet) work(rec certs.Sanitization) {
	doc := document(rec.Requested.Standard)
	clock := rec.Clock
	s.section("work")
	achieved := s.t.Get("method.none", nil)
	if rec.Outcome.Clean() {
		achieved = joined(", ", short(s.method(rec.Achieved.Method, doc)), short(s.technique(rec.Achieved.Technique)))
	}
	ordered := ""
	if rec.Requested.Standard != "" {
		ordered = s.standard(rec.Requested.Standard)
	}
	s.put(
		s.columns(
			column{field{"ordered", ordered}, 50, false},
			column{field{"requested", short(s.method(rec.Requested.Method, doc))}, 22, false},
			column{field{"accepted", s.accepted(rec.Accepted, doc)}, 40, false},
			column{field{"achieved", achieved}, 62, true}),
		s.columns(
			column{field{"tool", s.tool(rec.Tool)}, 44, false},
			column{field{"started", s.t.Time(clock.WallStarted)}, 54.5, false},
			column{field{"finished", s.t.Time(clock.WallFinished)}, 54.5, false},
			column{field{"duration", s.t.Duration(time.Duration(clock.MonotonicSeconds) * time.Second)}, 21, false}))
	s.put(makeRow(s.cell(left, right-left, s.achievedSentence(rec, doc), value)))
	s.skip(0.8)
	s.steps(rec.Steps)
}

func (s *sheet) tool(t certs.Tool) string {
	const shown = 8 // hex digits of a commit
	commit := t.Commit
	if len(commit) > shown {
		commit = commit[:shown]
	}
	if commit != "" {
		commit = "(" + commit + ")"
	}
	return joined(" ", t.Name, t.Version, commit)
}

// accepted is the least method the customer settles for, and who says so.
func (s *sheet) accepted(a certs.Accepted, doc string) string {
	by := ""
	switch who, name, _ := strings.Cut(a.By, " "); {
	case a.By == "":
	case a.By == "order":
		by = s.t.Get("accepted.order", nil)
	case (who == "operator" || who == "policy") && name != "":
		by = s.t.Get("accepted."+who, map[string]any{"Name": name})
	default:
		by = s.t.Get("accepted.other", map[string]any{"Name": a.By})
	}
	return joined(", ", short(s.method(a.Method, doc)), by)
}

// achievedSentence says what was done and what that corresponds to; never that
// anybody approved it.
func (s *sheet) achievedSentence(rec certs.Sanitization, doc string) string {
	technique := s.technique(rec.Achieved.Technique)
	command := ""
	for _, st := range rec.Steps {
		if name := erase.SpecificationName(st.Command); name != "" {
			command = name
		}
	}
	if command != "" && technique != "" {
		technique = s.t.Get("sentence.technique", map[string]any{"Technique": short(technique), "Command": command})
	}
	if !rec.Outcome.Clean() {
		switch {
		case technique == "":
			return s.t.Get("sentence.none", nil)
		case command == "" && rec.Achieved.Technique != erase.Overwrite:
			return s.t.Get("sentence.not-begun", map[string]any{"Technique": technique})
		}
		return s.t.Get("sentence.attempted", map[string]any{"Technique": technique})
	}
	text := s.t.Get("sentence.achieved", map[string]any{
		"Technique": technique, "Method": short(s.method(rec.Achieved.Method, doc)), "Document": doc})
	if !rec.Fulfilled {
		text += " " + s.t.Get("sentence.below", map[string]any{"Accepted": short(s.method(rec.Accepted.Method, doc))})
	}
	return text
}
