package job

import (
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

// What a technician says of a lock joins what was found, but no word opens a
// lock that the machine itself shows.
func TestLocksThatAPersonToldOf(t *testing.T) {
	found := []inventory.Lock{
		{Code: inventory.LockAbsolute, State: inventory.LockSet, Text: "an active agent in the firmware"},
		{Code: inventory.LockAutopilot, State: inventory.LockUnknown},
	}
	got := withLocks(found, []inventory.Lock{
		{Code: inventory.LockAutopilot, State: inventory.LockSet, Text: "seen by a person"},
		{Code: inventory.LockAbsolute, State: inventory.LockClear, Text: "a person saw none"},
		{Code: inventory.LockKnox, State: inventory.LockClear, Text: "a person saw none"},
	})
	for code, want := range map[string]inventory.LockState{
		inventory.LockAbsolute: inventory.LockSet, inventory.LockAutopilot: inventory.LockSet, inventory.LockKnox: inventory.LockClear,
	} {
		n := 0
		for _, l := range got {
			if l.Code == code {
				if n++; l.State != want {
					t.Errorf("%s is %s, want %s", code, l.State, want)
				}
			}
		}
		if n != 1 {
			t.Errorf("%s is there %d times", code, n)
		}
	}
	if found[1].State != inventory.LockUnknown {
		t.Error("the machine's own list was changed")
	}
	if none := withLocks(nil, nil); none == nil || len(none) != 0 {
		t.Errorf("no locks are %v, want an empty list", none)
	}
}
