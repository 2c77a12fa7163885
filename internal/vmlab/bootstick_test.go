//go:build vm && linux

package vmlab

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/inventory"
)

// returned is a machine with an NVMe drive, a SATA drive, and one that can
// erase itself, which QEMU has not: the lab plays it to the kernel, beside the
// first process of a stick that is otherwise as it was built.
type returned struct {
	*bench
	stick stick
	lab   *guestLine
	sim   string // the serial number of the drive that is played
}

func newReturned(t *testing.T, o *office) *returned {
	t.Helper()
	r := &returned{bench: newBench(t), stick: stick{t, o.stick.file}.withLab(t)}
	r.qemu("-device", "nvme,id=ctl,serial=LAB-NVME")
	r.drive("nvme", 24, "nvme-ns,bus=ctl")
	return r
}

// plug has the drive that can erase itself turn up.
func (r *returned) plug(p *technician) {
	p.t.Helper()
	var err error
	r.lab, err = newGuestLine(p.lines["lab"], shortWithin)
	p.must(err)
	j := r.lab.Begin("simdrive", "serve", "-kib", "512", "-speed", "600", "sim", "ata-ssd-block")
	p.must(j.Until("\n"))
	var served struct{ Serial string }
	p.must(json.Unmarshal([]byte(j.Stdout()), &served))
	r.sim = served.Serial
}

// empty says that there is nothing left in the drive that erased itself.
func (r *returned) empty(t *testing.T) {
	t.Helper()
	out, err := r.lab.Run("simdrive", "ask", "sim", "truth")
	var truth drivesim.Truth
	if err == nil {
		err = json.Unmarshal([]byte(out.Stdout), &truth)
	}
	if err != nil || truth.OriginalBytes(drivesim.Everything) != 0 {
		t.Errorf("the drive that erased itself still holds %d original bytes, %v", truth.OriginalBytes(drivesim.Everything), err)
	}
}

