package tcg

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// answer is a discovery of these features, laid out by Opal 2.02, 3.1.1.
func answer(t testing.TB, features ...string) []byte {
	t.Helper()
	b := make([]byte, 48)
	b[7] = 1
	for _, f := range features {
		b = append(b, unhex(t, f)...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return append(b, make([]byte, 2048-len(b))...)
}

const (
	tperFeature     = "0001 10 0C 51 0000000000000000000000"
	lockingInactive = "0002 10 0C 09 0000000000000000000000"
	lockingLocked   = "0002 10 0C 1F 0000000000000000000000"
	lockingPyrite   = "0002 20 0C 01 0000000000000000000000"
	geometryFeature = "0003 10 1C 01 00000000000000 00001000 0000000000000008 0000000000000000"
	opal2Feature    = "0203 22 10 07FE 0001 00 0004 0009 00 FF 0000000000"
	pyrite2Feature  = "0303 10 10 1000 0001 0000000000 00 00 0000000000"
	enterprise1     = "0100 10 10 07FE 0002 01 0000000000000000000000"
	blockSIDBlocked = "0402 20 0C 07 01 00000000000000000000"
	removalPyrite   = "0404 10 20 00 03 23 02 FFFF 0005 0000 0000 0000 0001 00000000000000000000000000000000"
)

func TestDiscoveryOfAnOpalDrive(t *testing.T) {
	d, err := ParseDiscovery(answer(t, tperFeature, lockingLocked, geometryFeature, opal2Feature, "0201 10 0C 00000009 07 00000000000000", blockSIDBlocked, "0202 10 0C 000000000000000000000000"))
	if err != nil {
		t.Fatal(err)
	}
	want := Discovery{
		Classes:  []Class{{SSC: Opal2, Minor: 2, ComID: 0x07fe, ComIDs: 1, RevertedPIN: 0xff}},
		TPer:     &TPerFeature{Sync: true, Streaming: true, ComIDMgmt: true},
		Locking:  &LockingFeature{Supported: true, Enabled: true, Locked: true, MediaEncryption: true, MBREnabled: true},
		Geometry: &GeometryFeature{Align: true, LogicalBlockBytes: 4096, AlignmentGranularity: 8},
		SUM:      &SingleUserFeature{Objects: 9, Any: true, All: true, Policy: true},
		BlockSID: &BlockSIDFeature{Owned: true, Blocked: true, FreezeLockSupported: true, HardwareReset: true},
		Others:   []uint16{0x0202},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
	if got, want := d.String(), "Opal 2, locking activated yes, locked yes, media encryption yes, shadow MBR out of the way no, SID is the MSID no, SID blocked yes"; got != want {
		t.Errorf("got %q", got)
	}
	if !d.Encrypts() {
		t.Error("an Opal drive encrypts")
	}
}

func TestDiscoveryOfAPyriteDrive(t *testing.T) {
	d, err := ParseDiscovery(answer(t, tperFeature, lockingPyrite, pyrite2Feature, removalPyrite))
	if err != nil {
		t.Fatal(err)
	}
	want := &RemovalFeature{
		Processing: true, Interrupted: true, Supported: []Mechanism{OverwriteErase, BlockErase, VendorErase},
		Times: map[Mechanism]time.Duration{OverwriteErase: 131070 * time.Second, BlockErase: 10 * time.Minute, VendorErase: 2 * time.Second},
	}
	if !reflect.DeepEqual(d.Removal, want) {
		t.Errorf("got %+v", d.Removal)
	}
	if d.Encrypts() {
		t.Error("Pyrite does not encrypt")
	}
}

func TestWhichClassIsSpoken(t *testing.T) {
	for _, c := range []struct {
		features []string
		want     SSC
		ok       bool
	}{
		{[]string{"0200 10 10 1004 0001 00 0000000000000000000000", opal2Feature}, Opal2, true},
		{[]string{pyrite2Feature, "0302 10 10 1000 0001 00 0000000000000000000000"}, Pyrite2, true},
		{[]string{enterprise1}, Enterprise, true},
		{[]string{"0304 10 10 1000 0001 00 0000000000000000000000"}, Ruby, true},
		{[]string{"0203 10 10 0000 0000 00 0000000000000000000000"}, 0, false},
	} {
		d, err := ParseDiscovery(answer(t, c.features...))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := d.Class(); got.SSC != c.want || ok != c.ok {
			t.Errorf("%v: got %v, %v", c.features, got, ok)
		}
	}
}

func TestDiscoveriesThatMakeNoSense(t *testing.T) {
	long := answer(t, opal2Feature)
	binary.BigEndian.PutUint32(long, 5000)
	short := answer(t, opal2Feature)
	binary.BigEndian.PutUint32(short, 10)
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"all zero", make([]byte, 2048), ErrNoTCG},
		{"no class", answer(t, tperFeature, lockingInactive), ErrNoTCG},
		{"nothing", nil, ErrMalformed},
		{"truncated", long[:40], ErrMalformed},
		{"longer than the answer", long, ErrMalformed},
		{"shorter than its head", short, ErrMalformed},
		{"feature longer than the rest", answer(t, "0203 10 FF 07FE"), ErrMalformed},
		{"a class without a ComID field", answer(t, "0203 10 02 07FE"), ErrMalformed},
		{"half a feature", answer(t, opal2Feature, "0203"), ErrMalformed},
	} {
		if d, err := ParseDiscovery(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %+v, %v", c.name, d, err)
		}
	}
}

// shelf answers every IF-RECV with the same bytes.
type shelf []byte

func (s shelf) IFSend(context.Context, byte, uint16, []byte) error { return nil }

func (s shelf) IFRecv(_ context.Context, _ byte, _ uint16, b []byte) error {
	copy(b, s)
	return nil
}

func TestWhichProtocolsADriveSpeaks(t *testing.T) {
	for _, c := range []struct {
		answer, want string
		err          error
	}{
		{"000000000000 0003 000102", "000102", nil},
		{"000000000000 0002 00EF", "00EF", nil},
		{"000000000000 0000", "", ErrMalformed},
		{"000000000000 FFFF 00", "", ErrMalformed},
	} {
		got, err := Protocols(context.Background(), shelf(unhex(t, c.answer)))
		if !bytes.Equal(got, unhex(t, c.want)) || !errors.Is(err, c.err) {
			t.Errorf("%s: got %X, %v", c.answer, got, err)
		}
	}
}

func FuzzParseDiscovery(f *testing.F) {
	f.Add(answer(f, tperFeature, lockingInactive, geometryFeature, opal2Feature, blockSIDBlocked))
	f.Add(answer(f, tperFeature, lockingPyrite, pyrite2Feature, removalPyrite))
	f.Add(answer(f, enterprise1))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if d, err := ParseDiscovery(b); err == nil {
			_, _ = d.Class()
			_, _ = d.Encrypts(), d.String()
		}
	})
}

