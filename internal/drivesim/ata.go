package drivesim

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

// ataDrive is the ATA side of a drive: registers in, registers out.
type ataDrive struct {
	c    *core
	p    ATAProfile
	area *area
	sec  ataSecurity
	san  ataSanitize
	// last is the sanitize operation that the state speaks of.
	last  inventory.EraseCommand
	reach ataReach
	unit  *scsiUnit
	ons   int  // power-ons so far
	write bool // write cache on
}

func newATAFront(c *core) (frontEnd, error) {
	d := &ataDrive{c: c, area: c.medium.areas[0], write: true}
	if c.profile.ATA != nil {
		d.p = *c.profile.ATA
	}
	if err := d.p.check(c.profile.Units[0]); err != nil {
		return nil, err
	}
	if s := d.p.Security; s != nil {
		_, enhanced := c.eraser(inventory.ATASecurityEraseEnhanced)
		d.sec = ataSecurity{supported: true, enhanced: enhanced, user: ataPassword(s.User), master: ataPassword(s.Master), maximum: s.Maximum, masterID: 0xFFFE}
	}
	d.sanitizeAtStart()
	blocks := func(bytes int64) uint64 { return uint64(bytes) / uint64(d.area.blockBytes) }
	dco := blocks(d.p.DCOKiB << 10)
	d.reach = ataReach{
		hpa: d.p.HPA, dco: d.p.DCO, ama: d.p.AMA,
		factory: blocks(d.area.sizeBytes) - 1, native: blocks(d.area.sizeBytes) - 1 - dco,
		kept: blocks(d.area.visibleBytes) - 1, now: blocks(d.area.visibleBytes) - 1,
	}
	if d.p.AMA || !d.p.HPA {
		d.reach.native = max(d.reach.native, d.reach.kept)
	}
	d.unit = d.satl()
	return d, nil
}

// sanitizeAtStart puts the sanitize engine into the state the profile says.
func (d *ataDrive) sanitizeAtStart() {
	_, crypto := d.c.eraser(inventory.ATASanitizeCrypto)
	_, block := d.c.eraser(inventory.ATASanitizeBlock)
	_, overwrite := d.c.eraser(inventory.ATASanitizeOverwrite)
	d.san = ataSanitize{supported: crypto || block || overwrite, crypto: crypto, block: block, overwrite: overwrite, antifreeze: d.p.Antifreeze}
	s := d.c.profile.Sanitize
	if s == nil {
		return
	}
	d.last = s.Command
	switch s.State {
	case inventory.SanitizeSucceeded:
		d.san.state, d.san.succeeded = sd4, true
	case inventory.SanitizeFailed:
		d.san.state, d.san.unrestricted = sd3, true
	case inventory.SanitizeRunning:
		d.san.state = sd2
		kind := map[inventory.EraseCommand]uint16{inventory.ATASanitizeCrypto: ataSanitizeCrypto, inventory.ATASanitizeBlock: ataSanitizeBlock, inventory.ATASanitizeOverwrite: ataSanitizeOverwrite}[s.Command]
		j := d.sanitizeJob(ataSanitizeJob{kind: kind, passes: 1})
		j.elapsed = time.Duration(float64(j.duration) / 1e6 * float64(s.ProgressPPM))
		d.c.begin(j)
	}
}

// powerOn is the drive coming up, at first or after a power cycle or a suspend.
func (d *ataDrive) powerOn() {
	d.ons++
	d.sec.powerOn()
	d.san.powerOn()
	d.reach.powerOn()
	d.area.visibleBytes = d.visible()
	first := d.ons == 1
	if s := d.p.Security; s != nil {
		if s.Unlocked && first {
			d.sec.locked = false
		}
		if s.Expired && first {
			d.sec.tries = 0
		}
		// Firmware freezes whatever it can, which a locked drive refuses.
		if s.Frozen == "always" || s.Frozen != "" && first {
			d.sec.command(ataSecurityFreezeLock, nil)
		}
	}
	if d.p.SanitizeFrozen && (first || d.p.Security != nil && d.p.Security.Frozen == "always") {
		d.san.command(ataSanitizeFreezeLock, 0, ataSanitizeKeyFreeze, 0)
	}
	if d.p.HiddenFrozen {
		d.reach.setFrozen, d.reach.dcoFrozen, d.reach.amaFrozen = true, true, true
	}
	d.unit.powerOn()
}

// reset is a COMRESET: what is frozen and locked stays so.
func (d *ataDrive) reset() {
	d.sec.prepared, d.reach.nativeRead = false, 0
	d.unit.reset()
}

