package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/internal/tui"
	"github.com/ombruk/ombruk/inventory"
)

// A disk of the machine dies, or hangs, between the first look and the plan. It
// stays in the machine's record, wherever the others are found then.
func TestADriveThatWentAwayIsStillOfTheMachine(t *testing.T) {
	ssd := inventory.Drive{Path: "/dev/sda", Serial: "S1", Model: "SSD"}
	disk := inventory.Drive{Path: "/dev/sdb", Serial: "S2", Model: "DISK"}
	nameless := inventory.Drive{Path: "/dev/mmcblk0", Model: "eMMC"}
	moved := ssd
	moved.Path = "/dev/sdc"
	for _, c := range []struct {
		name        string
		first, last []inventory.Drive
		want        int
	}{
		{"all are there", []inventory.Drive{ssd, disk}, []inventory.Drive{disk, ssd}, 2},
		{"one went away", []inventory.Drive{ssd, disk}, []inventory.Drive{ssd}, 2},
		{"one has another name now", []inventory.Drive{ssd, disk}, []inventory.Drive{disk, moved}, 2},
		{"one came", []inventory.Drive{ssd}, []inventory.Drive{ssd, disk}, 2},
		{"one without a serial went away", []inventory.Drive{ssd, nameless}, []inventory.Drive{ssd}, 2},
		{"another one is in its place", []inventory.Drive{ssd}, []inventory.Drive{{Path: "/dev/sda", Serial: "S9"}}, 2},
	} {
		if got := everSeen(c.first, c.last); len(got) != c.want {
			t.Errorf("%s: %d drives, want %d", c.name, len(got), c.want)
		}
	}
}

// The stick is taken out between two machines, and the technician goes on with
// another: what is done from then on is in the other one's records and chain.
func TestGoingOnWithAnotherStick(t *testing.T) {
	mount := filepath.Join(t.TempDir(), "stick")
	at := store{records: filepath.Join(mount, "records"), state: filepath.Join(mount, "state", "first")}
	sims, _, err := session.Simulated([]string{"ata-ssd-block"}, time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := lang.For("en")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now, noted: t.Logf}
	a.flags.lang, a.flags.keys = "en", filepath.Join(t.TempDir(), "keys")
	w := &screenWork{a: a, words: text, rig: sims, planned: map[string]session.Work{}, policy: policy.Default(),
		host: host{store: func() store { return at }}, session: a.session(sims)}
	first, err := w.opened()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.opened(); again != first || err != nil {
		t.Errorf("the same stick: another station, %v", err)
	}
	if err := os.Rename(mount, mount+".pulled"); err != nil {
		t.Fatal(err)
	}
	at.state = filepath.Join(mount, "state", "second")
	in := tui.Intake{AssetTag: "A-1", Operator: "Kari Nordmann"}
	rows, err := w.Plan(t.Context(), in, tui.Choice{Standard: "nist-800-88r2-clear"})
	if err != nil {
		t.Fatal(err)
	}
	var results []tui.Result
	run, err := w.Begin(t.Context(), in, rows, func(job.Event) {}, func(r tui.Result) { results = append(results, r) })
	if err != nil {
		t.Fatal(err)
	}
	run.Wait()
	if len(results) != 1 || results[0].Err != nil || results[0].Done.Record.Outcome != erase.Sanitized {
		t.Fatalf("%+v", results)
	}
	if h := results[0].Done.Record.Header; h.Sequence != 1 || h.Station.Instance == first.Chain.Instance {
		t.Errorf("number %d of %s, which is the first stick's chain", h.Sequence, h.Station.Instance)
	}
}

// twoPorts is a bench whose second drive is the first one, seen through its
// other port.
type twoPorts struct{ session.Rig }

func (r twoPorts) Drives(ctx context.Context) ([]inventory.Drive, error) {
	all, err := r.Rig.Drives(ctx)
	if err == nil {
		all[0].AlsoAt, all[1].AlsoAt = []string{all[1].Path}, []string{all[0].Path}
		all[1].Serial, all[1].WWN, all[1].Bus, all[0].Bus = all[0].Serial, all[0].WWN, inventory.BusSAS, inventory.BusSAS
	}
	return all, err
}

// Two plans for one drive would overwrite each other's markers.
func TestADriveWithTwoPortsIsPlannedOnce(t *testing.T) {
	sims, _, err := session.Simulated([]string{"sas-ssd", "sas-ssd"}, time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := lang.For("en")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now, noted: t.Logf}
	rig := twoPorts{sims}
	w := &screenWork{a: a, words: text, rig: rig, planned: map[string]session.Work{}, policy: policy.Default(),
		host: host{store: func() store { return store{trouble: os.ErrNotExist} }}, session: a.session(rig)}
	rows, err := w.Plan(t.Context(), tui.Intake{}, tui.Choice{Standard: "nist-800-88r2-clear"})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 {
		t.Errorf("%d rows for one drive: %+v", len(rows), rows)
	}
}
