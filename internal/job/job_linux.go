// Package job takes one drive from its plan to a closed record: started
// record, run, final record, page. The command line and the technician's
// screen use the same jobs and render the same events.
package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/report"
)

// Station is who does jobs: its key, its chain, its folder, its clock.
type Station struct {
	Signer *certs.Signer
	Chain  *record.Chain
	Folder *record.Folder
	Pages  *report.Renderer
	// Trust decides whose unfinished records are closed besides our own; nil
	// means nobody's.
	Trust *certs.Trust
	Tool  certs.Tool
	Mode  certs.Mode
	// Language of the pages.
	Language string
	Now      func() time.Time
	Rand     io.Reader
	// ClockSource and ClockTrusted say how far Now is to be believed.
	ClockSource  string
	ClockTrusted bool
	// Pending keeps what a run must leave for the next one; nil means that
	// nothing is kept, as for simulated drives.
	Pending *record.Pending
	// Wait passes time while a drive erases by itself; nil is the real clock.
	Wait func(ctx context.Context, d time.Duration) error
	// Again is asked when a finished record cannot be made durable, as when
	// the stick is full, read-only or gone; record.Trouble tells which. It
	// returns true to have it tried again, perhaps hours later, and false to
	// give up, as it must when the program ends: ctx does not end with the
	// run that was cancelled. It is called from many goroutines. Nil gives up
	// at once.
	Again func(ctx context.Context, err error) bool
	// PageSlots bounds how many pages are made at once, since each takes a
	// few megabytes while it is made; nil means no bound.
	PageSlots chan struct{}
}

// Order is what the records of one machine have in common.
type Order struct {
	Agency          certs.Agency
	Order, AssetTag string
	UnitID          string // UUID; empty makes a new one
	Operator        string
	Policy          certs.Policy
	People          certs.People
	Confidentiality string
	Source          string
	// KeepKey leaves the key of random passes beside the record.
	KeepKey bool
	// Stall is how long a drive may leave a transfer unanswered; see
	// erase.Options.
	Stall time.Duration
	// Every is the time between progress events; zero means none.
	Every time.Duration
	// JournalEvery is the least time between two entries of the journal while
	// the host overwrites; see erase.Options.
	JournalEvery time.Duration
}

// Device is an opened drive.
type Device interface {
	erase.Device
	Close() error
}

// Task is one drive to be done.
type Task struct {
	Plan    erase.Plan
	Device  Device
	Machine inventory.Machine
	// Alongside is how many drives run at the same time.
	Alongside int
	// Temperature reads the drive's temperature in degrees Celsius; nil
	// where there is no sensor.
	Temperature func() (celsius int, ok bool)
	// Resume is what an earlier run left for this drive, nil for none.
	Resume *Resume
	// Before are passes that were done before the run: a freeze lock lifted.
	Before []erase.Pass
}

// Resume is what an earlier run was cut off in: an erase that it gave the drive,
// or overwriting.
type Resume struct {
	Journal erase.Journal
	key     erase.Key
}

// Resume gives what an earlier run of this station left for a drive, nil when
// there is nothing. An entry that this station did not make, or that is about
// another drive, is an error.
func (s *Station) Resume(d inventory.Drive) (*Resume, error) {
	if s.Pending == nil {
		return nil, nil
	}
	e, ok, err := s.Pending.Find(d)
	if err != nil || !ok {
		return nil, err
	}
	r, p := e.Record, e.Record.Sanitization
	if r.Mode != s.Mode || r.Header.Station.ID != s.Signer.ID() || p.RandomKeySHA256 != e.Key.SHA256() ||
		p.Drive.Serial != d.Serial || p.Drive.WWN != d.WWN || p.Drive.Model != d.Model || d.Bus == inventory.BusImage && p.Drive.Path != d.Path {
		return nil, fmt.Errorf("read what an earlier run left for %s: it was not made by this station for this drive", d.Path)
	}
	return &Resume{Journal: e.Journal, key: e.Key}, nil
}

