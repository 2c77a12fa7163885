package erase_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// clock is time that passes only when somebody waits.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

// firmwareDrive is a memoryDrive that erases by itself, as one test wants it.
type firmwareDrive struct {
	*memoryDrive
	*clock
	// takes is how long the erase goes on; effect is what it does to the
	// drive when it begins, nil for nothing at all.
	takes  time.Duration
	effect func()
	// ends is the terminal state, of what the drive says it is about.
	ends erase.State
	of   inventory.EraseCommand
	// refuse, lose and stuck are the errors of Start, Status and Leave.
	refuse, lose, stuck error
	abilities           inventory.Abilities
	// onStart is called when the command is given.
	onStart func()
	// running is an erase that is under way before the run.
	running bool

	started time.Time
	given   inventory.EraseCommand
	left    int
}

const crypto, block = inventory.NVMeSanitizeCrypto, inventory.NVMeSanitizeBlock

func newFirmwareDrive(sizeBytes int) *firmwareDrive {
	d := &firmwareDrive{memoryDrive: newMemoryDrive(sizeBytes), clock: &clock{options().Now()}, takes: time.Second, ends: erase.StateSucceeded}
	d.effect = func() { fill(d.held, 0x00) }
	return d
}

func fill(b []byte, pattern ...byte) {
	for i := range b {
		b[i] = pattern[i%len(pattern)]
	}
}

// noise is what reads after a key was destroyed.
func (d *firmwareDrive) noise() {
	for i := range d.held {
		d.held[i] ^= byte(i>>8) ^ byte(i*i>>3) ^ 0x5a
	}
}

func (d *firmwareDrive) Firmware() erase.Firmware { return d }
func (d *firmwareDrive) Abilities(context.Context) (inventory.Abilities, error) {
	return d.abilities, nil
}
func (d *firmwareDrive) Reveal(context.Context) ([]erase.Command, error) { return nil, nil }
func (d *firmwareDrive) Unlock(context.Context) ([]erase.Command, error) { return nil, nil }
func (d *firmwareDrive) Leave(context.Context) ([]erase.Command, error) {
	d.left++
	return nil, d.stuck
}

func (d *firmwareDrive) Start(_ context.Context, c inventory.EraseCommand, _ erase.StartOptions) ([]erase.Command, error) {
	sent := []erase.Command{{Name: "SANITIZE", Code: "84h", Status: "00h"}}
	if d.refuse != nil {
		return sent, d.refuse
	}
	if d.onStart != nil {
		d.onStart()
	}
	d.started, d.given = d.now, c
	if d.effect != nil {
		d.effect()
	}
	return sent, nil
}

func (d *firmwareDrive) Status(context.Context) (erase.Status, error) {
	s := erase.Status{ProgressPPM: -1, Of: d.of, Command: erase.Command{Name: "GET LOG PAGE", Code: "81h", Status: "as scripted"}}
	if s.Of == "" {
		s.Of = d.given
	}
	elapsed := d.now.Sub(d.started)
	switch {
	case d.lose != nil:
		return s, d.lose
	case d.given == "" && !d.running:
		s.State = erase.StateIdle
	case elapsed < d.takes:
		s.State, s.ProgressPPM = erase.StateRunning, int64(elapsed*1_000_000/d.takes)
	default:
		s.State = d.ends
	}
	return s, nil
}

// purge is the plan for a drive with the one command.
func (d *firmwareDrive) purge(c inventory.EraseCommand, expect erase.Expect, verify erase.VerifyMode) erase.Plan {
	facts := d.facts()
	facts.Bus, facts.Media = inventory.BusNVMe, inventory.MediaFlash
	facts.Abilities = &d.abilities
	technique := erase.CryptoErase
	if c == block {
		technique = erase.BlockErase
	}
	return erase.Plan{
		Drive: facts, Requested: erase.Purge, Accepted: erase.Purge, Achieves: erase.Purge, Technique: technique,
		Steps: []erase.Step{
			{Kind: erase.StepMark},
			{Kind: erase.StepErase, Technique: technique, Command: c},
			{Kind: erase.StepReadBack, Verify: verify, Expect: expect},
		},
	}
}

func (d *firmwareDrive) run(t *testing.T, p erase.Plan, change func(*erase.Options)) erase.Result {
	t.Helper()
	o := options()
	o.Now, o.Wait = d.Now, d.Wait
	if change != nil {
		change(&o)
	}
	r, abandoned := erase.Run(context.Background(), p, d, o)
	if abandoned {
		t.Fatal("the run left a transfer behind")
	}
	return r
}

