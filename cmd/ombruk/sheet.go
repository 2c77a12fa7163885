package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
	"github.com/ombruk/ombruk/report"
)

// sheetFlag gives a command the flag --sheet.
func sheetFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "sheet", "", "write a data sheet for a buyer to this PDF `file`; it is no certificate and says nothing of data on drives")
}

// inventorySheet is writeSheet for a machine that is not graded: of what is
// judged it shows the drives' health and whether Windows 11 runs.
func (a *app) inventorySheet(file string, from []string, m inventory.Machine) error {
	p, err := a.loadPolicy()
	if err != nil {
		return err
	}
	g := grade.Result{Windows11: grade.Windows11(m)}
	for _, d := range m.Drives {
		g.Health = append(g.Health, grade.DriveState{Path: d.Path, Health: grade.JudgeHealth(d, p.Grading.Health)})
	}
	return a.writeSheet(file, from, m, &g)
}

// writeSheet draws a machine as a data sheet, with what was judged of it (nil
// for nothing), and says where it is. From is what the machine was read from;
// empty is this machine.
func (a *app) writeSheet(file string, from []string, m inventory.Machine, g *grade.Result) error {
	text, err := a.text()
	if err != nil {
		return err
	}
	pages, err := report.New(text)
	if err != nil {
		return err
	}
	names := make([]string, len(from))
	for i, name := range from {
		if names[i] = filepath.Base(name); name == "-" {
			names[i] = "(stdin)"
		}
	}
	pdf, err := pages.DataSheet(m, g, report.DataSheet{
		Language: text.Tag(), Source: strings.Join(names, ", "), Read: a.now(),
		Tool: certs.Tool{Name: "ombruk", Version: toolVersion(), Commit: toolCommit()},
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, pdf, 0o644); err != nil {
		return fail(exitError, "name a file in a folder that can be written to: --sheet FILE.pdf", fmt.Errorf("write data sheet: %w", err))
	}
	a.note("data sheet %s", file)
	return nil
}
