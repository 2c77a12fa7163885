package main

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/bootusb"
	"github.com/ombruk/ombruk/internal/flash"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/stick"
)

// makeProgram is `program FILE`: the least that is a static program for Linux on
// x86-64.
func makeProgram(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Phoff: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	ts.Check(binary.Write(&b, binary.LittleEndian, header))
	ts.Check(binary.Write(&b, binary.LittleEndian, elf.Prog64{Type: uint32(elf.PT_LOAD)}))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o755))
}

func TestSizes(t *testing.T) {
	for s, want := range map[string]int64{"512M": 512 << 20, "8G": 8 << 30, "1M": 1 << 20, "2048G": 2 << 40} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "512", "M", "0M", "-1M", "1.5G", "8 G", "8GB", "8g", "9999999999G", "2049G", "1e3M"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q: took it for %d", s, got)
		}
	}
}

// A stick's languages have messages, and keyboards of their own to begin with.
func TestASticksLanguages(t *testing.T) {
	a := &app{now: time.Now}
	for _, tag := range stick.Languages() {
		if _, err := lang.For(tag); err != nil {
			t.Error(err)
		}
		a.flags.lang = tag
		if s, err := a.settings(&imageFlags{}); err != nil || s.Keyboard == "" {
			t.Errorf("%s: %+v, %v", tag, s, err)
		}
	}
}

func TestWhereThereIsNoApt(t *testing.T) {
	var coded *codedError
	err := buildFail(fmt.Errorf("fetch packages: %w", bootusb.ErrNoApt))
	if !errors.As(err, &coded) || coded.code != exitUsage || !strings.Contains(coded.hint, "--packages DIR") {
		t.Errorf("got %v", err)
	}
	err = buildFail(fmt.Errorf("fetch: %w", context.Canceled))
	if !errors.As(err, &coded) || coded.code != exitCancelled {
		t.Errorf("got %v", err)
	}
}

func TestMeterLine(t *testing.T) {
	for _, tt := range []struct {
		p    flash.Progress
		took time.Duration
		want string
	}{
		{flash.Progress{DoneBytes: 4 << 20, TotalBytes: 400 << 20}, time.Millisecond, "writing      4.2 MB of 419 MB"},
		{flash.Progress{DoneBytes: 100e6, TotalBytes: 400e6}, 10 * time.Second, "writing      100 MB of 400 MB  10.0 MB/s  0:30 left"},
		{flash.Progress{Reading: true, DoneBytes: 4e9, TotalBytes: 4e9}, 100 * time.Second, "reading back 4.0 GB of 4.0 GB  40.0 MB/s  0:00 left"},
	} {
		if got := meterLine(tt.p, tt.took); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// blankStick is a small image of a stick, made with other people's tools.
func blankStick(t *testing.T, d desk, name string) string {
	t.Helper()
	file := d.path(name)
	script := `truncate -s 44M "$0" && sfdisk -q "$0" && mkfs.vfat -F 32 -n OMBRUK --offset=8192 "$0" 34816`
	cmd := exec.Command("sh", "-c", script, file)
	cmd.Stdin = strings.NewReader("label: gpt\nstart=4096, size=4096, name=OMBRUK-ESP, type=uefi\nsize=69632, name=OMBRUK-DATA\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// A loop device is no stick until somebody says that it is one; one that is
// mounted never is; what was a stick of ours may become one again.
func TestWriteAStickThatTheKernelHas(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	d := newDesk(t)
	file := blankStick(t, d, "stick.img")
	img := d.image("target.img", 64<<20)
	dev := attach(t, img)
	code, output := d.run("image", "write", file, dev, "--confirm", dev)
	if code != exitRefused || !strings.Contains(output, "neither removable nor on USB") || !strings.Contains(output, "--allow-fixed") {
		t.Fatalf("code %d: %s", code, output)
	}
	for range 2 { // the second time it is a stick of ours that lies idle
		if code, output := d.run("image", "write", file, dev, "--confirm", dev, "--allow-fixed"); code != exitOK || !strings.Contains(output, "written and read back") {
			t.Fatalf("code %d: %s", code, output)
		}
	}
	if out, err := exec.Command("sfdisk", "--verify", dev).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("No errors detected")) {
		t.Errorf("%v: %s", err, out)
	}
	part := attachPart(t, img, 8192*512)
	at := d.path("mnt")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", part).CombinedOutput(); err != nil { // not every kernel has vfat
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	mount(t, part, at)
	code, output = d.run("image", "write", file, img, "--confirm", "target.img")
	if code != exitRefused {
		t.Errorf("mounted: code %d: %s", code, output)
	}
}

// attachPart gives a loop device over the end of an image of this test.
func attachPart(t *testing.T, img string, offset int) string {
	t.Helper()
	out, err := exec.Command("losetup", "--find", "--show", "--offset", fmt.Sprint(offset), img).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", dev).Run() })
	return dev
}

// Whoever stops it half-way, or has a stick that lies, is told what the stick is
// worth.
func TestAStickThatWasNotWritten(t *testing.T) {
	for _, tt := range []struct {
		err        error
		code       int
		text, hint string
	}{
		{fmt.Errorf("write: %w", context.Canceled), exitCancelled, "stopped; the stick is not usable", "write it again"},
		{fmt.Errorf("%w, first at byte 7", flash.ErrDiffers), exitError, "something else was read back than was written, first at byte 7", "do not use it for anything"},
		{erase.ErrGone, exitError, "write the stick /dev/sdx", "write it again, or take another"},
	} {
		var coded *codedError
		err := notWritten("/dev/sdx", tt.err)
		if !errors.As(err, &coded) || coded.code != tt.code || !strings.Contains(err.Error(), tt.text) || !strings.Contains(coded.hint, tt.hint) {
			t.Errorf("%v: got %v", tt.err, err)
		}
	}
}
