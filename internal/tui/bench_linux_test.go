package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/hands"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
)

// rackWork is a rack of drives by slot, and hands.
type rackWork struct {
	*fakeWork
	slots   map[string]inventory.Drive
	order   []string
	refused map[string]string // by serial
	runs    map[string]*rackRun
	plugs   []hands.Plug
	inputs  error
	beginE  error
	listE   error
	beeps   []int
}

// rackRun is one drive under way.
type rackRun struct {
	row   Row
	emit  func(job.Event)
	ended func(Result)
	log   []string
}

func (r *rackRun) Pause(_ string, on bool) bool {
	r.log = append(r.log, fmt.Sprint("pause ", on))
	return true
}
func (r *rackRun) Cancel(string) { r.log = append(r.log, "cancel") }
func (r *rackRun) Wait()         {}

func (w *rackWork) Drives(context.Context) ([]inventory.Drive, error) {
	var out []inventory.Drive
	for _, slot := range w.order {
		if d, ok := w.slots[slot]; ok {
			out = append(out, d)
		}
	}
	return out, w.listE
}

func (w *rackWork) Slot(d inventory.Drive) string {
	for slot, other := range w.slots {
		if other.Path == d.Path {
			return slot
		}
	}
	return ""
}

func (w *rackWork) Plan(ctx context.Context, in Intake, c Choice, paths ...string) ([]Row, error) {
	if len(paths) == 0 {
		return w.fakeWork.Plan(ctx, in, c)
	}
	drives, _ := w.Drives(ctx)
	for _, d := range drives {
		if d.Path != paths[0] {
			continue
		}
		w.note("plan " + d.Serial)
		s, err := erase.FindStandard(c.Standard)
		if err != nil {
			return nil, err
		}
		row := Row{ID: d.Path, Drive: d, Covers: []inventory.Drive{d}, Internal: true, Refused: w.refused[d.Serial], Ways: []string{"Pull it out and put it back."}, Plan: &erase.Plan{
			Drive: d, Standard: s, Requested: erase.Purge, Accepted: erase.Purge, Achieves: erase.Purge, Technique: erase.BlockErase,
			Steps: []erase.Step{{Kind: erase.StepErase, Technique: erase.BlockErase, Command: inventory.ATASanitizeBlock, Title: "block erase"}, {Kind: erase.StepReadBack, Title: "read back"}},
		}}
		return []Row{row}, nil
	}
	return nil, nil
}

func (w *rackWork) Begin(_ context.Context, in Intake, rows []Row, emit func(job.Event), ended func(Result)) (Run, error) {
	if w.beginE != nil {
		return nil, w.beginE
	}
	r := &rackRun{row: rows[0], emit: emit, ended: ended}
	w.note("begin " + rows[0].Drive.Serial + " by " + in.Operator)
	w.runs[rows[0].Drive.Serial] = r
	return r, nil
}

func (w *rackWork) Input(context.Context) (<-chan hands.Event, error) {
	ch := make(chan hands.Event)
	close(ch)
	return ch, w.inputs
}

func (w *rackWork) Plugged() ([]hands.Plug, error) { return w.plugs, nil }

func (w *rackWork) Beep(hertz int, _ time.Duration) { w.beeps = append(w.beeps, hertz) }

// at and end are what happens to a drive that was begun.
func (r *rackRun) at(ppm int64, left int64) {
	r.emit(job.Event{Type: "progress", Path: r.row.ID, Progress: &job.ProgressEvent{Snapshot: erase.Snapshot{Step: 1, Steps: 2, Device: true, DevicePPM: ppm}, ETASeconds: left}})
}

func (r *rackRun) end(word string) {
	done := job.Done{ID: "0198c0de-0000-7000-8000-000000000001", SHA256: strings.Repeat("ab", 32)}
	done.Record.Drive.Model, done.Record.Drive.Serial = r.row.Drive.Model, r.row.Drive.Serial
	r.ended(Result{ID: r.row.ID, Done: done, Answer: Answer{Key: word}})
}

