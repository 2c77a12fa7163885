package inventory

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
)

// bootLabel begins the names of the partitions of our own boot stick.
const bootLabel = "OMBRUK"

// bootPoints are the mount points of the medium a system was started from, for
// installed systems and for the live systems in use.
var bootPoints = []string{
	"/", "/boot", "/boot/efi", "/efi", "/cdrom", "/run/live/medium", "/lib/live/mount/medium",
	"/run/initramfs/live", "/run/archiso/bootmnt", "/run/miso/bootmnt",
}

// fact is one observed use of one block device.
type fact struct {
	on     *block
	kind   UseKind
	holder string
}

// usage is who uses what on a system at one moment.
type usage struct {
	*reader
	facts []fact
	// files are the uses of the files that were asked about.
	files map[fileID][]Use
}

// readUsage looks at everything that may use a block device, and at what may
// use one of the given files.
func (r *reader) readUsage(ctx context.Context, files ...imageFile) (*usage, error) {
	u := &usage{reader: r, files: map[fileID][]Use{}}
	procs, err := readProcesses(ctx, r, files)
	if err != nil {
		return nil, err
	}
	u.bootHints(procs)
	u.mounts(procs)
	u.btrfs(procs)
	u.zfs()
	u.swaps(files)
	for _, d := range r.all {
		if r.exists(d.dir, "bcache") && len(d.holders) == 0 {
			u.add(d, UseHolder, "bcache")
		}
	}
	for _, o := range procs.opens {
		u.add(o.block, UseOpen, o.who)
	}
	for _, f := range files {
		for _, o := range procs.fileOpens[f.id] {
			u.files[f.id] = append(u.files[f.id], Use{Kind: UseOpen, Holder: o})
		}
	}
	return u, nil
}

func (u *usage) add(on *block, kind UseKind, holder string) {
	if on != nil {
		u.facts = append(u.facts, fact{on, kind, holder})
	}
}

// of gives the uses of one drive, which may be seen as several devices (its
// paths), or of an image file, whose devices are the loops over it.
func (u *usage) of(devices []*block, file *imageFile) []Use {
	own := map[*block]bool{}
	for _, d := range devices {
		own[d] = true
	}
	uses := []Use{}
	add := func(kind UseKind, on *block, holder string) {
		use := Use{Kind: kind, Holder: holder}
		if on != nil && !own[on] {
			use.Device = on.alias
		}
		if !slices.Contains(uses, use) {
			uses = append(uses, use)
		}
	}
	below := downward(devices...)
	roots := slices.Clone(devices)
	ids := map[fileID]bool{}
	if file != nil {
		ids[file.id] = true
	}
	// A loop device does not keep others off what is beneath it, as
	// device-mapper and md do: whoever uses that uses the same blocks.
	for _, d := range append(slices.Clone(devices), below...) {
		switch n := d.backingNode; {
		case n == nil:
		case n.block == "":
			ids[n.file] = true
		case u.byNumber[n.block] != nil && !slices.Contains(roots, u.byNumber[n.block]):
			roots = append(roots, u.byNumber[n.block])
		}
	}
	for _, loop := range u.all {
		if loop.backing == "" || own[loop] || slices.Contains(below, loop) {
			continue
		}
		if loop.backingNode != nil && ids[loop.backingNode.file] || file != nil && u.mayBack(loop, *file) {
			roots = append(roots, loop)
			add(UseHolder, nil, loop.name)
		}
	}
	for id := range ids {
		for _, use := range u.files[id] {
			add(use.Kind, nil, use.Holder)
		}
	}

	above := upward(roots...)
	below = downward(roots...)
	// Whatever the boot medium's other partitions hold, it is one medium.
	family := slices.Clone(above)
	for _, d := range below {
		if d.whole == nil && len(d.parts) > 0 {
			family = append(family, upward(d)...)
		}
	}
	for _, f := range u.facts {
		if f.kind == UseBootMedium && (slices.Contains(family, f.on) || slices.Contains(below, f.on)) ||
			f.kind != UseBootMedium && (slices.Contains(above, f.on) || slices.Contains(below, f.on)) {
			add(f.kind, f.on, f.holder)
		}
	}
	for _, d := range above {
		for _, h := range d.holders {
			if !own[h] && !slices.Contains(below, h) {
				add(UseHolder, d, u.describe(h))
			}
		}
	}
	for _, d := range devices {
		if d.whole != nil {
			for _, h := range d.whole.holders {
				add(UseHolder, d.whole, u.describe(h))
			}
		}
	}
	return inOrder(uses)
}

// mayBack reports whether a loop device whose backing file cannot be reached
// by its path (another mount namespace, a bind mount) may be over this file:
// the name and the size are the same.
func (u *usage) mayBack(loop *block, file imageFile) bool {
	return loop.backingNode == nil && path.Base(loop.backing) == path.Base(file.path) &&
		u.number(loop.dir, "size") == file.size/512
}

