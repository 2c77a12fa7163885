package drive

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// anyWire answers every command when it is let go.
type anyWire struct {
	let chan error
}

func (w anyWire) Issue(context.Context, scsi.Command) (scsi.Response, error) {
	return scsi.Response{}, <-w.let
}

func (w anyWire) Admin(context.Context, nvme.Command) (nvme.Completion, error) {
	return nvme.Completion{}, <-w.let
}

func (w anyWire) Sequence(context.Context, ...mmc.Command) ([]mmc.Response, error) {
	return nil, <-w.let
}

func TestCommandsThatADriveHasNotAnsweredAreKnown(t *testing.T) {
	ctx := context.Background()
	for name, give := range map[string]func(Wires) error{
		"SCSI": func(w Wires) error { _, err := w.SCSI.Issue(ctx, scsi.Command{}); return err },
		"NVMe": func(w Wires) error { _, err := w.NVMe.Admin(ctx, nvme.Command{}); return err },
		"MMC":  func(w Wires) error { _, err := w.MMC.Sequence(ctx); return err },
		"area": func(w Wires) error { _, err := w.MMCAreas["boot0"].Sequence(ctx); return err },
	} {
		for _, c := range []struct {
			how  string
			err  error
			none bool
		}{
			{"answered", nil, true},
			{"failed", errors.New("input/output error"), true},
			{"left behind after Ctrl-C", fmt.Errorf("SECURITY ERASE UNIT: %w: %w", kernel.ErrLeftBehind, context.Canceled), false},
		} {
			o, wire := new(outstanding), anyWire{make(chan error)}
			w := o.over(Wires{SCSI: wire, NVMe: wire, MMC: wire, MMCAreas: map[string]mmc.Issuer{"boot0": wire}})
			done := make(chan error)
			go func() { done <- give(w) }()
			for o.none() {
				select {
				case err := <-done:
					t.Fatalf("%s: over before it was answered: %v", name, err)
				default:
				}
			}
			wire.let <- c.err
			if err := <-done; !errors.Is(err, c.err) || o.none() != c.none {
				t.Errorf("%s, %s: none %v, %v", name, c.how, o.none(), err)
			}
		}
	}
	if w := new(outstanding).over(Wires{}); w.SCSI != nil || w.NVMe != nil || w.MMC != nil {
		t.Errorf("wires out of nothing: %+v", w)
	}
}

// A drive at work keeps whoever reads its partitions waiting until it is done.
func TestDriveAtWorkIsClosedWithoutALookAtIt(t *testing.T) {
	dir := t.TempDir()
	for _, atWork := range []bool{true, false} {
		d := shelf(t, dir, "sda", "A", 8192)
		d.block = true // so that its partitions are read, which a file has none of
		if atWork {
			d.commands.begin()
		}
		if err := d.Close(); (err == nil) != atWork {
			t.Errorf("at work %v: %v", atWork, err)
		}
	}
}

func TestNamespacesOfADriveAtWorkAreClosedWithoutALookAtThem(t *testing.T) {
	dir := t.TempDir()
	j, err := Join(shelf(t, dir, "n1", "A", 8192), shelf(t, dir, "n2", "A", 8192))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range j.parts {
		p.block = true
	}
	j.parts[0].commands.begin()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// What still looks for a drive after it was closed must not open it again.
func TestClosedDriveIsNotOpenedAgain(t *testing.T) {
	d := shelf(t, t.TempDir(), "sda", "A", 8192)
	there := d.at.Load().facts
	h := &host{drive: d, sys: t.TempDir(), drives: func(context.Context) ([]inventory.Drive, error) {
		return []inventory.Drive{there}, nil
	}}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.Refind(context.Background()); !errors.Is(err, erase.ErrGone) {
		t.Errorf("got %v", err)
	}
	// It is closed while it is looked for.
	d = shelf(t, t.TempDir(), "sda", "A", 8192)
	there, h.drive = d.at.Load().facts, d
	if err := d.at.Load().close(); err != nil {
		t.Fatal(err)
	}
	h.drives = func(context.Context) ([]inventory.Drive, error) {
		return []inventory.Drive{there}, d.Close()
	}
	if err := h.Refind(context.Background()); !errors.Is(err, erase.ErrGone) {
		t.Errorf("closed meanwhile: got %v", err)
	}
	if _, err := d.at.Load().direct.Stat(); err == nil {
		t.Error("closed meanwhile, and left open")
	}
}
