package tui

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
)

var update = flag.Bool("update", false, "write the golden files")

// noon is when the stories take place.
func noon() time.Time { return time.Date(2026, 11, 22, 14, 2, 0, 0, time.UTC) }

// fakeWork plays a machine, and notes what was asked of it.
type fakeWork struct {
	machine Machine
	rows    func(Choice) []Row
	keep    Keep
	log     []string

	intakeErr, machineErr, planErr, beginErr, closeErr, clockErr error

	emit   func(job.Event)
	ended  func(Result)
	unit   Unit
	began  []Row
	closed struct {
		in      Intake
		rows    []Row
		results []Result
		checks  []Check
		found   Findings
	}
	remains []Remain
	// clears is what Clear makes of a thing, and what is then there.
	clears  func(thing string) (Said, []Remain, error)
	noPause map[string]bool
}

func (w *fakeWork) note(s string) { w.log = append(w.log, s) }

func (w *fakeWork) CheckIntake(Intake) error    { return w.intakeErr }
func (w *fakeWork) Ready(context.Context) error { return nil }
func (w *fakeWork) Machine(context.Context) (Machine, error) {
	return w.machine, w.machineErr
}
func (w *fakeWork) Drives(context.Context) ([]inventory.Drive, error) { return nil, nil }
func (w *fakeWork) Plan(_ context.Context, _ Intake, c Choice, _ ...string) ([]Row, error) {
	w.note("plan")
	if w.planErr != nil {
		return nil, w.planErr
	}
	return w.rows(c), nil
}
func (w *fakeWork) Begin(_ context.Context, _ Intake, rows []Row, emit func(job.Event), ended func(Result)) (Run, error) {
	w.note("begin")
	if w.beginErr != nil {
		return nil, w.beginErr
	}
	w.began, w.emit, w.ended = rows, emit, ended
	return fakeRun{w}, nil
}
func (w *fakeWork) Close(_ context.Context, in Intake, rows []Row, results []Result, found Findings) (Unit, error) {
	w.note("close")
	if w.closeErr != nil {
		return Unit{}, w.closeErr
	}
	w.closed.in, w.closed.rows, w.closed.results, w.closed.checks = in, rows, results, found.Checks
	w.closed.found = found
	return w.unit, nil
}
func (w *fakeWork) Remains(context.Context) ([]Remain, error) { return w.remains, nil }
func (w *fakeWork) Clear(_ context.Context, thing string) (Said, error) {
	w.note("clear " + thing)
	did, there, err := w.clears(thing)
	if err == nil {
		w.remains = there
	}
	return did, err
}
func (w *fakeWork) Keep() Keep { return w.keep }
func (w *fakeWork) SetClock(at time.Time) error {
	w.note("clock " + at.Format(time.RFC3339))
	return w.clockErr
}
func (w *fakeWork) ChooseStick(id string)   { w.note("stick " + id) }
func (w *fakeWork) Speak(text *lang.Text)   { w.note("speak " + text.Tag()) }
func (w *fakeWork) Beep(int, time.Duration) {}
func (w *fakeWork) PowerOff()               { w.note("power off") }

type fakeRun struct{ w *fakeWork }

func (r fakeRun) Pause(id string, on bool) bool {
	if r.w.noPause[id] {
		return false
	}
	r.w.note("pause " + id + map[bool]string{true: " on", false: " off"}[on])
	return true
}
func (r fakeRun) Cancel(id string) { r.w.note("cancel " + id) }
func (r fakeRun) Wait()            {}

// digits draws the code 4711 for ever.
type digits struct{}

func (digits) Read(b []byte) (int, error) {
	// 4711 is 0x1267, and rand.Int takes two bytes with the upper two bits cut.
	for i := range b {
		b[i] = []byte{0x12, 0x67}[i%2]
	}
	return len(b), nil
}

