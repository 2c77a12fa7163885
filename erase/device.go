package erase

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// Device is an opened target: a drive held exclusively, or an image file.
// ReadAt and WriteAt are called from several goroutines at once, with
// page-aligned memory from Alloc, at offsets that are multiples of 4096; only
// the transfer that ends at SizeBytes may be shorter than a multiple of that.
//
// An error says what the drive or the kernel answered. Errors that wrap
// [ErrGone], [ErrNoSpace] or [ErrReadOnly] end the run; every other is taken as a fault of
// the blocks of that transfer.
type Device interface {
	io.ReaderAt
	io.WriterAt
	// SizeBytes is the capacity found when the device was opened.
	SizeBytes() int64
	// Alloc gives page-aligned memory that lives until the device is closed.
	Alloc(sizeBytes int) ([]byte, error)
	// Sync returns when everything written is on stable storage.
	Sync() error
	// Forget drops what the kernel holds of the device in memory, so that
	// the next reads come from the device. It says how sure that is:
	// "direct" when reads bypass the page cache altogether, "cache-dropped"
	// when the cache could only be emptied.
	Forget() (string, error)
	// Check compares the device with what was opened: same identity, same
	// size, still there. It returns an error that wraps [ErrGone],
	// [ErrSizeChanged] or [ErrIdentityChanged].
	Check() error
	// Firmware is the drive's own erase commands; nil when it has none.
	Firmware() Firmware
}

// repeatWriter is what a Device may offer besides: writing the same memory
// over and over without a copy.
type repeatWriter interface {
	// WriteRepeatedAt writes lengthBytes from off: first head (which may be
	// empty), then body as often as it fits, cut at the end.
	WriteRepeatedAt(head, body []byte, lengthBytes, off int64) error
}

// The ways a device fails as a whole.
var (
	ErrGone        = errors.New("device gone")
	ErrNoSpace     = errors.New("no space left")
	ErrSizeChanged = errors.New("size changed")
	ErrStalled     = errors.New("device stopped answering")
	ErrGivenUp     = errors.New("too many errors")
	// ErrIntegrity is a read that the drive refused because what is stored
	// does not fit its own checksum (protection information): after a key was
	// destroyed that is what noise looks like.
	ErrIntegrity = errors.New("stored data does not fit its checksum")
)

// Options are what a run needs besides plan and device.
type Options struct {
	Key Key
	Now func() time.Time
	// Wait passes time, and ends early with the context's error; nil is the
	// real clock. A simulated drive brings its own clock.
	Wait func(ctx context.Context, d time.Duration) error
	// Progress is updated as the run goes; nil when nobody looks.
	Progress *Progress
	// Stall is how long one transfer may take; zero means [DefaultStall].
	Stall time.Duration
	// BisectBudget bounds the time spent on narrowing bad ranges down to
	// single blocks, over the whole run; beyond it a failed transfer is
	// recorded whole. Zero means 30 minutes.
	BisectBudget time.Duration
	// GiveUp bounds the time lost in transfers that failed; beyond it the
	// run ends as failed. Zero means two hours.
	GiveUp time.Duration
	// Silence is how long a drive that erases by itself may leave every
	// question unanswered; zero means [DefaultSilence]. However slow it is, a
	// drive that answers is not given up for that.
	Silence time.Duration
	// Standstill is how long such a drive may answer that it is at work
	// without getting any further; zero means [DefaultStandstill].
	Standstill time.Duration
	// Journal makes durable what a run must leave behind for the next one:
	// before the drive is given an erase and after it has accepted it, and
	// while the host overwrites; nil when nobody keeps it.
	Journal func(Journal) error
	// JournalEvery is the least time between two entries about overwriting;
	// zero means [DefaultJournalEvery].
	JournalEvery time.Duration
	// Gate lets somebody hold the run up; nil when nobody does.
	Gate *Gate
	// Resume is what an earlier run left, whose Key is this run's too; nil
	// when there was none.
	Resume *Journal
	// Before are passes that were done before the run (a freeze lock lifted).
	Before []Pass
	// Alongside is how many drives run at the same time, for the number of
	// transfers in flight; zero means one.
	Alongside int
}

// Journal is what the next run must know if this one is cut off: the erase that
// the drive was given, or how far the host has overwritten it.
type Journal struct {
	// Run is the id of the record of the run that left it, and Policy the
	// digest of that run's policy ([Rules]). Whoever keeps the journal fills
	// them in.
	Run, Policy string
	// Written is how far the host has overwritten the drive; nil when the
	// drive was given an erase of its own.
	Written *Written
	// Command is that erase, and Accepted is false until the drive has taken it.
	Command  inventory.EraseCommand
	Accepted bool
	// SizeBytes is the size of the drive. With Markers it places the markers
	// again: the key gives the places in a drive of that size.
	SizeBytes int64
	Markers   int
	// PowerOnHours of the drive at that time; nil when it does not tell.
	PowerOnHours *int64
}

