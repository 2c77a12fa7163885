// Package drive opens what the inventory found as something that package erase
// can work on, and makes sure that it is still the same thing.
package drive

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/inventory"
)

// Look gives the present facts of a path; it is inventory.Source.Facts.
type Look func(path string) (inventory.Drive, error)

// Drive is an opened target. It implements erase.Device.
type Drive struct {
	look  Look
	block bool
	arena kernel.Arena
	// at is what is open now. A drive that went away and came back is opened
	// anew, while transfers of before may still hold the old one.
	at atomic.Pointer[opened]
	// host and firmware are nil for a drive without erase commands.
	host     *host
	firmware erase.Firmware
	// commands counts what is with the drive, or was left behind there.
	commands outstanding
	closed   atomic.Bool
}

// opened is one opening of a target. It is not changed.
type opened struct {
	facts inventory.Drive
	// direct bypasses the page cache; it is the same file as cached where
	// the file system has no direct I/O.
	direct *os.File
	// cached is for the tail of an image that is not a multiple of a block,
	// and for image files on file systems without direct I/O.
	cached *os.File
	// areas are the boot and general purpose areas of an eMMC, by node, which
	// commands for the card erase as well: nobody else may have them.
	areas map[string]*os.File
	size  int64
	align int64
}

// Firmware implements erase.Device.
func (d *Drive) Firmware() erase.Firmware { return d.firmware }

// Open takes a drive for writing: exclusively if it is a block device, under
// an advisory lock if it is a file, and only if what was opened is what facts
// describes (same device number, serial, WWN and size, asked of the opened
// descriptor where the drive can be asked). Refusals are *erase.RefusedError.
// It has no firmware; see [OpenWith].
func Open(facts inventory.Drive, look Look) (*Drive, error) {
	d := &Drive{look: look, block: facts.Bus != inventory.BusImage}
	o, err := d.take(facts)
	if err != nil {
		return nil, err
	}
	d.at.Store(o)
	return d, nil
}

// take opens what facts describes, or nothing.
func (d *Drive) take(facts inventory.Drive) (*opened, error) {
	o := &opened{facts: facts, align: int64(max(facts.LogicalBlockBytes, 512))}
	ok := false
	defer func() {
		if !ok {
			_ = o.close()
		}
	}()
	if err := o.open(d.block); err != nil {
		return nil, err
	}
	if err := kernel.Lock(o.direct); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, refuse(facts.Path, erase.ErrInUse, "wait until the other program is done with it", "another program has locked it")
	} else if err != nil {
		return nil, fmt.Errorf("lock %s: %w", facts.Path, err)
	}
	var err error
	if o.size, err = kernel.SizeBytes(o.direct); err != nil {
		return nil, err
	}
	err = d.same(o)
	if err == nil && o.size != facts.CapacityBytes {
		err = fmt.Errorf("%w: %d bytes were planned and it has %d", erase.ErrSizeChanged, facts.CapacityBytes, o.size)
	}
	if err != nil {
		return nil, refuse(facts.Path, erase.ErrIdentityChanged, "look at the drives again (ombruk drives) and start over", "%v", err)
	}
	if d.block {
		if err := kernel.FlushBuffers(o.direct); err != nil {
			return nil, err
		}
	}
	ok = true
	return o, nil
}

func refuse(path string, reason error, hint, format string, args ...any) error {
	return &erase.RefusedError{Path: path, Reason: reason, Hint: hint, Detail: fmt.Sprintf(format, args...)}
}

// open opens the descriptors.
func (o *opened) open(block bool) error {
	const flags = os.O_RDWR | unix.O_NOFOLLOW
	var err error
	path := o.facts.Path
	if block {
		o.direct, err = os.OpenFile(path, flags|unix.O_EXCL|unix.O_DIRECT, 0)
		if err != nil {
			return explain(path, err)
		}
		o.cached = o.direct
		o.areas, err = openAreas(o.facts, unix.O_EXCL)
		return err
	}
	o.align = 4096
	if o.cached, err = os.OpenFile(path, flags, 0); err != nil {
		return explain(path, err)
	}
	o.direct, err = os.OpenFile(path, flags|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		o.direct = o.cached // the file system has no direct I/O
		return nil
	}
	if err != nil {
		return explain(path, err)
	}
	a, errA := o.cached.Stat()
	b, errB := o.direct.Stat()
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		return refuse(path, erase.ErrIdentityChanged, "", "the file was replaced while it was being opened")
	}
	return nil
}

