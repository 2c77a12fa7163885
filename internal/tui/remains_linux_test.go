package tui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// things are all that is looked at, with nothing seen of any.
func things(change func(r *Remain)) (all []Remain) {
	for _, thing := range []string{"tpm", "sim", "card", "disc", "firmware-wifi", "management", "enrolment"} {
		r := Remain{Thing: thing}
		change(&r)
		all = append(all, r)
	}
	return all
}

// business is an agency's laptop: a TPM that nobody has locked, a modem, an
// empty slot for cards and no tray.
func business(t testing.TB) *fakeWork {
	w := ordinary(t)
	w.remains = things(func(r *Remain) {
		switch r.Thing {
		case "tpm":
			r.There, r.Way, r.Names = true, "clear", []string{"TPM 2.0 IFX"}
		case "sim":
			r.There, r.Names = true, []string{"Sierra Wireless EM7455"}
		case "card":
			r.Gone = true
		}
	})
	w.clears = func(thing string) (Said, []Remain, error) {
		return Said{Thing: thing, State: "done", Text: "TPM 2.0 cleared: its storage key is another one"}, w.remains, nil
	}
	return w
}

// toEnd takes a machine to where its drives are done, with these words.
func toEnd(t *testing.T, w *fakeWork, tag string, width, height int, answers ...string) *stage {
	t.Helper()
	s := play(t, w, usual(t), tag, width, height)
	s.scan("T-10442\n")
	s.press("down", "down", "down", s.m.say("key.no", nil), "down", "enter", "enter", "a", "enter")
	s.write("4711")
	s.isAt(atProgress)
	s.finish(answers...)
	return s
}

// read lets enough time pass for an Enter to count.
func (s *stage) read() { s.now = s.now.Add(2 * readable) }

// What people say and the program did is in what the record is made from.
func (w *fakeWork) said(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, s := range w.closed.found.Said {
		got = append(got, s.Thing+" "+s.State)
	}
	if !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

// A technician clears the TPM of an agency's laptop and takes its SIM out.
func TestATPMIsClearedAndASIMTakenOut(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 24}} {
		for _, tag := range []string{"en", "nb"} {
			t.Run(fmt.Sprintf("%dx%d-%s", size[0], size[1], tag), func(t *testing.T) {
				shot := func(s *stage, name string) { s.golden(fmt.Sprintf("%s-%dx%d-%s", name, size[0], size[1], tag)) }
				w := business(t)
				w.unit.Grade, w.unit.Reasons = "B", []string{"light signs of use", "battery at 71 %"}
				w.unit.Remains = []Said{{Thing: "tpm", State: "done"}, {Thing: "sim", State: "done"}, {Thing: "card", State: "none"}}
				s := toEnd(t, w, tag, size[0], size[1])
				s.press("enter")
				s.isAt(atRemains)
				shot(s, "remains")
				s.press("enter") // the same Enter, struck twice
				if w.did("clear") {
					t.Fatal("cleared before anybody could read what")
				}
				s.scan("LENOVO-5XK2P13\n") // a scanner's Enter does nothing either
				if w.did("clear") {
					t.Fatal("a scanner cleared the TPM")
				}
				s.read()
				s.press("enter")
				if !w.did("clear tpm") {
					t.Fatal("Enter does not clear the TPM")
				}
				shot(s, "remains-sim")
				s.read()
				s.press("enter")
				shot(s, "remains-ask")
				s.press("enter") // one Enter too many says nothing
				s.sees(s.m.say("remains.there", nil))
				s.press(s.m.say("remains.key.done", nil))
				s.isAt(atRemains)
				shot(s, "remains-done")
				s.read()
				s.press("enter")
				s.isAt(atResult)
				shot(s, "result-graded")
				w.said(t, "sim done")
				if n := len(w.closed.found.Locks); n != 0 {
					t.Errorf("%d locks, though nobody was asked", n)
				}
			})
		}
	}
}

