package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/internal/tcg"
	"github.com/ombruk/ombruk/inventory"
)

// jobFlags are the flags of plan, erase and process.
type jobFlags struct {
	standard, verify, accept string
	confirm                  []string
	bestEffort, allowFabric  bool
	keepKey, thaw            bool
	simulate                 []string // profiles
	command                  string   // the only erase command that may be used
	psids, passwords         []string // SERIAL=VALUE
	title, place, contact    string
	confidentiality          string
}

// defaultStandard is what drives are sanitized to when nobody says otherwise.
const defaultStandard = "nist-800-88r2-purge"

// planning adds the flags that shape a plan.
func (f *jobFlags) planning(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.standard, "standard", defaultStandard, "standard to sanitize to (ombruk plan --help lists them)")
	fs.StringVar(&f.verify, "verify", "", "how much is read back: full, sample or none (default: the policy's, by technique)")
	fs.StringVar(&f.accept, "accept", "", "least Method the customer settles for: clear or purge (default: the standard's)")
	fs.BoolVar(&f.bestEffort, "best-effort", false, "run the strongest technique even when it cannot reach the accepted Method; the page is then a record, not a certificate")
	fs.BoolVar(&f.allowFabric, "allow-fabric", false, "allow drives that are reached over a network or storage fabric")
	fs.StringVar(&f.command, "command", "", "use this erase command of the drive and no other, or overwrite (ombruk drives and ombruk plan list them)")
	fs.BoolVar(&f.thaw, "thaw", false, "suspend this machine for a few seconds to lift a drive's freeze lock")
	fs.StringArrayVar(&f.psids, "psid", nil, "SERIAL=PSID of a locked self-encrypting drive, from its label; may be scanned")
	fs.StringArrayVar(&f.passwords, "drive-password", nil, "SERIAL=FILE with the password of a locked drive")
	simulateFlag(cmd, &f.simulate)
	_ = cmd.RegisterFlagCompletionFunc("standard", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, s := range erase.Standards() {
			ids = append(ids, s.ID+"\t"+s.Title)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	for name, words := range map[string][]string{"verify": {"full", "sample", "none"}, "accept": {"clear", "purge"}} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
}

// running adds the flags of commands that write.
func (f *jobFlags) running(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVar(&f.confirm, "confirm", nil, "serial of a drive that is to be erased, once per drive (without a serial its path; for an image file its base name)")
	fs.BoolVar(&f.keepKey, "keep-key", false, "leave the key of random passes beside the record, so that anybody can check the pass")
	fs.StringVar(&f.title, "operator-title", "", "title of the operator, for the certificate")
	fs.StringVar(&f.place, "place", "", "where the work is done, for the certificate")
	fs.StringVar(&f.contact, "contact", "", "how to reach the operator, for the certificate")
	fs.StringVar(&f.confidentiality, "confidentiality", "", "confidentiality category of the data before, for the certificate")
}

// orderOf reads the flags as what the customer asks for.
func (a *app) orderOf(f *jobFlags, p policy.Policy) (erase.Order, error) {
	s, err := erase.FindStandard(f.standard)
	if err != nil {
		return erase.Order{}, fail(exitUsage, "", err)
	}
	o := erase.Order{Standard: s, BestEffort: f.bestEffort, Rules: p.Rules, Command: inventory.EraseCommand(f.command)}
	if p.Accept != erase.MethodNone {
		o.Accept, o.AcceptBy = p.Accept, "policy "+p.Name
	}
	if f.accept != "" {
		m, err := erase.ParseMethod(f.accept)
		if err != nil || m == erase.MethodNone || m == erase.Destruct {
			return o, fail(exitUsage, "", fmt.Errorf("--accept %s: want clear or purge", f.accept))
		}
		o.Accept, o.AcceptBy = m, "operator"
		if a.flags.operator != "" {
			o.AcceptBy = "operator " + a.flags.operator
		}
	}
	switch v := erase.VerifyMode(f.verify); v {
	case "":
	case erase.VerifyFull, erase.VerifySample, erase.VerifyNone:
		if most := strictest(p.Rules); a.flags.policy != "" && lessRead(v, most) {
			return o, fail(exitRefused, "leave --verify out, or ask the agency for another policy", fmt.Errorf("refused: --verify %s is less than the policy %s asks for, %s", v, p.Name, most))
		}
		o.Verify = v
	default:
		return o, fail(exitUsage, "", fmt.Errorf("--verify %s: want full, sample or none", f.verify))
	}
	return o, nil
}

// strictest is the most that a policy wants read back after any technique.
func strictest(r erase.Rules) erase.VerifyMode {
	most := erase.VerifyNone
	for _, asked := range r.ReadBack {
		if lessRead(most, asked) {
			most = asked
		}
	}
	return most
}

// lessRead reports whether a reads back less than b.
func lessRead(a, b erase.VerifyMode) bool {
	order := []erase.VerifyMode{erase.VerifyNone, erase.VerifySample, erase.VerifyFull}
	return slices.Index(order, a) < slices.Index(order, b)
}

// wishes are what the flags ask for the drives: the order, and what was given
// for single drives.
func (a *app) wishes(f *jobFlags, o erase.Order, drives []inventory.Drive) (session.Wishes, error) {
	w := session.Wishes{Order: o, Thaw: f.thaw, PSIDs: map[string][]byte{}, Passwords: map[string][]byte{}}
	err := forDrives("--psid", f.psids, drives, func(serial, value string) error {
		if _, err := tcg.NormalizePSID(value); err != nil {
			return fail(exitRefused, "copy it again from the label, or scan it", fmt.Errorf("refused: --psid for %s: %w", serial, err))
		}
		w.PSIDs[serial] = []byte(value)
		return nil
	})
	if err != nil {
		return w, err
	}
	return w, forDrives("--drive-password", f.passwords, drives, func(serial, file string) error {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the password of the drive %s: %w", serial, err)
		}
		w.Passwords[serial] = []byte(strings.TrimRight(string(b), "\r\n"))
		return nil
	})
}

