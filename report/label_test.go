package report

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

func unitRecord(u certs.Unit) *certs.Record {
	return &certs.Record{Kind: certs.KindUnit, Header: u.Header, Unit: &u, SHA256: hash("envelope")}
}

func driveRecord(d certs.Sanitization) *certs.Record {
	return &certs.Record{Kind: certs.KindSanitization, Header: d.Header, Sanitization: &d, SHA256: hash("envelope")}
}

func sheetOf(language string, size int) Sheet {
	return Sheet{Language: language, Size: LabelSizes()[size], Code: CodeSerial, Tool: header().Tool}
}

// Whatever happened to a drive: its label says reuse only if it is clean, at
// the accepted level, meant to be reused, and real.
func TestNoLabelSaysReuseOfADriveThatIsNotClean(t *testing.T) {
	reused := 0
	for outcome := erase.Outcome(0); outcome <= erase.Sanitized+1; outcome++ {
		for _, fulfilled := range []bool{false, true} {
			for _, d := range []erase.Disposition{"", erase.Reuse, erase.Destroy, erase.Hold, "other"} {
				for _, kind := range []certs.Kind{certs.KindSanitization, certs.KindStarted, "other"} {
					for _, mode := range []certs.Mode{certs.ModeReal, certs.ModeDemo, certs.ModeSimulated, "training"} {
						rec := clean()
						rec.Outcome, rec.Fulfilled, rec.Disposition = outcome, fulfilled, d
						r := driveRecord(rec)
						r.Kind, r.Mode = kind, mode
						l := LabelOf(r)
						good := outcome.Clean() && outcome <= erase.Sanitized && fulfilled && d == erase.Reuse && kind == certs.KindSanitization && mode == certs.ModeReal
						if (l.Word == "reuse" || l.sign() == signCheck) && !good {
							t.Errorf("outcome %s, fulfilled %v, disposition %q, kind %s, mode %q: the label says %s", outcome, fulfilled, d, kind, mode, l.Word)
						}
						if l.Word == "reuse" {
							reused++
						}
					}
				}
			}
		}
	}
	if reused == 0 {
		t.Error("no label ever says reuse")
	}
	for _, st := range stories() {
		word := LabelOf(driveRecord(st.rec)).Word
		if word == "reuse" && (!st.certificate && st.name != "simulated-clean" || !st.rec.Outcome.Clean()) {
			t.Errorf("%s: the label says %s", st.name, word)
		}
		if st.en == "DESTROY" && word != "destroy" {
			t.Errorf("%s: the label says %s, want destroy", st.name, word)
		}
	}
}

// The same for machines: one drive that is not known to be clean, or storage
// that nobody reached, and the label does not say reuse.
func TestNoLabelSaysReuseOfAMachineWithDataInIt(t *testing.T) {
	no, yes := false, true
	one := unit().Drives[0]
	drive := func(o erase.Outcome, d erase.Disposition, fulfilled *bool) certs.UnitDrive {
		u := one
		u.Outcome, u.Disposition, u.Fulfilled = o, d, fulfilled
		if !o.Clean() {
			u.Achieved = erase.MethodNone
		}
		return u
	}
	untouched := certs.UnitDrive{Path: "/dev/sdb", NotTouched: "in use"}
	lots := [][]certs.UnitDrive{nil, {one}, {one, one}, {untouched}, {one, untouched}}
	for o := erase.Outcome(0); o <= erase.Sanitized; o++ {
		for _, d := range []erase.Disposition{"", erase.Reuse, erase.Destroy, erase.Hold} {
			for _, f := range []*bool{nil, &no, &yes} {
				lots = append(lots, []certs.UnitDrive{drive(o, d, f)}, []certs.UnitDrive{one, drive(o, d, f)})
			}
		}
	}
	states := []certs.StorageState{"", certs.StorageTreated, certs.StoragePartly, certs.StorageNone, certs.StorageUnreachable, certs.StorageNotHandled, "other"}
	reasons := [][]inventory.Reason{nil, {{Code: inventory.UnseenRAIDMode, Text: "RAID."}}}
	reused := 0
	for _, drives := range lots {
		for _, state := range states {
			for _, why := range reasons {
				for _, to := range []grade.Disposition{"", grade.Reuse, grade.Parts, grade.Recycle, grade.Return, grade.Hold, "other"} {
					rec := notebook()
					rec.Drives, rec.Storage, rec.Disposition, rec.Grade = drives, certs.Storage{State: state, Reasons: why}, string(to), nil
					word := LabelOf(unitRecord(rec)).Word
					good := rec.Check() == nil && to == grade.Reuse && state == certs.StorageTreated && len(drives) > 0 &&
						!slices.ContainsFunc(drives, func(d certs.UnitDrive) bool {
							return !d.Outcome.Clean() || d.NotTouched != "" || d.Disposition == erase.Destroy || d.Disposition == erase.Hold
						})
					if word == "reuse" && !good {
						t.Errorf("drives %+v, storage %q, to %q: the label says reuse", drives, state, to)
					}
					if word == "reuse" {
						reused++
					}
					if (state == certs.StorageUnreachable || state == certs.StorageNotHandled) && word != "hold" && word != "return" {
						t.Errorf("storage %q, to %q: the label says %s", state, to, word)
					}
				}
			}
		}
	}
	if reused == 0 {
		t.Error("no label ever says reuse")
	}
	for _, mode := range []certs.Mode{certs.ModeDemo, certs.ModeSimulated, "training"} {
		r := unitRecord(notebook())
		r.Mode = mode
		if l := LabelOf(r); l.Word != "demo" && l.Word != "simulated" || l.sign() == signCheck {
			t.Errorf("mode %q: the label says %s", mode, l.Word)
		}
	}
}

