package scsi

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrMalformed means that a drive's answer is not what the command asks for.
var ErrMalformed = errors.New("malformed answer")

func malformed(what string, b []byte) error {
	return fmt.Errorf("%s, %d bytes: %w", what, len(b), ErrMalformed)
}

// InquiryData is what is used of standard inquiry data (SPC-5, 6.7.2).
type InquiryData struct {
	Qualifier, Type byte // byte 0; type 0 is a disk, 14h a host-managed zoned one
	Removable       bool // byte 1 bit 7
	Version         byte // byte 2
	Protect         bool // byte 5 bit 0: can be formatted with protection information
	// Vendor, Product and Revision without the spaces around them.
	Vendor, Product, Revision string
}

// The peripheral device types that are told apart (SPC-5 table 147).
const (
	TypeDisk        = 0x00
	TypeHostManaged = 0x14
)

// ParseInquiry reads standard inquiry data.
func ParseInquiry(b []byte) (InquiryData, error) {
	if len(b) < 36 || b[3]&0x0f < 1 || strings.Trim(string(b[8:36]), "\x00 ") == "" {
		return InquiryData{}, malformed("inquiry", b)
	}
	return InquiryData{
		Qualifier: b[0] >> 5, Type: b[0] & 0x1f, Removable: b[1]&0x80 != 0, Version: b[2], Protect: b[5]&1 != 0,
		Vendor: text(b[8:16]), Product: text(b[16:32]), Revision: text(b[32:36]),
	}, nil
}

func text(b []byte) string { return strings.Trim(string(b), "\x00 ") }

// vpdBody checks the head of a page (SPC-5, 7.7.1) and gives what follows. A
// drive that ignores EVPD sends standard inquiry data, whose second byte may
// well be the page code: then the length does not fit.
func vpdBody(b []byte, page byte) ([]byte, error) {
	if len(b) < 4 || b[1] != page {
		return nil, malformed(fmt.Sprintf("VPD page %02Xh", page), b)
	}
	n := int(be16(b[2:]))
	if n > len(b)-4 {
		return nil, malformed(fmt.Sprintf("VPD page %02Xh of %d bytes", page, n+4), b)
	}
	return b[4 : 4+n], nil
}

// ParseVPD00 gives the pages that the drive has (SPC-5, 7.7.18).
func ParseVPD00(b []byte) ([]byte, error) { return vpdBody(b, 0x00) }

// ParseVPD80 gives the unit serial number (SPC-5, 7.7.19).
func ParseVPD80(b []byte) (string, error) {
	body, err := vpdBody(b, 0x80)
	return text(body), err
}

// Designator is one name of a drive or of its port (SPC-5, 7.7.6).
type Designator struct {
	Protocol    byte // valid when PIV is set
	CodeSet     byte // 1 binary, 2 ASCII, 3 UTF-8
	Association byte // 0 the logical unit, 1 the port, 2 the target
	Kind        byte // 1 T10 vendor, 2 EUI-64, 3 NAA, 8 SCSI name, 0Ah UUID
	Data        []byte
}

// ParseVPD83 gives the designators in the order in which they stand.
func ParseVPD83(b []byte) ([]Designator, error) {
	body, err := vpdBody(b, 0x83)
	if err != nil {
		return nil, err
	}
	var ds []Designator
	for len(body) >= 4 {
		n := 4 + int(body[3])
		if n > len(body) {
			return ds, malformed("designator", body)
		}
		ds = append(ds, Designator{
			Protocol: body[0] >> 4, CodeSet: body[0] & 0x0f,
			Association: body[1] >> 4 & 3, Kind: body[1] & 0x0f, Data: body[4:n],
		})
		body = body[n:]
	}
	return ds, nil
}

