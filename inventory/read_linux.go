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

// maxTreeFiles is the most files that are unpacked of one captured tree.
const maxTreeFiles = 100_000

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
	archive := tar.NewReader(content)
	for range maxTreeFiles {
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
		_ = root.MkdirAll(path.Dir(name), 0o700) // what cannot be made fails below
		switch h.Typeflag {
		case tar.TypeDir:
			_ = root.MkdirAll(name, 0o700)
		case tar.TypeSymlink:
			if root.Symlink(h.Linkname, name) == nil {
				links = append(links, name)
			}
		case tar.TypeReg:
			f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				continue // it is there already, or lies behind a link out
			}
			_, err = io.Copy(f, io.LimitReader(archive, maxAttribute))
			if err = errors.Join(err, f.Close()); err != nil {
				return errors.Join(err, confine(dir, links))
			}
		}
	}
	return errors.Join(fmt.Errorf("more than %d files", maxTreeFiles), confine(dir, links))
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
