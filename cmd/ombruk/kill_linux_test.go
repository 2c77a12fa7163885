package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

// desk is a place of its own for a story told in Go: a home for keys and a
// folder for images.
type desk struct {
	t   *testing.T
	dir string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	return desk{t, t.TempDir()}
}

func (d desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d desk) image(name string, sizeBytes int) string {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), bytes.Repeat([]byte("patient record\n"), sizeBytes/15+1)[:sizeBytes], 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.path(name)
}

// command is the real program, as testscript.Main put it on the path.
func (d desk) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ombruk", args...)
	cmd.Env = append(os.Environ(), "OMBRUK_HOME="+d.path("home"), "LANG=C")
	return cmd
}

// run ends with an exit code.
func (d desk) run(args ...string) (code int, output string) {
	d.t.Helper()
	out, err := d.command(context.Background(), args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return code, string(out)
}

// open reads a record of the desk.
func (d desk) open(name string) *certs.Record {
	d.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := certs.Open(b)
	if err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
	return r
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Runs that are killed at any moment leave no false certificate, and the next
// start closes each as interrupted, with a gapless chain over all of them.
func TestKilledRunsAreInterrupted(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 12
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	d := newDesk(t)
	tiny := d.image("tiny.img", 4096)
	d.run("erase", tiny, "--standard", "zero", "--confirm", "tiny.img", "--out", d.path("first"))
	// How long a run takes here and now, with two at a time.
	began := time.Now()
	d.image("whole.img", killImageBytes)
	d.run("erase", d.path("whole.img"), "--standard", "random", "--confirm", "whole.img", "--out", d.path("first"))
	whole := time.Since(began) * 3 / 2

	var mu sync.Mutex
	count := map[string]int{}
	var wg sync.WaitGroup
	places := make(chan int, 2)
	for i := range runs {
		delay := time.Duration(random.Int64N(int64(whole)))
		places <- i
		wg.Go(func() {
			defer func() { <-places }()
			what := d.killedRun(i, delay)
			mu.Lock()
			count[what]++
			mu.Unlock()
		})
	}
	wg.Wait()
	t.Logf("%v", count)
	if count["interrupted"] == 0 && !testing.Short() {
		t.Error("no run was caught in the middle; though the delays were drawn from the length of a whole run")
	}
	checkChain(t, d, append(glob(t, d.path("out*/*.evidence.json")), glob(t, d.path("first/*.evidence.json"))...))
}

// killImageBytes is large enough that most of a run is overwriting and reading.
const killImageBytes = 48 << 20

// killedRun starts a run, kills it after a while, starts another in the same
// folder, and says what became of the first.
func (d desk) killedRun(i int, delay time.Duration) string {
	name := "run" + string(rune('a'+i%26)) + hex.EncodeToString([]byte{byte(i >> 8), byte(i)}) + ".img"
	img, out := d.image(name, killImageBytes), d.path("out"+name)
	cmd := d.command(context.Background(), "erase", img, "--standard", "random", "--confirm", name, "--out", out)
	if err := cmd.Start(); err != nil {
		d.t.Error(err)
		return "error"
	}
	kill := time.AfterFunc(delay, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	_ = cmd.Wait()
	kill.Stop()

	started := glob(d.t, filepath.Join(out, "*.started.json"))
	evidence := glob(d.t, filepath.Join(out, "*.evidence.json"))
	content, err := os.ReadFile(img)
	if err != nil {
		d.t.Error(err)
	}
	untouched := bytes.Count(content, []byte("patient record\n")) >= len(content)/15
	switch {
	case len(started) == 0 && len(evidence) == 0:
		if !untouched {
			d.t.Errorf("run %d wrote before its started record was durable", i)
		}
		return "not begun"
	case len(started) == 0:
		return d.expect(i, evidence[0], erase.Sanitized, content, "done")
	}
	// The next start in this folder closes it, even if its own job is refused.
	if code, output := d.run("erase", img, "--standard", "zero", "--out", out); code != exitRefused {
		d.t.Errorf("run %d: the next start: code %d: %s", i, code, output)
	}
	id := strings.TrimSuffix(filepath.Base(started[0]), ".started.json")
	left := glob(d.t, filepath.Join(out, "*"))
	for _, name := range left {
		if base := filepath.Base(name); base != id+".pdf" && base != id+".evidence.json" {
			d.t.Errorf("run %d left %s behind", i, base)
		}
	}
	if len(evidence) > 0 { // killed between the last sync and the tidying up
		return d.expect(i, evidence[0], erase.Sanitized, content, "done, not tidied")
	}
	return d.expect(i, filepath.Join(out, id+".evidence.json"), erase.Interrupted, nil, "interrupted")
}

// expect checks a record's outcome, its page, and the image where it claims
// that it is clean.
func (d desk) expect(i int, name string, want erase.Outcome, content []byte, what string) string {
	r := d.open(name)
	if got := r.Sanitization.Outcome; got != want {
		d.t.Errorf("run %d: outcome %v, want %v", i, got, want)
	}
	if want.Clean() && bytes.Contains(content, []byte("patient")) {
		d.t.Errorf("run %d: clean, and the image is not", i)
	}
	page, err := os.ReadFile(strings.TrimSuffix(name, ".evidence.json") + ".pdf")
	if err != nil {
		d.t.Error(err)
		return what
	}
	v := certs.Verify(name, page, new(certs.Trust), time.Now())
	if v.Integrity != "ok" || v.Outcome != want.String() {
		d.t.Errorf("run %d: page: integrity %s, outcome %v, %s", i, v.Integrity, v.Outcome, v.Reason)
	}
	return what
}

// checkChain makes sure that the records of one station have no gap and each
// names the one before.
func checkChain(t *testing.T, d desk, names []string) {
	t.Helper()
	digest, previous := map[int64]string{}, map[int64]string{}
	for _, name := range names {
		r := d.open(name)
		n := r.Header.Sequence
		if _, twice := digest[n]; twice {
			t.Errorf("sequence %d is given twice", n)
		}
		digest[n], previous[n] = r.SHA256, r.Header.Previous
	}
	for n := int64(1); n <= int64(len(names)); n++ {
		if digest[n] == "" {
			t.Fatalf("sequence %d is missing of %d", n, len(names))
		}
		if previous[n] != digest[n-1] {
			t.Errorf("sequence %d does not name the record before it", n)
		}
	}
}

// running is a run that has begun to destroy.
type running struct {
	*exec.Cmd
	lines *bufio.Scanner
}

// start begins a run and returns once its started record is durable.
func (d desk) start(args ...string) running {
	d.t.Helper()
	cmd := d.command(d.t.Context(), append(args, "--json")...)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	r := running{cmd, bufio.NewScanner(stdout)}
	r.lines.Buffer(nil, 1<<20)
	for r.lines.Scan() {
		if strings.Contains(r.lines.Text(), `"type":"started"`) {
			return r
		}
	}
	d.t.Fatalf("%v ended before it began", args)
	return r
}

// outcome waits for the end.
func (r running) outcome(t *testing.T) (outcome string, code int) {
	t.Helper()
	for r.lines.Scan() {
		var e struct {
			Type     string
			Finished struct{ Outcome string }
		}
		if err := json.Unmarshal(r.lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", r.lines.Text(), err)
		}
		if e.Type == "finished" {
			outcome = e.Finished.Outcome
		}
	}
	_ = r.Wait()
	return outcome, r.ProcessState.ExitCode()
}

// The first Ctrl-C stops cleanly: a record that says so, and exit 130.
func TestCtrlCStopsCleanly(t *testing.T) {
	d := newDesk(t)
	r := d.start("erase", d.image("big.img", 128<<20), "--standard", "gutmann", "--confirm", "big.img", "--out", d.path("out"))
	if err := r.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if outcome, code := r.outcome(t); code != exitCancelled || outcome != "interrupted" {
		t.Errorf("code %d, outcome %q", code, outcome)
	}
	for _, name := range glob(t, d.path("out/*.evidence.json")) {
		if got := d.open(name).Sanitization.Outcome; got != erase.Interrupted {
			t.Errorf("record says %v", got)
		}
	}
}

// A second run on a target that a first is busy with is refused.
func TestTwoRunsOnOneTarget(t *testing.T) {
	d := newDesk(t)
	img := d.image("big.img", 128<<20)
	first := d.start("erase", img, "--standard", "gutmann", "--confirm", "big.img", "--out", d.path("one"))
	code, output := d.run("erase", img, "--standard", "zero", "--confirm", "big.img", "--out", d.path("two"))
	if code != exitRefused || !strings.Contains(output, "open in process") {
		t.Errorf("code %d: %s", code, output)
	}
	// What the first is doing is not mistaken for something left behind.
	if code, output := d.run("erase", img, "--standard", "zero", "--out", d.path("one")); code != exitRefused || len(glob(t, d.path("one/*.evidence.json"))) != 0 {
		t.Errorf("code %d: %s", code, output)
	}
	if err := first.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = first.Wait()
}