// The keys of an encrypted drive may be in the TPM: it is not cleared while a
// drive is at work, and where one is not clean only after a question.
func TestTheTPMIsClearedLast(t *testing.T) {
	w := business(t)
	s := play(t, w, usual(t), "en", 80, 24)
	s.scan("T-10442\n")
	s.press("down", "down", "down", "n", "down", "enter", "enter", "a", "enter")
	s.write("4711")
	s.working()
	s.sees("R Besides the drives (2)")
	s.press("r")
	s.isAt(atRemains)
	s.sees("It is cleared when every drive is done.")
	s.lacks("Clear it")
	s.read()
	s.press("d", "enter") // which only goes back to the drives
	if w.did("clear") {
		t.Fatal("cleared while drives are at work")
	}
	s.isAt(atProgress)
	s.finish("word.clean", "word.destroy")
	s.press("enter")
	s.isAt(atRemains)
	s.press("home")
	s.read()
	s.press("enter")
	s.sees("Clear the TPM although not every drive is clean?")
	if w.did("clear") {
		t.Fatal("cleared without an answer")
	}
	s.press("enter") // the answer that changes nothing
	if w.did("clear") {
		t.Fatal("the first answer clears it")
	}
	s.sees("not cleared")
	s.press("home", "enter", "down", "enter")
	if !w.did("clear tpm") {
		t.Fatal("the second answer does not clear it")
	}
	s.press("g")
	s.isAt(atResult)
	w.said(t, "tpm left") // which what was done outweighs
}

// The lockout password is set, and the firmware is asked; or nothing helps.
func TestATPMThatOnlyTheFirmwareClears(t *testing.T) {
	w := business(t)
	w.remains = things(func(r *Remain) {
		if r.Thing == "tpm" {
			r.There, r.Way, r.Why = true, "firmware", "Its lockout password is set."
		}
	})
	w.clears = func(thing string) (Said, []Remain, error) {
		return Said{Thing: thing, State: "requested"}, w.remains, nil
	}
	s := toEnd(t, w, "en", 80, 24)
	s.press("enter")
	s.read()
	s.sees("Its lockout password is set.", "Enter Ask the firmware")
	s.press("enter")
	s.sees("cleared at the next start", "Start the machine once, and agree if it asks.", "G Continue")

	w = business(t)
	w.clears = func(thing string) (Said, []Remain, error) {
		return Said{Thing: thing, State: "left", Text: "TPM 2.0 not cleared: clearing it is disabled"}, w.remains, nil
	}
	s = toEnd(t, w, "en", 80, 24)
	s.press("enter")
	s.read()
	s.press("enter", "home")
	s.sees("not cleared", "clearing it is disabled", "Clear it in the firmware setup")
	w.clears = func(string) (Said, []Remain, error) {
		return Said{}, nil, errors.New("look for what remains: input/output error")
	}
	s.read()
	s.press("enter")
	if s.sees("input/output error"); s.m.remains().did["tpm"].State != "left" {
		t.Error("an error changed what was done")
	}
}

// A card is seen to be in, whatever somebody says, until it is out.
func TestACardThatIsTakenOut(t *testing.T) {
	w := ordinary(t)
	card := func(there bool) []Remain {
		return things(func(r *Remain) {
			if r.Thing == "card" {
				if r.There, r.Gone = there, !there; there {
					r.Names = []string{"/dev/mmcblk1 SD32G"}
				}
			}
		})
	}
	w.remains = card(true)
	s := toEnd(t, w, "en", 80, 24)
	s.press("enter")
	s.isAt(atRemains)
	s.sees("/dev/mmcblk1 SD32G", "Enter Look again")
	s.press("d")
	s.sees("There is one thing to do besides the drives.")
	w.remains = card(false)
	s.read()
	s.press("enter")
	s.sees("Nothing besides the drives is left to deal with.", "taken out")
	s.press("enter")
	s.isAt(atResult)
}