// WWN is the name of the logical unit: naa. before eui. before uuid., in
// lower-case hex; empty when there is none.
func WWN(ds []Designator) string {
	names := map[byte]string{}
	for _, d := range ds {
		if d.Association != 0 || names[d.Kind] != "" || strings.Trim(string(d.Data), "\x00") == "" {
			continue
		}
		n := len(d.Data)
		switch {
		case d.Kind == 3 && (n == 8 || n == 16):
			names[3] = "naa." + hex.EncodeToString(d.Data)
		case d.Kind == 2 && (n == 8 || n == 12 || n == 16):
			names[2] = "eui." + hex.EncodeToString(d.Data)
		case d.Kind == 0x0a && n == 18 && d.Data[0]>>4 == 1: // SPC-5, 7.7.6.13
			h := hex.EncodeToString(d.Data[2:])
			names[0x0a] = "uuid." + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		}
	}
	for _, kind := range []byte{3, 2, 0x0a} {
		if names[kind] != "" {
			return names[kind]
		}
	}
	return ""
}

// ATAInformation is the ATA Information page of a SAT layer (SAT-4, 12.4.2).
type ATAInformation struct {
	// Vendor and Product name the SAT layer, not the drive ("linux", "libata").
	Vendor, Product string
	// Identify is the IDENTIFY DEVICE data that the layer keeps, 512 bytes.
	Identify []byte
}

// ParseVPD89 reads the ATA Information page. It gives an error for what is not
// an ATA disk (command code other than ECh).
func ParseVPD89(b []byte) (ATAInformation, error) {
	body, err := vpdBody(b, 0x89)
	if err != nil {
		return ATAInformation{}, err
	}
	if len(body) < 568 || body[52] != 0xec {
		return ATAInformation{}, malformed("VPD page 89h", b)
	}
	return ATAInformation{Vendor: text(body[4:12]), Product: text(body[12:28]), Identify: body[56:568]}, nil
}

// BlockLimits is what is used of VPD page B0h (SBC-4, 6.6.4).
type BlockLimits struct {
	MaxUnmapBlocks      uint32 // bytes 20 to 23; 0 when UNMAP is not supported
	MaxUnmapDescriptors uint32 // bytes 24 to 27
	MaxWriteSameBlocks  uint64 // bytes 36 to 43; 0 when no limit is told
}

// ParseVPDB0 reads the Block Limits page.
func ParseVPDB0(b []byte) (BlockLimits, error) {
	if _, err := vpdBody(b, 0xb0); err != nil {
		return BlockLimits{}, err
	}
	if len(b) < 28 {
		return BlockLimits{}, malformed("VPD page B0h", b)
	}
	l := BlockLimits{MaxUnmapBlocks: be32(b[20:]), MaxUnmapDescriptors: be32(b[24:])}
	if len(b) >= 44 {
		l.MaxWriteSameBlocks = be64(b[36:])
	}
	return l, nil
}

// Characteristics is what is used of VPD page B1h (SBC-4, 6.6.2).
type Characteristics struct {
	// Rotation: 0 not told, 1 nothing rotates, else revolutions per minute.
	Rotation uint16
	// Zoned: 0 not told, 1 host-aware, 2 managed by the drive.
	Zoned byte
}

// ParseVPDB1 reads the Block Device Characteristics page.
func ParseVPDB1(b []byte) (Characteristics, error) {
	body, err := vpdBody(b, 0xb1)
	if err != nil {
		return Characteristics{}, err
	}
	if len(body) < 5 {
		return Characteristics{}, malformed("VPD page B1h", b)
	}
	return Characteristics{Rotation: be16(body), Zoned: body[4] >> 4 & 3}, nil
}

// Provisioning is what is used of VPD page B2h (SBC-4, 6.6.6).
type Provisioning struct {
	Unmap       bool // LBPU
	WriteSame16 bool // LBPWS
	WriteSame10 bool // LBPWS10
	// ReadsAs, LBPRZ: 0 whatever, 1 zeros, 2 the provisioning initialization
	// pattern.
	ReadsAs byte
	// Type: 0 not told, 1 resource, 2 thin.
	Type byte
}

