package grade

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ombruk/ombruk/inventory"
)

var updateHealth = flag.Bool("update-health", false, "write testdata/health.golden anew")

// of gives a drive that tells h.
func of(media inventory.Media, h inventory.SMART) inventory.Drive {
	return inventory.Drive{Media: media, Abilities: &inventory.Abilities{Protocol: "ata", Health: &h}}
}

func codes(h Health) (all []string) {
	for _, r := range h.Reasons {
		all = append(all, r.Code)
	}
	return all
}

func p[T any](v T) *T { return &v }

func TestJudgeHealth(t *testing.T) {
	// A disk that is well.
	well := func(change func(*inventory.SMART)) inventory.SMART {
		h := inventory.SMART{Passed: p(true), PowerOnHours: p(int64(20000)), Reallocated: p(int64(0)), Pending: p(int64(0)), OfflineUncorrectable: p(int64(0)), ReportedUncorrectable: p(int64(0))}
		if change != nil {
			change(&h)
		}
		return h
	}
	failed := func(hours int64, since bool) func(*inventory.SMART) {
		return func(h *inventory.SMART) {
			h.SelfTest = &inventory.SelfTest{Last: inventory.SelfTestFailed, Failures: 1, FailedHours: &hours, PassedSince: since, HoursWrap: true}
		}
	}
	for _, c := range []struct {
		name    string
		media   inventory.Media
		h       inventory.SMART
		verdict string
		codes   string
	}{
		{"well", inventory.MediaMagnetic, well(nil), HealthOK, "healthy"},
		{"fails by its own word", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.Passed = p(false) }), HealthReject, "drive-failing"},
		{"ten sectors replaced", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.Reallocated = p(int64(10)) }), HealthWarn, "reallocated-sectors"},
		{"eleven sectors replaced", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.Reallocated = p(int64(11)) }), HealthReject, "reallocated-sectors"},
		{"blocks of flash retired", inventory.MediaFlash, well(func(h *inventory.SMART) { h.Reallocated = p(int64(3)) }), HealthWarn, "retired-blocks"},
		{"many blocks of flash retired", inventory.MediaFlash, well(func(h *inventory.SMART) { h.Reallocated, h.SparePercent = p(int64(36)), p(int64(89)) }), HealthReject, "retired-blocks"},
		{"many blocks retired, and the reserve hardly used", inventory.MediaFlash, well(func(h *inventory.SMART) { h.Reallocated, h.SparePercent = p(int64(36)), p(int64(97)) }), HealthWarn, "retired-blocks"},
		{"a disk has no such reserve", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.Reallocated, h.SparePercent = p(int64(36)), p(int64(97)) }), HealthReject, "reallocated-sectors"},
		{"one sector waits", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.Pending = p(int64(1)) }), HealthReject, "pending-sectors"},
		{"its scan found one", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.OfflineUncorrectable = p(int64(1)) }), HealthReject, "offline-uncorrectable"},
		{"one read failed", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.ReportedUncorrectable = p(int64(1)) }), HealthReject, "reported-uncorrectable"},
		{"a bad cable", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.CRCErrors = p(int64(1 << 30)) }), HealthWarn, "crc-errors"},
		{"used up", inventory.MediaFlash, well(func(h *inventory.SMART) { h.PercentUsed = p(int64(100)) }), HealthReject, "worn"},
		{"nearly used up", inventory.MediaFlash, well(func(h *inventory.SMART) { h.PercentUsed = p(int64(80)) }), HealthWarn, "worn"},
		{"spare below the drive's threshold", inventory.MediaFlash, well(func(h *inventory.SMART) { h.SparePercent, h.SpareThresholdPercent = p(int64(9)), p(int64(10)) }), HealthReject, "spare-below-threshold spare-low"},
		{"spare at the drive's threshold", inventory.MediaFlash, well(func(h *inventory.SMART) { h.SparePercent, h.SpareThresholdPercent = p(int64(10)), p(int64(10)) }), HealthWarn, "spare-low"},
		{"past its threshold now", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.PastThreshold = []inventory.PastThreshold{{ID: 184, Now: true}} }), HealthReject, "past-threshold"},
		{"past its threshold once", inventory.MediaMagnetic, well(func(h *inventory.SMART) {
			h.PastThreshold = []inventory.PastThreshold{{ID: 1, Name: "Raw_Read_Error_Rate"}}
		}), HealthWarn, "was-past-threshold"},
		{"too hot now", inventory.MediaMagnetic, well(func(h *inventory.SMART) {
			h.PastThreshold = []inventory.PastThreshold{{ID: 190, Name: "Airflow_Temperature_Cel", Now: true}}
		}), HealthWarn, "past-threshold"},
		{"too hot on some summer's day", inventory.MediaMagnetic, well(func(h *inventory.SMART) {
			h.PastThreshold = []inventory.PastThreshold{{ID: 190, Name: "Airflow_Temperature_Cel"}}
		}), HealthOK, "healthy"},
		{"a reserve that is used up, where others have the temperature", inventory.MediaFlash, well(func(h *inventory.SMART) {
			h.PastThreshold = []inventory.PastThreshold{{ID: 194, Name: "Available_Reservd_Space", Now: true}}
		}), HealthReject, "past-threshold"},
		{"a self-test failed last month", inventory.MediaMagnetic, well(failed(19500, false)), HealthReject, "self-test-failed"},
		{"a self-test failed years ago", inventory.MediaMagnetic, well(failed(1200, false)), HealthWarn, "self-test-failed-before"},
		{"a self-test failed and the next passed", inventory.MediaMagnetic, well(failed(19500, true)), HealthWarn, "self-test-failed-before"},
		{"the hours of the log came round", inventory.MediaMagnetic, well(func(h *inventory.SMART) { failed(4000, false)(h); h.PowerOnHours = p(int64(70000)) }), HealthReject, "self-test-failed"},
		{"a self-test failed, nobody knows when", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.SelfTest = &inventory.SelfTest{Failures: 1} }), HealthReject, "self-test-failed-sometime"},
		{"only its hours", inventory.MediaMagnetic, inventory.SMART{PowerOnHours: p(int64(5))}, HealthUnknown, "no-own-verdict no-counts"},
		{"only its own word", inventory.MediaMagnetic, inventory.SMART{Passed: p(true)}, HealthUnknown, "no-counts"},
		{"no word of its own, and damage", inventory.MediaMagnetic, inventory.SMART{Reallocated: p(int64(5))}, HealthUnknown, "no-own-verdict reallocated-sectors"},
		{"nonsense", inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.Pending, h.Senseless = nil, []string{"pending"} }), HealthUnknown, "health-senseless"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := JudgeHealth(of(c.media, c.h), commonLimits())
			if got.Verdict != c.verdict || strings.Join(codes(got), " ") != c.codes {
				t.Errorf("got %s %v, want %s %s", got.Verdict, codes(got), c.verdict, c.codes)
			}
		})
	}
	for _, d := range []inventory.Drive{{}, {Abilities: &inventory.Abilities{}}} {
		if got := JudgeHealth(d, commonLimits()); got.Verdict != HealthUnknown || len(got.Reasons) != 1 {
			t.Errorf("nothing told: %+v", got)
		}
	}
	sas := of(inventory.MediaMagnetic, well(func(h *inventory.SMART) { h.Reallocated = p(int64(12)) }))
	sas.Abilities.Protocol = "scsi"
	if got := JudgeHealth(sas, commonLimits()); got.Verdict != HealthReject || got.Reasons[0].Rule != "drive_health.grown_defects" || got.Reasons[0].Args["Count"] != "12" {
		t.Errorf("grown defects: %+v", got)
	}
}

