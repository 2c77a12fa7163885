package grade_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

func some(n int64) *int64 { return &n }

// soundDrive is a flash drive that says all is well, with nothing counted.
func soundDrive(path string) inventory.Drive {
	passed := true
	return inventory.Drive{
		Path: path, Bus: inventory.BusNVMe, Media: inventory.MediaFlash, Model: "SSD 256", Serial: "S" + path, CapacityBytes: 256e9,
		Abilities: &inventory.Abilities{Protocol: "nvme", Health: &inventory.SMART{
			Passed: &passed, CriticalWarning: some(0), MediaErrors: some(0), PercentUsed: some(3), SparePercent: some(100), PowerOnHours: some(4000), TemperatureCelsius: some(30),
		}},
	}
}

// worn is a drive whose endurance is used up.
func worn(path string) inventory.Drive {
	d := soundDrive(path)
	h := *d.Abilities.Health
	h.PercentUsed = some(130)
	d.Abilities = &inventory.Abilities{Protocol: "nvme", Health: &h}
	return d
}

// laptop is a used notebook of a common kind, of which everything was found well
// and the drive is clean.
func laptop() grade.Facts {
	f := grade.Facts{
		Machine: inventory.Machine{
			System: inventory.System{Manufacturer: "Lenovo", Model: "ThinkPad T480", Class: "laptop"},
			CPU:    []inventory.CPU{{Vendor: "GenuineIntel", Model: "Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz", Family: 6, ModelNumber: 0x8e, Stepping: 10, Cores: 4}},
			Memory: inventory.Memory{TotalBytes: 16 << 30}, Board: inventory.Board{MaxMemoryBytes: 32 << 30},
			Drives: []inventory.Drive{soundDrive("/dev/nvme0n1")}, Controllers: []inventory.Controller{{Name: "NVMe", Drives: 1}},
			Parts: inventory.Parts{Batteries: []inventory.Battery{{Name: "BAT0", HealthPercent: 92}}, Cameras: []string{"Camera"}, WiFi: []string{"Wi-Fi"}},
		},
		Drives: []grade.Drive{{Path: "/dev/nvme0n1", State: grade.DataClean}},
		Status: grade.Product,
	}
	for _, part := range append(grade.Triable(), "battery", "damage", grade.PartBatterySafety) {
		f.Checks = append(f.Checks, grade.Check{Part: part, Verdict: "pass"})
	}
	f.Checks = append(f.Checks, grade.Check{Part: "cosmetic", Verdict: "pass", Grade: "A"})
	for _, code := range locks() {
		f.Machine.Locks = append(f.Machine.Locks, inventory.Lock{Code: code, State: inventory.LockClear})
	}
	return f
}

func locks() []string {
	return []string{
		inventory.LockFirmwareSetup, inventory.LockFirmwareStart, inventory.LockDrive, inventory.LockAbsolute, inventory.LockPlatformBinary,
		inventory.LockAutopilot, inventory.LockActivation, inventory.LockKnox, inventory.LockChromeEnrolment, inventory.LockManagement,
	}
}

// say changes what a person found of a part; an empty verdict is that nobody looked.
func say(f *grade.Facts, part, verdict, letter string) {
	f.Checks = slices.DeleteFunc(slices.Clone(f.Checks), func(c grade.Check) bool { return c.Part == part })
	if verdict != "" {
		f.Checks = append(f.Checks, grade.Check{Part: part, Verdict: verdict, Grade: letter})
	}
}

func setLock(f *grade.Facts, code string, s inventory.LockState) {
	f.Machine.Locks = slices.Clone(f.Machine.Locks)
	for i := range f.Machine.Locks {
		if f.Machine.Locks[i].Code == code {
			f.Machine.Locks[i].State = s
		}
	}
}

