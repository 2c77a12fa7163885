package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/internal/tcg"
	"github.com/ombruk/ombruk/inventory"
)

// ErrTrustedOff means that TCG commands do not get to an ATA drive.
var ErrTrustedOff = errors.New("TCG commands are not passed on to the ATA drive: Linux does so only when it was started with libata.allow_tpm=1, and a bridge may not at all")

// trusted puts in words that it was not the drive that refused. libata answers
// TRUSTED SEND and RECEIVE itself, with INVALID FIELD IN CDB and without the
// drive's registers, unless it was started with allow_tpm=1.
func trusted(err error) error {
	var refused *ata.StatusError
	if errors.As(err, &refused) && refused.NotPassedOn {
		return fmt.Errorf("%w: %w", ErrTrustedOff, err)
	}
	return err
}

// unknownCommand reports whether a SCSI drive has no SECURITY PROTOCOL IN. An
// ATA drive says in IDENTIFY whether it takes such commands, so that there a
// refusal means something else.
func unknownCommand(err error) bool {
	var byATA *ata.StatusError
	var bySCSI *scsi.SenseError
	return !errors.As(err, &byATA) && errors.As(err, &bySCSI) && bySCSI.Unsupported()
}

// tcgKind is what inventory calls a class.
func tcgKind(s tcg.SSC) string {
	return map[tcg.SSC]string{
		tcg.Opal1: "tcg-opal", tcg.Opal2: "tcg-opal-2", tcg.Opalite: "tcg-opal", tcg.Enterprise: "tcg-enterprise",
		tcg.Pyrite1: "tcg-pyrite-1", tcg.Pyrite2: "tcg-pyrite-2", tcg.Ruby: "tcg-ruby",
	}[s]
}

// tcgAbilities adds what a drive says by TCG to its abilities: its lock, unless
// ATA's is there, the reverts, whether it encrypts, and notes on what could not
// be asked. It changes nothing, tries no password and never fails. t is nil
// where the bus has no way for it.
func tcgAbilities(ctx context.Context, t tcg.Transport, a *inventory.Abilities) {
	if t == nil {
		return
	}
	const protocolTCG = 0x01
	if spoken, err := tcg.Protocols(ctx, t); err == nil && !slices.Contains(spoken, protocolTCG) {
		return
	}
	d, err := tcg.Discover(ctx, t)
	if errors.Is(err, tcg.ErrNoTCG) || unknownCommand(err) {
		return
	}
	if err != nil {
		a.Notes = append(a.Notes, fmt.Sprintf("TCG could not be asked: %v", trusted(err)))
		return
	}
	class, ok := d.Class()
	if !ok {
		a.Notes = append(a.Notes, "TCG: no ComID to speak to the drive by")
		return
	}
	a.Encrypts = a.Encrypts || d.Encrypts()
	tcgSecurity(d, class, a)
	note := func(format string, args ...any) { a.Notes = append(a.Notes, fmt.Sprintf("TCG: "+format, args...)) }
	var estimate time.Duration
	switch class.SSC {
	case tcg.Pyrite1:
		note("Pyrite 1, a revert erases nothing")
		return
	case tcg.Pyrite2:
		mechanism, ok := removalFor(d)
		if !ok {
			note("Pyrite 2 without a data removal mechanism that erases")
			return
		}
		estimate = d.Removal.Times[mechanism]
		note("Pyrite 2, a revert erases by %s", mechanism)
	default:
		if !d.Encrypts() {
			note("%s, but the drive does not say that it encrypts", class.SSC)
		}
		if d.Locking != nil && !d.Locking.Enabled {
			note("locking was never activated; a revert may then leave the data as they are, so it is activated first where the owner's password allows")
		}
	}
	if d.Removal != nil && d.Removal.Interrupted {
		note("an earlier data removal was interrupted")
	}
	seconds := int64(estimate.Round(time.Second) / time.Second)
	a.Erasers = append(a.Erasers,
		inventory.Eraser{Command: inventory.TCGRevert, WholeDrive: true, EstimateSeconds: seconds, Blocked: ownerBlocked(d)},
		inventory.Eraser{Command: inventory.TCGPSIDRevert, WholeDrive: true, EstimateSeconds: seconds, Blocked: removalBlocked(d)})
}

