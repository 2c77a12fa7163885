package drivesim

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/nvme"
)

// What a liar leaves on its medium, and what a host sees of it.
func TestEachLieDoesWhatItSays(t *testing.T) {
	const yes, no = true, false
	for _, c := range []struct {
		name   string
		lies   []Lie
		change func(*Profile)
		cdw10  uint32 // of the sanitize; 0: a format with SES 1
		sos    uint16 // what the log says in the end
		// Original data is left where it can be addressed, and anywhere.
		addressable, anywhere bool
		// A host that reads everything sees original data, or the pattern
		// that it wrote before.
		sees bool
	}{
		{"none", nil, nil, actBlock, 1, no, no, no},
		{"nothing is erased", []Lie{LieNoEffect}, nil, actBlock, 1, yes, yes, yes},
		{"nothing is erased, by crypto erase", []Lie{LieNoEffect}, nil, actCrypto, 1, yes, yes, yes},
		{"nothing is erased, by format", []Lie{LieNoEffect}, nil, 0, 0, yes, yes, yes},
		{"the key stays in use", []Lie{LieKeepsKey}, nil, actCrypto, 1, yes, yes, yes},
		{"the old key is hidden", []Lie{LieHidesKey}, nil, actCrypto | bitNDAS, 1, yes, yes, no},
		{"the old key is hidden, blocks deallocated", []Lie{LieHidesKey}, nil, actCrypto, 1, no, yes, no},
		{"only deallocated", []Lie{LieUnmapsOnly}, nil, actBlock, 1, no, yes, no},
		{"only deallocated, by crypto erase", []Lie{LieUnmapsOnly}, nil, actCrypto, 1, no, yes, no},
		{"spare blocks are left", []Lie{LieSkipsSpare}, nil, actBlock, 1, no, yes, no},
		{"spare blocks are left, by crypto erase", []Lie{LieSkipsSpare}, nil, actCrypto, 1, no, yes, no},
		{"some blocks are left", []Lie{LieLeavesBlocks}, nil, actBlock, 1, yes, yes, yes},
		{"some blocks are left, by crypto erase", []Lie{LieLeavesBlocks}, nil, actCrypto, 1, yes, yes, yes},
		{"what was hidden is left", []Lie{LieSkipsHidden}, func(p *Profile) { p.Units[0].HiddenKiB = 64 }, actBlock, 1, yes, yes, no},
		{"the second namespace is left", []Lie{LieOneNamespace}, func(p *Profile) { p.Units = append(p.Units, UnitProfile{KiB: 64}) }, actBlock, 1, yes, yes, no},
		{"format without the erase", []Lie{LieIgnoresMode}, nil, 0, 0, no, yes, no},
		{"fails at the end", []Lie{LieFailsAtEnd}, nil, actBlock | bitAUSE, 3, yes, yes, no},
		{"failed but erased", []Lie{LieFailedErased}, nil, actBlock | bitAUSE, 3, no, no, no},
		{"deallocates although not to", []Lie{LieUnmapsAnyhow}, nil, actBlock | bitNDAS, 1, no, no, no},
		{"nothing is started", []Lie{LieNotStarted}, nil, actBlock, 0, yes, yes, yes},
		{"never ends", []Lie{LieNeverEnds}, nil, actBlock, 2, yes, yes, no},
		{"success at the beginning", []Lie{LieEarlySuccess}, nil, actBlock, 1, yes, yes, yes},
		{"a reset is success", []Lie{LieForgetsOnHalt}, func(p *Profile) { p.Faults = []Fault{{Kind: FaultReset, EraseAtPPM: 300_000}} }, actBlock, 1, yes, yes, yes},
		{"what was written cannot be read", []Lie{LieUnreadable}, nil, actBlock, 1, yes, yes, no},
		{"what was written cannot be read, by crypto erase", []Lie{LieUnreadable}, nil, actCrypto, 1, yes, yes, no},
		{"answers reads from its cache", []Lie{LieStaleCache}, nil, actBlock, 1, no, no, yes},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := simple(func(p *Profile) {
				lying(c.lies...)(p)
				if c.change != nil {
					c.change(p)
				}
			})
			d := newDrive(t, p, Options{})
			marker := bytes.Repeat([]byte("MARKER 1"), pageBytes/8)
			if _, err := d.Blocks().WriteAt(marker, 40*pageBytes); err != nil {
				t.Fatal(err)
			}
			cmd := nvme.Command{Opcode: 0x84, CDW10: c.cdw10}
			if c.cdw10 == 0 {
				cmd = format(1, 1<<9)
			}
			if s := admin(t, d, cmd); s != 0 {
				t.Fatalf("status %03Xh", s)
			}
			wait(t, d, 24*time.Hour)
			if _, sstat, _, _ := sanitizeStatus(t, d); sstat&7 != c.sos || (sstat&0x100 != 0) != (c.sos == 1 || c.lies != nil && c.lies[0] == LieFailedErased) {
				t.Errorf("SSTAT %04Xh, want %d", sstat, c.sos)
			}
			truth := d.Truth()
			if got := truth.OriginalBytes(Addressable); (got != 0) != c.addressable {
				t.Errorf("%d bytes can be addressed", got)
			}
			if got := truth.OriginalBytes(Everything); (got != 0) != c.anywhere {
				t.Errorf("%d bytes are left anywhere", got)
			}
			if got := dig(d); got != truth.OriginalBytes(Everything) {
				t.Errorf("a laboratory finds %d bytes, the books say %d", got, truth.OriginalBytes(Everything))
			}
			data, _ := readAll(t, d)
			if got := seenOriginal(data) != 0 || bytes.Contains(data, marker); got != c.sees {
				t.Errorf("a host sees %d bytes of old data, its marker: %v", seenOriginal(data), bytes.Contains(data, marker))
			}
		})
	}
}

