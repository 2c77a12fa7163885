package certs

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever opens must be what we would have written.
func FuzzOpen(f *testing.F) {
	s, golden := goldenSigner(f), testdata(f, "drive.evidence.json")
	f.Add(golden)
	f.Add([]byte(`{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[{"cert":"","keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := Open(data); err == nil && r.Chain[0].Equal(s.chain[0]) && !bytes.Equal(data, golden) {
			t.Errorf("another envelope by our key: %s", data)
		}
	})
}

// The payload parser sees only what a key has signed, so it is reached here
// without one.
func FuzzStatement(f *testing.F) {
	f.Add([]byte(payloadOf(f, testdata(f, "drive.evidence.json"))))
	f.Add([]byte(`{"a":[1,2.5e-7,"\u2028",null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkCanonical(data) == nil {
			v, err := tree(data)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := canonical(v); err == nil && !bytes.Equal(again, data) {
				t.Errorf("canonical twice: %q, then %q", data, again)
			}
		}
		_, _ = readStatement(data)
	})
}

func FuzzFileList(f *testing.F) {
	payload, err := encodeFiles(map[string]string{"a/b": Digest(nil)}, Sealed{Built: time.Unix(1e9, 0).UTC()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := readFiles(data)
		if err != nil {
			return
		}
		if again, err := encodeFiles(list.Digests, list.Sealed); err != nil || !bytes.Equal(again, data) {
			t.Errorf("took %q, and it would have been written %q", data, again)
		}
	})
}

func FuzzPage(f *testing.F) {
	signed := testdata(f, "drive.pdf")
	f.Add(signed)
	f.Add([]byte("%PDF-1.3\n%\x80\n1 0 obj\n<</A[(\\()<00>1 0 R 1 0 -.5 true]>>\nstream\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := openPage(data); err == nil && !bytes.Equal(data, signed) {
			t.Error("another page by our key")
		}
		file, err := readPDF(data)
		if err != nil {
			return
		}
		if file.end > len(data) {
			t.Errorf("the revision ends at %d of %d", file.end, len(data))
		}
		// What is signed must be readable as a signed page, with its words.
		info := PageInfo{Name: "Ås 𝄞", Reason: "r", Time: time.Unix(1e9, 0).UTC()}
		out, _, err := file.withSignature(info)
		if err != nil {
			return
		}
		if got, err := readPageInfo(out[file.end:]); err != nil || got != info {
			t.Errorf("words: %+v, %v", got, err)
		}
	})
}

func FuzzCMS(f *testing.F) {
	s, signed := goldenSigner(f), testdata(f, "drive.pdf")
	file, err := readPDF(signed)
	if err != nil {
		f.Fatal(err)
	}
	info, err := readPageInfo(signed[file.end:])
	if err != nil {
		f.Fatal(err)
	}
	_, contents, err := file.withSignature(info)
	if err != nil {
		f.Fatal(err)
	}
	digest := pageDigest(signed, contents)
	der, err := readContents(signed[contents+1 : contents+1+2*contentsBytes])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add(withUnsigned(der))
	f.Fuzz(func(t *testing.T, data []byte) {
		coversDigest(data, digest)
		if verifyCMS(data, digest, s.chain) == nil && !bytes.Equal(data, der) {
			t.Errorf("another signature by our key: %x", data)
		}
		text := make([]byte, 2*contentsBytes)
		for i := range text {
			text[i] = '0'
		}
		hex.Encode(text, data[:min(len(data), contentsBytes)])
		_, _ = readContents(text)
	})
}

func FuzzKeyFile(f *testing.F) {
	for _, name := range []string{"station.key", "locked.key", "station.pem", "depot.pem"} {
		f.Add(testdata(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = decodeKey(data, elliptic.P256(), nil)
		if block, _ := pem.Decode(data); block != nil {
			_ = checkEncryption(block.Bytes)
		}
		if chain, err := parseChain(data); err == nil && !bytes.Equal(encodeChain(chain), data) {
			t.Errorf("a chain that is written otherwise: %q", data)
		}
		var trust Trust
		_, _ = trust.Add("x", data)
		_, _ = x509.ParseRevocationList(data)
	})
}

// Drives say what they like; a record holds it, and says the same when opened.
func TestAnyTextSurvives(t *testing.T) {
	s := forger(t, "Depot")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Just("\xff\xfe bytes"), rapid.Just("\u2028<&>\x00\x7f\u212a\u017f\ufeff"))
		p := started(s)
		p.Drive.Serial = text.Draw(t, "serial")
		p.Drive.Model = text.Draw(t, "model")
		p.Drive.Path = text.Draw(t, "path")
		p.Drive.CapacityBytes = rapid.Int64Range(0, exactInteger).Draw(t, "capacity")
		sealed, err := Seal(s, KindStarted, ModeDemo, p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(sealed)
		if err != nil {
			t.Fatal(err)
		}
		want := p.Drive
		for _, field := range []*string{&want.Serial, &want.Model, &want.Path} {
			*field = string(bytes.ToValidUTF8([]byte(*field), nil))
		}
		if want.Serial == p.Drive.Serial && want.Model == p.Drive.Model && want.Path == p.Drive.Path && !reflect.DeepEqual(r.Sanitization.Drive, want) {
			t.Fatalf("got %+v, want %+v", r.Sanitization.Drive, want)
		}
	})
}
