package drive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// link is the SCSI wire to a drive whose host may find it elsewhere later.
type link struct{ host Host }

// errUndelivered marks what came from the wire and not from the drive.
var errUndelivered = errors.New("not delivered")

// Issue sends on the wire that the host has at this moment.
func (l link) Issue(ctx context.Context, c scsi.Command) (scsi.Response, error) {
	w := l.host.Wires().SCSI
	if w == nil {
		return scsi.Response{}, fmt.Errorf("%w: no SCSI wire", errUndelivered)
	}
	r, err := w.Issue(ctx, c)
	if err != nil {
		return r, fmt.Errorf("%w: %w", errUndelivered, err)
	}
	return r, nil
}

// undelivered reports whether an error means that a command did not get to the
// drive or its answer not back, as against an answer that one does not like.
func undelivered(err error) bool {
	return errors.Is(err, errUndelivered) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// How often a drive that does not answer is looked for before its caller is
// told, who may have more patience.
const (
	finds     = 3
	findPause = time.Second
)

// patiently does f, and again after finding the drive anew when f could not
// reach it. f looks at the drive's state first, so that it can be done again.
func patiently(ctx context.Context, h Host, f func() error) error {
	for i := 0; ; i++ {
		err := f()
		if !undelivered(err) {
			return err
		}
		if i == finds {
			return fmt.Errorf("%w: %w", erase.ErrGone, err)
		}
		if i > 0 {
			if err := h.Wait(ctx, findPause); err != nil {
				return err
			}
		}
		if err := h.Refind(ctx); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// sameDrive reports whether what answered IDENTIFY DEVICE is the drive that the
// facts are of. A bridge may answer for another drive, and may give a serial of
// its own, which cannot be told apart: both are "no". Bridges have been seen to
// swap the letters of a serial in pairs, and to cut or pad it.
func sameDrive(d inventory.Drive, id ata.Identify) bool {
	theirs, ours := plain(id.Serial), plain(d.Serial)
	if ours != "" && theirs != "" {
		return sameText(ours, theirs) || sameText(ours, plain(pairSwapped(id.Serial))) ||
			d.WWN != "" && strings.EqualFold(d.WWN, id.WWN)
	}
	if d.WWN != "" && id.WWN != "" {
		return strings.EqualFold(d.WWN, id.WWN)
	}
	// Without a serial on one side: the same model, and no larger.
	model := plain(d.Model)
	if model == "" || !strings.Contains(plain(id.Model), model) {
		return false
	}
	size := id.Sectors * uint64(id.LogicalBlockBytes)
	return d.CapacityBytes <= 0 || size == uint64(d.CapacityBytes)
}

func plain(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r <= ' ' || r == '_' || r == '-' {
			return -1
		}
		return r
	}, s))
}

// sameText allows for a serial that was cut or padded, but not for one that is short.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	const enough = 8
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= enough && (strings.HasPrefix(b, a) || strings.HasSuffix(b, a))
}

func pairSwapped(s string) string {
	b := []byte(s)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// refusedBefore is a refusal that was foreseen: nothing was sent.
func refusedBefore(name, code, why string, cause error) error {
	return &erase.DriveError{Command: erase.Command{Name: name, Code: code, Status: "not sent: " + why}, Cause: cause}
}

func known(n int64) *int64 { return &n }
