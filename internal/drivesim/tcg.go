package drivesim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// TCGProfile is the TCG part of a profile.
type TCGProfile struct {
	// SSC is "opal-2", "opal-1", "pyrite-1", "pyrite-2", "enterprise" or "ruby".
	SSC  string `json:"ssc"`
	MSID string `json:"msid"`
	PSID string `json:"psid,omitempty"` // empty: the drive has none
	// SID is the owner's password; empty while it is still the MSID.
	SID string `json:"sid,omitempty"`
	// Admin1 is the Locking SP's password; empty for the owner's.
	Admin1    string `json:"admin1,omitempty"`
	Activated bool   `json:"activated,omitempty"` // the Locking SP is in use
	Locked    bool   `json:"locked,omitempty"`    // the global range locks at power-on
	// BlockSID says that the machine's firmware blocks the SID authority
	// after every power-on.
	BlockSID bool `json:"block_sid,omitempty"`
	// TryLimit is how many wrong passwords are taken; 0 for 5.
	TryLimit int `json:"try_limit,omitempty"`
	// NotActivatedKeepsData says that Revert erases nothing while the
	// Locking SP has never been activated.
	NotActivatedKeepsData bool `json:"not_activated_keeps_data,omitempty"`
	// Removal is the ActiveDataRemovalMechanism of Pyrite 2: 0 overwrite,
	// 1 block erase, 2 cryptographic erase.
	Removal byte `json:"removal,omitempty"`
	// OpalLockingInfo says that an Enterprise drive has LockingInfo where the
	// other classes do, and not where Enterprise puts it.
	OpalLockingInfo bool `json:"opal_locking_info,omitempty"`
	// StaysActivated says that Revert leaves the Locking SP as it is.
	StaysActivated bool `json:"stays_activated,omitempty"`
}

// tcgEffects is what a TPer does to its drive.
type tcgEffects struct {
	// rekey throws the keys of blocks away; count 0 is the whole drive.
	rekey func(first, count uint64)
	// remove erases the user data by a Pyrite 2 mechanism.
	remove func(mechanism byte)
}

// tcgRange is a row of the Locking table.
type tcgRange struct {
	start, length         uint64 // length 0 with start 0 is the global range
	readLockOn, writeOn   bool
	readLocked, writeLock bool
	lockOnReset           bool
}

// tcgPIN is a row of C_PIN.
type tcgPIN struct {
	pin   []byte
	tries int // failures since the last success or power-on
}

// tcgTPer is the trusted peripheral of a self-encrypting drive (TCG Core 2.01,
// Opal 2.02, Opal 1.00, Pyrite 1.00 and 2.01, Enterprise 1.01, Block SID 1.00).
type tcgTPer struct {
	setup   TCGProfile
	effects tcgEffects

	pins      map[tcgUID]*tcgPIN
	ranges    []tcgRange
	activated bool
	mbrOn     bool
	removal   byte
	blocked   bool // SIDBlockedState

	session *tcgSession
	serial  uint32 // of the last session
	answers map[uint16][]byte
}

// tcgSession is the one session at a time that the drive holds.
type tcgSession struct {
	hsn, tsn uint32
	sp       tcgUID
	writes   bool
	who      []tcgUID // authenticated authorities, Anybody left out
}

type tcgUID uint64

// The rows and authorities that are known (Core 2.01 table 240 ff, Opal 2.02
// section 4, Enterprise 1.01 section 5).
const (
	uidSessionManager tcgUID = 0x00000000000000FF
	uidThisSP         tcgUID = 0x0000000000000001
	uidAdminSP        tcgUID = 0x0000020500000001
	uidLockingSP      tcgUID = 0x0000020500000002
	uidLockingSPEnt   tcgUID = 0x0000020500010001
	uidAnybody        tcgUID = 0x0000000900000001
	uidSID            tcgUID = 0x0000000900000006
	uidPSID           tcgUID = 0x000000090001FF01
	uidAdmin1         tcgUID = 0x0000000900010001
	uidUser1          tcgUID = 0x0000000900030001
	uidBandMaster0    tcgUID = 0x0000000900008001
	uidEraseMaster    tcgUID = 0x0000000900008401
	uidPinSID         tcgUID = 0x0000000B00000001
	uidPinMSID        tcgUID = 0x0000000B00008402
	uidPinAdmin1      tcgUID = 0x0000000B00010001
	uidPinUser1       tcgUID = 0x0000000B00030001
	uidPinPSID        tcgUID = 0x0000000B0001FF01
	uidPinBandMaster0 tcgUID = 0x0000000B00008001
	uidPinEraseMaster tcgUID = 0x0000000B00008401
	uidLockingInfo    tcgUID = 0x0000080100000001
	uidLockingInfoEnt tcgUID = 0x0000080100000000
	uidGlobalRange    tcgUID = 0x0000080200000001
	uidRange1         tcgUID = 0x0000080200030001
	uidMBRControl     tcgUID = 0x0000080300000001
	uidGlobalKey256   tcgUID = 0x0000080600000001
	uidGlobalKey128   tcgUID = 0x0000080500000001
	uidRange1Key256   tcgUID = 0x0000080600030001
	uidRange1Key128   tcgUID = 0x0000080500030001
	uidDataRemoval    tcgUID = 0x0000110100000001
)

