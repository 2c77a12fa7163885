package certs

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// EvidenceName is the name under which a page carries its envelope.
const EvidenceName = "evidence.json"

// MaxPageBytes is the size of the largest page file that is signed or checked.
const MaxPageBytes = 64 << 20

// contentsBytes is the room for the signature in /Contents.
const contentsBytes = 8 << 10

// PageInfo is what the signature itself tells a PDF reader.
type PageInfo struct {
	Name     string    // who signs
	Reason   string    // why
	Location string    // where
	Time     time.Time // the claimed time; written in UTC, to the second
}

// SignPDF signs a page with one incremental update (PAdES B-B, ETSI EN 319
// 142-1). The page must be one revision with a classic cross-reference table,
// must not have actions, scripts, forms or layers, and must carry one file,
// evidence.json: an envelope sealed by the same signer.
func SignPDF(pdf []byte, s *Signer, info PageInfo) ([]byte, error) {
	signed, err := signPDF(pdf, s, info)
	if err != nil {
		return nil, fmt.Errorf("sign page: %w", err)
	}
	return signed, nil
}

func signPDF(pdf []byte, s *Signer, info PageInfo) ([]byte, error) {
	file, err := readPDF(pdf)
	if err != nil {
		return nil, err
	}
	if file.end != len(pdf) {
		return nil, errors.New("the file goes on after its end, or is signed already")
	}
	out, contents, err := file.withSignature(info)
	if err != nil {
		return nil, err
	}
	der, err := signCMS(s, pageDigest(out, contents))
	if err != nil {
		return nil, err
	}
	if len(der) > contentsBytes {
		return nil, fmt.Errorf("the signature takes %d bytes: there is room for %d", len(der), contentsBytes)
	}
	hex.Encode(out[contents+1:], der)
	// What does not verify must never leave the station.
	record, err := openPage(out)
	if err != nil {
		return nil, err
	}
	if keyID(record.Chain[0]) != s.ID() {
		return nil, errors.New("the evidence the page carries was sealed by another key")
	}
	return out, nil
}

// openPage checks a signed page and the envelope it carries, that one key made
// both, and that the file holds nothing else; it says nothing about trust.
func openPage(pdf []byte) (*Record, error) {
	if len(pdf) > MaxPageBytes {
		return nil, fmt.Errorf("larger than %d bytes", MaxPageBytes)
	}
	file, err := readPDF(pdf)
	if err != nil {
		return nil, fmt.Errorf("not a page made by this program: %w", err)
	}
	if file.end == len(pdf) {
		return nil, errors.New("the page is not signed")
	}
	info, err := readPageInfo(pdf[file.end:])
	if err != nil {
		return nil, err
	}
	// There is exactly one way to sign this revision with these words, so
	// write it again: a difference outside /Contents is an intruder.
	want, contents, err := file.withSignature(info)
	if err != nil {
		return nil, err
	}
	from, to := contents+1, contents+1+2*contentsBytes
	switch {
	case len(pdf) < len(want):
		return nil, errors.New("the end of the file is missing")
	case !bytes.Equal(pdf[:from], want[:from]) || !bytes.Equal(pdf[to:len(want)], want[to:]):
		return nil, errors.New("the signature does not cover the file as a page's signature does, or something was changed or added after it")
	case len(pdf) > len(want):
		return nil, fmt.Errorf("%d bytes were added after the signature", len(pdf)-len(want))
	}
	der, err := readContents(pdf[from:to])
	if err != nil {
		return nil, err
	}
	// Before anything is unpacked, say what happened if it is plain to see.
	digest := pageDigest(pdf, contents)
	if !coversDigest(der, digest) {
		return nil, errPageChanged
	}
	envelope, err := file.evidence()
	if err != nil {
		return nil, err
	}
	// The certificates the page is checked with are the record's, so that one
	// key made both.
	_, chain, err := readEnvelope(envelope)
	if err != nil {
		return nil, fmt.Errorf("%s in the page: %w", EvidenceName, err)
	}
	if err := verifyCMS(der, digest, chain); err != nil {
		return nil, err
	}
	record, err := Open(envelope)
	if err != nil {
		return nil, fmt.Errorf("%s in the page: %w", EvidenceName, err)
	}
	return record, nil
}

var errPageChanged = errors.New("the page or its signature was changed after it was signed")

// readContents decodes /Contents: lower-case hex, one DER value, zeros.
func readContents(text []byte) ([]byte, error) {
	raw := make([]byte, contentsBytes)
	if _, err := hex.Decode(raw, text); err != nil || hex.EncodeToString(raw) != string(text) {
		return nil, errors.New("the page's signature is not written in lower-case hex")
	}
	var value asn1.RawValue
	rest, err := asn1.Unmarshal(raw, &value)
	if err != nil {
		return nil, fmt.Errorf("the page's signature: %w", err)
	}
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, errors.New("something is hidden behind the page's signature")
	}
	return value.FullBytes, nil
}

// pageDigest is the SHA-256 of all but the /Contents string that begins at contents.
func pageDigest(pdf []byte, contents int) []byte {
	h := sha256.New()
	h.Write(pdf[:contents])
	h.Write(pdf[contents+2*contentsBytes+2:])
	return h.Sum(nil)
}

