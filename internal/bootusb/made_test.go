package bootusb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// What a distribution has is made here on a small scale: programs that a
// machine's firmware would check, a kernel's modules, fonts, and the packages
// around them.

// peProgram is the smallest program that sbsign signs, with text in it.
func peProgram(text string) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0x400)
	copy(b, "MZ")
	le.PutUint32(b[0x3c:], 0x40)
	copy(b[0x40:], "PE\x00\x00")
	le.PutUint16(b[0x44:], 0x8664)
	le.PutUint16(b[0x46:], 1)   // sections
	le.PutUint16(b[0x54:], 240) // bytes of the optional header
	le.PutUint16(b[0x56:], 0x22)
	o := b[0x58:]
	le.PutUint16(o, 0x20b)
	le.PutUint32(o[4:], 0x200)   // code
	le.PutUint32(o[16:], 0x1000) // entry
	le.PutUint32(o[32:], 0x1000)
	le.PutUint32(o[36:], 0x200)
	le.PutUint32(o[56:], 0x2000) // in memory
	le.PutUint32(o[60:], 0x200)  // headers
	le.PutUint16(o[68:], 10)     // started by firmware
	le.PutUint32(o[108:], 16)
	s := b[0x58+240:]
	copy(s, ".text")
	le.PutUint32(s[8:], 0x200)
	le.PutUint32(s[12:], 0x1000)
	le.PutUint32(s[16:], 0x200)
	le.PutUint32(s[20:], 0x200)
	le.PutUint32(s[36:], 0x60000020)
	copy(b[0x200:], text)
	return b
}

// signer is a key of a distribution that exists for one test.
type testSigner struct{ dir string }

func newTestSigner(t *testing.T, name string) testSigner {
	t.Helper()
	s := testSigner{t.TempDir()}
	run(t, "openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN="+name,
		"-keyout", filepath.Join(s.dir, "key.pem"), "-out", filepath.Join(s.dir, "cert.pem"))
	return s
}

// sign gives the program b with a signature that sbsign made.
func (s testSigner) sign(t *testing.T, b []byte) []byte {
	t.Helper()
	in, out := filepath.Join(s.dir, "in"), filepath.Join(s.dir, "out")
	write(t, in, b)
	run(t, "sbsign", "--key", filepath.Join(s.dir, "key.pem"), "--cert", filepath.Join(s.dir, "cert.pem"), "--output", out, in)
	return read(t, out)
}

// elfFile is an ELF file for x86-64 with one section of that name.
func elfFile(kind elf.Type, section string, content []byte) []byte {
	le := binary.LittleEndian
	names := "\x00" + section + "\x00.shstrtab\x00"
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	at := uint64(len(b))
	b = append(b, content...)
	namesAt := uint64(len(b))
	b = append(b, names...)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	tableAt := uint64(len(b))
	header := func(name, kind uint32, at, size uint64) {
		h := make([]byte, 64)
		le.PutUint32(h, name)
		le.PutUint32(h[4:], kind)
		le.PutUint64(h[24:], at)
		le.PutUint64(h[32:], size)
		b = append(b, h...)
	}
	header(0, 0, 0, 0)
	header(1, uint32(elf.SHT_PROGBITS), at, uint64(len(content)))
	header(uint32(len(section)+2), uint32(elf.SHT_STRTAB), namesAt, uint64(len(names)))
	le.PutUint16(b[16:], uint16(kind))
	le.PutUint16(b[18:], uint16(elf.EM_X86_64))
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[40:], tableAt)
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[58:], 64)
	le.PutUint16(b[60:], 3)
	le.PutUint16(b[62:], 2)
	return b
}

// ko is a kernel module that says of itself what info has.
func ko(info ...string) []byte {
	return elfFile(elf.ET_REL, ".modinfo", []byte(strings.Join(info, "\x00")+"\x00"))
}

