package main

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/scsi"
)

type dumb struct {
	mu    sync.Mutex
	name  string
	media []byte
}

func (d *dumb) Issue(_ context.Context, c scsi.Command) (scsi.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	be := binary.BigEndian
	in := func(b []byte) (scsi.Response, error) { return scsi.Response{Transferred: copy(c.Data, b)}, nil }
	sense := func(key, asc byte) (scsi.Response, error) {
		return scsi.Response{Status: scsi.CheckCondition, Sense: []byte{0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, 0, 0, 0, 0, 0}}, nil
	}
	blocks := uint64(len(d.media) / 512)
	switch c.CDB[0] {
	case 0x00, 0x1b, 0x35, 0x91:
		return scsi.Response{}, nil
	case 0x12:
		if c.CDB[1]&1 == 1 {
			switch c.CDB[2] {
			case 0:
				return in([]byte{0, 0, 0, 2, 0, 0x80})
			case 0x80:
				return in(append([]byte{0, 0x80, 0, byte(len(d.name))}, d.name...))
			}
			return sense(5, 0x24)
		}
		v := make([]byte, 96)
		v[2], v[3], v[4], v[7] = 6, 2, 91, 2
		copy(v[8:], "DUMB    DUMB DRIVE      0001")
		return in(v)
	case 0x25:
		v := make([]byte, 8)
		be.PutUint32(v, uint32(blocks-1))
		be.PutUint32(v[4:], 512)
		return in(v)
	case 0x9e:
		v := make([]byte, 32)
		be.PutUint64(v, blocks-1)
		be.PutUint32(v[8:], 512)
		return in(v)
	case 0x1a:
		return in([]byte{3, 0, 0, 0})
	case 0x28, 0x2a, 0x88, 0x8a:
		lba, n := uint64(be.Uint32(c.CDB[2:])), uint64(be.Uint16(c.CDB[7:]))
		if c.CDB[0]&0x80 != 0 {
			lba, n = be.Uint64(c.CDB[2:]), uint64(be.Uint32(c.CDB[10:]))
		}
		s := d.media[lba*512 : (lba+n)*512]
		if c.Direction == scsi.Out {
			copy(s, c.Data)
			return scsi.Response{Transferred: len(s)}, nil
		}
		return in(s)
	}
	return sense(5, 0x20)
}

func (d *dumb) Admin(_ context.Context, c nvme.Command) (nvme.Completion, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	le := binary.LittleEndian
	switch c.Opcode {
	case 6:
		switch c.CDW10 & 0xff {
		case 0:
			le.PutUint64(c.Data, uint64(len(d.media)/512))
			le.PutUint64(c.Data[8:], uint64(len(d.media)/512))
			le.PutUint64(c.Data[16:], uint64(len(d.media)/512))
			c.Data[130] = 9
		case 1:
			copy(c.Data[4:], d.name+"                    ")
			copy(c.Data[24:], "DUMB NVME DRIVE                         ")
			copy(c.Data[64:], "0001    ")
			le.PutUint32(c.Data[80:], 0x10400)
			le.PutUint32(c.Data[516:], 1)
		case 2:
			if c.NSID < 1 {
				c.Data[0] = 1
			}
		case 3:
			c.Data[0], c.Data[1] = 3, 16
			copy(c.Data[4:], d.name+"0123456789abcdef")
		default:
			return nvme.Completion{Status: 2}, nil
		}
		return nvme.Completion{}, nil
	case 2, 9, 0xa:
		return nvme.Completion{}, nil
	}
	return nvme.Completion{Status: 1}, nil
}

func (d *dumb) IO(_ context.Context, c nvme.Command) (nvme.Completion, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lba, n := uint64(c.CDW10)|uint64(c.CDW11)<<32, uint64(c.CDW12&0xffff)+1
	switch c.Opcode {
	case 0:
	case 1:
		copy(d.media[lba*512:(lba+n)*512], c.Data)
	case 2:
		copy(c.Data, d.media[lba*512:(lba+n)*512])
	default:
		return nvme.Completion{Status: 1}, nil
	}
	return nvme.Completion{}, nil
}

type simulated struct {
	scsi scsi.Issuer
	nvme nvmeDrive
}

func simulate(profile string) (*simulated, error) {
	d := &dumb{name: profile, media: make([]byte, 16<<20)}
	if profile == "nvme" {
		return &simulated{nvme: d}, nil
	}
	return &simulated{scsi: d}, nil
}

func (d *simulated) truth() (any, error) { return map[string]int{"original_bytes": 3}, nil }

func (d *simulated) powerCycle() error { return errors.New("not yet") }
