package grade

import (
	"errors"
	"fmt"
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
	// StorageKind is ssd, hdd or empty.
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
// and is said; what a person found broken counts as not there.
func Fits(f Facts, health []DriveState, market Market) []Fit {
	fits := []Fit{}
	return fits
}

// Upgrades says which parts would lift the unit to a better grade, or make it
// fit a profile, and what they cost. Grade judges a unit anew and gives its
// grade, scale is all grades with the best first; health are the verdicts on
// the unit's drives as it is.
func Upgrades(f Facts, health []DriveState, market Market, scale []string, grade func(Facts) string) []Upgrade {
	return []Upgrade{}
}

var _ = inventory.Machine{}
