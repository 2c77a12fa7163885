package erase

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"time"
)

// Run carries a plan out on an opened device, reads back what the plan says,
// and judges the result. It never returns an error of its own: whatever goes
// wrong is in the result, whose outcome then is not clean.
//
// abandoned is true when a transfer never came back. The device must then not
// be closed, because its memory is still in use.
func Run(ctx context.Context, plan Plan, dev Device, o Options) (result Result, abandoned bool) {
	r := newRunner(plan, dev, o)
	started := time.Now()
	r.result.Started = o.Now()
	abandoned = r.run(ctx)
	r.result.Finished = o.Now()
	r.result.Elapsed = max(time.Since(started), r.result.Finished.Sub(r.result.Started))
	r.o.Gate.enter(false, r.o.Now)
	r.result.SizeBytes, r.result.Settled = r.size, r.settled()
	r.judge()
	return r.result, abandoned
}

type runner struct {
	plan   Plan
	dev    Device
	o      Options
	block  cipher.Block
	budget budget
	result Result
	// size is the capacity, which grows when a hidden area is restored, and
	// began what it was at the start.
	size, began int64
	arena       []byte // see memory
	// passes are the overwriting passes of the plan with every choice made,
	// and done how many of them were begun.
	passes   []Pattern
	done     int
	mismatch blockSet
	goingOn
	// lastWrite is what the last pass could not write; earlierWrite is true
	// when an earlier pass had such blocks.
	lastWrite    blockSet
	earlierWrite bool
	wholeWritten bool // the last pass wrote every byte
	readBad      blockSet
	cancelled    bool // by whoever asked for the run, not by a limit of ours
	firmwareRun
}

func newRunner(plan Plan, dev Device, o Options) *runner {
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Gate == nil {
		o.Gate = new(Gate)
	}
	if o.JournalEvery == 0 {
		o.JournalEvery = DefaultJournalEvery
	}
	if o.Stall == 0 {
		o.Stall = DefaultStall
	}
	if o.BisectBudget == 0 {
		o.BisectBudget = 30 * time.Minute
	}
	if o.GiveUp == 0 {
		o.GiveUp = 2 * time.Hour
	}
	if !plan.Resumes() {
		o.Resume = nil
	}
	if o.Wait == nil {
		o.Wait = Wait
	}
	if o.Silence == 0 {
		o.Silence = DefaultSilence
	}
	if o.Standstill == 0 {
		o.Standstill = DefaultStandstill
	}
	block, err := aes.NewCipher(o.Key[:])
	if err != nil {
		panic(err) // the key has the right length by its type
	}
	r := &runner{plan: plan, dev: dev, o: o, block: block, size: dev.SizeBytes(), began: dev.SizeBytes()}
	r.passes = r.fixedPasses()
	r.budget.bisect.Store(int64(o.BisectBudget))
	r.budget.lost.Store(int64(o.GiveUp))
	r.result.Plan = plan
	if plan.goesOn() {
		r.before = len(plan.Standard.Passes) - len(plan.overwrites())
		r.done = r.before
	}
	r.journaled = o.Resume != nil
	r.result.Technique = plan.Technique
	return r
}

// run does the steps in their order until something stops it. Whatever that
// is, the drive is then put back into ordinary use, unless it is still at work.
func (r *runner) run(ctx context.Context) (abandoned bool) {
	r.o.Progress.steps.Store(int32(len(r.plan.Steps)))
	r.o.Progress.allSize.Store(r.plan.Bytes())
	r.result.Passes = append(r.result.Passes, r.o.Before...)
	r.result.Verification = Verification{Mode: VerifyNone}
	r.askBefore(ctx)
	for i, step := range r.plan.Steps {
		if abandoned, r.result.Err = r.step(ctx, i+1, step); r.result.Err != nil {
			break
		}
	}
	r.cancelled = ctx.Err() != nil
	if abandoned {
		return true
	}
	r.leaveAtEnd(ctx)
	if size := r.dev.SizeBytes(); r.result.Err == nil && size != r.size {
		r.result.Err = fmt.Errorf("%w: %d bytes were erased and it has %d", ErrSizeChanged, r.size, size)
	}
	if r.result.Err == nil {
		r.result.Err = r.answered("check", r.o.Stall, r.dev.Check)
		abandoned = errors.Is(r.result.Err, ErrStalled)
	}
	return abandoned
}

