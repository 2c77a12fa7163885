package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/ombruk/ombruk/internal/nvme"
)

// nvmeDrive is what answers behind NVMe/TCP.
type nvmeDrive interface {
	nvme.Issuer
	// IO carries out a command of an I/O queue.
	IO(ctx context.Context, c nvme.Command) (nvme.Completion, error)
}

// serveNVMe makes an NVMe drive of d: a target on a port of 127.0.0.1 that the
// kernel is told to connect to. It returns the path of the first namespace;
// commands are served until the process ends.
func serveNVMe(name string, d nvmeDrive) (path string, err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	t := &target{drive: d, nqn: "nqn.2026-01.no.ombruk.lab:" + name}
	go t.listen(l)

	f, err := os.OpenFile("/dev/nvme-fabrics", os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	const host = "6f6d6272-756b-4c61-8000-000000000001"
	// A target that is gone is given up after seconds.
	options := "transport=tcp,traddr=127.0.0.1,trsvcid=" + port + ",nqn=" + t.nqn +
		",hostnqn=nqn.2014-08.org.nvmexpress:uuid:" + host + ",hostid=" + host +
		",nr_io_queues=1,keep_alive_tmo=5,reconnect_delay=1,ctrl_loss_tmo=3,fast_io_fail_tmo=2"
	if _, err := f.WriteString(options); err != nil {
		return "", fmt.Errorf("connect to the simulated drive: %w", err)
	}
	answer := make([]byte, 256)
	n, err := f.Read(answer)
	if err != nil {
		return "", err
	}
	var instance int
	if _, err := fmt.Sscanf(string(answer[:n]), "instance=%d", &instance); err != nil {
		return "", fmt.Errorf("the kernel answered %q: %w", strings.TrimSpace(string(answer[:n])), err)
	}
	// The disk has the number of the subsystem, which need not be the controller's.
	return awaitBlock(fmt.Sprintf("/sys/class/nvme/nvme%d/nvme*n1", instance))
}

// target is an NVMe/TCP target with one controller (NVMe TCP Transport
// Specification 1.0, NVMe Base Specification 2.0 with its fabrics commands).
type target struct {
	drive nvmeDrive
	nqn   string
	mu    sync.Mutex
	// cc is the controller's configuration, property 14h.
	cc uint32
}

func (t *target) listen(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		q := &queue{target: t, conn: conn, in: newReader(conn), wanted: map[uint16]*capsule{}}
		go q.serve()
	}
}

// newReader saves system calls: most PDUs are small.
func newReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }

// queue is one connection, which is one queue: 0 is the admin queue.
type queue struct {
	*target
	conn net.Conn
	in   *bufio.Reader
	id   uint16
	// wanted are commands whose data the host was asked for.
	wanted map[uint16]*capsule

	mu   sync.Mutex // guards what is written
	sqhd uint16
}

// capsule is one command with its data.
type capsule struct {
	sqe  [64]byte
	data []byte
	got  int // bytes of data that have come from the host
}

func (c *capsule) opcode() byte       { return c.sqe[0] }
func (c *capsule) id() uint16         { return binary.LittleEndian.Uint16(c.sqe[2:]) }
func (c *capsule) dword(i int) uint32 { return binary.LittleEndian.Uint32(c.sqe[4*i:]) }
func (c *capsule) command() nvme.Command {
	return nvme.Command{Opcode: c.opcode(), NSID: c.dword(1), Data: c.data, Timeout: anyTime,
		CDW10: c.dword(10), CDW11: c.dword(11), CDW12: c.dword(12), CDW13: c.dword(13), CDW14: c.dword(14), CDW15: c.dword(15)}
}

// sends reports whether the data goes to the controller, returns whether it
// comes back: bits 1:0 of the opcode, or of the fabrics command's type.
func (c *capsule) sends() bool   { return c.transfer() == 1 }
func (c *capsule) returns() bool { return c.transfer() == 2 }
func (c *capsule) transfer() byte {
	if c.opcode() == opFabrics {
		return c.sqe[4] & 3
	}
	return c.opcode() & 3
}

// The kinds of PDU (NVMe TCP Transport Specification 1.0, figure 13).
const (
	pduICReq      = 0x00
	pduICResp     = 0x01
	pduCapsuleCmd = 0x04
	pduCapsuleRsp = 0x05
	pduH2CData    = 0x06
	pduC2HData    = 0x07
	pduR2T        = 0x09
	lastPDU       = 0x04 // flag of C2HData
)

// Limits we take part in.
const (
	largestTransfer = 1 << 20   // MDTS 8 of 4096 bytes
	largestPDU      = 2 << 20   // a header and a transfer
	inCapsule       = 128 << 10 // data that the host may send with its command
)

var errPDU = errors.New("not a PDU of NVMe/TCP")

// readPDU reads one: its kind, and its bytes with the common header (kind,
// flags, header length, data offset, length).
func readPDU(in io.Reader) (kind byte, pdu []byte, err error) {
	var common [8]byte
	if _, err := io.ReadFull(in, common[:]); err != nil {
		return 0, nil, err
	}
	length := binary.LittleEndian.Uint32(common[4:])
	if length < 24 || length > largestPDU || int(common[2]) > int(length) || common[2] < 24 {
		return 0, nil, fmt.Errorf("%w: % x", errPDU, common)
	}
	pdu = make([]byte, length)
	copy(pdu, common[:])
	_, err = io.ReadFull(in, pdu[8:])
	return common[0], pdu, err
}

