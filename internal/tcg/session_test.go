package tcg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// scripted is a drive that answers what a story says, and works at each answer
// for as many looks as the story says.
type scripted struct {
	t       *testing.T
	enter   bool // Enterprise
	answers map[UID]func(args []Value) []byte
	// busy is how often the drive says that it is still working.
	busy    int
	frame   []byte
	calls   []string
	resets  int
	mute    bool // nothing to say, ever
	sendErr error
	sends   []string
}

const tsn = 0x1001

func (d *scripted) IFSend(_ context.Context, protocol byte, comID uint16, data []byte) error {
	if d.sendErr != nil {
		return d.sendErr
	}
	if len(data)%512 != 0 {
		d.t.Errorf("%d bytes are no blocks", len(data))
	}
	if protocol == protocolManage {
		d.resets++
		d.frame = make([]byte, 512)
		copy(d.frame, data[:8])
		d.frame[11] = 4
		return nil
	}
	f, err := ParseFrame(data)
	if err != nil || len(f.Packets) != 1 || f.ComID != comID {
		d.t.Errorf("sent %+v, %v", f, err)
		return err
	}
	p := f.Packets[0]
	d.sends = append(d.sends, fmt.Sprintf("%X", p.Payload))
	if p.Payload[0] == tokenEndOfSession {
		d.calls = append(d.calls, "end of session")
		d.reply(p, []byte{tokenEndOfSession})
		return nil
	}
	values, err := ParseValues(p.Payload)
	if err != nil || len(values) != 6 {
		d.t.Errorf("sent %X: %v", p.Payload, err)
		return err
	}
	method, _ := uidOf(values[2])
	d.calls = append(d.calls, methodName(method))
	answer, ok := d.answers[method]
	switch {
	case d.mute:
	case ok:
		d.reply(p, answer(values[3].List))
	case method == StartSession:
		d.reply(p, synced(values[3].List[0].Uint, Success))
	case method == EnterpriseAuth:
		d.reply(p, done(Success, Uint(1)))
	default:
		d.reply(p, done(InvalidParameter))
	}
	return nil
}

func (d *scripted) reply(p Packet, payload []byte) {
	d.frame = Frame{ComID: 0x07fe, Packets: []Packet{{TSN: p.TSN, HSN: p.HSN, Payload: payload}}}.Append(nil)
}

func (d *scripted) IFRecv(_ context.Context, _ byte, comID uint16, data []byte) error {
	switch {
	case d.busy > 0:
		d.busy--
		copy(data, Frame{ComID: comID, Outstanding: 1}.Append(nil))
	case d.frame == nil:
		copy(data, Frame{ComID: comID}.Append(nil))
	default:
		copy(data, d.frame)
		d.frame = nil
	}
	return nil
}

func done(s Status, results ...Value) []byte {
	return AppendValues(nil, List(results...), control(tokenEndOfData), List(Uint(uint64(s)), Uint(0), Uint(0)))
}

func synced(hsn uint64, s Status) []byte {
	return AppendValues(nil, control(tokenCall), SessionManager.Value(), SyncSession.Value(), List(Uint(hsn), Uint(tsn)), control(tokenEndOfData), List(Uint(uint64(s)), Uint(0), Uint(0)))
}

