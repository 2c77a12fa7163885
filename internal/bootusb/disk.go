package bootusb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/ombruk/ombruk/internal/stick"
)

const (
	sectorBytes = 512
	mib         = 1 << 20
	// biosStart is the first sector after the table of partitions; the part
	// that a BIOS needs fills up to the first MiB.
	biosStart = 34
	// minESPBytes and minDataBytes keep both file systems well above the 65525
	// clusters below which they would be FAT16.
	minESPBytes  = 96 * mib
	minDataBytes = 96 * mib
)

// Part is one partition of an image.
type Part struct {
	Name       string
	StartBytes int64
	SizeBytes  int64
}

// layout is where the partitions of an image lie.
type layout struct {
	sizeBytes       int64
	bios, esp, data Part
}

// plan lays out an image of sizeBytes, whose ESP holds contentBytes.
func plan(sizeBytes, contentBytes int64) (layout, error) {
	// A quarter of room, for what a file system keeps and for files that grow.
	esp := max(minESPBytes, (contentBytes+contentBytes/4+16*mib)/(16*mib)*(16*mib))
	for !holdsFAT(esp) {
		esp += mib
	}
	least := mib + esp + minDataBytes + mib
	if sizeBytes < least {
		return layout{}, fmt.Errorf("lay out the image: %d MiB are too few, it needs at least %d MiB", sizeBytes/mib, least/mib)
	}
	sizeBytes -= sizeBytes % mib
	l := layout{
		sizeBytes: sizeBytes,
		bios:      Part{Name: stick.BIOSName, StartBytes: biosStart * sectorBytes, SizeBytes: mib - biosStart*sectorBytes},
		esp:       Part{Name: stick.ESPName, StartBytes: mib, SizeBytes: esp},
	}
	// The last MiB is the other copy of the table's.
	data := sizeBytes - mib - esp - mib
	for !holdsFAT(data) {
		data -= mib
	}
	l.data = Part{Name: stick.DataName, StartBytes: mib + esp, SizeBytes: data}
	return l, nil
}

// holdsFAT says whether the library makes a sound FAT32 file system of
// sizeBytes. With some sizes, 64 MiB among them, it leaves no room in the table
// for the two entries that stand for no cluster.
func holdsFAT(sizeBytes int64) bool {
	const reserved, entriesPerSector, minClusters = 32, sectorBytes / 4, 65525
	perCluster := int64(1)
	switch {
	case sizeBytes > 32<<30:
		perCluster = 64
	case sizeBytes > 16<<30:
		perCluster = 32
	case sizeBytes > 8<<30:
		perCluster = 16
	case sizeBytes > 260*mib:
		perCluster = 8
	}
	sectors := sizeBytes / sectorBytes
	unit := sectorBytes*perCluster + 8
	table := (4*(sectors-reserved) + unit - 1) / unit
	clusters := (sectors - reserved - 2*table) / perCluster
	return clusters+2 <= table*entriesPerSector && clusters >= minClusters && table < 1<<16
}

// identity is what an image and its partitions are called by. It comes from
// what the image is made of, so that the same makes the same.
type identity [32]byte

