package inventory

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// dmiRecord is one structure of a printed dump.
type dmiRecord struct {
	kind   int
	handle int    // -1 when not printed
	digest uint64 // of its lines
	// fields are the lines "Name: value"; the first of a name counts.
	fields map[string]string
	// items are the lines below a field that has no value.
	items map[string][]string
}

// dmiTitles are the structures by the title that stands above them, for dumps
// printed without handles (dmidecode -q).
var dmiTitles = map[string]int{
	"BIOS Information": smbiosFirmware, "System Information": smbiosSystem, "Base Board Information": smbiosBoard,
	"Chassis Information": smbiosChassis, "Processor Information": smbiosProcessor, "Port Connector Information": smbiosPort,
	"System Slot Information": smbiosSlot, "OEM Strings": smbiosOEMStrings, "Physical Memory Array": smbiosMemoryArray,
	"Memory Device": smbiosMemory, "Built-in Pointing Device": smbiosPointing, "Portable Battery": smbiosBattery,
	"Hardware Security": smbiosSecurity, "Onboard Device": smbiosOnBoardMore, "TPM Device": smbiosTPM,
}

// tablesFromText reads what dmidecode printed, of any version, whole or cut
// off. Of several dumps in one file the first that tells of a system is read.
func tablesFromText(b []byte) (firmwareTables, bool) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	d := newDMIDump()
	chosen, number, dumps, recognised := d, 1, 1, false
	for raw := range bytes.Lines(b) {
		line := strings.TrimRight(string(raw), "\r\n")
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "# dmidecode ") && len(d.seen) > 0 {
			d.end()
			d = newDMIDump()
			if dumps++; !chosen.seen[smbiosSystem] {
				chosen, number = d, dumps
			}
		}
		recognised = recognised || hasTextMark(strings.TrimLeft(line, " \t"))
		d.line(line)
	}
	d.end()
	// Without handles, titles of several kinds make a dump.
	seen := d.seen
	if !recognised && !(seen[smbiosSystem] && (seen[smbiosFirmware] || seen[smbiosBoard] || seen[smbiosChassis])) {
		return firmwareTables{}, false
	}
	t := chosen.tables
	if chosen.broken {
		t.notes = append(t.notes, "system: the dump is cut off or damaged; what could be read of it is shown")
	}
	if dumps > 1 {
		t.notes = append(t.notes, fmt.Sprintf("system: the file holds %d dumps; number %d is read", dumps, number))
	}
	return t, true
}

// dmiDump is one run of the program while it is read.
type dmiDump struct {
	tables firmwareTables
	seen   map[int]bool // the types of the structures that had anything in them
	again  repeats
	// broken is true when the program said that the table is damaged.
	broken bool
	// record is the one that is read, if open; depth is the indentation of its
	// fields, list the field whose items follow.
	record dmiRecord
	open   bool
	depth  int
	list   string
	// margin is the indentation of the whole, as in a quotation.
	margin int
	// handled is true between a line with a handle and the title below it.
	handled bool
}

func newDMIDump() *dmiDump {
	return &dmiDump{
		tables: firmwareTables{raw: map[string]string{}}, seen: map[int]bool{}, again: repeats{},
		record: dmiRecord{fields: map[string]string{}, items: map[string][]string{}},
	}
}

// line reads the next line.
func (d *dmiDump) line(line string) {
	trimmed := strings.TrimLeft(line, " \t")
	if strings.HasPrefix(trimmed, "Handle 0x") {
		d.margin = len(line) - len(trimmed)
	}
	line = line[min(d.margin, len(line)-len(trimmed)):]
	switch {
	case trimmed == "":
		d.end()
	case strings.HasPrefix(trimmed, "SMBIOS ") && strings.HasSuffix(trimmed, " present."):
		v := &d.tables.version
		if n, err := fmt.Sscanf(trimmed, "SMBIOS %d.%d", &v.major, &v.minor); err != nil || n != 2 {
			*v = smbiosVersion{}
		}
	case strings.HasPrefix(trimmed, "Wrong DMI structures"), trimmed == "<TRUNCATED>":
		d.broken = true
	case strings.HasPrefix(trimmed, "Handle 0x"):
		d.end()
		var handle, kind int
		if n, err := fmt.Sscanf(trimmed, "Handle 0x%x, DMI type %d", &handle, &kind); err == nil && n == 2 {
			d.begin(kind, handle)
			d.handled = true
		}
	case len(trimmed) == len(line): // a title
		kind, ok := dmiTitles[strings.TrimRight(line, " \t")]
		if !d.handled {
			d.end()
			if ok {
				d.begin(kind, -1)
			}
		}
		d.handled = false
	case d.open:
		d.handled = false
		d.field(line, trimmed)
	}
}

// begin starts a record.
func (d *dmiDump) begin(kind, handle int) {
	clear(d.record.fields)
	clear(d.record.items)
	d.record.kind, d.record.handle, d.record.digest = kind, handle, 0
	d.open, d.depth, d.list = true, 0, ""
}