// open speaks to the drive; the pauses are only counted.
func (d *scripted) open(t *testing.T) (*TPer, *time.Duration) {
	t.Helper()
	class := Class{SSC: Opal2, ComID: 0x07fe}
	if d.enter {
		class.SSC = Enterprise
	}
	passed := new(time.Duration)
	p, err := Open(d, Discovery{Classes: []Class{class}}, func(ctx context.Context, d time.Duration) error {
		*passed += d
		return ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, passed
}

func TestRevertOfADriveThatTakesItsTime(t *testing.T) {
	d := &scripted{t: t, answers: map[UID]func([]Value) []byte{Revert: func([]Value) []byte { return done(Success) }}}
	p, _ := d.open(t)
	ctx := context.Background()
	s, err := p.StartSession(ctx, AdminSP, SID, []byte("MSID"))
	if err != nil {
		t.Fatal(err)
	}
	pending, err := s.Revert(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d.busy = 1000 // longer than anything that is merely silent
	for range 1000 {
		if _, done, err := pending.Poll(ctx); done || err != nil {
			t.Fatalf("working, but got %v, %v", done, err)
		}
	}
	if _, done, err := pending.Poll(ctx); !done || err != nil {
		t.Errorf("got %v, %v", done, err)
	}
	// The drive ended the session with the Revert, so nothing more is sent.
	if err := s.Close(ctx); err != nil || strings.Contains(strings.Join(d.calls, " "), "end of session") {
		t.Errorf("close: %v, calls %v", err, d.calls)
	}
	// SID, challenge and SP are where Core 2.01, 5.2.3.1 has them.
	const want = "F8A800000000000000FFA8000000000000FF02F001A8000002050000000101F200A44D534944F3F203A80000000900000006F3F1F9F0000000F1"
	if d.sends[0] != want {
		t.Errorf("sent %s\nwant %s", d.sends[0], want)
	}
	if want := "F8A80000020500000001A80000000600000202F0F1F9F0000000F1"; d.sends[1] != want {
		t.Errorf("sent %s\nwant %s", d.sends[1], want)
	}
}

func TestOnlyAWholeAnswerIsASuccess(t *testing.T) {
	for name, c := range map[string]struct {
		payload []byte
		want    error
	}{
		"all zero":               {make([]byte, 40), ErrMalformed},
		"status without result":  {AppendValues(nil, control(tokenEndOfData), List(Uint(0), Uint(0), Uint(0))), ErrMalformed},
		"result without status":  {AppendValues(nil, List(), control(tokenEndOfData)), ErrMalformed},
		"empty status":           {AppendValues(nil, List(), control(tokenEndOfData), List()), ErrMalformed},
		"status is a text":       {AppendValues(nil, List(), control(tokenEndOfData), List(Text("ok"))), ErrMalformed},
		"status beyond a byte":   {AppendValues(nil, List(), control(tokenEndOfData), List(Uint(256))), ErrMalformed},
		"answer to another call": {synced(1, Success), ErrMalformed},
		"session closed":         {AppendValues(nil, control(tokenCall), SessionManager.Value(), CloseSession.Value(), List(Uint(1), Uint(tsn)), control(tokenEndOfData), List(Uint(0))), ErrAborted},
		"end of session":         {[]byte{tokenEndOfSession}, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			d := &scripted{t: t, answers: map[UID]func([]Value) []byte{Revert: func([]Value) []byte { return c.payload }}}
			p, _ := d.open(t)
			s, err := p.StartSession(context.Background(), AdminSP, PSID, []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			pending, err := s.Revert(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if _, done, err := pending.Poll(context.Background()); !done || !errors.Is(err, c.want) {
				t.Errorf("got %v, %v", done, err)
			}
		})
	}
}

func TestRefusalsAreNamed(t *testing.T) {
	for status, name := range map[Status]string{
		NotAuthorized: "NOT_AUTHORIZED", AuthorityLockedOut: "AUTHORITY_LOCKED_OUT", SPDisabled: "SP_DISABLED", SPFrozen: "SP_FROZEN",
		TPerMalfunction: "TPER_MALFUNCTION", Fail: "FAIL", 0x2a: "status 2Ah",
	} {
		d := &scripted{t: t, answers: map[UID]func([]Value) []byte{StartSession: func(a []Value) []byte { return synced(a[0].Uint, status) }}}
		p, _ := d.open(t)
		_, err := p.StartSession(context.Background(), AdminSP, SID, nil)
		var refused *MethodError
		if !errors.As(err, &refused) || refused.Status != status || err.Error() != "StartSession: "+name {
			t.Errorf("%02Xh: got %v", uint8(status), err)
		}
	}
}

// A program that was killed left its session open; ours gets in all the same.
func TestSessionLeftOpenIsDropped(t *testing.T) {
	first := true
	d := &scripted{t: t, answers: map[UID]func([]Value) []byte{StartSession: func(a []Value) []byte {
		if first {
			first = false
			return synced(a[0].Uint, NoSessionsAvailable)
		}
		return synced(a[0].Uint, Success)
	}}}
	p, _ := d.open(t)
	if _, err := p.StartSession(context.Background(), AdminSP, Anybody, nil); err != nil || d.resets != 1 {
		t.Errorf("got %v after %d resets", err, d.resets)
	}
}

func TestSyncSessionOfAnotherHostIsNotOurs(t *testing.T) {
	d := &scripted{t: t, answers: map[UID]func([]Value) []byte{StartSession: func([]Value) []byte { return synced(99, Success) }}}
	p, _ := d.open(t)
	if _, err := p.StartSession(context.Background(), AdminSP, Anybody, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestDriveThatSaysNothing(t *testing.T) {
	d := &scripted{t: t, mute: true}
	p, passed := d.open(t)
	if _, err := p.StartSession(context.Background(), AdminSP, Anybody, nil); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v", err)
	}
	if *passed > 2*time.Second {
		t.Errorf("waited %v for a drive that does not even work", *passed)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.busy = 1 << 30
	p.wait = func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
	if _, err := p.StartSession(ctx, AdminSP, Anybody, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	d.sendErr = errors.New("refused at the interface")
	if _, err := p.StartSession(context.Background(), AdminSP, Anybody, nil); !errors.Is(err, d.sendErr) {
		t.Errorf("refused: got %v", err)
	}
}

func TestColumnsAreAskedForByNumberOrName(t *testing.T) {
	pin := func(name Value) func([]Value) []byte {
		return func([]Value) []byte { return done(Success, List(Named(name, Text("MSID of the drive")))) }
	}
	for _, c := range []struct {
		d    *scripted
		want string
	}{
		{&scripted{answers: map[UID]func([]Value) []byte{Get: pin(Uint(3))}}, "F8A80000000B00008402A80000000600000016F0F0F20303F3F20403F3F1F1F9F0000000F1"},
		{
			&scripted{enter: true, answers: map[UID]func([]Value) []byte{EnterpriseGet: pin(Text("PIN"))}},
			"F8A80000000B00008402A80000000600000006F0F0F2AB7374617274436F6C756D6EA350494EF3F2A9656E64436F6C756D6EA350494EF3F1F1F9F0000000F1",
		},
	} {
		c.d.t = t
		p, _ := c.d.open(t)
		ctx := context.Background()
		s, err := p.StartSession(ctx, AdminSP, Anybody, nil)
		if err != nil {
			t.Fatal(err)
		}
		msid, err := s.MSID(ctx)
		if string(msid) != "MSID of the drive" || err != nil {
			t.Errorf("got %q, %v", msid, err)
		}
		if got := c.d.sends[len(c.d.sends)-1]; got != c.want {
			t.Errorf("sent %s\nwant %s", got, c.want)
		}
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

func TestColumnThatIsNotShown(t *testing.T) {
	for name, result := range map[string]Value{"left out": List(), "of another name": List(Named(Uint(9), Uint(1)))} {
		d := &scripted{t: t, answers: map[UID]func([]Value) []byte{Get: func([]Value) []byte { return done(Success, result) }}}
		p, _ := d.open(t)
		s, _ := p.StartSession(context.Background(), AdminSP, Anybody, nil)
		if v, err := s.LifeCycle(context.Background(), LockingSP); !errors.Is(err, ErrNoValue) {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
	}
	d := &scripted{t: t, answers: map[UID]func([]Value) []byte{Get: func([]Value) []byte { return done(Success, List(Named(Uint(6), Uint(300)))) }}}
	p, _ := d.open(t)
	s, _ := p.StartSession(context.Background(), AdminSP, Anybody, nil)
	if v, err := s.LifeCycle(context.Background(), LockingSP); !errors.Is(err, ErrMalformed) {
		t.Errorf("a state that does not exist: got %v, %v", v, err)
	}
}

// Enterprise answers a wrong password with a success whose result is false.
func TestWrongPasswordOnEnterprise(t *testing.T) {
	d := &scripted{t: t, enter: true, answers: map[UID]func([]Value) []byte{EnterpriseAuth: func([]Value) []byte { return done(Success, Uint(0)) }}}
	p, _ := d.open(t)
	_, err := p.StartSession(context.Background(), EnterpriseLockingSP, EraseMaster, []byte("wrong"))
	var refused *MethodError
	if !errors.As(err, &refused) || refused.Status != NotAuthorized {
		t.Errorf("got %v", err)
	}
	if last := d.calls[len(d.calls)-1]; last != "end of session" {
		t.Errorf("the session was left open: %v", d.calls)
	}
}

func TestSettingsAreWhereTheSpecificationHasThem(t *testing.T) {
	ok := func([]Value) []byte { return done(Success) }
	for _, c := range []struct {
		name string
		do   func(context.Context, *Session) error
		want string
	}{
		{"mechanism", func(ctx context.Context, s *Session) error { return s.SetMechanism(ctx, BlockErase) }, "F8A80000110100000001A80000000600000017F0F201F0F20101F3F1F3F1F9F0000000F1"},
		{"unlock", func(ctx context.Context, s *Session) error { return s.UnlockRange(ctx, GlobalRange) }, "F8A80000080200000001A80000000600000017F0F201F0F20700F3F20800F3F1F3F1F9F0000000F1"},
		{"shadow MBR", func(ctx context.Context, s *Session) error { return s.HideMBR(ctx) }, "F8A80000080300000001A80000000600000017F0F201F0F20201F3F1F3F1F9F0000000F1"},
		{"activate", func(ctx context.Context, s *Session) error { return s.Activate(ctx) }, "F8A80000020500000002A80000000600000203F0F1F9F0000000F1"},
		{"revert SP without KeepGlobalRangeKey", func(ctx context.Context, s *Session) error { _, err := s.RevertSP(ctx); return err }, "F8A80000000000000001A80000000600000011F0F1F9F0000000F1"},
	} {
		d := &scripted{t: t, answers: map[UID]func([]Value) []byte{Set: ok, Activate: ok, RevertSP: ok}}
		p, _ := d.open(t)
		s, err := p.StartSession(context.Background(), AdminSP, SID, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.do(context.Background(), s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := d.sends[len(d.sends)-1]; got != c.want {
			t.Errorf("%s: sent %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestRangesAndKeys(t *testing.T) {
	key := UID(0x0000080600030001)
	d := &scripted{t: t, answers: map[UID]func([]Value) []byte{
		Get: func(a []Value) []byte {
			column := a[0].List[0].List[1].Uint
			if column == 10 {
				return done(Success, List(Named(Uint(10), key.Value())))
			}
			return done(Success, List(Named(Uint(column), Uint(2))))
		},
		GenKey: func([]Value) []byte { return done(Success) },
	}}
	p, _ := d.open(t)
	ctx := context.Background()
	s, err := p.StartSession(ctx, LockingSP, Admin1, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := s.Ranges(ctx)
	if err != nil || fmt.Sprint(ranges) != fmt.Sprint([]UID{GlobalRange, Range1, Range1 + 1}) {
		t.Errorf("got %v, %v", ranges, err)
	}
	if err := s.GenKey(ctx, Range1); err != nil || !strings.HasPrefix(d.sends[len(d.sends)-1], "F8A80000080600030001A80000000600000010") {
		t.Errorf("%v, sent %s", err, d.sends[len(d.sends)-1])
	}
}

// Enterprise drives have LockingInfo at their own place, or where the others do.
func TestEnterpriseBandsAreCountedWhereTheDriveHasThem(t *testing.T) {
	for _, at := range []string{"0000080100000000", "0000080100000001"} {
		d := &scripted{t: t, enter: true}
		d.answers = map[UID]func([]Value) []byte{EnterpriseGet: func([]Value) []byte {
			if !strings.HasPrefix(d.sends[len(d.sends)-1], "F8A8"+at) {
				return done(InvalidParameter)
			}
			return done(Success, List(List(Named(Text("MaxRanges"), Uint(1)))))
		}}
		p, _ := d.open(t)
		s, err := p.StartSession(context.Background(), EnterpriseLockingSP, EraseMaster, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if bands, err := s.Ranges(context.Background()); err != nil || fmt.Sprint(bands) != fmt.Sprint([]UID{GlobalRange, GlobalRange + 1}) {
			t.Errorf("%s: got %v, %v", at, bands, err)
		}
	}
}

func TestPropertiesAndTheirAbsence(t *testing.T) {
	limits := List(Named(Text("MaxComPacketSize"), Uint(66048)), Named(Text("MaxSessions"), Uint(1)))
	d := &scripted{t: t, answers: map[UID]func([]Value) []byte{Properties: func([]Value) []byte {
		return AppendValues(nil, control(tokenCall), SessionManager.Value(), Properties.Value(), List(limits), control(tokenEndOfData), List(Uint(0), Uint(0), Uint(0)))
	}}}
	p, _ := d.open(t)
	got, err := p.Properties(context.Background())
	if err != nil || got["MaxComPacketSize"] != 66048 || got["MaxSessions"] != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	d.answers[Properties] = func([]Value) []byte { return done(Success) }
	if got, err := p.Properties(context.Background()); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v, %v", got, err)
	}
}
