package drivesim

import (
	"encoding/binary"
	"errors"
	"io"
)

// dataBytes is how many bytes of the medium a block takes: what formatted
// blocks of 520 or 528 bytes have beyond that is not kept.
func (u *scsiUnit) dataBytes() int64 { return int64(u.area.blockBytes &^ (sectorBytes - 1)) }

func (u *scsiUnit) blockBytes() int { return u.area.blockBytes }

// blocks is how many a host can address.
func (u *scsiUnit) blocks() uint64 { return uint64(u.area.visibleBytes / u.dataBytes()) }

func (u *scsiUnit) writeProtected() bool { return u.caps.writeProtected || u.c.profile.ReadOnly }

func (u *scsiUnit) readCapacity10() scsiReply {
	b := make([]byte, 8)
	binary.BigEndian.PutUint32(b, uint32(min(u.blocks()-1, 0xFFFFFFFF)))
	binary.BigEndian.PutUint32(b[4:], uint32(u.blockBytes()))
	return u.good(b)
}

func (u *scsiUnit) readCapacity16() scsiReply {
	b := make([]byte, 32)
	binary.BigEndian.PutUint64(b, u.blocks()-1)
	binary.BigEndian.PutUint32(b[8:], uint32(u.blockBytes()))
	for n := u.blockBytes(); n < u.c.profile.PhysicalBlockBytes; n *= 2 {
		b[13]++
	}
	if u.identity.unmaps {
		b[14] = 0x80
		if u.identity.zeroesUnmapped {
			b[14] |= 0x40
		}
	}
	if u.zones != nil {
		b[12] |= 0x10 // RC BASIS 01b: the last block of all zones
	}
	return u.good(b)
}

// blockCommand is everything with a block address.
func (u *scsiUnit) blockCommand(cdb, out []byte) scsiReply {
	var lba uint64
	var n int
	switch cdb[0] {
	case 0x08, 0x0A:
		lba, n = uint64(binary.BigEndian.Uint32(cdb)&0x1FFFFF), int(cdb[4])
		if n == 0 {
			n = 256
		}
	case 0x28, 0x2A, 0x2F, 0x35, 0x41:
		lba, n = uint64(binary.BigEndian.Uint32(cdb[2:])), int(binary.BigEndian.Uint16(cdb[7:]))
	case 0xA8, 0xAA:
		lba, n = uint64(binary.BigEndian.Uint32(cdb[2:])), int(min(binary.BigEndian.Uint32(cdb[6:]), 1<<30))
	case 0x88, 0x8A, 0x8F, 0x91, 0x93:
		lba, n = binary.BigEndian.Uint64(cdb[2:]), int(min(binary.BigEndian.Uint32(cdb[10:]), 1<<30))
	case 0x42:
		return u.unmap(out)
	default:
		return u.refuse(senseInvalidOpcode())
	}
	if lba > u.blocks() || uint64(n) > u.blocks()-lba {
		return u.refuse(senseOutOfRange())
	}
	switch cdb[0] {
	case 0x08, 0x28, 0x88, 0xA8:
		return u.read(lba, n)
	case 0x0A, 0x2A, 0x8A, 0xAA:
		return u.write(lba, n, out)
	case 0x2F, 0x8F: // VERIFY: reads and compares with nothing
		r := u.read(lba, n)
		r.in = nil
		return r
	case 0x41, 0x93:
		return u.writeSame(cdb[1], lba, n, out)
	}
	if u.c.medium.cache.flush(u.c.medium) != nil { // SYNCHRONIZE CACHE
		return u.refuse(sense(skMedium, 0x0C, 0x00))
	}
	return u.good(nil)
}

// transferLimit bounds the memory that one command can ask for.
const transferLimit = 64 << 20

func (u *scsiUnit) read(lba uint64, n int) scsiReply {
	if int64(n)*int64(u.blockBytes()) > transferLimit {
		return u.refuse(senseInvalidField())
	}
	if s := u.zones.mayRead(lba, n); s != nil {
		return u.refuse(s)
	}
	size := u.dataBytes()
	b := make([]byte, int64(n)*size)
	if err := u.c.read(u.area, b, int64(lba)*size); err != nil {
		return u.refuse(u.mediumSense(err, lba, false))
	}
	if extra := int64(u.blockBytes()) - size; extra > 0 {
		wide := make([]byte, n*u.blockBytes())
		for i := range n {
			copy(wide[i*u.blockBytes():], b[int64(i)*size:int64(i+1)*size])
		}
		b = wide
	}
	return u.good(b)
}