// close closes the descriptors; doing it again is no error. A command that was
// left behind in the kernel keeps its own hold.
func (o *opened) close() error {
	var errs []error
	for _, f := range append(slices.Collect(maps.Values(o.areas)), o.direct, o.cached) {
		if f == nil {
			continue
		}
		if err := f.Close(); !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// explain turns the error of an open into a refusal a person can act on.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return refuse(path, erase.ErrInUse, "look for what uses it: lsblk, dmsetup ls, cat /proc/mdstat, zpool status", "the kernel holds it for something else (exclusive open refused)")
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return refuse(path, erase.ErrReadOnly, "run as root, and check its write-protect switch or permissions", "it cannot be opened for writing: %v", errors.Unwrap(err))
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOMEDIUM):
		return refuse(path, erase.ErrIdentityChanged, "check that it is still connected", "it is no longer there: %v", errors.Unwrap(err))
	case errors.Is(err, unix.ELOOP):
		return refuse(path, erase.ErrIdentityChanged, "", "it was replaced by a symbolic link")
	}
	return fmt.Errorf("open %s: %w", path, err)
}

// same compares what is opened with the facts the plan was made from, but for
// the size.
func (d *Drive) same(o *opened) error {
	info, err := o.direct.Stat()
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	number := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	if !d.block {
		number = fmt.Sprintf("%d:%d/%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	}
	if number != o.facts.DeviceNumber {
		return fmt.Errorf("%w: device number was %s and is %s", erase.ErrIdentityChanged, o.facts.DeviceNumber, number)
	}
	now, err := d.look(o.facts.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", erase.ErrGone, err)
	}
	for _, c := range []struct{ what, was, is string }{
		{"device number", o.facts.DeviceNumber, now.DeviceNumber},
		{"serial", o.facts.Serial, now.Serial},
		{"WWN", o.facts.WWN, now.WWN},
		{"model", o.facts.Model, now.Model},
	} {
		if c.was != c.is {
			return fmt.Errorf("%w: %s was %q and is %q", erase.ErrIdentityChanged, c.what, c.was, c.is)
		}
	}
	if !d.block {
		return nil
	}
	return asked(o.facts, o.direct)
}

// asked compares the serial with what the drive says through the opened
// descriptor. USB bridges answer with strings of their own there, so for them
// the comparison of sysfs in same has to do.
func asked(facts inventory.Drive, f *os.File) error {
	if facts.Bus == inventory.BusUSB {
		return nil
	}
	id, err := kernel.Identify(f)
	if errors.Is(err, kernel.ErrNoIdentity) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", erase.ErrGone, err)
	}
	if serial := inventory.Text(id.Serial); serial != "" && facts.Serial != "" && !strings.EqualFold(serial, facts.Serial) {
		return fmt.Errorf("%w: serial was %q and the drive says %q", erase.ErrIdentityChanged, facts.Serial, id.Serial)
	}
	return nil
}

// SizeBytes implements erase.Device.
func (d *Drive) SizeBytes() int64 { return d.at.Load().size }

// Alloc implements erase.Device.
func (d *Drive) Alloc(sizeBytes int) ([]byte, error) { return d.arena.Alloc(sizeBytes) }

// file is the descriptor for a transfer: direct unless it is the odd tail.
func (o *opened) file(lengthBytes, off int64) *os.File {
	if (lengthBytes|off)%o.align != 0 {
		return o.cached
	}
	return o.direct
}

// ReadAt implements erase.Device. A transfer whose end is not a multiple of a
// block (the tail of an image) is read in two parts.
func (d *Drive) ReadAt(p []byte, off int64) (int, error) {
	o := d.at.Load()
	whole := int64(len(p)) / o.align * o.align
	n, err := o.file(whole, off).ReadAt(p[:whole], off)
	if err == nil && whole < int64(len(p)) {
		var m int
		m, err = o.cached.ReadAt(p[whole:], off+whole)
		n += m
	}
	return n, d.classify("read", err)
}

// WriteAt implements erase.Device; see ReadAt for the tail.
func (d *Drive) WriteAt(p []byte, off int64) (int, error) {
	o := d.at.Load()
	whole := int64(len(p)) / o.align * o.align
	n, err := 0, error(nil)
	if whole > 0 {
		n, err = o.file(whole, off).WriteAt(p[:whole], off)
	}
	if err == nil && whole < int64(len(p)) {
		var m int
		m, err = o.cached.WriteAt(p[whole:], off+whole)
		n += m
	}
	return n, d.classify("write", err)
}

// vectorMax is the most buffers one pwritev takes (IOV_MAX).
const vectorMax = 1024

// WriteRepeatedAt writes the same memory over and over without a copy.
func (d *Drive) WriteRepeatedAt(head, body []byte, lengthBytes, off int64) error {
	// from is what belongs at a distance from the start of the transfer.
	from := func(distance int64) []byte {
		if distance < int64(len(head)) {
			return head[distance:]
		}
		return body[(distance-int64(len(head)))%int64(len(body)):]
	}
	o := d.at.Load()
	whole := lengthBytes / o.align * o.align
	buffers := make([][]byte, 0, min(vectorMax, 2+whole/int64(len(body))))
	for done := int64(0); done < whole; {
		buffers = buffers[:0]
		batch := int64(0)
		for done+batch < whole && len(buffers) < vectorMax {
			part := from(done + batch)
			part = part[:min(int64(len(part)), whole-done-batch)]
			buffers = append(buffers, part)
			batch += int64(len(part))
		}
		n, err := kernel.WriteVectors(o.direct, buffers, off+done)
		if err != nil {
			return d.classify("write", err)
		}
		if int64(n) < batch {
			// The kernel stopped part way, as it does in front of a bad
			// block: the caller narrows that down.
			return fmt.Errorf("write %s at %d: %w, %d of %d bytes", filepath.Base(o.facts.Path), off+done, io.ErrShortWrite, n, batch)
		}
		done += batch
	}
	if whole == lengthBytes {
		return nil
	}
	// The odd tail is shorter than a block, and a pattern lies in memory in
	// whole pages, so it is in one piece.
	_, err := o.cached.WriteAt(from(whole)[:lengthBytes-whole], off+whole)
	return d.classify("write", err)
}

// classify tells errors of the whole device from errors of some blocks.
func (d *Drive) classify(what string, err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EFBIG):
		if d.block {
			// A drive that was pulled has no blocks from then on, one that
			// shrank fewer; either way the write was past the end.
			err = fmt.Errorf("%w: it ends before this block: %w", erase.ErrGone, err)
		} else {
			err = fmt.Errorf("%w: %w", erase.ErrNoSpace, err)
		}
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENOMEDIUM), errors.Is(err, unix.ESHUTDOWN),
		errors.Is(err, unix.ENOTCONN), errors.Is(err, unix.ESTALE), errors.Is(err, unix.EBADF), errors.Is(err, os.ErrClosed):
		err = fmt.Errorf("%w: %w", erase.ErrGone, err)
	case errors.Is(err, unix.EROFS):
		err = fmt.Errorf("%w: %w", erase.ErrReadOnly, err) // worn-out flash does this
	case errors.Is(err, unix.EILSEQ):
		err = fmt.Errorf("%w: %w", erase.ErrIntegrity, err) // BLK_STS_PROTECTION: guard, reference or application tag
	}
	return fmt.Errorf("%s %s: %w", what, filepath.Base(d.at.Load().facts.Path), err)
}

