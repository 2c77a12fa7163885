package tui

import (
	"testing"
)

// From power-on to the result: what a technician with gloves and a scanner does
// on an ordinary day.
func TestFromTheAssetTagToAGreenEnd(t *testing.T) {
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
				w := ordinary(t)
				s := play(t, w, usual(t), tag, size.width, size.height)
				shot(s, "start")
				s.scan("T-10442\n")
				s.press("k", "a", "r", "t")
				shot(s, "agency")
				s.press("enter", "enter", "enter")
				s.isAt(atStart)
				s.press("enter") // the question is not answered yet
				s.press(s.m.say("key.no", nil), "down")
				shot(s, "start-filled")
				s.press("enter")
				s.isAt(atMachine)
				shot(s, "machine")
				s.press("enter")
				s.isAt(atDrives)
				shot(s, "drives-refused")
				s.press("a")
				shot(s, "drives")
				s.press("d")
				shot(s, "details")
				s.press("esc", "enter")
				s.isAt(atConfirm)
				shot(s, "confirm")
				if w.did("begin") {
					t.Fatal("begun before the code")
				}
				s.write("4711")
				s.isAt(atProgress)
				s.working()
				s.working()
				shot(s, "progress")
				s.press("?")
				shot(s, "help")
				s.press("esc")
				s.finish("word.clean", "word.clean-with-exceptions")
				shot(s, "progress-ended")
				s.press("enter")
				s.isAt(atResult)
				shot(s, "result")
				s.press("q")
				shot(s, "qr")
				s.press("esc", "n")
				s.isAt(atStart)
				if s.m.in.Operator != "Kari Nordmann" || s.m.in.Agency != "971040238" || s.m.in.AssetTag != "" {
					t.Errorf("the next machine begins with %+v", s.m.in)
				}
				if len(w.closed.results) != 2 || w.closed.in.AssetTag != "T-10442" {
					t.Errorf("closed with %+v", w.closed)
				}
			})
		}
	}
}