func standard(t testing.TB, id string) erase.Standard {
	t.Helper()
	s, err := erase.FindStandard(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ordinary is a laptop with an NVMe and a SATA drive, started from our stick.
func ordinary(t testing.TB) *fakeWork {
	w := &fakeWork{
		machine: Machine{Machine: inventory.Machine{
			System:   inventory.System{Manufacturer: "Dell Inc.", Model: "Latitude 7400", Serial: "5XK2P13", Class: "laptop", Raw: map[string]string{"bios_version": "1.21.0", "bios_date": "08/11/2022"}},
			CPU:      []inventory.CPU{{Model: "Intel(R) Core(TM) i5-8365U CPU @ 1.60GHz", Cores: 4}},
			Memory:   inventory.Memory{TotalBytes: 16 << 30},
			Firmware: inventory.Firmware{Boot: "uefi", SecureBoot: "on"},
		}},
		keep: Keep{Records: 12, NotHanded: 3, FreeBytes: 14_200_000_000, LastSaved: noon().Add(-time.Minute)},
		unit: Unit{Number: "0198c0de-7b1e-7c3a-9d55-0a1b2c3d4e5f", PagePath: "records/0198c0de.pdf", SHA256: strings.Repeat("5a", 32),
			Disposition: "reuse", Answer: Answer{Key: "word.unit-clean"}},
		noPause: map[string]bool{},
	}
	purge := standard(t, "nist-800-88r2-purge")
	nvme := inventory.Drive{Path: "/dev/nvme0n1", Name: "nvme0n1", Bus: inventory.BusNVMe, Media: inventory.MediaFlash, Model: "SAMSUNG MZVLB512HBJQ-000L7", Serial: "S4EXNX0R123456", Firmware: "EXF72M1Q", CapacityBytes: 512_110_190_592}
	sata := inventory.Drive{Path: "/dev/sda", Name: "sda", Bus: inventory.BusATA, Media: inventory.MediaMagnetic, Model: "WDC WD10SPZX-24Z10", Serial: "WXC1A8123456", CapacityBytes: 1_000_204_886_016}
	boot := inventory.Drive{Path: "/dev/sdb", Name: "sdb", Bus: inventory.BusUSB, Media: inventory.MediaFlash, Model: "OMBRUK-STICK", Serial: "4C5300", CapacityBytes: 16_000_000_000}
	w.rows = func(c Choice) []Row {
		accepted := erase.Purge
		if c.Accept != erase.MethodNone {
			accepted = c.Accept
		}
		chosen, err := erase.FindStandard(c.Standard)
		if err != nil {
			chosen = purge
		}
		rows := []Row{
			{ID: nvme.Path, Drive: nvme, Covers: []inventory.Drive{nvme}, Internal: true, Holds: []string{"Windows (BitLocker) 475 GB", "EFI 260 MB"}, Plan: &erase.Plan{
				Drive: nvme, Standard: chosen, Requested: chosen.Method, Accepted: min(accepted, chosen.Method), AcceptedBy: "order", Achieves: erase.Purge, Technique: erase.CryptoErase, Command: inventory.NVMeSanitizeCrypto,
				Steps: []erase.Step{{Kind: erase.StepMark, Title: "write markers"}, {Kind: erase.StepErase, Technique: erase.CryptoErase, Command: inventory.NVMeSanitizeCrypto, Title: "crypto erase"}, {Kind: erase.StepReadBack, Title: "read back"}},
				Why:   []string{"Crypto erase destroys the key of all data at once."},
			}},
			{ID: sata.Path, Drive: sata, Covers: []inventory.Drive{sata}, Internal: true, Holds: []string{"ext4 \"home\" 1 TB"}, Refused: "Purge is out of reach: the drive has no erase command that counts as Purge.", Ways: []string{"Accept Clear (A).", "Best effort (B): the drive is then to be destroyed."}},
			{ID: boot.Path, Drive: boot, Boot: true, Refused: "boot medium"},
		}
		if accepted == erase.Clear || c.BestEffort || chosen.Method == erase.Clear {
			rows[1].Refused, rows[1].Ways = "", nil
			by := "operator Kari Nordmann"
			rows[1].Plan = &erase.Plan{Drive: sata, Standard: chosen, Requested: chosen.Method, Accepted: min(accepted, chosen.Method), AcceptedBy: by, Achieves: erase.Clear, Technique: erase.Overwrite,
				Steps: []erase.Step{{Kind: erase.StepOverwrite, Technique: erase.Overwrite, Title: "overwrite 1 of 1"}, {Kind: erase.StepReadBack, Title: "read back"}}}
		}
		return rows
	}
	return w
}

func usual(t testing.TB) Setup {
	t.Helper()
	return Setup{
		Agencies:  []Agency{{"971032081", "Statens vegvesen"}, {"971040238", "Kartverket"}, {"874783242", "Nordland fylkeskommune, avdeling for eiendom"}},
		Standards: erase.Standards(),
		Intake:    Intake{Operator: "Kari Nordmann", Order: "4500012345"},
		Choice:    Choice{Standard: "nist-800-88r2-purge"},
		Stick:     true,
		Rand:      digits{},
	}
}

// stage plays a session: keys go in, time passes only when it is told to, and
// commands are carried out at once.
type stage struct {
	t   testing.TB
	m   *Model
	w   *fakeWork
	now time.Time
	// quit is true once the session has ended.
	quit bool
}

func play(t testing.TB, w *fakeWork, setup Setup, tag string, width, height int) *stage {
	t.Helper()
	text, err := lang.For(tag)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, w: w, now: noon()}
	setup.Now = func() time.Time { return s.now }
	s.m = New(context.Background(), w, setup, text, false)
	s.m.wait = func(time.Duration, func(time.Time) tea.Msg) tea.Cmd { return nil }
	s.skipChecks()
	s.do(s.m.Init())
	s.send(kept(w.keep))
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

func (s *stage) do(cmd tea.Cmd) {
	s.t.Helper()
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			s.do(c)
		}
	case tea.QuitMsg:
		s.quit = true
	default:
		s.send(msg)
	}
}

func (s *stage) send(msg tea.Msg) {
	s.t.Helper()
	_, cmd := s.m.Update(msg)
	s.do(cmd)
}

