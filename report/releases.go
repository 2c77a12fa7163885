package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory"
)

// Release is one thing that the previous owner must give up before a machine is
// anybody else's.
type Release struct {
	Agency certs.Agency `json:"agency"`
	// Lock is the code of the lock, or enrolment where a person said that the
	// machine is still enrolled and not where. There are messages lock.CODE and
	// release.CODE for each, which say what it is and where it is given up.
	Lock string `json:"lock"`
	// Found says in English where that was read or who said it.
	Found        string    `json:"found"`
	Manufacturer string    `json:"manufacturer"`
	Model        string    `json:"model"`
	Serial       string    `json:"serial"`
	AssetTag     string    `json:"asset_tag"`
	UnitID       string    `json:"unit_id"`
	RecordID     string    `json:"record_id"`
	Seen         time.Time `json:"seen"` // when the record was closed, UTC
}

// released are the locks that the previous owner gives up, in the order in
// which they are listed. Where each is given up (messages release.CODE) is by
// learn.microsoft.com/autopilot/registration-overview, Apple's guide "Release
// devices in Apple Business" (Activation Lock cannot be managed after that),
// support.google.com/chrome/a/answer/3523633 and help.absolute.com, "Releasing
// product licenses from devices", all read in November 2026.
func released() []string {
	return []string{
		inventory.LockAutopilot, inventory.LockActivation, inventory.LockKnox, inventory.LockChromeEnrolment, certs.RemainEnrolment,
		inventory.LockAbsolute, inventory.LockManagement, inventory.LockFirmwareSetup, inventory.LockFirmwareStart,
	}
}

// Releases lists what the machines of these records are still held by: for each
// machine what its newest records say, sorted by agency, lock and machine. A
// lock that was found set stays listed until a record that is certainly later
// finds it clear.
func Releases(records []certs.Unit) []Release {
	byTime := slices.Clone(records)
	slices.SortStableFunc(byTime, func(a, b certs.Unit) int { return a.Clock.WallFinished.Compare(b.Clock.WallFinished) })
	held := map[[2]string]Release{}
	seen := map[[2]string][]certs.Header{} // the records that found it set
	found := func(key [2]string, r Release, rec certs.Unit) {
		held[key], seen[key] = r, append(seen[key], rec.Header)
	}
	free := map[[2]string][]certs.Header{} // those that found it clear
	freed := func(key [2]string, rec certs.Unit) { free[key] = append(free[key], rec.Header) }
	for _, rec := range byTime {
		sys := rec.Machine.System
		name := machineKey(rec)
		about := Release{
			Agency: rec.Agency, Manufacturer: sys.Manufacturer, Model: sys.Model, Serial: sys.Serial, AssetTag: rec.AssetTag,
			UnitID: rec.UnitID, RecordID: rec.ID, Seen: rec.Clock.WallFinished.UTC(),
		}
		enrolled := false
		for _, l := range rec.Machine.Locks {
			if !slices.Contains(released(), l.Code) {
				continue
			}
			key := [2]string{name, l.Code}
			switch l.State {
			case inventory.LockSet:
				about.Lock, about.Found = l.Code, l.Text
				found(key, about, rec)
				enrolled = enrolled || enrolment(l.Code)
			case inventory.LockClear:
				freed(key, rec)
			}
		}
		for _, r := range rec.Remains {
			if r.Thing != certs.RemainEnrolment {
				continue
			}
			key := [2]string{name, r.Thing}
			switch {
			case r.State == certs.RemainLeft && !enrolled: // else it is told where
				about.Lock, about.Found = r.Thing, r.Text
				found(key, about, rec)
			case r.State == certs.RemainNone || r.State == certs.RemainDone || enrolled:
				freed(key, rec)
			}
		}
	}
	var out []Release
	for key, r := range held {
		if slices.ContainsFunc(seen[key], func(set certs.Header) bool {
			return !slices.ContainsFunc(free[key], func(clear certs.Header) bool { return CertainlyAfter(clear, set) })
		}) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Release) int {
		return cmp.Or(
			cmp.Compare(a.Agency.Name, b.Agency.Name), cmp.Compare(a.Agency.Orgnr, b.Agency.Orgnr),
			cmp.Compare(slices.Index(released(), a.Lock), slices.Index(released(), b.Lock)),
			cmp.Compare(a.AssetTag, b.AssetTag), cmp.Compare(a.Serial, b.Serial), cmp.Compare(a.RecordID, b.RecordID))
	})
	return out
}

