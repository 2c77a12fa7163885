package drivesim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

// NVMeProfile is what an NVMe controller answers beyond its erase commands,
// from which OACS and bits 2:0 of SANICAP follow.
type NVMeProfile struct {
	// Version is the edition of the base specification: 1.3, 1.4, 2.0, 2.1, 2.3.
	Version string `json:"version"`
	// FNA is Format NVM Attributes: bit 0 a format, bit 1 an erasing format is
	// of all namespaces whichever is named; bit 3 FFFFFFFFh is not taken. Bit
	// 2 follows from the erase commands.
	FNA byte `json:"fna,omitempty"`
	// NDI is set when NDAS is inhibited; NODMMAS is bits 31:30 of SANICAP.
	NDI     bool `json:"ndi,omitempty"`
	NODMMAS byte `json:"nodmmas,omitempty"`
	// VERS is set when the media verification state is known, SPRRS when PREQ is.
	VERS  bool `json:"vers,omitempty"`
	SPRRS bool `json:"sprrs,omitempty"`
	// ClearsOnly makes a sanitize that must purge (PREQ) fail.
	ClearsOnly bool `json:"clears_only,omitempty"`
	// Namespaces is set when they can be created, deleted and attached.
	Namespaces bool `json:"namespaces,omitempty"`
	// DAE is set when reads of deallocated blocks can be made to fail
	// (DULBE), DULBE when they are so from the start.
	DAE   bool `json:"dae,omitempty"`
	DULBE bool `json:"dulbe,omitempty"`
	// NODRM is the state of the Sanitize Config feature.
	NODRM bool `json:"nodrm,omitempty"`
	// Restricted says that a sanitize that failed was in restricted mode.
	Restricted bool `json:"restricted,omitempty"`
	// WriteProtected is the state of the Namespace Write Protection feature
	// (84h) of all namespaces: it can be lifted.
	WriteProtected bool `json:"write_protected,omitempty"`
	// PercentUsed, SparePercent and CriticalWarning are of the SMART log.
	PercentUsed     byte `json:"percent_used,omitempty"`
	SparePercent    byte `json:"spare_percent,omitempty"`
	CriticalWarning byte `json:"critical_warning,omitempty"`
	// MediaErrors are of the SMART log too.
	MediaErrors uint64 `json:"media_errors,omitempty"`
	// SelfTestFailedAt is the power-on hour at which an extended self-test
	// failed; 0 for a drive without self-tests.
	SelfTestFailedAt uint64 `json:"self_test_failed_at,omitempty"`
}

// Status field values: SCT in bits 10:8, SC in 7:0, DNR in 14 (NVMe Base 2.1
// section 4.2.3).
const (
	nvmeOK                  = 0x0000
	nvmeInvalidOpcode       = 0x4001
	nvmeInvalidField        = 0x4002
	nvmeInternalError       = 0x0006
	nvmeInvalidNamespace    = 0x400B
	nvmeDenied              = 0x0015
	nvmeWriteProtected      = 0x0020
	nvmeSanitizeFailed      = 0x001C
	nvmeSanitizeInProgress  = 0x001D
	nvmeFormatInProgress    = 0x0084
	nvmeInvalidLogPage      = 0x4109
	nvmeInvalidFormat       = 0x410A
	nvmeNotSaveable         = 0x410D
	nvmeCapacity            = 0x4115 // namespace insufficient capacity
	nvmeAlreadyAttached     = 0x4118
	nvmeNotAttached         = 0x411A
	nvmeControllerListWrong = 0x411C
	nvmeEventLimit          = 0x4105
)

const nvmeAll = 0xFFFFFFFF // NSID of all namespaces

// Admin opcodes (NVMe Base 2.1 figure 87).
const (
	nvmeOpGetLog          = 0x02
	nvmeOpIdentify        = 0x06
	nvmeOpAbort           = 0x08
	nvmeOpSetFeatures     = 0x09
	nvmeOpGetFeatures     = 0x0A
	nvmeOpAsyncEvent      = 0x0C
	nvmeOpNamespaces      = 0x0D
	nvmeOpAttachment      = 0x15
	nvmeOpKeepAlive       = 0x18
	nvmeOpFormat          = 0x80
	nvmeOpSecuritySend    = 0x81
	nvmeOpSecurityReceive = 0x82
	nvmeOpSanitize        = 0x84
)

