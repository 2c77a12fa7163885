package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

const (
	// formatLimit is how long Format NVM may take: it answers when it is
	// done, and large drives take hours.
	formatLimit = 7 * 24 * time.Hour
	// formatMoment is how long a format is given to refuse, or to be done,
	// before it counts as running. It is real time: the answer comes from
	// another goroutine.
	formatMoment = 50 * time.Millisecond
	// sanitizeLimit is how long the drive may take to accept a sanitize. It
	// should be moments; some do a part of the work before they answer.
	sanitizeLimit = 30 * time.Minute
	// lostLimit is how long a drive that went away while it was given a
	// sanitize is looked for.
	lostLimit = 5 * time.Minute
)

// errRunning is why a second sanitize is not started.
var errRunning = errors.New("a sanitize is running already and must be awaited first")

// nvmeSanitizes says how each sanitize is ordered.
func nvmeSanitizes(c inventory.EraseCommand) (action nvme.SANACT, name string) {
	switch c {
	case inventory.NVMeSanitizeCrypto:
		return nvme.CryptoErase, "crypto erase"
	case inventory.NVMeSanitizeBlock:
		return nvme.BlockErase, "block erase"
	case inventory.NVMeSanitizeOverwrite:
		return nvme.Overwrite, "overwrite"
	}
	return 0, ""
}

// sanitizeOf is the erase command that a sanitize action is; empty for others.
func sanitizeOf(a nvme.SANACT) inventory.EraseCommand {
	for _, c := range []inventory.EraseCommand{inventory.NVMeSanitizeCrypto, inventory.NVMeSanitizeBlock, inventory.NVMeSanitizeOverwrite} {
		if action, _ := nvmeSanitizes(c); action == a {
			return c
		}
	}
	return ""
}

