package inventory

import (
	"path"
	"slices"
	"strings"
)

// usbDevice is a device on USB as sysfs shows it.
type usbDevice struct {
	dir string // links resolved
	id  string // "27c6:639c"
	// product and maker are the device's own words.
	product, maker string
	// interfaces are class, subclass and protocol of each, "0e0100" (USB
	// Defined Class Codes, usb.org).
	interfaces []string
	drivers    []string
}

// name is what the device calls itself; after its number where it says nothing.
func (d usbDevice) name() string {
	if d.product == "" {
		return "USB " + d.id
	}
	return d.product
}

// fullName has the maker in front, unless the product repeats it.
func (d usbDevice) fullName() string {
	if d.product == "" || d.maker == "" || strings.HasPrefix(strings.ToLower(d.product), strings.ToLower(d.maker)) {
		return d.name()
	}
	return d.maker + " " + d.product
}

// has reports whether an interface is of a class, which may be shortened.
func (d usbDevice) has(class string) bool {
	return slices.ContainsFunc(d.interfaces, func(i string) bool { return strings.HasPrefix(i, class) })
}

// usbDevices lists the devices on USB, hubs too, in natural order. Interfaces
// have entries of their own (1-8:1.0) below that of their device.
func usbDevices(t tree) []usbDevice {
	const dir = "/sys/bus/usb/devices"
	var all []usbDevice
	at := map[string]int{}
	device := func(real string) int {
		if i, ok := at[real]; ok {
			return i
		}
		at[real] = len(all)
		all = append(all, usbDevice{
			dir: real, id: t.hexWord(real, "idVendor") + ":" + t.hexWord(real, "idProduct"),
			product: t.word(real, "product"), maker: t.word(real, "manufacturer"),
		})
		return at[real]
	}
	for _, name := range t.names(dir) {
		if len(all) == maxDevices {
			break
		}
		real := t.dir(dir, name)
		switch {
		case real == "":
		case t.exists(real, "bInterfaceClass"):
			i := device(path.Dir(real))
			all[i].interfaces = append(all[i].interfaces, t.hexWord(real, "bInterfaceClass")+t.hexWord(real, "bInterfaceSubClass")+t.hexWord(real, "bInterfaceProtocol"))
			if driver := t.linkBase(real, "driver"); driver != "" {
				all[i].drivers = append(all[i].drivers, driver)
			}
		case t.exists(real, "idVendor"):
			device(real)
		}
	}
	return all
}
