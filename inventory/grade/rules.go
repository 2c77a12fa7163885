package grade

import "slices"

// The sides of a unit that are graded.
const (
	Function = "function"
	Cosmetic = "cosmetic"
	Battery  = "battery"
	Storage  = "drive"
	Data     = "data"
)

// Sides are all sides, in the order in which they are shown.
func Sides() []string { return []string{Function, Cosmetic, Battery, Storage, Data} }

// Marks are those that a side can come to, the best first.
func Marks() []string { return []string{"A", "B", "C", "D"} }

// worst is the worst mark there is.
const worst = "D"

// CheckParts are what a person checks.
func CheckParts() []string { return append(FaultyParts(), Cosmetic, "labelling") }

// FaultyParts are those that can be found to have a fault.
func FaultyParts() []string {
	return append(Triable(), Battery, PartBatterySafety, "damage", "safety")
}

// Triable are the parts of which the function is tried.
func Triable() []string {
	return []string{"keyboard", "screen", "pointer", "speakers", "camera", "ports", "wifi"}
}

// PartBatterySafety is the check that a battery is neither swollen nor damaged.
const PartBatterySafety = "battery-safety"

// Rules are how a policy grades units and says where they go.
type Rules struct {
	Policy Policy `json:"policy"`
	// Scale are the letters, the best first. The last asks for nothing.
	Scale []Letter `json:"scale"`
	// Function says of each part what it costs when it does not work.
	Function []PartRule `json:"function"`
	// Damaged is the best mark for looks of a unit with damage.
	Damaged string       `json:"damaged"`
	Battery BatteryRules `json:"battery"`
	Drive   DriveRules   `json:"drive"`
	R2      R2Rules      `json:"r2"`
	// Dispositions are in the order in which they are asked; the first that
	// applies decides. The last has no condition.
	Dispositions []Disposal `json:"dispositions"`
	// Health are the limits for drives.
	Health Limits `json:"-"`
}

// Letter is one letter of the scale and the least mark it asks of each side.
// A side that it does not name may be anything.
type Letter struct {
	Letter string            `json:"letter"`
	Asks   map[string]string `json:"asks"`
}

// PartRule is what one part costs.
type PartRule struct {
	Part string `json:"part"`
	// Fails is the best mark for function of a unit whose part does not work.
	Fails string `json:"fails"`
	// Of are the classes of machine on which it must have been tried before
	// function has a mark.
	Of []string `json:"of"`
}

// BatteryRules are the least health in percent for the marks A, B and C, and
// what counts where there is no figure.
type BatteryRules struct {
	A int `json:"A"`
	B int `json:"B"`
	C int `json:"C"`
	// Passed is the mark of a battery that a person found good enough and that
	// tells no health; empty leaves it unknown.
	Passed string `json:"passed"`
}

// DriveRules are the marks that the verdicts on a drive's health come to, and
// that of a machine without a drive.
type DriveRules struct {
	OK      string `json:"ok"`
	Warn    string `json:"warn"`
	Reject  string `json:"reject"`
	Without string `json:"without"`
}

// R2Rules are the codes that the marks come to; empty where none can be given.
type R2Rules struct {
	// Function and Cosmetic are by mark.
	Function map[string]string `json:"function"`
	Cosmetic map[string]string `json:"cosmetic"`
	// Damaged is the cosmetic code of a unit with damage, Unknown that of one
	// that nobody looked at.
	Damaged string `json:"damaged"`
	Unknown string `json:"unknown"`
}

// Disposal is one rule that says where a unit goes.
type Disposal struct {
	Name string      `json:"name"`
	When When        `json:"when"`
	Then Disposition `json:"then"`
	// FailingThat is where a unit goes for which a hold does not end well.
	FailingThat Disposition `json:"failing_that,omitempty"`
}

// When is what must be true for a rule to apply: everything that it names. The
// zero value always is.
type When struct {
	// Is are words from [Words], all of which must be true.
	Is []string `json:"is,omitempty"`
	// Lock, Fails, Grade, Class and Drive are lists of which one must be so: a
	// lock that is set, a part that does not work, the unit's grade, its class,
	// the verdict on the worst of its drives.
	Lock  []string `json:"lock,omitempty"`
	Fails []string `json:"fails,omitempty"`
	Grade []string `json:"grade,omitempty"`
	Class []string `json:"class,omitempty"`
	Drive []string `json:"drive,omitempty"`
	// ProcessorBefore is a year: the processor is of a kind first sold before.
	ProcessorBefore int `json:"processor_before,omitempty"`
	// MemoryBelowGiB: no more than less than that fits.
	MemoryBelowGiB int `json:"memory_below_gib,omitempty"`
	// ScreenBelowInches and ScreenBelowLines are the size of the screen and its
	// height in pixels, MadeBefore the year in which it was made.
	ScreenBelowInches int `json:"screen_below_inches,omitempty"`
	ScreenBelowLines  int `json:"screen_below_lines,omitempty"`
	MadeBefore        int `json:"made_before,omitempty"`
}

// Only reports whether a condition is that one word and nothing besides.
func (w When) Only(word string) bool {
	return len(w.Is) == 1 && w.Is[0] == word && len(w.names()) == 1
}

// names are what a condition names, one for each.
func (w When) names() []string {
	all := slices.Clone(w.Is)
	for _, list := range [][]string{w.Lock, w.Fails, w.Grade, w.Class, w.Drive} {
		all = append(all, list...)
	}
	for _, n := range []int{w.ProcessorBefore, w.MemoryBelowGiB, w.ScreenBelowInches, w.ScreenBelowLines, w.MadeBefore} {
		if n > 0 {
			all = append(all, "figure")
		}
	}
	return all
}

// The words that a condition is made of.
const (
	IsSecurityGraded     = "security-graded"
	IsNothingKnown       = "nothing-known"
	IsBatteryDefective   = "battery-defective"
	IsStorageUnreachable = "storage-unreachable"
	IsDataUntreated      = "data-untreated"
	IsDataToRetry        = "data-to-retry"
	IsSolderedToDestroy  = "soldered-data-to-destroy"
	IsDriveOnly          = "drive-only"
	IsSolderedRejected   = "soldered-drive-rejected"
	IsNot64Bit           = "not-64-bit"
	IsDamaged            = "damaged"
	IsUnsafe             = "unsafe"
	IsGradeUnknown       = "grade-unknown"
	IsWaste              = "waste"
	IsProduct            = "product"
)

// Words are all words that a condition can be made of.
func Words() []string {
	return []string{
		IsSecurityGraded, IsNothingKnown, IsBatteryDefective, IsStorageUnreachable, IsDataUntreated, IsDataToRetry,
		IsSolderedToDestroy, IsSolderedRejected, IsDriveOnly, IsNot64Bit, IsDamaged, IsUnsafe, IsGradeUnknown, IsWaste, IsProduct,
	}
}

// work reports whether a rule waits for what the station itself is going to do
// or to find out.
func (d Disposal) work() bool {
	return d.Then == Hold && slices.ContainsFunc(d.When.Is, func(w string) bool {
		return w == IsDataUntreated || w == IsGradeUnknown
	})
}

// worse gives the worse of two marks; an empty one is none.
func worse(a, b string) string { return max(a, b) }
