package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"
)

func TestAFileIsNoDriveToAsk(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := Identify(f); !errors.Is(err, ErrNoIdentity) {
		t.Errorf("got %v", err)
	}
}

func TestArenaGivesAlignedMemory(t *testing.T) {
	var a Arena
	for _, size := range []int{1, 4096, 2<<20 - 1, 2 << 20, 5 << 20} {
		b, err := a.Alloc(size)
		if err != nil || len(b) != size || uintptr(unsafe.Pointer(&b[0]))%hugeBytes != 0 {
			t.Errorf("%d bytes: %d at %p, %v", size, len(b), &b[0], err)
		}
		b[size-1] = 1
	}
	if _, err := a.Alloc(0); err == nil {
		t.Error("nothing was given")
	}
	if err := a.Free(); err != nil {
		t.Error(err)
	}
}
