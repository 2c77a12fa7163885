package drivesim

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// identify is IDENTIFY DEVICE data (ACS-4 7.13; words 82 to 87 of HPA and DCO
// from ATA8-ACS 7.16).
func (d *ataDrive) identify() []byte {
	c, p := d.c, d.c.profile
	w := [256]uint16{}
	text := func(at, words int, s string) {
		b := padded(s, 2*words)
		for i := range words {
			w[at+i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
		}
	}
	set := func(word int, bits ...uint) {
		for _, b := range bits {
			w[word] |= 1 << b
		}
	}
	on := func(yes bool, word int, bit uint) {
		if yes {
			set(word, bit)
		}
	}
	w[0] = 0x0040
	text(10, 10, padLeft(c.serial, 20))
	text(23, 4, p.Firmware)
	text(27, 20, p.Model)
	w[47], w[48], w[49], w[50], w[53] = 0x8001, 0x4000, 0x0F00, 0x4000, 0x0006
	on(c.tcg != nil, 48, 0)
	w[59] = 0x0110 | d.san.identify()
	last := d.reach.now + 1
	small := uint32(min(last, 1<<28-1))
	w[60], w[61] = uint16(small), uint16(small>>16)
	w[63], w[64] = 0x0007, 0x0003
	for i := 65; i <= 68; i++ {
		w[i] = 120
	}
	if d.p.Trim {
		on(c.medium.deallocated == 0, 69, 5)
		set(69, 14)
		w[105] = 8
		set(169, 0)
	}
	on(p.Encrypts, 69, 4)
	w[75], w[76], w[77], w[78], w[80] = 31, 0x850E, 0x0006, 0x004C, 0x07F0
	set(82, 0, 3, 5, 6, 12, 13, 14)
	on(d.sec.supported, 82, 1)
	on(d.p.HPA, 82, 10)
	set(83, 14, 10, 12, 13)
	on(d.p.DCO, 83, 11)
	on(d.p.HPA, 83, 8)
	set(84, 14, 0, 1, 5)
	w[85], w[86], w[87] = w[82], w[83]&^(1<<14|1<<8), w[84]
	on(true, 86, 15)
	if !d.sec.enabled() {
		w[85] &^= 2
	}
	w[88] = 0x407F
	w[89] = d.minutes(inventory.ATASecurityErase)
	w[90] = d.minutes(inventory.ATASecurityEraseEnhanced)
	if d.sec.supported {
		w[92] = d.sec.masterID
	}
	for i := range 4 {
		w[100+i] = uint16(last >> (16 * i))
	}
	d.identifySectors(&w)
	if n, ok := strings.CutPrefix(c.wwn, "naa."); ok {
		if v, err := strconv.ParseUint(n, 16, 64); err == nil {
			set(84, 8)
			set(87, 8)
			for i := range 4 {
				w[108+i] = uint16(v >> (48 - 16*i))
			}
		}
	}
	w[119], w[120] = 0x4000, 0x4000
	on(d.p.AMA, 119, 8)
	on(d.p.AMA, 120, 8)
	w[128] = d.sec.identify()
	w[206] = 0
	w[217] = d.p.rotation(p.Media)
	w[222] = 0x10FF
	b := make([]byte, 512)
	for i, v := range w {
		binary.LittleEndian.PutUint16(b[2*i:], v)
	}
	b[510] = 0xA5
	b[511] = -sum8(b)
	return b
}

func (d *ataDrive) identifySectors(w *[256]uint16) {
	logical, physical := d.area.blockBytes, max(d.c.profile.PhysicalBlockBytes, d.area.blockBytes)
	w[106] = 0x4000
	for n := logical; n < physical; n *= 2 {
		w[106]++
	}
	if physical > logical {
		w[106] |= 1 << 13
	}
	if logical > sectorBytes {
		w[106] |= 1 << 12
		w[117], w[118] = uint16(logical/2), 0
	}
}

// padLeft is how serial numbers often stand: to the right.
func padLeft(s string, n int) string { return strings.Repeat(" ", max(0, n-len(s))) + s }

// rotation is the NOMINAL MEDIA ROTATION RATE: 1 does not rotate.
func (p *ATAProfile) rotation(m inventory.Media) uint16 {
	switch {
	case p.RPM != 0:
		return p.RPM
	case m == inventory.MediaFlash:
		return 1
	case m == inventory.MediaMagnetic:
		return 7200
	}
	return 0
}

// minutes is the estimate of a SECURITY ERASE UNIT, in the form of words 89
// and 90: units of two minutes, and with bit 15 set in 15 bits of them.
func (d *ataDrive) minutes(e inventory.EraseCommand) uint16 {
	x, ok := d.c.eraser(e)
	if !ok || !d.sec.supported || x.EstimateSeconds == nil {
		return 0
	}
	units := (*x.EstimateSeconds + 119) / 120
	if units <= 254 {
		return uint16(units)
	}
	return 0x8000 | uint16(min(units, 0x7FFF))
}

// readLog is READ LOG EXT for the logs the drive has.
func (d *ataDrive) readLog(log byte, page uint16, pages int) ataAnswer {
	if pages == 0 {
		return ataBad(ataABRT)
	}
	var whole []byte
	switch log {
	case 0x00: // directory: how many pages each log has
		whole = make([]byte, 512)
		whole[0], whole[2*0x04], whole[2*0x06], whole[2*0x07], whole[2*0x30] = 1, 8, 1, 1, 2
	case 0x04:
		whole = d.statistics()
	case 0x07:
		whole = selfTestLog(d.p.Health, true)
	case 0x30:
		list := make([]byte, 512)
		list[0], list[8], list[9], list[10] = 1, 2, 0x00, 0x01
		whole = append(list, d.identify()...)
	default:
		return ataBad(ataABRT)
	}
	if (int(page)+pages)*512 > len(whole) {
		return ataBad(ataABRT)
	}
	return ataData(whole[int(page)*512 : (int(page)+pages)*512])
}

// statistics is the Device Statistics log: general statistics, and for flash
// the percentage used (ACS-4 9.5).
func (d *ataDrive) statistics() []byte {
	b := make([]byte, 8*512)
	h := d.p.Health
	put := func(page, at int, v int64) {
		binary.LittleEndian.PutUint64(b[page*512+at:], uint64(v)|0xC0<<56)
	}
	head := func(page int) { binary.LittleEndian.PutUint64(b[page*512:], uint64(page)<<16|1) }
	head(0)
	copy(b[8:], []byte{3, 0, 1, 7})
	head(1)
	put(1, 8, h.Cycles)
	put(1, 16, h.Hours)
	head(7)
	if d.c.profile.Media == inventory.MediaFlash {
		put(7, 8, h.PercentUsed)
	}
	return b
}

// smart is the SMART command with its subcommands (ACS-3 7.48).
func (d *ataDrive) smart(c ataCommand) ataAnswer {
	const signature = 0xC24F00
	if c.lba&0xFFFF00 != signature {
		return ataBad(ataABRT)
	}
	switch c.feature {
	case 0xD0:
		return ataData(d.smartData())
	case 0xD1:
		return ataData(smartThresholds())
	case 0xD5:
		switch c.lba & 0xFF {
		case 0:
			return d.readLog(0, 0, 1)
		case 6:
			return ataData(selfTestLog(d.p.Health, false))
		}
		return ataBad(ataABRT)
	case 0xD8, 0xD9:
		return ataGood()
	case 0xDA:
		a := ataGood()
		a.lba = signature
		if d.p.Health.Failing {
			a.lba = 0x2CF400
		}
		return a
	}
	return ataBad(ataABRT)
}

// smartNumbers are the attributes that it has, in their order.
func smartNumbers() []byte { return []byte{5, 9, 12, 187, 194, 197, 198, 199} }

// smartAttributes are the raw values of the usual attributes, by number.
func (d *ataDrive) smartAttributes() map[byte]uint64 {
	h := d.p.Health
	raw := map[byte]uint64{5: uint64(h.Reallocated), 9: uint64(h.Hours), 12: uint64(h.Cycles), 187: uint64(h.Uncorrectable), 194: 31,
		197: uint64(h.Pending), 198: uint64(h.Offline), 199: uint64(h.CRC)}
	if h.Nonsense {
		for _, id := range []byte{5, 9, 187, 197, 198} {
			raw[id] = 1<<48 - 1
		}
	}
	return raw
}

func (d *ataDrive) smartData() []byte {
	b := make([]byte, 512)
	b[0] = 0x10
	at := 2
	raw := d.smartAttributes()
	for _, id := range smartNumbers() {
		b[at], b[at+1], b[at+3], b[at+4] = id, 0x32, 100, 100
		if id == 5 && d.p.Health.Failing {
			b[at+3], b[at+4] = 5, 5
		}
		binary.LittleEndian.PutUint32(b[at+5:], uint32(raw[id]))
		binary.LittleEndian.PutUint16(b[at+9:], uint16(raw[id]>>32))
		at += 12
	}
	if d.p.Health.SelfTestFailedAt > 0 {
		b[363] = 0x79 // read failure, nine tenths left
	}
	b[367] = 0x7B
	b[511] = -sum8(b)
	return b
}

func smartThresholds() []byte {
	b := make([]byte, 512)
	b[0] = 0x10
	at := 2
	for _, id := range smartNumbers() {
		b[at] = id
		if id == 5 {
			b[at+1] = 10
		}
		at += 12
	}
	b[511] = -sum8(b)
	return b
}

// selfTestLog is the log of self-tests (ACS-4, SMART Self-Test log, or the
// extended one), with a short test that passed before the extended that failed.
func selfTestLog(h HealthProfile, extended bool) []byte {
	b := make([]byte, 512)
	b[0] = 1
	first, size, index := 2, 24, 508
	if extended {
		first, size, index = 4, 26, 2
	}
	if h.SelfTestFailedAt > 0 {
		b[index] = 2
		for i, e := range [][2]byte{{1, 0}, {2, 0x79}} {
			at := b[first+i*size:]
			at[0], at[1] = e[0], e[1]
			binary.LittleEndian.PutUint16(at[2:], uint16(h.SelfTestFailedAt))
			binary.LittleEndian.PutUint32(at[5:], uint32(4096*i))
		}
	}
	b[511] = -sum8(b)
	return b
}
