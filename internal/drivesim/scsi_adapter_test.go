package drivesim

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/inventory"
)

// What the tool's own adapters find in each honest profile is what the profile
// says, and each erase command given through them ends as the truth has it.
func TestAdaptersAndDrivesAgree(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Protocol == "nvme" || !p.Honest {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			d := newDrive(t, p, Options{})
			a, err := d.Probe(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			has := map[inventory.EraseCommand]inventory.Eraser{}
			if a != nil {
				for _, e := range a.Erasers {
					has[e.Command] = e
				}
			}
			for e := range p.Erasers {
				if _, ok := has[e]; !ok && !outOfReach(p, e) {
					t.Errorf("%s is not seen; notes %v", e, a.Notes)
				}
			}
			for e := range has {
				// Whether there is a FORMAT UNIT, some only tell when it is given.
				_, ok := p.Erasers[e]
				if !ok && !(e == inventory.SCSIFormat && (p.USB != nil || p.SCSI.NoOpcodes)) {
					t.Errorf("%s is seen and does not exist", e)
				}
			}
			for e, x := range has {
				if _, ok := p.Erasers[e]; !ok || x.Blocked != "" {
					continue
				}
				t.Run(string(e), func(t *testing.T) { throughAdapter(t, p, e) })
			}
		})
	}
}

// outOfReach are erase commands that a drive has and that what stands before
// it does not let through.
func outOfReach(p Profile, e inventory.EraseCommand) bool {
	return p.USB != nil && p.USB.SAT == "none" || p.SCSI != nil && p.SCSI.NoOpcodes
}

func throughAdapter(t *testing.T, p Profile, e inventory.EraseCommand) {
	ctx := context.Background()
	d := newDrive(t, p, Options{})
	s := drive.Secrets{}
	if p.TCG != nil {
		s.PSID = []byte(p.TCG.PSID)
	}
	v, err := d.Device(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	f := v.Firmware()
	if _, err = f.Unlock(ctx); err != nil {
		t.Logf("unlock: %v", err)
	}
	if _, err = f.Reveal(ctx); err != nil {
		t.Logf("reveal: %v", err)
	}
	if _, err = f.Start(ctx, e, erase.StartOptions{}); err != nil {
		t.Logf("start: %v", err)
		if !mayFail(p) {
			t.Errorf("refused: %v", err)
		}
		return
	}
	state := erase.StateRunning
	for range 5000 {
		st, err := f.Status(ctx)
		if err == nil && st.State != erase.StateRunning {
			state = st.State
			break
		}
		if err != nil && !errors.Is(err, erase.ErrGone) {
			t.Logf("status: %v", err)
			state = erase.StateUnknown
			break
		}
		if err != nil {
			_ = d.Refind(ctx)
		}
		if err := d.Wait(ctx, 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Leave(ctx); err != nil {
		t.Logf("leave: %v", err)
		if !mayFail(p) {
			t.Errorf("leave: %v", err)
		}
	}
	truth := d.Truth()
	if state != erase.StateSucceeded {
		if !mayFail(p) {
			t.Errorf("ended as %v", state)
		}
		return
	}
	if left := truth.Areas[0].OriginalBytes; left != 0 {
		t.Errorf("success, and %d bytes of original data are left", left)
	}
	if reachesSpare(e) && truth.SpareBytes != 0 {
		t.Errorf("success, and %d bytes are left in spare blocks", truth.SpareBytes)
	}
	if _, failed := readAll(t, d); failed != 0 && !p.CryptoUnreadable {
		t.Errorf("the drive is not usable afterwards: %d blocks fail", failed)
	}
}

// mayFail are profiles in which an erase need not succeed.
func mayFail(p Profile) bool {
	return len(p.Faults) > 0 || len(p.Defects) > 0 || p.Sanitize != nil || p.ReadOnly || p.TCG != nil && p.TCG.BlockSID ||
		p.TCG != nil && p.TCG.SID != "" ||
		// It says success and stays locked: not believed.
		p.ATA != nil && p.ATA.Security != nil && p.ATA.Security.KeepsPassword
}
