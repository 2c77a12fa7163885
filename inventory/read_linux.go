package inventory

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// What is unpacked of one captured tree: the most files, folders and links
// together, and the most links, which lead to one another.
const (
	maxTreeFiles = 30_000
	maxTreeLinks = 4096
)

// tree takes a captured tree from a folder.
func (r *reading) tree(name, dir string) error {
	if info, err := os.Stat(filepath.Join(dir, "sys")); err != nil || !info.IsDir() {
		r.note(name, "it is no captured machine: there is no sys in it")
		return nil
	}
	m, err := Source{Root: dir}.Machine(context.Background())
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return r.whole(name, m)
}

// archive takes a captured tree from a tar archive.
func (r *reading) archive(name string, content io.Reader) error {
	dir, err := os.MkdirTemp("", "ombruk-read-")
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	defer os.RemoveAll(dir)
	if err := unpackTree(dir, content); err != nil {
		r.note(name, "the captured machine is broken: %v", err)
	}
	return r.tree(name, dir)
}

// unpackTree writes the files of a captured tree below dir, as far as it can.
// Nothing outside of dir is written, and no link that it leaves behind leads
// out of it.
func unpackTree(dir string, content io.Reader) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	var links []string
	made := map[string]bool{".": true}
	// A sparse file is longer than what stands in the archive.
	left := int64(maxDump)
	archive := tar.NewReader(content)
	for len(made) <= maxTreeFiles && len(links) <= maxTreeLinks && left > 0 {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return confine(dir, links)
		}
		if err != nil {
			return errors.Join(err, confine(dir, links))
		}
		name := path.Clean(strings.TrimPrefix(h.Name, "/"))
		if !filepath.IsLocal(name) || len(name) > 1024 {
			continue
		}
		folder := path.Dir(name)
		if h.Typeflag == tar.TypeDir {
			folder = name
		}
		if !made[folder] {
			_ = root.MkdirAll(folder, 0o700) // what cannot be made fails below
		}
		for ; !made[folder]; folder = path.Dir(folder) {
			made[folder] = true
		}
		switch h.Typeflag {
		case tar.TypeSymlink:
			if made[name] = true; root.Symlink(h.Linkname, name) == nil {
				links = append(links, name)
			}
		case tar.TypeReg:
			made[name] = true
			f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				continue // it is there already, or lies behind a link out
			}
			n, err := io.Copy(f, io.LimitReader(archive, min(maxAttribute, left)))
			left -= n
			if err = errors.Join(err, f.Close()); err != nil {
				return errors.Join(err, confine(dir, links))
			}
		}
	}
	return errors.Join(fmt.Errorf("it has more than %d files, %d links or %d MiB", maxTreeFiles, maxTreeLinks, maxDump>>20), confine(dir, links))
}

// confine removes the links that lead out of dir.
func confine(dir string, links []string) error {
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	for _, name := range links {
		at := filepath.Join(dir, name)
		real, err := filepath.EvalSymlinks(at)
		switch {
		case err == nil && strings.HasPrefix(real+"/", top+"/"):
		case errors.Is(err, fs.ErrNotExist):
			// A link to what was not captured still says where that is.
		default:
			if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