// clean checks the records of the three drives, and the images from outside.
func (r *returned) clean(t *testing.T, records map[string][]*certs.Sanitization) {
	t.Helper()
	for serial, want := range map[string]erase.Method{"LAB-NVME": erase.Clear, "LAB-SATA": erase.Clear, r.sim: erase.Purge} {
		if len(records[serial]) != 1 {
			t.Errorf("%s has %d records", serial, len(records[serial]))
			continue
		}
		switch s := records[serial][0]; {
		case s.Outcome != erase.Sanitized || s.Achieved.Method != want || !s.Fulfilled:
			t.Errorf("%s: %s by %s, fulfilled %v: %+v", serial, s.Outcome, s.Achieved.Method, s.Fulfilled, s.Exceptions)
		}
	}
	if all := string(mustJSON(t, records[r.sim])); !strings.Contains(all, string(inventory.ATASanitizeBlock)) {
		t.Errorf("the drive was not given its own erase: %s", all)
	}
	r.zeroed(t, "nvme", "sata")
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The whole job under Secure Boot: the tag is scanned, the code typed, three
// drives are erased, and what the stick brings home is verified at the office.
func TestStickUnderSecureBoot(t *testing.T) {
	o := newOffice(t)
	r := newReturned(t, o)
	r.drive("sata", 25, "ide-hd,bus=ide.0,serial=LAB-SATA,rotation_rate=5400")
	p := sitDown(t, secureBoot, append(r.args, stickArgs("LAB-STICK", r.stick.file, 0)...)...)
	r.plug(p)
	p.starts("T-10442", "LAB-NVME", "LAB-SATA", r.sim, p.say("drives.boot"))
	p.accepts()
	p.confirms()
	p.finishes(bootWithin)
	p.reads("ALL DRIVES CLEAN")
	r.empty(t)
	p.powersOff()
	records := o.allHandedIn(t, r.stick)
	r.clean(t, records)
	for serial, all := range records {
		if all[0].AssetTag != "T-10442" {
			t.Errorf("%s: the record is about %q", serial, all[0].AssetTag)
		}
	}
}

// The same from the same stick under a BIOS, on a machine without a serial
// number, and with a stick that is pulled out half-way and put back.
func TestStickByBIOS(t *testing.T) {
	o := newOffice(t)
	r := newReturned(t, o)
	r.qemu("-smbios", "type=1,manufacturer=Ombruk Lab,product=Returned 14 G3,serial=")
	r.drive("sata", 25, "ide-hd,bus=ide.0,serial=LAB-SATA,rotation_rate=5400", "throttling.bps-write=800000")
	p := sitDown(t, bios, append(r.args, stickArgs("LAB-STICK", r.stick.file, 0)...)...)
	r.plug(p)
	p.starts("T-10443", "LAB-NVME", "LAB-SATA", r.sim, p.say("drives.boot"))
	p.accepts()
	p.confirms()
	// The drive that ombruk overwrites itself is at work, and the others are done:
	// an erase by the drive whose start cannot be noted is given up.
	p.must(p.Until(bootWithin, "two drives were done", func(lines []string) bool {
		return strings.Count(strings.Join(lines, "\n"), " CLEAN") >= 2 && percentOf(lines, "LAB-SATA") < 90
	}))
	p.do("device_del", map[string]string{"id": "LAB-STICK"})
	p.must(p.untilEvent(shortWithin, "DEVICE_DELETED"))
	p.sees("trouble.removed")
	p.do("device_add", map[string]any{"driver": "usb-storage", "id": "LAB-STICK-2", "bus": "xhci.0", "drive": "LAB-STICK-image", "removable": true, "serial": "LAB-STICK"})
	p.must(p.UntilGone(bootWithin, p.begins("trouble.removed")))
	p.finishes(bootWithin)
	result := strings.Join(p.Text(), "\n")
	r.empty(t)
	p.powersOff()
	if r.clean(t, o.allHandedIn(t, r.stick)); !strings.Contains(result, "ALL DRIVES CLEAN") {
		t.Errorf("the result is\n%s", result)
	}
}

// cutOff has the power fail while a drive is overwritten, at so many bytes in a
// second, once it is so far, and has the machine started again and the drive done
// to the end. It gives the drive's records.
func cutOff(t *testing.T, o *office, c stick, bytesPerSecond string, far int, lowered bool) []*certs.Sanitization {
	t.Helper()
	b := newBench(t)
	slow := "throttling.bps-write=" + bytesPerSecond
	b.drive("sata", 33, "ide-hd,bus=ide.0,serial=LAB-SATA,rotation_rate=5400", slow)
	day := func() *technician {
		p := sitDown(t, bios, append(b.args, stickArgs("LAB-STICK", c.file, 0)...)...)
		p.starts("T-1", "LAB-SATA", p.say("drives.boot"))
		if lowered {
			p.accepts()
		}
		p.confirms()
		return p
	}
	p := day()
	p.must(p.Until(2*bootWithin, "it was far enough", func(lines []string) bool { return percentOf(lines, "LAB-SATA") >= far }))
	p.kill()
	left, err := os.ReadFile(b.image("sata"))
	if err != nil || !bytes.Contains(left, text("sata", 4096)[:1024]) {
		t.Fatalf("the drive was overwritten to its end before the power failed, %v", err)
	}
	for i, arg := range b.args {
		b.args[i] = strings.ReplaceAll(arg, ","+slow, "")
	}
	p = day()
	p.finishes(bootWithin)
	p.reads("CLEAN")
	p.powersOff()
	if left, err := os.ReadFile(b.image("sata")); err != nil || bytes.Contains(left, []byte("patient record")) {
		t.Errorf("something is left on the drive, %v", err)
	}
	all := o.allHandedIn(t, c)["LAB-SATA"]
	if len(all) != 2 {
		t.Fatalf("the drive has %d records, want that of the run that was cut off and that of the other", len(all))
	}
	if first := all[0]; first.Outcome != erase.Interrupted || first.Fulfilled {
		t.Errorf("the run that was cut off ended %s, fulfilled %v", first.Outcome, first.Fulfilled)
	}
	if last := all[1]; !last.Outcome.Clean() || !last.Fulfilled {
		t.Errorf("the run after it ended %s: %+v", last.Outcome, last.Exceptions)
	}
	return all
}

// The power fails while a drive is overwritten, before it was noted how far it
// was. The next start finds that, says that it was not finished, and the drive
// is done anew.
func TestStickAfterAPowerCut(t *testing.T) {
	o := newOffice(t)
	all := cutOff(t, o, o.stick.copied(t, "stick"), "1500000", 33, true)
	if n := len(all[1].Steps); n == 0 || all[1].Steps[0].Kind != erase.StepOverwrite {
		t.Errorf("the run after it did %s", mustJSON(t, all[1].Steps))
	}
}

// The power fails when it has been noted how far the drive was: the next run
// goes on from there, and its record says so. It takes two minutes and more.
func TestStickGoesOn(t *testing.T) {
	rare(t)
	o := newOffice(t)
	c := stick{t, filepath.Join(t.TempDir(), "random.img")}
	if err := o.makes(c.file, "--standard", "random"); err != nil {
		t.Fatal(err)
	}
	all := cutOff(t, o, c, "400000", 42, false) // of writing and reading back
	if !slices.ContainsFunc(all[1].Steps, func(s certs.Step) bool { return s.Kind == erase.StepContinue }) {
		t.Errorf("the run after it did not go on: %s", mustJSON(t, all[1].Steps))
	}
}

// percentOf is how far a drive is on the screen, -1 when it does not say.
func percentOf(lines []string, serial string) int {
	screen := strings.Join(lines, "\n")
	_, after, _ := strings.Cut(screen, serial)
	m := regexp.MustCompile(`(\d+)\s*%`).FindStringSubmatch(after)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return -1
	}
	return n
}

