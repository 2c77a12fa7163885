package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"

	"github.com/ombruk/ombruk/internal/nvme"
)

// recorder is a drive that keeps what it was told and returns its opcode.
type recorder struct {
	mu   sync.Mutex
	told []nvme.Command
}

func (r *recorder) Admin(_ context.Context, c nvme.Command) (nvme.Completion, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, c)
	if c.Opcode&3 == 2 {
		for i := range c.Data {
			c.Data[i] = c.Opcode
		}
	}
	if c.Opcode == 0x84 {
		return nvme.Completion{Status: 0x4029, Result: 7}, nil
	}
	return nvme.Completion{}, nil
}

func (r *recorder) IO(ctx context.Context, c nvme.Command) (nvme.Completion, error) {
	return r.Admin(ctx, c)
}

// host is the other end of a queue.
type host struct {
	t    *testing.T
	conn net.Conn
}

func newHost(t *testing.T, d nvmeDrive, queueID uint16) *host {
	t.Helper()
	ours, theirs := net.Pipe()
	q := &queue{target: &target{drive: d, nqn: "nqn.test"}, conn: theirs, in: nil, wanted: map[uint16]*capsule{}}
	q.in = newReader(theirs)
	go q.serve()
	t.Cleanup(func() { _ = ours.Close() })
	h := &host{t: t, conn: ours}
	h.send(makePDU(pduICReq, 0, 128, nil))
	if p := h.receive(pduICResp); len(p) != 128 || binary.LittleEndian.Uint32(p[12:]) == 0 {
		t.Fatalf("ICResp: % x", p)
	}
	connect := make([]byte, 64)
	connect[0], connect[4] = opFabrics, fabricsConnect
	binary.LittleEndian.PutUint32(connect[32:], 1024)
	binary.LittleEndian.PutUint16(connect[42:], queueID)
	h.send(makePDU(pduCapsuleCmd, 0, 72, nil)[:8], connect, make([]byte, 1024))
	if p := h.receive(pduCapsuleRsp); p[8] != controllerID || p[22] != 0 {
		t.Fatalf("connect: % x", p)
	}
	return h
}

// send writes a PDU that is given in parts, and puts its length right.
func (h *host) send(parts ...[]byte) {
	h.t.Helper()
	p := bytes.Join(parts, nil)
	binary.LittleEndian.PutUint32(p[4:], uint32(len(p)))
	if _, err := h.conn.Write(p); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) receive(kind byte) []byte {
	h.t.Helper()
	got, p, err := readPDU(h.conn)
	if err != nil || got != kind {
		h.t.Fatalf("got PDU %02Xh, want %02Xh: %v % x", got, kind, err, p)
	}
	return p
}

// command gives a command of 64 bytes with length bytes of data.
func (h *host) command(opcode byte, id uint16, length uint32, inCapsule []byte) {
	h.t.Helper()
	sqe := make([]byte, 64)
	sqe[0] = opcode
	binary.LittleEndian.PutUint16(sqe[2:], id)
	binary.LittleEndian.PutUint32(sqe[4:], 0xffffffff)
	binary.LittleEndian.PutUint32(sqe[32:], length)
	binary.LittleEndian.PutUint32(sqe[40:], 0x10)
	h.send(makePDU(pduCapsuleCmd, 0, 72, nil)[:8], sqe, inCapsule)
}

// A host's admin commands reach the drive as they are, and its answers the host.
func TestAdminCommandsReachTheDrive(t *testing.T) {
	d := &recorder{}
	h := newHost(t, d, 0)

	h.command(0x02, 1, 512, nil) // Get Log Page
	if p := h.receive(pduC2HData); len(p) != 24+512 || p[24] != 0x02 || p[8] != 1 {
		t.Errorf("data: % x", p)
	}
	if p := h.receive(pduCapsuleRsp); p[20] != 1 || p[22] != 0 {
		t.Errorf("answer: % x", p)
	}

	h.command(0x84, 2, 0, nil) // Sanitize, refused
	if p := h.receive(pduCapsuleRsp); binary.LittleEndian.Uint16(p[22:])>>1 != 0x4029 || p[8] != 7 {
		t.Errorf("the refusal: % x", p)
	}

	h.command(0x81, 3, 8, []byte("password")) // Security Send, in the capsule
	h.receive(pduCapsuleRsp)

	h.command(0x81, 4, 8, nil) // and asked for, in two parts
	r2t := h.receive(pduR2T)
	if binary.LittleEndian.Uint32(r2t[16:]) != 8 {
		t.Errorf("R2T: % x", r2t)
	}
	for i, part := range []string{"pass", "word"} {
		p := makePDU(pduH2CData, 0, 24, nil)
		copy(p[8:12], r2t[8:12])
		binary.LittleEndian.PutUint32(p[12:], uint32(4*i))
		binary.LittleEndian.PutUint32(p[16:], 4)
		h.send(p, []byte(part))
	}
	h.receive(pduCapsuleRsp)

	h.command(opAsyncEvent, 5, 0, nil) // held
	h.command(opKeepAlive, 6, 0, nil)
	if p := h.receive(pduCapsuleRsp); p[20] != 6 {
		t.Errorf("keep-alive: % x", p)
	}

	h.command(opIdentify, 7, 4096, nil)
	h.receive(pduC2HData)
	h.receive(pduCapsuleRsp)

	if len(d.told) != 5 {
		t.Fatalf("the drive was told %d commands", len(d.told))
	}
	for i, want := range []struct {
		opcode byte
		data   string
	}{{0x02, ""}, {0x84, ""}, {0x81, "password"}, {0x81, "password"}, {opIdentify, ""}} {
		got := d.told[i]
		if got.Opcode != want.opcode || got.NSID != 0xffffffff || got.CDW10 != 0x10 || want.data != "" && string(got.Data) != want.data {
			t.Errorf("command %d: %+v", i, got)
		}
	}
}

// What is no NVMe/TCP ends the connection, and nothing else.
func FuzzPDU(f *testing.F) {
	f.Add(makePDU(pduICReq, 0, 128, nil))
	f.Add(append(makePDU(pduCapsuleCmd, 0, 72, []byte("data")), makePDU(pduH2CData, 0, 24, []byte("data"))...))
	f.Add([]byte{pduCapsuleCmd, 0, 24, 0, 24, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) {
		ours, theirs := net.Pipe()
		go func() { // whatever is answered
			for {
				if _, err := ours.Read(make([]byte, 4096)); err != nil {
					return
				}
			}
		}()
		q := &queue{target: &target{drive: &recorder{}}, conn: theirs, in: newReader(bytes.NewReader(b)), wanted: map[uint16]*capsule{}}
		q.serve()
		_ = ours.Close()
	})
}
