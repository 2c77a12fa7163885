package tui

import (
	"context"

	"github.com/ombruk/ombruk/internal/hands"
	"github.com/ombruk/ombruk/inventory"
)

func (w *fakeWork) Slot(d inventory.Drive) string { return d.Path }

func (w *fakeWork) Input(context.Context) (<-chan hands.Event, error) { return nil, hands.ErrNone }

func (w *fakeWork) Plugged() ([]hands.Plug, error) { return nil, nil }

// skipChecks leaves the checks out of a story that is about something else.
func (s *stage) skipChecks() {
	c := s.m.checks().(*checksPage)
	for i := range c.list {
		c.list[i].Verdict = VerdictSkip
	}
}