// end takes the record that was open into the tables, unless it is one of
// those again.
func (d *dmiDump) end() {
	r := d.record
	if !d.open || len(r.fields) == 0 {
		d.open, d.handled = false, false
		return
	}
	d.open, d.handled = false, false
	if !d.again.seen(r.handle, r.kind, r.digest) {
		d.tables.read(r, !d.seen[r.kind])
		d.seen[r.kind] = true
	}
}

// field reads a line within a record: a field at the first depth, an item of
// the last field below it.
func (d *dmiDump) field(line, trimmed string) {
	r := &d.record
	for i := range len(line) { // FNV-1a
		r.digest = (r.digest ^ uint64(line[i])) * 1099511628211
	}
	depth := len(line) - len(trimmed)
	if d.depth == 0 {
		d.depth = depth
	}
	if depth > d.depth {
		if d.list != "" {
			r.items[d.list] = append(r.items[d.list], cleaned(trimmed))
		}
		return
	}
	// One version forgot the line ends of a TPM device.
	for part := range strings.SplitSeq(trimmed, "\t") {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		d.list = name
		if _, again := r.fields[name]; !again {
			r.fields[name] = cleaned(value)
		}
	}
}

// value is a field of the firmware's own words; empty where there is none or
// it was masked.
func (r dmiRecord) value(name string) string {
	switch v := r.fields[name]; v {
	case "Not Specified", "<BAD INDEX>", "<OUT OF SPEC>", "--":
		return ""
	default:
		return v
	}
}

// read adds one record; first is true for the first of its type.
func (t *firmwareTables) read(r dmiRecord, first bool) {
	switch r.kind {
	case smbiosFirmware:
		if first {
			t.readFirmware(r)
		}
	case smbiosSystem:
		if first {
			t.setAll(r, map[string]string{
				"sys_vendor": "Manufacturer", "product_name": "Product Name", "product_version": "Version", "product_serial": "Serial Number",
				"product_sku": "SKU Number", "product_family": "Family",
			})
			t.set("product_uuid", strings.ToLower(r.value("UUID")))
		}
	case smbiosBoard:
		if first {
			t.setAll(r, map[string]string{
				"board_vendor": "Manufacturer", "board_name": "Product Name", "board_version": "Version", "board_serial": "Serial Number",
				"board_asset_tag": "Asset Tag",
			})
		}
	case smbiosChassis:
		if first {
			if t.chassisType = chassisCode(r.fields["Type"]); t.chassisType != 0 {
				t.set("chassis_type", strconv.Itoa(t.chassisType))
			}
			t.setAll(r, map[string]string{
				"chassis_vendor": "Manufacturer", "chassis_version": "Version", "chassis_serial": "Serial Number", "chassis_asset_tag": "Asset Tag",
			})
		}
	case smbiosProcessor:
		if cpu, ok := r.cpu(); ok {
			t.processors = append(t.processors, cpu)
		}
	case smbiosPort:
		t.ports = append(t.ports, firmwarePort{
			r.value("External Reference Designator"), word(smbiosConnectors, r.fields["External Connector Type"]), word(smbiosPorts, r.fields["Port Type"]),
		})
	case smbiosSlot:
		t.slots = append(t.slots, r.slot())
	case smbiosOnBoard, smbiosOnBoardMore:
		if r.fields["Type"] == "Sound" {
			t.onBoard(7, r.fields["Status"] == "Enabled", r.value("Description")+r.value("Reference Designation"))
		}
	case smbiosOEMStrings:
		for i := 1; r.has(fmt.Sprintf("String %d", i)); i++ {
			t.oemStrings = append(t.oemStrings, r.value(fmt.Sprintf("String %d", i)))
		}
	case smbiosMemoryArray:
		n, _ := strconv.Atoi(r.fields["Number Of Devices"])
		t.arrays = append(t.arrays, memoryArray{
			handle: r.handle, system: r.fields["Use"] == "System Memory", maxBytes: dmiSize(r.fields["Maximum Capacity"]), devices: max(0, min(n, math.MaxUint16)),
		})
	case smbiosMemory:
		if device, ok := r.memory(); ok {
			t.memory = append(t.memory, device)
		}
	case smbiosPointing:
		if kind := word(smbiosPointers, r.fields["Type"]); kind != "" {
			t.pointing = append(t.pointing, kind)
		}
	case smbiosBattery:
		t.batteries = append(t.batteries, r.battery())
	case smbiosSecurity:
		if first {
			t.startPassword, t.setupPassword = statusState(r.fields["Power-On Password Status"]), statusState(r.fields["Administrator Password Status"])
		}
	case smbiosTPM:
		v, _, _ := strings.Cut(r.fields["Specification Version"], " ")
		if t.tpm == "" && v != "" && v[0] >= '1' && v[0] <= '9' {
			t.tpm = v
		}
	}
}

func (r dmiRecord) has(name string) bool {
	_, ok := r.fields[name]
	return ok
}

func (t *firmwareTables) setAll(r dmiRecord, names map[string]string) {
	for key, name := range names {
		t.set(key, r.value(name))
	}
}

