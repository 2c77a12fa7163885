// Package record keeps the evidence of a station on stable storage: the folder
// of records and pages, and the chain that joins a station's records so that a
// missing one shows. What it promises holds across power cuts: a started
// record is durable before the first destructive command, and a closed record
// before success is shown.
package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/erase"
)

// reserveBytes is the room kept free for a final record and its page, so that
// a disk that fills up during the hours of a run does not cost the evidence.
// Of it, pageReserveBytes are given back last, for the page.
const reserveBytes, pageReserveBytes = 1 << 20, 512 << 10

// Folder is an output folder. It is safe for concurrent use.
type Folder struct {
	dir    string
	mu     sync.Mutex
	mirror *mirror // nil without one
}

// OpenFolder makes the folder if it is missing and makes sure that files can be
// made in it.
func OpenFolder(dir string) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open output folder %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return nil, fmt.Errorf("make output folder: %w", err)
	}
	probe, err := os.CreateTemp(abs, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("write to output folder: %w", err)
	}
	defer func() { _ = os.Remove(probe.Name()) }()
	if err := errors.Join(reserve(probe), probe.Close()); err != nil {
		return nil, fmt.Errorf("write to output folder %s: %w", abs, err)
	}
	return &Folder{dir: abs}, nil
}

// Dir is the folder's absolute path.
func (f *Folder) Dir() string { return f.dir }

// Path is the file of a record with the given ending.
func (f *Folder) Path(id, suffix string) string { return filepath.Join(f.dir, id+suffix) }

// Open is a record that has been started and not yet closed. It is locked, so
// that another process that looks for unfinished records leaves it alone.
type Open struct {
	ID      string
	folder  *Folder
	started *os.File
	// envelope of the started record, by which its folder is known again.
	envelope []byte
	// KeepKey leaves the key of the random passes beside the closed record.
	KeepKey bool
	// ended is true when End has removed the started record.
	ended bool
}

// keyFile is the content of the file that holds a run's key until the record
// is closed. Only its owner may read it.
type keyFile struct {
	ID        string `json:"id"`
	Algorithm string `json:"algorithm"`
	Key       string `json:"key"`
	// IVs are the initial counter blocks of the passes in order; only those
	// of random passes were used.
	IVs []string `json:"ivs"`
}

// Begin makes a started record durable, then keeps room for the final record
// and puts the key in its file; the folder is synced before it returns. The
// record comes first so that whatever a crash leaves behind is found by it.
func (f *Folder) Begin(id string, envelope []byte, key erase.Key, passes int) (*Open, error) {
	content := keyFile{ID: id, Algorithm: "AES-128-CTR", Key: hex.EncodeToString(key[:])}
	for n := 1; n <= passes; n++ {
		iv := key.IV(n)
		content.IVs = append(content.IVs, hex.EncodeToString(iv[:]))
	}
	k, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := f.write(id+StartedSuffix, envelope, 0o644); err != nil {
		return nil, err
	}
	o, err := f.lock(id)
	if err != nil {
		return nil, err
	}
	o.envelope = envelope
	if err := f.keepRoom(id); err != nil {
		o.TakeBack()
		return nil, err
	}
	if err := f.write(id+keySuffix, append(k, '\n'), 0o600); err != nil {
		o.TakeBack()
		return nil, err
	}
	return o, nil
}

// keepRoom takes the disk space that the final record will need.
func (f *Folder) keepRoom(id string) error {
	room, err := os.OpenFile(f.Path(id, reserveSuffix), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(reserve(room), room.Close())
	}
	if err != nil {
		return fmt.Errorf("keep room for the record in %s: %w", f.dir, err)
	}
	return nil
}

// discard takes back what Begin made before it went wrong.
func (f *Folder) discard(id string) {
	for _, suffix := range []string{keySuffix, reserveSuffix, StartedSuffix} {
		_ = os.Remove(f.Path(id, suffix))
	}
}

