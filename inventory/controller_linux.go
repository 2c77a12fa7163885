package inventory

import (
	"path"
	"slices"
	"strings"
)

// maxListed bounds every list of a machine's parts: more of one kind is no
// machine but a fault or a hostile tree.
const maxListed = 64

// pciDevice is a device on PCI as sysfs shows it.
type pciDevice struct {
	dir     string // links resolved
	address string
	id      string // "8086:9a0b"
	class   string // base class and subclass, "0106"
	// subsystem is the card's own number, "17aa:2234"; empty when not told.
	subsystem string
	driver    string
}

// pciDevices lists the PCI devices in the order of their addresses.
func pciDevices(t tree) []pciDevice {
	var all []pciDevice
	for _, address := range t.names("/sys/bus/pci/devices") {
		dir := t.dir("/sys/bus/pci/devices", address)
		class := t.hexWord(dir, "class")
		if dir == "" || len(class) != 6 || len(all) == maxDevices {
			continue
		}
		d := pciDevice{
			dir: dir, address: cleaned(address), class: class[:4],
			id:     t.hexWord(dir, "vendor") + ":" + t.hexWord(dir, "device"),
			driver: t.linkBase(dir, "driver"),
		}
		if maker := t.hexWord(dir, "subsystem_vendor"); maker != "" {
			d.subsystem = maker + ":" + t.hexWord(dir, "subsystem_device")
		}
		all = append(all, d)
	}
	return all
}

// named reports whether anybody will want to know the device's name: storage,
// memory cards, network, graphics and sound.
func (d pciDevice) named() bool {
	return slices.Contains([]string{"01", "02", "03"}, d.class[:2]) || slices.Contains([]string{"0805", "0401", "0403"}, d.class) || d.modem() || slices.Contains(t2IDs, d.id)
}

// Apple's T2: the bridge and the enclave of the chip.
var t2IDs = []string{"106b:1801", "106b:1802"}

// controllerMode is what a PCI device is as something that drives hang on;
// empty when it is no such thing. Class codes are those of the PCI Code and ID
// Assignment Specification 1.11, section 1.2 and 1.9.
func (d pciDevice) controllerMode(name string) ControllerMode {
	switch {
	case slices.Contains(t2IDs, d.id):
		return ModeT2
	case d.driver == "vmd" || strings.HasPrefix(d.id, "8086:") && strings.Contains(name, "Volume Management Device") && d.class == "0104":
		return ModeVMD
	case d.driver == "nvme":
		return ModeNVMe // Apple's have another class
	}
	switch d.class {
	case "0100":
		return ModeSCSI
	case "0101":
		// The management engine's own, which shows a disk image of somebody
		// far away and never holds a drive of the machine.
		if lower := strings.ToLower(name); strings.Contains(lower, "ide-r") || strings.Contains(lower, "ider") {
			return ""
		}
		return ModeIDE
	case "0104":
		return ModeRAID
	case "0106":
		return ModeAHCI
	case "0107":
		return ModeSAS
	case "0108":
		return ModeNVMe
	case "0109":
		return ModeUFS
	case "0105", "0180":
		return ModeOther
	case "0805":
		return ModeMMC
	}
	return ""
}

// controllers lists what drives hang on. names has those of the PCI devices.
func controllers(t tree, devices []pciDevice, names map[string]string) []Controller {
	all := []Controller{}
	var dirs []string
	for _, d := range devices {
		mode := d.controllerMode(names[d.id])
		if mode == "" || len(all) == maxListed {
			continue
		}
		c := Controller{Address: d.address, PCIID: d.id, Class: d.class, Name: names[d.id], Driver: d.driver, Mode: mode}
		if n := t.number(d.dir, "remapped_nvme"); n > 0 && n < maxListed {
			c.RemappedNVMe = int(n)
		}
		all, dirs = append(all, c), append(dirs, d.dir)
	}
	for _, name := range t.names("/sys/bus/platform/devices") {
		mode := platformController(name)
		if mode == "" || len(all) == maxListed {
			continue
		}
		dir := t.dir("/sys/bus/platform/devices", name)
		all = append(all, Controller{Address: cleaned(name), Name: "ACPI " + cleaned(name), Driver: t.linkBase(dir, "driver"), Mode: mode})
		dirs = append(dirs, dir)
	}
	r := &reader{blocks: readBlocks(t)}
	for _, b := range r.all {
		d := r.facts(b)
		if b.whole != nil || !isDrive(d) || d.Removable || d.CapacityBytes == 0 {
			continue
		}
		places := []string{b.dir}
		if d.Bus == BusNVMe {
			places = append(places, r.nvmeControllers(b)...)
		}
		for i, dir := range dirs {
			if slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(p, dir+"/") }) {
				all[i].Drives++
			}
		}
	}
	return all
}

// emmcACPI are the ACPI ids of SD and eMMC hosts whose chip is, as a rule,
// soldered: Intel Bay Trail, Cherry Trail and Braswell, AMD.
var emmcACPI = []string{"80860F14", "80865ACC", "INT33BB", "PNP0FFF", "PNP0D40", "AMDI0040", "AMDI0041"}

// platformController is what a platform device is, by its ACPI id; empty when
// no drive can hang on it.
func platformController(name string) ControllerMode {
	id, _, _ := strings.Cut(path.Base(name), ":")
	switch {
	case slices.Contains(emmcACPI, id):
		return ModeMMC
	case id == "QCOM24A5": // UFS of Qualcomm machines
		return ModeUFS
	}
	return ""
}
