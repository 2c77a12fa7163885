package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

func because(rule, code, text string, args ...string) grade.Reason {
	r := grade.Reason{Code: code, Rule: rule, Text: text}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}

func price(minor int64) *int64 { return &minor }

func hours(n int64) *inventory.Abilities {
	passed, used, spare, none := true, int64(12), int64(100), int64(0)
	return &inventory.Abilities{Protocol: "nvme", Health: &inventory.SMART{Passed: &passed, PowerOnHours: &n, PercentUsed: &used, SparePercent: &spare, CriticalWarning: &none, MediaErrors: &none}}
}

// notebook is an ordinary returned notebook of which everything is known.
func notebook() certs.Unit {
	yes := true
	rec := unit()
	rec.Machine = inventory.Machine{
		System: inventory.System{Manufacturer: "Dell", Model: "Latitude 7400", Class: "laptop", Serial: "5XK2P13", UUID: "4c4c4544-0058-4b10-8032-b5c04f503133", SKU: "08E1"},
		Board:  inventory.Board{Manufacturer: "Dell", Model: "07WDVW", Version: "A00", MemorySlots: 2, MaxMemoryBytes: 32 << 30},
		CPU:    []inventory.CPU{{Model: "Intel(R) Core(TM) i5-8365U CPU @ 1.60GHz", Cores: 4, Threads: 8}},
		Memory: inventory.Memory{TotalBytes: 8 << 30, Modules: []inventory.MemoryModule{
			{Slot: "DIMM A", SizeBytes: 8 << 30, Type: "DDR4", SpeedMTs: 2667, Manufacturer: "SK Hynix", PartNumber: "HMA81GS6CJR8N-VK", Serial: "3104A1B2"}}},
		Graphics:   []inventory.Graphics{{Model: "Intel WhiskeyLake-U GT2 [UHD Graphics 620]", PCIID: "8086:3ea0"}},
		Displays:   []inventory.Display{{Manufacturer: "AU Optronics", Model: "B140HAN03.3", DiagonalInches: 14, WidthPixels: 1920, HeightPixels: 1080, Year: 2018, Internal: true, Connector: "eDP-1"}},
		Network:    []inventory.NIC{{Name: "eno1", MAC: "e4:54:e8:11:22:33", Model: "Intel Ethernet I219-LM"}, {Name: "wlp0s20f3", MAC: "a0:51:0b:44:55:66", Model: "Intel Wi-Fi AX200", Wireless: true, WiFiGeneration: "6"}},
		Ports:      []inventory.Port{{Name: "JUSB1", Type: "USB"}, {Name: "JUSB2", Type: "USB"}, {Name: "JHDMI", Type: "HDMI"}, {Name: "JTYPEC", Type: "USB-C"}},
		OEMStrings: []string{"Dell System"},
		Parts: inventory.Parts{
			Cameras: []string{"Integrated_Webcam_HD"}, Sound: []string{"Realtek ALC3254"}, Fingerprint: []string{"Goodix fingerprint reader"},
			Batteries: []inventory.Battery{{Name: "BAT0", Manufacturer: "SMP", Model: "DELL 5VC2M", Serial: "1284", HealthPercent: 72, Cycles: 412, DesignMilliwattHours: 51984, FullMilliwattHours: 37430, Chemistry: "LION"}},
		},
		Firmware: inventory.Firmware{Boot: "uefi", SecureBoot: "on", TPM: "2.0", Vendor: "Dell", Version: "1.21.0", Date: "2022-11-04", UEFI: &yes, SecureBootCapable: &yes, WindowsKey: &inventory.WindowsKey{Edition: "Pro", LastFive: "8HV2C"}},
		Locks: []inventory.Lock{
			{Code: inventory.LockFirmwareSetup, State: inventory.LockClear}, {Code: inventory.LockDrive, State: inventory.LockClear},
			{Code: inventory.LockAbsolute, State: inventory.LockClear}, {Code: inventory.LockPlatformBinary, State: inventory.LockClear},
			{Code: inventory.LockAutopilot, State: inventory.LockUnknown}, {Code: inventory.LockFirmwareStart, State: inventory.LockUnknown}},
		Drives: []inventory.Drive{{Path: "/dev/nvme0n1", Bus: inventory.BusNVMe, Media: inventory.MediaFlash, Manufacturer: "Samsung", Model: "SAMSUNG MZVLB512HBJQ-000L7", Serial: "S4EXNX0R1I0O18", CapacityBytes: 512_110_190_592, Abilities: hours(11482)}},
	}
	rec.Drives, rec.Storage.State = rec.Drives[:1], certs.StorageTreated
	rec.Checks = []certs.Check{
		{Part: "keyboard", Verdict: certs.CheckPass}, {Part: "screen", Verdict: certs.CheckPass}, {Part: "pointer", Verdict: certs.CheckPass},
		{Part: "speakers", Verdict: certs.CheckPass}, {Part: "camera", Verdict: certs.CheckPass}, {Part: "ports", Verdict: certs.CheckFail, Note: "left USB-C loose"},
		{Part: "battery", Verdict: certs.CheckPass}, {Part: "wifi", Verdict: certs.CheckSkip}, {Part: certs.PartCosmetic, Verdict: certs.CheckPass, Grade: "B"},
		{Part: "damage", Verdict: certs.CheckPass, Note: "scratch on the lid"},
	}
	rec.Remains = []certs.Remain{
		{Thing: certs.RemainTPM, State: certs.RemainRequested, By: certs.ByOmbruk, Text: "asked the firmware to clear it"},
		{Thing: certs.RemainSIM, State: certs.RemainNone, By: certs.ByPerson}, {Thing: certs.RemainCard, State: certs.RemainNone, By: certs.ByOmbruk},
		{Thing: certs.RemainDisc, State: certs.RemainNone, By: certs.ByOmbruk}, {Thing: certs.RemainEnrolment, State: certs.RemainLeft, By: certs.ByPerson, Text: "is to be released by the previous owner"},
	}
	rec.Grade, rec.Disposition = notebookGrade(), "reuse"
	return rec
}