// Start implements erase.Firmware.
func (n *nvmeDrive) Start(ctx context.Context, command inventory.EraseCommand, o erase.StartOptions) ([]erase.Command, error) {
	if n.job != nil && n.job.working() {
		return nil, fmt.Errorf("%s: %s is still running", command, n.job.command)
	}
	n.job = nil
	if err := n.found(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	leave, err := n.ready(ctx)
	if err != nil {
		return leave, fmt.Errorf("%s: %w", command, err)
	}
	var commands []erase.Command
	switch command {
	case inventory.NVMeSanitizeCrypto, inventory.NVMeSanitizeBlock, inventory.NVMeSanitizeOverwrite:
		commands, err = n.startSanitize(ctx, command, o)
	case inventory.NVMeFormatUser, inventory.NVMeFormatCrypto:
		commands, err = n.startFormat(ctx, command, o)
	case inventory.TCGRevert, inventory.TCGPSIDRevert:
		if err = n.allShown(ctx); err != nil {
			err = fmt.Errorf("%s: %w", command, err)
		} else if commands, err = n.lock.Start(ctx, command); err == nil {
			n.job = &nvmeJob{command: command, tcg: true}
		}
	default:
		err = fmt.Errorf("%s: %w", command, erase.ErrUnsupported)
	}
	return append(leave, commands...), err
}

// ready makes sure that no sanitize is under way. An open media verification
// state, which a power cut may have left behind, is left.
func (n *nvmeDrive) ready(ctx context.Context) ([]erase.Command, error) {
	if n.controller.SANICAP == 0 {
		return nil, nil
	}
	log, err := n.sanitizeLog(ctx)
	if err != nil {
		return nil, fmt.Errorf("read sanitize status: %w", err)
	}
	if log.SOS() != nvme.Sanitizing {
		return nil, nil
	}
	if log.SANS() == nvme.MediaVerification || log.SANS() == nvme.PostVerificationState {
		return n.leaveSanitize(ctx)
	}
	return nil, fmt.Errorf("%w: %v", errRunning, log)
}

// allShown makes sure that a command for the whole drive erases no namespace
// that nobody was shown.
func (n *nvmeDrive) allShown(ctx context.Context) error {
	others, err := n.others(ctx)
	if err != nil {
		return fmt.Errorf("%w: it is not known which namespaces it would erase: %w", erase.ErrUnsupported, err)
	}
	is := n.nsids(others)
	for _, id := range is {
		if !slices.Contains(n.shown, id) {
			return fmt.Errorf("%w: a namespace appeared that was not shown: %d beside %v", erase.ErrIdentityChanged, id, n.shown)
		}
	}
	if len(is) < len(n.shown) {
		return fmt.Errorf("%w: the drive had namespaces %v and has %v", erase.ErrIdentityChanged, n.shown, is)
	}
	return nil
}

func (n *nvmeDrive) startSanitize(ctx context.Context, command inventory.EraseCommand, o erase.StartOptions) ([]erase.Command, error) {
	caps := n.controller.SANICAP
	s := nvme.Sanitize{PREQ: o.PurgeOrFail, EMVS: o.OpenMedia}
	var name string
	s.Action, name = nvmeSanitizes(command)
	has := map[nvme.SANACT]bool{nvme.CryptoErase: caps.Crypto(), nvme.BlockErase: caps.Block(), nvme.Overwrite: caps.Overwrite()}
	switch {
	case !has[s.Action]:
		return nil, fmt.Errorf("%s: %w (SANICAP %08Xh)", command, erase.ErrUnsupported, uint32(caps))
	case s.PREQ && !caps.PurgeRequest():
		return nil, fmt.Errorf("%s, purge or fail: %w (SANICAP %08Xh)", command, erase.ErrUnsupported, uint32(caps))
	case s.EMVS && (!caps.Verification() || s.Action == nvme.Overwrite):
		return nil, fmt.Errorf("%s, open media: %w (SANICAP %08Xh)", command, erase.ErrUnsupported, uint32(caps))
	}
	if err := n.allShown(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	if s.Action == nvme.Overwrite {
		s.Passes = 1
	}
	// Open media are read before anything is deallocated, so that leaving
	// deallocation out is neither needed nor allowed.
	keep, why := o.KeepAllocated && !s.EMVS, ""
	switch {
	case !keep:
	case caps.NoDeallocateInhibited():
		why = "; the drive deallocates in any case (NDI 1)"
	case s.Action != nvme.Overwrite && caps.NODMMAS() != 2:
		// Then nothing writes the blocks again after their erasure, and
		// reads of them fail for want of a valid error correction code
		// (NVMe Base 2.1 section 8.1.24.1 and annex A.3).
		why = fmt.Sprintf("; without deallocation reads could fail (NODMMAS %d)", caps.NODMMAS())
	default:
		s.NDAS = true
	}
	first, job, err := n.sendSanitize(ctx, command, name, s, why)
	commands := []erase.Command{first}
	var refusal *erase.DriveError
	if s.NDAS && errors.As(err, &refusal) && refused(first, nvme.InvalidField) {
		// A refused sanitize erases nothing (NVMe Base 2.1 section 5.1.22),
		// so that it may be given again without what it may have minded.
		s.NDAS = false
		var second erase.Command
		second, job, err = n.sendSanitize(ctx, command, name, s, "; given again without NDAS, which was refused")
		commands = append(commands, second)
	}
	if err != nil {
		return commands, err
	}
	job.keep = keep
	n.job = job
	return commands, nil
}

func refused(c erase.Command, status uint16) bool { return c.Status == nvme.StatusText(status) }

// sendSanitize gives one Sanitize command. AUSE is always 0, so that after a
// failure the drive stays shut until a sanitize has gone through.
func (n *nvmeDrive) sendSanitize(ctx context.Context, command inventory.EraseCommand, name string, s nvme.Sanitize, why string) (erase.Command, *nvmeJob, error) {
	c, err := s.Command()
	if err != nil {
		return erase.Command{}, nil, err
	}
	c.Timeout = sanitizeLimit
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	code := fmt.Sprintf("84h, CDW10 %08Xh: SANACT %d, AUSE 0, NDAS %d", c.CDW10, s.Action, flag(s.NDAS))
	if s.Action == nvme.Overwrite {
		code += fmt.Sprintf(", OWPASS %d, OIPBP 0, OVRPAT %08Xh", s.Passes, s.Pattern)
	}
	if n.controller.SANICAP.Verification() {
		code += fmt.Sprintf(", EMVS %d", flag(s.EMVS))
	}
	if n.controller.SANICAP.PurgeRequest() {
		code += fmt.Sprintf(", PREQ %d", flag(s.PREQ))
	}
	sent, err := n.give(ctx, "Sanitize, "+name, code+why, c)
	if errors.Is(err, erase.ErrGone) {
		err = n.tookIt(ctx, c.CDW10, &sent, err)
	}
	return sent, &nvmeJob{command: command, sent: sent, action: s.Action, cdw10: c.CDW10}, err
}

// tookIt is for a sanitize whose answer was lost because the drive reset or
// went away. Nothing ran before, so one that now runs with our words is ours;
// from anything else it cannot be told whether the drive took it.
func (n *nvmeDrive) tookIt(ctx context.Context, cdw10 uint32, sent *erase.Command, lost error) error {
	began := n.host.Now()
	for {
		log, err := n.sanitizeLog(ctx)
		switch {
		case err == nil && log.SOS() == nvme.Sanitizing && log.SCDW10 == cdw10:
			sent.Status += "; the drive then reports that it is at work on it: " + log.String()
			return nil
		case err == nil:
			return fmt.Errorf("whether the drive took it is not known (%v): %w", log, lost)
		case !errors.Is(err, erase.ErrGone) || n.host.Now().Sub(began) > lostLimit:
			return errors.Join(lost, err)
		}
		if err := n.host.Wait(ctx, time.Second); err != nil {
			return errors.Join(lost, err)
		}
	}
}

func (n *nvmeDrive) startFormat(ctx context.Context, command inventory.EraseCommand, o erase.StartOptions) ([]erase.Command, error) {
	f, ses, name := n.controller.FNA, nvme.UserDataErase, "user data erase"
	if command == inventory.NVMeFormatCrypto {
		ses, name = nvme.CryptoKeyErase, "crypto erase"
	}
	switch {
	case !n.controller.HasFormat(), ses == nvme.CryptoKeyErase && !f.Crypto():
		return nil, fmt.Errorf("%s: %w (OACS %04Xh, FNA %02Xh)", command, erase.ErrUnsupported, n.controller.OACS, byte(f))
	case o.PurgeOrFail || o.OpenMedia:
		return nil, fmt.Errorf("%s, purge or fail, or open media: %w", command, erase.ErrUnsupported)
	}
	others, err := n.others(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: it is not known which namespaces it would erase: %w", command, erase.ErrUnsupported, err)
	}
	if f.ErasesAll() {
		if err := n.allShown(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
	} else if f.FormatsAll() && len(others) > 0 {
		return nil, fmt.Errorf("%s: it would format %d other namespaces and erase one (FNA %02Xh): %w", command, len(others), byte(f), erase.ErrUnsupported)
	}
	space, err := n.namespace(ctx, nvme.IdentifyNamespace(n.was.nsid))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	c := nvme.Format(n.was.nsid, space, ses)
	c.Timeout = formatLimit
	scope := fmt.Sprintf("namespace %d only", c.NSID)
	if f.ErasesAll() {
		scope = "all namespaces"
	}
	code := fmt.Sprintf("80h, NSID %d, CDW10 %08Xh: SES %d, LBAF %d as it was; FNA %02Xh: %s", c.NSID, c.CDW10, ses, space.FormatIndex(), byte(f), scope)
	answer := make(chan error, 1)
	job := &nvmeJob{
		command: command, answer: answer,
		sent: erase.Command{Name: "Format NVM, " + name, Code: code},
	}
	// The drive works on whether or not anybody waits.
	within := context.WithoutCancel(ctx)
	go func() {
		_, err := nvme.Do(within, n.wire, c)
		answer <- err
	}()
	n.job = job
	job.look(formatMoment)
	if job.over && job.failed != nil {
		n.job = nil
		return []erase.Command{job.sent}, nvmeRefusal(job.sent, job.failed)
	}
	return []erase.Command{job.sent}, nil
}

// look waits a moment for the answer to a format.
func (j *nvmeJob) look(moment time.Duration) {
	if j.answer == nil || j.over {
		return
	}
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case j.failed = <-j.answer:
		j.over = true
		j.sent.Status = nvme.StatusText(0)
		var refusal *nvme.StatusError
		if errors.As(j.failed, &refusal) {
			j.sent.Status = refusal.Error()
		} else if j.failed != nil {
			j.sent.Status = "no answer: " + j.failed.Error()
		}
	case <-timer.C:
		j.sent.Status = "no answer yet: it answers when it is done"
	}
}

// working reports whether a format has not answered.
func (j *nvmeJob) working() bool {
	j.look(0)
	return j.answer != nil && !j.over
}

// Status implements erase.Firmware.
func (n *nvmeDrive) Status(ctx context.Context) (erase.Status, error) {
	switch {
	case n.job != nil && n.job.tcg:
		s, err := n.lock.Status(ctx)
		if errors.Is(err, erase.ErrGone) && n.found(ctx) == nil {
			s, err = n.lock.Status(ctx)
		}
		return s, err
	case n.job != nil && n.job.answer != nil:
		return n.job.formatStatus(), nil
	}
	asked := erase.Command{Name: "Get Log Page, Sanitize Status", Code: "02h/81h"}
	if n.controller.SANICAP == 0 {
		asked.Status = "not asked: the controller has no Sanitize"
		return erase.Status{State: erase.StateIdle, ProgressPPM: -1, Command: asked}, nil
	}
	log, err := n.sanitizeLog(ctx)
	var refusal *nvme.StatusError
	if errors.As(err, &refusal) && refusal.Code() == nvme.SanitizeInProgress {
		asked.Status = refusal.Error()
		return erase.Status{State: erase.StateRunning, ProgressPPM: -1, Command: asked}, nil
	}
	if err != nil {
		return erase.Status{ProgressPPM: -1, Command: asked}, fmt.Errorf("read sanitize status: %w", err)
	}
	s := nvmeSanitizeStatus(log, n.job, n.estimate(log))
	if s.State == erase.StateSucceeded && n.stillSanitizing(ctx) {
		s = erase.Status{State: erase.StateRunning, ProgressPPM: -1, Of: s.Of, Command: s.Command}
		s.Command.Status += "; but it refuses commands with " + nvme.StatusText(nvme.SanitizeInProgress)
	}
	return s, nil
}

// stillSanitizing asks for what a controller may not do while it sanitizes, and
// what changes nothing: the list of security protocols.
func (n *nvmeDrive) stillSanitizing(ctx context.Context) bool {
	if !n.controller.HasSecurity() {
		return false
	}
	_, err := n.ask(ctx, nvme.SecurityReceive(0, 0, make([]byte, 512)))
	var refusal *nvme.StatusError
	return errors.As(err, &refusal) && refusal.Code() == nvme.SanitizeInProgress
}

// estimate is the drive's own for the operation that its log speaks of, zero
// when it gives none.
func (n *nvmeDrive) estimate(l nvme.SanitizeLog) time.Duration {
	ndas := l.SCDW10>>9&1 == 1 && n.controller.SANICAP.NODMMAS() == 2
	pick := func(plain, modified uint32) int64 {
		if ndas {
			return nvmeSeconds(modified)
		}
		return nvmeSeconds(plain)
	}
	var s int64
	switch l.Action() {
	case nvme.CryptoErase:
		s = pick(l.ETCE, l.ETCENMM)
	case nvme.BlockErase:
		s = pick(l.ETBE, l.ETBENMM)
	case nvme.Overwrite:
		passes := int64(l.SCDW10 >> 4 & 0xF)
		if passes == 0 {
			passes = 16
		}
		s = pick(l.ETO, l.ETODMM) * passes / 16
	}
	return time.Duration(s) * time.Second
}

// nvmeSanitizeStatus says what a sanitize log means, for the erase that was
// started, or where job is nil for whichever it speaks of.
func nvmeSanitizeStatus(l nvme.SanitizeLog, job *nvmeJob, estimate time.Duration) erase.Status {
	s := erase.Status{
		ProgressPPM: -1, Of: sanitizeOf(l.Action()), GlobalDataErased: l.GlobalDataErased(),
		Command: erase.Command{Name: "Get Log Page, Sanitize Status", Code: "02h/81h"},
	}
	word := "reserved outcome"
	switch l.SOS() {
	case nvme.NeverSanitized:
		s.State, word = erase.StateIdle, "never sanitized"
	case nvme.Sanitized:
		s.State, word = erase.StateSucceeded, "sanitized"
	case nvme.SanitizedDeallocated:
		s.State, s.Deallocated, word = erase.StateSucceeded, true, "sanitized, and deallocated although asked not to"
	case nvme.Failed:
		s.State, word = erase.StateFailed, "sanitize failed"
	case nvme.Sanitizing:
		switch l.SANS() {
		case nvme.MediaVerification:
			s.State, word = erase.StateOpenMedia, "sanitized, media open for verification"
		case nvme.PostVerificationState:
			s.State, word = erase.StateRunning, "deallocating after media verification"
		default:
			s.State, word = erase.StateRunning, "sanitizing"
			s.ProgressPPM = int64(l.SPROG) * 1_000_000 / 65536
			s.Remaining = estimate - estimate*time.Duration(l.SPROG)/65536
		}
	}
	done := s.State == erase.StateSucceeded || s.State == erase.StateOpenMedia
	if job != nil {
		switch {
		case l.Action() != job.action && s.State != erase.StateRunning && s.State != erase.StateIdle:
			s.State, s.Deallocated = erase.StateUnknown, false
			word += fmt.Sprintf("; that is of another command, ours had SANACT %d", job.action)
		case done && job.cdw10>>11&1 == 1 && !l.Purged():
			s.State = erase.StateFailed
			word += "; but a purge was asked for and PRGD is 0"
		case done && job.keep:
			s.Deallocated = s.Deallocated || job.cdw10>>9&1 == 0
		}
	}
	if l.Purged() {
		word += ", purged by IEEE 2883 (PRGD)"
	}
	if l.VerificationCanceled() {
		word += ", media verification cancelled by a reset (MVCNCLD)"
	}
	s.Command.Status = l.String() + ": " + word
	return s
}

// formatStatus is where a format is: it tells nothing before its end.
func (j *nvmeJob) formatStatus() erase.Status {
	j.look(formatMoment / 10)
	s := erase.Status{State: erase.StateRunning, ProgressPPM: -1, Command: j.sent, Of: j.command}
	switch {
	case j.over && j.failed == nil:
		s.State = erase.StateSucceeded
	case j.over:
		s.State, s.Lost = erase.StateFailed, errors.Is(j.failed, erase.ErrGone)
	}
	return s
}
