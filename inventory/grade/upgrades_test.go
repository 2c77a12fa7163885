package grade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ombruk/ombruk/inventory"
)

// byParts grades a unit by the worst of its memory, drives and battery, so that
// each of them can hold it back.
func byParts(f Facts) string {
	worst := 0
	is := func(n int) { worst = max(worst, n) }
	switch total := f.Machine.Memory.TotalBytes; {
	case total < 4*gibibyte:
		is(3)
	case total < 8*gibibyte:
		is(2)
	case total < 16*gibibyte:
		is(1)
	}
	stays := 0
	for _, d := range f.Machine.Drives {
		if dataState(f, d.Path) == DataDestroy {
			continue
		}
		stays++
		switch JudgeHealth(d, commonLimits()).Verdict {
		case HealthReject:
			is(3)
		case HealthWarn, HealthUnknown:
			is(2)
		}
	}
	if stays == 0 {
		is(3)
	}
	for _, b := range f.Machine.Batteries {
		is(map[bool]int{true: 2}[b.HealthPercent < 60])
	}
	return scale()[worst]
}

func scale() []string { return []string{"A", "B", "C", "D"} }

func healthOf(f Facts) []DriveState {
	var all []DriveState
	for _, d := range f.Machine.Drives {
		all = append(all, DriveState{Path: d.Path, Health: JudgeHealth(d, commonLimits())})
	}
	return all
}

func texts(ups []Upgrade) string {
	var all []string
	for _, u := range ups {
		cost := "no price"
		if u.CostMinor != nil {
			cost = strconv.FormatInt(*u.CostMinor, 10) + " " + u.Currency
		}
		all = append(all, fmt.Sprintf("%s>%s %s: %s", u.From, u.To, u.Text, cost))
	}
	return strings.Join(all, "\n")
}

// well makes the drive of a unit tell that it is well.
func well(f *Facts) {
	f.Machine.Drives[0].Abilities = newDrive(inventory.BusNVMe, inventory.MediaFlash, 0).Abilities
}

