package erase

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// ErrNamespaces is the reason when a command would also erase namespaces or
// logical units that are not among the targets.
var ErrNamespaces = errors.New("other namespaces on the drive")

// candidate is one technique that could be used on a drive.
type candidate struct {
	facts
	// eraser is the drive's command; its Command is empty for overwriting by
	// the host.
	eraser inventory.Eraser
	// method is what it reaches when it works, and why it is that.
	method Method
	why    string
	// seconds is how long it takes, for comparing: the drive's estimate, or
	// what is usual.
	seconds   int64
	obstacles []obstacle
	expect    Expect
	// unmarked is why no markers can be written before it; empty when they can.
	unmarked string
}

// obstacle is what keeps a command from being carried out now.
type obstacle struct {
	reason error
	text   string // fits behind "but"
	hint   string
	// lift is the step by which this order gets past it; empty when it cannot.
	lift StepKind
}

func (c candidate) byHost() bool { return c.eraser.Command == "" }

// OverwriteCommand stands for overwriting by the host where a command is named.
const OverwriteCommand inventory.EraseCommand = "overwrite"

// command is how the technique is named where one is chosen.
func (c candidate) command() inventory.EraseCommand {
	if c.byHost() {
		return OverwriteCommand
	}
	return c.eraser.Command
}

// title names a technique with the command behind it.
func (c candidate) title() string {
	if c.byHost() {
		return c.words
	}
	return fmt.Sprintf("%s (%s)", c.words, c.name)
}

// runs reports whether the order gets past everything in the way.
func (c candidate) runs() bool { return !slices.ContainsFunc(c.obstacles, blocks) }

func blocks(o obstacle) bool { return o.lift == "" }

// needs reports whether a step has to come first.
func (c candidate) needs(k StepKind) bool {
	return slices.ContainsFunc(c.obstacles, func(o obstacle) bool { return o.lift == k })
}

// blocked is the first thing in the way that the order does not get past.
func (c candidate) blocked() (obstacle, bool) {
	if i := slices.IndexFunc(c.obstacles, blocks); i >= 0 {
		return c.obstacles[i], true
	}
	return obstacle{}, false
}

// provable reports whether reading back can show that it worked: where nothing
// was marked, a changed drive has nothing to be compared with.
func (c candidate) provable() bool { return c.expect != ExpectChanged || c.unmarked == "" }

// before orders candidates that will all do: what can be proved first, then
// what interferes least with the machine and the drive, then the fastest.
func before(a, b candidate) int {
	interferes := func(c candidate) int {
		n := 0
		for _, o := range c.obstacles {
			if o.lift != "" {
				n++
			}
		}
		return n
	}
	no := func(yes bool) int {
		if yes {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(no(a.provable()), no(b.provable())),
		cmp.Compare(interferes(a), interferes(b)),
		cmp.Compare(a.seconds, b.seconds),
		cmp.Compare(a.pace, b.pace),
		cmp.Compare(no(a.eraser.OpensMedia), no(b.eraser.OpensMedia)),
		cmp.Compare(no(a.hidden), no(b.hidden)),
		cmp.Compare(a.eraser.Command, b.eraser.Command),
	)
}

func strongest(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.method, a.method), before(a, b))
}

