//go:build vm && linux

package vmlab

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// honestDrives are the profiles of TestFirmware that do what they say, with
// the erase that a plan gives each.
var honestDrives = map[string]inventory.EraseCommand{
	"nvme-crypto":   inventory.NVMeSanitizeCrypto,
	"nvme-block":    inventory.NVMeSanitizeBlock,
	"ata-ssd":       inventory.ATASanitizeCrypto,
	"ata-ssd-block": inventory.ATASanitizeBlock,
	"ata-hdd":       inventory.ATASecurityEraseEnhanced,
	"ata-hdd-hpa":   inventory.ATASecurityEraseEnhanced,
	"sas-ssd-block": inventory.SCSISanitizeBlock,
	"sas-hdd":       inventory.SCSISanitizeOverwrite,
}

// lyingDrives are profiles of drives that do not, and that reading unmasks.
var lyingDrives = []string{
	"liar-nvme-keeps-key", "liar-nvme-stale-success",
	"liar-ata-no-effect", "liar-ata-hdd-no-effect", "liar-ata-leaves-blocks",
	"liar-sas-keeps-key", "liar-sas-early-success",
}

// The drive's own erase commands through the kernel's own drivers, on drives
// that are simulated behind them and on QEMU's, which lie.
func TestFirmware(t *testing.T) {
	b := newBench(t)
	b.qemu("-device", "virtio-scsi-pci,id=scsi", "-device", "nvme,id=ctl,serial=LAB-LIAR-NVME")
	b.drive("qemu-scsi", 18, "scsi-hd,bus=scsi.0,serial=LAB-LIAR-SCSI,rotation_rate=10000")
	b.drive("qemu-nvme", 19, "nvme-ns,bus=ctl")
	b.start(6 * time.Minute)
	honest := slices.Sorted(maps.Keys(honestDrives))
	profiles := map[string]string{}
	for _, name := range slices.Concat(honest, lyingDrives) {
		profiles[name] = name
	}
	began := time.Now()
	sims := b.simulate(t, profiles, "-speed", "3600") // disks take hours
	t.Logf("%d simulated drives after %s", len(sims), time.Since(began).Round(time.Millisecond))
	all := b.drives(t)

	t.Run("each is listed with what it can do, as others read it", func(t *testing.T) {
		for _, name := range honest {
			d, p := b.listed(t, all, name), sims[name].profile
			if d.Model != p.Model || d.Media != p.Media || d.CapacityBytes != p.Units[0].KiB<<10 {
				t.Errorf("%s is listed as %+v", name, d.Drive)
			}
			if d.Abilities == nil {
				t.Errorf("%s was not asked what it can do", name)
				continue
			}
			for _, e := range d.Abilities.Erasers {
				if _, ok := p.Erasers[e.Command]; !ok || e.Blocked != "" {
					t.Errorf("%s: %+v", name, e)
				}
			}
			if len(d.Abilities.Erasers) != len(p.Erasers) {
				t.Errorf("%s has %v, and %v was read", name, p.Erasers, d.Abilities.Erasers)
			}
			b.judged(t, name, p.Protocol, d)
		}
	})
	t.Run("each is planned", func(t *testing.T) {
		plans := b.plans(t, 0, honest...)
		for name, want := range honestDrives {
			if p := plans[name]; p.Achieves != "purge" || p.command() != want || len(p.Why) == 0 {
				t.Errorf("%s: %s by %s with %s: %v", name, p.Achieves, p.Technique, p.command(), p.Why)
			}
		}
	})
	t.Run("honest drives end with Purge", func(t *testing.T) {
		b.run(t, 0, b.eraseAll(t, all, "/out/honest", honest...)...)
		records, _ := b.records(t, "/out/honest")
		for name, command := range honestDrives {
			b.purged(t, records, name, command)
		}
		after := b.drives(t)
		for _, name := range honest {
			b.judged(t, name, sims[name].profile.Protocol, b.listed(t, after, name))
		}
	})
	t.Run("liars do not end sanitized", func(t *testing.T) {
		out, err := b.m.Run(b.eraseAll(t, all, "/out/liars", lyingDrives...)...)
		if err != nil || out.Code != 3 && out.Code != 4 {
			t.Errorf("code %d, %v\n%s%s", out.Code, err, out.Stdout, out.Stderr)
		}
		records, _ := b.records(t, "/out/liars")
		for _, name := range lyingDrives {
			b.notSanitized(t, records, name)
			if addressable, _ := b.truth(t, name); addressable == 0 {
				t.Errorf("%s did not lie", name)
			}
		}
	})
	t.Run("a drive that stops answering", func(t *testing.T) { b.dying(t) })
	t.Run("a drive that loses its power, is reset, and comes back by another name", func(t *testing.T) { b.surviving(t) })
	t.Run("drives of QEMU that say they erase", func(t *testing.T) { b.liarsOfQEMU(t, all) })
	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
}

// judged compares what ombruk says of a drive with what other tools read.
func (b *bench) judged(t *testing.T, name, protocol string, d listed) {
	t.Helper()
	mine := ours(d)
	agrees(t, "smartctl on "+name, mine, b.bySmartctl(t, name))
	switch protocol {
	case "ata":
		agrees(t, "hdparm on "+name, mine, b.byHdparm(t, name))
		agrees(t, "sg_vpd on "+name, mine, b.bySgVpd(t, name))
	case "scsi":
		agrees(t, "sg_vpd on "+name, mine, b.bySgVpd(t, name))
	case "nvme":
		agrees(t, "nvme on "+name, mine, b.byNVMe(t, name))
	}
}

