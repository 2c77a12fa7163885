package erase_test

import (
	"encoding/json"
	"testing"

	"github.com/ombruk/ombruk/erase"
)

// The record of a drive that fails all over, under the longest standard, stays
// small enough to be signed and read, or there would be none at all.
func TestRecordOfADyingDriveStaysReadable(t *testing.T) {
	d := newMemoryDrive(24 << 20)
	scattered := func(off, length int64) error {
		if first := (off + 4095) / 4096 * 4096; first < off+length {
			return errMedium
		}
		return nil
	}
	d.badWrite, d.badRead = scattered, scattered
	r := run(t, d, "gutmann", nil)
	if r.Outcome != erase.Failed || r.Disposition != erase.Destroy {
		t.Errorf("outcome %v, %v", r.Outcome, r.Disposition)
	}
	b, err := json.Marshal([]any{r.Passes, r.Exceptions, r.Verification})
	if err != nil {
		t.Fatal(err)
	}
	// An envelope is 4/3 of its content and may be 4 MiB (certs.MaxEnvelopeBytes).
	if len(b) > 5<<19 {
		t.Errorf("%d bytes", len(b))
	}
	for _, x := range r.Exceptions {
		if x.Code != "bad-blocks" && x.Code != "unreadable" {
			continue
		}
		if want := "6144"; x.Params["blocks"] != want || x.Params["more"] != "yes" || len(x.LBARanges) != 4096 {
			t.Errorf("%s: %v, %d ranges; want %s blocks and more than are listed", x.Code, x.Params, len(x.LBARanges), want)
		}
	}
}
