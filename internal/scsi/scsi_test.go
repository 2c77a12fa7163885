package scsi_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/scsi"
)

// script answers commands in order and remembers them.
type script struct {
	answers []scsi.Response
	errs    []error
	data    [][]byte
	seen    []string
}

func (s *script) Issue(_ context.Context, c scsi.Command) (scsi.Response, error) {
	i := len(s.seen)
	s.seen = append(s.seen, hex.EncodeToString(c.CDB))
	var r scsi.Response
	if i < len(s.answers) {
		r = s.answers[i]
	}
	if i < len(s.data) {
		r.Transferred = copy(c.Data, s.data[i])
	}
	if i < len(s.errs) {
		return r, s.errs[i]
	}
	return r, nil
}

func check(sense string) scsi.Response {
	return scsi.Response{Status: scsi.CheckCondition, Sense: unhex(sense)}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The bytes of every command, by hand from the standards.
func TestCommandsAreWhatTheStandardSays(t *testing.T) {
	for _, tc := range []struct {
		clause string
		c      scsi.Command
		cdb    string
		data   string // what goes out
	}{
		{"SPC-5 6.47 TEST UNIT READY", scsi.TestUnitReady(), "00 00 00 00 00 00", ""},
		{"SPC-5 6.7 INQUIRY", scsi.Inquiry(96), "12 00 00 00 60 00", ""},
		{"SPC-5 6.7 INQUIRY EVPD", scsi.InquiryVPD(0x89, 572), "12 01 89 02 3c 00", ""},
		{"SBC-4 5.20 READ CAPACITY (10)", scsi.ReadCapacity10(), "25 00 00000000 0000 00 00", ""},
		{"SBC-4 5.21 READ CAPACITY (16)", scsi.ReadCapacity16(), "9e 10 0000000000000000 00000020 00 00", ""},
		{"SPC-5 6.15 MODE SENSE (10) LLBAA", scsi.ModeSense10(scsi.ModeDefault, 0x01, 0, true, 252), "5a 10 81 00 000000 00fc 00", ""},
		{"SPC-5 6.14 MODE SENSE (6)", scsi.ModeSense6(scsi.ModeChangeable, 0x01, 0, 252), "1a 00 41 00 fc 00", ""},
		{"SPC-5 6.13 MODE SELECT (10)", scsi.ModeSelect10(scsi.BlockList(0, 512), true), "55 11 00 00 000000 0018 00",
			"0000 00 00 01 00 0010 0000000000000000 00000000 00000200"},
		{"SPC-5 6.12 MODE SELECT (6)", scsi.ModeSelect6(scsi.ShortBlockList(0, 4096), false), "15 10 00 00 0c 00", "00 00 00 08 00000000 00 001000"},
		{"SBC-4 6.5.2 all blocks", scsi.ModeSelect10(scsi.BlockList(scsi.AllBlocks, 4096), false), "55 10 00 00 000000 0018 00",
			"0000 00 00 01 00 0010 ffffffffffffffff 00000000 00001000"},
		{"SBC-4 6.5.2 all blocks, short", scsi.ModeSelect6(scsi.ShortBlockList(scsi.AllBlocksShort, 512), true), "15 11 00 00 0c 00", "00 00 00 08 ffffffff 00 000200"},
		{"SPC-5 6.10 LOG SENSE cumulative", scsi.LogSense(0x2f, 0, 252), "4d 00 6f 00 00 0000 00fc 00", ""},
		{"SPC-5 6.39 REQUEST SENSE", scsi.RequestSense(), "03 00 00 00 fc 00", ""},
		{"SPC-5 6.35 REPORT LUNS", scsi.ReportLUNs(1024), "a0 00 00 000000 00000400 00 00", ""},
		{"SPC-5 6.36 one command", scsi.ReportSupportedOperationCode(0x48, 3, true), "a3 0c 02 48 0003 00000040 00 00", ""},
		{"SPC-5 6.36 without service action", scsi.ReportSupportedOperationCode(0x04, 0, false), "a3 0c 01 04 0000 00000040 00 00", ""},
		{"SBC-4 5.24 READ DEFECT DATA (12)", scsi.ReadGrownDefects(), "b7 08 00000000 00000008 00 00", ""},
		{"SPC-5 6.40 SECURITY PROTOCOL IN", scsi.SecurityProtocolIn(0x01, 0x07fe, make([]byte, 1024)), "a2 01 07fe 80 00 00000002 00 00", ""},
		{"SPC-5 6.41 SECURITY PROTOCOL OUT", scsi.SecurityProtocolOut(0xef, 0x0002, make([]byte, 36)), "b5 ef 0002 00 00 00000024 00 00", strings.Repeat("00", 36)},
		{"SBC-4 5.31 SANITIZE OVERWRITE", scsi.Sanitize(scsi.SanitizeOverwrite, true, scsi.OverwriteList(1, []byte{0, 0, 0, 0}, false)), "48 a1 0000000000 0008 00", "01 00 0004 00000000"},
		{"SBC-4 5.31 SANITIZE BLOCK ERASE", scsi.Sanitize(scsi.SanitizeBlockErase, true, nil), "48 a2 0000000000 0000 00", ""},
		{"SBC-4 5.31 SANITIZE CRYPTOGRAPHIC ERASE", scsi.Sanitize(scsi.SanitizeCrypto, false, nil), "48 83 0000000000 0000 00", ""},
		{"SBC-4 5.31 SANITIZE EXIT FAILURE MODE", scsi.Sanitize(scsi.SanitizeExitFailureMode, true, nil), "48 1f 0000000000 0000 00", ""},
		{"SBC-4 5.4 FORMAT UNIT", scsi.FormatUnit(0, 3), "04 10 00 0000 00", "00 02 0000"},
		{"SBC-4 5.4 FORMAT UNIT, type 1", scsi.FormatUnit(1, 3), "04 90 00 0000 00", "00 02 0000"},
		{"SBC-4 5.4 FORMAT UNIT, type 2", scsi.FormatUnit(2, 0), "04 d0 00 0000 00", "00 02 0000"},
		{"SBC-4 5.4 FORMAT UNIT, type 3", scsi.FormatUnit(3, 0), "04 d0 00 0000 00", "01 02 0000"},
		{"SBC-4 5.4 FORMAT UNIT, type 2, intervals, long list", scsi.FormatUnit(2, 3), "04 f0 00 0000 00", "00 02 00 03 00000000"},
		{"SBC-4 5.4 FORMAT UNIT, type 3, intervals, long list", scsi.FormatUnit(3, 0x13), "04 f0 00 0000 00", "01 02 00 03 00000000"},
	} {
		if got, want := hex.EncodeToString(tc.c.CDB), strings.ReplaceAll(tc.cdb, " ", ""); got != want {
			t.Errorf("%s: got %s, want %s", tc.clause, got, want)
		}
		if tc.c.Direction == scsi.Out {
			if got, want := hex.EncodeToString(tc.c.Data), strings.ReplaceAll(tc.data, " ", ""); got != want {
				t.Errorf("%s: parameters %s, want %s", tc.clause, got, want)
			}
		} else if tc.data != "" {
			t.Errorf("%s: sends nothing, want %s", tc.clause, tc.data)
		}
		if (tc.c.Direction == scsi.None) != (len(tc.c.Data) == 0) {
			t.Errorf("%s: direction %d with %d bytes", tc.clause, tc.c.Direction, len(tc.c.Data))
		}
	}
}

// A count of 0 is reserved in SCSI and means 16 passes in ATA: it is never sent.
func TestOverwriteNeverOrdersZeroPasses(t *testing.T) {
	for count, want := range map[int]byte{-1: 1, 0: 1, 1: 1, 31: 31, 32: 31} {
		if got := scsi.OverwriteList(count, []byte{0}, true)[0]; got != want|0x80 {
			t.Errorf("%d passes: byte 0 is %02X, want %02X", count, got, want|0x80)
		}
	}
}

func TestATAPassThroughForms(t *testing.T) {
	c := scsi.ATACommand{Features: 0x0102, Count: 0x0304, LBA: 0x0a0b0c0d0e0f, Device: 0x40, Command: 0xb4, Protocol: scsi.ATANonData, Extend: true, Check: true}
	if got, want := hex.EncodeToString(c.CDB16()), "85072001020304"+"0c0f0b0e0a0d"+"40b400"; got != want {
		t.Errorf("16: got %s, want %s (SAT-4 12.2.2.3)", got, want)
	}
	c.Auxiliary = 0x11223344
	if got, want := hex.EncodeToString(c.CDB32()), "7f000000000000181ff0"+"0720"+"0000"+"0a0b0c0d0e0f"+"0102"+"0304"+"40b4"+"0000"+"11223344"; got != want {
		t.Errorf("32: got %s, want %s (SAT-4 12.2.2.4)", got, want)
	}
	if _, err := c.CDB12(); !errors.Is(err, scsi.ErrNeeds48Bits) {
		t.Errorf("12 with 48 bits: %v", err)
	}
	short := scsi.ATACommand{Features: 0xda, Count: 1, LBA: 0xc24f00, Device: 0xa0, Command: 0xb0, Protocol: scsi.ATAPIOIn, Blocks: true}
	cdb, err := short.CDB12()
	if got, want := hex.EncodeToString(cdb), "a1080eda01004fc2a0b00000"; err != nil || got != want {
		t.Errorf("12: got %s, %v, want %s (SAT-4 12.2.2.2)", got, err, want)
	}
}

func TestSenseOfBothFormats(t *testing.T) {
	for _, tc := range []struct {
		name, sense, want string
		progress          int64
	}{
		{"sanitize at a quarter, fixed", "70 00 02 00000000 0a 00000000 04 1b 00 80 4000", "sense 2h/04h/1Bh sanitize in progress, progress 4000h", 250000},
		{"sanitize at a quarter, descriptor", "72 02 04 1b 000000 08 02 06 0000 80 4000 00", "sense 2h/04h/1Bh sanitize in progress, progress 4000h", 250000},
		{"another progress indication", "72 00 00 00 000000 08 0a 06 02 04 1b 00 ffff", "sense 0h/00h/00h, progress FFFFh", 999984},
		{"sanitize failed", "70 00 03 00000000 0a 00000000 31 03 00 000000", "sense 3h/31h/03h sanitize command failed", -1},
		{"field pointer is no progress", "70 00 05 00000000 0a 00000000 24 00 00 c0 0002", "sense 5h/24h/00h invalid field in command", -1},
		{"nothing", "70 00 00 00000000 0a 00000000 00 00 00 000000", "sense 0h/00h/00h", -1},
		{"cut short", "70 00 02 00000000 0a", "sense 2h/00h/00h", -1},
		{"length says less than came", "70 00 06 00000000 00 00000000 29 00 00 000000", "sense 6h/00h/00h", -1},
	} {
		s, err := scsi.ParseSense(unhex(tc.sense))
		if err != nil || s.String() != tc.want || s.ProgressPPM() != tc.progress {
			t.Errorf("%s: got %q, %d, %v; want %q, %d", tc.name, s, s.ProgressPPM(), err, tc.want, tc.progress)
		}
	}
	for _, none := range []string{"", "00", "00000000000000000000000000000000000000", "7f 00", "70 00 05", "72 05"} {
		if s, err := scsi.ParseSense(unhex(none)); !errors.Is(err, scsi.ErrNoSense) {
			t.Errorf("sense %q: got %v, %v, want none", none, s, err)
		}
	}
	if s, err := scsi.ParseSense(unhex("71 00 04 00000000 0a 00000000 44 00 00 000000")); err != nil || !s.Deferred {
		t.Errorf("deferred error: %+v, %v", s, err)
	}
	s, err := scsi.ParseSense(unhex("f0 00 03 00001234 0a 00000000 11 00 00 000000"))
	if err != nil || s.Information == nil || *s.Information != 0x1234 {
		t.Errorf("information: %+v, %v", s, err)
	}
}

// Registers come in three forms; see ParseATARegisters.
func TestATARegistersInEveryForm(t *testing.T) {
	for _, tc := range []struct {
		name, sense, want string
		ok, failed        bool
	}{
		{"Linux 6.1, sanitize done, descriptor", "72 01 00 1d 000000 0e 09 0c 01 00 80 00 00 ff 00 ff 00 00 40 50", "status 50h error 00h count 8000h lba 00000000FFFFh device 40h", true, false},
		{"Linux 6.1, native max, descriptor", "72 01 00 1d 000000 0e 09 0c 01 00 00 00 e8 ae 00 3d 00 bd 40 50", "status 50h error 00h count 0000h lba 0000E8BD3DAEh device 40h", true, false},
		{"SAT fixed, sanitize done: upper bytes lost", "f0 00 01 00 50 40 00 0a c0 ff ff 00 00 1d 00 000000", "status 50h error 00h count 0000h lba 00000000FFFFh device 40h, upper bytes not passed on: count not zero, lba zero", true, false},
		{"SAT fixed, abort", "f0 00 0b 04 51 40 00 0a 80 01 00 00 00 00 00 000000", "status 51h error 04h count 0000h lba 000000000001h device 40h", true, true},
		{"Linux 6.1, abort in bytes 8 and 9", "70 00 0b 00000000 0a 04 51 40 00 00 00 00 00 80 03", "status 51h error 04h count 0000h lba 000000000003h device 40h", true, true},
		{"no registers: not passed on", "70 00 05 00000000 0a 00000000 20 00 00 000000", "", false, false},
		{"bytes 8 and 9 that look like a success", "70 00 0b 00000000 0a 00 50 40 00 00 00 00 00 00 000000", "", false, false},
		{"recovered error, whose information looks like a status", "f0 00 01 00 50 40 00 0a 00 00 00 00 0b 01 00 000000", "", false, false},
		{"a bad block's address that looks like a status", "f0 00 03 04 51 40 00 0a 00 00 00 00 11 00 00 000000", "", false, false},
		{"a bad block's address without VALID", "70 00 03 00 00 00 00 0a 04 51 40 00 11 00 00 000000", "", false, false},
		{"abort without VALID", "70 00 0b 04 51 40 00 0a 00 00 00 00 00 00 00 000000", "", false, false},
		{"error bits in the form of a success", "70 00 01 04 51 40 00 0a 80 03 00 00 00 1d 00 000000", "status 51h error 04h count 0000h lba 000000000003h device 40h", true, true},
		{"descriptor of zeros", "72 01 00 1d 000000 0e 09 0c 00 00 00 00 00 00 00 00 00 00 00 00", "", false, false},
		{"still busy", "72 01 00 1d 000000 0e 09 0c 00 00 00 00 00 00 00 00 00 00 40 d0", "", false, false},
		{"cut off", "72 01 00 1d 000000 0e 09 0c 00 00", "", false, false},
	} {
		r, ok := scsi.ParseATARegisters(unhex(tc.sense))
		if ok != tc.ok || ok && (r.String() != tc.want || r.Failed() != tc.failed) {
			t.Errorf("%s: got %v %q failed %v", tc.name, ok, r, r.Failed())
		}
	}
}

func TestUnitAttentionAndBusyAreTriedAgain(t *testing.T) {
	attention := check("70 00 06 00000000 0a 00000000 29 00 00 000000")
	s := &script{answers: []scsi.Response{attention, {Status: scsi.Busy}, attention, {Status: scsi.TaskSetFull}, {}}}
	waited, traced := time.Duration(0), 0
	u := scsi.Unit{Issuer: s, Wait: func(_ context.Context, d time.Duration) error { waited += d; return nil },
		Trace: func(scsi.Command, scsi.Response, error) { traced++ }}
	if _, err := u.Do(t.Context(), scsi.TestUnitReady()); err != nil || len(s.seen) != 5 || waited != time.Second || traced != 5 {
		t.Errorf("got %v after %d commands, waited %v, traced %d", err, len(s.seen), waited, traced)
	}
	// A drive that never gets ready is given up.
	always := &script{answers: slices.Repeat([]scsi.Response{attention}, 100)}
	u = scsi.Unit{Issuer: always}
	var refused *scsi.SenseError
	if _, err := u.Do(t.Context(), scsi.TestUnitReady()); !errors.As(err, &refused) || len(always.seen) > 20 {
		t.Errorf("for ever: %v after %d commands", err, len(always.seen))
	}
	busy := &script{answers: slices.Repeat([]scsi.Response{{Status: scsi.Busy}}, 100)}
	u = scsi.Unit{Issuer: busy}
	if _, err := u.Do(t.Context(), scsi.TestUnitReady()); !errors.As(err, &refused) || refused.Status != scsi.Busy || len(busy.seen) > 20 {
		t.Errorf("busy for ever: %v after %d commands", err, len(busy.seen))
	}
	// What did not arrive is no refusal, and is not tried again here.
	lost := &script{errs: []error{errors.New("cable")}}
	u = scsi.Unit{Issuer: lost}
	if _, err := u.Do(t.Context(), scsi.TestUnitReady()); err == nil || errors.As(err, &refused) || len(lost.seen) != 1 {
		t.Errorf("lost: %v", err)
	}
	// A check condition without sense data is a refusal all the same.
	mute := &script{answers: []scsi.Response{{Status: scsi.CheckCondition}}}
	u = scsi.Unit{Issuer: mute}
	if _, err := u.Do(t.Context(), scsi.TestUnitReady()); !errors.As(err, &refused) || err.Error() != "command 00h: status 02h (check condition)" {
		t.Errorf("mute: %v", err)
	}
}

func TestADriveThatIgnoresTheQuestionForAPageIsNotBelieved(t *testing.T) {
	// Standard inquiry data of a removable disk: byte 1 is 80h, as if it
	// were page 80h.
	standard := append(unhex("00 80 06 02 5b 00 00 00"), "VENDOR  PRODUCT         1.00"...)
	u := scsi.Unit{Issuer: &script{data: [][]byte{standard}}}
	if b, err := u.VPD(t.Context(), 0x80); !errors.Is(err, scsi.ErrMalformed) {
		t.Errorf("got %q, %v", b, err)
	}
	// A page longer than the first question is asked for again, whole.
	long := append(unhex("00 83 01 2c"), make([]byte, 300)...)
	s := &script{data: [][]byte{long, long}}
	u = scsi.Unit{Issuer: s}
	if b, err := u.VPD(t.Context(), 0x83); err != nil || len(b) != 304 || !slices.Equal(s.seen, []string{"12018300fc00", "120183013000"}) {
		t.Errorf("got %d bytes, %v, %v", len(b), err, s.seen)
	}
}

func TestDecodersReadWhatDrivesSay(t *testing.T) {
	// A SAS drive's designators: the unit's NAA name, then its port's.
	page := append(unhex("00 83 00 48 01 03 00 08 5000c500a1b2c3d7 61 93 00 08 5000c500a1b2c3d5"),
		append(unhex("61 94 00 04 00000001 63 a8 00 18"), "naa.5000C500A1B2C3D4\x00\x00\x00\x00"...)...)
	page[3] = byte(len(page) - 4)
	ds, err := scsi.ParseVPD83(page)
	if err != nil || len(ds) != 4 || scsi.WWN(ds) != "naa.5000c500a1b2c3d7" {
		t.Errorf("designators: %+v %q %v", ds, scsi.WWN(ds), err)
	}
	uuid := []scsi.Designator{{Kind: 0x0a, Data: unhex("1000 00112233445566778899aabbccddeeff")}}
	if got := scsi.WWN(uuid); got != "uuid.00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("uuid: %q", got)
	}
	c, err := scsi.ParseCapacity16(unhex("00000000 74706daf 00000208 05 23 c000" + strings.Repeat("00", 16)))
	if want := (scsi.Capacity{Blocks: 0x74706db0, BlockBytes: 520, PhysicalExponent: 3, Protection: 3, ProtectionExponent: 2, Provisioned: true, ReadsZero: true}); err != nil || c != want {
		t.Errorf("capacity: %+v %v", c, err)
	}
	if _, err := scsi.ParseCapacity10(unhex("ffffffff 00000200")); err == nil {
		t.Error("a capacity that does not fit into 10 was read")
	}
	m, err := scsi.ParseModeSense10(unhex("002e 00 80 01 00 0010 0000000074706db0 00000000 00000208 01 0a"))
	if err != nil || !m.WriteProtected || !m.HasBlock || m.Blocks != 0x74706db0 || m.BlockBytes != 520 || len(m.Pages) != 2 {
		t.Errorf("mode: %+v %v", m, err)
	}
	m, err = scsi.ParseModeSense6(unhex("0b 00 00 08 00100000 00 000200"))
	if err != nil || m.Blocks != 0x100000 || m.BlockBytes != 512 {
		t.Errorf("mode (6): %+v %v", m, err)
	}
	p, err := scsi.ParseLog(unhex("11 00 0008 0001 03 04 00000017"), scsi.LogSolidState)
	if n := p.PercentUsed(); err != nil || n == nil || *n != 0x17 {
		t.Errorf("endurance: %v %v", n, err)
	}
	p, err = scsi.ParseLog(unhex("0d 00 000c 0000 03 02 0026 0001 03 02 003c"), scsi.LogTemperature)
	if n := p.Temperature(); err != nil || n == nil || *n != 38 {
		t.Errorf("temperature: %v %v", n, err)
	}
	p, _ = scsi.ParseLog(unhex("2f 00 0008 0000 03 04 5d 10 26 00"), scsi.LogInformation)
	if fails := p.Predicts(); fails == nil || !*fails {
		t.Errorf("predicted failure: %v", fails)
	}
	if has, known := scsi.ParseSupportedOperationCode(unhex("00 03 000a 48 e3")); !has || !known {
		t.Error("sanitize is there")
	}
	if has, known := scsi.ParseSupportedOperationCode(unhex("00 01 0000")); has || !known {
		t.Error("sanitize is not there")
	}
	for _, nonsense := range []string{"", "00 00 0000", "ff ff ffff", "00 02 000a", "00 05 000a"} {
		if has, known := scsi.ParseSupportedOperationCode(unhex(nonsense)); has || known {
			t.Errorf("%q: %v %v", nonsense, has, known)
		}
	}
	if n, err := scsi.ParseDefectCount(unhex("00 08 0000 00000010")); err != nil || n != 4 {
		t.Errorf("defects: %d %v", n, err)
	}
	luns, err := scsi.ParseReportLUNs(unhex("00000010 00000000 0000000000000000 0001000000000000"))
	if err != nil || len(luns) != 2 || luns[1] != 1<<48 {
		t.Errorf("luns: %x %v", luns, err)
	}
}

