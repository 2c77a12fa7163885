package drive

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

// nvmeDrive is one namespace of an NVMe controller. It implements
// erase.Firmware: Sanitize for the whole NVM subsystem, Format NVM for a
// namespace or all of them, and TCG through Security Send and Receive.
type nvmeDrive struct {
	host  Host
	facts inventory.Drive
	wire  nvmeWire
	lock  *tcgLock
	// controller and was are of the moment in which the drive was opened;
	// what answers later must be the same.
	controller nvme.Controller
	was        nvmeIdentity
	// shown are the namespaces that the facts tell of which the drive was
	// opened with, so those of the plan that somebody confirmed: a command
	// that reaches all namespaces must find no others.
	shown []uint32
	job   *nvmeJob
}

// nvmeIdentity tells a namespace from any other.
type nvmeIdentity struct {
	serial, model string
	nsid          uint32
	nguid         [16]byte
	eui64         [8]byte
	sizeBytes     int64
}

// nvmeJob is an erase that this device was told to do.
type nvmeJob struct {
	command inventory.EraseCommand
	// sent is how it was given, for Status to speak of.
	sent erase.Command
	// action and cdw10 are set for a sanitize.
	action nvme.SANACT
	cdw10  uint32
	// keep is true when blocks were to stay allocated, also when the drive
	// could not be asked to.
	keep bool
	// answer gives one value when a format is over; nil for others.
	answer <-chan error
	// over and failed are what came of a format.
	over   bool
	failed error
	tcg    bool
}

// nvmeWire finds the wire anew for each command, since the host may have
// opened the drive again. A command that was not delivered, or that only met a
// controller that was not ready, gives an error that wraps erase.ErrGone.
type nvmeWire struct{ host Host }

func (w nvmeWire) Admin(ctx context.Context, c nvme.Command) (nvme.Completion, error) {
	wire := w.host.Wires().NVMe
	if wire == nil {
		return nvme.Completion{}, fmt.Errorf("%w: no controller", erase.ErrGone)
	}
	done, err := wire.Admin(ctx, c)
	if passing := (&nvme.StatusError{Status: done.Status}); err == nil && passing.Passing() {
		err = passing
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", erase.ErrGone, err)
	}
	return done, err
}

func newNVMe(ctx context.Context, d inventory.Drive, h Host, s Secrets) (erase.Firmware, error) {
	if h.Wires().NVMe == nil {
		return nil, nil
	}
	n := &nvmeDrive{host: h, facts: d, wire: nvmeWire{h}}
	n.lock = newTCG(nvme.Security{To: n.wire}, h, s)
	var err error
	if n.controller, n.was, err = n.identify(ctx); err != nil {
		return nil, err
	}
	if err := n.was.fits(d); err != nil {
		return nil, err
	}
	n.shown = []uint32{n.was.nsid}
	if d.Abilities != nil {
		for _, s := range d.Abilities.Spaces {
			if s.NamespaceID != 0 {
				n.shown = append(n.shown, s.NamespaceID)
			}
		}
	}
	slices.Sort(n.shown)
	n.shown = slices.Compact(n.shown)
	return n, nil
}

// identify asks what is there now.
func (n *nvmeDrive) identify(ctx context.Context) (nvme.Controller, nvmeIdentity, error) {
	c := nvme.IdentifyController()
	if _, err := nvme.Do(ctx, n.wire, c); err != nil {
		return nvme.Controller{}, nvmeIdentity{}, fmt.Errorf("identify controller: %w", err)
	}
	controller, err := nvme.ParseController(c.Data)
	if err != nil {
		return controller, nvmeIdentity{}, err
	}
	nsid := n.host.Wires().NSID
	space, err := n.namespace(ctx, nvme.IdentifyNamespace(nsid))
	if err != nil {
		return controller, nvmeIdentity{}, fmt.Errorf("namespace %d: %w", nsid, err)
	}
	return controller, nvmeIdentity{controller.SN, controller.MN, nsid, space.NGUID, space.EUI64, space.SizeBytes()}, nil
}

func (n *nvmeDrive) namespace(ctx context.Context, c nvme.Command) (nvme.Namespace, error) {
	if _, err := nvme.Do(ctx, n.wire, c); err != nil {
		return nvme.Namespace{}, fmt.Errorf("identify: %w", err)
	}
	return nvme.ParseNamespace(c.Data)
}

