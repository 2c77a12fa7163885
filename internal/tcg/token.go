package tcg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Kind says what a [Value] is.
type Kind uint8

// The kinds. The zero Kind is no value at all.
const (
	KindUint    Kind = iota + 1
	KindInt          // a signed integer
	KindBytes        // also names and UIDs
	KindList         // from StartList to EndList
	KindNamed        // StartName, name, value, EndName
	KindControl      // a token of its own: Call, EndOfData and the like
)

// Value is one element of a data stream (Core 2.01, 3.2.2).
type Value struct {
	Kind  Kind
	Uint  uint64 // KindUint; the token of KindControl
	Int   int64
	Bytes []byte
	// List is the content of a list; of KindNamed the name and the value.
	List []Value
}

// The control tokens (Core 2.01 table 4).
const (
	tokenStartList        = 0xf0
	tokenEndList          = 0xf1
	tokenStartName        = 0xf2
	tokenEndName          = 0xf3
	tokenCall             = 0xf8
	tokenEndOfData        = 0xf9
	tokenEndOfSession     = 0xfa
	tokenStartTransaction = 0xfb
	tokenEndTransaction   = 0xfc
	tokenEmpty            = 0xff
)

// Uint is an unsigned integer; true and false are 1 and 0.
func Uint(n uint64) Value { return Value{Kind: KindUint, Uint: n} }

// Bytes is a byte string.
func Bytes(b []byte) Value { return Value{Kind: KindBytes, Bytes: b} }

// Text is a byte string, as Enterprise names its columns.
func Text(s string) Value { return Bytes([]byte(s)) }

// List is a list of values.
func List(values ...Value) Value { return Value{Kind: KindList, List: values} }

// Named is a value with a name: a number, or a text with Enterprise.
func Named(name, value Value) Value { return Value{Kind: KindNamed, List: []Value{name, value}} }

func control(token byte) Value { return Value{Kind: KindControl, Uint: uint64(token)} }

// Is reports whether the value is this control token.
func (v Value) is(token byte) bool { return v.Kind == KindControl && v.Uint == uint64(token) }

// named reports whether the value is a Named of this name.
func (v Value) named(name Value) bool {
	if v.Kind != KindNamed {
		return false
	}
	n := v.List[0]
	return n.Kind == name.Kind && n.Uint == name.Uint && string(n.Bytes) == string(name.Bytes)
}

// ErrMalformed means that what a drive answered is no TCG stream.
var ErrMalformed = errors.New("malformed TCG answer")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// AppendValues appends values as tokens, each integer and byte string in the
// shortest form (Core 2.01, 3.2.2.3).
func AppendValues(b []byte, values ...Value) []byte {
	for _, v := range values {
		switch v.Kind {
		case KindUint:
			b = appendUint(b, v.Uint)
		case KindInt:
			b = appendInt(b, v.Int)
		case KindBytes:
			b = append(appendHeader(b, len(v.Bytes), true, false), v.Bytes...)
		case KindList:
			b = append(AppendValues(append(b, tokenStartList), v.List...), tokenEndList)
		case KindNamed:
			b = append(AppendValues(append(b, tokenStartName), v.List...), tokenEndName)
		case KindControl:
			b = append(b, byte(v.Uint))
		}
	}
	return b
}

func appendUint(b []byte, n uint64) []byte {
	if n < 64 {
		return append(b, byte(n)) // tiny atom
	}
	size := (bits.Len64(n) + 7) / 8
	var whole [8]byte
	binary.BigEndian.PutUint64(whole[:], n)
	return append(appendHeader(b, size, false, false), whole[8-size:]...)
}

func appendInt(b []byte, n int64) []byte {
	if n >= -32 && n < 32 {
		return append(b, 0x40|byte(n)&0x3f)
	}
	size := 1
	for size < 8 && n>>(size*8-1) != 0 && n>>(size*8-1) != -1 {
		size++
	}
	var whole [8]byte
	binary.BigEndian.PutUint64(whole[:], uint64(n))
	return append(appendHeader(b, size, false, true), whole[8-size:]...)
}

