package drivesim

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The methods (Core 2.01 table 242; Enterprise 1.01 has its own Get, Set and
// Authenticate).
const (
	methodProperties      tcgUID = 0x000000000000FF01
	methodStartSession    tcgUID = 0x000000000000FF02
	methodSyncSession     tcgUID = 0x000000000000FF03
	methodCloseSession    tcgUID = 0x000000000000FF06
	methodGetEnt          tcgUID = 0x0000000600000006
	methodSetEnt          tcgUID = 0x0000000600000007
	methodAuthenticateEnt tcgUID = 0x000000060000000C
	methodGenKey          tcgUID = 0x0000000600000010
	methodRevertSP        tcgUID = 0x0000000600000011
	methodGet             tcgUID = 0x0000000600000016
	methodSet             tcgUID = 0x0000000600000017
	methodAuthenticate    tcgUID = 0x000000060000001C
	methodRevert          tcgUID = 0x0000000600000202
	methodActivate        tcgUID = 0x0000000600000203
	methodRandom          tcgUID = 0x0000000600000601
	methodErase           tcgUID = 0x0000000600000803
)

// tcgArgs are a method's arguments: those in order, and those by name.
type tcgArgs struct {
	plain []tcgValue
	named map[string]tcgValue // by word, or by the decimal-free name "#3" for number 3
}

func newTCGArgs(list []tcgValue) tcgArgs {
	a := tcgArgs{named: map[string]tcgValue{}}
	a.add(list, true)
	return a
}

// add collects named values at any depth: Get and Set nest them in lists.
func (a *tcgArgs) add(list []tcgValue, top bool) {
	for _, v := range list {
		switch v.kind {
		case tcgNamed:
			a.named[v.list[0].label()] = v.list[1]
			if v.list[1].kind == tcgList {
				a.add(v.list[1].list, false)
			}
		case tcgList:
			a.add(v.list, false)
		case tcgUint, tcgBytes:
			if top {
				a.plain = append(a.plain, v)
			}
		}
	}
}

// label is a name as a key: Enterprise uses words where others use numbers.
func (v tcgValue) label() string {
	if v.kind == tcgBytes {
		return string(v.bytes)
	}
	return "#" + string(rune('A'+min(v.n, 1<<16)))
}

func tcgNumber(n uint64) string { return tcgValue{n: n}.label() }

// any is the first of the named arguments that is there.
func (a tcgArgs) any(names ...string) (tcgValue, bool) {
	for _, n := range names {
		if v, ok := a.named[n]; ok {
			return v, true
		}
	}
	return tcgValue{}, false
}

func (v tcgValue) uid() tcgUID {
	if v.kind != tcgBytes || len(v.bytes) != 8 {
		return 0
	}
	return tcgUID(binary.BigEndian.Uint64(v.bytes))
}

// handle answers one ComPacket; nil when there is nothing to say.
func (t *tcgTPer) handle(data []byte) []byte {
	tsn, hsn, payload, err := tcgUnwrap(data)
	if err != nil {
		return nil
	}
	items, err := tcgParse(payload)
	if err != nil || len(items) == 0 {
		return nil
	}
	if items[0].kind == tcgToken && items[0].n == tcgEndOfSession {
		if t.session == nil || tsn != t.session.tsn {
			return nil
		}
		t.session = nil
		return tcgWrap(tcgBaseComID, tsn, hsn, []byte{tcgEndOfSession})
	}
	if len(items) < 4 || items[0].kind != tcgToken || items[0].n != tcgCall || items[3].kind != tcgList {
		return nil
	}
	on, method, args := items[1].uid(), items[2].uid(), newTCGArgs(items[3].list)
	if on == uidSessionManager {
		return tcgWrap(tcgBaseComID, 0, 0, t.manager(method, args))
	}
	if t.session == nil || tsn != t.session.tsn || hsn != t.session.hsn {
		return tcgWrap(tcgBaseComID, 0, 0, t.closed(hsn, tsn))
	}
	w := &tcgWriter{}
	status := t.invoke(on, method, args, w)
	if status != tcgSuccess {
		w.b = nil
	}
	if len(w.b) == 0 {
		w.token(tcgStartList, tcgEndList)
	}
	return tcgWrap(tcgBaseComID, tsn, hsn, w.status(status).b)
}

// closed tells the host that there is no such session.
func (t *tcgTPer) closed(hsn, tsn uint32) []byte {
	w := (&tcgWriter{}).token(tcgCall).bytes(uidSessionManager.bytes()).bytes(methodCloseSession.bytes())
	return w.token(tcgStartList).uint(uint64(hsn)).uint(uint64(tsn)).token(tcgEndList).status(tcgSuccess).b
}

// manager carries out the session manager's methods.
func (t *tcgTPer) manager(method tcgUID, a tcgArgs) []byte {
	w := (&tcgWriter{}).token(tcgCall).bytes(uidSessionManager.bytes())
	switch method {
	case methodProperties:
		w.bytes(methodProperties.bytes()).token(tcgStartList, tcgStartList)
		for _, p := range []struct {
			name  string
			value uint64
		}{{"MaxComPacketSize", 66048}, {"MaxPacketSize", 66028}, {"MaxIndTokenSize", 65992}, {"MaxPackets", 1}, {"MaxSubpackets", 1}, {"MaxMethods", 1}, {"MaxSessions", 1}} {
			w.name(p.name, p.value)
		}
		return w.token(tcgEndList, tcgEndList).status(tcgSuccess).b
	case methodStartSession:
		hsn := uint64(0)
		if len(a.plain) > 0 {
			hsn = a.plain[0].n
		}
		status := t.startSession(a)
		tsn := uint64(0)
		if status == tcgSuccess {
			tsn = uint64(t.session.tsn)
		}
		w.bytes(methodSyncSession.bytes()).token(tcgStartList).uint(hsn).uint(tsn)
		return w.token(tcgEndList).status(status).b
	}
	return w.bytes(method.bytes()).token(tcgStartList, tcgEndList).status(tcgInvalid).b
}

func (t *tcgTPer) startSession(a tcgArgs) uint64 {
	if len(a.plain) < 3 {
		return tcgInvalid
	}
	sp := a.plain[1].uid()
	switch {
	case t.session != nil:
		return tcgNoSessions
	case sp == t.lockingSP() && !t.activated:
		return tcgInvalid
	case sp != uidAdminSP && sp != t.lockingSP():
		return tcgInvalid
	}
	s := &tcgSession{hsn: uint32(a.plain[0].n), sp: sp, writes: a.plain[2].n == 1}
	if who, ok := a.any(tcgNumber(3), "HostSigningAuthority"); ok && who.uid() != uidAnybody {
		challenge, _ := a.any(tcgNumber(0), "HostChallenge")
		if !t.belongs(who.uid(), sp) {
			return tcgInvalid
		}
		if status := t.check(who.uid(), challenge.bytes); status != tcgSuccess {
			return status
		}
		s.who = append(s.who, who.uid())
	}
	t.serial++
	s.tsn = 0x1000 + t.serial
	t.session = s
	return tcgSuccess
}

// belongs reports whether an authority is one of the SP's.
func (t *tcgTPer) belongs(who, sp tcgUID) bool {
	if sp == uidAdminSP {
		return who == uidSID || who == uidPSID && t.setup.PSID != ""
	}
	if t.setup.SSC == "enterprise" {
		return who == uidEraseMaster || who >= uidBandMaster0 && who < uidBandMaster0+tcgRanges
	}
	return who == uidAdmin1 || who == uidUser1
}

// is reports whether the session has authenticated one of the authorities.
func (t *tcgTPer) is(who ...tcgUID) bool {
	return slices.ContainsFunc(who, func(u tcgUID) bool { return slices.Contains(t.session.who, u) })
}

// invoke carries out a method within the session and writes its result.
func (t *tcgTPer) invoke(on, method tcgUID, a tcgArgs, w *tcgWriter) uint64 {
	switch method {
	case methodAuthenticate, methodAuthenticateEnt:
		return t.authenticate(a, w)
	case methodGet, methodGetEnt:
		return t.get(on, a, w)
	case methodSet, methodSetEnt:
		return t.set(on, a)
	case methodRandom:
		w.token(tcgStartList).bytes(make([]byte, 32)).token(tcgEndList)
		return tcgSuccess
	case methodActivate:
		if on != uidLockingSP || t.session.sp != uidAdminSP || !t.is(uidSID) {
			return tcgNotAuthorized
		}
		if !t.activated {
			t.activated = true
			t.pins[uidAdmin1].pin = bytes.Clone(t.pins[uidSID].pin)
		}
		return tcgSuccess
	case methodRevert:
		return t.revert(on)
	case methodRevertSP:
		return t.revertSP(a)
	case methodGenKey:
		return t.genKey(on)
	case methodErase:
		return t.eraseBand(on)
	}
	return tcgInvalid
}

func (t *tcgTPer) authenticate(a tcgArgs, w *tcgWriter) uint64 {
	if len(a.plain) < 1 {
		return tcgInvalid
	}
	who := a.plain[0].uid()
	if who == uidAnybody {
		w.token(tcgStartList).uint(1).token(tcgEndList)
		return tcgSuccess
	}
	if !t.belongs(who, t.session.sp) {
		return tcgInvalid
	}
	challenge, _ := a.any(tcgNumber(0), "Challenge")
	status := t.check(who, challenge.bytes)
	if status == tcgLockedOut {
		return status
	}
	ok := uint64(0)
	if status == tcgSuccess {
		ok = 1
		t.session.who = append(t.session.who, who)
	}
	w.token(tcgStartList).uint(ok).token(tcgEndList)
	return tcgSuccess
}

// revert is Revert in the Admin SP: of the whole TPer, or of the Locking SP.
func (t *tcgTPer) revert(on tcgUID) uint64 {
	if t.session.sp != uidAdminSP || !t.session.writes {
		return tcgNotAuthorized
	}
	switch {
	case on == uidAdminSP && t.is(uidSID, uidPSID):
	case on == t.lockingSP() && t.is(uidSID):
	default:
		return tcgNotAuthorized
	}
	if t.setup.StaysActivated {
		t.session = nil
		return tcgSuccess
	}
	t.forgetData()
	admin := t.pins[uidSID]
	t.factory()
	if on != uidAdminSP {
		t.pins[uidSID] = admin
	} else {
		t.session = nil
	}
	t.activated = t.setup.SSC == "enterprise"
	return tcgSuccess
}

// forgetData is what Revert does to the user data.
func (t *tcgTPer) forgetData() {
	switch {
	case t.setup.NotActivatedKeepsData && !t.activated:
	case t.setup.SSC == "pyrite-1":
	case t.setup.SSC == "pyrite-2":
		t.effects.remove(t.removal)
	default:
		t.effects.rekey(0, 0)
	}
}

// revertSP is RevertSP in the Locking SP by its Admin1, or in the Admin SP by its owner.
func (t *tcgTPer) revertSP(a tcgArgs) uint64 {
	if !t.session.writes {
		return tcgNotAuthorized
	}
	if t.session.sp == uidAdminSP {
		return t.revert(uidAdminSP)
	}
	if !t.is(uidAdmin1) {
		return tcgNotAuthorized
	}
	const keepGlobalRangeKey = 0x060000
	keep, _ := a.any(tcgNumber(keepGlobalRangeKey), "KeepGlobalRangeKey")
	if keep.n == 0 {
		t.forgetData()
	}
	admin := t.pins[uidSID]
	t.factory()
	t.pins[uidSID] = admin
	t.activated, t.session = false, nil
	return tcgSuccess
}

func (t *tcgTPer) genKey(on tcgUID) uint64 {
	if t.session.sp != t.lockingSP() || !t.is(uidAdmin1) {
		return tcgNotAuthorized
	}
	switch {
	case on == uidGlobalKey128 || on == uidGlobalKey256:
		t.effects.rekey(0, 0)
		return tcgSuccess
	case on >= uidRange1Key256 && on < uidRange1Key256+tcgRanges-1:
		return t.rekeyRange(int(on-uidRange1Key256) + 1)
	case on >= uidRange1Key128 && on < uidRange1Key128+tcgRanges-1:
		return t.rekeyRange(int(on-uidRange1Key128) + 1)
	}
	return tcgInvalid
}

func (t *tcgTPer) rekeyRange(i int) uint64 {
	if r := t.ranges[i]; r.length > 0 {
		t.effects.rekey(r.start, r.length)
	}
	return tcgSuccess
}

// eraseBand is Enterprise's Erase: a new key for one band, its BandMaster's
// password and its locks back to what they were when made.
func (t *tcgTPer) eraseBand(on tcgUID) uint64 {
	i, ok := t.rangeOf(on)
	if t.setup.SSC != "enterprise" || !ok {
		return tcgInvalid
	}
	if !t.is(uidEraseMaster) {
		return tcgNotAuthorized
	}
	if i == 0 {
		t.effects.rekey(0, 0)
	} else {
		t.rekeyRange(i)
	}
	t.ranges[i] = tcgRange{start: t.ranges[i].start, length: t.ranges[i].length}
	t.pins[uidBandMaster0+tcgUID(i)] = &tcgPIN{pin: []byte(t.setup.MSID)}
	return tcgSuccess
}

// rangeOf is the index of a Locking row.
func (t *tcgTPer) rangeOf(on tcgUID) (int, bool) {
	switch {
	case on == uidGlobalRange:
		return 0, true
	case t.setup.SSC == "enterprise" && on > uidGlobalRange && on < uidGlobalRange+tcgRanges:
		return int(on - uidGlobalRange), true
	case t.setup.SSC != "enterprise" && on >= uidRange1 && on < uidRange1+tcgRanges-1:
		return int(on-uidRange1) + 1, true
	}
	return 0, false
}
