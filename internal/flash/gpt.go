package flash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"unicode/utf16"
)

// The GUID partition table, UEFI 2.10 section 5.3.
const (
	sectorBytes  = 512
	headerBytes  = 92
	entryBytes   = 128
	entryCount   = 128
	entryLBAs    = entryCount * entryBytes / sectorBytes
	alignSectors = headBytes / sectorBytes
	nameAt       = 56
)

// table is a partition table.
type table struct {
	header                             []byte // headerBytes, as it is in the primary
	backupLBA, firstUsable, lastUsable int64
	partitions                         []partition
}

// partition is one entry of the table.
type partition []byte

var le = binary.LittleEndian

func (p partition) used() bool        { return !bytes.Equal(p[:16], make([]byte, 16)) }
func (p partition) first() int64      { return int64(le.Uint64(p[32:])) }
func (p partition) last() int64       { return int64(le.Uint64(p[40:])) }
func (p partition) sizeBytes() int64  { return (p.last() - p.first() + 1) * sectorBytes }
func (p partition) setLast(lba int64) { le.PutUint64(p[40:], uint64(lba)) }

func (p partition) name() string {
	units := make([]uint16, 0, 36)
	for at := nameAt; at < entryBytes; at += 2 {
		unit := le.Uint16(p[at:])
		if unit == 0 {
			break
		}
		units = append(units, unit)
	}
	return string(utf16.Decode(units))
}

// readTable reads the primary table in the first sectors of a medium and checks
// all that it says.
func readTable(head []byte) (*table, error) {
	if len(head) < headBytes || head[510] != 0x55 || head[511] != 0xaa || string(head[sectorBytes:sectorBytes+8]) != "EFI PART" {
		return nil, errors.New("it has no GUID partition table")
	}
	h := head[sectorBytes : sectorBytes+headerBytes]
	if le.Uint32(h[12:]) != headerBytes || sum(h) != le.Uint32(h[16:]) || le.Uint64(h[24:]) != 1 {
		return nil, errors.New("its partition table is damaged")
	}
	if le.Uint64(h[72:]) != 2 || le.Uint32(h[80:]) != entryCount || le.Uint32(h[84:]) != entryBytes {
		return nil, errors.New("its partition table is not one that ombruk makes")
	}
	entries := head[2*sectorBytes : (2+entryLBAs)*sectorBytes]
	if crc32.ChecksumIEEE(entries) != le.Uint32(h[88:]) {
		return nil, errors.New("its partition table is damaged")
	}
	// Numbers beyond any medium would overflow when they become bytes.
	const mostLBAs = 1 << 48
	t := &table{header: slices.Clone(h), backupLBA: int64(le.Uint64(h[32:])), firstUsable: int64(le.Uint64(h[40:])), lastUsable: int64(le.Uint64(h[48:]))}
	for _, lba := range []int64{t.backupLBA, t.firstUsable, t.lastUsable} {
		if lba < 0 || lba > mostLBAs {
			return nil, errors.New("its partition table makes no sense")
		}
	}
	if t.firstUsable < 2+entryLBAs || t.lastUsable >= t.backupLBA {
		return nil, errors.New("its partition table makes no sense")
	}
	for e := range slices.Chunk(slices.Clone(entries), entryBytes) {
		p := partition(e)
		if p.used() && (p.first() < t.firstUsable || p.last() < p.first() || p.last() > mostLBAs) {
			return nil, fmt.Errorf("its partition %q makes no sense", p.name())
		}
		t.partitions = append(t.partitions, p)
	}
	return t, nil
}

// sum is the checksum of a header, which counts as zero in itself.
func sum(header []byte) uint32 {
	h := slices.Clone(header)
	le.PutUint32(h[16:], 0)
	return crc32.ChecksumIEEE(h)
}

// find gives the number of the one partition of a name, -1 when there is none
// or several.
func (t *table) find(name string) int {
	found := -1
	for i, p := range t.partitions {
		if p.used() && p.name() == name {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

func (t *table) clone() *table {
	c := *t
	c.header = slices.Clone(t.header)
	c.partitions = nil
	for _, p := range t.partitions {
		c.partitions = append(c.partitions, slices.Clone(p))
	}
	return &c
}

// resize fits the table to a medium.
func (t *table) resize(sizeBytes int64) {
	t.backupLBA = sizeBytes/sectorBytes - 1
	t.lastUsable = t.backupLBA - entryLBAs - 1
}

// lastUsed is the last sector that a partition has.
func (t *table) lastUsed() (last int64) {
	for _, p := range t.partitions {
		if p.used() {
			last = max(last, p.last())
		}
	}
	return last
}

// roomFor is how many sectors a partition could have: 0 when it is not the last.
func (t *table) roomFor(number int) int64 {
	p := t.partitions[number]
	if t.lastUsed() != p.last() {
		return 0
	}
	return (t.lastUsable+1)/alignSectors*alignSectors - p.first()
}

// write puts the table into the first sectors of a medium, and gives what
// belongs into the last.
func (t *table) write(head []byte) (backup []byte) {
	entries := slices.Concat(partitionsBytes(t.partitions)...)
	le.PutUint64(t.header[32:], uint64(t.backupLBA))
	le.PutUint64(t.header[48:], uint64(t.lastUsable))
	le.PutUint32(t.header[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(t.header[16:], sum(t.header))
	copy(head[sectorBytes:], t.header)
	copy(head[2*sectorBytes:], entries)
	// The protective partition covers the whole medium.
	const protective, mbr = 0xee, 446
	for at := mbr; at < mbr+4*16; at += 16 {
		if head[at+4] == protective {
			le.PutUint32(head[at+12:], uint32(min(t.backupLBA, 1<<32-1)-int64(le.Uint32(head[at+8:]))+1))
			break
		}
	}
	other := slices.Clone(t.header)
	le.PutUint64(other[24:], uint64(t.backupLBA))
	le.PutUint64(other[32:], 1)
	le.PutUint64(other[72:], uint64(t.backupLBA-entryLBAs))
	le.PutUint32(other[16:], sum(other))
	return slices.Concat(entries, other, make([]byte, sectorBytes-headerBytes))
}

func partitionsBytes(partitions []partition) [][]byte {
	out := make([][]byte, len(partitions))
	for i, p := range partitions {
		out[i] = p
	}
	return out
}
