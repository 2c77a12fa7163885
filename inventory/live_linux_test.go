package inventory

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// run runs a program and gives what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("needs %s: apt-get install util-linux e2fsprogs mount", name)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// image makes a sparse file with an MBR of one partition from 1 MiB on.
func image(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk.img")
	mbr := make([]byte, 512)
	mbr[446+4] = 0x83
	binary.LittleEndian.PutUint32(mbr[446+8:], 2048)
	binary.LittleEndian.PutUint32(mbr[446+12:], 28<<20/512)
	mbr[510], mbr[511] = 0x55, 0xaa
	if err := os.WriteFile(name, mbr, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 32<<20); err != nil {
		t.Fatal(err)
	}
	return name
}

// loop attaches a file to a free loop device until the test ends.
func loop(t *testing.T, file string) string {
	t.Helper()
	device := run(t, "losetup", "--find", "--show", "--partscan", file)
	t.Cleanup(func() { run(t, "losetup", "--detach", device) })
	if !strings.HasPrefix(device, "/dev/loop") {
		t.Fatalf("losetup gave %q", device)
	}
	return device
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to attach loop devices")
	}
	if testing.Short() {
		t.Skip("attaches loop devices; left out of short runs")
	}
}

func liveDrive(t *testing.T, path string) Drive {
	t.Helper()
	d, err := Source{}.Drive(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantUse(t *testing.T, d Drive, want string) {
	t.Helper()
	if !slices.Contains(uses(d), want) {
		t.Errorf("%s: uses %q, want %q among them", d.Path, uses(d), want)
	}
}

func TestLiveFreeLoopDevice(t *testing.T) {
	needsRoot(t)
	file := image(t)
	if d := liveDrive(t, file); len(d.Uses) != 0 || d.Bus != BusImage || d.CapacityBytes != 32<<20 {
		t.Errorf("image: %+v", d)
	}
	device := loop(t, file)
	d := liveDrive(t, device)
	if len(d.Uses) != 0 || d.Bus != BusLoop || d.Media != MediaImage || d.CapacityBytes != 32<<20 {
		t.Errorf("loop device: %+v", d)
	}
	wantUse(t, liveDrive(t, file), "held by "+filepath.Base(device))
	// Nobody takes a loop device for a drive of the machine.
	all, err := Source{}.Drives(context.Background())
	if err != nil || slices.ContainsFunc(all, func(o Drive) bool { return o.DeviceNumber == d.DeviceNumber }) {
		t.Errorf("drives %v, error %v", all, err)
	}
	// An odd link to the node is the same drive.
	link := filepath.Join(t.TempDir(), "my drive")
	if err := os.Symlink(device, link); err != nil {
		t.Fatal(err)
	}
	if byLink := liveDrive(t, link); byLink.DeviceNumber != d.DeviceNumber || byLink.Path != device {
		t.Errorf("by link: %+v", byLink)
	}
}

func TestLiveMountedPartition(t *testing.T) {
	needsRoot(t)
	file := image(t)
	device := loop(t, file)
	part := device + "p1"
	if _, err := os.Stat(part); err != nil {
		// This kernel reads no partition tables; it can be told.
		run(t, "addpart", device, "1", "2048", "57344")
		t.Cleanup(func() { run(t, "delpart", device, "1") })
	}
	run(t, "mkfs.ext4", "-q", "-F", part)
	dir := filepath.Join(t.TempDir(), "mount point")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", part, dir)
	t.Cleanup(func() { run(t, "umount", dir) })
	wantUse(t, liveDrive(t, device), "mounted on "+dir+" through "+part)
	wantUse(t, liveDrive(t, part), "mounted on "+dir)
	wantUse(t, liveDrive(t, file), "mounted on "+dir+" through "+part)
}

// A loop device over a drive gives a second name to the drive's blocks and
// keeps nobody off them: neither the partition that is mounted nor another loop.
func TestLiveLoopOverADriveInUse(t *testing.T) {
	needsRoot(t)
	lower := loop(t, image(t))
	second := loop(t, lower)
	if d := liveDrive(t, second); len(d.Uses) != 0 {
		t.Errorf("over a free drive: uses %q", uses(d))
	}
	part := lower + "p1"
	if _, err := os.Stat(part); err != nil {
		run(t, "addpart", lower, "1", "2048", "57344")
		t.Cleanup(func() { run(t, "delpart", lower, "1") })
	}
	run(t, "mkfs.ext4", "-q", "-F", part)
	dir := t.TempDir()
	run(t, "mount", part, dir)
	t.Cleanup(func() { run(t, "umount", dir) })
	wantUse(t, liveDrive(t, second), "mounted on "+dir+" through "+part)
	third := loop(t, lower)
	wantUse(t, liveDrive(t, second), "held by "+filepath.Base(third)+" through "+lower)
}

func TestLiveMountInAnotherNamespace(t *testing.T) {
	needsRoot(t)
	device := loop(t, image(t))
	run(t, "mkfs.ext4", "-q", "-F", device)
	dir := t.TempDir()
	// The child says when it has mounted and goes when its input ends.
	child := exec.Command("unshare", "--mount", "sh", "-c", `mount "$1" "$2" && echo ready && read line`, "sh", device, dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = child.Wait() })
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatalf("mount in another namespace: %v", err)
	}
	d := liveDrive(t, device)
	if len(d.Uses) == 0 || d.Uses[0].Kind != UseMounted || !strings.HasPrefix(d.Uses[0].Holder, dir+" (mount namespace of process ") {
		t.Errorf("uses %q", uses(d))
	}
}

