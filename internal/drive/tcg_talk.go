package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/tcg"
)

// tcgTalk is one conversation with a self-encrypting drive, and its record.
// Passwords are never in it.
type tcgTalk struct {
	tper     *tcg.TPer
	found    tcg.Discovery
	class    tcg.Class
	commands []erase.Command
}

func (t *tcgTalk) record(name, code, status string) erase.Command {
	c := erase.Command{Name: name, Code: code, Status: status}
	t.commands = append(t.commands, c)
	return c
}

// outcome records how a step went and makes a refusal an erase.DriveError.
func (t *tcgTalk) outcome(name, code string, err error) error {
	var refused *tcg.MethodError
	switch {
	case err == nil:
		t.record(name, code, tcg.Success.String())
		return nil
	case !errors.As(err, &refused):
		t.record(name, code, err.Error())
		return fmt.Errorf("%s: %w", name, trusted(err))
	}
	e := &erase.DriveError{Command: t.record(name, code, refused.Error())}
	switch refused.Status {
	case tcg.NotAuthorized, tcg.AuthorityLockedOut:
		e.Cause = erase.ErrLocked
	case tcg.SPFrozen:
		e.Cause = erase.ErrFrozen
	case tcg.InvalidParameter:
		e.Cause = erase.ErrUnsupported
	}
	return e
}

// notAuthorized reports whether the drive refused a password, and only that.
func notAuthorized(err error) bool {
	var refused *tcg.MethodError
	return errors.As(err, &refused) && refused.Status == tcg.NotAuthorized
}

// session opens a session and records it; as says in words who asks.
func (t *tcgTalk) session(ctx context.Context, sp, authority tcg.UID, credential []byte, as string) (*tcg.Session, error) {
	s, err := t.tper.StartSession(ctx, sp, authority, credential)
	if out := t.outcome("TCG StartSession "+as, sp.String()+" "+authority.String(), err); out != nil {
		return nil, errors.Join(out, unwrapped(err))
	}
	return s, nil
}

// unwrapped is the drive's own refusal, so that callers can look at its status.
func unwrapped(err error) error {
	var refused *tcg.MethodError
	if errors.As(err, &refused) {
		return refused
	}
	return nil
}

// msid reads the password that the drive was made with; empty when the drive
// does not tell it.
func (t *tcgTalk) msid(ctx context.Context) ([]byte, error) {
	s, err := t.session(ctx, tcg.AdminSP, tcg.Anybody, nil, "of anybody to the Admin SP")
	if err != nil {
		return nil, err
	}
	msid, err := s.MSID(ctx)
	err = t.outcome("TCG Get MSID", tcg.MSIDPin.String(), err)
	if errors.Is(err, erase.ErrRefusedByDrive) || errors.Is(err, tcg.ErrNoValue) {
		err = nil
	}
	return bytes.Clone(msid), errors.Join(err, s.Close(ctx))
}

// secret is a password and what to call it.
type secret struct {
	value []byte
	as    string
}

// secretsOf are the passwords to try, most likely first. What the drive says of
// its owner keeps it from wrong attempts, of which it takes only a few.
func (t *tcgTalk) secretsOf(password, msid []byte) []secret {
	given, made := secret{password, "with the given password"}, secret{msid, "with the MSID"}
	b := t.found.BlockSID
	all := []secret{given, made}
	switch {
	case b != nil && !b.Owned:
		all = []secret{made}
	case b != nil && b.Owned:
		all = []secret{given}
	}
	kept := all[:0]
	for _, s := range all {
		if len(s.value) > 0 {
			kept = append(kept, s)
		}
	}
	return kept
}

// open opens a session with the first password that fits.
func (t *tcgTalk) open(ctx context.Context, sp, authority tcg.UID, as string, secrets []secret) (*tcg.Session, error) {
	err := fmt.Errorf("%w: the owner's password is not known", erase.ErrLocked)
	for _, try := range secrets {
		var s *tcg.Session
		if s, err = t.session(ctx, sp, authority, try.value, as+" "+try.as); err == nil || !notAuthorized(err) {
			return s, err
		}
	}
	return nil, err
}

// revertByOwner reverts the drive as its owner; where only the password of the
// Locking SP is known, that alone is reverted.
func (t *tcgTalk) revertByOwner(ctx context.Context, password []byte) (*tcgJob, error) {
	if t.found.BlockSID != nil && t.found.BlockSID.Blocked {
		return nil, fmt.Errorf("%w: %s", erase.ErrFrozen, ownerBlocked(t.found))
	}
	msid, err := t.msid(ctx)
	if err != nil {
		return nil, err
	}
	s, err := t.open(ctx, tcg.AdminSP, tcg.SID, "of the owner to the Admin SP", t.secretsOf(password, msid))
	if notAuthorized(err) && len(password) > 0 && t.activated() {
		return t.revertLockingSP(ctx, password)
	}
	if err != nil {
		return nil, err
	}
	before, err := t.prepare(ctx, s)
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return t.revert(ctx, s, before)
}

func (t *tcgTalk) activated() bool { return t.found.Locking != nil && t.found.Locking.Enabled }

