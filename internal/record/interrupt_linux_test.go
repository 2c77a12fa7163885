package record

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// A signal came while the kernel set room aside: a run on four drives was
// refused for "interrupted system call".
func TestASignalIsNoTrouble(t *testing.T) {
	answers := []error{unix.EINTR, unix.EINTR, unix.ENOSPC, nil}
	err := uninterrupted(func() error {
		err := answers[0]
		answers = answers[1:]
		return err
	})
	if !errors.Is(err, unix.ENOSPC) {
		t.Errorf("got %v, want %v", err, unix.ENOSPC)
	}
}
