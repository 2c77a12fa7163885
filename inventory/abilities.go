package inventory

import "math"

// Abilities is what a drive's own firmware answers when it is asked what it can
// do and what state it is in. It is read with commands that change nothing.
type Abilities struct {
	// Protocol is the command set the drive answered: "ata", "scsi", "nvme" or
	// "mmc". An ATA drive behind a USB bridge or a SAS adapter is "ata".
	Protocol string `json:"protocol"`
	// Through is what stands between us and the drive and may answer for it:
	// "usb bridge", "sas adapter"; empty when nothing does.
	Through string `json:"through,omitempty"`
	// Erasers are the erase commands the drive says it has, also those that
	// its state keeps it from carrying out.
	Erasers  []Eraser      `json:"erasers"`
	Hidden   Hidden        `json:"hidden"`
	Security Security      `json:"security"`
	Sanitize SanitizeState `json:"sanitize"`
	// Encrypts is true when everything on the medium is always encrypted
	// with a key inside the drive (a self-encrypting drive).
	Encrypts bool `json:"encrypts"`
	// Spaces are the parts of the drive that hold data and that reads of the
	// target itself do not reach: other namespaces, boot partitions, RPMB.
	Spaces []Space `json:"spaces,omitempty"`
	// Zoned is "host-managed" or "zns" for drives that must be written in
	// order, "host-aware" for those that prefer it, else empty.
	Zoned string `json:"zoned,omitempty"`
	// BlockBytes is the size of a formatted block when it is not one Linux
	// can read or write (520 or 528 bytes); zero otherwise.
	BlockBytes int    `json:"block_bytes,omitempty"`
	Health     *SMART `json:"smart,omitempty"`
	// Notes are what could not be asked and why, in English.
	Notes []string `json:"notes,omitempty"`
}

// EraseCommand names one erase command of a drive. The policy's table of what
// counts as Purge is written in these words.
type EraseCommand string

// The erase commands. Overwriting by the host is not among them.
const (
	ATASanitizeCrypto        EraseCommand = "ata-sanitize-crypto"         // ACS-4, SANITIZE DEVICE, CRYPTO SCRAMBLE EXT
	ATASanitizeBlock         EraseCommand = "ata-sanitize-block"          // BLOCK ERASE EXT
	ATASanitizeOverwrite     EraseCommand = "ata-sanitize-overwrite"      // OVERWRITE EXT
	ATASecurityErase         EraseCommand = "ata-security-erase"          // SECURITY ERASE UNIT, normal
	ATASecurityEraseEnhanced EraseCommand = "ata-security-erase-enhanced" // SECURITY ERASE UNIT, enhanced
	SCSISanitizeCrypto       EraseCommand = "scsi-sanitize-crypto"        // SBC-4, SANITIZE, CRYPTOGRAPHIC ERASE
	SCSISanitizeBlock        EraseCommand = "scsi-sanitize-block"         // BLOCK ERASE
	SCSISanitizeOverwrite    EraseCommand = "scsi-sanitize-overwrite"     // OVERWRITE
	SCSIFormat               EraseCommand = "scsi-format"                 // SBC-4, FORMAT UNIT
	NVMeSanitizeCrypto       EraseCommand = "nvme-sanitize-crypto"        // NVMe Base 2.0, Sanitize, SANACT 4
	NVMeSanitizeBlock        EraseCommand = "nvme-sanitize-block"         // SANACT 2
	NVMeSanitizeOverwrite    EraseCommand = "nvme-sanitize-overwrite"     // SANACT 3
	NVMeFormatUser           EraseCommand = "nvme-format-user"            // Format NVM, SES 1
	NVMeFormatCrypto         EraseCommand = "nvme-format-crypto"          // Format NVM, SES 2
	TCGRevert                EraseCommand = "tcg-revert"                  // Opal, Enterprise: Revert with the SID password or MSID
	TCGPSIDRevert            EraseCommand = "tcg-psid-revert"             // Revert with the PSID printed on the label
	MMCSanitize              EraseCommand = "mmc-sanitize"                // JESD84-B51: ERASE of everything, then SANITIZE_START
	MMCSecureErase           EraseCommand = "mmc-secure-erase"            // JESD84-A44 secure erase, dropped in 4.5
	MMCErase                 EraseCommand = "mmc-erase"                   // ERASE of everything, without sanitize
	SDErase                  EraseCommand = "sd-erase"                    // SD Physical Layer, CMD32, CMD33, CMD38
)

