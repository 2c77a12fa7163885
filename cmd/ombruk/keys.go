package main

import "github.com/spf13/cobra"

func newKeysCommand(a *app) *cobra.Command { return &cobra.Command{Use: "keys"} }