// forDrives reads what a flag gave as SERIAL=VALUE and refuses what is for none
// of the drives.
func forDrives(flag string, given []string, drives []inventory.Drive, take func(serial, value string) error) error {
	for _, g := range given {
		serial, value, ok := strings.Cut(g, "=")
		if !ok || serial == "" || value == "" {
			return fail(exitUsage, "", fmt.Errorf("%s: want SERIAL=VALUE", flag))
		}
		if !slices.ContainsFunc(drives, func(d inventory.Drive) bool { return erase.ConfirmToken(d) == serial }) {
			return fail(exitRefused, "check the serial (ombruk drives)", fmt.Errorf("refused: %s names %q, which is not among the targets", flag, serial))
		}
		if err := take(serial, value); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the plans of the targets.
func (a *app) prepare(ctx context.Context, s *session.Session, f *jobFlags, o erase.Order, drives []inventory.Drive) ([]session.Work, error) {
	wishes, err := a.wishes(f, o, drives)
	if err != nil {
		return nil, err
	}
	works, err := s.Prepare(ctx, wishes, drives)
	return works, refused(err)
}

// refused turns a refusal into an error with the right exit code and hint.
func refused(err error) error {
	var r *erase.RefusedError
	if errors.As(err, &r) {
		return fail(exitRefused, r.Hint, fmt.Errorf("refused: %w", err))
	}
	return err
}

// targets finds the drives that are named, each once, and refuses them all if
// one may not be touched. all is every drive of the machine.
func (a *app) targets(ctx context.Context, r session.Rig, paths []string, allowFabric bool) (all, found []inventory.Drive, err error) {
	all, found, err = a.named(ctx, r, paths)
	if err != nil {
		return nil, nil, err
	}
	for i, d := range found {
		if d.CapacityBytes == 0 { // only the drive itself can say why
			a.session(r).Ask(ctx, found[i:i+1])
			d = found[i]
		}
		if err := erase.Blocked(d, slices.Concat(all, found), allowFabric); err != nil {
			return nil, nil, refused(err)
		}
	}
	return all, found, nil
}

// named finds the drives that are named, each once.
func (a *app) named(ctx context.Context, r session.Rig, paths []string) (all, found []inventory.Drive, err error) {
	if r.Mode() == certs.ModeSimulated {
		if len(paths) == 0 {
			all, _, _ := r.Targets(ctx)
			for _, d := range all {
				if d.PartitionOf == "" {
					paths = append(paths, d.Path)
				}
			}
		}
	}
	for i, path := range paths {
		// A record must name its target so that it can be found from
		// anywhere. filepath.Abs would take ".." as text: behind a symbolic
		// link that is another folder than the kernel's, and another file.
		if wd, err := os.Getwd(); err == nil && path != "" && !filepath.IsAbs(path) {
			paths[i] = wd + "/" + path
		}
	}
	all, named, errs := r.Targets(ctx, paths...)
	seen := map[string]bool{}
	for i, d := range named {
		switch err := errs[i]; {
		case errors.Is(err, inventory.ErrNotADrive), errors.Is(err, inventory.ErrEmpty):
			return nil, nil, fail(exitRefused, "name a block device or an image file", fmt.Errorf("refused: %w", err))
		case err != nil:
			return nil, nil, fail(exitError, "ombruk drives lists the drives of this machine", err)
		}
		if slices.ContainsFunc(found, func(other inventory.Drive) bool { return slices.Contains(other.AlsoAt, d.Path) }) {
			continue // the other port of a drive that is named already
		}
		if !seen[d.DeviceNumber] {
			seen[d.DeviceNumber] = true
			found = append(found, d)
		}
	}
	return all, found, nil
}

// targetsOrSimulated is how many targets a command takes: one at least, or none
// where simulated drives stand for them.
func targetsOrSimulated(f *jobFlags) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(f.simulate) > 0 {
			return nil
		}
		if len(args) == 0 {
			return errors.New("no target is named: ombruk drives lists the drives there are")
		}
		return nil
	}
}

