package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

// newVerifyCommand checks certificates and evidence files, offline.
func newVerifyCommand(a *app) *cobra.Command {
	var extra []string
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Check certificates and evidence: unchanged, and by whom",
		Long: `Checks signed pages (PDF) and evidence files, offline: that nothing was changed
or added, that one key signed the page and the record it carries, and that an
organisation you trust issued that key and has not revoked it. A folder stands
for every .pdf, .evidence.json and .started.json in it. All files are checked,
whatever is found.

OK means genuine. What was done is what the record says: a genuine record of a
failure is OK too, so read the outcome.

A record is judged by the time it was made, not by today, so a certificate stays
good after the key that signed it has ended. Where the station's clock could not
be trusted its time is not used, and the reason says so.

` + exitHelp,
		Example: `  ombruk verify certificate.pdf
  ombruk verify --trust depot.pem ombruk-out`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			trust, err := a.trust(extra)
			if err != nil {
				return err
			}
			return a.verify(args, trust)
		},
	}
	cmd.Flags().StringArrayVar(&extra, "trust", nil, "certificate or revocation list of an organisation to trust this once")
	return cmd
}

// trust is what this machine trusts and the files named for this call.
func (a *app) trust(files []string) (*certs.Trust, error) {
	k, err := a.openKeys()
	if err != nil {
		return nil, err
	}
	trust, err := k.Trust()
	if err != nil {
		return nil, fail(exitError, "a damaged file in the folder of keys must be replaced or removed by hand", err)
	}
	for _, name := range files {
		data, err := readEvidence(name)
		if err != nil {
			return nil, fail(exitError, "", fmt.Errorf("trust: %w", err))
		}
		if _, err := trust.Add(name, data); err != nil {
			return nil, fail(exitError, "--trust takes an organisation's certificate or revocation list", err)
		}
	}
	return trust, nil
}

// verify judges every file and shows each verdict as it comes.
func (a *app) verify(operands []string, trust *certs.Trust) error {
	checked, refused := 0, 0
	for _, operand := range operands {
		files, err := evidenceFiles(operand)
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("%s: no .pdf, .evidence.json or .started.json in this folder", operand)
		}
		if err != nil {
			files = []string{operand}
		}
		for _, name := range files {
			v := a.verdict(name, trust, err)
			checked++
			if !v.OK() {
				refused++
			}
			if err := a.showVerdict(v); err != nil {
				return err
			}
		}
	}
	if checked > 1 && !a.flags.json {
		a.say("%d files: %d OK, %d refused", checked, checked-refused, refused)
	}
	if refused == 0 {
		return nil
	}
	err := fmt.Errorf("%d of %d refused", refused, checked)
	// A script has had a line for each file already.
	return &codedError{code: exitEvidence, err: err, said: a.flags.json}
}

func (a *app) verdict(name string, trust *certs.Trust, err error) certs.Verdict {
	if err != nil {
		return certs.Unreadable(name, err)
	}
	data, err := readEvidence(name)
	if err != nil {
		return certs.Unreadable(name, err)
	}
	return certs.Verify(name, data, trust, a.now())
}

// evidenceFiles is the file itself, or what a folder holds.
func evidenceFiles(operand string) ([]string, error) {
	info, err := os.Stat(operand)
	if err != nil || !info.IsDir() {
		return []string{operand}, nil // reading it will say what is wrong
	}
	entries, err := os.ReadDir(operand)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		name := strings.ToLower(entry.Name())
		for _, end := range []string{".pdf", ".evidence.json", ".started.json"} {
			if strings.HasSuffix(name, end) {
				files = append(files, filepath.Join(operand, entry.Name()))
			}
		}
	}
	return files, nil
}

// readEvidence reads a regular file of a size that a page may have.
func readEvidence(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file", name)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, certs.MaxPageBytes+1))
	if err == nil && len(data) > certs.MaxPageBytes {
		err = fmt.Errorf("%s: larger than %d bytes", name, certs.MaxPageBytes)
	}
	return data, err
}

// showVerdict shows one verdict to a person or a script.
func (a *app) showVerdict(v certs.Verdict) error {
	if a.flags.json {
		return a.emit(v)
	}
	if v.OK() {
		a.say("+ OK       %s: %s", oneLine(v.File), whatItIs(v))
	} else {
		a.say("! REFUSED  %s", oneLine(v.File))
	}
	line := func(what, value string) {
		if strings.TrimSpace(value) != "" {
			a.say("    %-9s %s", what, oneLine(value))
		}
	}
	if v.Integrity == certs.IntegrityOK {
		by := "station " + v.Signer
		if v.Organisation != "" {
			by += " of " + v.Organisation
		}
		line("issuer", fmt.Sprintf("%s: %s", v.Issuer, by))
		line("about", about(v))
		line("agency", v.Agency)
		line("asset", v.AssetTag)
		if v.Kind != certs.KindUnit {
			line("done", fmt.Sprintf("%s achieved, %s requested", v.Achieved, v.Requested))
			line("outcome", v.Outcome)
		}
		if v.Storage != nil {
			for _, r := range v.Storage.Reasons {
				line("storage", r.Code+": "+r.Text)
			}
		}
		for _, d := range v.Drives {
			line("drive", fmt.Sprintf("%s %s: %s", d.Model, d.Serial, driveWords(d)))
		}
		line("time", v.Time+timeWords(v))
		line("id", v.ID)
	}
	line("reason", v.Reason)
	return nil
}

// whatItIs names the record on the first line, with its outcome: a glance at OK
// must not be taken for more.
func whatItIs(v certs.Verdict) string {
	what := "genuine " + string(v.Kind) + " record"
	if v.Mode != certs.ModeReal {
		what = "genuine " + strings.ToUpper(string(v.Mode)) + " " + string(v.Kind) + " record"
	}
	if v.Outcome != "" {
		what += ", outcome " + strings.ToUpper(v.Outcome)
	}
	if v.Kind == certs.KindSanitization && !v.Fulfilled {
		what += ", order NOT FULFILLED: no certificate"
	}
	if v.Storage != nil && v.Storage.State != certs.StorageTreated {
		what += ", storage " + strings.ToUpper(string(v.Storage.State)) + ": no certificate"
	}
	return what
}

// about is the drive or unit; without a serial, where it was as well.
func about(v certs.Verdict) string {
	name := strings.TrimSpace(v.Model + " " + v.Serial)
	if v.Serial == "" && v.Path != "" {
		name = strings.TrimSpace(name + " " + v.Path + " (no serial number)")
	}
	return name
}

func driveWords(d certs.UnitDrive) string {
	if d.NotTouched != "" {
		return "not touched: " + d.NotTouched
	}
	next := ""
	if d.Disposition == erase.Destroy { // a clean one may be below what was ordered
		next = "to be destroyed, "
	}
	return fmt.Sprintf("%s, %s achieved, %srecord %s", d.Outcome, d.Achieved, next, d.RecordID)
}

func timeWords(v certs.Verdict) string {
	if v.TimeSource == certs.TimeStationClock {
		return " by the station's clock"
	}
	return " by a clock that could not be trusted"
}
