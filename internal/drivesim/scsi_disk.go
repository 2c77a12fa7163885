package drivesim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// SCSIProfile is what a SAS disk, or a USB disk of its own, has beside a medium.
type SCSIProfile struct {
	// DescriptorSense is D_SENSE: sense in descriptor format.
	DescriptorSense bool   `json:"descriptor_sense,omitempty"`
	RPM             uint16 `json:"rpm,omitempty"`
	Unmap           bool   `json:"unmap,omitempty"`
	// FormatDoesNot is FORMAT UNIT that answers GOOD and does nothing.
	FormatDoesNot bool `json:"format_does_not,omitempty"`
	// NoOpcodes is a disk without REPORT SUPPORTED OPERATION CODES, NoLogs
	// one without LOG SENSE.
	// SameDescriptor gives the current block descriptor for every kind of
	// values, so that a disk that was made smaller does not tell.
	SameDescriptor bool `json:"same_descriptor,omitempty"`
	NoOpcodes      bool `json:"no_opcodes,omitempty"`
	NoLogs         bool `json:"no_logs,omitempty"`
	// WholeDrive says that SANITIZE and FORMAT UNIT given to one logical
	// unit erase every unit of the drive.
	WholeDrive bool `json:"whole_drive,omitempty"`
	// ZoneKiB makes it a host-managed zoned drive.
	ZoneKiB int64         `json:"zone_kib,omitempty"`
	Health  HealthProfile `json:"health"`
}

func (p *SCSIProfile) rotation(m inventory.Media) uint16 {
	switch {
	case p.RPM != 0:
		return p.RPM
	case m == inventory.MediaFlash:
		return 1
	case m == inventory.MediaMagnetic:
		return 10000
	}
	return 0
}

// scsiFront is a drive that speaks SCSI itself, with one unit or more.
type scsiFront struct {
	c     *core
	p     SCSIProfile
	units []*scsiUnit
}

func newSCSIFront(c *core) (frontEnd, error) {
	f := &scsiFront{c: c}
	if c.profile.SCSI != nil {
		f.p = *c.profile.SCSI
	}
	if f.p.ZoneKiB < 0 || f.p.ZoneKiB%4 != 0 {
		return nil, errors.New("scsi: zone_kib is no multiple of 4")
	}
	p := c.profile
	var luns []uint32
	for _, a := range c.medium.areas {
		if a.kind == userArea {
			luns = append(luns, a.number)
		}
	}
	for _, a := range c.medium.areas {
		if a.kind != userArea {
			continue
		}
		u := &scsiUnit{
			c: c, area: a, personality: scsiDisk, health: f.p.Health,
			identity: scsiIdentity{
				vendor: p.Manufacturer, product: p.Model, revision: p.Firmware, wwn: naa(c.wwn),
				serialNow: func() string { return c.serial }, rotation: f.p.rotation(p.Media), removable: p.Removable,
				descriptorSense: f.p.DescriptorSense, hostManaged: f.p.ZoneKiB > 0,
				unmaps: f.p.Unmap, zeroesUnmapped: f.p.Unmap && c.medium.deallocated == 0,
			},
			caps: scsiCaps{opcodes: !f.p.NoOpcodes, logs: !f.p.NoLogs, security: true, units: luns, formatDoesNot: f.p.FormatDoesNot, wholeDrive: f.p.WholeDrive, sameDescriptor: f.p.SameDescriptor},
		}
		u.supportErasers()
		if f.p.ZoneKiB > 0 {
			u.zones = newZones(u, f.p.ZoneKiB<<10)
		}
		f.units = append(f.units, u)
	}
	f.units[0].sanitizeAtStart()
	return f, nil
}

// supportErasers takes over which commands the profile says there are.
func (u *scsiUnit) supportErasers() {
	u.caps.sanitize = map[byte]inventory.EraseCommand{}
	for action, e := range map[byte]inventory.EraseCommand{
		scsiSanitizeOverwrite: inventory.SCSISanitizeOverwrite, scsiSanitizeBlock: inventory.SCSISanitizeBlock, scsiSanitizeCrypto: inventory.SCSISanitizeCrypto,
	} {
		if _, ok := u.c.eraser(e); ok {
			u.caps.sanitize[action] = e
		}
	}
	_, u.caps.format = u.c.eraser(inventory.SCSIFormat)
}

