package drive

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// labelled gives image files a serial, as if they were drives.
func labelled(serial string) Look {
	return func(path string) (inventory.Drive, error) {
		d, err := inventory.Source{}.Facts(path)
		d.Serial, d.WWN, d.Model = serial, "naa.5000c500", "TEST DISK"
		return d, err
	}
}

// shelf makes an image file and opens it as a drive with a serial.
func shelf(t *testing.T, dir, name, serial string, sizeBytes int) *Drive {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, bytes.Repeat([]byte("old data"), sizeBytes/8), 0o600); err != nil {
		t.Fatal(err)
	}
	facts, err := labelled(serial)(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(facts, labelled(serial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestDriveIsFoundAgainUnderAnotherName(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*inventory.Drive) // what is there afterwards
		none   bool
		twice  bool
		want   error
	}{
		{"the same drive", func(*inventory.Drive) {}, false, false, nil},
		{"not back yet", nil, true, false, erase.ErrGone},
		{"another serial", func(d *inventory.Drive) { d.Serial = "B" }, false, false, erase.ErrGone},
		{"another WWN", func(d *inventory.Drive) { d.WWN = "naa.6" }, false, false, erase.ErrGone},
		{"another model", func(d *inventory.Drive) { d.Model = "OTHER" }, false, false, erase.ErrGone},
		{"two drives with its serial", func(*inventory.Drive) {}, false, true, erase.ErrIdentityChanged},
		{"mounted by somebody meanwhile", func(d *inventory.Drive) {
			d.Uses = []inventory.Use{{Kind: inventory.UseMounted, Holder: "/media/usb"}}
		}, false, false, erase.ErrInUse},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			d := shelf(t, dir, "sda", "A", 64<<10)
			h := &host{drive: d, sys: dir, drives: func(context.Context) ([]inventory.Drive, error) {
				if c.none {
					return nil, nil
				}
				now, err := labelled("A")(filepath.Join(dir, "sdb"))
				c.change(&now)
				all := []inventory.Drive{{Path: "/dev/other", Serial: "X"}, now}
				if c.twice {
					all = append(all, now)
				}
				return all, err
			}}
			if err := h.Refind(context.Background()); err != nil {
				t.Fatalf("while it is there: %v", err)
			}
			if err := os.Rename(filepath.Join(dir, "sda"), filepath.Join(dir, "sdb")); err != nil {
				t.Fatal(err)
			}
			err := h.Refind(context.Background())
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want != nil {
				return
			}
			if err := d.Check(); err != nil {
				t.Errorf("check: %v", err)
			}
			b, err := d.Alloc(4096)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.ReadAt(b, 0); err != nil || !strings.HasPrefix(string(b), "old data") {
				t.Errorf("read: %v", err)
			}
		})
	}
}

