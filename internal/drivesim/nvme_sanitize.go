package drivesim

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

// nvmeSanState is a state of the sanitize state machine, SANS (NVMe Base 2.1
// section 8.1.24.4).
type nvmeSanState byte

const (
	sanIdle nvmeSanState = iota
	sanRestricted
	sanFailedRestricted
	sanUnrestricted
	sanFailedUnrestricted
	sanMediaVerification
	sanPostVerification
)

// Values of SOS, bits 2:0 of SSTAT.
const (
	sosNever       = 0
	sosSanitized   = 1
	sosSanitizing  = 2
	sosFailed      = 3
	sosDeallocated = 4
)

// Sanitize actions, bits 2:0 of command dword 10.
const (
	sanactExitFailure = 1
	sanactBlock       = 2
	sanactOverwrite   = 3
	sanactCrypto      = 4
	sanactExitMedia   = 5
)

// nvmeSanitize is what the sanitize engine remembers, over power cycles.
type nvmeSanitize struct {
	state   nvmeSanState
	failedI nvmeSanState // the state in which it failed (FAILS)
	sos     uint16
	cdw10   uint32 // of the command that started the last one
	passes  uint16 // completed
	erased  bool   // Global Data Erased
	cancel  bool   // media verification cancelled
	purged  bool
}

func (s *nvmeSanitize) failed() bool {
	return s.state == sanFailedRestricted || s.state == sanFailedUnrestricted
}

func (s *nvmeSanitize) inProgress() bool {
	switch s.state {
	case sanRestricted, sanUnrestricted, sanMediaVerification, sanPostVerification:
		return true
	}
	return false
}

// sanicap is SANICAP, bytes 331:328 of Identify Controller.
func (f *nvmeFront) sanicap() uint32 {
	v := uint32(0)
	for bit, e := range []inventory.EraseCommand{inventory.NVMeSanitizeCrypto, inventory.NVMeSanitizeBlock, inventory.NVMeSanitizeOverwrite} {
		if _, ok := f.eraser(e); ok {
			v |= 1 << bit
		}
	}
	if v == 0 {
		return 0
	}
	for bit, on := range map[int]bool{3: f.p.VERS, 5: f.p.SPRRS, 29: f.p.NDI} {
		if on {
			v |= 1 << bit
		}
	}
	return v | uint32(f.p.NODMMAS&3)<<30
}

// sanactOf is the erase command of a sanitize action.
func sanactOf(action uint32) inventory.EraseCommand {
	return map[uint32]inventory.EraseCommand{
		sanactBlock: inventory.NVMeSanitizeBlock, sanactOverwrite: inventory.NVMeSanitizeOverwrite, sanactCrypto: inventory.NVMeSanitizeCrypto,
	}[action]
}

