package scsi

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sense is what a drive says beside a status (SPC-5, 4.4).
type Sense struct {
	// Key, ASC and ASCQ say what happened, as in 2h/04h/1Bh.
	Key, ASC, ASCQ byte
	// Deferred is true when it is about an earlier command (response codes
	// 71h and 73h): then it says nothing of the one that was just given.
	Deferred bool
	// Descriptor is true for descriptor format (72h, 73h), false for fixed.
	Descriptor bool
	// Progress is the numerator of a progress indication over 65536; -1
	// when there is none.
	Progress int
	// Information is the INFORMATION field, nil when it is not valid.
	Information *uint64
}

// The sense keys that are told apart (SPC-5 table 28).
const (
	NoSense        = 0x0
	RecoveredError = 0x1
	NotReady       = 0x2
	MediumError    = 0x3
	HardwareError  = 0x4
	IllegalRequest = 0x5
	UnitAttention  = 0x6
	DataProtect    = 0x7
	AbortedCommand = 0xb
)

// ErrNoSense means that a drive gave no sense data that could be read.
var ErrNoSense = errors.New("no sense data")

// ParseSense reads sense data of both formats. It does not read past the
// length that the data states.
func ParseSense(b []byte) (Sense, error) {
	if len(b) == 0 {
		return Sense{Progress: -1}, ErrNoSense
	}
	s := Sense{Progress: -1}
	switch b[0] & 0x7f {
	case 0x71:
		s.Deferred = true
		return s.fixed(b)
	case 0x70:
		return s.fixed(b)
	case 0x73:
		s.Deferred = true
		return s.descriptors(b)
	case 0x72:
		return s.descriptors(b)
	}
	return s, fmt.Errorf("%w: response code %02Xh", ErrNoSense, b[0]&0x7f)
}

// fixed reads fixed format (SPC-5, 4.4.3).
func (s Sense) fixed(b []byte) (Sense, error) {
	if len(b) < 8 {
		return s, fmt.Errorf("%w: %d bytes of fixed format", ErrNoSense, len(b))
	}
	b = b[:min(len(b), 8+int(b[7]))]
	s.Key = b[2] & 0x0f
	if b[0]&0x80 != 0 {
		v := uint64(binary.BigEndian.Uint32(b[3:]))
		s.Information = &v
	}
	if len(b) >= 14 {
		s.ASC, s.ASCQ = b[12], b[13]
	}
	if len(b) >= 18 {
		s.Progress = s.progress(b[15:18])
	}
	return s, nil
}

// progress reads the sense-key specific bytes, which hold a progress indication
// under NO SENSE and NOT READY only (SPC-5, 4.4.2.4).
func (s Sense) progress(sks []byte) int {
	if sks[0]&0x80 == 0 || s.Key != NoSense && s.Key != NotReady {
		return -1
	}
	return int(binary.BigEndian.Uint16(sks[1:]))
}

// descriptors reads descriptor format (SPC-5, 4.4.2).
func (s Sense) descriptors(b []byte) (Sense, error) {
	if len(b) < 8 {
		return s, fmt.Errorf("%w: %d bytes of descriptor format", ErrNoSense, len(b))
	}
	s.Descriptor = true
	s.Key, s.ASC, s.ASCQ = b[1]&0x0f, b[2], b[3]
	eachDescriptor(b, func(kind byte, d []byte) {
		switch {
		case kind == 0x00 && len(d) >= 12 && d[2]&0x80 != 0: // information
			v := binary.BigEndian.Uint64(d[4:])
			s.Information = &v
		case kind == 0x02 && len(d) >= 7: // sense key specific
			s.Progress = s.progress(d[4:7])
		case kind == 0x0a && len(d) >= 8 && s.Progress < 0: // another progress indication
			s.Progress = int(binary.BigEndian.Uint16(d[6:]))
		}
	})
	return s, nil
}

// eachDescriptor calls f for every whole descriptor of sense data.
func eachDescriptor(b []byte, f func(kind byte, d []byte)) {
	if len(b) < 8 {
		return
	}
	b = b[8:min(len(b), 8+int(b[7]))]
	for len(b) >= 2 {
		n := 2 + int(b[1])
		if n > len(b) {
			return
		}
		f(b[0], b[:n])
		b = b[n:]
	}
}

// Is reports whether the sense data are of this additional sense code.
func (s Sense) Is(asc, ascq byte) bool { return s.ASC == asc && s.ASCQ == ascq }

// ProgressPPM is the progress in parts per million; -1 when there is none.
func (s Sense) ProgressPPM() int64 {
	if s.Progress < 0 {
		return -1
	}
	return int64(s.Progress) * 1_000_000 / 65536
}

// String is the three numbers, with words where they are known.
func (s Sense) String() string {
	text := fmt.Sprintf("sense %Xh/%02Xh/%02Xh", s.Key, s.ASC, s.ASCQ)
	if w := s.words(); w != "" {
		text += " " + w
	}
	if s.Progress >= 0 {
		text += fmt.Sprintf(", progress %04Xh", s.Progress)
	}
	return text
}

// words are for the codes a technician meets (SPC-5 annex F).
func (s Sense) words() string {
	switch uint16(s.ASC)<<8 | uint16(s.ASCQ) {
	case 0x001d:
		return "ATA pass-through information available"
	case 0x0400:
		return "not ready"
	case 0x0401:
		return "becoming ready"
	case 0x0402:
		return "initializing command required"
	case 0x0404:
		return "format in progress"
	case 0x0409:
		return "self-test in progress"
	case 0x041b:
		return "sanitize in progress"
	case 0x2000:
		return "invalid command operation code"
	case 0x2400:
		return "invalid field in command"
	case 0x2600:
		return "invalid field in parameter list"
	case 0x2500:
		return "logical unit not supported"
	case 0x2700:
		return "write protected"
	case 0x2802:
		return "format layer may have changed"
	case 0x2900, 0x2901, 0x2902, 0x2903, 0x2904:
		return "power on or reset occurred"
	case 0x2a01:
		return "mode parameters changed"
	case 0x2a09:
		return "capacity data has changed"
	case 0x2c00:
		return "command sequence error"
	case 0x3100:
		return "medium format corrupted"
	case 0x3101:
		return "format command failed"
	case 0x3103:
		return "sanitize command failed"
	case 0x3a00:
		return "medium not present"
	case 0x4400:
		return "internal target failure"
	case 0x5d00:
		return "failure prediction threshold exceeded"
	case 0x7471:
		return "logical unit access not authorized"
	}
	return ""
}

// Reset reports whether it says that the drive lost power or was reset.
func (s Sense) Reset() bool { return s.Key == UnitAttention && s.ASC == 0x29 }
