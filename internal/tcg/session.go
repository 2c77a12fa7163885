package tcg

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What can go wrong between asking and being answered.
var (
	// ErrNoAnswer means that the drive has nothing to say about what it was
	// told: whether it was done is not known.
	ErrNoAnswer = errors.New("the drive gave no answer")
	// ErrAborted means that the drive ended the session by itself.
	ErrAborted = errors.New("the drive ended the session")
	// ErrNoValue means that a drive does not show the column that was asked for.
	ErrNoValue = errors.New("the drive does not tell")
)

// Wait passes time between two looks for an answer, and ends early with the
// context's error.
type Wait func(ctx context.Context, d time.Duration) error

const (
	// answerBytes is the room for an answer; 2048 is what every class allows.
	answerBytes = 2048
	answerMax   = 1 << 20
	// silentMax is how often a drive may have nothing at all to say, not even
	// that it is working, before that counts as no answer.
	silentMax    = 10
	firstPause   = 5 * time.Millisecond
	silentPause  = 100 * time.Millisecond
	longestPause = time.Second
)

// TPer is the trusted peripheral in a drive, as one host speaks to it.
type TPer struct {
	transport Transport
	wait      Wait
	class     Class
	sessions  uint32 // opened so far, which numbers them
}

// Open speaks to a drive by the class that its discovery names. wait nil is the
// real clock. The error is [ErrNoTCG].
func Open(t Transport, d Discovery, wait Wait) (*TPer, error) {
	c, ok := d.Class()
	if !ok {
		return nil, ErrNoTCG
	}
	if wait == nil {
		wait = realWait
	}
	return &TPer{transport: t, wait: wait, class: c}, nil
}

func realWait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enterprise reports whether columns have names instead of numbers, and
// sessions authenticate after they were opened (Core 1.00, as Enterprise).
func (p *TPer) enterprise() bool { return p.class.SSC == Enterprise }

// LockingSP is the provider that holds ranges and keys.
func (p *TPer) LockingSP() UID {
	if p.enterprise() {
		return EnterpriseLockingSP
	}
	return LockingSP
}

// Reset drops every session on the drive's ComID, also those that a program
// left open that was killed (STACK_RESET, Core 2.01, 3.3.4.7.5).
func (p *TPer) Reset(ctx context.Context) error {
	const stackReset = 0x02
	request := make([]byte, blockBytes)
	request[0], request[1] = byte(p.class.ComID>>8), byte(p.class.ComID)
	request[7] = stackReset
	if err := p.transport.IFSend(ctx, protocolManage, p.class.ComID, request); err != nil {
		return fmt.Errorf("STACK_RESET: %w", err)
	}
	answer := make([]byte, blockBytes)
	for pause, silent := firstPause, 0; silent < silentMax; silent++ {
		if err := p.transport.IFRecv(ctx, protocolManage, p.class.ComID, answer); err != nil {
			return fmt.Errorf("STACK_RESET: %w", err)
		}
		// Request code, and four bytes of result of which zero is success.
		if answer[7] == stackReset && answer[11] >= 4 {
			if answer[12]|answer[13]|answer[14]|answer[15] != 0 {
				return fmt.Errorf("STACK_RESET: the drive reports failure %02X%02X%02X%02Xh", answer[12], answer[13], answer[14], answer[15])
			}
			return nil
		}
		if err := p.wait(ctx, pause); err != nil {
			return fmt.Errorf("STACK_RESET: %w", err)
		}
		pause = min(2*pause, silentPause)
	}
	return fmt.Errorf("STACK_RESET: %w", ErrNoAnswer)
}

// Properties are the limits that the drive states, by name (Core 2.01, 5.2.2).
func (p *TPer) Properties(ctx context.Context) (map[string]uint64, error) {
	host := List(
		Named(Text("MaxComPacketSize"), Uint(answerBytes)), Named(Text("MaxPacketSize"), Uint(answerBytes-frameHeader)),
		Named(Text("MaxIndTokenSize"), Uint(answerBytes-frameHeader-packetHeader-subpacketHeader)),
		Named(Text("MaxPackets"), Uint(1)), Named(Text("MaxSubpackets"), Uint(1)), Named(Text("MaxMethods"), Uint(1)),
	)
	name := Uint(0) // HostProperties
	if p.enterprise() {
		name = Text("HostProperties")
	}
	s := &Session{tper: p}
	answer, err := s.call(ctx, SessionManager, Properties, Named(name, host))
	if err != nil {
		return nil, err
	}
	limits := map[string]uint64{}
	if len(answer) > 0 {
		for _, v := range answer[0].List {
			if v.Kind == KindNamed && v.List[1].Kind == KindUint {
				limits[string(v.List[0].Bytes)] = v.List[1].Uint
			}
		}
	}
	if len(limits) == 0 {
		return nil, fmt.Errorf("Properties: %w", malformed("no properties in it"))
	}
	return limits, nil
}

