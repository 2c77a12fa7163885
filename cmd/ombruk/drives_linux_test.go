package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
)

// ombrukRun runs a command and gives its exit code and what it printed.
func ombrukRun(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestDrivesShowsAnImageFile(t *testing.T) {
	image := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(image, make([]byte, 1<<20+100), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := ombrukRun(t, "drives", image)
	if code != 0 || !strings.Contains(out, image) || !strings.Contains(out, "can be erased: clear by overwrite") || errs != "" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	code, out, errs = ombrukRun(t, "drives", "--json", image)
	var line struct {
		Type          string              `json:"type"`
		Schema        int                 `json:"schema"`
		Path          string              `json:"path"`
		Serial        string              `json:"serial"`
		CapacityBytes int64               `json:"capacity_bytes"`
		Blocked       *string             `json:"blocked"`
		Methods       []map[string]string `json:"methods"`
	}
	if err := json.Unmarshal([]byte(out), &line); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("not one line of JSON: %v\n%s", err, out)
	}
	if code != 0 || line.Type != "drive" || line.Schema != 1 || line.Path != image || line.CapacityBytes != 1<<20+100 || line.Blocked == nil || *line.Blocked != "" ||
		len(line.Methods) != 1 || line.Methods[0]["method"] != "clear" || line.Methods[0]["technique"] != "overwrite" || errs != "" {
		t.Errorf("exit %d, line %s%s", code, out, errs)
	}
}

func TestDrivesSaysWhatIsNoDrive(t *testing.T) {
	image := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(image, make([]byte, 512), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := ombrukRun(t, "drives", "--json", "/dev/null", image, "/no/such/drive")
	if code != 1 || !strings.Contains(errs, "/dev/null: not a drive: it is a character device") || !strings.Contains(errs, "/no/such/drive: not found") {
		t.Errorf("exit %d, %s", code, errs)
	}
	var kinds []string
	for line := range strings.Lines(out) {
		var v struct{ Type string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		kinds = append(kinds, v.Type)
	}
	if strings.Join(kinds, " ") != "drive error" {
		t.Errorf("lines of type %v, want the drive that could be read and the error", kinds)
	}
	if code, _, _ := ombrukRun(t, "drives", "--no-such-flag"); code != exitUsage {
		t.Errorf("unknown flag: exit %d", code)
	}
}

func TestInventoryOfThisMachine(t *testing.T) {
	code, out, errs := ombrukRun(t, "inventory")
	if code != 0 || !strings.HasPrefix(out, "System") || errs != "" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	code, out, errs = ombrukRun(t, "inventory", "--json")
	var line map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &line); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("not one line of JSON: %v\n%s", err, out)
	}
	for _, key := range []string{"type", "schema", "system", "cpu", "memory", "network", "drives"} {
		if v := string(line[key]); v == "" || v == "null" {
			t.Errorf("%s is %q", key, v)
		}
	}
	if code != 0 || string(line["type"]) != `"inventory"` || errs != "" {
		t.Errorf("exit %d, type %s, %s", code, line["type"], errs)
	}
	if code, _, _ := ombrukRun(t, "inventory", "extra"); code != exitUsage {
		t.Errorf("operand: exit %d", code)
	}
}

func TestInventoryOfALaptop(t *testing.T) {
	m := inventory.Machine{
		System: inventory.System{Manufacturer: "LENOVO", Model: "ThinkPad T480", Class: "laptop", Serial: "PF1SYNTH", UUID: "4c4c4544-0043-4b10-8054-c7c04f4e3433"},
		CPU:    []inventory.CPU{{Model: "Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz", Cores: 4, Threads: 8}},
		Memory: inventory.Memory{TotalBytes: 8 << 30, Modules: []inventory.MemoryModule{{
			Slot: "ChannelA-DIMM0", SizeBytes: 8 << 30, Type: "DDR4", SpeedMTs: 2400, Manufacturer: "Samsung", PartNumber: "M471A1K43CB1-CRC"}}},
		Network: []inventory.NIC{{Name: "enp0s31f6", MAC: "8c:16:45:00:11:22", Model: "Intel Corporation Ethernet Connection (4) I219-LM", Driver: "e1000e"}},
		Controllers: []inventory.Controller{
			{PCIID: "144d:a808", Name: "Samsung NVMe SSD Controller SM981/PM981", Mode: inventory.ModeNVMe, Driver: "nvme", Drives: 1},
			{PCIID: "8086:9a0b", Name: "Intel VMD", Mode: inventory.ModeVMD}},
		Firmware: inventory.Firmware{Boot: "uefi", SecureBoot: "on", TPM: "2.0", Vendor: "LENOVO", Version: "N24ET76W", Date: "2024-01-15",
			WindowsKey: &inventory.WindowsKey{Edition: "Pro", LastFive: "3V66T"}},
		Board:    inventory.Board{Manufacturer: "LENOVO", Model: "20L5CTO1WW", Serial: "L1HF", MemorySlots: 2, MaxMemoryBytes: 32 << 30},
		Graphics: []inventory.Graphics{{Model: "Intel Corporation UHD Graphics 620", PCIID: "8086:5917", Driver: "i915"}},
		Displays: []inventory.Display{
			{Manufacturer: "AU Optronics", Model: "B140HAN04.0", DiagonalInches: 14, WidthPixels: 1920, HeightPixels: 1080, Year: 2017, Connector: "eDP-1", Internal: true},
			{Manufacturer: "Dell", Model: "DELL P2419H", DiagonalInches: 23.8, WidthPixels: 1920, HeightPixels: 1080, Serial: "CN0\x1bX", Connector: "HDMI-A-1",
				Notes: []string{"EDID: the checksum of block 0 is wrong"}}},
		Slots: []inventory.Slot{{Name: "J1", Type: "PCI Express x1", Usage: "free"}, {Name: "J2", Type: "PCI Express x1", Usage: "free"}, {Name: "M2", Type: "M.2 Socket 3", Usage: "in use"}},
		Ports: []inventory.Port{{Name: "a", Type: "USB"}, {Name: "b", Type: "HDMI"}, {Name: "c", Type: "USB"}},
		Locks: []inventory.Lock{
			{Code: inventory.LockFirmwareSetup, State: inventory.LockSet, Text: "thinklmi, Admin password: it is set"},
			{Code: inventory.LockAbsolute, State: inventory.LockUnknown, Text: "no setting of the firmware tells"},
			{Code: inventory.LockAutopilot, State: inventory.LockUnknown, Text: "only the server knows"},
			{Code: inventory.LockDrive, State: inventory.LockClear, Text: "none is set"}},
		Parts: inventory.Parts{WiFi: []string{"Intel Wireless 8265"}, Keyboards: []string{"AT Translated Set 2 keyboard", "Bar\x1b[2Jcode"},
			Batteries: []inventory.Battery{{Name: "BAT0", Manufacturer: "SMP", Model: "01AV424", HealthPercent: 81, ChargePercent: 64, Cycles: 412}}},
		Drives: []inventory.Drive{
			{Path: "/dev/nvme0n1", Bus: "nvme", Media: "flash", Manufacturer: "Samsung", Model: "SAMSUNG MZVLB512HBJQ-000L7", Serial: "S4ENSYNTH00017", CapacityBytes: 512110190592, DeviceNumber: "259:0"},
			{Path: "/dev/sda", Bus: "usb", Media: "unknown", Manufacturer: "SanDisk", Model: "Ultra", Serial: "4C530001230102117352", CapacityBytes: 30752000000, DeviceNumber: "8:0",
				Uses: []inventory.Use{{Kind: inventory.UseBootMedium, Holder: "its partition is named OMBRUK-ESP", Device: "/dev/sda1"}, {Kind: inventory.UseMounted, Holder: "/data", Device: "/dev/sda2"}}},
		},
	}
	want := `System    LENOVO ThinkPad T480 (laptop)
          serial PF1SYNTH, UUID 4c4c4544-0043-4b10-8054-c7c04f4e3433
Board     LENOVO 20L5CTO1WW, serial L1HF
CPU       Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz, 4 cores, 8 threads
Memory    8 GiB, in 2 slots, at most 32 GiB
          ChannelA-DIMM0: 8 GiB, DDR4, 2400 MT/s, Samsung M471A1K43CB1-CRC
Graphics  Intel Corporation UHD Graphics 620, driver i915
Displays  built in eDP-1: AU Optronics B140HAN04.0, 14.0 inches, 1920 x 1080,
          made in 2017
          HDMI-A-1: DELL P2419H, 23.8 inches, 1920 x 1080, serial CN0{U+001B}X
Network   enp0s31f6: Intel Corporation Ethernet Connection (4) I219-LM,
          8c:16:45:00:11:22, driver e1000e
Storage   Samsung NVMe SSD Controller SM981/PM981, nvme, driver nvme, 1 drive
          Intel VMD, vmd, no driver
Wi-Fi     Intel Wireless 8265
Keyboards AT Translated Set 2 keyboard
          Bar{U+001B}[2Jcode
Batteries BAT0: SMP 01AV424, health 81 %, charge 64 %, 412 cycles
Slots     PCI Express x1 free (2), M.2 Socket 3 in use
Ports     USB (2), HDMI
Firmware  started by UEFI, Secure Boot on, TPM 2.0
          LENOVO N24ET76W, 2024-01-15
Licence   Windows Pro, key ending in 3V66T
Locks     SET: firmware setup password: thinklmi, Admin password: it is set
          unknown: absolute, autopilot
          clear: drive password
Win 11    yes: Windows 11 supports the processor (Intel(R) Core(TM) i5-8350U CPU
          @ 1.70GHz)

DRIVE         BUS     MEDIA       SIZE MODEL                SERIAL
/dev/nvme0n1  nvme    flash     512 GB SAMSUNG MZVLB512HBJ… S4ENSYNTH00017
    health unknown: the drive tells nothing of its health
    can be erased: clear by overwrite
/dev/sda      usb     unknown  30.8 GB SanDisk Ultra        4C530001230102117352
    health unknown: the drive tells nothing of its health
    must not be touched: it is the medium this system was started from (its
      partition is named OMBRUK-ESP) through /dev/sda1
    also: it is mounted on /data through /dev/sda2

Why a drive may be missing:
  Intel VMD (8086:9a0b) hides NVMe drives; turn VMD off in the firmware setup.

What could not be read:
  HDMI-A-1 DELL P2419H: EDID: the checksum of block 0 is wrong`
	if got := strings.Join(machineText(m, false, policy.Default().Grading.Health), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestADriveCannotPaintTheScreen(t *testing.T) {
	d := inventory.Drive{
		Path: "/dev/sda", Bus: "usb", Media: "unknown", Model: "\x1b[2J\u202eevil\n/dev/sdb   ok", Serial: strings.Repeat("S", 200) + "\r\x1b[1A",
		CapacityBytes: 1 << 30, DeviceNumber: "8:0", Siblings: []string{"/dev/sd\nb"},
		Uses: []inventory.Use{{Kind: inventory.UseOpen, Holder: "process 1 (\x1b]0;x\x07)"}},
	}
	lines := append(driveFacts(d), driveWays(d, nil)...)
	for _, line := range lines {
		if strings.ContainsAny(line, "\x1b\n\r\t\a\u202e") {
			t.Errorf("line %q holds controls", line)
		}
		if utf8.RuneCountInString(line) > 80 && !strings.Contains(line, "SSSS") {
			t.Errorf("line %q is wider than the screen", line)
		}
	}
	if all := strings.Join(lines, "\n"); !strings.Contains(all, strings.Repeat("S", 200)) {
		t.Errorf("the serial was cut, and a person has to type it:\n%s", all)
	}
}

func TestTwoDrivesWithOneSerialAreBlocked(t *testing.T) {
	a := inventory.Drive{Path: "/dev/sda", Serial: "DD56419884107", DeviceNumber: "8:0", CapacityBytes: 1 << 30}
	b := inventory.Drive{Path: "/dev/sdb", Serial: "DD56419884107", DeviceNumber: "8:16", CapacityBytes: 1 << 30}
	if got := blockedReason(a, []inventory.Drive{a, b}); !strings.Contains(got, "/dev/sdb") {
		t.Errorf("blocked: %q, want the other drive named", got)
	}
	if got := blockedReason(a, []inventory.Drive{a}); got != "" {
		t.Errorf("blocked: %q", got)
	}
}

func TestSizesAsPrintedOnDrives(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 1_000_000: "1 MB", 67_108_864: "67.1 MB", 512_110_190_592: "512 GB", 500_107_862_016: "500 GB",
		1_000_204_886_016: "1 TB", 1_920_383_410_176: "1.92 TB", 7_681_501_126_656: "7.68 TB", 999_600_000: "1 GB", 18_000_207_937_536: "18 TB",
	} {
		if got := decimalSize(bytes); got != want {
			t.Errorf("%d bytes: %q, want %q", bytes, got, want)
		}
	}
}
