package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/stick"
	"github.com/ombruk/ombruk/inventory"
)

// tour goes to every screen there is and calls look on each.
func tour(s *stage, look func(name string)) {
	m := s.m
	at := func(name string) {
		look(name)
		if !m.pages[m.at].grabs() {
			s.press("f1")
			look(name + " help")
			s.press("esc")
		}
	}
	at("start")
	s.scan("T-10442\n")
	s.press("k")
	look("agencies")
	s.press("a", "r", "enter")
	m.goTo(atStart)
	s.press("f10")
	look("leave")
	s.press("esc")
	m.in.AssetTag, m.in.Agency = "T-10442", "874783242"
	s.do(m.goTo(atStopped))
	at("stopped")
	s.press("r")
	at("stopped and recorded")
	m.unit = nil
	s.do(m.goTo(atMachine))
	at("machine")
	s.do(m.goTo(atDrives))
	at("drives refused")
	s.press("s")
	look("standards")
	s.press("esc", "a", "b", "t")
	at("drives")
	s.press("d")
	look("details")
	s.press("esc", "enter")
	at("confirm")
	s.write("1111")
	look("wrong code")
	s.write("4711")
	at("progress at its beginning")
	s.working()
	at("progress")
	s.press("p")
	look("paused")
	s.press("p", "c")
	look("cancel")
	s.press("esc")
	s.do(m.goTo(atChecks))
	at("checks")
	s.do(m.goTo(atProgress))
	s.finish("word.destroy", "word.clean-with-exceptions")
	at("progress ended")
	s.do(m.goTo(atResult))
	at("result")
	s.press("q")
	look("qr")
	s.press("esc")
}

// sizes are windows, from the smallest that shows anything.
var sizes = [][2]int{{80, 24}, {120, 40}, {200, 60}, {40, 24}, {30, 10}, {60, 20}, {80, 12}, {41, 11}}

func TestEveryScreenFitsItsWindow(t *testing.T) {
	for _, tag := range []string{"en", "nb"} {
		for _, size := range sizes {
			s := play(t, ordinary(t), usual(t), tag, size[0], size[1])
			tour(s, func(name string) {
				lines := s.m.draw()
				if len(lines) > size[1] {
					t.Errorf("%s %s at %v has %d lines", tag, name, size, len(lines))
				}
				for _, l := range lines {
					if n := ansi.StringWidth(l); n > size[0] {
						t.Errorf("%s %s at %v: a line is %d wide: %q", tag, name, size, n, ansi.Strip(l))
					}
					if strings.Contains(l, "screen.") {
						t.Errorf("%s %s at %v shows a key: %q", tag, name, size, ansi.Strip(l))
					}
				}
				if size[0] < fullWidth || size[1] < fullHeight || s.m.pages[s.m.at].bare() && s.m.over == nil && !s.m.helping {
					return
				}
				screen := s.screen()
				actions := s.m.actions()
				switch {
				case s.m.helping:
					actions = nil
				case s.m.over != nil:
					actions = s.m.over.actions(s.m)
				}
				for _, a := range actions {
					if want := strings.TrimSpace(a.name(s.m) + " " + a.label); !strings.Contains(screen, want) {
						t.Errorf("%s %s at %v does not show %q:\n%s", tag, name, size, want, screen)
					}
				}
			})
		}
	}
}

// A scanner reads whatever label is in front of it, on whatever screen.
func TestAScannerSetsNothingGoing(t *testing.T) {
	codes := []string{"c\n", "n\n", "o\n", "y\n", "j\n", "p\n", "4711\n", "4711", "T-10442\n", "T-10442\t", "]C1pcnor\n", "\n4711\n", "r1\n", "?\n", "dabtsr\t"}
	for _, code := range codes {
		w := ordinary(t)
		s := play(t, w, usual(t), "nb", 80, 24)
		tour(s, func(name string) {
			m := s.m
			log, at, over, choice, helping := len(w.log), m.at, m.over, m.choice, m.helping
			chosen, run, unit := m.chosen, m.run, m.unit
			filter := ""
			if over != nil {
				filter = over.filter
			}
			s.scan(code)
			if len(w.log) != log || m.at != at || m.over != over || m.choice != choice || m.helping != helping || m.chosen != chosen || m.run != run || m.unit != unit || s.quit {
				t.Fatalf("%q on %s did something: asked for %v, from page %d to %d\n%s", code, name, w.log[log:], at, m.at, s.screen())
			}
			s.send(tea.PasteMsg{Content: code})
			if len(w.log) != log || m.at != at || m.over != over || m.choice != choice {
				t.Fatalf("%q pasted on %s did something: %v", code, name, w.log[log:])
			}
			if over != nil {
				over.filter = filter
			}
		})
	}
}