// lawful checks what must hold for whatever a drive tells, by whatever limits.
func lawful(d inventory.Drive, got Health, l Limits) error {
	var h inventory.SMART
	if d.Abilities != nil && d.Abilities.Health != nil {
		h = *d.Abilities.Health
	}
	more := func(n *int64) bool { return n != nil && *n > 0 }
	now := slices.ContainsFunc(h.PastThreshold, func(a inventory.PastThreshold) bool { return a.Now })
	for _, law := range []struct {
		broken bool
		law    string
	}{
		{!slices.Contains([]string{HealthOK, HealthWarn, HealthReject, HealthUnknown}, got.Verdict) || len(got.Reasons) == 0, "there is a verdict with a reason"},
		{h.Passed != nil && !*h.Passed && got.Verdict != HealthReject, "what fails by its own word is rejected"},
		{h.CriticalWarning != nil && *h.CriticalWarning != 0 && got.Verdict != HealthReject, "a critical warning rejects"},
		{now && got.Verdict != HealthReject, "past a threshold now rejects"},
		{(more(h.Pending) || more(h.OfflineUncorrectable) || more(h.ReportedUncorrectable) || more(h.MediaErrors) || more(h.Uncorrectable)) && got.Verdict == HealthOK, "what cannot be read is never ok"},
		{h.Passed == nil && got.Verdict == HealthOK, "without its own verdict it is never ok"},
		{len(h.Senseless) > 0 && (got.Verdict == HealthOK || got.Verdict == HealthWarn), "nonsense is neither ok nor to be used"},
		{len(h.PastThreshold) > 0 && got.Verdict == HealthOK, "once past a threshold is never ok"},
		{h.SelfTest != nil && h.SelfTest.Failures > 0 && got.Verdict == HealthOK, "a failed self-test is never ok"},
		{reflect.DeepEqual(h, inventory.SMART{}) && got.Verdict != HealthUnknown, "nothing told is unknown"},
	} {
		if law.broken {
			return fmt.Errorf("%s: %s %v for %+v by %+v", law.law, got.Verdict, codes(got), h, l)
		}
	}
	for _, r := range got.Reasons {
		if r.Code == "" || r.Text == "" || !strings.HasPrefix(r.Rule, "drive_health") {
			return fmt.Errorf("reason %+v", r)
		}
	}
	return nil
}

