package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ombruk/ombruk/internal/orgnr"
)

var (
	// oidDocumentSigning is id-kp-documentSigning, RFC 9336.
	oidDocumentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}
	// oidOrganizationIdentifier is X.520 organizationIdentifier.
	oidOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}
)

const (
	authorityYears = 20
	stationYears   = 3
	// slack is how far validity begins before the making, for stations whose
	// clock is in another time zone than they think.
	slack = 24 * time.Hour
)

// earliestClock is before this program was written: a clock that says less is wrong.
func earliestClock() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// organisationSubject is the subject of an organisation's certificates.
func organisationSubject(org, number string) (pkix.Name, error) {
	if err := checkName("organisation", org); err != nil {
		return pkix.Name{}, err
	}
	country, identifier, err := organisationIdentifier(number)
	if err != nil {
		return pkix.Name{}, err
	}
	name := pkix.Name{
		CommonName: org, Organization: []string{org},
		ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidOrganizationIdentifier, Value: identifier}},
	}
	if country != "" {
		name.Country = []string{country}
	}
	return name, nil
}

// checkName bounds a name as X.520 does (64 characters) and keeps control
// characters out of certificates.
func checkName(what, s string) error {
	const maxRunes = 64
	switch {
	case strings.TrimSpace(s) != s || s == "":
		return fmt.Errorf("%s name %q: empty, or space around it", what, s)
	case !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxRunes:
		return fmt.Errorf("%s name %q: want at most %d characters", what, s, maxRunes)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%s name %q: has characters that cannot be printed", what, s)
	}
	return nil
}

// organisationIdentifier gives the country and the identifier in the form of
// ETSI EN 319 412-1 section 5.1.4 ("NTRNO-974760673") for numbers of the length
// of a Norwegian, Swedish, Danish or Finnish one, which are checked as such;
// others stand as given, without a country.
func organisationIdentifier(typed string) (country, identifier string, err error) {
	code, digits := orgnr.Split(typed)
	switch {
	case code != "":
	case strings.Trim(digits, "0123456789") != "":
	case finnish(typed):
		code = "FI"
	case len(digits) == 9:
		code = "NO"
	case len(digits) == 10:
		code = "SE"
	case len(digits) == 8:
		code = "DK"
	}
	if code == "" {
		return "", typed, checkName("organisation number", typed)
	}
	number, err := orgnr.Check(code, typed)
	if code == "SE" { // the register writes a hyphen, the identifier has none
		number = strings.ReplaceAll(number, "-", "")
	}
	return code, "NTR" + code + "-" + number, err
}

// finnish tells a Y-tunnus from a Danish number by its hyphen.
func finnish(typed string) bool {
	before, after, found := strings.Cut(strings.TrimSpace(typed), "-")
	return found && len(before) == 7 && len(after) == 1
}

func newAuthority(subject pkix.Name, now time.Time, random io.Reader) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	from := now.Add(-slack)
	cert, err := issue(&x509.Certificate{
		Subject: subject, NotBefore: from, NotAfter: from.AddDate(authorityYears, 0, 0),
		IsCA: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, nil, &key.PublicKey, key, random)
	return key, cert, err
}

func newStation(name string, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey, now time.Time, random io.Reader) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	if err := checkName("station", name); err != nil {
		return nil, nil, err
	}
	if name == issuer.Subject.CommonName {
		return nil, nil, fmt.Errorf("station name %q: is the organisation's", name)
	}
	from := now.Add(-slack)
	if from.Before(issuer.NotBefore) {
		from = issuer.NotBefore
	}
	if !now.Before(issuer.NotAfter) {
		return nil, nil, fmt.Errorf("the organisation's certificate ended on %s", issuer.NotAfter.UTC().Format(time.DateOnly))
	}
	until := from.AddDate(stationYears, 0, 0)
	if until.After(issuer.NotAfter) {
		until = issuer.NotAfter
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	subject := pkix.Name{CommonName: name, Organization: issuer.Subject.Organization, Country: issuer.Subject.Country}
	for _, attribute := range issuer.Subject.Names {
		if attribute.Type.Equal(oidOrganizationIdentifier) {
			subject.ExtraNames = append(subject.ExtraNames, attribute)
		}
	}
	template := stationTemplate(subject)
	template.NotBefore, template.NotAfter = from, until
	cert, err := issue(template, issuer, &key.PublicKey, issuerKey, random)
	return key, cert, err
}

// newLocal makes the key that a station without any makes for itself. Its
// certificate has no meaningful validity, since nobody will judge by it and the
// clock may say anything: from 1980, where dead clocks start, to the date that
// means "no end" (RFC 5280 section 4.1.2.5).
func newLocal(random io.Reader) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	template := stationTemplate(pkix.Name{CommonName: "self-made key " + Digest(public)[:8]})
	template.NotBefore = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	template.NotAfter = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	cert, err := issue(template, nil, &key.PublicKey, key, random)
	return key, cert, err
}

// stationTemplate has the purposes that PDF readers ask for: document signing
// alone is refused by NSS and OpenSSL, which know e-mail protection.
func stationTemplate(subject pkix.Name) *x509.Certificate {
	return &x509.Certificate{
		Subject:            subject,
		KeyUsage:           x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		ExtKeyUsage:        []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{oidDocumentSigning},
	}
}

// issue signs a certificate; without an issuer it signs itself.
func issue(template, issuer *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey, random io.Reader) (*x509.Certificate, error) {
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	template.SerialNumber, template.BasicConstraintsValid = serial, true
	template.NotBefore, template.NotAfter = template.NotBefore.UTC().Truncate(time.Second), template.NotAfter.UTC().Truncate(time.Second)
	if issuer == nil {
		issuer = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, lowSigner{key})
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// newSerial draws 126 random bits and a leading one, so that the number is
// positive and of one length (RFC 5280 section 4.1.2.2).
func newSerial(random io.Reader) (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	b[0] = b[0]&0x3f | 0x40
	return new(big.Int).SetBytes(b), nil
}

// newList makes the organisation's next revocation list. It stays current as
// long as the organisation's certificate: verification is offline, and whoever
// refused the old list for its age would have no newer one to look at.
func newList(a *authority, entries []x509.RevocationListEntry, key *ecdsa.PrivateKey, now time.Time) (*x509.RevocationList, error) {
	number := big.NewInt(1)
	if a.crl != nil {
		number.Add(a.crl.Number, number)
	}
	if !now.Before(a.cert.NotAfter) {
		return nil, errors.New("the organisation's certificate has ended")
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: number, ThisUpdate: now.UTC(), NextUpdate: a.cert.NotAfter, RevokedCertificateEntries: entries,
	}, a.cert, key)
	if err != nil {
		return nil, fmt.Errorf("make revocation list: %w", err)
	}
	return x509.ParseRevocationList(der)
}

func encodeList(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}
