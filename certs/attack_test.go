package certs_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ombruk/ombruk/certs"
)

// eachByte tries a change at every step-th byte of data (every 97th with -short),
// on all processors, and reports those that pass.
func eachByte(t *testing.T, data []byte, tr *certs.Trust, what string, step int, change func(data []byte, at int) []byte) {
	t.Helper()
	if testing.Short() {
		step = 97
	}
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() {
			for at := w * step; at < len(data); at += workers * step {
				v := certs.Verify("x", change(bytes.Clone(data), at), tr, monday())
				if v.OK() || v.Integrity != certs.IntegrityBad || v.Outcome != "" {
					t.Errorf("%s at byte %d of %d: got %+v", what, at, len(data), v)
					return
				}
			}
		})
	}
	group.Wait()
}

func flip(mask byte) func([]byte, int) []byte {
	return func(data []byte, at int) []byte {
		data[at] ^= mask
		return data
	}
}

// 0x20 turns lower-case hex and names to upper case, which a lenient reader
// takes for the same.
func TestNoByteOfAPageCanChange(t *testing.T) {
	k := depot(t)
	data, tr := certificate(t, signer(t, k)), trust(t, k)
	eachByte(t, data, tr, "flip 0x01", 1, flip(0x01))
	eachByte(t, data, tr, "flip 0x20", 11, flip(0x20))
	eachByte(t, data, tr, "flip 0x80", 13, flip(0x80))
}

func TestNoByteOfARecordCanChange(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	data, tr := seal(t, s, certs.KindSanitization, wiped(s)), trust(t, k)
	eachByte(t, data, tr, "flip 0x01", 1, flip(0x01))
	eachByte(t, data, tr, "flip 0x20", 11, flip(0x20))
	eachByte(t, data, tr, "flip 0x80", 13, flip(0x80))
	eachByte(t, data, tr, "truncate", 11, func(data []byte, at int) []byte { return data[:at] })
	for _, extra := range []string{" ", "\n", "x", "{}"} {
		eachByte(t, data, tr, "insert", 41, func(data []byte, at int) []byte {
			return append(data[:at:at], append([]byte(extra), data[at:]...)...)
		})
	}
}

func TestPageCannotGrowOrShrink(t *testing.T) {
	k := depot(t)
	data, tr := certificate(t, signer(t, k)), trust(t, k)
	const sample = 97 // the whole is in the flips
	for at := 0; at < len(data); at += sample {
		for what, changed := range map[string][]byte{
			"truncate": data[:at],
			"drop":     append(bytes.Clone(data[:at]), data[at+1:]...),
			"double":   append(bytes.Clone(data[:at+1]), data[at:]...),
		} {
			if v := certs.Verify("x", changed, tr, monday()); v.Integrity != certs.IntegrityBad {
				t.Errorf("%s at byte %d: got %+v", what, at, v)
			}
		}
	}
}

// appended is an incremental update that shows another first page. Ordinary
// tools call the file signed, valid and trusted all the same.
func appended(t *testing.T, signed []byte) []byte {
	t.Helper()
	startxref := string(signed[bytes.LastIndex(signed, []byte("startxref\n"))+len("startxref\n"):])
	prev, _, _ := strings.Cut(startxref, "\n")
	trailer := signed[bytes.LastIndex(signed, []byte("trailer\n")):]
	size := string(trailer[bytes.Index(trailer, []byte("/Size ")):bytes.Index(trailer, []byte(" /Root"))])
	root := string(trailer[bytes.Index(trailer, []byte("/Root ")):bytes.Index(trailer, []byte(" /Info"))])
	out := bytes.Clone(signed)
	at := len(out)
	// Object 2 is the resources: the page loses its font and shows nothing.
	out = fmt.Appendf(out, "2 0 obj\n<</ProcSet [/PDF]>>\nendobj\n")
	table := len(out)
	return fmt.Appendf(out, "xref\n2 1\n%010d 00000 n \ntrailer\n<<%s %s /Prev %s>>\nstartxref\n%d\n%%%%EOF\n", at, size, root, prev, table)
}

