package erase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// An overwrite that was cut off goes on where the earlier run had got to. What
// the journal says of that is not believed, it only saves time: the whole drive
// is read back afterwards, and a journal that is wrong ends in blocks that differ.

// identified reports whether what a drive says of itself tells it from every
// other. An image file is known by its path. Units behind one serial need a name
// of their own.
func identified(d inventory.Drive) bool {
	return d.Bus == inventory.BusImage ||
		strings.Trim(d.Serial, "0 ") != "" && (len(d.Siblings) == 0 || d.WWN != "")
}

// provable reports whether reading back proves a pass that this run has not
// written itself. Only a key stream does so everywhere: flash, and whatever else
// can be told to forget blocks (a shingled disk, a thin volume), reads as zeros or
// as some other constant where nothing was ever overwritten.
func provable(p Pattern, d inventory.Drive) bool {
	return p.Kind == Random ||
		d.Media == inventory.MediaMagnetic && !d.Discards && d.Bus != inventory.BusVirtual && d.Bus != inventory.BusFabric
}

// canGoOn is why an overwrite with these rules is not one that could go on after
// it was cut off; empty when it could.
func canGoOn(rules GoOn, s Standard, verify VerifyMode, d inventory.Drive) string {
	switch {
	case rules != GoOnOnePass && rules != GoOnAllPasses:
		return "the policy does not allow it"
	case rules == GoOnOnePass && len(s.Passes) != 1:
		return "the policy allows it for one pass only"
	case verify != VerifyFull:
		return "not every block is read back"
	case !identified(d):
		return "the drive tells no serial of its own"
	case inOrder(abilities(d)):
		return "the drive is written zone by zone"
	}
	return ""
}

// goOn plans the taking up of an overwrite that was cut off, if there is one. It
// gives the pass (from 1) and the offset to begin with.
func (w *work) goOn(p *Plan, size int64) (pass int, from int64) {
	if w.o.Resume == nil || w.o.Resume.Written == nil {
		return 1, 0
	}
	j, s := w.o.Resume, w.o.Standard
	at := *j.Written
	refuse := func(why string) (int, int64) {
		p.say("an earlier run (%s) overwrote this drive and was cut off; that is not gone on with, because %s", j.Run, why)
		return 1, 0
	}
	if at.Standard != s.ID || at.Of != len(s.Passes) {
		return refuse(fmt.Sprintf("it was for %s", at.Standard))
	}
	if why := canGoOn(w.o.Rules.GoOn, s, w.verify(Overwrite), w.d); why != "" {
		return refuse(why)
	}
	switch {
	case j.Policy != w.o.Rules.Policy:
		return refuse("it was under another policy")
	case j.SizeBytes != size:
		return refuse(fmt.Sprintf("the drive had %d bytes then and has %d", j.SizeBytes, size))
	case at.Pass < 1 || at.Pass > at.Of || at.SyncedBytes < 0 || at.SyncedBytes > size || at.SyncedBytes%pageBytes != 0 && at.SyncedBytes != size:
		return refuse("what it left makes no sense")
	case otherLife(j.PowerOnHours, hoursOf(w.d.Abilities)):
		return refuse("by its hours in use the drive has been elsewhere since")
	case !p.byHostOnly():
		return refuse("the drive has to be put in order first")
	}
	if at.Pass == at.Of && !provable(s.Passes[at.Pass-1], w.d) {
		at.SyncedBytes = 0
	}
	if at.Pass == 1 && at.SyncedBytes == 0 {
		if j.Written.SyncedBytes > 0 {
			return refuse("on this drive reading cannot tell an overwritten block from one that was only given up (discarded); a random pass would")
		}
		return 1, 0
	}
	percent := ppm(at.SyncedBytes, size) / 10_000
	p.add(Step{Kind: StepContinue, Technique: Overwrite,
		Title: fmt.Sprintf("go on from %d %% of pass %d of %d, where an earlier run was cut off (%s)", percent, at.Pass, at.Of, j.Run)})
	p.say("an earlier run (%s) was cut off: the plan goes on from %d %% of pass %d; at the end the whole drive is read back, what that run wrote too", j.Run, percent, at.Pass)
	if at.Pass > 1 {
		p.say("that the passes before were done is known from this station's own journal and from a look at %d places, not from reading everything; the policy accepts that", familiarPlaces)
	}
	return at.Pass, at.SyncedBytes
}

