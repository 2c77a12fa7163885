package job_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
)

// deskEnv tells a process of this test where it is to do one start of the
// program on an image file.
const deskEnv = "OMBRUK_TEST_DESK"

// desk is a station with an image file in front of it.
type desk struct {
	dir string
	// every is the least time between two entries of the journal.
	every time.Duration
	// during is called with the job before it runs.
	during func(*job.Started)
}

func (d desk) image() string { return filepath.Join(d.dir, "drive.img") }

// start is one start of the program: what was left open is closed, then the
// image is overwritten with a key stream.
func (d desk) start(ctx context.Context, emit func(job.Event)) (done job.Done, plan erase.Plan, err error) {
	s, err := stationIn(d.dir)
	if err != nil {
		return done, plan, err
	}
	if err := s.Recover(func(job.Event) {}); err != nil {
		return done, plan, err
	}
	_, named, errs := inventory.Source{}.Targets(ctx, d.image())
	if err := errors.Join(errs...); err != nil || len(named) != 1 {
		return done, plan, fmt.Errorf("%d targets: %w", len(named), err)
	}
	o := erase.Order{Rules: policy.Default().Rules}
	if o.Standard, err = erase.FindStandard("random"); err != nil {
		return done, plan, err
	}
	resume, err := s.Resume(named[0])
	if err != nil {
		return done, plan, err
	}
	if resume != nil {
		o.Resume = &resume.Journal
	}
	if plan, err = erase.MakePlan(named[0], o); err != nil {
		return done, plan, err
	}
	if !plan.Resumes() {
		resume = nil
	}
	device, err := drive.Open(named[0], inventory.Source{}.Facts)
	if err != nil {
		return done, plan, err
	}
	started, err := s.Begin(job.Task{Plan: plan, Device: device, Resume: resume, Alongside: 1},
		job.Order{Policy: certs.Policy{Name: policy.Default().Name, SHA256: policy.Default().SHA256}, KeepKey: true, JournalEvery: d.every, Every: time.Millisecond})
	if err != nil {
		return done, plan, err
	}
	if d.during != nil {
		d.during(started)
	}
	done, err = started.Run(ctx, emit)
	return done, plan, err
}

