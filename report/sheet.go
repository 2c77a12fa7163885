package report

import (
	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/lang"

	"codeberg.org/go-pdf/fpdf"
)

// All lengths are millimetres from the top left corner of an A4 page; type
// sizes are points.
const (
	mmPerPoint = 25.4 / 72
	pageWidth  = 210.0
	pageHeight = 297.0
	left       = 18.0
	right      = pageWidth - left
	bottom     = 287.0
	family     = "inter"
	// The first page's head ends here, and that of the following pages.
	firstTop = 35.5
	nextTop  = 31.0
)

// colour is a colour that stays readable as grey.
type colour struct{ r, g, b int }

var (
	ink      = colour{24, 28, 33}
	muted    = colour{68, 74, 83}
	hairline = colour{176, 181, 188}
	white    = colour{255, 255, 255}
	green    = colour{20, 110, 60}
	amber    = colour{166, 92, 0}
	red      = colour{178, 34, 24}
	grey     = colour{78, 86, 96}
)

// style is how a piece of text is set. Pieces with the same leading stand on
// the same baseline.
type style struct {
	points  float64
	bold    bool
	colour  colour
	leading float64 // millimetres from line to line
}

var (
	value   = style{8.5, false, ink, 3.9}
	strong  = style{8.5, true, ink, 3.9}
	absent  = style{8.5, false, muted, 3.9}
	label   = style{7.5, false, muted, 3.9}
	fact    = style{8.25, false, ink, 3.7}
	cramped = style{7.75, false, ink, 3.5}
	heading = style{9.5, true, ink, 4.4}
	small   = style{7, false, ink, 3.15}
	smallLb = style{7, false, muted, 3.15}
	smallBd = style{7, true, ink, 3.15}
)

// density makes everything below the answer a little smaller.
type density struct{ size, space float64 }

// sheet is a document being drawn, with a pen that moves down the page.
type sheet struct {
	pdf        *fpdf.Fpdf
	t          *lang.Text
	r          *Renderer
	verdict    verdict
	header     certs.Header
	page       Page
	digest     string // of the envelope, hex
	logo       []byte
	logoAspect float64
	density    density
	y          float64
	floor      float64 // where this page's room ends
	height     float64 // of the page
	footRows   []row
	// recordless is true of a sheet that stands on no record, so that its
	// pages name none.
	recordless bool
	firstErr   error
}

// err is the first error met while drawing.
func (s *sheet) err() error {
	if s.firstErr != nil {
		return s.firstErr
	}
	return s.pdf.Error()
}

// cell is a piece of text in a row.
type cell struct {
	x, dy float64 // left edge on the page, offset below the row's top
	lines []string
	style style
	// rule is the length of a line to write on, instead of text.
	rule float64
}

// row is what is kept together on a page.
type row struct {
	cells  []cell
	height float64
	// under draws a hairline below the row.
	under bool
	// withNext keeps the row of a column on the page of the next one, and warns
	// draws an exclamation mark before it.
	withNext, warns bool
}

func (s *sheet) face(bold bool) glyphs {
	if bold {
		return s.r.bold
	}
	return s.r.regular
}

// clean makes text printable in one of the faces.
func (s *sheet) clean(text string, bold bool) string { return s.face(bold).clean(text) }

// cell sets text into a column. Text without end is cut after maxLines, with a
// word on where the rest is.
func (s *sheet) cell(x, width float64, text string, st style) cell {
	st.points *= s.density.size
	st.leading *= s.density.space
	g := s.face(st.bold)
	lines := g.wrap(g.clean(text), st.points, width)
	if len(lines) > maxLines {
		lines = append(lines[:maxLines:maxLines], g.wrap(s.t.Get("page.cut", nil), st.points, width)...)
	}
	return cell{x: x, lines: lines, style: st}
}

// makeRow puts cells beside each other; the tallest gives the height.
func makeRow(cells ...cell) row {
	r := row{cells: cells}
	for _, c := range cells {
		r.height = max(r.height, c.dy+float64(max(len(c.lines), 1))*c.style.leading)
	}
	return r
}

