package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// gradeSigns say where a unit goes to those who read no words. They are ASCII,
// since a console may have nothing else.
func gradeSign(d grade.Disposition) string {
	switch d {
	case grade.Reuse:
		return "[+]"
	case grade.Parts:
		return "[/]"
	case grade.Recycle:
		return "[x]"
	case grade.Return:
		return "[<]"
	case grade.Hold:
		return "[!]"
	}
	return "[?]"
}

// judgedText writes judgements for people.
type judgedText struct {
	t     *lang.Text
	lines []string
	// computer is false for a monitor, and for a drive by itself.
	computer bool
}

// reason is a reason in the reader's language, or its own English where there
// is no message for it.
func (w *judgedText) reason(r grade.Reason) string {
	text, ok := w.t.Reason(r.Code, r.Args)
	if !ok {
		text = r.Text
	}
	return cell(text)
}

// add writes lines that begin with lead and go on below its text.
func (w *judgedText) add(lead, text string) {
	w.lines = append(w.lines, wrap(lead+text, 80, strings.Repeat(" ", utf8.RuneCountInString(lead)))...)
}

func (w *judgedText) title(key string) {
	w.lines = append(w.lines, "", w.t.Get(key, nil))
}

// because writes reasons, each with its rule. A reason that was given already
// by another rule only adds that rule.
func (w *judgedText) because(list []grade.Reason) {
	for i, r := range list {
		text := w.reason(r)
		same := func(o grade.Reason) bool { return w.reason(o) == text }
		if slices.ContainsFunc(list[:i], same) {
			continue
		}
		var rules []string
		for _, o := range list[i:] {
			if same(o) && !slices.Contains(rules, o.Rule) {
				rules = append(rules, cell(o.Rule))
			}
		}
		w.add("  - ", text+"  ["+strings.Join(rules, ", ")+"]")
	}
}

func (w *judgedText) where(d grade.Disposition) string {
	if d == "" {
		return w.t.Get("unit.not-graded", nil)
	}
	return w.t.Get("unit-disposition."+string(d), nil)
}

// showGrade writes a judgement for a technician and a contract manager: the
// answer first, then why.
func (a *app) showGrade(f grade.Facts, r grade.Result) error {
	t, err := a.text()
	if err != nil {
		return err
	}
	w := &judgedText{t: t, computer: isComputer(f.Machine)}
	say := func(key string, args map[string]any) string { return t.Get(key, args) }

	w.add("", gradeSign(r.Disposition)+" "+w.answer(r))
	s := f.Machine.System
	name := machineName(s)
	if name == "" {
		name = say("judged.no-name", nil)
	}
	what := name + " (" + say("class."+cmp.Or(s.Class, "other"), nil) + ")"
	if s.Serial != "" {
		what += ", " + say("judged.serial", map[string]any{"Serial": cell(s.Serial)})
	}
	w.add("    ", what)
	w.add("    ", say("judged.policy", map[string]any{"Name": cell(r.Policy.Name), "Digest": r.Policy.SHA256[:min(12, len(r.Policy.SHA256))]}))
	if r.Disposition == grade.Hold {
		if r.Afterwards != "" {
			w.add("    ", say("judged.afterwards", map[string]any{"Where": w.where(r.Afterwards)}))
		}
		if r.FailingThat != "" {
			w.add("    ", say("judged.failing-that", map[string]any{"Where": w.where(r.FailingThat)}))
		}
	}
	if r.Status != "" {
		w.add("    ", say("judged.status-"+string(r.Status), nil))
	}
	if len(r.Conditions) > 0 {
		w.title("judged.first")
		w.because(r.Conditions)
	}
	w.title("judged.why")
	w.because(slices.DeleteFunc(slices.Clone(r.Reasons), func(reason grade.Reason) bool {
		return slices.ContainsFunc(r.Conditions, func(c grade.Reason) bool { return c.Text == reason.Text })
	}))
	if len(r.Open) > 0 {
		w.title("judged.open")
		w.because(r.Open)
	}
	w.title("judged.marks")
	for _, m := range r.Marks {
		for i, reason := range m.Reasons {
			lead := fmt.Sprintf("  %s %s  ", pad("", 12), " ")
			if i == 0 {
				lead = fmt.Sprintf("  %s %s  ", pad(say("mark."+m.Of, nil), 12), orDash(m.Grade))
			}
			w.add(lead, w.reason(reason)+"  ["+cell(reason.Rule)+"]")
		}
	}
	w.add("  "+pad("R2 REC v1.2", 12)+"    ", say("judged.r2", map[string]any{"Function": orDash(r.R2Function), "Cosmetic": orDash(r.R2Cosmetic)}))
	var steps []string
	for _, step := range r.Preparation {
		steps = append(steps, say("judged.step."+step.Step, nil)+" "+say("judged.result."+step.Result, nil))
	}
	w.add("  "+pad("EN 50614", 12)+"    ", strings.Join(steps, "; "))
	w.market(r)
	if len(f.Machine.Notes) > 0 {
		w.title("judged.notes")
		for _, n := range f.Machine.Notes {
			w.add("  - ", cell(n))
		}
	}
	for _, line := range w.lines {
		a.say("%s", strings.TrimRight(line, " "))
	}
	return nil
}

// isComputer reports whether it is known to be a computer.
func isComputer(m inventory.Machine) bool {
	return m.System.Class != "monitor" && (m.System.Class != "other" || m.System.Model != "" || len(m.CPU) > 0)
}

// answer is the judgement in one line.
func (w *judgedText) answer(r grade.Result) string {
	key, args := "judged.graded", map[string]any{"Where": strings.ToUpper(w.where(r.Disposition)), "Grade": r.Grade, "Best": r.BestPossible}
	if r.Grade == "" {
		key = "judged.not-graded"
	}
	text := w.t.Get(key, args)
	if len(r.Conditions) > 0 && r.Disposition != grade.Hold {
		text = w.t.Get(key+"-once", args)
	}
	return text
}

// market writes what a unit is fit for.
func (w *judgedText) market(r grade.Result) {
	if w.computer {
		w.lines = append(w.lines, "")
		w.add("", "Windows 11: "+w.t.Get("judged.windows."+r.Windows11.Eligible, nil))
		w.because(r.Windows11.Reasons)
	}
	for _, p := range r.Profiles {
		w.add("", cell(p.Profile)+": "+w.t.Get("fits."+p.Fits, nil))
		w.because(p.Failing)
		for _, u := range p.Upgrades {
			w.add("  + ", w.upgrade(u))
		}
	}
	if len(r.Upgrades) > 0 {
		w.title("judged.upgrades")
		for _, u := range r.Upgrades {
			w.add("  + ", w.upgrade(u))
		}
	}
}

func (w *judgedText) upgrade(u grade.Upgrade) string {
	text := w.reason(u.Reason)
	if len(u.With) > 0 {
		text += ", " + w.t.Get("judged.together", nil)
	}
	if u.From != u.To {
		text += ", " + w.t.Get("fits.lifts", map[string]any{"From": cell(u.From), "To": cell(u.To)})
	}
	price := w.t.Get("fits.no-price", nil)
	if u.CostMinor != nil {
		price = w.t.Get("fits.price", map[string]any{"Price": w.t.Money(*u.CostMinor, cell(u.Currency))})
	}
	return text + " (" + price + ")"
}
