package drive

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/tcg"
	"github.com/ombruk/ombruk/inventory"
)

// nvmeOther is a namespace beside the target.
type nvmeOther struct {
	nsid   uint32
	active bool // attached to this controller
}

// Abilities implements erase.Firmware.
func (n *nvmeDrive) Abilities(ctx context.Context) (inventory.Abilities, error) {
	if err := n.found(ctx); err != nil {
		return inventory.Abilities{}, err
	}
	controller, _, err := n.identify(ctx)
	if err != nil {
		return inventory.Abilities{}, err
	}
	space, err := n.namespace(ctx, nvme.IdentifyNamespace(n.was.nsid))
	if err != nil {
		return inventory.Abilities{}, err
	}
	n.controller = controller
	a := inventory.Abilities{
		Protocol: "nvme", Erasers: []inventory.Eraser{},
		Encrypts:   controller.SANICAP.Crypto() || controller.HasFormat() && controller.FNA.Crypto(),
		BlockBytes: nvmeBlockBytes(space),
		// No namespace has an HPA, a DCO or an AMA: nothing is hidden.
		Hidden: inventory.Hidden{AMABytes: new(int64)},
	}
	log, blocked := n.sanitizeAbilities(ctx, &a)
	b := n.spaces(ctx, &a)
	if space.WriteProtected() {
		b.all, b.one = "the namespace is write protected", "the namespace is write protected"
	}
	if blocked != "" {
		b.all, b.one = blocked, blocked
	}
	n.erasers(&a, log, b)
	n.health(ctx, &a)
	n.zoned(ctx, &a)
	var t tcg.Transport
	if controller.HasSecurity() {
		t = nvme.Security{To: n.wire}
	}
	tcgAbilities(ctx, t, &a)
	for i := range a.Erasers {
		// Whatever comes that way is for the whole drive.
		if e := &a.Erasers[i]; e.WholeDrive && b.count == 0 && e.Blocked == "" {
			e.Blocked = b.all
		}
	}
	return a, nil
}

func nvmeNote(a *inventory.Abilities, format string, args ...any) {
	a.Notes = append(a.Notes, fmt.Sprintf(format, args...))
}

// nvmeBlockBytes is the size of a block on the wire when Linux cannot read it:
// with metadata behind the data that are not protection information alone.
func nvmeBlockBytes(s nvme.Namespace) int {
	f := s.Format()
	if f.MS == 0 || !s.ExtendedLBA() || s.DPS&7 != 0 && f.MS == 8 {
		return 0
	}
	return 1<<f.LBADS + int(f.MS)
}

// sanitizeAbilities reads the sanitize status first of all, and says why no
// sanitize may be started; empty when one may.
func (n *nvmeDrive) sanitizeAbilities(ctx context.Context, a *inventory.Abilities) (nvme.SanitizeLog, string) {
	none := nvme.SanitizeLog{ETO: nvme.NotTold, ETBE: nvme.NotTold, ETCE: nvme.NotTold}
	if n.controller.SANICAP == 0 {
		a.Sanitize.ProgressPPM = -1
		return none, ""
	}
	log, err := n.sanitizeLog(ctx)
	if err != nil {
		var refusal *nvme.StatusError
		if errors.As(err, &refusal) && refusal.Code() == nvme.SanitizeInProgress {
			a.Sanitize = inventory.SanitizeState{State: inventory.SanitizeRunning, ProgressPPM: -1, Raw: err.Error()}
			return none, ""
		}
		a.Sanitize = inventory.SanitizeState{State: inventory.SanitizeUnknown, ProgressPPM: -1, Raw: err.Error()}
		nvmeNote(a, "sanitize status cannot be read: %v", err)
		return none, "its sanitize status cannot be read, so that no end of a sanitize could be proved"
	}
	status := nvmeSanitizeStatus(log, nil, 0)
	a.Sanitize = inventory.SanitizeState{
		State: map[erase.State]string{
			erase.StateIdle: inventory.SanitizeIdle, erase.StateRunning: inventory.SanitizeRunning,
			erase.StateSucceeded: inventory.SanitizeSucceeded, erase.StateFailed: inventory.SanitizeFailed,
			erase.StateOpenMedia: inventory.SanitizeVerifying, erase.StateUnknown: inventory.SanitizeUnknown,
		}[status.State],
		Command: status.Of, ProgressPPM: status.ProgressPPM, GlobalDataErased: log.GlobalDataErased(), Raw: log.String(),
	}
	return log, ""
}

// nvmeSeconds is an estimate as inventory.Eraser has it.
func nvmeSeconds(told uint32) int64 {
	if told == nvme.NotTold {
		return 0
	}
	return int64(told)
}

// nvmeBlocked is why nothing may be erased, empty when it may: all is for
// commands that reach every namespace, one for those to the target alone.
type nvmeBlocked struct {
	all, one string
	// count is how many namespaces there are, 0 when they cannot be listed.
	count int
}

