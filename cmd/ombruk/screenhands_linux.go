package main

import (
	"context"
	"os"

	"github.com/ombruk/ombruk/internal/hands"
	"github.com/ombruk/ombruk/inventory"
)

// Slot implements tui.Work.
func (w *screenWork) Slot(d inventory.Drive) string {
	if s := (inventory.Source{}).Slot(d); s != "" {
		return s
	}
	return d.Path
}

// Input implements tui.Work. Over a serial line or in a window the keyboard of
// the machine is not the one in front of the person.
func (w *screenWork) Input(ctx context.Context) (<-chan hands.Event, error) {
	if !w.host.setup.Stick {
		return nil, hands.ErrNone
	}
	return hands.Watch(ctx, "/dev/input")
}

// Plugged implements tui.Work.
func (w *screenWork) Plugged() ([]hands.Plug, error) { return hands.Plugged(os.DirFS("/sys")) }
