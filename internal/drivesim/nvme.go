package drivesim

import (
	"context"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

// NVMeProfile is what an NVMe drive answers.
type NVMeProfile struct{}

type nvmeFront struct{ *core }

func newNVMeFront(c *core) (frontEnd, error) { return &nvmeFront{c}, nil }

func (f *nvmeFront) wires(a *area, gen int) drive.Wires {
	return drive.Wires{NVMe: nvmeWire{f, gen}, NSID: a.number}
}
func (f *nvmeFront) access(*area, bool) error      { return nil }
func (f *nvmeFront) powerOn()                      {}
func (f *nvmeFront) reset()                        {}
func (f *nvmeFront) facts(*area, *inventory.Drive) {}

type nvmeWire struct {
	*nvmeFront
	gen int
}

// Admin implements nvme.Issuer.
func (w nvmeWire) Admin(ctx context.Context, cmd nvme.Command) (nvme.Completion, error) {
	if err := w.enter(ctx, w.gen); err != nil {
		return nvme.Completion{}, err
	}
	defer w.leave()
	return nvme.Completion{Status: 1}, nil
}
