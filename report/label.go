package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory/grade"
)

// Label is what a label says of the thing that it sticks to.
type Label struct {
	// Word is where the thing goes, in one word that is safe to follow: reuse,
	// parts, recycle, return, hold, destroy (a drive), destroy-drive (a machine
	// with a drive to destroy), demo or simulated. There is a message label.WORD
	// for each.
	Word string `json:"word"`
	// Answer is the word that the record's page begins with; a message key, as
	// [Answer] gives it. It is empty where the record is about no real job.
	Answer string `json:"answer"`
	n      int
	Kind   certs.Kind `json:"kind"`
	ID     string     `json:"id"`
	SHA256 string     `json:"sha256"` // of the envelope, hex
	UnitID string     `json:"unit_id"`
	// Name is maker and model.
	Name     string `json:"name"`
	Serial   string `json:"serial"`
	AssetTag string `json:"asset_tag"`
	Grade    string `json:"grade"` // of a machine; empty when it has none
	// Date is when the record was closed, ISO 8601, with a question mark where
	// the clock could not be trusted; empty when it is not told.
	Date string `json:"date"`
}

// LabelOf is the label for what a record is about. Its word is never kinder
// than the record: reuse stands only on a drive that is clean at the accepted
// Method, or on a machine all of whose storage is, and only for a real job.
func LabelOf(r *certs.Record) Label {
	h := r.Header
	l := Label{Kind: r.Kind, ID: h.ID, SHA256: r.SHA256, UnitID: h.UnitID, AssetTag: h.AssetTag}
	at := h.Clock.WallFinished
	if r.Kind == certs.KindStarted {
		at = h.Clock.WallStarted
	}
	if !at.IsZero() {
		l.Date = at.UTC().Format("2006-01-02")
		if !h.Clock.Trusted {
			l.Date += " ?"
		}
	}
	switch {
	case r.Unit != nil:
		u := *r.Unit
		l.Answer, l.n = UnitAnswer(u)
		l.Word = unitWord(u)
		sys := u.Machine.System
		l.Name = joined(" ", missingFrom(sys.Model, sys.Manufacturer), sys.Model)
		l.Serial = sys.Serial
		if u.Grade != nil {
			l.Grade = u.Grade.Grade
		}
	case r.Sanitization != nil && r.Kind == certs.KindSanitization:
		d := *r.Sanitization
		l.Answer, l.Word = Answer(d), driveWord(d)
	default:
		l.Answer, l.Word = "word.not-finished", string(grade.Hold)
	}
	if d := r.Sanitization; d != nil {
		l.Name = joined(" ", missingFrom(d.Drive.Model, d.Drive.Manufacturer), d.Drive.Model)
		l.Serial = d.Drive.Serial
	}
	// What is about no real job gives no answer at all.
	switch r.Mode {
	case certs.ModeReal:
	case certs.ModeDemo:
		l.Word, l.Answer, l.Grade = "demo", "", ""
	default:
		l.Word, l.Answer, l.Grade = "simulated", "", ""
	}
	return l
}

// driveWord is where a drive goes.
func driveWord(rec certs.Sanitization) string {
	v := judge(rec)
	switch {
	case v.sign == signCross || rec.Disposition == erase.Destroy:
		return "destroy"
	case rec.Outcome.Clean() && rec.Fulfilled && rec.Disposition == erase.Reuse && rec.Check() == nil:
		return string(grade.Reuse)
	}
	return string(grade.Hold)
}

// unitWord is where a machine goes. What keeps it from going there as it is
// comes first: a drive that must be destroyed, storage of which nobody knows,
// whatever the judgement wants done before.
func unitWord(rec certs.Unit) string {
	n := count(rec.Drives)
	switch d := grade.Disposition(rec.Disposition); {
	case rec.Check() != nil:
		return string(grade.Hold)
	case d == grade.Return:
		return string(d)
	case rec.Storage.State == certs.StorageUnreachable, rec.Storage.State == certs.StorageNotHandled, n.unfinished+n.untreated > 0, d == grade.Hold:
		return string(grade.Hold)
	case n.destroy > 0:
		return "destroy-drive"
	case d == grade.Reuse && settled(rec) && (rec.Grade == nil || len(rec.Grade.Conditions) == 0):
		return string(d)
	case d == grade.Parts, d == grade.Recycle:
		return string(d)
	}
	return string(grade.Hold)
}

// sign is the sign of the label's word.
func (l Label) sign() sign {
	switch l.Word {
	case string(grade.Reuse):
		return signCheck
	case "destroy", "destroy-drive":
		return signCross
	case string(grade.Recycle), string(grade.Return):
		return signAgain
	case string(grade.Parts):
		return signExclamation
	case string(grade.Hold):
		return signPause
	}
	return signQuestion
}

