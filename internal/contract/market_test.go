package contract

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/inventory/grade"
)

const market = smallest + `profiles:
  - id: elev-pc
    name: Elev-PC
    valid_from: 2026-01-01
    classes: [laptop, convertible]
    cpu_mark_min: 1500
    memory_min: 4 GB
    storage_min: 250 GB
    screen_min_inches: 13.0
    screen_max_inches: 13.9
    wifi: 802.11ac
    sound: yes
  - {id: elev-pc, name: Elev-PC, valid_from: 2026-08-01, memory_min: 8 GB}
  - {id: kontor, name: Kontor-PC, valid_from: 2026-01-01, valid_to: 2026-06-30, windows11: yes, resolution_min: 1920x1080, battery_health_min: 60, storage_kind: ssd}
cpu_marks:
  - valid_from: 2026-01-01
    source: cpubenchmark.net
    read: 2026-01-05
    marks:
      - {cpu: Intel Core i5-8250U @ 1.60GHz, mark: 5900}
      - {cpu: Intel Celeron N4000 @ 1.10GHz, mark: 1430}
  - {valid_from: 2026-07-01, source: cpubenchmark.net, marks: [{cpu: Intel Core i5-8250U, mark: 5850}]}
parts:
  - valid_from: 2026-01-01
    currency: NOK
    memory:
      - {type: DDR4, form: SODIMM, size: 8 GB, price_minor: 34900}
    drives:
      - {kind: ssd, connector: nvme, size: 256 GB, price_minor: 39900}
    batteries:
      - {class: laptop, price_minor: 79900}
      - {model: Latitude 7390, price_minor: 59900}
    wifi_cards:
      - {wifi: 6E, price_minor: 24900}
  - {valid_from: 2026-07-01, currency: SEK, batteries: [{price_minor: 0}]}
`

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The editions of a day are those that have come, the latest of each.
func TestMarket(t *testing.T) {
	c := load(t, market)
	for _, tt := range []struct {
		day, profiles string
		mark          int // of an i5-8250U
		currency      string
		prices        int
	}{
		{"2025-12-31", "", 0, "", 0},
		{"2026-01-01", "elev-pc/4 kontor/0", 5900, "NOK", 5},
		{"2026-06-30", "elev-pc/4 kontor/0", 5900, "NOK", 5},
		{"2026-07-01", "elev-pc/4", 5850, "SEK", 1},
		{"2026-08-01", "elev-pc/8", 5850, "SEK", 1},
		{"2036-08-01", "elev-pc/8", 5850, "SEK", 1},
	} {
		m := c.Market(day(t, tt.day).Add(23 * time.Hour))
		var profiles []string
		for _, p := range m.Profiles {
			profiles = append(profiles, p.ID+"/"+string('0'+rune(p.MemoryBytes>>30)))
		}
		mark, _ := m.Marks.Mark("Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz")
		if got := strings.Join(profiles, " "); got != tt.profiles || mark != tt.mark || m.Currency != tt.currency || len(m.Parts) != tt.prices {
			t.Errorf("%s: got %q, mark %d, %q, %d prices; want %+v", tt.day, got, mark, m.Currency, len(m.Parts), tt)
		}
	}
	got := c.Market(day(t, "2026-01-01"))
	want := grade.Profile{
		ID: "elev-pc", Name: "Elev-PC", Classes: []string{"laptop", "convertible"}, CPUMark: 1500, MemoryBytes: 4 << 30,
		StorageBytes: 250e9, ScreenMinTenths: 130, ScreenMaxTenths: 139, WiFi: "5", Sound: true,
	}
	if p := got.Profiles[0]; p.ID != want.ID || strings.Join(p.Classes, " ") != "laptop convertible" || p.CPUMark != want.CPUMark ||
		p.MemoryBytes != want.MemoryBytes || p.StorageBytes != want.StorageBytes || p.ScreenMinTenths != want.ScreenMinTenths ||
		p.ScreenMaxTenths != want.ScreenMaxTenths || p.WiFi != want.WiFi || !p.Sound || p.Camera || p.Windows11 {
		t.Errorf("got %+v, want %+v", p, want)
	}
	if p := got.Profiles[1]; p.WidthPixels != 1920 || p.HeightPixels != 1080 || p.BatteryPercent != 60 || p.StorageKind != "ssd" || !p.Windows11 {
		t.Errorf("got %+v", p)
	}
	if p := got.Parts[0]; p != (grade.PartPrice{Part: "memory", Type: "DDR4", Form: "SODIMM", SizeBytes: 8 << 30, CostMinor: 34900}) {
		t.Errorf("got %+v", p)
	}
	if m := got.Marks; m.Source != "cpubenchmark.net" || !m.Day.Equal(day(t, "2026-01-05")) {
		t.Errorf("got %+v", m)
	}
	if m := load(t, smallest).Market(day(t, "2026-01-01")); m.Profiles != nil || m.Parts != nil {
		t.Errorf("the smallest contract asks for something: %+v", m)
	}
}

