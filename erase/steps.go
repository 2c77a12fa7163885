package erase

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// work is one drive under one order while its plan is made.
type work struct {
	d   inventory.Drive
	a   *inventory.Abilities
	o   Order
	all []candidate // strongest first
	// thawHidden is true when only a freeze keeps hidden areas from being
	// restored, and the order lifts it.
	thawHidden bool
}

// maxCapacityBytes is a capacity that no drive has; one that claims more is
// planned for as if it had this, so that sums stay sums.
const maxCapacityBytes = 1 << 60

func newWork(d inventory.Drive, o Order) *work {
	d.CapacityBytes = min(max(d.CapacityBytes, 0), maxCapacityBytes)
	w := &work{d: d, o: o}
	if stuck := strings.ToLower(abilities(d).Hidden.Stuck); o.Thaw && (strings.Contains(stuck, "froz") || strings.Contains(stuck, "freeze")) {
		a := *d.Abilities
		a.Hidden.Stuck = ""
		w.d.Abilities = &a
		w.thawHidden = a.Hidden.Bytes() > 0
	}
	w.a = abilities(w.d)
	w.all = candidates(w.d, o)
	return w
}

// running are the candidates that nothing keeps from being carried out.
func (w *work) running() iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		for _, c := range w.all {
			if c.runs() && !yield(c) {
				return
			}
		}
	}
}

// but is the candidate that need not be listed as a fallback. Where a drive
// offers nothing but overwriting, that is listed all the same.
func (w *work) but(c candidate) *candidate {
	if w.d.Abilities == nil {
		return nil
	}
	return &c
}

// refusal says why no technique that reaches the accepted method can run, and
// what the ways out are.
func (w *work) refusal(p Plan, can bool) error {
	r := &RefusedError{Path: w.d.Path, Reason: ErrOutOfReach}
	var hints []string
	var would []candidate
	for _, c := range w.all {
		if _, blocked := c.blocked(); blocked && c.method >= p.Accepted && (!byPasses(p.Standard) || c.byHost()) {
			would = append(would, c)
		}
	}
	switch {
	case w.o.Command != "" && !slices.ContainsFunc(w.all, func(c candidate) bool { return c.command() == w.o.Command }):
		r.Detail = fmt.Sprintf("it does not offer %s", w.o.Command)
		hints = append(hints, "leave --command out, or name one of those that ombruk drives shows")
	case w.o.Command != "":
		i := slices.IndexFunc(w.all, func(c candidate) bool { return c.command() == w.o.Command })
		c := w.all[i]
		r.Detail = fmt.Sprintf("%s reaches %s, and %s is accepted at the least", c.title(), c.method, p.Accepted)
		if b, blocked := c.blocked(); blocked {
			r.Reason, r.Detail = b.reason, fmt.Sprintf("%s is ordered, but %s", c.title(), b.text)
			hints = append(hints, b.hint)
		}
	case len(would) > 0:
		c := slices.MinFunc(would, before)
		b, _ := c.blocked()
		r.Reason = b.reason
		r.Detail = fmt.Sprintf("%s asks for %s, which %s would reach, but %s", w.o.Standard.ID, p.Accepted, c.title(), b.text)
		hints = append(hints, b.hint)
	case byPasses(p.Standard):
		i := slices.IndexFunc(w.all, candidate.byHost)
		r.Detail = fmt.Sprintf("%s is overwriting, which reaches no Method here: %s", w.o.Standard.ID, w.all[i].why)
		hints = append(hints, "order a standard that leaves the technique open (--standard nist-800-88r2-purge or nist-800-88r2-clear)")
	case can && p.Achieves > MethodNone:
		r.Detail = fmt.Sprintf("%s asks for %s, and the strongest this drive offers here is %s by %s", w.o.Standard.ID, p.Accepted, p.Achieves, p.Technique)
	default:
		r.Detail = fmt.Sprintf("%s asks for %s, and nothing that this drive offers here reaches any method", w.o.Standard.ID, p.Accepted)
		if i := slices.IndexFunc(w.all, candidate.byHost); w.all[i].method == MethodNone {
			r.Detail += "; overwriting: " + w.all[i].why
			if w.a.Hidden.Stuck != "" {
				hints = append(hints, "connect the drive where its power can be switched off and on, so that what is hidden can be restored")
			} else {
				hints = append(hints, "attach every namespace of the drive first")
			}
		} else if b, blocked := w.all[0].blocked(); blocked {
			r.Reason = b.reason
			r.Detail += ": " + b.text
			hints = append(hints, b.hint)
		}
	}
	var ways []string
	if can && p.Accepted > Clear && p.Achieves >= Clear {
		ways = append(ways, "order a Clear standard (--standard nist-800-88r2-clear)", "let the customer accept less (--accept clear)")
	}
	if can {
		ways = append(ways, "run --best-effort for a record without a certificate")
	}
	if len(ways) > 0 {
		ways[len(ways)-1] += ", or send the drive to destruction"
	} else {
		ways = []string{"send the drive to destruction"}
	}
	hints = append(hints, strings.Join(ways, ", "))
	r.Hint = strings.Join(hints, "; else ")
	return r
}

