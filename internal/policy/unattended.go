package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/yamlfile"
	"github.com/ombruk/ombruk/inventory"
)

// Unattended is how a stick works by itself, with nobody in front of it.
type Unattended struct {
	// Machines are those that may be erased; empty means every machine.
	Machines []MachinePattern
	Standard string // id
	// BestEffort is what is done with a drive for which the ordered Method is
	// out of reach: the strongest technique it has, and then it is for
	// destruction. False leaves it alone.
	BestEffort bool
	// Countdown is how long it is shown what will happen before it does.
	Countdown time.Duration
	// PowerOff switches the machine off at the end.
	PowerOff bool
}

// MachinePattern names machines by the maker and the model as they are shown,
// or as the firmware itself writes them ("Dell Inc.", "HP EliteBook 840 G5").
// An empty field is not looked at; one that ends in * is only compared up to
// there. Capitals do not matter.
type MachinePattern struct{ Manufacturer, Model string }

// The shortest and the longest countdown: time enough to read it and reach for
// a key, and an end to the waiting.
const minCountdownSeconds, maxCountdownSeconds = 10, 3600

// unattendedTable is the unattended: part of the file.
type unattendedTable struct {
	Machines         []machineTable `yaml:"machines"`
	Standard         string         `yaml:"standard"`
	OutOfReach       string         `yaml:"out_of_reach"`
	CountdownSeconds *int           `yaml:"countdown_seconds"`
	Then             string         `yaml:"then"`
}

type machineTable struct {
	Manufacturer string `yaml:"manufacturer"`
	Model        string `yaml:"model"`
}

// Allows says why a machine may not be erased unattended; nil when it may. A nil
// Unattended allows none.
func (u *Unattended) Allows(s inventory.System) error {
	if u == nil {
		return errors.New("the policy has no section `unattended`, so nothing is erased without a technician: add one that names machines, standard, out_of_reach, countdown_seconds and then")
	}
	if len(u.Machines) == 0 {
		return nil
	}
	for _, m := range u.Machines {
		if matchesOne(m.Manufacturer, s.Manufacturer, s.Raw["sys_vendor"]) && matchesOne(m.Model, s.Model, s.Raw["product_name"], s.Raw["product_version"]) {
			return nil
		}
	}
	return fmt.Errorf("the policy allows no machine %q, model %q, to be erased unattended: add it under unattended.machines, or let a technician do it", s.Manufacturer, s.Model)
}

func matchesOne(pattern string, names ...string) bool {
	return slices.ContainsFunc(names, func(s string) bool { return matches(pattern, s) })
}

func matches(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	s = strings.TrimSpace(s)
	start, open := strings.CutSuffix(pattern, "*")
	if !open {
		return strings.EqualFold(pattern, s)
	}
	return strings.HasPrefix(strings.ToLower(s), strings.ToLower(start))
}

// unattended reads the section. Whoever lets a stick erase by itself says in full
// how: nothing in it has a default but the machines.
func unattended(f *yamlfile.File, in *unattendedTable) (*Unattended, error) {
	if in == nil {
		return nil, nil
	}
	u := &Unattended{}
	if in.Machines != nil && len(in.Machines) == 0 {
		return nil, f.Errorf("unattended.machines", "unattended.machines names none: leave it out for every machine")
	}
	for i, m := range in.Machines {
		at := fmt.Sprintf("unattended.machines[%d]", i)
		if m.Manufacturer == "" && m.Model == "" {
			return nil, f.Errorf(at, "unattended.machines: want a manufacturer, a model or both")
		}
		for key, pattern := range map[string]string{"manufacturer": m.Manufacturer, "model": m.Model} {
			if strings.Contains(strings.TrimSuffix(pattern, "*"), "*") || pattern != strings.TrimSpace(pattern) {
				return nil, f.Errorf(at+"."+key, "unattended.machines: %s %s: want the whole name, or its beginning and one * at the end", key, quoted(pattern))
			}
		}
		u.Machines = append(u.Machines, MachinePattern(m))
	}
	if in.Standard == "" {
		return nil, f.Errorf("unattended", "unattended.standard is missing: name one that ombruk plan --help lists")
	}
	s, err := erase.FindStandard(in.Standard)
	if err != nil {
		return nil, f.Errorf("unattended.standard", "unattended.standard: %w", err)
	}
	u.Standard = s.ID
	if u.BestEffort, err = either(in.OutOfReach, "best-effort", "leave"); err != nil {
		return nil, f.Errorf(present("unattended", "out_of_reach", in.OutOfReach), "unattended.out_of_reach: %w", err)
	}
	if u.PowerOff, err = either(in.Then, "power-off", "stay"); err != nil {
		return nil, f.Errorf(present("unattended", "then", in.Then), "unattended.then: %w", err)
	}
	switch n := in.CountdownSeconds; {
	case n == nil:
		return nil, f.Errorf("unattended", "unattended.countdown_seconds is missing: want %d to %d", minCountdownSeconds, maxCountdownSeconds)
	case *n < minCountdownSeconds || *n > maxCountdownSeconds:
		return nil, f.Errorf("unattended.countdown_seconds", "unattended.countdown_seconds: %d: want %d to %d", *n, minCountdownSeconds, maxCountdownSeconds)
	default:
		u.Countdown = time.Duration(*n) * time.Second
	}
	return u, nil
}

// either is true for one word, false for the other, and an error for the rest.
func either(s, yes, no string) (bool, error) {
	switch s {
	case yes, no:
		return s == yes, nil
	case "":
		return false, fmt.Errorf("is missing: want %s or %s", yes, no)
	}
	return false, fmt.Errorf("%s: want %s or %s", quoted(s), yes, no)
}

// present is where a value stands, or its section where it is missing.
func present(section, key, value string) string {
	if value == "" {
		return section
	}
	return section + "." + key
}