func TestMarketRefuses(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"a demand that is misspelt", "memory_min: 4 GB", "memory_mim: 4 GB", `:12:5: unknown key "memory_mim" in profiles[0]: did you mean "memory_min"?`},
		{"no first day", "    valid_from: 2026-01-01\n    classes", "    classes", `:7:5: profiles[0].valid_from is missing`},
		{"an id with a space", "id: kontor", "id: kon tor", `id "kon tor": want at most 40 of a-z, 0-9 and -`},
		{"no name", "name: Elev-PC\n", "name: \" \"\n", `:8:11: profiles[0].name is missing`},
		{"an edition twice", "2026-08-01, memory_min", "2026-01-01, memory_min", `profile "elev-pc" has an edition of that day on line 7 already`},
		{"a profile that ends before it begins", "valid_to: 2026-06-30", "valid_to: 2025-06-30", `profiles[2].valid_to is before valid_from`},
		{"a profile that asks nothing", ", memory_min: 8 GB}", "}", `profiles[1] demands nothing`},
		{"a class that there is not", "[laptop, convertible]", "[laptop, notebook]", `:10:23: class "notebook": want one of laptop,`},
		{"a size without a unit", "memory_min: 4 GB", "memory_min: 4", `:12:17: profiles[0].memory_min: "4" is no size: write it as 8 GB`},
		{"memory in terabytes", "memory_min: 4 GB", "memory_min: 4 TB", `is no size`},
		{"half a gigabyte", "memory_min: 4 GB", "memory_min: 0.5 GB", `is no size`},
		{"a negative size", "storage_min: 250 GB", "storage_min: -250 GB", `is no size`},
		{"a size that is no size", "storage_min: 250 GB", "storage_min: 99999999999999999999 GB", `is no size`},
		{"a storage of no kind", "storage_kind: ssd", "storage_kind: nvme", `storage_kind "nvme": want ssd or hdd`},
		{"a screen in centimetres", "screen_min_inches: 13.0", "screen_min_inches: 33 cm", `is no size of a screen`},
		{"a screen turned round", "screen_max_inches: 13.9", "screen_max_inches: 12.9", `screen_max_inches is less than screen_min_inches`},
		{"a resolution by its name", "1920x1080", "Full HD", `"Full HD" is no resolution: write it as 1366x768`},
		{"old Wi-Fi", "802.11ac", "802.11g", `"802.11g" is no Wi-Fi`},
		{"neither yes nor no", "sound: yes", "sound: loud", `:17:12: profiles[0].sound: "loud": want yes or no`},
		{"a battery of 160 %", "battery_health_min: 60", "battery_health_min: 160", `want 1 to 100 percent`},
		{"a mark and no table of any", "cpu_marks:\n", "cpu_mark:\n", `unknown key "cpu_mark" here: did you mean "cpu_marks"?`},
		{"a table without a source", "    source: cpubenchmark.net\n", "", `cpu_marks[0].source is missing`},
		{"two marks of one processor", "Intel Celeron N4000 @ 1.10GHz", "Intel(R) Core(TM) i5-8250U CPU", `:26:9: cpu_marks[0].marks[1]: processor "Intel(R) Core(TM) i5-8250U CPU": the processor has mark 5900 already`},
		{"a mark of nothing", "mark: 1430", "mark: 0", `want 1 to 1000000`},
		{"a table of the same day", "valid_from: 2026-07-01, source", "valid_from: 2026-01-01, source", `there is a table of that day already`},
		{"an empty table", "marks: [{cpu: Intel Core i5-8250U, mark: 5850}]", "marks: []", `want marks, or a file that has them`},
		{"a file that is not there", "marks: [{cpu: Intel Core i5-8250U, mark: 5850}]", "file: marks.csv", `file does not exist`},
		{"a file of somebody else", "marks: [{cpu: Intel Core i5-8250U, mark: 5850}]", "file: ../../etc/passwd", `want one in the contract's folder or below`},
		{"no currency", "currency: NOK", "currency: kr", `parts[0].currency: want three letters, as NOK`},
		{"a misprinted currency", "currency: NOK", "currency: NKO", `parts[0].currency: NKO is not one of NOK SEK DKK ISK EUR`},
		{"memory of no kind", "type: DDR4", "type: DDR", `parts[0].memory[0].type: want DDR3, DDR3L, DDR4 or DDR5`},
		{"memory of no form", "form: SODIMM", "form: laptop", `parts[0].memory[0].form: want DIMM or SODIMM`},
		{"a module of 7 GB", "size: 8 GB", "size: 7 GB", `parts[0].memory[0].size: want the size of one module, 2 to 64 GB`},
		{"a disk on NVMe", "kind: ssd, connector", "kind: hdd, connector", `want sata, or nvme for an ssd`},
		{"a drive without a size", "size: 256 GB, ", "", `parts[0].drives[0].size is missing`},
		{"a price in kroner and øre", "price_minor: 39900", "price_minor: 399.00", `"399.00" is no whole number`},
		{"no price", ", price_minor: 79900", "", `parts[0].batteries[0].price_minor: want the price in minor units`},
		{"a negative price", "price_minor: 59900", "price_minor: -1", `want the price in minor units`},
		{"a card of no generation", "wifi: 6E, ", "", `parts[0].wifi_cards[0].wifi is missing`},
		{"an empty list", "batteries: [{price_minor: 0}]", "batteries: []", `parts[1]: want 1 to 500 prices`},
		{"a list of the same day", "valid_from: 2026-07-01, currency", "valid_from: 2026-01-01, currency", `there is a price list of that day already`},
	} {
		src := strings.Replace(market, tt.from, tt.to, 1)
		if src == market {
			t.Fatalf("%s: %q is not in the contract", tt.name, tt.from)
		}
		_, err := parse("c.yaml", []byte(src), noFiles)
		if err == nil {
			t.Errorf("%s: got no error, want %q", tt.name, tt.want)
			continue
		}
		if got := err.Error(); !regexp.MustCompile(`^c\.yaml:\d+:\d+: `).MatchString(got) || !strings.Contains(got, tt.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
	_, err := parse("c.yaml", []byte(smallest+"profiles:\n  - {id: a, name: A, valid_from: 2026-01-01, cpu_mark_min: 1500}\n"), noFiles)
	if err == nil || !strings.Contains(err.Error(), "the contract has no cpu_marks to look it up in") {
		t.Errorf("a mark that nothing can be held against: got %v", err)
	}
}

// A table in a file of its own, as a spreadsheet wrote it.
func TestMarksFromAFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "contract.yaml")
	src := smallest + "cpu_marks:\n  - {valid_from: 2026-01-01, source: a, file: data/marks.csv, marks: [{cpu: Intel N100, mark: 5500}]}\n"
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(name, src)
	for _, tt := range []struct{ text, want string }{
		{"cpu,mark\nIntel Core i5-8250U @ 1.60GHz,5900\n\"AMD A9-9400 RADEON R5, 5 COMPUTE CORES 2C+3G\",1500\n", ""},
		{"\ufeffcpu;mark\r\nIntel Core i5-8250U @ 1.60GHz;5900\r\n", ""},
		{"cpu,mark\nIntel Core i5-8250U,5 900\n", `data/marks.csv: line 2: mark "5 900": want a whole number`},
		{"cpu,mark\nIntel N100,5501\n", `data/marks.csv: line 2: processor "Intel N100": the processor has mark 5500 already`},
		{"Intel Core i5-8250U,5900\n", `line 1: want the heading cpu,mark`},
		{"cpu,mark\n", `has no processors`},
		{"cpu,mark\na,b,c\n", `wrong number of fields`},
		{"", `has no processors`},
	} {
		write(filepath.Join(dir, "data", "marks.csv"), tt.text)
		c, err := Load(name)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "contract.yaml:7:") {
				t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		m := c.Market(day(t, "2026-02-01"))
		for cpu, want := range map[string]int{"Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz": 5900, "Intel(R) N100": 5500} {
			if got, _ := m.Marks.Mark(cpu); got != want {
				t.Errorf("%s: got %d, want %d", cpu, got, want)
			}
		}
	}
}

