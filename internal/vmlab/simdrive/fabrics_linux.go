package main

import (
	"context"
	"encoding/binary"
	"errors"
)

// Opcodes that belong to the transport, or that a drive of the simulator need
// not know.
const (
	opIdentify    = 0x06
	opAbort       = 0x08
	opSetFeatures = 0x09
	opAsyncEvent  = 0x0c
	opKeepAlive   = 0x18
	opFabrics     = 0x7f
)

// The fabrics commands (NVMe Base Specification 2.0, figure 398) and the
// controller's properties (figure 34).
const (
	fabricsPropertySet = 0x00
	fabricsConnect     = 0x01
	fabricsPropertyGet = 0x04

	propertyCAP  = 0x00
	propertyVS   = 0x08
	propertyCC   = 0x14
	propertyCSTS = 0x1c
)

const (
	queueDepth   = 128
	controllerID = 1

	invalidOpcode = 0x001
	invalidField  = 0x002
)

// errHeld is the end of a command that is not answered yet.
var errHeld = errors.New("held")

// carryOut gives a command to whom it is for.
func (q *queue) carryOut(c *capsule) (answer, error) {
	switch {
	case c.opcode() == opFabrics:
		return q.fabrics(c), nil
	case q.id != 0:
		done, err := q.drive.IO(context.Background(), c.command())
		return answer{status: done.Status, result: uint64(done.Result)}, err
	}
	switch c.opcode() {
	case opKeepAlive:
		return answer{}, nil
	case opAsyncEvent: // there are no events
		return answer{}, errHeld
	case opAbort: // "not aborted"
		return answer{result: 1}, nil
	case opSetFeatures:
		switch byte(c.dword(10)) {
		case 0x07: // Number of Queues: one of each, counted from 0
			return answer{}, nil
		case 0x0b, 0x0f: // Asynchronous Event Configuration, Keep Alive Timer
			return answer{}, nil
		}
	}
	done, err := q.drive.Admin(context.Background(), c.command())
	if err == nil && done.Status == 0 && c.opcode() == opIdentify && byte(c.dword(10)) == 0x01 {
		q.amend(c.data)
	}
	return answer{status: done.Status, result: uint64(done.Result)}, err
}

// fabrics answers the commands that make a connection a controller.
func (q *queue) fabrics(c *capsule) answer {
	q.target.mu.Lock()
	defer q.target.mu.Unlock()
	offset := c.dword(11)
	switch c.sqe[4] {
	case fabricsConnect:
		q.id = uint16(c.dword(10) >> 16)
		return answer{result: controllerID}
	case fabricsPropertySet:
		if offset == propertyCC {
			q.cc = c.dword(12)
		}
		return answer{}
	case fabricsPropertyGet:
		switch offset {
		case propertyCAP: // MQES, CQR, TO of ten seconds, the NVM command set
			return answer{result: queueDepth - 1 | 1<<16 | 20<<24 | 1<<37}
		case propertyVS:
			return answer{result: 0x10400}
		case propertyCC:
			return answer{result: uint64(q.cc)}
		case propertyCSTS:
			status := uint64(q.cc & 1) // ready as soon as enabled
			if q.cc>>14&3 != 0 {
				status |= 2 << 2 // shut down
			}
			return answer{result: status}
		}
		return answer{status: invalidField}
	}
	return answer{status: invalidOpcode}
}

// amend puts what a controller behind a fabric says of itself into what the
// drive says (Identify Controller, NVMe Base Specification 2.0, figure 275).
func (q *queue) amend(data []byte) {
	if len(data) < 4096 {
		return
	}
	data[77] = 8  // MDTS
	data[111] = 1 // CNTRLTYPE, I/O controller
	le := binary.LittleEndian
	data[512], data[513] = 0x66, 0x44 // SQES, CQES
	le.PutUint16(data[78:], controllerID)
	le.PutUint16(data[320:], 10)         // KAS, in 100 ms
	le.PutUint16(data[514:], queueDepth) // MAXCMD
	le.PutUint32(data[536:], 1|1<<20)    // SGLS: supported, also as an offset in the capsule
	clear(data[768:1024])
	copy(data[768:1024], q.nqn)                  // SUBNQN
	le.PutUint32(data[1792:], (64+inCapsule)/16) // IOCCSZ
	le.PutUint32(data[1796:], 1)                 // IORCSZ
	le.PutUint16(data[1800:], 0)                 // ICDOFF
	data[1803] = 1                               // MSDBD
}
