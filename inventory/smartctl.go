package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// ErrNotSmartctl is the error for bytes in which smartctl's output is not
// recognised.
var ErrNotSmartctl = errors.New("not the output of smartctl")

// maxSmartctlBytes is far beyond the longest report of one drive.
const maxSmartctlBytes = 4 << 20

// ReadSmartctl reads what smartctl said of one drive, as text (-x or -a) or as
// JSON (-j), and gives what that tells, no more: what a dump does not say is
// left unknown, and Abilities.Notes say what such dumps never tell. Path is
// left empty. Bytes in which no report is recognised give a drive of which
// nothing is known and an error that wraps [ErrNotSmartctl].
func ReadSmartctl(b []byte) (Drive, error) {
	unknown := Drive{Bus: BusUnknown, Media: MediaUnknown, Uses: []Use{}}
	if len(b) > maxSmartctlBytes {
		return unknown, fmt.Errorf("read smartctl output: longer than %d bytes: %w", maxSmartctlBytes, ErrNotSmartctl)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	var r smartReport
	var err error
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && trimmed[0] == '{' {
		r, err = readSmartctlJSON(trimmed)
	} else {
		r, err = readSmartctlText(b)
	}
	if err != nil {
		return unknown, fmt.Errorf("read smartctl output: %w", err)
	}
	return r.drive(), nil
}

// smartReport is what was read out of a dump, in whichever form. A negative
// number is one that was not told.
type smartReport struct {
	protocol      string // "ata", "scsi", "nvme"
	deviceType    string // as given to smartctl by -d or found by it
	transport     string // of SCSI
	vendor, model string
	serial, wwn   string
	firmware      string
	capacity      int64
	logical       int64
	physical      int64
	rotation      int64 // revolutions per minute; 0 when nothing rotates
	zoned         string
	security      *Security
	enhanced      bool // the enhanced mode of SECURITY ERASE UNIT is supported
	enhancedKnown bool // and whether it is was told
	formats       bool // NVMe: the optional Format NVM command is supported
	adminKnown    bool // and the optional commands were told
	others        []Space
	health        SMART
	family        string // what smartctl's database calls the model's
	known         bool   // the model is in that database
	attributes    []attribute
	statistics    []statistic
	tests         []SelfTestResult // the newest first
	testsLogged   bool             // the log of self-tests was told
	testsWrap     bool             // and counts hours with 16 bits
	testFailed    bool             // the state of the last self-test is that it failed
}

// drive puts a report into the form of a drive that answered for itself.
func (r smartReport) drive() Drive {
	d := Drive{
		Bus: r.bus(), Media: r.media(), Model: cleaned(r.model), Serial: maskedSerial(r.serial), Firmware: cleaned(r.firmware), WWN: r.wwn,
		CapacityBytes: max(r.capacity, 0), LogicalBlockBytes: blockSize(r.logical), PhysicalBlockBytes: blockSize(r.physical), Uses: []Use{},
	}
	if d.Manufacturer = cleaned(r.vendor); d.Manufacturer == "" {
		// A family that is "driven" by somebody has only its controller from them.
		if d.Manufacturer = makerOf(d.Model); d.Manufacturer == "" && !strings.Contains(r.family, "Driven") {
			d.Manufacturer = makerOf(r.family)
		}
	}
	if d.PhysicalBlockBytes < d.LogicalBlockBytes {
		d.PhysicalBlockBytes = d.LogicalBlockBytes
	}
	a := &Abilities{Protocol: r.protocol, Through: r.through(), Erasers: []Eraser{}, Zoned: r.zoned, Spaces: r.others, Sanitize: SanitizeState{ProgressPPM: -1}}
	if n := d.LogicalBlockBytes; n > 512 && n%512 != 0 {
		a.BlockBytes = n
	}
	r.erasers(a)
	r.judgeable(d.Model, d.Media)
	if !reflect.DeepEqual(r.health, SMART{}) {
		health := r.health
		a.Health = &health
	}
	d.Abilities = a
	return d
}

// judgeable puts attributes and self-tests into the form of facts.
func (r *smartReport) judgeable(model string, media Media) {
	h := &r.health
	warmth := h.TemperatureCelsius != nil // told in so many words
	for _, a := range r.attributes {
		m := meaningOfNumber(a.id, model, media == MediaFlash)
		if r.known {
			m = meaningOfName(a.id, a.name, r.family+" "+makerOf(model))
		}
		if m == meansTemperature && warmth {
			m = meansNothing
		}
		h.take(m, a)
	}
	for _, s := range r.statistics {
		h.TakeStatistic(s.page, s.offset, s.normalised, s.value, max(r.logical, 512))
	}
	if r.testsLogged || r.testFailed {
		h.SelfTest = SelfTestsFrom(r.tests, r.testsWrap)
		if t := h.SelfTest; r.testFailed && t.Failures == 0 {
			t.Failures, t.Last, t.LastHours = 1, SelfTestFailed, nil
		}
	}
	h.Settle()
}

func (r smartReport) bus() Bus {
	kind, transport := strings.ToLower(r.deviceType), strings.ToLower(r.transport)
	switch {
	case strings.HasPrefix(kind, "usb"), strings.HasPrefix(kind, "snt"), strings.Contains(transport, "usb"):
		return BusUSB
	case r.protocol == "nvme":
		return BusNVMe
	case r.protocol == "ata":
		return BusATA
	case strings.Contains(transport, "iscsi"), strings.Contains(transport, "fibre"), strings.Contains(transport, "fcp"):
		return BusFabric
	case strings.Contains(transport, "sas"):
		return BusSAS
	case r.protocol == "scsi":
		return BusSCSI
	}
	return BusUnknown
}

func (r smartReport) through() string {
	kind := strings.ToLower(r.deviceType)
	switch {
	case r.bus() == BusUSB:
		return "usb bridge"
	case strings.Contains(kind, "megaraid"), strings.Contains(kind, "cciss"), strings.Contains(kind, "3ware"),
		strings.Contains(kind, "areca"), strings.Contains(kind, "aacraid"), strings.Contains(kind, "sssraid"):
		return "raid controller"
	}
	return ""
}

func (r smartReport) media() Media {
	switch {
	case r.protocol == "nvme", r.rotation == 0:
		return MediaFlash
	case r.rotation > 1 && r.rotation < 0xffff: // ACS-4, IDENTIFY DEVICE word 217
		return MediaMagnetic
	case r.rotation < 0:
		// Drives older than that word: what took time to spin up, or missed a
		// track, turns.
		for _, a := range r.attributes {
			if a.raw > 0 && (a.id == 3 && a.name == "Spin_Up_Time" || a.id == 7 && a.name == "Seek_Error_Rate") {
				return MediaMagnetic
			}
		}
	}
	return MediaUnknown
}

// erasers lists the erase commands that a dump tells of, and notes what such
// dumps do not tell.
func (r smartReport) erasers(a *Abilities) {
	switch r.protocol {
	case "ata":
		a.Notes = append(a.Notes, "a report by smartctl tells neither whether the drive has SANITIZE nor whether it hides an area")
		if r.security == nil {
			a.Notes = append(a.Notes, "the report tells nothing of the drive's security feature set")
			return
		}
		a.Security = *r.security
		if !a.Security.Supported {
			return
		}
		blocked := ""
		switch {
		case a.Security.Locked:
			blocked = "locked"
		case a.Security.Frozen:
			blocked = "frozen"
		}
		if r.enhanced {
			a.Erasers = append(a.Erasers, Eraser{Command: ATASecurityEraseEnhanced, WholeDrive: true, Blocked: blocked})
		}
		a.Erasers = append(a.Erasers, Eraser{Command: ATASecurityErase, WholeDrive: true, Blocked: blocked})
		if !r.enhancedKnown {
			a.Notes = append(a.Notes, "the report does not tell whether the drive has the enhanced security erase")
		}
	case "nvme":
		a.Notes = append(a.Notes, "a report by smartctl does not tell whether the drive has Sanitize, nor what Format reaches")
		if r.formats {
			// Identify Controller FNA is not told, so the larger scope is assumed.
			a.Erasers = append(a.Erasers, Eraser{Command: NVMeFormatUser, WholeDrive: true})
		}
		if !r.adminKnown {
			a.Notes = append(a.Notes, "the report does not tell whether the drive has Format")
		}
	case "scsi":
		a.Notes = append(a.Notes, "a report by smartctl does not tell which erase commands the drive has")
	}
}

// blockSize takes a block size if it can be one.
func blockSize(n int64) int {
	if n < 256 || n > 1<<16 {
		return 0
	}
	return int(n)
}

// maskedSerial gives a serial, empty when whoever published the dump masked it.
func maskedSerial(s string) string {
	if s = cleaned(s); strings.Trim(s, "-*") == "" {
		return ""
	}
	return s
}

// securityFrom reads bits of IDENTIFY DEVICE word 128 (ACS-4, 7.13): supported,
// enabled, locked, frozen, count expired, enhanced erase, level Maximum.
func securityFrom(word int64) (s Security, enhanced bool) {
	if word&1 == 0 {
		return Security{}, false
	}
	return Security{
		Supported: true, Kind: "ata", Enabled: word&(1<<1) != 0, Locked: word&(1<<2) != 0, Frozen: word&(1<<3) != 0,
		AttemptsUsedUp: word&(1<<4) != 0, MasterOnly: word&(1<<1) != 0 && word&(1<<8) != 0,
	}, word&(1<<5) != 0
}

// jsonValue is decoded JSON that may have any shape.
type jsonValue struct{ v any }

func (t jsonValue) at(path ...string) jsonValue {
	for _, key := range path {
		m, _ := t.v.(map[string]any)
		t = jsonValue{m[key]}
	}
	return t
}

func (t jsonValue) list() []jsonValue {
	items, _ := t.v.([]any)
	out := make([]jsonValue, len(items))
	for i, item := range items {
		out[i] = jsonValue{item}
	}
	return out
}

func (t jsonValue) text() string {
	s, _ := t.v.(string)
	return s
}

// number is a whole number that is not negative, -1 when it is none.
func (t jsonValue) number() int64 {
	n, ok := t.v.(json.Number)
	if !ok {
		return -1
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || i < 0 {
		return -1
	}
	return i
}

// told is number, nil when it is none.
func (t jsonValue) told() *int64 { return told(t.number()) }

func (t jsonValue) truth() *bool {
	if b, ok := t.v.(bool); ok {
		return &b
	}
	return nil
}

func (t jsonValue) yes() bool { b := t.truth(); return b != nil && *b }

func told(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func readSmartctlJSON(b []byte) (smartReport, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return smartReport{}, fmt.Errorf("%w: %w", ErrNotSmartctl, err)
	}
	t := jsonValue{v}
	if t.at("smartctl").v == nil && t.at("device", "protocol").v == nil {
		return smartReport{}, ErrNotSmartctl
	}
	r := smartReport{
		protocol: protocolWord(t.at("device", "protocol").text()), deviceType: t.at("device", "type").text(),
		transport: t.at("scsi_transport_protocol", "name").text(),
		model:     t.at("model_name").text(), serial: t.at("serial_number").text(), firmware: t.at("firmware_version").text(),
		capacity: t.at("user_capacity", "bytes").number(), logical: t.at("logical_block_size").number(),
		physical: t.at("physical_block_size").number(), rotation: t.at("rotation_rate").number(),
		zoned: zonedWord(t.at("zoned_device", "string").text()),
	}
	switch r.protocol {
	case "ata":
		r.ataJSON(t)
	case "nvme":
		r.nvmeJSON(t)
	case "scsi":
		r.scsiJSON(t)
	}
	h := &r.health
	h.Passed = t.at("smart_status", "passed").truth()
	h.PowerOnHours = hours(t.at("power_on_time", "hours").number())
	h.hottest(t.at("temperature", "lifetime_max").number())
	h.PowerCycles = t.at("power_cycle_count").told()
	h.TemperatureCelsius = celsius(t.at("temperature", "current").number())
	return r, nil
}

func (r *smartReport) ataJSON(t jsonValue) {
	w := t.at("wwn")
	if naa, oui, id := w.at("naa").number(), w.at("oui").number(), w.at("id").number(); naa > 0 && naa < 16 && oui >= 0 && oui < 1<<24 && id >= 0 && id < 1<<36 {
		r.wwn = wwnFrom(fmt.Sprintf("naa.%x%06x%09x", naa, oui, id))
	}
	if security := t.at("ata_security"); security.v != nil {
		if word := security.at("state").number(); word >= 0 {
			s, enhanced := securityFrom(word)
			r.security, r.enhanced, r.enhancedKnown = &s, enhanced, true
		} else if s, ok := securityLine(security.at("string").text()); ok {
			r.security = &s
		}
	}
	r.family = t.at("model_family").text()
	inDatabase := t.at("in_smartctl_database").truth()
	r.known = r.family != "" || inDatabase != nil && *inDatabase
	for _, row := range t.at("ata_smart_attributes", "table").list() {
		a := attribute{id: int(row.at("id").number()), name: row.at("name").text(), value: int(row.at("value").number()),
			worst: int(row.at("worst").number()), threshold: int(row.at("thresh").number())}
		if a.raw = rawOf(a.id, strings.Fields(row.at("raw", "string").text())); a.raw < 0 {
			a.raw = row.at("raw", "value").number()
		}
		a.whenFailed(row.at("when_failed").text())
		r.attributes = append(r.attributes, a)
	}
	for _, page := range t.at("ata_device_statistics", "pages").list() {
		number := page.at("number").number()
		for _, row := range page.at("table").list() {
			if valid := row.at("flags", "valid").truth(); valid != nil && !*valid || number < 0 || number > 255 {
				continue
			}
			r.statistics = append(r.statistics, statistic{page: byte(number), offset: int(row.at("offset").number()),
				normalised: row.at("flags", "normalized").yes(), value: row.at("value").number()})
		}
	}
	r.health.count(&r.health.Pending, t.at("ata_pending_defects_log", "count").number(), senselessPending)
	r.health.hottest(t.at("ata_sct_status", "temperature", "lifetime_max").number())
	if status := t.at("ata_smart_data", "self_test", "status", "value").number(); status >= 0 {
		_, r.testFailed = ataTest(status >> 4)
	}
	for _, form := range []string{"extended", "standard"} {
		log := t.at("ata_smart_self_test_log", form)
		if log.v == nil || r.testsLogged {
			continue
		}
		r.testsLogged, r.testsWrap = true, true
		for _, row := range log.at("table").list() {
			r.test(row.at("type", "string").text(), row.at("status", "string").text(), row.at("lifetime_hours").number())
		}
	}
}

func (r *smartReport) nvmeJSON(t jsonValue) {
	for i, ns := range t.at("nvme_namespaces").list() {
		id := ns.at("id").number()
		if id > 1 || id < 0 && i > 0 {
			r.others = append(r.others, Space{Name: namespaceName(id, i), SizeBytes: max(ns.at("size", "bytes").number(), 0), Reach: "drive"})
			continue
		}
		if r.capacity < 0 {
			r.capacity = ns.at("size", "bytes").number()
		}
		if r.logical < 0 {
			r.logical = ns.at("formatted_lba_size").number()
		}
		if oui, id := ns.at("eui64", "oui").number(), ns.at("eui64", "ext_id").number(); oui >= 0 && oui < 1<<24 && id >= 0 && id < 1<<40 {
			r.wwn = wwnFrom(fmt.Sprintf("eui.%06x%010x", oui, id))
		}
	}
	if r.capacity < 0 {
		r.capacity = t.at("nvme_total_capacity").number()
	}
	if admin := t.at("nvme_optional_admin_commands"); admin.v != nil {
		r.adminKnown, r.formats = true, admin.at("format_nvm").yes()
	}
	log, h := t.at("nvme_smart_health_information_log"), &r.health
	h.CriticalWarning = log.at("critical_warning").told()
	h.SparePercent = log.at("available_spare").told()
	h.PercentUsed = log.at("percentage_used").told()
	h.SpareThresholdPercent = log.at("available_spare_threshold").told()
	h.count(&h.MediaErrors, log.at("media_errors").number(), senselessMedia)
	h.UnsafeShutdowns = log.at("unsafe_shutdowns").told()
	h.WrittenBytes = told(times(log.at("data_units_written").number(), nvmeDataUnitBytes))
	if log := t.at("nvme_self_test_log"); log.v != nil {
		r.testsLogged = true
		for _, row := range log.at("table").list() {
			r.test(row.at("self_test_code", "string").text(), row.at("self_test_result", "string").text(), row.at("power_on_hours").number())
		}
	}
}

func (r *smartReport) scsiJSON(t jsonValue) {
	first := func(keys ...string) string {
		for _, key := range keys {
			if s := t.at(key).text(); s != "" {
				return s
			}
		}
		return ""
	}
	r.vendor, r.firmware = first("scsi_vendor", "vendor"), first("scsi_revision", "revision", "firmware_version")
	if product := first("scsi_product", "product"); product != "" {
		r.model = product
	} else if r.model == "" {
		r.model = t.at("scsi_model_name").text()
	}
	if id := strings.TrimPrefix(strings.ToLower(t.at("logical_unit_id").text()), "0x"); len(id) == 16 || len(id) == 32 {
		r.wwn = wwnFrom("naa." + id)
	}
	h := &r.health
	h.Reallocated = t.at("scsi_grown_defect_list").told()
	h.PercentUsed = t.at("scsi_percentage_used_endurance_indicator").told()
	sum := int64(-1)
	for _, kind := range []string{"read", "write", "verify"} {
		sum = added(sum, t.at("scsi_error_counter_log", kind, "total_uncorrected_errors").number())
	}
	h.ReportedUncorrectable = told(sum)
	h.count(&h.Pending, t.at("scsi_pending_defects", "count").number(), senselessPending)
	for n := range 20 {
		if test := t.at(fmt.Sprintf("scsi_self_test_%d", n)); test.v != nil {
			r.testsLogged, r.testsWrap = true, true
			r.test(test.at("code", "string").text(), test.at("result", "string").text(), test.at("power_on_time", "hours").number())
		}
	}
}

// nvmeDataUnitBytes is what SMART / Health Information counts in: thousands of
// 512 bytes (NVMe Base 2.0, log page 02h).
const nvmeDataUnitBytes = 512_000

// added is the sum of what was told; -1 when nothing was.
func added(sum, n int64) int64 {
	if n < 0 {
		return sum
	}
	return min(max(sum, 0)+min(n, 1<<61), 1<<61)
}

// times multiplies; -1 when there is nothing to multiply or no room for it.
func times(n, by int64) int64 {
	if n < 0 || by <= 0 || n > math.MaxInt64/by {
		return -1
	}
	return n * by
}

// celsius takes a temperature that a drive can have. Those without a sensor
// tell zero.
func celsius(n int64) *int64 {
	if n < 1 || n > 150 {
		return nil
	}
	return &n
}

func protocolWord(s string) string {
	switch s = strings.ToLower(s); s {
	case "ata", "scsi", "nvme":
		return s
	}
	return ""
}

func zonedWord(s string) string {
	switch s = strings.ToLower(s); {
	case strings.Contains(s, "host aware"), strings.Contains(s, "host-aware"):
		return "host-aware"
	case strings.Contains(s, "host managed"), strings.Contains(s, "host-managed"):
		return "host-managed"
	}
	return ""
}

func namespaceName(id int64, index int) string {
	if id < 0 {
		id = int64(index) + 1
	}
	return fmt.Sprintf("namespace %d", id)
}

// digits reads the whole number that a text begins with, -1 when there is none:
// of "43 (Min/Max 18/60)" 43, of "13557h+12m" 13557.
func digits(s string) int64 {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	i, err := strconv.ParseInt(s[:n], 10, 64)
	if err != nil {
		return -1
	}
	return i
}

// grouped is digits of a number with the separators of thousands that the
// locale of whoever made the dump put in.
func grouped(s string) int64 {
	s = strings.TrimSpace(s)
	var all strings.Builder
	for i, c := range s {
		separates := i > 0 && strings.ContainsRune(",.'’\u00a0\u202f ", c) && groupOfThree(s[i+len(string(c)):])
		if c >= '0' && c <= '9' {
			all.WriteRune(c)
		} else if !separates {
			break
		}
	}
	return digits(all.String())
}

// groupOfThree reports whether exactly three digits come next.
func groupOfThree(s string) bool {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n == 3
}
