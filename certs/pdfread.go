package certs

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// pdfKind is the kind of a PDF object, ISO 32000-1 section 7.3.
type pdfKind byte

const (
	pdfWord   pdfKind = iota // true, false, null
	pdfNumber                // as written
	pdfString                // decoded
	pdfName                  // without the slash
	pdfRef
	pdfArray
	pdfDict
)

// pdfNode is one parsed value.
type pdfNode struct {
	kind       pdfKind
	text       string // word, number, string or name
	ref        int    // object number of a reference
	items      []*pdfNode
	dict       map[string]*pdfNode
	start, end int    // where it stands in the file
	stream     []byte // of an object that has one, as stored
}

// pdfFile is one revision of a page file: a header, objects without gaps, one
// cross-reference table that names every one of them where it stands, a
// trailer, and nothing else.
type pdfFile struct {
	data       []byte
	objects    map[int]*pdfNode
	size       int // one more than the highest object number
	root, info int
	id         string // first part of the trailer's /ID as raw bytes; empty when there is none
	xref, end  int    // offset of the table, and of what follows the revision
}

const (
	pdfMaxDepth   = 32
	pdfMaxObjects = 100_000
	// pdfMaxValues bounds the memory that a file of nothing but numbers can
	// ask for: each takes two bytes there and a hundred here. A page of ours
	// has some six hundred values.
	pdfMaxValues = 200_000
)

// pdfReader reads tokens. Everything it does not know is an error: it reads the
// pages this program makes, not PDF at large.
type pdfReader struct {
	data   []byte
	pos    int
	values int // read so far
}

func (p *pdfReader) fail(format string, args ...any) error {
	return fmt.Errorf("byte %d: %s", p.pos, fmt.Sprintf(format, args...))
}

func pdfSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func pdfRegular(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune("()<>[]{}/%", rune(c))
}

func (p *pdfReader) space() {
	for p.pos < len(p.data) && pdfSpace(p.data[p.pos]) {
		p.pos++
	}
}

func (p *pdfReader) has(s string) bool {
	return len(p.data)-p.pos >= len(s) && string(p.data[p.pos:p.pos+len(s)]) == s
}

// take skips white space and consumes s.
func (p *pdfReader) take(s string) error {
	p.space()
	if !p.has(s) {
		return p.fail("want %q", s)
	}
	p.pos += len(s)
	return nil
}

// word reads a run of regular characters, which may be empty.
func (p *pdfReader) word() string {
	start := p.pos
	for p.pos < len(p.data) && pdfRegular(p.data[p.pos]) {
		p.pos++
	}
	return string(p.data[start:p.pos])
}

// integer reads a decimal number without sign.
func (p *pdfReader) integer() (int, error) {
	p.space()
	n, err := strconv.ParseUint(p.word(), 10, 31)
	if err != nil {
		return 0, p.fail("want a number")
	}
	return int(n), nil
}

func (p *pdfReader) value(depth int) (*pdfNode, error) {
	if depth > pdfMaxDepth {
		return nil, p.fail("nested deeper than %d", pdfMaxDepth)
	}
	if p.values++; p.values > pdfMaxValues {
		return nil, p.fail("more than %d values", pdfMaxValues)
	}
	p.space()
	node := &pdfNode{start: p.pos}
	var err error
	switch {
	case p.has("<<"):
		node.kind = pdfDict
		err = p.dict(node, depth)
	case p.has("<"):
		node.kind = pdfString
		node.text, err = p.hexString()
	case p.has("("):
		node.kind = pdfString
		node.text, err = p.literal()
	case p.has("["):
		node.kind = pdfArray
		err = p.array(node, depth)
	case p.has("/"):
		node.kind = pdfName
		node.text, err = p.name()
	default:
		err = p.wordOrRef(node)
	}
	node.end = p.pos
	return node, err
}

func (p *pdfReader) dict(node *pdfNode, depth int) error {
	node.dict = map[string]*pdfNode{}
	p.pos += len("<<")
	for {
		p.space()
		if p.has(">>") {
			p.pos += len(">>")
			return nil
		}
		key, err := p.name()
		if err != nil {
			return err
		}
		if node.dict[key] != nil {
			return p.fail("two entries /%s in one dictionary", key)
		}
		if node.dict[key], err = p.value(depth + 1); err != nil {
			return err
		}
	}
}

