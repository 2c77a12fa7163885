package remains

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/inventory"
)

func see(s Source, m inventory.Machine, thing string) Seen {
	return seenOf(s.Look(context.Background(), m), thing)
}

// What a machine shows of what remains, and what it does not.
func TestWhatIsSeenOfAMachine(t *testing.T) {
	sd := inventory.Drive{Path: "/dev/mmcblk1", Name: "mmcblk1", Bus: inventory.BusMMC, Removable: true, CapacityBytes: 32e9, Model: "SD32G"}
	reader := inventory.Drive{Path: "/dev/sdc", Bus: inventory.BusUSB, Removable: true, CapacityBytes: 8e9, Manufacturer: "Generic-", Model: "SD/MMC"}
	emmc := inventory.Drive{Path: "/dev/mmcblk0", Bus: inventory.BusMMC, CapacityBytes: 64e9}
	stick := inventory.Drive{Path: "/dev/sdb", Bus: inventory.BusUSB, Removable: true, CapacityBytes: 16e9, Model: "Ultra Fit"}
	booted := sd
	booted.Uses = []inventory.Use{{Kind: inventory.UseBootMedium}}
	empty := map[string]string{"sys/class/mmc_host/mmc0/mmc0:0001/type": "MMC", "sys/class/mmc_host/mmc1/uevent": ""}
	for _, c := range []struct {
		name    string
		machine inventory.Machine
		files   map[string]string
		thing   string
		want    Presence
	}{
		{"a modem", inventory.Machine{Network: []inventory.NIC{{Model: "EM7455", WWAN: true}}}, nil, certs.RemainSIM, Present},
		{"no modem is seen, which one that is switched off is not either", inventory.Machine{Network: []inventory.NIC{{Model: "AX201", Wireless: true}}}, nil, certs.RemainSIM, ""},
		{"a card", inventory.Machine{Drives: []inventory.Drive{emmc, sd}}, nil, certs.RemainCard, Present},
		{"a card in a reader on USB", inventory.Machine{Drives: []inventory.Drive{reader}}, nil, certs.RemainCard, Present},
		{"the card it was started from", inventory.Machine{Drives: []inventory.Drive{booted}}, nil, certs.RemainCard, ""},
		{"a stick is no card", inventory.Machine{Drives: []inventory.Drive{stick, emmc}}, nil, certs.RemainCard, ""},
		{"an empty slot", inventory.Machine{Drives: []inventory.Drive{emmc}}, empty, certs.RemainCard, Absent},
		{"an empty reader on USB", inventory.Machine{}, map[string]string{"sys/class/block/sdb/removable": "1", "sys/class/block/sdb/size": "0\n", "sys/class/block/sdb/device/model": "USB3.0-CRW"}, certs.RemainCard, Absent},
		{"AMT", inventory.Machine{}, map[string]string{"sys/bus/mei/devices/0000:00:16.0-12f80028-b4b7-4b2d-aca8-46e0ff65814c/name": "pthi"}, certs.RemainManagement, Present},
		{"an engine without AMT", inventory.Machine{}, map[string]string{"sys/bus/mei/devices/0000:00:16.0-8e6a6715-9abc-4043-88ef-9e39c6f63e0f/name": "mkhi"}, certs.RemainManagement, ""},
		{"a BMC", inventory.Machine{}, map[string]string{"sys/class/ipmi/ipmi0/uevent": ""}, certs.RemainManagement, Present},
		{"firmware that joins networks", inventory.Machine{}, map[string]string{"sys/firmware/efi/efivars/WifiProfile1-8be4df61-93ca-11d2-aa0d-00e098032b8c": "Min-Hytte"}, certs.RemainWiFi, Present},
		{"other variables", inventory.Machine{}, map[string]string{"sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c": "x", "sys/firmware/efi/efivars/WirelessEnable-8be4df61-93ca-11d2-aa0d-00e098032b8c": "x"}, certs.RemainWiFi, ""},
		{"enrolled", inventory.Machine{Locks: []inventory.Lock{{Code: inventory.LockAutopilot, State: inventory.LockSet}}}, nil, certs.RemainEnrolment, Present},
		{"a firmware password is another matter", inventory.Machine{Locks: []inventory.Lock{{Code: inventory.LockFirmwareSetup, State: inventory.LockSet}}}, nil, certs.RemainEnrolment, ""},
	} {
		got := see(Source{Root: tree(t, c.files)}, c.machine, c.thing)
		if got.Presence != c.want || (len(got.Names) > 0) != (c.want == Present) {
			t.Errorf("%s: %+v, want %q", c.name, got, c.want)
		}
		if strings.Contains(strings.Join(got.Names, " "), "Hytte") {
			t.Errorf("%s: a network is named: %v", c.name, got.Names)
		}
	}
}

