package job_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/report"
)

// bench is a station with one simulated drive in front of it.
type bench struct {
	*testing.T
	station *job.Station
	drive   *drivesim.Drive
	accept  erase.Method
	// cancelled is true when somebody leaves before the run begins.
	cancelled bool
}

func newBench(t *testing.T, profile string) *bench {
	t.Helper()
	p, err := drivesim.FindProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	drives, err := drivesim.New(p, drivesim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := stationIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.Now, s.Wait = drives[0].Now, drives[0].Wait
	return &bench{T: t, station: s, drive: drives[0]}
}

// stationIn is the station that keeps its things in a folder.
func stationIn(dir string) (*job.Station, error) {
	signer, _, err := certs.OpenKeys(filepath.Join(dir, "keys")).Signer(func() ([]byte, error) { return nil, nil }, time.Now(), rand.Reader)
	if err != nil {
		return nil, err
	}
	s := &job.Station{Signer: signer, Mode: certs.ModeReal, Language: "en", Tool: certs.Tool{Name: "ombruk"}, Rand: rand.Reader, Now: time.Now, ClockSource: "test"}
	if s.Folder, err = record.OpenFolder(filepath.Join(dir, "out")); err != nil {
		return nil, err
	}
	if s.Chain, err = record.OpenChain(filepath.Join(dir, "chain"), signer.ID()); err != nil {
		return nil, err
	}
	if s.Pending, err = record.OpenPending(filepath.Join(dir, "pending")); err != nil {
		return nil, err
	}
	text, err := lang.For("en")
	if err != nil {
		return nil, err
	}
	s.Pages, err = report.New(text)
	return s, err
}

// run is one start of the program: plan, run, record. It ends early after a
// number of waits, 0 for never.
func (b *bench) run(cancelAfter int) (job.Done, erase.Plan) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	facts := b.drive.Facts()
	var err error
	if facts.Abilities, err = b.drive.Probe(ctx); err != nil {
		b.Fatal(err)
	}
	standard, err := erase.FindStandard("nist-800-88r2-purge")
	if err != nil {
		b.Fatal(err)
	}
	resume, err := b.station.Resume(facts)
	if err != nil {
		b.Fatal(err)
	}
	o := erase.Order{Standard: standard, Rules: policy.Default().Rules, Accept: b.accept, AcceptBy: "test"}
	if resume != nil {
		o.Resume, o.Password = &resume.Journal, true
	}
	plan, err := erase.MakePlan(facts, o)
	if err != nil {
		b.Fatal(err)
	}
	device, err := b.drive.Device(ctx, drive.Secrets{})
	if err != nil {
		b.Fatal(err)
	}
	if !plan.Resumes() {
		resume = nil
	}
	waits := 0
	b.station.Wait = func(ctx context.Context, d time.Duration) error {
		if waits++; waits == cancelAfter {
			cancel()
		}
		return b.drive.Wait(ctx, d)
	}
	started, err := b.station.Begin(job.Task{Plan: plan, Device: device, Machine: inventory.Machine{}, Alongside: 1, Resume: resume}, job.Order{})
	if err != nil {
		b.Fatal(err)
	}
	if b.cancelled {
		cancel()
	}
	done, err := started.Run(ctx, func(job.Event) {})
	if err != nil {
		b.Fatal(err)
	}
	return done, plan
}

func (b *bench) pending() bool {
	b.Helper()
	r, err := b.station.Resume(b.drive.Facts())
	if err != nil {
		b.Fatal(err)
	}
	return r != nil
}

// Somebody presses Ctrl-C while a disk overwrites itself for hours, and switches
// the machine off. The next start knows and awaits it.
func TestSanitizeIsTakenUpByTheNextStart(t *testing.T) {
	b := newBench(t, "ata-hdd")
	first, _ := b.run(5)
	if first.Record.Outcome != erase.Interrupted || !b.pending() {
		t.Fatalf("outcome %v, pending %v, %v", first.Record.Outcome, b.pending(), first.Record.Exceptions)
	}
	b.drive.PowerCycle()
	second, plan := b.run(0)
	if !plan.Resumes() || second.Record.Outcome != erase.Sanitized || second.Record.Achieved.Method != erase.Purge || second.Record.Verification.Markers == 0 {
		t.Errorf("resumes %v, outcome %v, %v, %+v", plan.Resumes(), second.Record.Outcome, second.Record.Exceptions, second.Record.Verification)
	}
	if n := b.drive.Truth().OriginalBytes(drivesim.Everything); n > 0 {
		t.Errorf("%d original bytes are left", n)
	}
	if b.pending() {
		t.Error("the journal still tells of it")
	}
}

// The power goes during a security erase: the drive comes back locked with our
// password. The next start opens it and erases it.
func TestDriveLockedByAPowerCutIsOpened(t *testing.T) {
	b := newBench(t, "ata-ssd-security-power-cut")
	b.accept = erase.Clear
	first, _ := b.run(0)
	if first.Record.Outcome.Clean() || !b.pending() {
		t.Fatalf("outcome %v, pending %v, %v", first.Record.Outcome, b.pending(), first.Record.Exceptions)
	}
	b.drive.PowerCycle()
	// Somebody starts it and leaves at once: that run knows nothing of the
	// erase, and what the journal holds must outlast it.
	b.cancelled = true
	if left, _ := b.run(0); left.Record.Outcome.Clean() || !b.pending() {
		t.Fatalf("outcome %v, pending %v", left.Record.Outcome, b.pending())
	}
	b.cancelled = false
	second, _ := b.run(0)
	if !second.Record.Outcome.Clean() || b.pending() {
		t.Errorf("outcome %v, pending %v, %+v", second.Record.Outcome, b.pending(), second.Record.Exceptions)
	}
	if n := b.drive.Truth().OriginalBytes(drivesim.Addressable); n > 0 {
		t.Errorf("%d original bytes are left", n)
	}
}

// An entry that somebody else's station made, or that is about another drive, is
// no journal of ours.
func TestForeignJournalIsRefused(t *testing.T) {
	b := newBench(t, "ata-hdd")
	b.run(5)
	facts := b.drive.Facts()
	other := newBench(t, "ata-hdd")
	other.station.Pending = b.station.Pending
	if r, err := other.station.Resume(facts); r != nil || err == nil {
		t.Errorf("another station takes it: %v, %v", r, err)
	}
	facts.Firmware = "newer" // still the same drive
	if r, err := b.station.Resume(facts); r == nil || err != nil {
		t.Errorf("its own is gone: %v", err)
	}
}