// guid is the nth of the identity's, in the form of RFC 9562 version 8.
func (id identity) guid(n int) string {
	b := id.derive(fmt.Sprintf("guid %d", n))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// volume is the serial number of the nth FAT file system.
func (id identity) volume(n int) uint32 {
	b := id.derive(fmt.Sprintf("volume %d", n))
	return binary.LittleEndian.Uint32(b[:])
}

// volumeID is a serial number as file systems are searched for by it.
func volumeID(serial uint32) string { return fmt.Sprintf("%04X-%04X", serial>>16, serial&0xffff) }

// writeDisk writes partitions and file systems to out, which is empty.
func writeDisk(out *os.File, l layout, id identity, files []espFile, when time.Time) error {
	table := &gpt.Table{
		LogicalSectorSize: sectorBytes, PhysicalSectorSize: sectorBytes, ProtectiveMBR: true, GUID: id.guid(0),
		Partitions: []*gpt.Partition{
			gptPartition(1, l.esp, gpt.EFISystemPartition, id.guid(1)),
			gptPartition(2, l.data, gpt.MicrosoftBasicData, id.guid(2)),
			gptPartition(3, l.bios, gpt.BIOSBoot, id.guid(3)),
		},
	}
	if err := table.Write(out, l.sizeBytes); err != nil {
		return fmt.Errorf("write the partition table: %w", err)
	}
	if err := writeFAT(out, l.esp, "OMBRUK-ESP", id.volume(1), files, when); err != nil {
		return fmt.Errorf("write the partition %s: %w", l.esp.Name, err)
	}
	if err := writeFAT(out, l.data, "OMBRUK", id.volume(2), nil, when); err != nil {
		return fmt.Errorf("write the partition %s: %w", l.data.Name, err)
	}
	return nil
}

func gptPartition(index int, p Part, kind gpt.Type, guid string) *gpt.Partition {
	start := uint64(p.StartBytes / sectorBytes)
	return &gpt.Partition{Index: index, Start: start, End: start + uint64(p.SizeBytes/sectorBytes) - 1, Type: kind, Name: p.Name, GUID: guid}
}

// espFile is a file on the ESP.
type espFile struct {
	name string // with slashes, from the root
	b    []byte
}

// writeFAT makes a FAT32 file system with files in the partition p.
func writeFAT(out *os.File, p Part, label string, serial uint32, files []espFile, when time.Time) error {
	fs, err := fat32.Create(file.New(out, false), p.SizeBytes, p.StartBytes, sectorBytes, label, true)
	if err != nil {
		return err
	}
	made := map[string]bool{".": true, "/": true}
	var mkdir func(dir string) error
	mkdir = func(dir string) error {
		if made[dir] {
			return nil
		}
		if err := mkdir(path.Dir(dir)); err != nil {
			return err
		}
		made[dir] = true
		return fs.Mkdir(dir)
	}
	for _, f := range files {
		name := "/" + f.name
		if len(f.b) == 0 { // the library would give it a cluster, which is damage
			return fmt.Errorf("write %s: it is empty", f.name)
		}
		if err := mkdir(path.Dir(name)); err != nil {
			return fmt.Errorf("make the folder of %s: %w", f.name, err)
		}
		w, err := fs.OpenFile(name, os.O_CREATE|os.O_RDWR)
		if err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
		if _, err = w.Write(f.b); err == nil {
			err = w.Close()
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return settle(out, p, serial, when)
}

// settle replaces what the library took from the clock: the times of files,
// folders and label. It sets the file system's number, which the library leaves
// at nothing, and where its partition begins, which a BIOS reads.
func settle(f *os.File, p Part, serial uint32, when time.Time) error {
	le := binary.LittleEndian
	boot := make([]byte, sectorBytes)
	if _, err := f.ReadAt(boot, p.StartBytes); err != nil {
		return err
	}
	le.PutUint32(boot[0x1c:], uint32(p.StartBytes/sectorBytes))
	le.PutUint32(boot[0x43:], serial)
	backup := int64(le.Uint16(boot[0x32:]))
	for _, sector := range []int64{0, backup} {
		if _, err := f.WriteAt(boot, p.StartBytes+sector*sectorBytes); err != nil {
			return err
		}
	}
	v := volume{
		f: f, clusterBytes: int64(boot[0x0d]) * sectorBytes,
		fat: p.StartBytes + int64(le.Uint16(boot[0x0e:]))*sectorBytes,
	}
	v.data = v.fat + 2*int64(le.Uint32(boot[0x24:]))*sectorBytes
	v.date, v.time = dosTime(when)
	v.root = le.Uint32(boot[0x2c:])
	if err := v.stamp(v.root, 0); err != nil {
		return err
	}
	// How many clusters are free is better said than looked for at every start.
	fat := make([]byte, v.data-v.fat)
	if _, err := f.ReadAt(fat, v.fat); err != nil {
		return err
	}
	clusters := (p.StartBytes + p.SizeBytes - v.data) / v.clusterBytes
	free := uint32(0)
	for i := int64(2); i < clusters+2; i++ {
		if le.Uint32(fat[4*i:])&0x0fffffff == 0 {
			free++
		}
	}
	info := p.StartBytes + int64(le.Uint16(boot[0x30:]))*sectorBytes
	for _, at := range []int64{info, info + backup*sectorBytes} {
		if _, err := f.WriteAt(le.AppendUint32(nil, free), at+488); err != nil {
			return err
		}
	}
	return nil
}

// volume is a FAT32 file system whose directories are gone through.
type volume struct {
	f            *os.File
	fat, data    int64 // where they begin
	clusterBytes int64
	root         uint32 // the cluster where the first directory begins
	date, time   uint16
}

// stamp sets the times in the directory that begins at cluster, and below it.
func (v volume) stamp(cluster uint32, depth int) error {
	if depth > 16 {
		return errors.New("its folders lead in a circle")
	}
	le := binary.LittleEndian
	b := make([]byte, v.clusterBytes)
	for cluster >= 2 && cluster < 0x0ffffff8 {
		at := v.data + int64(cluster-2)*v.clusterBytes
		if _, err := v.f.ReadAt(b, at); err != nil {
			return err
		}
		for e := b; len(e) >= 32 && e[0] != 0; e = e[32:] {
			attributes := e[11]
			if e[0] == 0xe5 || attributes == 0x0f { // removed, or part of a long name
				continue
			}
			e[13] = 0
			for _, field := range []struct {
				at    int
				value uint16
			}{{14, v.time}, {16, v.date}, {18, v.date}, {22, v.time}, {24, v.date}} {
				le.PutUint16(e[field.at:], field.value)
			}
			first := uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:]))
			if e[0] == '.' && e[1] == '.' && first == v.root { // said as 0, unlike everywhere else
				le.PutUint16(e[20:], 0)
				le.PutUint16(e[26:], 0)
			}
			if attributes&0x10 != 0 && e[0] != '.' {
				if err := v.stamp(first, depth+1); err != nil {
					return err
				}
			}
		}
		if _, err := v.f.WriteAt(b, at); err != nil {
			return err
		}
		var next [4]byte
		if _, err := v.f.ReadAt(next[:], v.fat+4*int64(cluster)); err != nil {
			return err
		}
		cluster = le.Uint32(next[:]) & 0x0fffffff
	}
	return nil
}

