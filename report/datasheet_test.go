package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// A data sheet stands on no record: it claims nothing about data, and says so.
func TestDataSheets(t *testing.T) {
	for tool, debianPackage := range map[string]string{"pdftotext": "poppler-utils", "pdffonts": "poppler-utils", "pdfinfo": "poppler-utils", "qpdf": "qpdf"} {
		needs(t, tool, debianPackage)
	}
	fromDump := notebook().Machine
	fromDump.Drives, fromDump.Locks, fromDump.Firmware = nil, nil, inventory.Firmware{Vendor: "Dell", Version: "1.21.0"}
	r := renderer(t)
	for _, st := range []struct {
		name    string
		machine inventory.Machine
		grade   *grade.Result
		source  string
		pages   int
	}{
		{"notebook", notebook().Machine, notebookGrade(), "latitude-7400.txt", 1},
		{"dump", fromDump, nil, "latitude-7400.txt", 1},
		{"desktop", desktop().Machine, desktop().Grade, "precision-3630.capture", 1},
		{"server", server().Machine, server().Grade, "", 1},
		{"monitor", monitor(), nil, "u2415.bin", 1},
		{"monitor-graded", monitor(), monitorGrade(), "u2415.bin", 1},
		{"empty", inventory.Machine{}, nil, "empty.txt", 1},
		{"hostile", hostileUnit().Machine, hostileUnit().Grade, hostileUnit().Machine.System.Serial, 1},
	} {
		for _, language := range lang.Tags() {
			t.Run(st.name+"/"+language, func(t *testing.T) {
				t.Parallel()
				pdf, err := r.DataSheet(st.machine, st.grade, datasheetOf(language, st.source))
				if err != nil {
					t.Fatal(err)
				}
				file, text := judgePDF(t, pdf)
				goldenText(t, "sheet-"+st.name+"."+language+".txt", text)
				if got := pageCount(t, file); got != st.pages {
					t.Errorf("the sheet has %d pages, want %d", got, st.pages)
				}
				flat := strings.Join(strings.Fields(text), " ")
				if claim := r.texts[language].Get("datasheet.claim", nil); !strings.Contains(flat, claim) {
					t.Errorf("the sheet does not say what it is not: %q", claim)
				}
				for _, word := range []string{"ALL DRIVES CLEAN", "ALLE DISKER SLETTET", "OMBRUK:1:", "ombruk verify", header().ID} {
					if strings.Contains(text+run(t, "pdfinfo", file), word) {
						t.Errorf("the sheet says %q like a page with a record", word)
					}
				}
				if m := keyLike.FindString(text); m != "" {
					t.Errorf("the sheet shows the key %q instead of a message", m)
				}
				again, err := r.DataSheet(st.machine, st.grade, datasheetOf(language, st.source))
				if err != nil || !bytes.Equal(pdf, again) {
					t.Errorf("two drawings of one machine differ (%v)", err)
				}
			})
		}
	}
}

