package mmc_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/mmc"
)

// register is an extended CSD of 29.1 GiB, two boot partitions and an RPMB of
// 4 MiB, of revision 5.1, written index by index (JESD84-B51 section 7.4).
func register() []byte {
	b := make([]byte, 512)
	copy(b[143:], []byte{2, 0, 0, 0, 1, 0})
	b[168], b[174], b[175], b[179], b[181] = 32, 0x09, 1, 0x48, 0
	b[192] = 8
	copy(b[212:], []byte{0x00, 0x00, 0xA4, 0x03})
	b[221], b[223], b[224], b[226] = 16, 2, 1, 32
	b[229], b[230], b[231], b[232] = 17, 6, 0x55, 3
	b[267], b[268], b[269] = 1, 2, 3
	return b
}

func TestExtendedCSD(t *testing.T) {
	e, err := mmc.ParseExtCSD(register())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want int64
	}{
		{"user area", e.SizeBytes(), 0x03A40000 * 512},
		{"boot partition", e.BootBytes(), 4 << 20},
		{"RPMB", e.RPMBBytes(), 4 << 20},
		{"erase group", e.GroupBytes(), 512 << 10},
		{"general purpose 1", e.GeneralBytes(0), 2 * 16 * 512 << 10},
		{"general purpose 2", e.GeneralBytes(1), 256 * 16 * 512 << 10},
		{"general purpose 3", e.GeneralBytes(2), 0},
		{"starts from", int64(e.StartsFrom()), 1},
		{"access", int64(e.Access()), 0},
		{"boot 1 protected", int64(e.BootProtected(1)), 1},
		{"boot 2 protected", int64(e.BootProtected(2)), 2},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
	if !e.CanSanitize() || !e.CanTrim() || e.CanSecureErase() {
		t.Errorf("5.1 with SEC_FEATURE_SUPPORT 55h: %v %v %v", e.CanSanitize(), e.CanTrim(), e.CanSecureErase())
	}
	old := register()
	old[192] = 5
	if e, _ := mmc.ParseExtCSD(old); e.CanSanitize() || !e.CanSecureErase() || e.BootProtected(1) != 0 {
		t.Error("4.41 has secure erase, no sanitize, and no BOOT_WP_STATUS")
	}
	for _, c := range []struct {
		argument uint32
		groups   int64
		want     time.Duration
	}{
		{mmc.EraseGroups, 1000, 600 * time.Second},
		{mmc.EraseTrim, 1000, 900 * time.Second},
		{mmc.EraseSecure, 1000, 3600 * time.Second},
		{mmc.SecureTrim1, 1000, 10200 * time.Second},
		{mmc.EraseGroups, 1, time.Minute},
		{mmc.EraseGroups, 1 << 60, 7 * 24 * time.Hour},
	} {
		if got := e.EraseTimeout(c.argument, c.groups); got != c.want {
			t.Errorf("argument %08X over %d groups: %v, want %v", c.argument, c.groups, got, c.want)
		}
	}
	for name, b := range map[string][]byte{"zeros": make([]byte, 512), "short": register()[:511]} {
		if e, err := mmc.ParseExtCSD(b); !errors.Is(err, mmc.ErrSenseless) && !errors.Is(err, mmc.ErrShort) {
			t.Errorf("%s: %+v %v", name, e, err)
		}
	}
}

func TestSDStatusTimes(t *testing.T) {
	b := make([]byte, 64)
	b[10], b[11], b[12], b[13] = 0x90, 0, 16, 5<<2|2 // 4 MiB, 16 of them in 5 s, and 2 s
	s, err := mmc.ParseSDStatus(b)
	if err != nil || s != (mmc.SDStatus{AUBytes: 4 << 20, ERASE_SIZE: 16, ERASE_TIMEOUT: 5, ERASE_OFFSET: 2}) {
		t.Fatalf("%+v %v", s, err)
	}
	if got, want := s.EraseTimeout(32<<30), (8192/16*5+2)*time.Second; got != want {
		t.Errorf("32 GiB: %v, want %v", got, want)
	}
	if got := s.EraseTimeout(1); got != time.Minute {
		t.Errorf("one byte: %v", got)
	}
	untold, _ := mmc.ParseSDStatus(make([]byte, 64))
	if got, want := untold.EraseTimeout(512*1000), 250*time.Second; got != want {
		t.Errorf("1000 blocks without figures: %v, want %v", got, want)
	}
	if _, err := mmc.ParseSDStatus(b[:63]); !errors.Is(err, mmc.ErrShort) {
		t.Error(err)
	}
}

