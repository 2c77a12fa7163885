package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
)

var update = flag.Bool("update", false, "write the golden texts anew")

// needs fails the test if a tool that judges our pages is not there.
func needs(t *testing.T, tool, debianPackage string) {
	t.Helper()
	if testing.Short() {
		t.Skip("outside tools are not run with -short")
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Fatalf("needs %s: apt-get install %s", tool, debianPackage)
	}
}

// run runs a tool and gives its standard output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// story is one record a user would recognise, and what its page must say.
type story struct {
	name        string
	rec         certs.Sanitization
	adapt       func(*Page)
	en, nb      string // the word on top
	certificate bool
	pages       int
}

func stories() []story {
	demo := func(p *Page) { p.Mode = certs.ModeDemo }
	simulated := func(p *Page) { p.Mode = certs.ModeSimulated }
	local := func(p *Page) { p.Issuer = Issuer{Fingerprint: hash("station")} }
	crowded := withExceptions()
	for i := range 60 {
		crowded.Exceptions = append(crowded.Exceptions, erase.Exception{Code: "reallocated", Text: fmt.Sprintf("Block %d was reallocated before this run and is beyond the reach of overwriting.", 4096*i)})
	}
	lowered := purged()
	lowered.Achieved = certs.Achieved{Method: erase.Clear, Technique: erase.Format}
	lowered.Steps[1].Technique, lowered.Steps[1].Command = erase.Format, inventory.NVMeFormatUser
	lowered.Steps[1].Commands = []erase.Command{{Name: "Format NVM, user data erase", Code: "80h, NSID 1, CDW10 00000200h: SES 1, LBAF 0 as it was; FNA 04h: namespace 1 only", Status: "0h/00h success"}}
	lowered.Assurance = erase.ReadBack
	lowered.Accepted = certs.Accepted{Method: erase.Clear, By: "operator Kari Nordmann"}
	return []story{
		{"clean", clean(), nil, "CLEAN", "SLETTET", true, 1},
		{"purged", purged(), nil, "CLEAN", "SLETTET", true, 1},
		{"crypto", crypto(), nil, "CLEAN", "SLETTET", true, 1},
		{"restored", restored(), nil, "CLEAN", "SLETTET", true, 1},
		{"markers-left", markersLeft(), nil, "DESTROY", "SKAL DESTRUERES", false, 1},
		{"goes-on", atWork(), nil, "NOT FINISHED", "IKKE FERDIG", false, 1},
		{"at-work-locked", locksIfSwitchedOff(), nil, "NOT FINISHED", "IKKE FERDIG", false, 1},
		{"worn-out", wornOut(), nil, "Erased, but the drive is to be destroyed.", "Slettet, men disken skal destrueres.", true, 1},
		{"frozen", frozen(), nil, "TRY AGAIN", "PRØV IGJEN", false, 1},
		{"accepted-less", lowered, nil, "CLEAN", "SLETTET", true, 1},
		{"exceptions", withExceptions(), nil, "CLEAN, WITH EXCEPTIONS", "SLETTET MED MERKNAD", true, 1},
		{"many-exceptions", crowded, nil, "CLEAN, WITH EXCEPTIONS", "SLETTET MED MERKNAD", true, 2},
		{"bad-blocks", badBlocks(200), nil, "DESTROY", "SKAL DESTRUERES", false, 1},
		{"try-again", held(), nil, "TRY AGAIN", "PRØV IGJEN", false, 1},
		{"below-level", belowLevel(), nil, "BELOW ORDERED LEVEL", "UNDER BESTILT NIVÅ", false, 1},
		{"interrupted", interrupted(), nil, "NOT FINISHED", "IKKE FERDIG", false, 1},
		{"unproven", unproven(), nil, "NOT PROVEN", "IKKE BEVIST", false, 1},
		{"demo", clean(), demo, "CLEAN", "SLETTET", true, 1},
		{"simulated-clean", crypto(), simulated, "CLEAN", "SLETTET", false, 1},
		{"simulated", held(), simulated, "TRY AGAIN", "PRØV IGJEN", false, 1},
		{"local-key", clean(), local, "CLEAN", "SLETTET", true, 1},
		{"hostile", hostile(), nil, "CLEAN", "SLETTET", true, 2},
		{"gutmann", gutmann(), nil, "CLEAN", "SLETTET", true, 1},
	}
}