// resumed is the erase of ours that is running on the drive, if the journal and
// the drive agree on it and it will do.
func (w *work) resumed(accepted Method) (candidate, bool) {
	if !w.o.Resume.gaveErase() {
		return candidate{}, false
	}
	s, command := w.a.Sanitize, w.o.Resume.Command
	if command == "" {
		command = s.Command
	}
	if s.State != inventory.SanitizeRunning || s.Command != "" && s.Command != command || byPasses(w.o.Standard) || !isSanitize(command) {
		return candidate{}, false
	}
	// What takes moments is given again, which proves more; only hours of
	// overwriting, after which every block shows that it was, are worth
	// taking up.
	if f, _ := commandFacts(command); f.technique != SanitizeOverwrite {
		return candidate{}, false
	}
	i := slices.IndexFunc(w.all, func(c candidate) bool { return c.eraser.Command == command })
	if i < 0 || w.all[i].method < accepted || w.all[i].method == MethodNone {
		return candidate{}, false
	}
	return w.all[i], true
}

// resume plans the rest of an erase that was started earlier. Markers that were
// written then are looked for again.
func (w *work) resume(p *Plan, c candidate) {
	w.head(p, c)
	p.say("the drive is still at %s, which ombruk gave it earlier: it is awaited and judged, and no second one is started", c.title())
	p.add(Step{Kind: StepAwait, Technique: c.technique, Command: c.eraser.Command, Title: "wait for the erase that ombruk started earlier: " + c.title()})
	size := w.reveal(p)
	w.afterErase(p, c, size)
	w.circumstances(p, c)
}

func (p *Plan) add(s Step) { p.Steps = append(p.Steps, s) }

// head sets what a plan says of its technique.
func (w *work) head(p *Plan, c candidate) {
	p.Achieves, p.Technique, p.Command = c.method, c.technique, c.eraser.Command
	p.Reference = reference(w.d, w.o.Standard, c)
}

// reference is the sentence beside the achieved method. It claims no approval.
func reference(d inventory.Drive, s Standard, c candidate) string {
	performed := "performed with " + c.title()
	if c.byHost() {
		performed = fmt.Sprintf("performed with overwriting, %s", passCount(len(s.Passes)))
	}
	switch {
	case c.method == MethodNone:
		return fmt.Sprintf("%s; reaches no Method: %s", performed, c.why)
	case c.byHost():
		return fmt.Sprintf("%s; corresponds to Clear according to %s", performed, clearDocument(s))
	case c.method == Clear:
		return fmt.Sprintf("%s, corresponds to Clear according to %s", performed, clearDocument(s))
	case !agreed(c.facts, d.Media):
		return performed + ", counted as Purge by the policy that was applied"
	case clearDocument(s) == "IEEE 2883-2022":
		return performed + ", corresponds to Purge according to IEEE 2883-2022"
	}
	return performed + ", corresponds to Purge according to NIST SP 800-88 Rev. 2 / IEEE 2883-2022"
}

func agreed(f facts, m inventory.Media) bool {
	if m == inventory.MediaUnknown {
		m = inventory.MediaFlash
	}
	return slices.Contains(f.agreed, m)
}

// explainChoice says why this technique is taken and not another.
func (w *work) explainChoice(p *Plan, c candidate) {
	if w.d.Abilities == nil {
		return
	}
	least, rivals := c.method, 0
	if p.Standard.Method == Purge && c.method >= p.Requested {
		least = p.Requested
	}
	for r := range w.running() {
		if r.method >= least && r.provable() == c.provable() && r.eraser.Command != c.eraser.Command {
			rivals++
		}
	}
	switch {
	case w.o.Command != "":
		p.say("ordered by its name: %s; %s", c.title(), c.why)
	case c.byHost(): // whose limit is said with its steps
	case rivals > 0:
		p.say("chosen: %s; %s, and of the %d techniques that reach %s and can run here it is the least trouble and the fastest", c.title(), c.why, rivals+1, least)
	default:
		p.say("chosen: %s; %s", c.title(), c.why)
	}
	for r := range w.running() {
		if c.provable() && !r.provable() && r.method >= least && r.seconds < c.seconds {
			p.say("%s would be faster, but without markers reading back could not prove it", r.title())
		}
	}
	for _, r := range w.all {
		b, blocked := r.blocked()
		switch {
		case r.eraser.Command == c.eraser.Command || r.method < p.Accepted || !blocked:
		case r.byHost():
			p.say("overwriting is not possible here: %s", b.text)
		case !byPasses(p.Standard) && !(c.byHost() && p.Standard.Method == Clear):
			p.say("%s would reach %s, but %s", r.title(), r.method, b.text)
		}
	}
}

