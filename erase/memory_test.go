package erase_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// memoryDrive is a drive in memory that can be told to fail. It remembers what
// it held at each flush, which is what each pass left behind.
type memoryDrive struct {
	mu     sync.Mutex
	held   []byte
	passes [][]byte
	// badWrite and badRead give the error of a transfer, nil when it goes
	// through; off and length are in bytes.
	badWrite, badRead func(off, length int64) error
	// keep ignores writes to these blocks and reports success.
	keep func(lba int64) bool
	// hang blocks every transfer until it is closed.
	hang chan struct{}
	// checkErr is what Check answers.
	checkErr error
	// onWrite is called before each write.
	onWrite  func()
	remember bool
}

const blockBytes = 512

func newMemoryDrive(sizeBytes int) *memoryDrive {
	d := &memoryDrive{held: make([]byte, sizeBytes)}
	for i := range d.held {
		d.held[i] = byte(i*7 + i>>9 + 1) // somebody's data, never a wipe pattern for long
	}
	return d
}

func (d *memoryDrive) facts() inventory.Drive {
	return inventory.Drive{
		Path: "/dev/test", Bus: inventory.BusSCSI, Media: inventory.MediaMagnetic, Serial: "S1", DeviceNumber: "1:1",
		CapacityBytes: int64(len(d.held)), LogicalBlockBytes: blockBytes, PhysicalBlockBytes: 4096,
	}
}

func (d *memoryDrive) SizeBytes() int64            { return int64(len(d.held)) }
func (d *memoryDrive) Alloc(n int) ([]byte, error) { return make([]byte, n), nil }
func (d *memoryDrive) Forget() (string, error)     { return "direct", nil }
func (d *memoryDrive) Check() error                { return d.checkErr }
func (d *memoryDrive) Firmware() erase.Firmware    { return nil }
func (d *memoryDrive) wait() {
	if d.hang != nil {
		<-d.hang
	}
}

func (d *memoryDrive) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.remember {
		d.passes = append(d.passes, append([]byte(nil), d.held...))
	}
	return nil
}

func (d *memoryDrive) WriteAt(p []byte, off int64) (int, error) {
	if d.onWrite != nil {
		d.onWrite()
	}
	d.wait()
	if d.badWrite != nil {
		if err := d.badWrite(off, int64(len(p))); err != nil {
			return 0, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := 0; i < len(p); i += blockBytes {
		n := min(blockBytes, len(p)-i)
		if d.keep == nil || !d.keep((off+int64(i))/blockBytes) {
			copy(d.held[off+int64(i):], p[i:i+n])
		}
	}
	return len(p), nil
}

func (d *memoryDrive) ReadAt(p []byte, off int64) (int, error) {
	d.wait()
	if d.badRead != nil {
		if err := d.badRead(off, int64(len(p))); err != nil {
			return 0, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := copy(p, d.held[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var errMedium = errors.New("input/output error")

// badBlocks makes transfers that touch any of the blocks fail.
func badBlocks(lbas ...int64) func(off, length int64) error {
	return func(off, length int64) error {
		for _, lba := range lbas {
			if at := lba * blockBytes; at < off+length && at+blockBytes > off {
				return fmt.Errorf("transfer at %d: %w", off, errMedium)
			}
		}
		return nil
	}
}

func standard(t testing.TB, id string) erase.Standard {
	t.Helper()
	s, err := erase.FindStandard(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plan(t testing.TB, d *memoryDrive, o erase.Order) erase.Plan {
	t.Helper()
	p, err := erase.MakePlan(d.facts(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func options() erase.Options {
	now := time.Date(2026, 11, 22, 14, 2, 0, 0, time.UTC)
	return erase.Options{Key: erase.Key{1, 2, 3}, Now: func() time.Time { return now }, Stall: 10 * time.Second}
}

// run plans and runs a standard on a drive.
func run(t testing.TB, d *memoryDrive, id string, change func(*erase.Order, *erase.Options)) erase.Result {
	t.Helper()
	order, opts := erase.Order{Standard: standard(t, id)}, options()
	if change != nil {
		change(&order, &opts)
	}
	result, abandoned := erase.Run(context.Background(), plan(t, d, order), d, opts)
	if abandoned {
		t.Fatal("the run left a transfer behind")
	}
	return result
}

func codes(r erase.Result) []string {
	var out []string
	for _, e := range r.Exceptions {
		out = append(out, e.Code)
	}
	return out
}
