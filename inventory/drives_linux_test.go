package inventory

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// laptopSATA is the laptop of that fixture with the ATA pages of its drives.
func laptopSATA(t *testing.T) Source {
	s := fixture(t, "laptop-sata")
	put(t, s.Root, "sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/vpd_pg89",
		ataPage(identifyData("WDC WD5000LPVX-22V0TT0", "     WD-WX21SYNTH001", "01.01A01", [4]uint16{0x5001, 0x4ee6, 0x5a1b, 0x2c3d}, 5400)))
	put(t, s.Root, "sys/devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/vpd_pg89",
		ataPage(identifyData("Samsung SSD 860 EVO 500GB", "S3Z1SYNTH22222X", "RVT03B6Q", [4]uint16{0x5002, 0x538e, 0x4012, 0x3456}, 1)))
	return s
}

func drivesOf(t *testing.T, s Source) map[string]Drive {
	t.Helper()
	list, err := s.Drives(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	drives := map[string]Drive{}
	for _, d := range list {
		if d.Uses == nil {
			t.Errorf("%s: Uses is nil, want an empty list for JSON", d.Path)
		}
		drives[d.Path] = d
	}
	return drives
}

func paths(drives map[string]Drive) []string {
	var all []string
	for p := range drives {
		all = append(all, p)
	}
	slices.SortFunc(all, compareNatural)
	return all
}

// identity is what a certificate says about a drive.
func identity(d Drive) string {
	return fmt.Sprintf("%s %s | %s | %s | %s | %s | %s | %d", d.Bus, d.Media, d.Manufacturer, d.Model, d.Serial, d.Firmware, d.WWN, d.CapacityBytes)
}

func TestWhatADriveIs(t *testing.T) {
	for _, test := range []struct {
		name   string
		source func(*testing.T) Source
		want   map[string]string
	}{
		{"a SATA laptop without udev", laptopSATA, map[string]string{
			"/dev/sda": "ata magnetic | Western Digital | WDC WD5000LPVX-22V0TT0 | WD-WX21SYNTH001 | 01.01A01 | naa.50014ee65a1b2c3d | 500107862016",
			"/dev/sdb": "ata flash | Samsung | Samsung SSD 860 EVO 500GB | S3Z1SYNTH22222X | RVT03B6Q | naa.5002538e40123456 | 500107862016",
			"/dev/sdc": "usb unknown | SanDisk | Ultra | 4C530001230102117352 | 1.00 |  | 30752000000",
		}},
		{"an NVMe laptop with two namespaces", named("laptop-nvme"), map[string]string{
			"/dev/nvme0n1": "nvme flash | Samsung | SAMSUNG MZVLB512HBJQ-000L7 | S4ENSYNTH00017 | 4M2QEXF7 | eui.0025388b01a2b3c4 | 256060514304",
			"/dev/nvme0n2": "nvme flash | Samsung | SAMSUNG MZVLB512HBJQ-000L7 | S4ENSYNTH00017 | 4M2QEXF7 | eui.36483331524000120025384100" + "0000aa | 256049659392",
		}},
		{"a tablet", named("tablet-emmc"), map[string]string{
			"/dev/mmcblk0": "mmc flash | Samsung | BJTD4R | 0x3a1b2c3d | 0x0900000000000000 |  | 31268536320",
			"/dev/mmcblk1": "mmc flash | SanDisk | SL32G | 0x11223344 |  |  | 31914983424",
		}},
		{"a server", named("server"), map[string]string{
			"/dev/sda":     "sas magnetic | SEAGATE | ST1200MM0009 | ZF00SYNT0000C930ABCD | CN03 | naa.5000c500a1b2c3d7 | 1200243695616",
			"/dev/sdc":     "ata flash | Intel | INTEL SSDSC2KB480G8 | PHYF12345678SYNTH | 0132 | naa.55cd2e4150123456 | 480103981056",
			"/dev/sdd":     "fabric unknown | LIO-ORG | lun0 | abcdefgh | 4.0 | naa.6001405aabbccddeeff0011223344556 | 1073741824",
			"/dev/sde":     "fabric unknown | NETAPP | LUN C-Mode |  | 9131 |  | 1073741824",
			"/dev/sdf":     "virtual unknown | DELL | PERC H730P Mini |  | 4.30 |  | 599584145408",
			"/dev/nvme1n1": "fabric flash |  | Linux | 81c1a2b3c4d5 | 6.1.0 | uuid.0f01a3f2-5a1f-4d4c-9f33-3d37f4c24e11 | 1073741824",
			"/dev/vda":     "virtio unknown |  |  |  |  |  | 10737418240",
		}},
		{"strings that nobody should trust", named("odd"), map[string]string{
			"/dev/sda":  "usb unknown | JMicron | Tech | DD56419884107 | 0204 |  | 1073741824",
			"/dev/sdb":  "usb unknown | JMicron | Tech | DD56419884107 | 0204 |  | 1073741824",
			"/dev/sdc":  "usb unknown | \x1b[2J\u202eevil | A\ufffdB\n/dev/sdz ok |  | 1.0 |  | 1073741824",
			"/dev/sdd":  "ata magnetic |  | " + strings.Repeat("X", 256) + " |  |  |  | 1073741824",
			"/dev/sdaa": "ata flash |  | SATAFIRM S11 |  |  |  | 0",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := drivesOf(t, test.source(t))
			if want := keys(test.want); !slices.Equal(paths(got), want) {
				t.Errorf("drives %v, want %v", paths(got), want)
			}
			for path, want := range test.want {
				if got := identity(got[path]); got != want {
					t.Errorf("%s\n got %q\nwant %q", path, got, want)
				}
			}
		})
	}
}

func named(name string) func(*testing.T) Source {
	return func(t *testing.T) Source { return fixture(t, name) }
}

func keys(m map[string]string) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.SortFunc(all, compareNatural)
	return all
}

