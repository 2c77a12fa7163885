package drivesim

import "encoding/binary"

// Sense keys (SPC-5 table 49).
const (
	skRecovered  = 0x1
	skNotReady   = 0x2
	skMedium     = 0x3
	skHardware   = 0x4
	skIllegal    = 0x5
	skAttention  = 0x6
	skProtect    = 0x7
	skAborted    = 0xB
	skMiscompare = 0xE
)

// scsiSense is what a drive says about a command: sense key, additional sense
// code and qualifier, and where one is known the progress of what it is doing.
type scsiSense struct {
	key, asc, ascq byte
	progress       *uint16 // of 65536
	info           *uint64 // the block at fault
}

// The senses that are given (SPC-5 annex F).
func sense(key, asc, ascq byte) *scsiSense { return &scsiSense{key: key, asc: asc, ascq: ascq} }

func senseInvalidOpcode() *scsiSense { return sense(skIllegal, 0x20, 0x00) }
func senseInvalidField() *scsiSense  { return sense(skIllegal, 0x24, 0x00) }
func senseInvalidParam() *scsiSense  { return sense(skIllegal, 0x26, 0x00) }
func senseParamLength() *scsiSense   { return sense(skIllegal, 0x1A, 0x00) }
func senseOutOfRange() *scsiSense    { return sense(skIllegal, 0x21, 0x00) }
func sensePowerOn() *scsiSense       { return sense(skAttention, 0x29, 0x00) }
func senseCapacity() *scsiSense      { return sense(skAttention, 0x2A, 0x09) }
func senseWriteProtect() *scsiSense  { return sense(skProtect, 0x27, 0x00) }
func senseLocked() *scsiSense        { return sense(skProtect, 0x20, 0x02) } // access denied - no access rights
func senseBadFormat() *scsiSense     { return sense(skMedium, 0x31, 0x00) }
func senseSanitizeFail() *scsiSense  { return sense(skMedium, 0x31, 0x03) }

// bytes encodes it in descriptor (72h) or fixed (70h) format (SPC-5 4.4).
func (s *scsiSense) bytes(descriptor bool) []byte {
	if descriptor {
		b := []byte{0x72, s.key, s.asc, s.ascq, 0, 0, 0, 0}
		if s.info != nil {
			b = append(b, 0x00, 0x0A, 0x80, 0)
			b = binary.BigEndian.AppendUint64(b, *s.info)
		}
		if s.progress != nil {
			b = append(b, 0x02, 0x06, 0, 0, 0x80, byte(*s.progress>>8), byte(*s.progress), 0)
		}
		b[7] = byte(len(b) - 8)
		return b
	}
	b := make([]byte, 18)
	b[0], b[2], b[7], b[12], b[13] = 0x70, s.key, 10, s.asc, s.ascq
	if s.info != nil && *s.info <= 0xFFFFFFFF {
		b[0] |= 0x80
		binary.BigEndian.PutUint32(b[3:], uint32(*s.info))
	}
	if s.progress != nil {
		b[15] = 0x80
		binary.BigEndian.PutUint16(b[16:], *s.progress)
	}
	return b
}
