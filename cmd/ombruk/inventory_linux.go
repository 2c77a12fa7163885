package main

import (
	"context"

	"github.com/ombruk/ombruk/inventory"
)

// thisMachine reads this machine and asks its drives.
func (a *app) thisMachine(ctx context.Context) (inventory.Machine, error) {
	r, err := a.rig(nil)
	if err != nil {
		return inventory.Machine{}, err
	}
	m, err := r.Machine(ctx)
	if err != nil {
		return m, fail(exitError, "", err)
	}
	a.session(r).Ask(ctx, m.Drives)
	return m, nil
}