// fits compares what answers with what the inventory found.
func (i nvmeIdentity) fits(d inventory.Drive) error {
	if is := inventory.Text(i.serial); d.Serial != "" && is != d.Serial {
		return fmt.Errorf("%w: serial was %q and the controller says %q", erase.ErrIdentityChanged, d.Serial, is)
	}
	if is := inventory.Text(i.model); d.Model != "" && is != d.Model {
		return fmt.Errorf("%w: model was %q and the controller says %q", erase.ErrIdentityChanged, d.Model, is)
	}
	// The kernel names a namespace by its NGUID, else by its EUI64.
	if name, ok := strings.CutPrefix(d.WWN, "eui."); ok && (i.nguid != [16]byte{} || i.eui64 != [8]byte{}) {
		if name != hex.EncodeToString(i.nguid[:]) && name != hex.EncodeToString(i.eui64[:]) {
			return fmt.Errorf("%w: namespace %d was %s and says NGUID %x, EUI64 %x", erase.ErrIdentityChanged, i.nsid, d.WWN, i.nguid, i.eui64)
		}
	}
	if d.CapacityBytes > 0 && i.sizeBytes != d.CapacityBytes {
		return fmt.Errorf("%w: namespace %d had %d bytes and says %d", erase.ErrIdentityChanged, i.nsid, d.CapacityBytes, i.sizeBytes)
	}
	return nil
}

// same makes sure that what answers is what was opened.
func (n *nvmeDrive) same(ctx context.Context) error {
	_, is, err := n.identify(ctx)
	if err != nil {
		return err
	}
	if is != n.was {
		return fmt.Errorf("%w: it was serial %q model %q namespace %d NGUID %x EUI64 %x with %d bytes, and is serial %q model %q namespace %d NGUID %x EUI64 %x with %d",
			erase.ErrIdentityChanged, n.was.serial, n.was.model, n.was.nsid, n.was.nguid, n.was.eui64, n.was.sizeBytes,
			is.serial, is.model, is.nsid, is.nguid, is.eui64, is.sizeBytes)
	}
	return nil
}

// found makes sure that the drive is there, and looks for it where it is not.
func (n *nvmeDrive) found(ctx context.Context) error {
	err := n.same(ctx)
	if !errors.Is(err, erase.ErrGone) {
		return err
	}
	if err := n.host.Refind(ctx); err != nil {
		return err
	}
	return n.same(ctx)
}

// ask sends a command that changes nothing, again if the drive has to be
// found anew.
func (n *nvmeDrive) ask(ctx context.Context, c nvme.Command) (nvme.Completion, error) {
	done, err := nvme.Do(ctx, n.wire, c)
	if !errors.Is(err, erase.ErrGone) {
		return done, err
	}
	if err := n.found(ctx); err != nil {
		return done, err
	}
	return nvme.Do(ctx, n.wire, c)
}

func (n *nvmeDrive) sanitizeLog(ctx context.Context) (nvme.SanitizeLog, error) {
	c := nvme.ReadSanitizeLog()
	if _, err := n.ask(ctx, c); err != nil {
		return nvme.SanitizeLog{}, err
	}
	return nvme.ParseSanitizeLog(c.Data)
}