// One byte of shim, of GRUB or of the kernel is another. Firmware and loaders
// say so and none of it starts.
func TestTamperedSticks(t *testing.T) {
	o := newOffice(t)
	var args []string
	for place, file := range []string{"/EFI/BOOT/BOOTX64.EFI", "/EFI/BOOT/grubx64.efi", "/boot/vmlinuz"} {
		name := []string{"SHIM", "GRUB", "KERNEL"}[place]
		c := o.stick.copied(t, name)
		c.flip(espName, file)
		args = append(args, stickArgs(name, c.file, place)...)
	}
	p := boot(t, secureBoot, args...)
	// The firmware goes from one stick to the next, as each is refused.
	p.must(p.UntilOutput(bootWithin, `SHIM" from`),
		p.UntilOutput(shortWithin, "Access Denied"),
		p.UntilOutput(shortWithin, `starting Boot0002`),
		p.UntilOutput(shortWithin, "Security Violation"))
	// Shim shows what is wrong, and then its manager of keys, until somebody
	// has read it.
	for range 30 {
		p.must(p.Key("enter"))
		if p.UntilOutput(2*time.Second, `starting Boot0003`) == nil {
			break
		}
	}
	p.must(p.UntilOutput(shortWithin, "Ombruk, large text"), p.Key("enter"), p.UntilOutput(shortWithin, "bad shim signature"))
	time.Sleep(time.Second)
	for _, never := range []string{"Linux version", "Asset tag"} {
		if strings.Contains(p.Output(), never) {
			t.Errorf("something started: %s", never)
		}
	}
}

