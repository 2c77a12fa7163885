package bootusb

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"

	"github.com/ombruk/ombruk/internal/stick"
)

// build makes an image in a file of its own.
func build(t *testing.T, o Options) (string, Result) {
	t.Helper()
	name, r, err := tryBuild(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return name, r
}

func tryBuild(t *testing.T, o Options) (string, Result, error) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "stick.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r, err := Build(t.Context(), out, o, quiet)
	return out.Name(), r, err
}

// A station lead builds a stick; everything that is said to be on it is read
// back with tools that have never heard of us.
func TestAStickIsWhatItIsSaidToBe(t *testing.T) {
	o := testOptions(t, testDistribution(t))
	image, r := build(t, o)
	if r.Kernel != testRelease || r.SizeBytes != 194*mib {
		t.Errorf("got kernel %s and %d bytes", r.Kernel, r.SizeBytes)
	}
	if r.BIOS || !strings.Contains(r.WhyNoBIOS, "grub") {
		t.Errorf("without grub-pc-bin: got BIOS %v, %q", r.BIOS, r.WhyNoBIOS)
	}
	wantSigners := []Signer{
		{"shim", "shim-signed", []string{"Test UEFI CA"}},
		{"grub", "grub-efi-amd64-signed", []string{"Test Distribution Signer"}},
		{"kernel", "linux-image-" + testRelease, []string{"Test Distribution Signer"}},
	}
	if got, want := fmt.Sprint(r.Signers), fmt.Sprint(wantSigners); got != want {
		t.Errorf("signers: got %s, want %s", got, want)
	}

	checkTable(t, image, r)
	for _, p := range r.Parts {
		if p.Name != stick.BIOSName {
			checkFAT(t, image, p)
		}
	}

	// Each file, by its bytes.
	esp := r.Parts[0]
	distribution := map[string][]byte{}
	for _, pkg := range o.Packages.List() {
		if err := pkg.each(func(f entry, body io.Reader) error {
			b, err := io.ReadAll(body)
			distribution[f.name] = b
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range map[string]string{
		"EFI/BOOT/BOOTX64.EFI": "usr/lib/shim/shimx64.efi.signed",
		"EFI/BOOT/mmx64.efi":   "usr/lib/shim/mmx64.efi.signed",
		"EFI/BOOT/grubx64.efi": "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
		"boot/vmlinuz":         "boot/vmlinuz-" + testRelease,
		"licences/01.txt":      "usr/share/doc/linux-image-" + testRelease + "/copyright",
	} {
		if got := mtype(t, image, esp, name); !bytes.Equal(got, distribution[from]) {
			t.Errorf("%s has %d bytes, not those of %s", name, len(got), from)
		}
	}
	config := string(mtype(t, image, esp, "EFI/debian/grub.cfg"))
	if !strings.Contains(config, volumeOf(t, image, esp)) {
		t.Errorf("GRUB does not look for this file system %s:\n%s", volumeOf(t, image, esp), config)
	}
	for _, same := range []string{"EFI/ubuntu/grub.cfg", "boot/grub/grub.cfg"} {
		if got := string(mtype(t, image, esp, same)); got != config {
			t.Errorf("%s differs:\n%s", same, got)
		}
	}
	if got := mtype(t, image, esp, "sbom.json"); !bytes.Equal(got, r.SBOM) {
		t.Error("sbom.json on the stick is not the one that was returned")
	}
	files := unpackInitramfs(t, mtype(t, image, esp, "boot/initrd.img"))
	if got := files["init"]; !bytes.Equal(got.content, o.Program) || got.mode != 0o755 {
		t.Errorf("init has %d bytes and mode %o", len(got.content), got.mode)
	}
	if _, ok := files["dev/console"]; !ok {
		t.Error("there is no console for the first process")
	}
	for _, s := range fontSizes {
		if _, err := parsePSF(files["usr/share/consolefonts/"+s.file].content); err != nil {
			t.Errorf("%s: %v", s.file, err)
		}
	}
	settings := unpackCPIO(t, mtype(t, image, esp, "boot/settings.img"))
	if got := settings["ombruk/keys/station.key"]; string(got.content) != "secret" || got.mode != 0o600 {
		t.Errorf("the station's key: got %q with mode %o", got.content, got.mode)
	}
	if got := settings["ombruk/keys"]; got.mode != 0o700 {
		t.Errorf("the folder of keys: got mode %o", got.mode)
	}
}

// checkTable asks sfdisk about the partitions.
func checkTable(t *testing.T, image string, r Result) {
	t.Helper()
	if out := run(t, "sfdisk", "--verify", image); !strings.Contains(out, "No errors detected") {
		t.Errorf("sfdisk --verify: %s", out)
	}
	var table struct {
		Partitiontable struct {
			Label      string
			Partitions []struct {
				Name, Type  string
				Start, Size int64
			}
		}
	}
	if err := json.Unmarshal([]byte(run(t, "sfdisk", "--json", image)), &table); err != nil {
		t.Fatal(err)
	}
	types := map[string]string{
		stick.ESPName:  "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
		stick.DataName: "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
		stick.BIOSName: "21686148-6449-6E6F-744E-656564454649",
	}
	if got := len(table.Partitiontable.Partitions); got != 3 || table.Partitiontable.Label != "gpt" {
		t.Fatalf("got %d partitions in a table of %s", got, table.Partitiontable.Label)
	}
	for i, got := range table.Partitiontable.Partitions {
		want := r.Parts[i]
		if got.Name != want.Name || got.Type != types[want.Name] || got.Start*512 != want.StartBytes || got.Size*512 != want.SizeBytes {
			t.Errorf("partition %d: sfdisk sees %+v, said was %+v", i+1, got, want)
		}
	}
}

// checkFAT asks fsck.vfat about a file system.
func checkFAT(t *testing.T, image string, p Part) {
	t.Helper()
	part := filepath.Join(t.TempDir(), "part")
	run(t, "dd", "if="+image, "of="+part, "bs=1M", "conv=sparse", fmt.Sprintf("skip=%d", p.StartBytes/mib), fmt.Sprintf("count=%d", p.SizeBytes/mib), "status=none")
	soundFAT(t, part)
}

// soundFAT asks fsck.vfat about a file system that has a file of its own.
func soundFAT(t *testing.T, name string) {
	t.Helper()
	out := run(t, "fsck.vfat", "-nv", name)
	if !strings.Contains(out, "2 FATs, 32 bit entries") {
		t.Errorf("not FAT32: %s", out)
	}
	// Without -v there is its own name, and how much is used.
	if out := run(t, "fsck.vfat", "-n", name); strings.Count(strings.TrimSpace(out), "\n") != 1 {
		t.Errorf("fsck.vfat: %s", out)
	}
}

func at(image string, p Part) string { return fmt.Sprintf("%s@@%d", image, p.StartBytes) }

func mtype(t *testing.T, image string, p Part, name string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "file")
	run(t, "mcopy", "-i", at(image, p), "::/"+name, out)
	return read(t, out)
}

// volumeOf is the serial number that mtools read.
func volumeOf(t *testing.T, image string, p Part) string {
	t.Helper()
	_, after, ok := strings.Cut(run(t, "mdir", "-i", at(image, p), "::"), "Volume Serial Number is ")
	if !ok {
		t.Fatal("mdir shows no serial number")
	}
	return after[:9]
}

type unpackedFile struct {
	content []byte
	mode    uint64
}

func unpackInitramfs(t *testing.T, packed []byte) map[string]unpackedFile {
	t.Helper()
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	raw, err := d.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return unpackCPIO(t, raw)
}

func unpackCPIO(t *testing.T, raw []byte) map[string]unpackedFile {
	t.Helper()
	files := map[string]unpackedFile{}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		f := unpackedFile{mode: r.Mode & 0o7777}
		if r.FileSize > 0 {
			f.content = make([]byte, r.FileSize)
			if _, err := r.ReadAt(f.content, 0); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
		files[r.Name] = f
	}
	return files
}

// Two people who build from the same get the same, byte for byte; and whoever
// changes anything gets another identity for it.
func TestTheSameInputsGiveTheSameBytes(t *testing.T) {
	o := testOptions(t, testDistribution(t))
	_, first := build(t, o)
	again, second := build(t, o)
	if first.SHA256 != second.SHA256 {
		t.Errorf("built twice: %s and %s", first.SHA256, second.SHA256)
	}
	if got := strings.Fields(run(t, "sha256sum", again))[0]; got != second.SHA256 {
		t.Errorf("the digest is said to be %s, sha256sum says %s", second.SHA256, got)
	}
	changed := map[string]func(o *Options){
		"time":     func(o *Options) { o.Time = o.Time.Add(time.Second) },
		"settings": func(o *Options) { o.Settings = map[string][]byte{"settings.json": []byte("{ }")} },
		"args":     func(o *Options) { o.Args = []string{"nomodeset"} },
		"program":  func(o *Options) { o.Program = elfFile(elf.ET_EXEC, ".text", []byte("other")) },
		"size":     func(o *Options) { o.SizeBytes += mib },
		"menu":     func(o *Options) { o.Unattended = true },
	}
	seen := map[identity]string{}
	changed["nothing"] = func(*Options) {}
	for _, what := range slices.Sorted(maps.Keys(changed)) {
		other := o
		changed[what](&other)
		p, err := assemble(t.Context(), &other, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[p.id]; ok {
			t.Errorf("with another %s: the same identity as with another %s", what, before)
		}
		seen[p.id] = what
	}
}

// What cannot become a stick is said before anything is written.
func TestBadInputIsNamed(t *testing.T) {
	distribution := testDistribution(t)
	good := testOptions(t, distribution)
	for _, tt := range []struct {
		name   string
		change func(o *Options)
		want   string
	}{
		{"too small", func(o *Options) { o.SizeBytes = 100 * mib }, "100 MiB are too few, it needs at least 194 MiB"},
		{"no time", func(o *Options) { o.Time = time.Time{} }, "no time"},
		{"no packages", func(o *Options) { o.Packages = Packages{} }, "no packages"},
		{"a program for another system", func(o *Options) { o.Program = []byte("MZ\x90") }, "no Linux program"},
		{"a module as program", func(o *Options) { o.Program = ko("depends=") }, "it is no program"},
		{"an argument with a line break", func(o *Options) { o.Args = []string{"quiet\n}"} }, `"quiet\n}"`},
		{"another first process", func(o *Options) { o.Args = []string{"init=/bin/sh"} }, "starts its own program"},
		{"settings outside their folder", func(o *Options) { o.Settings = map[string][]byte{"../init": nil} }, `"../init" is no name of a file`},
		{"settings below a file", func(o *Options) { o.Settings = map[string][]byte{"a": nil, "a/b": nil} }, "a is a file and a folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			if _, _, err := tryBuild(t, o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("a file that is not empty", func(t *testing.T) {
		out, err := os.Create(filepath.Join(t.TempDir(), "thesis.doc"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		if _, err := out.WriteString("years of work"); err != nil {
			t.Fatal(err)
		}
		if _, err := Build(t.Context(), out, good, quiet); err == nil || !strings.Contains(err.Error(), "thesis.doc is no empty file") {
			t.Errorf("got %v", err)
		}
		if got := read(t, out.Name()); string(got) != "years of work" {
			t.Errorf("it was changed to %q", got)
		}
	})
	for name, tt := range map[string]struct{ pkg, file, want string }{
		"no signature on the kernel": {"linux-image-" + testRelease, "boot/vmlinuz-" + testRelease, "check the program of linux-image-6.1.0-1-amd64: it carries no Authenticode signature"},
		"no signature on shim":       {"shim-signed", "usr/lib/shim/shimx64.efi.signed", "check the program of shim-signed"},
	} {
		t.Run(name, func(t *testing.T) {
			d := maps.Clone(distribution)
			d[tt.pkg] = maps.Clone(d[tt.pkg])
			d[tt.pkg][tt.file] = peProgram("anybody's")
			o := testOptions(t, d)
			if _, _, err := tryBuild(t, o); !errors.Is(err, ErrUnsigned) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			o.Unsigned = true
			if _, _, err := tryBuild(t, o); err != nil {
				t.Errorf("asked for: %v", err)
			}
		})
	}
	t.Run("a kernel that was changed", func(t *testing.T) {
		d := maps.Clone(distribution)
		pkg := "linux-image-" + testRelease
		d[pkg] = maps.Clone(d[pkg])
		b := bytes.Clone(d[pkg]["boot/vmlinuz-"+testRelease])
		b[0x210] ^= 1
		d[pkg]["boot/vmlinuz-"+testRelease] = b
		o := testOptions(t, d)
		o.Unsigned = true // which is about none, not about a broken one
		if _, _, err := tryBuild(t, o); err == nil || !strings.Contains(err.Error(), "not the program that was signed") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no modules", func(t *testing.T) {
		d := maps.Clone(distribution)
		d["linux-image-"+testRelease] = map[string][]byte{"boot/vmlinuz-" + testRelease: d["linux-image-"+testRelease]["boot/vmlinuz-"+testRelease]}
		if _, _, err := tryBuild(t, testOptions(t, d)); err == nil || !strings.Contains(err.Error(), "linux-modules-"+testRelease) {
			t.Errorf("got %v", err)
		}
	})
}

// The library's own trap: 64 MiB, and the other sizes that it gets wrong.
func TestSizesThatTheLibraryGetsWrong(t *testing.T) {
	for _, tt := range []struct {
		sizeMiB int64
		want    bool
	}{{30, false}, {64, false}, {65, true}, {96, true}, {259, false}, {260, true}, {414, true}} {
		if got := holdsFAT(tt.sizeMiB * mib); got != tt.want {
			t.Errorf("%d MiB: got %v", tt.sizeMiB, got)
		}
	}
	for sizeMiB := int64(194); sizeMiB < 70_000; sizeMiB += 1 + sizeMiB/50 {
		l, err := plan(sizeMiB*mib, 30*mib)
		if err != nil {
			t.Fatal(err)
		}
		if end := l.data.StartBytes + l.data.SizeBytes; !holdsFAT(l.esp.SizeBytes) || !holdsFAT(l.data.SizeBytes) || end > l.sizeBytes-mib || end < l.sizeBytes-4*mib {
			t.Errorf("%d MiB: %+v", sizeMiB, l)
		}
	}
}

// A file system of any size that is asked for is in order, and so is what is in it.
func TestFileSystems(t *testing.T) {
	files := []espFile{
		{"boot/initrd.img", bytes.Repeat([]byte{0xa5}, 3*mib+17)},
		{"a/b/c/d.txt", []byte("deep")},
	}
	for _, sizeMiB := range []int64{65, 96, 260, 261, 926, 9000} {
		out, err := os.Create(filepath.Join(t.TempDir(), "fat.img"))
		if err != nil {
			t.Fatal(err)
		}
		p := Part{Name: "part", SizeBytes: sizeMiB * mib}
		if err := out.Truncate(p.SizeBytes); err != nil {
			t.Fatal(err)
		}
		if err := writeFAT(out, p, "OMBRUK", 0x1234abcd, files, time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		soundFAT(t, out.Name())
		for _, f := range files {
			if got := mtype(t, out.Name(), p, f.name); !bytes.Equal(got, f.b) {
				t.Errorf("%d MiB: %s came back with %d bytes, want %d", sizeMiB, f.name, len(got), len(f.b))
			}
		}
		if got := run(t, "mdir", "-i", at(out.Name(), p), "::/a/b"); strings.Count(got, "2026-01-02   3:04") != 3 || !strings.Contains(got, "1234-ABCD") {
			t.Errorf("%d MiB: the times or the number are not those of the build:\n%s", sizeMiB, got)
		}
		if got := run(t, "mlabel", "-s", "-i", at(out.Name(), p), "::"); !strings.Contains(got, "OMBRUK") {
			t.Errorf("%d MiB: the label: %s", sizeMiB, got)
		}
	}
}