// Method status codes (Core 2.01 table 166).
const (
	tcgSuccess       = 0x00
	tcgNotAuthorized = 0x01
	tcgSPFailed      = 0x04
	tcgSPDisabled    = 0x05
	tcgNoSessions    = 0x07
	tcgInvalid       = 0x0C
	tcgLockedOut     = 0x12
	tcgFail          = 0x3F
)

const tcgRanges = 9 // the global range and eight more

// tcgBaseComID is the drive's only ComID, apart from the reserved ones.
const tcgBaseComID = 0x07FE

func newTPer(s TCGProfile, e tcgEffects) *tcgTPer {
	t := &tcgTPer{setup: s, effects: e, activated: s.Activated || s.SSC == "enterprise", removal: s.Removal}
	t.factory()
	if s.SID != "" {
		t.pins[uidSID].pin = []byte(s.SID)
		t.pins[uidAdmin1].pin = []byte(s.SID)
	}
	if s.Admin1 != "" {
		t.pins[uidAdmin1].pin = []byte(s.Admin1)
	}
	if s.SSC == "enterprise" && s.SID != "" {
		t.pins[uidEraseMaster].pin, t.pins[uidBandMaster0].pin = []byte(s.SID), []byte(s.SID)
	}
	if s.Locked {
		t.ranges[0].readLockOn, t.ranges[0].writeOn, t.ranges[0].lockOnReset = true, true, true
	}
	t.powerOn()
	return t
}

// factory sets passwords and ranges to what they were when the drive was made.
func (t *tcgTPer) factory() {
	t.pins = map[tcgUID]*tcgPIN{}
	for _, who := range []tcgUID{uidSID, uidAdmin1, uidUser1, uidBandMaster0, uidEraseMaster} {
		t.pins[who] = &tcgPIN{pin: []byte(t.setup.MSID)}
	}
	t.pins[uidUser1].pin = nil
	for i := range tcgRanges - 1 {
		t.pins[uidBandMaster0+tcgUID(i)+1] = &tcgPIN{pin: []byte(t.setup.MSID)}
	}
	if t.setup.PSID != "" {
		t.pins[uidPSID] = &tcgPIN{pin: []byte(t.setup.PSID)}
	}
	t.ranges = make([]tcgRange, tcgRanges)
	t.mbrOn = false
}

// powerOn ends sessions, locks what locks at reset and forgets failed tries.
func (t *tcgTPer) powerOn() {
	t.session, t.answers = nil, map[uint16][]byte{}
	t.blocked = t.setup.BlockSID
	for _, p := range t.pins {
		p.tries = 0
	}
	for i := range t.ranges {
		if r := &t.ranges[i]; t.activated && r.lockOnReset {
			r.readLocked, r.writeLock = r.readLockOn, r.writeOn
		}
	}
}

// denies reports whether a range that blocks first to first+count-1 lie in is
// locked for reading or writing.
func (t *tcgTPer) denies(first, count uint64, write bool) bool {
	if !t.activated || count == 0 {
		return false
	}
	inBand := uint64(0)
	for i, r := range t.ranges {
		locked := r.readLockOn && r.readLocked
		if write {
			locked = r.writeOn && r.writeLock
		}
		if i == 0 {
			continue
		}
		low, high := max(first, r.start), min(first+count, r.start+r.length)
		if r.length == 0 || low >= high {
			continue
		}
		inBand += high - low
		if locked {
			return true
		}
	}
	g := t.ranges[0]
	if inBand >= count {
		return false
	}
	return write && g.writeOn && g.writeLock || !write && g.readLockOn && g.readLocked
}

// locked reports whether any range is locked, for discovery.
func (t *tcgTPer) locked() bool {
	return t.activated && slices.ContainsFunc(t.ranges, func(r tcgRange) bool {
		return r.readLockOn && r.readLocked || r.writeOn && r.writeLock
	})
}

// send is IF-SEND. false is a refusal of the interface command itself.
func (t *tcgTPer) send(protocol byte, comID uint16, data []byte) bool {
	switch {
	case protocol == 2 && comID == 5 && len(data) > 0: // Block SID
		if t.setup.SSC == "opal-1" || t.setup.SSC == "enterprise" {
			return false
		}
		t.blocked = true
		return true
	case protocol == 2 && comID == tcgBaseComID && len(data) >= 8:
		if binary.BigEndian.Uint32(data[4:]) == 2 { // STACK_RESET
			t.session, t.answers = nil, map[uint16][]byte{}
			reply := make([]byte, 48)
			copy(reply, data[:8])
			reply[11] = 4
			t.answers[0] = reply
		}
		return true
	case protocol == 1 && comID == tcgBaseComID:
		t.answers[comID] = t.handle(data)
		return true
	}
	return false
}

