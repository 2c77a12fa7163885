package job

import (
	"fmt"
	"strings"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// driveFacts is a drive as a record has it.
func driveFacts(d inventory.Drive) certs.DriveFacts {
	f := certs.DriveFacts{
		Path: d.Path, Bus: d.Bus, Media: d.Media, Manufacturer: d.Manufacturer, Model: d.Model, Serial: d.Serial,
		Firmware: d.Firmware, WWN: d.WWN, CapacityBytes: d.CapacityBytes,
		LogicalBlockBytes: d.LogicalBlockBytes, PhysicalBlockBytes: d.PhysicalBlockBytes,
	}
	if d.Abilities != nil {
		f.Hidden, f.Health.Before = hidden(d.Abilities.Hidden), health(d.Abilities.Health)
	}
	return f
}

func hidden(h inventory.Hidden) certs.HiddenAreas {
	return certs.HiddenAreas{HPABytes: h.HPABytes, DCOBytes: h.DCOBytes, AMABytes: h.AMABytes}
}

// health is what a drive tells of its health, in one line of words and numbers.
func health(s *inventory.SMART) string {
	if s == nil {
		return ""
	}
	var parts []string
	if s.Passed != nil {
		parts = append(parts, map[bool]string{true: "passed", false: "failing"}[*s.Passed])
	}
	for _, f := range []struct {
		n      *int64
		format string
	}{
		{s.PowerOnHours, "%d h"}, {s.Reallocated, "%d reallocated"}, {s.Pending, "%d pending"},
		{s.Uncorrectable, "%d uncorrectable"}, {s.PercentUsed, "%d %% used"}, {s.SparePercent, "%d %% spare"},
	} {
		if f.n != nil {
			parts = append(parts, fmt.Sprintf(f.format, *f.n))
		}
	}
	return strings.Join(parts, ", ")
}

// unitFacts is a machine as a drive's record has it.
func unitFacts(m inventory.Machine) certs.UnitFacts {
	s := m.System
	return certs.UnitFacts{Manufacturer: s.Manufacturer, Model: s.Model, Class: s.Class, Serial: s.Serial, UUID: s.UUID}
}

// plannedRecord is the predicate of the started record: what is about to be
// done, and nothing claimed.
func plannedRecord(h certs.Header, o Order, m inventory.Machine, p erase.Plan, key erase.Key) certs.Sanitization {
	s := certs.Sanitization{
		Header: h, Unit: unitFacts(m), Drive: driveFacts(p.Drive),
		Requested:       certs.Requested{Standard: p.Standard.ID, Method: p.Requested},
		Accepted:        certs.Accepted{Method: p.Accepted, By: p.AcceptedBy},
		Policy:          o.Policy,
		Disposition:     erase.Hold,
		Steps:           []certs.Step{},
		Verification:    certs.Verification{Mode: p.Verify, Fraction: "0", Errors: []erase.BadRange{}, Patterns: []string{}},
		Exceptions:      []erase.Exception{},
		Confidentiality: o.Confidentiality, Source: o.Source, People: o.People,
	}
	if usesKey(p) {
		s.RandomKeySHA256 = key.SHA256()
	}
	return s
}

// usesKey reports whether a plan writes what follows from the key: random
// passes, or markers.
func usesKey(p erase.Plan) bool {
	for _, s := range p.Steps {
		if s.Kind == erase.StepMark || s.Kind == erase.StepAwait || s.Kind == erase.StepOverwrite && s.Pattern.Kind == erase.Random {
			return true
		}
	}
	return false
}

// finishedRecord is the predicate of the final record.
func finishedRecord(s certs.Sanitization, r erase.Result) certs.Sanitization {
	s.Clock.WallFinished = utc(r.Finished)
	s.Clock.MonotonicSeconds = int64(r.Elapsed.Round(time.Second) / time.Second)
	s.Outcome, s.Fulfilled, s.Assurance, s.Disposition = r.Outcome, r.Fulfilled, r.Assurance, r.Disposition
	s.Achieved = certs.Achieved{Method: r.Achieved, Technique: r.Technique}
	if r.Achieved != erase.MethodNone {
		s.Achieved.Reference = r.Plan.Reference
	}
	s.Steps = steps(r.Passes)
	v := r.Verification
	if v.Mode != "" {
		s.Verification = certs.Verification{Mode: v.Mode, BytesRead: v.BytesRead, Fraction: fraction(v.FractionPPM), Mismatches: v.Mismatches, Path: v.Path, Errors: notNil(v.Errors),
			Marker: marker(v), Markers: v.Markers, MarkersLeft: v.MarkersLeft, Remembered: v.Remembered, Unchanged: v.Unchanged, Patterns: notNil(v.Patterns)}
	}
	if r.Before != nil {
		s.Drive.Hidden, s.Drive.Health.Before = hidden(r.Before.Hidden), health(r.Before.Health)
	}
	if r.After != nil {
		s.Drive.HiddenAfter, s.Drive.Health.After = hidden(r.After.Hidden), health(r.After.Health)
	}
	if r.SizeBytes > 0 {
		s.Drive.CapacityBytes = r.SizeBytes // larger than planned when a hidden area was restored
	}
	s.Exceptions = r.Exceptions
	s.People = performed(s)
	return s
}

// steps are passes as a record has them.
func steps(passes []erase.Pass) []certs.Step {
	out := []certs.Step{}
	for _, p := range passes {
		out = append(out, certs.Step{
			Kind: p.Kind, Run: p.Run, Technique: p.Technique, Command: p.Command, Started: utc(p.Started), Finished: utc(p.Finished), Bytes: p.Bytes,
			Pattern: p.Pattern, Passes: 1, Commands: p.Commands, Errors: notNil(p.Errors),
		})
	}
	return out
}

// performed fills in the person who did the work and, since the read-back is
// part of the same work, who verified it. Nobody is named as validating: that
// is for the organisation to do (NIST SP 800-88 Rev. 2 section 4.5.2).
func performed(s certs.Sanitization) certs.People {
	p := s.People
	if s.Operator == "" {
		return p
	}
	date := s.Clock.WallFinished.Format(time.DateOnly)
	if p.PerformedBy == nil {
		p.PerformedBy = &certs.Person{Name: s.Operator, Date: date}
	}
	if p.VerifiedBy == nil && s.Outcome.Clean() {
		verified := *p.PerformedBy // the same person did both
		verified.Name, verified.Date = s.Operator, date
		p.VerifiedBy = &verified
	}
	return p
}

// interruptedRecord closes a started record that nobody closed.
// Its times are trusted only if both clocks were, the one it began under and
// the one it is closed under.
func interruptedRecord(s certs.Sanitization, now time.Time, clockSource string, clockTrusted bool) certs.Sanitization {
	s.Clock.Source, s.Clock.Trusted = clockSource, s.Clock.Trusted && clockTrusted
	s.Outcome, s.Disposition = erase.Interrupted, erase.Hold
	s.Fulfilled, s.Assurance = false, erase.AssuranceNone
	s.Achieved = certs.Achieved{}
	s.Clock.WallFinished = utc(now)
	s.Exceptions = append(s.Exceptions, erase.Exception{
		Code: "not-closed",
		Text: "The run ended without being closed (power cut, crash or a pulled cable); nothing is known of what it reached.",
	})
	s.People = performed(s)
	return s
}

// marker says what became of the markers; empty where there were none.
func marker(v erase.Verification) string {
	if v.Markers == 0 && v.Remembered == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d markers left, %d of %d remembered places unchanged", v.MarkersLeft, v.Markers, v.Unchanged, v.Remembered)
}

// fraction prints parts per million as a decimal number without trailing zeros.
func fraction(ppm int64) string {
	if ppm == 1_000_000 {
		return "1"
	}
	s := fmt.Sprintf("0.%06d", ppm)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// utc is a time as records have it: UTC, whole seconds.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
