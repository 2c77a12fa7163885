package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

// verification draws what reading back showed.
func (s *sheet) verification(rec certs.Sanitization) {
	v := rec.Verification
	s.section("verification")
	mode := v.Mode
	if mode == "" {
		mode = erase.VerifyNone
	}
	assurance := string(rec.Assurance)
	if assurance == "" {
		assurance = "none"
	}
	path, mismatches := "", s.t.Number(v.Mismatches)
	if v.Path != "" {
		path = s.known("read-path", v.Path)
	}
	line := func(key, text string, st style) {
		if text == "" {
			return
		}
		const labelWidth = 26.0
		s.put(makeRow(
			s.cell(left, labelWidth-1, s.t.Get("field."+key, nil), label),
			s.cell(left+labelWidth, right-left-labelWidth, text, st)))
	}
	shows := s.shows(rec)
	if mode == erase.VerifyNone && v.BytesRead == 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Get("verification.none", nil), strong)))
		if rec.Assurance != erase.AssuranceNone {
			line("assurance", joined(". ", s.known("assurance", assurance), shows), value)
		}
		line("health", s.health(rec.Drive.Health), value)
		return
	}
	s.put(s.columns(
		column{field{"read-back", s.known("verify", string(mode))}, 22, true},
		column{field{"share", s.share(v.Fraction)}, 28, true},
		column{field{"bytes-read", s.exactBytes(v.BytesRead)}, 42, false},
		column{field{"mismatches", mismatches}, 27, true},
		column{field{"assurance", s.known("assurance", assurance)}, 33, false},
		column{field{"read-path", path}, 22, false}))
	markers := value
	if v.MarkersLeft > 0 || v.Unchanged > 0 {
		markers = strong
	}
	line("markers", s.markers(v), markers)
	line("found", strings.Join(v.Patterns, "; "), value)
	line("shows", shows, value)
	line("health", s.health(rec.Drive.Health), value)
	unreadable := 0
	for _, e := range v.Errors {
		if e.Kind != "mismatch" { // those are counted above
			unreadable++
		}
	}
	if unreadable > 0 {
		s.put(makeRow(s.cell(left, right-left, s.t.Count("verification.errors", int64(unreadable), nil), value)))
	}
}

// markers says what became of the places that were marked or remembered before
// a firmware erase; it is empty where nobody looked.
func (s *sheet) markers(v certs.Verification) string {
	if v.Markers == 0 && v.Remembered == 0 {
		return v.Marker
	}
	say := func(key string, n, left int) string {
		word := s.t.Get(key+"-gone", nil)
		if left > 0 {
			word = s.t.Count(key+"-left", int64(left), nil)
		}
		return s.t.Count(key, int64(n), map[string]any{"Left": word})
	}
	marked, remembered := s.t.Get("markers.refused", nil), ""
	if v.Markers > 0 {
		marked = say("markers.marked", v.Markers, v.MarkersLeft)
	}
	if v.Remembered > 0 {
		remembered = say("markers.remembered", v.Remembered, v.Unchanged)
	}
	return capital(joined("; ", marked, remembered))
}

// readAsErased reports whether reading back looked for what the drive's own
// erase leaves, and not for what the host wrote last.
func readAsErased(rec certs.Sanitization) bool {
	erased := false
	for _, st := range rec.Steps {
		erased = st.Command != "" || erased && !overwrites(st)
	}
	return erased
}

// shows says in one sentence what the assurance is worth: what reading can show
// and what it cannot. A record without assurance says nothing.
func (s *sheet) shows(rec certs.Sanitization) string {
	kind := string(rec.Assurance)
	switch rec.Assurance {
	case erase.AssuranceNone:
		return ""
	case erase.ReadBack:
		if !readAsErased(rec) {
			kind = "written"
		}
	}
	text, _ := s.t.Try("shows."+kind, nil)
	return text
}

// share writes a decimal fraction as a percentage, cut and never rounded up;
// what is no fraction between 0 and 1 is shown as it stands.
func (s *sheet) share(fraction string) string {
	if ppm, ok := partsPerMillion(fraction); ok {
		return s.t.Percent(ppm)
	}
	return fraction
}

func partsPerMillion(fraction string) (ppm int64, ok bool) {
	whole, decimals, _ := strings.Cut(fraction, ".")
	if whole != "0" && whole != "1" || len(decimals) > 30 {
		return 0, false
	}
	for _, c := range decimals {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	six := (decimals + "000000")[:6]
	if _, err := fmt.Sscanf(whole+six, "%d", &ppm); err != nil || ppm > 1_000_000 {
		return 0, false
	}
	return ppm, true
}

// health is what the drive told of itself before and after, in the words of
// the page's language where every part is known.
func (s *sheet) health(h certs.Health) string {
	say := func(text string) string {
		if text == "" {
			return s.t.Get("value.not-read", nil)
		}
		return s.healthWords(text)
	}
	switch h.Before {
	case "":
		if h.After == "" {
			return say("")
		}
	case h.After:
		return s.t.Get("value.health-same", map[string]any{"Health": say(h.Before)})
	}
	return s.t.Get("value.health", map[string]any{"Before": say(h.Before), "After": say(h.After)})
}

var healthPart = regexp.MustCompile(`^(\d{1,18}) (h|reallocated|pending|uncorrectable|% used|% spare)$`)

func (s *sheet) healthWords(text string) string {
	parts := strings.Split(text, ", ")
	for i, p := range parts {
		switch m := healthPart.FindStringSubmatch(p); {
		case p == "passed" || p == "failing":
			parts[i] = s.t.Get("health."+p, nil)
		case m != nil:
			n, _ := strconv.ParseInt(m[1], 10, 64)
			key := "health." + strings.TrimPrefix(m[2], "% ")
			// A number stays beside its word.
			parts[i] = strings.ReplaceAll(s.t.Get(key, map[string]any{"Number": s.t.Number(n)}), " ", "\u00a0")
		default:
			return text
		}
	}
	return strings.Join(parts, ", ")
}
