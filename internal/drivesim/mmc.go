package drivesim

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/inventory"
)

// MMCProfile is what an eMMC device or SD card has beside a medium.
type MMCProfile struct {
	// SD is true for an SD card, false for eMMC.
	SD bool `json:"sd,omitempty"`
	// Revision is EXT_CSD_REV: 8 for 5.1, 7 for 5.0, 6 for 4.5, 5 for 4.41.
	Revision byte `json:"revision,omitempty"`
	// BootProtected has "", "power-on" or "permanent" for each boot partition.
	BootProtected []string `json:"boot_protected,omitempty"`
	// Password locks the card (CMD42).
	Password string `json:"password,omitempty"`
	// PreEOL is PRE_EOL_INFO: 1 normal, 2 warning, 3 urgent; Life is
	// DEVICE_LIFE_TIME_EST_TYP_A in tenths of the life it was made for.
	PreEOL byte `json:"pre_eol,omitempty"`
	Life   byte `json:"life,omitempty"`
}

// Bits of R1 (JESD84-B51 table 68).
const (
	r1OutOfRange  = 1 << 31
	r1Misaligned  = 1 << 30
	r1EraseSeq    = 1 << 28
	r1EraseParam  = 1 << 27
	r1WPViolation = 1 << 26
	r1Locked      = 1 << 25
	r1LockFailed  = 1 << 24
	r1Illegal     = 1 << 22
	r1Error       = 1 << 19
	r1WPEraseSkip = 1 << 15
	r1Ready       = 1 << 8
	r1SwitchError = 1 << 7
	r1AppCmd      = 1 << 5
)

// States of a card in R1 bits 12:9 that are told apart.
const (
	mmcStandby     = 3
	mmcTransfer    = 4
	mmcProgramming = 7
)

// mmcCard is an eMMC device or SD card (JESD84-B51; SD Physical Layer 9.10).
type mmcCard struct {
	c *core
	p MMCProfile

	state    uint32
	pending  uint32 // error bits for the next response
	app      bool   // CMD55 came before
	access3  byte   // PARTITION_ACCESS
	groupDef bool   // ERASE_GROUP_DEF
	first    *uint32
	last     *uint32
	bootWP   [2]byte // 0 none, 1 until power-on, 2 for good
	password []byte
	locked   bool
	blocks   uint32 // CMD23
	rpmb     rpmbState
}

func newMMCFront(c *core) (frontEnd, error) {
	d := &mmcCard{c: c, state: mmcTransfer}
	if c.profile.MMC != nil {
		d.p = *c.profile.MMC
	}
	if d.p.Revision == 0 {
		d.p.Revision = 8
	}
	if len(d.p.Password) > 16 {
		return nil, errors.New("mmc: password longer than 16 bytes")
	}
	if len(d.p.BootProtected) > 2 {
		return nil, errors.New("mmc: more than two boot partitions")
	}
	for i, s := range d.p.BootProtected {
		n, ok := map[string]byte{"": 0, "power-on": 1, "permanent": 2}[s]
		if !ok {
			return nil, fmt.Errorf("mmc: boot_protected %q", s)
		}
		d.bootWP[i] = n
	}
	if d.p.Password != "" {
		d.password = []byte(d.p.Password)
	}
	return d, nil
}

func (d *mmcCard) powerOn() {
	d.state, d.pending, d.app, d.access3, d.groupDef = mmcTransfer, 0, false, 0, false
	d.first, d.last, d.blocks = nil, nil, 0
	d.locked = d.password != nil
	for i, s := range d.p.BootProtected {
		if s == "power-on" { // firmware protects it again at every start
			d.bootWP[i] = 1
		}
	}
}

func (d *mmcCard) reset() { d.powerOn() }

func (d *mmcCard) facts(*area, *inventory.Drive) {}

func (d *mmcCard) access(a *area, write bool) error {
	switch {
	case d.locked:
		return fmt.Errorf("card is locked: %w", syscall.EIO)
	case write && d.protected(a):
		return fmt.Errorf("write protected: %w", syscall.EIO)
	}
	return nil
}

