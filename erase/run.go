package erase

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math"
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
	r.result.Elapsed = time.Since(started)
	r.judge()
	return r.result, abandoned
}

type runner struct {
	plan     Plan
	dev      Device
	o        Options
	block    cipher.Block
	budget   budget
	result   Result
	size     int64
	arena    []byte // see memory
	mismatch blockSet
	// lastWrite is what the last pass could not write; earlierWrite is true
	// when an earlier pass had such blocks.
	lastWrite    blockSet
	earlierWrite bool
	readBad      blockSet
	verified     bool
}

func newRunner(plan Plan, dev Device, o Options) *runner {
	if o.Progress == nil {
		o.Progress = new(Progress)
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
	block, err := aes.NewCipher(o.Key[:])
	if err != nil {
		panic(err) // the key has the right length by its type
	}
	r := &runner{plan: plan, dev: dev, o: o, block: block, size: dev.SizeBytes()}
	r.budget.bisect.Store(int64(o.BisectBudget))
	r.budget.lost.Store(int64(o.GiveUp))
	r.result.Plan = plan
	r.result.Technique = plan.Technique
	return r
}

// run does the passes and the read-back until something stops it.
func (r *runner) run(ctx context.Context) (abandoned bool) {
	passes := fixed(r.plan.Standard, r.o.Key)
	r.o.Progress.steps.Store(int32(len(r.plan.Steps)))
	r.o.Progress.allSize.Store(r.plan.Bytes())
	for i, p := range passes {
		r.o.Progress.begin(i+1, r.size, false)
		abandoned, r.result.Err = r.overwrite(ctx, p, i+1, len(passes))
		if r.result.Err != nil {
			return abandoned
		}
	}
	r.result.Verification = Verification{Mode: VerifyNone}
	if r.plan.Verify != VerifyNone {
		abandoned, r.result.Err = r.readBack(ctx, passes[len(passes)-1], len(passes))
	}
	if r.result.Err == nil {
		r.result.Err = r.answered("check", r.o.Stall, r.dev.Check)
		abandoned = errors.Is(r.result.Err, ErrStalled)
	}
	return abandoned
}

// newSweep has what writing and reading share.
func (r *runner) newSweep(kind string, spans []span) *sweep {
	d := r.plan.Drive
	finest := int64(max(d.LogicalBlockBytes, 512))
	return &sweep{
		kind: kind, spans: spans, budget: &r.budget, stall: r.o.Stall, progress: r.o.Progress, alloc: func(n int) ([]byte, error) { _, b, err := r.memory(n); return b, err },
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

// overwrite does one pass over the whole drive.
func (r *runner) overwrite(ctx context.Context, p Pattern, number, of int) (abandoned bool, err error) {
	s := r.newSweep("write", []span{{0, r.size}})
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
	pass := Pass{Technique: Overwrite, Pattern: p.String(), Number: number, Of: of, Started: r.o.Now()}
	began := time.Now()
	abandoned, err = s.run(ctx)
	flush := "not sent"
	if !abandoned && err == nil {
		flush = "done"
		if err = r.answered("flush", flushPatience*r.o.Stall, r.dev.Sync); err != nil {
			flush = err.Error()
			abandoned = errors.Is(err, ErrStalled)
		}
	}
	pass.Finished, pass.Elapsed = r.o.Now(), time.Since(began)
	s.mu.Lock()
	defer s.mu.Unlock()
	pass.Bytes = max(0, min(r.o.Progress.stepDone.Load(), r.size)-s.bad.total)
	pass.Errors = s.bad.ranges(s.kind, s.finest)
	pass.Commands = []Command{
		{Name: "WRITE", Status: fmt.Sprintf("%d transfers, %d refused", s.calls, s.refused)},
		{Name: "FLUSH", Status: flush},
	}
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

// readBack reads the drive, whole or in sample, and compares it with what pass
// number wrote.
func (r *runner) readBack(ctx context.Context, p Pattern, number int) (abandoned bool, err error) {
	v := Verification{Mode: r.plan.Verify, Started: r.o.Now()}
	began := time.Now()
	spans, total := []span{{0, r.size}}, r.size
	if v.Mode == VerifySample {
		spans, total = sample(r.size, r.o.Key)
	}
	r.o.Progress.begin(number+1, total, true)
	if err := r.answered("look past the cache", r.o.Stall, func() (err error) { v.Path, err = r.dev.Forget(); return err }); err != nil {
		return errors.Is(err, ErrStalled), err
	}
	s := r.newSweep("read", spans)
	s.workers, s.bufferBytes = r.flight()
	s.chunkBytes = int64(s.bufferBytes)
	differs, err := r.comparer(p, number)
	if err != nil {
		return false, err
	}
	var mismatch blockSet // under s.mu, since a worker left behind may still add to it
	s.transfer = func(buf []byte, at span) error {
		buf = buf[:at.Len]
		if n, err := r.dev.ReadAt(buf, at.Off); n < len(buf) {
			if err == nil || errors.Is(err, io.EOF) {
				err = fmt.Errorf("%w: the device ends at %d", ErrGone, at.Off+int64(n))
			}
			return err
		}
		differs(buf, at.Off, int(s.finest), func(d span) {
			s.mu.Lock()
			mismatch.add(d)
			s.mu.Unlock()
			s.progress.errors.Add(1)
		})
		return nil
	}
	abandoned, err = s.run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	v.Finished, v.Elapsed = r.o.Now(), time.Since(began)
	v.BytesRead = max(0, min(r.o.Progress.stepDone.Load(), total)-s.bad.total)
	v.FractionPPM = ppm(v.BytesRead, r.size)
	r.mismatch = mismatch
	v.Mismatches = (r.mismatch.total + s.finest - 1) / s.finest
	v.Errors = append(s.bad.ranges("read", s.finest), r.mismatch.ranges("mismatch", s.finest)...)
	r.readBad = s.bad
	r.result.Verification = v
	r.verified = err == nil && v.BytesRead == total
	return abandoned, err
}

// ppm is part/whole in parts per million, rounded down, exact for any size.
func ppm(part, whole int64) int64 {
	if whole <= 0 {
		return 0
	}
	if part <= math.MaxInt64/1_000_000 {
		return part * 1_000_000 / whole
	}
	return part / (whole / 1_000_000)
}

// comparer gives the function that reports every block of buf, which was read
// at off, that is not what the pass wrote.
func (r *runner) comparer(p Pattern, number int) (func(buf []byte, off int64, blockBytes int, report func(span)), error) {
	if p.Kind == Random {
		zeros := make([]byte, stampBytes)
		return func(buf []byte, off int64, blockBytes int, report func(span)) {
			// XOR with the key stream leaves zeros wherever the pass is
			// still there; that is cheaper than a second buffer, and in
			// parts it stays in the processor's cache.
			stream := r.o.Key.stream(r.block, number, off)
			for i := 0; i < len(buf); i += stampBytes {
				part := buf[i:min(i+stampBytes, len(buf))]
				stream.XORKeyStream(part, part)
				compare(part, off+int64(i), blockBytes, func(int64) []byte { return zeros }, report)
			}
		}, nil
	}
	stamp, err := r.stamp(p, r.buffersBytes())
	if err != nil {
		return nil, err
	}
	return func(buf []byte, off int64, blockBytes int, report func(span)) {
		compare(buf, off, blockBytes, stamp.from, report)
	}, nil
}

// compare looks at buf, which belongs at off, against want(offset), which
// gives at least one block of expected bytes, and reports the blocks that differ.
func compare(buf []byte, off int64, blockBytes int, want func(int64) []byte, report func(span)) {
	for i := 0; i < len(buf); {
		expected := want(off + int64(i))
		n := min(len(expected), len(buf)-i)
		if !bytes.Equal(buf[i:i+n], expected[:n]) {
			for j := 0; j < n; j += blockBytes {
				k := min(j+blockBytes, n)
				if !bytes.Equal(buf[i+j:i+k], expected[j:k]) {
					report(span{off + int64(i+j), int64(k - j)})
				}
			}
		}
		i += n
	}
}
