package grade

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// Limit is where a figure begins to count against a drive. Zero means never.
type Limit struct {
	Warn   int64 // from this figure on the drive is to be watched
	Reject int64 // from this figure on it is not to be used again
}

// Limits are the figures by which [JudgeHealth] judges, the section
// drive_health of a policy. What is not a matter of limits is not here: a
// drive that says itself that it fails is rejected whatever they are, and one
// with sectors that cannot be read is never ok.
type Limits struct {
	// ReallocatedSectors are of disks (ATA attribute 5), RetiredBlocks of
	// flash, GrownDefects of SCSI drives.
	ReallocatedSectors Limit
	RetiredBlocks      Limit
	GrownDefects       Limit
	// AmpleSparePercent is the share of its spare blocks from which on a flash
	// drive that tells it is not rejected for RetiredBlocks: what was retired
	// it has replaced, and hardly used its reserve for it. Zero means never.
	AmpleSparePercent int64
	// PendingSectors (ATA attribute 197), OfflineUncorrectable (198),
	// ReportedUncorrectable (187; SCSI: total uncorrected errors) and
	// MediaErrors (NVMe): one is at least a warning, whatever Warn is.
	PendingSectors        Limit
	OfflineUncorrectable  Limit
	ReportedUncorrectable Limit
	MediaErrors           Limit
	// PercentUsed is of the rated endurance of flash.
	PercentUsed Limit
	// SparePercent is of the spare blocks left, at or below which; the drive's
	// own threshold rejects besides.
	SparePercent Limit
	PowerOnHours Limit
	// TemperatureCelsius is what the drive has now.
	TemperatureCelsius Limit
	// CommandTimeouts and CRCErrors only ever warn, since a cable makes them.
	CommandTimeouts int64
	CRCErrors       int64
	// SelfTestHours is for how many power-on hours a failed self-test rejects;
	// after that, or when an extended one passed since, it warns. Zero: it only
	// warns.
	SelfTestHours int64
}

// The verdicts on a drive's health.
const (
	HealthOK      = "ok"
	HealthWarn    = "warn"    // can be used, and is to be watched
	HealthReject  = "reject"  // not to be used again
	HealthUnknown = "unknown" // too little is told for a verdict
)

// JudgeHealth judges what a drive tells of its health. What it does not tell is
// never taken to be well: without the drive's own verdict, or without any
// count of damage, nothing better than unknown comes out. Reasons are those of
// the verdict first; a drive that is ok has one that says on what that rests.
func JudgeHealth(d inventory.Drive, l Limits) Health {
	j := healthJudge{limits: l}
	if d.Abilities == nil || d.Abilities.Health == nil {
		j.add(HealthUnknown, "health-not-told", "", "the drive tells nothing of its health")
		return j.health()
	}
	h := *d.Abilities.Health
	j.own(h)
	j.counts(d, h)
	j.flash(h)
	j.selfTest(h)
	j.surroundings(h)
	j.missing(h)
	return j.health()
}

type healthJudge struct {
	limits Limits
	found  []healthFinding
}

type healthFinding struct {
	verdict string
	Reason
}

// healthRule is the policy's section, and the rule of what no limit decides.
const healthRule = "drive_health"

// add notes a reason; rule is the key of the limit below drive_health, empty
// for a rule that no policy changes. Args are names and values in turn.
func (j *healthJudge) add(verdict, code, rule, text string, args ...string) {
	r := Reason{Code: code, Rule: healthRule, Text: text}
	if rule != "" {
		r.Rule += "." + rule
	}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	j.found = append(j.found, healthFinding{verdict, r})
}

