// Package tui is the technician's screen: from the asset tag to a green or red
// end, over a console, a terminal or a serial line. It decides nothing: what
// may be erased, how, and what came of it is said by [Work] and by the events
// of the jobs, and shown.
package tui

import (
	"context"
	"io"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/hands"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// Intake is what a technician says of a machine before anything is done to it.
type Intake struct {
	AssetTag string
	Agency   string // organisation number; empty when none was chosen
	Order    string
	Operator string
	// Graded means that the machine holds security-graded information: it is
	// not to be handled here, and its record says so.
	Graded bool
	// Status is what it comes in as; empty when nobody said.
	Status grade.Status
}

// Choice shapes the plans. It can be changed freely until somebody confirms.
type Choice struct {
	Standard   string       // id
	Accept     erase.Method // MethodNone: as standard and policy say
	BestEffort bool
	// Thaw allows the machine to be suspended where no other way reaches the
	// accepted Method.
	Thaw bool
}

// Agency is one to choose from.
type Agency struct{ Orgnr, Name string }

// Setup is what the screens need to know when they begin.
type Setup struct {
	Agencies  []Agency // of the contract; empty without one
	Standards []erase.Standard
	Intake    Intake // what the start screen is filled in with
	Choice    Choice
	// Keyboard is the layout of the console, for undoing what a scanner that
	// types US makes of it; empty over serial or in a window.
	Keyboard string
	// ClockWrong is true when the clock is before the day the tool was built:
	// the start screen asks for the date first.
	ClockWrong bool
	// Warnings about the stick itself, in words (expired key, no station key).
	Warnings []string
	// Unattended is nil for a stick with a technician.
	Unattended *Unattended
	// Bench begins with the bench for loose drives.
	Bench     bool
	Simulated bool
	// Stick is true when the screens run from a boot stick, whose machine can
	// be powered off.
	Stick bool
	// Now is the clock, in the time zone that people here read.
	Now func() time.Time
	// Rand draws the code that confirms.
	Rand io.Reader
}

// Unattended is how a stick works by itself; see the policy.
type Unattended struct {
	Countdown time.Duration // visible, and any key stops it
	// BestEffort is what to do with a drive for which the accepted Method is
	// out of reach: its strongest technique, then destruction. False leaves
	// it alone.
	BestEffort bool
	// PowerOff when done; else the result stays on the screen.
	PowerOff bool
	// Refused is why the policy does not allow this machine; empty when it does.
	Refused func(inventory.Machine) string
}

// Machine is what was found out about the machine; its Parts are what can be
// checked.
type Machine struct {
	inventory.Machine
	// Odd is what a technician should know before going on, most important
	// first: no serial, drives hidden by the firmware's RAID mode, a
	// controller without a driver, a T2 chip.
	Odd []string
}

// Row is one drive (or all namespaces that one command erases) with its plan.
type Row struct {
	// ID names the row in the events and in calls; it is the plan's drive path.
	ID     string
	Drive  inventory.Drive
	Covers []inventory.Drive // all drives that the plan erases, Drive first
	// Plan is nil where there is none.
	Plan *erase.Plan
	// Refused is why the drive is left alone, empty when it is not; Ways are
	// the ways out, a sentence each.
	Refused string
	Ways    []string
	// Boot marks what the machine was started from, Internal what belongs to it.
	Boot, Internal bool
	// Holds is what will be lost, as far as partition table and signatures
	// tell: "Windows (BitLocker) 475 GB". Empty when nothing was recognised.
	Holds []string
}

// Result is what became of one row.
type Result struct {
	ID   string
	Done job.Done
	// Answer is the word of the record's page.
	Answer Answer
	// Err is why there is no closed record; nil where Done holds one.
	Err error
}

// Answer is the word a page begins with, so that screen and page say the same:
// its key in package lang and, where the word has plural forms, the number.
type Answer struct {
	Key   string
	Count int // 0 for a word without plural forms
}

// Unit is what became of the machine.
type Unit struct {
	// Number is the id of the unit record; PagePath and EvidencePath its files.
	Number, PagePath, EvidencePath, SHA256 string
	// Disposition is reuse, parts, recycle, return or hold; empty when it is
	// not decided.
	Disposition string
	// Answer is the word of the record's page, Why a few sentences under it.
	Answer Answer
	Why    []string
	// Grade is a letter of the policy's scale; empty where the unit has none.
	Grade string
	// Reasons are why it has that grade and goes there, in words, the deciding
	// ones first.
	Reasons []string
	// Remains are what the record says of things besides the drives.
	Remains []Said
}

// Verdict is the answer to one check.
type Verdict string

// The verdicts; the empty one is a check that was not done.
const (
	VerdictPass Verdict = "pass"
	VerdictFail Verdict = "fail"
	VerdictSkip Verdict = "skip"
)

// Check is one check of a machine's parts and what was found.
type Check struct {
	// Part is keyboard, screen, pointer, speakers, camera, ports, battery,
	// wifi, cosmetic or damage.
	Part    string
	Verdict Verdict
	Grade   string // of the cosmetic check: A, B, C or D
	Note    string
}

// Remain is one thing besides the drives that holds data or credentials, as it
// is seen now.
type Remain struct {
	// Thing is tpm, sim, card, disc, firmware-wifi, management or enrolment.
	Thing string
	// There means that it is seen, Gone that it is known not to be there. With
	// neither nobody can tell.
	There, Gone bool
	// Names are what was seen, as it calls itself.
	Names []string
	// Way is what Clear would do: "clear" it now, ask the "firmware" to, or
	// "eject"; empty where it can do nothing.
	Way string
	// Why is what is in the way of clearing it, or of doing it at once, in
	// words; empty when nothing is.
	Why string
}

// Said is what became of one thing: as somebody says, as [Work.Clear] did, or as
// the record says.
type Said struct {
	Thing string
	State string // none, done, requested or left
	Text  string // what Clear did or why not, in English; empty of what people say
}

// Findings are what people found of a machine.
type Findings struct {
	Checks []Check
	// Said is what people say of things besides the drives, and Locks what
	// they say of the machine's locks.
	Said  []Said
	Locks []inventory.Lock
}

// Keep is the state of what keeps the records.
type Keep struct {
	Records    int   // closed records on it
	NotHanded  int   // of these not yet handed in
	FreeBytes  int64 // -1 when unknown
	Second     bool  // another stick gets copies
	LastSaved  time.Time
	Trouble    string // why nothing can be saved; empty when it can
	ClockTrust bool
	// Sticks are those that can be chosen to keep the records on; empty when
	// there is nothing to choose.
	Sticks []Stick
}

// Stick is a medium that can keep records.
type Stick struct{ ID, Name string }

// Work does what the screens ask for. Its methods may take long and are called
// outside the screen's own goroutine; errors are shown to the technician as they
// stand, with the hint that belongs to them.
type Work interface {
	// CheckIntake says what is wrong with what was typed (an organisation
	// number whose check digit is wrong), nil when nothing is; it is quick.
	CheckIntake(in Intake) error
	// Ready returns when the machine's drivers have settled.
	Ready(ctx context.Context) error
	// Machine reads what the machine is.
	Machine(ctx context.Context) (Machine, error)
	// Drives lists the drives that can be seen now; it is quick, for the bench.
	Drives(ctx context.Context) ([]inventory.Drive, error)
	// Plan asks the drives and plans them. Without paths it is every internal
	// drive of the machine, and those besides that are left alone.
	Plan(ctx context.Context, in Intake, c Choice, paths ...string) ([]Row, error)
	// Begin makes the started records of the rows that are not refused
	// durable and erases them side by side; with an error nothing was touched.
	// Events are emitted from many goroutines. Each row's result goes to ended.
	Begin(ctx context.Context, in Intake, rows []Row, emit func(job.Event), ended func(Result)) (Run, error)
	// Remains looks at what there is besides the drives. It is empty where
	// nothing can be looked at, as with simulated drives.
	Remains(ctx context.Context) ([]Remain, error)
	// Clear does to such a thing what its Way says, and says what came of it;
	// an error means that nothing was done. What it did is in the record.
	Clear(ctx context.Context, thing string) (Said, error)
	// Close makes the unit's record from the rows' results and what was found.
	// A machine with graded information has neither, one without drives no rows.
	Close(ctx context.Context, in Intake, rows []Row, results []Result, found Findings) (Unit, error)
	// Keep looks at what keeps the records; it is quick.
	Keep() Keep
	// ChooseStick keeps the records on another stick from now on.
	ChooseStick(id string)
	// Speak takes the language in which Work is to say things from now on.
	Speak(*lang.Text)
	// SetClock takes the date and time that somebody confirmed.
	SetClock(time.Time) error
	// Slot says where a drive is connected, in words that stay the same when
	// another is put there; empty where it cannot be told. It is quick.
	Slot(d inventory.Drive) string
	// Input gives what is done to keyboards and pointers until ctx ends; an
	// error where that cannot be seen, as over a serial line.
	Input(ctx context.Context) (<-chan hands.Event, error)
	// Plugged lists what is on the USB ports now; it is quick.
	Plugged() ([]hands.Plug, error)
	// Beep sounds the machine's speaker.
	Beep(hertz int, d time.Duration)
	// PowerOff ends the program, and the machine if it runs from a stick.
	PowerOff()
}

// Run is what Begin started.
type Run interface {
	// Pause stops or goes on with what we do to a drive ourselves; what the
	// drive does alone goes on. It reports whether there was anything to pause.
	Pause(id string, on bool) bool
	// Cancel ends the run of one drive, all of them when id is empty.
	Cancel(id string)
	// Wait returns when every record is closed.
	Wait()
}
