package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/remains"
)

// A TPM that no driver had taken when the machine came, and that is there when
// the drives are done, is kept all the same while a drive is not clean.
func TestATPMThatComesToLightLateIsKeptForItsDrives(t *testing.T) {
	w, _ := aBusinessMachine(t)
	request := filepath.Join(w.remains.Root, "sys/class/tpm/tpm0/ppi/request")
	for _, presence := range []remains.Presence{"", remains.Present} {
		b := &besides{rig: w.rig, source: w.remains, first: []remains.Seen{{Thing: "tpm", Presence: presence}}}
		all, err := b.close(t.Context(), &unitFlags{clearTPM: true}, nil, false)
		if !errors.Is(err, errDrivesFirst) {
			t.Errorf("%q: %v", presence, err)
		}
		for _, r := range all {
			if r.Thing == "tpm" && r.State != "left" {
				t.Errorf("%q: the record says %+v", presence, r)
			}
		}
		if got, err := os.ReadFile(request); err != nil || strings.TrimSpace(string(got)) != "0" {
			t.Errorf("%q: the firmware was asked: %q, %v", presence, got, err)
		}
	}
}
