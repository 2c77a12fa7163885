package vmlab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Kernel is Debian's kernel, unpacked but not installed.
type Kernel struct {
	Release string
	Image   string // the file to boot
	modules string // the folder with kernel/ and modules.dep
}

// DebianKernel gives the kernel that linux-image-amd64 stands for at present.
// It is fetched with apt-get and unpacked below cache, once.
func DebianKernel(cache string) (*Kernel, error) {
	name, err := kernelPackage()
	if err != nil {
		if os.Getuid() == 0 { // the lists may be missing
			_, _ = output("apt-get", "update", "-qq")
			name, err = kernelPackage()
		}
		if err != nil {
			return nil, fmt.Errorf("find Debian's kernel: %w", err)
		}
	}
	k := &Kernel{Release: strings.TrimPrefix(name, "linux-image-")}
	dir := filepath.Join(cache, name)
	k.Image = filepath.Join(dir, "boot", "vmlinuz-"+k.Release)
	k.modules = filepath.Join(dir, "lib", "modules", k.Release)
	if _, err := os.Stat(dir); err == nil {
		return k, nil
	}
	if err := unpackKernel(name, k.Release, cache, dir); err != nil {
		return nil, fmt.Errorf("get Debian's kernel %s: %w", name, err)
	}
	return k, nil
}

// kernelPackage is the package that linux-image-amd64 depends on.
func kernelPackage() (string, error) {
	out, err := output("apt-cache", "depends", "--important", "linux-image-amd64")
	if err != nil {
		return "", err
	}
	for _, word := range strings.Fields(out) {
		if strings.HasPrefix(word, "linux-image-") && word != "linux-image-amd64" {
			return word, nil
		}
	}
	return "", errors.New("apt knows no linux-image-amd64: this needs Debian on amd64, and as root apt-get update when the lists are missing")
}

// unpackKernel makes dir appear only when it is whole.
func unpackKernel(name, release, cache, dir string) error {
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	download := exec.Command("apt-get", "download", "-qq", name) //nolint:gosec // the name comes from apt
	download.Dir = tmp
	if out, err := download.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get download: %w: %s", err, out)
	}
	debs, _ := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if len(debs) != 1 {
		return fmt.Errorf("apt-get download left %d packages", len(debs))
	}
	root := filepath.Join(tmp, "root")
	if _, err := output("dpkg-deb", "-x", debs[0], root); err != nil {
		return err
	}
	if _, err := output("depmod", "-b", root, release); err != nil {
		return err
	}
	return os.Rename(root, dir)
}

// Modules gives the files of the named modules and of all they need, each
// after what it needs. A module that is built into the kernel has no file.
func (k *Kernel) Modules(names ...string) ([]string, error) {
	deps, err := k.table("modules.dep", ":")
	if err != nil {
		return nil, err
	}
	builtin, err := k.table("modules.builtin", "\n")
	if err != nil {
		return nil, err
	}
	var files []string
	for _, name := range names {
		name = strings.ReplaceAll(name, "-", "_")
		at, ok := deps[name]
		if !ok {
			if _, ok := builtin[name]; ok {
				continue
			}
			return nil, fmt.Errorf("kernel %s has no module %s", k.Release, name)
		}
		// depmod lists what a module needs from the nearest to the furthest.
		slices.Reverse(at)
		for _, file := range at {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
		slices.Reverse(at)
	}
	for i := range files {
		files[i] = filepath.Join(k.modules, files[i])
	}
	return files, nil
}

// table reads one of depmod's lists: for each module its own file and then
// those that it needs.
func (k *Kernel) table(file, separator string) (map[string][]string, error) {
	b, err := os.ReadFile(filepath.Join(k.modules, file))
	if err != nil {
		return nil, fmt.Errorf("read the kernel's modules: %w", err)
	}
	table := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		own, rest, _ := strings.Cut(strings.TrimSpace(line), separator)
		name := strings.ReplaceAll(strings.TrimSuffix(path.Base(own), ".ko"), "-", "_")
		table[name] = append([]string{own}, strings.Fields(rest)...)
	}
	return table, nil
}

// output runs a program of the host and names it when it fails.
func output(name string, args ...string) (string, error) {
	return run(exec.Command(name, args...)) //nolint:gosec // a fixed set of programs
}

func run(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("needs %s: .ci/packages installs what the tests need: %w", cmd.Args[0], err)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", strings.Join(cmd.Args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), nil
}
