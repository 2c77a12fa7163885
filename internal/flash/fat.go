package flash

import (
	"errors"
	"io"
	"slices"
)

// fat is a FAT32 file system, as far as it takes to make it anew in another
// size (Microsoft FAT specification, 2005-08-30).
type fat struct {
	boot    []byte // its first sector
	label   []byte // its root directory's entry for the label, nil without one
	empty   bool
	sectors int64
}

const (
	reservedSectors = 32
	dirEntryBytes   = 32
	labelAttribute  = 0x08
	// mostSectors is what the field for the size can hold.
	mostSectors = 1<<32 - 1
)

// readFAT looks at a file system.
func readFAT(r *io.SectionReader) (*fat, error) {
	boot := make([]byte, sectorBytes)
	if _, err := r.ReadAt(boot, 0); err != nil {
		return nil, err
	}
	perCluster, reserved, copies := int64(boot[13]), int64(le.Uint16(boot[14:])), int64(boot[16])
	perFAT, root := int64(le.Uint32(boot[36:])), int64(le.Uint32(boot[44:]))
	if string(boot[82:87]) != "FAT32" || boot[510] != 0x55 || boot[511] != 0xaa || le.Uint16(boot[11:]) != sectorBytes || perCluster == 0 || root < 2 {
		return nil, errors.New("no FAT32 file system in it")
	}
	f := &fat{boot: boot, empty: true, sectors: r.Size() / sectorBytes}
	dir := make([]byte, perCluster*sectorBytes)
	if _, err := r.ReadAt(dir, (reserved+copies*perFAT+(root-2)*perCluster)*sectorBytes); err != nil {
		return nil, errors.New("its root directory is not there")
	}
	for e := range slices.Chunk(dir, dirEntryBytes) {
		switch {
		case e[0] == 0:
			return f, nil
		case e[0] == 0xe5: // deleted
		case e[11] == labelAttribute:
			f.label = e
		default:
			f.empty = false
		}
	}
	f.empty = false // more than one cluster of it
	return f, nil
}

// sectorsPerCluster is what Windows would choose for a file system of that
// many sectors.
func sectorsPerCluster(sectors int64) int64 {
	for _, s := range []struct{ most, perCluster int64 }{{260 << 11, 1}, {8 << 21, 8}, {16 << 21, 16}, {32 << 21, 32}} {
		if sectors <= s.most {
			return s.perCluster
		}
	}
	return 64
}

// resized is an empty file system of the same name that fills the given room,
// which begins at sector first of the medium; nil when it is not to be made,
// because there are files in the old one or nothing to gain.
func (f *fat) resized(first, sectors int64) *fat {
	sectors = min(sectors, mostSectors)
	if !f.empty || sectors <= f.sectors {
		return nil
	}
	n := &fat{boot: slices.Clone(f.boot), label: f.label, empty: true, sectors: sectors}
	perCluster := sectorsPerCluster(sectors)
	n.boot[13] = byte(perCluster)
	le.PutUint16(n.boot[14:], reservedSectors)
	n.boot[16] = 2
	le.PutUint16(n.boot[19:], 0)
	le.PutUint32(n.boot[28:], uint32(min(first, mostSectors)))
	le.PutUint32(n.boot[32:], uint32(sectors))
	// Section "FAT Volume Initialization".
	covered := (256*perCluster + 2) / 2
	le.PutUint32(n.boot[36:], uint32((sectors-reservedSectors+covered-1)/covered))
	le.PutUint16(n.boot[40:], 0)
	le.PutUint32(n.boot[44:], 2)
	le.PutUint16(n.boot[48:], 1)
	le.PutUint16(n.boot[50:], 6)
	return n
}

// front is all of an empty file system that is not free: reserved sectors,
// tables, root directory.
func (f *fat) front() sparse {
	perCluster, perFAT := int64(f.boot[13]), int64(le.Uint32(f.boot[36:]))
	dataAt := reservedSectors + 2*perFAT
	clusters := (f.sectors - dataAt) / perCluster
	info := make([]byte, sectorBytes)
	copy(info, "RRaA")
	copy(info[484:], "rrAa")
	le.PutUint32(info[488:], uint32(clusters-1)) // free: all but the root's
	le.PutUint32(info[492:], 3)
	copy(info[508:], "\x00\x00\x55\xaa")
	// The medium's byte, all buffers written, and the root's one cluster.
	first := []byte{f.boot[21], 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f}
	const backup = 6
	return sparse{
		size: (dataAt + perCluster) * sectorBytes,
		pieces: map[int64][]byte{
			0:                                        f.boot,
			sectorBytes:                              info,
			backup * sectorBytes:                     f.boot,
			(backup + 1) * sectorBytes:               info,
			reservedSectors * sectorBytes:            first,
			(reservedSectors + perFAT) * sectorBytes: first,
			dataAt * sectorBytes:                     f.label,
		},
	}
}