// step does step number n of the plan.
func (r *runner) step(ctx context.Context, n int, step Step) (abandoned bool, err error) {
	r.o.Gate.wait(ctx)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	r.o.Gate.enter(step.Kind == StepOverwrite || step.Kind == StepReadBack || step.Kind == StepMark, r.o.Now)
	defer func() {
		if p := r.o.Gate.take(); p != nil {
			r.result.Passes = append(r.result.Passes, *p)
		}
	}()
	switch step.Kind {
	case StepThaw: // done before the run, and in Options.Before
		return false, nil
	case StepContinue:
		return r.takeUp(ctx)
	case StepOverwrite:
		r.o.Progress.begin(n, r.size-step.FromBytes, false)
		r.done++
		return r.overwrite(ctx, step.FromBytes, r.passes[r.done-1], r.done, len(r.passes))
	case StepReadBack:
		return r.readBack(ctx, n, step)
	case StepMark:
		return r.mark(ctx, n)
	}
	fw := r.dev.Firmware()
	if fw == nil {
		return false, fmt.Errorf("%s: %w: the drive takes no commands here", step.Kind, ErrUnsupported)
	}
	r.o.Progress.beginDevice(n)
	switch step.Kind {
	case StepLeave:
		return false, r.leaveBefore(ctx, step)
	case StepUnlock:
		return false, r.unlock(ctx, fw)
	case StepReveal:
		return false, r.reveal(ctx, fw)
	case StepAwait:
		return false, r.await(ctx, fw)
	case StepErase:
		return false, r.eraseByDrive(ctx, fw, step)
	}
	return false, fmt.Errorf("step %q is not known", step.Kind)
}

// fixedPasses are the plan's overwriting passes with every choice made. Only
// the passes of the standard itself are shuffled, never one that follows a
// firmware erase.
func (r *runner) fixedPasses() []Pattern {
	if r.plan.goesOn() {
		return fixed(r.plan.Standard, r.o.Key) // with those that the earlier run did
	}
	s := Standard{}
	for _, step := range r.plan.overwrites() {
		s.Passes = append(s.Passes, step.Pattern)
	}
	if len(s.Passes) == len(r.plan.Standard.Passes) {
		s.ShuffleFrom, s.ShuffleTo = r.plan.Standard.ShuffleFrom, r.plan.Standard.ShuffleTo
	}
	return fixed(s, r.o.Key)
}

// Wait passes time by the real clock, as Options.Wait does when it is nil.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// newSweep has what writing and reading share.
func (r *runner) newSweep(kind string, spans []span) *sweep {
	d := r.plan.Drive
	finest := int64(max(d.LogicalBlockBytes, 512))
	return &sweep{
		kind: kind, spans: spans, end: r.size, gate: r.o.Gate, budget: &r.budget, stall: r.o.Stall, progress: r.o.Progress, alloc: func(n int) ([]byte, error) { _, b, err := r.memory(n); return b, err },
		finest: finest, physical: max(int64(d.PhysicalBlockBytes), finest),
	}
}

// memory gives the run's memory, taken once and used by every pass and the
// read-back in turn: room for a laid-out pattern, then the buffers. It is one
// piece so that it can lie on huge pages.
func (r *runner) memory(buffersBytes int) (stamps, buffers []byte, err error) {
	if need := stampRoomBytes + buffersBytes; need > len(r.arena) {
		if r.arena, err = r.dev.Alloc(need); err != nil {
			return nil, nil, err
		}
	}
	return r.arena[:stampRoomBytes], r.arena[stampRoomBytes:][:buffersBytes], nil
}

// stamp lays a pattern out in the run's memory.
func (r *runner) stamp(p Pattern, buffersBytes int) (stamp, error) {
	stamps, _, err := r.memory(buffersBytes)
	if err != nil {
		return stamp{}, err
	}
	return newStamp(p, stamps), nil
}

// Sizes of transfers and how many are in flight, from measurements on loop
// devices over memory and disk (docs/bench.md). A constant pass writes from
// one small source; a random pass and the read-back need a buffer each. Many
// drives at once keep each other busy, so each gets less.
const (
	constantBytes = 4 << 20
	manyDrives    = 4
)

// flight is how many transfers are in flight and the size of their buffers.
func (r *runner) flight() (workers, bufferBytes int) {
	if r.o.Alongside > manyDrives {
		return 2, 512 << 10
	}
	return 4, 1 << 20
}

// buffersBytes is the memory of a sweep that needs buffers, with one more for
// narrowing down bad ranges.
func (r *runner) buffersBytes() int {
	workers, size := r.flight()
	return (workers + 1) * size
}