func TestAScanFillsTheFieldsInOrder(t *testing.T) {
	s := play(t, ordinary(t), usual(t), "en", 80, 24)
	s.m.setup.Intake = Intake{}
	s.scan("]C1T-10442\n")
	s.scan("971 040 238\t")
	s.scan("4500099999") // no end: the field stays, and is scanned over
	s.scan("4500012345\n")
	s.sees("[T-10442", "[Kartverket (971040238)", "[4500012345", "► Operator")
	s.scan("Ola Nordmann\n")
	s.sees("[Ola Nordmann", "Does the machine hold")
	s.scan("T-99999\n")
	s.sees("A scan was ignored")
	s.lacks("T-99999 ")
}

func TestTooMuchIsRefusedWhole(t *testing.T) {
	s := play(t, ordinary(t), usual(t), "en", 80, 24)
	s.scan("T-1\n")
	s.press("up")
	s.scan(strings.Repeat("X", 65) + "\n")
	s.sees("65 characters", "Nothing was filled in", "[T-1 ")
	s.send(tea.PasteMsg{Content: "T\u202e-2"})
	s.sees("T{U+202E}-2", "Nothing was filled in", "[T-1 ")
	s.write(strings.Repeat("a", 80))
	if got := width(s.m.pages[atStart].(*start).fields[fieldAsset].value); got != fieldMost {
		t.Errorf("field holds %d columns", got)
	}
}

// A scanner types on an American keyboard, whatever the console's is.
func TestAScanIsReadAsTheScannerMeantIt(t *testing.T) {
	for _, layout := range stick.Keyboards() {
		setup := usual(t)
		setup.Keyboard = layout
		s := play(t, ordinary(t), setup, "nb", 80, 24)
		const meant = "T-10442/A_1"
		keys, ok := stick.Keyboard(layout)
		us, _ := stick.Keyboard("us")
		if !ok {
			t.Fatal(layout)
		}
		made := strings.Map(func(r rune) rune {
			for i, k := range us {
				if k.Plain == r {
					return keys[i].Plain
				}
				if k.Shift == r {
					return keys[i].Shift
				}
			}
			return r
		}, meant)
		s.scan(made + "\n")
		if got := s.m.pages[atStart].(*start).fields[fieldAsset].value; got != meant {
			t.Errorf("%s: %q came out %q", layout, made, got)
		}
	}
}

func TestGradedInformationStopsEverything(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	s.scan("T-10442\n")
	s.press("down", "down", "down", "y", "down", "enter")
	s.isAt(atStopped)
	s.sees("STOP", "must not be handled", "Nothing has been touched")
	s.press("esc") // said yes by mistake
	s.isAt(atStart)
	s.press("enter")
	s.isAt(atStopped)
	s.press("r")
	s.sees("0198c0de-7b1e")
	if !w.closed.in.Graded || w.closed.rows != nil || w.did("begin") || w.did("plan") {
		t.Errorf("closed with %+v after %v", w.closed, w.log)
	}
	s.press("n")
	s.isAt(atStart)
	if s.m.in.Graded || s.m.pages[atStart].(*start).graded != nil {
		t.Error("the answer is kept for the next machine")
	}
}

