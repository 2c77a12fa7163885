package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/orgnr"
	"github.com/ombruk/ombruk/report"
)

// newReportCommand groups the lists and reports of the office.
func newReportCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Lists and reports from the records of many machines",
		Long:  "report makes lists from verified records.\n\n" + exitHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.flags.json {
				return fail(exitUsage, "see 'ombruk report --help'", errors.New("--json needs a report"))
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newReleasesCommand(a))
	return cmd
}

// releasesFlags are the flags of report releases.
type releasesFlags struct {
	trust    []string
	csv, pdf string
}

func newReleasesCommand(a *app) *cobra.Command {
	var f releasesFlags
	cmd := &cobra.Command{
		Use:   "releases FILE...",
		Short: "What the previous owners must give up: enrolments, firmware passwords",
		Long: `Lists for each agency the machines that are still held by somebody: enrolled in
Windows Autopilot, Apple Business Manager, Samsung Knox or ChromeOS, active in
Absolute, or with a password in the firmware; and where each is given up. Only
records of machines count that are unchanged and from a trusted issuer; what is
refused is told, and the command ends with 6. Of several records of one machine
the newest that knows of a lock decides. --agency lists one agency alone.

--csv writes a table for spreadsheets (semicolons, UTF-8 with a byte order
mark), --pdf a list to send, each agency on a page of its own.

Exit status: 0 listed; 1 error; 6 a file is refused; 64 usage.`,
		Example: `  ombruk report releases ombruk-out
  ombruk report releases --agency 971040238 --csv releases.csv --pdf releases.pdf ombruk-out`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.releases(f, args) },
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.trust, "trust", nil, "certificate or revocation list of an organisation to trust this once")
	fs.StringVar(&f.csv, "csv", "", "write a table to this `file`; - is standard output")
	fs.StringVar(&f.pdf, "pdf", "", "write a list to send to this PDF `file`")
	return cmd
}

// releaseLine is the JSON line of one release.
type releaseLine struct {
	Type   string `json:"type"`
	Schema int    `json:"schema"`
	report.Release
}

func (a *app) releases(f releasesFlags, operands []string) error {
	if f.csv == "-" && a.flags.json {
		return fail(exitUsage, "name a file", errors.New("the table and --json cannot both go to standard output"))
	}
	only := ""
	if a.flags.agency != "" {
		var err error
		if only, err = plainAgency(a); err != nil {
			return err
		}
	}
	text, err := a.text()
	if err != nil {
		return err
	}
	pages, err := report.New(text)
	if err != nil {
		return err
	}
	var units []certs.Unit
	refused, err := a.believed(operands, f.trust, func(file string, r *certs.Record) {
		switch {
		case r.Unit == nil:
		case r.Mode != certs.ModeReal:
			a.note("left out: %s: a %s record, about no real job", file, r.Mode)
		case only == "" || r.Header.Agency.Orgnr == only:
			units = append(units, *r.Unit)
		}
	})
	if err != nil {
		return err
	}
	if refused != nil && len(units) == 0 {
		return refused // a list that says that nothing is held would be taken for an answer
	}
	list := report.Releases(units)
	if f.csv != "" {
		rows, err := pages.ReleaseRows(text.Tag(), list)
		if err != nil {
			return err
		}
		table, err := report.CSV(rows)
		if err != nil {
			return err
		}
		if err := a.deliver(f.csv, table); err != nil {
			return err
		}
	}
	if f.pdf != "" {
		tool := certs.Tool{Name: "ombruk", Version: toolVersion(), Commit: toolCommit()}
		pdf, err := pages.Releases(text.Tag(), list, refused != nil, a.now(), tool)
		if err != nil {
			return err
		}
		if err := a.deliver(f.pdf, pdf); err != nil {
			return err
		}
	}
	if err := a.showReleases(f, list, len(units)); err != nil {
		return err
	}
	return refused
}

// showReleases shows the list to a script, or to a person who asked for no file.
func (a *app) showReleases(f releasesFlags, list []report.Release, units int) error {
	if a.flags.json {
		for _, r := range list {
			if err := a.emit(releaseLine{"release", 1, r}); err != nil {
				return err
			}
		}
		return nil
	}
	if f.csv == "" && f.pdf == "" {
		for _, r := range list {
			a.say("%s", oneLine(fmt.Sprintf("%-9s  %-24s  %-12s  %s %s  %s  %s", r.Agency.Orgnr, r.Lock, r.AssetTag, r.Manufacturer, r.Model, r.Serial, r.Found)))
		}
	}
	if f.csv != "-" {
		a.say("%d machines read, %d releases asked for", units, len(list))
	}
	return nil
}

// plainAgency is the number of --agency as records have it.
func plainAgency(a *app) (string, error) {
	if a.flags.contract != "" {
		agency, err := a.agency(a.flags.agency)
		return agency.Orgnr, err
	}
	plain, err := orgnr.Check("NO", a.flags.agency)
	if err != nil {
		return "", fail(exitUsage, "pass --contract FILE for an agency of another country", fmt.Errorf("agency: %w", err))
	}
	return plain, nil
}