func labelStories() map[string]Label {
	hostile := unitRecord(hostileUnit())
	hostile.Unit.Header.AssetTag, hostile.Header.AssetTag = "^XZ~JA^XA^FD_5E", "^XZ~JA^XA^FD_5E"
	hostile.Unit.Machine.System.Serial = "A>;B^C~D"
	long := driveRecord(hostileDrive())
	started := driveRecord(clean())
	started.Kind = certs.KindStarted
	demo := driveRecord(clean())
	demo.Mode = certs.ModeDemo
	return map[string]Label{
		"notebook": LabelOf(unitRecord(notebook())), "two-drives": LabelOf(unitRecord(twoDrives())), "desktop": LabelOf(unitRecord(desktop())),
		"server": LabelOf(unitRecord(server())), "drive": LabelOf(driveRecord(clean())), "failed": LabelOf(driveRecord(markersLeft())),
		"held": LabelOf(driveRecord(held())), "started": LabelOf(started), "demo": LabelOf(demo), "hostile": LabelOf(hostile), "long": LabelOf(long),
		"interrupted": LabelOf(driveRecord(interrupted())),
	}
}

func hostileDrive() certs.Sanitization {
	rec := hostile()
	rec.Drive.Manufacturer = strings.Repeat("Hewlett-Packard ", 9)
	return rec
}

// A scanner reads both codes from the label as it comes out of a printer, and
// finds there what the record's page says.
func TestScannersReadLabels(t *testing.T) {
	for tool, debianPackage := range map[string]string{"pdftoppm": "poppler-utils", "pdftotext": "poppler-utils", "pdfinfo": "poppler-utils", "qpdf": "qpdf", "zbarimg": "zbar-tools"} {
		needs(t, tool, debianPackage)
	}
	r := renderer(t)
	for name, l := range labelStories() {
		for i, size := range LabelSizes() {
			if i > 0 && name != "notebook" && name != "hostile" && name != "long" {
				continue // the words are the same on every size
			}
			language := lang.Tags()[i%len(lang.Tags())]
			t.Run(name+"/"+size.Name, func(t *testing.T) {
				t.Parallel()
				pdf, err := r.Labels([]Label{l}, sheetOf(language, i))
				if err != nil {
					t.Fatal(err)
				}
				file, text := judgePDF(t, pdf)
				word := r.texts[language].Get("label."+l.Word, nil)
				if !strings.Contains(text, word) {
					t.Errorf("the label does not say %q:\n%s", word, text)
				}
				if reuse := r.texts[language].Get("label.reuse", nil); l.Word != "reuse" && regexp.MustCompile(`\b`+reuse+`\b`).MatchString(text) {
					t.Errorf("the label of something else says %q:\n%s", reuse, text)
				}
				png := filepath.Join(filepath.Dir(file), "label")
				corner := func(mm float64) string { return strconv.Itoa(dots(mm, 300)) }
				run(t, "pdftoppm", "-r", "300", "-gray", "-singlefile", "-png", "-W", corner(size.left+size.Width), "-H", corner(size.top+size.Height), file, png)
				got := strings.Split(strings.TrimSpace(run(t, "zbarimg", "-q", png+".png")), "\n")
				want := []string{"QR-Code:" + l.qr()}
				if bars := l.Bars(CodeSerial); bars != "" {
					want = append(want, "CODE-128:"+bars)
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("a scanner reads %q, want %q", got, want)
				}
				if info := run(t, "pdfinfo", file); !strings.Contains(info, fmt.Sprintf("%.2f", size.pageWidth/mmPerPoint)[:5]) {
					t.Errorf("the label is not %.0f mm wide: %s", size.pageWidth, info)
				}
			})
		}
	}
}

