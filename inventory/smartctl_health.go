package inventory

import "strings"

// statistic is one entry of the Device Statistics log.
type statistic struct {
	page       byte
	offset     int
	normalised bool
	value      int64
}

// rawOf reads the raw value of an attribute as smartctl prints it: a number
// with others behind it, in hexadecimal, or hours with minutes.
func rawOf(id int, fields []string) int64 {
	if len(fields) == 0 {
		return -1
	}
	if s, ok := strings.CutPrefix(fields[0], "0x"); ok {
		return hexNumber(s)
	}
	raw := digits(fields[0])
	if raw == 0xffff && len(fields) > 2 && fields[1] == "(65535" && fields[2] == "65535)" {
		return allBits // three words of ones
	}
	if id != 188 {
		return raw
	}
	// Seagate counts timeouts in three words, the shortest first where they
	// are apart; in one number the lowest word counts all of them.
	for _, f := range fields[1:] {
		if !isDigits(f) {
			break
		}
		raw = max(raw, digits(f))
	}
	if raw > 0xffff {
		raw &= 0xffff
	}
	return raw
}

// hexNumber is -1 when s is none or needs more than 63 bits.
func hexNumber(s string) int64 {
	n := int64(0)
	for _, c := range strings.ToLower(s) {
		i := strings.IndexRune("0123456789abcdef", c)
		if i < 0 || n > 1<<58 {
			return -1
		}
		n = n<<4 | int64(i)
	}
	if s == "" {
		return -1
	}
	return n
}

// whenFailed takes the words of the column WHEN_FAILED: "FAILING_NOW" or "NOW",
// "In_the_past" or "Past", "-".
func (a *attribute) whenFailed(s string) {
	s = strings.ToLower(s)
	a.pastNow = strings.Contains(s, "now")
	a.pastEver = a.pastNow || strings.Contains(s, "past")
}

// ataTest is what the upper four bits of a self-test's status say (ACS-4, SMART
// Self-Test log): passed, or failed; neither for one that was stopped or runs.
func ataTest(status int64) (passed, failed bool) {
	return status == 0, status >= 3 && status <= 8
}

// test adds an entry of a log of self-tests in smartctl's words, which are
// those of the three standards.
func (r *smartReport) test(kind, result string, hours int64) {
	kind, result = strings.ToLower(kind), strings.ToLower(strings.TrimSpace(result))
	t := SelfTestResult{Hours: hours, Extended: strings.Contains(kind, "extended") || strings.Contains(kind, "long")}
	switch {
	case strings.HasPrefix(result, "aborted"), strings.HasPrefix(result, "interrupted"), strings.Contains(result, "in progress"):
	case strings.HasPrefix(result, "completed without error"), result == "completed":
		// What makers run by themselves need not read anything.
		t.Passed = kind != "" && !strings.Contains(kind, "vendor") && !strings.Contains(kind, "reserved")
	case strings.HasPrefix(result, "fatal"), strings.HasPrefix(result, "failed"), strings.HasPrefix(result, "unknown error"),
		strings.HasPrefix(result, "completed:"), strings.HasPrefix(result, "completed,"):
		t.Failed = true
	}
	r.tests = append(r.tests, t)
}
