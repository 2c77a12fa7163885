package grade

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

// fit11 is a machine that lacks nothing but its processor.
func fit11(c inventory.CPU) inventory.Machine {
	return inventory.Machine{
		CPU:    []inventory.CPU{c},
		Memory: inventory.Memory{TotalBytes: 8 * gibibyte},
		Drives: []inventory.Drive{{Path: "/dev/nvme0n1", Bus: inventory.BusNVMe, Media: inventory.MediaFlash, CapacityBytes: 256 * gigabyte}},
		Firmware: inventory.Firmware{
			Boot: "uefi", SecureBoot: "on", TPM: "2.0",
		},
	}
}

var (
	i5of2018 = inventory.CPU{Vendor: "GenuineIntel", Model: "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz", Family: 6, ModelNumber: 142, Stepping: 10, Cores: 4}
	i5of2017 = inventory.CPU{Vendor: "GenuineIntel", Model: "Intel(R) Core(TM) i5-7200U CPU @ 2.50GHz", Family: 6, ModelNumber: 142, Stepping: 9, Cores: 2}
)

func rows(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// Every processor of the table comes out as its sources have it: by what it
// tells, and by its name alone wherever that decides at all.
func TestWindows11Processors(t *testing.T) {
	table := rows(t, "testdata/windows11/processors.csv")
	if len(table) < 900 {
		t.Fatalf("got %d processors only", len(table))
	}
	byName := 0
	for _, r := range table {
		number := func(i int) int {
			n, err := strconv.Atoi(r[i])
			if err != nil && r[i] != "" {
				t.Fatal(err)
			}
			return n
		}
		c := inventory.CPU{Model: r[0], Family: number(1), ModelNumber: number(2), Stepping: number(3), PlatformFlags: number(4), Cores: 2}
		switch {
		case strings.Contains(r[0], "Intel"):
			c.Vendor = "GenuineIntel"
		case strings.Contains(r[0], "AMD"):
			c.Vendor = "AuthenticAMD"
		}
		m, want := fit11(c), r[7]
		m.System.Model = r[5]
		if got := Windows11(m).Eligible; got != want {
			t.Errorf("%s %s: got %s, want %s (%s)", r[0], strings.Join(r[1:6], " "), got, want, r[9])
		}
		m.CPU[0] = inventory.CPU{Model: r[0], Cores: 2}
		got := Windows11(m).Eligible
		if got != Undetermined {
			byName++
		}
		if got != want && got != Undetermined {
			t.Errorf("%s by its name: got %s, want %s (%s)", r[0], got, want, r[9])
		}
	}
	if n := len(table) * 95 / 100; byName < n {
		t.Errorf("by name: %d of %d are decided, want at least %d", byName, len(table), n)
	}
}

// No name of Microsoft's lists is refused, and all but the misprints are known.
func TestWindows11Listed(t *testing.T) {
	var unknown []string
	table := rows(t, "testdata/windows11/listed.csv")
	for _, r := range table {
		switch got := cpuByName(r[1]); got {
		case Yes:
		case Undetermined, onlyInSome:
			unknown = append(unknown, r[1])
		default:
			t.Errorf("%s: got %s, want yes", r[1], got)
		}
	}
	if len(unknown) > 20 || len(table) < 1400 {
		t.Errorf("of %d names %d are not known: %q", len(table), len(unknown), unknown)
	}
}

// What old machines call their processors, and other things that are no name.
func TestWindows11OddNames(t *testing.T) {
	for name, want := range map[string]string{
		"":                                    Undetermined,
		"Not Specified":                       Undetermined,
		"Intel(R) Core(TM) i5 CPU":            Undetermined,
		"AMD Engineering Sample":              Undetermined,
		"AMD 310 APU with Radeon R4 Graphics": Undetermined,
		"Intel(R) Xeon(R) CPU X 000":          Undetermined,
		"QEMU Virtual CPU version 2.5+":       Undetermined,
		"Intel(R) Core(TM)2 CPU          6400  @ 2.13GHz":     No,
		"Intel(R) Core(TM) i5 CPU       M 520  @ 2.40GH":      No,
		"Intel(R) Pentium(R) Dual  CPU  T3400  @ 2.16GHz":     No,
		"Intel(R) Processor 5Y70 CPU @ 1.10GHz":               No,
		"Intel(R) Pentium(R) CPU GOLD 6500Y @ 1.10GHz":        Yes,
		"AMD Athlon(tm) Dual Core Processor 5000B":            No,
		"AMD FX(tm)-8350 Eight-Core Processor":                No,
		"AMD PRO A8-8650B R7, 10 Compute Cores 4C+6G":         No,
		"AMD Ryzen 5 PRO 2400GE w/ Radeon Vega Graphics":      No,
		"AMD Ryzen 7 2700X Eight-Core Processor":              Yes,
		"Apple M1":                                            No,
		strings.Repeat("Intel(R) Core(TM) i5-8250U CPU ", 20): Undetermined,
	} {
		if got := cpuByName(name); got != want {
			t.Errorf("%q: got %s, want %s (%q)", name, got, want, plainCPUName(name))
		}
	}
}

// A machine as it comes in, with one thing about it changed.
func TestWindows11(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		name   string
		change func(*inventory.Machine)
		want   string
		codes  string // of all reasons, in order
	}{
		{"as it should be", func(m *inventory.Machine) {}, Yes, "win11-cpu-yes"},
		{"Secure Boot off", func(m *inventory.Machine) { m.Firmware.SecureBoot = "off" }, Yes, "win11-cpu-yes win11-secure-boot-off"},
		{"a processor of 2017", func(m *inventory.Machine) { m.CPU[0] = i5of2017 }, No, "win11-cpu-no"},
		{"no processor told", func(m *inventory.Machine) { m.CPU = nil }, Undetermined, "win11-cpu-unknown"},
		{"one core", func(m *inventory.Machine) { m.CPU[0].Cores = 1 }, No, "win11-cores-one"},
		{"two processors of one core", func(m *inventory.Machine) { m.CPU[0].Cores = 1; m.CPU = append(m.CPU, m.CPU[0]) }, Yes, "win11-cpu-yes"},
		{"cores not told", func(m *inventory.Machine) { m.CPU[0].Cores = 0 }, Undetermined, "win11-cores-unknown"},
		{"TPM off", func(m *inventory.Machine) { m.Firmware.TPMDisabled = true }, AfterChange, "win11-tpm-off"},
		{"TPM off, and a 1.2", func(m *inventory.Machine) { m.Firmware.TPMDisabled = true; m.Firmware.TPM = "1.2" }, Undetermined, "win11-tpm-old"},
		{"TPM 1.2", func(m *inventory.Machine) { m.Firmware.TPM = "1.2" }, Undetermined, "win11-tpm-old"},
		{"no TPM seen", func(m *inventory.Machine) { m.Firmware.TPM = "none" }, Undetermined, "win11-tpm-none"},
		{"TPM not looked for", func(m *inventory.Machine) { m.Firmware.TPM = "" }, Undetermined, "win11-tpm-unknown"},
		{"started by BIOS", func(m *inventory.Machine) { m.Firmware.Boot = "bios"; m.Firmware.SecureBoot = "unknown" }, AfterChange, "win11-legacy-boot win11-secure-boot-hidden"},
		{"started by BIOS, TPM off", func(m *inventory.Machine) {
			m.Firmware = inventory.Firmware{Boot: "bios", SecureBoot: "unknown", TPMDisabled: true, UEFI: &yes}
		}, AfterChange, "win11-tpm-off win11-legacy-boot win11-secure-boot-hidden"},
		{"a firmware without UEFI", func(m *inventory.Machine) { m.Firmware.Boot, m.Firmware.UEFI = "bios", &no }, No, "win11-no-uefi"},
		{"a firmware without Secure Boot", func(m *inventory.Machine) { m.Firmware.SecureBoot, m.Firmware.SecureBootCapable = "unknown", &no }, No, "win11-no-secure-boot"},
		{"a firmware that could", func(m *inventory.Machine) { m.Firmware.SecureBoot, m.Firmware.SecureBootCapable = "unknown", &yes }, Yes, "win11-cpu-yes"},
		{"from a report that knows of no firmware", func(m *inventory.Machine) { m.Firmware = inventory.Firmware{SecureBoot: "unknown"} }, Undetermined,
			"win11-tpm-unknown win11-uefi-unknown win11-secure-boot-unknown"},
		{"2 GB of memory", func(m *inventory.Machine) { m.Memory.TotalBytes = 2 * gibibyte }, No, "win11-memory-short"},
		{"what the kernel has of 4 GB", func(m *inventory.Machine) { m.Memory.TotalBytes = 3800 << 20 }, Undetermined, "win11-memory-unknown"},
		{"memory not told", func(m *inventory.Machine) { m.Memory.TotalBytes = 0 }, Undetermined, "win11-memory-unknown"},
		{"no drive", func(m *inventory.Machine) { m.Drives = nil }, Undetermined, "win11-storage-none"},
		{"a stick is no drive", func(m *inventory.Machine) { m.Drives[0].Bus = inventory.BusUSB }, Undetermined, "win11-storage-none"},
		{"32 GB of eMMC", func(m *inventory.Machine) { m.Drives[0].CapacityBytes = 31_268_536_320 }, No, "win11-storage-short"},
		{"64 GB of eMMC", func(m *inventory.Machine) { m.Drives[0].CapacityBytes = 62_537_072_640 }, Undetermined, "win11-storage-close"},
		{"an old processor and nothing else known", func(m *inventory.Machine) { *m = inventory.Machine{CPU: []inventory.CPU{i5of2017}} }, No,
			"win11-cpu-no win11-tpm-unknown win11-uefi-unknown win11-secure-boot-unknown win11-memory-unknown win11-storage-none"},
		{"nothing known", func(m *inventory.Machine) { *m = inventory.Machine{} }, Undetermined,
			"win11-cpu-unknown win11-tpm-unknown win11-uefi-unknown win11-secure-boot-unknown win11-memory-unknown win11-storage-none"},
	} {
		m := fit11(i5of2018)
		tt.change(&m)
		e := Windows11(m)
		var codes []string
		for _, r := range e.Reasons {
			codes = append(codes, r.Code)
			if r.Rule == "" {
				t.Errorf("%s: reason %+v without rule", tt.name, r)
			}
			hasMessage(t, r)
		}
		if got := strings.Join(codes, " "); e.Eligible != tt.want || got != tt.codes {
			t.Errorf("%s: got %s (%s), want %s (%s)", tt.name, e.Eligible, got, tt.want, tt.codes)
		}
	}
}

