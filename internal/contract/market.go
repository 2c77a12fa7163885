package contract

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ombruk/ombruk/internal/yamlfile"
	"github.com/ombruk/ombruk/inventory/grade"
)

// Profile is one edition of a minimum spec. A demand that is left out is not
// made.
type Profile struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
	// ValidFrom is the first day of this edition, ValidTo the last day of the
	// profile, zero while it has none. The edition with the latest ValidFrom
	// that has come takes the place of those before it.
	ValidFrom   time.Time  `yaml:"valid_from"`
	ValidTo     time.Time  `yaml:"valid_to"`
	Classes     []string   `yaml:"classes"`
	CPUMark     int        `yaml:"cpu_mark_min"`
	Memory      memorySize `yaml:"memory_min"`
	Storage     driveSize  `yaml:"storage_min"`
	StorageKind string     `yaml:"storage_kind"`
	ScreenMin   inches     `yaml:"screen_min_inches"`
	ScreenMax   inches     `yaml:"screen_max_inches"`
	Resolution  resolution `yaml:"resolution_min"`
	WiFi        wifi       `yaml:"wifi"`
	Sound       yesNo      `yaml:"sound"`
	Camera      yesNo      `yaml:"camera"`
	Keyboard    yesNo      `yaml:"keyboard"`
	Touch       yesNo      `yaml:"touch"`
	Battery     int        `yaml:"battery_health_min"`
	Windows11   yesNo      `yaml:"windows11"`
}

// MarkTable is one edition of the table of processors.
type MarkTable struct {
	ValidFrom time.Time `yaml:"valid_from"`
	Source    string    `yaml:"source"`
	// Read is the day on which the figures were read at the source.
	Read time.Time `yaml:"read"`
	// File was read when the contract was: what stands in it is in Marks.
	File  string    `yaml:"file"`
	Marks []CPUMark `yaml:"marks"`
}

// CPUMark is one line of a table of processors.
type CPUMark struct {
	CPU  string `yaml:"cpu"`
	Mark int    `yaml:"mark"`
}

// PartList is one edition of the price list of parts. Prices are in minor units
// of Currency, ex VAT.
type PartList struct {
	ValidFrom time.Time      `yaml:"valid_from"`
	Currency  string         `yaml:"currency"`
	Memory    []MemoryPrice  `yaml:"memory"`
	Drives    []DrivePrice   `yaml:"drives"`
	Batteries []BatteryPrice `yaml:"batteries"`
	WiFiCards []WiFiPrice    `yaml:"wifi_cards"`
}

// MemoryPrice is the price of one module.
type MemoryPrice struct {
	Type  string     `yaml:"type"`
	Form  string     `yaml:"form"`
	Size  memorySize `yaml:"size"`
	Price *int       `yaml:"price_minor"`
}

// DrivePrice is the price of one drive.
type DrivePrice struct {
	Kind      string    `yaml:"kind"`
	Connector string    `yaml:"connector"`
	Size      driveSize `yaml:"size"`
	Price     *int      `yaml:"price_minor"`
}

// BatteryPrice is the price of a battery for machines of a class, or whose
// model has Model in its name.
type BatteryPrice struct {
	Class string `yaml:"class"`
	Model string `yaml:"model"`
	Price *int   `yaml:"price_minor"`
}

// WiFiPrice is the price of a card.
type WiFiPrice struct {
	WiFi  wifi `yaml:"wifi"`
	Price *int `yaml:"price_minor"`
}

// Limits of what is sensible, above which there is a slip of the pen.
const (
	maxMark     = 1_000_000
	maxProfiles = 100
	maxEditions = 50
	maxPrices   = 500
	maxMarks    = 20_000
)

// Market is what the contract says on a day. What has no edition yet on that
// day is empty.
func (c *Contract) Market(day time.Time) grade.Market {
	day = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	var m grade.Market
	for _, p := range c.Profiles {
		if p.ValidFrom.After(day) || slices.ContainsFunc(c.Profiles, func(q Profile) bool {
			return q.ID == p.ID && !q.ValidFrom.After(day) && q.ValidFrom.After(p.ValidFrom)
		}) || !p.ValidTo.IsZero() && p.ValidTo.Before(day) {
			continue
		}
		m.Profiles = append(m.Profiles, p.grade())
	}
	if t, ok := latest(c.CPUMarks, day, func(t MarkTable) time.Time { return t.ValidFrom }); ok {
		m.Marks = grade.CPUMarks{Source: t.Source, Day: t.Read}
		for _, line := range t.Marks {
			_ = m.Marks.Add(line.CPU, line.Mark) // that all can be added was checked
		}
	}
	if l, ok := latest(c.Parts, day, func(l PartList) time.Time { return l.ValidFrom }); ok {
		m.Currency, m.Parts = l.Currency, l.grade()
	}
	return m
}

