package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
)

// lockedUnit is a machine of an agency with locks that were found.
func lockedUnit(agency certs.Agency, serial string, day int, locks ...inventory.Lock) certs.Unit {
	rec := notebook()
	rec.Agency, rec.Machine.System.Serial, rec.AssetTag = agency, serial, "T-"+serial
	rec.ID, rec.UnitID = fmt.Sprintf("019ab0c4-0000-7000-8000-%012d", day), ""
	rec.Clock.WallFinished = time.Date(2026, 11, day, 10, 0, 0, 0, time.UTC)
	rec.Machine.Locks, rec.Remains = locks, nil
	return rec
}

func lockSet(code, text string) inventory.Lock {
	return inventory.Lock{Code: code, State: inventory.LockSet, Text: text}
}

var (
	kartverket = certs.Agency{Orgnr: "971040238", Name: "Kartverket"}
	dfo        = certs.Agency{Orgnr: "986252932", Name: "DFØ"}
)

func releaseStory() []certs.Unit {
	left := lockedUnit(dfo, "ENROL1", 5)
	left.Remains = []certs.Remain{{Thing: certs.RemainEnrolment, State: certs.RemainLeft, By: certs.ByPerson, Text: "the screen asked for somebody's account"}}
	both := lockedUnit(dfo, "BOTH1", 6, lockSet(inventory.LockKnox, "a person says so"))
	both.Remains = left.Remains
	return []certs.Unit{
		lockedUnit(kartverket, "5XK2P13", 1, lockSet(inventory.LockAutopilot, "a person says so"), lockSet(inventory.LockAbsolute, "ACPI table and firmware variable"), lockSet(inventory.LockPlatformBinary, "WPBT")),
		lockedUnit(kartverket, "7YK9Q44", 2, lockSet(inventory.LockAutopilot, "the start screen names the organisation"), inventory.Lock{Code: inventory.LockFirmwareSetup, State: inventory.LockClear}),
		// Released since: a later record finds it clear.
		lockedUnit(kartverket, "GONE123", 9, inventory.Lock{Code: inventory.LockActivation, State: inventory.LockClear}),
		lockedUnit(kartverket, "GONE123", 3, lockSet(inventory.LockActivation, "the screen")),
		// Seen again by somebody who could not tell: still set.
		lockedUnit(dfo, "STILL1", 4, lockSet(inventory.LockFirmwareSetup, "asks for a password")),
		lockedUnit(dfo, "STILL1", 8, inventory.Lock{Code: inventory.LockFirmwareSetup, State: inventory.LockUnknown}),
		left, both,
		lockedUnit(dfo, "FREE1", 7, inventory.Lock{Code: inventory.LockAutopilot, State: inventory.LockClear}),
	}
}

// What somebody said of a lock is written in the reader's language.
func TestWhoSaidThatAMachineIsHeld(t *testing.T) {
	r := renderer(t)
	list := Releases([]certs.Unit{lockedUnit(dfo, "SAID1", 1, lockSet(inventory.LockAutopilot, inventory.LockSaid), lockSet(inventory.LockKnox, inventory.LockSeen))})
	rows, err := r.ReleaseRows("nb", list)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(rows); !strings.Contains(text, "oppgitt av operatøren") || !strings.Contains(text, "sett av en person") {
		t.Errorf("the list says %s", text)
	}
}

