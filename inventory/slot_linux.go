package inventory

import (
	"regexp"
	"strings"
)

// What in a device's path in sysfs is numbered anew each time something is
// plugged in, and so says nothing about where it is.
var (
	passing = regexp.MustCompile(`^(pci[\da-f]*:[\da-f]+|host\d+|block|nvme|nvme-subsystem|nvme-subsys\d+|nvme\d+|mmc_host|mmc\d+|virtio\d+|port-[\d:]+|expander-[\d:]+|target[\d:]+|[\d.-]+:\d+\.\d+)$`)
	// Of a SCSI address (host, channel, target, unit) the host is, and on SAS
	// the target too.
	scsiAddress = regexp.MustCompile(`^\d+:(\d+:\d+:(\d+))$`)
	endDevice   = regexp.MustCompile(`^end_device-[\d:]+$`)
)

// Slot says where a drive is connected, in words that stay the same when another
// drive is put there ("0000:00:17.0 ata3 0:0:0"): the address of its controller
// and the ports behind it. It is empty for what is connected to nothing, an
// image file or a loop device.
func (s Source) Slot(d Drive) string {
	t := newTree(s.Root)
	if d.Name == "" {
		return ""
	}
	return slot(t.dir("/sys/class/block", d.Name), func(dir, file string) string { return t.text(dir, file) })
}

// slot is the address in the path of a block device in sysfs, whose files text
// reads.
func slot(dir string, text func(dir, file string) string) string {
	path, ok := strings.CutPrefix(dir, "/sys/devices/")
	if !ok || strings.HasPrefix(path, "virtual/") {
		return ""
	}
	elements := strings.Split(path, "/")
	var out []string
	sas := false
	for i, e := range elements[:len(elements)-1] {
		switch m := scsiAddress.FindStringSubmatch(e); {
		case m != nil && sas:
			out = append(out, m[2])
		case m != nil:
			out = append(out, m[1])
		case endDevice.MatchString(e):
			// The ports' own numbers grow with every drive that comes.
			sas = true
			at := "/sys/devices/" + strings.Join(elements[:i+1], "/") + "/sas_device/" + e
			for _, file := range []string{"enclosure_identifier", "bay_identifier", "phy_identifier"} {
				if s := text(at, file); s != "" {
					out = append(out, strings.TrimSuffix(file, "_identifier")+" "+s)
				}
			}
		case passing.MatchString(e):
		default:
			out = append(out, e)
		}
	}
	return strings.Join(out, " ")
}
