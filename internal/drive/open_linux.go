// Package drive opens what the inventory found as something that package erase
// can work on, and makes sure that it is still the same thing.
package drive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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
	facts inventory.Drive
	look  Look
	// direct bypasses the page cache; it is the same file as cached where
	// the file system has no direct I/O.
	direct *os.File
	// cached is for the tail of an image that is not a multiple of a block,
	// and for image files on file systems without direct I/O.
	cached *os.File
	size   int64
	align  int64
	arena  kernel.Arena
	block  bool
	// firmware is nil for a drive without erase commands.
	firmware erase.Firmware
}

// Firmware implements erase.Device.
func (d *Drive) Firmware() erase.Firmware { return d.firmware }

// Open takes a drive for writing: exclusively if it is a block device, under
// an advisory lock if it is a file, and only if what was opened is what facts
// describes (same device number, serial, WWN and size, asked of the opened
// descriptor where the drive can be asked). Refusals are *erase.RefusedError.
func Open(facts inventory.Drive, look Look) (*Drive, error) {
	d := &Drive{facts: facts, look: look, block: facts.Bus != inventory.BusImage, align: int64(max(facts.LogicalBlockBytes, 512))}
	ok := false
	defer func() {
		if !ok {
			_ = d.Close()
		}
	}()
	if err := d.open(); err != nil {
		return nil, err
	}
	if err := kernel.Lock(d.direct); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, d.refuse(erase.ErrInUse, "wait until the other program is done with it", "another program has locked it")
	} else if err != nil {
		return nil, fmt.Errorf("lock %s: %w", facts.Path, err)
	}
	var err error
	if d.size, err = kernel.SizeBytes(d.direct); err != nil {
		return nil, err
	}
	if err := d.same(); err != nil {
		return nil, d.refuse(erase.ErrIdentityChanged, "look at the drives again (ombruk drives) and start over", "%v", err)
	}
	if d.block {
		if err := kernel.FlushBuffers(d.direct); err != nil {
			return nil, err
		}
	}
	ok = true
	return d, nil
}

func (d *Drive) refuse(reason error, hint, format string, args ...any) error {
	return &erase.RefusedError{Path: d.facts.Path, Reason: reason, Hint: hint, Detail: fmt.Sprintf(format, args...)}
}

// open opens the descriptors.
func (d *Drive) open() error {
	const flags = os.O_RDWR | unix.O_NOFOLLOW
	var err error
	if d.block {
		d.direct, err = os.OpenFile(d.facts.Path, flags|unix.O_EXCL|unix.O_DIRECT, 0)
		if err != nil {
			return d.explain(err)
		}
		d.cached = d.direct
		return nil
	}
	d.align = 4096
	if d.cached, err = os.OpenFile(d.facts.Path, flags, 0); err != nil {
		return d.explain(err)
	}
	d.direct, err = os.OpenFile(d.facts.Path, flags|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		d.direct = d.cached // the file system has no direct I/O
		return nil
	}
	if err != nil {
		return d.explain(err)
	}
	a, errA := d.cached.Stat()
	b, errB := d.direct.Stat()
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		return d.refuse(erase.ErrIdentityChanged, "", "the file was replaced while it was being opened")
	}
	return nil
}

// explain turns the error of an open into a refusal a person can act on.
func (d *Drive) explain(err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return d.refuse(erase.ErrInUse, "look for what uses it: lsblk, dmsetup ls, cat /proc/mdstat, zpool status", "the kernel holds it for something else (exclusive open refused)")
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return d.refuse(erase.ErrReadOnly, "run as root, and check its write-protect switch or permissions", "it cannot be opened for writing: %v", errors.Unwrap(err))
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOMEDIUM):
		return d.refuse(erase.ErrIdentityChanged, "check that it is still connected", "it is no longer there: %v", errors.Unwrap(err))
	case errors.Is(err, unix.ELOOP):
		return d.refuse(erase.ErrIdentityChanged, "", "it was replaced by a symbolic link")
	}
	return fmt.Errorf("open %s: %w", d.facts.Path, err)
}

