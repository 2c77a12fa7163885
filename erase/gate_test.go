package erase_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ombruk/ombruk/erase"
)

// A technician pauses a run in the middle of every kind of work of ours, has
// lunch, and goes on: nothing is moved meanwhile, no drive counts as hung, and
// the record has a row for it.
func TestRunIsPausedAndGoesOn(t *testing.T) {
	const lunch = 40 * time.Minute // far longer than a drive may be silent
	for _, c := range []struct {
		name string
		id   string
		// at is the transfer at which it is paused.
		at   int
		read bool
	}{
		{"while it overwrites", "zero", 3, false},
		{"while it overwrites with a key stream", "random", 9, false},
		{"while it reads back", "random", 5, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, gate := newMemoryDrive(24<<20), new(erase.Gate)
				var mu sync.Mutex
				transfers, paused := 0, make(chan struct{})
				count := func(read bool) error {
					mu.Lock()
					defer mu.Unlock()
					if read != c.read {
						return nil
					}
					if transfers++; transfers == c.at {
						if !gate.Pause(true) {
							t.Error("there was nothing to pause")
						}
						close(paused)
					}
					return nil
				}
				d.badWrite = func(int64, int64) error { return count(false) }
				d.badRead = func(int64, int64) error { return count(true) }
				o := options()
				o.Gate, o.Now, o.Stall = gate, time.Now, time.Second
				var r erase.Result
				done := make(chan struct{})
				go func() {
					r, _ = erase.Run(context.Background(), plan(t, d, erase.Order{Standard: standard(t, c.id)}), d, o)
					close(done)
				}()
				<-paused
				synctest.Wait()
				mu.Lock()
				before := transfers
				mu.Unlock()
				time.Sleep(lunch)
				synctest.Wait()
				mu.Lock()
				if transfers != before {
					t.Errorf("%d transfers while it was paused", transfers-before)
				}
				mu.Unlock()
				if !gate.Paused() || !gate.Pause(true) || !gate.Pause(false) || gate.Pause(false) || gate.Paused() {
					t.Error("the gate does not say how it is")
				}
				<-done
				if r.Outcome != erase.Sanitized || r.Err != nil {
					t.Fatalf("outcome %v, %v, %v", r.Outcome, r.Err, r.Exceptions)
				}
				if r.Elapsed < lunch || r.Finished.Sub(r.Started) < lunch {
					t.Errorf("elapsed %v", r.Elapsed)
				}
				i := slices.IndexFunc(r.Passes, func(p erase.Pass) bool { return p.Kind == erase.StepPause })
				if i < 0 || r.Passes[i].Elapsed != lunch || r.Passes[i].Commands[0] != (erase.Command{Name: "pause", Status: "2400 s"}) || r.Passes[i].Finished.Sub(r.Passes[i].Started) != lunch {
					t.Errorf("passes %+v", r.Passes)
				}
				if gate.Pause(true) {
					t.Error("a run that has ended was paused")
				}
			})
		})
	}
}

// Whoever cancels does not have to go on first.
func TestPausedRunIsCancelledAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	d, gate := newMemoryDrive(64<<20), new(erase.Gate)
	d.onWrite = sync.OnceFunc(func() {
		gate.Pause(true)
		cancel()
	})
	o := options()
	o.Gate = gate
	r, abandoned := erase.Run(ctx, plan(t, d, erase.Order{Standard: standard(t, "random")}), d, o)
	if abandoned || r.Outcome != erase.Interrupted || gate.Paused() {
		t.Errorf("abandoned %v, outcome %v, paused %v", abandoned, r.Outcome, gate.Paused())
	}
}

// A drive that hangs while the run is paused is still found, and nobody waits for it.
func TestDriveHangsInAPausedRun(t *testing.T) {
	d, gate := newMemoryDrive(16<<20), new(erase.Gate)
	d.hang = make(chan struct{})
	defer close(d.hang)
	d.onWrite = sync.OnceFunc(func() { gate.Pause(true) })
	o := options()
	o.Gate, o.Stall = gate, 20*time.Millisecond
	if r, abandoned := erase.Run(context.Background(), plan(t, d, erase.Order{Standard: standard(t, "zero")}), d, o); !abandoned || r.Outcome != erase.Failed {
		t.Errorf("abandoned %v, outcome %v", abandoned, r.Outcome)
	}
}

// What a drive does alone cannot be paused; before and after it can.
func TestDriveAtWorkIsNotPaused(t *testing.T) {
	d, gate := newFirmwareDrive(1<<20), new(erase.Gate)
	if gate.Pause(true) {
		t.Error("a run that has not begun was paused")
	}
	var at, marking bool
	d.onWrite = sync.OnceFunc(func() { marking = gate.Pause(true) && gate.Pause(false) })
	d.onStart = func() { at = gate.Pause(true) }
	r := d.run(t, d.purge(block, erase.ExpectUniform, erase.VerifyFull), func(o *erase.Options) { o.Gate = gate })
	if at || !marking || r.Outcome != erase.Sanitized {
		t.Errorf("paused at work %v, marking %v, outcome %v, %v", at, marking, r.Outcome, r.Err)
	}
}

// Pressed between the markers and the erase, a pause holds back the erase itself.
func TestPauseHoldsBackTheDrivesErase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, gate := newFirmwareDrive(1<<20), new(erase.Gate)
		given, paused := false, make(chan struct{})
		d.onStart = func() { given = true }
		once := sync.OnceFunc(func() {
			gate.Pause(true)
			close(paused)
		})
		d.badRead = func(int64, int64) error { once(); return nil }
		done := make(chan erase.Result)
		go func() {
			done <- d.run(t, d.purge(block, erase.ExpectUniform, erase.VerifyFull), func(o *erase.Options) { o.Gate = gate })
		}()
		<-paused
		time.Sleep(time.Hour)
		synctest.Wait()
		if given {
			t.Error("the drive was given its erase while the run was paused")
		}
		gate.Pause(false)
		if r := <-done; r.Outcome != erase.Sanitized || !given {
			t.Errorf("outcome %v, %v", r.Outcome, r.Err)
		}
	})
}
