// Package drivesim simulates drives that speak the real command sets down to
// the bytes, and know the truth about themselves: every physical block, spare
// and hidden area, key and lock. Some are honest and some lie.
//
// It decides nothing about erasing. Its front ends decode commands from the
// specifications on their own, without the codecs that the tool itself uses,
// so that a mistake made there shows here.
//
// # How to add a profile
//
// A profile is one JSON file in profiles; its name is what --simulate takes.
// Fields are those of [Profile], units are in their names, and unknown ones
// are refused. Begin with the file of the drive that is most like it:
//
//   - title says in one line and plain words what the drive is, expect what a
//     run must come to;
//   - bus, protocol, media, model (it begins with SIM), units: the drive; never
//     the name or serial of a real one;
//   - erasers: the erase commands it says it has, and how long each takes;
//   - the section of its protocol: what the drive answers beyond that;
//   - lies: what it does not do that it says (see [Lie]); then honest is false
//     and unmasked says what it takes to find out;
//   - faults and defects: what happens to it.
//
// TestProfiles loads each, runs its erase commands and compares with the
// ground truth. A new kind of lie is a constant and a branch where the lie is
// told; what an erase does to the medium is in engine.go alone.
package drivesim

import (
	"errors"
	"fmt"
	"time"
)

// Options are what makes two drives of one profile different.
type Options struct {
	// Path is the node to go by, "/dev/sim0" when empty. Further namespaces
	// and boot partitions add to it.
	Path string
	// Serial takes the place of the profile's.
	Serial string
	// Clock is the drive's time; one of its own that begins in 2026 when nil.
	Clock *Clock
	// Seed varies what is random.
	Seed uint64
	// Faults and Defects come on top of the profile's.
	Faults  []Fault
	Defects []Defect
}

// New makes the drive of a profile, full of original data: one Drive for each
// namespace, logical unit and boot partition that a host sees. The first is
// the drive itself. A twin, and the drive that a confused bridge answers for,
// come last.
func New(p Profile, o Options) ([]*Drive, error) {
	if o.Clock == nil {
		o.Clock = NewClock(time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), 0)
	}
	if o.Path == "" {
		o.Path = "/dev/sim0"
	}
	c, err := newCore(p, o, 0)
	if err != nil {
		return nil, err
	}
	drives := c.drives(o.Path)
	if len(drives) == 0 {
		return nil, fmt.Errorf("simulate %s: %w", p.Name, errors.New("no unit is visible"))
	}
	for _, d := range drives {
		for _, other := range drives {
			if other != d {
				d.siblings = append(d.siblings, other.path)
			}
		}
	}
	if c.lies(LieTwin) || c.lies(LieOtherDrive) {
		if c.lies(LieTwin) {
			o.Serial = c.serial
		}
		second, err := newCore(p, o, 1)
		if err != nil {
			return nil, err
		}
		others := second.drives(o.Path + "-second")
		if c.lies(LieOtherDrive) {
			for _, d := range drives {
				d.commands = second
			}
			second.profile.Lies = nil
		}
		drives = append(drives, others...)
	}
	return drives, nil
}

// drives are the targets that a host sees of a core.
func (c *core) drives(path string) []*Drive {
	var drives []*Drive
	for _, a := range c.medium.areas {
		if !a.attached || a.kind == rpmbArea {
			continue
		}
		name := path
		switch {
		case a.kind == bootArea:
			name = fmt.Sprintf("%sboot%d", path, a.number-1)
		case len(drives) > 0:
			name = fmt.Sprintf("%sn%d", path, len(drives)+1)
		}
		d := &Drive{core: c, area: a, path: name, commands: c, generation: c.generation}
		d.look()
		f := d.Facts()
		d.serial, d.wwn = f.Serial, f.WWN
		drives = append(drives, d)
		c.nodes[name] = a.number
	}
	return drives
}
