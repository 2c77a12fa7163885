package bootusb

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"

	"github.com/ombruk/ombruk/internal/stick"
)

// archive is a file system for the kernel to start with: a cpio archive of the
// form newc. The same files give the same bytes.
type archive struct {
	buf   bytes.Buffer
	w     cpio.RecordWriter
	made  map[string]bool
	mtime uint64
	err   error
}

func newArchive(unixTime int64) *archive {
	a := &archive{made: map[string]bool{}, mtime: uint64(max(unixTime, 0))}
	a.w = cpio.Newc.Writer(&a.buf)
	return a
}

func (a *archive) add(r cpio.Record) {
	r.MTime = a.mtime
	if a.err == nil {
		a.err = a.w.WriteRecord(r)
	}
}

// folder makes name and the folders above it.
func (a *archive) folder(name string, mode uint64) {
	if name == "." || a.made[name] {
		return
	}
	a.folder(path.Dir(name), 0o755)
	a.made[name] = true
	a.add(cpio.Directory(name, mode))
}

func (a *archive) file(name string, b []byte, mode uint64) {
	a.folder(path.Dir(name), 0o755)
	a.add(cpio.StaticRecord(b, cpio.Info{Name: name, Mode: cpio.S_IFREG | mode}))
}

func (a *archive) end() ([]byte, error) {
	if a.err == nil {
		a.err = cpio.WriteTrailer(a.w)
	}
	if a.err != nil {
		return nil, a.err
	}
	// The kernel looks for the next archive at a multiple of four bytes.
	for a.buf.Len()%4 != 0 {
		a.buf.WriteByte(0)
	}
	return a.buf.Bytes(), nil
}

// initramfs makes the archive that is the same for every stick with the same
// kernel and program.
func (c *contents) initramfs(binary []byte, list []*module, firmware map[string][]byte, unixTime int64) ([]byte, error) {
	a := newArchive(unixTime)
	for _, dir := range []string{"dev", "etc", "proc", "run", "sys"} {
		a.folder(dir, 0o755)
	}
	a.folder("tmp", 0o1777)
	// The kernel opens it for the first process, before anything is mounted.
	a.add(cpio.CharDev("dev/console", 0o600, 5, 1))
	a.file("init", binary, 0o755)
	root := "lib/modules/" + c.modules.release
	for _, m := range list {
		a.file(root+"/"+m.path, m.content, 0o644)
	}
	index := c.modules.index(list)
	for _, name := range slices.Sorted(maps.Keys(index)) {
		a.file(root+"/"+name, index[name], 0o644)
	}
	for _, name := range slices.Sorted(maps.Keys(firmware)) {
		a.file("lib/firmware/"+name, firmware[name], 0o644)
	}
	fonts, err := c.consoleFonts()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(fonts)) {
		a.file("usr/share/consolefonts/"+name, fonts[name], 0o644)
	}
	raw, err := a.end()
	if err != nil {
		return nil, fmt.Errorf("write the initramfs: %w", err)
	}
	packed, err := compress(raw)
	if err != nil {
		return nil, fmt.Errorf("pack the initramfs: %w", err)
	}
	return packed, nil
}

// compress packs b so that every kernel in use unpacks it. One thread at a
// time, so that the same bytes come out everywhere.
func compress(b []byte) ([]byte, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	out := e.EncodeAll(b, nil)
	for len(out)%4 != 0 {
		out = append(out, 0)
	}
	return out, e.Close()
}

// settingsArchive makes the archive of what the caller wants in
// [stick.SettingsDir]. Secrets are among it, so all is the first process's alone.
func settingsArchive(files map[string][]byte, unixTime int64) ([]byte, error) {
	a := newArchive(unixTime)
	root := strings.TrimPrefix(stick.SettingsDir, "/")
	a.folder(root, 0o700)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) {
			return nil, fmt.Errorf("write the settings: %q is no name of a file below %s", name, stick.SettingsDir)
		}
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, ok := files[dir]; ok {
				return nil, fmt.Errorf("write the settings: %s is a file and a folder", dir)
			}
		}
		a.private(path.Join(root, path.Dir(name)))
		a.file(path.Join(root, name), files[name], 0o600)
	}
	b, err := a.end()
	if err != nil {
		return nil, fmt.Errorf("write the settings: %w", err)
	}
	return b, nil
}

// private makes folders that only the first process may look into.
func (a *archive) private(name string) {
	if name == "." || a.made[name] {
		return
	}
	a.private(path.Dir(name))
	a.folder(name, 0o700)
}

// CheckProgram says whether b can be the first process of a stick: a program
// for Linux on x86-64 that needs no other file.
func CheckProgram(b []byte) error {
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("check the program for the stick: it is no Linux program: %w", err)
	}
	switch {
	case f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_X86_64:
		err = fmt.Errorf("it is for %s, and a stick is x86-64", strings.TrimPrefix(f.Machine.String(), "EM_"))
	case f.OSABI != elf.ELFOSABI_NONE && f.OSABI != elf.ELFOSABI_LINUX:
		err = fmt.Errorf("it is for %s, not Linux", strings.TrimPrefix(f.OSABI.String(), "ELFOSABI_"))
	case f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN:
		err = errors.New("it is no program")
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && err == nil {
			err = errors.New("it needs the libraries of an installed system: it must be built with CGO_ENABLED=0")
		}
	}
	if err != nil {
		return fmt.Errorf("check the program for the stick: %w", err)
	}
	return nil
}
