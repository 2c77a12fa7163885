package report

import (
	"bytes"
	"fmt"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"github.com/ombruk/ombruk/certs"
)

// issuerName is the issuer's name, or a word for a key that has none.
func (s *sheet) issuerName() string {
	if s.page.Issuer.Name == "" {
		return s.t.Get("issuer.local", nil)
	}
	return s.page.Issuer.Name
}

// addPage starts a page with its watermark and the line that says why.
func (s *sheet) addPage() {
	s.pdf.AddPage()
	s.floor = bottom
	var key string
	switch s.page.Mode {
	case certs.ModeReal:
		return
	case certs.ModeDemo:
		key = "mode.demo"
	default:
		// A mode nobody has named is not a real job either.
		key = "mode.simulated"
	}
	if err := s.watermark(s.clean(s.t.Get(key, nil), true)); err != nil && s.firstErr == nil {
		s.firstErr = err
	}
	s.text(left, 11, s.clean(s.t.Get(key+"-line", nil), true), style{8.5, true, red, 3.9})
}

// firstHead draws the head of the first page.
func (s *sheet) firstHead() {
	const half = 112.0
	title := style{19, true, ink, 8}
	g := s.r.bold
	text := g.clean(s.t.Get(s.verdict.title, nil))
	for g.width(text, title.points) > half && title.points > 11 {
		title.points -= 0.5
	}
	s.text(left, 20.5, text, title)
	number := s.cell(left, half, s.t.Get("page.number", map[string]any{"ID": s.header.ID}), value)
	s.text(left, 26, number.lines[0], value)
	s.text(left, 30, s.t.Time(s.header.Clock.WallFinished), value)

	width := right - left - half - 4
	y, size := 20.5, 10.5
	if s.logo != nil && s.page.Issuer.Established {
		const maxHeight, maxWidth = 11.5, 50.0
		h := min(maxHeight, maxWidth/s.logoAspect)
		w := h * s.logoAspect
		s.pdf.RegisterImageOptionsReader("logo", fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(s.logo))
		s.pdf.ImageOptions("logo", right-w, 22-h, w, h, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
		y, size = 26, 8.5
	}
	// The issuer in one line, smaller if the name is long; the rest of a
	// name that does not fit even so is in the foot.
	name := style{size, true, ink, 4}
	full := s.issuerName()
	if s.logo != nil && s.page.Issuer.Orgnr != "" && s.page.Issuer.Established {
		full = s.t.Get("value.agency", map[string]any{"Name": full, "Orgnr": s.page.Issuer.Orgnr})
	}
	clean := g.clean(full)
	for g.width(clean, name.points) > width && name.points > 7 {
		name.points -= 0.5
	}
	s.textRight(right, y, g.wrap(clean, name.points, width)[0], name)
	second, st := "", value
	switch {
	case !s.page.Issuer.Established:
		// A name that nobody vouches for must not look like one that somebody does.
		second, st = s.t.Get("issuer.claimed", nil), strong
	case s.page.Issuer.Orgnr != "" && s.logo == nil:
		second = s.t.Get("issuer.orgnr", map[string]any{"Orgnr": s.page.Issuer.Orgnr})
	}
	s.textRight(right, y+4.6, s.clean(second, st.bold), st)
	s.line(left, firstTop-2.8, right, firstTop-2.8, hairline, 0.2)
	s.y = firstTop
}

// nextHead draws the head of a following page: it can be told from any other
// when it lies alone.
func (s *sheet) nextHead() {
	g := s.r.bold
	word := g.clean(s.word())
	s.fill(left, 14.5, 6.5, 6.5, s.verdict.colour)
	s.drawSign(s.verdict.sign, left+3.25, 17.75, 4, white)
	s.text(left+9, 19.6, word, style{12, true, s.verdict.colour, 5})
	s.line(left, nextTop-2.6, right, nextTop-2.6, hairline, 0.2)
	s.y = nextTop
	if s.recordless {
		s.floor = bottom - 4
		return
	}
	s.text(left, 26, s.clean(s.t.Get(s.verdict.title, nil)+"  \u00b7  "+s.header.ID, false), value)
	issuer := s.issuerName()
	if !s.page.Issuer.Established {
		issuer = s.t.Get("issuer.not-established", nil)
	}
	s.textRight(right, 19.6, g.wrap(g.clean(issuer), strong.points, 80)[0], strong)
}

// numberPages writes page n of m into every head, now that m is known.
func (s *sheet) numberPages() {
	pages := s.pdf.PageCount()
	for n := 1; n <= pages; n++ {
		s.onPage(n)
		y := 30.0
		if n > 1 {
			y = 26
		}
		s.textRight(right, y, s.t.Get("page.of", map[string]any{"Page": n, "Pages": pages}), value)
	}
}

// onPage goes back to a page.
func (s *sheet) onPage(n int) {
	s.pdf.SetPage(n)
	// The writer thinks in one stream and leaves out a font that is already
	// set, which on another page it is not.
	s.pdf.SetFont(family, "B", 1)
}

// band is what stands in the answer band beside the word.
type band struct {
	sub    string // a sentence under the word, or nothing
	strong bool   // the sentence takes back something of the word
	fields []bandField
	// low makes it less high, on a page that has much to say below it.
	low bool
}

type bandField struct{ key, value string }

// drawBand draws the answer: word and sign large, in one colour, and beside it
// what was achieved. Without colour it is still a word and a sign.
func (s *sheet) drawBand(b band) {
	const square, split = 21.0, 68.0
	height := 21.0
	if b.low {
		height = 17.5
	}
	top := s.y
	c := s.verdict.colour
	s.fill(left, top, square, height, c)
	s.drawSign(s.verdict.sign, left+square/2, top+height/2, 12.5, white)
	s.pdf.SetDrawColor(c.r, c.g, c.b)
	s.pdf.SetLineWidth(0.5)
	s.pdf.Rect(left+0.25, top+0.25, right-left-0.5, height-0.5, "D")

	x, room := left+square+5, right-split-2-(left+square+5)-4
	g := s.r.bold
	word := style{24, true, c, 9}
	text := g.clean(s.word())
	for g.width(text, word.points) > room && word.points > 12 {
		word.points -= 0.5
	}
	baseline := top + height/2 + word.points*mmPerPoint*0.36
	if b.sub != "" {
		baseline -= 2.6
		sub := style{9, b.strong, ink, 4}
		clean := s.clean(b.sub, b.strong)
		for s.face(b.strong).width(clean, sub.points) > room && sub.points > 6 {
			sub.points -= 0.5
		}
		s.text(x, baseline+6, clean, sub)
	}
	s.text(x, baseline, text, word)

	x = right - split + 2
	y := top + height/2
	var rows []row
	total := 0.0
	for _, f := range b.fields {
		lb := s.cell(x, 23, s.t.Get("field."+f.key, nil), style{8, false, muted, 4.4})
		v := s.cell(x+24, split-29, f.value, style{9.5, true, ink, 4.4})
		r := makeRow(lb, v)
		rows, total = append(rows, r), total+r.height
	}
	s.line(right-split-2, top+3.5, right-split-2, top+height-3.5, hairline, 0.2)
	s.y = y - total/2
	for _, r := range rows {
		for _, cell := range r.cells {
			s.drawCell(cell)
		}
		s.y += r.height
	}
	s.y = top + height + 1.2
	s.issuerStrip()
}

// issuerStrip says in plain sight that nobody vouches for the key.
func (s *sheet) issuerStrip() {
	if s.page.Issuer.Established {
		return
	}
	s.y += 1.2
	text := s.cell(left+64, right-left-67, s.t.Get("issuer.not-established-text", nil), style{7.5, false, ink, 3.3})
	height := float64(len(text.lines))*3.3 + 2.6
	s.pdf.SetDrawColor(ink.r, ink.g, ink.b)
	s.pdf.SetLineWidth(0.3)
	s.pdf.Rect(left+0.15, s.y, right-left-0.3, height, "D")
	s.drawSign(signExclamation, left+4.5, s.y+height/2, 4.6, ink)
	s.text(left+9, s.y+height/2+1.2, s.clean(s.t.Get("issuer.not-established", nil), true), style{9.5, true, ink, 4})
	text.dy = 1.3
	s.drawCell(text)
	s.y += height
}

const (
	qrSize  = 31.0
	footGap = 3.0 // between the foot's code and what is above it
)

// foot sets what ties the page to its record, and keeps room for it at the
// bottom of the first page, below the answer it belongs to.
func (s *sheet) foot(policy *certs.Policy, randomKey string) {
	const labelWidth = 19.0
	h := s.header
	x := left + qrSize + 2
	width := right - x
	var rows []row
	add := func(key, text string) {
		if text != "" {
			rows = append(rows, makeRow(
				s.cell(x, labelWidth-1, s.t.Get("field."+key, nil), smallLb),
				s.cell(x+labelWidth, width-labelWidth, text, small)))
		}
	}
	if s.digest != "" {
		add("evidence", "SHA-256 "+s.digest)
	}
	chain, args := "record.sequence", map[string]any{"Sequence": h.Sequence, "Previous": h.Previous}
	if h.Previous == "" {
		chain = "record.first"
		delete(args, "Previous")
	}
	add("chain", s.t.Get(chain, args))
	add("station", s.station(h.Station))
	add("instance", h.Station.Instance)
	if s.page.Issuer.Fingerprint != h.Station.ID {
		add("issuer-key", s.page.Issuer.Fingerprint)
	}
	add("unit-id", h.UnitID)
	if policy != nil {
		text := joined(", ", policy.Name, policy.SHA256)
		if text == "" {
			text = s.t.Get("value.none", nil)
		}
		add("policy", text)
	}
	if randomKey != "" {
		add("random-key", randomKey)
	}
	gap := row{height: 1.1}
	check := s.t.Get("foot.check", nil)
	command := s.cell(x+s.r.regular.width(s.clean(check, false)+"  ", small.points), width, "ombruk verify "+h.ID+".pdf", smallBd)
	command.lines = command.lines[:1]
	rows = append(rows, gap, makeRow(s.cell(x, width, check, small), command))
	proof, proofArgs := "foot.proves", map[string]any{"Issuer": s.issuerName()}
	if !s.page.Issuer.Established {
		proof, proofArgs = "foot.proves-local", nil
	}
	rows = append(rows, gap, makeRow(s.cell(x, width, s.t.Get(proof, proofArgs), smallLb)))

	height := 0.0
	for _, r := range rows {
		height += r.height
	}
	height = max(height, qrSize)
	s.footRows = rows
	s.floor = bottom - height - footGap
}

// drawFoot draws the foot on the first page, when all pages are laid out.
func (s *sheet) drawFoot() error {
	top := bottom
	for _, r := range s.footRows {
		top -= r.height
	}
	top = min(top, bottom-qrSize)
	s.onPage(1)
	s.floor = bottom
	s.line(left, top-2, right, top-2, hairline, 0.2)
	if err := s.drawQR(fmt.Sprintf("OMBRUK:1:%s:%s", s.header.ID, s.digest), left-2.5, top-1, qrSize+2.5); err != nil {
		return err
	}
	s.y = top
	s.put(s.footRows...)
	return nil
}

// station names a station and its key. A station that made its key itself is
// called after that key, which then need not stand there twice.
func (s *sheet) station(st certs.Station) string {
	name := st.Name
	if digits, ok := strings.CutPrefix(name, "self-made key "); ok && strings.HasPrefix(st.ID, digits) {
		name = s.t.Get("value.self-made-key", nil)
	}
	return joined(", ", name, st.ID)
}

// joined joins what is not empty.
func joined(sep string, parts ...string) string {
	out := ""
	for _, p := range parts {
		if p == "" {
			continue
		}
		if out != "" {
			out += sep
		}
		out += p
	}
	return out
}
