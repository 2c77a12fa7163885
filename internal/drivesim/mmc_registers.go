package drivesim

import (
	"encoding/binary"

	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/inventory"
)

// groupBytes is the size of an erase group: the high-capacity one of 512 KiB
// when ERASE_GROUP_DEF is set, else what the CSD says.
func (d *mmcCard) groupBytes() int64 {
	const small, large = 256 << 10, 512 << 10
	if d.groupDef {
		return large
	}
	return small
}

// cid is the Card Identification register (JESD84-B51 7.2; SD 5.2). Sequence
// number and name are made of serial and model.
func (d *mmcCard) cid() mmc.Response {
	b := make([]byte, 16)
	b[0] = 0x15
	copy(b[3:9], padded(d.c.profile.Model, 6))
	b[9] = 0x51
	h := uint32(2166136261)
	for i := range len(d.c.serial) {
		h = (h ^ uint32(d.c.serial[i])) * 16777619
	}
	binary.BigEndian.PutUint32(b[10:], h)
	b[14], b[15] = 0x49, 0x01
	return r2(b)
}

// csd is the Card-Specific Data register. An SD card gives its size here.
func (d *mmcCard) csd() mmc.Response {
	b := make([]byte, 16)
	b[0], b[1], b[3] = 0xD0, 0x27, 0x32
	b[4], b[5] = 0x0F, 0x59
	b[6], b[7], b[8] = 0x03, 0xFF, 0xC0 // C_SIZE FFFh: see SEC_COUNT
	if d.p.SD {
		// CSD version 1.0: blocks of 512 bytes, C_SIZE_MULT 0: units of 4 blocks.
		size := uint32(d.c.medium.areas[0].sizeBytes/(4*sectorBytes)) - 1
		b[0], b[6], b[7], b[8] = 0, byte(size>>10&3), byte(size>>2), byte(size<<6)
	}
	b[10] = 0x1F<<2 | 0x3 // ERASE_GRP_SIZE
	b[11] = 0xE0 | 0x0F   // ERASE_GRP_MULT
	if d.c.profile.ReadOnly {
		b[14] = 0x20 // PERM_WRITE_PROTECT
	}
	b[15] = 1
	return r2(b)
}

