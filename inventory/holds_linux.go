package inventory

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// Holds recognises what a drive holds and would lose, from its partition table
// and the first sectors of what is in it. It only reads. It is empty where the
// drive seems empty; what cannot be read, or not before ctx ends, is said to be
// [HeldUnreadable]. It is for the eyes of whoever is about to confirm and goes
// into no record.
func (s Source) Holds(ctx context.Context, d Drive) []Held {
	unreadable := []Held{{HeldUnreadable, 0, d.CapacityBytes}}
	name, err := newTree(s.Root).file(d.Path)
	if err != nil {
		return unreadable
	}
	// A drive that is dying may keep a read for minutes, and nothing ends it.
	found := make(chan []Held, 1)
	go func() {
		f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			found <- unreadable
			return
		}
		defer func() { _ = f.Close() }()
		found <- contents(f, d.CapacityBytes, d.LogicalBlockBytes)
	}()
	select {
	case held := <-found:
		return held
	case <-ctx.Done():
		return unreadable
	}
}