// erasers lists what the controller says it has.
func (n *nvmeDrive) erasers(a *inventory.Abilities, log nvme.SanitizeLog, b nvmeBlocked) {
	s := n.controller.SANICAP
	// A sanitize reaches the whole NVM subsystem, whatever it is given to.
	add := func(has bool, c inventory.EraseCommand, estimate int64, opens bool) {
		if has {
			a.Erasers = append(a.Erasers, inventory.Eraser{
				Command: c, EstimateSeconds: estimate, WholeDrive: true, Blocked: b.all,
				PurgeOrFail: s.PurgeRequest(), OpensMedia: opens && s.Verification(),
			})
		}
	}
	add(s.Crypto(), inventory.NVMeSanitizeCrypto, nvmeSeconds(log.ETCE), true)
	add(s.Block(), inventory.NVMeSanitizeBlock, nvmeSeconds(log.ETBE), true)
	// ETO is for 16 passes, and ours is one.
	add(s.Overwrite(), inventory.NVMeSanitizeOverwrite, (nvmeSeconds(log.ETO)+15)/16, false)
	if !n.controller.HasFormat() {
		return
	}
	f, blocked := n.controller.FNA, b.one
	if f.FormatsAll() || f.ErasesAll() {
		blocked = b.all
	}
	switch {
	case blocked != "":
	case f.FormatsAll() && !f.ErasesAll() && b.count > 1:
		blocked = fmt.Sprintf("a format would format all namespaces and erase one (FNA %02Xh)", byte(f))
	case a.Sanitize.State == inventory.SanitizeFailed && !(s.Verification() && log.SANS() == nvme.IdleState):
		blocked = "a sanitize failed, after which the drive takes nothing but another"
	}
	if f.Crypto() {
		a.Erasers = append(a.Erasers, inventory.Eraser{Command: inventory.NVMeFormatCrypto, WholeDrive: f.ErasesAll(), Blocked: blocked})
	}
	a.Erasers = append(a.Erasers, inventory.Eraser{Command: inventory.NVMeFormatUser, WholeDrive: f.ErasesAll(), Blocked: blocked})
}

// mostNamespaces is how many are looked at one by one, and told of. Drives have
// up to 128; one that lists more is refused what would erase them all.
const mostNamespaces = 1024

// list reads a list of namespaces to its end.
func (n *nvmeDrive) list(ctx context.Context, page func(above uint32) nvme.Command) ([]uint32, error) {
	ids := []uint32{}
	for above := uint32(0); ; above = ids[len(ids)-1] {
		c := page(above)
		if _, err := n.ask(ctx, c); err != nil {
			return nil, err
		}
		more, err := nvme.ParseNSIDs(c.Data, above)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
		switch {
		case len(ids) > mostNamespaces:
			return nil, fmt.Errorf("%w: more than %d namespaces", nvme.ErrSenseless, mostNamespaces)
		case len(more) < nvme.NSIDsPerPage:
			return ids, nil
		}
	}
}

// others lists the namespaces beside the target, also those that are attached
// to no controller.
func (n *nvmeDrive) others(ctx context.Context) ([]nvmeOther, error) {
	active, err := n.list(ctx, nvme.ActiveList)
	if err != nil {
		return nil, fmt.Errorf("list active namespaces: %w", err)
	}
	all := active
	if n.controller.HasNamespaceManagement() {
		allocated, err := n.list(ctx, nvme.AllocatedList)
		if err != nil {
			return nil, fmt.Errorf("list allocated namespaces: %w", err)
		}
		all = append(slices.Clone(active), allocated...)
		slices.Sort(all)
		all = slices.Compact(all)
	}
	if len(all) > mostNamespaces {
		return nil, fmt.Errorf("%w: more than %d namespaces", nvme.ErrSenseless, mostNamespaces)
	}
	var others []nvmeOther
	for _, id := range all {
		if id != n.was.nsid {
			others = append(others, nvmeOther{id, slices.Contains(active, id)})
		}
	}
	return others, nil
}

func (n *nvmeDrive) nsids(others []nvmeOther) []uint32 {
	ids := []uint32{n.was.nsid}
	for _, o := range others {
		ids = append(ids, o.nsid)
	}
	slices.Sort(ids)
	return ids
}