func notebookGrade() *grade.Result {
	return &grade.Result{
		Grade: "B", Disposition: grade.Reuse, Status: grade.Product, R2Function: "F3", R2Cosmetic: "C4",
		Reasons: []grade.Reason{
			because("grading.battery.B", "fixture-battery", "the battery holds 72 % of what it was made for"),
			because("grading.rules.reuse", "fixture-reuse", "everything that is needed works")},
		Marks: []grade.Mark{
			{Of: "function", Grade: "B", Reasons: []grade.Reason{because("grading.function.B", "fixture-port", "one part failed: ports")}},
			{Of: "cosmetic", Grade: "B", Reasons: []grade.Reason{because("grading.cosmetic", "fixture-cosmetic", "a person graded its appearance B")}},
			{Of: "battery", Grade: "B", Reasons: []grade.Reason{because("grading.battery.B", "fixture-battery", "the battery holds 72 % of what it was made for")}},
			{Of: "drive", Grade: "A", Reasons: []grade.Reason{because("drive_health", "fixture-drive", "no drive shows damage")}},
			{Of: "data", Grade: "A", Reasons: []grade.Reason{because("grading.data", "fixture-data", "all drives are clean")}},
		},
		Health: []grade.DriveState{{Path: "/dev/nvme0n1", Health: grade.Health{Verdict: "ok", Reasons: []grade.Reason{because("drive_health", "healthy", "the drive passes its own check and counts no damage")}}}},
		Windows11: grade.Eligibility{Eligible: "yes", Reasons: []grade.Reason{
			because("HardwareReadiness.ps1", "fixture-cpu", "the processor (family 6, model 142, stepping 12) is on the list")}},
		Profiles: []grade.Fit{
			{Profile: "Elev-PC", Fits: "yes"},
			{Profile: "Kontor-PC 2026", Fits: "no", Failing: []grade.Reason{because("profiles.kontor.memory", "fixture-memory", "memory 8 GiB, 16 GiB wanted")},
				Upgrades: []grade.Upgrade{{Part: "memory", Text: "one module of 8 GiB DDR4 SO-DIMM", From: "B", To: "B", CostMinor: price(24900), Currency: "NOK"}}}},
		Upgrades: []grade.Upgrade{{Part: "battery", Text: "a new battery, 52 Wh", From: "B", To: "A", CostMinor: price(64900), Currency: "NOK"}},
		Policy:   grade.Policy{Name: "ombruk-default-2026", SHA256: hash("policy")},
	}
}

