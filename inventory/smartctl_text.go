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
	t := textReport{smartReport: &r, total: -1, sum: -1, defects: -1}
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
	table      textTable // the one whose lines are being read
	// columns are where the words of the attribute table's head stand, counted
	// in fields from 0.
	columns    map[string]int
	total      int64 // capacity of all namespaces, -1 when not told
	namespaces map[string]*Space
	order      []string
	sum        int64 // of uncorrected errors; -1 when none were told
	defects    int64 // entries of the log of pending defects; -1 when there is none
}

// textTable is a table of a report.
type textTable int

const (
	noTable textTable = iota
	attributeTable
	statisticTable
	errorTable // of SCSI error counters
	defectTable
	testTable
	scanTable // of the SCSI background scan
)

// begins tells the table that a line is the head of.
func (t *textReport) begins(s string, fields []string) (textTable, bool) {
	has := func(words string) bool { return strings.Contains(s, words) }
	switch {
	case fields[0] == "ID#" && has("ATTRIBUTE_NAME"):
		t.columns = map[string]int{}
		for i, f := range fields {
			t.columns[f] = i
		}
		return attributeTable, true
	case fields[0] == "Page" && has("Offset Size"):
		return statisticTable, true
	case has("Errors Corrected by"):
		return errorTable, true
	case fields[0] == "Index" && has("LBA") && has("Hours"):
		return defectTable, true
	case has("Self-test Log"), has("Self-test log"):
		// The log is there, unless it is said not to be.
		for _, no := range []string{"failed", "not supported", "Selective", "Directory"} {
			if has(no) {
				return noTable, false
			}
		}
		if !isHexLine(fields) && !t.testsLogged {
			t.testsLogged, t.testsWrap = true, !has("NVMe")
			return testTable, true
		}
	case fields[0] == "#" && has("when") && has("[sk,asc,ascq]"):
		return scanTable, true
	}
	return noTable, false
}

// isHexLine reports whether a line belongs to the directory of logs.
func isHexLine(fields []string) bool { return strings.HasPrefix(fields[0], "0x") }

func (t *textReport) line(s string) {
	fields := strings.Fields(s)
	switch {
	case strings.HasPrefix(s, "smartctl "):
		t.recognised = true
		return
	case len(fields) == 0, strings.HasPrefix(s, "==="):
		// A blank line stands inside the log of a SCSI drive's self-tests.
		if t.table != testTable || strings.HasPrefix(s, "===") {
			t.table = noTable
		}
		return
	}
	if table, ok := t.begins(s, fields); ok {
		t.table = table
		return
	}
	if t.table != noTable && t.row(s, fields) {
		return
	}
	// The factory page of Seagate's and Hitachi's SCSI drives.
	if value, ok := strings.CutPrefix(strings.TrimSpace(s), "number of hours powered up = "); ok {
		if t.health.PowerOnHours == nil {
			t.health.PowerOnHours = hours(digits(value))
		}
		return
	}
	if key, value, ok := strings.Cut(s, ":"); ok {
		if key, value = strings.TrimSpace(key), strings.TrimSpace(value); value != "" {
			t.pair(key, value)
		}
	}
}

// row takes a line of a table; ok is false when it is none.
func (t *textReport) row(s string, fields []string) (ok bool) {
	switch t.table {
	case attributeTable:
		return t.attributeRow(fields)
	case statisticTable:
		// Page, offset, size, value, flags, name. Old reports have no flags
		// but a mark behind the value.
		if len(fields) < 5 || !isHexLine(fields) {
			return false
		}
		page, offset := hexNumber(fields[0][2:]), hexNumber(strings.TrimPrefix(fields[1], "0x"))
		if page >= 0 && page <= 255 && offset >= 0 && offset < 512 {
			t.statistics = append(t.statistics, statistic{page: byte(page), offset: int(offset),
				normalised: strings.HasPrefix(fields[4], "N") || strings.HasSuffix(fields[3], "~"), value: digits(fields[3])})
		}
		return true
	case errorTable:
		if len(fields) == 8 && (fields[0] == "read:" || fields[0] == "write:" || fields[0] == "verify:") {
			t.sum = added(t.sum, digits(fields[7]))
			return true
		}
	case defectTable:
		if len(fields) == 3 && isDigits(fields[0]) {
			t.defects = max(t.defects, digits(fields[0])+1)
			return true
		}
	case testTable:
		return t.testRow(s)
	case scanTable:
		// Sectors that a background scan found and that nobody replaced yet.
		if isDigits(fields[0]) {
			if strings.Contains(s, "Require Write or Reassign") || strings.Contains(s, "Reassignment by disk failed") || strings.Contains(s, "Unsuccessfully reassigned") {
				t.defects = max(t.defects, 0) + 1
			}
			return true
		}
	}
	return false
}

