package inventory

import (
	"slices"
	"strings"
	"testing"
)

// The values are those of the makers' own lists of settings.
func TestWhatASettingSaysOfAbsolute(t *testing.T) {
	for _, c := range []struct {
		setting, value string
		want           LockState
		ok             bool
	}{
		{"AbsolutePersistenceModuleActivation", "Enable", LockUnknown, true}, // Lenovo: may be activated
		{"AbsolutePersistenceModuleActivation", "Disable", LockClear, true},
		{"AbsolutePersistenceModuleActivation", "PermanentlyDisable", LockClear, true},
		{"ComputraceModuleActivation", "Disable", LockClear, true},
		{"Computrace", "Activate", LockSet, true}, // Dell until about 2018
		{"Computrace", "Deactivate", LockClear, true},
		{"Computrace", "Disable", LockClear, true},
		{"Absolute", "Enabled", LockUnknown, true}, // Dell since
		{"Absolute", "PermanentlyDisabled", LockClear, true},
		{"Absolute Persistence Module Current State", "Active", LockSet, true}, // HP
		{"Absolute Persistence Module Current State", "Inactive", LockClear, true},
		{"Absolute Persistence Module Current State", "Permanently Disabled", LockClear, true},
		{"Permanent Disable Absolute Persistence Module Set Once", "No", "", false}, // an order, no state
		{"Absolute", "", LockUnknown, true},
		{"Absolute", "\x1b[2Jactive?no", LockUnknown, true},
		{"SecureBoot", "Enabled", "", false},
	} {
		if got, ok := absoluteState(c.setting, c.value); got != c.want || ok != c.ok {
			t.Errorf("%s=%s: %q, %v; want %q, %v", c.setting, c.value, got, ok, c.want, c.ok)
		}
	}
}

func TestLocksOfDrives(t *testing.T) {
	with := func(s Security) *Abilities { return &Abilities{Protocol: "ata", Security: s} }
	m := Machine{Drives: []Drive{
		{Path: "/dev/sda", Serial: "A1", Abilities: with(Security{Supported: true, Enabled: true, Locked: true, Kind: "ata"})},
		{Path: "/dev/sdb", Serial: "B2", Abilities: with(Security{Supported: true, Enabled: true, Kind: "tcg-opal-2"})},
		{Path: "/dev/sdc", Serial: "C3", Abilities: with(Security{Supported: true, Kind: "ata"})},
		{Path: "/dev/sdd", Abilities: with(Security{})},
		{Path: "/dev/sde", Abilities: &Abilities{}},
		{Path: "/dev/sdf"},
	}}
	var got []string
	for _, l := range DriveLocks(m) {
		if l.Code != LockDrive || l.Text == "" {
			t.Errorf("%+v", l)
		}
		got = append(got, strings.Fields(l.Text)[0]+" "+string(l.State))
	}
	if want := []string{"/dev/sda set", "/dev/sdb set", "/dev/sde: unknown", "/dev/sdf: unknown", "/dev/sdc clear"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	stick := Drive{Path: "/dev/sdg", Uses: []Use{{Kind: UseBootMedium, Holder: "mounted on /"}}}
	for _, c := range []struct {
		machine Machine
		want    LockState
	}{
		{Machine{Drives: []Drive{stick, {Path: "/dev/loop0", Bus: BusLoop}}}, LockClear},
		{Machine{Drives: []Drive{stick}, Controllers: []Controller{{PCIID: "8086:9a0b", Mode: ModeVMD}}}, LockUnknown},
	} {
		if got := DriveLocks(c.machine); len(got) != 1 || got[0].State != c.want || got[0].Code != LockDrive {
			t.Errorf("%+v: %+v, want %s", c.machine, got, c.want)
		}
	}
}

func TestFindingsOfOneLockAreTakenTogether(t *testing.T) {
	got := mergedLocks([]Lock{
		{LockManagement, LockUnknown, "m"},
		{LockFirmwareSetup, LockUnknown, "nobody tells"}, {LockFirmwareSetup, LockClear, "the tables say"}, {LockFirmwareSetup, LockSet, "a driver says"},
		{LockFirmwareStart, LockClear, "the tables say"}, {LockFirmwareStart, LockUnknown, "nobody tells"}, {LockFirmwareStart, LockClear, "a driver says"},
	})
	want := []Lock{{LockFirmwareStart, LockClear, "the tables say; a driver says"}, {LockFirmwareSetup, LockSet, "a driver says"}, {LockManagement, LockUnknown, "m"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzFirmwareSettings(f *testing.F) {
	f.Add("Absolute", "Enabled")
	f.Add("hdd", "\xff\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		if state, ok := absoluteState(name, value); ok == (state == "") {
			t.Errorf("%q=%q: %q, %v", name, value, state, ok)
		}
		if code := passwordLock(name); code != "" && !slices.Contains(lockOrder, code) {
			t.Errorf("%q: %q", name, code)
		}
	})
}
