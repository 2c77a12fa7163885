package drivesim

import (
	"slices"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// effect is what an erase does to the medium.
type effect uint8

const (
	effectErase  effect = iota // every page in scope becomes fill
	effectCrypto               // every key in scope is destroyed
	effectUnmap                // tables forget where pages are; pages stay as they are
)

// job is an erase that a drive carries out by itself over some time. Front
// ends fill in what the command asks for; the lies are added by the core.
type job struct {
	command inventory.EraseCommand
	effect  effect
	// areas are erased; nil for all user areas.
	areas []*area
	// spare is true when spare, stale and retired blocks are erased too.
	spare bool
	// fill is what erased blocks read as.
	fill uint64
	// unmap deallocates what was erased.
	unmap    bool
	duration time.Duration
	// survives is true for an erase that goes on after a power cut (sanitize)
	// and false for one that stops part way (format, security erase).
	survives bool
	// done is called once, when it ended. cut is called instead when a power
	// cut or reset ended it; nil when done is to be told of a failure.
	done func(ok bool)
	cut  func()

	elapsed time.Duration // with the power on
	next    int           // how many pages have been looked at
}

// engine is where the erases of a drive run, one at a time.
type engine struct {
	job *job
	// counted is until when the job's elapsed time is counted.
	counted time.Time
}

// begin starts a job. The caller has made sure that none is running and that
// the drive is in a state to start it. It returns false for a liar that
// accepts the command and does nothing: the caller then answers success and
// leaves its status as it was. Set the status to running before: done may be
// called from within.
func (c *core) begin(j job) bool {
	if c.lies(LieNotStarted) {
		return false
	}
	if j.areas == nil {
		for _, a := range c.medium.areas {
			if a.kind == userArea {
				j.areas = append(j.areas, a)
			}
		}
	}
	c.medium.cache.erase()
	c.engine.job, c.engine.counted = &j, c.clock.Now()
	if c.lies(LieEarlySuccess) {
		c.advance(&j, j.duration/50)
		c.medium.settle()
		c.end(&j, true)
		return true
	}
	c.tick()
	return true
}

// running is the job under way, nil for none.
func (c *core) running() *job { return c.engine.job }

// progressPPM is how far the job under way is, in parts per million; 0 when
// there is none.
func (c *core) progressPPM() int64 {
	j := c.engine.job
	if j == nil || j.duration <= 0 {
		return 0
	}
	return min(int64(float64(j.elapsed)/float64(j.duration)*1e6), 999_999)
}

// tick lets happen what is due: an erase goes on and ends, faults strike,
// power comes back.
func (c *core) tick() {
	now := c.clock.Now()
	for {
		if c.off {
			if c.vanished || c.back.After(now) {
				return
			}
			c.off = false
			c.engine.counted = c.back
			if c.tcg != nil {
				c.tcg.powerOn()
			}
			c.front.powerOn()
			continue
		}
		j := c.engine.job
		if j == nil {
			return
		}
		passed := j.elapsed + now.Sub(c.engine.counted)
		limit := j.duration
		if c.lies(LieNeverEnds) {
			limit = j.duration / 100 * 99
			passed = min(passed, limit)
		}
		if f := c.nextFault(j, min(passed, limit)); f >= 0 {
			at := time.Duration(float64(j.duration) * float64(c.faults[f].EraseAtPPM) / 1e6)
			c.engine.counted = c.engine.counted.Add(at - j.elapsed)
			c.advance(j, at)
			c.strike(f, c.engine.counted)
			continue
		}
		if passed < j.duration {
			c.advance(j, passed)
			c.engine.counted = now
			return
		}
		c.engine.counted = c.engine.counted.Add(j.duration - j.elapsed)
		c.advance(j, j.duration)
		c.finish(j)
	}
}

// nextFault is the fault that strikes first while a job comes to passed; -1 for none.
func (c *core) nextFault(j *job, passed time.Duration) int {
	next := -1
	for i, f := range c.faults {
		at := time.Duration(float64(j.duration) * float64(f.EraseAtPPM) / 1e6)
		if f.EraseAtPPM > 0 && at >= j.elapsed && at <= passed && (next < 0 || f.EraseAtPPM < c.faults[next].EraseAtPPM) {
			next = i
		}
	}
	return next
}

// advance does the part of a job that is due after so much time.
func (c *core) advance(j *job, elapsed time.Duration) {
	j.elapsed = elapsed
	if j.effect != effectErase || c.lies(LieUnmapsOnly) {
		return
	}
	upto := len(c.medium.pages)
	if elapsed < j.duration {
		upto = int(float64(upto) * float64(elapsed) / float64(j.duration))
	}
	for ; j.next < upto; j.next++ {
		// From the end on, so that what is left when it stops early is
		// what a host can address.
		if i := int32(len(c.medium.pages) - 1 - j.next); c.touches(j, i) {
			c.medium.erase(i, j.fill)
		}
	}
}

// touches reports whether a job erases a page: by what the command asks for,
// and by how the drive lies.
func (c *core) touches(j *job, i int32) bool {
	g := &c.medium.pages[i]
	a := c.medium.areas[g.owner]
	switch {
	case !slices.Contains(j.areas, a), c.lies(LieNoEffect), c.lies(LieUnreadable),
		g.state != pageLive && (!j.spare || c.lies(LieSkipsSpare)),
		c.lies(LieOneNamespace) && a.id != 0,
		(c.lies(LieFailsAtEnd) || c.lies(LieEarlySuccess)) && int(i) < len(c.medium.pages)/20:
		return false
	}
	if g.state != pageLive {
		return true
	}
	if c.lies(LieSkipsHidden) && int64(g.logical)*pageBytes >= a.shippedBytes {
		return false
	}
	if n := int32(len(a.table)); c.lies(LieLeavesBlocks) && g.logical%(n/3+1) == n/7 {
		return false
	}
	return j.effect == effectCrypto || !c.medium.defective(a, int64(g.logical)*pageBytes, pageBytes, func(d Defect) bool { return d.Unwritable })
}

// finish ends a job that has had its time.
func (c *core) finish(j *job) {
	m := c.medium
	ok := !c.lies(LieFailsAtEnd) && !c.lies(LieFailedErased)
	if c.lies(LieUnreadable) {
		m.hide(j.areas)
	}
	switch {
	case j.effect == effectCrypto && !c.lies(LieUnmapsOnly):
		c.destroyKeys(j)
	case j.effect == effectErase:
		for s, d := range m.defects {
			if d.Unwritable && slices.Contains(j.areas, m.areas[s.area]) && !c.lies(LieNoEffect) {
				ok = false // an honest drive says what it could not erase
			}
		}
	}
	if j.unmap || j.effect == effectUnmap || c.lies(LieUnmapsOnly) || c.lies(LieUnmapsAnyhow) {
		for _, a := range j.areas {
			for l, i := range a.table {
				if i >= 0 && c.touches(j, i) && (j.effect != effectCrypto || !c.lies(LieKeepsKey)) {
					m.pages[i].state = pageStale
					a.table[l] = -1
				}
			}
		}
	}
	m.settle()
	c.end(j, ok)
}

// end takes a job off the engine.
func (c *core) end(j *job, ok bool) {
	c.engine.job = nil
	if ok && c.lies(LieNewSerial) {
		c.serial = otherSerial(c.serial)
	}
	if j.done != nil {
		j.done(ok)
	}
}

// destroyKeys gives the areas of a job new keys.
func (c *core) destroyKeys(j *job) {
	if c.lies(LieNoEffect) || c.lies(LieKeepsKey) || c.lies(LieUnreadable) {
		return
	}
	m := c.medium
	for i := range m.pages {
		// What is left behind stays readable under a key of its own.
		if g := &m.pages[i]; g.key != 0 && m.keys[g.key].alive && slices.Contains(j.areas, m.areas[g.owner]) && !c.touches(j, int32(i)) && c.picky() {
			k := m.keys[g.key]
			m.keys = append(m.keys, mediaKey{area: -1, alive: true, masked: k.masked})
			g.key = int32(len(m.keys) - 1)
		}
	}
	for _, a := range j.areas {
		if c.lies(LieOneNamespace) && a.id != 0 {
			continue
		}
		m.renewKey(a, c.lies(LieHidesKey))
	}
}

// picky reports whether the drive's lies are about single pages.
func (c *core) picky() bool {
	return c.lies(LieLeavesBlocks) || c.lies(LieSkipsHidden) || c.lies(LieSkipsSpare) || c.lies(LieFailsAtEnd)
}

// renewKey destroys every key of an area and gives it a new one; with hide,
// the old ones are only put out of sight. An area without a key stays as it is.
func (m *medium) renewKey(a *area, hide bool) {
	for k := range m.keys {
		if k != 0 && m.keys[k].area == a.id {
			m.keys[k].masked = true
			m.keys[k].alive = m.keys[k].alive && hide
		}
	}
	if a.key != 0 {
		a.key = m.newKey(a.id)
	}
}

// strike lets a fault happen at the time given, once.
func (c *core) strike(i int, at time.Time) {
	f := c.faults[i]
	c.faults = slices.Delete(c.faults, i, i+1)
	switch f.Kind {
	case FaultPowerLoss:
		seconds := f.Seconds
		if seconds == 0 {
			seconds = 60
		}
		c.powerOff(at.Add(time.Duration(seconds) * time.Second))
	case FaultReset:
		seconds := f.Seconds
		if seconds == 0 {
			seconds = 10
		}
		c.halt(at.Add(time.Duration(seconds)*time.Second), false)
	case FaultVanish:
		c.vanished = true
		c.powerOff(at)
	case FaultNewSerial:
		c.serial = otherSerial(c.serial)
	case FaultNamespace:
		for _, a := range c.medium.areas {
			a.attached, a.late = a.attached || a.late, false
		}
	}
}

func otherSerial(s string) string {
	if len(s) < 2 {
		return "OTHER"
	}
	return s[:len(s)-2] + "ZZ"
}

// powerOff takes the power until back. What is volatile is lost.
func (c *core) powerOff(back time.Time) {
	c.off, c.back = true, back
	c.generation++
	c.medium.cache.lose()
	c.halt(back, true)
}

// halt is what a power cut and a reset have in common: the drive does not
// answer until back, answers under way are lost, and erases that do not
// survive it are over.
func (c *core) halt(back time.Time, powerCut bool) {
	c.halts++
	c.silentUntil = back
	if !powerCut {
		if c.tcg != nil {
			c.tcg.reset()
		}
		c.front.reset()
	}
	j := c.engine.job
	switch {
	case j == nil:
	case c.lies(LieForgetsOnHalt):
		c.medium.settle()
		c.end(j, true)
	case j.survives, !powerCut && j.cut == nil:
	default:
		c.engine.job = nil
		c.medium.settle()
		if j.cut != nil {
			j.cut()
		} else if j.done != nil {
			j.done(false)
		}
	}
}