func TestADiscIsEjected(t *testing.T) {
	w := ordinary(t)
	disc := func(there, gone bool) []Remain {
		return things(func(r *Remain) {
			if r.Thing == "disc" {
				if r.There, r.Gone = there, gone; there {
					r.Way, r.Names = "eject", []string{"/dev/sr0 DVDRAM"}
				}
			}
		})
	}
	w.remains = disc(true, false)
	w.clears = func(thing string) (Said, []Remain, error) {
		return Said{Thing: thing, State: "left"}, disc(false, false), nil
	}
	s := toEnd(t, w, "en", 80, 24)
	s.press("enter")
	s.read()
	s.press("enter")
	s.sees("The tray is open.", "one thing to do besides the drives")
	s.press("d")
	s.sees("taken out", "Nothing besides the drives")
	s.read()
	s.press("enter")
	s.isAt(atResult)
	w.said(t, "disc done")
}

// A machine that is still in Autopilot goes to hold: whom it came from must
// release it.
func TestALockedMachineIsHeldForARelease(t *testing.T) {
	w := business(t)
	w.unit.Disposition, w.unit.Reasons = "hold", []string{"it is enrolled in Autopilot or another management"}
	w.unit.Remains = []Said{{Thing: "enrolment", State: "left"}}
	s := toEnd(t, w, "en", 80, 24)
	s.press("enter", "end")
	s.sees("asks its next owner to sign in to the agency")
	s.read()
	s.press("enter", "down", "enter")
	s.sees(s.m.text.Get("lock."+inventory.LockAutopilot, nil))
	s.press("g")
	s.isAt(atResult)
	s.sees("Hold", "it is enrolled in Autopilot or another management", "Enrolment still enrolled")
	w.said(t, "enrolment left")
	if got := w.closed.found.Locks; len(got) != 1 || got[0].Code != inventory.LockAutopilot || got[0].State != inventory.LockSet {
		t.Errorf("locks %+v", got)
	}
	for _, c := range []struct {
		keys  []string
		locks int
		state inventory.LockState
	}{{[]string{"enter"}, 4, inventory.LockClear}, {[]string{"down", "down", "down", "down", "down", "enter"}, 0, ""}} {
		w := business(t)
		s := toEnd(t, w, "en", 80, 24)
		s.press("enter", "end")
		s.read()
		s.press("enter")
		s.press(c.keys...)
		s.press("g")
		if got := w.closed.found.Locks; len(got) != c.locks || c.locks > 0 && got[0].State != c.state {
			t.Errorf("%v: locks %+v", c.keys, got)
		}
	}
}

// Nothing is asked of a machine that shows nothing, nor of the next one for
// what the last one had.
func TestNothingIsAskedWhereNothingIsSeen(t *testing.T) {
	w := ordinary(t)
	w.remains = things(func(r *Remain) { r.Gone = r.Thing == "tpm" })
	s := toEnd(t, w, "en", 80, 24)
	s.press("enter")
	s.isAt(atResult)
	w.said(t)

	w = business(t)
	s = toEnd(t, w, "en", 80, 24)
	s.press("enter", "g")
	s.isAt(atResult)
	w.remains = nil
	s.press("n")
	if p := s.m.remains(); len(p.said)+len(p.did) != 0 || p.pending() != 0 {
		t.Errorf("the next machine has %+v", p)
	}
}

// Product or waste is one key at the start, and asked for again of each machine.
func TestProductOrWaste(t *testing.T) {
	w := ordinary(t)
	setup := usual(t)
	setup.Intake.Status = grade.Product
	s := play(t, w, setup, "en", 80, 24)
	s.sees("product, returned to be used again")
	s.press("f4")
	s.sees("waste, discarded")
	s.scan("T-10442\n")
	s.press("down", "down", "down", "n", "down", "enter", "enter", "a", "enter")
	s.write("4711")
	s.finish()
	s.press("enter", "n")
	if got := w.closed.in.Status; got != grade.Waste {
		t.Errorf("status %q", got)
	}
	s.sees("product, returned to be used again")
}

