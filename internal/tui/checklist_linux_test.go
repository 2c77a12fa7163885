package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/ombruk/ombruk/internal/hands"
	"github.com/ombruk/ombruk/inventory"
)

// laptop is an ordinary machine with all its parts.
func laptop(t testing.TB) *rackWork {
	w := emptyRack(t, 1)
	w.machine.Parts = inventory.Parts{
		Cameras: []string{"Integrated_Webcam_HD"}, WiFi: []string{"Wireless 8265 / 8275"}, Sound: []string{"HDA Intel PCH"},
		Pointers: []string{"DELL08E1 Touchpad"}, Keyboards: []string{"AT Translated Set 2 keyboard"},
		Batteries: []inventory.Battery{{Name: "BAT0", Manufacturer: "LGC", Model: "7146W", ChargePercent: 80, HealthPercent: 76, Cycles: 412, Status: "Discharging"}},
	}
	return w
}

// atTheChecks is a session that went on to the checks.
func atTheChecks(t testing.TB, w *rackWork, tag string, width, height int) (*stage, *checksPage) {
	t.Helper()
	setup := usual(t)
	setup.Keyboard = "nb"
	s := playWith(t, w, setup, tag, width, height)
	s.do(s.m.goTo(atChecks))
	return s, s.m.checks().(*checksPage)
}

// hand sends what hands do to the test that is open.
func (s *stage) hand(events ...hands.Event) {
	s.t.Helper()
	var st *stream
	switch test := s.m.checks().(*checksPage).test.(type) {
	case *keyTest:
		st = test.stream
	case *pointerTest:
		st = test.stream
	}
	st.events = func() chan hands.Event { ch := make(chan hands.Event); close(ch); return ch }()
	s.send(handled{stream: st, events: events})
}

func struck(codes ...uint16) (events []hands.Event) {
	for _, c := range codes {
		events = append(events, hands.Event{Kind: hands.Key, Code: c, Pressed: true}, hands.Event{Kind: hands.Key, Code: c})
	}
	return events
}

// Every part of a laptop, one after the other.
func TestEveryPartIsChecked(t *testing.T) {
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
				w := laptop(t)
				s, c := atTheChecks(t, w, tag, size.width, size.height)
				shot(s, "checks-start")
				key := func(v string) string { return s.m.say("check.key."+v, nil) }
				// The keyboard, every key but two.
				s.press("enter")
				s.hand(struck(1, 59, 60, 30, 31, 32, 40, 26, 57, 42, 29, 56, 183)...)
				shot(s, "checks-keyboard")
				for range 3 {
					s.strike(keyOf("esc"))
				}
				s.sees("12 ")
				s.press("up", "up", "enter") // it passed, although few keys were seen
				// The screen.
				s.press("enter")
				shot(s, "checks-pixels")
				for range 6 {
					s.strike(keyOf("x"))
				}
				s.press("down", "enter") // a fault
				s.write("stripe on the left")
				shot(s, "checks-note")
				s.press("enter")
				// The pointer.
				s.press("enter")
				s.hand(hands.Event{Kind: hands.Move}, hands.Event{Kind: hands.Move}, hands.Event{Kind: hands.Button, Code: buttonLeft, Pressed: true}, hands.Event{Kind: hands.Move, Code: wheelUpright})
				shot(s, "checks-pointer")
				s.press("enter", "enter")
				// The speakers.
				s.press("enter")
				if fmt.Sprint(w.beeps) != "[440]" { // no time passes for the others
					t.Errorf("beeps %v", w.beeps)
				}
				s.press("enter")
				s.press(key("pass")) // the camera, at a glance
				// The ports.
				w.plugs = []hands.Plug{{Port: "1-1", Name: "Ombruk Stick"}}
				s.press("enter")
				w.plugs = append(w.plugs, hands.Plug{Port: "1-2", Name: "Logitech Mouse"})
				s.tick(time.Second)
				w.plugs = w.plugs[:1]
				s.tick(time.Second)
				w.plugs = append(w.plugs, hands.Plug{Port: "2-1", Name: "Logitech Mouse"})
				s.tick(time.Second)
				shot(s, "checks-ports")
				s.press("enter", "enter")
				// The battery, with what it says of itself.
				s.press("enter")
				shot(s, "checks-battery")
				s.press("enter")
				s.press(key("skip")) // Wi-Fi
				s.press("enter", "down", "enter")
				s.press("enter", "enter") // no damage
				if c.left() != 0 {
					t.Errorf("%d left", c.left())
				}
				shot(s, "checks-done")
				var got []string
				for _, p := range c.findings() {
					got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s%s %s", p.Part, p.Verdict, p.Grade, p.Note)))
				}
				want := "keyboard pass; screen fail stripe on the left; pointer pass; speakers pass; camera pass; ports pass; battery pass; wifi skip; cosmetic passB; damage pass"
				if strings.Join(got, "; ") != want {
					t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
				}
				s.press("enter") // goes on
				s.isAt(atResult)
				if len(w.closed.checks) != 10 {
					t.Errorf("closed with %v", w.closed.checks)
				}
			})
		}
	}
}

