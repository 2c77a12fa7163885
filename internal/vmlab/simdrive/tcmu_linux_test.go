package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/ombruk/ombruk/internal/scsi"
)

type issuer func(scsi.Command) (scsi.Response, error)

func (i issuer) Issue(_ context.Context, c scsi.Command) (scsi.Response, error) { return i(c) }

// One entry of the ring, with its data in two pieces, as the kernel lays it out.
func TestRingEntry(t *testing.T) {
	sense := []byte{0x72, 0x01, 0x00, 0x1d}
	for _, tt := range []struct {
		name      string
		cdb       []byte
		answer    scsi.Response
		direction scsi.Direction
		flags     byte
		data      string // of the memory afterwards
	}{
		{"a read", []byte{0x12, 0, 0, 0, 8, 0}, scsi.Response{Transferred: 8}, scsi.In, flagReadLen, "INQUIRY!"},
		{"a short read", []byte{0x12, 0, 0, 0, 8, 0}, scsi.Response{Transferred: 5}, scsi.In, flagReadLen, "INQUIld!"},
		{"data with a sense", []byte{0x85, 8, 0x2e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xec, 0}, scsi.Response{Status: scsi.CheckCondition, Sense: sense, Transferred: 8}, scsi.In, flagReadLen, "INQUIRY!"},
		{"a refusal", []byte{0x12, 1, 0x99, 0, 8, 0}, scsi.Response{Status: scsi.CheckCondition, Sense: sense}, scsi.In, 0, "was old!"},
		{"a write", []byte{0x48, 1, 0, 0, 0, 0, 0, 0, 8, 0}, scsi.Response{Transferred: 8}, scsi.Out, 0, "was old!"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			memory := make([]byte, 4096)
			r := &ring{memory: memory, entries: memory[128:2048]}
			copy(memory[2048:], tt.cdb)
			copy(memory[3000:], "was ")
			copy(memory[3100:], "old!")
			e := r.entries
			le := binary.LittleEndian
			le.PutUint32(e, 112|entryCommand)
			le.PutUint32(e[8:], 2)
			le.PutUint64(e[24:], 2048)
			le.PutUint64(e[48:], 3000)
			le.PutUint64(e[56:], 4)
			le.PutUint64(e[64:], 3100)
			le.PutUint64(e[72:], 4)
			var got scsi.Command
			length := r.entry(e, issuer(func(c scsi.Command) (scsi.Response, error) {
				got = c
				got.Data = bytes.Clone(c.Data)
				if c.Direction == scsi.In {
					copy(c.Data, "INQUIRY!")
				}
				return tt.answer, nil
			}))
			if length != 112 || !bytes.Equal(got.CDB, tt.cdb) || got.Direction != tt.direction {
				t.Errorf("length %d, command %+v", length, got)
			}
			if tt.direction == scsi.Out && string(got.Data) != "was old!" {
				t.Errorf("the drive was sent %q", got.Data)
			}
			if e[7] != tt.flags || e[8] != byte(tt.answer.Status) || !bytes.HasPrefix(e[16:], tt.answer.Sense) {
				t.Errorf("answer % x", e[:24])
			}
			if got := string(memory[3000:3004]) + string(memory[3100:3104]); got != tt.data {
				t.Errorf("memory %q, want %q", got, tt.data)
			}
		})
	}
}

func TestUnknownEntriesAreSaidToBeUnknown(t *testing.T) {
	r := &ring{}
	for kind, flags := range map[byte]byte{entryPadding: 0, 2: flagUnknown} {
		e := make([]byte, 64)
		e[0] = 64 | kind
		if n := r.entry(e, nil); n != 64 || e[7] != flags {
			t.Errorf("kind %d: length %d, flags %d", kind, n, e[7])
		}
	}
}

func TestWhichWayTheDataGoes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cdb    []byte
		length int
		out    bool
	}{
		{"READ CAPACITY (16)", []byte{0x9e, 0x10}, 16, false},
		{"WRITE (16)", []byte{0x8a}, 16, true},
		{"IDENTIFY DEVICE by ATA PASS-THROUGH (16)", []byte{0x85, 0x08, 0x0e}, 16, false},
		{"SECURITY SET PASSWORD by ATA PASS-THROUGH (16)", []byte{0x85, 0x0a, 0x06}, 16, true},
		{"SMART by ATA PASS-THROUGH (12)", []byte{0xa1, 0x08, 0x0e}, 12, false},
		{"ATA PASS-THROUGH (32), in", []byte{0x7f, 0, 0, 0, 0, 0, 0, 24, 0x1f, 0xf0, 0x08, 0x0e}, 32, false},
		{"ATA PASS-THROUGH (32), out", []byte{0x7f, 0, 0, 0, 0, 0, 0, 24, 0x1f, 0xf0, 0x0a, 0x06}, 32, true},
		{"SECURITY PROTOCOL OUT", []byte{0xb5}, 12, true},
		{"SECURITY PROTOCOL IN", []byte{0xa2}, 12, false},
		{"FORMAT UNIT", []byte{0x04}, 6, true},
		{"REQUEST SENSE", []byte{0x03}, 6, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cdb := append(tt.cdb, make([]byte, 32)...)
			if n, out := cdbLength(cdb), dataOut(cdb); n != tt.length || out != tt.out {
				t.Errorf("got %d bytes, out %v; want %d, %v", n, out, tt.length, tt.out)
			}
		})
	}
}
