package inventory

import (
	"encoding/hex"
	"strings"
)

// codeNames are the names of the codes of one field, from number from on; the
// words are those of DSP0134 3.7.0.
type codeNames []codeRange

type codeRange struct {
	from  int
	names []string
}

// name is empty for a code that has none, and for "other" and "unknown".
func (c codeNames) name(code int) string {
	for _, r := range c {
		if code >= r.from && code < r.from+len(r.names) {
			return r.names[code-r.from]
		}
	}
	return ""
}

// code is the first code of a name; 0 when it is none of them.
func (c codeNames) code(name string) int {
	for _, r := range c {
		for i, n := range r.names {
			if n != "" && n == name {
				return r.from + i
			}
		}
	}
	return 0
}

// The fields, by table of DSP0134 3.7.0.
var (
	// Table 17, chassis types.
	smbiosChassisTypes = codeNames{{3, []string{
		"Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable", "Laptop", "Notebook", "Hand Held", "Docking Station",
		"All In One", "Sub Notebook", "Space-saving", "Lunch Box", "Main Server Chassis", "Expansion Chassis", "Sub Chassis", "Bus Expansion Chassis",
		"Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA", "Blade",
		"Blade Enclosing", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC",
	}}}
	// Table 40, connector types.
	smbiosConnectors = codeNames{{1, []string{
		"Centronics", "Mini Centronics", "Proprietary", "DB-25 male", "DB-25 female", "DB-15 male", "DB-15 female", "DB-9 male", "DB-9 female",
		"RJ-11", "RJ-45", "50 Pin MiniSCSI", "Mini DIN", "Micro DIN", "PS/2", "Infrared", "HP-HIL", "Access Bus (USB)", "SSA SCSI",
		"Circular DIN-8 male", "Circular DIN-8 female", "On Board IDE", "On Board Floppy", "9 Pin Dual Inline (pin 10 cut)",
		"25 Pin Dual Inline (pin 26 cut)", "50 Pin Dual Inline", "68 Pin Dual Inline", "On Board Sound Input From CD-ROM",
		"Mini Centronics Type-14", "Mini Centronics Type-26", "Mini Jack (headphones)", "BNC", "IEEE 1394", "SAS/SATA Plug Receptacle",
		"USB Type-C Receptacle",
	}}, {0xa0, []string{"PC-98", "PC-98 Hireso", "PC-H98", "PC-98 Note", "PC-98 Full"}}}
	// Table 41, port types.
	smbiosPorts = codeNames{{1, []string{
		"Parallel Port XT/AT Compatible", "Parallel Port PS/2", "Parallel Port ECP", "Parallel Port EPP", "Parallel Port ECP/EPP",
		"Serial Port XT/AT Compatible", "Serial Port 16450 Compatible", "Serial Port 16550 Compatible", "Serial Port 16550A Compatible",
		"SCSI Port", "MIDI Port", "Joystick Port", "Keyboard Port", "Mouse Port", "SSA SCSI", "USB", "Firewire (IEEE P1394)", "PCMCIA Type I",
		"PCMCIA Type II", "PCMCIA Type III", "Cardbus", "Access Bus Port", "SCSI II", "SCSI Wide", "PC-98", "PC-98 Hireso", "PC-H98", "Video Port",
		"Audio Port", "Modem Port", "Network Port", "SATA", "SAS", "MFDP (Multi-Function Display Port)", "Thunderbolt",
	}}, {0xa0, []string{"8251 Compatible", "8251 FIFO Compatible"}}}
	// Table 46, slot types.
	smbiosSlots = codeNames{{3, []string{
		"ISA", "MCA", "EISA", "PCI", "PC Card (PCMCIA)", "VLB", "Proprietary", "Processor Card", "Proprietary Memory Card", "I/O Riser Card",
		"NuBus", "PCI-66", "AGP", "AGP 2x", "AGP 4x", "PCI-X", "AGP 8x", "M.2 Socket 1-DP", "M.2 Socket 1-SD", "M.2 Socket 2", "M.2 Socket 3",
		"MXM Type I", "MXM Type II", "MXM Type III", "MXM Type III-HE", "MXM Type IV", "MXM 3.0 Type A", "MXM 3.0 Type B",
		"PCI Express 2 SFF-8639 (U.2)", "PCI Express 3 SFF-8639 (U.2)", "PCI Express Mini 52-pin with bottom-side keep-outs",
		"PCI Express Mini 52-pin without bottom-side keep-outs", "PCI Express Mini 76-pin", "PCI Express 4 SFF-8639 (U.2)",
		"PCI Express 5 SFF-8639 (U.2)", "OCP NIC 3.0 Small Form Factor (SFF)", "OCP NIC 3.0 Large Form Factor (LFF)", "OCP NIC Prior to 3.0",
	}}, {0x30, []string{"CXL Flexbus 1.0"}}, {0xa0, []string{
		"PC-98/C20", "PC-98/C24", "PC-98/E", "PC-98/Local Bus", "PC-98/Card",
		"PCI Express", "PCI Express x1", "PCI Express x2", "PCI Express x4", "PCI Express x8", "PCI Express x16",
		"PCI Express 2", "PCI Express 2 x1", "PCI Express 2 x2", "PCI Express 2 x4", "PCI Express 2 x8", "PCI Express 2 x16",
		"PCI Express 3", "PCI Express 3 x1", "PCI Express 3 x2", "PCI Express 3 x4", "PCI Express 3 x8", "PCI Express 3 x16",
	}}, {0xb8, []string{
		"PCI Express 4", "PCI Express 4 x1", "PCI Express 4 x2", "PCI Express 4 x4", "PCI Express 4 x8", "PCI Express 4 x16",
		"PCI Express 5", "PCI Express 5 x1", "PCI Express 5 x2", "PCI Express 5 x4", "PCI Express 5 x8", "PCI Express 5 x16",
		"PCI Express 6+", "EDSFF E1", "EDSFF E3",
	}}}
	// Table 47, widths of a slot.
	smbiosWidths = codeNames{{3, []string{"8-bit", "16-bit", "32-bit", "64-bit", "128-bit", "x1", "x2", "x4", "x8", "x12", "x16", "x32"}}}
	// Table 48, use of a slot.
	smbiosUsages = codeNames{{3, []string{"Available", "In Use"}}}
	// Table 76, form factors of memory.
	smbiosForms = codeNames{{3, []string{
		"SIMM", "SIP", "Chip", "DIP", "ZIP", "Proprietary Card", "DIMM", "TSOP", "Row Of Chips", "RIMM", "SODIMM", "SRIMM", "FB-DIMM", "Die", "CAMM",
	}}}
	// Table 78, types of memory.
	smbiosMemoryTypes = codeNames{
		{0x03, []string{"DRAM"}}, {0x0f, []string{"SDRAM"}}, {0x11, []string{"RDRAM", "DDR", "DDR2", "DDR2 FB-DIMM"}},
		{0x18, []string{"DDR3"}},
		{0x1a, []string{"DDR4", "LPDDR", "LPDDR2", "LPDDR3", "LPDDR4", "Logical non-volatile device", "HBM", "HBM2", "DDR5", "LPDDR5", "HBM3"}},
	}
	// Table 94, pointing devices.
	smbiosPointers = codeNames{{3, []string{"Mouse", "Track Ball", "Track Point", "Glide Point", "Touch Pad", "Touch Screen", "Optical Sensor"}}}
	// Table 96, chemistries of a battery.
	smbiosChemistries = codeNames{{3, []string{"Lead Acid", "Nickel Cadmium", "Nickel Metal Hydride", "Lithium Ion", "Zinc Air", "Lithium Polymer"}}}
)

