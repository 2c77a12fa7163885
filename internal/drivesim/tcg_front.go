package drivesim

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/inventory"
)

// tcgFront joins a TPer to its drive.
type tcgFront struct {
	*tcgTPer
	c *core
	// job is an erase that a method has started; its answer is held back.
	job    *job
	failed bool
}

func newTCGFront(c *core) (securityProtocol, error) {
	p := *c.profile.TCG
	switch p.SSC {
	case "opal-1", "opal-2", "pyrite-1", "pyrite-2", "enterprise", "ruby":
	default:
		return nil, fmt.Errorf("tcg: ssc %q", p.SSC)
	}
	pyrite := p.SSC == "pyrite-1" || p.SSC == "pyrite-2"
	switch {
	case p.MSID == "" || max(len(p.MSID), len(p.PSID), len(p.SID), len(p.Admin1)) > 32:
		return nil, errors.New("tcg: an msid of 1 to 32 bytes is needed, and no longer password")
	case !pyrite && !c.profile.Encrypts:
		return nil, fmt.Errorf("tcg: %s drives encrypt", p.SSC)
	case p.Removal > 2 || p.Removal == 2 && !c.profile.Encrypts:
		return nil, errors.New("tcg: removal is none of 0, 1, and on drives that encrypt 2")
	}
	f := &tcgFront{c: c}
	f.tcgTPer = newTPer(p, tcgEffects{rekey: f.rekey, remove: f.remove})
	return f, nil
}

func (f *tcgFront) ifSend(protocol byte, comID uint16, data []byte) bool {
	if f.c.lies(LieAborts) {
		return false
	}
	return f.send(protocol, comID, data)
}

func (f *tcgFront) ifRecv(protocol byte, comID uint16, data []byte) bool {
	if f.c.lies(LieAborts) {
		return false
	}
	if protocol == 1 && comID == tcgBaseComID && f.job != nil {
		if f.c.running() == f.job { // not ready: come again
			clear(data)
			head := make([]byte, 20)
			binary.BigEndian.PutUint16(head[4:], comID)
			binary.BigEndian.PutUint32(head[8:], 1)
			copy(data, head)
			return true
		}
		f.job = nil
	}
	if f.failed && protocol == 1 && comID == tcgBaseComID {
		if a := f.answers[comID]; len(a) >= 28 {
			w := (&tcgWriter{}).token(tcgStartList, tcgEndList).status(tcgFail)
			f.answers[comID] = tcgWrap(comID, binary.BigEndian.Uint32(a[20:]), binary.BigEndian.Uint32(a[24:]), w.b)
		}
		f.failed = false
	}
	b, ok := f.receive(protocol, comID, len(data))
	if ok {
		copy(data, b)
	}
	return ok
}

func (f *tcgFront) powerOn() {
	f.tcgTPer.powerOn()
	f.job, f.failed = nil, false
}

// reset ends the session; what is locked and blocked stays so.
func (f *tcgFront) reset() { f.session, f.answers = nil, map[uint16][]byte{} }

func (f *tcgFront) locked(a *area, off, lengthBytes int64, write bool) bool {
	if a.kind != userArea {
		return false
	}
	b := int64(a.blockBytes &^ (sectorBytes - 1))
	return f.denies(uint64(off/b), uint64((lengthBytes+b-1)/b), write)
}

// begin runs an erase for a method.
func (f *tcgFront) begin(j job) {
	if f.c.running() != nil {
		f.failed = true
		return
	}
	j.command, j.spare = inventory.TCGRevert, true
	j.done = func(ok bool) { f.failed = f.failed || !ok }
	e, ok := f.c.eraser(inventory.TCGRevert)
	if !ok {
		e, _ = f.c.eraser(inventory.TCGPSIDRevert)
	}
	j.duration = e.duration()
	if f.c.begin(j) {
		f.job = f.c.running()
	}
}

// rekey gives a range new keys; count 0 is everything.
func (f *tcgFront) rekey(first, count uint64) {
	if count == 0 {
		f.begin(job{effect: effectCrypto})
		return
	}
	if f.c.lies(LieNoEffect) || f.c.lies(LieKeepsKey) || f.c.lies(LieNotStarted) {
		return
	}
	m := f.c.medium
	a := m.areas[0]
	block := uint64(a.blockBytes &^ (sectorBytes - 1))
	low, high := (first*block+pageBytes-1)/pageBytes, (first+count)*block/pageBytes
	dead := m.newKey(a.id)
	m.keys[dead].alive = false
	for i := range m.pages {
		if g := &m.pages[i]; int(g.owner) == a.id && g.key != 0 && uint64(g.logical) >= low && uint64(g.logical) < high {
			g.key = dead
		}
	}
}

// remove is the data removal of Pyrite 2.
func (f *tcgFront) remove(mechanism byte) {
	switch mechanism {
	case 2:
		f.begin(job{effect: effectCrypto})
	case 1:
		f.begin(job{fill: f.c.medium.erased})
	default:
		f.begin(job{})
	}
}
