package inventory

import (
	"fmt"
	"strings"
	"testing"
)

// The batteries that reference firmware describes are in no machine.
func TestBatteriesOfTheFirmware(t *testing.T) {
	for name, c := range map[string]struct {
		b    firmwareBattery
		want string
	}{
		"a real one":                  {firmwareBattery{location: "Front", maker: "SANYO", name: "45N1775", serial: "0FA1", smartChemistry: "LION            ", milliwattHours: 23200, millivolts: 11400}, "SANYO 45N1775 0FA1 LION 23200 11400"},
		"chemistry by the code":       {firmwareBattery{maker: "SMP", name: "5B10X026", chemistry: "Lithium Polymer", milliwattHours: 50000, millivolts: 7600}, "SMP 5B10X026  LIPO 50000 7600"},
		"the tenfold":                 {firmwareBattery{maker: "LGC", name: "DELL D555173", milliwattHours: 568800, millivolts: 11100}, "LGC DELL D555173   0 11100"},
		"mAh for mWh":                 {firmwareBattery{maker: "A", name: "AK02030", milliwattHours: 4150, millivolts: 7400}, "A AK02030   0 7400"},
		"an older chemistry":          {firmwareBattery{maker: "A", name: "B", smartChemistry: "NiMH", milliwattHours: 45000, millivolts: 14400}, "A B  NIMH 45000 14400"},
		"one of reference firmware":   {firmwareBattery{location: "Fake", maker: "-Virtual Battery 0-", name: "CRB Battery 0", milliwattHours: 45000, millivolts: 11100}, ""},
		"one that was never filled":   {firmwareBattery{maker: "Not Specified", name: "Not Specified"}, ""},
		"one with a name and no more": {firmwareBattery{maker: "Intel Corp.", name: "Smart Battery"}, ""},
	} {
		b, ok := c.b.battery()
		got := fmt.Sprintf("%s %s %s %s %d %d", b.Manufacturer, b.Model, b.Serial, b.Chemistry, b.DesignMilliwattHours, b.DesignMillivolts)
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFirmwareDates(t *testing.T) {
	for date, want := range map[string]string{
		"06/13/2018": "2018-06-13", "04.20.2021": "2021-04-20", "05/07/99": "1999-05-07", "01/02/08": "2008-01-02", "": "",
		"2021-04-20": "2021-04-20", "Wed 04/08/2020  5:2": "Wed 04/08/2020  5:2", "13/45/2020": "13/45/2020", "01/01/9999": "01/01/9999",
	} {
		if got := firmwareDate(date); got != want {
			t.Errorf("%q: %q, want %q", date, got, want)
		}
	}
}

// Family, model and stepping are those of CPUID, also where firmware wrote the
// registers down the wrong way round, and none where it wrote nonsense.
func TestProcessorSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		vendor string
		id     uint64
		want   string
	}{
		"Kaby Lake":           {"Intel(R) Corporation", 0xbfebfbff000806ea, "6/142/10"},
		"Zen 2":               {"Advanced Micro Devices, Inc.", 0x178bfbff00860f01, "23/96/1"},
		"Pentium 4":           {"Intel", 0xbfebfbff00000f43, "15/4/3"},
		"swapped by firmware": {"AMD", 0x00660f01178bfbff, "21/96/1"},
		"a Surface of Fs":     {"Intel(R) Corporation", 0xbfebfbffffffffff, "0/0/0"},
		"nothing":             {"Intel(R) Corporation", 0, "0/0/0"},
		"an ARM processor":    {"Phytium", 0x00000000700f6622, "0/0/0"},
	} {
		cpu := CPU{Vendor: c.vendor}
		cpu.identify(c.id)
		if got := fmt.Sprintf("%d/%d/%d", cpu.Family, cpu.ModelNumber, cpu.Stepping); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A Mac lists each thread as a processor.
func TestProcessorsOfAMac(t *testing.T) {
	tables := firmwareTables{raw: map[string]string{"sys_vendor": "Apple Inc."}}
	for i := range 8 {
		tables.processors = append(tables.processors, firmwareCPU{CPU{Model: "Intel(R) Xeon(R) CPU E5462", Vendor: "Intel"}, fmt.Sprintf("CPU-%c ( %d )", 'A'+i/4, i%4)})
	}
	if got := tables.packages(); len(got) != 2 || got[0].Threads != 4 || got[1].Threads != 4 {
		t.Errorf("%+v", got)
	}
	tables.raw["sys_vendor"] = "Somebody"
	if got := tables.packages(); len(got) != 8 {
		t.Errorf("%d processors of somebody else, want 8", len(got))
	}
}

// Lists that no machine has are cut and noted.
func TestListsAreBounded(t *testing.T) {
	tables := firmwareTables{raw: map[string]string{}}
	for i := range 5000 {
		tables.slots = append(tables.slots, firmwareSlot{name: "S"})
		tables.ports = append(tables.ports, firmwarePort{external: "P", connector: "RJ-45"})
		tables.oemStrings = append(tables.oemStrings, fmt.Sprint("string ", i))
		tables.processors = append(tables.processors, firmwareCPU{CPU{Model: "Some CPU", Cores: 1}, ""})
		tables.batteries = append(tables.batteries, firmwareBattery{name: "B", milliwattHours: 50000})
		tables.sound, tables.pointing = append(tables.sound, "x"), append(tables.pointing, "Mouse")
	}
	m := unread()
	tables.fill(&m)
	for name, n := range map[string]int{
		"slots": len(m.Slots), "ports": len(m.Ports), "strings": len(m.OEMStrings), "processors": len(m.CPU), "batteries": len(m.Batteries), "sound": len(m.Sound),
		"pointers": len(m.Pointers),
	} {
		if n != maxEntries {
			t.Errorf("%d %s, want %d", n, name, maxEntries)
		}
	}
	if !strings.Contains(strings.Join(m.Notes, "\n"), "it lists 5000 slots") {
		t.Errorf("notes %q", m.Notes)
	}
}

// Chips on the board are no slots, populated or not.
func TestSolderedMemory(t *testing.T) {
	tables := firmwareTables{raw: map[string]string{}, memory: []memoryDevice{
		{MemoryModule: MemoryModule{SizeBytes: 8 << 30, Type: "DDR4"}, populated: true, form: "Row Of Chips"},
		{form: "Row Of Chips"},
		{MemoryModule: MemoryModule{SizeBytes: 4 << 30, Type: "LPDDR4"}, populated: true, form: "Proprietary Card"},
		{MemoryModule: MemoryModule{SizeBytes: 8 << 30, Type: "DDR4"}, populated: true, form: "SODIMM"},
		{form: "SODIMM"},
	}}
	m := unread()
	tables.fill(&m)
	if m.Board.MemorySlots != 2 || m.Board.SolderedBytes != 12<<30 || m.Memory.TotalBytes != 20<<30 || m.Memory.Modules[1].Form != "soldered" {
		t.Errorf("%+v %+v", m.Board, m.Memory)
	}
}

// What the running system has seen stays.
func TestWhatIsKnownAlreadyStays(t *testing.T) {
	m := unread()
	m.CPU = []CPU{{Model: "seen"}}
	m.Batteries = []Battery{{Name: "BAT0"}}
	m.Firmware.TPM, m.Pointers, m.Sound = "none", []string{"seen"}, []string{"seen"}
	tables, err := parseSMBIOS(everything(), smbiosVersion{3, 5})
	if err != nil {
		t.Fatal(err)
	}
	tables.fill(&m)
	if m.CPU[0].Model != "seen" || len(m.CPU) != 1 || m.Batteries[0].Name != "BAT0" || m.Firmware.TPM != "none" || m.Pointers[0] != "seen" || m.Sound[0] != "seen" {
		t.Errorf("%+v %+v %+v %q %q", m.CPU, m.Batteries, m.Firmware, m.Pointers, m.Sound)
	}
	if m.Memory.TotalBytes != 48<<30 || m.System.Model != "EliteBook 840 G5" {
		t.Errorf("%+v %+v", m.Memory, m.System)
	}
}
