package drivesim

import "bytes"

// ataSecurity is the Security feature set of one ATA drive (ATA8-ACS 4.18,
// ACS-3 4.20), states SEC1, SEC2, SEC4, SEC5 and SEC6. SEC0 and SEC3 are the
// same with the power off.
type ataSecurity struct {
	supported bool
	enhanced  bool // IDENTIFY word 128 bit 5
	user      []byte
	master    []byte // nil compares equal to nothing
	masterID  uint16 // IDENTIFY word 92
	maximum   bool   // Master Password Capability: the master password can only erase
	locked    bool
	frozen    bool
	tries     int  // left until the attempt counter has expired
	prepared  bool // the command before was SECURITY ERASE PREPARE
}

// ataTries is the attempt counter's value after power-on (ATA8-ACS 4.18.7).
const ataTries = 5

// ataPasswordBytes is the length of a password in words 1 to 16.
const ataPasswordBytes = 32

func (s *ataSecurity) enabled() bool { return s.user != nil }

// state names the state by the standard's mnemonic.
func (s *ataSecurity) state() string {
	switch {
	case !s.enabled() && s.frozen:
		return "SEC2"
	case !s.enabled():
		return "SEC1"
	case s.locked:
		return "SEC4"
	case s.frozen:
		return "SEC6"
	}
	return "SEC5"
}

// powerOn is the transition out of SEC0 or SEC3.
func (s *ataSecurity) powerOn() {
	s.locked, s.frozen, s.prepared, s.tries = s.enabled(), false, false, ataTries
}

// identify is IDENTIFY DEVICE word 128.
func (s *ataSecurity) identify() uint16 {
	if !s.supported {
		return 0
	}
	w := uint16(1)
	for bit, on := range map[uint]bool{1: s.enabled(), 2: s.locked, 3: s.frozen, 4: s.tries == 0, 5: s.enhanced, 8: s.enabled() && s.maximum} {
		if on {
			w |= 1 << bit
		}
	}
	return w
}

// matches compares the password of a data block with the one it names.
func (s *ataSecurity) matches(block []byte) bool {
	given := block[2 : 2+ataPasswordBytes]
	if block[0]&1 != 0 {
		return s.master != nil && bytes.Equal(given, s.master)
	}
	return s.user != nil && bytes.Equal(given, s.user)
}

// ataErase is what an accepted SECURITY ERASE UNIT asks for.
type ataErase struct{ enhanced bool }

// command carries out one security command. ok false is a command abort. An
// erase that is not nil has been accepted: the drive is busy until finished is
// called. block is the 512 bytes that came with the command.
func (s *ataSecurity) command(op byte, block []byte) (erase *ataErase, ok bool) {
	prepared := s.prepared
	s.prepared = false
	if !s.supported || len(block) < 2+ataPasswordBytes && op != ataSecurityErasePrepare && op != ataSecurityFreezeLock {
		return nil, false
	}
	switch op {
	case ataSecuritySetPassword:
		if s.locked || s.frozen {
			return nil, false
		}
		password := bytes.Clone(block[2 : 2+ataPasswordBytes])
		if block[0]&1 != 0 {
			s.master = password
			if id := uint16(block[34]) | uint16(block[35])<<8; len(block) >= 36 && id != 0 && id != 0xFFFF && s.masterID != 0 {
				s.masterID = id
			}
			return nil, true
		}
		s.user, s.maximum = password, block[1]&1 != 0
		return nil, true
	case ataSecurityUnlock:
		if s.frozen || s.locked && s.tries == 0 {
			return nil, false
		}
		if !s.locked {
			return nil, true
		}
		if block[0]&1 != 0 && s.maximum || !s.matches(block) {
			s.tries--
			return nil, false
		}
		s.locked, s.tries = false, ataTries
		return nil, true
	case ataSecurityErasePrepare:
		s.prepared = !s.frozen
		return nil, !s.frozen
	case ataSecurityEraseUnit:
		enhanced := block[0]&2 != 0
		if s.frozen || !prepared || enhanced && !s.enhanced || s.locked && s.tries == 0 || !s.matches(block) {
			return nil, false
		}
		return &ataErase{enhanced: enhanced}, true
	case ataSecurityFreezeLock:
		if s.locked {
			return nil, false
		}
		s.frozen = true
		return nil, true
	case ataSecurityDisablePassword:
		if s.locked || s.frozen || block[0]&1 != 0 && s.maximum || !s.matches(block) {
			return nil, false
		}
		s.user, s.maximum = nil, false
		return nil, true
	}
	return nil, false
}

// finished is a SECURITY ERASE UNIT that ended well: the user password is gone
// and the lock with it, the master password stays (ACS-3 7.45).
func (s *ataSecurity) finished() { s.user, s.maximum, s.locked, s.tries = nil, false, false, ataTries }
