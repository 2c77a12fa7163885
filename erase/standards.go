package erase

import (
	"fmt"
	"strings"
)

// Standard is one entry of the table a customer chooses from. Everything that
// names a standard (help, plans, pages) derives from this table.
type Standard struct {
	ID    string // what is typed
	Title string
	// Document is what a certificate cites, with its edition.
	Document string
	// Clause says where the document, or who else, gives the passes.
	Clause string
	// Method is what is requested by choosing this standard.
	Method Method
	// Passes are the overwriting passes in order. For a Purge standard they
	// are what --best-effort falls back to.
	Passes []Pattern
	// ShuffleFrom and ShuffleTo bound the passes (counted from 1, both
	// inclusive) that run in random order; zero when none do.
	ShuffleFrom, ShuffleTo int
	// Note is what a customer should know before choosing it.
	Note string
}

// Standards returns the table in the order in which it is shown. Whatever the
// number of passes, overwriting is Clear (IEEE 2883-2022; NIST SP 800-88 Rev. 2
// section 3.1.1: a single pass is enough).
func Standards() []Standard {
	b := func(bytes ...byte) Pattern { return Pattern{Kind: Constant, Bytes: bytes} }
	zero, ones := b(0x00), b(0xff)
	r := Pattern{Kind: Random}
	c, notC := Pattern{Kind: RandomByte}, Pattern{Kind: Complement}
	const (
		nist = "NIST SP 800-88 Rev. 2 (September 2025)"
		ieee = "IEEE 2883-2022"
		old  = "The number of passes does not change the Method: this is Clear."
	)
	return []Standard{
		{ID: "nist-800-88r2-purge", Title: "NIST SP 800-88 Rev. 2, Purge", Document: nist, Clause: "section 3.1.2; techniques by IEEE 2883", Method: Purge, Passes: []Pattern{zero},
			Note: "Needs a technique of the drive's own firmware; overwriting never reaches it."},
		{ID: "nist-800-88r2-clear", Title: "NIST SP 800-88 Rev. 2, Clear", Document: nist, Clause: "section 3.1.1: one pass is enough", Method: Clear, Passes: []Pattern{zero}},
		{ID: "ieee-2883-purge", Title: "IEEE 2883, Purge", Document: ieee, Clause: "purge techniques per interface", Method: Purge, Passes: []Pattern{zero},
			Note: "Needs a technique of the drive's own firmware; overwriting never reaches it."},
		{ID: "ieee-2883-clear", Title: "IEEE 2883, Clear", Document: ieee, Clause: "host overwrite, one pass", Method: Clear, Passes: []Pattern{zero}},
		{ID: "dod-5220.22-m", Title: "DoD 5220.22-M, three passes", Document: "DoD 5220.22-M (NISPOM)", Clause: "a byte, its complement, random, verify; by common practice, the manual prints no pattern", Method: Clear,
			Passes: []Pattern{c, notC, r}, Note: old + " Overwriting has not been accepted for classified media since 2007."},
		{ID: "dod-5220.22-m-ece", Title: "DoD 5220.22-M ECE, seven passes", Document: "DoD 5220.22-M ECE", Clause: "by common practice; no authoritative text", Method: Clear,
			Passes: []Pattern{c, notC, r, c, c, notC, r}, Note: old},
		{ID: "hmg-is5-baseline", Title: "HMG Infosec Standard 5, Baseline", Document: "HMG IA Standard No. 5", Clause: "zeros, verify", Method: Clear, Passes: []Pattern{zero}, Note: old},
		{ID: "hmg-is5-enhanced", Title: "HMG Infosec Standard 5, Enhanced", Document: "HMG IA Standard No. 5", Clause: "zeros, ones, random, verify", Method: Clear, Passes: []Pattern{zero, ones, r}, Note: old},
		{ID: "bsi-vsitr", Title: "BSI VSITR, seven passes", Document: "BSI VSITR", Clause: "zeros and ones three times, then AA", Method: Clear,
			Passes: []Pattern{zero, ones, zero, ones, zero, ones, b(0xaa)}, Note: old},
		{ID: "rcmp-tssit-ops-ii", Title: "RCMP TSSIT OPS-II, seven passes", Document: "RCMP TSSIT OPS-II", Clause: "zeros and ones three times, then random, verify", Method: Clear,
			Passes: []Pattern{zero, ones, zero, ones, zero, ones, r}, Note: old},
		{ID: "schneier", Title: "Schneier, seven passes", Document: "B. Schneier, Applied Cryptography (1996)", Clause: "ones, zeros, random five times", Method: Clear,
			Passes: []Pattern{ones, zero, r, r, r, r, r}, Note: old},
		{ID: "gutmann", Title: "Gutmann, 35 passes", Document: "P. Gutmann, Secure Deletion of Data (USENIX 1996)", Clause: "table 1; passes 5 to 31 in random order", Method: Clear,
			Passes: gutmann(), ShuffleFrom: 5, ShuffleTo: 31, Note: old + " Its patterns were made for drives of the 1990s."},
		{ID: "afssi-5020", Title: "AFSSI-5020, three passes", Document: "AFSSI-5020 (US Air Force, 1996)", Clause: "zeros, ones, random, verify", Method: Clear, Passes: []Pattern{zero, ones, r}, Note: old},
		{ID: "ar-380-19", Title: "AR 380-19, three passes", Document: "AR 380-19 (US Army, 1998)", Clause: "random, a byte, its complement, verify", Method: Clear, Passes: []Pattern{r, c, notC}, Note: old},
		{ID: "nnsa-nap-14.1-c", Title: "NNSA NAP-14.1-C, three passes", Document: "NNSA NAP-14.1-C (2008)", Clause: "random twice, zeros, verify", Method: Clear, Passes: []Pattern{r, r, zero}, Note: old},
		{ID: "gost-r-50739-95", Title: "GOST R 50739-95, two passes", Document: "GOST R 50739-95", Clause: "zeros, random; by common practice", Method: Clear, Passes: []Pattern{zero, r}, Note: old},
		{ID: "zero", Title: "One pass of zeros", Document: ieee, Clause: "host overwrite, one pass", Method: Clear, Passes: []Pattern{zero}},
		{ID: "random", Title: "One pass of random data", Document: ieee, Clause: "host overwrite, one pass", Method: Clear, Passes: []Pattern{r}},
	}
}

// gutmann is table 1 of the paper.
func gutmann() []Pattern {
	r := Pattern{Kind: Random}
	passes := []Pattern{r, r, r, r}
	add := func(bytes ...byte) { passes = append(passes, Pattern{Kind: Constant, Bytes: bytes}) }
	mfm := func() {
		add(0x92, 0x49, 0x24)
		add(0x49, 0x24, 0x92)
		add(0x24, 0x92, 0x49)
	}
	add(0x55)
	add(0xaa)
	mfm()
	for n := 0; n <= 0xf; n++ {
		add(byte(n * 0x11))
	}
	mfm()
	add(0x6d, 0xb6, 0xdb)
	add(0xb6, 0xdb, 0x6d)
	add(0xdb, 0x6d, 0xb6)
	return append(passes, r, r, r, r)
}

// FindStandard looks a standard up by its id; an unknown id is an error that
// lists the known ones.
func FindStandard(id string) (Standard, error) {
	var ids []string
	for _, s := range Standards() {
		if s.ID == strings.ToLower(id) {
			return s, nil
		}
		ids = append(ids, s.ID)
	}
	return Standard{}, fmt.Errorf("standard %q is not known: want one of %s", id, strings.Join(ids, ", "))
}
