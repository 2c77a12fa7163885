package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/scsi"
)

// Identity is what an opened drive says of itself. Fields it does not tell are
// empty.
type Identity struct {
	Serial string
	Model  string
}

// ErrNoIdentity means that the device has no command by which it could be
// asked (loop, virtio, eMMC, device-mapper, regular files).
var ErrNoIdentity = errors.New("device answers no identify command")

// identifyTimeout is how long a drive may take to say what it is.
const identifyTimeout = 10 * time.Second

// Identify asks the drive itself, through the opened descriptor and not
// through sysfs: NVMe Identify Controller, else SCSI INQUIRY pages 80h and the
// standard page, which libata answers for ATA drives.
func Identify(f *os.File) (Identity, error) {
	id, err := identifyNVMe(f)
	if !errors.Is(err, ErrNoIdentity) {
		return id, err
	}
	return identifySCSI(f)
}

func identifyNVMe(f *os.File) (Identity, error) {
	c := nvme.IdentifyController()
	c.Timeout = identifyTimeout
	_, err := nvme.Do(context.Background(), NVMe(f), c)
	if noSuchCommand(err) {
		return Identity{}, ErrNoIdentity
	}
	var controller nvme.Controller
	if err == nil {
		controller, err = nvme.ParseController(c.Data)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("identify %s: %w", f.Name(), err)
	}
	return Identity{Serial: controller.SN, Model: controller.MN}, nil
}

func identifySCSI(f *os.File) (Identity, error) {
	u := &scsi.Unit{Issuer: SCSI(f)}
	standard, err := u.Inquiry(context.Background())
	switch {
	case noSuchCommand(err):
		return Identity{}, ErrNoIdentity
	case err != nil && !errors.Is(err, scsi.ErrMalformed):
		return Identity{}, fmt.Errorf("inquiry on %s: %w", f.Name(), err)
	}
	id := Identity{Model: standard.Product}
	// A drive need not have page 80h, and then tells no serial this way.
	if page, err := u.VPD(context.Background(), 0x80); err == nil {
		id.Serial, _ = scsi.ParseVPD80(page)
	}
	return id, nil
}
