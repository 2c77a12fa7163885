package drive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

// image makes an image file of the given size full of somebody's data.
func image(t *testing.T, sizeBytes int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(name, bytes.Repeat([]byte("old data"), sizeBytes/8+1)[:sizeBytes], 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// loop attaches a loop device over an image that this test made.
func loop(t *testing.T, img string, options ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("attaching a loop device needs root")
	}
	out, err := exec.Command("losetup", append(append([]string{"--find", "--show"}, options...), img)...).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", dev).CombinedOutput(); err != nil {
			t.Errorf("detach %s: %v: %s", dev, err, out)
		}
	})
	return dev
}

func facts(t *testing.T, path string) inventory.Drive {
	t.Helper()
	d, err := inventory.Source{}.Facts(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// wipe runs one pass of a standard on a path, through the real device.
func wipe(t *testing.T, path, id string) erase.Result {
	t.Helper()
	s, err := erase.FindStandard(id)
	if err != nil {
		t.Fatal(err)
	}
	f := facts(t, path)
	p, err := erase.MakePlan(f, erase.Order{Standard: s})
	if err != nil {
		t.Fatal(err)
	}
	d, err := drive.Open(f, inventory.Source{}.Facts)
	if err != nil {
		t.Fatal(err)
	}
	r, abandoned := erase.Run(context.Background(), p, d, erase.Options{Key: erase.Key{9}, Now: time.Now})
	if abandoned {
		t.Fatal("a transfer was left behind")
	}
	if err := d.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	return r
}

func TestImagesOfOddSizesAreWipedToTheLastByte(t *testing.T) {
	for _, size := range []int{1, 511, 512, 4095, 4096, 4097, 1<<20 + 1, 5<<20 + 4096 + 100, 9<<20 - 1} {
		for _, id := range []string{"zero", "random", "bsi-vsitr", "hmg-is5-enhanced"} {
			img := image(t, size)
			r := wipe(t, img, id)
			if r.Outcome != erase.Sanitized {
				t.Errorf("%d bytes, %s: %v %v %v", size, id, r.Outcome, r.Exceptions, r.Err)
			}
			got, err := os.ReadFile(img)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != size || bytes.Contains(got, []byte("old data")) {
				t.Errorf("%d bytes, %s: %d bytes left, old data in them: %v", size, id, len(got), bytes.Contains(got, []byte("old data")))
			}
		}
	}
}

func TestThreeBytePatternKeepsItsPhaseOverOddTail(t *testing.T) {
	img := image(t, 9<<20+4096+77)
	s := erase.Standard{ID: "test", Method: erase.Clear, Passes: []erase.Pattern{{Bytes: []byte{0x92, 0x49, 0x24}}}}
	f := facts(t, img)
	p, err := erase.MakePlan(f, erase.Order{Standard: s})
	if err != nil {
		t.Fatal(err)
	}
	d, err := drive.Open(f, inventory.Source{}.Facts)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := erase.Run(context.Background(), p, d, erase.Options{Now: time.Now})
	if err := d.Close(); err != nil || r.Outcome != erase.Sanitized {
		t.Fatalf("%v %v %v", r.Outcome, r.Exceptions, err)
	}
	got, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range got {
		if want := []byte{0x92, 0x49, 0x24}[i%3]; b != want {
			t.Fatalf("byte %d is %02X, want %02X", i, b, want)
		}
	}
}

func TestLoopDevicesOfBothBlockSizes(t *testing.T) {
	for _, block := range []string{"512", "4096"} {
		img := image(t, 8<<20+4096)
		dev := loop(t, img, "--sector-size", block)
		r := wipe(t, dev, "random")
		if !r.Outcome.Clean() {
			t.Errorf("blocks of %s: %v %v %v", block, r.Outcome, r.Exceptions, r.Err)
		}
		if got, _ := os.ReadFile(img); bytes.Contains(got, []byte("old data")) {
			t.Errorf("blocks of %s: the image still holds old data", block)
		}
	}
}

func TestSecondRunOnOneTargetIsRefused(t *testing.T) {
	img := image(t, 1<<20)
	for _, path := range []string{img, loop(t, image(t, 1<<20))} {
		f := facts(t, path)
		first, err := drive.Open(f, inventory.Source{}.Facts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := drive.Open(f, inventory.Source{}.Facts); !errors.Is(err, erase.ErrInUse) {
			t.Errorf("%s: second open: %v, want in use", path, err)
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatWasPlannedMustBeWhatIsOpened(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*testing.T, string, *inventory.Drive)
	}{
		{"grown since", func(t *testing.T, img string, _ *inventory.Drive) { truncate(t, img, 2<<20) }},
		{"shrunk since", func(t *testing.T, img string, _ *inventory.Drive) { truncate(t, img, 4096) }},
		{"replaced by another file", func(t *testing.T, img string, _ *inventory.Drive) {
			other := image(t, 1<<20)
			if err := os.Rename(other, img); err != nil {
				t.Fatal(err)
			}
		}},
		{"replaced by a link", func(t *testing.T, img string, _ *inventory.Drive) {
			if err := errors.Join(os.Rename(img, img+".moved"), os.Symlink(img+".moved", img)); err != nil {
				t.Fatal(err)
			}
		}},
		{"gone", func(t *testing.T, img string, _ *inventory.Drive) {
			if err := os.Remove(img); err != nil {
				t.Fatal(err)
			}
		}},
		{"another serial", func(_ *testing.T, _ string, d *inventory.Drive) { d.Serial = "OTHER" }},
		{"another WWN", func(_ *testing.T, _ string, d *inventory.Drive) { d.WWN = "naa.5" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			img := image(t, 1<<20)
			f := facts(t, img)
			c.change(t, img, &f)
			if _, err := drive.Open(f, inventory.Source{}.Facts); !errors.Is(err, erase.ErrIdentityChanged) {
				t.Errorf("open: %v, want identity changed", err)
			}
		})
	}
}

func truncate(t *testing.T, name string, size int64) {
	t.Helper()
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
}

func TestTargetThatChangesDuringTheRunIsNeverClean(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*testing.T, string)
		code   string
	}{
		{"grows", func(t *testing.T, img string) { truncate(t, img, 64<<20) }, "size-changed"},
		{"is unlinked", func(t *testing.T, img string) {
			if err := os.Remove(img); err != nil {
				t.Fatal(err)
			}
		}, "device-gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			img := image(t, 32<<20)
			f := facts(t, img)
			s, _ := erase.FindStandard("zero")
			p, err := erase.MakePlan(f, erase.Order{Standard: s})
			if err != nil {
				t.Fatal(err)
			}
			d, err := drive.Open(f, inventory.Source{}.Facts)
			if err != nil {
				t.Fatal(err)
			}
			c.change(t, img)
			r, _ := erase.Run(context.Background(), p, d, erase.Options{Now: time.Now})
			_ = d.Close()
			if r.Outcome != erase.Failed || len(r.Exceptions) == 0 || r.Exceptions[0].Code != c.code {
				t.Errorf("%v %+v %v", r.Outcome, r.Exceptions, r.Err)
			}
		})
	}
}