// journal makes durable what is under way on the drive.
func (b *Started) journal(j erase.Journal) error {
	s := b.station
	if s.Pending == nil {
		return nil
	}
	if j.Written != nil {
		// Another stick may have come in the place of ours.
		if err := b.open.Present(); err != nil {
			return err
		}
	}
	p := b.planned
	p.RandomKeySHA256 = b.key.SHA256()
	p.Drive.CapacityBytes, p.Verification.Markers = j.SizeBytes, j.Markers
	p.PowerOnHours = j.PowerOnHours
	if w := j.Written; w != nil {
		p.Underway = &certs.Underway{Pass: w.Pass, Of: w.Of, SyncedBytes: w.SyncedBytes}
		p.Steps = steps(w.Passes)
	} else {
		step := certs.Step{Kind: erase.StepErase, Command: j.Command, Started: utc(s.Now()), Commands: []erase.Command{}, Errors: []erase.BadRange{}}
		if j.Accepted {
			step.Finished = utc(s.Now())
		}
		p.Steps = []certs.Step{step}
	}
	envelope, err := certs.Seal(s.Signer, certs.KindStarted, s.Mode, p)
	if err != nil {
		return err
	}
	return s.Pending.Keep(b.task.Plan.Drive, envelope, b.key)
}

// Done is a closed record.
type Done struct {
	ID     string
	Record certs.Sanitization
	// Unit is the record where it is a machine's, of which Record then has
	// the header alone; else nil.
	Unit *certs.Unit
	// Drive is the drive of the run as it answered last: afterwards, where it
	// did. It is empty in what Unit gives.
	Drive        inventory.Drive
	EvidencePath string
	PagePath     string
	SHA256       string // of the envelope
	Err          error  // the run's own error, nil when it went through
}

// header begins a record.
func (s *Station) header(id string, o Order) certs.Header {
	return certs.Header{
		ID:       id,
		Station:  certs.Station{ID: s.Signer.ID(), Name: s.Signer.Name(), Instance: s.Chain.Instance},
		Tool:     s.Tool,
		Clock:    certs.Clock{Source: s.ClockSource, Trusted: s.ClockTrusted, WallStarted: utc(s.Now())},
		Agency:   o.Agency,
		Order:    o.Order,
		AssetTag: o.AssetTag,
		UnitID:   o.UnitID,
		Operator: o.Operator,
	}
}

// Started is a task whose started record is durable: from now on its drive may
// be written to.
type Started struct {
	station *Station
	task    Task
	order   Order
	key     erase.Key
	open    *record.Open
	planned certs.Sanitization
	gate    erase.Gate
}

// Pause holds the run up or, when on is false, lets it go on. It reports whether
// there was anything to hold up or to let go on: what a drive does alone is not
// held up. It may be called from any goroutine.
func (b *Started) Pause(on bool) bool { return b.gate.Pause(on) }

// Begin makes the started record of a task durable. Nothing is written to the
// drive yet. What could not be closed afterwards, because the stick with the
// station's chain is not the one that is there, is not begun.
func (s *Station) Begin(t Task, o Order) (*Started, error) {
	if err := s.Chain.Present(); err != nil {
		return nil, err
	}
	if t.Resume != nil {
		// Another start of the program may have ended it since the plan was
		// made; it is not cut off then.
		now, err := s.Resume(t.Plan.Drive)
		if err != nil {
			return nil, err
		}
		if now == nil || now.Journal.Run != t.Resume.Journal.Run || now.key != t.Resume.key {
			return nil, fmt.Errorf("take up run %s on %s: it was ended or taken up elsewhere since the plan was made", t.Resume.Journal.Run, t.Plan.Drive.Path)
		}
	}
	b := &Started{station: s, task: t, order: o}
	if _, err := io.ReadFull(s.Rand, b.key[:]); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	if t.Resume != nil {
		b.key = t.Resume.key
	}
	id, err := uuid.NewV7FromReader(s.Rand)
	if err != nil {
		return nil, fmt.Errorf("draw a record id: %w", err)
	}
	b.planned = plannedRecord(s.header(id.String(), o), o, t.Machine, t.Plan, b.key)
	envelope, err := certs.Seal(s.Signer, certs.KindStarted, s.Mode, b.planned)
	if err != nil {
		return nil, err
	}
	if b.open, err = s.Folder.Begin(id.String(), envelope, b.key, len(t.Plan.Standard.Passes)); err != nil {
		return nil, err
	}
	b.open.KeepKey = o.KeepKey
	return b, nil
}

