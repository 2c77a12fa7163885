//go:build vm && linux

package vmlab

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// Drives on their way out, asked by ombruk and by smartctl through the same
// kernel. What smartctl prints is read as any report of its would be, so the
// two ways to the same facts meet here.
func TestHealth(t *testing.T) {
	b := newBench(t)
	b.start(5 * time.Minute)
	names := []string{"ata-hdd-failing", "ata-hdd-nonsense", "ata-hdd-pending", "ata-hdd-self-test-failed", "ata-ssd-worn-out", "nvme-media-errors", "sas-hdd-grown-defects"}
	profiles := map[string]string{}
	for _, name := range names {
		profiles[name] = name
	}
	b.simulate(t, profiles)
	all, compared := b.drives(t), 0
	for _, name := range names {
		ours := b.listed(t, all, name)
		for _, form := range [][]string{{"-x", "-j"}, {"-x"}, {"-a"}} {
			out, err := b.m.Run(append(append([]string{"smartctl"}, form...), b.paths[name])...)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := inventory.ReadSmartctl([]byte(out.Stdout))
			if err != nil || ours.Abilities == nil || ours.Abilities.Health == nil || theirs.Abilities.Health == nil {
				t.Errorf("%s %v: %v\n%s", name, form, err, out.Stdout)
				continue
			}
			mine, judge := reflect.ValueOf(*ours.Abilities.Health), reflect.ValueOf(*theirs.Abilities.Health)
			for i := range mine.NumField() {
				field := mine.Type().Field(i).Name
				got, want := mine.Field(i).Interface(), judge.Field(i).Interface()
				if field == "PastThreshold" { // the name is smartctl's
					got, want = past(ours.Abilities.Health.PastThreshold), past(theirs.Abilities.Health.PastThreshold)
				}
				// The report need not tell everything; -a tells no statistics.
				if judge.Field(i).IsZero() {
					continue
				}
				if compared++; !reflect.DeepEqual(got, want) {
					t.Errorf("%s %v: %s is %s, by smartctl %s", name, form, field, inJSON(got), inJSON(want))
				}
			}
		}
	}
	if compared < 100 {
		t.Errorf("%d figures compared", compared)
	}
	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
}

// past gives the numbers of attributes and whether each is past its threshold now.
func past(of []inventory.PastThreshold) map[int]bool {
	m := map[int]bool{}
	for _, a := range of {
		m[a.ID] = a.Now
	}
	return m
}

// inJSON is a value with what its pointers point to.
func inJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}
