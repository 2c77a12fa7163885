package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/internal/contract"
)

func newContractCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contract",
		Short: "The file that describes an agreement: make one, check one",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "init FILE",
		Short: "Write an example with comments to begin from",
		Long: `init writes a contract file to begin from: a framework agreement with one national
and three regional sub-contracts. A file that is there already is left alone.

Exit status: 0 written; 1 error; 64 usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.contractInit(args[0]) },
	}, &cobra.Command{
		Use:   "check FILE",
		Short: "Say whether a contract file is sound, and what it holds",
		Long: `check reads a contract file as every other command does and says what it holds, or
what is wrong with it, with line and column.

Exit status: 0 sound; 1 it is not, or cannot be read; 64 usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.contractCheck(args[0]) },
	})
	return cmd
}

func (a *app) contractInit(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fail(exitError, "name a new file", fmt.Errorf("write %s: it is there already", name))
	}
	if err != nil {
		return err
	}
	if _, err := f.Write(contract.Example()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	a.say("%s is an example: change it to the agreement, then 'ombruk contract check %s'", printable(name), printable(name))
	return nil
}

// contractLine is the JSON line of a contract that is sound.
type contractLine struct {
	Type         string   `json:"type"`
	Schema       int      `json:"schema"`
	File         string   `json:"file"`
	Agreement    string   `json:"agreement"`
	ValidFrom    string   `json:"valid_from"` // empty when the file does not say
	Subcontracts []string `json:"subcontracts"`
	Agencies     int      `json:"agencies"`
	// Profiles are those of today, by id.
	Profiles []string `json:"profiles"`
	// Notes are what is sound and may still surprise.
	Notes []string `json:"notes"`
}

func (a *app) contractCheck(name string) error {
	c, err := contract.Load(name)
	if err != nil {
		return fail(exitError, "'ombruk contract init FILE' writes an example to compare with", err)
	}
	line := contractLine{Type: "contract", Schema: 1, File: name, Agreement: c.Agreement.Name, Agencies: len(c.Agencies),
		Subcontracts: []string{}, Profiles: []string{}, Notes: []string{}}
	today := a.now()
	if from := c.Agreement.ValidFrom; !from.IsZero() {
		line.ValidFrom = from.Format(time.DateOnly)
		if from.After(today) {
			line.Notes = append(line.Notes, "the agreement begins on "+line.ValidFrom)
		}
	}
	for _, s := range c.Subcontracts {
		line.Subcontracts = append(line.Subcontracts, s.ID)
	}
	market := c.Market(today)
	for _, p := range market.Profiles {
		line.Profiles = append(line.Profiles, p.ID)
	}
	if len(c.Profiles) > 0 && len(market.Profiles) == 0 {
		line.Notes = append(line.Notes, "no profile counts today, by their valid_from and valid_to")
	}
	if len(c.Parts) > 0 && len(market.Parts) == 0 {
		line.Notes = append(line.Notes, "no price list counts today, by its valid_from")
	}
	if a.flags.json {
		return a.emit(line)
	}
	a.say("%s is sound: %s", printable(name), printable(line.Agreement))
	a.say("  sub-contracts %d, agencies %d, editions of profiles %d, of these in force today %d", len(c.Subcontracts), len(c.Agencies), len(c.Profiles), len(market.Profiles))
	for _, n := range line.Notes {
		a.say("  %s", n)
	}
	return nil
}