var keyLike = regexp.MustCompile(`\b(word|title|field|section|value|sentence|technique|method|steps|exceptions?|people|clock|record|foot|unit|issuer|mode|page|format|month|pattern|verify|assurance|read-path|accepted|disposition|next|outcome|step|cause|hidden|health|markers|shows|space|standard|media|bus|class)\.[a-z]+[a-z-]*\b`)

func TestPages(t *testing.T) {
	for tool, debianPackage := range map[string]string{"pdftotext": "poppler-utils", "pdffonts": "poppler-utils", "pdfinfo": "poppler-utils", "pdfdetach": "poppler-utils", "pdftoppm": "poppler-utils", "qpdf": "qpdf", "zbarimg": "zbar-tools"} {
		needs(t, tool, debianPackage)
	}
	r := renderer(t)
	for _, language := range lang.Tags() {
		for _, st := range stories() {
			t.Run(st.name+"/"+language, func(t *testing.T) {
				t.Parallel()
				p := page(t, language, st.rec)
				if st.adapt != nil {
					st.adapt(&p)
				}
				pdf, err := r.Sanitization(st.rec, p)
				if err != nil {
					t.Fatal(err)
				}
				file, text := checkPDF(t, pdf, p, st.rec.ID)
				golden(t, st.name+"."+language+".txt", text, p)

				if got := pageCount(t, file); got != st.pages {
					t.Errorf("the page has %d pages, want %d", got, st.pages)
				}
				word := map[string]string{"en": st.en, "nb": st.nb}[language]
				if !strings.Contains(text, word) {
					t.Errorf("the page does not say %q", word)
				}
				all := strings.ToLower(text + run(t, "pdfinfo", file))
				hasWord := strings.Contains(all, "certificate") || strings.Contains(all, "sertifikat")
				if hasWord != st.certificate {
					t.Errorf("the page calls itself a certificate: %v, want %v", hasWord, st.certificate)
				}
				if m := keyLike.FindString(text); m != "" && m != "unit.evidence" {
					t.Errorf("the page shows the key %q instead of a message", m)
				}
				for _, claim := range []string{"approved", "certified", "godkjent av"} {
					if strings.Contains(all, claim) {
						t.Errorf("the page says %q", claim)
					}
				}
				marked := strings.Contains(text, "DEMO") || strings.Contains(text, "SIMULATED") || strings.Contains(text, "SIMULERT")
				if real := p.Mode == certs.ModeReal; marked == real {
					t.Errorf("marked as demo or simulated: %v, in mode %q", marked, p.Mode)
				}
			})
		}
	}
}

