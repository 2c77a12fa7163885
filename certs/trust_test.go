package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

// made is a record closed at a time by a clock that is trusted or not.
func made(t testing.TB, s *certs.Signer, at time.Time, trusted bool) []byte {
	t.Helper()
	p := wiped(s)
	p.Clock = certs.Clock{Source: "system", Trusted: trusted, WallStarted: at.Add(-time.Hour), WallFinished: at}
	return seal(t, s, certs.KindSanitization, p)
}

func TestRecordsAreJudgedByTheTimeTheyWereMade(t *testing.T) {
	k := depot(t) // valid from 1 March 2026 to 1 March 2029
	s, tr := signer(t, k), trust(t, k)
	for _, tt := range []struct {
		name    string
		made    time.Time
		trusted bool
		asked   time.Time
		want    certs.Issuer
		reason  string
	}{
		{"made and asked today", date(2026, 3, 2), true, date(2026, 3, 2), certs.IssuerTrusted, ""},
		{"asked after the key's end", date(2028, 6, 1), true, date(2035, 1, 1), certs.IssuerTrusted, ""},
		{"asked after the organisation's end", date(2028, 6, 1), true, date(2060, 1, 1), certs.IssuerTrusted, ""},
		{"asked by a clock from 1980", date(2026, 6, 1), true, date(1980, 1, 1), certs.IssuerTrusted, "from the future"},
		{"made after the key's end", date(2029, 6, 1), true, date(2029, 6, 1), certs.IssuerExpired, "valid from 2026-03-01T09:30:00Z to 2029-03-01T09:30:00Z"},
		{"made before the key", date(2025, 6, 1), true, date(2026, 6, 1), certs.IssuerExpired, "valid from"},
		{"a dead battery says 1980", date(1980, 1, 1), false, date(2026, 6, 1), certs.IssuerTrusted, "the time is not established"},
		{"an unsynchronized clock says 2090", date(2090, 1, 1), false, date(2026, 6, 1), certs.IssuerTrusted, "the time is not established"},
		{"the same, asked years later", date(1980, 1, 1), false, date(2060, 1, 1), certs.IssuerTrusted, "the time is not established"},
	} {
		v := certs.Verify(tt.name, made(t, s, tt.made, tt.trusted), tr, tt.asked)
		if v.Integrity != certs.IntegrityOK || v.Issuer != tt.want || (tt.reason == "") != (v.Reason == "") || !strings.Contains(v.Reason, tt.reason) {
			t.Errorf("%s: got %s, %q; want %s, %q", tt.name, v.Issuer, v.Reason, tt.want, tt.reason)
		}
	}
}

func TestRevocation(t *testing.T) {
	for _, reason := range certs.Reasons() {
		orderly := reason == certs.Superseded || reason == certs.CessationOfOperation || reason == certs.AffiliationChanged
		k := depot(t)
		s := signer(t, k)
		_, err := k.Revoke(station, reason, date(2026, 6, 1), []byte(passphrase), date(2026, 8, 1))
		check(t, err)
		tr := trust(t, k)
		for _, tt := range []struct {
			name    string
			at      time.Time
			trusted bool
			want    bool
		}{
			{"made before", date(2026, 5, 1), true, orderly},
			{"made after", date(2026, 7, 1), true, false},
			{"made at the very time", date(2026, 6, 1), true, false},
			{"said to be made before, by a clock nobody trusts", date(2026, 5, 1), false, false},
		} {
			want := certs.IssuerRevoked
			if tt.want {
				want = certs.IssuerTrusted
			}
			v := certs.Verify(tt.name, made(t, s, tt.at, tt.trusted), tr, date(2026, 9, 1))
			if v.Issuer != want || v.Integrity != certs.IntegrityOK || (want == certs.IssuerRevoked) != strings.Contains(v.Reason, string(reason)) {
				t.Errorf("%s, %s: got %s (%s), want %s", reason, tt.name, v.Issuer, v.Reason, want)
			}
		}
	}
}

