package drivesim

import (
	"fmt"
	"syscall"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

// USBProfile is a USB bridge between host and drive.
type USBProfile struct {
	// Vendor, Product and Revision are what INQUIRY says; the drive's own
	// when empty.
	Vendor   string `json:"vendor,omitempty"`
	Product  string `json:"product,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Serial is the bridge's own, which hides the drive's.
	Serial string `json:"serial,omitempty"`
	// SAT is which ATA PASS-THROUGH commands it takes: "both" (when empty),
	// "12", "16" or "none".
	SAT string `json:"sat,omitempty"`
	// Registers is how it reports ATA registers; "fixed" when empty.
	Registers string `json:"registers,omitempty"`
	// FormatDoesNot is FORMAT UNIT that answers GOOD and does nothing.
	FormatDoesNot bool `json:"format_does_not,omitempty"`
	// Unmap says that it offers UNMAP, UnmapDoesNot that it does nothing.
	Unmap        bool `json:"unmap,omitempty"`
	UnmapDoesNot bool `json:"unmap_does_not,omitempty"`
	// WriteProtect is a switch on the case.
	WriteProtect bool `json:"write_protect,omitempty"`
}

// usbFront is a bridge with a drive behind it.
type usbFront struct {
	c     *core
	p     USBProfile
	inner frontEnd
	units []*scsiUnit
}

func newUSBFront(c *core, inner frontEnd) (frontEnd, error) {
	f := &usbFront{c: c, p: *c.profile.USB, inner: inner}
	switch f.p.SAT {
	case "", "both", "12", "16", "none":
	default:
		return nil, fmt.Errorf("usb: sat %q", f.p.SAT)
	}
	dialect := satDialect(f.p.Registers)
	switch dialect {
	case "":
		dialect = satFixed
	case satDescriptor, satFixed, satSilent:
	default:
		return nil, fmt.Errorf("usb: registers %q", f.p.Registers)
	}
	if disk, ok := inner.(*scsiFront); ok { // a disk that is its own bridge
		f.units = disk.units
	} else {
		f.units = []*scsiUnit{{c: c, area: c.medium.areas[0]}}
	}
	for _, u := range f.units {
		u.personality, u.dialect = scsiUSBBridge, dialect
		u.identity.fewPages = !f.p.Unmap
		f.name(&u.identity)
		u.caps.formatDoesNot = f.p.FormatDoesNot || u.caps.formatDoesNot
		u.caps.writeProtected, u.caps.unmapDoesNot = f.p.WriteProtect, f.p.UnmapDoesNot
		u.identity.unmaps = f.p.Unmap
		if d, ok := inner.(*ataDrive); ok {
			u.ata = d
			u.health = d.p.Health
			if f.p.SAT != "none" {
				u.through = d
				u.through12, u.through16 = f.p.SAT != "16", f.p.SAT != "12"
			}
		}
	}
	return f, nil
}

func (f *usbFront) name(id *scsiIdentity) {
	p := f.c.profile
	id.vendor, id.product, id.revision = p.Manufacturer, p.Model, p.Firmware
	if f.p.Vendor != "" {
		id.vendor = f.p.Vendor
	}
	if f.p.Product != "" {
		id.product = f.p.Product
	}
	if f.p.Revision != "" {
		id.revision = f.p.Revision
	}
	id.serialNow = func() string {
		if f.p.Serial != "" {
			return f.p.Serial
		}
		return f.c.serial
	}
	id.removable = p.Removable
}

func (f *usbFront) wires(a *area, gen int) drive.Wires {
	for _, u := range f.units {
		if u.area == a {
			return drive.Wires{SCSI: scsiWire{c: f.c, unit: u, gen: gen}}
		}
	}
	return drive.Wires{SCSI: scsiWire{c: f.c, unit: f.units[0], gen: gen}}
}

func (f *usbFront) access(a *area, write bool) error {
	if write && f.p.WriteProtect {
		return fmt.Errorf("write protected by its switch: %w", syscall.EROFS)
	}
	return f.inner.access(a, write)
}

func (f *usbFront) powerOn() {
	f.inner.powerOn()
	for _, u := range f.units {
		u.powerOn()
	}
}

func (f *usbFront) reset() {
	f.inner.reset()
	for _, u := range f.units {
		u.reset()
	}
}

// facts are what the host sees of the bridge instead of the drive.
func (f *usbFront) facts(a *area, d *inventory.Drive) {
	d.ReadOnly = f.p.WriteProtect // which Linux reads from MODE SENSE
	f.inner.facts(a, d)
	id := scsiIdentity{}
	f.name(&id)
	d.Manufacturer, d.Model, d.Firmware, d.Serial = id.vendor, id.product, id.revision, id.number()
	d.WWN = ""
}