// Eraser is one erase command that a drive says it has.
type Eraser struct {
	Command EraseCommand `json:"command"`
	// EstimateSeconds is the drive's own estimate; 0 when it gives none.
	EstimateSeconds int64 `json:"estimate_seconds,omitempty"`
	// WholeDrive is true when the command erases every namespace of the
	// drive, not only the one it is given for.
	WholeDrive bool `json:"whole_drive"`
	// Blocked is why the drive would refuse it now ("frozen", "locked",
	// "restricted by SANITIZE FREEZE LOCK"); empty when it would not.
	Blocked string `json:"blocked,omitempty"`
	// PurgeOrFail is true when the drive can be told to do a purge by IEEE
	// 2883 or fail (NVMe Base 2.1, PREQ).
	PurgeOrFail bool `json:"purge_or_fail,omitempty"`
	// OpensMedia is true when the drive can open its media for verification
	// after the command (NVMe Base 2.1, EMVS).
	OpensMedia bool `json:"opens_media,omitempty"`
}

// Hidden is the capacity beyond the reach of ordinary reads, in bytes; nil
// means not asked or not told, which is not the same as none.
type Hidden struct {
	HPABytes *int64 `json:"hpa_bytes"` // ATA-8 ACS, Host Protected Area
	DCOBytes *int64 `json:"dco_bytes"` // ATA-8 ACS, Device Configuration Overlay
	// AMABytes is ACS-4, Accessible Max Address, or what a SCSI drive was made
	// smaller by (SBC-4, MODE SELECT, NUMBER OF LOGICAL BLOCKS).
	AMABytes *int64 `json:"ama_bytes"`
	// Stuck is why what is hidden cannot be restored; empty when it can.
	Stuck string `json:"stuck,omitempty"`
}

// Bytes is all that is known to be hidden. An area is counted once: AMA takes
// the place of HPA and DCO. Whatever a drive may say, it is not negative.
func (h Hidden) Bytes() int64 {
	n := int64(0)
	for _, p := range []*int64{h.HPABytes, h.DCOBytes, h.AMABytes} {
		if p != nil && *p > 0 {
			n += min(*p, math.MaxInt64-n)
		}
	}
	return n
}

// Known reports whether the drive was asked and answered: by AMA, or by HPA
// and DCO, or has no such feature.
func (h Hidden) Known() bool { return h.AMABytes != nil || h.HPABytes != nil && h.DCOBytes != nil }

// Security is the drive's lock.
type Security struct {
	Supported bool `json:"supported"`
	Enabled   bool `json:"enabled"` // a password is set, or locking is activated
	Locked    bool `json:"locked"`
	Frozen    bool `json:"frozen"`
	// AttemptsUsedUp is true when no password is taken until the next power cycle.
	AttemptsUsedUp bool `json:"attempts_used_up"`
	// MasterOnly is true when the user password is at level Maximum and so
	// the master password can erase but not unlock.
	MasterOnly bool `json:"master_only"`
	// Kind is "ata", "tcg-opal", "tcg-opal-2", "tcg-enterprise",
	// "tcg-pyrite-1", "tcg-pyrite-2", "tcg-ruby", "mmc"; empty when not supported.
	Kind string `json:"kind,omitempty"`
	// BlockedSID is true when firmware has blocked the SID authority until
	// the next power cycle (TCG Block SID Authentication, feature 0402h).
	BlockedSID bool `json:"blocked_sid,omitempty"`
}

// SanitizeState is the state of the drive's sanitize engine when it was asked.
type SanitizeState struct {
	// State is one of the Sanitize constants below.
	State string `json:"state"`
	// Command is the operation the state speaks of, where the drive says.
	Command EraseCommand `json:"command,omitempty"`
	// ProgressPPM is how far it is in parts per million; -1 when not told.
	ProgressPPM int64 `json:"progress_ppm"`
	// GlobalDataErased is NVMe's bit of that name, and ATA's SANITIZED
	// DEVICE: nothing was written since the last success.
	GlobalDataErased bool `json:"global_data_erased,omitempty"`
	// Raw is what the drive answered, for the record: "SSTAT 0101h SPROG FFFFh".
	Raw string `json:"raw,omitempty"`
}

// The states of a sanitize engine.
const (
	SanitizeUnsupported = ""          // the drive has none, or was not asked
	SanitizeIdle        = "idle"      // never run, as far as the drive tells
	SanitizeRunning     = "running"   // also while it only deallocates
	SanitizeSucceeded   = "succeeded" // the last one ended well, whenever that was
	SanitizeFailed      = "failed"
	SanitizeUnknown     = "unknown" // the answer makes no sense
	// SanitizeVerifying is NVMe's media verification state: done, and the
	// media stay open for reading until the state is left.
	SanitizeVerifying = "media-verification"
)

// Space is a part of a drive beside the target.
type Space struct {
	Name string `json:"name"` // "namespace 2", "boot partition 1", "RPMB"
	// NamespaceID is the NSID of an NVMe namespace; 0 for what is none.
	NamespaceID uint32 `json:"namespace_id,omitempty"`
	Path        string `json:"path"` // its node; empty when there is none
	SizeBytes   int64  `json:"size_bytes"`
	// Reach is "node" when it can be read and erased through Path, "drive"
	// when only commands for the whole drive reach it, "none" when nothing does.
	Reach string `json:"reach"`
}

