package drivesim

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

// tcgHost is a session of a test with a TPer.
type tcgHost struct {
	b        *bench
	tsn, hsn uint32
}

// trusted sends and receives by TRUSTED SEND and RECEIVE, or by SECURITY
// PROTOCOL OUT and IN where the drive speaks SCSI.
func (b *bench) trusted(protocol byte, comID uint16, out, in []byte) bool {
	b.t.Helper()
	if b.d.Profile().Protocol == "ata" {
		c := ataCommand{op: ataTrustedSend, feature: uint16(protocol), lba: uint64(comID) << 8, out: out}
		if in != nil {
			c.op = ataTrustedReceive
		}
		r, err := b.ata(c, in)
		return err == nil && !r.failed()
	}
	cdb := []byte{0xB5, protocol, byte(comID >> 8), byte(comID), 0x80, 0, 0, 0, 0, byte(len(out) / 512), 0, 0}
	if in != nil {
		cdb[0], cdb[9] = 0xA2, byte(len(in)/512)
	}
	r, err := b.scsi(cdb, out, in)
	return err == nil && r.Status == 0
}

// call invokes a method and returns what came back and its status.
func (h *tcgHost) call(on, method tcgUID, args func(w *tcgWriter)) ([]tcgValue, uint64) {
	h.b.t.Helper()
	w := (&tcgWriter{}).token(tcgCall).bytes(on.bytes()).bytes(method.bytes()).token(tcgStartList)
	if args != nil {
		args(w)
	}
	w.token(tcgEndList).status(0)
	items := h.exchange(w.b)
	if len(items) == 0 || items[len(items)-1].kind != tcgList || len(items[len(items)-1].list) != 3 {
		return items, tcgFail
	}
	return items, items[len(items)-1].list[0].n
}

func (h *tcgHost) exchange(payload []byte) []tcgValue {
	h.b.t.Helper()
	packet := tcgWrap(tcgBaseComID, h.tsn, h.hsn, payload)
	packet = append(packet, make([]byte, (512-len(packet)%512)%512)...)
	if !h.b.trusted(1, tcgBaseComID, packet, nil) {
		return nil
	}
	for range 100 {
		in := make([]byte, 2048)
		if !h.b.trusted(1, tcgBaseComID, nil, in) {
			return nil
		}
		if binary.BigEndian.Uint32(in[8:]) != 0 { // outstanding data: not ready
			_ = h.b.d.Wait(h.b.t.Context(), 1e9)
			continue
		}
		_, _, p, err := tcgUnwrap(in)
		if err != nil {
			return nil
		}
		items, err := tcgParse(p)
		if err != nil {
			h.b.t.Fatalf("answer % X: %v", p, err)
		}
		return items
	}
	return nil
}

// open starts a session; as 0 is Anybody.
func (b *bench) open(sp, as tcgUID, pin string) (*tcgHost, uint64) {
	b.t.Helper()
	h := &tcgHost{b: b}
	items, status := h.call(uidSessionManager, methodStartSession, func(w *tcgWriter) {
		w.uint(105).bytes(sp.bytes()).uint(1)
		if as != 0 {
			w.named(0, func() { w.bytes([]byte(pin)) })
			w.named(3, func() { w.bytes(as.bytes()) })
		}
	})
	if status == tcgSuccess && len(items) > 3 && len(items[3].list) == 2 {
		h.hsn, h.tsn = uint32(items[3].list[0].n), uint32(items[3].list[1].n)
	}
	return h, status
}

func (h *tcgHost) close() { h.exchange([]byte{tcgEndOfSession}) }

// msid reads the MSID as Anybody.
func (b *bench) msid() string {
	h, status := b.open(uidAdminSP, 0, "")
	if status != tcgSuccess {
		return ""
	}
	defer h.close()
	items, status := h.call(uidPinMSID, methodGet, func(w *tcgWriter) {
		w.token(tcgStartList).name(3, 3).name(4, 3).token(tcgEndList)
	})
	if status != tcgSuccess || len(items) == 0 || len(items[0].list) == 0 || len(items[0].list[0].list) == 0 {
		return ""
	}
	return string(items[0].list[0].list[0].list[1].bytes)
}

