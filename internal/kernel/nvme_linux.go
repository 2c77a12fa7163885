package kernel

import (
	"context"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/nvme"
)

// nvmeAdminCmd is struct nvme_passthru_cmd of linux/nvme_ioctl.h.
type nvmeAdminCmd struct {
	opcode, flags       uint8
	_                   uint16
	nsid                uint32
	_, _                uint32
	metadata            uint64
	addr                uint64
	metadataLen         uint32
	dataLen             uint32
	cdw10, cdw11, cdw12 uint32
	cdw13, cdw14, cdw15 uint32
	timeoutMillisec     uint32
	result              uint32
}

const nvmeIoctlAdminCmd = 0xc0484e41

// Status codes that the kernel makes up itself for a command that did not get
// to the controller or back (NVMe Base 2.0 figure 99: Path Related, Host
// Pathing Error and Command Aborted By Host).
const (
	nvmeHostPathing = 0x370
	nvmeHostAborted = 0x371
	nvmeStatusCode  = 0x7ff
)

type nvmeIssuer struct{ f *os.File }

// NVMe sends admin commands to the controller of an opened controller node or
// namespace. It needs the capability CAP_SYS_ADMIN. Memory is copied, so that
// a command whose context has ended (see [ErrLeftBehind]) touches nothing of
// the caller's.
func NVMe(f *os.File) nvme.Issuer { return nvmeIssuer{f} }

// Admin implements nvme.Issuer. The error wraps the error number of the ioctl:
// EINTR for a command that the kernel gave up during a reset of the controller,
// ENODEV, or ENOTTY where there is no controller.
func (n nvmeIssuer) Admin(ctx context.Context, c nvme.Command) (nvme.Completion, error) {
	what := fmt.Sprintf("NVMe admin command %02Xh on %s", c.Opcode, n.f.Name())
	m := new(memory)
	data := m.copyOf(c.Data)
	cmd := &nvmeAdminCmd{
		opcode: c.Opcode, nsid: c.NSID, addr: uint64(address(data)), dataLen: uint32(len(data)),
		cdw10: c.CDW10, cdw11: c.CDW11, cdw12: c.CDW12, cdw13: c.CDW13, cdw14: c.CDW14, cdw15: c.CDW15,
		timeoutMillisec: milliseconds(c.Timeout),
	}
	done, err := detached(ctx, what, m, func() (nvme.Completion, error) {
		status, err := ioctlStatus(n.f, nvmeIoctlAdminCmd, unsafe.Pointer(cmd))
		if err != nil {
			return nvme.Completion{}, fmt.Errorf("%s: %w", what, err)
		}
		done, err := cmd.completion(status)
		if err != nil {
			return nvme.Completion{}, fmt.Errorf("%s: %w", what, err)
		}
		return done, nil
	})
	const fromController = 0x02 // bits 1:0 of the opcode, NVMe Base 2.0 figure 86
	if err == nil && c.Opcode&fromController != 0 {
		copy(c.Data, data)
	}
	return done, err
}

// completion makes an answer of the ioctl's return value, which is the
// controller's status field shifted down by the phase bit.
func (c *nvmeAdminCmd) completion(status int) (nvme.Completion, error) {
	switch {
	case status < 0 || status > 0x7fff:
		return nvme.Completion{}, fmt.Errorf("the kernel gave %d, which is no status: %w", status, unix.EPROTO)
	case status&nvmeStatusCode == nvmeHostPathing, status&nvmeStatusCode == nvmeHostAborted:
		return nvme.Completion{}, fmt.Errorf("not delivered: the kernel answered %03Xh itself: %w", status, unix.EINTR)
	}
	return nvme.Completion{Status: uint16(status), Result: c.result}, nil
}

// NSID is the number of the namespace that an opened block node is of
// (NVME_IOCTL_ID).
func NSID(f *os.File) (uint32, error) {
	const nvmeIoctlID = 0x4e40
	id, err := ioctlStatus(f, nvmeIoctlID, nil)
	if err == nil && id <= 0 {
		err = unix.EPROTO
	}
	if err != nil {
		return 0, fmt.Errorf("read the namespace number of %s: %w", f.Name(), err)
	}
	return uint32(id), nil
}