func TestDriveThatErasesItself(t *testing.T) {
	for _, c := range []struct {
		name     string
		command  inventory.EraseCommand
		expect   erase.Expect
		verify   erase.VerifyMode
		leaves   func(*firmwareDrive)
		patterns []string
	}{
		{"crypto erase that leaves noise", crypto, erase.ExpectChanged, erase.VerifySample, (*firmwareDrive).noise, nil},
		{"crypto erase that leaves zeros", crypto, erase.ExpectChanged, erase.VerifySample, func(d *firmwareDrive) { fill(d.held, 0) }, nil},
		{"block erase that leaves zeros", block, erase.ExpectUniform, erase.VerifyFull, func(d *firmwareDrive) { fill(d.held, 0) }, []string{"00"}},
		{"block erase that leaves a word of the maker's", block, erase.ExpectUniform, erase.VerifyFull, func(d *firmwareDrive) { fill(d.held, 0x33, 0xcc, 0x55, 0xaa) }, []string{"33 CC 55 AA"}},
		{"block erase that deallocates a part", block, erase.ExpectUniform, erase.VerifySample, func(d *firmwareDrive) { fill(d.held, 0xff); fill(d.held[:1<<20], 0) }, []string{"00", "FF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newFirmwareDrive(4 << 20)
			d.effect = func() { c.leaves(d) }
			r := d.run(t, d.purge(c.command, c.expect, c.verify), nil)
			if r.Outcome != erase.Sanitized || r.Achieved != erase.Purge || !r.Fulfilled || r.Assurance != erase.ReadBack || r.Disposition != erase.Reuse {
				t.Errorf("outcome %v, achieved %v, assurance %v, disposition %v, %v %v", r.Outcome, r.Achieved, r.Assurance, r.Disposition, r.Exceptions, r.Err)
			}
			v := r.Verification
			if v.Markers < 500 || v.MarkersLeft != 0 || v.Remembered < 400 || v.Unchanged != 0 || !reflect.DeepEqual(v.Patterns, c.patterns) {
				t.Errorf("%+v", v)
			}
			if d.left == 0 {
				t.Error("the drive was not put back into ordinary use")
			}
		})
	}
}

func TestDriveThatLies(t *testing.T) {
	changed := func(d *firmwareDrive) erase.Plan { return d.purge(crypto, erase.ExpectChanged, erase.VerifySample) }
	uniform := func(d *firmwareDrive) erase.Plan { return d.purge(block, erase.ExpectUniform, erase.VerifyFull) }
	for _, c := range []struct {
		name    string
		lie     func(*firmwareDrive)
		plan    func(*firmwareDrive) erase.Plan
		outcome erase.Outcome
		code    string
	}{
		{"success without effect", func(d *firmwareDrive) { d.effect = nil }, changed, erase.Failed, "mismatch"},
		{"success without effect, block erase", func(d *firmwareDrive) { d.effect = nil }, uniform, erase.Failed, "mismatch"},
		{"only a part is erased", func(d *firmwareDrive) { d.effect = func() { fill(d.held[:3<<20], 0) } }, changed, erase.Failed, "mismatch"},
		{"one block in two thousand is forgotten", func(d *firmwareDrive) {
			d.effect = func() {
				kept := slices.Clone(d.held[777*512 : 778*512])
				fill(d.held, 0)
				copy(d.held[777*512:], kept)
			}
		}, uniform, erase.Failed, "mismatch"},
		{"it speaks of another erase", func(d *firmwareDrive) { d.of = block }, changed, erase.Unproven, "erase-forgotten"},
		{"it knows of no erase afterwards", func(d *firmwareDrive) { d.ends = erase.StateIdle }, changed, erase.Unproven, "erase-forgotten"},
		{"it fails at the end", func(d *firmwareDrive) { d.ends = erase.StateFailed }, changed, erase.Failed, "erase-failed"},
		{"it never ends", func(d *firmwareDrive) { d.ends = erase.StateRunning }, changed, erase.Unproven, "standstill"},
		{"it falls silent", func(d *firmwareDrive) { d.lose = errors.New("no answer") }, changed, erase.Failed, "silent"},
		{"it is pulled", func(d *firmwareDrive) { d.lose = erase.ErrGone }, changed, erase.Failed, "device-gone"},
		{"it refuses what it can do", func(d *firmwareDrive) { d.refuse = &erase.DriveError{} }, changed, erase.Failed, "refused-by-drive"},
		{"it is frozen after all", func(d *firmwareDrive) { d.refuse = &erase.DriveError{Cause: erase.ErrFrozen} }, changed, erase.Failed, "frozen"},
		{"it stays locked with our password", func(d *firmwareDrive) { d.stuck = errors.New("no") }, changed, erase.Failed, "not-left"},
		{"it is another drive afterwards", func(d *firmwareDrive) { d.checkErr = erase.ErrIdentityChanged }, changed, erase.Failed, "identity-changed"},
		{"it hides an area", func(d *firmwareDrive) { n := int64(1 << 20); d.abilities.Hidden.HPABytes = &n }, changed, erase.Failed, "hidden-area-left"},
		{"it is blank, takes no markers, and proves nothing", func(d *firmwareDrive) {
			fill(d.held, 0)
			d.badWrite = func(int64, int64) error { return erase.ErrReadOnly }
		}, changed, erase.Unproven, "nothing-to-compare"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newFirmwareDrive(4 << 20)
			c.lie(d)
			r := d.run(t, c.plan(d), nil)
			if r.Outcome != c.outcome || r.Achieved != erase.MethodNone || r.Fulfilled {
				t.Errorf("outcome %v, achieved %v, fulfilled %v", r.Outcome, r.Achieved, r.Fulfilled)
			}
			if !slices.Contains(codes(r), c.code) {
				t.Errorf("exceptions %v, want %s", codes(r), c.code)
			}
		})
	}
}

