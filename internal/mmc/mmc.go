// Package mmc encodes eMMC and SD commands and decodes what cards answer
// (JEDEC JESD84-B51, SD Physical Layer Simplified Specification 9.10). It
// decides nothing.
package mmc

import (
	"context"
	"time"
)

// Command is one command of a sequence.
type Command struct {
	Opcode   uint32 // CMD or ACMD index
	Argument uint32
	// Application is true for an ACMD, which goes out behind CMD55.
	Application bool
	// Flags are the response type and command type bits of linux/mmc/core.h.
	Flags uint32
	Write bool // Data goes to the card
	// Data is what is sent or received, in blocks of BlockBytes; empty for none.
	Data       []byte
	BlockBytes uint32
	// Timeout is how long the card may stay busy; zero means 30 seconds.
	Timeout time.Duration
}

// Response is a card's answer to one command: 32 bits of R1, or 128 of R2.
type Response [4]uint32

// Issuer sends a sequence of commands to one card without anything between
// them. An error means that a command was not delivered or the host saw no
// answer; what the card thinks of a command is in its response.
type Issuer interface {
	Sequence(ctx context.Context, commands ...Command) ([]Response, error)
}
