package kernel

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The ioctls of optical drives (linux/cdrom.h). The argument of both that ask
// is the slot of a changer; CDSL_CURRENT is the one that is in.
const (
	cdromEject       = 0x5309
	cdromDriveStatus = 0x5326
	cdromLockDoor    = 0x5329
	cdslCurrent      = 1<<31 - 1
)

// Tray is what an optical drive says of its tray (CDROM_DRIVE_STATUS).
type Tray int

// The answers. TrayUnknown is that of a drive that cannot tell.
const (
	TrayUnknown  Tray = 0
	TrayEmpty    Tray = 1
	TrayOpen     Tray = 2
	TrayNotReady Tray = 3 // it has not found out yet
	TrayDisc     Tray = 4
)

// TrayOf asks an optical drive whether a disc is in it.
func TrayOf(path string) (Tray, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return TrayUnknown, fmt.Errorf("ask for the tray: %w", err)
	}
	defer f.Close()
	status := TrayUnknown
	err = control(f, func(fd int) error {
		r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), cdromDriveStatus, cdslCurrent)
		if errno != 0 {
			return errno
		}
		status = Tray(r)
		return nil
	})
	if err != nil {
		return TrayUnknown, fmt.Errorf("ask for the tray of %s: %w", path, err)
	}
	return status, nil
}

// OpenTray opens the tray of an optical drive, or pushes the disc out. A drive
// that is in use refuses.
func OpenTray(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open the tray: %w", err)
	}
	defer f.Close()
	err = control(f, func(fd int) error {
		// A drive without a lock has nothing to unlock.
		_ = unix.IoctlSetInt(fd, cdromLockDoor, 0)
		return unix.IoctlSetInt(fd, cdromEject, 0)
	})
	if err != nil {
		return fmt.Errorf("open the tray of %s: %w", path, err)
	}
	return nil
}
