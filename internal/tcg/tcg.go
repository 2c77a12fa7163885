// Package tcg speaks to self-encrypting drives (TCG Storage Architecture Core
// 2.01, Opal 2.02, Pyrite 2.01, Enterprise 1.01, Block SID 1.00).
package tcg

import "context"

// Transport carries security protocol payloads: ATA TRUSTED SEND and RECEIVE,
// SCSI SECURITY PROTOCOL OUT and IN, NVMe Security Send and Receive. An error
// means that the drive refused or was not reached.
type Transport interface {
	// IFSend sends a payload whose length is a multiple of 512 bytes.
	IFSend(ctx context.Context, protocol byte, comID uint16, data []byte) error
	// IFRecv fills data, whose length is a multiple of 512 bytes.
	IFRecv(ctx context.Context, protocol byte, comID uint16, data []byte) error
}
