package drive

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/tcg"
	"github.com/ombruk/ombruk/inventory"
)

// babble answers IF-RECV with one piece of what it holds after another, and
// then with nothing.
type babble struct{ pieces []byte }

func (b *babble) IFSend(context.Context, byte, uint16, []byte) error { return nil }

func (b *babble) IFRecv(_ context.Context, _ byte, _ uint16, data []byte) error {
	n := 0
	if len(b.pieces) >= 2 {
		n = min(int(binary.BigEndian.Uint16(b.pieces)), len(b.pieces)-2)
		copy(data, b.pieces[2:2+n])
		b.pieces = b.pieces[2+n:]
	}
	clear(data[min(n, len(data)):])
	return nil
}

// impatient is a host whose time runs out.
type impatient struct{ left int }

func (*impatient) Wires() Wires                 { return Wires{} }
func (*impatient) Rescan(context.Context) error { return nil }
func (*impatient) Refind(context.Context) error { return erase.ErrGone }
func (*impatient) Now() time.Time               { return time.Time{} }
func (h *impatient) Wait(context.Context, time.Duration) error {
	if h.left--; h.left < 0 {
		return errors.New("no more time")
	}
	return nil
}

// said is an answer as babble takes it.
func said(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

// A drive that answers with anything at all must not crash us, and one that
// answers with too little must not be believed.
func FuzzTCGDrive(f *testing.F) {
	opal := make([]byte, 48+16+20)
	binary.BigEndian.PutUint32(opal, uint32(len(opal)-4))
	copy(opal[48:], []byte{0, 2, 0x10, 12, 0x0b})
	copy(opal[64:], []byte{2, 3, 0x20, 16, 0x07, 0xfe, 0, 1})
	pyrite := append([]byte{}, opal...)
	copy(pyrite[64:], []byte{3, 3})
	f.Add(said(opal))
	f.Add(append(said(opal), said(tcg.Frame{ComID: 0x07fe, Packets: []tcg.Packet{{Payload: []byte{0xf0, 0xf1, 0xf9, 0xf0, 0, 0, 0, 0xf1}}}}.Append(nil))...))
	f.Add(append(said(pyrite), said(make([]byte, 512))...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, pieces []byte) {
		ctx := context.Background()
		var a inventory.Abilities
		tcgAbilities(ctx, &babble{pieces}, &a)
		for _, command := range []inventory.EraseCommand{inventory.TCGRevert, inventory.TCGPSIDRevert} {
			secrets := Secrets{Password: []byte("password"), PSID: []byte("0123456789ABCDEF0123456789ABCDEF")}
			l := newTCG(&babble{pieces}, &impatient{100}, secrets)
			_, err := l.Start(ctx, command)
			s, statusErr := l.Status(ctx)
			if s.State == erase.StateSucceeded && (err != nil || statusErr != nil) {
				t.Errorf("%s: a success of what was refused: %v, %v", command, err, statusErr)
			}
			_, _ = newTCG(&babble{pieces}, &impatient{100}, secrets).Unlock(ctx)
		}
	})
}
