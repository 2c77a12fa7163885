package grade

import (
	"cmp"
	"slices"
)

// meets says whether a mark is at least what is asked: certainly, and possibly.
func (m Mark) meets(asked string) (surely, possibly bool) {
	switch {
	case m.None || asked == "":
		return true, true
	case m.Grade == "":
		return asked == worst, m.AtBest <= asked
	}
	ok := m.Grade <= asked
	return ok, ok
}

// gradeUnit finds the unit's grade: the best letter of which every demand is
// met. It is only known where what is not known could not change it. The
// reasons say what keeps it from better.
func (u *unit) gradeUnit() []Reason {
	var reasons []Reason
	var sure, best string
	for i, l := range u.rules.Scale {
		// That a drive can be replaced does not help a drive by itself.
		if last := i == len(u.rules.Scale)-1; u.bare() && l.Asks[Storage] == "" && !last {
			continue
		}
		rule := "grading.scale." + l.Letter
		surely, possibly := true, true
		var below, unknown []Reason
		for _, m := range u.marks {
			asked := l.Asks[m.Of]
			s, p := m.meets(asked)
			surely, possibly = surely && s, possibly && p
			switch {
			case !p:
				below = append(below, because(rule, "below-"+m.Of, "Letter", l.Letter, "Asked", asked, "Mark", cmp.Or(m.Grade, m.AtBest)))
			case !s:
				unknown = append(unknown, because(rule, "unknown-"+m.Of))
			}
		}
		switch {
		case !possibly:
			// What keeps it from the next better letter is what decides.
			reasons = below
		case !surely:
			if best == "" {
				best, reasons = l.Letter, append(unknown, reasons...)
			}
		default:
			if best == "" {
				best = l.Letter
			}
			if len(reasons) == 0 {
				reasons = []Reason{because(rule, "best", "Letter", l.Letter)}
			}
			sure = l.Letter
		}
		if surely {
			break
		}
	}
	u.best = best
	if sure == best {
		u.grade = sure
	}
	return reasons
}

// rank is the place of a letter on the scale, 0 the best; -1 when it is none.
func (r Rules) rank(letter string) int {
	return slices.IndexFunc(r.Scale, func(l Letter) bool { return l.Letter == letter })
}
