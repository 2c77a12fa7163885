package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ombruk/ombruk/inventory"
)

// bench erases loose drives as they are put into a rack. What was there when
// somebody armed it, the disk of the bench's own machine among it, is left
// alone, also when it goes away and comes back by itself: somebody must choose
// it and say so.
type bench struct {
	blank
	m     *Model
	armed bool
	// arming is set while the code is asked for.
	arming bool
	code   codeEntry
	bays   []*bay // by number, which a bay keeps
	// known are the drives that were there when it was armed, done those whose
	// record was closed here since; see identity.
	known, done map[string]bool
	at          int
	details     bool
	asked       time.Time // when the drives were last looked for
	looks       int       // counts the looks
	answered    int       // the last look whose answer came
	armAt       int       // the look after which it is armed; 0 is none
	err         error
}

// bayState is where the drive in a bay has got to.
type bayState int

const (
	bayFree   bayState = iota // nothing in it
	bayKept                   // in it since before
	bayPlan                   // being asked and planned
	bayLeft                   // it may not be erased
	bayAgain                  // done here already; somebody must say that it is to be erased again
	bayWork                   // begun
	bayEnded                  // its record is closed
	bayFailed                 // nothing was begun
)

// bay is one place of the rack.
type bay struct {
	slot  string
	state bayState
	// gone means that the drive was pulled out; a bay with a record that is
	// not closed yet stays taken.
	gone  bool
	drive inventory.Drive
	// turn counts what was put in and planned anew, so that answers about another drive are
	// dropped.
	turn    int
	row     Row
	run     Run
	feed    *feed
	work    driveState
	failed  error
	pending *inventory.Drive // put in while the one before had no record yet
}

// Messages of the bench.
type (
	rackSeen struct {
		look   int
		drives []inventory.Drive
		slots  []string // of each drive
		err    error
	}
	bayPlanned struct {
		bay  *bay
		turn int
		rows []Row
		err  error
	}
	bayBegan struct {
		bay  *bay
		turn int
		run  Run
		err  error
	}
)

func newBench(m *Model) page { return &bench{m: m, known: map[string]bool{}, done: map[string]bool{}} }

// lookEvery is the time between two looks for drives.
const lookEvery = time.Second

func (b *bench) enter() tea.Cmd { return b.look() }

// look asks for the drives. What is answered late is dropped.
func (b *bench) look() tea.Cmd {
	b.looks++
	b.asked = b.m.setup.Now()
	ctx, w, look := b.m.ctx, b.m.work, b.looks
	return func() tea.Msg {
		drives, err := w.Drives(ctx)
		r := rackSeen{look: look, drives: drives, err: err}
		for _, d := range drives {
			r.slots = append(r.slots, w.Slot(d))
		}
		return r
	}
}

// identity is by what a drive is known again.
func identity(slot string, d inventory.Drive) string {
	if id := cmp.Or(d.Serial, d.WWN); id != "" {
		return d.Model + " " + id
	}
	return fmt.Sprint(slot, " ", d.Model, " ", d.CapacityBytes)
}

// running reports whether a drive is at work or its record is open.
func (b *bench) running() bool {
	return slices.ContainsFunc(b.bays, func(y *bay) bool { return y.busy() })
}

// busy means that something was asked of the drive that is not over.
func (y *bay) busy() bool { return y.state == bayPlan || y.state == bayWork }

func (b *bench) message(msg tea.Msg) tea.Cmd {
	if b.m.at != atBench {
		return nil
	}
	switch msg := msg.(type) {
	case ticked:
		now := time.Time(msg)
		var cmds []tea.Cmd
		for _, y := range b.bays {
			cmds = append(cmds, b.drain(y, now))
		}
		if b.looks == b.answered && b.m.setup.Now().Sub(b.asked) >= lookEvery {
			cmds = append(cmds, b.look())
		}
		return tea.Batch(cmds...)
	case rackSeen:
		if msg.look != b.looks {
			return nil
		}
		b.answered = msg.look
		if b.err = msg.err; msg.err != nil {
			return nil // what is in the bays is not known
		}
		cmd := b.compare(msg)
		if b.armAt == msg.look {
			b.armAt, b.armed = 0, true
			for _, y := range b.bays {
				if y.state == bayKept {
					b.known[identity(y.slot, y.drive)] = true
				}
			}
		}
		return cmd
	case bayPlanned:
		if msg.turn != msg.bay.turn {
			return nil
		}
		return b.planned(msg.bay, msg.rows, msg.err)
	case bayBegan:
		if msg.turn != msg.bay.turn {
			return nil
		}
		if msg.err != nil {
			msg.bay.state, msg.bay.failed = bayFailed, msg.err
			return nil
		}
		msg.bay.run = msg.run
	}
	return nil
}

