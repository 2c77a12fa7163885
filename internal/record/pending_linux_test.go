package record_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/inventory"
)

// journal is a sealed started record with an overwrite under way.
func journal(t testing.TB) []byte {
	t.Helper()
	signer, _, err := certs.OpenKeys(filepath.Join(t.TempDir(), "keys")).Signer(func() ([]byte, error) { return nil, nil }, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	envelope, err := certs.Seal(signer, certs.KindStarted, certs.ModeReal, certs.Sanitization{
		Header: certs.Header{ID: "0198c0de-0000-7000-8000-000000000001", Station: certs.Station{ID: signer.ID(), Name: signer.Name()}, Clock: certs.Clock{WallStarted: began}},
		Drive:  certs.DriveFacts{Path: "/dev/sda", Serial: "S1", CapacityBytes: 1 << 40}, Requested: certs.Requested{Standard: "gost-r-50739-95", Method: erase.Clear},
		Policy: certs.Policy{Name: "p", SHA256: "digest"}, Underway: &certs.Underway{Pass: 2, Of: 2, SyncedBytes: 1 << 30},
		Steps: []certs.Step{
			{Kind: erase.StepOverwrite, Pattern: "00", Started: began, Finished: began.Add(time.Hour), Bytes: 1 << 40, Commands: []erase.Command{{Name: "FLUSH", Status: "done"}}, Errors: []erase.BadRange{}},
			{Kind: erase.StepOverwrite, Run: "earlier", Pattern: "random (AES-128-CTR)", Started: began, Finished: began, Bytes: 1 << 30, Commands: []erase.Command{}, Errors: []erase.BadRange{}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func TestPendingTellsWhatWasUnderWay(t *testing.T) {
	dir := t.TempDir()
	p, err := record.OpenPending(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, key := inventory.Drive{Path: "/dev/sda", Serial: "S1", Model: "M"}, erase.Key{1, 2, 3}
	if _, ok, err := p.Find(d); ok || err != nil {
		t.Fatalf("found %v, %v", ok, err)
	}
	if err := p.Keep(d, journal(t), key); err != nil {
		t.Fatal(err)
	}
	d.Path = "/dev/sdz" // plugged in elsewhere
	e, ok, err := p.Find(d)
	if !ok || err != nil {
		t.Fatal(err)
	}
	j := e.Journal
	if w := j.Written; e.Key != key || j.Run != "0198c0de-0000-7000-8000-000000000001" || j.Policy != "digest" || j.SizeBytes != 1<<40 ||
		w.Standard != "gost-r-50739-95" || w.Pass != 2 || w.Of != 2 || w.SyncedBytes != 1<<30 || len(w.Passes) != 2 || w.Passes[0].Elapsed != time.Hour || w.Passes[1].Run != "earlier" {
		t.Errorf("journal %+v, %+v", j, j.Written)
	}
	for _, other := range []inventory.Drive{{Serial: "S2", Model: "M"}, {Serial: "S1", Model: "N"}, {Serial: "S1", WWN: "5000", Model: "M"}} {
		if _, ok, _ := p.Find(other); ok {
			t.Errorf("%+v has the entry of another drive", other)
		}
	}
	if err := p.Drop(d); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := p.Find(d); ok {
		t.Error("it is still there")
	}
	// Image files say nothing of themselves but where they are.
	one, two := inventory.Drive{Path: "/a.img", Bus: inventory.BusImage}, inventory.Drive{Path: "/b.img", Bus: inventory.BusImage}
	if err := p.Keep(one, journal(t), key); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := p.Find(two); ok {
		t.Error("one image has the entry of another")
	}
}

// The journal lies on a stick that anybody may have had.
func FuzzPending(f *testing.F) {
	dir := f.TempDir()
	p, err := record.OpenPending(dir)
	if err != nil {
		f.Fatal(err)
	}
	d := inventory.Drive{Serial: "S1"}
	if err := p.Keep(d, journal(f), erase.Key{1}); err != nil {
		f.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) != 1 {
		f.Fatal(names, err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"envelope":"","key":"00"}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(names[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		e, ok, err := p.Find(d)
		if err == nil && (!ok || e.Record.Sanitization == nil || e.Journal.Run == "" && e.Record.Header.ID != "") {
			t.Errorf("taken: %+v", e)
		}
	})
}
