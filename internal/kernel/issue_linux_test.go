package kernel

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/scsi"
)

// The kernel reads these structures by offset; a wrong size would be refused,
// or worse, read as something else. The figures are those of a C compiler on
// scsi/sg.h, linux/nvme_ioctl.h and linux/mmc/ioctl.h.
func TestStructuresAreTheKernels(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want uintptr
	}{
		{"size of nvme_passthru_cmd", unsafe.Sizeof(nvmeAdminCmd{}), 72},
		{"nvme addr", unsafe.Offsetof(nvmeAdminCmd{}.addr), 24},
		{"nvme data_len", unsafe.Offsetof(nvmeAdminCmd{}.dataLen), 36},
		{"nvme cdw10", unsafe.Offsetof(nvmeAdminCmd{}.cdw10), 40},
		{"nvme cdw15", unsafe.Offsetof(nvmeAdminCmd{}.cdw15), 60},
		{"nvme timeout_ms", unsafe.Offsetof(nvmeAdminCmd{}.timeoutMillisec), 64},
		{"nvme result", unsafe.Offsetof(nvmeAdminCmd{}.result), 68},
		{"size of sg_io_hdr", unsafe.Sizeof(sgIoHdr{}), 88},
		{"sg sbp", unsafe.Offsetof(sgIoHdr{}.sbp), 32},
		{"sg timeout", unsafe.Offsetof(sgIoHdr{}.timeout), 40},
		{"sg status", unsafe.Offsetof(sgIoHdr{}.status), 64},
		{"sg host_status", unsafe.Offsetof(sgIoHdr{}.hostStatus), 68},
		{"sg resid", unsafe.Offsetof(sgIoHdr{}.resid), 72},
		{"size of mmc_ioc_cmd", unsafe.Sizeof(mmcIocCmd{}), 72},
		{"mmc response", unsafe.Offsetof(mmcIocCmd{}.response), 16},
		{"mmc cmd_timeout_ms", unsafe.Offsetof(mmcIocCmd{}.cmdTimeoutMs), 56},
		{"mmc data_ptr", unsafe.Offsetof(mmcIocCmd{}.dataPtr), 64},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d in the kernel, ours %d", c.what, c.want, c.got)
		}
	}
}

// What the drive said and what never reached it must not be mixed up: the one
// may be an erase that was accepted, the other never is.
func TestAnswerOrNotDelivered(t *testing.T) {
	sense := bytes.Repeat([]byte{0x72}, senseBytes)
	for _, c := range []struct {
		name string
		h    sgIoHdr
		want scsi.Response
		err  string
		is   error
	}{
		{"good, all moved", sgIoHdr{dxferLen: 512}, scsi.Response{Transferred: 512}, "", nil},
		{"good, part moved", sgIoHdr{dxferLen: 512, resid: 500}, scsi.Response{Transferred: 12}, "", nil},
		{"more left than asked for", sgIoHdr{dxferLen: 512, resid: 9999}, scsi.Response{}, "", nil},
		{"more moved than asked for", sgIoHdr{dxferLen: 512, resid: -8}, scsi.Response{Transferred: 512}, "", nil},
		{
			"a refusal with sense", sgIoHdr{status: 2, driverStatus: 0x08, sbLenWr: 3},
			scsi.Response{Status: scsi.CheckCondition, Sense: sense[:3]}, "", nil,
		},
		{
			"a refusal by a kernel that sets no driver status", sgIoHdr{status: 2, sbLenWr: 3},
			scsi.Response{Status: scsi.CheckCondition, Sense: sense[:3]}, "", nil,
		},
		{
			"a refusal that an old kernel also calls a target failure", sgIoHdr{status: 2, hostStatus: 0x10, driverStatus: 0x28, sbLenWr: 3},
			scsi.Response{Status: scsi.CheckCondition, Sense: sense[:3]}, "", nil,
		},
		{"a reservation", sgIoHdr{status: 0x18, hostStatus: 0x11}, scsi.Response{Status: scsi.ReservationConflict}, "", nil},
		{"busy", sgIoHdr{status: 8}, scsi.Response{Status: scsi.Busy}, "", nil},
		{"pulled", sgIoHdr{hostStatus: 1}, scsi.Response{}, "host 01h (no connection), driver 00h (ok)", unix.ENODEV},
		{"timed out", sgIoHdr{hostStatus: 3, driverStatus: 6}, scsi.Response{}, "host 03h (timeout), driver 06h (timeout)", unix.ETIMEDOUT},
		{"reset with an old status", sgIoHdr{status: 2, hostStatus: 8, driverStatus: 8, sbLenWr: 3}, scsi.Response{}, "host 08h (reset)", unix.EIO},
		{"a target failure that the drive did not state", sgIoHdr{hostStatus: 0x10}, scsi.Response{}, "host 10h (target failure)", unix.EIO},
		{"a hard error of the driver", sgIoHdr{driverStatus: 7}, scsi.Response{}, "driver 07h (hard error)", unix.EIO},
		{"a code nobody knows", sgIoHdr{hostStatus: 0x99}, scsi.Response{}, "host 99h", unix.EIO},
		{"more sense than there is room", sgIoHdr{status: 2, sbLenWr: 255}, scsi.Response{Status: scsi.CheckCondition, Sense: sense}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.h.response(sense)
			if got.Status != c.want.Status || !bytes.Equal(got.Sense, c.want.Sense) || got.Transferred != c.want.Transferred {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if c.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) || !errors.Is(err, c.is) {
				t.Errorf("got error %v, want %q and %v", err, c.err, c.is)
			}
		})
	}
}

