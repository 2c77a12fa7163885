//go:build vm && linux

package vmlab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// bareInit is a first process that only prints, in a stick's place.
const bareInit = `package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println("BARE")
	for {
		time.Sleep(time.Hour)
	}
}
`

// How long it takes from the start of the kernel to the start screen, beside an
// initramfs that only prints; and how long a key takes while 24 drives are
// overwritten. The figures depend on the machine, so they are printed and not
// judged.
func TestStickFigures(t *testing.T) {
	rare(t)
	whole := stick{t, newOffice(t).stick.file}
	dir := t.TempDir()
	kernel, ours, bare := filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd"), filepath.Join(dir, "bare")
	initrd := append(whole.read(espName, "/boot/initrd.img"), whole.read(espName, "/boot/settings.img")...)
	source := filepath.Join(dir, "src", "main.go")
	var archive bytes.Buffer
	i := NewInitramfs(&archive)
	for _, err := range []error{
		os.WriteFile(kernel, whole.read(espName, "/boot/vmlinuz"), 0o600),
		os.WriteFile(ours, initrd, 0o600),
		os.Mkdir(filepath.Dir(source), 0o700),
		os.WriteFile(source, []byte(bareInit), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	i.Folder("/dev")
	i.Copy("/init", build(t, source))
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bare, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}

	b := newBench(t)
	b.qemu("-device", "virtio-scsi-pci,id=scsi")
	for n := range 24 {
		b.drive(fmt.Sprintf("d%02d", n), int64(8+n), fmt.Sprintf("scsi-hd,bus=scsi.0,serial=LAB-%02d,rotation_rate=10000", n), "throttling.bps-write=500000")
	}
	c := whole.copied(t, "stick")
	to := func(initrd, word string) (*station, time.Duration) {
		args := append(slices.Clone(b.args), stickArgs("LAB-STICK", c.file, 1)...)
		s := boot(t, bios, append(args, "-kernel", kernel, "-initrd", initrd,
			"-append", "earlyprintk=serial,ttyS0,115200 loglevel=6 console=ttyS0,115200 libata.allow_tpm=1")...)
		s.must(s.UntilOutput(bootWithin, "Linux version"))
		began := time.Now()
		s.must(s.UntilOutput(bootWithin, word))
		return s, time.Since(began)
	}
	s, onlyPrints := to(bare, "BARE")
	s.kill()
	s, start := to(ours, "Asset tag")
	t.Logf("from the kernel's first word: an initramfs that only prints %.1f s, the start screen %.1f s, %.2f times as long", onlyPrints.Seconds(), start.Seconds(), start.Seconds()/onlyPrints.Seconds())

	p := newTechnician(t, s)
	p.starts("T-24", "LAB-00")
	p.accepts()
	p.confirms()
	p.sees("action.pause")
	p.must(p.Until(bootWithin, "the drives were being overwritten", func(lines []string) bool {
		return strings.Count(strings.Join(lines, "\n"), "%") >= 3
	}))
	var took []time.Duration
	for range 10 {
		began := time.Now()
		p.presses("?")
		p.sees("help.progress.1")
		took = append(took, time.Since(began))
		p.presses("esc")
		p.must(p.UntilGone(shortWithin, p.begins("help.progress.1")))
	}
	slices.Sort(took)
	t.Logf("24 drives: a key is answered after %s (half of them), %s at most\n%s", took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), strings.Join(p.Text(), "\n"))
}
