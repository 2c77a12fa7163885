package inventory

import (
	"bytes"
	"compress/gzip"
	"runtime"
	"strings"
	"testing"
)

// A few hundred kilobytes from a stranger that would be gigabytes of structures,
// lists or characters are read for what they may be, and for no more.
func TestBombsStaySmall(t *testing.T) {
	upTo := func(n int, head, each, tail string) string {
		return head + strings.Repeat(each, (n-len(head)-len(tail))/len(each)) + tail
	}
	for name, content := range map[string]string{
		"structures of 7 bytes":   upTo(maxDump, "", "\x11\x04\x01\x00a\x00\x00", ""),
		"strings of 2 bytes":      upTo(maxDump, "\x01\x04\x01\x00", "a\x00", "\x00"),
		"drives of 3 bytes":       upTo(maxInventory, `{"type":"inventory","schema":1,"drives":[`, "{},", "{}]}"),
		"lists in lists":          upTo(maxInventory, `{"type":"inventory","schema":1,"x":[`, "[],", "[]]}"),
		"notes of 4 bytes":        upTo(maxInventory, `{"type":"inventory","schema":1,"notes":[`, `"a",`, `"a"]}`),
		"characters of two bytes": upTo(maxDump, "\xff\xfe", "\x00\x4e", ""),
		"halves of characters":    upTo(maxDump, "\xff\xfe", "\x00\xd8", ""),
	} {
		t.Run(name, func(t *testing.T) {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			if _, err := z.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			file := dump(t, packed.String())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := Read(file)
			runtime.ReadMemStats(&after)
			if err != nil || len(m.Drives) > maxDrives || len(m.Notes) == 0 || len(m.Notes) > maxTold {
				t.Errorf("%d drives, %d notes, %v", len(m.Drives), len(m.Notes), err)
			}
			// All that was ever taken, not what is held at once.
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 200 {
				t.Errorf("it took %d MiB to read", took)
			} else {
				t.Logf("%d MiB", took)
			}
		})
	}
}

func TestUTF16IsDecodedAsItIsWritten(t *testing.T) {
	for in, want := range map[string]string{
		"\xff\xfea\x00\xe5\x00\x3d\xd8\x00\xde": "aå😀", "\xfe\xff\x00a\xd8\x3d\xde\x00": "a😀",
		"\xff\xfe\x3d\xd8": "\uFFFD", "\xff\xfe\x3d\xd8a\x00b": "\uFFFDa", "\xff\xfe": "",
	} {
		if got := string(toUTF8([]byte(in))); got != want {
			t.Errorf("%q is read as %q, want %q", in, got, want)
		}
	}
}

// A forged inventory has no figure that no machine has: no screen of a hundred
// digits, no battery below nothing.
func TestNumbersOfNoMachine(t *testing.T) {
	m, err := Read(dump(t, `{"type":"inventory","schema":1,"memory":{"total_bytes":-9223372036854775808},"displays":[{"diagonal_inches":1e308},{"diagonal_inches":-2}],
		"batteries":[{"health_percent":-2147483648}],"drives":[{"temperature_celsius":-5}]}`))
	if err != nil || m.Memory.TotalBytes != 0 || m.Displays[0].DiagonalInches != 0 || m.Displays[1].DiagonalInches != 0 || m.Batteries[0].HealthPercent != 0 || *m.Drives[0].TemperatureCelsius != -5 {
		t.Errorf("got %+v, %v", m, err)
	}
}
