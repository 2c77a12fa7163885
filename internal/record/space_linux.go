package record

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FreeBytes is how much fits into a folder still, for an ordinary user.
func FreeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := uninterrupted(func() error { return unix.Statfs(dir, &st) }); err != nil {
		return 0, fmt.Errorf("look for room in %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}
