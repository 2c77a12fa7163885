package drivesim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

// admin gives one command and returns the status field without DNR.
func admin(t testing.TB, d *Drive, c nvme.Command) uint16 {
	t.Helper()
	a, err := d.Wires().NVMe.Admin(context.Background(), c)
	if err != nil {
		t.Fatalf("command %02Xh was not answered: %v", c.Opcode, err)
	}
	return a.Status &^ 0x4000
}

func sanitize(t testing.TB, d *Drive, cdw10 uint32) uint16 {
	t.Helper()
	return admin(t, d, nvme.Command{Opcode: 0x84, CDW10: cdw10})
}

// sanitizeStatus reads the sanitize status log.
func sanitizeStatus(t testing.TB, d *Drive) (sprog, sstat uint16, scdw10 uint32, ssi byte) {
	t.Helper()
	b := make([]byte, 512)
	if s := admin(t, d, nvme.Command{Opcode: 2, NSID: 0xFFFFFFFF, CDW10: 0x81 | 127<<16, Data: b}); s != 0 {
		t.Fatalf("sanitize status log: status %03Xh", s)
	}
	return binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint32(b[4:]), b[36]
}

func wait(t testing.TB, d *Drive, by time.Duration) {
	t.Helper()
	if err := d.Wait(context.Background(), by); err != nil {
		t.Fatal(err)
	}
}

func format(nsid, cdw10 uint32) nvme.Command {
	return nvme.Command{Opcode: 0x80, NSID: nsid, CDW10: cdw10, Timeout: time.Hour}
}

// The codes are written out here, so that a wrong constant shows.
const (
	actExitFailure, actBlock, actOverwrite, actCrypto, actExitMedia = 1, 2, 3, 4, 5

	bitAUSE, bitNDAS, bitEMVS, bitPREQ = 1 << 3, 1 << 9, 1 << 10, 1 << 11
)

func TestHonestEraseLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		name        string
		cmd         nvme.Command
		addressable bool // all of it is gone there
		everywhere  bool
	}{
		{"sanitize, block erase", nvme.Command{Opcode: 0x84, CDW10: actBlock}, true, true},
		{"sanitize, crypto erase", nvme.Command{Opcode: 0x84, CDW10: actCrypto}, true, true},
		{"sanitize, overwrite once", nvme.Command{Opcode: 0x84, CDW10: actOverwrite | 1<<4, CDW11: 0xA5A5A5A5}, true, true},
		{"sanitize, overwrite, blocks stay allocated", nvme.Command{Opcode: 0x84, CDW10: actOverwrite | 2<<4 | bitNDAS | 1<<8}, true, true},
		{"format, user data erase", format(1, 1<<9), true, true},
		{"format, crypto erase", format(1, 2<<9), true, true},
		{"format without erase", format(1, 0), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrive(t, simple(encrypts), Options{})
			before := d.Truth().OriginalBytes(Everything)
			if s := admin(t, d, c.cmd); s != 0 {
				t.Fatalf("status %03Xh", s)
			}
			wait(t, d, 2*time.Hour)
			if c.cmd.Opcode == 0x84 {
				if sprog, sstat, scdw10, _ := sanitizeStatus(t, d); sprog != 0xFFFF || sstat&7 != 1 || sstat&0x100 == 0 || scdw10 != c.cmd.CDW10 {
					t.Errorf("SPROG %04Xh SSTAT %04Xh SCDW10 %08Xh", sprog, sstat, scdw10)
				}
			}
			truth := d.Truth()
			if got := truth.OriginalBytes(Addressable); (got == 0) != c.addressable {
				t.Errorf("%d bytes can still be addressed", got)
			}
			if got := truth.OriginalBytes(Everything); (got == 0) != c.everywhere || !c.everywhere && got != before {
				t.Errorf("%d of %d bytes are still somewhere", got, before)
			}
			if dig(d) != truth.OriginalBytes(Everything) {
				t.Errorf("a laboratory finds %d bytes, the books say %d", dig(d), truth.OriginalBytes(Everything))
			}
			if data, failed := readAll(t, d); seenOriginal(data) != 0 || failed != 0 {
				t.Errorf("a host reads %d bytes of old data; %d pages failed", seenOriginal(data), failed)
			}
		})
	}
}