// memoryMakers are makers of memory by bank and code of JEDEC's list (JEP106).
var memoryMakers = map[[2]byte]string{
	{1, 0x2c}: "Micron", {1, 0xad}: "SK Hynix", {1, 0xc1}: "Infineon", {1, 0xce}: "Samsung",
	{2, 0x4f}: "Transcend", {2, 0x7a}: "Apacer", {2, 0x98}: "Kingston",
	{3, 0x9e}: "Corsair", {3, 0xfe}: "Elpida", {4, 0x0b}: "Nanya",
	{5, 0x43}: "Ramaxel", {5, 0xcb}: "ADATA", {5, 0xcd}: "G.Skill", {5, 0xef}: "Team Group",
	{6, 0x02}: "Patriot", {6, 0x51}: "Qimonda", {6, 0x9b}: "Crucial",
}

// moduleMaker is the maker of a memory module. Some firmware gives JEDEC's code
// for it, in hex: a number of continuations and the code ("80CE", "0x859B",
// "80AD000080AD", with or without parity), or the bytes as they are on the
// module ("7F7F9E0000000000", "AD00000000000000"). One that is not on our list
// stays as it is.
func moduleMaker(s string) string {
	code, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(s), "0x"))
	if err != nil || len(code) < 2 {
		return s
	}
	bank := byte(1)
	switch n := len(code); {
	case n == 8: // as on the module
		for len(code) > 1 && code[0] == 0x7f {
			bank, code = bank+1, code[1:]
		}
	case code[0]&0x7f < 0x10:
		bank, code = bank+code[0]&0x7f, code[1:]
	}
	if name := memoryMakers[[2]byte{bank, code[0]}]; name != "" {
		return name
	}
	return s
}
