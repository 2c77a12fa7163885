package inventory

// Parts of a machine that a person can check, as far as they can be seen. The
// lists hold names as the parts tell them; one that tells none is called after
// its USB or PCI id. Bluetooth devices are left out: they are no part of the
// machine, and their names are often those of people.
type Parts struct {
	Cameras   []string  `json:"cameras"`
	WiFi      []string  `json:"wifi"`
	Sound     []string  `json:"sound"`
	Pointers  []string  `json:"pointers"`
	Keyboards []string  `json:"keyboards"`
	Batteries []Battery `json:"batteries"`
	// Fingerprint and Touch are readers and touch screens by name, Pens what
	// reads a pen on the screen.
	Fingerprint []string `json:"fingerprint"`
	Touch       []string `json:"touch"`
	Pens        []string `json:"pens"`
	// Bluetooth are the machine's own controllers, Optical its disc drives.
	Bluetooth []string `json:"bluetooth"`
	Optical   []string `json:"optical"`
}

// Battery is one battery of the machine. Numbers that it does not tell are 0.
type Battery struct {
	Name         string `json:"name"` // the kernel's: BAT0
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Serial       string `json:"serial"`
	// ChargePercent is what it holds of a full charge, HealthPercent what a
	// full charge now is of the one it was designed for.
	ChargePercent int `json:"charge_percent"`
	HealthPercent int `json:"health_percent"`
	Cycles        int `json:"cycles"`
	// DesignMilliwattHours is what a full charge was when new,
	// FullMilliwattHours what it is now.
	DesignMilliwattHours int64  `json:"design_mwh"`
	FullMilliwattHours   int64  `json:"full_mwh"`
	DesignMillivolts     int64  `json:"design_mv"`
	Chemistry            string `json:"chemistry"` // LION, LIPO, NIMH; empty when not told
	// Status is the kernel's word: Charging, Discharging, Full, Not charging.
	Status string `json:"status"`
}

// Firmware is how the machine was started and what its firmware guards.
type Firmware struct {
	// Boot is "uefi" or "bios"; empty where neither can be told.
	Boot string `json:"boot"`
	// SecureBoot is "on", "off" or "unknown".
	SecureBoot string `json:"secure_boot"`
	// TPM is "2.0", "1.2", "none", or empty when it cannot be told.
	TPM string `json:"tpm"`
	// TPMDisabled is true when there is a TPM and the firmware keeps it off.
	TPMDisabled bool `json:"tpm_disabled,omitempty"`
	// Vendor, Version and Date (ISO 8601; the firmware's own form where it
	// makes no sense) are of the firmware itself.
	Vendor  string `json:"vendor"`
	Version string `json:"version"`
	Date    string `json:"date"`
	// UEFI says whether the firmware can start by UEFI, SecureBootCapable
	// whether it has Secure Boot, on or off; nil when it cannot be told.
	UEFI              *bool `json:"uefi,omitempty"`
	SecureBootCapable *bool `json:"secure_boot_capable,omitempty"`
	// WindowsKey is the licence in the firmware (ACPI table MSDM); nil when
	// there is none or it cannot be read.
	WindowsKey *WindowsKey `json:"windows_key,omitempty"`
}

// WindowsKey is a Windows licence in the firmware. The whole key is in no
// record; see [Source.ProductKey].
type WindowsKey struct {
	// Edition is Home, Pro, ...; always empty so far: the table does not tell,
	// and Microsoft publishes no way to read it from the key.
	Edition  string `json:"edition"`
	LastFive string `json:"last_five"`
}
