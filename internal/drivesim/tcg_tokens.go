package drivesim

import (
	"encoding/binary"
	"errors"
)

// tcgValue is one item of a data stream (TCG Core 2.01, 3.2.2.3): a number, a
// byte string, a list, or a name with its value.
type tcgValue struct {
	kind  tcgKind
	n     uint64
	bytes []byte
	list  []tcgValue // of a list: its items; of a named value: name and value
}

type tcgKind uint8

const (
	tcgUint tcgKind = iota
	tcgBytes
	tcgList
	tcgNamed
	tcgToken // CALL, END OF DATA, END OF SESSION and the transaction tokens
)

// Control tokens.
const (
	tcgStartList    = 0xF0
	tcgEndList      = 0xF1
	tcgStartName    = 0xF2
	tcgEndName      = 0xF3
	tcgCall         = 0xF8
	tcgEndOfData    = 0xF9
	tcgEndOfSession = 0xFA
	tcgStartTrans   = 0xFB
	tcgEndTrans     = 0xFC
	tcgEmpty        = 0xFF
)

var errTCGStream = errors.New("data stream makes no sense")

// tcgDepth bounds nesting, so that a stream of F0h costs no stack.
const tcgDepth = 16

// tcgParse decodes a whole stream.
func tcgParse(b []byte) ([]tcgValue, error) {
	items, rest, err := tcgItems(b, 0, 0)
	if err == nil && len(rest) > 0 {
		err = errTCGStream
	}
	return items, err
}

// tcgItems decodes up to the token end, or to the end of b when end is 0.
func tcgItems(b []byte, end byte, depth int) (items []tcgValue, rest []byte, err error) {
	if depth > tcgDepth {
		return nil, nil, errTCGStream
	}
	for len(b) > 0 {
		if end != 0 && b[0] == end {
			return items, b[1:], nil
		}
		var v tcgValue
		switch t := b[0]; {
		case t == tcgEmpty:
			b = b[1:]
			continue
		case t == tcgStartList:
			v.kind = tcgList
			v.list, b, err = tcgItems(b[1:], tcgEndList, depth+1)
		case t == tcgStartName:
			v.kind = tcgNamed
			v.list, b, err = tcgItems(b[1:], tcgEndName, depth+1)
			if err == nil && len(v.list) != 2 {
				err = errTCGStream
			}
		case t >= tcgCall && t <= tcgEndTrans:
			v.kind, v.n, b = tcgToken, uint64(t), b[1:]
		default:
			v, b, err = tcgAtom(b)
		}
		if err != nil {
			return nil, nil, err
		}
		items = append(items, v)
	}
	if end != 0 {
		return nil, nil, errTCGStream
	}
	return items, nil, nil
}

// tcgAtom decodes a tiny, short, medium or long atom.
func tcgAtom(b []byte) (v tcgValue, rest []byte, err error) {
	t := b[0]
	var size int
	head := 1
	var isBytes bool
	switch {
	case t < 0x80:
		return tcgValue{n: uint64(t & 0x3F)}, b[1:], nil
	case t < 0xC0:
		size, isBytes = int(t&0x0F), t&0x20 != 0
	case t < 0xE0:
		if len(b) < 2 {
			return v, nil, errTCGStream
		}
		head, size, isBytes = 2, int(t&0x07)<<8|int(b[1]), t&0x10 != 0
	case t < 0xE4:
		if len(b) < 4 {
			return v, nil, errTCGStream
		}
		head, size, isBytes = 4, int(b[1])<<16|int(b[2])<<8|int(b[3]), t&0x02 != 0
	default:
		return v, nil, errTCGStream
	}
	if len(b) < head+size || !isBytes && (size == 0 || size > 8) {
		return v, nil, errTCGStream
	}
	data := b[head : head+size]
	if isBytes {
		return tcgValue{kind: tcgBytes, bytes: data}, b[head+size:], nil
	}
	for _, c := range data {
		v.n = v.n<<8 | uint64(c)
	}
	return v, b[head+size:], nil
}

// tcgWriter builds a stream.
type tcgWriter struct{ b []byte }

func (w *tcgWriter) token(t ...byte) *tcgWriter {
	w.b = append(w.b, t...)
	return w
}

func (w *tcgWriter) uint(n uint64) *tcgWriter {
	if n < 0x40 {
		return w.token(byte(n))
	}
	var full [8]byte
	binary.BigEndian.PutUint64(full[:], n)
	size := 8
	for size > 1 && full[8-size] == 0 {
		size--
	}
	w.b = append(w.b, 0x80|byte(size))
	w.b = append(w.b, full[8-size:]...)
	return w
}

func (w *tcgWriter) bytes(p []byte) *tcgWriter {
	switch {
	case len(p) < 16:
		w.b = append(w.b, 0xA0|byte(len(p)))
	case len(p) < 2048:
		w.b = append(w.b, 0xD0|byte(len(p)>>8), byte(len(p)))
	default:
		w.b = append(w.b, 0xE2, byte(len(p)>>16), byte(len(p)>>8), byte(len(p)))
	}
	w.b = append(w.b, p...)
	return w
}

// name writes a named number: by number, or by word for Enterprise.
func (w *tcgWriter) name(name any, value uint64) *tcgWriter {
	return w.named(name, func() { w.uint(value) })
}

func (w *tcgWriter) named(name any, value func()) *tcgWriter {
	w.token(tcgStartName)
	switch n := name.(type) {
	case string:
		w.bytes([]byte(n))
	case int:
		w.uint(uint64(n))
	}
	value()
	return w.token(tcgEndName)
}

// status ends a method's answer.
func (w *tcgWriter) status(s uint64) *tcgWriter {
	return w.token(tcgEndOfData, tcgStartList).uint(s).token(0, 0, tcgEndList)
}

// tcgUnwrap takes the first subpacket out of a ComPacket (Core 2.01, 3.2.3).
func tcgUnwrap(b []byte) (tsn, hsn uint32, payload []byte, err error) {
	const headers = 20 + 24 + 12
	if len(b) < headers {
		return 0, 0, nil, errTCGStream
	}
	n := int(binary.BigEndian.Uint32(b[16:]))
	if n < 36 || n > len(b)-20 {
		return 0, 0, nil, errTCGStream
	}
	size := int(binary.BigEndian.Uint32(b[52:]))
	if size > len(b)-headers {
		return 0, 0, nil, errTCGStream
	}
	return binary.BigEndian.Uint32(b[20:]), binary.BigEndian.Uint32(b[24:]), b[headers : headers+size], nil
}

// tcgWrap puts a payload into subpacket, packet and ComPacket.
func tcgWrap(comID uint16, tsn, hsn uint32, payload []byte) []byte {
	padded := (len(payload) + 3) &^ 3
	b := make([]byte, 56+padded)
	binary.BigEndian.PutUint16(b[4:], comID)
	binary.BigEndian.PutUint32(b[16:], uint32(36+padded))
	binary.BigEndian.PutUint32(b[20:], tsn)
	binary.BigEndian.PutUint32(b[24:], hsn)
	binary.BigEndian.PutUint32(b[40:], uint32(12+padded))
	binary.BigEndian.PutUint32(b[52:], uint32(len(payload)))
	copy(b[56:], payload)
	return b
}
