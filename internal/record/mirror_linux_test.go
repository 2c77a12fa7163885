package record_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/record"
)

// second is another stick beside the bench's own.
func (b *bench) second() string { return filepath.Join(b.TempDir(), "second", "records") }

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// settled waits for the copies and wants them to have come to this trouble.
func (b *bench) settled(want string) {
	b.Helper()
	err := b.folder.MirrorSettled(b.Context())
	if got := record.Trouble(err); got != want {
		b.Errorf("trouble %q (%v), want %q", got, err, want)
	}
}

func TestClosedRecordsAreCopiedToAnotherStick(t *testing.T) {
	b := newBench(t)
	b.close(b.begin("r1")) // before the other stick was plugged in
	dir := b.second()
	b.folder.Mirror(dir)
	b.settled("")
	open := b.begin("r2")
	b.close(b.begin("r3"))
	b.settled("")
	want := []string{"r1.evidence.json", "r1.pdf", "r3.evidence.json", "r3.pdf"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the copy has %v, want %v: what is not closed is not copied", got, want)
	}
	b.close(open)
	b.settled("")
	for _, name := range names(t, b.folder.Dir()) {
		ours, err := os.ReadFile(filepath.Join(b.folder.Dir(), name))
		theirs, err2 := os.ReadFile(filepath.Join(dir, name))
		if err != nil || err2 != nil || string(ours) != string(theirs) {
			t.Errorf("%s: %v, %v, differs", name, err, err2)
		}
	}
}

// The other stick is pulled out and put back: the work goes on, its lack is
// said, and what it missed is made up for.
func TestOtherStickComesAndGoes(t *testing.T) {
	for _, left := range []bool{false, true} {
		t.Run(fmt.Sprintf("mount point left behind %v", left), func(t *testing.T) {
			b := newBench(t)
			dir := b.second()
			b.folder.Mirror(dir)
			b.close(b.begin("r1"))
			b.settled("")
			away := dir + ".away"
			if err := os.Rename(dir, away); err != nil {
				t.Fatal(err)
			}
			if left {
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			b.close(b.begin("r2"))
			b.settled(record.TroubleGone)
			if left {
				if got := names(t, dir); len(got) > 0 {
					t.Errorf("%v was put where the stick had been", got)
				}
			}
			if err := errors.Join(os.RemoveAll(dir), os.Rename(away, dir)); err != nil {
				t.Fatal(err)
			}
			b.folder.Mirror(dir) // as whoever mounts it says
			b.close(b.begin("r3"))
			b.settled("")
			if got := names(t, dir); len(got) != 6 {
				t.Errorf("the copy has %v", got)
			}
		})
	}
}

// A file that is no copy of ours is somebody's, and is neither lost nor taken
// for a copy. The others are copied all the same.
func TestForeignFileOnTheOtherStick(t *testing.T) {
	b := newBench(t)
	dir := b.second()
	b.close(b.begin("r1"))
	b.close(b.begin("r2"))
	b.put(place(t, dir, "r1.evidence.json"), "another")
	b.put(place(t, dir, "r2.pdf"), "a page of another length")
	b.folder.Mirror(dir)
	err := b.folder.MirrorSettled(t.Context())
	if err == nil || !strings.Contains(err.Error(), "r1.evidence.json") || !strings.Contains(err.Error(), "r2.pdf") || record.Trouble(err) != record.TroubleOther {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "r1.evidence.json")); string(got) != "another" {
		t.Errorf("it was overwritten with %q", got)
	}
	if got := names(t, dir); len(got) != 4 {
		t.Errorf("the copy has %v", got)
	}
	b.close(b.begin("r3"))
	if err := b.folder.MirrorSettled(t.Context()); err == nil || len(names(t, dir)) != 6 {
		t.Errorf("%v, %v", err, names(t, dir))
	}
	b.folder.Mirror("")
	if err := b.folder.MirrorTrouble(); err != nil {
		t.Errorf("without another stick there is no trouble, and yet %v", err)
	}
}

func TestStickIsNoCopyOfItself(t *testing.T) {
	b := newBench(t)
	b.folder.Mirror(b.folder.Dir())
	b.settled(record.TroubleOther)
	b.close(b.begin("r1"))
	b.settled(record.TroubleOther)
}