func (p *pdfReader) array(node *pdfNode, depth int) error {
	p.pos += len("[")
	for {
		p.space()
		if p.has("]") {
			p.pos++
			return nil
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		node.items = append(node.items, item)
	}
}

// pdfForbidden are names that stand for something a page of ours never has
// before it is signed: action, script, form, signature, encryption, a second
// way to store objects, layers that can be switched.
func pdfForbidden(name string) bool {
	switch name {
	case "AA", "AcroForm", "ByteRange", "Collection", "DSS", "Encrypt", "FileAttachment", "GoToE", "GoToR", "Hide",
		"ImportData", "JS", "JavaScript", "Launch", "Movie", "OCG", "OCMD", "OCProperties", "ObjStm", "OpenAction", "Perms", "Prev",
		"Rendition", "ResetForm", "RichMedia", "Screen", "SetOCGState", "Sig", "Sound", "SubmitForm", "Trans", "Widget", "XFA", "XRef", "XRefStm":
		return true
	}
	return false
}

func (p *pdfReader) name() (string, error) {
	if !p.has("/") {
		return "", p.fail("want a name")
	}
	p.pos++
	name := p.word()
	switch {
	case name == "" || strings.Contains(name, "#"):
		return "", p.fail("name /%s is not of the kind a page has", name)
	case pdfForbidden(name):
		return "", p.fail("/%s has no place in a page", name)
	}
	return name, nil
}

func (p *pdfReader) wordOrRef(node *pdfNode) error {
	node.text = p.word()
	switch node.text {
	case "true", "false", "null":
		node.kind = pdfWord
		return nil
	}
	node.kind = pdfNumber
	if !pdfIsNumber(node.text) {
		return p.fail("%q is no PDF value", node.text)
	}
	// "12 0 R" is a reference; only a look ahead tells it from two numbers.
	after := p.pos
	if n, err := strconv.ParseUint(node.text, 10, 31); err == nil {
		if p.space(); p.has("0") && after < p.pos {
			p.pos++
			gap := p.pos
			if p.space(); p.has("R") && gap < p.pos && (p.pos+1 == len(p.data) || !pdfRegular(p.data[p.pos+1])) {
				p.pos++
				node.kind, node.ref = pdfRef, int(n)
				return nil
			}
		}
	}
	p.pos = after
	return nil
}

func pdfIsNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits, points := 0, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points < 2
}

func (p *pdfReader) hexString() (string, error) {
	end := bytes.IndexByte(p.data[p.pos:], '>')
	if end < 0 {
		return "", p.fail("hex string without end")
	}
	b, err := hex.DecodeString(string(p.data[p.pos+1 : p.pos+end]))
	if err != nil {
		return "", p.fail("hex string: %v", err)
	}
	p.pos += end + 1
	return string(b), nil
}