// No page holds a whole Windows key, whatever a record or a dump may say.
func TestNoPageHoldsAWholeProductKey(t *testing.T) {
	needs(t, "pdftotext", "poppler-utils")
	r, rec := renderer(t), hostileUnit()
	unitPage, err := r.Unit(rec, page(t, "en", rec))
	if err != nil {
		t.Fatal(err)
	}
	sheetPage, err := r.DataSheet(rec.Machine, rec.Grade, datasheetOf("en", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, pdf := range [][]byte{unitPage, sheetPage} {
		_, text := judgePDF(t, pdf)
		if strings.Contains(strings.Join(strings.Fields(text), ""), "DDDDD") || !strings.Contains(text, "EEEEE") {
			t.Error("the page does not print the last five characters of the key, or prints more")
		}
	}
}

// What the storage came to is said first, and no grade takes it back.
func TestNoGradeWeakensTheAnswer(t *testing.T) {
	needs(t, "pdftotext", "poppler-utils")
	r := renderer(t)
	unsettled := regexp.MustCompile(`Reuse\s+not before its storage is settled`)
	for name, change := range map[string]func(*certs.Unit){
		"a drive to destroy":                      func(u *certs.Unit) { *u = twoDrives() },
		"a record from before storage was judged": func(u *certs.Unit) { u.Storage = certs.Storage{} },
		"no storage seen": func(u *certs.Unit) {
			u.Drives, u.Storage = nil, certs.Storage{State: certs.StorageNone, Reasons: []inventory.Reason{{Code: inventory.UnseenNothing, Text: "Nothing."}}}
		},
	} {
		rec := notebook()
		change(&rec)
		pdf, err := r.Unit(rec, page(t, "en", rec))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, text := judgePDF(t, pdf)
		if !unsettled.MatchString(text) {
			t.Errorf("%s: the page says Reuse and nothing about the storage", name)
		}
	}
	rec := notebook()
	pdf, err := r.Unit(rec, page(t, "en", rec))
	if err != nil {
		t.Fatal(err)
	}
	if _, text := judgePDF(t, pdf); unsettled.MatchString(text) {
		t.Error("all drives are clean, and the page says that the storage is not settled")
	}
}

// A column that is longer than its page goes on on the next, and nothing of it
// is lost.
func TestColumnsGoOnOnTheNextPage(t *testing.T) {
	needs(t, "pdftotext", "poppler-utils")
	rec := notebook()
	rec.Checks, rec.Machine.Cameras = nil, nil
	var want []string
	for i := range 12 {
		name := strings.Repeat("long ", 60) + "end" + string(rune('a'+i))
		want = append(want, "end"+string(rune('a'+i)))
		rec.Machine.Cameras = append(rec.Machine.Cameras, name)
	}
	pdf, err := renderer(t).Unit(rec, page(t, "en", rec))
	if err != nil {
		t.Fatal(err)
	}
	_, text := judgePDF(t, pdf)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
}

func FuzzUnitPage(f *testing.F) {
	f.Add("\x1b]0;x\x07", "=1+1", int64(1<<40), 3)
	f.Add(strings.Repeat("W", 900), "\xff", int64(-1), -4)
	r := renderer(f)
	f.Fuzz(func(t *testing.T, a, b string, n int64, m int) {
		if len(a)+len(b) > 900 {
			return
		}
		rec := notebook()
		sys := &rec.Machine.System
		sys.Manufacturer, sys.Model, sys.Class, sys.SKU, sys.Serial = a, b, a, b, a
		rec.Machine.Memory.TotalBytes, rec.Machine.Board.MemorySlots, rec.Machine.Board.MaxMemoryBytes = n, m, n
		rec.Machine.Memory.Modules = append(rec.Machine.Memory.Modules, inventory.MemoryModule{Slot: a, SizeBytes: n, Type: b, SpeedMTs: m, Serial: b})
		rec.Machine.Batteries = []inventory.Battery{{HealthPercent: m, Cycles: m, FullMilliwattHours: n, DesignMilliwattHours: n, Model: a, Manufacturer: b}}
		rec.Machine.Displays = []inventory.Display{{DiagonalInches: float64(n), WidthPixels: m, HeightPixels: m, Model: a, Year: m}}
		rec.Grade.Upgrades[0].CostMinor, rec.Grade.Upgrades[0].Currency = &n, b
		rec.Grade.Reasons = append(rec.Grade.Reasons, because(a, b, a, b, a))
		rec.Machine.Locks = append(rec.Machine.Locks, inventory.Lock{Code: a, State: inventory.LockSet, Text: b})
		if pdf, err := r.Unit(rec, Page{Language: "nb"}); err != nil || len(pdf) == 0 {
			t.Errorf("a page of hostile text: %v", err)
		}
		if pdf, err := r.DataSheet(rec.Machine, rec.Grade, datasheetOf("en", a)); err != nil || len(pdf) == 0 {
			t.Errorf("a sheet of hostile text: %v", err)
		}
	})
}

// A part that lifts a unit only together with another says so, where it is to
// be bought by.
func TestUpgradeThatNeedsAnother(t *testing.T) {
	r := renderer(t)
	s := &sheet{t: r.texts["nb"], r: r}
	u := grade.Upgrade{Part: grade.UpgradeBattery, Text: "a new battery", CostMinor: price(64900), Currency: "NOK"}
	alone := s.upgrade(u)
	u.With = []string{grade.UpgradeMemory}
	if got, word := s.upgrade(u), "sammen med de andre her"; !strings.Contains(got, word) || strings.Contains(alone, word) {
		t.Errorf("with another: %q; alone: %q", got, alone)
	}
}