// same reports whether two looks saw the same drive.
func same(a, b inventory.Drive) bool {
	return a.Path == b.Path && a.Serial == b.Serial && a.Model == b.Model && a.WWN == b.WWN && a.CapacityBytes == b.CapacityBytes
}

// compare finds what was put in and pulled out since the last look.
func (b *bench) compare(r rackSeen) tea.Cmd {
	now := map[string]inventory.Drive{}
	var order []string
	for i, d := range r.drives {
		slot := r.slots[i]
		if slot == "" {
			continue // it is coming or going
		}
		if slices.ContainsFunc(r.drives[:i], func(other inventory.Drive) bool { return slices.Contains(other.AlsoAt, d.Path) }) {
			continue // the other port of a drive that has its bay
		}
		if _, ok := now[slot]; ok {
			slot += " " + d.Path // a second unit that cannot be told apart
		}
		now[slot] = d
		order = append(order, slot)
	}
	slices.SortFunc(order, natural) // what comes together, in the order of the ports
	var cmds []tea.Cmd
	for _, y := range b.bays {
		d, there := now[y.slot]
		switch {
		case !there:
			b.pulled(y)
		case y.state != bayFree && same(d, y.drive):
			// A drive that was away for less than a look is the same one.
			y.gone, y.pending = false, nil
		case y.state == bayWork:
			y.gone, y.pending = true, &d
		default:
			cmds = append(cmds, b.put(y, d))
		}
		delete(now, y.slot)
	}
	for _, slot := range order {
		if d, ok := now[slot]; ok {
			y := &bay{slot: slot}
			b.bays = append(b.bays, y)
			cmds = append(cmds, b.put(y, d))
		}
	}
	return tea.Batch(cmds...)
}