// SMART is what the drive tells of its health; nil where it tells nothing, or
// something that cannot be. It is no verdict.
type SMART struct {
	// Passed is the drive's own verdict.
	Passed          *bool  `json:"passed"`
	PowerOnHours    *int64 `json:"power_on_hours"`
	PowerCycles     *int64 `json:"power_cycles"`
	UnsafeShutdowns *int64 `json:"unsafe_shutdowns"`
	// Reallocated are the sectors replaced since new: of flash the blocks
	// retired, of a SCSI drive its grown defects.
	Reallocated *int64 `json:"reallocated"`
	Pending     *int64 `json:"pending"` // sectors that wait to be reallocated
	// Uncorrectable is the largest of the three counts that follow.
	Uncorrectable         *int64 `json:"uncorrectable"`
	ReportedUncorrectable *int64 `json:"reported_uncorrectable"` // reads that failed; SCSI: total uncorrected errors
	OfflineUncorrectable  *int64 `json:"offline_uncorrectable"`  // sectors that its own scan could not read
	MediaErrors           *int64 `json:"media_errors"`           // NVMe, Media and Data Integrity Errors
	CommandTimeouts       *int64 `json:"command_timeouts"`
	// CRCErrors are transfers that arrived damaged: most often the cable's fault.
	CRCErrors             *int64 `json:"crc_errors"`
	PercentUsed           *int64 `json:"percent_used"`  // of rated endurance; may exceed 100
	SparePercent          *int64 `json:"spare_percent"` // of the spare blocks it had when new
	SpareThresholdPercent *int64 `json:"spare_threshold_percent"`
	CriticalWarning       *int64 `json:"critical_warning"` // NVMe, bits of the byte
	TemperatureCelsius    *int64 `json:"temperature_celsius"`
	TemperatureMaxCelsius *int64 `json:"temperature_max_celsius"` // in its life
	WrittenBytes          *int64 `json:"written_bytes"`
	// SelfTest is nil when the drive keeps no log of self-tests.
	SelfTest *SelfTest `json:"self_test"`
	// PastThreshold are the attributes that are, or once were, as bad as the
	// maker's threshold for failure.
	PastThreshold []PastThreshold `json:"past_threshold,omitempty"`
	// Senseless names what a verdict needs and the drive answers with a number
	// that cannot be (all bits set, other counters packed in): pending,
	// offline-uncorrectable, reported-uncorrectable, media-errors,
	// reallocated.
	Senseless []string `json:"senseless,omitempty"`
}

// SelfTest is what a drive's log of self-tests tells. Hours are its power-on
// hours at the time; ATA and SCSI drives count them with 16 bits here.
type SelfTest struct {
	// Last is how the last test that came to an end did: "passed", "failed",
	// or empty when none did.
	Last      string `json:"last"`
	LastHours *int64 `json:"last_hours"`
	// Failures are the tests in the log that failed, the last of them at
	// FailedHours.
	Failures    int64  `json:"failures"`
	FailedHours *int64 `json:"failed_hours"`
	// PassedSince is true when an extended test passed after the last failure.
	PassedSince bool `json:"passed_since"`
	// HoursWrap is true when hours start again at 65536.
	HoursWrap bool `json:"hours_wrap,omitempty"`
}

// SelfTestResult is one entry of a log of self-tests.
type SelfTestResult struct {
	// Passed and Failed are both false for a test that was aborted, or runs.
	Passed, Failed bool
	Extended       bool // the test that reads the whole medium
	Hours          int64
}

// SelfTestsFrom sums up a log of self-tests, the newest first. Negative hours
// were not told.
func SelfTestsFrom(newestFirst []SelfTestResult, hoursWrap bool) *SelfTest {
	t := SelfTest{HoursWrap: hoursWrap}
	for _, r := range newestFirst {
		switch {
		case r.Failed:
			if t.Failures++; t.Failures == 1 {
				t.FailedHours = told(r.Hours)
			}
		case r.Passed:
			t.PassedSince = t.PassedSince || r.Extended && t.Failures == 0
		default:
			continue
		}
		if t.Last == "" {
			t.Last, t.LastHours = map[bool]string{true: SelfTestFailed, false: SelfTestPassed}[r.Failed], told(r.Hours)
		}
	}
	t.PassedSince = t.PassedSince && t.Failures > 0
	return &t
}

// How a self-test came out.
const (
	SelfTestPassed = "passed"
	SelfTestFailed = "failed"
)

// PastThreshold is an attribute of an ATA drive whose normalised value has, or
// once had, come down to its threshold.
type PastThreshold struct {
	ID   int    `json:"id"`
	Name string `json:"name"` // smartctl's name for it; empty when not known
	Now  bool   `json:"now"`  // false: in the past only
}