// own takes what the drive itself says.
func (j *healthJudge) own(h inventory.SMART) {
	if h.Passed != nil && !*h.Passed {
		j.add(HealthReject, "drive-failing", "", "the drive itself says that it is failing")
	}
	if h.CriticalWarning != nil && *h.CriticalWarning != 0 {
		bits := "0x" + strconv.FormatInt(*h.CriticalWarning, 16)
		j.add(HealthReject, "critical-warning", "", "the drive has set its critical warning "+bits, "Bits", bits)
		// NVMe Base 2.1, SMART / Health Information log, byte 0. Bit 0, the
		// spare, is told below in percent.
		for _, b := range []struct {
			bit        int64
			code, text string
		}{
			{1 << 1, "warning-temperature", "its temperature is beyond its limits"},
			{1 << 2, "warning-degraded", "it is no longer reliable"},
			{1 << 3, "warning-read-only", "it has gone read-only"},
			{1 << 4, "warning-backup", "its protection against a loss of power has failed"},
		} {
			if *h.CriticalWarning&b.bit != 0 {
				j.add(HealthReject, b.code, "", b.text)
			}
		}
	}
	if h.SparePercent != nil && h.SpareThresholdPercent != nil && *h.SparePercent < *h.SpareThresholdPercent {
		spare, threshold := count(*h.SparePercent), count(*h.SpareThresholdPercent)
		j.add(HealthReject, "spare-below-threshold", "", "spare blocks are at "+spare+" %, below the drive's own threshold of "+threshold+" %",
			"Percent", spare, "Threshold", threshold)
	}
	for _, a := range h.PastThreshold {
		name := a.Name
		if name == "" {
			name = count(int64(a.ID))
		}
		switch {
		// Heat is no damage: a drive that was too hot once is not judged by it,
		// and one that is now warns.
		case isTemperature(a) && !a.Now:
		case isTemperature(a):
			j.add(HealthWarn, "past-threshold", "", "attribute "+name+" is past the maker's threshold", "Attribute", name)
		case a.Now:
			j.add(HealthReject, "past-threshold", "", "attribute "+name+" is past the maker's threshold", "Attribute", name)
		default:
			j.add(HealthWarn, "was-past-threshold", "", "attribute "+name+" was once past the maker's threshold", "Attribute", name)
		}
	}
}

// isTemperature reports whether an attribute tells of heat: 190 and 194 do with
// every maker that has a temperature there, and smartctl names it.
func isTemperature(a inventory.PastThreshold) bool {
	return (a.ID == 190 || a.ID == 194) && (a.Name == "" || strings.Contains(a.Name, "Temperature"))
}

// counts takes what counts damage.
func (j *healthJudge) counts(d inventory.Drive, h inventory.SMART) {
	replaced, code, key, what := j.limits.ReallocatedSectors, "reallocated-sectors", "reallocated_sectors", "reallocated sectors"
	switch {
	case d.Abilities.Protocol == "scsi":
		replaced, code, key, what = j.limits.GrownDefects, "grown-defects", "grown_defects", "grown defects"
	case d.Media == inventory.MediaFlash:
		replaced, code, key, what = j.limits.RetiredBlocks, "retired-blocks", "retired_blocks", "retired blocks of flash"
		if ample := j.limits.AmpleSparePercent; ample > 0 && h.SparePercent != nil && *h.SparePercent >= ample {
			replaced.Reject = 0
		}
	}
	j.atLeast(h.Reallocated, replaced, false, code, key, what)
	j.atLeast(h.Pending, j.limits.PendingSectors, true, "pending-sectors", "pending_sectors", "sectors that wait to be reallocated")
	j.atLeast(h.OfflineUncorrectable, j.limits.OfflineUncorrectable, true, "offline-uncorrectable", "offline_uncorrectable", "sectors that the drive's own scan could not read")
	j.atLeast(h.ReportedUncorrectable, j.limits.ReportedUncorrectable, true, "reported-uncorrectable", "reported_uncorrectable", "errors that could not be corrected")
	j.atLeast(h.MediaErrors, j.limits.MediaErrors, true, "media-errors", "media_errors", "media errors")
	if h.ReportedUncorrectable == nil && h.OfflineUncorrectable == nil && h.MediaErrors == nil {
		j.atLeast(h.Uncorrectable, j.limits.ReportedUncorrectable, true, "reported-uncorrectable", "reported_uncorrectable", "errors that could not be corrected")
	}
}

// atLeast compares a count with its limit; of one that must not be, a single
// one warns whatever the limit is.
func (j *healthJudge) atLeast(n *int64, l Limit, never bool, code, key, what string) {
	if n == nil {
		return
	}
	verdict, limit := l.verdict(*n)
	if verdict == "" && never && *n > 0 {
		verdict, limit = HealthWarn, 1
	}
	if verdict != "" {
		j.add(verdict, code, key, what+": "+count(*n)+" (limit "+count(limit)+")", "Count", count(*n), "Limit", count(limit))
	}
}

// verdict is what n comes to, empty when nothing, and the limit that says so.
func (l Limit) verdict(n int64) (verdict string, limit int64) {
	switch {
	case l.Reject > 0 && n >= l.Reject:
		return HealthReject, l.Reject
	case l.Warn > 0 && n >= l.Warn:
		return HealthWarn, l.Warn
	}
	return "", 0
}

