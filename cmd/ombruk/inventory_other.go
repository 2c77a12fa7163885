//go:build !linux

package main

import (
	"context"
	"errors"

	"github.com/ombruk/ombruk/inventory"
)

// thisMachine refuses: machines are read on Linux.
func (a *app) thisMachine(context.Context) (inventory.Machine, error) {
	return inventory.Machine{}, fail(exitError, "start the machine from a boot stick ('ombruk image build'), or read a dump of it with --from FILE",
		errors.New("a machine can be read on Linux only"))
}
