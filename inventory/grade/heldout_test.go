package grade

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

var samples = flag.String("samples", "", "`folder` with checkouts (whole or in part) of the reports of linux-hardware.org: DMI, EDID and EnterpriseDrive")

// The reports of linux-hardware.org lie in folders named after what each is:
// kind of machine, maker, series, model. That is somebody else's reading of the
// same strings and not the truth, but nobody here chose it.
func TestReportsNobodyHereHasSeen(t *testing.T) {
	if *samples == "" {
		t.Skip("no -samples; see make samples")
	}
	t.Run("DMI", machinesUnseen)
	t.Run("EnterpriseDrive", drivesUnseen)
	t.Run("EDID", displaysUnseen)
}

// tally counts what was found right, and keeps what was not.
type tally struct {
	t     *testing.T
	right map[string]int
	all   map[string]int
	wrong map[string][]string
}

func newTally(t *testing.T) *tally {
	return &tally{t, map[string]int{}, map[string]int{}, map[string][]string{}}
}

func (c *tally) count(what string, right bool, format string, args ...any) {
	c.all[what]++
	if right {
		c.right[what]++
		return
	}
	c.wrong[what] = append(c.wrong[what], fmt.Sprintf(format, args...))
}

// atLeast prints the share of what is right, and fails where it is below.
func (c *tally) atLeast(what string, percent float64) {
	c.t.Helper()
	share := 100 * float64(c.right[what]) / float64(max(c.all[what], 1))
	c.t.Logf("%-28s %6.2f %% of %d", what, share, c.all[what])
	sort.Strings(c.wrong[what])
	for _, w := range c.wrong[what] {
		c.t.Logf("    %s", w)
	}
	if share < percent {
		c.t.Errorf("%s: %.2f %%, want %.2f %%", what, share, percent)
	}
}

