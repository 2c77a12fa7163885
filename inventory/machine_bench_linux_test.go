package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// bigMachine writes the tree of a machine at the upper end: 24 drives of four
// partitions, 64 memory modules, 6 displays, 256 threads, 200 PCI and 50 USB
// devices, 200 processes that share their mounts.
func bigMachine(t testing.TB) Source {
	t.Helper()
	root := t.TempDir()
	made := map[string]bool{}
	place := func(name string) string {
		at := filepath.Join(root, name)
		if dir := filepath.Dir(at); !made[dir] {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			made[dir] = true
		}
		return at
	}
	write := func(name, content string) {
		at := place(name)
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(name, target string) {
		at := place(name)
		if err := os.Symlink(target, at); err != nil {
			t.Fatal(err)
		}
	}

	tables := [][]byte{
		structure(0, 24, map[int][]byte{0x04: {1}, 0x05: {2}, 0x08: {3}}, "Dell Inc.", "2.19.1", "06/04/2023"),
		structure(1, 27, map[int][]byte{0x04: {1}, 0x05: {2}, 0x07: {3}}, "Dell Inc.", "PowerEdge R940", "SYNTH01"),
		structure(3, 22, map[int][]byte{0x04: {1}, 0x05: {23}}, "Dell Inc."),
	}
	for i := range 64 {
		tables = append(tables, structure(17, 84, map[int][]byte{0x0c: le16(0x7fff), 0x10: {1}, 0x12: {0x1a}, 0x15: le16(2933), 0x17: {2}, 0x18: {3}, 0x1a: {4}, 0x1c: le32(64 << 10)},
			fmt.Sprintf("DIMM %d", i), "Hynix", fmt.Sprintf("SYNTH%04d", i), "HMAA8GR7AJR4N-XN"))
	}
	write("sys/firmware/dmi/tables/DMI", string(joined(append(tables, structure(127, 4, nil))...)))
	write("sys/firmware/dmi/tables/smbios_entry_point", string(entryPoint(3, 2, 1<<16)[:24]))
	write("sys/firmware/acpi/tables/DSDT", "x")

	var cpus strings.Builder
	for i := range 256 {
		fmt.Fprintf(&cpus, "processor\t: %d\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) Platinum 8280L CPU @ 2.70GHz\nstepping\t: 7\nphysical id\t: %d\ncpu cores\t: 32\nflags\t\t: %s\n\n",
			i, i/64, strings.Repeat("avx512_vnni ", 120))
	}
	write("proc/cpuinfo", cpus.String())
	write("proc/meminfo", "MemTotal:       4227858432 kB\n")

	for i := range 200 {
		address := fmt.Sprintf("0000:%02x:%02x.0", i/32, i%32)
		dir := "sys/devices/pci0000:00/" + address
		class, device := "0x088000", fmt.Sprintf("0x%04x", 0x2000+i)
		switch {
		case i < 24:
			class, device = "0x010802", "0x0a54" // one NVMe drive each
		case i < 32:
			class, device = "0x020000", "0x1572"
		case i < 36:
			class, device = "0x030000", "0x9a49"
		}
		write(dir+"/class", class+"\n")
		write(dir+"/vendor", "0x8086\n")
		write(dir+"/device", device+"\n")
		write(dir+"/subsystem_vendor", "0x1028\n")
		write(dir+"/subsystem_device", "0x0001\n")
		link("sys/bus/pci/devices/"+address, "../../../devices/pci0000:00/"+address)
		if i < 24 {
			drive := fmt.Sprintf("nvme%dn1", i)
			at := fmt.Sprintf("%s/nvme/nvme%d/%s", dir, i, drive)
			link("sys/block/"+drive, strings.TrimPrefix("../"+strings.TrimPrefix(at, "sys/"), "/"))
			link(at+"/device", fmt.Sprintf("../../nvme%d", i))
			link(dir+"/driver", "../../../bus/pci/drivers/nvme")
			write(fmt.Sprintf("%s/nvme/nvme%d/model", dir, i), "INTEL SSDPE2KX080T8                     \n")
			write(fmt.Sprintf("%s/nvme/nvme%d/serial", dir, i), fmt.Sprintf("SYNTH%012d   \n", i))
			write(at+"/dev", fmt.Sprintf("259:%d\n", i*16))
			write(at+"/uevent", "DEVNAME="+drive+"\nDEVTYPE=disk\n")
			write(at+"/size", "15628053168\n")
			write(at+"/removable", "0\n")
			for p := 1; p <= 4; p++ {
				part := fmt.Sprintf("%s/%sp%d/", at, drive, p)
				write(part+"dev", fmt.Sprintf("259:%d\n", i*16+p))
				write(part+"partition", fmt.Sprintf("%d\n", p))
				write(part+"size", "1048576\n")
			}
		}
	}
	for i := range 50 {
		name := fmt.Sprintf("%d-%d", 1+i/10, 1+i%10)
		dir := "sys/devices/pci0000:00/0000:00:14.0/usb1/" + name
		write(dir+"/idVendor", "0bda\n")
		write(dir+"/idProduct", "5411\n")
		write(dir+"/"+name+":1.0/bInterfaceClass", "08\n")
		link("sys/bus/usb/devices/"+name, "../../../devices/pci0000:00/0000:00:14.0/usb1/"+name)
		link("sys/bus/usb/devices/"+name+":1.0", "../../../devices/pci0000:00/0000:00:14.0/usb1/"+name+"/"+name+":1.0")
	}
	edids, err := filepath.Glob("testdata/edid/*.bin")
	if err != nil || len(edids) == 0 {
		t.Fatalf("no EDID: %v", err)
	}
	for i := range 6 {
		b, err := os.ReadFile(edids[i%len(edids)])
		if err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("sys/class/drm/card0-DP-%d/edid", i+1), string(b))
		write(fmt.Sprintf("sys/class/drm/card0-DP-%d/status", i+1), "connected\n")
	}
	mounts := strings.Builder{}
	for i := range 60 {
		fmt.Fprintf(&mounts, "%d 1 0:%d / /run/somewhere/%d rw,relatime shared:%d - tmpfs tmpfs rw,size=1632k\n", 30+i, 20+i, i, i)
	}
	for i := range 200 {
		dir := fmt.Sprintf("proc/%d", 100+i)
		write(dir+"/mountinfo", mounts.String())
		write(dir+"/comm", "sleep\n")
		link(dir+"/ns/mnt", "mnt:[4026531841]")
		for fd := range 5 {
			link(fmt.Sprintf("%s/fd/%d", dir, fd), "/dev/null")
		}
	}
	link("proc/self", "100")
	return Source{Root: root}
}

