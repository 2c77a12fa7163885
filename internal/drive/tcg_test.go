package drive_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// sed makes the simulated self-encrypting drive of a profile.
func sed(t *testing.T, profile string, s drive.Secrets) (*drivesim.Drive, erase.Firmware) {
	t.Helper()
	p, err := drivesim.FindProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	return sedOf(t, p, s)
}

func sedOf(t *testing.T, p drivesim.Profile, s drive.Secrets) (*drivesim.Drive, erase.Firmware) {
	t.Helper()
	drives, err := drivesim.New(p, drivesim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := drives[0]
	fw, err := drive.NewFirmware(context.Background(), d.Facts(), d, s)
	if err != nil || fw == nil {
		t.Fatalf("%v, %v", fw, err)
	}
	return d, fw
}

// ended waits for the end of an erase, in the drive's own time.
func ended(t *testing.T, d *drivesim.Drive, fw erase.Firmware) erase.Status {
	t.Helper()
	for range 1000 {
		s, err := fw.Status(context.Background())
		if err != nil {
			t.Fatalf("status: %v", err)
		}
		if s.State != erase.StateRunning {
			return s
		}
		if err := d.Wait(context.Background(), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it never ends")
	return erase.Status{}
}

func said(commands []erase.Command) string {
	var lines []string
	for _, c := range commands {
		lines = append(lines, c.Name+": "+c.Status)
	}
	return strings.Join(lines, "\n")
}

const labelPSID = "simp-sid0-0000-0000-0000-0000-0000-0001"

func TestRevertErasesAndSaysWhatWasBefore(t *testing.T) {
	for _, c := range []struct {
		name, profile string
		command       inventory.EraseCommand
		secrets       drive.Secrets
		want          string // in the record
	}{
		{"Opal as delivered, by the MSID", "ata-ssd-opal", inventory.TCGRevert, drive.Secrets{}, "activated for this revert"},
		{"Opal as delivered, by the PSID", "ata-ssd-opal", inventory.TCGPSIDRevert, drive.Secrets{PSID: []byte(labelPSID)}, "activated for this revert"},
		{"Opal 1", "ata-ssd-opal-1", inventory.TCGRevert, drive.Secrets{}, "Locking SP"},
		{"Opal locked, by the owner's password", "ata-ssd-opal-locked", inventory.TCGRevert, drive.Secrets{Password: []byte("nobody knows this")}, "manufactured (activated)"},
		{"Opal locked, by the PSID", "ata-ssd-opal-locked", inventory.TCGPSIDRevert, drive.Secrets{PSID: []byte(labelPSID)}, "manufactured (activated)"},
		{"a drive whose revert needs an active Locking SP", "ata-ssd-opal-inactive", inventory.TCGRevert, drive.Secrets{}, "activated for this revert"},
		{"Pyrite 2", "ata-ssd-pyrite-2", inventory.TCGRevert, drive.Secrets{}, "block erase"},
		{"Enterprise", "sas-ssd-enterprise", inventory.TCGRevert, drive.Secrets{}, "all 9 bands"},
		{"Enterprise locked, by the PSID", "sas-ssd-enterprise-locked", inventory.TCGPSIDRevert, drive.Secrets{PSID: []byte("SIMPSID0000000000000000000000002")}, "Revert of the whole drive"},
		{"Enterprise locked, by the owner's password", "sas-ssd-enterprise-locked", inventory.TCGRevert, drive.Secrets{Password: []byte("nobody knows this")}, "all 9 bands"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, fw := sed(t, c.profile, c.secrets)
			commands, err := fw.Start(context.Background(), c.command, erase.StartOptions{})
			if err != nil {
				t.Fatalf("%v\n%s", err, said(commands))
			}
			s := ended(t, d, fw)
			if s.State != erase.StateSucceeded || s.Of != c.command {
				t.Errorf("%v of %q: %s", s.State, s.Of, s.Command.Status)
			}
			if record := said(append(commands, s.Command)); !strings.Contains(record, c.want) {
				t.Errorf("the record does not say %q:\n%s", c.want, record)
			}
			for _, secret := range []string{"nobody knows", "SIMPSID", "SIMMSID", labelPSID} {
				if strings.Contains(said(commands), secret) {
					t.Errorf("a password is in the record:\n%s", said(commands))
				}
			}
			if left := d.Truth().OriginalBytes(drivesim.Addressable); left != 0 {
				t.Errorf("%d bytes of original data are left", left)
			}
			a, err := fw.Abilities(context.Background())
			if err != nil || a.Security.Locked {
				t.Errorf("afterwards: %+v, %v", a.Security, err)
			}
		})
	}
}

// A drive whose Locking SP is still in use has not been reverted, whatever it says.
func TestRevertThatLeavesLockingActivatedHasFailed(t *testing.T) {
	for _, profile := range []string{"ata-ssd-opal", "ata-ssd-opal-locked", "ata-ssd-pyrite-2"} {
		p, err := drivesim.FindProfile(profile)
		if err != nil {
			t.Fatal(err)
		}
		setup := *p.TCG
		setup.StaysActivated = true
		p.TCG = &setup
		d, fw := sedOf(t, p, drive.Secrets{Password: []byte("nobody knows this")})
		if commands, err := fw.Start(t.Context(), inventory.TCGRevert, erase.StartOptions{}); err != nil {
			t.Fatalf("%s: %v\n%s", profile, err, said(commands))
		}
		if s := ended(t, d, fw); s.State != erase.StateFailed {
			t.Errorf("%s: %v: %s", profile, s.State, s.Command.Status)
		}
	}
	// Enterprise has no such state, and may have its bands at another place.
	p, err := drivesim.FindProfile("sas-ssd-enterprise")
	if err != nil {
		t.Fatal(err)
	}
	setup := *p.TCG
	setup.OpalLockingInfo = true
	p.TCG = &setup
	d, fw := sedOf(t, p, drive.Secrets{})
	if commands, err := fw.Start(t.Context(), inventory.TCGRevert, erase.StartOptions{}); err != nil {
		t.Fatalf("%v\n%s", err, said(commands))
	}
	if s := ended(t, d, fw); s.State != erase.StateSucceeded {
		t.Errorf("Enterprise: %v: %s", s.State, s.Command.Status)
	}
}

// wedgeable is a drive whose commands hang from some moment on.
type wedgeable struct {
	*drivesim.Drive
	wedged bool
}

func (w *wedgeable) Wires() drive.Wires { return drive.Wires{SCSI: w} }

func (w *wedgeable) Issue(ctx context.Context, c scsi.Command) (scsi.Response, error) {
	if w.wedged {
		<-ctx.Done()
		return scsi.Response{}, ctx.Err()
	}
	return w.Drive.Wires().SCSI.Issue(ctx, c)
}

// A revert about which no question comes back is not one that goes on.
func TestRevertThatHangsIsNotAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := sed(t, "sas-ssd-enterprise-locked", drive.Secrets{})
		w := &wedgeable{Drive: d}
		fw, err := drive.NewFirmware(t.Context(), d.Facts(), w, drive.Secrets{PSID: []byte("SIMPSID0000000000000000000000002")})
		if err != nil {
			t.Fatal(err)
		}
		if commands, err := fw.Start(t.Context(), inventory.TCGPSIDRevert, erase.StartOptions{}); err != nil {
			t.Fatalf("%v\n%s", err, said(commands))
		}
		w.wedged = true
		if s, err := fw.Status(t.Context()); !errors.Is(err, erase.ErrGone) {
			t.Errorf("%+v, %v", s, err)
		}
		w.wedged = false
		if s := ended(t, d, fw); s.State != erase.StateSucceeded {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatADriveSaysByTCG(t *testing.T) {
	for _, c := range []struct {
		profile  string
		kind     string // of the lock; empty when it is not TCG's
		encrypts bool
		locked   bool
		blocked  string // why the owner cannot revert
		erasers  bool
		note     string
	}{
		{"ata-ssd-opal", "ata", true, false, "", true, "locking was never activated"},
		{"ata-ssd-opal-blocked", "", true, false, "SID blocked", true, ""},
		{"ata-ssd-opal-locked", "tcg-opal-2", true, true, "the owner's password is needed", true, ""},
		{"ata-ssd-pyrite-1", "tcg-pyrite-1", false, false, "", false, "a revert erases nothing"},
		{"ata-ssd-pyrite-2", "tcg-pyrite-2", false, false, "", true, "a revert erases by block erase"},
		{"sas-ssd-enterprise", "tcg-enterprise", true, false, "", true, ""},
		{"ata-ssd-opal-no-trusted", "ata", true, false, "", false, "libata.allow_tpm=1"},
	} {
		_, fw := sed(t, c.profile, drive.Secrets{})
		a, err := fw.Abilities(context.Background())
		if err != nil {
			t.Errorf("%s: %v", c.profile, err)
			continue
		}
		if c.kind != "" && a.Security.Kind != c.kind || a.Encrypts != c.encrypts || a.Security.Locked != c.locked {
			t.Errorf("%s: encrypts %v, security %+v", c.profile, a.Encrypts, a.Security)
		}
		i := slices.IndexFunc(a.Erasers, func(e inventory.Eraser) bool { return e.Command == inventory.TCGRevert })
		if (i >= 0) != c.erasers {
			t.Errorf("%s: erasers %+v", c.profile, a.Erasers)
		} else if i >= 0 && !strings.HasPrefix(a.Erasers[i].Blocked, c.blocked) || i >= 0 && c.blocked == "" && a.Erasers[i].Blocked != "" {
			t.Errorf("%s: blocked %q, want %q", c.profile, a.Erasers[i].Blocked, c.blocked)
		}
		if notes := strings.Join(a.Notes, "\n"); !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes %q do not say %q", c.profile, notes, c.note)
		}
	}
}

func TestRevertsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, profile string
		command       inventory.EraseCommand
		secrets       drive.Secrets
		want          error
		text          string
	}{
		{"the owner's password is not known", "ata-ssd-opal-locked", inventory.TCGRevert, drive.Secrets{}, erase.ErrLocked, "password is not known"},
		{"a wrong password", "ata-ssd-opal-locked", inventory.TCGRevert, drive.Secrets{Password: []byte("wrong")}, erase.ErrLocked, "NOT_AUTHORIZED"},
		{"firmware blocked the owner", "ata-ssd-opal-blocked", inventory.TCGRevert, drive.Secrets{}, erase.ErrFrozen, "Block SID"},
		{"a wrong PSID", "ata-ssd-opal", inventory.TCGPSIDRevert, drive.Secrets{PSID: []byte(strings.Repeat("X", 32))}, erase.ErrLocked, "NOT_AUTHORIZED"},
		{"a PSID cut short", "ata-ssd-opal", inventory.TCGPSIDRevert, drive.Secrets{PSID: []byte("SIMPSID")}, nil, "7 letters and digits instead of 32"},
		{"Pyrite 1 erases nothing", "ata-ssd-pyrite-1", inventory.TCGRevert, drive.Secrets{}, erase.ErrUnsupported, "Pyrite 1"},
		{"a wrong EraseMaster password", "sas-ssd-enterprise-locked", inventory.TCGRevert, drive.Secrets{Password: []byte("wrong")}, erase.ErrLocked, "NOT_AUTHORIZED"},
		{"no such command", "ata-ssd-opal", inventory.NVMeFormatUser, drive.Secrets{}, erase.ErrUnsupported, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, fw := sed(t, c.profile, c.secrets)
			before := d.Truth().OriginalBytes(drivesim.Everything)
			_, err := fw.Start(context.Background(), c.command, erase.StartOptions{})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
			if s, _ := fw.Status(context.Background()); s.State == erase.StateSucceeded && s.Of == c.command {
				t.Errorf("a success of what was refused: %+v", s)
			}
			if d.Truth().OriginalBytes(drivesim.Everything) != before {
				t.Error("data were erased")
			}
		})
	}
}