// literal reads a string in parentheses, ISO 32000-1 section 7.3.4.2. Octal
// escapes and continued lines are not of the kind a page has.
func (p *pdfReader) literal() (string, error) {
	var out []byte
	open := 0
	for ; p.pos < len(p.data); p.pos++ {
		switch c := p.data[p.pos]; c {
		case '(':
			if open++; open > 1 {
				out = append(out, c)
			}
		case ')':
			if open--; open == 0 {
				p.pos++
				return string(out), nil
			}
			out = append(out, c)
		case '\\':
			if p.pos++; p.pos == len(p.data) {
				return "", p.fail("string without end")
			}
			i := strings.IndexByte(`nrtbf()\`, p.data[p.pos])
			if i < 0 {
				return "", p.fail("escape \\%c in a string", p.data[p.pos])
			}
			out = append(out, "\n\r\t\b\f()\\"[i])
		default:
			out = append(out, c)
		}
	}
	return "", p.fail("string without end")
}

// readPDF reads the first revision of a file.
func readPDF(data []byte) (*pdfFile, error) {
	f := &pdfFile{data: data, objects: map[int]*pdfNode{}}
	p := &pdfReader{data: data}
	offsets := map[int]int{}
	if err := p.header(); err != nil {
		return nil, err
	}
	for p.space(); !p.has("xref"); p.space() {
		start := p.pos
		n, node, err := p.object()
		if err != nil {
			return nil, err
		}
		if f.objects[n] != nil || len(f.objects) == pdfMaxObjects {
			return nil, p.fail("object %d is there twice, or there are too many", n)
		}
		f.objects[n], offsets[n] = node, start
	}
	f.xref, f.size = p.pos, len(f.objects)+1
	if err := p.table(offsets); err != nil {
		return nil, err
	}
	if err := p.trailer(f); err != nil {
		return nil, err
	}
	f.end = p.pos
	for n, node := range f.objects {
		if err := f.checkRefs(node); err != nil {
			return nil, fmt.Errorf("object %d: %w", n, err)
		}
	}
	return f, nil
}

// header reads "%PDF-1.n" and the comment of bytes above 127 that tells mail
// programs that the file is not text.
func (p *pdfReader) header() error {
	if !p.has("%PDF-1.") {
		return errors.New("not a PDF file of version 1")
	}
	p.pos += len("%PDF-1.")
	if v := p.word(); len(v) != 1 || v < "3" || v > "7" {
		return p.fail("PDF version 1.%s", v)
	}
	if err := p.take("%"); err != nil {
		return err
	}
	for i := 0; i < 8 && p.pos < len(p.data) && p.data[p.pos] >= 0x80; i++ {
		p.pos++
	}
	if !p.has("\n") {
		return p.fail("want the end of the second line")
	}
	return nil
}

func (p *pdfReader) object() (int, *pdfNode, error) {
	n, err := p.integer()
	if err != nil {
		return 0, nil, err
	}
	if err := p.take("0"); err != nil {
		return 0, nil, err
	}
	if err := p.take("obj"); err != nil {
		return 0, nil, err
	}
	node, err := p.value(0)
	if err != nil {
		return 0, nil, err
	}
	p.space()
	if p.has("stream") {
		if err := p.stream(node); err != nil {
			return 0, nil, err
		}
	}
	return n, node, p.take("endobj")
}

func (p *pdfReader) stream(node *pdfNode) error {
	length := node.dict["Length"]
	if length == nil || length.kind != pdfNumber {
		return p.fail("stream without a length of its own")
	}
	size, err := strconv.ParseUint(length.text, 10, 31)
	if err != nil {
		return p.fail("stream of length %q", length.text)
	}
	if p.pos += len("stream"); !p.has("\n") {
		return p.fail("want a line end after stream")
	}
	p.pos++
	if int(size) > len(p.data)-p.pos {
		return p.fail("stream longer than the file")
	}
	node.stream = p.data[p.pos : p.pos+int(size)]
	p.pos += int(size)
	if p.has("\n") {
		p.pos++
	}
	if !p.has("endstream") {
		return p.fail("stream is not as long as it says")
	}
	p.pos += len("endstream")
	return nil
}

// table reads a cross-reference table (section 7.5.4) that must name exactly
// the objects that were found, where they were found.
func (p *pdfReader) table(offsets map[int]int) error {
	want := fmt.Appendf(nil, "xref\n0 %d\n%010d 65535 f \n", len(offsets)+1, 0)
	for n := 1; n <= len(offsets); n++ {
		at, ok := offsets[n]
		if !ok {
			return p.fail("object %d is missing", n)
		}
		want = fmt.Appendf(want, "%010d 00000 n \n", at)
	}
	if !bytes.HasPrefix(p.data[p.pos:], want) {
		return p.fail("the cross-reference table is not that of the objects in the file")
	}
	p.pos += len(want)
	return nil
}

func (p *pdfReader) trailer(f *pdfFile) error {
	if err := p.take("trailer"); err != nil {
		return err
	}
	t, err := p.value(0)
	if err != nil {
		return err
	}
	for key := range t.dict {
		switch key {
		case "Size", "Root", "Info", "ID":
		default:
			return p.fail("/%s in the trailer", key)
		}
	}
	if size := t.dict["Size"]; size == nil || size.text != strconv.Itoa(f.size) {
		return p.fail("the trailer does not tell the number of objects")
	}
	root, info := t.dict["Root"], t.dict["Info"]
	if root == nil || info == nil || f.objects[root.ref] == nil || f.objects[info.ref] == nil {
		return p.fail("the trailer has no /Root or no /Info")
	}
	f.root, f.info = root.ref, info.ref
	if id := t.dict["ID"]; id != nil {
		if len(id.items) != 2 || id.items[0].kind != pdfString {
			return p.fail("/ID in the trailer")
		}
		f.id = id.items[0].text
	}
	if err := p.take("startxref"); err != nil {
		return err
	}
	if at, err := p.integer(); err != nil || at != f.xref {
		return p.fail("startxref does not tell where the table is")
	}
	return p.take("%%EOF\n")
}

func (f *pdfFile) checkRefs(node *pdfNode) error {
	if node.kind == pdfRef && f.objects[node.ref] == nil {
		return fmt.Errorf("reference to object %d, which is not there", node.ref)
	}
	for _, item := range node.items {
		if err := f.checkRefs(item); err != nil {
			return err
		}
	}
	for _, item := range node.dict {
		if err := f.checkRefs(item); err != nil {
			return err
		}
	}
	return nil
}

// at follows keys through dictionaries, and references on the way; what is not
// there is an empty node.
func (f *pdfFile) at(node *pdfNode, keys ...string) *pdfNode {
	for i := 0; ; i++ {
		if node != nil && node.kind == pdfRef {
			node = f.objects[node.ref]
		}
		if node == nil {
			return &pdfNode{}
		}
		if i == len(keys) {
			return node
		}
		node = node.dict[keys[i]]
	}
}

// firstPage gives the number of the first page's object.
func (f *pdfFile) firstPage() (int, error) {
	catalog := f.at(f.objects[f.root])
	kids := f.at(catalog, "Pages", "Kids")
	if f.at(catalog, "Type").text != "Catalog" || len(kids.items) == 0 || kids.items[0].kind != pdfRef {
		return 0, errors.New("the file has no catalog or no page")
	}
	n := kids.items[0].ref
	if f.at(f.objects[n], "Type").text != "Page" {
		return 0, fmt.Errorf("object %d is not a page", n)
	}
	return n, nil
}

// evidence gives the content of the one file that is attached, which must be
// called evidence.json.
func (f *pdfFile) evidence() ([]byte, error) {
	embedded := 0
	for _, node := range f.objects {
		if node.dict["EF"] != nil || f.at(node, "Type").text == "EmbeddedFile" {
			embedded++
		}
	}
	names := f.at(f.objects[f.root], "Names", "EmbeddedFiles", "Names")
	if len(names.items) != 2 || embedded != 2 { // one file specification, one stream
		return nil, errors.New("the page does not carry exactly one file, evidence.json")
	}
	spec := f.at(names.items[1])
	if name := pdfText(f.at(spec, "UF").text); name != EvidenceName {
		return nil, fmt.Errorf("the file attached to the page is called %q: want %s", name, EvidenceName)
	}
	file := f.at(spec, "EF", "F")
	switch filter := f.at(file, "Filter"); {
	case f.at(file, "Type").text != "EmbeddedFile":
		return nil, errors.New("the file attached to the page is not stored as one")
	case filter.text == "FlateDecode" && len(file.dict["Filter"].items) == 0 && file.dict["DecodeParms"] == nil:
		r, err := zlib.NewReader(bytes.NewReader(file.stream))
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", EvidenceName, err)
		}
		out, err := io.ReadAll(io.LimitReader(r, MaxEnvelopeBytes+1))
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", EvidenceName, err)
		}
		return out, nil
	case file.dict["Filter"] == nil:
		return file.stream, nil
	}
	return nil, errors.New("the file attached to the page is packed in an unknown way")
}

// pdfText decodes a text string: UTF-16 with its mark, else taken as ASCII.
func pdfText(s string) string {
	rest, ok := strings.CutPrefix(s, "\xfe\xff")
	if !ok || len(rest)%2 != 0 {
		return s
	}
	units := make([]uint16, 0, len(rest)/2)
	for i := 0; i < len(rest); i += 2 {
		units = append(units, uint16(rest[i])<<8|uint16(rest[i+1]))
	}
	return string(utf16.Decode(units))
}
