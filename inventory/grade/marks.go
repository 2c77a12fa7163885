package grade

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// unit is one unit while it is judged.
type unit struct {
	Facts
	rules  Rules
	checks map[string]Check
	// drives are those that belong to the unit, with their health.
	drives []ownDrive
	marks  []Mark
	grade  string
	best   string
}

type ownDrive struct {
	path, name string
	state      DataState
	soldered   bool
	health     Health
}

func newUnit(f Facts, r Rules) *unit {
	u := &unit{Facts: f, rules: r, checks: map[string]Check{}}
	for _, c := range f.Checks {
		u.checks[c.Part] = c
	}
	told := map[string]Drive{}
	for _, d := range f.Drives {
		told[d.Path] = d
	}
	for _, d := range f.Machine.Drives {
		t, ok := told[d.Path]
		delete(told, d.Path)
		if !ok && !own(d) && !u.bare() {
			continue
		}
		u.drives = append(u.drives, ownDrive{
			path: d.Path, name: cmp.Or(strings.TrimSpace(d.Model+" "+d.Serial), d.Path, "of no name"), state: t.State,
			soldered: t.Soldered || d.Bus == inventory.BusMMC && !d.Removable, health: JudgeHealth(d, r.Health),
		})
	}
	// One that is gone from the machine may still hold data.
	for _, d := range f.Drives {
		if _, left := told[d.Path]; left {
			u.drives = append(u.drives, ownDrive{path: d.Path, name: d.Path, state: d.State, soldered: d.Soldered, health: JudgeHealth(inventory.Drive{}, r.Health)})
		}
	}
	return u
}

// own reports whether a drive belongs to the machine that shows it, unless
// somebody says otherwise.
func own(d inventory.Drive) bool {
	outside := []inventory.Bus{inventory.BusUSB, inventory.BusFabric, inventory.BusVirtual, inventory.BusLoop, inventory.BusImage}
	return !d.Removable && d.Media != inventory.MediaOptical && d.PartitionOf == "" && !slices.Contains(outside, d.Bus)
}

// bare reports whether nothing but drives is known.
func (u *unit) bare() bool { return !u.machineKnown() && len(u.Machine.Drives) > 0 }

// machineKnown reports whether anything is known of the machine itself.
func (u *unit) machineKnown() bool {
	m := u.Machine
	return m.System.Manufacturer != "" || m.System.Model != "" || len(m.CPU) > 0 || m.Memory.TotalBytes > 0 || len(m.Displays) > 0 ||
		m.Board.Model != "" || u.class() != "other"
}

func (u *unit) class() string { return cmp.Or(u.Machine.System.Class, "other") }

func (u *unit) portable() bool {
	return slices.Contains([]string{"laptop", "convertible", "tablet", "phone"}, u.class())
}

// failed reports whether a person found a part wanting.
func (u *unit) failed(part string) bool { return u.checks[part].Verdict == "fail" }

// mark is the mark of one side.
func (u *unit) mark(of string) Mark {
	i := slices.IndexFunc(u.marks, func(m Mark) bool { return m.Of == of })
	return u.marks[i]
}

func (u *unit) judgeSides() {
	u.marks = []Mark{u.function(), u.cosmetic(), u.battery(), u.storage(), u.data()}
	if !u.bare() {
		return
	}
	for i, m := range u.marks {
		if (m.Of == Function || m.Of == Cosmetic) && m.Grade == "" {
			u.marks[i] = Mark{Of: m.Of, None: true, Reasons: []Reason{because("grading."+m.Of, "drive-only")}}
		}
	}
}

// leaveOpen takes a mark for the best that a side can come to, while the rest of
// it is not known.
func (m *Mark) leaveOpen() {
	if m.Grade == "" {
		return
	}
	m.Grade, m.AtBest = "", m.Grade
	if m.AtBest == "A" {
		m.AtBest = ""
	}
}

