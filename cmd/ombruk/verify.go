package main

import "github.com/spf13/cobra"

func newVerifyCommand(a *app) *cobra.Command { return &cobra.Command{Use: "verify"} }
