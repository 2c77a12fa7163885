package policy

import (
	"fmt"

	"github.com/ombruk/ombruk/internal/yamlfile"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// healthTable is the drive_health: part of the file.
type healthTable struct {
	ReallocatedSectors    *limitTable `yaml:"reallocated_sectors"`
	RetiredBlocks         *limitTable `yaml:"retired_blocks"`
	GrownDefects          *limitTable `yaml:"grown_defects"`
	PendingSectors        *limitTable `yaml:"pending_sectors"`
	OfflineUncorrectable  *limitTable `yaml:"offline_uncorrectable"`
	ReportedUncorrectable *limitTable `yaml:"reported_uncorrectable"`
	MediaErrors           *limitTable `yaml:"media_errors"`
	PercentUsed           *limitTable `yaml:"percent_used"`
	SparePercent          *limitTable `yaml:"spare_percent"`
	PowerOnHours          *limitTable `yaml:"power_on_hours"`
	TemperatureCelsius    *limitTable `yaml:"temperature_celsius"`
	CommandTimeouts       *int        `yaml:"command_timeouts"`
	CRCErrors             *int        `yaml:"crc_errors"`
	SelfTestHours         *int        `yaml:"self_test_hours"`
	AmpleSparePercent     *int        `yaml:"ample_spare_percent"`
}

// limitTable is one limit. A half that is left out is 0: never.
type limitTable struct {
	Warn   *int `yaml:"warn"`
	Reject *int `yaml:"reject"`
}

// maxLimit is more than any figure that a drive counts before it is scrap.
const maxLimit = 1_000_000_000

// driveHealth reads the section. A limit that the file leaves out is as in
// otherwise.
func driveHealth(f *yamlfile.File, in *healthTable, otherwise grade.Limits) (grade.Limits, error) {
	l := otherwise
	if in == nil {
		return l, nil
	}
	g := gradingReader{f: f}
	number := func(path string, in *int) int64 {
		switch {
		case in == nil:
			return 0
		case *in < 0 || *in > maxLimit:
			g.refuse(path, "%d: want 0 (never) to %d", *in, maxLimit)
		}
		return int64(*in)
	}
	for _, t := range []struct {
		key     string
		in      *limitTable
		out     *grade.Limit
		falling bool // a smaller figure is worse
	}{
		{"reallocated_sectors", in.ReallocatedSectors, &l.ReallocatedSectors, false},
		{"retired_blocks", in.RetiredBlocks, &l.RetiredBlocks, false},
		{"grown_defects", in.GrownDefects, &l.GrownDefects, false},
		{"pending_sectors", in.PendingSectors, &l.PendingSectors, false},
		{"offline_uncorrectable", in.OfflineUncorrectable, &l.OfflineUncorrectable, false},
		{"reported_uncorrectable", in.ReportedUncorrectable, &l.ReportedUncorrectable, false},
		{"media_errors", in.MediaErrors, &l.MediaErrors, false},
		{"percent_used", in.PercentUsed, &l.PercentUsed, false},
		{"spare_percent", in.SparePercent, &l.SparePercent, true},
		{"power_on_hours", in.PowerOnHours, &l.PowerOnHours, false},
		{"temperature_celsius", in.TemperatureCelsius, &l.TemperatureCelsius, false},
	} {
		if t.in == nil {
			continue
		}
		path := "drive_health." + t.key
		limit := grade.Limit{Warn: number(path+".warn", t.in.Warn), Reject: number(path+".reject", t.in.Reject)}
		switch both := limit.Warn > 0 && limit.Reject > 0; {
		case t.in.Warn == nil && t.in.Reject == nil:
			g.refuse(path, "want warn, reject or both")
		case both && !t.falling && limit.Warn > limit.Reject, both && t.falling && limit.Warn < limit.Reject:
			g.refuse(path, "warn %d, reject %d: a drive would be rejected before anything is said", limit.Warn, limit.Reject)
		}
		*t.out = limit
	}
	for _, t := range []struct {
		key string
		in  *int
		out *int64
	}{
		{"command_timeouts", in.CommandTimeouts, &l.CommandTimeouts}, {"crc_errors", in.CRCErrors, &l.CRCErrors},
		{"self_test_hours", in.SelfTestHours, &l.SelfTestHours}, {"ample_spare_percent", in.AmpleSparePercent, &l.AmpleSparePercent},
	} {
		if t.in != nil {
			*t.out = number("drive_health."+t.key, t.in)
		}
	}
	return l, g.err
}

// classes are the classes of machine, see [inventory.System].
func classes() []string {
	return []string{"laptop", "convertible", "tablet", "desktop", "mini", "all-in-one", "workstation", "server", "monitor", "phone", "other"}
}

// locks are the codes of locks.
func locks() []string {
	return []string{
		inventory.LockFirmwareSetup, inventory.LockFirmwareStart, inventory.LockDrive, inventory.LockAbsolute, inventory.LockPlatformBinary,
		inventory.LockAutopilot, inventory.LockActivation, inventory.LockKnox, inventory.LockChromeEnrolment, inventory.LockManagement,
	}
}

// complete refuses a shipped policy that leaves out a table of grading.
func complete(in file) error {
	g, h := in.Grading, in.DriveHealth
	if g == nil || h == nil || g.Scale == nil || g.Function == nil || g.Cosmetic == nil || g.Battery == nil || g.Drive == nil || g.R2 == nil || g.Dispositions == nil {
		return fmt.Errorf("grading: %w", errNoGrading)
	}
	return nil
}