// ParseVPDB2 reads the Logical Block Provisioning page.
func ParseVPDB2(b []byte) (Provisioning, error) {
	body, err := vpdBody(b, 0xb2)
	if err != nil {
		return Provisioning{}, err
	}
	if len(body) < 4 {
		return Provisioning{}, malformed("VPD page B2h", b)
	}
	f := body[1]
	return Provisioning{Unmap: f&0x80 != 0, WriteSame16: f&0x40 != 0, WriteSame10: f&0x20 != 0, ReadsAs: f >> 2 & 7, Type: body[2] & 7}, nil
}

// Capacity is the answer to READ CAPACITY.
type Capacity struct {
	Blocks     uint64
	BlockBytes uint32
	// PhysicalExponent: a physical block holds two to this power logical ones.
	PhysicalExponent byte
	// Protection is the type of protection information, 1 to 3; 0 for none.
	Protection byte
	// ProtectionExponent, P_I_EXPONENT: a block is cut into two to this power
	// parts, each with protection information of its own.
	ProtectionExponent byte
	// Provisioned, LBPME: not every block has a place on the medium.
	Provisioned bool
	// ReadsZero, LBPRZ: blocks that have none read as zeros.
	ReadsZero bool
}

// ParseCapacity16 reads the answer to READ CAPACITY (16) (SBC-4, 5.21.2).
func ParseCapacity16(b []byte) (Capacity, error) {
	if len(b) < 15 {
		return Capacity{}, malformed("read capacity (16)", b)
	}
	c := Capacity{
		BlockBytes: be32(b[8:]), PhysicalExponent: b[13] & 0x0f,
		Provisioned: b[14]&0x80 != 0, ReadsZero: b[14]&0x40 != 0,
	}
	if b[12]&1 != 0 {
		c.Protection, c.ProtectionExponent = b[12]>>1&7+1, b[13]>>4
	}
	return c.with(be64(b))
}

// ParseCapacity10 reads the answer to READ CAPACITY (10) (SBC-4, 5.20.2). A
// drive too large for it gives an error.
func ParseCapacity10(b []byte) (Capacity, error) {
	if len(b) < 8 || be32(b) == 0xffffffff {
		return Capacity{}, malformed("read capacity (10)", b)
	}
	return Capacity{BlockBytes: be32(b[4:])}.with(uint64(be32(b)))
}

// with adds the number of blocks, and refuses what no drive has.
func (c Capacity) with(lastLBA uint64) (Capacity, error) {
	c.Blocks = lastLBA + 1
	if lastLBA == 0 || lastLBA >= 1<<62/uint64(max(c.BlockBytes, 1)) || c.BlockBytes < 256 || c.BlockBytes > 65536 {
		return Capacity{}, fmt.Errorf("capacity of %d blocks of %d bytes: %w", lastLBA+1, c.BlockBytes, ErrMalformed)
	}
	return c, nil
}

// Mode is the head and the first block descriptor of MODE SENSE, with the pages
// that follow.
type Mode struct {
	WriteProtected bool
	// LongLBA is true when the block descriptor has 16 bytes.
	LongLBA bool
	// HasBlock is false when there is no block descriptor; then Blocks and
	// BlockBytes mean nothing.
	HasBlock   bool
	Blocks     uint64
	BlockBytes uint32
	Pages      []byte
}

// ParseModeSense10 reads the answer to MODE SENSE (10) (SPC-5, 7.5.5 and 7.5.6; SBC-4, 6.5.2).
func ParseModeSense10(b []byte) (Mode, error) {
	if len(b) < 8 || be16(b) < 6 {
		return Mode{}, malformed("mode sense (10)", b)
	}
	b = b[:min(len(b), 2+int(be16(b)))]
	m := Mode{WriteProtected: b[3]&0x80 != 0, LongLBA: b[4]&1 != 0}
	return m.withBlock(b[8:], int(be16(b[6:])))
}