func TestLockedDriveIsUnlocked(t *testing.T) {
	for _, c := range []struct {
		name, profile string
		secrets       drive.Secrets
		want          error
		erased        bool
	}{
		{"with the password", "ata-ssd-opal-locked", drive.Secrets{Password: []byte("nobody knows this")}, nil, false},
		{"with the PSID, which costs the data", "ata-ssd-opal-locked", drive.Secrets{PSID: []byte(labelPSID)}, nil, true},
		{"with a wrong password", "ata-ssd-opal-locked", drive.Secrets{Password: []byte("wrong")}, erase.ErrLocked, false},
		{"with nothing", "sas-ssd-enterprise-locked", drive.Secrets{}, erase.ErrLocked, false},
		{"Enterprise, with the password", "sas-ssd-enterprise-locked", drive.Secrets{Password: []byte("nobody knows this")}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, fw := sed(t, c.profile, c.secrets)
			commands, err := fw.Unlock(context.Background())
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v\n%s", err, said(commands))
			}
			a, aerr := fw.Abilities(context.Background())
			if aerr != nil || a.Security.Locked != (c.want != nil) {
				t.Errorf("afterwards: %+v, %v", a.Security, aerr)
			}
			if gone := d.Truth().OriginalBytes(drivesim.Addressable) == 0; gone != c.erased {
				t.Errorf("data gone: %v", gone)
			}
		})
	}
}

// A power cut takes the answer with it: whether the drive reverted is then not
// known, and never called a success.
func TestPowerCutDuringARevert(t *testing.T) {
	d, fw := sed(t, "ata-ssd-opal", drive.Secrets{})
	if _, err := fw.Start(context.Background(), inventory.TCGRevert, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	d.PowerCycle()
	for range 50 {
		s, err := fw.Status(context.Background())
		if err == nil && s.State == erase.StateSucceeded {
			t.Fatalf("a success: %s", s.Command.Status)
		}
	}
}
