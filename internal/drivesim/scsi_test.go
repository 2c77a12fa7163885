package drivesim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

func TestADiskSaysWhoItIs(t *testing.T) {
	for name, want := range map[string]struct {
		vendor string
		pages  []byte
	}{
		"ata-ssd":        {"ATA     ", []byte{0x00, 0x80, 0x83, 0x89, 0xB0, 0xB1, 0xB2}},
		"sas-hdd":        {"SIM     ", []byte{0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2}},
		"usb-hdd-no-sat": {"SIM     ", []byte{0x00, 0x80, 0x83}},
	} {
		b := newBench(t, name)
		in := make([]byte, 96)
		b.must([]byte{0x12, 0, 0, 0, 96, 0}, nil, in)
		if string(in[8:16]) != want.vendor {
			t.Errorf("%s: vendor %q", name, in[8:16])
		}
		pages := make([]byte, 64)
		b.must([]byte{0x12, 1, 0, 0, 64, 0}, nil, pages)
		if got := pages[4 : 4+pages[3]]; !bytes.Equal(got, want.pages) {
			t.Errorf("%s: VPD pages % X, want % X", name, got, want.pages)
		}
		for _, page := range want.pages {
			in := make([]byte, 1024)
			b.must([]byte{0x12, 1, page, 4, 0, 0}, nil, in)
			if in[1] != page {
				t.Errorf("%s: VPD %02Xh answers %02Xh", name, page, in[1])
			}
		}
		serial := make([]byte, 64)
		b.must([]byte{0x12, 1, 0x80, 0, 64, 0}, nil, serial)
		if got := string(serial[4 : 4+serial[3]]); got != b.d.Facts().Serial {
			t.Errorf("%s: unit serial number %q, and the host knows %q", name, got, b.d.Facts().Serial)
		}
	}
	b := newBench(t, "ata-ssd")
	page := make([]byte, 572)
	b.must([]byte{0x12, 1, 0x89, 2, 60, 0}, nil, page)
	identify := make([]byte, 512)
	b.ok(ataCommand{op: ataIdentify}, identify)
	if !bytes.Equal(page[60:], identify) {
		t.Error("VPD 89h and IDENTIFY DEVICE differ")
	}
}

func TestADiskReadsWhatWasWritten(t *testing.T) {
	for _, name := range []string{"ata-ssd", "ata-hdd-4k", "sas-hdd", "sas-hdd-520", "usb-stick"} {
		b := newBench(t, name)
		c16 := make([]byte, 32)
		b.must([]byte{0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0}, nil, c16)
		last, block := binary.BigEndian.Uint64(c16), int(binary.BigEndian.Uint32(c16[8:]))
		c10 := make([]byte, 8)
		b.must([]byte{0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}, nil, c10)
		if uint64(binary.BigEndian.Uint32(c10)) != last || int(binary.BigEndian.Uint32(c10[4:])) != block {
			t.Errorf("%s: the two capacities differ", name)
		}
		data := bytes.Repeat([]byte("written"), 10*block)[:4*block]
		for i := block; block > 520 && i < len(data); i++ {
			data[i] ^= byte(i)
		}
		lba := uint32(last - 3)
		cdb := []byte{0x2A, 0, 0, 0, 0, 0, 0, 0, 4, 0}
		binary.BigEndian.PutUint32(cdb[2:], lba)
		b.must(cdb, data, nil)
		b.must([]byte{0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0}, nil, nil)
		in := make([]byte, 4*block)
		long := make([]byte, 16)
		long[0], long[13] = 0x88, 4
		binary.BigEndian.PutUint64(long[2:], uint64(lba))
		b.must(long, nil, in)
		for i := range 4 { // of blocks of 520 bytes, 512 are kept
			n := block &^ 511
			if !bytes.Equal(in[i*block:i*block+n], data[i*block:i*block+n]) {
				t.Errorf("%s: block %d reads otherwise", name, i)
			}
		}
		cdb[0], cdb[8] = 0x28, 5
		r, err := b.scsi(cdb, nil, make([]byte, 5*block))
		if key, asc, _ := senseOf(r.Sense); err != nil || key != skIllegal || asc != 0x21 {
			t.Errorf("%s: reading beyond the end: % X %v", name, r.Sense, err)
		}
	}
}

