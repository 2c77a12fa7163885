package inventory

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func machine(t *testing.T, s Source) Machine {
	t.Helper()
	m, err := s.Machine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The firmware hides the NVMe drive. The SATA drive beside it must not let
// anybody believe that it is all there is.
func TestLaptopInRAIDMode(t *testing.T) {
	m := machine(t, fixture(t, "laptop-rst"))
	want := []Controller{
		{Address: "0000:00:17.0", PCIID: "8086:282a", Class: "0104", Name: "Intel Corporation 82801 Mobile SATA Controller [RAID mode]", Driver: "ahci", Mode: ModeRAID, Drives: 1, RemappedNVMe: 1},
		{Address: "0000:03:00.0", PCIID: "1217:8621", Class: "0805", Name: "O2 Micro, Inc. SD/MMC Card Reader Controller", Driver: "sdhci-pci", Mode: ModeMMC},
	}
	if !reflect.DeepEqual(m.Controllers, want) {
		t.Errorf("controllers %+v, want %+v", m.Controllers, want)
	}
	reasons := Unseen(m)
	if len(reasons) != 1 || reasons[0].Code != UnseenRAIDMode || reasons[0].PCIID != "8086:282a" || !strings.Contains(reasons[0].Text, "AHCI") {
		t.Errorf("unseen: %+v", reasons)
	}
}

func TestPartsOfALaptop(t *testing.T) {
	m := machine(t, fixture(t, "laptop-rst"))
	want := Parts{
		Cameras:     []string{"Integrated IR Camera", "USB 046d:0825"},
		WiFi:        []string{"Intel Corporation Wireless 8265 / 8275"},
		Sound:       []string{"Intel Corporation Sunrise Point-LP HD Audio"},
		Pointers:    []string{"AlpsPS/2 ALPS GlidePoint"},
		Keyboards:   []string{"AT Translated Set 2 keyboard", "Symbol Bar Code Scanner"},
		Batteries:   []Battery{{Name: "BAT0", Manufacturer: "SMP", Model: "DELL GPM0365", Serial: "41", ChargePercent: 64, HealthPercent: 81, Cycles: 412, DesignMilliwattHours: 57000, FullMilliwattHours: 46170, Status: "Discharging"}},
		Fingerprint: []string{}, Touch: []string{}, Pens: []string{}, Bluetooth: []string{}, Optical: []string{},
	}
	if !reflect.DeepEqual(m.Parts, want) {
		t.Errorf("parts %+v, want %+v", m.Parts, want)
	}
	yes := true
	if want := (Firmware{Boot: "uefi", SecureBoot: "on", TPM: "2.0", UEFI: &yes, SecureBootCapable: &yes}); !reflect.DeepEqual(m.Firmware, want) {
		t.Errorf("firmware %+v, want %+v", m.Firmware, want)
	}
}

func TestLaptopWithVMDAndItsDriver(t *testing.T) {
	m := machine(t, fixture(t, "laptop-vmd"))
	var got []string
	for _, c := range m.Controllers {
		got = append(got, strings.Join([]string{c.PCIID, string(c.Mode), c.Driver, map[bool]string{true: "seen"}[c.Drives == 1]}, " "))
	}
	if want := []string{"8086:9a0b vmd vmd seen", "144d:a808 nvme nvme seen", " mmc sdhci-acpi seen"}; !slices.Equal(got, want) {
		t.Errorf("controllers %q, want %q", got, want)
	}
	if reasons := Unseen(m); len(reasons) != 0 {
		t.Errorf("unseen: %+v", reasons)
	}
	if want := []string{"HDA Intel PCH", "Plantronics Headset"}; !slices.Equal(m.Sound, want) || len(m.Batteries) != 0 {
		t.Errorf("sound %q, batteries %+v", m.Sound, m.Batteries)
	}
	if want := (Firmware{Boot: "bios", SecureBoot: "off", TPM: "2.0"}); !reflect.DeepEqual(m.Firmware, want) {
		t.Errorf("firmware %+v, want %+v", m.Firmware, want)
	}
}

func TestMacWhoseChipOwnsTheDrive(t *testing.T) {
	m := machine(t, fixture(t, "mac-t2"))
	var modes, codes []string
	for _, c := range m.Controllers {
		modes = append(modes, string(c.Mode))
	}
	for _, r := range Unseen(m) {
		codes = append(codes, r.Code)
	}
	if want := []string{"ufs", "other", "t2", "t2"}; !slices.Equal(modes, want) {
		t.Errorf("controllers %q, want %q", modes, want)
	}
	// The T2 has its own advice; "no driver" of its storage would only confuse.
	if want := []string{UnseenSoldered, UnseenAppleT2}; !slices.Equal(codes, want) {
		t.Errorf("unseen %q, want %q", codes, want)
	}
}

func TestWhyNoDriveIsSeen(t *testing.T) {
	type cs = []Controller
	ahci := Controller{PCIID: "8086:a352", Name: "Intel Corporation Cannon Lake PCH SATA AHCI Controller", Driver: "ahci", Mode: ModeAHCI}
	withDrive := func(c Controller) Controller { c.Drives = 1; return c }
	reader := Controller{PCIID: "1217:8621", Driver: "sdhci-pci", Mode: ModeMMC}
	bridge := Controller{PCIID: "106b:1801", Name: "Apple Inc. T2 Bridge Controller", Mode: ModeT2}
	enclave := Controller{PCIID: "106b:1802", Name: "Apple Inc. T2 Secure Enclave Processor", Mode: ModeT2}
	ans := Controller{PCIID: "106b:2005", Driver: "nvme", Mode: ModeNVMe}
	for _, c := range []struct {
		name        string
		controllers cs
		drives      []Drive
		want        []string
		hides       bool
	}{
		{"an ordinary machine", cs{withDrive(ahci), reader}, nil, nil, false},
		{"its drive was taken out", cs{ahci, reader}, nil, []string{"nothing-attached 8086:a352"}, false},
		{"only the boot stick is there", cs{ahci}, []Drive{{Path: "/dev/sda", Bus: BusUSB}}, []string{"nothing-attached 8086:a352"}, false},
		{"a board without any", nil, nil, []string{"no-controller "}, false},
		{"a drive that hangs on nothing we know", nil, []Drive{{Path: "/dev/pmem0", Bus: BusUnknown}}, nil, false},
		{"VMD without its driver", cs{{PCIID: "8086:9a0b", Mode: ModeVMD}}, nil, []string{"vmd 8086:9a0b"}, true},
		{"the same beside a SATA drive", cs{withDrive(ahci), {PCIID: "8086:9a0b", Mode: ModeVMD}}, nil, []string{"vmd 8086:9a0b"}, true},
		{"VMD with its driver and nothing behind it, beside a SATA drive", cs{withDrive(ahci), {PCIID: "8086:9a0b", Mode: ModeVMD, Driver: "vmd"}}, nil, nil, false},
		{"AMD's RAID mode", cs{{PCIID: "1022:b000", Mode: ModeRAID}}, nil, []string{"raid-mode 1022:b000"}, true},
		{"a RAID card that no driver runs", cs{{PCIID: "1000:005d", Mode: ModeRAID}}, nil, []string{"no-driver 1000:005d"}, true},
		{"a RAID card without volumes", cs{{PCIID: "1000:005d", Mode: ModeRAID, Driver: "megaraid_sas"}}, nil, []string{"raid-volumes 1000:005d"}, true},
		{"a RAID card with volumes", cs{withDrive(Controller{PCIID: "1000:005d", Mode: ModeRAID, Driver: "megaraid_sas"})}, nil, nil, false},
		{"an NVMe drive that does not answer", cs{withDrive(ahci), {PCIID: "144d:a808", Mode: ModeNVMe}}, nil, []string{"silent 144d:a808"}, true},
		{"a Mac whose drive is not shown", cs{bridge, enclave, ans}, nil, []string{"apple-t2 106b:1801"}, true},
		{"a Mac whose drive is", cs{bridge, enclave, withDrive(ans)}, nil, nil, false},
		{"a phone's storage in a laptop", cs{{PCIID: "8086:51ff", Mode: ModeUFS, Driver: "ufshcd"}}, nil, []string{"soldered-unreachable 8086:51ff"}, true},
		{"a tablet whose eMMC is dead", cs{{Address: "80860F14:00", Name: "ACPI 80860F14:00", Driver: "sdhci-acpi", Mode: ModeMMC}}, nil, []string{"soldered-unreachable "}, true},
		{"only an empty card slot", cs{reader}, nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			hides := false
			for _, r := range Unseen(Machine{Controllers: c.controllers, Drives: c.drives}) {
				got = append(got, r.Code+" "+r.PCIID)
				hides = hides || r.Hides()
				if strings.Contains(r.Text, "%!") || r.Text == "" {
					t.Errorf("text %q", r.Text)
				}
			}
			if !slices.Equal(got, c.want) || hides != c.hides {
				t.Errorf("got %q, hides %v; want %q, %v", got, hides, c.want, c.hides)
			}
		})
	}
}

