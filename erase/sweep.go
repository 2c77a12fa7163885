package erase

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A sweep moves over spans of a device with several transfers in flight. Each
// worker takes the next transfer, prepares it and does it on the same thread;
// nothing is handed from a generator to a writer. Ranges that fail go to one
// slow goroutine of their own, which narrows them down while the workers go
// on, and a watchdog looks after transfers that never come back.
type sweep struct {
	// transfer moves one span through the given worker's buffer. It is
	// called by several workers at once, never twice at once with one buffer.
	transfer func(buf []byte, s span) error
	spans    []span
	end      int64 // of the device
	// chunkBytes is the size of a transfer, workers how many are in flight.
	chunkBytes int64
	workers    int
	// bufferBytes is what a worker's buffer holds; zero when it needs none.
	bufferBytes int
	// kind is "write" or "read", for the record.
	kind string
	// finest is the block size down to which a bad range is narrowed:
	// the logical block.
	finest, physical int64
	budget           *budget
	stall            time.Duration
	progress         *Progress
	alloc            func(int) ([]byte, error)

	gate *Gate
	// keep is called beside the transfers, at most every keepEvery, with the
	// offset before which everything is done; its error ends the sweep. Nil
	// when nobody wants to know.
	keep      func(reached int64) error
	keepEvery time.Duration

	ctx     context.Context // of the run under way; it ends with the sweep
	release func()          // ends ctx
	mu      sync.Mutex
	taken   []span // by each worker and the bisecting goroutine; under mu, as what follows
	cursor  int    // in spans
	offset  int64  // in spans[cursor]
	suspect []span
	bad     blockSet
	lost    []span // the lowest that is bad, or was left before that was known
	first   error  // first fatal error
	calls   int64
	refused int64

	stop    atomic.Bool // no further transfer begins
	slots   []atomic.Int64
	base    time.Time
	wake    chan struct{} // the bisecting goroutine has work, or the workers are done
	allDone atomic.Bool   // the workers are done
}

// budget is the time a whole run may lose to bad blocks.
type budget struct{ bisect, lost atomic.Int64 } // nanoseconds left

// bisectBytes is the first size a failed transfer is cut into.
const bisectBytes = 64 << 10

// bisectTries is how often the smallest range is tried before it counts as bad.
const bisectTries = 3

// run does the sweep. It returns the first error that concerns the device as a
// whole, or ctx's; bad blocks are in s.bad. abandoned is true when a transfer
// never came back: its goroutine, its buffer and the device must then be left
// alone.
func (s *sweep) run(ctx context.Context) (abandoned bool, err error) {
	s.ctx, s.release = context.WithCancel(ctx)
	defer s.release()
	s.base = time.Now()
	s.taken = make([]span, s.workers+1)
	s.slots = make([]atomic.Int64, s.workers+1)
	s.wake = make(chan struct{}, 1)
	buffers := make([][]byte, s.workers+1) // the last is the bisecting goroutine's
	if s.bufferBytes > 0 {
		arena, err := s.alloc(s.bufferBytes * len(buffers))
		if err != nil {
			return false, err
		}
		for i := range buffers {
			buffers[i] = arena[i*s.bufferBytes : (i+1)*s.bufferBytes]
		}
	}
	last, since := s.reached(), time.Now() // of the last call of keep
	var workers, bisector sync.WaitGroup
	for i := range s.workers {
		workers.Go(func() { s.work(i, buffers[i]) })
	}
	bisector.Go(func() { s.bisectAll(buffers[s.workers]) })
	finished := make(chan struct{})
	go func() {
		workers.Wait()
		s.allDone.Store(true)
		s.poke()
		bisector.Wait()
		close(finished)
	}()

	every := min(s.stall/8, time.Second)
	if s.keep != nil {
		every = min(every, s.keepEvery)
	}
	tick := time.NewTicker(max(every, time.Millisecond))
	defer tick.Stop()
	cancelled := ctx.Done()
	var keeping chan error // the call of keep under way
	for finished != nil || keeping != nil {
		select {
		case <-finished:
			finished = nil
		case err := <-keeping:
			keeping = nil
			if err != nil {
				s.fail(err)
			}
		case <-cancelled:
			cancelled = nil
			s.fail(ctx.Err())
		case <-tick.C:
			if stuck := s.longest(); stuck > s.stall {
				s.fail(fmt.Errorf("%w: one transfer was not answered for %s", ErrStalled, stuck.Round(time.Millisecond)))
				return true, s.firstError()
			}
			if keeping != nil && time.Since(since) > flushPatience*s.stall {
				s.fail(fmt.Errorf("%w: a flush was not answered for %s", ErrStalled, flushPatience*s.stall))
				return true, s.firstError()
			}
			if s.keep == nil || keeping != nil || finished == nil || time.Since(since) < s.keepEvery {
				continue
			}
			if at := s.reached(); at > last {
				done := make(chan error, 1)
				keeping, last, since = done, at, time.Now()
				go func() { done <- s.keep(at) }()
			}
		}
	}
	return false, s.firstError()
}