// overwrites are the plan's overwriting steps.
func (p Plan) overwrites() (steps []Step) {
	for _, s := range p.Steps {
		if s.Kind == StepOverwrite {
			steps = append(steps, s)
		}
	}
	return steps
}

// byHostOnly reports whether nothing but overwriting by the host erases.
func (p Plan) byHostOnly() bool {
	return !slices.ContainsFunc(p.Steps, func(s Step) bool {
		return !slices.Contains([]StepKind{StepThaw, StepReveal, StepContinue, StepOverwrite, StepReadBack}, s.Kind)
	})
}

// goingOn is what a run knows of an overwrite that goes on.
type goingOn struct {
	// before is how many passes the earlier run did, and inherited up to
	// where the last pass is its work too; continued says that its journal
	// was taken up.
	before    int
	inherited int64
	continued bool
	// kept: the journal tells of what this run overwrites. unwritten: a block
	// could not be written, so no journal tells of later passes.
	kept, unwritten bool
}

var errOtherJournal = errors.New("what the earlier run left does not fit")

// takeUp takes over what an earlier run left, if it is what the plan was made for.
func (r *runner) takeUp(ctx context.Context) (abandoned bool, err error) {
	first := r.plan.overwrites()[0]
	j, s := r.o.Resume, r.plan.Standard
	if j == nil || j.Written == nil || len(j.Written.Passes) == 0 {
		return false, fmt.Errorf("%w: there is no journal of an overwrite", errOtherJournal)
	}
	at := j.Written
	switch last := at.Passes[len(at.Passes)-1]; {
	case at.Standard != s.ID || at.Of != len(s.Passes) || at.Pass != r.before+1 || at.SyncedBytes < first.FromBytes:
		return false, fmt.Errorf("%w: it is at pass %d of %d of %s, byte %d", errOtherJournal, at.Pass, at.Of, at.Standard, at.SyncedBytes)
	case j.SizeBytes != r.size:
		return false, fmt.Errorf("%w: the drive had %d bytes then and has %d", errOtherJournal, j.SizeBytes, r.size)
	case last.Kind != StepOverwrite || last.Pattern != r.passes[r.before].String():
		return false, fmt.Errorf("%w: it was at %q, and this pass is %q", errOtherJournal, last.Pattern, r.passes[r.before])
	case otherLife(j.PowerOnHours, r.hours()):
		return false, fmt.Errorf("%w: by its hours in use the drive has been elsewhere since", errOtherJournal)
	}
	if r.before > 0 {
		if abandoned, err = r.familiar(ctx, first.FromBytes); err != nil {
			return abandoned, err
		}
	}
	for _, p := range at.Passes {
		if p.Run == "" {
			p.Run = j.Run
		}
		if p.Kind != StepOverwrite || p.Bytes > 0 {
			r.result.Passes = append(r.result.Passes, p)
		}
	}
	p, end := r.pass(StepContinue, TechniqueNone, "")
	defer end()
	p.Run = j.Run
	p.Commands = []Command{{Name: "go on", Status: fmt.Sprintf("from byte %d of pass %d of %d", first.FromBytes, at.Pass, at.Of)}}
	r.continued = true
	if at.Pass == at.Of {
		r.inherited = first.FromBytes
	}
	return false, nil
}

// familiarPlaces is how many places are looked at before passes of an earlier
// run are counted.
const familiarPlaces = 64

// familiar looks whether the drive holds what the earlier run wrote: before an
// offset its last pass, behind it that one or the one before. The read-back at
// the end shows only the last pass, and a serial may be that of a dock, the same
// for every drive that is put into it.
func (r *runner) familiar(ctx context.Context, from int64) (abandoned bool, err error) {
	_, buffers, err := r.memory(r.buffersBytes())
	if err != nil {
		return false, err
	}
	held := map[int64][]byte{} // by offset
	pages := r.size / pageBytes
	places := min(familiarPlaces, pages)
	for i := range places {
		off, buf := pages*(2*i+1)/(2*places)*pageBytes, buffers[i*pageBytes:][:pageBytes]
		err := r.answered("read", r.o.Stall, func() error { return readAll(r.dev, buf, off) })
		switch {
		case errors.Is(err, ErrStalled):
			return true, err
		case err != nil && fatal(err):
			return false, err
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err == nil:
			held[off] = buf
		} // a block that cannot be read tells nothing
	}
	strange := map[int64]int{} // blocks by how many of the passes they are not of
	for number := r.before; number <= r.before+1; number++ {
		differs, err := r.writtenComparer(r.passes[number-1], number)
		if err != nil {
			return false, err
		}
		for off, buf := range held {
			if number > r.before || off >= from {
				differs(slices.Clone(buf), off, int(r.blockBytes()), func(at span) { strange[at.Off]++ })
			}
		}
	}
	others := map[int64]bool{}
	for off, passes := range strange {
		if passes == 2 || off < from {
			others[off/pageBytes] = true
		}
	}
	if len(others) > 0 || len(held) == 0 {
		return false, fmt.Errorf("%w: of %d places that were looked at, %d hold something else than its passes wrote", errOtherJournal, len(held), len(others))
	}
	return false, nil
}