func TestAWrongClockIsSetFirst(t *testing.T) {
	w := ordinary(t)
	setup := usual(t)
	setup.ClockWrong = true
	s := play(t, w, setup, "en", 80, 24)
	s.sees("clock is wrong", "[2026-11-22 14:02")
	s.press("ctrl+u")
	s.write("22.11.26")
	s.press("end")
	for range 7 {
		s.press("down")
	}
	s.press("enter")
	s.sees("22.11.26 is no date and time")
	s.press("delete")
	s.write("2026-11-23 08:15")
	for range 5 {
		s.press("down")
	}
	s.press("n", "down", "enter")
	s.isAt(atMachine)
	if !w.did("clock 2026-11-23T08:15:00Z") {
		t.Errorf("asked for %v", w.log)
	}
}

func TestWhatIsWrongWithTheIntakeIsShown(t *testing.T) {
	w := ordinary(t)
	w.intakeErr = errors.New("organisation number 971040239: wrong check digit")
	s := play(t, w, usual(t), "en", 80, 24)
	s.press("down", "9")
	s.write("71040239")
	s.sees("Organisation number 971040239")
	s.press("enter", "down", "down", "n", "down", "enter")
	s.isAt(atStart)
	s.sees("No agency of the contract has organisation number 971040239", "► Agency")

	// Whatever else is wrong is said as it is.
	w.intakeErr = errors.New("order 7: no such order")
	s = play(t, w, usual(t), "en", 80, 24)
	s.press("down", "down", "down", "down", "n", "down", "enter")
	s.sees("no such order")
}

// A long list hides the code: the screen says where it is, and typing shows it.
func TestTheCodeUnderALongListIsFound(t *testing.T) {
	w := ordinary(t)
	rows := w.rows
	w.rows = func(c Choice) (out []Row) {
		for n := range 24 {
			r := rows(c)[0]
			r.ID = fmt.Sprintf("/dev/nvme%dn1", n)
			r.Drive.Path = r.ID
			out = append(out, r)
		}
		return out
	}
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.sees("The code is under the list")
	s.lacks("Type the code")
	s.press("pgdown", "pgdown", "4")
	s.sees("Type the code 4711", "[ 4 _ _ _ ]")
	s.press("7", "1", "1")
	if !w.did("begin") {
		t.Error("not begun")
	}
}

// Only a sanitize goes on after a power cut; whoever switches off during
// anything else breaks it off, and may find the drive locked.
func TestWhatMustNotBeSwitchedOffSaysSo(t *testing.T) {
	for command, want := range map[inventory.EraseCommand]string{
		inventory.NVMeSanitizeCrypto: "goes on by itself, also after a power cut",
		inventory.ATASecurityErase:   "DO NOT SWITCH OFF",
		inventory.NVMeFormatUser:     "DO NOT SWITCH OFF",
	} {
		w := ordinary(t)
		rows := w.rows
		w.rows = func(c Choice) []Row {
			out := rows(c)
			out[0].Plan.Steps[1].Command = command
			return out
		}
		s := play(t, w, usual(t), "en", 80, 24)
		toConfirm(s)
		s.press("4", "7", "1", "1")
		s.working()
		s.sees(want)
		s.press("c", "down", "enter")
		s.finish("word.not-finished")
		exception := erase.Exception{Code: "at-work"}
		if command == inventory.NVMeSanitizeCrypto {
			exception.Code = "goes-on"
		}
		result := s.m.drives["/dev/nvme0n1"].result
		result.Done.Record.Exceptions = append(result.Done.Record.Exceptions, exception)
		s.press("enter", "down", "enter")
		s.isAt(atResult)
		if exception.Code == "at-work" {
			s.sees("leave it switched on")
		} else {
			s.sees("The drive goes on by itself.")
		}
	}
}

// What was left alone stays in sight beside what is erased, and an end with it
// is no green one.
func TestWhatIsLeftAloneStaysInSight(t *testing.T) {
	w := ordinary(t)
	rows := w.rows
	w.rows = func(c Choice) []Row {
		out := rows(c)
		out[1].Refused = "It is locked with a password."
		return out
	}
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.press("4", "7", "1", "1")
	s.sees("WXC1A8123456", "It is locked with a password.")
	s.finish()
	s.sees("! The work on the drives is finished.")
}

// toConfirm goes to the confirmation of an ordinary machine.
func toConfirm(s *stage) {
	s.t.Helper()
	s.scan("T-10442\n")
	s.press("down", "down", "down", s.m.say("key.no", nil), "down", "enter", "enter", "a", "enter")
	s.isAt(atConfirm)
}

