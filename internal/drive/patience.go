package drive

import (
	"context"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// statusLimit is how long one question for the status of an erase may take, with
// finding the drive again and all.
const statusLimit = 2 * time.Minute

// patient is a firmware whose Status comes back within a limit, also when a
// call into the kernel is stuck: the runner counts for how long a drive has been
// silent, and could not from within a question.
type patient struct {
	erase.Firmware
	limit time.Duration
	// open is the question that nobody waited for to its end; nil for none.
	// One goroutine at a time calls a firmware, so that nothing else is asked
	// before it is over.
	open chan told
}

// told is the answer to one Status.
type told struct {
	status erase.Status
	err    error
}

// Status implements erase.Firmware. Its error wraps erase.ErrGone when no
// answer came in time; the next call waits for the same answer.
func (p *patient) Status(ctx context.Context) (erase.Status, error) {
	if p.open == nil {
		p.open = make(chan told, 1)
		go func(answer chan<- told) {
			within, cancel := context.WithTimeout(ctx, p.limit)
			defer cancel()
			s, err := p.Firmware.Status(within)
			if err != nil && within.Err() != nil && ctx.Err() == nil {
				err = fmt.Errorf("%w: no answer within %v: %w", erase.ErrGone, p.limit, err)
			}
			answer <- told{s, err}
		}(p.open)
	}
	a, err := p.wait(ctx)
	if err != nil {
		return erase.Status{ProgressPPM: -1}, err
	}
	return a.status, a.err
}

// wait waits for the open question.
func (p *patient) wait(ctx context.Context) (told, error) {
	// What ends by itself at the limit is given a moment to say so.
	timer := time.NewTimer(p.limit + p.limit/10)
	defer timer.Stop()
	select {
	case a := <-p.open:
		p.open = nil
		return a, nil
	case <-timer.C:
		return told{}, fmt.Errorf("%w: a question for its status has been stuck for more than %v", erase.ErrGone, p.limit)
	case <-ctx.Done():
		return told{}, ctx.Err()
	}
}

// free makes sure that no question is open any more.
func (p *patient) free(ctx context.Context) error {
	if p.open == nil {
		return nil
	}
	_, err := p.wait(ctx)
	return err
}

// Abilities implements erase.Firmware.
func (p *patient) Abilities(ctx context.Context) (inventory.Abilities, error) {
	if err := p.free(ctx); err != nil {
		return inventory.Abilities{}, err
	}
	return p.Firmware.Abilities(ctx)
}

// Reveal implements erase.Firmware.
func (p *patient) Reveal(ctx context.Context) ([]erase.Command, error) {
	if err := p.free(ctx); err != nil {
		return nil, err
	}
	return p.Firmware.Reveal(ctx)
}

// Unlock implements erase.Firmware.
func (p *patient) Unlock(ctx context.Context) ([]erase.Command, error) {
	if err := p.free(ctx); err != nil {
		return nil, err
	}
	return p.Firmware.Unlock(ctx)
}

// Start implements erase.Firmware.
func (p *patient) Start(ctx context.Context, c inventory.EraseCommand, o erase.StartOptions) ([]erase.Command, error) {
	if err := p.free(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return p.Firmware.Start(ctx, c, o)
}

// Leave implements erase.Firmware.
func (p *patient) Leave(ctx context.Context) ([]erase.Command, error) {
	if err := p.free(ctx); err != nil {
		return nil, err
	}
	return p.Firmware.Leave(ctx)
}
