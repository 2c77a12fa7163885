//go:build vm && linux

package vmlab

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// A returned machine with two drives, a stick and a disc in it: its inventory,
// and then the whole job, signed by a station of an organisation.
func TestWholeMachine(t *testing.T) {
	b := newBench(t)
	b.qemu(
		"-smbios", "type=0,vendor=Lab BIOS,version=1.2",
		"-smbios", "type=1,manufacturer=Ombruk Lab,product=Returned 14 G3,version=V1,serial=LAB-UNIT-0042,uuid=8b1c2d3e-4f50-4162-8374-95a6b7c8d9e0",
		"-smbios", "type=2,manufacturer=Ombruk Lab,product=BOARD-7,serial=To Be Filled By O.E.M.",
		"-smbios", "type=3,manufacturer=Ombruk Lab,serial=LAB-CASE,asset=TAG-99",
		"-smbios", "type=17,loc_pfx=DIMM_A,bank=BANK 0,manufacturer=Lab Memory,serial=LAB-DIMM-1,part=LM-1024,speed=3200",
		"-device", "nvme,id=ctl,serial=LAB-INNER-1",
	)
	b.drive("inner-1", 40, "nvme-ns,bus=ctl")
	b.drive("inner-2", 41, "ide-hd,bus=ide.0,serial=LAB-INNER-2,rotation_rate=5400")
	b.drive("disc", 12, "ide-cd,bus=ide.1", "readonly=on")
	b.qemu("-device", "qemu-xhci,id=xhci")
	b.drive("stick", 20, "usb-storage,bus=xhci.0,serial=LAB-STICK,removable=on")
	b.start(3 * time.Minute)

	t.Run("inventory", func(t *testing.T) {
		var m inventory.Machine
		if err := json.Unmarshal([]byte(b.run(t, 0, "ombruk", "inventory", "--json").Stdout), &m); err != nil {
			t.Fatal(err)
		}
		checkMachine(t, m)
		if len(m.Drives) != 3 {
			t.Errorf("drives: %+v", m.Drives)
		}
		human := b.run(t, 0, "ombruk", "inventory").Stdout
		for _, w := range []string{"Ombruk Lab", "Returned 14 G3", "LAB-UNIT-0042", "LM-1024", "LAB-INNER-1", "LAB-INNER-2", "LAB-STICK"} {
			if !strings.Contains(human, w) {
				t.Errorf("the table lacks %q:\n%s", w, human)
			}
		}
	})

	t.Run("plan", func(t *testing.T) {
		b.run(t, 0, "ombruk", "plan", b.paths["inner-1"], b.paths["inner-2"], "--standard", "nist-800-88r2-clear")
		out := b.run(t, 5, "ombruk", "plan", b.paths["inner-1"])
		if !strings.Contains(out.Stdout+out.Stderr, "purge") {
			t.Errorf("a purge is out of reach: %s%s", out.Stdout, out.Stderr)
		}
	})

	t.Run("process", func(t *testing.T) {
		b.run(t, 0, "sh", "-c", "echo a-long-passphrase >/tmp/pass")
		b.run(t, 0, "ombruk", "keys", "init", "--org", "Depot AS", "--orgnr", "974760673", "--passphrase-file", "/tmp/pass", "--keys", "/keys")
		b.run(t, 0, "ombruk", "keys", "station", "Depot 01", "--passphrase-file", "/tmp/pass", "--keys", "/keys")
		b.run(t, 0, "ombruk", "process", "--standard", "nist-800-88r2-clear", "--confirm", "LAB-INNER-1", "--confirm", "LAB-INNER-2", "--keys", "/keys", "--out", "/out/job")
		b.run(t, 0, "ombruk", "verify", "/out/job", "--keys", "/keys")
		records, files := b.records(t, "/out/job")
		b.outcome(t, records, "inner-1", erase.Sanitized)
		b.outcome(t, records, "inner-2", erase.Sanitized)
		for path, r := range records {
			if r.Unit.Serial != "LAB-UNIT-0042" {
				t.Errorf("%s: the record is about unit %+v", path, r.Unit)
			}
		}
		b.trusted(t, files)
		units := 0
		for name, content := range files {
			r, err := certs.Open(content)
			if !strings.HasSuffix(name, ".evidence.json") || err != nil || r.Unit == nil {
				continue
			}
			units++
			checkMachine(t, r.Unit.Machine)
			if len(r.Unit.Drives) != 2 {
				t.Errorf("drives of the unit: %+v", r.Unit.Drives)
			}
		}
		if units != 1 {
			t.Errorf("%d unit records", units)
		}
	})

	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	t.Run("seen from outside", func(t *testing.T) {
		b.zeroed(t, "inner-1", "inner-2")
		b.untouched(t, "stick", "disc")
	})
}

// checkMachine compares an inventory with what QEMU was told.
func checkMachine(t *testing.T, m inventory.Machine) {
	t.Helper()
	got := m.System
	got.Raw = nil // every string there is
	want := inventory.System{Manufacturer: "Ombruk Lab", Model: "Returned 14 G3", Class: "other", Serial: "LAB-UNIT-0042", UUID: "8b1c2d3e-4f50-4162-8374-95a6b7c8d9e0"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("system: got %+v, want %+v", got, want)
	}
	if raw := m.System.Raw["board_serial"]; raw != "To Be Filled By O.E.M." {
		t.Errorf("the board's serial as firmware gave it: %q", raw)
	}
	module := inventory.MemoryModule{Slot: "DIMM_A 0", Form: "DIMM", SizeBytes: 1 << 30, SpeedMTs: 3200, Manufacturer: "Lab Memory", PartNumber: "LM-1024", Serial: "LAB-DIMM-1"}
	if len(m.Memory.Modules) != 1 || m.Memory.Modules[0] != module || m.Memory.TotalBytes != 1<<30 {
		t.Errorf("memory: got %+v, want %+v", m.Memory, module)
	}
	if len(m.CPU) == 0 || m.CPU[0].Vendor != "GenuineIntel" || !strings.Contains(m.CPU[0].Model, "Nehalem") && !strings.Contains(m.CPU[0].Model, "Core i7 9xx") {
		t.Errorf("processor: %+v", m.CPU)
	}
	if len(m.Network) != 0 {
		t.Errorf("a network: %+v", m.Network)
	}
}

// trusted verifies the files on this side, believing the organisation.
func (b *bench) trusted(t *testing.T, files map[string][]byte) {
	t.Helper()
	keys, err := b.m.Fetch("/keys")
	if err != nil {
		t.Fatal(err)
	}
	var trust certs.Trust
	if _, err := trust.Add("organisation.pem", keys["organisation.pem"]); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for name, content := range files {
		if !strings.HasSuffix(name, ".pdf") && !strings.HasSuffix(name, ".evidence.json") {
			continue
		}
		checked++
		if v := certs.Verify(name, content, &trust, time.Now()); !v.OK() {
			t.Errorf("%s: integrity %s, issuer %s: %s", name, v.Integrity, v.Issuer, v.Reason)
		}
	}
	if checked != 6 {
		t.Errorf("%d pages and records, want 6: two drives and the unit", checked)
	}
}
