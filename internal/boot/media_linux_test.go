package boot

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/stick"
)

const stickGUID = "6f1e2d3c-4b5a-4968-8776-655443322110"

// machine is a fixture tree with sticks that come and go.
type machine struct {
	t    *testing.T
	root string
	seq  int
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, root: t.TempDir()}
	for _, dir := range []string{"sys/class/block", "dev"} {
		m.check(os.MkdirAll(filepath.Join(m.root, dir), 0o755))
	}
	return m
}

func (m *machine) check(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) put(name, content string) {
	m.t.Helper()
	name = filepath.Join(m.root, name)
	m.check(os.MkdirAll(filepath.Dir(name), 0o755))
	m.check(os.WriteFile(name, []byte(content), 0o644))
}

// plug makes a drive appear with partitions of these names: one of the machine's
// own where it is called nvme, else one on USB.
func (m *machine) plug(name, serial, guid string, partitions ...string) {
	m.t.Helper()
	m.seq++
	usb := fmt.Sprintf("sys/devices/pci0000:00/0000:00:14.0/usb1/1-%d", m.seq)
	block := usb + fmt.Sprintf("/1-%d:1.0/host6/target6:0:0/6:0:0:0/block/%s", m.seq, name)
	if strings.HasPrefix(name, "nvme") {
		usb = fmt.Sprintf("sys/devices/pci0000:00/0000:00:1d.%d", m.seq)
		block = usb + "/nvme/nvme0/" + name
	}
	m.put(usb+"/idVendor", "0951\n")
	if serial != "" {
		m.put(usb+"/serial", serial+"\n")
	}
	m.put(filepath.Dir(filepath.Dir(block))+"/vendor", "Kingston\n")
	m.put(filepath.Dir(filepath.Dir(block))+"/model", "DataTraveler 3.0\n")
	for file, content := range map[string]string{"dev": fmt.Sprintf("8:%d", 16*m.seq), "size": "30310400", "ro": "0", "diskseq": fmt.Sprint(m.seq), "uevent": "DEVTYPE=disk", "queue/logical_block_size": "512"} {
		m.put(block+"/"+file, content+"\n")
	}
	m.check(os.Symlink("../..", filepath.Join(m.root, block, "device")))
	m.link(name, block)
	m.put("dev/"+name, string(gptHeader(m.t, guid)))
	for n, label := range partitions {
		part := fmt.Sprintf("%s%d", name, n+1)
		m.put(block+"/"+part+"/uevent", "DEVTYPE=partition\nPARTN="+fmt.Sprint(n+1)+"\nPARTNAME="+label+"\n")
		m.put(block+"/"+part+"/ro", "0\n")
		m.link(part, block+"/"+part)
		m.put("dev/"+part, strings.Repeat("\x00", 512))
	}
}

func (m *machine) link(name, to string) {
	m.t.Helper()
	m.check(os.Symlink(filepath.Join(m.root, to), filepath.Join(m.root, "sys/class/block", name)))
}

// pull makes a drive disappear.
func (m *machine) pull(name string) {
	m.t.Helper()
	links, err := filepath.Glob(filepath.Join(m.root, "sys/class/block", name+"*"))
	m.check(err)
	for _, l := range links {
		m.check(os.Remove(l))
	}
}

// gptHeader is the beginning of a disk with a GUID partition table, as far as
// its identity needs it.
func gptHeader(t *testing.T, guid string) []byte {
	t.Helper()
	id, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(id[:4])
	slices.Reverse(id[4:6])
	slices.Reverse(id[6:8])
	b := make([]byte, 1024)
	h := b[512:]
	copy(h, "EFI PART")
	binary.LittleEndian.PutUint32(h[12:], 92)
	copy(h[56:], id)
	binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
	return b
}

// gptDisk gives the beginning of a disk that sfdisk partitioned.
func gptDisk(t *testing.T, guid string) []byte {
	t.Helper()
	tool, err := exec.LookPath("sfdisk")
	if err != nil {
		tool = "/usr/sbin/sfdisk"
	}
	name := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 4<<20); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, "-q", name)
	cmd.Stdin = strings.NewReader("label: gpt\nlabel-id: " + guid + "\nsize=1M, name=" + stick.DataName + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk (package fdisk): %v\n%s", err, out)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b[:1024]
}