func TestRevocationOnlyGetsWorse(t *testing.T) {
	k := depot(t)
	revoke := func(which string, reason certs.Reason, at time.Time) error {
		_, err := k.Revoke(which, reason, at, []byte(passphrase), at)
		return err
	}
	check(t, k.NewStation("stikke 8", []byte(passphrase), false, monday(), rand.Reader))
	check(t, revoke(station, certs.Superseded, date(2026, 6, 1)))
	check(t, revoke("stikke 8", certs.Superseded, date(2026, 6, 2)))
	if err := revoke(station, certs.AffiliationChanged, date(2026, 7, 1)); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("revoked again in good order: %v", err)
	}
	check(t, revoke(station, certs.KeyCompromise, date(2026, 8, 1)))
	if err := revoke(station, certs.Superseded, date(2026, 9, 1)); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a compromise was taken back: %v", err)
	}
	list, err := k.List()
	check(t, err)
	if list[1].Revoked != certs.KeyCompromise || list[2].Revoked != certs.Superseded || !list[2].RevokedSince.Equal(date(2026, 6, 2)) {
		t.Errorf("got %+v and %+v", list[1], list[2])
	}
}

func TestRevocationListsTravel(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	envelope := made(t, s, date(2026, 5, 1), true)
	old, err := k.Revoke(station, certs.Superseded, date(2026, 6, 1), []byte(passphrase), date(2026, 6, 1))
	check(t, err)
	oldList, err := os.ReadFile(old.File)
	check(t, err)
	worse, err := k.Revoke(s.ID()[:10], certs.KeyCompromise, date(2026, 6, 1), []byte(passphrase), date(2026, 7, 1))
	check(t, err)

	customer := certs.OpenKeys(t.TempDir())
	if _, err := customer.TrustFile(worse.File); err == nil || !strings.Contains(err.Error(), "not by an organisation trusted here") {
		t.Errorf("a stranger's list was taken: %v", err)
	}
	added, err := customer.TrustFile(organisationFile(t, k))
	check(t, err)
	if len(added) != 1 || added[0].Organisation != org || added[0].Identifier != "NTRNO-"+orgnr || len(added[0].Fingerprint) != 64 {
		t.Errorf("got %+v", added)
	}
	if v := certs.Verify("x", envelope, trust(t, customer), monday()); !v.OK() {
		t.Errorf("before the list: %+v", v)
	}
	_, err = customer.TrustFile(worse.File)
	check(t, err)
	if v := certs.Verify("x", envelope, trust(t, customer), monday()); v.Issuer != certs.IssuerRevoked {
		t.Errorf("after the list: %+v", v)
	}
	// Whoever stole the key would like the customer to have the old list back.
	if _, err := customer.TrustFile(write(t, t.TempDir(), "old.pem", oldList)); err == nil || !strings.Contains(err.Error(), "number 2 is known") {
		t.Errorf("an older list was taken: %v", err)
	}
	if _, err := customer.TrustFile(worse.File); err != nil {
		t.Errorf("the same list again: %v", err)
	}
}

// authority makes CAs and leaves that NewStation would not.
type otherAuthority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newOtherAuthority(t *testing.T, edit func(*x509.Certificate)) *otherAuthority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	a := &otherAuthority{t: t, key: key}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "CA", Organization: []string{"CA"}}, NotBefore: date(2026, 1, 1), NotAfter: date(2046, 1, 1),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	if edit != nil {
		edit(template)
	}
	a.cert = a.issue(template, nil, &key.PublicKey)
	return a
}

func (a *otherAuthority) issue(template, parent *x509.Certificate, public any) *x509.Certificate {
	a.t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if parent == nil {
		parent = template
	}
	for {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
		check(a.t, err)
		cert, err := x509.ParseCertificate(der)
		check(a.t, err)
		// Of the two forms of a signature only one may be in a record.
		if lowForm(a.t, cert.Signature, a.key.Curve) {
			return cert
		}
	}
}

func lowForm(t testing.TB, der []byte, curve elliptic.Curve) bool {
	t.Helper()
	var sig struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(der, &sig)
	check(t, err)
	return sig.S.Cmp(new(big.Int).Rsh(curve.Params().N, 1)) <= 0
}

func (a *otherAuthority) trust() *certs.Trust {
	a.t.Helper()
	tr := &certs.Trust{}
	_, err := tr.Add("ca", a.cert.Raw)
	check(a.t, err)
	return tr
}

