package drivesim

// tcgColumn is a cell of a row: Enterprise asks by word, the others by number.
type tcgColumn struct {
	number int
	word   string
	value  uint64
	bytes  []byte // instead of value
}

// rows gives the cells of a row that can be read by this session.
func (t *tcgTPer) row(on tcgUID) ([]tcgColumn, uint64) {
	flag := func(b bool) uint64 {
		if b {
			return 1
		}
		return 0
	}
	if i, ok := t.rangeOf(on); ok && t.session.sp == t.lockingSP() {
		r := t.ranges[i]
		return []tcgColumn{
			{number: 3, word: "RangeStart", value: r.start},
			{number: 4, word: "RangeLength", value: r.length},
			{number: 5, word: "ReadLockEnabled", value: flag(r.readLockOn)},
			{number: 6, word: "WriteLockEnabled", value: flag(r.writeOn)},
			{number: 7, word: "ReadLocked", value: flag(r.readLocked)},
			{number: 8, word: "WriteLocked", value: flag(r.writeLock)},
			{number: 9, word: "LockOnReset", value: flag(r.lockOnReset)},
		}, tcgSuccess
	}
	switch on {
	case uidPinMSID:
		return []tcgColumn{{number: 3, word: "PIN", bytes: []byte(t.setup.MSID)}}, tcgSuccess
	case uidPinSID:
		p := t.pins[uidSID]
		limit := t.setup.TryLimit
		if limit == 0 {
			limit = 5
		}
		return []tcgColumn{{number: 5, word: "TryLimit", value: uint64(limit)}, {number: 6, word: "Tries", value: uint64(p.tries)}, {number: 7, word: "Persistence"}}, tcgSuccess
	case t.lockingSP():
		state := uint64(8) // Manufactured-Inactive
		if t.activated {
			state = 9 // Manufactured
		}
		return []tcgColumn{{number: 6, word: "LifeCycleState", value: state}, {number: 7, word: "Frozen"}}, tcgSuccess
	case t.lockingInfo():
		encrypts := uint64(2)
		if t.setup.SSC == "pyrite-1" || t.setup.SSC == "pyrite-2" {
			encrypts = 0
		}
		return []tcgColumn{{number: 3, word: "EncryptSupport", value: encrypts}, {number: 4, word: "MaxRanges", value: tcgRanges - 1}}, tcgSuccess
	case uidMBRControl:
		return []tcgColumn{{number: 1, word: "Enable", value: flag(t.mbrOn)}, {number: 2, word: "Done"}}, tcgSuccess
	case uidDataRemoval:
		return []tcgColumn{{number: 1, word: "ActiveDataRemovalMechanism", value: uint64(t.removal)}}, tcgSuccess
	case uidGlobalRange, uidPinAdmin1, uidPinUser1, uidPinPSID, uidPinBandMaster0, uidPinEraseMaster:
		return nil, tcgNotAuthorized
	}
	return nil, tcgInvalid
}

// lockingInfo is where the drive has LockingInfo, by its class.
func (t *tcgTPer) lockingInfo() tcgUID {
	if t.setup.SSC == "enterprise" && !t.setup.OpalLockingInfo {
		return uidLockingInfoEnt
	}
	return uidLockingInfo
}

func (t *tcgTPer) get(on tcgUID, a tcgArgs, w *tcgWriter) uint64 {
	cells, status := t.row(on)
	if status != tcgSuccess {
		return status
	}
	first, last := uint64(0), uint64(1<<32)
	if v, ok := a.any(tcgNumber(3)); ok {
		first = v.n
	}
	if v, ok := a.any(tcgNumber(4)); ok {
		last = v.n
	}
	word, byWord := a.any("startColumn")
	inside := false
	w.token(tcgStartList)
	if byWord {
		w.token(tcgStartList)
	}
	w.token(tcgStartList)
	for _, c := range cells {
		name := any(c.number)
		if byWord {
			name = c.word
			inside = inside || c.word == string(word.bytes)
			if !inside {
				continue
			}
		} else if uint64(c.number) < first || uint64(c.number) > last {
			continue
		}
		w.named(name, func() {
			if c.bytes != nil {
				w.bytes(c.bytes)
			} else {
				w.uint(c.value)
			}
		})
		if end, ok := a.any("endColumn"); byWord && ok && c.word == string(end.bytes) {
			break
		}
	}
	w.token(tcgEndList)
	if byWord {
		w.token(tcgEndList)
	}
	w.token(tcgEndList)
	return tcgSuccess
}