func TestReleases(t *testing.T) {
	var got []string
	for _, r := range Releases(releaseStory()) {
		got = append(got, r.Agency.Name+" "+r.Lock+" "+r.Serial)
	}
	want := []string{
		"DFØ knox BOTH1", "DFØ enrolment ENROL1", "DFØ firmware-setup-password STILL1",
		"Kartverket autopilot 5XK2P13", "Kartverket autopilot 7YK9Q44", "Kartverket absolute 5XK2P13",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	backwards := releaseStory()
	slices.Reverse(backwards)
	if again := Releases(backwards); !slices.Equal(again, Releases(releaseStory())) {
		t.Errorf("the order of the records changes the list: %+v", again)
	}
}

// A station whose clock has fallen back finds a lock that another found clear
// "later": it stays on the list until that is known to be over.
func TestAWrongClockReleasesNothing(t *testing.T) {
	autopilot := func(day int, state inventory.LockState, edit func(*certs.Unit)) certs.Unit {
		rec := lockedUnit(kartverket, "5XK2P13", day, inventory.Lock{Code: inventory.LockAutopilot, State: state, Text: "a person says so"})
		edit(&rec)
		return rec
	}
	fallenBack := autopilot(1, inventory.LockSet, func(u *certs.Unit) {
		u.Clock.Trusted, u.Station.ID, u.Clock.WallFinished = false, "another", time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	clear := autopilot(2, inventory.LockClear, func(*certs.Unit) {})
	if list := Releases([]certs.Unit{fallenBack, clear}); len(list) != 1 {
		t.Errorf("got %+v, want the lock", list)
	}
	// What the same station found clear afterwards is, whatever its clock says.
	clear = autopilot(2, inventory.LockClear, func(u *certs.Unit) {
		u.Clock.Trusted, u.Station.ID, u.Clock.WallFinished, u.Sequence = false, "another", time.Date(2009, 1, 2, 0, 0, 0, 0, time.UTC), fallenBack.Sequence+1
	})
	if list := Releases([]certs.Unit{fallenBack, clear}); len(list) != 0 {
		t.Errorf("got %+v, want none", list)
	}
}

// Every lock that is listed has a name and a place where it is given up.
func TestEveryReleaseHasWords(t *testing.T) {
	for _, language := range lang.Tags() {
		s := spoken(t, language)
		for _, code := range released() {
			if name := s.lockName(code); strings.EqualFold(name, code) {
				t.Errorf("%s: lock %s has no name", language, code)
			}
			if text := s.releaseText(code); text == "release."+code {
				t.Errorf("%s: nobody says where %s is given up", language, code)
			}
		}
	}
}

func TestReleaseList(t *testing.T) {
	for tool, debianPackage := range map[string]string{"pdftotext": "poppler-utils", "pdfinfo": "poppler-utils", "qpdf": "qpdf"} {
		needs(t, tool, debianPackage)
	}
	r := renderer(t)
	many := releaseStory()
	for i := range 120 {
		many = append(many, lockedUnit(kartverket, fmt.Sprintf("S%05d", i), 20, lockSet(inventory.LockAutopilot, "a person says so")))
	}
	hostile := lockedUnit(certs.Agency{Name: "=cmd|' /C calc'!A0"}, "\x1b[2J", 1, lockSet(inventory.LockKnox, "-1+1"))
	for _, st := range []struct {
		name       string
		records    []certs.Unit
		incomplete bool
		pages      int
	}{
		{"releases", releaseStory(), false, 2},
		{"releases-many", many, false, 4},
		{"releases-none", nil, false, 1},
		{"releases-hostile", []certs.Unit{hostile}, false, 1},
		{"releases-incomplete", releaseStory(), true, 2},
	} {
		for _, language := range lang.Tags() {
			pdf, err := r.Releases(language, Releases(st.records), st.incomplete, readAt, header().Tool)
			if err != nil {
				t.Fatal(err)
			}
			file, text := judgePDF(t, pdf)
			if st.name != "releases-many" {
				goldenText(t, st.name+"."+language+".txt", text)
			}
			if got := pageCount(t, file); got != st.pages {
				t.Errorf("%s in %s has %d pages, want %d", st.name, language, got, st.pages)
			}
			for _, l := range Releases(st.records) {
				if serial := r.regular.clean(l.Serial); !strings.Contains(text, serial) {
					t.Errorf("%s in %s lacks machine %s", st.name, language, serial)
				}
			}
		}
	}
}

// A spreadsheet finds text where a stranger wrote a formula, and a program
// finds the table again.
func TestReleaseTable(t *testing.T) {
	records := append(releaseStory(), lockedUnit(certs.Agency{Name: "=cmd|' /C calc'!A0; \"x\""}, "\t=1+1", 1, lockSet(inventory.LockKnox, "-1+1\r\n=2")))
	list := Releases(records)
	rows, err := renderer(t).ReleaseRows("nb", list)
	if err != nil {
		t.Fatal(err)
	}
	table, err := CSV(rows)
	if err != nil {
		t.Fatal(err)
	}
	plain, ok := bytes.CutPrefix(table, []byte("\xef\xbb\xbf"))
	if !ok {
		t.Error("the table has no byte order mark")
	}
	if n := bytes.Count(plain, []byte("\n")); n != bytes.Count(plain, []byte("\r\n")) || n != len(list)+1 {
		t.Errorf("%d lines that end in CR LF, want %d", n, len(list)+1)
	}
	cr := csv.NewReader(bytes.NewReader(plain))
	cr.Comma = ';'
	read, err := cr.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != len(list)+1 || len(read[0]) != 12 {
		t.Fatalf("%d rows of %d cells", len(read), len(read[0]))
	}
	for _, row := range read {
		for _, text := range row {
			if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
				t.Errorf("the cell %q begins a formula", text)
			}
			if strings.ContainsAny(text, "\t\r\n\x1b") {
				t.Errorf("the cell %q has a control character", text)
			}
		}
	}
	if got := read[len(read)-1]; got[9] != "2026-11-02" && got[9] != "2026-11-01" {
		t.Errorf("the date is %q, want ISO 8601", got[9])
	}
	want := []string{"986252932", "DFØ", "T-BOTH1", "Dell", "Latitude 7400", "BOTH1"}
	if !slices.ContainsFunc(read, func(row []string) bool { return slices.Equal(row[:6], want) }) {
		t.Errorf("no row %q: %q", want, read)
	}
}

func TestSafeCell(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "": "", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", " =1": "' =1", "\t=1": "{U+0009}=1", "\r\n=1": "{U+000D}{U+000A}=1",
		"\uff1d1": "'\uff1d1", "a=1": "a=1", "\xff=": "{0xFF}=", "2026-11-22": "2026-11-22", "Ås \u202e": "Ås {U+202E}", "\u00a0@x": "'\u00a0@x",
	} {
		if got := safeCell(in); got != want {
			t.Errorf("safeCell(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("=1", "a;b\"c")
	f.Add("\ufeff@", "\r=")
	f.Fuzz(func(t *testing.T, a, b string) {
		table, err := CSV([][]string{{a, b}, {b, a}})
		if err != nil {
			t.Fatal(err)
		}
		cr := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(table, []byte("\xef\xbb\xbf"))))
		cr.Comma = ';'
		rows, err := cr.ReadAll()
		if err != nil || (a+b != "" && len(rows) != 2) {
			t.Fatalf("%q: %d rows, %v", table, len(rows), err)
		}
		for _, row := range rows {
			for _, text := range row {
				if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
					t.Errorf("the cell %q begins a formula", text)
				}
			}
		}
	})
}