func TestUnitReports(t *testing.T) {
	needs(t, "pdftotext", "poppler-utils")
	clean := unit()
	clean.Drives = clean.Drives[:1]
	held := unit()
	held.Drives[1].Disposition = erase.Hold
	empty := unit()
	empty.Drives, empty.Machine.Memory.Modules, empty.Machine.Notes = nil, nil, []string{"memory modules: /sys/firmware/dmi/tables/DMI: permission denied"}
	empty.Disposition, empty.People = "", certs.People{}
	rack := unit()
	for i := range 40 {
		d := rack.Drives[0]
		d.Path = fmt.Sprintf("/dev/sd%d", i)
		rack.Drives = append(rack.Drives, d)
	}
	none := unit()
	none.Drives, none.Disposition = nil, "parts"
	none.Storage = certs.Storage{State: certs.StorageNone, Reasons: []inventory.Reason{
		{Code: inventory.UnseenNothing, PCIID: "8086:a352", Device: "Intel Corporation Cannon Lake PCH SATA AHCI Controller", Text: "Nothing."}}}
	hidden := unit()
	hidden.Drives, hidden.Disposition = hidden.Drives[:1], "hold"
	hidden.Storage = certs.Storage{State: certs.StorageUnreachable, Reasons: []inventory.Reason{
		{Code: inventory.UnseenRAIDMode, PCIID: "8086:282a", Device: "Intel Corporation 82801 Mobile SATA Controller [RAID mode]", Text: "RAID."},
		{Code: "new-code", Text: "A reason that this version has no words for."}}}
	graded := unit()
	graded.Drives, graded.Disposition = nil, "return"
	graded.Storage = certs.Storage{State: certs.StorageNotHandled, Reasons: []inventory.Reason{{Code: certs.ReasonGraded, Text: "Graded."}}}
	checked := unit()
	checked.Drives, checked.Storage.State = checked.Drives[:1], certs.StorageTreated
	checked.Checks = []certs.Check{
		{Part: "keyboard", Verdict: certs.CheckFail, Note: "Enter hangs; the key with Æ is missing"},
		{Part: "screen", Verdict: certs.CheckPass}, {Part: "pointer", Verdict: certs.CheckPass}, {Part: "speakers", Verdict: certs.CheckSkip, Note: "no sound card found"},
		{Part: "camera", Verdict: certs.CheckPass}, {Part: "ports", Verdict: certs.CheckPass}, {Part: "battery", Verdict: certs.CheckPass, Note: "health 81 %, 412 cycles"},
		{Part: "wifi", Verdict: certs.CheckPass}, {Part: certs.PartCosmetic, Verdict: certs.CheckPass, Grade: "B"}, {Part: "damage", Verdict: certs.CheckPass, Note: "scratch on the lid"},
	}
	before5 := unit()
	before5.Checks = notebook().Checks
	r := renderer(t)
	for _, st := range []struct {
		name  string
		rec   certs.Unit
		words map[string]string
		pages int
	}{
		{"unit", unit(), map[string]string{"en": "DRIVE TO DESTROY", "nb": "DISK SKAL DESTRUERES"}, 1},
		{"unit-clean", clean, map[string]string{"en": "ALL DRIVES CLEAN", "nb": "ALLE DISKER SLETTET"}, 1},
		{"unit-held", held, map[string]string{"en": "DRIVE NOT FINISHED", "nb": "DISK IKKE FERDIG"}, 1},
		{"unit-empty", empty, map[string]string{"en": "NO DRIVES", "nb": "INGEN DISKER"}, 1},
		{"unit-none", none, map[string]string{"en": "NO STORAGE FOUND", "nb": "INGEN LAGRING FUNNET"}, 1},
		{"unit-unreachable", hidden, map[string]string{"en": "STORAGE NOT REACHABLE", "nb": "LAGRING IKKE TILGJENGELIG"}, 1},
		{"unit-graded", graded, map[string]string{"en": "NOT HANDLED", "nb": "IKKE BEHANDLET"}, 1},
		{"unit-checked", checked, map[string]string{"en": "ALL DRIVES CLEAN", "nb": "ALLE DISKER SLETTET"}, 1},
		{"unit-rack", rack, map[string]string{"en": "DRIVE TO DESTROY", "nb": "DISK SKAL DESTRUERES"}, 2},
		{"unit-before-grades", before5, map[string]string{"en": "Cosmetic grade", "nb": "DISK SKAL DESTRUERES"}, 1},
		{"unit-notebook", notebook(), map[string]string{"en": "ALL DRIVES CLEAN", "nb": "ALLE DISKER SLETTET"}, 1},
		{"unit-desktop", desktop(), map[string]string{"en": "DRIVE TO DESTROY", "nb": "DISK SKAL DESTRUERES"}, 1},
		{"unit-two-drives", twoDrives(), map[string]string{"en": "not before its storage is settled", "nb": "ikke før lagringen er avklart"}, 1},
		{"unit-server", server(), map[string]string{"en": "24 × 16 GiB DDR4", "nb": "24 × 16 GiB DDR4"}, 2},
		{"unit-hostile", hostileUnit(), map[string]string{"en": "ALL DRIVES CLEAN", "nb": "ALLE DISKER SLETTET"}, 3},
	} {
		for _, language := range lang.Tags() {
			t.Run(st.name+"/"+language, func(t *testing.T) {
				t.Parallel()
				p := page(t, language, st.rec)
				pdf, err := r.Unit(st.rec, p)
				if err != nil {
					t.Fatal(err)
				}
				file, text := checkPDF(t, pdf, p, st.rec.ID)
				golden(t, st.name+"."+language+".txt", text, p)
				if got := pageCount(t, file); got != st.pages {
					t.Errorf("the report has %d pages, want %d", got, st.pages)
				}
				if word := st.words[language]; !strings.Contains(text, word) {
					t.Errorf("the report does not say %q", word)
				}
				claims := strings.Contains(text, map[string]string{"en": "ALL DRIVES CLEAN", "nb": "ALLE DISKER SLETTET"}[language])
				if state := st.rec.Storage.State; claims && state != "" && state != certs.StorageTreated {
					t.Errorf("the report on storage that is %s says that all is clean", state)
				}
			})
		}
	}
}

