package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// Wires are the ways by which commands reach a drive; nil where there is none.
type Wires struct {
	SCSI scsi.Issuer // also for ATA, inside SCSI
	NVMe nvme.Issuer
	NSID uint32 // the target's namespace on the NVMe wire
	// NSIDOf gives the namespace behind another node of the NVMe drive, 0 when
	// that is not known; nil where there is no other. Names tell nothing of it.
	NSIDOf func(path string) uint32
	MMC    mmc.Issuer
	// MMCAreas are the wires to the boot and general purpose areas of an eMMC,
	// by node. Linux turns every command on the card's own node to the user
	// area, so that only their nodes reach them.
	MMCAreas map[string]mmc.Issuer
	// CSD is the card-specific data register of an eMMC or SD card as the
	// kernel shows it, 32 hexadecimal digits; empty when it does not.
	CSD string
}

// Host is what stands around a drive: the kernel, or a simulator.
type Host interface {
	// Wires may give others after Refind.
	Wires() Wires
	// Rescan makes the host read capacity and partitions of the drive again.
	Rescan(ctx context.Context) error
	// Refind finds the drive again by serial and WWN after it went away or
	// was given another name, and opens it anew. It returns an error that
	// wraps erase.ErrGone while the drive is not there.
	Refind(ctx context.Context) error
	// Now and Wait are the clock: the real one, or a simulator's.
	Now() time.Time
	Wait(ctx context.Context, d time.Duration) error
}

// Secrets are what a drive may be unlocked with.
type Secrets struct {
	// Password is the user's or administrator's, ATA or TCG; empty for none.
	Password []byte
	// PSID is the Physical Security ID printed on a TCG drive's label; empty
	// for none.
	PSID []byte
}

// OwnPassword is erase.OwnPassword.
const OwnPassword = erase.OwnPassword

// adapter makes the firmware side of a drive, or returns nil when what answers
// has no erase commands at all.
type adapter func(ctx context.Context, d inventory.Drive, h Host, s Secrets) (erase.Firmware, error)

// buses says which adapter speaks on which bus. A bus without a row has blocks
// and nothing else.
func buses() map[inventory.Bus]adapter {
	return map[inventory.Bus]adapter{
		inventory.BusATA:    newATA,
		inventory.BusSCSI:   newSCSI, // which hands ATA drives behind an adapter to newATA
		inventory.BusSAS:    newSCSI,
		inventory.BusUSB:    newSCSI,
		inventory.BusFabric: newFabric,
		inventory.BusNVMe:   newNVMe,
		inventory.BusMMC:    newMMC,
	}
}

// NewFirmware gives the firmware side of a drive, nil when it has none.
func NewFirmware(ctx context.Context, d inventory.Drive, h Host, s Secrets) (erase.Firmware, error) {
	make, ok := buses()[d.Bus]
	if !ok {
		return nil, nil
	}
	f, err := make(ctx, d, h, s)
	if f == nil || err != nil {
		return nil, err
	}
	return &patient{Firmware: f, limit: statusLimit}, nil
}

// Attach is [NewFirmware] for a drive that is about to be erased. One that
// answers for another drive is refused; one whose answers make no sense can
// still be overwritten, and refuses every command with the reason.
func Attach(ctx context.Context, d inventory.Drive, h Host, s Secrets) (erase.Firmware, error) {
	f, err := NewFirmware(ctx, d, h, s)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, erase.ErrIdentityChanged):
		return nil, &erase.RefusedError{Path: d.Path, Reason: erase.ErrIdentityChanged, Detail: err.Error(), Hint: "look at the drives again (ombruk drives) and start over"}
	case errors.Is(err, erase.ErrGone), ctx.Err() != nil:
		return nil, fmt.Errorf("ask %s: %w", d.Path, err)
	}
	return senseless{err}, nil
}

// senseless is the firmware of a drive whose answers make no sense.
type senseless struct{ err error }

func (f senseless) refuse() ([]erase.Command, error) {
	return nil, fmt.Errorf("%w: %w", erase.ErrUnsupported, f.err)
}

// Abilities implements erase.Firmware.
func (f senseless) Abilities(context.Context) (inventory.Abilities, error) {
	return inventory.Abilities{}, f.err
}

// Reveal implements erase.Firmware.
func (f senseless) Reveal(context.Context) ([]erase.Command, error) { return f.refuse() }

// Unlock implements erase.Firmware.
func (f senseless) Unlock(context.Context) ([]erase.Command, error) { return f.refuse() }

// Start implements erase.Firmware.
func (f senseless) Start(context.Context, inventory.EraseCommand, erase.StartOptions) ([]erase.Command, error) {
	return f.refuse()
}

// Status implements erase.Firmware.
func (f senseless) Status(context.Context) (erase.Status, error) { return erase.Status{}, f.err }

// Leave implements erase.Firmware.
func (f senseless) Leave(context.Context) ([]erase.Command, error) { return nil, nil }

// newFabric is for drives that are reached over a network: NVMe over fabrics,
// or SCSI.
func newFabric(ctx context.Context, d inventory.Drive, h Host, s Secrets) (erase.Firmware, error) {
	if h.Wires().NVMe != nil {
		return newNVMe(ctx, d, h, s)
	}
	return newSCSI(ctx, d, h, s)
}
