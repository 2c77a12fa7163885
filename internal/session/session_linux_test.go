package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
)

// sitting is a session at simulated drives; what it notes goes to the log.
func sitting(t *testing.T, profiles ...string) (*Session, []inventory.Drive) {
	t.Helper()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	sims, _, err := Simulated(profiles, now, 0)
	if err != nil {
		t.Fatal(err)
	}
	drives, err := sims.Drives(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return &Session{Rig: sims, Note: t.Logf, Now: func() time.Time { return now }}, drives
}

func purge(t *testing.T) erase.Order {
	t.Helper()
	s, err := erase.FindStandard("nist-800-88r2-purge")
	if err != nil {
		t.Fatal(err)
	}
	return erase.Order{Standard: s, Rules: policy.Default().Rules}
}

// One drive of the machine is frozen. What may be done about it decides whether
// the whole machine can be done.
func TestAFrozenDriveIsThawedOnlyWhenThatIsAllowed(t *testing.T) {
	s, drives := sitting(t, "nvme-crypto", "ata-ssd-sanitize-frozen")
	works, err := s.Prepare(t.Context(), Wishes{Order: purge(t)}, drives)
	if err != nil {
		t.Fatal(err)
	}
	if err := Refusal(works); !errors.Is(err, erase.ErrFrozen) {
		t.Fatalf("without leave to suspend: %v, want %v", err, erase.ErrFrozen)
	}
	if works, err = s.Prepare(t.Context(), Wishes{Order: purge(t), Thaw: true}, drives); err != nil || Refusal(works) != nil {
		t.Fatalf("with leave to suspend: %v, %v", err, Refusal(works))
	}
	if err := s.Thaw(t.Context(), works, drives); err != nil {
		t.Fatal(err)
	}
	for _, w := range works {
		if w.Plan.Drive.Abilities.Security.Frozen {
			t.Errorf("%s is still frozen after the machine slept", w.Plan.Drive.Path)
		}
	}
	if len(works[1].before) != 1 || works[1].before[0].Kind != erase.StepThaw {
		t.Errorf("the record would not tell that the machine was suspended: %+v", works[1].before)
	}
	if len(works[0].before) != 0 {
		t.Errorf("the drive that was not frozen is said to have been thawed: %+v", works[0].before)
	}
}

// A drive at work would lose its power; nobody may be in such a hurry.
func TestNothingSleepsWhileADriveIsAtWork(t *testing.T) {
	s, drives := sitting(t, "ata-ssd-sanitize-frozen", "ata-ssd-running")
	works, err := s.Prepare(t.Context(), Wishes{Order: purge(t), Thaw: true}, drives[:1])
	if err != nil || Refusal(works) != nil {
		t.Fatalf("%v, %v", err, Refusal(works))
	}
	err = s.Thaw(t.Context(), works, drives)
	var refused *erase.RefusedError
	if !errors.As(err, &refused) || refused.Path != drives[1].Path || refused.Hint == "" {
		t.Errorf("got %v, want a refusal that names %s and says what to do", err, drives[1].Path)
	}
}

// lateNames are drives whose partitions have names only once they are open.
type lateNames struct {
	*simulators
	opened bool
}

func (r *lateNames) Open(ctx context.Context, drives []inventory.Drive, s drive.Secrets) (job.Device, error) {
	r.opened = true
	return r.simulators.Open(ctx, drives, s)
}

func (r *lateNames) Targets(ctx context.Context, paths ...string) (all, named []inventory.Drive, errs []error) {
	all, named, errs = r.simulators.Targets(ctx, paths...)
	if r.opened {
		named[len(named)-1].Uses = []inventory.Use{{Kind: inventory.UseBootMedium, Holder: "named OMBRUK-DATA"}}
	}
	return all, named, errs
}

// A stick that was put into the rack is seen before its partitions are.
func TestAStickThatIsKnownOnlyWhenItIsOpen(t *testing.T) {
	s, drives := sitting(t, "nvme-crypto", "sas-hdd")
	works, err := s.Prepare(t.Context(), Wishes{Order: purge(t)}, drives)
	if err != nil {
		t.Fatal(err)
	}
	s.Rig = &lateNames{simulators: s.Rig.(*simulators)}
	_, err = s.Begin(t.Context(), nil, inventory.Machine{}, job.Order{}, works)
	var refused *erase.RefusedError
	if !errors.Is(err, erase.ErrBootMedium) || !errors.As(err, &refused) || refused.Path != drives[1].Path {
		t.Errorf("got %v", err)
	}
}

func TestAProfileThatDoesNotExist(t *testing.T) {
	_, _, err := Simulated([]string{"no-such-drive"}, time.Now(), 0)
	if !errors.Is(err, ErrNoProfile) {
		t.Errorf("got %v, want %v", err, ErrNoProfile)
	}
}

// A drive that was written to never stands in the unit report as one that was
// left alone, whatever became of its record and by whichever of its paths it
// was named.
func TestUnitReportOfAnUnrecordedDrive(t *testing.T) {
	clean := certs.Sanitization{Header: certs.Header{ID: "one"}, Drive: certs.DriveFacts{Path: "/dev/sda"}, Outcome: erase.Sanitized, Fulfilled: true}
	found := certs.Sanitization{Header: certs.Header{ID: "two"}, Drive: certs.DriveFacts{Path: "/dev/sdc", Serial: "S2"}, Outcome: erase.Failed}
	works := []Work{{Drives: []inventory.Drive{{Path: "/dev/sda"}}}, {Drives: []inventory.Drive{{Path: "/dev/sdc"}}}}
	all := []inventory.Drive{
		{Path: "/dev/sda", CapacityBytes: 1, Bus: inventory.BusSAS},
		{Path: "/dev/sdb", AlsoAt: []string{"/dev/sdc"}, CapacityBytes: 1, Bus: inventory.BusSAS},
	}
	drives := UnitDrives(works, []job.Done{{ID: "one", Record: clean}, {ID: "two", Record: found}}, []error{nil, errors.New("no space left on device")}, nil, all)
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
	drives := UnitDrives([]Work{{Drives: both}}, []job.Done{{ID: "one", Record: record}}, []error{nil}, nil, both)
	if len(drives) != 1 || drives[0].RecordID != "one" {
		t.Errorf("%+v", drives)
	}
}

// The unit report says what the screen said of a drive that was left alone.
func TestUnitReportOfARefusedDrive(t *testing.T) {
	all := []inventory.Drive{{Path: "/dev/sda", Serial: "S1", CapacityBytes: 1, Bus: inventory.BusATA}, {Path: "/dev/sdb", CapacityBytes: 1, Bus: inventory.BusATA}}
	drives := UnitDrives(nil, nil, nil, map[string]error{"/dev/sda": erase.ErrLocked}, all)
	if len(drives) != 2 || drives[0].NotTouched != erase.ErrLocked.Error() || drives[1].NotTouched != "it was not among the targets" {
		t.Errorf("%+v", drives)
	}
}

// The drive was pulled out when it was done, and another one came to its place.
func TestUnitReportOfADriveInAnothersPlace(t *testing.T) {
	done := inventory.Drive{Path: "/dev/sda", Serial: "S1", CapacityBytes: 1, Bus: inventory.BusATA}
	other := done
	other.Serial = "S2"
	record := certs.Sanitization{Header: certs.Header{ID: "one"}, Drive: certs.DriveFacts{Path: done.Path, Serial: done.Serial}, Outcome: erase.Sanitized, Fulfilled: true}
	drives := UnitDrives([]Work{{Drives: []inventory.Drive{done}}}, []job.Done{{ID: "one", Record: record}}, []error{nil}, nil, []inventory.Drive{other})
	if len(drives) != 2 || drives[1].Serial != other.Serial || drives[1].NotTouched == "" {
		t.Errorf("%+v", drives)
	}
}

// What a drive said is not taken for the word of one that came to its place.
func TestADriveThatCameLaterAnswersForItself(t *testing.T) {
	before, after := &inventory.Abilities{Protocol: "ata"}, &inventory.Abilities{Protocol: "ata", Encrypts: true}
	pulled := inventory.Drive{Path: "/dev/sda", Serial: "OLD", Abilities: before}
	stayed := inventory.Drive{Path: "/dev/sdb", Serial: "STAYED", Abilities: before}
	works := []Work{{Drives: []inventory.Drive{pulled}}, {Drives: []inventory.Drive{stayed}}}
	done := []job.Done{{}, {Drive: inventory.Drive{Path: "/dev/sdb", Serial: "STAYED", Abilities: after}}}
	got := Answered([]inventory.Drive{{Path: "/dev/sda", Serial: "NEW"}, {Path: "/dev/sdb", Serial: "STAYED"}}, works, done)
	if got[0].Abilities != nil || got[1].Abilities != after {
		t.Errorf("got %+v", got)
	}
}