// A sheet takes as many labels as it has places, from the first that is free.
func TestASheetOfLabels(t *testing.T) {
	needs(t, "pdfinfo", "poppler-utils")
	r := renderer(t)
	var many []Label
	for range 30 {
		many = append(many, LabelOf(unitRecord(notebook())))
	}
	sh := sheetOf("nb", 2)
	for skip, want := range map[int]int{0: 2, 17: 2, 19: 3} {
		sh.Skip = skip
		pdf, err := r.Labels(many, sh)
		if err != nil {
			t.Fatal(err)
		}
		file, _ := judgePDF(t, pdf)
		if got := pageCount(t, file); got != want {
			t.Errorf("30 labels behind %d on sheets of 24: %d pages, want %d", skip, got, want)
		}
		if again, err := r.Labels(many, sh); err != nil || !bytes.Equal(again, pdf) {
			t.Errorf("two drawings of the same labels differ (%v)", err)
		}
	}
	for _, skip := range []int{-1, 24} {
		sh.Skip = skip
		if _, err := r.Labels(many, sh); err == nil {
			t.Errorf("%d of 24 labels used up: want an error", skip)
		}
	}
}

// What would make a scanner type something else than it reads is in no bars.
func TestBarsHoldOnlyWhatIsSafeToType(t *testing.T) {
	for serial, want := range map[string]string{
		"5XK2P13": "5XK2P13", "": "T-1", "A\rB": "T-1", "\x1b[2J": "T-1", "Ångstrøm": "T-1", " padded ": "T-1", "A^B~C>D": "A^B~C>D",
		strings.Repeat("9", 41): "T-1", "\u00f1FNC1": "T-1",
	} {
		if got := (Label{Serial: serial, AssetTag: "T-1"}).Bars(CodeSerial); got != want {
			t.Errorf("serial %q: bars hold %q, want %q", serial, got, want)
		}
	}
	if got := (Label{Serial: "5XK2P13", AssetTag: "T-1"}).Bars(CodeAsset); got != "T-1" {
		t.Errorf("bars hold %q, want the asset tag", got)
	}
}

// zplField is one field of a label as a printer would understand it.
type zplField struct {
	x, y int
	kind string // A, BC, BQ, GB, GD, GC
	args []string
	data string
}

