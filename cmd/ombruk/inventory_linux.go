package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	m.Locks = append(m.Locks, inventory.DriveLocks(m)...)
	return m, nil
}

// captureMachine writes a capture of this machine to a new file.
func (a *app) captureMachine(ctx context.Context, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fail(exitUsage, "choose another name, or remove it", fmt.Errorf("capture machine: %s is there already", name))
	}
	if err != nil {
		return fail(exitError, "", fmt.Errorf("capture machine: %w", err))
	}
	err = inventory.Source{}.Capture(ctx, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(name)
		return fail(exitError, "", err)
	}
	if os.Geteuid() != 0 {
		a.note("only root may read all of it: the firmware's tables and what the drives are called are left out")
	}
	return nil
}

// productKey is the whole Windows key of this machine.
func productKey() (string, error) {
	key, err := inventory.Source{}.ProductKey()
	switch {
	case err == nil:
		return key, nil
	case errors.Is(err, inventory.ErrNotFound):
		return "", fail(exitError, "a machine that was sold with Windows 7 or before has the key on a label", errors.New("read product key: the firmware has none"))
	case errors.Is(err, fs.ErrPermission):
		return "", fail(exitError, "run it as root", fmt.Errorf("read product key: %w", err))
	default:
		return "", fail(exitError, "", fmt.Errorf("read product key: %w", err))
	}
}
