package record_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/record"
)

// bench is a station's folder and chain.
type bench struct {
	*testing.T
	folder *record.Folder
	chain  *record.Chain
	home   string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, home: t.TempDir()}
	var err error
	if b.folder, err = record.OpenFolder(filepath.Join(t.TempDir(), "made", "on the way")); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	return b
}

// reopen is the next start of the program.
func (b *bench) reopen() {
	b.Helper()
	var err error
	if b.chain, err = record.OpenChain(b.home, "station"); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) begin(id string) *record.Open {
	b.Helper()
	o, err := b.folder.Begin(id, []byte("started "+id), erase.Key{1}, 3)
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// envelope is what stands in for a signed record here: its place in the chain.
func envelope(sequence int64, previous string) ([]byte, error) {
	return fmt.Appendf(nil, "%d after %q", sequence, previous), nil
}

// close does what a job does to close an open record.
func (b *bench) close(o *record.Open) []byte {
	b.Helper()
	e, err := b.chain.Append(b.folder, o.ID, envelope)
	if err == nil {
		err = b.folder.WritePage(o.ID, []byte("page"))
	}
	if err == nil {
		err = o.End()
	}
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func (b *bench) files() []string {
	b.Helper()
	entries, err := os.ReadDir(b.folder.Dir())
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestRecordsAreNumberedAndJoined(t *testing.T) {
	b := newBench(t)
	previous := ""
	for n := int64(1); n <= 3; n++ {
		o := b.begin(fmt.Sprint("r", n))
		got := b.close(o)
		want, _ := envelope(n, previous)
		if string(got) != string(want) {
			t.Errorf("record %d is %s, want %s", n, got, want)
		}
		previous = certs.Digest(got)
		b.reopen()
	}
	if got, want := fmt.Sprint(b.files()), "[r1.evidence.json r1.pdf r2.evidence.json r2.pdf r3.evidence.json r3.pdf]"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
}

func TestKeyIsThereWhileTheRecordIsOpenAndForItsOwnerOnly(t *testing.T) {
	b := newBench(t)
	o := b.begin("r1")
	name := b.folder.Path("r1", ".key.json")
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var k struct {
		Algorithm, Key string
		IVs            []string
	}
	if err := json.Unmarshal(content, &k); err != nil || k.Algorithm != "AES-128-CTR" || len(k.Key) != 32 || len(k.IVs) != 3 || k.IVs[2] != "00000000000000030000000000000000" {
		t.Errorf("%+v, %v", k, err)
	}
	b.close(o)
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key is still there: %v", err)
	}
}

func TestOpenRecordIsFoundByTheNextStartAndNotBefore(t *testing.T) {
	b := newBench(t)
	o := b.begin("r1")
	if found, err := b.folder.Unfinished(); err != nil || len(found) != 0 {
		t.Errorf("found %v while it is worked on, %v", found, err)
	}
	o.Release() // the process ends, with the key half written
	b.put(filepath.Join(b.folder.Dir(), ".r1.key.json.new"), "{")
	found, err := b.folder.Unfinished()
	if err != nil || len(found) != 1 || found[0].ID != "r1" {
		t.Fatalf("found %v, %v", found, err)
	}
	b.close(found[0])
	if found, err := b.folder.Unfinished(); err != nil || len(found) != 0 {
		t.Errorf("found %v after closing, %v", found, err)
	}
	if got, want := fmt.Sprint(b.files()), "[r1.evidence.json r1.pdf]"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
}

// A run that may not begin after all leaves nothing behind.
func TestRecordTakenBack(t *testing.T) {
	b := newBench(t)
	b.begin("r1").TakeBack()
	if left := b.files(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// The chain survives a power cut at any moment between writing the intent and
// writing the end: the number is used if and only if the record exists, and if
// nobody can tell, it stays used.
func TestPowerCutWhileClosing(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  func(b *bench) // what reached the disk
		wantSeq int64          // of the next record
	}{
		{"the record did not reach the disk", func(*bench) {}, 1},
		{"the record reached the disk", func(b *bench) { b.put(b.folder.Path("r1", ".evidence.json"), "1 after \"\"") }, 2},
		{"something else is in its place", func(b *bench) { b.put(b.folder.Path("r1", ".evidence.json"), "1 aft") }, 1},
		{"the stick is gone and its mount point is empty", func(b *bench) {
			if err := errors.Join(os.Rename(b.folder.Dir(), b.folder.Dir()+".stick"), os.Mkdir(b.folder.Dir(), 0o755)); err != nil {
				b.Fatal(err)
			}
		}, 2},
		{"the stick with the folder is gone", func(b *bench) {
			if err := os.RemoveAll(filepath.Dir(b.folder.Dir())); err != nil {
				b.Fatal(err)
			}
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			first, _ := envelope(1, "")
			head := map[string]any{
				"schema": 1, "station": "station", "instance": b.chain.Instance, "sequence": 0, "previous": "",
				"pending": map[string]any{"sequence": 1, "sha256": certs.Digest(first), "path": b.folder.Path("r1", ".evidence.json"), "folder": folderID(t, b.folder.Dir())},
			}
			text, err := json.Marshal(head)
			if err != nil {
				t.Fatal(err)
			}
			b.put(filepath.Join(b.home, "station.json"), string(text))
			c.before(b)
			b.reopen()
			if b.folder, err = record.OpenFolder(b.folder.Dir()); err != nil {
				t.Fatal(err)
			}
			got := b.close(b.begin("r2"))
			if !strings.HasPrefix(string(got), fmt.Sprint(c.wantSeq, " after")) {
				t.Errorf("next record is %s, want number %d", got, c.wantSeq)
			}
		})
	}
}

func folderID(t *testing.T, dir string) string {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d/%d", st.Dev>>8&0xfff, st.Dev&0xff, st.Ino)
}

func (b *bench) put(name, content string) {
	b.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
}

// A record that cannot be built uses no number, and a page that could not be
// made is found missing by the next start.
func TestWhatCouldNotBeMade(t *testing.T) {
	b := newBench(t)
	o := b.begin("r1")
	broken := errors.New("no key")
	if _, err := b.chain.Append(b.folder, "r1", func(int64, string) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	got, err := b.chain.Append(b.folder, "r1", envelope)
	if err != nil || !strings.HasPrefix(string(got), "1 after") {
		t.Errorf("%s, %v", got, err)
	}
	o.Release() // the process ends before the page
	found, err := b.folder.Unfinished()
	if err != nil || len(found) != 1 || found[0].HasPage() {
		t.Fatalf("found %v, %v", found, err)
	}
	if e, ok, err := found[0].Evidence(); err != nil || !ok || string(e) != string(got) {
		t.Errorf("evidence %s, %v, %v", e, ok, err)
	}
}

func TestDamagedChainIsNamed(t *testing.T) {
	for _, content := range []string{"", "{", "null", `{"schema":2}`, `{"schema":1,"station":"station","instance":"x","sequence":0,"previous":""}`,
		`{"schema":1,"station":"station","instance":"00000000-0000-4000-8000-000000000000","sequence":5,"previous":""}`, rand.Text()} {
		b := newBench(t)
		name := filepath.Join(b.home, "station.json")
		b.put(name, content)
		if _, err := record.OpenChain(b.home, "station"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", content, err)
		}
	}
}
