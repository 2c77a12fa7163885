package kernel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrLeftBehind means that nobody waits for a command any more: it was handed
// to the kernel, which cannot take it back, and the drive may carry it out.
var ErrLeftBehind = errors.New("the command was left behind in the kernel and may still be carried out")

// defaultTimeout is what a command without one gets; see scsi.Command.
const defaultTimeout = 30 * time.Second

// pageBytes is what buffers are aligned to, so that no host adapter needs to
// copy them.
const pageBytes = 4096

// detached runs call, which blocks in the kernel for as long as the drive
// likes, and gives its result. When the context ends first, call goes on alone
// with memory that nobody else uses, and the error wraps [ErrLeftBehind]. The
// memory is released when the kernel is done with it.
func detached[T any](ctx context.Context, what string, m *memory, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		m.release()
		return none, fmt.Errorf("%s: not sent: %w", what, err)
	}
	done := make(chan result, 1)
	go func() {
		value, err := call()
		m.release()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, fmt.Errorf("%s: %w: %w", what, ErrLeftBehind, ctx.Err())
	}
}

// memory is what the kernel may read and write during one call. Its zero value
// is empty; release ends the call's hold.
type memory struct{ pin runtime.Pinner }

// buffer is page-aligned memory that stays where it is; nil for no bytes.
func (m *memory) buffer(sizeBytes int) []byte {
	if sizeBytes == 0 {
		return nil
	}
	b := make([]byte, sizeBytes+pageBytes)
	m.pin.Pin(&b[0])
	b = b[-uintptr(unsafe.Pointer(&b[0]))&(pageBytes-1):]
	return b[:sizeBytes:sizeBytes]
}

// copyOf is a buffer with the same content.
func (m *memory) copyOf(data []byte) []byte {
	b := m.buffer(len(data))
	copy(b, data)
	return b
}

func (m *memory) release() { m.pin.Unpin() }

// address is where a buffer begins, zero for none. The memory must be held.
func address(b []byte) uintptr {
	if len(b) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(&b[0]))
}

// milliseconds is a timeout as the kernel takes it, at least one and at most
// 24 days: it counts in signed 32 bits on its way.
func milliseconds(d time.Duration) uint32 {
	if d <= 0 {
		d = defaultTimeout
	}
	whole := d.Milliseconds()
	if d%time.Millisecond != 0 {
		whole++
	}
	return uint32(min(whole, math.MaxInt32))
}

// noSuchCommand reports whether an ioctl was refused because the device has no
// such request.
func noSuchCommand(err error) bool {
	return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP)
}
