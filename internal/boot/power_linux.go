package boot

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/stick"
)

// lastWrites is how long what is still to be written may take when the machine
// goes down; a stick that was pulled out half-way never ends.
const lastWrites = 20 * time.Second

// within runs something that may hang and reports whether it ended.
func within(d time.Duration, do func()) bool {
	done := make(chan struct{})
	go func() {
		do()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// goDown syncs, unmounts, and powers the machine off or starts it anew.
func goDown(log *bootLog, restart bool) {
	log.printf("going down, restart %v", restart)
	within(lastWrites, func() {
		_ = log.flush()
		unix.Sync()
		// Lazily: what somebody still has open must not keep the medium
		// marked as in use.
		for _, target := range []string{stick.SecondMount, stick.DataMount} {
			if mounted(target) {
				_ = unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
				_ = unix.Unmount(target, unix.MNT_DETACH)
			}
		}
		unix.Sync()
	})
	command := unix.LINUX_REBOOT_CMD_POWER_OFF
	if restart {
		command = unix.LINUX_REBOOT_CMD_RESTART
	}
	_ = unix.Reboot(command)
	// A machine that cannot power itself off halts.
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_HALT)
	select {}
}
