package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// machineText is the inventory for people, at most 80 characters wide but for
// what must not be broken.
func machineText(m inventory.Machine) []string {
	var lines []string
	add := func(title string, text string) {
		lines = append(lines, wrap(fmt.Sprintf("%-9s %s", title, text), 80, strings.Repeat(" ", 10))...)
	}
	list := func(parts ...string) string {
		var known []string
		for _, p := range parts {
			if p != "" {
				known = append(known, p)
			}
		}
		return strings.Join(known, ", ")
	}
	named := func(name, value string) string {
		if value == "" {
			return ""
		}
		return name + " " + cell(value)
	}

	name := strings.TrimSpace(cell(m.System.Manufacturer) + " " + cell(m.System.Model))
	if name == "" {
		name = "not known"
	}
	add("System", fmt.Sprintf("%s (%s)", name, m.System.Class))
	if id := list(named("serial", m.System.Serial), named("UUID", m.System.UUID)); id != "" {
		add("", id)
	}
	for i, c := range m.CPU {
		add(titled("CPU", i), list(orDash(cell(c.Model)), counted(c.Cores, "core"), counted(c.Threads, "thread")))
	}
	add("Memory", binarySize(m.Memory.TotalBytes))
	for _, module := range m.Memory.Modules {
		speed := ""
		if module.SpeedMTs > 0 {
			speed = fmt.Sprintf("%d MT/s", module.SpeedMTs)
		}
		add("", list(orDash(cell(module.Slot))+": "+binarySize(module.SizeBytes), cell(module.Type), speed,
			strings.TrimSpace(cell(module.Manufacturer)+" "+cell(module.PartNumber))))
	}
	for i, n := range m.Network {
		wireless := ""
		if n.Wireless {
			wireless = "wireless"
		}
		add(titled("Network", i), list(cell(n.Name)+": "+orDash(cell(n.Model)), cell(n.MAC), wireless, named("driver", n.Driver)))
	}
	for i, c := range m.Controllers {
		driver := "no driver"
		if c.Driver != "" {
			driver = "driver " + cell(c.Driver)
		}
		add(titled("Storage", i), list(orDash(cell(c.Name)), cell(string(c.Mode)), driver, counted(c.Drives, "drive")))
	}
	for _, part := range []struct {
		title string
		names []string
	}{{"Wi-Fi", m.WiFi}, {"Sound", m.Sound}, {"Cameras", m.Cameras}, {"Keyboards", m.Keyboards}, {"Pointers", m.Pointers}} {
		for i, name := range part.names {
			add(titled(part.title, i), cell(name))
		}
	}
	for i, b := range m.Batteries {
		percent := func(what string, n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("%s %d %%", what, n)
		}
		add(titled("Batteries", i), list(cell(b.Name)+": "+orDash(strings.TrimSpace(cell(b.Manufacturer)+" "+cell(b.Model))),
			percent("health", b.HealthPercent), percent("charge", b.ChargePercent), counted(b.Cycles, "cycle")))
	}
	add("Firmware", firmwareText(m.Firmware))
	if len(m.Drives) == 0 {
		add("Drives", "none found")
	} else {
		lines = append(lines, "", driveHeader)
		for _, d := range m.Drives {
			lines = append(lines, driveText(d, m.Drives)...)
		}
	}
	if reasons := inventory.Unseen(m); len(reasons) > 0 {
		lines = append(lines, "", "Why a drive may be missing:")
		for _, r := range reasons {
			lines = append(lines, wrap("  "+cell(r.Text), 80, "    ")...)
		}
	}
	if len(m.Notes) > 0 {
		lines = append(lines, "", "What could not be read:")
		for _, n := range m.Notes {
			lines = append(lines, wrap("  "+cell(n), 80, "    ")...)
		}
	}
	return lines
}

func firmwareText(f inventory.Firmware) string {
	boot := map[string]string{"uefi": "started by UEFI", "bios": "started by BIOS", "": "how it was started is not known"}[f.Boot]
	tpm := map[string]string{"none": "no TPM", "": "TPM not known"}[f.TPM]
	if tpm == "" {
		tpm = "TPM " + f.TPM
	}
	return boot + ", Secure Boot " + cmp.Or(f.SecureBoot, "unknown") + ", " + tpm
}

// titled is the title of the first of several lines.
func titled(title string, i int) string {
	if i > 0 {
		return ""
	}
	return title
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + what
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

// binarySize writes a size of memory, which is sold in powers of two.
func binarySize(bytes int64) string {
	const mib, gib = 1 << 20, 1 << 30
	switch {
	case bytes <= 0:
		return "size not known"
	case bytes%gib == 0:
		return fmt.Sprintf("%d GiB", bytes/gib)
	case bytes < gib:
		return fmt.Sprintf("%d MiB", bytes/mib)
	default:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/gib)
	}
}
