// Package certs makes and checks the evidence behind a certificate: the signed
// records (DSSE envelopes over in-toto statements), the keys that sign them,
// and the PAdES signature of the page a person reads.
package certs

import (
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// Kind is the kind of record, the last part but one of its predicate type.
type Kind string

// The kinds of record. A started record says that destruction was about to
// begin; it is replaced by the sanitization record of the same id.
const (
	KindSanitization Kind = "sanitization"
	KindStarted      Kind = "started"
	KindUnit         Kind = "unit"
)

// Mode says whether a record is about a real job.
type Mode string

// The modes. Demo and simulated records have a predicate type that ends in
// /demo/v1 or /simulated/v1, a watermark on their page, and no ledger takes them.
const (
	ModeReal      Mode = ""
	ModeDemo      Mode = "demo"
	ModeSimulated Mode = "simulated"
)

// Station is who made a record.
type Station struct {
	ID       string `json:"id"`       // key id: SHA-256 of the station's public key info, hex
	Name     string `json:"name"`     // common name in the station's certificate
	Instance string `json:"instance"` // UUID of this copy of the station
}

// Tool is the program that made a record.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit"`
}

// Clock is what is known about the time of a record. Wall times are what the
// machine's clock said, right or wrong; the monotonic time is right either way.
type Clock struct {
	Source           string    `json:"source"`  // "system", "system-synchronized", "operator"
	Trusted          bool      `json:"trusted"` // false when unsynchronized or plainly wrong
	WallStarted      time.Time `json:"wall_started"`
	WallFinished     time.Time `json:"wall_finished"`
	MonotonicSeconds int64     `json:"monotonic_seconds"`
}

// Agency is the customer the unit came from.
type Agency struct {
	Orgnr       string `json:"orgnr"`
	Name        string `json:"name"`
	Agreement   string `json:"agreement"`
	Subcontract string `json:"subcontract"`
}

// Policy is the policy that shaped the job.
type Policy struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of the file's bytes, hex
}

// Header is what every record begins with.
type Header struct {
	ID string `json:"id"` // UUIDv7
	// Sequence counts the station instance's closed records from 1 without
	// gaps; it is 0 in a started record.
	Sequence int64 `json:"sequence"`
	// Previous is the SHA-256 of the previous envelope's bytes, hex; empty
	// in the first record and in a started record.
	Previous string  `json:"previous"`
	Station  Station `json:"station"`
	Tool     Tool    `json:"tool"`
	Clock    Clock   `json:"clock"`
	Agency   Agency  `json:"agency"`
	Order    string  `json:"order"`
	AssetTag string  `json:"asset_tag"`
	UnitID   string  `json:"unit_id"` // UUID that joins a machine's records
	Operator string  `json:"operator"`
}

// UnitFacts is the machine a drive sat in, as far as it is known.
type UnitFacts struct {
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Class        string `json:"class"`
	Serial       string `json:"serial"`
	UUID         string `json:"uuid"`
}

// HiddenAreas are bytes beyond the reach of ordinary reads; nil means not
// queried, which is not the same as none.
type HiddenAreas struct {
	HPABytes *int64 `json:"hpa_bytes"`
	DCOBytes *int64 `json:"dco_bytes"`
	AMABytes *int64 `json:"ama_bytes"`
}

// Health is the drive's health before and after, in words; empty when not read.
type Health struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// DriveFacts is the drive a record is about.
type DriveFacts struct {
	Path               string          `json:"path"`
	Bus                inventory.Bus   `json:"bus"`
	Media              inventory.Media `json:"media"`
	Manufacturer       string          `json:"manufacturer"`
	Model              string          `json:"model"`
	Serial             string          `json:"serial"`
	Firmware           string          `json:"firmware"`
	WWN                string          `json:"wwn"`
	CapacityBytes      int64           `json:"capacity_bytes"`
	LogicalBlockBytes  int             `json:"logical_block_bytes"`
	PhysicalBlockBytes int             `json:"physical_block_bytes"`
	// Hidden is what was hidden before the run, HiddenAfter what still is.
	Hidden      HiddenAreas `json:"hidden"`
	HiddenAfter HiddenAreas `json:"hidden_after"`
	Health      Health      `json:"health"`
}

// Requested is what was ordered.
type Requested struct {
	Standard string       `json:"standard"` // id from erase.Standards
	Method   erase.Method `json:"method"`
}

// Accepted is the least method that the customer settles for, and who said so.
type Accepted struct {
	Method erase.Method `json:"method"`
	By     string       `json:"by"` // "order", "operator NAME", "policy NAME"
}

// Achieved is what was reached. Reference is the sentence that says according
// to which standard; it claims correspondence, never approval.
type Achieved struct {
	Method    erase.Method    `json:"method"`
	Technique erase.Technique `json:"technique"`
	Reference string          `json:"reference"`
}