// r2 is a register of 128 bits as a response.
func r2(b []byte) mmc.Response {
	var r mmc.Response
	for i := range r {
		r[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return r
}

// extCSD is the Extended CSD register (JESD84-B51 7.4).
func (d *mmcCard) extCSD() []byte {
	b := make([]byte, 512)
	m := d.c.medium
	_, sanitize := d.c.eraser(inventory.MMCSanitize)
	_, secure := d.c.eraser(inventory.MMCSecureErase)
	b[173] = 0
	b[174] = d.bootWP[0] | d.bootWP[1]<<2 // BOOT_WP_STATUS
	if d.groupDef {
		b[175] = 1
	}
	b[179] = d.access3
	if m.deallocated&0xFF == 0xFF {
		b[181] = 1 // ERASED_MEM_CONT
	}
	b[192], b[194], b[196] = d.p.Revision, 2, 0x57
	b[160], b[162] = 0x07, 0x01
	for _, a := range m.areas {
		switch {
		case a.kind == userArea:
			binary.LittleEndian.PutUint32(b[212:], uint32(a.visibleBytes/sectorBytes))
		case a.kind == bootArea && a.number == 1:
			b[226] = byte(a.sizeBytes / (128 << 10))
		case a.kind == rpmbArea:
			b[168] = byte(a.sizeBytes / (128 << 10))
		}
	}
	b[221], b[223], b[224], b[228], b[230] = 1, 1, 1, 7, 10
	b[231] = 0x10 // SEC_GB_CL_EN: TRIM
	if secure {
		b[231] |= 0x05
	}
	if sanitize {
		b[231] |= 0x40
	}
	if e, ok := d.c.eraser(inventory.MMCErase); ok {
		// 300 ms for each erase group, as long as the profile's whole takes.
		groups := max(1, m.areas[0].visibleBytes/(512<<10))
		b[223] = byte(min(255, max(1, int64(e.Seconds/0.3)/groups)))
	}
	copy(b[254:262], padded(d.c.profile.Firmware, 8))
	b[267], b[268], b[269] = max(d.p.PreEOL, 1), max(d.p.Life, 1), max(d.p.Life, 1)
	b[502], b[503], b[504] = 1, 0, 1
	return b
}

// mmcSwitch is CMD6: access in bits 25:24, index in 23:16, value in 15:8.
func (d *mmcCard) mmcSwitch(argument uint32) (mmc.Response, bool) {
	access, index, value := argument>>24&3, byte(argument>>16), byte(argument>>8)
	now := d.extCSD()[index:]
	switch access {
	case 1:
		value |= now[0]
	case 2:
		value = now[0] &^ value
	case 0:
		return d.r1(0), true
	}
	failed := false
	switch index {
	case 165: // SANITIZE_START
		failed = !d.sanitize()
	case 173: // BOOT_WP
		for i := range d.bootWP {
			switch {
			case value&0x80 != 0 && int(value>>1&1) != i: // only the one chosen
			case value&0x04 != 0:
				d.bootWP[i] = 2
			case value&0x01 != 0:
				d.bootWP[i] = max(d.bootWP[i], 1)
			}
		}
	case 175:
		d.groupDef = value&1 != 0
	case 179:
		if value&7 > 3 {
			failed = true
			break
		}
		d.access3 = value & 7
	case 32: // FLUSH_CACHE
		failed = d.c.medium.cache.flush(d.c.medium) != nil
	case 33, 34, 161, 163, 183, 185, 187:
	default:
		failed = true
	}
	if failed {
		return d.r1(r1SwitchError), true
	}
	return d.r1(0), true
}

// sanitize is SANITIZE_START: what is not mapped any more is erased for good.
// Mapped data stays (JESD84-B51 6.6.11).
func (d *mmcCard) sanitize() bool {
	e, ok := d.c.eraser(inventory.MMCSanitize)
	if !ok || d.c.lies(LieUnsupported) {
		return false
	}
	d.run(inventory.MMCSanitize, e.duration(), func() {
		if d.c.lies(LieSkipsSpare) || d.c.lies(LieUnmapsOnly) {
			return
		}
		m := d.c.medium
		for i := range m.pages {
			if g := &m.pages[i]; g.state != pageLive {
				m.erase(int32(i), m.erased)
			}
		}
		m.settle()
	})
	return true
}

// sdStatus is the SD Status register of 64 bytes (SD 4.10.2): speed class,
// AU of 4 MiB and how long erasing one takes.
func (d *mmcCard) sdStatus() []byte {
	b := make([]byte, 64)
	b[0], b[8], b[10], b[12], b[13] = 0x80, 0x04, 0x90, 0x01, 0x04
	return b
}

// writeProtection is CMD30 and CMD31: of groups, by bits and by type.
func (d *mmcCard) writeProtection(a *area, cmd mmc.Command) (mmc.Response, bool) {
	if d.p.SD {
		return d.illegal()
	}
	b := make([]byte, 4)
	if cmd.Opcode == 31 {
		b = make([]byte, 8)
	}
	if d.protected(a) {
		for i := range b {
			b[i] = 0xFF
			if cmd.Opcode == 31 {
				b[i] = 0xAA // power-on protection
			}
		}
	}
	return d.data(cmd, b)
}

// rpmbState is the replay protected memory block of a device whose key nobody
// here has (JESD84-B51 6.6.22).
type rpmbState struct {
	request uint16
	counter uint32
}

func (d *mmcCard) rpmbTransfer(cmd mmc.Command) (mmc.Response, bool) {
	if len(cmd.Data) < sectorBytes {
		return d.r1(r1Error), true
	}
	frame := cmd.Data[:sectorBytes]
	if cmd.Write {
		d.rpmb.request = binary.BigEndian.Uint16(frame[510:])
		return d.r1(0), true
	}
	clear(frame)
	result := uint16(0)
	switch d.rpmb.request {
	case 1, 3: // program key, authenticated write: authentication failure
		result = 2
	case 2:
		binary.BigEndian.PutUint32(frame[500:], d.rpmb.counter)
	case 4: // reading is free; what is in it is not authenticated here
		a := d.c.medium.areas[len(d.c.medium.areas)-1]
		var sector [sectorBytes]byte
		if a.kind == rpmbArea && d.c.medium.read(a, sector[:], 0) == nil {
			copy(frame[228:484], sector[:256])
		}
	default:
		result = 1
	}
	binary.BigEndian.PutUint16(frame[508:], result)
	binary.BigEndian.PutUint16(frame[510:], d.rpmb.request<<8)
	return d.r1(0), true
}