func TestTamperedPages(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	tr := trust(t, k)
	good := certificate(t, s)
	other := wiped(s)
	other.ID, other.Drive.Serial = "0195a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5c", "another drive"
	otherPage := signPage(t, s, seal(t, s, certs.KindSanitization, other), "Clear")
	base := bytes.Index(good, []byte("%%EOF\n")) + len("%%EOF\n")
	otherBase := bytes.Index(otherPage, []byte("%%EOF\n")) + len("%%EOF\n")
	at := bytes.Index(good, []byte("/ByteRange ["))
	byteRange := string(good[at : at+bytes.IndexByte(good[at:], ']')+1])
	var zero, contents, rest, tail int
	if _, err := fmt.Sscanf(byteRange, "/ByteRange [%d %d %d %d]", &zero, &contents, &rest, &tail); err != nil {
		t.Fatal(err)
	}
	ranged := func(a, b, c, d int) []byte {
		text := fmt.Sprintf("/ByteRange [%d %d %d %d]", a, b, c, d)
		return bytes.Replace(good, []byte(byteRange+strings.Repeat(" ", max(0, len(text)-len(byteRange)))), []byte(text+strings.Repeat(" ", max(0, len(byteRange)-len(text)))), 1)
	}
	for name, data := range map[string][]byte{
		"an appended update":              appended(t, good),
		"an appended line end":            append(bytes.Clone(good), '\n'),
		"an appended comment":             append(bytes.Clone(good), "% nothing\n"...),
		"a second end of file":            append(bytes.Clone(good), "%%EOF\n"...),
		"a page before it":                append(bytes.Clone(otherPage[:otherBase]), good...),
		"another page's signature":        append(bytes.Clone(good[:base]), otherPage[otherBase:]...),
		"two signatures":                  append(bytes.Clone(good), otherPage[otherBase:]...),
		"the signature twice":             append(bytes.Clone(good), good[base:]...),
		"no signature":                    good[:base],
		"white space in front":            append([]byte("\n"), good...),
		"a range from 1":                  ranged(1, contents, rest, tail),
		"a range with a wider hole":       ranged(0, contents-1, rest, tail),
		"a range with a later start":      ranged(0, contents, rest+1, tail-1),
		"a range that stops early":        ranged(0, contents, rest, tail-1),
		"a range that goes on":            ranged(0, contents, rest, tail+1),
		"a negative range":                ranged(0, contents, rest, -1),
		"a huge range":                    ranged(0, contents, rest, 999999999),
		"a signature of zeros":            bytes.Replace(good, good[contents+1:rest-1], bytes.Repeat([]byte("0"), rest-contents-2), 1),
		"a signature in capitals":         append(append(bytes.Clone(good[:contents]), bytes.ToUpper(good[contents:rest])...), good[rest:]...),
		"another way to end lines":        bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")),
		"nothing but the sign of a PDF":   []byte("%PDF-1.7\n"),
		"the record beside a wrong start": append([]byte("%PDF-1.7\n%\xb5\xb6\n"), seal(t, s, certs.KindSanitization, other)...),
	} {
		if bytes.Equal(data, good) {
			t.Fatalf("%s: the test changed nothing", name)
		}
		v := certs.Verify(name, data, tr, monday())
		if v.Integrity != certs.IntegrityBad || v.OK() || v.Reason == "" {
			t.Errorf("%s: got %+v", name, v)
		}
	}
	if v := certs.Verify("good", good, tr, monday()); !v.OK() {
		t.Errorf("the page itself: got %+v", v)
	}
}