// A drive that takes no markers is still found out by what it held before.
func TestWithoutMarkersWhatWasThereTells(t *testing.T) {
	for _, honest := range []bool{true, false} {
		d := newFirmwareDrive(4 << 20)
		d.badWrite = func(int64, int64) error { return erase.ErrReadOnly }
		if !honest {
			d.effect = nil
		}
		r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), nil)
		if got := r.Outcome == erase.SanitizedWithExceptions; got != honest || r.Verification.Markers != 0 {
			t.Errorf("honest %v: outcome %v, %v, %+v", honest, r.Outcome, codes(r), r.Verification)
		}
	}
}

// Slow is not failed: a disk may take days to erase itself and tell nothing of
// how far it is.
func TestSlowDriveIsWaitedFor(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	d.takes = 60 * time.Hour
	r := d.run(t, d.purge(block, erase.ExpectUniform, erase.VerifyFull), nil)
	if r.Outcome != erase.Sanitized || r.Passes[1].Elapsed < d.takes || r.Passes[1].Elapsed > d.takes+10*time.Second {
		t.Errorf("outcome %v after %v, %v", r.Outcome, r.Passes[1].Elapsed, r.Exceptions)
	}
}

// With integrity metadata, blocks written under the old key do not fit their
// checksum any more, and the drive says so. A block that just cannot be read
// says nothing: what it holds may still be what it held.
func TestUnreadableAfterCryptoErase(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault error
		media erase.State
		want  erase.Outcome
	}{
		{"its checksum does not fit", fmt.Errorf("read: %w", erase.ErrIntegrity), erase.StateSucceeded, erase.SanitizedWithExceptions},
		{"it cannot be read", errMedium, erase.StateSucceeded, erase.Failed},
		{"it cannot be read, with the media open", errMedium, erase.StateOpenMedia, erase.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newFirmwareDrive(1 << 20)
			d.ends = c.media
			erased := false
			fresh := map[int64]bool{}
			d.effect = func() { erased = true }
			if c.want.Clean() {
				d.effect = func() { d.noise(); erased = true }
			}
			var mu sync.Mutex
			d.badRead = func(off, length int64) error {
				mu.Lock()
				defer mu.Unlock()
				for at := off / 512; at < (off+length)/512; at++ {
					if erased && !fresh[at] {
						return c.fault
					}
				}
				return nil
			}
			d.badWrite = func(off, length int64) error {
				mu.Lock()
				defer mu.Unlock()
				for at := off / 512; erased && at < (off+length)/512; at++ {
					fresh[at] = true
				}
				return nil
			}
			r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), nil)
			if r.Outcome != c.want || r.Assurance == erase.MediaVerified || slices.Contains(codes(r), "unreadable-after-erase") != c.want.Clean() {
				t.Errorf("outcome %v, %v, %v, %v", r.Outcome, r.Assurance, codes(r), r.Err)
			}
		})
	}
}

