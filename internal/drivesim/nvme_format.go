package drivesim

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

// nvmeFormats are the LBA formats of every namespace: data sizes without
// metadata.
var nvmeFormats = [...]int{512, 4096}

// fna is Format NVM Attributes, byte 524 of Identify Controller.
func (f *nvmeFront) fna() byte {
	v := f.p.FNA &^ 4
	if _, ok := f.eraser(inventory.NVMeFormatCrypto); ok {
		v |= 4
	}
	return v
}

// format is the Format NVM command (NVMe Base 2.1 section 5.1.10). It answers
// when it is done.
func (f *nvmeFront) format(ctx context.Context, gen int, cmd nvme.Command) (nvme.Completion, error) {
	if !f.has("nvme-format") {
		return nvme.Completion{Status: nvmeInvalidOpcode}, nil
	}
	areas, status := f.formatScope(cmd)
	if status != nvmeOK {
		return nvme.Completion{Status: status}, nil
	}
	ses := cmd.CDW10 >> 9 & 7
	command := inventory.NVMeFormatUser
	if ses == 2 {
		command = inventory.NVMeFormatCrypto
	}
	e, ok := f.eraser(command)
	switch {
	case f.anyProtected(areas):
		return nvme.Completion{Status: nvmeWriteProtected}, nil
	case f.anyLocked(areas):
		return nvme.Completion{Status: nvmeDenied}, nil
	case ses > 2, ses != 0 && !ok:
		return nvme.Completion{Status: nvmeInvalidField}, nil
	case f.lies(LieUnsupported):
		return nvme.Completion{Status: nvmeInvalidOpcode}, nil
	case f.lies(LieIgnoresMode):
		ses = 0
	}
	failed := false
	j := job{command: command, areas: areas, spare: true, fill: f.medium.erased, unmap: true, duration: e.duration()}
	j.done = func(ok bool) {
		f.formatter, failed = nil, !ok
		for _, a := range areas {
			if ok {
				a.blockBytes = nvmeFormats[cmd.CDW10&0xF]
			}
		}
	}
	j.cut = func() { f.formatter = nil }
	switch ses {
	case 0:
		j.effect, j.duration = effectUnmap, j.duration/10
	case 2:
		j.effect = effectCrypto
	}
	if len(areas) == 0 {
		return nvme.Completion{}, nil
	}
	f.formatter = &j
	if !f.begin(j) {
		f.formatter = nil
		return nvme.Completion{}, nil
	}
	if err := f.finished(ctx, gen, cmd.Timeout); err != nil {
		return nvme.Completion{}, err
	}
	if failed {
		return nvme.Completion{Status: nvmeInternalError}, nil
	}
	return nvme.Completion{}, nil
}

// formatScope is which namespaces a Format NVM is of (NVMe Base 2.1 figure
// 192), and why there can be none.
func (f *nvmeFront) formatScope(cmd nvme.Command) ([]*area, uint16) {
	const reserved = 0xFFFFC000
	lbaf := cmd.CDW10&0xF | cmd.CDW10>>12&3<<4
	switch {
	case cmd.CDW10&reserved != 0:
		return nil, nvmeInvalidField
	case lbaf >= uint32(len(nvmeFormats)), cmd.CDW10>>4&0x1F != 0: // metadata and protection information there is none
		return nil, nvmeInvalidFormat
	case cmd.NSID == nvmeAll && f.fna()&8 != 0:
		return nil, nvmeInvalidField
	case cmd.NSID != nvmeAll && f.namespace(cmd.NSID) == nil:
		return nil, nvmeInvalidNamespace
	}
	all := f.fna()&1 != 0
	if cmd.CDW10>>9&7 != 0 {
		all = f.fna()&2 != 0
	}
	switch {
	case all:
		return f.namespaces(false), nvmeOK
	case cmd.NSID == nvmeAll:
		return f.namespaces(true), nvmeOK
	}
	return []*area{f.namespace(cmd.NSID)}, nvmeOK
}

// manageNamespaces is Namespace Management (NVMe Base 2.1 section 5.1.21).
func (f *nvmeFront) manageNamespaces(cmd nvme.Command) nvme.Completion {
	if !f.p.Namespaces {
		return nvme.Completion{Status: nvmeInvalidOpcode}
	}
	switch cmd.CDW10 & 0xF {
	case 0:
		return f.createNamespace(cmd.Data)
	case 1:
		return nvme.Completion{Status: f.deleteNamespace(cmd.NSID)}
	}
	return nvme.Completion{Status: nvmeInvalidField}
}

// free is the capacity of namespaces that were deleted.
func (f *nvmeFront) unallocatedBytes() int64 {
	n := int64(0)
	for a, is := range f.deleted {
		if is {
			n += a.sizeBytes
		}
	}
	for _, a := range f.medium.areas[len(f.profile.Units)+len(f.profile.Boot):] {
		if a.kind == userArea {
			n -= a.sizeBytes
		}
	}
	return n
}

