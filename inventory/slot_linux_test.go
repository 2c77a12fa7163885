package inventory

import "testing"

// A bay of a rack keeps its address whatever is put into it, and no two bays
// share one.
func TestSlot(t *testing.T) {
	text := func(_, file string) string {
		return map[string]string{"enclosure_identifier": "0x500304801f", "bay_identifier": "7", "phy_identifier": "19"}[file]
	}
	seen := map[string]string{}
	for _, tt := range []struct{ dir, again, want string }{
		{"/sys/devices/pci0000:00/0000:00:17.0/ata3/host2/target2:0:0/2:0:0:0/block/sda",
			"/sys/devices/pci0000:00/0000:00:17.0/ata3/host2/target2:0:0/2:0:0:0/block/sdx", "0000:00:17.0 ata3 0:0:0"},
		{"/sys/devices/pci0000:00/0000:00:17.0/ata4/host3/target3:0:0/3:0:0:0/block/sdb", "", "0000:00:17.0 ata4 0:0:0"},
		{"/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1.3/2-1.3:1.0/host6/target6:0:0/6:0:0:0/block/sdb",
			"/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1.3/2-1.3:1.0/host19/target19:0:0/19:0:0:0/block/sdc", "0000:00:14.0 usb2 2-1 2-1.3 0:0:0"},
		{"/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1.3/2-1.3:1.0/host6/target6:0:0/6:0:0:1/block/sdc", "", "0000:00:14.0 usb2 2-1 2-1.3 0:0:1"},
		{"/sys/devices/pci0000:00/0000:00:1d.0/0000:3d:00.0/nvme/nvme0/nvme0n1",
			"/sys/devices/pci0000:00/0000:00:1d.0/0000:3d:00.0/nvme/nvme4/nvme4n1", "0000:00:1d.0 0000:3d:00.0"},
		{"/sys/devices/pci0000:80/0000:80:02.0/0000:82:00.0/host1/port-1:0/expander-1:0/port-1:0:7/end_device-1:0:7/target1:0:7/1:0:7:0/block/sdh",
			"/sys/devices/pci0000:80/0000:80:02.0/0000:82:00.0/host1/port-1:0/expander-1:0/port-1:0:24/end_device-1:0:24/target1:0:31/1:0:31:0/block/sdz", "0000:80:02.0 0000:82:00.0 enclosure 0x500304801f bay 7 phy 19 0"},
		{"/sys/devices/virtual/block/loop0", "", ""},
		{"", "", ""},
	} {
		got := slot(tt.dir, text)
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.dir, got, tt.want)
		}
		if other, ok := seen[got]; ok && got != "" {
			t.Errorf("%s and %s are both %q", tt.dir, other, got)
		}
		seen[got] = tt.dir
		if tt.again != "" && slot(tt.again, text) != got {
			t.Errorf("%s: got %q another time, want %q", tt.again, slot(tt.again, text), got)
		}
	}
}