// readZPL reads labels as strictly as the guide lets one, and knows only the
// commands that we write. What is wrong is an error.
func readZPL(s string) (labels [][]zplField, err error) {
	bad := func(format string, args ...any) ([][]zplField, error) { return nil, fmt.Errorf(format, args...) }
	shapes := map[string]*regexp.Regexp{
		"XA": regexp.MustCompile(`^$`), "XZ": regexp.MustCompile(`^$`), "FS": regexp.MustCompile(`^$`), "CI": regexp.MustCompile(`^28$`),
		"PW": regexp.MustCompile(`^\d{1,5}$`), "LL": regexp.MustCompile(`^\d{1,5}$`), "LH": regexp.MustCompile(`^0,0$`), "PQ": regexp.MustCompile(`^1$`),
		"FO": regexp.MustCompile(`^\d{1,4},\d{1,4}$`), "A0": regexp.MustCompile(`^N,\d{2,3},\d{2,3}$`), "FH": regexp.MustCompile(`^_$`),
		"BY": regexp.MustCompile(`^([2-9]|10)$`), "BC": regexp.MustCompile(`^N,\d{1,5},N,N,N$`), "BQ": regexp.MustCompile(`^N,2,([1-9]|10)$`),
		"GB": regexp.MustCompile(`^\d{1,5},\d{1,5},\d{1,5}$`), "GD": regexp.MustCompile(`^\d{1,5},\d{1,5},\d{1,5},B,[LR]$`), "GC": regexp.MustCompile(`^\d{1,4},\d{1,4}$`),
	}
	var label []zplField
	var field *zplField
	open, hexed := false, false
	width, height := 0, 0
	for s != "" {
		if s[0] == '\n' {
			s = s[1:]
			continue
		}
		if s[0] != '^' || len(s) < 3 {
			return bad("text outside of a command: %.30q", s)
		}
		code := s[1:3]
		s = s[3:]
		end := strings.IndexAny(s, "^~")
		if end < 0 {
			end = len(s)
		}
		args := strings.TrimRight(s[:end], "\n")
		s = s[end:]
		if code == "FD" {
			if field == nil || !hexed || field.data != "" {
				return bad("field data %q without a field in hex", args)
			}
			if field.data, err = fromHex(args); err != nil {
				return nil, err
			}
			continue
		}
		shape, ok := shapes[code]
		if !ok {
			return bad("command ^%s", code)
		}
		if !shape.MatchString(args) {
			return bad("^%s%s: not what the guide allows", code, args)
		}
		if !open && code != "XA" || open && code == "XA" {
			return bad("^%s out of place", code)
		}
		parts := strings.Split(args, ",")
		switch code {
		case "XA":
			open, label, field, width, height = true, nil, nil, 0, 0
		case "XZ":
			if field != nil {
				return bad("a field without an end")
			}
			open, labels = false, append(labels, label)
		case "PW":
			width, _ = strconv.Atoi(args)
		case "LL":
			height, _ = strconv.Atoi(args)
		case "FO":
			if field != nil {
				return bad("a field within a field")
			}
			field, hexed = &zplField{}, false
			field.x, _ = strconv.Atoi(parts[0])
			field.y, _ = strconv.Atoi(parts[1])
			if field.x >= width || field.y >= height {
				return bad("a field at %s, beyond the label of %d x %d dots", args, width, height)
			}
		case "FH":
			hexed = true
		case "BY":
			if field == nil {
				return bad("bars outside of a field")
			}
			field.args = parts
		case "A0", "BC", "BQ", "GB", "GD", "GC":
			if field == nil || field.kind != "" {
				return bad("^%s outside of a field of its own", code)
			}
			field.kind, field.args = strings.TrimSuffix(code, "0"), append(field.args, parts...)
		case "FS":
			if field == nil || field.kind == "" || field.kind[0] != 'G' && field.data == "" {
				return bad("an empty field")
			}
			if field.kind == "GB" || field.kind == "GD" {
				w, _ := strconv.Atoi(field.args[0])
				h, _ := strconv.Atoi(field.args[1])
				if field.x+w > width || field.y+h > height {
					return bad("a graphic beyond the label: %+v", *field)
				}
			}
			label, field = append(label, *field), nil
		}
	}
	if open {
		return bad("a label without an end")
	}
	return labels, nil
}

// fromHex reads field data after ^FH_.
func fromHex(s string) (string, error) {
	var out []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			if i+2 >= len(s) {
				return "", fmt.Errorf("field data %q ends within a byte", s)
			}
			b, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				return "", fmt.Errorf("field data %q: %w", s, err)
			}
			out, i = append(out, b...), i+2
		case c < 0x20 || c > 0x7e:
			return "", fmt.Errorf("field data %q: byte %#x in the open", s, c)
		default:
			out = append(out, c)
		}
	}
	if !utf8.Valid(out) {
		return "", fmt.Errorf("field data %q: no UTF-8", s)
	}
	return string(out), nil
}