func TestAStickIsKnownByItsPartitionsAndItself(t *testing.T) {
	m := newMachine(t)
	m.plug("sda", "S1", "11111111-2222-3333-4444-555555555555", "EFI system partition", "Basic data partition")
	m.plug("sdb", "4C530001", stickGUID, stick.ESPName, stick.DataName, stick.BIOSName)
	media, err := Media(m.root)
	if err != nil {
		t.Fatal(err)
	}
	if len(media) != 1 {
		t.Fatalf("got %d media, want the stick alone: %+v", len(media), media)
	}
	got := media[0]
	want := Medium{Path: "/dev/sdb", Number: "8:32", Model: "Kingston DataTraveler 3.0", Serial: "4C530001", SizeBytes: 15518924800, GUID: stickGUID, DataPath: "/dev/sdb2", Portable: true, sequence: "2"}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// The identity stays in another port, and differs for a copy.
	m.pull("sdb")
	m.plug("sdc", "4C530001", stickGUID, stick.ESPName, stick.DataName)
	m.plug("sdd", "4C530002", stickGUID, stick.ESPName, stick.DataName)
	media, err = Media(m.root)
	if err != nil || len(media) != 2 {
		t.Fatalf("got %+v, %v", media, err)
	}
	if media[0].ID() != got.ID() || media[1].ID() == got.ID() {
		t.Errorf("identities: %s before, then %s and of the copy %s", got.ID(), media[0].ID(), media[1].ID())
	}
}

// A stick that says anything cannot reach the terminal or another stick's name.
func TestStrangeNamesStayPlain(t *testing.T) {
	m := newMachine(t)
	m.plug("sda", "\x1b[2JX\u202e1", stickGUID, stick.DataName)
	media, err := Media(m.root)
	if err != nil || len(media) != 1 || media[0].Serial != "[2JX1" {
		t.Errorf("got %+v, %v", media, err)
	}
}

func TestADamagedTableHasNoIdentity(t *testing.T) {
	disk := gptDisk(t, stickGUID)
	if got, err := diskGUID(disk[512:]); err != nil || got != stickGUID {
		t.Fatalf("got %q, %v", got, err)
	}
	for at := 512; at < 512+92; at++ {
		b := append([]byte(nil), disk...)
		b[at] ^= 0x40
		if got, err := diskGUID(b[512:]); err == nil {
			t.Errorf("byte %d changed, and it is still %s", at-512, got)
		}
	}
}

func FuzzDiskGUID(f *testing.F) {
	f.Add([]byte("EFI PART\x00\x00\x01\x00\x5c\x00\x00\x00"))
	f.Add(make([]byte, 512))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = diskGUID(b)
		wasNotUnmounted(b)
	})
}

// fsck.vfat is the judge of what a file system's dirty bit is.
func TestAStickThatWasPulledIsKnown(t *testing.T) {
	tool := func(name string, args ...string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			path = "/usr/sbin/" + name
		}
		out, err := exec.Command(path, args...).CombinedOutput()
		if len(out) == 0 && err != nil {
			t.Fatalf("%s (package dosfstools): %v", name, err)
		}
		return string(out)
	}
	image := filepath.Join(t.TempDir(), "fat")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 64<<20); err != nil {
		t.Fatal(err)
	}
	tool("mkfs.vfat", "-F", "32", image)
	b, err := readAt(image, 0, 512)
	if err != nil {
		t.Fatal(err)
	}
	if wasNotUnmounted(b) || strings.Contains(tool("fsck.vfat", "-n", image), "Dirty bit") {
		t.Error("a new file system counts as pulled out")
	}
	b[65] |= 1
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(b, 0)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if !wasNotUnmounted(b) || !strings.Contains(tool("fsck.vfat", "-n", image), "Dirty bit") {
		t.Error("a file system that was pulled out is not known as such")
	}
}
