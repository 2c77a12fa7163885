package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// alone is a stick that works by itself.
func alone(t testing.TB) Setup {
	setup := usual(t)
	setup.Unattended = &Unattended{Countdown: 30 * time.Second, BestEffort: true, PowerOff: true}
	return setup
}

// seconds lets time pass, a second at a time.
func (s *stage) seconds(n int) {
	s.t.Helper()
	for range n {
		s.tick(time.Second)
	}
}

// From power-on to power-off without a hand.
func TestAMachineIsDoneByItself(t *testing.T) {
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
				w := emptyRack(t, 1)
				s := playWith(t, w, alone(t), tag, size.width, size.height)
				s.isAt(atUnattended)
				s.seconds(12)
				shot(s, "unattended-count")
				if w.did("plan") || w.did("begin") {
					t.Fatal("begun before the end of the countdown")
				}
				s.seconds(17)
				if w.did("plan") {
					t.Fatal("planned a second early")
				}
				s.seconds(1)
				if !s.m.choice.BestEffort || len(s.m.touched()) != 2 {
					t.Fatalf("choice %+v, touched %d", s.m.choice, len(s.m.touched()))
				}
				run := w.runs[s.m.touched()[0].Drive.Serial]
				run.at(670_000, 12)
				s.tick(time.Second)
				shot(s, "unattended-work")
				for _, r := range s.m.touched() {
					one := *run
					one.row = r
					one.end("word.clean")
				}
				w.beeps = nil
				s.seconds(1)
				if !w.did("close") {
					t.Fatal("no record")
				}
				shot(s, "unattended-end")
				if len(w.beeps) == 0 || w.beeps[0] != 660 {
					t.Errorf("beeps %v", w.beeps)
				}
				s.seconds(28)
				if s.quit {
					t.Fatal("off before anybody could read it")
				}
				s.seconds(2)
				if !s.quit || !w.did("power off") {
					t.Error("not off")
				}
			})
		}
	}
}

// Any key stops the countdown, and nothing has been touched.
func TestAKeyStopsTheCountdown(t *testing.T) {
	for _, key := range []string{"x", "esc", "enter", "f10", "4"} {
		w := emptyRack(t, 1)
		s := playWith(t, w, alone(t), "en", 80, 24)
		s.seconds(29)
		s.strike(keyOf(key))
		s.seconds(100)
		s.sees("Stopped. Nothing has been touched.")
		if w.did("plan") || w.did("begin") || s.quit {
			t.Fatalf("%s: asked for %v", key, w.log)
		}
		s.press("enter")
		s.isAt(atStart) // the technician takes over
		s.seconds(100)
		s.isAt(atStart)
	}
	w := emptyRack(t, 1)
	s := playWith(t, w, alone(t), "en", 80, 24)
	s.strike(keyOf("x"))
	s.press("r") // once more from the beginning
	s.seconds(29)
	if w.did("plan") {
		t.Error("the second countdown is shorter")
	}
	s.seconds(1)
	if !w.did("plan") {
		t.Error("not begun")
	}
}

