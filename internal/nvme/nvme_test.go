package nvme_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/nvme"
)

// controllerPage is an Identify Controller answer written byte by byte from
// the offsets of NVMe Base 2.1 figure 312.
func controllerPage() []byte {
	b := make([]byte, 4096)
	copy(b[4:24], "S4EWNX0R000000      ")
	copy(b[24:64], "Example SSD 980 1TB                     ")
	copy(b[64:72], "2B2QEXM7")
	b[76] = 2
	copy(b[80:], []byte{0x00, 0x01, 0x02, 0x00})
	copy(b[256:], []byte{0x17, 0x00})
	copy(b[280:], []byte{0x00, 0x60, 0xdb, 0x38, 0xe8, 0x00})
	copy(b[312:], []byte{0x02, 0x00, 0x1f, 0x00})
	copy(b[328:], []byte{0x2b, 0x00, 0x00, 0xa0})
	b[516] = 1
	b[524] = 5
	copy(b[768:], "nqn.2014.08.org.nvmexpress:144d144d")
	return b
}

func TestControllerSaysWhatItCanErase(t *testing.T) {
	c, err := nvme.ParseController(controllerPage())
	if err != nil {
		t.Fatal(err)
	}
	want := nvme.Controller{
		SN: "S4EWNX0R000000", MN: "Example SSD 980 1TB", FR: "2B2QEXM7", CMIC: 2, VER: 0x20100, OACS: 0x17,
		TNVMCAP: 0xe838db6000, RPMBS: 0x001f0002, SANICAP: 0xa000002b, NN: 1, FNA: 5,
		SUBNQN: "nqn.2014.08.org.nvmexpress:144d144d",
	}
	if c != want {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
	s := c.SANICAP
	got := []bool{s.Crypto(), s.Block(), s.Overwrite(), s.Verification(), s.PurgeRequest(), s.NoDeallocateInhibited(), s.NODMMAS() == 2}
	for i, want := range []bool{true, true, false, true, true, true, true} {
		if got[i] != want {
			t.Errorf("SANICAP A000002Bh, answer %d: %v", i, got[i])
		}
	}
	if f := c.FNA; !f.FormatsAll() || f.ErasesAll() || !f.Crypto() {
		t.Errorf("FNA 05h: %v %v %v", f.FormatsAll(), f.ErasesAll(), f.Crypto())
	}
	if got, want := c.RPMBBytes(), int64(2*32*128<<10); got != want {
		t.Errorf("RPMB of %d bytes, want %d", got, want)
	}
}

// namespacePage is an Identify Namespace answer: 512-byte blocks in format 1
// of 2, with 8 bytes of metadata and type 1 protection at their beginning.
func namespacePage() []byte {
	b := make([]byte, 4096)
	binary.LittleEndian.PutUint64(b, 1953525168)
	binary.LittleEndian.PutUint64(b[8:], 1953525168)
	b[24], b[25], b[26], b[29], b[33], b[99] = 4, 1, 0x11, 0x09, 1, 1
	copy(b[104:], []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	copy(b[120:], []byte{0, 0x25, 0x38, 5, 6, 7, 8, 9})
	copy(b[128:], []byte{0, 0, 12, 0, 8, 0, 9, 2})
	return b
}

func TestNamespaceFormatInUse(t *testing.T) {
	n, err := nvme.ParseNamespace(namespacePage())
	if err != nil {
		t.Fatal(err)
	}
	if n.FormatIndex() != 1 || n.Format() != (nvme.LBAF{MS: 8, LBADS: 9, RP: 2}) || !n.ExtendedLBA() {
		t.Errorf("format %d %+v", n.FormatIndex(), n.Format())
	}
	if n.SizeBytes() != 1953525168*512 || n.BlockBytes() != 512 {
		t.Errorf("%d bytes in blocks of %d", n.SizeBytes(), n.BlockBytes())
	}
	if !n.HasDULBE() || !n.WriteProtected() || n.DeallocatedReads() != 1 {
		t.Errorf("NSFEAT %02X, NSATTR %02X, DLFEAT %02X", n.NSFEAT, n.NSATTR, n.DLFEAT)
	}
}

func TestAnswersWithoutSenseAreErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		decode func() error
		want   error
	}{
		{"controller of zeros", func() error { _, err := nvme.ParseController(make([]byte, 4096)); return err }, nvme.ErrSenseless},
		{"controller cut short", func() error { _, err := nvme.ParseController(controllerPage()[:1000]); return err }, nvme.ErrShort},
		{"inactive namespace", func() error { _, err := nvme.ParseNamespace(make([]byte, 4096)); return err }, nvme.ErrSenseless},
		{"namespace cut short", func() error { _, err := nvme.ParseNamespace(namespacePage()[:512]); return err }, nvme.ErrShort},
		{"namespace of FFh", func() error { _, err := nvme.ParseNamespace(bytes.Repeat([]byte{0xFF}, 4096)); return err }, nvme.ErrSenseless},
		{"blocks of one byte", func() error {
			b := namespacePage()
			b[128+4+2] = 0
			_, err := nvme.ParseNamespace(b)
			return err
		}, nvme.ErrSenseless},
		{"list that goes down", func() error {
			b := make([]byte, 4096)
			b[0], b[4] = 2, 1
			_, err := nvme.ParseNSIDs(b, 0)
			return err
		}, nvme.ErrSenseless},
		{"list that repeats the page before", func() error {
			b := make([]byte, 4096)
			b[0] = 7
			_, err := nvme.ParseNSIDs(b, 7)
			return err
		}, nvme.ErrSenseless},
		{"descriptor longer than the page", func() error { _, err := nvme.ParseDescriptors([]byte{2, 16, 0, 0, 1}); return err }, nvme.ErrShort},
		{"descriptor of a wrong length", func() error { _, err := nvme.ParseDescriptors([]byte{1, 1, 0, 0, 1}); return err }, nvme.ErrSenseless},
		{"sanitize log cut short", func() error { _, err := nvme.ParseSanitizeLog(make([]byte, 36)); return err }, nvme.ErrShort},
		{"SMART of zeros", func() error { _, err := nvme.ParseSMART(make([]byte, 512)); return err }, nvme.ErrSenseless},
		{"SMART cut short", func() error { _, err := nvme.ParseSMART(make([]byte, 100)); return err }, nvme.ErrShort},
	} {
		if err := c.decode(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestNamespaceListsAndDescriptors(t *testing.T) {
	b := make([]byte, 4096)
	b[0], b[4], b[8] = 1, 2, 9
	ids, err := nvme.ParseNSIDs(b, 0)
	if err != nil || len(ids) != 3 || ids[2] != 9 {
		t.Errorf("%v %v", ids, err)
	}
	d, err := nvme.ParseDescriptors(append(append([]byte{1, 8, 0, 0, 0, 0x25, 0x38, 1, 2, 3, 4, 5}, []byte{4, 1, 0, 0, 2}...), make([]byte, 100)...))
	if err != nil || d.CSI != nvme.Zoned || len(d.EUI64) != 8 || d.NGUID != nil {
		t.Errorf("%+v %v", d, err)
	}
}

// The sanitize logs are from drives in the field: their owners' outputs of
// these words, put back into bytes.
func TestSanitizeLog(t *testing.T) {
	log := func(words ...byte) []byte { return append(words, make([]byte, 512-len(words))...) }
	none := bytes.Repeat([]byte{0xFF}, 12)
	for _, c := range []struct {
		name string
		b    []byte
		want nvme.SanitizeLog
		sos  nvme.SOS
		act  nvme.SANACT
		gde  bool
	}{
		{"never run, no estimates", log(append([]byte{0xff, 0xff, 0, 0, 0, 0, 0, 0}, none...)...),
			nvme.SanitizeLog{SPROG: 0xffff, ETO: nvme.NotTold, ETBE: nvme.NotTold, ETCE: nvme.NotTold}, nvme.NeverSanitized, 0, false},
		{"block erase at 35 %", log(append([]byte{0x01, 0x5b, 2, 0, 2, 0, 0, 0}, none...)...),
			nvme.SanitizeLog{SPROG: 23297, SSTAT: 2, SCDW10: 2, ETO: nvme.NotTold, ETBE: nvme.NotTold, ETCE: nvme.NotTold}, nvme.Sanitizing, nvme.BlockErase, false},
		{"block erase done, nothing written since", log(append([]byte{0xff, 0xff, 1, 1, 2, 0, 0, 0}, none...)...),
			nvme.SanitizeLog{SPROG: 0xffff, SSTAT: 0x101, SCDW10: 2, ETO: nvme.NotTold, ETBE: nvme.NotTold, ETCE: nvme.NotTold}, nvme.Sanitized, nvme.BlockErase, true},
		{"crypto erase of long ago, 90 s and 13 s", log(0xff, 0xff, 1, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 90, 0, 0, 0, 13, 0, 0, 0),
			nvme.SanitizeLog{SPROG: 0xffff, SSTAT: 1, SCDW10: 4, ETO: nvme.NotTold, ETBE: 90, ETCE: 13}, nvme.Sanitized, nvme.CryptoErase, false},
	} {
		l, err := nvme.ParseSanitizeLog(c.b)
		if err != nil || l != c.want || l.SOS() != c.sos || l.Action() != c.act || l.GlobalDataErased() != c.gde {
			t.Errorf("%s: %+v %v", c.name, l, err)
		}
	}
	// NVMe Base 2.1 figure 291: while media are open SOS says sanitizing and
	// SPROG says FFFFh; only SANS tells.
	b := log(0xff, 0xff, 0x02, 0x09, 0x02, 0x0c)
	b[36] = 5
	l, _ := nvme.ParseSanitizeLog(b)
	if l.SOS() != nvme.Sanitizing || l.SANS() != nvme.MediaVerification || !l.Purged() || !l.GlobalDataErased() || l.VerificationCanceled() {
		t.Errorf("media verification: %+v", l)
	}
	if got, want := l.String(), "SSTAT 0902h SPROG FFFFh SCDW10 00000C02h SSI 05h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if l, _ := nvme.ParseSanitizeLog(log(0, 0, 0x2b, 0)); l.Passes() != 5 || l.SOS() != nvme.Failed {
		t.Errorf("SSTAT 002Bh: %d passes, %d", l.Passes(), l.SOS())
	}
}

func TestSanitizeCommands(t *testing.T) {
	for _, c := range []struct {
		name         string
		s            nvme.Sanitize
		cdw10, cdw11 uint32
	}{
		{"block erase", nvme.Sanitize{Action: nvme.BlockErase}, 0x002, 0},
		{"crypto erase without deallocation", nvme.Sanitize{Action: nvme.CryptoErase, NDAS: true}, 0x204, 0},
		{"block erase, media open afterwards, purge or fail", nvme.Sanitize{Action: nvme.BlockErase, EMVS: true, PREQ: true}, 0xC02, 0},
		{"one pass is 1", nvme.Sanitize{Action: nvme.Overwrite, Passes: 1, Pattern: 0xA5A5A5A5}, 0x013, 0xA5A5A5A5},
		{"sixteen passes are 0", nvme.Sanitize{Action: nvme.Overwrite, Passes: 16, Invert: true}, 0x103, 0},
		{"exit failure mode", nvme.Sanitize{Action: nvme.ExitFailureMode}, 1, 0},
		{"exit media verification", nvme.Sanitize{Action: nvme.ExitMediaVerification}, 5, 0},
	} {
		got, err := c.s.Command()
		if err != nil || got.Opcode != 0x84 || got.NSID != 0 || got.CDW10 != c.cdw10 || got.CDW11 != c.cdw11 || got.Data != nil {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
	}
	for _, s := range []nvme.Sanitize{
		{}, {Action: 6}, {Action: nvme.Overwrite}, {Action: nvme.Overwrite, Passes: 17}, {Action: nvme.BlockErase, Passes: 1},
		{Action: nvme.BlockErase, EMVS: true, NDAS: true}, {Action: nvme.Overwrite, Passes: 1, EMVS: true},
		{Action: nvme.ExitFailureMode, NDAS: true}, {Action: nvme.CryptoErase, Pattern: 1},
	} {
		if c, err := s.Command(); err == nil {
			t.Errorf("%+v became %+v", s, c)
		}
	}
}

func TestFormatKeepsFormatAndProtection(t *testing.T) {
	n, err := nvme.ParseNamespace(namespacePage())
	if err != nil {
		t.Fatal(err)
	}
	// Format 1, metadata extended (bit 4), protection type 1 (bits 7:5) at
	// the beginning (bit 8), SES in bits 11:9.
	if c := nvme.Format(3, n, nvme.UserDataErase); c.Opcode != 0x80 || c.NSID != 3 || c.CDW10 != 0x331 {
		t.Errorf("user data erase: %+v", c)
	}
	if c := nvme.Format(3, n, nvme.CryptoKeyErase); c.CDW10 != 0x531 {
		t.Errorf("crypto erase: CDW10 %08X", c.CDW10)
	}
	// With more than 16 formats FLBAS bits 6:5 are the upper bits of the
	// index and go to CDW10 bits 13:12.
	b := namespacePage()
	b[25], b[26], b[29] = 35, 0x42, 0
	copy(b[128+4*34:], []byte{0, 0, 12, 0})
	if n, err = nvme.ParseNamespace(b); err != nil {
		t.Fatal(err)
	}
	if c := nvme.Format(1, n, nvme.UserDataErase); n.FormatIndex() != 34 || c.CDW10 != 0x2202 {
		t.Errorf("format %d, CDW10 %08X", n.FormatIndex(), c.CDW10)
	}
}

func TestOtherCommands(t *testing.T) {
	for _, c := range []struct {
		name string
		got  nvme.Command
		want nvme.Command
		data int
	}{
		{"identify controller", nvme.IdentifyController(), nvme.Command{Opcode: 6, CDW10: 1}, 4096},
		{"identify namespace", nvme.IdentifyNamespace(7), nvme.Command{Opcode: 6, NSID: 7}, 4096},
		{"identify allocated namespace", nvme.IdentifyAllocated(7), nvme.Command{Opcode: 6, NSID: 7, CDW10: 0x11}, 4096},
		{"active list", nvme.ActiveList(0), nvme.Command{Opcode: 6, CDW10: 2}, 4096},
		{"allocated list", nvme.AllocatedList(1024), nvme.Command{Opcode: 6, NSID: 1024, CDW10: 0x10}, 4096},
		{"descriptors", nvme.IdentifyDescriptors(1), nvme.Command{Opcode: 6, NSID: 1, CDW10: 3}, 4096},
		{"sanitize log", nvme.ReadSanitizeLog(), nvme.Command{Opcode: 2, NSID: 0xFFFFFFFF, CDW10: 0x007F0081}, 512},
		{"SMART log", nvme.ReadSMART(), nvme.Command{Opcode: 2, NSID: 0xFFFFFFFF, CDW10: 0x007F0002}, 512},
		{"error recovery", nvme.GetFeature(nvme.ErrorRecovery, 1), nvme.Command{Opcode: 0x0A, NSID: 1, CDW10: 5}, 0},
		{"no deallocation errors", nvme.SetFeature(nvme.ErrorRecovery, 1, 0x0000FFFF), nvme.Command{Opcode: 9, NSID: 1, CDW10: 5, CDW11: 0xFFFF}, 0},
		{"security receive", nvme.SecurityReceive(1, 0x07FE, make([]byte, 512)), nvme.Command{Opcode: 0x82, CDW10: 0x0107FE00, CDW11: 512}, 512},
		{"security send", nvme.SecuritySend(1, 0x1001, make([]byte, 1024)), nvme.Command{Opcode: 0x81, CDW10: 0x01100100, CDW11: 1024}, 1024},
	} {
		data := len(c.got.Data)
		c.got.Data = nil
		if data != c.data || c.got.Opcode != c.want.Opcode || c.got.NSID != c.want.NSID || c.got.CDW10 != c.want.CDW10 || c.got.CDW11 != c.want.CDW11 {
			t.Errorf("%s: %+v with %d bytes", c.name, c.got, data)
		}
	}
}

func TestSMART(t *testing.T) {
	b := make([]byte, 512)
	b[0], b[3], b[4], b[5] = 4, 100, 10, 3
	b[1], b[2] = 0x37, 0x01
	b[48], b[112], b[128], b[160] = 5, 6, 7, 8
	s, err := nvme.ParseSMART(b)
	want := nvme.SMART{CriticalWarning: 4, TemperatureKelvin: 311, AvailableSpare: 100, AvailableSpareLimit: 10, PercentageUsed: 3, DataUnitsWritten: 5, PowerCycles: 6, PowerOnHours: 7, MediaErrors: 8}
	if err != nil || s != want {
		t.Errorf("%+v %v", s, err)
	}
	b[48+8] = 1
	if s, _ := nvme.ParseSMART(b); s.DataUnitsWritten != nvme.TooWide {
		t.Errorf("2^64 units read as %d", s.DataUnitsWritten)
	}
}

type answers struct{ status uint16 }

func (a answers) Admin(context.Context, nvme.Command) (nvme.Completion, error) {
	return nvme.Completion{Status: a.status}, nil
}

func TestRefusalsAreNeverDropped(t *testing.T) {
	for _, c := range []struct {
		status  uint16
		text    string
		passing bool
	}{
		{0x401D, "status 0h/1Dh sanitize in progress", false}, // DNR set
		{0x001C, "status 0h/1Ch sanitize failed", false},
		{0x2001, "status 0h/01h invalid command opcode", false}, // M set
		{0x0020, "status 0h/20h namespace is write protected", false},
		{0x0123, "status 1h/23h sanitize prohibited while persistent memory region is enabled", false},
		{0x07FE, "status 7h/FEh", false},
		{0x0024, "status 0h/24h admin command media not ready", true},
		{0x0370, "status 3h/70h host pathing error", true},
	} {
		_, err := nvme.Do(context.Background(), answers{c.status}, nvme.IdentifyController())
		var refusal *nvme.StatusError
		if !errors.As(err, &refusal) || refusal.Error() != c.text || refusal.Passing() != c.passing || refusal.Code() != c.status&0x7FF {
			t.Errorf("%04X: %v", c.status, err)
		}
	}
	if err := (nvme.Security{To: answers{2}}).IFRecv(context.Background(), 1, 1, make([]byte, 512)); err == nil || !strings.Contains(err.Error(), "protocol 01h: status 0h/02h") {
		t.Errorf("%v", err)
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add(controllerPage())
	f.Add(namespacePage())
	f.Add([]byte{1, 8, 0, 0, 0, 0x25, 0x38, 1, 2, 3, 4, 5, 4, 1, 0, 0, 2})
	f.Add(make([]byte, 512))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		page := append(bytes.Clone(b), make([]byte, max(0, 4096-len(b)))...)
		for _, b := range [][]byte{b, page} {
			if c, err := nvme.ParseController(b); err == nil && c.RPMBBytes() < 0 {
				t.Error("RPMB below zero")
			}
			if n, err := nvme.ParseNamespace(b); err == nil && (n.SizeBytes() <= 0 || n.BlockBytes() < 512 || nvme.Format(1, n, nvme.UserDataErase).CDW10>>9&7 != 1) {
				t.Errorf("%+v", n)
			}
			if ids, err := nvme.ParseNSIDs(b, 0); err == nil && len(ids) > nvme.NSIDsPerPage {
				t.Error("more than a page")
			}
			_, _ = nvme.ParseDescriptors(b)
			if l, err := nvme.ParseSanitizeLog(b); err == nil && l.String() == "" {
				t.Error("no text")
			}
			_, _ = nvme.ParseSMART(b)
		}
	})
}

func FuzzStatus(f *testing.F) {
	f.Add(uint16(0x1D))
	f.Fuzz(func(t *testing.T, status uint16) {
		_, err := nvme.Do(context.Background(), answers{status}, nvme.Command{})
		if (err == nil) != (status == 0) {
			t.Errorf("%04X: %v", status, err)
		}
	})
}
