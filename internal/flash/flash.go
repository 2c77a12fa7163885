// Package flash puts the image of a boot stick on a stick: it writes it, fits
// its partition table to the stick's size, and reads everything back.
package flash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ombruk/ombruk/internal/stick"
)

// What [Open] and [Image.Write] refuse or find.
var (
	// ErrNotOurs means that a file is no image of a boot stick of ours.
	ErrNotOurs  = errors.New("not the image of a boot stick")
	ErrTooSmall = errors.New("too small")
	// ErrDiffers means that a stick gave back something else than was written.
	ErrDiffers = errors.New("something else was read back than was written")
)

// headBytes is how much is written last: the partition table. Without it
// nothing starts from a stick that is not finished.
const headBytes = 1 << 20

// BlockBytes is the size of the blocks that a stick must have.
const BlockBytes = sectorBytes

// chunkBytes is one transfer.
const chunkBytes = 4 << 20

// Device is what an image is written to; drive.Drive is one.
type Device interface {
	io.ReaderAt
	io.WriterAt
	SizeBytes() int64
	// Alloc gives memory for transfers.
	Alloc(sizeBytes int) ([]byte, error)
	// Sync returns when what was written is on the medium, and Forget makes
	// sure that reading asks the medium.
	Sync() error
	Forget() (string, error)
}

// Image is the image of a boot stick, looked at.
type Image struct {
	r     io.ReaderAt
	size  int64
	table *table
	data  int // number of the data partition in the table
}

// Open looks at an image. Anything but a whole, undamaged partition table with
// the partitions of a boot stick of ours is [ErrNotOurs].
func Open(r io.ReaderAt, sizeBytes int64) (*Image, error) {
	im, err := open(r, sizeBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	return im, nil
}

func open(r io.ReaderAt, sizeBytes int64) (*Image, error) {
	head := make([]byte, min(sizeBytes, headBytes))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if packer := compressed(head); packer != "" {
		return nil, fmt.Errorf("it is compressed: unpack it with %s first", packer)
	}
	t, err := readTable(head)
	if err != nil {
		return nil, err
	}
	im := &Image{r: r, size: sizeBytes, table: t, data: t.find(stick.DataName)}
	if t.find(stick.ESPName) < 0 || im.data < 0 {
		return nil, fmt.Errorf("it has no partitions called %s and %s", stick.ESPName, stick.DataName)
	}
	if end := (t.backupLBA + 1) * sectorBytes; end != sizeBytes {
		return nil, fmt.Errorf("its partition table is for %d bytes, and it has %d: it was cut off or not copied whole", end, sizeBytes)
	}
	for _, p := range t.partitions {
		if p.used() && p.last() > t.lastUsable {
			return nil, errors.New("a partition reaches beyond its end")
		}
	}
	return im, nil
}

// compressed names the program that unpacks what begins with head.
func compressed(head []byte) string {
	for packer, magic := range map[string]string{"gunzip": "\x1f\x8b", "unzstd": "\x28\xb5\x2f\xfd", "unxz": "\xfd7zXZ"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return packer
		}
	}
	return ""
}

// SizeBytes is the least that a stick must have.
func (im *Image) SizeBytes() int64 { return im.size }

// Progress is how far writing is. Everything is written, then read.
type Progress struct {
	Reading               bool
	DoneBytes, TotalBytes int64 // of writing, or of reading
}

// Result is what became of a stick.
type Result struct {
	WrittenBytes int64
	// DataBytes is the size of the data partition, UnusedBytes what no
	// partition has at the end of the stick.
	DataBytes, UnusedBytes int64
}

// segment is a piece of the finished stick.
type segment struct {
	at, size int64
	from     io.ReaderAt // read from 0
}

// layout is the finished stick. What lies between the segments does not matter.
type layout struct {
	head   segment
	others []segment
	result Result
}

// Write puts the image on a device, whose every byte may be lost: first the
// partition table is wiped, so that nothing starts from half a stick, and comes
// back last. A larger stick gets the partition table in its own size, and a
// data partition that is still empty all the room there is. Then everything is
// read from the medium and compared; [ErrDiffers] names the first place.
// However it ends early, the stick is not to be used.
func (im *Image) Write(ctx context.Context, d Device, progress func(Progress)) (Result, error) {
	l, err := im.layout(d.SizeBytes())
	if err != nil {
		return Result{}, err
	}
	w := &writer{ctx: ctx, d: d}
	if w.ours, err = d.Alloc(chunkBytes); err != nil {
		return Result{}, err
	}
	if w.theirs, err = d.Alloc(chunkBytes); err != nil {
		return Result{}, err
	}
	total := l.head.size
	for _, s := range l.others {
		total += s.size
	}
	// The head is read twice, and written in between.
	w.report = func(reading bool, done int64) { progress(Progress{reading, min(done, total), total}) }
	nothing := segment{0, headBytes, sparse{size: headBytes}}
	if err := w.write(append([]segment{nothing}, l.others...)); err != nil {
		return Result{}, err
	}
	if err := w.compare(append([]segment{nothing}, l.others...)); err != nil {
		return Result{}, err
	}
	if err := w.write([]segment{l.head}); err != nil {
		return Result{}, err
	}
	// A stick that is smaller than it says may have put its end over its
	// beginning, so the end is looked at once more.
	again := []segment{l.head}
	if n := len(l.others); n > 0 {
		again = append(again, l.others[n-1])
	}
	if err := w.compare(again); err != nil {
		return Result{}, err
	}
	l.result.WrittenBytes = total
	return l.result, nil
}