// latest is the edition that is valid on a day.
func latest[T any](editions []T, day time.Time, from func(T) time.Time) (found T, ok bool) {
	for _, e := range editions {
		if !from(e).After(day) && (!ok || from(e).After(from(found))) {
			found, ok = e, true
		}
	}
	return found, ok
}

func (p Profile) grade() grade.Profile {
	return grade.Profile{
		ID: p.ID, Name: p.Name, Classes: p.Classes, CPUMark: p.CPUMark,
		MemoryBytes: int64(p.Memory), StorageBytes: int64(p.Storage), StorageKind: p.StorageKind,
		ScreenMinTenths: int(p.ScreenMin), ScreenMaxTenths: int(p.ScreenMax),
		WidthPixels: p.Resolution.width, HeightPixels: p.Resolution.height, WiFi: string(p.WiFi),
		Sound: bool(p.Sound), Camera: bool(p.Camera), Keyboard: bool(p.Keyboard), Touch: bool(p.Touch),
		BatteryPercent: p.Battery, Windows11: bool(p.Windows11),
	}
}

func (l PartList) grade() []grade.PartPrice {
	var all []grade.PartPrice
	for _, p := range l.Memory {
		all = append(all, grade.PartPrice{Part: grade.UpgradeMemory, Type: p.Type, Form: p.Form, SizeBytes: int64(p.Size), CostMinor: int64(*p.Price)})
	}
	for _, p := range l.Drives {
		all = append(all, grade.PartPrice{Part: grade.UpgradeDrive, Type: p.Kind, Form: p.Connector, SizeBytes: int64(p.Size), CostMinor: int64(*p.Price)})
	}
	for _, p := range l.Batteries {
		all = append(all, grade.PartPrice{Part: grade.UpgradeBattery, Class: p.Class, Model: p.Model, CostMinor: int64(*p.Price)})
	}
	for _, p := range l.WiFiCards {
		all = append(all, grade.PartPrice{Part: grade.UpgradeWiFi, WiFi: string(p.WiFi), CostMinor: int64(*p.Price)})
	}
	return all
}

// checkMarket checks what [Contract.Market] gives out, and reads the tables of
// processors that stand in files of their own.
func (c *Contract) checkMarket(f *yamlfile.File, read func(name string) ([]byte, error)) error {
	if len(c.Profiles) > maxProfiles {
		return f.Errorf("profiles", "profiles: more than %d", maxProfiles)
	}
	for i, p := range c.Profiles {
		path := fmt.Sprintf("profiles[%d]", i)
		if err := p.check(f, path); err != nil {
			return err
		}
		for j, q := range c.Profiles[:i] {
			if q.ID == p.ID && q.ValidFrom.Equal(p.ValidFrom) {
				return f.Errorf(path+".valid_from", "profile %q has an edition of that day on line %d already", p.ID, f.Line(fmt.Sprintf("profiles[%d].id", j)))
			}
		}
		if p.CPUMark > 0 && len(c.CPUMarks) == 0 {
			return f.Errorf(path+".cpu_mark_min", "%s.cpu_mark_min: the contract has no cpu_marks to look it up in", path)
		}
	}
	if len(c.CPUMarks) > maxEditions {
		return f.Errorf("cpu_marks", "cpu_marks: more than %d tables", maxEditions)
	}
	if len(c.Parts) > maxEditions {
		return f.Errorf("parts", "parts: more than %d price lists", maxEditions)
	}
	for i := range c.CPUMarks {
		t, path := &c.CPUMarks[i], fmt.Sprintf("cpu_marks[%d]", i)
		if err := t.check(f, path, read); err != nil {
			return err
		}
		if slices.ContainsFunc(c.CPUMarks[:i], func(o MarkTable) bool { return o.ValidFrom.Equal(t.ValidFrom) }) {
			return f.Errorf(path+".valid_from", "there is a table of that day already")
		}
	}
	for i, l := range c.Parts {
		path := fmt.Sprintf("parts[%d]", i)
		if err := l.check(f, path); err != nil {
			return err
		}
		if slices.ContainsFunc(c.Parts[:i], func(o PartList) bool { return o.ValidFrom.Equal(l.ValidFrom) }) {
			return f.Errorf(path+".valid_from", "there is a price list of that day already")
		}
	}
	return nil
}