// code128B takes field data of ^BC apart as the guide's table of invocation
// codes says, set B only.
func code128B(s string) (string, error) {
	s, ok := strings.CutPrefix(s, ">:")
	if !ok {
		return "", fmt.Errorf("bars %q do not begin in set B", s)
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '>' {
			out.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", fmt.Errorf("bars %q end within a code", s)
		}
		c, ok := map[byte]byte{'0': '>', '<': '^', '=': '~'}[s[i]]
		if !ok {
			return "", fmt.Errorf("bars %q invoke >%c", s, s[i])
		}
		out.WriteByte(c)
	}
	return out.String(), nil
}

func TestPrintersReadLabels(t *testing.T) {
	r := renderer(t)
	for name, l := range labelStories() {
		for i, size := range LabelSizes() {
			for _, dpi := range []int{203, 300} {
				out, err := r.ZPL([]Label{l, l}, sheetOf("nb", i), dpi)
				if err != nil {
					t.Fatal(err)
				}
				at := fmt.Sprintf("%s, %s, %d dpi", name, size.Name, dpi)
				labels, err := readZPL(string(out))
				if err != nil || len(labels) != 2 {
					t.Errorf("%s: %d labels, %v", at, len(labels), err)
					continue
				}
				var texts []string
				for _, f := range labels[0] {
					switch f.kind {
					case "BQ":
						if f.data != "MA,"+l.qr() {
							t.Errorf("%s: the code holds %q", at, f.data)
						}
					case "BC":
						got, err := code128B(f.data)
						if err != nil || got != l.Bars(CodeSerial) {
							t.Errorf("%s: the bars hold %q, %v; want %q", at, got, err, l.Bars(CodeSerial))
						}
						module, _ := strconv.Atoi(f.args[0])
						if wide := module * (11*(len(got)+2) + 13 + 2*quietBars); wide > dots(size.Width, dpi) {
							t.Errorf("%s: the bars are %d dots wide, the label has %d", at, wide, dots(size.Width, dpi))
						}
					case "A":
						texts = append(texts, f.data)
					}
				}
				word := r.texts["nb"].Get("label."+l.Word, nil)
				if !slices.Contains(texts, word) {
					t.Errorf("%s: the label does not say %q: %q", at, word, texts)
				}
				if l.Word != "reuse" && slices.Contains(texts, "OMBRUK") {
					t.Errorf("%s: the label says OMBRUK", at)
				}
			}
		}
	}
	if _, err := r.ZPL(nil, sheetOf("nb", 0), 600); err == nil {
		t.Error("600 dots an inch: want an error")
	}
}

// The strict reader is strict.
func TestReadZPLBites(t *testing.T) {
	const head = "^XA\n^CI28\n^PW400\n^LL200\n^LH0,0\n"
	for _, s := range []string{
		"^XA^FDx^FS^XZ", head + "^FO1,1^A0N,20,20^FDx^FS^XZ", head + "^FO1,1^A0N,20,20^FH_^FDa_G0^FS^XZ", head + "^FO1,1^A0N,20,20^FH_^FDa~JA^FS^XZ",
		head + "^FO1,1^A0N,20,20^FH_^FDx^FS", head + "^FO900,1^A0N,20,20^FH_^FDx^FS^XZ", head + "^DFR:X.ZPL^FS^XZ", "text", head + "^FO1,1^A0N,20,20^FH_^FD_FF^FS^XZ",
	} {
		if labels, err := readZPL(s); err == nil {
			t.Errorf("%q was read: %+v", s, labels)
		}
	}
}

func FuzzZPL(f *testing.F) {
	f.Add("^XZ~JA", "_5E", "B")
	f.Add("\xff\x00^FS", "æøå >:", "^")
	r := renderer(f)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a)+len(b)+len(c) > 2000 {
			return
		}
		l := LabelOf(unitRecord(notebook()))
		l.Name, l.Serial, l.AssetTag, l.Grade, l.Date = a, b, c, c, a
		out, err := r.ZPL([]Label{l}, sheetOf("en", 0), 203)
		if err != nil {
			t.Fatal(err)
		}
		labels, err := readZPL(string(out))
		if err != nil || len(labels) != 1 {
			t.Errorf("%d labels, %v:\n%s", len(labels), err, out)
		}
		if _, err := r.Labels([]Label{l}, sheetOf("nb", 2)); err != nil {
			t.Error(err)
		}
	})
}