// put draws rows, on a new page where there is no room left.
func (s *sheet) put(rows ...row) {
	for _, r := range rows {
		s.need(r.height)
		for _, c := range r.cells {
			s.drawCell(c)
		}
		s.y += r.height
		if r.under {
			s.line(left, s.y+0.35, right, s.y+0.35, hairline, 0.15)
			s.y += 0.9
		}
	}
}

func (s *sheet) drawCell(c cell) {
	y := s.y + c.dy
	if c.rule > 0 {
		s.line(c.x, y+c.style.leading*0.9, c.x+c.rule, y+c.style.leading*0.9, c.style.colour, 0.15)
		return
	}
	for _, text := range c.lines {
		s.text(c.x, y+c.style.leading*0.76, text, c.style)
		y += c.style.leading
	}
}

// together starts a new page unless all rows fit on this one, or would not fit
// on an empty one either.
func (s *sheet) together(extra float64, rows ...row) {
	h := extra
	for _, r := range rows {
		h += r.height
	}
	if h < bottom-nextTop {
		s.need(h)
	}
}

// need starts a new page unless there is room for h more millimetres.
func (s *sheet) need(h float64) {
	const rounding = 0.01 // of lengths that were added up in another order
	if s.y+h > s.floor+rounding && s.y > nextTop {
		s.addPage()
		s.nextHead()
	}
}

// text writes cleaned text with its baseline at y.
func (s *sheet) text(x, y float64, text string, st style) {
	if text == "" {
		return
	}
	weight := ""
	if st.bold {
		weight = "B"
	}
	s.pdf.SetFont(family, weight, st.points)
	s.pdf.SetTextColor(st.colour.r, st.colour.g, st.colour.b)
	s.pdf.Text(x, y, text)
}

// textRight writes text that ends at x.
func (s *sheet) textRight(x, y float64, text string, st style) {
	s.text(x-s.face(st.bold).width(text, st.points), y, text, st)
}

func (s *sheet) line(x1, y1, x2, y2 float64, c colour, width float64) {
	s.pdf.SetDrawColor(c.r, c.g, c.b)
	s.pdf.SetLineWidth(width)
	s.pdf.Line(x1, y1, x2, y2)
}

func (s *sheet) fill(x, y, w, h float64, c colour) {
	s.pdf.SetFillColor(c.r, c.g, c.b)
	s.pdf.Rect(x, y, w, h, "F")
}

// skip moves the pen down.
func (s *sheet) skip(h float64) { s.y += h * s.density.space }

// section starts a section with room for at least one line of it.
func (s *sheet) section(key string) {
	s.need(14)
	s.skip(2.3)
	s.line(left, s.y, right, s.y, hairline, 0.2)
	s.skip(1.1)
	s.put(makeRow(s.cell(left, right-left, s.t.Get("section."+key, nil), heading)))
	s.skip(0.7)
}

// field is a label and what it says; an empty value is said to be not stated.
type field struct{ key, value string }

// fieldCells sets a field in a column, the label before the value.
func (s *sheet) fieldCells(x, labelWidth, width float64, f field) []cell {
	text, st := f.value, value
	if text == "" {
		text, st = s.t.Get("value.not-stated", nil), absent
	}
	return []cell{
		s.cell(x, labelWidth-1, s.t.Get("field."+f.key, nil), label),
		s.cell(x+labelWidth, width-labelWidth, text, st),
	}
}

// column is a field set with its label above its value.
type column struct {
	field
	width float64
	bold  bool
}

// columns sets fields beside each other, labels above values.
func (s *sheet) columns(cols ...column) row {
	x := left
	var cells []cell
	for _, c := range cols {
		text, st := c.value, value
		switch {
		case text == "":
			text, st = s.t.Get("value.not-stated", nil), absent
		case c.bold:
			st = strong
		}
		const gap = 4
		cells = append(cells, s.cell(x, c.width-gap, s.t.Get("field."+c.key, nil), label))
		v := s.cell(x, c.width-gap, text, st)
		v.dy = 3.4 * s.density.space
		cells = append(cells, v)
		x += c.width
	}
	r := makeRow(cells...)
	r.height += 0.9 * s.density.space
	return r
}
