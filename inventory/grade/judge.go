package grade

import (
	"cmp"
	"slices"

	"github.com/ombruk/ombruk/inventory"
)

// Judge judges one unit by the rules of a policy and what the contract's market
// asks for. It is a function of what it is given and nothing else. What is not
// known stays so: a grade is only given where nothing that is not known could
// change it, and a unit whose data is not treated is never plainly for reuse.
func Judge(f Facts, r Rules, m Market) Result {
	u := newUnit(f, r)
	u.judgeSides()
	gradeReasons := u.gradeUnit()
	res := Result{
		Grade: u.grade, BestPossible: u.best, Marks: u.marks, Status: f.Status, Policy: r.Policy,
		Reasons: []Reason{}, Conditions: []Reason{}, Open: []Reason{}, Health: []DriveState{},
	}
	for _, d := range u.drives {
		res.Health = append(res.Health, DriveState{Path: d.path, Health: d.health})
	}
	u.dispose(&res)
	res.Reasons = append(res.Reasons, gradeReasons...)
	res.R2Function, res.R2Cosmetic = u.r2()
	res.Preparation = u.preparation()
	res.Windows11 = Windows11(u.asItStays())
	res.Profiles = Fits(f, res.Health, m)
	res.Upgrades = []Upgrade{}
	if u.bare() { // another drive is no better state of this one
		return res
	}
	letters := make([]string, len(r.Scale))
	for i, l := range r.Scale {
		letters[i] = l.Letter
	}
	res.Upgrades = Upgrades(f, res.Health, m, letters, func(f Facts) string {
		u := newUnit(f, r)
		u.judgeSides()
		u.gradeUnit()
		return cmp.Or(u.grade, u.best)
	})
	return res
}

// asItStays is the machine without the drives that leave it to be destroyed.
func (u *unit) asItStays() inventory.Machine {
	m := u.Machine
	m.Drives = slices.DeleteFunc(slices.Clone(m.Drives), func(d inventory.Drive) bool {
		return slices.ContainsFunc(u.drives, func(o ownDrive) bool { return o.path == d.Path && o.state == DataDestroy && !o.soldered })
	})
	return m
}

// Outcomes says of every rule of disposition, in their order, how it came out.
func Outcomes(f Facts, r Rules) []Outcome {
	u := newUnit(f, r)
	u.judgeSides()
	u.gradeUnit()
	return u.outcomes()
}

func (u *unit) outcomes() []Outcome {
	all := make([]Outcome, len(u.rules.Dispositions))
	decided := false
	for i, d := range u.rules.Dispositions {
		o := u.outcome(d)
		if o.Applies == True && !decided {
			o.Condition = u.BeforeWork && d.work()
			o.Decides = !o.Condition
			decided = o.Decides
		}
		all[i] = o
	}
	return all
}

// dispose says where the unit goes. The first rule that applies decides; the
// reasons of all others that apply follow, and what could make an earlier one
// apply is open.
func (u *unit) dispose(res *Result) {
	decided := false
	var others []Reason
	for _, o := range u.outcomes() {
		switch {
		case o.Applies == Unknown && !decided:
			res.Open = append(res.Open, o.Reasons...)
		case o.Applies != True:
		case o.Condition:
			res.Conditions = append(res.Conditions, o.Reasons...)
		case o.Decides:
			decided = true
			res.Disposition, res.FailingThat = o.Rule.Then, o.Rule.FailingThat
			res.Reasons = append(res.Reasons, o.Reasons...)
		case u.BeforeWork && o.Rule.work():
			// It could only hold what is decided already.
		case len(o.Rule.When.names()) > 0:
			others = append(others, o.Reasons...)
		}
		if o.Applies == True && !o.Condition && o.Rule.Then != Hold && res.Afterwards == "" {
			res.Afterwards = o.Rule.Then
		}
	}
	for _, d := range u.drives {
		switch {
		case d.soldered:
		case d.state == DataDestroy:
			res.Conditions = append(res.Conditions, because(dataRule, "data-destroy", "Drive", d.name))
		case d.health.Verdict == HealthReject && res.Disposition == Reuse:
			res.Conditions = append(res.Conditions, because("grading.drive.reject", "drive-replace", "Drive", d.name))
		}
	}
	u.keepData(res)
	res.Reasons = append(append(res.Reasons, res.Conditions...), others...)
	said := func(r Reason) bool {
		return slices.ContainsFunc(res.Reasons, func(c Reason) bool { return c.Text == r.Text })
	}
	res.Open = slices.DeleteFunc(res.Open, said)
	res.Open = slices.CompactFunc(res.Open, func(a, b Reason) bool { return a.Text == b.Text })
}

// keepData holds a unit that the rules would let go with data in it. The policies
// that can be read have rules for that; this is for all others.
func (u *unit) keepData(res *Result) {
	if res.Disposition == Hold || res.Disposition == Return {
		return
	}
	var why []Reason
	if u.StorageUnreachable {
		why = append(why, because(dataRule, "storage-unreachable"))
	}
	why = append(why, u.drivesIn(dataRule, "data-retry", func(d ownDrive) bool { return d.state == DataHold }).why...)
	untreated := u.untreated(dataRule).why
	switch {
	case !u.BeforeWork:
		why = append(why, untreated...)
	case len(untreated) > 0 && !slices.ContainsFunc(res.Conditions, func(r Reason) bool { return r.Code == untreated[0].Code }):
		res.Conditions = append(res.Conditions, untreated...)
	}
	soldered := u.drivesIn(dataRule, "data-soldered", func(d ownDrive) bool { return d.state == DataDestroy && d.soldered }).why
	if res.Disposition != Recycle {
		why = append(why, soldered...)
	}
	if len(why) > 0 {
		res.Disposition, res.Afterwards = Hold, res.Disposition
		res.Reasons = append(why, res.Reasons...)
	}
}

// r2 gives the codes of the SERI R2 Equipment Categorization, REC v1.2, by the
// policy's table.
func (u *unit) r2() (function, cosmetic string) {
	t := u.rules.R2
	function = t.Function[u.mark(Function).Grade]
	switch {
	case u.failed("damage"):
		cosmetic = t.Damaged
	case u.checks[Cosmetic].Grade == "":
		cosmetic = t.Unknown
	default:
		cosmetic = t.Cosmetic[u.mark(Cosmetic).Grade]
	}
	return function, cosmetic
}

// preparation are the steps of EN 50614:2020 as far as they were done here.
func (u *unit) preparation() []Step {
	const pass, fail, notDone, notNeeded = "pass", "fail", "not-done", "not-needed"
	checked := func(part string) string {
		if v := u.checks[part].Verdict; v == pass || v == fail {
			return v
		}
		return notDone
	}
	visual := checked("damage")
	if visual == pass && u.mark(Cosmetic).Grade == "" {
		visual = notDone
	}
	if u.failed(PartBatterySafety) {
		visual = fail
	}
	function := notDone
	switch f := u.mark(Function); {
	case slices.ContainsFunc(f.Reasons, func(r Reason) bool { return len(r.Code) > 6 && r.Code[:6] == "fails-" }):
		function = fail
	case f.Grade != "":
		function = pass
	}
	data := notDone
	switch d := u.mark(Data); {
	case d.None:
		data = notNeeded
	case slices.ContainsFunc(u.drives, func(d ownDrive) bool { return d.state == DataDestroy || d.state == DataHold }):
		data = fail
	case d.Grade == "A":
		data = pass
	}
	return []Step{
		{"visual-check", visual}, {"safety-test", checked("safety")}, {"function-test", function},
		{"data-eradication", data}, {"labelling", checked("labelling")},
	}
}
