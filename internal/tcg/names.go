package tcg

import (
	"encoding/binary"
	"fmt"
)

// UID names an object, a method or an authority (Core 2.01, 5.1.4).
type UID uint64

// Value is the UID as the eight bytes it is sent as.
func (u UID) Value() Value { return Bytes(binary.BigEndian.AppendUint64(nil, uint64(u))) }

func (u UID) String() string { return fmt.Sprintf("%016Xh", uint64(u)) }

// uidOf gives the UID that a byte string of eight bytes is.
func uidOf(v Value) (UID, bool) {
	if v.Kind != KindBytes || len(v.Bytes) != 8 {
		return 0, false
	}
	return UID(binary.BigEndian.Uint64(v.Bytes)), true
}

// Special objects (Core 2.01 table 239).
const (
	ThisSP         UID = 0x0000000000000001
	SessionManager UID = 0x00000000000000ff
)

// Security providers: Opal 2.02 tables 29, Enterprise 1.01 table 9.
const (
	AdminSP             UID = 0x0000020500000001
	LockingSP           UID = 0x0000020500000002
	EnterpriseLockingSP UID = 0x0000020500010001
)

// Authorities: Opal 2.02 tables 24 and 40, Enterprise 1.01 tables 27 and 33,
// PSID Feature Set 1.00.
const (
	Anybody     UID = 0x0000000900000001
	SID         UID = 0x0000000900000006
	PSID        UID = 0x000000090001ff01
	Admin1      UID = 0x0000000900010001
	User1       UID = 0x0000000900030001
	BandMaster0 UID = 0x0000000900008001 // the next band is one more
	EraseMaster UID = 0x0000000900008401
)

// Objects: Opal 2.02 tables 25, 33, 45 and 46, Enterprise 1.01 table 35.
const (
	MSIDPin              UID = 0x0000000b00008402
	DataRemovalMechanism UID = 0x0000110100000001
	LockingInfo          UID = 0x0000080100000001
	// EnterpriseLockingInfo is the same object of Enterprise; some drives have it
	// where the other classes do.
	EnterpriseLockingInfo UID = 0x0000080100000000
	GlobalRange           UID = 0x0000080200000001 // with Enterprise band 0; the next band is one more
	Range1                UID = 0x0000080200030001 // Opal; the next range is one more
	MBRControl            UID = 0x0000080300000001
)

// Methods: Core 2.01 tables 241 and 242, Opal 2.02 5.1, Enterprise 1.01 table 8.
const (
	Properties      UID = 0x000000000000ff01
	StartSession    UID = 0x000000000000ff02
	SyncSession     UID = 0x000000000000ff03
	CloseSession    UID = 0x000000000000ff06
	EnterpriseGet   UID = 0x0000000600000006
	EnterpriseSet   UID = 0x0000000600000007
	EnterpriseAuth  UID = 0x000000060000000c // Authenticate
	GenKey          UID = 0x0000000600000010
	RevertSP        UID = 0x0000000600000011
	Get             UID = 0x0000000600000016
	Set             UID = 0x0000000600000017
	Revert          UID = 0x0000000600000202
	Activate        UID = 0x0000000600000203
	EnterpriseErase UID = 0x0000000600000803 // Erase, of a band
)

// Status is how a method ended (Core 2.01, 5.1.5, table 166).
type Status uint8

// The statuses.
const (
	Success             Status = 0x00
	NotAuthorized       Status = 0x01
	SPBusy              Status = 0x03
	SPFailed            Status = 0x04
	SPDisabled          Status = 0x05
	SPFrozen            Status = 0x06
	NoSessionsAvailable Status = 0x07
	UniquenessConflict  Status = 0x08
	InsufficientSpace   Status = 0x09
	InsufficientRows    Status = 0x0a
	InvalidParameter    Status = 0x0c
	TPerMalfunction     Status = 0x0f
	TransactionFailure  Status = 0x10
	ResponseOverflow    Status = 0x11
	AuthorityLockedOut  Status = 0x12
	Fail                Status = 0x3f
)

// String is the status in the words of the specification.
func (s Status) String() string {
	names := map[Status]string{
		Success: "SUCCESS", NotAuthorized: "NOT_AUTHORIZED", SPBusy: "SP_BUSY", SPFailed: "SP_FAILED", SPDisabled: "SP_DISABLED",
		SPFrozen: "SP_FROZEN", NoSessionsAvailable: "NO_SESSIONS_AVAILABLE", UniquenessConflict: "UNIQUENESS_CONFLICT",
		InsufficientSpace: "INSUFFICIENT_SPACE", InsufficientRows: "INSUFFICIENT_ROWS", InvalidParameter: "INVALID_PARAMETER",
		TPerMalfunction: "TPER_MALFUNCTION", TransactionFailure: "TRANSACTION_FAILURE", ResponseOverflow: "RESPONSE_OVERFLOW",
		AuthorityLockedOut: "AUTHORITY_LOCKED_OUT", Fail: "FAIL",
	}
	if name, ok := names[s]; ok {
		return name
	}
	return fmt.Sprintf("status %02Xh", uint8(s))
}

// methodName is a method in the words of the specification.
func methodName(method UID) string {
	names := map[UID]string{
		Properties: "Properties", StartSession: "StartSession", EnterpriseGet: "Get", EnterpriseSet: "Set", EnterpriseAuth: "Authenticate",
		GenKey: "GenKey", RevertSP: "RevertSP", Get: "Get", Set: "Set", Revert: "Revert", Activate: "Activate", EnterpriseErase: "Erase",
	}
	if name, ok := names[method]; ok {
		return name
	}
	return "method " + method.String()
}

// MethodError is a drive's refusal of a method.
type MethodError struct {
	Method UID
	Status Status
}

// Error names method and status.
func (e *MethodError) Error() string { return methodName(e.Method) + ": " + e.Status.String() }

// LifeCycle is the state of a security provider (Opal 2.02 table 49).
type LifeCycle uint8

// The states that are told apart.
const (
	ManufacturedInactive LifeCycle = 8 // never activated, or reverted
	Manufactured         LifeCycle = 9
)

func (l LifeCycle) String() string {
	names := []string{
		"issued", "issued-disabled", "issued-frozen", "issued-disabled-frozen", "issued-failed", "", "", "",
		"manufactured-inactive", "manufactured", "manufactured-disabled", "manufactured-frozen", "manufactured-disabled-frozen", "manufactured-failed",
	}
	if int(l) < len(names) && names[l] != "" {
		return names[l]
	}
	return fmt.Sprintf("life cycle state %d", uint8(l))
}
