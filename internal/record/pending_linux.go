package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// Pending keeps, per drive, what a run must leave for the next one in case it is
// cut off: a power cut does not stop a drive's sanitize, the drive may be locked
// with our password, and an overwrite can go on where it was. It lies beside the
// station's chain and not in the output folder, since the next run may have
// another one.
type Pending struct{ dir string }

// Entry is what an earlier run left for one drive.
type Entry struct {
	// Record is the sealed started record of that run, with what was under
	// way in it. Its signature holds, but whose it is has not been checked.
	Record certs.Record
	// Key is the run's key, from which its markers and random passes follow.
	Key erase.Key
	// Journal is what the record says was under way.
	Journal erase.Journal
}

// entryFile is an entry as it is stored.
type entryFile struct {
	Envelope []byte `json:"envelope"`
	Key      string `json:"key"` // hex
}

// OpenPending makes the folder if it is missing.
func OpenPending(dir string) (*Pending, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of pending erases: %w", err)
	}
	return &Pending{dir}, nil
}

// path is the entry of a drive, which is known by what it says of itself and
// not by where it is plugged in. An image file says nothing of itself.
func (p *Pending) path(d inventory.Drive) string {
	name := d.Serial + "\x00" + d.WWN + "\x00" + d.Model
	if d.Bus == inventory.BusImage {
		name += "\x00" + d.Path
	}
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(p.dir, hex.EncodeToString(sum[:])+".json")
}

// Keep makes an entry durable, in place of an earlier one.
func (p *Pending) Keep(d inventory.Drive, envelope []byte, key erase.Key) error {
	b, err := json.MarshalIndent(entryFile{Envelope: envelope, Key: hex.EncodeToString(key[:])}, "", "  ")
	if err != nil {
		return err
	}
	return writeDurable(p.path(d), append(b, '\n'), 0o600)
}

// Find gives the entry of a drive; ok is false when there is none.
func (p *Pending) Find(d inventory.Drive) (entry Entry, ok bool, err error) {
	b, err := readBounded(p.path(d))
	if errors.Is(err, os.ErrNotExist) {
		return entry, false, nil
	}
	if err == nil {
		entry, err = readEntry(b)
	}
	if err != nil {
		return entry, false, fmt.Errorf("read what an earlier run left for %s: %w", d.Path, err)
	}
	return entry, true, nil
}

func readEntry(b []byte) (e Entry, err error) {
	var stored entryFile
	if err := json.Unmarshal(b, &stored); err != nil {
		return e, err
	}
	raw, err := hex.DecodeString(stored.Key)
	if err != nil {
		return e, fmt.Errorf("its key: %w", err)
	}
	if len(raw) != len(e.Key) {
		return e, fmt.Errorf("its key has %d bytes, want %d", len(raw), len(e.Key))
	}
	copy(e.Key[:], raw)
	r, err := certs.Open(stored.Envelope)
	if err != nil {
		return e, err
	}
	p := r.Sanitization
	if r.Kind != certs.KindStarted || p == nil || len(p.Steps) == 0 {
		return e, errors.New("it tells of nothing that was under way")
	}
	e.Record, e.Journal = *r, journal(p)
	return e, nil
}

// journal is what a record says was under way.
func journal(p *certs.Sanitization) erase.Journal {
	j := erase.Journal{Run: p.ID, Policy: p.Policy.SHA256, SizeBytes: p.Drive.CapacityBytes, Markers: p.Verification.Markers, PowerOnHours: p.PowerOnHours}
	if u := p.Underway; u != nil {
		j.Written = &erase.Written{Standard: p.Requested.Standard, Pass: u.Pass, Of: u.Of, SyncedBytes: u.SyncedBytes}
		for _, s := range p.Steps {
			j.Written.Passes = append(j.Written.Passes, erase.Pass{
				Kind: s.Kind, Run: s.Run, Technique: s.Technique, Command: s.Command, Pattern: s.Pattern, Started: s.Started, Finished: s.Finished,
				Elapsed: s.Finished.Sub(s.Started), Bytes: s.Bytes, Commands: s.Commands, Errors: s.Errors,
			})
		}
		return j
	}
	last := p.Steps[len(p.Steps)-1]
	j.Command, j.Accepted = last.Command, !last.Finished.IsZero()
	return j
}

// Drop removes the entry of a drive, if there is one. Where the folder itself is
// not there, as when the stick was pulled out, the entry may come back with it:
// the error then wraps [ErrGone].
func (p *Pending) Drop(d inventory.Drive) error {
	err := os.Remove(p.path(d))
	if errors.Is(err, os.ErrNotExist) {
		if _, err = os.Stat(p.dir); err == nil {
			return nil
		}
		err = fmt.Errorf("%w: %w", ErrGone, err)
	}
	if err == nil {
		err = syncDir(p.dir)
	}
	if err != nil {
		return fmt.Errorf("drop the pending erase of %s: %w", d.Path, err)
	}
	return nil
}
