package inventory

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// parts reads what can be checked of a machine. names has those of the PCI
// devices, network is what was found there.
func parts(t tree, devices []pciDevice, names map[string]string, network []NIC) Parts {
	p := Parts{Cameras: cameras(t), WiFi: []string{}, Sound: []string{}, Pointers: []string{}, Keyboards: []string{}, Batteries: batteries(t), Fingerprint: []string{}, Touch: []string{}}
	for _, d := range devices {
		switch d.class {
		case "0280": // network controller, other: what Wi-Fi is on PCI
			p.WiFi = listed(p.WiFi, names[d.id])
		case "0401", "0403": // audio device, HD Audio
			p.Sound = listed(p.Sound, names[d.id])
		}
	}
	for _, n := range network {
		if n.Wireless {
			p.WiFi = listed(p.WiFi, n.Model)
		}
	}
	if len(p.Sound) == 0 {
		p.Sound = append(p.Sound, soundCards(t.text("/proc/asound/cards"))...)
	}
	for _, d := range parseInputDevices(t.text("/proc/bus/input/devices")) {
		if d.keyboard {
			p.Keyboards = listed(p.Keyboards, d.name)
		}
		if d.pointer {
			p.Pointers = listed(p.Pointers, d.name)
		}
	}
	return p
}

// listed adds a name to a list unless it is there, or the list is full.
func listed(list []string, name string) []string {
	if name = cleaned(name); name == "" || slices.Contains(list, name) || len(list) == maxListed {
		return list
	}
	return append(list, name)
}

// cameras are the USB devices with a video control interface (USB Video Class
// 1.5, A.1 and A.2), each once.
func cameras(t tree) []string {
	found := []string{}
	var seen []string
	const dir = "/sys/bus/usb/devices"
	for _, name := range t.names(dir) {
		if t.text(dir, name, "bInterfaceClass") != "0e" || t.text(dir, name, "bInterfaceSubClass") != "01" {
			continue
		}
		device := path.Dir(t.dir(dir, name))
		if slices.Contains(seen, device) || len(seen) == maxListed {
			continue
		}
		seen = append(seen, device)
		product := cleaned(t.text(device, "product"))
		if product == "" {
			product = "USB " + cleaned(t.text(device, "idVendor")) + ":" + cleaned(t.text(device, "idProduct"))
		}
		found = append(found, product)
	}
	return found
}

// soundCards reads the names of /proc/asound/cards, where a card has two lines
// and its name stands behind " - " on the first.
func soundCards(text string) (names []string) {
	for line := range strings.Lines(text) {
		if _, name, ok := strings.Cut(line, "]: "); ok {
			if _, long, ok := strings.Cut(name, " - "); ok {
				name = long
			}
			names = listed(names, name)
		}
	}
	return names
}

// inputDevice is one entry of /proc/bus/input/devices.
type inputDevice struct {
	name              string
	keyboard, pointer bool
}

const (
	busBluetooth = "0005" // BUS_BLUETOOTH of linux/input.h
	// The keys Q to P, codes 16 to 25 of linux/input-event-codes.h: what has
	// these is a keyboard and no power button.
	letterKeys = 0x3ff << 16
)

// parseInputDevices reads the keyboards and pointers of /proc/bus/input/devices.
func parseInputDevices(text string) []inputDevice {
	var all []inputDevice
	for section := range strings.SplitSeq(text, "\n\n") {
		var d inputDevice
		bluetooth := false
		for line := range strings.Lines(section) {
			kind, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
			switch kind {
			case "I":
				bluetooth = slices.Contains(strings.Fields(rest), "Bus="+busBluetooth)
			case "N":
				d.name = cleaned(strings.Trim(strings.TrimPrefix(rest, "Name="), `"`))
			case "H":
				for _, handler := range strings.Fields(strings.TrimPrefix(rest, "Handlers=")) {
					number, isMouse := strings.CutPrefix(handler, "mouse")
					d.pointer = d.pointer || isMouse && isDigits(number)
				}
			case "B":
				// The lowest codes stand last.
				if words := strings.Fields(strings.TrimPrefix(rest, "KEY=")); strings.HasPrefix(rest, "KEY=") && len(words) > 0 {
					low, err := strconv.ParseUint(words[len(words)-1], 16, 64)
					d.keyboard = err == nil && low&letterKeys == letterKeys
				}
			}
		}
		if d.name != "" && !bluetooth && (d.keyboard || d.pointer) {
			all = append(all, d)
		}
	}
	return all
}

