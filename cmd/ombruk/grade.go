package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/internal/contract"
	"github.com/ombruk/ombruk/internal/yamlfile"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// gradeFlags are which machine is judged and what somebody says of it.
type gradeFlags struct {
	saidFlags
	from           []string
	sheet          string
	securityGraded bool
}

// saidFlags are what somebody says of a unit that no dump can tell.
type saidFlags struct {
	checks, locks    []string
	cosmetic, status string
}

// gradeLine is the JSON line of a judgement.
type gradeLine struct {
	Type   string           `json:"type"`
	Schema int              `json:"schema"`
	System inventory.System `json:"system"`
	grade.Result
	Notes []string `json:"notes"`
}

func newGradeCommand(a *app) *cobra.Command {
	var f gradeFlags
	cmd := &cobra.Command{
		Use:   "grade",
		Short: "Judge a machine: grade, where it goes, what it is fit for, and why",
		Long: `grade judges a machine by the rules of the policy (--policy) and what the
contract asks for (--contract): its grade, where it goes (reuse, parts, recycle,
return, hold), whether it can run Windows 11, which profiles it meets, and which
part would lift it. Every judgement names its reasons and the rule that gave it;
'ombruk grade explain' prints the rules.

The machine is judged before any work on it: that its data must be sanitized
stands as a condition, and nothing here says that a drive is clean. What nobody
knows is never guessed: without the checks of a person (--check, --cosmetic)
there is no grade, but the best that it can still come to.

With --json a script finds grade (empty while it is not known), best_possible,
disposition, reasons, conditions (what must be done first), afterwards and
failing_that (of a unit on hold), open (what nobody knows and could change it),
marks, r2_function, r2_cosmetic, preparation, drives, windows11, profiles and
upgrades.

` + fromHelp + `

Exit status: 0 judged; 1 error; 64 usage.`,
		Example: `  ombruk grade --from dmidecode.txt --from smartctl.json
  ombruk grade --from laptop.txt --check keyboard=pass --check screen=pass --cosmetic B
  ombruk grade --from laptop.txt --contract agreement.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.loadPolicy()
			if err != nil {
				return fail(exitError, "", err)
			}
			market, err := a.market()
			if err != nil {
				return err
			}
			facts, err := a.gradeFacts(cmd, f)
			if err != nil {
				return err
			}
			r := grade.Judge(facts, p.Grading, market)
			if f.sheet != "" {
				if err := a.writeSheet(f.sheet, f.from, facts.Machine, &r); err != nil {
					return err
				}
			}
			if a.flags.json {
				return a.emit(gradeLine{"grade", 1, facts.Machine.System, r, append([]string{}, facts.Machine.Notes...)})
			}
			return a.showGrade(facts, r)
		},
	}
	f.add(cmd)
	cmd.AddCommand(newGradeExplain(a))
	return cmd
}

func (f *gradeFlags) add(cmd *cobra.Command) {
	fromFlag(cmd, &f.from)
	sheetFlag(cmd, &f.sheet)
	f.saidFlags.add(cmd)
	cmd.Flags().BoolVar(&f.securityGraded, "security-graded", false, "it holds security-graded information and is not to be handled here")
}

func (f *saidFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVar(&f.checks, "check", nil, "`PART=VERDICT` that a person found: pass, fail or skip of "+strings.Join(checkedParts(), ", "))
	fs.StringVar(&f.cosmetic, "cosmetic", "", "`grade` of the looks by a person: A as new, B light signs of use, C clear signs, D worn")
	fs.StringVar(&f.status, "status", "", "what it came in as: product or waste")
	fs.StringArrayVar(&f.locks, "lock", nil, "`CODE=STATE` of a lock that is known otherwise: set or clear of "+strings.Join(lockCodes(), ", "))
	offer(cmd, "check", pairs(checkedParts(), "pass", "fail", "skip")...)
	offer(cmd, "cosmetic", grade.Marks()...)
	offer(cmd, "status", string(grade.Product), string(grade.Waste))
	offer(cmd, "lock", pairs(lockCodes(), string(inventory.LockSet), string(inventory.LockClear))...)
}

// offer has the shell complete a flag's value.
func offer(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// pairs are all that can be written for a flag that takes NAME=VALUE.
func pairs(names []string, values ...string) []string {
	var all []string
	for _, name := range names {
		for _, value := range values {
			all = append(all, name+"="+value)
		}
	}
	return all
}

// checkedParts are the parts that come to a verdict; looks come to a grade.
func checkedParts() []string {
	return slices.DeleteFunc(grade.CheckParts(), func(p string) bool { return p == grade.Cosmetic })
}

func lockCodes() []string {
	return []string{
		inventory.LockFirmwareSetup, inventory.LockFirmwareStart, inventory.LockDrive, inventory.LockAbsolute, inventory.LockPlatformBinary,
		inventory.LockAutopilot, inventory.LockActivation, inventory.LockKnox, inventory.LockChromeEnrolment, inventory.LockManagement,
	}
}

// findings are what somebody says of a unit.
type findings struct {
	status grade.Status
	checks []grade.Check
	locks  []inventory.Lock
}

// read takes the flags apart.
func (f saidFlags) read() (s findings, err error) {
	s.status = grade.Status(f.status)
	if f.status != "" && s.status != grade.Product && s.status != grade.Waste {
		return s, fail(exitUsage, "write --status product or --status waste", fmt.Errorf("--status %q is not known", f.status))
	}
	if f.cosmetic != "" {
		if !slices.Contains(grade.Marks(), f.cosmetic) {
			return s, fail(exitUsage, "write A, B, C or D", fmt.Errorf("--cosmetic %q is no grade", f.cosmetic))
		}
		s.checks = append(s.checks, grade.Check{Part: grade.Cosmetic, Verdict: "pass", Grade: f.cosmetic})
	}
	seen := map[string]bool{}
	for _, given := range f.checks {
		part, verdict, err := pair("--check", given, checkedParts(), []string{"pass", "fail", "skip"})
		if err != nil {
			return s, err
		}
		if seen[part] {
			return s, fail(exitUsage, "one verdict for each part", fmt.Errorf("--check %s is given twice", part))
		}
		seen[part] = true
		s.checks = append(s.checks, grade.Check{Part: part, Verdict: verdict})
	}
	locks := map[string]inventory.LockState{}
	for _, given := range f.locks {
		code, state, err := pair("--lock", given, lockCodes(), []string{string(inventory.LockSet), string(inventory.LockClear)})
		if err != nil {
			return s, err
		}
		locks[code] = inventory.LockState(state)
	}
	for _, code := range lockCodes() {
		if state := locks[code]; state != "" {
			s.locks = append(s.locks, inventory.Lock{Code: code, State: state, Text: inventory.LockSaid})
		}
	}
	return s, nil
}

// gradeFacts are what is judged: a machine, and what somebody says of it.
func (a *app) gradeFacts(cmd *cobra.Command, f gradeFlags) (grade.Facts, error) {
	said, err := f.read()
	facts := grade.Facts{BeforeWork: true, SecurityGraded: f.securityGraded, Status: said.status, Checks: said.checks}
	if err != nil {
		return facts, err
	}
	m, err := a.machine(cmd.Context(), f.from)
	if err != nil {
		return facts, err
	}
	m.Locks = slices.DeleteFunc(slices.Clone(m.Locks), func(l inventory.Lock) bool {
		return slices.ContainsFunc(said.locks, func(s inventory.Lock) bool { return s.Code == l.Code })
	})
	m.Locks = append(m.Locks, said.locks...)
	facts.Machine = m
	// A dump that tells of no controller does not tell that there is none.
	if len(f.from) == 0 || len(m.Controllers) > 0 {
		facts.StorageUnreachable = slices.ContainsFunc(inventory.Unseen(m), inventory.Reason.Hides)
	}
	return facts, nil
}

// pair takes NAME=VALUE apart, of those that are known.
func pair(flag, s string, names, values []string) (name, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	switch {
	case !ok:
		err = fmt.Errorf("%s %q: want NAME=VALUE", flag, s)
	case !slices.Contains(names, name):
		err = fmt.Errorf("%s: %q is not known", flag, name)
		for _, n := range names {
			if yamlfile.Distance(name, n) <= 2 {
				err = fmt.Errorf("%s: %q is not known: did you mean %s?", flag, name, n)
			}
		}
	case !slices.Contains(values, value):
		err = fmt.Errorf("%s %s: %q is not known", flag, name, value)
	}
	if err != nil {
		return "", "", fail(exitUsage, "NAME is one of "+strings.Join(names, ", ")+"; VALUE one of "+strings.Join(values, ", "), err)
	}
	return name, value, nil
}

// market is what the contract asks for and pays today; nothing without one.
func (a *app) market() (grade.Market, error) {
	if a.flags.contract == "" {
		if a.flags.agency != "" {
			return grade.Market{}, fail(exitUsage, "pass --contract FILE, which has the agency's profiles", errors.New("--agency needs --contract here"))
		}
		return grade.Market{}, nil
	}
	if _, err := a.agency(a.flags.agency); err != nil {
		return grade.Market{}, err
	}
	c, err := contract.Load(a.flags.contract)
	if err != nil {
		return grade.Market{}, err
	}
	return c.Market(a.now()), nil
}
