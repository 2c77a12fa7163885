package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Object identifiers of RFC 5652, RFC 5035 and RFC 5758.
var (
	oidData                 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidECDSAWithSHA256      = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// contentInfo is RFC 5652 section 3 with SignedData (section 5.1) inside.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content signedData `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version          int
	DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
	Content          struct{ Type asn1.ObjectIdentifier }
	Certificates     asn1.RawValue // [0] IMPLICIT SET OF
	SignerInfos      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version            int
	SID                issuerAndSerial
	DigestAlgorithm    pkix.AlgorithmIdentifier
	SignedAttributes   asn1.RawValue // [0] IMPLICIT SET OF
	SignatureAlgorithm pkix.AlgorithmIdentifier
	Signature          []byte
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// signCMS makes the detached CMS signature of PAdES B-B (ETSI EN 319 142-1):
// signed attributes content-type, message-digest and signing-certificate-v2,
// and nothing unsigned.
func signCMS(s *Signer, digest []byte) ([]byte, error) {
	attributes, err := signedAttributes(s.chain[0], digest)
	if err != nil {
		return nil, err
	}
	sig, err := s.sign(attributes)
	if err != nil {
		return nil, err
	}
	return encodeCMS(s.chain, attributes, sig)
}

// verifyCMS checks a signature over digest by chain[0]. There is exactly one way
// to write such a signature, so everything but its value is compared with what
// [signCMS] would have written: no byte of it can change unnoticed.
func verifyCMS(der, digest []byte, chain []*x509.Certificate) error {
	var info contentInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return errors.New("the page's signature is not the CMS structure that a page carries")
	}
	if len(info.Content.SignerInfos) != 1 {
		return fmt.Errorf("the page's signature has %d signers: want one", len(info.Content.SignerInfos))
	}
	signer := info.Content.SignerInfos[0]
	if !bytes.Equal(signer.SID.Issuer.FullBytes, chain[0].RawIssuer) || signer.SID.Serial.Cmp(chain[0].SerialNumber) != 0 {
		return errors.New("the page and the record it carries were signed by different keys")
	}
	attributes, err := signedAttributes(chain[0], digest)
	if err != nil {
		return err
	}
	if !bytes.Equal(implicit0(attributes), signer.SignedAttributes.FullBytes) {
		return errPageChanged
	}
	want, err := encodeCMS(chain, attributes, signer.Signature)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, der) {
		return errors.New("the page's signature holds something that a page's signature does not")
	}
	return verifySignature(chain[0], attributes, signer.Signature)
}

// coversDigest reports whether a signature speaks of this digest; [verifyCMS]
// says whether that is true.
func coversDigest(der, digest []byte) bool {
	var info contentInfo
	rest, err := asn1.Unmarshal(der, &info)
	return err == nil && len(rest) == 0 && len(info.Content.SignerInfos) == 1 &&
		bytes.Contains(info.Content.SignerInfos[0].SignedAttributes.Bytes, digest)
}

// signedAttributes is the DER of the SET OF that is signed.
func signedAttributes(leaf *x509.Certificate, digest []byte) ([]byte, error) {
	// SigningCertificateV2, RFC 5035 section 3; SHA-256 is its default and left out.
	type certID struct {
		Hash   []byte
		Issuer struct {
			Names  []asn1.RawValue
			Serial *big.Int
		}
	}
	type signingCertificateV2 struct{ Certs []certID }
	sum := sha256.Sum256(leaf.Raw)
	id := certID{Hash: sum[:]}
	id.Issuer.Names = []asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: leaf.RawIssuer}}
	id.Issuer.Serial = leaf.SerialNumber

	var attributes []attribute
	for _, a := range []struct {
		oid   asn1.ObjectIdentifier
		value any
	}{
		{oidContentType, oidData},
		{oidMessageDigest, digest},
		{oidSigningCertificateV2, signingCertificateV2{[]certID{id}}},
	} {
		der, err := asn1.Marshal(a.value)
		if err != nil {
			return nil, fmt.Errorf("encode signed attribute: %w", err)
		}
		attributes = append(attributes, attribute{a.oid, []asn1.RawValue{{FullBytes: der}}})
	}
	return asn1.MarshalWithParams(attributes, "set")
}

func encodeCMS(chain []*x509.Certificate, attributes, sig []byte) ([]byte, error) {
	certificates := make([][]byte, len(chain))
	for i, cert := range chain {
		certificates[i] = cert.Raw
	}
	slices.SortFunc(certificates, bytes.Compare) // DER: SET OF is sorted
	sha := pkix.AlgorithmIdentifier{Algorithm: oidSHA256}
	info := contentInfo{Type: oidSignedData, Content: signedData{
		Version:          1,
		DigestAlgorithms: []pkix.AlgorithmIdentifier{sha},
		Certificates:     asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: bytes.Join(certificates, nil)},
		SignerInfos: []signerInfo{{
			Version:            1,
			SID:                issuerAndSerial{asn1.RawValue{FullBytes: chain[0].RawIssuer}, chain[0].SerialNumber},
			DigestAlgorithm:    sha,
			SignedAttributes:   asn1.RawValue{FullBytes: implicit0(attributes)},
			SignatureAlgorithm: pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA256},
			Signature:          sig,
		}},
	}}
	info.Content.Content.Type = oidData
	return asn1.Marshal(info)
}

// implicit0 gives a SET the tag [0] under which it travels.
func implicit0(set []byte) []byte {
	out := bytes.Clone(set)
	out[0] = 0xa0
	return out
}
