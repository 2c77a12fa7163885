package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/remains"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

// unitFlags are what people found of a unit, and what is to be done to it
// besides its drives.
type unitFlags struct {
	saidFlags
	remains         []string
	clearTPM, eject bool
}

// handStates are what somebody can say of what remains.
var handStates = []string{string(certs.RemainDone), string(certs.RemainNone), string(certs.RemainLeft)}

func (f *unitFlags) add(cmd *cobra.Command) {
	f.saidFlags.add(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&f.clearTPM, "clear-tpm", false, "clear the TPM when every drive of the machine is sanitized: keys of BitLocker and the like are lost")
	fs.BoolVar(&f.eject, "eject", false, "open disc trays with a disc in them")
	fs.StringArrayVar(&f.remains, "remains", nil, "`THING=STATE` that somebody did by hand: done, none or left of "+strings.Join(certs.RemainThings(), ", "))
}

// read takes the flags apart.
func (f *unitFlags) read() (s findings, byHand []certs.Remain, err error) {
	if s, err = f.saidFlags.read(); err != nil {
		return s, nil, err
	}
	for _, given := range f.remains {
		thing, state, err := pair("--remains", given, certs.RemainThings(), handStates)
		if err != nil {
			return s, nil, err
		}
		if slices.ContainsFunc(byHand, func(r certs.Remain) bool { return r.Thing == thing }) {
			return s, nil, fail(exitUsage, "one state for each thing", fmt.Errorf("--remains %s is given twice", thing))
		}
		byHand = append(byHand, saidBy(thing, certs.RemainState(state), s.locks))
	}
	return s, byHand, nil
}

// besides is what there is besides the drives of a machine that is processed.
type besides struct {
	rig session.Rig
	// source is nil with simulated drives: this is not their machine.
	source  *remains.Source
	machine inventory.Machine
	first   []remains.Seen
}

func lookBesides(ctx context.Context, r session.Rig, m inventory.Machine) *besides {
	b := &besides{rig: r, machine: m}
	if r.Mode() == certs.ModeReal {
		b.source = new(remains.Source)
		b.first = b.source.Look(ctx, m)
	}
	return b
}

// presence is whether a thing was seen when the machine came.
func (b *besides) presence(thing string) remains.Presence {
	for _, s := range b.first {
		if s.Thing == thing {
			return s.Presence
		}
	}
	return ""
}

// errDrivesFirst means that a TPM is kept: what reads a drive may be in it.
var errDrivesFirst = errors.New("clear the TPM: not every drive of this machine is sanitized")

// close does what was asked for when the drives are done, and gives what the
// report says of it. The error is why something that was asked for was not done.
func (b *besides) close(ctx context.Context, f *unitFlags, byHand []certs.Remain, clean bool) ([]certs.Remain, error) {
	var did []certs.Remain
	var errs []error
	for _, each := range []struct {
		asked bool
		thing string
	}{{f.clearTPM, certs.RemainTPM}, {f.eject, certs.RemainDisc}} {
		if !each.asked {
			continue
		}
		if b.source == nil {
			errs = append(errs, fmt.Errorf("clear %s: the drives are simulated", each.thing))
			continue
		}
		there := b.presence(each.thing)
		if there == remains.Absent || there == "" && each.thing == certs.RemainDisc {
			continue // there is nothing to clear
		}
		if each.thing == certs.RemainTPM && !clean {
			// One that could not be seen before may have come to light since.
			errs = append(errs, errDrivesFirst)
			if there == remains.Present {
				did = append(did, certs.Remain{Thing: each.thing, State: certs.RemainLeft, By: certs.ByOmbruk, Text: "not cleared: not every drive of this machine is sanitized"})
			}
			continue
		}
		r, err := b.source.Clear(ctx, b.machine, each.thing)
		switch {
		case err != nil:
			errs = append(errs, err)
		case each.thing == certs.RemainTPM && r.State == certs.RemainLeft:
			errs = append(errs, errors.New(r.Text))
		}
		if r.State != "" {
			did = append(did, r)
		}
	}
	var last []remains.Seen
	if b.source != nil {
		m := b.machine
		if drives, err := b.rig.Drives(ctx); err == nil {
			m.Drives = drives
		}
		last = b.source.Look(ctx, m)
	}
	return remains.Decide(b.first, last, did, byHand), errors.Join(errs...)
}

// allClean reports whether every drive of a machine was sanitized, and none may
// be there that nobody saw.
func allClean(m inventory.Machine, done []certs.UnitDrive) bool {
	return !slices.ContainsFunc(done, func(u certs.UnitDrive) bool { return !u.Outcome.Clean() }) &&
		!slices.ContainsFunc(inventory.Unseen(m), inventory.Reason.Hides)
}