func TestSanitizeShowsItsProgressAndOutlivesThePower(t *testing.T) {
	d := newDrive(t, simple(nil), Options{})
	if s := sanitize(t, d, actBlock); s != 0 {
		t.Fatalf("status %03Xh", s)
	}
	if sprog, sstat, _, _ := sanitizeStatus(t, d); sprog != 0 || sstat&7 != 2 {
		t.Errorf("at once: SPROG %04Xh SSTAT %04Xh", sprog, sstat)
	}
	wait(t, d, 25*time.Second)
	if sprog, sstat, _, _ := sanitizeStatus(t, d); sprog != 0x4000 || sstat&7 != 2 {
		t.Errorf("after a quarter: SPROG %04Xh SSTAT %04Xh", sprog, sstat)
	}
	if _, err := d.Blocks().ReadAt(make([]byte, 4096), 0); err == nil {
		t.Error("blocks can be read during a sanitize")
	}
	if s := sanitize(t, d, actBlock); s != 0x1D {
		t.Errorf("a second sanitize: status %03Xh, want 01Dh", s)
	}
	d.PowerCycle()
	if sprog, sstat, _, _ := sanitizeStatus(t, d); sprog < 0x4000 || sstat&7 != 2 {
		t.Errorf("after a power cycle: SPROG %04Xh SSTAT %04Xh", sprog, sstat)
	}
	if d.Truth().OriginalBytes(Everything) == 0 {
		t.Error("everything is gone after a quarter of the time")
	}
	wait(t, d, 75*time.Second)
	if _, sstat, _, _ := sanitizeStatus(t, d); sstat&7 != 1 || d.Truth().OriginalBytes(Everything) != 0 {
		t.Errorf("in the end: SSTAT %04Xh, %d bytes left", sstat, d.Truth().OriginalBytes(Everything))
	}
	if _, err := d.Blocks().WriteAt(make([]byte, 4096), 0); err != nil {
		t.Error(err)
	}
	if _, sstat, _, _ := sanitizeStatus(t, d); sstat != 1 {
		t.Errorf("after a write: SSTAT %04Xh, want Global Data Erased cleared", sstat)
	}
}

func TestPowerLossAtFortyPercent(t *testing.T) {
	p := simple(func(p *Profile) { p.Faults = []Fault{{Kind: FaultPowerLoss, EraseAtPPM: 400_000, Seconds: 60}} })
	d := newDrive(t, p, Options{})
	before := d.Wires()
	sanitize(t, d, actBlock)
	wait(t, d, 50*time.Second)
	if _, err := before.NVMe.Admin(context.Background(), nvme.Command{Opcode: 6, CDW10: 1, Data: make([]byte, 4096)}); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("a drive without power answers: %v", err)
	}
	if err := d.Refind(context.Background()); !errors.Is(err, erase.ErrGone) {
		t.Errorf("a drive without power is found: %v", err)
	}
	wait(t, d, time.Minute)
	if _, err := before.NVMe.Admin(context.Background(), nvme.Command{Opcode: 6, CDW10: 1, Data: make([]byte, 4096)}); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("the old wire works after the power was gone: %v", err)
	}
	if err := d.Refind(context.Background()); err != nil {
		t.Fatal(err)
	}
	// 50 + 60 seconds have passed, of which 60 without power.
	if sprog, sstat, _, _ := sanitizeStatus(t, d); sprog != 0x8000 || sstat&7 != 2 {
		t.Errorf("SPROG %04Xh SSTAT %04Xh, want half way", sprog, sstat)
	}
	wait(t, d, 50*time.Second)
	if _, sstat, _, _ := sanitizeStatus(t, d); sstat&7 != 1 || d.Truth().OriginalBytes(Everything) != 0 {
		t.Errorf("SSTAT %04Xh", sstat)
	}
}

