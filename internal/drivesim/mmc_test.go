package drivesim

import (
	"context"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/inventory"
)

// mmc gives one command to the card.
func (b *bench) mmc(opcode, argument uint32, write bool, data []byte) (mmc.Response, error) {
	r, err := b.d.Wires().MMC.Sequence(context.Background(), mmc.Command{Opcode: opcode, Argument: argument, Write: write, Data: data, BlockBytes: 512, Timeout: time.Hour})
	if err != nil {
		return mmc.Response{}, err
	}
	return r[0], nil
}

const mmcErrors = r1OutOfRange | r1EraseSeq | r1EraseParam | r1WPViolation | r1Locked | r1LockFailed | r1Illegal | r1Error | r1WPEraseSkip | r1SwitchError

// switchTo is CMD6 WRITE BYTE.
func switchTo(index, value byte) uint32 { return 3<<24 | uint32(index)<<16 | uint32(value)<<8 }

func (b *bench) mmcErase(e inventory.EraseCommand) outcome {
	last := uint32(b.d.size() - 512)
	from, to, how := uint32(35), uint32(36), uint32(0)
	switch e {
	case inventory.SDErase:
		from, to = 32, 33
	case inventory.MMCSecureErase:
		how = 0x80000000
	}
	for _, c := range [][2]uint32{{from, 0}, {to, last}, {38, how}} {
		r, err := b.mmc(c[0], c[1], false, nil)
		if err != nil {
			if c[0] == 38 && b.d.core.running() != nil {
				return endless
			}
			return refused
		}
		if r[0]&mmcErrors != 0 {
			return failed
		}
	}
	if r, err := b.mmc(13, 0, false, nil); err != nil || r[0]&mmcErrors != 0 {
		return failed
	}
	if e != inventory.MMCSanitize {
		return succeeded
	}
	if r, err := b.mmc(6, switchTo(165, 1), false, nil); err != nil || r[0]&mmcErrors != 0 {
		return refused
	}
	if r, err := b.mmc(13, 0, false, nil); err != nil || r[0]&mmcErrors != 0 {
		return failed
	}
	return succeeded
}

func (b *bench) extCSD() []byte {
	b.t.Helper()
	data := make([]byte, 512)
	if r, err := b.mmc(8, 0, false, data); err != nil || r[0]&mmcErrors&^(r1Locked|r1Illegal) != 0 {
		b.t.Fatalf("SEND_EXT_CSD: %X %v", r, err)
	}
	return data
}

func TestSanitizeLeavesWhatIsMapped(t *testing.T) {
	b := newBench(t, "mmc-emmc")
	if r, err := b.mmc(6, switchTo(165, 1), false, nil); err != nil || r[0]&mmcErrors != 0 {
		t.Fatalf("sanitize: %X %v", r, err)
	}
	truth := b.d.Truth()
	if truth.SpareBytes != 0 || truth.Areas[0].OriginalBytes != truth.Areas[0].SizeBytes {
		t.Errorf("after sanitize without erase: %+v", truth)
	}
}

func TestEMMCIsErasedAndSanitized(t *testing.T) {
	b := newBench(t, "mmc-emmc")
	x := b.extCSD()
	if x[192] != 8 || x[231]&0x40 == 0 || x[226] != 1 || x[168] != 1 {
		t.Errorf("EXT_CSD: revision %d, features %02Xh, boot %d, RPMB %d", x[192], x[231], x[226], x[168])
	}
	if got := b.erase(inventory.MMCErase); got != succeeded {
		t.Fatalf("erase: %s", got)
	}
	data, failed := readAll(t, b.d)
	if failed != 0 || seenOriginal(data) != 0 {
		t.Errorf("after erase: %d failed, %d bytes seen", failed, seenOriginal(data))
	}
	if b.d.Truth().SpareBytes == 0 {
		t.Error("erase alone has cleaned what it unmapped")
	}
	if got := b.erase(inventory.MMCSanitize); got != succeeded {
		t.Fatalf("sanitize: %s", got)
	}
	truth := b.d.Truth()
	if truth.Areas[0].OriginalBytes != 0 || truth.SpareBytes != 0 {
		t.Errorf("after sanitize: %+v", truth)
	}
	if truth.Areas[1].OriginalBytes == 0 {
		t.Error("a boot partition was erased from the user area")
	}
}