func monitor() grade.Facts {
	return grade.Facts{Machine: inventory.Machine{
		System:   inventory.System{Manufacturer: "Dell", Model: "U2415", Class: "monitor"},
		Displays: []inventory.Display{{Manufacturer: "Dell", Model: "U2415", DiagonalInches: 24.1, WidthPixels: 1920, HeightPixels: 1200, Year: 2016}},
	}}
}

func judge(f grade.Facts) grade.Result {
	return grade.Judge(f, policy.Default().Grading, grade.Market{})
}

// Each unit is one that comes over the counter, judged by the shipped policy.
func TestJudgeByTheShippedPolicy(t *testing.T) {
	tests := []struct {
		name string
		unit func() grade.Facts
		// change makes the unit of the story out of that.
		change      func(f *grade.Facts)
		grade, best string
		goes        grade.Disposition
		// why is a code that must be among the reasons, condition among the conditions.
		why, condition string
	}{
		{"a good laptop, clean", laptop, func(*grade.Facts) {}, "A", "A", "reuse", "nothing-against", ""},
		{"with light signs of use", laptop, func(f *grade.Facts) { say(f, "cosmetic", "pass", "B") }, "B", "B", "reuse", "below-cosmetic", ""},
		{"whose battery holds two thirds", laptop, func(f *grade.Facts) { f.Machine.Batteries = []inventory.Battery{{HealthPercent: 66}} }, "B", "B", "reuse", "below-battery", ""},
		{"whose second battery is worn out", laptop, func(f *grade.Facts) {
			f.Machine.Batteries = []inventory.Battery{{HealthPercent: 95}, {HealthPercent: 12}}
		}, "C", "C", "reuse", "below-battery", ""},
		{"whose battery tells nothing, and works", laptop, func(f *grade.Facts) { f.Machine.Batteries = []inventory.Battery{{Name: "BAT0"}} }, "C", "C", "reuse", "below-battery", ""},
		{"whose battery tells nothing, and nobody looked", laptop, func(f *grade.Facts) {
			f.Machine.Batteries = []inventory.Battery{{Name: "BAT0"}}
			say(f, "battery", "", "")
		}, "", "A", "hold", "grade-unknown", ""},
		{"that shows no battery at all", laptop, func(f *grade.Facts) { f.Machine.Batteries = nil }, "", "A", "hold", "unknown-battery", ""},
		{"with a swollen battery", laptop, func(f *grade.Facts) { say(f, grade.PartBatterySafety, "fail", "") }, "C", "C", "hold", "battery-defective", ""},
		{"with a broken screen", laptop, func(f *grade.Facts) { say(f, "screen", "fail", "") }, "D", "D", "parts", "fails-screen", ""},
		{"with a dead key", laptop, func(f *grade.Facts) { say(f, "keyboard", "fail", "") }, "C", "C", "reuse", "below-function", ""},
		{"with a dead camera", laptop, func(f *grade.Facts) { say(f, "camera", "fail", "") }, "B", "B", "reuse", "below-function", ""},
		{"with a dead key, and nobody tried the screen", laptop, func(f *grade.Facts) {
			say(f, "keyboard", "fail", "")
			say(f, "screen", "not-done", "")
		}, "", "C", "hold", "unknown-function", ""},
		{"with a broken screen, and nothing else tried", laptop, func(f *grade.Facts) {
			f.Checks = nil
			say(f, "screen", "fail", "")
		}, "D", "D", "parts", "fails-screen", ""},
		{"that was dropped", laptop, func(f *grade.Facts) { say(f, "damage", "fail", "") }, "D", "D", "parts", "damaged", ""},
		{"worn and stained", laptop, func(f *grade.Facts) { say(f, "cosmetic", "pass", "D") }, "D", "D", "parts", "grade-is", ""},
		{"that nobody checked", laptop, func(f *grade.Facts) { f.Checks = nil }, "", "A", "hold", "grade-unknown", ""},
		{"that has no camera, and so was skipped", laptop, func(f *grade.Facts) {
			f.Machine.Cameras = nil
			say(f, "camera", "skip", "")
		}, "A", "A", "reuse", "nothing-against", ""},
		{"whose camera was skipped though it has one", laptop, func(f *grade.Facts) { say(f, "camera", "skip", "") }, "", "A", "hold", "unknown-function", ""},

		{"whose data nobody treated", laptop, func(f *grade.Facts) { f.Drives = nil }, "A", "A", "hold", "data-untreated", ""},
		{"one of two drives of which was left out", laptop, func(f *grade.Facts) {
			f.Machine.Drives = append(f.Machine.Drives, soundDrive("/dev/sda"))
		}, "A", "A", "hold", "data-untreated", ""},
		{"whose erase must be tried again", laptop, func(f *grade.Facts) { f.Drives[0].State = grade.DataHold }, "A", "A", "hold", "data-retry", ""},
		{"whose drive must be destroyed", laptop, func(f *grade.Facts) { f.Drives[0].State = grade.DataDestroy }, "C", "C", "reuse", "data-destroy", "data-destroy"},
		{"one of two drives of which must be destroyed", laptop, func(f *grade.Facts) {
			f.Machine.Drives = append(f.Machine.Drives, worn("/dev/sda"))
			f.Drives = append(f.Drives, grade.Drive{Path: "/dev/sda", State: grade.DataDestroy})
		}, "A", "A", "reuse", "data-destroy", "data-destroy"},
		{"whose soldered drive must be destroyed", laptop, func(f *grade.Facts) {
			f.Drives[0] = grade.Drive{Path: "/dev/nvme0n1", State: grade.DataDestroy, Soldered: true}
		}, "A", "A", "recycle", "data-soldered", ""},
		{"with storage that nobody reached", laptop, func(f *grade.Facts) { f.StorageUnreachable = true }, "", "A", "hold", "storage-unreachable", ""},
		{"whose drive was pulled before it was clean", laptop, func(f *grade.Facts) {
			f.Machine.Drives = nil
			f.Drives[0].State = grade.DataHold
		}, "", "A", "hold", "data-retry", ""},
		{"that came without a drive", laptop, func(f *grade.Facts) { f.Machine.Drives, f.Drives = nil, nil }, "C", "C", "reuse", "below-drive", ""},
		{"with a stick left in it", laptop, func(f *grade.Facts) {
			d := soundDrive("/dev/sdb")
			d.Bus, d.Removable = inventory.BusUSB, true
			f.Machine.Drives = append(f.Machine.Drives, d)
		}, "A", "A", "reuse", "nothing-against", ""},
		{"whose clean drive is worn out", laptop, func(f *grade.Facts) { f.Machine.Drives = []inventory.Drive{worn("/dev/nvme0n1")} }, "C", "C", "reuse", "below-drive", "drive-replace"},
		{"whose soldered drive is worn out", laptop, func(f *grade.Facts) {
			f.Machine.Drives = []inventory.Drive{worn("/dev/mmcblk0")}
			f.Machine.Drives[0].Bus = inventory.BusMMC
			f.Drives = []grade.Drive{{Path: "/dev/mmcblk0", State: grade.DataClean}}
		}, "C", "C", "parts", "drive-soldered", ""},

		{"with security-graded information", laptop, func(f *grade.Facts) { f.SecurityGraded, f.Drives = true, nil }, "A", "A", "return", "security-graded", ""},
		{"with a password on the firmware", laptop, func(f *grade.Facts) { setLock(f, inventory.LockFirmwareSetup, inventory.LockSet) }, "A", "A", "hold", "lock-firmware-setup-password", ""},
		{"that Absolute still watches", laptop, func(f *grade.Facts) { setLock(f, inventory.LockAbsolute, inventory.LockSet) }, "A", "A", "hold", "lock-absolute", ""},
		{"that is still enrolled", laptop, func(f *grade.Facts) { setLock(f, inventory.LockAutopilot, inventory.LockSet) }, "A", "A", "hold", "lock-autopilot", ""},
		{"whose firmware brings a program", laptop, func(f *grade.Facts) { setLock(f, inventory.LockPlatformBinary, inventory.LockSet) }, "A", "A", "reuse", "nothing-against", ""},
		{"of 2008, with a password", laptop, func(f *grade.Facts) {
			f.Machine.CPU[0].ModelNumber = 0x17
			setLock(f, inventory.LockFirmwareSetup, inventory.LockSet)
		}, "A", "A", "recycle", "processor-old", ""},
		{"of 2006 with 32 bits", laptop, func(f *grade.Facts) { f.Machine.CPU[0].ModelNumber = 0x0e }, "A", "A", "recycle", "not-64-bit", ""},
		{"that takes 2 GiB at most", laptop, func(f *grade.Facts) {
			f.Machine.Memory.TotalBytes, f.Machine.Board.MaxMemoryBytes = 2<<30, 2<<30
		}, "A", "A", "recycle", "memory-small", ""},
		{"whose firmware says less memory fits than is in it", laptop, func(f *grade.Facts) { f.Machine.Board.MaxMemoryBytes = 2 << 30 }, "A", "A", "reuse", "nothing-against", ""},
		{"that failed the safety test", laptop, func(f *grade.Facts) { say(f, "safety", "fail", "") }, "A", "A", "recycle", "unsafe", ""},

		{"a report before any work", laptop, func(f *grade.Facts) { *f = grade.Facts{Machine: f.Machine, BeforeWork: true} }, "", "A", "reuse", "data-untreated", "data-untreated"},
		{"a report that tells of no drive", laptop, func(f *grade.Facts) {
			m := f.Machine
			m.Drives, m.Controllers = nil, nil
			*f = grade.Facts{Machine: m, BeforeWork: true}
		}, "", "A", "reuse", "data-unread", "data-unread"},
		{"a report that tells what drives would hang on, and of none", laptop, func(f *grade.Facts) {
			m := f.Machine
			m.Drives = nil
			*f = grade.Facts{Machine: m, BeforeWork: true}
		}, "", "A", "reuse", "data-unread", "data-unread"},
		{"a report of an old machine", laptop, func(f *grade.Facts) {
			m := f.Machine
			m.CPU = []inventory.CPU{{Vendor: "AuthenticAMD", Family: 0x0f, ModelNumber: 0x68}}
			*f = grade.Facts{Machine: m, BeforeWork: true}
		}, "", "A", "recycle", "processor-old", "data-untreated"},
		{"an empty report", func() grade.Facts { return grade.Facts{BeforeWork: true} }, func(*grade.Facts) {}, "", "A", "hold", "nothing-known", ""},
		{"a good drive by itself", laptop, func(f *grade.Facts) {
			*f = grade.Facts{Machine: inventory.Machine{Drives: f.Machine.Drives}, BeforeWork: true}
		}, "A", "A", "reuse", "data-untreated", "data-untreated"},
		{"a failing drive by itself", laptop, func(f *grade.Facts) {
			*f = grade.Facts{Machine: inventory.Machine{Drives: []inventory.Drive{worn("/dev/sda")}}, BeforeWork: true}
		}, "D", "D", "recycle", "drive-reject", "data-untreated"},
		{"a drive by itself that tells nothing", laptop, func(f *grade.Facts) {
			*f = grade.Facts{Machine: inventory.Machine{Drives: []inventory.Drive{{Path: "/dev/sda", Bus: inventory.BusUSB}}}, BeforeWork: true}
		}, "", "A", "hold", "drive-unknown", ""},

		{"a good monitor that nobody looked at", monitor, func(*grade.Facts) {}, "", "A", "hold", "grade-unknown", ""},
		{"a good monitor", monitor, func(f *grade.Facts) {
			say(f, "screen", "pass", "")
			say(f, "ports", "pass", "")
			say(f, "cosmetic", "pass", "B")
		}, "B", "B", "reuse", "below-cosmetic", ""},
		{"a small monitor", monitor, func(f *grade.Facts) { f.Machine.Displays[0].DiagonalInches = 17 }, "", "A", "recycle", "screen-small", ""},
		{"a coarse monitor", monitor, func(f *grade.Facts) { f.Machine.Displays[0].HeightPixels = 768 }, "", "A", "recycle", "screen-lines", ""},
		{"an old monitor", monitor, func(f *grade.Facts) { f.Machine.Displays[0].Year = 2006 }, "", "A", "recycle", "screen-old", ""},
		{"a desktop has no battery to grade", laptop, func(f *grade.Facts) {
			f.Machine.System.Class, f.Machine.Batteries = "desktop", nil
		}, "A", "A", "reuse", "nothing-against", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.unit()
			tt.change(&f)
			r := judge(f)
			if r.Grade != tt.grade || r.BestPossible != tt.best || r.Disposition != tt.goes {
				t.Errorf("got grade %q (at best %q) to %q, want %q (%q) to %q\nreasons %v", r.Grade, r.BestPossible, r.Disposition, tt.grade, tt.best, tt.goes, texts(r.Reasons))
			}
			if !has(r.Reasons, tt.why) {
				t.Errorf("no reason %s among %v", tt.why, texts(r.Reasons))
			}
			if tt.condition != "" && !has(r.Conditions, tt.condition) || tt.condition == "" && len(r.Conditions) > 0 && r.Disposition == grade.Reuse {
				t.Errorf("conditions %v, want %q", texts(r.Conditions), tt.condition)
			}
		})
	}
}