// desktop is one that a thorough office has in its thousands.
func desktop() certs.Unit {
	rec := notebook()
	m := unit().Machine
	m.Board = inventory.Board{Manufacturer: "Dell", Model: "0NNNCT", MemorySlots: 4, MaxMemoryBytes: 64 << 30}
	m.Graphics = []inventory.Graphics{{Model: "NVIDIA GP107GL [Quadro P620]", PCIID: "10de:1cb6"}}
	m.Firmware = inventory.Firmware{Boot: "bios", SecureBoot: "off", TPM: "2.0", TPMDisabled: true, Vendor: "Dell", Version: "2.9.0", Date: "2021-05-11"}
	m.Locks = []inventory.Lock{{Code: inventory.LockAutopilot, State: inventory.LockSet, Text: "a person says so"}, {Code: inventory.LockAbsolute, State: inventory.LockSet, Text: "active in the firmware"}, {Code: inventory.LockDrive, State: inventory.LockClear}}
	m.Drives = m.Drives[:2]
	rec.Machine = m
	rec.Drives = unit().Drives[:2]
	rec.Checks = nil
	g := *notebookGrade()
	g.Grade, g.Disposition, g.Status = "C", grade.Hold, grade.Waste
	g.Reasons = []grade.Reason{because("grading.locks", "fixture-locks", "the machine is enrolled with its previous owner"), because("grading.drive.D", "fixture-rejected", "a drive is rejected by its health")}
	g.Marks[2] = grade.Mark{Of: "battery"}
	g.Marks[3] = grade.Mark{Of: "drive", Grade: "D", Reasons: g.Reasons[1:]}
	g.Marks[4] = grade.Mark{Of: "data", Grade: "D", Reasons: []grade.Reason{because("grading.data", "fixture-destroy", "one drive is to be destroyed")}}
	g.Windows11 = grade.Eligibility{Eligible: "after-change", Reasons: []grade.Reason{because("Microsoft", "fixture-legacy", "started in legacy mode and the TPM is switched off")}}
	g.Health = append(g.Health, grade.DriveState{Path: "/dev/sda", Health: grade.Health{Verdict: "reject", Reasons: []grade.Reason{
		because("drive_health.reject.pending", "pending-sectors", "12 pending sectors", "Count", "12", "Limit", "0"), because("drive_health.reject.reallocated", "reallocated-sectors", "41 reallocated sectors", "Count", "41", "Limit", "10")}}})
	g.Upgrades = nil
	rec.Grade, rec.Disposition = &g, "hold"
	return rec
}

// server has more of everything than a page takes.
func server() certs.Unit {
	rec := notebook()
	m := inventory.Machine{
		System:   inventory.System{Manufacturer: "Dell", Model: "PowerEdge R740", Class: "server", Serial: "JT7KQ03", UUID: "4c4c4544-0054-3710-804b-cac04f513033", SKU: "0715"},
		Board:    inventory.Board{MemorySlots: 24, MaxMemoryBytes: 3 << 40},
		CPU:      []inventory.CPU{{Model: "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", Cores: 16}, {Model: "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", Cores: 16}},
		Memory:   inventory.Memory{TotalBytes: 24 * 16 << 30},
		Graphics: []inventory.Graphics{{Model: "Matrox G200eW3"}},
		Firmware: inventory.Firmware{Boot: "uefi", SecureBoot: "off", TPM: "2.0", Vendor: "Dell", Version: "2.12.2", Date: "2021-07-09"},
		Locks:    []inventory.Lock{{Code: inventory.LockManagement, State: inventory.LockUnknown}},
	}
	for i := range 24 {
		m.Memory.Modules = append(m.Memory.Modules, inventory.MemoryModule{Slot: fmt.Sprintf("%c%d", 'A'+i/12, i%12+1), SizeBytes: 16 << 30, Type: "DDR4", SpeedMTs: 2666, Manufacturer: "Samsung", PartNumber: "M393A2K40BB2-CTD", Serial: fmt.Sprintf("037A%04X", i)})
	}
	for i := range 4 {
		m.Network = append(m.Network, inventory.NIC{Name: fmt.Sprintf("eno%d", i+1), MAC: fmt.Sprintf("24:6e:96:00:00:0%d", i), Model: "Broadcom BCM57414 NetXtreme-E"})
	}
	rec.Drives = nil
	g := *notebookGrade()
	g.Health = nil
	for i := range 24 {
		path := "/dev/sd" + string(rune('a'+i))
		d := inventory.Drive{Path: path, Bus: inventory.BusSAS, Media: inventory.MediaMagnetic, Model: "SEAGATE ST1200MM0099", Serial: fmt.Sprintf("WFK1%04d", 271*i), CapacityBytes: 1_200_243_695_616, Abilities: hours(31000 + int64(i))}
		m.Drives = append(m.Drives, d)
		u := unit().Drives[0]
		u.Path, u.Model, u.Serial, u.RecordID = path, d.Model, d.Serial, fmt.Sprintf("019ab0c4-7d2e-7b41-9c1f-5a3e8d90b7%02x", i)
		rec.Drives = append(rec.Drives, u)
		g.Health = append(g.Health, grade.DriveState{Path: path, Health: grade.Health{Verdict: "ok"}})
	}
	rec.Machine, rec.Checks, rec.Remains = m, nil, nil
	rec.Grade = &g
	return rec
}

