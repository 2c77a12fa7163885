package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/erase"
)

// attach gives a loop device over an image of this test.
func attach(t *testing.T, img string) string {
	t.Helper()
	out, err := exec.Command("losetup", "--find", "--show", img).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", dev).CombinedOutput(); err != nil {
			t.Errorf("detach %s: %v: %s", dev, err, out)
		}
	})
	return dev
}

// lastPass is a shell command that makes what the last pass must have left,
// with tools that are not ours.
func lastPass(t *testing.T, d desk, out string, sizeBytes int) string {
	t.Helper()
	evidence := glob(t, filepath.Join(out, "*.evidence.json"))
	if len(evidence) != 1 {
		t.Fatalf("%d records in %s", len(evidence), out)
	}
	steps := d.open(evidence[0]).Sanitization.Steps
	last := steps[len(steps)-1].Pattern
	zeros := fmt.Sprintf("head -c %d /dev/zero", sizeBytes)
	if !strings.HasPrefix(last, "random (") {
		word := strings.TrimPrefix(strings.TrimPrefix(last, "random byte "), "complement ")
		var b byte
		if n, err := fmt.Sscanf(word, "%X", &b); n != 1 || err != nil || len(word) != 2 {
			t.Fatalf("pattern %q", last)
		}
		return fmt.Sprintf(`%s | tr '\000' '\%03o'`, zeros, b)
	}
	var key struct {
		Key string
		IVs []string
	}
	b, err := os.ReadFile(strings.TrimSuffix(evidence[0], ".evidence.json") + ".key.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &key); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s | openssl enc -aes-128-ctr -nosalt -K %s -iv %s", zeros, key.Key, key.IVs[len(steps)-1])
}

// What is on the target afterwards is compared byte for byte by cmp, with
// tr or openssl making what should be there.
func TestLastPassOfEveryStandardFromOutside(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	const size = 3<<20 + 4096 + 512
	d := newDesk(t)
	loop := attach(t, d.image("loop.img", size))
	for _, s := range erase.Standards() {
		for _, target := range []string{d.image(s.ID+".img", size), loop} {
			confirm, want := filepath.Base(target), exitOK
			if target == loop {
				confirm, want = loop, exitNotClean // it has no serial
			}
			if s.Method == erase.Purge {
				want = exitNotClean // best effort does not fulfil
			}
			out := d.path("out-" + s.ID + filepath.Base(target))
			code, output := d.run("erase", target, "--standard", s.ID, "--confirm", confirm, "--out", out, "--keep-key", "--best-effort")
			if code != want {
				t.Errorf("%s on %s: code %d, want %d: %s", s.ID, target, code, want, output)
				continue
			}
			check := fmt.Sprintf("%s | cmp --bytes=%d - %s", lastPass(t, d, out, size), size, target)
			if got, err := exec.Command("sh", "-c", check).CombinedOutput(); err != nil {
				t.Errorf("%s on %s: %v: %s\n%s", s.ID, target, err, got, check)
			}
		}
	}
}