// inOrder sorts uses into the order in which a person should be told and
// leaves out a mount that the boot medium was known by.
func inOrder(uses []Use) []Use {
	told := func(m Use) bool {
		return m.Kind == UseMounted && slices.ContainsFunc(uses, func(b Use) bool {
			return b.Kind == UseBootMedium && b.Device == m.Device && b.Holder == "mounted on "+m.Holder
		})
	}
	ordered := []Use{}
	for _, kind := range []UseKind{UseBootMedium, UseMounted, UseSwap, UseHolder, UseExclusive, UseOpen} {
		for _, use := range uses {
			if use.Kind == kind && !told(use) {
				ordered = append(ordered, use)
			}
		}
	}
	return ordered
}

// mounts records every mount of every namespace on the devices beneath it.
func (u *usage) mounts(procs *processes) {
	type place struct{ number, point string }
	seen := map[place]bool{}
	for _, ns := range procs.namespaces {
		for _, m := range ns.mounts {
			at := place{m.number, m.point}
			if ns.foreign && seen[at] {
				continue
			}
			seen[at] = true
			holder := cleaned(m.point)
			if ns.foreign {
				holder += fmt.Sprintf(" (mount namespace of process %d)", ns.pid)
			}
			for _, d := range u.beneath(m) {
				u.add(d, UseMounted, holder)
			}
		}
	}
}

// beneath finds the block devices of a mount: by device number, by source
// (which several file systems give as a list), and by the options that name
// further devices. btrfs and ZFS are completed elsewhere.
func (u *usage) beneath(m mount) []*block {
	var found []*block
	add := func(d *block) {
		if d != nil && !slices.Contains(found, d) {
			found = append(found, d)
		}
	}
	add(u.byNumber[m.number])
	for _, source := range strings.Split(m.source, ":/") {
		if !strings.HasPrefix(source, "/") {
			source = "/" + source
		}
		if strings.HasPrefix(source, "/dev/") {
			add(u.at(source))
		}
	}
	for _, option := range m.options {
		if key, value, ok := strings.Cut(option, "="); ok && (key == "logdev" || key == "rtdev" || key == "journal_path") {
			add(u.at(unescapeOctal(value)))
		}
	}
	return found
}

// btrfs records the members of mounted multi-device file systems; sysfs lists
// a file system only while it is mounted.
func (u *usage) btrfs(procs *processes) {
	for _, uuid := range u.names("/sys/fs/btrfs") {
		var members []*block
		for _, name := range u.names("/sys/fs/btrfs", uuid, "devices") {
			if d := u.byName[name]; d != nil {
				members = append(members, d)
			}
		}
		points := []string{}
		for _, ns := range procs.namespaces {
			for _, m := range ns.mounts {
				if m.kind == "btrfs" && slices.ContainsFunc(u.beneath(m), func(d *block) bool { return slices.Contains(members, d) }) {
					points = append(points, cleaned(m.point))
				}
			}
		}
		if len(points) == 0 {
			points = []string{"btrfs " + uuid}
		}
		for _, d := range members {
			for _, point := range slices.Compact(points) {
				if !slices.Contains(u.facts, fact{d, UseMounted, point}) {
					u.add(d, UseMounted, point)
				}
			}
		}
	}
}

// zfs records the members of imported pools. The kernel does not list them;
// their labels do, and are read only while a pool is imported. A label of a
// pool that is not imported is not a use: somebody's old pool may be erased.
func (u *usage) zfs() {
	var pools []string
	for _, name := range u.names("/proc/spl/kstat/zfs") {
		if u.exists("/proc/spl/kstat/zfs", name, "io") || u.exists("/proc/spl/kstat/zfs", name, "state") {
			pools = append(pools, name)
		}
	}
	if len(pools) == 0 {
		return
	}
	for _, d := range u.all {
		if u.number(d.dir, "size") < 1024 {
			continue
		}
		label, err := u.head(d.node, 256<<10)
		if err != nil {
			u.note("ZFS pools are imported and the label of " + d.node + " cannot be read: " + err.Error())
			continue
		}
		if pool := zfsPool(label, pools); pool != "" {
			u.add(d, UseHolder, "ZFS pool "+cleaned(pool))
		}
	}
}

// zfsPool gives the one of the pools that a vdev label names: an XDR name-value
// list from 16 KiB, uberblocks from 128 KiB (OpenZFS, vdev_impl.h).
func zfsPool(label []byte, pools []string) string {
	if len(label) < 256<<10 {
		return ""
	}
	isMember := false
	for at := 128 << 10; at < 256<<10; at += 1024 {
		const magic = 0x00bab10c
		isMember = isMember || binary.LittleEndian.Uint64(label[at:]) == magic || binary.BigEndian.Uint64(label[at:]) == magic
	}
	if !isMember {
		return ""
	}
	for _, pool := range pools {
		xdr := binary.BigEndian.AppendUint32(nil, uint32(len(pool)))
		if bytes.Contains(label[16<<10:128<<10], append(xdr, pool...)) {
			return pool
		}
	}
	return ""
}

