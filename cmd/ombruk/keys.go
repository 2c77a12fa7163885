package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
)

// newKeysCommand is the organisation's key, the stations' keys, and who is trusted.
func newKeysCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Organisation key, station keys, trust list, revocation",
		Long: `Keys prove who made a certificate. The organisation's key, made once at the
office, issues one key to each station; whoever trusts the organisation's
certificate can check every page its stations sign, offline.

A station that has no key makes one for itself. That proves that a record was
not changed, but nobody vouches for it: verify calls it untrusted.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysInit(a), newKeysStation(a), newKeysTrust(a), newKeysList(a), newKeysRevoke(a))
	return cmd
}

func newKeysInit(a *app) *cobra.Command {
	var org, orgnr string
	cmd := &cobra.Command{
		Use:   "init --org NAME --orgnr NUMBER",
		Short: "Make the organisation's key and trust it on this machine",
		Long: `Makes the organisation's key (ECDSA P-384, 20 years), encrypted under a
passphrase, and trusts it on this machine. Keep the folder and the passphrase
safe and apart: with both, anybody can issue stations in your name.

Give organisation.pem to whoever is to check your certificates, and tell them
its fingerprint by another way.`,
		Example: `  ombruk keys init --org "Depot AS" --orgnr 974760673`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if org == "" || orgnr == "" {
				return fail(exitUsage, "see '"+cmd.CommandPath()+" --help'", errors.New("--org and --orgnr are needed"))
			}
			k, err := a.openKeys()
			if err != nil {
				return err
			}
			secret, err := a.passphrase("new organisation key", true)
			if err != nil {
				return err
			}
			if err := k.InitOrganisation(org, orgnr, secret, a.now(), rand.Reader); err != nil {
				return keysFail(err)
			}
			return a.showKeys(k, func(info certs.KeyInfo) bool { return info.Role == certs.RoleOrganisation })
		},
	}
	cmd.Flags().StringVar(&org, "org", "", "name of the organisation")
	cmd.Flags().StringVar(&orgnr, "orgnr", "", "its organisation number; 9 digits are checked as a Norwegian one")
	return cmd
}

func newKeysStation(a *app) *cobra.Command {
	var protect bool
	cmd := &cobra.Command{
		Use:   "station NAME",
		Short: "Make a station's key, which signs from then on",
		Long: `Makes a station's key (ECDSA P-256, 3 years), issued by the organisation's key
in the same folder. It signs from then on.

The key is a file that only its owner can read, without a passphrase, because
stations run unattended: guard the stick, and revoke its key when it is lost.
With --protect it is encrypted under the same passphrase as the organisation's
key, and asked for at every start.`,
		Example: `  ombruk keys station "stick 7"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := a.openKeys()
			if err != nil {
				return err
			}
			secret, err := a.organisationPassphrase(k)
			if err != nil {
				return err
			}
			if err := k.NewStation(args[0], secret, protect, a.now(), rand.Reader); err != nil {
				return keysFail(err)
			}
			return a.showKeys(k, func(info certs.KeyInfo) bool { return info.Current })
		},
	}
	cmd.Flags().BoolVar(&protect, "protect", false, "encrypt the station's key under the passphrase too")
	return cmd
}

func newKeysTrust(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "trust FILE...",
		Short: "Trust an organisation's certificate, or take its revocation list",
		Long: `Trusts the organisations whose certificates (PEM or DER) are in the files, and
takes revocation lists of organisations that are trusted already. Compare each
fingerprint with one that reached you by another way.`,
		Example: "  ombruk keys trust depot.pem",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := a.openKeys()
			if err != nil {
				return err
			}
			for _, file := range args {
				added, err := k.TrustFile(file)
				if err != nil {
					return keysFail(err)
				}
				for _, info := range added {
					if err := a.showKey(info); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

func newKeysList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Show the keys and who is trusted",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			k, err := a.openKeys()
			if err != nil {
				return err
			}
			return a.showKeys(k, func(certs.KeyInfo) bool { return true })
		},
	}
}