// The example that people copy from is valid, and has every key there is.
func TestDocumentedContract(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "contract.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(doc, []byte("```yaml\n"))
	example, _, ok2 := bytes.Cut(rest, []byte("```"))
	if !ok || !ok2 {
		t.Fatal("docs/contract.md has no example")
	}
	files := func(name string) ([]byte, error) {
		if name != "cpu-marks.csv" {
			return nil, os.ErrNotExist
		}
		return []byte("cpu,mark\nIntel Core i5-8250U @ 1.60GHz,5900\n"), nil
	}
	c, err := parse("contract.md", example, files)
	if err != nil {
		t.Fatal(err)
	}
	m := c.Market(day(t, "2026-11-22"))
	if len(m.Profiles) == 0 || len(m.Parts) == 0 || m.Currency == "" {
		t.Errorf("the example's market on a day: %+v", m)
	}
	code, err := os.ReadFile("market.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range regexp.MustCompile("`yaml:\"([a-z0-9_]+)\"`").FindAllSubmatch(code, -1) {
		if !bytes.Contains(doc, append([]byte("`"), append(key[1], '`')...)) {
			t.Errorf("docs/contract.md does not explain `%s`", key[1])
		}
	}
}

func FuzzMarket(f *testing.F) {
	f.Add([]byte(market), []byte("cpu,mark\nIntel N100,5500\n"))
	f.Add([]byte(smallest+"cpu_marks:\n  - {valid_from: 2026-01-01, source: a, file: m.csv}\n"), []byte("cpu;mark\n\"a\nb\";5\n"))
	f.Fuzz(func(t *testing.T, src, table []byte) {
		c, err := parse("c.yaml", src, func(string) ([]byte, error) { return table, nil })
		if err != nil {
			if !strings.HasPrefix(err.Error(), "c.yaml") {
				t.Errorf("error without the file's name: %v", err)
			}
			return
		}
		for _, p := range c.Profiles {
			m := c.Market(p.ValidFrom)
			if !p.ValidTo.IsZero() && p.ValidTo.Before(p.ValidFrom) || len(m.Profiles) == 0 {
				t.Errorf("profile %+v is valid on no day", p)
			}
			for _, q := range m.Profiles {
				if q.MemoryBytes < 0 || q.StorageBytes < 0 || q.CPUMark < 0 {
					t.Errorf("profile %+v", q)
				}
			}
		}
		for _, l := range c.Parts {
			for _, p := range c.Market(l.ValidFrom).Parts {
				if p.CostMinor < 0 || p.Part == "" {
					t.Errorf("price %+v", p)
				}
			}
		}
	})
}
