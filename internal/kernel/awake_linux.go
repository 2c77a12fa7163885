package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Why the machine's lock is not to be had.
var (
	// ErrBusy means that the machine must stay awake for a run.
	ErrBusy = errors.New("another ombruk run is at work")
	// ErrSleeping means that the machine is being put to sleep.
	ErrSleeping = errors.New("another ombruk run is about to suspend the machine")
)

// Awake keeps every [Suspend] on this machine from putting it to sleep until
// release is called, or this program ends. Every run that works on drives holds
// it, as many at once as there are. The error wraps [ErrSleeping] while a
// Suspend is under way; whoever wants to suspend must not hold it.
func Awake() (release func(), err error) { return awake("/") }

func awake(root string) (func(), error) {
	f, err := hold(root, unix.LOCK_SH)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrSleeping
	}
	if err != nil {
		return nil, fmt.Errorf("keep the machine awake: %w", err)
	}
	return sync.OnceFunc(func() { _ = f.Close() }), nil
}

// hold takes the lock of the machine, which lasts until the file is closed. The
// error is unix.EWOULDBLOCK when others hold it in a way that excludes ours.
func hold(root string, how int) (*os.File, error) {
	dir := filepath.Join(root, "run/lock")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = os.TempDir()
	}
	name := filepath.Join(dir, "ombruk.lock")
	// Where everybody may write, the kernel keeps root from opening what
	// somebody else made as if to make it (fs.protected_regular).
	const flags = os.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	f, err := os.OpenFile(name, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.OpenFile(name, flags|os.O_CREATE, 0o644)
	}
	if err != nil {
		return nil, err
	}
	if err := control(f, func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) }); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
