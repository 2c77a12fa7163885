package inventory

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// captureNote begins every capture.
const captureNote = `This is what ombruk reads of a machine: files of /sys and /proc, the firmware's
SMBIOS table and what the screens say of themselves. 'ombruk inventory --from'
reads it on Linux.

Replaced by what is obviously made up, the same each time it occurs: serial
numbers, asset tags, the UUID, MAC addresses, world-wide names, the Windows
product key. Emptied: structures and strings of the SMBIOS table that only its
maker understands.

Not in it: what the drives themselves answer (SMART, identification), what is
stored on them, what uses them, host and user names, mount points, processes,
networks, and devices connected by Bluetooth.
`

// Capture writes what Machine reads of this system as a tar archive packed with
// gzip, for support and for tests: the same machine gives the same bytes, and
// [Read] gives the same machine again. Everything personal is replaced
// or left out, as the first file in it says.
func (s Source) Capture(ctx context.Context, w io.Writer) error {
	c, err := s.capture(ctx)
	if err == nil {
		err = c.write(w)
	}
	if err != nil {
		return fmt.Errorf("capture machine: %w", err)
	}
	return nil
}

func (s Source) capture(ctx context.Context) (*capture, error) {
	s.log = &treeLog{seen: map[string]look{}}
	m, err := s.Machine(ctx)
	if err != nil {
		return nil, err
	}
	c := &capture{tree: newTree(s.Root), scrub: newScrubber(m), files: map[string][]byte{}, links: map[string]string{}, dirs: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(s.log.seen)) {
		c.add(name, s.log.seen[name])
	}
	c.processors()
	return c, nil
}

// capture is an archive while it is put together. Paths have no leading slash.
type capture struct {
	tree  tree
	scrub *scrubber
	files map[string][]byte
	links map[string]string
	dirs  map[string]bool
	// unknown are files that were read and that nobody has said how to scrub.
	unknown []string
}

// captured are the files of /proc that are taken; of /sys everything is that
// was looked at but for leftOut.
var captured = []string{"/proc/cpuinfo", "/proc/meminfo", "/proc/asound/cards", "/proc/bus/input/devices", "/proc/sys/dev/cdrom/info"}

// leftOut says what uses drives and which tunnels and bridges there are, which
// people give names to and which is nobody's business.
var leftOut = regexp.MustCompile(`/(holders|slaves)(/|$)|^/sys/(devices/virtual/(block|net)|fs)(/|$)|/LoaderDevicePartUUID-|^/sys/block/(dm-|md|loop|ram|zram|bcache|zd)`)

func (c *capture) wants(name string) bool {
	return (strings.HasPrefix(name, "/sys/") || slices.Contains(captured, name)) && !leftOut.MatchString(name)
}

// add takes what was looked at under a name, and the links on the way to it.
func (c *capture) add(name string, how look) {
	if !c.wants(name) {
		return
	}
	at, mode := c.follow(name)
	if at == "" || !c.wants(at) {
		return
	}
	switch {
	case mode.IsDir():
		c.dirs[at[1:]] = true
		if how&lookList != 0 {
			c.entries(at)
		}
	case mode.IsRegular() && how&lookRead != 0:
		b, err := c.tree.bytes(at)
		if err != nil {
			return
		}
		b, ok := c.scrub.file(at, b)
		if !ok {
			c.unknown = append(c.unknown, at)
			return
		}
		c.files[at[1:]] = b
	case mode.IsRegular() && c.files[at[1:]] == nil:
		c.files[at[1:]] = []byte{} // it is there; what is in it nobody asked
	}
}

// entries takes the folders and links of a folder that was listed. Its files
// are taken when they are read.
func (c *capture) entries(dir string) {
	list, _ := os.ReadDir(filepath.Join(c.tree.root, dir))
	for _, e := range list {
		at := path.Join(dir, e.Name())
		switch {
		case dir == efivars:
			// That there are variables tells one that is missing from none
			// that can be seen.
			c.files[path.Join(dir, "scrubbed")[1:]] = []byte{}
		case !c.wants(at):
		case e.IsDir():
			c.dirs[at[1:]] = true
		case e.Type()&fs.ModeSymlink != 0:
			c.link(at)
		}
	}
}

// follow walks to a path, takes the links on the way, and gives where it ends;
// empty where nothing is.
func (c *capture) follow(name string) (at string, mode fs.FileMode) {
	at, err := walk(name, func(at string) (string, error) {
		info, err := os.Lstat(filepath.Join(c.tree.root, at))
		if err != nil {
			return "", err
		}
		if mode = info.Mode(); mode&fs.ModeSymlink == 0 {
			return "", nil
		}
		target, ok := c.link(at)
		if !ok {
			return "", fs.ErrNotExist
		}
		return target, nil
	})
	if err != nil {
		return "", 0
	}
	return at, mode
}

// link takes a symbolic link.
func (c *capture) link(at string) (target string, ok bool) {
	target, err := os.Readlink(filepath.Join(c.tree.root, at))
	if err != nil || strings.HasPrefix(target, "/") && !c.wants(target) || leftOut.MatchString(path.Join(path.Dir(at), target)) {
		return "", false
	}
	c.links[at[1:]] = target
	return target, true
}

// processors takes the topology that ghw reads, which looks at the files itself.
func (c *capture) processors() {
	const dir = "/sys/devices/system/cpu"
	for _, cpu := range c.tree.names(dir) {
		if number, ok := strings.CutPrefix(cpu, "cpu"); !ok || !isDigits(number) {
			continue
		}
		for _, file := range []string{"online", "topology/core_id", "topology/physical_package_id", "topology/thread_siblings", "topology/thread_siblings_list"} {
			c.add(path.Join(dir, cpu, file), lookRead)
		}
	}
}

// write writes the archive: names in order, no times, no owners.
func (c *capture) write(w io.Writer) error {
	packed := gzip.NewWriter(w)
	archive := tar.NewWriter(packed)
	put := func(h tar.Header, content []byte) error {
		h.Size, h.Format = int64(len(content)), tar.FormatPAX
		if err := archive.WriteHeader(&h); err != nil {
			return err
		}
		_, err := archive.Write(content)
		return err
	}
	if err := put(tar.Header{Name: "README", Typeflag: tar.TypeReg, Mode: 0o644}, []byte(captureNote)); err != nil {
		return err
	}
	// Names may hold what is scrubbed too: an interface called after its MAC.
	name := c.scrub.text
	for _, dir := range slices.Sorted(maps.Keys(c.dirs)) {
		if err := put(tar.Header{Name: name(dir) + "/", Typeflag: tar.TypeDir, Mode: 0o755}, nil); err != nil {
			return err
		}
	}
	for _, at := range slices.Sorted(maps.Keys(c.links)) {
		if err := put(tar.Header{Name: name(at), Linkname: name(c.links[at]), Typeflag: tar.TypeSymlink, Mode: 0o777}, nil); err != nil {
			return err
		}
	}
	for _, at := range slices.Sorted(maps.Keys(c.files)) {
		if c.scrub.tells(c.files[at]) {
			continue // nothing is better than something personal
		}
		if err := put(tar.Header{Name: name(at), Typeflag: tar.TypeReg, Mode: 0o644}, c.files[at]); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), packed.Close())
}
