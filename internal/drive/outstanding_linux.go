package drive

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/scsi"
)

// outstanding counts commands that a drive has not answered. One that was left
// behind in the kernel is never known to be over.
type outstanding struct{ count atomic.Int64 }

func (o *outstanding) none() bool { return o.count.Load() == 0 }

// begin counts a command, and the function that it gives ends that.
func (o *outstanding) begin() func(error) {
	o.count.Add(1)
	return func(err error) {
		if !errors.Is(err, kernel.ErrLeftBehind) {
			o.count.Add(-1)
		}
	}
}

// over gives wires whose commands are counted.
func (o *outstanding) over(w Wires) Wires {
	if w.SCSI != nil {
		w.SCSI = countedSCSI{w.SCSI, o}
	}
	if w.NVMe != nil {
		w.NVMe = countedNVMe{w.NVMe, o}
	}
	if w.MMC != nil {
		w.MMC = countedMMC{w.MMC, o}
	}
	for path, area := range w.MMCAreas {
		w.MMCAreas[path] = countedMMC{area, o}
	}
	return w
}

type countedSCSI struct {
	to scsi.Issuer
	*outstanding
}

// Issue implements scsi.Issuer.
func (i countedSCSI) Issue(ctx context.Context, c scsi.Command) (scsi.Response, error) {
	end := i.begin()
	r, err := i.to.Issue(ctx, c)
	end(err)
	return r, err
}

type countedNVMe struct {
	to nvme.Issuer
	*outstanding
}

// Admin implements nvme.Issuer.
func (i countedNVMe) Admin(ctx context.Context, c nvme.Command) (nvme.Completion, error) {
	end := i.begin()
	done, err := i.to.Admin(ctx, c)
	end(err)
	return done, err
}

type countedMMC struct {
	to mmc.Issuer
	*outstanding
}

// Sequence implements mmc.Issuer.
func (i countedMMC) Sequence(ctx context.Context, commands ...mmc.Command) ([]mmc.Response, error) {
	end := i.begin()
	r, err := i.to.Sequence(ctx, commands...)
	end(err)
	return r, err
}