// testFont is a console font with all the characters that a stick wants.
func testFont(width, height int) []byte {
	var runes []rune
	for r := rune(' '); r <= 0xff; r++ {
		if r < 0x7f || r >= 0xa0 {
			runes = append(runes, r)
		}
	}
	for _, r := range fontRunes {
		if other, ok := alike[r]; ok {
			r = other
		}
		if !isBlock(r) {
			runes = append(runes, r)
		}
	}
	glyph := (width + 7) / 8 * height
	b := make([]byte, 32)
	for i, v := range []int{0x864ab572, 0, 32, 1, len(runes), glyph, height, width} {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	}
	for i := range runes {
		b = append(b, bytes.Repeat([]byte{byte(i)}, glyph)...)
	}
	for _, r := range runes {
		b = append(append(b, string(r)...), 0xff)
	}
	return b
}

func gz(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tarOf packs files by name; one whose content begins with "-> " is a link.
func tarOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		to, isLink := strings.CutPrefix(string(files[name]), "-> ")
		if isLink {
			h.Typeflag, h.Size, h.Linkname = tar.TypeSymlink, 0, to
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if !isLink {
			if _, err := w.Write(files[name]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// arOf packs members in their order: name, content, name, content.
func arOf(pairs ...string) []byte {
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", pairs[i], 0, 0, 0, "100644", len(pairs[i+1]), pairs[i+1])
		if b.Len()%2 != 0 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// debOf is a package.
func debOf(t *testing.T, name, version, arch string, files map[string][]byte) []byte {
	t.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nDescription: made for a test\n", name, version, arch)
	dotted := map[string][]byte{}
	for name, b := range files {
		dotted["./"+name] = b
	}
	return arOf("debian-binary", "2.0\n",
		"control.tar.gz", string(gz(t, tarOf(t, map[string][]byte{"./control": []byte(control)}))),
		"data.tar.gz", string(gz(t, tarOf(t, dotted))))
}

const testRelease = "6.1.0-1-amd64"

// testModules are the modules of the small distribution's kernel, by their path
// below kernel/.
func testModules() map[string][]byte {
	return map[string][]byte{
		"drivers/scsi/scsi_mod.ko":                  ko("depends="),
		"drivers/scsi/sd_mod.ko":                    ko("depends=scsi_mod", "alias=scsi:t-0x00*"),
		"drivers/scsi/sg.ko":                        ko("depends=scsi_mod"),
		"drivers/nvme/host/nvme-core.ko":            ko("depends="),
		"drivers/nvme/host/nvme.ko":                 ko("depends=nvme-core", "alias=pci:v*d*sv*sd*bc01sc08i02*"),
		"drivers/pci/controller/vmd.ko":             ko("depends=", "alias=pci:v00008086d0000201Dsv*sd*bc*sc*i*"),
		"drivers/ata/libata.ko":                     ko("depends=scsi_mod"),
		"drivers/ata/libahci.ko":                    ko("depends=libata"),
		"drivers/ata/ahci.ko":                       ko("depends=libahci,libata", "alias=pci:v*d*sv*sd*bc01sc06i01*", "softdep=pre: sd_mod"),
		"drivers/ata/pata_legacy.ko":                ko("depends=libata"),
		"drivers/ata/sata_sil.ko":                   ko("depends=libata", "alias=pci:v00001095d00003114sv*sd*bc*sc*i*"),
		"drivers/usb/host/xhci-hcd.ko":              ko("depends="),
		"drivers/usb/host/xhci-pci.ko":              ko("depends=xhci-hcd"),
		"drivers/usb/host/ehci-pci.ko":              ko("depends="),
		"drivers/usb/storage/usb-storage.ko":        ko("depends=scsi_mod"),
		"drivers/usb/storage/uas.ko":                ko("depends=scsi_mod,usb-storage"),
		"drivers/hid/hid-generic.ko":                ko("depends="),
		"drivers/hid/hid-asus.ko":                   ko("depends=rfkill"),
		"drivers/hid/usbhid/usbhid.ko":              ko("depends="),
		"drivers/input/evdev.ko":                    ko("depends="),
		"fs/fat/fat.ko":                             ko("depends="),
		"fs/fat/vfat.ko":                            ko("depends=fat", "alias=fs-vfat"),
		"fs/nls/nls_cp437.ko":                       ko("depends="),
		"fs/nls/nls_ascii.ko":                       ko("depends="),
		"fs/nls/nls_iso8859-1.ko":                   ko("depends="),
		"fs/nls/nls_utf8.ko":                        ko("depends="),
		"drivers/net/ethernet/intel/e1000/e1000.ko": ko("depends=", "alias=pci:v00008086d00001000sv*sd*bc*sc*i*"),
		"net/rfkill/rfkill.ko":                      ko("depends="),
		"fs/ext4/ext4.ko":                           ko("depends="),
		"drivers/gpu/drm/drm.ko":                    ko("depends="),
		"drivers/gpu/drm/i915/i915.ko":              ko("depends=drm", "firmware=i915/kbl_dmc_ver1_04.bin", "firmware=i915/missing.bin"),
	}
}

// testDistribution is the files of each package of a distribution that has all
// that a stick needs.
func testDistribution(t *testing.T) map[string]map[string][]byte {
	t.Helper()
	microsoft, debian := newTestSigner(t, "Test UEFI CA"), newTestSigner(t, "Test Distribution Signer")
	kernel := map[string][]byte{
		"boot/vmlinuz-" + testRelease:                             debian.sign(t, peProgram("kernel")),
		"lib/modules/" + testRelease + "/modules.builtin":         []byte("kernel/drivers/input/serio/i8042.ko\nkernel/drivers/input/keyboard/atkbd.ko\n"),
		"usr/share/doc/linux-image-" + testRelease + "/copyright": []byte("GPL-2\n"),
	}
	for name, b := range testModules() {
		kernel["lib/modules/"+testRelease+"/kernel/"+name] = b
	}
	fonts := map[string][]byte{}
	for _, s := range fontSizes {
		var w, h int
		if _, err := fmt.Sscanf(s.file, "ombruk-%dx%d.psf", &w, &h); err != nil {
			t.Fatal(err)
		}
		fonts["usr/share/consolefonts/"+s.source+".psf.gz"] = gz(t, testFont(w, h))
	}
	return map[string]map[string][]byte{
		"linux-image-" + testRelease: kernel,
		"shim-signed":                {"usr/lib/shim/shimx64.efi.signed": microsoft.sign(t, peProgram("shim"))},
		"shim-helpers-amd64-signed":  {"usr/lib/shim/mmx64.efi.signed": debian.sign(t, peProgram("manager"))},
		"grub-efi-amd64-signed": {
			"usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed":    debian.sign(t, peProgram("grub")),
			"usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed": debian.sign(t, peProgram("grubnet")),
		},
		"console-setup-linux": fonts,
	}
}

// writeDistribution puts its packages into a folder.
func writeDistribution(t *testing.T, distribution map[string]map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, files := range distribution {
		write(t, filepath.Join(dir, name+".deb"), debOf(t, name, "1.0", "amd64", files))
	}
	return dir
}

// testOptions are those of a small stick.
func testOptions(t *testing.T, distribution map[string]map[string][]byte, firmware ...string) Options {
	t.Helper()
	packages, err := Open(writeDistribution(t, distribution), firmware)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Packages: packages,
		Program:  elfFile(elf.ET_EXEC, ".text", bytes.Repeat([]byte("ombruk"), 10_000)),
		Settings: map[string][]byte{"settings.json": []byte("{}"), "keys/station.key": []byte("secret")},
		Time:     time.Date(2026, 11, 22, 12, 0, 1, 0, time.UTC),
		// The smallest that is allowed.
		SizeBytes: 194 * mib,
	}
}

func quiet(string) {}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zst(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}