// A stick that stops answering holds nothing up: the record is closed, and only
// whoever waits for the copy waits.
func TestStuckStickHoldsNothingUp(t *testing.T) {
	b := newBench(t)
	dir := b.second()
	b.folder.Mirror(dir)
	b.settled("")
	// Opening a pipe that nobody reads waits for ever.
	pipe := place(t, dir, ".r1.evidence.json.new")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	b.close(b.begin("r1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.folder.MirrorSettled(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting came to %v", err)
	}
	// Let the goroutine go.
	for {
		f, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = b.folder.MirrorSettled(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
}

func place(t *testing.T, dir, name string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

func TestTally(t *testing.T) {
	b := newBench(t)
	dir := b.folder.Dir()
	want := func(closed, notHandedIn int) {
		t.Helper()
		gotClosed, gotNot, last, err := record.Tally(dir)
		if err != nil || gotClosed != closed || gotNot != notHandedIn || last.IsZero() != (closed == 0) {
			t.Errorf("%d closed, %d not handed in, last %v, %v; want %d and %d", gotClosed, gotNot, last, err, closed, notHandedIn)
		}
	}
	want(0, 0)
	open := b.begin("r1")
	b.close(b.begin("r2"))
	b.close(b.begin("r3"))
	want(2, 2)
	if err := record.HandIn(dir, "r3"); err != nil {
		t.Fatal(err)
	}
	want(2, 1)
	b.close(open)
	want(3, 2)
	if err := record.HandIn(dir, "r1", "r3", "r2", "of-another-stick"); err != nil {
		t.Fatal(err)
	}
	want(3, 0)
	// A list that is damaged is no reason to think that all is handed in.
	b.put(filepath.Join(dir, record.HandedInFile), `{"schema":1,"records":["r1`)
	if closed, not, _, err := record.Tally(dir); err == nil || closed != 3 || not != 3 {
		t.Errorf("%d, %d, %v", closed, not, err)
	}
	if err := record.HandIn(dir, "r1"); err == nil {
		t.Error("a damaged list was overwritten")
	}
	if _, _, _, err := record.Tally(filepath.Join(dir, "gone")); record.Trouble(err) != record.TroubleGone {
		t.Errorf("got %v", err)
	}
}

// The screen asks often, and a stick may hold the work of years.
func TestTallyOfTenThousandIsQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("making the files takes a second; left out of short runs")
	}
	dir := t.TempDir()
	var ids []string
	for i := range 10_000 {
		id := fmt.Sprintf("0195a1b2-3c4d-7e5f-8a9b-%012d", i)
		if err := os.WriteFile(filepath.Join(dir, id+record.EvidenceSuffix), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := record.HandIn(dir, ids[:9_000]...); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	closed, not, _, err := record.Tally(dir)
	if took := time.Since(began); err != nil || closed != 10_000 || not != 1_000 || took > time.Second {
		t.Errorf("%d, %d, %v, took %v", closed, not, err, took)
	}
}

func FuzzHandedIn(f *testing.F) {
	f.Add([]byte(`{"schema":1,"records":["a"]}`))
	f.Add([]byte(`{"schema":2}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, record.HandedInFile), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "a"+record.EvidenceSuffix), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		closed, not, _, err := record.Tally(dir)
		if closed != 1 || not < 0 || not > 1 || err != nil && not != 1 {
			t.Errorf("%d, %d, %v", closed, not, err)
		}
	})
}

func TestWordsForTrouble(t *testing.T) {
	for err, want := range map[error]string{
		nil: "", syscall.ENOSPC: "full", syscall.EDQUOT: "full", syscall.EROFS: "read-only", fs.ErrPermission: "read-only",
		syscall.EIO: "gone", syscall.ENODEV: "gone", fs.ErrNotExist: "gone", record.ErrGone: "gone", errors.New("else"): "other",
	} {
		if err != nil {
			err = fmt.Errorf("write record: %w", errors.Join(&fs.PathError{Op: "open", Path: "x", Err: err}))
		}
		if got := record.Trouble(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// smallStick mounts a file system of a few MiB, and gives its folder: FAT as
// sticks have it, or ext4 where the kernel has no FAT.
func smallStick(t *testing.T, options string) string {
	t.Helper()
	if os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root to mount an image; left out of short runs")
	}
	dir := t.TempDir()
	image, at := filepath.Join(dir, "stick.img"), filepath.Join(dir, "stick")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 6<<20), os.Mkdir(at, 0o755)); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, mkfs := range [][]string{{"mkfs.vfat", image}, {"mkfs.ext4", "-q", "-F", "-m", "0", image}} {
		var err error
		if out, err = exec.Command(mkfs[0], mkfs[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", mkfs, err, out)
		}
		if out, err = exec.Command("mount", "-o", "loop"+options, image, at).CombinedOutput(); err == nil {
			t.Cleanup(func() {
				if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
					t.Errorf("umount: %v\n%s", err, out)
				}
			})
			return at
		}
	}
	t.Skipf("no file system can be mounted here: %s", out)
	return ""
}

// A stick that is full when the record is begun is said to be full before
// anything is touched; one that fills up during the run still takes the record,
// for its room was kept.
func TestFullStick(t *testing.T) {
	dir := smallStick(t, "")
	f, err := record.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, folder: f, home: filepath.Join(dir, "state")}
	b.reopen()
	b.close(b.begin("r1"))
	open := b.begin("r2")
	filler, err := os.Create(filepath.Join(dir, "holiday.mov"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	if record.Trouble(errors.Join(err, filler.Close())) != record.TroubleFull {
		t.Fatal(err)
	}
	if _, err := f.Begin("r3", []byte("started"), erase.Key{1}, 3); record.Trouble(err) != record.TroubleFull {
		t.Errorf("begun on a full stick: %v", err)
	}
	if _, err := record.OpenFolder(dir); record.Trouble(err) != record.TroubleFull {
		t.Errorf("opened: %v", err)
	}
	b.close(open)
	if got := names(t, dir); !slices.Contains(got, "r2.pdf") || slices.Contains(got, "r3.started.json") {
		t.Errorf("left %v", got)
	}
	// The same stick as the second one: the first is not harmed.
	main := newBench(t)
	main.folder.Mirror(filepath.Join(dir, "records"))
	main.close(main.begin("r4"))
	big := main.begin("r5")
	if _, err := main.chain.Append(main.folder, "r5", envelope); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(main.folder.WritePage("r5", make([]byte, 4<<20)), big.End()); err != nil {
		t.Fatal(err)
	}
	main.settled(record.TroubleFull)
}

func TestReadOnlyStick(t *testing.T) {
	dir := smallStick(t, ",ro")
	if _, err := record.OpenFolder(filepath.Join(dir, "records")); record.Trouble(err) != record.TroubleReadOnly {
		t.Errorf("opened: %v", err)
	}
	b := newBench(t)
	b.folder.Mirror(filepath.Join(dir, "records"))
	b.close(b.begin("r1"))
	b.settled(record.TroubleReadOnly)
}
