package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Issuer says what is known about the key that signed a record.
type Issuer string

// The findings about an issuer.
const (
	IssuerTrusted   Issuer = "trusted"
	IssuerUntrusted Issuer = "untrusted"
	IssuerRevoked   Issuer = "revoked"
	IssuerExpired   Issuer = "expired"
)

// Reason is why a key was revoked, by its name in RFC 5280 section 5.3.1.
type Reason string

// The reasons that are written. A revocation list may hold others; they count
// as KeyCompromise.
const (
	Unspecified          Reason = "unspecified"
	KeyCompromise        Reason = "keyCompromise"
	AffiliationChanged   Reason = "affiliationChanged"
	Superseded           Reason = "superseded"
	CessationOfOperation Reason = "cessationOfOperation"
)

// reasonCodes are the numbers of RFC 5280 section 5.3.1 in the order of [Reasons].
var reasonCodes = []int{0, 1, 3, 4, 5}

// Reasons are the reasons that are written.
func Reasons() []Reason {
	return []Reason{Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation}
}

func reasonOf(code int) Reason {
	if i := slices.Index(reasonCodes, code); i >= 0 {
		return Reasons()[i]
	}
	return KeyCompromise
}

func (r Reason) code() (int, error) {
	if i := slices.Index(Reasons(), r); i >= 0 {
		return reasonCodes[i], nil
	}
	return 0, fmt.Errorf("reason %q is not known: want one of %v", r, Reasons())
}

// orderly reports whether the key stayed in good hands until it was revoked, so
// that what it signed before can be believed.
func (r Reason) orderly() bool {
	return r == AffiliationChanged || r == Superseded || r == CessationOfOperation
}

// Trust is a set of organisations whose stations are believed, with the lists
// of the keys they have revoked. The zero value and nil trust nobody.
type Trust struct {
	authorities []authority
}

type authority struct {
	cert *x509.Certificate
	crl  *x509.RevocationList // nil when the organisation has revoked nothing
}

// Add trusts what a file (PEM or DER) holds: certificates of organisations, and
// revocation lists of organisations that are trusted by then. It is an error
// when the file holds anything else, or an older list than the one known.
func (t *Trust) Add(file string, data []byte) ([]KeyInfo, error) {
	certificates, lists, err := parseTrust(data)
	if err != nil {
		return nil, fmt.Errorf("trust %s: %w", file, err)
	}
	var added []KeyInfo
	for _, cert := range certificates {
		if err := checkAuthority(cert); err != nil {
			return nil, fmt.Errorf("trust %s: %w", file, err)
		}
		if t.find(cert) == nil {
			t.authorities = append(t.authorities, authority{cert: cert})
		}
		added = append(added, describe(RoleTrusted, cert))
	}
	for _, list := range lists {
		a, err := t.addList(list)
		if err != nil {
			return nil, fmt.Errorf("trust %s: %w", file, err)
		}
		added = append(added, describe(RoleRevocations, a.cert))
	}
	return added, nil
}

// addList takes a revocation list of a trusted organisation.
func (t *Trust) addList(list *x509.RevocationList) (*authority, error) {
	for i := range t.authorities {
		a := &t.authorities[i]
		if !bytes.Equal(a.cert.RawSubject, list.RawIssuer) || checkList(list, a.cert) != nil {
			continue
		}
		if a.crl != nil && a.crl.Number.Cmp(list.Number) > 0 {
			return nil, fmt.Errorf("the revocation list of %q is number %v, and number %v is known", organisation(a.cert), list.Number, a.crl.Number)
		}
		a.crl = list
		return a, nil
	}
	return nil, fmt.Errorf("the revocation list of %q is not by an organisation trusted here, or is not one of the kind they make", list.Issuer.CommonName)
}

// checkList checks a revocation list: signed by the organisation, complete (no
// extension that limits what it speaks of), numbered.
func checkList(list *x509.RevocationList, issuer *x509.Certificate) error {
	switch list.SignatureAlgorithm {
	case x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
	default:
		return fmt.Errorf("signed with %v", list.SignatureAlgorithm)
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return err
	}
	if list.Number == nil {
		return errors.New("without a number")
	}
	extensions := slices.Clone(list.Extensions)
	for _, entry := range list.RevokedCertificateEntries {
		extensions = append(extensions, entry.Extensions...)
	}
	for _, extension := range extensions {
		if extension.Critical {
			return fmt.Errorf("critical extension %v", extension.Id)
		}
	}
	return nil
}

func (t *Trust) find(cert *x509.Certificate) *authority {
	if t == nil {
		return nil
	}
	for i := range t.authorities {
		if t.authorities[i].cert.Equal(cert) {
			return &t.authorities[i]
		}
	}
	return nil
}

