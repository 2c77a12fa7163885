package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

// Somebody stops an overwrite and starts it again, with another folder for the
// records: plan and erase say where it goes on, and the drive is as if it had
// been overwritten in one go.
func TestStoppedOverwriteGoesOn(t *testing.T) {
	d := newDesk(t)
	img := d.image("big.img", 192<<20)
	// Too early and nothing is written yet, too late and it is done.
	for delay := 20 * time.Millisecond; ; delay += 20 * time.Millisecond {
		r := d.start("erase", img, "--standard", "random", "--confirm", "big.img", "--out", d.path("one"))
		stop := time.AfterFunc(delay, func() { _ = r.Process.Signal(os.Interrupt) })
		outcome, code := r.outcome(t)
		stop.Stop()
		if outcome != "sanitized" && outcome != "sanitized-with-exceptions" && (code != exitCancelled || outcome != "interrupted") {
			t.Fatalf("stopped after %s it ended with code %d, outcome %q", delay, code, outcome)
		}
		if outcome != "interrupted" {
			t.Skipf("this machine overwrites faster than it can be stopped: code %d, outcome %q", code, outcome)
		}
		if _, output := d.run("plan", img, "--standard", "random"); strings.Contains(output, "go on from") {
			break
		}
		if err := os.RemoveAll(d.path("one")); err != nil {
			t.Fatal(err)
		}
	}
	first := d.open(glob(t, d.path("one/*.evidence.json"))[0])
	for _, other := range []string{"zero", "gutmann"} {
		if _, output := d.run("plan", img, "--standard", other); strings.Contains(output, "go on from") || !strings.Contains(output, "it was for random") {
			t.Errorf("%s goes on with what was begun as random:\n%s", other, output)
		}
	}
	code, output := d.run("plan", img, "--standard", "random")
	if code != exitOK || !strings.Contains(output, "go on from") || !strings.Contains(output, first.Header.ID) {
		t.Errorf("code %d: the plan does not say that it goes on:\n%s", code, output)
	}
	code, output = d.run("erase", img, "--standard", "random", "--confirm", "big.img", "--out", d.path("two"), "--keep-key")
	if code != exitOK {
		t.Fatalf("code %d:\n%s", code, output)
	}
	evidence := glob(t, d.path("two/*.evidence.json"))[0]
	second := d.open(evidence).Sanitization
	if s := second.Steps; second.Outcome != erase.Sanitized || len(s) != 3 || s[0].Run != first.Header.ID || s[1].Kind != erase.StepContinue || s[0].Bytes+s[2].Bytes != 192<<20 || s[0].Bytes == 0 {
		t.Errorf("outcome %v, steps %+v", second.Outcome, s)
	}
	var key struct {
		Key string
		IVs []string
	}
	b, err := os.ReadFile(strings.TrimSuffix(evidence, ".evidence.json") + ".key.json")
	if err == nil {
		err = json.Unmarshal(b, &key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("openssl"); err == nil {
		script := `head -c "$(stat -c %s "$1")" /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$2" -iv "$3" | cmp - "$1"`
		if out, err := exec.Command("sh", "-c", script, "sh", img, key.Key, key.IVs[0]).CombinedOutput(); err != nil {
			t.Errorf("openssl and cmp: %v: %s", err, out)
		}
	}
	// The page of it holds together, and nothing is left to go on with.
	page, err := os.ReadFile(strings.TrimSuffix(evidence, ".evidence.json") + ".pdf")
	if err != nil {
		t.Fatal(err)
	}
	if v := certs.Verify(evidence, page, new(certs.Trust), second.Clock.WallFinished); v.Integrity != "ok" || !v.Fulfilled {
		t.Errorf("page: %+v", v)
	}
	if _, output := d.run("plan", img, "--standard", "random"); strings.Contains(output, "go on from") {
		t.Errorf("it goes on with what is done:\n%s", output)
	}
	if left := glob(t, filepath.Join(d.path("home"), "*", "pending", "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