func TestFormatDoesNotOutliveThePower(t *testing.T) {
	d := newDrive(t, simple(nil), Options{Faults: []Fault{{Kind: FaultPowerLoss, EraseAtPPM: 500_000}}})
	_, err := d.Wires().NVMe.Admin(context.Background(), format(1, 1<<9))
	if err == nil {
		t.Fatal("an answer without power")
	}
	wait(t, d, time.Hour)
	if err := d.Refind(context.Background()); err != nil {
		t.Fatal(err)
	}
	if d.Truth().OriginalBytes(Addressable) == 0 {
		t.Error("a format that was cut short erased everything")
	}
	if s := admin(t, d, format(1, 1<<9)); s != 0 || d.Truth().OriginalBytes(Everything) != 0 {
		t.Errorf("the second attempt: status %03Xh", s)
	}
}

func TestResetLosesTheAnswerOnly(t *testing.T) {
	d := newDrive(t, simple(nil), Options{Faults: []Fault{{Kind: FaultReset, EraseAtPPM: 500_000}}})
	w := d.Wires().NVMe
	sanitize(t, d, actBlock)
	wait(t, d, 55*time.Second)
	if _, err := w.Admin(context.Background(), nvme.Command{Opcode: 6, CDW10: 1}); !errors.Is(err, syscall.EIO) {
		t.Errorf("during the reset: %v", err)
	}
	wait(t, d, 45*time.Second)
	if _, err := w.Admin(context.Background(), nvme.Command{Opcode: 6, CDW10: 1}); err != nil {
		t.Errorf("after the reset: %v", err)
	}
	if _, sstat, _, _ := sanitizeStatus(t, d); sstat&7 != 1 {
		t.Errorf("SSTAT %04Xh", sstat)
	}
}

func TestSlowCommandRunsOutOfTimeAndGoesOn(t *testing.T) {
	d := newDrive(t, simple(nil), Options{})
	c := format(1, 1<<9)
	c.Timeout = 3 * time.Second
	if _, err := d.Wires().NVMe.Admin(context.Background(), c); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("a format of ten seconds with a limit of three: %v", err)
	}
	if s := admin(t, d, format(1, 1<<9)); s != 0x84 {
		t.Errorf("a second format: status %03Xh, want 084h", s)
	}
	wait(t, d, 10*time.Second)
	if d.Truth().OriginalBytes(Everything) != 0 {
		t.Error("the format stopped with the wait for it")
	}
}

