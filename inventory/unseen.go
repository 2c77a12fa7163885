package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// Reason is why a machine's storage was not erased, or cannot be seen.
type Reason struct {
	Code string `json:"code"`
	// PCIID and Device name the controller, where one is the reason.
	PCIID  string `json:"pci_id,omitempty"`
	Device string `json:"device,omitempty"`
	Text   string `json:"text"` // in English, a sentence
}

// The codes that [Unseen] gives. There is a message unseen.CODE for each, which
// takes Device.
const (
	UnseenRAIDMode     = "raid-mode"    // the firmware's RAID mode keeps drives to itself
	UnseenRAIDVolumes  = "raid-volumes" // a RAID controller that shows no volume
	UnseenVMD          = "vmd"
	UnseenNoDriver     = "no-driver"
	UnseenAppleT2      = "apple-t2"
	UnseenSoldered     = "soldered-unreachable"
	UnseenSilent       = "silent"           // a drive is there and gives no answer
	UnseenNothing      = "nothing-attached" // controllers work and nothing hangs on them
	UnseenNoController = "no-controller"
)

// Hides reports whether there is, or may be, storage behind the reason. What
// does not hide anything only explains why a machine has none.
func (r Reason) Hides() bool { return r.Code != UnseenNothing && r.Code != UnseenNoController }

// Unseen says why storage of a machine is not seen, most important first: what
// hides drives besides those that are seen, and, where there is none at all,
// why not. It is empty when nothing is missing. Controllers must have been read
// after their drivers settled.
func Unseen(m Machine) []Reason {
	reasons := []Reason{}
	add := func(code string, c Controller, format string) {
		device := c.Name
		if c.PCIID != "" && !strings.Contains(device, c.PCIID) {
			device = strings.TrimSpace(device + " (" + c.PCIID + ")")
		}
		reasons = append(reasons, Reason{Code: code, PCIID: c.PCIID, Device: device, Text: fmt.Sprintf(format, device)})
	}
	seen, chipDrives := 0, 0
	for _, c := range m.Controllers {
		seen += c.Drives
		if strings.HasPrefix(c.PCIID, "106b:") {
			chipDrives += c.Drives
		}
	}
	chip := slices.ContainsFunc(m.Controllers, func(c Controller) bool { return c.Mode == ModeT2 })
	var idle []Controller
	for _, c := range m.Controllers {
		firmware := strings.HasPrefix(c.PCIID, "8086:") || strings.HasPrefix(c.PCIID, "1022:")
		switch {
		case c.RemappedNVMe > 0:
			add(UnseenRAIDMode, c, fmt.Sprintf("%%s runs in RAID mode and keeps %d NVMe drives to itself; set the storage mode to AHCI in the firmware setup.", c.RemappedNVMe))
		case c.Mode == ModeVMD && c.Driver == "":
			add(UnseenVMD, c, "%s hides NVMe drives; turn VMD off in the firmware setup.")
		case c.Mode == ModeT2:
			if chipDrives == 0 && !slices.ContainsFunc(reasons, func(r Reason) bool { return r.Code == UnseenAppleT2 }) {
				add(UnseenAppleT2, c, "The drive is soldered behind Apple's T2 chip and is not shown (%s).")
			}
		case c.Drives > 0:
		case c.Mode == ModeRAID && c.Driver == "" && firmware:
			add(UnseenRAIDMode, c, "%s runs in RAID mode and keeps drives to itself; set the storage mode to AHCI in the firmware setup.")
		case c.Mode == ModeUFS:
			add(UnseenSoldered, c, "Soldered storage gives no answer (%s).")
		case strings.HasPrefix(c.PCIID, "106b:") && chip && chipDrives == 0:
			// Said of the chip that owns it.
		case c.Mode == ModeNVMe:
			add(UnseenSilent, c, "A drive is there and gives no answer (%s).")
		case c.Driver == "":
			add(UnseenNoDriver, c, "No driver runs %s, so what hangs on it cannot be seen.")
		case c.Mode == ModeRAID && c.Driver != "ahci":
			add(UnseenRAIDVolumes, c, "%s shows no volume and may keep drives to itself.")
		case c.Mode == ModeMMC && seen == 0 && soldered(c):
			add(UnseenSoldered, c, "Soldered storage gives no answer (%s).")
		default:
			idle = append(idle, c)
		}
	}
	switch {
	case seen > 0 || len(reasons) > 0 || ownDrives(m):
	case len(m.Controllers) == 0:
		reasons = append(reasons, Reason{Code: UnseenNoController, Text: "The machine shows no storage controller at all."})
	default:
		for _, c := range idle {
			if c.Mode != ModeMMC { // an empty card slot says nothing
				add(UnseenNothing, c, "%s works and nothing hangs on it.")
			}
		}
	}
	return reasons
}

// soldered reports whether a controller of memory cards is one whose chip does
// not come out, as far as its name tells.
func soldered(c Controller) bool {
	return c.PCIID == "" || strings.Contains(strings.ToLower(c.Name), "emmc")
}

// ownDrives reports whether a drive was seen that is not plugged in from
// outside, whatever it hangs on.
func ownDrives(m Machine) bool {
	return slices.ContainsFunc(m.Drives, func(d Drive) bool {
		return !d.Removable && d.Bus != BusUSB && d.Bus != BusFabric && d.Media != MediaOptical
	})
}
