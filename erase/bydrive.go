package erase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// firmwareRun is what a run knows of the drive's own work.
type firmwareRun struct {
	marks marks
	// accepted: the drive took our erase, in this run or the one resumed.
	// erased: it has since reported a terminal success of that erase.
	accepted, erased bool
	// working: the drive is still at it by itself, as far as we know; command
	// is what it was given. journaled: the journal tells of it; terminal: it
	// ended, in whatever way.
	working             bool
	command             inventory.EraseCommand
	journaled, terminal bool
	// touched: the drive was given something that Leave has to make good;
	// left: Leave went through since.
	touched, left bool
	// openMedia: the media are open for verification; sawMedia: a read-back
	// went through while they were.
	openMedia, sawMedia bool
	// readBacks is how many read-backs went through.
	readBacks int
	patterns  patternSet
	// proved: a read-back after the erase could tell, and found nothing wrong.
	proved bool
	// unfit is what did not fit its checksum any more after a crypto erase.
	unfit     blockSet
	readOnly  bool // it took no markers, saying that it is read-only
	unfitLock sync.Mutex
	rule      Expect // of the last read-back
}

// WholeDrive reports whether the plan's command erases every namespace of the
// drive, and not only the one it is given for.
func (p Plan) WholeDrive() bool {
	return p.Drive.Abilities != nil && slices.ContainsFunc(p.Drive.Abilities.Erasers, func(e inventory.Eraser) bool {
		return e.Command == p.Command && e.WholeDrive
	})
}

// Resumes reports whether the plan takes up what an earlier run of ours left: it
// awaits an erase that was given then, and gives none of its own, or it goes on
// with an overwrite.
func (p Plan) Resumes() bool {
	awaits, gives := false, false
	for _, s := range p.Steps {
		awaits = awaits || s.Kind == StepAwait
		gives = gives || s.Kind == StepErase
	}
	return awaits && !gives && p.Command != "" || p.goesOn()
}

// goesOn reports whether the plan goes on with an overwrite.
func (p Plan) goesOn() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Kind == StepContinue })
}

// leaveWithin bounds putting a drive back into ordinary use, closeWithin where
// media are open, which a drive may take long to close, and cancelledWithin
// where somebody has asked to stop.
const (
	leaveWithin     = 2 * time.Minute
	closeWithin     = 2 * time.Hour
	cancelledWithin = 30 * time.Second
)

// pollEvery is how often a drive at work is asked: often at first, since a
// crypto erase takes moments, and more seldom the longer it takes, since every
// question disturbs a disk a little.
func pollEvery(elapsed time.Duration) time.Duration {
	return min(max(elapsed/64, 100*time.Millisecond), 10*time.Second)
}

// askBefore notes the drive's state before the first step.
func (r *runner) askBefore(ctx context.Context) {
	if fw := r.dev.Firmware(); fw != nil {
		if a, err := fw.Abilities(ctx); err == nil {
			r.result.Before = &a
		}
	}
}

// pass begins the record of a step that the drive does, and gives the function
// that ends it.
func (r *runner) pass(kind StepKind, technique Technique, command inventory.EraseCommand) (*Pass, func()) {
	p := &Pass{Kind: kind, Technique: technique, Command: command, Started: r.o.Now(), Errors: []BadRange{}, Commands: []Command{}}
	return p, func() {
		p.Finished = r.o.Now()
		p.Elapsed = p.Finished.Sub(p.Started)
		r.result.Passes = append(r.result.Passes, *p)
	}
}

func (r *runner) unlock(ctx context.Context, fw Firmware) error {
	p, end := r.pass(StepUnlock, TechniqueNone, "")
	defer end()
	r.touched, r.left = true, false
	var err error
	if p.Commands, err = fw.Unlock(ctx); errors.Is(err, ErrLocked) {
		return fmt.Errorf("%w: %w", errWrongKey, err)
	} else if err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}

var errWrongKey = errors.New("unlock")

func (r *runner) reveal(ctx context.Context, fw Firmware) error {
	p, end := r.pass(StepReveal, TechniqueNone, "")
	defer end()
	var err error
	p.Commands, err = fw.Reveal(ctx)
	if size := r.dev.SizeBytes(); size > r.size {
		p.Bytes = size - r.size
		r.size = size
	}
	if err != nil {
		// What stays hidden is judged at the end, by what the drive then
		// answers; a drive that does not answer at all ends the run.
		if errors.Is(err, ErrGone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("restore hidden areas: %w", err)
		}
		p.Commands = append(p.Commands, Command{Name: "restore hidden areas", Status: err.Error()})
	}
	if r.size <= 0 {
		return fmt.Errorf("%w: it still shows no capacity: %w", ErrEmpty, err)
	}
	return nil
}

