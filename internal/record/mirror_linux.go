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

// mirror is the second folder that gets a copy of every closed record. Copies
// are made by a goroutine of their own, so that a slow or stuck stick does not
// hold up the first one.
type mirror struct {
	mu  sync.Mutex
	dir string // empty without one
	// place identifies dir itself, so that the empty place where a stick was
	// mounted is not taken for it.
	place string
	// due are the ids to be copied; all is true when whatever is missing is.
	due []string
	all bool
	// same are the files that were found or made equal.
	same    map[string]bool
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
	m := &f.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dir, m.place, m.trouble, m.same, m.due = dir, "", nil, map[string]bool{}, nil
	if dir == "" {
		return
	}
	err := os.MkdirAll(dir, 0o755)
	if m.place = identity(dir); err == nil && m.place == identity(f.dir) {
		err = errors.New("it is the folder of the records itself")
	}
	if err != nil {
		m.dir, m.trouble = "", fmt.Errorf("copy the records to %s: %w", dir, err)
		return
	}
	m.all = true
	f.wakeMirror()
}

// MirrorTrouble is why the second folder lacks records; nil when it lacks none
// or there is no second folder.
func (f *Folder) MirrorTrouble() error {
	f.mirror.mu.Lock()
	defer f.mirror.mu.Unlock()
	return f.mirror.trouble
}

// MirrorSettled waits until no copy is being made, and gives MirrorTrouble or
// ctx's error.
func (f *Folder) MirrorSettled(ctx context.Context) error {
	f.mirror.mu.Lock()
	idle := f.mirror.idle
	f.mirror.mu.Unlock()
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
	m := &f.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir == "" {
		return
	}
	if m.trouble != nil {
		m.all = true // it may be back
	}
	m.due = append(m.due, id)
	f.wakeMirror()
}

// wakeMirror starts the goroutine that copies, if none runs. The mirror is locked.
func (f *Folder) wakeMirror() {
	m := &f.mirror
	if m.idle != nil {
		return
	}
	m.idle = make(chan struct{})
	go f.copyDue()
}

// copyDue copies until nothing is due.
func (f *Folder) copyDue() {
	m := &f.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.dir != "" && (m.all || len(m.due) > 0) {
		to, place, all, due, same := m.dir, m.place, m.all, m.due, m.same
		m.all, m.due = false, nil
		m.mu.Unlock()
		err := f.copyTo(to, place, all, due, same)
		m.mu.Lock()
		if m.dir == to && m.place == place && (err != nil || all) {
			m.trouble = err
		}
	}
	close(m.idle)
	m.idle = nil
}

// copyTo copies records that a folder lacks: those named, or all of them.
func (f *Folder) copyTo(to, place string, all bool, ids []string, same map[string]bool) error {
	if identity(to) != place {
		return fmt.Errorf("copy the records to %s: %w", to, ErrGone)
	}
	if all {
		closed, err := closedIDs(f.dir)
		if err != nil {
			return fmt.Errorf("copy the records to %s: %w", to, err)
		}
		ids = closed
	}
	var errs []error
	for _, id := range ids {
		for _, suffix := range []string{EvidenceSuffix, PageSuffix} {
			name := id + suffix
			if same[name] {
				continue
			}
			err := f.copyFile(to, name)
			switch {
			case err == nil:
				same[name] = true
			case errors.Is(err, errDiffers):
				errs = append(errs, err)
			default:
				// The next one would not fare better, and may take as long.
				return errors.Join(append(errs, err)...)
			}
		}
	}
	return errors.Join(errs...)
}

// errDiffers is the cause when a file is there that is no copy of ours.
var errDiffers = errors.New("a file of that name with other content is there already, and is left alone")

// copyFile makes a durable copy of a file of the folder in another one. A page
// that is there already is compared by its size only, since reading thousands
// of them would take a stick minutes.
func (f *Folder) copyFile(to, name string) error {
	from, at := filepath.Join(f.dir, name), filepath.Join(to, name)
	info, err := os.Stat(at)
	switch {
	case err == nil && strings.HasSuffix(name, PageSuffix):
		ours, err := os.Stat(from)
		if err == nil && ours.Size() != info.Size() {
			err = errDiffers
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("copy %s to %s: %w", name, to, err)
		}
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("copy %s to %s: %w", name, to, err)
	}
	content, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, PageSuffix) {
		return nil // a record that has no page
	}
	if err != nil {
		return fmt.Errorf("copy %s to %s: %w", name, to, err)
	}
	if info != nil {
		there, err := os.ReadFile(at)
		if err == nil && !bytes.Equal(there, content) {
			err = errDiffers
		}
		if err != nil {
			return fmt.Errorf("copy %s to %s: %w", name, to, err)
		}
		return nil
	}
	return writeDurable(at, content, 0o644)
}
