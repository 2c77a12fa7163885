package drivesim

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ombruk/ombruk/internal/nvme"
)

// nvmeController is the identifier of the only controller.
const nvmeController = 1

// identify is the Identify command (NVMe Base 2.1 section 5.1.13).
func (f *nvmeFront) identify(cmd nvme.Command) nvme.Completion {
	b := make([]byte, 4096)
	status := f.identifyInto(b, cmd)
	if status != nvmeOK {
		return nvme.Completion{Status: status}
	}
	f.answer(b)
	copy(cmd.Data, b)
	return nvme.Completion{}
}

func (f *nvmeFront) identifyInto(b []byte, cmd nvme.Command) uint16 {
	v, _ := f.version()
	cns, csi := byte(cmd.CDW10), byte(cmd.CDW11>>24)
	if cns >= 0x05 && cns <= 0x08 && v < 0x20000 || (cns == 5 || cns == 6 || cns == 7) && csi != 0 {
		return nvmeInvalidField
	}
	if cns >= 0x10 && cns <= 0x12 && !f.p.Namespaces {
		return nvmeInvalidField
	}
	switch cns {
	case 0x01:
		f.identifyController(b)
	case 0x06: // of the NVM command set: no limits are stated
	case 0x1C:
		if v < 0x20000 {
			return nvmeInvalidField
		}
		b[0] = 1 // the NVM command set alone
	case 0x00, 0x05, 0x08, 0x03, 0x11:
		return f.identifyNamespace(b, cns, cmd.NSID)
	case 0x02, 0x07, 0x10:
		if cmd.NSID >= 0xFFFFFFFE {
			return nvmeInvalidNamespace
		}
		at := 0
		for _, a := range f.namespaces(cns != 0x10) {
			if a.number > cmd.NSID {
				binary.LittleEndian.PutUint32(b[at:], a.number)
				at += 4
			}
		}
	case 0x12, 0x13:
		if cns == 0x12 {
			a := f.namespace(cmd.NSID)
			if a == nil {
				return nvmeInvalidNamespace
			}
			if !a.attached {
				return nvmeOK
			}
		}
		if cmd.CDW10>>16 <= nvmeController {
			binary.LittleEndian.PutUint16(b, 1)
			binary.LittleEndian.PutUint16(b[2:], nvmeController)
		}
	default:
		return nvmeInvalidField
	}
	return nvmeOK
}

// identifyController fills in CNS 01h (figure 313).
func (f *nvmeFront) identifyController(b []byte) {
	le := binary.LittleEndian
	text := func(from, to int, s string) { copy(b[from:to], fmt.Sprintf("%-*s", to-from, s)) }
	text(4, 24, f.serial)
	text(24, 64, f.profile.Model)
	text(64, 72, f.profile.Firmware)
	b[77] = 5 // MDTS: 128 KiB
	le.PutUint16(b[78:], nvmeController)
	v, _ := f.version()
	le.PutUint32(b[80:], v)
	b[111] = 1 // an I/O controller
	oacs := uint16(0)
	for bit, on := range map[int]bool{0: f.tcg != nil, 1: f.has("nvme-format"), 3: f.p.Namespaces, 4: f.p.SelfTestFailedAt != 0} {
		if on {
			oacs |= 1 << bit
		}
	}
	le.PutUint16(b[256:], oacs)
	b[260] = 3                 // FRMW: one slot, read only
	b[261] = 2                 // LPA: commands supported and effects log
	le.PutUint16(b[266:], 353) // WCTEMP and CCTEMP in kelvins
	le.PutUint16(b[268:], 363)
	total := uint64(0)
	for _, u := range f.profile.Units {
		total += uint64(u.KiB+u.HiddenKiB) << 10
	}
	if f.p.Namespaces {
		le.PutUint64(b[280:], total)
		le.PutUint64(b[296:], uint64(f.unallocatedBytes()))
	}
	le.PutUint32(b[328:], f.sanicap())
	b[512], b[513] = 0x66, 0x44 // SQES, CQES
	le.PutUint16(b[514:], 64)
	nn := uint32(len(f.profile.Units))
	for _, a := range f.namespaces(false) {
		nn = max(nn, a.number)
	}
	le.PutUint32(b[516:], nn)
	le.PutUint16(b[520:], 1<<2) // ONCS: Dataset Management
	b[524] = f.fna()
	if f.profile.WriteCache {
		b[525] = 1
	}
	copy(b[768:1024], "nqn.2026-01.example.ombruk:sim:"+f.serial)
}

// identifyNamespace fills in what is about one namespace.
func (f *nvmeFront) identifyNamespace(b []byte, cns byte, nsid uint32) uint16 {
	a := f.namespace(nsid)
	switch {
	case nsid == nvmeAll && (cns == 0x00 || cns == 0x11) && f.p.Namespaces:
		// What is common to all namespaces.
		f.formats(b)
		return nvmeOK
	case nsid == 0, nsid == nvmeAll, a == nil:
		return nvmeInvalidNamespace
	case !a.attached && cns != 0x11:
		if cns == 0x00 {
			return nvmeOK // zeros for one that is not active
		}
		return nvmeInvalidField
	}
	le := binary.LittleEndian
	eui := f.eui(a)
	switch cns {
	case 0x00, 0x11:
		blocks := uint64(a.visibleBytes) / uint64(a.blockBytes)
		le.PutUint64(b, blocks)
		le.PutUint64(b[8:], blocks)
		le.PutUint64(b[16:], blocks)
		if f.p.DAE {
			b[24] |= 1 << 2
		}
		b[26] = byte(slices.Index(nvmeFormats[:], a.blockBytes))
		switch f.medium.deallocated {
		case 0:
			b[33] = 1
		case 1<<64 - 1:
			b[33] = 2
		}
		le.PutUint64(b[48:], uint64(a.visibleBytes))
		if f.protected[a] {
			b[99] = 1
		}
		copy(b[120:128], eui)
		f.formats(b)
	case 0x03:
		at := 0
		if len(eui) == 8 {
			b[0], b[1] = 1, 8
			copy(b[4:], eui)
			at = 12
		}
		if v, _ := f.version(); v >= 0x20000 {
			b[at], b[at+1] = 4, 1 // the command set: NVM
		}
	case 0x08:
		if f.protected[a] {
			b[8] = 1
		}
		b[14] = 1 // ready
	}
	return nvmeOK
}

