package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/internal/yamlfile"
	"github.com/ombruk/ombruk/inventory/grade"
)

// gradingTable is the grading: part of the file.
type gradingTable struct {
	Scale        []letterTable   `yaml:"scale"`
	Function     []partTable     `yaml:"function"`
	Cosmetic     *cosmeticTable  `yaml:"cosmetic"`
	Battery      *batteryTable   `yaml:"battery"`
	Drive        *driveTable     `yaml:"drive"`
	R2           *r2Table        `yaml:"r2"`
	Dispositions []disposalTable `yaml:"dispositions"`
}

type letterTable struct {
	Letter string     `yaml:"letter"`
	Asks   *asksTable `yaml:"asks"`
}

type asksTable struct {
	Function string `yaml:"function"`
	Cosmetic string `yaml:"cosmetic"`
	Battery  string `yaml:"battery"`
	Drive    string `yaml:"drive"`
	Data     string `yaml:"data"`
}

type partTable struct {
	Part  string   `yaml:"part"`
	Fails string   `yaml:"fails"`
	Of    []string `yaml:"of"`
}

type cosmeticTable struct {
	Damaged string `yaml:"damaged"`
}

type batteryTable struct {
	A      *int   `yaml:"A"`
	B      *int   `yaml:"B"`
	C      *int   `yaml:"C"`
	Passed string `yaml:"passed"`
}

type driveTable struct {
	OK      string `yaml:"ok"`
	Warn    string `yaml:"warn"`
	Reject  string `yaml:"reject"`
	Without string `yaml:"without"`
}

type r2Table struct {
	Function *marksTable      `yaml:"function"`
	Cosmetic *r2CosmeticTable `yaml:"cosmetic"`
}

type marksTable struct {
	A string `yaml:"A"`
	B string `yaml:"B"`
	C string `yaml:"C"`
	D string `yaml:"D"`
}

type r2CosmeticTable struct {
	A       string `yaml:"A"`
	B       string `yaml:"B"`
	C       string `yaml:"C"`
	D       string `yaml:"D"`
	Damaged string `yaml:"damaged"`
	Unknown string `yaml:"unknown"`
}

type disposalTable struct {
	Name        string     `yaml:"name"`
	When        *whenTable `yaml:"when"`
	Then        string     `yaml:"then"`
	FailingThat string     `yaml:"failing_that"`
}

type whenTable struct {
	Is                []string `yaml:"is"`
	Lock              []string `yaml:"lock"`
	Fails             []string `yaml:"fails"`
	Grade             []string `yaml:"grade"`
	Class             []string `yaml:"class"`
	Drive             []string `yaml:"drive"`
	ProcessorBefore   *int     `yaml:"processor_before"`
	MemoryBelowGiB    *int     `yaml:"memory_below_gib"`
	ScreenBelowInches *int     `yaml:"screen_below_inches"`
	ScreenBelowLines  *int     `yaml:"screen_below_lines"`
	MadeBefore        *int     `yaml:"made_before"`
}

const (
	maxLetters      = 12
	maxDispositions = 100
	maxNameOfRule   = 60
)

// grading reads the section. Each of its tables that the file leaves out is as
// in otherwise.
func grading(f *yamlfile.File, in *gradingTable, otherwise grade.Rules) (grade.Rules, error) {
	r := otherwise
	if in == nil {
		return r, nil
	}
	g := gradingReader{f: f}
	if in.Scale != nil {
		r.Scale = g.scale(in.Scale)
	}
	if in.Function != nil {
		r.Function = g.function(in.Function)
	}
	if in.Cosmetic != nil {
		r.Damaged = g.mark("grading.cosmetic.damaged", in.Cosmetic.Damaged, r.Damaged)
	}
	if in.Battery != nil {
		r.Battery = g.battery(*in.Battery, r.Battery)
	}
	if d := in.Drive; d != nil {
		r.Drive.OK = g.mark("grading.drive.ok", d.OK, r.Drive.OK)
		r.Drive.Warn = g.mark("grading.drive.warn", d.Warn, r.Drive.Warn)
		r.Drive.Reject = g.mark("grading.drive.reject", d.Reject, r.Drive.Reject)
		r.Drive.Without = g.mark("grading.drive.without", d.Without, r.Drive.Without)
		if r.Drive.OK > r.Drive.Warn || r.Drive.Warn > r.Drive.Reject {
			g.refuse("grading.drive", "a drive that is worse cannot have a better mark: ok %s, warn %s, reject %s", r.Drive.OK, r.Drive.Warn, r.Drive.Reject)
		}
	}
	if in.R2 != nil {
		r.R2 = g.r2(*in.R2, r.R2)
	}
	if in.Dispositions != nil {
		r.Dispositions = g.dispositions(in.Dispositions)
	}
	if g.err == nil {
		g.check(r)
	}
	return r, g.err
}