// sealedBy gives a record sealed by a leaf like ours but for the edit.
func (a *otherAuthority) sealedBy(edit func(*x509.Certificate)) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(a.t, err)
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, NotBefore: date(2026, 1, 1), NotAfter: date(2029, 1, 1), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}}
	template.UnknownExtKeyUsage = append(template.UnknownExtKeyUsage, []int{1, 3, 6, 1, 5, 5, 7, 3, 36})
	edit(template)
	s, err := certs.NewSigner(key, []*x509.Certificate{a.issue(template, a.cert, &key.PublicKey), a.cert})
	if err != nil {
		return nil, err
	}
	return certs.Seal(s, certs.KindSanitization, certs.ModeReal, wiped(s))
}

func TestCertificatesForOtherPurposes(t *testing.T) {
	a := newOtherAuthority(t, nil)
	for name, tt := range map[string]struct {
		edit func(*x509.Certificate)
		want certs.Issuer
	}{
		"like ours":         {func(*x509.Certificate) {}, certs.IssuerTrusted},
		"for a web server":  {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, certs.IssuerUntrusted},
		"for e-mail only":   {func(c *x509.Certificate) { c.UnknownExtKeyUsage = nil }, certs.IssuerUntrusted},
		"for nothing":       {func(c *x509.Certificate) { c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, nil }, certs.IssuerUntrusted},
		"for key agreement": {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }, certs.IssuerUntrusted},
		"no constraints":    {func(c *x509.Certificate) { c.BasicConstraintsValid = false }, certs.IssuerUntrusted},
		"a critical extension": {func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}, certs.IssuerUntrusted},
		"ended before the work": {func(c *x509.Certificate) { c.NotAfter = date(2026, 2, 1) }, certs.IssuerExpired},
	} {
		envelope, err := a.sealedBy(tt.edit)
		check(t, err)
		if v := certs.Verify(name, envelope, a.trust(), monday()); v.Issuer != tt.want || v.Integrity != certs.IntegrityOK {
			t.Errorf("%s: got %s, %q, want %s", name, v.Issuer, v.Reason, tt.want)
		}
	}
	if _, err := a.sealedBy(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }); err == nil {
		t.Error("an authority sealed a record itself")
	}
}

func TestNotEveryCertificateIsAnAuthority(t *testing.T) {
	for name, edit := range map[string]func(*x509.Certificate){
		"no CA":               func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero = false, false },
		"may not sign others": func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign },
		"critical extension": func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		},
	} {
		a := newOtherAuthority(t, edit)
		if _, err := (&certs.Trust{}).Add(name, a.cert.Raw); err == nil {
			t.Errorf("%s: is trusted", name)
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "RSA"}, NotAfter: date(2046, 1, 1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &weak.PublicKey, weak)
	check(t, err)
	if _, err := (&certs.Trust{}).Add("rsa", der); err == nil || !strings.Contains(err.Error(), "want ECDSA") {
		t.Errorf("RSA: %v", err)
	}
}