func has(list []grade.Reason, code string) bool {
	return slices.ContainsFunc(list, func(r grade.Reason) bool { return r.Code == code })
}

func texts(list []grade.Reason) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Text+" ["+r.Rule+"]")
	}
	return out
}

// A judgement does not say what no longer matters.
func TestSaysNoMoreThanMatters(t *testing.T) {
	f := laptop()
	f.Checks = nil
	say(&f, "screen", "fail", "")
	if m := judge(f).Marks[0]; m.Grade != "D" || len(m.Reasons) != 1 {
		t.Errorf("with a broken screen it matters what else was tried: %v", texts(m.Reasons))
	}
	f = grade.Facts{Machine: laptop().Machine, BeforeWork: true}
	f.Machine.CPU = []inventory.CPU{{Vendor: "GenuineIntel", Family: 6, ModelNumber: 0x17}}
	if r := judge(f); has(append(r.Reasons, r.Conditions...), "grade-unknown") {
		t.Errorf("a machine that is recycled for its age wants a grade: %v", texts(r.Reasons))
	}
	// A drive that goes to destruction is none of the unit's faults.
	f = laptop()
	f.Machine.Drives = append(f.Machine.Drives, worn("/dev/sda"))
	f.Drives = append(f.Drives, grade.Drive{Path: "/dev/sda", State: grade.DataDestroy})
	rules := policy.Default().Grading
	rules.Dispositions = append([]grade.Disposal{{Name: "bad-drive", When: grade.When{Drive: []string{grade.HealthReject}}, Then: grade.Parts}}, rules.Dispositions...)
	if r := grade.Judge(f, rules, grade.Market{}); r.Disposition != grade.Reuse {
		t.Errorf("it goes to %s for a drive that leaves it: %v", r.Disposition, texts(r.Reasons))
	}
}