// While drives are at work the checks say so, and the drives are a key away.
func TestChecksWhileDrivesWork(t *testing.T) {
	s := play(t, ordinary(t), usual(t), "en", 80, 24)
	s.scan("T-1\n")
	s.press("down", "down", "down", "n", "down", "enter", "enter", "a", "enter")
	s.write("4711")
	s.isAt(atProgress)
	s.m.pages[atChecks] = newChecks(s.m)
	s.working()
	s.sees("Checks (10 left)")
	s.press("tab")
	s.isAt(atChecks)
	s.sees("10 checks are not done.", s.m.say("progress.all", map[string]any{"Drives": 2, "Ended": 0}), "21 %")
	s.press("f")
	s.write("key A is loose")
	s.scan("X-99\n")
	s.sees("key A is looseX-99")
	s.press("esc") // no note after all
	if p := s.m.checks().findings(); len(p) != 1 || p[0].Verdict != VerdictFail || p[0].Note != "" {
		t.Errorf("got %+v", p)
	}
	s.press("tab")
	s.isAt(atProgress)
	// Somebody is in the middle of a test when the drives have ended.
	s.press("tab", "home", "enter")
	s.finish()
	s.isAt(atChecks)
}

// A machine that plainly has no camera, battery or Wi-Fi has nothing to check
// there; a laptop that shows none has.
func TestWhatAMachineLacks(t *testing.T) {
	for class, want := range map[string]int{"desktop": 7, "laptop": 10, "": 10} {
		w := emptyRack(t, 1)
		w.machine.System.Class = class
		s, c := atTheChecks(t, w, "en", 80, 24)
		if c.left() != want {
			t.Errorf("%s: %d left, want %d:\n%s", class, c.left(), want, s.screen())
		}
	}
}

// Over a serial line keys are seen as the terminal passes them on, and the
// pointer is not.
func TestChecksOverASerialLine(t *testing.T) {
	w := laptop(t)
	w.inputs = hands.ErrNone
	s, c := atTheChecks(t, w, "en", 80, 24)
	s.m.look.colour = colorprofile.ASCII
	s.press("enter")
	for _, k := range []tea.KeyPressMsg{keyOf("q"), keyOf("Q"), keyOf("ø"), keyOf("é"), keyOf("tab"), keyOf("f1"), keyOf("?"), keyOf("enter"), keyOf("esc")} {
		s.strike(k)
	}
	s.isAt(atChecks)
	test := c.test.(*keyTest)
	for code, want := range map[uint16]int{16: 2, 39: 1, 15: 1, 59: 1, 12: 1, 28: 1, 1: 1} {
		if test.count[code] != want {
			t.Errorf("key %d: %d times, want %d", code, test.count[code], want)
		}
	}
	s.sees("cannot be watched here")
	s.tick(quietAfter - time.Second)
	if c.test == nil {
		t.Fatal("over too early")
	}
	s.tick(time.Second) // its Esc does not work
	s.sees("7 of 84 keys were seen")
	s.press("esc")
	s.press("down", "enter")
	for range 2 { // blank, and reverse
		s.strike(keyOf(" "))
	}
	s.sees("free of faults")
	s.press("esc", "down", "enter")
	s.sees("cannot be watched here")
	s.press("esc")
	s.isAt(atChecks)
	s.press("g")
	s.isAt(atResult)
}

// Whoever takes a letter back has graded nothing.
func TestLooksTakenBack(t *testing.T) {
	s, c := atTheChecks(t, laptop(t), "en", 80, 24)
	for range c.list {
		if c.list[c.at].Part == "cosmetic" {
			break
		}
		s.press("down")
	}
	s.press("enter", "down", "enter")
	if p := c.cosmetic(); p.Verdict != VerdictPass || p.Grade != "B" {
		t.Fatalf("graded B: %+v", *p)
	}
	for c.list[c.at].Part != "cosmetic" {
		s.press("up")
	}
	s.press("s")
	if p := c.cosmetic(); p.Verdict != VerdictSkip || p.Grade != "" {
		t.Errorf("left out after all: %+v", *p)
	}
}

// Whoever types a code or a scan during a test changes nothing else.
func TestScansDuringChecks(t *testing.T) {
	s, c := atTheChecks(t, laptop(t), "en", 80, 24)
	s.scan("PFFS4711\n")
	if len(c.findings()) != 0 {
		t.Errorf("a scanner decided: %+v", c.findings())
	}
	s.press("down", "down", "enter") // the pointer
	s.scan("PFFS4711\n")
	if len(c.findings()) != 0 || c.test == nil {
		t.Errorf("a scanner decided: %+v", c.findings())
	}
	s.press("?")
	s.sees("The checks can be done while")
}