// function is the mark for what works. It is not known before every part that
// the policy names for the class was tried, unless no further fault could make
// it worse.
func (u *unit) function() Mark {
	m := Mark{Of: Function}
	var faults, open []Reason
	needed, tried := 0, 0
	for _, p := range u.rules.Function {
		rule := "grading.function." + p.Part
		needs := u.needs(p)
		if needs {
			needed++
		}
		switch u.checks[p.Part].Verdict {
		case "fail":
			faults = append(faults, because(rule, "fails-"+p.Part))
			m.Grade = worse(m.Grade, p.Fails)
			tried++
		case "pass":
			tried++
		default:
			if needs {
				open = append(open, because(rule, "untried-"+p.Part))
			}
		}
	}
	switch {
	case m.Grade == worst:
		open = nil
	case needed > 0 && tried == 0:
		m.Reasons = []Reason{because("grading.function", "unchecked")}
		return m
	case len(open) > 0:
		m.leaveOpen()
	case needed == 0 && tried == 0:
		m.None = true
	case m.Grade == "":
		m.Grade, faults = "A", []Reason{because("grading.function", "works")}
	}
	m.Reasons = append(faults, open...)
	return m
}

// needs reports whether a part must have been tried: not where the machine
// plainly has none.
func (u *unit) needs(p PartRule) bool {
	// Of a machine of no class nobody knows what it has.
	if class := u.class(); class != "other" && !slices.Contains(p.Of, class) {
		return false
	}
	skipped := u.checks[p.Part].Verdict == "skip"
	switch p.Part {
	case "camera":
		return !skipped || len(u.Machine.Cameras) > 0
	case "wifi":
		return !skipped || len(u.Machine.WiFi) > 0
	}
	return true
}

// cosmetic is the mark for looks.
func (u *unit) cosmetic() Mark {
	m := Mark{Of: Cosmetic}
	if g := u.checks[Cosmetic].Grade; g != "" && slices.Contains(Marks(), g) {
		m.Grade = g
		m.Reasons = append(m.Reasons, because("grading.cosmetic", "looks", "Mark", g))
	}
	known := m.Grade != ""
	if u.failed("damage") {
		m.Grade = worse(m.Grade, u.rules.Damaged)
		m.Reasons = slices.Insert(m.Reasons, 0, because("grading.cosmetic.damaged", "damaged"))
	}
	if !known && m.Grade != worst {
		m.leaveOpen()
		m.Reasons = append(m.Reasons, because("grading.cosmetic", "looks-unknown"))
	}
	return m
}

// battery is the mark of the worst battery.
func (u *unit) battery() Mark {
	m := Mark{Of: Battery}
	b := u.rules.Battery
	switch {
	case u.failed(PartBatterySafety):
		m.Grade, m.Reasons = worst, []Reason{because("grading.battery", "battery-defective")}
		return m
	case u.failed(Battery):
		m.Grade, m.Reasons = worst, []Reason{because("grading.battery", "battery-failed")}
		return m
	case len(u.Machine.Batteries) == 0 && u.portable():
		m.Reasons = []Reason{because("grading.battery", "battery-unseen")}
		return m
	case len(u.Machine.Batteries) == 0 && u.class() == "other" && !u.bare():
		m.Reasons = []Reason{because("grading.battery", "battery-unknown")}
		return m
	case len(u.Machine.Batteries) == 0:
		m.None, m.Reasons = true, []Reason{because("grading.battery", "battery-none")}
		return m
	}
	unknown := false
	for _, battery := range u.Machine.Batteries {
		h := battery.HealthPercent
		mark, r := b.judge(h)
		if h <= 0 {
			unknown = true
			continue
		}
		m.Grade = worse(m.Grade, mark)
		m.Reasons = append(m.Reasons, r)
	}
	switch {
	case !unknown || m.Grade == worst:
	case u.checks[Battery].Verdict == "pass" && b.Passed != "":
		m.Grade = worse(m.Grade, b.Passed)
		m.Reasons = append(m.Reasons, because("grading.battery.passed", "battery-passed"))
	default:
		m.leaveOpen()
		m.Reasons = append(m.Reasons, because("grading.battery", "battery-unknown"))
	}
	return m
}