func TestCardStatus(t *testing.T) {
	for _, c := range []struct {
		r    mmc.R1
		text string
	}{
		{0x00000900, ""}, // ready, transfer state
		{0x02000900, ""}, // locked is a state
		{0x80000900, "card status 80000000h address out of range"},
		{0x04008900, "card status 04008000h write protect violation, protected blocks skipped"},
		{0x00400900, "card status 00400000h illegal command"},
		{0x00080980, "card status 00080080h general error, switch error"},
	} {
		err := c.r.Err()
		if (err == nil) != (c.text == "") || err != nil && err.Error() != c.text {
			t.Errorf("%08X: %v", uint32(c.r), err)
		}
	}
	if !mmc.R1(0x02000000).Locked() || mmc.R1(0x900).Locked() {
		t.Error("lock bit")
	}
}

func TestCommands(t *testing.T) {
	got := append(mmc.Erase(0, 0x3A3FFFF, mmc.EraseSecure, time.Hour), mmc.EraseSD(8, 15, time.Minute)...)
	got = append(got, mmc.Switch(mmc.SanitizeStart, 1, 0), mmc.Switch(mmc.PartitionConfig, 0x49, 0), mmc.SendStatus(), mmc.ReadExtCSD(), mmc.ReadSDStatus())
	for i, want := range []struct {
		opcode, argument uint32
		data             int
		application      bool
		timeout          time.Duration
	}{
		{35, 0, 0, false, 0},
		{36, 0x3A3FFFF, 0, false, 0},
		{38, 0x80000000, 0, false, time.Hour},
		{32, 8, 0, false, 0},
		{33, 15, 0, false, 0},
		{38, 0, 0, false, time.Minute},
		{6, 0x03A50101, 0, false, 0},
		{6, 0x03B34901, 0, false, 0},
		{13, 0x00010000, 0, false, 0},
		{8, 0, 512, false, 0},
		{13, 0, 64, true, 0},
	} {
		g := got[i]
		if g.Opcode != want.opcode || g.Argument != want.argument || len(g.Data) != want.data || int(g.BlockBytes) != want.data || g.Application != want.application || g.Timeout != want.timeout || g.Write {
			t.Errorf("command %d: %+v", i, g)
		}
	}
}

func TestCSDStructure(t *testing.T) {
	for _, c := range []struct {
		csd  string
		want byte
		ok   bool
	}{
		{"002f00325b5a83a9ffffff8016800091", mmc.CSDStandard, true},
		{"400e00325b590000751b7f800a400013", mmc.CSDHigh, true},
		{"800e00325b590000751b7f800a400013", mmc.CSDUltra, true},
		{"00000000000000000000000000000000", 0, false},
		{"400e0032", 0, false},
		{"400e00325b590000751b7f800a40001x", 0, false},
		{"", 0, false},
	} {
		if got, err := mmc.CSDStructure(c.csd); got != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %d %v", c.csd, got, err)
		}
	}
}

func FuzzCSDStructure(f *testing.F) {
	f.Add("400e00325b590000751b7f800a400013")
	f.Add("00")
	f.Fuzz(func(t *testing.T, csd string) {
		if s, err := mmc.CSDStructure(csd); err == nil && (s > 3 || len(csd) != 32) {
			t.Errorf("%q: %d", csd, s)
		}
	})
}

func FuzzRegisters(f *testing.F) {
	f.Add(register(), uint32(0), int64(1))
	f.Add([]byte{}, uint32(0x80000000), int64(1<<40))
	f.Fuzz(func(t *testing.T, b []byte, argument uint32, n int64) {
		n &= 1<<50 - 1
		page := append(bytes.Clone(b), make([]byte, max(0, 512-len(b)))...)
		if e, err := mmc.ParseExtCSD(page); err == nil {
			if e.SizeBytes() <= 0 || e.BootBytes() < 0 || e.GeneralBytes(3) < 0 || e.EraseTimeout(argument, n) < time.Minute || e.BootProtected(2) > 3 {
				t.Errorf("%+v", e)
			}
		}
		if s, err := mmc.ParseSDStatus(page); err == nil && s.EraseTimeout(n) < time.Minute {
			t.Errorf("%+v over %d: %v", s, n, s.EraseTimeout(n))
		}
		_, _ = mmc.ParseExtCSD(b)
		_, _ = mmc.ParseSDStatus(b)
		if err := mmc.R1(argument).Err(); err != nil && err.Error() == "" {
			t.Error("no text")
		}
	})
}