func TestUpgrades(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Facts, *Market)
		want   string
	}{
		{"more memory lifts it", func(f *Facts, _ *Market) {}, "B>A 1 × 8 GB DDR4 SODIMM into free slots, 16 GB in all: 34900 NOK"},
		{"without a price", func(_ *Facts, m *Market) { m.Parts = nil }, "B>A 1 × 8 GB DDR4 SODIMM into free slots, 16 GB in all (no price in the contract's list): no price"},
		{"no free slot", func(f *Facts, m *Market) {
			f.Machine.Board.MemorySlots = 1
			m.Parts = append(m.Parts, PartPrice{Part: UpgradeMemory, Type: "DDR4", Form: "SODIMM", SizeBytes: 16 * gibibyte, CostMinor: 69900})
		}, "B>A 1 × 16 GB DDR4 SODIMM in place of the modules that are there, 16 GB in all: 69900 NOK"},
		{"no free slot, and at most 8 GB", func(f *Facts, _ *Market) {
			f.Machine.Board.MemorySlots, f.Machine.Board.MaxMemoryBytes = 1, 8*gibibyte
		}, ""},
		{"a board that does not tell", func(f *Facts, _ *Market) { f.Machine.Board = inventory.Board{} }, ""},
		{"soldered", func(f *Facts, _ *Market) {
			f.Machine.Memory.Modules[0].Type = "LPDDR3"
			f.Machine.Board.SolderedBytes = 8 * gibibyte
		}, ""},
		{"half of it soldered", func(f *Facts, _ *Market) {
			f.Machine.Memory.Modules = []inventory.MemoryModule{
				{SizeBytes: 4 * gibibyte, Type: "DDR4", Form: "soldered"}, {SizeBytes: 4 * gibibyte, Type: "DDR4", Form: "SODIMM"},
			}
			f.Machine.Board = inventory.Board{MemorySlots: 1, SolderedBytes: 4 * gibibyte, MaxMemoryBytes: 20 * gibibyte}
		}, "B>A 1 × 16 GB DDR4 SODIMM in place of the modules that are there, 20 GB in all (no price in the contract's list): no price"},
		{"soldered by the board's word only", func(f *Facts, _ *Market) { f.Machine.Board.SolderedBytes = 4 * gibibyte }, ""},
		{"a server may want registered modules", func(f *Facts, _ *Market) {
			f.Machine.System.Class, f.Machine.CPU[0].Model = "server", "Intel(R) Xeon(R) Silver 4114 CPU"
		}, ""},
		{"a laptop that says DDR3", func(f *Facts, m *Market) {
			f.Machine.Memory.Modules[0].Type = "DDR3"
			m.Parts = append(m.Parts,
				PartPrice{Part: UpgradeMemory, Type: "DDR3", Form: "SODIMM", SizeBytes: 8 * gibibyte, CostMinor: 9900},
				PartPrice{Part: UpgradeMemory, Type: "DDR3L", Form: "SODIMM", SizeBytes: 8 * gibibyte, CostMinor: 12900})
		}, "B>A 1 × 8 GB DDR3L SODIMM into free slots, 16 GB in all: 12900 NOK"},
		{"a battery", func(f *Facts, _ *Market) {
			f.Machine.Memory.TotalBytes = 16 * gibibyte
			f.Machine.Batteries[0].HealthPercent = 30
		}, "C>A a new battery: 59900 NOK"},
		{"a battery that is glued in", func(f *Facts, _ *Market) {
			f.Machine.System.Manufacturer, f.Machine.System.Model = "Microsoft", "Surface Laptop 3"
			f.Machine.Memory.TotalBytes = 16 * gibibyte
			f.Machine.Batteries[0].HealthPercent = 30
		}, ""},
		{"the drive is for destruction", func(f *Facts, _ *Market) {
			f.Machine.Memory.TotalBytes = 16 * gibibyte
			f.Drives[0].State = DataDestroy
		}, "D>A 256 GB SSD (NVMe) of the same form, in place of PC401 256GB: 39900 NOK"},
		{"the drive is for destruction, and the unit cannot become better than its memory", func(f *Facts, _ *Market) { f.Drives[0].State = DataDestroy },
			"D>B 256 GB SSD (NVMe) of the same form, in place of PC401 256GB: 39900 NOK"},
		{"a drive that is not erased yet is not replaced for that", func(f *Facts, _ *Market) {
			f.Machine.Memory.TotalBytes = 16 * gibibyte
			f.Drives[0].State = DataUnknown
		}, ""},
		{"soldered storage", func(f *Facts, _ *Market) {
			f.Machine.Memory.TotalBytes = 16 * gibibyte
			f.Drives[0].State, f.Drives[0].Soldered = DataDestroy, true
		}, ""},
		{"two parts hold it back", func(f *Facts, _ *Market) {
			f.Machine.Memory.TotalBytes = 4 * gibibyte
			f.Machine.Memory.Modules[0].SizeBytes = 4 * gibibyte
			f.Machine.Batteries[0].HealthPercent = 30
		}, "C>B 1 × 4 GB DDR4 SODIMM into free slots, 8 GB in all, together with battery: 19900 NOK\nC>B a new battery, together with memory: 59900 NOK"},
		{"for a profile only", func(f *Facts, m *Market) {
			f.Machine.Memory.TotalBytes = 16 * gibibyte
			m.Profiles = []Profile{{ID: "large", StorageBytes: 500 * gigabyte}}
		}, "A>A 512 GB SSD (NVMe) of the same form, in place of PC401 256GB: 59900 NOK"},
	} {
		f, market := latitude(), pupilMarket(t)
		market.Profiles = nil
		well(&f)
		tt.change(&f, &market)
		ups := Upgrades(f, healthOf(f), market, scale(), byParts)
		for _, u := range ups {
			hasMessage(t, u.Reason)
		}
		if got := texts(ups); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestWiFiCardNeedsAFreeSlot(t *testing.T) {
	market := pupilMarket(t)
	market.Profiles = []Profile{{ID: "w", WiFi: "5"}}
	f := Facts{Machine: inventory.Machine{
		System: inventory.System{Class: "desktop"}, Network: []inventory.NIC{{Name: "eno1"}},
		Slots: []inventory.Slot{{Name: "J6B1", Type: "PCI Express 3 x1", Usage: "free"}},
	}}
	fit := Fits(f, nil, market)[0]
	if len(fit.Upgrades) != 1 || fit.Upgrades[0].Text != "a card for Wi-Fi 6 in a free slot" || *fit.Upgrades[0].CostMinor != 24900 {
		t.Errorf("got %+v", fit)
	}
	for _, s := range []inventory.Slot{{Type: "PCI Express 3 x1", Usage: "in use"}, {Type: "PCI", Usage: "free"}, {Type: "PCI Express 3 x1"}} {
		f.Machine.Slots = []inventory.Slot{s}
		if fit := Fits(f, nil, market)[0]; fit.Fits != No || len(fit.Upgrades) != 0 {
			t.Errorf("%+v: got %+v", s, fit)
		}
	}
}

// Whatever the machine and the price list: what is advised can be put in, is in
// the list at that price, and does what it is advised for. The parts are put in
// here from the reason alone.
func TestUpgradesDoWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, market := anyUnit(t), anyMarket(t)
		health := healthOf(f)
		from := byParts(f)
		ups := Upgrades(f, health, market, scale(), byParts)
		sets := map[string]Facts{}
		for _, u := range ups {
			if u.From != from || slices.Index(scale(), u.To) > slices.Index(scale(), from) {
				t.Fatalf("from %s: %+v", from, u)
			}
			with := putIn(t, f, u, market)
			switch {
			case u.From == u.To: // for a profile
			case len(u.With) > 0:
				set, ok := sets[u.To]
				if !ok {
					set = f
				}
				sets[u.To] = putIn(t, set, u, market)
			case byParts(with) != u.To:
				t.Fatalf("%s of %+v: comes to %s", u.Text, f.Machine, byParts(with))
			}
		}
		for to, with := range sets {
			if got := byParts(with); got != to {
				t.Fatalf("together they come to %s, not %s:\n%s", got, to, texts(ups))
			}
		}
		for i, fit := range Fits(f, health, market) {
			if fit.Fits == Yes && len(fit.Upgrades) > 0 {
				t.Fatalf("it fits, and still %+v is advised", fit.Upgrades)
			}
			if len(fit.Upgrades) == 0 {
				continue
			}
			with := f
			for _, u := range fit.Upgrades {
				with = putIn(t, with, u, market)
			}
			got := market.Profiles[i].fit(with, healthOf(with), market)
			if got.Fits == No || got.Fits != Yes && fit.Fits != No {
				t.Fatalf("with %s it does not fit: %+v", texts(fit.Upgrades), got.Failing)
			}
		}
	})
}