func TestFirmwareFacts(t *testing.T) {
	yes, no := true, false
	const efi = "sys/firmware/efi/efivars/"
	for _, c := range []struct {
		name string
		tree map[string]string
		want Firmware
		note string
	}{
		{"Secure Boot off, TPM of the old kind", map[string]string{efi + secureBoot: "\x06\x00\x00\x00\x00", "sys/class/tpm/tpm0/tpm_version_major": "1\n"},
			Firmware{Boot: "uefi", SecureBoot: "off", TPM: "1.2", UEFI: &yes, SecureBootCapable: &yes}, ""},
		{"a variable that is too long", map[string]string{efi + secureBoot: "\x06\x00\x00\x00\x01\x01"},
			Firmware{Boot: "uefi", SecureBoot: "unknown", UEFI: &yes}, "makes no sense"},
		{"a variable that is neither on nor off", map[string]string{efi + secureBoot: "\x06\x00\x00\x00\x07"},
			Firmware{Boot: "uefi", SecureBoot: "unknown", UEFI: &yes}, "makes no sense"},
		{"UEFI without its variables", map[string]string{"sys/firmware/efi/x": ""},
			Firmware{Boot: "uefi", SecureBoot: "unknown", UEFI: &yes}, "cannot be read"},
		{"UEFI from before Secure Boot", map[string]string{efi + "Boot0000-8be4df61-93ca-11d2-aa0d-00e098032b8c": "x"},
			Firmware{Boot: "uefi", SecureBoot: "off", UEFI: &yes, SecureBootCapable: &no}, ""},
		{"an old BIOS", map[string]string{"sys/firmware/acpi/tables/DSDT": "", "sys/class/tpm/x/../../net/y": ""}, Firmware{Boot: "bios", SecureBoot: "off"}, ""},
		{"an old BIOS with a TPM that it keeps off", map[string]string{"sys/firmware/acpi/tables/TCPA": "", "sys/class/tpm/tpm0/enabled": "0\n", "sys/class/tpm/tpm0/active": "1\n"},
			Firmware{Boot: "bios", SecureBoot: "off", TPM: "1.2", TPMDisabled: true}, ""},
		{"a TPM that is not active, on an old kernel", map[string]string{"sys/firmware/acpi/tables/TCPA": "", "sys/class/tpm/tpm0/device/enabled": "1\n", "sys/class/tpm/tpm0/device/active": "0\n"},
			Firmware{Boot: "bios", SecureBoot: "off", TPM: "1.2", TPMDisabled: true}, ""},
		{"a TPM that no driver has taken", map[string]string{"sys/firmware/acpi/tables/TPM2": ""}, Firmware{Boot: "bios", SecureBoot: "off", TPM: "2.0"}, ""},
		{"a board with a device tree", map[string]string{"sys/firmware/devicetree/base/model": "Pi"}, Firmware{SecureBoot: "unknown"}, ""},
		{"nothing", nil, Firmware{SecureBoot: "unknown"}, ""},
	} {
		s := Source{Root: t.TempDir()}
		for name, content := range c.tree {
			put(t, s.Root, name, []byte(content))
		}
		var notes []string
		got := readFirmwareFacts(newTree(s.Root), func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) })
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if (c.note == "") != (notes == nil) || !strings.Contains(strings.Join(notes, "; "), c.note) {
			t.Errorf("%s: notes %q, want %q", c.name, notes, c.note)
		}
	}
}

// What /proc says of input devices holds names that anybody can give a device.
func FuzzInputDevices(f *testing.F) {
	f.Add("I: Bus=0003\nN: Name=\"x\"\nH: Handlers=kbd mouse0\nB: KEY=fffffffffffffffe\n\n")
	f.Add("N: Name=\"\x1b[2J\"\nB: KEY=\n\nH: Handlers=\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range parseInputDevices(text) {
			if d.name == "" || !d.keyboard && !d.pointer && !d.touch && !d.pen {
				t.Errorf("%+v", d)
			}
		}
	})
}
