//go:build vm && linux

package vmlab

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
)

// partitioned makes one partition over an image, with a file system in it. name
// is the partition's.
func partitioned(name string) string {
	return `echo 'start=2048, name="` + name + `"' | sfdisk --quiet --label gpt "$img"
		size=$(($(stat -c %s "$img") / 1024 - 2048))
		mkfs.ext4 -q -F -E offset=1048576 "$img" ${size}k`
}

// Everything that can hold a drive holds one here. Each is refused with exit 5
// and the holder's name, and keeps what it had.
func TestRefusals(t *testing.T) {
	b := newBench(t)
	b.qemu("-device", "virtio-scsi-pci,id=scsi")
	scsi := func(name string, mib int64, more string) {
		t.Helper()
		b.drive(name, mib, "scsi-hd,bus=scsi.0,serial=LAB-"+strings.ToUpper(name)+more)
	}
	scsi("mounted", 20, "")
	scsi("elsewhere", 21, "")
	scsi("lvm", 22, "")
	scsi("dm", 23, "")
	scsi("md-a", 24, "")
	scsi("md-b", 25, "")
	scsi("swap", 26, "")
	scsi("open", 27, "")
	scsi("loop", 28, "")
	scsi("boot", 29, "")
	b.drive("twin-a", 9, "scsi-hd,bus=scsi.0,serial=LAB-TWIN,wwn=0x5000c500a1b2c311")
	b.drive("twin-b", 10, "scsi-hd,bus=scsi.0,serial=LAB-TWIN,wwn=0x5000c500a1b2c312")
	b.drive("locked", 11, "scsi-hd,bus=scsi.0,serial=LAB-LOCKED", "readonly=on")
	b.drive("cd", 12, "ide-cd,bus=ide.0", "readonly=on")
	scsi("free", 13, "")
	scsi("volume", 14, "")
	scsi("exported", 15, "")
	b.prepare("mounted", partitioned("data"))
	b.prepare("elsewhere", partitioned("data"))
	b.prepare("boot", partitioned("OMBRUK-BOOT"))
	b.prepare("swap", `mkswap --quiet "$img"`)
	b.start(4 * time.Minute)
	at := b.paths

	b.run(t, 0, "mount", "-o", "ro", at["mounted"]+"1", "/mnt")
	elsewhere := b.m.Begin("unshare", "--mount", "sh", "-c", "mount -o ro "+at["elsewhere"]+"1 /mnt && echo held && exec sleep 600")
	b.run(t, 0, "lvm", "pvcreate", "--yes", at["lvm"])
	b.run(t, 0, "lvm", "vgcreate", "vg", at["lvm"])
	b.run(t, 0, "lvm", "lvcreate", "--yes", "--wipesignatures", "n", "--zero", "n", "--name", "data", "--size", "8M", "vg")
	b.run(t, 0, "dmsetup", "create", "lower", "--table", "0 40960 linear "+at["dm"]+" 0")
	b.run(t, 0, "dmsetup", "create", "upper", "--table", "0 20480 linear /dev/mapper/lower 0")
	b.run(t, 0, "mdadm", "--create", "/dev/md0", "--run", "--level=1", "--raid-devices=2", "--assume-clean", "--metadata=1.2", at["md-a"], at["md-b"])
	b.run(t, 0, "swapon", at["swap"])
	b.run(t, 0, "dmsetup", "create", "volume", "--table", "0 8192 linear "+at["volume"]+" 2048")
	remote := b.export(t, "exported")
	open := b.m.Begin("sh", "-c", "exec 3<"+at["open"]+"; echo held; exec sleep 600")
	loop := strings.TrimSpace(b.run(t, 0, "losetup", "--find", "--show", at["loop"]).Stdout)
	for _, j := range []*Job{elsewhere, open} {
		if err := j.Until("held"); err != nil {
			t.Fatal(err)
		}
	}

	for _, tt := range []struct{ what, target, token, want string }{
		{"a drive with a mounted partition", at["mounted"], "LAB-MOUNTED", "mounted on /mnt through " + at["mounted"] + "1"},
		{"the mounted partition", at["mounted"] + "1", "LAB-MOUNTED", "partition of " + at["mounted"]},
		{"mounted in a namespace of somebody's own", at["elsewhere"], "LAB-ELSEWHERE", "mounted on /mnt (mount namespace of process "},
		{"a physical volume of LVM", at["lvm"], "LAB-LVM", "held by LVM volume vg-data"},
		{"a drive beneath a device-mapper volume", at["dm"], "LAB-DM", "held by device-mapper volume lower"},
		{"a device-mapper volume beneath another", "/dev/mapper/lower", "/dev/dm-1", "held by device-mapper volume upper"},
		{"one half of a mirror", at["md-a"], "LAB-MD-A", "held by md0 (raid1)"},
		{"the other half", at["md-b"], "LAB-MD-B", "held by md0 (raid1)"},
		{"swap", at["swap"], "LAB-SWAP", "in use as swap"},
		{"open in a program", at["open"], "LAB-OPEN", "(sleep)"},
		{"beneath a loop device", at["loop"], "LAB-LOOP", "held by " + strings.TrimPrefix(loop, "/dev/")},
		{"the boot stick", at["boot"], "LAB-BOOT", "its partition is named OMBRUK-BOOT"},
		{"one of two with the same serial", at["twin-a"], "LAB-TWIN", "also that of " + at["twin-b"]},
		{"the other of them", at["twin-b"], "LAB-TWIN", "also that of " + at["twin-a"]},
		{"write-protected", at["locked"], "LAB-LOCKED", "it is read-only"},
		{"an optical drive", at["cd"], "LAB-CD", "optical"},
		{"a drive of another machine", remote, "LAB-REMOTE", "over a network or storage fabric"},
		{"nothing wrong but the serial typed", at["free"], "LAB-FREE-TYPO", "not confirmed"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			out := b.run(t, 5, "ombruk", "erase", tt.target, "--standard", "nist-800-88r2-clear", "--confirm", tt.token, "--out", "/out/refused")
			if !strings.Contains(out.Stderr, tt.want) {
				t.Errorf("got\n%swant %q", out.Stderr, tt.want)
			}
		})
	}
	t.Run("a free drive beside a held one", func(t *testing.T) {
		b.run(t, 5, "ombruk", "erase", at["free"], at["dm"], "--standard", "nist-800-88r2-clear", "--confirm", "LAB-FREE", "--confirm", "LAB-DM", "--out", "/out/refused")
	})
	t.Run("every drive of the machine", func(t *testing.T) {
		b.run(t, 5, "ombruk", "process", "--standard", "nist-800-88r2-clear", "--out", "/out/refused")
	})
	t.Run("drives names what holds each", func(t *testing.T) {
		all := b.drives(t)
		if len(all) != len(b.size) {
			t.Errorf("%d drives, want %d: all but the optical one, and the remote one", len(all), len(b.size))
		}
		for _, d := range all {
			// An export is the work of the kernel: no process shows it
			// (docs/safety.md).
			if free := d.Path == at["free"] || d.Path == at["exported"]; d.Blocked == "" != free {
				t.Errorf("%s (%s): blocked %q", d.Path, d.Serial, d.Blocked)
			}
		}
	})
	if files, err := b.m.Fetch("/out"); err != nil || len(files) != 0 {
		t.Errorf("refusals left %d files, %v", len(files), err)
	}
	t.Run("a volume that nobody uses, given itself", func(t *testing.T) {
		node := strings.TrimSpace(b.run(t, 0, "readlink", "-f", "/dev/mapper/volume").Stdout)
		b.run(t, 3, "ombruk", "erase", "/dev/mapper/volume", "--standard", "nist-800-88r2-clear", "--confirm", node, "--out", "/out/volume")
		records, _ := b.records(t, "/out/volume")
		r := records[node]
		if r == nil || r.Outcome != erase.SanitizedWithExceptions || !slices.ContainsFunc(r.Exceptions, func(e erase.Exception) bool { return e.Code == "logical-device" }) {
			t.Errorf("the record says %+v", r)
		}
	})
	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	t.Run("seen from outside", func(t *testing.T) {
		b.untouched(t, "mounted", "elsewhere", "dm", "swap", "open", "loop", "boot", "twin-a", "twin-b", "locked", "cd", "free", "exported")
		want := text("volume", b.size["volume"])
		clear(want[2048*512 : (2048+8192)*512])
		b.holds(t, "volume", want)
		// LVM and md write their own labels at the beginning.
		for _, name := range []string{"lvm", "md-a", "md-b"} {
			b.holdsFrom(t, name, text(name, b.size[name]), 2*mib)
		}
	})
}

