package drivesim

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/nvme"
)

// Commands of any content never panic, and what they do not start they do not
// erase.
func FuzzNVMe(f *testing.F) {
	seed := func(commands ...nvme.Command) {
		var b []byte
		for _, c := range commands {
			b = append(b, c.Opcode, byte(c.NSID))
			b = binary.LittleEndian.AppendUint32(b, c.CDW10)
			b = binary.LittleEndian.AppendUint32(b, c.CDW11)
			b = append(b, byte(c.CDW12), 30)
		}
		f.Add(b)
	}
	seed(nvme.Command{Opcode: 0x84, CDW10: actBlock}, nvme.Command{Opcode: 2, CDW10: 0x81 | 127<<16})
	seed(format(1, 1<<9), nvme.Command{Opcode: 0x84, CDW10: actCrypto | bitEMVS}, nvme.Command{Opcode: 0x84, CDW10: actExitMedia})
	seed(nvme.Command{Opcode: 0x0D, NSID: 1, CDW10: 1}, nvme.Command{Opcode: 0x0D}, nvme.Command{Opcode: 0x15, NSID: 2})
	seed(nvme.Command{Opcode: 6, CDW10: 1}, nvme.Command{Opcode: 9, NSID: 0xFF, CDW10: 5, CDW11: 1 << 16}, nvme.Command{Opcode: 0x82, CDW10: 1 << 24, CDW11: 512})
	p := simple(func(p *Profile) {
		encrypts(p)
		p.Units = []UnitProfile{{KiB: 32}, {KiB: 32}}
		p.NVMe = &NVMeProfile{Version: "2.1", VERS: true, SPRRS: true, Namespaces: true, DAE: true}
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newDrive(t, p, Options{})
		before := d.Truth().OriginalBytes(Everything)
		legal := false
		for len(b) >= 12 {
			data := bytes.Repeat(b[:4], 128)
			c := nvme.Command{
				Opcode: b[0], NSID: uint32(int32(int8(b[1]))), CDW10: binary.LittleEndian.Uint32(b[2:]), CDW11: binary.LittleEndian.Uint32(b[6:]),
				CDW12: uint32(b[10]), Data: data, Timeout: time.Duration(b[11]) * time.Second,
			}
			b = b[12:]
			a, err := d.Wires().NVMe.Admin(context.Background(), c)
			action := c.CDW10 & 7
			legal = legal || (err != nil || a.Status == 0) && (c.Opcode == 0x80 && c.CDW10>>9&7 != 0 || c.Opcode == 0x84 && action >= 2 && action <= 4)
			wait(t, d, time.Second)
		}
		wait(t, d, time.Hour)
		truth := d.Truth()
		if got := truth.OriginalBytes(Everything); !legal && got != before {
			t.Errorf("no erase was accepted, and %d of %d bytes are left", got, before)
		}
		if got := dig(d); got != truth.OriginalBytes(Everything) {
			t.Errorf("a laboratory finds %d bytes, the books say %d", got, truth.OriginalBytes(Everything))
		}
	})
}