// settled reports whether what the journal holds is needed no more.
func (r *runner) settled() bool {
	err := r.result.Err
	switch {
	case errors.Is(err, errOtherJournal):
		return true
	case !r.kept:
		return r.journaled && r.terminal && r.left
	}
	// What a person can mend is gone on with.
	return err == nil || !r.plan.CanGoOn || !r.cancelled && !errors.Is(err, ErrGone) && !errors.Is(err, ErrNoSpace)
}

// writtenOver reports whether all that is wrong with the drive is that what the
// earlier run wrote is not there any more.
func (r *runner) writtenOver() bool {
	return r.continued && r.lastWrite.total == 0 && r.readBad.total == 0 && !r.mismatch.cut &&
		!slices.ContainsFunc(r.mismatch.spans, func(s span) bool { return s.Off+s.Len > r.inherited })
}

// otherLife reports whether a drive's hours in use, where both are known, say that
// it has been elsewhere since a run was cut off.
func otherLife(then, now *int64) bool {
	return then != nil && now != nil && (*now < *then || *now > *then+resumeWithin)
}

// hoursOf are a drive's hours in use; nil when it does not tell.
func hoursOf(a *inventory.Abilities) *int64 {
	if a == nil || a.Health == nil {
		return nil
	}
	return a.Health.PowerOnHours
}

// bookmark makes durable how far a pass has got.
type bookmark struct {
	r      *runner
	pass   Pass
	from   int64
	before []Pass
	// on is false where nobody keeps it, or nothing could go on from it.
	on  bool
	err error // of the last entry, if it could not be kept
}

// bookmark begins to keep how far a pass gets. The first entry of a run puts away
// what is there about an earlier one, which will be true no longer.
func (r *runner) bookmark(pass Pass, from int64) *bookmark {
	b := &bookmark{r: r, pass: pass, from: from, before: slices.Clone(r.result.Passes)}
	b.on = r.o.Journal != nil && r.plan.byHostOnly() && identified(r.plan.Drive) && !r.unwritten && (r.plan.CanGoOn || pass.Number == 1)
	b.put(from)
	b.on = b.on && r.plan.CanGoOn
	return b
}

// reached is called beside the transfers when everything before an offset has
// been written.
func (b *bookmark) reached(off int64) error {
	if err := b.r.dev.Sync(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	b.put(off)
	return nil
}

// put makes an entry. One that cannot be kept is no reason to leave the drive
// half overwritten: the one before it stays true, the next may succeed, and if
// none does the record tells of it.
func (b *bookmark) put(off int64) {
	if !b.on {
		return
	}
	r, now := b.r, b.r.o.Now()
	part := b.pass
	part.Bytes, part.Finished, part.Elapsed, part.Errors = off-b.from, now, now.Sub(part.Started), []BadRange{}
	part.Commands = []Command{{Name: "WRITE", Status: fmt.Sprintf("up to byte %d", off)}, {Name: "FLUSH", Status: "done"}}
	j := Journal{SizeBytes: r.size, PowerOnHours: r.hours(), Written: &Written{
		Standard: r.plan.Standard.ID, Pass: part.Number, Of: part.Of, SyncedBytes: off, Passes: append(slices.Clip(b.before), part),
	}}
	b.err = r.o.Journal(j)
	r.kept = r.kept || b.err == nil
}

// end makes the last entry of a pass: all of it where it went through, and where
// it was cancelled what is on stable storage by now.
func (b *bookmark) end(ctx context.Context, s *sweep, err error) {
	switch off := s.reached(); {
	case err == nil && off == b.r.size:
		b.put(off)
	case b.on && ctx.Err() != nil && b.r.answered("flush", cancelledWithin, b.r.dev.Sync) == nil:
		b.put(off)
	}
}
