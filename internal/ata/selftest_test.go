package ata_test

import (
	"slices"
	"testing"

	"github.com/ombruk/ombruk/internal/ata"
)

// sealed puts the checksum into the last byte of each page.
func sealed(b []byte) []byte {
	for p := 0; p+512 <= len(b); p += 512 {
		sum := byte(0)
		for _, v := range b[p : p+511] {
			sum += v
		}
		b[p+511] = -sum
	}
	return b
}

func TestSelfTestLogs(t *testing.T) {
	// The ring has come round: entry 1 is the newest, entry 21 the one before.
	ring := make([]byte, 512)
	ring[0], ring[508] = 1, 1
	for i := range 21 {
		ring[2+24*i], ring[3+24*i], ring[4+24*i] = 1, 0, byte(i+100)
	}
	copy(ring[2:], []byte{2, 0x79, 0x10, 0x27})
	tests, err := ata.ParseSelfTestLog(sealed(ring))
	if err != nil || len(tests) != 21 || tests[0] != (ata.SelfTest{Kind: 2, Status: 0x79, Hours: 10000}) || tests[1].Hours != 120 || tests[20].Hours != 101 {
		t.Errorf("%v %+v", err, tests)
	}
	if !tests[0].Failed() || !tests[0].Extended() || tests[0].Passed() || !tests[1].Passed() || tests[1].ByMaker() {
		t.Errorf("%+v", tests[:2])
	}
	// Two pages, and the newest on the second.
	long := make([]byte, 1024)
	long[0], long[2] = 1, 20
	for i := range 19 {
		long[4+26*i], long[6+26*i] = 1, byte(i+1)
	}
	copy(long[512+4:], []byte{0x82, 0x30, 0xff, 0xff})
	tests, err = ata.ParseExtendedSelfTestLog(sealed(long))
	if err != nil || len(tests) != 20 || !tests[0].Failed() || !tests[0].Extended() || tests[0].Hours != 0xffff || tests[1].Hours != 19 {
		t.Errorf("%v %+v", err, tests)
	}
	if tests, err := ata.ParseSelfTestLog(make([]byte, 512)); err != nil || len(tests) != 0 {
		t.Errorf("none was logged: %v %v", err, tests)
	}
	for name, b := range map[string][]byte{"short": ring[:500], "bad checksum": append(slices.Clone(ring[:511]), ring[511]+1),
		"index beyond": sealed(append(append(slices.Clone(ring[:508]), 22), make([]byte, 3)...))} {
		if tests, err := ata.ParseSelfTestLog(b); err == nil {
			t.Errorf("%s: %+v", name, tests)
		}
	}
	for status, failed := range map[byte]bool{0x00: false, 0x19: false, 0x21: false, 0x30: true, 0x79: true, 0x80: true, 0x90: false, 0xf9: false} {
		if got := ata.SelfTestFailed(status); got != failed {
			t.Errorf("status %02Xh: %v", status, got)
		}
	}
}

func FuzzSelfTests(f *testing.F) {
	f.Add(make([]byte, 512), byte(0))
	f.Add([]byte{1, 0, 19, 0, 2, 0x79}, byte(200))
	f.Fuzz(func(t *testing.T, b []byte, index byte) {
		page := sealed(append(b, make([]byte, max(0, 1024-len(b)))...))
		if len(page) > 1<<16 {
			return
		}
		page[508] = index
		sealed(page)
		for _, parse := range []func([]byte) ([]ata.SelfTest, error){ata.ParseSelfTestLog, ata.ParseExtendedSelfTestLog} {
			tests, err := parse(page)
			if err != nil && len(tests) > 0 || len(tests) > 19*len(page)/512+21 {
				t.Errorf("%v %d", err, len(tests))
			}
			for _, s := range tests {
				if s.Passed() && s.Failed() {
					t.Errorf("%+v", s)
				}
			}
		}
		_, _ = ata.SelfTestStatus(b)
		if n, err := ata.ParsePendingDefects(b); err == nil && n < 0 {
			t.Error(n)
		}
	})
}
