package certs_test

import (
	"errors"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// What a machine's record says of its storage as a whole must follow from its
// drives and reasons: nobody may hold a record that calls a machine treated
// although a drive was left, was never seen, or was never there.
func TestUnitRecordDoesNotContradictItself(t *testing.T) {
	var (
		clean  = certs.UnitDrive{Path: "/dev/sda", RecordID: recordID, SHA256: certs.Digest(nil), Outcome: erase.Sanitized, Achieved: erase.Clear}
		failed = certs.UnitDrive{Path: "/dev/sdb", RecordID: recordID, SHA256: certs.Digest(nil), Outcome: erase.Failed}
		left   = certs.UnitDrive{Path: "/dev/sdc", NotTouched: "it is mounted on /home"}
		open   = certs.UnitDrive{Path: "/dev/sdd", RecordID: recordID, Outcome: erase.Unproven}
		raid   = inventory.Reason{Code: inventory.UnseenRAIDMode, PCIID: "8086:282a", Text: "RAID"}
		empty  = inventory.Reason{Code: inventory.UnseenNothing, Text: "nothing hangs on it"}
		graded = inventory.Reason{Code: certs.ReasonGraded, Text: "graded"}
	)
	type drives = []certs.UnitDrive
	type reasons = []inventory.Reason
	s := signer(t, depot(t))
	for _, c := range []struct {
		name    string
		state   certs.StorageState
		drives  drives
		reasons reasons
		good    bool
	}{
		{"every drive has its record", certs.StorageTreated, drives{clean, failed}, nil, true},
		{"treated and a drive was left", certs.StorageTreated, drives{clean, left}, nil, false},
		{"treated and a record is open", certs.StorageTreated, drives{clean, open}, nil, false},
		{"treated and no drive at all", certs.StorageTreated, nil, nil, false},
		{"treated and a drive is hidden", certs.StorageTreated, drives{clean}, reasons{raid}, false},
		{"a drive was left", certs.StoragePartly, drives{clean, left}, nil, true},
		{"partly and none was left", certs.StoragePartly, drives{clean}, nil, false},
		{"partly and a drive is hidden", certs.StoragePartly, drives{left}, reasons{raid}, false},
		{"no storage", certs.StorageNone, nil, reasons{empty}, true},
		{"no storage and no reason known", certs.StorageNone, nil, nil, true},
		{"none beside a drive", certs.StorageNone, drives{clean}, reasons{empty}, false},
		{"none although one may be hidden", certs.StorageNone, nil, reasons{raid}, false},
		{"hidden besides a clean one", certs.StorageUnreachable, drives{clean}, reasons{raid}, true},
		{"unreachable for no reason", certs.StorageUnreachable, nil, nil, false},
		{"unreachable because nothing hangs on it", certs.StorageUnreachable, nil, reasons{empty}, false},
		{"graded", certs.StorageNotHandled, drives{left}, reasons{graded}, true},
		{"graded and yet erased", certs.StorageNotHandled, drives{clean}, reasons{graded}, false},
		{"not handled for no reason", certs.StorageNotHandled, nil, nil, false},
		{"before it was said", "", drives{clean, left}, nil, true},
		{"reasons for nothing", "", nil, reasons{raid}, false},
		{"a reason without a code", certs.StorageUnreachable, nil, reasons{{Text: "x"}}, false},
		{"an unknown state", "fine", drives{clean}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := certs.Unit{Header: wiped(s).Header, Drives: c.drives, Storage: certs.Storage{State: c.state, Reasons: c.reasons}}
			envelope, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, u)
			if c.good && err != nil || !c.good && !errors.Is(err, certs.ErrContradiction) {
				t.Fatal(err)
			}
			if c.good && c.state != "" {
				v := certs.Verify("unit", envelope, nil, monday())
				if v.Storage == nil || v.Storage.State != c.state || len(v.Storage.Reasons) != len(c.reasons) {
					t.Errorf("verify says %+v", v.Storage)
				}
			}
		})
	}
}

func TestChecksOfAUnit(t *testing.T) {
	s := signer(t, depot(t))
	for _, c := range []struct {
		name   string
		checks []certs.Check
		good   bool
	}{
		{"none", nil, true},
		{"some", []certs.Check{{Part: "keyboard", Verdict: certs.CheckFail, Note: "Enter hangs"}, {Part: "cosmetic", Verdict: certs.CheckPass, Grade: "B"}}, true},
		{"the same part twice", []certs.Check{{Part: "ports", Verdict: certs.CheckFail}, {Part: "ports", Verdict: certs.CheckPass}}, false},
		{"no part", []certs.Check{{Verdict: certs.CheckPass}}, false},
		{"no verdict", []certs.Check{{Part: "ports"}}, false},
		{"a grade there is not", []certs.Check{{Part: "cosmetic", Verdict: certs.CheckPass, Grade: "A+"}}, false},
		{"a grade of something else", []certs.Check{{Part: "battery", Verdict: certs.CheckPass, Grade: "A"}}, false},
	} {
		u := certs.Unit{Header: wiped(s).Header, Checks: c.checks}
		if _, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, u); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
