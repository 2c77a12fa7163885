package inventory

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Segments of sysfs paths that name the wire a SCSI disk hangs on.
var (
	ataPort    = regexp.MustCompile(`/ata\d+/`)
	usbBus     = regexp.MustCompile(`/usb\d+/`)
	fabricPort = regexp.MustCompile(`/(session\d+|rport-[0-9:-]+|port-\d+:\d+/target[0-9:]+)/`)
	virtioDisk = regexp.MustCompile(`/virtio\d+/block/`)
	sasDevice  = regexp.MustCompile(`/end_device-[0-9:]+/`)
	mmcArea    = regexp.MustCompile(`^(mmcblk\d+)(boot|gp)\d+$`)
	notADrive  = regexp.MustCompile(`^(ram|zram|loop|dm-|md|bcache|zd|mtdblock|ubiblock|sr|scd|fd)\d*`)
	netBlock   = regexp.MustCompile(`^(nbd|rbd|drbd)\d+`)
)

// scsiOptical is the peripheral device type of CD and DVD drives (SPC-5, 6.6.2).
const scsiOptical = "5"

// reader reads the facts of drives and collects what a person should be told
// about the reading.
type reader struct {
	*blocks
	notes []string
	// read are the facts that have been read: with many drives each is
	// asked for again and again, and it is to be one look.
	read map[*block]Drive
}

