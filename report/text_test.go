package report

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

func TestWritesOutWhatCannotBePrinted(t *testing.T) {
	g := renderer(t).regular
	for in, want := range map[string]string{
		"Åse Łukasz Žižka Šš €10 → Ελλάς Нет": "Åse Łukasz Žižka Šš €10 → Ελλάς Нет",
		"A\u030ase":        "Åse",
		"q\u0301":          "q{U+0301}",
		"\x1b[2J":          "{U+001B}[2J",
		"a\u202eb":         "a{U+202E}b",
		"\u200bx\ufeff":    "{U+200B}x{U+FEFF}",
		"💾":                "{U+1F4BE}",
		"漢":                "{U+6F22}",
		"a\r\nb\tc":        "a{U+000D}{U+000A}b{U+0009}c",
		"\xff\xfea\ufffd":  "{0xFF}{0xFE}a{U+FFFD}",
		"1\u00a0234":       "1\u00a0234",
		"{U+202E} as such": "{U+202E} as such",
		"":                 "",
	} {
		if got := g.clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	g := renderer(t).regular
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"", []string{""}},
		{"short", []string{"short"}},
		{"two words that break", []string{"two words", "that break"}},
		{"019ab0c4-7d2e-7b41-9c1f", []string{"019ab0c4-", "7d2e-7b41-", "9c1f"}},
		{"WWWWWWWWWWWW", []string{"WWWWWW", "WWWWWW"}},
	} {
		if got := g.wrap(tt.in, 8.5, 19); strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("wrap(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzWrapLosesNothing(f *testing.F) {
	f.Add("Hewlett-Packard  Enterprise", 30.0)
	f.Add("\u202e\x00 W0I1l", 4.0)
	f.Add(strings.Repeat(" ", 300)+"x", 10.0)
	r := renderer(f)
	f.Fuzz(func(t *testing.T, s string, width float64) {
		if width < 1 || width > 200 || len(s) > 4096 {
			return
		}
		text := r.regular.clean(s)
		for _, c := range text {
			if !r.regular.has(c) {
				t.Fatalf("clean(%q) leaves %U", s, c)
			}
		}
		if again := r.regular.clean(text); again != text {
			t.Fatalf("clean is not stable: %q, then %q", text, again)
		}
		lines := r.regular.wrap(text, 8.5, width)
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
			t.Errorf("wrap lost something: %q, want %q", got, want)
		}
		for _, line := range lines {
			if w := r.regular.width(strings.TrimRight(line, " "), 8.5); w > width+0.1 && utf8.RuneCountInString(strings.TrimSpace(line)) > 1 {
				t.Errorf("line %q is %.1f mm wide, want at most %.1f", line, w, width)
			}
		}
	})
}

// FuzzPage puts a stranger's text wherever a record takes text.
func FuzzPage(f *testing.F) {
	f.Add("\x1b]0;x\x07", "=1+1", "ok")
	f.Add("(\\) Tj ET endstream", "{{.ID}}", "א")
	f.Add(strings.Repeat("W", 3000), "\xff", "\u2028")
	r := renderer(f)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a)+len(b)+len(c) > 20_000 {
			return
		}
		rec := withExceptions()
		rec.Drive.Serial, rec.Drive.Model, rec.Unit.Model, rec.AssetTag = a, b, c, a
		rec.Exceptions[2].Text, rec.Steps[0].Pattern, rec.Steps[0].Commands[0].Status = a, b, c
		rec.Verification.Fraction, rec.People.PerformedBy.Date, rec.Accepted.By = a, b, c
		rec.Agency.Name, rec.Policy.Name, rec.Station.Name = a, b, c
		for _, p := range []Page{{Language: "nb", Mode: certs.Mode(c), Issuer: Issuer{Name: a, Orgnr: b, Established: true}}, {Language: "en", Issuer: Issuer{Name: c}}} {
			pdf, err := r.Sanitization(rec, p)
			if err != nil || len(pdf) == 0 {
				t.Errorf("a page of hostile text: %v", err)
			}
		}
	})
}