// emptyRack is a bench machine with its own disk in the first of n slots.
func emptyRack(t testing.TB, n int) *rackWork {
	w := &rackWork{fakeWork: ordinary(t), slots: map[string]inventory.Drive{}, refused: map[string]string{}, runs: map[string]*rackRun{}}
	for i := range n {
		w.order = append(w.order, fmt.Sprintf("0000:00:17.0 ata%d 0:0:0", i+1))
	}
	w.slots[w.order[0]] = inventory.Drive{Path: "/dev/sda", Bus: inventory.BusATA, Model: "KINGSTON SA400", Serial: "OWN-DISK", CapacityBytes: 240_057_409_536}
	return w
}

// put puts a drive into a slot, counted from 1.
func (w *rackWork) put(slot int, serial string) {
	w.slots[w.order[slot-1]] = inventory.Drive{Path: fmt.Sprintf("/dev/sd%c", 'a'+slot-1), Bus: inventory.BusATA, Model: "SAMSUNG MZ7LN512", Serial: serial, CapacityBytes: 512_110_190_592}
}

func (w *rackWork) pull(slot int) { delete(w.slots, w.order[slot-1]) }

// playWith is play for a work of another kind.
func playWith(t testing.TB, w *rackWork, setup Setup, tag string, width, height int) *stage {
	t.Helper()
	text, err := lang.For(tag)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, w: w.fakeWork, now: noon()}
	setup.Now = func() time.Time { return s.now }
	s.m = New(context.Background(), w, setup, text, false)
	s.m.wait = func(time.Duration, func(time.Time) tea.Msg) tea.Cmd { return nil }
	s.do(s.m.Init())
	s.send(kept(w.keep))
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

func benchSetup(t testing.TB) Setup {
	setup := usual(t)
	setup.Bench = true
	return setup
}

// armed is a bench that somebody has armed.
func armed(t testing.TB, w *rackWork, tag string, width, height int) *stage {
	t.Helper()
	s := playWith(t, w, benchSetup(t), tag, width, height)
	s.isAt(atBench)
	s.press("a")
	s.write("4711")
	if !s.m.pages[atBench].(*bench).armed {
		t.Fatalf("not armed:\n%s", s.screen())
	}
	return s
}

// look lets the rack be looked at.
func (s *stage) look() { s.t.Helper(); s.tick(lookEvery) }

func (w *rackWork) begun() string {
	var out []string
	for _, l := range w.log {
		if rest, ok := strings.CutPrefix(l, "begin "); ok {
			serial, _, _ := strings.Cut(rest, " ")
			out = append(out, serial)
		}
	}
	return strings.Join(out, " ")
}

// Nothing is touched before the code, and nothing that was there then.
func TestABenchTouchesOnlyWhatIsPutIn(t *testing.T) {
	w := emptyRack(t, 4)
	s := playWith(t, w, benchSetup(t), "en", 80, 24)
	w.put(2, "BEFORE")
	s.look()
	s.sees("Not armed. Nothing is touched.", "left alone")
	s.press("a")
	s.sees("OWN-DISK", "BEFORE", "2 drives are there already", "Type the code 4711")
	s.write("4712")
	s.sees("another code")
	s.scan("4711\n")
	s.sees("by hand")
	if s.m.pages[atBench].(*bench).armed || w.did("plan") {
		t.Fatal("armed by a scanner")
	}
	w.put(3, "LATE") // while somebody types
	s.write("4711")
	s.look()
	s.look()
	s.sees("ARMED")
	if w.did("plan") || w.did("begin") {
		t.Fatalf("touched: %v", w.log)
	}
	// One that goes away and comes back by itself is the same.
	w.pull(1)
	s.look()
	w.slots[w.order[0]] = inventory.Drive{Path: "/dev/sdq", Bus: inventory.BusATA, Model: "KINGSTON SA400", Serial: "OWN-DISK", CapacityBytes: 240_057_409_536}
	s.look()
	w.put(4, "NEW-1")
	s.look()
	if got := w.begun(); got != "NEW-1" {
		t.Fatalf("begun %q: %v", got, w.log)
	}
	if !w.did("begin NEW-1 by Kari Nordmann") {
		t.Errorf("log %v", w.log)
	}
	// Somebody who means it can still say so.
	s.press("home", "down", "r")
	s.sees("Erase SAMSUNG MZ7LN512 BEFORE?")
	s.press("enter") // stands on no
	if w.did("plan BEFORE") {
		t.Fatal("erased without a yes")
	}
	s.press("r", "down", "enter")
	if got := w.begun(); got != "NEW-1 BEFORE" {
		t.Errorf("begun %q", got)
	}
}

