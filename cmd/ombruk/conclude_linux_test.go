package main

import (
	"errors"
	"io"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

// unrecorded is a batch of two drives: one clean, and one that still held data
// and whose record found no room.
func unrecorded() *batch {
	clean := certs.Sanitization{Header: certs.Header{ID: "one"}, Drive: certs.DriveFacts{Path: "/dev/sda"}, Outcome: erase.Sanitized, Fulfilled: true}
	found := certs.Sanitization{Header: certs.Header{ID: "two"}, Drive: certs.DriveFacts{Path: "/dev/sdc", Serial: "S2"}, Outcome: erase.Failed, Verification: certs.Verification{Mismatches: 7}}
	return &batch{run: &session.Batch{
		Works: []session.Work{{Drives: []inventory.Drive{{Path: "/dev/sda"}}}, {Drives: []inventory.Drive{{Path: "/dev/sdc"}}}},
		Done:  []job.Done{{ID: "one", Record: clean}, {ID: "two", Record: found}},
		Errs:  []error{nil, errors.New("no space left on device")},
	}}
}

// Data that was found outranks the record that could not be closed.
func TestExitCodeOfAnUnrecordedFind(t *testing.T) {
	b := unrecorded()
	a := &app{stdout: io.Discard, stderr: io.Discard}
	if got := a.finish(a.conclude(b)); got != exitDataFound {
		t.Errorf("code %d, want %d", got, exitDataFound)
	}
}

// A drive that was written to never stands in the unit report as one that was
// left alone, whatever became of its record and by whichever of its paths it
// was named.
func TestUnitReportOfAnUnrecordedDrive(t *testing.T) {
	b := unrecorded()
	all := []inventory.Drive{
		{Path: "/dev/sda", CapacityBytes: 1, Bus: inventory.BusSAS},
		{Path: "/dev/sdb", AlsoAt: []string{"/dev/sdc"}, CapacityBytes: 1, Bus: inventory.BusSAS},
	}
	drives := b.unitDrives(all)
	if len(drives) != 2 {
		t.Fatalf("%+v", drives)
	}
	if d := drives[1]; d.RecordID != "two" || d.NotTouched != "" || d.Outcome != erase.Unproven || d.Disposition != erase.Hold || d.Serial != "S2" {
		t.Errorf("%+v", d)
	}
}

// Two namespaces that one command erased are one record, and neither was left
// alone.
func TestUnitReportOfTwoNamespaces(t *testing.T) {
	both := []inventory.Drive{{Path: "/dev/nvme0n1", CapacityBytes: 1, Bus: inventory.BusNVMe}, {Path: "/dev/nvme0n2", CapacityBytes: 1, Bus: inventory.BusNVMe}}
	record := certs.Sanitization{Header: certs.Header{ID: "one"}, Drive: certs.DriveFacts{Path: both[0].Path}, Outcome: erase.Sanitized, Fulfilled: true}
	b := &batch{run: &session.Batch{Works: []session.Work{{Drives: both}}, Done: []job.Done{{ID: "one", Record: record}}, Errs: []error{nil}}}
	if drives := b.unitDrives(both); len(drives) != 1 || drives[0].RecordID != "one" {
		t.Errorf("%+v", drives)
	}
}
