package certs_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
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

// A record must not say that a TPM or a card is dealt with when nobody dealt
// with it, or twice and differently.
func TestWhatRemainsOfAUnit(t *testing.T) {
	s := signer(t, depot(t))
	cleared := certs.Remain{Thing: certs.RemainTPM, State: certs.RemainDone, By: certs.ByOmbruk, Text: "TPM 2.0 cleared"}
	with := func(change func(*certs.Remain)) []certs.Remain {
		r := cleared
		change(&r)
		return []certs.Remain{r}
	}
	for _, c := range []struct {
		name    string
		remains []certs.Remain
		storage certs.StorageState
		good    bool
	}{
		{"nobody asked", nil, "", true},
		{"a TPM that was cleared", []certs.Remain{cleared}, "", true},
		{"one for each thing", []certs.Remain{cleared,
			{Thing: certs.RemainSIM, State: certs.RemainDone, By: certs.ByPerson},
			{Thing: certs.RemainCard, State: certs.RemainNone, By: certs.ByOmbruk},
			{Thing: certs.RemainEnrolment, State: certs.RemainLeft, By: certs.ByPerson, Text: "autopilot"}}, "", true},
		{"the firmware was asked", with(func(r *certs.Remain) { r.State = certs.RemainRequested }), "", true},
		{"a person asked the firmware", with(func(r *certs.Remain) { r.State, r.By = certs.RemainRequested, certs.ByPerson }), "", false},
		{"the firmware was asked for a SIM", with(func(r *certs.Remain) { r.Thing, r.State = certs.RemainSIM, certs.RemainRequested }), "", false},
		{"the same thing twice", []certs.Remain{cleared, cleared}, "", false},
		{"something else", with(func(r *certs.Remain) { r.Thing = "toner" }), "", false},
		{"a state there is not", with(func(r *certs.Remain) { r.State = "gone" }), "", false},
		{"no state", with(func(r *certs.Remain) { r.State = "" }), "", false},
		{"done by nobody", with(func(r *certs.Remain) { r.By = "" }), "", false},
		{"done by a stranger", with(func(r *certs.Remain) { r.By = "windows" }), "", false},
		{"the program took a SIM out", with(func(r *certs.Remain) { r.Thing = certs.RemainSIM }), "", false},
		{"a novel about it", with(func(r *certs.Remain) { r.Text = strings.Repeat("x", 1001) }), "", false},
		{"cleared on a machine that is not handled", []certs.Remain{cleared}, certs.StorageNotHandled, false},
	} {
		u := certs.Unit{Header: wiped(s).Header, Remains: c.remains, Storage: certs.Storage{State: c.storage}}
		if c.storage == certs.StorageNotHandled {
			u.Storage.Reasons = []inventory.Reason{{Code: certs.ReasonGraded, Text: "graded"}}
		}
		_, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, u)
		if c.good && err != nil || !c.good && !errors.Is(err, certs.ErrContradiction) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The judgement and the record's own facts must not part ways.
func TestGradeOfAUnitDoesNotContradictIt(t *testing.T) {
	var (
		s    = signer(t, depot(t))
		left = []certs.UnitDrive{{Path: "/dev/sdc", NotTouched: "it is mounted on /home"}}
		raid = []inventory.Reason{{Code: inventory.UnseenRAIDMode, PCIID: "8086:282a", Text: "RAID"}}
		seen = []grade.Reason{{Code: "data-retry", Rule: "grading.data", Text: "drive /dev/sdc: to be tried again"}}
		fine = []grade.Reason{{Code: "data-clean", Rule: "grading.data", Text: "drive /dev/sda: the data is sanitized"}}
	)
	for _, c := range []struct {
		name    string
		goes    string
		grade   *grade.Result
		drives  []certs.UnitDrive
		storage certs.Storage
		good    bool
	}{
		{"not graded", "", nil, nil, certs.Storage{State: certs.StorageNone}, true},
		{"from before units were graded", "reuse", nil, nil, certs.Storage{State: certs.StorageNone}, true},
		{"graded", "reuse", &grade.Result{Grade: "B", Disposition: grade.Reuse, Status: grade.Product}, nil, certs.Storage{State: certs.StorageNone}, true},
		{"nobody can say", "", &grade.Result{}, nil, certs.Storage{State: certs.StorageNone}, true},
		{"judged to be held and yet reused", "reuse", &grade.Result{Disposition: grade.Hold}, nil, certs.Storage{State: certs.StorageNone}, false},
		{"goes nowhere known", "moon", &grade.Result{Disposition: "moon"}, nil, certs.Storage{State: certs.StorageNone}, false},
		{"neither product nor waste", "hold", &grade.Result{Disposition: grade.Hold, Status: "gift"}, nil, certs.Storage{State: certs.StorageNone}, false},
		{"a drive was left and it is held", "hold", &grade.Result{Disposition: grade.Hold}, left, certs.Storage{State: certs.StoragePartly}, true},
		{"a drive was left and it is reused", "reuse", &grade.Result{Disposition: grade.Reuse}, left, certs.Storage{State: certs.StoragePartly}, false},
		{"a drive was left, and the reason is about another", "reuse", &grade.Result{Disposition: grade.Reuse, Reasons: fine}, left, certs.Storage{State: certs.StoragePartly}, false},
		{"a drive was left and a reason says so", "reuse", &grade.Result{Disposition: grade.Reuse, Reasons: seen}, left, certs.Storage{State: certs.StoragePartly}, true},
		{"a drive is hidden and it is reused", "reuse", &grade.Result{Disposition: grade.Reuse}, nil, certs.Storage{State: certs.StorageUnreachable, Reasons: raid}, false},
		{"not handled here and yet recycled", "recycle", &grade.Result{Disposition: grade.Recycle}, nil, certs.Storage{State: certs.StorageNotHandled, Reasons: raid}, false},
		{"not handled here and given back", "return", &grade.Result{Disposition: grade.Return}, nil, certs.Storage{State: certs.StorageNotHandled, Reasons: raid}, true},
		{"a reason without a code", "hold", &grade.Result{Disposition: grade.Hold, Reasons: []grade.Reason{{Text: "x"}}}, nil, certs.Storage{State: certs.StorageNone}, false},
		{"reasons without end", "hold", &grade.Result{Disposition: grade.Hold, Reasons: slices.Repeat(seen, 1001)}, nil, certs.Storage{State: certs.StorageNone}, false},
		{"a reason without end", "hold", &grade.Result{Disposition: grade.Hold, Marks: []grade.Mark{{Of: "data", Reasons: []grade.Reason{{Code: "x", Text: strings.Repeat("x", 1001)}}}}}, nil, certs.Storage{State: certs.StorageNone}, false},
	} {
		if c.storage.Reasons == nil {
			c.storage.Reasons = []inventory.Reason{}
		}
		u := certs.Unit{Header: wiped(s).Header, Disposition: c.goes, Grade: c.grade, Drives: c.drives, Storage: c.storage}
		_, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, u)
		if c.good && err != nil || !c.good && !errors.Is(err, certs.ErrContradiction) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