// strike sends a key without waiting for what follows.
func (s *stage) strike(k tea.KeyPressMsg) { s.t.Helper(); s.send(k) }

// settle lets enough time pass for the keyboard to know what the last keys were.
func (s *stage) settle() {
	s.t.Helper()
	s.now = s.now.Add(2 * scanGap)
	s.send(settled{s.m.presses})
	s.now = s.now.Add(scanTail)
}

// press presses keys one after the other, as a person does: names ("enter") or
// characters.
func (s *stage) press(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.strike(keyOf(name))
		s.settle()
	}
}

// write types a text by hand.
func (s *stage) write(text string) {
	s.t.Helper()
	for _, r := range text {
		s.press(string(r))
	}
}

// scan sends a text at a scanner's pace; \n and \t are its Enter and Tab.
func (s *stage) scan(text string) {
	s.t.Helper()
	for _, r := range text {
		s.now = s.now.Add(3 * time.Millisecond)
		switch r {
		case '\n':
			s.strike(keyOf("enter"))
		case '\t':
			s.strike(keyOf("tab"))
		default:
			s.strike(keyOf(string(r)))
		}
	}
	s.settle()
}

func keyOf(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "tab": tea.KeyTab, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"backspace": tea.KeyBackspace, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "f1": tea.KeyF1, "f2": tea.KeyF2, "f3": tea.KeyF3, "f4": tea.KeyF4, "f10": tea.KeyF10,
	}
	if code, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: []rune(rest)[0], Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// tick lets the drives be looked at.
func (s *stage) tick(after time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(after)
	s.send(ticked(s.now))
}

// screen is the window without colours.
func (s *stage) screen() string {
	var b strings.Builder
	for _, l := range s.m.draw() {
		b.WriteString(strings.TrimRight(ansi.Strip(l), " ") + "\n")
	}
	return b.String()
}

func (s *stage) sees(want ...string) {
	s.t.Helper()
	screen := s.screen()
	flat := strings.Join(strings.Fields(screen), " ")
	for _, each := range want {
		if !strings.Contains(flat, each) {
			s.t.Errorf("screen lacks %q:\n%s", each, screen)
		}
	}
}

func (s *stage) lacks(words ...string) {
	s.t.Helper()
	for _, each := range words {
		if strings.Contains(s.screen(), each) {
			s.t.Errorf("screen has %q:\n%s", each, s.screen())
		}
	}
}

func (s *stage) isAt(p place) {
	s.t.Helper()
	if s.m.at != p {
		s.t.Fatalf("at page %d, want %d:\n%s", s.m.at, p, s.screen())
	}
}

// did reports whether something was asked of the work.
func (w *fakeWork) did(what string) bool {
	for _, s := range w.log {
		if strings.HasPrefix(s, what) {
			return true
		}
	}
	return false
}

// golden compares the window with a file.
func (s *stage) golden(name string) {
	s.t.Helper()
	file := filepath.Join("testdata", name+".golden")
	got := s.screen()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("%s differs (go test -update writes it):\ngot\n%s\nwant\n%s", file, got, want)
	}
}

// working sends progress of the two drives of an ordinary machine.
func (s *stage) working() {
	celsius := 41
	s.w.emit(job.Event{Type: "progress", Path: "/dev/nvme0n1", Progress: &job.ProgressEvent{
		Snapshot: erase.Snapshot{Step: 2, Steps: 3, Device: true, DevicePPM: 670_000, RemainingSeconds: 12}, ETASeconds: 12, TemperatureCelsius: &celsius,
	}})
	cool := 38
	s.w.emit(job.Event{Type: "progress", Path: "/dev/sda", Progress: &job.ProgressEvent{
		Snapshot:       erase.Snapshot{Step: 1, Steps: 2, DoneBytes: 420e9, SizeBytes: 1000e9, AllDone: 420e9, AllSize: 2000e9},
		BytesPerSecond: 118e6, ETASeconds: 6660, TemperatureCelsius: &cool,
	}})
	s.tick(rateEvery)
}

// finish ends the two drives of an ordinary machine.
func (s *stage) finish(answers ...string) {
	for i, r := range s.w.began {
		done := job.Done{ID: "0198c0de-0000-7000-8000-00000000000" + string(rune('1'+i)), SHA256: strings.Repeat("ab", 32)}
		done.Record.Drive.Model, done.Record.Drive.Serial, done.Record.Disposition = r.Drive.Model, r.Drive.Serial, erase.Reuse
		key := "word.clean"
		if i < len(answers) {
			key = answers[i]
		}
		s.w.emit(job.Event{Type: "finished", Path: r.ID, Finished: &job.FinishedEvent{Outcome: erase.Sanitized, Achieved: r.Plan.Achieves, Technique: r.Plan.Technique}})
		s.w.ended(Result{ID: r.ID, Done: done, Answer: Answer{Key: key}})
	}
	s.tick(time.Second)
}

var errPulled = errors.New("write records/0198.evidence.json: the stick was pulled out")