// gradingReader keeps the first error.
type gradingReader struct {
	f   *yamlfile.File
	err error
}

func (g *gradingReader) refuse(path, format string, args ...any) {
	if g.err == nil {
		g.err = g.f.Errorf(path, path+": "+format, args...)
	}
}

// word refuses a word that is none of those.
func (g *gradingReader) word(path, s string, of []string) string {
	if slices.Contains(of, s) {
		return s
	}
	if s == "" {
		g.refuse(path, "is missing: want one of %s", strings.Join(of, ", "))
		return s
	}
	for _, known := range of {
		if yamlfile.Distance(s, known) <= 2 && len(known) > 2 {
			g.refuse(path, "%s: did you mean %s?", quoted(s), known)
			return s
		}
	}
	g.refuse(path, "%s: want one of %s", quoted(s), strings.Join(of, ", "))
	return s
}

// words refuses an empty list, a word that is none of those, and one that
// stands twice.
func (g *gradingReader) words(path string, list, of []string) []string {
	if list != nil && len(list) == 0 {
		g.refuse(path, "names none: leave it out")
	}
	for i, s := range list {
		g.word(fmt.Sprintf("%s[%d]", path, i), s, of)
		if slices.Contains(list[:i], s) {
			g.refuse(fmt.Sprintf("%s[%d]", path, i), "%s stands twice", quoted(s))
		}
	}
	return list
}

// mark reads A to D; one that is left out is as it was.
func (g *gradingReader) mark(path, s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return g.word(path, s, grade.Marks())
}

func (g *gradingReader) scale(in []letterTable) []grade.Letter {
	if len(in) < 2 || len(in) > maxLetters {
		g.refuse("grading.scale", "has %d letters: want 2 to %d", len(in), maxLetters)
	}
	var out []grade.Letter
	for i, l := range in {
		at := fmt.Sprintf("grading.scale[%d]", i)
		switch {
		case l.Letter == "" || len(l.Letter) > 8 || strings.ContainsFunc(l.Letter, func(r rune) bool { return !isNameRune(r, true) }):
			g.refuse(at+".letter", "%s: want a letter or a short word", quoted(l.Letter))
		case slices.ContainsFunc(out, func(o grade.Letter) bool { return o.Letter == l.Letter }):
			g.refuse(at+".letter", "%s stands twice", quoted(l.Letter))
		}
		asks := map[string]string{}
		if l.Asks != nil {
			for side, value := range keyed(*l.Asks) {
				if s := value.String(); s != "" {
					asks[side] = g.word(at+".asks."+side, s, grade.Marks())
				}
			}
		}
		switch last := i == len(in)-1; {
		case last && len(asks) > 0:
			g.refuse(at, "the last letter is for all the rest: it can ask for nothing")
		case !last && len(asks) == 0:
			g.refuse(at, "asks for nothing, so nothing could come to the letters below: write asks")
		}
		if i > 0 && i < len(in)-1 {
			for side, mark := range asks {
				if above := out[i-1].Asks[side]; above == "" || above > mark {
					g.refuse(at+".asks."+side, "asks for more than %s above it does", out[i-1].Letter)
				}
			}
		}
		out = append(out, grade.Letter{Letter: l.Letter, Asks: asks})
	}
	return out
}

func (g *gradingReader) function(in []partTable) []grade.PartRule {
	var out []grade.PartRule
	for i, p := range in {
		at := fmt.Sprintf("grading.function[%d]", i)
		g.word(at+".part", p.Part, grade.Triable())
		g.word(at+".fails", p.Fails, grade.Marks())
		if p.Fails == "A" {
			g.refuse(at+".fails", "a fault cannot leave the best mark: want B, C or D")
		}
		g.words(at+".of", p.Of, classes())
		if slices.ContainsFunc(out, func(o grade.PartRule) bool { return o.Part == p.Part }) {
			g.refuse(at+".part", "%s stands twice", quoted(p.Part))
		}
		out = append(out, grade.PartRule{Part: p.Part, Fails: p.Fails, Of: p.Of})
	}
	return out
}

