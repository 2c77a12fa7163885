// Package stick says what a boot stick is made of: the names of its partitions
// and folders, and the settings it was built with. Whoever builds the image and
// whoever runs from it read them here.
package stick

import "time"

// The names of the partitions in the GPT. A stick's data partition is found by
// name and by the medium it lies on, never by device node.
const (
	ESPName  = "OMBRUK-ESP"
	DataName = "OMBRUK-DATA"
	BIOSName = "OMBRUK-BIOS"
)

// SettingsDir is the folder of the settings in the initramfs. They travel in an
// archive of their own, so that a stick and a network boot read them alike.
const SettingsDir = "/ombruk"

// The files in [SettingsDir]. Keys has the form of a folder of keys
// (certs.OpenKeys); without a station's key in it the station makes one for
// itself, which nobody vouches for, and keeps it on the data partition.
const (
	SettingsFile = "settings.json"
	ContractFile = "contract.yaml"
	PolicyFile   = "policy.yaml"
	KeysDir      = "keys"
	// SealFile is the signed list of the digests of all the others.
	SealFile = "settings.sealed.json"
)

// Where things are while a stick runs.
const (
	// DataMount is where the data partition is mounted, and SecondMount that
	// of another stick, which gets a copy of every record.
	DataMount   = "/run/ombruk/data"
	SecondMount = "/run/ombruk/second"
	// RecordsDir, StateDir and LogDir lie on the data partition. State is the
	// chain, the journals and, where the station has made it itself, its key.
	RecordsDir = "records"
	StateDir   = "state"
	LogDir     = "log"
)

// LargeTextArg on the kernel's command line asks for the largest font whose
// screen still has 80 by 24 characters.
const LargeTextArg = "ombruk.text=large"

// MediumArg on the kernel's command line, with = and the GUID of its partition
// table behind it, says from which medium the machine was started.
const MediumArg = "ombruk.medium"

// Settings are what a stick was built with. They are signed.
type Settings struct {
	Schema int `json:"schema"` // 1
	// Built is when the image was made, UTC; a clock that is before it is wrong.
	Built   time.Time `json:"built"`
	Version string    `json:"version"` // of the tool that made it
	// Language of screen and pages (nb, en), and Keyboard layout (nb, sv, da, us).
	Language string `json:"language"`
	Keyboard string `json:"keyboard"`
	// Standard is the default one's id; empty is the tool's own.
	Standard string `json:"standard"`
	// Agency and Order are what the start screen is filled in with.
	Agency string `json:"agency"`
	Order  string `json:"order"`
	// Status is what machines come in as, where nobody says otherwise: product,
	// waste, or empty.
	Status string `json:"status,omitempty"`
	// Unattended starts by itself, as the policy says; Bench begins with the
	// bench for loose drives.
	Unattended bool `json:"unattended"`
	Bench      bool `json:"bench"`
}

// Keyboards are the layouts there are.
func Keyboards() []string { return []string{"nb", "sv", "da", "us"} }
