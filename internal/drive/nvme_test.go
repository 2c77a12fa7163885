package drive_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

// controller is a scripted NVMe controller: pages of bytes that it hands out,
// and statuses for commands that change something. It keeps what it was sent.
type controller struct {
	mu         sync.Mutex
	identity   []byte // CNS 01h
	namespaces map[uint32][]byte
	active     []uint32
	allocated  []uint32
	log        []byte // 81h
	smart      []byte
	zoned      bool
	errorRec   uint32 // feature 05h
	// refuse gives the status of a command, by opcode and CDW10; 0 accepts.
	refuse func(nvme.Command) uint16
	// on is called for a command that was accepted.
	on func(nvme.Command)
	// lost makes commands fail without an answer while it is above zero.
	lost  int
	sent  []string // the commands that are no questions
	asked int      // how many commands there were
	nodes map[string]uint32
	// host
	gone, refound, rescanned int
	refind                   func() error
	clock                    time.Time
	tick                     func()
}

func put16(b []byte, at int, v uint16) { binary.LittleEndian.PutUint16(b[at:], v) }
func put32(b []byte, at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }

func namespaceBytes(blocks uint64) []byte {
	b := make([]byte, 4096)
	binary.LittleEndian.PutUint64(b, blocks)
	b[24] = 4 // DULBE
	copy(b[104:], "NGUID-of-this-ns")
	b[104] = byte(blocks)
	b[128+2] = 9
	return b
}

func newController() *controller {
	id := make([]byte, 4096)
	copy(id[4:24], fmt.Sprintf("%-20s", "SN-4711"))
	copy(id[24:64], fmt.Sprintf("%-40s", "Example NVMe 1T"))
	copy(id[64:72], "1.0     ")
	put32(id, 80, 0x20100)
	put16(id, 256, 0x0A)       // Format, Namespace Management
	put32(id, 328, 0x8000002F) // crypto, block, overwrite, VERS, SPRRS, NODMMAS 2
	put32(id, 516, 8)
	id[524] = 4 // crypto format
	log := make([]byte, 512)
	put16(log, 0, 0xFFFF)
	for at := 8; at < 36; at += 4 {
		put32(log, at, nvme.NotTold)
	}
	smart := make([]byte, 512)
	put16(smart, 1, 311)
	smart[3], smart[5], smart[128] = 99, 2, 100
	return &controller{
		identity: id, log: log, smart: smart, clock: time.Unix(0, 0),
		namespaces: map[uint32][]byte{1: namespaceBytes(2048)}, active: []uint32{1}, allocated: []uint32{1},
	}
}

func (c *controller) setLog(sprog, sstat uint16, scdw10 uint32, sans byte) {
	put16(c.log, 0, sprog)
	put16(c.log, 2, sstat)
	put32(c.log, 4, scdw10)
	c.log[36] = sans
}

var errLost = errors.New("input/output error")

func (c *controller) Admin(_ context.Context, cmd nvme.Command) (nvme.Completion, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.lost > 0 {
		c.lost--
		return nvme.Completion{}, errLost
	}
	if c.refuse != nil {
		if s := c.refuse(cmd); s != 0 {
			if cmd.Opcode >= 0x80 || cmd.Opcode == 9 {
				c.sent = append(c.sent, fmt.Sprintf("%02X %d %08X refused", cmd.Opcode, cmd.NSID, cmd.CDW10))
			}
			return nvme.Completion{Status: s}, nil
		}
	}
	page := func(b []byte) (nvme.Completion, error) {
		if b == nil {
			return nvme.Completion{Status: 0x400B}, nil
		}
		copy(cmd.Data, b)
		return nvme.Completion{}, nil
	}
	switch {
	case cmd.Opcode == 6 && cmd.CDW10 == 1:
		return page(c.identity)
	case cmd.Opcode == 6 && cmd.CDW10 == 0 && slices.Contains(c.active, cmd.NSID), cmd.Opcode == 6 && cmd.CDW10 == 0x11:
		return page(c.namespaces[cmd.NSID])
	case cmd.Opcode == 6 && (cmd.CDW10 == 2 || cmd.CDW10 == 0x10):
		list, at := c.active, 0
		if cmd.CDW10 == 0x10 {
			list = c.allocated
		}
		b := make([]byte, 4096)
		for _, id := range list {
			if id > cmd.NSID && at < 4096 {
				put32(b, at, id)
				at += 4
			}
		}
		return page(b)
	case cmd.Opcode == 6 && cmd.CDW10 == 3 && c.zoned:
		return page(append([]byte{4, 1, 0, 0, 2}, make([]byte, 4091)...))
	case cmd.Opcode == 6 && cmd.CDW10 == 3:
		return page(make([]byte, 4096))
	case cmd.Opcode == 2 && cmd.CDW10&0xFF == 0x81:
		return page(c.log)
	case cmd.Opcode == 2 && cmd.CDW10&0xFF == 2:
		return page(c.smart)
	case cmd.Opcode == 0x0A:
		return nvme.Completion{Result: c.errorRec}, nil
	case cmd.Opcode == 0x82:
		return nvme.Completion{Status: 0x4002}, nil
	}
	c.sent = append(c.sent, fmt.Sprintf("%02X %d %08X", cmd.Opcode, cmd.NSID, cmd.CDW10))
	if cmd.Opcode == 9 {
		c.errorRec = cmd.CDW11
	}
	if c.on != nil {
		c.on(cmd)
	}
	return nvme.Completion{}, nil
}

