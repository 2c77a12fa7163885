// Package campaign runs many simulated drives, honest ones and liars, with
// random orders, policies and faults, and compares what a certificate would
// claim with what each drive really still holds.
package campaign

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
)

var (
	drives = flag.Int("drives", 300, "simulated drives to run")
	seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of everything that is drawn")
	only   = flag.Int("only", -1, "run only the drive of this number, and tell all about it")
)

// TestCampaign is the campaign: no false certificate but by liars that no
// reading can unmask, and no honest drive turned away without a reason.
func TestCampaign(t *testing.T) {
	profiles, err := drivesim.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	loose, err := policy.Load("common-practice")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r := report{outcomes: map[string]int{}, unmaskable: map[string]int{}, refusals: map[string]int{}}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < *drives; i = int(next.Add(1) - 1) {
				if *only < 0 || *only == i {
					r.take(t, newTrial(i, profiles, policy.Default(), loose).run())
				}
			}
		})
	}
	wg.Wait()
	r.print(t, time.Since(began))
}

// trial is one drive with everything that was drawn for it.
type trial struct {
	number   int
	random   *rand.Rand
	profile  drivesim.Profile
	options  drivesim.Options
	policy   policy.Policy
	order    erase.Order
	secrets  drive.Secrets
	together bool
	// again is true when the next start takes up what this one leaves.
	again bool
	// cancelAfter is how many waits of the run go by before somebody presses
	// Ctrl-C; 0 for never.
	cancelAfter int
}

func newTrial(number int, profiles []drivesim.Profile, policies ...policy.Policy) *trial {
	r := rand.New(rand.NewPCG(*seed, uint64(number)))
	t := &trial{number: number, random: r, profile: profiles[r.IntN(len(profiles))], policy: policies[r.IntN(len(policies))], together: r.IntN(4) > 0, again: true}
	rules := t.policy.Rules
	if r.IntN(5) == 0 {
		rules.OverwriteAfter = []inventory.EraseCommand{inventory.NVMeSanitizeBlock, inventory.ATASanitizeBlock, inventory.SCSISanitizeBlock, inventory.NVMeSanitizeCrypto}
	}
	standards := []string{"nist-800-88r2-purge", "nist-800-88r2-purge", "ieee-2883-purge", "nist-800-88r2-clear", "zero", "random", "dod-5220.22-m"}
	s, err := erase.FindStandard(standards[r.IntN(len(standards))])
	if err != nil {
		panic(err)
	}
	t.order = erase.Order{Standard: s, Rules: rules, BestEffort: r.IntN(6) == 0, Thaw: r.IntN(2) == 0}
	if r.IntN(5) == 0 {
		t.order.Accept, t.order.AcceptBy = erase.Clear, "operator"
	}
	if r.IntN(3) == 0 {
		t.order.Verify = []erase.VerifyMode{erase.VerifyFull, erase.VerifySample, erase.VerifyNone}[r.IntN(3)]
	}
	t.secrets, t.order.Password, t.order.PSID = secretsOf(t.profile, r)
	t.options = drivesim.Options{Seed: r.Uint64()}
	if r.IntN(3) == 0 {
		t.options.Faults = append(t.options.Faults, t.fault())
	}
	if r.IntN(10) == 0 {
		t.options.Defects = append(t.options.Defects, drivesim.Defect{Sector: int64(r.IntN(1024)), Unreadable: r.IntN(2) == 0, Unwritable: r.IntN(2) == 0})
	}
	if r.IntN(10) == 0 {
		t.cancelAfter = 1 + r.IntN(40)
	}
	if r.IntN(8) == 0 {
		t.order.Command = erase.OverwriteCommand
		t.order.Accept, t.order.AcceptBy = erase.Clear, "operator"
		if r.IntN(3) > 0 { // somewhere in an overwrite that may go on
			t.policy = policies[0]
			t.order.Rules, t.order.Verify = t.policy.Rules, ""
			t.options.Faults = []drivesim.Fault{{Kind: drivesim.FaultPowerLoss, AfterBytes: 1 + r.Int64N(8<<20)}}
		}
	}
	t.order.Rules.GoOn = []erase.GoOn{erase.GoOnNever, erase.GoOnOnePass, erase.GoOnAllPasses, erase.GoOnAllPasses}[r.IntN(4)]
	return t
}

