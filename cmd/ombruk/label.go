package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory/grade"
	"github.com/ombruk/ombruk/report"
)

// labelFlags are the flags of label.
type labelFlags struct {
	trust            []string
	size, code, only string
	to               string
	zpl              bool
	dpi, skip        int
}

func newLabelCommand(a *app) *cobra.Command {
	var f labelFlags
	var names []string
	for _, s := range report.LabelSizes() {
		names = append(names, s.Name)
	}
	cmd := &cobra.Command{
		Use:   "label FILE...",
		Short: "Labels for machines and drives from their records, as PDF or ZPL",
		Long: `Makes a label for every record: signed pages (PDF), evidence files, or folders of
them. Each file is verified first, as by 'ombruk verify'; one that is changed or
whose issuer is not trusted gets no label, and the command ends with 6.

A label has a word and a sign for where the thing goes, its maker, model, serial
number, asset tag and grade, the date, a QR code with the record's number and
digest, and a Code 128 with the serial number or the asset tag. It says REUSE
only of a drive that is clean at the accepted Method, or of a machine all of
whose storage is; a machine with a drive to destroy says that first.

--zpl writes for label printers that speak ZPL; '--to -' writes to standard
output.

Exit status: 0 all labels made; 1 error; 6 a file is refused; 64 usage.`,
		Example: `  ombruk label ombruk-out
  ombruk label --size a4-3x8 --skip 5 ombruk-out
  ombruk label --zpl --to - ombruk-out > /dev/usb/lp0`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.label(f, args) },
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.trust, "trust", nil, "certificate or revocation list of an organisation to trust this once")
	fs.StringVar(&f.size, "size", names[0], "size in millimetres, or sheet: "+strings.Join(names, ", "))
	fs.StringVar(&f.code, "code", string(report.CodeSerial), "what the bars hold: serial or asset")
	fs.StringVar(&f.only, "only", "", "labels for these alone: unit or drive")
	fs.StringVar(&f.to, "to", "", "`file` to write to (default labels.pdf or labels.zpl); - is standard output")
	fs.BoolVar(&f.zpl, "zpl", false, "write ZPL II instead of PDF")
	fs.IntVar(&f.dpi, "dpi", 203, "dots an inch of the ZPL printer: 203 or 300")
	fs.IntVar(&f.skip, "skip", 0, "labels of the first sheet that are used up already")
	offer(cmd, "size", names...)
	offer(cmd, "code", string(report.CodeSerial), string(report.CodeAsset))
	offer(cmd, "only", "unit", "drive")
	offer(cmd, "dpi", "203", "300")
	return cmd
}

// labelLine is the JSON line of a label.
type labelLine struct {
	Type   string `json:"type"`
	Schema int    `json:"schema"`
	File   string `json:"file"`
	report.Label
	Bars string `json:"bars"` // what the Code 128 holds; empty when there is none
	To   string `json:"to"`   // the file with the label
}

func (a *app) label(f labelFlags, operands []string) error {
	sh, err := a.labelSheet(f)
	if err != nil {
		return err
	}
	if f.to == "" {
		if f.to = "labels.pdf"; f.zpl {
			f.to = "labels.zpl"
		}
	}
	if f.to == "-" && a.flags.json {
		return fail(exitUsage, "name a file", errors.New("labels and --json cannot both go to standard output"))
	}
	text, err := a.text()
	if err != nil {
		return err
	}
	pages, err := report.New(text)
	if err != nil {
		return err
	}
	sh.Language = text.Tag()
	var labels []report.Label
	var lines []labelLine
	var headers []certs.Header
	refused, err := a.believed(operands, f.trust, func(file string, r *certs.Record) {
		if f.only == "unit" && r.Kind != certs.KindUnit || f.only == "drive" && r.Kind == certs.KindUnit {
			return
		}
		l := report.LabelOf(r)
		labels, headers = append(labels, l), append(headers, r.Header)
		lines = append(lines, labelLine{"label", 1, file, l, l.Bars(sh.Code), f.to})
	})
	if err != nil {
		return err
	}
	for i := len(labels) - 1; i >= 0; i-- {
		if word := againstReuse(labels, headers, i); word != "" {
			a.note("no label: %s: it says reuse, and another record of the same thing says %s", lines[i].File, word)
			refused = fail(exitEvidence, "label the newest record of each thing alone", errors.New("records of one thing say different words"))
			labels, headers, lines = slices.Delete(labels, i, i+1), slices.Delete(headers, i, i+1), slices.Delete(lines, i, i+1)
		}
	}
	if len(labels) == 0 {
		if refused != nil {
			return refused
		}
		return fail(exitUsage, "name records of machines or drives, and see --only", errors.New("there is nothing to make a label of"))
	}
	var out []byte
	if f.zpl {
		out, err = pages.ZPL(labels, sh, f.dpi)
	} else {
		out, err = pages.Labels(labels, sh)
	}
	if err != nil {
		return err
	}
	if err := a.deliver(f.to, out); err != nil {
		return err
	}
	if a.flags.json {
		for _, line := range lines {
			if err := a.emit(line); err != nil {
				return err
			}
		}
	} else if f.to != "-" {
		a.say("%s in %s", counted(len(labels), "label"), printable(f.to))
	}
	return refused
}

