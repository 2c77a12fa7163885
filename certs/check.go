package certs

import (
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/erase"
)

// ErrContradiction is the cause when a record claims a clean drive against its
// own facts.
var ErrContradiction = errors.New("the record contradicts itself")

// Check refuses a record that claims a clean drive against its own facts, with
// [ErrContradiction]. The outcome is decided in package erase; this only makes
// sure that no record and no page says more than the facts can carry.
func (p Sanitization) Check() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: outcome %s, %s", ErrContradiction, p.Outcome, fmt.Sprintf(format, args...))
	}
	if !p.Outcome.Clean() {
		if p.Fulfilled {
			return refuse("and yet fulfilled")
		}
		return nil
	}
	accepted := p.Accepted.Method
	if accepted == erase.MethodNone {
		accepted = p.Requested.Method
	}
	v := p.Verification
	switch {
	case v.Mismatches != 0:
		return refuse("and yet %d blocks differ", v.Mismatches)
	case len(v.Errors) > 0:
		return refuse("and yet reading back met errors")
	case v.Mode != erase.VerifyFull && v.Mode != erase.VerifySample:
		return refuse("and yet nothing was read back")
	case p.Assurance == erase.AssuranceNone:
		return refuse("and yet no assurance")
	case p.Achieved.Method == erase.MethodNone || p.Achieved.Technique == erase.TechniqueNone:
		return refuse("and yet no method or technique achieved")
	case p.Fulfilled && p.Achieved.Method < accepted:
		return refuse("fulfilled, and yet %s is less than %s", p.Achieved.Method, accepted)
	case p.Outcome == erase.Sanitized && len(p.Exceptions) > 0 && p.Fulfilled:
		return refuse("and yet it lists exceptions")
	}
	return nil
}

// Check refuses a record that calls a drive clean without naming its record.
func (p Unit) Check() error {
	for _, d := range p.Drives {
		if d.Outcome.Clean() && (d.RecordID == "" || d.SHA256 == "" || d.NotTouched != "" || d.Achieved == erase.MethodNone) {
			return fmt.Errorf("%w: drive %s is called %s without a record that says so", ErrContradiction, d.Path, d.Outcome)
		}
	}
	return nil
}
