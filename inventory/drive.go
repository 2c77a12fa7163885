package inventory

import "strings"

// Bus is the way a drive is attached.
type Bus string

// The buses a drive can be on. BusImage is a regular file; BusVirtual is a
// block device that is made of others (device-mapper, md, bcache, zram, the
// volume of a RAID controller) and is therefore not a whole drive.
const (
	BusUnknown Bus = "unknown"
	BusATA     Bus = "ata"
	BusSCSI    Bus = "scsi"
	BusSAS     Bus = "sas"
	BusUSB     Bus = "usb"
	BusNVMe    Bus = "nvme"
	BusMMC     Bus = "mmc"
	BusVirtio  Bus = "virtio"
	BusLoop    Bus = "loop"
	BusImage   Bus = "image"
	BusVirtual Bus = "virtual"
	BusFabric  Bus = "fabric" // iSCSI, Fibre Channel, NVMe over fabrics, NBD, RBD, DRBD
)

// Media is what holds the data.
type Media string

// The kinds of media. MediaUnknown is treated like flash wherever the
// difference matters, because that claims less.
const (
	MediaUnknown  Media = "unknown"
	MediaMagnetic Media = "magnetic"
	MediaFlash    Media = "flash"
	MediaImage    Media = "image"   // a file, or a loop device over one
	MediaOptical  Media = "optical" // never a target
)

// Drive is one drive, or one image file that stands for one.
type Drive struct {
	// Path is the device node or file the facts were read from, with
	// symbolic links resolved.
	Path string `json:"path"`
	// Name is the kernel's name (sda, nvme0n1), empty for an image file.
	Name  string `json:"name"`
	Bus   Bus    `json:"bus"`
	Media Media  `json:"media"`
	// Manufacturer, Model, Serial and Firmware are the drive's own words
	// with padding removed; they are untrusted text and may hold anything.
	// Where the bus has no field for the maker, it is the one that the model
	// names; the manufacturer of an eMMC or SD card is decoded from its id.
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Serial       string `json:"serial"`
	Firmware     string `json:"firmware"`
	// WWN is the world-wide name, EUI-64 or NGUID as lower-case hex with
	// its scheme in front (naa.5000c500..., eui.0025385..., uuid....).
	WWN                string `json:"wwn"`
	CapacityBytes      int64  `json:"capacity_bytes"`
	LogicalBlockBytes  int    `json:"logical_block_bytes"`
	PhysicalBlockBytes int    `json:"physical_block_bytes"`
	Removable          bool   `json:"removable"`
	ReadOnly           bool   `json:"read_only"`
	// Discards is true when the drive can be told to forget blocks, which may
	// then read as zeros though nothing was written there.
	Discards bool `json:"discards,omitempty"`
	// DeviceNumber is "major:minor" of the node; for an image file
	// "major:minor/inode" of the file. Two drives with the same number are
	// one drive.
	DeviceNumber string `json:"device_number"`
	// Siblings are the other namespaces (NVMe), logical units (SCSI) or boot
	// areas (eMMC) behind the same controller, target or chip, by path.
	Siblings []string `json:"siblings,omitempty"`
	// AlsoAt are further paths to the same drive (dual-port SAS, multipath).
	AlsoAt []string `json:"also_at,omitempty"`
	// PartitionOf is the whole drive's path when this is only a partition.
	PartitionOf string `json:"partition_of,omitempty"`
	// TemperatureCelsius is nil where the kernel offers no sensor.
	TemperatureCelsius *int `json:"temperature_celsius,omitempty"`
	// Abilities is what the drive itself answered; nil when it was not asked
	// or has no command by which it could be.
	Abilities *Abilities `json:"abilities,omitempty"`
	// Uses is everything found that uses the drive, in the order in which a
	// person should be told.
	Uses []Use `json:"uses"`
}

// OddBlocks reports whether the drive is formatted with blocks of a size that
// Linux cannot read (520 or 528 bytes), so that it shows no capacity until it
// is formatted anew. Only a drive that was asked can tell.
func (d Drive) OddBlocks() bool {
	return d.Abilities != nil && d.Abilities.BlockBytes != 0 && d.Abilities.BlockBytes%512 != 0
}

// UseKind says in which way a drive is in use.
type UseKind string

// The kinds of use that are looked for.
const (
	UseBootMedium UseKind = "boot-medium" // this system was started from it
	UseMounted    UseKind = "mounted"     // a file system on it, or on something built on it
	UseSwap       UseKind = "swap"
	UseHolder     UseKind = "holder"    // device-mapper, LVM, md, bcache, loop or ZFS sits on it
	UseExclusive  UseKind = "exclusive" // the kernel refuses an exclusive open and nothing else explains it
	UseOpen       UseKind = "open"      // a process has it open
)

// Use is one thing that uses a drive.
type Use struct {
	Kind UseKind `json:"kind"`
	// Holder names what uses it: a mount point, "swap", "LVM volume
	// vg0-root", "md0 (raid1)", "process 4711 (qemu-system-x86)".
	Holder string `json:"holder"`
	// Device is the node through which it is used (/dev/sda2,
	// /dev/mapper/vg0-root), empty when it is the drive itself.
	Device string `json:"device,omitempty"`
}

// byName is how the holder begins where a partition's name is all there is.
const byName = "its partition is named "

// ByName reports whether nothing but the name of a partition says that the
// system was started from this: it may be another stick of ours that lies idle.
func (u Use) ByName() bool { return u.Kind == UseBootMedium && strings.HasPrefix(u.Holder, byName) }

// String is a sentence part that fits after "because it is".
func (u Use) String() string {
	via := ""
	if u.Device != "" {
		via = " through " + u.Device
	}
	switch u.Kind {
	case UseBootMedium:
		return "the medium this system was started from (" + u.Holder + ")" + via
	case UseMounted:
		return "mounted on " + u.Holder + via
	case UseSwap:
		return "in use as swap" + via
	case UseHolder:
		return "held by " + u.Holder + via
	case UseOpen:
		return "open in " + u.Holder + via
	default:
		return "held by " + u.Holder + via
	}
}
