package inventory

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What other tools put on a drive is recognised: sfdisk's tables, with a logical
// partition, and the file systems of mkfs.
func TestWhatOtherToolsPutOnADrive(t *testing.T) {
	const mib = 1 << 20
	sparse := func(size int64) string {
		name := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		return name
	}
	made := func(size int64, program string, args ...string) []byte {
		name := sparse(size)
		run(t, program, append(args, name)...)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ext4, fat, swap := made(8*mib, "mkfs.ext4", "-q"), made(8*mib, "mkfs.vfat"), made(8*mib, "mkswap", "-q")
	for _, c := range []struct {
		label string
		table string
		at    map[int64][]byte // MiB
		want  []Held
	}{
		{"gpt", "start=1MiB size=8MiB type=uefi\nstart=9MiB size=8MiB type=linux\nstart=17MiB size=8MiB type=swap\nstart=25MiB size=8MiB type=linux\n",
			map[int64][]byte{1: fat, 9: ext4, 17: swap}, []Held{{HeldEFI, 1, 8 * mib}, {HeldExt, 2, 8 * mib}, {HeldSwap, 3, 8 * mib}, {HeldUnknown, 4, 8 * mib}}},
		{"dos", "start=1MiB size=8MiB type=c\nstart=9MiB size=50MiB type=5\nstart=10MiB size=8MiB type=83\nstart=19MiB size=8MiB type=82\n",
			map[int64][]byte{1: fat, 10: ext4, 19: swap}, []Held{{HeldFAT, 1, 8 * mib}, {HeldExt, 5, 8 * mib}, {HeldSwap, 6, 8 * mib}}},
		{"", "", map[int64][]byte{0: fat}, []Held{{HeldFAT, 0, 64 * mib}}},
		{"", "", map[int64][]byte{0: ext4}, []Held{{HeldExt, 0, 64 * mib}}},
		{"", "", nil, nil},
	} {
		name := sparse(64 * mib)
		if c.label != "" {
			cmd := exec.Command("sfdisk", "--quiet", name)
			cmd.Stdin = strings.NewReader("label: " + c.label + "\n" + c.table)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("sfdisk: %v\n%s", err, out)
			}
		}
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		for at, content := range c.at {
			if _, err := f.WriteAt(content, at*mib); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := Source{}.Holds(context.Background(), liveDrive(t, name))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %d: got %v, want %v", c.label, len(c.at), got, c.want)
		}
		if after, err := os.ReadFile(name); err != nil || !slices.Equal(before, after) {
			t.Error("the look changed the drive", err)
		}
	}
}

// A drive that is gone is said to be unreadable, not empty.
func TestDriveThatIsGone(t *testing.T) {
	d := Drive{Path: filepath.Join(t.TempDir(), "gone"), CapacityBytes: 1 << 40, LogicalBlockBytes: 512}
	if got := (Source{}).Holds(t.Context(), d); !slices.Equal(got, []Held{{HeldUnreadable, 0, 1 << 40}}) {
		t.Errorf("got %v", got)
	}
}