// graded reports whether the label shows the grade: not where its word must be
// read before anything else.
func (l Label) graded() bool { return l.Grade != "" && l.Word != "destroy-drive" }

// Code says what the bars of a label hold.
type Code string

// What the bars hold. Where a thing has not the one, they hold the other.
const (
	CodeSerial Code = "serial"
	CodeAsset  Code = "asset"
)

// Bars is what the Code 128 of the label holds; empty when it has none. What a
// scanner would type otherwise than it is written is left out: control
// characters could press keys, and other than ASCII depends on the scanner.
func (l Label) Bars(c Code) string {
	list := []string{l.Serial, l.AssetTag}
	if c == CodeAsset {
		list = []string{l.AssetTag, l.Serial}
	}
	const most = 40 // characters; longer ones fit on no label
	for _, text := range list {
		if text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e }) && strings.TrimSpace(text) == text {
			return text
		}
	}
	return ""
}

// qr is what the QR code of the label holds, the same as on the record's page.
func (l Label) qr() string { return fmt.Sprintf("OMBRUK:1:%s:%s", l.ID, l.SHA256) }

// LabelSize is a size of label, and how many of them stand on a sheet.
type LabelSize struct {
	Name string
	// Width and Height of one label in millimetres.
	Width, Height float64
	// Columns and Rows on a sheet; a roll has one of each.
	Columns, Rows int
	// sheet's size, and where its first label begins.
	pageWidth, pageHeight, left, top float64
	// padding is the margin within a label that no printer is to be trusted with.
	padding float64
}

// LabelSizes are the sizes there are, the default first.
func LabelSizes() []LabelSize {
	roll := func(w, h float64) LabelSize {
		return LabelSize{fmt.Sprintf("%.0fx%.0f", w, h), w, h, 1, 1, w, h, 0, 0, 1.2}
	}
	return []LabelSize{
		roll(62, 29), roll(100, 50),
		{"a4-3x8", 70, 37, 3, 8, pageWidth, pageHeight, 0, 0.5, 3.5},
		{"a4-2x7", 99.1, 38.1, 2, 7, pageWidth, pageHeight, 4.7, 15.2, 2.5},
	}
}

// Sheet says how labels are to be printed.
type Sheet struct {
	Language string
	Size     LabelSize
	Code     Code
	// Skip is how many labels of the first sheet are used up already.
	Skip int
	Tool certs.Tool
}

// Labels draws labels as PDF, one a page, or as many as a sheet takes. The
// bytes are the same for the same input.
func (r *Renderer) Labels(labels []Label, sh Sheet) ([]byte, error) {
	s, err := r.blank(sh.Language, fpdf.SizeType{Wd: sh.Size.pageWidth, Ht: sh.Size.pageHeight})
	if err != nil {
		return nil, fmt.Errorf("draw labels: %w", err)
	}
	s.pdf.SetTitle(s.clean(s.t.Get("title.labels", nil), false), true)
	tool := s.clean(joined(" ", sh.Tool.Name, sh.Tool.Version), false)
	s.pdf.SetCreator(tool, true)
	s.pdf.SetProducer(tool, true)
	each := sh.Size.Columns * sh.Size.Rows
	if sh.Skip < 0 || sh.Skip >= each {
		return nil, fmt.Errorf("draw labels: %d of %d labels of the sheet are used up", sh.Skip, each)
	}
	for i, l := range labels {
		if !idText.MatchString(l.ID) || len(l.ID) > maxIDBytes {
			return nil, fmt.Errorf("draw labels: id %q: want up to 64 letters, digits and hyphens", l.ID)
		}
		place := (i + sh.Skip) % each
		if i == 0 || place == 0 {
			s.pdf.AddPage()
		}
		x := sh.Size.left + float64(place%sh.Size.Columns)*sh.Size.Width
		y := sh.Size.top + float64(place/sh.Size.Columns)*sh.Size.Height
		if err := s.label(l, sh, x, y); err != nil {
			return nil, fmt.Errorf("draw label of record %s: %w", l.ID, err)
		}
	}
	if err := s.err(); err != nil {
		return nil, fmt.Errorf("draw labels: %w", err)
	}
	var b bytes.Buffer
	if err := s.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("draw labels: %w", err)
	}
	return b.Bytes(), nil
}

// labelLine is one line of text of a label.
type labelLine struct {
	text string
	bold bool
}

// lines are the lines below the label's word.
func (s *sheet) lines(l Label) []labelLine {
	answer := ""
	switch {
	case l.Answer == "":
	case l.n == 0:
		answer = s.t.Get(l.Answer, nil)
	default:
		answer = s.t.Count(l.Answer, int64(l.n), nil)
	}
	serial, asset, id := "", "", l.ID
	if l.Serial != "" {
		serial = s.t.Get("label.serial", map[string]any{"Serial": l.Serial})
	}
	if l.AssetTag != "" {
		asset = s.t.Get("label.asset", map[string]any{"Tag": l.AssetTag})
	}
	const digits = 12 // of the id's end, which is random
	if len(id) > digits {
		id = id[len(id)-digits:]
	}
	all := []labelLine{{answer, true}, {l.Name, false}, {serial, true}, {asset, false},
		{joined("  ", l.Date, s.t.Get("label.number", map[string]any{"ID": id})), false}}
	var out []labelLine
	for _, line := range all {
		if line.text != "" {
			out = append(out, line)
		}
	}
	return out
}

