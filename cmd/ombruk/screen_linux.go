package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/contract"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/remains"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/internal/tui"
	"github.com/ombruk/ombruk/inventory"
)

// front makes the bare program the technician's screen where somebody sits at a
// terminal.
func front(a *app, root *cobra.Command) {
	var simulate []string
	var status string
	help := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if a.flags.json || !a.atTerminal() {
			return help(cmd, args)
		}
		says, err := saidFlags{status: status}.read()
		if err != nil {
			return err
		}
		r, err := a.rig(simulate)
		if r == nil {
			return err
		}
		h := a.window()
		h.setup.Intake.Status = says.status
		return a.screen(cmd.Context(), r, h)
	}
	simulateFlag(root, &simulate)
	root.Flags().StringVar(&status, "status", "", "what machines come in as where nobody says otherwise: product or waste")
}

// host is the machine the screen runs on, as far as a boot stick can do more
// with it than a program in a window.
type host struct {
	// ready returns when the drivers have settled.
	ready func(context.Context) error
	// store is where records can be kept at this moment.
	store    func() store
	setClock func(time.Time) error
	beep     func(hertz int, d time.Duration)
	// setup is what the screens are told besides; Stick is set on a stick.
	setup tui.Setup
}

// store is where records are kept.
type store struct {
	records string // folder; empty while there is none
	state   string // folder of chain and journals; empty means beside the keys
	second  string // folder of the copies on another stick, empty without one
	// trouble is why nothing can be kept, in words; nil when it can.
	trouble error
	// sticks are those that a person may choose to keep the records on, by id.
	sticks []tui.Stick
	choose func(id string)
}

// window is a host that can do nothing special: a terminal on any machine.
func (a *app) window() host {
	return host{
		ready:    func(context.Context) error { return nil },
		store:    func() store { return store{records: a.flags.out} },
		setClock: func(time.Time) error { return errors.New("set the clock of this machine with its own tools") },
		beep:     func(int, time.Duration) { _, _ = a.stderr.Write([]byte("\a")) },
	}
}

// atTerminal reports whether a person sits in front of us.
func (a *app) atTerminal() bool {
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return false
	}
	out, ok := a.stdout.(*os.File)
	return ok && term.IsTerminal(int(out.Fd()))
}

// errLeft ends the screens when somebody powers off or leaves.
var errLeft = errors.New("left")

// screen is the technician's screen, until somebody leaves it.
func (a *app) screen(ctx context.Context, r session.Rig, h host) error {
	text, err := a.text()
	if err != nil {
		return err
	}
	if err := a.unlock(text); err != nil {
		return err
	}
	w := &screenWork{a: a, words: text, host: h, rig: r, planned: map[string]session.Work{}}
	w.session = a.session(r)
	if r.Mode() == certs.ModeReal {
		w.remains = new(remains.Source)
	}
	home := w.session.PendingDir
	w.session.PendingDir = func() string {
		switch state := h.store().state; {
		case state != "":
			return filepath.Join(state, pendingDir)
		case home == nil:
			return ""
		}
		return home()
	}
	w.session.Note, a.noted = w.note, w.note
	defer func() { a.noted = nil }()
	if w.policy, err = a.loadPolicy(); err != nil {
		return err
	}
	if w.judge, err = a.judge(w.policy); err != nil {
		return err
	}
	setup := h.setup
	if err := a.fillSetup(&setup, w.policy); err != nil {
		return err
	}
	setup.Simulated, setup.Now, setup.Rand = a.simulated, a.now, rand.Reader
	showing, end := context.WithCancelCause(ctx)
	defer end(nil)
	w.end, w.over = func() { end(errLeft) }, showing.Done()
	err = tui.Show(showing, w, setup, text, a.stdin, a.stdout, os.Environ())
	if errors.Is(context.Cause(showing), errLeft) {
		return nil
	}
	return err
}

// unlock asks for the passphrase of the station's key where it has one, until
// it is right. Once the screens have the terminal nobody could be asked: what
// is typed would end up in their fields. Whatever else is wrong with the key is
// said when it is needed.
func (a *app) unlock(text *lang.Text) error {
	dir, err := a.keysDir()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "current")); err != nil {
		return nil //nolint:nilerr // the key that is made then has no passphrase
	}
	given := a.flags.passphraseFile != ""
	if _, ok := os.LookupEnv("OMBRUK_PASSPHRASE"); ok {
		given = true
	}
	var secret []byte
	var asked error // why nobody could be asked
	ask := func() ([]byte, error) {
		if given {
			secret, asked = a.passphrase("station key", false)
		} else {
			secret, asked = a.askOnScreen(text.Get("boot.passphrase", nil))
		}
		return secret, asked
	}
	for {
		_, _, err := certs.OpenKeys(dir).Signer(ask, a.now(), rand.Reader)
		switch {
		case asked != nil:
			return asked
		case !errors.Is(err, certs.ErrPassphrase):
			a.unlocked = secret
			return nil
		case given:
			return keysFail(err)
		}
		fmt.Fprintln(a.stdout, text.Get("boot.passphrase.wrong", nil))
	}
}

// askOnScreen asks for what is not to be shown. On a stick standard error is
// the log, so the question goes where the screens do.
func (a *app) askOnScreen(question string) ([]byte, error) {
	in, ok := a.stdin.(*os.File)
	if !ok {
		return nil, errors.New("there is no terminal to ask for the passphrase of the station key at")
	}
	fmt.Fprint(a.stdout, question+" ")
	answer, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.stdout)
	if err != nil {
		return nil, fmt.Errorf("ask for the passphrase of the station key: %w", err)
	}
	return answer, nil
}

// fillSetup adds to what a stick was built with what flags, contract and
// standards table say.
func (a *app) fillSetup(s *tui.Setup, p policy.Policy) error {
	s.Standards = erase.Standards()
	if s.Unattended != nil {
		u := p.Unattended
		if u == nil {
			return u.Allows(inventory.System{})
		}
		s.Choice.Standard, s.Choice.BestEffort = u.Standard, u.BestEffort
		s.Unattended = &tui.Unattended{Countdown: u.Countdown, BestEffort: u.BestEffort, PowerOff: u.PowerOff, Refused: func(m inventory.Machine) string {
			if err := u.Allows(m.System); err != nil {
				return err.Error()
			}
			return ""
		}}
	}
	if s.Choice.Standard == "" {
		s.Choice.Standard = defaultStandard
	}
	if s.Intake == (tui.Intake{Status: s.Intake.Status}) {
		s.Intake = tui.Intake{AssetTag: a.flags.asset, Agency: a.flags.agency, Order: a.flags.order, Operator: a.flags.operator, Status: s.Intake.Status}
	}
	if a.flags.contract == "" {
		return nil
	}
	c, err := contract.Load(a.flags.contract)
	if err != nil {
		return err
	}
	for _, agency := range c.Agencies {
		s.Agencies = append(s.Agencies, tui.Agency{Orgnr: agency.Orgnr, Name: agency.Name})
	}
	return nil
}