// A list that speaks of some certificates only must not be taken for the whole.
func TestPartialRevocationListIsRefused(t *testing.T) {
	a := newOtherAuthority(t, nil)
	list := func(edit func(*x509.RevocationList)) []byte {
		template := &x509.RevocationList{Number: big.NewInt(3), ThisUpdate: monday(), NextUpdate: date(2030, 1, 1)}
		edit(template)
		der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
		check(t, err)
		return der
	}
	tr := a.trust()
	_, err := tr.Add("whole", list(func(*x509.RevocationList) {}))
	check(t, err)
	for name, der := range map[string][]byte{
		"older": list(func(l *x509.RevocationList) { l.Number = big.NewInt(2) }),
		"partial": list(func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}}
		}),
	} {
		if _, err := tr.Add(name, der); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func TestOtherKindsOfRecord(t *testing.T) {
	k := depot(t)
	s, tr := signer(t, k), trust(t, k)
	begun := wiped(s)
	begun.Sequence, begun.Previous, begun.Outcome, begun.Fulfilled, begun.Steps = 0, "", erase.Unproven, false, nil
	begun.Clock.WallFinished = time.Time{}
	v := certs.Verify("x.started.json", seal(t, s, certs.KindStarted, begun), tr, monday())
	if !v.OK() || v.Kind != certs.KindStarted || v.Outcome != "interrupted" || v.Achieved != "none" || v.Reason != "started at 2026-03-02T09:30:00Z and never closed" {
		t.Errorf("started: got %+v", v)
	}

	unit := certs.Unit{Header: wiped(s).Header, Drives: []certs.UnitDrive{{Serial: "A", Outcome: erase.Failed}}}
	unit.Machine.System.Serial, unit.Machine.System.Model = "PF0ABC", "ThinkPad"
	v = certs.Verify("unit", signPage(t, s, seal(t, s, certs.KindUnit, &unit), "unit"), tr, monday())
	if !v.OK() || v.Kind != certs.KindUnit || v.Outcome != "" || v.Serial != "PF0ABC" || len(v.Drives) != 1 || v.Drives[0].Outcome != erase.Failed {
		t.Errorf("unit: got %+v", v)
	}

	for _, mode := range []certs.Mode{certs.ModeDemo, certs.ModeSimulated} {
		envelope, err := certs.Seal(s, certs.KindSanitization, mode, wiped(s))
		check(t, err)
		r, err := certs.Open(envelope)
		check(t, err)
		v := certs.Verify("x", envelope, tr, monday())
		if r.Mode != mode || v.Mode != mode || !strings.Contains(v.Reason, "about no real job") {
			t.Errorf("%s: got %+v", mode, v)
		}
	}
}

func TestSealRefusesLies(t *testing.T) {
	s := signer(t, depot(t))
	for name, edit := range map[string]func(*certs.Sanitization){
		"fulfilled though failed":       func(p *certs.Sanitization) { p.Outcome = erase.Failed },
		"fulfilled below what is asked": func(p *certs.Sanitization) { p.Accepted.Method = erase.Purge },
		"fulfilled by nothing":          func(p *certs.Sanitization) { p.Accepted.Method, p.Achieved.Method = 0, 0 },
		"clean with blocks that differ": func(p *certs.Sanitization) { p.Verification.Mismatches = 1 },
		"clean and never read back":     func(p *certs.Sanitization) { p.Verification = certs.Verification{} },
		"clean below what is asked, read-back none": func(p *certs.Sanitization) {
			p.Accepted.Method, p.Fulfilled, p.Verification.Mode = erase.Purge, false, erase.VerifyNone
		},
		"clean without assurance":       func(p *certs.Sanitization) { p.Assurance = erase.AssuranceNone },
		"plainly clean with exceptions": func(p *certs.Sanitization) { p.Exceptions = []erase.Exception{{Code: "missing-serial"}} },
		"another station":               func(p *certs.Sanitization) { p.Station.Name = "another" },
		"no id":                         func(p *certs.Sanitization) { p.ID = "" },
		"a path for an id":              func(p *certs.Sanitization) { p.ID = "../x" },
		"no place in the chain":         func(p *certs.Sanitization) { p.Sequence = 0 },
		"a trusted clock with no time":  func(p *certs.Sanitization) { p.Clock.WallFinished = time.Time{} },
		"a number JSON cannot hold":     func(p *certs.Sanitization) { p.Drive.CapacityBytes = 1<<53 + 1 },
		"more than fits":                func(p *certs.Sanitization) { p.Source = strings.Repeat("x", certs.MaxEnvelopeBytes) },
	} {
		p := wiped(s)
		edit(&p)
		if _, err := certs.Seal(s, certs.KindSanitization, certs.ModeReal, p); err == nil {
			t.Errorf("%s: was sealed", name)
		}
	}
	if _, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, wiped(s)); err == nil {
		t.Error("a drive was sealed as a unit")
	}
	if _, err := certs.Seal(s, "blessed", certs.ModeReal, wiped(s)); err == nil {
		t.Error("an unknown kind was sealed")
	}
	machine := certs.Unit{Header: wiped(s).Header, Drives: []certs.UnitDrive{{Path: "/dev/sda", Outcome: erase.Sanitized, Achieved: erase.Clear}}}
	if _, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, machine); err == nil {
		t.Error("a unit was sealed that calls a drive clean without its record")
	}
	var nobody *certs.Unit
	if _, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, nobody); err == nil {
		t.Error("nothing was sealed")
	}
}