// fill puts the steps of a technique into the plan, with their reasons.
func (w *work) fill(p *Plan, c candidate) {
	w.head(p, c)
	if c.needs(StepThaw) || w.thawHidden {
		w.thaw(p, c)
	}
	if c.needs(StepUnlock) {
		p.add(Step{Kind: StepUnlock, Title: "unlock the drive " + w.key()})
		if w.a.Security.MasterOnly {
			p.say("the drive is locked at its maximum level: only the user password opens it, and with the master password the run ends there")
		}
	}
	if w.a.Sanitize.State == inventory.SanitizeRunning {
		p.add(Step{Kind: StepAwait, Technique: TechniqueNone, Command: w.a.Sanitize.Command, Title: "wait for the sanitize that is running already"})
		if w.o.Resume.gaveErase() {
			p.say("the sanitize that is running is not the erase that ombruk started earlier, or would not do: it is awaited, then our own is run")
		} else {
			p.say("a sanitize that ombruk did not start is running: it is awaited, then our own is run")
		}
	}
	switch w.a.Sanitize.State {
	case inventory.SanitizeFailed:
		p.add(Step{Kind: StepLeave, Title: "leave the failed state of the last sanitize, if the drive lets itself"})
	case inventory.SanitizeVerifying:
		p.add(Step{Kind: StepLeave, Title: "close the media that an earlier sanitize left open for verification"})
	}
	size := w.d.CapacityBytes
	if !w.a.Security.Locked || c.needs(StepUnlock) {
		size = w.reveal(p)
	}
	if c.byHost() {
		w.overwrite(p, c, size)
	} else {
		w.erase(p, c, size)
	}
	w.circumstances(p, c)
}

// thaw plans the suspending of the machine, which takes the drive's power away
// for a moment.
func (w *work) thaw(p *Plan, c candidate) {
	title, text := "suspend this machine to lift the freeze lock", "what is hidden is frozen"
	for _, o := range c.obstacles {
		if o.lift != StepThaw {
			continue
		}
		text = o.text
		if !errors.Is(o.reason, ErrFrozen) {
			title = "suspend this machine, so that the drive is without power for a moment"
		}
	}
	p.add(Step{Kind: StepThaw, Title: title})
	p.say("%s, so the machine is suspended first; on the way back its firmware may do it again", text)
}

// key says what the drive is unlocked with.
func (w *work) key() string {
	switch {
	case w.o.Password:
		return "with its password"
	case unlocksByPSID(w.a, w.o):
		return "with the PSID of its label, which sets it back to its factory state"
	}
	return "with the password that an earlier run left"
}

// reveal plans the restoring of what is hidden, and gives the capacity after.
func (w *work) reveal(p *Plan) int64 {
	size, hidden := w.d.CapacityBytes, w.a.Hidden.Bytes()
	var titles []string
	if hidden > 0 && w.a.Hidden.Stuck == "" {
		titles = append(titles, fmt.Sprintf("restore %s that are hidden (%s)", amount(hidden), areas(w.a.Hidden)))
		p.say("%s of the drive are hidden (%s): they are restored first, so that they are erased and read back too", amount(hidden), areas(w.a.Hidden))
		size += min(hidden, maxCapacityBytes-size)
	}
	if n := w.a.BlockBytes; n > 0 && n != 512 && n != 4096 {
		titles = append(titles, fmt.Sprintf("format blocks of %d bytes to 512", n))
		p.say("the drive is formatted with blocks of %d bytes, which this system cannot read: they are put back to 512", n)
	}
	if len(titles) > 0 {
		p.add(Step{Kind: StepReveal, Title: strings.Join(titles, " and ")})
	}
	return size
}

