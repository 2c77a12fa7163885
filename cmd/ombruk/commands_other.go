//go:build !linux

package main

import "github.com/spf13/cobra"

// commands are those of the office; a station is always Linux.
func commands(a *app) []*cobra.Command { return officeCommands(a) }

// becomeInit does nothing: a boot stick is always Linux.
func becomeInit() {}

// front is what the bare program does: help, where there is no screen.
func front(*app, *cobra.Command) {}