// trays is a machine with optical drives, of which each says something.
func trays(t *testing.T, mounts string, says map[string]kernel.Tray) (Source, *[]string) {
	t.Helper()
	files := map[string]string{"proc/self/mounts": mounts}
	for path := range says {
		files["sys/class/block/"+strings.TrimPrefix(path, "/dev/")+"/device/model"] = "DVDRAM GU90N"
	}
	var opened []string
	return Source{Root: tree(t, files),
		Tray: func(path string) (kernel.Tray, error) {
			if says[path] < 0 {
				return 0, errors.New("input/output error")
			}
			return says[path], nil
		},
		OpenTray: func(path string) error {
			if says[path] == kernel.TrayDisc {
				says[path] = kernel.TrayOpen
			}
			opened = append(opened, path)
			return nil
		}}, &opened
}

func TestDiscs(t *testing.T) {
	for _, c := range []struct {
		name, mounts string
		says         map[string]kernel.Tray
		want         Presence
	}{
		{"no drive", "", nil, ""},
		{"empty", "", map[string]kernel.Tray{"/dev/sr0": kernel.TrayEmpty}, Absent},
		{"a disc", "", map[string]kernel.Tray{"/dev/sr0": kernel.TrayDisc}, Present},
		{"one of two", "", map[string]kernel.Tray{"/dev/sr0": kernel.TrayEmpty, "/dev/sr1": kernel.TrayDisc}, Present},
		{"open", "", map[string]kernel.Tray{"/dev/sr0": kernel.TrayOpen}, ""},
		{"one empty, one open", "", map[string]kernel.Tray{"/dev/sr0": kernel.TrayEmpty, "/dev/sr1": kernel.TrayOpen}, ""},
		{"it cannot tell", "", map[string]kernel.Tray{"/dev/sr0": kernel.TrayUnknown}, ""},
		{"it does not answer", "", map[string]kernel.Tray{"/dev/sr0": -1}, ""},
		{"the disc it was started from", "proc /proc proc rw 0 0\n/dev/sr0 /run/live iso9660 ro 0 0\n", map[string]kernel.Tray{"/dev/sr0": kernel.TrayDisc}, ""},
	} {
		s, _ := trays(t, c.mounts, c.says)
		if got := see(s, inventory.Machine{}, certs.RemainDisc); got.Presence != c.want || (got.Way == WayEject) != (c.want == Present) {
			t.Errorf("%s: %+v, want %q", c.name, got, c.want)
		}
	}
}

// An open tray still holds the disc; only a hand takes it.
func TestEjectingADisc(t *testing.T) {
	says := map[string]kernel.Tray{"/dev/sr0": kernel.TrayDisc, "/dev/sr1": kernel.TrayEmpty}
	s, opened := trays(t, "", says)
	m := inventory.Machine{}
	first := s.Look(t.Context(), m)
	did, err := s.Clear(t.Context(), m, certs.RemainDisc)
	if err != nil || did.State != certs.RemainLeft || !slices.Equal(*opened, []string{"/dev/sr0"}) {
		t.Fatalf("%+v, %v, opened %v", did, err, *opened)
	}
	disc := func() certs.Remain {
		return remainOf(Decide(first, s.Look(t.Context(), m), []certs.Remain{did}, nil), certs.RemainDisc)
	}
	if got := disc(); got.State != certs.RemainLeft || !strings.Contains(got.Text, "nobody said") {
		t.Errorf("with the tray open: %+v", got)
	}
	says["/dev/sr0"] = kernel.TrayDisc
	if got := disc(); got.State != certs.RemainLeft {
		t.Errorf("pushed in again: %+v", got)
	}
	says["/dev/sr0"] = kernel.TrayEmpty
	if got := disc(); got.State != certs.RemainDone || got.By != certs.ByOmbruk {
		t.Errorf("taken out: %+v", got)
	}
	if _, err := s.Clear(t.Context(), m, certs.RemainDisc); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing to eject: %v", err)
	}
	if _, err := s.Clear(t.Context(), m, certs.RemainSIM); !errors.Is(err, ErrNothing) {
		t.Errorf("a SIM cannot be cleared: %v", err)
	}
}

