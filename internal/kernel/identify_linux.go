package kernel

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
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

// nvmeAdminCmd is struct nvme_passthru_cmd of linux/nvme_ioctl.h.
type nvmeAdminCmd struct {
	opcode, flags   uint8
	_               uint16
	nsid            uint32
	_, _            uint32
	metadata        uint64
	addr            uint64
	metadataLen     uint32
	dataLen         uint32
	cdw10           uint32
	_, _, _, _, _   uint32
	timeoutMillisec uint32
	result          uint32
}

const (
	nvmeIoctlAdminCmd = 0xc0484e41
	nvmeIdentify      = 0x06 // NVMe Base 2.0, section 5.17
	nvmeController    = 0x01 // CNS 01h
)

func identifyNVMe(f *os.File) (Identity, error) {
	data := make([]byte, 4096)
	cmd := nvmeAdminCmd{opcode: nvmeIdentify, cdw10: nvmeController, addr: uint64(uintptr(unsafe.Pointer(&data[0]))), dataLen: uint32(len(data)), timeoutMillisec: 10_000}
	var pin runtime.Pinner
	pin.Pin(&data[0])
	defer pin.Unpin()
	status, err := ioctlStatus(f, nvmeIoctlAdminCmd, unsafe.Pointer(&cmd))
	switch {
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return Identity{}, ErrNoIdentity
	case err != nil:
		return Identity{}, fmt.Errorf("identify %s: %w", f.Name(), err)
	case status != 0:
		// A positive value is the drive's own status field, a refusal.
		return Identity{}, fmt.Errorf("identify %s: status %03Xh", f.Name(), status)
	}
	// Serial Number bytes 23:04, Model Number 63:24 (NVMe Base 2.0, figure 275).
	return Identity{Serial: trim(data[4:24]), Model: trim(data[24:64])}, nil
}

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
	sgIO          = 0x2285
	sgDxferFrom   = -3
	scsiInquiry   = 0x12 // SPC-5, section 6.7
	vpdUnitSerial = 0x80
)

// inquiry sends one INQUIRY and returns what came back; page < 0 asks for the
// standard data.
func inquiry(f *os.File, page int) ([]byte, error) {
	data, sense := make([]byte, 252), make([]byte, 64)
	cdb := []byte{scsiInquiry, 0, 0, 0, byte(len(data)), 0}
	if page >= 0 {
		cdb[1], cdb[2] = 1, byte(page)
	}
	h := sgIoHdr{
		interfaceID: 'S', dxferDirection: sgDxferFrom, cmdLen: uint8(len(cdb)), mxSbLen: uint8(len(sense)),
		dxferLen: uint32(len(data)), dxferp: uintptr(unsafe.Pointer(&data[0])), cmdp: uintptr(unsafe.Pointer(&cdb[0])),
		sbp: uintptr(unsafe.Pointer(&sense[0])), timeout: 10_000,
	}
	var pin runtime.Pinner
	pin.Pin(&data[0])
	pin.Pin(&cdb[0])
	pin.Pin(&sense[0])
	defer pin.Unpin()
	err := ioctl(f, sgIO, unsafe.Pointer(&h))
	switch {
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return nil, ErrNoIdentity
	case err != nil:
		return nil, fmt.Errorf("inquiry on %s: %w", f.Name(), err)
	case h.status != 0 || h.hostStatus != 0 || h.driverStatus&0x07 != 0:
		return nil, fmt.Errorf("inquiry on %s: status %02Xh, host %02Xh, driver %02Xh", f.Name(), h.status, h.hostStatus, h.driverStatus)
	}
	got := len(data) - int(h.resid)
	if got < 0 || got > len(data) {
		got = 0
	}
	return data[:got], nil
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
	if page, err := inquiry(f, vpdUnitSerial); err == nil && len(page) > 4 && page[1] == vpdUnitSerial {
		n := min(int(page[2])<<8|int(page[3]), len(page)-4)
		id.Serial = trim(page[4 : 4+n])
	}
	return id, nil
}

func trim(b []byte) string { return strings.Trim(string(b), " \x00") }
