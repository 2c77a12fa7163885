package tcg

import (
	"context"
	"errors"
	"fmt"
)

// column is a cell of an object: Opal asks for it by number, Enterprise by name.
type column struct {
	number uint64
	name   string
}

// The columns that are read or set (Core 2.01, 5.3.2 and 5.7.2; Opal 2.02,
// 4.2.6).
func columnPIN() column         { return column{3, "PIN"} }            // C_PIN
func columnLifeCycle() column   { return column{6, "LifeCycleState"} } // SP
func columnMechanism() column   { return column{1, "ActiveDataRemovalMechanism"} }
func columnMaxRanges() column   { return column{4, "MaxRanges"} }  // LockingInfo
func columnReadLocked() column  { return column{7, "ReadLocked"} } // Locking
func columnWriteLocked() column { return column{8, "WriteLocked"} }
func columnActiveKey() column   { return column{10, "ActiveKey"} }
func columnMBRDone() column     { return column{2, "Done"} } // MBRControl

// get reads one column of an object. [ErrNoValue] means that the drive left it
// out, as it does with what the authority may not see.
func (s *Session) get(ctx context.Context, object UID, c column) (Value, error) {
	first, last, name, method := Uint(3), Uint(4), Uint(c.number), Get
	if s.tper.enterprise() {
		first, last, name, method = Text("startColumn"), Text("endColumn"), Text(c.name), EnterpriseGet
	}
	results, err := s.call(ctx, object, method, List(Named(first, name), Named(last, name)))
	if err != nil {
		return Value{}, err
	}
	if v, ok := find(results, name); ok {
		return v, nil
	}
	return Value{}, fmt.Errorf("get column %s of %s: %w", c.name, object, ErrNoValue)
}

// find looks for a named value in lists within lists.
func find(values []Value, name Value) (Value, bool) {
	for _, v := range values {
		if v.named(name) {
			return v.List[1], true
		}
		if v.Kind == KindList {
			if found, ok := find(v.List, name); ok {
				return found, true
			}
		}
	}
	return Value{}, false
}

// number reads a column that is an unsigned integer up to limit.
func (s *Session) number(ctx context.Context, object UID, c column, limit uint64) (uint64, error) {
	v, err := s.get(ctx, object, c)
	if err == nil && (v.Kind != KindUint || v.Uint > limit) {
		err = fmt.Errorf("get column %s of %s: %w", c.name, object, malformed("no number up to %d", limit))
	}
	return v.Uint, err
}

// setting is a column and what it becomes.
type setting struct {
	column column
	value  uint64
}

// set writes columns of an object.
func (s *Session) set(ctx context.Context, object UID, settings ...setting) error {
	var values []Value
	for _, c := range settings {
		name := Uint(c.column.number)
		if s.tper.enterprise() {
			name = Text(c.column.name)
		}
		values = append(values, Named(name, Uint(c.value)))
	}
	if s.tper.enterprise() {
		_, err := s.call(ctx, object, EnterpriseSet, List(), List(values...)) // Where, Values
		return err
	}
	_, err := s.call(ctx, object, Set, Named(Uint(1), List(values...))) // Values
	return err
}

// MSID reads the password that the maker gave the drive, in a session of
// Anybody to the Admin SP.
func (s *Session) MSID(ctx context.Context) ([]byte, error) {
	v, err := s.get(ctx, MSIDPin, columnPIN())
	if err == nil && (v.Kind != KindBytes || len(v.Bytes) == 0) {
		err = fmt.Errorf("MSID: %w", malformed("no byte string"))
	}
	return v.Bytes, err
}

// LifeCycle reads the state of a security provider, in a session to the Admin SP.
func (s *Session) LifeCycle(ctx context.Context, sp UID) (LifeCycle, error) {
	n, err := s.number(ctx, sp, columnLifeCycle(), 15)
	return LifeCycle(n), err
}

// Mechanism reads how a Revert would remove user data (Opal 2.02, 4.2.6.1).
func (s *Session) Mechanism(ctx context.Context) (Mechanism, error) {
	n, err := s.number(ctx, DataRemovalMechanism, columnMechanism(), 7)
	return Mechanism(n), err
}

// SetMechanism chooses how a Revert removes user data; a session of the SID may.
func (s *Session) SetMechanism(ctx context.Context, m Mechanism) error {
	return s.set(ctx, DataRemovalMechanism, setting{columnMechanism(), uint64(m)})
}

// Activate turns the Locking SP on. User data stays as it is (Opal 2.02,
// 5.2.2.2.1), and the SID's password becomes that of Admin1.
func (s *Session) Activate(ctx context.Context) error {
	_, err := s.call(ctx, LockingSP, Activate)
	return err
}

// Revert gives the drive a Revert of the whole TPer, in a session of the SID or
// the PSID to the Admin SP. When the answer is a success the session is over. A
// Locking SP that is [ManufacturedInactive] then keeps its keys, and so the data
// can be read as before (Opal 2.02, 5.1.2.2).
func (s *Session) Revert(ctx context.Context) (*Pending, error) {
	return s.Begin(ctx, AdminSP, Revert)
}

// RevertSP gives the drive a RevertSP of the provider that the session is to,
// in a session of Admin1 to the Locking SP. The parameter KeepGlobalRangeKey is
// never sent: with it the data would stay.
func (s *Session) RevertSP(ctx context.Context) (*Pending, error) {
	return s.Begin(ctx, ThisSP, RevertSP)
}

// GenKey gives a locking range a new key, in a session of Admin1 to the Locking
// SP: what was encrypted with the old one is gone.
func (s *Session) GenKey(ctx context.Context, lockingRange UID) error {
	v, err := s.get(ctx, lockingRange, columnActiveKey())
	if err != nil {
		return err
	}
	key, ok := uidOf(v)
	if !ok {
		return fmt.Errorf("key of range %s: %w", lockingRange, malformed("no UID"))
	}
	_, err = s.call(ctx, key, GenKey)
	return err
}

// Erase gives a band a new key and resets its BandMaster, in a session of the
// EraseMaster (Enterprise 1.01, Erase).
func (s *Session) Erase(ctx context.Context, band UID) error {
	_, err := s.call(ctx, band, EnterpriseErase)
	return err
}

// rangesMax is more ranges than any drive has.
const rangesMax = 1023

// Ranges are the global range and all others that the drive can have, in a
// session to the Locking SP.
func (s *Session) Ranges(ctx context.Context) ([]UID, error) {
	info, next := []UID{LockingInfo}, Range1
	if s.tper.enterprise() {
		info, next = []UID{EnterpriseLockingInfo, LockingInfo}, GlobalRange+1
	}
	var n uint64
	var err error
	for _, object := range info {
		n, err = s.number(ctx, object, columnMaxRanges(), rangesMax)
		var refused *MethodError
		if !errors.As(err, &refused) && !errors.Is(err, ErrNoValue) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	ranges := []UID{GlobalRange}
	for i := range n {
		ranges = append(ranges, next+UID(i))
	}
	return ranges, nil
}

// UnlockRange lifts the locks of a range until the next reset.
func (s *Session) UnlockRange(ctx context.Context, lockingRange UID) error {
	return s.set(ctx, lockingRange, setting{columnReadLocked(), 0}, setting{columnWriteLocked(), 0})
}

// HideMBR makes the first blocks of the drive show the drive's data instead of
// the shadow MBR, until the next reset.
func (s *Session) HideMBR(ctx context.Context) error {
	return s.set(ctx, MBRControl, setting{columnMBRDone(), 1})
}