// protected reports whether an area takes no writes and no erases.
func (d *mmcCard) protected(a *area) bool {
	if a.kind == bootArea && a.number >= 1 && a.number <= 2 && d.bootWP[a.number-1] != 0 {
		return true
	}
	return d.c.profile.ReadOnly
}

func (d *mmcCard) wires(a *area, gen int) drive.Wires {
	return drive.Wires{MMC: mmcWire{d, a, gen}}
}

// mmcWire is one partition of a card as a host has it open.
type mmcWire struct {
	*mmcCard
	area *area
	gen  int
}

// errNoResponse is a command that the card did not answer.
var errNoResponse = fmt.Errorf("no response from the card: %w", syscall.ETIMEDOUT)

// Sequence implements mmc.Issuer.
func (w mmcWire) Sequence(ctx context.Context, commands ...mmc.Command) ([]mmc.Response, error) {
	var all []mmc.Response
	if err := w.c.enter(ctx, w.gen); err != nil {
		return nil, err
	}
	defer w.c.leave()
	for i, cmd := range commands {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		if w.c.lies(LieAborts) && cmd.Opcode != 13 {
			return all, fmt.Errorf("command %d of %d: %w", i+1, len(commands), errNoResponse)
		}
		r, ok := w.command(w.area, cmd)
		if !ok {
			return all, fmt.Errorf("command %d of %d: %w", i+1, len(commands), errNoResponse)
		}
		if !cmd.Write && len(cmd.Data) > 0 && cmd.Opcode != 17 && cmd.Opcode != 18 {
			w.c.answer(cmd.Data)
		}
		if w.c.running() != nil { // R1b: the card holds the line until it is done
			timeout := cmd.Timeout
			if err := w.c.finished(ctx, w.gen, timeout); err != nil {
				return all, err
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// r1 is the status as a response, with error bits that it clears.
func (d *mmcCard) r1(bits uint32) mmc.Response {
	bits |= d.pending
	d.pending = 0
	if d.locked {
		bits |= r1Locked
	}
	state := d.state
	if d.c.running() != nil {
		state = mmcProgramming
	} else {
		bits |= r1Ready
	}
	return mmc.Response{bits | state<<9}
}

// illegal is a command that the card does not know: it says nothing, and the
// next response has the bit.
func (d *mmcCard) illegal() (mmc.Response, bool) {
	d.pending |= r1Illegal
	return mmc.Response{}, false
}

// target is the area that commands are for.
func (d *mmcCard) target(a *area) *area {
	if d.access3 == 0 {
		return a
	}
	for _, x := range d.c.medium.areas {
		if d.access3 <= 2 && x.kind == bootArea && x.number == uint32(d.access3) || d.access3 == 3 && x.kind == rpmbArea {
			return x
		}
	}
	return a
}

func (d *mmcCard) command(open *area, cmd mmc.Command) (mmc.Response, bool) {
	app := d.app || cmd.Application
	d.app = false
	if d.locked {
		switch cmd.Opcode {
		case 0, 6, 7, 8, 9, 10, 13, 16, 42, 55: // classes 0 and 7
		default:
			return d.illegal()
		}
	}
	switch {
	case app && d.p.SD && cmd.Opcode == 13:
		return d.data(cmd, d.sdStatus())
	case app && d.p.SD && cmd.Opcode == 51:
		return d.data(cmd, []byte{0x02, 0x35, 0x80, 0x03, 0, 0, 0, 0})
	case app && !d.p.SD:
		return d.illegal()
	}
	switch cmd.Opcode {
	case 0:
		d.reset()
		return d.r1(0), true
	case 7:
		d.state = mmcTransfer
		if cmd.Argument>>16 == 0 {
			d.state = mmcStandby
		}
		return d.r1(0), true
	case 9, 10:
		if d.state != mmcStandby {
			return d.illegal()
		}
		if cmd.Opcode == 9 {
			return d.csd(), true
		}
		return d.cid(), true
	case 13:
		return d.r1(0), true
	case 16:
		if cmd.Argument != sectorBytes {
			return d.r1(1 << 29), true // BLOCK_LEN_ERROR
		}
		return d.r1(0), true
	case 55:
		d.app = true
		return d.r1(r1AppCmd), true
	case 42:
		return d.lockUnlock(cmd)
	case 12:
		return d.r1(0), true
	}
	if d.state != mmcTransfer {
		return d.illegal()
	}
	return d.transfer(open, cmd)
}

// data answers a command that reads a register of its own.
func (d *mmcCard) data(cmd mmc.Command, b []byte) (mmc.Response, bool) {
	if cmd.Write || len(cmd.Data) < len(b) {
		return d.illegal()
	}
	copy(cmd.Data, b)
	return d.r1(0), true
}

// transfer are the commands of the transfer state.
func (d *mmcCard) transfer(open *area, cmd mmc.Command) (mmc.Response, bool) {
	a := d.target(open)
	switch cmd.Opcode {
	case 6:
		if d.p.SD {
			return d.data(cmd, make([]byte, 64))
		}
		return d.mmcSwitch(cmd.Argument)
	case 8:
		if d.p.SD || len(cmd.Data) == 0 {
			return d.illegal()
		}
		return d.data(cmd, d.extCSD())
	case 17, 18, 24, 25:
		if a.kind == rpmbArea {
			return d.rpmbTransfer(cmd)
		}
		return d.moveBlocks(a, cmd), true
	case 23:
		d.blocks = cmd.Argument
		return d.r1(0), true
	case 30, 31:
		return d.writeProtection(a, cmd)
	case 32, 33, 35, 36:
		if (cmd.Opcode <= 33) != d.p.SD {
			return d.illegal()
		}
		at := cmd.Argument
		if cmd.Opcode == 32 || cmd.Opcode == 35 {
			d.first, d.last = &at, nil
		} else if d.first == nil {
			return d.r1(r1EraseSeq), true
		} else {
			d.last = &at
		}
		if d.offset(at) >= a.visibleBytes {
			d.first, d.last = nil, nil
			return d.r1(r1OutOfRange), true
		}
		return d.r1(0), true
	case 38:
		return d.erase(a, cmd.Argument)
	}
	return d.illegal()
}

// offset is an address in bytes: cards of up to 2 GiB count in bytes, larger
// ones in sectors (JESD84-B51 table 27; SD 4.3.14).
func (d *mmcCard) offset(address uint32) int64 {
	if d.c.medium.areas[0].sizeBytes > 2<<30 {
		return int64(address) * sectorBytes
	}
	return int64(address)
}

// moveBlocks reads or writes blocks of 512 bytes.
func (d *mmcCard) moveBlocks(a *area, cmd mmc.Command) mmc.Response {
	n := len(cmd.Data) &^ (sectorBytes - 1)
	if cmd.Opcode == 17 || cmd.Opcode == 24 {
		n = min(n, sectorBytes)
	}
	off := d.offset(cmd.Argument)
	write := cmd.Opcode >= 24
	switch {
	case off%sectorBytes != 0:
		return d.r1(r1Misaligned)
	case off+int64(n) > a.visibleBytes:
		return d.r1(r1OutOfRange)
	case write && d.protected(a):
		return d.r1(r1WPViolation)
	case write != cmd.Write:
		return d.r1(r1Error)
	}
	move := d.c.read
	if write {
		move = d.c.write
	}
	if move(a, cmd.Data[:n], off) != nil {
		return d.r1(r1Error)
	}
	return d.r1(0)
}

// erase is CMD38 (JESD84-B51 6.6.9 to 6.6.12; SD 4.3.5).
func (d *mmcCard) erase(a *area, argument uint32) (mmc.Response, bool) {
	first, last := d.first, d.last
	d.first, d.last = nil, nil
	if first == nil || last == nil {
		return d.r1(r1EraseSeq), true
	}
	if *last < *first {
		return d.r1(r1EraseParam), true
	}
	low, high := d.offset(*first), d.offset(*last)+sectorBytes
	_, secure := d.c.eraser(inventory.MMCSecureErase)
	command, physically := inventory.MMCErase, false
	switch {
	case d.p.SD && argument > 2:
		return d.r1(r1EraseParam), true
	case d.p.SD:
		command = inventory.SDErase
	case argument == 0: // whole erase groups
		group := d.groupBytes()
		low, high = low/group*group, (high+group-1)/group*group
	case argument == 1 || argument == 3: // TRIM, DISCARD
	case argument == 0x80000000 && secure && d.p.Revision < 6:
		command, physically = inventory.MMCSecureErase, true
		group := d.groupBytes()
		low, high = low/group*group, (high+group-1)/group*group
	default:
		return d.r1(r1EraseParam), true
	}
	high = min(high, a.visibleBytes)
	if d.protected(a) || a.kind == rpmbArea {
		return d.r1(r1WPEraseSkip), true
	}
	if _, ok := d.c.eraser(command); !ok || d.c.lies(LieUnsupported) {
		return d.illegal()
	}
	e, _ := d.c.eraser(command)
	share := float64(high-low) / float64(max(a.visibleBytes, 1))
	d.run(command, time.Duration(float64(e.duration())*share), func() {
		first, last := (low+pageBytes-1)/pageBytes, high/pageBytes
		if high == a.visibleBytes {
			last = (high + pageBytes - 1) / pageBytes
		}
		var pages []int32
		for l := first; l < last; l++ {
			if i := a.table[l]; i >= 0 {
				pages = append(pages, i)
			}
		}
		d.c.medium.unmap(a, first, last-first)
		if !physically || d.c.lies(LieUnmapsOnly) {
			return
		}
		for _, i := range pages {
			d.c.medium.erase(i, d.c.medium.erased)
		}
		d.c.medium.settle()
	})
	return d.r1(0), true
}

// run lets an erase take its time; what it does, it does when that is over.
// The engine itself has nothing to erase: what ERASE and SANITIZE reach is not
// told by areas.
func (d *mmcCard) run(command inventory.EraseCommand, duration time.Duration, effect func()) {
	d.c.begin(job{command: command, areas: []*area{}, duration: duration, cut: func() {}, done: func(ok bool) {
		if !ok {
			d.pending |= r1Error
			return
		}
		if !d.c.lies(LieNoEffect) && !d.c.lies(LieEarlySuccess) {
			effect()
		}
	}})
}

// lockUnlock is CMD42 (JESD84-B51 6.6.20).
func (d *mmcCard) lockUnlock(cmd mmc.Command) (mmc.Response, bool) {
	b := cmd.Data
	if !cmd.Write || len(b) < 2 {
		return d.illegal()
	}
	mode := b[0]
	if mode&0x08 != 0 { // force erase: everything goes, and the password with it
		if !d.locked || mode != 0x08 || d.c.profile.ReadOnly {
			return d.r1(r1LockFailed), true
		}
		for _, a := range d.c.medium.areas {
			if a.kind == userArea {
				d.c.medium.unmap(a, 0, int64(len(a.table)))
			}
		}
		d.password, d.locked = nil, false
		return d.r1(0), true
	}
	n := int(b[1])
	if n == 0 || n > 16 || len(b) < 2+n {
		return d.r1(r1LockFailed), true
	}
	given := b[2 : 2+n]
	matches := d.password != nil && string(given) == string(d.password)
	switch {
	case mode&0x01 != 0 && d.password == nil: // SET_PWD
		d.password, d.locked = append([]byte{}, given...), mode&0x04 != 0
	case mode&0x02 != 0 && matches: // CLR_PWD
		d.password, d.locked = nil, false
	case mode&0x03 == 0 && matches:
		d.locked = mode&0x04 != 0
	default:
		return d.r1(r1LockFailed), true
	}
	return d.r1(0), true
}
