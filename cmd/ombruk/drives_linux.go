package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

func newDrivesCommand(a *app) *cobra.Command {
	var simulate []string
	cmd := &cobra.Command{
		Use:   "drives [PATH...]",
		Short: "Show each drive: what it is, what it can do, why it may not be touched",
		Long: `drives shows the drives of this machine, or those at the given paths: block
devices by any path, or image files. Each is asked what its own firmware can do.
It only reads.

Exit status: 0 shown; 1 a drive could not be read; 64 usage.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, paths []string) error {
			r, err := a.rig(simulate)
			if r == nil {
				return err
			}
			all, err := r.Drives(cmd.Context())
			if err != nil && len(paths) == 0 {
				return fail(exitError, "", err)
			}
			shown, failed := all, error(nil)
			if len(paths) > 0 {
				var named []inventory.Drive
				var errs []error
				_, named, errs = r.Targets(cmd.Context(), paths...)
				shown = nil
				for i, err := range errs {
					switch {
					case err == nil:
						shown = append(shown, named[i])
					case failed == nil:
						failed = err
					default:
						failed = fmt.Errorf("%w; %w", failed, err)
					}
				}
			}
			a.session(r).Ask(cmd.Context(), shown)
			if err := a.showDrives(shown, all); err != nil {
				return err
			}
			if failed != nil {
				return fail(exitError, driveHint(failed), failed)
			}
			return nil
		},
	}
	simulateFlag(cmd, &simulate)
	return cmd
}

// driveLine is the JSON line of one drive.
type driveLine struct {
	Type   string `json:"type"`
	Schema int    `json:"schema"`
	inventory.Drive
	Blocked string        `json:"blocked"`
	Methods []driveMethod `json:"methods"`
	Health  grade.Health  `json:"health"`
}

func (a *app) showDrives(shown, all []inventory.Drive) error {
	p, err := a.loadPolicy()
	if err != nil {
		return err
	}
	if a.flags.json {
		for _, d := range shown {
			if err := a.emit(driveLine{Type: "drive", Schema: 1, Drive: d, Blocked: blockedReason(d, all), Methods: driveMethods(d),
				Health: grade.JudgeHealth(d, p.Grading.Health)}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(shown) == 0 {
		return nil
	}
	a.say("%s", driveHeader)
	for _, d := range shown {
		lines := driveFacts(d)
		if d.Bus != inventory.BusImage && d.Bus != inventory.BusVirtual && d.Bus != inventory.BusLoop {
			h := grade.JudgeHealth(d, p.Grading.Health)
			lines = append(lines, under("health "+h.Verdict+because(h.Reasons[:1]))...)
		}
		for _, line := range append(lines, driveWays(d, all)...) {
			a.say("%s", line)
		}
	}
	return nil
}

func driveHint(err error) string {
	switch {
	case errors.Is(err, inventory.ErrNotFound):
		return "'ombruk drives' without a path lists the drives of this machine"
	case errors.Is(err, inventory.ErrEmpty):
		return "check that a medium is in it"
	default:
		return ""
	}
}