// Whoever did the work has looked for drives, so a machine that shows neither
// drive nor controller has none.
func TestMachineWithoutStorage(t *testing.T) {
	f := laptop()
	f.Machine.Drives, f.Machine.Controllers, f.Drives = nil, nil, nil
	if r := judge(f); r.Disposition != grade.Reuse || r.Grade != "C" || !has(r.Marks[4].Reasons, "data-none") {
		t.Errorf("got %q to %s: %v", r.Grade, r.Disposition, texts(r.Reasons))
	}
	f.BeforeWork = true
	if r := judge(f); !has(r.Conditions, "data-unread") {
		t.Errorf("before the work nobody looked, and conditions are %v", texts(r.Conditions))
	}
}

// A drive that leaves to be destroyed is no storage for Windows.
func TestWindowsNeedsADriveThatStays(t *testing.T) {
	yes := true
	f := laptop()
	f.Machine.Firmware = inventory.Firmware{Boot: "uefi", TPM: "2.0", SecureBoot: "on", SecureBootCapable: &yes, UEFI: &yes}
	if got := judge(f).Windows11; got.Eligible != grade.Yes {
		t.Fatalf("with its drive: %+v", got)
	}
	f.Drives[0].State = grade.DataDestroy
	if got := judge(f).Windows11; got.Eligible != grade.Undetermined {
		t.Errorf("without: %+v", got)
	}
}