// hostileUnit has a stranger's text wherever a machine takes text, and numbers
// that make no sense.
func hostileUnit() certs.Unit {
	rec := notebook()
	bad := []string{"\x1b[2J\x1b]0;owned\x07", "<script>alert(1)</script> (Tj) ET endstream", strings.Repeat("W0I1l", 60), "{{.Percent}}\u202egpj.exe", "=HYPERLINK(\"x\")\r\nInjected: line", "\xff\xfe"}
	m := &rec.Machine
	m.System = inventory.System{Manufacturer: bad[0], Model: bad[3], Class: "toaster", Serial: bad[2], UUID: bad[1], SKU: bad[5]}
	m.CPU = []inventory.CPU{{Model: bad[1], Cores: -4}, {Model: bad[2], Cores: 1 << 30}}
	m.Memory = inventory.Memory{TotalBytes: -1}
	for i := range 10_000 {
		m.Memory.Modules = append(m.Memory.Modules, inventory.MemoryModule{Slot: bad[i%6], SizeBytes: int64(i), Type: bad[(i+1)%6], SpeedMTs: -i, Serial: bad[(i+2)%6]})
	}
	m.Batteries = []inventory.Battery{{HealthPercent: 1 << 30, Cycles: -1, DesignMilliwattHours: -5, FullMilliwattHours: 1 << 60, Model: bad[2]}}
	m.Displays = []inventory.Display{{DiagonalInches: -1e300, WidthPixels: 1 << 30, HeightPixels: 1, Model: bad[0], Serial: bad[3], Year: -7}}
	m.Firmware = inventory.Firmware{Boot: bad[0], SecureBoot: bad[1], TPM: bad[2], Vendor: bad[3], Version: bad[4], Date: bad[5], WindowsKey: &inventory.WindowsKey{Edition: bad[3], LastFive: "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"}}
	m.Locks = []inventory.Lock{{Code: bad[1], State: inventory.LockSet, Text: bad[0]}, {Code: bad[3], State: "open"}}
	m.Notes = []string{bad[2], bad[4]}
	g := rec.Grade
	g.Grade, g.R2Function, g.Windows11.Eligible = "WWWWWWWW", bad[2], bad[0]
	g.Reasons = append(g.Reasons, because(bad[3], bad[4], bad[0], "Percent", bad[2]), because(bad[2], "worn", "worn", "Percent", "{{.Limit}}", "Limit", bad[0]))
	g.Marks = append(g.Marks, grade.Mark{Of: bad[1], Grade: bad[2]})
	g.Profiles = append(g.Profiles, grade.Fit{Profile: bad[2], Fits: bad[0], Failing: g.Reasons})
	g.Upgrades[0].Currency, g.Upgrades[0].CostMinor, g.Upgrades[0].From = bad[0], price(-1<<63), bad[3]
	rec.Checks[0].Note, rec.Checks[5].Note = bad[2], bad[0]
	rec.Remains[4].Text = bad[1]
	return rec
}

// monitor is a screen that was read from its EDID alone.
func monitor() inventory.Machine {
	return inventory.Machine{
		System:   inventory.System{Manufacturer: "Dell", Model: "DELL U2415", Class: "monitor", Serial: "7MT0188A0V5S"},
		Displays: []inventory.Display{{Manufacturer: "Dell", Model: "DELL U2415", Serial: "7MT0188A0V5S", PNPID: "DEL", ProductCode: 0xa0b8, DiagonalInches: 24.1, WidthMillimetres: 518, HeightMillimetres: 324, WidthPixels: 1920, HeightPixels: 1200, Year: 2018, Week: 36}},
	}
}

var readAt = time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)

func datasheetOf(language, source string) DataSheet {
	return DataSheet{Language: language, Source: source, Read: readAt, Tool: header().Tool}
}

// failing is what is wrong with the drive of a machine that is to be sold.
func twoDrives() certs.Unit {
	rec := notebook()
	rec.Drives = append(rec.Drives, unit().Drives[1])
	rec.Drives[1].Outcome, rec.Drives[1].Disposition = erase.Failed, erase.Destroy
	return rec
}