func (c *controller) Wires() drive.Wires {
	if c.gone > 0 {
		return drive.Wires{}
	}
	return drive.Wires{NVMe: c, NSID: 1, NSIDOf: func(path string) uint32 { return c.nodes[path] }}
}

func (c *controller) Rescan(context.Context) error { c.rescanned++; return nil }

func (c *controller) Refind(context.Context) error {
	if c.gone--; c.gone > 0 {
		return fmt.Errorf("%w: not there yet", erase.ErrGone)
	}
	c.refound++
	if c.refind != nil {
		return c.refind()
	}
	return nil
}

func (c *controller) Now() time.Time { return c.clock }

func (c *controller) Wait(ctx context.Context, d time.Duration) error {
	c.clock = c.clock.Add(d)
	if c.tick != nil {
		c.tick()
	}
	return ctx.Err()
}

// drive is what the inventory found of it.
func (c *controller) drive() inventory.Drive {
	return inventory.Drive{
		Path: "/dev/nvme0n1", Bus: inventory.BusNVMe, Media: inventory.MediaFlash, Serial: "SN-4711", Model: "Example NVMe 1T",
		CapacityBytes: 2048 * 512, LogicalBlockBytes: 512,
	}
}

// shown is that with what it answered when the plan was made.
func (c *controller) shown() inventory.Drive {
	d := c.drive()
	if fw, err := drive.NewFirmware(context.Background(), d, c, drive.Secrets{}); err == nil {
		if a, err := fw.Abilities(context.Background()); err == nil {
			d.Abilities = &a
		}
	}
	return d
}

func (c *controller) open(t *testing.T) erase.Firmware {
	t.Helper()
	fw, err := drive.NewFirmware(context.Background(), c.shown(), c, drive.Secrets{})
	if err != nil || fw == nil {
		t.Fatalf("%v %v", fw, err)
	}
	return fw
}

