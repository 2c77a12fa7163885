package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/stick"
)

// Why there is nowhere to keep records. They are wrapped with the medium.
var (
	// ErrLooking: the drivers are still finding out what there is.
	ErrLooking = errors.New("still looking for the stick")
	// ErrNoStick: no medium with a data partition, or not the one that this
	// machine was started from.
	ErrNoStick = errors.New("no stick with a data partition")
	// ErrSeveral: a person must choose among [State.Candidates].
	ErrSeveral = errors.New("several sticks that may be the one to keep records on")
	// ErrRemoved: the stick was pulled out.
	ErrRemoved = errors.New("the stick was removed")
	// ErrSwapped: the stick was pulled out and another one is there.
	ErrSwapped = errors.New("another stick is there in its place")
	// ErrReadOnly: it can be read only.
	ErrReadOnly = errors.New("the stick cannot be written to")
	// ErrNotMounted: its file system cannot be used. Nothing is ever formatted.
	ErrNotMounted = errors.New("the stick's data partition cannot be used")
)

// Data is a mounted data partition.
type Data struct {
	Path     string // where it is mounted
	Medium   Medium
	MediumID string
	ReadOnly bool
	// Unclean is true when it was not unmounted the last time: what was being
	// written then may be cut short.
	Unclean bool
}