// attributeRow takes an attribute of the long form (-a) or the short one (-x).
func (t *textReport) attributeRow(fields []string) bool {
	number := func(column string) int {
		i, ok := t.columns[column]
		if !ok || i >= len(fields) {
			return -1
		}
		if s, ok := strings.CutPrefix(fields[i], "0x"); ok {
			return int(min(hexNumber(s), 1<<16))
		}
		return int(min(digits(fields[i]), 1<<16))
	}
	a := attribute{id: number("ID#"), value: number("VALUE"), worst: number("WORST"), threshold: number("THRESH"), raw: -1}
	raw, ok := t.columns["RAW_VALUE"]
	if a.id < 1 || a.id > 255 || !ok || len(fields) <= raw {
		return false
	}
	a.name, a.raw = fields[1], rawOf(a.id, fields[raw:])
	for _, column := range []string{"FAIL", "WHEN_FAILED"} {
		if i, ok := t.columns[column]; ok && i < len(fields) {
			a.whenFailed(fields[i])
		}
	}
	if len(t.attributes) < 256 {
		t.attributes = append(t.attributes, a)
	}
	return true
}

// testRow takes a self-test: "# 1  Short offline  Completed without error  00%
// 123  -", of SCSI "# 1  Background long   Completed  -  123  - [-   -    -]",
// of NVMe " 0   Short   Completed without error   123  -  -  -  -".
func (t *textReport) testRow(s string) bool {
	number, rest, ok := strings.Cut(strings.TrimSpace(strings.Replace(s, "#", " ", 1)), " ")
	if !ok || !isDigits(number) || len(t.tests) >= 64 {
		return false
	}
	// The columns are at least two spaces apart, unless a word fills its own.
	var columns []string
	for c := range strings.SplitSeq(rest, "  ") {
		if c = strings.TrimSpace(c); c != "" {
			columns = append(columns, c)
		}
	}
	if len(columns) == 0 {
		return false
	}
	kind, result := columns[0], ""
	if len(columns) > 1 {
		result = columns[1]
	}
	for _, word := range []string{"Completed", "Aborted", "Interrupted", "Fatal", "Self-test routine", "Self test in", "Failed in", "Unknown"} {
		if i := strings.Index(rest, word); i >= 0 {
			kind, result = strings.TrimSpace(rest[:i]), rest[i:]
			break
		}
	}
	hours := int64(-1)
	words := strings.Fields(result)
	for i, w := range words {
		switch {
		case strings.HasSuffix(w, "%") && i+1 < len(words): // ATA: remaining, hours
			hours = digits(words[i+1])
		case hours < 0 && i > 0 && isDigits(w) && !strings.HasSuffix(words[i-1], "%"):
			// SCSI has the segment before it, which is a dash unless it failed.
			hours = digits(w)
			if strings.HasSuffix(words[i-1], "-->") && i+1 < len(words) && isDigits(words[i+1]) {
				hours = digits(words[i+1])
			}
		}
	}
	switch {
	case strings.HasPrefix(result, "Completed without error"):
		result = "Completed without error"
	case strings.HasPrefix(result, "Completed:"), strings.HasPrefix(result, "Completed,"):
	case strings.HasPrefix(result, "Completed"):
		result = "Completed"
	}
	t.test(kind, result, hours)
	return true
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
	case "Device": // SCSI, up to smartctl 5.40: vendor, product and revision in one
		product, revision, ok := strings.Cut(value, "Version:")
		if ok && t.protocol == "" {
			t.protocol = "scsi"
			product = strings.TrimSpace(product)
			t.vendor, t.model, t.firmware = product, "", strings.TrimSpace(revision)
			if len(product) > 9 && product[8] == ' ' { // the vendor fills eight characters
				t.vendor, t.model = strings.TrimSpace(product[:8]), strings.TrimSpace(product[9:])
			} else if vendor, model, ok := strings.Cut(product, " "); ok {
				t.vendor, t.model = vendor, strings.TrimSpace(model)
			}
		}
	case "Model Family":
		t.family, t.known = value, true
	case "Device is":
		t.known = t.known || strings.HasPrefix(value, "In smartctl database")
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
		h.PowerOnHours = hours(grouped(value))
	case "Unsafe Shutdowns":
		count(&h.UnsafeShutdowns)
	case "Self-test execution status":
		if code, ok := strings.CutPrefix(value, "("); ok {
			if n := digits(strings.TrimSpace(code)); n >= 0 {
				_, t.testFailed = ataTest(n >> 4)
			}
		}
	case "Lifetime    Min/Max Temperature":
		if _, highest, ok := strings.Cut(value, "/"); ok {
			h.hottest(digits(highest))
		}
	case "Pending defect count":
		h.count(&h.Pending, digits(value), senselessPending)
	case "Power Cycles":
		count(&h.PowerCycles)
	case "Percentage Used", "Percentage used endurance indicator":
		h.PercentUsed = percent(value)
	case "Available Spare":
		h.SparePercent = percent(value)
	case "Available Spare Threshold":
		h.SpareThresholdPercent = percent(value)
	case "Critical Warning":
		h.CriticalWarning = hexByte(value)
	case "Media and Data Integrity Errors":
		h.count(&h.MediaErrors, grouped(value), senselessMedia)
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
		if t.health.PowerOnHours == nil {
			t.health.PowerOnHours = hours(digits(strings.TrimPrefix(value, "minutes ")))
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
		t.health.ReportedUncorrectable = told(t.sum)
	}
	t.health.count(&t.health.Pending, t.defects, senselessPending)
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
	// A SCSI drive's own words end in its codes: 5Dh predicts a failure, 0Bh warns.
	if !ok && !strings.HasPrefix(value, "FAILED") && !strings.Contains(strings.ToUpper(value), "FAILURE") && !strings.Contains(value, "[asc=") {
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
	return told(hexNumber(s[2:]))
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
