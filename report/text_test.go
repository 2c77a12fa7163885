package report

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/ombruk/ombruk/certs"
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
				for _, name := range []string{"blocks", "percent", "cause", "accepted", "achieved", "bytes", "name"} {
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
