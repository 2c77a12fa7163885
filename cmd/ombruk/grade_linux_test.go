package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory/grade"
)

// The rules as a contract manager reads them. A change here is a change of how
// units are judged, or of how that is said: review it as such.
func TestExplainsTheShippedPolicy(t *testing.T) {
	t.Setenv("OMBRUK_HOME", t.TempDir())
	for _, language := range []string{"en", "nb"} {
		var out, errs bytes.Buffer
		if code := run([]string{"grade", "explain", "--lang", language}, strings.NewReader(""), &out, &errs); code != exitOK {
			t.Fatalf("exit %d: %s", code, errs.String())
		}
		name := filepath.Join("..", "..", "testdata", "golden", "grade-explain."+language+".txt")
		if *updatePictures {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != string(want) {
			t.Errorf("%s: run with -update and review the difference:\n%s", name, got)
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
				t.Errorf("%s: %d characters: %s", language, n, line)
			}
		}
	}
}

// Prices stand as in every report: by the currency, which need not have a
// hundredth.
func TestPricesOfParts(t *testing.T) {
	text, err := lang.For("nb")
	if err != nil {
		t.Fatal(err)
	}
	w := &judgedText{t: text}
	for currency, want := range map[string]string{"NOK": "799,00 NOK ekskl. mva.", "ISK": "79\u00a0900 ISK ekskl. mva."} {
		minor := int64(79900)
		got := w.upgrade(grade.Upgrade{Part: "battery", Text: "a new battery", CostMinor: &minor, Currency: currency, Reason: grade.Reason{Code: "upgrade-battery", Text: "a new battery"}})
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q in it", got, want)
		}
	}
}

// Every dump of a machine is judged, with reasons, and no drive is called clean.
func TestJudgesEveryDump(t *testing.T) {
	t.Setenv("OMBRUK_HOME", t.TempDir())
	dumps, err := filepath.Glob(filepath.Join("..", "..", "inventory", "testdata", "dmi", "*.gz"))
	if err != nil || len(dumps) < 20 {
		t.Fatalf("%d dumps, %v", len(dumps), err)
	}
	for _, dump := range dumps {
		f, err := os.Open(dump)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		plain := filepath.Join(t.TempDir(), "dump.txt")
		text, err := io.ReadAll(z)
		if err == nil {
			err = os.WriteFile(plain, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, language := range []string{"en", "nb"} {
			var out, errs bytes.Buffer
			if code := run([]string{"grade", "--from", plain, "--lang", language}, strings.NewReader(""), &out, &errs); code != exitOK || out.Len() == 0 {
				t.Errorf("%s: exit %d: %s", dump, code, errs.String())
			}
			if strings.Contains(out.String(), "{{") || strings.Contains(out.String(), "judged.") {
				t.Errorf("%s: %s", dump, out.String())
			}
		}
		var out, errs bytes.Buffer
		if code := run([]string{"grade", "--json", "--from", plain}, strings.NewReader(""), &out, &errs); code != exitOK {
			t.Fatalf("%s: exit %d: %s", dump, code, errs.String())
		}
		var line gradeLine
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Type != "grade" || line.Schema != 1 || line.Disposition == "" || len(line.Reasons) == 0 || len(line.Marks) != 5 ||
			line.Disposition == "reuse" && len(line.Conditions) == 0 || strings.Contains(out.String(), "data-clean") || strings.Contains(out.String(), "null") {
			t.Errorf("%s: %s", dump, out.String())
		}
	}
}
