package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
)

// mount mounts something for this test.
func mount(t *testing.T, args ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		t.Fatalf("mount %v: %v: %s", args, err, out)
	}
	dir := args[len(args)-1]
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount %s: %v: %s", dir, err, out)
		}
	})
}

func untouched(t *testing.T, img string) {
	t.Helper()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("patient record\n")) {
		t.Errorf("%s was written to", img)
	}
}

func TestOutputFolderThatCannotTakeRecords(t *testing.T) {
	d := newDesk(t)
	img := d.image("a.img", 100_000)
	full, readOnly, file := d.path("full"), d.path("read-only"), d.path("file")
	for _, dir := range []string{full, readOnly} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mount(t, "-t", "tmpfs", "-o", "size=64k", "none", full)
	mount(t, "-t", "tmpfs", "-o", "ro", "none", readOnly)
	for _, out := range []string{full, readOnly, file, filepath.Join(file, "below")} {
		code, output := d.run("erase", img, "--standard", "zero", "--confirm", "a.img", "--out", out)
		if code != exitError || !strings.Contains(output, "output folder") || !strings.Contains(output, "--out DIR") {
			t.Errorf("--out %s: code %d: %s", out, code, output)
		}
		untouched(t, img)
	}
	if left := glob(t, filepath.Join(full, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A folder that fills up while the run goes on still gets its record: room was
// kept for it.
func TestOutputFolderThatFillsUpDuringTheRun(t *testing.T) {
	d := newDesk(t)
	img := d.image("a.img", 64<<20)
	out := d.path("out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	mount(t, "-t", "tmpfs", "-o", "size=2m", "none", out)
	r := d.start("erase", img, "--standard", "gutmann", "--confirm", "a.img", "--out", out)
	// Somebody else takes every byte that is left.
	hog, err := os.Create(filepath.Join(out, "hog"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = hog.Write(make([]byte, 4096))
	}
	_ = hog.Close()
	outcome, code := r.outcome(t)
	records := glob(t, filepath.Join(out, "*.evidence.json"))
	if len(records) != 1 || d.open(records[0]).Sanitization.Outcome != erase.Sanitized {
		t.Errorf("records %v, outcome %s, code %d", records, outcome, code)
	}
}

// A mounted drive, one that swaps, and one that something is built on are
// refused through the loop device and through the image beneath it.
func TestDrivesInUseAreRefused(t *testing.T) {
	d := newDesk(t)
	img := d.image("fs.img", 16<<20)
	if out, err := exec.Command("mkfs.ext4", "-q", img).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	dev, at := attach(t, img), d.path("mnt")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	mount(t, dev, at)
	for target, says := range map[string]string{dev: "mounted on " + at, img: dev} {
		confirm := target
		if target == img {
			confirm = "fs.img"
		}
		code, output := d.run("erase", target, "--standard", "zero", "--confirm", confirm, "--out", d.path("out"))
		if code != exitRefused || !strings.Contains(output, says) {
			t.Errorf("%s: code %d: %s", target, code, output)
		}
	}
	if left := glob(t, d.path("out/*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// atYear runs the program with a clock that is wrong.
func atYear(t *testing.T, year int, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out, now: func() time.Time {
		return time.Date(year, 1, 1, 0, 0, 10, 0, time.UTC)
	}}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	return a.finish(root.ExecuteContext(t.Context())), out.String()
}

// A returned computer whose clock battery is empty starts in 1980. The work is
// good, the page says that its time is not to be trusted, and the certificate
// stays good.
func TestClockIn1980(t *testing.T) {
	d := newDesk(t)
	t.Setenv("OMBRUK_HOME", d.path("home"))
	t.Setenv("OMBRUK_PASSPHRASE", "correct-horse")
	for _, args := range [][]string{{"keys", "init", "--org", "Depot AS", "--orgnr", "123456785"}, {"keys", "station", "Depot 01"}} {
		if code, output := atYear(t, 2026, args...); code != exitOK {
			t.Fatalf("%v: %s", args, output)
		}
	}
	img, out := d.image("a.img", 100_000), d.path("out")
	code, output := atYear(t, 1980, "erase", img, "--standard", "zero", "--confirm", "a.img", "--out", out)
	if code != exitOK || !strings.Contains(output, "1980-01-01") {
		t.Fatalf("code %d: %s", code, output)
	}
	for _, year := range []int{1980, 2026, 2045} {
		code, output := atYear(t, year, "verify", out)
		if code != exitOK || !strings.Contains(output, "time is not established") {
			t.Errorf("verified in %d: code %d: %s", year, code, output)
		}
	}
	record := d.open(glob(t, filepath.Join(out, "*.evidence.json"))[0])
	if record.Header.Clock.Trusted {
		t.Error("the record trusts a clock in 1980")
	}
	// A station that got no key of its own organisation makes one, in 1980 too.
	if code, output := atYear(t, 1980, "erase", d.image("b.img", 5000), "--standard", "zero", "--confirm", "b.img", "--out", d.path("second"), "--keys", d.path("none")); code != exitOK {
		t.Errorf("code %d: %s", code, output)
	}
}