func (b *bench) tcgRevert(psid bool) outcome {
	as, pin := uidSID, b.msid()
	if psid {
		as, pin = uidPSID, b.d.Profile().TCG.PSID
	}
	h, status := b.open(uidAdminSP, as, pin)
	if status != tcgSuccess {
		return refused
	}
	switch _, status = h.call(uidAdminSP, methodRevert, nil); status {
	case tcgSuccess:
		return succeeded
	case tcgNotAuthorized:
		return refused
	}
	return failed
}

func TestTCGStreamsSurviveTheTrip(t *testing.T) {
	w := (&tcgWriter{}).uint(0).uint(63).uint(64).uint(1 << 40).bytes(nil).bytes(make([]byte, 15)).bytes(make([]byte, 16)).bytes(make([]byte, 3000))
	w.token(tcgStartList).named("PIN", func() { w.bytes([]byte("x")) }).name(3, 7).token(tcgEndList)
	items, err := tcgParse(w.b)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 9 || items[2].n != 64 || items[3].n != 1<<40 || len(items[7].bytes) != 3000 || items[8].list[0].list[0].label() != "PIN" || items[8].list[1].list[1].n != 7 {
		t.Errorf("came back as %+v", items)
	}
	for _, bad := range [][]byte{{0xF0}, {0xF2, 1, 0xF3}, {0xE4}, {0xA5, 1}, {0xD0}, {0xE2, 0, 0}, {0x80}, {0x89, 1, 2, 3, 4, 5, 6, 7, 8, 9}, bytes.Repeat([]byte{0xF0}, 40)} {
		if _, err := tcgParse(bad); err == nil {
			t.Errorf("% X is taken", bad)
		}
	}
}

func TestOpalIsRevertedWithTheMSID(t *testing.T) {
	b := newBench(t, "ata-ssd-opal-only")
	if got := b.msid(); got != "SIMMSID0001" {
		t.Fatalf("MSID %q", got)
	}
	if got := b.erase(inventory.TCGRevert); got != succeeded {
		t.Fatalf("revert: %s", got)
	}
	if n := b.d.Truth().OriginalBytes(Everything); n != 0 {
		t.Errorf("%d bytes of original data are left", n)
	}
}

func TestOpalWithAnUnknownPassword(t *testing.T) {
	b := newBench(t, "ata-ssd-opal-locked")
	if _, failed := readAll(t, b.d); failed == 0 {
		t.Error("a locked range is read")
	}
	if got := b.erase(inventory.TCGRevert); got != refused {
		t.Errorf("revert with the MSID: %s", got)
	}
	for range 4 {
		_, _ = b.open(uidAdminSP, uidSID, "wrong")
	}
	if _, status := b.open(uidAdminSP, uidSID, "nobody knows this"); status != tcgLockedOut {
		t.Errorf("after five tries: status %02Xh, want %02Xh", status, tcgLockedOut)
	}
	if n := b.d.Truth().OriginalBytes(Addressable); n == 0 {
		t.Fatal("erased by being refused")
	}
	if got := b.erase(inventory.TCGPSIDRevert); got != succeeded {
		t.Fatalf("PSID revert: %s", got)
	}
	data, failed := readAll(t, b.d)
	if failed != 0 || seenOriginal(data) != 0 || b.d.Truth().OriginalBytes(Everything) != 0 {
		t.Errorf("after PSID revert: %d failed, %d bytes seen", failed, seenOriginal(data))
	}
	if got := b.erase(inventory.TCGRevert); got != succeeded {
		t.Errorf("the SID is not the MSID again: %s", got)
	}
}

func TestBlockSID(t *testing.T) {
	b := newBench(t, "ata-ssd-opal-blocked")
	d := make([]byte, 512)
	if !b.trusted(1, 1, nil, d) {
		t.Fatal("no discovery")
	}
	found := false
	for p := d[48 : 4+binary.BigEndian.Uint32(d)]; len(p) >= 4; p = p[4+int(p[3]):] {
		if binary.BigEndian.Uint16(p) == 0x0402 {
			found = p[4] == 2
		}
	}
	if !found {
		t.Error("discovery does not say that the SID is blocked")
	}
	if got := b.erase(inventory.TCGRevert); got != refused {
		t.Errorf("revert by a blocked SID: %s", got)
	}
	if got := b.erase(inventory.TCGPSIDRevert); got != succeeded {
		t.Errorf("PSID revert: %s", got)
	}
	free := newBench(t, "ata-ssd-opal")
	free.trusted(2, 5, make([]byte, 512), nil)
	if got := free.erase(inventory.TCGRevert); got != refused {
		t.Errorf("revert after Block SID: %s", got)
	}
	free.d.PowerCycle()
	_, _ = free.scsi([]byte{0, 0, 0, 0, 0, 0}, nil, nil)
	if got := free.erase(inventory.TCGRevert); got != succeeded {
		t.Errorf("revert after a power cycle: %s", got)
	}
}