// Local times are written in UTC, so that two readers see the same text.
func TestTimesAreUTC(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	p := wiped(s)
	oslo := time.FixedZone("CEST", 2*3600)
	p.Clock.WallFinished, p.Steps[0].Started = p.Clock.WallFinished.In(oslo), p.Steps[0].Started.In(oslo)
	if got, want := seal(t, s, certs.KindSanitization, p), seal(t, s, certs.KindSanitization, wiped(s)); payload(t, got) != payload(t, want) {
		t.Errorf("got\n%s\nwant\n%s", payload(t, got), payload(t, want))
	}
	if _, offset := p.Steps[0].Started.Zone(); offset == 0 {
		t.Error("the caller's record was changed")
	}
}

func TestKeyFilesGoneWrong(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	check(t, err)
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	foreignDER, err := x509.MarshalPKCS8PrivateKey(foreign)
	check(t, err)
	oldDER, err := x509.MarshalECPrivateKey(foreign)
	check(t, err)
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, tt := range map[string]struct {
		ext, want string
		content   []byte
		mode      os.FileMode
	}{
		"empty key":              {".key", "not one private key", []byte{}, 0o600},
		"garbage":                {".key", "not one private key", []byte("hello"), 0o600},
		"damaged key":            {".key", "asn1", block("PRIVATE KEY", foreignDER[:20]), 0o600},
		"RSA key":                {".key", "not an ECDSA P-256 key", block("PRIVATE KEY", rsaDER), 0o600},
		"another key":            {".key", "does not belong to the certificate", block("PRIVATE KEY", foreignDER), 0o600},
		"older form":             {".key", "PKCS#8", block("EC PRIVATE KEY", oldDER), 0o600},
		"certificate for a key":  {".key", "holds \"CERTIFICATE\"", block("CERTIFICATE", oldDER), 0o600},
		"damaged encryption":     {".key", "damaged", block("ENCRYPTED PRIVATE KEY", foreignDER[:20]), 0o600},
		"unknown encryption":     {".key", "damaged", block("ENCRYPTED PRIVATE KEY", foreignDER), 0o600},
		"readable by all":        {".key", "others than its owner", block("PRIVATE KEY", foreignDER), 0o644},
		"empty certificate":      {".pem", "no certificate", []byte{}, 0o644},
		"garbage certificate":    {".pem", "not a list of PEM", []byte("hello"), 0o644},
		"damaged certificate":    {".pem", "read certificate", block("CERTIFICATE", oldDER), 0o644},
		"missing certificate":    {".pem", "no such file", nil, 0},
		"missing key":            {".key", "no such file", nil, 0},
		"a pointer into nowhere": {"current", "no such file", []byte(strings.Repeat("0", 64)), 0o644},
		"a pointer out":          {"current", "not a key id", []byte("../../../etc/passwd"), 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			k := certs.OpenKeys(dir)
			signer(t, k) // a local key
			list, err := k.List()
			check(t, err)
			path := strings.TrimSuffix(list[0].File, ".pem") + tt.ext
			if tt.ext == "current" {
				path = filepath.Join(dir, "current")
			}
			check(t, os.Remove(path))
			if tt.content != nil {
				check(t, os.WriteFile(path, tt.content, tt.mode))
			}
			_, _, err = k.Signer(nil, monday(), rand.Reader)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q and the file", err, tt.want)
			}
		})
	}
}

func TestProtectedStationAsksForThePassphrase(t *testing.T) {
	k := certs.OpenKeys(t.TempDir())
	check(t, k.InitOrganisation(org, orgnr, []byte(passphrase), monday(), rand.Reader))
	check(t, k.NewStation(station, []byte(passphrase), true, monday(), rand.Reader))
	open := func(secret string) error {
		_, _, err := k.Signer(func() ([]byte, error) { return []byte(secret), nil }, monday(), rand.Reader)
		return err
	}
	check(t, open(passphrase))
	for _, secret := range []string{"wrong", ""} {
		if err := open(secret); err == nil || !strings.Contains(err.Error(), "wrong passphrase") || !strings.Contains(err.Error(), ".key") {
			t.Errorf("%q: got %v", secret, err)
		}
	}
	if _, _, err := k.Signer(nil, monday(), rand.Reader); err == nil || !strings.Contains(err.Error(), "has a passphrase") {
		t.Errorf("nobody to ask: %v", err)
	}
}