// A unit on hold says where it goes when that is settled, and where if not.
func TestWhatComesAfterAHold(t *testing.T) {
	f := laptop()
	setLock(&f, inventory.LockKnox, inventory.LockSet)
	if r := judge(f); r.Disposition != grade.Hold || r.Afterwards != grade.Reuse || r.FailingThat != grade.Parts {
		t.Errorf("locked: got %s, afterwards %s, failing that %s", r.Disposition, r.Afterwards, r.FailingThat)
	}
	f = laptop()
	f.Drives = nil
	say(&f, "screen", "fail", "")
	if r := judge(f); r.Disposition != grade.Hold || r.Afterwards != grade.Parts {
		t.Errorf("broken and not treated: got %s, afterwards %s", r.Disposition, r.Afterwards)
	}
}

// What nobody knows of locks is said, since it could change where the unit goes.
func TestWhatIsOpenIsSaid(t *testing.T) {
	f := laptop()
	f.Machine.Locks = nil
	if r := judge(f); r.Disposition != grade.Reuse || !has(r.Open, "locks-unknown") {
		t.Errorf("got %s, open %v", r.Disposition, texts(r.Open))
	}
	f = laptop()
	setLock(&f, inventory.LockKnox, inventory.LockUnknown)
	if r := judge(f); !has(r.Open, "locks-unknown") {
		t.Errorf("one lock could not be read, and open are %v", texts(r.Open))
	}
	f = laptop()
	f.Machine.CPU = nil
	if r := judge(f); !has(r.Open, "processor-unknown") || !has(r.Open, "bits-unknown") {
		t.Errorf("open %v", texts(r.Open))
	}
	if r := judge(laptop()); len(r.Open) != 0 {
		t.Errorf("everything is known, and open are %v", texts(r.Open))
	}
}