func TestReleasedOpalRangesBlockReadsAndWrites(t *testing.T) {
	b := newBench(t, "ata-ssd-opal")
	own, status := b.open(uidAdminSP, uidSID, b.msid())
	if status != tcgSuccess {
		t.Fatal(status)
	}
	if _, status = own.call(uidPinSID, methodSet, func(w *tcgWriter) {
		w.named(1, func() {
			w.token(tcgStartList).named(3, func() { w.bytes([]byte("owner")) }).token(tcgEndList)
		})
	}); status != tcgSuccess {
		t.Fatalf("set the SID's password: %02Xh", status)
	}
	if _, status = own.call(uidLockingSP, methodActivate, nil); status != tcgSuccess {
		t.Fatalf("activate: %02Xh", status)
	}
	own.close()
	admin, status := b.open(uidLockingSP, uidAdmin1, "owner")
	if status != tcgSuccess {
		t.Fatalf("Admin1 does not have the owner's password: %02Xh", status)
	}
	if _, status = admin.call(uidRange1, methodSet, func(w *tcgWriter) {
		w.named(1, func() {
			w.token(tcgStartList).name(3, 1024).name(4, 512).name(5, 1).name(6, 1).name(7, 1).name(8, 1).token(tcgEndList)
		})
	}); status != tcgSuccess {
		t.Fatalf("set range 1: %02Xh", status)
	}
	read := func(lba byte) bool {
		r, err := b.scsi([]byte{0x28, 0, 0, 0, 4, lba, 0, 0, 8, 0}, nil, make([]byte, 4096))
		return err == nil && r.Status == 0
	}
	if read(0x00) || read(0x10) {
		t.Error("a locked range is read")
	}
	r, _ := b.scsi([]byte{0x2A, 0, 0, 0, 4, 0, 0, 0, 8, 0}, make([]byte, 4096), nil)
	if key, asc, ascq := senseOf(r.Sense); key != skProtect || asc != 0x20 || ascq != 2 {
		t.Errorf("writing a locked range: sense %X/%02X/%02X", key, asc, ascq)
	}
	if b.must([]byte{0x28, 0, 0, 0, 3, 0xF8, 0, 0, 8, 0}, nil, make([]byte, 4096)); t.Failed() {
		t.Error("a block before the range is locked")
	}
	_, status = admin.call(uidRange1Key256, methodGenKey, nil)
	if status != tcgSuccess {
		t.Fatalf("generate a new key: %02Xh", status)
	}
	if got, want := b.d.Truth().Areas[0].OriginalBytes, int64(4096-256)<<10; got != want {
		t.Errorf("%d bytes of original data after a new key for range 1, want %d", got, want)
	}
	if _, status = admin.call(uidThisSP, methodRevertSP, func(w *tcgWriter) { w.name(0x060000, 1) }); status != tcgSuccess {
		t.Fatalf("RevertSP: %02Xh", status)
	}
	if n := b.d.Truth().Areas[0].OriginalBytes; n == 0 {
		t.Error("KeepGlobalRangeKey did not keep the key")
	}
	if !read(0x00) {
		t.Error("still locked after RevertSP")
	}
}

