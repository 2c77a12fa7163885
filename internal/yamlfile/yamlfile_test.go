package yamlfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type order struct {
	Name  string    `yaml:"name"`
	Count int       `yaml:"count"`
	From  time.Time `yaml:"valid_from"`
	Buyer *buyer    `yaml:"buyer"`
	Lines []buyer   `yaml:"lines"`
}

type buyer struct {
	Orgnr string `yaml:"orgnr"`
	Name  string `yaml:"name"`
}

func TestDecode(t *testing.T) {
	var got order
	src := "\ufeff# a comment\r\nname: NO\r\ncount: 12\r\nvalid_from: 2026-01-31\r\nbuyer: {orgnr: 012345678, name: 0x10}\r\nlines:\r\n" +
		"  - orgnr: 974760673\r\n    name: |\r\n      Bergen\r\n  - name: \"\\u00e5\"\r\n"
	if _, err := Decode("o.yaml", []byte(src), &got); err != nil {
		t.Fatal(err)
	}
	want := order{Name: "NO", Count: 12, From: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)}
	if got.Name != want.Name || got.Count != want.Count || !got.From.Equal(want.From) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if want := (buyer{"012345678", "0x10"}); *got.Buyer != want {
		t.Errorf("values without quotes: got %+v, want them as typed: %+v", *got.Buyer, want)
	}
	if len(got.Lines) != 2 || got.Lines[0] != (buyer{"974760673", "Bergen"}) || got.Lines[1] != (buyer{"", "å"}) {
		t.Errorf("lines: got %+v", got.Lines)
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"a misspelt key", "name: x\ncuont: 1\n", `o.yaml:2:1: unknown key "cuont" here: did you mean "count"?`},
		{"a key in capitals", "Name: x\n", `o.yaml:1:1: unknown key "Name" here: did you mean "name"?`},
		{"a key of its own", "price_list: x\n", `o.yaml:1:1: unknown key "price_list" here: want one of name, count, valid_from, buyer, lines`},
		{"a misspelt key in a list", "lines:\n  - name: a\n    orgno: 1\n", `o.yaml:3:5: unknown key "orgno" in lines[0]: did you mean "orgnr"?`},
		{"a key twice", "name: x\ncount: 1\nname: y\n", `o.yaml:3:1: mapping key "name" already defined`},
		{"a key twice, once in quotes", "\"name\": x\nname: y\n", `o.yaml:2:1: `},
		{"a fraction for a number", "count: 5.7\n", `o.yaml:1:8: count: "5.7" is no whole number: write it in digits, without quotes`},
		{"a quoted number", "count: \"5\"\n", `o.yaml:1:8: count: "5" is no whole number`},
		{"a hexadecimal number", "count: 0x10\n", `o.yaml:1:8: count: "0x10" is no whole number`},
		{"a huge number", "count: 99999999999999999999\n", `o.yaml:1:8: count: "99999999999999999999" is no whole number`},
		{"a date of another country", "valid_from: 31.01.2026\n", `o.yaml:1:13: valid_from: "31.01.2026" is no date: write it as 2026-01-31`},
		{"a date that is none", "valid_from: 2026-02-30\n", `o.yaml:1:13: valid_from: "2026-02-30" is no date`},
		{"a list for a value", "name: [a]\n", `o.yaml:1:7: name: want one value, got a list`},
		{"keys for a value", "name:\n  a: b\n", `name: want one value, got keys`},
		{"a value for keys", "buyer: Oslo\n", `o.yaml:1:8: buyer: want keys (orgnr, name), got the value "Oslo"`},
		{"keys for a list", "lines:\n  orgnr: 1\n", `lines: want a list (lines that begin with -), got keys`},
		{"nothing", "name:\ncount: 1\n", `o.yaml:1:1: name: has no value: write one or remove the line`},
		{"null", "lines: ~\n", `o.yaml:1:1: lines: has no value`},
		{"an empty item", "lines:\n  -\n", `lines[0]: want keys (orgnr, name), got nothing`},
		{"an empty file", "", `o.yaml: empty`},
		{"only a comment", "# later\n", `o.yaml: empty`},
		{"a list at the top", "- a\n", `o.yaml:1:1: want keys (name, count, valid_from, buyer, lines), got a list`},
		{"two documents", "name: a\n---\nname: b\n", `o.yaml:3:`},
		{"an alias", "name: &a x\nbuyer: {name: *a}\n", `o.yaml:1:7: anchors, aliases and merge keys (&, *, <<) are not allowed`},
		{"a merge key", "buyer:\n  <<: {name: x}\n", `o.yaml:2:3: anchors, aliases and merge keys`},
		{"a tag", "name: !!binary aGk=\n", `o.yaml:1:7: tags and directives`},
		{"an unclosed quote", "name: 'x\n", `o.yaml:1:7: could not find end character of single-quoted text`},
		{"a tab for indenting", "buyer:\n\tname: x\n", `o.yaml:2:`},
		{"Latin-1", "name: \xe5\n", `o.yaml:1:1: not UTF-8`},
		{"a terminal escape", "name: \"\\u001b[31m\"\n", `o.yaml:1:7: name: invisible character U+001B`},
		{"writing turned around", "name: a\n#\u202e\n", `o.yaml:2:1: invisible character U+202E`},
		{"a zero byte", "name: a\x00b\n", `o.yaml:1:1: invisible character U+0000`},
		{"a long line", "name: " + strings.Repeat("x", maxLineBytes) + "\n", `o.yaml:1:1: line longer than`},
		{"a large file", strings.Repeat("# x\n", MaxBytes/4+1), `o.yaml: larger than`},
		{"lists in lists in lists", strings.Repeat("[\n", 300_000), `nested more than`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode("o.yaml", []byte(tt.src), new(order))
			if err == nil {
				t.Fatalf("got no error, want %q", tt.want)
			}
			if got := err.Error(); !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The parser calls itself for each level that indentation makes, and some
// parsers need quadratic time for that; neither may hurt a reader.
func TestDecodeDeepIndentation(t *testing.T) {
	var indented strings.Builder
	for i := 0; indented.Len() < MaxBytes-2*maxLineBytes; i++ {
		indented.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, src := range map[string]string{
		"mappings":            indented.String(),
		"sequences in a line": strings.Repeat("- ", maxLineBytes/2-1) + "\n",
		"questions in a line": strings.Repeat("? ", maxLineBytes/2-1) + "\n",
		"many keys":           strings.Repeat("name: x\n", MaxBytes/8),
		"many items":          "lines:\n" + strings.Repeat("- name: x\n", MaxBytes/10-1),
	} {
		start := time.Now()
		_, err := Decode("o.yaml", []byte(src), new(order))
		t.Logf("%s: %v: %.80v", name, time.Since(start), err)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func TestErrorf(t *testing.T) {
	f, err := Decode("o.yaml", []byte("name: x\nlines:\n  - name: a\n  - name: b\n    orgnr: 12\n"), new(order))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"lines[1].orgnr": "o.yaml:5:12: wrong",
		"lines[0].orgnr": "o.yaml:3:5: wrong", // left out: the item that lacks it
		"buyer":          "o.yaml:1:1: wrong",
	} {
		if got := f.Errorf(path, "wrong").Error(); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if got := f.Line("lines[1].orgnr"); got != 5 {
		t.Errorf("line: got %d, want 5", got)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, MaxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		big:                             "larger than",
		dir:                             "not a regular file",
		filepath.Join(dir, "none.yaml"): "no such file",
	} {
		if _, err := Read(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"name", "name", 0}, {"nmae", "name", 1}, {"nam", "name", 1}, {"agencys", "agencies", 2}, {"å", "a", 1}, {"", "abc", 3},
	}
	for _, tt := range tests {
		if got := Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, src := range []string{
		"name: x\ncount: 1\nvalid_from: 2026-01-31\nbuyer: {orgnr: 1}\nlines:\n  - name: |\n      a\n",
		"{? {? \n", "|0#", "&0: *0\n*0:\n*0:", "a: >\n >", "? a\n: b", "'", "\"\\u", "---\n...\n---\n", "\ufeff", "[{]}", "lines:\n-\n", "10.:\n", "true :\n",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var v order
		file, err := Decode("o.yaml", src, &v)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "o.yaml:") {
				t.Errorf("error without the file's name: %v", err)
			}
			return
		}
		for _, s := range []string{v.Name, file.Errorf("lines[0].name", "x").Error()} {
			if r, ok := hidden(s); ok {
				t.Errorf("U+%04X came through in %q", r, s)
			}
		}
	})
}