// swaps records active swap partitions and files.
func (u *usage) swaps(files []imageFile) {
	for _, area := range parseSwaps(u.text("/proc/swaps")) {
		if !area.file {
			u.add(u.at(area.path), UseSwap, "swap")
			continue
		}
		if n, err := u.stat(area.path); err == nil {
			for _, f := range files {
				if f.id == n.file {
					u.files[f.id] = append(u.files[f.id], Use{Kind: UseSwap, Holder: "swap"})
				}
			}
		}
	}
}

// bootHints records what points to the medium this system was started from.
func (u *usage) bootHints(procs *processes) {
	mounts := procs.ofInit
	for _, m := range mounts {
		if slices.Contains(bootPoints, m.point) {
			u.bootMount(mounts, m, "mounted on "+m.point, 0)
		}
	}
	for _, d := range u.all {
		if name := d.uevent["PARTNAME"]; strings.HasPrefix(strings.ToUpper(name), bootLabel) {
			u.add(d, UseBootMedium, byName+cleaned(name))
		}
	}
	if id := u.loaderPartition(); id != "" {
		u.add(u.byPartUUID(id), UseBootMedium, "the boot loader came from it")
	}
	for _, word := range strings.Fields(u.text("/proc/cmdline")) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "root", "boot", "bootdev", "live-media", "img_dev", "archisodevice", "BOOT_IMAGE":
			u.add(u.bySpec(strings.Trim(value, `"`)), UseBootMedium, "the kernel command line says "+cleaned(key+"="+value))
		}
	}
}

// bootMount records the devices of a boot mount, also when it is an overlay or
// lies in a file on another file system. depth ends what goes in circles.
func (u *usage) bootMount(mounts []mount, m mount, how string, depth int) {
	if depth > 8 {
		return
	}
	under := func(file string) {
		if holding, ok := mountHolding(mounts, file); ok && holding.point != m.point {
			u.bootMount(mounts, holding, how, depth+1)
		}
	}
	for _, d := range u.beneath(m) {
		u.add(d, UseBootMedium, how)
		for _, lower := range append([]*block{d}, downward(d)...) {
			if lower.backing != "" {
				under(lower.backing)
			}
		}
	}
	for _, option := range m.options {
		switch key, value, _ := strings.Cut(option, "="); key {
		case "lowerdir", "upperdir":
			for _, dir := range strings.Split(unescapeOctal(value), ":") {
				under(dir)
			}
		}
	}
}

// loaderPartition reads the EFI variable in which boot loaders leave the
// partition they were loaded from (Boot Loader Interface: four bytes of
// attributes, then UTF-16). Empty when there is none.
func (u *usage) loaderPartition() string {
	const name = "/sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
	b, err := u.head(name, 256)
	if err != nil || len(b) < 6 {
		return ""
	}
	var units []uint16
	for at := 4; at+1 < len(b); at += 2 {
		units = append(units, binary.LittleEndian.Uint16(b[at:]))
	}
	return strings.ToLower(cleaned(string(utf16.Decode(units))))
}

// plainID is a partition or file system id, as it may stand in a path.
var plainID = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)

// byPartUUID finds a partition by its id; nil when there is none.
func (u *usage) byPartUUID(id string) *block {
	for _, d := range u.all {
		if strings.EqualFold(d.uevent["PARTUUID"], id) && id != "" {
			return d
		}
	}
	if !plainID.MatchString(id) {
		return nil
	}
	return u.at("/dev/disk/by-partuuid/" + strings.ToLower(id))
}

// bySpec finds the device that a kernel command line names; nil when it names
// none, or one that cannot be resolved here.
func (u *usage) bySpec(spec string) *block {
	key, value, ok := strings.Cut(spec, "=")
	if !ok {
		if d := u.byNumber[spec]; d != nil {
			return d
		}
		if strings.HasPrefix(spec, "/dev/") {
			return u.at(spec)
		}
		return nil
	}
	switch value = strings.Trim(value, `"`); {
	case key == "PARTUUID":
		return u.byPartUUID(value)
	case key == "PARTLABEL":
		for _, d := range u.all {
			if d.uevent["PARTNAME"] == value && value != "" {
				return d
			}
		}
	case key == "UUID" && plainID.MatchString(value):
		return u.at("/dev/disk/by-uuid/" + value)
	case key == "LABEL" && plainID.MatchString(value):
		return u.at("/dev/disk/by-label/" + value)
	}
	return nil
}