// judgePDF lets tools that we did not write judge a PDF, and gives its file and
// text.
func judgePDF(t *testing.T, pdf []byte) (file, text string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "page.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "qpdf", "--check", file)
	fonts := strings.Split(strings.TrimSpace(run(t, "pdffonts", file)), "\n")
	if len(fonts) < 3 {
		t.Errorf("pdffonts lists no font: %q", fonts)
	}
	for _, line := range fonts[2:] {
		if f := strings.Fields(line); len(f) < 8 || f[4] != "yes" || f[6] != "yes" {
			t.Errorf("a font is not embedded, or cannot be searched: %s", line)
		}
	}
	text = run(t, "pdftotext", "-layout", file, "-")
	for _, c := range text {
		if c < 0x20 && c != '\n' && c != '\f' || c >= 0x7f && c < 0xa0 || c >= 0x200b && c <= 0x200f || c >= 0x202a && c <= 0x202e || c == 0xfeff {
			t.Errorf("the page has the control character %U", c)
		}
	}
	return file, text
}

// checkPDF is judgePDF for the page of a record: its attachment and its code are
// the record's.
func checkPDF(t *testing.T, pdf []byte, p Page, id string) (file, text string) {
	t.Helper()
	file, text = judgePDF(t, pdf)
	if most := 60_000 + len(p.Envelope)/20; len(pdf) >= most {
		t.Errorf("the unsigned page has %d bytes, want under %d", len(pdf), most)
	}
	dir := filepath.Dir(file)
	attached := filepath.Join(dir, "evidence.json")
	run(t, "pdfdetach", "-save", "1", "-o", attached, file)
	if got, err := os.ReadFile(attached); err != nil || !bytes.Equal(got, p.Envelope) {
		t.Errorf("the attachment is not the envelope (%v)", err)
	}
	// Only the corner with the code: drawing whole pages takes most of the time.
	run(t, "pdftoppm", "-r", "150", "-gray", "-png", "-x", "60", "-y", "1400", "-W", "340", "-H", "354",
		"-l", "1", file, filepath.Join(dir, "page"))
	images, err := filepath.Glob(filepath.Join(dir, "page-*.png"))
	if err != nil || len(images) != 1 {
		t.Fatalf("images of the first page: %v, %v", images, err)
	}
	code := strings.TrimSpace(run(t, "zbarimg", "-q", "--raw", images[0]))
	if want := "OMBRUK:1:" + id + ":" + p.EnvelopeSHA256; code != want {
		t.Errorf("the QR code says %q, want %q", code, want)
	}
	return file, text
}

func pageCount(t *testing.T, file string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(run(t, "pdfinfo", file)) {
		_, _ = fmt.Sscanf(line, "Pages: %d", &n)
	}
	return n
}

// golden compares a page's text with the one on file. The envelope's digest is
// left out: it changes with every field that records gain.
func golden(t *testing.T, name, got string, p Page) {
	t.Helper()
	if !strings.Contains(got, p.EnvelopeSHA256) {
		t.Error("the page does not print the digest of its record")
	}
	goldenText(t, name, strings.ReplaceAll(got, p.EnvelopeSHA256, "(digest)"))
}

func goldenText(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./report -update writes it", err)
	}
	if got != string(want) {
		t.Errorf("the text differs from %s; go test ./report -update writes it anew. Got:\n%s", file, got)
	}
}