func TestNVMeStatusIsKept(t *testing.T) {
	for _, c := range []struct {
		status  int
		want    uint16
		refused bool
		is      error
	}{
		{0, 0, false, nil},
		{0x4002, 0x4002, false, nil},    // invalid field, do not retry
		{0x001d, 0x001d, false, nil},    // sanitize in progress
		{0x0371, 0, true, unix.EINTR},   // the kernel's own word
		{0x4370, 0, true, unix.EINTR},   // the same with DNR
		{-5, 0, true, unix.EPROTO},      // no status
		{1 << 20, 0, true, unix.EPROTO}, // nor this
	} {
		cmd := nvmeAdminCmd{result: 7}
		got, err := cmd.completion(c.status)
		if got.Status != c.want || c.refused != (err != nil) || !errors.Is(err, c.is) {
			t.Errorf("%X: got %+v, %v", c.status, got, err)
		}
		if err == nil && got.Result != 7 {
			t.Errorf("%X: dword 0 was dropped", c.status)
		}
	}
}

func TestTimeoutsReachTheKernelAsMeant(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want uint32
	}{
		{0, 30_000}, {-time.Second, 30_000}, {time.Nanosecond, 1}, {time.Second, 1000}, {1500 * time.Microsecond, 2},
		{7 * 24 * time.Hour, 604_800_000}, {365 * 24 * time.Hour, math.MaxInt32}, {math.MaxInt64, math.MaxInt32},
	} {
		if got := milliseconds(c.d); got != c.want {
			t.Errorf("%v: got %d ms, want %d", c.d, got, c.want)
		}
	}
}

// A command that hangs in the kernel must not take the operator's Ctrl-C with
// it, and its memory must stay until the kernel is done.
func TestHungCommandIsLeftBehind(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	hang, left := make(chan struct{}), make(chan struct{})
	m := new(memory)
	b := m.buffer(512)
	if address(b)%pageBytes != 0 {
		t.Errorf("buffer at %X is not page-aligned", address(b))
	}
	started := make(chan struct{})
	go func() { <-started; cancel() }()
	_, err := detached(ctx, "test", m, func() (int, error) {
		close(started)
		<-hang
		b[511] = 1 // the drive answers after all
		close(left)
		return 1, nil
	})
	if !errors.Is(err, ErrLeftBehind) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(hang)
	<-left
	if _, err := detached(ctx, "test", new(memory), func() (int, error) { t.Error("sent"); return 0, nil }); !errors.Is(err, context.Canceled) || errors.Is(err, ErrLeftBehind) {
		t.Errorf("with an ended context: got %v", err)
	}
}

func TestFilesAndNonsenseAreRefused(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	ctx := context.Background()
	if _, err := SCSI(f).Issue(ctx, scsi.Command{CDB: make([]byte, 6)}); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("SCSI: %v", err)
	}
	if _, err := NVMe(f).Admin(ctx, nvme.Command{Opcode: 6, Data: make([]byte, 4096)}); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("NVMe: %v", err)
	}
	if r, err := MMC(f).Sequence(ctx, mmc.Command{Opcode: 8, Data: make([]byte, 512), BlockBytes: 512}); !errors.Is(err, unix.ENOTTY) || len(r) != 1 {
		t.Errorf("MMC: %v, %v", r, err)
	}
	for name, c := range map[string]scsi.Command{
		"no command":             {},
		"too long":               {CDB: make([]byte, 33)},
		"data without direction": {CDB: make([]byte, 6), Data: make([]byte, 1)},
		"direction without data": {CDB: make([]byte, 6), Direction: scsi.In},
	} {
		if _, err := SCSI(f).Issue(ctx, c); err == nil || errors.Is(err, unix.ENOTTY) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, c := range map[string][]mmc.Command{
		"none":       {},
		"too many":   make([]mmc.Command, 256),
		"half block": {{Data: make([]byte, 100), BlockBytes: 512}},
		"no block":   {{Data: make([]byte, 100)}},
		"too large":  {{Data: make([]byte, 1<<20), BlockBytes: 512}},
	} {
		if _, err := MMC(f).Sequence(ctx, c...); err == nil || errors.Is(err, unix.ENOTTY) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