// dosTime is t in UTC as FAT keeps it: from 1980 on, in steps of two seconds.
func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	if t.Year() < 1980 {
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	date = uint16(t.Year()-1980)<<9 | uint16(t.Month())<<5 | uint16(t.Day())
	clock = uint16(t.Hour())<<11 | uint16(t.Minute())<<5 | uint16(t.Second()/2)
	return date, clock
}

// writeBIOS puts GRUB where a BIOS starts it, as grub-bios-setup does: boot.img
// in the first sector, up to the table of partitions, and core.img in the
// partition made for it.
func writeBIOS(out io.WriterAt, boot, core []byte, l layout) error {
	if len(boot) != sectorBytes || len(core) < 2*sectorBytes {
		return errors.New("write GRUB for a BIOS: boot.img or core.img has an unexpected size")
	}
	sectors := (len(core) + sectorBytes - 1) / sectorBytes
	if int64(sectors)*sectorBytes > l.bios.SizeBytes {
		return fmt.Errorf("write GRUB for a BIOS: %d bytes do not fit into %d", len(core), l.bios.SizeBytes)
	}
	le := binary.LittleEndian
	boot, core = append([]byte(nil), boot...), append([]byte(nil), core...)
	// boot.img: where core.img begins (kernel_sector, 5Ch), and that the BIOS is
	// not to be asked for another drive than it started from (66h: two nops).
	le.PutUint64(boot[0x5c:], biosStart)
	boot[0x66], boot[0x67] = 0x90, 0x90
	// The first sector of core.img loads the others: from where, how many.
	le.PutUint64(core[500:], biosStart+1)
	le.PutUint16(core[508:], uint16(sectors-1))
	if _, err := out.WriteAt(boot[:440], 0); err != nil {
		return fmt.Errorf("write GRUB for a BIOS: %w", err)
	}
	if _, err := out.WriteAt(core, biosStart*sectorBytes); err != nil {
		return fmt.Errorf("write GRUB for a BIOS: %w", err)
	}
	return nil
}
