package record

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// ErrGone is the cause when a folder is not the one that it was: the stick was
// pulled out, or another one is in its place.
var ErrGone = errors.New("the folder of the records is gone")

// The kinds of trouble with what keeps the records.
const (
	TroubleNone     = ""
	TroubleFull     = "full"
	TroubleReadOnly = "read-only"
	TroubleGone     = "gone" // pulled out, swapped, or failing
	TroubleOther    = "other"
)

// Trouble says in one word why something could not be kept; empty for nil.
func Trouble(err error) string {
	is := func(causes ...error) bool {
		for _, c := range causes {
			if errors.Is(err, c) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return TroubleNone
	case is(unix.ENOSPC, unix.EDQUOT):
		return TroubleFull
	case is(unix.EROFS, fs.ErrPermission):
		return TroubleReadOnly
	case is(ErrGone, fs.ErrNotExist, unix.EIO, unix.ENODEV, unix.ENXIO, unix.ENOMEDIUM, unix.ENOTCONN, unix.ESTALE, unix.ESHUTDOWN, unix.ENOTDIR):
		return TroubleGone
	default:
		return TroubleOther
	}
}
