package job

import (
	"reflect"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

func TestAUnitIsJudgedByItsOwnDrives(t *testing.T) {
	no := false
	u := certs.Unit{
		Machine: inventory.Machine{Drives: []inventory.Drive{
			{Path: "/dev/nvme0n1", Bus: inventory.BusNVMe, Siblings: []string{"/dev/nvme0n2"}},
			{Path: "/dev/nvme0n2", Bus: inventory.BusNVMe, Siblings: []string{"/dev/nvme0n1"}},
			{Path: "/dev/mmcblk0", Bus: inventory.BusMMC},
			{Path: "/dev/sda", Bus: inventory.BusATA},
			{Path: "/dev/sdb", Bus: inventory.BusATA},
			{Path: "/dev/sdz", Bus: inventory.BusUSB, Removable: true}, // the boot stick
		}},
		Drives: []certs.UnitDrive{
			{Path: "/dev/nvme0n1", RecordID: "a", Outcome: erase.Sanitized, Disposition: erase.Reuse},
			{Path: "/dev/mmcblk0", RecordID: "b", Outcome: erase.Failed, Disposition: erase.Destroy},
			{Path: "/dev/sda", RecordID: "c", Outcome: erase.Sanitized, Disposition: erase.Reuse, Fulfilled: &no},
			{Path: "/dev/sdb", NotTouched: "it is mounted", Disposition: erase.Hold},
			{Path: "/dev/sdc", RecordID: "d", Outcome: erase.SanitizedWithExceptions, Disposition: erase.Reuse}, // pulled since
		},
	}
	got := factsOf(u, UnitReport{Status: grade.Waste})
	want := []grade.Drive{
		{Path: "/dev/nvme0n1", State: grade.DataClean}, {Path: "/dev/nvme0n2", State: grade.DataClean},
		{Path: "/dev/mmcblk0", State: grade.DataDestroy, Soldered: true},
		{Path: "/dev/sda", State: grade.DataHold}, {Path: "/dev/sdb", State: grade.DataHold},
		{Path: "/dev/sdc", State: grade.DataClean},
	}
	if !reflect.DeepEqual(got.Drives, want) {
		t.Errorf("drives %+v, want %+v", got.Drives, want)
	}
	if n := len(got.Machine.Drives); n != 5 {
		t.Errorf("%d drives of the machine are judged, want 5: the boot stick is no part of it", n)
	}
	if got.Status != grade.Waste {
		t.Errorf("status %q", got.Status)
	}
}

// A drive that failed and was pulled, and another that came to its place and is
// clean: the unit is not plainly for reuse, in whatever order they are listed.
func TestADriveInAnothersPlaceDoesNotHideIt(t *testing.T) {
	failed := certs.UnitDrive{Path: "/dev/sda", Serial: "A", RecordID: "a", Outcome: erase.Failed, Disposition: erase.Destroy}
	clean := certs.UnitDrive{Path: "/dev/sda", Serial: "B", RecordID: "b", Outcome: erase.Sanitized, Disposition: erase.Reuse}
	for _, drives := range [][]certs.UnitDrive{{failed, clean}, {clean, failed}} {
		u := certs.Unit{Machine: inventory.Machine{Drives: []inventory.Drive{{Path: "/dev/sda", Serial: "B", Bus: inventory.BusATA}}}, Drives: drives}
		for _, d := range factsOf(u, UnitReport{}).Drives {
			if d.State == grade.DataClean {
				t.Errorf("%s first: %+v", drives[0].Serial, d)
			}
		}
	}
}
