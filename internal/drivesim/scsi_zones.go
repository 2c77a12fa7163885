package drivesim

import "encoding/binary"

// scsiZones are the zones of a host-managed drive (ZBC 4.3): each is written
// from its start on, in order. All are sequential write required.
type scsiZones struct {
	u       *scsiUnit
	size    uint64 // blocks
	pointer []uint64
}

// newZones makes zones that are full, as on a drive in use.
func newZones(u *scsiUnit, zoneBytes int64) *scsiZones {
	z := &scsiZones{u: u, size: uint64(zoneBytes / u.dataBytes())}
	for start := uint64(0); start < u.blocks(); start += z.size {
		z.pointer = append(z.pointer, min(start+z.size, u.blocks()))
	}
	return z
}

// reset empties every zone, as a sanitize does.
func (z *scsiZones) reset() {
	if z == nil {
		return
	}
	for i := range z.pointer {
		z.pointer[i] = uint64(i) * z.size
	}
}

// mayRead: with URSWRZ set reads are not restricted.
func (z *scsiZones) mayRead(uint64, int) *scsiSense { return nil }

// mayWrite allows writes that begin at a zone's write pointer and stay inside it.
func (z *scsiZones) mayWrite(lba uint64, n int) *scsiSense {
	if z == nil || n == 0 {
		return nil
	}
	i := lba / z.size
	if z.pointer[i] != lba || lba+uint64(n) > (i+1)*z.size {
		return sense(skIllegal, 0x21, 0x04) // unaligned write command
	}
	return nil
}

// writeBytes writes what the zones allow. The block layer's own writes, which
// know of no order, are refused for zoned drives as a whole (see access).
func (u *scsiUnit) writeBytes(b []byte, off int64) error {
	if u.zones == nil {
		return u.c.write(u.area, b, off)
	}
	if err := u.c.usable(u.area, off, len(b), false); err != nil {
		return err
	}
	u.c.moved(len(b))
	return u.c.medium.write(u.area, b, off)
}

func (z *scsiZones) wrote(lba uint64, n int) {
	if z != nil && n > 0 {
		z.pointer[lba/z.size] = lba + uint64(n)
	}
}

// zoneCommand is ZBC IN and OUT: REPORT ZONES and RESET WRITE POINTER.
func (u *scsiUnit) zoneCommand(cdb []byte) scsiReply {
	z := u.zones
	lba := binary.BigEndian.Uint64(cdb[2:])
	if cdb[0] == 0x94 {
		switch {
		case cdb[1]&0x1F != 0x04:
			return u.refuse(senseInvalidField())
		case cdb[14]&1 != 0:
			z.reset()
		case lba >= u.blocks() || lba%z.size != 0:
			return u.refuse(senseInvalidField())
		default:
			z.pointer[lba/z.size] = lba
			u.c.unmapBytes(u.area, int64(lba)*u.dataBytes(), int64(z.size)*u.dataBytes())
		}
		return u.good(nil)
	}
	if cdb[1]&0x1F != 0 {
		return u.refuse(senseInvalidField())
	}
	if lba >= u.blocks() {
		return u.refuse(senseOutOfRange())
	}
	b := make([]byte, 64)
	binary.BigEndian.PutUint64(b[8:], u.blocks()-1)
	for i := lba / z.size; i < uint64(len(z.pointer)); i++ {
		d := make([]byte, 64)
		start := i * z.size
		length := min(z.size, u.blocks()-start)
		d[0] = 0x02      // sequential write required
		d[1] = 0x01 << 4 // empty
		switch z.pointer[i] {
		case start:
		case start + length:
			d[1] = 0x0E << 4
		default:
			d[1] = 0x02 << 4 // implicitly open
		}
		binary.BigEndian.PutUint64(d[8:], length)
		binary.BigEndian.PutUint64(d[16:], start)
		binary.BigEndian.PutUint64(d[24:], z.pointer[i])
		b = append(b, d...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-64))
	return cut(u.good(b), int(binary.BigEndian.Uint32(cdb[10:])))
}