func TestDetailsOfADrive(t *testing.T) {
	sata := drivesOf(t, laptopSATA(t))
	if d := sata["/dev/sda"]; d.TemperatureCelsius == nil || *d.TemperatureCelsius != 37 || d.PhysicalBlockBytes != 4096 || d.Removable {
		t.Errorf("hard disk: %+v", d)
	}
	if d := sata["/dev/sdc"]; !d.Removable || d.TemperatureCelsius != nil {
		t.Errorf("stick: %+v", d)
	}
	nvme := drivesOf(t, fixture(t, "laptop-nvme"))
	if d := nvme["/dev/nvme0n1"]; d.TemperatureCelsius == nil || *d.TemperatureCelsius != 42 || !slices.Equal(d.Siblings, []string{"/dev/nvme0n2"}) {
		t.Errorf("first namespace: %+v", d)
	}
	tablet := drivesOf(t, fixture(t, "tablet-emmc"))
	if d := tablet["/dev/mmcblk0"]; !slices.Equal(d.Siblings, []string{"/dev/mmcblk0boot0", "/dev/mmcblk0boot1"}) || d.Removable {
		t.Errorf("eMMC: %+v", d)
	}
	if d := tablet["/dev/mmcblk1"]; !d.Removable || d.Siblings != nil {
		t.Errorf("SD card: %+v", d)
	}
	server := fixture(t, "server")
	if d := drivesOf(t, server)["/dev/sda"]; !slices.Equal(d.AlsoAt, []string{"/dev/sdb"}) || d.Siblings != nil {
		t.Errorf("dual-port drive: also at %v, siblings %v", d.AlsoAt, d.Siblings)
	}
	if d, err := server.Drive(context.Background(), "/dev/sdb"); err != nil || !slices.Equal(d.AlsoAt, []string{"/dev/sda"}) {
		t.Errorf("second port: also at %v, error %v", d.AlsoAt, err)
	}
}

// use writes uses the way a person reads them.
func uses(d Drive) []string {
	all := []string{}
	for _, u := range d.Uses {
		all = append(all, u.String())
	}
	return all
}

