package tcg

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The forms of Core 2.01, 3.2.2.3: tiny, short, medium and long atoms.
func TestAtomsHaveTheShortestForm(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
	}{
		{Uint(0), "00"}, {Uint(63), "3F"}, {Uint(64), "81 40"}, {Uint(255), "81 FF"}, {Uint(256), "82 01 00"},
		{Uint(0x060000), "83 06 00 00"}, {Uint(math.MaxUint64), "88 FF FF FF FF FF FF FF FF"},
		{Value{Kind: KindInt, Int: -1}, "7F"}, {Value{Kind: KindInt, Int: 31}, "5F"}, {Value{Kind: KindInt, Int: -32}, "60"},
		{Value{Kind: KindInt, Int: -33}, "91 DF"}, {Value{Kind: KindInt, Int: 32}, "91 20"}, {Value{Kind: KindInt, Int: 128}, "92 00 80"},
		{Value{Kind: KindInt, Int: math.MinInt64}, "98 80 00 00 00 00 00 00 00"},
		{Bytes(nil), "A0"}, {Text("PIN"), "A3 50 49 4E"}, {AdminSP.Value(), "A8 00 00 02 05 00 00 00 01"},
		{Bytes(make([]byte, 16)), "D0 10" + strings.Repeat("00", 16)},
		{Bytes(make([]byte, 2048)), "E2 00 08 00" + strings.Repeat("00", 2048)},
		{List(), "F0 F1"}, {List(Named(Uint(3), Uint(1))), "F0 F2 03 01 F3 F1"},
	} {
		want := unhex(t, c.want)
		got := AppendValues(nil, c.v)
		if !bytes.Equal(got, want) {
			t.Errorf("%+v: got %X, want %X", c.v, got, want)
		}
		back, err := ParseValues(got)
		if err != nil || len(back) != 1 || !bytes.Equal(AppendValues(nil, back[0]), want) {
			t.Errorf("%X: read back as %+v, %v", want, back, err)
		}
	}
}

func TestBrokenStreamsAreRefused(t *testing.T) {
	for name, s := range map[string]string{
		"list without end":               "F0 00",
		"end without list":               "F1",
		"name with one part":             "F2 00 F3",
		"name with three parts":          "F2 00 00 00 F3",
		"string longer than there is":    "A8 00",
		"medium atom without its length": "D0",
		"long atom longer than there is": "E2 FF FF FF 00",
		"integer of nine bytes":          "89 00 00 00 00 00 00 00 00 00",
		"integer of no bytes":            "80",
		"continued string":               "B1 00",
		"reserved token":                 "E4",
		"reserved control":               "FD",
		"call within a list":             "F0 F8 F1",
		"lists without end in lists":     strings.Repeat("F0", 5000),
	} {
		if v, err := ParseValues(unhex(t, s)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %+v, %v", name, v, err)
		}
	}
}

// StartSession of Anybody to the Admin SP, laid out by hand from Core 2.01,
// 3.2.3 and 5.2.3.1.
const startSessionFrame = `
	00 00 00 00  07 FE 00 00  00 00 00 00  00 00 00 00  00 00 00 4C
	00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 34
	00 00 00 00 00 00  00 00  00 00 00 26
	F8 A8 00 00 00 00 00 00 00 FF A8 00 00 00 00 00 00 FF 02
	F0 01 A8 00 00 02 05 00 00 00 01 01 F1 F9 F0 00 00 00 F1
	00 00`

func TestFrameIsTheSpecifications(t *testing.T) {
	payload := AppendValues(nil, control(tokenCall), SessionManager.Value(), StartSession.Value(),
		List(Uint(1), AdminSP.Value(), Uint(1)), control(tokenEndOfData), List(Uint(0), Uint(0), Uint(0)))
	f := Frame{ComID: 0x07fe, Packets: []Packet{{Payload: payload}}}
	got := f.Append(nil)
	want := unhex(t, startSessionFrame)
	if len(got) != 512 || !bytes.Equal(got[:len(want)], want) || bytes.Trim(got[len(want):], "\x00") != nil {
		t.Errorf("got %X\nwant %X", got[:len(want)], want)
	}
	back, err := ParseFrame(got)
	if err != nil || !reflect.DeepEqual(back, f) {
		t.Errorf("read back as %+v, %v", back, err)
	}
}

func TestFramesOfOddShapes(t *testing.T) {
	whole := unhex(t, startSessionFrame)
	change := func(at int, to ...byte) []byte {
		b := append(bytes.Clone(whole), make([]byte, 64)...)
		copy(b[at:], to)
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":                          {},
		"a piece":                          whole[:19],
		"ends within the ComPacket":        whole[:60],
		"ComPacket longer than the buffer": change(16, 0xff, 0xff, 0xff, 0xff),
		"packet longer than the ComPacket": change(40, 0, 0, 1, 0),
		"subpacket longer than the packet": change(52, 0, 0, 0, 0xff),
		"packet shorter than its head":     change(19, 0x10),
		"unknown subpacket":                change(50, 0x12, 0x34),
	} {
		if f, err := ParseFrame(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %+v, %v", name, f, err)
		}
	}
	for name, b := range map[string][]byte{"all zero": make([]byte, 512), "still working": append(make([]byte, 11), append([]byte{1}, make([]byte, 500)...)...)} {
		if f, err := ParseFrame(b); err != nil || len(f.Packets) != 0 {
			t.Errorf("%s: got %+v, %v", name, f, err)
		}
	}
	// Two data subpackets with a credit between them are one stream.
	inner := unhex(t, "000000000000 0000 00000001 F0000000  000000000000 8001 00000004 00000001  000000000000 0000 00000001 F1000000")
	p, err := payload(inner)
	if err != nil || !bytes.Equal(p, []byte{0xf0, 0xf1}) {
		t.Errorf("got %X, %v", p, err)
	}
}

func FuzzParseValues(f *testing.F) {
	f.Add(unhex(f, "F0 F2 03 A3 50 49 4E F3 F1 F9 F0 00 00 00 F1"))
	f.Add(unhex(f, "F8 A8 00 00 00 00 00 00 00 FF A8 00 00 00 00 00 00 FF 03 F0 01 82 10 01 F1 F9 F0 00 00 00 F1"))
	f.Add(bytes.Repeat([]byte{0xf0}, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := ParseValues(b)
		if err != nil {
			return
		}
		// What was understood is understood the same when it is sent on.
		again, err := ParseValues(AppendValues(nil, values...))
		if err != nil || !bytes.Equal(AppendValues(nil, values...), AppendValues(nil, again...)) {
			t.Errorf("%X: %+v became %+v, %v", b, values, again, err)
		}
	})
}

func FuzzParseFrame(f *testing.F) {
	f.Add(unhex(f, startSessionFrame))
	f.Add(make([]byte, 512))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseFrame(b)
		if err != nil {
			return
		}
		s := &Session{tper: &TPer{class: Class{SSC: Opal2}}, tsn: 0x1001, hsn: 1}
		for _, p := range frame.Packets {
			// Whatever it is, it must not panic; a success needs its whole form.
			if results, done, err := s.read(Revert, p); done && err == nil {
				if want := AppendValues(nil, List(results...), control(tokenEndOfData)); !bytes.HasPrefix(AppendValues(nil, mustParse(t, p.Payload)...), want) {
					t.Errorf("a success out of %X", p.Payload)
				}
			}
		}
	})
}

func mustParse(t *testing.T, b []byte) []Value {
	t.Helper()
	v, err := ParseValues(b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