func TestLawsOfHealth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) *int64 {
			if !rapid.Bool().Draw(t, name+" told") {
				return nil
			}
			return p(rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 1<<40)).Draw(t, name))
		}
		limit := func(name string) Limit {
			return Limit{Warn: rapid.Int64Range(0, 20).Draw(t, name+" warn"), Reject: rapid.Int64Range(0, 20).Draw(t, name+" reject")}
		}
		var h inventory.SMART
		v := reflect.ValueOf(&h).Elem()
		for i := range v.NumField() {
			if f, ok := v.Field(i).Addr().Interface().(**int64); ok {
				*f = number(v.Type().Field(i).Name)
			}
		}
		if rapid.Bool().Draw(t, "passed told") {
			h.Passed = p(rapid.Bool().Draw(t, "passed"))
		}
		if rapid.Bool().Draw(t, "tests") {
			h.SelfTest = &inventory.SelfTest{Failures: rapid.Int64Range(0, 2).Draw(t, "failures"), FailedHours: number("failed"), PassedSince: rapid.Bool().Draw(t, "since"), HoursWrap: rapid.Bool().Draw(t, "wrap")}
		}
		if rapid.Bool().Draw(t, "past") {
			h.PastThreshold = []inventory.PastThreshold{{ID: 5, Now: rapid.Bool().Draw(t, "now")}}
		}
		if rapid.IntRange(0, 4).Draw(t, "senseless") == 0 {
			h.Senseless = []string{"pending"}
		}
		var l Limits
		lv := reflect.ValueOf(&l).Elem()
		for i := range lv.NumField() {
			switch f := lv.Field(i).Addr().Interface().(type) {
			case *Limit:
				*f = limit(lv.Type().Field(i).Name)
			case *int64:
				*f = rapid.Int64Range(0, 50).Draw(t, lv.Type().Field(i).Name)
			}
		}
		d := of(rapid.SampledFrom([]inventory.Media{inventory.MediaMagnetic, inventory.MediaFlash, inventory.MediaUnknown}).Draw(t, "media"), h)
		d.Abilities.Protocol = rapid.SampledFrom([]string{"ata", "scsi", "nvme"}).Draw(t, "protocol")
		if err := lawful(d, JudgeHealth(d, l), l); err != nil {
			t.Fatal(err)
		}
		// A bad cable by itself rejects nothing.
		cable := inventory.SMART{Passed: p(true), Pending: p(int64(0)), CRCErrors: h.CRCErrors}
		if got := JudgeHealth(of(inventory.MediaMagnetic, cable), l); got.Verdict != HealthOK && got.Verdict != HealthWarn {
			t.Fatalf("cable: %+v", got)
		}
	})
}

var (
	ownFailure = regexp.MustCompile(`(?m)(?:self-assessment test result: FAILED|^SMART Health Status: .*\[asc=)|"smart_status": *\{[^}]*"passed": *false`)
	unreadable = regexp.MustCompile(`(?m)^ *(?:187|197|198) \S+ .* (\d+)$|^Media and Data Integrity Errors: +([\d,]+)$`)
)

// Every report that is kept, with what was read of it and how it was judged, in
// a table that was read by people: testdata/health.golden.
func TestHealthOfKeptReports(t *testing.T) {
	files, err := filepath.Glob("../testdata/smartctl/*.*")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var table strings.Builder
	for _, name := range files {
		if ext := filepath.Ext(name); ext != ".txt" && ext != ".json" {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := inventory.ReadSmartctl(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := JudgeHealth(d, commonLimits())
		if err := lawful(d, got, commonLimits()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// What stands in the report itself, read without our parser.
		if ownFailure.Match(b) && got.Verdict != HealthReject {
			t.Errorf("%s: %s, and the drive says that it fails", name, got.Verdict)
		}
		for _, m := range unreadable.FindAllSubmatch(b, -1) {
			if n := strings.Trim(string(m[1])+string(m[2]), "0,"); n != "" && got.Verdict == HealthOK {
				t.Errorf("%s: ok, with %s", name, m[0])
			}
		}
		fmt.Fprintf(&table, "%s: %s\n", filepath.Base(name), got.Verdict)
		for _, r := range got.Reasons {
			fmt.Fprintf(&table, "  %s (%s)\n", r.Text, r.Rule)
		}
		facts, err := json.Marshal(d.Abilities.Health)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&table, "  %s %s %s %s\n", d.Manufacturer, d.Media, d.Bus, regexp.MustCompile(`"\w+":null,|,"\w+":null`).ReplaceAll(facts, nil))
	}
	const golden = "testdata/health.golden"
	if *updateHealth {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.String(); got != string(want) {
		g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Fatalf("line %d (-update-health writes the table; read it):\n got %s\nwant %s", i+1, g[i], w[i])
			}
		}
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
}