// CertainlyAfter reports whether a closed record was closed after another: a
// station counts its own, and between stations only clocks that can be trusted
// tell. It never is where one of the two is only begun.
func CertainlyAfter(a, b certs.Header) bool {
	switch {
	case a.Sequence == 0 || b.Sequence == 0:
		return false
	case a.Station.ID == b.Station.ID && a.Station.Instance == b.Station.Instance && a.Sequence != b.Sequence:
		return a.Sequence > b.Sequence
	}
	return a.Clock.Trusted && b.Clock.Trusted && a.Clock.WallFinished.After(b.Clock.WallFinished)
}

// enrolment reports whether a lock is an enrolment with some service.
func enrolment(code string) bool {
	return code == inventory.LockAutopilot || code == inventory.LockActivation || code == inventory.LockKnox || code == inventory.LockChromeEnrolment
}

// machineKey is what records of one machine have in common.
func machineKey(rec certs.Unit) string {
	sys := rec.Machine.System
	switch {
	case sys.Serial != "":
		return strings.ToLower(sys.Manufacturer + "\x00" + sys.Model + "\x00" + sys.Serial)
	case sys.UUID != "":
		return sys.UUID
	case rec.UnitID != "":
		return rec.UnitID
	}
	return rec.ID
}

// lockName and releaseText say in a language what a lock is and where it is
// given up.
func (s *sheet) lockName(code string) string {
	if code == certs.RemainEnrolment {
		return capital(s.known("remain", code))
	}
	return capital(s.known("lock", code))
}

func (s *sheet) releaseText(code string) string { return s.t.Get("release."+code, nil) }

// ReleaseRows is the list as a table with a head, for [CSV]. Dates are ISO 8601.
func (r *Renderer) ReleaseRows(language string, list []Release) ([][]string, error) {
	t, ok := r.texts[language]
	if !ok {
		return nil, fmt.Errorf("list releases: language %q: it was not given to the renderer", language)
	}
	s := &sheet{t: t, r: r}
	var head []string
	for _, key := range []string{"orgnr", "agency", "asset-tag", "manufacturer", "model", "serial", "lock", "release", "lock-found", "seen", "unit-id", "record"} {
		head = append(head, t.Get("field."+key, nil))
	}
	rows := [][]string{head}
	for _, l := range list {
		seen := ""
		if !l.Seen.IsZero() {
			seen = l.Seen.UTC().Format(time.DateOnly)
		}
		rows = append(rows, []string{l.Agency.Orgnr, l.Agency.Name, l.AssetTag, l.Manufacturer, l.Model, l.Serial,
			s.lockName(l.Lock), s.releaseText(l.Lock), s.lockFound(l.Found), seen, l.UnitID, l.RecordID})
	}
	return rows, nil
}

