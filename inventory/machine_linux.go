package inventory

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/jaypipes/ghw"
)

// rawNames are the files of /sys/class/dmi/id that are read.
var rawNames = []string{
	"bios_vendor", "bios_version", "bios_date",
	"sys_vendor", "product_name", "product_version", "product_serial", "product_uuid", "product_sku", "product_family",
	"board_vendor", "board_name", "board_version", "board_serial", "board_asset_tag",
	"chassis_vendor", "chassis_type", "chassis_version", "chassis_serial", "chassis_asset_tag",
}

// Machine reads what can be read of the machine. What cannot is left empty,
// and Notes says why. What the running system sees of processors, batteries,
// TPM and start counts before what the firmware's SMBIOS tables tell of them;
// they are alone with board, slots, ports and memory modules. The error is
// ctx's.
func (s Source) Machine(ctx context.Context) (Machine, error) {
	t := s.tree()
	m := unread()
	note := func(format string, args ...any) { m.Notes = append(m.Notes, fmt.Sprintf(format, args...)) }
	devices, usb := pciDevices(t), usbDevices(t)
	var ids []string
	for _, d := range devices {
		if d.named() {
			ids = append(ids, d.id)
		}
	}
	names := pciNames(ids...)
	m.Network, m.Firmware = nics(t, devices, usb, names), readFirmwareFacts(t, note)
	m.Displays, m.Graphics = displays(t), graphics(t, devices, names)
	m.Controllers, m.Parts = controllers(t, devices, names), parts(t, devices, usb, names, m.Network, note)

	tables := readFirmware(t, note)
	m.CPU = append(m.CPU, cpus(ctx, t)...)
	if supplies := t.names(powerSupplies); len(tables.batteries) > 0 && len(m.Batteries) == 0 && len(supplies) > 0 {
		// The mains are seen, so a battery would be.
		note("batteries: the firmware's tables list %d; none is there now", len(tables.batteries))
		tables.batteries = nil
	}
	tables.fill(&m)
	if hidesTPM(t, tables.tpm) {
		m.Firmware.TPM, m.Firmware.TPMDisabled = tables.tpm, true
	}
	if len(m.CPU) == 0 {
		note("cpu: neither /proc/cpuinfo nor the firmware names one")
	}
	if m.Memory.TotalBytes == 0 {
		if m.Memory.TotalBytes = managedMemory(t); m.Memory.TotalBytes == 0 {
			note("memory: the amount cannot be read from /proc/meminfo")
		} else {
			note("memory: the modules are not listed by the firmware; the amount is what the kernel manages")
		}
	}
	m.Locks = locks(t, m, devices)
	for _, list := range []struct {
		name    string
		entries int
	}{
		{"network", len(m.Network)}, {"graphics", len(m.Graphics)}, {"controllers", len(m.Controllers)}, {"cameras", len(m.Cameras)}, {"Wi-Fi", len(m.WiFi)},
		{"sound", len(m.Sound)}, {"pointers", len(m.Pointers)}, {"keyboards", len(m.Keyboards)}, {"fingerprint readers", len(m.Fingerprint)},
		{"touch screens", len(m.Touch)}, {"pens", len(m.Pens)}, {"Bluetooth", len(m.Bluetooth)}, {"disc drives", len(m.Optical)},
	} {
		if list.entries >= maxListed {
			note("%s: %d are listed, and there may be more", list.name, list.entries)
		}
	}
	if len(devices) == maxDevices || len(usb) == maxDevices {
		note("devices: more than %d on one bus; the rest was not looked at", maxDevices)
	}
	drives, notes, err := s.drives(ctx)
	m.Notes = append(m.Notes, notes...)
	if ctx.Err() != nil {
		return m, fmt.Errorf("read machine: %w", ctx.Err())
	}
	if err != nil {
		note("drives: %v", err)
	}
	m.Drives = drives
	return m, nil
}

// System reads only what identifies the computer.
func (s Source) System() System {
	tables := readFirmware(newTree(s.Root), func(string, ...any) {})
	return tables.system(false)
}