// judge gives the mark of a health in percent, which may be over 100.
func (b BatteryRules) judge(percent int) (mark string, why Reason) {
	for _, t := range []struct {
		mark  string
		least int
	}{{"A", b.A}, {"B", b.B}, {"C", b.C}} {
		if percent >= t.least {
			return t.mark, because("grading.battery."+t.mark, "battery-health", "Percent", strconv.Itoa(percent), "Mark", t.mark, "Least", strconv.Itoa(t.least))
		}
	}
	return worst, because("grading.battery.C", "battery-low", "Percent", strconv.Itoa(percent), "Least", strconv.Itoa(b.C))
}

// storageRead reports whether anybody looked for drives: whoever has done the
// work has. That a report lists none proves nothing, also where it lists what
// they would hang on.
func (u *unit) storageRead() bool { return !u.BeforeWork || len(u.drives) > 0 }

// holdsNone reports whether a unit is of a class that has no drives.
func (u *unit) holdsNone() bool { return u.class() == "monitor" && len(u.drives) == 0 }

// storage is the mark of the worst drive that stays in the unit.
func (u *unit) storage() Mark {
	m, rules := Mark{Of: Storage}, u.rules.Drive
	if u.holdsNone() {
		m.None, m.Reasons = true, []Reason{because("grading.drive", "drive-none")}
		return m
	}
	if !u.storageRead() {
		m.Reasons = []Reason{because("grading.drive", "drive-unread")}
		return m
	}
	stay, unknown := 0, false
	for _, d := range u.drives {
		if d.state == DataDestroy && !d.soldered {
			continue
		}
		stay++
		verdict := d.health.Verdict
		mark, rule := "", "grading.drive"
		switch verdict {
		case HealthOK:
			mark, rule = rules.OK, "grading.drive.ok"
		case HealthWarn:
			mark, rule = rules.Warn, "grading.drive.warn"
		case HealthReject:
			mark, rule = rules.Reject, "grading.drive.reject"
		default:
			verdict, unknown = HealthUnknown, true
		}
		m.Grade = worse(m.Grade, mark)
		m.Reasons = append(m.Reasons, because(rule, "drive-"+verdict, "Drive", d.name))
		if verdict != HealthOK {
			m.Reasons = append(m.Reasons, d.health.Reasons...)
		}
	}
	if unknown && m.Grade != worst {
		m.leaveOpen()
	}
	switch {
	case u.StorageUnreachable:
		// Nobody knows what that is worth.
		if m.Grade != worst {
			m.leaveOpen()
		}
		m.Reasons = append(m.Reasons, because("grading.drive", "storage-unreachable"))
	case stay == 0:
		m.Grade, m.Reasons = rules.Without, []Reason{because("grading.drive.without", "drive-gone")}
	}
	return m
}

// dataRule is the rule of what no policy changes.
const dataRule = "ombruk: data"

// data is the mark for the data: A when all of what stays in the unit is clean,
// D when it cannot be made clean, nothing while nobody can say.
func (u *unit) data() Mark {
	m := Mark{Of: Data}
	if u.StorageUnreachable {
		m.Reasons = append(m.Reasons, because(dataRule, "storage-unreachable"))
	}
	open := u.StorageUnreachable
	for _, d := range u.drives {
		switch {
		case d.state == DataClean:
			m.Reasons = append(m.Reasons, because(dataRule, "data-clean", "Drive", d.name))
		case d.state == DataDestroy && d.soldered:
			m.Grade = worst
			m.Reasons = append(m.Reasons, because(dataRule, "data-soldered", "Drive", d.name))
		case d.state == DataDestroy:
			m.Reasons = append(m.Reasons, because(dataRule, "data-destroy", "Drive", d.name))
		case d.state == DataHold:
			open = true
			m.Reasons = append(m.Reasons, because(dataRule, "data-retry", "Drive", d.name))
		default:
			open = true
			m.Reasons = append(m.Reasons, because(dataRule, "data-untreated", "Drive", d.name))
		}
	}
	switch {
	case m.Grade == worst || open:
	case len(u.drives) > 0:
		m.Grade = "A"
	case u.holdsNone() || u.storageRead():
		m.None, m.Reasons = true, []Reason{because(dataRule, "data-none")}
	default:
		m.Reasons = []Reason{because(dataRule, "data-unread")}
	}
	return m
}
