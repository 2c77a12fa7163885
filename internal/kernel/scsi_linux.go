package kernel

import (
	"context"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/scsi"
)

// sgIoHdr is struct sg_io_hdr of scsi/sg.h.
type sgIoHdr struct {
	interfaceID    int32
	dxferDirection int32
	cmdLen         uint8
	mxSbLen        uint8
	iovecCount     uint16
	dxferLen       uint32
	dxferp         uintptr
	cmdp           uintptr
	sbp            uintptr
	timeout        uint32
	flags          uint32
	packID         int32
	usrPtr         uintptr
	status         uint8
	maskedStatus   uint8
	msgStatus      uint8
	sbLenWr        uint8
	hostStatus     uint16
	driverStatus   uint16
	resid          int32
	duration       uint32
	info           uint32
}

const (
	sgIO        = 0x2285
	sgDxferNone = -1
	sgDxferTo   = -2
	sgDxferFrom = -3
	// senseBytes is the longest sense data there is (SPC-5, 4.4.1).
	senseBytes = 252
)

// The host status codes of scsi/scsi_status.h that only say in other words what
// the drive's own status says.
const (
	didNoConnect      = 0x01
	didTimeOut        = 0x03
	didBadTarget      = 0x04
	didTargetFailure  = 0x10
	didNexusFailure   = 0x11
	didMediumError    = 0x13
	driverSense       = 0x08
	driverStatusField = 0x0f // above it older kernels put a suggestion
)

// DeliveryError says that a SCSI command did not get to the drive, or its
// answer not back.
type DeliveryError struct {
	Host   uint16 // DID_ code of the host adapter's driver
	Driver uint16 // DRIVER_ code of the kernel
}

// Error names both codes.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("not delivered: host %s, driver %s", named(hostStatuses(), e.Host), named(driverStatuses(), e.Driver))
}

// Unwrap gives the error number that says the same, so that a drive that is
// gone looks the same whatever was asked of it.
func (e *DeliveryError) Unwrap() error {
	switch {
	case e.Host == didNoConnect, e.Host == didBadTarget:
		return unix.ENODEV
	case e.Host == didTimeOut, e.Driver&driverStatusField == 0x06:
		return unix.ETIMEDOUT
	}
	return unix.EIO
}

func named(names []string, code uint16) string {
	if int(code) < len(names) {
		return fmt.Sprintf("%02Xh (%s)", code, names[code])
	}
	return fmt.Sprintf("%02Xh", code)
}

func hostStatuses() []string {
	return []string{
		"ok", "no connection", "bus busy", "timeout", "bad target", "aborted", "parity error", "error", "reset",
		"unexpected interrupt", "passed through", "soft error", "retry", "requeue", "transport disrupted", "transport failed fast",
		"target failure", "reservation", "allocation failure", "medium error", "transport marginal",
	}
}

func driverStatuses() []string {
	return []string{"ok", "busy", "soft error", "medium error", "error", "invalid", "timeout", "hard error", "sense"}
}

type scsiIssuer struct{ f *os.File }

// SCSI sends commands to an opened SCSI or ATA drive with SG_IO. It needs the
// capability CAP_SYS_RAWIO. Memory is copied, so that a command whose context
// has ended (see [ErrLeftBehind]) touches nothing of the caller's.
func SCSI(f *os.File) scsi.Issuer { return scsiIssuer{f} }

// Issue implements scsi.Issuer. The error wraps a [*DeliveryError] or the error
// number of the ioctl.
func (s scsiIssuer) Issue(ctx context.Context, c scsi.Command) (scsi.Response, error) {
	if len(c.CDB) == 0 || len(c.CDB) > 32 {
		return scsi.Response{}, fmt.Errorf("SCSI command on %s: %d bytes are no command", s.f.Name(), len(c.CDB))
	}
	what := fmt.Sprintf("SCSI command %02Xh on %s", c.CDB[0], s.f.Name())
	if (c.Direction == scsi.None) != (len(c.Data) == 0) {
		return scsi.Response{}, fmt.Errorf("%s: %d bytes of data do not go with its direction", what, len(c.Data))
	}
	// What the kernel sees is made before the call, which may outlive c.
	m := new(memory)
	cdb, sense, data := m.copyOf(c.CDB), m.buffer(senseBytes), m.copyOf(c.Data)
	h := &sgIoHdr{
		interfaceID: 'S', dxferDirection: sgDirection(c.Direction), cmdLen: uint8(len(cdb)), mxSbLen: senseBytes,
		dxferLen: uint32(len(data)), dxferp: address(data), cmdp: address(cdb), sbp: address(sense),
		timeout: milliseconds(c.Timeout),
	}
	r, err := detached(ctx, what, m, func() (scsi.Response, error) {
		if err := ioctl(s.f, sgIO, unsafe.Pointer(h)); err != nil {
			return scsi.Response{}, fmt.Errorf("%s: %w", what, err)
		}
		r, err := h.response(sense)
		if err != nil {
			return scsi.Response{}, fmt.Errorf("%s: %w", what, err)
		}
		return r, nil
	})
	if err == nil && c.Direction == scsi.In {
		copy(c.Data, data)
	}
	return r, err
}

func sgDirection(d scsi.Direction) int32 {
	switch d {
	case scsi.In:
		return sgDxferFrom
	case scsi.Out:
		return sgDxferTo
	}
	return sgDxferNone
}

// response tells what the drive answered from what never got to it or back.
func (h *sgIoHdr) response(sense []byte) (scsi.Response, error) {
	said := h.driverStatus & driverStatusField
	answered := said == 0 || said == driverSense
	switch h.hostStatus {
	case 0:
	case didTargetFailure, didNexusFailure, didMediumError:
		answered = answered && h.status != 0
	default:
		answered = false
	}
	if !answered {
		return scsi.Response{}, &DeliveryError{Host: h.hostStatus, Driver: h.driverStatus}
	}
	r := scsi.Response{Status: scsi.Status(h.status), Sense: sense[:min(int(h.sbLenWr), len(sense))]}
	if h.dxferLen > 0 {
		// Drivers have been seen to report nonsense here.
		r.Transferred = min(max(int(h.dxferLen)-int(h.resid), 0), int(h.dxferLen))
	}
	return r, nil
}