// readFirmware reads the SMBIOS tables, completed by what the kernel copied
// from them when it started, which needs no root for most of it.
func readFirmware(t tree, note func(string, ...any)) firmwareTables {
	const dir = "/sys/firmware/dmi/tables"
	tables := firmwareTables{raw: map[string]string{}}
	table, err := t.bytes(path.Join(dir, "DMI"))
	if err != nil {
		note("system: no SMBIOS table: %v", err)
	} else {
		version := smbiosVersion{2, 8}
		entry, err := t.bytes(path.Join(dir, "smbios_entry_point"))
		if err == nil {
			var v smbiosVersion
			if v, err = parseEntryPoint(entry); err == nil {
				version = v
			}
		}
		if err != nil {
			note("system: %v", err)
		}
		if tables, err = parseSMBIOS(table, version); err != nil {
			note("system: %v", err)
		}
	}
	for _, name := range rawNames {
		if value := cleaned(t.text("/sys/class/dmi/id", name)); value != "" && tables.raw[name] == "" {
			tables.raw[name] = value
		}
	}
	if tables.chassisType == 0 {
		tables.chassisType, _ = strconv.Atoi(tables.raw["chassis_type"])
	}
	if len(tables.raw) == 0 {
		// Machines without SMBIOS describe themselves in a device tree.
		for name, file := range map[string]string{"product_name": "model", "product_serial": "serial-number"} {
			if value := cleaned(t.text("/sys/firmware/devicetree/base", file)); value != "" {
				tables.raw[name] = value
			}
		}
	}
	if len(tables.raw) == 0 {
		note("system: the firmware says nothing about maker, model and serial")
	}
	return tables
}

// managedMemory is the memory the kernel manages, in bytes; 0 when unknown.
func managedMemory(t tree) int64 {
	for line := range strings.Lines(t.text("/proc/meminfo")) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			if n, err := strconv.ParseInt(fields[1], 10, 64); err == nil && n > 0 && n < 1<<43 {
				return n << 10
			}
		}
	}
	return 0
}

// cpus reads the processor packages of /proc/cpuinfo, which counts cores and
// threads too on PCs. On the system we run on ghw counts them from the topology
// and knows the processors of other architectures; a captured tree, which may
// hold anything, is not given to it.
func cpus(ctx context.Context, t tree) []CPU {
	packages, order := parseCPUInfo(t.text("/proc/cpuinfo"))
	topology := &ghw.CPUInfo{}
	if t.live() {
		if info, err := ghw.CPU(ctx, ghw.WithDisableWarnings(), ghw.WithDisableTools()); err == nil && info != nil {
			topology = info
		}
	}
	for _, p := range topology.Processors {
		c, ok := packages[p.ID]
		if !ok && len(packages) == 1 {
			c, ok = packages[order[0]]
		}
		if !ok {
			if p.Model == "" {
				continue
			}
			c = &CPU{Model: cleaned(p.Model), Vendor: cleaned(p.Vendor)}
			packages[p.ID] = c
			order = append(order, p.ID)
		}
		if c.Cores == 0 {
			c.Cores = int(p.TotalCores)
		}
		if p.TotalHardwareThreads > 0 {
			c.Threads = int(p.TotalHardwareThreads)
		}
	}
	var all []CPU
	platform := platformFlags(t)
	for _, id := range order {
		packages[id].PlatformFlags = platform
		all = append(all, *packages[id])
	}
	return all
}

// parseCPUInfo reads the packages of /proc/cpuinfo by physical id, in order.
func parseCPUInfo(text string) (packages map[int]*CPU, order []int) {
	packages = map[int]*CPU{}
	for _, section := range strings.Split(text, "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(section) {
			if key, value, ok := strings.Cut(line, ":"); ok {
				fields[strings.TrimSpace(key)] = cleaned(value)
			}
		}
		if fields["model name"] == "" && fields["vendor_id"] == "" {
			continue
		}
		number := func(key string) int {
			n, err := strconv.Atoi(fields[key])
			if err != nil || n < 0 {
				return 0
			}
			return n
		}
		id := number("physical id")
		if c := packages[id]; c != nil {
			c.Threads++
			continue
		}
		packages[id] = &CPU{
			Model: fields["model name"], Vendor: fields["vendor_id"],
			Family: number("cpu family"), ModelNumber: number("model"), Stepping: number("stepping"),
			Cores: number("cpu cores"), Threads: 1,
		}
		order = append(order, id)
	}
	return packages, order
}