// TakeBack removes the started record of a run that will not begin. The device
// is left as it is.
func (b *Started) TakeBack() { b.open.TakeBack() }

// Run carries the task out and closes its record. A finished record that cannot
// be closed is kept in memory and told of in an event of type held, as long as
// [Station.Again] says that it is to be tried again. The error means that the
// record could not be closed; what the run itself came to is in Done. The
// device is closed, unless a transfer on it never came back.
func (b *Started) Run(ctx context.Context, emit func(Event)) (Done, error) {
	tell := emit
	emit = func(e Event) {
		e.Simulated = b.station.Mode == certs.ModeSimulated
		tell(e)
	}
	emit(startedEvent(b.planned, b.station.Folder.Path(b.open.ID, record.StartedSuffix)))
	progress := new(erase.Progress)
	stop := b.report(progress, emit)
	o := erase.Options{
		Key: b.key, Now: b.station.Now, Wait: b.station.Wait, Progress: progress, Stall: b.order.Stall,
		Alongside: b.task.Alongside, Journal: b.journal, JournalEvery: b.order.JournalEvery, Before: b.task.Before, Gate: &b.gate,
	}
	if b.task.Resume != nil {
		o.Resume = &b.task.Resume.Journal
	}
	result, abandoned := erase.Run(ctx, b.task.Plan, b.task.Device, o)
	stop()
	if !abandoned {
		// All that counts was synced and checked before.
		defer func() { _ = b.task.Device.Close() }()
	}
	closed := finishedRecord(b.planned, result)
	var done Done
	steps := []func() error{func() (err error) {
		done, err = b.station.close(b.open, closed)
		done.Err, done.Drive = result.Err, lastAnswer(b.task.Plan.Drive, result)
		return err
	}}
	if b.station.Pending != nil && (result.Settled || result.Outcome.Clean()) {
		// Of an erase by the drive only then: the record that says how it
		// ended is durable. An overwrite that has ended must not be gone on
		// with, so it goes first: a crash in between makes it begin anew.
		at := len(steps)
		if b.task.Plan.Command == "" {
			at = 0
		}
		steps = slices.Insert(steps, at, func() error {
			if at == 0 {
				if err := b.open.Present(); err != nil {
					return err // what is to go is not there either
				}
			}
			return b.station.Pending.Drop(b.task.Plan.Drive)
		})
	}
	held := func(err error) { emit(heldEvent(closed, err)) }
	if err := b.station.keep(ctx, held, steps...); err != nil {
		return done, err
	}
	emit(finishedEvent(done, result))
	return done, nil
}

// lastAnswer is a drive with the last that it said of itself.
func lastAnswer(d inventory.Drive, r erase.Result) inventory.Drive {
	for _, a := range []*inventory.Abilities{r.Before, r.After} {
		if a != nil {
			d.Abilities = a
		}
	}
	return d
}

