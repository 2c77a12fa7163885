package drivesim

import "encoding/binary"

// Service actions of SANITIZE (SBC-4 table 87).
const (
	scsiSanitizeOverwrite = 0x01
	scsiSanitizeBlock     = 0x02
	scsiSanitizeCrypto    = 0x03
	scsiExitFailureMode   = 0x1F
)

// scsiErase is an accepted SANITIZE or FORMAT UNIT.
type scsiErase struct {
	action  byte // service action of SANITIZE; 0 for FORMAT UNIT
	immed   bool
	ause    bool // unrestricted completion, SANITIZE
	passes  int
	pattern []byte
	invert  bool
	format  bool
	// secure is the SI bit of FORMAT UNIT's initialization pattern.
	secure bool
	fast   bool // FFMT
}

// decodeSanitize takes a SANITIZE CDB and its parameters apart.
func decodeSanitize(cdb, out []byte) (scsiErase, *scsiSense) {
	e := scsiErase{action: cdb[1] & 0x1F, immed: cdb[1]&0x80 != 0, ause: cdb[1]&0x20 != 0, passes: 1}
	length := int(binary.BigEndian.Uint16(cdb[7:]))
	switch e.action {
	case scsiSanitizeOverwrite:
		if length < 5 || len(out) < length {
			return e, senseParamLength()
		}
		n := int(binary.BigEndian.Uint16(out[2:]))
		if n == 0 || n > length-4 {
			return e, senseInvalidParam()
		}
		e.passes, e.invert, e.pattern = int(out[0]&0x1F), out[0]&0x80 != 0, append([]byte{}, out[4:4+n]...)
		if e.passes == 0 {
			return e, senseInvalidParam()
		}
	case scsiSanitizeBlock, scsiSanitizeCrypto, scsiExitFailureMode:
		if length != 0 {
			return e, senseInvalidField()
		}
	default:
		return e, senseInvalidField()
	}
	return e, nil
}

// decodeFormat takes a FORMAT UNIT CDB and its parameters apart (SBC-4 5.4).
func decodeFormat(cdb, out []byte) (scsiErase, *scsiSense) {
	e := scsiErase{format: true, passes: 1, fast: cdb[4]&3 != 0}
	if cdb[1]&0x10 == 0 { // FMTDATA
		return e, nil
	}
	head := 4
	if cdb[1]&0x20 != 0 { // LONGLIST
		head = 8
	}
	if len(out) < head {
		return e, senseParamLength()
	}
	e.immed = out[1]&0x02 != 0
	if out[1]&0x08 != 0 { // IP
		if len(out) < head+4 {
			return e, senseParamLength()
		}
		e.secure = out[head]&0x20 != 0
		n := int(binary.BigEndian.Uint16(out[head+2:]))
		if out[head+1] == 1 {
			if n == 0 || len(out) < head+4+n {
				return e, senseParamLength()
			}
			e.pattern = append([]byte{}, out[head+4:head+4+n]...)
		}
	}
	return e, nil
}