// fault draws something that happens to the drive from outside.
func (t *trial) fault() drivesim.Fault {
	r := t.random
	f := drivesim.Fault{Kind: []drivesim.FaultKind{drivesim.FaultPowerLoss, drivesim.FaultReset, drivesim.FaultVanish, drivesim.FaultNewSerial}[r.IntN(4)]}
	switch r.IntN(3) {
	case 0:
		f.EraseAtPPM = 1 + r.Int64N(1_000_000)
	case 1:
		f.AfterBytes = 1 + r.Int64N(8<<20)
	default:
		f.AfterCommands = 1 + r.IntN(60)
	}
	return f
}

// verdict is what a trial came to.
type verdict struct {
	*trial
	refused error // why nothing was done
	result  erase.Result
	truth   drivesim.Truth
	// area is the target's place in Truth.Areas; -1 when the whole drive is covered.
	area int
	plan erase.Plan
	// problem is what is wrong with how it was refused or ended, whatever the truth.
	problem string
}

// run takes a drive from plan to result as the command line does.
func (t *trial) run() verdict {
	v := verdict{trial: t, area: -1}
	all, err := drivesim.New(t.profile, t.options)
	if err != nil {
		v.problem = err.Error()
		return v
	}
	ctx := context.Background()
	targets := all[:1]
	facts := make([]inventory.Drive, len(all))
	for i, d := range all {
		facts[i] = d.Facts()
		if t.together && i > 0 && facts[i].PartitionOf == "" && slices.Contains(facts[0].Siblings, facts[i].Path) {
			targets = append(slices.Clone(targets), d)
		}
	}
	if len(targets) != 1+siblings(facts) {
		targets = targets[:1]
	}
	first := facts[0]
	if first.CapacityBytes == 0 {
		first.Abilities = ask(ctx, all[0])
	}
	if v.refused = erase.Blocked(first, facts, true); v.refused != nil {
		return v
	}
	plan := func() (erase.Plan, error) {
		d := targets[0].Facts()
		d.Abilities = ask(ctx, targets[0])
		o := t.order
		o.Together = len(targets) > 1
		if a := d.Abilities; o.Together && (a == nil || a.Protocol != "nvme") {
			targets = targets[:1]
		} else if o.Together {
			for _, other := range targets[1:] {
				d.CapacityBytes += other.Facts().CapacityBytes
			}
			if p, err := erase.MakePlan(d, o); err == nil && p.WholeDrive() {
				return p, nil
			}
			targets, d = targets[:1], targets[0].Facts()
			d.Abilities, o.Together = ask(ctx, targets[0]), false
		}
		return erase.MakePlan(d, o)
	}
	if v.plan, v.refused = plan(); v.refused != nil {
		return v
	}
	var before []erase.Pass
	if v.plan.Steps[0].Kind == erase.StepThaw {
		for _, d := range all {
			d.Suspend()
		}
		t.order.Thaw = false
		if v.plan, v.refused = plan(); v.refused != nil {
			return v
		}
		before = []erase.Pass{{Kind: erase.StepThaw}}
	}
	if siblings(facts) > 0 && len(targets) == 1 && (!v.plan.WholeDrive() || v.plan.Drive.Abilities.Protocol != "nvme") {
		v.area = 0
	}
	var key erase.Key
	for i := range key {
		key[i] = byte(t.random.UintN(256))
	}
	var journal *erase.Journal
	resumed := false
	attempt := func(resume *erase.Journal) error {
		device, err := drivesim.Join(ctx, t.secrets, targets...)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		waits := 0
		result, abandoned := erase.Run(ctx, v.plan, device, erase.Options{
			Key: key, Now: targets[0].Now, Resume: resume, Before: before, Stall: time.Minute,
			Wait: func(ctx context.Context, d time.Duration) error {
				if waits++; waits == t.cancelAfter && !resumed {
					cancel()
				}
				return targets[0].Wait(ctx, d)
			},
			Journal: func(j erase.Journal) error {
				j.Run, j.Policy = "earlier", t.order.Rules.Policy
				journal = &j
				return nil
			},
			JournalEvery: time.Nanosecond,
		})
		v.result = result
		if abandoned {
			v.problem = "a transfer was left behind"
		}
		return device.Close()
	}
	if err := attempt(nil); err != nil {
		v.refused = err
		return v
	}
	if t.again && !v.result.Settled && !v.result.Outcome.Clean() && journal != nil && targets[0].Facts().Serial == facts[0].Serial {
		// The next start takes it up, when the drive has its power again.
		_ = targets[0].Wait(ctx, 2*time.Minute)
		t.order.Resume = journal
		if journal.Written == nil {
			t.order.Password = true
		}
		resumed = true
		first := v.result
		p, err := plan()
		if err == nil {
			v.plan = p
			var resume *erase.Journal
			if p.Resumes() {
				resume = journal
			}
			err = attempt(resume)
		}
		if err != nil {
			v.result = first
		}
	}
	v.truth = targets[0].Truth()
	return v
}