func TestR2AndPreparation(t *testing.T) {
	steps := func(r grade.Result) string {
		var all []string
		for _, s := range r.Preparation {
			all = append(all, s.Result)
		}
		return strings.Join(all, " ") // visual, safety, function, data, labelling
	}
	tests := []struct {
		name               string
		change             func(f *grade.Facts)
		function, cosmetic string
		steps              string
	}{
		{"all well", func(*grade.Facts) {}, "F4", "C5", "pass not-done pass pass not-done"},
		{"a dead key", func(f *grade.Facts) { say(f, "keyboard", "fail", "") }, "F3", "C5", "pass not-done fail pass not-done"},
		{"a broken screen", func(f *grade.Facts) { say(f, "screen", "fail", "") }, "", "C5", "pass not-done fail pass not-done"},
		{"damage", func(f *grade.Facts) { say(f, "damage", "fail", "") }, "F4", "C1", "fail not-done pass pass not-done"},
		{"nobody looked", func(f *grade.Facts) { f.Checks = nil }, "", "C0", "not-done not-done not-done pass not-done"},
		{"signs of use, safe and labelled", func(f *grade.Facts) {
			say(f, "cosmetic", "pass", "B")
			say(f, "safety", "pass", "")
			say(f, "labelling", "pass", "")
		}, "F4", "C4", "pass pass pass pass pass"},
		{"a drive for destruction", func(f *grade.Facts) { f.Drives[0].State = grade.DataDestroy }, "F4", "C5", "pass not-done pass fail not-done"},
		{"data not treated", func(f *grade.Facts) { f.Drives = nil }, "F4", "C5", "pass not-done pass not-done not-done"},
		{"no drive", func(f *grade.Facts) { f.Drives, f.Machine.Drives = nil, nil }, "F4", "C5", "pass not-done pass not-needed not-done"},
	}
	for _, tt := range tests {
		f := laptop()
		tt.change(&f)
		r := judge(f)
		if got := steps(r); r.R2Function != tt.function || r.R2Cosmetic != tt.cosmetic || got != tt.steps {
			t.Errorf("%s: got %s %s, %s; want %s %s, %s", tt.name, r.R2Function, r.R2Cosmetic, got, tt.function, tt.cosmetic, tt.steps)
		}
	}
}

