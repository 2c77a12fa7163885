package record

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A stick may hold files of any size under our names, and machines have 512
// MiB of memory. The program says so and goes on.
func TestAHugeFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{HandedInFile, "chain.json", "r" + EvidenceSuffix} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("["), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, 1<<40); err != nil {
			t.Skip(err)
		}
		began := time.Now()
		if b, err := readBounded(file); err == nil || b != nil || time.Since(began) > 20*time.Second {
			t.Errorf("%s: read %d bytes, %v", name, len(b), err)
		}
	}
	if closed, open, _, err := Tally(dir); err == nil || closed != 1 || open != 1 {
		t.Errorf("%d records, %d not handed in, %v", closed, open, err)
	}
}