// flash takes wear.
func (j *healthJudge) flash(h inventory.SMART) {
	if n := h.PercentUsed; n != nil {
		if verdict, limit := j.limits.PercentUsed.verdict(*n); verdict != "" {
			j.add(verdict, "worn", "percent_used", count(*n)+" % of the rated endurance is used (limit "+count(limit)+" %)",
				"Percent", count(*n), "Limit", count(limit))
		}
	}
	if n, l := h.SparePercent, j.limits.SparePercent; n != nil {
		verdict, limit := "", int64(0)
		switch {
		case l.Reject > 0 && *n <= l.Reject:
			verdict, limit = HealthReject, l.Reject
		case l.Warn > 0 && *n <= l.Warn:
			verdict, limit = HealthWarn, l.Warn
		}
		if verdict != "" {
			j.add(verdict, "spare-low", "spare_percent", count(*n)+" % of the spare blocks are left (limit "+count(limit)+" %)",
				"Percent", count(*n), "Limit", count(limit))
		}
	}
}

// selfTest takes the log of self-tests. One that failed rejects while it is
// recent and no extended one passed since; when it was is not always told, and
// then it counts as recent.
func (j *healthJudge) selfTest(h inventory.SMART) {
	t := h.SelfTest
	if t == nil || t.Failures == 0 {
		return
	}
	verdict, code := HealthWarn, "self-test-failed-before"
	age, known := testAge(*t, h.PowerOnHours)
	if l := j.limits.SelfTestHours; l > 0 && !t.PassedSince && (!known || age <= l) {
		verdict, code = HealthReject, "self-test-failed"
	}
	if known {
		j.add(verdict, code, "self_test_hours", "a self-test failed "+count(age)+" power-on hours ago", "Hours", count(age))
	} else {
		j.add(verdict, "self-test-failed-sometime", "self_test_hours", "a self-test failed, and the log does not tell when")
	}
}

// testAge is how many power-on hours ago the last failure was. Where the log's
// hours wrap, the later time is taken.
func testAge(t inventory.SelfTest, now *int64) (hours int64, known bool) {
	if now == nil || t.FailedHours == nil {
		return 0, false
	}
	hours = *now - *t.FailedHours
	if t.HoursWrap {
		hours &= 0xffff
	}
	return hours, hours >= 0
}

// surroundings takes what is not the medium's: cable, heat, age.
func (j *healthJudge) surroundings(h inventory.SMART) {
	j.atLeast(h.CRCErrors, Limit{Warn: j.limits.CRCErrors}, false, "crc-errors", "crc_errors", "transfers that arrived damaged, which most often is the cable's fault")
	j.atLeast(h.CommandTimeouts, Limit{Warn: j.limits.CommandTimeouts}, false, "command-timeouts", "command_timeouts", "commands that timed out")
	j.atLeast(h.PowerOnHours, j.limits.PowerOnHours, false, "power-on-hours", "power_on_hours", "power-on hours")
	j.atLeast(h.TemperatureCelsius, j.limits.TemperatureCelsius, false, "hot", "temperature_celsius", "degrees Celsius now")
}

// missing says what a verdict would have needed.
func (j *healthJudge) missing(h inventory.SMART) {
	for _, what := range h.Senseless {
		j.add(HealthUnknown, "health-senseless", "", "what the drive tells of "+what+" makes no sense", "What", what)
	}
	if h.Passed == nil {
		j.add(HealthUnknown, "no-own-verdict", "", "the drive's own verdict is not told")
	}
	counted := slices.ContainsFunc([]*int64{h.Reallocated, h.Pending, h.OfflineUncorrectable, h.ReportedUncorrectable, h.MediaErrors,
		h.Uncorrectable, h.PercentUsed, h.SparePercent}, func(n *int64) bool { return n != nil })
	if !counted {
		j.add(HealthUnknown, "no-counts", "", "neither damage nor wear is told, and the drive's own verdict alone proves little")
	}
}

// healthOrder orders verdicts: a reason to reject stands whatever else is unknown,
// and what is unknown stands before what only warns.
var healthOrder = []string{HealthReject, HealthUnknown, HealthWarn, HealthOK}

// health gives the verdict of the worst finding, and the findings with the
// worst first.
func (j *healthJudge) health() Health {
	if len(j.found) == 0 {
		j.add(HealthOK, "healthy", "", "the drive passes its own check and counts no damage")
	}
	slices.SortStableFunc(j.found, func(a, b healthFinding) int {
		return slices.Index(healthOrder, a.verdict) - slices.Index(healthOrder, b.verdict)
	})
	out := Health{Verdict: j.found[0].verdict}
	for _, f := range j.found {
		out.Reasons = append(out.Reasons, f.Reason)
	}
	return out
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
