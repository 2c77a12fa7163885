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
}