// sanitizeAtStart puts the engine into the state the profile says.
func (u *scsiUnit) sanitizeAtStart() {
	s := u.c.profile.Sanitize
	if s == nil {
		return
	}
	u.state, u.ause = s.State, true
	if s.State != inventory.SanitizeRunning {
		return
	}
	for action, e := range u.caps.sanitize {
		if e == s.Command {
			j := u.eraseJob(scsiErase{action: action, passes: 1, pattern: []byte{0}})
			j.elapsed = time.Duration(float64(j.duration) / 1e6 * float64(s.ProgressPPM))
			u.c.begin(j)
		}
	}
}

func (f *scsiFront) unit(a *area) *scsiUnit {
	for _, u := range f.units {
		if u.area == a {
			return u
		}
	}
	return f.units[0]
}

func (f *scsiFront) wires(a *area, gen int) drive.Wires {
	return drive.Wires{SCSI: scsiWire{c: f.c, unit: f.unit(a), gen: gen}}
}

func (f *scsiFront) access(a *area, write bool) error {
	u := f.unit(a)
	switch {
	case u.running() != nil, u.state == inventory.SanitizeFailed:
		return fmt.Errorf("sanitize %s: %w", u.state, syscall.EIO)
	case u.badly:
		return fmt.Errorf("medium format corrupted: %w", syscall.EIO)
	case write && (u.writeProtected() || u.zones != nil):
		return fmt.Errorf("write refused: %w", syscall.EIO)
	}
	return nil
}

func (f *scsiFront) powerOn() {
	for _, u := range f.units {
		u.powerOn()
	}
}

func (f *scsiFront) reset() {
	for _, u := range f.units {
		u.reset()
	}
}

func (f *scsiFront) facts(*area, *inventory.Drive) {}

func (u *scsiUnit) powerOn() {
	u.nextSize = 0
	u.reset()
}

// reset leaves a unit attention, but for ATA drives behind the kernel's own
// translation, which has none.
func (u *scsiUnit) reset() {
	if u.personality != scsiSATL {
		u.attention = sensePowerOn()
	}
}

// chooseBlocks takes number and length of blocks from MODE SELECT. A number is
// taken only beside the length that the blocks have; all is what stands for as
// many as there are.
func (u *scsiUnit) chooseBlocks(n, all uint64, blockBytes int) *scsiSense {
	if n == 0 || blockBytes != 0 && blockBytes != u.area.blockBytes {
		return u.chooseBlockBytes(blockBytes)
	}
	most := uint64(u.area.sizeBytes / u.dataBytes())
	switch {
	case u.ata != nil || u.personality == scsiUSBBridge:
		return senseInvalidParam()
	case n == all:
		n = most
	case n > most:
		return senseInvalidParam()
	}
	u.area.visibleBytes = int64(n) * u.dataBytes()
	return nil
}

// chooseBlockBytes takes a block length from MODE SELECT; FORMAT UNIT uses it.
func (u *scsiUnit) chooseBlockBytes(n int) *scsiSense {
	switch n {
	case 0, u.area.blockBytes:
		u.nextSize = 0
	case 512, 520, 528, 4096:
		if !u.caps.format || u.ata != nil {
			return senseInvalidParam()
		}
		u.nextSize = n
	default:
		return senseInvalidParam()
	}
	return nil
}

// eraseCommand is SANITIZE and FORMAT UNIT.
func (u *scsiUnit) eraseCommand(cdb, out []byte) scsiReply {
	format := cdb[0] == 0x04
	switch {
	case format && u.caps.formatDoesNot:
		return scsiTook(u.good(nil), len(out))
	case format && !u.caps.format, !format && len(u.caps.sanitize) == 0:
		return u.refuse(senseInvalidOpcode())
	}
	decode := decodeSanitize
	if format {
		decode = decodeFormat
	}
	e, s := decode(cdb, out)
	if s != nil {
		return u.refuse(s)
	}
	if e.action == scsiExitFailureMode {
		if u.state == inventory.SanitizeFailed {
			if !u.ause {
				return u.refuse(senseInvalidField())
			}
			u.state = inventory.SanitizeIdle
		}
		return u.good(nil)
	}
	if _, ok := u.caps.sanitize[e.action]; !format && !ok {
		return u.refuse(senseInvalidField())
	}
	switch {
	case u.c.lies(LieUnsupported):
		return u.refuse(senseInvalidOpcode())
	case u.c.running() != nil:
		return u.refuse(sense(skNotReady, 0x04, 0x1B))
	case !format && u.state == inventory.SanitizeFailed && !u.ause && e.ause:
		return u.refuse(senseSanitizeFail())
	case format && u.state == inventory.SanitizeFailed:
		return u.refuse(senseSanitizeFail())
	}
	before := u.state
	u.erasing = e
	if !format {
		u.state, u.ause = inventory.SanitizeRunning, e.ause
	}
	reply := scsiTook(u.good(nil), len(out))
	j := u.eraseJob(e)
	after, failed := j.done, reply
	j.done = func(ok bool) {
		after(ok)
		if !ok {
			failed = u.refuse(sense(skMedium, 0x31, map[bool]byte{true: 0x01, false: 0x03}[format]))
		}
	}
	if !u.c.begin(j) {
		u.state = before
		return reply
	}
	if e.immed {
		return reply
	}
	if running := u.c.running(); running != nil {
		return scsiReply{job: running, later: func() scsiReply { return failed }}
	}
	return failed
}

