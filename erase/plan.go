package erase

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// Order is what a customer asks for.
type Order struct {
	Standard Standard
	// Accept lowers the method the customer settles for; MethodNone when
	// nobody lowered it. AcceptBy says who did: "operator Kari Nordmann",
	// "policy Kartverket 2026".
	Accept   Method
	AcceptBy string
	// BestEffort runs the strongest technique there is even when it cannot
	// reach the accepted method. The result is then never fulfilled.
	BestEffort bool
	// Verify is how much is read back, whatever the technique; empty means
	// what Rules say.
	Verify VerifyMode
	// Rules say what counts as Purge. The zero value lets nothing count.
	Rules Rules
	// Together is true when every namespace of the drive is among the
	// targets, so that a command for the whole drive may be given.
	Together bool
	// Password and PSID say that the customer gave one for this drive.
	Password, PSID bool
	// Command is the only erase command that may be used, or overwrite for
	// overwriting by the host; empty leaves the choice to the plan.
	Command inventory.EraseCommand
	// Thaw allows suspending the machine to lift a freeze lock.
	Thaw bool
	// Resume is what our own journal says an earlier run left on this drive;
	// nil when it says nothing.
	Resume *Journal
}

// Plan is the ordered work for one drive, decided before anything is touched.
type Plan struct {
	Drive    inventory.Drive
	Standard Standard
	// Requested is the standard's method; Accepted is the least the customer
	// settles for and AcceptedBy says who lowered it ("order" when nobody did).
	Requested  Method
	Accepted   Method
	AcceptedBy string
	// Steps in the order in which they run.
	Steps []Step
	// Achieves is the method the plan reaches when every step succeeds.
	Achieves  Method
	Technique Technique
	// Command is the drive's own command behind Technique; empty when the
	// host overwrites.
	Command inventory.EraseCommand
	// Together is true when the plan covers every namespace of the drive.
	Together bool
	// CanGoOn is true when the overwrite can go on where it was cut off.
	CanGoOn bool
	// Reference is the sentence printed beside the achieved method.
	Reference string
	Verify    VerifyMode
	// Why explains the choices in English sentences, for a technician.
	Why []string
	// Fallbacks are what else could be ordered for this drive, strongest first.
	Fallbacks []Fallback
}

// StepKind is what a step does.
type StepKind string

// The kinds, in the order in which they can come.
const (
	StepThaw      StepKind = "thaw"      // suspend the machine to lift a freeze lock; done before the run
	StepUnlock    StepKind = "unlock"    // with a password or PSID
	StepAwait     StepKind = "await"     // wait for an erase that is running already
	StepLeave     StepKind = "leave"     // leave a state that an earlier erase left behind, if the drive lets itself
	StepReveal    StepKind = "reveal"    // restore hidden areas
	StepContinue  StepKind = "continue"  // take up the overwrite that an earlier run was cut off in
	StepMark      StepKind = "mark"      // write markers to a stratified sample
	StepErase     StepKind = "erase"     // a command of the drive's firmware
	StepOverwrite StepKind = "overwrite" // one pass by the host
	StepReadBack  StepKind = "read-back"
	// StepPause is in no plan: a record has it where somebody held a run up.
	StepPause StepKind = "pause"
)

// Expect is what a read-back must find.
type Expect string

// The expectations. After an overwrite it is what the last pass wrote. After a
// firmware erase it is either that every block is a short pattern over and
// over, one of few on the whole drive (whatever the pattern: zeros are only
// one of them), or, where the medium stays and its key is gone, that no
// marker and nothing that was there before can be read.
const (
	ExpectWritten Expect = "written"
	ExpectUniform Expect = "uniform"
	ExpectChanged Expect = "changed"
)

// Step is one step of a plan.
type Step struct {
	Kind      StepKind  `json:"kind"`
	Technique Technique `json:"technique"`
	// Command is what an erasing step gives the drive, with Options.
	Command inventory.EraseCommand `json:"command,omitempty"`
	Options StartOptions           `json:"-"`
	// EstimateSeconds is the drive's own; 0 when it gives none.
	EstimateSeconds int64 `json:"estimate_seconds,omitempty"`
	// Expect is set on read-back steps only.
	Expect Expect `json:"expect,omitempty"`
	// Pattern is what an overwriting step writes, and FromBytes the offset it
	// begins at, which is not 0 only where it goes on.
	Pattern   Pattern `json:"-"`
	FromBytes int64   `json:"from_bytes,omitempty"`
	Title     string  `json:"title"`
	// Verify is set on read-back steps only.
	Verify VerifyMode `json:"verify,omitempty"`
	Bytes  int64      `json:"bytes"`
}

