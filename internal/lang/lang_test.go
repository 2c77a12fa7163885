package lang

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// messages reads a language file strictly: a key given twice, or a message
// that is neither a string nor a set of plural forms, fails the test.
func messages(t *testing.T, tag string) map[string]map[string]string {
	t.Helper()
	b, err := files.ReadFile(tag + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatalf("%s.json: %v", tag, err)
	}
	if lines := strings.Count(string(b), "\n  \""); lines != len(raw) {
		t.Errorf("%s.json: %d keys on %d lines: a key is given twice, or a message is not on one line", tag, len(raw), lines)
	}
	out := map[string]map[string]string{}
	for key, value := range raw {
		var text string
		var forms map[string]string
		switch {
		case json.Unmarshal(value, &text) == nil:
			out[key] = map[string]string{"": text}
		case json.Unmarshal(value, &forms) == nil:
			out[key] = forms
		default:
			t.Errorf("%s.json: %s is neither a string nor plural forms", tag, key)
		}
		for form, s := range out[key] {
			if strings.TrimSpace(s) == "" {
				t.Errorf("%s.json: %s %s is empty", tag, key, form)
			}
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\{\{[^}]*\}\}`)

func placeholders(forms map[string]string) []string {
	found := map[string]bool{}
	for _, s := range forms {
		for _, p := range placeholder.FindAllString(s, -1) {
			found[p] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// pluralForms are the forms a language has for whole numbers (CLDR).
func pluralForms(tag string) []string {
	names := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}
	found := map[string]bool{}
	for n := range 200 {
		found[names[plural.Cardinal.MatchPlural(language.MustParse(tag), n, 0, 0, 0, 0)]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func TestEveryLanguageSaysWhatEnglishSays(t *testing.T) {
	want := messages(t, english)
	for _, tag := range Tags() {
		got := messages(t, tag)
		for key, forms := range want {
			theirs, ok := got[key]
			if !ok {
				t.Errorf("%s.json lacks %s", tag, key)
				continue
			}
			if g, w := placeholders(theirs), placeholders(forms); !slices.Equal(g, w) {
				t.Errorf("%s.json: %s has placeholders %v, English has %v", tag, key, g, w)
			}
			if _, single := forms[""]; single {
				if _, ok := theirs[""]; !ok {
					t.Errorf("%s.json: %s has plural forms, English has none", tag, key)
				}
				continue
			}
			if g, w := slices.Sorted(maps.Keys(theirs)), pluralForms(tag); !slices.Equal(g, w) {
				t.Errorf("%s.json: %s has plural forms %v, the language has %v", tag, key, g, w)
			}
		}
		for key := range got {
			if _, ok := want[key]; !ok {
				t.Errorf("%s.json has %s, which English lacks", tag, key)
			}
		}
	}
}

func TestEveryMessageReads(t *testing.T) {
	simple := regexp.MustCompile(`^\{\{\.[A-Za-z]+\}\}$`)
	for _, tag := range Tags() {
		text := speak(t, tag)
		for key, forms := range messages(t, tag) {
			args := map[string]any{}
			for _, p := range placeholders(forms) {
				if !simple.MatchString(p) {
					t.Errorf("%s.json: %s has placeholder %s; want {{.Name}}", tag, key, p)
				}
				args[strings.Trim(p, "{}.")] = "{{.Hostile}}"
			}
			if _, counted := forms[""]; !counted {
				for _, n := range []int64{0, 1, 2, 5, 1000} {
					if got := text.Count(key, n, args); got == key || strings.Contains(got, "no value") {
						t.Errorf("%s: Count(%s, %d) = %q", tag, key, n, got)
					}
				}
				continue
			}
			if got, ok := text.Try(key, args); !ok || strings.Contains(got, "no value") {
				t.Errorf("%s: Get(%s) = %q", tag, key, got)
			} else if len(args) > 0 && !strings.Contains(got, "{{.Hostile}}") {
				t.Errorf("%s: Get(%s) = %q, want the argument as it is", tag, key, got)
			}
		}
	}
}

// The pages are set in the fonts of package report; a message they cannot
// print is no message.
func TestFontsHaveEveryCharacter(t *testing.T) {
	for _, face := range []string{"Inter-Regular.ttf", "Inter-SemiBold.ttf"} {
		b, err := os.ReadFile("../../report/fonts/" + face)
		if err != nil {
			t.Fatal(err)
		}
		font, err := sfnt.Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", face, err)
		}
		for _, tag := range Tags() {
			for key, forms := range messages(t, tag) {
				for _, s := range forms {
					for _, r := range s {
						glyph, err := font.GlyphIndex(nil, r)
						if err != nil || glyph == 0 || !unicode.IsPrint(r) && r != '\u00a0' {
							t.Errorf("%s.json: %s has %q, which %s cannot print", tag, key, r, face)
						}
					}
				}
			}
		}
	}
}

func speak(t *testing.T, tag string) *Text {
	t.Helper()
	text, err := For(tag)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTellsAnUnknownKeyByShowingIt(t *testing.T) {
	text := speak(t, "nb")
	for _, got := range []string{text.Get("no.such-key", nil), text.Count("no.such-key", 3, nil)} {
		if got != "no.such-key" {
			t.Errorf("got %q, want the key itself", got)
		}
	}
	if got := text.Get("page.of", map[string]any{"Page": 1}); got != "page.of" {
		t.Errorf("with a placeholder left open: got %q, want the key itself", got)
	}
	if _, ok := text.Try("exception.stalled", map[string]any{}); ok {
		t.Error("Try filled a placeholder from nothing")
	}
}

func TestFor(t *testing.T) {
	for tag, want := range map[string]string{"en": "en", "EN": "en", "en-GB": "en", "nb": "nb", "no": "nb", "nb_NO.UTF-8": "nb", "nb-NO": "nb"} {
		text, err := For(tag)
		if err != nil {
			t.Errorf("For(%q): %v", tag, err)
		} else if text.Tag() != want {
			t.Errorf("For(%q) speaks %s, want %s", tag, text.Tag(), want)
		}
	}
	for _, tag := range []string{"", "xx", "../en", "klingon", "*"} {
		if text, err := For(tag); err == nil {
			t.Errorf("For(%q) speaks %s, want an error", tag, text.Tag())
		}
	}
}

func TestDetectsTheLanguageOfTheEnvironment(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want string
	}{
		{nil, "en"},
		{map[string]string{"LANG": "nb_NO.UTF-8"}, "nb"},
		{map[string]string{"LANG": "no_NO"}, "nb"},
		{map[string]string{"LANG": "nn_NO.UTF-8"}, "nb"},
		{map[string]string{"LANG": "C"}, "en"},
		{map[string]string{"LANG": "POSIX"}, "en"},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "en"},
		{map[string]string{"LANG": "nb_NO.UTF-8", "LC_ALL": "C.UTF-8"}, "en"},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_MESSAGES": "nb_NO.UTF-8"}, "nb"},
		{map[string]string{"LANG": "nb_NO.UTF-8", "LC_MESSAGES": "en_GB.UTF-8", "LC_ALL": ""}, "en"},
	}
	for _, tt := range tests {
		if got := Detect(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("Detect(%v) = %s, want %s", tt.env, got, tt.want)
		}
	}
}

func TestWritesNumbersAsPeopleDo(t *testing.T) {
	at := time.Date(2026, 11, 22, 15, 2, 7, 0, time.FixedZone("CET", 3600))
	tests := []struct {
		name   string
		write  func(*Text) string
		en, nb string
	}{
		{"number", func(t *Text) string { return t.Number(1234567) }, "1,234,567", "1 234 567"},
		{"one byte", func(t *Text) string { return t.Bytes(1) }, "1 byte", "1 byte"},
		{"no bytes", func(t *Text) string { return t.Bytes(0) }, "0 bytes", "0 byte"},
		{"bytes", func(t *Text) string { return t.Bytes(999) }, "999 bytes", "999 byte"},
		{"a drive", func(t *Text) string { return t.Bytes(512_110_190_592) }, "512.1 GB", "512,1 GB"},
		{"a terabyte", func(t *Text) string { return t.Bytes(1_000_204_886_016) }, "1 TB", "1 TB"},
		{"just under", func(t *Text) string { return t.Bytes(999_960_000_000) }, "1 TB", "1 TB"},
		{"largest", func(t *Text) string { return t.Bytes(1<<63 - 1) }, "9.2 EB", "9,2 EB"},
		{"memory", func(t *Text) string { return t.MemoryBytes(16 << 30) }, "16 GiB", "16 GiB"},
		{"all of it", func(t *Text) string { return t.Percent(1_000_000) }, "100%", "100 %"},
		{"nearly all", func(t *Text) string { return t.Percent(999_999) }, "99.99%", "99,99 %"},
		{"a sample", func(t *Text) string { return t.Percent(104_857) }, "10.48%", "10,48 %"},
		{"hardly any", func(t *Text) string { return t.Percent(7) }, "less than 0.01%", "under 0,01 %"},
		{"nothing", func(t *Text) string { return t.Percent(0) }, "0%", "0 %"},
		{"time", func(t *Text) string { return t.Time(at) }, "22 November 2026, 14:02 UTC", "22. november 2026 kl. 14.02 UTC"},
		{"date", func(t *Text) string { return t.Date(at) }, "22 November 2026", "22. november 2026"},
		{"timestamp", func(t *Text) string { return t.Timestamp(at) }, "2026-11-22 14:02:07", "2026-11-22 14:02:07"},
		{"no time", func(t *Text) string { return t.Time(time.Time{}) }, "not recorded", "ikke registrert"},
		{"hours", func(t *Text) string { return t.Duration(time.Hour + 58*time.Minute + 59*time.Second) }, "1 h 58 min", "1 t 58 min"},
		{"minutes", func(t *Text) string { return t.Duration(12*time.Minute + 5*time.Second) }, "12 min 5 s", "12 min 5 s"},
		{"seconds", func(t *Text) string { return t.Duration(3 * time.Second) }, "3 s", "3 s"},
		{"a moment", func(t *Text) string { return t.Duration(30 * time.Millisecond) }, "less than 1 s", "under 1 s"},
		{"backwards", func(t *Text) string { return t.Duration(-90 * time.Second) }, "−1 min 30 s", "−1 min 30 s"},
		{"plural", func(t *Text) string { return t.Count("unit.drives", 1, nil) }, "1 drive", "1 disk"},
		{"plural", func(t *Text) string { return t.Count("unit.drives", 1200, nil) }, "1,200 drives", "1 200 disker"},
	}
	for _, tag := range []string{"en", "nb"} {
		text := speak(t, tag)
		for _, tt := range tests {
			want := map[string]string{"en": tt.en, "nb": tt.nb}[tag]
			if got := strings.ReplaceAll(tt.write(text), "\u00a0", " "); got != want {
				t.Errorf("%s: %s = %q, want %q", tag, tt.name, got, want)
			}
		}
	}
}

func FuzzArgumentsAreData(f *testing.F) {
	f.Add("{{.ID}}")
	f.Add("<script>\x1b[2J\u202e")
	text, err := For("nb")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if got, want := text.Get("page.number", map[string]any{"ID": id}), "Nr. "+id; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		_, _ = For(id)
	})
}

// A reason names classes of machine in the reader's words; what is no class, or
// no message, stays what it is.
func TestReason(t *testing.T) {
	nb, err := For("nb")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := nb.Reason("fit-class", map[string]string{"Class": "laptop", "Classes": "all-in-one, tablet, abacus"})
	if want := "maskintypen er bærbar PC, kravet er alt-i-ett-PC, nettbrett, abacus"; !ok || got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, ok := nb.Reason("no-such-code", nil); ok {
		t.Errorf("a reason without a message reads %q", got)
	}
}
