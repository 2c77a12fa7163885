package inventory

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxDevices bounds how many devices of one bus are looked at.
const maxDevices = 4096

// word reads a file of one line, as sysfs has for each fact: at most a page,
// without padding; empty when it cannot be read.
func (t tree) word(elements ...string) string {
	b, err := t.head(path.Join(elements...), 4096)
	if err != nil {
		return ""
	}
	return cleaned(string(b))
}

// hexWord reads a number in hex without its 0x, in lower case.
func (t tree) hexWord(elements ...string) string {
	return strings.TrimPrefix(strings.ToLower(t.word(elements...)), "0x")
}

// parts reads what can be checked of a machine. names has those of the PCI
// devices, network is what was found there.
func parts(t tree, devices []pciDevice, usb []usbDevice, names map[string]string, network []NIC, note func(string, ...any)) Parts {
	p := unread().Parts
	p.Batteries = batteries(t, note)
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
	for _, d := range usb {
		if d.has(usbCamera) && len(p.Cameras) < maxListed {
			p.Cameras = append(p.Cameras, d.name()) // two may have one name
		}
		p.Fingerprint = listed(p.Fingerprint, d.fingerprintReader())
		if d.has(usbBluetooth) {
			p.Bluetooth = listed(p.Bluetooth, d.fullName())
		}
	}
	for _, d := range parseInputDevices(t.text("/proc/bus/input/devices")) {
		if d.keyboard {
			p.Keyboards = listed(p.Keyboards, d.name)
		}
		if d.pointer {
			p.Pointers = listed(p.Pointers, d.name)
		}
		if d.touch {
			p.Touch = listed(p.Touch, d.name)
		}
		if d.pen {
			p.Pens = listed(p.Pens, d.name)
		}
	}
	p.Optical = opticalDrives(t.text("/proc/sys/dev/cdrom/info"), t)
	return p
}

// Classes of USB interfaces (USB Defined Class Codes): the control interface
// of USB Video Class 1.5 (A.1 and A.2), and a Bluetooth controller.
const (
	usbCamera    = "0e01"
	usbBluetooth = "e00101"
	usbVendor    = "ff"
	usbData      = "0a" // some of Goodix pass for a modem
	usbHID       = "03"
)

// readerMakers are those who make fingerprint readers for computers, by USB
// vendor, with the products that are readers where they make other things
// besides. They are the devices that libfprint drives or knows and nobody
// drives yet (its list for udev, 60-autosuspend-fingerprint-reader.hwdb of
// systemd 252).
var readerMakers = map[string]struct{ maker, products string }{
	"045e": {"Microsoft", "00bc 00bd 00ca"}, "0483": {"STMicroelectronics", "2015 2016 2017"}, "04f3": {"Elan", "0903 0907 0c"},
	"05ba": {"DigitalPersona", ""}, "06cb": {"Synaptics", ""}, "08ff": {"AuthenTec", ""}, "0a5c": {"Broadcom", "5801 5802 5805 5834 584 586"},
	"0bda": {"Realtek", "5812 5813 5816"}, "10a5": {"FPC", ""}, "138a": {"Validity", ""}, "147e": {"UPEK", ""}, "1c7a": {"EgisTec", ""},
	"2541": {"Chipsailing", ""}, "27c6": {"Goodix", ""}, "2808": {"FocalTech", ""}, "298d": {"NEXT Biometrics", ""},
}

// readerMaker is the maker of a fingerprint reader; empty when the device is
// none as far as is known. A touchpad or screen of the same maker is of the
// USB class for input devices.
func (d usbDevice) readerMaker() string {
	vendor, product, _ := strings.Cut(d.id, ":")
	row := readerMakers[vendor]
	isListed := row.products == "" || slices.ContainsFunc(strings.Fields(row.products), func(p string) bool { return strings.HasPrefix(product, p) })
	if !isListed || d.has(usbHID) || !d.has(usbVendor) && !d.has(usbData) {
		return ""
	}
	return row.maker
}

// fingerprintReader is the name of the fingerprint reader that a device is, by
// its own words or its maker; empty when it is none.
func (d usbDevice) fingerprintReader() string {
	words := strings.ToLower(d.product)
	for _, word := range []string{"fingerprint", "finger print", "biometric", "swipe sensor"} {
		if strings.Contains(words, word) {
			return d.fullName()
		}
	}
	maker := d.readerMaker()
	if maker != "" && d.product == "" {
		return maker + " fingerprint reader (USB " + d.id + ")"
	}
	if maker != "" {
		return d.fullName()
	}
	return ""
}