// appendHeader appends the header of a short, medium or long atom.
func appendHeader(b []byte, size int, isBytes, signed bool) []byte {
	var flags byte
	if isBytes {
		flags |= 2
	}
	if signed {
		flags |= 1
	}
	switch {
	case size < 16:
		return append(b, 0x80|flags<<4|byte(size))
	case size < 2048:
		return append(b, 0xc0|flags<<3|byte(size>>8), byte(size))
	}
	return append(b, 0xe0|flags, byte(size>>16), byte(size>>8), byte(size))
}

// depthMax is how deep lists may lie in lists. No method of ours goes beyond 5.
const depthMax = 32

// ParseValues reads a whole data stream. Its byte strings lie in b. Anything
// that is not exactly a stream of tokens is [ErrMalformed].
func ParseValues(b []byte) ([]Value, error) {
	p := parser{b: b}
	var values []Value
	for p.at < len(b) {
		v, err := p.value(0)
		if err != nil {
			return nil, err
		}
		if v.Kind != 0 {
			values = append(values, v)
		}
	}
	return values, nil
}

type parser struct {
	b  []byte
	at int
}

// take gives the next n bytes.
func (p *parser) take(n int) ([]byte, error) {
	if n > len(p.b)-p.at {
		return nil, malformed("it ends at byte %d within a token", len(p.b))
	}
	b := p.b[p.at : p.at+n]
	p.at += n
	return b, nil
}

// value reads one value; an empty token gives one of Kind zero.
func (p *parser) value(depth int) (Value, error) {
	if depth > depthMax {
		return Value{}, malformed("lists lie more than %d deep", depthMax)
	}
	start := p.at
	head, err := p.take(1)
	if err != nil {
		return Value{}, err
	}
	switch t := head[0]; {
	case t < 0x40:
		return Uint(uint64(t)), nil
	case t < 0x80:
		return Value{Kind: KindInt, Int: int64(int8(t<<2)) >> 2}, nil
	case t < 0xc0:
		return p.atom(start, int(t&0x0f), t>>4&3)
	case t < 0xe0:
		low, err := p.take(1)
		if err != nil {
			return Value{}, err
		}
		return p.atom(start, int(t&0x07)<<8|int(low[0]), t>>3&3)
	case t < 0xe4:
		low, err := p.take(3)
		if err != nil {
			return Value{}, err
		}
		return p.atom(start, int(low[0])<<16|int(low[1])<<8|int(low[2]), t&3)
	case t == tokenStartList:
		return p.group(KindList, tokenEndList, depth)
	case t == tokenStartName:
		v, err := p.group(KindNamed, tokenEndName, depth)
		if err == nil && len(v.List) != 2 {
			return Value{}, malformed("the name at byte %d has %d parts instead of 2", start, len(v.List))
		}
		return v, err
	case t >= tokenCall && t <= tokenEndTransaction:
		return control(t), nil
	case t == tokenEmpty:
		return Value{}, nil
	default:
		return Value{}, malformed("unexpected token %02Xh at byte %d", t, start)
	}
}

// atom reads the content of an atom; flags are its B and S bits.
func (p *parser) atom(start, size int, flags byte) (Value, error) {
	data, err := p.take(size)
	if err != nil {
		return Value{}, err
	}
	isBytes, signed := flags&2 != 0, flags&1 != 0
	switch {
	case isBytes && signed:
		return Value{}, malformed("the byte string at byte %d goes on in another token", start)
	case isBytes:
		return Bytes(data), nil
	case size == 0 || size > 8:
		return Value{}, malformed("the integer at byte %d has %d bytes", start, size)
	}
	var n uint64
	for _, c := range data {
		n = n<<8 | uint64(c)
	}
	if signed {
		shift := 64 - 8*size
		return Value{Kind: KindInt, Int: int64(n<<shift) >> shift}, nil
	}
	return Uint(n), nil
}

// group reads up to the token that ends it. Control tokens may not be inside.
func (p *parser) group(kind Kind, end byte, depth int) (Value, error) {
	v := Value{Kind: kind}
	for {
		if p.at < len(p.b) && p.b[p.at] == end {
			p.at++
			return v, nil
		}
		inner, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		if inner.Kind == KindControl {
			return Value{}, malformed("token %02Xh within a list", inner.Uint)
		}
		if inner.Kind != 0 {
			v.List = append(v.List, inner)
		}
	}
}
