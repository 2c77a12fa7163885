package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/boot"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/internal/remains"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/internal/tui"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
	"github.com/ombruk/ombruk/report"
)

// screenWork is what stands behind the technician's screen: the same session
// and the same jobs as behind the commands.
type screenWork struct {
	a       *app
	host    host
	rig     session.Rig
	session *session.Session
	policy  policy.Policy
	judge   func(grade.Facts) grade.Result
	// remains looks at what there is besides the drives; nil with simulated
	// drives, whose machine is not this one.
	remains *remains.Source
	// end ends what waits for the program's end, and over is then closed.
	end  context.CancelFunc
	over <-chan struct{}

	// opening is held while the station is opened, which may have records of
	// an earlier run to close.
	opening sync.Mutex
	station *job.Station
	state   string // of the store that the station was opened with

	mu sync.Mutex
	// planned is what the rows on the screen stand for, by their ID.
	planned map[string]session.Work
	drives  []inventory.Drive // all that the last look at the machine saw
	machine inventory.Machine
	// seen is what there was besides the drives when the machine came, and did
	// what was done about it.
	seen  []remains.Seen
	did   []certs.Remain
	notes []string
	words *lang.Text
	held  error // why finished records wait in memory, nil when none does
	began time.Time
	tally tally
}

// tally is the last count of the records, which costs a look at the folder.
type tally struct {
	at     time.Time
	keep   tui.Keep
	second string // folder of the copies
}

// tallyEvery is the time between two looks at the folder of records.
const tallyEvery = 2 * time.Second