// readFirmware reads what the firmware says of itself.
func (t *firmwareTables) readFirmware(r dmiRecord) {
	t.setAll(r, map[string]string{"bios_vendor": "Vendor", "bios_version": "Version", "bios_date": "Release Date"})
	for _, item := range r.items["Characteristics"] {
		t.uefi = t.uefi || item == "UEFI is supported"
		t.virtual = t.virtual || item == "System is a virtual machine"
	}
}

// chassisCode is the number of a chassis type; 0 when it is none of those.
func chassisCode(name string) int {
	switch name {
	case "Other":
		return 1
	case "Unknown":
		return 2
	}
	return smbiosChassisTypes.code(name)
}

// word is a word that the specification has for a field; empty for any other.
func word(names codeNames, s string) string {
	if names.code(s) == 0 {
		return ""
	}
	return s
}

// statusState is what a printed password status means; see [passwordState].
func statusState(status string) LockState {
	switch status {
	case "":
		return ""
	case "Disabled":
		return LockClear
	case "Enabled":
		return LockSet
	}
	return LockUnknown
}

// cpu reads a processor; see [smbiosCPU].
func (r dmiRecord) cpu() (firmwareCPU, bool) {
	if r.fields["Type"] != "Central Processor" || !strings.HasPrefix(r.fields["Status"], "Populated") {
		return firmwareCPU{}, false
	}
	count := func(name string) int {
		n, err := strconv.Atoi(r.fields[name])
		if err != nil || n < 0 || n > math.MaxUint16 {
			return 0
		}
		return n
	}
	c := firmwareCPU{CPU{Model: r.value("Version"), Vendor: r.value("Manufacturer"), Cores: count("Core Count"), Threads: count("Thread Count")}, r.value("Socket Designation")}
	// The signature in words is the program's reading of the same bytes, and
	// there only for processors whose family it knows.
	if id, err := hex.DecodeString(strings.ReplaceAll(r.fields["ID"], " ", "")); err == nil && len(id) == 8 {
		c.identify(binary.LittleEndian.Uint64(id))
	}
	return c, true
}

// slot reads a slot for a card. The width is printed before the type.
func (r dmiRecord) slot() firmwareSlot {
	s := firmwareSlot{name: r.value("Designation"), kind: r.fields["Type"], usage: word(smbiosUsages, r.fields["Current Usage"])}
	if width, kind, ok := strings.Cut(s.kind, " "); ok && smbiosWidths.code(width) != 0 {
		s.width, s.kind = width, kind
	}
	s.kind = word(smbiosSlots, s.kind)
	return s
}

// memory reads a memory device; see [smbiosDevice].
func (r dmiRecord) memory() (memoryDevice, bool) {
	switch r.fields["Type"] {
	case "ROM", "Flash", "EEPROM", "FEPROM", "EPROM":
		return memoryDevice{}, false
	}
	size := r.fields["Size"]
	d := memoryDevice{bank: r.value("Bank Locator"), form: word(smbiosForms, r.fields["Form Factor"]), populated: size != "No Module Installed" && size != ""}
	if _, err := fmt.Sscanf(r.fields["Array Handle"], "0x%x", &d.array); err != nil {
		d.array = -1
	}
	d.SizeBytes = dmiSize(size)
	if d.Type = word(smbiosMemoryTypes, r.fields["Type"]); d.Type == smbiosMemoryTypes.name(smbiosPersistent) {
		d.SizeBytes = dmiSize(r.fields["Volatile Size"])
		d.populated = d.SizeBytes > 0
	}
	speed, _, _ := strings.Cut(r.fields["Speed"], " ")
	if n, err := strconv.Atoi(speed); err == nil && n > 0 && n <= math.MaxInt32 {
		d.SpeedMTs = n
	}
	d.Slot, d.Manufacturer, d.Serial, d.PartNumber = r.value("Locator"), r.value("Manufacturer"), r.value("Serial Number"), r.value("Part Number")
	return d, true
}

// battery reads a battery.
func (r dmiRecord) battery() firmwareBattery {
	number := func(name, unit string) int64 {
		digits, ok := strings.CutSuffix(r.fields[name], " "+unit)
		n, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || n < 0 || n > math.MaxInt32 {
			return 0
		}
		return n
	}
	b := firmwareBattery{
		location: r.value("Location"), maker: r.value("Manufacturer"), name: r.value("Name"), serial: r.value("Serial Number"),
		chemistry: word(smbiosChemistries, r.fields["Chemistry"]), smartChemistry: r.value("SBDS Chemistry"),
		milliwattHours: number("Design Capacity", "mWh"), millivolts: number("Design Voltage", "mV"),
	}
	if b.serial == "" {
		b.serial = r.value("SBDS Serial Number")
	}
	return b
}

// dmiSize reads "8 GB", "8192 MB"; 0 for anything else.
func dmiSize(s string) int64 {
	digits, unit, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	shift, ok := map[string]uint{"bytes": 0, "kB": 10, "KB": 10, "MB": 20, "GB": 30, "TB": 40, "PB": 50}[unit]
	if err != nil || !ok || n < 0 || n > 1<<60>>shift {
		return 0
	}
	return n << shift
}