// A dump of the firmware tells nothing of the Wi-Fi: what fails for certain has
// its part even so, and what is not known stays open. Where something fails that
// no part mends, none is advised.
func TestUpgradesOfWhatIsCertain(t *testing.T) {
	f, market := latitude(), pupilMarket(t)
	f.Machine.Displays = nil
	market.Profiles = []Profile{{ID: "pupil", MemoryBytes: 12 * gibibyte, ScreenMinTenths: 130}}
	fit := Fits(f, healthOf(f), market)[0]
	if want := "> 1 × 4 GB DDR4 SODIMM into free slots, 12 GB in all: 19900 NOK"; fit.Fits != No || texts(fit.Upgrades) != want {
		t.Errorf("got %s: %s, want no: %s", fit.Fits, texts(fit.Upgrades), want)
	}
	market.Profiles[0].Classes = []string{"server"}
	if fit := Fits(f, healthOf(f), market)[0]; len(fit.Upgrades) > 0 {
		t.Errorf("it is no server, and still %s is advised", texts(fit.Upgrades))
	}
}

// putIn puts a part in by what its reason says, and refuses what has no place.
func putIn(t *rapid.T, f Facts, u Upgrade, market Market) Facts {
	m := &f.Machine
	args := u.Reason.Args
	inList := func(part, kind, form string, size int64, each int64) {
		i := slices.IndexFunc(market.Parts, func(p PartPrice) bool {
			return p.Part == part && strings.EqualFold(p.Type, kind) && strings.EqualFold(p.Form, form) && p.SizeBytes == size && p.CostMinor == each
		})
		if i < 0 {
			t.Fatalf("%s for %d each is not in the price list", u.Text, each)
		}
	}
	switch u.Reason.Code {
	case "upgrade-memory-add", "upgrade-memory-replace":
		n, _ := strconv.Atoi(args["Count"])
		gb, _ := strconv.Atoi(strings.TrimSuffix(args["Size"], " GB"))
		size := int64(gb) * gibibyte
		kind, form, _ := strings.Cut(args["Type"], " ")
		modules := slices.Clone(m.Memory.Modules)
		if u.Reason.Code == "upgrade-memory-replace" {
			modules = slices.DeleteFunc(modules, func(have inventory.MemoryModule) bool { return have.Form != "soldered" })
		}
		for range n {
			modules = append(modules, inventory.MemoryModule{SizeBytes: size, Type: strings.TrimSuffix(kind, "L"), Form: form})
		}
		taken, total := 0, int64(0)
		for _, have := range modules {
			total += have.SizeBytes
			if have.Form == "soldered" {
				continue
			}
			taken++
			if have.Type != strings.TrimSuffix(kind, "L") || have.Form != form {
				t.Fatalf("%s beside %+v", u.Text, have)
			}
		}
		if taken > m.Board.MemorySlots || total > m.Board.MaxMemoryBytes || size > m.Board.MaxMemoryBytes/int64(m.Board.MemorySlots) {
			t.Fatalf("%s has no place in %+v with %+v", u.Text, m.Board, m.Memory)
		}
		if kind == "DDR3" && m.System.Class == "laptop" {
			t.Fatalf("%s: a laptop may want the lower voltage", u.Text)
		}
		m.Memory = inventory.Memory{TotalBytes: total, Modules: modules}
		if u.CostMinor != nil {
			inList(UpgradeMemory, kind, form, size, *u.CostMinor/int64(n))
		}
	case "upgrade-drive":
		i := slices.IndexFunc(m.Drives, func(d inventory.Drive) bool { return d.Model == args["Old"] })
		if i < 0 {
			t.Fatalf("%s: it is not there", u.Text)
		}
		old := m.Drives[i]
		var gb float64
		var kind, form string
		if _, err := fmt.Sscanf(args["What"], "%f GB %s (%s", &gb, &kind, &form); err != nil {
			t.Fatal(err)
		}
		form = strings.TrimSuffix(form, ")")
		if bus := map[string]inventory.Bus{"SATA": inventory.BusATA, "NVMe": inventory.BusNVMe}[form]; bus != old.Bus || kind == "HDD" && old.Media != inventory.MediaMagnetic || isSolderedDrive(f, old.Path) {
			t.Fatalf("%s has no place where %+v is", u.Text, old)
		}
		if u.CostMinor != nil {
			inList(UpgradeDrive, kind, form, int64(gb*gigabyte), *u.CostMinor)
		}
		media := map[string]inventory.Media{"SSD": inventory.MediaFlash, "HDD": inventory.MediaMagnetic}[kind]
		m.Drives = slices.Replace(slices.Clone(m.Drives), i, i+1, newDrive(old.Bus, media, int64(gb*gigabyte)))
	case "upgrade-battery":
		if m.System.Class != "laptop" {
			t.Fatalf("a battery for a %s", m.System.Class)
		}
		m.Batteries = []inventory.Battery{{HealthPercent: 100}}
	case "upgrade-wifi":
		if m.System.Class != "desktop" || len(m.Slots) == 0 {
			t.Fatalf("%s of a %s with %+v", u.Text, m.System.Class, m.Slots)
		}
		m.Network = append(slices.Clone(m.Network), inventory.NIC{Wireless: true, WiFiGeneration: args["WiFi"]})
	default:
		t.Fatalf("what is %q?", u.Reason.Code)
	}
	return f
}