// formats fills in the LBA formats of Identify Namespace.
func (f *nvmeFront) formats(b []byte) {
	b[25] = byte(len(nvmeFormats) - 1)
	for i, size := range nvmeFormats {
		b[128+4*i+2] = 9
		if size == 4096 {
			b[128+4*i+2] = 12
		}
	}
}

// eui is the EUI-64 of a namespace; empty when the drive has none.
func (f *nvmeFront) eui(a *area) []byte {
	if f.wwn == "" {
		return nil
	}
	var v uint64
	if _, err := fmt.Sscanf(f.wwn, "eui.%016x", &v); err != nil {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, v&^0xFF|uint64(byte(a.number)))
}

// getLog is Get Log Page (NVMe Base 2.1 section 5.1.12).
func (f *nvmeFront) getLog(cmd nvme.Command) nvme.Completion {
	var log []byte
	switch byte(cmd.CDW10) {
	case 0x01:
		log = make([]byte, 64)
	case 0x02:
		log = f.smartLog()
	case 0x03:
		log = make([]byte, 512)
		log[0] = 1
		copy(log[8:16], fmt.Sprintf("%-8s", f.profile.Firmware))
	case 0x04:
		log = make([]byte, 4096)
	case 0x05:
		log = f.effectsLog()
	case 0x06:
		if f.p.SelfTestFailedAt == 0 {
			return nvme.Completion{Status: nvmeInvalidLogPage}
		}
		log = f.selfTestLog()
	case 0x81:
		if f.sanicap() == 0 || f.lies(LieNoStatus) && f.sanitize.cdw10 != 0 {
			return nvme.Completion{Status: nvmeInvalidLogPage}
		}
		log = f.sanitizeLog()
	default:
		return nvme.Completion{Status: nvmeInvalidLogPage}
	}
	dwords := uint64(cmd.CDW10>>16) | uint64(cmd.CDW11&0xFFFF)<<16
	n, from := int64(dwords+1)*4, uint64(cmd.CDW12)|uint64(cmd.CDW13)<<32
	if from%4 != 0 || from >= uint64(len(log)) {
		return nvme.Completion{Status: nvmeInvalidField}
	}
	data := cmd.Data[:min(n, int64(len(cmd.Data)))]
	clear(data)
	f.answer(log)
	copy(data, log[from:])
	return nvme.Completion{}
}

// smartLog is log page 02h (NVMe Base 2.1 section 5.1.12.1.3).
func (f *nvmeFront) smartLog() []byte {
	le := binary.LittleEndian
	b := make([]byte, 512)
	b[0] = f.p.CriticalWarning
	le.PutUint16(b[1:], 273+38)
	b[3], b[4], b[5] = f.p.SparePercent, 10, f.p.PercentUsed
	if b[3] == 0 {
		b[3] = 100
	}
	le.PutUint64(b[32:], 41_000_000)
	le.PutUint64(b[48:], 23_000_000) // units of 512 000 bytes
	le.PutUint64(b[112:], 812)
	le.PutUint64(b[128:], 9_140)
	le.PutUint64(b[144:], 31)
	le.PutUint64(b[160:], f.p.MediaErrors)
	return b
}

// selfTestLog is log page 06h (NVMe Base 2.1 section 5.1.12.1.7): one extended
// test, which failed.
func (f *nvmeFront) selfTestLog() []byte {
	b := make([]byte, 564)
	for at := 4; at < len(b); at += 28 {
		b[at] = 0x0F // not used
	}
	b[4] = 0x27
	binary.LittleEndian.PutUint64(b[8:], f.p.SelfTestFailedAt)
	return b
}

// effectsLog is log page 05h: which commands there are, and which change
// what namespaces hold.
func (f *nvmeFront) effectsLog() []byte {
	b := make([]byte, 4096)
	set := func(op byte, v uint32) { binary.LittleEndian.PutUint32(b[int(op)*4:], v) }
	for _, op := range []byte{nvmeOpGetLog, nvmeOpIdentify, nvmeOpAbort, nvmeOpSetFeatures, nvmeOpGetFeatures, nvmeOpAsyncEvent, nvmeOpKeepAlive} {
		set(op, 1)
	}
	const content, oneNamespace, exclusive = 2, 1 << 3, 1 << 16
	if f.has("nvme-format") {
		set(nvmeOpFormat, 1|content|oneNamespace|exclusive)
	}
	if f.sanicap() != 0 {
		set(nvmeOpSanitize, 1|content|exclusive)
	}
	if f.tcg != nil {
		set(nvmeOpSecuritySend, 1|content)
		set(nvmeOpSecurityReceive, 1)
	}
	if f.p.Namespaces {
		set(nvmeOpNamespaces, 1|1<<3|1<<4)
		set(nvmeOpAttachment, 1|1<<3|1<<4)
	}
	return b
}