// Illegal commands are refused, and change nothing.
func TestIllegalCommandsAreRefused(t *testing.T) {
	modern := func(p *Profile) { p.NVMe = &NVMeProfile{Version: "2.1", VERS: true, Namespaces: true, FNA: 8} }
	inhibits := func(p *Profile) { p.NVMe = &NVMeProfile{Version: "1.4", NDI: true} }
	bare := func(p *Profile) { p.Erasers = nil }
	data := make([]byte, 4096)
	for _, c := range []struct {
		name   string
		change func(*Profile)
		cmd    nvme.Command
		want   uint16
	}{
		{"sanitize action 0", nil, nvme.Command{Opcode: 0x84}, 0x02},
		{"sanitize action 6", nil, nvme.Command{Opcode: 0x84, CDW10: 6}, 0x02},
		{"crypto erase on a drive that does not encrypt", nil, nvme.Command{Opcode: 0x84, CDW10: actCrypto}, 0x02},
		{"a namespace where none belongs", nil, nvme.Command{Opcode: 0x84, NSID: 1, CDW10: actBlock}, 0x02},
		{"reserved bits", nil, nvme.Command{Opcode: 0x84, CDW10: actBlock | 1<<16}, 0x02},
		{"purge or fail, unknown to it", nil, nvme.Command{Opcode: 0x84, CDW10: actBlock | bitPREQ}, 0x02},
		{"media verification, unknown to it", nil, nvme.Command{Opcode: 0x84, CDW10: actBlock | bitEMVS}, 0x02},
		{"media verification after an overwrite", modern, nvme.Command{Opcode: 0x84, CDW10: actOverwrite | bitEMVS}, 0x02},
		{"media verification without deallocation", modern, nvme.Command{Opcode: 0x84, CDW10: actBlock | bitEMVS | bitNDAS}, 0x02},
		{"leaving a state it is not in", modern, nvme.Command{Opcode: 0x84, CDW10: actExitMedia}, 0x02},
		{"no deallocation, inhibited", inhibits, nvme.Command{Opcode: 0x84, CDW10: actBlock | bitNDAS}, 0x02},
		{"sanitize it has not", bare, nvme.Command{Opcode: 0x84, CDW10: actBlock}, 0x01},
		{"format it has not", bare, format(1, 1<<9), 0x01},
		{"status of a sanitize it has not", bare, nvme.Command{Opcode: 2, CDW10: 0x81 | 127<<16, Data: data}, 0x109},
		{"reserved SES", nil, format(1, 5<<9), 0x02},
		{"crypto format on a drive that does not encrypt", nil, format(1, 2<<9), 0x02},
		{"LBA format it has not", nil, format(1, 1<<9|7), 0x10A},
		{"protection information it has not", nil, format(1, 1<<9|1<<5), 0x10A},
		{"format of no namespace", nil, format(0, 1<<9), 0x0B},
		{"format of another namespace", nil, format(2, 1<<9), 0x0B},
		{"format of all where that is not taken", modern, format(0xFFFFFFFF, 1<<9), 0x02},
		{"identify of nothing", nil, nvme.Command{Opcode: 6, CDW10: 0xEE, Data: data}, 0x02},
		{"identify of another namespace", nil, nvme.Command{Opcode: 6, NSID: 9, Data: data}, 0x0B},
		{"a log it has not", nil, nvme.Command{Opcode: 2, CDW10: 0xC0 | 127<<16, Data: data}, 0x109},
		{"a log beyond its end", nil, nvme.Command{Opcode: 2, CDW10: 0x81 | 127<<16, CDW12: 4096, Data: data}, 0x02},
		{"security without TCG", nil, nvme.Command{Opcode: 0x82, CDW10: 1 << 24, CDW11: 512, Data: data}, 0x01},
		{"DULBE where it is not known", nil, nvme.Command{Opcode: 9, NSID: 1, CDW10: 5, CDW11: 1 << 16}, 0x02},
		{"a reserved bit of the sanitize configuration", nil, nvme.Command{Opcode: 9, CDW10: 0x17, CDW11: 2}, 0x02},
		{"namespace management it has not", nil, nvme.Command{Opcode: 0x0D, NSID: 1, CDW10: 1}, 0x01},
		{"an unknown opcode", nil, nvme.Command{Opcode: 0xC1}, 0x01},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrive(t, simple(c.change), Options{})
			before := d.Truth().OriginalBytes(Everything)
			if got := admin(t, d, c.cmd); got != c.want {
				t.Errorf("status %03Xh, want %03Xh", got, c.want)
			}
			wait(t, d, 24*time.Hour)
			if d.Truth().OriginalBytes(Everything) != before {
				t.Error("a refused command erased something")
			}
		})
	}
}

func TestFailedSanitizeBlocksUntilItIsLeft(t *testing.T) {
	for _, restricted := range []bool{true, false} {
		p := simple(func(p *Profile) {
			p.Defects = []Defect{{Sector: 100, Unwritable: true}}
			encrypts(p)
		})
		d := newDrive(t, p, Options{})
		ause := uint32(bitAUSE)
		if restricted {
			ause = 0
		}
		sanitize(t, d, actBlock|ause)
		wait(t, d, time.Hour)
		if _, sstat, _, _ := sanitizeStatus(t, d); sstat&7 != 3 || sstat&0x100 != 0 {
			t.Errorf("SSTAT %04Xh, want failed", sstat)
		}
		if s := admin(t, d, format(1, 1<<9)); s != 0x1C {
			t.Errorf("a format: status %03Xh, want 01Ch", s)
		}
		if _, err := d.Blocks().ReadAt(make([]byte, 4096), 0); err == nil {
			t.Error("blocks can be read")
		}
		want := uint16(0)
		if restricted {
			want = 0x1C
		}
		if s := sanitize(t, d, actExitFailure); s != want {
			t.Errorf("exit failure mode: status %03Xh, want %03Xh", s, want)
		}
		if s := sanitize(t, d, actCrypto|bitAUSE); s != want {
			t.Errorf("crypto erase, unrestricted: status %03Xh, want %03Xh", s, want)
		}
		if restricted {
			if s := sanitize(t, d, actCrypto); s != 0 {
				t.Errorf("crypto erase, restricted: status %03Xh", s)
			}
		}
		wait(t, d, time.Hour)
		if _, sstat, _, _ := sanitizeStatus(t, d); sstat&7 != 1 || d.Truth().OriginalBytes(Everything) != 0 {
			t.Errorf("in the end SSTAT %04Xh, %d bytes left", sstat, d.Truth().OriginalBytes(Everything))
		}
	}
}

