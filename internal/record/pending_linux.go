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
// cut off while the drive erases by itself: a power cut does not stop a drive's
// sanitize, and the drive may be locked with our password. It lies beside the
// station's chain and not in the output folder, since the next run may have
// another one.
type Pending struct{ dir string }

// PendingErase is one entry.
type PendingErase struct {
	// Envelope is the sealed started record with the erase as its only step:
	// only the station itself can have made it.
	Envelope []byte `json:"envelope"`
	// Key is the run's key in hex, from which its markers follow.
	Key string `json:"key"`
}

// OpenPending makes the folder if it is missing.
func OpenPending(dir string) (*Pending, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of pending erases: %w", err)
	}
	return &Pending{dir}, nil
}

// path is the entry of a drive, which is known by what it says of itself and
// not by where it is plugged in.
func (p *Pending) path(d inventory.Drive) string {
	sum := sha256.Sum256([]byte(d.Serial + "\x00" + d.WWN + "\x00" + d.Model))
	return filepath.Join(p.dir, hex.EncodeToString(sum[:])+".json")
}

// Keep makes an entry durable, in place of an earlier one.
func (p *Pending) Keep(d inventory.Drive, envelope []byte, key erase.Key) error {
	b, err := json.MarshalIndent(PendingErase{Envelope: envelope, Key: hex.EncodeToString(key[:])}, "", "  ")
	if err != nil {
		return err
	}
	return writeDurable(p.path(d), append(b, '\n'), 0o600)
}

// Find gives the entry of a drive; ok is false when there is none.
func (p *Pending) Find(d inventory.Drive) (envelope []byte, key erase.Key, ok bool, err error) {
	b, err := os.ReadFile(p.path(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil, key, false, nil
	}
	var e PendingErase
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	var raw []byte
	if err == nil {
		raw, err = hex.DecodeString(e.Key)
	}
	if err == nil && len(raw) != len(key) {
		err = fmt.Errorf("its key has %d bytes, want %d", len(raw), len(key))
	}
	if err != nil {
		return nil, key, false, fmt.Errorf("read the pending erase of %s: %w", d.Path, err)
	}
	copy(key[:], raw)
	return e.Envelope, key, true, nil
}

// Command is the erase that the entry of a drive speaks of, and whether the drive
// had accepted it, not checked; ok is false when there is none.
func (p *Pending) Command(d inventory.Drive) (command inventory.EraseCommand, accepted, ok bool, err error) {
	envelope, _, ok, err := p.Find(d)
	if err != nil || !ok {
		return "", false, false, err
	}
	r, err := certs.Open(envelope)
	if err == nil && (r.Sanitization == nil || len(r.Sanitization.Steps) != 1) {
		err = errors.New("it tells of no erase")
	}
	if err != nil {
		return "", false, false, fmt.Errorf("read the pending erase of %s: %w", d.Path, err)
	}
	step := r.Sanitization.Steps[0]
	return step.Command, !step.Finished.IsZero(), true, nil
}

// Drop removes the entry of a drive, if there is one.
func (p *Pending) Drop(d inventory.Drive) error {
	err := os.Remove(p.path(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncDir(p.dir)
	}
	if err != nil {
		return fmt.Errorf("drop the pending erase of %s: %w", d.Path, err)
	}
	return nil
}
