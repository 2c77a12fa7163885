package grade

import (
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
)

// pupilPC is what a county asked of a standard machine for its pupils.
func pupilPC() Profile {
	return Profile{
		ID: "elev-pc", Name: "Elev-PC", Classes: []string{"laptop", "convertible"}, CPUMark: 1500,
		MemoryBytes: 4 * gibibyte, StorageBytes: 250 * gigabyte, ScreenMinTenths: 130, ScreenMaxTenths: 139,
		WidthPixels: 1366, HeightPixels: 768, WiFi: "5", Sound: true, Camera: true, Keyboard: true, BatteryPercent: 60,
	}
}

func pupilMarket(t *testing.T) Market {
	t.Helper()
	m := Market{Profiles: []Profile{pupilPC()}, Currency: "NOK", Parts: []PartPrice{
		{Part: UpgradeMemory, Type: "DDR4", Form: "SODIMM", SizeBytes: 4 * gibibyte, CostMinor: 19900},
		{Part: UpgradeMemory, Type: "DDR4", Form: "SODIMM", SizeBytes: 8 * gibibyte, CostMinor: 34900},
		{Part: UpgradeDrive, Type: "ssd", Form: "nvme", SizeBytes: 256 * gigabyte, CostMinor: 39900},
		{Part: UpgradeDrive, Type: "ssd", Form: "nvme", SizeBytes: 512 * gigabyte, CostMinor: 59900},
		{Part: UpgradeDrive, Type: "ssd", Form: "sata", SizeBytes: 240 * gigabyte, CostMinor: 29900},
		{Part: UpgradeBattery, Class: "laptop", CostMinor: 79900},
		{Part: UpgradeBattery, Model: "Latitude 7390", CostMinor: 59900},
		{Part: UpgradeWiFi, WiFi: "6", CostMinor: 24900},
	}}
	for name, mark := range map[string]int{"Intel Core i5-8250U @ 1.60GHz": 5900, "Intel Celeron N4000 @ 1.10GHz": 1430} {
		if err := m.Marks.Add(name, mark); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// latitude is a laptop of 2018 as it comes in.
func latitude() Facts {
	return Facts{
		Machine: inventory.Machine{
			System:   inventory.System{Manufacturer: "Dell", Model: "Latitude 7390", Class: "laptop"},
			CPU:      []inventory.CPU{i5of2018},
			Memory:   inventory.Memory{TotalBytes: 8 * gibibyte, Modules: []inventory.MemoryModule{{Slot: "DIMM A", SizeBytes: 8 * gibibyte, Type: "DDR4", Form: "SODIMM"}}},
			Board:    inventory.Board{MemorySlots: 2, MaxMemoryBytes: 32 * gibibyte},
			Drives:   []inventory.Drive{{Path: "/dev/nvme0n1", Bus: inventory.BusNVMe, Media: inventory.MediaFlash, Model: "PC401 256GB", CapacityBytes: 256_060_514_304}},
			Displays: []inventory.Display{{Internal: true, DiagonalInches: 13.3, WidthPixels: 1920, HeightPixels: 1080}},
			Network:  []inventory.NIC{{Name: "wlp2s0", Wireless: true, WiFiGeneration: "5"}},
			Parts: inventory.Parts{
				Sound: []string{"HDA Intel PCH"}, Cameras: []string{"Integrated Webcam"}, Keyboards: []string{"AT Translated Set 2 keyboard"},
				Batteries: []inventory.Battery{{Name: "BAT0", HealthPercent: 81}},
			},
			Firmware: inventory.Firmware{Boot: "uefi", SecureBoot: "on", TPM: "2.0"},
		},
		Drives: []Drive{{Path: "/dev/nvme0n1", State: DataClean}},
	}
}

func TestFits(t *testing.T) {
	healthy := []DriveState{{Path: "/dev/nvme0n1", Health: Health{Verdict: HealthOK}}}
	for _, tt := range []struct {
		name     string
		change   func(*Facts, *Profile)
		want     string
		codes    string // of what fails
		upgrades string // parts and their prices
	}{
		{"as it is", func(*Facts, *Profile) {}, Yes, "", ""},
		{"a desktop", func(f *Facts, _ *Profile) { f.Machine.System.Class = "desktop"; f.Machine.Displays = nil }, No, "fit-class fit-screen-none", ""},
		{"what it is, is not known", func(f *Facts, _ *Profile) { f.Machine.System.Class = "other" }, Undetermined, "fit-class-unknown", ""},
		{"a slow processor", func(f *Facts, _ *Profile) { f.Machine.CPU[0].Model = "Intel(R) Celeron(R) N4000 CPU @ 1.10GHz" }, No, "fit-mark", ""},
		{"a processor that is not in the table", func(f *Facts, _ *Profile) { f.Machine.CPU[0].Model = "Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz" }, Undetermined, "fit-mark-unknown", ""},
		{"too little memory", func(f *Facts, p *Profile) { p.MemoryBytes = 16 * gibibyte }, No, "fit-memory", "memory 34900"},
		{"too little memory, and soldered", func(f *Facts, p *Profile) {
			p.MemoryBytes = 16 * gibibyte
			f.Machine.Memory.Modules[0] = inventory.MemoryModule{SizeBytes: 8 * gibibyte, Type: "LPDDR3"}
			f.Machine.Board = inventory.Board{SolderedBytes: 8 * gibibyte, MaxMemoryBytes: 8 * gibibyte}
		}, No, "fit-memory", ""},
		{"what the kernel has of 4 GB", func(f *Facts, _ *Profile) { f.Machine.Memory = inventory.Memory{TotalBytes: 3800 << 20} }, Undetermined, "fit-memory-unknown", ""},
		{"a small drive", func(f *Facts, _ *Profile) { f.Machine.Drives[0].CapacityBytes = 128_035_676_160 }, No, "fit-storage", "drive 39900"},
		{"the drive is for destruction", func(f *Facts, _ *Profile) { f.Drives[0].State = DataDestroy }, No, "fit-storage-none", "drive 39900"},
		{"the drive is for destruction, and soldered", func(f *Facts, _ *Profile) { f.Drives[0].State, f.Drives[0].Soldered = DataDestroy, true }, No, "fit-storage-none", ""},
		{"no drive", func(f *Facts, _ *Profile) { f.Machine.Drives, f.Drives = nil, nil }, Undetermined, "fit-storage-unseen", ""},
		{"a disk where flash is wanted", func(f *Facts, p *Profile) {
			p.StorageKind = "ssd"
			f.Machine.Drives[0].Bus, f.Machine.Drives[0].Media, f.Machine.Drives[0].CapacityBytes = inventory.BusATA, inventory.MediaMagnetic, 500_107_862_016
		}, No, "fit-storage-none", ""}, // 240 GB is the only one for its connector
		{"a larger screen", func(f *Facts, _ *Profile) { f.Machine.Displays[0].DiagonalInches = 14 }, No, "fit-screen-size", ""},
		{"a monitor is not its screen", func(f *Facts, _ *Profile) { f.Machine.Displays[0].Internal = false }, Undetermined, "fit-screen-unknown", ""},
		{"a panel that stands upright", func(f *Facts, _ *Profile) {
			f.Machine.Displays[0].WidthPixels, f.Machine.Displays[0].HeightPixels = 1080, 1920
		}, Yes, "", ""},
		{"few pixels", func(f *Facts, _ *Profile) { f.Machine.Displays[0].HeightPixels = 720 }, No, "fit-resolution", ""},
		{"old Wi-Fi", func(f *Facts, _ *Profile) { f.Machine.Network[0].WiFiGeneration = "4" }, No, "fit-wifi", ""}, // nothing tells whether a laptop's card comes out
		{"Wi-Fi that does not tell", func(f *Facts, _ *Profile) { f.Machine.Network[0].WiFiGeneration = "" }, Undetermined, "fit-wifi-unknown", ""},
		{"an old and a new card", func(f *Facts, _ *Profile) {
			f.Machine.Network = append([]inventory.NIC{{Wireless: true}}, f.Machine.Network...)
		}, Yes, "", ""},
		{"no Wi-Fi", func(f *Facts, _ *Profile) { f.Machine.Network[0].Wireless = false }, No, "fit-wifi-none", ""},
		{"a camera that was found broken", func(f *Facts, _ *Profile) { f.Checks = []Check{{Part: "camera", Verdict: "fail"}} }, No, "fails-camera", ""},
		{"a camera that nobody saw", func(f *Facts, _ *Profile) { f.Machine.Cameras = nil }, Undetermined, "fit-camera-unseen", ""},
		{"a camera that a person tried", func(f *Facts, _ *Profile) {
			f.Machine.Cameras = nil
			f.Checks = []Check{{Part: "camera", Verdict: "pass"}}
		}, Yes, "", ""},
		{"a tired battery", func(f *Facts, _ *Profile) { f.Machine.Batteries[0].HealthPercent = 41 }, No, "fit-battery", "battery 59900"},
		{"a tired battery beside a good one", func(f *Facts, _ *Profile) {
			f.Machine.Batteries = append(f.Machine.Batteries, inventory.Battery{HealthPercent: 20})
		}, No, "fit-battery", "battery 59900"},
		{"a battery that reports nothing", func(f *Facts, _ *Profile) { f.Machine.Batteries[0].HealthPercent = 0 }, Undetermined, "fit-battery-unknown", "battery 59900"},
		{"a small drive and a tired battery", func(f *Facts, _ *Profile) {
			f.Machine.Drives[0].CapacityBytes = 128_035_676_160
			f.Machine.Batteries[0].HealthPercent = 41
		}, No, "fit-storage fit-battery", "drive 39900 battery 59900"},
		{"a small drive, and a screen that no part mends", func(f *Facts, _ *Profile) {
			f.Machine.Drives[0].CapacityBytes = 128_035_676_160
			f.Machine.Displays[0].DiagonalInches = 14
		}, No, "fit-storage fit-screen-size", ""},
		{"Windows 11 on an old processor", func(f *Facts, p *Profile) { p.Windows11 = true; p.CPUMark = 0; f.Machine.CPU[0] = i5of2017 }, No, "fit-windows11", ""},
		{"Windows 11 with 2 GB", func(f *Facts, p *Profile) {
			*p = Profile{ID: "w11", Windows11: true}
			f.Machine.Memory = inventory.Memory{TotalBytes: 2 * gibibyte, Modules: []inventory.MemoryModule{{SizeBytes: 2 * gibibyte, Type: "DDR4", Form: "SODIMM"}}}
		}, No, "fit-windows11", "memory 19900"},
		{"Windows 11 after a setting", func(f *Facts, p *Profile) { p.Windows11 = true; f.Machine.Firmware.TPMDisabled = true }, Yes, "", ""},
	} {
		f, market := latitude(), pupilMarket(t)
		tt.change(&f, &market.Profiles[0])
		fit := Fits(f, healthy, market)[0]
		var codes, upgrades []string
		for _, r := range fit.Failing {
			hasMessage(t, r)
			codes = append(codes, r.Code)
			if !strings.HasPrefix(r.Rule, "profiles."+fit.Profile+".") || r.Text == "" {
				t.Errorf("%s: %+v", tt.name, r)
			}
		}
		for _, u := range fit.Upgrades {
			upgrades = append(upgrades, u.Part+" "+count(*u.CostMinor))
			if u.Currency != "NOK" || u.Text == "" || u.Reason.Code == "" {
				t.Errorf("%s: %+v", tt.name, u)
			}
		}
		if got := strings.Join(codes, " "); fit.Fits != tt.want || got != tt.codes {
			t.Errorf("%s: got %s (%s), want %s (%s)", tt.name, fit.Fits, got, tt.want, tt.codes)
		}
		if got := strings.Join(upgrades, " "); got != tt.upgrades {
			t.Errorf("%s: got upgrades %q, want %q", tt.name, got, tt.upgrades)
		}
	}
}

// hasMessage says that a reason reads in English as its message does, and that
// Norwegian has one.
func hasMessage(t *testing.T, r Reason) {
	t.Helper()
	for _, tag := range []string{"en", "nb"} {
		messages, err := lang.For(tag)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := messages.Reason(r.Code, r.Args)
		if !ok || strings.Contains(got, "<no value>") || tag == "en" && got != r.Text {
			t.Errorf("message grade.%s in %s: got %q, the reason says %q", r.Code, tag, got, r.Text)
		}
	}
}

// A reject does not count as a drive.
func TestFitsWithARejectedDrive(t *testing.T) {
	health := []DriveState{{Path: "/dev/nvme0n1", Health: Health{Verdict: HealthReject}}}
	fit := Fits(latitude(), health, pupilMarket(t))[0]
	if fit.Fits != No || len(fit.Upgrades) != 1 || fit.Upgrades[0].Text != "256 GB SSD (NVMe) of the same form, in place of PC401 256GB" {
		t.Errorf("got %+v", fit)
	}
	market := pupilMarket(t)
	market.Parts = nil
	fit = Fits(latitude(), health, market)[0]
	if len(fit.Upgrades) != 1 || fit.Upgrades[0].CostMinor != nil || fit.Upgrades[0].Currency != "" || !strings.Contains(fit.Upgrades[0].Text, "no price") {
		t.Errorf("without prices: got %+v", fit.Upgrades)
	}
}

func TestMarks(t *testing.T) {
	var table CPUMarks
	if _, ok := table.Mark(i5of2018.Model); ok {
		t.Error("an empty table knows a processor")
	}
	if err := table.Add("AMD Ryzen 7 1800X", 16000); err != nil {
		t.Fatal(err)
	}
	if mark, ok := table.Mark("AMD Ryzen 7 1800X Eight-Core Processor            "); !ok || mark != 16000 {
		t.Errorf("got %d, %t", mark, ok)
	}
	if _, ok := table.Mark("AMD Ryzen 7 PRO 1800X"); ok {
		t.Error("another processor's mark was taken")
	}
	if err := table.Add("Ryzen 7 1800X", 16001); err == nil {
		t.Error("two marks of one processor were taken")
	}
	if err := table.Add("Intel CPU", 1); err == nil {
		t.Error("a name that tells nothing was taken")
	}
	if _, ok := table.Mark(""); ok {
		t.Error("a processor without a name has a mark")
	}
}