// prepare sees to it that the Revert erases: a Locking SP that was never
// activated is, since otherwise the keys stay (Opal 2.02, 5.1.2.2), and a drive
// without encryption is told how to remove its data. s is a session of the
// owner. It returns what the state was.
func (t *tcgTalk) prepare(ctx context.Context, s *tcg.Session) (before string, err error) {
	before, err = t.state(ctx, s)
	if err != nil {
		return before, err
	}
	if !t.activated() {
		err := t.outcome("TCG Activate the Locking SP", tcg.LockingSP.String()+" "+tcg.Activate.String(), s.Activate(ctx))
		switch {
		case err == nil:
			before += ", activated for this revert"
		case errors.Is(err, erase.ErrRefusedByDrive):
			before += ", the drive would not activate it"
		default:
			return before, err
		}
	}
	if t.class.SSC != tcg.Pyrite2 {
		return before, nil
	}
	if m, ok := removalFor(t.found); ok {
		err := t.outcome("TCG Set the data removal mechanism to "+m.String(), tcg.DataRemovalMechanism.String(), s.SetMechanism(ctx, m))
		if err != nil && !errors.Is(err, erase.ErrRefusedByDrive) {
			return before, err
		}
	}
	return before, t.erases(ctx, s)
}

// state asks whether the Locking SP is in use, for the record.
func (t *tcgTalk) state(ctx context.Context, s *tcg.Session) (string, error) {
	life, err := s.LifeCycle(ctx, t.tper.LockingSP())
	words := "Locking SP " + life.String()
	if err != nil {
		words = "Locking SP in a state that the drive does not tell"
	}
	if t.activated() {
		words += " (activated)"
	} else {
		words += " (never activated, or reverted)"
	}
	if err != nil {
		if out := t.outcome("TCG Get the state of the Locking SP", t.tper.LockingSP().String(), err); !errors.Is(out, erase.ErrRefusedByDrive) && !errors.Is(out, tcg.ErrNoValue) {
			return words, out
		}
		return words, nil
	}
	t.record("TCG Get the state of the Locking SP", t.tper.LockingSP().String(), words)
	return words, nil
}

// erases makes sure that the mechanism that a Pyrite 2 drive will use erases.
func (t *tcgTalk) erases(ctx context.Context, s *tcg.Session) error {
	m, err := s.Mechanism(ctx)
	if err := t.outcome("TCG Get the data removal mechanism", tcg.DataRemovalMechanism.String(), err); err != nil {
		return err
	}
	t.commands[len(t.commands)-1].Status = m.String()
	switch m {
	case tcg.OverwriteErase, tcg.BlockErase, tcg.VendorErase:
		return nil
	}
	return fmt.Errorf("%w: a drive without encryption would only use %s", erase.ErrUnsupported, m)
}

// revert gives the Revert in a session that may.
func (t *tcgTalk) revert(ctx context.Context, s *tcg.Session, before string) (*tcgJob, error) {
	const name = "TCG Revert of the whole drive"
	code := tcg.AdminSP.String() + " " + tcg.Revert.String()
	pending, err := s.Revert(ctx)
	if err != nil {
		return nil, t.outcome(name, code, err)
	}
	return &tcgJob{pending: pending, before: before, sent: t.record(name, code, "taken, "+before)}, nil
}

// revertLockingSP reverts the Locking SP as its administrator. The global
// range's key goes with it: KeepGlobalRangeKey is never sent.
func (t *tcgTalk) revertLockingSP(ctx context.Context, password []byte) (*tcgJob, error) {
	s, err := t.session(ctx, tcg.LockingSP, tcg.Admin1, password, "of Admin1 to the Locking SP with the given password")
	if err != nil {
		return nil, err
	}
	const name, before = "TCG RevertSP of the Locking SP", "Locking SP activated"
	pending, err := s.RevertSP(ctx)
	if err != nil {
		return nil, t.outcome(name, tcg.RevertSP.String(), err)
	}
	return &tcgJob{pending: pending, before: before, sent: t.record(name, tcg.RevertSP.String(), "taken, "+before)}, nil
}

// revertByPSID reverts the drive with what is printed on its label.
func (t *tcgTalk) revertByPSID(ctx context.Context, typed []byte) (*tcgJob, error) {
	psid, err := tcg.NormalizePSID(string(typed))
	if err != nil {
		return nil, err
	}
	before, err := t.prepareForPSID(ctx)
	if err != nil {
		return nil, err
	}
	s, err := t.session(ctx, tcg.AdminSP, tcg.PSID, []byte(psid), "to the Admin SP with the PSID")
	if err != nil {
		return nil, err
	}
	return t.revert(ctx, s, before)
}

