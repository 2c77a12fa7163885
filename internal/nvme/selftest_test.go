package nvme_test

import (
	"encoding/binary"
	"testing"

	"github.com/ombruk/ombruk/internal/nvme"
)

func TestSelfTestLog(t *testing.T) {
	b := make([]byte, 564)
	for at := 4; at < len(b); at += 28 {
		b[at] = 0x0f
	}
	put := func(entry int, status byte, hours uint64) {
		b[4+28*entry] = status
		binary.LittleEndian.PutUint64(b[8+28*entry:], hours)
	}
	put(0, 0x27, 9101)
	put(1, 0x18, 9000) // stopped for a reason that is not told
	put(2, 0x10, 100)
	tests, err := nvme.ParseSelfTests(b)
	if err != nil || len(tests) != 3 {
		t.Fatalf("%v %+v", err, tests)
	}
	if f := tests[0]; !f.Failed() || f.Passed() || f.Kind != 2 || f.Hours != 9101 {
		t.Errorf("%+v", f)
	}
	if tests[1].Failed() || tests[1].Passed() || !tests[2].Passed() {
		t.Errorf("%+v", tests[1:])
	}
	if _, err := nvme.ParseSelfTests(b[:563]); err == nil {
		t.Error("short")
	}
}

func FuzzSelfTests(f *testing.F) {
	f.Add(make([]byte, 564))
	f.Fuzz(func(t *testing.T, b []byte) {
		tests, err := nvme.ParseSelfTests(b)
		if len(tests) > 20 || err != nil && len(tests) > 0 {
			t.Errorf("%v %d", err, len(tests))
		}
	})
}
