package bootusb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Somebody on a Mac puts packages into a folder, and forgets some.
func TestWhatAFolderLacksIsNamed(t *testing.T) {
	dir := t.TempDir()
	put := func(file, name, version, arch string) {
		t.Helper()
		write(t, filepath.Join(dir, file), debOf(t, name, version, arch, nil))
	}
	put("download(1).deb", "shim-signed", "1.51", "amd64")
	put("unrelated.deb", "hello", "2.10", "arm64")
	_, err := Open(dir, []string{"firmware-misc-nonfree"})
	var missing *MissingError
	if !errors.As(err, &missing) || len(missing.Missing) != 4 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"linux-image-6.12", "grub-efi-amd64-signed", "console-setup-linux", "firmware-misc-nonfree"} {
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "shim-signed") {
			t.Errorf("got %v, want %s and not shim-signed", err, want)
		}
	}
	put("k.deb", "linux-image-6.1.0-1-amd64", "6.1.1-1", "amd64")
	put("g.deb", "grub-efi-amd64-signed", "1+2.06", "amd64")
	put("c.deb", "console-setup-linux", "1.221", "all")
	put("f.deb", "firmware-misc-nonfree", "2023", "all")
	p, err := Open(dir, []string{"firmware-misc-nonfree"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, pkg := range p.List() {
		got = append(got, fmt.Sprintf("%s %s %v", pkg.Name, pkg.Version, pkg.Firmware))
	}
	want := "console-setup-linux 1.221 false, firmware-misc-nonfree 2023 true, grub-efi-amd64-signed 1+2.06 false, linux-image-6.1.0-1-amd64 6.1.1-1 false, shim-signed 1.51 false"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}

	for _, tt := range []struct{ file, name, version, arch, want string }{
		{"old.deb", "shim-signed", "1.44", "amd64", "shim-signed is there twice (1.51, 1.44)"},
		{"rt.deb", "linux-image-6.1.0-1-rt-amd64", "6.1.1-1", "amd64", "both linux-image-6.1.0-1-amd64 and linux-image-6.1.0-1-rt-amd64"},
		{"arm.deb", "grub-pc-bin", "2.06", "arm64", "it is for arm64"},
	} {
		put(tt.file, tt.name, tt.version, tt.arch)
		if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("with %s: got %v, want %q", tt.file, err, tt.want)
		}
		if err := os.Remove(filepath.Join(dir, tt.file)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "broken.deb"), []byte("<html>"))
	if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), "broken.deb") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(filepath.Join(dir, "nowhere"), nil); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
}

// Ubuntu has the modules of a kernel in packages of their own, compressed.
func TestAStickFromUbuntu(t *testing.T) {
	d := testDistribution(t)
	all := d["linux-image-"+testRelease]
	delete(d, "linux-image-"+testRelease)
	image, modules, extra := map[string][]byte{}, map[string][]byte{}, map[string][]byte{}
	for name, b := range all {
		switch {
		case strings.HasPrefix(name, "boot/"):
			image[name] = b
		case strings.HasSuffix(name, "sata_sil.ko"):
			extra[name+".zst"] = zst(t, b)
		case strings.HasSuffix(name, ".ko"):
			modules[name+".zst"] = zst(t, b)
		case strings.HasSuffix(name, "modules.builtin"):
			modules[name] = b
		}
	}
	d["linux-image-"+testRelease], d["linux-modules-"+testRelease], d["linux-modules-extra-"+testRelease] = image, modules, extra
	shim := d["shim-signed"]["usr/lib/shim/shimx64.efi.signed"]
	d["shim-signed"] = map[string][]byte{
		"usr/lib/shim/shimx64.efi.signed.latest": shim,
		"usr/lib/shim/shimx64.efi.dualsigned":    []byte("the one before it"),
		"usr/lib/shim/mmx64.efi":                 d["shim-helpers-amd64-signed"]["usr/lib/shim/mmx64.efi.signed"],
	}
	delete(d, "shim-helpers-amd64-signed")
	img, r := build(t, testOptions(t, d))
	if got := mtype(t, img, r.Parts[0], "EFI/BOOT/BOOTX64.EFI"); string(got) != string(shim) {
		t.Error("shim is not the latest")
	}
	files := unpackInitramfs(t, mtype(t, img, r.Parts[0], "boot/initrd.img"))
	for _, name := range []string{"drivers/nvme/host/nvme.ko", "drivers/ata/sata_sil.ko"} {
		path := "lib/modules/" + testRelease + "/kernel/" + name
		if got := files[path].content; string(got) != string(testModules()[name]) {
			t.Errorf("%s is not there unpacked: %d bytes", path, len(got))
		}
	}
}
