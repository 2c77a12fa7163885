package inventory

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func smartctlDump(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "smartctl", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// commands are the erase commands of a drive as "command" or "command: blocked".
func commands(d Drive) []string {
	var out []string
	for _, e := range d.Abilities.Erasers {
		s := string(e.Command)
		if e.Blocked != "" {
			s += ": " + e.Blocked
		}
		out = append(out, s)
	}
	return out
}

func number(p *int64) int64 {
	if p == nil {
		return -1
	}
	return *p
}

func TestReadSmartctl(t *testing.T) {
	const none = -1
	type smart struct{ hours, reallocated, pending, uncorrectable, used, written int64 }
	for _, c := range []struct {
		file              string
		bus               Bus
		media             Media
		maker, model, wwn string
		capacity          int64
		logical, physical int
		commands          []string
		passed            bool
		smart             smart
	}{
		{"hdd-wd-blue-500g-frozen.txt", BusATA, MediaMagnetic, "Western Digital", "WDC WD5000AAKX-00ERMA0", "", 500107862016, 512, 512,
			[]string{"ata-security-erase: frozen"}, true, smart{2648, 5, 0, 0, none, none}},
		{"hdd-hgst-12t-4kn-reallocated.txt", BusATA, MediaMagnetic, "HGST", "HGST HUH721212ALN604", "", 12000138625024, 4096, 4096,
			[]string{"ata-security-erase"}, true, smart{30334, 15623, 0, 2, none, none}},
		{"ssd-intel-s3500-worn-frozen.txt", BusATA, MediaFlash, "Intel", "INTEL SSDSC2BB160G4", "", 160041885696, 512, 512,
			[]string{"ata-security-erase: frozen"}, true, smart{60585, 1, 0, 0, 255, 361777493550592}},
		{"hdd-wd-black-750g-old.txt", BusATA, MediaMagnetic, "Western Digital", "WDC WD7502AAEX-00Y9A0", "", 750156374016, 512, 512,
			[]string{"ata-security-erase"}, true, smart{63415, 0, 0, 0, none, none}},
		{"ssd-hp-no-security-line.txt", BusATA, MediaFlash, "HPE", "VK003840GXAWP", "", 3840755982336, 512, 4096,
			nil, true, smart{none, 1, 0, 0, 8, none}},
		{"nvme-samsung-pm9a1-format.txt", BusNVMe, MediaFlash, "Samsung", "SAMSUNG MZVL21T0HDLU-00B07", "", 1024209543168, 512, 512,
			[]string{"nvme-format-user"}, true, smart{none, none, none, 0, 27, none}},
		{"nvme-samsung-960-evo-failed.txt", BusNVMe, MediaFlash, "Samsung", "Samsung SSD 960 EVO 500GB", "", 500107862016, 512, 512,
			nil, false, smart{none, none, none, 0, 255, none}},
		{"nvme-wd-sn640-4k.txt", BusNVMe, MediaFlash, "Western Digital", "WUS4BB076D7P3E3", "", 7681501126656, 4096, 4096,
			nil, true, smart{none, none, none, 0, 0, none}},
		{"ssd-samsung-840-frozen-enhanced.json", BusATA, MediaFlash, "Samsung", "Samsung SSD 840 Series", "naa.50025385500ccc29", 500107862016, 512, 512,
			[]string{"ata-security-erase-enhanced: frozen", "ata-security-erase: frozen"}, true, smart{none, 0, none, 0, none, none}},
		{"sas-hitachi-600g.json", BusSAS, MediaMagnetic, "HITACHI", "H109060SESUN600G", "naa.1234567890abcdef", 600127266816, 512, 0,
			nil, true, smart{none, 0, none, 0, none, none}},
		{"sas-seagate-1200g.json", BusSCSI, MediaMagnetic, "SEAGATE", "ST1200MM0088", "", 1200243695616, 512, 0,
			nil, true, smart{5675, 0, none, 0, none, none}},
		{"usb-jmicron-hitachi-500g.json", BusUSB, MediaMagnetic, "Hitachi", "Hitachi HDS721050DLE630", "naa.5000cca37fca81a8", 500107862016, 512, 4096,
			nil, false, smart{none, none, none, none, none, none}},
		{"nvme-intel-p4510.json", BusNVMe, MediaFlash, "Intel", "INTEL SSDPE2KX080T8", "", 8001563222016, 0, 0,
			nil, true, smart{none, none, none, 0, none, none}},
	} {
		t.Run(c.file, func(t *testing.T) {
			d, err := ReadSmartctl(smartctlDump(t, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if d.Bus != c.bus || d.Media != c.media || d.Manufacturer != c.maker || d.Model != c.model || d.CapacityBytes != c.capacity || d.LogicalBlockBytes != c.logical {
				t.Errorf("got %+v", d)
			}
			if c.physical > 0 && d.PhysicalBlockBytes != c.physical {
				t.Errorf("physical block %d", d.PhysicalBlockBytes)
			}
			if c.wwn != "" && d.WWN != c.wwn {
				t.Errorf("WWN %q", d.WWN)
			}
			if got := commands(d); !slices.Equal(got, c.commands) {
				t.Errorf("commands %q, want %q", got, c.commands)
			}
			h := d.Abilities.Health
			if h == nil {
				t.Fatal("no SMART")
			}
			if h.Passed == nil || *h.Passed != c.passed {
				t.Errorf("passed %v", h.Passed)
			}
			for _, n := range []struct {
				name      string
				got, want int64
			}{
				{"hours", number(h.PowerOnHours), c.smart.hours}, {"reallocated", number(h.Reallocated), c.smart.reallocated},
				{"pending", number(h.Pending), c.smart.pending}, {"uncorrectable", number(h.Uncorrectable), c.smart.uncorrectable},
				{"used", number(h.PercentUsed), c.smart.used}, {"written", number(h.WrittenBytes), c.smart.written},
			} {
				if n.want != none && n.got != n.want {
					t.Errorf("%s %d, want %d", n.name, n.got, n.want)
				}
			}
		})
	}
}

func TestEverySmartctlSampleIsRead(t *testing.T) {
	files, err := filepath.Glob("testdata/smartctl/*.*")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if ext := filepath.Ext(f); ext != ".txt" && ext != ".json" {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ReadSmartctl(b)
		if err != nil || d.Bus == BusUnknown || d.CapacityBytes == 0 || len(d.Abilities.Notes) == 0 {
			t.Errorf("%s: %v, %s %d bytes", f, err, d.Bus, d.CapacityBytes)
		}
		if d.Serial == "--" || d.Path != "" {
			t.Errorf("%s: serial %q, path %q", f, d.Serial, d.Path)
		}
	}
}

// What a lock looks like in the words of smartctl; a wording that is not known
// is not interpreted.
func TestSecurityLine(t *testing.T) {
	locked := Security{Supported: true, Kind: "ata", Enabled: true, Locked: true}
	usedUp := locked
	usedUp.AttemptsUsedUp = true
	maximum := locked
	maximum.MasterOnly = true
	for _, c := range []struct {
		line string
		want Security
		ok   bool
	}{
		{"Unavailable", Security{}, true},
		{"Disabled, NOT FROZEN [SEC1]", Security{Supported: true, Kind: "ata"}, true},
		{"Disabled, frozen [SEC2]", Security{Supported: true, Kind: "ata", Frozen: true}, true},
		{"ENABLED, PW level HIGH, **LOCKED** [SEC4]", locked, true},
		{"ENABLED, PW level HIGH, **LOCKED** [SEC4], PW ATTEMPTS EXCEEDED", usedUp, true},
		{"ENABLED, PW level MAX, **LOCKED** [SEC4]", maximum, true},
		{"ENABLED, PW level HIGH, not locked, not frozen [SEC5]", Security{Supported: true, Kind: "ata", Enabled: true}, true},
		{"ENABLED, PW level HIGH, not locked, frozen [SEC6]", Security{Supported: true, Kind: "ata", Enabled: true, Frozen: true}, true},
		{"perhaps", Security{}, false},
		{"", Security{}, false},
	} {
		if got, ok := securityLine(c.line); got != c.want || ok != c.ok {
			t.Errorf("%q: got %+v %v", c.line, got, ok)
		}
	}
	for word, want := range map[int64]Security{
		0: {}, 0x29: {Supported: true, Kind: "ata", Frozen: true}, 0x107: {Supported: true, Kind: "ata", Enabled: true, Locked: true, MasterOnly: true},
	} {
		if got, _ := securityFrom(word); got != want {
			t.Errorf("word 128 %04Xh: got %+v", word, got)
		}
	}
}

func TestSmartctlThatIsNone(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": nil, "zeros": make([]byte, 4096), "a letter": []byte("Dear Sirs,\nDevice Model: X\n"),
		"another program's JSON": []byte(`{"smart_status":{"passed":true}}`), "half JSON": []byte(`{"smartctl":{"version":[7,`),
		"too long": bytes.Repeat([]byte("smartctl \n"), 1<<20), "no line end": []byte("smartctl 7.2"),
	} {
		d, err := ReadSmartctl(b)
		if !errors.Is(err, ErrNotSmartctl) {
			t.Errorf("%s: error %v", name, err)
		}
		if d.Bus != BusUnknown || d.Media != MediaUnknown || d.CapacityBytes != 0 || d.Abilities != nil || d.Model != "" {
			t.Errorf("%s: got %+v", name, d)
		}
	}
}

// A report that was cut off tells less, never something else.
func TestTruncatedSmartctl(t *testing.T) {
	for _, file := range []string{"hdd-hgst-6t-pending.txt", "nvme-samsung-pm9a3-format.txt", "ssd-crucial-mx500.txt"} {
		whole := smartctlDump(t, file)
		want, err := ReadSmartctl(whole)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(whole); n += 17 {
			d, err := ReadSmartctl(whole[:n])
			if err != nil {
				continue
			}
			less := func(what string, got, full any) {
				if !reflect.ValueOf(got).IsZero() && !reflect.DeepEqual(got, full) {
					t.Fatalf("%s cut at %d: %s %v, in full %v", file, n, what, got, full)
				}
			}
			less("capacity", d.CapacityBytes, want.CapacityBytes)
			less("model", d.Model, want.Model)
			less("firmware", d.Firmware, want.Firmware)
			less("block", d.LogicalBlockBytes, want.LogicalBlockBytes)
			less("security", d.Abilities.Security, want.Abilities.Security)
			if h := d.Abilities.Health; h != nil {
				less("hours", h.PowerOnHours, want.Abilities.Health.PowerOnHours)
				less("pending", h.Pending, want.Abilities.Health.Pending)
				less("uncorrectable", h.ReportedUncorrectable, want.Abilities.Health.ReportedUncorrectable)
				if h.SelfTest != nil && h.SelfTest.Failures > want.Abilities.Health.SelfTest.Failures {
					t.Fatalf("%s cut at %d: %+v", file, n, h.SelfTest)
				}
			}
		}
	}
}

func TestNumbersInSmartctl(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{
		{"500,107,862,016 ", 500107862016}, {"500.107.862.016", 500107862016}, {"500 107 862 016", 500107862016}, {"500’107", 500107},
		{"2648", 2648}, {"7681501126656", 7681501126656},
		{"-5", -1}, {"", -1}, {"x", -1}, {"99999999999999999999", -1}, {"12,5", 12}, {"31 (20)", 31},
	} {
		if got := grouped(c.text); got != c.want {
			t.Errorf("%q: got %d, want %d", c.text, got, c.want)
		}
	}
	for text, want := range map[string]int64{"13557h+12m+03.120s": 13557, "43 (Min/Max 18/60)": 43, "25 150 300": 25, "x": -1, "": -1, "-1": -1, "99999999999999999999": -1} {
		if got := digits(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	if times(math.MaxInt64, 2) != -1 || times(-1, 512) != -1 || times(3, 512) != 1536 {
		t.Error("times")
	}
}

func FuzzReadSmartctl(f *testing.F) {
	for _, name := range []string{"hdd-wd-blue-500g-frozen.txt", "nvme-samsung-pm9a3-format.txt", "ssd-samsung-840-frozen-enhanced.json", "sas-hitachi-600g.json", "nvme-kioxia-info-only.json"} {
		f.Add(smartctlDump(f, name))
	}
	f.Add([]byte("smartctl \nVendor: X\nErrors Corrected by\nread: 1 2 3 4 5 6 9223372036854775807\nwrite: 1 2 3 4 5 6 9223372036854775807\n"))
	f.Add([]byte(`{"smartctl":0,"device":{"protocol":"NVMe"},"nvme_namespaces":[{"id":9e99},{},[],null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ReadSmartctl(b)
		if d.CapacityBytes < 0 || d.LogicalBlockBytes < 0 || d.Uses == nil || (err == nil) != (d.Abilities != nil) {
			t.Fatalf("%v: %+v", err, d)
		}
		if err != nil {
			return
		}
		for _, e := range d.Abilities.Erasers {
			if e.EstimateSeconds != 0 {
				t.Errorf("an estimate out of nowhere: %+v", e)
			}
		}
		if strings.ContainsRune(d.Serial, '\n') {
			t.Errorf("serial %q", d.Serial)
		}
		if h := d.Abilities.Health; h != nil {
			v := reflect.ValueOf(*h)
			for i := range v.NumField() {
				if p, ok := v.Field(i).Interface().(*int64); ok && p != nil && *p < 0 {
					t.Errorf("%s is %d", v.Type().Field(i).Name, *p)
				}
			}
		}
	})
}
