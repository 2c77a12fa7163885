package job_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/inventory"
)

// stick is what holds the records, the chain and the journals of a bench.
type stick struct {
	*bench
	dir string
	// standard is what is ordered; empty means the default.
	standard string
}

// checked is a drive that tells when it is looked at for the last time.
type checked struct {
	job.Device
	during func()
}

func (d checked) Check() error {
	d.during()
	return d.Device.Check()
}

func newStick(t *testing.T) *stick {
	b := newBench(t, "ata-hdd")
	return &stick{bench: b, dir: filepath.Dir(b.station.Folder.Dir())}
}

// pull takes the stick out. Left is what stays where it was: nothing, or the
// empty folders that it was mounted on.
func (s *stick) pull(left ...string) {
	if err := os.Rename(s.dir, s.dir+".pulled"); err != nil {
		s.Error(err)
	}
	for _, name := range left {
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o755); err != nil {
			s.Error(err)
		}
	}
}

// putBack puts it in again.
func (s *stick) putBack() {
	if err := errors.Join(os.RemoveAll(s.dir), os.Rename(s.dir+".pulled", s.dir)); err != nil {
		s.Error(err)
	}
}

// erase erases the drive; during is called while the drive is at work.
func (s *stick) erase(ctx context.Context, during func()) (job.Done, []job.Event, error) {
	s.Helper()
	facts := s.drive.Facts()
	var err error
	if facts.Abilities, err = s.drive.Probe(ctx); err != nil {
		s.Fatal(err)
	}
	standard, err := erase.FindStandard(cmp.Or(s.standard, "nist-800-88r2-purge"))
	if err != nil {
		s.Fatal(err)
	}
	plan, err := erase.MakePlan(facts, erase.Order{Standard: standard, Rules: policy.Default().Rules, AcceptBy: "test"})
	if err != nil {
		s.Fatal(err)
	}
	opened, err := s.drive.Device(ctx, drive.Secrets{})
	if err != nil {
		s.Fatal(err)
	}
	device := job.Device(opened)
	if plan.Command == "" {
		device = checked{opened, during}
	}
	waits := 0
	s.station.Wait = func(ctx context.Context, d time.Duration) error {
		if waits++; waits == 3 {
			during()
		}
		return s.drive.Wait(ctx, d)
	}
	started, err := s.station.Begin(job.Task{Plan: plan, Device: device, Machine: inventory.Machine{}, Alongside: 1}, job.Order{})
	if err != nil {
		s.Fatal(err)
	}
	var events []job.Event
	done, err := started.Run(ctx, func(e job.Event) { events = append(events, e) })
	return done, events, err
}

func held(events []job.Event) (troubles []string) {
	for _, e := range events {
		if e.Type == "held" {
			troubles = append(troubles, e.Held.Trouble)
		}
	}
	return troubles
}

// Somebody pulls the stick out while a drive erases itself, or is overwritten, and
// the run ends before it is back. The record waits in memory and is closed as if
// nothing had happened: number 1, no gap before the next one, and no journal that
// the next run would go on from.
func TestRecordWaitsForThePulledStick(t *testing.T) {
	floor := []string{"out", "chain", "pending"}
	for _, c := range []struct {
		name, standard string
		left           []string
	}{
		{"nothing is left behind", "", nil},
		{"empty mount points are left behind", "", floor},
		{"overwritten, and nothing is left behind", "zero", nil},
		{"overwritten, and empty mount points are left behind", "zero", floor},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStick(t)
			s.standard = c.standard
			asked := 0
			s.station.Again = func(ctx context.Context, err error) bool {
				if record.Trouble(err) != record.TroubleGone {
					t.Errorf("asked because of %v", err)
				}
				// The first answer comes too early.
				if asked++; asked == 2 {
					s.putBack()
				}
				return true
			}
			done, events, err := s.erase(t.Context(), func() { s.pull(c.left...) })
			if err != nil || done.Err != nil || done.Record.Outcome != erase.Sanitized || done.Record.Sequence != 1 {
				t.Fatalf("outcome %v, number %d, %v, %v", done.Record.Outcome, done.Record.Sequence, done.Err, err)
			}
			if got, want := held(events), []string{"gone", "gone"}; !slices.Equal(got, want) {
				t.Errorf("held %v, want %v", got, want)
			}
			b, err := os.ReadFile(done.EvidencePath)
			if r, openErr := certs.Open(b); err != nil || openErr != nil || r.Sanitization.Outcome != erase.Sanitized || certs.Digest(b) != done.SHA256 {
				t.Errorf("%v, %v", err, openErr)
			}
			if s.pending() {
				t.Error("the journal still tells of the erase")
			}
			next, err := s.station.Unit(job.UnitReport{Began: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			if b, err = os.ReadFile(next.EvidencePath); err != nil {
				t.Fatal(err)
			}
			if r, err := certs.Open(b); err != nil || r.Header.Sequence != 2 || r.Header.Previous != done.SHA256 {
				t.Errorf("next is %+v, %v", r, err)
			}
		})
	}
}