func anyUnit(t *rapid.T) Facts {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	size := func(name string) int64 {
		return int64(rapid.SampledFrom([]int{1, 2, 4, 8, 16}).Draw(t, name)) * gibibyte
	}
	var f Facts
	m := &f.Machine
	m.System.Class = pick("class", "laptop", "desktop", "tablet", "server", "other")
	kind := pick("memory", "DDR3", "DDR4", "DDR5", "LPDDR4", "DDR2", "")
	form := pick("form", "SODIMM", "DIMM")
	for range rapid.IntRange(0, 4).Draw(t, "modules") {
		module := inventory.MemoryModule{SizeBytes: size("module"), Type: kind, Form: form}
		if rapid.IntRange(0, 3).Draw(t, "soldered") == 0 {
			module.Form = "soldered"
			m.Board.SolderedBytes += module.SizeBytes
		}
		m.Memory.TotalBytes += module.SizeBytes
		m.Memory.Modules = append(m.Memory.Modules, module)
	}
	m.Board.MemorySlots = rapid.IntRange(0, 5).Draw(t, "slots")
	m.Board.MaxMemoryBytes = int64(rapid.IntRange(0, 70).Draw(t, "max")) * gibibyte
	for i := range rapid.IntRange(0, 3).Draw(t, "drives") {
		d := newDrive(rapid.SampledFrom([]inventory.Bus{inventory.BusATA, inventory.BusNVMe, inventory.BusMMC, inventory.BusSAS}).Draw(t, "bus"),
			rapid.SampledFrom([]inventory.Media{inventory.MediaFlash, inventory.MediaMagnetic}).Draw(t, "media"),
			int64(rapid.IntRange(0, 600).Draw(t, "GB"))*gigabyte)
		d.Path, d.Model = fmt.Sprintf("/dev/sd%c", 'a'+i), fmt.Sprintf("Drive %d", i)
		if bad := int64(rapid.IntRange(0, 2).Draw(t, "pending")); bad > 1 {
			d.Abilities.Health.Pending = &bad
		}
		m.Drives = append(m.Drives, d)
		f.Drives = append(f.Drives, Drive{
			Path: d.Path, State: rapid.SampledFrom([]DataState{DataUnknown, DataClean, DataDestroy, DataHold}).Draw(t, "state"),
			Soldered: d.Bus == inventory.BusMMC || rapid.IntRange(0, 4).Draw(t, "soldered") == 0,
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "batteries") {
		m.Batteries = append(m.Batteries, inventory.Battery{HealthPercent: rapid.IntRange(0, 100).Draw(t, "health")})
	}
	if rapid.Bool().Draw(t, "slot") {
		m.Slots = []inventory.Slot{{Type: "PCI Express 2 x1", Usage: "free"}}
	}
	m.Network = []inventory.NIC{{Wireless: rapid.Bool().Draw(t, "wireless"), WiFiGeneration: pick("generation", "", "4", "5", "6")}}
	return f
}

func anyMarket(t *rapid.T) Market {
	m := Market{Currency: "NOK"}
	for range rapid.IntRange(0, 12).Draw(t, "prices") {
		p := PartPrice{CostMinor: int64(rapid.IntRange(0, 200000).Draw(t, "price"))}
		switch rapid.IntRange(0, 3).Draw(t, "part") {
		case 0:
			p.Part, p.Type = UpgradeMemory, rapid.SampledFrom([]string{"DDR3", "DDR3L", "DDR4", "DDR5"}).Draw(t, "type")
			p.Form, p.SizeBytes = rapid.SampledFrom([]string{"SODIMM", "DIMM"}).Draw(t, "form"), rapid.SampledFrom(MemorySizes()).Draw(t, "size")
		case 1:
			p.Part, p.Type, p.Form = UpgradeDrive, rapid.SampledFrom([]string{"ssd", "hdd"}).Draw(t, "kind"), rapid.SampledFrom([]string{"sata", "nvme"}).Draw(t, "connector")
			p.SizeBytes = int64(rapid.SampledFrom([]int{128, 240, 256, 480, 512}).Draw(t, "size")) * gigabyte
		case 2:
			p.Part = UpgradeBattery
		default:
			p.Part, p.WiFi = UpgradeWiFi, rapid.SampledFrom(WiFiGenerations()).Draw(t, "generation")
		}
		m.Parts = append(m.Parts, p)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "profiles") {
		m.Profiles = append(m.Profiles, Profile{
			ID:             strconv.Itoa(i),
			MemoryBytes:    int64(rapid.SampledFrom([]int{0, 4, 8, 16}).Draw(t, "memory")) * gibibyte,
			StorageBytes:   int64(rapid.SampledFrom([]int{0, 120, 250, 500}).Draw(t, "storage")) * gigabyte,
			StorageKind:    rapid.SampledFrom([]string{"", "ssd", "hdd"}).Draw(t, "kind"),
			WiFi:           rapid.SampledFrom([]string{"", "5", "6"}).Draw(t, "wifi"),
			BatteryPercent: rapid.SampledFrom([]int{0, 60, 80}).Draw(t, "battery"),
		})
	}
	return m
}
