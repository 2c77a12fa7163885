package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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
	const (
		identify   = 0x06 // NVMe Base 2.0, section 5.17
		controller = 0x01 // CNS 01h
	)
	data := make([]byte, 4096)
	done, err := NVMe(f).Admin(context.Background(), nvme.Command{Opcode: identify, CDW10: controller, Data: data, Timeout: identifyTimeout})
	switch {
	case noSuchCommand(err):
		return Identity{}, ErrNoIdentity
	case err != nil:
		return Identity{}, fmt.Errorf("identify %s: %w", f.Name(), err)
	case done.Status != 0:
		return Identity{}, fmt.Errorf("identify %s: status %03Xh", f.Name(), done.Status)
	}
	// Serial Number bytes 23:04, Model Number 63:24 (NVMe Base 2.0, figure 275).
	return Identity{Serial: trim(data[4:24]), Model: trim(data[24:64])}, nil
}

// inquiry sends one INQUIRY (SPC-5, 6.7) and returns what came back; page < 0
// asks for the standard data.
func inquiry(f *os.File, page int) ([]byte, error) {
	data := make([]byte, 252)
	cdb := []byte{0x12, 0, 0, 0, byte(len(data)), 0}
	if page >= 0 {
		cdb[1], cdb[2] = 1, byte(page)
	}
	r, err := SCSI(f).Issue(context.Background(), scsi.Command{CDB: cdb, Direction: scsi.In, Data: data, Timeout: identifyTimeout})
	switch {
	case noSuchCommand(err):
		return nil, ErrNoIdentity
	case err != nil:
		return nil, fmt.Errorf("inquiry on %s: %w", f.Name(), err)
	case r.Status != scsi.Good:
		return nil, fmt.Errorf("inquiry on %s: status %02Xh", f.Name(), byte(r.Status))
	}
	return data[:r.Transferred], nil
}

func identifySCSI(f *os.File) (Identity, error) {
	std, err := inquiry(f, -1)
	if err != nil {
		return Identity{}, err
	}
	var id Identity
	if len(std) >= 32 { // PRODUCT IDENTIFICATION, SPC-5 table 151
		id.Model = trim(std[16:32])
	}
	// A drive need not have page 80h, and then tells no serial this way.
	const unitSerial = 0x80
	if page, err := inquiry(f, unitSerial); err == nil && len(page) > 4 && page[1] == unitSerial {
		n := min(int(page[2])<<8|int(page[3]), len(page)-4)
		id.Serial = trim(page[4 : 4+n])
	}
	return id, nil
}

func trim(b []byte) string { return strings.Trim(string(b), " \x00") }
