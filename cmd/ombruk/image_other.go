//go:build !linux

package main

import "github.com/spf13/cobra"

// imageOnLinux is empty elsewhere: sticks are written there with other programs.
func imageOnLinux(*app) []*cobra.Command { return nil }
