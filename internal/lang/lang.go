// Package lang holds what the program says to people, one file per language,
// and the way numbers, sizes and times are written in each. A language is
// added by adding <tag>.json beside en.json; a test compares it with English.
// Log lines, JSON keys and error texts are not translated and are not here.
package lang

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed *.json
var files embed.FS

// english is the language the others are compared with.
const english = "en"

// Text speaks one language. It is safe for concurrent use.
type Text struct {
	tag       string
	localizer *i18n.Localizer
	strict    template.Parser
	numbers   *message.Printer
}

// For gives the text of a language: one of [Tags], in any case and with any
// region ("nb", "nb-NO", "nb_NO.UTF-8"); "no" is Bokmål. Another tag is an error.
func For(tag string) (*Text, error) {
	known := match(tag)
	if known == "" {
		return nil, fmt.Errorf("language %q: want one of %s", tag, strings.Join(Tags(), ", "))
	}
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	// English is not read besides: a test holds every language to its keys, and
	// on a boot stick the time shows.
	if _, err := bundle.LoadMessageFileFS(files, known+".json"); err != nil {
		return nil, fmt.Errorf("read messages of language %s: %w", known, err)
	}
	parsed, err := language.Parse(known)
	if err != nil {
		return nil, fmt.Errorf("read messages of language %s: %w", known, err)
	}
	return &Text{
		tag:       known,
		localizer: i18n.NewLocalizer(bundle, known),
		strict:    &template.TextParser{Option: "missingkey=error"},
		numbers:   message.NewPrinter(parsed),
	}, nil
}

// Tags lists the languages there are, in alphabetical order.
func Tags() []string {
	names, err := fs.Glob(files, "*.json")
	if err != nil { // only a malformed pattern
		return []string{english}
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, ".json")
	}
	slices.Sort(names)
	return names
}

// Detect gives the language of an environment: the first of LC_ALL,
// LC_MESSAGES and LANG that is set decides (POSIX.1-2017 section 8.2). What is
// not spoken here gives English.
func Detect(env func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := env(name); value != "" {
			if tag := match(value); tag != "" {
				return tag
			}
			return english
		}
	}
	return english
}

// match gives the known language of a tag or locale name, or "". Norwegian
// without further word is Bokmål, and so is Nynorsk as long as it has no file.
func match(tag string) string {
	base, _, _ := strings.Cut(strings.ToLower(tag), ".")
	base, _, _ = strings.Cut(strings.ReplaceAll(base, "_", "-"), "-")
	known := Tags()
	if slices.Contains(known, base) {
		return base
	}
	if base == "no" || base == "nn" {
		return "nb"
	}
	return ""
}

// Tag is the language's tag, as in [Tags].
func (t *Text) Tag() string { return t.tag }

// Get gives the message of a key. The args fill its placeholders and are data:
// they are never read as a template. A key that is not known, or whose
// placeholders are not all filled, comes back as it is.
func (t *Text) Get(key string, args map[string]any) string {
	if s, ok := t.Try(key, args); ok {
		return s
	}
	return key
}

// Try is [Text.Get] that tells whether there is such a message and whether all
// its placeholders were filled.
func (t *Text) Try(key string, args map[string]any) (string, bool) {
	return t.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: args})
}

// Reason is a reason of a judgement: the message grade.CODE. What its args Class
// and Classes, parted by a comma, name are classes of machine, and are said in
// the language too. The second result is that of [Text.Try].
func (t *Text) Reason(code string, args map[string]string) (string, bool) {
	data := map[string]any{}
	for name, value := range args {
		if name == "Class" || name == "Classes" {
			words := strings.Split(value, ", ")
			for i, class := range words {
				if word, ok := t.Try("class."+class, nil); ok {
					words[i] = word
				}
			}
			value = strings.Join(words, ", ")
		}
		data[name] = value
	}
	return t.Try("grade."+code, data)
}

// Count gives the message of a key in the form that goes with n. The
// placeholder Count is n as it is written in the language.
func (t *Text) Count(key string, n int64, args map[string]any) string {
	data := map[string]any{"Count": t.Number(n)}
	for k, v := range args {
		data[k] = v
	}
	if s, ok := t.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: n}); ok {
		return s
	}
	return key
}

func (t *Text) localize(c *i18n.LocalizeConfig) (string, bool) {
	c.TemplateParser = t.strict
	if c.TemplateData == nil {
		c.TemplateData = map[string]any(nil)
	}
	// With a message from English instead, go-i18n returns it and an error.
	s, _ := t.localizer.Localize(c)
	return s, s != ""
}