// export offers a drive over NVMe/TCP to the guest itself, as another machine
// would, and gives the path of the drive that then turns up.
func (b *bench) export(t *testing.T, name string) string {
	t.Helper()
	b.run(t, 0, "sh", "-ec", `
		cd /sys/kernel/config/nvmet
		mkdir subsystems/lab
		echo 1 >subsystems/lab/attr_allow_any_host
		echo LAB-REMOTE >subsystems/lab/attr_serial
		mkdir subsystems/lab/namespaces/1
		echo `+b.paths[name]+` >subsystems/lab/namespaces/1/device_path
		echo 1 >subsystems/lab/namespaces/1/enable
		mkdir ports/1
		echo ipv4 >ports/1/addr_adrfam
		echo tcp >ports/1/addr_trtype
		echo 127.0.0.1 >ports/1/addr_traddr
		echo 4420 >ports/1/addr_trsvcid
		ln -s /sys/kernel/config/nvmet/subsystems/lab ports/1/subsystems/lab
		echo transport=tcp,traddr=127.0.0.1,trsvcid=4420,nqn=lab >/dev/nvme-fabrics
		for try in 1 2 3 4 5 6 7 8 9 10; do
			[ -b /dev/nvme0n1 ] && exit 0
			sleep 0.5
		done
		exit 1`)
	return "/dev/nvme0n1"
}
