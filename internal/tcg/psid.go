package tcg

import (
	"fmt"
	"strings"
)

// psidLength is how many characters a PSID has (PSID Feature Set 1.00; the
// makers print 32).
const psidLength = 32

// NormalizePSID gives a PSID as the drive takes it, from what a person typed
// or a scanner read off the label: without spaces, dashes and line ends, in
// capitals. The error says what is wrong with it.
func NormalizePSID(typed string) (string, error) {
	var b strings.Builder
	for _, r := range strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(typed)), "PSID:") {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		case strings.ContainsRune(" -\t\r\n\u00a0\u2010\u2011\u2012\u2013", r):
		default:
			return "", fmt.Errorf("PSID: character %q does not belong in one: it has letters and digits only", r)
		}
	}
	if n := b.Len(); n != psidLength {
		return "", fmt.Errorf("PSID: it has %d letters and digits instead of %d: copy the whole code from the drive's label", n, psidLength)
	}
	return b.String(), nil
}