// The stick that comes back is another one: its chain is not ours and it knows
// nothing of the record.
func TestRecordIsNotPutOnAnotherStick(t *testing.T) {
	s, other := newStick(t), newStick(t)
	tries := 0
	s.station.Again = func(context.Context, error) bool {
		switch tries++; tries {
		case 1:
			if err := errors.Join(os.RemoveAll(s.dir), os.CopyFS(s.dir, os.DirFS(other.dir))); err != nil {
				t.Error(err)
			}
			return true
		default:
			return false
		}
	}
	done, events, err := s.erase(t.Context(), func() { s.pull() })
	if err == nil || record.Trouble(err) != record.TroubleGone || len(held(events)) != 2 || done.Record.Outcome != erase.Sanitized {
		t.Errorf("%v, events %v, outcome %v", err, held(events), done.Record.Outcome)
	}
	if closed, _, _, err := record.Tally(s.station.Folder.Dir()); err != nil || closed != 0 {
		t.Errorf("%d records are on the other stick, %v", closed, err)
	}
	// With its own stick the next start closes the record and says that
	// nothing is known of it; it does not call the drive clean.
	s.putBack()
	if id, err := record.StartedIDs(s.station.Folder.Dir()); err != nil || !slices.Equal(id, []string{done.ID}) {
		t.Errorf("started %v, %v", id, err)
	}
}

// What could not be closed is not begun: the folder for the records is there, but
// the chain is on the stick that was pulled out.
func TestNothingIsBegunWithoutTheChain(t *testing.T) {
	for _, left := range [][]string{{"out"}, {"out", "chain"}} {
		s := newStick(t)
		s.pull(left...)
		_, err := s.station.Begin(job.Task{}, job.Order{})
		if record.Trouble(err) != record.TroubleGone {
			t.Errorf("with %v there: %v", left, err)
		}
		if ids, err := record.StartedIDs(s.station.Folder.Dir()); err != nil || len(ids) > 0 {
			t.Errorf("with %v there, %v were started, %v", left, ids, err)
		}
	}
}

// A cancelled run owes its record as well, and waits for the stick with it.
func TestCancelledRunWaitsForTheStickToo(t *testing.T) {
	s := newStick(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.station.Again = func(ctx context.Context, err error) bool {
		if ctx.Err() != nil {
			t.Error("the program has ended, it seems")
		}
		s.putBack()
		return true
	}
	done, _, err := s.erase(ctx, func() { s.pull(); cancel() })
	if err != nil || done.Record.Outcome != erase.Interrupted || done.Record.Sequence != 1 {
		t.Errorf("outcome %v, %v", done.Record.Outcome, err)
	}
}

// Without anybody to ask, the error is returned, and the started record is what
// the next start finds.
func TestRecordWithoutAnybodyToAsk(t *testing.T) {
	s := newStick(t)
	done, _, err := s.erase(t.Context(), func() { s.pull() })
	if record.Trouble(err) != record.TroubleGone || done.EvidencePath != "" {
		t.Errorf("%v, %q", err, done.EvidencePath)
	}
}

// The page could not be written, the record was: the next try makes the page
// and gives no second number.
func TestTryAgainAfterTheRecordIsThere(t *testing.T) {
	s := newStick(t)
	s.station.Again = func(_ context.Context, err error) bool {
		pages, globErr := filepath.Glob(filepath.Join(s.station.Folder.Dir(), "*.pdf"))
		if globErr != nil || len(pages) != 1 {
			t.Fatalf("asked because of %v, with %v in the way, %v", err, pages, globErr)
		}
		if err := os.RemoveAll(pages[0]); err != nil {
			t.Error(err)
		}
		return true
	}
	done, events, err := s.erase(t.Context(), func() {
		ids, err := record.StartedIDs(s.station.Folder.Dir())
		if err == nil {
			err = os.MkdirAll(s.station.Folder.Path(ids[0], ".pdf")+"/in the way", 0o755)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil || done.Record.Sequence != 1 || len(held(events)) != 1 {
		t.Errorf("number %d, held %v, %v", done.Record.Sequence, held(events), err)
	}
}

// The last thing of all went wrong, taking away what only an open record needs:
// the next try ends it, whatever is gone already.
func TestTryAgainAfterTheRecordIsClosed(t *testing.T) {
	for _, suffix := range []string{".key.json", ".started.json"} {
		s := newStick(t)
		var way string
		s.station.Again = func(_ context.Context, err error) bool {
			if way == "" || os.RemoveAll(way) != nil {
				t.Fatalf("asked because of %v", err)
			}
			way = ""
			return true
		}
		done, events, err := s.erase(t.Context(), func() {
			ids, err := record.StartedIDs(s.station.Folder.Dir())
			if err == nil {
				way = filepath.Join(s.station.Folder.Dir(), "."+ids[0]+suffix+".new")
				err = os.MkdirAll(filepath.Join(way, "in the way"), 0o755)
			}
			if err != nil {
				t.Error(err)
			}
		})
		if err != nil || done.Record.Sequence != 1 || len(held(events)) != 1 {
			t.Errorf("%s: number %d, held %v, %v", suffix, done.Record.Sequence, held(events), err)
		}
		if left, _ := filepath.Glob(filepath.Join(s.station.Folder.Dir(), "*"+suffix)); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	}
}

// Whatever is closed, the machine's record too, is on the other stick.
func TestRecordsGoToTheOtherStickToo(t *testing.T) {
	s := newStick(t)
	second := filepath.Join(t.TempDir(), "records")
	s.station.Folder.Mirror(second)
	done, _, err := s.erase(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	unit, err := s.station.Unit(job.UnitReport{Began: time.Now(), Drives: []certs.UnitDrive{{Path: "/dev/sda", RecordID: done.ID, SHA256: done.SHA256,
		Outcome: done.Record.Outcome, Achieved: done.Record.Achieved.Method}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.station.Folder.MirrorSettled(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{done.EvidencePath, done.PagePath, unit.EvidencePath, unit.PagePath} {
		ours, err := os.ReadFile(file)
		theirs, err2 := os.ReadFile(filepath.Join(second, filepath.Base(file)))
		if err != nil || err2 != nil || !slices.Equal(ours, theirs) {
			t.Errorf("%s: %v, %v", filepath.Base(file), err, err2)
		}
	}
}
