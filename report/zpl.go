package report

import (
	"fmt"
	"math"
	"strings"
)

// ZPL writes labels in the language of label printers (Zebra, ZPL II
// Programming Guide), one ^XA to ^XZ each, for a printer of 203 or 300 dots an
// inch. Text that came from outside goes into fields in hex wherever it is not
// plain, so that no character of it is ever a command.
func (r *Renderer) ZPL(labels []Label, sh Sheet, dotsPerInch int) ([]byte, error) {
	t, ok := r.texts[sh.Language]
	if !ok {
		return nil, fmt.Errorf("write labels: language %q: it was not given to the renderer", sh.Language)
	}
	if dotsPerInch != 203 && dotsPerInch != 300 {
		return nil, fmt.Errorf("write labels: %d dots an inch: want 203 or 300", dotsPerInch)
	}
	s := &sheet{t: t, r: r, density: density{1, 1}}
	var b strings.Builder
	for _, l := range labels {
		if !idText.MatchString(l.ID) || len(l.ID) > maxIDBytes {
			return nil, fmt.Errorf("write labels: id %q: want up to 64 letters, digits and hyphens", l.ID)
		}
		z := zpl{b: &b, dpi: dotsPerInch}
		if err := z.label(s, l, sh); err != nil {
			return nil, fmt.Errorf("write label of record %s: %w", l.ID, err)
		}
	}
	return []byte(b.String()), nil
}

// zpl writes one label; lengths are given in millimetres.
type zpl struct {
	b   *strings.Builder
	dpi int
}

func (z zpl) mm(x float64) int { return max(dots(x, z.dpi), 0) }

// at begins a field at a place.
func (z zpl) at(x, y float64) { fmt.Fprintf(z.b, "^FO%d,%d", z.mm(x), z.mm(y)) }