// candidates are the techniques a drive offers, strongest first.
func candidates(d inventory.Drive, o Order) []candidate {
	a := abilities(d)
	var out []candidate
	seen := map[inventory.EraseCommand]bool{}
	for _, e := range a.Erasers {
		f, ok := commandFacts(e.Command)
		if !ok || seen[e.Command] {
			continue
		}
		seen[e.Command] = true
		c := candidate{facts: f, eraser: e, seconds: e.EstimateSeconds, expect: expectation(f, a)}
		if c.seconds <= 0 || c.seconds > maxEstimateSeconds {
			c.eraser.EstimateSeconds = 0
			c.seconds = usualSeconds(f.pace, d.CapacityBytes, 1)
		}
		c.method, c.why = methodOf(d, a, e, f, o.Rules)
		c.obstacles, c.unmarked = obstacles(d, a, o, e)
		if !takesMarkers(a) {
			c.unmarked = "the drive takes writes only in the order of its zones"
		}
		if c.unmarked != "" && a.Hidden.Bytes() > 0 && !f.hidden && a.Security.Locked {
			c.method, c.why = MethodNone, "it does not reach what is hidden, which cannot be restored while the drive is locked"
		}
		out = append(out, c)
	}
	host := candidate{facts: facts{technique: Overwrite, words: "overwriting", pace: slowest}, method: Clear, why: overwriteLimit(d.Media), expect: ExpectWritten}
	host.seconds = usualSeconds(slowest, d.CapacityBytes, len(o.Standard.Passes))
	if left := outOfReach(a, false, false); left != "" {
		host.method, host.why = MethodNone, left
	}
	if inOrder(a) {
		host.obstacles = append(host.obstacles, obstacle{reason: ErrOutOfReach, text: "the drive must be written zone by zone, which overwriting here does not do",
			hint: "order a standard that leaves the technique open (--standard nist-800-88r2-purge or nist-800-88r2-clear)"})
	}
	if lock, ok := locked(a, o); ok {
		host.obstacles = append(host.obstacles, lock...)
	}
	out = append(out, host)
	slices.SortStableFunc(out, strongest)
	return out
}

func abilities(d inventory.Drive) *inventory.Abilities {
	if d.Abilities == nil {
		return &inventory.Abilities{}
	}
	return d.Abilities
}

// usualSeconds is how long a technique may take, for those whose drive does not
// say: in the order of the paces whatever the capacity, and on the long side,
// so that a drive's own word goes first.
func usualSeconds(p pace, capacityBytes int64, passes int) int64 {
	through := max(capacityBytes, 0) / 150_000_000 // bytes per second, of a disk
	switch p {
	case instant:
		return 2
	case quick:
		return 30
	case moderate:
		return 120
	case slow:
		return 600 + 2*through
	case slower:
		return 1200 + 3*through
	default:
		return (1800 + 4*through) * int64(max(passes, 1))
	}
}

// expectation is what reading must find after a firmware erase. Where the key
// is gone, or everything is always encrypted, the medium may read as noise.
func expectation(f facts, a *inventory.Abilities) Expect {
	switch f.technique {
	case CryptoErase, Revert:
		return ExpectChanged
	case SanitizeOverwrite:
		return ExpectUniform
	}
	if a.Encrypts || slices.ContainsFunc(a.Erasers, func(e inventory.Eraser) bool {
		f, _ := commandFacts(e.Command)
		return f.technique == CryptoErase
	}) {
		return ExpectChanged
	}
	return ExpectUniform
}

const (
	frozenHint = "pass --thaw to suspend and resume this machine; or unplug the drive's power and plug it in again while the machine runs (hot-plug), or switch the freezing of drives off in the machine's firmware setup, then try again"
	powerHint  = "switch the machine off, wait until it is without power, start it and try again"
)

