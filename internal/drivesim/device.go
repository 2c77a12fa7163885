package drivesim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

// Drive is one target as a host sees it: a simulated drive, or one namespace,
// logical unit or boot partition of it. It implements drive.Host.
type Drive struct {
	core *core
	area *area
	path string
	// commands is where commands end up; another drive's core behind a
	// bridge that mixes them up.
	commands *core
	siblings []string

	mu sync.Mutex
	// What the host knows: as of the last look, not as of now.
	asked      *inventory.Abilities
	generation int
	sizeBytes  int64
	serial     string
	wwn        string
}

// Facts are what an inventory would find, asked anew; Abilities are left out.
func (d *Drive) Facts() inventory.Drive {
	c := d.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	return d.facts()
}

// facts is Facts with the core's mutex held.
func (d *Drive) facts() inventory.Drive {
	c, p := d.core, d.core.profile
	d.mu.Lock()
	size := d.sizeBytes
	d.mu.Unlock()
	f := inventory.Drive{
		Path: d.path, Name: base(d.path), Bus: p.Bus, Media: p.Media,
		Manufacturer: p.Manufacturer, Model: p.Model, Serial: c.serial, Firmware: p.Firmware, WWN: c.wwn,
		CapacityBytes: size, LogicalBlockBytes: d.area.blockBytes, PhysicalBlockBytes: max(p.PhysicalBlockBytes, d.area.blockBytes),
		Removable: p.Removable, DeviceNumber: deviceNumber(d.path), Siblings: slices.Clone(d.siblings), Uses: []inventory.Use{},
	}
	if len(d.area.table) > 0 && p.Protocol == "nvme" && c.wwn != "" {
		f.WWN = fmt.Sprintf("%s%02x", c.wwn[:len(c.wwn)-2], d.area.number)
	}
	if d.area.kind == bootArea {
		f.PartitionOf = strings.TrimSuffix(d.path, fmt.Sprintf("boot%d", d.area.number-1))
	}
	c.front.facts(d.area, &f)
	return f
}

func base(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

// deviceNumber is made of the path, so that no two drives share one.
func deviceNumber(path string) string {
	h := uint32(2166136261)
	for i := range len(path) {
		h = (h ^ uint32(path[i])) * 16777619
	}
	return fmt.Sprintf("240:%d", h&0xFFFFF)
}

// Wires implements drive.Host.
func (d *Drive) Wires() drive.Wires {
	c := d.commands
	c.mu.Lock()
	defer c.mu.Unlock()
	if c != d.core {
		return c.front.wires(c.medium.areas[0], c.generation)
	}
	return c.front.wires(d.area, d.opened())
}

// Rescan implements drive.Host.
func (d *Drive) Rescan(ctx context.Context) error {
	if err := d.core.enter(ctx, d.opened()); err != nil {
		return fmt.Errorf("rescan %s: %w", d.path, gone(err))
	}
	defer d.core.leave()
	d.look()
	return nil
}

// look takes over what the drive is now; the core's mutex is held.
func (d *Drive) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sizeBytes = d.area.visibleBytes
	if !d.area.attached || d.area.blockBytes%sectorBytes != 0 {
		d.sizeBytes = 0 // Linux gives such a unit no capacity
	}
}

// Refind implements drive.Host.
func (d *Drive) Refind(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := d.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	if err := c.reachable(c.generation); err != nil {
		return fmt.Errorf("find %s again: %w: %w", d.path, erase.ErrGone, err)
	}
	if f := d.facts(); f.Serial != d.serial || f.WWN != d.wwn {
		return fmt.Errorf("find %s again: %w: no drive with serial %q and WWN %q", d.path, erase.ErrGone, d.serial, d.wwn)
	}
	d.mu.Lock()
	d.generation = c.generation
	d.mu.Unlock()
	d.look()
	return nil
}

// Now implements drive.Host.
func (d *Drive) Now() time.Time { return d.core.clock.Now() }

// Wait implements drive.Host.
func (d *Drive) Wait(ctx context.Context, t time.Duration) error { return d.core.clock.Wait(ctx, t) }

func (d *Drive) opened() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.generation
}

// gone says in package erase's words that a drive does not answer, or takes
// no writes.
func gone(err error) error {
	switch {
	case errors.Is(err, errNotThere):
		return fmt.Errorf("%w: %w", erase.ErrGone, err)
	case errors.Is(err, errGuard):
		return fmt.Errorf("%w: %w", erase.ErrIntegrity, err)
	}
	if errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", erase.ErrReadOnly, err)
	}
	return err
}

// PowerCycle cuts the drive's power and gives it back. The host has found the
// drive again afterwards.
func (d *Drive) PowerCycle() {
	c := d.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	if !c.vanished {
		c.powerOff(c.clock.Now())
		c.tick()
	}
	d.mu.Lock()
	d.generation = c.generation
	d.mu.Unlock()
	d.look()
}

// Suspend is what a suspend of the machine does: the drive loses its power in
// an orderly way, and the host still has it open afterwards.
func (d *Drive) Suspend() {
	c := d.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	_ = c.medium.cache.flush(c.medium)
	c.halt(c.clock.Now(), true)
	if c.tcg != nil {
		c.tcg.powerOn()
	}
	c.front.powerOn()
}

// Reset resets the drive.
func (d *Drive) Reset() {
	c := d.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	c.halt(c.clock.Now(), false)
}

// Inject adds a fault to those still to come.
func (d *Drive) Inject(f Fault) {
	c := d.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
}

// Profile is what the drive was made from.
func (d *Drive) Profile() Profile { return d.core.profile }