// One marker on a blank drive proves nothing about the rest of it.
func TestAFewMarkersProveNothing(t *testing.T) {
	d := newFirmwareDrive(16 << 20)
	fill(d.held, 0)
	d.badWrite = func(off, length int64) error {
		if off == 0 && length <= 4096 {
			return nil
		}
		return errMedium
	}
	d.effect = func() { fill(d.held[:4096], 0) }
	r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), nil)
	if r.Outcome != erase.Unproven || !slices.Contains(codes(r), "nothing-to-compare") || !slices.Contains(codes(r), "markers-refused") {
		t.Errorf("outcome %v, %v", r.Outcome, r.Exceptions)
	}
}

// forgetful tells of a hidden area once and never again.
type forgetful struct {
	*firmwareDrive
	asked int
}

func (f *forgetful) Firmware() erase.Firmware { return f }

func (f *forgetful) Abilities(context.Context) (inventory.Abilities, error) {
	a := f.abilities
	if f.asked++; f.asked > 1 {
		a.Hidden = inventory.Hidden{}
	}
	return a, nil
}

// What was hidden has not gone away because the drive no longer tells.
func TestHiddenAreaIsNotForgotten(t *testing.T) {
	d := newFirmwareDrive(4 << 20)
	hpa, dco := int64(10<<30), int64(0)
	d.abilities = inventory.Abilities{Protocol: "ata", Hidden: inventory.Hidden{HPABytes: &hpa, DCOBytes: &dco}}
	f := &forgetful{firmwareDrive: d}
	o := options()
	o.Now, o.Wait = d.Now, d.Wait
	r, _ := erase.Run(context.Background(), d.purge(block, erase.ExpectUniform, erase.VerifyFull), f, o)
	if r.Outcome != erase.Failed || !slices.Contains(codes(r), "hidden-area-left") {
		t.Errorf("outcome %v, %v", r.Outcome, codes(r))
	}
}

// A namespace that was not shown when the plan was confirmed is not erased.
func TestNewNamespaceStopsTheErase(t *testing.T) {
	d := newFirmwareDrive(4 << 20)
	p := d.purge(crypto, erase.ExpectChanged, erase.VerifySample)
	p.Command = crypto
	p.Drive.Abilities = &inventory.Abilities{Protocol: "nvme", Erasers: []inventory.Eraser{{Command: crypto, WholeDrive: true}}}
	d.abilities = inventory.Abilities{Protocol: "nvme", Spaces: []inventory.Space{{Name: "namespace 2", Path: "/dev/nvme0n2", SizeBytes: 1 << 40, Reach: "node"}}}
	r := d.run(t, p, nil)
	if d.given != "" || r.Outcome.Clean() || !slices.Contains(codes(r), "not-reached") {
		t.Errorf("given %q, outcome %v, %v", d.given, r.Outcome, r.Exceptions)
	}
}

func TestCancelledWhileTheDriveWorks(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	d.takes = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	d.onStart = cancel
	o := options()
	o.Now, o.Wait = d.Now, d.Wait
	r, _ := erase.Run(ctx, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), d, o)
	if got := codes(r); r.Outcome != erase.Interrupted || !slices.Contains(got, "goes-on") || d.left != 0 {
		t.Errorf("outcome %v, %v, left %d times", r.Outcome, got, d.left)
	}
}

// overwrite is the plan of a disk that overwrites itself for hours.
func (d *firmwareDrive) overwrite() erase.Plan {
	p := d.purge(inventory.ATASanitizeOverwrite, erase.ExpectUniform, erase.VerifyFull)
	p.Command = inventory.ATASanitizeOverwrite
	p.Drive.Bus, p.Drive.Media = inventory.BusSAS, inventory.MediaMagnetic
	return p
}

