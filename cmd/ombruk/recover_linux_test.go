package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ombruk/ombruk/erase"
)

// A folder may have any name; what was left open in it is found all the same.
func TestUnfinishedRecordIsFoundInAnyFolder(t *testing.T) {
	d := newDesk(t)
	img := d.image("a.img", 64<<20)
	out := d.path("Oslo [1] *")
	r := d.start("erase", img, "--standard", "gutmann", "--confirm", "a.img", "--out", out)
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.Wait()
	if code, output := d.run("erase", img, "--standard", "zero", "--out", out); code != exitRefused {
		t.Errorf("code %d: %s", code, output)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".evidence.json") {
			if got := d.open(filepath.Join(out, e.Name())).Sanitization.Outcome; got != erase.Interrupted {
				t.Errorf("outcome %v", got)
			}
		}
	}
}

// Somebody hands in a stick with a record of their own that claims a clean
// drive, laid out as if a run had ended just before its page was made. Our
// station must not put its signature under it.
func TestForeignRecordGetsNoPageOfOurs(t *testing.T) {
	stranger, ours := newDesk(t), newDesk(t)
	out := stranger.path("stick")
	r := stranger.start("erase", stranger.image("a.img", 16<<20), "--standard", "gutmann", "--confirm", "a.img", "--out", out)
	var started []byte
	names := glob(t, filepath.Join(out, "*.started.json"))
	if len(names) == 1 {
		started, _ = os.ReadFile(names[0])
	}
	if outcome, code := r.outcome(t); code != exitOK || outcome != "sanitized" {
		t.Fatalf("code %d, outcome %q", code, outcome)
	}
	if started == nil {
		t.Fatal("the run was over before its started record could be copied")
	}
	if err := os.WriteFile(names[0], started, 0o600); err != nil {
		t.Fatal(err)
	}
	page := glob(t, filepath.Join(out, "*.pdf"))[0]
	if err := os.Remove(page); err != nil {
		t.Fatal(err)
	}
	_, output := ours.run("erase", ours.image("b.img", 4096), "--standard", "zero", "--out", out)
	if !strings.Contains(output, "signed by another station") {
		t.Errorf("nobody is told: %s", output)
	}
	if pages := glob(t, filepath.Join(out, "*.pdf")); len(pages) > 0 {
		t.Errorf("a page was made: %v", pages)
	}
	// The stranger's own station finishes it.
	if _, output := stranger.run("erase", stranger.path("a.img"), "--standard", "zero", "--out", out); len(glob(t, filepath.Join(out, "*"))) != 2 {
		t.Errorf("not finished: %v: %s", glob(t, filepath.Join(out, "*")), output)
	}
}

// A started record that a stranger's station left on a stick is not closed
// under our name, and nobody is kept from working by it.
func TestForeignStartedRecordIsLeft(t *testing.T) {
	stranger, ours := newDesk(t), newDesk(t)
	out := stranger.path("stick")
	r := stranger.start("erase", stranger.image("a.img", 64<<20), "--standard", "gutmann", "--confirm", "a.img", "--out", out)
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.Wait()
	code, output := ours.run("erase", ours.image("b.img", 4096), "--standard", "zero", "--confirm", "b.img", "--out", out)
	if code != exitOK || !strings.Contains(output, "neither this station's nor trusted here") {
		t.Errorf("code %d: %s", code, output)
	}
	if left := glob(t, filepath.Join(out, "*.started.json")); len(left) != 1 {
		t.Errorf("started records left: %v", left)
	}
}

// Whoever reads our output may hang up; the run goes on to its record.
func TestReaderThatHangsUp(t *testing.T) {
	d := newDesk(t)
	cmd := d.command(t.Context(), "erase", d.image("a.img", 16<<20), "--standard", "gutmann", "--confirm", "a.img", "--out", d.path("out"), "--json")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), `"type":"started"`); {
	}
	_ = out.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	records := glob(t, d.path("out/*.evidence.json"))
	if len(records) != 1 {
		t.Fatalf("%d records, want one", len(records))
	}
	if got := d.open(records[0]).Sanitization.Outcome; got != erase.Sanitized {
		t.Errorf("outcome %v", got)
	}
}

// A terminal that is closed (SIGHUP) stops a run as Ctrl-C does.
func TestTerminalThatIsClosed(t *testing.T) {
	d := newDesk(t)
	r := d.start("erase", d.image("big.img", 128<<20), "--standard", "gutmann", "--confirm", "big.img", "--out", d.path("out"))
	if err := r.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if outcome, code := r.outcome(t); code != exitCancelled || outcome != "interrupted" {
		t.Errorf("code %d, outcome %q", code, outcome)
	}
}