func TestWritesThatAreLost(t *testing.T) {
	for _, c := range []struct {
		lie       Lie
		seesZeros bool // at once
	}{{LieLosesWrites, true}, {LieShortWrites, false}} {
		d := newDrive(t, simple(lying(c.lie)), Options{})
		v := d.Blocks()
		for off := int64(0); off < v.SizeBytes(); off += 64 << 10 {
			if _, err := v.WriteAt(make([]byte, 64<<10), off); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Sync(); err != nil {
			t.Fatal(err)
		}
		data, _ := readAll(t, d)
		if got := seenOriginal(data) == 0; got != c.seesZeros {
			t.Errorf("%s: a host sees %d bytes of old data", c.lie, seenOriginal(data))
		}
		if d.Truth().OriginalBytes(Addressable) == 0 {
			t.Errorf("%s: everything is gone", c.lie)
		}
		d.PowerCycle()
		if data, _ := readAll(t, d); seenOriginal(data) == 0 {
			t.Errorf("%s: after a power cycle a host sees no old data", c.lie)
		}
	}
}

// Blank blocks read as before, written ones fail until they are written again;
// the data stays where it was.
func TestDataThatIsOnlyHidden(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { lying(LieUnreadable)(p); p.Units[0].BlankKiB = 128 }), Options{})
	v := d.Blocks()
	size, b := v.SizeBytes(), make([]byte, pageBytes)
	if had := d.Truth().OriginalBytes(Addressable); had != size/2 {
		t.Fatalf("%d bytes of original data in %d", had, size)
	}
	if s := admin(t, d, nvme.Command{Opcode: 0x84, CDW10: actBlock}); s != 0 {
		t.Fatalf("status %03Xh", s)
	}
	wait(t, d, 24*time.Hour)
	if _, err := v.ReadAt(b, size/2-pageBytes); err == nil || errors.Is(err, erase.ErrGone) || errors.Is(err, erase.ErrIntegrity) {
		t.Errorf("a written block: %v", err)
	}
	if _, err := v.ReadAt(b, size/2); err != nil || seenOriginal(b) != 0 {
		t.Errorf("a blank block: %v", err)
	}
	fresh := bytes.Repeat([]byte("new data"), pageBytes/8)
	if _, err := v.WriteAt(fresh, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := v.ReadAt(b, 0); err != nil || !bytes.Equal(b, fresh) {
		t.Errorf("a block written again: %v", err)
	}
	if left := d.Truth().OriginalBytes(Addressable); left != size/2-pageBytes {
		t.Errorf("%d bytes can be addressed", left)
	}
}