func (u *scsiUnit) write(lba uint64, n int, out []byte) scsiReply {
	switch {
	case u.writeProtected():
		return u.refuse(senseWriteProtect())
	case len(out) < n*u.blockBytes():
		return u.refuse(senseInvalidField())
	}
	if s := u.zones.mayWrite(lba, n); s != nil {
		return u.refuse(s)
	}
	out = out[:n*u.blockBytes()]
	size := u.dataBytes()
	b := out
	if int64(u.blockBytes()) > size {
		b = make([]byte, 0, int64(n)*size)
		for i := range n {
			b = append(b, out[i*u.blockBytes():][:size]...)
		}
	}
	if err := u.writeBytes(b, int64(lba)*size); err != nil {
		return u.refuse(u.mediumSense(err, lba, true))
	}
	u.zones.wrote(lba, n)
	return scsiTook(u.good(nil), len(out))
}

// writeSame is WRITE SAME with UNMAP and NDOB.
func (u *scsiUnit) writeSame(flags byte, lba uint64, n int, out []byte) scsiReply {
	if n == 0 {
		n = int(min(u.blocks()-lba, 1<<30))
	}
	size := u.dataBytes()
	switch {
	case u.writeProtected():
		return u.refuse(senseWriteProtect())
	case u.zones != nil || u.personality == scsiUSBBridge:
		return u.refuse(senseInvalidOpcode())
	case flags&0x08 != 0:
		if !u.identity.unmaps {
			return u.refuse(senseInvalidField())
		}
		if err := u.c.usable(u.area, int64(lba)*size, n*int(size), true); err != nil {
			return u.refuse(u.mediumSense(err, lba, true))
		}
		u.c.unmapBytes(u.area, int64(lba)*size, int64(n)*size)
		return scsiTook(u.good(nil), min(len(out), u.blockBytes()))
	case flags&0x01 == 0 && len(out) < u.blockBytes() || int64(n)*size > transferLimit*16:
		return u.refuse(senseInvalidField())
	}
	block := make([]byte, size)
	if flags&0x01 == 0 {
		copy(block, out)
	}
	chunk := make([]byte, 0, 64*size)
	for range min(64, n) {
		chunk = append(chunk, block...)
	}
	for done := 0; done < n; done += 64 {
		part := chunk[:int64(min(64, n-done))*size]
		if err := u.c.write(u.area, part, int64(lba+uint64(done))*size); err != nil {
			return u.refuse(u.mediumSense(err, lba+uint64(done), true))
		}
	}
	return scsiTook(u.good(nil), min(len(out), u.blockBytes()))
}

// unmap is UNMAP; a bridge may take it and do nothing.
func (u *scsiUnit) unmap(out []byte) scsiReply {
	if !u.identity.unmaps {
		return u.refuse(senseInvalidOpcode())
	}
	if len(out) < 8 {
		return u.refuse(senseParamLength())
	}
	for b := out[8:]; len(b) >= 16; b = b[16:] {
		lba, n := binary.BigEndian.Uint64(b), uint64(binary.BigEndian.Uint32(b[8:]))
		if lba > u.blocks() || n > u.blocks()-lba {
			return u.refuse(senseOutOfRange())
		}
		if err := u.c.usable(u.area, int64(lba)*u.dataBytes(), int(n)*int(u.dataBytes()), true); err != nil {
			return u.refuse(u.mediumSense(err, lba, true))
		}
		if !u.caps.unmapDoesNot {
			u.c.unmapBytes(u.area, int64(lba)*u.dataBytes(), int64(n)*u.dataBytes())
		}
	}
	return scsiTook(u.good(nil), len(out))
}

// mediumSense says in SCSI what went wrong with blocks.
func (u *scsiUnit) mediumSense(err error, lba uint64, write bool) *scsiSense {
	switch {
	case errors.Is(err, errMedium), errors.Is(err, errGuard):
		s := sense(skMedium, 0x11, 0x00)
		if write {
			s = sense(skMedium, 0x0C, 0x00)
		}
		s.info = &lba
		return s
	case errors.Is(err, io.EOF):
		return senseOutOfRange()
	case u.c.tcg != nil && u.c.tcg.locked(u.area, int64(lba)*u.dataBytes(), u.dataBytes(), write):
		return senseLocked()
	}
	return sense(skAborted, 0x00, 0x00)
}