// A day at the rack: drives come, are erased, are pulled too early, are refused,
// come back.
func TestADayAtTheRack(t *testing.T) {
	for _, size := range []struct {
		name          string
		width, height int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"40x24", 40, 24}} {
		for _, tag := range []string{"en", "nb"} {
			t.Run(size.name+"-"+tag, func(t *testing.T) {
				shot := func(s *stage, name string) {
					if tag == "en" || size.width == fullWidth {
						s.golden(name + "-" + size.name + "-" + tag)
					}
				}
				w := emptyRack(t, 24)
				s := playWith(t, w, benchSetup(t), tag, size.width, size.height)
				shot(s, "bench-start")
				s.press("a")
				shot(s, "bench-code")
				s.write("4711")
				for slot := 2; slot <= 24; slot++ {
					w.put(slot, fmt.Sprintf("S3Z8NB0K%04d", slot))
				}
				w.refused["S3Z8NB0K0007"] = "It is frozen."
				s.look()
				for slot := 2; slot <= 24; slot++ {
					if r := w.runs[fmt.Sprintf("S3Z8NB0K%04d", slot)]; r != nil {
						r.at(int64(slot)*40_000, int64(slot)*7)
					}
				}
				s.tick(rateEvery)
				w.runs["S3Z8NB0K0002"].end("word.clean")
				w.runs["S3Z8NB0K0003"].end("word.destroy")
				w.runs["S3Z8NB0K0004"].end("word.clean-with-exceptions")
				w.pull(9)
				s.look()
				s.look()
				shot(s, "bench")
				s.press("home", "down", "down", "down", "down", "down", "down", "enter")
				shot(s, "bench-bay")
				s.sees("S3Z8NB0K0007")
				s.press("esc", "r") // look at it again
				if n := strings.Count(strings.Join(w.log, "\n"), "plan S3Z8NB0K0007"); n != 2 {
					t.Errorf("planned %d times", n)
				}
				s.press("?")
				shot(s, "bench-help")
			})
		}
	}
}

func TestWhatHappensToDrivesInARack(t *testing.T) {
	w := emptyRack(t, 6)
	s := armed(t, w, "en", 80, 24)
	b := s.m.pages[atBench].(*bench)
	bay := func(slot int) *bay {
		for _, y := range b.bays {
			if y.slot == w.order[slot-1] {
				return y
			}
		}
		t.Fatalf("no bay for slot %d", slot)
		return nil
	}
	// Erased, pulled out, and free again.
	w.put(2, "A")
	s.look()
	w.runs["A"].end("word.clean")
	s.look()
	if y := bay(2); y.state != bayEnded {
		t.Fatalf("state %d", y.state)
	}
	if len(w.beeps) == 0 || w.beeps[len(w.beeps)-1] != 880 {
		t.Errorf("beeps %v", w.beeps)
	}
	y := bay(2)
	y.work.result.Done.Record.Exceptions = []erase.Exception{{Code: "at-work"}}
	s.sees("LEAVE IT IN")
	y.work.result.Done.Record.Exceptions = nil
	w.pull(2)
	s.look()
	if y := bay(2); y.state != bayFree {
		t.Fatalf("state %d", y.state)
	}
	// The same one again, elsewhere: not without asking.
	w.put(3, "A")
	s.look()
	if y := bay(3); y.state != bayAgain || w.begun() != "A" {
		t.Fatalf("state %d, begun %q", y.state, w.begun())
	}
	w.pull(3)
	// Pulled out half-way: its place says so until something else is put in,
	// and what is put in before the record is closed waits.
	w.put(4, "B")
	s.look()
	w.runs["B"].at(300_000, 60)
	w.pull(4)
	s.look()
	s.sees("PULLED OUT")
	w.put(4, "C")
	s.look()
	s.look()
	if w.begun() != "A B" {
		t.Fatalf("begun %q before the record was closed", w.begun())
	}
	w.runs["B"].end("word.unfinished")
	s.look()
	s.look()
	if w.begun() != "A B C" {
		t.Errorf("begun %q", w.begun())
	}
	w.runs["C"].at(100_000, 60)
	w.pull(4)
	s.look()
	w.runs["C"].end("word.unfinished")
	s.look()
	s.look()
	if y := bay(4); y.state != bayEnded || !y.gone {
		t.Errorf("state %d, gone %v", y.state, y.gone)
	}
	w.put(4, "D")
	s.look()
	if w.begun() != "A B C D" {
		t.Errorf("begun %q", w.begun())
	}
	// Nothing was begun, and why.
	w.beginE = errors.New("save the started record: the stick is full")
	w.put(5, "E")
	s.look()
	s.press("end", "enter")
	s.sees("NOT BEGUN", "the stick is full")
	w.beginE = nil
	s.press("r", "esc")
	if w.begun() != "A B C D E" {
		t.Errorf("begun %q", w.begun())
	}
	// Pause and cancel reach the one it stands on.
	s.press("p", "c", "down", "enter")
	if got := strings.Join(w.runs["E"].log, " "); got != "pause true cancel" {
		t.Errorf("E: %q", got)
	}
	if got := strings.Join(w.runs["D"].log, " "); got != "" {
		t.Errorf("D: %q", got)
	}
	// While drives are at work nobody leaves.
	s.press("o")
	s.press("ctrl+c")
	if s.quit {
		t.Error("left")
	}
	// A look that fails says nothing about what is in the rack.
	w.listE = errors.New("read /sys/block: gone")
	s.look()
	s.sees("read /sys/block: gone")
	if bay(5).state != bayWork {
		t.Error("the bay was given up")
	}
}

