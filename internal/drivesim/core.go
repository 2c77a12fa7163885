package drivesim

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

// core is one simulated drive: medium, engine, power and identity. The front
// ends decode commands and call it. Every entry of a front end is
//
//	if err := c.enter(ctx, gen); err != nil { return ..., err }
//	defer c.leave()
//
// and between the two it owns everything in the drive.
type core struct {
	profile Profile
	clock   *Clock
	front   frontEnd
	tcg     securityProtocol // nil when the drive has none

	mu     sync.Mutex
	medium *medium
	engine engine
	nodes  map[string]uint32 // numbers of areas by path
	serial string
	wwn    string
	faults []Fault // not yet struck
	random *rand.Rand

	// Power. Every power cut makes a new generation of what hosts have open.
	off, vanished bool
	back          time.Time // when the power comes back
	silentUntil   time.Time // while a reset lasts
	generation    int
	halts         int // power cuts and resets so far

	ioBytes  int64
	commands int
}

// frontEnd is the command set of a drive. Its methods are called with the
// drive's mutex held.
type frontEnd interface {
	// wires are the ways by which a host gives commands to one area. gen is
	// what enter wants to know.
	wires(a *area, gen int) drive.Wires
	// access says whether blocks of an area can be read or written now; the
	// error is what a host gets for trying.
	access(a *area, write bool) error
	// powerOn forgets what is volatile; it is called when the power comes
	// back, and after a suspend of the machine.
	powerOn()
	// reset is a reset of the bus or controller, with the power on.
	reset()
	// facts changes what the host sees of the drive where the front end
	// stands between the two (a USB bridge), or adds to it.
	facts(a *area, d *inventory.Drive)
}

// securityProtocol is a TCG drive's side of IF-SEND and IF-RECV. Its methods
// are called with the drive's mutex held; false means that the drive refuses,
// and the front end says so in its own words.
type securityProtocol interface {
	ifSend(protocol byte, comID uint16, data []byte) bool
	// ifRecv fills data from the start, zeros behind.
	ifRecv(protocol byte, comID uint16, data []byte) bool
	powerOn()
	reset()
	// locked reports whether any of the bytes from off on are locked.
	locked(a *area, off, lengthBytes int64, write bool) bool
}

// errNotThere is what a host gets for a command to a drive that is off, gone,
// or that it has to find again first.
var errNotThere = fmt.Errorf("drive does not answer: %w", syscall.ENODEV)

// errLost is the answer that a reset swallowed.
var errLost = fmt.Errorf("drive was reset, its answer is lost: %w", syscall.EIO)

func (c *core) lies(l Lie) bool { return slices.Contains(c.profile.Lies, l) }

// eraser is how the drive carries out a command, false when it has none such.
func (c *core) eraser(e inventory.EraseCommand) (EraserProfile, bool) {
	p, ok := c.profile.Erasers[e]
	return p, ok
}

// seconds is how long an eraser takes.
func (p EraserProfile) duration() time.Duration {
	return time.Duration(p.Seconds * float64(time.Second))
}

// enter begins one command by a host that has opened the drive in generation
// gen. On error the command was not delivered, and leave must not be called.
func (c *core) enter(ctx context.Context, gen int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	c.commands++
	c.tick()
	c.strikeIf(func(f Fault) bool { return f.AfterCommands > 0 && c.commands > f.AfterCommands })
	if err := c.reachable(gen); err != nil {
		c.mu.Unlock()
		return err
	}
	return nil
}

// leave ends what enter began.
func (c *core) leave() { c.mu.Unlock() }

func (c *core) reachable(gen int) error {
	switch {
	case c.off, c.vanished, gen != c.generation:
		return errNotThere
	case c.silentUntil.After(c.clock.Now()):
		return errLost
	}
	return nil
}

func (c *core) strikeIf(is func(Fault) bool) {
	for i := slices.IndexFunc(c.faults, is); i >= 0; i = slices.IndexFunc(c.faults, is) {
		c.strike(i, c.clock.Now())
	}
}

