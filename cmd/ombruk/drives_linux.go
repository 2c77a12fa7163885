package main

import "github.com/spf13/cobra"

func newDrivesCommand(a *app) *cobra.Command { return &cobra.Command{Use: "drives"} }
