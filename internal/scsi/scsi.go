// Package scsi encodes SCSI commands and decodes what drives answer (SPC-5,
// SBC-4, SAT-4). It decides nothing; every status and sense is kept.
package scsi

import (
	"context"
	"time"
)

// Direction is which way the data of a command goes.
type Direction uint8

// The directions, seen from the host.
const (
	None Direction = iota
	In             // from the drive
	Out            // to the drive
)

// Command is one command as it goes over the wire.
type Command struct {
	CDB       []byte // 6, 10, 12, 16 or 32 bytes
	Direction Direction
	// Data is what is sent, or the memory that what comes back is put into.
	Data []byte
	// Timeout is how long the drive may take; zero means 30 seconds. No
	// erase may be ended by it.
	Timeout time.Duration
}

// Response is a drive's answer.
type Response struct {
	Status Status
	// Sense as it came, fixed or descriptor format, empty when there was none.
	Sense []byte
	// Transferred is how many bytes of Data were moved.
	Transferred int
}

// Status is the SCSI status byte (SAM-5 table 40).
type Status byte

// The statuses that are told apart.
const (
	Good                Status = 0x00
	CheckCondition      Status = 0x02
	Busy                Status = 0x08
	ReservationConflict Status = 0x18
	TaskSetFull         Status = 0x28
)

// Issuer sends commands to one drive. An error means that the command was not
// delivered or its answer was lost; a refusal by the drive is a [Response].
type Issuer interface {
	Issue(ctx context.Context, c Command) (Response, error)
}