// batteries reads the batteries of the machine; those of mice and pens have
// the scope Device.
func batteries(t tree) []Battery {
	all := []Battery{}
	const dir = "/sys/class/power_supply"
	for _, name := range t.names(dir) {
		word := func(file string) string { return cleaned(t.text(dir, name, file)) }
		if word("type") != "Battery" || word("scope") == "Device" || word("present") == "0" || len(all) == maxListed {
			continue
		}
		percent := func(part, whole int64) int {
			if part <= 0 || whole <= 0 {
				return 0
			}
			return int(min(math.Round(float64(part)*100/float64(whole)), 999))
		}
		b := Battery{
			Name: cleaned(name), Manufacturer: word("manufacturer"), Model: word("model_name"), Serial: word("serial_number"), Status: word("status"),
			Cycles: int(min(max(t.number(dir, name, "cycle_count"), 0), 1_000_000)),
		}
		// A battery tells energy in microwatt-hours or charge in
		// microampere-hours.
		for _, unit := range []string{"energy", "charge"} {
			full := t.number(dir, name, unit+"_full")
			if b.HealthPercent == 0 {
				b.HealthPercent = percent(full, t.number(dir, name, unit+"_full_design"))
			}
			if b.ChargePercent == 0 {
				b.ChargePercent = percent(t.number(dir, name, unit+"_now"), full)
			}
		}
		if told := t.number(dir, name, "capacity"); told > 0 && told <= 100 {
			b.ChargePercent = int(told)
		}
		all = append(all, b)
	}
	return all
}

// secureBoot is the UEFI variable SecureBoot (UEFI 2.10, 3.3): four bytes of
// attributes that the kernel puts in front, and one byte.
const secureBoot = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

// readFirmwareFacts reads how the machine was started and what its firmware guards.
func readFirmwareFacts(t tree) Firmware {
	f := Firmware{Boot: "bios", SecureBoot: "off"}
	if t.exists("/sys/firmware/efi") {
		f = Firmware{Boot: "uefi", SecureBoot: "unknown"}
		variable, err := t.head(path.Join("/sys/firmware/efi/efivars", secureBoot), 16)
		switch {
		case err == nil && len(variable) == 5 && variable[4] == 1:
			f.SecureBoot = "on"
		case err == nil && len(variable) == 5 && variable[4] == 0:
			f.SecureBoot = "off"
		}
	} else if !t.exists("/sys/firmware") || t.exists("/sys/firmware/devicetree/base") && !t.exists("/sys/firmware/dmi") {
		f = Firmware{SecureBoot: "unknown"} // neither, as far as can be told
	}
	// A chip that is there has a device, or a table of the firmware that
	// speaks of it where no driver has taken it.
	devices, err := t.list("/sys/class/tpm")
	switch {
	case len(devices) > 0:
		slices.Sort(devices)
		f.TPM = map[string]string{"1": "1.2", "2": "2.0"}[strings.TrimSpace(t.text("/sys/class/tpm", devices[0], "tpm_version_major"))]
	case t.exists("/sys/firmware/acpi/tables/TPM2"):
		f.TPM = "2.0"
	case err == nil && t.exists("/sys/firmware/acpi/tables"):
		f.TPM = "none"
	}
	return f
}