// judge decides about the issuer of a record whose integrity is established, and
// says why in a sentence (empty when there is nothing to say).
//
// A record is judged by the time it was made, never by the time of asking, so
// that a certificate made while its key was valid stays good:
//
//   - With a trusted clock the time is clock.wall_finished (wall_started in a
//     started record). Outside the validity of the key's certificate the issuer
//     is expired.
//   - Without one, the time claimed is a number that a dead battery made up. It
//     is not used at all: validity is then not judged, and the sentence says that
//     the time is not established.
//
// A key that was revoked because it was, or may have been, in wrong hands
// (keyCompromise, unspecified, or any reason not named next) makes every record
// of it revoked, because whoever has the key writes what time he likes. A key
// that was revoked in good order (superseded, cessationOfOperation,
// affiliationChanged) makes those records revoked whose time is not established
// or not before the revocation.
func (t *Trust) judge(r *Record) (Issuer, string) {
	made, established := r.time()
	return t.judgeChain(r.Chain, made, established)
}

// judgeChain is judge for what was made at the given time and signed by a chain
// that holds together.
func (t *Trust) judgeChain(chain []*x509.Certificate, made time.Time, established bool) (Issuer, string) {
	leaf := chain[0]
	if len(chain) == 1 {
		return IssuerUntrusted, "the key that signed was made by the station itself: no organisation vouches for it"
	}
	a := t.find(chain[1])
	if a == nil {
		return IssuerUntrusted, fmt.Sprintf("the organisation %q (fingerprint %s) is not trusted here", organisation(chain[1]), fingerprint(chain[1]))
	}
	if err := checkPurpose(leaf); err != nil {
		return IssuerUntrusted, err.Error()
	}
	if entry := a.revoked(leaf); entry != nil {
		reason, since := reasonOf(entry.ReasonCode), entry.RevocationTime.UTC().Format(time.RFC3339)
		switch {
		case !reason.orderly():
			return IssuerRevoked, fmt.Sprintf("the key was revoked on %s (%s): nothing it signed can be believed", since, reason)
		case !established:
			return IssuerRevoked, fmt.Sprintf("the key was revoked on %s (%s), and it is not established that the record was made before", since, reason)
		case !made.Before(entry.RevocationTime):
			return IssuerRevoked, fmt.Sprintf("the key was revoked on %s (%s), before the record was made", since, reason)
		}
	}
	at := made
	if !established {
		at = leaf.NotBefore
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	})
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return IssuerExpired, fmt.Sprintf("the record was made on %s, and the key is valid from %s to %s", made.UTC().Format(time.RFC3339),
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	case err != nil:
		return IssuerUntrusted, fmt.Sprintf("the station's certificate does not hold: %v", err)
	}
	return IssuerTrusted, ""
}

// checkPurpose checks that a station's certificate is made for signing records.
func checkPurpose(leaf *x509.Certificate) error {
	switch {
	case !leaf.BasicConstraintsValid || leaf.IsCA:
		return errors.New("the station's certificate does not say that it is no authority")
	case leaf.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment:
		return errors.New("the station's certificate is not for signing documents (key usage)")
	case !slices.ContainsFunc(leaf.UnknownExtKeyUsage, oidDocumentSigning.Equal):
		return errors.New("the station's certificate is not for signing documents (extended key usage)")
	}
	return nil
}

// time is when a record was made, and whether that is established.
func (r *Record) time() (time.Time, bool) {
	clock := r.Header.Clock
	if r.Kind == KindStarted {
		return clock.WallStarted, clock.Trusted
	}
	return clock.WallFinished, clock.Trusted
}

// revoked finds a certificate in the organisation's list; nil when it is not there.
func (a *authority) revoked(cert *x509.Certificate) *x509.RevocationListEntry {
	if a.crl == nil {
		return nil
	}
	for i := range a.crl.RevokedCertificateEntries {
		if entry := &a.crl.RevokedCertificateEntries[i]; entry.SerialNumber.Cmp(cert.SerialNumber) == 0 {
			return entry
		}
	}
	return nil
}

// parseTrust reads certificates and revocation lists, PEM or DER.
func parseTrust(data []byte) ([]*x509.Certificate, []*x509.RevocationList, error) {
	if len(data) > maxKeyFileBytes {
		return nil, nil, fmt.Errorf("larger than %d bytes", maxKeyFileBytes)
	}
	if cert, err := x509.ParseCertificate(data); err == nil {
		return []*x509.Certificate{cert}, nil, nil
	}
	if list, err := x509.ParseRevocationList(data); err == nil {
		return nil, []*x509.RevocationList{list}, nil
	}
	var certificates []*x509.Certificate
	var lists []*x509.RevocationList
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if strings.Contains(string(rest), "-----BEGIN") {
				return nil, nil, errors.New("damaged PEM block")
			}
			break
		}
		switch block.Type {
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("read certificate: %w", err)
			}
			certificates = append(certificates, cert)
		case "X509 CRL":
			list, err := x509.ParseRevocationList(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("read revocation list: %w", err)
			}
			lists = append(lists, list)
		default:
			return nil, nil, fmt.Errorf("holds %q: want certificates or revocation lists", block.Type)
		}
	}
	if len(certificates)+len(lists) == 0 {
		return nil, nil, errors.New("neither a certificate nor a revocation list")
	}
	return certificates, lists, nil
}
