package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory/grade"
)

// explainLine is the JSON line of a policy's rules.
type explainLine struct {
	Type      string `json:"type"`
	Schema    int    `json:"schema"`
	ValidFrom string `json:"valid_from"`
	grade.Rules
	DriveHealth map[string]any `json:"drive_health"`
	// Outcomes say how each rule of disposition came out for the machine of
	// --from; left out without one.
	Outcomes []grade.Outcome `json:"outcomes,omitempty"`
}

func newGradeExplain(a *app) *cobra.Command {
	var f gradeFlags
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Print the rules of the policy in plain words, and how each came out",
		Long: `explain prints the rules by which the policy in force (--policy) grades units,
judges drives and says where a unit goes. With --from, or with what somebody says
of a unit (--check, --cosmetic, --lock), it also says how each rule came out for
that machine.

Exit status: 0 explained; 1 error; 64 usage.`,
		Example: `  ombruk grade explain
  ombruk grade explain --policy agency.yaml --lang nb
  ombruk grade explain --from laptop.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.loadPolicy()
			if err != nil {
				return fail(exitError, "", err)
			}
			var outcomes []grade.Outcome
			if len(f.from) > 0 {
				facts, err := a.gradeFacts(cmd, f)
				if err != nil {
					return err
				}
				outcomes = grade.Outcomes(facts, p.Grading)
			} else if len(f.checks)+len(f.locks) > 0 || f.cosmetic != "" || f.status != "" || f.securityGraded {
				return fail(exitUsage, "pass --from FILE", fmt.Errorf("what is said of a machine needs one"))
			}
			if a.flags.json {
				return a.emit(explainLine{"grade-rules", 1, p.ValidFrom.Format("2006-01-02"), p.Grading, limitsByKey(p.Grading.Health), outcomes})
			}
			return a.explain(p, outcomes)
		},
	}
	f.add(cmd)
	return cmd
}

// explain writes the rules for people.
func (a *app) explain(p policy.Policy, outcomes []grade.Outcome) error {
	t, err := a.text()
	if err != nil {
		return err
	}
	w := &explainer{judgedText: judgedText{t: t}, rules: p.Grading}
	w.add("", w.say("policy", "Name", cell(p.Name), "Date", t.Date(p.ValidFrom)))
	w.add("", "SHA-256 "+p.SHA256)
	w.add("", "")
	w.add("", w.say("intro"))
	w.scale()
	w.sides()
	w.dispositions(outcomes)
	w.health(p.Grading.Health)
	for _, line := range w.lines {
		a.say("%s", strings.TrimRight(line, " "))
	}
	return nil
}

type explainer struct {
	judgedText
	rules grade.Rules
}

// say is the message explain.KEY. Args are names and values in turn.
func (w *explainer) say(key string, args ...string) string {
	named := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		named[args[i]] = args[i+1]
	}
	return w.t.Get("explain."+key, named)
}

// row writes a name and what is said of it.
func (w *explainer) row(name string, width int, text string) {
	w.add("  "+pad(name, max(width, utf8.RuneCountInString(name)))+"  ", text)
}

func (w *explainer) scale() {
	w.title("explain.scale")
	for _, l := range w.rules.Scale {
		var asks []string
		for _, side := range grade.Sides() {
			if mark := l.Asks[side]; mark != "" {
				asks = append(asks, strings.ToLower(w.t.Get("mark."+side, nil))+" "+mark)
			}
		}
		text := w.say("rest")
		if len(asks) > 0 {
			text = w.say("asks", "Asks", strings.Join(asks, ", "))
		}
		w.row(cell(l.Letter), 3, text)
	}
	w.add("  ", w.say("scale-note"))
}

func (w *explainer) sides() {
	w.title("explain.function")
	for _, p := range w.rules.Function {
		var classes []string
		for _, c := range p.Of {
			classes = append(classes, w.t.Get("class."+c, nil))
		}
		text := w.say("part", "Mark", p.Fails)
		if len(classes) > 0 {
			text += ". " + w.say("tried", "Classes", strings.Join(classes, ", "))
		}
		w.row(w.t.Get("part."+p.Part, nil), 10, text)
	}
	w.title("explain.cosmetic")
	w.add("  ", w.say("looks"))
	w.add("  ", w.say("damaged", "Mark", w.rules.Damaged))
	w.title("explain.battery")
	b := w.rules.Battery
	w.row("A", 1, w.say("percent", "Percent", strconv.Itoa(b.A)))
	w.row("B", 1, w.say("percent", "Percent", strconv.Itoa(b.B)))
	w.row("C", 1, w.say("percent", "Percent", strconv.Itoa(b.C)))
	w.row("D", 1, w.say("battery-rest"))
	if b.Passed != "" {
		w.add("  ", w.say("battery-passed", "Mark", b.Passed))
	}
	w.title("explain.drive")
	d := w.rules.Drive
	for _, v := range []struct{ key, mark string }{{"drive-ok", d.OK}, {"drive-warn", d.Warn}, {"drive-reject", d.Reject}, {"drive-without", d.Without}} {
		w.row(v.mark, 1, w.say(v.key))
	}
	w.title("explain.data")
	w.add("  ", w.say("data-rule"))
	w.title("explain.r2")
	var codes []string
	for _, mark := range grade.Marks() {
		if c := w.rules.R2.Function[mark]; c != "" {
			codes = append(codes, w.say("r2-function", "Mark", mark, "Code", c))
		}
	}
	for _, mark := range grade.Marks() {
		if c := w.rules.R2.Cosmetic[mark]; c != "" {
			codes = append(codes, w.say("r2-cosmetic", "Mark", mark, "Code", c))
		}
	}
	for _, v := range []struct{ key, code string }{{"r2-damaged", w.rules.R2.Damaged}, {"r2-unknown", w.rules.R2.Unknown}} {
		if v.code != "" {
			codes = append(codes, w.say(v.key, "Code", v.code))
		}
	}
	w.add("  ", strings.Join(codes, "; ")+". "+w.say("r2-note"))
}

func (w *explainer) dispositions(outcomes []grade.Outcome) {
	w.title("explain.dispositions")
	w.add("  ", w.say("dispositions-note"))
	for i, d := range w.rules.Dispositions {
		key, args := "rule", []string{"Then", strings.ToUpper(w.where(d.Then)), "When", w.when(d.When)}
		if args[3] == "" {
			key = "otherwise"
		}
		text := w.say(key, args...)
		if d.FailingThat != "" {
			text += w.say("failing-that", "Where", strings.ToUpper(w.where(d.FailingThat)))
		}
		lead := fmt.Sprintf("  %2d  ", i+1)
		w.add(lead, text+"  ["+cell(d.Name)+"]")
		if i >= len(outcomes) {
			continue
		}
		o := outcomes[i]
		word := o.Applies.String()
		switch {
		case o.Decides:
			word = "decides"
		case o.Condition:
			word = "condition"
		}
		text = w.say("outcome." + word)
		var why []string
		for _, r := range o.Reasons {
			why = append(why, w.reason(r))
		}
		if len(why) > 0 {
			text += ": " + strings.Join(why, "; ")
		}
		w.add(strings.Repeat(" ", len(lead))+"-> ", text)
	}
}

// when writes a condition in words; none is empty.
func (w *explainer) when(c grade.When) string {
	var all []string
	any := func(key, arg string, list []string, message, between string) {
		if len(list) == 0 {
			return
		}
		words := make([]string, len(list))
		for i, s := range list {
			words[i] = s
			if message != "" {
				words[i] = w.t.Get(message+s, nil)
			}
		}
		all = append(all, w.say(key, arg, strings.Join(words, between)))
	}
	any("when.class", "Classes", c.Class, "class.", w.say("or"))
	for _, word := range c.Is {
		all = append(all, w.say("is."+word))
	}
	any("when.lock", "Locks", c.Lock, "lock.", ", ")
	any("when.fails", "Parts", c.Fails, "part.", w.say("or"))
	any("when.grade", "Grades", c.Grade, "", w.say("or"))
	any("when.drive", "Verdicts", c.Drive, "explain.verdict.", w.say("or"))
	for _, v := range []struct {
		key    string
		figure int
	}{
		{"processor", c.ProcessorBefore}, {"memory", c.MemoryBelowGiB}, {"inches", c.ScreenBelowInches},
		{"lines", c.ScreenBelowLines}, {"made", c.MadeBefore},
	} {
		if v.figure > 0 {
			all = append(all, w.say("when."+v.key, "Limit", strconv.Itoa(v.figure)))
		}
	}
	return strings.Join(all, w.say("and"))
}

// limit is one limit of a drive's health by its key in the policy.
type limit struct {
	key string
	grade.Limit
	// falling means that less is worse.
	falling bool
}

func limitsOf(l grade.Limits) []limit {
	return []limit{
		{"reallocated_sectors", l.ReallocatedSectors, false}, {"retired_blocks", l.RetiredBlocks, false}, {"grown_defects", l.GrownDefects, false},
		{"pending_sectors", l.PendingSectors, false}, {"offline_uncorrectable", l.OfflineUncorrectable, false},
		{"reported_uncorrectable", l.ReportedUncorrectable, false}, {"media_errors", l.MediaErrors, false},
		{"percent_used", l.PercentUsed, false}, {"spare_percent", l.SparePercent, true},
		{"power_on_hours", l.PowerOnHours, false}, {"temperature_celsius", l.TemperatureCelsius, false},
	}
}

// limitsByKey writes limits as the policy does.
func limitsByKey(l grade.Limits) map[string]any {
	out := map[string]any{"command_timeouts": l.CommandTimeouts, "crc_errors": l.CRCErrors, "self_test_hours": l.SelfTestHours, "ample_spare_percent": l.AmpleSparePercent}
	for _, one := range limitsOf(l) {
		out[one.key] = map[string]int64{"warn": one.Warn, "reject": one.Reject}
	}
	return out
}

func (w *explainer) health(l grade.Limits) {
	w.title("explain.health")
	all := append(limitsOf(l), limit{key: "command_timeouts", Limit: grade.Limit{Warn: l.CommandTimeouts}}, limit{key: "crc_errors", Limit: grade.Limit{Warn: l.CRCErrors}})
	for _, one := range all {
		suffix, parts := "", []string{}
		if one.falling {
			suffix = "-below"
		}
		if one.Warn > 0 && (one.Warn != one.Reject || one.falling) {
			parts = append(parts, w.say("warn"+suffix, "Figure", w.t.Number(one.Warn)))
		}
		if one.Reject > 0 {
			parts = append(parts, w.say("reject"+suffix, "Figure", w.t.Number(one.Reject)))
		}
		if len(parts) > 0 {
			w.row(w.say("limit."+one.key), 40, strings.Join(parts, ", "))
		}
		if one.key == "retired_blocks" && l.AmpleSparePercent > 0 {
			w.row("", 40, w.say("ample-spare", "Percent", w.t.Number(l.AmpleSparePercent)))
		}
	}
	if l.SelfTestHours > 0 {
		w.row(w.say("limit.self_test_hours"), 40, w.say("self-test", "Hours", w.t.Number(l.SelfTestHours)))
	}
	w.add("  ", w.say("health-note"))
}