// againstReuse is the word of another record of the same thing, where a label
// says reuse and its record is not certainly the later one; else empty. Of two
// labels for one thing nobody knows which to follow.
func againstReuse(labels []report.Label, headers []certs.Header, i int) string {
	l := labels[i]
	if l.Word != string(grade.Reuse) {
		return ""
	}
	for j, o := range labels {
		if sameThing(l, o) && o.Word != l.Word && !report.CertainlyAfter(headers[i], headers[j]) {
			return o.Word
		}
	}
	return ""
}

// sameThing reports whether two labels may be for one thing. Its serial number
// or unit id says so, and never its name: a drive behind a bridge has another
// one, and what we call a machine changes with the version.
func sameThing(a, b report.Label) bool {
	unit := a.Kind == certs.KindUnit
	return unit == (b.Kind == certs.KindUnit) &&
		(a.Serial != "" && strings.EqualFold(a.Serial, b.Serial) || unit && a.UnitID != "" && a.UnitID == b.UnitID)
}

// labelSheet reads what the flags say of the labels.
func (a *app) labelSheet(f labelFlags) (report.Sheet, error) {
	sh := report.Sheet{Code: report.Code(f.code), Skip: f.skip, Tool: certs.Tool{Name: "ombruk", Version: toolVersion(), Commit: toolCommit()}}
	sizes := report.LabelSizes()
	i := slices.IndexFunc(sizes, func(s report.LabelSize) bool { return s.Name == f.size })
	usage := func(hint, format string, args ...any) (report.Sheet, error) {
		return sh, fail(exitUsage, hint, fmt.Errorf(format, args...))
	}
	switch {
	case i < 0:
		return usage("see 'ombruk label --help' for the sizes", "--size %q is not known", f.size)
	case sh.Code != report.CodeSerial && sh.Code != report.CodeAsset:
		return usage("write --code serial or --code asset", "--code %q is not known", f.code)
	case f.only != "" && f.only != "unit" && f.only != "drive":
		return usage("write --only unit or --only drive", "--only %q is not known", f.only)
	case f.dpi != 203 && f.dpi != 300:
		return usage("write --dpi 203 or --dpi 300", "--dpi %d is not known", f.dpi)
	case f.skip < 0 || f.skip >= sizes[i].Columns*sizes[i].Rows:
		return usage("", "--skip %d: a sheet of size %s has %d labels", f.skip, f.size, sizes[i].Columns*sizes[i].Rows)
	case f.zpl && sizes[i].Columns*sizes[i].Rows > 1:
		return usage("label printers take rolls: --size 62x29 or --size 100x50", "--size %s is a sheet", f.size)
	}
	sh.Size = sizes[i]
	return sh, nil
}

// believed gives every record that is unchanged and from a trusted issuer to do,
// each once, a closed one rather than that it was started. What it refuses it
// tells of, and then gives an error that ends with 6 once all else is done.
func (a *app) believed(operands, trusted []string, do func(file string, r *certs.Record)) (refused, err error) {
	trust, err := a.trust(trusted)
	if err != nil {
		return nil, err
	}
	type found struct {
		file   string
		record *certs.Record
	}
	closed, seen := map[string]bool{}, map[string]bool{}
	var all []found
	bad := 0
	for _, operand := range operands {
		files, err := evidenceFiles(operand)
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("%s: no .pdf, .evidence.json or .started.json in this folder", operand)
		}
		if err != nil {
			files = []string{operand}
		}
		for _, name := range files {
			v, record := a.verdictAndRecord(name, trust, err)
			if !v.OK() {
				bad++
				a.note("refused: %s: %s", name, firstNotEmpty(v.Reason, "the issuer is "+string(v.Issuer)))
				continue
			}
			// A page and its evidence file are one record.
			if !seen[v.EvidenceSHA256] {
				seen[v.EvidenceSHA256] = true
				all = append(all, found{name, record})
			}
			closed[v.ID] = closed[v.ID] || v.Kind != certs.KindStarted
		}
	}
	for _, f := range all {
		if f.record.Kind != certs.KindStarted || !closed[f.record.Header.ID] {
			do(f.file, f.record)
		}
	}
	if bad > 0 {
		refused = fail(exitEvidence, "'ombruk verify' says more about each", fmt.Errorf("%s refused", counted(bad, "file")))
	}
	return refused, nil
}

func (a *app) verdictAndRecord(name string, trust *certs.Trust, err error) (certs.Verdict, *certs.Record) {
	if err != nil {
		return certs.Unreadable(name, err), nil
	}
	data, err := readEvidence(name)
	if err != nil {
		return certs.Unreadable(name, err), nil
	}
	return certs.VerifyRecord(name, data, trust, a.now())
}

func firstNotEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// deliver writes to a file, or to standard output for "-".
func (a *app) deliver(file string, data []byte) error {
	if file == "-" {
		_, err := a.stdout.Write(data)
		return err
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return fail(exitError, "name a file in a folder that can be written to", fmt.Errorf("write %s: %w", file, err))
	}
	return nil
}