func TestOnlyTheCodeTypedByHandConfirms(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*stage)
		note string
	}{
		{"Enter", func(s *stage) { s.press("enter", "enter", "enter") }, ""},
		{"a scanned code", func(s *stage) { s.scan("4711\n") }, "typed by hand"},
		{"a scanned code without an end", func(s *stage) { s.scan("4711") }, "typed by hand"},
		{"half by hand", func(s *stage) { s.press("4"); s.scan("711") }, "typed by hand"},
		{"a pasted code", func(s *stage) { s.send(tea.PasteMsg{Content: "4711"}) }, "typed by hand"},
		{"another code", func(s *stage) { s.write("4712") }, "another code"},
		{"the code backwards", func(s *stage) { s.write("1174") }, "another code"},
		{"letters", func(s *stage) { s.write("yjsax") }, ""},
		{"three digits and Enter", func(s *stage) { s.write("471"); s.press("enter") }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := ordinary(t)
			s := play(t, w, usual(t), "en", 80, 24)
			toConfirm(s)
			tt.do(s)
			s.isAt(atConfirm)
			if w.did("begin") {
				t.Fatal("begun")
			}
			if tt.note != "" {
				s.sees(tt.note)
			}
		})
	}
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.write("47")
	s.press("backspace")
	s.write("711")
	s.isAt(atProgress)
	if len(w.began) != 2 || w.began[0].ID != "/dev/nvme0n1" || w.began[1].ID != "/dev/sda" {
		t.Errorf("began %+v", w.began)
	}
}

func TestEscFromTheConfirmationLosesNothing(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.press("4", "7", "1", "esc")
	s.isAt(atDrives)
	if s.m.choice.Accept != erase.Clear {
		t.Error("the choice is lost")
	}
	s.press("enter", "1")
	s.isAt(atConfirm)
	if w.did("begin") {
		t.Error("what was typed before Esc counts")
	}
}

func TestABeginThatFailsTouchesNothing(t *testing.T) {
	w := ordinary(t)
	w.beginErr = errPulled
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.write("4711")
	s.isAt(atConfirm)
	s.sees("Nothing has begun: write records/0198.evidence.json: the stick was pulled out")
	if s.m.running() {
		t.Error("something is said to run")
	}
	w.beginErr = nil
	s.write("4711")
	s.isAt(atProgress)
}

func TestPauseAndCancel(t *testing.T) {
	w := ordinary(t)
	w.noPause["/dev/nvme0n1"] = true
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.write("4711")
	s.working()
	s.press("p")
	s.sees("works by itself now and cannot be paused", "! paused")
	if !w.did("pause /dev/sda on") || w.did("pause /dev/nvme0n1") {
		t.Errorf("asked for %v", w.log)
	}
	s.press("down", "down", "p")
	s.lacks("! paused")
	s.press("c")
	s.sees("Cancel the erase of WDC WD10SPZX-24Z10 WXC1A8123456?")
	s.press("enter") // it stands on no
	if w.did("cancel") {
		t.Fatal("cancelled")
	}
	s.press("c", "down", "enter")
	if !w.did("cancel /dev/sda") {
		t.Errorf("asked for %v", w.log)
	}
	s.sees("cancelling")
	s.press("ctrl+c")
	s.sees("Drives are being erased")
	s.press("home", "c")
	s.sees("Cancel the erase of all 2 drives?", "cannot be stopped")
	s.press("down", "enter")
	if w.log[len(w.log)-1] != "cancel " {
		t.Errorf("asked for %v", w.log)
	}
}

func TestAPulledStickShowsOnEveryScreen(t *testing.T) {
	w := ordinary(t)
	w.keep.Trouble = "the stick was pulled out; put it back"
	for _, size := range sizes {
		s := play(t, w, usual(t), "en", size[0], size[1])
		tour(s, func(name string) {
			if name == "qr" && size[0] < 70 || strings.Contains(name, "help") && size[1] < 12 {
				return
			}
			flat := strings.Join(strings.Fields(s.screen()), " ")
			if !strings.Contains(flat, "pulled out") {
				t.Errorf("%s at %v does not show the trouble:\n%s", name, size, s.screen())
			}
		})
	}
}

