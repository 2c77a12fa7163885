package main

import (
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

// A disk of the machine dies, or hangs, between the first look and the plan. It
// stays in the machine's record, wherever the others are found then.
func TestADriveThatWentAwayIsStillOfTheMachine(t *testing.T) {
	ssd := inventory.Drive{Path: "/dev/sda", Serial: "S1", Model: "SSD"}
	disk := inventory.Drive{Path: "/dev/sdb", Serial: "S2", Model: "DISK"}
	nameless := inventory.Drive{Path: "/dev/mmcblk0", Model: "eMMC"}
	moved := ssd
	moved.Path = "/dev/sdc"
	for _, c := range []struct {
		name        string
		first, last []inventory.Drive
		want        int
	}{
		{"all are there", []inventory.Drive{ssd, disk}, []inventory.Drive{disk, ssd}, 2},
		{"one went away", []inventory.Drive{ssd, disk}, []inventory.Drive{ssd}, 2},
		{"one has another name now", []inventory.Drive{ssd, disk}, []inventory.Drive{disk, moved}, 2},
		{"one came", []inventory.Drive{ssd}, []inventory.Drive{ssd, disk}, 2},
		{"one without a serial went away", []inventory.Drive{ssd, nameless}, []inventory.Drive{ssd}, 2},
		{"another one is in its place", []inventory.Drive{ssd}, []inventory.Drive{{Path: "/dev/sda", Serial: "S9"}}, 2},
	} {
		if got := everSeen(c.first, c.last); len(got) != c.want {
			t.Errorf("%s: %d drives, want %d", c.name, len(got), c.want)
		}
	}
}