// Releases draws the list for those who are to give the machines up: each
// agency on a page of its own, and within it each place where that is done. It
// is no record; made is when it was drawn. Incomplete says that records were
// refused, which every agency's page then tells.
func (r *Renderer) Releases(language string, list []Release, incomplete bool, made time.Time, tool certs.Tool) ([]byte, error) {
	s, err := r.blank(language, fpdf.SizeType{Wd: pageWidth, Ht: pageHeight})
	if err != nil {
		return nil, fmt.Errorf("draw releases: %w", err)
	}
	s.verdict = verdict{word: "releases.word", title: "title.releases", sign: signExclamation, colour: grey}
	s.header = certs.Header{Tool: tool, Clock: certs.Clock{WallFinished: made}}
	s.recordless = true
	s.pdf.SetCreationDate(made.UTC())
	s.pdf.SetModificationDate(made.UTC())
	s.pdf.SetTitle(s.clean(s.t.Get("title.releases", nil), false), true)
	name := s.clean(joined(" ", tool.Name, tool.Version), false)
	s.pdf.SetCreator(name, true)
	s.pdf.SetProducer(name, true)
	head := func() {
		s.addPage()
		s.datasheetHead()
		if incomplete {
			s.put(makeRow(s.cell(left, right-left, s.t.Get("releases.incomplete", nil), strong)))
		}
	}
	if len(list) == 0 {
		head()
		s.put(makeRow(s.cell(left, right-left, s.t.Get("releases.none", nil), value)))
	}
	for i, l := range list {
		agency := i == 0 || list[i-1].Agency.Orgnr != l.Agency.Orgnr || list[i-1].Agency.Name != l.Agency.Name
		if agency {
			head()
			s.releasesOf(l.Agency, list[i:])
		}
		if agency || list[i-1].Lock != l.Lock {
			rest := list[i:]
			n := slices.IndexFunc(rest, func(o Release) bool { return o.Lock != l.Lock || o.Agency != l.Agency })
			if n < 0 {
				n = len(rest)
			}
			s.releaseTable(rest[:n])
		}
	}
	s.numberPages()
	if err := s.err(); err != nil {
		return nil, fmt.Errorf("draw releases: %w", err)
	}
	var b bytes.Buffer
	if err := s.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("draw releases: %w", err)
	}
	return b.Bytes(), nil
}

// releasesOf draws who is asked for what.
func (s *sheet) releasesOf(a certs.Agency, list []Release) {
	machines := map[string]bool{}
	for _, l := range list {
		if l.Agency == a {
			machines[l.Manufacturer+"\x00"+l.Model+"\x00"+l.Serial+"\x00"+l.UnitID] = true
		}
	}
	name := s.agency(a)
	if name == "" {
		name = s.t.Get("releases.no-agency", nil)
	}
	s.put(makeRow(s.cell(left, right-left, name, style{12, true, ink, 5.4})))
	s.skip(1)
	s.put(makeRow(s.cell(left, right-left, s.t.Count("releases.asks", int64(len(machines)), nil), value)))
}

// releaseTable draws the machines that are given up at one place.
func (s *sheet) releaseTable(list []Release) {
	title := s.t.Count("releases.of", int64(len(list)), map[string]any{"Lock": s.lockName(list[0].Lock)})
	text := makeRow(s.cell(left, right-left, s.releaseText(list[0].Lock), value))
	head := makeRow(s.cell(left, right-left, title, heading))
	s.together(20, head, text)
	s.skip(3)
	s.line(left, s.y, right, s.y, hairline, 0.2)
	s.skip(1.1)
	s.put(head)
	s.skip(0.7)
	s.put(text)
	s.skip(1.4)
	t := s.table(stepColumns{"asset-tag", left, 26}, stepColumns{"model", left + 28, 44}, stepColumns{"serial", left + 74, 32},
		stepColumns{"lock-found", left + 108, 31}, stepColumns{"seen", left + 141, 19}, stepColumns{"released", left + 162, 12})
	for i, l := range list {
		seen := ""
		if !l.Seen.IsZero() {
			seen = l.Seen.UTC().Format(time.DateOnly)
		}
		t.put(i == len(list)-1, []string{l.AssetTag, joined(" ", missingFrom(l.Model, l.Manufacturer), l.Model), l.Serial, s.lockFound(l.Found), seen, "\u00a0"},
			map[string]bool{"serial": true})
	}
}
