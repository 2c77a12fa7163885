package inventory

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
)

// Held is one thing that a drive holds and would lose. It tells kind and size
// and nothing else: names and labels are those of the person who had the drive.
type Held struct {
	Kind HeldKind `json:"kind"`
	// Partition counts from 1; 0 is the whole drive.
	Partition int   `json:"partition"`
	SizeBytes int64 `json:"size_bytes"`
}

// HeldKind is what was recognised. There is a message holds.KIND for each.
type HeldKind string

// The kinds that are recognised.
const (
	HeldEFI        HeldKind = "efi" // EFI system partition
	HeldRecovery   HeldKind = "windows-recovery"
	HeldNTFS       HeldKind = "ntfs"
	HeldBitLocker  HeldKind = "bitlocker"
	HeldReFS       HeldKind = "refs"
	HeldFAT        HeldKind = "fat"
	HeldExFAT      HeldKind = "exfat"
	HeldExt        HeldKind = "ext" // ext2, ext3, ext4
	HeldXFS        HeldKind = "xfs"
	HeldBtrfs      HeldKind = "btrfs"
	HeldLUKS       HeldKind = "luks"
	HeldLVM        HeldKind = "lvm"
	HeldRAID       HeldKind = "raid" // Linux md
	HeldSwap       HeldKind = "swap"
	HeldAPFS       HeldKind = "apfs"
	HeldHFS        HeldKind = "hfs"
	HeldISO        HeldKind = "iso"
	HeldUnknown    HeldKind = "unknown"    // something, and nobody here knows what
	HeldUnreadable HeldKind = "unreadable" // it could not be read
)

// Bounds on what is read of one drive.
const (
	maxHeld     = 64       // partitions that are looked at
	maxGPTBytes = 64 << 10 // of its table of partitions
)

// signature is what stands at a fixed place in a file system.
type signature struct {
	kind   HeldKind
	offset int64
	text   string
}

