package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
)

var update = flag.Bool("update", false, "make testdata anew; see testdata/README.md before you do")

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goldenSigner is the station of testdata.
func goldenSigner(t testing.TB) *Signer {
	t.Helper()
	key, err := decodeKey(testdata(t, "station.key"), elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := parseChain(testdata(t, "station.pem"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(key, chain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A certificate that was good once is good for ever: whatever changes in how
// pages and records are written, these must keep their verdict.
func TestOldCertificatesStayGood(t *testing.T) {
	if *update {
		makeTestdata(t)
	}
	var trust Trust
	if _, err := trust.Add("depot.pem", testdata(t, "depot.pem")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"drive.pdf", "drive.evidence.json"} {
		v := Verify(name, testdata(t, name), &trust, time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC))
		if !v.OK() || v.Outcome != "sanitized" || v.Achieved != "clear" || v.Serial != "WX41A1234567" || v.Reason != "" {
			got, _ := json.MarshalIndent(v, "", "  ")
			t.Errorf("got %s", got)
		}
	}
}

// A machine's record from before it said what became of the storage as a whole
// is read as it was, and nothing is made up for it.
func TestOldUnitRecordStaysGood(t *testing.T) {
	var trust Trust
	if _, err := trust.Add("depot.pem", testdata(t, "depot.pem")); err != nil {
		t.Fatal(err)
	}
	old := testdata(t, "unit.evidence.json")
	v := Verify("unit", old, &trust, time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC))
	if !v.OK() || v.Serial != "PF1SYNTH" || v.Storage != nil || len(v.Drives) != 1 || v.Drives[0].Outcome != erase.Sanitized {
		t.Errorf("got %+v", v)
	}
	r, err := Open(old)
	if err != nil {
		t.Fatal(err)
	}
	if r.Unit.Storage.State != "" || r.Unit.Checks != nil {
		t.Errorf("storage %+v, checks %+v", r.Unit.Storage, r.Unit.Checks)
	}
}

// makeTestdata makes an organisation, a station, a record and its page.
func makeTestdata(t *testing.T) {
	t.Helper()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s := forgerAt(t, "Depot AS", now)
	p := started(s)
	p.Sequence, p.Clock = 1, Clock{Source: "operator", Trusted: true, WallStarted: now, WallFinished: now.Add(time.Hour), MonotonicSeconds: 3600}
	p.Drive = DriveFacts{Path: "/dev/sdb", Model: "WDC WD5000LPCX", Serial: "WX41A1234567", CapacityBytes: 500107862016, LogicalBlockBytes: 512}
	p.Requested.Method, p.Accepted.Method, p.Achieved.Method = erase.Clear, erase.Clear, erase.Clear
	p.Achieved.Technique = erase.Overwrite
	p.Outcome, p.Fulfilled, p.Assurance = erase.Sanitized, true, erase.ReadBack
	p.Verification = Verification{Mode: erase.VerifyFull, BytesRead: p.Drive.CapacityBytes, Fraction: "1", Path: "direct"}
	envelope, err := Seal(s, KindSanitization, ModeReal, p)
	if err != nil {
		t.Fatal(err)
	}
	page, err := SignPDF(plainPage(t, envelope), s, PageInfo{Name: s.Name(), Reason: "Slettesertifikat", Location: "Ås", Time: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := encodeKey(s.key.(*ecdsa.PrivateKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := encodeKey(s.key.(*ecdsa.PrivateKey), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"locked.key": locked, "depot.pem": encodeChain(s.chain[1:]), "station.pem": encodeChain(s.chain), "station.key": key,
		"drive.evidence.json": envelope, "drive.pdf": page,
	} {
		if err := os.WriteFile(filepath.Join("testdata", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func forger(t testing.TB, org string) *Signer {
	t.Helper()
	return forgerAt(t, org, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
}

func forgerAt(t testing.TB, org string, now time.Time) *Signer {
	t.Helper()
	k := OpenKeys(t.TempDir())
	if err := k.InitOrganisation(org, "974760673", []byte("x"), now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if err := k.NewStation("stick", []byte("x"), false, now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	s, _, err := k.Signer(nil, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