func (g *gradingReader) battery(in batteryTable, b grade.BatteryRules) grade.BatteryRules {
	for _, t := range []struct {
		key string
		in  *int
		out *int
	}{{"A", in.A, &b.A}, {"B", in.B, &b.B}, {"C", in.C, &b.C}} {
		if t.in == nil {
			continue
		}
		if *t.in < 1 || *t.in > 100 {
			g.refuse("grading.battery."+t.key, "%d: want 1 to 100 percent", *t.in)
		}
		*t.out = *t.in
	}
	if b.A < b.B || b.B < b.C {
		g.refuse("grading.battery", "A %d, B %d, C %d: want them to fall", b.A, b.B, b.C)
	}
	switch in.Passed {
	case "":
	case "unknown":
		b.Passed = ""
	default:
		b.Passed = g.word("grading.battery.passed", in.Passed, append(grade.Marks(), "unknown"))
	}
	return b
}

func (g *gradingReader) r2(in r2Table, r grade.R2Rules) grade.R2Rules {
	if in.Function != nil {
		r.Function = map[string]string{}
		for mark, value := range keyed(*in.Function) {
			if s := value.String(); s != "" {
				r.Function[mark] = g.r2Code("grading.r2.function."+mark, s, []string{"F3", "F4"})
			}
		}
	}
	if in.Cosmetic != nil {
		r.Cosmetic, r.Damaged, r.Unknown = map[string]string{}, "", ""
		for key, value := range keyed(*in.Cosmetic) {
			s := value.String()
			if s == "" {
				continue
			}
			s = g.r2Code("grading.r2.cosmetic."+key, s, []string{"C0", "C1", "C2", "C3", "C4", "C5", "C6"})
			switch key {
			case "damaged":
				r.Damaged = s
			case "unknown":
				r.Unknown = s
			default:
				r.Cosmetic[key] = s
			}
		}
	}
	return r
}

// r2Code refuses what looking at a unit and trying it cannot show.
func (g *gradingReader) r2Code(path, s string, can []string) string {
	switch s {
	case "F1", "F2", "F5", "F6", "C7", "C8", "C9":
		g.refuse(path, "%s claims what no check here can show: want one of %s", s, strings.Join(can, ", "))
		return s
	}
	return g.word(path, s, can)
}

func (g *gradingReader) dispositions(in []disposalTable) []grade.Disposal {
	if len(in) == 0 || len(in) > maxDispositions {
		g.refuse("grading.dispositions", "has %d rules: want 1 to %d", len(in), maxDispositions)
	}
	var out []grade.Disposal
	ends := []string{string(grade.Reuse), string(grade.Parts), string(grade.Recycle), string(grade.Return), string(grade.Hold)}
	for i, d := range in {
		at := fmt.Sprintf("grading.dispositions[%d]", i)
		switch {
		case d.Name == "":
			g.refuse(at, "has no name")
		case len(d.Name) > maxNameOfRule || strings.ContainsFunc(d.Name, func(r rune) bool { return !isNameRune(r, false) }):
			g.refuse(at+".name", "%s: want small letters, digits and hyphens", quoted(d.Name))
		case slices.ContainsFunc(out, func(o grade.Disposal) bool { return o.Name == d.Name }):
			g.refuse(at+".name", "%s stands twice", quoted(d.Name))
		}
		rule := grade.Disposal{Name: d.Name, Then: grade.Disposition(g.word(at+".then", d.Then, ends))}
		if d.FailingThat != "" {
			rule.FailingThat = grade.Disposition(g.word(at+".failing_that", d.FailingThat, []string{string(grade.Parts), string(grade.Recycle), string(grade.Return)}))
			if rule.Then != grade.Hold {
				g.refuse(at+".failing_that", "only a rule that holds can have it")
			}
		}
		if d.When != nil {
			rule.When = g.when(at+".when", *d.When)
		}
		switch last := i == len(in)-1; {
		case last && d.When != nil:
			g.refuse(at, "the last rule is for all the rest: it can have no when")
		case !last && d.When == nil:
			g.refuse(at, "without when it always applies, so no rule below it ever would")
		}
		out = append(out, rule)
	}
	return out
}

