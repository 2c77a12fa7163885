package inventory

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// namedFields are the figures of smartctl's JSON that have a name of their own.
// They are decoded here by their paths alone, without our reading of the tree.
type namedFields struct {
	SmartStatus *struct {
		Passed *bool `json:"passed"`
	} `json:"smart_status"`
	PowerOnTime *struct {
		Hours *int64 `json:"hours"`
	} `json:"power_on_time"`
	PowerCycleCount *int64 `json:"power_cycle_count"`
	Temperature     *struct {
		Current     *int64 `json:"current"`
		LifetimeMax *int64 `json:"lifetime_max"`
	} `json:"temperature"`
	UserCapacity *struct {
		Bytes *int64 `json:"bytes"`
	} `json:"user_capacity"`
	GrownDefects *int64 `json:"scsi_grown_defect_list"`
	NVMe         *struct {
		CriticalWarning *int64 `json:"critical_warning"`
		Spare           *int64 `json:"available_spare"`
		SpareThreshold  *int64 `json:"available_spare_threshold"`
		Used            *int64 `json:"percentage_used"`
		MediaErrors     *int64 `json:"media_errors"`
		Unsafe          *int64 `json:"unsafe_shutdowns"`
		Cycles          *int64 `json:"power_cycles"`
		Hours           *int64 `json:"power_on_hours"`
	} `json:"nvme_smart_health_information_log"`
	Attributes struct {
		Table []struct {
			ID         int    `json:"id"`
			Name       string `json:"name"`
			WhenFailed string `json:"when_failed"`
			Raw        struct {
				String string `json:"string"`
			} `json:"raw"`
		} `json:"table"`
	} `json:"ata_smart_attributes"`
}