func TestLiarsThatAnswerNonsense(t *testing.T) {
	identify := func(d *Drive) ([]byte, uint16) {
		b := bytes.Repeat([]byte{0xEE}, 4096)
		return b, admin(t, d, nvme.Command{Opcode: 6, CDW10: 1, Data: b})
	}
	if b, s := identify(newDrive(t, simple(lying(LieZeroedAnswers)), Options{})); s != 0 || !bytes.Equal(b, make([]byte, 4096)) {
		t.Errorf("zeroed: status %03Xh", s)
	}
	if b, s := identify(newDrive(t, simple(lying(LieShortAnswers)), Options{})); s != 0 || !bytes.Equal(b[16:], make([]byte, 4080)) {
		t.Errorf("short: status %03Xh", s)
	}
	one, _ := identify(newDrive(t, simple(lying(LieRandomAnswers)), Options{Seed: 1}))
	same, _ := identify(newDrive(t, simple(lying(LieRandomAnswers)), Options{Seed: 1}))
	other, _ := identify(newDrive(t, simple(lying(LieRandomAnswers)), Options{Seed: 2}))
	if !bytes.Equal(one, same) || bytes.Equal(one, other) {
		t.Error("random answers do not follow the seed")
	}
	aborts := newDrive(t, simple(lying(LieAborts)), Options{})
	if s := sanitize(t, aborts, actBlock); s != 1 {
		t.Errorf("aborts everything: status %03Xh", s)
	}
	if _, s := identify(aborts); s != 0 {
		t.Errorf("and identify: status %03Xh", s)
	}
	if s := sanitize(t, newDrive(t, simple(lying(LieUnsupported)), Options{}), actBlock); s != 2 {
		t.Errorf("refuses what it has: status %03Xh", s)
	}
	quiet := newDrive(t, simple(lying(LieNoStatus)), Options{})
	sanitize(t, quiet, actBlock)
	wait(t, quiet, time.Hour)
	if s := admin(t, quiet, nvme.Command{Opcode: 2, CDW10: 0x81 | 127<<16, Data: make([]byte, 512)}); s != 0x109 {
		t.Errorf("no status afterwards: status %03Xh", s)
	}
}

func TestMediaVerificationThatIsNeverLeft(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) {
		lying(LieOpenForever)(p)
		p.NVMe.VERS = true
	}), Options{})
	sanitize(t, d, actBlock|bitEMVS)
	wait(t, d, time.Hour)
	if s := sanitize(t, d, actExitMedia); s != 0 {
		t.Errorf("status %03Xh", s)
	}
	wait(t, d, time.Hour)
	d.PowerCycle()
	if _, sstat, _, ssi := sanitizeStatus(t, d); sstat&7 != 2 || ssi != 5 {
		t.Errorf("SSTAT %04Xh SSI %02Xh", sstat, ssi)
	}
}

func TestDriveThatGoesByAnotherSerial(t *testing.T) {
	for name, p := range map[string]Profile{
		"after an erase":            simple(lying(LieNewSerial)),
		"in the middle of an erase": simple(func(p *Profile) { p.Faults = []Fault{{Kind: FaultNewSerial, EraseAtPPM: 500_000}} }),
	} {
		d := newDrive(t, p, Options{Serial: "SIM00042"})
		v, err := d.Device(context.Background(), drive.Secrets{})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Check(); err != nil {
			t.Errorf("%s: at first: %v", name, err)
		}
		sanitize(t, d, actBlock)
		wait(t, d, time.Hour)
		if err := v.Check(); !errors.Is(err, erase.ErrIdentityChanged) {
			t.Errorf("%s: %v, want identity changed", name, err)
		}
		if err := d.Refind(context.Background()); !errors.Is(err, erase.ErrGone) {
			t.Errorf("%s: found again: %v", name, err)
		}
	}
}

func TestTwinsAndMixedUpDrives(t *testing.T) {
	p, err := FindProfile("nvme-twin")
	if err != nil {
		t.Fatal(err)
	}
	twins, err := New(p, Options{})
	if err != nil || len(twins) != 2 {
		t.Fatalf("%d drives, %v", len(twins), err)
	}
	a, b := twins[0].Facts(), twins[1].Facts()
	if a.Serial != b.Serial || a.Path == b.Path || a.DeviceNumber == b.DeviceNumber {
		t.Errorf("%+v\n%+v", a, b)
	}
	mixed, err := New(simple(lying(LieOtherDrive)), Options{})
	if err != nil || len(mixed) != 2 {
		t.Fatalf("%d drives, %v", len(mixed), err)
	}
	sanitize(t, mixed[0], actBlock)
	wait(t, mixed[0], time.Hour)
	if mixed[0].Truth().OriginalBytes(Everything) == 0 || mixed[1].Truth().OriginalBytes(Everything) != 0 {
		t.Error("the command did not go to the other drive")
	}
	if _, sstat, _, _ := sanitizeStatus(t, mixed[0]); sstat&7 != 1 {
		t.Errorf("SSTAT %04Xh", sstat)
	}
}
