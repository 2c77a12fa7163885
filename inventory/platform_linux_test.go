package inventory

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPlatformFlags(t *testing.T) {
	for text, want := range map[string]int{"0x10\n": 16, "0x80\n": 128, "0x1\n": 1, "0x0\n": 0, "": 0, "0x18\n": 0, "0x100\n": 0, "-1": 0, "sixteen": 0} {
		root := t.TempDir()
		dir := filepath.Join(root, "sys/devices/system/cpu/cpu0/microcode")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "processor_flags"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := platformFlags(newTree(root)); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	if got := platformFlags(newTree(t.TempDir())); got != 0 {
		t.Errorf("without the driver: got %d, want 0", got)
	}
}
