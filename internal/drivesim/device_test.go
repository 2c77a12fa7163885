package drivesim

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

var _ erase.Device = (*Device)(nil)

func TestDriveThatDisappears(t *testing.T) {
	d := newDrive(t, simple(nil), Options{Faults: []Fault{{Kind: FaultVanish, AfterBytes: 64 << 10}}})
	v, err := d.Device(context.Background(), drive.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64<<10)
	if _, err := v.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	_, _ = v.WriteAt(b, 64<<10)
	_, writeErr := v.WriteAt(b, 128<<10)
	_, readErr := v.ReadAt(b, 0)
	for what, err := range map[string]error{"write": writeErr, "read": readErr, "sync": v.Sync(), "check": v.Check(), "rescan": d.Rescan(context.Background())} {
		if !errors.Is(err, erase.ErrGone) {
			t.Errorf("%s: %v, want gone", what, err)
		}
	}
	wait(t, d, 24*time.Hour)
	if err := d.Refind(context.Background()); !errors.Is(err, erase.ErrGone) {
		t.Errorf("found again: %v", err)
	}
	if got := d.Truth().OriginalBytes(Addressable); got == 0 {
		t.Error("the truth went with the drive")
	}
}

func TestTransfersBeyondTheEnd(t *testing.T) {
	d := newDrive(t, simple(nil), Options{})
	v, err := d.Device(context.Background(), drive.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	size := v.SizeBytes()
	b := make([]byte, 8192)
	if n, err := v.ReadAt(b, size-4096); n != 4096 || !errors.Is(err, io.EOF) {
		t.Errorf("read across the end: %d, %v", n, err)
	}
	if _, err := v.WriteAt(b, size); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write behind the end: %v", err)
	}
	if _, err := v.ReadAt(b[:100], 0); err == nil {
		t.Error("a hundred bytes can be read")
	}
}

func TestWornDriveTakesNoWrites(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { p.ReadOnly = true }), Options{})
	if _, err := d.Blocks().WriteAt(make([]byte, 4096), 0); !errors.Is(err, erase.ErrReadOnly) {
		t.Errorf("%v, want read-only", err)
	}
	if s := sanitize(t, d, actBlock); s != 0 {
		t.Errorf("a sanitize: status %03Xh", s)
	}
	wait(t, d, time.Hour)
	if d.Truth().OriginalBytes(Everything) != 0 {
		t.Error("a worn drive was not erased")
	}
}

func TestNamespacesAsDrivesOfTheirOwnAndJoined(t *testing.T) {
	drives, err := New(simple(func(p *Profile) { p.Units = []UnitProfile{{KiB: 64}, {KiB: 32}} }), Options{Path: "/dev/sim7"})
	if err != nil || len(drives) != 2 {
		t.Fatalf("%d drives, %v", len(drives), err)
	}
	a, b := drives[0].Facts(), drives[1].Facts()
	if a.Serial != b.Serial || a.WWN == b.WWN || len(a.Siblings) != 1 || a.Siblings[0] != b.Path || a.Path != "/dev/sim7" {
		t.Errorf("%+v\n%+v", a, b)
	}
	v, err := Join(context.Background(), drive.Secrets{}, drives...)
	if err != nil {
		t.Fatal(err)
	}
	if v.SizeBytes() != 96<<10 {
		t.Errorf("%d bytes joined", v.SizeBytes())
	}
	if n, err := v.WriteAt(make([]byte, 96<<10), 0); n != 96<<10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := drives[1].Truth().OriginalBytes(Addressable); got != 0 {
		t.Errorf("%d bytes left in both", got)
	}
	if err := errors.Join(v.Check(), v.Sync(), v.Close()); err != nil {
		t.Error(err)
	}
}

func TestDriveThatGrewIsNoticed(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { p.Units[0].HiddenKiB = 64 }), Options{})
	v, err := d.Device(context.Background(), drive.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	d.area.visibleBytes = d.area.sizeBytes // as SET MAX ADDRESS does
	if err := v.Check(); !errors.Is(err, erase.ErrSizeChanged) {
		t.Errorf("%v, want size changed", err)
	}
	if err := d.Rescan(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := v.Check(); err != nil || v.SizeBytes() != 320<<10 {
		t.Errorf("after a look: %d bytes, %v", v.SizeBytes(), err)
	}
	if got := seenOriginal(must(readAll(t, d))); got != 320<<10 {
		t.Errorf("%d bytes of old data seen", got)
	}
}

func must(data []byte, _ int) []byte { return data }

func TestSuspendKeepsTheDriveOpen(t *testing.T) {
	d := newDrive(t, simple(func(p *Profile) { p.WriteCache = true }), Options{})
	v := d.Blocks()
	if _, err := v.WriteAt(make([]byte, 4096), 0); err != nil {
		t.Fatal(err)
	}
	d.Suspend()
	b := make([]byte, 4096)
	b[0] = 1
	if _, err := v.ReadAt(b, 0); err != nil || b[0] != 0 {
		t.Errorf("after a suspend: %v, %v", b[0], err)
	}
}

// Every honest profile can be erased through the tool's own adapter, and the
// truth is what the adapter was told. Drives whose bus has no adapter are
// left out.
func TestAdapterSeesWhatProfilesSay(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Bus != inventory.BusNVMe || !p.Honest {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			d := newDrive(t, p, Options{})
			a, err := d.Probe(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if a == nil {
				t.Fatal("this bus has no adapter")
			}
			has := map[inventory.EraseCommand]inventory.Eraser{}
			for _, e := range a.Erasers {
				has[e.Command] = e
			}
			for e := range p.Erasers {
				if _, ok := has[e]; !ok {
					t.Errorf("%s is not seen", e)
				}
			}
			for e := range has {
				if _, ok := p.Erasers[e]; !ok && p.TCG == nil {
					t.Errorf("%s is seen and does not exist", e)
				}
			}
			want := ""
			if p.Sanitize != nil {
				want = p.Sanitize.State
			}
			if want != "" && a.Sanitize.State != want {
				t.Errorf("sanitize state %q, want %q", a.Sanitize.State, want)
			}
		})
	}
}

