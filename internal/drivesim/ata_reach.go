package drivesim

// ataReach is what limits how much of an ATA drive can be addressed: the Host
// Protected Area and the Device Configuration Overlay (ATA8-ACS 4.11 and 4.8)
// or the Accessible Max Address Configuration (ACS-3 4.5) which took their
// place. Addresses are of the last accessible sector.
type ataReach struct {
	hpa, hpaSecurity, dco, ama bool // the feature sets the drive has
	factory                    uint64
	native                     uint64 // after the DCO; equals factory without one
	kept                       uint64 // what SET MAX set for good, or AMA
	now                        uint64 // what reads reach

	setOnce     bool // a non-volatile SET MAX was done since power-on
	setByExt    bool // the last SET MAX since power-on was the 48-bit one
	setBy28     bool
	nativeRead  byte // READ NATIVE MAX command that came immediately before; 0 none
	dcoFrozen   bool
	amaFrozen   bool
	amaSet      bool // SET ACCESSIBLE MAX ADDRESS EXT was done since power-on
	setFrozen   bool
	setLocked   bool
	setPassword []byte
	setTries    int
}

// ataOutcome is the answer of a command that moves no state elsewhere.
type ataOutcome struct {
	errorBits  byte // 0 success; ataABRT, ataIDNF
	lba        uint64
	answersLBA bool // lba is an output
}

func (r *ataReach) powerOn() {
	r.now = r.kept
	r.setOnce, r.setByExt, r.setBy28, r.nativeRead = false, false, false, 0
	r.dcoFrozen, r.amaFrozen, r.amaSet, r.setFrozen = false, false, false, false
	r.setLocked, r.setTries = false, ataTries
}

// before is called for every command: READ NATIVE MAX must be the very last one.
func (r *ataReach) before() (native byte) {
	native, r.nativeRead = r.nativeRead, 0
	return native
}

func (r *ataReach) readNative(ext bool) ataOutcome {
	if !r.hpa {
		return ataOutcome{errorBits: ataABRT}
	}
	r.nativeRead = ataReadNativeMax
	lba := r.native
	if ext {
		r.nativeRead = ataReadNativeMaxExt
	} else if lba >= 1<<28-1 {
		lba = 1<<28 - 2
	}
	return ataOutcome{lba: lba, answersLBA: true}
}

// setMax is SET MAX ADDRESS and its EXT. keep is bit 0 of COUNT: the value is
// preserved over power cycles.
func (r *ataReach) setMax(ext, keep bool, lba uint64, native byte) ataOutcome {
	want := byte(ataReadNativeMax)
	if ext {
		want = ataReadNativeMaxExt
	}
	switch {
	case !r.hpa || native != want || r.setFrozen || r.setLocked || lba > r.native:
		return ataOutcome{errorBits: ataABRT}
	case ext && r.setBy28 || !ext && r.setByExt:
		return ataOutcome{errorBits: ataABRT}
	case keep && r.setOnce:
		return ataOutcome{errorBits: ataIDNF}
	}
	r.now = lba
	r.setByExt, r.setBy28 = ext, !ext
	if keep {
		r.kept, r.setOnce = lba, true
	}
	return ataOutcome{lba: lba, answersLBA: true}
}

// setMaxSecurity is the HPA security extension: SET PASSWORD, LOCK, UNLOCK and
// FREEZE LOCK in the FEATURE field of SET MAX.
func (r *ataReach) setMaxSecurity(feature byte, block []byte) ataOutcome {
	abort := ataOutcome{errorBits: ataABRT}
	if !r.hpa || !r.hpaSecurity || r.setFrozen {
		return abort
	}
	given := func() []byte {
		if len(block) < 2+ataPasswordBytes {
			return nil
		}
		return block[2 : 2+ataPasswordBytes]
	}
	switch feature {
	case 1:
		if r.setLocked || given() == nil {
			return abort
		}
		r.setPassword = append([]byte{}, given()...)
	case 2:
		if r.setPassword == nil {
			return abort
		}
		r.setLocked = true
	case 3:
		if r.setPassword == nil || r.setTries == 0 {
			return abort
		}
		if string(given()) != string(r.setPassword) {
			r.setTries--
			return abort
		}
		r.setLocked = false
	case 4:
		r.setFrozen = true
	default:
		return abort
	}
	return ataOutcome{}
}

// dcoCommand is DEVICE CONFIGURATION RESTORE, FREEZE LOCK, IDENTIFY and SET.
// data is what IDENTIFY returns.
func (r *ataReach) dcoCommand(feature byte, block []byte) (o ataOutcome, data []byte) {
	abort := ataOutcome{errorBits: ataABRT}
	if !r.dco || r.dcoFrozen {
		return abort, nil
	}
	hasHPA := r.kept != r.native || r.now != r.native
	switch feature {
	case 0xC0: // RESTORE
		if hasHPA {
			return abort, nil
		}
		r.native, r.kept, r.now = r.factory, r.factory, r.factory
	case 0xC1:
		r.dcoFrozen = true
	case 0xC2, 0xC4:
		return ataOutcome{}, r.dcoIdentify()
	case 0xC3, 0xC5:
		if hasHPA || len(block) < 512 || sum8(block[:512]) != 0 {
			return abort, nil
		}
		last := le64(block[6:])
		if last == 0 || last > r.native {
			return abort, nil
		}
		r.native, r.kept, r.now = last, last, last
	default:
		return abort, nil
	}
	return ataOutcome{}, nil
}

func (r *ataReach) dcoIdentify() []byte {
	b := make([]byte, 512)
	b[0] = 2 // data structure revision
	b[2], b[4] = 0x07, 0x7F
	for i := range 8 {
		b[6+i] = byte(r.factory >> (8 * i))
	}
	b[14], b[15] = 0xCF, 0x01
	b[510] = 0xA5
	b[511] = -sum8(b)
	return b
}

// amaCommand is GET NATIVE MAX ADDRESS EXT, SET ACCESSIBLE MAX ADDRESS EXT and
// FREEZE ACCESSIBLE MAX ADDRESS EXT.
func (r *ataReach) amaCommand(feature uint16, lba uint64) ataOutcome {
	abort := ataOutcome{errorBits: ataABRT}
	if !r.ama {
		return abort
	}
	switch feature {
	case 0:
		return ataOutcome{lba: r.factory, answersLBA: true}
	case 1:
		if r.amaFrozen || r.amaSet || lba > r.factory {
			return abort
		}
		r.kept, r.now, r.amaSet = lba, lba, true
		return ataOutcome{}
	case 2:
		r.amaFrozen = true
		return ataOutcome{}
	}
	return abort
}

func sum8(b []byte) byte {
	s := byte(0)
	for _, v := range b {
		s += v
	}
	return s
}
