package inventory

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// firmwareTables is what the firmware of a machine tells of it by SMBIOS, in
// the words and numbers of the firmware. Two readers fill it, one of the tables
// themselves and one of a printed dump; what placeholders, doubled entries and
// the names of makers mean is settled once, in [firmwareTables.fill].
type firmwareTables struct {
	// raw is keyed by the names of /sys/class/dmi/id.
	raw map[string]string
	// version is of the specification; zero when not known.
	version     smbiosVersion
	chassisType int // 0 when absent
	processors  []firmwareCPU
	memory      []memoryDevice
	arrays      []memoryArray
	slots       []firmwareSlot
	ports       []firmwarePort
	oemStrings  []string
	batteries   []firmwareBattery
	sound       []string
	pointing    []string
	// startPassword and setupPassword are LockSet, LockClear, LockUnknown, or
	// empty when the firmware has no table of them.
	startPassword, setupPassword LockState
	tpm                          string // "2.0"; empty when not told
	// uefi and virtual are told by the firmware's characteristics; false says
	// nothing, since much firmware leaves the bits alone.
	uefi, virtual bool
	notes         []string
}

// firmwareCPU is a processor and the socket it sits in.
type firmwareCPU struct {
	CPU
	socket string
}

// memoryDevice is a place for memory, populated or not (SMBIOS type 17).
type memoryDevice struct {
	MemoryModule
	populated bool
	// array is the handle of the array it belongs to, bank its second name.
	array int
	bank  string
	// form is the form factor in the words of DSP0134 3.7.0, table 76.
	form string
}

// memoryArray is what a set of memory devices is for (SMBIOS type 16).
type memoryArray struct {
	handle   int
	system   bool // system memory, and no cache, flash or video memory
	maxBytes int64
	devices  int
}

// firmwareSlot is a slot for a card (SMBIOS type 9): width is "x16", "32-bit".
type firmwareSlot struct{ name, kind, width, usage string }

// firmwarePort is a connector (SMBIOS type 8); external and connector are of
// its outer side.
type firmwarePort struct{ external, connector, kind string }

// firmwareBattery is a portable battery (SMBIOS type 22).
type firmwareBattery struct {
	location, maker, serial, name, chemistry, smartChemistry string
	milliwattHours, millivolts                               int64
}

// The lists of a machine are cut off here, and the machine says so. No machine
// has that many.
const (
	maxModules = 1024
	maxEntries = 256
)

// fill puts what the firmware tells into m. Processors, batteries and other
// parts that somebody has already seen themselves stay as they are.
func (t firmwareTables) fill(m *Machine) {
	m.Notes = append(m.Notes, t.notes...)
	note := func(format string, args ...any) { m.Notes = append(m.Notes, fmt.Sprintf(format, args...)) }

	t.fillMemory(m, note)
	if len(m.CPU) == 0 {
		m.CPU = append(m.CPU, bounded(t.packages(), maxEntries, "processors", note)...)
	}
	m.Board.Manufacturer, m.Board.Model = computerMaker(known(t.raw["board_vendor"])), known(t.raw["board_name"])
	m.Board.Version, m.Board.Serial = known(t.raw["board_version"]), known(t.raw["board_serial"])
	for _, s := range bounded(t.slots, maxEntries, "slots", note) {
		m.Slots = append(m.Slots, s.slot())
	}
	for _, p := range t.ports {
		if port, ok := p.port(); ok && len(m.Ports) < maxEntries {
			m.Ports = append(m.Ports, port)
		}
	}
	for _, s := range bounded(t.oemStrings, maxEntries, "strings of the maker", note) {
		if s = known(s); s != "" {
			m.OEMStrings = append(m.OEMStrings, s)
		}
	}
	seen := len(m.Batteries) > 0
	for _, b := range t.batteries {
		if battery, ok := b.battery(); ok && !seen && len(m.Batteries) < maxEntries {
			m.Batteries = append(m.Batteries, battery)
		}
	}
	if len(m.Sound) == 0 {
		m.Sound = append(m.Sound, bounded(t.sound, maxEntries, "sound devices", note)...)
	}
	if len(m.Pointers) == 0 {
		m.Pointers = append(m.Pointers, bounded(t.pointing, maxEntries, "pointing devices", note)...)
	}
	t.fillFirmware(m)
	m.System = t.system(len(m.Batteries) > 0)
}

// fillFirmware puts in what the firmware says of itself and what it locks.
func (t firmwareTables) fillFirmware(m *Machine) {
	m.Firmware.Vendor, m.Firmware.Version = known(t.raw["bios_vendor"]), known(t.raw["bios_version"])
	m.Firmware.Date = firmwareDate(known(t.raw["bios_date"]))
	if m.Firmware.TPM == "" {
		m.Firmware.TPM = t.tpm
	}
	if m.Firmware.UEFI == nil && t.uefi {
		m.Firmware.UEFI = &t.uefi
	}
	for _, lock := range []struct {
		code  string
		state LockState
		name  string
	}{
		{LockFirmwareStart, t.startPassword, "power-on password"},
		{LockFirmwareSetup, t.setupPassword, "administrator password"},
	} {
		if lock.state != "" {
			m.Locks = append(m.Locks, Lock{Code: lock.code, State: lock.state, Text: "SMBIOS hardware security, " + lock.name + ": " + lockWords[lock.state]})
		}
	}
}

