package bootusb

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
)

// ErrUnsigned is a program without a signature that firmware could check.
var ErrUnsigned = errors.New("it carries no Authenticode signature, so no machine with Secure Boot on would start it")

// The parts of a PE program that signing it leaves out (Microsoft, "Windows
// Authenticode Portable Executable Signature Format", version 1.0).
type peLayout struct {
	checksum   int // offset of the four bytes of the checksum
	tableEntry int // offset of the eight bytes of the directory's entry
	table      int // offset of the table of certificates; the end of the program
	tableBytes int
}

func parsePE(b []byte) (peLayout, error) {
	var l peLayout
	bad := errors.New("not a PE program")
	le := binary.LittleEndian
	if len(b) < 0x40 || string(b[:2]) != "MZ" {
		return l, bad
	}
	pe := int64(le.Uint32(b[0x3c:]))
	if pe > int64(len(b))-24-240 || string(b[pe:pe+4]) != "PE\x00\x00" {
		return l, bad
	}
	if machine := le.Uint16(b[pe+4:]); machine != 0x8664 {
		return l, fmt.Errorf("a PE program for machine %#x, not x86-64", machine)
	}
	optional := int(pe) + 24
	if le.Uint16(b[optional:]) != 0x20b { // PE32+
		return l, bad
	}
	l.checksum = optional + 64
	if le.Uint32(b[optional+108:]) < 5 {
		l.table = len(b)
		return l, nil
	}
	l.tableEntry = optional + 112 + 4*8
	at, size := int64(le.Uint32(b[l.tableEntry:])), int64(le.Uint32(b[l.tableEntry+4:]))
	if at == 0 || size == 0 {
		l.table = len(b)
		return l, nil
	}
	if at+size > int64(len(b)) || at < int64(l.tableEntry)+8 {
		return l, errors.New("a PE program whose table of certificates lies outside it")
	}
	l.table, l.tableBytes = int(at), int(size)
	return l, nil
}

// digest is Authenticode's of the program b.
func (l peLayout) digest(b []byte, h hash.Hash) []byte {
	h.Write(b[:l.checksum])
	h.Write(b[l.checksum+4 : l.tableEntry])
	h.Write(b[l.tableEntry+8 : l.table])
	h.Write(b[l.table+l.tableBytes:])
	return h.Sum(nil)
}

// What is read of a signature: RFC 2315 section 9, and the content that
// Authenticode puts into it.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

type signedData struct {
	Version      int
	Algorithms   asn1.RawValue
	Content      contentInfo
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version int
	Issuer  struct {
		Name   asn1.RawValue
		Serial *big.Int
	}
	DigestAlgorithm pkix.AlgorithmIdentifier
	Attributes      asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm       pkix.AlgorithmIdentifier
	Signature       []byte
	Unsigned        asn1.RawValue `asn1:"optional,tag:1"`
}

type indirectData struct {
	Data   asn1.RawValue
	Digest struct {
		Algorithm pkix.AlgorithmIdentifier
		Value     []byte
	}
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue
}

var (
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidIndirectData  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 4}
)

// signers names who signed the program b. Each signature is checked against
// the program and against the certificate that comes with it: a damaged file
// is found here and not in front of a machine. Whether firmware trusts the
// signer is not decided here.
func signers(b []byte) ([]string, error) {
	l, err := parsePE(b)
	if err != nil {
		return nil, err
	}
	var names []string
	table := b[l.table : l.table+l.tableBytes]
	for len(table) >= 8 {
		size := int(binary.LittleEndian.Uint32(table))
		kind := binary.LittleEndian.Uint16(table[6:])
		if size < 8 || size > len(table) {
			return nil, errors.New("its table of certificates is damaged")
		}
		if kind == 2 { // WIN_CERT_TYPE_PKCS_SIGNED_DATA
			found, err := l.signedBy(b, table[8:size])
			if err != nil {
				return nil, err
			}
			for _, name := range found {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		table = table[min((size+7)&^7, len(table)):]
	}
	if names == nil {
		return nil, ErrUnsigned
	}
	return names, nil
}

// signedBy checks one signature of the program b.
func (l peLayout) signedBy(b, der []byte) ([]string, error) {
	damaged := func(err error) error { return fmt.Errorf("its signature is damaged: %w", err) }
	var outer contentInfo
	var sd signedData
	var content indirectData
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, damaged(err)
	}
	if _, err := asn1.Unmarshal(outer.Content.Bytes, &sd); err != nil {
		return nil, damaged(err)
	}
	if !sd.Content.Type.Equal(oidIndirectData) {
		return nil, damaged(fmt.Errorf("it is about %s, not a program", sd.Content.Type))
	}
	if _, err := asn1.Unmarshal(sd.Content.Content.Bytes, &content); err != nil {
		return nil, damaged(err)
	}
	if !content.Digest.Algorithm.Algorithm.Equal(oidSHA256) {
		return nil, fmt.Errorf("its signature is over the digest %s, not SHA-256", content.Digest.Algorithm.Algorithm)
	}
	if !bytes.Equal(l.digest(b, sha256.New()), content.Digest.Value) {
		return nil, errors.New("it is not the program that was signed: its digest differs")
	}
	certificates, err := x509.ParseCertificates(sd.Certificates.Bytes)
	if err != nil {
		return nil, damaged(err)
	}
	// What is signed is the content without its outermost tag and length.
	var inner asn1.RawValue
	if _, err := asn1.Unmarshal(sd.Content.Content.Bytes, &inner); err != nil {
		return nil, damaged(err)
	}
	var names []string
	for _, s := range sd.Signers {
		i := slices.IndexFunc(certificates, func(c *x509.Certificate) bool {
			return bytes.Equal(c.RawIssuer, s.Issuer.Name.FullBytes) && c.SerialNumber.Cmp(s.Issuer.Serial) == 0
		})
		if i < 0 {
			return nil, damaged(errors.New("the signer's certificate is not in it"))
		}
		if err := s.verify(certificates[i], inner.Bytes); err != nil {
			return nil, damaged(err)
		}
		name := certificates[i].Subject.CommonName
		if name == "" {
			name = certificates[i].Subject.String()
		}
		names = append(names, name)
	}
	return names, nil
}

// verify checks s over content by the key in c.
func (s signerInfo) verify(c *x509.Certificate, content []byte) error {
	if !s.DigestAlgorithm.Algorithm.Equal(oidSHA256) {
		return fmt.Errorf("the digest %s is not SHA-256", s.DigestAlgorithm.Algorithm)
	}
	want := sha256.Sum256(content)
	found := false
	for rest := s.Attributes.Bytes; len(rest) > 0; {
		var a attribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return err
		}
		if a.Type.Equal(oidMessageDigest) {
			var got []byte
			if _, err := asn1.Unmarshal(a.Values.Bytes, &got); err != nil {
				return err
			}
			found = bytes.Equal(got, want[:])
		}
	}
	if !found {
		return errors.New("its message digest is another")
	}
	// The attributes are signed as a set, though they are stored under a tag.
	signed := slices.Clone(s.Attributes.FullBytes)
	signed[0] = 0x31
	return c.CheckSignature(x509.SHA256WithRSA, signed, s.Signature)
}
