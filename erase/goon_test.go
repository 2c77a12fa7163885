package erase_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// cachedDrive is a drive with a write cache: what was not flushed is lost, or
// not, when the power goes. It lets its run write no further than a few transfers
// beyond what the journal tells of, so that there is one wherever it is cut.
type cachedDrive struct {
	mu     sync.Mutex
	cond   *sync.Cond
	stable []byte
	cache  map[int64][]byte // by offset, what is not flushed
	facts  inventory.Drive
	// cutAfter is the number of writes after which the power goes, 0 for never.
	cutAfter, writes int
	// inRead cuts at the first read after that instead.
	inRead      bool
	dead, waits bool // waits for the journal
	written     int64
	// journal is what was durable when the power went.
	journal *erase.Journal
	random  *rand.Rand
	// given says which pages were given up (discarded) and hold somebody's
	// data underneath: they read as zeros.
	given map[int64]bool
}

// aheadBytes is how far a run gets beyond its journal in these tests.
const aheadBytes = 8 << 20

func newCachedDrive(sizeBytes int, media inventory.Media, random *rand.Rand) *cachedDrive {
	d := &cachedDrive{stable: newMemoryDrive(sizeBytes).held, cache: map[int64][]byte{}, random: random, given: map[int64]bool{}}
	d.facts = newMemoryDrive(0).facts()
	d.facts.CapacityBytes, d.facts.Media = int64(sizeBytes), media
	d.cond = sync.NewCond(&d.mu)
	return d
}

func (d *cachedDrive) SizeBytes() int64            { return int64(len(d.stable)) }
func (d *cachedDrive) Alloc(n int) ([]byte, error) { return make([]byte, n), nil }
func (d *cachedDrive) Forget() (string, error)     { return "direct", nil }
func (d *cachedDrive) Firmware() erase.Firmware    { return nil }
func (d *cachedDrive) Check() error                { return d.gone() }

func (d *cachedDrive) gone() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return erase.ErrGone
	}
	return nil
}

func (d *cachedDrive) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.dead && d.waits && d.journal.Written.SyncedBytes+aheadBytes < off {
		d.cond.Wait()
	}
	if d.dead {
		return 0, erase.ErrGone
	}
	if d.writes++; d.writes == d.cutAfter && !d.inRead {
		d.cut()
		return 0, erase.ErrGone
	}
	d.cache[off] = bytes.Clone(p)
	d.written += int64(len(p))
	return len(p), nil
}

// cut takes the power away: of what is in the cache any part may be on the medium.
func (d *cachedDrive) cut() {
	d.dead = true
	for off, p := range d.cache {
		if keep := d.random.IntN(3); keep > 0 {
			d.settle(off, p[:len(p)/4096/keep*4096])
		}
	}
	d.cache = map[int64][]byte{}
	d.cond.Broadcast()
}

func (d *cachedDrive) settle(off int64, p []byte) {
	copy(d.stable[off:], p)
	for page := off / 4096; page < (off+int64(len(p))+4095)/4096; page++ {
		delete(d.given, page)
	}
}

func (d *cachedDrive) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return erase.ErrGone
	}
	for off, p := range d.cache {
		d.settle(off, p)
	}
	d.cache = map[int64][]byte{}
	return nil
}

