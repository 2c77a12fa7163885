package inventory

// Controller is something that drives hang on.
type Controller struct {
	// Address is the PCI address (0000:00:17.0), or the name of a controller
	// that is not on PCI.
	Address string `json:"address"`
	// PCIID is vendor and device, "8086:9a0b"; empty when not on PCI.
	PCIID string `json:"pci_id"`
	// Class is the PCI base class and subclass in hex, "0106"; empty when
	// not on PCI.
	Class string `json:"class"`
	// Name is vendor and device in words, as far as they are known.
	Name string `json:"name"`
	// Driver is the kernel driver that runs it, empty when there is none.
	Driver string         `json:"driver"`
	Mode   ControllerMode `json:"mode"`
	// Drives counts the block devices that are seen behind it, cards and
	// empty card slots not counted.
	Drives int `json:"drives"`
	// RemappedNVMe counts the NVMe drives that a SATA controller in RAID mode
	// keeps to itself, as its driver tells.
	RemappedNVMe int `json:"remapped_nvme"`
}

// ControllerMode is what a controller presents itself as.
type ControllerMode string

// The modes of controllers.
const (
	ModeIDE   ControllerMode = "ide"
	ModeAHCI  ControllerMode = "ahci"
	ModeRAID  ControllerMode = "raid"
	ModeVMD   ControllerMode = "vmd" // Intel Volume Management Device
	ModeSCSI  ControllerMode = "scsi"
	ModeSAS   ControllerMode = "sas"
	ModeNVMe  ControllerMode = "nvme"
	ModeUFS   ControllerMode = "ufs"
	ModeMMC   ControllerMode = "mmc" // SD cards and eMMC
	ModeT2    ControllerMode = "t2"  // Apple's security chip, which owns the drive
	ModeOther ControllerMode = "other"
)