func areas(h inventory.Hidden) string {
	var names []string
	for _, a := range []struct {
		name  string
		bytes *int64
	}{{"HPA", h.HPABytes}, {"DCO", h.DCOBytes}, {"AMA", h.AMABytes}} {
		if a.bytes != nil && *a.bytes > 0 {
			names = append(names, a.name)
		}
	}
	return list(names)
}

// overwrite plans the passes of the standard.
func (w *work) overwrite(p *Plan, c candidate, size int64) {
	s := w.o.Standard
	first, from := w.goOn(p, size)
	p.CanGoOn = canGoOn(w.o.Rules.GoOn, s, w.verify(Overwrite), w.d) == "" && p.byHostOnly() && (len(s.Passes) > 1 || provable(s.Passes[0], w.d))
	for i, pattern := range s.Passes {
		if i+1 < first {
			continue // the earlier run did it
		}
		what, blocks := pattern.String(), "every addressable block"
		if i+1 >= s.ShuffleFrom && i+1 <= s.ShuffleTo {
			what = "the pattern drawn for it"
		}
		if i+1 > first {
			from = 0
		} else if from > 0 {
			blocks = "the rest"
		}
		p.add(Step{Kind: StepOverwrite, Technique: Overwrite, Pattern: pattern, FromBytes: from, Bytes: size - from,
			Title: fmt.Sprintf("overwrite %s, pass %d of %d: %s", blocks, i+1, len(s.Passes), what)})
	}
	if s.ShuffleFrom > 0 {
		p.say("passes %d to %d run in an order drawn for this run", s.ShuffleFrom, s.ShuffleTo)
	}
	w.readBack(p, Overwrite, ExpectWritten, size)
	if c.method > MethodNone {
		p.say("%s", c.why)
	}
}

// erase plans a command of the drive's firmware.
func (w *work) erase(p *Plan, c candidate, size int64) {
	again := w.a.Sanitize.State == inventory.SanitizeFailed && c.expect == ExpectChanged && c.unmarked == ""
	if again {
		p.say("after a failed sanitize the drive may take no writes, so it is erased twice: once to be written again, and once after the markers, to prove it")
		w.give(p, c)
	}
	if c.unmarked == "" {
		p.add(Step{Kind: StepMark, Bytes: 3 * markedBytes(size, w.d.Media), Title: "write markers all over the drive, so that it shows afterwards whether they are gone"})
	} else {
		p.say("no markers are written before the erase: %s", c.unmarked)
	}
	w.give(p, c)
	w.afterErase(p, c, size)
}

// give plans the command itself.
func (w *work) give(p *Plan, c candidate) {
	// Open media are read as they are, before anything is deallocated.
	nvmeSanitize := strings.HasPrefix(string(c.eraser.Command), "nvme-sanitize-")
	p.add(Step{Kind: StepErase, Technique: c.technique, Command: c.eraser.Command, EstimateSeconds: c.eraser.EstimateSeconds,
		Options: StartOptions{KeepAllocated: nvmeSanitize && !c.eraser.OpensMedia, PurgeOrFail: c.eraser.PurgeOrFail && c.method == Purge, OpenMedia: c.eraser.OpensMedia},
		Title:   c.title() + estimate(c)})
}

func estimate(c candidate) string {
	switch {
	case c.eraser.EstimateSeconds > 0:
		return ", " + about(c.eraser.EstimateSeconds)
	case c.pace >= slow:
		return ", the drive does not say how long; it may take hours"
	}
	return ""
}

// afterErase plans how a firmware erase is proved. Where it is followed by an
// overwriting pass, the drive is looked at before that too: afterwards every
// marker would be gone whatever the drive had done.
func (w *work) afterErase(p *Plan, c candidate, size int64) {
	if !slices.Contains(w.o.Rules.OverwriteAfter, c.eraser.Command) {
		w.readBack(p, c.technique, c.expect, size)
		return
	}
	if inOrder(w.a) {
		p.say("the policy asks for overwriting after it, which a drive that is written zone by zone does not allow")
		w.readBack(p, c.technique, c.expect, size)
		return
	}
	p.say("the policy asks for an overwriting pass after it, so that everything can be compared with what was written")
	if w.o.Verify != VerifyNone {
		p.add(readBackStep(VerifySample, c.expect, size, w.d.Media))
	}
	random := Pattern{Kind: Random}
	p.add(Step{Kind: StepOverwrite, Technique: Overwrite, Pattern: random, Bytes: size, Title: "overwrite every addressable block, after the erase: " + random.String()})
	w.readBack(p, Overwrite, ExpectWritten, size)
}

// verify is how much is read back after a technique.
func (w *work) verify(t Technique) VerifyMode {
	if w.o.Verify != "" {
		return w.o.Verify
	}
	return w.o.Rules.readBack(t)
}

