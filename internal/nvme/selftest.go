package nvme

import (
	"encoding/binary"
	"fmt"
)

// SelfTest is one entry of the Device Self-test log (NVMe Base 2.1 section
// 5.1.12.1.7).
type SelfTest struct {
	Kind   byte // 1 short, 2 extended, Eh the maker's
	Result byte // 0 passed, 5 to 7 failed, else stopped
	Hours  uint64
}

// Passed reports that the test went to its end and found nothing.
func (t SelfTest) Passed() bool { return t.Result == 0 }

// Failed reports that it found something, or could not go on: results 5 to 7.
func (t SelfTest) Failed() bool { return t.Result >= 5 && t.Result <= 7 }

// selfTestLog and its length: a head of 4 bytes and 20 entries.
const (
	selfTestLog      = 0x06
	selfTestLogBytes = 4 + 20*28
)

// HasSelfTest reports the Device Self-test command (OACS bit 4).
func (c Controller) HasSelfTest() bool { return c.OACS&(1<<4) != 0 }

// ReadSelfTests asks for the log of self-tests, see [ParseSelfTests].
func ReadSelfTests() Command { return getLog(selfTestLog, selfTestLogBytes) }

// ParseSelfTests gives the entries of the log, the newest first. Entries that
// were never filled have the result Fh.
func ParseSelfTests(b []byte) ([]SelfTest, error) {
	if len(b) < selfTestLogBytes {
		return nil, fmt.Errorf("self-test log: %w: %d bytes", ErrShort, len(b))
	}
	var tests []SelfTest
	for e := b[4:selfTestLogBytes]; len(e) > 0; e = e[28:] {
		t := SelfTest{Kind: e[0] >> 4, Result: e[0] & 0x0f, Hours: binary.LittleEndian.Uint64(e[4:])}
		if t.Result != 0x0f && t.Kind != 0 {
			tests = append(tests, t)
		}
	}
	return tests, nil
}