// data ends a field with text. ^FH makes the underscore begin a byte in hex;
// every byte but letters, digits and a few signs is written so.
func (z zpl) data(text string) {
	z.b.WriteString("^FH_^FD")
	for i := range len(text) {
		if c := text[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(" .,:;-/+()=>", c) >= 0 {
			z.b.WriteByte(c)
		} else {
			fmt.Fprintf(z.b, "_%02X", c)
		}
	}
	z.b.WriteString("^FS\n")
}

// text writes one line no wider than the room, cut where it must be. The
// printer's own scalable font (0) is narrower than the face that it is measured
// with.
func (z zpl) text(s *sheet, x, y, room, height float64, text string) {
	st := style{points: height / mmPerPoint, bold: true}
	text = strings.ReplaceAll(s.cutTo(room, text, "", st), "\u2026", "...")
	z.at(x, y)
	fmt.Fprintf(z.b, "^A0N,%d,%d", z.mm(height), z.mm(height))
	z.data(text)
}

func (z zpl) label(s *sheet, l Label, sh Sheet) error {
	const pad = 1.2
	size := sh.Size
	width, height := size.Width-2*pad, size.Height-2*pad
	k := min(width/59.6, height/26.6)
	// ^CI28 reads fields as UTF-8.
	fmt.Fprintf(z.b, "^XA\n^CI28\n^PW%d\n^LL%d\n^LH0,0\n", z.mm(size.Width), z.mm(size.Height))

	// The code: 45 modules and a quiet zone of 4 on each side (version 7, which
	// an id and a digest come to at level M).
	const modulesOfCode = 45 + 2*qrMargin
	magnification := min(max(int(20*k/25.4*float64(z.dpi))/modulesOfCode, 1), 10)
	code := float64(modulesOfCode*magnification) * 25.4 / float64(z.dpi)
	quiet := float64(qrMargin*magnification) * 25.4 / float64(z.dpi)
	z.at(pad+width-code+quiet, pad)
	fmt.Fprintf(z.b, "^BQN,2,%d", magnification)
	z.data("MA," + l.qr())

	room := width - code - 0.4*k
	z.sign(l.sign(), pad, pad+0.4*k, 4.6*k)
	wordRoom := room - 6.4*k
	if l.graded() {
		box := 5.8 * k
		z.box(pad+room-box, pad, box, box, 0.3*k)
		z.text(s, pad+room-box+1.5*k, pad+0.9*k, box-1.6*k, 4.6*k, l.Grade)
		wordRoom -= box + k
	}
	word := s.clean(s.t.Get("label."+l.Word, nil), true)
	big := 5.8 * k
	for s.r.bold.width(word, big/mmPerPoint) > wordRoom && big > 2*k {
		big -= 0.1 * k
	}
	z.at(pad+6.2*k, pad+2.7*k-big/2+0.3*k)
	fmt.Fprintf(z.b, "^A0N,%d,%d", z.mm(big), z.mm(big))
	z.data(word)
	y := pad + 6.8*k
	for _, line := range s.lines(l) {
		z.text(s, pad, y, room, 2.6*k, line.text)
		y += 3 * k
	}
	if text := l.Bars(sh.Code); text != "" {
		if err := z.bars(text, pad, pad+height-4.8*k, width, 4.8*k); err != nil {
			return err
		}
	}
	z.b.WriteString("^PQ1\n^XZ\n")
	return nil
}

// bars writes a Code 128 that fits into the room; none where its bars would be
// thinner than two dots, or than what a scanner reads.
func (z zpl) bars(text string, x, y, width, height float64) error {
	// Set B throughout, as the printer is told: one start, one for each
	// character, a check (11 modules each) and a stop of 13.
	n := 11*(len(text)+2) + 13
	module := min(z.mm(width)/(n+2*quietBars), int(math.Round(0.375/25.4*float64(z.dpi))))
	if module < 2 {
		return nil
	}
	left := x + (width-float64(module*n)*25.4/float64(z.dpi))/2
	z.at(left, y)
	fmt.Fprintf(z.b, "^BY%d^BCN,%d,N,N,N", module, z.mm(height))
	// >: begins set B; these three have a meaning of their own there, and are
	// written as the guide's table of invocation codes says.
	z.data(">:" + strings.NewReplacer(">", ">0", "^", "><", "~", ">=").Replace(text))
	return nil
}

// box draws a frame.
func (z zpl) box(x, y, w, h, thick float64) {
	z.at(x, y)
	fmt.Fprintf(z.b, "^GB%d,%d,%d^FS\n", max(z.mm(w), 1), max(z.mm(h), 1), max(z.mm(thick), 1))
}

// sign draws a sign into a square with lines and circles.
func (z zpl) sign(g sign, x, y, size float64) {
	thick := size * 0.15
	// line draws a diagonal; R leans to the right, L to the left.
	line := func(dx, dy, w, h float64, lean string) {
		z.at(x+dx*size, y+dy*size)
		fmt.Fprintf(z.b, "^GD%d,%d,%d,B,%s^FS\n", max(z.mm(w*size), 3), max(z.mm(h*size), 3), max(z.mm(thick), 1), lean)
	}
	dot := func(dx, dy, d float64) {
		z.at(x+dx*size, y+dy*size)
		n := max(z.mm(d*size), 3)
		fmt.Fprintf(z.b, "^GC%d,%d^FS\n", n, n)
	}
	switch g {
	case signCheck:
		line(0.05, 0.5, 0.35, 0.4, "L")
		line(0.35, 0.15, 0.6, 0.75, "R")
	case signCross:
		line(0.1, 0.1, 0.8, 0.8, "L")
		line(0.1, 0.1, 0.8, 0.8, "R")
	case signPause:
		z.box(x+0.25*size, y+0.1*size, thick*1.2, 0.8*size, thick*1.2)
		z.box(x+0.6*size, y+0.1*size, thick*1.2, 0.8*size, thick*1.2)
	case signExclamation:
		z.box(x+0.42*size, y+0.05*size, thick*1.2, 0.6*size, thick*1.2)
		dot(0.4, 0.75, 0.22)
	case signAgain:
		z.at(x+0.1*size, y+0.1*size)
		fmt.Fprintf(z.b, "^GC%d,%d^FS\n", max(z.mm(0.8*size), 3), max(z.mm(thick), 1))
		dot(0.39, 0.39, 0.22)
	default:
		z.at(x+0.2*size, y)
		fmt.Fprintf(z.b, "^A0N,%d,%d", z.mm(size), z.mm(size))
		z.data("?")
	}
}
