package erase

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// readBack reads the drive, whole or in sample, and looks for what the step
// expects.
func (r *runner) readBack(ctx context.Context, n int, step Step) (abandoned bool, err error) {
	v := &r.result.Verification
	mode := step.Verify
	*v = Verification{Mode: mode, Started: r.o.Now(), Mismatches: v.Mismatches, Errors: v.Errors,
		Markers: v.Markers, MarkersLeft: v.MarkersLeft, Remembered: v.Remembered, Unchanged: v.Unchanged, Patterns: v.Patterns}
	began := time.Now()
	defer func() {
		v.Finished, v.Elapsed = r.o.Now(), time.Since(began)
		v.FractionPPM = ppm(v.BytesRead, r.size)
		v.Mismatches = (r.mismatch.total + r.blockBytes() - 1) / r.blockBytes()
		v.Patterns = r.patterns.list()
		v.Errors = append(r.readBad.ranges("read", r.blockBytes()), r.mismatch.ranges("mismatch", r.blockBytes())...)
	}()
	r.rule = step.Expect
	var places []span // looked at one by one
	if step.Expect != ExpectWritten {
		places = r.marks.all()
	}
	spans, work := r.spans(mode, step.Expect, places)
	_, total := merge(slices.Concat(spans, places))
	for _, at := range places {
		work += at.Len
	}
	r.o.Progress.begin(n, work, true)
	if err := r.answered("look past the cache", r.o.Stall, func() (err error) { v.Path, err = r.dev.Forget(); return err }); err != nil {
		return errors.Is(err, ErrStalled), err
	}
	if len(spans) > 0 {
		differs, err := r.comparer(step.Expect)
		if err != nil {
			return false, err
		}
		if abandoned, err := r.lookThrough(ctx, spans, differs); err != nil {
			v.BytesRead = max(0, r.o.Progress.stepDone.Load()-r.readBad.total)
			return abandoned, err
		}
	}
	told := 0
	if len(places) > 0 {
		if told, abandoned, err = r.lookAtMarks(ctx); err != nil {
			return abandoned, err
		}
	}
	v.BytesRead = max(0, total-r.readBad.total)
	r.readBacks++
	clean := r.mismatch.total == 0 && r.readBad.total == 0
	switch step.Expect {
	case ExpectUniform:
		r.proved = clean
	case ExpectChanged:
		// Nearly every place that can tell must have been looked at.
		all := r.marks.written + len(r.marks.remembered)
		r.proved = clean && r.marks.enough() && told >= all-all/10
	}
	if r.openMedia {
		r.sawMedia = clean && (r.proved || step.Expect == ExpectWritten)
		r.openMedia = false
		if err := r.leave(ctx); err != nil {
			return false, err
		}
	}
	if r.unfit.total > 0 && clean {
		return r.rewrite(ctx)
	}
	return false, nil
}

func (r *runner) blockBytes() int64 { return int64(max(r.plan.Drive.LogicalBlockBytes, 512)) }

// spans are what a read-back goes through in one sweep, besides the marked
// places. After a crypto erase a sample is the marked places alone: of any
// other block nobody can say what it should hold.
func (r *runner) spans(mode VerifyMode, expect Expect, places []span) ([]span, int64) {
	switch {
	case mode == VerifyFull:
		return []span{{0, r.size}}, r.size
	case expect == ExpectChanged:
		return nil, 0
	}
	spans, total := sample(r.size, r.o.Key)
	if expect == ExpectUniform {
		spans, total = merge(slices.Concat(spans, places))
	}
	return spans, total
}

