package drive

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
)

// hanging is a drive one question to which hangs in the kernel until it is let go.
type hanging struct {
	senseless
	obeys bool // the context
	let   chan struct{}
	asked atomic.Int32
}

func (s *hanging) Status(ctx context.Context) (erase.Status, error) {
	s.asked.Add(1)
	if s.obeys {
		<-ctx.Done()
		return erase.Status{}, ctx.Err()
	}
	<-s.let
	return erase.Status{State: erase.StateSucceeded}, nil
}

func (s *hanging) Leave(context.Context) ([]erase.Command, error) { return nil, nil }

func TestStatusComesBackWithinItsLimit(t *testing.T) {
	ctx := context.Background()
	for _, obeys := range []bool{true, false} {
		s := &hanging{obeys: obeys, let: make(chan struct{})}
		p := &patient{Firmware: s, limit: 10 * time.Millisecond}
		for range 2 {
			if got, err := p.Status(ctx); !errors.Is(err, erase.ErrGone) || got.State != erase.StateUnknown {
				t.Errorf("obeys %v: %+v %v", obeys, got, err)
			}
		}
		if obeys {
			continue
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times at once", n)
		}
		if _, err := p.Leave(ctx); !errors.Is(err, erase.ErrGone) {
			t.Errorf("left beside a question that is stuck: %v", err)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := p.Status(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("after Ctrl-C: %v", err)
		}
		close(s.let)
		if got, err := p.Status(ctx); err != nil || got.State != erase.StateSucceeded {
			t.Errorf("in the end: %+v %v", got, err)
		}
		if _, err := p.Leave(ctx); err != nil {
			t.Error(err)
		}
	}
}
