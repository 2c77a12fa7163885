package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// machineText is the inventory of this machine, or of one that was dumped, for
// people: at most 80 characters wide but for what must not be broken. Drives
// are judged by limits.
func machineText(m inventory.Machine, dumped bool, limits grade.Limits) []string {
	t := &machineLines{dumped: dumped}
	t.system(m)
	t.screens(m)
	t.network(m)
	t.parts(m)
	t.firmware(m)
	// The report on a drive or a screen alone tells of no computer.
	if !dumped || len(m.CPU) > 0 || m.Memory.TotalBytes > 0 {
		windows := grade.Windows11(m)
		t.add("Win 11", windows.Eligible+because(windows.Reasons))
	}
	t.drives(m, limits)
	if reasons := inventory.Unseen(m); len(reasons) > 0 && (!dumped || len(m.Controllers) > 0) {
		t.lines = append(t.lines, "", "Why a drive may be missing:")
		for _, r := range reasons {
			t.lines = append(t.lines, wrap("  "+cell(r.Text), 80, "    ")...)
		}
	}
	notes := slices.Clone(m.Notes)
	for _, d := range m.Displays {
		for _, n := range d.Notes {
			notes = append(notes, strings.TrimSpace(d.Connector+" "+d.Model)+": "+n)
		}
	}
	if len(notes) > 0 {
		t.lines = append(t.lines, "", "What could not be read:")
		for _, n := range notes {
			t.lines = append(t.lines, wrap("  "+cell(n), 80, "    ")...)
		}
	}
	return t.lines
}

// machineLines are lines of titled facts.
type machineLines struct {
	lines []string
	// dumped is true for a machine that is somewhere else. What its dump does
	// not tell is left out.
	dumped bool
}

// add adds a fact under a title, or under the one before where title is empty.
// Nothing is added without a fact.
func (t *machineLines) add(title string, facts ...string) {
	if text := commas(facts...); text != "" {
		t.lines = append(t.lines, wrap(fmt.Sprintf("%-9s %s", title, text), 80, strings.Repeat(" ", 10))...)
	}
}

// commas puts together what is known.
func commas(facts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(facts), func(s string) bool { return s == "" }), ", ")
}

func named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + cell(value)
}

// machineName is maker and model, the maker once: a Dell monitor calls itself
// DELL U2720Q.
func machineName(s inventory.System) string {
	model := words(s.Model)
	if maker := words(s.Manufacturer); !strings.HasPrefix(strings.ToLower(model)+" ", strings.ToLower(maker)+" ") {
		return words(maker, model)
	}
	return model
}

// words are maker, model and the like, without those that are not known.
func words(parts ...string) string {
	return strings.Join(strings.Fields(cell(strings.Join(parts, " "))), " ")
}

func (t *machineLines) system(m inventory.Machine) {
	t.add("System", fmt.Sprintf("%s (%s)", cmp.Or(machineName(m.System), "not known"), cell(m.System.Class)))
	t.add("", named("serial", m.System.Serial), named("UUID", m.System.UUID))
	t.add("", named("SKU", m.System.SKU), named("family", m.System.Family))
	t.add("Board", words(m.Board.Manufacturer, m.Board.Model, m.Board.Version), named("serial", m.Board.Serial))
	for i, c := range m.CPU {
		t.add(titled("CPU", i), orDash(cell(c.Model)), counted(c.Cores, "core"), counted(c.Threads, "thread"))
	}
	slots, most, soldered := "", "", ""
	if m.Board.MemorySlots > 0 {
		slots = "in " + counted(m.Board.MemorySlots, "slot")
	}
	if m.Board.MaxMemoryBytes > 0 {
		most = "at most " + binarySize(m.Board.MaxMemoryBytes)
	}
	if m.Board.SolderedBytes > 0 {
		soldered = binarySize(m.Board.SolderedBytes) + " soldered"
	}
	if !t.dumped || m.Memory.TotalBytes > 0 || slots != "" {
		t.add("Memory", binarySize(m.Memory.TotalBytes), slots, most, soldered)
	}
	for _, module := range m.Memory.Modules {
		speed := ""
		if module.SpeedMTs > 0 {
			speed = fmt.Sprintf("%d MT/s", module.SpeedMTs)
		}
		t.add("", orDash(cell(module.Slot))+": "+binarySize(module.SizeBytes), cell(module.Type), cell(module.Form), speed,
			words(module.Manufacturer, module.PartNumber))
	}
}

func (t *machineLines) screens(m inventory.Machine) {
	for i, g := range m.Graphics {
		t.add(titled("Graphics", i), orDash(cell(g.Model)), named("driver", g.Driver))
	}
	for i, d := range m.Displays {
		where := cell(d.Connector)
		if d.Internal {
			where = strings.TrimSpace("built in " + where)
		}
		if where != "" {
			where += ": "
		}
		size, pixels, year := "", "", ""
		if d.DiagonalInches > 0 {
			size = fmt.Sprintf("%.1f inches", d.DiagonalInches)
		}
		if d.WidthPixels > 0 {
			pixels = fmt.Sprintf("%d x %d", d.WidthPixels, d.HeightPixels)
		}
		if d.Year > 0 {
			year = fmt.Sprintf("made in %d", d.Year)
		}
		model := words(d.Model)
		if !strings.HasPrefix(strings.ToLower(model), strings.ToLower(d.Manufacturer)) {
			model = words(d.Manufacturer, d.Model)
		}
		t.add(titled("Displays", i), where+orDash(model), size, pixels, year, named("serial", d.Serial))
	}
}

