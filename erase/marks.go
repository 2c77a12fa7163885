package erase

import (
	"bytes"
	"cmp"
	"context"
	"crypto/aes"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"

	"github.com/ombruk/ombruk/inventory"
)

// Before a firmware erase, places all over the drive are marked with bytes that
// nothing but our key can make, and others are only read and remembered. A
// drive that reports success without effect is given away by either.
const (
	marksFlash    = 4096 // places on flash
	marksMagnetic = 1024 // on a disk, where each place costs a seek
	markBytes     = pageBytes
	// marksLeast is how many places must have had something to compare, half
	// of them on a drive too small for as many.
	marksLeast = 64
	// markPass is the number of the key stream that markers are cut from; no
	// standard has as many passes.
	markPass = 1 << 32
)

// marks are the places of one run.
type marks struct {
	places []span // marked, each markBytes long but for the last of the drive
	// held is where the marker could be read back before the erase, by offset,
	// and written how many places that are.
	held    map[int64]bool
	written int
	others  []span // to remember
	// remembered is the digest of what was there before, by offset; blank
	// places are not kept, because an erase need not change them.
	mu         *sync.Mutex
	remembered map[int64][sha256.Size]byte
}

// all are the places that tell something after the erase.
func (m *marks) all() []span {
	all := slices.Clone(m.places)
	for _, at := range m.others {
		if _, ok := m.remembered[at.Off]; ok {
			all = append(all, at)
		}
	}
	return all
}

// enough reports whether there is enough to compare: a handful of places says
// little about a whole drive.
func (m *marks) enough() bool {
	return m.written+len(m.remembered) >= max(1, min(marksLeast, len(m.places)/2))
}

// tells reports whether a place had something to compare.
func (m *marks) tells(off int64) bool {
	_, ok := m.remembered[off]
	return ok || m.held[off]
}

func (m *marks) remember(off int64, held []byte) {
	digest := sha256.Sum256(held)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remembered[off] = digest
}

// remembers reports whether a place holds what it held before.
func (m *marks) remembers(off int64, held []byte) bool {
	digest, ok := m.remembered[off]
	return ok && digest == sha256.Sum256(held)
}

// placed draws the places: one to mark and one to remember in each stratum,
// and the first and last block.
func placed(size int64, key Key, d inventory.Drive) marks {
	m := marks{mu: new(sync.Mutex), held: map[int64]bool{}, remembered: map[int64][sha256.Size]byte{}}
	strata := int64(marksMagnetic)
	if d.Media == inventory.MediaFlash {
		strata = marksFlash
	}
	pages := size / markBytes
	strata = min(strata, pages/2)
	choose := key.choices(chooseMarks)
	for i := range strata {
		first, end := pages*i/strata, pages*(i+1)/strata
		a := first + choose.below(end-first)
		b := first + choose.below(end-first-1)
		if b >= a {
			b++
		}
		m.places = append(m.places, span{a * markBytes, markBytes})
		m.others = append(m.others, span{b * markBytes, markBytes})
	}
	last := (size - 1) / pageBytes * pageBytes
	m.places = distinct(append(m.places, span{0, min(markBytes, size)}, span{last, size - last}))
	m.others = without(m.others, m.places)
	return m
}

// distinct sorts places and drops those that are there twice.
func distinct(places []span) []span {
	seen := map[int64]bool{}
	var out []span
	for _, p := range places {
		if !seen[p.Off] {
			seen[p.Off] = true
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b span) int { return cmp.Compare(a.Off, b.Off) })
	return out
}

// without gives a without the places that are in b too.
func without(a, b []span) []span {
	in := map[int64]bool{}
	for _, p := range b {
		in[p.Off] = true
	}
	var out []span
	for _, p := range a {
		if !in[p.Off] {
			out = append(out, p)
		}
	}
	return out
}

// marker gives what is written at a place.
func (r *runner) marker(at span) []byte {
	b := make([]byte, at.Len)
	r.o.Key.stream(r.block, markPass, at.Off/aes.BlockSize*aes.BlockSize).XORKeyStream(b, b)
	return b
}

// mark reads the places to remember, writes the markers, and reads them back:
// only a marker that was there can be gone later. A drive that takes no writes
// gets no markers, which is noted and no reason to stop.
func (r *runner) mark(ctx context.Context, n int) (abandoned bool, err error) {
	r.marks = placed(r.size, r.o.Key, r.plan.Drive)
	p, end := r.pass(StepMark, TechniqueNone, "")
	defer end()
	total := int64(0)
	for _, at := range r.marks.places {
		total += 2 * at.Len
	}
	for _, at := range r.marks.others {
		total += at.Len
	}
	r.o.Progress.begin(n, total, false)

	if abandoned, _, err = r.each(ctx, "read", r.marks.others, func(buf []byte, at span) error {
		if err := readAll(r.dev, buf, at.Off); err != nil {
			return err
		}
		if !blank(buf) {
			r.marks.remember(at.Off, buf)
		}
		return nil
	}); err != nil {
		return abandoned, err
	}
	abandoned, _, err = r.each(ctx, "write", r.marks.places, func(buf []byte, at span) error {
		copy(buf, r.marker(at))
		return writeAll(r.dev, buf, at.Off)
	})
	r.readOnly = errors.Is(err, ErrReadOnly)
	switch {
	case r.readOnly, errors.Is(err, ErrGivenUp):
		err = nil // it takes no writes; what can be read still tells
	case err == nil:
		err = r.answered("flush", flushPatience*r.o.Stall, r.dev.Sync)
	}
	if err == nil {
		err = r.answered("look past the cache", r.o.Stall, func() error { _, err := r.dev.Forget(); return err })
	}
	if err != nil {
		return abandoned || errors.Is(err, ErrStalled), err
	}
	var held keeper
	abandoned, _, err = r.each(ctx, "read", r.marks.places, func(buf []byte, at span) error {
		if err := readAll(r.dev, buf, at.Off); err != nil {
			return err
		}
		if bytes.Equal(buf, r.marker(at)) {
			held.keep(at)
		}
		return nil
	})
	r.marks.written = len(held.spans)
	for _, at := range held.spans {
		r.marks.held[at.Off] = true
	}
	r.result.Verification.Markers, r.result.Verification.Remembered = r.marks.written, len(r.marks.remembered)
	p.Bytes = int64(r.marks.written) * markBytes
	if errors.Is(err, ErrGivenUp) {
		err = nil
	}
	return abandoned, err
}

// each does something at every place, several at a time, and gives the places
// where that failed.
func (r *runner) each(ctx context.Context, kind string, places []span, do func(buf []byte, at span) error) (abandoned bool, bad blockSet, err error) {
	if len(places) == 0 {
		return false, bad, nil
	}
	s := r.newSweep(kind, places)
	s.workers, s.bufferBytes, s.chunkBytes = 4, markBytes, markBytes
	s.finest = markBytes // a place counts as a whole
	s.physical = markBytes
	s.transfer = func(buf []byte, at span) error { return do(buf[:at.Len], at) }
	errorsBefore := r.o.Progress.errors.Load()
	abandoned, err = s.run(ctx)
	r.o.Progress.errors.Store(errorsBefore)
	s.mu.Lock()
	defer s.mu.Unlock()
	return abandoned, s.bad, err
}

// keeper collects places from several goroutines.
type keeper struct {
	mu    sync.Mutex
	spans []span
}

func (k *keeper) keep(at span) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spans = append(k.spans, at)
}
