package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/certs"
)

// Chain numbers the closed records of one station instance from 1 without gaps
// and joins each to the one before by its digest.
type Chain struct {
	path string
	// Instance is the UUID of this copy of the station.
	Instance string
}

// head is the file that holds a chain's end.
type head struct {
	Schema   int    `json:"schema"`
	Station  string `json:"station"`
	Instance string `json:"instance"`
	Sequence int64  `json:"sequence"` // of the last closed record; 0 before the first
	Previous string `json:"previous"` // SHA-256 of its envelope, hex; empty before the first
	// Pending is set while a record is being written.
	Pending *pending `json:"pending,omitempty"`
}

type pending struct {
	Sequence int64  `json:"sequence"`
	SHA256   string `json:"sha256"`
	Path     string `json:"path"`
	// Folder identifies the folder itself, so that the empty place where a
	// stick was mounted is not taken for it.
	Folder string `json:"folder"`
}

// OpenChain finds, or begins, the chain of a station in a folder (which is made
// if it is missing). station is the signer's key id.
func OpenChain(dir, station string) (*Chain, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make chain folder: %w", err)
	}
	c := &Chain{path: filepath.Join(dir, station+".json")}
	err := c.locked(func(h *head) error {
		if h.Instance != "" {
			c.Instance = h.Instance
			return nil
		}
		instance, err := uuid.NewRandom()
		if err != nil {
			return err
		}
		*h = head{Schema: 1, Station: station, Instance: instance.String()}
		c.Instance = h.Instance
		return c.store(h)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Build makes the envelope of a record with the place in the chain that it gets.
type Build func(sequence int64, previous string) (envelope []byte, err error)

// Append gives a record its place in the chain and makes its envelope durable.
// When it returns nil, envelope and chain are on stable storage.
func (c *Chain) Append(f *Folder, id string, build Build) (envelope []byte, err error) {
	err = c.locked(func(h *head) error {
		if err := c.ours(h); err != nil {
			return fmt.Errorf("number record %s: %w", id, err)
		}
		if envelope, err = build(h.Sequence+1, h.Previous); err != nil {
			return err
		}
		h.Pending = &pending{Sequence: h.Sequence + 1, SHA256: certs.Digest(envelope), Path: f.Path(id, EvidenceSuffix), Folder: identity(f.dir)}
		if err := c.store(h); err != nil {
			return err
		}
		if err := f.giveBack(id, pageReserveBytes); err != nil {
			return err
		}
		if err := f.write(id+EvidenceSuffix, envelope, 0o644); err != nil {
			return err
		}
		h.commit()
		return c.store(h)
	})
	return envelope, err
}

// Present makes sure that the chain can be had and is still the one that was
// opened: the stick that holds it may be out, or another one in its place. The
// error of the latter wraps [ErrGone].
func (c *Chain) Present() error { return c.locked(c.ours) }

func (c *Chain) ours(h *head) error {
	if h.Instance != c.Instance {
		return fmt.Errorf("%w: the chain %s is that of another copy of the station", ErrGone, c.path)
	}
	return nil
}

// Settle decides what became of a record that was being written when an
// earlier process ended.
func (c *Chain) Settle() error { return c.locked(func(*head) error { return nil }) }

func (h *head) commit() {
	h.Sequence, h.Previous, h.Pending = h.Pending.Sequence, h.Pending.SHA256, nil
}

// settle decides what became of a record that was being written when the
// process ended. If its file is there with the right digest it counts. If its
// folder can be seen and the file is not there, its number is free again. If
// the folder cannot be seen (a stick that was pulled out), the record may
// exist, so its number stays used: a gap that is true is better than a number
// given twice.
func (c *Chain) settle(h *head) (changed bool) {
	p := h.Pending
	if p == nil {
		return false
	}
	b, err := readBounded(p.Path)
	switch {
	case err == nil && certs.Digest(b) == p.SHA256:
		h.commit()
	case err == nil, errors.Is(err, os.ErrNotExist) && c.sees(p):
		h.Pending = nil
	default:
		h.commit()
	}
	return true
}

// sees reports whether the folder of a record that was being written is before
// us. One on the stick that also holds the chain is so by nature, even where the
// stick was out in between and the system now numbers it in another way; the
// started record shows that it is not another folder in its place.
func (c *Chain) sees(p *pending) bool {
	dir := filepath.Dir(p.Path)
	if identity(dir) == p.Folder {
		return true
	}
	_, err := os.Stat(strings.TrimSuffix(p.Path, EvidenceSuffix) + StartedSuffix)
	return err == nil && device(dir) != "" && device(dir) == device(filepath.Dir(c.path))
}

// device is the file system that a folder lies on; empty where there is none.
func device(dir string) string {
	on, _, _ := strings.Cut(identity(dir), "/")
	if on == "gone" {
		return ""
	}
	return on
}

// identity is what a folder is on this system: file system and inode; "gone"
// where there is none.
func identity(dir string) string {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "gone"
	}
	return fmt.Sprintf("%d:%d/%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
}

// locked runs fn with the chain's end while no other process or goroutine has it.
func (c *Chain) locked(fn func(*head) error) error {
	lock, err := os.OpenFile(c.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the station's chain: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := uninterrupted(func() error { return unix.Flock(int(lock.Fd()), unix.LOCK_EX) }); err != nil {
		return fmt.Errorf("lock the station's chain %s: %w", c.path, err)
	}
	h, err := c.load()
	if err != nil {
		return err
	}
	if c.settle(h) {
		if err := c.store(h); err != nil {
			return err
		}
	}
	return fn(h)
}

func (c *Chain) load() (*head, error) {
	h := new(head)
	b, err := readBounded(c.path)
	if errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the station's chain: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(h); err != nil {
		return nil, fmt.Errorf("read the station's chain %s: %w", c.path, err)
	}
	if _, err := uuid.Parse(h.Instance); err != nil || h.Schema != 1 || h.Sequence < 0 || (h.Sequence > 0) != (h.Previous != "") {
		return nil, fmt.Errorf("read the station's chain %s: it is damaged", c.path)
	}
	return h, nil
}

func (c *Chain) store(h *head) error {
	b, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return writeDurable(c.path, append(b, '\n'), 0o600)
}
