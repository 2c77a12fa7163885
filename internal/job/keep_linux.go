package job

import (
	"context"
	"errors"
	"slices"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/record"
)

// keep takes the steps that make a record durable, one after the other, and
// tries a step again for as long as Again says so. held is told of each try
// that went wrong and will be followed by another question.
func (s *Station) keep(ctx context.Context, held func(error), steps ...func() error) error {
	for len(steps) > 0 {
		err := steps[0]()
		switch {
		case err == nil:
			steps = slices.Delete(steps, 0, 1)
		case s.Again == nil, errors.As(err, new(unmakeable)):
			return err
		default:
			held(err)
			// Somebody may have cancelled the run; its record is still owed.
			if !s.Again(context.WithoutCancel(ctx), err) {
				return err
			}
		}
	}
	return nil
}

// unmakeable is the error of a record or page that cannot be made, as opposed to
// one that cannot be kept: another try would not fare better.
type unmakeable struct{ error }

func (u unmakeable) Unwrap() error { return u.error }

// made marks the error of making something.
func made(content []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, unmakeable{err}
	}
	return content, nil
}

// HeldEvent is why a finished record is not durable yet.
type HeldEvent struct {
	// Trouble is one of record's words: full, read-only, gone, other.
	Trouble string `json:"trouble"`
	Text    string `json:"text"`
}

func heldEvent(p certs.Sanitization, err error) Event {
	e := event("held", p)
	e.Held = &HeldEvent{Trouble: record.Trouble(err), Text: err.Error()}
	return e
}