func TestFiguresOfJSONReports(t *testing.T) {
	files, err := filepath.Glob("testdata/smartctl/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	compared := 0
	for _, name := range files {
		b := smartctlDump(t, filepath.Base(name))
		var f namedFields
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		d, err := ReadSmartctl(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var h SMART
		if d.Abilities.Health != nil {
			h = *d.Abilities.Health
		}
		same := func(what string, got, want *int64) {
			t.Helper()
			if want == nil {
				return
			}
			if compared++; number(got) != *want {
				t.Errorf("%s: %s %d, want %d", name, what, number(got), *want)
			}
		}
		if s := f.SmartStatus; s != nil && s.Passed != nil && (h.Passed == nil || *h.Passed != *s.Passed) {
			t.Errorf("%s: passed", name)
		}
		if f.PowerOnTime != nil {
			same("hours", h.PowerOnHours, f.PowerOnTime.Hours)
		}
		same("cycles", h.PowerCycles, f.PowerCycleCount)
		if f.Temperature != nil {
			if n := f.Temperature.Current; n != nil && *n > 0 { // none has a sensor and zero degrees
				same("temperature", h.TemperatureCelsius, n)
			}
			same("highest temperature", h.TemperatureMaxCelsius, f.Temperature.LifetimeMax)
		}
		if f.UserCapacity != nil {
			same("bytes", &d.CapacityBytes, f.UserCapacity.Bytes)
		}
		same("grown defects", h.Reallocated, f.GrownDefects)
		if n := f.NVMe; n != nil {
			same("critical warning", h.CriticalWarning, n.CriticalWarning)
			same("spare", h.SparePercent, n.Spare)
			same("spare threshold", h.SpareThresholdPercent, n.SpareThreshold)
			same("used", h.PercentUsed, n.Used)
			same("media errors", h.MediaErrors, n.MediaErrors)
			same("unsafe shutdowns", h.UnsafeShutdowns, n.Unsafe)
			same("cycles", h.PowerCycles, n.Cycles)
			same("hours", h.PowerOnHours, n.Hours)
		}
		now := 0
		for _, a := range f.Attributes.Table {
			if a.WhenFailed != "" {
				now++
			}
			first, _, _ := strings.Cut(a.Raw.String, " ")
			n, err := strconv.ParseInt(first, 10, 64)
			if err != nil {
				continue
			}
			switch a.Name {
			case "Reallocated_Sector_Ct":
				same(a.Name, h.Reallocated, &n)
			case "Current_Pending_Sector":
				same(a.Name, h.Pending, &n)
			case "Offline_Uncorrectable":
				same(a.Name, h.OfflineUncorrectable, &n)
			case "Reported_Uncorrect", "Uncorrectable_Error_Cnt":
				same(a.Name, h.ReportedUncorrectable, &n)
			case "UDMA_CRC_Error_Count", "CRC_Error_Count":
				same(a.Name, h.CRCErrors, &n)
			}
		}
		if now != len(h.PastThreshold) {
			t.Errorf("%s: %d attributes past their threshold, want %d", name, len(h.PastThreshold), now)
		}
	}
	if compared < 80 {
		t.Errorf("%d figures compared", compared)
	}
}

// Reports that smartctl gives in other forms, as its versions print them.
func TestFormsOfSmartctl(t *testing.T) {
	for _, c := range []struct {
		name, text string
		check      func(d Drive, h SMART) bool
	}{
		{"SCSI by version 5", "smartctl version 5.38 [x86_64-redhat-linux-gnu] Copyright (C) 2002-8 Bruce Allen\n" +
			"Device: SEAGATE  ST3146807LC      Version: 0007\nSerial number: 3HY\nDevice type: disk\nTransport protocol: Parallel SCSI (SPI-4)\n" +
			"SMART Health Status: OK\nCurrent Drive Temperature:     34 C\nDrive Trip Temperature:        68 C\nElements in grown defect list: 2\n" +
			"  number of hours powered up = 30330.92\n" +
			"Error counter log:\n           Errors Corrected by           Total   Correction     Gigabytes    Total\n               ECC          rereads/    errors   algorithm      processed    uncorrected\n" +
			"           fast | delayed   rewrites  corrected  invocations   [10^9 bytes]  errors\nread:   1234567        0         0   1234567    1234567       1234.567           3\nwrite:        0        0         0         0          0        567.890           0\n\nNon-medium error count:       12\n\n" +
			"SMART Self-test log\nNum  Test              Status                 segment  LifeTime  LBA_first_err [SK ASC ASQ]\n     Description                              number   (hours)\n" +
			"# 1  Background long   Failed in segment -->       3   29000         0x1234 [0x3 0x11 0x0]\n# 2  Background short  Completed                   -   43                 - [-   -    -]\n",
			func(d Drive, h SMART) bool {
				return d.Manufacturer == "SEAGATE" && d.Model == "ST3146807LC" && d.Firmware == "0007" && number(h.Reallocated) == 2 && number(h.ReportedUncorrectable) == 3 &&
					number(h.TemperatureCelsius) == 34 && number(h.PowerOnHours) == 30330 && h.SelfTest.Failures == 1 && number(h.SelfTest.FailedHours) == 29000 && h.SelfTest.Last == SelfTestFailed
			}},
		{"SCSI that predicts", "smartctl 7.3\nVendor:               HGST\nProduct:              HUS156060VLS600\nSMART Health Status: HARDWARE IMPENDING FAILURE GENERAL HARD DRIVE FAILURE [asc=5d, ascq=10]\n",
			func(_ Drive, h SMART) bool { return h.Passed != nil && !*h.Passed }},
		{"SCSI background scan", "smartctl 7.3\nVendor:               HGST\nProduct:              HUS156060VLS600\nSMART Health Status: OK\nBackground scan results log\n  Status: scan is active\n" +
			"    Accumulated power on time, hours:minutes 31222:12 [1873332 minutes]\n\n   #  when        lba(hex)    [sk,asc,ascq]    reassign_status\n" +
			"   1 15000:01  000000000012b3c4  [3,11,0]   Require Write or Reassign Blocks command\n   2 15001:01  000000000012b3c5  [1,18,7]   Recovered via rewrite in-place\n\n",
			func(_ Drive, h SMART) bool { return number(h.Pending) == 1 && number(h.PowerOnHours) == 31222 }},
		{"the long form of attributes", "smartctl 6.6 2016-05-31 r4324\nDevice Model:     ST2000DM001-1ER164\nSMART overall-health self-assessment test result: PASSED\n" +
			"ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE\n" +
			"  5 Reallocated_Sector_Ct   0x0033   001   001   010    Pre-fail  Always   FAILING_NOW 3904\n190 Airflow_Temperature_Cel 0x0022   055   040   045    Old_age   Always   In_the_past 45 (Min/Max 20/60)\n" +
			"197 Current_Pending_Sector  0x0012   100   100   000    Old_age   Always       -       16\n198 Offline_Uncorrectable   0x0010   100   100   000    Old_age   Offline      -       281474976710655\n\n" +
			"SMART Self-test log structure revision number 1\nNum  Test_Description    Status                  Remaining  LifeTime(hours)  LBA_of_first_error\n" +
			"# 1  Extended offline    Completed without error       00%     14417         -\n# 2  Short offline       Completed: servo/seek failure 20%     14000         123\n",
			func(_ Drive, h SMART) bool {
				return number(h.Reallocated) == 3904 && number(h.Pending) == 16 && h.OfflineUncorrectable == nil && len(h.Senseless) == 1 && h.Senseless[0] == senselessOffline &&
					len(h.PastThreshold) == 2 && h.PastThreshold[0].Now && !h.PastThreshold[1].Now && h.SelfTest.Failures == 1 && number(h.SelfTest.FailedHours) == 14000 && h.SelfTest.PassedSince
			}},
		{"attributes in hexadecimal", "smartctl 7.3\nDevice Model:     ST2000DM001-1ER164\nID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE\n" +
			"0x05 Reallocated_Sector_Ct   PO--CK   0x64  0x64  0x0a   -    7\n",
			func(_ Drive, h SMART) bool { return number(h.Reallocated) == 7 }},
		{"NVMe self-tests", "smartctl 7.4\nModel Number:                       Samsung SSD 980\nPower On Hours:                     5,000\nSelf-test Log (NVMe Log 0x06)\nSelf-test status: No self-test in progress\n" +
			"Num  Test_Description  Status                       Power_on_Hours  Failing_LBA  NSID Seg SCT Code\n 0   Short             Completed without error                4999            -     -   -   -    -\n" +
			" 1   Extended          Completed: failed segments             4801            -     1   2   -    -\n",
			func(_ Drive, h SMART) bool {
				return h.SelfTest != nil && h.SelfTest.Last == SelfTestPassed && h.SelfTest.Failures == 1 && number(h.SelfTest.FailedHours) == 4801 && !h.SelfTest.PassedSince && !h.SelfTest.HoursWrap
			}},
		{"hours beyond a hundred years", "smartctl 7.3\nDevice Model:     INTEL SSDSC2CW120A3\nModel Family:     Intel 520 Series SSDs\nID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE\n" +
			"  9 Power_On_Hours_and_Msec -O--CK   000   000   000    -    898989h+41m+00.000s\n",
			func(_ Drive, h SMART) bool { return h.PowerOnHours == nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := ReadSmartctl([]byte(c.text))
			if err != nil || d.Abilities == nil {
				t.Fatal(err)
			}
			var h SMART
			if d.Abilities.Health != nil {
				h = *d.Abilities.Health
			}
			if !c.check(d, h) {
				b, _ := json.Marshal(h)
				t.Errorf("%s %s: %s", d.Manufacturer, d.Model, b)
			}
		})
	}
}