func TestMediaVerification(t *testing.T) {
	open := func(t *testing.T) *Drive {
		d := newDrive(t, simple(func(p *Profile) {
			p.NVMe = &NVMeProfile{Version: "2.1", VERS: true, SPRRS: true}
			p.ErasedReads = "ff"
		}), Options{})
		if s := sanitize(t, d, actBlock|bitEMVS|bitPREQ); s != 0 {
			t.Fatalf("status %03Xh", s)
		}
		wait(t, d, 100*time.Second)
		if sprog, sstat, _, ssi := sanitizeStatus(t, d); sprog != 0xFFFF || sstat&7 != 2 || sstat&0x900 != 0x900 || ssi != 5 {
			t.Errorf("SPROG %04Xh SSTAT %04Xh SSI %02Xh", sprog, sstat, ssi)
		}
		return d
	}
	t.Run("read, then left", func(t *testing.T) {
		d := open(t)
		data, failed := readAll(t, d)
		if failed != 0 || !bytes.Equal(data, bytes.Repeat([]byte{0xFF}, len(data))) {
			t.Error("the media do not show what an erase left")
		}
		if _, err := d.Blocks().WriteAt(data[:4096], 0); err == nil {
			t.Error("the media can be written")
		}
		if s := admin(t, d, format(1, 1<<9)); s != 0x1D {
			t.Errorf("a format: status %03Xh, want 01Dh", s)
		}
		if s := sanitize(t, d, actBlock); s != 0x02 {
			t.Errorf("another sanitize: status %03Xh, want 002h", s)
		}
		if s := sanitize(t, d, actExitMedia); s != 0 {
			t.Errorf("leaving: status %03Xh", s)
		}
		if _, sstat, _, ssi := sanitizeStatus(t, d); sstat&7 != 2 || ssi != 6 {
			t.Errorf("deallocating: SSTAT %04Xh SSI %02Xh", sstat, ssi)
		}
		wait(t, d, 3*time.Second)
		if _, sstat, _, ssi := sanitizeStatus(t, d); sstat&7 != 1 || ssi != 0 {
			t.Errorf("done: SSTAT %04Xh SSI %02Xh", sstat, ssi)
		}
		if data, _ := readAll(t, d); !bytes.Equal(data, make([]byte, len(data))) {
			t.Error("the blocks are not deallocated")
		}
	})
	t.Run("the power is cut", func(t *testing.T) {
		d := open(t)
		d.PowerCycle()
		if _, sstat, _, ssi := sanitizeStatus(t, d); sstat&7 != 1 || ssi != 0 {
			t.Errorf("SSTAT %04Xh SSI %02Xh", sstat, ssi)
		}
	})
}

func TestUnwantedDeallocationIsReported(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { p.NVMe = &NVMeProfile{Version: "1.4", NDI: true} }), Options{})
	if s := admin(t, d, nvme.Command{Opcode: 9, CDW10: 0x17, CDW11: 1}); s != 0 {
		t.Fatalf("set features: status %03Xh", s)
	}
	if s := sanitize(t, d, actBlock|bitNDAS); s != 0 {
		t.Fatalf("status %03Xh", s)
	}
	wait(t, d, 100*time.Second)
	if _, sstat, _, _ := sanitizeStatus(t, d); sstat&7 != 4 {
		t.Errorf("SSTAT %04Xh, want 4: deallocated although not to", sstat)
	}
}