// Written is how far an overwrite by the host has got.
type Written struct {
	Standard string // id
	Pass, Of int    // from 1
	// SyncedBytes is the offset up to which Pass has written every block and
	// the drive has confirmed that it is on stable storage.
	SyncedBytes int64
	// Passes are the steps so far as the record will tell them; the last is
	// the part of Pass up to SyncedBytes.
	Passes []Pass
}

// gaveErase reports whether the journal is about an erase that the drive took.
func (j *Journal) gaveErase() bool { return j != nil && j.Written == nil && j.Accepted }

// DefaultJournalEvery bounds how often the medium that keeps the journal, which
// may be a cheap stick, is written to, and how much is overwritten twice after
// a power cut.
const DefaultJournalEvery = time.Minute

// DefaultSilence and DefaultStandstill are generous: a drive may be busy inside
// for long, and overwriting itself takes a large disk days. Many commands tell
// no progress at all; of those it can only be said that they never ended after
// untoldStandstill, or after three times the drive's own estimate.
const (
	DefaultSilence    = 30 * time.Minute
	DefaultStandstill = 72 * time.Hour
	untoldStandstill  = 14 * 24 * time.Hour
)

// Progress is where a run has got to. It is written by the run and read by
// anybody, as often as they like.
type Progress struct {
	step, steps        atomic.Int32
	stepDone, stepSize atomic.Int64
	allDone, allSize   atomic.Int64
	errors             atomic.Int64
	verifying          atomic.Bool
	device             atomic.Bool
	devicePPM          atomic.Int64
	remaining          atomic.Int64
}

// Snapshot is one look at a [Progress].
type Snapshot struct {
	Step      int   `json:"step"` // from 1; 0 before the first
	Steps     int   `json:"steps"`
	DoneBytes int64 `json:"done_bytes"` // in this step
	SizeBytes int64 `json:"size_bytes"` // of this step
	AllDone   int64 `json:"all_done_bytes"`
	AllSize   int64 `json:"all_size_bytes"`
	Errors    int64 `json:"errors"` // blocks that failed or held something else
	Verifying bool  `json:"verifying"`
	// Device is true while the drive works by itself: it then goes on
	// whatever becomes of us. DevicePPM is how far it says it is, in parts
	// per million, -1 when it does not tell; RemainingSeconds is its own
	// estimate, -1 when it gives none.
	Device           bool  `json:"device"`
	DevicePPM        int64 `json:"device_ppm"`
	RemainingSeconds int64 `json:"remaining_seconds"`
}

// Snapshot reads the progress without disturbing it.
func (p *Progress) Snapshot() Snapshot {
	return Snapshot{
		Step: int(p.step.Load()), Steps: int(p.steps.Load()),
		DoneBytes: p.stepDone.Load(), SizeBytes: p.stepSize.Load(),
		AllDone: p.allDone.Load(), AllSize: p.allSize.Load(),
		Errors: p.errors.Load(), Verifying: p.verifying.Load(),
		Device: p.device.Load(), DevicePPM: p.devicePPM.Load(), RemainingSeconds: p.remaining.Load(),
	}
}

func (p *Progress) begin(step int, size int64, verifying bool) {
	p.stepDone.Store(0)
	p.stepSize.Store(size)
	p.verifying.Store(verifying)
	p.device.Store(false)
	p.step.Store(int32(step))
}

// beginDevice begins a step that the drive does by itself.
func (p *Progress) beginDevice(step int) {
	p.begin(step, 0, false)
	p.tell(Status{ProgressPPM: -1})
	p.device.Store(true)
}

// tell takes what the drive says.
func (p *Progress) tell(s Status) {
	p.devicePPM.Store(s.ProgressPPM)
	p.remaining.Store(-1)
	if s.Remaining > 0 {
		p.remaining.Store(int64(s.Remaining.Round(time.Second) / time.Second))
	}
}

func (p *Progress) add(n int64) {
	p.stepDone.Add(n)
	p.allDone.Add(n)
}

// fatal reports whether an error is about the device as a whole.
func fatal(err error) bool {
	return errors.Is(err, ErrGone) || errors.Is(err, ErrNoSpace) || errors.Is(err, ErrReadOnly) || errors.Is(err, context.Canceled)
}
