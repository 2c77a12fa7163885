package drivesim

import "encoding/binary"

// modePages are the mode pages of a disk (SPC-5 and SBC-4).
func (u *scsiUnit) modePages(code byte) ([]byte, bool) {
	recovery := []byte{0x01, 0x0A, 0xC0, 8, 0, 0, 0, 0, 8, 0, 0, 0}
	caching := make([]byte, 20)
	caching[0], caching[1], caching[2] = 0x08, 0x12, 0x04
	control := []byte{0x0A, 0x0A, 0x02, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0}
	if u.identity.descriptorSense {
		control[2] |= 0x04
	}
	exceptions := []byte{0x1C, 0x0A, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	switch code {
	case 0x01:
		return recovery, true
	case 0x08:
		return caching, true
	case 0x0A:
		return control, true
	case 0x1C:
		return exceptions, true
	case 0x3F:
		all := append(recovery, caching...)
		return append(append(all, control...), exceptions...), true
	}
	return nil, false
}

// modeSense answers MODE SENSE (6) and (10) (SPC-5 6.13, 6.14).
func (u *scsiUnit) modeSense(cdb []byte) ([]byte, *scsiSense) {
	ten := cdb[0] == 0x5A
	if cdb[2]>>6 == 3 { // saved values
		return nil, sense(skIllegal, 0x39, 0x00)
	}
	pages, ok := u.modePages(cdb[2] & 0x3F)
	if !ok || cdb[3] != 0 && cdb[3] != 0xFF {
		return nil, senseInvalidField()
	}
	if cdb[2]>>6 == 1 { // changeable values: none but the block length
		masked := make([]byte, len(pages))
		for i := 0; i < len(pages); i += 2 + int(pages[i+1]) {
			copy(masked[i:], pages[i:i+2])
		}
		pages = masked
	}
	var descriptor []byte
	long := false
	if cdb[1]&0x08 == 0 { // DBD
		long = ten && cdb[1]&0x10 != 0 // LLBAA
		descriptor = u.blockDescriptor(cdb[2]>>6, long)
	}
	specific := byte(0x10) // DPOFUA
	if u.writeProtected() {
		specific |= 0x80
	}
	var head []byte
	if ten {
		head = []byte{0, 0, 0, specific, 0, 0, 0, byte(len(descriptor))}
		binary.BigEndian.PutUint16(head, uint16(6+len(descriptor)+len(pages)))
		if long {
			head[4] = 1 // LONGLBA
		}
	} else {
		head = []byte{byte(3 + len(descriptor) + len(pages)), 0, specific, byte(len(descriptor))}
	}
	return append(append(head, descriptor...), pages...), nil
}

// blockDescriptor is the number and length of blocks: 0 the current ones, 1 which
// of their bits can be changed, 2 those that the disk was made with.
func (u *scsiUnit) blockDescriptor(values byte, long bool) []byte {
	blocks, length := u.blocks(), uint32(u.blockBytes())
	switch {
	case u.ata != nil || u.caps.sameDescriptor:
	case values == 1:
		blocks, length = 1<<64-1, 0
		if u.caps.format {
			length = 1<<32 - 1
		}
	case values == 2:
		blocks = uint64(u.area.sizeBytes / u.dataBytes())
	}
	if long {
		b := make([]byte, 16)
		binary.BigEndian.PutUint64(b, blocks)
		binary.BigEndian.PutUint32(b[12:], length)
		return b
	}
	b := make([]byte, 8)
	binary.BigEndian.PutUint32(b, uint32(min(blocks, 1<<32-1)))
	binary.BigEndian.PutUint32(b[4:], length&0xFFFFFF)
	return b
}

// modeSelect takes MODE SELECT (6) and (10): the number of blocks can be changed
// at once, their length with the next FORMAT UNIT (SBC-4 6.5.2).
func (u *scsiUnit) modeSelect(cdb, out []byte) *scsiSense {
	head := 4
	if cdb[0] == 0x55 {
		head = 8
	}
	if len(out) == 0 {
		return nil
	}
	if len(out) < head {
		return senseParamLength()
	}
	descriptors := int(out[head-1])
	if cdb[0] == 0x55 {
		descriptors |= int(out[6]) << 8
		if out[4]&1 != 0 && descriptors == 16 { // LONGLBA
			if len(out) < head+16 {
				return senseParamLength()
			}
			return u.chooseBlocks(binary.BigEndian.Uint64(out[head:]), 1<<64-1, int(binary.BigEndian.Uint32(out[head+12:])))
		}
	}
	if descriptors == 0 {
		return nil
	}
	if descriptors != 8 || len(out) < head+8 {
		return senseInvalidParam()
	}
	return u.chooseBlocks(uint64(binary.BigEndian.Uint32(out[head:])), 1<<32-1, int(binary.BigEndian.Uint32(out[head+4:])&0xFFFFFF))
}

// grownDefects answers READ DEFECT DATA (12) with the head of the grown list,
// in long block format (SBC-4 5.19).
func (u *scsiUnit) grownDefects() []byte {
	b := make([]byte, 8)
	b[1] = 1<<3 | 3
	binary.BigEndian.PutUint32(b[4:], uint32(8*u.health.Reallocated))
	return b
}

// logSense answers LOG SENSE (SPC-5 6.9) for the pages a disk has.
func (u *scsiUnit) logSense(cdb []byte) ([]byte, *scsiSense) {
	page := cdb[2] & 0x3F
	parameter := func(b []byte, code uint16, data ...byte) []byte {
		b = binary.BigEndian.AppendUint16(b, code)
		return append(append(b, 0x03, byte(len(data))), data...)
	}
	var body []byte
	h := u.health
	switch page {
	case 0x00:
		body = []byte{0x00, 0x03, 0x0D, 0x0E}
		if h.SelfTestFailedAt > 0 {
			body = append(body, 0x10)
		}
		if u.identity.rotation == 1 {
			body = append(body, 0x11)
		}
		body = append(body, 0x15, 0x2F)
	case 0x03: // read errors: uncorrected
		body = parameter(nil, 6, 0, 0, 0, byte(h.Uncorrectable))
	case 0x0D:
		body = parameter(nil, 0, 0, 31)
		body = parameter(body, 1, 0, 65)
	case 0x0E:
		body = parameter(nil, 4, byte(h.Cycles>>24), byte(h.Cycles>>16), byte(h.Cycles>>8), byte(h.Cycles))
	case 0x10:
		if h.SelfTestFailedAt == 0 {
			return nil, senseInvalidField()
		}
		for code := range uint16(20) {
			test := make([]byte, 16)
			if code == 0 { // an extended one in the background, which failed in a segment
				test[0] = 2<<5 | 7
				binary.BigEndian.PutUint16(test[2:], uint16(h.SelfTestFailedAt))
			}
			body = parameter(body, code+1, test...)
		}
	case 0x11:
		if u.identity.rotation != 1 {
			return nil, senseInvalidField()
		}
		body = parameter(nil, 1, 0, 0, 0, byte(h.PercentUsed))
	case 0x15:
		minutes := uint32(h.Hours * 60)
		body = parameter(nil, 0, byte(minutes>>24), byte(minutes>>16), byte(minutes>>8), byte(minutes), 0, 0, 0, 0, 0, 0, 0, 0)
	case 0x2F:
		asc := byte(0)
		if h.Failing {
			asc = 0x5D
		}
		body = parameter(nil, 0, asc, 0, 31, 65)
	default:
		return nil, senseInvalidField()
	}
	return append([]byte{page, 0, byte(len(body) >> 8), byte(len(body))}, body...), nil
}
