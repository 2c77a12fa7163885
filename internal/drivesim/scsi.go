package drivesim

import (
	"encoding/binary"
	"slices"

	"github.com/ombruk/ombruk/inventory"
)

// Status bytes (SAM-5 table 40).
const (
	samGood           = 0x00
	samCheckCondition = 0x02
)

// scsiReply is the answer to one command.
type scsiReply struct {
	status byte
	sense  []byte
	in     []byte
	took   int // bytes of data-out that were used
	// job is what the command waits for; later gives the answer when that
	// has ended.
	job   *job
	later func() scsiReply
}

// scsiPersonality is what stands between the host and the medium.
type scsiPersonality uint8

const (
	scsiDisk      scsiPersonality = iota // SAS, or a USB disk that is its own bridge
	scsiSATL                             // ATA behind the kernel's own translation
	scsiSASBridge                        // ATA behind a SAS adapter
	scsiUSBBridge                        // ATA, or who knows what, behind a USB bridge
)

// scsiUnit is one logical unit and the target port it is behind.
type scsiUnit struct {
	c           *core
	area        *area
	identity    scsiIdentity
	personality scsiPersonality
	dialect     satDialect
	// ata is the drive behind a translation; nil when there is none.
	ata *ataDrive
	// through is the drive that ATA PASS-THROUGH reaches, which for some
	// bridges is another than the one that holds the data; nil without SAT.
	through *ataDrive
	// through12, through16 and through32 are the CDBs that it takes.
	through12, through16, through32 bool
	caps                            scsiCaps
	attention                       *scsiSense // unit attention that waits
	health                          HealthProfile
	zones                           *scsiZones // nil for drives that are not zoned

	// The sanitize and format engine of the unit.
	erasing  scsiErase
	state    string // in the words of inventory
	ause     bool   // of the last sanitize
	badly    bool   // a format was cut short
	nextSize int    // block length that MODE SELECT asked for; 0 for none
}

// scsiCaps are the optional commands of a unit.
type scsiCaps struct {
	sanitize       map[byte]inventory.EraseCommand // by service action
	format         bool
	formatDoesNot  bool // GOOD, and nothing happens
	opcodes        bool // REPORT SUPPORTED OPERATION CODES
	logs           bool
	security       bool
	units          []uint32 // every LUN of the target
	writeProtected bool
	unmapDoesNot   bool
	sameDescriptor bool // the current block descriptor for every kind of values
	// wholeDrive says that an erase given to one unit is of all of them.
	wholeDrive bool
}

func (u *scsiUnit) good(in []byte) scsiReply { return scsiReply{in: in} }

// refuse is CHECK CONDITION with the sense in the unit's format.
func (u *scsiUnit) refuse(s *scsiSense) scsiReply {
	return scsiReply{status: samCheckCondition, sense: s.bytes(u.descriptor())}
}

func (u *scsiUnit) descriptor() bool {
	return u.identity.descriptorSense && !u.c.lies(LieFixedSense)
}

// reply is good with data, or a refusal when there is a sense.
func (u *scsiUnit) reply(in []byte, s *scsiSense) scsiReply {
	if s != nil {
		return u.refuse(s)
	}
	return u.good(in)
}

// cdbBytes is how long a CDB is by its group code (SPC-5 4.2.5.1).
func cdbBytes(op byte) int {
	switch op >> 5 {
	case 0:
		return 6
	case 1, 2:
		return 10
	case 3:
		return 32
	case 4:
		return 16
	case 5:
		return 12
	}
	return 6
}