// obstacles are what keeps a command of the drive's firmware from being carried
// out, most serious first, and why it would run without markers.
func obstacles(d inventory.Drive, a *inventory.Abilities, o Order, e inventory.Eraser) (all []obstacle, unmarked string) {
	s, says := a.Security, strings.ToLower(e.Blocked)
	says = strings.TrimSpace(says)
	mentions := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(says, w) })
	}
	securityErase := e.Command == inventory.ATASecurityErase || e.Command == inventory.ATASecurityEraseEnhanced
	explained := says == "" || a.Sanitize.State == inventory.SanitizeRunning && mentions("progress", "running", "sanitize in")

	if lock, ok := locked(a, o); ok {
		explained = explained || mentions("lock", "password")
		if securityErase && s.MasterOnly && o.Password && !s.AttemptsUsedUp {
			unmarked = "the drive is locked at its maximum level, where the master password erases but does not open it"
		} else {
			all = append(all, lock...)
		}
	}
	if securityErase && s.AttemptsUsedUp && !s.Locked {
		explained = explained || mentions("attempts")
		all = append(all, usedUp("the drive takes no password until it has been without power", o))
	}
	if frozen := mentions("froz", "freeze"); frozen || securityErase && s.Frozen {
		explained = explained || frozen
		all = append(all, obstacle{reason: ErrFrozen, text: "the drive is frozen against it" + quoted(e.Blocked, "frozen"), hint: frozenHint, lift: when(o.Thaw, StepThaw)})
	}
	switch e.Command {
	case inventory.TCGPSIDRevert:
		explained = explained || o.PSID && mentions("psid")
		if !o.PSID {
			all = append(all, obstacle{reason: ErrOutOfReach, text: "it needs the PSID that is printed on the drive's label", hint: "type or scan the PSID from the drive's label"})
			explained = explained || mentions("psid")
		}
	case inventory.TCGRevert:
		if sid := mentions("sid"); sid || s.BlockedSID {
			explained = explained || sid
			all = append(all, obstacle{reason: ErrFrozen, text: "this machine's firmware has blocked the drive's owner (Block SID) until the next power cycle", lift: when(o.Thaw, StepThaw),
				hint: "switch Block SID off in the machine's firmware setup and power-cycle it, or pass --thaw, or plug the drive into another machine; else type the PSID from the drive's label, or destroy the drive"})
		}
		owned := mentions("password") || s.Enabled && !(s.Locked && unlocksByPSID(a, o))
		explained = explained || mentions("password")
		if owned && !o.Password {
			all = append(all, obstacle{reason: ErrLocked, text: "the drive has an owner, whose password is not known", hint: lockedHint(a)})
		}
	}
	if !explained && mentions("lock", "password") && !mentions("freeze") {
		all = append(all, lockedObstacle(a, o, "the drive is locked"))
		explained = true
	}
	if !explained {
		hint := powerHint
		if a.Through != "" {
			hint = fmt.Sprintf("take the drive out of its case and connect it without the %s between", a.Through)
		}
		all = append(all, obstacle{reason: ErrOutOfReach, text: fmt.Sprintf("the drive would refuse it: %s", e.Blocked), hint: hint})
	}
	if n := a.Hidden.Bytes(); n > 0 && a.Hidden.Stuck != "" && !o.BestEffort {
		all = append(all, obstacle{reason: ErrOutOfReach, text: fmt.Sprintf("%s stay hidden, where nobody could look whether they are erased: %s", amount(n), a.Hidden.Stuck),
			hint: "pass --thaw, or unplug the drive's power and plug it in again while the machine runs (hot-plug), or connect the drive to a machine that leaves it alone"})
	}
	if left := unattached(a); e.WholeDrive && d.Bus == inventory.BusFabric && len(left) > 0 {
		all = append(all, obstacle{reason: ErrNamespaces, text: fmt.Sprintf("it erases the whole drive, also %s, which other machines may be using", list(left)),
			hint: "erase it where the drive itself is, with every namespace attached"})
	}
	if names := neighbours(d, a); e.WholeDrive && len(names) > 0 && !o.Together {
		all = append(all, obstacle{reason: ErrNamespaces, text: fmt.Sprintf("it erases the whole drive, also %s", list(names)),
			hint: fmt.Sprintf("name every part of the drive as a target: %s besides %s", list(names), d.Path)})
	}
	return all, unmarked
}

// locked is what a lock keeps from being done; ok is false when there is none.
func locked(a *inventory.Abilities, o Order) (all []obstacle, ok bool) {
	s := a.Security
	if !s.Locked {
		return nil, false
	}
	if s.AttemptsUsedUp {
		all = append(all, usedUp("the drive is locked and takes no password until it has been without power", o))
	}
	return append(all, lockedObstacle(a, o, "the drive is locked")), true
}

func usedUp(text string, o Order) obstacle {
	return obstacle{reason: ErrLocked, text: text, hint: powerHint, lift: when(o.Thaw, StepThaw)}
}

func lockedObstacle(a *inventory.Abilities, o Order, text string) obstacle {
	opens := o.Password || unlocksByPSID(a, o) || o.Resume.gaveErase() && a.Security.Kind == "ata"
	if a.Security.MasterOnly {
		text += " at its maximum level, where only the user password opens it"
	}
	return obstacle{reason: ErrLocked, text: text, hint: lockedHint(a), lift: when(opens, StepUnlock)}
}

func lockedHint(a *inventory.Abilities) string {
	switch {
	case strings.HasPrefix(a.Security.Kind, "tcg") || offers(a, inventory.TCGPSIDRevert):
		return "give the drive's password (--drive-password SERIAL=FILE), or the PSID that is printed on its label (--psid SERIAL=PSID)"
	case a.Security.Kind == "mmc":
		return "give the card's password"
	}
	return "give the drive's user or master password (--drive-password SERIAL=FILE); a drive that an erase by ombruk left locked has the password " + OwnPassword
}

