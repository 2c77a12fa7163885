package drivesim

import "github.com/ombruk/ombruk/inventory"

// Lie is one way in which a drive does not do what it says.
type Lie string

// The lies about what an erase did.
const (
	LieNoEffect      Lie = "no-effect"         // everything runs its course and nothing is erased
	LieKeepsKey      Lie = "keeps-key"         // a crypto erase leaves the key in use
	LieHidesKey      Lie = "hides-key"         // a crypto erase shows noise and keeps the old key
	LieUnmapsOnly    Lie = "unmaps-only"       // blocks are deallocated, the flash keeps everything
	LieSkipsHidden   Lie = "skips-hidden"      // what lay beyond the accessible maximum when it came is not erased
	LieSkipsSpare    Lie = "skips-spare"       // spare and retired blocks are not erased
	LieLeavesBlocks  Lie = "leaves-blocks"     // all but a few blocks are erased
	LieOneNamespace  Lie = "one-namespace"     // only the first namespace or unit is erased
	LieIgnoresMode   Lie = "ignores-mode"      // NVMe: SES is taken as 0; ATA: an enhanced erase only tidies the table of blocks
	LieStaleCache    Lie = "stale-read-cache"  // reads are answered from a cache that an erase does not empty
	LieLosesWrites   Lie = "loses-writes"      // writes stay in a cache that answers reads and never reaches the medium
	LieShortWrites   Lie = "short-writes"      // of long writes only the first half is written, and success is said
	LieUnmapsAnyhow  Lie = "deallocates"       // deallocates although told not to, and does not say so
	LieOpenForever   Lie = "keeps-media-open"  // stays in media verification, whatever it is told
	LieForgetsOnHalt Lie = "reset-forgets"     // a reset or power cut ends the erase, and success is said
	LieFailsAtEnd    Lie = "fails-at-end"      // at 100 % it says failed, with the last part not erased
	LieFailedErased  Lie = "failed-but-erased" // says failed, and all data erased (GDE) with it
	// nothing is erased: what was written before can no longer be read (but
	// was there, for whoever opens the drive), what was blank can
	LieUnreadable Lie = "unreadable-after-erase"
)

// The lies about whether and how an erase runs.
const (
	LieNotStarted    Lie = "not-started"          // accepted with success, and nothing is started: status stays as it was
	LieNeverEnds     Lie = "never-ends"           // progress stops at 99 %
	LieUnsupported   Lie = "refuses-advertised"   // what it says it can do is refused
	LieAborts        Lie = "aborts-everything"    // every command but those that name the drive is refused
	LieZeroedAnswers Lie = "answers-zeroed"       // data of every answer is zeros
	LieRandomAnswers Lie = "answers-random"       // data of every answer is random
	LieShortAnswers  Lie = "answers-short"        // data of every answer ends after 16 bytes, with zeros behind
	LieNewSerial     Lie = "serial-after-erase"   // after an erase it goes by another serial
	LieOtherDrive    Lie = "answers-for-another"  // commands go to another drive than reads and writes
	LieFixedSense    Lie = "fixed-sense"          // no lie: answers in fixed-format sense, as many bridges do
	LieTwin          Lie = "twin"                 // no lie: there is a second drive with the same serial
	LieEndlessFormat Lie = "blocks-without-end"   // commands that block until done never return
	LieEarlySuccess  Lie = "early-success"        // says it has succeeded when it has only begun, and stops there
	LieNoStatus      Lie = "no-status-afterwards" // no lie: cannot tell how the erase ended
)

// lieNames are all lies, for the strict reading of profiles.
func lieNames() []Lie {
	return []Lie{
		LieNoEffect, LieKeepsKey, LieHidesKey, LieUnmapsOnly, LieSkipsHidden, LieSkipsSpare, LieLeavesBlocks,
		LieOneNamespace, LieIgnoresMode, LieStaleCache, LieLosesWrites, LieShortWrites, LieUnmapsAnyhow, LieOpenForever,
		LieForgetsOnHalt, LieFailsAtEnd, LieFailedErased, LieUnreadable,
		LieNotStarted, LieNeverEnds, LieUnsupported, LieAborts, LieZeroedAnswers, LieRandomAnswers, LieShortAnswers,
		LieNewSerial, LieOtherDrive, LieFixedSense, LieTwin, LieEndlessFormat, LieEarlySuccess, LieNoStatus,
	}
}

// FaultKind is something that happens to a drive from outside, or by age.
type FaultKind string

// The faults.
const (
	// FaultPowerLoss takes the power away for Seconds (60 when 0). Wires and
	// open devices are dead until the host finds the drive again.
	FaultPowerLoss FaultKind = "power-loss"
	// FaultReset resets the drive, which does not answer for Seconds (10).
	FaultReset FaultKind = "reset"
	// FaultVanish takes the drive away for good.
	FaultVanish FaultKind = "vanish"
	// FaultNewSerial gives the drive another serial number.
	FaultNewSerial FaultKind = "new-serial"
	// FaultNamespace makes the namespaces that are marked as late.
	FaultNamespace FaultKind = "namespace"
)

// Fault happens once, at the first of its conditions that is met.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// EraseAtPPM is when an erase has come so far, in parts per million; 0 for never.
	EraseAtPPM int64 `json:"erase_at_ppm,omitempty"`
	// AfterBytes is when so many bytes were read or written as blocks; 0 for never.
	AfterBytes int64 `json:"after_bytes,omitempty"`
	// AfterCommands is when so many commands were given; 0 for never.
	AfterCommands int   `json:"after_commands,omitempty"`
	Seconds       int64 `json:"seconds,omitempty"`
}

// Defect is a sector that has gone bad.
type Defect struct {
	// Unit is which of the drive's areas, from 0, and Sector the sector of
	// 512 bytes in it.
	Unit       int   `json:"unit"`
	Sector     int64 `json:"sector"`
	Unreadable bool  `json:"unreadable"`
	Unwritable bool  `json:"unwritable"`
}

// EraserProfile is one erase command of a drive.
type EraserProfile struct {
	// Seconds is how long it takes.
	Seconds float64 `json:"seconds"`
	// EstimateSeconds is what the drive says beforehand; absent when it says nothing.
	EstimateSeconds *int64 `json:"estimate_seconds,omitempty"`
}

// SanitizeProfile is the state the sanitize engine is in when the drive comes
// to us, in the words of package inventory.
type SanitizeProfile struct {
	State   string                 `json:"state"`
	Command inventory.EraseCommand `json:"command"`
	// ProgressPPM is how far a running one is.
	ProgressPPM int64 `json:"progress_ppm,omitempty"`
}
