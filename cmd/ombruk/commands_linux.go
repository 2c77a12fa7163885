package main

import "github.com/spf13/cobra"

// commands are all commands: those of the station, which need Linux, and those
// of the office.
func commands(a *app) []*cobra.Command {
	return append(officeCommands(a),
		newDrivesCommand(a), newPlanCommand(a), newEraseCommand(a), newProcessCommand(a), newDemoCommand(a),
		newStickCommand(a))
}