func TestSectorsOf520BytesAreReformatted(t *testing.T) {
	b := newBench(t, "sas-hdd-520")
	if b.d.size() != 0 {
		t.Error("Linux gives such a disk a capacity")
	}
	b.must([]byte{0x15, 0x10, 0, 0, 12, 0}, []byte{0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0}, nil)
	sense := make([]byte, 12)
	b.must([]byte{0x1A, 0, 0x0A, 0, 12, 0}, nil, sense)
	if got := binary.BigEndian.Uint32(sense[8:]) & 0xFFFFFF; got != 520 {
		t.Errorf("before the format the block length is %d", got)
	}
	if got := b.scsiErase([]byte{0x04, 0x10, 0, 0, 0, 0}, []byte{0, 0x82, 0, 0}); got != succeeded {
		t.Fatal(got)
	}
	if err := b.d.Rescan(context.Background()); err != nil {
		t.Fatal(err)
	}
	if b.d.size() != 4096<<10 || b.d.Facts().LogicalBlockBytes != 512 {
		t.Errorf("after it %d bytes in blocks of %d", b.d.size(), b.d.Facts().LogicalBlockBytes)
	}
	if n := b.d.Truth().OriginalBytes(Addressable); n != 0 {
		t.Errorf("%d bytes left by the format", n)
	}
}

