package report

import (
	"fmt"
	"math"
	"strings"

	"codeberg.org/go-pdf/fpdf"
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
		for a := -30.0; a <= 250; a += 10 {
			r := a * math.Pi / 180
			arc = append(arc, fpdf.PointType{X: 0.6 * math.Cos(r), Y: 0.6 * math.Sin(r)})
		}
		stroke(arc...)
		end := arc[len(arc)-1]
		stroke(fpdf.PointType{X: end.X - 0.34, Y: end.Y - 0.22}, fpdf.PointType{X: end.X + 0.06, Y: end.Y}, fpdf.PointType{X: end.X - 0.12, Y: end.Y + 0.4})
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
	left, top := x/mmPerPoint, (pageHeight-y)/mmPerPoint
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

// watermark writes a word across the page in outline, under everything else.
func (s *sheet) watermark(word string) {
	const angle, points = 54, 112
	word = s.clean(word, true)
	f := s.pdf
	f.SetFont(family, "B", points)
	f.SetDrawColor(170, 174, 180)
	f.SetLineWidth(0.35)
	f.SetTextRenderingMode(1)
	f.TransformBegin()
	f.TransformRotate(angle, pageWidth/2, pageHeight/2)
	f.Text((pageWidth-s.r.bold.width(word, points))/2, pageHeight/2+points*mmPerPoint*0.36, word)
	f.TransformEnd()
	f.SetTextRenderingMode(0)
}