// execute carries out one command. The core's mutex is held and its time has
// been brought up to date.
func (u *scsiUnit) execute(cdb, out []byte, want int) scsiReply {
	if len(cdb) == 0 || len(cdb) < cdbBytes(cdb[0]) {
		return u.refuse(senseInvalidField())
	}
	op := cdb[0]
	switch op {
	case 0x12:
		b, s := u.identity.inquiry(cdb)
		return cut(u.reply(b, s), int(binary.BigEndian.Uint16(cdb[3:])))
	case 0xA0:
		return cut(u.reportLUNs(), int(binary.BigEndian.Uint32(cdb[6:])))
	case 0x03:
		return cut(u.requestSense(cdb), int(cdb[4]))
	}
	if s := u.attention; s != nil {
		u.attention = nil
		return u.refuse(s)
	}
	if u.c.lies(LieAborts) && slices.Contains([]byte{0x04, 0x48, 0x15, 0x55, 0x1A, 0x5A, 0x4D, 0xA2, 0xA3, 0xB5}, op) {
		return u.refuse(sense(skAborted, 0x00, 0x00))
	}
	if op == 0x85 || op == 0xA1 || op == 0x7F {
		return u.passThrough(cdb, out, want)
	}
	if s := u.busy(op); s != nil {
		return u.refuse(s)
	}
	switch op {
	case 0x00:
		return u.good(nil)
	case 0x04, 0x48:
		return u.eraseCommand(cdb, out)
	case 0x15, 0x55:
		return scsiTook(u.reply(nil, u.modeSelect(cdb, out)), len(out))
	case 0x1A:
		b, s := u.modeSense(cdb)
		return cut(u.reply(b, s), int(cdb[4]))
	case 0x5A:
		b, s := u.modeSense(cdb)
		return cut(u.reply(b, s), int(binary.BigEndian.Uint16(cdb[7:])))
	case 0x1B, 0x1E: // START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL
		return u.good(nil)
	case 0x4D:
		if !u.caps.logs {
			return u.refuse(senseInvalidOpcode())
		}
		b, s := u.logSense(cdb)
		return cut(u.reply(b, s), int(binary.BigEndian.Uint16(cdb[7:])))
	case 0xB7:
		if u.health.Reallocated == 0 || u.ata != nil {
			return u.refuse(senseInvalidOpcode())
		}
		return cut(u.good(u.grownDefects()), int(binary.BigEndian.Uint32(cdb[6:])))
	case 0x25:
		return u.readCapacity10()
	case 0x9E:
		if cdb[1]&0x1F != 0x10 {
			return u.refuse(senseInvalidField())
		}
		return cut(u.readCapacity16(), int(binary.BigEndian.Uint32(cdb[10:])))
	case 0xA3:
		return u.maintenanceIn(cdb)
	case 0xA2, 0xB5:
		return u.securityProtocol(cdb, out)
	case 0x95, 0x94:
		if u.zones == nil {
			return u.refuse(senseInvalidOpcode())
		}
		return u.zoneCommand(cdb)
	}
	return u.blockCommand(cdb, out)
}

// cut shortens what is sent to the allocation length.
func cut(r scsiReply, allocation int) scsiReply {
	r.in = r.in[:min(len(r.in), allocation)]
	return r
}

func scsiTook(r scsiReply, n int) scsiReply {
	r.took = n
	return r
}

// busy is the sense for a command that cannot be taken while an erase runs,
// or after one that failed (SBC-4 4.11.3, 4.11.4 and 4.34).
func (u *scsiUnit) busy(op byte) *scsiSense {
	if u.ata != nil {
		return nil
	}
	if u.running() != nil {
		switch op {
		case 0x4D, 0xA3:
			return nil
		}
		return u.progressSense()
	}
	if u.state == inventory.SanitizeFailed {
		switch op {
		case 0x48, 0x04, 0x4D, 0x1A, 0x5A, 0x25, 0x9E, 0xA3, 0xA2, 0xB5:
			return nil
		}
		return senseSanitizeFail()
	}
	if u.badly {
		switch op {
		case 0x00, 0x28, 0x2A, 0x88, 0x8A, 0x08, 0x0A, 0x2F, 0x8F, 0x41, 0x93, 0x42:
			return senseBadFormat()
		}
	}
	return nil
}

// running is the erase of this unit that is under way.
func (u *scsiUnit) running() *job {
	if j := u.c.running(); u.ata == nil && j != nil && j.command != inventory.TCGRevert && slices.Contains(j.areas, u.area) {
		return j
	}
	return nil
}

// progressSense is NOT READY, with what is going on and how far it is.
func (u *scsiUnit) progressSense() *scsiSense {
	s := sense(skNotReady, 0x04, 0x1B) // sanitize in progress
	if u.erasing.format {
		s.ascq = 0x04 // format in progress
	}
	if !u.c.lies(LieNoStatus) {
		p := uint16(u.c.progressPPM() * 65536 / 1_000_000)
		s.progress = &p
	}
	return s
}

// requestSense answers with pollable sense data (SPC-5 6.39). DESC chooses
// the format.
func (u *scsiUnit) requestSense(cdb []byte) scsiReply {
	s := sense(0, 0, 0)
	switch {
	case u.attention != nil:
		s, u.attention = u.attention, nil
	case u.running() != nil:
		s = u.progressSense()
	case u.state == inventory.SanitizeFailed:
		s = senseSanitizeFail()
	case u.badly:
		s = senseBadFormat()
	}
	return u.good(s.bytes(cdb[1]&1 != 0 && !u.c.lies(LieFixedSense)))
}