// simulateFlag adds --simulate.
func simulateFlag(cmd *cobra.Command, profiles *[]string) {
	cmd.Flags().StringArrayVar(profiles, "simulate", nil, "use a simulated drive of this profile instead of this machine's, once per drive (list: show them)")
	_ = cmd.RegisterFlagCompletionFunc("simulate", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		all, _ := drivesim.Profiles()
		var names []string
		for _, p := range all {
			names = append(names, p.Name+"\t"+p.Title)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// confirmed makes sure that a person or a script has named every drive. At a
// terminal, without --confirm, the drives are shown and each is typed.
func (a *app) confirmed(drives []inventory.Drive, tokens []string) error {
	in, ok := a.stdin.(*os.File)
	if len(tokens) == 0 && ok && term.IsTerminal(int(in.Fd())) {
		lines := bufio.NewReader(io.LimitReader(in, 1<<16))
		for _, d := range drives {
			token := erase.ConfirmToken(d)
			shown := strings.TrimSpace(printable(token))
			fmt.Fprintf(a.stderr, "Everything on %s will be destroyed.\nType %s to confirm: ", printable(describe(d)), shown)
			line, err := lines.ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read the confirmation: %w", err)
			}
			// What cannot be typed is typed as it is shown.
			typed := strings.TrimSpace(line)
			if typed != "" && typed == shown {
				typed = token
			}
			tokens = append(tokens, typed)
		}
	}
	return refused(erase.Confirm(drives, tokens))
}

// describe is a drive in one line.
func describe(d inventory.Drive) string {
	parts := []string{d.Path}
	for _, s := range []string{d.Manufacturer, d.Model} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	parts = append(parts, decimalBytes(d.CapacityBytes))
	if d.Serial != "" {
		parts = append(parts, "serial "+d.Serial)
	}
	return strings.Join(parts, ", ")
}
