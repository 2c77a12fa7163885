package tcg

import "encoding/binary"

// Frame is a ComPacket: what one IF-SEND or IF-RECV carries (Core 2.01, 3.2.3).
type Frame struct {
	ComID, Extension uint16
	// Outstanding and MinTransfer say what is still to come: with nothing in
	// the frame, Outstanding 1 and MinTransfer 0 the drive is still working;
	// else MinTransfer is how large the next IF-RECV has to be, in bytes.
	Outstanding, MinTransfer uint32
	Packets                  []Packet
}

// Packet is what belongs to one session.
type Packet struct {
	TSN, HSN uint32 // both zero for what manages sessions
	Sequence uint32
	Payload  []byte // the data subpackets, one after another
}

const (
	frameHeader     = 20
	packetHeader    = 24
	subpacketHeader = 12
	kindData        = 0x0000
	kindCredit      = 0x8001
	// blockBytes is what transfers are multiples of.
	blockBytes = 512
)

// Append appends the frame, filled up to a multiple of 512 bytes.
func (f Frame) Append(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, f.ComID)
	b = binary.BigEndian.AppendUint16(b, f.Extension)
	b = binary.BigEndian.AppendUint32(b, f.Outstanding)
	b = binary.BigEndian.AppendUint32(b, f.MinTransfer)
	b = binary.BigEndian.AppendUint32(b, 0) // length, below
	for _, p := range f.Packets {
		padded := (len(p.Payload) + 3) &^ 3
		b = binary.BigEndian.AppendUint32(b, p.TSN)
		b = binary.BigEndian.AppendUint32(b, p.HSN)
		b = binary.BigEndian.AppendUint32(b, p.Sequence)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // reserved, AckType, Acknowledgement
		b = binary.BigEndian.AppendUint32(b, uint32(subpacketHeader+padded))
		b = append(b, 0, 0, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, kindData)
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.Payload)))
		b = append(append(b, p.Payload...), make([]byte, padded-len(p.Payload))...)
	}
	binary.BigEndian.PutUint32(b[start+16:], uint32(len(b)-start-frameHeader))
	return append(b, make([]byte, -(len(b)-start)&(blockBytes-1))...)
}

// ParseFrame reads a ComPacket. What follows it up to the end of b does not
// count. Payloads lie in b.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) < frameHeader {
		return Frame{}, malformed("a ComPacket of %d bytes", len(b))
	}
	f := Frame{
		ComID: binary.BigEndian.Uint16(b[4:]), Extension: binary.BigEndian.Uint16(b[6:]),
		Outstanding: binary.BigEndian.Uint32(b[8:]), MinTransfer: binary.BigEndian.Uint32(b[12:]),
	}
	rest, err := cut(b[frameHeader:], binary.BigEndian.Uint32(b[16:]), "ComPacket")
	if err != nil {
		return Frame{}, err
	}
	for len(rest) > 0 {
		if len(rest) < packetHeader {
			return Frame{}, malformed("a packet of %d bytes", len(rest))
		}
		body, err := cut(rest[packetHeader:], binary.BigEndian.Uint32(rest[20:]), "packet")
		if err != nil {
			return Frame{}, err
		}
		p := Packet{TSN: binary.BigEndian.Uint32(rest), HSN: binary.BigEndian.Uint32(rest[4:]), Sequence: binary.BigEndian.Uint32(rest[8:])}
		if p.Payload, err = payload(body); err != nil {
			return Frame{}, err
		}
		f.Packets = append(f.Packets, p)
		// Packets are filled up to 4 bytes; that the last one is not is no matter.
		rest = rest[min(packetHeader+(len(body)+3)&^3, len(rest)):]
	}
	return f, nil
}

// cut gives the first n bytes of what is there.
func cut(b []byte, n uint32, what string) ([]byte, error) {
	if uint64(n) > uint64(len(b)) {
		return nil, malformed("a %s says %d bytes and has %d", what, n, len(b))
	}
	return b[:n], nil
}

// payload puts the data subpackets of a packet together.
func payload(b []byte) ([]byte, error) {
	var all []byte
	for first := true; len(b) > 0; first = false {
		if len(b) < subpacketHeader {
			return nil, malformed("a subpacket of %d bytes", len(b))
		}
		data, err := cut(b[subpacketHeader:], binary.BigEndian.Uint32(b[8:]), "subpacket")
		if err != nil {
			return nil, err
		}
		switch kind := binary.BigEndian.Uint16(b[6:]); {
		case kind == kindData && first:
			all = data
		case kind == kindData:
			all = append(all[:len(all):len(all)], data...)
		case kind != kindCredit:
			return nil, malformed("a subpacket of kind %04Xh", kind)
		}
		b = b[min(subpacketHeader+(len(data)+3)&^3, len(b)):]
	}
	return all, nil
}
