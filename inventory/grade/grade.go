// Package grade judges what package inventory found: how healthy a drive is,
// which grade a unit comes to, what the unit is fit for, and where it goes. It
// does no input or output, and every judgement names its reasons and the rule
// that gave each.
package grade

import "github.com/ombruk/ombruk/inventory"

// Reason is why something was judged as it was.
type Reason struct {
	// Code names the reason; there is a message grade.CODE for each in
	// package lang, which takes Args.
	Code string `json:"code"`
	// Rule is the place in the policy or the contract that decided
	// ("grading.battery.B"), or the source of a rule that is nobody's to change.
	Rule string `json:"rule"`
	// Text is the reason in English, a sentence part without full stop.
	Text string            `json:"text"`
	Args map[string]string `json:"args,omitempty"`
}

// Disposition is where a unit goes. The zero value means that nobody can say yet.
type Disposition string

// The dispositions of a unit.
const (
	Reuse   Disposition = "reuse"
	Parts   Disposition = "parts" // only to take parts from
	Recycle Disposition = "recycle"
	Return  Disposition = "return" // to whom it came from
	Hold    Disposition = "hold"   // until something is known or done
)

// Status is what a unit is by the Waste Framework Directive (2008/98/EC,
// article 3) when it comes in.
type Status string

// The statuses. The zero value means that nobody said.
const (
	Product Status = "product" // returned to be used again: its re-use is no recovery of waste
	Waste   Status = "waste"   // discarded: its re-use is preparing for re-use
)

// DataState is what became of the data on one drive.
type DataState string

// The states of data.
const (
	DataUnknown DataState = ""        // nothing was done yet
	DataClean   DataState = "clean"   // sanitized at the accepted Method
	DataDestroy DataState = "destroy" // the drive is for destruction
	DataHold    DataState = "hold"    // to be tried again
)

// Drive is what is known of one drive besides the machine's inventory.
type Drive struct {
	Path  string
	State DataState
	// Soldered is true when the drive cannot be taken out.
	Soldered bool
}

// Check is what a person found of one part. Part is one of [CheckParts]; Verdict
// is pass, fail, skip or not-done; Grade, of the part cosmetic only, is A, B, C
// or D. That a battery is swollen or damaged is a fail of battery-safety.
type Check struct {
	Part, Verdict, Grade, Note string
}

// Facts are all that is judged of one unit.
type Facts struct {
	Machine inventory.Machine
	// Drives say what became of the data; a drive of the machine that is not
	// among them has DataUnknown.
	Drives []Drive
	// StorageUnreachable is true when there is, or may be, storage that nobody
	// reached.
	StorageUnreachable bool
	Checks             []Check
	Status             Status
	// SecurityGraded means that the machine holds security-graded information
	// and is not to be handled here.
	SecurityGraded bool
	// BeforeWork means that the unit is judged before the station has worked on
	// it, or from a report alone: what is still to be done to its data, and what
	// nobody has looked at, is then a condition and does not hold it back.
	BeforeWork bool
}

// Mark is the grade of one side of a unit.
type Mark struct {
	// Of is function, cosmetic, battery, drive or data.
	Of string `json:"of"`
	// Grade is A, B, C or D, whatever the letters of the policy's scale; empty
	// when there is nothing to grade (no battery in a desktop) or too little
	// is known.
	Grade string `json:"grade"`
	// None is true where there is nothing to grade.
	None bool `json:"none,omitempty"`
	// AtBest is what a side that is not known can still come to, where that
	// is less than A.
	AtBest  string   `json:"at_best,omitempty"`
	Reasons []Reason `json:"reasons"`
}

// Result is the judgement on one unit.
type Result struct {
	// Grade is a letter of the policy's scale, the best first; empty when too
	// little is known.
	Grade string `json:"grade"`
	// BestPossible is the best grade that the unit can still come to, whatever
	// is found of what is not known; Grade where that is known.
	BestPossible string      `json:"best_possible"`
	Disposition  Disposition `json:"disposition"`
	// Reasons say why grade and disposition are what they are, the deciding
	// ones first.
	Reasons []Reason `json:"reasons"`
	// Conditions are what must be done or found before the disposition holds:
	// data that is not sanitized yet, a drive to take out. A unit with any is
	// not plainly fit for reuse.
	Conditions []Reason `json:"conditions"`
	// Afterwards is where the unit goes once everything that it is held for is
	// done; the disposition itself where it is not held.
	Afterwards Disposition `json:"afterwards"`
	// FailingThat is where a unit that is held goes if what it is held for
	// cannot be done; empty when the policy does not say.
	FailingThat Disposition `json:"failing_that,omitempty"`
	// Open is what nobody knows and could change the disposition.
	Open   []Reason `json:"open"`
	Marks  []Mark   `json:"marks"`
	Status Status   `json:"legal_status"`
	// R2Function and R2Cosmetic are codes of the SERI R2 Equipment
	// Categorization (REC v1.2): F1 to F6 and C0 to C9.
	R2Function string `json:"r2_function"`
	R2Cosmetic string `json:"r2_cosmetic"`
	// Preparation are the steps that EN 50614:2020 asks a record of.
	Preparation []Step       `json:"preparation"`
	Health      []DriveState `json:"drives"`
	Windows11   Eligibility  `json:"windows11"`
	Profiles    []Fit        `json:"profiles"`
	Upgrades    []Upgrade    `json:"upgrades"`
	Policy      Policy       `json:"policy"`
}

// Policy names the policy file that judged.
type Policy struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Step is one step of preparing for re-use and how it came out.
type Step struct {
	// Step is visual-check, safety-test, function-test, data-eradication or
	// labelling.
	Step string `json:"step"`
	// Result is pass, fail, not-done or not-needed.
	Result string `json:"result"`
}

// DriveState is the health of one drive.
type DriveState struct {
	Path string `json:"path"`
	Health
}

// Health is a verdict on a drive.
type Health struct {
	// Verdict is ok, warn, reject or unknown.
	Verdict string   `json:"verdict"`
	Reasons []Reason `json:"reasons"`
}

// Eligibility says whether a machine can run a system.
type Eligibility struct {
	// Eligible is yes, no, undetermined or after-change (of a setting of the
	// firmware).
	Eligible string   `json:"eligible"`
	Reasons  []Reason `json:"reasons"`
}

// Fit says whether a unit meets a minimum-spec profile of the contract.
type Fit struct {
	Profile string `json:"profile"`
	// Fits is yes, no or undetermined.
	Fits string `json:"fits"`
	// Failing are the demands that are not met, or of which nobody knows.
	Failing []Reason `json:"failing"`
	// Upgrades are what would make it fit, or mend all that certainly fails where
	// more is not known; empty when it fits or nothing would.
	Upgrades []Upgrade `json:"upgrades"`
}

// Upgrade is one part that would lift a unit.
type Upgrade struct {
	// Part is memory, drive, battery or wifi.
	Part string `json:"part"`
	// Text says in English what to put in.
	Text string `json:"text"`
	// From and To are the unit's grade before and after, or the best that it
	// can come to where that is not known yet; the same where the upgrade only
	// serves a profile.
	From string `json:"from"`
	To   string `json:"to"`
	// With are the parts that must be put in besides; empty when this one lifts
	// the unit by itself.
	With []string `json:"with,omitempty"`
	// CostMinor is the price in minor units of Currency, ex VAT; nil when the
	// price list has none.
	CostMinor *int64 `json:"cost_minor"`
	Currency  string `json:"currency"`
	Reason    Reason `json:"reason"`
}