// same compares what is opened with the facts the plan was made from.
func (d *Drive) same() error {
	info, err := d.direct.Stat()
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	number := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	if !d.block {
		number = fmt.Sprintf("%d:%d/%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	}
	if number != d.facts.DeviceNumber {
		return fmt.Errorf("%w: device number was %s and is %s", erase.ErrIdentityChanged, d.facts.DeviceNumber, number)
	}
	if d.size != d.facts.CapacityBytes {
		return fmt.Errorf("%w: %d bytes were planned and it has %d", erase.ErrSizeChanged, d.facts.CapacityBytes, d.size)
	}
	now, err := d.look(d.facts.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", erase.ErrGone, err)
	}
	for _, c := range []struct{ what, was, is string }{
		{"device number", d.facts.DeviceNumber, now.DeviceNumber},
		{"serial", d.facts.Serial, now.Serial},
		{"WWN", d.facts.WWN, now.WWN},
		{"model", d.facts.Model, now.Model},
	} {
		if c.was != c.is {
			return fmt.Errorf("%w: %s was %q and is %q", erase.ErrIdentityChanged, c.what, c.was, c.is)
		}
	}
	return d.asked()
}

// asked compares the serial with what the drive says through the opened
// descriptor. USB bridges answer with strings of their own there, so for them
// the comparison of sysfs in same has to do.
func (d *Drive) asked() error {
	if !d.block || d.facts.Bus == inventory.BusUSB {
		return nil
	}
	id, err := kernel.Identify(d.direct)
	if errors.Is(err, kernel.ErrNoIdentity) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", erase.ErrGone, err)
	}
	if serial := inventory.Text(id.Serial); serial != "" && d.facts.Serial != "" && !strings.EqualFold(serial, d.facts.Serial) {
		return fmt.Errorf("%w: serial was %q and the drive says %q", erase.ErrIdentityChanged, d.facts.Serial, id.Serial)
	}
	return nil
}

// SizeBytes implements erase.Device.
func (d *Drive) SizeBytes() int64 { return d.size }

// Alloc implements erase.Device.
func (d *Drive) Alloc(sizeBytes int) ([]byte, error) { return d.arena.Alloc(sizeBytes) }

// file is the descriptor for a transfer: direct unless it is the odd tail.
func (d *Drive) file(lengthBytes, off int64) *os.File {
	if (lengthBytes|off)%d.align != 0 {
		return d.cached
	}
	return d.direct
}

// ReadAt implements erase.Device. A transfer whose end is not a multiple of a
// block (the tail of an image) is read in two parts.
func (d *Drive) ReadAt(p []byte, off int64) (int, error) {
	whole := int64(len(p)) / d.align * d.align
	n, err := d.file(whole, off).ReadAt(p[:whole], off)
	if err == nil && whole < int64(len(p)) {
		var m int
		m, err = d.cached.ReadAt(p[whole:], off+whole)
		n += m
	}
	return n, d.classify("read", err)
}

// WriteAt implements erase.Device; see ReadAt for the tail.
func (d *Drive) WriteAt(p []byte, off int64) (int, error) {
	whole := int64(len(p)) / d.align * d.align
	n, err := 0, error(nil)
	if whole > 0 {
		n, err = d.file(whole, off).WriteAt(p[:whole], off)
	}
	if err == nil && whole < int64(len(p)) {
		var m int
		m, err = d.cached.WriteAt(p[whole:], off+whole)
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
	whole := lengthBytes / d.align * d.align
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
		n, err := kernel.WriteVectors(d.direct, buffers, off+done)
		if err != nil {
			return d.classify("write", err)
		}
		if int64(n) < batch {
			// The kernel stopped part way, as it does in front of a bad
			// block: the caller narrows that down.
			return fmt.Errorf("write %s at %d: %w, %d of %d bytes", filepath.Base(d.facts.Path), off+done, io.ErrShortWrite, n, batch)
		}
		done += batch
	}
	if whole == lengthBytes {
		return nil
	}
	// The odd tail is shorter than a block, and a pattern lies in memory in
	// whole pages, so it is in one piece.
	_, err := d.cached.WriteAt(from(whole)[:lengthBytes-whole], off+whole)
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
	}
	return fmt.Errorf("%s %s: %w", what, filepath.Base(d.facts.Path), err)
}

// Sync implements erase.Device: fsync, which for a block device also has the
// drive empty its own cache.
func (d *Drive) Sync() error {
	err := d.direct.Sync()
	if err == nil && d.cached != d.direct {
		err = d.cached.Sync()
	}
	return d.classify("flush", err)
}

// Forget implements erase.Device.
func (d *Drive) Forget() (string, error) {
	if d.block {
		return "direct", kernel.FlushBuffers(d.direct)
	}
	if err := kernel.DropCache(d.cached); err != nil {
		return "", err
	}
	if d.direct == d.cached {
		return "cache-dropped", nil
	}
	return "direct", nil
}

// Check implements erase.Device.
func (d *Drive) Check() error {
	size, err := kernel.SizeBytes(d.direct)
	if err != nil {
		return fmt.Errorf("%w: %w", erase.ErrGone, err)
	}
	if size != d.size {
		return fmt.Errorf("%w: it had %d bytes and has %d", erase.ErrSizeChanged, d.size, size)
	}
	return d.same()
}

// Close gives the drive back, makes the kernel look at its partitions again,
// and frees the memory. It must not be called while a transfer is under way.
func (d *Drive) Close() error {
	var errs []error
	if d.direct != nil {
		if d.block && d.size > 0 {
			errs = append(errs, kernel.RereadPartitions(d.direct))
		}
		errs = append(errs, d.direct.Close())
	}
	if d.cached != nil && d.cached != d.direct {
		errs = append(errs, d.cached.Close())
	}
	return errors.Join(append(errs, d.arena.Free())...)
}
