package inventory

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// block is one block device as sysfs shows it: a whole one, a partition, or
// one that is made of others.
type block struct {
	name   string // the kernel's: sda, sda1, dm-0, cciss!c0d0
	dir    string // in sysfs, links resolved
	number string // "major:minor"
	node   string // the kernel's path: /dev/sda
	alias  string // the name people know: /dev/mapper/vg0-root; else as node
	uevent map[string]string
	whole  *block // of a partition
	parts  []*block
	// holders are the devices built on this one: device-mapper, md, bcache,
	// and loop devices backed by it. slaves are those this one is built on.
	holders, slaves []*block
	// backing is the path of a loop device's backing file, empty otherwise;
	// backingNode is what that path leads to, when it can be told.
	backing     string
	backingNode *node
}

// blocks are all block devices of a tree.
type blocks struct {
	tree
	all      []*block // whole devices in natural order, each followed by its partitions
	byName   map[string]*block
	byNumber map[string]*block
	byNode   map[string]*block
}

// hiddenPath matches the path devices of NVMe multipath, which have no node.
var hiddenPath = regexp.MustCompile(`^nvme\d+c\d+n\d+$`)

func noBlocks(t tree) *blocks {
	return &blocks{tree: t, byName: map[string]*block{}, byNumber: map[string]*block{}, byNode: map[string]*block{}}
}

// readBlock reads one device, and the whole one if it is a partition. How it
// hangs together with others is left out.
func readBlock(t tree, number string) *blocks {
	b := noBlocks(t)
	dir := t.dir("/sys/dev/block", number)
	if dir == "" {
		return readBlocks(t)
	}
	var whole *block
	if t.exists(dir, "partition") {
		above := path.Dir(dir)
		whole = b.add(path.Base(above), above, nil)
	}
	b.add(path.Base(dir), dir, whole)
	return b
}

// readBlocks reads /sys/block. It needs no udev.
func readBlocks(t tree) *blocks {
	b := noBlocks(t)
	for _, name := range t.names("/sys/block") {
		if hiddenPath.MatchString(name) || t.text("/sys/block", name, "hidden") == "1" {
			continue
		}
		whole := b.add(name, t.dir("/sys/block", name), nil)
		if whole == nil {
			continue
		}
		for _, part := range t.names(whole.dir) {
			if t.exists(whole.dir, part, "partition") {
				if p := b.add(part, path.Join(whole.dir, part), whole); p != nil {
					whole.parts = append(whole.parts, p)
				}
			}
		}
	}
	for _, d := range b.all {
		for _, name := range t.names(d.dir, "slaves") {
			b.join(b.byName[name], d)
		}
		for _, name := range t.names(d.dir, "holders") {
			b.join(d, b.byName[name])
		}
		if d.backing == "" {
			continue
		}
		if n, err := b.stat(strings.TrimSuffix(d.backing, " (deleted)")); err == nil {
			d.backingNode = &n
			b.join(b.byNumber[n.block], d)
		}
	}
	return b
}

// add reads one device; nil when it has no device number.
func (b *blocks) add(name, dir string, whole *block) *block {
	d := &block{name: name, dir: dir, whole: whole, number: b.text(dir, "dev"), uevent: map[string]string{}}
	if dir == "" || d.number == "" {
		return nil
	}
	for line := range strings.Lines(b.text(dir, "uevent")) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			d.uevent[key] = value
		}
	}
	d.node = "/dev/" + strings.ReplaceAll(name, "!", "/")
	if devname := d.uevent["DEVNAME"]; devname != "" && path.Clean(devname) == devname && !strings.HasPrefix(devname, ".") {
		d.node = path.Join("/dev", devname)
	}
	d.alias = d.node
	if mapped := b.text(dir, "dm", "name"); mapped != "" {
		d.alias = "/dev/mapper/" + mapped
	}
	d.backing = b.text(dir, "loop", "backing_file")
	b.all = append(b.all, d)
	b.byName[name], b.byNumber[d.number], b.byNode[d.node], b.byNode[d.alias] = d, d, d, d
	return d
}

// join records that upper is built on lower.
func (b *blocks) join(lower, upper *block) {
	if lower == nil || upper == nil || lower == upper {
		return
	}
	for _, known := range lower.holders {
		if known == upper {
			return
		}
	}
	lower.holders = append(lower.holders, upper)
	upper.slaves = append(upper.slaves, lower)
}

// stat is that of the tree, but that in a captured tree a path under /dev is
// the block device that sysfs gives this node.
func (b *blocks) stat(name string) (node, error) {
	if !b.live() {
		if real, err := b.resolve(name); err == nil && b.byNode[real] != nil {
			return blockNode(b.byNode[real].number), nil
		}
	}
	return b.tree.stat(name)
}

// at finds the block device that a path leads to; nil when it is none.
func (b *blocks) at(name string) *block {
	if d := b.byNode[name]; d != nil {
		return d
	}
	if !strings.HasPrefix(name, "/") {
		return nil
	}
	n, err := b.stat(name)
	if err != nil {
		return nil
	}
	return b.byNumber[n.block]
}

// upward gives the devices with everything that is built on them: partitions
// and holders, and theirs. Each is given once, the nearest first.
func upward(from ...*block) []*block {
	return spread(from, func(d *block) []*block { return append(append([]*block{}, d.parts...), d.holders...) })
}

// downward gives what the devices are built on: whole devices of partitions
// and slaves, and theirs, without the devices themselves.
func downward(from ...*block) []*block {
	return spread(from, func(d *block) []*block {
		if d.whole != nil {
			return append([]*block{d.whole}, d.slaves...)
		}
		return d.slaves
	})[len(from):]
}

func spread(from []*block, next func(*block) []*block) []*block {
	seen := map[*block]bool{}
	var all []*block
	for queue := from; len(queue) > 0; queue = queue[1:] {
		if d := queue[0]; !seen[d] {
			seen[d] = true
			all = append(all, d)
			queue = append(queue[:len(queue):len(queue)], next(d)...)
		}
	}
	return all
}

// describe names a device that holds another, for people.
func (b *blocks) describe(d *block) string {
	if mapped := b.text(d.dir, "dm", "name"); mapped != "" {
		uuid := b.text(d.dir, "dm", "uuid")
		switch {
		case strings.HasPrefix(uuid, "LVM-"):
			return "LVM volume " + cleaned(mapped)
		case strings.HasPrefix(uuid, "CRYPT-"):
			return "encrypted volume " + cleaned(mapped)
		case strings.HasPrefix(uuid, "mpath-"):
			return "multipath device " + cleaned(mapped)
		default:
			return "device-mapper volume " + cleaned(mapped)
		}
	}
	if level := b.text(d.dir, "md", "level"); level != "" {
		return fmt.Sprintf("%s (%s)", d.name, cleaned(level))
	}
	return d.name
}
