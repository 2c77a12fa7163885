package tcg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// SSC is a security subsystem class, by the code of its Level 0 feature.
type SSC uint16

// The classes.
const (
	Enterprise SSC = 0x0100
	Opal1      SSC = 0x0200
	Opal2      SSC = 0x0203
	Opalite    SSC = 0x0301
	Pyrite1    SSC = 0x0302
	Pyrite2    SSC = 0x0303
	Ruby       SSC = 0x0304
)

func (s SSC) String() string {
	names := map[SSC]string{
		Enterprise: "Enterprise", Opal1: "Opal 1", Opal2: "Opal 2", Opalite: "Opalite", Pyrite1: "Pyrite 1", Pyrite2: "Pyrite 2", Ruby: "Ruby",
	}
	if name, ok := names[s]; ok {
		return name
	}
	return fmt.Sprintf("class %04Xh", uint16(s))
}

// Discovery is what a drive says of itself without a session: the answer to
// Level 0 Discovery (Core 2.01, 3.3.6; Opal 2.02, 3.1.1). Features that it does
// not name are nil.
type Discovery struct {
	// Classes in the order of the drive.
	Classes  []Class
	TPer     *TPerFeature
	Locking  *LockingFeature
	Geometry *GeometryFeature
	SUM      *SingleUserFeature
	BlockSID *BlockSIDFeature
	Removal  *RemovalFeature
	// Others are the codes of features that are not decoded.
	Others []uint16
}

// Class is the feature of a security subsystem class.
type Class struct {
	SSC     SSC
	Minor   uint8 // with Opal 2: 1 is 2.01, 2 is 2.02
	ComID   uint16
	ComIDs  uint16 // how many there are from ComID on
	Crosses bool   // commands over the border of two ranges are refused
	// InitialPIN and RevertedPIN say what the SID's PIN is at first and after
	// a Revert: 00h the MSID, else something of the maker's.
	InitialPIN, RevertedPIN uint8
}

// TPerFeature is feature 0001h.
type TPerFeature struct {
	Sync, Async, AckNak, BufferMgmt, Streaming, ComIDMgmt bool
}

// LockingFeature is feature 0002h.
type LockingFeature struct {
	Supported       bool
	Enabled         bool // the Locking SP was activated
	Locked          bool // at least one range is
	MediaEncryption bool
	MBREnabled      bool // reads of the first blocks give the shadow MBR, unless MBRDone
	MBRDone         bool
}

// GeometryFeature is feature 0003h.
type GeometryFeature struct {
	Align                bool
	LogicalBlockBytes    uint32
	AlignmentGranularity uint64 // logical blocks
	LowestAlignedLBA     uint64
}

// SingleUserFeature is feature 0201h.
type SingleUserFeature struct {
	Objects          uint32 // locking ranges that can be in single user mode
	Any, All, Policy bool
}

// BlockSIDFeature is feature 0402h (Block SID Authentication 1.00, 3).
type BlockSIDFeature struct {
	// Owned is the SID Value State: the SID's PIN is not the MSID.
	Owned bool
	// Blocked means that the SID cannot authenticate until the next power
	// cycle, or hardware reset where HardwareReset says so.
	Blocked       bool
	HardwareReset bool
	// FreezeLock of the Locking SP, from version 2 on.
	FreezeLockSupported, FreezeLocked bool
}

// RemovalFeature is feature 0404h (Opal 2.02 and Pyrite 2.00, 3.1.1).
type RemovalFeature struct {
	Processing  bool // a Revert or RevertSP is at work
	Interrupted bool // one was, and did not come to its end
	Supported   []Mechanism
	// Times is the drive's estimate by mechanism; absent where it gives none.
	Times map[Mechanism]time.Duration
}

// Mechanism is how Revert removes user data.
type Mechanism uint8

// The mechanisms (Opal 2.02 table 10, Pyrite 2.00 table 8).
const (
	OverwriteErase Mechanism = iota
	BlockErase
	CryptoErase
	Unmap
	ResetWritePointers
	VendorErase
)

func (m Mechanism) String() string {
	names := []string{"overwrite data erase", "block erase", "cryptographic erase", "unmap", "reset write pointers", "vendor specific erase"}
	if int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("mechanism %d", uint8(m))
}

