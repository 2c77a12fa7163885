package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/contract"
	"github.com/ombruk/ombruk/internal/orgnr"
	"github.com/ombruk/ombruk/internal/policy"
)

// officeCommands run on every operating system.
func officeCommands(a *app) []*cobra.Command {
	return []*cobra.Command{newKeysCommand(a), newVerifyCommand(a), newImageCommand(a), newInventoryCommand(a), newGradeCommand(a), newLabelCommand(a), newReportCommand(a), newContractCommand(a), newDocsCommand(a)}
}

// note tells a person something on standard error that is neither result nor error.
func (a *app) note(format string, args ...any) {
	if a.noted != nil {
		a.noted(format, args...)
		return
	}
	fmt.Fprintf(a.stderr, "ombruk: note: %s\n", printable(fmt.Sprintf(format, args...)))
}

// loadPolicy reads --policy or the shipped one.
func (a *app) loadPolicy() (policy.Policy, error) {
	if a.flags.policy == "" {
		return policy.Default(), nil
	}
	p, err := policy.Load(a.flags.policy)
	if err != nil {
		return p, err
	}
	if p.ValidFrom.After(a.now()) {
		return p, fmt.Errorf("policy %s: it is valid from %s only", a.flags.policy, p.ValidFrom.Format(time.DateOnly))
	}
	return p, nil
}

// agency finds an agency by its number in --contract, or takes the number alone.
func (a *app) agency(number string) (certs.Agency, error) {
	if a.flags.contract == "" {
		if number == "" {
			return certs.Agency{}, nil
		}
		plain, err := orgnr.Check("NO", number)
		if err != nil {
			return certs.Agency{}, fail(exitUsage, "pass --contract FILE for an agency of another country", fmt.Errorf("agency: %w", err))
		}
		return certs.Agency{Orgnr: plain}, nil
	}
	c, err := contract.Load(a.flags.contract)
	if err != nil {
		return certs.Agency{}, err
	}
	if number == "" {
		return certs.Agency{Agreement: c.Agreement.Name}, nil
	}
	found, err := c.Agency(number)
	if err != nil {
		return certs.Agency{}, fail(exitUsage, "the agency must be listed in the contract file", err)
	}
	return certs.Agency{Orgnr: found.Orgnr, Name: found.Name, Agreement: c.Agreement.Name, Subcontract: found.Subcontract}, nil
}