// Step is one executed pass, or a run of equal ones.
type Step struct {
	Kind erase.StepKind `json:"kind"`
	// Run is the id of the record of an earlier run that did this step, or,
	// in a step of kind continue, that this run goes on with. It is empty for
	// what the run did itself.
	Run       string          `json:"run,omitempty"`
	Technique erase.Technique `json:"technique"`
	// Command is the erase that the drive was given; empty in other steps.
	Command  inventory.EraseCommand `json:"command"`
	Started  time.Time              `json:"started"`
	Finished time.Time              `json:"finished"`
	Bytes    int64                  `json:"bytes"`
	Pattern  string                 `json:"pattern"`
	Passes   int                    `json:"passes"` // how many passes this row stands for; 1 in the record
	Commands []erase.Command        `json:"commands"`
	Errors   []erase.BadRange       `json:"errors"`
}

// Verification is what reading back showed. Fraction is a decimal number in a
// string ("1", "0.104857"), since canonical JSON and floats do not mix well.
type Verification struct {
	Mode       erase.VerifyMode `json:"mode"`
	BytesRead  int64            `json:"bytes_read"`
	Fraction   string           `json:"fraction"`
	Mismatches int64            `json:"mismatches"`
	// Marker says in words what became of the markers of a firmware erase;
	// empty after overwriting. The numbers are those of erase.Verification.
	Marker      string           `json:"marker"`
	Markers     int              `json:"markers"`
	MarkersLeft int              `json:"markers_left"`
	Remembered  int              `json:"remembered"`
	Unchanged   int              `json:"unchanged"`
	Patterns    []string         `json:"patterns"`
	Path        string           `json:"path"`
	Errors      []erase.BadRange `json:"errors"`
}

// Person is somebody a certificate must name (NIST SP 800-88 Rev. 2 section 4.6).
type Person struct {
	Name         string `json:"name"`
	Title        string `json:"title"`
	Organisation string `json:"organisation"`
	Date         string `json:"date"` // RFC 3339 date or time
	Place        string `json:"place"`
	Contact      string `json:"contact"`
}

// People are the accountable people; nil where nobody has been named yet.
type People struct {
	PerformedBy *Person `json:"performed_by"`
	VerifiedBy  *Person `json:"verified_by"`
	ValidatedBy *Person `json:"validated_by"`
}

// Sanitization is the predicate of a sanitization record, and of the started
// record that goes before it (which has outcome unproven and no steps).
type Sanitization struct {
	Header
	Unit      UnitFacts  `json:"unit"`
	Drive     DriveFacts `json:"drive"`
	Requested Requested  `json:"requested"`
	Accepted  Accepted   `json:"accepted"`
	Achieved  Achieved   `json:"achieved"`
	Policy    Policy     `json:"policy"`

	Outcome     erase.Outcome     `json:"outcome"`
	Fulfilled   bool              `json:"fulfilled"`
	Assurance   erase.Assurance   `json:"assurance"`
	Disposition erase.Disposition `json:"disposition"`

	Steps        []Step            `json:"steps"`
	Verification Verification      `json:"verification"`
	Exceptions   []erase.Exception `json:"exceptions"`
	// RandomKeySHA256 is the digest of the AES-128 key of the random
	// passes, hex; empty when there was none.
	RandomKeySHA256 string `json:"random_key_sha256"`
	// PowerOnHours of the drive when it was given an erase; only in the
	// journal of a run that may be cut off.
	PowerOnHours *int64 `json:"power_on_hours,omitempty"`
	// Underway is how far the host had overwritten the drive; only in the
	// journal of a run that may be cut off.
	Underway *Underway `json:"underway,omitempty"`
	// Confidentiality is the optional category of the data before (NIST SP
	// 800-88 Rev. 2 section 4.6); Source is the optional "media source".
	Confidentiality string `json:"confidentiality"`
	Source          string `json:"source"`
	People          People `json:"people"`
}

// Underway is how far an overwrite has got that may be cut off: every block
// before SyncedBytes was written by pass Pass of Of and is on stable storage.
type Underway struct {
	Pass        int   `json:"pass"`
	Of          int   `json:"of"`
	SyncedBytes int64 `json:"synced_bytes"`
}

// Unit is the predicate of a unit record: one machine and its drives' records.
type Unit struct {
	Header
	Machine inventory.Machine `json:"machine"`
	Drives  []UnitDrive       `json:"drives"`
	// Disposition of the unit: reuse, parts, recycle, return, hold; empty
	// until it is graded.
	Disposition string `json:"disposition"`
	People      People `json:"people"`
	// Storage says in one word what became of the machine's storage as a
	// whole; its state is empty in records made before it was written.
	Storage Storage `json:"storage"`
	// Checks of the machine's parts by a person, in the order done.
	Checks []Check `json:"checks"`
	// Grade is the judgement on the unit by the policy it names; nil in records
	// made before units were graded. Of a machine that is not handled here it
	// says where that goes.
	Grade *grade.Result `json:"grade,omitempty"`
	// Remains are what holds data or credentials besides the drives, and what
	// was done about each.
	Remains []Remain `json:"remains,omitempty"`
}