func (d *ataDrive) visible() int64 { return int64(d.reach.now+1) * int64(d.area.blockBytes) }

func (d *ataDrive) access(_ *area, write bool) error {
	switch {
	case d.sec.locked:
		return fmt.Errorf("locked by an ATA password: %w", syscall.EIO)
	case d.san.state == sd2 || d.san.state == sd3:
		return fmt.Errorf("sanitize state %v: %w", d.san.state, syscall.EIO)
	case write && d.p.ZoneKiB > 0:
		return fmt.Errorf("write refused: %w", syscall.EIO)
	}
	return nil
}

func (d *ataDrive) wires(_ *area, gen int) drive.Wires {
	return drive.Wires{SCSI: scsiWire{c: d.c, unit: d.unit, gen: gen}}
}

func (d *ataDrive) facts(*area, *inventory.Drive) {}

// allowed reports whether the state of the drive lets a command through.
func (d *ataDrive) allowed(c ataCommand) bool {
	always := []byte{
		ataNOP, ataIdentify, ataCheckPowerMode, ataIdleImmediate, ataStandbyImmediate,
		ataReadLogExt, ataReadLogDMAExt, ataSMART, ataSetFeatures,
	}
	switch {
	case d.securityErasing():
		return false // BSY
	case d.c.lies(LieAborts):
		return c.op == ataIdentify
	case slices.Contains(always, c.op), c.op == ataSanitizeDevice && c.feature == ataSanitizeStatus:
		return true
	case d.san.state == sd2:
		return false
	case d.san.state == sd3 && c.op != ataSanitizeDevice:
		return false
	case !d.sec.locked:
		return true
	}
	switch c.op {
	case ataReadNativeMax, ataReadNativeMaxExt, ataSecurityUnlock, ataSecurityErasePrepare, ataSecurityEraseUnit,
		ataSecuritySetPassword, ataSecurityFreezeLock, ataSecurityDisablePassword:
		return true
	case ataAccessibleMax:
		return c.feature == 0
	}
	return false
}

// securityErasing reports whether a SECURITY ERASE UNIT is under way.
func (d *ataDrive) securityErasing() bool {
	j := d.c.running()
	return j != nil && (j.command == inventory.ATASecurityErase || j.command == inventory.ATASecurityEraseEnhanced)
}

// do carries out one command. wait is the erase that the answer waits for,
// with what the answer then is.
func (d *ataDrive) do(c ataCommand) (a ataAnswer, wait *job, later func() ataAnswer) {
	native := d.reach.before()
	prepared := d.sec.prepared
	if c.op != ataSecurityEraseUnit {
		d.sec.prepared = false
	}
	if !d.allowed(c) {
		a = ataBad(ataABRT)
		if c.op == ataSanitizeDevice {
			a.lba = sanReasonNone
		}
		return a, nil, nil
	}
	d.sec.prepared = prepared
	switch c.op {
	case ataSecuritySetPassword, ataSecurityUnlock, ataSecurityErasePrepare, ataSecurityEraseUnit, ataSecurityFreezeLock, ataSecurityDisablePassword:
		return d.security(c)
	}
	d.sec.prepared = false
	return d.simple(c, native), nil, nil
}

// simple are the commands that answer at once.
func (d *ataDrive) simple(c ataCommand, native byte) ataAnswer {
	switch c.op {
	case ataIdentify:
		return ataData(d.identify())
	case ataReadLogExt, ataReadLogDMAExt:
		return d.readLog(byte(c.lba), uint16(c.lba>>8&0xFF)|uint16(c.lba>>32&0xFF)<<8, int(c.count))
	case ataSMART:
		return d.smart(c)
	case ataSanitizeDevice:
		return d.sanitize(c)
	case ataReadNativeMax:
		return d.reached(d.reach.readNative(false))
	case ataReadNativeMaxExt:
		return d.reached(d.reach.readNative(true))
	case ataSetMax:
		if native == ataReadNativeMax || c.feature == 0 {
			return d.reached(d.reach.setMax(false, c.count&1 != 0, c.lba&0xFFFFFFF, native))
		}
		return d.reached(d.reach.setMaxSecurity(byte(c.feature), c.out))
	case ataSetMaxExt:
		return d.reached(d.reach.setMax(true, c.count&1 != 0, c.lba, native))
	case ataAccessibleMax:
		return d.reached(d.reach.amaCommand(c.feature, c.lba))
	case ataDCO:
		o, data := d.reach.dcoCommand(byte(c.feature), c.out)
		a := d.reached(o)
		a.in = data
		return a
	case ataTrustedReceive, ataTrustedReceiveDMA, ataTrustedSend, ataTrustedSendDMA:
		return d.trusted(c)
	case ataFlushCache, ataFlushCacheExt:
		if d.c.medium.cache.flush(d.c.medium) != nil {
			return ataBad(ataABRT)
		}
		return ataGood()
	case ataCheckPowerMode:
		a := ataGood()
		a.count = 0xFF
		return a
	case ataSetFeatures, ataIdleImmediate, ataStandbyImmediate:
		return ataGood()
	case ataDataSetManagement:
		return d.trim(c)
	}
	return d.blocks(c)
}