// natural compares texts so that ata10 comes after ata9.
func natural(a, b string) int {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	for a != "" && b != "" {
		if !digit(a[0]) || !digit(b[0]) {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		number := func(s *string) string {
			n := 0
			for n < len(*s) && digit((*s)[n]) {
				n++
			}
			out := strings.TrimLeft((*s)[:n], "0")
			*s = (*s)[n:]
			return out
		}
		x, y := number(&a), number(&b)
		if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// pulled frees a bay, unless a record is still open. What came of a drive that
// was pulled out while it was erased stays in sight until another is put in.
func (b *bench) pulled(y *bay) {
	switch {
	case y.state == bayFree, y.state == bayEnded && y.gone:
		return
	case y.state == bayWork:
		y.gone, y.pending = true, nil
		return
	}
	y.turn++ // what was asked about it is of no interest
	*y = bay{slot: y.slot, turn: y.turn}
}

// put takes what was put into a free bay.
func (b *bench) put(y *bay, d inventory.Drive) tea.Cmd {
	y.turn++
	*y = bay{slot: y.slot, turn: y.turn, drive: d}
	switch {
	case !b.armed, b.known[identity(y.slot, d)]:
		y.state = bayKept
		return nil
	case b.done[identity(y.slot, d)]:
		y.state = bayAgain
		return nil
	}
	return b.plan(y)
}

// plan asks what can be done to the drive in a bay.
func (b *bench) plan(y *bay) tea.Cmd {
	y.state, y.failed = bayPlan, nil
	ctx, w, in, c, turn, path := b.m.ctx, b.m.work, b.m.in, b.m.choice, y.turn, y.drive.Path
	return func() tea.Msg {
		rows, err := w.Plan(ctx, in, c, path)
		return bayPlanned{y, turn, rows, err}
	}
}

// planned begins what may be begun.
func (b *bench) planned(y *bay, rows []Row, err error) tea.Cmd {
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Drive.Path == y.drive.Path || r.ID == y.drive.Path })
	switch {
	case err != nil:
		y.state, y.failed = bayFailed, err
		return nil
	case i < 0:
		y.state = bayLeft
		y.row = Row{ID: y.drive.Path, Drive: y.drive, Refused: b.m.say("bench.not-planned", nil)}
		return nil
	}
	y.row = rows[i]
	// Between look and plan another drive may have come to the same path.
	planned := y.row.Drive
	other := planned.Serial != y.drive.Serial || planned.WWN != y.drive.WWN || planned.Model != y.drive.Model
	if other || !b.m.erased(y.row) {
		y.state = bayLeft
		if other {
			y.row.Refused = b.m.say("bench.another", nil)
		}
		return nil
	}
	y.state, y.feed, y.work = bayWork, new(feed), driveState{}
	ctx, w, in, turn, row, f := b.m.ctx, b.m.work, b.m.in, y.turn, y.row, y.feed
	return func() tea.Msg {
		run, err := w.Begin(ctx, in, []Row{row}, f.emit, f.ended)
		return bayBegan{y, turn, run, err}
	}
}

// drain takes what the drive in a bay has reported.
func (b *bench) drain(y *bay, now time.Time) tea.Cmd {
	if y.state != bayWork {
		return nil
	}
	all, results := y.feed.take()
	if n, ok := all[y.row.ID]; ok {
		y.work.take(n, now)
	}
	if len(results) == 0 {
		return nil
	}
	y.work.result = &results[0]
	y.state = bayEnded
	b.done[identity(y.slot, y.drive)] = true
	delete(b.known, identity(y.slot, y.drive))
	cmd := b.m.ended(*y.work.result)
	if next := y.pending; next != nil {
		return tea.Batch(cmd, b.put(y, *next))
	}
	return cmd
}

// ended sounds how a drive ended.
func (m *Model) ended(r Result) tea.Cmd {
	if t, _ := m.outcome(r); t == good || t == notice {
		return m.sound(880, 1320)
	}
	return m.sound(220, 220)
}

// codeEntry is a code that must be typed by hand.
type codeEntry struct {
	code, typed string
	fast        int
}

// digit takes a digit; it says whether the code is complete and right, and what
// else there is to say.
func (e *codeEntry) digit(d string) (right bool, say string) {
	e.typed += d
	if len(e.typed) < codeDigits {
		return false, ""
	}
	typed, fast := e.typed, e.fast
	e.typed, e.fast = "", 0
	switch {
	case fast >= handBurst:
		return false, "confirm.by-hand"
	case typed != e.code:
		return false, "confirm.wrong"
	}
	return true, ""
}

func (b *bench) burst(n int) { b.code.fast = max(b.code.fast, n) }

func (b *bench) scanned(string, bool) bool {
	if !b.arming {
		return false
	}
	b.code.typed, b.code.fast = "", 0
	b.m.warn(b.m.say("confirm.by-hand", nil))
	return true
}

func (b *bench) key(k tea.KeyPressMsg) (bool, tea.Cmd) {
	if b.arming {
		return b.codeKey(k)
	}
	if b.details {
		if k.String() == "esc" {
			b.details = false
			return true, nil
		}
		return false, nil
	}
	switch k.String() {
	case "up":
		b.at--
	case "down":
		b.at++
	case "home":
		b.at = 0
	case "end":
		b.at = len(b.bays) - 1
	default:
		return false, nil
	}
	b.at = max(min(b.at, len(b.bays)-1), 0)
	return true, nil
}

func (b *bench) codeKey(k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "esc":
		b.arming = false
		return true, nil
	case "backspace":
		b.code.typed = b.code.typed[:max(len(b.code.typed)-1, 0)]
		return true, nil
	case "enter":
		return b.m.chosen == "", nil
	}
	if len(k.Text) != 1 || k.Text[0] < '0' || k.Text[0] > '9' {
		return false, nil
	}
	right, say := b.code.digit(k.Text)
	if say != "" {
		b.m.warn(b.m.say(say, nil))
	}
	if !right {
		return true, nil
	}
	// What came until this moment is not touched.
	b.arming = false
	cmd := b.look()
	b.armAt = b.looks
	return true, cmd
}

// arm asks for the code.
func (b *bench) arm() tea.Cmd {
	code, err := drawCode(b.m.setup.Rand)
	if err != nil {
		b.m.fail(err)
		return nil
	}
	b.arming, b.code = true, codeEntry{code: code}
	return nil
}

// standing is the bay that it stands on, nil without any.
func (b *bench) standing() *bay {
	if b.at < 0 || b.at >= len(b.bays) {
		return nil
	}
	return b.bays[b.at]
}

func (b *bench) actions() []action {
	m := b.m
	if b.arming {
		return []action{{key: "esc", label: m.say("action.back-nothing-done", nil), do: func() tea.Cmd { b.arming = false; return nil }}}
	}
	var out []action
	if !b.armed && !b.details {
		// Before the drivers have settled it is not known what was there.
		if m.machine != nil && b.answered > 0 && b.err == nil {
			out = append(out, action{key: "a", label: m.say("bench.arm", nil), do: b.arm})
		}
		out = append(out,
			action{key: "s", label: m.say("action.standard", nil), do: b.askStandard},
			action{key: "e", label: m.say("bench.operator", nil), do: b.askOperator})
	}
	if y := b.standing(); y != nil {
		out = append(out, b.bayActions(y)...)
	}
	if b.details {
		return append(out, action{key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd { b.details = false; return nil }})
	}
	if b.armed {
		out = append(out, action{key: "d", label: m.say("bench.disarm", nil), do: func() tea.Cmd { b.armed = false; return nil }})
	}
	if !b.running() {
		out = append(out, m.powerOffAction())
	}
	return out
}