func (t *machineLines) network(m inventory.Machine) {
	for i, n := range m.Network {
		kind := ""
		switch {
		case n.WiFiGeneration != "":
			kind = "Wi-Fi " + cell(n.WiFiGeneration)
		case n.Wireless:
			kind = "wireless"
		case n.WWAN:
			kind = "modem, may hold a SIM"
		}
		t.add(titled("Network", i), strings.TrimPrefix(cell(n.Name)+": ", ": ")+orDash(cell(n.Model)), cell(n.MAC), kind, named("driver", n.Driver))
	}
	for i, c := range m.Controllers {
		driver := "no driver"
		if c.Driver != "" {
			driver = "driver " + cell(c.Driver)
		}
		t.add(titled("Storage", i), orDash(cell(c.Name)), cell(string(c.Mode)), driver, counted(c.Drives, "drive"))
	}
}

func (t *machineLines) parts(m inventory.Machine) {
	for _, part := range []struct {
		title string
		names []string
	}{
		{"Wi-Fi", m.WiFi},
		{"Bluetooth", m.Bluetooth},
		{"Sound", m.Sound},
		{"Cameras", m.Cameras},
		{"Keyboards", m.Keyboards},
		{"Pointers", m.Pointers},
		{"Touch", m.Touch},
		{"Pens", m.Pens},
		{"Finger", m.Fingerprint},
		{"Discs", m.Optical},
	} {
		for i, name := range part.names {
			t.add(titled(part.title, i), cell(name))
		}
	}
	for i, b := range m.Batteries {
		percent := func(what string, n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("%s %d %%", what, n)
		}
		energy := ""
		if b.FullMilliwattHours > 0 && b.DesignMilliwattHours > 0 {
			energy = fmt.Sprintf("%.1f of %.1f Wh", float64(b.FullMilliwattHours)/1000, float64(b.DesignMilliwattHours)/1000)
		}
		t.add(titled("Batteries", i), strings.TrimPrefix(cell(b.Name)+": ", ": ")+orDash(words(b.Manufacturer, b.Model)), cell(b.Chemistry),
			percent("health", b.HealthPercent), energy, percent("charge", b.ChargePercent), counted(b.Cycles, "cycle"))
	}
	var slots, ports []string
	for _, s := range m.Slots {
		slots = append(slots, cmp.Or(words(s.Type), words(s.Name), "slot")+strings.TrimSuffix(" "+words(s.Usage), " "))
	}
	for _, p := range m.Ports {
		ports = append(ports, cmp.Or(words(p.Type), words(p.Name), "port"))
	}
	t.add("Slots", tallied(slots))
	t.add("Ports", tallied(ports))
}

// tallied counts what is the same: "USB (3), HDMI".
func tallied(names []string) string {
	var order []string
	count := map[string]int{}
	for _, name := range names {
		if count[name]++; count[name] == 1 {
			order = append(order, name)
		}
	}
	for i, name := range order {
		if n := count[name]; n > 1 {
			order[i] = fmt.Sprintf("%s (%d)", name, n)
		}
	}
	return strings.Join(order, ", ")
}

func (t *machineLines) firmware(m inventory.Machine) {
	f := m.Firmware
	boot := map[string]string{"uefi": "started by UEFI", "bios": "started by BIOS", "": "how it was started is not known"}[f.Boot]
	secure := "Secure Boot " + cell(cmp.Or(f.SecureBoot, "unknown"))
	tpm := map[string]string{"none": "no TPM", "": "TPM not known"}[f.TPM]
	if tpm == "" {
		tpm = "TPM " + cell(f.TPM)
	}
	if f.TPMDisabled {
		tpm += " (switched off)"
	}
	if !t.dumped || f.Boot != "" || f.TPM != "" || f.Version != "" {
		t.add("Firmware", boot, secure, tpm)
	}
	t.add("", words(f.Vendor, f.Version), cell(f.Date))
	if k := f.WindowsKey; k != nil {
		t.add("Licence", strings.TrimSpace("Windows "+cell(k.Edition)), "key ending in "+cell(k.LastFive))
	}
	// Those that are set are what a person must know; the others are one line
	// each.
	byState := map[inventory.LockState][]string{}
	shown := 0
	title := func() string {
		shown++
		return titled("Locks", shown-1)
	}
	for _, l := range m.Locks {
		if l.State == inventory.LockSet {
			t.add(title(), fmt.Sprintf("SET: %s: %s", lockName(l.Code), cell(l.Text)))
			continue
		}
		byState[l.State] = append(byState[l.State], lockName(l.Code))
	}
	for _, state := range []inventory.LockState{inventory.LockUnknown, inventory.LockClear} {
		if names := tallied(byState[state]); names != "" {
			t.add(title(), string(state)+": "+names)
		}
	}
}

// lockName is a lock in words: "drive password".
func lockName(code string) string { return strings.ReplaceAll(cell(code), "-", " ") }

func (t *machineLines) drives(m inventory.Machine, limits grade.Limits) {
	if len(m.Drives) == 0 {
		if !t.dumped {
			t.add("Drives", "none found")
		}
		return
	}
	t.lines = append(t.lines, "", driveHeader)
	for _, d := range m.Drives {
		t.lines = append(t.lines, driveFacts(d)...)
		health := grade.JudgeHealth(d, limits)
		t.lines = append(t.lines, under("health "+health.Verdict+because(health.Reasons))...)
		if !t.dumped {
			t.lines = append(t.lines, driveWays(d, m.Drives)...)
		}
	}
}

// because is why something was judged as it was.
func because(reasons []grade.Reason) string {
	var texts []string
	for _, r := range reasons {
		texts = append(texts, cell(r.Text))
	}
	if len(texts) == 0 {
		return ""
	}
	return ": " + strings.Join(texts, "; ")
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