// ParseModeSense6 reads the answer to MODE SENSE (6).
func ParseModeSense6(b []byte) (Mode, error) {
	if len(b) < 4 || b[0] < 3 {
		return Mode{}, malformed("mode sense (6)", b)
	}
	b = b[:min(len(b), 1+int(b[0]))]
	return Mode{WriteProtected: b[2]&0x80 != 0}.withBlock(b[4:], int(b[3]))
}

func (m Mode) withBlock(b []byte, descriptors int) (Mode, error) {
	if descriptors > len(b) {
		return Mode{}, malformed("block descriptors of mode sense", b)
	}
	switch {
	case m.LongLBA && descriptors >= 16:
		m.HasBlock, m.Blocks, m.BlockBytes = true, be64(b), be32(b[12:])
	case !m.LongLBA && descriptors >= 8:
		m.HasBlock, m.Blocks, m.BlockBytes = true, uint64(be32(b)), be32(b[4:])&0xffffff
	}
	m.Pages = b[descriptors:]
	return m, nil
}

// As many blocks as there is room for (SBC-4, 6.5.2), for [BlockList] and
// [ShortBlockList].
const (
	AllBlocks      = 1<<64 - 1
	AllBlocksShort = 1<<32 - 1
)

// BlockList is the parameter list of MODE SELECT (10) that asks for so many
// blocks of that size (SBC-4, 6.5.2). 0 blocks are as many as there are, or with
// another size as fit. Another size takes effect with the next FORMAT UNIT,
// another number at once.
func BlockList(blocks uint64, blockBytes uint32) []byte {
	list := make([]byte, 24)
	list[4], list[7] = 1, 16 // LONGLBA, one descriptor
	binary.BigEndian.PutUint64(list[8:], blocks)
	binary.BigEndian.PutUint32(list[20:], blockBytes)
	return list
}

// ShortBlockList is the same with a short descriptor, for MODE SELECT (6).
func ShortBlockList(blocks, blockBytes uint32) []byte {
	list := make([]byte, 12)
	list[3] = 8
	binary.BigEndian.PutUint32(list[4:], blocks)
	binary.BigEndian.PutUint32(list[8:], blockBytes&0xffffff)
	return list
}

// ParseReportLUNs gives the logical unit numbers (SPC-5, 6.35.3), whole ones
// that came.
func ParseReportLUNs(b []byte) ([]uint64, error) {
	if len(b) < 8 || be32(b)%8 != 0 {
		return nil, malformed("report luns", b)
	}
	n := int(min(uint64(be32(b)), uint64(len(b)-8)))
	var luns []uint64
	for i := 8; i+8 <= 8+n; i += 8 {
		luns = append(luns, be64(b[i:]))
	}
	return luns, nil
}

// ParseSupportedOperationCode reads the answer about one command (SPC-5,
// 6.36.3). known is false when the drive cannot say at this moment.
func ParseSupportedOperationCode(b []byte) (has, known bool) {
	if len(b) < 4 {
		return false, false
	}
	switch b[1] & 7 {
	case 1:
		return false, true
	case 3: // in the manner of the standard; 5 is a manner of the vendor's own
		// A drive that only fills its answer with ones is not believed:
		// the length of a command is 6 to 260 bytes.
		n := be16(b[2:])
		return n >= 6 && n <= 260, n >= 6 && n <= 260
	}
	return false, false
}

// ParseDefectCount gives the number of grown defects from the head of READ
// DEFECT DATA (12) (SBC-4, 5.24.3).
func ParseDefectCount(b []byte) (int64, error) {
	if len(b) < 8 || b[1]&(1<<3) == 0 {
		return 0, malformed("defect list", b)
	}
	size := int64(8)
	if b[1]&7 == 0 { // short block format
		size = 4
	}
	return int64(be32(b[4:])) / size, nil
}
