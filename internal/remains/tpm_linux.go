package remains

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory"
)

const tpmClass = "/sys/class/tpm"

// chip is one TPM that the kernel has a driver for.
type chip struct {
	s        Source
	name     string // tpm0
	version  string // "2.0", "1.2", or empty
	disabled bool
	owned    bool // as far as a TPM 1.2 tells by its files
}

func (c chip) dir() string        { return tpmClass + "/" + c.name }
func (c chip) firmware() firmware { return firmware{s: c.s, dir: c.dir()} }

// chips are the TPMs of the machine; there is hardly ever more than one.
func (s Source) chips(f inventory.Firmware) (all []chip) {
	for _, name := range s.list(tpmClass) {
		if !strings.HasPrefix(name, "tpm") || strings.HasPrefix(name, "tpmrm") {
			continue
		}
		c := chip{s: s, name: name}
		switch s.text(c.dir(), "tpm_version_major") {
		case "2":
			c.version = "2.0"
		case "1":
			c.version = "1.2"
		default:
			c.version = f.TPM // older kernels do not say
		}
		if c.version == "1.2" {
			// Until Linux 4.12 these were the parent's.
			for _, at := range []string{c.dir(), c.dir() + "/device"} {
				c.disabled = c.disabled || s.text(at, "enabled") == "0" || s.text(at, "active") == "0"
				c.owned = c.owned || s.text(at, "owned") == "1"
			}
		}
		all = append(all, c)
	}
	return all
}

// open opens a chip for commands: through the kernel's resource manager where
// it has one, since another program may talk to it as well.
func (c chip) open() (transport.TPMCloser, error) {
	if c.s.TPM != nil {
		return c.s.TPM(c.name)
	}
	t, err := linuxtpm.Open(c.s.path("/dev", strings.Replace(c.name, "tpm", "tpmrm", 1)))
	if errors.Is(err, os.ErrNotExist) {
		t, err = linuxtpm.Open(c.s.path("/dev", c.name))
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.name, err)
	}
	return t, nil
}

// tpmSeen looks at the machine's TPM.
func (s Source) tpmSeen(f inventory.Firmware) Seen {
	chips := s.chips(f)
	seen := Seen{Thing: certs.RemainTPM}
	if len(chips) == 0 {
		switch {
		case f.TPM == "none":
			seen.Presence = Absent
		case f.TPM != "":
			seen.Presence, seen.Why, seen.Names = Present, WhyNoDriver, []string{"TPM " + f.TPM}
			if f.TPMDisabled {
				seen.Why = WhyDisabled
			}
		}
		return seen
	}
	seen.Presence = Present
	for i, c := range chips {
		one := c.seen()
		seen.Names = append(seen.Names, one.Names...)
		seen.Taken = seen.Taken || one.Taken
		// One that cannot be cleared speaks for all.
		if i == 0 || seen.Way != "" && one.Way != WayClear {
			seen.Way, seen.Why = one.Way, one.Why
		}
	}
	return seen
}

// seen looks at one chip and how it could be cleared. It changes nothing.
func (c chip) seen() Seen {
	seen := Seen{Thing: certs.RemainTPM, Presence: Present, Names: []string{strings.TrimSpace("TPM " + c.version)}}
	switch c.version {
	case "2.0":
		t, err := c.open()
		if err != nil {
			seen.Why = WhyUnclear
			break
		}
		defer t.Close()
		state, err := readState(t)
		if err != nil {
			seen.Why = WhyUnclear
			break
		}
		if state.maker != "" {
			seen.Names = []string{"TPM 2.0 " + state.maker}
		}
		seen.Taken = state.taken()
		if seen.Why = state.inTheWay(); seen.Why == "" {
			seen.Way = WayClear
			return seen
		}
	case "1.2":
		seen.Taken, seen.Why = c.owned, WhyVersion
		if c.disabled {
			seen.Why = WhyDisabled
		}
	default:
		seen.Why = WhyUnclear
	}
	if _, _, ok := c.firmware().operation(c.disabled); ok {
		seen.Way = WayFirmware
	} else if seen.Why == WhyOwned || seen.Why == WhyVersion {
		seen.Why = WhyBlocked
	}
	return seen
}

// clearTPM clears every TPM of the machine. What it says is the worst of them.
func (s Source) clearTPM(f inventory.Firmware) (certs.Remain, error) {
	chips := s.chips(f)
	if len(chips) == 0 {
		return certs.Remain{}, fmt.Errorf("clear the TPM: none can be reached: %w", ErrNothing)
	}
	rank := []certs.RemainState{certs.RemainDone, certs.RemainRequested, certs.RemainLeft}
	worst := certs.Remain{Thing: certs.RemainTPM, State: certs.RemainDone, By: certs.ByOmbruk}
	var texts []string
	for _, c := range chips {
		state, text := c.clear()
		if slices.Index(rank, state) > slices.Index(rank, worst.State) {
			worst.State = state
		}
		texts = append(texts, text)
	}
	worst.Text = sentence("%s", strings.Join(texts, "; "))
	return worst, nil
}