func TestFormatReachesTheNamespacesItIsSaidTo(t *testing.T) {
	for _, c := range []struct {
		name string
		fna  byte
		nsid uint32
		ses  uint32
		left []bool // original data is left in namespace 1, 2, 3 (detached)
	}{
		{"one alone", 0, 2, 1, []bool{true, false, true}},
		{"all that are attached", 0, 0xFFFFFFFF, 1, []bool{false, false, true}},
		{"erasing is of all", 2, 1, 1, []bool{false, false, false}},
		{"formatting is of all, erasing of one", 1, 1, 1, []bool{false, true, true}},
		{"formatting is of all", 1, 1, 0, []bool{false, false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrive(t, simple(func(p *Profile) {
				p.Units = []UnitProfile{{KiB: 64}, {KiB: 64}, {KiB: 64, Detached: true}}
				p.NVMe = &NVMeProfile{Version: "1.4", FNA: c.fna, Namespaces: true}
			}), Options{})
			if s := admin(t, d, format(c.nsid, c.ses<<9)); s != 0 {
				t.Fatalf("status %03Xh", s)
			}
			for i, a := range d.Truth().Areas {
				if got := a.OriginalBytes != 0; got != c.left[i] {
					t.Errorf("%s: %d bytes left", a.Name, a.OriginalBytes)
				}
			}
		})
	}
}

func TestNamespacesAreListedDeletedAndMadeAnew(t *testing.T) {
	p := simple(func(p *Profile) {
		p.Units = []UnitProfile{{KiB: 64}, {KiB: 64, Detached: true}}
		p.NVMe = &NVMeProfile{Version: "2.0", Namespaces: true}
	})
	drives, err := New(p, Options{})
	if err != nil || len(drives) != 1 {
		t.Fatalf("%d drives, %v", len(drives), err)
	}
	d := drives[0]
	list := func(cns uint32) []uint32 {
		b := make([]byte, 4096)
		if s := admin(t, d, nvme.Command{Opcode: 6, CDW10: cns, Data: b}); s != 0 {
			t.Fatalf("identify %02Xh: status %03Xh", cns, s)
		}
		var ids []uint32
		for i := 0; binary.LittleEndian.Uint32(b[i:]) != 0; i += 4 {
			ids = append(ids, binary.LittleEndian.Uint32(b[i:]))
		}
		return ids
	}
	if a, all := list(2), list(0x10); len(a) != 1 || len(all) != 2 {
		t.Errorf("active %v, allocated %v", a, all)
	}
	controllers := make([]byte, 4096)
	controllers[0], controllers[2] = 1, 1
	if s := admin(t, d, nvme.Command{Opcode: 0x15, NSID: 2, CDW10: 0, Data: controllers}); s != 0 {
		t.Errorf("attach: status %03Xh", s)
	}
	if a := list(2); len(a) != 2 {
		t.Errorf("active %v after attaching", a)
	}
	before := d.Truth().OriginalBytes(Everything)
	if s := admin(t, d, nvme.Command{Opcode: 0x0D, NSID: 0xFFFFFFFF, CDW10: 1}); s != 0 {
		t.Errorf("delete: status %03Xh", s)
	}
	if truth := d.Truth(); truth.OriginalBytes(Addressable) != 0 || truth.OriginalBytes(Everything) != before {
		t.Errorf("deleting a namespace is no erase: %+v", truth)
	}
	made := make([]byte, 4096)
	binary.LittleEndian.PutUint64(made, 256) // blocks of 512 bytes: all there is
	binary.LittleEndian.PutUint64(made[8:], 256)
	if s := admin(t, d, nvme.Command{Opcode: 0x0D, CDW10: 0, Data: made}); s != 0 {
		t.Errorf("create: status %03Xh", s)
	}
	if s := admin(t, d, nvme.Command{Opcode: 0x0D, CDW10: 0, Data: made}); s != 0x115 {
		t.Errorf("create again: status %03Xh, want 115h", s)
	}
	if s := admin(t, d, nvme.Command{Opcode: 0x84, CDW10: actBlock}); s != 0 {
		t.Errorf("sanitize: status %03Xh", s)
	}
	wait(t, d, time.Hour)
	if got := d.Truth().OriginalBytes(Everything); got != 0 {
		t.Errorf("%d bytes left after a sanitize", got)
	}
}

