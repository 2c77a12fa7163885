package grade

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// Market is what a contract asks for and pays on one day. The zero value asks
// for nothing and knows no price.
type Market struct {
	// Profiles are the minimum specs, in the contract's order.
	Profiles []Profile
	Marks    CPUMarks
	// Parts are the prices of parts that can be put in, ex VAT, in minor units
	// of Currency (ISO 4217).
	Parts    []PartPrice
	Currency string
}

// Profile is a minimum spec of the contract. A demand that is left zero is not
// made.
type Profile struct {
	ID, Name string
	// Classes are those of [inventory.System] that will do; any when empty.
	Classes []string
	// CPUMark is looked up in [Market.Marks].
	CPUMark      int
	MemoryBytes  int64
	StorageBytes int64
	// StorageKind is ssd, hdd or empty; a soldered eMMC is neither.
	StorageKind string
	// ScreenMinTenths and ScreenMaxTenths are tenths of an inch of the built-in
	// screen, both included.
	ScreenMinTenths, ScreenMaxTenths int
	// WidthPixels and HeightPixels are of the built-in screen, however it is
	// turned.
	WidthPixels, HeightPixels int
	// WiFi is a generation of [WiFiGenerations].
	WiFi                           string
	Sound, Camera, Keyboard, Touch bool
	// BatteryPercent is what a full charge is at least of the one it was
	// designed for.
	BatteryPercent int
	// Windows11 demands that [Windows11] says yes or after-change.
	Windows11 bool
}

// WiFiGenerations are the generations of Wi-Fi, the oldest first, as
// [inventory.NIC] names them.
func WiFiGenerations() []string { return []string{"4", "5", "6", "6E", "7"} }

// CPUMarks is a table of how fast processors are, by their names. The zero value
// knows none.
type CPUMarks struct {
	// Source and Day say where the figures are from and when they were read.
	Source string
	Day    time.Time
	marks  map[string]int
}

// Add puts a processor in. It is an error when the name tells nothing, or when
// it cannot be told from one with another mark.
func (t *CPUMarks) Add(cpu string, mark int) error {
	name := plainCPUName(cpu)
	if name == "" {
		return errors.New("the processor has no name")
	}
	if has, twice := t.marks[name]; twice && has != mark {
		return fmt.Errorf("the processor has mark %d already", has)
	}
	if t.marks == nil {
		t.marks = map[string]int{}
	}
	t.marks[name] = mark
	return nil
}

// Mark is the mark of a processor by its name, whatever trade marks, speeds
// and graphics stand around it; ok is false when it is not in the table.
func (t CPUMarks) Mark(cpu string) (mark int, ok bool) {
	mark, ok = t.marks[plainCPUName(cpu)]
	return mark, ok
}

// The parts that can be put in.
const (
	UpgradeMemory  = "memory"
	UpgradeDrive   = "drive"
	UpgradeBattery = "battery"
	UpgradeWiFi    = "wifi"
)

// PartPrice is one line of the price list of parts. What is left empty fits
// any.
type PartPrice struct {
	Part string // one of the parts above
	// Type is the kind of memory (DDR4), or ssd or hdd.
	Type string
	// Form is DIMM or SODIMM of memory, sata or nvme of a drive.
	Form string
	// SizeBytes is of one module or drive.
	SizeBytes int64
	// Class and Model say for which machines a battery is; Model is part of
	// the machine's.
	Class, Model string
	WiFi         string // the generation of a card
	CostMinor    int64
}

// Fits says of every profile of the market whether the unit meets it, and which
// parts would make it. Drives that are for destruction, and those whose health
// is a reject, do not count. What nobody knows leaves a profile undetermined
// and is said; what a person found broken counts as not there. The parts bear
// no grades; see [Upgrades].
func Fits(f Facts, health []DriveState, market Market) []Fit {
	fits := []Fit{}
	for _, p := range market.Profiles {
		fit := p.fit(f, health, market)
		if fit.Fits != Yes {
			fit.Upgrades = upgradesTo(p, f, health, market)
		}
		fits = append(fits, fit)
	}
	return fits
}

// demand is one demand of a profile and how it came out.
type demand struct {
	part    string // what could be put in to meet it; empty when nothing could
	verdict string // [Yes], [No] or [Undetermined]
	reason  Reason
}

// fit judges a unit as it is.
func (p Profile) fit(f Facts, health []DriveState, market Market) Fit {
	fit := Fit{Profile: p.ID, Fits: Yes, Failing: []Reason{}, Upgrades: []Upgrade{}}
	var unknown []Reason
	for _, d := range p.demands(f, health, market) {
		switch d.verdict {
		case No:
			fit.Fits = No
			fit.Failing = append(fit.Failing, d.reason)
		case Undetermined:
			unknown = append(unknown, d.reason)
		}
	}
	if fit.Fits == Yes && len(unknown) > 0 {
		fit.Fits = Undetermined
	}
	fit.Failing = append(fit.Failing, unknown...)
	return fit
}

