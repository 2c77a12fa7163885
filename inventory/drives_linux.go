package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Drives lists the drives of the machine in natural order of their names, each
// physical drive once, with everything found that uses it. Loop, RAM and
// assembled devices, optical drives and empty card slots are not drives. The
// error is ctx's, or says that /sys/block cannot be read.
func (s Source) Drives(ctx context.Context) ([]Drive, error) {
	drives, _, err := s.drives(ctx)
	return drives, err
}

func (s Source) drives(ctx context.Context) (drives []Drive, notes []string, err error) {
	t := newTree(s.Root)
	if _, err := t.list("/sys/block"); err != nil {
		return []Drive{}, nil, fmt.Errorf("list drives: %w", err)
	}
	r := &reader{blocks: readBlocks(t)}
	u, err := r.readUsage(ctx)
	if err != nil {
		return []Drive{}, nil, fmt.Errorf("list drives: %w", err)
	}
	drives = []Drive{}
	var behind [][]*block
	for _, b := range r.all {
		d := r.facts(b)
		if !isDrive(d) {
			continue
		}
		if i := slices.IndexFunc(drives, func(other Drive) bool { return samePhysical(d, other) }); i >= 0 {
			drives[i].AlsoAt = append(drives[i].AlsoAt, d.Path)
			behind[i] = append(behind[i], b)
			continue
		}
		drives, behind = append(drives, d), append(behind, []*block{b})
	}
	for i := range drives {
		drives[i].Uses = u.of(behind[i], nil)
		drives[i].Siblings = slices.DeleteFunc(drives[i].Siblings, func(p string) bool { return slices.Contains(drives[i].AlsoAt, p) })
	}
	return drives, r.notes, nil
}

// samePhysical reports whether two entries are two ways to one drive: the two
// ports of a SAS drive, or the paths to a logical unit of a storage network.
// Only world-wide name and serial together tell; a drive with neither is never
// taken for another. Other buses have no second way.
func samePhysical(a, b Drive) bool {
	switch a.Bus {
	case BusSAS, BusSCSI, BusFabric:
	default:
		return false
	}
	return a.Bus == b.Bus && a.WWN != "" && a.WWN == b.WWN && a.Serial != "" && a.Serial == b.Serial &&
		a.CapacityBytes == b.CapacityBytes && a.Model == b.Model && a.PartitionOf == "" && b.PartitionOf == ""
}

// Drive reads one target: a block device by any path that leads to its node, or
// a regular file that stands for a drive. A partition is given with PartitionOf
// set; device-mapper, md and the like with [BusVirtual]. The block size of a
// file is 512 whatever its size, so that its last block may be a short one.
//
// The error wraps [ErrNotFound], [ErrNotADrive] or [ErrEmpty] and names the
// path and the cause.
func (s Source) Drive(ctx context.Context, name string) (Drive, error) {
	problem := func(sentinel error, cause string) (Drive, error) {
		return Drive{}, fmt.Errorf("look at %s: %w: %s", name, sentinel, cause)
	}
	if name == "" {
		return problem(ErrNotFound, "the path is empty")
	}
	t := newTree(s.Root)
	real, err := t.resolve(name)
	r := &reader{blocks: readBlocks(t)}
	var n node
	if err == nil {
		n, err = r.stat(real)
	}
	switch {
	case errors.Is(err, errLoop):
		return problem(ErrNotADrive, "its symbolic links lead in a circle")
	case errors.Is(err, fs.ErrNotExist):
		return problem(ErrNotFound, "there is no such file or device")
	case err != nil:
		return Drive{}, fmt.Errorf("look at %s: %w", name, err)
	case n.mode == 0:
		return s.image(ctx, r, name, real, n)
	case n.block == "":
		return problem(ErrNotADrive, kindName(n.mode))
	}
	b := r.byNumber[n.block]
	if b == nil {
		return problem(ErrNotFound, "no device answers to the node's number "+n.block)
	}
	d := r.facts(b)
	if d.CapacityBytes == 0 {
		return problem(ErrEmpty, "it holds no medium, or has none that can be addressed")
	}
	d.Path = real
	// The other ways to the same drive count as it.
	same := []*block{b}
	for _, other := range r.all {
		if other != b && other.whole == nil && b.whole == nil && samePhysical(d, r.facts(other)) {
			same = append(same, other)
			d.AlsoAt = append(d.AlsoAt, other.node)
		}
	}
	d.Siblings = slices.DeleteFunc(d.Siblings, func(p string) bool { return slices.Contains(d.AlsoAt, p) })
	var files []imageFile
	for _, lower := range append([]*block{b}, downward(b)...) {
		if lower.backingNode != nil && lower.backingNode.mode == 0 {
			files = append(files, imageFile{path: lower.backing, id: lower.backingNode.file, size: lower.backingNode.size})
		}
	}
	u, err := r.readUsage(ctx, files...)
	if err != nil {
		return Drive{}, fmt.Errorf("look at %s: %w", name, err)
	}
	d.Uses = u.of(same, nil)
	return d, nil
}

// image reads a regular file as a drive.
func (s Source) image(ctx context.Context, r *reader, name, real string, n node) (Drive, error) {
	if n.size == 0 {
		return Drive{}, fmt.Errorf("look at %s: %w: the file is empty", name, ErrEmpty)
	}
	file := imageFile{path: real, id: n.file, size: n.size}
	u, err := r.readUsage(ctx, file)
	if err != nil {
		return Drive{}, fmt.Errorf("look at %s: %w", name, err)
	}
	return Drive{
		Path: real, Bus: BusImage, Media: MediaImage,
		CapacityBytes: n.size, LogicalBlockBytes: 512, PhysicalBlockBytes: 512,
		ReadOnly: r.onReadOnly(real), DeviceNumber: n.file.String(),
		Uses: u.of(nil, &file),
	}, nil
}

func kindName(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeDir != 0:
		return "it is a directory"
	case mode&fs.ModeCharDevice != 0:
		return "it is a character device"
	case mode&fs.ModeNamedPipe != 0:
		return "it is a named pipe"
	case mode&fs.ModeSocket != 0:
		return "it is a socket"
	default:
		return "it is neither a block device nor a regular file"
	}
}