// Session is an open session to one security provider. It must be closed.
type Session struct {
	tper     *TPer
	hsn, tsn uint32 // both zero: the session manager
	over     bool   // the drive ended it
}

// StartSession opens a session that may write. With an authority other than
// [Anybody] the credential is checked; a wrong one is a [*MethodError] with
// [NotAuthorized] and counts against the drive's limit of attempts. Sessions
// that others left open are dropped when the drive has no room for ours.
func (p *TPer) StartSession(ctx context.Context, sp, authority UID, credential []byte) (*Session, error) {
	s, err := p.start(ctx, sp, authority, credential)
	var refused *MethodError
	if errors.As(err, &refused) && (refused.Status == NoSessionsAvailable || refused.Status == SPBusy) {
		if resetErr := p.Reset(ctx); resetErr != nil {
			return nil, fmt.Errorf("%w; then %w", err, resetErr)
		}
		s, err = p.start(ctx, sp, authority, credential)
	}
	return s, err
}

func (p *TPer) start(ctx context.Context, sp, authority UID, credential []byte) (*Session, error) {
	p.sessions++
	hsn := p.sessions
	args := []Value{Uint(uint64(hsn)), sp.Value(), Uint(1)}
	if authority != Anybody && !p.enterprise() {
		args = append(args, Named(Uint(0), Bytes(credential)), Named(Uint(3), authority.Value()))
	}
	manager := &Session{tper: p}
	answer, err := manager.call(ctx, SessionManager, StartSession, args...)
	if err != nil {
		return nil, err
	}
	if len(answer) < 2 || answer[0].Kind != KindUint || answer[1].Kind != KindUint || answer[0].Uint != uint64(hsn) || answer[1].Uint == 0 || answer[1].Uint > 1<<32-1 {
		return nil, fmt.Errorf("StartSession: %w", malformed("no session numbers in SyncSession"))
	}
	s := &Session{tper: p, hsn: hsn, tsn: uint32(answer[1].Uint)}
	if authority == Anybody || !p.enterprise() {
		return s, nil
	}
	// Enterprise 1.01, Authenticate: the result says whether it was right.
	result, err := s.call(ctx, ThisSP, EnterpriseAuth, authority.Value(), Named(Text("Challenge"), Bytes(credential)))
	if err == nil && (len(result) != 1 || result[0].Kind != KindUint) {
		err = fmt.Errorf("Authenticate: %w", malformed("no result"))
	}
	if err == nil && result[0].Uint != 1 {
		err = &MethodError{Method: EnterpriseAuth, Status: NotAuthorized}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// Close ends the session. One that the drive ended already is no error.
func (s *Session) Close(ctx context.Context) error {
	if s.over {
		return nil
	}
	s.over = true
	if err := s.send(ctx, AppendValues(nil, control(tokenEndOfSession))); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	for pause, silent := firstPause, 0; silent < silentMax; silent++ {
		f, err := s.receive(ctx)
		if err != nil {
			return fmt.Errorf("close session: %w", err)
		}
		for _, packet := range f.Packets {
			if len(packet.Payload) > 0 && packet.Payload[0] == tokenEndOfSession {
				return nil
			}
		}
		if f.idle() && silent > 1 {
			return nil // some drives say nothing, and the session is gone
		}
		if err := s.tper.wait(ctx, pause); err != nil {
			return fmt.Errorf("close session: %w", err)
		}
		pause = min(2*pause, silentPause)
	}
	return fmt.Errorf("close session: %w", ErrNoAnswer)
}

// idle reports that the drive neither answers nor works at an answer.
func (f Frame) idle() bool { return len(f.Packets) == 0 && f.Outstanding == 0 }

func (s *Session) send(ctx context.Context, payload []byte) error {
	f := Frame{ComID: s.tper.class.ComID, Packets: []Packet{{TSN: s.tsn, HSN: s.hsn, Payload: payload}}}
	return s.tper.transport.IFSend(ctx, protocolTCG, s.tper.class.ComID, f.Append(nil))
}

// receive is one IF-RECV, repeated with more room when the drive asks for it.
func (s *Session) receive(ctx context.Context) (Frame, error) {
	size := answerBytes
	for {
		b := make([]byte, size)
		if err := s.tper.transport.IFRecv(ctx, protocolTCG, s.tper.class.ComID, b); err != nil {
			return Frame{}, err
		}
		f, err := ParseFrame(b)
		if err != nil {
			return Frame{}, err
		}
		if f.ComID != s.tper.class.ComID {
			return Frame{}, malformed("it is for ComID %04Xh instead of %04Xh", f.ComID, s.tper.class.ComID)
		}
		if len(f.Packets) > 0 || int64(f.MinTransfer) <= int64(size) {
			return f, nil
		}
		if f.MinTransfer > answerMax {
			return Frame{}, malformed("it says it has %d bytes", f.MinTransfer)
		}
		size = (int(f.MinTransfer) + blockBytes - 1) &^ (blockBytes - 1)
	}
}

// Pending is a method that the drive was given and has not answered yet.
type Pending struct {
	session *Session
	method  UID
	silent  int
}

// Begin gives the drive a method. It returns when the drive has taken it.
func (s *Session) Begin(ctx context.Context, object, method UID, args ...Value) (*Pending, error) {
	if s.over {
		return nil, fmt.Errorf("%s: %w", methodName(method), ErrAborted)
	}
	payload := AppendValues(nil, control(tokenCall), object.Value(), method.Value(), List(args...), control(tokenEndOfData), List(Uint(0), Uint(0), Uint(0)))
	if err := s.send(ctx, payload); err != nil {
		return nil, fmt.Errorf("%s: %w", methodName(method), err)
	}
	return &Pending{session: s, method: method}, nil
}

// Poll asks once for the answer. done is false while the drive works at it. A
// refusal is a [*MethodError].
func (p *Pending) Poll(ctx context.Context) (results []Value, done bool, err error) {
	f, err := p.session.receive(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", methodName(p.method), err)
	}
	for _, packet := range f.Packets {
		results, done, err := p.session.read(p.method, packet)
		if done || err != nil {
			return results, true, err
		}
	}
	if f.Outstanding == 0 {
		if p.silent++; p.silent >= silentMax {
			return nil, true, fmt.Errorf("%s: %w", methodName(p.method), ErrNoAnswer)
		}
	} else {
		p.silent = 0
	}
	return nil, false, nil
}

// call gives a method and waits for its answer.
func (s *Session) call(ctx context.Context, object, method UID, args ...Value) ([]Value, error) {
	p, err := s.Begin(ctx, object, method, args...)
	if err != nil {
		return nil, err
	}
	return p.Wait(ctx)
}

// Wait asks for the answer until it is there, for as long as the drive says
// that it is working.
func (p *Pending) Wait(ctx context.Context) ([]Value, error) {
	for pause := firstPause; ; pause *= 2 {
		results, done, err := p.Poll(ctx)
		if done || err != nil {
			return results, err
		}
		if pause = min(pause, longestPause); p.silent > 0 {
			pause = min(pause, silentPause)
		}
		if err := p.session.tper.wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("%s: waiting for the answer: %w", methodName(p.method), err)
		}
	}
}

// read takes an answer out of a packet; done is false when the packet is about
// something else, such as the end of an earlier session.
func (s *Session) read(method UID, packet Packet) (results []Value, done bool, err error) {
	values, err := ParseValues(packet.Payload)
	if err != nil {
		return nil, true, fmt.Errorf("%s: %w", methodName(method), err)
	}
	// A call of the drive's: SyncSession, Properties or CloseSession.
	if len(values) > 3 && values[0].is(tokenCall) {
		on, okOn := uidOf(values[1])
		called, okCalled := uidOf(values[2])
		if !okOn || !okCalled || on != SessionManager || values[3].Kind != KindList {
			return nil, true, fmt.Errorf("%s: %w", methodName(method), malformed("a call of something else"))
		}
		if called == CloseSession {
			return nil, s.closedBy(values[3].List), s.closeError(method, values[3].List)
		}
		if s.tsn != 0 || called != method && (called != SyncSession || method != StartSession) {
			return nil, true, fmt.Errorf("%s: %w", methodName(method), malformed("an answer to %s", methodName(called)))
		}
		values = values[3:]
	}
	if packet.TSN != s.tsn || packet.HSN != s.hsn {
		return nil, false, nil
	}
	if len(values) != 3 || values[0].Kind != KindList || !values[1].is(tokenEndOfData) || values[2].Kind != KindList ||
		len(values[2].List) == 0 || values[2].List[0].Kind != KindUint || values[2].List[0].Uint > 0xff {
		return nil, true, fmt.Errorf("%s: %w", methodName(method), malformed("no result and status in it"))
	}
	if status := Status(values[2].List[0].Uint); status != Success {
		return nil, true, &MethodError{Method: method, Status: status}
	}
	// The drive ends the session right after these (Opal 2.02, 5.1.2 and 5.1.3).
	s.over = s.over || method == Revert || method == RevertSP
	return values[0].List, true, nil
}

// closedBy reports whether a CloseSession with these arguments is of this session.
func (s *Session) closedBy(args []Value) bool {
	return s.tsn != 0 && len(args) >= 2 && args[0].Uint == uint64(s.hsn) && args[1].Uint == uint64(s.tsn)
}

func (s *Session) closeError(method UID, args []Value) error {
	if !s.closedBy(args) {
		return nil
	}
	s.over = true
	return fmt.Errorf("%s: %w", methodName(method), ErrAborted)
}