// graphics are the graphics processors: on PCI by class (PCI Code and ID
// Assignment Specification 1.11, 1.4), else what has a driver of the kernel's
// graphics.
func graphics(t tree, devices []pciDevice, names map[string]string) []Graphics {
	all := []Graphics{}
	for _, d := range devices {
		if strings.HasPrefix(d.class, "03") && len(all) < maxListed {
			all = append(all, Graphics{Model: names[d.id], PCIID: d.id, Driver: d.driver})
		}
	}
	const dir = "/sys/class/drm"
	for _, name := range t.names(dir) {
		number, isCard := strings.CutPrefix(name, "card")
		device := t.dir(dir, name, "device")
		if !isCard || !isDigits(number) || device == "" || len(all) == maxListed || slices.ContainsFunc(devices, func(d pciDevice) bool { return d.dir == device }) {
			continue
		}
		driver := t.linkBase(device, "driver")
		if driver == "" || driver == "simple-framebuffer" || driver == "efi-framebuffer" || driver == "vesa-framebuffer" {
			continue // the firmware's picture, not a processor
		}
		all = append(all, Graphics{Model: driver, Driver: driver})
	}
	return all
}

// opticalDrives are the disc drives that the kernel lists (cdrom.rst), by the
// name that each tells.
func opticalDrives(info string, t tree) []string {
	all := []string{}
	for line := range strings.Lines(info) {
		rest, ok := strings.CutPrefix(line, "drive name:")
		if !ok {
			continue
		}
		for _, name := range strings.Fields(rest) {
			device := path.Join("/sys/block", path.Base(name), "device")
			model := strings.TrimSpace(t.word(device, "vendor") + " " + t.word(device, "model"))
			if model == "" {
				model = name
			}
			all = listed(all, model)
		}
	}
	return all
}

// listed adds a name to a list unless it is there, or the list is full.
func listed(list []string, name string) []string {
	if name = cleaned(name); name == "" || slices.Contains(list, name) || len(list) == maxListed {
		return list
	}
	return append(list, name)
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
	name                          string
	keyboard, pointer, touch, pen bool
}

const busBluetooth = "0005" // BUS_BLUETOOTH of linux/input.h

// Bits of the masks in /proc/bus/input/devices, linux/input-event-codes.h.
const (
	firstLetterKey, letterKeys = 16, 10 // Q to P: what has these is a keyboard and no power button
	propertyDirect             = 0x01   // INPUT_PROP_DIRECT: what is touched is where the picture is
	absoluteTouch              = 0x35   // ABS_MT_POSITION_X
	toolPen                    = 0x140  // BTN_TOOL_PEN
)

// bitmap is a mask as the kernel writes it: words in hex of 64 bits, the
// lowest last. (A kernel of 32 bits has shorter words; no such machine is
// looked at.)
type bitmap []string

func (b bitmap) has(bit int) bool {
	at := len(b) - 1 - bit/64
	if at < 0 {
		return false
	}
	word, err := strconv.ParseUint(b[at], 16, 64)
	return err == nil && word>>(bit%64)&1 == 1
}

// parseInputDevices reads the keyboards, pointers, touch screens and pens of
// /proc/bus/input/devices.
func parseInputDevices(text string) []inputDevice {
	var all []inputDevice
	for section := range strings.SplitSeq(text, "\n\n") {
		var d inputDevice
		var properties, keys, absolute bitmap
		bluetooth, mouse := false, false
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
					mouse = mouse || isMouse && isDigits(number)
				}
			case "B":
				switch mask, words, _ := strings.Cut(rest, "="); mask {
				case "PROP":
					properties = strings.Fields(words)
				case "KEY":
					keys = strings.Fields(words)
				case "ABS":
					absolute = strings.Fields(words)
				}
			}
		}
		direct := properties.has(propertyDirect)
		d.keyboard = true
		for key := range letterKeys {
			d.keyboard = d.keyboard && keys.has(firstLetterKey+key)
		}
		d.pointer = mouse && !direct
		d.touch = direct && absolute.has(absoluteTouch)
		d.pen = direct && keys.has(toolPen)
		if d.name != "" && !bluetooth && (d.keyboard || d.pointer || d.touch || d.pen) {
			all = append(all, d)
		}
	}
	return all
}
