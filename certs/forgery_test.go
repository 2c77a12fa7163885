package certs

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// These tests hold a station's key and write with it what this program would
// not: the forgeries of a thief, or of a careless later version.

// sealRaw signs any bytes as a payload.
func sealRaw(t testing.TB, s *Signer, payload []byte) []byte {
	t.Helper()
	sig, err := s.sign(preAuthentication(payload))
	if err != nil {
		t.Fatal(err)
	}
	return encodeEnvelope(t, s, payload, sig)
}

func encodeEnvelope(t testing.TB, s *Signer, payload, sig []byte) []byte {
	t.Helper()
	b, err := json.Marshal(envelope{payload, payloadType, []signature{{string(encodeChain(s.chain)), s.ID(), sig}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func started(s *Signer) Sanitization {
	return Sanitization{Header: Header{ID: "0195a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b", Station: Station{ID: s.ID(), Name: s.Name()}}}
}

func payloadOf(t testing.TB, data []byte) string {
	t.Helper()
	var env envelope
	if err := json.Unmarshal(data, &env); err != nil {
		t.Fatal(err)
	}
	return string(env.Payload)
}

func TestForgedStatements(t *testing.T) {
	s := forger(t, "Depot")
	sealed, err := Seal(s, KindStarted, ModeReal, started(s))
	if err != nil {
		t.Fatal(err)
	}
	good := payloadOf(t, sealed)
	if _, err := Open(sealRaw(t, s, []byte(good))); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, tt := range map[string]struct{ payload, want string }{
		"not canonical":              {replace(`{`, `{ `), "canonical"},
		"out of order":               {`{"b":1,"a":1}`, "canonical"},
		"a second value":             {good + "{}", "valid JSON"},
		"no JSON":                    {"hello", "valid JSON"},
		"not UTF-8":                  {replace(`"asset_tag":""`, "\"asset_tag\":\"\xff\""), "UTF-8"},
		"a doubled name":             {replace(`"asset_tag":""`, `"asset_tag":"","asset_tag":""`), "two names"},
		"a name in another case":     {replace(`"achieved":`, `"Outcome":"sanitized","achieved":`), "two names"},
		"the Kelvin sign for a k":    {replace(`"achieved":`, "\"accepted\":0,\"disK\":1,\"dis\u212a\":1,\"achieved\":"), "two names"},
		"an outcome in capitals":     {strings.Replace(replace(`"outcome":"unproven",`, ``), `"accepted":`, `"OUTCOME":"unproven","accepted":`, 1), "outcome is missing"},
		"no outcome":                 {replace(`"outcome":"unproven",`, ``), "outcome is missing"},
		"an outcome not known":       {replace(`"outcome":"unproven"`, `"outcome":"excellent"`), "excellent"},
		"a started record's success": {replace(`"outcome":"unproven"`, `"outcome":"sanitized"`), "claims an outcome"},
		"a unit record's type":       {replace(`/started/v1`, `/unit/v1`), "missing"},
		"a closed record's type":     {replace(`/started/v1`, `/sanitization/v1`), "sequence 0"},
		"a type not known":           {replace(`/started/v1`, `/blessed/v1`), "not known"},
		"a mode not known":           {replace(`/started/v1`, `/started/best/v1`), "not known"},
		"a type of a stranger":       {replace(PredicateBase, "https://example.org/"), "not known"},
		"another version":            {replace(`/started/v1`, `/started/v2`), "not known"},
		"another statement":          {replace(`Statement/v1`, `Statement/v2`), "not known"},
		"a path for an id":           {replace(`0195a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b`, `../../../../../etc/passwd-padded-xxx`), "not a UUID"},
		"an id in capitals":          {replace(`0195a1b2-3c4d-7e5f`, `0195A1B2-3C4D-7E5F`), "not a UUID"},
		"another station's id":       {replace(s.ID(), strings.Repeat("0", 64)), "names station"},
		"another station's name":     {replace(`"name":"stick"`, `"name":"stock"`), "names station"},
		"another drive":              {replace(`"serial":""`, `"serial":"x"`), "subject"},
		"a subject more":             {replace(`"subject":[`, `"subject":[{"digest":{},"name":""},`), "subject"},
		"a field in the statement":   {replace(`"subject":`, `"something":1,"subject":`), "unknown field"},
		"a number for a text":        {replace(`"asset_tag":""`, `"asset_tag":1`), "predicate"},
		"deep":                       {strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested"},
	} {
		_, err := Open(sealRaw(t, s, []byte(tt.payload)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// A payload that would keep the canonicalizer busy for hours is refused at once.
func TestHugeObjectsAreRefused(t *testing.T) {
	s := forger(t, "Depot")
	var b bytes.Buffer
	b.WriteString(`{`)
	for i := range 200_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + big.NewInt(int64(i)).Text(36) + `":0`)
	}
	b.WriteString(`}`)
	if _, err := Open(sealRaw(t, s, b.Bytes())); err == nil || !strings.Contains(err.Error(), "names") {
		t.Errorf("got %v", err)
	}
}

// A file of nothing but numbers would take fifty times its size in memory.
func TestPagesOfNothingButNumbersAreRefused(t *testing.T) {
	for _, value := range []string{"1 ", "[]", "<<>>"} {
		pdf := "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n[" + strings.Repeat(value, pdfMaxValues) + "]\nendobj\n"
		if v := Verify("x.pdf", []byte(pdf), nil, time.Now()); v.OK() || !strings.Contains(v.Reason, "more than 200000 values") {
			t.Errorf("%s: got %+v", value, v)
		}
	}
}

// other is the second of the two ECDSA signatures that verify.
func other(t testing.TB, der []byte) []byte { return otherOf(t, der, elliptic.P256()) }

func otherOf(t testing.TB, der []byte, curve elliptic.Curve) []byte {
	t.Helper()
	var sig ecdsaSignature
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		t.Fatal(err)
	}
	sig.S.Sub(curve.Params().N, sig.S)
	out, err := asn1.Marshal(sig)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSignaturesHaveOneForm(t *testing.T) {
	s := forger(t, "Depot")
	sealed, err := Seal(s, KindStarted, ModeReal, started(s))
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte(payloadOf(t, sealed))
	sig, err := s.sign(preAuthentication(payload))
	if err != nil {
		t.Fatal(err)
	}
	for name, sig := range map[string][]byte{"the other S": other(t, sig), "more behind": append(bytes.Clone(sig), 0), "empty": {}, "zero": {0x30, 6, 2, 1, 0, 2, 1, 0}} {
		if _, err := Open(encodeEnvelope(t, s, payload, sig)); err == nil {
			t.Errorf("%s: was opened", name)
		}
	}
}

// A certificate travels in the envelope and nothing signs it there, so that whoever
// writes its signature the other way would make a second copy of one record,
// with another digest than the next record chains to.
func TestCertificatesInRecordsHaveOneForm(t *testing.T) {
	for range 4 { // one in two would be right by chance
		s := forger(t, "Depot")
		sealed, err := Seal(s, KindStarted, ModeReal, started(s))
		if err != nil {
			t.Fatal(err)
		}
		payload := []byte(payloadOf(t, sealed))
		sig, err := s.sign(preAuthentication(payload))
		if err != nil {
			t.Fatal(err)
		}
		var parts struct {
			TBS       asn1.RawValue
			Algorithm pkix.AlgorithmIdentifier
			Signature asn1.BitString
		}
		if _, err := asn1.Unmarshal(s.chain[0].Raw, &parts); err != nil {
			t.Fatal(err)
		}
		parts.Signature.Bytes = otherOf(t, parts.Signature.Bytes, elliptic.P384())
		parts.Signature.BitLength = 8 * len(parts.Signature.Bytes)
		der, err := asn1.Marshal(parts)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := leaf.CheckSignatureFrom(s.chain[1]); err != nil {
			t.Fatalf("the other form must be as valid: %v", err)
		}
		twin := &Signer{key: s.key, chain: []*x509.Certificate{leaf, s.chain[1]}}
		if _, err := Open(encodeEnvelope(t, twin, payload, sig)); err == nil {
			t.Error("a record with its certificate written another way was opened")
		}
	}
}

func plainPage(t testing.TB, envelope []byte) []byte {
	t.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCompression(false)
	f.AddPage()
	f.SetAttachments([]fpdf.Attachment{{Content: envelope, Filename: EvidenceName}})
	var b bytes.Buffer
	if err := f.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// forgePage signs without looking, and lets a test change the CMS structure.
func forgePage(t testing.TB, s *Signer, pdf []byte, change func(der []byte) []byte) []byte {
	t.Helper()
	file, err := readPDF(pdf)
	if err != nil {
		t.Fatal(err)
	}
	out, contents, err := file.withSignature(PageInfo{Time: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	der, err := signCMS(s, pageDigest(out, contents))
	if err != nil {
		t.Fatal(err)
	}
	hex.Encode(out[contents+1:], change(der))
	return out
}

func TestForgedPages(t *testing.T) {
	s, thief := forger(t, "Depot"), forger(t, "Thief")
	sealed, err := Seal(s, KindStarted, ModeReal, started(s))
	if err != nil {
		t.Fatal(err)
	}
	pdf := plainPage(t, sealed)
	same := func(der []byte) []byte { return der }
	var trust Trust
	if _, err := trust.Add("ca", encodeChain(s.chain[1:])); err != nil {
		t.Fatal(err)
	}
	if v := Verify("good", forgePage(t, s, pdf, same), &trust, time.Now()); !v.OK() {
		t.Fatalf("good page: %+v", v)
	}
	two := fpdf.New("P", "mm", "A4", "")
	two.AddPage()
	two.SetAttachments([]fpdf.Attachment{{Content: sealed, Filename: EvidenceName}, {Content: sealed, Filename: "other"}})
	var twoFiles bytes.Buffer
	if err := two.Output(&twoFiles); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		page []byte
		want string
	}{
		// The forgery that matters: a genuine record under a stranger's page.
		"a thief's page around a genuine record": {forgePage(t, thief, pdf, same), "different keys"},
		"two attachments":                        {forgePage(t, s, twoFiles.Bytes(), same), "exactly one file"},
		"an unsigned attribute":                  {forgePage(t, s, pdf, withUnsigned), "something"},
		"a certificate more":                     {forgePage(t, &Signer{s.key, []*x509.Certificate{s.chain[0], s.chain[1], thief.chain[1]}}, pdf, same), "something"},
		"no organisation's certificate":          {forgePage(t, &Signer{s.key, s.chain[:1]}, pdf, same), "something"},
		"the other S":                            {forgePage(t, s, pdf, func(der []byte) []byte { return swapSignature(t, der) }), "canonical form"},
		"something behind":                       {forgePage(t, s, pdf, func(der []byte) []byte { return append(der, 1) }), "hidden"},
		"nothing":                                {forgePage(t, s, pdf, func(der []byte) []byte { return make([]byte, len(der)) }), "signature"},
		"another structure":                      {forgePage(t, s, pdf, func([]byte) []byte { return []byte{0x30, 3, 2, 1, 5} }), "changed"},
		"a record that is none":                  {forgePage(t, s, plainPage(t, []byte("{}")), same), "no evidence"},
		"a record too large":                     {forgePage(t, s, plainPage(t, bytes.Repeat([]byte(" "), MaxEnvelopeBytes+1)), same), "larger than"},
	} {
		v := Verify(name, tt.page, &trust, time.Now())
		if v.Integrity != IntegrityBad || v.OK() || !strings.Contains(v.Reason, tt.want) {
			t.Errorf("%s: got %+v, want %q", name, v, tt.want)
		}
	}
}

// withUnsigned adds an unsigned attribute, as a time stamp would be.
func withUnsigned(der []byte) []byte {
	var info struct {
		Type    asn1.ObjectIdentifier
		Content struct {
			Version          int
			DigestAlgorithms asn1.RawValue
			Content          asn1.RawValue
			Certificates     asn1.RawValue
			SignerInfos      []struct {
				Version            int
				SID, Digest        asn1.RawValue
				SignedAttributes   asn1.RawValue
				SignatureAlgorithm asn1.RawValue
				Signature          []byte
				Unsigned           asn1.RawValue `asn1:"optional,tag:1"`
			} `asn1:"set"`
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		panic(err)
	}
	attr, err := asn1.Marshal(attribute{asn1.ObjectIdentifier{1, 2, 3}, []asn1.RawValue{asn1.NullRawValue}})
	if err != nil {
		panic(err)
	}
	info.Content.SignerInfos[0].Unsigned = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: attr}
	out, err := asn1.Marshal(info)
	if err != nil {
		panic(err)
	}
	return out
}

func swapSignature(t testing.TB, der []byte) []byte {
	t.Helper()
	var info contentInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		t.Fatal(err)
	}
	signer := &info.Content.SignerInfos[0]
	signer.Signature = other(t, signer.Signature)
	out, err := asn1.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