func TestEnterpriseSpeaksInWords(t *testing.T) {
	b := newBench(t, "sas-ssd-enterprise")
	h, status := b.open(uidAdminSP, 0, "")
	if status != tcgSuccess {
		t.Fatal(status)
	}
	items, status := h.call(uidPinMSID, methodGetEnt, func(w *tcgWriter) {
		w.token(tcgStartList)
		w.named("startColumn", func() { w.bytes([]byte("PIN")) })
		w.named("endColumn", func() { w.bytes([]byte("PIN")) })
		w.token(tcgEndList)
	})
	if status != tcgSuccess || string(items[0].list[0].list[0].list[0].list[1].bytes) != "SIMMSIDENT" {
		t.Fatalf("MSID: %02Xh %+v", status, items)
	}
	auth := func(who tcgUID, pin string) uint64 {
		items, status := h.call(uidThisSP, methodAuthenticateEnt, func(w *tcgWriter) {
			w.bytes(who.bytes()).named("Challenge", func() { w.bytes([]byte(pin)) })
		})
		if status != tcgSuccess || len(items[0].list) != 1 {
			return 99
		}
		return items[0].list[0].n
	}
	if got := auth(uidSID, "wrong"); got != 0 {
		t.Errorf("a wrong password: %d", got)
	}
	if got := auth(uidSID, "SIMMSIDENT"); got != 1 {
		t.Errorf("the right password: %d", got)
	}
	h.close()
	h, status = b.open(uidLockingSPEnt, 0, "")
	if status != tcgSuccess || auth(uidEraseMaster, "SIMMSIDENT") != 1 {
		t.Fatalf("EraseMaster: %02Xh", status)
	}
	if _, status = h.call(uidGlobalRange, methodErase, nil); status != tcgSuccess {
		t.Errorf("erase the global band: %02Xh", status)
	}
	if n := b.d.Truth().OriginalBytes(Everything); n != 0 {
		t.Errorf("%d bytes of original data are left", n)
	}
}

func TestPyrite(t *testing.T) {
	one := newBench(t, "ata-ssd-pyrite-1")
	if got := one.erase(inventory.TCGRevert); got != succeeded {
		t.Errorf("Pyrite 1 revert: %s", got)
	}
	if one.d.Truth().OriginalBytes(Addressable) == 0 {
		t.Error("Pyrite 1 has erased something")
	}
	two := newBench(t, "ata-ssd-pyrite-2")
	if got := two.erase(inventory.TCGRevert); got != succeeded || two.d.Truth().OriginalBytes(Everything) != 0 {
		t.Errorf("Pyrite 2 revert: %s, %d bytes left", got, two.d.Truth().OriginalBytes(Everything))
	}
}

func FuzzTPer(f *testing.F) {
	w := (&tcgWriter{}).token(tcgCall).bytes(uidSessionManager.bytes()).bytes(methodStartSession.bytes()).token(tcgStartList).uint(1).bytes(uidAdminSP.bytes()).uint(1).token(tcgEndList).status(0)
	f.Add(byte(1), uint16(tcgBaseComID), tcgWrap(tcgBaseComID, 0, 0, w.b))
	for _, m := range []tcgUID{methodGet, methodSet, methodRevert, methodRevertSP, methodActivate, methodGenKey, methodErase, methodAuthenticate} {
		w := (&tcgWriter{}).token(tcgCall).bytes(uidAdminSP.bytes()).bytes(m.bytes()).token(tcgStartList).name(3, 1).bytes(uidSID.bytes()).token(tcgEndList).status(0)
		f.Add(byte(1), uint16(tcgBaseComID), tcgWrap(tcgBaseComID, 0x1001, 1, w.b))
	}
	f.Add(byte(2), uint16(5), make([]byte, 512))
	p, err := FindProfile("ata-ssd-opal-only")
	if err != nil {
		f.Fatal(err)
	}
	p.Units[0].KiB = 64
	f.Fuzz(func(t *testing.T, protocol byte, comID uint16, data []byte) {
		d := newDrive(t, p, Options{})
		c := d.core
		c.mu.Lock()
		defer c.mu.Unlock()
		open := (&tcgWriter{}).token(tcgCall).bytes(uidSessionManager.bytes()).bytes(methodStartSession.bytes()).token(tcgStartList).uint(1).bytes(uidAdminSP.bytes()).uint(1)
		open.named(0, func() { open.bytes([]byte("SIMMSID0001")) }).named(3, func() { open.bytes(uidSID.bytes()) }).token(tcgEndList).status(0)
		c.tcg.ifSend(1, tcgBaseComID, tcgWrap(tcgBaseComID, 0, 0, open.b))
		c.tcg.ifSend(protocol, comID, data)
		c.tcg.ifRecv(protocol, comID, make([]byte, 512))
	})
}