// prepareForPSID does what only the owner may, where the owner's password is
// still the MSID; else it only looks.
func (t *tcgTalk) prepareForPSID(ctx context.Context) (before string, err error) {
	var s *tcg.Session
	b := t.found.BlockSID
	owner := t.class.SSC != tcg.Enterprise && b != nil && !b.Owned && !b.Blocked
	if owner {
		msid, err := t.msid(ctx)
		if err != nil {
			return "", err
		}
		s, err = t.open(ctx, tcg.AdminSP, tcg.SID, "of the owner to the Admin SP", t.secretsOf(nil, msid))
		if err != nil && !errors.Is(err, erase.ErrLocked) {
			return "", err
		}
	}
	if s != nil {
		before, err = t.prepare(ctx, s)
		return before, errors.Join(err, s.Close(ctx))
	}
	if s, err = t.session(ctx, tcg.AdminSP, tcg.Anybody, nil, "of anybody to the Admin SP"); err != nil {
		return "", err
	}
	if before, err = t.state(ctx, s); err == nil && t.class.SSC == tcg.Pyrite2 {
		err = t.erases(ctx, s)
	}
	return before, errors.Join(err, s.Close(ctx))
}

// eraseBands gives every band of an Enterprise drive a new key. Its Erase
// answers at once, and so there is nothing left to wait for.
func (t *tcgTalk) eraseBands(ctx context.Context, password []byte) (*tcgJob, error) {
	msid, err := t.msid(ctx)
	if err != nil {
		return nil, err
	}
	s, err := t.open(ctx, tcg.EnterpriseLockingSP, tcg.EraseMaster, "of the EraseMaster to the Locking SP", t.secretsOf(password, msid))
	if err != nil {
		return nil, err
	}
	bands, err := s.Ranges(ctx)
	if err = t.outcome("TCG Get the number of bands", tcg.EnterpriseLockingInfo.String(), err); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	for i, band := range bands {
		name, code := fmt.Sprintf("TCG Erase of band %d", i), band.String()+" "+tcg.EnterpriseErase.String()
		if err := t.outcome(name, code, s.Erase(ctx, band)); err != nil {
			return nil, errors.Join(err, s.Close(ctx))
		}
	}
	const before = "Enterprise, whose bands always have keys"
	done := erase.Command{Name: fmt.Sprintf("TCG Erase of all %d bands", len(bands)), Code: tcg.EnterpriseErase.String()}
	return &tcgJob{before: before, sent: done}, s.Close(ctx)
}

// unlock opens the ranges with a password, and takes the shadow MBR away.
func (t *tcgTalk) unlock(ctx context.Context, password []byte, hidden bool) error {
	if t.class.SSC == tcg.Enterprise {
		return t.unlockBands(ctx, password)
	}
	s, err := t.session(ctx, tcg.LockingSP, tcg.Admin1, password, "of Admin1 to the Locking SP with the given password")
	if notAuthorized(err) {
		s, err = t.session(ctx, tcg.LockingSP, tcg.User1, password, "of User1 to the Locking SP with the given password")
	}
	if err != nil {
		return err
	}
	ranges, err := s.Ranges(ctx)
	if err != nil {
		t.record("TCG Get the number of ranges", tcg.LockingInfo.String(), err.Error())
		ranges = []tcg.UID{tcg.GlobalRange}
	}
	var errs []error
	for i, r := range ranges {
		errs = append(errs, t.outcome(fmt.Sprintf("TCG unlock range %d", i), r.String(), s.UnlockRange(ctx, r)))
	}
	if hidden {
		errs = append(errs, t.outcome("TCG take the shadow MBR away", tcg.MBRControl.String(), s.HideMBR(ctx)))
	}
	return errors.Join(append(errs, s.Close(ctx))...)
}

// unlockBands opens the bands of an Enterprise drive, each with a session of
// its BandMaster. Those that are not set up have no such.
func (t *tcgTalk) unlockBands(ctx context.Context, password []byte) error {
	s, err := t.session(ctx, tcg.EnterpriseLockingSP, tcg.BandMaster0, password, "of BandMaster 0 to the Locking SP with the given password")
	if err != nil {
		return err
	}
	bands, err := s.Ranges(ctx)
	if err != nil {
		bands = []tcg.UID{tcg.GlobalRange}
	}
	errs := []error{t.outcome("TCG unlock band 0", tcg.GlobalRange.String(), s.UnlockRange(ctx, tcg.GlobalRange)), s.Close(ctx)}
	for i := 1; i < len(bands); i++ {
		s, err := t.session(ctx, tcg.EnterpriseLockingSP, tcg.BandMaster0+tcg.UID(i), password, fmt.Sprintf("of BandMaster %d to the Locking SP with the given password", i))
		if err != nil {
			if !errors.Is(err, erase.ErrRefusedByDrive) {
				errs = append(errs, err)
			}
			continue // another password, or a band that is not in use
		}
		errs = append(errs, t.outcome(fmt.Sprintf("TCG unlock band %d", i), bands[i].String(), s.UnlockRange(ctx, bands[i])), s.Close(ctx))
	}
	return errors.Join(errs...)
}

// unlockByPSID reverts the drive, which unlocks it and destroys its keys, and
// waits for that.
func (t *tcgTalk) unlockByPSID(ctx context.Context, typed []byte) error {
	job, err := t.revertByPSID(ctx, typed)
	if err != nil {
		return err
	}
	_, err = job.pending.Wait(ctx)
	return t.outcome("TCG answer to the revert with the PSID", tcg.Revert.String(), err)
}
