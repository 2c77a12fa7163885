package inventory

import (
	"slices"
	"strings"
	"testing"
)

func TestLocksOfMachines(t *testing.T) {
	const attributes, tables = "sys/class/firmware-attributes/", "sys/firmware/acpi/tables/"
	type files map[string]string
	for _, c := range []struct {
		name    string
		machine Machine
		files   files
		want    []string
	}{
		{"a Dell that tells everything", Machine{System: System{Manufacturer: "Dell Inc."}}, files{
			attributes + "dell-wmi-sysman/authentication/Admin/role": "bios-admin", attributes + "dell-wmi-sysman/authentication/Admin/is_enabled": "0",
			attributes + "dell-wmi-sysman/authentication/System/role": "power-on", attributes + "dell-wmi-sysman/authentication/System/is_enabled": "1",
			attributes + "dell-wmi-sysman/attributes/Absolute/current_value": "PermanentlyDisabled", tables + "DSDT": "",
		}, []string{"firmware-start-password set", "firmware-setup-password clear", "absolute clear", "wpbt clear", "autopilot unknown", "apple-lock clear", "knox clear", "chrome-enrol clear", "amt clear"}},
		{"an HP whose Absolute is at work", Machine{}, files{
			attributes + "hp-bioscfg/authentication/Setup Password/role": "bios-admin", attributes + "hp-bioscfg/authentication/Setup Password/is_enabled": "what?",
			attributes + "hp-bioscfg/attributes/Absolute Persistence Module Current State/current_value":              "Active",
			attributes + "hp-bioscfg/attributes/Permanent Disable Absolute Persistence Module Set Once/current_value": "No", tables + "WPBT": "",
		}, []string{"firmware-start-password unknown", "firmware-setup-password unknown", "absolute set", "wpbt set", "autopilot unknown", "apple-lock unknown", "knox unknown", "chrome-enrol unknown", "amt clear"}},
		{"a desktop of which SMBIOS tells", Machine{Locks: []Lock{{LockFirmwareSetup, LockSet, "SMBIOS"}, {LockFirmwareStart, LockClear, "SMBIOS"}}}, files{tables + "DSDT": "", "sys/class/mei/mei0/dev": "240:0"},
			[]string{"firmware-start-password clear", "firmware-setup-password set", "absolute unknown", "wpbt clear", "autopilot unknown", "apple-lock unknown", "knox unknown", "chrome-enrol unknown", "amt unknown"}},
		{"a Mac with its T2", Machine{System: System{Manufacturer: "Apple Inc."}}, files{
			"sys/bus/pci/devices/0000:04:00.2/class": "0x088000", "sys/bus/pci/devices/0000:04:00.2/vendor": "0x106b", "sys/bus/pci/devices/0000:04:00.2/device": "0x1802", tables + "DSDT": "",
		}, []string{"firmware-start-password unknown", "firmware-setup-password unknown", "absolute unknown", "wpbt clear", "autopilot clear", "apple-lock unknown", "knox clear", "chrome-enrol clear", "amt clear"}},
		{"a Mac of Apple silicon", Machine{}, files{"sys/firmware/devicetree/base/compatible": "apple,j293\x00apple,t8103\x00"},
			[]string{"firmware-start-password unknown", "firmware-setup-password unknown", "absolute unknown", "wpbt unknown", "autopilot clear", "apple-lock unknown", "knox clear", "chrome-enrol clear", "amt clear"}},
		{"a Chromebook that an organisation enrolled", Machine{System: System{Manufacturer: "Google"}}, files{"sys/firmware/vpd/rw/check_enrollment": "1", tables + "DSDT": ""},
			[]string{"firmware-start-password unknown", "firmware-setup-password unknown", "absolute unknown", "wpbt clear", "autopilot clear", "apple-lock clear", "knox clear", "chrome-enrol set", "amt clear"}},
		{"a Chromebook that forgot", Machine{}, files{"sys/firmware/vpd/ro/x": "1", tables + "DSDT": ""},
			[]string{"firmware-start-password unknown", "firmware-setup-password unknown", "absolute unknown", "wpbt clear", "autopilot clear", "apple-lock clear", "knox unknown", "chrome-enrol unknown", "amt clear"}},
		{"a machine that tells nothing", Machine{}, nil,
			[]string{"firmware-start-password unknown", "firmware-setup-password unknown", "absolute unknown", "wpbt unknown", "autopilot unknown", "apple-lock unknown", "knox unknown", "chrome-enrol unknown", "amt unknown"}},
		{"a machine with AMD's processor", Machine{CPU: []CPU{{Vendor: "AuthenticAMD"}}}, files{tables + "DSDT": ""},
			[]string{"firmware-start-password unknown", "firmware-setup-password unknown", "absolute unknown", "wpbt clear", "autopilot unknown", "apple-lock unknown", "knox unknown", "chrome-enrol unknown", "amt unknown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Source{Root: t.TempDir()}
			if c.files != nil {
				put(t, s.Root, "sys/bus/pci/devices/0000:00:00.0/class", []byte("0x060000\n"))
			}
			for name, value := range c.files {
				put(t, s.Root, name, []byte(value+"\n"))
			}
			tree := newTree(s.Root)
			var got []string
			for _, l := range locks(tree, c.machine, pciDevices(tree)) {
				got = append(got, l.Code+" "+string(l.State))
				if l.Text == "" || strings.Contains(l.Text, "%!") {
					t.Errorf("%s: text %q", l.Code, l.Text)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
