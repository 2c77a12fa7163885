// Package orgnr checks the numbers that organisations and their places go by:
// national organisation numbers and GS1 location numbers.
package orgnr

import (
	"fmt"
	"strings"
	"unicode"
)

// country is how a country numbers its organisations.
type country struct {
	// digits is the length without separators.
	digits int
	format string // for error messages
	// valid tells whether the check digit, the last, is right.
	valid func(digits []int) bool
	// write puts the separator where the country has one; nil where it has none.
	write func(digits string) string
}

// countries by ISO 3166-1 code. Each rule is the one of the country's register.
func countries() map[string]country {
	return map[string]country{
		"NO": {digits: 9, format: "9 digits (organisasjonsnummer)", valid: func(d []int) bool {
			// Remainder 1 would need the check digit 10: such numbers are not given out.
			return d[8] == (11-weigh(d, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11
		}},
		"SE": {digits: 10, format: "10 digits (organisationsnummer)", valid: luhn,
			write: func(s string) string { return s[:6] + "-" + s[6:] }},
		"DK": {digits: 8, format: "8 digits (CVR-nummer)", valid: func(d []int) bool {
			return d[0] != 0 && weigh(d, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
		}},
		"FI": {digits: 8, format: "7 digits, a hyphen and 1 digit (Y-tunnus)", valid: func(d []int) bool {
			return d[7] == (11-weigh(d, 7, 9, 10, 5, 8, 4, 2)%11)%11
		}, write: func(s string) string { return s[:7] + "-" + s[7:] }},
	}
}

// Check gives the organisation number that was typed as its country writes it,
// or says what is wrong with it. The country is an ISO 3166-1 code: NO, SE, DK
// or FI. Spaces, hyphens, full stops, the country's code in front and MVA
// behind are dropped first.
func Check(code, typed string) (string, error) {
	c, ok := countries()[code]
	if !ok {
		return "", fmt.Errorf("country %q: want NO, SE, DK or FI", code)
	}
	prefix, digits := Split(typed)
	if prefix != "" && prefix != code {
		return "", fmt.Errorf("organisation number %q begins with %s, its country is %s", typed, prefix, code)
	}
	d, ok := toDigits(digits)
	if !ok || len(d) != c.digits {
		return "", fmt.Errorf("organisation number %q: want %s for %s", typed, c.format, code)
	}
	if !c.valid(d) || weigh(d, d...) == 0 {
		return "", fmt.Errorf("organisation number %q: wrong check digit for %s", typed, code)
	}
	if c.write != nil {
		digits = c.write(digits)
	}
	return digits, nil
}

// Split takes what was typed apart: a country's code, empty when there
// was none, and the rest without separators.
func Split(typed string) (code, rest string) {
	rest = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' || r == '.' {
			return -1
		}
		return unicode.ToUpper(r)
	}, typed)
	rest = strings.TrimSuffix(rest, "MVA")
	for c := range countries() {
		if after, ok := strings.CutPrefix(rest, c); ok {
			return c, after
		}
	}
	return "", rest
}

// CheckGLN tells whether s is a GS1 Global Location Number: 13 digits, of
// which the last is the check digit (GS1 General Specifications 7.9.1).
func CheckGLN(s string) error {
	d, ok := toDigits(s)
	if !ok || len(d) != 13 {
		return fmt.Errorf("GLN %q: want 13 digits", s)
	}
	if d[12] != (10-weigh(d, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3)%10)%10 {
		return fmt.Errorf("GLN %q: wrong check digit", s)
	}
	return nil
}

// luhn is the check of ISO/IEC 7812-1 annex B: every second digit from the
// right is doubled.
func luhn(d []int) bool {
	sum := 0
	for i, n := range d {
		if (len(d)-i)%2 == 0 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return sum%10 == 0
}

// weigh is the sum of the first digits, each times its weight.
func weigh(d []int, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += w * d[i]
	}
	return sum
}

// toDigits takes ASCII digits only.
func toDigits(s string) ([]int, bool) {
	d := make([]int, len(s))
	for i := range d {
		if s[i] < '0' || s[i] > '9' {
			return nil, false
		}
		d[i] = int(s[i] - '0')
	}
	return d, len(d) > 0
}

// Known tells whether the numbers of a country (ISO 3166-1 code) can be checked.
func Known(code string) bool {
	_, ok := countries()[code]
	return ok
}
