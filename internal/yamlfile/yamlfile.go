// Package yamlfile reads the YAML files that people write for ombruk, and
// decides how strictly: a key that is not known, a key given twice, a value of
// another type, an empty value, an anchor, an alias or a tag is an error that
// names file, line and column. Nothing is coerced: an organisation number
// without quotes stays the digits that were typed.
package yamlfile

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxBytes is the largest file that is read.
const MaxBytes = 1 << 20

// The parser calls itself for every level of nesting; these keep that small.
const (
	maxDepth     = 16
	maxLineBytes = 2000
)

// File is a file that was decoded. It knows where each value stood.
type File struct {
	name   string
	places map[string]*token.Position
}

// Read reads the file name, which may hold at most [MaxBytes].
func Read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	src, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return src, tooLarge(name, src)
}

// Decode reads src, one YAML document whose top is a mapping, into the struct
// that v points to. Fields carry their key in a yaml tag and may be strings,
// ints, [time.Time] (a date, 2026-01-31, midnight UTC), anything that is an
// [encoding.TextUnmarshaler], structs, pointers to these, and slices of these.
// A key that is left out leaves its field alone. The name is only for errors.
func Decode(name string, src []byte, v any) (*File, error) {
	if err := tooLarge(name, src); err != nil {
		return nil, err
	}
	// Windows editors put a byte order mark in front.
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	f := &File{name: name, places: map[string]*token.Position{}}
	body, err := f.parse(src)
	if err != nil {
		return nil, err
	}
	if err := f.decode(body, reflect.ValueOf(v).Elem(), ""); err != nil {
		return nil, err
	}
	return f, nil
}

// Errorf is an error about the value at path ("agencies[2].orgnr"), with the
// place where it stands in the file. A value that was left out is blamed on
// what should have held it.
func (f *File) Errorf(path, format string, args ...any) error {
	at := f.places[path]
	for at == nil && path != "" {
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
		at = f.places[path]
	}
	return f.errorAt(at, fmt.Errorf(format, args...))
}

// Line is the line, counted from 1, of the value at path; 0 when it was left out.
func (f *File) Line(path string) int {
	if at := f.places[path]; at != nil {
		return at.Line
	}
	return 0
}

func (f *File) errorAt(at *token.Position, err error) error {
	if at == nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return fmt.Errorf("%s:%d:%d: %w", f.name, at.Line, at.Column, err)
}

func tooLarge(name string, src []byte) error {
	if len(src) > MaxBytes {
		return fmt.Errorf("%s: larger than %d bytes", name, MaxBytes)
	}
	return nil
}

// parse gives the body of the only document in src.
func (f *File) parse(src []byte) (body ast.Node, err error) {
	if err := f.plainText(src); err != nil {
		return nil, err
	}
	// The parser is not ours and has been seen to panic on odd input.
	defer func() {
		if r := recover(); r != nil {
			body, err = nil, fmt.Errorf("%s: not readable as YAML: %v", f.name, r)
		}
	}()
	tokens := lexer.Tokenize(string(src))
	if err := f.plainTokens(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return nil, f.errorAt(syntax.GetToken().Position, errors.New(syntax.GetMessage()))
		}
		return nil, fmt.Errorf("%s: not readable as YAML: %w", f.name, err)
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, f.errorAt(doc.Body.GetToken().Position, errors.New("a second document: want one"))
		}
		body = doc.Body
	}
	if body == nil {
		return nil, fmt.Errorf("%s: empty", f.name)
	}
	return body, nil
}

// plainText refuses what is not text, and lines nobody types.
func (f *File) plainText(src []byte) error {
	line := 0
	for l := range strings.Lines(string(src)) {
		line++
		at := &token.Position{Line: line, Column: 1}
		if len(l) > maxLineBytes {
			return f.errorAt(at, fmt.Errorf("line longer than %d bytes", maxLineBytes))
		}
		if !utf8.ValidString(l) {
			return f.errorAt(at, errors.New("not UTF-8: save the file as UTF-8"))
		}
		if r, ok := hidden(strings.TrimRight(l, "\r\n")); ok {
			return f.errorAt(at, fmt.Errorf("invisible character U+%04X: remove it", r))
		}
	}
	return nil
}

// plainTokens refuses the parts of YAML that can make a small file large or a
// value other than it looks, and deep nesting.
func (f *File) plainTokens(tokens token.Tokens) error {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return f.errorAt(t.Position, errors.New("anchors, aliases and merge keys (&, *, <<) are not allowed: write the value out"))
		case token.TagType, token.DirectiveType:
			return f.errorAt(t.Position, errors.New("tags and directives (!, %) are not allowed: remove it"))
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxDepth {
			return f.errorAt(t.Position, fmt.Errorf("nested more than %d deep", maxDepth))
		}
	}
	return nil
}