func TestWrongClocks(t *testing.T) {
	dead := date(1980, 1, 1)
	k := certs.OpenKeys(t.TempDir())
	if err := k.InitOrganisation(org, orgnr, []byte(passphrase), dead, rand.Reader); err == nil || !strings.Contains(err.Error(), "1980-01-01") {
		t.Errorf("an organisation of 1980: %v", err)
	}
	check(t, k.InitOrganisation(org, orgnr, []byte(passphrase), monday(), rand.Reader))
	check(t, k.NewStation(station, []byte(passphrase), false, dead, rand.Reader))
	s := signer(t, k)
	if got, want := s.Certificate().NotBefore, monday().Add(-24*time.Hour); !got.Equal(want) {
		t.Errorf("valid from %s, want the organisation's %s", got, want)
	}
	if v := certs.Verify("x", made(t, s, date(2027, 1, 1), true), trust(t, k), monday()); !v.OK() {
		t.Errorf("issued in 1980, used in 2027: %+v", v)
	}
	if err := k.NewStation("late", []byte(passphrase), false, date(2050, 1, 1), rand.Reader); err == nil {
		t.Error("a station was issued after the organisation's end")
	}
	if _, _, err := k.Signer(nil, date(2030, 1, 1), rand.Reader); err == nil || !strings.Contains(err.Error(), "ended on 2029-") {
		t.Errorf("a key that has ended: %v", err)
	}
	// A stick in a machine that says 1980 makes itself a key all the same.
	local, created, err := certs.OpenKeys(t.TempDir()).Signer(nil, dead, rand.Reader)
	check(t, err)
	if !created || local.Certificate().NotAfter.Year() != 9999 {
		t.Errorf("created %v, valid to %s", created, local.Certificate().NotAfter)
	}
}

func TestLocalKeyIsMadeOnce(t *testing.T) {
	k := certs.OpenKeys(filepath.Join(t.TempDir(), "new", "folder"))
	first, created, err := k.Signer(nil, monday(), rand.Reader)
	check(t, err)
	second, again, err := k.Signer(nil, monday(), rand.Reader)
	check(t, err)
	if !created || again || first.ID() != second.ID() {
		t.Errorf("created %v then %v, %s then %s", created, again, first.ID(), second.ID())
	}
	if tr := trust(t, k); certs.Verify("x", made(t, first, monday(), true), tr, monday()).OK() {
		t.Error("a local key is trusted")
	}
}

// Power was cut after the key was written and before the pointer to it was.
func TestPowerCutWhileMakingAKey(t *testing.T) {
	dir := t.TempDir()
	k := certs.OpenKeys(dir)
	first, _, err := k.Signer(nil, monday(), rand.Reader)
	check(t, err)
	check(t, os.Remove(filepath.Join(dir, "current")))
	check(t, os.WriteFile(filepath.Join(dir, "stations", "stray.key"), nil, 0o600))
	second, created, err := k.Signer(nil, monday(), rand.Reader)
	check(t, err)
	if created || first.ID() != second.ID() {
		t.Errorf("created %v, %s then %s", created, first.ID(), second.ID())
	}
}

func TestOrganisationNumbers(t *testing.T) {
	for _, tt := range []struct{ number, want string }{
		{"974760673", "NTRNO-974760673"},
		{"974 760 673", "NTRNO-974760673"},
		{"974760674", ""},
		{"923609016", "NTRNO-923609016"},
		{"5560360793", "NTRSE-5560360793"},
		{"556036-0793", "NTRSE-5560360793"},
		{"28323271", "NTRDK-28323271"},
		{"0112038-9", "NTRFI-0112038-9"},
		{"LEIXG-529900T8BM49AURSDO55", "LEIXG-529900T8BM49AURSDO55"},
		{"", ""},
		{"9\n7", ""},
	} {
		k := certs.OpenKeys(t.TempDir())
		err := k.InitOrganisation(org, tt.number, []byte(passphrase), monday(), rand.Reader)
		if (err == nil) != (tt.want != "") {
			t.Errorf("%q: got %v", tt.number, err)
			continue
		}
		if err != nil {
			continue
		}
		list, err := k.List()
		check(t, err)
		if list[0].Identifier != tt.want {
			t.Errorf("%q: got %q, want %q", tt.number, list[0].Identifier, tt.want)
		}
	}
}
