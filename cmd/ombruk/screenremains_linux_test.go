package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/remains"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/internal/tui"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// aBusinessMachine is a screen's work on a machine with one simulated drive, a TPM 1.2 that
// the firmware can clear and a disc in its tray.
func aBusinessMachine(t *testing.T) (*screenWork, *kernel.Tray) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"sys/class/tpm/tpm0/tpm_version_major": "1", "sys/class/tpm/tpm0/owned": "1", "sys/class/tpm/tpm0/enabled": "1", "sys/class/tpm/tpm0/active": "1",
		"sys/class/tpm/tpm0/ppi/tcg_operations": "5 3: User required\n", "sys/class/tpm/tpm0/ppi/request": "0\n", "sys/class/block/sr0/size": "0",
	} {
		file := filepath.Join(dir, "root", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sims, _, err := session.Simulated([]string{"ata-ssd-block"}, time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := lang.For("nb")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now, noted: t.Logf}
	a.flags.lang, a.flags.keys = "nb", filepath.Join(dir, "keys")
	tray := kernel.TrayDisc
	w := &screenWork{
		a: a, words: text, rig: sims, planned: map[string]session.Work{}, policy: policy.Default(), session: a.session(sims),
		host: host{store: func() store {
			return store{records: filepath.Join(dir, "records"), state: filepath.Join(dir, "state")}
		}},
		remains: &remains.Source{
			Root: filepath.Join(dir, "root"),
			Tray: func(string) (kernel.Tray, error) { return tray, nil },
			OpenTray: func(string) error {
				tray = kernel.TrayOpen
				return nil
			},
		},
	}
	if w.judge, err = a.judge(w.policy); err != nil {
		t.Fatal(err)
	}
	return w, &tray
}

// erased does the drive of the machine.
func erased(t *testing.T, w *screenWork, in tui.Intake) ([]tui.Row, []tui.Result) {
	t.Helper()
	if _, err := w.Machine(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Remains(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := w.Plan(t.Context(), in, tui.Choice{Standard: "nist-800-88r2-purge"})
	if err != nil {
		t.Fatal(err)
	}
	var results []tui.Result
	run, err := w.Begin(t.Context(), in, rows, func(job.Event) {}, func(r tui.Result) { results = append(results, r) })
	if err != nil {
		t.Fatal(err)
	}
	run.Wait()
	return rows, results
}

func recordOf(t *testing.T, u tui.Unit) certs.Unit {
	t.Helper()
	envelope, err := os.ReadFile(u.EvidencePath)
	if err != nil {
		t.Fatal(err)
	}
	r, err := certs.Open(envelope)
	if err != nil || r.Unit == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	return *r.Unit
}

// A technician has the firmware clear the TPM, takes the disc out of its tray
// and says that a SIM was taken out: that is what the record says, and who says it.
func TestWhatRemainsIsInTheRecord(t *testing.T) {
	w, tray := aBusinessMachine(t)
	in := tui.Intake{AssetTag: "T-10442", Operator: "Kari Nordmann", Status: grade.Product}
	rows, results := erased(t, w, in)
	all, err := w.Remains(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tpm := all[slices.IndexFunc(all, func(r tui.Remain) bool { return r.Thing == certs.RemainTPM })]
	if !tpm.There || tpm.Way != "firmware" || !strings.Contains(tpm.Why, "fastvaren") {
		t.Errorf("the screen is shown %+v", tpm)
	}
	if did, err := w.Clear(t.Context(), certs.RemainTPM); err != nil || did.State != "requested" {
		t.Fatalf("%+v, %v", did, err)
	}
	if did, err := w.Clear(t.Context(), certs.RemainDisc); err != nil || did.State != "left" {
		t.Fatalf("%+v, %v", did, err)
	}
	*tray = kernel.TrayEmpty
	shown, err := w.Close(t.Context(), in, rows, results, tui.Findings{Said: []tui.Said{{Thing: certs.RemainSIM, State: "done"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	record := recordOf(t, shown)
	for _, r := range record.Remains {
		got = append(got, r.Thing+" "+string(r.State)+" "+r.By)
	}
	if want := []string{"tpm requested ombruk", "sim done person", "disc done ombruk"}; !slices.Equal(got, want) {
		t.Errorf("the record says %q, want %q", got, want)
	}
	if record.Grade == nil || record.Grade.Status != grade.Product {
		t.Errorf("judged %+v", record.Grade)
	}
	if len(shown.Remains) != 3 || len(shown.Reasons) == 0 {
		t.Errorf("shown %+v", shown)
	}

	// The next machine begins with nothing done.
	if _, err := w.Machine(t.Context()); err != nil || len(w.did)+len(w.seen) != 0 {
		t.Errorf("%v, %v, %v", w.did, w.seen, err)
	}
}

// A machine that is still in Autopilot is held until whom it came from has
// released it, whatever else is good about it.
func TestAnAutopilotMachineIsHeld(t *testing.T) {
	w, _ := aBusinessMachine(t)
	in := tui.Intake{AssetTag: "T-10443", Operator: "Kari Nordmann", Status: grade.Product}
	rows, results := erased(t, w, in)
	found := tui.Findings{
		Said:  []tui.Said{{Thing: certs.RemainEnrolment, State: "left"}},
		Locks: []inventory.Lock{{Code: inventory.LockAutopilot, State: inventory.LockSet, Text: "seen by a person"}},
	}
	for _, part := range []string{"keyboard", "screen", "pointer", "speakers", "camera", "ports", "battery", "wifi", "damage"} {
		found.Checks = append(found.Checks, tui.Check{Part: part, Verdict: tui.VerdictPass})
	}
	found.Checks = append(found.Checks, tui.Check{Part: "cosmetic", Verdict: tui.VerdictPass, Grade: "A"})
	shown, err := w.Close(t.Context(), in, rows, results, found)
	if err != nil {
		t.Fatal(err)
	}
	record := recordOf(t, shown)
	if shown.Disposition != "hold" || record.Disposition != "hold" {
		t.Errorf("it goes to %q, and by its record to %q", shown.Disposition, record.Disposition)
	}
	if len(shown.Reasons) == 0 || !strings.Contains(shown.Reasons[0], "Autopilot") {
		t.Errorf("the screen's reasons are %q", shown.Reasons)
	}
	if !slices.ContainsFunc(record.Machine.Locks, func(l inventory.Lock) bool {
		return l.Code == inventory.LockAutopilot && l.State == inventory.LockSet
	}) {
		t.Errorf("locks %+v", record.Machine.Locks)
	}
	i := slices.IndexFunc(record.Remains, func(r certs.Remain) bool { return r.Thing == certs.RemainEnrolment })
	if i < 0 || record.Remains[i].State != certs.RemainLeft || !strings.HasSuffix(record.Remains[i].Text, "autopilot") {
		t.Errorf("remains %+v", record.Remains)
	}
}

// With simulated drives the machine underneath is nobody's business.
func TestSimulatedDrivesAreNotThisMachine(t *testing.T) {
	w, _ := aBusinessMachine(t)
	w.remains = nil
	if all, err := w.Remains(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("%+v, %v", all, err)
	}
	if did, err := w.Clear(t.Context(), certs.RemainTPM); err == nil {
		t.Errorf("%+v", did)
	}
}