// classes are those of a computer that can be asked for; see inventory.System.
func classes() []string {
	return []string{"laptop", "convertible", "tablet", "desktop", "mini", "all-in-one", "workstation", "server"}
}

func (p Profile) check(f *yamlfile.File, path string) error {
	if err := checkName(f, path+".id", p.ID); err != nil {
		return err
	}
	if strings.Trim(p.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(p.ID) > 40 {
		return f.Errorf(path+".id", "id %q: want at most 40 of a-z, 0-9 and -", p.ID)
	}
	if err := checkName(f, path+".name", p.Name); err != nil {
		return err
	}
	if err := checkFrom(f, path, p.ValidFrom); err != nil {
		return err
	}
	switch {
	case !p.ValidTo.IsZero() && p.ValidTo.Before(p.ValidFrom):
		return f.Errorf(path+".valid_to", "%s.valid_to is before valid_from", path)
	case p.CPUMark < 0 || p.CPUMark > maxMark:
		return f.Errorf(path+".cpu_mark_min", "%s.cpu_mark_min: want 1 to %d", path, maxMark)
	case p.StorageKind != "" && p.StorageKind != "ssd" && p.StorageKind != "hdd":
		return f.Errorf(path+".storage_kind", "storage_kind %q: want ssd or hdd", p.StorageKind)
	case p.ScreenMax > 0 && p.ScreenMax < p.ScreenMin:
		return f.Errorf(path+".screen_max_inches", "%s.screen_max_inches is less than screen_min_inches", path)
	case p.Battery < 0 || p.Battery > 100:
		return f.Errorf(path+".battery_health_min", "%s.battery_health_min: want 1 to 100 percent", path)
	}
	for i, class := range p.Classes {
		if !slices.Contains(classes(), class) {
			return f.Errorf(fmt.Sprintf("%s.classes[%d]", path, i), "class %q: want one of %s", class, strings.Join(classes(), ", "))
		}
	}
	g := p.grade()
	if g.Classes == nil && g.CPUMark == 0 && g.MemoryBytes == 0 && g.StorageBytes == 0 && g.StorageKind == "" && g.ScreenMinTenths == 0 &&
		g.ScreenMaxTenths == 0 && g.WidthPixels == 0 && g.WiFi == "" && !g.Sound && !g.Camera && !g.Keyboard && !g.Touch && g.BatteryPercent == 0 && !g.Windows11 {
		return f.Errorf(path, "%s demands nothing", path)
	}
	return nil
}

func checkFrom(f *yamlfile.File, path string, day time.Time) error {
	if day.IsZero() {
		return f.Errorf(path, "%s.valid_from is missing: write the first day as 2026-01-31", path)
	}
	return nil
}

func (t *MarkTable) check(f *yamlfile.File, path string, read func(name string) ([]byte, error)) error {
	if err := checkFrom(f, path, t.ValidFrom); err != nil {
		return err
	}
	if err := checkName(f, path+".source", t.Source); err != nil {
		return err
	}
	if len(t.Marks) > maxMarks {
		return f.Errorf(path+".marks", "%s.marks: more than %d", path, maxMarks)
	}
	var table grade.CPUMarks
	for i, m := range t.Marks {
		line := fmt.Sprintf("%s.marks[%d]", path, i)
		if err := m.addTo(&table); err != nil {
			return f.Errorf(line, "%s: %w", line, err)
		}
	}
	if t.File == "" {
		if len(t.Marks) == 0 {
			return f.Errorf(path, "%s: want marks, or a file that has them", path)
		}
		return nil
	}
	if !filepath.IsLocal(t.File) {
		return f.Errorf(path+".file", "file %q: want one in the contract's folder or below", t.File)
	}
	src, err := read(t.File)
	if err != nil {
		return f.Errorf(path+".file", "%w", err)
	}
	more, err := marksOfCSV(src, &table)
	if err != nil {
		return f.Errorf(path+".file", "%s: %w", t.File, err)
	}
	t.Marks = append(t.Marks, more...)
	return nil
}

func (m CPUMark) addTo(table *grade.CPUMarks) error {
	if m.Mark < 1 || m.Mark > maxMark {
		return fmt.Errorf("mark of %q: want 1 to %d", m.CPU, maxMark)
	}
	if err := table.Add(m.CPU, m.Mark); err != nil {
		return fmt.Errorf("processor %q: %w", m.CPU, err)
	}
	return nil
}

// marksOfCSV reads a table of two columns under the heading cpu and mark, with
// commas or, as some spreadsheets write it, semicolons.
func marksOfCSV(src []byte, table *grade.CPUMarks) ([]CPUMark, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	r := csv.NewReader(bytes.NewReader(src))
	if head, _, _ := bytes.Cut(src, []byte("\n")); bytes.ContainsRune(head, ';') {
		r.Comma = ';'
	}
	r.FieldsPerRecord = 2
	var marks []CPUMark
	for n := 0; ; n++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			if len(marks) == 0 {
				return nil, errors.New("has no processors")
			}
			return marks, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		switch {
		case n == 0 && (record[0] != "cpu" || record[1] != "mark"):
			return nil, errors.New("line 1: want the heading cpu,mark")
		case n == 0:
			continue
		case n > maxMarks:
			return nil, fmt.Errorf("more than %d processors", maxMarks)
		}
		mark, err := strconv.Atoi(record[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: mark %q: want a whole number", line, record[1])
		}
		m := CPUMark{CPU: record[0], Mark: mark}
		if err := m.addTo(table); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		marks = append(marks, m)
	}
}

// currencies are the codes (ISO 4217) of Europe and of where parts are bought. A
// misprinted code would stand beside every price.
const currencies = "NOK SEK DKK ISK EUR GBP CHF PLN CZK HUF RON BGN RSD MKD ALL BAM MDL UAH GEL AMD TRY USD CAD AUD NZD JPY"

func (l PartList) check(f *yamlfile.File, path string) error {
	if err := checkFrom(f, path, l.ValidFrom); err != nil {
		return err
	}
	if len(l.Currency) != 3 || strings.Trim(l.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return f.Errorf(path+".currency", "%s.currency: want three letters, as NOK", path)
	}
	if !slices.Contains(strings.Fields(currencies), l.Currency) {
		return f.Errorf(path+".currency", "%s.currency: %s is not one of %s", path, l.Currency, currencies)
	}
	n := len(l.Memory) + len(l.Drives) + len(l.Batteries) + len(l.WiFiCards)
	if n == 0 || n > maxPrices {
		return f.Errorf(path, "%s: want 1 to %d prices", path, maxPrices)
	}
	price := func(at string, p *int) error {
		if p == nil || *p < 0 {
			return f.Errorf(at+".price_minor", "%s.price_minor: want the price in minor units (øre), ex VAT", at)
		}
		return nil
	}
	for i, p := range l.Memory {
		at := fmt.Sprintf("%s.memory[%d]", path, i)
		switch {
		case !slices.Contains([]string{"DDR3", "DDR3L", "DDR4", "DDR5"}, p.Type):
			return f.Errorf(at+".type", "%s.type: want DDR3, DDR3L, DDR4 or DDR5", at)
		case p.Form != "DIMM" && p.Form != "SODIMM":
			return f.Errorf(at+".form", "%s.form: want DIMM or SODIMM", at)
		case !slices.Contains(grade.MemorySizes(), int64(p.Size)):
			return f.Errorf(at+".size", "%s.size: want the size of one module, 2 to 64 GB", at)
		}
		if err := price(at, p.Price); err != nil {
			return err
		}
	}
	for i, p := range l.Drives {
		at := fmt.Sprintf("%s.drives[%d]", path, i)
		switch {
		case p.Kind != "ssd" && p.Kind != "hdd":
			return f.Errorf(at+".kind", "%s.kind: want ssd or hdd", at)
		case p.Connector != "sata" && p.Connector != "nvme", p.Kind == "hdd" && p.Connector == "nvme":
			return f.Errorf(at+".connector", "%s.connector: want sata, or nvme for an ssd", at)
		case p.Size == 0:
			return f.Errorf(at, "%s.size is missing", at)
		}
		if err := price(at, p.Price); err != nil {
			return err
		}
	}
	for i, p := range l.Batteries {
		at := fmt.Sprintf("%s.batteries[%d]", path, i)
		if p.Class != "" && !slices.Contains(classes(), p.Class) {
			return f.Errorf(at+".class", "class %q: want one of %s", p.Class, strings.Join(classes(), ", "))
		}
		if err := checkLine(f, at+".model", p.Model); err != nil {
			return err
		}
		if err := price(at, p.Price); err != nil {
			return err
		}
	}
	for i, p := range l.WiFiCards {
		at := fmt.Sprintf("%s.wifi_cards[%d]", path, i)
		if p.WiFi == "" {
			return f.Errorf(at, "%s.wifi is missing", at)
		}
		if err := price(at, p.Price); err != nil {
			return err
		}
	}
	return nil
}

// memorySize is an amount of memory in bytes, written as memory is sold: its
// GB are 1024 MB of 1024 KB.
type memorySize int64

func (s *memorySize) UnmarshalText(text []byte) error {
	n, err := parseSize(string(text), map[string]int64{"MB": 1 << 20, "MiB": 1 << 20, "GB": 1 << 30, "GiB": 1 << 30})
	*s = memorySize(n)
	return err
}

// driveSize is the size of a drive in bytes, written as drives are sold: its GB
// are 1000 MB of 1000 kB.
type driveSize int64

func (s *driveSize) UnmarshalText(text []byte) error {
	n, err := parseSize(string(text), map[string]int64{"GB": 1e9, "GiB": 1 << 30, "TB": 1e12, "TiB": 1 << 40})
	*s = driveSize(n)
	return err
}

func parseSize(text string, units map[string]int64) (int64, error) {
	for unit, bytes := range units {
		number, ok := strings.CutSuffix(text, unit)
		if n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32); ok && err == nil && n > 0 && n <= 1_000_000 && !strings.HasPrefix(number, "+") {
			return n * bytes, nil
		}
	}
	return 0, fmt.Errorf("%q is no size: write it as 8 GB", text)
}

