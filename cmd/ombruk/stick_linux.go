package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/internal/boot"
	"github.com/ombruk/ombruk/internal/stick"
	"github.com/ombruk/ombruk/internal/tui"
	"github.com/ombruk/ombruk/inventory/grade"
)

// stickCommand is what the first process of a boot stick runs on the console.
const stickCommand = "stick"

// place is what a boot stick is for the screens that run from it.
type place struct {
	loaded *stick.Loaded
	// storage is where the records go; its first look may still be ahead.
	storage *boot.Storage
	// console is the terminal for [boot.Beep], and keyboard its layout, empty
	// over a serial line.
	console  *os.File
	keyboard string
	// clockWrong is true when the clock is before the day the stick was built.
	clockWrong bool
	// warnings are about the stick itself, in words.
	warnings []string
}

func newStickCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: stickCommand, Hidden: true, Args: cobra.NoArgs,
		Short: "What a boot stick runs on its console",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getenv(boot.ConsoleVariable) == "" {
				return fail(exitUsage, "build a stick with 'ombruk image build' and start a machine from it", errors.New("this runs on a boot stick only"))
			}
			err := a.stick(cmd.Context())
			if err == nil {
				return nil
			}
			// Nobody sees standard error there: it is the log.
			a.complain(err, exitError, "")
			a.tellAndPowerOff(err)
			return nil
		},
	}
}

// stick gets everything ready that the screens need, and runs them. What takes
// time (drivers, the data partition) goes on beside them.
func (a *app) stick(ctx context.Context) error {
	p, err := a.place()
	if err != nil {
		return err
	}
	events, err := boot.Listen(ctx)
	if err != nil {
		return err
	}
	a.useStick(p)
	go p.storage.Watch(ctx, events, nil)
	return a.stickWork(ctx, p)
}

// place reads and checks what the stick was built with. An error is for the
// whole screen: with settings that somebody changed nothing may be erased.
func (a *app) place() (*place, error) {
	dir := os.DirFS(stick.SettingsDir)
	now := a.now()
	// A clock from before the stick was built must not make its key look as
	// if it were not valid yet; the screen asks for the date first.
	says := said(filepath.Join(stick.SettingsDir, stick.SettingsFile))
	built := says.Built
	a.flags.lang = says.Language
	p := &place{clockWrong: boot.ClockWrong(now, built), keyboard: os.Getenv(boot.KeyboardVariable), console: os.Stdin}
	if p.clockWrong {
		now = built
	}
	var err error
	if p.loaded, err = stick.Load(dir, nil, now); err != nil {
		return nil, err
	}
	// The first process logs what standard error is given.
	p.storage = boot.NewStorage(boot.Argument(stick.MediumArg), func(format string, args ...any) {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	})
	return p, nil
}

// said is what a stick's settings say before their seal is checked: good for the
// words and the clock that the check itself needs, and for nothing else.
func said(name string) stick.Settings {
	var s stick.Settings
	if b, err := os.ReadFile(name); err == nil {
		_ = json.Unmarshal(b, &s)
	}
	return s
}

// useStick makes the stick's settings those of every command.
func (a *app) useStick(p *place) {
	s := p.loaded.Settings
	file := func(name string, has bool) string {
		if !has {
			return ""
		}
		return filepath.Join(stick.SettingsDir, name)
	}
	a.flags.lang, a.flags.agency, a.flags.order = s.Language, s.Agency, s.Order
	a.flags.contract = file(stick.ContractFile, p.loaded.Contract != nil)
	a.flags.policy = file(stick.PolicyFile, p.loaded.Policy != nil)
	a.flags.out = filepath.Join(stick.DataMount, stick.RecordsDir)
	a.flags.keys = filepath.Join(stick.SettingsDir, stick.KeysDir)
	if _, err := os.Stat(filepath.Join(a.flags.keys, "current")); err != nil {
		// The key that the station makes for itself must outlast the power.
		a.flags.keys = filepath.Join(stick.DataMount, stick.StateDir, stick.KeysDir)
		if text, err := a.text(); err == nil {
			p.warnings = append(p.warnings, text.Get("boot.no-station-key", nil))
		}
	}
}

// stickWork is the technician's screen on a boot stick.
func (a *app) stickWork(ctx context.Context, p *place) error {
	r, err := a.rig(nil)
	if r == nil {
		return err
	}
	s := p.loaded.Settings
	setup := tui.Setup{
		Intake: tui.Intake{Agency: s.Agency, Order: s.Order, Status: grade.Status(s.Status)}, Choice: tui.Choice{Standard: s.Standard},
		Keyboard: p.keyboard, ClockWrong: p.clockWrong, Warnings: p.warnings, Bench: s.Bench, Stick: true,
	}
	if s.Unattended {
		setup.Unattended = &tui.Unattended{}
	}
	return a.screen(ctx, r, host{
		ready: func(ctx context.Context) error {
			if _, err := boot.Ready(ctx); err != nil {
				return err
			}
			p.storage.Settled()
			return nil
		},
		store:    p.store,
		setClock: boot.SetClock,
		beep: func(hertz int, d time.Duration) {
			if p.keyboard == "" {
				fmt.Fprint(a.stdout, "\a") // the terminal at the other end
			} else if err := boot.Beep(p.console, hertz, d); err != nil {
				a.note("%v", err)
			}
		},
		setup: setup,
	})
}

// store is where records can go at this moment.
func (p *place) store() store {
	state := p.storage.State()
	at := store{records: filepath.Join(stick.DataMount, stick.RecordsDir), trouble: state.Trouble, choose: p.storage.Choose}
	for _, m := range state.Candidates {
		at.sticks = append(at.sticks, tui.Stick{ID: m.ID(), Name: m.String()})
	}
	if d := state.Data; d != nil {
		at.records = filepath.Join(d.Path, stick.RecordsDir)
		at.state = filepath.Join(d.Path, stick.StateDir, d.MediumID)
		if at.trouble == nil {
			at.trouble = d.Writable()
		}
	}
	if d := state.Second; d != nil && d.Writable() == nil {
		at.second = filepath.Join(d.Path, stick.RecordsDir)
	}
	return at
}

// tellAndPowerOff fills the screen with an error and waits until somebody has
// read it.
func (a *app) tellAndPowerOff(err error) {
	what := "boot.trouble"
	if errors.As(err, new(*stick.SealError)) {
		what = "boot.settings"
	}
	fmt.Fprint(a.stdout, "\x1b[2J\x1b[H"+bootText(a.flags.lang, err.Error(), 0, what, "boot.cause", what+".how", "boot.power-off"))
	a.waitForEnter()
}

func (a *app) waitForEnter() { _, _ = bufio.NewReader(a.stdin).ReadString('\n') }
