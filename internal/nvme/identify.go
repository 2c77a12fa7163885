package nvme

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// ErrShort means that an answer holds less than its fields need.
var ErrShort = errors.New("answer too short")

// ErrSenseless means that an answer contradicts itself, or says nothing.
var ErrSenseless = errors.New("answer makes no sense")

const (
	opGetLogPage      = 0x02
	opIdentify        = 0x06
	opSetFeatures     = 0x09
	opGetFeatures     = 0x0A
	opFormat          = 0x80
	opSecuritySend    = 0x81
	opSecurityReceive = 0x82
	opSanitize        = 0x84
)

const identifyBytes = 4096

// identify is the Identify command (NVMe Base 2.1 section 5.1.13).
func identify(cns, nsid uint32) Command {
	return Command{Opcode: opIdentify, NSID: nsid, CDW10: cns, Data: make([]byte, identifyBytes)}
}

// IdentifyController asks for a [Controller] (CNS 01h).
func IdentifyController() Command { return identify(0x01, 0) }

// IdentifyNamespace asks for the [Namespace] of an active NSID (CNS 00h).
func IdentifyNamespace(nsid uint32) Command { return identify(0x00, nsid) }

// IdentifyAllocated asks for the [Namespace] of an allocated NSID, attached or
// not (CNS 11h).
func IdentifyAllocated(nsid uint32) Command { return identify(0x11, nsid) }

// ActiveList asks for the active NSIDs above one (CNS 02h).
func ActiveList(above uint32) Command { return identify(0x02, above) }

// AllocatedList asks for the allocated NSIDs above one (CNS 10h): those of the
// whole NVM subsystem, also those that are attached to no controller.
func AllocatedList(above uint32) Command { return identify(0x10, above) }

// IdentifyDescriptors asks for the [Descriptors] of a namespace (CNS 03h).
func IdentifyDescriptors(nsid uint32) Command { return identify(0x03, nsid) }

// Controller is the Identify Controller data structure (NVMe Base 2.1 figure
// 312; byte offsets are the same since 1.3). Strings are as they came, without
// padding.
type Controller struct {
	SN      string // bytes 23:04
	MN      string // bytes 63:24
	FR      string // bytes 71:64
	CMIC    byte   // byte 76
	VER     uint32 // bytes 83:80, 00020100h is 2.1
	OACS    uint16 // bytes 257:256
	TNVMCAP Wide   // bytes 295:280, total NVM capacity in bytes; 0 when not told
	UNVMCAP Wide   // bytes 311:296, unallocated NVM capacity in bytes
	RPMBS   uint32 // bytes 315:312
	HCTMA   uint16 // bytes 323:322
	SANICAP SANICAP
	NN      uint32 // bytes 519:516, highest NSID there can be
	ONCS    uint16 // bytes 521:520
	FNA     FNA    // byte 524
	SUBNQN  string // bytes 1023:768
}

// Wide is the low half of a 128-bit count; one that does not fit is [TooWide].
type Wide uint64

// TooWide stands for a count of 2^64 or more.
const TooWide Wide = 1<<64 - 1

func wide(b []byte) Wide {
	if binary.LittleEndian.Uint64(b[8:]) != 0 {
		return TooWide
	}
	return Wide(binary.LittleEndian.Uint64(b))
}

// SANICAP are the sanitize capabilities, bytes 331:328. Zero means that the
// controller has no Sanitize command. Bits 3 and 4 are of Base 2.1, bit 5 of
// what follows 2.3.
type SANICAP uint32

// Crypto reports crypto erase (CES, bit 0).
func (s SANICAP) Crypto() bool { return s&1 != 0 }

// Block reports block erase (BES, bit 1).
func (s SANICAP) Block() bool { return s&2 != 0 }

// Overwrite reports overwrite (OWS, bit 2).
func (s SANICAP) Overwrite() bool { return s&4 != 0 }

// Verification reports the media verification state (VERS, bit 3).
func (s SANICAP) Verification() bool { return s&8 != 0 }

// PurgeRequest reports that a purge by IEEE 2883 or a failure can be asked
// for, and is told afterwards (SPRRS, bit 5).
func (s SANICAP) PurgeRequest() bool { return s&0x20 != 0 }

// NoDeallocateInhibited reports that the controller deallocates also when it
// is asked not to (NDI, bit 29).
func (s SANICAP) NoDeallocateInhibited() bool { return s&(1<<29) != 0 }

// NODMMAS says whether media are modified once more after a sanitize without
// deallocation (bits 31:30): 0 not defined, 1 they are not, 2 they are.
func (s SANICAP) NODMMAS() byte { return byte(s >> 30) }

// FNA are the Format NVM attributes, byte 524.
type FNA byte