// makePDU makes a PDU with a header of so many bytes and data after it.
func makePDU(kind, flags byte, header int, data []byte) []byte {
	p := make([]byte, header, header+len(data))
	p[0], p[1], p[2] = kind, flags, byte(header)
	if len(data) > 0 {
		p[3] = byte(header)
	}
	binary.LittleEndian.PutUint32(p[4:], uint32(header+len(data)))
	return append(p, data...)
}

func (q *queue) serve() {
	defer func() { _ = q.conn.Close() }()
	for {
		kind, pdu, err := readPDU(q.in)
		if err == nil {
			err = q.take(kind, pdu)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintf(os.Stderr, "simdrive: queue %d: %v\n", q.id, err)
			}
			return
		}
	}
}

// take handles one PDU of the host.
func (q *queue) take(kind byte, pdu []byte) error {
	switch kind {
	case pduICReq:
		p := makePDU(pduICResp, 0, 128, nil)
		binary.LittleEndian.PutUint32(p[12:], largestTransfer) // MAXH2CDATA
		return q.send(p)
	case pduCapsuleCmd:
		if len(pdu) < 72 {
			return fmt.Errorf("%w: a capsule of %d bytes", errPDU, len(pdu))
		}
		c := &capsule{}
		copy(c.sqe[:], pdu[8:])
		if c.transfer() != 0 {
			length := c.dword(8) // of the SGL descriptor at bytes 24 to 39
			if length > largestTransfer {
				return fmt.Errorf("%w: a transfer of %d bytes", errPDU, length)
			}
			c.data = make([]byte, length)
		}
		if c.sends() {
			c.got = copy(c.data, pdu[72:])
			if c.got < len(c.data) {
				return q.request(c)
			}
		}
		q.start(c)
		return nil
	case pduH2CData:
		return q.receive(pdu)
	}
	return fmt.Errorf("%w: kind %02Xh", errPDU, kind)
}

// request asks the host for the data of a command.
func (q *queue) request(c *capsule) error {
	c.got = 0
	q.wanted[c.id()] = c
	p := makePDU(pduR2T, 0, 24, nil)
	binary.LittleEndian.PutUint16(p[8:], c.id())
	binary.LittleEndian.PutUint16(p[10:], c.id()) // the transfer's tag, ours to choose
	binary.LittleEndian.PutUint32(p[16:], uint32(len(c.data)))
	return q.send(p)
}

// receive takes data that was asked for. Linux leaves the data offset 0, so
// that it begins after the header.
func (q *queue) receive(pdu []byte) error {
	id := binary.LittleEndian.Uint16(pdu[8:])
	from, length := binary.LittleEndian.Uint32(pdu[12:]), binary.LittleEndian.Uint32(pdu[16:])
	c, data := q.wanted[id], pdu[pdu[2]:]
	if c == nil || uint64(length) > uint64(len(data)) || uint64(from)+uint64(length) > uint64(len(c.data)) {
		return fmt.Errorf("%w: data of command %d nobody asked for", errPDU, id)
	}
	c.got += copy(c.data[from:], data[:length])
	if c.got >= len(c.data) {
		delete(q.wanted, id)
		q.start(c)
	}
	return nil
}

// start carries a command out. An erase that takes its time holds up neither
// the host's keep-alive nor the questions how far it is.
func (q *queue) start(c *capsule) {
	if q.id == 0 && c.opcode() != opFabrics {
		go q.finish(c)
		return
	}
	q.finish(c)
}

func (q *queue) finish(c *capsule) {
	a, err := q.carryOut(c)
	if errors.Is(err, errHeld) {
		return
	}
	if err != nil {
		// A controller that does not answer: neither does the target.
		fmt.Fprintf(os.Stderr, "simdrive: command %02Xh is never answered: %v\n", c.opcode(), err)
		return
	}
	if err := q.answer(c, a); err != nil {
		fmt.Fprintln(os.Stderr, "simdrive: answer:", err)
		_ = q.conn.Close()
	}
}

// answer is what a command is answered with: a completion whose result has
// eight bytes in the fabrics commands.
type answer struct {
	status uint16
	result uint64
}

func (q *queue) answer(c *capsule, a answer) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.returns() && a.status == 0 && len(c.data) > 0 {
		p := makePDU(pduC2HData, lastPDU, 24, c.data)
		binary.LittleEndian.PutUint16(p[8:], c.id())
		binary.LittleEndian.PutUint32(p[16:], uint32(len(c.data)))
		if _, err := q.conn.Write(p); err != nil {
			return err
		}
	}
	p := makePDU(pduCapsuleRsp, 0, 24, nil)
	q.sqhd = (q.sqhd + 1) % queueDepth
	binary.LittleEndian.PutUint64(p[8:], a.result)
	binary.LittleEndian.PutUint16(p[16:], q.sqhd)
	binary.LittleEndian.PutUint16(p[18:], q.id)
	binary.LittleEndian.PutUint16(p[20:], c.id())
	binary.LittleEndian.PutUint16(p[22:], a.status<<1)
	_, err := q.conn.Write(p)
	return err
}

func (q *queue) send(p []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := q.conn.Write(p)
	return err
}