func TestHostileSerialIsPrintedInFull(t *testing.T) {
	needs(t, "pdftotext", "poppler-utils")
	rec := hostile()
	p := page(t, "nb", rec)
	pdf, err := renderer(t).Sanitization(rec, p)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := checkPDF(t, pdf, p, rec.ID)
	// In reading order, so that the lines of one cell follow each other.
	text := norm.NFC.String(run(t, "pdftotext", "-raw", file, "-"))
	squeezed := strings.Join(strings.Fields(text), "")
	for _, want := range []string{rec.Drive.Serial, "<script>alert(1)</script>", "owned{U+0007}evil{U+202E}gpj.exe{U+202C}", "{0xFF}{0xFE}", "{U+05E9}", "{U+1F4BE}", "{{.ID}}", "Åskommune(Å)"} {
		if !strings.Contains(squeezed, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestShareIsCutNotRounded(t *testing.T) {
	for in, want := range map[string]int64{"1": 1_000_000, "1.0": 1_000_000, "0": 0, "0.104857": 104857, "0.99999999": 999_999, "0.5": 500_000} {
		if got, ok := partsPerMillion(in); !ok || got != want {
			t.Errorf("partsPerMillion(%q) = %d, %v; want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-0.5", "1.5", "2", "0.1e3", "NaN", "1,0", "0x1", "0.5 ", strings.Repeat("1", 40)} {
		if got, ok := partsPerMillion(in); ok {
			t.Errorf("partsPerMillion(%q) = %d, want a refusal", in, got)
		}
	}
}

// Every exception that the run of a plan can end with has words in the
// languages of the pages.
func TestEveryExceptionHasWords(t *testing.T) {
	codes := regexp.MustCompile(`except\("([a-z-]+)"|Code:\s*"([a-z-]+)"`)
	text := renderer(t).texts["en"]
	seen := 0
	for _, pattern := range []string{"../erase/*.go", "../internal/job/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range codes.FindAllStringSubmatch(string(source), -1) {
				seen++
				code := m[1] + m[2]
				args := map[string]any{}
				for _, name := range []string{"blocks", "percent", "cause", "accepted", "achieved", "bytes", "name", "markers", "places", "remembered", "password"} {
					args[name] = "x"
				}
				if _, ok := text.Try("exception."+code, args); !ok {
					t.Errorf("%s: exception %s has no words in package lang", file, code)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("found %d exceptions in package erase, want more: has their writing changed?", seen)
	}
}

// spoken is a sheet that only speaks.
func spoken(t *testing.T, language string) *sheet {
	t.Helper()
	return &sheet{t: renderer(t).texts[language], density: density{1, 1}}
}

func plain(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

func TestEveryStepAndTechniqueHasWords(t *testing.T) {
	s := spoken(t, "en")
	for _, k := range []erase.StepKind{erase.StepThaw, erase.StepUnlock, erase.StepAwait, erase.StepLeave, erase.StepReveal, erase.StepMark, erase.StepErase, erase.StepOverwrite, erase.StepReadBack} {
		st := certs.Step{Kind: k, Technique: erase.CryptoErase, Command: inventory.NVMeSanitizeCrypto}
		if k != erase.StepErase && k != erase.StepOverwrite {
			st.Technique = erase.TechniqueNone
		}
		got := s.stepText(stepGroup{steps: []certs.Step{st}, passes: 1, patterns: []string{""}})
		if got == "" || got == string(k) || keyLike.MatchString(got) {
			t.Errorf("step %s is called %q", k, got)
		}
	}
	for _, technique := range []erase.Technique{erase.Overwrite, erase.BlockErase, erase.CryptoErase, erase.SecurityErase, erase.Format, erase.Revert, erase.SanitizeOverwrite} {
		if _, ok := s.t.Try("technique."+string(technique), nil); !ok {
			t.Errorf("technique %s has no words", technique)
		}
	}
	for _, assurance := range []erase.Assurance{erase.DeviceReported, erase.ReadBack, erase.MediaVerified} {
		for _, key := range []string{"assurance.", "shows."} {
			if _, ok := s.t.Try(key+string(assurance), nil); !ok {
				t.Errorf("assurance %s has no %s", assurance, key)
			}
		}
	}
}

// An area that nobody asked about is never said to be none.
func TestHiddenAreasBeforeAndAfter(t *testing.T) {
	of := func(n int64) *int64 { return &n }
	type areas = certs.HiddenAreas
	for _, c := range []struct {
		name          string
		bus           inventory.Bus
		before, after areas
		want          string
	}{
		{"never asked", inventory.BusUSB, areas{}, areas{}, "not asked"},
		{"none", inventory.BusATA, areas{HPABytes: of(0), DCOBytes: of(0)}, areas{HPABytes: of(0), DCOBytes: of(0)}, "none (HPA, DCO)"},
		{"only asked before", inventory.BusATA, areas{HPABytes: of(0), DCOBytes: of(0)}, areas{}, "none (HPA, DCO)"},
		{"none by AMA", inventory.BusATA, areas{AMABytes: of(0)}, areas{AMABytes: of(0)}, "none (AMA)"},
		{"NVMe", inventory.BusNVMe, areas{AMABytes: of(0)}, areas{AMABytes: of(0)}, "none"},
		{"restored", inventory.BusATA, areas{HPABytes: of(1e9), DCOBytes: of(0)}, areas{HPABytes: of(0), DCOBytes: of(0)}, "HPA 1 GB restored; DCO none"},
		{"still there", inventory.BusATA, areas{HPABytes: of(1e9)}, areas{HPABytes: of(1e9)}, "HPA 1 GB still hidden; DCO not asked"},
		{"less", inventory.BusATA, areas{AMABytes: of(2e9)}, areas{AMABytes: of(1e9)}, "AMA 2 GB before, 1 GB after"},
		{"not asked after", inventory.BusATA, areas{HPABytes: of(1e9), DCOBytes: of(0)}, areas{}, "HPA 1 GB before, not asked after; DCO none"},
		{"not asked before", inventory.BusATA, areas{}, areas{HPABytes: of(0), DCOBytes: of(0)}, "HPA not asked before, none after; DCO not asked before, none after"},
		{"one of them forgotten after", inventory.BusATA, areas{HPABytes: of(0), DCOBytes: of(0)}, areas{HPABytes: of(0)}, "HPA none; DCO none before, not asked after"},
	} {
		d := certs.DriveFacts{Bus: c.bus, Hidden: c.before, HiddenAfter: c.after}
		if got := plain(spoken(t, "en").hidden(d)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHealthIsTranslatedOnlyAsAWhole(t *testing.T) {
	for in, want := range map[string]string{
		"passed, 12345 h, 0 reallocated":           "bestått, 12 345 t, 0 reallokert",
		"failing, 3 % used, 100 % spare":           "ikke bestått, 3 % brukt, 100 % i reserve",
		"2 pending, 1 uncorrectable":               "2 ventende, 1 ukorrigerbare",
		"passed, 9 lives":                          "passed, 9 lives",
		"ok":                                       "ok",
		"passed, 99999999999999999999 reallocated": "passed, 99999999999999999999 reallocated",
	} {
		if got := plain(spoken(t, "nb").healthWords(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestMarkersInWords(t *testing.T) {
	for _, c := range []struct {
		v    certs.Verification
		want string
	}{
		{certs.Verification{}, ""},
		{certs.Verification{Marker: "gone at all 4,096 places"}, "gone at all 4,096 places"},
		{certs.Verification{Markers: 4096, Remembered: 3981}, "4,096 markers written before, none left; 3,981 other places remembered, none unchanged"},
		{certs.Verification{Markers: 4096}, "4,096 markers written before, none left"},
		{certs.Verification{Remembered: 3981}, "No marker could be placed before; 3,981 other places remembered, none unchanged"},
		{certs.Verification{Markers: 4096, MarkersLeft: 1, Remembered: 1, Unchanged: 1}, "4,096 markers written before, 1 still there; 1 other place remembered, 1 unchanged"},
	} {
		if got := spoken(t, "en").markers(c.v); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.v, got, c.want)
		}
	}
}

// What reading showed is told by what was last done to the drive.
func TestWhatReadingShows(t *testing.T) {
	s := spoken(t, "en")
	byItself, written := s.shows(crypto()), s.shows(clean())
	if byItself == "" || written == "" || byItself == written {
		t.Fatalf("after an erase by the drive %q, after overwriting %q", byItself, written)
	}
	both := crypto()
	both.Steps = append(both.Steps, clean().Steps...)
	if got := s.shows(both); got != written {
		t.Errorf("after an erase by the drive and overwriting: %q, want %q", got, written)
	}
	if got := s.shows(markersLeft()); got != "" {
		t.Errorf("without assurance the page says %q", got)
	}
}

// A drive that was asked ten thousand times fills no page.
func TestOfManyAnswersTheFirstAndTheLastAreShown(t *testing.T) {
	s := spoken(t, "en")
	ask := erase.Command{Name: "SANITIZE STATUS EXT", Code: "B4h/0000h"}
	list := []erase.Command{{Name: "OVERWRITE EXT", Status: "accepted"}}
	for i := range 10_000 {
		c := ask
		c.Status = fmt.Sprintf("progress %d", i)
		list = append(list, c)
	}
	want := []string{"OVERWRITE EXT: accepted", "SANITIZE STATUS EXT (B4h/0000h): progress 0",
		"9,998 more commands in the attached evidence.json", "SANITIZE STATUS EXT (B4h/0000h): progress 9999"}
	if got := s.commands(list); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	list = nil
	for i := range 100 {
		list = append(list, erase.Command{Name: fmt.Sprint("command ", i)})
	}
	got := s.commands(list)
	if n := len(got); n != maxCommands+1 || got[0] != "command 0" || got[n-1] != "command 99" || got[n-2] != "92 more commands in the attached evidence.json" {
		t.Errorf("of a hundred commands: %q", got)
	}
}

func TestCausesAreTranslatedWhereTheyAreKnown(t *testing.T) {
	for in, want := range map[string]string{
		"start ata-security-erase-enhanced: SECURITY SET PASSWORD: frozen: status 51h": "SECURITY ERASE UNIT, enhanced mode: SECURITY SET PASSWORD: frosset: status 51h",
		"device gone: no such device": "disken er borte: no such device",
		"start the engine":            "start the engine",
		"":                            "",
	} {
		if got := spoken(t, "nb").cause(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	// The words must be those that package erase uses.
	for _, err := range []error{erase.ErrFrozen, erase.ErrLocked, erase.ErrRefusedByDrive, erase.ErrUnsupported, erase.ErrEraseFailed, erase.ErrGone, erase.ErrStalled, erase.ErrGivenUp, erase.ErrIdentityChanged, erase.ErrSizeChanged} {
		if _, ok := spoken(t, "nb").t.Try("cause."+strings.ReplaceAll(err.Error(), " ", "-"), nil); !ok {
			t.Errorf("cause %q has no words", err)
		}
	}
}
