package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// fromHelp explains --from.
const fromHelp = `--from reads what was captured of a machine elsewhere and on any system: what
dmidecode or smartctl (text or -j) printed, an EDID (binary, hex, or as
edid-decode prints it), a line of 'inventory --json', or, on Linux, a captured
machine (a folder with sys in it, or what --capture wrote). It may be given
several times, for parts of one machine; - is standard input.`

func newInventoryCommand(a *app) *cobra.Command {
	var from []string
	var capture, sheet string
	var key bool
	cmd := &cobra.Command{
		Use:   "inventory",
		Short: "Show what a machine is: system, processor, memory, network, drives, parts",
		Long: `inventory shows what can be read of this machine. It only reads. What cannot be
read is left empty and said at the end; run it as root to see everything.

` + fromHelp + `
What is empty or broken leaves everything unknown and is no error.

--capture writes a scrubbed capture of this machine for support: what would be
read of it, without serial numbers, keys, names and anything else of its owner.
--key shows the whole Windows product key in this machine's firmware; without
it only the last five characters are shown, and no record ever has more.

Exit status: 0 shown; 1 error; 64 usage.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(from) > 0 && (key || capture != "") {
				return fail(exitUsage, "leave --from out", errors.New("--capture and --key are of this machine, --from of another"))
			}
			if capture != "" {
				if err := a.captureMachine(cmd.Context(), capture); err != nil {
					return err
				}
				a.note("%s has what ombruk reads of this machine, without what is personal; what was left out stands in its README", capture)
			}
			m, err := a.machine(cmd.Context(), from)
			if err != nil {
				return err
			}
			if sheet != "" {
				if err := a.inventorySheet(sheet, from, m); err != nil {
					return err
				}
			}
			if a.flags.json {
				line, err := a.inventoryLine(m, len(from) > 0)
				if err == nil && key {
					line.ProductKey, err = productKey()
				}
				if err != nil {
					return err
				}
				return a.emit(line)
			}
			p, err := a.loadPolicy()
			if err != nil {
				return err
			}
			for _, line := range machineText(m, len(from) > 0, p.Grading.Health) {
				a.say("%s", line)
			}
			if key {
				whole, err := productKey()
				if err != nil {
					return err
				}
				a.say("\nWindows product key: %s", cell(whole))
			}
			return nil
		},
	}
	fromFlag(cmd, &from)
	sheetFlag(cmd, &sheet)
	cmd.Flags().StringVar(&capture, "capture", "", "also write a scrubbed capture of this machine to a `file` (.tar.gz) that must not exist yet")
	cmd.Flags().BoolVar(&key, "key", false, "also show the whole Windows product key in this machine's firmware")
	return cmd
}

// fromFlag gives a command the flag --from.
func fromFlag(cmd *cobra.Command, from *[]string) {
	cmd.Flags().StringArrayVar(from, "from", nil, "`file` or folder to read instead of this machine: a dump by dmidecode, smartctl or edid-decode, an EDID, an inventory, a captured machine; - is standard input")
}

// machine reads the dumps of --from, or this machine and what its drives answer.
func (a *app) machine(ctx context.Context, from []string) (inventory.Machine, error) {
	if len(from) == 0 {
		return a.thisMachine(ctx)
	}
	m, err := inventory.Read(from...)
	switch {
	case errors.Is(err, inventory.ErrTwoMachines):
		return m, fail(exitError, "give the dumps of one machine at a time", err)
	case errors.Is(err, errors.ErrUnsupported):
		return m, fail(exitError, "on Linux, 'ombruk inventory --json --from FILE' turns it into a line that can be read here", err)
	case err != nil:
		return m, fail(exitError, "", err)
	}
	// A report on a drive need not speak of passwords: that it names none is
	// no word that there is none.
	for _, l := range inventory.DriveLocks(m) {
		if l.State == inventory.LockSet && !slices.Contains(m.Locks, l) {
			m.Locks = append(m.Locks, l)
		}
	}
	return m, nil
}

// inventoryDrive is a drive within the inventory.
type inventoryDrive struct {
	inventory.Drive
	Blocked string       `json:"blocked"`
	Health  grade.Health `json:"health"`
}

// inventoryLine is the JSON line of a machine. Drives stands in for the
// machine's own list.
type inventoryLine struct {
	Type   string `json:"type"`
	Schema int    `json:"schema"`
	inventory.Machine
	Drives []inventoryDrive `json:"drives"`
	// Unseen says why a drive may be missing from the list.
	Unseen    []inventory.Reason `json:"unseen"`
	Windows11 grade.Eligibility  `json:"windows11"`
	// ProductKey is the whole Windows key, of those who ask for it.
	ProductKey string `json:"product_key,omitempty"`
}

// fromDump is why nothing may be done to a drive that is not here.
const fromDump = "it was read from a dump"

// inventoryLine judges a machine, which is this one or was dumped.
func (a *app) inventoryLine(m inventory.Machine, dumped bool) (inventoryLine, error) {
	p, err := a.loadPolicy()
	if err != nil {
		return inventoryLine{}, err
	}
	line := inventoryLine{Type: "inventory", Schema: 1, Machine: m, Drives: []inventoryDrive{}, Unseen: []inventory.Reason{}, Windows11: grade.Windows11(m)}
	// A dump that tells of no controller does not tell that there is none.
	if !dumped || len(m.Controllers) > 0 {
		line.Unseen = inventory.Unseen(m)
	}
	for _, d := range m.Drives {
		blocked := fromDump
		if !dumped {
			blocked = blockedReason(d, m.Drives)
		}
		line.Drives = append(line.Drives, inventoryDrive{Drive: d, Blocked: blocked, Health: grade.JudgeHealth(d, p.Grading.Health)})
	}
	return line, nil
}