// await waits for an erase that was under way before this run. It counts only
// when our own journal knows it.
func (r *runner) await(ctx context.Context, fw Firmware) error {
	var command inventory.EraseCommand
	if r.o.Resume != nil {
		command = r.o.Resume.Command
		r.journaled, r.command = true, command
		if r.accepted = r.o.Resume.Accepted; !r.accepted {
			return fmt.Errorf("%w: the drive was about to be given it when the earlier run ended", errForgotten)
		}
		if err := r.sameLife(); err != nil {
			return err
		}
		r.marks = placed(r.o.Resume.SizeBytes, r.o.Key, r.plan.Drive)
		r.marks.written = r.o.Resume.Markers
		for _, at := range r.marks.places {
			r.marks.held[at.Off] = true
		}
	}
	p, end := r.pass(StepAwait, TechniqueNone, command)
	defer end()
	r.touched, r.left = true, false
	s, err := r.poll(ctx, fw, p)
	if r.o.Resume == nil {
		if errors.Is(err, ErrEraseFailed) || errors.Is(err, errForgotten) {
			err = nil // somebody else's, however it ended, and our own comes next
		}
		return err
	}
	// Many drives do not say which erase they speak of. Ours was accepted and
	// is the last one that the journal knows; and its markers must be gone.
	if err == nil && s.Of != "" && s.Of != command {
		err = fmt.Errorf("%w: it ended an erase by %q, and ours was %q", errForgotten, s.Of, command)
	}
	if err == nil {
		p.Bytes = r.size
		r.erased = true
		err = r.afterErase(ctx, s)
	}
	return err
}

// resumeWithin is how many hours a drive may have been powered on since an erase
// was given that is to be taken up again: the longest overwrite and some rest.
const resumeWithin = 14 * 24

// sameLife makes sure that the drive has not had another life since the journal
// was written: what it held then, markers among it, would be gone anyhow.
func (r *runner) sameLife() error {
	then, now := r.o.Resume.PowerOnHours, r.hours()
	if then == nil || now == nil || otherLife(then, now) {
		return fmt.Errorf("%w: by its hours in use it cannot be the erase that was given then", errForgotten)
	}
	return nil
}

// hours are the drive's hours in use before the run; nil when it does not tell.
func (r *runner) hours() *int64 { return hoursOf(r.result.Before) }

// errForgotten is when a drive that took an erase no longer knows of it.
var errForgotten = errors.New("the drive does not report the end of this erase")

// eraseByDrive gives the drive its erase and waits for the end of it.
func (r *runner) eraseByDrive(ctx context.Context, fw Firmware, step Step) error {
	p, end := r.pass(StepErase, step.Technique, step.Command)
	defer end()
	if err := r.nothingNew(); err != nil {
		return err
	}
	// The journal comes first, since the drive may be at work, or locked
	// with our password, the moment it has the command.
	if err := r.journal(Journal{Command: step.Command}); err != nil {
		return err
	}
	r.accepted, r.erased, r.terminal, r.command = false, false, false, step.Command
	r.touched, r.left = true, false
	commands, err := fw.Start(ctx, step.Command, step.Options)
	p.Commands = append(p.Commands, commands...)
	if err != nil {
		r.terminal = errors.Is(err, ErrRefusedByDrive) || errors.Is(err, ErrUnsupported)
		return fmt.Errorf("start %s: %w", step.Command, err)
	}
	r.accepted = true
	if err := r.journal(Journal{Command: step.Command, Accepted: true}); err != nil {
		r.working = true
		return err
	}
	s, err := r.poll(ctx, fw, p)
	if err != nil {
		return err
	}
	if s.Of != "" && s.Of != step.Command {
		return fmt.Errorf("%w: it speaks of %q, and ours is %q", errForgotten, s.Of, step.Command)
	}
	p.Bytes = r.size
	r.erased = true
	return r.afterErase(ctx, s)
}

func (r *runner) journal(j Journal) error {
	if r.o.Journal == nil {
		return nil
	}
	j.SizeBytes, j.Markers = r.size, r.marks.written
	j.PowerOnHours = r.hours()
	r.journaled = true
	if err := r.o.Journal(j); err != nil {
		return fmt.Errorf("journal the erase: %w", err)
	}
	return nil
}

// afterErase puts the drive back into ordinary use, unless its media are open:
// then they are read first.
func (r *runner) afterErase(ctx context.Context, s Status) error {
	r.openMedia = s.State == StateOpenMedia
	if r.openMedia {
		return nil
	}
	return r.leave(ctx)
}

// forgottenAfter is how long a drive may say that it knows of no erase before
// it is believed: just after a reset it may need a moment to remember.
const forgottenAfter = time.Minute