func unlocksByPSID(a *inventory.Abilities, o Order) bool {
	return o.PSID && (strings.HasPrefix(a.Security.Kind, "tcg") || offers(a, inventory.TCGPSIDRevert))
}

func offers(a *inventory.Abilities, c inventory.EraseCommand) bool {
	return slices.ContainsFunc(a.Erasers, func(e inventory.Eraser) bool { return e.Command == c })
}

func when(yes bool, k StepKind) StepKind {
	if yes {
		return k
	}
	return ""
}

// quoted adds what the drive was found to say, where that is more than the word.
func quoted(said, word string) string {
	if said == "" || said == word {
		return ""
	}
	return " (" + said + ")"
}

// choose takes the technique for an order; ok is false when none that can run
// reaches the accepted method.
func choose(all []candidate, d inventory.Drive, p Plan, only inventory.EraseCommand) (chosen candidate, ok bool) {
	if only != "" {
		if byPasses(p.Standard) && only != OverwriteCommand {
			return candidate{}, false // the standard is its passes
		}
		all = slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return c.command() != only })
	}
	best := func(least Method, order func(a, b candidate) int, fits func(candidate) bool) (candidate, bool) {
		var found []candidate
		for _, c := range all {
			if c.method >= least && c.method != MethodNone && c.runs() && (fits == nil || fits(c)) {
				found = append(found, c)
			}
		}
		if len(found) == 0 {
			return candidate{}, false
		}
		return slices.MinFunc(found, order), true
	}
	if p.Standard.Method == Clear && only == "" {
		failed := abilities(d).Sanitize.State == inventory.SanitizeFailed
		if failed && !byPasses(p.Standard) {
			if c, ok := best(p.Accepted, before, func(c candidate) bool { return isSanitize(c.eraser.Command) }); ok {
				return c, true
			}
		}
		c, ok := best(p.Accepted, before, candidate.byHost)
		if ok || byPasses(p.Standard) {
			return c, ok
		}
		return best(p.Accepted, before, nil)
	}
	if c, ok := best(p.Requested, before, nil); ok {
		return c, true
	}
	return best(p.Accepted, strongest, nil)
}

// byPasses reports whether a standard is its overwriting passes. The others
// leave the technique open.
func byPasses(s Standard) bool {
	return s.Method == Clear && s.ID != "nist-800-88r2-clear" && s.ID != "ieee-2883-clear"
}

// SurvivesPowerCut reports whether the drive itself goes on with the step when
// its power comes back: of all that a drive does alone, only a sanitize.
func (s Step) SurvivesPowerCut() bool {
	return (s.Kind == StepErase || s.Kind == StepAwait) && isSanitize(s.Command)
}

func isSanitize(c inventory.EraseCommand) bool {
	switch c {
	case inventory.ATASanitizeCrypto, inventory.ATASanitizeBlock, inventory.ATASanitizeOverwrite,
		inventory.SCSISanitizeCrypto, inventory.SCSISanitizeBlock, inventory.SCSISanitizeOverwrite,
		inventory.NVMeSanitizeCrypto, inventory.NVMeSanitizeBlock, inventory.NVMeSanitizeOverwrite:
		return true
	}
	return false
}

// fallbacks are the candidates other than the chosen one, strongest first.
func fallbacks(all []candidate, chosen *candidate) []Fallback {
	out := []Fallback{}
	for _, c := range all {
		if c.method == MethodNone || chosen != nil && c.eraser.Command == chosen.eraser.Command {
			continue
		}
		f := Fallback{Standard: "nist-800-88r2-purge", Technique: c.technique, Command: c.eraser.Command, Method: c.method, Why: c.why}
		switch {
		case c.byHost():
			f.Standard = "nist-800-88r2-clear"
		case c.method == Clear:
			f.Why = fmt.Sprintf("%s; %s; it also takes --accept clear", c.title(), c.why)
		default:
			f.Why = fmt.Sprintf("%s; %s", c.title(), c.why)
		}
		if b, blocked := c.blocked(); blocked {
			f.Why += "; but " + b.text
		}
		out = append(out, f)
	}
	return out
}