// label draws one label at a place. Lengths are those of a label of 62 x 29 mm,
// which larger ones scale up.
func (s *sheet) label(l Label, sh Sheet, x, y float64) error {
	pad := sh.Size.padding
	x, y = x+pad, y+pad
	width, height := sh.Size.Width-2*pad, sh.Size.Height-2*pad
	k := min(width/59.6, height/26.6)
	const code, gap = 19.9, 0.8
	bars := l.Bars(sh.Code)
	if err := s.drawQR(l.qr(), x+width-code*k, y-k, code*k); err != nil {
		return err
	}
	room := width - (code+gap)*k
	// The word with its sign, and the grade at the end of its line.
	s.drawSign(l.sign(), x+2.6*k, y+2.9*k, 4.6*k, ink)
	wordRoom := room - 6.4*k
	if l.graded() {
		letter := s.cutTo(6*k, l.Grade, "", style{points: 13 * k, bold: true})
		box := max(s.r.bold.width(letter, 13*k)+2*k, 5.6*k)
		s.pdf.SetDrawColor(ink.r, ink.g, ink.b)
		s.pdf.SetLineWidth(0.3 * k)
		s.pdf.Rect(x+room-box, y+0.1*k, box, 5.8*k, "D")
		s.text(x+room-box+(box-s.r.bold.width(letter, 13*k))/2, y+4.6*k, letter, style{points: 13 * k, bold: true, colour: ink})
		wordRoom -= box + k
	}
	word := s.clean(s.t.Get("label."+l.Word, nil), true)
	points := 17 * k
	for s.r.bold.width(word, points) > wordRoom && points > 5*k {
		points -= 0.25
	}
	s.text(x+6.2*k, y+2.9*k+points*mmPerPoint*0.36, word, style{points: points, bold: true, colour: ink})

	at := y + 9.2*k
	for _, line := range s.lines(l) {
		st := style{points: 7.2 * k, bold: line.bold, colour: ink}
		for st.points > 5.8*k && s.face(line.bold).width(s.clean(line.text, line.bold), st.points) > room {
			st.points -= 0.2
		}
		s.text(x, at, s.cutTo(room, line.text, "", st), st)
		at += 2.95 * k
	}
	if bars != "" {
		return s.drawBars(bars, x, y+height-4.6*k, width, 4.6*k)
	}
	return nil
}

// quietBars is the quiet zone on either side of a Code 128, in modules (ISO/IEC
// 15417).
const quietBars = 10

// bars are the modules of a Code 128, true where a bar is.
func bars(text string) ([]bool, error) {
	code, err := code128.Encode(text)
	if err != nil {
		return nil, fmt.Errorf("draw Code 128: %w", err)
	}
	return modules(code), nil
}

func modules(code barcode.Barcode) []bool {
	b := code.Bounds()
	out := make([]bool, b.Dx())
	for i := range out {
		out[i] = color.GrayModel.Convert(code.At(b.Min.X+i, b.Min.Y)).(color.Gray).Y < 128
	}
	return out
}

// drawBars draws a Code 128 with its quiet zones into a box, as one path. Bars
// that would come out too thin to be read are left out.
func (s *sheet) drawBars(text string, x, y, width, height float64) error {
	code, err := bars(text)
	if err != nil {
		return err
	}
	const thinnest, thickest = 0.167, 0.375 // millimetres: two dots at 300 dpi, three at 203
	module := min(width/float64(len(code)+2*quietBars), thickest)
	if module < thinnest {
		return nil
	}
	left := (x + (width-module*float64(len(code)))/2) / mmPerPoint
	bottom := (s.height - y - height) / mmPerPoint
	var b strings.Builder
	b.WriteString("q 0 g\n")
	for i := 0; i < len(code); i++ {
		run := 0
		for i+run < len(code) && code[i+run] {
			run++
		}
		if run > 0 {
			fmt.Fprintf(&b, "%.3f %.3f %.3f %.3f re\n", left+float64(i)*module/mmPerPoint, bottom, float64(run)*module/mmPerPoint, height/mmPerPoint)
			i += run
		}
	}
	b.WriteString("f Q")
	s.pdf.RawWriteStr(b.String())
	return nil
}

// dots is a length in the dots of a printer.
func dots(mm float64, perInch int) int { return int(math.Round(mm / 25.4 * float64(perInch))) }
