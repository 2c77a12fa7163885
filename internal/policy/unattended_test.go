package policy

import (
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

// A policy may name machines as they are shown, and as their firmware writes
// them; files from before makers and models were put in order go on working.
func TestUnattendedByTheFirmwaresOwnWords(t *testing.T) {
	elitebook := inventory.System{Manufacturer: "HP", Model: "EliteBook 840 G5", Raw: map[string]string{"sys_vendor": "Hewlett-Packard", "product_name": "HP EliteBook 840 G5"}}
	thinkpad := inventory.System{Manufacturer: "Lenovo", Model: "ThinkPad T480", Raw: map[string]string{"sys_vendor": "LENOVO", "product_name": "20L5CTO1WW", "product_version": "ThinkPad T480"}}
	ideapad := inventory.System{Manufacturer: "Lenovo", Model: "IdeaPad 110-15ACL", Raw: map[string]string{"sys_vendor": "LENOVO", "product_name": "80TJ", "product_version": "Lenovo ideapad 110-15ACL"}}
	for _, c := range []struct {
		pattern MachinePattern
		machine inventory.System
		allowed bool
	}{
		{MachinePattern{"HP", "EliteBook 8*"}, elitebook, true},
		{MachinePattern{"Hewlett-Packard", "HP EliteBook 840 G5"}, elitebook, true},
		{MachinePattern{"HP", "EliteBook 840"}, elitebook, false},
		{MachinePattern{"Lenovo", "20L5*"}, thinkpad, true},
		{MachinePattern{"lenovo", "ThinkPad T480"}, thinkpad, true},
		{MachinePattern{"Lenovo", "ThinkPad T490"}, thinkpad, false},
		{MachinePattern{"LENOVO", "Lenovo ideapad*"}, ideapad, true},
		{MachinePattern{"Dell Inc.", ""}, ideapad, false},
	} {
		err := (&Unattended{Machines: []MachinePattern{c.pattern}}).Allows(c.machine)
		if (err == nil) != c.allowed {
			t.Errorf("%+v and %s %s: %v", c.pattern, c.machine.Manufacturer, c.machine.Model, err)
		}
	}
}
