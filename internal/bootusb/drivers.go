package bootusb

// driverRow is a group of kernel modules that a stick has, and what for.
type driverRow struct {
	purpose string
	// paths are patterns (path.Match) below the kernel's folder of modules,
	// without the ending .ko. A * stays within one folder.
	paths []string
	// required: a kernel that has none of what one of the paths says, neither
	// as a module nor built in, makes no stick that works.
	required bool
	// firmware: taken only if a package with its firmware files was given.
	firmware bool
}

// drivers is what a stick has drivers for. A module that one of these needs
// comes along. Which exist differs by kernel, so a pattern that finds nothing
// is no mistake unless the row is required.
//
// No network card is in it, and no sound, camera or optical drive: a stick
// opens no port and reads no other medium.
var drivers = []driverRow{
	{purpose: "drives: the layer they all go through", required: true, paths: []string{
		"drivers/scsi/sd_mod", "drivers/scsi/sg",
	}},
	{purpose: "NVMe, also behind Intel's Volume Management Device", required: true, paths: []string{
		"drivers/nvme/host/nvme", "drivers/pci/controller/vmd",
	}},
	{purpose: "SATA and PATA", required: true, paths: []string{"drivers/ata/ahci"}},
	{purpose: "SATA and PATA of all makes", paths: []string{
		"drivers/ata/acard-ahci", "drivers/ata/ata_generic", "drivers/ata/ata_piix",
		"drivers/ata/pata_*", "drivers/ata/pdc_adma", "drivers/ata/sata_*",
	}},
	{purpose: "RAID controllers and SAS adapters", paths: []string{
		"drivers/scsi/megaraid/*", "drivers/scsi/smartpqi/smartpqi", "drivers/scsi/hpsa", "drivers/block/cciss",
		"drivers/scsi/mpt3sas/mpt3sas", "drivers/scsi/mpi3mr/mpi3mr", "drivers/message/fusion/mptsas", "drivers/message/fusion/mptspi",
		"drivers/scsi/aacraid/aacraid", "drivers/scsi/arcmsr/arcmsr", "drivers/scsi/3w-9xxx", "drivers/scsi/3w-sas",
		"drivers/scsi/isci/isci", "drivers/scsi/mvsas/mvsas", "drivers/scsi/mvumi", "drivers/scsi/pm8001/pm80xx",
		"drivers/scsi/hptiop", "drivers/scsi/stex", "drivers/scsi/esas2r/esas2r",
		"drivers/scsi/aic7xxx/aic79xx", "drivers/scsi/sym53c8xx_2/sym53c8xx", "drivers/block/mtip32xx/mtip32xx",
	}},
	{purpose: "SAS adapters that need firmware", firmware: true, paths: []string{"drivers/scsi/aic94xx/aic94xx"}},
	{purpose: "eMMC, SD cards and UFS", paths: []string{
		"drivers/mmc/core/mmc_block", "drivers/mmc/host/sdhci-pci", "drivers/mmc/host/sdhci-acpi",
		"drivers/mmc/host/rtsx_pci_sdmmc", "drivers/mmc/host/rtsx_usb_sdmmc", "drivers/misc/cardreader/rtsx_*",
		"drivers/ufs/host/ufshcd-pci", "drivers/scsi/ufs/ufshcd-pci",
	}},
	{purpose: "drives of virtual machines", paths: []string{
		"drivers/block/virtio_blk", "drivers/scsi/virtio_scsi", "drivers/virtio/virtio_pci", "drivers/virtio/virtio_input",
	}},
	{purpose: "USB, and drives on it", required: true, paths: []string{
		"drivers/usb/host/xhci-pci", "drivers/usb/host/ehci-pci", "drivers/usb/storage/usb-storage", "drivers/usb/storage/uas",
	}},
	{purpose: "older and newer USB hosts", paths: []string{
		"drivers/usb/host/ohci-pci", "drivers/usb/host/uhci-hcd", "drivers/usb/roles/*",
	}},
	{purpose: "USB hosts that need firmware", firmware: true, paths: []string{"drivers/usb/host/xhci-pci-renesas"}},
	{purpose: "keyboards, pointers and scanners", required: true, paths: []string{
		"drivers/hid/hid-generic", "drivers/hid/usbhid/usbhid", "drivers/input/evdev",
		"drivers/input/serio/i8042", "drivers/input/keyboard/atkbd",
	}},
	{purpose: "keyboards and pointers with ways of their own", paths: []string{
		"drivers/hid/hid-multitouch", "drivers/hid/hid-alps", "drivers/hid/hid-apple", "drivers/hid/hid-asus", "drivers/hid/hid-a4tech",
		"drivers/hid/hid-belkin", "drivers/hid/hid-cherry", "drivers/hid/hid-chicony", "drivers/hid/hid-cypress",
		"drivers/hid/hid-elan", "drivers/hid/hid-elecom", "drivers/hid/hid-ezkey", "drivers/hid/hid-gembird", "drivers/hid/hid-glorious",
		"drivers/hid/hid-google-hammer", "drivers/hid/hid-gyration", "drivers/hid/hid-holtek-kbd", "drivers/hid/hid-holtek-mouse",
		"drivers/hid/hid-ite", "drivers/hid/hid-kensington", "drivers/hid/hid-keytouch", "drivers/hid/hid-lenovo",
		"drivers/hid/hid-logitech", "drivers/hid/hid-logitech-dj", "drivers/hid/hid-logitech-hidpp",
		"drivers/hid/hid-macally", "drivers/hid/hid-magicmouse", "drivers/hid/hid-microsoft", "drivers/hid/hid-monterey",
		"drivers/hid/hid-ortek", "drivers/hid/hid-primax", "drivers/hid/hid-redragon", "drivers/hid/hid-rmi",
		"drivers/hid/hid-saitek", "drivers/hid/hid-samsung", "drivers/hid/hid-semitek", "drivers/hid/hid-sunplus",
		"drivers/hid/hid-topseed", "drivers/hid/hid-vivaldi", "drivers/hid/surface-hid/*", "drivers/platform/surface/aggregator/*",
		"drivers/platform/surface/surface_aggregator_registry", "drivers/platform/surface/surface_aggregator_hub",
		"drivers/input/mouse/psmouse", "drivers/input/mouse/elan_i2c", "drivers/input/mouse/appletouch", "drivers/input/mouse/bcm5974",
		"drivers/input/mouse/cyapatp", "drivers/input/touchscreen/atmel_mxt_ts",
		"drivers/input/rmi4/*", "drivers/input/keyboard/applespi", "drivers/input/keyboard/cros_ec_keyb",
	}},
	{purpose: "the buses that keyboards and pointers of laptops are on", paths: []string{
		"drivers/hid/i2c-hid/i2c-hid-acpi", "drivers/mfd/intel-lpss-pci", "drivers/mfd/intel-lpss-acpi",
		"drivers/i2c/busses/i2c-designware-*", "drivers/i2c/busses/i2c-i801", "drivers/i2c/busses/i2c-piix4", "drivers/i2c/busses/i2c-amd-mp2-*",
		"drivers/spi/spi-pxa2xx-*", "drivers/dma/idma64", "drivers/dma/dw/*",
		"drivers/pinctrl/intel/*", "drivers/pinctrl/pinctrl-amd", "drivers/platform/chrome/cros_ec_lpcs",
	}},
	{purpose: "a screen without a driver of its own", paths: []string{
		"drivers/gpu/drm/tiny/simpledrm", "drivers/gpu/drm/sysfb/*", "drivers/firmware/sysfb",
	}},
	{purpose: "graphics cards that need firmware", firmware: true, paths: []string{
		"drivers/gpu/drm/i915/i915", "drivers/gpu/drm/xe/xe", "drivers/gpu/drm/amd/amdgpu/amdgpu", "drivers/gpu/drm/radeon/radeon", "drivers/gpu/drm/nouveau/nouveau",
	}},
	{purpose: "the stick's own partitions", required: true, paths: []string{
		"fs/fat/vfat", "fs/nls/nls_cp437", "fs/nls/nls_ascii", "fs/nls/nls_iso8859-1", "fs/nls/nls_utf8",
	}},
	{purpose: "what the firmware says of itself", paths: []string{
		"fs/efivarfs/efivarfs", "drivers/char/tpm/tpm_*", "drivers/firmware/dmi-sysfs",
	}},
	{purpose: "temperatures", paths: []string{
		"drivers/hwmon/drivetemp", "drivers/hwmon/coretemp", "drivers/hwmon/k10temp",
		"drivers/thermal/intel/x86_pkg_temp_thermal", "drivers/acpi/thermal", "drivers/acpi/fan",
	}},
	{purpose: "battery, mains, lid, backlight, clock and beeper", paths: []string{
		"drivers/acpi/ac", "drivers/acpi/battery", "drivers/acpi/sbs", "drivers/acpi/button", "drivers/acpi/video",
		"drivers/rtc/rtc-cmos", "drivers/input/misc/pcspkr",
	}},
	{purpose: "serial ports", paths: []string{
		"drivers/tty/serial/8250/8250", "drivers/tty/serial/8250/8250_pci", "drivers/tty/serial/8250/8250_lpss", "drivers/tty/serial/8250/8250_exar",
	}},
}

// leftOut are modules that the patterns above would take and that would do
// harm: pata_legacy pokes at ports where no controller has been seen, pcmcia
// brings a bus of its own, and the others belong to machines that are none of
// ours or to tests.
var leftOut = []string{
	"drivers/ata/pata_legacy", "drivers/ata/pata_pcmcia", "drivers/char/tpm/tpm_vtpm_proxy",
}

// neverFrom are the folders of modules that nothing may be taken from, whatever
// needs it: that a stick has no network is not left to the table.
var neverFrom = []string{
	"net/", "drivers/net/", "drivers/infiniband/", "drivers/bluetooth/", "drivers/target/", "drivers/nvme/target/",
	"drivers/media/", "drivers/staging/", "sound/", "samples/",
}

// butFrom are the beginnings of paths below those that graphics cards' drivers need something
// of: control of a screen over its cable.
var butFrom = []string{"drivers/media/cec/", "drivers/media/rc/rc-core"}
