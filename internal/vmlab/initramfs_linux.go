package vmlab

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Initramfs is the guest's file system, written as it is built up: a cpio
// archive in the kernel's "newc" form (Documentation/driver-api/early-userspace/
// buffer-format.rst), uncompressed because the emulated processor is slow.
type Initramfs struct {
	out   *bufio.Writer
	inode int
	known map[string]bool
	err   error
}

// NewInitramfs begins one.
func NewInitramfs(w io.Writer) *Initramfs {
	return &Initramfs{out: bufio.NewWriter(w), known: map[string]bool{"/": true}}
}

// The file types of cpio, which are those of stat.
const (
	cpioFolder = 0o040000
	cpioFile   = 0o100000
	cpioLink   = 0o120000
)

// entry writes one header with its name and content, each filled up to four bytes.
func (i *Initramfs) entry(name string, mode int, content []byte) {
	if i.err != nil {
		return
	}
	i.inode++
	name = strings.TrimPrefix(name, "/")
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		i.inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	for _, part := range [][]byte{[]byte(header), content} {
		if _, i.err = i.out.Write(part); i.err != nil {
			return
		}
		if _, i.err = i.out.Write(make([]byte, -len(part)&3)); i.err != nil {
			return
		}
	}
}

// Folder makes a folder and those above it.
func (i *Initramfs) Folder(name string) {
	if i.known[name] {
		return
	}
	i.known[name] = true
	i.Folder(path.Dir(name))
	i.entry(name, cpioFolder|0o755, nil)
}

// Write makes a file.
func (i *Initramfs) Write(name string, content []byte) {
	if i.known[name] {
		return
	}
	i.known[name] = true
	i.Folder(path.Dir(name))
	i.entry(name, cpioFile|0o755, content)
}

// Link makes a symbolic link.
func (i *Initramfs) Link(name, target string) {
	i.Folder(path.Dir(name))
	i.entry(name, cpioLink|0o777, []byte(target))
}

// Copy takes a file of the host, links followed.
func (i *Initramfs) Copy(name, from string) {
	if i.err != nil {
		return
	}
	content, err := os.ReadFile(from)
	if err != nil {
		i.err = err
		return
	}
	i.Write(name, content)
}

// libraryPath is a file in the output of ldd.
var libraryPath = regexp.MustCompile(`(?m)(/\S+) \(0x`)

// Tool takes a program of the host with the shared libraries it needs.
func (i *Initramfs) Tool(name string) {
	if i.err != nil {
		return
	}
	file, err := exec.LookPath(name)
	if err != nil {
		i.err = fmt.Errorf("needs %s: .ci/packages installs what the tests need: %w", name, err)
		return
	}
	i.Copy("/usr/bin/"+filepath.Base(name), file)
	libraries, err := output("ldd", file)
	if err != nil {
		i.err = err
		return
	}
	for _, found := range libraryPath.FindAllStringSubmatch(libraries, -1) {
		i.Copy(found[1], found[1])
	}
}

// Close writes the end. It gives the first error of all that was done.
func (i *Initramfs) Close() error {
	i.entry("TRAILER!!!", 0, nil)
	if i.err != nil {
		return fmt.Errorf("make the initramfs: %w", i.err)
	}
	return i.out.Flush()
}
