package report

import (
	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

// verdict is the answer on top of a page: a word, a sign and a colour that all
// say the same, and the document's title.
type verdict struct {
	word, title string // keys in lang
	sign        sign
	colour      colour
	// n picks the plural form of the word; 0 where it has none.
	n int
}

// word is the verdict's word in the page's language.
func (s *sheet) word() string {
	if s.verdict.n > 0 {
		return s.t.Count(s.verdict.word, int64(s.verdict.n), nil)
	}
	return s.t.Get(s.verdict.word, nil)
}

// judge finds the words for a drive's record.
func judge(rec certs.Sanitization) verdict {
	switch {
	case rec.Outcome.Clean() && !rec.Fulfilled:
		return verdict{"word.below", "title.below", signCross, red, 0}
	case rec.Outcome == erase.Sanitized:
		return verdict{"word.clean", "title.certificate", signCheck, green, 0}
	case rec.Outcome == erase.SanitizedWithExceptions:
		return verdict{"word.clean-with-exceptions", "title.certificate", signExclamation, amber, 0}
	case rec.Outcome == erase.Failed && rec.Disposition == erase.Hold:
		return verdict{"word.try-again", "title.failed", signAgain, grey, 0}
	case rec.Outcome == erase.Failed:
		return verdict{"word.destroy", "title.failed", signCross, red, 0}
	case rec.Outcome == erase.Interrupted:
		return verdict{"word.not-finished", "title.interrupted", signPause, grey, 0}
	default:
		return verdict{"word.not-proven", "title.unproven", signQuestion, grey, 0}
	}
}

// tally counts a unit's drives by what is to be said about them; each drive
// is counted once.
type tally struct {
	clean, withExceptions, destroy, unfinished, untreated int
}

func count(drives []certs.UnitDrive) tally {
	var n tally
	for _, d := range drives {
		switch {
		case d.RecordID == "" || d.NotTouched != "":
			n.untreated++
		case d.Disposition == erase.Destroy || d.Outcome == erase.Failed && d.Disposition != erase.Hold:
			n.destroy++
		case !d.Outcome.Clean() || d.Disposition == erase.Hold:
			n.unfinished++
		case d.Outcome == erase.SanitizedWithExceptions:
			n.clean, n.withExceptions = n.clean+1, n.withExceptions+1
		default:
			n.clean++
		}
	}
	return n
}

// judgeUnit finds the words for a machine: what could not be reached comes
// before all drives that were, and of these the worst that is true of one.
func judgeUnit(rec certs.Unit) verdict {
	n := count(rec.Drives)
	const title = "title.unit"
	switch {
	case rec.Storage.State == certs.StorageUnreachable:
		return verdict{"unit.unreachable-word", "unit.unreachable-title", signCross, red, 0}
	case rec.Storage.State == certs.StorageNotHandled:
		return verdict{"unit.not-handled-word", "unit.not-handled-title", signPause, grey, 0}
	case rec.Storage.State == certs.StorageNone:
		return verdict{"unit.none-word", "unit.none-title", signExclamation, grey, 0}
	case len(rec.Drives) == 0:
		return verdict{"word.unit-no-drives", title, signPause, grey, 0}
	case n.destroy > 0:
		return verdict{"word.unit-destroy", title, signCross, red, n.destroy}
	case n.unfinished > 0:
		return verdict{"word.unit-unfinished", title, signPause, grey, n.unfinished}
	case n.untreated > 0:
		return verdict{"word.unit-untreated", title, signPause, grey, n.untreated}
	case n.withExceptions > 0:
		return verdict{"word.clean-with-exceptions", title, signExclamation, amber, 0}
	default:
		return verdict{"word.unit-clean", title, signCheck, green, 0}
	}
}

// settled reports whether every drive of a machine is known to be clean, so
// that nothing keeps it from being used again. Of a machine that shows no
// storage nobody knows that: its drive may be there and its cable loose.
func settled(rec certs.Unit) bool {
	n := count(rec.Drives)
	return rec.Storage.State == certs.StorageTreated && n.clean == len(rec.Drives) && n.clean > 0
}