// lockWords say what the firmware said of a password.
var lockWords = map[LockState]string{LockSet: "enabled", LockClear: "disabled", LockUnknown: "not told"}

// packages are the processors as they are shown. Apple lists every thread of a
// package as a processor of its own, without a number of cores ("CPU-A ( 2 )").
func (t firmwareTables) packages() []CPU {
	var all []CPU
	threads := map[string]int{} // index of the package by its socket
	for _, c := range t.processors {
		c.Model, c.Vendor = cpuName(c.Model), known(c.Vendor)
		if c.Threads < c.Cores {
			c.Threads = 0
		}
		if c.Cores > 0 || c.Threads > 0 || !strings.HasPrefix(t.raw["sys_vendor"], "Apple") {
			all = append(all, c.CPU)
			continue
		}
		socket, _, _ := strings.Cut(c.socket, " (")
		i, again := threads[socket]
		if !again {
			i = len(all)
			threads[socket] = i
			all = append(all, c.CPU)
		}
		all[i].Threads++
	}
	return all
}

// cpuName is the name of a processor; empty for one that is none ("CPU
// Version", "AMD").
func cpuName(s string) string {
	if s = known(s); !strings.Contains(s, " ") || strings.EqualFold(s, "CPU Version") || strings.EqualFold(s, "Engineering Sample") || strings.EqualFold(s, "Central Processor") {
		return ""
	}
	return s
}

// fillMemory lists what is installed and adds it up. Memory of an array that
// serves something else (flash, cache) is no memory of the machine.
func (t firmwareTables) fillMemory(m *Machine, note func(string, ...any)) {
	other := map[int]bool{}
	arrayDevices := 0
	for _, a := range t.arrays {
		if !a.system {
			other[a.handle] = true
			continue
		}
		arrayDevices += a.devices
		m.Board.MaxMemoryBytes = saturated(m.Board.MaxMemoryBytes, a.maxBytes)
	}
	slots, populated := 0, 0
	for _, d := range t.memory {
		if other[d.array] {
			continue
		}
		arrayDevices = 0 // they are listed one by one
		if !d.soldered() {
			slots++
		}
		if !d.populated {
			continue
		}
		populated++
		m.Memory.TotalBytes = saturated(m.Memory.TotalBytes, d.SizeBytes)
		if d.soldered() {
			m.Board.SolderedBytes = saturated(m.Board.SolderedBytes, d.SizeBytes)
		}
		if populated <= maxModules {
			m.Memory.Modules = append(m.Memory.Modules, d.module())
		}
	}
	if populated > maxModules {
		note("memory: the firmware lists %d modules; the first %d are shown, the amount is of all", populated, maxModules)
	}
	if m.Memory.TotalBytes == math.MaxInt64 {
		m.Memory.TotalBytes, m.Board.SolderedBytes = 0, 0
		note("memory: the sizes in the firmware's list make no sense")
	}
	m.Board.MemorySlots = slots + arrayDevices
	if m.Board.MaxMemoryBytes < m.Memory.TotalBytes || m.Board.MaxMemoryBytes == math.MaxInt64 {
		m.Board.MaxMemoryBytes = 0 // it holds more already
	}
}