func TestBootPartitions(t *testing.T) {
	b := newBench(t, "mmc-emmc-boot-protected")
	if got := b.extCSD()[174]; got != 0x06 {
		t.Errorf("BOOT_WP_STATUS %02Xh, want 06h", got)
	}
	if r, err := b.mmc(6, switchTo(179, 1), false, nil); err != nil || r[0]&mmcErrors != 0 {
		t.Fatalf("switch to boot partition 1: %X %v", r, err)
	}
	r, err := b.mmc(25, 0, true, make([]byte, 4096))
	if err != nil || r[0]&r1WPViolation == 0 {
		t.Errorf("writing a protected boot partition: %X %v", r, err)
	}
	free := newBench(t, "mmc-emmc")
	_, _ = free.mmc(6, switchTo(179, 2), false, nil)
	_, _ = free.mmc(35, 0, false, nil)
	_, _ = free.mmc(36, 255*512, false, nil)
	if r, err := free.mmc(38, 0, false, nil); err != nil || r[0]&mmcErrors != 0 {
		t.Errorf("erase boot partition 2: %X %v", r, err)
	}
	if n := free.d.Truth().Areas[2].OriginalBytes; n != 0 {
		t.Errorf("%d bytes are left in boot partition 2", n)
	}
}

func TestRPMBAnswersAndKeepsItsData(t *testing.T) {
	b := newBench(t, "mmc-emmc")
	_, _ = b.mmc(6, switchTo(179, 3), false, nil)
	frame := make([]byte, 512)
	frame[511] = 2 // read the write counter
	if _, err := b.mmc(25, 0, true, frame); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 512)
	if _, err := b.mmc(18, 0, false, answer); err != nil || answer[510] != 2 || answer[509] != 0 {
		t.Errorf("counter: type %02X%02X result %02X, %v", answer[510], answer[511], answer[509], err)
	}
}

func TestLockedCard(t *testing.T) {
	b := newBench(t, "mmc-emmc-locked")
	if _, err := b.mmc(18, 0, false, make([]byte, 512)); err == nil {
		t.Error("a locked card is read")
	}
	_ = b.extCSD() // class 0, so also when locked
	r, err := b.mmc(13, 0, false, nil)
	if err != nil || r[0]&r1Locked == 0 {
		t.Errorf("status of a locked card: %X %v", r, err)
	}
	unlock := append([]byte{0, 13}, "nobody knows"...)
	unlock = append(unlock, make([]byte, 512-len(unlock))...)
	if r, _ := b.mmc(42, 0, true, unlock); r[0]&r1LockFailed == 0 {
		t.Error("a wrong password is taken")
	}
	force := make([]byte, 512)
	force[0] = 0x08
	if r, err := b.mmc(42, 0, true, force); err != nil || r[0]&r1LockFailed != 0 {
		t.Errorf("forced erase: %X %v", r, err)
	}
	if n := b.d.Truth().Areas[0].OriginalBytes; n != 0 {
		t.Errorf("%d bytes are left after a forced erase", n)
	}
}

func TestRegistersOfACard(t *testing.T) {
	b := newBench(t, "mmc-sd")
	if _, err := b.mmc(10, 0, false, nil); err == nil {
		t.Error("CID in transfer state")
	}
	for _, c := range []mmc.Command{{Opcode: 7}, {Opcode: 10, Argument: 1 << 16}, {Opcode: 9, Argument: 1 << 16}, {Opcode: 7, Argument: 1 << 16}} {
		if _, err := b.d.Wires().MMC.Sequence(context.Background(), c); err != nil {
			t.Errorf("CMD%d: %v", c.Opcode, err)
		}
	}
	if _, err := b.mmc(8, 0, false, make([]byte, 512)); err == nil {
		t.Error("an SD card has an EXT_CSD")
	}
	r, err := b.d.Wires().MMC.Sequence(context.Background(), mmc.Command{Opcode: 51, Application: true, Data: make([]byte, 8)})
	if err != nil || r[0][0]&mmcErrors&^r1Illegal != 0 {
		t.Errorf("SCR: %X %v", r, err)
	}
}

func FuzzMMC(f *testing.F) {
	for _, c := range []uint32{0, 6, 7, 8, 9, 10, 13, 17, 18, 23, 24, 25, 30, 31, 32, 33, 35, 36, 38, 42, 51, 55} {
		f.Add(c, uint32(0), c == 24 || c == 25 || c == 42, false, []byte("data"))
		f.Add(c, switchTo(byte(c), 1), false, true, make([]byte, 512))
	}
	p, err := FindProfile("mmc-emmc")
	if err != nil {
		f.Fatal(err)
	}
	p.Units[0].KiB = 64
	sd := p
	sd.MMC = &MMCProfile{SD: true}
	f.Fuzz(func(t *testing.T, opcode, argument uint32, write, app bool, data []byte) {
		for _, p := range []Profile{p, sd} {
			d := newDrive(t, p, Options{})
			for range 2 {
				_, _ = d.Wires().MMC.Sequence(context.Background(),
					mmc.Command{Opcode: opcode, Argument: argument, Write: write, Application: app, Data: data},
					mmc.Command{Opcode: 35}, mmc.Command{Opcode: 36, Argument: argument}, mmc.Command{Opcode: 38, Argument: argument})
			}
			_ = d.Truth()
		}
	})
}