// nvmeFront is an NVMe controller, alone in its subsystem.
type nvmeFront struct {
	*core
	p         NVMeProfile
	nodrm     bool
	sanitize  nvmeSanitize
	formatter *job // the format under way
	// deleted are the namespaces that are no more, protected those that
	// the Namespace Write Protection feature keeps from being written.
	deleted, protected map[*area]bool
}

func newNVMeFront(c *core) (frontEnd, error) {
	f := &nvmeFront{core: c, deleted: map[*area]bool{}, protected: map[*area]bool{}}
	if c.profile.NVMe != nil {
		f.p = *c.profile.NVMe
	}
	f.nodrm = f.p.NODRM
	if _, err := f.version(); err != nil {
		return nil, err
	}
	for _, a := range c.medium.areas {
		if a.blockBytes != 512 && a.blockBytes != 4096 {
			return nil, fmt.Errorf("namespace with blocks of %d bytes: %w", a.blockBytes, errors.ErrUnsupported)
		}
		a.dulbe, f.protected[a] = f.p.DULBE, f.p.WriteProtected
	}
	return f, f.resume()
}

// version is the VER field.
func (f *nvmeFront) version() (uint32, error) {
	versions := map[string]uint32{"": 0x20000, "1.2": 0x10200, "1.3": 0x10300, "1.4": 0x10400, "2.0": 0x20000, "2.1": 0x20100, "2.3": 0x20300}
	v, ok := versions[f.p.Version]
	if !ok {
		return 0, fmt.Errorf("NVMe version %q: %w", f.p.Version, errors.ErrUnsupported)
	}
	return v, nil
}

func (f *nvmeFront) wires(a *area, gen int) drive.Wires {
	return drive.Wires{NVMe: nvmeWire{f, gen}, NSID: a.number, NSIDOf: f.nsidOf}
}

// nsidOf is the namespace behind a node, as sysfs tells it.
func (f *nvmeFront) nsidOf(path string) uint32 { return f.nodes[path] }

// access says what a read or write of blocks gets. A write is also what
// clears Global Data Erased.
func (f *nvmeFront) access(a *area, write bool) error {
	switch {
	case !a.attached:
		return fmt.Errorf("namespace is not attached: %w", syscall.EIO)
	case f.sanitize.state == sanFailedRestricted, f.sanitize.state == sanFailedUnrestricted:
		return fmt.Errorf("sanitize failed: %w", syscall.EIO)
	case write && f.sanitize.state == sanMediaVerification:
		return fmt.Errorf("media verification: %w", syscall.EIO)
	case write && f.protected[a]:
		return fmt.Errorf("namespace is write protected: %w", syscall.EROFS)
	case write:
		f.sanitize.erased = false
	}
	return nil
}

func (f *nvmeFront) powerOn() { f.closeMedia() }

func (f *nvmeFront) reset() { f.closeMedia() }

func (f *nvmeFront) facts(*area, *inventory.Drive) {}

// nvmeWire is the admin queue as one host has it open.
type nvmeWire struct {
	*nvmeFront
	gen int
}

// Admin implements nvme.Issuer.
func (w nvmeWire) Admin(ctx context.Context, cmd nvme.Command) (nvme.Completion, error) {
	if err := w.enter(ctx, w.gen); err != nil {
		return nvme.Completion{}, err
	}
	defer w.leave()
	f := w.nvmeFront
	if status := f.forbidden(cmd); status != nvmeOK {
		return nvme.Completion{Status: status}, nil
	}
	switch cmd.Opcode {
	case nvmeOpIdentify:
		return f.identify(cmd), nil
	case nvmeOpGetLog:
		return f.getLog(cmd), nil
	case nvmeOpGetFeatures:
		return f.getFeatures(cmd), nil
	case nvmeOpSetFeatures:
		return f.setFeatures(cmd), nil
	case nvmeOpKeepAlive:
		return nvme.Completion{}, nil
	case nvmeOpAbort:
		return nvme.Completion{Result: 1}, nil // not aborted
	case nvmeOpAsyncEvent:
		return nvme.Completion{Status: nvmeEventLimit}, nil
	case nvmeOpSanitize:
		return nvme.Completion{Status: f.startSanitize(cmd)}, nil
	case nvmeOpFormat:
		return f.format(ctx, w.gen, cmd)
	case nvmeOpSecuritySend, nvmeOpSecurityReceive:
		return nvme.Completion{Status: f.security(cmd)}, nil
	case nvmeOpNamespaces:
		return f.manageNamespaces(cmd), nil
	case nvmeOpAttachment:
		return nvme.Completion{Status: f.attachNamespace(cmd)}, nil
	}
	return nvme.Completion{Status: nvmeInvalidOpcode}, nil
}