// signatures in the order in which they are believed. Sources: the headers of
// the file systems in the Linux sources (fs/, drivers/md), the Microsoft NTFS
// and exFAT specifications, ECMA-119 8.4.3, the Apple File System Reference
// (nx_superblock_t), Apple TN1150, the LUKS on-disk formats 1 and 2, and LVM2's
// label header.
var signatures = []signature{
	{HeldBitLocker, 3, "-FVE-FS-"},
	// BitLocker To Go hides behind a FAT boot sector; this is its GUID.
	{HeldBitLocker, 424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01"},
	{HeldLUKS, 0, "LUKS\xba\xbe"},
	{HeldNTFS, 3, "NTFS    "},
	{HeldExFAT, 3, "EXFAT   "},
	{HeldReFS, 3, "ReFS\x00\x00\x00\x00"},
	{HeldXFS, 0, "XFSB"},
	{HeldAPFS, 32, "NXSB"},
	{HeldLVM, 0, "LABELONE"},
	{HeldLVM, 512, "LABELONE"},
	{HeldLVM, 1024, "LABELONE"},
	{HeldLVM, 1536, "LABELONE"},
	{HeldRAID, 4096, "\xfc\x4e\x2b\xa9"},
	{HeldRAID, 0, "\xfc\x4e\x2b\xa9"},
	{HeldSwap, 4086, "SWAPSPACE2"},
	{HeldSwap, 4086, "SWAP-SPACE"},
	{HeldBtrfs, 0x10040, "_BHRfS_M"},
	{HeldISO, 0x8001, "CD001"},
	{HeldExt, 1024 + 56, "\x53\xef"},
	{HeldHFS, 1024, "H+\x00\x04"},
	{HeldHFS, 1024, "HX\x00\x05"},
	{HeldFAT, 82, "FAT32   "},
	{HeldFAT, 54, "FAT16   "},
	{HeldFAT, 54, "FAT12   "},
}

// typeGUIDs are the types of GPT partitions as they lie on the disk, in hex
// (UEFI 2.10 table 5.7; Microsoft's and the Discoverable Partitions
// Specification's lists). An empty kind is a partition that holds no data.
var typeGUIDs = map[string]HeldKind{
	"28732ac11ff8d211ba4b00a0c93ec93b": HeldEFI,
	"16e3c9e35c0bb84d817df92df00215ae": "", // Microsoft reserved
	"4861682149646f6e744e656564454649": "", // BIOS boot
	"a4bb94ded106404da16abfd50179d6ac": HeldRecovery,
	"ef57347c0000aa11aa1100306543ecac": HeldAPFS,
	"005346480000aa11aa1100306543ecac": HeldHFS,
	"79d3d6e607f5c244a23c238f2a3df928": HeldLVM,
	"0f889da1fc053b4da006743f0f84911e": HeldRAID,
	"6dfd5706aba4c44384e50933c84b4f4f": HeldSwap,
}

// mbrTypes are the types of MBR partitions that say something for certain.
var mbrTypes = map[byte]HeldKind{0x27: HeldRecovery, 0x82: HeldSwap, 0x8e: HeldLVM, 0xfd: HeldRAID, 0xef: HeldEFI, 0xaf: HeldHFS,
	0x01: HeldFAT, 0x04: HeldFAT, 0x06: HeldFAT, 0x0b: HeldFAT, 0x0c: HeldFAT, 0x0e: HeldFAT}

// partition is an entry of a partition table.
type partition struct {
	number       int
	start, bytes int64
	// kind is what its type says; told is false where the type says nothing.
	kind HeldKind
	told bool
}

// contents recognises what a drive of a size and a block size holds. It reads
// its beginning, its partition table, and the beginning of each partition.
func contents(r io.ReaderAt, size int64, blockBytes int) []Held {
	if size <= 0 {
		return nil
	}
	if blockBytes < 512 || blockBytes > 64<<10 {
		blockBytes = 512
	}
	region := func(start, bytes int64) *io.SectionReader { return io.NewSectionReader(r, start, bytes) }
	head, err := readUpTo(region(0, size), 0, 8<<10)
	if err != nil {
		return []Held{{HeldUnreadable, 0, size}}
	}
	parts, isGPT := readGPT(region(0, size), blockBytes)
	if !isGPT {
		kind, err := recognise(region(0, size))
		switch {
		case err != nil:
			return []Held{{HeldUnreadable, 0, size}}
		case kind != "":
			return []Held{{kind, 0, size}}
		}
		parts = readMBR(region(0, size), head, blockBytes)
	}
	if len(parts) == 0 && !isGPT {
		if bytes.Count(head, head[:1]) == len(head) {
			return nil // one byte repeated, as an erased drive has it
		}
		return []Held{{HeldUnknown, 0, size}}
	}
	held := []Held{}
	for _, p := range parts {
		kind, err := recognise(region(p.start, p.bytes))
		switch {
		case err != nil:
			kind = HeldUnreadable
		case p.told && (p.kind == HeldEFI || p.kind == HeldRecovery || kind == ""):
			kind = p.kind
		case kind == "":
			kind = HeldUnknown
		}
		if kind != "" {
			held = append(held, Held{kind, p.number, p.bytes})
		}
	}
	return held
}

// recognise finds the first signature in a region; empty when there is none.
func recognise(r *io.SectionReader) (HeldKind, error) {
	blocks := map[int64][]byte{}
	for _, s := range signatures {
		const blockBytes = 4096
		at := s.offset / blockBytes * blockBytes
		block, ok := blocks[at]
		if !ok {
			var err error
			if block, err = readUpTo(r, at, blockBytes); err != nil {
				return "", err
			}
			blocks[at] = block
		}
		if from := s.offset - at; from < int64(len(block)) && strings.HasPrefix(string(block[from:min(from+int64(len(s.text)), int64(len(block)))]), s.text) {
			if s.kind == HeldExt && !isExt(block[1024:]) {
				continue
			}
			return s.kind, nil
		}
	}
	return "", nil
}

// isExt looks closer at the superblock of ext2 to ext4, whose mark is only two
// bytes: block size and revision must be among those there are.
func isExt(superblock []byte) bool {
	return len(superblock) >= 80 && binary.LittleEndian.Uint32(superblock[24:]) <= 6 && binary.LittleEndian.Uint32(superblock[76:]) <= 1
}

// readUpTo reads n bytes, fewer at the end.
func readUpTo(r *io.SectionReader, at int64, n int) ([]byte, error) {
	if at >= r.Size() {
		return nil, nil
	}
	b := make([]byte, min(int64(n), r.Size()-at))
	if _, err := io.ReadFull(io.NewSectionReader(r, at, int64(len(b))), b); err != nil {
		return nil, err
	}
	return b, nil
}

// readGPT reads the partitions of a GUID partition table (UEFI 2.10, 5.3); ok
// is false where there is none. Checksums are not looked at: a table that is a
// little damaged still says what is about to be lost.
func readGPT(r *io.SectionReader, blockBytes int) (parts []partition, ok bool) {
	for _, block := range []int64{int64(blockBytes), 512, 4096} {
		h, err := readUpTo(r, block, 92)
		if err != nil || len(h) < 92 || string(h[:8]) != "EFI PART" {
			continue
		}
		at, count, entryBytes := binary.LittleEndian.Uint64(h[72:]), binary.LittleEndian.Uint32(h[80:]), binary.LittleEndian.Uint32(h[84:])
		if at < 2 || at > uint64(r.Size()/block) || entryBytes < 128 || entryBytes > 4096 {
			return nil, true
		}
		table, err := readUpTo(r, int64(at)*block, int(min(int64(count)*int64(entryBytes), maxGPTBytes)))
		if err != nil {
			return nil, true
		}
		for n := 0; (n+1)*int(entryBytes) <= len(table) && len(parts) < maxHeld; n++ {
			e := table[n*int(entryBytes):]
			kind, told := typeGUIDs[hex.EncodeToString(e[:16])]
			first, last := binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
			if strings.Trim(string(e[:16]), "\x00") == "" || first > last || last >= uint64(r.Size()/block) {
				continue
			}
			parts = append(parts, partition{n + 1, int64(first) * block, int64(last-first+1) * block, kind, told})
		}
		return parts, true
	}
	return nil, false
}

// readMBR reads the partitions of a master boot record and of the chain of
// extended ones that may hang on it.
func readMBR(r *io.SectionReader, head []byte, blockBytes int) (parts []partition) {
	block := int64(blockBytes)
	entries := func(sector []byte, base int64) (out []partition, next int64) {
		if len(sector) < 512 || sector[510] != 0x55 || sector[511] != 0xaa {
			return nil, 0
		}
		for i := range 4 {
			e := sector[446+16*i : 462+16*i]
			start, bytes := int64(binary.LittleEndian.Uint32(e[8:]))*block, int64(binary.LittleEndian.Uint32(e[12:]))*block
			switch kind := e[4]; {
			case e[0]&0x7f != 0:
				return nil, 0 // no partition table, but the code of something
			case kind == 0 || bytes == 0 || start == 0:
			case kind == 0x05 || kind == 0x0f || kind == 0x85:
				next = start
			case base+start+bytes <= r.Size():
				held, told := mbrTypes[kind]
				out = append(out, partition{i + 1, base + start, bytes, held, told})
			}
		}
		return out, next
	}
	parts, extended := entries(head, 0)
	for at, links := extended, 0; at > 0 && links < maxHeld && len(parts) < maxHeld; links++ {
		sector, err := readUpTo(r, at, 512)
		if err != nil {
			break
		}
		logical, next := entries(sector, at)
		for _, p := range logical {
			p.number = 5 + links
			parts = append(parts, p)
		}
		if next == 0 {
			break
		}
		at = extended + next
	}
	return parts
}