func TestSameRecordSameBytes(t *testing.T) {
	rec := purged()
	p := page(t, "nb", rec)
	p.Mode, p.Issuer.Logo = certs.ModeDemo, logo(t, 240, 80)
	first, err := renderer(t).Sanitization(rec, p)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := renderer(t).Sanitization(rec, p)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("two drawings of one record differ")
		}
	}
}

// Nothing about a drive that does not exist is titled a certificate, in
// whatever words a mode says so.
func TestOnlyRealJobsGetCertificates(t *testing.T) {
	needs(t, "pdfinfo", "poppler-utils")
	for _, language := range lang.Tags() {
		for _, mode := range []certs.Mode{certs.ModeSimulated, "training"} {
			p := page(t, language, crypto())
			p.Mode = mode
			pdf, err := renderer(t).Sanitization(crypto(), p)
			if err != nil {
				t.Fatal(err)
			}
			file, text := checkPDF(t, pdf, p, crypto().ID)
			all := strings.ToLower(text + run(t, "pdfinfo", file))
			title := strings.ToLower(renderer(t).texts[language].Get("title.simulated", nil))
			if !strings.Contains(all, title) || strings.Contains(all, "certificate") || strings.Contains(all, "sertifikat") {
				t.Errorf("%s, mode %q: want the title %q and no word of a certificate", language, mode, title)
			}
		}
	}
}

// A record without times must not be dated by the time of drawing.
func TestUndatedRecordHasNoDate(t *testing.T) {
	rec := interrupted()
	rec.Clock = certs.Clock{}
	pdf, err := renderer(t).Sanitization(rec, page(t, "en", rec))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(pdf, []byte("D:19700101")) {
		t.Error("the PDF has a date the record does not have")
	}
}

func TestRefusesARecordThatContradictsItself(t *testing.T) {
	tests := []struct {
		name   string
		change func(*certs.Sanitization)
	}{
		{"mismatches", func(r *certs.Sanitization) { r.Verification.Mismatches = 1 }},
		{"read errors", func(r *certs.Sanitization) {
			r.Verification.Errors = []erase.BadRange{{LBA: 1, Count: 1, Kind: "read"}}
		}},
		{"nothing read back", func(r *certs.Sanitization) { r.Verification.Mode = erase.VerifyNone }},
		{"no word on reading back", func(r *certs.Sanitization) { r.Verification.Mode = "" }},
		{"no assurance", func(r *certs.Sanitization) { r.Assurance = erase.AssuranceNone }},
		{"no method", func(r *certs.Sanitization) { r.Achieved.Method = erase.MethodNone }},
		{"no technique", func(r *certs.Sanitization) { r.Achieved.Technique = erase.TechniqueNone }},
		{"less than accepted", func(r *certs.Sanitization) { r.Accepted.Method = erase.Purge }},
		{"less than requested, nothing accepted", func(r *certs.Sanitization) {
			r.Requested.Method, r.Accepted.Method = erase.Purge, erase.MethodNone
		}},
		{"exceptions that the outcome leaves out", func(r *certs.Sanitization) { r.Exceptions = []erase.Exception{{Code: "missing-serial"}} }},
		{"an earlier run's work, of which a sample was read", func(r *certs.Sanitization) {
			r.Steps = append(r.Steps, certs.Step{Kind: erase.StepContinue, Run: "0198"})
			r.Verification.Mode = erase.VerifySample
		}},
		{"an earlier run's work, of which a block was not read", func(r *certs.Sanitization) {
			r.Steps[0].Run, r.Steps[0].Kind = "0198", erase.StepOverwrite
			r.Verification.BytesRead = r.Drive.CapacityBytes - 512
		}},
		{"failed and fulfilled", func(r *certs.Sanitization) { r.Outcome = erase.Failed }},
		{"unproven and fulfilled", func(r *certs.Sanitization) { r.Outcome = erase.Unproven }},
		{"interrupted and fulfilled", func(r *certs.Sanitization) { r.Outcome = erase.Interrupted }},
	}
	r := renderer(t)
	for _, tt := range tests {
		rec := clean()
		tt.change(&rec)
		if pdf, err := r.Sanitization(rec, page(t, "en", rec)); !errors.Is(err, certs.ErrContradiction) || pdf != nil {
			t.Errorf("%s: %d bytes and error %v, want a refusal", tt.name, len(pdf), err)
		}
	}
}

