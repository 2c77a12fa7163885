package report

// stack is one of two columns that are filled side by side.
type stack struct {
	s        *sheet
	x, width float64
	rows     []row
}

// stackLabel is the room for labels in a stack.
const stackLabel = 22.0

// section starts a section of the column.
func (k *stack) section(key string) {
	space := k.s.density.space
	line := cell{x: k.x, dy: 2.3 * space, rule: k.width, style: style{colour: hairline}}
	head := k.s.cell(k.x, k.width, k.s.t.Get("section."+key, nil), heading)
	head.dy = 3.4 * space
	r := makeRow(line, head)
	r.height += 0.7 * space
	r.withNext = true
	k.rows = append(k.rows, r)
}

// field is a label and what it says; an empty value is said to be not stated.
func (k *stack) field(key, text string) { k.styled(key, text, fact) }

func (k *stack) styled(key, text string, st style) {
	if text == "" {
		text = k.s.t.Get("value.not-stated", nil)
		st.bold, st.colour = false, muted
	}
	var cells []cell
	if key != "" {
		cells = append(cells, k.s.cell(k.x, stackLabel-1, k.s.t.Get("field."+key, nil), style{7.25, false, muted, fact.leading}))
	}
	cells = append(cells, k.s.cell(k.x+stackLabel, k.width-stackLabel, text, st))
	k.rows = append(k.rows, makeRow(cells...))
}

// items are the things of one kind below each other, the label once. None
// leave no trace.
func (k *stack) items(key string, list []string) {
	for i, text := range list {
		if i > 0 {
			key = ""
		}
		k.styled(key, text, fact)
	}
}

// text is a row as wide as the column.
func (k *stack) text(text string, st style) {
	k.rows = append(k.rows, makeRow(k.s.cell(k.x, k.width, text, st)))
}

// warning is a text behind a sign that is seen without colour.
func (k *stack) warning(text string) {
	const indent = 4.5
	st := fact
	st.bold = true
	r := makeRow(k.s.cell(k.x+indent, k.width-indent, text, st))
	r.warns = true
	k.rows = append(k.rows, r)
}

// height is how long the column is so far, in millimetres.
func (k *stack) height() (h float64) {
	for _, r := range k.rows {
		h += r.height
	}
	return h
}

// shorter is the column that has more room left.
func shorter(a, b *stack) *stack {
	if b.height() < a.height() {
		return b
	}
	return a
}

// beside gives two empty columns.
func (s *sheet) beside() (a, b *stack) {
	const gap = 8.0
	width := (right - left - gap) / 2
	return &stack{s: s, x: left, width: width}, &stack{s: s, x: left + width + gap, width: width}
}

// fillColumns draws two columns side by side, over as many pages as they need.
func (s *sheet) fillColumns(a, b *stack) {
	first, second := a.rows, b.rows
	for {
		top := s.y
		first = s.column(first, a.x)
		end := s.y
		s.y = top
		second = s.column(second, b.x)
		s.y = max(s.y, end)
		if len(first)+len(second) == 0 {
			return
		}
		s.addPage()
		s.nextHead()
	}
}

// column draws the rows that this page has room for and gives the others. At
// the top of a page it draws at least one.
func (s *sheet) column(rows []row, x float64) []row {
	start := s.y
	for i, r := range rows {
		h := r.height
		if r.withNext && i+1 < len(rows) {
			h += rows[i+1].height
		}
		const rounding = 0.01
		if s.y+h > s.floor+rounding && (start > nextTop || i > 0) {
			return rows[i:]
		}
		if r.warns {
			s.drawSign(signExclamation, x+1.6, s.y+2*s.density.space, 3, ink)
		}
		for _, c := range r.cells {
			s.drawCell(c)
		}
		s.y += r.height
	}
	return nil
}