func ataData(b []byte) ataAnswer {
	a := ataGood()
	a.in = b
	return a
}

// reached turns the outcome of a capacity command into registers.
func (d *ataDrive) reached(o ataOutcome) ataAnswer {
	if o.errorBits != 0 {
		return ataBad(o.errorBits)
	}
	d.area.visibleBytes = d.visible()
	a := ataGood()
	a.device = 0x40
	if o.answersLBA {
		a.lba = o.lba
		a.device |= byte(o.lba>>24) & 0x0F
	}
	return a
}

func (d *ataDrive) security(c ataCommand) (ataAnswer, *job, func() ataAnswer) {
	if c.op == ataSecurityEraseUnit && d.c.lies(LieUnsupported) {
		return ataBad(ataABRT), nil, nil
	}
	erase, ok := d.sec.command(c.op, c.out)
	if !ok {
		return ataBad(ataABRT), nil, nil
	}
	if erase == nil {
		return ataGood(), nil, nil
	}
	command := inventory.ATASecurityErase
	if erase.enhanced {
		command = inventory.ATASecurityEraseEnhanced
	}
	e, _ := d.c.eraser(command)
	m := d.c.medium
	j := job{command: command, areas: []*area{d.area}, duration: e.duration()}
	if erase.enhanced {
		// ACS-3 7.45: a pattern of the vendor's, reallocated sectors too.
		j.spare, j.fill = true, m.erased
		switch {
		case d.c.lies(LieIgnoresMode):
			j.effect = effectUnmap
		case d.c.profile.Encrypts:
			j.effect = effectCrypto
		}
	}
	ended := ataBad(ataABRT)
	end := func() {
		if d.p.Security == nil || !d.p.Security.KeepsPassword {
			d.sec.finished()
		}
		ended = ataGood()
	}
	j.done = func(ok bool) {
		if ok {
			end()
		}
	}
	// A power cut leaves the password set, so the drive comes up locked.
	j.cut = func() {}
	if !d.c.begin(j) {
		end()
	}
	if running := d.c.running(); running != nil {
		return ataAnswer{}, running, func() ataAnswer { return ended }
	}
	return ended, nil, nil
}

// sanitizeJob is an operation of the Sanitize Device feature set.
func (d *ataDrive) sanitizeJob(o ataSanitizeJob) job {
	m := d.c.medium
	j := job{areas: []*area{d.area}, spare: true, survives: true, done: func(ok bool) {
		d.san.end(ok)
		if d.c.lies(LieNoStatus) {
			d.san.state, d.san.succeeded = sd0, false
		}
		if ok && d.unit.zones != nil {
			d.unit.zones.reset()
		}
	}}
	switch o.kind {
	case ataSanitizeCrypto:
		j.command, j.effect = inventory.ATASanitizeCrypto, effectCrypto
	case ataSanitizeBlock:
		j.command, j.fill = inventory.ATASanitizeBlock, m.erased
	default:
		j.command = inventory.ATASanitizeOverwrite
		p := o.pattern
		if o.invert && o.passes%2 == 0 {
			p = ^p
		}
		j.fill = repeat4(p)
	}
	e, _ := d.c.eraser(j.command)
	j.duration = e.duration()
	if j.command == inventory.ATASanitizeOverwrite {
		j.duration *= time.Duration(max(o.passes, 1))
	}
	return j
}