// The power goes while the drive erases itself; the next start knows from its
// journal what was given, awaits it and looks at every block.
func TestTakenUpAfterAPowerCut(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*firmwareDrive)
		want   erase.Outcome
		code   string
	}{
		{"an honest drive", func(*firmwareDrive) {}, erase.Sanitized, ""},
		{"a liar", func(d *firmwareDrive) { d.effect = nil }, erase.Failed, "mismatch"},
		{"another life of the drive since", func(d *firmwareDrive) {
			hours := int64(9000)
			d.abilities.Health = &inventory.SMART{PowerOnHours: &hours}
		}, erase.Unproven, "erase-forgotten"},
		{"a drive that does not tell its hours", func(d *firmwareDrive) { d.abilities.Health = nil }, erase.Unproven, "erase-forgotten"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newFirmwareDrive(4 << 20)
			hours := int64(5000)
			d.abilities.Health = &inventory.SMART{PowerOnHours: &hours}
			d.takes = 5 * time.Hour
			if c.want == erase.Failed {
				c.change(d)
			}
			ctx, cancel := context.WithCancel(context.Background())
			d.onStart = cancel
			var journal []erase.Journal
			o := options()
			o.Now, o.Wait = d.Now, d.Wait
			o.Journal = func(j erase.Journal) error { journal = append(journal, j); return nil }
			first, _ := erase.Run(ctx, d.overwrite(), d, o)
			if len(journal) != 2 || journal[0].Accepted || !journal[1].Accepted || journal[1].Markers < 500 || first.Settled {
				t.Fatalf("journal %+v, settled %v", journal, first.Settled)
			}
			c.change(d)
			p := d.overwrite()
			p.Steps = []erase.Step{{Kind: erase.StepAwait}, p.Steps[2]}
			r := d.run(t, p, func(o *erase.Options) { o.Resume = &journal[1] })
			if r.Outcome != c.want || c.code != "" && !slices.Contains(codes(r), c.code) || r.Outcome.Clean() && (r.Achieved != erase.Purge || !r.Settled) {
				t.Errorf("outcome %v, %v, settled %v, %+v", r.Outcome, r.Exceptions, r.Settled, r.Verification)
			}
		})
	}
}

// Somebody who leaves at once must not lose what the journal holds.
func TestResumeCancelledAtOnceStaysInTheJournal(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	d.running, d.started, d.takes = true, d.now, time.Hour
	p := d.overwrite()
	p.Steps = []erase.Step{{Kind: erase.StepAwait}, p.Steps[2]}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o := options()
	o.Now, o.Wait, o.Resume = d.Now, d.Wait, &erase.Journal{Command: p.Command, Accepted: true, SizeBytes: 1 << 20, Markers: 100}
	if r, _ := erase.Run(ctx, p, d, o); r.Settled || r.Outcome != erase.Interrupted {
		t.Errorf("settled %v, outcome %v", r.Settled, r.Outcome)
	}
}

// The journal stays until the drive has ended and is in ordinary use again: it
// may be locked with our password.
func TestJournalStaysWhileTheDriveMayBeLocked(t *testing.T) {
	for name, change := range map[string]func(*firmwareDrive){
		"the cable goes as it is given":  func(d *firmwareDrive) { d.refuse = erase.ErrGone },
		"the password cannot be cleared": func(d *firmwareDrive) { d.stuck = errors.New("no") },
		"it falls silent":                func(d *firmwareDrive) { d.lose = erase.ErrGone },
	} {
		d := newFirmwareDrive(1 << 20)
		change(d)
		if r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), func(o *erase.Options) { o.Journal = func(erase.Journal) error { return nil } }); r.Settled {
			t.Errorf("%s: the journal is dropped", name)
		}
	}
	d := newFirmwareDrive(1 << 20)
	if r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), func(o *erase.Options) { o.Journal = func(erase.Journal) error { return nil } }); !r.Settled {
		t.Error("a finished erase stays in the journal")
	}
}

// What the journal tells of is nothing to a run that does something else.
func TestJournalDoesNotDisturbAnotherPlan(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), func(o *erase.Options) {
		o.Resume = &erase.Journal{Command: inventory.ATASanitizeOverwrite, Accepted: true, SizeBytes: 1 << 20, Markers: 900}
	})
	if r.Outcome != erase.Sanitized {
		t.Errorf("outcome %v, %v", r.Outcome, r.Exceptions)
	}
}

// Somebody else's erase is awaited and counts for nothing; our own comes next.
func TestForeignEraseIsAwaited(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	d.running, d.started = true, d.now
	p := d.purge(crypto, erase.ExpectChanged, erase.VerifySample)
	p.Steps = slices.Insert(p.Steps, 0, erase.Step{Kind: erase.StepAwait})
	if r := d.run(t, p, nil); r.Outcome != erase.Sanitized || d.given != crypto {
		t.Errorf("outcome %v, %v, %v", r.Outcome, r.Exceptions, r.Err)
	}
	// Alone it proves nothing.
	d = newFirmwareDrive(1 << 20)
	d.running, d.started = true, d.now
	p.Steps = []erase.Step{p.Steps[0], p.Steps[3]}
	if r := d.run(t, p, nil); r.Outcome.Clean() {
		t.Errorf("outcome %v", r.Outcome)
	}
}

