package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newDocsCommand writes what a package installs beside the binary: a manual
// page for every command, and completions for the shells.
func newDocsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "docs DIR",
		Short:  "Write manual pages and shell completions into a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := buildDate(a.now)
			if err != nil {
				return err
			}
			return writeDocs(cmd.Root(), args[0], date)
		},
	}
}

// buildDate is the day printed on the pages: that of SOURCE_DATE_EPOCH where a
// release sets it, so that two builds of one commit are equal.
func buildDate(now func() time.Time) (time.Time, error) {
	epoch, ok := os.LookupEnv("SOURCE_DATE_EPOCH")
	if !ok {
		return now().UTC(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// writeDocs leaves man/*.1 and completions/ombruk.* in dir.
func writeDocs(root *cobra.Command, dir string, date time.Time) error {
	// Cobra adds these when a command runs; the pages name them too.
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	write := map[string]func(io.Writer) error{
		"completions/ombruk.bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"completions/ombruk.zsh":  root.GenZshCompletion,
		"completions/ombruk.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"completions/ombruk.ps1":  root.GenPowerShellCompletionWithDesc,
	}
	var addPage func(*cobra.Command)
	addPage = func(cmd *cobra.Command) {
		if cmd != root && !cmd.IsAvailableCommand() {
			return
		}
		write["man/"+pageName(cmd)+".1"] = func(w io.Writer) error {
			_, err := io.WriteString(w, manPage(cmd, date))
			return err
		}
		for _, sub := range cmd.Commands() {
			addPage(sub)
		}
	}
	addPage(root)
	for name, to := range write {
		if err := writeDoc(filepath.Join(dir, name), to); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

func writeDoc(name string, to func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := to(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is the manual page of one command in the man(7) macros.
func manPage(cmd *cobra.Command, date time.Time) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(`.TH "%s" "1" "%s" "ombruk %s" "ombruk"`,
		roff(strings.ToUpper(pageName(cmd))), date.Format(time.DateOnly), roff(toolVersion()))
	line(".SH NAME\n%s \\- %s", roff(pageName(cmd)), roff(cmd.Short))
	line(".SH SYNOPSIS\n.B %s", roff(cmd.UseLine()))
	if cmd.HasAvailableSubCommands() {
		line(".I command")
	}
	line(".SH DESCRIPTION")
	line("%s", roffText(strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short))))
	flags := func(title string, set *pflag.FlagSet) {
		if !set.HasAvailableFlags() {
			return
		}
		line(".SH %s", title)
		set.VisitAll(func(f *pflag.Flag) {
			if f.Hidden {
				return
			}
			line(".TP\n%s\n%s", flagTerm(f), roffText(flagUsage(f)))
		})
	}
	flags("OPTIONS", cmd.NonInheritedFlags())
	flags("COMMON OPTIONS", cmd.InheritedFlags())
	if cmd.Example != "" {
		line(".SH EXAMPLES\n.nf\n%s\n.fi", roffText(cmd.Example))
	}
	if also := related(cmd); len(also) > 0 {
		line(".SH SEE ALSO")
		for i, name := range also {
			comma := ","
			if i == len(also)-1 {
				comma = ""
			}
			line(".BR %s (1)%s", roff(name), comma)
		}
	}
	return b.String()
}

// flagTerm is the flag as it is typed: -v, --verify full.
func flagTerm(f *pflag.Flag) string {
	term := `\fB` + roff("--"+f.Name) + `\fR`
	if f.Shorthand != "" {
		term = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + term
	}
	if value, _ := pflag.UnquoteUsage(f); value != "" {
		term += ` \fI` + roff(value) + `\fR`
	}
	return term
}

func flagUsage(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	if f.DefValue != "" && !slices.Contains([]string{"false", "0", "[]", "0s"}, f.DefValue) {
		usage += " (default " + f.DefValue + ")"
	}
	return usage
}

// related are the pages of the command above and of those below.
func related(cmd *cobra.Command) []string {
	var names []string
	if cmd.HasParent() {
		names = append(names, pageName(cmd.Parent()))
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, pageName(sub))
		}
	}
	return names
}

// roffText keeps paragraphs, and keeps indented lines as they are.
func roffText(s string) string {
	var out []string
	plain := false
	for l := range strings.Lines(s) {
		l = strings.TrimRight(l, "\r\n")
		switch indented := strings.HasPrefix(l, " ") || strings.HasPrefix(l, "\t"); {
		case l == "":
			if plain {
				out, plain = append(out, ".fi"), false
			}
			out = append(out, ".PP")
			continue
		case indented && !plain:
			out, plain = append(out, ".nf"), true
		case !indented && plain:
			out, plain = append(out, ".fi"), false
		}
		out = append(out, roff(l))
	}
	if plain {
		out = append(out, ".fi")
	}
	return strings.Join(out, "\n")
}

// roff escapes text so that it means only itself.
func roff(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r > 126:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	if s := b.String(); strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + s
	}
	return b.String()
}
