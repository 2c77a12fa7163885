package main

import (
	"errors"
	"io"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

// unrecorded is a batch of two drives: one clean, and one that still held data
// and whose record found no room.
func unrecorded() *batch {
	clean := certs.Sanitization{Header: certs.Header{ID: "one"}, Drive: certs.DriveFacts{Path: "/dev/sda"}, Outcome: erase.Sanitized, Fulfilled: true}
	found := certs.Sanitization{Header: certs.Header{ID: "two"}, Drive: certs.DriveFacts{Path: "/dev/sdc", Serial: "S2"}, Outcome: erase.Failed, Verification: certs.Verification{Mismatches: 7}}
	return &batch{run: &session.Batch{
		Works: []session.Work{{Drives: []inventory.Drive{{Path: "/dev/sda"}}}, {Drives: []inventory.Drive{{Path: "/dev/sdc"}}}},
		Done:  []job.Done{{ID: "one", Record: clean}, {ID: "two", Record: found}},
		Errs:  []error{nil, errors.New("no space left on device")},
	}}
}

// Data that was found outranks the record that could not be closed.
func TestExitCodeOfAnUnrecordedFind(t *testing.T) {
	b := unrecorded()
	a := &app{stdout: io.Discard, stderr: io.Discard}
	if got := a.finish(a.conclude(b)); got != exitDataFound {
		t.Errorf("code %d, want %d", got, exitDataFound)
	}
}
