//go:build vm && linux

package vmlab

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
)

// Drives that refuse blocks, and drives that are pulled while they are
// written: the record says so and is closed, and is no certificate.
func TestFailingDrives(t *testing.T) {
	b := newBench(t)
	b.qemu("-device", "virtio-scsi-pci,id=scsi", "-device", "nvme,id=ctl,serial=LAB-SPOTS-NVME", "-device", "qemu-xhci,id=xhci")
	b.faulty("spots", 40, "scsi-hd,bus=scsi.0,serial=LAB-SPOTS", []fault{{"write", 4097}, {"write", 20000}, {"write", 20001}, {"write", 20002}, {"read", 30011}})
	b.faulty("spots-nvme", 41, "nvme-ns,bus=ctl", []fault{{"write", 0}, {"write", 41*mib/512 - 1}})
	const slow = "throttling.bps-total=8388608"
	b.drive("pulled-scsi", 64, "scsi-hd,bus=scsi.0,id=pulled-scsi,serial=LAB-PULLED-SCSI", slow)
	b.drive("pulled-usb", 65, "usb-storage,bus=xhci.0,id=pulled-usb,serial=LAB-PULLED-USB,removable=on", slow)
	b.qemu("-device", "pcie-root-port,id=socket,chassis=1", "-device", "nvme,id=pulled-nvme,bus=socket,serial=LAB-PULLED-NVME")
	b.drive("pulled-nvme", 66, "nvme-ns,bus=pulled-nvme", slow)
	b.start(5 * time.Minute)

	// What could not be overwritten still holds the text, so that the
	// read-back finds it: exit 4.
	last := uint64(41*mib/512 - 1)
	for name, want := range map[string][]erase.BadRange{
		"spots": {
			{LBA: 4097, Count: 1, Kind: "write"}, {LBA: 20000, Count: 3, Kind: "write"}, {LBA: 30011, Count: 1, Kind: "read"},
			{LBA: 4097, Count: 1, Kind: "mismatch"}, {LBA: 20000, Count: 3, Kind: "mismatch"},
		},
		"spots-nvme": {
			{LBA: 0, Count: 1, Kind: "write"}, {LBA: last, Count: 1, Kind: "write"},
			{LBA: 0, Count: 1, Kind: "mismatch"}, {LBA: last, Count: 1, Kind: "mismatch"},
		},
	} {
		t.Run("bad blocks are named exactly: "+name, func(t *testing.T) {
			b.run(t, 4, "ombruk", "erase", b.paths[name], "--standard", "nist-800-88r2-clear", "--confirm", "LAB-"+strings.ToUpper(name), "--out", "/out/"+name)
			records, _ := b.records(t, "/out/"+name)
			r := records[b.paths[name]]
			if r == nil || r.Outcome != erase.Failed || r.Disposition != erase.Destroy || r.Fulfilled {
				t.Fatalf("the record says %+v", r)
			}
			got := []erase.BadRange{}
			for _, e := range r.Exceptions {
				got = append(got, e.LBARanges...)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	for name, serial := range map[string]string{"pulled-scsi": "LAB-PULLED-SCSI", "pulled-usb": "LAB-PULLED-USB", "pulled-nvme": "LAB-PULLED-NVME"} {
		t.Run(name+" during a run", func(t *testing.T) {
			began := time.Now()
			run := b.m.Begin("ombruk", "erase", b.paths[name], "--json", "--standard", "nist-800-88r2-clear", "--confirm", serial, "--out", "/out/"+name)
			if err := run.Until(`"progress"`); err != nil {
				t.Fatal(err)
			}
			if err := b.m.Monitor("device_del", map[string]string{"id": name}); err != nil {
				t.Fatal(err)
			}
			out, err := run.Wait()
			if err != nil || out.Code != 3 {
				t.Errorf("code %d, want 3; %v\n%s%s", out.Code, err, out.Stdout, out.Stderr)
			}
			t.Logf("ended after %s", time.Since(began).Round(time.Millisecond))
			records, _ := b.records(t, "/out/"+name)
			r := records[b.paths[name]]
			if r == nil || r.Outcome != erase.Failed || r.Disposition != erase.Hold || r.Fulfilled || len(r.Exceptions) == 0 || r.Exceptions[0].Code != "device-gone" {
				t.Errorf("the record says %+v", r)
			}
		})
	}

	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	t.Run("seen from outside", func(t *testing.T) {
		for name, kept := range map[string][]int{"spots": {4097, 20000, 20001, 20002}, "spots-nvme": {0, 41*mib/512 - 1}} {
			want, old := make([]byte, b.size[name]), text(name, b.size[name])
			for _, sector := range kept {
				copy(want[sector*512:(sector+1)*512], old[sector*512:])
			}
			b.holds(t, name, want)
		}
	})
}

// fault is a sector at which a drive refuses to "read" or to "write".
type fault struct {
	what   string
	sector int
}

// faulty adds a drive that refuses some sectors.
func (b *bench) faulty(name string, mib int64, device string, faults []fault) {
	b.t.Helper()
	inject := ""
	for i, f := range faults {
		inject += fmt.Sprintf(",inject-error.%d.event=none,inject-error.%d.iotype=%s,inject-error.%d.sector=%d,inject-error.%d.errno=5", i, i, f.what, i, f.sector, i)
	}
	b.fill(name, mib)
	b.qemu("-blockdev", "driver=file,node-name="+name+"-file,filename="+b.image(name)+",cache.no-flush=on",
		"-blockdev", "driver=blkdebug,node-name="+name+"-faults,image="+name+"-file"+inject,
		"-blockdev", "driver=raw,node-name="+name+",file="+name+"-faults",
		"-device", device+",drive="+name)
}