func (d *cachedDrive) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dead && d.inRead && d.writes >= d.cutAfter && off > d.SizeBytes()/2 {
		d.cut()
	}
	if d.dead {
		return 0, erase.ErrGone
	}
	n := copy(p, d.stable[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// keep is the journal of a station, as durable as the drive.
func (d *cachedDrive) keep(j erase.Journal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dead {
		j.Run, j.Policy = "run-1", "digest"
		d.journal = &j
		d.cond.Broadcast()
	}
	return nil
}

// start is one start of the program, in which the power goes after a number of
// writes, 0 for never.
func (d *cachedDrive) start(t testing.TB, o erase.Order, key erase.Key, cutAfter int) (erase.Result, erase.Plan) {
	t.Helper()
	d.dead, d.cutAfter, d.writes, d.written = false, cutAfter, 0, 0
	o.Resume = d.journal
	p, err := erase.MakePlan(d.facts, o)
	if err != nil {
		t.Fatal(err)
	}
	opts := options()
	opts.Key, opts.Journal, opts.JournalEvery = key, d.keep, time.Nanosecond
	if p.Resumes() {
		opts.Resume = d.journal
	}
	d.waits = p.CanGoOn
	r, abandoned := erase.Run(context.Background(), p, d, opts)
	if abandoned {
		t.Fatal("a transfer was left behind")
	}
	// Where the power went, nobody was there any more to put it away.
	if !d.dead && (r.Settled || r.Outcome.Clean()) {
		d.journal = nil
	}
	return r, p
}

func goingOn(t testing.TB, id string, rule erase.GoOn) erase.Order {
	return erase.Order{Standard: standard(t, id), Rules: erase.Rules{GoOn: rule, Policy: "digest"}}
}

func TestOverwriteGoesOnAfterAPowerCut(t *testing.T) {
	const size = 32<<20 + 512
	for _, c := range []struct {
		name, id string
		media    inventory.Media
		rule     erase.GoOn
		goesOn   bool
	}{
		{"zeros on a disk", "zero", inventory.MediaMagnetic, erase.GoOnOnePass, true},
		{"a key stream on a disk", "random", inventory.MediaMagnetic, erase.GoOnOnePass, true},
		{"a key stream on flash", "random", inventory.MediaFlash, erase.GoOnOnePass, true},
		{"zeros on flash prove nothing", "zero", inventory.MediaFlash, erase.GoOnOnePass, false},
		{"nor on what nobody knows", "zero", inventory.MediaUnknown, erase.GoOnAllPasses, false},
		{"the policy forbids it", "zero", inventory.MediaMagnetic, erase.GoOnNever, false},
		{"the policy says nothing", "zero", inventory.MediaMagnetic, "", false},
		{"two passes, where one is allowed", "gost-r-50739-95", inventory.MediaMagnetic, erase.GoOnOnePass, false},
		{"two passes", "gost-r-50739-95", inventory.MediaMagnetic, erase.GoOnAllPasses, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newCachedDrive(size, c.media, rand.New(rand.NewPCG(1, 2)))
			o := goingOn(t, c.id, c.rule)
			writes := 5 * 64 // a constant goes out in pieces
			if c.id == "random" {
				writes = 20
			}
			first, _ := d.start(t, o, erase.Key{7}, writes)
			if first.Outcome.Clean() || first.Disposition != erase.Hold {
				t.Fatalf("outcome %v, disposition %v", first.Outcome, first.Disposition)
			}
			if d.journal == nil {
				t.Fatal("nothing is left for the next run")
			}
			synced := d.journal.Written.SyncedBytes
			key := erase.Key{8}
			if c.goesOn {
				key = erase.Key{7}
			}
			second, p := d.start(t, o, key, 0)
			if p.Resumes() != c.goesOn || second.Outcome != erase.Sanitized {
				t.Fatalf("goes on %v, outcome %v, %v, %v", p.Resumes(), second.Outcome, second.Err, p.Why)
			}
			passes := int64(len(o.Standard.Passes))
			if want := passes * size; c.goesOn && (synced == 0 || d.written != want-synced) || !c.goesOn && d.written != want {
				t.Errorf("wrote %d bytes of %d; %d were done", d.written, want, synced)
			}
			last := second.Passes[len(second.Passes)-1]
			if want := expected(t, last.Pattern, key, len(o.Standard.Passes), size); !bytes.Equal(d.stable, want) {
				t.Error("the drive does not hold the last pass")
			}
			if v := second.Verification; v.BytesRead != size || v.FractionPPM != 1_000_000 {
				t.Errorf("read %d bytes", v.BytesRead)
			}
			if !c.goesOn {
				return
			}
			title := ""
			for _, s := range p.Steps {
				if s.Kind == erase.StepContinue {
					title = s.Title
				}
			}
			if want := fmt.Sprintf("go on from %d %% of pass 1 of %d, where an earlier run was cut off (run-1)", synced*100/size, passes); title != want {
				t.Errorf("the plan says %q, want %q", title, want)
			}
			// The record tells what the earlier run did, by its name.
			if s := second.Passes[0]; s.Run != "run-1" || s.Kind != erase.StepOverwrite || s.Bytes != synced {
				t.Errorf("first step %+v", s)
			}
			if s := second.Passes[1]; s.Run != "run-1" || s.Kind != erase.StepContinue || !strings.Contains(s.Commands[0].Status, fmt.Sprintf("from byte %d of pass 1", synced)) {
				t.Errorf("second step %+v", s)
			}
			if s := second.Passes[2]; s.Run != "" || s.Bytes != size-synced {
				t.Errorf("third step %+v", s)
			}
		})
	}
}

// What the journal says is not believed: whatever is wrong with it, and whatever
// happened to the drive in between, a clean outcome means that every block was
// overwritten and holds the last pass.
func TestNoJournalMakesAFalseCertificate(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	count := map[string]int{}
	for round := range rounds {
		random := rand.New(rand.NewPCG(seed, uint64(round)))
		size := 12<<20 + random.IntN(8<<20)/512*512
		media := []inventory.Media{inventory.MediaMagnetic, inventory.MediaFlash}[random.IntN(2)]
		id := []string{"zero", "random", "random", "gost-r-50739-95", "dod-5220.22-m", "nnsa-nap-14.1-c", "ar-380-19"}[random.IntN(7)]
		d := newCachedDrive(size, media, random)
		o := goingOn(t, id, erase.GoOnAllPasses)
		meddling, key := "nothing", erase.Key{byte(round), 1}
		var r erase.Result
		for attempt := 0; ; attempt++ {
			cut := 0
			if attempt < 3 {
				cut = 1 + random.IntN(size>>16*len(o.Standard.Passes))
				if id == "random" {
					cut = 1 + random.IntN(size>>20)
				}
			}
			d.inRead = cut > 0 && random.IntN(4) == 0
			var p erase.Plan
			r, p = d.start(t, o, key, cut)
			if p.Resumes() {
				count["gone on with"]++
			}
			if r.Err == nil || attempt == 4 {
				break
			}
			if d.journal == nil {
				key[1]++
				continue
			}
			if what := d.meddle(random); what != "nothing" {
				meddling = what
			}
		}
		count[fmt.Sprintf("%v after %s", r.Outcome, meddling)]++
		complain := func(format string, args ...any) {
			t.Errorf("round %d, %s on %s, %d bytes, %s: %s", round, id, media, size, meddling, fmt.Sprintf(format, args...))
		}
		if !r.Outcome.Clean() {
			if meddling == "nothing" {
				complain("nothing was wrong, and the outcome is %v: %v, %v", r.Outcome, r.Err, r.Exceptions)
			}
			if r.Disposition == erase.Destroy {
				complain("a sound drive is sent to destruction: %v", r.Exceptions)
			}
			continue
		}
		last := r.Passes[len(r.Passes)-1]
		if !bytes.Equal(d.stable, expected(t, last.Pattern, key, len(o.Standard.Passes), size)) {
			complain("%v, and the drive does not hold the last pass", r.Outcome)
		}
		if len(d.given) > 0 {
			complain("%v, and %d pages were only given up", r.Outcome, len(d.given))
		}
	}
	for _, line := range slices.Sorted(func(yield func(string) bool) {
		for what, n := range count {
			if !yield(fmt.Sprintf("%4d  %s", n, what)) {
				return
			}
		}
	}) {
		t.Log(line)
	}
}

// meddle does something to drive or journal between two starts.
func (d *cachedDrive) meddle(random *rand.Rand) string {
	pages := len(d.stable) / 4096
	first := random.IntN(pages)
	n := min(1+random.IntN(64), pages-first)
	switch random.IntN(7) {
	case 0:
		for i := range n * 4096 {
			d.stable[first*4096+i] = byte(i)*31 + 5
		}
		return "somebody used the drive"
	case 1:
		if d.facts.Media != inventory.MediaFlash {
			return "nothing"
		}
		clear(d.stable[first*4096:][:n*4096])
		for i := range n {
			d.given[int64(first+i)] = true
		}
		return "somebody used the drive and discarded it"
	case 2:
		w := *d.journal.Written
		w.SyncedBytes = min(w.SyncedBytes+int64(n)*4096, int64(pages)*4096)
		d.journal.Written = &w
		return "the journal says more than was done"
	case 3:
		w := *d.journal.Written
		w.Pass = 1 + random.IntN(w.Of)
		d.journal.Written = &w
		return "the journal says another pass"
	}
	return "nothing"
}

// A drive or a plan that the journal is not about begins anew.
func TestJournalOfSomethingElseIsNotGoneOnWith(t *testing.T) {
	const size = 16 << 20
	for _, c := range []struct {
		name   string
		change func(*erase.Journal, *erase.Order, *inventory.Drive)
		why    string
	}{
		{"another standard", func(j *erase.Journal, _ *erase.Order, _ *inventory.Drive) { j.Written.Standard = "random" }, "it was for random"},
		{"another number of passes", func(j *erase.Journal, _ *erase.Order, _ *inventory.Drive) { j.Written.Of = 3 }, "it was for zero"},
		{"another policy", func(_ *erase.Journal, o *erase.Order, _ *inventory.Drive) { o.Rules.Policy = "other" }, "under another policy"},
		{"another size", func(j *erase.Journal, _ *erase.Order, _ *inventory.Drive) { j.SizeBytes++ }, "the drive had 16777217 bytes"},
		{"pass 0", func(j *erase.Journal, _ *erase.Order, _ *inventory.Drive) { j.Written.Pass = 0 }, "makes no sense"},
		{"beyond the end", func(j *erase.Journal, _ *erase.Order, _ *inventory.Drive) { j.Written.SyncedBytes = size + 1 }, "makes no sense"},
		{"before the beginning", func(j *erase.Journal, _ *erase.Order, _ *inventory.Drive) { j.Written.SyncedBytes = -4096 }, "makes no sense"},
		{"within a page", func(j *erase.Journal, _ *erase.Order, _ *inventory.Drive) { j.Written.SyncedBytes = 100 }, "makes no sense"},
		{"a sample is read back", func(_ *erase.Journal, o *erase.Order, _ *inventory.Drive) { o.Verify = erase.VerifySample }, "not every block is read back"},
		{"nothing is read back", func(_ *erase.Journal, o *erase.Order, _ *inventory.Drive) { o.Verify = erase.VerifyNone }, "not every block is read back"},
		{"no serial", func(_ *erase.Journal, _ *erase.Order, d *inventory.Drive) { d.Serial = "00000" }, "no serial of its own"},
		{"units behind one serial", func(_ *erase.Journal, _ *erase.Order, d *inventory.Drive) { d.Siblings = []string{"/dev/other"} }, "no serial of its own"},
		{"less hours in use than then", func(j *erase.Journal, _ *erase.Order, d *inventory.Drive) {
			then, now := int64(100), int64(99)
			j.PowerOnHours, d.Abilities = &then, &inventory.Abilities{Health: &inventory.SMART{PowerOnHours: &now}}
		}, "the drive has been elsewhere"},
		{"a month in use since then", func(j *erase.Journal, _ *erase.Order, d *inventory.Drive) {
			then, now := int64(100), int64(100+24*30)
			j.PowerOnHours, d.Abilities = &then, &inventory.Abilities{Health: &inventory.SMART{PowerOnHours: &now}}
		}, "the drive has been elsewhere"},
		{"zeros on a shingled disk", func(_ *erase.Journal, _ *erase.Order, d *inventory.Drive) { d.Discards = true }, "only given up (discarded)"},
		{"zeros on a thin volume", func(_ *erase.Journal, _ *erase.Order, d *inventory.Drive) { d.Bus = inventory.BusVirtual }, "only given up (discarded)"},
		{"written zone by zone", func(_ *erase.Journal, _ *erase.Order, d *inventory.Drive) {
			d.Abilities = &inventory.Abilities{Protocol: "scsi", Zoned: "host-aware"}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := erase.Journal{Run: "run-1", Policy: "digest", SizeBytes: size, Written: &erase.Written{Standard: "zero", Pass: 1, Of: 1, SyncedBytes: 8 << 20}}
			o := goingOn(t, "zero", erase.GoOnOnePass)
			d := newCachedDrive(size, inventory.MediaMagnetic, nil).facts
			o.Resume = &j
			if p, err := erase.MakePlan(d, o); err != nil || !p.Resumes() {
				t.Fatalf("the sound one is not gone on with: %v", err)
			}
			c.change(&j, &o, &d)
			p, err := erase.MakePlan(d, o)
			if err != nil && c.why != "" {
				t.Fatal(err)
			}
			if c.why == "" {
				return
			}
			if p.Resumes() || len(p.Steps) == 0 || p.Steps[0].FromBytes != 0 || p.Steps[0].Bytes != size {
				t.Errorf("plan %+v", p.Steps)
			}
			if why := strings.Join(p.Why, "\n"); !strings.Contains(why, c.why) {
				t.Errorf("says %q, want %q", why, c.why)
			}
		})
	}
}

// Between the plan and the run the journal was checked, or replaced: a run that
// finds another one than its plan was made for does nothing to the drive.
func TestRunRefusesAnotherJournalThanItsPlans(t *testing.T) {
	const size = 16 << 20
	for _, c := range []struct {
		name   string
		change func(*erase.Journal)
	}{
		{"none", nil},
		{"less was done", func(j *erase.Journal) { j.Written.SyncedBytes = 4 << 20 }},
		{"another pattern", func(j *erase.Journal) { j.Written.Passes[0].Pattern = "FF" }},
		{"another pass", func(j *erase.Journal) { j.Written.Pass = 2 }},
		{"no steps", func(j *erase.Journal) { j.Written.Passes = nil }},
		{"an erase by the drive", func(j *erase.Journal) { j.Written = nil }},
		{"another size", func(j *erase.Journal) { j.SizeBytes *= 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newCachedDrive(size, inventory.MediaMagnetic, nil)
			j := erase.Journal{Policy: "digest", SizeBytes: size, Written: &erase.Written{Standard: "zero", Pass: 1, Of: 1, SyncedBytes: 8 << 20,
				Passes: []erase.Pass{{Kind: erase.StepOverwrite, Pattern: "00", Bytes: 8 << 20}}}}
			o := goingOn(t, "zero", erase.GoOnOnePass)
			o.Resume = &j
			p, err := erase.MakePlan(d.facts, o)
			if err != nil || !p.Resumes() {
				t.Fatal(err)
			}
			before := bytes.Clone(d.stable)
			opts := options()
			if c.change != nil {
				c.change(&j)
				opts.Resume = &j
			}
			r, _ := erase.Run(context.Background(), p, d, opts)
			if r.Outcome.Clean() || r.Err == nil || d.writes > 0 || !bytes.Equal(before, d.stable) {
				t.Errorf("outcome %v, %v, %d writes", r.Outcome, r.Err, d.writes)
			}
			if c.change != nil && !r.Settled {
				t.Error("the journal stays, and the next run fails the same way")
			}
		})
	}
}

// A block that could not be written is never behind what the journal says.
func TestJournalStopsAtABadBlock(t *testing.T) {
	d := newMemoryDrive(32 << 20)
	d.badWrite = badBlocks(20000) // at about 10 MiB
	var mu sync.Mutex
	var last, entries int64
	r := run(t, d, "gost-r-50739-95", func(o *erase.Order, opts *erase.Options) {
		o.Rules = erase.Rules{GoOn: erase.GoOnAllPasses}
		opts.JournalEvery = time.Nanosecond
		opts.Journal = func(j erase.Journal) error {
			mu.Lock()
			defer mu.Unlock()
			last = j.Written.SyncedBytes
			entries++
			if j.Written.Pass != 1 || last > 20000*blockBytes {
				t.Errorf("the journal tells of pass %d up to %d", j.Written.Pass, last)
			}
			return nil
		}
	})
	if r.Outcome != erase.Failed || !r.Settled || entries == 0 {
		t.Errorf("outcome %v, settled %v, %d entries", r.Outcome, r.Settled, entries)
	}
}

// One transfer failed, and the run is cancelled while it is tried again in small
// pieces. Those that nobody tried are not written, whatever else is by then.
func TestJournalStopsWhereTheRunGaveUpLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sick, later = 8 << 20, 40 << 20
		d, key := newMemoryDrive(64<<20), erase.Key{1}
		ctx, cancel := context.WithCancel(context.Background())
		var failed atomic.Bool
		d.badWrite = func(off, length int64) error {
			switch {
			case off >= later:
				cancel()
			case off+length > sick && off < sick+1<<20:
				if failed.CompareAndSwap(false, true) {
					return errors.New("medium error")
				}
				time.Sleep(time.Second)
			}
			return nil
		}
		var journal erase.Journal
		o := options()
		o.Key, o.Journal = key, func(j erase.Journal) error { journal = j; return nil }
		order := goingOn(t, "gost-r-50739-95", erase.GoOnAllPasses)
		r, _ := erase.Run(ctx, plan(t, d, order), d, o)
		if r.Outcome != erase.Interrupted || r.Settled || !failed.Load() {
			t.Fatalf("outcome %v, settled %v, failed once %v", r.Outcome, r.Settled, failed.Load())
		}
		if w := journal.Written; w.Pass != 1 || w.SyncedBytes > sick {
			t.Errorf("the journal tells of %d bytes of pass %d, and at %d nothing was written", w.SyncedBytes, w.Pass, sick)
		}
	})
}

