//go:build !linux

package main

import (
	"context"
	"errors"

	"github.com/ombruk/ombruk/inventory"
)

// onLinux is why this machine is not read here.
func onLinux() error {
	return fail(exitError, "start the machine from a boot stick ('ombruk image build'), or read a dump of it with --from FILE",
		errors.New("a machine can be read on Linux only"))
}

func (a *app) thisMachine(context.Context) (inventory.Machine, error) {
	return inventory.Machine{}, onLinux()
}

func (a *app) captureMachine(context.Context, string) error { return onLinux() }

func productKey() (string, error) { return "", onLinux() }
