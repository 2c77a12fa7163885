package ata

import (
	"encoding/binary"
	"fmt"

	"github.com/ombruk/ombruk/internal/scsi"
)

// The logs of self-tests, and of sectors that wait to be reallocated.
const (
	LogSelfTest         = 0x06 // SMART Self-Test log, by SMART READ LOG (ACS-4, clause 9)
	LogExtendedSelfTest = 0x07 // Extended SMART Self-Test log, by READ LOG EXT
	LogPendingDefects   = 0x0c // Pending Defects log, by READ LOG EXT
)

// SelfTest is one entry of a log of self-tests.
type SelfTest struct {
	Kind   byte   // the subcommand that began it: 1 short, 2 extended, 129 and 130 the same captive
	Status byte   // bits 7:4 the result, 3:0 tenths left
	Hours  uint16 // power-on hours; the counter starts again at 65536
}

// Passed and Failed are both false of a test that was stopped, or runs.
func (t SelfTest) Passed() bool { return t.Status>>4 == 0 }

// Failed reports results 3 to 8: the drive could not finish, or something was
// found.
func (t SelfTest) Failed() bool { return SelfTestFailed(t.Status) }

// Extended reports whether the test reads the whole medium.
func (t SelfTest) Extended() bool { return t.Kind&0x7f == 2 }

// ByMaker reports a test whose kind is the maker's own or reserved.
func (t SelfTest) ByMaker() bool { return t.Kind&0x7f == 0 || t.Kind&0x7f > 4 }

// SelfTestFailed reports whether a self-test's status, in a log or as byte 363
// of SMART READ DATA, says that it failed.
func SelfTestFailed(status byte) bool { return status>>4 >= 3 && status>>4 <= 8 }

// SelfTestStatus is byte 363 of SMART READ DATA: how the last self-test came
// out (ACS-4, 7.43.2).
func SelfTestStatus(b []byte) (status byte, err error) {
	if err := smartBlock(b); err != nil {
		return 0, fmt.Errorf("smart data: %w", err)
	}
	return b[363], nil
}

// ParseSelfTestLog gives the entries of log 06h, the newest first.
func ParseSelfTestLog(b []byte) ([]SelfTest, error) {
	if err := smartBlock(b); err != nil {
		return nil, fmt.Errorf("self-test log: %w", err)
	}
	return selfTests(b, int(b[508]), 2, 24, 21)
}

// ParseExtendedSelfTestLog gives the entries of log 07h, the newest first. b is
// the whole log, or its first pages where the newest entry is in them.
func ParseExtendedSelfTestLog(b []byte) ([]SelfTest, error) {
	if len(b) < 512 || b[0] != 1 {
		return nil, fmt.Errorf("extended self-test log, %d bytes: %w", len(b), scsi.ErrMalformed)
	}
	// Nineteen entries of each page, put in a row.
	const perPage, size = 19, 26
	var row []byte
	pages := len(b) / 512
	for p := range pages {
		page := b[512*p : 512*(p+1)]
		if err := smartBlock(page); err != nil {
			return nil, fmt.Errorf("extended self-test log, page %d: %w", p, err)
		}
		row = append(row, page[4:4+perPage*size]...)
	}
	return selfTests(row, int(binary.LittleEndian.Uint16(b[2:])), 0, size, perPage*pages)
}

// selfTests reads entries backwards from the newest, whose index counts from 1;
// none when it is 0. They are a ring.
func selfTests(b []byte, newest, first, size, count int) ([]SelfTest, error) {
	if newest > count {
		return nil, fmt.Errorf("self-test log, entry %d of %d: %w", newest, count, scsi.ErrMalformed)
	}
	var tests []SelfTest
	if newest == 0 {
		return tests, nil
	}
	for i := range count {
		at := (newest - 1 - i + count) % count
		e := b[first+at*size:]
		t := SelfTest{Kind: e[0], Status: e[1], Hours: binary.LittleEndian.Uint16(e[2:])}
		if t == (SelfTest{}) {
			break // was never filled
		}
		tests = append(tests, t)
	}
	return tests, nil
}

// ParsePendingDefects gives the number of entries of log 0Ch.
func ParsePendingDefects(b []byte) (int64, error) {
	if len(b) < 16 {
		return 0, fmt.Errorf("pending defects log, %d bytes: %w", len(b), scsi.ErrMalformed)
	}
	return int64(binary.LittleEndian.Uint32(b)), nil
}

// Normalised reports whether a statistic is a normalised value and no count
// (ACS-4, 9.5.1, bit 61).
func (p Page) Normalised(offset int) bool { return binary.LittleEndian.Uint64(p[offset:])&(1<<61) != 0 }