// A drive that ends while the stick is out is finished and not yet recorded.
func TestARecordThatWaitsForTheStickIsNoResult(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.write("4711")
	s.working()
	w.emit(job.Event{Type: "held", Path: "/dev/sda", Held: &job.HeldEvent{Trouble: "gone", Text: "write records/0198.pdf: no such device"}})
	s.tick(time.Second)
	s.sees("× record waits", "waits in memory: write records/0198.pdf")
	if !s.m.running() {
		t.Error("it counts as ended")
	}
	s.finish()
	s.lacks("waits in memory")
	s.sees("√ CLEAN")
}

func TestAStickCanBeChosen(t *testing.T) {
	w := ordinary(t)
	w.keep.Sticks = []Stick{{"a", "Kingston DataTraveler 16 GB"}, {"b", "SanDisk\x1b[2J 32 GB"}}
	s := play(t, w, usual(t), "en", 80, 24)
	s.press("f3")
	s.sees("Kingston DataTraveler 16 GB", "SanDisk{U+001B}[2J")
	s.scan("b\n")
	if w.did("stick") {
		t.Fatal("a scan has chosen")
	}
	s.press("down", "enter")
	if !w.did("stick b") {
		t.Errorf("asked for %v", w.log)
	}
}

func TestNoDrives(t *testing.T) {
	for _, tt := range []struct {
		name string
		rows []Row
		want string
	}{
		{"none", nil, "No drive was found."},
		{"only the stick", []Row{{ID: "/dev/sda", Boot: true, Drive: inventory.Drive{Path: "/dev/sda", Model: "OMBRUK-STICK"}, Refused: "boot medium"}}, "but the boot medium"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := ordinary(t)
			w.rows = func(Choice) []Row { return tt.rows }
			w.machine.Odd = []string{"The RAID controller 8086:2822 hides the drives: set it to AHCI in the firmware."}
			w.unit.Answer, w.unit.Disposition = Answer{Key: "unit.none-word"}, "hold"
			s := play(t, w, usual(t), "en", 80, 24)
			s.scan("T-10442\n")
			s.press("down", "down", "down", "n", "down", "enter")
			s.sees("8086:2822")
			s.press("enter")
			s.sees(tt.want, "8086:2822")
			s.press("enter")
			s.isAt(atChecks)
			s.do(s.m.fromChecks(true))
			s.isAt(atResult)
			if w.did("begin") || !w.did("close") {
				t.Errorf("asked for %v", w.log)
			}
			s.sees(s.m.text.Get("unit.none-word", nil))
		})
	}
}

func TestWhatWentWrongCanBeTriedAgain(t *testing.T) {
	w := ordinary(t)
	w.machineErr, w.planErr = errors.New("read /sys: gone"), errors.New("ask /dev/nvme0: timeout")
	s := play(t, w, usual(t), "en", 80, 24)
	s.press("down", "down", "down", "down", "n", "down", "enter")
	s.sees("read /sys: gone")
	w.machineErr = nil
	s.press("r")
	s.sees("Latitude 7400")
	s.press("enter")
	s.sees("ask /dev/nvme0: timeout")
	w.planErr = nil
	s.press("r", "a", "enter")
	s.write("4711")
	s.finish()
	w.closeErr = errPulled
	s.press("enter")
	s.sees("could not be made", "pulled out")
	w.closeErr = nil
	s.press("r")
	s.sees("ALL DRIVES CLEAN")
	s.press("o")
	if !s.quit || !w.did("power off") {
		t.Error("not off")
	}
}

// A drive without a record has no code that a phone could take for one.
func TestADriveWithoutARecordShowsNoCode(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.write("4711")
	s.finish()
	w.ended(Result{ID: "/dev/sda", Err: errors.Join(errPulled, errors.New("again"))})
	s.tick(time.Second)
	s.press("enter")
	s.sees("no record: write records/0198.evidence.json: the stick was pulled out; again")
	s.press("down", "q")
	s.sees("█▀▀▀▀▀█")
	s.press("down")
	s.sees("/dev/sda: there is no record to show")
	s.lacks("▀▀▀▀▀")
	for _, size := range sizes {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		s.m.draw()
	}
}