// demands judges each demand that the profile makes.
func (p Profile) demands(f Facts, health []DriveState, market Market) []demand {
	c := checkedProfile{Profile: p, facts: f, health: health, market: market}
	m := f.Machine
	if len(p.Classes) > 0 {
		c.class(m.System.Class)
	}
	if p.CPUMark > 0 {
		c.cpuMark(m.CPU)
	}
	if p.MemoryBytes > 0 {
		c.memory(m.Memory)
	}
	if p.StorageBytes > 0 || p.StorageKind != "" {
		c.storage()
	}
	if p.ScreenMinTenths > 0 || p.ScreenMaxTenths > 0 || p.WidthPixels > 0 || p.HeightPixels > 0 {
		c.screen(m)
	}
	if p.WiFi != "" {
		c.wifi(m)
	}
	if p.Sound {
		c.present("sound", "speakers", "the speakers have a fault", len(m.Sound) > 0)
	}
	if p.Camera {
		c.present("camera", "camera", "the camera has a fault", len(m.Cameras) > 0)
	}
	if p.Keyboard {
		c.present("keyboard", "keyboard", "the keyboard has a fault", len(m.Keyboards) > 0)
	}
	if p.Touch && len(m.Touch) == 0 {
		c.add(Undetermined, "", "touch", "fit-touch-unseen", "no touch screen is seen")
	}
	if p.BatteryPercent > 0 {
		c.battery(m)
	}
	if p.Windows11 {
		c.windows11(m)
	}
	return c.found
}

// checkedProfile gathers what the demands of a profile come to.
type checkedProfile struct {
	Profile
	facts  Facts
	health []DriveState
	market Market
	found  []demand
}

// add notes a demand; key is its place in the contract. Args are names and
// values in turn.
func (c *checkedProfile) add(verdict, part, key, code, text string, args ...string) {
	r := Reason{Code: code, Rule: "profiles." + c.ID + "." + key, Text: text}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	c.found = append(c.found, demand{part, verdict, r})
}

func (c *checkedProfile) class(class string) {
	want := strings.Join(c.Classes, ", ")
	switch {
	case slices.Contains(c.Classes, class):
	case class == "" || class == "other":
		c.add(Undetermined, "", "classes", "fit-class-unknown", "the kind of machine is not known; wanted "+want, "Classes", want)
	default:
		c.add(No, "", "classes", "fit-class", "the kind of machine is "+class+", wanted "+want, "Class", class, "Classes", want)
	}
}

func (c *checkedProfile) cpuMark(cpus []inventory.CPU) {
	want := strconv.Itoa(c.CPUMark)
	if len(cpus) == 0 {
		c.add(Undetermined, "", "cpu_mark_min", "fit-cpu-unknown", "the processor is not known")
		return
	}
	mark, ok := c.market.Marks.Mark(cpus[0].Model)
	switch {
	case !ok:
		c.add(Undetermined, "", "cpu_mark_min", "fit-mark-unknown", "the contract's table has no mark of "+cpuName(cpus[0]), "CPU", cpuName(cpus[0]))
	case mark >= c.CPUMark:
	case len(cpus) > 1: // the table is of one
		c.add(Undetermined, "", "cpu_mark_min", "fit-mark-several", "the contract's table has no mark of several processors at work together")
	default:
		c.add(No, "", "cpu_mark_min", "fit-mark", "the processor has mark "+strconv.Itoa(mark)+", wanted "+want, "Have", strconv.Itoa(mark), "Want", want)
	}
}

func (c *checkedProfile) memory(m inventory.Memory) {
	want := memoryText(c.MemoryBytes)
	switch {
	case m.TotalBytes >= c.MemoryBytes:
	// Without a list of modules it is what the kernel has left of it.
	case m.TotalBytes <= 0, len(m.Modules) == 0 && m.TotalBytes >= c.MemoryBytes/4*3:
		c.add(Undetermined, UpgradeMemory, "memory_min", "fit-memory-unknown", "it is not known how much memory is installed; wanted "+want, "Want", want)
	default:
		have := memoryText(m.TotalBytes)
		c.add(No, UpgradeMemory, "memory_min", "fit-memory", have+" of memory, wanted "+want, "Have", have, "Want", want)
	}
}