// forbidden is why a command is refused in the state the controller is in
// (NVMe Base 2.1 section 5.1.1 and 8.1.24.5); nvmeOK when it is not.
func (f *nvmeFront) forbidden(cmd nvme.Command) uint16 {
	if f.lies(LieAborts) && cmd.Opcode != nvmeOpIdentify {
		return nvmeInvalidOpcode
	}
	allowed := slices.Contains([]byte{nvmeOpIdentify, nvmeOpAbort, nvmeOpGetFeatures, nvmeOpSetFeatures, nvmeOpAsyncEvent, nvmeOpKeepAlive}, cmd.Opcode)
	if cmd.Opcode == nvmeOpGetLog {
		allowed = slices.Contains([]byte{0x01, 0x02, 0x04, 0x80, 0x81}, byte(cmd.CDW10))
	}
	switch {
	case allowed:
		return nvmeOK
	case f.formatter != nil:
		return nvmeFormatInProgress
	case f.sanitize.failed() && cmd.Opcode != nvmeOpSanitize:
		return nvmeSanitizeFailed
	case f.sanitize.inProgress() && cmd.Opcode != nvmeOpSanitize:
		return nvmeSanitizeInProgress
	}
	return nvmeOK
}

// area is the namespace of that NSID that exists, attached or not; nil for none.
func (f *nvmeFront) namespace(nsid uint32) *area {
	for _, a := range f.medium.areas {
		if a.kind == userArea && a.number == nsid && !f.deleted[a] && !a.late {
			return a
		}
	}
	return nil
}

// namespaces are those that exist; with attached, only those that are.
func (f *nvmeFront) namespaces(attached bool) []*area {
	var all []*area
	for _, a := range f.medium.areas {
		if a.kind == userArea && !f.deleted[a] && !a.late && (a.attached || !attached) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *area) int { return int(a.number) - int(b.number) })
	return all
}

// anyLocked reports whether a lock of the TCG side keeps a namespace from
// being written; an erase of it is then denied (TCG Storage Interface
// Interactions 1.11, Format NVM and Sanitize).
func (f *nvmeFront) anyLocked(areas []*area) bool {
	return f.tcg != nil && slices.ContainsFunc(areas, func(a *area) bool { return f.tcg.locked(a, 0, a.sizeBytes, true) })
}

// anyProtected reports whether one of the namespaces is write protected.
func (f *nvmeFront) anyProtected(areas []*area) bool {
	return slices.ContainsFunc(areas, func(a *area) bool { return f.protected[a] })
}

// has reports whether the drive has an erase command that begins so.
func (f *nvmeFront) has(prefix string) bool {
	for e := range f.profile.Erasers {
		if strings.HasPrefix(string(e), prefix) {
			return true
		}
	}
	return false
}

// security is Security Send and Security Receive (NVMe Base 2.1 section 5.1.23
// and 5.1.24).
func (f *nvmeFront) security(cmd nvme.Command) uint16 {
	if f.tcg == nil {
		return nvmeInvalidOpcode
	}
	protocol, comID, n := byte(cmd.CDW10>>24), uint16(cmd.CDW10>>8), int64(cmd.CDW11)
	if n > int64(len(cmd.Data)) {
		return nvmeInvalidField
	}
	data := cmd.Data[:n]
	if cmd.Opcode == nvmeOpSecuritySend {
		if !f.tcg.ifSend(protocol, comID, data) {
			return nvmeInvalidField
		}
		return nvmeOK
	}
	clear(data)
	if !f.tcg.ifRecv(protocol, comID, data) {
		return nvmeInvalidField
	}
	f.answer(data)
	return nvmeOK
}