func TestJournalThatCannotBeKeptStopsTheErase(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), func(o *erase.Options) {
		o.Journal = func(erase.Journal) error { return errors.New("stick full") }
	})
	if d.given != "" || r.Outcome != erase.Failed {
		t.Errorf("given %q, outcome %v", d.given, r.Outcome)
	}
}

// Block erase, then one pass, so that everything can be compared.
func TestEraseAndOverwriteTogether(t *testing.T) {
	for _, honest := range []bool{true, false} {
		d := newFirmwareDrive(1 << 20)
		if !honest {
			d.effect = nil
		}
		p := d.purge(block, erase.ExpectUniform, erase.VerifySample)
		p.Steps = append(p.Steps,
			erase.Step{Kind: erase.StepOverwrite, Technique: erase.Overwrite, Pattern: erase.Pattern{Kind: erase.Random}},
			erase.Step{Kind: erase.StepReadBack, Verify: erase.VerifyFull, Expect: erase.ExpectWritten})
		r := d.run(t, p, nil)
		if got := r.Outcome == erase.Sanitized; got != honest {
			t.Errorf("honest %v: outcome %v, %v", honest, r.Outcome, r.Exceptions)
		}
		if honest && !bytes.Equal(d.held, expected(t, "random (AES-128-CTR)", options().Key, 1, 1<<20)) {
			t.Error("the pass is not on the drive")
		}
	}
}

func TestMarkersDoNotNeedALargeDrive(t *testing.T) {
	for _, blocks := range []int{1, 7, 8, 9, 16, 17, 100} {
		t.Run(fmt.Sprint(blocks), func(t *testing.T) {
			d := newFirmwareDrive(blocks * 512)
			if r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), nil); r.Outcome != erase.Sanitized || r.Verification.Markers == 0 {
				t.Errorf("outcome %v, %v, %+v", r.Outcome, r.Exceptions, r.Verification)
			}
			d = newFirmwareDrive(blocks * 512)
			d.effect = nil
			if r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), nil); r.Outcome.Clean() {
				t.Errorf("without effect: outcome %v", r.Outcome)
			}
		})
	}
}

// Best effort at what is no sanitization of a drive, as overwriting one of
// several namespaces, is never called clean: no record could say so.
func TestWhatReachesNoMethodIsNotClean(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	p := d.purge(crypto, erase.ExpectChanged, erase.VerifySample)
	p.Achieves = erase.MethodNone
	if r := d.run(t, p, nil); r.Outcome != erase.Unproven || r.Fulfilled || r.Disposition != erase.Destroy || !slices.Contains(codes(r), "below-accepted") {
		t.Errorf("outcome %v, %v, %v", r.Outcome, r.Disposition, codes(r))
	}
}

// What the page says of a cancelled run is what was going on: once the drive has
// ended its erase, it is our own reading that was cancelled.
func TestCancelledWhileReadingBack(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	d := newFirmwareDrive(64 << 20)
	erased := false
	d.effect = func() { fill(d.held, 0); erased = true }
	d.badRead = func(int64, int64) error {
		if erased {
			cancel()
		}
		return nil
	}
	o := options()
	o.Now, o.Wait = d.Now, d.Wait
	r, _ := erase.Run(ctx, d.purge(block, erase.ExpectUniform, erase.VerifyFull), d, o)
	if r.Outcome != erase.Interrupted || !strings.Contains(r.Exceptions[0].Text, "of the work was done") || d.left == 0 {
		t.Errorf("outcome %v, %v, left %d", r.Outcome, r.Exceptions, d.left)
	}
}

// A limit of our own that runs out is not somebody's Ctrl-C.
func TestDriveThatIsNotPutBackInTimeIsNotCancelled(t *testing.T) {
	d := newFirmwareDrive(1 << 20)
	d.stuck = context.DeadlineExceeded
	if r := d.run(t, d.purge(crypto, erase.ExpectChanged, erase.VerifySample), nil); r.Outcome != erase.Failed || !slices.Contains(codes(r), "not-left") {
		t.Errorf("outcome %v, %v", r.Outcome, codes(r))
	}
}
