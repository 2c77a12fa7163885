// Package inventory collects the facts about a machine and its drives: what
// each thing is, where that was read, and what uses it. It holds no opinions:
// whether a drive may be erased is decided in package erase, whether it is
// healthy or worth keeping in package inventory/grade.
package inventory

// Machine is what could be observed about one computer. Empty strings, zero
// numbers and nil slices mean "not readable here", never "absent"; Notes says
// why something could not be read.
type Machine struct {
	System  System  `json:"system"`
	CPU     []CPU   `json:"cpu"`
	Memory  Memory  `json:"memory"`
	Network []NIC   `json:"network"`
	Drives  []Drive `json:"drives"`
	// Controllers are what drives hang on, also those that show none; see
	// [Unseen].
	Controllers []Controller `json:"controllers"`
	Firmware    Firmware     `json:"firmware"`
	Parts
	Notes []string `json:"notes,omitempty"`
}

// System identifies the computer. Junk that firmware makers leave behind
// ("To Be Filled By O.E.M.") is dropped from the named fields and kept in Raw.
type System struct {
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	// Class is laptop, convertible, tablet, desktop, mini, all-in-one,
	// workstation, server, monitor, phone or other, from the SMBIOS chassis
	// type (DSP0134 3.7.0, table 17); "other" when unknown.
	Class  string `json:"class"`
	Serial string `json:"serial"`
	// UUID is the SMBIOS system UUID in lower-case RFC 4122 form.
	UUID string `json:"uuid"`
	// Raw holds the strings as firmware gave them, keyed by the names of
	// /sys/class/dmi/id (sys_vendor, product_name, board_name, ...).
	Raw map[string]string `json:"raw"`
}

// CPU is one processor package.
type CPU struct {
	Model       string `json:"model"`
	Vendor      string `json:"vendor"`
	Family      int    `json:"family"`
	ModelNumber int    `json:"model_number"`
	Stepping    int    `json:"stepping"`
	Cores       int    `json:"cores"`
	Threads     int    `json:"threads"`
}

// Memory is the machine's memory.
type Memory struct {
	// TotalBytes is the sum of the installed modules where SMBIOS lists
	// them, else what the kernel manages (slightly less than installed).
	TotalBytes int64          `json:"total_bytes"`
	Modules    []MemoryModule `json:"modules"`
}

// MemoryModule is one populated memory slot (SMBIOS type 17).
type MemoryModule struct {
	Slot         string `json:"slot"`
	SizeBytes    int64  `json:"size_bytes"`
	Type         string `json:"type"`
	SpeedMTs     int    `json:"speed_mts"`
	Manufacturer string `json:"manufacturer"`
	PartNumber   string `json:"part_number"`
	Serial       string `json:"serial"`
}

// NIC is one physical network interface.
type NIC struct {
	Name     string `json:"name"`
	MAC      string `json:"mac"`
	Model    string `json:"model"`
	Driver   string `json:"driver"`
	Wireless bool   `json:"wireless"`
}
