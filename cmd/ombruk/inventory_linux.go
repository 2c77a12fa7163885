package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/inventory"
)

func newInventoryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "inventory",
		Short: "Show what this machine is: system, processor, memory, network, drives, parts",
		Long: `inventory shows what can be read of this machine. It only reads. What cannot be
read is left empty and said at the end; run it as root to see everything.

Exit status: 0 shown; 1 error; 64 usage.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := inventory.Source{}.Machine(cmd.Context())
			if err != nil {
				return fail(exitError, "", err)
			}
			if a.flags.json {
				return a.emit(inventoryLineOf(m))
			}
			for _, line := range machineText(m) {
				a.say("%s", line)
			}
			return nil
		},
	}
}

// driveHealth is the verdict on a drive's health.
type driveHealth struct {
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"`
}

// inventoryDrive is a drive within the inventory.
type inventoryDrive struct {
	inventory.Drive
	Blocked string      `json:"blocked"`
	Health  driveHealth `json:"health"`
}

// inventoryLine is the JSON line of a machine. Drives stands in for the
// machine's own list.
type inventoryLine struct {
	Type   string `json:"type"`
	Schema int    `json:"schema"`
	inventory.Machine
	Drives []inventoryDrive `json:"drives"`
	// Unseen says why a drive may be missing from the list.
	Unseen []inventory.Reason `json:"unseen"`
}

func inventoryLineOf(m inventory.Machine) inventoryLine {
	line := inventoryLine{Type: "inventory", Schema: 1, Machine: m, Drives: []inventoryDrive{}, Unseen: inventory.Unseen(m)}
	for _, d := range m.Drives {
		line.Drives = append(line.Drives, inventoryDrive{
			Drive: d, Blocked: blockedReason(d, m.Drives),
			Health: driveHealth{Verdict: "unknown", Reasons: []string{"health is not read yet"}},
		})
	}
	return line
}

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