// RemainState is what became of something that holds data or credentials and
// is no drive.
type RemainState string

// The states of what remains. The zero value means that nobody asked.
const (
	// RemainNone: looked for, and the machine has none.
	RemainNone RemainState = "none"
	// RemainDone: cleared or taken out.
	RemainDone RemainState = "done"
	// RemainRequested: the firmware does it at the machine's next start.
	RemainRequested RemainState = "requested"
	// RemainLeft: it is there, and was left or could not be cleared.
	RemainLeft RemainState = "left"
)

// The things besides the drives that hold data or credentials. There is a
// message remain.THING for each.
const (
	RemainTPM        = "tpm"           // keys, BitLocker's among them
	RemainSIM        = "sim"           // a subscription, and what is stored on the card
	RemainCard       = "card"          // a memory card in a reader
	RemainDisc       = "disc"          // a disc in a tray
	RemainWiFi       = "firmware-wifi" // networks and passwords that the firmware keeps for its own use
	RemainManagement = "management"    // Intel AMT, a BMC: somebody's account on the machine's other computer
	RemainEnrolment  = "enrolment"     // the machine is still somebody's in Autopilot, Apple's, Samsung's or Google's books
)

// RemainThings are all of them, in the order in which they are asked for.
func RemainThings() []string {
	return []string{RemainTPM, RemainSIM, RemainCard, RemainDisc, RemainWiFi, RemainManagement, RemainEnrolment}
}

// Who did or said something of what remains.
const (
	ByOmbruk = "ombruk"
	ByPerson = "person"
)

// Remain is one thing besides the drives that holds data or credentials. What
// nobody asked about, and the program cannot tell, has no Remain.
type Remain struct {
	// Thing is one of [RemainThings], State never empty.
	Thing string      `json:"thing"`
	State RemainState `json:"state"`
	// By is [ByOmbruk] where the program did or saw it itself, [ByPerson]
	// where somebody said so.
	By   string `json:"by"`
	Text string `json:"text"` // in English: what was done, or why it was not
}

// StorageState is what became of all storage of a machine.
type StorageState string

// The states of storage. Only treated claims anything; what it claims is that
// every drive of the machine has a closed record of its own, whatever that
// record says.
const (
	// StorageTreated: every drive that belongs to the machine has its record.
	StorageTreated StorageState = "treated"
	// StoragePartly: a drive was seen and left alone, or its record is not
	// closed.
	StoragePartly StorageState = "partly"
	// StorageNone: the machine holds no storage.
	StorageNone StorageState = "none"
	// StorageUnreachable: there is, or may be, storage that cannot be reached
	// from here.
	StorageUnreachable StorageState = "unreachable"
	// StorageNotHandled: the machine is not to be handled here.
	StorageNotHandled StorageState = "not-handled"
)

// ReasonGraded is the code of the reason that a machine holds security-graded
// information, which is not handled here.
const ReasonGraded = "security-graded"

// Storage is what became of all storage of a machine, and why.
type Storage struct {
	State   StorageState       `json:"state"`
	Reasons []inventory.Reason `json:"reasons"`
}

// PartCosmetic is the part whose check comes to a grade.
const PartCosmetic = "cosmetic"

// CheckVerdict is the answer to a check of one part.
type CheckVerdict string

// The verdicts of a check.
const (
	CheckPass CheckVerdict = "pass"
	CheckFail CheckVerdict = "fail"
	CheckSkip CheckVerdict = "skip"
	// CheckNotDone: nobody looked.
	CheckNotDone CheckVerdict = "not-done"
)

// Check is what a person found when checking one part of a machine.
type Check struct {
	// Part is keyboard, screen, pointer, speakers, camera, ports, battery,
	// wifi, cosmetic or damage.
	Part    string       `json:"part"`
	Verdict CheckVerdict `json:"verdict"`
	Grade   string       `json:"grade"` // of the part cosmetic: A, B, C or D; empty otherwise
	Note    string       `json:"note"`
}

// UnitDrive names one drive's record in a unit record.
type UnitDrive struct {
	Path        string            `json:"path"`
	Model       string            `json:"model"`
	Serial      string            `json:"serial"`
	RecordID    string            `json:"record_id"` // empty when the drive was not touched
	SHA256      string            `json:"sha256"`    // of the drive's envelope, hex
	Outcome     erase.Outcome     `json:"outcome"`
	Achieved    erase.Method      `json:"achieved"`
	Disposition erase.Disposition `json:"disposition"`
	// Fulfilled is that of the drive's record: the accepted Method was
	// reached. Nil in records made before it was written, and without a record.
	Fulfilled *bool `json:"fulfilled,omitempty"`
	// NotTouched is why a drive was left alone, empty otherwise.
	NotTouched string `json:"not_touched"`
}