// finished waits, as a command does that answers only when the job under way
// has ended, but no longer than timeout (0 means 30 seconds). Meanwhile other
// commands get through. An error means that the answer is lost; the job may
// well go on.
func (c *core) finished(ctx context.Context, gen int, timeout time.Duration) error {
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	j, halts := c.engine.job, c.halts
	if j == nil {
		return nil
	}
	wait := j.duration - j.elapsed
	late := wait > timeout || c.lies(LieNeverEnds) || c.lies(LieEndlessFormat)
	if late {
		wait = timeout
	}
	c.mu.Unlock()
	err := c.clock.Wait(ctx, wait)
	c.mu.Lock()
	c.tick()
	switch {
	case err != nil:
		return err
	case gen != c.generation, c.off:
		return errNotThere
	case c.halts != halts:
		return errLost
	case late && c.engine.job == j:
		return fmt.Errorf("no answer within %v: %w", timeout, syscall.ETIMEDOUT)
	}
	return nil
}

// read and write are what commands that move blocks come to; off is in bytes
// from the start of the area. The caller has entered.
func (c *core) read(a *area, p []byte, off int64) error {
	if err := c.usable(a, off, len(p), false); err != nil {
		return err
	}
	c.moved(len(p))
	return c.medium.read(a, p, off)
}

func (c *core) write(a *area, p []byte, off int64) error {
	if err := c.usable(a, off, len(p), true); err != nil {
		return err
	}
	c.moved(len(p))
	if c.lies(LieShortWrites) && len(p) >= 2*pageBytes {
		p = p[:len(p)/2/pageBytes*pageBytes]
	}
	return c.medium.write(a, p, off)
}

// usable says whether a host may move blocks of an area now.
func (c *core) usable(a *area, off int64, n int, write bool) error {
	if j := c.engine.job; j != nil && slices.Contains(j.areas, a) {
		return fmt.Errorf("an erase is in progress: %w", syscall.EIO)
	}
	if c.tcg != nil && c.tcg.locked(a, off, int64(n), write) {
		return fmt.Errorf("the range is locked: %w", syscall.EIO)
	}
	if write && c.profile.ReadOnly {
		return fmt.Errorf("write protected: %w", syscall.EROFS)
	}
	return c.front.access(a, write)
}

func (c *core) moved(n int) {
	c.ioBytes += int64(n)
	c.strikeIf(func(f Fault) bool { return f.AfterBytes > 0 && c.ioBytes > f.AfterBytes })
}

// answer is the last thing done to the data of an answer: some liars spoil it.
func (c *core) answer(data []byte) {
	switch {
	case c.lies(LieZeroedAnswers):
		clear(data)
	case c.lies(LieRandomAnswers):
		for i := range data {
			data[i] = byte(c.random.Uint32())
		}
	case c.lies(LieShortAnswers) && len(data) > 16:
		clear(data[16:])
	}
}

// newCore makes the drive of a profile. which tells apart drives that one
// profile makes several of.
func newCore(p Profile, o Options, which int) (*core, error) {
	c := &core{profile: p, clock: o.Clock, serial: p.Serial, generation: 1, nodes: map[string]uint32{}}
	if o.Serial != "" {
		c.serial = o.Serial
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, p.Name, c.serial, o.Path, which)
	id := h.Sum64()
	if c.serial == "" {
		c.serial = fmt.Sprintf("SIM%09d", id%1e9)
	}
	c.random = rand.New(rand.NewPCG(id, o.Seed)) //nolint:gosec // noise for tests, repeatable by intent
	switch {
	case p.NoWWN:
	case p.Bus == inventory.BusNVMe || p.Bus == inventory.BusFabric:
		c.wwn = fmt.Sprintf("eui.%016x", id)
	case p.Bus != inventory.BusMMC:
		c.wwn = fmt.Sprintf("naa.5%015x", id>>4)
	}
	c.faults = append(slices.Clone(p.Faults), o.Faults...)
	var err error
	if c.medium, err = p.medium(c.serial); err != nil {
		return nil, err
	}
	switch {
	case c.lies(LieLosesWrites):
		c.medium.cache.policy = neverWrites
	case c.lies(LieStaleCache):
		c.medium.cache.policy = neverForgets
	}
	for _, d := range o.Defects {
		if d.Unit < 0 || d.Unit >= len(c.medium.areas) {
			return nil, fmt.Errorf("simulate %s: defect in unit %d of %d", p.Name, d.Unit, len(c.medium.areas))
		}
		c.medium.defects[sector{d.Unit, d.Sector}] = d
	}
	if c.front, c.tcg, err = newFront(c); err != nil {
		return nil, fmt.Errorf("simulate %s: %w", p.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tcg != nil {
		c.tcg.powerOn()
	}
	c.front.powerOn()
	return c, nil
}