// inches are tenths of an inch.
type inches int

func (i *inches) UnmarshalText(text []byte) error {
	whole, part, ok := strings.Cut(string(text), ".")
	if !ok {
		part = "0"
	}
	n, err := strconv.Atoi(whole)
	tenths, err2 := strconv.Atoi(part)
	if err != nil || err2 != nil || len(part) != 1 || n < 1 || n > 99 || tenths < 0 {
		return fmt.Errorf("%q is no size of a screen: write it in inches, as 13.3", text)
	}
	*i = inches(10*n + tenths)
	return nil
}

// resolution is that of a screen in pixels.
type resolution struct{ width, height int }

func (r *resolution) UnmarshalText(text []byte) error {
	m := regexp.MustCompile(`^([1-9]\d{2,4}) ?x ?([1-9]\d{2,4})$`).FindStringSubmatch(string(text))
	if m == nil {
		return fmt.Errorf("%q is no resolution: write it as 1366x768", text)
	}
	r.width, _ = strconv.Atoi(m[1])
	r.height, _ = strconv.Atoi(m[2])
	return nil
}

// wifi is a generation of Wi-Fi.
type wifi string

func (w *wifi) UnmarshalText(text []byte) error {
	name := string(text)
	byStandard := map[string]string{"802.11n": "4", "802.11ac": "5", "802.11ax": "6", "802.11be": "7"}
	if g, ok := byStandard[name]; ok {
		name = g
	}
	if !slices.Contains(grade.WiFiGenerations(), name) {
		return fmt.Errorf("%q is no Wi-Fi: want 4, 5, 6, 6E, 7, or 802.11n, 802.11ac, 802.11ax, 802.11be", text)
	}
	*w = wifi(name)
	return nil
}

// yesNo is a demand that is made or not.
type yesNo bool

func (b *yesNo) UnmarshalText(text []byte) error {
	switch string(text) {
	case "yes", "true":
		*b = true
	case "no", "false":
		*b = false
	default:
		return fmt.Errorf("%q: want yes or no", text)
	}
	return nil
}