// purged says that a drive ended with Purge by one command, and that there
// really is nothing left in it.
func (b *bench) purged(t *testing.T, records map[string]*certs.Sanitization, name string, command inventory.EraseCommand) {
	t.Helper()
	r := records[b.paths[name]]
	if r == nil {
		t.Errorf("%s has no record", name)
		return
	}
	if !r.Outcome.Clean() || !r.Fulfilled || r.Achieved.Method != erase.Purge {
		t.Errorf("%s: %s, fulfilled %v, %s: %+v", name, r.Outcome, r.Fulfilled, r.Achieved.Method, r.Exceptions)
	}
	if !slices.ContainsFunc(r.Steps, func(s certs.Step) bool { return s.Command == command }) {
		t.Errorf("%s was not given %s: %+v", name, command, r.Steps)
	}
	if v := r.Verification; v.BytesRead == 0 || v.Markers == 0 || v.MarkersLeft > 0 || v.Unchanged > 0 {
		t.Errorf("%s was verified so: %+v", name, v)
	}
	if _, everything := b.truth(t, name); everything != 0 {
		t.Errorf("%s still holds %d original bytes", name, everything)
	}
}

// notSanitized says that a drive's record is no certificate.
func (b *bench) notSanitized(t *testing.T, records map[string]*certs.Sanitization, name string) {
	t.Helper()
	r := records[b.paths[name]]
	switch {
	case r == nil:
		t.Errorf("%s has no record", name)
	case r.Outcome.Clean() || r.Fulfilled:
		t.Errorf("%s: %s, fulfilled %v", name, r.Outcome, r.Fulfilled)
	case len(r.Exceptions) == 0:
		t.Errorf("%s: no reason is given", name)
	default:
		t.Logf("%s: %s, %s", name, r.Outcome, r.Exceptions[0].Code)
	}
}

// running waits until a run says that the drive is at work.
func running(t *testing.T, j *Job) {
	t.Helper()
	if err := j.Until(`"progress"`); err != nil {
		t.Fatal(err)
	}
}

// dying has the simulators of two drives killed during an erase, and then the
// operator give up: slow and silent drives are waited for.
func (b *bench) dying(t *testing.T) {
	t.Helper()
	sims := b.simulate(t, map[string]string{"dying-nvme": "nvme-block", "dying-scsi": "sas-ssd-block"}, "-speed", "1", "-patience", "2s")
	names := slices.Sorted(maps.Keys(sims))
	j := b.m.Begin(b.eraseAll(t, b.drives(t), "/out/dying", names...)...)
	running(t, j)
	for _, s := range sims {
		if err := s.job.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Interrupt(); err != nil {
		t.Fatal(err)
	}
	out, err := j.Wait()
	if err != nil || out.Code == 0 {
		t.Errorf("code %d, %v", out.Code, err)
	}
	records, _ := b.records(t, "/out/dying")
	for _, name := range names {
		b.notSanitized(t, records, name)
	}
}

// surviving has honest drives lose their power during an erase, be reset, and
// turn up again with another node.
func (b *bench) surviving(t *testing.T) {
	t.Helper()
	want := map[string]inventory.EraseCommand{
		"power-nvme": inventory.NVMeSanitizeBlock, "reset-nvme": inventory.NVMeSanitizeBlock,
		"power-scsi": inventory.SCSISanitizeBlock, "again-scsi": inventory.SCSISanitizeBlock,
	}
	b.simulate(t, map[string]string{"power-nvme": "nvme-block", "reset-nvme": "nvme-block", "power-scsi": "sas-ssd-block", "again-scsi": "sas-ssd-block"}, "-speed", "8")
	names := slices.Sorted(maps.Keys(want))
	j := b.m.Begin(b.eraseAll(t, b.drives(t), "/out/surviving", names...)...)
	running(t, j)
	node := func(name string) string { return strings.TrimPrefix(b.paths[name], "/dev/") }
	b.run(t, 0, "sh", "-ec", `
		simdrive ask power-nvme power-cycle
		simdrive ask power-scsi power-cycle
		echo 1 >/sys/block/`+node("reset-nvme")+`/device/reset_controller
		host=$(readlink -f /sys/block/`+node("again-scsi")+`/device/../..)
		echo 1 >/sys/block/`+node("again-scsi")+`/device/delete
		echo "- - -" >$host/scsi_host/*/scan`)
	out, err := j.Wait()
	if err != nil || out.Code != 0 {
		t.Errorf("code %d, %v\n%s%s", out.Code, err, out.Stdout, out.Stderr)
	}
	records, _ := b.records(t, "/out/surviving")
	for name, command := range want {
		b.purged(t, records, name, command)
	}
}

// liarsOfQEMU has FORMAT UNIT and Format NVM given to drives of QEMU: the first
// answers GOOD and does nothing, the other takes any SES.
func (b *bench) liarsOfQEMU(t *testing.T, all []listed) {
	t.Helper()
	names := []string{"qemu-scsi", "qemu-nvme"}
	for name, p := range b.plans(t, 5, names...) {
		if p.Refused == "" || p.Achieves == "purge" {
			t.Errorf("%s: a plan reaches %s", name, p.Achieves)
		}
	}
	args := append(b.eraseAll(t, all, "/out/qemu", names...), "--best-effort")
	b.run(t, 4, args...)
	records, _ := b.records(t, "/out/qemu")
	for _, name := range names {
		b.notSanitized(t, records, name)
	}
}