// Sync implements erase.Device: fsync, which for a block device also has the
// drive empty its own cache.
func (d *Drive) Sync() error {
	o := d.at.Load()
	err := o.direct.Sync()
	if err == nil && o.cached != o.direct {
		err = o.cached.Sync()
	}
	return d.classify("flush", err)
}

// Forget implements erase.Device.
func (d *Drive) Forget() (string, error) {
	o := d.at.Load()
	if d.block {
		return "direct", kernel.FlushBuffers(o.direct)
	}
	if err := kernel.DropCache(o.cached); err != nil {
		return "", err
	}
	if o.direct == o.cached {
		return "cache-dropped", nil
	}
	return "direct", nil
}

// Check implements erase.Device.
func (d *Drive) Check() error {
	o := d.at.Load()
	size, err := kernel.SizeBytes(o.direct)
	if err != nil {
		return fmt.Errorf("%w: %w", erase.ErrGone, err)
	}
	if size != o.size {
		return fmt.Errorf("%w: it had %d bytes and has %d", erase.ErrSizeChanged, o.size, size)
	}
	return d.same(o)
}

// Close gives the drive back, makes the kernel look at its partitions again,
// and frees the memory. It must not be called while a transfer is under way. A
// drive that is still at work on a command is not looked at: it would keep us
// waiting until it is done.
func (d *Drive) Close() error {
	d.closed.Store(true)
	o := d.at.Load()
	var errs []error
	if d.block && o.size > 0 && d.commands.none() {
		if err := kernel.RereadPartitions(o.direct); !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, o.close(), d.arena.Free())...)
}