// reached is the offset before which everything has been done, and went well.
func (s *sweep) reached() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spans) == 0 {
		return s.end
	}
	at := s.spans[len(s.spans)-1].Off + s.spans[len(s.spans)-1].Len
	if s.cursor < len(s.spans) {
		at = s.spans[s.cursor].Off + s.offset
	}
	end := at
	for _, open := range [][]span{s.taken, s.suspect, s.lost} {
		for _, o := range open {
			if o.Len > 0 {
				at = min(at, o.Off)
			}
		}
	}
	if at < end {
		at -= at % pageBytes
	}
	return at
}

func (s *sweep) firstError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// fail ends the sweep; the first reason counts.
func (s *sweep) fail(err error) {
	s.mu.Lock()
	if s.first == nil {
		s.first = err
	}
	s.mu.Unlock()
	s.stop.Store(true)
	s.release()
	s.poke()
}

func (s *sweep) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// longest is how long the oldest transfer under way has been waiting.
func (s *sweep) longest() time.Duration {
	now, longest := time.Since(s.base), time.Duration(0)
	for i := range s.slots {
		if at := s.slots[i].Load(); at != 0 {
			longest = max(longest, now-time.Duration(at))
		}
	}
	return longest
}

// next takes the next transfer for a worker, which is done with its last.
func (s *sweep) next(slot int) (span, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[slot] = span{}
	if s.cursor == len(s.spans) {
		return span{}, false
	}
	at := s.spans[s.cursor]
	out := span{at.Off + s.offset, min(s.chunkBytes, at.Len-s.offset)}
	s.offset += out.Len
	if s.offset == at.Len {
		s.cursor++
		s.offset = 0
	}
	s.calls++
	s.taken[slot] = out
	return out, true
}

// try does one transfer under the watchdog's eye.
func (s *sweep) try(slot int, buf []byte, at span) error {
	held := s.gate.wait(s.ctx)
	if slot == s.workers {
		s.budget.bisect.Add(int64(held)) // which counts by the clock
	}
	if err := s.ctx.Err(); err != nil {
		s.fail(err)
	}
	if s.stop.Load() {
		return errStopped
	}
	began := time.Since(s.base)
	s.slots[slot].Store(int64(max(began, 1)))
	err := s.transfer(buf, at)
	s.slots[slot].Store(0)
	if err != nil {
		s.budget.lost.Add(-int64(time.Since(s.base) - began))
	}
	return err
}

var errStopped = errors.New("stopped")

func (s *sweep) work(slot int, buf []byte) {
	for !s.stop.Load() {
		at, ok := s.next(slot)
		if !ok {
			return
		}
		switch err := s.try(slot, buf, at); {
		case err == nil:
			s.progress.add(at.Len)
		case errors.Is(err, errStopped):
			return
		case fatal(err):
			s.fail(err)
			return
		default:
			s.mu.Lock()
			s.suspect = append(s.suspect, at)
			s.refused++
			s.mu.Unlock()
			s.poke()
			if s.budget.lost.Load() < 0 {
				s.fail(fmt.Errorf("%w: last: %w", ErrGivenUp, err))
			}
		}
	}
}

// bisectAll narrows suspect ranges down until the workers are done and none is left.
func (s *sweep) bisectAll(buf []byte) {
	for {
		s.mu.Lock()
		var at span
		if n := len(s.suspect); n > 0 {
			at, s.suspect = s.suspect[n-1], s.suspect[:n-1]
		}
		s.taken[s.workers] = at
		s.mu.Unlock()
		if at.Len == 0 {
			if s.allDone.Load() {
				return
			}
			<-s.wake
			continue
		}
		began := time.Now()
		settled := s.bisect(buf, at, s.coarser(at.Len))
		s.budget.bisect.Add(-int64(time.Since(began)))
		if settled {
			s.progress.add(at.Len)
			continue
		}
		s.mu.Lock()
		s.lose(at)
		s.mu.Unlock()
	}
}

