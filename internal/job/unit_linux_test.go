package job_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/inventory"
)

func TestWhatBecameOfAMachinesStorage(t *testing.T) {
	clean := certs.UnitDrive{Path: "/dev/sda", RecordID: "x", SHA256: "y", Outcome: erase.Sanitized, Achieved: erase.Purge}
	left := certs.UnitDrive{Path: "/dev/sdb", NotTouched: "it is mounted"}
	seen := inventory.Controller{PCIID: "8086:a352", Driver: "ahci", Mode: inventory.ModeAHCI, Drives: 1}
	idle := inventory.Controller{PCIID: "8086:a352", Driver: "ahci", Mode: inventory.ModeAHCI}
	hidden := inventory.Controller{PCIID: "8086:9a0b", Mode: inventory.ModeVMD}
	type cs = []inventory.Controller
	for _, c := range []struct {
		name        string
		controllers cs
		drives      []certs.UnitDrive
		graded      bool
		want        certs.StorageState
		code        string
	}{
		{"every drive is done", cs{seen}, []certs.UnitDrive{clean}, false, certs.StorageTreated, ""},
		{"one was left", cs{seen}, []certs.UnitDrive{clean, left}, false, certs.StoragePartly, ""},
		{"one is done and one may be hidden", cs{seen, hidden}, []certs.UnitDrive{clean}, false, certs.StorageUnreachable, "vmd"},
		{"none is there", cs{idle}, nil, false, certs.StorageNone, "nothing-attached"},
		{"none is seen", cs{idle, hidden}, nil, false, certs.StorageUnreachable, "vmd"},
		{"graded", cs{seen}, []certs.UnitDrive{left}, true, certs.StorageNotHandled, certs.ReasonGraded},
	} {
		m := inventory.Machine{Controllers: c.controllers}
		got := job.StorageOf(m, c.drives, c.graded)
		if got.State != c.want || (c.code != "") != (len(got.Reasons) == 1) || c.code != "" && got.Reasons[0].Code != c.code {
			t.Errorf("%s: %+v, want %s %s", c.name, got, c.want, c.code)
		}
		if err := (certs.Unit{Machine: m, Drives: c.drives, Storage: got}).Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The clock was wrong and somebody typed the date: the records say whose time it
// is, and that nobody can rely on it.
func TestDateThatTheOperatorConfirmed(t *testing.T) {
	s := newStick(t)
	s.station.ClockSource, s.station.ClockTrusted = "operator", false
	done, _, err := s.erase(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	unit, err := s.station.Unit(job.UnitReport{Began: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{done.EvidencePath, done.PagePath, unit.EvidencePath, unit.PagePath} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := certs.Verify(file, b, nil, time.Now())
		if v.Integrity != certs.IntegrityOK || v.TimeSource != certs.TimeNotEstablished || v.Time == "" {
			t.Errorf("%s: %+v", file, v)
		}
	}
	if c := done.Record.Clock; c.Source != "operator" || c.Trusted {
		t.Errorf("clock %+v", c)
	}
}

// What the host of a virtual machine hands it there may be a password.
func TestMakersStringsStayOutOfTheRecord(t *testing.T) {
	s := newStick(t)
	m := inventory.Machine{OEMStrings: []string{"io.systemd.credential:vmm.root=hunter2"}}
	done, err := s.station.Unit(job.UnitReport{Machine: m, Began: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := os.ReadFile(done.EvidencePath)
	if err != nil {
		t.Fatal(err)
	}
	record, err := certs.Open(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := record.Unit.Machine.OEMStrings; len(got) != 0 {
		t.Errorf("the record has %q", got)
	}
}

// A record that contradicts itself is not made, however often somebody tries.
func TestRecordThatCannotBeMadeIsNotTriedAgain(t *testing.T) {
	s := newStick(t)
	s.station.Again = func(_ context.Context, err error) bool {
		t.Errorf("asked whether to try again after %v", err)
		return false
	}
	touched := []certs.UnitDrive{{Path: "/dev/sda", RecordID: "x", SHA256: "y", Outcome: erase.Failed}}
	if _, err := s.station.Unit(job.UnitReport{Began: time.Now(), Graded: true, Drives: touched}); !errors.Is(err, certs.ErrContradiction) {
		t.Errorf("a graded machine was erased, and its record says %v", err)
	}
}