func newDesk(t *testing.T, sizeBytes int) desk {
	t.Helper()
	d := desk{dir: t.TempDir(), every: time.Millisecond}
	if err := os.WriteFile(d.image(), bytes.Repeat([]byte("patient record\n"), sizeBytes/15+1)[:sizeBytes], 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestInAnotherProcess is no test: it is what the next one starts and kills.
func TestInAnotherProcess(t *testing.T) {
	dir := os.Getenv(deskEnv)
	if dir == "" {
		t.Skip("only for the test that starts it")
	}
	if _, _, err := (desk{dir: dir, every: time.Millisecond}).start(t.Context(), func(e job.Event) {
		switch {
		case e.Type == "started":
			fmt.Println(0)
		case e.Progress != nil:
			fmt.Println(e.Progress.AllDone * 100 / max(e.Progress.AllSize, 1)) // percent
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// The power goes at any moment, more than once. The next start goes on where the
// last one was, and what is then called sanitized is, judged from outside.
func TestKilledOverwriteGoesOn(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatalf("needs openssl: %v", err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	wentOn := 0
	for range rounds {
		d := newDesk(t, 64<<20+512)
		for range 2 {
			cmd := exec.Command(os.Args[0], "-test.run=^TestInAnotherProcess$")
			cmd.Env = append(os.Environ(), deskEnv+"="+d.dir)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			// By how far it has got, since nobody knows how long it takes here; a
			// few are let run to their end.
			moment := random.IntN(110)
			for lines := bufio.NewScanner(out); lines.Scan(); {
				if percent, err := strconv.Atoi(lines.Text()); err == nil && percent >= moment {
					_ = cmd.Process.Signal(syscall.SIGKILL)
				}
			}
			_ = cmd.Wait()
		}
		done, plan, err := d.start(t.Context(), func(job.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Resumes() {
			wentOn++
		}
		if done.Record.Outcome != erase.Sanitized {
			t.Errorf("outcome %v, %v, %v", done.Record.Outcome, done.Err, done.Record.Exceptions)
		}
		d.judge(t, done)
	}
	t.Logf("%d of %d went on", wentOn, rounds)
	if wentOn == 0 && !testing.Short() {
		t.Error("none went on")
	}
}

// judge looks at image and records from outside.
func (d desk) judge(t *testing.T, done job.Done) {
	t.Helper()
	var file struct {
		Key string
		IVs []string
	}
	b, err := os.ReadFile(strings.TrimSuffix(done.EvidencePath, ".evidence.json") + ".key.json")
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	script := `head -c "$(stat -c %s "$1")" /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$2" -iv "$3" | cmp - "$1"`
	if out, err := exec.Command("sh", "-c", script, "sh", d.image(), file.Key, file.IVs[0]).CombinedOutput(); err != nil {
		t.Errorf("openssl and cmp: %v: %s", err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(d.dir, "pending", "*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	covered, size := int64(0), done.Record.Drive.CapacityBytes
	for _, s := range done.Record.Steps {
		if s.Kind == erase.StepOverwrite {
			covered += s.Bytes
		}
		if s.Run == "" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(d.dir, "out", s.Run+".evidence.json"))
		if err != nil {
			t.Errorf("the record that is named: %v", err)
			continue
		}
		r, err := certs.Open(b)
		if err != nil || r.Sanitization.Outcome != erase.Interrupted || r.Sanitization.RandomKeySHA256 != done.Record.RandomKeySHA256 {
			t.Errorf("the earlier run: %v, %v, key %s, want %s", err, r.Sanitization.Outcome, r.Sanitization.RandomKeySHA256, done.Record.RandomKeySHA256)
		}
	}
	if covered != size {
		t.Errorf("the steps cover %d bytes of %d: %+v", covered, size, done.Record.Steps)
	}
}

// Somebody presses Ctrl-C. All that is on the drive by then is kept, however
// seldom the journal is written otherwise.
func TestCancelledOverwriteGoesOn(t *testing.T) {
	d := newDesk(t, 96<<20)
	d.every = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	first, _, err := d.start(ctx, func(e job.Event) {
		if p := e.Progress; p != nil && p.DoneBytes > 8<<20 {
			cancel()
		}
	})
	if err != nil || first.Record.Outcome != erase.Interrupted {
		t.Fatalf("outcome %v, %v", first.Record.Outcome, err)
	}
	done, plan, err := d.start(t.Context(), func(job.Event) {})
	if err != nil || !plan.Resumes() || done.Record.Outcome != erase.Sanitized {
		t.Fatalf("goes on %v, outcome %v, %v", plan.Resumes(), done.Record.Outcome, err)
	}
	if s := done.Record.Steps; s[0].Run != first.ID || s[0].Bytes == 0 || s[1].Kind != erase.StepContinue || s[1].Run != first.ID {
		t.Errorf("steps %+v", s)
	}
	d.judge(t, done)
}

// Two starts of the program plan to go on with the same run. The first does; for
// the second there is nothing that was cut off any more.
func TestTwoGoOnWithTheSameRun(t *testing.T) {
	d := newDesk(t, 96<<20)
	ctx, cancel := context.WithCancel(t.Context())
	if _, _, err := d.start(ctx, func(e job.Event) {
		if p := e.Progress; p != nil && p.DoneBytes > 8<<20 {
			cancel()
		}
	}); err != nil {
		t.Fatal(err)
	}
	_, named, _ := inventory.Source{}.Targets(t.Context(), d.image())
	s, err := stationIn(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Resume(named[0])
	if second == nil || err != nil {
		t.Fatalf("nothing to go on with: %v", err)
	}
	if done, plan, err := d.start(t.Context(), func(job.Event) {}); err != nil || !plan.Resumes() || done.Record.Outcome != erase.Sanitized {
		t.Fatalf("the first: %v, %v", done.Record.Outcome, err)
	}
	if _, err := s.Begin(job.Task{Plan: erase.Plan{Drive: named[0]}, Resume: second}, job.Order{}); err == nil {
		t.Error("the second went on too")
	}
}

// A pause shows in the events and does not spoil speed and time left.
func TestPauseShowsInTheEvents(t *testing.T) {
	d := newDesk(t, 32<<20)
	var running *job.Started
	d.during = func(b *job.Started) { running = b }
	seen := 0
	done, _, err := d.start(t.Context(), func(e job.Event) {
		switch p := e.Progress; {
		case p == nil:
		case !p.Paused && seen == 0:
			running.Pause(true)
		case p.Paused:
			if p.BytesPerSecond != 0 {
				t.Errorf("paused at %d bytes per second", p.BytesPerSecond)
			}
			if seen++; seen == 20 {
				running.Pause(false)
			}
		}
	})
	if err != nil || done.Record.Outcome != erase.Sanitized || seen < 20 {
		t.Errorf("outcome %v, %v, seen %d", done.Record.Outcome, err, seen)
	}
}

// A journal that was copied, changed or made elsewhere is no journal of ours.
func TestForeignOverwriteJournalIsRefused(t *testing.T) {
	cutOff := func(t *testing.T) (desk, inventory.Drive, *job.Station) {
		d := newDesk(t, 96<<20)
		ctx, cancel := context.WithCancel(t.Context())
		if _, _, err := d.start(ctx, func(e job.Event) {
			if p := e.Progress; p != nil && p.DoneBytes > 8<<20 {
				cancel()
			}
		}); err != nil {
			t.Fatal(err)
		}
		_, named, _ := inventory.Source{}.Targets(t.Context(), d.image())
		s, err := stationIn(d.dir)
		if err != nil {
			t.Fatal(err)
		}
		return d, named[0], s
	}
	d, facts, s := cutOff(t)
	if r, err := s.Resume(facts); r == nil || err != nil {
		t.Fatalf("its own: %v, %v", r, err)
	}
	names, _ := filepath.Glob(filepath.Join(d.dir, "pending", "*.json"))
	if len(names) != 1 {
		t.Fatalf("entries %v", names)
	}
	own, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	var entry struct {
		Envelope []byte `json:"envelope"`
		Key      string `json:"key"`
	}
	if err := json.Unmarshal(own, &entry); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func() []byte
	}{
		{"another key", func() []byte { return bytes.Replace(own, []byte(entry.Key), []byte(strings.Repeat("ab", 16)), 1) }},
		{"a key that is none", func() []byte { return bytes.Replace(own, []byte(entry.Key), []byte("zz"), 1) }},
		{"half of it", func() []byte { return own[:len(own)/2] }},
		{"empty", func() []byte { return nil }},
		{"a changed envelope", func() []byte {
			e := entry
			e.Envelope = bytes.Clone(e.Envelope)
			e.Envelope[len(e.Envelope)/3] ^= 1
			b, _ := json.Marshal(e)
			return b
		}},
		{"a finished record", func() []byte {
			e := entry
			finished, _ := filepath.Glob(filepath.Join(d.dir, "out", "*.evidence.json"))
			e.Envelope, _ = os.ReadFile(finished[0])
			b, _ := json.Marshal(e)
			return b
		}},
		{"of another station", func() []byte {
			other, _, _ := cutOff(t)
			names, _ := filepath.Glob(filepath.Join(other.dir, "pending", "*.json"))
			b, _ := os.ReadFile(names[0])
			return b
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(names[0], c.change(), 0o600); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Resume(facts); r != nil || err == nil {
				t.Errorf("taken: %+v, %v", r, err)
			}
		})
	}
	// Of another drive: under the name of this one.
	if err := os.WriteFile(names[0], own, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Resume(facts); r == nil || err != nil {
		t.Fatalf("its own again: %v", err)
	}
	copied := desk{dir: d.dir}
	if err := os.Rename(d.image(), filepath.Join(d.dir, "other.img")); err != nil {
		t.Fatal(err)
	}
	_, named, _ := inventory.Source{}.Targets(t.Context(), filepath.Join(copied.dir, "other.img"))
	if r, err := s.Resume(named[0]); r != nil || err != nil {
		t.Errorf("another drive has it: %+v, %v", r, err)
	}
}
