package inventory

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// fixture unpacks testdata/trees/NAME.txtar and gives it as a source. Its form is
// described in testdata/README.md.
func fixture(t *testing.T, name string) Source {
	t.Helper()
	root := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "trees", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	// What stands before the first section is a comment.
	_, sections, _ := strings.Cut(string(text), "\n-- ")
	for section := range strings.SplitSeq(sections, "\n-- ") {
		dir, body, ok := strings.Cut(section, " --\n")
		if !ok {
			t.Fatalf("%s: section %q has no end of name", name, section)
		}
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			if line == "" {
				continue
			}
			if file, target, ok := strings.Cut(line, " -> "); ok {
				at := place(t, root, dir, file)
				if err := os.Symlink(target, at); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if file, digits, ok := strings.Cut(line, " hex: "); ok {
				b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				put(t, root, dir+file, b)
				continue
			}
			file, value, ok := cutAttribute(line)
			if !ok {
				t.Fatalf("%s: line %q says nothing", name, line)
			}
			if strings.HasPrefix(value, `"`) {
				if value, err = strconv.Unquote(value); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			put(t, root, dir+file, []byte(strings.TrimSuffix(value, "\n")+"\n"))
		}
	}
	return Source{Root: root}
}

// cutAttribute splits "name: value"; names may hold colons themselves.
func cutAttribute(line string) (file, value string, ok bool) {
	if file, value, ok = strings.Cut(line, ": "); ok {
		return file, value, true
	}
	file, ok = strings.CutSuffix(line, ":")
	return file, "", ok
}

func place(t *testing.T, root, dir, file string) string {
	t.Helper()
	at := filepath.Join(root, dir, file)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	return at
}

func put(t *testing.T, root, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(place(t, root, "", file), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// identifyData builds IDENTIFY DEVICE data as ACS-4 7.13 lays it out.
func identifyData(model, serial, firmware string, wwn [4]uint16, rotation uint16) []byte {
	b := make([]byte, 512)
	word := func(n int, v uint16) { b[2*n], b[2*n+1] = byte(v), byte(v>>8) }
	text := func(first, words int, s string) {
		s += strings.Repeat(" ", 2*words-len(s))
		for i := range words {
			word(first+i, uint16(s[2*i])<<8|uint16(s[2*i+1]))
		}
	}
	text(10, 10, serial)
	text(23, 4, firmware)
	text(27, 20, model)
	word(87, 1<<14|1<<8)
	for i, v := range wwn {
		word(108+i, v)
	}
	word(217, rotation)
	return b
}

// ataPage wraps IDENTIFY data into the ATA information page, SAT-4 10.3.7.
func ataPage(identify []byte) []byte {
	page := make([]byte, 572)
	page[1], page[2], page[3] = 0x89, 0x02, 0x38
	copy(page[8:], "linux   libata          3.00")
	page[56] = 0xec
	copy(page[60:], identify)
	return page
}