// storage wants one drive that is large enough and of the right kind.
func (c *checkedProfile) storage() {
	want := driveText(c.StorageBytes)
	if c.StorageKind != "" {
		want += " " + strings.ToUpper(c.StorageKind)
	}
	want = strings.TrimPrefix(want, "0 GB ")
	var largest int64
	seen, unknown := 0, false
	for _, d := range c.facts.Machine.Drives {
		if !isInternal(d) || dataState(c.facts, d.Path) == DataDestroy {
			continue
		}
		if verdictOf(c.health, d.Path) == HealthReject {
			continue
		}
		seen++
		if d.CapacityBytes <= 0 || c.StorageKind != "" && driveKind(d) == "" {
			unknown = unknown || d.CapacityBytes <= 0 || d.CapacityBytes >= c.StorageBytes
			continue
		}
		if c.StorageKind != "" && driveKind(d) != c.StorageKind {
			continue
		}
		largest = max(largest, d.CapacityBytes)
	}
	have := driveText(largest)
	switch {
	case largest >= c.StorageBytes && largest > 0:
	case unknown:
		c.add(Undetermined, UpgradeDrive, "storage_min", "fit-storage-unknown", "size or kind of the drive is not known; wanted "+want, "Want", want)
	case seen == 0 && len(c.facts.Machine.Drives) == 0:
		c.add(Undetermined, UpgradeDrive, "storage_min", "fit-storage-unseen", "no drive is seen; wanted "+want, "Want", want)
	case largest == 0:
		c.add(No, UpgradeDrive, "storage_min", "fit-storage-none", "no drive of "+want+" that can stay", "Want", want)
	default:
		c.add(No, UpgradeDrive, "storage_min", "fit-storage", "the largest drive has "+have+", wanted "+want, "Have", have, "Want", want)
	}
}

func (c *checkedProfile) screen(m inventory.Machine) {
	if failed(c.facts, "screen") {
		c.add(No, "", "screen", "fails-screen", "the screen has a fault")
		return
	}
	i := slices.IndexFunc(m.Displays, func(d inventory.Display) bool { return d.Internal })
	if i < 0 {
		switch m.System.Class {
		case "desktop", "mini", "workstation", "server":
			c.add(No, "", "screen", "fit-screen-none", "it has no screen of its own")
		default:
			c.add(Undetermined, "", "screen", "fit-screen-unknown", "its screen is not known")
		}
		return
	}
	d := m.Displays[i]
	if c.ScreenMinTenths > 0 || c.ScreenMaxTenths > 0 {
		size := int(math.Round(d.DiagonalInches * 10))
		want := inches(c.ScreenMinTenths) + " - " + inches(c.ScreenMaxTenths)
		switch {
		case c.ScreenMaxTenths == 0:
			want = ">= " + inches(c.ScreenMinTenths)
		case c.ScreenMinTenths == 0:
			want = "<= " + inches(c.ScreenMaxTenths)
		}
		switch {
		case size <= 0:
			c.add(Undetermined, "", "screen", "fit-screen-size-unknown", "the size of its screen is not known; wanted "+want+" inches", "Want", want)
		case size < c.ScreenMinTenths || c.ScreenMaxTenths > 0 && size > c.ScreenMaxTenths:
			c.add(No, "", "screen", "fit-screen-size", "the screen has "+inches(size)+" inches, wanted "+want, "Have", inches(size), "Want", want)
		}
	}
	if c.WidthPixels > 0 || c.HeightPixels > 0 {
		have := strconv.Itoa(d.WidthPixels) + " x " + strconv.Itoa(d.HeightPixels)
		want := strconv.Itoa(c.WidthPixels) + " x " + strconv.Itoa(c.HeightPixels)
		switch {
		case d.WidthPixels <= 0 || d.HeightPixels <= 0:
			c.add(Undetermined, "", "resolution_min", "fit-resolution-unknown", "the resolution of its screen is not known; wanted "+want, "Want", want)
		case max(d.WidthPixels, d.HeightPixels) < max(c.WidthPixels, c.HeightPixels) ||
			min(d.WidthPixels, d.HeightPixels) < min(c.WidthPixels, c.HeightPixels):
			c.add(No, "", "resolution_min", "fit-resolution", "the screen has "+have+" pixels, wanted "+want, "Have", have, "Want", want)
		}
	}
}

func (c *checkedProfile) wifi(m inventory.Machine) {
	order := WiFiGenerations()
	want := slices.Index(order, c.WiFi)
	best, wireless := -1, len(m.WiFi) > 0
	unknown := wireless
	for _, n := range m.Network {
		if n.Wireless {
			g := slices.Index(order, n.WiFiGeneration)
			best, wireless = max(best, g), true
			unknown = g < 0
		}
	}
	switch {
	case failed(c.facts, "wifi"):
		c.add(No, UpgradeWiFi, "wifi", "fails-wifi", "the Wi-Fi has a fault")
	case best >= want:
	case !wireless && len(m.Network) > 0:
		c.add(No, UpgradeWiFi, "wifi", "fit-wifi-none", "it has no Wi-Fi; wanted Wi-Fi "+c.WiFi, "Want", c.WiFi)
	case !wireless || unknown:
		c.add(Undetermined, UpgradeWiFi, "wifi", "fit-wifi-unknown", "which Wi-Fi it has is not known; wanted Wi-Fi "+c.WiFi, "Want", c.WiFi)
	default:
		c.add(No, UpgradeWiFi, "wifi", "fit-wifi", "it has Wi-Fi "+order[best]+", wanted "+c.WiFi, "Have", order[best], "Want", c.WiFi)
	}
}

