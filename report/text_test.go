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
	for _, k := range []erase.StepKind{erase.StepThaw, erase.StepUnlock, erase.StepAwait, erase.StepLeave, erase.StepReveal, erase.StepMark, erase.StepErase, erase.StepOverwrite, erase.StepReadBack, erase.StepContinue, erase.StepPause} {
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
		{certs.Verification{Markers: 4096, Remembered: 3981}, "4,096 markers written before, none left; 3,981 other places compared, none unchanged"},
		{certs.Verification{Markers: 4096}, "4,096 markers written before, none left"},
		{certs.Verification{Remembered: 3981}, "No marker could be placed before; 3,981 other places compared, none unchanged"},
		{certs.Verification{Markers: 4096, MarkersLeft: 1, Remembered: 1, Unchanged: 1}, "4,096 markers written before, 1 still there; 1 other place compared, 1 unchanged"},
	} {
		if got := spoken(t, "en").markers(c.v); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.v, got, c.want)
		}
	}
}

// A run that went on names the earlier one and where it went on, in the page's
// language.
func TestGoingOnIsTold(t *testing.T) {
	const run = "0198c0de-0000-7000-8000-000000000001"
	steps := []certs.Step{
		{Kind: erase.StepOverwrite, Run: run, Technique: erase.Overwrite, Pattern: "00", Bytes: 1 << 40, Commands: []erase.Command{{Name: "WRITE", Status: "up to byte 1099511627776"}, {Name: "FLUSH", Status: "done"}}},
		{Kind: erase.StepContinue, Run: run, Commands: []erase.Command{{Name: "go on", Status: "from byte 1099511627776 of pass 1 of 1"}}},
		{Kind: erase.StepOverwrite, Technique: erase.Overwrite, Pattern: "00", Bytes: 1 << 40, Commands: []erase.Command{{Name: "WRITE", Status: "262144 transfers, 0 refused"}, {Name: "FLUSH", Status: "done"}}},
		{Kind: erase.StepPause, Commands: []erase.Command{{Name: "pause", Status: "2400 s in 3 pauses"}}},
	}
	for language, want := range map[string][]string{
		"en": {"Overwriting by the earlier run " + run + ": 00 | WRITE: up to byte 1,099,511,627,776; FLUSH: done", "Going on with run " + run + ", which was cut off | from byte 1,099,511,627,776 of pass 1 of 1",
			"Overwriting: 00 | WRITE: 262,144 transfers, 0 refused; FLUSH: done", "Paused by the operator | 2,400 seconds in 3 pauses"},
		"nb": {"Overskriving i den tidligere kjøringen " + run + ": 00 | WRITE: opp til byte 1 099 511 627 776; FLUSH: utført", "Fortsetter kjøring " + run + ", som ble avbrutt | fra byte 1 099 511 627 776 i overskriving 1 av 1",
			"Overskriving: 00 | WRITE: 262 144 overføringer, 0 avvist; FLUSH: utført", "Satt på pause av operatøren | 2 400 sekunder i 3 pauser"},
	} {
		s := spoken(t, language)
		var got []string
		for _, g := range groupSteps(steps) {
			got = append(got, plain(s.stepText(g)+" | "+s.answers(g)[0].text))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", language, got, want)
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
func TestOfManyCommandsTheFirstAndTheLastAreShown(t *testing.T) {
	s := spoken(t, "en")
	var list []erase.Command
	for i := range 10_000 {
		list = append(list, erase.Command{Name: fmt.Sprint("command ", i)})
	}
	for n, want := range map[int][]answer{
		0:      nil,
		1:      {{text: "command 0", brief: "command 0"}},
		2:      {{text: "command 0", brief: "command 0"}, {text: "command 1", brief: "command 1"}},
		10_000: {{text: "command 0", more: " (9,998 more in evidence.json)", brief: "command 0"}, {text: "command 9999", brief: "command 9999"}},
	} {
		if got := s.commands(list[:n]); !slices.Equal(got, want) {
			t.Errorf("of %d commands: %+v, want %+v", n, got, want)
		}
	}
}

// A long answer is one line, and how much was left out is never cut away.
func TestALongAnswerEndsWithAnEllipsis(t *testing.T) {
	s := spoken(t, "en")
	s.r = renderer(t)
	got := s.cutTo(60, strings.Repeat("status 50h, ", 40), "  8 more", value)
	if !strings.HasPrefix(got, "status 50h, ") || !strings.HasSuffix(got, "\u2026  8 more") {
		t.Errorf("got %q", got)
	}
	if got := s.cutTo(60, "status 50h", " (8 more)", value); got != "status 50h (8 more)" {
		t.Errorf("what fits: got %q", got)
	}
	if w := s.r.regular.width(got, value.points); w > 60 {
		t.Errorf("%q is %.1f mm wide, want at most 60", got, w)
	}
}

func TestCausesAreTranslatedWhereTheyAreKnown(t *testing.T) {
	for _, c := range []struct{ code, in, want string }{
		{"", "start ata-security-erase-enhanced: SECURITY SET PASSWORD: frozen: status 51h error 04h", "SECURITY SET PASSWORD: frosset"},
		{"refused-by-drive", "start ata-sanitize-crypto: SANITIZE DEVICE, CRYPTO SCRAMBLE EXT: status 51h error 04h", "SANITIZE DEVICE, CRYPTO SCRAMBLE EXT"},
		{"", "start ata-sanitize-crypto: not supported by the drive", "SANITIZE CRYPTO SCRAMBLE EXT: støttes ikke av disken"},
		{"erase-failed", "erase failed in the drive: good; but the drive kept its password, which a success removes", "disken har beholdt passordet, som en vellykket sletting fjerner"},
		{"", "device gone: no such device", "disken er borte"},
		{"", "start the engine", "start the engine"},
		{"", "", ""},
		{"device-gone", "drive has been silent for 30m3s: device gone: SANITIZE DEVICE, SANITIZE STATUS EXT: command 85h: not delivered: drive does not answer: no such device",
			"disken har ikke svart på 30 min 3 s: SANITIZE DEVICE, SANITIZE STATUS EXT: disken svarer ikke"},
		{"erase-failed", "erase failed in the drive: SSTAT 0003h SPROG FFFFh SCDW10 00000004h SSI 00h: sanitize failed", ""},
		{"standstill", "the drive says that it is at work and gets no further for 72h0m0s: sense 2h/04h/1Bh sanitize in progress, progress FD70h",
			"den melder at den arbeider, men har ikke kommet videre på 72 t 0 min"},
		{"hidden-area-left", "restore hidden areas: SET MAX ADDRESS EXT: status 51h error 04h count 0000h lba 000000000000h device 00h; a drive takes it once in a power cycle: switch it off and on, and start again",
			"SET MAX ADDRESS EXT: disken godtar kommandoen bare én gang etter at den er slått på: slå den av og på, og start på nytt"},
		{"identity-changed", `identity changed: the serial number was "A1 {{.X}}" before and is "B2" now`, "serienummeret var A1 {{.X}} før og er B2 nå"},
		{"identity-changed", "identity changed: namespace 2 was not there when the plan was made", "namespace 2 fantes ikke da planen ble laget"},
		{"not-left", "put the drive back into ordinary use: leave media verification state: still not done after 1h0m0s: SSTAT 0102h SPROG FFFFh",
			"avslutning av medieverifiseringen: fortsatt ikke ferdig etter 1 t 0 min"},
	} {
		if got := plain(spoken(t, "nb").cause(c.in, c.code)); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.code, c.in, got, c.want)
		}
	}
	if got := spoken(t, "nb").exception(erase.Exception{Code: "erase-failed", Params: map[string]string{"cause": "erase failed in the drive: status 51h error 04h"}}, nil); got != "Disken melder at dens egen sletting mislyktes." {
		t.Errorf("a cause that is all figures: %q", got)
	}
	// The words must be those that package erase uses.
	for _, err := range []error{erase.ErrFrozen, erase.ErrLocked, erase.ErrRefusedByDrive, erase.ErrUnsupported, erase.ErrEraseFailed, erase.ErrGone, erase.ErrStalled, erase.ErrGivenUp, erase.ErrIdentityChanged, erase.ErrSizeChanged} {
		if _, ok := spoken(t, "nb").t.Try("cause."+strings.ReplaceAll(err.Error(), " ", "-"), nil); !ok {
			t.Errorf("cause %q has no words", err)
		}
	}
}

func TestPartsOfADriveHaveNames(t *testing.T) {
	for in, want := range map[string]string{
		"boot partition 2":                            "oppstartspartisjon 2",
		"general purpose partition 1":                 "brukerpartisjon (general purpose) 1",
		"namespace 12":                                "namespace 12",
		"namespace 5, attached to no controller here": "namespace 5, som ikke er knyttet til denne kontrolleren",
		"RPMB":                        "RPMB (beskyttet minneområde)",
		"further logical unit 1 of 3": "logisk enhet 1 av 3 i tillegg",
		"a new kind of thing":         "a new kind of thing",
	} {
		if got := spoken(t, "nb").space(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// One person who erased and whose program read back is not two people.
func TestAReadBackIsNoSecondPerson(t *testing.T) {
	text := renderer(t).texts["nb"]
	same := &certs.Person{Name: "Kari Nordmann", Date: "2026-11-22"}
	other := &certs.Person{Name: "Ola Nordmann"}
	for _, c := range []struct {
		name     string
		verifier *certs.Person
		outcome  erase.Outcome
		want     string
	}{
		{"clean", same, erase.Sanitized, "automatisk tilbakelesing, Kari Nordmann"},
		{"clean, with exceptions", same, erase.SanitizedWithExceptions, "automatisk tilbakelesing, Kari Nordmann"},
		{"a record of before that is not clean", same, erase.Failed, ""},
		{"interrupted", same, erase.Interrupted, ""},
		{"nobody", nil, erase.Failed, ""},
		{"somebody else", other, erase.Sanitized, "Ola Nordmann"},
		{"somebody else, not clean", other, erase.Failed, "Ola Nordmann"},
	} {
		rec := clean()
		rec.Outcome, rec.People.VerifiedBy = c.outcome, c.verifier
		got := ""
		if p := verified(text, rec).VerifiedBy; p != nil {
			got = p.Name
		}
		if got != c.want {
			t.Errorf("%s: verified by %q, want %q", c.name, got, c.want)
		}
	}
	if same.Name != "Kari Nordmann" {
		t.Error("the record was changed")
	}
}