// note keeps what a person should know until the next plan shows it. On a stick
// it goes into the log as well: not every note is about a drive in a plan.
func (w *screenWork) note(format string, args ...any) {
	if w.host.setup.Stick {
		fmt.Fprintln(w.a.stderr, printable(fmt.Sprintf(format, args...)))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

func (w *screenWork) takeNotes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	notes := w.notes
	w.notes = nil
	return notes
}

func (w *screenWork) CheckIntake(in tui.Intake) error {
	_, err := w.a.agency(in.Agency)
	return err
}

// Ready waits for the drivers, and closes what an earlier run left open. That
// there is nowhere to keep records yet is no error here: Keep says so, and
// nothing can be begun without.
func (w *screenWork) Ready(ctx context.Context) error {
	if err := w.host.ready(ctx); err != nil {
		return err
	}
	if _, err := w.opened(); err != nil {
		w.note("%v", err)
	}
	return nil
}

// opened gives the station, which is opened when there is first somewhere to
// keep its records, and anew when somebody goes on with another stick: each has a
// chain of its own. What was begun before waits for the stick that it was begun on.
func (w *screenWork) opened() (*job.Station, error) {
	w.opening.Lock()
	defer w.opening.Unlock()
	at := w.host.store()
	if w.station != nil && (at.trouble != nil || at.state == w.state) {
		return w.station, nil
	}
	if at.trouble != nil {
		return nil, at.trouble
	}
	w.a.flags.out, w.a.state = at.records, at.state
	station, err := w.a.station(w.rig.Mode())
	if err != nil {
		return nil, err
	}
	w.rig.Clocked(station)
	if err := station.Recover(func(e job.Event) {
		w.note("%s", w.text().Get("screen.recovered", map[string]any{"Drive": strings.TrimSpace(e.Path + " " + e.Serial)}))
	}); err != nil {
		w.note("%v", err)
	}
	station.Again = w.again
	if w.station != nil {
		w.station.Folder.Mirror("")
		w.mu.Lock()
		w.tally = tally{} // so that the other one's copies are looked for
		w.mu.Unlock()
	}
	w.station, w.state = station, at.state
	return station, nil
}

// againEvery is the time between two looks whether a stick is back.
const againEvery = 2 * time.Second

// again waits until the records can be kept again. Full sticks and the like say
// nothing when they are mended, so those are simply tried.
func (w *screenWork) again(_ context.Context, err error) bool {
	w.mu.Lock()
	w.held = err
	w.mu.Unlock()
	for wait := againEvery; ; wait = min(2*wait, 10*time.Second) {
		select {
		case <-w.over:
			return false
		case <-time.After(wait):
		}
		if w.host.store().trouble == nil {
			return true
		}
	}
}

func (w *screenWork) Machine(ctx context.Context) (tui.Machine, error) {
	m, err := w.rig.Machine(ctx)
	if err != nil {
		return tui.Machine{}, err
	}
	w.mu.Lock()
	w.machine, w.drives, w.began = m, m.Drives, w.a.now()
	w.seen, w.did = nil, nil
	w.mu.Unlock()
	shown := tui.Machine{Machine: m}
	for _, reason := range inventory.Unseen(m) {
		shown.Odd = append(shown.Odd, w.unseen(reason))
	}
	shown.Odd = append(append(shown.Odd, m.Notes...), w.takeNotes()...)
	return shown, nil
}

func (w *screenWork) Drives(ctx context.Context) ([]inventory.Drive, error) { return w.rig.Drives(ctx) }

func (w *screenWork) Plan(ctx context.Context, in tui.Intake, c tui.Choice, paths ...string) ([]tui.Row, error) {
	order, err := w.order(in, c)
	if err != nil {
		return nil, err
	}
	all, err := w.rig.Drives(ctx)
	if err != nil {
		return nil, err
	}
	var rows []tui.Row
	var targets []inventory.Drive
	for _, d := range all {
		if len(paths) > 0 && !slices.Contains(paths, d.Path) {
			continue
		}
		if slices.ContainsFunc(targets, func(t inventory.Drive) bool { return slices.Contains(t.AlsoAt, d.Path) }) {
			continue // the other port of a drive that is there already
		}
		row := tui.Row{ID: d.Path, Drive: d, Internal: session.Internal(d), Covers: []inventory.Drive{d}}
		if d.CapacityBytes == 0 { // only the drive itself can say why
			one := []inventory.Drive{d}
			w.session.Ask(ctx, one)
			d = one[0]
		}
		blocked := erase.Blocked(d, all, false)
		row.Boot = errors.Is(blocked, erase.ErrBootMedium)
		switch {
		case blocked != nil:
			row.Refused, row.Ways = refusal(w.text(), blocked, nil)
		case len(paths) == 0 && !row.Internal:
			row.Refused = w.text().Get("refused.beside", nil)
		default:
			targets = append(targets, d)
			continue
		}
		if row.Internal {
			row.Holds = w.holds(ctx, d)
		}
		rows = append(rows, row)
	}
	works, err := w.session.Prepare(ctx, session.Wishes{Order: order, Thaw: c.Thaw}, targets)
	if err != nil {
		return nil, err
	}
	if station, err := w.opened(); err == nil {
		if _, err := w.session.Resume(station, works); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	w.drives = all
	for _, work := range works {
		w.planned[work.Plan.Drive.Path] = work
	}
	w.mu.Unlock()
	notes := w.takeNotes()
	for _, work := range works {
		rows = append(rows, w.row(ctx, work, notes))
	}
	slices.SortStableFunc(rows, func(a, b tui.Row) int { return cmp.Compare(a.ID, b.ID) })
	return rows, nil
}

// row is a planned drive as the screen shows it.
func (w *screenWork) row(ctx context.Context, work session.Work, notes []string) tui.Row {
	plan := work.Plan
	row := tui.Row{ID: plan.Drive.Path, Drive: work.Drives[0], Covers: work.Drives, Internal: session.Internal(plan.Drive), Holds: w.holds(ctx, work.Drives...)}
	row.Plan = &plan
	if work.Refused != nil {
		row.Refused, row.Ways = refusal(w.text(), work.Refused, &plan)
	}
	for _, n := range notes {
		if strings.HasPrefix(n, row.ID+" ") || strings.Contains(n, " "+row.ID+":") {
			row.Ways = append(row.Ways, n)
		}
	}
	return row
}

// holds is what drives would lose, a line for each thing recognised.
func (w *screenWork) holds(ctx context.Context, drives ...inventory.Drive) (lines []string) {
	t := w.text()
	for _, d := range drives {
		for _, held := range w.rig.Holds(ctx, d) {
			what, ok := t.Try("holds."+string(held.Kind), nil)
			if !ok {
				what = string(held.Kind)
			}
			lines = append(lines, what+" "+t.Bytes(held.SizeBytes))
		}
	}
	return lines
}

// order is what is asked for the drives.
func (w *screenWork) order(in tui.Intake, c tui.Choice) (erase.Order, error) {
	standard, err := erase.FindStandard(c.Standard)
	if err != nil {
		return erase.Order{}, err
	}
	o := erase.Order{Standard: standard, BestEffort: c.BestEffort, Rules: w.policy.Rules}
	if w.policy.Accept != erase.MethodNone {
		o.Accept, o.AcceptBy = w.policy.Accept, "policy "+w.policy.Name
	}
	if c.Accept != erase.MethodNone {
		o.Accept, o.AcceptBy = c.Accept, strings.TrimSpace("operator "+in.Operator)
	}
	return o, nil
}

// jobOrder is what the records of the machine have in common.
func (w *screenWork) jobOrder(station *job.Station, in tui.Intake, m inventory.Machine) (job.Order, error) {
	agency, err := w.a.agency(in.Agency)
	if err != nil {
		return job.Order{}, err
	}
	o := job.Order{Agency: agency, Order: in.Order, AssetTag: in.AssetTag, Policy: certs.Policy{Name: w.policy.Name, SHA256: w.policy.SHA256}, Stall: w.policy.Stall, Every: screenEvery}
	return session.Order(o, m, certs.Person{Name: in.Operator, Organisation: station.Signer.Organisation(), Date: w.a.now().UTC().Format(time.DateOnly)}, rand.Reader)
}

// screenEvery is how often a drive reports its progress to the screen.
const screenEvery = 250 * time.Millisecond

// errPlannedAnew means that the plan a person has seen is not the one that
// would be run.
var errPlannedAnew = errors.New("its plan has changed since it was shown: look at it again")

func (w *screenWork) Begin(ctx context.Context, in tui.Intake, rows []tui.Row, emit func(job.Event), ended func(tui.Result)) (tui.Run, error) {
	w.mu.Lock()
	machine, all := w.machine, w.drives
	var works []session.Work
	var changed string
	for _, row := range rows {
		if row.Refused != "" || row.Plan == nil {
			continue
		}
		work, ok := w.planned[row.ID]
		if !ok || !samePlan(work.Plan, *row.Plan) || !sameDrives(work.Drives, row.Covers) || work.Refused != nil {
			changed = row.ID
		}
		works = append(works, work)
	}
	w.mu.Unlock()
	if changed != "" {
		return nil, fmt.Errorf("%s: %w", changed, errPlannedAnew)
	}
	if len(works) == 0 {
		return nil, errors.New("there is no drive that may be erased")
	}
	station, err := w.opened()
	if err != nil {
		return nil, err
	}
	o, err := w.jobOrder(station, in, machine)
	if err != nil {
		return nil, err
	}
	if err := w.session.Thaw(ctx, works, all); err != nil {
		return nil, err
	}
	batch, err := w.session.Begin(ctx, station, inventory.Machine{System: machine.System, Drives: all}, o, works)
	if err != nil {
		return nil, err
	}
	r := &screenRun{batch: batch, over: make(chan struct{})}
	for range works {
		ctx, cancel := context.WithCancel(ctx)
		r.contexts, r.cancels = append(r.contexts, ctx), append(r.cancels, cancel)
	}
	go func() {
		defer close(r.over)
		batch.Run(ctx, func(i int) context.Context { return r.contexts[i] }, emit, func(i int) {
			r.cancels[i]()
			w.mu.Lock()
			w.held = nil // a record could be kept
			w.mu.Unlock()
			ended(tui.Result{ID: works[i].Plan.Drive.Path, Done: batch.Done[i], Answer: tui.Answer{Key: report.Answer(batch.Done[i].Record)}, Err: batch.Errs[i]})
		})
	}()
	return r, nil
}

// samePlan reports whether two plans do the same to the same drive.
func samePlan(a, b erase.Plan) bool {
	return a.Drive.Path == b.Drive.Path && a.Drive.Serial == b.Drive.Serial && a.Standard.ID == b.Standard.ID && a.Command == b.Command &&
		a.Achieves == b.Achieves && a.Technique == b.Technique && a.Verify == b.Verify && slices.Equal(a.Outline(), b.Outline())
}

// sameDrives reports whether two lists name the same drives in the same places.
func sameDrives(a, b []inventory.Drive) bool {
	return slices.EqualFunc(a, b, func(a, b inventory.Drive) bool { return a.Path == b.Path && a.Serial == b.Serial && a.WWN == b.WWN })
}

// screenRun is a batch under way.
type screenRun struct {
	batch    *session.Batch
	contexts []context.Context //nolint:containedctx // one for each drive, so that it can be cancelled alone
	cancels  []context.CancelFunc
	over     chan struct{}
}

func (r *screenRun) each(id string, do func(i int)) {
	for i, work := range r.batch.Works {
		if id == "" || work.Plan.Drive.Path == id {
			do(i)
		}
	}
}

func (r *screenRun) Pause(id string, on bool) (paused bool) {
	r.each(id, func(i int) { paused = r.batch.Pause(i, on) || paused })
	return paused
}

func (r *screenRun) Cancel(id string) { r.each(id, func(i int) { r.cancels[i]() }) }

func (r *screenRun) Wait() { <-r.over }

func (w *screenWork) Keep() tui.Keep {
	w.mu.Lock()
	now := time.Now() // not the station's: a simulated clock runs faster
	if k := w.tally; now.Sub(k.at) < tallyEvery {
		w.mu.Unlock()
		return k.keep
	}
	held, copiedTo := w.held, w.tally.second
	w.mu.Unlock()
	at := w.host.store()
	k := tui.Keep{FreeBytes: -1, Sticks: at.sticks}
	station := w.current()
	if station == nil {
		at.second = "" // it is taken up when there is something to copy
	} else {
		k.ClockTrust = station.ClockTrusted
		if at.second != copiedTo {
			station.Folder.Mirror(at.second)
		}
		k.Second = at.second != "" && station.Folder.MirrorTrouble() == nil
	}
	err := at.trouble
	if err == nil {
		k.Records, k.NotHanded, k.LastSaved, err = record.Tally(at.records)
		if station == nil && errors.Is(err, fs.ErrNotExist) {
			err = nil // the folder is made when the station is opened
		}
	}
	if err == nil && station != nil {
		k.FreeBytes, err = record.FreeBytes(at.records)
	}
	if err == nil {
		err = held
	}
	if err != nil {
		k.Trouble = w.trouble(err)
	}
	w.mu.Lock()
	w.tally = tally{at: now, keep: k, second: at.second}
	w.mu.Unlock()
	return k
}

// current is the station if it has been opened.
func (w *screenWork) current() *job.Station {
	if !w.opening.TryLock() {
		return nil // it is being opened; the screen does not wait for that
	}
	defer w.opening.Unlock()
	return w.station
}

// troubles are the messages for what can be wrong with a stick, by what
// record.Trouble calls it.
func (w *screenWork) trouble(err error) string {
	if errors.Is(err, boot.ErrLooking) {
		return "" // it may be there in a moment
	}
	for reason, key := range map[error]string{
		boot.ErrRemoved: "screen.trouble.removed", boot.ErrSwapped: "screen.trouble.swapped", boot.ErrSeveral: "screen.trouble.several",
		boot.ErrNoStick: "screen.trouble.none", boot.ErrNotMounted: "screen.trouble.damaged",
	} {
		if errors.Is(err, reason) {
			return w.text().Get(key, nil)
		}
	}
	if text, ok := w.text().Try("screen.trouble."+record.Trouble(err), nil); ok {
		return text
	}
	return err.Error()
}

// Speak changes the language of what is said on the screen. The pages stay in
// that of the station.
func (w *screenWork) Speak(t *lang.Text) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.words = t
}

func (w *screenWork) text() *lang.Text {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.words
}

// ChooseStick keeps the records on another stick from now on.
func (w *screenWork) ChooseStick(id string) {
	if choose := w.host.store().choose; choose != nil {
		choose(id)
	}
}

func (w *screenWork) SetClock(t time.Time) error {
	if err := w.host.setClock(t); err != nil {
		return err
	}
	if station := w.current(); station != nil {
		station.ClockSource, station.ClockTrusted = "operator", false
	}
	w.a.clockSource = "operator"
	return nil
}

func (w *screenWork) Beep(hertz int, d time.Duration) { w.host.beep(hertz, d) }

// copiedWithin is how long switching off waits for copies on another stick.
const copiedWithin = 20 * time.Second

// PowerOff implements tui.Work. On a stick the machine is switched off by the
// first process, when this program has ended.
func (w *screenWork) PowerOff() {
	if station := w.current(); station != nil {
		// A copy that is being made is finished; one that hangs is not.
		ctx, cancel := context.WithTimeout(context.Background(), copiedWithin)
		defer cancel()
		_ = station.Folder.MirrorSettled(ctx)
	}
	w.end()
}

// unseen is why storage was not erased or is not seen, in the screen's language.
func (w *screenWork) unseen(r inventory.Reason) string {
	if text, ok := w.text().Try("unseen."+r.Code, map[string]any{"Device": r.Device, "Count": 1}); ok {
		return text
	}
	return r.Text
}
