package main

import "github.com/spf13/cobra"

// officeCommands run on every operating system.
func officeCommands(a *app) []*cobra.Command {
	return []*cobra.Command{newKeysCommand(a), newVerifyCommand(a), newDocsCommand(a)}
}