func abilities(t *testing.T, fw erase.Firmware) inventory.Abilities {
	t.Helper()
	a, err := fw.Abilities(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func status(t *testing.T, fw erase.Firmware) erase.Status {
	t.Helper()
	s, err := fw.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNVMeTellsWhatItCanDo(t *testing.T) {
	c := newController()
	put32(c.log, 8, 3200) // ETO, 16 passes
	put32(c.log, 16, 2)
	a := abilities(t, c.open(t))
	want := []inventory.Eraser{
		{Command: inventory.NVMeSanitizeCrypto, EstimateSeconds: 2, WholeDrive: true, PurgeOrFail: true, OpensMedia: true},
		{Command: inventory.NVMeSanitizeBlock, WholeDrive: true, PurgeOrFail: true, OpensMedia: true},
		{Command: inventory.NVMeSanitizeOverwrite, EstimateSeconds: 200, WholeDrive: true, PurgeOrFail: true},
		{Command: inventory.NVMeFormatCrypto},
		{Command: inventory.NVMeFormatUser},
	}
	if !slices.Equal(a.Erasers, want) {
		t.Errorf("got  %+v\nwant %+v", a.Erasers, want)
	}
	if a.Protocol != "nvme" || !a.Encrypts || a.Sanitize.State != inventory.SanitizeIdle || !a.Hidden.Known() || len(a.Spaces) != 0 || len(a.Notes) != 0 {
		t.Errorf("%+v", a)
	}
	if h := a.Health; h == nil || *h.TemperatureCelsius != 38 || *h.PowerOnHours != 100 || *h.PercentUsed != 2 || !*h.Passed {
		t.Errorf("%+v", a.Health)
	}
	if len(c.sent) != 0 {
		t.Errorf("asking changed something: %v", c.sent)
	}
}

// The previous owner split the drive in three and detached one; a part belongs
// to no namespace any more.
func TestNVMeOtherNamespacesAreShown(t *testing.T) {
	c := newController()
	c.active, c.allocated = []uint32{1, 2}, []uint32{1, 2, 5}
	c.namespaces[2], c.namespaces[5] = namespaceBytes(100), namespaceBytes(200)
	binary.LittleEndian.PutUint64(c.identity[296:], 1<<20)
	put32(c.identity, 312, 0x00000001)
	// Linux counts nodes in the order in which it finds them.
	d := c.drive()
	d.Siblings = []string{"/dev/nvme0n5", "/dev/nvme0n3"}
	c.nodes = map[string]uint32{"/dev/nvme0n3": 2}
	fw, err := drive.NewFirmware(context.Background(), d, c, drive.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Space{
		{Name: "namespace 2", NamespaceID: 2, Path: "/dev/nvme0n3", SizeBytes: 100 * 512, Reach: "node"},
		{Name: "namespace 5, attached to no controller here", NamespaceID: 5, SizeBytes: 200 * 512, Reach: "drive"},
		{Name: "capacity in no namespace", SizeBytes: 1 << 20, Reach: "drive"},
		{Name: "RPMB", SizeBytes: 128 << 10, Reach: "none"},
	}
	if a := abilities(t, fw); !slices.Equal(a.Spaces, want) {
		t.Errorf("got  %+v\nwant %+v", a.Spaces, want)
	}
}

// Somebody confirmed a plan; whatever is asked between that and the erase, a
// namespace that the plan does not know is not erased.
func TestNVMeNamespacesThatNobodyConfirmed(t *testing.T) {
	appear := func(active bool) func(*controller) {
		return func(c *controller) {
			c.namespaces[6] = namespaceBytes(300)
			c.allocated = append(c.allocated, 6)
			if active {
				c.active = append(c.active, 6)
			}
		}
	}
	mute := func(cns uint32) func(*controller) {
		return func(c *controller) {
			c.refuse = func(cmd nvme.Command) uint16 {
				if cmd.Opcode == 6 && cmd.CDW10 == cns {
					return nvme.InvalidField
				}
				return 0
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*controller)
		want   error
	}{
		{"one appears", appear(true), erase.ErrIdentityChanged},
		{"one appears and is attached to no controller", appear(false), erase.ErrIdentityChanged},
		{"one is there no more", func(c *controller) { c.active, c.allocated = []uint32{1}, []uint32{1} }, erase.ErrIdentityChanged},
		{"the active ones cannot be listed", mute(2), erase.ErrUnsupported},
		{"the allocated ones cannot be listed", mute(0x10), erase.ErrUnsupported},
		{"all as it was", func(*controller) {}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newController()
			d.identity[524] |= 2 // an erasing format is of all namespaces
			d.active, d.allocated = []uint32{1, 2}, []uint32{1, 2}
			d.namespaces[2] = namespaceBytes(100)
			fw := d.open(t)
			c.change(d)
			_, _ = fw.Abilities(context.Background()) // the runner asks again
			whole := []inventory.EraseCommand{inventory.NVMeSanitizeBlock, inventory.NVMeSanitizeCrypto, inventory.NVMeFormatUser}
			if c.want != nil {
				whole = append(whole, inventory.TCGRevert, inventory.TCGPSIDRevert)
			}
			for _, command := range whole {
				if _, err := fw.Start(context.Background(), command, erase.StartOptions{}); !errors.Is(err, c.want) {
					t.Errorf("%s: %v", command, err)
				}
			}
			if (c.want != nil) != (len(d.sent) == 0) {
				t.Errorf("sent %v", d.sent)
			}
		})
	}
	// Opened without having been asked, a drive has shown its target alone.
	d := newController()
	d.active, d.allocated, d.namespaces[2] = []uint32{1, 2}, []uint32{1, 2}, namespaceBytes(100)
	fw, err := drive.NewFirmware(context.Background(), d.drive(), d, drive.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fw.Start(context.Background(), inventory.NVMeSanitizeBlock, erase.StartOptions{}); !errors.Is(err, erase.ErrIdentityChanged) {
		t.Errorf("never asked: %v", err)
	}
}

// A drive that lists namespaces without end is not asked for each.
func TestNVMeMoreNamespacesThanThereAre(t *testing.T) {
	d := newController()
	for id := uint32(2); id <= 60_000; id++ {
		d.active = append(d.active, id)
	}
	a := abilities(t, d.open(t))
	if d.asked > 100 || len(a.Notes) != 1 || len(a.Spaces) != 0 {
		t.Errorf("%d commands, %v, %d spaces", d.asked, a.Notes, len(a.Spaces))
	}
	for _, e := range a.Erasers {
		if e.Blocked == "" {
			t.Errorf("%s is not blocked", e.Command)
		}
	}
}

func TestNVMeWriteProtectionBlocksWhatItWouldStop(t *testing.T) {
	for _, c := range []struct {
		name              string
		protected         uint32
		fna               byte
		sanitize, formats bool // blocked
	}{
		{"the target", 1, 0, true, true},
		{"another namespace", 2, 0, true, false},
		{"another, and a format erases all", 2, 2, true, true},
		{"another, and a format formats all", 2, 1, true, true},
	} {
		d := newController()
		d.identity[524] = c.fna
		d.active, d.allocated, d.namespaces[2] = []uint32{1, 2}, []uint32{1, 2}, namespaceBytes(100)
		d.namespaces[c.protected][99] = 1
		for _, e := range abilities(t, d.open(t)).Erasers {
			want := c.sanitize
			if e.Command == inventory.NVMeFormatUser {
				want = c.formats
			}
			if (e.Blocked != "") != want {
				t.Errorf("%s: %s blocked by %q", c.name, e.Command, e.Blocked)
			}
		}
	}
}