// eachSample calls do with the folders above each report, and its content.
func eachSample(t *testing.T, kind string, do func(parts []string, name string, content string)) {
	t.Helper()
	root := filepath.Join(*samples, kind)
	n := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		parts := strings.Split(filepath.ToSlash(below), "/")
		if len(parts) < 4 || strings.HasPrefix(parts[0], ".") {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		n++
		do(parts, name, string(content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatalf("no reports below %s", root)
	}
}

// letters are a name without what nobody agrees on.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

func machinesUnseen(t *testing.T) {
	classes := map[string][]string{
		"Notebook": {"laptop", "convertible"}, "Desktop": {"desktop", "workstation", "mini", "server"}, "Server": {"server", "workstation"},
		"Convertible": {"convertible", "tablet"}, "Tablet": {"tablet", "convertible"}, "All In One": {"all-in-one"},
		"Mini Pc": {"mini", "desktop"}, "Stick Pc": {"mini"}, "System On Chip": {"mini", "other", "desktop"},
	}
	others := map[string]string{
		"hewlettpackard": "hp", "asustekcomputer": "asus", "gigabytetechnology": "gigabyte", "samsungelectronics": "samsung",
		"fujitsuclientcomputinglimited": "fujitsu", "intelclientsystems": "intel", "tyancomputer": "tyan", "azw": "beelink",
		"raspberrypifoundation": "raspberrypi", "huanan": "huananzhi", "lgelectronics": "lg",
	}
	c := newTally(t)
	eachSample(t, "DMI", func(p []string, name, _ string) {
		m, err := inventory.Read(name)
		c.count("read", err == nil, "%s: %v", name, err)
		maker, model := letters(p[1]), letters(p[3])
		if other, ok := others[maker]; ok {
			maker = other
		}
		got := letters(m.System.Manufacturer)
		known := p[1] != "Others" && p[3] != "Others" && p[2] != "All" // "All Series" is no name
		if known {
			c.count("maker", got != "" && (strings.Contains(got, maker) || strings.Contains(maker, got)), "%s: %q", strings.Join(p, "/"), m.System.Manufacturer)
			got = letters(m.System.Model)
			c.count("model", got != "" && (strings.Contains(model, got) || strings.Contains(got, model)), "%s: %q", strings.Join(p, "/"), m.System.Model)
		}
		c.count("class", slices.Contains(classes[p[0]], m.System.Class), "%s: %s", strings.Join(p, "/"), m.System.Class)
	})
	c.atLeast("read", 99.5)
	c.atLeast("maker", 97)
	c.atLeast("model", 97)
	c.atLeast("class", 97)
}

var (
	failedItself = regexp.MustCompile(`(?m)self-assessment test result: FAILED|^SMART Health Status: +[^O\s]`)
	waiting      = regexp.MustCompile(`(?m)^ *(?:187|197|198) \S+ .* (\d+)$`)
	mediaErrors  = regexp.MustCompile(`Media and Data Integrity Errors: +([1-9][0-9,]*)`)
)

func drivesUnseen(t *testing.T) {
	media := map[string]inventory.Media{"HDD": inventory.MediaMagnetic, "SSD": inventory.MediaFlash, "NVMe": inventory.MediaFlash}
	c, verdicts := newTally(t), map[string]int{}
	eachSample(t, "EnterpriseDrive", func(p []string, name, text string) {
		m, err := inventory.Read(name)
		c.count("read", err == nil && len(m.Drives) == 1, "%s: %v %v", name, err, m.Notes)
		if len(m.Drives) != 1 {
			return
		}
		d := m.Drives[0]
		h := JudgeHealth(d, commonLimits())
		verdicts[h.Verdict]++
		c.count("maker and model", d.Manufacturer != "" && letters(d.Model) != "", "%s: %q %q", strings.Join(p, "/"), d.Manufacturer, d.Model)
		c.count("kind", d.Media == media[p[0]], "%s: %s", strings.Join(p, "/"), d.Media)
		if failedItself.MatchString(text) {
			c.count("failed by its own word", h.Verdict == "reject", "%s: %s", name, h.Verdict)
		}
		damaged := mediaErrors.MatchString(text)
		for _, found := range waiting.FindAllStringSubmatch(text, -1) {
			damaged = damaged || strings.Trim(found[1], "0") != ""
		}
		if damaged {
			c.count("damaged is not good", h.Verdict != "ok", "%s: %s", name, h.Verdict)
		}
	})
	c.atLeast("read", 99.5)
	c.atLeast("maker and model", 97)
	c.atLeast("kind", 97)
	c.atLeast("failed by its own word", 100)
	c.atLeast("damaged is not good", 100)
	t.Logf("verdicts %v", verdicts)
}

func displaysUnseen(t *testing.T) {
	made := regexp.MustCompile(`(?m)^ +(?:Made in: .*|Model year: )(\d{4})`)
	called := regexp.MustCompile(`(?m)^ +Display Product Name: '(.+)'`)
	c := newTally(t)
	eachSample(t, "EDID", func(p []string, name, text string) {
		m, err := inventory.Read(name)
		c.count("read", err == nil, "%s: %v", name, err)
		if !strings.Contains(text, "Block 0, Base EDID") {
			return // nothing that the other tool could make sense of
		}
		c.count("a display", len(m.Displays) == 1, "%s: %v", name, m.Notes)
		if len(m.Displays) != 1 {
			return
		}
		d := m.Displays[0]
		if len(p[2]) == 7 {
			c.count("id", fmt.Sprintf("%s%04X", d.PNPID, d.ProductCode) == p[2], "%s: %s %04X", strings.Join(p, "/"), d.PNPID, d.ProductCode)
		}
		if want := made.FindStringSubmatch(text); want != nil {
			c.count("year", fmt.Sprint(d.Year) == want[1], "%s: %d, want %s", name, d.Year, want[1])
		}
		if want := called.FindStringSubmatch(text); want != nil {
			c.count("name", d.Model == strings.TrimSpace(want[1]), "%s: %q, want %q", name, d.Model, want[1])
		}
	})
	for _, what := range []string{"read", "a display", "id", "year", "name"} {
		c.atLeast(what, 99)
	}
}
