package grade

import (
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/lang"
)

// What a record says in English is what the page says in English, and there is a
// message for every reason.
func TestEveryReasonHasItsMessage(t *testing.T) {
	en, err := lang.For("en")
	if err != nil {
		t.Fatal(err)
	}
	nb, err := lang.For("nb")
	if err != nil {
		t.Fatal(err)
	}
	for code, text := range englishReasons() {
		args, values := map[string]any{}, []string{}
		for _, part := range strings.Split(text, "{{.")[1:] {
			name, _, _ := strings.Cut(part, "}}")
			args[name] = "<" + name + ">"
			values = append(values, name, "<"+name+">")
		}
		want := because("", code, values...).Text
		if got, ok := en.Try("grade."+code, args); !ok || got != want {
			t.Errorf("grade.%s: the message is %q, the reason %q", code, got, want)
		}
		got, ok := nb.Try("grade."+code, args)
		for _, v := range args {
			if !strings.Contains(got, v.(string)) {
				t.Errorf("grade.%s in Norwegian leaves out %s: %q", code, v, got)
			}
		}
		if !ok || strings.HasSuffix(want, ".") || strings.HasSuffix(got, ".") {
			t.Errorf("grade.%s: %q, %q", code, want, got)
		}
	}
}

// Parts and locks that a policy may name have their reasons.
func TestEveryPartAndLockHasItsReasons(t *testing.T) {
	for _, part := range Triable() {
		for _, code := range []string{"fails-", "untried-"} {
			if english(code+part) == "" {
				t.Errorf("no reason %s%s", code, part)
			}
		}
	}
	for _, part := range FaultyParts() {
		u := newUnit(Facts{Checks: []Check{{Part: part, Verdict: "fail"}}}, Rules{Scale: []Letter{{Letter: "A"}}})
		u.judgeSides()
		for _, r := range u.outcome(Disposal{Name: "x", When: When{Fails: []string{part}}, Then: Hold}).Reasons {
			if r.Text == "" {
				t.Errorf("a fault of %s has no reason (%s)", part, r.Code)
			}
		}
	}
	for _, word := range Words() {
		u := newUnit(Facts{}, Rules{Scale: []Letter{{Letter: "A"}}})
		u.judgeSides()
		for _, r := range u.is("x", word).why {
			if r.Text == "" {
				t.Errorf("%s has no reason (%s)", word, r.Code)
			}
		}
	}
}