// saturated adds sizes; nonsense ends at the largest number.
func saturated(a, b int64) int64 {
	if b < 0 || a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// module is the device as it is shown.
func (d memoryDevice) module() MemoryModule {
	m := d.MemoryModule
	if m.Slot = known(m.Slot); m.Slot == "" {
		m.Slot = known(d.bank)
	}
	switch {
	case d.soldered():
		m.Form = "soldered"
	case d.form == "SODIMM" || d.form == "DIMM":
		m.Form = d.form
	case d.form == "FB-DIMM":
		m.Form = "DIMM"
	}
	m.Manufacturer, m.PartNumber, m.Serial = moduleMaker(known(m.Manufacturer)), known(m.PartNumber), known(m.Serial)
	return m
}

// soldered reports whether memory cannot be taken out of the place, or put
// there: chips on the board, and low-power memory before LPDDR5, which there is
// on no module (JESD209-2 to -4 define packages only).
func (d memoryDevice) soldered() bool {
	switch d.form {
	case "Row Of Chips", "Chip", "Die":
		return true
	}
	switch d.Type {
	case "LPDDR", "LPDDR2", "LPDDR3", "LPDDR4":
		return true
	}
	return false
}

// onlyForm is the form that every installed module has; empty when they differ.
func (t firmwareTables) onlyForm() string {
	form := ""
	for _, d := range t.memory {
		if d.populated {
			if form != "" && d.form != form {
				return ""
			}
			form = d.form
		}
	}
	return form
}

// slot is the slot as it is shown: "PCI Express 3 x16", "M.2 Socket 3".
func (s firmwareSlot) slot() Slot {
	slot := Slot{Name: known(s.name), Type: known(s.kind)}
	if strings.HasPrefix(s.width, "x") && strings.HasPrefix(s.kind, "PCI Express") && !strings.Contains(s.kind, " x") {
		slot.Type += " " + s.width
	}
	switch s.usage {
	case "In Use":
		slot.Usage = "in use"
	case "Available":
		slot.Usage = "free"
	}
	return slot
}

// port is the connector as it is shown; ok is false for one inside the machine.
func (p firmwarePort) port() (port Port, ok bool) {
	connector, kind := known(p.connector), known(p.kind)
	if connector == "Access Bus (USB)" {
		connector = "USB"
	}
	port = Port{Name: known(p.external), Type: connector}
	if port.Type == "" {
		port.Type = kind
	}
	inside := kind == "SATA" || kind == "SAS" || strings.HasPrefix(connector, "On Board ") || strings.Contains(connector, "Dual Inline")
	return port, port.Type != "" && !inside && (connector != "" || port.Name != "")
}

// battery is the battery as it is shown; ok is false for those that reference
// firmware describes in machines that have none. Numbers that no battery of a
// portable machine has are not told: some firmware gives mAh for mWh, or the
// tenfold, and airlines carry none above 160 Wh (ICAO Doc 9284, table 8-1).
func (b firmwareBattery) battery() (battery Battery, ok bool) {
	for _, word := range []string{b.location, b.maker, b.name} {
		switch strings.Trim(strings.ToLower(word), " -") {
		case "fake", "virtual battery 0", "virtual battery", "crb battery 0", "sr real battery", "intel sr 1", "battery name", "battery manufacturer", "location of the battery":
			return Battery{}, false
		}
	}
	battery = Battery{
		Manufacturer: known(b.maker), Model: known(b.name), Serial: known(b.serial),
		DesignMilliwattHours: b.milliwattHours, DesignMillivolts: b.millivolts, Chemistry: chemistry(b.smartChemistry),
	}
	if b.milliwattHours < 5_000 || b.milliwattHours > 200_000 {
		battery.DesignMilliwattHours = 0
	}
	if b.millivolts < 3_000 || b.millivolts > 30_000 {
		battery.DesignMillivolts = 0
	}
	if battery.Chemistry == "" {
		battery.Chemistry = chemistry(b.chemistry)
	}
	return battery, b.milliwattHours > 0 || b.millivolts > 0
}

// chemistry is the word that is used for it on batteries; empty when unknown.
func chemistry(text string) string {
	switch strings.NewReplacer(" ", "", "-", "").Replace(strings.ToUpper(text)) {
	case "LION", "LIION", "LITHIUMION":
		return "LION"
	case "LIP", "LIPO", "LITHIUMPOLYMER":
		return "LIPO"
	case "NIMH", "NICKELMETALHYDRIDE":
		return "NIMH"
	case "NICD", "NICKELCADMIUM":
		return "NICD"
	case "PBAC", "LEADACID":
		return "PBAC"
	}
	return ""
}

// known is s, or empty where it is a placeholder.
func known(s string) string {
	if isPlaceholder(s) {
		return ""
	}
	return s
}

// bounded cuts a list that no machine has off at most entries and notes it.
func bounded[T any](list []T, most int, what string, note func(string, ...any)) []T {
	if len(list) <= most {
		return list
	}
	note("firmware: it lists %d %s; the first %d are shown", len(list), what, most)
	return list[:most]
}

// firmwareDate is an SMBIOS date (mm/dd/yyyy, mm/dd/yy for the century before,
// DSP0134 3.7.0, 7.1; some write full stops) in ISO 8601; the text itself when
// it is none.
func firmwareDate(s string) string {
	var month, day, year int
	if n, err := fmt.Sscanf(strings.ReplaceAll(s, ".", "/"), "%d/%d/%d", &month, &day, &year); err != nil || n != 3 {
		return s
	}
	if year >= 0 && year < 100 {
		if year += 1900; year < 1980 { // before there was SMBIOS: meant is this century
			year += 100
		}
	}
	if year < 1980 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 31 {
		return s
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
}

// set keeps the first value of a key: boards and chassis may repeat (blades,
// docks), and the first is the machine's.
func (t *firmwareTables) set(key, value string) {
	if _, ok := t.raw[key]; !ok && value != "" {
		t.raw[key] = value
	}
}

// system is what identifies the machine; battery says that one was seen.
func (t firmwareTables) system(battery bool) System {
	facts := evidence{raw: t.raw, chassis: t.chassisType, virtual: t.virtual, battery: battery, modules: t.onlyForm()}
	if len(t.processors) > 0 {
		facts.cpu = t.processors[0].Model
	}
	facts.pointing = slices.ContainsFunc(t.pointing, func(s string) bool { return s == "Touch Pad" || s == "Track Point" })
	return facts.system()
}