// What a record says: what is seen outweighs what is said, and of what nobody
// asked and nothing shows it says nothing.
func TestWhatTheRecordSays(t *testing.T) {
	present, absent := Seen{Presence: Present}, Seen{Presence: Absent}
	taken := Seen{Presence: Present, Taken: true}
	says := func(state certs.RemainState) certs.Remain { return certs.Remain{State: state, Text: "said"} }
	did := func(state certs.RemainState) certs.Remain {
		return certs.Remain{State: state, By: certs.ByOmbruk, Text: "did"}
	}
	for _, c := range []struct {
		name, thing string
		first, last Seen
		did, said   certs.Remain
		want        certs.RemainState
		by          string
	}{
		{"no TPM", certs.RemainTPM, absent, absent, certs.Remain{}, certs.Remain{}, certs.RemainNone, certs.ByOmbruk},
		{"nobody can tell whether there is a TPM", certs.RemainTPM, Seen{}, Seen{}, certs.Remain{}, certs.Remain{}, "", ""},
		{"a TPM nobody asked about", certs.RemainTPM, present, present, certs.Remain{}, certs.Remain{}, certs.RemainLeft, certs.ByOmbruk},
		{"a TPM that was cleared", certs.RemainTPM, taken, present, did(certs.RemainDone), certs.Remain{}, certs.RemainDone, certs.ByOmbruk},
		{"the firmware does it", certs.RemainTPM, taken, taken, did(certs.RemainRequested), certs.Remain{}, certs.RemainRequested, certs.ByOmbruk},
		{"it could not be cleared", certs.RemainTPM, taken, taken, did(certs.RemainLeft), certs.Remain{}, certs.RemainLeft, certs.ByOmbruk},
		{"it could not, and then somebody did it in the setup", certs.RemainTPM, taken, present, did(certs.RemainLeft), says(certs.RemainDone), certs.RemainDone, certs.ByPerson},
		{"somebody says so, and it is still owned", certs.RemainTPM, taken, taken, certs.Remain{}, says(certs.RemainDone), certs.RemainLeft, certs.ByOmbruk},
		{"somebody says there is none, and there is", certs.RemainTPM, present, present, certs.Remain{}, says(certs.RemainNone), certs.RemainLeft, certs.ByOmbruk},
		{"somebody leaves it", certs.RemainTPM, present, present, certs.Remain{}, says(certs.RemainLeft), certs.RemainLeft, certs.ByPerson},

		{"a card that was taken out", certs.RemainCard, present, absent, certs.Remain{}, certs.Remain{}, certs.RemainDone, certs.ByOmbruk},
		{"a card and its reader that went", certs.RemainCard, present, Seen{}, certs.Remain{}, certs.Remain{}, certs.RemainDone, certs.ByOmbruk},
		{"a card that is still in, whatever is said", certs.RemainCard, present, present, certs.Remain{}, says(certs.RemainDone), certs.RemainLeft, certs.ByOmbruk},
		{"a card that was left", certs.RemainCard, present, present, certs.Remain{}, says(certs.RemainLeft), certs.RemainLeft, certs.ByPerson},
		{"a card nobody asked about", certs.RemainCard, present, present, certs.Remain{}, certs.Remain{}, certs.RemainLeft, certs.ByOmbruk},
		{"an empty slot", certs.RemainCard, absent, absent, certs.Remain{}, certs.Remain{}, certs.RemainNone, certs.ByOmbruk},
		{"no slot is seen", certs.RemainCard, Seen{}, Seen{}, certs.Remain{}, certs.Remain{}, "", ""},
		{"no slot is seen, and somebody took one out", certs.RemainCard, Seen{}, Seen{}, certs.Remain{}, says(certs.RemainDone), certs.RemainDone, certs.ByPerson},
		{"a card that came later", certs.RemainCard, absent, present, certs.Remain{}, certs.Remain{}, certs.RemainLeft, certs.ByOmbruk},

		{"an open tray and a word", certs.RemainDisc, present, Seen{}, did(certs.RemainLeft), says(certs.RemainDone), certs.RemainDone, certs.ByPerson},
		{"an open tray and no word", certs.RemainDisc, present, Seen{}, did(certs.RemainLeft), certs.Remain{}, certs.RemainLeft, certs.ByOmbruk},
		{"a disc in a drive that went", certs.RemainDisc, present, Seen{}, certs.Remain{}, certs.Remain{}, certs.RemainLeft, certs.ByOmbruk},

		{"a modem nobody asked about", certs.RemainSIM, present, present, certs.Remain{}, certs.Remain{}, "", ""},
		{"a SIM somebody took out", certs.RemainSIM, present, present, certs.Remain{}, says(certs.RemainDone), certs.RemainDone, certs.ByPerson},
		{"no SIM was in", certs.RemainSIM, present, present, certs.Remain{}, says(certs.RemainNone), certs.RemainNone, certs.ByPerson},
		{"an enrolment", certs.RemainEnrolment, Seen{}, Seen{}, certs.Remain{}, says(certs.RemainLeft), certs.RemainLeft, certs.ByPerson},
	} {
		c.first.Thing, c.last.Thing, c.did.Thing, c.said.Thing = c.thing, c.thing, c.thing, c.thing
		all := Decide([]Seen{c.first}, []Seen{c.last}, []certs.Remain{c.did}, []certs.Remain{c.said})
		got := remainOf(all, c.thing)
		if got.State != c.want || got.By != c.by || c.want != "" && got.Text == "" {
			t.Errorf("%s: %+v, want %s by %s", c.name, got, c.want, c.by)
		}
		if err := (certs.Unit{Remains: all}).Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What a driver says must not fill a record, nor break its lines.
func TestSentencesAreBounded(t *testing.T) {
	got := sentence("x: %v", errors.New(strings.Repeat("æ\n\x00", 10000)+"\xff"))
	if n := len([]rune(got)); n != sentenceMost || strings.ContainsAny(got, "\n\x00") || !utf8.ValidString(got) {
		t.Errorf("%d characters: %.80q", n, got)
	}
}
