// Package nvme encodes NVMe admin commands and decodes what controllers answer
// (NVM Express Base Specification 2.0 and 2.1, NVM Command Set 1.0). It decides
// nothing; every status is kept.
package nvme

import (
	"context"
	"time"
)

// Command is one admin command.
type Command struct {
	Opcode byte
	NSID   uint32 // 0 when not used, FFFFFFFFh for all namespaces
	// CDW10 to CDW15 are the command's own words.
	CDW10, CDW11, CDW12, CDW13, CDW14, CDW15 uint32
	// Data is what is sent, or the memory that what comes back is put into;
	// bits 1:0 of the opcode say which.
	Data []byte
	// Timeout is how long the controller may take; zero means 30 seconds.
	// No erase may be ended by it.
	Timeout time.Duration
}

// Completion is a controller's answer.
type Completion struct {
	// Status is the status field without the phase bit: status code in bits
	// 7:0, type in 10:8, CRD in 12:11, M in 13, DNR in 14 (NVMe Base 2.0
	// figure 92, shifted down by one). Zero is success.
	Status uint16
	Result uint32 // dword 0
}

// Issuer sends admin commands to one controller. An error means that the
// command was not delivered or its answer was lost; a refusal by the
// controller is a [Completion].
type Issuer interface {
	Admin(ctx context.Context, c Command) (Completion, error)
}