func TestIdentifySaysWhatTheDriveIs(t *testing.T) {
	p, err := FindProfile("nvme-verifies")
	if err != nil {
		t.Fatal(err)
	}
	d := newDrive(t, p, Options{Serial: "SIM4711"})
	b := make([]byte, 4096)
	if s := admin(t, d, nvme.Command{Opcode: 6, CDW10: 1, Data: b}); s != 0 {
		t.Fatalf("status %03Xh", s)
	}
	if sn, mn := strings.TrimRight(string(b[4:24]), " "), strings.TrimRight(string(b[24:64]), " "); sn != "SIM4711" || mn != p.Model {
		t.Errorf("serial %q, model %q", sn, mn)
	}
	if sanicap := binary.LittleEndian.Uint32(b[328:]); sanicap != 2<<30|1<<5|1<<3|7 {
		t.Errorf("SANICAP %08Xh", sanicap)
	}
	if b[256]&2 == 0 || b[524] != 4 {
		t.Errorf("OACS %02Xh, FNA %02Xh", b[256], b[524])
	}
	f := d.Facts()
	if f.Serial != "SIM4711" || f.CapacityBytes != 4<<20 || f.Bus != inventory.BusNVMe || f.DeviceNumber == "" || f.Uses == nil {
		t.Errorf("facts: %+v", f)
	}
	clear(b)
	if s := admin(t, d, nvme.Command{Opcode: 6, NSID: 1, Data: b}); s != 0 || binary.LittleEndian.Uint64(b) != 8192 || b[130] != 9 {
		t.Errorf("namespace: status %03Xh, %d blocks", s, binary.LittleEndian.Uint64(b))
	}
}

func TestWriteProtectionStandsInTheWay(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { p.NVMe.WriteProtected = true }), Options{})
	if _, err := d.Blocks().WriteAt(make([]byte, 4096), 0); !errors.Is(err, erase.ErrReadOnly) {
		t.Errorf("a write: %v", err)
	}
	for _, c := range []nvme.Command{{Opcode: 0x84, CDW10: actBlock}, format(1, 1<<9)} {
		if s := admin(t, d, c); s != 0x20 {
			t.Errorf("command %02Xh: status %03Xh, want 020h", c.Opcode, s)
		}
	}
	if s := admin(t, d, nvme.Command{Opcode: 9, NSID: 1, CDW10: 0x84, CDW11: 0}); s != 0 {
		t.Errorf("lifting it: status %03Xh", s)
	}
	if s := sanitize(t, d, actBlock); s != 0 {
		t.Errorf("afterwards: status %03Xh", s)
	}
}

func TestFaultAfterSomeCommands(t *testing.T) {
	d := newDrive(t, simple(nil), Options{Faults: []Fault{{Kind: FaultReset, AfterCommands: 3, Seconds: 5}}})
	w, lost := d.Wires().NVMe, 0
	for range 10 {
		if _, err := w.Admin(context.Background(), nvme.Command{Opcode: 6, CDW10: 1}); err != nil {
			lost++
		}
		wait(t, d, time.Second)
	}
	if lost != 5 {
		t.Errorf("%d of ten commands were lost, want 5", lost)
	}
}

func TestFormatThatNeverEnds(t *testing.T) {
	d := newDrive(t, simple(lying(LieEndlessFormat, LieNeverEnds)), Options{})
	c := format(1, 1<<9)
	c.Timeout = 24 * time.Hour
	if _, err := d.Wires().NVMe.Admin(context.Background(), c); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("%v, want a time-out", err)
	}
	if s := admin(t, d, format(1, 1<<9)); s != 0x84 {
		t.Errorf("a day later: status %03Xh, want format in progress", s)
	}
}

func TestBlocksOfAnotherSizeAfterFormat(t *testing.T) {
	d := newDrive(t, simple(nil), Options{})
	if s := admin(t, d, format(1, 1<<9|1)); s != 0 {
		t.Fatalf("status %03Xh", s)
	}
	if err := d.Rescan(context.Background()); err != nil {
		t.Fatal(err)
	}
	if f := d.Facts(); f.LogicalBlockBytes != 4096 || f.CapacityBytes != 256<<10 {
		t.Errorf("%+v", f)
	}
	if _, err := d.Blocks().WriteAt(make([]byte, 512), 512); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("half a block: %v", err)
	}
}
