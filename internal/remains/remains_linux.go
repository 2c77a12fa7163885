// Package remains finds what holds data or credentials in a machine besides its
// drives, clears what the machine lets it clear, and decides what a record can
// say of each: the TPM, SIM and memory cards, discs, what the firmware keeps
// for its own use, and whose books the machine is still in.
package remains

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-tpm/tpm2/transport"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/inventory"
)

// Source is the machine whose remains are looked at.
type Source struct {
	// Root is where its tree of files is; empty is this system's own.
	Root string
	// TPM opens the TPM of that name ("tpm0") for commands; nil opens its
	// device.
	TPM func(name string) (transport.TPMCloser, error)
	// Tray and OpenTray ask and open an optical drive; nil asks the kernel.
	Tray     func(path string) (kernel.Tray, error)
	OpenTray func(path string) error
}

// Presence says whether something is there.
type Presence string

// The presences. The zero value means that it cannot be told.
const (
	Absent  Presence = "absent" // looked for, and not there, or empty
	Present Presence = "present"
)

// Way is how the program deals with something itself.
type Way string

// The ways. The zero value means that it cannot.
const (
	WayClear    Way = "clear"    // now
	WayFirmware Way = "firmware" // by asking the firmware, which does it at the next start
	WayEject    Way = "eject"    // by opening the tray
)

// Seen is what was seen of one thing.
type Seen struct {
	Thing    string // one of certs.RemainThings
	Presence Presence
	// Names are what was seen, as it calls itself. They are shown, and are in
	// no record.
	Names []string
	// Way is how [Source.Clear] would deal with it.
	Way Way
	// Why says what is in the way of Clear, or of doing it at once; there is a
	// message remain-why.CODE for each code. Empty when nothing is.
	Why Why
	// Taken is true for a TPM that somebody has taken into use: its owner or
	// lockout password is set.
	Taken bool
}

// Why is a reason why something is not cleared, or not at once.
type Why string

// The reasons.
const (
	WhyOwned    Why = "owned"     // the TPM's lockout password is set, so only the firmware can clear it
	WhyBlocked  Why = "blocked"   // the firmware does not let the system ask
	WhyDisabled Why = "disabled"  // it is switched off in the firmware
	WhyNoDriver Why = "no-driver" // this system has no driver for it
	WhyVersion  Why = "version"   // a TPM 1.2 is only cleared by the firmware
	WhyUnclear  Why = "unclear"   // it does not answer as it should
)

// Ask reports whether somebody should be asked about it before the record is
// made: it is there, and is none of the machine's own parts that are seen to
// be dealt with.
func (s Seen) Ask() bool { return s.Presence == Present }

// Look sees what there is of everything, in the order of certs.RemainThings. m
// is the machine as it was found, with its drives of now.
func (s Source) Look(ctx context.Context, m inventory.Machine) []Seen {
	var all []Seen
	for _, thing := range certs.RemainThings() {
		one := Seen{Thing: thing}
		switch {
		case ctx.Err() != nil:
		case thing == certs.RemainTPM:
			one = s.tpmSeen(m.Firmware)
		case thing == certs.RemainSIM:
			one.found(modems(m))
		case thing == certs.RemainCard:
			one = s.cards(m.Drives)
		case thing == certs.RemainDisc:
			one = s.discs()
		case thing == certs.RemainWiFi:
			one.found(s.firmwareWiFi())
		case thing == certs.RemainManagement:
			one.found(s.management())
		case thing == certs.RemainEnrolment:
			one.found(enrolments(m))
		}
		all = append(all, one)
	}
	return all
}

// found makes what has a name present. That nothing was found proves nothing.
func (s *Seen) found(names []string) {
	if s.Names = names; len(names) > 0 {
		s.Presence = Present
	}
}

// ErrNothing means that there is nothing to clear, or no way to.
var ErrNothing = fmt.Errorf("the program cannot do that")

// Clear deals with a thing as [Seen.Way] says. What it gives is what the record
// can say of it: done only where it was seen to be done. An error means that
// nothing was tried.
func (s Source) Clear(ctx context.Context, m inventory.Machine, thing string) (certs.Remain, error) {
	if err := ctx.Err(); err != nil {
		return certs.Remain{}, fmt.Errorf("clear %s: %w", thing, err)
	}
	switch thing {
	case certs.RemainTPM:
		return s.clearTPM(m.Firmware)
	case certs.RemainDisc:
		return s.eject()
	}
	return certs.Remain{}, fmt.Errorf("clear %.40q: %w", thing, ErrNothing)
}

// modems are what may hold a SIM.
func modems(m inventory.Machine) (names []string) {
	for _, n := range m.Network {
		if n.WWAN {
			names = append(names, n.Model)
		}
	}
	return names
}

// enrolmentLocks are the locks that a release by whom the machine came from
// opens.
func enrolmentLocks() []string {
	return []string{inventory.LockAutopilot, inventory.LockActivation, inventory.LockKnox, inventory.LockChromeEnrolment}
}

func enrolments(m inventory.Machine) (codes []string) {
	for _, l := range m.Locks {
		if l.State == inventory.LockSet && slices.Contains(enrolmentLocks(), l.Code) {
			codes = append(codes, l.Code)
		}
	}
	return codes
}

// amtClient is the id of the firmware client that Intel AMT is set up through
// (PTHI); only management engines with AMT have it on the bus.
const amtClient = "12f80028-b4b7-4b2d-aca8-46e0ff65814c"

// management names the other computers in the machine that have accounts of
// their own.
func (s Source) management() (names []string) {
	for _, name := range s.list("/sys/bus/mei/devices") {
		if strings.Contains(strings.ToLower(name), amtClient) {
			names = append(names, "Intel AMT")
			break
		}
	}
	bmc := func(name string) bool { return strings.HasPrefix(name, "ipmi") }
	if slices.ContainsFunc(s.list("/sys/class/ipmi"), bmc) || slices.ContainsFunc(s.list("/dev"), bmc) {
		names = append(names, "BMC (IPMI)")
	}
	return names
}

// wirelessVariable matches the names that makers give UEFI variables in which
// the firmware keeps networks it joins by itself.
var wirelessVariable = regexp.MustCompile(`(?i)wi-?fi|wlan|wireless.*(profile|network|ssid)`)

// firmwareWiFi counts such variables: their names are the maker's, but nobody
// promises that no network is named in them.
func (s Source) firmwareWiFi() []string {
	n := 0
	for _, name := range s.list("/sys/firmware/efi/efivars") {
		if wirelessVariable.MatchString(name) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("UEFI: %d", n)}
}

// attributeMost is the most that is read of one file of sysfs, and listMost of
// a folder.
const (
	attributeMost = 64 << 10
	listMost      = 4096
)

func (s Source) path(names ...string) string {
	return filepath.Join(append([]string{"/", s.Root}, names...)...)
}

// list gives the names in a folder; none when it cannot be read.
func (s Source) list(dir string) (names []string) {
	f, err := os.Open(s.path(dir))
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ = f.Readdirnames(listMost)
	slices.Sort(names)
	return names
}

// text is the content of a small file, trimmed; empty when it cannot be read.
func (s Source) text(names ...string) string {
	f, err := os.Open(s.path(names...))
	if err != nil {
		return ""
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, attributeMost))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