// bayActions are what can be done with one bay.
func (b *bench) bayActions(y *bay) []action {
	m := b.m
	var out []action
	if !b.details && y.state != bayFree {
		open := action{key: "enter", label: m.say("action.details", nil), do: func() tea.Cmd { b.details = true; return nil }}
		if b.armed {
			out = append(out, open)
		} else {
			out = append(out, action{key: "i", label: open.label, do: open.do})
		}
	}
	switch {
	case y.state == bayWork && y.run != nil:
		pause := action{key: "p", label: m.say("action.pause", nil), do: func() tea.Cmd { return b.pause(y, true) }}
		if y.work.paused {
			pause = action{key: "p", label: m.say("action.go-on", nil), do: func() tea.Cmd { return b.pause(y, false) }}
		}
		out = append(out, pause, action{key: "c", label: m.say("action.cancel", nil), do: func() tea.Cmd { return b.askCancel(y) }})
	case b.armed && (y.state == bayLeft || y.state == bayFailed):
		out = append(out, action{key: "r", label: m.say("action.try-again", nil), do: func() tea.Cmd { return b.plan(y) }})
	case b.armed && !y.gone && (y.state == bayAgain || y.state == bayEnded || y.state == bayKept):
		out = append(out, action{key: "r", label: m.say("bench.again", nil), do: func() tea.Cmd { return b.askAgain(y) }})
	}
	return out
}

func (b *bench) pause(y *bay, on bool) tea.Cmd {
	run, id := y.run, y.row.ID
	generation := b.m.generation
	return func() tea.Msg {
		if run.Pause(id, on) {
			return nil // the next progress says so
		}
		return pauseAnswer{generation: generation, on: on, none: []string{id}}
	}
}

func (b *bench) name(y *bay) string {
	return b.m.modelOf(y.drive.Model) + " " + b.m.serial(y.drive)
}

// askCancel and askAgain stand on the answer that changes nothing.
func (b *bench) askCancel(y *bay) tea.Cmd {
	m := b.m
	text := []string{m.say("progress.cancel-what", nil)}
	if y.work.progress.Device {
		text = append(text, m.say("progress.goes-on-anyway", nil))
	}
	run, id := y.run, y.row.ID
	m.over = &menu{title: m.say("progress.cancel-one", map[string]any{"Drive": b.name(y)}), text: text, tone: notice, options: []option{
		{label: m.say("progress.cancel-no", nil)},
		{label: m.say("progress.cancel-yes", nil), do: func() tea.Cmd {
			y.work.cancelled = true
			return func() tea.Msg { run.Cancel(id); return nil }
		}},
	}}
	return nil
}

func (b *bench) askAgain(y *bay) tea.Cmd {
	m, turn := b.m, y.turn
	m.over = &menu{title: m.say("bench.again-which", map[string]any{"Drive": b.name(y)}), tone: notice, options: []option{
		{label: m.say("bench.again-no", nil)},
		{label: m.say("bench.again-yes", nil), do: func() tea.Cmd {
			if y.turn != turn || y.gone { // it was pulled out meanwhile
				return nil
			}
			y.turn++
			return b.plan(y)
		}},
	}}
	return nil
}

// askStandard lets a standard be chosen, before anything is armed.
func (b *bench) askStandard() tea.Cmd {
	m := b.m
	q := &menu{title: m.say("drives.standard-which", nil)}
	for i, s := range m.setup.Standards {
		if s.ID == m.choice.Standard {
			q.at = i
		}
		q.options = append(q.options, option{label: m.standardTitle(s.ID), detail: m.method(s.Method), do: func() tea.Cmd { m.choice.Standard = s.ID; return nil }})
	}
	m.over = q
	return nil
}

// askOperator takes the name that stands on the pages.
func (b *bench) askOperator() tea.Cmd {
	m := b.m
	q := &menu{title: m.say("bench.operator-which", nil), filtered: true, filter: m.in.Operator, options: []option{}}
	q.typed = func(name string) (option, bool) {
		name = strings.TrimSpace(name)
		return option{label: name, do: func() tea.Cmd { m.in.Operator = name; return nil }}, name != ""
	}
	m.over = q
	return nil
}