// note adds a note unless it has been made.
func (r *reader) note(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// tidy cleans a text from a device and notes when it had to be cut.
func (r *reader) tidy(of *block, s string) string {
	text, cut := clean(s)
	if cut {
		r.note(of.node + ": a text longer than 256 characters was cut")
	}
	return text
}

// facts gives what a block device is; who uses it is found elsewhere. The
// caller may change what it is given.
func (r *reader) facts(b *block) Drive {
	d, ok := r.read[b]
	if !ok {
		if r.read == nil {
			r.read = map[*block]Drive{}
		}
		d = r.readFacts(b)
		r.read[b] = d
	}
	d.Siblings, d.Uses = slices.Clone(d.Siblings), []Use{}
	return d
}

func (r *reader) readFacts(b *block) Drive {
	whole := b
	if b.whole != nil {
		whole = b.whole
	}
	d := Drive{
		Path: b.node, Name: b.name, DeviceNumber: b.number,
		Bus: r.bus(whole), Media: MediaUnknown,
		CapacityBytes:      max(0, r.number(b.dir, "size")) * 512,
		LogicalBlockBytes:  int(max(0, r.number(whole.dir, "queue", "logical_block_size"))),
		PhysicalBlockBytes: int(max(0, r.number(whole.dir, "queue", "physical_block_size"))),
		Removable:          r.number(whole.dir, "removable") == 1,
		ReadOnly:           r.number(b.dir, "ro") == 1 || r.number(whole.dir, "ro") == 1,
	}
	if d.LogicalBlockBytes == 0 {
		d.LogicalBlockBytes = 512
	}
	if d.PhysicalBlockBytes == 0 {
		d.PhysicalBlockBytes = d.LogicalBlockBytes
	}
	if b.whole != nil {
		d.PartitionOf = whole.node
	} else if m := mmcArea.FindStringSubmatch(b.name); m != nil && r.byName[m[1]] != nil {
		d.PartitionOf = r.byName[m[1]].node
	}
	switch r.linkBase(whole.dir, "device", "subsystem") {
	case "scsi":
		r.scsi(whole, &d)
	case "nvme", "nvme-subsystem":
		r.nvme(whole, &d)
	case "mmc":
		r.mmc(whole, &d)
	default:
		r.plain(whole, &d)
	}
	d.TemperatureCelsius = r.temperature(whole)
	d.Siblings = r.siblings(whole)
	return d
}

// bus tells by the place in sysfs how a whole device is attached.
func (r *reader) bus(b *block) Bus {
	within := b.dir + "/"
	switch {
	case strings.HasPrefix(b.name, "loop"):
		return BusLoop
	case netBlock.MatchString(b.name):
		return BusFabric
	case strings.HasPrefix(b.name, "nvme"):
		return r.nvmeBus(b)
	case strings.HasPrefix(b.name, "mmcblk"):
		return BusMMC
	case strings.Contains(within, "/devices/virtual/"):
		return BusVirtual
	case usbBus.MatchString(within):
		return BusUSB
	case fabricPort.MatchString(within):
		return BusFabric
	}
	if virtioDisk.MatchString(within) {
		return BusVirtio
	}
	if r.linkBase(b.dir, "device", "subsystem") == "scsi" {
		switch {
		case r.raidVolume(b):
			return BusVirtual
		case ataPort.MatchString(within), cleaned(r.text(b.dir, "device", "vendor")) == "ATA":
			return BusATA
		case sasDevice.MatchString(within):
			return BusSAS
		default:
			return BusSCSI
		}
	}
	if ataPort.MatchString(within) {
		return BusATA
	}
	return BusUnknown
}

// raidVolume reports whether a SCSI disk is a volume that a RAID controller
// made of drives it does not show: overwriting it would say nothing about any
// one drive.
func (r *reader) raidVolume(b *block) bool {
	if level := cleaned(r.text(b.dir, "device", "raid_level")); level != "" && level != "N/A" {
		return true // hpsa, smartpqi
	}
	address := strings.Split(path.Base(r.dir(b.dir, "device")), ":")
	if len(address) != 4 {
		return false
	}
	switch cleaned(r.text("/sys/class/scsi_host", "host"+address[0], "proc_name")) {
	case "megaraid_sas":
		// Channels 0 and 1 are drives that are passed through, from 2 on volumes.
		channel, err := strconv.Atoi(address[1])
		return err == nil && channel >= 2
	case "aacraid":
		return address[1] == "0" // the container channel
	}
	return false
}

// nvmeBus tells local drives from those that are reached over a network.
func (r *reader) nvmeBus(b *block) Bus {
	for _, dir := range r.nvmeControllers(b) {
		switch transport := cleaned(r.text(dir, "transport")); transport {
		case "pcie", "apple-nvme":
		case "":
			if strings.Contains(dir, "/nvme-fabrics/") {
				return BusFabric
			}
		default:
			return BusFabric
		}
	}
	return BusNVMe
}

// nvmeControllers are the sysfs directories of the controllers a namespace is
// reached through: more than one, below a subsystem, with multipath.
func (r *reader) nvmeControllers(b *block) []string {
	parent := r.dir(b.dir, "device")
	if parent == "" {
		parent = path.Dir(b.dir)
	}
	var controllers []string
	for _, name := range r.names(parent) {
		if rest, ok := strings.CutPrefix(name, "nvme"); ok && isDigits(rest) {
			controllers = append(controllers, r.dir(parent, name))
		}
	}
	if controllers == nil {
		return []string{parent}
	}
	return controllers
}

func (r *reader) nvme(b *block, d *Drive) {
	d.Media = MediaFlash
	d.Model = r.tidy(b, r.text(b.dir, "device", "model"))
	d.Serial = r.serial(b, r.text(b.dir, "device", "serial"))
	d.Firmware = r.tidy(b, r.text(b.dir, "device", "firmware_rev"))
	d.Manufacturer = makerOf(d.Model)
	d.WWN = wwnFrom(r.text(b.dir, "wwid"))
	if d.WWN == "" {
		for _, attr := range []string{"nguid", "eui"} {
			digits := strings.NewReplacer("-", "", " ", "").Replace(r.text(b.dir, attr))
			if d.WWN = wwnFrom("eui." + digits); d.WWN != "" {
				break
			}
		}
	}
}

func (r *reader) mmc(b *block, d *Drive) {
	d.Media = MediaFlash
	isSD := cleaned(r.text(b.dir, "device", "type")) == "SD"
	d.Removable = d.Removable || isSD
	if c, ok := parseCID(r.text(b.dir, "device", "cid"), isSD); ok {
		d.Manufacturer, d.Model, d.Serial = c.manufacturer, r.tidy(b, c.name), r.serial(b, c.serial)
	}
	if name := r.tidy(b, r.text(b.dir, "device", "name")); name != "" {
		d.Model = name
	}
	if serial := r.serial(b, r.text(b.dir, "device", "serial")); serial != "" {
		d.Serial = serial
	}
	d.Firmware = r.tidy(b, r.text(b.dir, "device", "fwrev"))
}

func (r *reader) scsi(b *block, d *Drive) {
	device := path.Join(b.dir, "device")
	page := func(name string) []byte {
		data, _ := r.head(path.Join(device, name), 64<<10)
		return data
	}
	vendor, model, revision := r.text(device, "vendor"), r.text(device, "model"), r.text(device, "rev")
	if q, ok := parseInquiry(page("inquiry")); ok {
		vendor, model, revision = either(vendor, q.vendor), either(model, q.model), either(revision, q.revision)
	}
	d.Manufacturer, d.Model, d.Firmware = r.tidy(b, vendor), r.tidy(b, model), r.tidy(b, revision)
	if serial, ok := parseVPD80(page("vpd_pg80")); ok {
		d.Serial = r.serial(b, serial)
	}
	names, _ := parseVPD83(page("vpd_pg83"))
	d.WWN = wwnFrom(either(wwnFrom(r.text(device, "wwid")), names.wwn))

	// The translation layer cuts the model at 16 characters and the firmware
	// at 4; behind it is the drive's own word.
	ata, isATA := parseVPD89(page("vpd_pg89"))
	if isATA {
		d.Model, d.Firmware = r.tidy(b, ata.model), r.tidy(b, ata.firmware)
		d.Serial = either(r.serial(b, ata.serial), d.Serial)
		d.WWN = either(wwnFrom(ata.wwn), d.WWN)
	} else if cleaned(names.ataModel) != "" {
		d.Model, isATA = r.tidy(b, names.ataModel), true
		d.Serial = either(d.Serial, r.serial(b, names.ataSerial))
	}
	if isATA || d.Manufacturer == "ATA" {
		d.Manufacturer = makerOf(d.Model)
	}
	if d.Serial == "" {
		d.Serial = r.serial(b, r.text(device, "serial"))
	}
	if d.Bus == BusUSB {
		r.usb(b, d)
	}

	rotation, stated := ata.rotation, ata.rotation != 0
	if !stated {
		rotation, stated = parseVPDB1(page("vpd_pgb1"))
	}
	spins := r.number(b.dir, "queue", "rotational")
	d.Discards = r.number(b.dir, "queue", "discard_max_hw_bytes") > 0
	switch {
	case strings.TrimSpace(r.text(device, "type")) == scsiOptical:
		d.Media = MediaOptical
	case spins == 0 || stated && rotation == 1:
		d.Media = MediaFlash
	case stated && rotation > 0x400 && rotation < 0xffff:
		d.Media = MediaMagnetic
	case spins == 1 && !stated && (d.Bus == BusATA || d.Bus == BusSAS):
		// The kernel asked and was told no "does not rotate". Elsewhere
		// rotating is only what it assumes.
		d.Media = MediaMagnetic
	}
}

// usb fills what a bridge did not say with what the USB device says. Its
// serial may be the bridge's; a counting sequence is no serial.
func (r *reader) usb(b *block, d *Drive) {
	dir := r.above(b.dir, "idVendor")
	if dir == "" {
		return
	}
	d.Manufacturer = either(d.Manufacturer, r.tidy(b, r.text(dir, "manufacturer")))
	d.Model = either(d.Model, r.tidy(b, r.text(dir, "product")))
	if d.Model == "" {
		d.Model = "USB " + cleaned(r.text(dir, "idVendor")) + ":" + cleaned(r.text(dir, "idProduct"))
	}
	if serial := r.serial(b, r.text(dir, "serial")); d.Serial == "" && !isPlaceholder(serial) {
		d.Serial = serial
	}
}

// plain reads what has no protocol we know: virtio, Xen, pmem, loop, virtual.
func (r *reader) plain(b *block, d *Drive) {
	switch d.Bus {
	case BusLoop:
		if b.backingNode != nil && b.backingNode.block == "" {
			d.Media = MediaImage
		}
	case BusVirtio:
		// What a hypervisor says about rotation is not about its media.
		d.Serial = r.serial(b, r.text(b.dir, "serial"))
	default:
		d.Model = r.tidy(b, r.text(b.dir, "device", "model"))
		d.Serial = r.serial(b, r.text(b.dir, "device", "serial"))
	}
	if strings.HasPrefix(b.name, "sr") {
		d.Media = MediaOptical
	}
}

// serial cleans a serial number. One that consists of zeros is none.
func (r *reader) serial(b *block, s string) string {
	s = r.tidy(b, s)
	if strings.Trim(s, "0 ") == "" {
		return ""
	}
	return s
}

func either(a, b string) string {
	if cleaned(a) != "" {
		return a
	}
	return b
}

// temperature reads the sensor that the kernel attaches to a drive; nil when
// there is none or it tells nonsense.
func (r *reader) temperature(b *block) *int {
	dirs := []string{path.Join(b.dir, "device")}
	if strings.HasPrefix(b.name, "nvme") {
		dirs = nil
		for _, c := range r.nvmeControllers(b) {
			dirs = append(dirs, c, path.Join(c, "device"))
		}
	}
	for _, dir := range dirs {
		for _, parent := range []string{dir, path.Join(dir, "hwmon")} {
			for _, name := range r.names(parent) {
				if rest, ok := strings.CutPrefix(name, "hwmon"); !ok || !isDigits(rest) {
					continue
				}
				milli, err := strconv.Atoi(strings.TrimSpace(r.text(parent, name, "temp1_input")))
				if err == nil && milli > -60_000 && milli < 150_000 {
					celsius := (milli+150_500)/1000 - 150
					return &celsius
				}
			}
		}
	}
	return nil
}

// siblings are the other namespaces of an NVMe controller, the other logical
// units of a SCSI target, and the boot areas of an eMMC.
func (r *reader) siblings(b *block) []string {
	group := r.siblingGroup(b)
	if group == "" {
		return nil
	}
	var paths []string
	for _, other := range r.all {
		if other != b && other.whole == nil && r.siblingGroup(other) == group && r.number(other.dir, "size") > 0 {
			paths = append(paths, other.node)
		}
	}
	return paths
}

// siblingGroup is equal for devices behind one controller or target.
func (r *reader) siblingGroup(b *block) string {
	device := r.dir(b.dir, "device")
	switch r.linkBase(b.dir, "device", "subsystem") {
	case "nvme", "nvme-subsystem", "mmc":
		return device
	case "scsi":
		// host:channel:target:lun
		if at := strings.LastIndexByte(device, ':'); at > 0 {
			return device[:at]
		}
	}
	if m := mmcArea.FindStringSubmatch(b.name); m != nil && r.byName[m[1]] != nil {
		return r.dir(r.byName[m[1]].dir, "device")
	}
	return ""
}

// isDrive reports whether a whole block device is a drive of this machine: no
// loop, RAM or assembled device, no optical or floppy drive, no empty card
// slot, no boot area of an eMMC. A fixed drive without capacity is one, for it
// is broken, not absent; so is a RAID controller's volume, which stands for
// drives that cannot be seen.
func isDrive(d Drive) bool {
	switch {
	case d.PartitionOf != "", notADrive.MatchString(d.Name), mmcArea.MatchString(d.Name), d.Media == MediaOptical:
		return false
	case d.CapacityBytes == 0:
		return !d.Removable && d.Bus != BusFabric && d.Bus != BusVirtual
	case d.Bus == BusVirtual:
		return strings.HasPrefix(d.Name, "sd")
	}
	return true
}
