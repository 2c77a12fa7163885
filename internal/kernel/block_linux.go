package kernel

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The block device ioctls of linux/fs.h that x/sys has no typed call for.
const (
	blkGetSize64 = 0x80081272
	blkFlushBuf  = 0x1261
	blkRereadPt  = 0x125f
)

// SizeBytes is the size of an opened block device or regular file.
func SizeBytes(f *os.File) (int64, error) {
	var st unix.Stat_t
	if err := control(f, func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return 0, fmt.Errorf("stat %s: %w", f.Name(), err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return st.Size, nil
	}
	var size uint64
	if err := ioctl(f, blkGetSize64, unsafe.Pointer(&size)); err != nil {
		return 0, fmt.Errorf("read the size of %s: %w", f.Name(), err)
	}
	return int64(size), nil
}

// FlushBuffers drops what the page cache holds of an opened block device
// (BLKFLSBUF).
func FlushBuffers(f *os.File) error {
	if err := ioctl(f, blkFlushBuf, nil); err != nil {
		return fmt.Errorf("drop cached blocks of %s: %w", f.Name(), err)
	}
	return nil
}

// RereadPartitions makes the kernel forget partitions that are no longer there
// (BLKRRPART). A device that cannot have partitions answers EINVAL.
func RereadPartitions(f *os.File) error {
	if err := ioctl(f, blkRereadPt, nil); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("read the partition table of %s again: %w", f.Name(), err)
	}
	return nil
}

// DropCache asks the kernel to forget the cached pages of a file (all of it).
// Dirty pages stay, so the file must have been synced.
func DropCache(f *os.File) error {
	if err := control(f, func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) }); err != nil {
		return fmt.Errorf("drop cached pages of %s: %w", f.Name(), err)
	}
	return nil
}

// Lock takes the advisory lock that keeps udev from probing a device while it
// is rewritten, and a second run from the same image. It is held until the
// file is closed; unix.EWOULDBLOCK means that somebody else has it.
func Lock(f *os.File) error {
	return control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
}

// WriteVectors writes the buffers one after another at an offset (pwritev) and
// returns how many bytes went out. Several calls on one file may run at once.
func WriteVectors(f *os.File, buffers [][]byte, off int64) (n int, err error) {
	err = control(f, func(fd int) (err error) {
		for {
			n, err = unix.Pwritev(fd, buffers, off)
			if err != unix.EINTR {
				return err
			}
		}
	})
	return n, err
}

// Synchronized reports whether the kernel's clock is kept by a time service
// (adjtimex, STA_UNSYNC not set).
func Synchronized() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	const staUnsync, timeError = 0x40, 5
	return err == nil && state != timeError && t.Status&staUnsync == 0
}

// control runs fn with the descriptor, which cannot be closed meanwhile.
func control(f *os.File, fn func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// ioctl is one request on an opened file; arg is a pointer or nil. A positive
// return value (the drive's own status, on NVMe) is given as errno zero and
// must be asked for with ioctlStatus.
func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	_, err := ioctlStatus(f, request, arg)
	return err
}

// ioctlStatus is ioctl with its return value kept.
func ioctlStatus(f *os.File, request uintptr, arg unsafe.Pointer) (status int, err error) {
	err = control(f, func(fd int) error {
		r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		status = int(r)
		if errno != 0 {
			return errno
		}
		return nil
	})
	return status, err
}