func TestZeroedAnswersSayNothing(t *testing.T) {
	for _, n := range []int{0, 4, 16, 36, 64, 600} {
		zeros := make([]byte, n)
		for name, parse := range decoders() {
			if name == "VPD 00h" || name == "log 00h" || name == "report luns" || name == "log" {
				continue // zeros are a proper "none"
			}
			if err := parse(zeros); err == nil {
				t.Errorf("%s: %d zeros were taken for an answer", name, n)
			}
		}
	}
}

// decoders are all of them, for the tests that go through all.
func decoders() map[string]func([]byte) error {
	return map[string]func([]byte) error{
		"inquiry": func(b []byte) error { _, err := scsi.ParseInquiry(b); return err },
		"VPD 00h": func(b []byte) error { _, err := scsi.ParseVPD00(b); return err },
		"VPD 80h": func(b []byte) error { _, err := scsi.ParseVPD80(b); return err },
		"VPD 83h": func(b []byte) error {
			ds, err := scsi.ParseVPD83(b)
			scsi.WWN(ds)
			return err
		},
		"VPD 89h":       func(b []byte) error { _, err := scsi.ParseVPD89(b); return err },
		"VPD B0h":       func(b []byte) error { _, err := scsi.ParseVPDB0(b); return err },
		"VPD B1h":       func(b []byte) error { _, err := scsi.ParseVPDB1(b); return err },
		"VPD B2h":       func(b []byte) error { _, err := scsi.ParseVPDB2(b); return err },
		"capacity (16)": func(b []byte) error { _, err := scsi.ParseCapacity16(b); return err },
		"capacity (10)": func(b []byte) error { _, err := scsi.ParseCapacity10(b); return err },
		"mode (10)":     func(b []byte) error { _, err := scsi.ParseModeSense10(b); return err },
		"mode (6)":      func(b []byte) error { _, err := scsi.ParseModeSense6(b); return err },
		"report luns":   func(b []byte) error { _, err := scsi.ParseReportLUNs(b); return err },
		"defects":       func(b []byte) error { _, err := scsi.ParseDefectCount(b); return err },
		"log 00h":       func(b []byte) error { _, err := scsi.ParseSupportedLogs(b); return err },
		"sense": func(b []byte) error {
			s, err := scsi.ParseSense(b)
			_ = s.String()
			if ppm := s.ProgressPPM(); ppm < -1 || ppm >= 1_000_000 {
				panic("progress out of range")
			}
			return err
		},
		"log": func(b []byte) error {
			if len(b) == 0 {
				return scsi.ErrMalformed
			}
			p, err := scsi.ParseLog(b, b[0]&0x3f)
			p.Temperature()
			p.PercentUsed()
			p.Starts()
			p.PoweredMinutes()
			p.Uncorrected()
			p.Bytes()
			p.Predicts()
			return err
		},
	}
}

func FuzzDecoders(f *testing.F) {
	for _, seed := range []string{
		"", "00", "00 80 00 04 41424344", "00 83 00 0c 01 03 00 08 5000c500a1b2c3d7",
		"72 02 04 1b 000000 08 02 06 0000 80 4000 00", "70 00 02 00000000 0a 00000000 04 1b 00 80 4000",
		"00000000 74706daf 00000200 00 03 8000", "002e 00 80 01 00 0010 0000000074706db0 00000000 00000208 01 0a",
		"2f 00 0008 0000 03 04 5d 10 26 00", "72 01 00 1d 000000 0e 09 0c 01 00 80 00 00 ff 00 ff 00 00 40 50",
	} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range decoders() {
			_ = parse(b)
		}
		scsi.ParseSupportedOperationCode(b)
		if r, ok := scsi.ParseATARegisters(b); ok && (r.Status == 0 || r.LBA >= 1<<48) {
			t.Errorf("registers %v", r)
		}
		scsi.ParseATAReturn(b)
	})
}