// FreeBytes is what fits on it still.
func (d Data) FreeBytes() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(d.Path, &st); err != nil {
		return 0, fmt.Errorf("read the free space of %s: %w", d.Path, err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// Writable is nil when records can be written to it now. A file system that was
// found damaged while it was in use has become read-only.
func (d Data) Writable() error {
	var st unix.Statfs_t
	if err := unix.Statfs(d.Path, &st); err != nil {
		return fmt.Errorf("%w: %w", ErrNotMounted, err)
	}
	switch {
	case d.ReadOnly:
		return fmt.Errorf("%w: %s is write-protected: move its switch and plug it in again; one that is worn out needs replacing", ErrReadOnly, d.Medium)
	case st.Flags&unix.ST_RDONLY != 0:
		return fmt.Errorf("%w: the file system on %s is damaged: hand in what is on it, and write the image to it again", ErrReadOnly, d.Medium)
	}
	return nil
}

// State is where records can go at one moment.
type State struct {
	// Data is nil when there is nowhere; Trouble then says why.
	Data *Data
	// Second is another stick for copies, nil when there is none.
	Second  *Data
	Trouble error
	// Candidates are the sticks to choose from.
	Candidates []Medium
}

// Storage finds, mounts and watches the data partitions.
type Storage struct {
	root    string
	started string
	log     func(format string, args ...any)
	mount   func(node, target string, readOnly bool) error
	unmount func(target string) error

	looking sync.Mutex // one look at a time; a stick that hangs holds it up
	mu      sync.Mutex // of what follows, held for moments
	picked  string
	// settled is true when what is not there will not come by itself.
	settled bool
	state   State
	again   chan struct{}
}

// NewStorage prepares one. started is the GUID of the medium that the machine
// was started from, empty when that is not known (a network boot).
func NewStorage(started string, log func(format string, args ...any)) *Storage {
	return &Storage{
		root: "/", started: strings.ToLower(started), log: log, mount: mountData, unmount: detach,
		state: State{Trouble: ErrLooking}, again: make(chan struct{}, 1),
	}
}

// State is how it is now.
func (s *Storage) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Choose takes a person's word for which medium (see [Medium.ID]) is to keep
// the records, also in the place of one that was removed.
func (s *Storage) Choose(mediumID string) {
	s.mu.Lock()
	s.picked = mediumID
	s.mu.Unlock()
	select {
	case s.again <- struct{}{}:
	default:
	}
}

// Settled tells that the drivers have settled, so that a stick which is not
// there now is missing. It returns after another look.
func (s *Storage) Settled() {
	s.mu.Lock()
	s.settled = true
	s.mu.Unlock()
	s.look()
}

// Watch keeps the state up to date until the context ends, and tells changed
// of every change. The first look is taken at once; see [Listen] for events.
func (s *Storage) Watch(ctx context.Context, events <-chan Event, changed func(State)) {
	for {
		if s.look() && changed != nil {
			changed(s.State())
		}
	wait:
		for {
			select {
			case <-ctx.Done():
				return
			case e, ok := <-events:
				if !ok {
					events = nil
					continue
				}
				if e.Action == "" || e.Values["SUBSYSTEM"] == "block" {
					break wait
				}
			case <-s.again:
				break wait
			}
		}
	}
}

// look compares what is mounted with what is plugged in, and mounts what can be.
// It reports whether anything changed.
func (s *Storage) look() (changed bool) {
	s.looking.Lock()
	defer s.looking.Unlock()
	media, err := Media(s.root)
	if err != nil {
		s.log("%v", err)
		return false
	}
	s.mu.Lock()
	before, picked, settled := s.state, s.picked, s.settled
	s.mu.Unlock()
	now := before
	if now.Data != nil && picked != "" && picked != now.Data.MediumID {
		now.Data = nil // a person goes on with another
	}
	s.lookFirst(&now, media, picked, settled)
	s.lookSecond(&now, media)
	s.mu.Lock()
	s.state = now
	s.mu.Unlock()
	return !same(before, now)
}

func same(a, b State) bool {
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	return a.Data == b.Data && a.Second == b.Second && text(a.Trouble) == text(b.Trouble) && slices.Equal(a.Candidates, b.Candidates)
}

// lookFirst looks for the stick that keeps the records.
func (s *Storage) lookFirst(now *State, media []Medium, picked string, settled bool) {
	had := now.Data
	if had != nil && now.Trouble == nil && present(media, had.Medium) {
		return
	}
	if had != nil {
		// It was removed; wait for the very same, wherever it is put.
		at := slices.IndexFunc(media, func(m Medium) bool { return m.DataPath != "" && m.ID() == had.MediumID })
		if at >= 0 {
			s.log("stick is back: %s", media[at])
			s.take(now, media[at])
			return
		}
		now.Trouble = fmt.Errorf("%w: put %s back", ErrRemoved, had.Medium)
		now.Candidates = nil
		for _, m := range media {
			if m.DataPath != "" && (now.Second == nil || m.Path != now.Second.Medium.Path) {
				now.Candidates = append(now.Candidates, m)
			}
		}
		if len(now.Candidates) > 0 {
			now.Trouble = fmt.Errorf("%w: %s is there; put %s back, or choose to go on with it", ErrSwapped, now.Candidates[0], had.Medium)
		}
		return
	}
	c := choose(media, s.started, picked)
	now.Candidates = c.several
	switch {
	case c.first != nil && (settled || s.started != "" || picked != ""):
		s.take(now, *c.first)
	// Where it is not known which one it is (a network start), the first to
	// be seen may be a drive of the machine that was a stick once.
	case !settled:
		now.Trouble, now.Candidates = ErrLooking, nil
	case len(c.several) > 0:
		now.Trouble = fmt.Errorf("%w: choose one of %d", ErrSeveral, len(c.several))
	case s.started != "" && picked == "":
		now.Trouble = fmt.Errorf("%w that this machine was started from", ErrNoStick)
		for _, m := range media {
			if m.DataPath != "" {
				now.Candidates = append(now.Candidates, m)
			}
		}
	default:
		now.Trouble = ErrNoStick
	}
}

// present reports whether a medium is the one that is still plugged in, not
// one that came in its place.
func present(media []Medium, had Medium) bool {
	return slices.ContainsFunc(media, func(m Medium) bool {
		return m.ID() == had.ID() && m.Number == had.Number && m.sequence == had.sequence
	})
}

// take mounts a medium as the one that keeps the records.
func (s *Storage) take(now *State, m Medium) {
	if now.Second != nil && now.Second.Medium.Path == m.Path {
		_ = s.unmount(stick.SecondMount)
		now.Second = nil
	}
	d, err := s.open(m, stick.DataMount)
	now.Candidates = nil
	if err != nil {
		now.Trouble = err
		s.log("%v", err)
		return
	}
	now.Data, now.Trouble = d, nil
}

// lookSecond looks for a stick for copies.
func (s *Storage) lookSecond(now *State, media []Medium) {
	if had := now.Second; had != nil {
		if present(media, had.Medium) {
			return
		}
		s.log("second stick was removed: %s", had.Medium)
		_ = s.unmount(stick.SecondMount)
		now.Second = nil
	}
	if now.Data == nil || now.Trouble != nil {
		return
	}
	for _, m := range media {
		if m.DataPath == "" || m.Path == now.Data.Medium.Path || !m.Portable {
			continue
		}
		d, err := s.open(m, stick.SecondMount)
		if err != nil {
			s.log("second stick: %v", err)
			continue
		}
		now.Second = d
		return
	}
}

// open mounts a medium's data partition in the place of what was there.
func (s *Storage) open(m Medium, target string) (*Data, error) {
	d := &Data{Path: target, Medium: m, MediumID: m.ID(), ReadOnly: m.ReadOnly}
	if first, err := readAt(filepath.Join(s.root, m.DataPath), 0, 512); err == nil {
		d.Unclean = wasNotUnmounted(first)
	}
	if err := s.unmount(target); err != nil {
		s.log("unmount %s: %v", target, err)
	}
	if err := s.mount(m.DataPath, target, m.ReadOnly); err != nil {
		return nil, fmt.Errorf("%w: mount %s of %s: %w", ErrNotMounted, m.DataPath, m, err)
	}
	s.log("mounted %s of %s on %s (medium %s)%s", m.DataPath, m, target, d.MediumID, map[bool]string{true: "; it was not unmounted the last time"}[d.Unclean])
	return d, nil
}

// dataOptions are for a FAT file system on a stick that may be pulled out at
// any moment. dirsync has every change of a folder (a new file, a new name) on
// the medium before the call returns, in the order it was made; files are
// synced by whoever writes them, so that sync, which would write the
// allocation table once for each block, is not needed; flush writes what is
// left as soon as the stick is idle. Names are UTF-8 and times UTC, as
// everywhere. A file system that turns out damaged becomes read-only instead of
// worse.
const dataOptions = "flush,codepage=437,iocharset=ascii,utf8=1,shortname=mixed,umask=0077,tz=UTC,errors=remount-ro"

func mountData(node, target string, readOnly bool) error {
	flags := uintptr(unix.MS_NOATIME | unix.MS_NODEV | unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_DIRSYNC)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if err := os.MkdirAll(target, 0o700); err != nil {
		return err
	}
	return unix.Mount(node, target, "vfat", flags, dataOptions)
}

// detach takes a data partition out of its place, also one whose medium is
// gone. What is below it is the floor that cannot be written to.
func detach(target string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err == nil && st.Type == unix.TMPFS_MAGIC {
		return nil // the floor
	}
	if err := unix.Unmount(target, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// layFloor mounts an empty, read-only file system where a data partition goes,
// so that nothing is ever written into memory that was meant for a stick.
func layFloor(target string) error {
	if err := os.MkdirAll(target, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("none", target, "tmpfs", unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, "size=4k,mode=0500"); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}