// coarser is the next smaller size at which a range of the given length is tried.
func (s *sweep) coarser(length int64) int64 {
	for _, size := range []int64{bisectBytes, s.physical, s.finest} {
		if size < length {
			return size
		}
	}
	return s.finest
}

// bisect tries a range in pieces of the given size and goes on with those that
// fail, down to single blocks, which get a few tries. It is false when the sweep
// was stopped before all of the range was known to be good or bad.
func (s *sweep) bisect(buf []byte, at span, size int64) (settled bool) {
	for off := at.Off; off < at.Off+at.Len; off += size {
		piece := span{off, min(size, at.Off+at.Len-off)}
		if s.stop.Load() && !errors.Is(s.firstError(), ErrGivenUp) {
			// The device is gone or the run cancelled: what was not tried
			// is not known to be bad, and the outcome says enough.
			return false
		}
		if s.stop.Load() || s.budget.bisect.Load() < 0 {
			s.markBad(span{off, at.Off + at.Len - off})
			return true
		}
		var err error
		for range bisectTries {
			if err = s.try(s.workers, buf, piece); err == nil || fatal(err) || piece.Len > s.finest {
				break
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, errStopped):
			off -= size // what becomes of it is decided above
		case fatal(err):
			s.fail(err)
			return false
		case piece.Len > s.finest:
			if !s.bisect(buf, piece, s.coarser(piece.Len)) {
				return false
			}
		default:
			s.markBad(piece)
		}
	}
	return true
}

func (s *sweep) markBad(at span) {
	s.mu.Lock()
	s.bad.add(at)
	s.lose(at)
	s.mu.Unlock()
	s.progress.errors.Add((at.Len + s.finest - 1) / s.finest)
}

// lose notes a range that nobody may take for done; the caller holds the lock.
func (s *sweep) lose(at span) {
	if len(s.lost) == 0 || at.Off < s.lost[0].Off {
		s.lost = []span{at}
	}
}

// blockSet is a set of byte ranges that stays small: neighbours are joined,
// and beyond a number of ranges only the total goes on counting.
type blockSet struct {
	spans []span
	total int64
	// cut is true when ranges beyond those listed were left out.
	cut bool
}

// blockSetLimit bounds the ranges kept for the record, and earlierLimit those
// of each pass that another one followed: a record of 35 passes over a dying
// drive has to stay below what a reader takes (certs.MaxEnvelopeBytes). A page
// shows fewer.
const blockSetLimit, earlierLimit = 4096, 256

func (b *blockSet) add(at span) {
	b.total += at.Len
	if b.cut && len(b.spans) >= blockSetLimit {
		return
	}
	b.spans = append(b.spans, at)
	if len(b.spans) >= 2*blockSetLimit {
		b.spans, _ = merge(b.spans)
		if len(b.spans) > blockSetLimit {
			b.spans, b.cut = b.spans[:blockSetLimit], true
		}
	}
}

// join adds another set, whose spans are merged first.
func (b *blockSet) join(o blockSet) {
	for _, at := range o.spans {
		b.add(at)
	}
	listed := int64(0)
	for _, at := range o.spans {
		listed += at.Len
	}
	b.total += o.total - listed // those that were not kept
	b.cut = b.cut || o.cut
}

// ranges gives the set as runs of logical blocks, in ascending order, cut to
// blockSetLimit.
func (b *blockSet) ranges(kind string, blockBytes int64) []BadRange {
	spans, _ := merge(b.spans)
	if len(spans) > blockSetLimit {
		spans, b.cut = spans[:blockSetLimit], true
	}
	b.spans = spans
	out := make([]BadRange, 0, len(spans))
	for _, s := range spans {
		first := s.Off / blockBytes
		last := (s.Off + s.Len - 1) / blockBytes
		out = append(out, BadRange{LBA: uint64(first), Count: uint64(last - first + 1), Kind: kind})
	}
	return out
}

// writeAll is WriteAt for writers that may write less than asked without an error.
func writeAll(w io.WriterAt, p []byte, off int64) error {
	n, err := w.WriteAt(p, off)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}
