package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ombruk/ombruk/internal/lang"
)

// The exit codes of product promise; a script may rely on them.
const (
	exitOK        = 0
	exitError     = 1
	exitNotClean  = 3
	exitDataFound = 4
	exitRefused   = 5
	exitEvidence  = 6
	exitUsage     = 64
	exitCancelled = 130
)

// exitHelp stands at the end of the help of every command that can end so.
const exitHelp = `Exit status: 0 everything asked for was done, verified and recorded;
1 error; 3 finished, but some drive is not plainly sanitized at the accepted
Method; 4 read-back found data that should be gone; 5 refused before touching
anything; 6 a signature, issuer or chain does not check out; 64 usage;
130 cancelled.`

// codedError is an error that knows how the process ends and what to do next.
type codedError struct {
	code int
	err  error
	hint string
	// said is true when the message has been shown already.
	said bool
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// fail ends the command with a code, an error and a hint (which may be empty).
func fail(code int, hint string, err error) error {
	return &codedError{code: code, err: err, hint: hint}
}

// app carries what every command needs: the streams, the clock, the cancellable
// context and the common flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	flags          commonFlags
	// leave is closed when a person wants out at once, whatever is under way.
	leave chan struct{}
	// messages are those of --lang, read once; see text.
	messages *lang.Text
	// state is the folder of chain and journals; empty means beside the keys.
	state string
	// clockSource is who set the clock; empty when nobody did.
	clockSource string
	// noted takes notes while a screen covers standard error; nil is that.
	noted func(format string, args ...any)
	// unlocked is the passphrase of the station's key, asked for before a
	// screen takes the terminal; nil when it is still to be asked for.
	unlocked []byte
	// simulated is true when the drives are.
	simulated bool
	// command is the command's full name, for error messages in JSON.
	command string
}

// commonFlags are the flags that all commands share.
type commonFlags struct {
	out, keys, passphraseFile, contract, policy string
	agency, asset, order, operator              string
	lang                                        string
	json                                        bool
}

// run is the whole program but for the process's end.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	becomeInit()
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now, leave: make(chan struct{})}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	done := make(chan int, 1)
	go func() {
		err := root.ExecuteContext(context.Background())
		// A slip before --json ends the reading of flags; the script that
		// made it still gets its error as JSON.
		a.flags.json = a.flags.json || err != nil && slices.Contains(args, "--json")
		done <- a.finish(err)
	}()
	select {
	case code := <-done:
		return code
	case <-a.leave:
		return exitCancelled
	}
}

// newRoot builds the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "ombruk",
		Short: "Proves that returned computers are clean and gives them a second life",
		Long: `ombruk inventories a returned computer, sanitizes its drives to a stated
standard, verifies that, and writes a signed certificate that anybody can check.

Without a command it shows the technician's screen, where there is a terminal on
Linux to show it on; with --simulate on drives that do not exist.

` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       toolVersion(),
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.flags.json {
				return fail(exitUsage, "see 'ombruk --help'", errors.New("--json needs a command"))
			}
			return cmd.Help()
		},
	}
	root.SetVersionTemplate("ombruk {{.Version}}\n")
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) { a.command = cmd.CommandPath() }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fail(exitUsage, "see '"+cmd.CommandPath()+" --help'", err)
	})
	f := root.PersistentFlags()
	f.StringVar(&a.flags.out, "out", "ombruk-out", "folder for records and pages")
	f.BoolVar(&a.flags.json, "json", false, "one JSON object a line on standard output")
	f.StringVar(&a.flags.lang, "lang", "", "language of pages and results: nb or en (default from the environment, else en)")
	f.StringVar(&a.flags.keys, "keys", "", "folder of keys (default: keys in $OMBRUK_HOME, else in the user's configuration folder)")
	f.StringVar(&a.flags.passphraseFile, "passphrase-file", "", "file whose first line is the passphrase (default: $OMBRUK_PASSPHRASE, else asked)")
	f.StringVar(&a.flags.contract, "contract", "", "contract file (YAML)")
	f.StringVar(&a.flags.policy, "policy", "", "policy file (YAML), or common-practice for the looser one that is shipped too (default: the shipped one)")
	f.StringVar(&a.flags.agency, "agency", "", "organisation number of the agency the unit comes from")
	f.StringVar(&a.flags.asset, "asset", "", "asset tag of the unit")
	f.StringVar(&a.flags.order, "order", "", "order number")
	f.StringVar(&a.flags.operator, "operator", "", "name of the person who does the work")
	root.AddCommand(commands(a)...)
	front(a, root)
	usageErrors(root)
	return root
}