func TestWhoUsesADrive(t *testing.T) {
	for _, test := range []struct {
		name   string
		source func(*testing.T) Source
		want   map[string][]string
	}{
		{"the stick is known by its partitions, our own descriptor is no use", laptopSATA, map[string][]string{
			"/dev/sda": {},
			"/dev/sdb": {},
			"/dev/sdc": {
				"the medium this system was started from (its partition is named OMBRUK-ESP) through /dev/sdc1",
				"the medium this system was started from (its partition is named OMBRUK-DATA) through /dev/sdc2",
			},
		}},
		{"LVM on LUKS on a partition", named("laptop-nvme"), map[string][]string{
			"/dev/nvme0n1": {},
			"/dev/nvme0n2": {
				"the medium this system was started from (mounted on /) through /dev/mapper/vg0-root",
				"the medium this system was started from (mounted on /boot/efi) through /dev/nvme0n2p1",
				"the medium this system was started from (the boot loader came from it) through /dev/nvme0n2p1",
				"the medium this system was started from (the kernel command line says root=/dev/mapper/vg0-root) through /dev/mapper/vg0-root",
				"in use as swap through /dev/mapper/vg0-swap",
				"held by encrypted volume cryptroot through /dev/nvme0n2p2",
				"held by LVM volume vg0-root through /dev/mapper/cryptroot",
				"held by LVM volume vg0-swap through /dev/mapper/cryptroot",
			},
		}},
		{"a mount point with a space", named("tablet-emmc"), map[string][]string{
			"/dev/mmcblk0": {},
			"/dev/mmcblk1": {"mounted on /media/My Photos through /dev/mmcblk1p1"},
		}},
		{"multipath over both ports", named("server"), map[string][]string{
			"/dev/sda": {"held by multipath device mpatha"},
			"/dev/vda": {},
		}},
		{"a live system, and an id on the command line", named("live-system"), map[string][]string{
			"/dev/sda": {"the medium this system was started from (the kernel command line says root=PARTUUID=0f11aa22-01) through /dev/sda2"},
			"/dev/sdb": {
				"the medium this system was started from (mounted on /) through /dev/sdb1",
				"the medium this system was started from (mounted on /run/live/medium) through /dev/sdb1",
			},
			"/dev/sdc": {},
		}},
		{"everything that can sit on a drive", stacks, map[string][]string{
			"/dev/vda": {"mounted on /srv through /dev/md0", "held by md0 (raid1) through /dev/vda1"},
			"/dev/vdb": {"mounted on /srv through /dev/md0", "held by md0 (raid1) through /dev/vdb1"},
			"/dev/vdc": {"mounted on /cache through /dev/bcache0", "held by bcache0"},
			"/dev/vdd": {"held by bcache"},
			"/dev/vde": {"mounted on /data"},
			"/dev/vdf": {"mounted on /data"},
			"/dev/vdg": {"held by ZFS pool tank through /dev/vdg1"},
			"/dev/vdh": {},
			"/dev/vdi": {"mounted on /mnt/x (mount namespace of process 4711)"},
			"/dev/vdj": {"open in process 4712 (qemu-system-x86)"},
			"/dev/vdk": {"held by loop0"},
			"/dev/vdl": {"in use as swap through /dev/vdl1"},
			"/dev/vdm": {"mounted on /cache"},
			"/dev/vdz": {},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := drivesOf(t, test.source(t))
			for path, want := range test.want {
				if got := uses(got[path]); !slices.Equal(got, want) {
					t.Errorf("%s\n got %q\nwant %q", path, got, want)
				}
			}
		})
	}
}

// stacks is the machine of that fixture with ZFS labels on two drives.
func stacks(t *testing.T) Source {
	s := fixture(t, "stacks")
	label := func(pool string) []byte {
		b := make([]byte, 256<<10)
		copy(b[20<<10:], append(binary.BigEndian.AppendUint32(nil, uint32(len(pool))), pool...))
		binary.LittleEndian.PutUint64(b[132<<10:], 0x00bab10c)
		return b
	}
	put(t, s.Root, "dev/vdg1", label("tank"))
	put(t, s.Root, "dev/vdh", label("oldpool"))
	return s
}

