package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// mirror is a second folder that gets a copy of every closed record. Copies are
// made by a goroutine of its own, so that a slow or stuck stick holds up neither
// the first one nor another that takes its place.
type mirror struct {
	from, to string
	// place identifies the folder itself, so that the empty place where a
	// stick was mounted is not taken for it; same are the files that were
	// found or made equal. Both belong to the goroutine.
	place string
	same  map[string]bool

	mu sync.Mutex
	// due are the ids to be copied; all is true when whatever is missing is.
	due     []string
	all     bool
	ended   bool // another mirror, or none, has taken its place
	trouble error
	// idle is closed when the goroutine has ended; nil while none runs.
	idle chan struct{}
}

// Mirror has a second folder, on another stick, get a copy of every closed
// record: first of those that it lacks, then of each new one. It returns at
// once. Call it again when the folder was away and has come back; an empty dir
// ends it. A file there that has the same name and other bytes is never
// overwritten. What goes wrong is for [Folder.MirrorTrouble].
func (f *Folder) Mirror(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mirror != nil {
		f.mirror.end()
		f.mirror = nil
	}
	if dir != "" {
		f.mirror = &mirror{from: f.dir, to: dir, same: map[string]bool{}}
		f.mirror.copySoon()
	}
}

// MirrorTrouble is why the second folder lacks records; nil when it lacks none
// or there is no second folder.
func (f *Folder) MirrorTrouble() error {
	m := f.mirrored()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trouble
}

// MirrorSettled waits until no copy is being made, as before the sticks are
// taken out, and gives MirrorTrouble or ctx's error.
func (f *Folder) MirrorSettled(ctx context.Context) error {
	m := f.mirrored()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	idle := m.idle
	m.mu.Unlock()
	if idle != nil {
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return f.MirrorTrouble()
}

// Closed says that a record and its page are durable and all there is of them.
// [Open.End] says so itself.
func (f *Folder) Closed(id string) {
	if m := f.mirrored(); m != nil {
		m.copySoon(id)
	}
}

func (f *Folder) mirrored() *mirror {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mirror
}

func (m *mirror) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
}

// copySoon has records copied, whatever is missing if none is named, and starts
// the goroutine if it does not run.
func (m *mirror) copySoon(ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.due = append(m.due, ids...)
	// After trouble more may be missing than the newest.
	m.all = m.all || len(ids) == 0 || m.trouble != nil
	if m.idle == nil {
		m.idle = make(chan struct{})
		go m.copyDue()
	}
}

// copyDue copies until nothing is due.
func (m *mirror) copyDue() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.ended && (m.all || len(m.due) > 0) {
		all, due := m.all, m.due
		m.all, m.due = false, nil
		m.mu.Unlock()
		err := m.find()
		if err == nil {
			err = m.copy(all, due)
		}
		m.mu.Lock()
		if err != nil {
			err = fmt.Errorf("copy the records to %s: %w", m.to, err)
		}
		if err != nil || all {
			m.trouble = err
		}
	}
	close(m.idle)
	m.idle = nil
}

// find makes sure that the folder is there, and the one that it was.
func (m *mirror) find() error {
	if m.place != "" {
		if identity(m.to) != m.place {
			return ErrGone
		}
		return nil
	}
	if err := os.MkdirAll(m.to, 0o755); err != nil {
		return err
	}
	place := identity(m.to)
	if place == identity(m.from) {
		return errors.New("it is the folder of the records itself")
	}
	m.place = place
	return nil
}

// copy copies records that the folder lacks: those named, or all of them.
func (m *mirror) copy(all bool, ids []string) error {
	if all {
		closed, err := closedIDs(m.from)
		if err != nil {
			return err
		}
		ids = closed
	}
	var errs []error
	for _, id := range ids {
		for _, suffix := range []string{EvidenceSuffix, PageSuffix} {
			name := id + suffix
			if m.same[name] {
				continue
			}
			err := m.copyFile(name)
			switch {
			case err == nil:
				m.same[name] = true
			case errors.Is(err, errDiffers):
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			default:
				// The next one would not fare better, and may take as long.
				return errors.Join(append(errs, fmt.Errorf("%s: %w", name, err))...)
			}
		}
	}
	return errors.Join(errs...)
}

// errDiffers is the cause when a file is there that is no copy of ours.
var errDiffers = errors.New("a file of that name with other content is there already, and is left alone")

// copyFile makes a durable copy of a file. A page that is there already is
// compared by its size only, since reading thousands of them would take a stick
// minutes.
func (m *mirror) copyFile(name string) error {
	from, at := filepath.Join(m.from, name), filepath.Join(m.to, name)
	isPage := strings.HasSuffix(name, PageSuffix)
	ours, err := os.Stat(from)
	if isPage && errors.Is(err, fs.ErrNotExist) {
		return nil // a record that has no page
	}
	if err != nil {
		return err
	}
	theirs, err := os.Stat(at)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if there && (isPage || ours.Size() != theirs.Size()) {
		if ours.Size() != theirs.Size() {
			return errDiffers
		}
		return nil
	}
	content, err := readBounded(from)
	if err != nil {
		return err
	}
	if !there {
		return writeDurable(at, content, 0o644)
	}
	copied, err := readBounded(at)
	if err == nil && !bytes.Equal(copied, content) {
		err = errDiffers
	}
	return err
}
