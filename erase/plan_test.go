package erase_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

func TestOverwritingIsClearOnEveryMedium(t *testing.T) {
	for _, media := range []inventory.Media{inventory.MediaMagnetic, inventory.MediaFlash, inventory.MediaUnknown, inventory.MediaImage} {
		for _, s := range erase.Standards() {
			d := newMemoryDrive(1 << 20).facts()
			d.Media = media
			p, err := erase.MakePlan(d, erase.Order{Standard: s})
			if p.Achieves != erase.Clear {
				t.Errorf("%s on %s achieves %v", s.ID, media, p.Achieves)
			}
			if refused := errors.Is(err, erase.ErrOutOfReach); refused != (s.Method == erase.Purge) {
				t.Errorf("%s on %s: error %v", s.ID, media, err)
			}
			if strings.Contains(strings.ToLower(p.Reference), "approved") {
				t.Errorf("%s: %q claims approval", s.ID, p.Reference)
			}
		}
	}
}

func TestWaysOutWhenPurgeIsOutOfReach(t *testing.T) {
	d := newMemoryDrive(1 << 20).facts()
	purge := standard(t, "nist-800-88r2-purge")

	_, err := erase.MakePlan(d, erase.Order{Standard: purge})
	var refused *erase.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v, want a refusal", err)
	}
	for _, way := range []string{"nist-800-88r2-clear", "--accept clear", "--best-effort", "destruction"} {
		if !strings.Contains(refused.Hint, way) {
			t.Errorf("hint %q does not name %s", refused.Hint, way)
		}
	}

	p, err := erase.MakePlan(d, erase.Order{Standard: purge, Accept: erase.Clear, AcceptBy: "operator Kari"})
	if err != nil || p.Accepted != erase.Clear || p.AcceptedBy != "operator Kari" || p.Requested != erase.Purge {
		t.Errorf("accepting less: %v; accepted %v by %q, requested %v", err, p.Accepted, p.AcceptedBy, p.Requested)
	}

	r := run(t, newMemoryDrive(1<<20), "nist-800-88r2-purge", func(o *erase.Order, _ *erase.Options) { o.BestEffort = true })
	if r.Fulfilled || r.Disposition != erase.Destroy || r.Achieved != erase.Clear {
		t.Errorf("best effort: fulfilled %v, disposition %v, achieved %v", r.Fulfilled, r.Disposition, r.Achieved)
	}
}

