package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// Signer is a station's key with its certificates.
type Signer struct {
	key   crypto.Signer
	chain []*x509.Certificate // leaf first; one when self-made, two when issued by an organisation
}

// NewSigner joins a P-256 key and its certificates, leaf first: either one
// self-signed certificate, or the station's and its organisation's. It is an
// error when the key belongs to another certificate or the chain does not hold
// together.
func NewSigner(key crypto.Signer, chain []*x509.Certificate) (*Signer, error) {
	if err := checkChain(chain); err != nil {
		return nil, err
	}
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok || !public.Equal(chain[0].PublicKey) {
		return nil, fmt.Errorf("the key does not belong to the certificate of %q", chain[0].Subject.CommonName)
	}
	return &Signer{key: key, chain: chain}, nil
}

// ID is the SHA-256 of the public key info, hex.
func (s *Signer) ID() string { return keyID(s.chain[0]) }

// Name is the common name in the certificate.
func (s *Signer) Name() string { return s.chain[0].Subject.CommonName }

// Certificate is the signer's own certificate.
func (s *Signer) Certificate() *x509.Certificate { return s.chain[0] }

// Organisation is the organisation named in the certificate; empty for a key
// that the station made for itself.
func (s *Signer) Organisation() string { return organisation(s.chain[0]) }

// OrganisationNumber is the number of that organisation as its country writes
// it ("974760673"); empty when there is none.
func (s *Signer) OrganisationNumber() string {
	identifier := describe(RoleStation, s.chain[0]).Identifier
	const scheme = len("NTRNO-") // ETSI EN 319 412-1 section 5.1.4
	if strings.HasPrefix(identifier, "NTR") && len(identifier) > scheme && identifier[scheme-1] == '-' {
		return identifier[scheme:]
	}
	return identifier
}

// Established reports whether an organisation's key issued this one. It says
// nothing about whether that organisation is trusted anywhere.
func (s *Signer) Established() bool { return len(s.chain) > 1 }

// sign makes an ECDSA signature with SHA-256, DER, in the one form of the two
// possible that [verifySignature] takes. It checks what it made: the machines
// this runs on may well have bad memory.
func (s *Signer) sign(message []byte) ([]byte, error) { return s.signWith(rand.Reader, message) }

// signWith is sign with the given randomness; with nil the same message always
// gets the same signature (RFC 6979).
func (s *Signer) signWith(random io.Reader, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	der, err := s.key.Sign(random, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign with key %.16s: %w", s.ID(), err)
	}
	der, err = lowS(der, elliptic.P256())
	if err != nil {
		return nil, err
	}
	if err := verifySignature(s.chain[0], message, der); err != nil {
		return nil, fmt.Errorf("sign with key %.16s: check of the fresh signature: %w", s.ID(), err)
	}
	return der, nil
}

// ecdsaSignature is ECDSA-Sig-Value, RFC 3279 section 2.2.3.
type ecdsaSignature struct{ R, S *big.Int }

// lowS gives the same signature with S in the lower half of the order of the
// signer's group. Both S and n-S verify, and a signature that can be rewritten
// by a stranger would change the digest that the next record chains to.
func lowS(der []byte, curve elliptic.Curve) ([]byte, error) {
	var sig ecdsaSignature
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("signature is not an ECDSA signature in DER")
	}
	n := curve.Params().N
	if sig.S.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		sig.S.Sub(n, sig.S)
	}
	return asn1.Marshal(sig)
}

// checkLowS checks that a signature is in the one form that lowS gives.
func checkLowS(der []byte, curve elliptic.Curve) error {
	low, err := lowS(der, curve)
	if err == nil && !bytes.Equal(low, der) {
		err = errors.New("the signature is not in its canonical form")
	}
	return err
}

// lowSigner signs certificates so that no stranger can write them another way.
type lowSigner struct{ *ecdsa.PrivateKey }

func (k lowSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := k.PrivateKey.Sign(random, digest, opts)
	if err != nil {
		return nil, err
	}
	return lowS(der, k.Curve)
}

