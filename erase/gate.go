package erase

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Gate lets somebody hold up a run while it works by itself: writes, reads back
// or marks. What a drive does alone goes on. The zero value is open. It belongs
// to one run and may be used from any goroutine.
type Gate struct {
	mu   sync.Mutex
	ours bool // the run is at work of its own
	now  func() time.Time
	// shut is closed when the run may go on; nil while it is not held up.
	shut chan struct{}
	// Of the step under way: since is when it was last held up, began when
	// first, until when it last went on, times how often, and held how long.
	since, began, until time.Time
	times               int
	held                time.Duration
}

// Pause holds the run up before its next transfer or, when on is false, lets it
// go on. It reports whether there was anything to hold up or to let go on: a
// drive that erases by itself is not held up, nor is a run that has ended.
func (g *Gate) Pause(on bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case on && !g.ours, on == (g.shut != nil):
		return on && g.ours
	case !on:
		g.open()
		return true
	}
	g.shut, g.since = make(chan struct{}), g.now()
	if g.times++; g.times == 1 {
		g.began = g.since
	}
	return true
}

// Paused reports whether the run is held up.
func (g *Gate) Paused() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut != nil
}

// open lets the run go on; the caller holds the lock.
func (g *Gate) open() {
	close(g.shut)
	g.shut = nil
	g.count()
}

// count counts the time since the run was held up.
func (g *Gate) count() {
	g.until = g.now()
	g.held += g.until.Sub(g.since)
	g.since = g.until
}

// wait returns when the run may go on, or ctx ends, and says how long that took.
func (g *Gate) wait(ctx context.Context) (held time.Duration) {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut == nil {
		return 0
	}
	began := time.Now()
	select {
	case <-shut:
	case <-ctx.Done():
	}
	return time.Since(began)
}

// enter says whether what comes next is work of the run's own. What is not, is
// not held up.
func (g *Gate) enter(ours bool, now func() time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ours, g.now = ours, now
	if !ours && g.shut != nil {
		g.open()
	}
}

// take gives what there is to tell of the step that ends now: nil when it was
// not held up. Whoever reads the record must not take the pause for slowness of
// the drive, so it is a row of its own; a read-back has no other.
func (g *Gate) take() *Pass {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.times == 0 {
		return nil
	}
	if g.shut != nil {
		g.count()
	}
	status := fmt.Sprintf("%d s", int64(g.held.Round(time.Second)/time.Second))
	if g.times > 1 {
		status += fmt.Sprintf(" in %d pauses", g.times)
	}
	p := &Pass{Kind: StepPause, Started: g.began, Finished: g.until, Elapsed: g.held, Errors: []BadRange{}, Commands: []Command{{Name: "pause", Status: status}}}
	if g.times, g.held = 0, 0; g.shut != nil {
		g.times, g.began = 1, g.since
	}
	return p
}
