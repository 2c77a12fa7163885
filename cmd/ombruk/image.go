package main

import (
	"github.com/spf13/cobra"
)

// newImageCommand is the boot stick.
func newImageCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make the boot stick",
		Long: `Makes the stick that a returned computer is started from, and what a network
start of the same needs.

Three things guard a stick. Machines with Secure Boot on start it, because its
boot loader and kernel are signed by Debian or Ubuntu. Its settings (key,
contract, policy, language) are sealed with the station's key, and a stick on
which one of them was changed says so and does not start work. And every record
it makes is signed.

Whoever holds a stick can read the key on it, and the part that holds ombruk and
the settings is outside of what Secure Boot checks. The seal catches accidents
and casual changes, and lets the office tell who made a stick; it does not stop
somebody who has the stick and the skill. Guard sticks like keys, and revoke the
key of one that is lost ('ombruk keys revoke').

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImageBuild(a), newImagePXE(a))
	cmd.AddCommand(imageOnLinux(a)...)
	return cmd
}