func TestSanitizeTellsItsProgress(t *testing.T) {
	for _, name := range []string{"sas-hdd", "sas-ssd-fixed"} {
		b := newBench(t, name)
		b.must([]byte{0x48, 0x81, 0, 0, 0, 0, 0, 0, 5, 0}, []byte{1, 0, 0, 1, 0xAA}, nil)
		_ = b.d.Wait(context.Background(), b.d.core.running().duration/2)
		r, err := b.scsi([]byte{0, 0, 0, 0, 0, 0}, nil, nil)
		key, asc, ascq := senseOf(r.Sense)
		if err != nil || key != skNotReady || asc != 4 || ascq != 0x1B {
			t.Errorf("%s: TEST UNIT READY: % X %v", name, r.Sense, err)
		}
		in := make([]byte, 18)
		b.must([]byte{0x03, 0, 0, 0, 18, 0}, nil, in)
		if got := binary.BigEndian.Uint16(in[16:]); in[15] != 0x80 || got < 0x7F00 || got > 0x8100 {
			t.Errorf("%s: REQUEST SENSE: % X, want half way", name, in)
		}
		if r, _ := b.scsi([]byte{0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, nil, make([]byte, 512)); r.Status == scsi.Good {
			t.Errorf("%s: blocks are read during a sanitize", name)
		}
		if r, _ := b.scsi([]byte{0x12, 0, 0, 0, 36, 0}, nil, make([]byte, 36)); r.Status != scsi.Good {
			t.Errorf("%s: INQUIRY during a sanitize", name)
		}
	}
}

func TestSanitizeThatBlocks(t *testing.T) {
	b := newBench(t, "sas-ssd")
	before := b.d.Now()
	b.must([]byte{0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0}, nil, nil)
	if took := b.d.Now().Sub(before); took < time.Minute || b.d.Truth().OriginalBytes(Everything) != 0 {
		t.Errorf("took %v, %d bytes left", took, b.d.Truth().OriginalBytes(Everything))
	}
}

func TestAFailedSanitizeIsLeft(t *testing.T) {
	b := newBench(t, "sas-ssd-failed-before")
	r, _ := b.scsi([]byte{0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, nil, make([]byte, 512))
	if key, asc, ascq := senseOf(r.Sense); key != skMedium || asc != 0x31 || ascq != 3 {
		t.Errorf("sense % X, want sanitize command failed", r.Sense)
	}
	b.must([]byte{0x48, 0x1F, 0, 0, 0, 0, 0, 0, 0, 0}, nil, nil)
	b.must([]byte{0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, nil, make([]byte, 512))
	b = newBench(t, "liar-sas-fails-at-end")
	b.must([]byte{0x48, 0x82, 0, 0, 0, 0, 0, 0, 0, 0}, nil, nil)
	_ = b.d.Wait(context.Background(), time.Hour)
	if r, _ = b.scsi([]byte{0x48, 0x1F, 0, 0, 0, 0, 0, 0, 0, 0}, nil, nil); r.Status == scsi.Good {
		t.Error("the failure of a restricted sanitize is left by EXIT FAILURE MODE")
	}
}

func TestReportsOfCommandsAndUnits(t *testing.T) {
	b := newBench(t, "sas-ssd")
	for action, want := range map[byte]byte{1: 3, 2: 3, 3: 3, 0x1F: 3, 4: 1} {
		in := make([]byte, 20)
		b.must([]byte{0xA3, 0x0C, 3, 0x48, 0, action, 0, 0, 0, 20, 0, 0}, nil, in)
		if in[1]&7 != want {
			t.Errorf("SANITIZE %02Xh: support %d, want %d", action, in[1]&7, want)
		}
	}
	b = newBench(t, "sas-hdd")
	in := make([]byte, 20)
	b.must([]byte{0xA3, 0x0C, 3, 0x48, 0, 3, 0, 0, 0, 20, 0, 0}, nil, in)
	if in[1]&7 != 1 {
		t.Error("a hard disk has a crypto erase")
	}
	b = newBench(t, "sas-ssd-no-opcodes")
	if r, _ := b.scsi([]byte{0xA3, 0x0C, 3, 0x48, 0, 3, 0, 0, 0, 20, 0, 0}, nil, in); r.Status == scsi.Good {
		t.Error("answered without the command")
	}
	b = newBench(t, "sas-hdd-dual")
	luns := make([]byte, 64)
	b.must([]byte{0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0}, nil, luns)
	if binary.BigEndian.Uint32(luns) != 16 || luns[17] != 1 {
		t.Errorf("REPORT LUNS: % X", luns[:24])
	}
}

func TestTwoUnits(t *testing.T) {
	for name, both := range map[string]bool{"sas-hdd-dual": false, "sas-hdd-dual-whole": true} {
		b := newBench(t, name)
		if got := b.erase(inventory.SCSISanitizeOverwrite); got != succeeded {
			t.Fatal(got)
		}
		truth := b.d.Truth()
		if truth.Areas[0].OriginalBytes != 0 || (truth.Areas[1].OriginalBytes == 0) != both {
			t.Errorf("%s: %+v", name, truth.Areas)
		}
	}
}

func TestZonesAreWrittenInOrder(t *testing.T) {
	for _, name := range []string{"ata-hdd-zoned", "sas-hdd-zoned"} {
		b := newBench(t, name)
		in := make([]byte, 36)
		b.must([]byte{0x12, 0, 0, 0, 36, 0}, nil, in)
		if in[0]&0x1F != 0x14 {
			t.Errorf("%s: device type %02Xh", name, in[0])
		}
		write := func(lba byte) bool {
			r, _ := b.scsi([]byte{0x2A, 0, 0, 0, 0, lba, 0, 0, 8, 0}, make([]byte, 4096), nil)
			return r.Status == scsi.Good
		}
		if write(0) {
			t.Errorf("%s: a full zone is written", name)
		}
		if _, err := b.d.Blocks().WriteAt(make([]byte, 4096), 0); err == nil {
			t.Errorf("%s: markers are taken", name)
		}
		b.must([]byte{0x94, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, nil, nil)
		if !write(0) || !write(8) || write(32) {
			t.Errorf("%s: after a reset of the write pointer", name)
		}
		zones := make([]byte, 192)
		b.must([]byte{0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 0}, nil, zones)
		if binary.BigEndian.Uint32(zones) != 8*64 || zones[65]>>4 != 2 || binary.BigEndian.Uint64(zones[64+24:]) != 16 || zones[129]>>4 != 0xE {
			t.Errorf("%s: REPORT ZONES: % X", name, zones[:160])
		}
	}
}

func TestBridges(t *testing.T) {
	// A bridge that lies about FORMAT UNIT.
	b := newBench(t, "liar-usb-format")
	b.must([]byte{0x04, 0x10, 0, 0, 0, 0}, []byte{0, 0x82, 0, 0}, nil)
	if b.d.Truth().OriginalBytes(Addressable) != 4096<<10 {
		t.Error("erased")
	}
	// One that has no SAT.
	b = newBench(t, "usb-hdd-no-sat")
	r, _ := b.scsi([]byte{0x85, satPIOIn << 1, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, ataIdentify, 0}, nil, make([]byte, 512))
	if key, asc, _ := senseOf(r.Sense); key != skIllegal || asc != 0x20 {
		t.Errorf("sense % X, want invalid command operation code", r.Sense)
	}
	if got := b.d.Facts().Serial; got != "SIMBRIDGE01" {
		t.Errorf("serial %q, want the bridge's", got)
	}
	// One that answers IDENTIFY for another drive.
	b = newBench(t, "liar-usb-other-drive")
	serial := make([]byte, 64)
	b.must([]byte{0x12, 1, 0x80, 0, 64, 0}, nil, serial)
	if strings.TrimSpace(string(serial[4:4+serial[3]])) == b.d.Facts().Serial {
		t.Error("it answers for the right drive")
	}
	if got := b.erase(inventory.ATASanitizeCrypto); got != succeeded || b.d.Truth().OriginalBytes(Addressable) == 0 {
		t.Errorf("%s, %d bytes left in the drive itself", got, b.d.Truth().OriginalBytes(Addressable))
	}
	// One that takes 12-byte pass-through.
	b = newBench(t, "usb-ssd-sat12")
	id := make([]byte, 512)
	b.must([]byte{0xA1, satPIOIn << 1, 0x0E, 0, 1, 0, 0, 0, 0, ataIdentify, 0, 0}, nil, id)
	if sum8(id) != 0 {
		t.Error("IDENTIFY by 12 bytes")
	}
	// One that returns no registers: success cannot be told from nothing.
	b = newBench(t, "usb-ssd-no-registers")
	r, err := b.scsi([]byte{0x85, satNonData<<1 | 1, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ataSanitizeDevice, 0}, nil, nil)
	if err != nil || r.Status != scsi.Good || len(r.Sense) != 0 {
		t.Errorf("status %02Xh sense % X %v", r.Status, r.Sense, err)
	}
	// A switch.
	b = newBench(t, "usb-write-protected")
	r, _ = b.scsi([]byte{0x2A, 0, 0, 0, 0, 0, 0, 0, 1, 0}, make([]byte, 512), nil)
	if key, asc, _ := senseOf(r.Sense); key != skProtect || asc != 0x27 {
		t.Errorf("sense % X, want write protected", r.Sense)
	}
}

func TestLogsAndModes(t *testing.T) {
	b := newBench(t, "sas-ssd")
	in := make([]byte, 256)
	b.must([]byte{0x4D, 0, 0x40, 0, 0, 0, 0, 1, 0, 0}, nil, in)
	pages := slices.Clone(in[4 : 4+in[3]])
	for _, p := range pages {
		b.must([]byte{0x4D, 0, 0x40 | p, 0, 0, 0, 0, 1, 0, 0}, nil, in)
		if in[0]&0x3F != p {
			t.Errorf("log page %02Xh answers %02Xh", p, in[0])
		}
	}
	for _, cdb := range [][]byte{{0x1A, 0, 0x3F, 0, 255, 0}, {0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0, 0}, {0x1A, 8, 0x0A, 0, 255, 0}, {0x1A, 0, 0x48, 0, 255, 0}} {
		b.must(cdb, nil, in)
	}
	if r, _ := b.scsi([]byte{0x1A, 0, 0x2F, 0, 255, 0}, nil, in); r.Status == scsi.Good {
		t.Error("a mode page that does not exist")
	}
}

func TestAnswersOfAPulledDrive(t *testing.T) {
	b := newBench(t, "ata-ssd-vanishes")
	if got := b.erase(inventory.ATASanitizeBlock); got != unknown {
		t.Errorf("%s", got)
	}
	if _, err := b.scsi([]byte{0, 0, 0, 0, 0, 0}, nil, nil); !errors.Is(err, errNotThere) {
		t.Errorf("a pulled drive: %v", err)
	}
}

func FuzzSCSI(f *testing.F) {
	for op := range 256 {
		cdb := make([]byte, 32)
		cdb[0] = byte(op)
		f.Add(cdb, []byte{0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0}, 64)
		cdb[1], cdb[4], cdb[8], cdb[13] = 0x11, 8, 4, 16
		f.Add(cdb, make([]byte, 64), 512)
	}
	f.Add([]byte{0x85, satPIOIn << 1, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, ataIdentify, 0}, []byte{}, 512)
	f.Add([]byte{0x48, 0x81, 0, 0, 0, 0, 0, 0, 5, 0}, []byte{1, 0, 0, 1, 0xAA}, 0)
	var profiles []Profile
	for _, name := range []string{"ata-ssd-opal", "sas-hdd-520", "sas-hdd-zoned", "sas-ssd-enterprise", "usb-ssd-sat12", "usb-stick"} {
		p, err := FindProfile(name)
		if err != nil {
			f.Fatal(err)
		}
		p.Units[0].KiB = 64
		profiles = append(profiles, p)
	}
	f.Fuzz(func(t *testing.T, cdb, out []byte, want int) {
		ctx := context.Background()
		for _, p := range profiles {
			d := newDrive(t, p, Options{})
			in := make([]byte, min(max(want, 0), 1<<16))
			for range 2 {
				if r, err := d.Wires().SCSI.Issue(ctx, scsi.Command{CDB: cdb, Direction: scsi.Out, Data: out}); err == nil && r.Transferred > len(out) {
					t.Errorf("%d of %d bytes were taken", r.Transferred, len(out))
				}
				if r, err := d.Wires().SCSI.Issue(ctx, scsi.Command{CDB: cdb, Direction: scsi.In, Data: in}); err == nil && r.Transferred > len(in) {
					t.Errorf("%d bytes came into %d", r.Transferred, len(in))
				}
			}
			_ = d.Truth()
		}
	})
}
