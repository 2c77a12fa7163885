package drivesim

import (
	"strconv"
	"time"
)

// The sub-commands of SANITIZE DEVICE in the FEATURE field and their keys in
// the LBA field (ACS-4 7.36; ACS-3 7.34).
const (
	ataSanitizeStatus       = 0x0000
	ataSanitizeCrypto       = 0x0011
	ataSanitizeBlock        = 0x0012
	ataSanitizeOverwrite    = 0x0014
	ataSanitizeFreezeLock   = 0x0020
	ataSanitizeAntifreeze   = 0x0040
	ataSanitizeKeyCrypto    = 0x43727970 // "Cryp"
	ataSanitizeKeyBlock     = 0x426B4572 // "BkEr"
	ataSanitizeKeyOverwrite = 0x4F57     // "OW", LBA 47:32
	ataSanitizeKeyFreeze    = 0x46724C6B // "FrLk"
	ataSanitizeKeyAntiFrz   = 0x416E7469 // "Anti"
)

// SANITIZE DEVICE ERROR REASON, LBA 7:0 of an abort.
const (
	sanReasonNone        = 0
	sanReasonFailed      = 1
	sanReasonUnsupported = 2
	sanReasonFrozen      = 3
	sanReasonAntifrozen  = 4
)

// sanState is a state of the Sanitize Device state machine (ACS-4 4.17.9).
type sanState uint8

const (
	sd0 sanState = iota // Sanitize Idle
	sd1                 // Sanitize Frozen
	sd2                 // Sanitize In Progress
	sd3                 // Sanitize Operation Failed
	sd4                 // Sanitize Operation Succeeded
	sd5                 // Sanitize Antifreeze
)

func (s sanState) String() string { return "SD" + strconv.Itoa(int(s)) }

// ataSanitize is the Sanitize Device feature set of one drive.
type ataSanitize struct {
	supported                bool
	crypto, block, overwrite bool
	antifreeze               bool // SANITIZE ANTIFREEZE LOCK EXT is supported
	state                    sanState
	succeeded                bool // SANITIZE OPERATION COMPLETED WITHOUT ERROR, kept over power cycles
	unrestricted             bool // FAILURE MODE bit of the last operation
}

// ataSanitizeJob is an accepted sanitize operation.
type ataSanitizeJob struct {
	kind    uint16 // FEATURE
	passes  int
	pattern uint32
	invert  bool
}

// sanAnswer is the outcome of one SANITIZE DEVICE command.
type sanAnswer struct {
	ok     bool
	reason byte            // when not ok
	job    *ataSanitizeJob // an operation begins
	count  uint16          // output, when ok
	lba    uint64          // output, when ok
}

// command carries out one SANITIZE DEVICE command. progress is how far the
// operation in progress is, of 65536.
func (s *ataSanitize) command(feature, count uint16, lba uint64, progress uint16) sanAnswer {
	if !s.supported {
		return sanAnswer{reason: sanReasonNone}
	}
	switch feature {
	case ataSanitizeStatus:
		return s.status(count, progress)
	case ataSanitizeFreezeLock:
		switch {
		case lba != ataSanitizeKeyFreeze || s.state == sd2 || s.state == sd3:
			return sanAnswer{reason: sanReasonNone}
		case s.state == sd5:
			return sanAnswer{reason: sanReasonAntifrozen}
		}
		s.state = sd1
		return s.done(progress)
	case ataSanitizeAntifreeze:
		switch {
		case !s.antifreeze:
			return sanAnswer{reason: sanReasonUnsupported}
		case lba != ataSanitizeKeyAntiFrz || s.state == sd2 || s.state == sd3:
			return sanAnswer{reason: sanReasonNone}
		case s.state == sd1:
			return sanAnswer{reason: sanReasonFrozen}
		}
		s.state = sd5
		return s.done(progress)
	}
	return s.start(feature, count, lba)
}

func (s *ataSanitize) start(feature, count uint16, lba uint64) sanAnswer {
	job := ataSanitizeJob{kind: feature}
	var key bool
	switch {
	case feature == ataSanitizeCrypto && s.crypto:
		key = lba == ataSanitizeKeyCrypto
	case feature == ataSanitizeBlock && s.block:
		key = lba == ataSanitizeKeyBlock
	case feature == ataSanitizeOverwrite && s.overwrite:
		key = lba>>32 == ataSanitizeKeyOverwrite
		job.pattern, job.invert, job.passes = uint32(lba), count&0x80 != 0, int(count&0xF)
		if job.passes == 0 {
			job.passes = 16
		}
	default:
		return sanAnswer{reason: sanReasonUnsupported}
	}
	const failureMode = 0x10
	switch {
	case s.state == sd1:
		return sanAnswer{reason: sanReasonFrozen}
	case !key || s.state == sd2:
		return sanAnswer{reason: sanReasonNone}
	case s.state == sd3 && !s.unrestricted && count&failureMode != 0:
		// An operation that was started restricted is not repeated unrestricted.
		return sanAnswer{reason: sanReasonFailed}
	}
	s.state, s.succeeded, s.unrestricted = sd2, false, count&failureMode != 0
	a := s.done(0)
	a.job = &job
	return a
}

func (s *ataSanitize) status(count, progress uint16) sanAnswer {
	if s.state == sd3 && count&1 != 0 { // CLEAR SANITIZE OPERATION FAILED
		if !s.unrestricted {
			return sanAnswer{reason: sanReasonFailed}
		}
		s.state = sd0
	}
	if s.state == sd3 {
		return sanAnswer{reason: sanReasonFailed}
	}
	return s.done(progress)
}

// done is a completion without error, with the outputs every command has.
func (s *ataSanitize) done(progress uint16) sanAnswer {
	a := sanAnswer{ok: true, lba: 0xFFFF}
	for bit, on := range map[uint]bool{15: s.succeeded, 14: s.state == sd2, 13: s.state == sd1, 12: s.state == sd5} {
		if on {
			a.count |= 1 << bit
		}
	}
	if s.state == sd2 {
		a.lba = uint64(progress)
	}
	return a
}

// end is the end of the operation in progress.
func (s *ataSanitize) end(succeeded bool) {
	s.state, s.succeeded = sd3, succeeded
	if succeeded {
		s.state = sd4
	}
}

// powerOn forgets freezing; an operation in progress, and one that failed, go on.
func (s *ataSanitize) powerOn() {
	if s.state == sd1 || s.state == sd4 || s.state == sd5 {
		s.state = sd0
	}
}

// identify is the sanitize part of IDENTIFY DEVICE word 59.
func (s *ataSanitize) identify() uint16 {
	w := uint16(0)
	if !s.supported {
		return w
	}
	for bit, on := range map[uint]bool{10: s.antifreeze, 12: true, 13: s.crypto, 14: s.overwrite, 15: s.block} {
		if on {
			w |= 1 << bit
		}
	}
	return w
}

// progress65536 is the share of total that has passed, of 65536.
func progress65536(passed, total time.Duration) uint16 {
	if total <= 0 || passed >= total {
		return 0xFFFF
	}
	return uint16(float64(passed) / float64(total) * 65536)
}