// treeToRead names the tree that a second process of this test reads.
const treeToRead = "OMBRUK_TEST_TREE"

// A full inventory is to take less than 1.5 s and 40 MiB. It is read by a
// process of its own, since this one is full of other tests. The time has room
// for a machine that is busy with them.
func TestABigMachineIsReadInLittleTimeAndMemory(t *testing.T) {
	if root := os.Getenv(treeToRead); root != "" {
		debug.SetGCPercent(200) // as the program does
		if err := json.NewEncoder(os.Stdout).Encode(machine(t, Source{Root: root})); err != nil {
			t.Fatal(err)
		}
		// What the kernel counts for a child has its parent's memory in it.
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(os.Stderr, string(status))
		os.Exit(0)
	}
	if testing.Short() {
		t.Skip("writes thousands of files; left out of short runs")
	}
	s := bigMachine(t)
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), treeToRead+"="+s.Root)
	var status strings.Builder
	child.Stderr = &status
	begin := time.Now()
	out, err := child.Output()
	took := time.Since(begin)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var m Machine
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Drives) != 24 || len(m.Memory.Modules) != 64 || len(m.Displays) != 6 || len(m.CPU) != 4 || m.CPU[0].Threads != 64 || len(m.Network) != 8 || len(m.Graphics) != 4 {
		t.Errorf("%d drives, %d modules, %d displays, %+v, %d network, %d graphics", len(m.Drives), len(m.Memory.Modules), len(m.Displays), m.CPU, len(m.Network), len(m.Graphics))
	}
	if m.Memory.TotalBytes != 64*64<<30 || m.Drives[0].Serial != "SYNTH000000000000" {
		t.Errorf("memory %d, drive %+v", m.Memory.TotalBytes, m.Drives[0])
	}
	residentKiB := 0
	if _, peak, ok := strings.Cut(status.String(), "VmHWM:"); !ok {
		t.Fatalf("no VmHWM in %q", status.String())
	} else if _, err := fmt.Sscan(peak, &residentKiB); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, %v of it on the processor, %d MiB resident", took.Round(time.Millisecond), child.ProcessState.UserTime()+child.ProcessState.SystemTime(), residentKiB>>10)
	build, _ := debug.ReadBuildInfo()
	raced := build != nil && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	if residentKiB > 40<<10 && !raced {
		t.Errorf("%d MiB resident", residentKiB>>10)
	}
	if took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func BenchmarkPCINames(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		pciNames("8086:9a49", "8086:a0f0", "10de:1f97", "144d:a808", "8086:15fb", "1217:8621", "fff9:0001")
	}
}

func BenchmarkBigMachine(b *testing.B) {
	s := bigMachine(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Machine(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
