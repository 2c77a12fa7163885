package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// imageFile is a regular file that stands for a drive.
type imageFile struct {
	path string
	id   fileID
	size int64
}

// namespace is one mount namespace and what is mounted in it.
type namespace struct {
	pid     int // of a process in it
	foreign bool
	mounts  []mount
}

// opened is a block device that a process has open.
type opened struct {
	block *block
	who   string // "process 4711 (dd)"
}

// processes is what /proc says about who mounts and opens what.
type processes struct {
	// namespaces begins with our own.
	namespaces []namespace
	ofInit     []mount // of process 1; ours when those cannot be read
	opens      []opened
	// fileOpens names the processes that have a file open or mapped.
	fileOpens map[fileID][]string
}

// readProcesses walks /proc. Our own descriptors do not count as use.
func readProcesses(ctx context.Context, r *reader, files []imageFile) (*processes, error) {
	p := &processes{fileOpens: map[fileID][]string{}}
	self := r.linkBase("/proc/self")
	hidden := 0
	seen := map[string]bool{}
	addNamespace := func(pid string, foreign bool) []mount {
		id := r.link("/proc", pid, "ns/mnt")
		if id != "" && seen[id] {
			return nil
		}
		seen[id] = true
		b, err := r.bytes(path.Join("/proc", pid, "mountinfo"))
		if err != nil {
			return nil
		}
		mounts := parseMountinfo(string(b))
		n, _ := strconv.Atoi(pid)
		p.namespaces = append(p.namespaces, namespace{pid: n, foreign: foreign, mounts: mounts})
		return mounts
	}
	own := "self"
	if self == "" {
		own = "1"
	}
	p.ofInit = addNamespace(own, false)
	if p.ofInit == nil {
		// Here it would mean calling every drive unused.
		if r.live() {
			return nil, errors.New("/proc/self/mountinfo cannot be read, so a drive in use would not be known: mount /proc")
		}
		r.note("mounts: the captured tree has no mountinfo, so mounted drives are not known")
	}
	if b, err := r.bytes("/proc/1/mountinfo"); err == nil {
		p.ofInit = parseMountinfo(string(b))
	}
	for _, pid := range r.names("/proc") {
		if !isDigits(pid) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("read /proc: %w", err)
		}
		addNamespace(pid, pid != "1")
		if pid == self {
			continue
		}
		if err := p.descriptors(r, pid, files); errors.Is(err, fs.ErrPermission) {
			hidden++
		}
	}
	if hidden > 0 {
		r.note(fmt.Sprintf("open files: those of %d processes may only be read by root", hidden))
	}
	return p, nil
}

// descriptors records what a process has open or mapped. A process that ends
// meanwhile has nothing open.
func (p *processes) descriptors(r *reader, pid string, files []imageFile) error {
	dir := path.Join("/proc", pid, "fd")
	names, err := r.list(dir)
	if err != nil {
		return err
	}
	who := ""
	name := func() string {
		if who == "" {
			who = fmt.Sprintf("process %s (%s)", pid, cleaned(r.text("/proc", pid, "comm")))
		}
		return who
	}
	inFile := func(id fileID) {
		if !slices.Contains(p.fileOpens[id], name()) {
			p.fileOpens[id] = append(p.fileOpens[id], name())
		}
	}
	for _, fd := range names {
		// Sockets, pipes and the like have no path.
		if !strings.HasPrefix(r.link(dir, fd), "/") {
			continue
		}
		n, err := r.stat(path.Join(dir, fd))
		if err != nil {
			continue
		}
		if n.block != "" {
			if d := r.byNumber[n.block]; d != nil && !slices.Contains(p.opens, opened{d, name()}) {
				p.opens = append(p.opens, opened{d, name()})
			}
			continue
		}
		for _, f := range files {
			if f.id == n.file {
				inFile(f.id)
			}
		}
	}
	// A mapping outlives its descriptor.
	maps := r.text("/proc", pid, "maps")
	for line := range strings.Lines(maps) {
		id, mapped, ok := parseMapping(line)
		if !ok {
			continue
		}
		for _, f := range files {
			if f.id == id || mapped == f.path {
				inFile(f.id)
			}
		}
		if d := r.byNode[mapped]; d != nil && !slices.Contains(p.opens, opened{d, name()}) {
			p.opens = append(p.opens, opened{d, name()})
		}
	}
	return nil
}