// Whatever the facts of a record are, only a clean and fulfilled one may be
// titled a certificate.
func TestOnlyACleanAndFulfilledDriveGetsACertificate(t *testing.T) {
	for outcome := erase.Unproven; outcome <= erase.Sanitized+1; outcome++ {
		for _, fulfilled := range []bool{false, true} {
			for _, d := range []erase.Disposition{"", erase.Reuse, erase.Destroy, erase.Hold, "other"} {
				rec := clean()
				rec.Outcome, rec.Fulfilled, rec.Disposition = outcome, fulfilled, d
				if rec.Check() != nil {
					continue
				}
				v := judge(rec)
				if got, want := v.title == "title.certificate", outcome.Clean() && fulfilled; got != want {
					t.Errorf("outcome %s, fulfilled %v, disposition %q: certificate %v, want %v", outcome, fulfilled, d, got, want)
				}
				if v.colour == green && outcome != erase.Sanitized {
					t.Errorf("outcome %s is green", outcome)
				}
			}
		}
	}
}

func TestRefusesBadInput(t *testing.T) {
	r := renderer(t)
	tests := []struct {
		name   string
		change func(*certs.Sanitization, *Page)
		want   string
	}{
		{"no language", func(_ *certs.Sanitization, p *Page) { p.Language = "" }, "language"},
		{"unknown language", func(_ *certs.Sanitization, p *Page) { p.Language = "tlh" }, "language"},
		{"no id", func(rec *certs.Sanitization, _ *Page) { rec.ID = "" }, "id"},
		{"id that is a path", func(rec *certs.Sanitization, _ *Page) { rec.ID = "../../etc/passwd" }, "id"},
		{"another envelope", func(_ *certs.Sanitization, p *Page) { p.Envelope = append(p.Envelope, ' ') }, "SHA-256"},
		{"a logo that is no picture", func(_ *certs.Sanitization, p *Page) { p.Issuer.Logo = []byte("GIF89a") }, "logo"},
		{"a huge logo", func(_ *certs.Sanitization, p *Page) { p.Issuer.Logo = logo(t, 5000, 1) }, "logo"},
	}
	for _, tt := range tests {
		rec := clean()
		p := page(t, "en", rec)
		tt.change(&rec, &p)
		if _, err := r.Sanitization(rec, p); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one that says %q", tt.name, err, tt.want)
		}
	}
}

func BenchmarkCertificate(b *testing.B) {
	r, rec := renderer(b), clean()
	p := page(b, "nb", rec)
	for b.Loop() {
		if _, err := r.Sanitization(rec, p); err != nil {
			b.Fatal(err)
		}
	}
}

// A page that lies alone must still say that it is a demonstration, and which
// answer and record it belongs to.
func TestEveryPageOfADemoSaysSo(t *testing.T) {
	needs(t, "pdftotext", "poppler-utils")
	rec := badBlocks(9)
	for i := range 90 {
		rec.Exceptions = append(rec.Exceptions, erase.Exception{Code: "note", Text: fmt.Sprintf("Note %d.", i)})
	}
	p := page(t, "en", rec)
	p.Mode = certs.ModeDemo
	pdf, err := renderer(t).Sanitization(rec, p)
	if err != nil {
		t.Fatal(err)
	}
	_, text := checkPDF(t, pdf, p, rec.ID)
	pages := strings.Split(strings.TrimSuffix(text, "\f"), "\f")
	if len(pages) < 2 {
		t.Fatalf("%d pages, want several", len(pages))
	}
	for i, one := range pages {
		for _, want := range []string{"DEMO", "DESTROY", rec.ID, fmt.Sprintf("Page %d of %d", i+1, len(pages))} {
			if !strings.Contains(one, want) {
				t.Errorf("page %d does not say %q", i+1, want)
			}
		}
	}
}