// readBack plans the last read-back.
func (w *work) readBack(p *Plan, t Technique, expect Expect, size int64) {
	p.Verify = w.verify(t)
	if p.Verify == VerifyNone {
		p.say("without read-back the outcome stays unproven, whatever the drive reports")
		return
	}
	p.add(readBackStep(p.Verify, expect, size, w.d.Media))
}

func readBackStep(mode VerifyMode, expect Expect, size int64, m inventory.Media) Step {
	s := Step{Kind: StepReadBack, Expect: expect, Verify: mode, Bytes: size}
	full := mode == VerifyFull
	switch {
	case expect == ExpectWritten && full:
		s.Title = "read back every block and compare"
	case expect == ExpectWritten:
		s.Title = "read back a stratified sample with the first and the last block, and compare"
	case expect == ExpectUniform && full:
		s.Title = "read back every block: the drive must be blank throughout, whatever pattern it uses for that"
	case expect == ExpectUniform:
		s.Title = "read back a stratified sample and every marked place: they must be blank, whatever pattern the drive uses for that"
	case full:
		s.Title = "read back every block: no marker and nothing that was there before may be left"
	default:
		s.Title = "read back the marked places: no marker and nothing that was there before may be left"
	}
	if !full {
		if expect == ExpectChanged {
			s.Bytes = 2 * markedBytes(size, m)
		} else {
			_, s.Bytes = sample(size, Key{})
		}
	}
	return s
}

// markedBytes is about how much a pass over the marked places transfers.
func markedBytes(size int64, m inventory.Media) int64 {
	places := int64(marksMagnetic)
	if m == inventory.MediaFlash {
		places = marksFlash
	}
	return max(min(places, size/markBytes/2), 0) * markBytes
}

// circumstances says what a technician should know of the drive.
func (w *work) circumstances(p *Plan, c candidate) {
	a := w.a
	if w.d.Abilities == nil {
		return
	}
	for _, e := range a.Erasers {
		if _, ok := commandFacts(e.Command); !ok {
			p.say("the drive names an erase command that is not known here: %.40q", e.Command)
		}
	}
	for _, r := range w.all {
		if r.method == MethodNone {
			p.say("%s is no sanitisation of this drive: %s", r.title(), r.why)
		}
	}
	switch s := a.Sanitize; s.State {
	case inventory.SanitizeFailed:
		p.say("the last sanitize of this drive failed%s; until another succeeds the drive may refuse to be read and written", quoted(s.Raw, ""))
	case inventory.SanitizeUnknown:
		p.say("what the drive says of its last sanitize makes no sense%s", quoted(s.Raw, ""))
	}
	w.sayHidden(p)
	w.saySpaces(p, c)
	if a.Through != "" && !c.byHost() {
		p.say("commands reach the drive through a %s, which may answer for it", a.Through)
	}
	if c.technique == CryptoErase {
		p.say("a crypto erase destroys the key; it rests on the drive having encrypted everything from the first block on")
	}
	for _, note := range a.Notes {
		p.say("%s", note)
	}
}

func (w *work) sayHidden(p *Plan) {
	h := w.a.Hidden
	n := h.Bytes()
	switch {
	case n > 0 && h.Stuck != "":
		p.say("%s stay hidden (%s), because %s", amount(n), areas(h), h.Stuck)
	case n == 0 && w.a.Protocol == "ata" && !h.Known():
		p.say("whether the drive hides an area (HPA, DCO, AMA) is not known")
	}
}

func (w *work) saySpaces(p *Plan, c candidate) {
	whole := c.eraser.WholeDrive && !c.byHost()
	var with, without []string
	if whole {
		with = neighbours(w.d, w.a)
	}
	for _, s := range w.a.Spaces {
		if s.Path != "" && s.Path == w.d.Path {
			continue
		}
		name := s.Name
		if s.SizeBytes > 0 {
			name += fmt.Sprintf(" of %s", amount(s.SizeBytes))
		}
		switch {
		case s.Reach == "none":
			p.say("nothing reaches %s, which this plan does not cover", name)
		case whole && s.Reach == "drive" && (s.Path == "" || isBootPartition(s)):
			with = append(with, name)
		case !whole || isBootPartition(s):
			without = append(without, strings.TrimSpace(s.Path+" "+name))
		}
	}
	if len(with) > 0 {
		p.say("the command is for the whole drive and also erases %s", list(with))
	}
	if len(without) > 0 {
		p.say("not part of this plan, and left as it is: %s", list(without))
	}
}