// verifySignature checks an ECDSA P-256 SHA-256 signature in strict DER and
// low-S form.
func verifySignature(cert *x509.Certificate, message, der []byte) error {
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return errors.New("the signer's key is not ECDSA P-256")
	}
	if err := checkLowS(der, public.Curve); err != nil {
		return err
	}
	digest := sha256.Sum256(message)
	if !ecdsa.VerifyASN1(public, digest[:], der) {
		return errors.New("the signature does not match the content")
	}
	return nil
}

// checkChain checks that a chain holds together: a P-256 leaf that is no CA and
// either signed itself or was issued by the one self-signed CA that follows.
// It says nothing about trust, purpose or time.
func checkChain(chain []*x509.Certificate) error {
	if len(chain) != 1 && len(chain) != 2 {
		return fmt.Errorf("a chain of %d certificates: want a self-made one, or a station's and its organisation's", len(chain))
	}
	leaf, root := chain[0], chain[len(chain)-1]
	if public, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || public.Curve != elliptic.P256() {
		return fmt.Errorf("the key of %q is not ECDSA P-256", leaf.Subject.CommonName)
	}
	if leaf.IsCA {
		return fmt.Errorf("%q is the certificate of an authority and may not sign records", leaf.Subject.CommonName)
	}
	if len(chain) == 2 {
		if err := checkAuthority(root); err != nil {
			return err
		}
	}
	for _, cert := range chain {
		if err := checkIssuedBy(cert, root); err != nil {
			return err
		}
	}
	// The leaf is part of an envelope and no signature covers it there. The
	// organisation's certificate is compared with the one that is trusted.
	issuer, ok := root.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return fmt.Errorf("the key of %q is not ECDSA", root.Subject.CommonName)
	}
	if err := checkLowS(leaf.Signature, issuer.Curve); err != nil {
		return fmt.Errorf("the certificate of %q: %w", leaf.Subject.CommonName, err)
	}
	return nil
}

// checkAuthority checks that a certificate is an organisation's: a self-signed
// CA that may sign certificates and revocation lists.
func checkAuthority(cert *x509.Certificate) error {
	switch {
	case !cert.BasicConstraintsValid || !cert.IsCA:
		return fmt.Errorf("%q is not the certificate of an authority", cert.Subject.CommonName)
	case cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return fmt.Errorf("the certificate of %q may not sign other certificates", cert.Subject.CommonName)
	case len(cert.UnhandledCriticalExtensions) > 0:
		return fmt.Errorf("the certificate of %q has a critical extension that is not known: %v", cert.Subject.CommonName, cert.UnhandledCriticalExtensions[0])
	}
	return checkIssuedBy(cert, cert)
}

func checkIssuedBy(cert, issuer *x509.Certificate) error {
	if !bytes.Equal(cert.RawIssuer, issuer.RawSubject) {
		return fmt.Errorf("the certificate of %q was issued by %q, not by %q", cert.Subject.CommonName, cert.Issuer.CommonName, issuer.Subject.CommonName)
	}
	switch cert.SignatureAlgorithm {
	case x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
	default:
		return fmt.Errorf("the certificate of %q is signed with %v: want ECDSA with SHA-256 or better", cert.Subject.CommonName, cert.SignatureAlgorithm)
	}
	if err := issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		return fmt.Errorf("the certificate of %q is not signed by %q: %w", cert.Subject.CommonName, issuer.Subject.CommonName, err)
	}
	return nil
}

func keyID(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// fingerprint is the SHA-256 of a certificate, hex.
func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

func organisation(cert *x509.Certificate) string {
	if len(cert.Subject.Organization) == 0 {
		return ""
	}
	return cert.Subject.Organization[0]
}

func encodeChain(chain []*x509.Certificate) []byte {
	var out []byte
	for _, cert := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return out
}

// parseChain reads what [encodeChain] writes, to the byte.
func parseChain(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for rest := data; len(rest) > 0; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("not a list of PEM certificates")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		chain = append(chain, cert)
	}
	if !bytes.Equal(encodeChain(chain), data) {
		return nil, errors.New("the PEM certificates are not in their canonical form")
	}
	return chain, nil
}
