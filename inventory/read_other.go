//go:build !linux

package inventory

import (
	"errors"
	"fmt"
	"io"
)

// tree refuses: what stands in a captured tree is what Linux puts there, and
// so are the names and links in it.
func (r *reading) tree(name, _ string) error {
	return fmt.Errorf("read %s: a captured machine can be read on Linux only: %w", name, errors.ErrUnsupported)
}

func (r *reading) archive(name string, _ io.Reader) error { return r.tree(name, "") }
