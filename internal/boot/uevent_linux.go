package boot

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Listen gives what the kernel tells of devices from now on, until the context
// ends. An event without an action stands for some that were lost: look again
// at everything. The channel is closed at the end.
func Listen(ctx context.Context) (<-chan Event, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("listen to the kernel's device events: %w", err)
	}
	const kernelGroup, bufferBytes = 1, 4 << 20
	// The larger buffer needs root; with the smaller one events may be lost,
	// which is noticed.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferBytes)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelGroup}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen to the kernel's device events: %w", err)
	}
	// A file of the runtime's poller: closing it wakes the reader.
	f := os.NewFile(uintptr(fd), "kernel device events")
	context.AfterFunc(ctx, func() { _ = f.Close() })
	events := make(chan Event, 256)
	go func() {
		defer close(events)
		buffer := make([]byte, 64<<10)
		for {
			n, err := f.Read(buffer)
			var event Event
			switch {
			case errors.Is(err, unix.ENOBUFS):
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return
			default:
				var ok bool
				if event, ok = parseEvent(buffer[:n]); !ok {
					continue
				}
			}
			select {
			case events <- event:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}