// startSanitize is the Sanitize command (NVMe Base 2.1 section 5.1.22).
func (f *nvmeFront) startSanitize(cmd nvme.Command) uint16 {
	if f.sanicap() == 0 {
		return nvmeInvalidOpcode
	}
	const ause, ndas, emvs, preq = 1 << 3, 1 << 9, 1 << 10, 1 << 11
	known := uint32(0x7FF)
	if f.p.SPRRS {
		known |= preq
	}
	action := cmd.CDW10 & 7
	s := &f.sanitize
	e, starts := f.eraser(sanactOf(action))
	switch {
	case cmd.CDW10&^known != 0, cmd.NSID != 0: // the command has no use for an NSID
		return nvmeInvalidField
	case action == sanactExitMedia:
		return f.exitMedia()
	case s.state == sanMediaVerification:
		return nvmeInvalidField
	case s.inProgress():
		return nvmeSanitizeInProgress
	case action == sanactExitFailure:
		if s.state == sanFailedRestricted {
			return nvmeSanitizeFailed
		}
		s.state = sanIdle
		return nvmeOK
	case !starts:
		return nvmeInvalidField
	case cmd.CDW10&emvs != 0 && (!f.p.VERS || action == sanactOverwrite || cmd.CDW10&ndas != 0):
		return nvmeInvalidField
	case cmd.CDW10&ndas != 0 && f.p.NDI && !f.nodrm:
		return nvmeInvalidField
	case s.state == sanFailedRestricted && cmd.CDW10&ause != 0:
		return nvmeSanitizeFailed
	case f.anyProtected(f.namespaces(false)):
		return nvmeWriteProtected
	case f.anyLocked(f.namespaces(false)):
		return nvmeDenied
	case f.lies(LieUnsupported):
		return nvmeInvalidField
	}
	passes := uint16(1)
	if action == sanactOverwrite {
		if passes = uint16(cmd.CDW10 >> 4 & 0xF); passes == 0 {
			passes = 16
		}
	}
	was := *s
	*s = nvmeSanitize{state: sanRestricted, sos: sosSanitizing, cdw10: cmd.CDW10, erased: s.erased}
	if cmd.CDW10&ause != 0 {
		s.state = sanUnrestricted
	}
	unexpected := cmd.CDW10&ndas != 0 && f.p.NDI
	job := f.sanitizeJob(cmd, e.duration()*time.Duration(passes), passes)
	job.unmap = job.unmap || unexpected
	job.done = func(ok bool) { f.endSanitize(ok, unexpected, passes) }
	if !f.begin(job) {
		*s = was
	}
	return nvmeOK
}

// sanitizeJob is what a sanitize does to the medium.
func (f *nvmeFront) sanitizeJob(cmd nvme.Command, d time.Duration, passes uint16) job {
	action := cmd.CDW10 & 7
	j := job{command: sanactOf(action), spare: true, duration: d, survives: true, fill: f.medium.erased}
	j.unmap = cmd.CDW10&(1<<9|1<<10) == 0 // neither NDAS nor EMVS
	switch action {
	case sanactCrypto:
		j.effect = effectCrypto
	case sanactOverwrite:
		p := uint64(cmd.CDW11)
		j.fill = p | p<<32
		if cmd.CDW10&(1<<8) != 0 && passes%2 == 0 {
			j.fill = ^j.fill // inverted between passes
		}
	}
	return j
}

// endSanitize is the end of sanitize processing.
func (f *nvmeFront) endSanitize(ok, unexpected bool, passes uint16) {
	s := &f.sanitize
	const emvs, preq = 1 << 10, 1 << 11
	if s.cdw10&preq != 0 && f.p.ClearsOnly {
		ok = false
	}
	if !ok {
		s.failedI, s.sos = s.state, sosFailed
		s.state++ // the failure state follows its processing state
		s.erased = f.lies(LieFailedErased)
		return
	}
	s.erased, s.purged = true, s.cdw10&preq != 0
	if s.cdw10&7 == sanactOverwrite {
		s.passes = passes
	}
	if s.cdw10&emvs != 0 && !s.cancel {
		s.state = sanMediaVerification
		return
	}
	s.state, s.sos = sanIdle, sosSanitized
	if unexpected {
		s.sos = sosDeallocated
	}
	if s.cdw10&emvs != 0 {
		f.medium.unmapAll(f.namespaces(false))
	}
	s.cancel = false
}

// exitMedia leaves the media verification state through deallocation.
func (f *nvmeFront) exitMedia() uint16 {
	s := &f.sanitize
	if s.state != sanMediaVerification {
		return nvmeInvalidField
	}
	if f.lies(LieOpenForever) {
		return nvmeOK
	}
	s.state = sanPostVerification
	f.core.begin(job{effect: effectUnmap, duration: 2 * time.Second, survives: true, done: func(bool) {
		s.state, s.sos = sanIdle, sosSanitized
	}})
	return nvmeOK
}

