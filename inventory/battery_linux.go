package inventory

import (
	"fmt"
	"math"
)

// Bounds of what a battery of a computer can be; beyond them is nonsense.
const (
	maxBatteryMilliwattHours = 1_000_000
	maxBatteryCycles         = 10_000
	// A new battery may hold somewhat more than it promises, never half as
	// much again.
	maxBatteryHealthPercent = 150
)

// powerSupplies is where the kernel shows batteries and mains.
const powerSupplies = "/sys/class/power_supply"

// batteries reads the batteries of the machine; those of mice and pens have
// the scope Device. note takes what a battery says that cannot be.
func batteries(t tree, note func(string, ...any)) []Battery {
	all := []Battery{}
	const dir = powerSupplies
	for _, name := range t.names(dir) {
		word := func(file string) string { return t.word(dir, name, file) }
		if word("type") != "Battery" || word("scope") == "Device" {
			continue
		}
		if word("present") == "0" {
			note("batteries: %s: the bay is empty", cleaned(name))
			continue
		}
		if len(all) == maxListed {
			note("batteries: there are more than %d", maxListed)
			break
		}
		b := Battery{
			Name: cleaned(name), Manufacturer: known(word("manufacturer")), Model: known(word("model_name")), Serial: known(word("serial_number")), Status: known(word("status")),
			Chemistry: technology(word("technology")),
		}
		if n := t.number(dir, name, "cycle_count"); n > 0 && n <= maxBatteryCycles {
			b.Cycles = int(n)
		}
		// Volts that no computer's battery has are a driver's nonsense.
		if microvolts := t.number(dir, name, "voltage_min_design"); microvolts >= 1_000_000 && microvolts <= 100_000_000 {
			b.DesignMillivolts = microvolts / 1000
		}
		if err := b.setCapacity(batteryCharge(t, dir, name, b.DesignMillivolts)); err != nil {
			note("batteries: %s: %v", b.Name, err)
		}
		if told := t.number(dir, name, "capacity"); told > 0 && told <= 100 {
			b.ChargePercent = int(told)
		}
		all = append(all, b)
	}
	return all
}

// charge is what a battery holds by design, when full and now, in one unit of
// its own choosing; 0 where it does not tell. MilliwattHours is what one unit
// is, 0 when that is not known.
type charge struct {
	design, full, now int64
	milliwattHours    float64
}

// batteryCharge reads energy in microwatt-hours, or charge in microampere-hours
// that the design voltage turns into energy.
func batteryCharge(t tree, dir, name string, designMillivolts int64) charge {
	for _, unit := range []struct {
		name           string
		milliwattHours float64
	}{{"energy", 1e-3}, {"charge", float64(designMillivolts) * 1e-6}} {
		c := charge{
			design: max(t.number(dir, name, unit.name+"_full_design"), 0), full: max(t.number(dir, name, unit.name+"_full"), 0),
			now: max(t.number(dir, name, unit.name+"_now"), 0), milliwattHours: unit.milliwattHours,
		}
		if c.design != 0 || c.full != 0 {
			return c
		}
	}
	return charge{}
}

// setCapacity takes what the battery says of its charge, unless that cannot be.
func (b *Battery) setCapacity(c charge) error {
	energy := func(n int64) int64 { return int64(math.Round(min(float64(n)*c.milliwattHours, 1e15))) }
	percent := func(part, whole int64) float64 {
		if part <= 0 || whole <= 0 {
			return 0
		}
		return math.Round(float64(part) * 100 / float64(whole))
	}
	design, full := energy(c.design), energy(c.full)
	switch health := percent(c.full, c.design); {
	case max(design, full) > maxBatteryMilliwattHours:
		return fmt.Errorf("a capacity of %d mWh, %d when new, cannot be", full, design)
	case health > maxBatteryHealthPercent:
		return fmt.Errorf("a full charge of %d of a design of %d cannot be", c.full, c.design)
	default:
		b.HealthPercent, b.DesignMilliwattHours, b.FullMilliwattHours = int(health), design, full
	}
	if now := percent(c.now, c.full); now <= maxBatteryHealthPercent {
		b.ChargePercent = int(min(now, 100))
	}
	return nil
}

// technology turns the kernel's word (Documentation/ABI/testing/sysfs-class-power,
// technology) into ours; empty for one that tells nothing.
func technology(word string) string {
	return map[string]string{
		"Li-ion": "LION", "Li-poly": "LIPO", "LiFe": "LIFE", "LiMn": "LIMN", "NiMH": "NIMH", "NiCd": "NICD",
	}[word]
}
