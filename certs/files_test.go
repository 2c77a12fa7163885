package certs_test

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
)

func someFiles() map[string][]byte {
	return map[string][]byte{"settings.json": []byte("{}"), "keys/current": []byte("x\n"), "empty": nil}
}

func sealFiles(t testing.TB, s *certs.Signer) []byte {
	t.Helper()
	b, err := certs.SealFiles(s, someFiles(), certs.Sealed{
		Built: monday(), Tool: certs.Tool{Name: "ombruk", Version: "test"}, Sealer: certs.Station{ID: s.ID(), Name: s.Name()}, Station: station,
	})
	check(t, err)
	return b
}

func TestAListOfFilesIsSealed(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	sealed := sealFiles(t, s)
	list, err := certs.OpenFiles(sealed)
	check(t, err)
	want := map[string]string{}
	for name, data := range someFiles() {
		want[name] = certs.Digest(data)
	}
	if !maps.Equal(list.Digests, want) || list.Sealed.Station != station || !list.Sealed.Built.Equal(monday()) {
		t.Errorf("got %+v", list)
	}
	if !bytes.Equal(sealed, sealFiles(t, s)) {
		t.Error("sealed twice, two seals")
	}
	for _, tt := range []struct {
		name  string
		trust *certs.Trust
		now   time.Time
		want  certs.Issuer
	}{
		{"today", trust(t, k), monday(), certs.IssuerTrusted},
		{"by a clock in 1980", trust(t, k), time.Time{}, certs.IssuerTrusted},
		{"after its time", trust(t, k), monday().AddDate(4, 0, 0), certs.IssuerExpired},
		{"by somebody else", nil, monday(), certs.IssuerUntrusted},
	} {
		if got, why := tt.trust.JudgeFiles(list, tt.now); got != tt.want {
			t.Errorf("%s: got %s (%s), want %s", tt.name, got, why, tt.want)
		}
	}
	// It is no record of a job, and a record is no list.
	if _, err := certs.Open(sealed); err == nil {
		t.Error("opened as a record")
	}
	if v := certs.Verify("settings.sealed.json", sealed, trust(t, k), monday()); v.OK() {
		t.Errorf("verified as a record: %+v", v)
	}
	if _, err := certs.OpenFiles(seal(t, s, certs.KindSanitization, wiped(s))); err == nil {
		t.Error("a record was opened as a list")
	}
	if _, err := certs.OpenFiles([]byte("{}")); !errors.Is(err, certs.ErrNotEvidence) {
		t.Errorf("not an envelope: got %v", err)
	}
}

func TestNoByteOfAListCanChange(t *testing.T) {
	sealed := sealFiles(t, signer(t, depot(t)))
	for at := range sealed {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		if _, err := certs.OpenFiles(changed); err == nil {
			t.Errorf("byte %d of %d can change", at, len(sealed))
		}
	}
	for _, changed := range [][]byte{append(bytes.Clone(sealed), '\n'), sealed[:len(sealed)-1], nil} {
		if _, err := certs.OpenFiles(changed); err == nil {
			t.Errorf("%d bytes instead of %d", len(changed), len(sealed))
		}
	}
}

func TestListsThatAreNotSealed(t *testing.T) {
	s := signer(t, depot(t))
	good := certs.Sealed{Built: monday(), Sealer: certs.Station{ID: s.ID(), Name: s.Name()}}
	other := good
	other.Sealer.Name = "another"
	undated := good
	undated.Built = time.Time{}
	for _, tt := range []struct {
		name, file string
		what       certs.Sealed
		want       string
	}{
		{"above the folder", "../x", good, "not a path inside the folder"},
		{"absolute", "/x", good, "not a path inside the folder"},
		{"not UTF-8", "\xff", good, "not UTF-8"},
		{"in another's name", "x", other, `names station "another"`},
		{"without a date", "x", undated, "built is missing"},
	} {
		if _, err := certs.SealFiles(s, map[string][]byte{tt.file: nil}, tt.what); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}