// A drive that comes back smaller or larger without our doing is not the one
// that was planned for.
func TestDriveThatComesBackInAnotherSize(t *testing.T) {
	dir := t.TempDir()
	d := shelf(t, dir, "sda", "A", 64<<10)
	h := &host{drive: d, sys: dir, drives: func(context.Context) ([]inventory.Drive, error) {
		now, err := labelled("A")(filepath.Join(dir, "sdb"))
		return []inventory.Drive{now}, err
	}}
	if err := errors.Join(os.Rename(filepath.Join(dir, "sda"), filepath.Join(dir, "sdb")), os.Truncate(filepath.Join(dir, "sdb"), 128<<10)); err != nil {
		t.Fatal(err)
	}
	if err := h.Refind(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(); !errors.Is(err, erase.ErrSizeChanged) || d.SizeBytes() != 64<<10 {
		t.Errorf("check: %v with %d bytes", err, d.SizeBytes())
	}
}

func TestDriveWithoutANameOfItsOwnIsNotGuessed(t *testing.T) {
	h := &host{drives: func(context.Context) ([]inventory.Drive, error) {
		return []inventory.Drive{{Path: "/dev/sdb", Model: "STICK"}}, nil
	}}
	if d, err := h.find(context.Background(), inventory.Drive{Model: "STICK"}); !errors.Is(err, erase.ErrGone) {
		t.Errorf("got %v, %v", d, err)
	}
}

func TestKernelIsAskedToLookAgain(t *testing.T) {
	sys := t.TempDir()
	for name, attributes := range map[string][]string{
		"sda":     {"device/rescan"},
		"nvme0n1": {"device/rescan_controller"},
		"nvme1n1": {"device/nvme1/rescan_controller", "device/nvme2/rescan_controller"}, // multipath
		"mmcblk0": {"device/type"},
	} {
		for _, a := range attributes {
			path := filepath.Join(sys, "block", name, a)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if err := rescan(sys, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, a := range attributes {
			got, _ := os.ReadFile(filepath.Join(sys, "block", name, a))
			if asked := string(got) == "1\n"; asked == strings.HasSuffix(a, "type") {
				t.Errorf("%s/%s holds %q", name, a, got)
			}
		}
	}
}

func TestWhichWireATargetHas(t *testing.T) {
	for _, c := range []struct {
		d    inventory.Drive
		want string
	}{
		{inventory.Drive{Name: "sda", Bus: inventory.BusATA}, "scsi"},
		{inventory.Drive{Name: "sdb", Bus: inventory.BusUSB}, "scsi"},
		{inventory.Drive{Name: "nvme0n1", Bus: inventory.BusNVMe}, "nvme"},
		{inventory.Drive{Name: "nvme1n1", Bus: inventory.BusFabric}, "nvme"},
		{inventory.Drive{Name: "mmcblk0", Bus: inventory.BusMMC}, "mmc"},
		// A command acts on the whole drive, so a part of one has no wire.
		{inventory.Drive{Name: "sda1", Bus: inventory.BusATA, PartitionOf: "/dev/sda"}, ""},
		{inventory.Drive{Name: "nvme0n1p2", Bus: inventory.BusNVMe, PartitionOf: "/dev/nvme0n1"}, ""},
		{inventory.Drive{Name: "mmcblk0boot0", Bus: inventory.BusMMC, PartitionOf: "/dev/mmcblk0"}, ""},
		// A RAID controller's volume is not one drive.
		{inventory.Drive{Name: "sdc", Bus: inventory.BusVirtual}, ""},
		{inventory.Drive{Name: "vda", Bus: inventory.BusVirtio}, ""},
		{inventory.Drive{Name: "loop0", Bus: inventory.BusLoop}, ""},
		{inventory.Drive{Bus: inventory.BusImage}, ""},
	} {
		if got := wired(c.d); got != c.want {
			t.Errorf("%s on %s: got %q, want %q", c.d.Name, c.d.Bus, got, c.want)
		}
		if c.want == "" {
			if _, err := Probe(context.Background(), c.d); !errors.Is(err, ErrNoCommands) {
				t.Errorf("probe %s: got %v", c.d.Name, err)
			}
		}
	}
}

// Linux counts an NVMe drive's nodes in the order in which it finds them; what
// namespace a node is of stands in sysfs.
func TestWhichNamespaceANodeIsOf(t *testing.T) {
	sys := t.TempDir()
	for name, text := range map[string]string{"nvme0n2": "5\n", "nvme0n3": "2\n", "nvme0n4": "many\n", "nvme1n1": "7\n"} {
		dir := filepath.Join(sys, "block", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "nsid"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	of := nsidOf(sys, []string{"/dev/nvme0n2", "/dev/nvme0n3", "/dev/nvme0n4", "/dev/nvme0n9"})
	for path, want := range map[string]uint32{
		"/dev/nvme0n2": 5, "/dev/nvme0n3": 2,
		"/dev/nvme0n4": 0, "/dev/nvme0n9": 0,
		"/dev/nvme1n1": 0, // another drive's
	} {
		if got := of(path); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
}

// What is probed must be what was listed, and a node that is not what its name
// says answers nothing.
func TestProbeOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sda")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	d := inventory.Drive{Path: path, Name: "sda", Bus: inventory.BusATA, DeviceNumber: "8:0"}
	if _, err := Probe(context.Background(), d); !errors.Is(err, erase.ErrIdentityChanged) {
		t.Errorf("another device number: got %v", err)
	}
	d.DeviceNumber = "0:0"
	if a, err := Probe(context.Background(), d); err == nil {
		t.Errorf("a file answered %+v", a)
	}
	d.Path += "-gone"
	if _, err := Probe(context.Background(), d); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("gone: got %v", err)
	}
}

func TestNamespacesOneAfterAnother(t *testing.T) {
	dir := t.TempDir()
	parts := []*Drive{shelf(t, dir, "n1", "A", 12<<10), shelf(t, dir, "n2", "A", 4<<10), shelf(t, dir, "n3", "A", 20<<10)}
	j, err := Join(parts...)
	if err != nil {
		t.Fatal(err)
	}
	if j.SizeBytes() != 36<<10 || j.Firmware() != nil {
		t.Errorf("%d bytes, firmware %v", j.SizeBytes(), j.Firmware())
	}
	b, err := j.Alloc(28 << 10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = byte(i/4096) + 1
	}
	if n, err := j.WriteAt(b, 8<<10); n != len(b) || err != nil {
		t.Fatalf("write over all borders: %d, %v", n, err)
	}
	if err := j.Sync(); err != nil {
		t.Error(err)
	}
	if how, err := j.Forget(); how == "" || err != nil {
		t.Errorf("forget: %q, %v", how, err)
	}
	want := map[string][]byte{"n1": {'o', 'o', 1}, "n2": {2}, "n3": {3, 4, 5, 6, 7}}
	for name, firsts := range want {
		held, _ := os.ReadFile(filepath.Join(dir, name))
		for i, first := range firsts {
			if held[i*4096] != first {
				t.Errorf("%s block %d begins with %02X, want %02X", name, i, held[i*4096], first)
			}
		}
	}
	back, _ := j.Alloc(28 << 10)
	if n, err := j.ReadAt(back, 8<<10); n != len(b) || err != nil || !bytes.Equal(back, b) {
		t.Errorf("read back: %d, %v", n, err)
	}
	if n, err := j.ReadAt(back[:8192], 32<<10); n != 4096 || err == nil {
		t.Errorf("read past the end: %d, %v", n, err)
	}
	if err := j.Check(); err != nil {
		t.Error(err)
	}
}

func TestJoinedNamespacesAreWipedToTheLastByte(t *testing.T) {
	dir := t.TempDir()
	j, err := Join(shelf(t, dir, "n1", "A", 1<<20), shelf(t, dir, "n2", "A", 3<<20+512))
	if err != nil {
		t.Fatal(err)
	}
	s, err := erase.FindStandard("random")
	if err != nil {
		t.Fatal(err)
	}
	whole := j.parts[0].at.Load().facts
	whole.CapacityBytes = j.SizeBytes()
	p, err := erase.MakePlan(whole, erase.Order{Standard: s})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := erase.Run(context.Background(), p, j, erase.Options{Key: erase.Key{9}, Now: time.Now})
	if !r.Outcome.Clean() {
		t.Errorf("%v %v %v", r.Outcome, r.Exceptions, r.Err)
	}
	for _, name := range []string{"n1", "n2"} {
		if held, _ := os.ReadFile(filepath.Join(dir, name)); bytes.Contains(held, []byte("old data")) {
			t.Errorf("%s still holds old data", name)
		}
	}
}

func TestOnlyNamespacesOfOneDriveAreJoined(t *testing.T) {
	dir := t.TempDir()
	if _, err := Join(shelf(t, dir, "a", "A", 8<<10), shelf(t, dir, "b", "B", 8<<10)); !errors.Is(err, erase.ErrIdentityChanged) {
		t.Errorf("two drives: got %v", err)
	}
	if _, err := Join(shelf(t, dir, "c", "", 8<<10), shelf(t, dir, "d", "", 8<<10)); !errors.Is(err, erase.ErrIdentityChanged) {
		t.Errorf("drives without a serial: got %v", err)
	}
	if _, err := Join(shelf(t, dir, "e", "A", 8<<10+512), shelf(t, dir, "f", "A", 8<<10)); err == nil {
		t.Error("a namespace of half a page in the middle was joined")
	}
	if _, err := Join(); err == nil {
		t.Error("nothing was joined")
	}
}

// A loop device stands for a drive whose hidden blocks were restored: the
// kernel is asked again, and from then on they belong to the drive.
func TestRestoredBlocksBelongToTheDrive(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("attaching a loop device needs root")
	}
	img := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(img, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	losetup := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("losetup", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("losetup: %v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	dev := losetup("--find", "--show", img)
	t.Cleanup(func() { losetup("--detach", dev) })
	facts, err := inventory.Source{}.Facts(dev)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(facts, inventory.Source{}.Facts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	h := &host{drive: d, sys: t.TempDir()}
	resize := func(size int64) {
		t.Helper()
		if err := os.Truncate(img, size); err != nil {
			t.Fatal(err)
		}
		losetup("--set-capacity", dev)
	}
	resize(2 << 20)
	if err := d.Check(); !errors.Is(err, erase.ErrSizeChanged) {
		t.Errorf("grown without our doing: %v", err)
	}
	if err := h.Rescan(context.Background()); err != nil || d.SizeBytes() != 2<<20 {
		t.Errorf("%d bytes, %v", d.SizeBytes(), err)
	}
	if err := d.Check(); err != nil {
		t.Errorf("grown on purpose: %v", err)
	}
	resize(512 << 10)
	if err := h.Rescan(context.Background()); !errors.Is(err, erase.ErrSizeChanged) {
		t.Errorf("shrunk: %v", err)
	}
}
