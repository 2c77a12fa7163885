package main

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/record"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/report"
)

// station gets everything ready that a record needs, before any drive is
// touched: the key, the chain, the output folder. A station without a key gets
// one of its own, which nobody vouches for.
func (a *app) station(mode certs.Mode) (*job.Station, error) {
	text, err := a.text()
	if err != nil {
		return nil, err
	}
	dir, err := a.keysDir()
	if err != nil {
		return nil, err
	}
	ask := func() ([]byte, error) {
		if a.unlocked != nil {
			return a.unlocked, nil
		}
		return a.passphrase("station key", false)
	}
	signer, created, err := certs.OpenKeys(dir).Signer(ask, a.now(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if created {
		a.note("made a local station key in %s; nobody vouches for it, so its pages say that the issuer is not established (ombruk keys init makes an organisation's key)", dir)
	}
	trust, err := certs.OpenKeys(dir).Trust()
	if err != nil {
		return nil, err
	}
	folder, err := record.OpenFolder(a.flags.out)
	if err != nil {
		return nil, fail(exitError, "name a folder that can be written to and has room: --out DIR", err)
	}
	state, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	chain, err := record.OpenChain(filepath.Join(state, chainDir), signer.ID())
	if err != nil {
		return nil, err
	}
	pending, err := record.OpenPending(filepath.Join(state, pendingDir))
	if err != nil {
		return nil, err
	}
	pages, err := report.New(text)
	if err != nil {
		return nil, err
	}
	source, trusted := a.clock(signer)
	return &job.Station{
		Signer: signer, Chain: chain, Pending: pending, Folder: folder, Pages: pages, Trust: trust, Mode: mode, Language: text.Tag(),
		Tool: certs.Tool{Name: "ombruk", Version: toolVersion(), Commit: toolCommit()},
		Now:  a.now, Rand: rand.Reader, ClockSource: source, ClockTrusted: trusted,
		PageSlots: make(chan struct{}, runtime.NumCPU()),
	}, nil
}

// The folders of a station's chain and of what its runs leave for later ones,
// in its state folder.
const (
	chainDir   = "chain"
	pendingDir = "pending"
)

// stateDir is where a station keeps what changes: beside its keys, but on a
// boot stick, whose keys lie in memory.
func (a *app) stateDir() (string, error) {
	if a.state != "" {
		return a.state, nil
	}
	return a.keysDir()
}

// clock says how far this machine's clock is to be believed: only when a time
// service keeps it, and it is not before the station's key was made. Returned
// computers often have an empty clock battery and start in 1980.
func (a *app) clock(s *certs.Signer) (source string, trusted bool) {
	if a.clockSource != "" {
		return a.clockSource, false
	}
	if a.now().Before(s.Certificate().NotBefore) {
		a.note("this machine's clock says %s, which is before the station's key was made; the records will say that their time is not to be trusted", a.now().UTC().Format(time.DateOnly))
		return "system", false
	}
	if kernel.Synchronized() {
		return "system-synchronized", true
	}
	return "system", false
}

// recover closes what an earlier run left open in the output folder. It makes
// no folder and no key when there is nothing to close.
func (a *app) recover(mode certs.Mode) error {
	// A folder that cannot be listed is told about when a record is to go there.
	if left, err := record.StartedIDs(a.flags.out); err != nil || len(left) == 0 {
		return nil
	}
	station, err := a.station(mode)
	if err != nil {
		return err
	}
	// One bad leftover must not stop the day's work: it stays where it is,
	// verify shows it, and the run goes on.
	if err := station.Recover(a.show); err != nil {
		a.note("%v", err)
	}
	return nil
}

// order gathers what the records of this machine have in common.
func (a *app) order(f *jobFlags, p policy.Policy, agency certs.Agency, b *batch) (job.Order, error) {
	o := job.Order{
		Agency: agency, Order: a.flags.order, AssetTag: a.flags.asset,
		Policy: certs.Policy{Name: p.Name, SHA256: p.SHA256}, Stall: p.Stall,
		Confidentiality: f.confidentiality, KeepKey: f.keepKey, Every: a.progressEvery(),
	}
	performer := certs.Person{Name: a.flags.operator, Title: f.title, Organisation: b.station.Signer.Organisation(), Date: a.now().UTC().Format(time.DateOnly), Place: f.place, Contact: f.contact}
	return session.Order(o, b.machine, performer, rand.Reader)
}

// worse gives the exit code that counts when several apply: 6, 4, 1, 5, 3.
func worse(a, b int) int {
	for _, code := range []int{exitEvidence, exitDataFound, exitError, exitCancelled, exitRefused, exitNotClean} {
		if a == code || b == code {
			return code
		}
	}
	return max(a, b)
}

// exitOf is the exit code of one finished drive.
func exitOf(d job.Done) int {
	switch {
	case d.Record.Verification.Mismatches > 0:
		return exitDataFound
	case errors.Is(d.Err, context.Canceled):
		return exitCancelled
	case !d.Record.Fulfilled || len(d.Record.Exceptions) > 0:
		return exitNotClean
	}
	return exitOK
}
