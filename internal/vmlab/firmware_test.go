//go:build vm && linux

package vmlab

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/inventory"
)

// honestDrives are the profiles of TestFirmware that do what they say, with
// the erase that a plan gives each.
var honestDrives = map[string]inventory.EraseCommand{
	"nvme-crypto":         inventory.NVMeSanitizeCrypto,
	"nvme-block":          inventory.NVMeSanitizeBlock,
	"ata-ssd-block":       inventory.ATASanitizeBlock,
	"ata-ssd-opal-only":   inventory.TCGPSIDRevert,
	"ata-hdd-hpa":         inventory.ATASanitizeOverwrite,
	"ata-hdd-no-estimate": inventory.ATASecurityEraseEnhanced,
	"sas-ssd-block":       inventory.SCSISanitizeBlock,
}

// lyingDrives are profiles of drives that do not, and that reading unmasks.
var lyingDrives = []string{
	"liar-nvme-keeps-key", "liar-nvme-stale-success",
	"liar-ata-no-effect", "liar-ata-leaves-blocks",
	"liar-sas-keeps-key", "liar-sas-early-success",
}

// The drive's own erase commands through the kernel's own drivers, on drives
// that are simulated behind them and on QEMU's, which lie.
func TestFirmware(t *testing.T) {
	b := newBench(t)
	b.qemu("-device", "virtio-scsi-pci,id=scsi", "-device", "nvme,id=ctl,serial=LAB-FORMAT-NVME")
	b.drive("qemu-scsi", 1, "scsi-hd,bus=scsi.0,serial=LAB-FORMAT-SCSI,rotation_rate=10000")
	b.drive("qemu-nvme", 2, "nvme-ns,bus=ctl")
	b.start(8 * time.Minute)
	honest := slices.Sorted(maps.Keys(honestDrives))
	profiles := map[string]string{}
	for _, name := range slices.Concat(honest, lyingDrives) {
		profiles[name] = name
	}
	began := time.Now()
	sims := b.simulate(t, profiles, "-speed", "36000") // disks take hours
	t.Logf("%d simulated drives after %s", len(sims), time.Since(began).Round(time.Millisecond))
	all := b.drives(t)

	t.Run("each is listed with what it can do, as others read it", func(t *testing.T) {
		for _, name := range honest {
			d, p := b.listed(t, all, name), sims[name].profile
			if d.Model != p.Model || d.Media != p.Media || d.CapacityBytes != simKiB<<10 {
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
		plans := b.plans(t, 0, honest, labels(sims, honest...)...)
		for name, want := range honestDrives {
			if p := plans[name]; p.Achieves != "purge" || p.command() != want || len(p.Why) == 0 {
				t.Errorf("%s: %s by %s with %s: %v", name, p.Achieves, p.Technique, p.command(), p.Why)
			}
		}
	})
	t.Run("honest drives end with Purge", func(t *testing.T) {
		b.run(t, 0, b.eraseAll("/out/honest", sims, honest...)...)
		records, _ := b.records(t, "/out/honest")
		for name, command := range honestDrives {
			b.purged(t, records, name, command)
		}
		after := b.drives(t)
		for _, name := range []string{"nvme-crypto", "ata-hdd-hpa"} {
			b.judged(t, name, sims[name].profile.Protocol, b.listed(t, after, name))
		}
	})
	t.Run("liars do not end sanitized", func(t *testing.T) {
		out, err := b.m.Run(b.eraseAll("/out/liars", sims, lyingDrives...)...)
		if err != nil || out.Code != 3 && out.Code != 4 {
			t.Errorf("code %d, %v\n%s%s", out.Code, err, out.Stdout, out.Stderr)
		}
		records, _ := b.records(t, "/out/liars")
		for _, name := range lyingDrives {
			b.notSanitized(t, records, name)
		}
	})
	t.Run("drives that stop answering", b.dying)
	t.Run("drives that lose their power, are reset, and come back by another name", b.surviving)
	t.Run("drives of QEMU that only format", b.eraseQEMU)
	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	t.Run("seen from outside", func(t *testing.T) {
		b.zeroed(t, "qemu-nvme")
		left, err := os.ReadFile(b.image("qemu-scsi"))
		if err != nil || !bytes.Contains(left, text("qemu-scsi", 4096)[:1024]) {
			t.Errorf("FORMAT UNIT of QEMU erased something after all, %v", err)
		}
	})
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
	if left := b.truth(t, name).OriginalBytes(drivesim.Everything); left != 0 {
		t.Errorf("%s still holds %d original bytes", name, left)
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

// atWork waits until a run has said of each of these drives that it erases
// itself.
func (b *bench) atWork(t *testing.T, j *Job, names ...string) {
	t.Helper()
	for _, name := range names {
		working := regexp.MustCompile(`"path":"` + b.paths[name] + `".*"device":true`)
		if err := j.UntilIt("had "+name+" at work", working.MatchString); err != nil {
			t.Fatal(err)
		}
	}
}

// dying has the simulators of two drives killed during an erase, and then the
// operator give up: slow and silent drives are waited for.
func (b *bench) dying(t *testing.T) {
	sims := b.simulate(t, map[string]string{"dying-nvme": "nvme-block", "dying-scsi": "sas-ssd-block"}, "-speed", "1", "-patience", "2s")
	names := slices.Sorted(maps.Keys(sims))
	j := b.m.Begin(b.eraseAll("/out/dying", sims, names...)...)
	b.atWork(t, j, names...)
	for _, s := range sims {
		if err := s.job.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Interrupt(); err != nil {
		t.Fatal(err)
	}
	if err := j.UntilIt("closed the records", func(stdout string) bool { return strings.Count(stdout, `"finished"`) == len(names) }); err != nil {
		t.Fatal(err)
	}
	// And pulls the dead one: the kernel would ask it for its partitions
	// again and again, for minutes.
	b.run(t, 0, "sh", "-c", "echo offline >/sys/block/"+strings.TrimPrefix(b.paths["dying-scsi"], "/dev/")+"/device/state")
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
	sims := b.simulate(t, map[string]string{"power-nvme": "nvme-block", "reset-nvme": "nvme-block", "power-scsi": "sas-ssd-block", "again-scsi": "sas-ssd-block"}, "-speed", "15")
	names := slices.Sorted(maps.Keys(sims))
	j := b.m.Begin(b.eraseAll("/out/surviving", sims, names...)...)
	for name, disturb := range map[string]string{
		"power-nvme": "simdrive ask power-nvme power-cycle",
		"power-scsi": "simdrive ask power-scsi power-cycle",
		"reset-nvme": "echo 1 >device/reset_controller",
		"again-scsi": `host=$(readlink -f device/../..)/scsi_host
			echo 1 >device/delete
			for scan in $host/*/scan; do echo "- - -" >$scan; done`,
	} {
		b.atWork(t, j, name)
		b.run(t, 0, "sh", "-ec", "cd /sys/block/"+strings.TrimPrefix(b.paths[name], "/dev/")+"\n"+disturb)
	}
	out, err := j.Wait()
	if err != nil || out.Code != 0 {
		t.Errorf("code %d, %v\n%s%s", out.Code, err, out.Stdout, out.Stderr)
	}
	records, _ := b.records(t, "/out/surviving")
	for _, name := range names {
		b.purged(t, records, name, map[string]inventory.EraseCommand{"nvme": inventory.NVMeSanitizeBlock, "scsi": inventory.SCSISanitizeBlock}[sims[name].profile.Protocol])
	}
}

// eraseQEMU has QEMU's drives erased by what they have. FORMAT UNIT answers GOOD
// and does nothing. Format NVM does erase, whatever SES it is given, and is no
// Purge.
func (b *bench) eraseQEMU(t *testing.T) {
	for name, p := range b.plans(t, 5, []string{"qemu-scsi", "qemu-nvme"}) {
		if p.Refused == "" || p.Achieves == "purge" {
			t.Errorf("%s: a plan reaches %s", name, p.Achieves)
		}
	}
	b.run(t, 4, "ombruk", "erase", "--best-effort", "--out", "/out/qemu", b.paths["qemu-scsi"], "--confirm", "LAB-FORMAT-SCSI", b.paths["qemu-nvme"], "--confirm", "LAB-FORMAT-NVME")
	records, _ := b.records(t, "/out/qemu")
	b.notSanitized(t, records, "qemu-scsi")
	if r := records[b.paths["qemu-nvme"]]; r == nil || r.Achieved.Method != erase.Clear || r.Fulfilled {
		t.Errorf("qemu-nvme: %+v", r)
	}
}
