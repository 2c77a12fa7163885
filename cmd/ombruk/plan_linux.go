package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

// planLine is one line of plan --json.
type planLine struct {
	Type       string          `json:"type"`
	Schema     int             `json:"schema"`
	Path       string          `json:"path"`
	Serial     string          `json:"serial"`
	Confirm    string          `json:"confirm"` // what --confirm wants for it
	Standard   string          `json:"standard"`
	Requested  erase.Method    `json:"requested"`
	Accepted   erase.Method    `json:"accepted"`
	AcceptedBy string          `json:"accepted_by"`
	Achieves   erase.Method    `json:"achieves"`
	Technique  erase.Technique `json:"technique"`
	// Command is the drive's own; empty for overwriting by the host.
	Command   inventory.EraseCommand `json:"command"`
	Steps     []erase.Step           `json:"steps"`
	Fallbacks []erase.Fallback       `json:"fallbacks"`
	Why       []string               `json:"why"`
	Refused   string                 `json:"refused"` // empty when erase would run
	Simulated bool                   `json:"simulated,omitempty"`
}

// jsonList is a list that JSON shows as one, also when there is nothing in it.
func jsonList[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func newPlanCommand(a *app) *cobra.Command {
	f := new(jobFlags)
	cmd := &cobra.Command{
		Use:   "plan TARGET... | --simulate PROFILE",
		Short: "Show what erase would do to drives or image files, and why",
		Long:  planHelp(),
		Args:  targetsOrSimulated(f),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.plan(cmd, f, args) },
	}
	f.planning(cmd)
	return cmd
}

// planHelp lists the standards from their table.
func planHelp() string {
	var b strings.Builder
	b.WriteString("Shows the steps that erase would take, the Method they reach, and why. Nothing\nis written.\n\nStandards:\n")
	for _, s := range erase.Standards() {
		fmt.Fprintf(&b, "  %-20s %-6s %s\n", s.ID, s.Method, s.Title)
	}
	b.WriteString("\n" + exitHelp)
	return b.String()
}

func (a *app) plan(cmd *cobra.Command, f *jobFlags, args []string) error {
	p, err := a.loadPolicy()
	if err != nil {
		return err
	}
	order, err := a.orderOf(f, p)
	if err != nil {
		return err
	}
	r, err := a.rig(f.simulate)
	if r == nil {
		return err
	}
	_, drives, err := a.targets(cmd.Context(), r, args, f.allowFabric)
	if err != nil {
		return err
	}
	works, err := a.prepare(cmd.Context(), a.session(r), f, order, drives)
	if err != nil {
		return err
	}
	for _, w := range works {
		if err := a.showPlan(w.Plan, w.Refused); err != nil {
			return err
		}
	}
	return refused(session.Refusal(works))
}

// showPlan prints a plan for a person or a script.
func (a *app) showPlan(p erase.Plan, refusal error) error {
	d := p.Drive
	if a.flags.json {
		line := planLine{
			Type: "plan", Schema: 1, Path: d.Path, Serial: d.Serial, Confirm: erase.ConfirmToken(d), Standard: p.Standard.ID,
			Requested: p.Requested, Accepted: p.Accepted, AcceptedBy: p.AcceptedBy, Achieves: p.Achieves, Technique: p.Technique,
			Steps: jsonList(p.Steps), Fallbacks: jsonList(p.Fallbacks), Why: jsonList(p.Why), Command: p.Command, Simulated: a.simulated,
		}
		if refusal != nil {
			line.Refused = refusal.Error()
		}
		return a.emit(line)
	}
	a.say("%s", printable(describe(d)))
	a.say("  ordered   %s (%s)", p.Standard.Title, p.Requested)
	if p.Accepted != p.Requested {
		a.say("  accepted  %s, by %s", p.Accepted, printable(p.AcceptedBy))
	}
	reaches := "nothing that counts"
	if p.Technique != erase.TechniqueNone {
		reaches = fmt.Sprintf("%s by %s", p.Achieves, p.Technique)
	}
	a.say("  reaches   %s", reaches)
	for _, line := range p.Outline() {
		a.say("  %s", line)
	}
	for _, w := range p.Why {
		a.say("  - %s", printable(w))
	}
	if p.Standard.Note != "" && (p.Standard.Method == erase.Clear || refusal != nil) {
		a.say("  - %s", p.Standard.Note)
	}
	or := "or       "
	if refusal != nil {
		a.say("  not run: %s", printable(refusal.Error()))
		or = "instead: "
	}
	for _, fb := range p.Fallbacks {
		command := fb.Command
		if command == "" {
			command = erase.OverwriteCommand
		}
		a.say("  %s --command %s: %s by %s; %s", or, command, fb.Method, fb.Technique, printable(fb.Why))
	}
	return nil
}