// ErrNoTCG means that a drive has no TCG class that is known here.
var ErrNoTCG = errors.New("no TCG security subsystem")

const (
	protocolTCG     = 0x01
	protocolManage  = 0x02
	comIDDiscovery  = 0x0001
	discoveryHeader = 48
	// discoveryBytes holds more features than any class asks for.
	discoveryBytes = 2048
)

// Protocols lists the security protocols that a drive speaks (SPC-5, 7.7.1.3,
// which ATA and NVMe share). Protocol 01h is TCG's.
func Protocols(ctx context.Context, t Transport) ([]byte, error) {
	b := make([]byte, blockBytes)
	if err := t.IFRecv(ctx, 0x00, 0x0000, b); err != nil {
		return nil, fmt.Errorf("list of security protocols: %w", err)
	}
	n := int(binary.BigEndian.Uint16(b[6:]))
	if n == 0 || n > len(b)-8 {
		return nil, fmt.Errorf("list of security protocols: %w", malformed("it says %d entries", n))
	}
	return b[8 : 8+n], nil
}

// Discover asks for Level 0 Discovery. It changes nothing and needs no session.
func Discover(ctx context.Context, t Transport) (Discovery, error) {
	b := make([]byte, discoveryBytes)
	if err := t.IFRecv(ctx, protocolTCG, comIDDiscovery, b); err != nil {
		return Discovery{}, fmt.Errorf("level 0 discovery: %w", err)
	}
	d, err := ParseDiscovery(b)
	if err != nil {
		return Discovery{}, fmt.Errorf("level 0 discovery: %w", err)
	}
	return d, nil
}

// ParseDiscovery decodes the answer to Level 0 Discovery. One that is empty or
// names no class is [ErrNoTCG]; one whose lengths do not fit is [ErrMalformed].
func ParseDiscovery(b []byte) (Discovery, error) {
	if len(b) < discoveryHeader {
		return Discovery{}, malformed("a discovery of %d bytes", len(b))
	}
	length := uint64(binary.BigEndian.Uint32(b)) + 4
	if length == 4 {
		return Discovery{}, ErrNoTCG
	}
	if length < discoveryHeader || length > uint64(len(b)) {
		return Discovery{}, malformed("a discovery says %d bytes of %d", length, len(b))
	}
	var d Discovery
	for rest := b[discoveryHeader:length]; len(rest) > 0; {
		if len(rest) < 4 {
			return Discovery{}, malformed("a feature of %d bytes", len(rest))
		}
		code, size := binary.BigEndian.Uint16(rest), 4+int(rest[3])
		if size > len(rest) {
			return Discovery{}, malformed("feature %04Xh says %d bytes of %d", code, size, len(rest))
		}
		if err := d.feature(code, rest[:size]); err != nil {
			return Discovery{}, err
		}
		rest = rest[size:]
	}
	if len(d.Classes) == 0 {
		return Discovery{}, ErrNoTCG
	}
	return d, nil
}