// receive is IF-RECV. false is a refusal of the interface command itself.
func (t *tcgTPer) receive(protocol byte, comID uint16, size int) ([]byte, bool) {
	var b []byte
	switch {
	case protocol == 0 && comID == 0:
		b = []byte{0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 2}
	case protocol == 1 && comID == 1:
		b = t.discovery()
	case protocol == 2 && comID == 0:
		b = []byte{tcgBaseComID >> 8, tcgBaseComID & 0xFF, 0, 0}
	case protocol == 2 && comID == tcgBaseComID:
		b = t.answers[0]
		delete(t.answers, 0)
	case protocol == 1 && comID == tcgBaseComID:
		b = t.answers[comID]
		delete(t.answers, comID)
		if b == nil {
			b = make([]byte, 20)
			binary.BigEndian.PutUint16(b[4:], comID)
		} else if len(b) > size { // the host must come again with more room
			t.answers[comID] = b
			head := make([]byte, 20)
			binary.BigEndian.PutUint16(head[4:], comID)
			binary.BigEndian.PutUint32(head[8:], uint32(len(b)))
			binary.BigEndian.PutUint32(head[12:], uint32(len(b)))
			b = head
		}
	default:
		return nil, false
	}
	out := make([]byte, size)
	copy(out, b)
	return out, true
}

// discovery is Level 0 Discovery (Core 2.01, 3.3.6; the SSCs' section 3.1.1).
func (t *tcgTPer) discovery() []byte {
	b := make([]byte, 48)
	feature := func(code uint16, version byte, data ...byte) {
		b = binary.BigEndian.AppendUint16(b, code)
		b = append(b, version<<4, byte(len(data)))
		b = append(b, data...)
	}
	pad := func(n int, head ...byte) []byte { return append(head, make([]byte, n-len(head))...) }
	flags := func(bits ...bool) (f byte) {
		for i, on := range bits {
			if on {
				f |= 1 << i
			}
		}
		return f
	}
	pyrite := t.setup.SSC == "pyrite-1" || t.setup.SSC == "pyrite-2"
	feature(0x0001, 1, pad(12, 0x11)...)
	feature(0x0002, 1, pad(12, flags(true, t.activated, t.locked(), !pyrite, t.mbrOn))...)
	base := []byte{tcgBaseComID >> 8, tcgBaseComID & 0xFF, 0, 1}
	behaviour := []byte{0, 0, 0} // what the SID becomes: the MSID, at the start and after Revert
	switch t.setup.SSC {
	case "opal-2", "ruby":
		code := map[string]uint16{"opal-2": 0x0203, "ruby": 0x0304}[t.setup.SSC]
		feature(0x0003, 1, pad(28)...)
		feature(code, 1, pad(16, slices.Concat(base, []byte{0, 0, 4, 0, 8}, behaviour[:2])...)...)
	case "opal-1":
		feature(0x0200, 1, pad(16, base...)...)
	case "pyrite-1", "pyrite-2":
		code := map[string]uint16{"pyrite-1": 0x0302, "pyrite-2": 0x0303}[t.setup.SSC]
		feature(code, 1, pad(16, slices.Concat(base, make([]byte, 5), behaviour[:2])...)...)
	case "enterprise":
		feature(0x0100, 1, pad(16, base...)...)
	}
	if t.setup.SSC != "opal-1" && t.setup.SSC != "enterprise" {
		owned := !bytes.Equal(t.pins[uidSID].pin, []byte(t.setup.MSID))
		feature(0x0402, 1, pad(12, flags(owned, t.blocked), 1)...)
	}
	if t.setup.SSC == "pyrite-2" || t.setup.SSC == "opal-2" || t.setup.SSC == "ruby" {
		feature(0x0404, 1, pad(32, 0, 0, 1<<t.removal)...) // byte 6: supported mechanisms
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	binary.BigEndian.PutUint32(b[4:], 1) // revision 0.1
	return b
}

// lockingSP is the Locking SP's UID, which Enterprise writes differently.
func (t *tcgTPer) lockingSP() tcgUID {
	if t.setup.SSC == "enterprise" {
		return uidLockingSPEnt
	}
	return uidLockingSP
}

// check compares a password and counts failures.
func (t *tcgTPer) check(who tcgUID, pin []byte) uint64 {
	p := t.pins[who]
	limit := t.setup.TryLimit
	if limit == 0 {
		limit = 5
	}
	switch {
	case p == nil || p.pin == nil || who == uidSID && t.blocked:
		return tcgNotAuthorized
	case p.tries >= limit:
		return tcgLockedOut
	case !bytes.Equal(p.pin, pin):
		p.tries++
		return tcgNotAuthorized
	}
	p.tries = 0
	return tcgSuccess
}

func (u tcgUID) bytes() []byte { return binary.BigEndian.AppendUint64(nil, uint64(u)) }

func (u tcgUID) String() string { return fmt.Sprintf("%016X", uint64(u)) }
