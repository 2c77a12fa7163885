//go:build vm && linux

package vmlab

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/erase"
)

// builds makes a stick of the office's with more flags.
func (o *office) builds(t *testing.T, flags ...string) stick {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	s := stick{t, filepath.Join(t.TempDir(), "stick.img")}
	cmd := exec.Command(o.ombruk, append([]string{"image", "build", s.file, "--serial", "--size", "256M", "--lang", "en", "--keys", o.keys}, flags...)...)
	cmd.Env = append(os.Environ(), "OMBRUK_HOME="+filepath.Join(cache, "ombruk-vmlab"))
	if _, err := run(cmd); err != nil {
		t.Fatal(err)
	}
	return s
}

// loose makes a drive that is in no machine yet.
func (b *bench) loose(name string, mib int64) {
	b.fill(name, mib)
	b.qemu("-blockdev", "driver=raw,node-name="+name+",file.driver=file,file.filename="+b.image(name)+",cache.no-flush=on")
}

// plugIn puts a loose drive into the rack, and pullOut takes it away.
func (p *technician) plugIn(name, serial string) {
	p.t.Helper()
	p.do("device_add", map[string]any{"driver": "usb-storage", "id": name, "bus": "xhci.0", "drive": name, "serial": serial})
}

func (p *technician) pullOut(name string) {
	p.t.Helper()
	p.do("device_del", map[string]string{"id": name})
	p.must(p.untilEvent(shortWithin, "DEVICE_DELETED"))
}

// Loose drives are put into a rack and pulled out. The disk of the bench's own
// machine, which has been there all along, is not touched.
func TestStickAtARack(t *testing.T) {
	o := newOffice(t)
	s := o.builds(t, "--bench", "--standard", "nist-800-88r2-clear")
	b := newBench(t)
	b.drive("own", 21, "ide-hd,bus=ide.0,serial=LAB-OWN")
	b.loose("first", 22)
	b.loose("second", 23)
	p := newTechnician(t, boot(t, bios, append(b.args, stickArgs("LAB-STICK", s.file, 0)...)...))
	p.must(p.UntilText(bootWithin, "Ombruk, large text"))
	p.presses("enter")
	p.must(p.UntilText(bootWithin, p.begins("bench.not-armed"), "LAB-OWN", p.say("bench.arm")))
	p.presses("a")
	var code []string
	p.must(p.Until(shortWithin, "a code was asked for", func(lines []string) bool {
		code = regexp.MustCompile(`Type the code (\d{4}) to arm`).FindStringSubmatch(strings.Join(lines, "\n"))
		return code != nil
	}))
	p.must(p.Type(code[1]))
	p.must(p.UntilText(shortWithin, p.begins("bench.armed")))
	p.plugIn("first", "LAB-FIRST")
	p.must(p.UntilText(bootWithin, "LAB-FIRST", "CLEAN"))
	p.plugIn("second", "LAB-SECOND")
	p.must(p.UntilText(bootWithin, "LAB-SECOND", "2 done"))
	p.pullOut("first")
	p.must(p.UntilGone(shortWithin, "LAB-FIRST"))
	p.plugIn("first", "LAB-FIRST") // once more: it is known
	p.must(p.UntilText(shortWithin, "LAB-FIRST", p.say("bench.state.again")))
	t.Logf("the rack:\n%s", strings.Join(p.Text(), "\n"))
	p.presses("end", "enter")
	p.must(p.UntilText(shortWithin, "LAB-FIRST", "Place: 0000:"))
	p.presses("esc")
	p.must(p.UntilText(shortWithin, p.say("bench.disarm")))
	p.presses("o")
	p.must(p.untilOff(shortWithin))
	b.zeroed(t, "first", "second")
	own, err := os.ReadFile(b.image("own"))
	if err != nil || !bytes.Equal(own, text("own", int64(len(own)))) {
		t.Errorf("the bench's own disk was touched, %v", err)
	}
	records := o.handedIn(t, s)
	for _, serial := range []string{"LAB-FIRST", "LAB-SECOND"} {
		if r := records[serial]; r == nil || !r.Outcome.Clean() || r.Achieved.Method != erase.Clear {
			t.Errorf("%s: %+v", serial, r)
		}
	}
	if len(records) != 2 {
		t.Errorf("%d records", len(records))
	}
}

// Nobody is there: the machine, which the policy names, is erased, says how it
// went, and turns itself off.
func TestStickByItself(t *testing.T) {
	o := newOffice(t)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	err := os.WriteFile(policy, []byte(`name: Lab by night
valid_from: 2026-01-01
unattended:
  machines: [{manufacturer: Ombruk Lab, model: Returned*}]
  standard: nist-800-88r2-clear
  out_of_reach: leave
  countdown_seconds: 10
  then: power-off
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := o.builds(t, "--unattended", "--policy", policy)
	b := newBench(t)
	b.drive("sata", 21, "ide-hd,bus=ide.0,serial=LAB-SATA")
	args := append([]string{"-smbios", "type=1,manufacturer=Ombruk Lab,product=Returned 14 G3,serial=7"}, b.args...)
	p := newTechnician(t, boot(t, bios, append(args, stickArgs("LAB-STICK", s.file, 0)...)...))
	p.must(p.UntilText(bootWithin, p.begins("unattended.count")), p.UntilText(bootWithin, "ALL DRIVES CLEAN", "Powers off"), p.untilOff(bootWithin))
	b.zeroed(t, "sata")
	if r := o.handedIn(t, s)["LAB-SATA"]; r == nil || r.Outcome != erase.Sanitized || r.Policy.Name != "Lab by night" {
		t.Errorf("got %+v", r)
	}
}