// closeMedia is what a reset does to media verification: it is cancelled, and
// what would have followed it happens at once.
func (f *nvmeFront) closeMedia() {
	s := &f.sanitize
	switch s.state {
	case sanRestricted, sanUnrestricted:
		s.cancel = true
	case sanMediaVerification:
		if !f.lies(LieOpenForever) {
			f.medium.unmapAll(f.namespaces(false))
			s.state, s.sos = sanIdle, sosSanitized
		}
	}
}

// unmapAll deallocates areas as a whole.
func (m *medium) unmapAll(areas []*area) {
	for _, a := range areas {
		m.unmap(a, 0, int64(len(a.table)))
	}
	m.settle()
}

// sanitizeLog is log page 81h (NVMe Base 2.1 section 5.1.12.1.33).
func (f *nvmeFront) sanitizeLog() []byte {
	s := &f.sanitize
	b := make([]byte, 512)
	sprog := uint16(0xFFFF)
	if s.sos == sosSanitizing && s.state != sanMediaVerification {
		sprog = uint16(f.progressPPM() * 65536 / 1e6)
	}
	sstat := s.sos | s.passes<<3
	for bit, on := range map[int]bool{8: s.erased, 9: s.cancel, 11: s.purged} {
		if on {
			sstat |= 1 << bit
		}
	}
	binary.LittleEndian.PutUint16(b, sprog)
	binary.LittleEndian.PutUint16(b[2:], sstat)
	binary.LittleEndian.PutUint32(b[4:], s.cdw10)
	for i, e := range []inventory.EraseCommand{inventory.NVMeSanitizeOverwrite, inventory.NVMeSanitizeBlock, inventory.NVMeSanitizeCrypto} {
		estimate := uint32(0xFFFFFFFF)
		if p, ok := f.eraser(e); ok && p.EstimateSeconds != nil {
			estimate = uint32(min(*p.EstimateSeconds, 0xFFFFFFFE))
		}
		binary.LittleEndian.PutUint32(b[8+4*i:], estimate)
		binary.LittleEndian.PutUint32(b[20+4*i:], 0xFFFFFFFF)
	}
	binary.LittleEndian.PutUint32(b[32:], 0xFFFFFFFF)
	if f.p.VERS {
		binary.LittleEndian.PutUint32(b[32:], 2)
		b[36] = byte(s.state)
		if s.sos == sosFailed {
			b[36] |= byte(s.failedI) << 4
		}
	}
	return b
}

// resume puts the engine in the state that the drive comes to us in.
func (f *nvmeFront) resume() error {
	was := f.profile.Sanitize
	if was == nil {
		return nil
	}
	actions := map[inventory.EraseCommand]uint32{
		inventory.NVMeSanitizeBlock: sanactBlock, inventory.NVMeSanitizeOverwrite: sanactOverwrite, inventory.NVMeSanitizeCrypto: sanactCrypto,
	}
	action, ok := actions[was.Command]
	e, has := f.eraser(was.Command)
	if !ok || !has {
		return fmt.Errorf("sanitize by %q that the drive does not have", was.Command)
	}
	s := &f.sanitize
	s.cdw10 = action
	switch was.State {
	case inventory.SanitizeSucceeded:
		s.sos = sosSanitized
	case inventory.SanitizeFailed:
		s.sos, s.state, s.failedI = sosFailed, sanFailedUnrestricted, sanUnrestricted
		if f.p.Restricted {
			s.state, s.failedI = sanFailedRestricted, sanRestricted
		} else {
			s.cdw10 |= 1 << 3
		}
	case inventory.SanitizeRunning:
		s.sos, s.state = sosSanitizing, sanRestricted
		j := f.sanitizeJob(nvme.Command{CDW10: action}, e.duration(), 1)
		j.elapsed = time.Duration(float64(j.duration) * float64(was.ProgressPPM) / 1e6)
		j.done = func(ok bool) { f.endSanitize(ok, false, 1) }
		f.begin(j)
	default:
		return fmt.Errorf("a drive cannot come with its sanitize %q", was.State)
	}
	return nil
}