// overwrite does one pass over the drive, from an offset to its end.
func (r *runner) overwrite(ctx context.Context, from int64, p Pattern, number, of int) (abandoned bool, err error) {
	var spans []span
	if from < r.size {
		spans = []span{{from, r.size - from}}
	}
	s := r.newSweep("write", spans)
	switch p.Kind {
	case Random:
		zeros := make([]byte, stampBytes)
		s.workers, s.bufferBytes = r.flight()
		s.chunkBytes = int64(s.bufferBytes)
		s.transfer = func(buf []byte, at span) error {
			stream := r.o.Key.stream(r.block, number, at.Off)
			buf = buf[:at.Len]
			for i := 0; i < len(buf); i += stampBytes {
				part := buf[i:min(i+stampBytes, len(buf))]
				stream.XORKeyStream(part, zeros[:len(part)])
			}
			return writeAll(r.dev, buf, at.Off)
		}
	default:
		stamp, err := r.stamp(p, 0)
		if err != nil {
			return false, err
		}
		whole := int64(len(stamp.bytes))
		s.workers, _ = r.flight()
		s.workers /= 2 // they are four times as large
		s.chunkBytes = constantBytes / whole * whole
		s.transfer = func(_ []byte, at span) error { return r.writeStamp(stamp, at) }
	}
	if a := r.plan.Drive.Abilities; a != nil && a.Zoned != "" {
		s.workers = 1 // zones are written in order
	}
	pass := Pass{Kind: StepOverwrite, Technique: Overwrite, Pattern: p.String(), Number: number, Of: of, Started: r.o.Now()}
	began := time.Now()
	mark := r.bookmark(pass, from)
	if mark.on {
		s.keep, s.keepEvery = mark.reached, r.o.JournalEvery
	}
	abandoned, err = s.run(ctx)
	flush := "not sent"
	if !abandoned && err == nil {
		flush = "done"
		if err = r.answered("flush", flushPatience*r.o.Stall, r.dev.Sync); err != nil {
			flush = err.Error()
			abandoned = errors.Is(err, ErrStalled)
		}
	}
	if !abandoned {
		mark.end(ctx, s, err)
	}
	pass.Finished, pass.Elapsed = r.o.Now(), time.Since(began)
	s.mu.Lock()
	defer s.mu.Unlock()
	pass.Bytes = max(0, min(r.o.Progress.stepDone.Load(), r.size-from)-s.bad.total)
	pass.Errors = s.bad.ranges(s.kind, s.finest)
	pass.Commands = []Command{
		{Name: "WRITE", Status: fmt.Sprintf("%d transfers, %d refused", s.calls, s.refused)},
		{Name: "FLUSH", Status: flush},
	}
	if mark.err != nil {
		pass.Commands = append(pass.Commands, Command{Name: "journal", Status: oneLine{mark.err}.Error()})
	}
	r.unwritten = r.unwritten || s.bad.total > 0
	r.wholeWritten = err == nil && pass.Bytes == r.size-from
	if number == of {
		r.lastWrite = s.bad
	} else if s.bad.total > 0 {
		r.earlierWrite = true
		pass.Errors = pass.Errors[:min(len(pass.Errors), earlierLimit)]
	}
	r.result.Passes = append(r.result.Passes, pass)
	return abandoned, err
}

// flushPatience is how much longer than a transfer a flush may take: a drive
// may have a large cache to empty, and a file system without direct writes
// everything that was written.
const flushPatience = 12

// answered waits for a call on the device, but not for ever.
func (r *runner) answered(what string, limit time.Duration, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	case <-patience.C:
		return fmt.Errorf("%w: a %s was not answered for %s", ErrStalled, what, limit)
	}
}

// writeStamp writes a constant pattern over a span, without a copy where the
// device can.
func (r *runner) writeStamp(st stamp, at span) error {
	head := st.from(at.Off)
	if len(head) == len(st.bytes) {
		head = nil
	}
	if w, ok := r.dev.(repeatWriter); ok {
		return w.WriteRepeatedAt(head, st.bytes, at.Len, at.Off)
	}
	for off, end := at.Off, at.Off+at.Len; off < end; {
		part := st.from(off)
		part = part[:min(int64(len(part)), end-off)]
		if err := writeAll(r.dev, part, off); err != nil {
			return err
		}
		off += int64(len(part))
	}
	return nil
}
