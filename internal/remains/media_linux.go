package remains

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/inventory"
)

// cardReader matches what USB card readers call themselves. Other things on
// USB are sticks and disks, which the list of drives shows.
var cardReader = regexp.MustCompile(`(?i)card|reader|\bcrw\b|sd[/_-]?mmc|\bsd\b|\bcf\b|memory ?stick`)

// cards looks for memory cards. A slot that is seen to be empty is known to be;
// where no slot is seen nothing is.
func (s Source) cards(drives []inventory.Drive) Seen {
	seen := Seen{Thing: certs.RemainCard}
	for _, d := range drives {
		if !d.Removable || d.PartitionOf != "" {
			continue
		}
		reader := d.Bus == inventory.BusMMC || d.Bus == inventory.BusUSB && cardReader.MatchString(d.Manufacturer+" "+d.Model)
		if !reader || d.CapacityBytes <= 0 || booted(d) {
			continue
		}
		seen.Presence = Present
		seen.Names = append(seen.Names, strings.TrimSpace(d.Path+" "+d.Model))
	}
	if seen.Presence == "" && s.emptySlot() {
		seen.Presence = Absent
	}
	return seen
}

// booted reports a medium that this system was started from.
func booted(d inventory.Drive) bool {
	return slices.ContainsFunc(d.Uses, func(u inventory.Use) bool { return u.Kind == inventory.UseBootMedium })
}

// emptySlot reports a slot for cards that has none in it: an MMC host on which
// nothing was found, or a disk of a card reader without a size.
func (s Source) emptySlot() bool {
	for _, host := range s.list("/sys/class/mmc_host") {
		taken := false
		for _, name := range s.list("/sys/class/mmc_host/" + host) {
			taken = taken || strings.HasPrefix(name, host+":")
		}
		if !taken {
			return true
		}
	}
	for _, name := range s.list("/sys/class/block") {
		dir := "/sys/class/block/" + name
		if strings.HasPrefix(name, "sd") && s.text(dir, "removable") == "1" && s.text(dir, "size") == "0" &&
			cardReader.MatchString(s.text(dir, "device/vendor")+" "+s.text(dir, "device/model")) {
			return true
		}
	}
	return false
}

// opticals are the optical drives, without one that this system stands on.
func (s Source) opticals() (paths []string) {
	mounts := s.text("/proc/self/mounts")
	for _, name := range s.list("/sys/class/block") {
		if path := "/dev/" + name; strings.HasPrefix(name, "sr") && !strings.Contains("\n"+mounts, "\n"+path+" ") {
			paths = append(paths, path)
		}
	}
	return paths
}

func (s Source) tray(path string) (kernel.Tray, error) {
	if s.Tray != nil {
		return s.Tray(path)
	}
	return kernel.TrayOf(s.path(path))
}

// discs looks for discs in trays. An open tray tells nothing of what lies on it.
func (s Source) discs() Seen {
	seen := Seen{Thing: certs.RemainDisc}
	open := false
	for _, path := range s.opticals() {
		tray, err := s.tray(path)
		switch {
		case err != nil || tray == kernel.TrayUnknown || tray == kernel.TrayNotReady || tray == kernel.TrayOpen:
			open = true
		case tray == kernel.TrayDisc:
			seen.Presence, seen.Way = Present, WayEject
			seen.Names = append(seen.Names, strings.TrimSpace(path+" "+s.text("/sys/class/block", strings.TrimPrefix(path, "/dev/"), "device/model")))
		case seen.Presence == "":
			seen.Presence = Absent
		}
	}
	if open && seen.Presence == Absent {
		seen.Presence = ""
	}
	return seen
}

// eject opens every tray with a disc in it. The disc is then still with the
// machine, until somebody takes it.
func (s Source) eject() (certs.Remain, error) {
	open := s.OpenTray
	if open == nil {
		open = func(path string) error { return kernel.OpenTray(s.path(path)) }
	}
	left := certs.Remain{Thing: certs.RemainDisc, State: certs.RemainLeft, By: certs.ByOmbruk}
	var opened []string
	var errs []error
	for _, path := range s.opticals() {
		if tray, err := s.tray(path); err != nil || tray != kernel.TrayDisc {
			continue
		}
		if err := open(path); err != nil {
			errs = append(errs, err)
			continue
		}
		opened = append(opened, path)
	}
	switch {
	case len(errs) > 0:
		left.Text = sentence("a disc is in, and the tray does not open: %v", errors.Join(errs...))
	case len(opened) > 0:
		left.Text = "the tray was opened, and nobody said that the disc was taken out"
	default:
		return certs.Remain{}, fmt.Errorf("open the tray: no disc is in: %w", ErrNothing)
	}
	return left, nil
}

// sentenceMost keeps what drivers and chips say from filling a record.
const sentenceMost = 400

// sentence is a text for the record, on one line.
func sentence(format string, args ...any) string {
	s := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > sentenceMost {
		s = string(r[:sentenceMost-3]) + "..."
	}
	return s
}