// clear clears one chip, or asks the firmware to.
func (c chip) clear() (certs.RemainState, string) {
	name := strings.TrimSpace("TPM " + c.version)
	var why error
	switch c.version {
	case "2.0":
		proof, err := c.clear2()
		if err == nil {
			return certs.RemainDone, name + " cleared: " + proof
		}
		if errors.Is(err, errNotProven) {
			return certs.RemainLeft, sentence("%s: %v", name, err)
		}
		why = err
	case "1.2":
		why = errors.New("only the firmware clears a TPM 1.2")
	default:
		why = errors.New("its version is not known")
	}
	number, confirmed, ok := c.firmware().operation(c.disabled)
	if !ok {
		return certs.RemainLeft, sentence("%s not cleared: %v; the firmware does not let the system ask for it", name, why)
	}
	if err := c.firmware().request(number); err != nil {
		return certs.RemainLeft, sentence("%s not cleared: %v; %v", name, why, err)
	}
	asks := "does it at the next start"
	if confirmed {
		asks = "asks for agreement at the next start"
	}
	return certs.RemainRequested, sentence("%s: %v; the firmware was asked to clear it (physical presence operation %d) and %s", name, why, number, asks)
}

// errNotProven means that a TPM answered that it was cleared, and does not look
// like it.
var errNotProven = errors.New("it says that it was cleared, and does not show it")

// clear2 clears a TPM 2.0 by TPM2_Clear with the lockout hierarchy (TCG TPM 2.0
// Library, Part 3, 24.6), whose password must be empty: a wrong one would only
// lock it. It says by what it was seen to be clear.
func (c chip) clear2() (proof string, err error) {
	t, err := c.open()
	if err != nil {
		return "", err
	}
	defer t.Close()
	before, err := readState(t)
	if err != nil {
		return "", err
	}
	switch before.inTheWay() {
	case WhyOwned:
		return "", errors.New("its lockout password is set")
	case WhyBlocked:
		return "", errors.New("clearing it is disabled")
	}
	before.mark(t)
	if err := command(func() error {
		_, err := tpm2.Clear{AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHLockout, Auth: tpm2.PasswordAuth(nil)}}.Execute(t)
		return err
	}); err != nil {
		return "", fmt.Errorf("clear %s: %w", c.name, err)
	}
	after, err := readState(t)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNotProven, err)
	}
	after.mark(t)
	return cleared(before, after)
}

// tpmState is what a TPM 2.0 tells of itself.
type tpmState struct {
	maker     string
	permanent uint32 // TPMA_PERMANENT
	startup   uint32 // TPMA_STARTUP_CLEAR
	// objects are the persistent keys and NV indexes that are not the
	// platform's, which a clear removes.
	objects []tpm2.TPMHandle
	// name is that of the storage primary key, which comes from a seed that a
	// clear replaces; nil where it could not be made.
	name []byte
}

// Bits of TPMA_PERMANENT and TPMA_STARTUP_CLEAR (Part 2, 8.6 and 8.7).
const (
	ownerAuthSet       = 1 << 0
	endorsementAuthSet = 1 << 1
	lockoutAuthSet     = 1 << 2
	disableClear       = 1 << 8
	storageEnabled     = 1 << 1
	authsSet           = ownerAuthSet | endorsementAuthSet | lockoutAuthSet
)

func (s tpmState) taken() bool { return s.permanent&(ownerAuthSet|lockoutAuthSet) != 0 }

// inTheWay is what keeps TPM2_Clear from working; empty when nothing does.
func (s tpmState) inTheWay() Why {
	switch {
	case s.permanent&disableClear != 0:
		return WhyBlocked
	case s.permanent&lockoutAuthSet != 0:
		return WhyOwned
	}
	return ""
}

// cleared says by what a TPM is seen to be another than before, or why not.
func cleared(before, after tpmState) (proof string, err error) {
	refuse := func(format string, args ...any) (string, error) {
		return "", fmt.Errorf("%w: %s", errNotProven, fmt.Sprintf(format, args...))
	}
	if after.permanent&authsSet != 0 {
		return refuse("a password is still set")
	}
	for _, h := range before.objects {
		if slices.Contains(after.objects, h) {
			return refuse("object %08x is still there", uint32(h))
		}
	}
	var seen []string
	switch {
	case before.name != nil && after.name != nil && bytes.Equal(before.name, after.name):
		return refuse("its storage key is the same")
	case before.name != nil && after.name != nil:
		seen = append(seen, "its storage key is another one")
	}
	if before.permanent&authsSet != 0 {
		seen = append(seen, "its passwords are gone")
	}
	switch n := len(before.objects); n {
	case 0:
	case 1:
		seen = append(seen, "1 object is gone")
	default:
		seen = append(seen, fmt.Sprintf("%d objects are gone", n))
	}
	if len(seen) == 0 {
		return refuse("nothing about it could be compared")
	}
	return strings.Join(seen, ", "), nil
}