// A drive without a serial is not taken for one that was done.
func TestDrivesWithoutASerialInARack(t *testing.T) {
	w := emptyRack(t, 3)
	s := armed(t, w, "en", 80, 24)
	w.put(2, "")
	s.look()
	w.runs[""].end("word.clean")
	s.look()
	w.put(3, "")
	s.look()
	if n := strings.Count(strings.Join(w.log, "\n"), "begin "); n != 2 {
		t.Errorf("begun %d: %v", n, w.log)
	}
}

// Another drive comes to the same path between look and plan.
func TestAnotherDriveInTheSamePlace(t *testing.T) {
	w := emptyRack(t, 2)
	s := armed(t, w, "en", 80, 24)
	b := s.m.pages[atBench].(*bench)
	w.put(2, "SEEN")
	look := b.look()
	msg := look()
	w.put(2, "CAME-AFTER")
	s.send(msg)
	if w.begun() != "" || b.bays[1].state != bayLeft {
		t.Errorf("begun %q, state %d", w.begun(), b.bays[1].state)
	}
	s.look()
	if w.begun() != "CAME-AFTER" {
		t.Errorf("begun %q", w.begun())
	}
}

func TestBaysAreNumberedAsPeopleCount(t *testing.T) {
	for _, pair := range [][2]string{{"ata2", "ata10"}, {"0000:00:17.0 ata9", "0000:00:17.0 ata10"}, {"2-1", "2-1.3"}, {"1-2", "2-1"}} {
		if natural(pair[0], pair[1]) >= 0 || natural(pair[1], pair[0]) <= 0 || natural(pair[0], pair[0]) != 0 {
			t.Errorf("%v", pair)
		}
	}
}

// A drive with two ports is one drive: two runs on it would overwrite each
// other's markers.
func TestADriveWithTwoPortsInARack(t *testing.T) {
	w := emptyRack(t, 3)
	s := armed(t, w, "en", 80, 24)
	w.put(2, "DUAL")
	w.put(3, "DUAL")
	for slot, other := range map[int]int{2: 3, 3: 2} {
		d := w.slots[w.order[slot-1]]
		d.AlsoAt = []string{w.slots[w.order[other-1]].Path}
		w.slots[w.order[slot-1]] = d
	}
	s.look()
	if w.begun() != "DUAL" {
		t.Errorf("begun %q", w.begun())
	}
}
