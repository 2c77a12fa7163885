package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// lockOrder is the order in which the locks of a machine are listed.
var lockOrder = []string{
	LockFirmwareStart, LockFirmwareSetup, LockDrive, LockAbsolute, LockPlatformBinary,
	LockAutopilot, LockActivation, LockKnox, LockChromeEnrolment, LockManagement,
}

// mergedLocks makes one lock of the findings of each code: one that says set
// counts before those that say clear, and those before the ones that do not
// know. Findings that agree are told together.
func mergedLocks(findings []Lock) []Lock {
	rank := map[LockState]int{LockSet: 2, LockClear: 1}
	merged := []Lock{}
	for _, code := range lockOrder {
		var lock Lock
		for _, f := range findings {
			switch {
			case f.Code != code:
			case lock.Code == "" || rank[f.State] > rank[lock.State]:
				lock = f
			case f.State == lock.State && !strings.Contains(lock.Text, f.Text):
				lock.Text += "; " + f.Text
			}
		}
		if lock.Code != "" {
			merged = append(merged, lock)
		}
	}
	return merged
}

// DriveLocks are the passwords of a machine's drives: one lock for each drive
// that has one set or does not tell, and one for all that have none. A drive
// that was not asked is unknown, see [Drive.Abilities]. A machine that has no drive has one lock: clear, or unknown where a drive may
// be hidden. The medium that this system was started from is not counted, nor
// is what is no drive of a machine.
func DriveLocks(m Machine) []Lock {
	all := []Lock{}
	var without []string
	for _, d := range m.Drives {
		started := slices.ContainsFunc(d.Uses, func(u Use) bool { return u.Kind == UseBootMedium })
		if started || slices.Contains([]Bus{BusLoop, BusImage, BusVirtual, BusFabric}, d.Bus) {
			continue
		}
		if lock := driveLock(d); lock.State == LockClear {
			without = append(without, lock.Text)
		} else {
			all = append(all, lock)
		}
	}
	switch {
	case len(without) > 4:
		all = append(all, Lock{Code: LockDrive, State: LockClear, Text: fmt.Sprintf("%d drives say that no password is set, or have no lock", len(without))})
	case len(without) > 0:
		all = append(all, Lock{Code: LockDrive, State: LockClear, Text: strings.Join(without, "; ")})
	case len(all) > 0:
	case slices.ContainsFunc(Unseen(m), Reason.Hides):
		all = append(all, Lock{Code: LockDrive, State: LockUnknown, Text: "no drive is seen, and one may be hidden"})
	default:
		all = append(all, Lock{Code: LockDrive, State: LockClear, Text: "the machine shows no drive"})
	}
	return all
}

// driveLock is what one drive says of its password.
func driveLock(d Drive) Lock {
	name := strings.TrimSpace(d.Path + " " + d.Serial)
	if d.Abilities == nil {
		return Lock{LockDrive, LockUnknown, name + ": the drive was not asked"}
	}
	switch s := d.Abilities.Security; {
	case s.Locked:
		return Lock{LockDrive, LockSet, fmt.Sprintf("%s: the drive says that it is locked (%s)", name, s.Kind)}
	case s.Enabled:
		return Lock{LockDrive, LockSet, fmt.Sprintf("%s: the drive says that a password is set (%s)", name, s.Kind)}
	case s.Supported:
		return Lock{LockDrive, LockClear, fmt.Sprintf("%s: the drive says that no password is set (%s)", name, s.Kind)}
	case d.Abilities.Protocol == "":
		return Lock{LockDrive, LockUnknown, name + ": the drive did not answer"}
	}
	return Lock{LockDrive, LockClear, name + ": the drive has no lock"}
}

// lettersOf is a name of a setting without case and punctuation, which makers
// write differently from model to model.
func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// passwordLock is the lock that a password of the firmware's is, by its role
// (Documentation/ABI/testing/sysfs-class-firmware-attributes); empty for
// another.
func passwordLock(role string) string {
	switch lettersOf(role) {
	case "biosadmin", "systemmgmt", "enhancedbiosauth":
		return LockFirmwareSetup
	case "poweron":
		return LockFirmwareStart
	case "hdd", "nvme":
		return LockDrive
	}
	return ""
}

// absoluteState is what a setting of the firmware says of the Absolute
// (Computrace) module; ok is false when the setting is another. Enabled only
// means that the module may be activated: Dell knowledge base 142862, Lenovo
// BIOS settings guide for ThinkPad (AbsolutePersistenceModuleActivation). HP
// tells the state itself (Absolute Persistence Module Current State).
func absoluteState(setting, value string) (state LockState, ok bool) {
	name := lettersOf(setting)
	if !strings.Contains(name, "computrace") && !strings.Contains(name, "absolute") || strings.Contains(name, "setonce") {
		return "", false
	}
	switch word := lettersOf(value); {
	case slices.Contains([]string{"activate", "activated", "active"}, word):
		return LockSet, true
	case slices.Contains([]string{"inactive", "notactivated", "deactivate", "deactivated", "notactive"}, word), strings.HasSuffix(word, "disable"), strings.HasSuffix(word, "disabled"):
		return LockClear, true
	}
	return LockUnknown, true
}
