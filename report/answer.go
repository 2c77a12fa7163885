package report

import "github.com/ombruk/ombruk/certs"

// Answer is the message key (package lang) of the word a drive's page begins
// with, so that a screen says the same as the page.
func Answer(rec certs.Sanitization) string { return judge(rec).word }

// UnitAnswer is the same for a machine's page; n picks the plural form of the
// word and is 0 where it has none.
func UnitAnswer(rec certs.Unit) (key string, n int) {
	v := judgeUnit(rec)
	return v.word, v.n
}