// A dock has one serial for every drive that is put into it. Passes that were done
// on the drive before are not counted for this one.
func TestEarlierPassesAreOfThisDrive(t *testing.T) {
	const size = 32 << 20
	o := goingOn(t, "gost-r-50739-95", erase.GoOnAllPasses)
	first := newCachedDrive(size, inventory.MediaMagnetic, rand.New(rand.NewPCG(1, 2)))
	if first.start(t, o, erase.Key{1}, size>>16+1); first.journal.Written.Pass != 2 {
		t.Fatalf("cut off in pass %d", first.journal.Written.Pass)
	}
	second := newCachedDrive(size, inventory.MediaMagnetic, rand.New(rand.NewPCG(1, 2)))
	second.journal = first.journal
	r, p := second.start(t, o, erase.Key{1}, 0)
	if !p.Resumes() || r.Outcome != erase.Failed || r.Disposition != erase.Hold || !r.Settled || len(r.Passes) > 0 {
		t.Errorf("outcome %v, %v, settled %v, passes %+v", r.Outcome, r.Disposition, r.Settled, r.Passes)
	}
	if r, _ = second.start(t, o, erase.Key{2}, 0); !r.Outcome.Clean() || len(r.Passes) != 2 || r.Passes[0].Run != "" {
		t.Errorf("after that: %v, passes %+v", r.Outcome, r.Passes)
	}
}