// spaces tells of every part of the drive beside the target. One that is write
// protected keeps the whole drive from being erased; when they cannot be listed,
// nobody would know what is.
func (n *nvmeDrive) spaces(ctx context.Context, a *inventory.Abilities) (b nvmeBlocked) {
	others, err := n.others(ctx)
	if err != nil {
		nvmeNote(a, "the namespaces of the drive cannot be listed: %v", err)
		b.all = "its namespaces cannot be listed, so that it is not known what would be erased"
		b.one = b.all
	} else {
		b.count = 1 + len(others)
	}
	for _, o := range others {
		s := inventory.Space{Name: fmt.Sprintf("namespace %d", o.nsid), NamespaceID: o.nsid, Reach: "drive"}
		c := nvme.IdentifyAllocated(o.nsid)
		if o.active {
			c = nvme.IdentifyNamespace(o.nsid)
			if s.Path = n.sibling(o.nsid); s.Path != "" {
				s.Reach = "node"
			}
		} else {
			s.Name += ", attached to no controller here"
		}
		if space, err := n.namespace(ctx, c); err != nil {
			nvmeNote(a, "%s: %v", s.Name, err)
		} else {
			s.SizeBytes = space.SizeBytes()
			if space.WriteProtected() {
				b.all = s.Name + " is write protected"
			}
		}
		a.Spaces = append(a.Spaces, s)
	}
	if free := n.controller.UNVMCAP; n.controller.HasNamespaceManagement() && free > 0 {
		a.Spaces = append(a.Spaces, inventory.Space{
			Name: "capacity in no namespace", Reach: "drive", SizeBytes: int64(min(uint64(free), math.MaxInt64)),
		})
	}
	if bytes := n.controller.RPMBBytes(); bytes > 0 {
		a.Spaces = append(a.Spaces, inventory.Space{Name: "RPMB", Reach: "none", SizeBytes: bytes})
	}
	if n.controller.Shared() && !n.controller.HasNamespaceManagement() {
		nvmeNote(a, "the drive may have further controllers (CMIC %02Xh), whose namespaces this one does not list", n.controller.CMIC)
	}
	return b
}

// sibling is the node of another namespace; empty when it has none. Linux
// numbers nodes in the order in which it found them, so that their names do not
// tell.
func (n *nvmeDrive) sibling(nsid uint32) string {
	of := n.host.Wires().NSIDOf
	for _, path := range n.facts.Siblings {
		if of != nil && of(path) == nsid {
			return path
		}
	}
	return ""
}

func (n *nvmeDrive) health(ctx context.Context, a *inventory.Abilities) {
	c := nvme.ReadSMART()
	_, err := n.ask(ctx, c)
	var s nvme.SMART
	if err == nil {
		s, err = nvme.ParseSMART(c.Data)
	}
	if err != nil {
		nvmeNote(a, "health cannot be read: %v", err)
		return
	}
	value := func(v int64) *int64 { return &v }
	// A count that fills its 64 bits or nearly so is none.
	count := func(w nvme.Wide) *int64 {
		if uint64(w) > math.MaxInt64 {
			return nil
		}
		return value(int64(w))
	}
	passed := s.CriticalWarning == 0
	h := &inventory.SMART{
		Passed: &passed, PowerOnHours: count(s.PowerOnHours), PowerCycles: count(s.PowerCycles), UnsafeShutdowns: count(s.UnsafeShutdowns),
		PercentUsed: value(int64(s.PercentageUsed)), SparePercent: value(int64(s.AvailableSpare)),
		SpareThresholdPercent: value(int64(s.AvailableSpareLimit)), CriticalWarning: value(int64(s.CriticalWarning)),
	}
	h.TakeMediaErrors(uint64(s.MediaErrors))
	if s.TemperatureKelvin > 273 {
		h.TemperatureCelsius = value(int64(s.TemperatureKelvin) - 273)
	}
	if s.DataUnitsWritten < math.MaxInt64/512_000 {
		h.WrittenBytes = value(int64(s.DataUnitsWritten) * 512_000)
	}
	h.SelfTest = n.selfTests(ctx, a)
	h.Settle()
	a.Health = h
}

// selfTests reads the log of self-tests; nil when the drive keeps none.
func (n *nvmeDrive) selfTests(ctx context.Context, a *inventory.Abilities) *inventory.SelfTest {
	if !n.controller.HasSelfTest() {
		return nil
	}
	c := nvme.ReadSelfTests()
	_, err := n.ask(ctx, c)
	var tests []nvme.SelfTest
	if err == nil {
		tests, err = nvme.ParseSelfTests(c.Data)
	}
	if err != nil {
		nvmeNote(a, "the log of self-tests cannot be read: %v", err)
		return nil
	}
	var log []inventory.SelfTestResult
	for _, t := range tests {
		log = append(log, inventory.SelfTestResult{Passed: t.Passed() && t.Kind < 0x0e, Failed: t.Failed(), Extended: t.Kind == 2,
			Hours: int64(min(t.Hours, math.MaxInt64))})
	}
	return inventory.SelfTestsFrom(log, false)
}

func (n *nvmeDrive) zoned(ctx context.Context, a *inventory.Abilities) {
	// Identification descriptors came with 1.3, I/O command sets with 2.0; a
	// controller without either refuses, and is not zoned.
	c := nvme.IdentifyDescriptors(n.was.nsid)
	if _, err := n.ask(ctx, c); err != nil {
		return
	}
	if d, err := nvme.ParseDescriptors(c.Data); err != nil {
		nvmeNote(a, "%v", err)
	} else if d.CSI == nvme.Zoned {
		a.Zoned = "zns"
	}
}
