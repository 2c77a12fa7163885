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
	r, err := s.reader()
	if err != nil {
		return []Drive{}, nil, err
	}
	u, err := r.readUsage(ctx)
	if err != nil {
		return []Drive{}, nil, fmt.Errorf("list drives: %w", err)
	}
	return r.drives(u), r.notes, nil
}

// reader reads what block devices there are.
func (s Source) reader() (*reader, error) {
	t := s.tree()
	if _, err := t.list("/sys/block"); err != nil {
		return nil, fmt.Errorf("list drives: %w", err)
	}
	return &reader{blocks: readBlocks(t)}, nil
}

// drives are all drives with what uses them.
func (r *reader) drives(u *usage) []Drive {
	drives := []Drive{}
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
	return drives
}

// samePhysical reports whether two entries are two ways to one drive: the two
// ports of a SAS drive, or the paths to a logical unit of a storage network.
// Only world-wide name and serial together tell; a drive with neither is never
// taken for another. Other buses have no second way.
func samePhysical(a, b Drive) bool {
	return hasPorts(a.Bus) && a.Bus == b.Bus && a.WWN != "" && a.WWN == b.WWN && a.Serial != "" && a.Serial == b.Serial &&
		a.CapacityBytes == b.CapacityBytes && a.Model == b.Model && a.PartitionOf == "" && b.PartitionOf == ""
}

// hasPorts reports whether a drive on this bus can be reached in two ways.
func hasPorts(b Bus) bool { return b == BusSAS || b == BusSCSI || b == BusFabric }

// Drive reads one target: a block device by any path that leads to its node, or
// a regular file that stands for a drive. A partition is given with PartitionOf
// set; device-mapper, md and the like with [BusVirtual]. The block size of a
// file is 512 whatever its size, so that its last block may be a short one.
//
// The error wraps [ErrNotFound], [ErrNotADrive] or [ErrEmpty] and names the
// path and the cause.
func (s Source) Drive(ctx context.Context, name string) (Drive, error) {
	_, named, errs := s.Targets(ctx, name)
	if errs[0] != nil {
		return Drive{}, errs[0]
	}
	return named[0], nil
}

// Facts reads one target as [Source.Drive] does, but does not look for what
// uses it, which is most of the work.
func (s Source) Facts(name string) (Drive, error) {
	tree := newTree(s.Root)
	b := noBlocks(tree)
	if real, err := tree.resolve(name); !tree.live() {
		b = readBlocks(tree) // a captured tree has no nodes to ask
	} else if n, statErr := tree.stat(real); err == nil && statErr == nil && n.block != "" {
		b = readBlock(tree, n.block)
	}
	t, err := (&reader{blocks: b}).target(name)
	return t.drive, err
}

// Targets reads several targets and, in the same look, all drives of the
// machine. named and errs have one entry for each name; see [Source.Drive].
// What concerns the system as a whole is the error of every name.
func (s Source) Targets(ctx context.Context, names ...string) (all, named []Drive, errs []error) {
	all, named, errs = []Drive{}, make([]Drive, len(names)), make([]error, len(names))
	r := &reader{blocks: readBlocks(newTree(s.Root))}
	targets := make([]target, len(names))
	var files []imageFile
	for i, name := range names {
		targets[i], errs[i] = r.target(name)
		files = append(files, targets[i].files...)
	}
	u, err := r.readUsage(ctx, files...)
	for i, name := range names {
		switch {
		case errs[i] != nil:
		case err != nil:
			errs[i] = fmt.Errorf("look at %s: %w", name, err)
		default:
			named[i] = targets[i].drive
			named[i].Uses = u.of(targets[i].same, targets[i].file)
		}
	}
	if err == nil {
		all = r.drives(u)
	}
	return all, named, errs
}

// target is a drive that was named, before it is known what uses it.
type target struct {
	drive Drive
	// same are the block devices that lead to it, file the file that it is.
	same []*block
	file *imageFile
	// files are the files whose users are its users.
	files []imageFile
}

// target finds what a name stands for.
func (r *reader) target(name string) (target, error) {
	problem := func(sentinel error, cause string) (target, error) {
		return target{}, fmt.Errorf("look at %s: %w: %s", name, sentinel, cause)
	}
	if name == "" {
		return problem(ErrNotFound, "the path is empty")
	}
	real, err := r.resolve(name)
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
		return target{}, fmt.Errorf("look at %s: %w", name, err)
	case n.mode == 0 && n.size == 0:
		return problem(ErrEmpty, "the file is empty")
	case n.mode == 0:
		return r.image(real, n), nil
	case n.block == "":
		return problem(ErrNotADrive, kindName(n.mode))
	}
	b := r.byNumber[n.block]
	if b == nil {
		return problem(ErrNotFound, "no device answers to the node's number "+n.block)
	}
	d := r.facts(b)
	// A disk with blocks that Linux cannot read (520 bytes, from storage
	// arrays) shows no capacity either, and can be put right.
	if disk := (d.Bus == BusSAS || d.Bus == BusSCSI) && !d.Removable; d.CapacityBytes == 0 && !disk {
		return problem(ErrEmpty, "it holds no medium, or has none that can be addressed")
	}
	d.Path = real
	// The other ways to the same drive count as it.
	out := target{same: []*block{b}}
	for _, other := range r.all {
		if other != b && other.whole == nil && b.whole == nil && hasPorts(d.Bus) && samePhysical(d, r.facts(other)) {
			out.same = append(out.same, other)
			d.AlsoAt = append(d.AlsoAt, other.node)
		}
	}
	d.Siblings = slices.DeleteFunc(d.Siblings, func(p string) bool { return slices.Contains(d.AlsoAt, p) })
	for _, lower := range append([]*block{b}, downward(b)...) {
		if lower.backingNode != nil && lower.backingNode.mode == 0 {
			out.files = append(out.files, imageFile{path: lower.backing, id: lower.backingNode.file, size: lower.backingNode.size})
		}
	}
	out.drive = d
	return out, nil
}

// image is a regular file as a drive.
func (r *reader) image(real string, n node) target {
	file := imageFile{path: real, id: n.file, size: n.size}
	return target{file: &file, files: []imageFile{file}, drive: Drive{
		Path: real, Bus: BusImage, Media: MediaImage,
		CapacityBytes: n.size, LogicalBlockBytes: 512, PhysicalBlockBytes: 512,
		ReadOnly: r.onReadOnly(real), DeviceNumber: n.file.String(), Uses: []Use{},
	}}
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