// writer moves bytes between a device and where they come from.
type writer struct {
	ctx          context.Context
	d            Device
	ours, theirs []byte
	report       func(reading bool, done int64)
	written      int64
	compared     int64
}

// write writes segments and waits until they are on the medium.
func (w *writer) write(segments []segment) error {
	err := w.each(segments, func(at int64, ours []byte) error {
		if _, err := w.d.WriteAt(ours, at); err != nil {
			return err
		}
		if w.written += int64(len(ours)); w.compared == 0 { // else it is the table, which comes last
			w.report(false, w.written)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.d.Sync()
}

// compare reads segments from the medium.
func (w *writer) compare(segments []segment) error {
	if _, err := w.d.Forget(); err != nil {
		return err
	}
	return w.each(segments, func(at int64, ours []byte) error {
		theirs := w.theirs[:len(ours)]
		if _, err := w.d.ReadAt(theirs, at); err != nil {
			return err
		}
		if !bytes.Equal(ours, theirs) {
			i := 0
			for ours[i] == theirs[i] {
				i++
			}
			return fmt.Errorf("%w, first at byte %d", ErrDiffers, at+int64(i))
		}
		w.compared += int64(len(ours))
		w.report(true, w.compared)
		return nil
	})
}

// each calls do for every piece of the segments as it is to be.
func (w *writer) each(segments []segment, do func(at int64, ours []byte) error) error {
	for _, s := range segments {
		for done := int64(0); done < s.size; {
			if err := w.ctx.Err(); err != nil {
				return err
			}
			ours := w.ours[:min(chunkBytes, s.size-done)]
			if _, err := s.from.ReadAt(ours, done); err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read the image: %w", err)
			}
			if err := do(s.at+done, ours); err != nil {
				return err
			}
			done += int64(len(ours))
		}
	}
	return nil
}

// layout fits the image to a device.
func (im *Image) layout(sizeBytes int64) (*layout, error) {
	if sizeBytes < im.size {
		return nil, fmt.Errorf("%w: it has %d bytes and the image %d", ErrTooSmall, sizeBytes, im.size)
	}
	t := im.table.clone()
	data := &t.partitions[im.data]
	l := &layout{}
	image := func(from, to int64) {
		l.others = append(l.others, segment{from, to - from, io.NewSectionReader(im.r, from, to-from)})
	}
	// It is written last, as it was at the beginning.
	head := make([]byte, headBytes)
	if _, err := im.r.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("read the image: %w", err)
	}
	if sizeBytes == im.size {
		l.result.DataBytes = data.sizeBytes()
		l.head = segment{0, headBytes, bytes.NewReader(head)}
		image(headBytes, im.size)
		return l, nil
	}
	t.resize(sizeBytes)
	old, err := readFAT(io.NewSectionReader(im.r, data.first()*sectorBytes, data.sizeBytes()))
	if err != nil {
		return nil, fmt.Errorf("%w: its data partition: %w", ErrNotOurs, err)
	}
	room := t.roomFor(im.data)
	if grown := old.resized(data.first(), room); grown != nil {
		image(headBytes, data.first()*sectorBytes)
		data.setLast(data.first() + grown.sectors - 1)
		fs := grown.front()
		l.others = append(l.others, segment{data.first() * sectorBytes, fs.size, fs})
	} else {
		// What is after the last partition is the image's own copy of the
		// table, which would be found where it no longer belongs.
		image(headBytes, (im.table.lastUsable+1)*sectorBytes)
	}
	l.result.DataBytes = data.sizeBytes()
	l.result.UnusedBytes = (t.lastUsable - t.lastUsed()) * sectorBytes
	if l.result.UnusedBytes < headBytes {
		l.result.UnusedBytes = 0
	}
	backup := t.write(head)
	l.head = segment{0, headBytes, bytes.NewReader(head)}
	l.others = append(l.others, segment{sizeBytes - int64(len(backup)), int64(len(backup)), bytes.NewReader(backup)})
	return l, nil
}

// sparse is zeros with some pieces in between.
type sparse struct {
	size   int64
	pieces map[int64][]byte // by where they begin
}

// ReadAt implements io.ReaderAt.
func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	n := int(max(0, min(int64(len(p)), s.size-off)))
	clear(p[:n])
	for at, piece := range s.pieces {
		if at < off+int64(n) && at+int64(len(piece)) > off {
			copy(p[max(0, at-off):n], piece[max(0, off-at):])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