// nvmeRefusal makes a refusal an erase.DriveError that tells what was refused.
func nvmeRefusal(c erase.Command, err error) error {
	var refusal *nvme.StatusError
	if !errors.As(err, &refusal) || errors.Is(err, erase.ErrGone) {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	e := &erase.DriveError{Command: c}
	switch refusal.Code() {
	case nvme.InvalidOpcode:
		e.Cause = erase.ErrUnsupported
	case nvme.OperationDenied:
		// NVMe Base 2.1: for lack of access rights, which is how a locked
		// self-encrypting drive answers.
		e.Cause = erase.ErrLocked
	case nvme.NamespaceWriteProtect:
		e.Cause = erase.ErrReadOnly
	}
	return e
}

// give sends a command that changes something, once, and records the answer.
func (n *nvmeDrive) give(ctx context.Context, name, code string, c nvme.Command) (erase.Command, error) {
	done, err := nvme.Do(ctx, n.wire, c)
	record := erase.Command{Name: name, Code: code, Status: nvme.StatusText(done.Status)}
	if err != nil {
		var refusal *nvme.StatusError
		if !errors.As(err, &refusal) {
			record.Status = "no answer: " + err.Error()
		}
		return record, nvmeRefusal(record, err)
	}
	return record, nil
}

// Unlock implements erase.Firmware.
func (n *nvmeDrive) Unlock(ctx context.Context) ([]erase.Command, error) {
	if !n.controller.HasSecurity() {
		return nil, nil
	}
	if err := n.found(ctx); err != nil {
		return nil, err
	}
	return n.lock.Unlock(ctx)
}

// Reveal implements erase.Firmware. A namespace hides no blocks, but one whose
// metadata travel behind each block cannot be read by Linux: it is formatted to
// the same block size without metadata.
func (n *nvmeDrive) Reveal(ctx context.Context) ([]erase.Command, error) {
	if err := n.found(ctx); err != nil {
		return nil, err
	}
	space, err := n.namespace(ctx, nvme.IdentifyNamespace(n.was.nsid))
	if err != nil || nvmeBlockBytes(space) == 0 {
		return nil, err
	}
	plain := slices.IndexFunc(space.LBAF, func(f nvme.LBAF) bool { return f.MS == 0 && f.LBADS == space.Format().LBADS })
	if plain < 0 {
		return nil, fmt.Errorf("format to blocks without metadata: %w: no such format", erase.ErrUnsupported)
	}
	if n.controller.FNA.FormatsAll() {
		if others, err := n.others(ctx); err != nil || len(others) > 0 {
			return nil, errors.Join(err, fmt.Errorf("format to blocks without metadata: it would format %d other namespaces too (FNA %02Xh)", len(others), byte(n.controller.FNA)))
		}
	}
	c := nvme.FormatTo(n.was.nsid, plain, false, 0, nvme.NoErase)
	c.Timeout = formatLimit
	sent, err := n.give(ctx, fmt.Sprintf("Format NVM, to blocks of %d bytes without metadata", 1<<space.Format().LBADS), fmt.Sprintf("80h, NSID %d, CDW10 %08Xh: SES 0", c.NSID, c.CDW10), c)
	if err == nil {
		err = n.host.Rescan(ctx)
	}
	if err == nil {
		_, n.was, err = n.identify(ctx)
	}
	return []erase.Command{sent}, err
}

// Leave implements erase.Firmware.
func (n *nvmeDrive) Leave(ctx context.Context) ([]erase.Command, error) {
	if n.job != nil && n.job.working() {
		return nil, fmt.Errorf("%s is still running", n.job.command)
	}
	if err := n.found(ctx); err != nil {
		return nil, err
	}
	var commands []erase.Command
	var errs []error
	if n.controller.SANICAP != 0 {
		c, err := n.leaveSanitize(ctx)
		commands, errs = append(commands, c...), append(errs, err)
	}
	c, err := n.leaveDULBE(ctx)
	commands, errs = append(commands, c...), append(errs, err, n.host.Rescan(ctx))
	return commands, errors.Join(errs...)
}

// leaveSanitize leaves the media verification state, and failure mode where
// the drive lets go of it: after a failure with AUSE 0 only another sanitize
// ends that (NVMe Base 2.1 section 8.1.24.3.3), and the refusal says so.
func (n *nvmeDrive) leaveSanitize(ctx context.Context) ([]erase.Command, error) {
	log, err := n.sanitizeLog(ctx)
	if err != nil {
		return nil, fmt.Errorf("read sanitize status: %w", err)
	}
	tellsState := n.controller.SANICAP.Verification()
	switch {
	case log.SOS() == nvme.Sanitizing && log.SANS() == nvme.MediaVerification:
		c, _ := nvme.Sanitize{Action: nvme.ExitMediaVerification}.Command()
		sent, err := n.give(ctx, "Sanitize, exit media verification state", "84h, CDW10 00000005h: SANACT 5", c)
		if err == nil {
			err = n.settle(ctx)
		}
		return []erase.Command{sent}, err
	case log.SOS() == nvme.Sanitizing && log.SANS() == nvme.PostVerificationState:
		return nil, n.settle(ctx)
	case log.SOS() == nvme.Failed && (!tellsState || log.SANS() != nvme.IdleState):
		c, _ := nvme.Sanitize{Action: nvme.ExitFailureMode}.Command()
		sent, err := n.give(ctx, "Sanitize, exit failure mode", "84h, CDW10 00000001h: SANACT 1", c)
		return []erase.Command{sent}, err
	}
	return nil, nil
}

// settleLimit is how long a drive may take to deallocate its blocks after media
// verification, whatever it says itself (ETPVDS).
const settleLimit = time.Hour

// settle waits until the drive has deallocated its blocks after media
// verification; it answers no reads before.
func (n *nvmeDrive) settle(ctx context.Context) error {
	const doing = "leave media verification state"
	began := n.host.Now()
	for every := 500 * time.Millisecond; ; every = min(2*every, 10*time.Second) {
		log, err := n.sanitizeLog(ctx)
		switch {
		case err == nil && log.SOS() != nvme.Sanitizing:
			return nil
		case err != nil && !errors.Is(err, erase.ErrGone):
			return fmt.Errorf("%s: %w", doing, err)
		case n.host.Now().Sub(began) > settleLimit:
			return errors.Join(fmt.Errorf("%s: still not done after %v: %v", doing, settleLimit, log), err)
		}
		if err := n.host.Wait(ctx, every); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
}

// leaveDULBE lets reads of deallocated blocks succeed again, whoever made them
// fail.
func (n *nvmeDrive) leaveDULBE(ctx context.Context) ([]erase.Command, error) {
	space, err := n.namespace(ctx, nvme.IdentifyNamespace(n.was.nsid))
	if err != nil || !space.HasDULBE() {
		return nil, err
	}
	now, err := n.ask(ctx, nvme.GetFeature(nvme.ErrorRecovery, n.was.nsid))
	var refusal *nvme.StatusError
	if errors.As(err, &refusal) || err == nil && now.Result&nvme.DULBE == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get feature error recovery: %w", err)
	}
	value := now.Result &^ nvme.DULBE
	sent, err := n.give(ctx, "Set Features, reads of deallocated blocks succeed", fmt.Sprintf("09h/05h, NSID %d, CDW11 %08Xh", n.was.nsid, value), nvme.SetFeature(nvme.ErrorRecovery, n.was.nsid, value))
	return []erase.Command{sent}, err
}
