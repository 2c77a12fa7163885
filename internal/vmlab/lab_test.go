//go:build vm && linux

package vmlab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// The parts that every machine of these tests is started from, made once.
type parts struct{ kernel, initramfs string }

// modules are what the emulated hardware and the things built on drives need.
var modules = []string{
	"crc32c_generic", "crct10dif_generic",
	"virtio_pci", "virtio_console", "virtio_blk", "virtio_scsi",
	"sd_mod", "sr_mod", "ahci", "nvme", "xhci_pci", "usb_storage", "uas", "drivetemp",
	"ext4", "dm_mod", "raid1", "loop", "nvmet_tcp", "nvme_tcp", "target_core_user", "tcm_loop",
}

// tools are the host's programs that stories in the guest use.
var tools = []string{"sh", "cat", "readlink", "mkdir", "ln", "sleep", "mount", "umount", "swapon", "losetup", "unshare", "dmsetup", "lvm", "mdadm", "hdparm", "smartctl", "sg_vpd", "nvme"}

var made *parts

// makeParts builds ombruk and the guest and packs them with the kernel's
// modules and the tools.
func makeParts(t *testing.T, dir string) *parts {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	k, err := DebianKernel(filepath.Join(cache, "ombruk-vmlab"))
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{kernel: k.Image, initramfs: filepath.Join(dir, "initramfs")}
	f, err := os.Create(p.initramfs)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	i := NewInitramfs(f)
	for name, pkg := range map[string]string{"/init": "./guest", "/usr/bin/ombruk": "../../cmd/ombruk", "/usr/bin/simdrive": "./simdrive"} {
		i.Copy(name, build(t, pkg))
	}
	files, err := k.Modules(modules...)
	if err != nil {
		t.Fatal(err)
	}
	for n, file := range files {
		i.Copy(fmt.Sprintf("%s/%03d-%s", ModuleFolder, n, filepath.Base(file)), file)
	}
	for _, tool := range tools {
		i.Tool(tool)
	}
	// lvm finds devices and makes nodes itself: there is no udev.
	i.Write("/etc/lvm/lvm.conf", []byte("devices { external_device_info_source=\"none\" obtain_device_list_from_udev=0 }\nactivation { udev_sync=0 udev_rules=0 monitoring=0 }\n"))
	for _, folder := range []string{"/root", "/mnt", "/out"} {
		i.Folder(folder)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "vmlab-parts")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	partsDir = dir
	// Where the tools are, also for somebody who is not root.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var partsDir string

// bench is a machine with drives, and what the drives held at first.
type bench struct {
	t   *testing.T
	dir string // of the images
	m   *Machine
	// args are QEMU's, of the drives.
	args []string
	size map[string]int64
	// paths are the drives' in the guest.
	paths map[string]string
	// prepared are images that were given more than text at first.
	prepared map[string]bool
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{t: t, dir: t.TempDir(), size: map[string]int64{}, prepared: map[string]bool{}}
}

// text is what an image is filled with: its name over and over.
func text(name string, size int64) []byte {
	line := fmt.Appendf(nil, "patient record of %s\n", name)
	return bytes.Repeat(line, int(size)/len(line)+1)[:size]
}

func (b *bench) image(name string) string { return filepath.Join(b.dir, name+".img") }

// fill makes an image full of text.
func (b *bench) fill(name string, mib int64) {
	b.t.Helper()
	for other, size := range b.size {
		if size == mib<<20 {
			b.t.Fatalf("%s and %s have one size", name, other)
		}
	}
	b.size[name] = mib << 20
	if err := os.WriteFile(b.image(name), text(name, mib<<20), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// drive adds an image full of text, and the arguments that make it a drive.
// more are options of -drive.
func (b *bench) drive(name string, mib int64, device string, more ...string) {
	b.t.Helper()
	b.fill(name, mib)
	drive := "if=none,id=" + name + ",file=" + b.image(name) + ",format=raw,cache=unsafe,discard=unmap"
	b.qemu("-drive", strings.Join(append([]string{drive}, more...), ","), "-device", device+",drive="+name)
}

// prepare changes an image before the machine starts, with a shell command that
// finds its name in $img, and keeps a copy.
func (b *bench) prepare(name, command string) {
	b.t.Helper()
	cmd := exec.Command("sh", "-ec", command+"\ncp \"$img\" \"$img.first\"")
	cmd.Env = append(os.Environ(), "img="+b.image(name))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("prepare %s: %v\n%s", name, err, out)
	}
	b.prepared[name] = true
}

func (b *bench) qemu(args ...string) { b.args = append(b.args, args...) }

// start turns the machine on.
func (b *bench) start(limit time.Duration) {
	b.t.Helper()
	if made == nil {
		began := time.Now()
		made = makeParts(b.t, partsDir)
		b.t.Logf("parts made in %s", time.Since(began).Round(time.Millisecond))
	}
	began := time.Now()
	m, err := Start(Config{Kernel: made.kernel, Initramfs: made.initramfs, Args: b.args, Limit: limit})
	if err != nil {
		b.t.Fatal(err)
	}
	b.m = m
	b.t.Logf("guest up in %s", time.Since(began).Round(time.Millisecond))
	b.settle()
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.t.Logf("the guest's console:\n%s", m.Console())
		}
		m.Kill()
	})
}

