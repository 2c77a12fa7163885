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
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/inventory"
)

const mib = 1 << 20

// Drives on every bus QEMU has are listed as what they are, and erased; what
// is on them is then looked at from outside, and so are their neighbours.
func TestDrivesOnEveryBus(t *testing.T) {
	b := newBench(t)
	b.qemu("-device", "nvme,id=ctl-a,serial=LAB-NVME-A")
	b.drive("nvme-a1", 32, "nvme-ns,bus=ctl-a,nsid=1")
	b.drive("nvme-a2", 16, "nvme-ns,bus=ctl-a,nsid=2")
	b.qemu("-device", "nvme,id=ctl-b,serial=LAB-NVME-B")
	b.drive("nvme-b", 33, "nvme-ns,bus=ctl-b,nsid=1,logical_block_size=4096,physical_block_size=4096")
	b.qemu("-device", "nvme-subsys,id=double", "-device", "nvme,id=ctl-c,subsys=double,serial=LAB-NVME-C", "-device", "nvme,id=ctl-d,subsys=double,serial=LAB-NVME-C")
	b.drive("nvme-ports", 39, "nvme-ns,bus=ctl-c,nsid=1,shared=on")
	b.drive("sata-a", 34, "ide-hd,bus=ide.0,serial=LAB-SATA-A,model=LAB SATA DISK WITH A LONG NAME,ver=FW12345,wwn=0x5000c500a1b2c301,rotation_rate=7200")
	b.drive("sata-b", 17, "ide-hd,bus=ide.1,serial=LAB-SATA-B,rotation_rate=1")
	b.qemu("-device", "virtio-scsi-pci,id=scsi")
	b.drive("scsi-a", 35, "scsi-hd,bus=scsi.0,scsi-id=1,lun=0,serial=LAB-SCSI-A,vendor=OMBRUK,product=SCSI DISK,ver=V1,wwn=0x5000c500a1b2c302,rotation_rate=10000,physical_block_size=4096")
	b.drive("scsi-a1", 18, "scsi-hd,bus=scsi.0,scsi-id=1,lun=1,serial=LAB-SCSI-A1,vendor=OMBRUK,product=SCSI DISK")
	b.drive("virtio-a", 36, "virtio-blk-pci,serial=LAB-VIRTIO-A")
	b.drive("virtio-b", 37, "virtio-blk-pci")
	b.qemu("-device", "qemu-xhci,id=xhci")
	b.drive("usb-a", 38, "usb-storage,bus=xhci.0,serial=LAB-USB-A,removable=on")
	b.drive("usb-b", 19, "usb-storage,bus=xhci.0,serial=LAB-USB-B,removable=on")
	b.start(4 * time.Minute)

	t.Run("each is listed once, as what it is", func(t *testing.T) {
		// The kernel believes no namespace id of QEMU's, so the NVMe drives
		// have no world-wide name.
		want := map[string]inventory.Drive{
			"nvme-a1": {Bus: "nvme", Media: "flash", Manufacturer: "QEMU", Model: "QEMU NVMe Ctrl", Serial: "LAB-NVME-A", Siblings: []string{b.paths["nvme-a2"]}},
			"nvme-a2": {Bus: "nvme", Media: "flash", Manufacturer: "QEMU", Model: "QEMU NVMe Ctrl", Serial: "LAB-NVME-A", Siblings: []string{b.paths["nvme-a1"]}},
			"nvme-b": {Bus: "nvme", Media: "flash", Manufacturer: "QEMU", Model: "QEMU NVMe Ctrl", Serial: "LAB-NVME-B",
				LogicalBlockBytes: 4096, PhysicalBlockBytes: 4096},
			"nvme-ports": {Bus: "nvme", Media: "flash", Manufacturer: "QEMU", Model: "QEMU NVMe Ctrl", Serial: "LAB-NVME-C"}, // through two controllers
			"sata-a":     {Bus: "ata", Media: "magnetic", Model: "LAB SATA DISK WITH A LONG NAME", Serial: "LAB-SATA-A", Firmware: "FW12345", WWN: "naa.5000c500a1b2c301", Discards: true},
			"sata-b":     {Bus: "ata", Media: "flash", Manufacturer: "QEMU", Model: "QEMU HARDDISK", Serial: "LAB-SATA-B", Discards: true},
			"scsi-a": {Bus: "scsi", Media: "magnetic", Manufacturer: "OMBRUK", Model: "SCSI DISK", Serial: "LAB-SCSI-A", Firmware: "V1", WWN: "naa.5000c500a1b2c302",
				PhysicalBlockBytes: 4096, Siblings: []string{b.paths["scsi-a1"]}, Discards: true},
			"scsi-a1":  {Bus: "scsi", Media: "unknown", Manufacturer: "OMBRUK", Model: "SCSI DISK", Serial: "LAB-SCSI-A1", Siblings: []string{b.paths["scsi-a"]}, Discards: true},
			"virtio-a": {Bus: "virtio", Media: "unknown", Serial: "LAB-VIRTIO-A"},
			"virtio-b": {Bus: "virtio", Media: "unknown"},
			"usb-a":    {Bus: "usb", Media: "unknown", Manufacturer: "QEMU", Model: "QEMU HARDDISK", Serial: "LAB-USB-A", Removable: true},
			"usb-b":    {Bus: "usb", Media: "unknown", Manufacturer: "QEMU", Model: "QEMU HARDDISK", Serial: "LAB-USB-B", Removable: true},
		}
		all := b.drives(t)
		if len(all) != len(want) {
			t.Errorf("%d drives, want %d", len(all), len(want))
		}
		for name, w := range want {
			w.Path, w.Name = b.paths[name], strings.TrimPrefix(b.paths[name], "/dev/")
			w.CapacityBytes = b.size[name]
			w.LogicalBlockBytes, w.PhysicalBlockBytes = max(w.LogicalBlockBytes, 512), max(w.PhysicalBlockBytes, 512)
			d := b.listed(t, all, name)
			if d.Blocked != "" || len(d.Uses) != 0 {
				t.Errorf("%s may not be touched: %s %v", name, d.Blocked, d.Uses)
			}
			if w.Firmware == "" { // QEMU's version
				w.Firmware = d.Firmware
			}
			w.DeviceNumber, w.Uses = d.DeviceNumber, d.Uses
			w.TemperatureCelsius, w.Abilities = d.TemperatureCelsius, d.Abilities
			if !reflect.DeepEqual(d.Drive, w) {
				t.Errorf("%s\n got %+v\nwant %+v", name, d.Drive, w)
			}
		}
		for name, protocol := range map[string]string{"nvme-a2": "nvme", "nvme-ports": "nvme", "sata-a": "ata", "scsi-a": "scsi", "usb-a": "scsi"} {
			if d := b.listed(t, all, name); d.Abilities == nil || d.Abilities.Protocol != protocol {
				t.Errorf("%s was asked what it can do: %+v", name, d.Abilities)
			}
		}
		for _, name := range []string{"nvme-a1", "nvme-b"} {
			if d := b.listed(t, all, name); d.TemperatureCelsius == nil {
				t.Errorf("%s has a sensor and no temperature", name)
			}
		}
	})

	t.Run("a drive says who it is through the opened descriptor", func(t *testing.T) {
		for name, want := range map[string]kernel.Identity{
			"nvme-a2":    {Serial: "LAB-NVME-A", Model: "QEMU NVMe Ctrl"},
			"nvme-b":     {Serial: "LAB-NVME-B", Model: "QEMU NVMe Ctrl"},
			"nvme-ports": {Serial: "LAB-NVME-C", Model: "QEMU NVMe Ctrl"},
			"sata-a":     {Serial: "LAB-SATA-A", Model: "LAB SATA DISK WI"}, // INQUIRY has 16 characters
			"scsi-a":     {Serial: "LAB-SCSI-A", Model: "SCSI DISK"},
			"scsi-a1":    {Serial: "LAB-SCSI-A1", Model: "SCSI DISK"},
			"usb-a":      {Serial: "LAB-USB-A", Model: "QEMU HARDDISK"},
		} {
			var got kernel.Identity
			out := b.run(t, 0, "/init", "identify", b.paths[name])
			if err := json.Unmarshal([]byte(out.Stdout), &got); err != nil || got != want {
				t.Errorf("%s: got %+v, want %+v, %v", name, got, want, err)
			}
		}
		if out := b.run(t, 1, "/init", "identify", b.paths["virtio-a"]); !strings.Contains(out.Stderr, kernel.ErrNoIdentity.Error()) {
			t.Errorf("virtio has no identify command: %q", out.Stderr)
		}
	})

	var cleared, masked, random map[string]*certs.Sanitization
	var files map[string][]byte
	t.Run("three drives cleared at once", func(t *testing.T) {
		b.run(t, 0, "ombruk", "erase", b.paths["nvme-ports"], b.paths["sata-a"], b.paths["virtio-a"], "--standard", "nist-800-88r2-clear",
			"--confirm", "LAB-NVME-C", "--confirm", "LAB-SATA-A", "--confirm", "LAB-VIRTIO-A", "--out", "/out/cleared")
		cleared, _ = b.records(t, "/out/cleared")
		for _, name := range []string{"nvme-ports", "sata-a", "virtio-a"} {
			b.outcome(t, cleared, name, erase.Sanitized)
		}
	})
	t.Run("a part of a drive, and one that may hide an area, with an exception", func(t *testing.T) {
		b.run(t, 3, "ombruk", "erase", b.paths["nvme-a1"], b.paths["scsi-a"], b.paths["usb-a"], "--standard", "nist-800-88r2-clear",
			"--confirm", "LAB-NVME-A", "--confirm", "LAB-SCSI-A", "--confirm", "LAB-USB-A", "--out", "/out/masked")
		masked, _ = b.records(t, "/out/masked")
		for name, exception := range map[string]string{"nvme-a1": "not-reached", "scsi-a": "not-reached", "usb-a": "hidden-area-unknown"} {
			b.outcome(t, masked, name, erase.SanitizedWithExceptions, exception)
		}
	})
	t.Run("random passes, one on blocks of 4096 bytes, one without a serial", func(t *testing.T) {
		b.run(t, 3, "ombruk", "erase", b.paths["nvme-b"], b.paths["virtio-b"], "--standard", "gost-r-50739-95", "--keep-key",
			"--confirm", "LAB-NVME-B", "--confirm", b.paths["virtio-b"], "--out", "/out/random")
		random, files = b.records(t, "/out/random")
		b.outcome(t, random, "nvme-b", erase.Sanitized)
		b.outcome(t, random, "virtio-b", erase.SanitizedWithExceptions, "missing-serial")
	})

	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	t.Run("seen from outside", func(t *testing.T) {
		b.zeroed(t, "nvme-a1", "nvme-ports", "scsi-a", "virtio-a", "sata-a", "usb-a")
		b.untouched(t, "nvme-a2", "scsi-a1", "sata-b", "usb-b")
		for _, name := range []string{"nvme-b", "virtio-b"} {
			if r := random[b.paths[name]]; r != nil {
				b.randomed(t, name, r, files)
			}
		}
	})
}
