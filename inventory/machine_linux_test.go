package inventory

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestALaptop(t *testing.T) {
	m, err := laptopSATA(t).Machine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// Without the table the kernel's copy must do.
	if s := m.System; s.Manufacturer != "Lenovo" || s.Model != "ThinkPad T480" || s.Serial != "PF1SYNTH" || s.Class != "laptop" ||
		s.UUID != "4c4c4544-0043-4b10-8054-c7c04f4e3433" || s.Raw["chassis_asset_tag"] != "No Asset Information" {
		t.Errorf("system %+v", s)
	}
	wantCPU := []CPU{{Model: "Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz", Vendor: "GenuineIntel", Family: 6, ModelNumber: 142, Stepping: 10, Cores: 2, Threads: 2}}
	if !reflect.DeepEqual(m.CPU, wantCPU) {
		t.Errorf("cpu %+v, want %+v", m.CPU, wantCPU)
	}
	if m.Memory.TotalBytes != 8010668<<10 || m.Memory.Modules == nil {
		t.Errorf("memory %+v", m.Memory)
	}
	wantNICs := []NIC{
		{Name: "enp0s31f6", MAC: "8c:16:45:00:11:22", Model: "Intel Corporation Ethernet Connection (4) I219-V", Driver: "e1000e"},
		{Name: "wlp3s0", MAC: "7c:76:35:00:33:44", Model: "Intel Corporation Wireless 8265 / 8275", Driver: "iwlwifi", Wireless: true, WiFiGeneration: "5"},
	}
	if !slices.Equal(m.Network, wantNICs) {
		t.Errorf("network %+v, want %+v", m.Network, wantNICs)
	}
	if !slices.ContainsFunc(m.Notes, func(n string) bool { return strings.HasPrefix(n, "system: no SMBIOS table") }) {
		t.Errorf("notes %q do not say that the table is missing", m.Notes)
	}
}

func TestALaptopWithItsTable(t *testing.T) {
	s := laptopSATA(t)
	put(t, s.Root, "sys/firmware/dmi/tables/DMI", latitude())
	put(t, s.Root, "sys/firmware/dmi/tables/smbios_entry_point", entryPoint(3, 0, 4096)[:24])
	m, err := s.Machine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if m.System.Model != "Latitude 5480" || m.Memory.TotalBytes != 8<<30 || len(m.Memory.Modules) != 1 || m.Notes != nil {
		t.Errorf("system %+v, memory %+v, notes %q", m.System, m.Memory, m.Notes)
	}
}

func TestTheMachineWeRunOn(t *testing.T) {
	m, err := Source{}.Machine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(m.CPU) == 0 || m.Memory.TotalBytes == 0 || m.Drives == nil || m.Network == nil || m.System.Raw == nil {
		t.Errorf("%+v", m)
	}
}

func TestTwoSocketsAndAnUnknownCPU(t *testing.T) {
	text := "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 85\nmodel name : Xeon\nphysical id : 0\ncpu cores : 8\n\n" +
		"processor : 1\nvendor_id : GenuineIntel\nmodel name : Xeon\nphysical id : 1\ncpu cores : 8\ncpu family : -3\n\n" +
		"processor : 2\nvendor_id : GenuineIntel\nmodel name : Xeon\nphysical id : 1\n\nHardware : something\n"
	packages, order := parseCPUInfo(text)
	if !slices.Equal(order, []int{0, 1}) || packages[1].Threads != 2 || packages[1].Family != 0 || packages[0].ModelNumber != 85 {
		t.Errorf("order %v, packages %+v %+v", order, packages[0], packages[1])
	}
}

func TestNamesOfPCIDevices(t *testing.T) {
	for id, want := range map[string]string{
		"8086:24fd": "Intel Corporation Wireless 8265 / 8275",
		"8086:fffe": "Intel Corporation fffe",
		"fff9:0001": "PCI fff9:0001", // in no list
		"zzzz:0001": "PCI zzzz:0001",
	} {
		if got := pciNames(id)[id]; got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}
