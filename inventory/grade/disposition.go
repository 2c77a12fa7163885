package grade

import (
	"slices"
	"strconv"

	"github.com/ombruk/ombruk/inventory"
)

// Truth is whether a condition holds: no, not known, yes. They are ordered, so
// that of several the least is what holds of all.
type Truth int

// The truths.
const (
	False Truth = iota
	Unknown
	True
)

// String is no, unknown or yes.
func (t Truth) String() string { return [...]string{"no", "unknown", "yes"}[t] }

// MarshalText writes it as [Truth.String] does.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Outcome is how one rule of disposition came out.
type Outcome struct {
	Rule    Disposal `json:"rule"`
	Applies Truth    `json:"applies"`
	// Decides is true of the one rule that says where the unit goes. Condition
	// is true of a rule that would hold the unit for work that is still to be
	// done; see [Facts].
	Decides   bool `json:"decides"`
	Condition bool `json:"condition"`
	// Reasons say why it applies, or what is not known.
	Reasons []Reason `json:"reasons"`
}

// ruleName is how reasons name a rule of disposition.
func (d Disposal) ruleName() string { return "grading.dispositions." + d.Name }

// outcome asks one rule.
func (u *unit) outcome(d Disposal) Outcome {
	o := Outcome{Rule: d, Applies: True}
	var met []Reason
	var open []Reason
	for _, c := range u.conditions(d) {
		o.Applies = min(o.Applies, c.holds)
		if c.holds == Unknown {
			open = append(open, c.why...)
		} else {
			met = append(met, c.why...)
		}
	}
	switch o.Applies {
	case True:
		o.Reasons = met
		if len(o.Reasons) == 0 {
			o.Reasons = []Reason{because(d.ruleName(), "nothing-against")}
		}
	case Unknown:
		o.Reasons = open
	}
	return o
}