func (u *scsiUnit) reportLUNs() scsiReply {
	b := make([]byte, 8)
	luns := u.caps.units
	if len(luns) == 0 {
		luns = []uint32{0}
	}
	for _, n := range luns {
		b = append(b, 0, byte(n), 0, 0, 0, 0, 0, 0)
	}
	binary.BigEndian.PutUint32(b, uint32(8*len(luns)))
	return u.good(b)
}

// maintenanceIn is REPORT SUPPORTED OPERATION CODES (SPC-5 6.34), one command
// or all of them.
func (u *scsiUnit) maintenanceIn(cdb []byte) scsiReply {
	if cdb[1]&0x1F != 0x0C || !u.caps.opcodes {
		return u.refuse(senseInvalidOpcode())
	}
	allocation := int(binary.BigEndian.Uint32(cdb[6:]))
	action := binary.BigEndian.Uint16(cdb[4:])
	if options := cdb[2] & 7; options != 0 {
		known := u.supports(cdb[3], byte(action), options != 1)
		b := []byte{0, 1, 0, 0}
		if known {
			n := cdbBytes(cdb[3])
			b = append([]byte{0, 3, 0, byte(n)}, make([]byte, n)...)
			b[4] = cdb[3]
		}
		return cut(u.good(b), allocation)
	}
	b := make([]byte, 4)
	add := func(op byte, action int) {
		d := []byte{op, 0, 0, byte(max(action, 0)), 0, 0, 0, byte(cdbBytes(op))}
		if action >= 0 {
			d[5] = 1
		}
		b = append(b, d...)
	}
	for _, op := range []byte{0x00, 0x03, 0x04, 0x12, 0x15, 0x1A, 0x25, 0x28, 0x2A, 0x35, 0x4D, 0x55, 0x5A, 0x88, 0x8A, 0x93, 0xA0} {
		if u.supports(op, 0, false) {
			add(op, -1)
		}
	}
	for a := range byte(0x20) {
		if u.supports(0x48, a, true) {
			add(0x48, int(a))
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return cut(u.good(b), allocation)
}

// supports reports whether the unit says that it has a command.
func (u *scsiUnit) supports(op, action byte, withAction bool) bool {
	switch op {
	case 0x48:
		if !withAction || action == scsiExitFailureMode {
			return len(u.caps.sanitize) > 0
		}
		_, ok := u.caps.sanitize[action]
		return ok
	case 0x04:
		return u.caps.format
	case 0x4D:
		return u.caps.logs
	case 0xA2, 0xB5:
		return u.c.tcg != nil && u.caps.security
	case 0x42:
		return u.identity.unmaps
	case 0x94, 0x95:
		return u.zones != nil
	case 0x85, 0xA1:
		return u.through != nil
	case 0x00, 0x03, 0x08, 0x0A, 0x12, 0x15, 0x1A, 0x1B, 0x25, 0x28, 0x2A, 0x2F, 0x35, 0x41, 0x55, 0x5A, 0x88, 0x8A, 0x8F, 0x91, 0x93, 0xA0, 0xA3:
		return true
	case 0x9E:
		return !withAction || action == 0x10
	}
	return false
}

// securityProtocol is SECURITY PROTOCOL IN and OUT (SPC-5 6.41, 6.42).
func (u *scsiUnit) securityProtocol(cdb, out []byte) scsiReply {
	if !u.caps.security || u.c.tcg == nil {
		return u.refuse(senseInvalidOpcode())
	}
	length := int(binary.BigEndian.Uint32(cdb[6:]))
	if cdb[4]&0x80 != 0 { // INC_512
		length *= sectorBytes
	}
	protocol, comID := cdb[1], binary.BigEndian.Uint16(cdb[2:])
	if length < 0 || length > 1<<20 {
		return u.refuse(senseInvalidField())
	}
	if cdb[0] == 0xA2 {
		b := make([]byte, length)
		if !u.c.tcg.ifRecv(protocol, comID, b) {
			return u.refuse(senseInvalidField())
		}
		return u.good(b)
	}
	if !u.c.tcg.ifSend(protocol, comID, out[:min(length, len(out))]) {
		return u.refuse(senseInvalidField())
	}
	return scsiTook(u.good(nil), min(length, len(out)))
}
