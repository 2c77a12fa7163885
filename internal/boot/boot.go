// Package boot is what runs as the first process of a boot stick and what its
// program needs of it: drivers, console, the stick's data partition, the log,
// the clock and the power. It decides nothing about drives that are to be
// erased, offers no shell, and opens no port.
package boot

import (
	"errors"
	"io/fs"
)

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