// condition is how one condition of a rule came out, and why it is so or is not
// known.
type condition struct {
	holds Truth
	why   []Reason
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// conditions asks every condition that a rule names.
func (u *unit) conditions(d Disposal) []condition {
	rule, w := d.ruleName(), d.When
	var all []condition
	add := func(holds Truth, why ...Reason) {
		if holds == False {
			why = nil
		}
		all = append(all, condition{holds, why})
	}
	for _, word := range w.Is {
		all = append(all, u.is(rule, word))
	}
	if len(w.Lock) > 0 {
		all = append(all, u.locked(rule, w.Lock))
	}
	if len(w.Fails) > 0 {
		var faults []Reason
		for _, part := range w.Fails {
			if u.failed(part) {
				faults = append(faults, because(rule, faultOf(part)))
			}
		}
		add(truth(len(faults) > 0), faults...)
	}
	if len(w.Grade) > 0 {
		switch {
		case u.grade != "":
			add(truth(slices.Contains(w.Grade, u.grade)), because(rule, "grade-is", "Grade", u.grade))
		case slices.ContainsFunc(u.rules.Scale[max(u.rules.rank(u.best), 0):], func(l Letter) bool { return slices.Contains(w.Grade, l.Letter) }):
			add(Unknown, because(rule, "grade-unknown"))
		default:
			add(False)
		}
	}
	if len(w.Drive) > 0 {
		all = append(all, u.drivesAre(rule, w.Drive))
	}
	if w.ProcessorBefore > 0 {
		all = append(all, u.processorBefore(rule, w.ProcessorBefore))
	}
	if w.MemoryBelowGiB > 0 {
		all = append(all, u.memoryBelow(rule, w.MemoryBelowGiB))
	}
	all = append(all, u.screen(rule, w)...)
	if len(w.Class) > 0 {
		c := condition{holds: truth(slices.Contains(w.Class, u.class()))}
		if len(all) == 0 && c.holds == True {
			c.why = []Reason{because(rule, "class-is", "Class", u.class())}
		}
		all = append(all, c)
	}
	return all
}

// faultOf is the code of the reason that a part has a fault.
func faultOf(part string) string {
	switch part {
	case Battery:
		return "battery-failed"
	case PartBatterySafety:
		return "battery-defective"
	case "damage":
		return "damaged"
	case "safety":
		return "unsafe"
	}
	return "fails-" + part
}

// is asks one word.
func (u *unit) is(rule, word string) condition {
	so := func(b bool, code string) condition {
		if !b {
			return condition{holds: False}
		}
		return condition{True, []Reason{because(rule, code)}}
	}
	switch word {
	case IsSecurityGraded:
		return so(u.SecurityGraded, "security-graded")
	case IsNothingKnown:
		return so(!u.machineKnown() && len(u.drives) == 0, "nothing-known")
	case IsBatteryDefective:
		return so(u.failed(PartBatterySafety), "battery-defective")
	case IsStorageUnreachable:
		return so(u.StorageUnreachable, "storage-unreachable")
	case IsDataUntreated:
		return u.untreated(rule)
	case IsDataToRetry:
		return u.drivesIn(rule, "data-retry", func(d ownDrive) bool { return d.state == DataHold })
	case IsSolderedToDestroy:
		return u.drivesIn(rule, "data-soldered", func(d ownDrive) bool { return d.state == DataDestroy && d.soldered })
	case IsSolderedRejected:
		return u.drivesIn(rule, "drive-soldered", func(d ownDrive) bool { return d.soldered && d.health.Verdict == HealthReject })
	case IsDriveOnly:
		return so(u.bare(), "drive-only")
	case IsNot64Bit:
		return u.not64Bit(rule)
	case IsDamaged:
		return so(u.failed("damage"), "damaged")
	case IsUnsafe:
		return so(u.failed("safety"), "unsafe")
	case IsGradeUnknown:
		return so(u.grade == "", "grade-unknown")
	case IsWaste, IsProduct:
		if u.Status == "" {
			return condition{Unknown, []Reason{because(rule, "status-unknown")}}
		}
		return so(string(u.Status) == word, "status-"+word)
	}
	return condition{holds: False}
}

// untreated asks whether there is data that nobody has treated.
func (u *unit) untreated(rule string) condition {
	if !u.storageRead() && !u.holdsNone() {
		return condition{True, []Reason{because(rule, "data-unread")}}
	}
	return u.drivesIn(rule, "data-untreated", func(d ownDrive) bool { return d.state == DataUnknown })
}

func (u *unit) drivesIn(rule, code string, in func(ownDrive) bool) condition {
	c := condition{holds: False}
	for _, d := range u.drives {
		if in(d) {
			c.holds, c.why = True, append(c.why, because(rule, code, "Drive", d.name))
		}
	}
	return c
}

// locked asks whether one of the locks is set.
func (u *unit) locked(rule string, codes []string) condition {
	var set []Reason
	unknown := false
	for _, l := range u.Machine.Locks {
		switch {
		case !slices.Contains(codes, l.Code):
		case l.State == inventory.LockSet:
			set = append(set, because(rule, "lock-"+l.Code))
		case l.State != inventory.LockClear:
			unknown = true
		}
	}
	for _, code := range codes {
		unknown = unknown || !slices.ContainsFunc(u.Machine.Locks, func(l inventory.Lock) bool { return l.Code == code })
	}
	switch {
	case len(set) > 0:
		return condition{True, set}
	case unknown && !u.bare() && u.class() != "monitor":
		return condition{Unknown, []Reason{because(rule, "locks-unknown")}}
	}
	return condition{holds: False}
}

// drivesAre asks for the verdict on the worst drive that stays in the unit.
func (u *unit) drivesAre(rule string, verdicts []string) condition {
	c := condition{holds: False}
	for _, d := range u.drives {
		if slices.Contains(verdicts, d.health.Verdict) && (d.state != DataDestroy || d.soldered) {
			c.holds, c.why = True, append(c.why, because(rule, "drive-"+d.health.Verdict, "Drive", d.name))
		}
	}
	return c
}

func (u *unit) not64Bit(rule string) condition {
	if len(u.Machine.CPU) == 0 {
		return u.processorUnknown(rule, "bits-unknown")
	}
	yes, known := bits64(u.Machine.CPU[0])
	switch {
	case !known:
		return condition{Unknown, []Reason{because(rule, "bits-unknown")}}
	case yes:
		return condition{holds: False}
	}
	return condition{True, []Reason{because(rule, "not-64-bit")}}
}

// processorUnknown is the answer to a question about a processor that nobody
// has read; a unit that has none is not asked.
func (u *unit) processorUnknown(rule, code string) condition {
	if u.class() == "monitor" || u.bare() {
		return condition{holds: False}
	}
	return condition{Unknown, []Reason{because(rule, code)}}
}

func (u *unit) processorBefore(rule string, limit int) condition {
	year := 0
	for _, c := range u.Machine.CPU {
		year = max(year, firstSold(c))
	}
	switch {
	case year == 0:
		return u.processorUnknown(rule, "processor-unknown")
	case year >= limit:
		return condition{holds: False}
	}
	return condition{True, []Reason{because(rule, "processor-old", "Year", strconv.Itoa(year), "Limit", strconv.Itoa(limit))}}
}

// memoryBelow asks whether less than so much memory fits. What is in it fits,
// whatever the firmware says.
func (u *unit) memoryBelow(rule string, gib int) condition {
	const bytes = 1 << 30
	most, has := u.Machine.Board.MaxMemoryBytes, u.Machine.Memory.TotalBytes
	switch {
	case has >= int64(gib)*bytes || most >= int64(gib)*bytes:
		return condition{holds: False}
	case most <= 0:
		return u.processorUnknown(rule, "memory-unknown")
	}
	return condition{True, []Reason{because(rule, "memory-small", "GiB", gibibytes(max(most, has)), "Limit", strconv.Itoa(gib))}}
}

func gibibytes(n int64) string {
	return strconv.FormatFloat(float64(n*10/(1<<30))/10, 'f', -1, 64)
}

// display is the unit's own screen; nil when none is known.
func (u *unit) display() *inventory.Display {
	for i := range u.Machine.Displays {
		if d := &u.Machine.Displays[i]; d.Internal || u.class() == "monitor" {
			return d
		}
	}
	return nil
}

// screen asks what a rule says of the screen.
func (u *unit) screen(rule string, w When) []condition {
	var all []condition
	d := u.display()
	if d == nil {
		d = &inventory.Display{}
	}
	ask := func(has, limit float64, code, unknown, arg, told string) {
		switch {
		case limit <= 0:
		case has <= 0:
			all = append(all, condition{Unknown, []Reason{because(rule, unknown)}})
		case has < limit:
			all = append(all, condition{True, []Reason{because(rule, code, arg, told, "Limit", strconv.Itoa(int(limit)))}})
		default:
			all = append(all, condition{holds: False})
		}
	}
	inches := strconv.FormatFloat(d.DiagonalInches, 'f', -1, 64)
	ask(d.DiagonalInches, float64(w.ScreenBelowInches), "screen-small", "screen-unknown", "Inches", inches)
	ask(float64(d.HeightPixels), float64(w.ScreenBelowLines), "screen-lines", "screen-lines-unknown", "Lines", strconv.Itoa(d.HeightPixels))
	ask(float64(d.Year), float64(w.MadeBefore), "screen-old", "screen-year-unknown", "Year", strconv.Itoa(d.Year))
	return all
}