func (g *gradingReader) when(at string, in whenTable) grade.When {
	w := grade.When{
		Is: g.words(at+".is", in.Is, grade.Words()), Lock: g.words(at+".lock", in.Lock, locks()),
		Fails: g.words(at+".fails", in.Fails, grade.FaultyParts()), Grade: in.Grade,
		Class: g.words(at+".class", in.Class, classes()),
		Drive: g.words(at+".drive", in.Drive, []string{grade.HealthOK, grade.HealthWarn, grade.HealthReject, grade.HealthUnknown}),
	}
	if in.Grade != nil && len(in.Grade) == 0 {
		g.refuse(at+".grade", "names none: leave it out")
	}
	figures := 0
	for _, t := range []struct {
		key         string
		in          *int
		out         *int
		least, most int
	}{
		{"processor_before", in.ProcessorBefore, &w.ProcessorBefore, 1990, 2100}, {"memory_below_gib", in.MemoryBelowGiB, &w.MemoryBelowGiB, 1, 1024},
		{"screen_below_inches", in.ScreenBelowInches, &w.ScreenBelowInches, 1, 100}, {"screen_below_lines", in.ScreenBelowLines, &w.ScreenBelowLines, 1, 10000},
		{"made_before", in.MadeBefore, &w.MadeBefore, 1990, 2100},
	} {
		if t.in == nil {
			continue
		}
		figures++
		if *t.in < t.least || *t.in > t.most {
			g.refuse(at+"."+t.key, "%d: want %d to %d", *t.in, t.least, t.most)
		}
		*t.out = *t.in
	}
	if figures+len(in.Is)+len(in.Lock)+len(in.Fails)+len(in.Grade)+len(in.Class)+len(in.Drive) == 0 {
		g.refuse(at, "is empty")
	}
	return w
}

// check refuses rules that do not fit each other, and a list that could send a
// unit on with data in it.
func (g *gradingReader) check(r grade.Rules) {
	for i, d := range r.Dispositions {
		for j, letter := range d.When.Grade {
			if !slices.ContainsFunc(r.Scale, func(l grade.Letter) bool { return l.Letter == letter }) {
				path := fmt.Sprintf("grading.dispositions[%d].when.grade[%d]", i, j)
				g.refuse(path, "rule %s: the scale has no %s; write dispositions to fit the scale", d.Name, quoted(letter))
			}
		}
	}
	for _, word := range []string{grade.IsSecurityGraded, grade.IsStorageUnreachable, grade.IsDataToRetry, grade.IsDataUntreated, grade.IsSolderedToDestroy} {
		may := []grade.Disposition{grade.Hold}
		switch word {
		case grade.IsSecurityGraded:
			may = []grade.Disposition{grade.Return, grade.Hold}
		case grade.IsSolderedToDestroy:
			may = []grade.Disposition{grade.Recycle, grade.Hold}
		}
		i := slices.IndexFunc(r.Dispositions, func(d grade.Disposal) bool { return d.When.Only(word) && slices.Contains(may, d.Then) })
		goes := slices.IndexFunc(r.Dispositions, func(d grade.Disposal) bool {
			return d.Then == grade.Reuse || d.Then == grade.Parts || d.Then == grade.Recycle && !d.When.Only(grade.IsSolderedToDestroy)
		})
		if i < 0 || goes >= 0 && i > goes {
			g.refuse("grading.dispositions", "want a rule with when {is: [%s]} and then %s, before every rule that lets a unit go: data must not leave with it", word, joined(may))
		}
	}
}

func joined(list []grade.Disposition) string {
	var words []string
	for _, d := range list {
		words = append(words, string(d))
	}
	return strings.Join(words, " or ")
}

func isNameRune(r rune, upper bool) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || upper && (r >= 'A' && r <= 'Z' || r == '+')
}

// errNoGrading is of a program whose shipped policy lacks a section.
var errNoGrading = errors.New("the shipped policy must carry grading and drive_health in full")
