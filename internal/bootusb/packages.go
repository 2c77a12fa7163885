package bootusb

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Package is one that a stick is built from.
type Package struct {
	Name         string
	Version      string
	Architecture string
	SHA256       string // of its file, hexadecimal
	Path         string // of its file
	Firmware     bool   // it was asked for by name, for its firmware files
}

// Packages are all that one stick is built from; [Open] and [Fetch] give them.
type Packages struct {
	list []Package
}

// List is the packages in the order of their names.
func (p Packages) List() []Package { return slices.Clone(p.list) }

// version is that of the package of that name; empty when it is not there.
func (p Packages) version(name string) string {
	for _, pkg := range p.list {
		if pkg.Name == name {
			return pkg.Version
		}
	}
	return ""
}

// MissingError says which packages a folder lacks.
type MissingError struct {
	Dir     string
	Missing []string // what each is, to be read
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("open the packages in %s: missing %s", e.Dir, strings.Join(e.Missing, "; "))
}

// need is a package without which there is no stick, or a lesser one.
type need struct {
	name     *regexp.Regexp
	what     string // as it is asked for when it is missing
	optional bool
	many     bool // more than one may be there
}

// needs is told apart by the package's own name for itself, so that file names
// do not matter. Ubuntu has a kernel's modules in packages of their own.
var needs = []need{
	{name: regexp.MustCompile(`^linux-image-[0-9].*$`), what: "the kernel: the package that linux-image-amd64 (Debian) or linux-image-generic (Ubuntu) depends on, such as linux-image-6.12.57+deb13-amd64"},
	{name: regexp.MustCompile(`^linux-modules-(extra-)?[0-9].*$`), optional: true, many: true},
	{name: regexp.MustCompile(`^shim-signed$`), what: "shim-signed"},
	{name: regexp.MustCompile(`^shim-helpers-amd64-signed$`), optional: true},
	{name: regexp.MustCompile(`^grub-efi-amd64-signed$`), what: "grub-efi-amd64-signed"},
	{name: regexp.MustCompile(`^grub-pc-bin$`), optional: true},
	{name: regexp.MustCompile(`^console-setup-linux$`), what: "console-setup-linux"},
}

// Open finds what a stick is built from among the .deb files in dir, on any
// operating system. The packages named in firmware must be there too. Others
// are passed over. A package that is there in two versions is refused, since
// only one of them is meant.
func Open(dir string, firmware []string) (Packages, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Packages{}, fmt.Errorf("open the packages in %s: %w", dir, err)
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".deb") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return choose(dir, paths, firmware)
}

// choose finds what is needed among the files at paths.
func choose(dir string, paths, firmware []string) (Packages, error) {
	var p Packages
	seen := make([]string, len(needs))
	slices.Sort(paths)
	for _, path := range paths {
		pkg, err := describe(path)
		if err != nil {
			return Packages{}, fmt.Errorf("open the package %s: %w", path, err)
		}
		pkg.Firmware = slices.Contains(firmware, pkg.Name)
		n := slices.IndexFunc(needs, func(n need) bool { return n.name.MatchString(pkg.Name) })
		if n < 0 && !pkg.Firmware {
			continue
		}
		if pkg.Architecture != "amd64" && pkg.Architecture != "all" {
			return Packages{}, fmt.Errorf("open the package %s: it is for %s, and a stick is amd64", path, pkg.Architecture)
		}
		if i := slices.IndexFunc(p.list, func(o Package) bool { return o.Name == pkg.Name }); i >= 0 {
			return Packages{}, fmt.Errorf("open the packages in %s: %s is there twice (%s, %s): leave the one that is meant", dir, pkg.Name, p.list[i].Version, pkg.Version)
		}
		if n >= 0 {
			if seen[n] != "" && !needs[n].many {
				return Packages{}, fmt.Errorf("open the packages in %s: both %s and %s are there: leave the one that is meant", dir, seen[n], pkg.Name)
			}
			seen[n] = pkg.Name
		}
		p.list = append(p.list, pkg)
	}
	var missing []string
	for i, n := range needs {
		if seen[i] == "" && !n.optional {
			missing = append(missing, n.what)
		}
	}
	for _, name := range firmware {
		if !slices.ContainsFunc(p.list, func(o Package) bool { return o.Name == name }) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return Packages{}, &MissingError{Dir: dir, Missing: missing}
	}
	slices.SortFunc(p.list, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return p, nil
}

// describe reads what the package at path says of itself.
func describe(path string) (Package, error) {
	f, err := os.Open(path)
	if err != nil {
		return Package{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Package{}, err
	}
	d, err := openDeb(f, info.Size())
	if err != nil {
		return Package{}, err
	}
	pkg := Package{Name: d.control["Package"], Version: d.control["Version"], Architecture: d.control["Architecture"], Path: path}
	if pkg.Name == "" || pkg.Version == "" {
		return Package{}, errors.New("its control file names no package or no version")
	}
	digest := sha256.New()
	if _, err := io.Copy(digest, io.NewSectionReader(f, 0, info.Size())); err != nil {
		return Package{}, err
	}
	pkg.SHA256 = hex.EncodeToString(digest.Sum(nil))
	return pkg, nil
}

// each calls visit for every file of the package.
func (pkg Package) each(visit func(f entry, body io.Reader) error) error {
	f, err := os.Open(pkg.Path)
	if err != nil {
		return fmt.Errorf("open the package %s: %w", pkg.Name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the package %s: %w", pkg.Name, err)
	}
	d, err := openDeb(f, info.Size())
	if err == nil {
		err = d.each(visit)
	}
	if err != nil {
		return fmt.Errorf("read the package %s: %w", pkg.Path, err)
	}
	return nil
}
