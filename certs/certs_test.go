package certs_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// The world of these tests: Depot AS has a key and one station, and it is a
// Monday in March.
const (
	org        = "Depot Ås AS"
	orgnr      = "974760673"
	station    = "stikke 7"
	recordID   = "0195a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"
	passphrase = "blåbærsyltetøy"
)

func monday() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) }

// depot is a folder of keys with an organisation and a station.
func depot(t testing.TB) *certs.Keys {
	t.Helper()
	k := certs.OpenKeys(t.TempDir())
	check(t, k.InitOrganisation(org, orgnr, []byte(passphrase), monday(), rand.Reader))
	check(t, k.NewStation(station, []byte(passphrase), false, monday(), rand.Reader))
	return k
}

func signer(t testing.TB, k *certs.Keys) *certs.Signer {
	t.Helper()
	s, _, err := k.Signer(nil, monday(), rand.Reader)
	check(t, err)
	return s
}

func trust(t testing.TB, k *certs.Keys) *certs.Trust {
	t.Helper()
	tr, err := k.Trust()
	check(t, err)
	return tr
}

// wiped is the record of a drive that went well, an hour after monday.
func wiped(s *certs.Signer) certs.Sanitization {
	return certs.Sanitization{
		Header: certs.Header{
			ID: recordID, Sequence: 12, Previous: certs.Digest([]byte("the one before")),
			Station: certs.Station{ID: s.ID(), Name: s.Name(), Instance: "0195a1b2-0000-7000-8000-000000000000"},
			Tool:    certs.Tool{Name: "ombruk", Version: "test", Commit: "unknown"},
			Clock: certs.Clock{Source: "operator", Trusted: true, WallStarted: monday(),
				WallFinished: monday().Add(time.Hour), MonotonicSeconds: 3600},
			Agency: certs.Agency{Orgnr: "921234554", Name: "Ærlig etat"}, AssetTag: "A-1001",
		},
		Drive: certs.DriveFacts{Path: "/dev/sda", Bus: inventory.BusATA, Media: inventory.MediaMagnetic,
			Model: "WD5000", Serial: "WX-123 <æ>", CapacityBytes: 500107862016, LogicalBlockBytes: 512},
		Requested: certs.Requested{Standard: "nist-800-88r2-clear", Method: erase.Clear},
		Accepted:  certs.Accepted{Method: erase.Clear, By: "order"},
		Achieved:  certs.Achieved{Method: erase.Clear, Technique: erase.Overwrite, Reference: "corresponds to Clear according to NIST SP 800-88 Rev. 2"},
		Outcome:   erase.Sanitized, Fulfilled: true, Assurance: erase.ReadBack, Disposition: erase.Reuse,
		Steps:        []certs.Step{{Technique: erase.Overwrite, Started: monday(), Finished: monday().Add(30 * time.Minute), Bytes: 500107862016, Pattern: "00", Passes: 1}},
		Verification: certs.Verification{Mode: erase.VerifyFull, BytesRead: 500107862016, Fraction: "1", Path: "direct"},
	}
}

func seal(t testing.TB, s *certs.Signer, kind certs.Kind, predicate any) []byte {
	t.Helper()
	b, err := certs.Seal(s, kind, certs.ModeReal, predicate)
	check(t, err)
	return b
}

// page is a certificate as a person would get it, before it is signed.
func page(t testing.TB, envelope []byte, text string) []byte {
	t.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(monday())
	f.SetModificationDate(monday())
	f.SetLang("nb-NO")
	f.SetTitle("Slettesertifikat (nr. 1)", true)
	f.AddPage()
	f.SetFont("Helvetica", "", 18)
	f.Cell(0, 10, text)
	f.LinkString(10, 10, 20, 20, "https://example.org/(x)")
	f.AddPage()
	f.SetAttachments([]fpdf.Attachment{{Content: envelope, Filename: certs.EvidenceName, Description: "Signed evidence"}})
	var b bytes.Buffer
	check(t, f.Output(&b))
	return b.Bytes()
}

func signPage(t testing.TB, s *certs.Signer, envelope []byte, text string) []byte {
	t.Helper()
	signed, err := certs.SignPDF(page(t, envelope, text), s, certs.PageInfo{
		Name: s.Name(), Reason: "Slettesertifikat 𝄞", Location: "Ås", Time: monday()})
	check(t, err)
	return signed
}

// certificate is a signed page about a wiped drive.
func certificate(t testing.TB, s *certs.Signer) []byte {
	t.Helper()
	return signPage(t, s, seal(t, s, certs.KindSanitization, wiped(s)), "Clear")
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestADrivesCertificateVerifies(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	envelope := seal(t, s, certs.KindSanitization, wiped(s))
	for name, data := range map[string][]byte{"evidence": envelope, "page": signPage(t, s, envelope, "Clear")} {
		v := certs.Verify(name, data, trust(t, k), monday())
		if !v.OK() || v.Outcome != "sanitized" || v.Achieved != "clear" || v.ID != recordID || v.Signer != station ||
			v.Organisation != org || v.EvidenceSHA256 != certs.Digest(envelope) || v.SHA256 != certs.Digest(data) ||
			v.Time != "2026-03-02T10:30:00Z" || v.TimeSource != certs.TimeStationClock || v.Reason != "" {
			t.Errorf("%s: got %+v", name, v)
		}
	}
}

func TestTheIssuerHasItsNumber(t *testing.T) {
	for number, want := range map[string]string{"974 760 673": "974760673", "556016-0680": "5560160680", "HRB 1234": "HRB 1234", "NTR": "NTR"} {
		k := certs.OpenKeys(t.TempDir())
		check(t, k.InitOrganisation(org, number, []byte(passphrase), monday(), rand.Reader))
		check(t, k.NewStation(station, []byte(passphrase), false, monday(), rand.Reader))
		if got := signer(t, k).OrganisationNumber(); got != want {
			t.Errorf("%s: got %q, want %q", number, got, want)
		}
	}
	if got := signer(t, certs.OpenKeys(t.TempDir())).OrganisationNumber(); got != "" {
		t.Errorf("a local key: got %q", got)
	}
}

func newRandom() io.Reader { return rand.Reader }

func payload(t testing.TB, envelope []byte) string {
	t.Helper()
	var v struct{ Payload []byte }
	check(t, json.Unmarshal(envelope, &v))
	return string(v.Payload)
}
