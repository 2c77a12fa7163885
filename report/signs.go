package report

import (
	"fmt"
	"math"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"rsc.io/qr"
)

// sign is a drawn sign; the faces have none, and a sign says the answer to
// those who see no colour.
type sign int

const (
	signCheck sign = iota
	signExclamation
	signCross
	signAgain
	signPause
	signQuestion
)

// drawSign draws a sign into a square of the given size with its centre at x, y.
func (s *sheet) drawSign(g sign, x, y, size float64, c colour) {
	f := s.pdf
	f.SetDrawColor(c.r, c.g, c.b)
	f.SetFillColor(c.r, c.g, c.b)
	f.SetLineWidth(size * 0.13)
	f.SetLineCapStyle("round")
	f.SetLineJoinStyle("round")
	u := size / 2
	at := func(dx, dy float64) (float64, float64) { return x + dx*u, y + dy*u }
	stroke := func(points ...fpdf.PointType) {
		f.MoveTo(at(points[0].X, points[0].Y))
		for _, p := range points[1:] {
			f.LineTo(at(p.X, p.Y))
		}
		f.DrawPath("D")
	}
	dot := func(dx, dy, r float64) {
		px, py := at(dx, dy)
		f.Circle(px, py, r*u, "F")
	}
	switch g {
	case signCheck:
		stroke(fpdf.PointType{X: -0.72, Y: 0.08}, fpdf.PointType{X: -0.22, Y: 0.58}, fpdf.PointType{X: 0.74, Y: -0.5})
	case signExclamation:
		stroke(fpdf.PointType{X: 0, Y: -0.75}, fpdf.PointType{X: 0, Y: 0.2})
		dot(0, 0.68, 0.17)
	case signCross:
		stroke(fpdf.PointType{X: -0.58, Y: -0.58}, fpdf.PointType{X: 0.58, Y: 0.58})
		stroke(fpdf.PointType{X: 0.58, Y: -0.58}, fpdf.PointType{X: -0.58, Y: 0.58})
	case signPause:
		stroke(fpdf.PointType{X: -0.34, Y: -0.6}, fpdf.PointType{X: -0.34, Y: 0.6})
		stroke(fpdf.PointType{X: 0.34, Y: -0.6}, fpdf.PointType{X: 0.34, Y: 0.6})
	case signQuestion:
		// The hook runs over the top from the left and down to the middle.
		var hook []fpdf.PointType
		for a := 180.0; a <= 405; a += 15 {
			r := a * math.Pi / 180
			hook = append(hook, fpdf.PointType{X: 0.42 * math.Cos(r), Y: -0.35 + 0.42*math.Sin(r)})
		}
		stroke(append(hook, fpdf.PointType{X: 0, Y: 0.22})...)
		dot(0, 0.68, 0.17)
	case signAgain:
		// Most of a circle, clockwise, with a head at its end.
		var arc []fpdf.PointType
		for a := -40.0; a <= 250; a += 10 {
			r := a * math.Pi / 180
			arc = append(arc, fpdf.PointType{X: 0.62 * math.Cos(r), Y: 0.62 * math.Sin(r)})
		}
		stroke(arc...)
		// The head points along the circle's tangent at its end.
		end, a := arc[len(arc)-1], 250*math.Pi/180
		tx, ty := -math.Sin(a), math.Cos(a)
		head := func(along, across float64) fpdf.PointType {
			px, py := at(end.X+along*tx-across*ty, end.Y+along*ty+across*tx)
			return fpdf.PointType{X: px, Y: py}
		}
		f.Polygon([]fpdf.PointType{head(0.42, 0), head(-0.12, 0.36), head(-0.12, -0.36)}, "F")
	}
	f.SetLineCapStyle("butt")
	f.SetLineJoinStyle("miter")
}

// qrMargin is the quiet zone around a QR code in modules (ISO/IEC 18004).
const qrMargin = 4

// drawQR draws a QR code, quiet zone included, into a square. It is one path,
// so that no viewer shows seams between the modules.
func (s *sheet) drawQR(content string, x, y, size float64) error {
	code, err := qr.Encode(content, qr.M)
	if err != nil {
		return fmt.Errorf("draw QR code: %w", err)
	}
	module := size / float64(code.Size+2*qrMargin) / mmPerPoint
	left, top := x/mmPerPoint, (s.height-y)/mmPerPoint
	var b strings.Builder
	b.WriteString("q 0 g\n")
	for row := range code.Size {
		for col := 0; col < code.Size; col++ {
			run := 0
			for code.Black(col+run, row) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "%.3f %.3f %.3f %.3f re\n", left+float64(col+qrMargin)*module, top-float64(row+qrMargin+1)*module, float64(run)*module, module)
				col += run
			}
		}
	}
	b.WriteString("f Q")
	s.pdf.RawWriteStr(b.String())
	return nil
}

// watermark draws a word across the page in outline, under everything else.
// It is drawn and not written, so that the page's text can be copied and
// searched as if it were not there; the line in the head says the same in text.
func (s *sheet) watermark(word string) error {
	const angle, points = 54 * math.Pi / 180, 112.0
	var b strings.Builder
	sin, cos := math.Sin(angle), math.Cos(angle)
	middle := s.r.bold.width(word, points) / mmPerPoint / 2
	fmt.Fprintf(&b, "q 0.67 0.68 0.71 RG 1 w 1 j %.5f %.5f %.5f %.5f %.2f %.2f cm\n", cos, sin, -sin, cos, pageWidth/2/mmPerPoint, pageHeight/2/mmPerPoint)
	x := -middle
	var buf sfnt.Buffer
	for _, c := range word {
		glyph, err := s.r.boldFace.GlyphIndex(&buf, c)
		if err != nil {
			return fmt.Errorf("draw watermark: %w", err)
		}
		segments, err := s.r.boldFace.LoadGlyph(&buf, glyph, fixed.I(int(points)), nil)
		if err != nil {
			return fmt.Errorf("draw watermark: %w", err)
		}
		var from [2]float64
		at := func(p fixed.Point26_6) [2]float64 {
			return [2]float64{x + float64(p.X)/64, -float64(p.Y)/64 - points*0.36}
		}
		for i, seg := range segments {
			to := at(seg.Args[0])
			switch seg.Op {
			case sfnt.SegmentOpMoveTo:
				if i > 0 {
					b.WriteString("s\n")
				}
				fmt.Fprintf(&b, "%.2f %.2f m\n", to[0], to[1])
			case sfnt.SegmentOpLineTo:
				fmt.Fprintf(&b, "%.2f %.2f l\n", to[0], to[1])
			case sfnt.SegmentOpQuadTo:
				// PDF has cubic curves only.
				via := to
				to = at(seg.Args[1])
				fmt.Fprintf(&b, "%.2f %.2f %.2f %.2f %.2f %.2f c\n",
					from[0]+(via[0]-from[0])*2/3, from[1]+(via[1]-from[1])*2/3,
					to[0]+(via[0]-to[0])*2/3, to[1]+(via[1]-to[1])*2/3, to[0], to[1])
			case sfnt.SegmentOpCubeTo:
				second := at(seg.Args[1])
				first := to
				to = at(seg.Args[2])
				fmt.Fprintf(&b, "%.2f %.2f %.2f %.2f %.2f %.2f c\n", first[0], first[1], second[0], second[1], to[0], to[1])
			}
			from = to
		}
		b.WriteString("s\n")
		x += s.r.bold.width(string(c), points) / mmPerPoint
	}
	b.WriteString("Q")
	s.pdf.RawWriteStr(b.String())
	return nil
}