func TestLiveSwap(t *testing.T) {
	needsRoot(t)
	file := image(t)
	device := loop(t, file)
	run(t, "mkswap", device)
	if out, err := exec.Command("swapon", device).CombinedOutput(); err != nil {
		t.Skipf("this kernel takes no swap: %v: %s", err, out)
	}
	t.Cleanup(func() { run(t, "swapoff", device) })
	wantUse(t, liveDrive(t, device), "in use as swap")
	wantUse(t, liveDrive(t, file), "in use as swap through "+device)
}

func TestLiveOpenInAnotherProcess(t *testing.T) {
	needsRoot(t)
	file := image(t)
	device := loop(t, file)
	for _, path := range []string{device, file} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command("cat")
		child.ExtraFiles = []*os.File{f}
		in, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		d := liveDrive(t, path)
		in.Close()
		_ = child.Wait()
		f.Close()
		if !slices.ContainsFunc(d.Uses, func(u Use) bool { return u.Kind == UseOpen && strings.HasSuffix(u.Holder, " (cat)") }) {
			t.Errorf("%s: uses %q", path, uses(d))
		}
		if after := liveDrive(t, path); slices.ContainsFunc(after.Uses, func(u Use) bool { return u.Kind == UseOpen }) {
			t.Errorf("%s is still open: %q", path, uses(after))
		}
	}
}

func TestLiveThingsThatAreNoDrives(t *testing.T) {
	dir := t.TempDir()
	run(t, "mkfifo", filepath.Join(dir, "pipe"))
	for path, want := range map[string]string{
		"/dev/null":                "character device",
		filepath.Join(dir, "pipe"): "named pipe",
		dir:                        "directory",
	} {
		_, err := Source{}.Drive(context.Background(), path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", path, err, want)
		}
	}
}

func TestLiveBootMedium(t *testing.T) {
	all, err := Source{}.Drives(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	root, err := newTree("/").stat("/")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.DeviceNumber == root.file.device && (len(d.Uses) == 0 || d.Uses[0].Kind != UseBootMedium) {
			t.Errorf("%s holds / and is not known as boot medium: %q", d.Path, uses(d))
		}
	}
}