func TestPSIDAsItIsTypedOrScanned(t *testing.T) {
	const want = "ABCDEFGHJKLMNPQRSTUVWXYZ01234567"
	for _, typed := range []string{
		want, strings.ToLower(want), " " + want + "\r\n", "abcd-efgh-jklm-npqr-stuv-wxyz-0123-4567",
		"ABCDEFGH JKLMNPQR STUVWXYZ 01234567", "PSID:" + want, "psid: " + want, "ABCD\u2010EFGHJKLMNPQRSTUVWXYZ01234567",
	} {
		if got, err := NormalizePSID(typed); got != want || err != nil {
			t.Errorf("%q: got %q, %v", typed, got, err)
		}
	}
	for typed, cause := range map[string]string{
		"":                 "0 letters and digits instead of 32",
		want[:31]:          "31 letters",
		want + "8":         "33 letters",
		want[:31] + "_":    `'_'`,
		want[:31] + "Ø":    `'Ø'`,
		"\x1b[2J" + want:   `'\x1b'`,
		want[:31] + "\x00": `'\x00'`,
	} {
		if got, err := NormalizePSID(typed); err == nil || !strings.Contains(err.Error(), cause) {
			t.Errorf("%q: got %q, %v", typed, got, err)
		}
	}
}

func FuzzNormalizePSID(f *testing.F) {
	f.Add("PSID: abcd-efgh jklm npqr stuv wxyz 0123 4567")
	f.Fuzz(func(t *testing.T, typed string) {
		if got, err := NormalizePSID(typed); err == nil {
			if again, err := NormalizePSID(got); len(got) != 32 || again != got || err != nil {
				t.Errorf("%q: %q, then %q, %v", typed, got, again, err)
			}
		}
	})
}
