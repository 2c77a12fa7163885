package inventory

import (
	"path"
	"slices"
	"strings"
)

// nics lists the network hardware: the interfaces that hang on a device, and
// the cards that no driver has taken and that therefore have none. names has
// those of the PCI devices.
func nics(t tree, devices []pciDevice, usb []usbDevice, names map[string]string) []NIC {
	all := []NIC{}
	const dir = "/sys/class/net"
	// taken are the folders of the devices that have an interface.
	var taken []string
	for _, name := range t.names(dir) {
		device := t.dir(dir, name, "device")
		if device == "" || !t.exists(device) || len(all) == maxListed {
			continue
		}
		kind := deviceType(t.text(dir, name, "uevent"))
		n := NIC{
			Name: cleaned(name), Driver: t.linkBase(device, "driver"),
			Wireless: kind == "wlan" || t.exists(dir, name, "wireless") || t.exists(dir, name, "phy80211"),
			WWAN:     kind == "wwan",
		}
		// An address that software made up is no identity (NET_ADDR_PERM of
		// linux/netdevice.h).
		if t.word(dir, name, "addr_assign_type") == "0" {
			n.MAC = strings.ToLower(t.word(dir, name, "address"))
		}
		for _, d := range devices {
			if device == d.dir || strings.HasPrefix(device, d.dir+"/") {
				n.Model = names[d.id]
				n.WiFiGeneration = wifiGeneration(d.id, d.subsystem, n.Model)
				n.WWAN = n.WWAN || d.modem()
				taken = append(taken, d.dir)
			}
		}
		// A USB device hangs below the PCI device of its host.
		for _, d := range usb {
			if strings.HasPrefix(device, d.dir+"/") && !d.has("09") {
				n.Model = d.fullName()
				n.WiFiGeneration = wifiGeneration(d.id, "", n.Model)
				n.WWAN = n.WWAN || d.modem()
				taken = append(taken, d.dir)
			}
		}
		if id := sdioID(t, device); id != "" {
			n.Model, n.WiFiGeneration = "SDIO "+id, wifiGeneration("sdio "+id, "", "")
		}
		if n.WWAN {
			n.Wireless = false
		}
		if !n.Wireless {
			n.WiFiGeneration = ""
		}
		all = append(all, n)
	}
	for _, d := range devices {
		wifi := d.class == "0280"
		if !wifi && !d.modem() && d.class != "0200" || slices.Contains(taken, d.dir) || len(all) == maxListed {
			continue
		}
		n := NIC{Model: names[d.id], Driver: d.driver, Wireless: wifi, WWAN: d.modem()}
		if wifi {
			n.WiFiGeneration = wifiGeneration(d.id, d.subsystem, n.Model)
		}
		all = append(all, n)
	}
	for _, d := range usb {
		wifi := !d.has("09") && wifiGeneration(d.id, "", d.fullName()) != ""
		if !wifi && !d.modem() || slices.Contains(taken, d.dir) || len(all) == maxListed {
			continue
		}
		n := NIC{Model: d.fullName(), Wireless: wifi && !d.modem(), WWAN: d.modem()}
		if len(d.drivers) > 0 {
			n.Driver = d.drivers[0]
		}
		if n.Wireless {
			n.WiFiGeneration = wifiGeneration(d.id, "", n.Model)
		}
		all = append(all, n)
	}
	return all
}

// deviceType is DEVTYPE of a uevent file.
func deviceType(uevent string) string {
	for line := range strings.Lines(uevent) {
		if kind, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVTYPE="); ok {
			return kind
		}
	}
	return ""
}

// sdioID is "02d0:4345" of the SDIO function a device belongs to; empty when
// it belongs to none.
func sdioID(t tree, device string) string {
	if !strings.HasPrefix(path.Base(path.Dir(device)), "mmc") && !strings.HasPrefix(path.Base(device), "mmc") {
		return ""
	}
	if vendor, id := t.hexWord(device, "vendor"), t.hexWord(device, "device"); vendor != "" && id != "" {
		return vendor + ":" + id
	}
	return ""
}

// modem reports whether a device is a modem for mobile networks: by class
// (cellular controller, PCI Code and ID Assignment Specification 1.11, 1.14),
// and Intel's XMM and Qualcomm's that have another.
func (d pciDevice) modem() bool {
	return d.class == "0d40" || d.class == "0d41" || slices.Contains([]string{"8086:7360", "8086:7560", "17cb:0304", "17cb:0306", "17cb:0308"}, d.id)
}

// modemMakers make modems for mobile networks and nothing else that is on USB
// in a computer: Sierra Wireless, Telit, Quectel, Fibocom, Ericsson, Option.
var modemMakers = []string{"1199", "1bc7", "2c7c", "2cb7", "0bdb", "0af0"}

// modem reports whether a device is one: the Mobile Broadband Interface Model
// (USB-IF MBIM 1.0, 6.3), a driver for modems, or a maker of them.
func (d usbDevice) modem() bool {
	vendor, _, _ := strings.Cut(d.id, ":")
	return d.has("020e") || slices.Contains(modemMakers, vendor) || slices.ContainsFunc(d.drivers, func(driver string) bool {
		return slices.Contains([]string{"qmi_wwan", "cdc_mbim", "qcserial", "sierra", "sierra_net", "option", "hso"}, driver)
	})
}
