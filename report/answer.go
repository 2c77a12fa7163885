package report

import "github.com/ombruk/ombruk/certs"

// Answer is the message key (package lang) of the word a drive's page begins
// with, so that a screen says the same as the page.
func Answer(rec certs.Sanitization) string { return judge(rec).word }
