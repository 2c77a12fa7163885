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
	// Displays are the screens that are connected, the built-in one first.
	Displays []Display  `json:"displays"`
	Graphics []Graphics `json:"graphics"`
	Board    Board      `json:"board"`
	// Slots and Ports are what the firmware lists of them (SMBIOS types 9, 8).
	Slots []Slot `json:"slots"`
	Ports []Port `json:"ports"`
	// Locks are what may keep a next owner out or follow the machine to them,
	// those found and those looked for in vain.
	Locks []Lock `json:"locks"`
	// OEMStrings are the maker's own (SMBIOS type 11), placeholders left out.
	OEMStrings []string `json:"oem_strings"`
	Parts
	Notes []string `json:"notes,omitempty"`
}

// unread is a machine of which nothing is known yet. Its lists are empty and
// not nil, since other languages cannot read null.
func unread() Machine {
	return Machine{
		System: System{Class: "other", Raw: map[string]string{}}, Firmware: Firmware{SecureBoot: "unknown"},
		CPU: []CPU{}, Memory: Memory{Modules: []MemoryModule{}}, Network: []NIC{}, Drives: []Drive{}, Controllers: []Controller{},
		Displays: []Display{}, Graphics: []Graphics{}, Slots: []Slot{}, Ports: []Port{}, Locks: []Lock{}, OEMStrings: []string{},
		Parts: Parts{
			Cameras: []string{}, WiFi: []string{}, Sound: []string{}, Pointers: []string{}, Keyboards: []string{},
			Batteries: []Battery{}, Fingerprint: []string{}, Touch: []string{}, Pens: []string{}, Bluetooth: []string{}, Optical: []string{},
		},
	}
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
	// SKU is the maker's order or configuration number, Family the name of
	// the series; empty when not told.
	SKU    string `json:"sku"`
	Family string `json:"family"`
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
	// PlatformFlags is one bit, numbered by Intel's platform id
	// (IA32_PLATFORM_ID, bits 52:50), as the kernel's processor_flags has it
	// and Windows its Platform Specific Field 1; 0 when not readable.
	PlatformFlags int `json:"platform_flags,omitempty"`
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
	Slot      string `json:"slot"`
	SizeBytes int64  `json:"size_bytes"`
	Type      string `json:"type"`
	// Form is DIMM, SODIMM or soldered; empty when not told.
	Form         string `json:"form"`
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
	// WiFiGeneration is 4 (802.11n), 5 (ac), 6 and 6E (ax), 7 (be); empty when
	// it is not Wi-Fi or cannot be told.
	WiFiGeneration string `json:"wifi_generation,omitempty"`
	// WWAN is true for a modem, which may hold a SIM.
	WWAN bool `json:"wwan,omitempty"`
}

// Display is a screen as its EDID tells of it (VESA E-EDID 1.4). What it does
// not tell is empty or zero.
type Display struct {
	// Manufacturer is the maker's name, or the three letters of PNPID where
	// nobody has registered a name for them.
	Manufacturer string `json:"manufacturer"`
	// Model is the display product name; without one the number that the maker
	// of a panel knows it by, or the product code in hex.
	Model  string `json:"model"`
	Serial string `json:"serial"`
	// PNPID is the maker's three letters, ProductCode the maker's number.
	PNPID       string `json:"pnp_id"`
	ProductCode int    `json:"product_code"`
	// DiagonalInches has one decimal, from WidthMillimetres and
	// HeightMillimetres.
	DiagonalInches    float64 `json:"diagonal_inches"`
	WidthMillimetres  int     `json:"width_mm"`
	HeightMillimetres int     `json:"height_mm"`
	// WidthPixels and HeightPixels are those of the preferred timing.
	WidthPixels  int `json:"width_pixels"`
	HeightPixels int `json:"height_pixels"`
	// Year and Week are those of manufacture; Week is 0 when not told, and
	// Year is then that of the model where the EDID says so.
	Year int `json:"year"`
	Week int `json:"week"`
	// Connector is the kernel's name (eDP-1, HDMI-A-1); empty from a dump.
	Connector string `json:"connector,omitempty"`
	// Internal is true for the machine's own panel, by its connector; in a dump
	// without one, for what is a panel and no monitor by its EDID.
	Internal bool     `json:"internal"`
	Notes    []string `json:"notes,omitempty"`
}

// Graphics is one graphics processor.
type Graphics struct {
	Model  string `json:"model"`
	PCIID  string `json:"pci_id"` // "8086:9a49"; empty when not on PCI
	Driver string `json:"driver"`
}

// Board is the main board.
type Board struct {
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Version      string `json:"version"`
	Serial       string `json:"serial"`
	// MemorySlots and MaxMemoryBytes are what the board takes (SMBIOS types 16
	// and 17); 0 when not told. SolderedBytes is the memory that cannot be
	// taken out, as far as the firmware says so.
	MemorySlots    int   `json:"memory_slots"`
	MaxMemoryBytes int64 `json:"max_memory_bytes"`
	SolderedBytes  int64 `json:"soldered_bytes"`
}

// Slot is one slot for a card.
type Slot struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Usage is "in use", "free" or empty.
	Usage string `json:"usage"`
}

// Port is one connector that can be reached from outside.
type Port struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// LockState is what is known of a lock.
type LockState string

// The states of a lock.
const (
	LockUnknown LockState = "unknown"
	LockSet     LockState = "set"
	LockClear   LockState = "clear"
)

// The locks. There is a message lock.CODE for each.
const (
	LockFirmwareSetup   = "firmware-setup-password" // to change settings of the firmware
	LockFirmwareStart   = "firmware-start-password" // to start the machine
	LockDrive           = "drive-password"
	LockAbsolute        = "absolute"     // Computrace, Absolute Persistence: set means active
	LockPlatformBinary  = "wpbt"         // the firmware puts a program into Windows (WPBT)
	LockAutopilot       = "autopilot"    // Windows Autopilot or another MDM enrolment
	LockActivation      = "apple-lock"   // Apple Activation Lock or DEP
	LockKnox            = "knox"         // Samsung Knox enrolment
	LockChromeEnrolment = "chrome-enrol" // forced enrolment of ChromeOS
	LockManagement      = "amt"          // Intel AMT or AMD DASH with somebody's credentials
)

// Lock is one thing that may keep a next owner out, or follow the machine.
type Lock struct {
	Code  string    `json:"code"`
	State LockState `json:"state"`
	// Text says in English where that was read, or is LockSaid or LockSeen.
	Text string `json:"text"`
}

// What the text of a lock is where nothing was read.
const (
	LockSaid = "said by the operator"
	LockSeen = "seen by a person"
)
