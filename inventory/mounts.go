package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// mount is one line of mountinfo, proc(5).
type mount struct {
	number  string // "major:minor"; anonymous (0:n) for btrfs, overlay, ZFS
	point   string
	kind    string // file system type
	source  string
	options []string // of the superblock
}

// parseMountinfo reads /proc/PID/mountinfo. Lines it cannot make sense of are
// left out.
func parseMountinfo(text string) []mount {
	var mounts []mount
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		// 36 35 98:0 /root /point rw,noatime [optional...] - ext4 /dev/sda1 rw
		dash := 6
		for dash < len(fields) && fields[dash] != "-" {
			dash++
		}
		if dash+2 >= len(fields) {
			continue
		}
		m := mount{number: fields[2], point: unescapeOctal(fields[4]), kind: fields[dash+1], source: unescapeOctal(fields[dash+2])}
		if dash+3 < len(fields) {
			m.options = strings.Split(fields[dash+3], ",")
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// swapArea is one line of /proc/swaps.
type swapArea struct {
	path string
	file bool
}

// parseSwaps reads /proc/swaps.
func parseSwaps(text string) []swapArea {
	var areas []swapArea
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] == "Filename" {
			continue
		}
		path := strings.TrimSuffix(unescapeOctal(fields[0]), " (deleted)")
		areas = append(areas, swapArea{path: path, file: fields[1] == "file"})
	}
	return areas
}

// unescapeOctal undoes \040 and the like, with which the kernel writes spaces,
// tabs, line ends and backslashes in paths.
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mountHolding finds the mount that a path lies in: the last one of those with
// the longest mount point. ok is false when there is none.
func mountHolding(mounts []mount, path string) (m mount, ok bool) {
	best := -1
	for _, candidate := range mounts {
		point := strings.TrimSuffix(candidate.point, "/")
		if (path == point || strings.HasPrefix(path, point+"/")) && len(point) >= best {
			best, m, ok = len(point), candidate, true
		}
	}
	return m, ok
}

// fileID tells one file from every other.
type fileID struct {
	device string // "major:minor" of the file system
	inode  uint64
}

func (f fileID) String() string { return fmt.Sprintf("%s/%d", f.device, f.inode) }

// parseMapping reads one line of /proc/PID/maps: address, permissions, offset,
// device in hex, inode, path. ok is false for memory without a file.
func parseMapping(line string) (id fileID, mapped string, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[4] == "0" {
		return fileID{}, "", false
	}
	high, low, _ := strings.Cut(fields[3], ":")
	major, err1 := strconv.ParseUint(high, 16, 32)
	minor, err2 := strconv.ParseUint(low, 16, 32)
	inode, err3 := strconv.ParseUint(fields[4], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return fileID{}, "", false
	}
	_, mapped, _ = strings.Cut(line, "/")
	return fileID{device: fmt.Sprintf("%d:%d", major, minor), inode: inode}, unescapeOctal("/" + strings.TrimSuffix(mapped, "\n")), true
}
