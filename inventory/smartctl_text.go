package inventory

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// readSmartctlText reads the form for people. Its lines are "Key:   value",
// and three tables: the attributes, the device statistics and the error
// counters of SCSI.
func readSmartctlText(b []byte) (smartReport, error) {
	r := smartReport{capacity: -1, logical: -1, physical: -1, rotation: -1}
	// A report that was cut off ends within a line, and half a number is a
	// wrong one.
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	} else {
		b = nil
	}
	t := textReport{smartReport: &r, total: -1, sum: -1}
	for line := range strings.Lines(strings.ToValidUTF8(string(b), string(utf8.RuneError))) {
		t.line(strings.TrimRight(line, " \t\r\n"))
	}
	if !t.recognised {
		return smartReport{}, ErrNotSmartctl
	}
	t.end()
	return r, nil
}

type textReport struct {
	*smartReport
	recognised bool
	// rawColumn is where the raw values of the attribute table are, counted in
	// fields from 0; 0 outside of that table.
	rawColumn  int
	statistics bool  // inside the table of device statistics
	errors     bool  // inside the table of SCSI error counters
	total      int64 // capacity of all namespaces, -1 when not told
	namespaces map[string]*Space
	order      []string
	sum        int64 // of uncorrected errors; -1 when none were told
}

func (t *textReport) line(s string) {
	key, value, isPair := strings.Cut(s, ":")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	fields := strings.Fields(s)
	switch {
	case strings.HasPrefix(s, "smartctl "):
		t.recognised = true
		return
	case strings.HasPrefix(s, "==="), len(fields) == 0:
		t.rawColumn, t.statistics, t.errors = 0, false, false
		return
	case strings.HasPrefix(s, "ID# ATTRIBUTE_NAME"):
		t.rawColumn = len(fields) - 1
		return
	case strings.HasPrefix(s, "Page") && strings.Contains(s, "Offset Size"):
		t.statistics = true
		return
	case strings.Contains(s, "Errors Corrected by"):
		t.errors = true
		return
	case t.rawColumn > 0 && len(fields) > t.rawColumn && isDigits(fields[0]):
		t.attribute(digits(fields[0]), digits(fields[t.rawColumn]))
		return
	case t.statistics && len(fields) > 5 && strings.HasPrefix(s, "0x"):
		// Page, offset, size, value, flags, name.
		t.statistic(strings.Join(fields[5:], " "), digits(fields[3]))
		return
	case t.errors && isPair && len(fields) == 8 && (key == "read" || key == "write" || key == "verify"):
		if n := digits(fields[7]); n >= 0 {
			t.sum = max(t.sum, 0) + min(n, 1<<62)
			t.sum = min(t.sum, 1<<62)
		}
		return
	}
	if isPair && value != "" {
		t.pair(key, value)
	}
}

// pair takes one line of a key and its value. What a drive's strings hold comes
// after the colon, so they cannot pass for a key.
func (t *textReport) pair(key, value string) {
	if rest, ok := strings.CutPrefix(key, "Namespace "); ok {
		t.namespace(rest, value)
		return
	}
	h := &t.health
	once := func(p *string) {
		if *p == "" {
			*p = value
		}
	}
	count := func(p **int64) {
		if *p == nil {
			*p = told(grouped(value))
		}
	}
	switch key {
	case "Device Model":
		t.protocol = "ata"
		once(&t.model)
	case "Model Number":
		t.protocol = "nvme"
		once(&t.model)
	case "Vendor":
		t.protocol = "scsi"
		once(&t.vendor)
	case "Product":
		t.protocol = "scsi"
		once(&t.model)
	case "Transport protocol":
		once(&t.transport)
	case "Serial Number", "Serial number":
		once(&t.serial)
	case "Firmware Version", "Revision":
		once(&t.firmware)
	case "LU WWN Device Id", "Logical Unit id":
		if id := hexDigits(value); len(id) == 16 || len(id) == 32 {
			t.wwn = wwnFrom("naa." + id)
		}
	case "User Capacity":
		t.capacity = bytesOf(value)
	case "Total NVM Capacity":
		t.total = bracketed(value)
	case "Sector Size", "Sector Sizes":
		t.sectors(value)
	case "Logical block size":
		t.logical = bytesOf(value)
	case "Physical block size":
		t.physical = bytesOf(value)
	case "Rotation Rate":
		t.rotation = rotationOf(value)
	case "Zoned Device":
		t.zoned = zonedWord(value)
	case "ATA Security is":
		if s, ok := securityLine(value); ok {
			t.security = &s
		}
	case "SMART overall-health self-assessment test result", "SMART Health Status":
		h.Passed = passed(value)
	case "Power On Hours":
		count(&h.PowerOnHours)
	case "Power Cycles":
		count(&h.PowerCycles)
	case "Percentage Used", "Percentage used endurance indicator":
		h.PercentUsed = percent(value)
	case "Available Spare":
		h.SparePercent = percent(value)
	case "Critical Warning":
		h.CriticalWarning = hexByte(value)
	case "Media and Data Integrity Errors":
		count(&h.Uncorrectable)
	case "Elements in grown defect list":
		count(&h.Reallocated)
	case "Data Units Written":
		h.WrittenBytes = told(times(bracketed(value), nvmeDataUnitBytes))
	case "Temperature", "Current Temperature", "Current Drive Temperature":
		h.TemperatureCelsius = celsius(grouped(value))
	default:
		t.prefixed(key, value)
	}
}