// rack is a machine with n drives.
func rack(t testing.TB, n int) *fakeWork {
	w := ordinary(t)
	w.rows = func(c Choice) []Row {
		var rows []Row
		for i := range n {
			d := inventory.Drive{Path: fmt.Sprintf("/dev/sd%c", 'a'+i), Bus: inventory.BusATA, Model: "ST4000NM0035-1V4107", Serial: fmt.Sprintf("ZC1%05d", i), CapacityBytes: 4_000_787_030_016}
			s := standard(t, "nist-800-88r2-clear")
			rows = append(rows, Row{ID: d.Path, Drive: d, Covers: []inventory.Drive{d}, Internal: true, Plan: &erase.Plan{
				Drive: d, Standard: s, Requested: erase.Clear, Accepted: erase.Clear, AcceptedBy: "order", Achieves: erase.Clear, Technique: erase.Overwrite,
				Steps: []erase.Step{{Kind: erase.StepOverwrite}, {Kind: erase.StepReadBack}},
			}})
		}
		return rows
	}
	return w
}

func TestTwentyFourDrives(t *testing.T) {
	w := rack(t, 24)
	s := play(t, w, usual(t), "en", 80, 24)
	s.press("down", "down", "down", "down", "n", "down", "enter", "enter")
	s.isAt(atDrives)
	s.press("enter")
	s.isAt(atConfirm)
	s.sees("24 drives will be erased for good: 96 TB", "lines below")
	s.lacks("4711") // the code stands below the list
	for range 24 {
		s.press("down")
	}
	s.sees("ZC100023", "4711")
	s.write("4711")
	s.isAt(atProgress)
	for i, r := range w.began {
		w.emit(job.Event{Type: "progress", Path: r.ID, Progress: &job.ProgressEvent{Snapshot: erase.Snapshot{Step: 1, AllDone: int64(i) * 1e11, AllSize: 4e12, Errors: int64(i / 23)}, BytesPerSecond: 2e8, ETASeconds: 5000}})
	}
	s.tick(time.Second)
	s.golden("rack-80x24-en")
	for range 24 {
		s.press("down")
	}
	s.sees("ZC100023", "× 1 error")
	s.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	s.golden("rack-120x40-en")
}

// What drives, firmware and people make up comes to the screen as text.
func TestHostileTextIsShownAndDoesNothing(t *testing.T) {
	const evil = "\x1b[2J\x1b]0;owned\x07\u202eEVIL\u0300\u200b\U0001f600\r\n\x00\x9b31m\xff\t"
	w := ordinary(t)
	old := w.rows
	w.rows = func(c Choice) []Row {
		rows := old(c)
		for i := range rows {
			rows[i].Drive.Model, rows[i].Drive.Serial, rows[i].Drive.Firmware, rows[i].Drive.WWN = evil, evil+evil, evil, evil
			rows[i].Holds, rows[i].Ways = []string{evil}, []string{evil}
			if rows[i].Refused != "" {
				rows[i].Refused = evil
			}
			if p := rows[i].Plan; p != nil {
				p.Why, p.AcceptedBy = []string{evil}, "operator "+evil
				p.Fallbacks = []erase.Fallback{{Standard: evil, Why: evil}}
			}
		}
		return rows
	}
	w.machine.System = inventory.System{Manufacturer: evil, Model: evil, Serial: evil, Class: evil}
	w.machine.CPU[0].Model = evil
	w.machine.Odd = []string{evil}
	w.keep.Trouble = evil
	w.unit.Number, w.unit.Why, w.unit.PagePath = evil, []string{evil}, evil
	setup := usual(t)
	setup.Warnings = []string{evil}
	setup.Intake = Intake{AssetTag: evil, Agency: evil, Order: evil, Operator: evil}
	setup.Agencies = append(setup.Agencies, Agency{evil, evil})
	for _, size := range sizes {
		s := play(t, w, setup, "nb", size[0], size[1])
		tour(s, func(name string) {
			for _, l := range s.m.draw() {
				bare := ansi.Strip(l)
				if n := ansi.StringWidth(l); n > size[0] {
					t.Errorf("%s at %v: %d wide: %q", name, size, n, l)
				}
				if strings.ContainsAny(bare, "\x1b\x07\r\n\t\x00\u202e\u0300\u200b\u009b") || strings.Contains(l, "\x1b]") || strings.Contains(l, "\x1b[2J") {
					t.Fatalf("%s at %v lets through %q", name, size, l)
				}
			}
		})
	}
}