// FormatsAll says that a format of one namespace formats all (FNS, bit 0).
func (f FNA) FormatsAll() bool { return f&1 != 0 }

// ErasesAll says that a secure erase as part of a format erases all namespaces
// of the NVM subsystem (SENS, bit 1).
func (f FNA) ErasesAll() bool { return f&2 != 0 }

// Crypto says that a format can erase by its key (CRYES, bit 2).
func (f FNA) Crypto() bool { return f&4 != 0 }

// HasSecurity reports Security Send and Receive (OACS bit 0).
func (c Controller) HasSecurity() bool { return c.OACS&1 != 0 }

// HasFormat reports Format NVM (OACS bit 1).
func (c Controller) HasFormat() bool { return c.OACS&2 != 0 }

// HasNamespaceManagement reports Namespace Management, and with it the list of
// allocated namespaces (OACS bit 3).
func (c Controller) HasNamespaceManagement() bool { return c.OACS&8 != 0 }

// Shared reports that the NVM subsystem may have other controllers (CMIC bit 1).
func (c Controller) Shared() bool { return c.CMIC&2 != 0 }

// RPMBBytes is the size of all Replay Protected Memory Blocks: bits 2:0 of
// RPMBS are their number, bits 23:16 the size of one in units of 128 KiB, 0's based.
func (c Controller) RPMBBytes() int64 {
	return int64(c.RPMBS&7) * (int64(c.RPMBS>>16&0xFF) + 1) * (128 << 10)
}

// ParseController decodes an answer to [IdentifyController]. One without
// serial and model is an error, for that is what an answer of zeros looks like.
func ParseController(b []byte) (Controller, error) {
	if len(b) < identifyBytes {
		return Controller{}, fmt.Errorf("identify controller: %w: %d bytes", ErrShort, len(b))
	}
	le := binary.LittleEndian
	c := Controller{
		SN: text(b[4:24]), MN: text(b[24:64]), FR: text(b[64:72]),
		CMIC: b[76], VER: le.Uint32(b[80:]), OACS: le.Uint16(b[256:]),
		TNVMCAP: wide(b[280:]), UNVMCAP: wide(b[296:]),
		RPMBS: le.Uint32(b[312:]), HCTMA: le.Uint16(b[322:]),
		SANICAP: SANICAP(le.Uint32(b[328:])), NN: le.Uint32(b[516:]),
		ONCS: le.Uint16(b[520:]), FNA: FNA(b[524]), SUBNQN: text(b[768:1024]),
	}
	if c.SN == "" && c.MN == "" {
		return Controller{}, fmt.Errorf("identify controller: %w: neither serial nor model", ErrSenseless)
	}
	return c, nil
}

func text(b []byte) string { return strings.Trim(string(b), " \x00") }

// Namespace is the Identify Namespace data structure (NVM Command Set 1.0
// section 4.1.5.1).
type Namespace struct {
	NSZE   uint64 // bytes 07:00, blocks; 0 for an NSID that is not active
	NCAP   uint64 // bytes 15:08, blocks that may be allocated
	NSFEAT byte   // byte 24
	FLBAS  byte   // byte 26
	DPS    byte   // byte 29
	NMIC   byte   // byte 30
	DLFEAT byte   // byte 33
	NSATTR byte   // byte 99
	NGUID  [16]byte
	EUI64  [8]byte
	// LBAF are the formats, as many as NLBAF says.
	LBAF []LBAF
}

// LBAF is one block format, 4 bytes from byte 128 on.
type LBAF struct {
	MS    uint16 // metadata bytes per block
	LBADS byte   // block size as a power of two; below 9 not available
	RP    byte   // relative performance, 0 is best
}

// FormatIndex is the number of the format in use: FLBAS bits 3:0, and with
// more than 16 formats bits 6:5 above them.
func (n Namespace) FormatIndex() int {
	i := int(n.FLBAS & 0xF)
	if len(n.LBAF) > 16 {
		i |= int(n.FLBAS>>5&3) << 4
	}
	return i
}

// Format is the format in use.
func (n Namespace) Format() LBAF { return n.LBAF[n.FormatIndex()] }

// ExtendedLBA reports that metadata travel behind each block's data (FLBAS bit 4).
func (n Namespace) ExtendedLBA() bool { return n.FLBAS&0x10 != 0 }

// BlockBytes is the size of a block's data.
func (n Namespace) BlockBytes() int64 { return 1 << n.Format().LBADS }

// SizeBytes is the size of the namespace without metadata.
func (n Namespace) SizeBytes() int64 { return int64(n.NSZE) << n.Format().LBADS }

