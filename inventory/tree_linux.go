package inventory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAttribute is the most that is read of one file of sysfs or proc; mountinfo
// of a busy server is the largest.
const maxAttribute = 4 << 20

// tree is a file system seen from a root. Paths are absolute below the root;
// in a captured tree symbolic links cannot lead out of it.
type tree struct {
	root string
	// log takes down what is looked at; nil takes nothing.
	log *treeLog
}

func newTree(root string) tree {
	if root == "" {
		root = "/"
	}
	return tree{root: filepath.Clean(root)}
}

// tree is the file system of the source.
func (s Source) tree() tree {
	t := newTree(s.Root)
	t.log = s.log
	return t
}

// live is true for the system we run on.
func (t tree) live() bool { return t.root == "/" }

// errLoop is what resolve gives when links go round.
var errLoop = errors.New("too many symbolic links")

// resolve follows every symbolic link and gives the path below the root.
// In a captured tree what is below /dev may be missing.
func (t tree) resolve(name string) (string, error) {
	t.log.add(name, lookAt)
	if t.live() {
		real, err := filepath.EvalSymlinks(name)
		if err != nil && (errors.Is(err, unix.ELOOP) || strings.Contains(err.Error(), "too many links")) {
			err = errLoop
		}
		return real, err
	}
	return walk(name, func(at string) (string, error) {
		target, err := os.Readlink(filepath.Join(t.root, at))
		switch {
		case err == nil:
			return target, nil
		case errors.Is(err, fs.ErrNotExist) && !strings.HasPrefix(at+"/", "/dev/"):
			return "", &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
		}
		return "", nil
	})
}

// walk follows a path from the root, name by name. Step gives where the link at
// a place leads, or nothing where there is no link; its error ends the walk.
func walk(name string, step func(at string) (target string, err error)) (string, error) {
	done, rest := "/", strings.Split(path.Clean("/"+name), "/")
	for links := 0; len(rest) > 0; {
		next := rest[0]
		rest = rest[1:]
		switch next {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		at := path.Join(done, next)
		target, err := step(at)
		if err != nil {
			return "", err
		}
		if target == "" {
			done = at
			continue
		}
		if links++; links > 40 {
			return "", errLoop
		}
		if strings.HasPrefix(target, "/") {
			done = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done, nil
}

// file gives the path to open on this system. Live, links are left to the
// kernel, for those of /proc are more than text.
func (t tree) file(name string) (string, error) {
	if t.live() {
		return name, nil
	}
	real, err := t.resolve(name)
	return filepath.Join(t.root, real), err
}

// bytes reads a whole file, up to maxAttribute.
func (t tree) bytes(name string) ([]byte, error) {
	return t.head(name, maxAttribute)
}

// head reads at most n bytes from the beginning of a file.
func (t tree) head(name string, n int64) ([]byte, error) {
	t.log.add(name, lookRead)
	real, err := t.file(name)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDONLY
	if !t.live() {
		flags |= unix.O_NONBLOCK | unix.O_NOCTTY // a pipe must not keep us
	}
	f, err := os.OpenFile(real, flags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !t.live() && !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("read %s: not a regular file", name))
	}
	return io.ReadAll(io.LimitReader(f, n))
}

// text reads a file without the line end; empty when it cannot be read.
func (t tree) text(elements ...string) string {
	b, err := t.bytes(path.Join(elements...))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

// number reads a decimal number; -1 when there is none.
func (t tree) number(elements ...string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(t.text(elements...)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// names lists a directory in natural order; nil when it cannot be read.
func (t tree) names(elements ...string) []string {
	names, _ := t.list(path.Join(elements...))
	slices.SortFunc(names, compareNatural)
	return names
}

// list lists a directory in no particular order.
func (t tree) list(name string) ([]string, error) {
	t.log.add(name, lookList)
	real, err := t.file(name)
	if err != nil {
		return nil, err
	}
	d, err := os.Open(real)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// exists reports whether there is something at the path, even a dangling link.
func (t tree) exists(elements ...string) bool {
	t.log.add(path.Join(elements...), lookAt)
	_, err := os.Lstat(filepath.Join(t.root, path.Join(elements...)))
	return err == nil
}

// link gives the target of a symbolic link as written; empty when it is none.
func (t tree) link(elements ...string) string {
	t.log.add(path.Join(elements...), lookAt)
	target, err := os.Readlink(filepath.Join(t.root, path.Join(elements...)))
	if err != nil {
		return ""
	}
	return target
}

// linkBase is the last element of a symbolic link's target.
func (t tree) linkBase(elements ...string) string {
	if target := t.link(elements...); target != "" {
		return path.Base(target)
	}
	return ""
}

// dir resolves the links of a directory's path; empty when that fails.
func (t tree) dir(elements ...string) string {
	real, err := t.resolve(path.Join(elements...))
	if err != nil {
		return ""
	}
	return real
}

// above finds the nearest directory at or above dir, within sysfs, that holds
// a file; empty when there is none.
func (t tree) above(dir, file string) string {
	for ; strings.HasPrefix(dir, "/sys/"); dir = path.Dir(dir) {
		if t.exists(dir, file) {
			return dir
		}
	}
	return ""
}

// node is what stat says about a path.
type node struct {
	mode  fs.FileMode // type bits only
	block string      // "major:minor" of a block device, else empty
	file  fileID
	size  int64
}

// blockNode is what stat says about a block device.
func blockNode(number string) node {
	return node{mode: fs.ModeDevice, block: number}
}

// stat follows links. On the system we run on it never asks a network file
// system to bring its attributes up to date, for a dead server would hang us.
func (t tree) stat(name string) (node, error) {
	real, err := t.file(name)
	if err != nil {
		return node{}, err
	}
	var st unix.Statx_t
	const want = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_INO | unix.STATX_SIZE
	if err := unix.Statx(unix.AT_FDCWD, real, unix.AT_STATX_DONT_SYNC|unix.AT_NO_AUTOMOUNT, want, &st); err != nil {
		return node{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	n := node{
		file: fileID{device: fmt.Sprintf("%d:%d", st.Dev_major, st.Dev_minor), inode: st.Ino},
		size: int64(st.Size),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		n.mode, n.block = fs.ModeDevice, fmt.Sprintf("%d:%d", st.Rdev_major, st.Rdev_minor)
	case unix.S_IFCHR:
		n.mode = fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFDIR:
		n.mode = fs.ModeDir
	case unix.S_IFIFO:
		n.mode = fs.ModeNamedPipe
	case unix.S_IFSOCK:
		n.mode = fs.ModeSocket
	case unix.S_IFREG:
	default:
		n.mode = fs.ModeIrregular
	}
	return n, nil
}

// onReadOnly reports whether a file lies on a file system mounted read-only.
func (t tree) onReadOnly(name string) bool {
	real, err := t.file(name)
	var st unix.Statfs_t
	return err == nil && unix.Statfs(real, &st) == nil && st.Flags&unix.ST_RDONLY != 0
}
