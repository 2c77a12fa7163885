//go:build vm && linux

package vmlab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The partitions of a stick, by their names.
const espName, dataName = "OMBRUK-ESP", "OMBRUK-DATA"

// stick is the image of a boot stick, seen from outside: with the tools of
// Debian, not with ours.
type stick struct {
	t    *testing.T
	file string
}

// copied gives a copy of the stick for one test.
func (s stick) copied(t *testing.T, name string) stick {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".img")
	if _, err := output("cp", "--sparse=always", s.file, file); err != nil {
		t.Fatal(err)
	}
	return stick{t, file}
}

// partition is where a partition begins, by its name, as mtools take it.
func (s stick) partition(name string) string {
	s.t.Helper()
	out, err := output("sfdisk", "--json", s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	var table struct {
		Partitiontable struct {
			Sectorsize int64
			Partitions []struct {
				Name  string
				Start int64
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		s.t.Fatal(err)
	}
	for _, p := range table.Partitiontable.Partitions {
		if p.Name == name {
			return fmt.Sprintf("%s@@%d", s.file, p.Start*table.Partitiontable.Sectorsize)
		}
	}
	s.t.Fatalf("the stick has no partition %s: %s", name, out)
	return ""
}

// read gives a file of a partition.
func (s stick) read(partition, path string) []byte {
	s.t.Helper()
	out, err := output("mcopy", "-n", "-i", s.partition(partition), "::"+path, "-")
	if err != nil {
		s.t.Fatal(err)
	}
	return []byte(out)
}

// write makes or replaces a file of a partition.
func (s stick) write(partition, path string, content []byte) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if _, err := output("mcopy", "-o", "-i", s.partition(partition), file, "::"+path); err != nil {
		s.t.Fatal(err)
	}
}

// fetched copies a folder of a partition out and gives the copy, and its files.
func (s stick) fetched(partition, path string) (dir string, names []string) {
	s.t.Helper()
	dir = s.t.TempDir()
	if _, err := output("mcopy", "-s", "-n", "-i", s.partition(partition), "::"+path, dir); err != nil {
		s.t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, filepath.Base(path), "*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return filepath.Join(dir, filepath.Base(path)), names
}

// flip changes one byte in the middle of a file, in the image itself, so that
// nothing else of the stick changes.
func (s stick) flip(partition, path string) {
	s.t.Helper()
	content := s.read(partition, path)
	image, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	at := len(content) / 2 &^ 511
	sector := content[at : at+512]
	found := bytes.Index(image, sector)
	if found < 0 || bytes.Contains(image[found+1:], sector) {
		s.t.Fatalf("the middle of %s is not once in the image", path)
	}
	f, err := os.OpenFile(s.file, os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt([]byte{image[found+100] ^ 1}, int64(found)+100); err != nil {
		s.t.Fatal(err)
	}
	if again := s.read(partition, path); len(again) != len(content) || again[at+100] != content[at+100]^1 || strings.Compare(string(again[:at+100]), string(content[:at+100])) != 0 {
		s.t.Fatalf("%s was not changed as meant", path)
	}
}

// labModules are the kernel's modules that the lab needs in a machine that a
// stick has started, beside those that the stick loads.
var labModules = []string{"virtio_pci", "virtio_console", "sd_mod", "loop", "target_core_user", "tcm_loop"}

// withLab adds the lab to a stick: an archive that the kernel unpacks over the
// stick's own, and the argument that has the guest start before it. All of the
// stick is still there and does what it does; the configuration of GRUB, which
// no signature covers, is what changes.
func (s stick) withLab(t *testing.T) stick {
	t.Helper()
	c := s.copied(t, "lab")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	k, err := DebianKernel(filepath.Join(cache, "ombruk-vmlab"))
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	i := NewInitramfs(&archive)
	for name, pkg := range map[string]string{BesideInit: "./guest", "/lab/simdrive": "./simdrive"} {
		i.Copy(name, build(t, pkg))
	}
	files, err := k.Modules(labModules...)
	if err != nil {
		t.Fatal(err)
	}
	for n, file := range files {
		i.Copy(fmt.Sprintf("%s/%03d-%s", ModuleFolder, n, filepath.Base(file)), file)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	c.write(espName, "/lab.img", archive.Bytes())
	for _, path := range []string{"/EFI/debian/grub.cfg", "/boot/grub/grub.cfg"} {
		var edited strings.Builder
		for line := range strings.Lines(string(c.read(espName, path))) {
			words := strings.TrimRight(line, "\n")
			switch strings.Fields(line + " -")[0] {
			case "linux":
				words += " rdinit=" + BesideInit
			case "initrd":
				words += " /lab.img"
			}
			edited.WriteString(words + "\n")
		}
		c.write(espName, path, []byte(edited.String()))
	}
	return c
}

// build builds one of our programs and gives its file.
func build(t *testing.T, pkg string) string {
	t.Helper()
	out := filepath.Join(partsDir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, msg)
	}
	return out
}