// withSignature appends the update that signs the file, with zeros in /Contents,
// and tells where the /Contents string begins. Old pages are checked by writing
// this again: a new form needs the old one kept beside it.
func (f *pdfFile) withSignature(info PageInfo) (out []byte, contents int, err error) {
	pageNumber, err := f.firstPage()
	if err != nil {
		return nil, 0, err
	}
	page, err := f.pageWith(pageNumber, fmt.Sprintf("%d 0 R", f.size+1))
	if err != nil {
		return nil, 0, err
	}
	catalog := f.insert(f.objects[f.root].end-len(">>"), f.objects[f.root],
		fmt.Sprintf("/AcroForm <</Fields [%d 0 R] /SigFlags 3>> /Version /1.7 ", f.size+1))
	if f.objects[f.root].dict["Version"] != nil {
		return nil, 0, errors.New("the catalog names a version already")
	}
	signature, widget := f.size, f.size+1

	out = slices.Clone(f.data[:f.end])
	offsets := map[int]int{}
	object := func(n int, body string) {
		offsets[n] = len(out)
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	object(pageNumber, page)
	object(f.root, catalog)
	object(widget, fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Sig /T (Signature1) /F 132 /Rect [0 0 0 0] /P %d 0 R /V %d 0 R>>", pageNumber, signature))

	offsets[signature] = len(out)
	out = fmt.Appendf(out, "%d 0 obj\n<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached\n/M (%s)\n/Name %s\n/Reason %s\n/Location %s\n/ByteRange ",
		signature, info.Time.UTC().Format(pdfTime), pdfHexText(info.Name), pdfHexText(info.Reason), pdfHexText(info.Location))
	const rangeWidth = 40
	rangeAt := len(out)
	out = append(out, strings.Repeat(" ", rangeWidth)+"\n/Contents "...)
	contents = len(out)
	out = append(out, "<"+strings.Repeat("00", contentsBytes)+">"...)
	rest := len(out)
	out = append(out, ">>\nendobj\n"...)

	table := len(out)
	out = append(out, "xref\n"...)
	numbers := []int{pageNumber, f.root, signature, widget}
	slices.Sort(numbers)
	for _, n := range numbers {
		out = fmt.Appendf(out, "%d 1\n%010d 00000 n \n", n, offsets[n])
	}
	sum := sha256.Sum256(f.data[:f.end])
	id := f.id
	if id == "" {
		id = string(sum[:16])
	}
	out = fmt.Appendf(out, "trailer\n<</Size %d /Root %d 0 R /Info %d 0 R /Prev %d /ID [<%x><%x>]>>\nstartxref\n%d\n%%%%EOF\n",
		f.size+2, f.root, f.info, f.xref, id, sum[16:], table)
	copy(out[rangeAt:], fmt.Sprintf("[0 %d %d %d]", contents, rest, len(out)-rest))
	return out, contents, nil
}

// pageWith is the text of a page's dictionary with one more annotation.
func (f *pdfFile) pageWith(n int, annotation string) (string, error) {
	page := f.objects[n]
	annots := page.dict["Annots"]
	switch {
	case annots == nil:
		return f.insert(page.end-len(">>"), page, "/Annots ["+annotation+"] "), nil
	case annots.kind == pdfArray:
		return f.insert(annots.start+len("["), page, annotation+" "), nil
	}
	return "", errors.New("the page keeps its annotations elsewhere")
}

// insert gives the text of a node with something added at an offset of the file.
func (f *pdfFile) insert(at int, node *pdfNode, text string) string {
	return string(f.data[node.start:at]) + text + string(f.data[at:node.end])
}

const pdfTime = "D:20060102150405Z"

// pageWords finds the words of a signature dictionary as withSignature writes it.
var pageWords = regexp.MustCompile(`\n/M \((D:\d{14}Z)\)\n/Name <([0-9a-f]*)>\n/Reason <([0-9a-f]*)>\n/Location <([0-9a-f]*)>\n`)

func readPageInfo(update []byte) (PageInfo, error) {
	words := pageWords.FindSubmatch(update)
	if words == nil {
		return PageInfo{}, errors.New("the page is not signed, or not as a page is")
	}
	t, err := time.Parse(pdfTime, string(words[1]))
	if err != nil {
		return PageInfo{}, fmt.Errorf("time of the signature: %w", err)
	}
	text := func(i int) string {
		b, _ := hex.DecodeString(string(words[i])) // odd input differs when written again
		return pdfText(string(b))
	}
	return PageInfo{Name: text(2), Reason: text(3), Location: text(4), Time: t}, nil
}

// pdfHexText is a text string, UTF-16 with its mark, in hex.
func pdfHexText(s string) string {
	var b strings.Builder
	b.WriteString("<feff")
	for _, unit := range utf16.Encode([]rune(s)) {
		const digits = 4
		h := strconv.FormatUint(uint64(unit), 16)
		b.WriteString(strings.Repeat("0", digits-len(h)) + h)
	}
	b.WriteString(">")
	return b.String()
}
