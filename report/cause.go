package report

import (
	"regexp"
	"strings"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// An error is a chain of parts with a colon between them. Those that the
// program always words alike are translated, raw answers are left to the table
// of steps, and everything else stays as a drive or a kernel said it.

// codes begin what a drive answered in figures; all that follows explains it.
var codes = regexp.MustCompile(`^(status [0-9A-F]+h|SSTAT [0-9A-F]+h|sense [0-9A-F]+h/|card status [0-9A-F]+h|good;)`)

// noise are parts that only say by which way an answer did not come.
var noise = regexp.MustCompile(`^(command [0-9A-F]{2}h|CMD\d+|not delivered|no such device|connection timed out|context canceled)$`)

// said is the part of a cause that the sentence of an exception says already.
func said(code string) string {
	switch code {
	case "device-gone":
		return erase.ErrGone.Error()
	case "identity-changed":
		return erase.ErrIdentityChanged.Error()
	case "size-changed":
		return erase.ErrSizeChanged.Error()
	case "no-space":
		return erase.ErrNoSpace.Error()
	case "stalled":
		return erase.ErrStalled.Error()
	case "given-up":
		return erase.ErrGivenUp.Error()
	case "erase-failed":
		return erase.ErrEraseFailed.Error()
	case "frozen":
		return erase.ErrFrozen.Error()
	case "locked":
		return erase.ErrLocked.Error()
	case "erase-forgotten":
		return "the drive does not report the end of this erase"
	case "not-left":
		return "put the drive back into ordinary use"
	case "hidden-area-left":
		return "restore hidden areas"
	case "wrong-key":
		return "unlock"
	}
	return ""
}

// cause is the cause of an exception in the page's words as far as it has
// them; empty when it says nothing beyond the exception's sentence and codes.
func (s *sheet) cause(text, code string) string {
	var out []string
	parts := strings.Split(text, ": ")
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		if codes.MatchString(p) {
			// What stands behind a semicolon is our advice, not the answer.
			_, advice, _ := strings.Cut(strings.Join(parts[i:], ": "), "; ")
			if advice == "" {
				break
			}
			parts, i = strings.Split(advice, ": "), -1
			continue
		}
		if p == "" || p == said(code) || noise.MatchString(p) {
			continue
		}
		id := inventory.EraseCommand(strings.TrimPrefix(p, "start "))
		if name := erase.SpecificationName(id); name != string(id) {
			if i+1 < len(parts) && !codes.MatchString(parts[i+1]) && s.phrase("cause.", parts[i+1]) == parts[i+1] {
				continue // the command as it was sent says it more exactly
			}
			p = name
		} else {
			p = s.phrase("cause.", p)
		}
		out = append(out, p)
	}
	return strings.Join(out, ": ")
}

// space names a part of a drive beside the target: a word and perhaps a number.
func (s *sheet) space(name string) string {
	word, number := name, ""
	if i := strings.LastIndexByte(name, ' '); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" {
		word, number = name[:i], name[i+1:]
	}
	if text, ok := s.t.Try("space."+strings.ReplaceAll(word, " ", "-"), nil); ok {
		return joined(" ", text, number)
	}
	return s.phrase("space.", name)
}

// phrases are what the program words alike but for a fact in it.
var phrases = []struct {
	key string
	as  *regexp.Regexp
}{
	{"cause.silent", regexp.MustCompile(`^drive has been silent for (?P<duration>\S+)$`)},
	{"cause.standstill", regexp.MustCompile(`^the drive says that it is at work and gets no further for (?P<duration>\S+)$`)},
	{"cause.not-done", regexp.MustCompile(`^still not done after (?P<duration>\S+)$`)},
	{"cause.no-answer", regexp.MustCompile(`^no answer within (?P<duration>\S+)$`)},
	{"cause.find-again", regexp.MustCompile(`^find (?P<path>/dev/\S+) again$`)},
	{"cause.path-silent", regexp.MustCompile(`^(?P<path>/dev/\S+) does not answer$`)},
	{"cause.other-drive", regexp.MustCompile(`^it was (?P<before>serial .*), and is (?P<now>serial .*)$`)},
	{"cause.appeared", regexp.MustCompile(`^(?P<space>.+) was not there when the plan was made$`)},
	{"cause.other-serial", regexp.MustCompile(`^the serial number was "(?P<before>.*)" before and is "(?P<now>.*)" now$`)},
	{"cause.other-identity", regexp.MustCompile(`^IDENTIFY DEVICE said "(?P<before>.*)" before and says "(?P<now>.*)" now$`)},
	{"space.logical-unit", regexp.MustCompile(`^further logical unit (?P<number>\d+) of (?P<total>\d+)$`)},
	{"space.detached", regexp.MustCompile(`^namespace (?P<number>\d+), attached to no controller here$`)},
}

// phrase is a stable piece of English in the page's words, or as it is.
func (s *sheet) phrase(prefix, text string) string {
	if words, ok := s.t.Try(prefix+strings.ReplaceAll(text, " ", "-"), nil); ok {
		return words
	}
	for _, ph := range phrases {
		m := ph.as.FindStringSubmatch(text)
		if m == nil || !strings.HasPrefix(ph.key, prefix) {
			continue
		}
		args := map[string]any{}
		for i, name := range ph.as.SubexpNames() {
			args[name] = m[i]
			switch d, err := time.ParseDuration(m[i]); {
			case name == "duration" && err == nil:
				args[name] = s.t.Duration(d)
			case name == "space":
				args[name] = s.space(m[i])
			}
		}
		if words, ok := s.t.Try(ph.key, args); ok {
			return words
		}
	}
	return text
}