// tcgSecurity tells of the drive's lock. ATA's security feature set goes before,
// since the drive has only one of the two in use.
func tcgSecurity(d tcg.Discovery, class tcg.Class, a *inventory.Abilities) {
	locking := tcg.LockingFeature{}
	if d.Locking != nil {
		locking = *d.Locking
	}
	if s := &a.Security; s.Supported && (!locking.Enabled || s.Enabled || s.Locked) {
		s.BlockedSID = d.BlockSID != nil && d.BlockSID.Blocked
		if locking.Locked {
			a.Notes = append(a.Notes, "TCG: locked, beside ATA's security feature set")
		}
		return
	}
	// An Enterprise drive's locking is always on; it has an owner's password
	// only when it is not the MSID, which it does not tell.
	a.Security = inventory.Security{
		Supported: true, Enabled: locking.Enabled && class.SSC != tcg.Enterprise, Locked: locking.Locked,
		Kind: tcgKind(class.SSC), BlockedSID: d.BlockSID != nil && d.BlockSID.Blocked,
	}
	if locking.MBREnabled && !locking.MBRDone {
		a.Notes = append(a.Notes, "TCG: the first blocks show the shadow MBR instead of the drive's data")
	}
}

// ownerBlocked is why the owner (SID) could not revert the drive now.
func ownerBlocked(d tcg.Discovery) string {
	switch {
	case d.BlockSID == nil:
	case d.BlockSID.Blocked:
		return "SID blocked by this machine's firmware (Block SID) until the next power cycle"
	case d.BlockSID.Owned:
		return "the owner's password is needed, it is not the one the drive was made with"
	}
	return removalBlocked(d)
}

func removalBlocked(d tcg.Discovery) string {
	if d.Removal != nil && d.Removal.Processing {
		return "a data removal is in progress"
	}
	return ""
}

// removalFor is the mechanism that a revert of a drive without encryption is
// to use; ok is false when it has none that erases.
func removalFor(d tcg.Discovery) (m tcg.Mechanism, ok bool) {
	if d.Removal == nil {
		return 0, false
	}
	for _, m := range []tcg.Mechanism{tcg.BlockErase, tcg.OverwriteErase, tcg.VendorErase} {
		if slices.Contains(d.Removal.Supported, m) {
			return m, true
		}
	}
	return 0, false
}

// tcgLock is the self-encrypting side of a drive: it reverts and unlocks.
type tcgLock struct {
	transport tcg.Transport
	secrets   Secrets
	host      Host // for its clock
	job       *tcgJob
}

// tcgJob is a Revert that the drive was given.
type tcgJob struct {
	command inventory.EraseCommand
	sent    erase.Command
	pending *tcg.Pending // nil when the answer is known
	// failed is the drive's refusal, nil for a success; lost is set when
	// there is no answer and will be none.
	failed, lost error
	// before is what the record says of the state before the Revert.
	before string
	// bands is true for Enterprise, whose locking is always on.
	bands bool
}

func newTCG(t tcg.Transport, h Host, s Secrets) *tcgLock {
	return &tcgLock{transport: t, host: h, secrets: s}
}

// Start gives the drive a Revert, tcg-revert or tcg-psid-revert. It returns
// when the drive has taken it, NOT when it is done: the adapter must ask
// [tcgLock.Status] until that is terminal. A Revert that was taken is not an
// erase that went through.
func (l *tcgLock) Start(ctx context.Context, command inventory.EraseCommand) ([]erase.Command, error) {
	l.job = nil
	t, err := l.talk(ctx)
	if err != nil {
		return t.commands, fmt.Errorf("%s: %w", command, err)
	}
	var job *tcgJob
	switch {
	case t.class.SSC == tcg.Pyrite1:
		err = fmt.Errorf("%w: Pyrite 1 erases nothing", erase.ErrUnsupported)
	case command == inventory.TCGPSIDRevert:
		job, err = t.revertByPSID(ctx, l.secrets.PSID)
	case command == inventory.TCGRevert && t.class.SSC == tcg.Enterprise:
		job, err = t.eraseBands(ctx, l.secrets.Password)
	case command == inventory.TCGRevert:
		job, err = t.revertByOwner(ctx, l.secrets.Password)
	default:
		err = erase.ErrUnsupported
	}
	if err != nil {
		return t.commands, fmt.Errorf("%s: %w", command, err)
	}
	job.command, job.bands = command, t.class.SSC == tcg.Enterprise
	l.job = job
	return t.commands, nil
}

