package ata_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/internal/scsi"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// wire is a SAT layer that answers by a function.
type wire struct {
	answer func(c scsi.Command) (scsi.Response, error)
	seen   []scsi.Command
}

func (w *wire) Issue(_ context.Context, c scsi.Command) (scsi.Response, error) {
	w.seen = append(w.seen, c)
	return w.answer(c)
}

func driveOn(answer func(c scsi.Command) (scsi.Response, error)) (*ata.Drive, *wire) {
	w := &wire{answer: answer}
	return &ata.Drive{Unit: &scsi.Unit{Issuer: w}}, w
}

func sense(s string) scsi.Response {
	return scsi.Response{Status: scsi.CheckCondition, Sense: unhex(s)}
}

// The bytes of every command as they travel in ATA PASS-THROUGH (16), by hand
// from the standards.
func TestCommandsAreWhatTheStandardSays(t *testing.T) {
	mustTrusted := func(c ata.Command, err error) ata.Command {
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const (
		none = "85 06 20" // no data, CK_COND
		ext  = "85 07 20"
		in   = "85 08 0e" // PIO in, length in COUNT, blocks
		inX  = "85 09 0e"
		out  = "85 0a 06"
	)
	for _, tc := range []struct {
		clause string
		c      ata.Command
		cdb    string
		code   string
		data   string // the first bytes of what goes out
	}{
		{"ACS-4 7.13", ata.IdentifyDevice(), in + "0000 0001 0000 0000 0000 00 ec 00", "ECh", ""},
		{"ACS-4 7.24", ata.ReadLogExt(0x30, 0x0106, 2), inX + "0000 0002 00 30 01 06 00 00 00 2f 00", "2Fh", ""},
		{"ACS-4 7.43.5", ata.SMARTReturnStatus(), none + "00da 0000 0000 004f 00c2 00 b0 00", "B0h/DAh", ""},
		{"ACS-4 7.43.2", ata.SMARTReadData(), in + "00d0 0001 0000 004f 00c2 00 b0 00", "B0h/D0h", ""},
		{"ATA-3", ata.SMARTReadThresholds(), in + "00d1 0001 0000 004f 00c2 00 b0 00", "B0h/D1h", ""},
		{"ACS-4 7.43.3", ata.SMARTReadLog(0x06, 1), in + "00d5 0001 0006 004f 00c2 00 b0 00", "B0h/D5h", ""},
		{"ACS-4 7.41", ata.SecuritySetPassword([]byte("OMBRUK")), out + "0000 0001 0000 0000 0000 00 f1 00", "F1h", "0000 4f4d4252554b 0000"},
		{"ACS-4 7.42 user", ata.SecurityUnlock(ata.UserPassword, []byte("x")), out + "0000 0001 0000 0000 0000 00 f2 00", "F2h", "0000 7800"},
		{"ACS-4 7.42 master", ata.SecurityUnlock(ata.MasterPassword, []byte("x")), out + "0000 0001 0000 0000 0000 00 f2 00", "F2h", "0100 7800"},
		{"ACS-4 7.38", ata.SecurityErasePrepare(), none + "0000 0000 0000 0000 0000 00 f3 00", "F3h", ""},
		{"ACS-4 7.39 normal", ata.SecurityEraseUnit(ata.UserPassword, false, []byte("x")), out + "0000 0001 0000 0000 0000 00 f4 00", "F4h", "0000 7800"},
		{"ACS-4 7.39 enhanced, master", ata.SecurityEraseUnit(ata.MasterPassword, true, []byte("x")), out + "0000 0001 0000 0000 0000 00 f4 00", "F4h", "0300 7800"},
		{"ACS-4 7.40", ata.SecurityFreezeLock(), none + "0000 0000 0000 0000 0000 00 f5 00", "F5h", ""},
		{"ACS-4 7.37", ata.SecurityDisablePassword(ata.UserPassword, []byte("x")), out + "0000 0001 0000 0000 0000 00 f6 00", "F6h", "0000 7800"},
		{"ACS-4 7.36.7", ata.SanitizeStatus(false), ext + "0000 0000 0000 0000 0000 40 b4 00", "B4h/0000h", ""},
		{"ACS-4 7.36.7 clear", ata.SanitizeStatus(true), ext + "0000 0001 0000 0000 0000 40 b4 00", "B4h/0000h", ""},
		{"ACS-4 7.36.3 Cryp", ata.SanitizeCrypto(true), ext + "0011 0010 43 70 00 79 00 72 40 b4 00", "B4h/0011h", ""},
		{"ACS-4 7.36.2 BkEr", ata.SanitizeBlock(false), ext + "0012 0000 42 72 00 45 00 6b 40 b4 00", "B4h/0012h", ""},
		{"ACS-4 7.36.4 OW", ata.SanitizeOverwrite(true, 1, 0xa1b2c3d4, true), ext + "0014 0091 a1 d4 57 c3 4f b2 40 b4 00", "B4h/0014h", ""},
		{"ACS-4 7.36.6 FrLk", ata.SanitizeFreezeLock(), ext + "0020 0000 46 6b 00 4c 00 72 40 b4 00", "B4h/0020h", ""},
		{"ACS-4 7.36.5 Anti", ata.SanitizeAntifreezeLock(), ext + "0040 0000 41 69 00 74 00 6e 40 b4 00", "B4h/0040h", ""},
		{"ATA8-ACS 7.33", ata.ReadNativeMax(true), ext + "0000 0000 0000 0000 0000 40 27 00", "27h", ""},
		{"ATA8-ACS 7.32", ata.ReadNativeMax(false), none + "0000 0000 0000 0000 0000 40 f8 00", "F8h", ""},
		{"ATA8-ACS 7.48", ata.SetMaxAddress(true, 0x0000e8bd3dae), ext + "0000 0001 e8 ae 00 3d 00 bd 40 37 00", "37h", ""},
		{"ATA8-ACS 7.47", ata.SetMaxAddress(false, 0x0abcdef0), none + "0000 0001 00 f0 00 de 00 bc 4a f9 00", "F9h", ""},
		{"ACS-4 7.1.2", ata.GetNativeMaxExt(), ext + "0000 0000 0000 0000 0000 40 78 00", "78h/0000h", ""},
		{"ACS-4 7.1.3", ata.SetAccessibleMaxExt(0x010203040506), ext + "0001 0000 03 06 02 05 01 04 40 78 00", "78h/0001h", ""},
		{"ACS-4 7.1.4", ata.FreezeAccessibleMaxExt(), ext + "0002 0000 0000 0000 0000 40 78 00", "78h/0002h", ""},
		{"ATA8-ACS 7.10.3", ata.DCOIdentify(), in + "00c2 0001 0000 0000 0000 40 b1 00", "B1h/C2h", ""},
		{"ATA8-ACS 7.10.4", ata.DCORestore(), none + "00c0 0000 0000 0000 0000 40 b1 00", "B1h/C0h", ""},
		{"ATA8-ACS 7.10.2", ata.DCOFreezeLock(), none + "00c1 0000 0000 0000 0000 40 b1 00", "B1h/C1h", ""},
		{"ACS-4 7.54", mustTrusted(ata.TrustedSend(0x01, 0x07fe, make([]byte, 1024))), out + "0001 0002 0000 00fe 0007 40 5e 00", "5Eh", "00"},
		{"ACS-4 7.52", mustTrusted(ata.TrustedReceive(0x01, 0x0001, make([]byte, 512))), in + "0001 0001 0000 0001 0000 40 5c 00", "5Ch", ""},
	} {
		d, w := driveOn(func(c scsi.Command) (scsi.Response, error) { return scsi.Response{Transferred: len(c.Data)}, nil })
		_, err := d.Do(t.Context(), tc.c)
		if err != nil && !errors.Is(err, ata.ErrNoRegisters) {
			t.Fatalf("%s: %v", tc.c.Name, err)
		}
		if got, want := hex.EncodeToString(w.seen[0].CDB), strings.ReplaceAll(tc.cdb, " ", ""); got != want {
			t.Errorf("%s %s: got %s, want %s", tc.clause, tc.c.Name, got, want)
		}
		if tc.c.Direction == scsi.Out && !strings.HasPrefix(hex.EncodeToString(w.seen[0].Data), strings.ReplaceAll(tc.data, " ", "")) {
			t.Errorf("%s %s: sends %x", tc.clause, tc.c.Name, w.seen[0].Data[:8])
		}
		if got := tc.c.Code(); got != tc.code {
			t.Errorf("%s: code %s, want %s", tc.c.Name, got, tc.code)
		}
	}
	if _, err := ata.TrustedSend(1, 1, make([]byte, 100)); err == nil {
		t.Error("a payload that is no multiple of 512 was taken")
	}
}

// A pass count of 0 orders 16 passes.
func TestOverwriteNeverOrdersSixteenPasses(t *testing.T) {
	for passes, want := range map[int]uint16{-1: 1, 0: 1, 1: 1, 15: 15, 16: 15, 17: 15} {
		if got := ata.SanitizeOverwrite(false, passes, 0, false).Count & 0x0f; got != want {
			t.Errorf("%d passes: COUNT bits 3:0 are %d, want %d", passes, got, want)
		}
	}
}

func TestNoEraseIsEndedByATimeout(t *testing.T) {
	if d := ata.SecurityEraseUnit(0, true, nil).Timeout; d < 7*24*time.Hour || d.Milliseconds() > 1<<31-1 {
		t.Errorf("SECURITY ERASE UNIT may take %v", d)
	}
}

const sanitizeDone = "72 01 00 1d 000000 0e 09 0c 01 00 80 00 00 ff 00 ff 00 00 40 50"

func TestAnswersAreJudgedByTheDrivesRegisters(t *testing.T) {
	for _, tc := range []struct {
		name     string
		c        ata.Command
		response scsi.Response
		want     string // of the error; empty for a success
		aborted  bool
		notOn    bool
	}{
		{"success with registers", ata.SanitizeStatus(false), sense(sanitizeDone), "", false, false},
		{"success without registers, none needed", ata.SecurityErasePrepare(), scsi.Response{}, "", false, false},
		{"success without registers that are the answer", ata.SanitizeStatus(false), scsi.Response{}, "SANITIZE DEVICE, SANITIZE STATUS EXT: the answer's registers were not passed on", false, false},
		{"abort as Linux 6.1 tells it", ata.SanitizeBlock(true), sense("70 00 0b 00000000 0a 04 51 40 00 00 00 00 00 80 03"),
			"SANITIZE DEVICE, BLOCK ERASE EXT: status 51h error 04h count 0000h lba 000000000003h device 40h", true, false},
		{"abort by the standard", ata.SecurityUnlock(0, nil), sense("72 0b 00 00 000000 0e 09 0c 00 04 00 01 00 00 00 00 00 00 40 51"),
			"SECURITY UNLOCK: status 51h error 04h count 0001h lba 000000000000h device 40h", true, false},
		{"error bits beside recovered error", ata.DCORestore(), sense("72 01 00 1d 000000 0e 09 0c 00 04 00 00 00 00 00 00 00 00 40 51"),
			"DEVICE CONFIGURATION RESTORE: status 51h error 04h count 0000h lba 000000000000h device 40h", true, false},
		{"device fault", ata.SecurityErasePrepare(), sense("72 04 44 00 000000 0e 09 0c 00 00 00 00 00 00 00 00 00 00 40 70"),
			"SECURITY ERASE PREPARE: status 70h error 00h count 0000h lba 000000000000h device 40h", false, false},
		{"good registers beside a sense key that says no", ata.SecurityErasePrepare(), sense("72 0b 00 00 000000 0e 09 0c 00 00 00 00 00 00 00 00 00 00 40 50"),
			"SECURITY ERASE PREPARE: status 50h error 00h count 0000h lba 000000000000h device 40h", false, false},
		{"abort without registers", ata.SecurityErasePrepare(), sense("70 00 0b 00000000 0a 00000000 00 00 00 000000"),
			"SECURITY ERASE PREPARE: SCSI status 02h (check condition), sense Bh/00h/00h", true, false},
		{"registers beside a recovered error of its own", ata.SecurityErasePrepare(), sense("72 01 0b 01 000000 0e 09 0c 00 00 00 00 00 00 00 00 00 00 40 50"),
			"SECURITY ERASE PREPARE: status 50h error 00h count 0000h lba 000000000000h device 40h", false, false},
		{"a warning that looks like registers", ata.SanitizeStatus(false), sense("f0 00 01 00 50 40 00 0a 00 00 00 00 0b 01 00 000000"),
			"SANITIZE DEVICE, SANITIZE STATUS EXT: SCSI status 02h (check condition), sense 1h/0Bh/01h", false, false},
		{"the bridge does not know it", ata.IdentifyDevice(), sense("70 00 05 00000000 0a 00000000 20 00 00 000000"),
			"IDENTIFY DEVICE: not passed on to the drive: SCSI status 02h (check condition), sense 5h/20h/00h invalid command operation code", false, true},
		{"the kernel will not pass it on", ata.SecurityErasePrepare(), sense("72 05 24 00 00000000"),
			"SECURITY ERASE PREPARE: not passed on to the drive: SCSI status 02h (check condition), sense 5h/24h/00h invalid field in command", false, true},
		{"less data than asked for", ata.IdentifyDevice(), scsi.Response{Transferred: 36}, "IDENTIFY DEVICE: 36 of 512 bytes: malformed answer", false, false},
		{"48 bits asked, 28 answered", ata.ReadNativeMax(true), sense("72 01 00 1d 000000 0e 09 0c 00 00 00 00 00 ae 00 3d 00 bd 40 50"),
			"READ NATIVE MAX ADDRESS EXT: the answer's registers were not passed on", false, false},
		{"busy for ever", ata.SecurityErasePrepare(), scsi.Response{Status: scsi.Busy}, "SECURITY ERASE PREPARE: SCSI status 08h (busy)", false, false},
	} {
		d, _ := driveOn(func(scsi.Command) (scsi.Response, error) { return tc.response, nil })
		a, err := d.Do(t.Context(), tc.c)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
		var refused *ata.StatusError
		if errors.As(err, &refused) && (refused.Aborted() != tc.aborted || refused.NotPassedOn != tc.notOn) {
			t.Errorf("%s: aborted %v, not passed on %v", tc.name, refused.Aborted(), refused.NotPassedOn)
		}
		if err == nil && a.String() == "" {
			t.Errorf("%s: no words for %+v", tc.name, a)
		}
	}
}

// Fixed format has no room for the upper bytes; a SAT layer may keep them in
// log page 16h.
func TestUpperBytesAreFetchedFromTheResultsLog(t *testing.T) {
	log := append(unhex("16 00 0012 0002 03 0e"), unhex("09 0c 01 00 80 00 00 ff 00 ff 00 00 40 50")...)
	d, w := driveOn(func(c scsi.Command) (scsi.Response, error) {
		if c.CDB[0] == 0x4d {
			return scsi.Response{Transferred: copy(c.Data, log)}, nil
		}
		return sense("f0 00 01 00 50 40 00 0a c3 ff ff 00 00 1d 00 000000"), nil
	})
	a, err := d.Do(t.Context(), ata.SanitizeStatus(false))
	if err != nil || a.Registers.Partial || a.Registers.Count != 0x8000 || len(w.seen) != 2 {
		t.Errorf("got %v, %v after %d commands", a, err, len(w.seen))
	}
	// Somebody else's parameter is not believed.
	log[8+13] = 0x51
	a, err = d.Do(t.Context(), ata.SanitizeStatus(false))
	if err != nil || !a.Registers.Partial {
		t.Errorf("got %v, %v", a, err)
	}
	if s := ata.ParseSanitizeStatus(*a.Registers); s.Completed || !s.UpperSet || s.Running {
		t.Errorf("half an answer: %+v", s)
	}
}

func TestBridgesThatOnlyTakeTheShortForm(t *testing.T) {
	id := identify(nil)
	d, w := driveOn(func(c scsi.Command) (scsi.Response, error) {
		if c.CDB[0] != 0xa1 {
			return sense("70 00 05 00000000 0a 00000000 20 00 00 000000"), nil
		}
		return scsi.Response{Transferred: copy(c.Data, id)}, nil
	})
	got, err := d.Identify(t.Context())
	if err != nil || got.Serial != "S1" || !d.Short || hex.EncodeToString(w.seen[1].CDB) != "a1080e000100000000ec0000" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = d.Do(t.Context(), ata.SanitizeBlock(true))
	var refused *ata.StatusError
	if !errors.As(err, &refused) || !refused.NotPassedOn {
		t.Errorf("48 bits over the short form: %v", err)
	}
	// A bridge that takes neither stays on the long form.
	d, _ = driveOn(func(scsi.Command) (scsi.Response, error) {
		return sense("70 00 05 00000000 0a 00000000 20 00 00 000000"), nil
	})
	if _, err := d.Identify(t.Context()); !errors.As(err, &refused) || d.Short {
		t.Errorf("neither: %v, short %v", err, d.Short)
	}
}

// identify makes IDENTIFY DEVICE data with a checksum.
func identify(set map[int]uint16) []byte {
	b := make([]byte, 512)
	put := func(word int, v uint16) { binary.LittleEndian.PutUint16(b[2*word:], v) }
	text := func(word, words int, s string) {
		for i := range words {
			pair := (s + strings.Repeat(" ", 2*words))[2*i : 2*i+2]
			put(word+i, uint16(pair[0])<<8|uint16(pair[1]))
		}
	}
	put(0, 0x0040)
	text(10, 10, "S1")
	text(23, 4, "FW01")
	text(27, 20, "MODEL X")
	put(60, 0xffff)
	put(61, 0x0fff)
	for word, v := range set {
		put(word, v)
	}
	b[510] = 0xa5
	sum := byte(0)
	for _, v := range b {
		sum += v
	}
	b[511] = -sum
	return b
}

func TestIdentify(t *testing.T) {
	id, err := ata.ParseIdentify(identify(map[int]uint16{
		48: 0x4001, 53: 0x0006, 59: 0xb800, 69: 0x4031, 82: 0x746b, 83: 0x7d09, 84: 0x6163, 85: 0x7469, 86: 0xbc01, 87: 0x6163,
		89: 0x8100, 90: 0x0002, 92: 0xfffe, 100: 0x6db0, 101: 0x7470, 102: 0, 103: 0, 106: 0x6003,
		108: 0x5000, 109: 0xc500, 110: 0xa1b2, 111: 0xc3d4, 119: 0x4108, 128: 0x012b, 169: 1, 217: 1, 222: 0x11ff,
	}))
	want := ata.Identify{
		Serial: "S1", Firmware: "FW01", Model: "MODEL X", WWN: "naa.5000c500a1b2c3d4", Sectors: 0x74706db0,
		LogicalBlockBytes: 512, PhysicalBlockBytes: 4096, Rotation: 1,
		Has48Bit: true, GPL: true, SMART: true, SMARTOn: true, CommandSets: true, HPA: true, DCO: true, AMA: true, Trusted: true, Trim: true,
		DRAT: true, RZAT: true, Encrypts: true, Zoned: 1, Transport: 1,
		Security: ata.Security{Supported: true, Enabled: true, Frozen: true, Enhanced: true, Maximum: true,
			EraseTime: 512 * time.Minute, EnhancedTime: 4 * time.Minute, MasterID: 0xfffe},
		Sanitize: ata.Sanitize{Supported: true, Crypto: true, Block: true, ACS3: true},
	}
	if err != nil || id != want {
		t.Errorf("got  %+v, %v\nwant %+v", id, err, want)
	}
	old, err := ata.ParseIdentify(identify(map[int]uint16{53: 0xffff, 59: 0xffff, 69: 0xffff, 128: 0xffff, 169: 0xffff, 217: 0xffff, 89: 0xfffe, 106: 0xffff}))
	if err != nil || old.Sectors != 0x0fffffff || old.Sanitize.Supported || old.Security.Supported || old.Rotation != 0 || old.Trim || old.DRAT || old.Encrypts || old.Zoned != 0 || old.CommandSets || old.LogicalBlockBytes != 512 {
		t.Errorf("words of an old drive: %+v, %v", old, err)
	}
	native, err := ata.ParseIdentify(identify(map[int]uint16{106: 0x5000, 117: 2048}))
	if err != nil || native.LogicalBlockBytes != 4096 || native.PhysicalBlockBytes != 4096 {
		t.Errorf("4Kn: %+v, %v", native, err)
	}
	wrong := identify(nil)
	wrong[300]++
	packet := identify(map[int]uint16{0: 0x85c0})
	for name, b := range map[string][]byte{"short": identify(nil)[:511], "zeros": make([]byte, 512), "checksum": wrong, "packet device": packet, "empty": nil} {
		if id, err := ata.ParseIdentify(b); !errors.Is(err, scsi.ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
}

func TestEraseTimesOfBothFormats(t *testing.T) {
	for word, want := range map[uint16]time.Duration{0: 0, 1: 2 * time.Minute, 0xff: 510 * time.Minute, 0x8001: 2 * time.Minute, 0xffff: 65534 * time.Minute} {
		id, err := ata.ParseIdentify(identify(map[int]uint16{89: word, 128: 1}))
		if err != nil || id.Security.EraseTime != want {
			t.Errorf("word 89 %04Xh: %v, %v, want %v", word, id.Security.EraseTime, err, want)
		}
	}
}

func TestAnswersInRegisters(t *testing.T) {
	sectors, err := ata.NativeMax(ata.ReadNativeMax(false), scsi.ATARegisters{LBA: 0xbcdef0, Device: 0x4a})
	if err != nil || sectors != 0x0abcdef1 {
		t.Errorf("28 bits: %X %v", sectors, err)
	}
	sectors, err = ata.NativeMax(ata.ReadNativeMax(true), scsi.ATARegisters{LBA: 0xe8bd3dae, Device: 0x4a, Extend: true})
	if err != nil || sectors != 0xe8bd3daf {
		t.Errorf("48 bits: %X %v", sectors, err)
	}
	if _, err := ata.NativeMax(ata.ReadNativeMax(true), scsi.ATARegisters{LBA: 0xbd3dae, Partial: true, LBAUpper: true}); !errors.Is(err, ata.ErrNoRegisters) {
		t.Errorf("half an address: %v", err)
	}
	for _, lba := range []uint64{0, 1<<48 - 1} {
		if _, err := ata.NativeMax(ata.ReadNativeMax(true), scsi.ATARegisters{LBA: lba}); !errors.Is(err, scsi.ErrMalformed) {
			t.Errorf("address %X: %v", lba, err)
		}
	}
	if ok, err := ata.ParseSMARTStatus(scsi.ATARegisters{LBA: 0xc24f00}); !ok || err != nil {
		t.Errorf("passed: %v %v", ok, err)
	}
	if ok, err := ata.ParseSMARTStatus(scsi.ATARegisters{LBA: 0x2cf400}); ok || err != nil {
		t.Errorf("failed: %v %v", ok, err)
	}
	if _, err := ata.ParseSMARTStatus(scsi.ATARegisters{}); err == nil {
		t.Error("zeros are a verdict")
	}
	for count, want := range map[uint16]ata.SanitizeState{
		0x8000: {Completed: true, Progress: 0xffff}, 0x4000: {Running: true, Progress: 0xffff},
		0x3000: {Frozen: true, Antifreeze: true, Progress: 0xffff}, 0x00ff: {Progress: 0xffff},
	} {
		if got := ata.ParseSanitizeStatus(scsi.ATARegisters{Count: count, LBA: 0xffff, Extend: true}); got != want {
			t.Errorf("count %04X: %+v", count, got)
		}
	}
}

func TestDCO(t *testing.T) {
	b := make([]byte, 512)
	b[0] = 2
	binary.LittleEndian.PutUint64(b[6:], 0x74706daf)
	sign := func() {
		b[510], b[511] = 0xa5, 0
		sum := byte(0)
		for _, v := range b {
			sum += v
		}
		b[511] = -sum
	}
	sign()
	if n, err := ata.ParseDCO(b); err != nil || n != 0x74706db0 {
		t.Errorf("got %d, %v", n, err)
	}
	b[20]++
	if _, err := ata.ParseDCO(b); !errors.Is(err, scsi.ErrMalformed) {
		t.Errorf("wrong checksum: %v", err)
	}
	if _, err := ata.ParseDCO(make([]byte, 512)); !errors.Is(err, scsi.ErrMalformed) {
		t.Errorf("zeros: %v", err)
	}
}

func TestSMART(t *testing.T) {
	b := make([]byte, 512)
	copy(b[2:], unhex("05 3300 64 63 0a0000000000 00 09 3200 60 60 a2470000ff00 00"))
	sum := byte(0)
	for _, v := range b {
		sum += v
	}
	b[511] = -sum
	as, err := ata.ParseSMARTData(b)
	if err != nil || as[5] != (ata.Attribute{Value: 100, Worst: 99, Raw: 10}) || as[9].Raw&0xffffff != 18338 || len(as) != 2 {
		t.Errorf("got %+v, %v", as, err)
	}
	if _, err := ata.ParseSMARTData(append(slices.Clone(b[:511]), b[511]+1)); err == nil {
		t.Error("a wrong checksum was taken")
	}
	page := make([]byte, 512)
	page[0], page[2] = 1, ata.PageSolidState
	binary.LittleEndian.PutUint64(page[8:], 3<<62|17)
	binary.LittleEndian.PutUint64(page[16:], 1<<63|17)
	p, err := ata.ParsePage(page, ata.PageSolidState)
	if err != nil || p.Statistic(8) == nil || *p.Statistic(8) != 17 || p.Statistic(16) != nil {
		t.Errorf("statistics: %v", err)
	}
	if _, err := ata.ParsePage(page, ata.PageGeneral); err == nil {
		t.Error("another page was taken")
	}
	page[2] = ata.PageSecurity
	binary.LittleEndian.PutUint64(page[48:], 1<<63|1<<7|1)
	if s, err := ata.ParseSecurityPage(page); err != nil || !s.Encrypts || !s.RestrictedOverrides {
		t.Errorf("security page: %+v %v", s, err)
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add(identify(nil))
	f.Add(identify(map[int]uint16{83: 0x7d09, 106: 0x7fff, 117: 0xffff, 118: 0xffff}))
	f.Add(make([]byte, 512))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := ata.ParseIdentify(b); err == nil {
			if id.LogicalBlockBytes < 512 || id.Sectors > 1<<48 || id.Model == "" && id.Serial == "" {
				t.Errorf("identify: %+v", id)
			}
		}
		if n, err := ata.ParseDCO(b); err == nil && (n < 2 || n > 1<<48) {
			t.Errorf("dco: %d", n)
		}
		_, _ = ata.ParseSMARTData(b)
		_, _ = ata.ParseSMARTThresholds(b)
		_, _ = ata.ParseLogDirectory(b, 0xff)
		_, _ = ata.ParseSecurityPage(b)
		for page := range byte(8) {
			if p, err := ata.ParsePage(b, page); err == nil {
				p.Statistic(504)
				p.Capability(504)
			}
		}
		// Whatever sense data come back, none makes a success of a question
		// whose answer is missing.
		d, _ := driveOn(func(scsi.Command) (scsi.Response, error) {
			return scsi.Response{Status: scsi.CheckCondition, Sense: b}, nil
		})
		a, err := d.Do(t.Context(), ata.SanitizeStatus(false))
		if err == nil && (a.Registers == nil || a.Registers.Failed() || !a.Registers.Extend) {
			t.Errorf("sense %x: %v", b, a)
		}
		ata.SanitizeRefused(err)
	})
}