// feature decodes one feature; b begins with its code, so that offsets are
// those of the specification's tables.
func (d *Discovery) feature(code uint16, b []byte) error {
	need := func(n int) error {
		if len(b) < n {
			return malformed("feature %04Xh has %d bytes", code, len(b))
		}
		return nil
	}
	bit := func(at, n int) bool { return b[at]>>n&1 == 1 }
	switch code {
	case 0x0001:
		if err := need(5); err != nil {
			return err
		}
		d.TPer = &TPerFeature{Sync: bit(4, 0), Async: bit(4, 1), AckNak: bit(4, 2), BufferMgmt: bit(4, 3), Streaming: bit(4, 4), ComIDMgmt: bit(4, 6)}
	case 0x0002:
		if err := need(5); err != nil {
			return err
		}
		d.Locking = &LockingFeature{
			Supported: bit(4, 0), Enabled: bit(4, 1), Locked: bit(4, 2), MediaEncryption: bit(4, 3), MBREnabled: bit(4, 4), MBRDone: bit(4, 5),
		}
	case 0x0003:
		if err := need(32); err != nil {
			return err
		}
		d.Geometry = &GeometryFeature{
			Align: bit(4, 0), LogicalBlockBytes: binary.BigEndian.Uint32(b[12:]),
			AlignmentGranularity: binary.BigEndian.Uint64(b[16:]), LowestAlignedLBA: binary.BigEndian.Uint64(b[24:]),
		}
	case 0x0201:
		if err := need(9); err != nil {
			return err
		}
		d.SUM = &SingleUserFeature{Objects: binary.BigEndian.Uint32(b[4:]), Any: bit(8, 0), All: bit(8, 1), Policy: bit(8, 2)}
	case 0x0402:
		if err := need(6); err != nil {
			return err
		}
		d.BlockSID = &BlockSIDFeature{
			Owned: bit(4, 0), Blocked: bit(4, 1), FreezeLockSupported: bit(4, 2), FreezeLocked: bit(4, 3), HardwareReset: bit(5, 0),
		}
	case 0x0404:
		if err := need(20); err != nil {
			return err
		}
		d.Removal = removal(b)
	case uint16(Enterprise), uint16(Opal1), uint16(Opal2), uint16(Opalite), uint16(Pyrite1), uint16(Pyrite2), uint16(Ruby):
		if err := need(9); err != nil {
			return err
		}
		c := Class{SSC: SSC(code), Minor: b[2] & 0x0f, ComID: binary.BigEndian.Uint16(b[4:]), ComIDs: binary.BigEndian.Uint16(b[6:]), Crosses: bit(8, 0)}
		if len(b) >= 15 && c.SSC != Enterprise && c.SSC != Opal1 {
			c.InitialPIN, c.RevertedPIN = b[13], b[14]
		}
		d.Classes = append(d.Classes, c)
	default:
		d.Others = append(d.Others, code)
	}
	return nil
}

// removal decodes feature 0404h (Opal 2.02 tables 8 to 12).
func removal(b []byte) *RemovalFeature {
	r := &RemovalFeature{Processing: b[5]&1 != 0, Interrupted: b[5]&2 != 0, Times: map[Mechanism]time.Duration{}}
	for m := OverwriteErase; m <= VendorErase; m++ {
		if b[6]>>m&1 == 0 {
			continue
		}
		r.Supported = append(r.Supported, m)
		unit := 2 * time.Second
		if b[7]>>m&1 == 1 {
			unit = 2 * time.Minute
		}
		if n := binary.BigEndian.Uint16(b[8+2*int(m):]); n != 0 {
			r.Times[m] = time.Duration(n) * unit
		}
	}
	return r
}

// Class gives the class to speak to the drive by: the newest of the encrypting
// ones, else a Pyrite. ok is false when there is none with a ComID.
func (d Discovery) Class() (c Class, ok bool) {
	for _, want := range []SSC{Ruby, Opal2, Opal1, Opalite, Enterprise, Pyrite2, Pyrite1} {
		for _, c := range d.Classes {
			if c.SSC == want && c.ComID != 0 {
				return c, true
			}
		}
	}
	return Class{}, false
}

// Encrypts reports whether the drive says that it always encrypts: a class
// that has to, and the bit that says so.
func (d Discovery) Encrypts() bool {
	c, ok := d.Class()
	return ok && c.SSC != Pyrite1 && c.SSC != Pyrite2 && d.Locking != nil && d.Locking.MediaEncryption
}

// String is what a record says of the drive's state.
func (d Discovery) String() string {
	var parts []string
	for _, c := range d.Classes {
		parts = append(parts, c.SSC.String())
	}
	state := func(what string, is bool) {
		word := "no"
		if is {
			word = "yes"
		}
		parts = append(parts, what+" "+word)
	}
	if l := d.Locking; l != nil {
		state("locking activated", l.Enabled)
		state("locked", l.Locked)
		state("media encryption", l.MediaEncryption)
		if l.MBREnabled {
			state("shadow MBR out of the way", l.MBRDone)
		}
	}
	if s := d.BlockSID; s != nil {
		state("SID is the MSID", !s.Owned)
		state("SID blocked", s.Blocked)
	}
	if r := d.Removal; r != nil && (r.Processing || r.Interrupted) {
		state("data removal at work", r.Processing)
		state("data removal interrupted", r.Interrupted)
	}
	return strings.Join(parts, ", ")
}