// lookThrough reads spans and collects the blocks that differ or cannot be read.
func (r *runner) lookThrough(ctx context.Context, spans []span, differs differFunc) (abandoned bool, err error) {
	s := r.newSweep("read", spans)
	s.workers, s.bufferBytes = r.flight()
	s.chunkBytes = int64(s.bufferBytes)
	var mismatch blockSet // under s.mu, since a worker left behind may still add to it
	s.transfer = func(buf []byte, at span) error {
		buf = buf[:at.Len]
		err := readAll(r.dev, buf, at.Off)
		if r.rule == ExpectChanged && errors.Is(err, ErrIntegrity) && at.Len <= s.finest {
			r.noteUnfit(at)
			return nil
		}
		if err != nil {
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
	r.mismatch.join(mismatch)
	r.readBad.join(s.bad)
	return abandoned, err
}

// lookAtMarks reads every marked and every remembered place again. One block of
// a marker that is still there is one too many. told is how many of the places
// that had something to compare could be looked at: a block that cannot be read
// tells nothing, but for one whose checksum does not fit any more.
func (r *runner) lookAtMarks(ctx context.Context) (told int, abandoned bool, err error) {
	v, block := &r.result.Verification, int(r.blockBytes())
	var left, same, looked keeper
	var found keeper // the blocks themselves
	look := func(buf []byte, at span, differs func()) error {
		err := readAll(r.dev, buf, at.Off)
		switch {
		case errors.Is(err, ErrIntegrity) && r.rule == ExpectChanged:
			r.noteUnfit(at)
		case err != nil:
			return err
		default:
			differs()
		}
		if r.marks.tells(at.Off) {
			looked.keep(at)
		}
		return nil
	}
	abandoned, bad, err := r.each(ctx, "read", r.marks.places, func(buf []byte, at span) error {
		return look(buf, at, func() {
			still, want := false, r.marker(at)
			for i := 0; i < len(buf); i += block {
				end := min(i+block, len(buf))
				if bytes.Equal(buf[i:end], want[i:end]) {
					still = true
					found.keep(span{at.Off + int64(i), int64(end - i)})
				}
			}
			if still {
				left.keep(at)
			}
		})
	})
	if err != nil {
		return 0, abandoned, err
	}
	r.readBad.join(bad)
	abandoned, bad, err = r.each(ctx, "read", r.marks.others, func(buf []byte, at span) error {
		return look(buf, at, func() {
			if r.marks.remembers(at.Off, buf) {
				same.keep(at)
				found.keep(at)
			}
		})
	})
	if err != nil {
		return 0, abandoned, err
	}
	r.readBad.join(bad)
	for _, at := range found.spans {
		r.mismatch.add(at)
	}
	v.Markers, v.MarkersLeft = r.marks.written, len(left.spans)
	v.Remembered, v.Unchanged = len(r.marks.remembered), len(same.spans)
	return len(looked.spans), false, nil
}

// noteUnfit notes blocks whose stored data does not fit its checksum any more.
func (r *runner) noteUnfit(at span) {
	r.unfitLock.Lock()
	defer r.unfitLock.Unlock()
	r.unfit.add(at)
}

// rewrite writes zeros where blocks do not fit their checksum after the key was
// destroyed, and reads them, so that the drive can be used. It is done when
// everything has been looked at.
func (r *runner) rewrite(ctx context.Context) (abandoned bool, err error) {
	spans, _ := merge(r.unfit.spans)
	zeros := make([]byte, stampBytes)
	write := r.newSweep("write", spans)
	write.workers, write.chunkBytes = 1, stampBytes
	write.transfer = func(_ []byte, at span) error { return writeAll(r.dev, zeros[:at.Len], at.Off) }
	if abandoned, err = write.run(ctx); err != nil {
		return abandoned, err
	}
	if err = r.answered("flush", flushPatience*r.o.Stall, r.dev.Sync); err == nil {
		err = r.answered("look past the cache", r.o.Stall, func() error { _, err := r.dev.Forget(); return err })
	}
	if err != nil {
		return errors.Is(err, ErrStalled), err
	}
	rule := r.rule
	r.rule = ExpectWritten
	defer func() { r.rule = rule }()
	return r.lookThrough(ctx, spans, func(buf []byte, off int64, blockBytes int, report func(span)) {
		compare(buf, off, blockBytes, func(int64) []byte { return zeros }, report)
	})
}

// readAll is ReadAt of a whole buffer; a device that ends before is gone.
func readAll(d io.ReaderAt, buf []byte, off int64) error {
	n, err := d.ReadAt(buf, off)
	if n == len(buf) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: the device ends at %d", ErrGone, off+int64(n))
	}
	return err
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

// differFunc reports every block of buf, which was read at off, that is not
// what it should be.
type differFunc func(buf []byte, off int64, blockBytes int, report func(span))

// comparer gives the differFunc of an expectation.
func (r *runner) comparer(expect Expect) (differFunc, error) {
	switch expect {
	case ExpectChanged:
		// Whatever can be read there is not known; the marked places tell.
		return func([]byte, int64, int, func(span)) {}, nil
	case ExpectUniform:
		return r.patterns.differs, nil
	}
	if r.done == 0 {
		return nil, errors.New("read back: nothing was written to compare with")
	}
	return r.writtenComparer(r.passes[r.done-1], r.done)
}

// writtenComparer compares with what a pass wrote.
func (r *runner) writtenComparer(p Pattern, number int) (differFunc, error) {
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

// patternSet is what a drive was found to be filled with after its firmware
// erased it. It need not be zeros: some fill with FF, some with a word of their
// own. But it is one word over and over, and few words on a whole drive.
type patternSet struct {
	mu    sync.Mutex
	words [][patternBytes]byte
}

// patternBytes is the longest word that counts as a pattern, and patternsMax how
// many there may be: an erased word, a deallocated one, and two to spare.
const (
	patternBytes = 8
	patternsMax  = 4
)

// blank reports whether a buffer is one word of patternBytes over and over.
func blank(buf []byte) bool {
	return len(buf) >= patternBytes && bytes.Equal(buf[patternBytes:], buf[:len(buf)-patternBytes])
}

func (s *patternSet) differs(buf []byte, off int64, blockBytes int, report func(span)) {
	if blank(buf) && s.admit(buf) {
		return
	}
	for i := 0; i < len(buf); i += blockBytes {
		block := buf[i:min(i+blockBytes, len(buf))]
		if !blank(block) || !s.admit(block) {
			report(span{off + int64(i), int64(len(block))})
		}
	}
}

// admit notes the word of a blank buffer; it is false when there are too many.
func (s *patternSet) admit(buf []byte) bool {
	word := [patternBytes]byte(buf)
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.words, word) {
		return true
	}
	if len(s.words) == patternsMax {
		return false
	}
	s.words = append(s.words, word)
	return true
}

// list gives the words as a page shows them, each as short as it can be said.
func (s *patternSet) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, w := range s.words {
		n := patternBytes
		for n > 1 && bytes.Equal(w[:n/2], w[n/2:n]) {
			n /= 2
		}
		out = append(out, strings.ToUpper(spaced(hex.EncodeToString(w[:n]))))
	}
	slices.Sort(out)
	return out
}