// usageErrors makes cobra's own complaints about operands end with the usage code.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return fail(exitUsage, "see '"+c.CommandPath()+" --help'", err)
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// finish shows an error, if there is one and it has not been shown, and gives
// the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return exitOK
	}
	coded := &codedError{code: exitError, err: err}
	if !errors.As(err, &coded) {
		switch {
		case errors.Is(err, context.Canceled):
			coded.code = exitCancelled
		case strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "unknown flag"):
			coded.code, coded.hint = exitUsage, "see 'ombruk --help'"
		}
	}
	if !coded.said {
		a.complain(err, coded.code, coded.hint)
	}
	return coded.code
}

// complain shows one error and its hint to a person, and to a script if asked.
func (a *app) complain(err error, code int, hint string) {
	text := printable(err.Error())
	fmt.Fprintf(a.stderr, "ombruk: error: %s\n", text)
	if hint != "" {
		fmt.Fprintf(a.stderr, "ombruk: hint: %s\n", printable(hint))
	}
	if a.flags.json {
		_ = a.emit(struct {
			Type    string `json:"type"`
			Schema  int    `json:"schema"`
			Command string `json:"command"`
			Code    int    `json:"code"`
			Error   string `json:"error"`
			Hint    string `json:"hint,omitempty"`
		}{"error", 1, a.command, code, text, hint})
	}
}

// emit writes one line of JSON. Every line has a type and a schema.
func (a *app) emit(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say writes a line for people, on standard error when standard output is for
// a machine.
func (a *app) say(format string, args ...any) {
	w := a.stdout
	if a.flags.json {
		w = a.stderr
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// text is the messages of --lang, else of the environment's language.
func (a *app) text() (*lang.Text, error) {
	if a.messages != nil {
		return a.messages, nil
	}
	tag := a.flags.lang
	if tag == "" {
		tag = lang.Detect(os.Getenv)
	}
	var err error
	if a.messages, err = lang.For(tag); err != nil {
		return nil, fail(exitUsage, "", err)
	}
	return a.messages, nil
}

// printable makes untrusted text safe for a terminal: control characters, the
// C1 range, bidirectional controls and invalid UTF-8 become U+XXXX in braces.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xfffd,
			r == 0x061c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
			fmt.Fprintf(&b, "{U+%04X}", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// keysDir is where keys live: --keys, else keys in $OMBRUK_HOME, else in the
// user's configuration folder.
func (a *app) keysDir() (string, error) {
	if a.flags.keys != "" {
		return a.flags.keys, nil
	}
	if home := os.Getenv("OMBRUK_HOME"); home != "" {
		return filepath.Join(home, "keys"), nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fail(exitError, "set OMBRUK_HOME or pass --keys DIR", fmt.Errorf("find the configuration folder: %w", err))
	}
	return filepath.Join(dir, "ombruk", "keys"), nil
}

// passphrase reads the passphrase from its file, the environment or the
// terminal. Asked for a new one, a terminal must type it twice.
func (a *app) passphrase(what string, isNew bool) ([]byte, error) {
	if name := a.flags.passphraseFile; name != "" {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read passphrase: %w", err)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return notEmpty([]byte(strings.TrimSuffix(line, "\r")), name)
	}
	if env, ok := os.LookupEnv("OMBRUK_PASSPHRASE"); ok {
		return notEmpty([]byte(env), "OMBRUK_PASSPHRASE")
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, fail(exitUsage, "pass --passphrase-file FILE or set OMBRUK_PASSPHRASE", fmt.Errorf("the %s has a passphrase and there is no terminal to ask at", what))
	}
	ask := func(prompt string) ([]byte, error) {
		fmt.Fprint(a.stderr, prompt)
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(a.stderr)
		return b, err
	}
	first, err := ask("Passphrase of the " + what + ": ")
	if err != nil || !isNew {
		return first, err
	}
	second, err := ask("The same again: ")
	if err != nil {
		return nil, err
	}
	if string(first) != string(second) {
		return nil, fail(exitUsage, "", errors.New("the two passphrases differ"))
	}
	return notEmpty(first, "the terminal")
}

func notEmpty(b []byte, from string) ([]byte, error) {
	if len(b) == 0 {
		return nil, fail(exitUsage, "", fmt.Errorf("the passphrase from %s is empty", from))
	}
	return b, nil
}

// interruptible gives a context that the first Ctrl-C, SIGTERM or closed
// terminal cancels; the second leaves at once. From then on nobody's hanging up
// on our output ends the program either: the run goes on to its record.
func (a *app) interruptible(parent context.Context, onFirst func()) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(ch, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		select {
		case <-ch:
			onFirst()
			cancel()
		case <-done:
			return
		}
		select {
		case <-ch:
			close(a.leave)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(done)
		cancel()
	}
}