// close gives a record its place in the chain, makes it and its page durable,
// and only then removes the started record. It can be called again after an
// error, and goes on from what it finds.
func (s *Station) close(open *record.Open, p certs.Sanitization) (Done, error) {
	done := Done{ID: p.ID, Record: p}
	err := open.Present()
	var envelope []byte
	if err == nil {
		envelope, err = s.envelope(open, &p)
	}
	if err == nil {
		err = s.writePage(p, envelope)
	}
	if err == nil {
		err = open.End()
	}
	if err != nil {
		return done, fmt.Errorf("close record %s: %w", p.ID, err)
	}
	return s.done(p, envelope), nil
}

// envelope is the durable envelope of a record, which gets its place in the
// chain unless an earlier try has given it one.
func (s *Station) envelope(open *record.Open, p *certs.Sanitization) ([]byte, error) {
	envelope, ok, err := open.Evidence()
	if err != nil {
		return nil, err
	}
	if !ok {
		return s.Chain.Append(s.Folder, p.ID, func(sequence int64, previous string) ([]byte, error) {
			p.Sequence, p.Previous = sequence, previous
			return made(certs.Seal(s.Signer, certs.KindSanitization, s.Mode, p))
		})
	}
	r, err := certs.Open(envelope)
	if err != nil {
		return nil, err
	}
	if r.Sanitization == nil || r.Kind != certs.KindSanitization || r.Mode != s.Mode || r.Header.ID != p.ID || r.Header.Station != p.Station {
		return nil, fmt.Errorf("%s is the record of something else", s.Folder.Path(p.ID, record.EvidenceSuffix))
	}
	*p = *r.Sanitization
	return envelope, s.Chain.Settle()
}

// writePage makes the page of a record and makes it durable.
func (s *Station) writePage(p certs.Sanitization, envelope []byte) error {
	if s.PageSlots != nil {
		s.PageSlots <- struct{}{}
		defer func() { <-s.PageSlots }()
	}
	pdf, err := made(s.page(p, envelope))
	if err != nil {
		return err
	}
	return s.Folder.WritePage(p.ID, pdf)
}

func (s *Station) done(p certs.Sanitization, envelope []byte) Done {
	return Done{ID: p.ID, Record: p, SHA256: certs.Digest(envelope),
		EvidencePath: s.Folder.Path(p.ID, record.EvidenceSuffix), PagePath: s.Folder.Path(p.ID, record.PageSuffix)}
}

// page makes the signed page of a drive's record.
func (s *Station) page(p certs.Sanitization, envelope []byte) ([]byte, error) {
	pdf, err := s.Pages.Sanitization(p, s.pageOf(envelope))
	if err != nil {
		return nil, fmt.Errorf("make the page of %s: %w", p.ID, err)
	}
	return certs.SignPDF(pdf, s.Signer, certs.PageInfo{Name: s.Signer.Name(), Reason: p.Outcome.String(), Time: p.Clock.WallFinished})
}

func (s *Station) pageOf(envelope []byte) report.Page {
	return report.Page{Language: s.Language, Mode: s.Mode, Envelope: envelope, EnvelopeSHA256: certs.Digest(envelope),
		Issuer: report.Issuer{Name: s.Signer.Organisation(), Orgnr: s.Signer.OrganisationNumber(), Established: s.Signer.Established(), Fingerprint: s.Signer.ID()}}
}

// Recover closes the records in the folder that a run left open: as
// interrupted, or, where the final record is durable already, by finishing
// what was left to do. Records that another process is working on are left
// alone. A started record that cannot be read is reported and left.
func (s *Station) Recover(emit func(Event)) error {
	open, err := s.Folder.Unfinished()
	var errs []error
	for _, o := range open {
		if err := s.recoverOne(o, emit); err != nil {
			o.Release()
			errs = append(errs, fmt.Errorf("close the unfinished record %s: %w", o.ID, err))
		}
	}
	return errors.Join(append(errs, err)...)
}