// The letter for the looks can be given where the checks are left out, and
// after the record when it was forgotten.
func TestLooksThatWereForgotten(t *testing.T) {
	forgetful := func() (*fakeWork, *stage) {
		w := ordinary(t)
		s := play(t, w, usual(t), "en", 80, 24)
		s.m.checks().(*checksPage).cosmetic().Verdict = ""
		s.scan("T-10442\n")
		s.press("down", "down", "down", "n", "down", "enter", "enter", "a", "enter")
		s.write("4711")
		s.finish()
		s.press("enter")
		s.sees("1 check is not done.", "Only the looks: B")
		return w, s
	}
	looks := func(w *fakeWork) string {
		i := slices.IndexFunc(w.closed.checks, func(c Check) bool { return c.Part == "cosmetic" })
		return w.closed.checks[i].Grade
	}
	w, s := forgetful()
	s.press("down", "down", "down", "enter")
	s.isAt(atResult)
	if got := looks(w); got != "B" {
		t.Errorf("looks %q", got)
	}
	s.lacks("Grade the looks")

	w, s = forgetful()
	s.press("down", "enter")
	s.isAt(atResult)
	s.sees("G Grade the looks")
	w.unit.Number = "0198c0de-ffff-7c3a-9d55-0a1b2c3d4e5f"
	s.press("g")
	s.sees("How does the machine look?")
	s.press("down", "down", "enter")
	s.sees("0198c0de-ffff")
	if got := looks(w); got != "C" {
		t.Errorf("looks %q", got)
	}
	s.lacks("Grade the looks")
}

// Whatever things call themselves, the page fits, and none of it is obeyed.
func TestRemainsFitEveryWindow(t *testing.T) {
	w := business(t)
	for i := range w.remains {
		r := &w.remains[i]
		r.There, r.Gone, r.Names = true, false, []string{"a\x1b[2Jb " + strings.Repeat("Æøå", 60), "modem"}
		r.Why = strings.Repeat("why ", 40) + "\x1b]0;x\a"
	}
	for _, size := range sizes {
		for _, tag := range []string{"en", "nb"} {
			s := toEnd(t, w, tag, size[0], size[1])
			s.press("enter")
			for range w.remains {
				for _, l := range s.m.draw() {
					if n := ansi.StringWidth(l); n > size[0] {
						t.Fatalf("%v: a line of %d: %q", size, n, l)
					}
				}
				if n := len(s.m.draw()); n > size[1] {
					t.Fatalf("%v: %d lines", size, n)
				}
				if strings.Contains(s.screen(), "\x1b") {
					t.Fatalf("%v: an escape sequence is on the screen", size)
				}
				s.press("down")
			}
		}
	}
}

// A swollen battery is a danger of its own, and is told apart from a weak one.
func TestASwollenBattery(t *testing.T) {
	w := ordinary(t)
	s := play(t, w, usual(t), "en", 80, 24)
	c := s.m.checks().(*checksPage)
	c.at = slices.IndexFunc(c.list, func(p Check) bool { return p.Part == "battery" })
	c.begin()
	s.sees("swollen or damaged")
	s.press("down", "down", "enter")
	found := func() (parts []string) {
		for _, p := range c.all() {
			if p.Verdict == VerdictFail {
				parts = append(parts, p.Part)
			}
		}
		return parts
	}
	if got := found(); !slices.Equal(got, []string{"battery", grade.PartBatterySafety}) {
		t.Errorf("faults %q", got)
	}
	c.at = slices.IndexFunc(c.list, func(p Check) bool { return p.Part == "battery" })
	c.decide(VerdictPass)
	if got := found(); len(got) != 0 {
		t.Errorf("faults %q after it was said to be good", got)
	}
}
