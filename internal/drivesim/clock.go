package drivesim

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/ombruk/ombruk/erase"
)

// Clock is the time that simulated drives live in. Drives may share one or
// have one each; it is safe for several goroutines.
type Clock struct {
	mu    sync.Mutex
	now   time.Time // at speed 0
	speed float64
	start time.Time // at other speeds: what the clock showed at began
	began time.Time
}

// NewClock is a clock that shows start. At speed 0 it stands still but for
// Wait, which returns at once and lets the time jump; any other speed is how
// many of its seconds pass in a real one.
func NewClock(start time.Time, speed float64) *Clock {
	return &Clock{now: start, speed: max(speed, 0), start: start, began: time.Now()}
}

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.speed > 0 {
		return c.start.Add(time.Duration(float64(time.Since(c.began)) * c.speed))
	}
	return c.now
}

// Wait passes d of the clock's time. It ends early with the context's error.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.speed == 0 {
		// Whoever polls in a loop must not let hours pass before a command
		// given on another goroutine has reached the drive.
		runtime.Gosched()
		c.mu.Lock()
		c.now = c.now.Add(max(d, 0))
		c.mu.Unlock()
		runtime.Gosched()
		return ctx.Err()
	}
	return erase.Wait(ctx, time.Duration(float64(d)/c.speed))
}