func (f *nvmeFront) createNamespace(data []byte) nvme.Completion {
	if len(data) < 384 {
		return nvme.Completion{Status: nvmeInvalidField}
	}
	nsze, ncap, flbas := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:]), int(data[26])
	if flbas >= len(nvmeFormats) {
		return nvme.Completion{Status: nvmeInvalidFormat}
	}
	block := uint64(nvmeFormats[flbas])
	size := nsze * block
	switch {
	case nsze != ncap, nsze == 0, size%pageBytes != 0:
		return nvme.Completion{Status: nvmeInvalidField}
	case nsze > 1<<40 || int64(size) > f.unallocatedBytes():
		return nvme.Completion{Status: nvmeCapacity}
	}
	nsid := uint32(1)
	for f.namespace(nsid) != nil {
		nsid++
	}
	m := f.medium
	a := &area{
		id: len(m.areas), name: "namespace made by the host", number: nsid, kind: userArea, sizeBytes: int64(size),
		visibleBytes: int64(size), shippedBytes: int64(size), blockBytes: int(block), table: make([]int32, size/pageBytes),
	}
	for i := range a.table {
		a.table[i] = -1
	}
	if f.profile.Encrypts {
		a.key = m.newKey(a.id)
	}
	m.areas = append(m.areas, a)
	return nvme.Completion{Result: nsid}
}

// deleteNamespace unmaps it; a drive need not erase what was in it.
func (f *nvmeFront) deleteNamespace(nsid uint32) uint16 {
	gone := f.namespaces(false)
	if nsid != nvmeAll {
		a := f.namespace(nsid)
		if a == nil {
			return nvmeInvalidNamespace
		}
		gone = []*area{a}
	}
	for _, a := range gone {
		f.medium.unmap(a, 0, int64(len(a.table)))
		f.deleted[a], a.attached, a.visibleBytes = true, false, 0
	}
	return nvmeOK
}

// attachNamespace is Namespace Attachment (NVMe Base 2.1 section 5.1.20).
func (f *nvmeFront) attachNamespace(cmd nvme.Command) uint16 {
	a := f.namespace(cmd.NSID)
	switch {
	case !f.p.Namespaces:
		return nvmeInvalidOpcode
	case a == nil:
		return nvmeInvalidNamespace
	case cmd.CDW10&0xF > 1:
		return nvmeInvalidField
	case len(cmd.Data) < 4:
		return nvmeInvalidField
	}
	n := int(binary.LittleEndian.Uint16(cmd.Data))
	if n != 1 || binary.LittleEndian.Uint16(cmd.Data[2:]) != nvmeController {
		return nvmeControllerListWrong
	}
	attach := cmd.CDW10&0xF == 0
	switch {
	case attach && a.attached:
		return nvmeAlreadyAttached
	case !attach && !a.attached:
		return nvmeNotAttached
	}
	a.attached = attach
	return nvmeOK
}

// getFeatures is Get Features (NVMe Base 2.1 section 5.1.11).
func (f *nvmeFront) getFeatures(cmd nvme.Command) nvme.Completion {
	fid, sel := byte(cmd.CDW10), cmd.CDW10>>8&7
	if sel > 3 {
		return nvme.Completion{Status: nvmeInvalidField}
	}
	value, capabilities := uint32(0), uint32(4) // changeable
	switch fid {
	case 0x05:
		a := f.namespace(cmd.NSID)
		if a == nil {
			return nvme.Completion{Status: nvmeInvalidNamespace}
		}
		capabilities |= 2 // of one namespace
		if a.dulbe {
			value = 1 << 16
		}
	case 0x84:
		a := f.namespace(cmd.NSID)
		if !f.p.WriteProtected || a == nil {
			return nvme.Completion{Status: nvmeInvalidField}
		}
		if f.protected[a] {
			value = 1
		}
	case 0x06:
		if !f.profile.WriteCache {
			return nvme.Completion{Status: nvmeInvalidField}
		}
		value = 1
	case 0x17:
		if f.sanicap() == 0 {
			return nvme.Completion{Status: nvmeInvalidField}
		}
		if f.nodrm && sel != 1 {
			value = 1
		}
	case 0x01, 0x02, 0x04, 0x07, 0x08, 0x09, 0x0A, 0x0B:
	default:
		return nvme.Completion{Status: nvmeInvalidField}
	}
	if sel == 3 {
		return nvme.Completion{Result: capabilities}
	}
	return nvme.Completion{Result: value}
}

// setFeatures is Set Features (NVMe Base 2.1 section 5.1.25). Only what has
// to do with erasing has an effect.
func (f *nvmeFront) setFeatures(cmd nvme.Command) nvme.Completion {
	fid := byte(cmd.CDW10)
	if cmd.CDW10>>31 != 0 {
		return nvme.Completion{Status: nvmeNotSaveable}
	}
	switch fid {
	case 0x05:
		areas := []*area{f.namespace(cmd.NSID)}
		if cmd.NSID == nvmeAll {
			areas = f.namespaces(true)
		}
		dulbe := cmd.CDW11>>16&1 != 0
		switch {
		case slices.Contains(areas, nil):
			return nvme.Completion{Status: nvmeInvalidNamespace}
		case dulbe && !f.p.DAE, cmd.CDW11>>17 != 0:
			return nvme.Completion{Status: nvmeInvalidField}
		}
		for _, a := range areas {
			a.dulbe = dulbe
		}
	case 0x17:
		if f.sanicap() == 0 || cmd.CDW11>>1 != 0 {
			return nvme.Completion{Status: nvmeInvalidField}
		}
		f.nodrm = cmd.CDW11&1 != 0
	case 0x84:
		a := f.namespace(cmd.NSID)
		if !f.p.WriteProtected || a == nil || cmd.CDW11 > 1 || f.sanitize.inProgress() || f.sanitize.failed() {
			return nvme.Completion{Status: nvmeInvalidField}
		}
		f.protected[a] = cmd.CDW11 == 1
	case 0x07:
		return nvme.Completion{Result: cmd.CDW11}
	case 0x01, 0x02, 0x04, 0x06, 0x08, 0x09, 0x0A, 0x0B:
	default:
		return nvme.Completion{Status: nvmeInvalidField}
	}
	return nvme.Completion{}
}
