package drivesim

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

// simple is a profile to change for a test.
func simple(change func(*Profile)) Profile {
	p := Profile{
		Name: "test", Title: "t", Honest: true, Expect: "e", Bus: inventory.BusNVMe, Protocol: "nvme", Media: inventory.MediaFlash,
		Model: "SIM TEST", Firmware: "1", Units: []UnitProfile{{KiB: 256}}, SpareKiB: 32, RetiredKiB: 8, StaleKiB: 8,
		Erasers: map[inventory.EraseCommand]EraserProfile{
			inventory.NVMeSanitizeBlock: {Seconds: 100}, inventory.NVMeSanitizeOverwrite: {Seconds: 100}, inventory.NVMeFormatUser: {Seconds: 10},
		},
		NVMe: &NVMeProfile{Version: "2.1"},
	}
	if change != nil {
		change(&p)
	}
	if err := p.check(); err != nil {
		panic(err)
	}
	return p
}

// encrypts makes a drive that encrypts and has the commands for it.
func encrypts(p *Profile) {
	p.Encrypts = true
	p.Erasers[inventory.NVMeSanitizeCrypto] = EraserProfile{Seconds: 2}
	p.Erasers[inventory.NVMeFormatCrypto] = EraserProfile{Seconds: 2}
}

func lying(lies ...Lie) func(*Profile) {
	return func(p *Profile) { encrypts(p); p.Lies, p.Honest, p.Unmasked = lies, false, ByNothing }
}

func newDrive(t testing.TB, p Profile, o Options) *Drive {
	t.Helper()
	drives, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return drives[0]
}

// readAll reads all a host can of a drive; blocks that fail are left zero.
func readAll(t testing.TB, d *Drive) (data []byte, failed int) {
	t.Helper()
	v := d.Blocks()
	data = make([]byte, v.SizeBytes())
	for off := int64(0); off < v.SizeBytes(); off += pageBytes {
		p := data[off:min(off+pageBytes, v.SizeBytes())]
		if _, err := v.ReadAt(p, off); err != nil {
			clear(p)
			failed++
		}
	}
	return data, failed
}

// seenOriginal counts the sectors that a host reads as original data.
func seenOriginal(data []byte) int64 {
	n := int64(0)
	for off := 0; off+sectorBytes <= len(data); off += sectorBytes {
		if bytes.HasPrefix(data[off:], []byte(originalMark)) {
			n += sectorBytes
		}
	}
	return n
}

// dig counts original data by looking at the bytes of every physical page,
// as a laboratory would that has all keys the drive still has.
func dig(d *Drive) int64 {
	m := d.core.medium
	n := int64(0)
	for i := range m.pages {
		g := m.pages[i]
		if g.key != 0 && !m.keys[g.key].alive {
			continue
		}
		b := make([]byte, pageBytes)
		switch {
		case g.data != nil:
			copy(b, g.data)
		case g.original != 0:
			m.render(b, g.owner, g.logical)
		}
		n += seenOriginal(b)
	}
	return n
}

func TestDriveComesFullOfOriginalData(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { p.Units = []UnitProfile{{KiB: 256, HiddenKiB: 64}, {KiB: 128}}; p.RPMBKiB = 4 }), Options{})
	truth := d.Truth()
	if got, want := truth.OriginalBytes(Addressable), int64(448<<10); got != want {
		t.Errorf("%d bytes of original data can be addressed, want %d", got, want)
	}
	if got, want := truth.OriginalBytes(Everything), int64((448+16+4)<<10); got != want {
		t.Errorf("%d bytes of original data in all, want %d", got, want)
	}
	if truth.Areas[0].HiddenBytes != 64<<10 {
		t.Errorf("hidden: %+v", truth.Areas[0])
	}
	data, failed := readAll(t, d)
	if failed != 0 || seenOriginal(data) != 256<<10 {
		t.Errorf("a host reads %d bytes of it, %d failed", seenOriginal(data), failed)
	}
	if bytes.Equal(data[:512], data[512:1024]) {
		t.Error("two sectors are alike")
	}
}

// Whatever a host writes, unmaps, flushes and cuts, it reads back what it
// wrote, and the books on original data agree with the bytes on the medium.
func TestBlocksAndBooksAgree(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := simple(func(p *Profile) {
			if seed%2 == 0 {
				encrypts(p)
			}
			if seed%3 == 0 {
				p.Media = inventory.MediaMagnetic
			}
			p.WriteCache = seed%5 == 0
		})
		d := newDrive(t, p, Options{Seed: seed})
		v := d.Blocks()
		want, _ := readAll(t, d)
		for range 300 {
			sectors := int64(1 + r.IntN(40))
			off := int64(r.IntN(len(want)/sectorBytes-int(sectors))) * sectorBytes
			b := want[off : off+sectors*sectorBytes]
			switch r.IntN(5) {
			case 0:
				fill8(b, r.Uint64())
			case 1:
				for i := range b {
					b[i] = byte(r.Uint32())
				}
			case 2:
				if err := v.Sync(); err != nil {
					t.Fatal(err)
				}
				d.PowerCycle()
				continue
			case 3:
				got := make([]byte, len(b))
				if _, err := v.ReadAt(got, off); err != nil || !bytes.Equal(got, b) {
					t.Fatalf("seed %d: %d sectors at %d read back something else: %v", seed, sectors, off, err)
				}
				continue
			case 4:
				if !p.WriteCache {
					first := off / pageBytes
					d.core.medium.unmap(d.area, first, 2)
					clear(want[first*pageBytes : min((first+2)*pageBytes, int64(len(want)))])
				}
				continue
			}
			if _, err := v.WriteAt(b, off); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if err := v.Sync(); err != nil {
			t.Fatal(err)
		}
		if got, _ := readAll(t, d); !bytes.Equal(got, want) {
			t.Errorf("seed %d: the drive holds something else than was written", seed)
		}
		if got, want := d.Truth().OriginalBytes(Everything), dig(d); got != want {
			t.Errorf("seed %d: the books say %d bytes of original data, the medium holds %d", seed, got, want)
		}
		if got, seen := d.Truth().OriginalBytes(Addressable), seenOriginal(want); got != seen {
			t.Errorf("seed %d: the books say %d bytes can be addressed, a host reads %d", seed, got, seen)
		}
	}
}

