package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestWhatABatteryTells(t *testing.T) {
	type files map[string]string
	for _, c := range []struct {
		name  string
		files files
		want  Battery
		note  string
	}{
		{"a healthy one", files{"energy_full_design": "50000000", "energy_full": "47500000", "energy_now": "19000000", "technology": "Li-ion", "cycle_count": "87"},
			Battery{ChargePercent: 40, HealthPercent: 95, Cycles: 87, DesignMilliwattHours: 50000, FullMilliwattHours: 47500, Chemistry: "LION"}, ""},
		{"a new one that holds more than it promises", files{"energy_full_design": "50000000", "energy_full": "52000000"},
			Battery{HealthPercent: 104, DesignMilliwattHours: 50000, FullMilliwattHours: 52000}, ""},
		{"charge without a voltage", files{"charge_full_design": "5000000", "charge_full": "2500000"},
			Battery{HealthPercent: 50}, ""},
		{"charge and a voltage that cannot be", files{"charge_full_design": "5000000", "charge_full": "2500000", "voltage_min_design": "11"},
			Battery{HealthPercent: 50}, ""},
		{"zeros", files{"energy_full_design": "0", "energy_full": "0", "energy_now": "0", "capacity": "0", "cycle_count": "0", "voltage_min_design": "0"}, Battery{}, ""},
		{"no design", files{"energy_full_design": "0", "energy_full": "30000000", "capacity": "55"},
			Battery{ChargePercent: 55, FullMilliwattHours: 30000}, ""},
		{"a dead one", files{"energy_full_design": "50000000", "energy_full": "0", "energy_now": "0"}, Battery{DesignMilliwattHours: 50000}, ""},
		{"negative numbers", files{"energy_full_design": "-1", "energy_full": "-40000000", "energy_now": "-5", "capacity": "-1", "cycle_count": "-1"}, Battery{}, ""},
		{"more than can be: full is twice the design", files{"energy_full_design": "20000000", "energy_full": "40000000", "capacity": "70"},
			Battery{ChargePercent: 70}, "full charge of 40000000 of a design of 20000000"},
		{"all bits set", files{"energy_full_design": "4294967295000", "energy_full": "4294967295000", "capacity": "100"},
			Battery{ChargePercent: 100}, "cannot be"},
		{"numbers beyond all", files{"charge_full_design": "9223372036854775807", "charge_full": "9223372036854775807", "voltage_min_design": "12000000"},
			Battery{DesignMillivolts: 12000}, "cannot be"},
		{"words instead of numbers", files{"energy_full_design": "many", "energy_full": "\x00\xff", "capacity": "101", "technology": "Unknown", "cycle_count": "65535"}, Battery{}, ""},
		{"energy that says nothing beside charge that does", files{"energy_full_design": "0", "charge_full_design": "4000000", "charge_full": "3000000", "charge_now": "3000000", "voltage_min_design": "11400000"},
			Battery{ChargePercent: 100, HealthPercent: 75, DesignMilliwattHours: 45600, FullMilliwattHours: 34200, DesignMillivolts: 11400}, ""},
		{"placeholders for names", files{"manufacturer": "Unknown", "model_name": "Default string", "serial_number": "0000", "status": "Unknown"}, Battery{}, ""},
		{"nothing at all", files{}, Battery{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Source{Root: t.TempDir()}
			all := files{"type": "Battery"}
			maps.Copy(all, c.files)
			for name, value := range all {
				put(t, s.Root, "sys/class/power_supply/BAT0/"+name, []byte(value+"\n"))
			}
			var notes []string
			got := batteries(newTree(s.Root), func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) })
			c.want.Name = "BAT0"
			if !slices.Equal(got, []Battery{c.want}) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if (c.note == "") != (notes == nil) || !strings.Contains(strings.Join(notes, "; "), c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}