// Probe asks the drive what it can do, through the adapter that real drives
// are asked through; nil when the drive has no commands to be asked by.
func (d *Drive) Probe(ctx context.Context) (*inventory.Abilities, error) {
	f, err := drive.NewFirmware(ctx, d.Facts(), d, drive.Secrets{})
	if err != nil || f == nil {
		return nil, err
	}
	a, err := f.Abilities(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.asked = &a
	d.mu.Unlock()
	return &a, nil
}

// Device opens the drive for writing, as what it answered to the last
// [Drive.Probe]: that is what a plan was made of.
func (d *Drive) Device(ctx context.Context, s drive.Secrets) (*Device, error) {
	if err := d.Rescan(ctx); err != nil {
		return nil, err
	}
	facts := d.Facts()
	d.mu.Lock()
	facts.Abilities = d.asked
	d.mu.Unlock()
	firmware, err := drive.Attach(ctx, facts, d, s)
	if err != nil {
		return nil, err
	}
	return &Device{parts: []*Drive{d}, opened: []inventory.Drive{facts}, firmware: firmware}, nil
}

// Blocks is the drive's blocks alone, for whoever serves it to a kernel, which
// gives the other commands itself.
func (d *Drive) Blocks() *Device { return &Device{parts: []*Drive{d}} }

// Join opens several namespaces of one controller as one device, one behind
// the other. Firmware commands go to the first.
func Join(ctx context.Context, s drive.Secrets, drives ...*Drive) (*Device, error) {
	all := &Device{}
	for i, d := range drives {
		one, err := d.Device(ctx, s)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			all.firmware = one.firmware
		}
		all.parts, all.opened = append(all.parts, d), append(all.opened, one.opened...)
	}
	return all, nil
}

// Device is a simulated drive opened for writing. It implements erase.Device.
type Device struct {
	parts    []*Drive
	opened   []inventory.Drive
	firmware erase.Firmware
}

// ReadAt implements erase.Device.
func (v *Device) ReadAt(p []byte, off int64) (int, error) { return v.each(p, off, false) }

// WriteAt implements erase.Device.
func (v *Device) WriteAt(p []byte, off int64) (int, error) { return v.each(p, off, true) }

// each moves blocks of all the parts that a transfer touches.
func (v *Device) each(p []byte, off int64, write bool) (int, error) {
	n := 0
	for _, d := range v.parts {
		size := d.size()
		if off >= size {
			off -= size
			continue
		}
		if len(p) == 0 {
			break
		}
		k := int(min(int64(len(p)), size-off))
		if err := d.move(p[:k], off, write); err != nil {
			return n, err
		}
		p, off, n = p[k:], 0, n+k
	}
	switch {
	case len(p) == 0:
		return n, nil
	case write:
		return n, fmt.Errorf("write %s: it ends before this block: %w", v.parts[0].path, syscall.ENOSPC)
	default:
		return n, io.EOF
	}
}

func (d *Drive) move(p []byte, off int64, write bool) error {
	what, move := "read", d.core.read
	if write {
		what, move = "write", d.core.write
	}
	err := d.core.enter(context.Background(), d.opened())
	if err == nil {
		defer d.core.leave()
		if b := int64(d.area.blockBytes); off%b != 0 || int64(len(p))%b != 0 {
			err = fmt.Errorf("not whole blocks: %w", syscall.EINVAL)
		} else {
			err = move(d.area, p, off)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s at %d: %w", what, d.path, off, gone(err))
	}
	return nil
}

func (d *Drive) size() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sizeBytes
}

// SizeBytes implements erase.Device.
func (v *Device) SizeBytes() int64 {
	n := int64(0)
	for _, d := range v.parts {
		n += d.size()
	}
	return n
}

// Alloc implements erase.Device.
func (v *Device) Alloc(sizeBytes int) ([]byte, error) { return make([]byte, sizeBytes), nil }

// Sync implements erase.Device.
func (v *Device) Sync() error {
	for _, d := range v.parts {
		if err := d.core.enter(context.Background(), d.opened()); err != nil {
			return fmt.Errorf("flush %s: %w", d.path, gone(err))
		}
		err := d.core.medium.cache.flush(d.core.medium)
		d.core.leave()
		if err != nil {
			return fmt.Errorf("flush %s: %w", d.path, err)
		}
	}
	return nil
}

// Forget implements erase.Device.
func (v *Device) Forget() (string, error) { return "direct", v.Sync() }

// Check implements erase.Device.
func (v *Device) Check() error {
	for i, d := range v.parts {
		if err := d.core.enter(context.Background(), d.opened()); err != nil {
			return fmt.Errorf("check %s: %w: %w", d.path, erase.ErrGone, err)
		}
		now, visible := d.facts(), d.area.visibleBytes
		d.core.leave()
		was := v.opened[i]
		switch {
		case now.Serial != was.Serial, now.WWN != was.WWN, now.Model != was.Model:
			return fmt.Errorf("check %s: %w: serial was %q and is %q", d.path, erase.ErrIdentityChanged, was.Serial, now.Serial)
		case visible != now.CapacityBytes && d.area.blockBytes%sectorBytes == 0:
			return fmt.Errorf("check %s: %w: it had %d bytes and has %d", d.path, erase.ErrSizeChanged, now.CapacityBytes, visible)
		}
	}
	return nil
}

// Firmware implements erase.Device.
func (v *Device) Firmware() erase.Firmware { return v.firmware }

// Close gives the drive back.
func (v *Device) Close() error { return nil }