func TestOutlineIsShort(t *testing.T) {
	p, err := erase.MakePlan(newMemoryDrive(1<<20).facts(), erase.Order{Standard: standard(t, "gutmann")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1.-4. overwrite every addressable block, 4 passes: random (AES-128-CTR)",
		"5.-31. overwrite every addressable block, 27 passes: the pattern drawn for it",
		"32.-35. overwrite every addressable block, 4 passes: random (AES-128-CTR)",
		"36. read back every block and compare",
	}
	if got := p.Outline(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAcceptNeverRaises(t *testing.T) {
	p, err := erase.MakePlan(newMemoryDrive(1<<20).facts(), erase.Order{Standard: standard(t, "zero"), Accept: erase.Purge, AcceptBy: "policy"})
	if err != nil || p.Accepted != erase.Clear || p.AcceptedBy != "order" {
		t.Errorf("accepted %v by %q, %v", p.Accepted, p.AcceptedBy, err)
	}
}

func TestWhatIsNeverTouched(t *testing.T) {
	base := newMemoryDrive(1 << 20).facts()
	twin := base
	twin.Path, twin.DeviceNumber = "/dev/twin", "2:2"
	sharing := twin
	sharing.WWN = "naa.1"
	for _, c := range []struct {
		name   string
		change func(*inventory.Drive)
		all    []inventory.Drive
		want   error
		says   string
	}{
		{"free", func(*inventory.Drive) {}, nil, nil, ""},
		{"the stick", func(d *inventory.Drive) {
			d.Uses = []inventory.Use{{Kind: inventory.UseBootMedium, Holder: "/", Device: "/dev/test1"}}
		}, nil, erase.ErrBootMedium, "/dev/test1"},
		{"mounted through a partition", func(d *inventory.Drive) {
			d.Uses = []inventory.Use{{Kind: inventory.UseMounted, Holder: "/home", Device: "/dev/test2"}}
		}, nil, erase.ErrMounted, "/home"},
		{"swap", func(d *inventory.Drive) { d.Uses = []inventory.Use{{Kind: inventory.UseSwap}} }, nil, erase.ErrInUse, "swap"},
		{"a volume on it", func(d *inventory.Drive) {
			d.Uses = []inventory.Use{{Kind: inventory.UseHolder, Holder: "LVM vg0-root"}}
		}, nil, erase.ErrInUse, "vg0-root"},
		{"open elsewhere", func(d *inventory.Drive) {
			d.Uses = []inventory.Use{{Kind: inventory.UseOpen, Holder: "process 4711 (qemu)"}}
		}, nil, erase.ErrInUse, "4711"},
		{"write-protected", func(d *inventory.Drive) { d.ReadOnly = true }, nil, erase.ErrReadOnly, "read-only"},
		{"a partition", func(d *inventory.Drive) { d.PartitionOf = "/dev/whole" }, nil, erase.ErrNotADrive, "/dev/whole"},
		{"no medium", func(d *inventory.Drive) { d.CapacityBytes = 0 }, nil, erase.ErrEmpty, "capacity"},
		{"over iSCSI", func(d *inventory.Drive) { d.Bus = inventory.BusFabric }, nil, erase.ErrFabric, "network"},
		{"two drives with one serial", func(*inventory.Drive) {}, []inventory.Drive{twin}, erase.ErrSharedSerial, "/dev/twin"},
		{"one drive on two paths", func(d *inventory.Drive) { d.AlsoAt = []string{"/dev/twin"} }, []inventory.Drive{twin}, nil, ""},
		{"two namespaces of one drive", func(d *inventory.Drive) { d.Siblings = []string{"/dev/twin"} }, []inventory.Drive{twin}, nil, ""},
		{"two cheap drives with one serial and one WWN", func(d *inventory.Drive) { d.Bus, d.WWN = inventory.BusUSB, "naa.1" }, []inventory.Drive{sharing}, erase.ErrSharedSerial, "/dev/twin"},
		{"one SAS drive on two ports", func(d *inventory.Drive) { d.Bus, d.WWN = inventory.BusSAS, "naa.1" }, []inventory.Drive{sharing}, nil, ""},
		{"itself in the list", func(*inventory.Drive) {}, []inventory.Drive{base}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := base
			c.change(&d)
			err := erase.Blocked(d, c.all, false)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), d.Path)) {
				t.Errorf("%q names neither %s nor %s", err, c.says, d.Path)
			}
		})
	}
	remote := base
	remote.Bus = inventory.BusFabric
	if err := erase.Blocked(remote, nil, true); err != nil {
		t.Errorf("with --allow-fabric: %v", err)
	}
}

func TestConfirmation(t *testing.T) {
	a := inventory.Drive{Path: "/dev/sda", Serial: "AAA"}
	b := inventory.Drive{Path: "/dev/sdb", Serial: "BBB"}
	nameless := inventory.Drive{Path: "/dev/sdc"}
	image := inventory.Drive{Path: "/srv/images/old.img", Bus: inventory.BusImage}
	twin := inventory.Drive{Path: "/dev/sdd", Serial: "AAA"}
	ns1 := inventory.Drive{Path: "/dev/nvme0n1", Serial: "NNN", Siblings: []string{"/dev/nvme0n2"}}
	ns2 := inventory.Drive{Path: "/dev/nvme0n2", Serial: "NNN", Siblings: []string{"/dev/nvme0n1"}}
	for _, c := range []struct {
		name   string
		drives []inventory.Drive
		tokens []string
		want   error
	}{
		{"each by its serial", []inventory.Drive{a, b}, []string{"BBB", "AAA"}, nil},
		{"no serial: its path", []inventory.Drive{nameless}, []string{"/dev/sdc"}, nil},
		{"an image: its base name", []inventory.Drive{image}, []string{"old.img"}, nil},
		{"an image's path is not enough", []inventory.Drive{image}, []string{"/srv/images/old.img"}, erase.ErrNotConfirmed},
		{"nothing confirmed", []inventory.Drive{a}, nil, erase.ErrNotConfirmed},
		{"only one of two", []inventory.Drive{a, b}, []string{"AAA"}, erase.ErrNotConfirmed},
		{"a token too many", []inventory.Drive{a}, []string{"AAA", "ZZZ"}, erase.ErrNotConfirmed},
		{"the wrong case", []inventory.Drive{a}, []string{"aaa"}, erase.ErrNotConfirmed},
		{"confirmed twice", []inventory.Drive{a}, []string{"AAA", "AAA"}, erase.ErrNotConfirmed},
		{"two namespaces of one drive", []inventory.Drive{ns1, ns2}, []string{"NNN"}, nil},
		{"two drives, one serial", []inventory.Drive{a, twin}, []string{"AAA"}, erase.ErrSharedSerial},
	} {
		if err := erase.Confirm(c.drives, c.tokens); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}