// However fast a drive is, the stick that keeps the journal is written to about
// once a minute.
func TestJournalIsWrittenSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemoryDrive(48 << 20)
		d.badWrite = func(int64, int64) error { time.Sleep(20 * time.Second); return nil }
		var mu sync.Mutex
		var at []time.Time
		r := run(t, d, "random", func(o *erase.Order, opts *erase.Options) {
			o.Rules = erase.Rules{GoOn: erase.GoOnOnePass}
			opts.Stall = time.Minute
			opts.Journal = func(erase.Journal) error {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Now())
				return nil
			}
		})
		if r.Outcome != erase.Sanitized || len(at) < 4 {
			t.Fatalf("outcome %v, %d entries", r.Outcome, len(at))
		}
		for i, now := range at[1 : len(at)-1] { // the last is that the pass is through
			if gap := now.Sub(at[i]); gap < erase.DefaultJournalEvery || gap > 2*erase.DefaultJournalEvery {
				t.Errorf("entry %d came after %v", i+1, gap)
			}
		}
	})
}

// A stick that is full or pulled out costs the going on, not the run.
func TestJournalThatCannotBeKeptIsTold(t *testing.T) {
	r := run(t, newMemoryDrive(4<<20), "zero", func(o *erase.Order, opts *erase.Options) {
		o.Rules = erase.Rules{GoOn: erase.GoOnOnePass}
		opts.Journal = func(erase.Journal) error { return fmt.Errorf("write journal: no space left") }
	})
	if r.Outcome != erase.Sanitized || r.Settled {
		t.Errorf("outcome %v, settled %v", r.Outcome, r.Settled)
	}
	if c := r.Passes[0].Commands; c[len(c)-1] != (erase.Command{Name: "journal", Status: "write journal: no space left"}) {
		t.Errorf("commands %+v", c)
	}
}