func newKeysRevoke(a *app) *cobra.Command {
	var reason, since string
	cmd := &cobra.Command{
		Use:   "revoke NAME|KEYID --reason REASON",
		Short: "Take a station's key back",
		Long: `Takes a station's key back: makes a revocation list, signed by the organisation,
for everybody who verifies ('ombruk keys trust LIST').

A key that is or may be in wrong hands (keyCompromise, unspecified) takes every
record it ever signed with it, since whoever has it writes what time he likes.
A key that was given up in good order (superseded, cessationOfOperation,
affiliationChanged) leaves good what was signed before, as far as the station's
clock could be trusted: a record without an established time is refused from
then on. A key that is merely out of use needs no revocation.`,
		Example: `  ombruk keys revoke "stick 7" --reason keyCompromise
  ombruk keys revoke 3f9a01bc --reason superseded --since 2026-11-01`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("reason") {
				return fail(exitUsage, reasonHint(), errors.New("--reason is needed"))
			}
			if !slices.Contains(certs.Reasons(), certs.Reason(reason)) {
				return fail(exitUsage, reasonHint(), fmt.Errorf("--reason %q is not known", reason))
			}
			now := a.now()
			from, err := parseSince(since, now)
			if err != nil {
				return fail(exitUsage, "write --since 2026-11-01 or --since 2026-11-01T08:00:00Z", err)
			}
			k, err := a.openKeys()
			if err != nil {
				return err
			}
			secret, err := a.organisationPassphrase(k)
			if err != nil {
				return err
			}
			info, err := k.Revoke(args[0], certs.Reason(reason), from, secret, now)
			if err != nil {
				return keysFail(err)
			}
			if err := a.showKey(info); err != nil {
				return err
			}
			a.say("give the revocation list to everybody who verifies: %s", oneLine(info.File))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", reasonHint())
	cmd.Flags().StringVar(&since, "since", "", "when it stopped being good: a date (UTC) or a time; default now")
	return cmd
}

func reasonHint() string {
	words := make([]string, 0, len(certs.Reasons()))
	for _, r := range certs.Reasons() {
		words = append(words, string(r))
	}
	return "one of " + strings.Join(words, ", ")
}

// parseSince reads a date or a time; empty is now.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return now, nil
	}
	t, err := parseWhen(s)
	if err != nil {
		return t, fmt.Errorf("--since %w", err)
	}
	return t, nil
}

// parseWhen reads a date or a time.
func parseWhen(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a date nor a time", s)
	}
	return t, nil
}

func (a *app) openKeys() (*certs.Keys, error) {
	dir, err := a.keysDir()
	if err != nil {
		return nil, err
	}
	return certs.OpenKeys(dir), nil
}

// organisationPassphrase asks for the passphrase, once it is sure that there is
// a key to be opened with it.
func (a *app) organisationPassphrase(k *certs.Keys) ([]byte, error) {
	list, err := k.List()
	if err != nil {
		return nil, keysFail(err)
	}
	if len(list) == 0 || list[0].Role != certs.RoleOrganisation {
		return nil, keysFail(certs.ErrNoOrganisation)
	}
	return a.passphrase("organisation key", false)
}

// keysFail adds the hint that belongs to an error about keys.
func keysFail(err error) error {
	hint := ""
	switch {
	case errors.Is(err, certs.ErrNoOrganisation):
		hint = "'ombruk keys init' makes one; --keys DIR names another folder"
	case errors.Is(err, certs.ErrExists):
		hint = "nothing was overwritten; --keys DIR names another folder"
	case errors.Is(err, certs.ErrOpenToOthers):
		hint = "chmod 600 the file; on a FAT or exFAT stick, mount it with umask=077"
	case errors.Is(err, certs.ErrEnded):
		hint = "set the clock if it is wrong, else issue a new key with 'ombruk keys station'"
	case errors.Is(err, fs.ErrNotExist):
		hint = "check the name of the file"
	}
	return fail(exitError, hint, err)
}

// showKeys shows those keys of a folder that are wanted.
func (a *app) showKeys(k *certs.Keys, wanted func(certs.KeyInfo) bool) error {
	list, err := k.List()
	if err != nil {
		return keysFail(err)
	}
	for _, info := range list {
		if !wanted(info) {
			continue
		}
		if err := a.showKey(info); err != nil {
			return err
		}
	}
	return nil
}

// showKey shows one key to a person or a script.
func (a *app) showKey(info certs.KeyInfo) error {
	if a.flags.json {
		return a.emit(struct {
			Type   string `json:"type"`
			Schema int    `json:"schema"`
			certs.KeyInfo
		}{"key", 1, info})
	}
	state := ""
	switch {
	case info.Revoked != "":
		state = fmt.Sprintf(" REVOKED since %s (%s)", info.RevokedSince.Format(time.RFC3339), info.Revoked)
	case info.Current:
		state = " (signs)"
	}
	if !info.Established {
		state += " self-made: nobody vouches for it"
	}
	a.say("%s %s%s", info.Role, oneLine(info.Name), state)
	line := func(what, value string) {
		if value != "" {
			a.say("    %-13s %s", what, oneLine(value))
		}
	}
	line("organisation", strings.TrimSpace(info.Organisation+" "+info.Identifier))
	line("fingerprint", info.Fingerprint)
	line("key id", info.KeyID)
	line("serial", info.Serial)
	line("valid", info.NotBefore.Format(time.DateOnly)+" to "+info.NotAfter.Format(time.DateOnly))
	line("file", info.File)
	return nil
}

// oneLine makes untrusted text safe for a terminal and keeps it on its line, so
// that a serial number cannot pose as a finding.
func oneLine(s string) string {
	return strings.NewReplacer("\n", "{U+000A}", "\t", "{U+0009}").Replace(printable(s))
}