// Rules that nobody has checked cannot send a unit on with data in it.
func TestNoRulesLetDataGo(t *testing.T) {
	reuse := policy.Default().Grading
	reuse.Dispositions = []grade.Disposal{{Name: "all", Then: grade.Reuse}}
	for name, change := range map[string]func(f *grade.Facts){
		"untreated":   func(f *grade.Facts) { f.Drives = nil },
		"to retry":    func(f *grade.Facts) { f.Drives[0].State = grade.DataHold },
		"unreachable": func(f *grade.Facts) { f.StorageUnreachable = true },
		"soldered": func(f *grade.Facts) {
			f.Drives[0] = grade.Drive{Path: "/dev/nvme0n1", State: grade.DataDestroy, Soldered: true}
		},
	} {
		f := laptop()
		change(&f)
		if r := grade.Judge(f, reuse, grade.Market{}); r.Disposition != grade.Hold {
			t.Errorf("%s: it goes to %s", name, r.Disposition)
		}
	}
	if r := grade.Judge(laptop(), grade.Rules{}, grade.Market{}); r.Grade != "" || r.Disposition != "" {
		t.Errorf("without any rules: %q to %q", r.Grade, r.Disposition)
	}
}

// The JSON of a judgement has no null but a price, and reads back as it was.
func TestResultAsJSON(t *testing.T) {
	for name, f := range map[string]grade.Facts{"nothing": {}, "a laptop": laptop(), "a monitor": monitor()} {
		r := judge(f)
		b, err := json.Marshal(r)
		if err != nil || strings.Contains(string(b), "null") {
			t.Errorf("%s: %v\n%s", name, err, b)
		}
		var back grade.Result
		err = json.Unmarshal(b, &back)
		if again, _ := json.Marshal(back); err != nil || string(again) != string(b) {
			t.Errorf("%s: read back %s, want %s (%v)", name, again, b, err)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	f, rules := laptop(), policy.Default().Grading
	for b.Loop() {
		grade.Judge(f, rules, grade.Market{})
	}
}

// A screen redraws with the judgement in it, and so it must take no time.
func TestJudgeIsQuick(t *testing.T) {
	f, rules := laptop(), policy.Default().Grading
	for i := range 50 {
		f.Machine.Memory.Modules = append(f.Machine.Memory.Modules, inventory.MemoryModule{Slot: string(rune('A' + i%26))})
	}
	best := time.Hour
	for range 20 {
		began := time.Now()
		grade.Judge(f, rules, grade.Market{})
		best = min(best, time.Since(began))
	}
	if best > time.Millisecond {
		t.Errorf("it takes %v, want less than 1 ms", best)
	}
}