// What cannot be done ends grey or red, with its reason, and never green.
func TestWhatIsNotDoneByItself(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*rackWork, *Setup)
		tone   tone
		sees   []string
		begun  bool
	}{
		{"a machine the policy does not name", func(_ *rackWork, s *Setup) {
			s.Unattended.Refused = func(m inventory.Machine) string { return "the policy allows no machine " + m.System.Model }
		}, again, []string{"NOT HERE", "Nothing has been touched.", "the policy allows no machine Latitude 7400"}, false},
		{"a machine that cannot be read", func(w *rackWork, _ *Setup) { w.machineErr = errors.New("read /sys: gone") }, again, []string{"NOT DONE", "read /sys: gone"}, false},
		{"drives that do not answer", func(w *rackWork, _ *Setup) { w.planErr = errors.New("ask /dev/nvme0: timeout") }, again, []string{"NOT DONE", "ask /dev/nvme0: timeout"}, false},
		{"no stick for the records", func(w *rackWork, _ *Setup) { w.beginE = errors.New("no stick for the records was found") }, again, []string{"NOT DONE", "Nothing has begun", "no stick for the records"}, false},
		{"a drive that is left alone", func(w *rackWork, s *Setup) { s.Unattended.BestEffort = false }, again, []string{"WDC WD10SPZX", "Left alone: Purge is out of reach"}, true},
		{"no drive that may be erased", func(w *rackWork, _ *Setup) {
			rows := w.rows
			w.rows = func(c Choice) []Row {
				all := rows(c)
				for i := range all {
					all[i].Plan, all[i].Refused = nil, "it is frozen"
				}
				return all
			}
			w.unit.Answer = Answer{Key: "word.unfinished"}
		}, again, []string{"Left alone: it is frozen"}, false},
		{"a record that cannot be made", func(w *rackWork, _ *Setup) { w.closeErr = errPulled }, again, []string{"NOT DONE", "could not be made", "pulled out"}, true},
		{"a drive for destruction", func(w *rackWork, _ *Setup) { w.unit.Answer = Answer{Key: "word.unit-destroy", Count: 1} }, bad, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, setup := emptyRack(t, 1), alone(t)
			tt.change(w, &setup)
			s := playWith(t, w, setup, "en", 80, 24)
			s.seconds(30)
			if touched := s.m.touched(); tt.begun {
				run := w.runs[touched[0].Drive.Serial]
				for _, r := range touched {
					one := *run
					one.row = r
					one.end("word.clean")
				}
			}
			s.seconds(1)
			u := s.m.pages[atUnattended].(*unattended)
			if u.phase != autoEnd || u.tone != tt.tone {
				t.Errorf("phase %d, tone %d, want %d", u.phase, u.tone, tt.tone)
			}
			s.sees(tt.sees...)
			if (w.begun() != "") != tt.begun {
				t.Errorf("begun %q", w.begun())
			}
			if w.beeps[len(w.beeps)-1] != 220 {
				t.Errorf("beeps %v", w.beeps)
			}
		})
	}
}

// Whoever comes in time keeps the end on the screen, and its record.
func TestAKeyKeepsTheMachineOn(t *testing.T) {
	w := emptyRack(t, 1)
	s := playWith(t, w, alone(t), "en", 80, 24)
	s.seconds(30)
	run := w.runs[s.m.touched()[0].Drive.Serial]
	for _, r := range s.m.touched() {
		one := *run
		one.row = r
		one.end("word.clean")
	}
	s.seconds(5)
	s.sees("Powers off in")
	s.strike(keyOf("x"))
	s.lacks("Powers off in")
	s.seconds(100)
	if s.quit {
		t.Fatal("off all the same")
	}
	s.press("enter")
	s.isAt(atResult)
	s.sees(w.unit.Number)
	if n := strings.Count(strings.Join(w.log, " "), "close"); n != 1 {
		t.Errorf("closed %d times", n)
	}
	// Cancelling is left while drives are at work.
	w = emptyRack(t, 1)
	s = playWith(t, w, alone(t), "en", 80, 24)
	s.seconds(30)
	s.press("c", "down", "enter")
	if got := strings.Join(w.runs[s.m.touched()[0].Drive.Serial].log, " "); got != "cancel" {
		t.Errorf("log %q", got)
	}
	if erase.MethodNone != s.m.choice.Accept {
		t.Error("the choice has changed")
	}
}

// A drive that was left at an erase which power-off would break keeps the
// machine on, and the screen says why.
func TestADriveAtWorkKeepsTheMachineOn(t *testing.T) {
	w := emptyRack(t, 1)
	s := playWith(t, w, alone(t), "en", 80, 24)
	s.seconds(30)
	run := w.runs[s.m.touched()[0].Drive.Serial]
	for _, r := range s.m.touched() {
		one := *run
		one.row = r
		one.end("word.not-finished")
	}
	s.m.drain(s.m.setup.Now())
	result := s.m.drives[s.m.touched()[0].ID].result
	result.Done.Record.Exceptions = append(result.Done.Record.Exceptions, erase.Exception{Code: "at-work-locked"})
	s.seconds(600)
	s.sees("leave it switched on")
	if s.quit || w.did("power off") {
		t.Error("powered off")
	}
}