// command runs a command. What a chip answers is parsed by a library, which a
// nonsensical answer must not bring down.
func command(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the answer makes no sense: %v", r)
		}
	}()
	return do()
}

// readState reads what a TPM 2.0 tells of itself; it changes nothing.
func readState(t transport.TPM) (s tpmState, err error) {
	properties := map[tpm2.TPMPT]uint32{}
	for _, from := range []tpm2.TPMPT{tpm2.TPMPTManufacturer, tpm2.TPMPTPermanent} {
		if err := command(func() error { return readProperties(t, from, 2, properties) }); err != nil {
			return s, fmt.Errorf("ask the TPM what it is: %w", err)
		}
	}
	var ok, ok2 bool
	s.permanent, ok = properties[tpm2.TPMPTPermanent]
	s.startup, ok2 = properties[tpm2.TPMPTStartupClear]
	if !ok || !ok2 {
		return s, errors.New("ask the TPM what it is: it does not say whether its passwords are set")
	}
	s.maker = makerName(properties[tpm2.TPMPTManufacturer])
	err = command(func() (err error) { s.objects, err = readObjects(t); return err })
	if err != nil {
		return s, fmt.Errorf("ask the TPM what it holds: %w", err)
	}
	return s, nil
}

// makerName is the maker's four letters (TCG TPM Vendor ID Registry).
func makerName(id uint32) string {
	name := ""
	for shift := 24; shift >= 0; shift -= 8 {
		if c := byte(id >> shift); c > ' ' && c < 0x7f {
			name += string(rune(c))
		}
	}
	return name
}

func readProperties(t transport.TPM, from tpm2.TPMPT, count uint32, into map[tpm2.TPMPT]uint32) error {
	answer, err := tpm2.GetCapability{Capability: tpm2.TPMCapTPMProperties, Property: uint32(from), PropertyCount: count}.Execute(t)
	if err != nil {
		return err
	}
	list, err := answer.CapabilityData.Data.TPMProperties()
	if err != nil {
		return err
	}
	for _, p := range list.TPMProperty {
		into[p.Property] = p.Value
	}
	return nil
}

// Ranges of handles (Part 2, 7.4 and 7.5).
const (
	nvFirst         = 0x01000000
	nvLast          = 0x01ffffff
	persistentFirst = 0x81000000
	persistentOwner = 0x817fffff // beyond are the platform's, which outlive a clear
	// objectsMost is far more than any TPM has room for.
	objectsMost = 4096
)

func readObjects(t transport.TPM) (objects []tpm2.TPMHandle, err error) {
	keys, err := readHandles(t, persistentFirst, persistentOwner)
	if err != nil {
		return nil, err
	}
	indexes, err := readHandles(t, nvFirst, nvLast)
	if err != nil {
		return nil, err
	}
	objects = keys
	for _, h := range indexes {
		public, err := tpm2.NVReadPublic{NVIndex: h}.Execute(t)
		if err != nil {
			return nil, fmt.Errorf("read NV index %08x: %w", uint32(h), err)
		}
		content, err := public.NVPublic.Contents()
		if err != nil {
			return nil, fmt.Errorf("read NV index %08x: %w", uint32(h), err)
		}
		if !content.Attributes.PlatformCreate {
			objects = append(objects, h)
		}
	}
	return objects, nil
}

func readHandles(t transport.TPM, first, last uint32) (all []tpm2.TPMHandle, err error) {
	for from := first; ; {
		answer, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: from, PropertyCount: 64}.Execute(t)
		if err != nil {
			return nil, err
		}
		list, err := answer.CapabilityData.Data.Handles()
		if err != nil {
			return nil, err
		}
		for _, h := range list.Handle {
			if uint32(h) < from || uint32(h) > last {
				return all, nil
			}
			all, from = append(all, h), uint32(h)+1
		}
		switch {
		case !answer.MoreData || len(list.Handle) == 0:
			return all, nil
		case len(all) > objectsMost:
			return nil, fmt.Errorf("more than %d objects", objectsMost)
		}
	}
}

// mark makes the storage primary key and keeps its name. Without the owner's
// password, or where the hierarchy is off, there is none.
func (s *tpmState) mark(t transport.TPM) {
	if s.permanent&ownerAuthSet != 0 || s.startup&storageEnabled == 0 {
		return
	}
	for _, template := range []tpm2.TPMTPublic{tpm2.ECCSRKTemplate, tpm2.RSASRKTemplate} {
		err := command(func() error {
			key, err := tpm2.CreatePrimary{
				PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)},
				InPublic:      tpm2.New2B(template),
			}.Execute(t)
			if err != nil {
				return err
			}
			s.name = append([]byte{}, key.Name.Buffer...)
			_, err = tpm2.FlushContext{FlushHandle: key.ObjectHandle}.Execute(t)
			return err
		})
		if err == nil || len(s.name) > 0 {
			return
		}
	}
	s.name = nil
}
