package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// diskGUID reads the identity of a disk from the header of its GUID partition
// table (UEFI 2.10, 5.3.2), which is its second block.
func diskGUID(header []byte) (string, error) {
	const leastBytes, guidAt = 92, 56
	if len(header) < leastBytes || string(header[:8]) != "EFI PART" {
		return "", errors.New("no GUID partition table")
	}
	size := int(binary.LittleEndian.Uint32(header[12:]))
	if size < leastBytes || size > len(header) {
		return "", fmt.Errorf("a partition table header of %d bytes", size)
	}
	sum := append([]byte(nil), header[:size]...)
	want := binary.LittleEndian.Uint32(sum[16:])
	clear(sum[16:20])
	if crc32.ChecksumIEEE(sum) != want {
		return "", errors.New("the partition table header's checksum is wrong")
	}
	g := header[guidAt : guidAt+16]
	return strings.ToLower(fmt.Sprintf("%08x-%04x-%04x-%x-%x",
		binary.LittleEndian.Uint32(g), binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])), nil
}

// wasNotUnmounted reads from a FAT32 file system's first block whether it was
// in use when it lost its power: bit 0 of byte 65, which Linux and Windows keep.
func wasNotUnmounted(boot []byte) bool {
	return len(boot) >= 512 && string(boot[82:87]) == "FAT32" && boot[65]&1 != 0
}