// run runs a program that must end with this code.
func (b *bench) run(t *testing.T, code int, args ...string) Output {
	t.Helper()
	began := time.Now()
	out, err := b.m.Run(args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out.Stdout, out.Stderr)
	}
	if out.Code != code {
		t.Errorf("%v: code %d, want %d\n%s%s", args, out.Code, code, out.Stdout, out.Stderr)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Logf("%s: %v", took.Round(time.Millisecond), args)
	}
	return out
}

// listed is a line of `ombruk drives --json`.
type listed struct {
	inventory.Drive
	Blocked string
}

// drives asks ombruk for the drives it sees.
func (b *bench) drives(t *testing.T) []listed {
	t.Helper()
	var all []listed
	for line := range strings.Lines(b.run(t, 0, "ombruk", "drives", "--json").Stdout) {
		var d listed
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, d)
	}
	return all
}

// settle waits until the guest's kernel has found every drive, and learns their
// paths. Sizes tell the lab's drives apart without asking what is to be tested.
func (b *bench) settle() {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		b.paths = map[string]string{}
		blocks, err := b.m.Run("sh", "-c", "for f in /sys/block/*/size; do echo $f $(cat $f); done")
		if err != nil {
			b.t.Fatal(err)
		}
		for line := range strings.Lines(blocks.Stdout) {
			var file string
			var sectors int64
			if _, err := fmt.Sscan(line, &file, &sectors); err != nil {
				continue
			}
			for name, size := range b.size {
				if sectors*512 == size {
					b.paths[name] = "/dev/" + strings.Split(file, "/")[3]
				}
			}
		}
		if len(b.paths) == len(b.size) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the guest found only %v of %v\n%s", b.paths, b.size, blocks.Stdout)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// listed finds a drive in a list.
func (b *bench) listed(t *testing.T, all []listed, name string) listed {
	t.Helper()
	var found []listed
	for _, d := range all {
		if d.Path == b.paths[name] {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		t.Errorf("%s (%s) is listed %d times", name, b.paths[name], len(found))
		return listed{}
	}
	return found[0]
}

// outcome compares the record of a drive with what it must say.
func (b *bench) outcome(t *testing.T, records map[string]*certs.Sanitization, name string, want erase.Outcome, exceptions ...string) {
	t.Helper()
	r := records[b.paths[name]]
	if r == nil {
		t.Errorf("%s has no record", name)
		return
	}
	got := []string{}
	for _, e := range r.Exceptions {
		got = append(got, e.Code)
	}
	if r.Outcome != want || !slices.Equal(got, exceptions) && len(got)+len(exceptions) > 0 {
		t.Errorf("%s: got %s %v, want %s %v", name, r.Outcome, r.Exceptions, want, exceptions)
	}
	if d := r.Drive; d.CapacityBytes != b.size[name] {
		t.Errorf("%s: the record has %d bytes, want %d", name, d.CapacityBytes, b.size[name])
	}
	if want.Clean() && (!r.Fulfilled || r.Achieved.Method != erase.Clear || r.Verification.BytesRead != b.size[name]) {
		t.Errorf("%s: fulfilled %v, achieved %v, read back %d", name, r.Fulfilled, r.Achieved.Method, r.Verification.BytesRead)
	}
}

// records fetches the output folder, checks every record and page in it and
// gives the sanitization records by the drive's path.
func (b *bench) records(t *testing.T, dir string) (records map[string]*certs.Sanitization, files map[string][]byte) {
	t.Helper()
	files, err := b.m.Fetch(dir)
	if err != nil {
		t.Fatalf("fetch %s: %v", dir, err)
	}
	records = map[string]*certs.Sanitization{}
	for name, content := range files {
		switch {
		case strings.HasSuffix(name, ".pdf"), strings.HasSuffix(name, ".evidence.json"):
			if v := certs.Verify(name, content, nil, time.Now()); v.Integrity != certs.IntegrityOK {
				t.Errorf("%s: %s", name, v.Reason)
			}
		}
		if !strings.HasSuffix(name, ".evidence.json") {
			continue
		}
		r, err := certs.Open(content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Kind == certs.KindStarted {
			t.Errorf("%s was never closed", name)
		}
		if s := r.Sanitization; s != nil {
			records[s.Drive.Path] = s
			if files[strings.TrimSuffix(name, ".evidence.json")+".pdf"] == nil {
				t.Errorf("%s has no page", name)
			}
		}
	}
	return records, files
}

// holds compares an image with what it must hold, once the machine is off.
func (b *bench) holds(t *testing.T, name string, want []byte) {
	t.Helper()
	b.holdsFrom(t, name, want, 0)
}

// holdsFrom is holds without the bytes before from.
func (b *bench) holdsFrom(t *testing.T, name string, want []byte, from int) {
	t.Helper()
	got, err := os.ReadFile(b.image(name))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
		return
	}
	for i := from; i < len(got); i++ {
		if got[i] != want[i] {
			t.Errorf("%s differs from byte %d (sector %d) on: % x, want % x", name, i, i/512, got[i:min(i+16, len(got))], want[i:min(i+16, len(want))])
			return
		}
	}
}

// untouched says that an image holds what it was filled with.
func (b *bench) untouched(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		want := text(name, b.size[name])
		if b.prepared[name] {
			var err error
			if want, err = os.ReadFile(b.image(name) + ".first"); err != nil {
				t.Fatal(err)
			}
		}
		b.holds(t, name, want)
	}
}

// zeroed says that an image holds nothing but zeros.
func (b *bench) zeroed(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		b.holds(t, name, make([]byte, b.size[name]))
	}
}

// randomed says that an image holds the last pass of a record, a random one,
// as openssl makes it from the key that was kept.
func (b *bench) randomed(t *testing.T, name string, r *certs.Sanitization, files map[string][]byte) {
	t.Helper()
	var key struct {
		Key string
		IVs []string
	}
	if err := json.Unmarshal(files[r.ID+".key.json"], &key); err != nil {
		t.Errorf("key of %s: %v", name, err)
		return
	}
	cmd := exec.Command("openssl", "enc", "-aes-128-ctr", "-nosalt", "-K", key.Key, "-iv", key.IVs[len(r.Steps)-1])
	cmd.Stdin = bytes.NewReader(make([]byte, b.size[name]))
	want, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl: %v", err)
	}
	b.holds(t, name, want)
}
