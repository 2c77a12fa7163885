package main

import "github.com/spf13/cobra"

func newInventoryCommand(a *app) *cobra.Command { return &cobra.Command{Use: "inventory"} }