// Status asks for the drive's answer to the Revert that Start gave, and, once it
// is a success, whether data are still being removed. Where there is no answer
// it is [erase.StateUnknown].
func (l *tcgLock) Status(ctx context.Context) (erase.Status, error) {
	j := l.job
	if j == nil {
		return erase.Status{ProgressPPM: -1}, nil
	}
	s := erase.Status{State: erase.StateRunning, ProgressPPM: -1, Of: j.command, Command: j.sent}
	if j.pending != nil {
		_, done, err := j.pending.Poll(ctx)
		var refused *tcg.MethodError
		switch {
		case err != nil && !done && ctx.Err() != nil:
			return s, err
		case err != nil && !done && undelivered(err):
			return s, err // asked again
		case err != nil && !done:
			// The drive is there, and takes no questions meanwhile.
			s.Command.Status = "the drive is not ready to answer: " + err.Error()
			return s, nil
		case !done:
			s.Command.Status = "the drive is working"
			return s, nil
		case errors.As(err, &refused):
			j.failed = refused
		case err != nil:
			j.lost = err
		}
		j.pending = nil
	}
	switch {
	case j.failed != nil:
		s.State, s.Command.Status = erase.StateFailed, j.failed.Error()
	case j.lost != nil:
		s.State, s.Command.Status = erase.StateUnknown, "no answer, so whether it was done is not known: "+j.lost.Error()
	default:
		return l.settled(ctx, s)
	}
	return s, nil
}

// settled looks whether the drive is what it should be after a Revert that it
// reported a success of: the answer does not mean that data removal is over
// (Opal 2.02, 5.1.2.3), and the Locking SP must be inactive, as when the drive
// was made (5.1.2, 5.1.3). Enterprise has no such state.
func (l *tcgLock) settled(ctx context.Context, s erase.Status) (erase.Status, error) {
	d, err := tcg.Discover(ctx, l.transport)
	if err != nil {
		return s, err
	}
	s.State, s.Command.Status = erase.StateSucceeded, fmt.Sprintf("SUCCESS; before: %s; now: %s", l.job.before, d)
	switch {
	case d.Removal != nil && d.Removal.Processing:
		s.State = erase.StateRunning
	case d.Removal != nil && d.Removal.Interrupted, d.Locking != nil && d.Locking.Locked:
		s.State = erase.StateFailed
	case d.Locking != nil && d.Locking.Enabled && !l.job.bands:
		s.State = erase.StateFailed
		s.Command.Status += "; but locking is still activated, which a revert ends"
	}
	return s, nil
}

// Unlock opens all locked ranges with the password that the device was opened
// with, or, without one, by reverting the drive with its PSID: then its data
// are gone as well. What is not locked is left alone.
func (l *tcgLock) Unlock(ctx context.Context) ([]erase.Command, error) {
	t, err := l.talk(ctx)
	switch {
	case errors.Is(err, tcg.ErrNoTCG):
		return nil, nil
	case err != nil:
		return t.commands, fmt.Errorf("unlock by TCG: %w", err)
	}
	hidden := t.found.Locking != nil && t.found.Locking.MBREnabled && !t.found.Locking.MBRDone
	if t.found.Locking == nil || !t.found.Locking.Locked && !hidden {
		return nil, nil
	}
	switch {
	case len(l.secrets.Password) > 0:
		err = t.unlock(ctx, l.secrets.Password, hidden)
	case len(l.secrets.PSID) > 0:
		err = t.unlockByPSID(ctx, l.secrets.PSID)
	default:
		err = fmt.Errorf("%w: neither password nor PSID was given", erase.ErrLocked)
	}
	if err != nil {
		return t.commands, fmt.Errorf("unlock by TCG: %w", err)
	}
	return t.commands, nil
}

// talk begins to speak to the drive.
func (l *tcgLock) talk(ctx context.Context) (*tcgTalk, error) {
	t := &tcgTalk{}
	if l.transport == nil {
		return t, tcg.ErrNoTCG
	}
	d, err := tcg.Discover(ctx, l.transport)
	if err != nil {
		return t, trusted(err)
	}
	t.found = d
	t.record("TCG Level 0 Discovery", "protocol 01h, ComID 0001h", d.String())
	if t.tper, err = tcg.Open(l.transport, d, l.host.Wait); err != nil {
		return t, err
	}
	t.class, _ = d.Class()
	return t, nil
}
