package inventory

import (
	"path/filepath"
	"testing"
)

// The kernel keeps what each screen said beside its connector: the machine's
// own comes first, and what is silent or makes no sense is not made up.
func TestDisplaysOfThisMachine(t *testing.T) {
	s := Source{Root: t.TempDir()}
	monitor := readFile(t, filepath.Join("testdata", "edid", "Digital-HP-HPN347A-F9D6CC918D90.bin"))
	put(t, s.Root, "sys/class/drm/card1-HDMI-A-1/edid", monitor)
	put(t, s.Root, "sys/class/drm/card1-DP-1/edid", nil)
	put(t, s.Root, "sys/class/drm/card1-DP-2/edid", []byte("nonsense"))
	put(t, s.Root, "sys/class/drm/card1-eDP-1/edid", readFile(t, filepath.Join("testdata", "edid", "Digital-Samsung-SEC4141-4B1EAC8C661D.bin")))
	put(t, s.Root, "sys/class/drm/renderD128/dev", []byte("226:128\n"))
	got := displays(newTree(s.Root))
	if len(got) != 3 {
		t.Fatalf("got %+v", got)
	}
	if d := got[0]; d.Connector != "eDP-1" || !d.Internal || d.Model != "LTN121W1-L03" || d.Manufacturer != "Samsung" {
		t.Errorf("the panel: %+v", d)
	}
	if d := got[1]; d.Connector != "DP-2" || d.Model != "" || d.DiagonalInches != 0 || len(d.Notes) != 1 {
		t.Errorf("the nonsense: %+v", d)
	}
	if d := got[2]; d.Connector != "HDMI-A-1" || d.Internal || d.Model != "HP Z23n G2" || d.DiagonalInches != 23 {
		t.Errorf("the monitor: %+v", d)
	}
	if none := displays(newTree(t.TempDir())); none == nil || len(none) != 0 {
		t.Errorf("where there is no graphics: %+v", none)
	}
}