func (d *ataDrive) sanitize(c ataCommand) ataAnswer {
	progress := uint16(0)
	if j := d.c.running(); j != nil {
		progress = progress65536(j.elapsed, j.duration)
	}
	before := d.san
	if c.feature != ataSanitizeStatus && d.c.lies(LieUnsupported) {
		a := ataBad(ataABRT)
		a.lba = sanReasonUnsupported
		return a
	}
	r := d.san.command(c.feature, c.count, c.lba, progress)
	if !r.ok {
		a := ataBad(ataABRT)
		a.lba = uint64(r.reason)
		return a
	}
	if r.job != nil {
		j := d.sanitizeJob(*r.job)
		d.last = j.command
		if !d.c.begin(j) {
			d.san = before
		}
	}
	return ataAnswer{status: ataStatusGood, count: r.count, lba: r.lba}
}

// trusted is TRUSTED SEND and TRUSTED RECEIVE (ACS-4 7.54, 7.56).
func (d *ataDrive) trusted(c ataCommand) ataAnswer {
	if d.c.tcg == nil {
		return ataBad(ataABRT)
	}
	protocol := byte(c.feature)
	comID := uint16(c.lba >> 8)
	size := int(c.count&0xFF|uint16(c.lba&0xFF)<<8) * sectorBytes
	if c.op == ataTrustedSend || c.op == ataTrustedSendDMA {
		if !d.c.tcg.ifSend(protocol, comID, c.out[:min(size, len(c.out))]) {
			return ataBad(ataABRT)
		}
		return ataGood()
	}
	b := make([]byte, size)
	if !d.c.tcg.ifRecv(protocol, comID, b) {
		return ataBad(ataABRT)
	}
	return ataData(b)
}

// trim is DATA SET MANAGEMENT with TRIM: whole pages only.
func (d *ataDrive) trim(c ataCommand) ataAnswer {
	if !d.p.Trim || c.feature&1 == 0 {
		return ataBad(ataABRT)
	}
	for b := c.out; len(b) >= 8; b = b[8:] {
		r := le64(b)
		d.c.unmapBytes(d.area, int64(r&(1<<48-1))*int64(d.area.blockBytes), int64(r>>48)*int64(d.area.blockBytes))
	}
	return ataGood()
}

// unmapBytes deallocates the whole pages within a range.
func (c *core) unmapBytes(a *area, off, n int64) {
	if off < 0 || n <= 0 || off >= a.visibleBytes {
		return
	}
	end := min(off+n, a.visibleBytes)
	first, last := (off+pageBytes-1)/pageBytes, end/pageBytes
	if first < last {
		c.medium.unmap(a, first, last-first)
	}
}

// blocks are reads and writes through ATA itself.
func (d *ataDrive) blocks(c ataCommand) ataAnswer {
	count, lba := int(c.count), c.lba
	if !c.ext {
		count, lba = int(c.count&0xFF), c.lba&0xFFFFFFF
		if count == 0 {
			count = 256
		}
	} else if count == 0 {
		count = 65536
	}
	off, n := int64(lba)*int64(d.area.blockBytes), count*d.area.blockBytes
	if lba > d.reach.now || int64(lba)+int64(count) > int64(d.reach.now)+1 {
		switch c.op {
		case ataReadSectors, ataReadSectorsExt, ataReadDMA, ataReadDMAExt, ataReadVerify, ataReadVerifyExt, ataWriteSectors, ataWriteSectorsExt, ataWriteDMA, ataWriteDMAExt:
			return ataBad(ataIDNF)
		}
		return ataBad(ataABRT)
	}
	switch c.op {
	case ataReadSectors, ataReadSectorsExt, ataReadDMA, ataReadDMAExt, ataReadVerify, ataReadVerifyExt:
		b := make([]byte, n)
		if err := d.c.read(d.area, b, off); err != nil {
			return ataError(err)
		}
		if c.op == ataReadVerify || c.op == ataReadVerifyExt {
			return ataGood()
		}
		return ataData(b)
	case ataWriteSectors, ataWriteSectorsExt, ataWriteDMA, ataWriteDMAExt:
		if len(c.out) < n {
			return ataBad(ataABRT)
		}
		if err := d.c.write(d.area, c.out[:n], off); err != nil {
			return ataError(err)
		}
		return ataGood()
	}
	return ataBad(ataABRT)
}

func ataError(err error) ataAnswer {
	switch {
	case errors.Is(err, errMedium):
		return ataBad(ataUNC)
	case errors.Is(err, io.EOF):
		return ataBad(ataIDNF)
	}
	return ataBad(ataABRT)
}

func repeat4(p uint32) uint64 {
	// The pattern is the LBA field's bits 31:0, most significant byte first on the medium.
	q := uint64(p>>24) | uint64(p>>16&0xFF)<<8 | uint64(p>>8&0xFF)<<16 | uint64(p&0xFF)<<24
	return q | q<<32
}