// eraseJob is what SANITIZE or FORMAT UNIT asks for.
func (u *scsiUnit) eraseJob(e scsiErase) job {
	m := u.c.medium
	j := job{areas: []*area{u.area}, command: u.caps.sanitize[e.action], spare: true, survives: true, fill: m.erased}
	if u.caps.wholeDrive {
		j.areas = nil
	}
	switch {
	case e.format:
		j.command, j.spare, j.survives = inventory.SCSIFormat, e.secure, false
		j.fill = pattern8bytes(e.pattern)
		if e.fast || u.c.lies(LieIgnoresMode) {
			j.effect = effectUnmap
		}
		j.cut = func() { u.badly = true }
	case e.action == scsiSanitizeCrypto:
		j.effect = effectCrypto
	case e.action == scsiSanitizeOverwrite:
		j.fill = pattern8bytes(e.pattern)
		if e.invert && e.passes%2 == 0 {
			j.fill = ^j.fill
		}
	}
	x, _ := u.c.eraser(j.command)
	j.duration = x.duration()
	if e.action == scsiSanitizeOverwrite {
		j.duration *= time.Duration(e.passes)
	}
	j.done = func(ok bool) {
		switch {
		case e.format && ok:
			u.badly = false
			if u.nextSize != 0 {
				u.area.blockBytes, u.nextSize = u.nextSize, 0
				u.area.visibleBytes = u.area.sizeBytes
				u.attention = senseCapacity()
			}
		case e.format:
			u.badly = true
		case ok:
			u.state, u.badly = inventory.SanitizeSucceeded, false
		default:
			u.state = inventory.SanitizeFailed
		}
		if ok {
			u.zones.reset()
		}
	}
	return j
}

// pattern8bytes is a pattern of up to eight bytes over and over; of a longer
// one the first eight, and zeros for none.
func pattern8bytes(p []byte) uint64 {
	if len(p) == 0 {
		return 0
	}
	b := make([]byte, 8)
	for i := range b {
		b[i] = p[i%len(p)]
	}
	return binary.LittleEndian.Uint64(b)
}

// scsiWire is one unit as a host has it open.
type scsiWire struct {
	c    *core
	unit *scsiUnit
	gen  int
}

// Issue implements scsi.Issuer.
func (w scsiWire) Issue(ctx context.Context, cmd scsi.Command) (scsi.Response, error) {
	var out, in []byte
	switch cmd.Direction {
	case scsi.Out:
		out = cmd.Data
	case scsi.In:
		in = cmd.Data
	}
	r, err := w.issue(ctx, cmd.CDB, out, in, cmd.Timeout)
	if err != nil {
		return scsi.Response{}, err
	}
	return scsi.Response{Status: scsi.Status(r.status), Sense: r.sense, Transferred: r.took}, nil
}

// issue carries out one command and waits for it, if it is one that blocks.
func (w scsiWire) issue(ctx context.Context, cdb, out, in []byte, timeout time.Duration) (scsiReply, error) {
	if err := w.c.enter(ctx, w.gen); err != nil {
		return scsiReply{}, err
	}
	defer w.c.leave()
	r := w.unit.execute(cdb, out, len(in))
	if r.job != nil {
		if err := w.c.finished(ctx, w.gen, timeout); err != nil {
			return scsiReply{}, err
		}
		r = r.later()
	}
	if r.in != nil {
		r.took = copy(in, r.in)
		if len(cdb) > 0 && !scsiReads(cdb[0]) {
			w.c.answer(in[:r.took])
		}
	}
	return r, nil
}

// scsiReads reports whether a command reads blocks, which liars about answers
// leave alone.
func scsiReads(op byte) bool {
	switch op {
	case 0x08, 0x28, 0x88, 0xA8:
		return true
	}
	return false
}
