package main

import (
	"context"
	"os"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/hands"
	"github.com/ombruk/ombruk/inventory"
)

// Slot implements tui.Work. What is made in software has no place but its node.
func (w *screenWork) Slot(d inventory.Drive) string {
	switch d.Bus {
	case inventory.BusLoop, inventory.BusImage, inventory.BusVirtual, inventory.BusFabric:
		return d.Path
	}
	if w.rig.Mode() == certs.ModeSimulated {
		return d.Path
	}
	return inventory.Source{}.Slot(d)
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