// poll asks the drive until it reports a terminal state. It is patient with
// slow drives and with drives that reset; it gives up on those that are silent
// or stand still for longer than the options allow.
func (r *runner) poll(ctx context.Context, fw Firmware, p *Pass) (Status, error) {
	began := r.o.Now()
	answered, moved, furthest := began, began, int64(-2)
	var forgotten time.Time
	base := len(p.Commands)
	r.working = true
	for {
		s, err := fw.Status(ctx)
		now := r.o.Now()
		switch {
		case ctx.Err() != nil:
			return s, ctx.Err()
		case errors.Is(err, ErrIdentityChanged):
			r.working = false // whatever is at work there is another drive
			return s, err
		case err != nil:
			if now.Sub(answered) > r.o.Silence {
				return s, fmt.Errorf("%w for %s: %w", ErrSilent, now.Sub(answered).Round(time.Second), err)
			}
		default:
			answered = now
			p.Commands = append(p.Commands[:base:base], s.Command)
			r.o.Progress.tell(s)
			switch s.State {
			case StateSucceeded, StateOpenMedia:
				r.working, r.terminal = false, true
				return s, nil
			case StateFailed:
				r.working, r.terminal = false, true
				if s.Lost {
					r.terminal = false
					return s, fmt.Errorf("%w: the answer to the erase was lost: %s", ErrGone, s.Command.Status)
				}
				return s, fmt.Errorf("%w: %s", ErrEraseFailed, s.Command.Status)
			case StateRunning:
				forgotten = time.Time{}
				if s.ProgressPPM > furthest {
					furthest, moved = s.ProgressPPM, now
				}
				if now.Sub(moved) > r.patience(furthest, s.Remaining, now.Sub(began)) {
					return s, fmt.Errorf("%w for %s: %s", errStandstill, now.Sub(moved).Round(time.Minute), s.Command.Status)
				}
			default:
				if forgotten.IsZero() {
					forgotten = now
				}
				if now.Sub(forgotten) > forgottenAfter {
					r.working, r.terminal = false, true
					return s, fmt.Errorf("%w: %s", errForgotten, s.Command.Status)
				}
			}
		}
		if err := r.o.Wait(ctx, pollEvery(now.Sub(began))); err != nil {
			return s, err
		}
	}
}

// patience is how long a drive may stand still: what the options say where it
// tells its progress, and where it tells none far longer.
func (r *runner) patience(furthest int64, remaining, elapsed time.Duration) time.Duration {
	limit := max(r.o.Standstill, 3*(elapsed+remaining))
	if remaining == 0 {
		limit = r.o.Standstill
	}
	if furthest < 0 {
		limit = max(limit, untoldStandstill)
	}
	return limit
}

// nothingNew refuses a command for the whole drive when the drive now has a
// part that was not there, or not seen, when the plan was confirmed.
func (r *runner) nothingNew() error {
	if !r.plan.WholeDrive() {
		return nil
	}
	if r.result.Before == nil {
		return fmt.Errorf("%w: the drive does not say what else the command would erase", ErrUnsupported)
	}
	for _, s := range r.result.Before.Spaces {
		shown := slices.ContainsFunc(r.plan.Drive.Abilities.Spaces, func(p inventory.Space) bool { return p.Name == s.Name }) ||
			s.Path != "" && slices.Contains(r.plan.Drive.Siblings, s.Path)
		if !shown && s.Reach != "none" {
			return fmt.Errorf("%w: %s was not there when the plan was made", ErrIdentityChanged, s.Name)
		}
	}
	return nil
}

var errStandstill = errors.New("the drive says that it is at work and gets no further")

// leaveBefore leaves what an earlier erase left behind. A drive that will not
// goes on as it is: what follows shows whether that matters.
func (r *runner) leaveBefore(ctx context.Context, step Step) error {
	p, end := r.pass(StepLeave, TechniqueNone, "")
	defer end()
	var err error
	if p.Commands, err = r.dev.Firmware().Leave(ctx); err != nil {
		if errors.Is(err, ErrGone) || ctx.Err() != nil {
			return err
		}
		if !r.givesErase() {
			// Nothing that follows could bring the drive out of it.
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		p.Commands = append(p.Commands, Command{Name: step.Title, Status: err.Error()})
	}
	return nil
}

// leave puts the drive back into ordinary use.
func (r *runner) leave(ctx context.Context) error {
	fw := r.dev.Firmware()
	if fw == nil || !r.touched || r.left {
		return nil
	}
	commands, err := fw.Leave(ctx)
	if len(commands) > 0 {
		p, end := r.pass(StepLeave, TechniqueNone, "")
		p.Commands = commands
		defer end()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNotLeft, err)
	}
	r.left = true
	return nil
}

var errNotLeft = errors.New("put the drive back into ordinary use")

// leaveAtEnd is leave for whatever way a run ended, and asks the drive one last
// time what state it is in.
func (r *runner) leaveAtEnd(parent context.Context) {
	fw := r.dev.Firmware()
	if fw == nil {
		return
	}
	if r.working {
		return // it goes on by itself; the next start finds it
	}
	// A cancelled run must not leave a password behind either.
	within := leaveWithin
	switch {
	case parent.Err() != nil:
		within = cancelledWithin
	case r.openMedia:
		within = closeWithin
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), within)
	defer cancel()
	if err := r.leave(ctx); err != nil && r.result.Err == nil {
		r.result.Err = err
	}
	if a, err := fw.Abilities(ctx); err == nil {
		r.result.After = &a
	} else if r.result.Err == nil && r.result.Before != nil {
		r.result.Err = fmt.Errorf("ask the drive after the run: %w", err)
	}
}