// pinOwner is the authority whose password a C_PIN row holds.
func (t *tcgTPer) pinOwner(on tcgUID) (tcgUID, bool) {
	owner, ok := map[tcgUID]tcgUID{uidPinSID: uidSID, uidPinAdmin1: uidAdmin1, uidPinUser1: uidUser1, uidPinEraseMaster: uidEraseMaster}[on]
	if !ok && on >= uidPinBandMaster0 && on < uidPinBandMaster0+tcgRanges {
		return uidBandMaster0 + (on - uidPinBandMaster0), true
	}
	return owner, ok
}

func (t *tcgTPer) set(on tcgUID, a tcgArgs) uint64 {
	if !t.session.writes {
		return tcgNotAuthorized
	}
	if owner, ok := t.pinOwner(on); ok {
		if !t.belongs(owner, t.session.sp) || !t.is(owner) && !(t.session.sp == uidLockingSP && t.is(uidAdmin1)) {
			return tcgNotAuthorized
		}
		pin, ok := a.any(tcgNumber(3), "PIN")
		if !ok || pin.kind != tcgBytes || len(pin.bytes) > 32 {
			return tcgInvalid
		}
		t.pins[owner].pin = append([]byte{}, pin.bytes...)
		return tcgSuccess
	}
	if i, ok := t.rangeOf(on); ok && t.session.sp == t.lockingSP() {
		if !t.is(uidAdmin1, uidBandMaster0+tcgUID(i)) {
			return tcgNotAuthorized
		}
		t.setRange(&t.ranges[i], i == 0, a)
		return tcgSuccess
	}
	switch {
	case on == uidMBRControl && t.session.sp == t.lockingSP() && t.is(uidAdmin1):
		if v, ok := a.any(tcgNumber(1)); ok && v.kind == tcgUint {
			t.mbrOn = v.n != 0
		}
		return tcgSuccess
	case on == uidDataRemoval && t.session.sp == uidAdminSP && t.is(uidSID):
		v, ok := a.any(tcgNumber(1))
		// Only the one that the drive was made with is supported.
		if n, named := v, ok; !named || n.kind == tcgUint && n.n != uint64(t.removal) {
			return tcgInvalid
		}
		return tcgSuccess
	}
	return tcgNotAuthorized
}

func (t *tcgTPer) setRange(r *tcgRange, global bool, a tcgArgs) {
	number := func(to *uint64, col uint64, word string) {
		if v, ok := a.any(tcgNumber(col), word); ok && v.kind == tcgUint && !global {
			*to = min(v.n, 1<<48)
		}
	}
	// Column 1 names the list of values in Set; the range's own columns begin at 3.
	number(&r.start, 3, "RangeStart")
	number(&r.length, 4, "RangeLength")
	for _, f := range []struct {
		to   *bool
		col  uint64
		word string
	}{
		{&r.readLockOn, 5, "ReadLockEnabled"},
		{&r.writeOn, 6, "WriteLockEnabled"},
		{&r.readLocked, 7, "ReadLocked"},
		{&r.writeLock, 8, "WriteLocked"},
	} {
		if v, ok := a.any(tcgNumber(f.col), f.word); ok && v.kind == tcgUint {
			*f.to = v.n != 0
		}
	}
	if v, ok := a.any(tcgNumber(9), "LockOnReset"); ok {
		r.lockOnReset = v.kind == tcgList && len(v.list) > 0 || v.n != 0
	}
}
