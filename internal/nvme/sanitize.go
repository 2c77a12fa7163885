package nvme

import (
	"encoding/binary"
	"fmt"
)

// SANACT is the action of a Sanitize command, CDW10 bits 2:0 (NVMe Base 2.1
// figure 372).
type SANACT byte

// The actions.
const (
	ExitFailureMode       SANACT = 1
	BlockErase            SANACT = 2
	Overwrite             SANACT = 3
	CryptoErase           SANACT = 4
	ExitMediaVerification SANACT = 5
)

// Sanitize is a Sanitize command (NVMe Base 2.1 section 5.1.22). AUSE, which
// would let a failed sanitize be waved through, has no field and stays 0.
type Sanitize struct {
	Action SANACT
	// Passes of an overwrite, 1 to 16. In the command 0 means 16.
	Passes  int
	Invert  bool   // OIPBP: the pattern is inverted between passes
	Pattern uint32 // OVRPAT
	NDAS    bool   // no deallocation afterwards
	EMVS    bool   // media verification state afterwards; not with NDAS, nor Overwrite
	PREQ    bool   // purge by IEEE 2883 or fail
}

// Command is the command, or why there can be none like it.
func (s Sanitize) Command() (Command, error) {
	starts := s.Action == BlockErase || s.Action == Overwrite || s.Action == CryptoErase
	switch {
	case !starts && s.Action != ExitFailureMode && s.Action != ExitMediaVerification:
		return Command{}, fmt.Errorf("sanitize: there is no action %d", s.Action)
	case !starts && s != Sanitize{Action: s.Action}:
		return Command{}, fmt.Errorf("sanitize: action %d takes no options", s.Action)
	case s.Action == Overwrite && (s.Passes < 1 || s.Passes > 16):
		return Command{}, fmt.Errorf("sanitize: %d overwriting passes, 1 to 16 go", s.Passes)
	case s.Action != Overwrite && (s.Passes != 0 || s.Invert || s.Pattern != 0):
		return Command{}, fmt.Errorf("sanitize: action %d overwrites nothing", s.Action)
	case s.EMVS && (s.NDAS || s.Action == Overwrite):
		return Command{}, fmt.Errorf("sanitize: media verification goes neither with NDAS nor after an overwrite")
	}
	c := Command{Opcode: opSanitize, CDW10: uint32(s.Action), CDW11: s.Pattern}
	c.CDW10 |= uint32(s.Passes&0xF) << 4
	c.CDW10 |= bit(s.Invert, 8) | bit(s.NDAS, 9) | bit(s.EMVS, 10) | bit(s.PREQ, 11)
	return c, nil
}

func bit(set bool, n int) uint32 {
	if set {
		return 1 << n
	}
	return 0
}

// SOS is the outcome of the most recent sanitize, SSTAT bits 2:0.
type SOS byte

// The outcomes. Above 4 is reserved.
const (
	NeverSanitized SOS = 0
	Sanitized      SOS = 1
	// Sanitizing also covers media verification and the deallocation after
	// it: SANS tells them apart.
	Sanitizing SOS = 2
	Failed     SOS = 3
	// SanitizedDeallocated is a success: deallocation was to be left out
	// and was done.
	SanitizedDeallocated SOS = 4
)

// SANS is the state of the sanitize state machine, byte 36 bits 3:0. It is
// Idle also where the controller does not tell (SANICAP bit 3 clear).
type SANS byte

// The states that are told apart.
const (
	IdleState             SANS = 0
	MediaVerification     SANS = 5
	PostVerificationState SANS = 6
)

// NotTold is an estimate, in seconds, that the controller does not give.
const NotTold = 0xFFFFFFFF

// SanitizeLog is the Sanitize Status log page, 81h (NVMe Base 2.1 figure 291).
// It survives resets and power cycles: a success in it may be of last month.
type SanitizeLog struct {
	// SPROG is the progress in parts of 65536. It is FFFFh when nothing
	// runs and in media verification, so it says nothing without SOS.
	SPROG  uint16
	SSTAT  uint16
	SCDW10 uint32 // of the command that started the operation
	// Estimates in seconds, [NotTold] where there is none.
	ETO, ETBE, ETCE          uint32 // overwrite with 16 passes, block erase, crypto erase
	ETODMM, ETBENMM, ETCENMM uint32 // the same, with media modified afterwards (NODMMAS 2)
	ETPVDS                   uint32 // deallocation after media verification
	SSI                      byte
}

// SOS is the outcome.
func (l SanitizeLog) SOS() SOS { return SOS(l.SSTAT & 7) }

// Passes is how many overwriting passes are completed (OPC, bits 7:3).
func (l SanitizeLog) Passes() int { return int(l.SSTAT >> 3 & 0x1F) }

// GlobalDataErased reports that no user data were written since the last
// success, or ever (GDE, bit 8).
func (l SanitizeLog) GlobalDataErased() bool { return l.SSTAT&0x100 != 0 }

// VerificationCanceled reports that a reset ended media verification (MVCNCLD, bit 9).
func (l SanitizeLog) VerificationCanceled() bool { return l.SSTAT&0x200 != 0 }

// Purged reports that what was asked for with PREQ was done (PRGD, bit 11).
func (l SanitizeLog) Purged() bool { return l.SSTAT&0x800 != 0 }

// SANS is the state of the state machine.
func (l SanitizeLog) SANS() SANS { return SANS(l.SSI & 0xF) }

// Action is the action of the command that started the operation.
func (l SanitizeLog) Action() SANACT { return SANACT(l.SCDW10 & 7) }

// String is the answer as the record keeps it.
func (l SanitizeLog) String() string {
	return fmt.Sprintf("SSTAT %04Xh SPROG %04Xh SCDW10 %08Xh SSI %02Xh", l.SSTAT, l.SPROG, l.SCDW10, l.SSI)
}

const (
	sanitizeLog      = 0x81
	sanitizeLogBytes = 512
)

// ReadSanitizeLog asks for a [SanitizeLog].
func ReadSanitizeLog() Command { return getLog(sanitizeLog, sanitizeLogBytes) }

// ParseSanitizeLog decodes an answer to [ReadSanitizeLog].
func ParseSanitizeLog(b []byte) (SanitizeLog, error) {
	if len(b) < 37 {
		return SanitizeLog{}, fmt.Errorf("sanitize status log: %w: %d bytes", ErrShort, len(b))
	}
	le := binary.LittleEndian
	return SanitizeLog{
		SPROG: le.Uint16(b), SSTAT: le.Uint16(b[2:]), SCDW10: le.Uint32(b[4:]),
		ETO: le.Uint32(b[8:]), ETBE: le.Uint32(b[12:]), ETCE: le.Uint32(b[16:]),
		ETODMM: le.Uint32(b[20:]), ETBENMM: le.Uint32(b[24:]), ETCENMM: le.Uint32(b[28:]),
		ETPVDS: le.Uint32(b[32:]), SSI: b[36],
	}, nil
}