func TestOverwritingFlashLeavesOldCopiesBehind(t *testing.T) {
	for _, c := range []struct {
		media inventory.Media
		spare bool // original data is left in spare blocks
	}{{inventory.MediaFlash, true}, {inventory.MediaMagnetic, true}} {
		d := newDrive(t, simple(func(p *Profile) { p.Media = c.media }), Options{})
		v := d.Blocks()
		if _, err := v.WriteAt(make([]byte, v.SizeBytes()), 0); err != nil {
			t.Fatal(err)
		}
		truth := d.Truth()
		if truth.OriginalBytes(Addressable) != 0 || truth.SpareBytes == 0 {
			t.Errorf("%s: %+v", c.media, truth)
		}
	}
}

func TestVolatileCacheIsLostWithThePower(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { p.WriteCache = true }), Options{})
	v := d.Blocks()
	if _, err := v.WriteAt(make([]byte, pageBytes), 0); err != nil {
		t.Fatal(err)
	}
	if data, _ := readAll(t, d); data[0] != 0 {
		t.Error("what was written is not read back")
	}
	d.PowerCycle()
	if data, _ := readAll(t, d); seenOriginal(data) != int64(len(data)) {
		t.Error("what was not flushed outlived the power")
	}
	_, _ = v.WriteAt(make([]byte, pageBytes), 0)
	if err := v.Sync(); err != nil {
		t.Fatal(err)
	}
	d.PowerCycle()
	if data, _ := readAll(t, d); data[0] != 0 || d.Truth().OriginalBytes(Addressable) != 252<<10 {
		t.Error("what was flushed did not outlive the power")
	}
}

func TestDefectsAreOfSingleSectors(t *testing.T) {
	d := newDrive(t, simple(nil), Options{Defects: []Defect{{Sector: 9, Unreadable: true}, {Sector: 20, Unwritable: true}}})
	v := d.Blocks()
	b := make([]byte, sectorBytes)
	for s := range int64(30) {
		_, readErr := v.ReadAt(b, s*sectorBytes)
		_, writeErr := v.WriteAt(b, s*sectorBytes)
		if (readErr != nil) != (s == 9) || (writeErr != nil) != (s == 20) {
			t.Errorf("sector %d: read %v, write %v", s, readErr, writeErr)
		}
	}
}

func TestClock(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := NewClock(start, 0)
	if err := c.Wait(context.Background(), 3*time.Hour); err != nil || !c.Now().Equal(start.Add(3*time.Hour)) {
		t.Errorf("three hours on: %v, %v", c.Now(), err)
	}
	if err := c.Wait(context.Background(), -time.Hour); err != nil || !c.Now().Equal(start.Add(3*time.Hour)) {
		t.Errorf("time went back to %v, %v", c.Now(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Wait(ctx, time.Hour); err == nil || !c.Now().Equal(start.Add(3*time.Hour)) {
		t.Errorf("a cancelled wait: %v, %v", c.Now(), err)
	}
	fast := NewClock(start, 1e6)
	if err := fast.Wait(context.Background(), time.Hour); err != nil || fast.Now().Sub(start) < time.Hour {
		t.Errorf("an hour at a million times the speed: %v, %v", fast.Now(), err)
	}
	slow := NewClock(start, 1)
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := slow.Wait(ctx, time.Hour); err == nil {
		t.Error("an hour passed within a millisecond")
	}
}

// Cheap drives are what lets thousands be tried.
func BenchmarkDriveMadeAndReadBack(b *testing.B) {
	p, err := FindProfile("nvme-crypto")
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for b.Loop() {
		v := newDrive(b, p, Options{}).Blocks()
		for off := int64(0); off < v.SizeBytes(); off += int64(len(buf)) {
			if _, err := v.ReadAt(buf, off); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestPatternsAreReadInOrder(t *testing.T) {
	for hex, want := range map[string]string{"00": "00000000", "ff": "ffffffff", "33cc": "33cc33cc", "33cc55aa": "33cc55aa", "0102030405060708": "01020304"} {
		v, err := pattern8(hex)
		b := make([]byte, 16)
		fill8(b, v)
		if got := fmt.Sprintf("%x", b[:4]); err != nil || got != want {
			t.Errorf("%s fills with %s, want %s, %v", hex, got, want, err)
		}
	}
	for _, bad := range []string{"", "0", "000", "zz", "010203", "010203040506070809"} {
		if _, err := pattern8(bad); err == nil {
			t.Errorf("pattern %q is taken", bad)
		}
	}
}

var _ drive.Host = (*Drive)(nil)
