package inventory

import "errors"

// Source is the system that facts are read from. The zero value is the one we
// run on.
//
// What can be seen of a drive's use ends at three borders: a process in
// another PID namespace that does not show in this /proc, a mount namespace or
// lazily detached mount that no visible process belongs to, and an opener
// inside the kernel that leaves no link in sysfs (a ZFS log device, a network
// export). Without root the files that other users' processes hold are hidden
// too; Machine.Notes says so. Whoever writes to a drive must therefore also
// open it exclusively (O_EXCL), which the kernel refuses for most of these.
type Source struct {
	// Root is the folder below which sys, proc and dev are found, so that a
	// captured tree can be read; empty means "/". A captured tree needs no
	// device nodes: there the name under /dev that sysfs gives stands for
	// the node.
	Root string
	// log takes down what is read, for Capture.
	log *treeLog
}

// What keeps a path from being a drive. Errors of [Source.Drive] wrap these.
var (
	ErrNotFound  = errors.New("not found")
	ErrNotADrive = errors.New("not a drive")
	ErrEmpty     = errors.New("no capacity")
)