// prefixed takes lines whose key ends in a number.
func (t *textReport) prefixed(key, value string) {
	switch {
	case strings.HasPrefix(key, "Optional Admin Commands"):
		t.adminKnown = true
		for _, word := range strings.Fields(value) {
			t.formats = t.formats || word == "Format"
		}
	case strings.HasPrefix(key, "Accumulated power on time"):
		// "Accumulated power on time, hours:minutes 41023:10", cut at the
		// first colon.
		if hours := digits(strings.TrimPrefix(value, "minutes ")); t.health.PowerOnHours == nil {
			t.health.PowerOnHours = told(hours)
		}
	}
}

// namespace takes a line of a namespace; rest is "1 Size/Capacity".
func (t *textReport) namespace(rest, value string) {
	id, what, _ := strings.Cut(rest, " ")
	if !isDigits(id) || len(id) > 9 {
		return
	}
	if id != "1" {
		if what == "Size/Capacity" && len(t.order) < 128 {
			if t.namespaces == nil {
				t.namespaces = map[string]*Space{}
			}
			if t.namespaces[id] == nil {
				t.order = append(t.order, id)
				t.namespaces[id] = &Space{Name: "namespace " + id, Reach: "drive", SizeBytes: max(bracketed(value), 0)}
			}
		}
		return
	}
	switch what {
	case "Size/Capacity":
		t.capacity = bracketed(value)
	case "Formatted LBA Size":
		t.logical = grouped(value)
	case "IEEE EUI-64":
		if eui := hexDigits(value); len(eui) == 16 {
			t.wwn = wwnFrom("eui." + eui)
		}
	}
}

func (t *textReport) sectors(value string) {
	for part := range strings.SplitSeq(value, ",") {
		n := bytesOf(part)
		if strings.Contains(part, "logical") {
			t.logical = n
		}
		if strings.Contains(part, "physical") {
			t.physical = n
		}
	}
}

func (t *textReport) end() {
	if t.protocol == "nvme" && t.capacity < 0 {
		t.capacity = t.total
	}
	for _, id := range t.order {
		t.others = append(t.others, *t.namespaces[id])
	}
	if t.protocol == "scsi" && t.sum >= 0 {
		t.health.Uncorrectable = told(t.sum)
	}
}

// securityLine reads the value of "ATA Security is". A wording that is not
// known is not interpreted.
func securityLine(s string) (Security, bool) {
	has := func(words string) bool { return strings.Contains(s, words) }
	switch {
	case strings.HasPrefix(s, "Unavailable"):
		return Security{}, true
	case strings.HasPrefix(s, "Disabled, frozen"), strings.HasPrefix(s, "Disabled, NOT FROZEN"):
		return Security{Supported: true, Kind: "ata", Frozen: has("frozen")}, true
	case strings.HasPrefix(s, "ENABLED, PW level "):
		return Security{
			Supported: true, Kind: "ata", Enabled: true, Locked: has("**LOCKED**"),
			Frozen: has(", frozen"), AttemptsUsedUp: has("PW ATTEMPTS EXCEEDED"), MasterOnly: has("PW level MAX"),
		}, true
	}
	return Security{}, false
}

func passed(value string) *bool {
	ok := strings.HasPrefix(value, "PASSED") || value == "OK"
	if !ok && !strings.HasPrefix(value, "FAILED") && !strings.Contains(strings.ToUpper(value), "FAILURE") {
		return nil
	}
	return &ok
}

// bytesOf reads "500,107,862,016 bytes [500 GB]" and "512 bytes logical".
func bytesOf(s string) int64 {
	number, _, ok := strings.Cut(s, "bytes")
	if !ok {
		return -1
	}
	return grouped(number)
}

// bracketed reads a number that may have a rounded one in brackets behind it.
func bracketed(s string) int64 {
	number, _, _ := strings.Cut(s, "[")
	return grouped(number)
}

func rotationOf(s string) int64 {
	if s == "Solid State Device" {
		return 0
	}
	number, ok := strings.CutSuffix(s, " rpm")
	if !ok {
		return -1
	}
	return grouped(number)
}

func percent(s string) *int64 {
	number, ok := strings.CutSuffix(s, "%")
	if !ok {
		return nil
	}
	return told(grouped(number))
}

func hexByte(s string) *int64 {
	if len(s) != 4 || !strings.HasPrefix(s, "0x") {
		return nil
	}
	n := int64(0)
	for _, c := range strings.ToLower(s[2:]) {
		i := strings.IndexRune("0123456789abcdef", c)
		if i < 0 {
			return nil
		}
		n = n<<4 | int64(i)
	}
	return &n
}

// hexDigits joins the groups of a name like "5 002538 c40a1b2c3", empty when
// it is masked or holds anything else.
func hexDigits(s string) string {
	s = strings.ToLower(strings.TrimPrefix(strings.Join(strings.Fields(s), ""), "0x"))
	if strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}