// A drive that is locked does not erase, and the lock is said.
func TestLockedNVMeDriveRefuses(t *testing.T) {
	p, err := FindProfile("nvme-opal-locked")
	if err != nil {
		t.Fatal(err)
	}
	d := newDrive(t, p, Options{})
	if _, err := d.Blocks().ReadAt(make([]byte, 4096), 0); err == nil {
		t.Error("blocks of a locked drive can be read")
	}
	if s := sanitize(t, d, actCrypto); s != 0x15 {
		t.Errorf("sanitize: status %03Xh, want 015h", s)
	}
	if s := admin(t, d, format(1, 1<<9)); s != 0x15 {
		t.Errorf("format: status %03Xh, want 015h", s)
	}
	if d.Truth().OriginalBytes(Addressable) != 4<<20 {
		t.Error("it erased all the same")
	}
}

// eraseWith gives one erase command through the adapter and waits for its end.
func eraseWith(t *testing.T, d *Drive, e inventory.EraseCommand, o erase.StartOptions) (erase.State, error) {
	t.Helper()
	ctx := context.Background()
	if _, err := d.Probe(ctx); err != nil { // as for a plan
		t.Fatal(err)
	}
	v, err := d.Device(ctx, drive.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	f := v.Firmware()
	if f == nil {
		t.Fatal("this bus has no adapter")
	}
	if _, err := f.Start(ctx, e, o); err != nil {
		return erase.StateUnknown, err
	}
	for range 10_000 {
		s, err := f.Status(ctx)
		if err == nil && s.State != erase.StateRunning {
			_, leaveErr := f.Leave(ctx)
			return s.State, leaveErr
		}
		if err != nil && !errors.Is(err, erase.ErrGone) {
			return erase.StateUnknown, err
		}
		wait(t, d, 30*time.Second)
	}
	return erase.StateRunning, nil
}

func TestHonestDrivesThroughTheAdapter(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Bus != inventory.BusNVMe || !p.Honest || len(p.Faults) > 0 || len(p.Defects) > 0 || p.Sanitize != nil || p.NVMe.WriteProtected || p.TCG != nil && p.TCG.Locked {
			continue
		}
		for e := range p.Erasers {
			if e == inventory.TCGPSIDRevert {
				continue // needs what is printed on the label
			}
			t.Run(p.Name+"/"+string(e), func(t *testing.T) {
				d := newDrive(t, p, Options{})
				state, err := eraseWith(t, d, e, erase.StartOptions{})
				if err != nil || state != erase.StateSucceeded {
					t.Fatalf("%v, %v", state, err)
				}
				scope := Everything
				if len(p.Units) > 1 && (e == inventory.NVMeFormatUser || e == inventory.NVMeFormatCrypto) {
					return // whether all of it, the adapter's WholeDrive says
				}
				if got := d.Truth().OriginalBytes(scope); got != 0 {
					t.Errorf("%d bytes left", got)
				}
			})
		}
	}
}

// Another host adds a namespace between the question and the erase.
func TestNamespaceThatAppears(t *testing.T) {
	p, err := FindProfile("nvme-late-namespace")
	if err != nil {
		t.Fatal(err)
	}
	p.Faults = nil
	d, ctx := newDrive(t, p, Options{}), context.Background()
	a, err := d.Probe(ctx)
	if err != nil || len(a.Spaces) != 0 {
		t.Fatalf("%+v %v", a, err)
	}
	v, err := d.Device(ctx, drive.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	d.Inject(Fault{Kind: FaultNamespace, AfterCommands: 1})
	if a, err := v.Firmware().Abilities(ctx); err != nil || len(a.Spaces) != 1 {
		t.Errorf("%+v %v", a, err)
	}
	for e := range p.Erasers {
		_, err := v.Firmware().Start(ctx, e, erase.StartOptions{})
		if e != inventory.NVMeFormatUser && !errors.Is(err, erase.ErrIdentityChanged) {
			t.Errorf("%s: %v", e, err)
		}
	}
	if n := d.Truth().Areas[1].OriginalBytes; n != 1<<20 {
		t.Errorf("%d bytes of it are left", n)
	}
}