// The settings are outside of what Secure Boot checks: ombruk itself notices
// that they were changed, and erases nothing.
func TestStickWithOtherSettings(t *testing.T) {
	o := newOffice(t)
	c := o.stick.copied(t, "changed")
	content := c.read(espName, "/boot/settings.img")
	at := bytes.Index(content, []byte(`"language":`))
	if at < 0 {
		t.Fatal("the stick's settings are not to be read")
	}
	changed := bytes.Replace(content, []byte(`"unattended": false`), []byte(`"unattended": true `), 1)
	if bytes.Equal(content, changed) {
		t.Fatalf("nothing was changed: %s", content[at:min(len(content), at+400)])
	}
	c.write(espName, "/boot/settings.img", changed)
	b := newBench(t)
	b.drive("sata", 9, "ide-hd,bus=ide.0,serial=LAB-SATA")
	s := boot(t, bios, append(b.args, stickArgs("LAB-STICK", c.file, 0)...)...)
	s.must(s.UntilText(bootWithin, "Ombruk, large text"), s.Key("enter"), s.UntilText(bootWithin, "THIS STICK CANNOT BE USED"))
	t.Log(strings.Join(s.Text(), "\n"))
	s.must(s.Key("enter"), s.untilOff(shortWithin))
	b.untouched(t, "sata")
}

// A day of odd machines: no serial number, a clock that starts in 1980, no drive
// but the stick, a narrow terminal, and a second stick, which gets copies.
func TestStationWithoutDrives(t *testing.T) {
	o := newOffice(t)
	c, second := o.stick.copied(t, "stick"), o.stick.copied(t, "second")
	p := sitDown(t, bios, append([]string{"-rtc", "base=1980-01-01", "-smbios", "type=1,serial="}, stickArgs("LAB-STICK", c.file, 0)...)...)
	p.sees("start.clock-wrong")
	p.do("blockdev-add", map[string]any{"driver": "raw", "node-name": "second-image", "file": map[string]string{"driver": "file", "filename": second.file}})
	p.do("device_add", map[string]any{"driver": "usb-storage", "id": "second", "bus": "xhci.0", "drive": "second-image", "removable": true, "serial": "LAB-SECOND"})
	p.sees("keep.second")
	p.presses("ctrl+u")
	p.must(p.Type(time.Now().UTC().Format("2006-01-02 15:04")))
	p.presses("enter")
	p.must(p.Scan("T-1980\r"))
	p.reads("T-1980")
	p.presses("down", "down", "down", p.say("key.no"), "enter")
	p.sees("action.continue")
	p.presses("enter")
	p.reads("Manufacturer")
	p.presses("enter")
	p.sees("drives.only-stick", "action.without-drives")
	p.presses("enter")
	p.sees("check.without-rest")
	p.presses("g")
	p.sees("action.next-machine")
	p.powersOff()
	o.handedIn(t, c)
	o.handedIn(t, second)
}

// On the machine's own screen and keyboard, which is Norwegian, while the
// scanner types as if it were American. What the screen shows is only seen as a
// picture; that it is left in order shows that the keys did what they say.
func TestStationOnItsOwnScreen(t *testing.T) {
	o := newOffice(t)
	c := o.stick.copied(t, "stick")
	s := boot(t, bios, stickArgs("LAB-STICK", c.file, 0)...)
	s.must(s.UntilText(bootWithin, "Ombruk, large text"), s.Key("down", "enter"))
	menu := s.settled("menu", 0)
	start := s.settled("start", 2)
	if menu == start {
		t.Fatal("the screen did not change")
	}
	for _, key := range []string{"shift-t", "minus", "1", "0", "4", "2", "ret"} {
		s.press(key)
	}
	tag := s.settled("tag", 2)
	if tag == start {
		t.Error("the scanner's text does not show")
	}
	s.press("f10")
	asked := s.settled("asked", 2)
	if asked == tag {
		t.Error("F10 does nothing")
	}
	s.press("down")
	_ = s.settled("down", 2)
	s.press("ret")
	s.must(s.untilOff(shortWithin))
}