// The TPM alone never makes a no of a machine whose processor is eligible.
func TestWindows11TPMAloneIsNoNo(t *testing.T) {
	for _, tpm := range []string{"", "none", "1.2", "2.0", "3.0"} {
		for _, off := range []bool{false, true} {
			m := fit11(i5of2018)
			m.Firmware.TPM, m.Firmware.TPMDisabled = tpm, off
			if got := Windows11(m).Eligible; got == No {
				t.Errorf("TPM %q, off %t: got %s", tpm, off, got)
			}
		}
	}
}

func TestPlainCPUName(t *testing.T) {
	for name, want := range map[string]string{
		"Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz":        "core i5 8250u",
		"Intel Core i5-8250U @ 1.60GHz":                   "core i5 8250u",
		"12th Gen Intel(R) Core(TM) i5-12400":             "core i5 12400",
		"AMD Ryzen 7 1800X Eight-Core Processor":          "ryzen 7 1800x",
		"AMD Ryzen 9 9950X 16-Core Processor":             "ryzen 9 9950x",
		"AMD Ryzen 5 PRO 4650U with Radeon Graphics":      "ryzen 5 pro 4650u",
		"AMD A9-9400 RADEON R5, 5 COMPUTE CORES 2C+3G":    "a9 9400",
		"Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz":        "xeon e5 2670",
		"Intel(R) Xeon(R) CPU E5-2670 v3 @ 2.30GHz":       "xeon e5 2670 v3",
		"Intel(R) Pentium(R) Dual-Core CPU E5400 @ 2.7GH": "pentium dual core e5400",
	} {
		if got := plainCPUName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func FuzzCPUByName(f *testing.F) {
	for _, name := range []string{i5of2018.Model, "AMD Ryzen 5 PRO 2400GE w/ Radeon Vega Graphics", "Genuine Intel(R) CPU 0000 @ 2.40GHz", "core core core 8 core"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got := cpuByName(name); !slices.Contains([]string{Yes, No, Undetermined, onlyInSome, byStepping}, got) {
			t.Errorf("%q: got %q", name, got)
		}
		// A name that was made plain is told from others as before.
		plain := plainCPUName(name)
		if strings.ContainsAny(plain, "@®™()") && !strings.ContainsAny(name, "()") {
			t.Errorf("%q: got %q", name, plain)
		}
		m := fit11(inventory.CPU{Model: name, Cores: 2})
		if got := Windows11(m).Eligible; !slices.Contains([]string{Yes, No, Undetermined}, got) {
			t.Errorf("%q: got %q", name, got)
		}
	})
}