// HasDULBE reports that reads of deallocated blocks can be made to fail
// (NSFEAT bit 2).
func (n Namespace) HasDULBE() bool { return n.NSFEAT&4 != 0 }

// WriteProtected reports NSATTR bit 0.
func (n Namespace) WriteProtected() bool { return n.NSATTR&1 != 0 }

// DeallocatedReads is what reads of a deallocated block give (DLFEAT bits
// 2:0): 0 not told, 1 zeros, 2 FFh.
func (n Namespace) DeallocatedReads() byte { return n.DLFEAT & 7 }

// ParseNamespace decodes an answer to [IdentifyNamespace]. An inactive NSID
// answers with zeros, which is an error here.
func ParseNamespace(b []byte) (Namespace, error) {
	if len(b) < identifyBytes {
		return Namespace{}, fmt.Errorf("identify namespace: %w: %d bytes", ErrShort, len(b))
	}
	le := binary.LittleEndian
	n := Namespace{
		NSZE: le.Uint64(b), NCAP: le.Uint64(b[8:]), NSFEAT: b[24],
		FLBAS: b[26], DPS: b[29], NMIC: b[30], DLFEAT: b[33], NSATTR: b[99],
		NGUID: [16]byte(b[104:120]), EUI64: [8]byte(b[120:128]),
	}
	formats := int(b[25]) + 1 // NLBAF is 0's based
	if formats > 64 {
		return Namespace{}, fmt.Errorf("identify namespace: %w: %d block formats", ErrSenseless, formats)
	}
	for f := range formats {
		at := b[128+4*f:]
		n.LBAF = append(n.LBAF, LBAF{MS: le.Uint16(at), LBADS: at[2], RP: at[3] & 3})
	}
	switch i := n.FormatIndex(); {
	case n.NSZE == 0:
		return Namespace{}, fmt.Errorf("identify namespace: %w: it has no blocks", ErrSenseless)
	case i >= formats:
		return Namespace{}, fmt.Errorf("identify namespace: %w: format %d of %d in use", ErrSenseless, i, formats)
	case n.LBAF[i].LBADS < 9 || n.LBAF[i].LBADS > 32 || bits.Len64(n.NSZE)+int(n.LBAF[i].LBADS) > 63:
		return Namespace{}, fmt.Errorf("identify namespace: %w: %d blocks of 2^%d bytes", ErrSenseless, n.NSZE, n.LBAF[i].LBADS)
	}
	return n, nil
}

// ParseNSIDs decodes one page of a namespace list: ascending, ended by zero. A full page holds 1024.
func ParseNSIDs(b []byte, above uint32) ([]uint32, error) {
	if len(b) < identifyBytes {
		return nil, fmt.Errorf("namespace list: %w: %d bytes", ErrShort, len(b))
	}
	var ids []uint32
	for at := 0; at < identifyBytes; at += 4 {
		id := binary.LittleEndian.Uint32(b[at:])
		if id == 0 {
			break
		}
		if id <= above || id >= 0xFFFFFFFE {
			return nil, fmt.Errorf("namespace list: %w: %Xh follows %Xh", ErrSenseless, id, above)
		}
		ids, above = append(ids, id), id
	}
	return ids, nil
}

// NSIDsPerPage is how many one page of a namespace list holds.
const NSIDsPerPage = identifyBytes / 4

// Descriptors is the Namespace Identification Descriptor list (NVMe Base 2.1
// section 5.1.13.2.3), its empty fields not told.
type Descriptors struct {
	EUI64 []byte // type 1
	NGUID []byte // type 2
	UUID  []byte // type 3
	// CSI is the I/O command set (type 4): 0 NVM, 1 key value, 2 zoned.
	CSI byte
}

// Zoned is the CSI of the Zoned Namespace Command Set.
const Zoned = 2

// ParseDescriptors decodes an answer to [IdentifyDescriptors].
func ParseDescriptors(b []byte) (Descriptors, error) {
	var d Descriptors
	for len(b) >= 4 {
		kind, size := b[0], int(b[1])
		if size == 0 {
			return d, nil
		}
		if len(b) < 4+size {
			return d, fmt.Errorf("namespace descriptors: %w: %d bytes left for %d", ErrShort, len(b)-4, size)
		}
		value := b[4 : 4+size]
		switch {
		case kind == 1 && size == 8:
			d.EUI64 = value
		case kind == 2 && size == 16:
			d.NGUID = value
		case kind == 3 && size == 16:
			d.UUID = value
		case kind == 4 && size == 1:
			d.CSI = value[0]
		case kind >= 1 && kind <= 4:
			return d, fmt.Errorf("namespace descriptors: %w: type %d of %d bytes", ErrSenseless, kind, size)
		}
		b = b[4+size:]
	}
	return d, nil
}
