//go:build vm && linux

package vmlab

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/terminal"
)

// firmware is what a station is started by.
type firmware string

const (
	secureBoot firmware = "Secure Boot" // UEFI that starts only what Microsoft's keys vouch for
	bios       firmware = "BIOS"
)

// station is a machine that is started from a stick by its firmware, as a
// technician starts it. It is seen on its serial line and its screen, and driven
// with keys.
type station struct {
	*terminal.Terminal // the serial line
	*emulator
	t     *testing.T
	began time.Time
}

// The time that a station is given for each thing that is waited for. The
// processor is emulated and the machine shared.
const (
	bootWithin  = 100 * time.Second
	shortWithin = 40 * time.Second
)

// boot turns a station on: its firmware, and QEMU's arguments for what is in it.
func boot(t *testing.T, by firmware, args ...string) *station {
	t.Helper()
	e, err := newEmulator()
	if err != nil {
		t.Fatal(err)
	}
	s := &station{emulator: e, t: t, began: time.Now()}
	all := []string{
		"-m", "512", "-serial", "chardev:serial",
		"-device", "VGA", "-device", "qemu-xhci,id=xhci", "-device", "usb-kbd,bus=xhci.0",
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=lab,name=" + PortName,
	}
	switch by {
	case secureBoot:
		vars := filepath.Join(s.dir, "vars.fd")
		if _, err := output("cp", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd", vars); err != nil {
			t.Fatal(err)
		}
		all = append(all, "-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
			"-drive", "if=pflash,format=raw,unit=0,file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd,readonly=on",
			"-drive", "if=pflash,format=raw,unit=1,file="+vars)
	case bios:
		all = append(all, "-machine", "q35")
	}
	err = e.start(5*time.Minute, []string{"serial", "lab"}, append(all, args...)...)
	if e.lines["serial"] != nil {
		s.Terminal = terminal.Attach(e.lines["serial"], terminal.Options{})
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() && s.Terminal != nil {
			t.Logf("the end of what came over the serial line:\n%s", tail(s.Output(), 4000))
		}
	})
	if err != nil {
		s.kill()
		t.Fatalf("start the station: %v\n%s", err, s.stderr.Bytes())
	}
	return s
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// do gives QEMU a command.
func (s *station) do(command string, arguments any) {
	s.t.Helper()
	if err := s.Monitor(command, arguments); err != nil {
		s.t.Fatal(err)
	}
}

// press presses keys of the keyboard together, by QEMU's names for their places
// with a hyphen between them, as short as a scanner does.
func (s *station) press(keys string) {
	s.t.Helper()
	var all []any
	for key := range strings.SplitSeq(keys, "-") {
		all = append(all, map[string]string{"type": "qcode", "data": key})
	}
	s.do("send-key", map[string]any{"keys": all, "hold-time": 5})
}

// settled is what the screen shows once it has shown the same for a while and in
// at least so many colours, as the digest of a picture. Pictures are kept in the
// folder that OMBRUK_LAB_PICTURES names.
func (s *station) settled(name string, colours int) string {
	s.t.Helper()
	file := filepath.Join(s.dir, "screen.png")
	last, same := "", 0
	for deadline := time.Now().Add(bootWithin); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		s.do("screendump", map[string]string{"filename": file, "format": "png"})
		content, err := os.ReadFile(file)
		s.must(err)
		picture, err := png.Decode(bytes.NewReader(content))
		s.must(err)
		digest := fmt.Sprintf("%x", sha256.Sum256(content))
		if same++; digest != last {
			last, same = digest, 0
		}
		if same < 4 || seenColours(picture) < colours {
			continue
		}
		if dir := os.Getenv("OMBRUK_LAB_PICTURES"); dir != "" {
			s.must(os.WriteFile(filepath.Join(dir, name+".png"), content, 0o600))
		}
		return digest
	}
	s.t.Fatalf("the screen did not come to rest (%s)", name)
	return ""
}

func seenColours(m image.Image) int {
	seen := map[color.Color]bool{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			seen[m.At(x, y)] = true
		}
	}
	return len(seen)
}

// must ends the test at the first thing that did not go.
func (s *station) must(errs ...error) {
	s.t.Helper()
	for _, err := range errs {
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// stickArgs are QEMU's for a stick that the firmware tries at this place.
func stickArgs(id, image string, place int) []string {
	return []string{
		"-blockdev", "driver=raw,node-name=" + id + "-image,cache.no-flush=on,file.driver=file,file.filename=" + image,
		"-device", fmt.Sprintf("usb-storage,id=%s,bus=xhci.0,drive=%s-image,bootindex=%d,removable=on,serial=%s", id, id, place, id),
	}
}
