package report

import (
	"fmt"
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
	if rec.Disposition != "" {
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
		{"hidden", s.hidden(d.Hidden)},
		{"health", s.health(d.Health)},
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

// hidden tells the areas beyond ordinary reads; one that was not queried is
// never said to be none.
func (s *sheet) hidden(h certs.HiddenAreas) string {
	if h.HPABytes == nil && h.DCOBytes == nil && h.AMABytes == nil {
		return s.t.Get("value.not-queried", nil)
	}
	say := func(n *int64) string {
		switch {
		case n == nil:
			return s.t.Get("value.area-not-queried", nil)
		case *n == 0:
			return s.t.Get("value.none", nil)
		}
		return s.t.Bytes(*n)
	}
	return s.t.Get("value.hidden", map[string]any{"HPA": say(h.HPABytes), "DCO": say(h.DCOBytes), "AMA": say(h.AMABytes)})
}

func (s *sheet) health(h certs.Health) string {
	if h.Before == "" && h.After == "" {
		return s.t.Get("value.not-read", nil)
	}
	say := func(text string) string {
		if text == "" {
			return s.t.Get("value.not-read", nil)
		}
		return text
	}
	return s.t.Get("value.health", map[string]any{"Before": say(h.Before), "After": say(h.After)})
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
			column{field{"ordered", ordered}, 58, false},
			column{field{"requested", short(s.method(rec.Requested.Method, doc))}, 26, false},
			column{field{"accepted", s.accepted(rec.Accepted, doc)}, 42, false},
			column{field{"achieved", achieved}, 48, true}),
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
	if !rec.Outcome.Clean() {
		if technique == "" {
			return s.t.Get("sentence.none", nil)
		}
		return s.t.Get("sentence.attempted", map[string]any{"Technique": technique})
	}
	text := s.t.Get("sentence.achieved", map[string]any{
		"Technique": technique, "Method": s.method(rec.Achieved.Method, doc), "Document": doc})
	if !rec.Fulfilled {
		text += " " + s.t.Get("sentence.below", map[string]any{"Accepted": s.method(rec.Accepted.Method, doc)})
	}
	return text
}

// verification draws what reading back showed.
func (s *sheet) verification(rec certs.Sanitization) {
	v := rec.Verification
	s.section("verification")
	mode := v.Mode
	if mode == "" {
		mode = erase.VerifyNone
	}
	assurance := string(rec.Assurance)
	if assurance == "" {
		assurance = "none"
	}
	path, mismatches := "", s.t.Number(v.Mismatches)
	if v.Path != "" {
		path = s.known("read-path", v.Path)
	}
	cols := []column{
		{field{"read-back", s.known("verify", string(mode))}, 25, true},
		{field{"share", s.share(v.Fraction)}, 22, true},
		{field{"bytes-read", s.exactBytes(v.BytesRead)}, 43, false},
		{field{"mismatches", mismatches}, 29, true},
		{field{"assurance", s.known("assurance", assurance)}, 33, false},
		{field{"read-path", path}, 22, false},
	}
	if mode == erase.VerifyNone && v.BytesRead == 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Get("verification.none", nil), strong)))
		if rec.Assurance != erase.AssuranceNone {
			s.put(makeRow(s.fieldCells(left, 26, right-left, field{"assurance", s.known("assurance", assurance)})...))
		}
		return
	}
	s.put(s.columns(cols...))
	if v.Marker != "" {
		s.put(makeRow(s.fieldCells(left, 26, right-left, field{"marker", v.Marker})...))
	}
	if n := len(v.Errors); n > 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Count("verification.errors", int64(n), nil), value)))
	}
}

// share writes a decimal fraction as a percentage, cut and never rounded up;
// what is no fraction between 0 and 1 is shown as it stands.
func (s *sheet) share(fraction string) string {
	if ppm, ok := partsPerMillion(fraction); ok {
		return s.t.Percent(ppm)
	}
	return fraction
}

func partsPerMillion(fraction string) (ppm int64, ok bool) {
	whole, decimals, _ := strings.Cut(fraction, ".")
	if whole != "0" && whole != "1" || len(decimals) > 30 {
		return 0, false
	}
	for _, c := range decimals {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	six := (decimals + "000000")[:6]
	if _, err := fmt.Sscanf(whole+six, "%d", &ppm); err != nil || ppm > 1_000_000 {
		return 0, false
	}
	return ppm, true
}