// present wants a part that is there or not; a person's check comes first, and
// broken says what it found.
func (c *checkedProfile) present(key, check, broken string, seen bool) {
	switch {
	case failed(c.facts, check):
		c.add(No, "", key, "fails-"+check, broken)
	case seen || passed(c.facts, check):
	default:
		c.add(Undetermined, "", key, "fit-"+key+"-unseen", "no "+key+" is seen")
	}
}

func (c *checkedProfile) battery(m inventory.Machine) {
	want := strconv.Itoa(c.BatteryPercent)
	worst, unknown := 101, false
	for _, b := range m.Batteries {
		if b.HealthPercent <= 0 {
			unknown = true
			continue
		}
		worst = min(worst, b.HealthPercent)
	}
	switch {
	case failed(c.facts, "battery"), failed(c.facts, "battery-safety"):
		c.add(No, UpgradeBattery, "battery_health_min", "fit-battery-broken", "the battery has a fault")
	case worst < c.BatteryPercent:
		c.add(No, UpgradeBattery, "battery_health_min", "fit-battery", "the battery holds "+strconv.Itoa(worst)+" % of what it did, wanted "+want+" %",
			"Have", strconv.Itoa(worst), "Want", want)
	case len(m.Batteries) == 0 && slices.Contains([]string{"desktop", "mini", "workstation", "server", "all-in-one"}, m.System.Class):
		c.add(No, "", "battery_health_min", "fit-battery-none", "it has no battery")
	case len(m.Batteries) == 0 || unknown:
		c.add(Undetermined, UpgradeBattery, "battery_health_min", "fit-battery-unknown", "how much its battery holds is not known; wanted "+want+" %", "Want", want)
	}
}

// windows11 judges the machine with the drives that stay.
func (c *checkedProfile) windows11(m inventory.Machine) {
	m.Drives = slices.DeleteFunc(slices.Clone(m.Drives), func(d inventory.Drive) bool {
		return dataState(c.facts, d.Path) == DataDestroy || verdictOf(c.health, d.Path) == HealthReject
	})
	e := Windows11(m)
	part := helps(e.Reasons)
	switch e.Eligible {
	case No:
		c.add(No, part, "windows11", "fit-windows11", "Windows 11 does not run on it")
	case Undetermined:
		c.add(Undetermined, part, "windows11", "fit-windows11-unknown", "whether Windows 11 runs on it is not known")
	}
}

// helps is the part that would take away every reason; empty where none would.
func helps(reasons []Reason) string {
	part := ""
	for _, r := range reasons {
		helps := map[string]string{win11Memory: UpgradeMemory, win11Storage: UpgradeDrive}[r.Rule]
		if helps == "" || part != "" && part != helps {
			return ""
		}
		part = helps
	}
	return part
}

// cpuName is a processor's own name, or that it has none.
func cpuName(c inventory.CPU) string {
	if name := strings.Join(strings.Fields(c.Model), " "); name != "" {
		return name
	}
	return "a processor without a name"
}

// inches writes tenths of an inch.
func inches(tenths int) string { return decimal(float64(tenths) / 10) }

// driveKind is ssd, hdd or emmc; empty when it is not known.
func driveKind(d inventory.Drive) string {
	switch {
	case d.Bus == inventory.BusMMC:
		return "emmc"
	case d.Media == inventory.MediaFlash:
		return "ssd"
	case d.Media == inventory.MediaMagnetic:
		return "hdd"
	}
	return ""
}

func dataState(f Facts, path string) DataState {
	for _, d := range f.Drives {
		if d.Path == path {
			return d.State
		}
	}
	return DataUnknown
}

func verdictOf(health []DriveState, path string) string {
	for _, h := range health {
		if h.Path == path {
			return h.Verdict
		}
	}
	return HealthUnknown
}

func failed(f Facts, part string) bool { return checkOf(f, part) == "fail" }
func passed(f Facts, part string) bool { return checkOf(f, part) == "pass" }

func checkOf(f Facts, part string) string {
	verdict := ""
	for _, c := range f.Checks {
		if c.Part == part {
			verdict = c.Verdict
		}
	}
	return verdict
}
