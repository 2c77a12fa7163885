// Package erase decides how a drive is sanitized and whether that worked: the
// table of standards, the plan made from drive, standard and policy, the run
// of that plan, its verification and the judgement of the outcome. It is the
// only place where an [Outcome] better than unproven comes into being.
package erase

import (
	"fmt"
	"slices"
	"strings"
)

// Method is a category of sanitization, IEEE 2883-2022 clause 3. NIST SP
// 800-88 Rev. 2 section 3.1 uses the same first two and calls the third
// Destroy. The zero value means that no method was reached.
type Method uint8

// The methods, weakest first, so that they can be compared with <.
const (
	MethodNone Method = iota
	Clear
	Purge
	Destruct
)

// Technique is how a method is carried out.
type Technique string

// The techniques of IEEE 2883-2022 that this package knows.
const (
	TechniqueNone Technique = ""
	Overwrite     Technique = "overwrite"
	BlockErase    Technique = "block-erase"
	CryptoErase   Technique = "crypto-erase"
	SecurityErase Technique = "security-erase"
	Format        Technique = "format"
	Revert        Technique = "revert"
	// SanitizeOverwrite is overwriting by the drive's own firmware, which,
	// unlike [Overwrite] by the host, reaches spare and reallocated blocks.
	SanitizeOverwrite Technique = "sanitize-overwrite"
)

// Outcome is what happened to the data on one drive. Only [Run] writes a
// Sanitized value.
type Outcome uint8

// The outcomes, least certain first. The zero value claims nothing.
const (
	Unproven Outcome = iota
	Interrupted
	Failed
	SanitizedWithExceptions
	Sanitized
)

// Assurance is how the outcome is known.
type Assurance string

// The assurances. The empty value means that there is none.
const (
	AssuranceNone  Assurance = ""
	DeviceReported Assurance = "device-reported"
	ReadBack       Assurance = "read-back"
	MediaVerified  Assurance = "media-verified"
)

// Disposition is where a drive goes next.
type Disposition string

// The dispositions of a drive. Hold means: try again first (frozen, cable,
// password, interrupted).
const (
	Reuse   Disposition = "reuse"
	Destroy Disposition = "destroy"
	Hold    Disposition = "hold"
)

// VerifyMode says how much is read back.
type VerifyMode string

// The modes of read-back. Sample reads at least 1000 strata, two places in
// each, about a tenth in all, and the first and last block; after a crypto
// erase or revert, the marked and remembered places alone (see marks.go).
const (
	VerifyFull   VerifyMode = "full"
	VerifySample VerifyMode = "sample"
	VerifyNone   VerifyMode = "none"
)

var (
	methodWords  = []string{"none", "clear", "purge", "destruct"}
	outcomeWords = []string{"unproven", "interrupted", "failed", "sanitized-with-exceptions", "sanitized"}
)

// String is the word used in JSON and on command lines.
func (m Method) String() string { return word(methodWords, int(m)) }

// MarshalText implements [encoding.TextMarshaler].
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; an unknown word is an error.
func (m *Method) UnmarshalText(b []byte) error {
	parsed, err := ParseMethod(string(b))
	*m = parsed
	return err
}

// ParseMethod reads clear, purge, destruct or none.
func ParseMethod(s string) (Method, error) {
	i := slices.Index(methodWords, strings.ToLower(s))
	if i < 0 {
		return MethodNone, fmt.Errorf("method %q: want clear, purge or destruct", s)
	}
	return Method(i), nil
}

// String is the word used in JSON.
func (o Outcome) String() string { return word(outcomeWords, int(o)) }

// MarshalText implements [encoding.TextMarshaler].
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; an unknown word is an error.
func (o *Outcome) UnmarshalText(b []byte) error {
	i := slices.Index(outcomeWords, string(b))
	if i < 0 {
		*o = Unproven
		return fmt.Errorf("outcome %q is not known", b)
	}
	*o = Outcome(i)
	return nil
}

// Clean reports whether every addressable block is clean and checked.
func (o Outcome) Clean() bool { return o == Sanitized || o == SanitizedWithExceptions }

func word(words []string, i int) string {
	if i < 0 || i >= len(words) {
		return fmt.Sprintf("invalid(%d)", i)
	}
	return words[i]
}