func TestOneDriveByItsPath(t *testing.T) {
	s := stacks(t)
	put(t, s.Root, "srv/empty.img", nil)
	if err := os.Truncate(filepath.Join(s.Root, "srv/empty.img"), 0); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path, want string // path, bus and partition found
		size       int64
		uses       []string
	}{
		{"/dev/disk/by-id/virtio-vdj", "/dev/vdj virtio ", 1 << 30, []string{"open in process 4712 (qemu-system-x86)"}},
		{"/dev/vda1", "/dev/vda1 virtio /dev/vda", 2095104 * 512, []string{"mounted on /srv through /dev/md0", "held by md0 (raid1)"}},
		{"/dev/md0", "/dev/md0 virtual ", 2093056 * 512, []string{"mounted on /srv"}},
		{"/dev/loop0", "/dev/loop0 loop ", 1 << 30, []string{}},
		{"/dev/loop1", "/dev/loop1 loop ", 1 << 20, []string{}},
		{"/srv/images/disk.img", "/srv/images/disk.img image ", 11, []string{"held by loop1"}},
		{"/srv/images/links/disk", "/srv/images/disk.img image ", 11, []string{"held by loop1"}},
		{"/srv/images/swap.img", "/srv/images/swap.img image ", 11, []string{"in use as swap"}},
		{"/srv/images/read.img", "/srv/images/read.img image ", 11, []string{"open in process 4712 (qemu-system-x86)"}},
		{"/srv/images/mapped.img", "/srv/images/mapped.img image ", 11, []string{"open in process 4712 (qemu-system-x86)"}},
		{"/srv/images/free.img", "/srv/images/free.img image ", 11, []string{}},
	} {
		d, err := s.Drive(context.Background(), test.path)
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		if got := fmt.Sprintf("%s %s %s", d.Path, d.Bus, d.PartitionOf); got != test.want || d.CapacityBytes != test.size || d.LogicalBlockBytes != 512 {
			t.Errorf("%s: got %q, %d bytes, blocks of %d; want %q, %d", test.path, got, d.CapacityBytes, d.LogicalBlockBytes, test.want, test.size)
		}
		if got := uses(d); !slices.Equal(got, test.uses) {
			t.Errorf("%s:\n got %q\nwant %q", test.path, got, test.uses)
		}
	}
	for path, want := range map[string]error{
		"/dev/nothing":     ErrNotFound,
		"":                 ErrNotFound,
		"/no/such/place":   ErrNotFound,
		"/srv":             ErrNotADrive,
		"/srv/images/loop": ErrNotADrive,
	} {
		if _, err := s.Drive(context.Background(), path); !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error %v, want %v naming the path", path, err, want)
		}
	}
}

func TestAPartitionOfTheBootMediumIsTheBootMedium(t *testing.T) {
	d, err := fixture(t, "live-system").Drive(context.Background(), "/dev/sdb2")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Uses) == 0 || d.Uses[0].Kind != UseBootMedium || d.PartitionOf != "/dev/sdb" {
		t.Errorf("uses %q, partition of %q", uses(d), d.PartitionOf)
	}
}

func TestAnEMMCBootAreaIsPartOfItsDrive(t *testing.T) {
	d, err := fixture(t, "tablet-emmc").Drive(context.Background(), "/dev/mmcblk0boot0")
	if err != nil || d.PartitionOf != "/dev/mmcblk0" {
		t.Errorf("partition of %q, error %v", d.PartitionOf, err)
	}
}

func TestAMachineWithoutDrivesListsNone(t *testing.T) {
	s := Source{Root: t.TempDir()}
	m, err := s.Machine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "null") {
		t.Errorf("other languages cannot read null: %s", b)
	}
	if len(m.Notes) < 3 {
		t.Errorf("notes %q do not say what is missing", m.Notes)
	}
	if _, err := s.Drives(context.Background()); err == nil {
		t.Error("drives of a tree without /sys/block: no error")
	}
}

func TestCancelledReading(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := fixture(t, "stacks").Drives(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestLongTextIsNoted(t *testing.T) {
	m, err := fixture(t, "odd").Machine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(m.Notes, "/dev/sdd: a text longer than 256 characters was cut") {
		t.Errorf("notes %q", m.Notes)
	}
}