// siblings is how many other drives a host can name behind the first one's
// controller; boot partitions are no drives of their own.
func siblings(facts []inventory.Drive) (n int) {
	for _, f := range facts {
		if f.PartitionOf == "" && slices.Contains(facts[0].Siblings, f.Path) {
			n++
		}
	}
	return n
}

func ask(ctx context.Context, d *drivesim.Drive) *inventory.Abilities {
	a, err := d.Probe(ctx)
	if err != nil {
		return nil
	}
	return a
}

// undisturbed reports whether nothing stood in the way of an honest drive.
func (v verdict) undisturbed() bool {
	p := v.profile
	return p.Honest && len(p.Faults)+len(p.Defects)+len(v.options.Faults)+len(v.options.Defects) == 0 && v.cancelAfter == 0 && v.order.Verify != erase.VerifyNone
}

// saysSo reports whether the drive itself owns up to its failure.
func (v verdict) saysSo() bool {
	return slices.ContainsFunc(v.result.Exceptions, func(x erase.Exception) bool {
		switch x.Code {
		case "turned-read-only", "erase-failed", "hidden-area-left":
			return true
		case "refused-by-drive":
			return strings.Contains(v.profile.Expect, "failed") || v.profile.Sanitize != nil
		}
		return false
	})
}

// falseClaim says what a clean result claims against the truth; empty when it
// claims nothing that is not so.
func (v verdict) falseClaim() string {
	if !v.result.Outcome.Clean() {
		return ""
	}
	n, where := v.truth.OriginalBytes(drivesim.Addressable), "addressable blocks"
	for _, a := range v.truth.Areas {
		if a.Addressable && v.names(a.Name) {
			n -= a.OriginalBytes
		}
	}
	switch {
	case v.area >= 0:
		n, where = v.truth.Areas[v.area].OriginalBytes, v.truth.Areas[v.area].Name
	case v.result.Achieved >= erase.Purge:
		n, where = v.truth.OriginalBytes(drivesim.Everything), "the whole drive"
		for _, a := range v.truth.Areas {
			if !a.Addressable || v.names(a.Name) {
				n -= a.OriginalBytes
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%v at %v by %s (%s), and %d bytes of original data are left in %s", v.result.Outcome, v.result.Achieved, v.result.Technique, v.plan.Command, n, where)
}

// wentOn reports whether an overwrite was taken up where it was cut off.
func (v verdict) wentOn() bool {
	return slices.ContainsFunc(v.result.Passes, func(p erase.Pass) bool { return p.Kind == erase.StepContinue })
}

// names reports whether the page names an area as not covered.
func (v verdict) names(area string) bool {
	return slices.ContainsFunc(v.result.Exceptions, func(x erase.Exception) bool { return x.Code == "not-reached" && x.Params["name"] == area })
}

// readEverything reports whether everything was read back in a way that shows every block.
func (v verdict) readEverything() bool {
	last := v.plan.Steps[len(v.plan.Steps)-1]
	return last.Verify == erase.VerifyFull && last.Expect != erase.ExpectChanged
}

// report collects verdicts.
type report struct {
	mu         sync.Mutex
	outcomes   map[string]int
	unmaskable map[string]int
	refusals   map[string]int
}

func (r *report) take(t *testing.T, v verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	complain := func(format string, args ...any) {
		t.Errorf("drive %d, %s (run again with -drives %d -seed %d -only %d): %s", v.number, v.profile.Name, *drives, *seed, v.number, fmt.Sprintf(format, args...))
	}
	if *only >= 0 {
		t.Logf("%s, %s, order %s %+v, faults %+v, defects %+v, cancel after %d", v.profile.Name, v.policy.Name, v.order.Standard.ID, v.order.Verify, v.options.Faults, v.options.Defects, v.cancelAfter)
		for _, w := range append(v.plan.Outline(), v.plan.Why...) {
			t.Log(w)
		}
		t.Logf("refused %v; %v, %v, %v, %v", v.refused, v.result.Outcome, v.result.Achieved, v.result.Assurance, v.result.Err)
		for _, p := range v.result.Passes {
			t.Logf("%s %s %+v", p.Kind, p.Command, p.Commands)
		}
		t.Logf("%+v", v.result.Verification)
		t.Logf("%+v", v.result.Exceptions)
		t.Logf("%+v", v.truth)
	}
	honest := "honest"
	if !v.profile.Honest {
		honest = "liar"
	}
	if v.problem != "" {
		complain("%s", v.problem)
		return
	}
	if v.refused != nil {
		r.outcomes[honest+" refused"]++
		var why *erase.RefusedError
		if !errors.As(v.refused, &why) {
			if !errors.Is(v.refused, erase.ErrGone) && len(v.options.Faults) == 0 {
				complain("refused without a reason: %v", v.refused)
			}
			r.refusals["could not be opened"]++
			return
		}
		if why.Detail == "" || why.Hint == "" && !errors.Is(why, erase.ErrEmpty) {
			complain("refused without a way out: %v", v.refused)
		}
		r.refusals[why.Reason.Error()]++
		return
	}
	r.outcomes[honest+" "+v.result.Outcome.String()]++
	if v.wentOn() {
		r.outcomes[honest+" "+v.result.Outcome.String()+", overwriting went on"]++
	}
	if !v.result.Outcome.Clean() && len(v.result.Exceptions) == 0 {
		complain("%v without a word why", v.result.Outcome)
	}
	if v.undisturbed() && !v.result.Outcome.Clean() && !v.saysSo() {
		complain("honest, undisturbed, and %v: %+v", v.result.Outcome, v.result.Exceptions)
	}
	claim := v.falseClaim()
	switch {
	case claim == "":
	case v.profile.Honest || v.profile.Unmaskable(v.readEverything()):
		complain("%s", claim)
	default:
		if v.result.Assurance == erase.MediaVerified && v.profile.Unmasked != drivesim.ByNothing {
			complain("%s, and the media are said to be verified", claim)
		}
		r.unmaskable[v.profile.Name+" ("+string(v.profile.Unmasked)+")"]++
	}
}

func (r *report) print(t *testing.T, took time.Duration) {
	t.Logf("%d drives, seed %d, %v", *drives, *seed, took.Round(time.Millisecond))
	for _, table := range []struct {
		title string
		rows  map[string]int
	}{
		{"outcomes", r.outcomes}, {"refused because", r.refusals},
		{"liars that this reading cannot unmask, whose page claims no more than its assurance", r.unmaskable},
	} {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(table.rows)) {
			fmt.Fprintf(&b, "\n%6d  %s", table.rows[name], name)
		}
		t.Logf("%s:%s", table.title, b.String())
	}
}

// secretsOf gives what opens a locked drive, only now and then where it is drawn.
func secretsOf(p drivesim.Profile, r *rand.Rand) (s drive.Secrets, password, psid bool) {
	if r != nil && r.IntN(2) == 0 {
		return s, false, false
	}
	if p.ATA != nil && p.ATA.Security != nil && p.ATA.Security.User != "" {
		s.Password, password = []byte(p.ATA.Security.User), true
	}
	if p.TCG != nil && p.TCG.PSID != "" {
		s.PSID, psid = []byte(p.TCG.PSID), true
	}
	return s, password, psid
}
