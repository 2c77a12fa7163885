package inventory

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"
)

// disk is a small drive in memory.
type disk struct {
	bytes []byte
	// broken is where reading fails from; 0 for nowhere.
	broken    int64
	reads     int
	bytesRead int64
}

func (d *disk) ReadAt(b []byte, at int64) (int, error) {
	d.reads++
	d.bytesRead += int64(len(b))
	if d.broken > 0 && at+int64(len(b)) > d.broken {
		return 0, errors.New("medium error")
	}
	if at >= int64(len(d.bytes)) {
		return 0, io.EOF
	}
	n := copy(b, d.bytes[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (d *disk) put(at int, text string) *disk { copy(d.bytes[at:], text); return d }

func newDisk(size int) *disk { return &disk{bytes: make([]byte, size)} }

// gpt writes a partition table with one partition of each type, a MiB each, from
// the first MiB on.
func (d *disk) gpt(block int, types ...string) *disk {
	h := d.bytes[block:]
	copy(h, "EFI PART")
	binary.LittleEndian.PutUint64(h[72:], 2)
	binary.LittleEndian.PutUint32(h[80:], 128)
	binary.LittleEndian.PutUint32(h[84:], 128)
	for i, guid := range types {
		e := d.bytes[2*block+128*i:]
		raw, err := hex.DecodeString(guid)
		if err != nil {
			panic(err)
		}
		copy(e, raw)
		binary.LittleEndian.PutUint64(e[32:], uint64((i+1)<<20/block))
		binary.LittleEndian.PutUint64(e[40:], uint64((i+2)<<20/block-1))
	}
	return d
}

const (
	guidEFI      = "28732ac11ff8d211ba4b00a0c93ec93b"
	guidReserved = "16e3c9e35c0bb84d817df92df00215ae"
	guidBasic    = "a2a0d0ebe5b9334487c068b6b72699c7"
	guidRecovery = "a4bb94ded106404da16abfd50179d6ac"
	guidLVM      = "79d3d6e607f5c244a23c238f2a3df928"
)

func TestWhatADriveHolds(t *testing.T) {
	const mib = 1 << 20
	windows := func(block int) *disk {
		return newDisk(8*mib).gpt(block, guidEFI, guidReserved, guidBasic, guidRecovery, guidBasic, guidLVM).
			put(1*mib+82, "FAT32   ").put(3*mib+3, "-FVE-FS-").put(4*mib+3, "NTFS    ").put(5*mib+100, "something else")
	}
	onWindows := []Held{{HeldEFI, 1, mib}, {HeldBitLocker, 3, mib}, {HeldRecovery, 4, mib}, {HeldUnknown, 5, mib}, {HeldLVM, 6, mib}}
	ext := make([]byte, 80)
	copy(ext[56:], "\x53\xef")
	for _, c := range []struct {
		name  string
		disk  *disk
		block int
		want  []Held
	}{
		{"nothing", newDisk(4 * mib), 512, nil},
		{"ones all over", &disk{bytes: bytes.Repeat([]byte{0xff}, mib)}, 512, nil},
		{"a laptop with Windows", windows(512), 512, onWindows},
		{"the same with 4 KiB blocks", windows(4096), 4096, onWindows},
		{"the same behind a USB bridge that changes the block size", windows(512), 4096, onWindows},
		{"a table that points outside", newDisk(mib).gpt(512, guidBasic), 512, []Held{}},
		{"LUKS on the bare drive", newDisk(mib).put(0, "LUKS\xba\xbe\x00\x02"), 512, []Held{{HeldLUKS, 0, mib}}},
		{"BitLocker To Go", newDisk(mib).put(3, "MSWIN4.1").put(82, "FAT32   ").put(424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01"), 512, []Held{{HeldBitLocker, 0, mib}}},
		{"a Mac's container", newDisk(mib).put(32, "NXSB"), 512, []Held{{HeldAPFS, 0, mib}}},
		{"btrfs", newDisk(mib).put(0x10040, "_BHRfS_M"), 512, []Held{{HeldBtrfs, 0, mib}}},
		{"a DVD's image", newDisk(mib).put(0x8001, "CD001"), 512, []Held{{HeldISO, 0, mib}}},
		{"XFS", newDisk(mib).put(0, "XFSB"), 512, []Held{{HeldXFS, 0, mib}}},
		{"ReFS", newDisk(mib).put(3, "ReFS\x00\x00\x00\x00"), 512, []Held{{HeldReFS, 0, mib}}},
		{"ext", newDisk(mib).put(1024, string(ext)), 512, []Held{{HeldExt, 0, mib}}},
		{"two bytes that look like ext", newDisk(mib).put(1024+56, "\x53\xef").put(1024+24, "GRUB"), 512, []Held{{HeldUnknown, 0, mib}}},
		{"HFS+", newDisk(mib).put(1024, "H+\x00\x04"), 512, []Held{{HeldHFS, 0, mib}}},
		{"LVM on the bare drive", newDisk(mib).put(512, "LABELONE"), 512, []Held{{HeldLVM, 0, mib}}},
		{"a member of an array", newDisk(mib).put(4096, "\xfc\x4e\x2b\xa9"), 512, []Held{{HeldRAID, 0, mib}}},
		{"noise, as VeraCrypt leaves it", newDisk(mib).put(0, "x8s9d7f6g5h4j3"), 512, []Held{{HeldUnknown, 0, mib}}},
		{"a drive that cannot be read", &disk{bytes: make([]byte, mib), broken: 1}, 512, []Held{{HeldUnreadable, 0, mib}}},
		{"a drive that breaks off", func() *disk { d := windows(512); d.broken = 4 * mib; return d }(), 512,
			[]Held{{HeldEFI, 1, mib}, {HeldBitLocker, 3, mib}, {HeldUnreadable, 4, mib}, {HeldUnreadable, 5, mib}, {HeldUnreadable, 6, mib}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := contents(c.disk, int64(len(c.disk.bytes)), c.block); !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if c.disk.bytesRead > 256<<10 {
				t.Errorf("%d bytes were read", c.disk.bytesRead)
			}
		})
	}
}

// Whatever stands on a stranger's drive, the look at it ends, reads little, and
// tells of nothing that is not on the drive.
func FuzzHolds(f *testing.F) {
	f.Add(newDisk(8<<10).gpt(512, guidEFI, guidBasic).bytes, 512)
	mbr := newDisk(8 << 10)
	copy(mbr.bytes[446:], "\x80\x00\x00\x00\x07\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02\x00\x00\x00\x04\x00\x00\x00")
	copy(mbr.bytes[510:], "\x55\xaa")
	copy(mbr.bytes[1024+446:], "\x00\x00\x00\x00\x83\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00")
	copy(mbr.bytes[1024+510:], "\x55\xaa")
	f.Add(mbr.bytes, 512)
	f.Add([]byte("EFI PART"), 0)
	f.Fuzz(func(t *testing.T, content []byte, block int) {
		d := &disk{bytes: content}
		for _, h := range contents(d, int64(len(content)), block) {
			if h.Kind == "" || h.SizeBytes <= 0 || h.SizeBytes > int64(len(content)) {
				t.Errorf("%+v of %d bytes", h, len(content))
			}
		}
		if d.reads > 8*maxHeld {
			t.Errorf("%d reads", d.reads)
		}
	})
}