// Fallback is a technique a drive offers and the method it reaches.
type Fallback struct {
	// Standard is the id to order it by.
	Standard  string    `json:"standard"`
	Technique Technique `json:"technique"`
	// Command is the drive's own; empty for overwriting by the host.
	Command inventory.EraseCommand `json:"command,omitempty"`
	Method  Method                 `json:"method"`
	// Why is what it does, why it reaches that method, what else has to be
	// ordered and what stands in the way.
	Why string `json:"why"`
}

// MakePlan decides what is done to a drive. It reads and writes nothing. When
// the accepted method is out of reach and the order does not say best effort,
// the error is a [RefusedError] with [ErrOutOfReach], [ErrFrozen], [ErrLocked]
// or [ErrNamespaces]; the plan returned beside it is what best effort would do,
// if that can do anything, with the ways out in Fallbacks.
func MakePlan(d inventory.Drive, o Order) (Plan, error) {
	s := o.Standard
	p := Plan{Drive: d, Standard: s, Requested: s.Method, Accepted: s.Method, AcceptedBy: "order", Verify: o.Verify, Together: o.Together}
	if o.Accept != MethodNone && o.Accept < p.Accepted {
		p.Accepted, p.AcceptedBy = o.Accept, o.AcceptBy
		p.say("%s is ordered; %s accepts %s", p.Requested, o.AcceptBy, o.Accept)
	}
	w := newWork(d, o)
	if c, ok := w.resumed(p.Accepted); ok {
		w.resume(&p, c)
		p.Fallbacks = fallbacks(w.all, &c)
		return p, nil
	}
	c, ok := choose(w.all, w.d, p, o.Command)
	if ok {
		w.explainChoice(&p, c)
		w.fill(&p, c)
		p.Fallbacks = fallbacks(w.all, w.but(c))
		return p, nil
	}
	can := false
	if running := slices.Collect(w.running()); len(running) > 0 {
		c, can = slices.MinFunc(running, strongest), true
		if ours, ok := w.resumed(c.method); ok {
			c = ours
			w.resume(&p, c)
		} else {
			w.fill(&p, c)
		}
	}
	if d.Abilities == nil {
		p.say("%s needs a technique of the drive's own firmware, which this drive does not offer here", p.Accepted)
	}
	p.Fallbacks = fallbacks(w.all, nil)
	if o.BestEffort && can {
		p.say("best effort: the strongest technique runs anyway; the page will be a record, not a certificate, and the drive goes to destruction")
		p.Fallbacks = fallbacks(w.all, w.but(c))
		return p, nil
	}
	return p, w.refusal(p, can)
}

func (p *Plan) say(format string, args ...any) {
	p.Why = append(p.Why, fmt.Sprintf(format, args...))
}

// clearDocument is the document by which an overwrite is Clear. The older
// standards define no such category, so theirs is NIST's.
func clearDocument(s Standard) string {
	if s.Document == "IEEE 2883-2022" {
		return s.Document
	}
	return "NIST SP 800-88 Rev. 2"
}

func passCount(n int) string {
	if n == 1 {
		return "one pass"
	}
	return fmt.Sprintf("%d passes", n)
}

// Outline is the steps in as few lines as a person wants to read: neighbouring
// passes of one pattern, and those whose pattern is drawn, are one line.
func (p Plan) Outline() []string {
	var lines []string
	for i := 0; i < len(p.Steps); {
		first := p.Steps[i]
		what := func(j int) string { _, pattern, _ := strings.Cut(p.Steps[j].Title, ": "); return pattern }
		next := i + 1
		for next < len(p.Steps) && first.Kind == StepOverwrite && p.Steps[next].Kind == StepOverwrite && what(next) == what(i) {
			next++
		}
		line := fmt.Sprintf("%d. %s", i+1, first.Title)
		if next > i+1 {
			line = fmt.Sprintf("%d.-%d. overwrite every addressable block, %d passes: %s", i+1, next, next-i, what(i))
		}
		lines = append(lines, line)
		i = next
	}
	return lines
}

// Bytes is the work in the plan, for an estimate: what is written and read.
func (p Plan) Bytes() int64 {
	var n int64
	for _, s := range p.Steps {
		n += min(s.Bytes, math.MaxInt64-n)
	}
	return n
}

// DefaultStall is how long a drive may leave one transfer unanswered before it
// is given up. Linux itself tries a SCSI command six times for 30 seconds.
const DefaultStall = 5 * time.Minute
