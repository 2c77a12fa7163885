package scsi_test

import (
	"testing"

	"github.com/ombruk/ombruk/internal/scsi"
)

func TestSelfTestPage(t *testing.T) {
	b := []byte{0x10, 0, 0, 0}
	for code := range 20 {
		p := make([]byte, 20)
		p[1], p[2], p[3] = byte(code+1), 3, 16
		switch code {
		case 0:
			p[4], p[6], p[7] = 1<<5, 0x10, 0x27 // short, passed, 4135 h
		case 1:
			p[4], p[6], p[7] = 2<<5|7, 0x10, 0x00
		case 2:
			p[4], p[6], p[7] = 2<<5|1, 0xff, 0xff // stopped
		}
		b = append(b, p...)
	}
	b[2], b[3] = byte((len(b)-4)>>8), byte(len(b)-4)
	p, err := scsi.ParseLog(b, scsi.LogSelfTest)
	tests := p.SelfTests()
	if err != nil || len(tests) != 3 || !tests[0].Passed() || tests[0].Hours != 4135 || !tests[1].Failed() || !tests[1].Extended() || tests[2].Failed() || tests[2].Passed() {
		t.Errorf("%v %+v", err, tests)
	}
}

func TestBackgroundScan(t *testing.T) {
	p := scsi.Parameters{0: make([]byte, 12)}
	for code, status := range []byte{1, 2, 4, 5, 8} {
		p[uint16(code+1)] = []byte{0, 0, 0, 0, status<<4 | 3, 0x11, 0}
	}
	if n := p.Unreplaced(); n == nil || *n != 3 {
		t.Errorf("%v", n)
	}
	if n := (scsi.Parameters{}).Unreplaced(); n != nil {
		t.Errorf("nothing told: %d", *n)
	}
}

func TestWarningsOfADrive(t *testing.T) {
	for codes, fails := range map[[2]byte]bool{{0, 0}: false, {0x5d, 0x10}: true, {0x5d, 0xff}: true, {0x0b, 0x01}: false, {0x0b, 0x05}: true} {
		if got := (scsi.Parameters{0: codes[:]}).Predicts(); got == nil || *got != fails {
			t.Errorf("%02X: %v", codes, got)
		}
	}
}

func FuzzHealthPages(f *testing.F) {
	f.Add([]byte{0x10, 0, 0, 20, 0, 1, 3, 16})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, page := range []byte{scsi.LogSelfTest, scsi.LogBackground} {
			if p, err := scsi.ParseLog(b, page); err == nil {
				if len(p.SelfTests()) > 20 {
					t.Error("more than there are")
				}
				p.Unreplaced()
				p.Predicts()
			}
		}
	})
}