func (s *Station) recoverOne(o *record.Open, emit func(Event)) error {
	envelope, err := o.Started()
	if err != nil {
		return err
	}
	started, err := certs.Open(envelope)
	if err != nil {
		return err
	}
	if started.Kind != certs.KindStarted || started.Header.ID != o.ID || started.Mode != s.Mode {
		return fmt.Errorf("%s is not a started record of this kind", s.Folder.Path(o.ID, record.StartedSuffix))
	}
	if envelope, ok, err := o.Evidence(); err != nil {
		return err
	} else if ok {
		return s.finish(o, started, envelope)
	}
	if !s.believes(o, envelope, started) {
		return fmt.Errorf("it was started by %q, whose key is neither this station's nor trusted here, so it is left as it is", started.Header.Station.Name)
	}
	p := interruptedRecord(*started.Sanitization, s.Now(), s.ClockSource, s.ClockTrusted)
	p.Station = certs.Station{ID: s.Signer.ID(), Name: s.Signer.Name(), Instance: s.Chain.Instance}
	done, err := s.close(o, p)
	if err != nil {
		return err
	}
	emit(recoveredEvent(done))
	return nil
}

// believes reports whether a started record is this station's own or that of
// one that is trusted here. A stranger's must not be closed under our name.
func (s *Station) believes(o *record.Open, envelope []byte, started *certs.Record) bool {
	return started.Header.Station.ID == s.Signer.ID() ||
		s.Trust != nil && certs.Verify(s.Folder.Path(o.ID, record.StartedSuffix), envelope, s.Trust, s.Now()).OK()
}

// finish does what was left to do for a final record that is durable already.
// Folders travel on sticks, so what lies there as the final record is only
// taken for it if the key of the started record made it, and only our own
// record gets a page with our signature.
func (s *Station) finish(o *record.Open, started *certs.Record, envelope []byte) error {
	r, err := certs.Open(envelope)
	if err != nil {
		return err
	}
	if r.Kind != certs.KindSanitization || r.Header.ID != o.ID || r.Mode != s.Mode || r.Header.Station.ID != started.Header.Station.ID {
		return fmt.Errorf("%s is the record of something else", s.Folder.Path(o.ID, record.EvidenceSuffix))
	}
	if !o.HasPage() {
		if r.Header.Station.ID != s.Signer.ID() {
			return fmt.Errorf("%s was signed by another station, %q, and only that one can make its page", s.Folder.Path(o.ID, record.EvidenceSuffix), r.Header.Station.Name)
		}
		if err := s.writePage(*r.Sanitization, envelope); err != nil {
			return err
		}
	}
	if err := s.Chain.Settle(); err != nil {
		return err
	}
	return o.End()
}

// UnitID is the id that joins the records of one machine: a UUID derived from
// its firmware UUID and serial and from maker and model as the firmware writes
// them, so that a machine that comes back has the same one, also from a version
// that gives it another name; random where it tells neither UUID nor serial.
func UnitID(m inventory.Machine, random io.Reader) (string, error) {
	s := m.System
	if s.UUID == "" && s.Serial == "" {
		id, err := uuid.NewRandomFromReader(random)
		return id.String(), err
	}
	return uuid.NewSHA1(uuid.Nil, []byte(s.UUID+"\x00"+s.Raw["sys_vendor"]+"\x00"+s.Raw["product_name"]+"\x00"+s.Serial)).String(), nil
}

// report emits progress until the returned function is called.
func (b *Started) report(p *erase.Progress, emit func(Event)) (stop func()) {
	if b.order.Every <= 0 {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(b.order.Every)
		defer tick.Stop()
		rate, began := newRate(time.Now()), b.station.Now()
		for {
			select {
			case <-quit:
				return
			case now := <-tick.C:
				e := progressEvent(b.task, b.open.ID, p.Snapshot(), rate, now, b.gate.Paused())
				e.Progress.ElapsedSeconds = int64(b.station.Now().Sub(began) / time.Second)
				emit(e)
			}
		}
	}()
	return func() { close(quit); <-done }
}