// lock takes hold of a started record.
func (f *Folder) lock(id string) (*Open, error) {
	file, err := os.Open(f.Path(id, StartedSuffix))
	if err != nil {
		return nil, fmt.Errorf("open started record: %w", err)
	}
	if err := uninterrupted(func() error { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock started record %s: %w", file.Name(), err)
	}
	return &Open{ID: id, folder: f, started: file}, nil
}

// StartedIDs lists the ids of the started records in a folder, those that are
// being worked on too. A folder that does not exist has none.
func StartedIDs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look for unfinished records: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), StartedSuffix); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Unfinished finds the started records that nobody is working on, and takes
// hold of each. A record that is still being worked on is not among them.
func (f *Folder) Unfinished() ([]*Open, error) {
	ids, err := StartedIDs(f.dir)
	if err != nil {
		return nil, err
	}
	var found []*Open
	for _, id := range ids {
		o, err := f.lock(id)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return found, err
		}
		// Whoever held it may have closed it between the look and the lock.
		if _, err := os.Stat(f.Path(id, StartedSuffix)); err != nil {
			o.Release()
			continue
		}
		found = append(found, o)
	}
	return found, nil
}

// Started is the envelope of the started record.
func (o *Open) Started() ([]byte, error) { return readBounded(o.folder.Path(o.ID, StartedSuffix)) }

// Present makes sure that the folder is still the one that the record was
// started in: a stick that was pulled out leaves an empty folder behind, and
// another one may have come in its place. The error wraps [ErrGone].
func (o *Open) Present() error {
	b, err := o.Started()
	if o.ended && errors.Is(err, os.ErrNotExist) {
		// The record itself is what shows it then.
		_, err := os.Stat(o.folder.Path(o.ID, EvidenceSuffix))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrGone, err)
		}
		return nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrGone, err)
	case o.envelope != nil && !bytes.Equal(b, o.envelope):
		return fmt.Errorf("%w: %s holds something else than it did", ErrGone, o.folder.Path(o.ID, StartedSuffix))
	}
	return nil
}

// Evidence is the envelope of the final record where one has been written
// already (the process ended between writing it and closing).
func (o *Open) Evidence() ([]byte, bool, error) {
	b, err := readBounded(o.folder.Path(o.ID, EvidenceSuffix))
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	return b, err == nil, err
}

// HasPage reports whether the record's page has been written.
func (o *Open) HasPage() bool {
	_, err := os.Stat(o.folder.Path(o.ID, PageSuffix))
	return err == nil
}

// WritePage makes the page of a record durable.
func (f *Folder) WritePage(id string, pdf []byte) error {
	if err := f.giveBack(id, 0); err != nil {
		return err
	}
	return f.write(id+PageSuffix, pdf, 0o644)
}

// giveBack shrinks the room that was kept for a record, now that it is needed.
func (f *Folder) giveBack(id string, leftBytes int64) error {
	if err := os.Truncate(f.Path(id, reserveSuffix), leftBytes); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("give back the room kept for the record: %w", err)
	}
	return nil
}

// Release lets go of a started record without closing it.
func (o *Open) Release() { _ = o.started.Close() }

// TakeBack removes a started record whose run never began.
func (o *Open) TakeBack() {
	o.folder.discard(o.ID)
	o.Release()
}

// End removes what belonged to the record while it was open. Its envelope and
// page are durable by then; when End returns nil, so is that they are all there is.
func (o *Open) End() error {
	var errs []error
	for _, suffix := range []string{keySuffix, reserveSuffix} {
		if suffix == keySuffix && o.KeepKey {
			continue
		}
		if err := os.Remove(o.folder.Path(o.ID, suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	// What a crash left half written beside its place goes too; one of them
	// may hold the key.
	for _, suffix := range []string{StartedSuffix, keySuffix, EvidenceSuffix, PageSuffix} {
		if err := os.Remove(halfWritten(o.folder.Path(o.ID, suffix))); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// The started record goes last: whatever a crash leaves is found by it.
	if err := os.Remove(o.folder.Path(o.ID, StartedSuffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	o.ended = true
	if err := syncDir(o.folder.dir); err != nil {
		return err
	}
	o.Release() // it was only read, so closing it has nothing to tell
	o.folder.Closed(o.ID)
	return nil
}

// write makes a file durable: written beside its place, synced, renamed, and
// the folder synced.
func (f *Folder) write(name string, content []byte, mode os.FileMode) error {
	return writeDurable(filepath.Join(f.dir, name), content, mode)
}

// uninterrupted makes a call again for as long as a signal came between: the
// runtime sends its threads signals at any time.
func uninterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// reserve takes reserveBytes of disk space for a file. A file system that
// cannot set space aside is filled instead.
func reserve(f *os.File) error {
	err := uninterrupted(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, reserveBytes) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		_, err = f.Write(make([]byte, reserveBytes))
	}
	return err
}
