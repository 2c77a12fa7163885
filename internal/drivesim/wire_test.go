package drivesim

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// bench is a test's own host: it speaks to a drive in bytes.
type bench struct {
	t testing.TB
	d *Drive
}

func newBench(t testing.TB, name string, change ...func(*Profile)) *bench {
	t.Helper()
	p, err := FindProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&p)
	}
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t, newDrive(t, p, Options{})}
	if p.Protocol != "mmc" {
		b.scsi([]byte{0x00, 0, 0, 0, 0, 0}, nil, nil) // takes the unit attention of power-on
	}
	return b
}

// scsi gives one command; data-out or room for data-in, not both.
func (b *bench) scsi(cdb, out, in []byte) (scsi.Response, error) {
	c := scsi.Command{CDB: cdb, Timeout: 100 * time.Hour}
	switch {
	case out != nil:
		c.Direction, c.Data = scsi.Out, out
	case in != nil:
		c.Direction, c.Data = scsi.In, in
	}
	return b.d.Wires().SCSI.Issue(context.Background(), c)
}

// must is scsi for commands that succeed.
func (b *bench) must(cdb, out, in []byte) {
	b.t.Helper()
	if r, err := b.scsi(cdb, out, in); err != nil || r.Status != scsi.Good {
		b.t.Fatalf("CDB % X: status %02Xh sense % X, %v", cdb, r.Status, r.Sense, err)
	}
}

// registers are what the drive's registers held after a command.
type registers struct {
	status, errorBits byte
	count             uint16
	lba               uint64
}

func (r registers) failed() bool { return r.status&1 != 0 }

// ata gives an ATA command by ATA PASS-THROUGH (16) with CK_COND on commands
// without data, and reads the registers out of descriptor sense.
func (b *bench) ata(c ataCommand, in []byte) (registers, error) {
	b.t.Helper()
	proto, flags := byte(satNonData), byte(0x20)
	switch {
	case in != nil:
		proto, flags = satPIOIn, 0x08|0x04|0x02
		c.count = uint16(len(in) / 512)
	case c.out != nil:
		proto, flags = satPIOOut, 0x04|0x02
		c.count = uint16(len(c.out) / 512)
	}
	cdb := make([]byte, 16)
	cdb[0], cdb[1], cdb[2] = 0x85, proto<<1, flags
	if c.ext {
		cdb[1] |= 1
		cdb[3], cdb[5] = byte(c.feature>>8), byte(c.count>>8)
		cdb[7], cdb[9], cdb[11] = byte(c.lba>>24), byte(c.lba>>32), byte(c.lba>>40)
	}
	cdb[4], cdb[6] = byte(c.feature), byte(c.count)
	cdb[8], cdb[10], cdb[12] = byte(c.lba), byte(c.lba>>8), byte(c.lba>>16)
	cdb[13], cdb[14] = c.device, c.op
	r, err := b.scsi(cdb, c.out, in)
	if key, _, _ := senseOf(r.Sense); err == nil && key == skAttention {
		r, err = b.scsi(cdb, c.out, in)
	}
	if err != nil {
		return registers{}, err
	}
	key, asc, _ := senseOf(r.Sense)
	switch {
	case key == skIllegal && (asc == 0x20 || asc == 0x24): // not the drive's answer
		return registers{status: 0x51, errorBits: ataABRT}, nil
	case r.Status == scsi.Good:
		return registers{status: 0x50}, nil
	case len(r.Sense) >= 22 && r.Sense[0] == 0x72 && r.Sense[8] == 0x09:
		s := r.Sense[8:]
		return registers{status: s[13], errorBits: s[3], count: uint16(s[4])<<8 | uint16(s[5]),
			lba: uint64(s[7]) | uint64(s[9])<<8 | uint64(s[11])<<16 | uint64(s[6])<<24 | uint64(s[8])<<32 | uint64(s[10])<<40}, nil
	case len(r.Sense) >= 18 && r.Sense[0] == 0x70 && b.d.core.front != nil && b.dialect() == satLibata61:
		s := r.Sense
		return registers{status: s[9], errorBits: s[8], count: uint16(s[11]), lba: uint64(s[17])}, nil
	case len(r.Sense) >= 18 && r.Sense[0]&0x7F == 0x70:
		s := r.Sense
		g := registers{status: s[4], errorBits: s[3], count: uint16(s[6]), lba: uint64(s[9]) | uint64(s[10])<<8 | uint64(s[11])<<16}
		// Fixed format tells of COUNT 15:8 only that it is not zero: which bit
		// of a sanitize status it is, only the progress tells.
		switch {
		case s[8]&0x40 != 0 && g.lba == 0xFFFF:
			g.count |= 0x8000
		case s[8]&0x40 != 0:
			g.count |= 0x4000
		}
		return g, nil
	}
	b.t.Fatalf("command %02Xh: sense % X", c.op, r.Sense)
	return registers{}, nil
}

func (b *bench) dialect() satDialect {
	w := b.d.Wires().SCSI.(scsiWire)
	if w.unit.c.lies(LieFixedSense) {
		return satFixed
	}
	return w.unit.dialect
}

// ok is ata for commands that succeed.
func (b *bench) ok(c ataCommand, in []byte) registers {
	b.t.Helper()
	r, err := b.ata(c, in)
	if err != nil || r.failed() {
		b.t.Fatalf("command %02Xh/%04Xh: status %02Xh error %02Xh lba %Xh, %v", c.op, c.feature, r.status, r.errorBits, r.lba, err)
	}
	return r
}