func TestTheLanguageCanBeChanged(t *testing.T) {
	s := play(t, ordinary(t), usual(t), "nb", 80, 24)
	s.sees("Inventarnummer")
	s.press("f2")
	s.sees("Asset tag", "[Kari Nordmann")
	if !s.w.did("speak en") {
		t.Error("what stands behind the screens speaks on as before")
	}
	s.press("f2")
	s.sees("Inventarnummer")
}

// Everything can be reached without a letter.
func TestArrowsAndEnterAreEnough(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	s.press("down", "down", "down", "down", "left", "down", "enter", "enter")
	s.isAt(atDrives)
	s.press("right", "right", "right", "enter") // details, standard, accept
	if s.m.choice.Accept != erase.Clear {
		t.Fatal("accept is not where the arrows went")
	}
	s.press("left", "left", "left", "enter")
	s.isAt(atConfirm)
	s.press("right", "enter") // help
	s.sees("Read the list")
	s.press("esc")
	s.write("4711")
	s.finish()
	s.press("enter", "enter")
	s.isAt(atResult) // one Enter too many takes nothing away
	s.now = s.now.Add(readable)
	s.press("right", "enter")
	s.sees("Esc: back")
	s.press("esc", "left", "enter")
	s.isAt(atStart)
}

func TestTooSmallSaysSo(t *testing.T) {
	s := play(t, ordinary(t), usual(t), "en", 29, 24)
	s.sees("The window is too small")
	for w := range 32 {
		for h := range 12 {
			s.send(tea.WindowSizeMsg{Width: w, Height: h})
			s.m.draw()
		}
	}
}

// A plan that comes late is about another choice.
// What was said of the machine changes while the drives are being asked.
func TestAPlanForAnotherIntakeIsDropped(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	s.press("down", "down", "down", "down", "n", "down", "enter", "enter")
	p := s.m.pages[atDrives].(*drivesPage)
	late := planned{generation: s.m.generation, rows: w.rows(Choice{Standard: "nist-800-88r2-purge", Accept: erase.Clear})}
	s.m.setRows(nil)
	p.plan() // asked, and not answered yet
	late.asked = p.asked
	s.press("esc", "esc", "up", "up", "x", "down", "down", "enter")
	s.isAt(atMachine)
	s.send(late)
	if s.m.rows != nil {
		t.Fatal("a plan made for another operator is taken")
	}
	s.press("enter")
	s.sees("Left alone: Purge is out of reach")
}

func TestALatePlanIsDropped(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	s.press("down", "down", "down", "down", "n", "down", "enter", "enter", "a")
	p := s.m.pages[atDrives].(*drivesPage)
	s.send(planned{generation: s.m.generation, asked: p.asked - 1, rows: nil})
	s.sees("WDC WD10SPZX", "Clear is accepted")
	s.send(planned{generation: s.m.generation - 1, asked: p.asked, rows: nil})
	s.sees("WDC WD10SPZX")
}

// Where ombruk runs from the machine's own drive, that drive is not erased, and
// the result says so beside the word.
func TestAMachineStartedFromItsOwnDrive(t *testing.T) {
	w := ordinary(t)
	rows := w.rows
	w.rows = func(c Choice) []Row {
		own := rows(c)[1]
		own.Boot, own.Refused, own.Plan = true, "The machine was started from it.", nil
		return []Row{rows(c)[0], own}
	}
	s := play(t, w, usual(t), "en", 80, 24)
	toConfirm(s)
	s.press("4", "7", "1", "1")
	s.finish()
	s.press("enter", "down", "enter")
	s.isAt(atResult)
	s.sees("WXC1A8123456", "The machine was started from it.")
}
