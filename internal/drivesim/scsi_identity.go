package drivesim

import "encoding/binary"

// scsiIdentity is who a logical unit says it is.
type scsiIdentity struct {
	vendor, product, revision string
	serial                    string
	wwn                       uint64 // NAA; 0 for none
	rotation                  uint16 // MEDIUM ROTATION RATE, VPD B1h: 1 is not rotating, 0 not told
	removable                 bool
	descriptorSense           bool // D_SENSE
	hostManaged, hostAware    bool
	unmaps, zeroesUnmapped    bool          // LBPME, LBPRZ
	identifyPage              func() []byte // IDENTIFY DEVICE data for VPD 89h; nil without a SAT layer
	// serialNow is asked instead of serial where it may change.
	serialNow func() string
	// fewPages is a bridge that knows VPD 00h, 80h and 83h only.
	fewPages bool
}

// padded is s in n bytes, with spaces behind it.
func padded(s string, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	copy(b, s)
	return b
}

// inquiry answers INQUIRY (SPC-5 6.7) for the standard data and VPD pages.
func (id *scsiIdentity) inquiry(cdb []byte) ([]byte, *scsiSense) {
	deviceType := byte(0)
	if id.hostManaged {
		deviceType = 0x14
	}
	if cdb[1]&1 == 0 {
		if cdb[2] != 0 {
			return nil, senseInvalidField()
		}
		b := make([]byte, 96)
		b[0], b[2], b[3], b[4], b[7] = deviceType, 0x06, 0x02, 91, 0x02
		if id.removable {
			b[1] = 0x80
		}
		copy(b[8:], padded(id.vendor, 8))
		copy(b[16:], padded(id.product, 16))
		copy(b[32:], padded(id.revision, 4))
		return b, nil
	}
	page, ok := id.vpd(cdb[2])
	if !ok {
		return nil, senseInvalidField()
	}
	b := append([]byte{deviceType, cdb[2], byte(len(page) >> 8), byte(len(page))}, page...)
	return b, nil
}

func (id *scsiIdentity) vpd(code byte) ([]byte, bool) {
	switch code {
	case 0x00:
		pages := []byte{0x00, 0x80, 0x83}
		if id.identifyPage != nil {
			pages = append(pages, 0x89)
		}
		if !id.fewPages {
			pages = append(pages, 0xB0, 0xB1, 0xB2)
		}
		return pages, true
	case 0x80:
		return []byte(id.number()), true
	case 0x83:
		return id.designators(), true
	case 0x89:
		if id.identifyPage == nil {
			return nil, false
		}
		b := make([]byte, 568)
		copy(b[4:], padded("linux", 8))
		copy(b[12:], padded("libata", 16))
		copy(b[28:], padded("3.00", 4))
		b[32], b[36+1], b[36+2], b[36+3] = 0x34, 0, 0x50, 0 // the drive's signature FIS
		b[52] = ataIdentify
		copy(b[56:], id.identifyPage())
		return b, true
	case 0xB0, 0xB1, 0xB2:
		if id.fewPages {
			return nil, false
		}
	}
	switch code {
	case 0xB0: // Block Limits
		b := make([]byte, 60)
		binary.BigEndian.PutUint32(b[4:], 2048) // MAXIMUM TRANSFER LENGTH
		if id.unmaps {
			binary.BigEndian.PutUint32(b[16:], 1<<22)
			binary.BigEndian.PutUint32(b[20:], 64)
			binary.BigEndian.PutUint32(b[24:], 8)
		}
		return b, true
	case 0xB1: // Block Device Characteristics
		b := make([]byte, 60)
		binary.BigEndian.PutUint16(b, id.rotation)
		if id.hostAware {
			b[4] = 0x10
		}
		return b, true
	case 0xB2: // Logical Block Provisioning
		b := make([]byte, 4)
		if id.unmaps {
			b[1], b[2] = 0xA0, 0x01
			if id.zeroesUnmapped {
				b[1] |= 0x04
			}
		}
		return b, true
	}
	return nil, false
}

func (id *scsiIdentity) number() string {
	if id.serialNow != nil {
		return id.serialNow()
	}
	return id.serial
}

func (id *scsiIdentity) designators() []byte {
	var b []byte
	if id.wwn != 0 {
		b = append(b, 0x01, 0x03, 0, 8)
		b = binary.BigEndian.AppendUint64(b, id.wwn)
	}
	t10 := append(padded(id.vendor, 8), padded(id.product, 16)...)
	t10 = append(t10, id.number()...)
	b = append(b, 0x02, 0x01, 0, byte(len(t10)))
	return append(b, t10...)
}