// identify is the IDENTIFY DEVICE data in words.
func (b *bench) identify() (w [256]uint16) {
	b.t.Helper()
	data := make([]byte, 512)
	b.ok(ataCommand{op: ataIdentify}, data)
	for i := range w {
		w[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	return w
}

// passwordBlock is the data of a security command.
func passwordBlock(control byte, password string) []byte {
	p := make([]byte, 512)
	p[0] = control
	copy(p[2:], password)
	return p
}

// outcome is how an erase ended, as far as its command set tells.
type outcome string

const (
	succeeded outcome = "succeeded"
	failed    outcome = "failed"
	refused   outcome = "refused"
	endless   outcome = "endless"
	unknown   outcome = "unknown"
)

// erase gives an erase command and sees it through, as a host would that
// believes what it is told. It finds the drive again after it went away.
func (b *bench) erase(e inventory.EraseCommand) outcome {
	b.t.Helper()
	switch e {
	case inventory.ATASanitizeCrypto:
		return b.ataSanitize(ataCommand{feature: 0x11, lba: 0x43727970})
	case inventory.ATASanitizeBlock:
		return b.ataSanitize(ataCommand{feature: 0x12, lba: 0x426B4572})
	case inventory.ATASanitizeOverwrite:
		return b.ataSanitize(ataCommand{feature: 0x14, count: 1, lba: 0x4F57<<32 | 0xA5A5A5A5})
	case inventory.ATASecurityErase:
		return b.securityErase(0)
	case inventory.ATASecurityEraseEnhanced:
		return b.securityErase(2)
	case inventory.SCSISanitizeCrypto:
		return b.scsiErase([]byte{0x48, 0xA3, 0, 0, 0, 0, 0, 0, 0, 0}, nil)
	case inventory.SCSISanitizeBlock:
		return b.scsiErase([]byte{0x48, 0xA2, 0, 0, 0, 0, 0, 0, 0, 0}, nil)
	case inventory.SCSISanitizeOverwrite:
		return b.scsiErase([]byte{0x48, 0xA1, 0, 0, 0, 0, 0, 0, 8, 0}, []byte{1, 0, 0, 4, 0x5A, 0x5A, 0x5A, 0x5A})
	case inventory.SCSIFormat:
		return b.scsiErase([]byte{0x04, 0x10, 0, 0, 0, 0}, []byte{0, 0x82, 0, 0})
	case inventory.TCGRevert, inventory.TCGPSIDRevert:
		return b.tcgRevert(e == inventory.TCGPSIDRevert)
	case inventory.MMCErase, inventory.MMCSecureErase, inventory.MMCSanitize, inventory.SDErase:
		return b.mmcErase(e)
	}
	b.t.Fatalf("no such command %s", e)
	return ""
}

func (b *bench) ataSanitize(c ataCommand) outcome {
	c.op, c.ext = ataSanitizeDevice, true
	r, err := b.ata(c, nil)
	if err != nil || r.failed() {
		return refused
	}
	for range 2000 {
		_ = b.d.Wait(context.Background(), time.Minute)
		r, err = b.ata(ataCommand{op: ataSanitizeDevice, ext: true}, nil)
		switch {
		case err != nil:
			if !b.again() {
				return unknown
			}
		case r.failed():
			return failed
		case r.count&0x4000 != 0:
		case r.count&0x8000 != 0:
			return succeeded
		default:
			return unknown
		}
	}
	return endless
}

// again finds the drive again once it is back.
func (b *bench) again() bool {
	for range 10 {
		if b.d.Refind(context.Background()) == nil {
			_, _ = b.scsi([]byte{0, 0, 0, 0, 0, 0}, nil, nil)
			return true
		}
		_ = b.d.Wait(context.Background(), time.Minute)
	}
	return false
}

func (b *bench) securityErase(control byte) outcome {
	for _, c := range []ataCommand{
		{op: ataSecuritySetPassword, out: passwordBlock(0, "test")},
		{op: ataSecurityErasePrepare},
		{op: ataSecurityEraseUnit, out: passwordBlock(control, "test")},
	} {
		r, err := b.ata(c, nil)
		switch {
		case err != nil && c.op == ataSecurityEraseUnit:
			if errors.Is(err, context.DeadlineExceeded) || !b.again() {
				return unknown
			}
			return unknown
		case err != nil || r.failed() && c.op != ataSecurityEraseUnit:
			return refused
		case r.failed():
			return failed
		}
	}
	return succeeded
}

func (b *bench) scsiErase(cdb, out []byte) outcome {
	r, err := b.scsi(cdb, out, nil)
	switch {
	case err != nil:
		return unknown
	case r.Status != scsi.Good:
		return refused
	}
	for range 2000 {
		_ = b.d.Wait(context.Background(), time.Minute)
		r, err = b.scsi([]byte{0, 0, 0, 0, 0, 0}, nil, nil)
		if err != nil {
			if !b.again() {
				return unknown
			}
			continue
		}
		key, asc, ascq := senseOf(r.Sense)
		switch {
		case r.Status == scsi.Good:
			return succeeded
		case key == skAttention, key == skNotReady && asc == 4 && (ascq == 4 || ascq == 0x1B):
		default:
			return failed
		}
	}
	return endless
}

// senseOf takes key and codes out of either format.
func senseOf(s []byte) (key, asc, ascq byte) {
	switch {
	case len(s) >= 14 && s[0]&0x7F == 0x70:
		return s[2] & 0xF, s[12], s[13]
	case len(s) >= 4 && s[0]&0x7F == 0x72:
		return s[1] & 0xF, s[2], s[3]
	}
	return 0, 0, 0
}