func (f *File) decode(n ast.Node, dst reflect.Value, path string) error {
	at := position(n)
	if f.places[path] == nil {
		f.places[path] = at
	}
	if dst.Kind() == reflect.Pointer {
		v := reflect.New(dst.Type().Elem())
		dst.Set(v)
		return f.decode(n, v.Elem(), path)
	}
	_, isTime := dst.Interface().(time.Time)
	_, isText := dst.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case isTime || isText || dst.Kind() == reflect.String || dst.Kind() == reflect.Int:
		text, plain, err := scalar(n)
		if err == nil {
			err = setScalar(dst, text, plain)
		}
		if err != nil {
			return f.errorAt(at, fmt.Errorf("%s: %w", path, err))
		}
		return nil
	case dst.Kind() == reflect.Struct:
		m, ok := n.(ast.MapNode)
		if !ok {
			return f.errorAt(at, fmt.Errorf("%swant keys (%s), got %s", prefix(path), strings.Join(keys(dst.Type()), ", "), describe(n)))
		}
		return f.decodeStruct(m, dst, path)
	case dst.Kind() == reflect.Slice:
		s, ok := n.(*ast.SequenceNode)
		if !ok {
			return f.errorAt(at, fmt.Errorf("%swant a list (lines that begin with -), got %s", prefix(path), describe(n)))
		}
		dst.Set(reflect.MakeSlice(dst.Type(), len(s.Values), len(s.Values)))
		for i, item := range s.Values {
			if err := f.decode(item, dst.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s: no way to decode into %s", path, dst.Type())
}

func (f *File) decodeStruct(m ast.MapNode, dst reflect.Value, path string) error {
	known := keys(dst.Type())
	seen := map[string]int{}
	for entries := m.MapRange(); entries.Next(); {
		key := entries.Key().GetToken()
		name := key.Value
		i := slices.Index(known, name)
		if i < 0 {
			return f.errorAt(key.Position, unknownKey(name, path, known))
		}
		if line, twice := seen[name]; twice {
			return f.errorAt(key.Position, fmt.Errorf("key %q stands on line %d already: remove one", name, line))
		}
		seen[name] = key.Position.Line
		sub := strings.TrimPrefix(path+"."+name, ".")
		f.places[sub] = key.Position
		value := entries.Value()
		if _, empty := value.(*ast.NullNode); empty || value == nil {
			return f.errorAt(key.Position, fmt.Errorf("%s: has no value: write one or remove the line", sub))
		}
		if at := position(value); at.Line == key.Position.Line {
			f.places[sub] = at
		}
		if err := f.decode(value, dst.Field(i), sub); err != nil {
			return err
		}
	}
	return nil
}

// keys are the yaml tags of a struct, in the order of its fields.
func keys(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}

func unknownKey(name, path string, known []string) error {
	where := "here"
	if path != "" {
		where = "in " + path
	}
	for _, k := range known {
		if Distance(strings.ToLower(name), k) <= 2 {
			return fmt.Errorf("unknown key %q %s: did you mean %q?", name, where, k)
		}
	}
	return fmt.Errorf("unknown key %q %s: want one of %s", name, where, strings.Join(known, ", "))
}

// scalar is the text of a value, and whether it was written without quotes.
func scalar(n ast.Node) (text string, plain bool, err error) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		text = strings.TrimSuffix(n.Value.Value, "\n")
	case *ast.StringNode:
		text = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text, plain = n.GetToken().Value, true
	default:
		return "", false, fmt.Errorf("want one value, got %s", describe(n))
	}
	if r, ok := hidden(text); ok {
		return "", false, fmt.Errorf("invisible character U+%04X: remove it", r)
	}
	return text, plain, nil
}

func setScalar(dst reflect.Value, text string, plain bool) error {
	switch v := dst.Addr().Interface().(type) {
	case *time.Time:
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return fmt.Errorf("%q is no date: write it as 2026-01-31", text)
		}
		*v = day
		return nil
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	}
	if dst.Kind() == reflect.String {
		dst.SetString(text)
		return nil
	}
	i, err := strconv.ParseInt(text, 10, 32)
	if err != nil || !plain {
		return fmt.Errorf("%q is no whole number: write it in digits, without quotes", text)
	}
	dst.SetInt(i)
	return nil
}

// hidden finds a character that cannot be seen and has no place in a value:
// controls other than tab and line feed, and those that turn the direction of
// writing or have no width.
func hidden(s string) (rune, bool) {
	for _, r := range s {
		if unicode.IsControl(r) && r != '\t' && r != '\n' || unicode.Is(unicode.Cf, r) ||
			r == '\u2028' || r == '\u2029' {
			return r, true
		}
	}
	return 0, false
}

// position is where a value begins; the library has the colon for that when
// the value is indented keys.
func position(n ast.Node) *token.Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken().Position
	}
	return n.GetToken().Position
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "keys"
	case *ast.NullNode:
		return "nothing"
	}
	return "the value " + strconv.Quote(n.GetToken().Value)
}

func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

// Distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a.
func Distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	prev2, prev := make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range ra {
		cur := make([]int, len(rb)+1)
		cur[0] = i + 1
		for j := range rb {
			cost := 1
			if ra[i] == rb[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && ra[i] == rb[j-1] && ra[i-1] == rb[j] {
				cur[j+1] = min(cur[j+1], prev2[j-1]+1)
			}
		}
		prev2, prev = prev, cur
	}
	return prev[len(rb)]
}
