package bootusb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ErrNoApt is returned by [Fetch] where there is no apt.
var ErrNoApt = errors.New("apt is not on this machine: packages are fetched on Debian and Ubuntu; elsewhere put them in a folder and name it")

// Fetch gets what a stick is built from with the package client of Debian or
// Ubuntu, which checks what it fetched against the distribution's signature.
// It needs no root. The files stay in dir, by name and version, and are taken
// from there the next time. The packages named in firmware are fetched too.
func Fetch(ctx context.Context, dir string, firmware []string, progress func(step string)) (Packages, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return Packages{}, fmt.Errorf("fetch packages: %w", ErrNoApt)
	}
	names, err := wanted(ctx)
	if err != nil {
		return Packages{}, fmt.Errorf("fetch packages: %w", err)
	}
	for _, name := range firmware {
		if !packageName.MatchString(name) {
			return Packages{}, fmt.Errorf("fetch packages: %q is no name of a package", name)
		}
	}
	names = append(names, firmware...)
	// Debian has shim's key manager in a package of its own.
	if known, err := stanza(ctx, keyManager); err != nil {
		return Packages{}, fmt.Errorf("fetch packages: %w", err)
	} else if known != nil {
		names = append(names, keyManager)
	}
	items, err := locate(ctx, names)
	if err != nil {
		return Packages{}, fmt.Errorf("fetch packages: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return Packages{}, fmt.Errorf("fetch packages: %w", err)
	}
	var paths []string
	for _, it := range items {
		path := filepath.Join(dir, it.file)
		if it.check(path) != nil {
			progress("fetch " + it.file)
			if err := it.download(ctx, dir, path); err != nil {
				return Packages{}, fmt.Errorf("fetch the package %s: %w", it.name, err)
			}
		}
		paths = append(paths, path)
	}
	return choose(dir, paths, firmware)
}

const keyManager = "shim-helpers-amd64-signed"

// packageName is what a package may be called (Debian policy 5.6.1).
var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)

// wanted are the names of the packages, the kernel's by what the distribution's
// newest depends on.
func wanted(ctx context.Context) ([]string, error) {
	var names []string
	for _, meta := range []string{"linux-image-amd64", "linux-image-generic"} {
		depends, err := dependencies(ctx, meta)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(depends, needs[0].name.MatchString)
		if i < 0 {
			continue
		}
		names = append(names, depends[i])
		more, err := dependencies(ctx, depends[i])
		if err != nil {
			return nil, err
		}
		for _, name := range append(more, depends...) {
			if needs[1].name.MatchString(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		break
	}
	if names == nil {
		return nil, errors.New("apt knows neither linux-image-amd64 nor linux-image-generic: run apt-get update as root, on a machine of the amd64 architecture")
	}
	return append(names, "shim-signed", "grub-efi-amd64-signed", "grub-pc-bin", "console-setup-linux"), nil
}

// stanza is what apt knows of the candidate of a package; nil when nothing.
func stanza(ctx context.Context, name string) (control, error) {
	out, err := apt(ctx, "", "apt-cache", "show", "--no-all-versions", name)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, nil //nolint:nilerr // apt-cache ends so when it does not know the package
	}
	if err != nil {
		return nil, err
	}
	if c := parseControl(out); c["Package"] == name {
		return c, nil
	}
	return nil, nil
}

// dependencies are the names that a package depends on or recommends, without
// versions and alternatives.
func dependencies(ctx context.Context, name string) ([]string, error) {
	c, err := stanza(ctx, name)
	if err != nil || c == nil {
		return nil, err
	}
	var names []string
	for _, field := range []string{"Depends", "Recommends"} {
		for one := range strings.SplitSeq(c[field], ",") {
			one, _, _ = strings.Cut(strings.TrimSpace(one), " ")
			one, _, _ = strings.Cut(one, ":")
			if packageName.MatchString(one) {
				names = append(names, one)
			}
		}
	}
	return names, nil
}

// item is a package file as apt's lists have it.
type item struct {
	name   string // of the package
	file   string
	digest string // hexadecimal
	hash   func() hash.Hash
}

// printed is one line of apt-get download --print-uris.
var printed = regexp.MustCompile(`^'[^']*' ([^ /]+\.deb) [0-9]+ (SHA256|SHA512):([0-9a-f]+)$`)

// locate asks apt what it would fetch.
func locate(ctx context.Context, names []string) ([]item, error) {
	out, err := apt(ctx, "", "apt-get", append([]string{"download", "--print-uris", "-qq"}, names...)...)
	if err != nil {
		return nil, fmt.Errorf("%w (are the lists new? apt-get update as root makes them so)", err)
	}
	var items []item
	for line := range strings.Lines(string(out)) {
		m := printed.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			return nil, fmt.Errorf("apt-get says what is not understood: %.200q", line)
		}
		name, _, _ := strings.Cut(m[1], "_")
		it := item{name: name, file: m[1], digest: m[3], hash: sha256.New}
		if m[2] == "SHA512" {
			it.hash = sha512.New
		}
		items = append(items, it)
	}
	for _, name := range names {
		if !slices.ContainsFunc(items, func(it item) bool { return it.name == name }) {
			return nil, fmt.Errorf("apt-get does not say where it has %s from", name)
		}
	}
	return items, nil
}

// check says whether the file at path is the package.
func (it item) check(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := it.hash()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != it.digest {
		return fmt.Errorf("its digest is %s, apt's lists have %s", got, it.digest)
	}
	return nil
}

// download makes path appear when it is whole and checked.
func (it item) download(ctx context.Context, dir, path string) error {
	tmp, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if _, err := apt(ctx, tmp, "apt-get", "download", "-qq", it.name); err != nil {
		return err
	}
	got := filepath.Join(tmp, it.file)
	if err := it.check(got); err != nil {
		return err
	}
	return os.Rename(got, path)
}

// apt runs one of apt's programs in dir and gives its standard output.
func apt(ctx context.Context, dir string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...) //nolint:gosec // apt's own programs, with names of packages
	c.Dir = dir
	c.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastLine(stderr.String()))
	}
	return out, nil
}

// lastLine is the last error that apt wrote, or its last line.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for _, l := range lines {
		if strings.HasPrefix(l, "E: ") {
			return strings.TrimPrefix(l, "E: ")
		}
	}
	return lines[len(lines)-1]
}