// What we refuse here, others accept: that is why we look ourselves.
func TestOthersAcceptWhatWeRefuse(t *testing.T) {
	k := depot(t)
	file := write(t, t.TempDir(), "appended.pdf", appended(t, certificate(t, signer(t, k))))
	said := mustJudge(t, "poppler-utils", "pdfsig", "-nocert", file)
	if !strings.Contains(said, "Signature is Valid") {
		t.Errorf("pdfsig has become stricter, or the update is not one:\n%s", said)
	}
	mustJudge(t, "qpdf", "qpdf", "--check", file)
}

func TestPagesOfOtherPrograms(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	dir := t.TempDir()
	signed := write(t, dir, "signed.pdf", certificate(t, s))
	plain := write(t, dir, "plain.pdf", page(t, seal(t, s, certs.KindSanitization, wiped(s)), "Clear"))
	for name, args := range map[string][]string{
		"rewritten": {signed}, "linearized": {"--linearize", signed},
		"streams": {"--object-streams=generate", plain}, "encrypted": {"--encrypt", "", "x", "256", "--", plain},
		"empty": {"--empty"},
	} {
		out := filepath.Join(dir, name+".pdf")
		mustJudge(t, "qpdf", "qpdf", append(args, out)...)
		data, err := os.ReadFile(out)
		check(t, err)
		if v := certs.Verify(name, data, trust(t, k), monday()); v.Integrity != certs.IntegrityBad {
			t.Errorf("%s: got %+v", name, v)
		}
		if name == "streams" || name == "encrypted" || name == "linearized" {
			if _, err := certs.SignPDF(data, s, certs.PageInfo{Time: monday()}); err == nil {
				t.Errorf("%s: was signed", name)
			}
		}
	}
}

// A page with more than words and a record on it is not signed.
func TestOnlyPlainPagesAreSigned(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	envelope := seal(t, s, certs.KindSanitization, wiped(s))
	plain := page(t, envelope, "Clear")
	signed := signPage(t, s, envelope, "Clear")
	_, stranger := otherDepot(t)
	for name, data := range map[string][]byte{
		"signed already":       signed,
		"no PDF":               []byte("hello"),
		"empty":                nil,
		"truncated":            plain[:len(plain)-10],
		"more behind it":       append(bytes.Clone(plain), "x"...),
		"a stranger's record":  page(t, seal(t, stranger, certs.KindSanitization, wiped(stranger)), "Clear"),
		"no record":            page(t, []byte(`{"a":1}`), "Clear"),
		"another name":         bytes.Replace(plain, []byte("\x00e\x00v\x00i"), []byte("\x00E\x00v\x00i"), 1),
		"an action":            bytes.Replace(plain, []byte("/Names <<"), []byte("/AA<<>>/N<<"), 1),
		"a script":             bytes.Replace(plain, []byte("/S /URI /URI"), []byte("/S /URI /JS "), 1),
		"an escaped name":      bytes.Replace(plain, []byte("/S /URI /URI"), []byte("/S /URI /#4A"), 1),
		"a form":               bytes.Replace(plain, []byte("/S /URI /URI"), []byte("/S/AcroForm "), 1),
		"a doubled entry":      bytes.Replace(plain, []byte("/Parent 1 0 R\n/Resources 2 0 R"), []byte("/Parent 1 0 R\n/Parent    2 0 R"), 1),
		"a reference too far":  bytes.Replace(plain, []byte("/Resources 2 0 R"), []byte("/Resources 99 0R"), 1),
		"an object misplaced":  bytes.Replace(plain, []byte("0000000015 00000 n"), []byte("0000000016 00000 n"), 1),
		"an object freed":      bytes.Replace(plain, []byte("0000000015 00000 n"), []byte("0000000015 00000 f"), 1),
		"a hole between":       bytes.Replace(plain, []byte("endobj\n"), []byte("endobj\n%x\n"), 1),
		"a stream that is off": bytes.Replace(plain, []byte("\nendstream"), []byte("x\nendstream"), 1),
	} {
		if bytes.Equal(data, plain) {
			t.Fatalf("%s: the test changed nothing", name)
		}
		if _, err := certs.SignPDF(data, s, certs.PageInfo{Time: monday()}); err == nil {
			t.Errorf("%s: was signed", name)
		}
	}
}

// otherDepot is another organisation, which nobody here trusts.
func otherDepot(t testing.TB) (*certs.Keys, *certs.Signer) {
	t.Helper()
	k := certs.OpenKeys(t.TempDir())
	check(t, k.InitOrganisation("Other", "923609016", []byte(passphrase), monday(), rand.Reader))
	check(t, k.NewStation(station, []byte(passphrase), false, monday(), rand.Reader))
	return k, signer(t, k)
}

func TestStrangersAreNotTrusted(t *testing.T) {
	k := depot(t)
	_, stranger := otherDepot(t)
	local, created, err := certs.OpenKeys(t.TempDir()).Signer(nil, monday(), rand.Reader)
	check(t, err)
	if !created || local.Established() || local.Organisation() != "" {
		t.Errorf("a folder without keys: created %v, established %v, organisation %q", created, local.Established(), local.Organisation())
	}
	for want, s := range map[string]*certs.Signer{`the organisation "Other"`: stranger, "made by the station itself": local} {
		v := certs.Verify("x", certificate(t, s), trust(t, k), monday())
		if v.Integrity != certs.IntegrityOK || v.Issuer != certs.IssuerUntrusted || v.OK() || !strings.Contains(v.Reason, want) {
			t.Errorf("got %+v, want %q", v, want)
		}
	}
	if v := certs.Verify("x", certificate(t, signer(t, k)), nil, monday()); v.OK() {
		t.Errorf("nobody is trusted, and yet: %+v", v)
	}
}

func TestEnvelopesAreReadStrictly(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	good := string(seal(t, s, certs.KindSanitization, wiped(s)))
	other := wiped(s)
	other.AssetTag = "A-1002"
	payload := func(envelope string) string {
		_, rest, _ := strings.Cut(envelope, `"payload":"`)
		p, _, _ := strings.Cut(rest, `"`)
		return p
	}
	_, signatures, _ := strings.Cut(good, `"signatures":[`)
	one := strings.TrimSuffix(signatures, "]}")
	for name, data := range map[string]string{
		"another statement":    strings.Replace(good, payload(good), payload(string(seal(t, s, certs.KindSanitization, other))), 1),
		"unknown field":        strings.Replace(good, `{"payload":`, `{"note":1,"payload":`, 1),
		"doubled field":        strings.Replace(good, `{"payload":`, `{"payload":"","payload":`, 1),
		"field in capitals":    strings.Replace(good, `{"payload":`, `{"Payload":`, 1),
		"second value":         good + good,
		"trailing line end":    good + "\n",
		"two signatures":       strings.Replace(good, one, one+","+one, 1),
		"no signature":         strings.Replace(good, one, "", 1),
		"other payload type":   strings.Replace(good, "in-toto+json", "in-toto-json", 1),
		"escaped differently":  strings.Replace(good, `"payloadType"`, `"\u0070ayloadType"`, 1),
		"base64 in pieces":     strings.Replace(good, payload(good), payload(good)[:8]+`\n`+payload(good)[8:], 1),
		"URL base64":           strings.Replace(good, payload(good), base64.URLEncoding.EncodeToString([]byte("??>>")), 1),
		"too large":            good + strings.Repeat(" ", certs.MaxEnvelopeBytes),
		"an array":             "[" + good + "]",
		"null":                 "null",
		"deep":                 strings.Repeat("[", 1<<20),
		"an in-toto statement": `{"_type":"https://in-toto.io/Statement/v1"}`,
	} {
		if _, err := certs.Open([]byte(data)); err == nil {
			t.Errorf("%s: was opened", name)
		}
	}
}
