package erase_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

var everyCommand = []inventory.EraseCommand{
	inventory.ATASanitizeCrypto, inventory.ATASanitizeBlock, inventory.ATASanitizeOverwrite, inventory.ATASecurityErase, inventory.ATASecurityEraseEnhanced,
	inventory.SCSISanitizeCrypto, inventory.SCSISanitizeBlock, inventory.SCSISanitizeOverwrite, inventory.SCSIFormat,
	inventory.NVMeSanitizeCrypto, inventory.NVMeSanitizeBlock, inventory.NVMeSanitizeOverwrite, inventory.NVMeFormatUser, inventory.NVMeFormatCrypto,
	inventory.TCGRevert, inventory.TCGPSIDRevert, inventory.MMCSanitize, inventory.MMCSecureErase, inventory.MMCErase, inventory.SDErase, "made-up",
}

var everyMedia = []inventory.Media{inventory.MediaUnknown, inventory.MediaMagnetic, inventory.MediaFlash, inventory.MediaImage, inventory.MediaOptical}

// anyDrive is a drive that says anything a drive could say, also what makes no
// sense together.
func anyDrive(t *rapid.T) inventory.Drive {
	d := inventory.Drive{
		Path: "/dev/x", Serial: "S", Media: rapid.SampledFrom(everyMedia).Draw(t, "media"),
		Bus:           rapid.SampledFrom([]inventory.Bus{inventory.BusATA, inventory.BusNVMe, inventory.BusMMC, inventory.BusUSB, inventory.BusSAS}).Draw(t, "bus"),
		CapacityBytes: rapid.Int64Range(-1, 1<<50).Draw(t, "capacity"), LogicalBlockBytes: 512,
		Siblings: rapid.SliceOfN(rapid.SampledFrom([]string{"/dev/x", "/dev/y", "/dev/z", ""}), 0, 3).Draw(t, "siblings"),
	}
	if rapid.IntRange(0, 19).Draw(t, "asked") == 0 {
		return d
	}
	flag := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, name) == 0 }
	hidden := func(name string) *int64 {
		if !flag(name + " told") {
			return nil
		}
		n := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(-10, 1<<40), rapid.Just(int64(1<<63-1))).Draw(t, name)
		return &n
	}
	a := &inventory.Abilities{
		Protocol: rapid.SampledFrom([]string{"ata", "scsi", "nvme", "mmc", ""}).Draw(t, "protocol"),
		Through:  rapid.SampledFrom([]string{"", "", "usb bridge", "sas adapter"}).Draw(t, "through"),
		Hidden:   inventory.Hidden{HPABytes: hidden("hpa"), DCOBytes: hidden("dco"), AMABytes: hidden("ama"), Stuck: rapid.SampledFrom([]string{"", "", "frozen", "refused"}).Draw(t, "stuck")},
		Security: inventory.Security{
			Supported: flag("supported"), Enabled: flag("enabled"), Locked: flag("locked"), Frozen: flag("frozen"), AttemptsUsedUp: flag("attempts"),
			MasterOnly: flag("master only"), BlockedSID: flag("blocked SID"),
			Kind: rapid.SampledFrom([]string{"", "ata", "tcg-opal", "tcg-opal-2", "tcg-enterprise", "tcg-pyrite-1", "tcg-pyrite-2", "mmc"}).Draw(t, "kind"),
		},
		Sanitize: inventory.SanitizeState{
			State:   rapid.SampledFrom([]string{"", "idle", "running", "succeeded", "failed", "unknown", "media-verification", "?"}).Draw(t, "sanitize"),
			Command: rapid.SampledFrom(append(everyCommand, "", "")).Draw(t, "sanitizing"),
		},
		Encrypts: flag("encrypts"), Zoned: rapid.SampledFrom([]string{"", "", "", "host-managed", "zns", "host-aware"}).Draw(t, "zoned"),
		BlockBytes: rapid.SampledFrom([]int{0, 0, 520, 528, 4224}).Draw(t, "block"),
	}
	for range rapid.IntRange(0, 6).Draw(t, "erasers") {
		a.Erasers = append(a.Erasers, inventory.Eraser{
			Command: rapid.SampledFrom(everyCommand).Draw(t, "command"), EstimateSeconds: rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 10_000), rapid.Int64()).Draw(t, "estimate"),
			WholeDrive: flag("whole"), PurgeOrFail: flag("purge or fail"), OpensMedia: flag("opens media"),
			Blocked: rapid.SampledFrom([]string{"", "", "", "frozen", "locked", "restricted by SANITIZE FREEZE LOCK", "sanitize in progress", "needs the PSID", "\x1b[2J"}).Draw(t, "blocked"),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "spaces") {
		a.Spaces = append(a.Spaces, inventory.Space{
			Name: rapid.SampledFrom([]string{"namespace 2", "namespace 3", "boot partition 1", "RPMB", ""}).Draw(t, "space"),
			Path: rapid.SampledFrom([]string{"", "/dev/x", "/dev/y"}).Draw(t, "path"), Reach: rapid.SampledFrom([]string{"node", "drive", "none", ""}).Draw(t, "reach"),
			SizeBytes: rapid.Int64().Draw(t, "size"),
		})
	}
	d.Abilities = a
	return d
}

func anyOrder(t *rapid.T, d inventory.Drive) erase.Order {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	o := erase.Order{
		Standard: rapid.SampledFrom(erase.Standards()).Draw(t, "standard"), BestEffort: rapid.IntRange(0, 3).Draw(t, "best effort") == 0,
		Accept: rapid.SampledFrom([]erase.Method{erase.MethodNone, erase.Clear, erase.Purge}).Draw(t, "accept"),
		Verify: rapid.SampledFrom([]erase.VerifyMode{"", "", erase.VerifyFull, erase.VerifySample, erase.VerifyNone}).Draw(t, "verify"),
		Rules: erase.Rules{
			Purge:    map[inventory.EraseCommand][]inventory.Media{},
			ReadBack: map[erase.Technique]erase.VerifyMode{erase.CryptoErase: erase.VerifySample},
		},
		Together: flag("together"), Password: flag("password"), PSID: flag("PSID"), Thaw: flag("thaw"),
	}
	o.Rules.GoOn = rapid.SampledFrom([]erase.GoOn{"", erase.GoOnNever, erase.GoOnOnePass, erase.GoOnAllPasses}).Draw(t, "go on")
	switch rapid.IntRange(0, 3).Draw(t, "journal") {
	case 0:
		o.Resume = &erase.Journal{Command: rapid.SampledFrom(append(everyCommand, "")).Draw(t, "resume command"), Accepted: true}
	case 1:
		o.Resume = &erase.Journal{SizeBytes: rapid.Int64Range(-1, 1<<50).Draw(t, "journal size"), Written: &erase.Written{
			Standard: rapid.SampledFrom(erase.Standards()).Draw(t, "journal standard").ID, Of: rapid.IntRange(-1, 8).Draw(t, "of"),
			Pass: rapid.IntRange(-1, 8).Draw(t, "pass"), SyncedBytes: rapid.Int64Range(-1, 1<<50).Draw(t, "synced"),
		}}
		if flag("journal fits") {
			if flag("by host") {
				o.Command, o.Accept, o.AcceptBy, o.Verify = erase.OverwriteCommand, erase.Clear, "test", ""
			}
			o.Resume.Written.Standard, o.Resume.Written.Of = o.Standard.ID, len(o.Standard.Passes)
			o.Resume.SizeBytes = d.CapacityBytes
			if a := d.Abilities; a != nil && a.Hidden.Bytes() > 0 {
				o.Resume.SizeBytes += a.Hidden.Bytes()
			}
			pages := max(o.Resume.SizeBytes/4096, 0)
			o.Resume.Written.Pass = rapid.IntRange(1, o.Resume.Written.Of).Draw(t, "fitting pass")
			o.Resume.Written.SyncedBytes = rapid.Int64Range(0, pages).Draw(t, "fitting synced") * 4096
		}
	}
	for _, c := range everyCommand {
		o.Rules.Purge[c] = rapid.SliceOfN(rapid.SampledFrom(everyMedia), 0, 3).Draw(t, "purge on")
	}
	o.Rules.OverwriteAfter = rapid.SliceOfN(rapid.SampledFrom(everyCommand), 0, 3).Draw(t, "overwrite after")
	return o
}

// What every plan keeps to, whatever the drive says and whatever is ordered.
func TestEveryPlanKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDrive(t)
		o := anyOrder(t, d)
		p, err := erase.MakePlan(d, o)
		keepsRefusals(t, p, err, o)
		keepsMethod(t, p, d, o)
		keepsOrder(t, p)
		keepsLocks(t, p, d, o)
		keepsReadBack(t, p)
		keepsGoingOn(t, p, o)
		for i := range p.Fallbacks {
			if i > 0 && p.Fallbacks[i].Method > p.Fallbacks[i-1].Method || p.Fallbacks[i].Method == erase.MethodNone || p.Fallbacks[i].Standard == "" {
				t.Fatalf("fallbacks %+v", p.Fallbacks)
			}
		}
		for _, word := range []string{"approved", "certified", "compliant"} {
			if strings.Contains(strings.ToLower(p.Reference), word) {
				t.Fatalf("%q claims too much", p.Reference)
			}
		}
		for _, f := range erase.Reach(d, o.Rules) {
			if f.Method == erase.Purge && !allowed(d, o.Rules, f.Command) {
				t.Fatalf("reach claims %+v", f)
			}
		}
		if p.Bytes() < 0 || len(p.Outline()) > len(p.Steps) {
			t.Fatalf("%d bytes, %q", p.Bytes(), p.Outline())
		}
	})
}

func keepsRefusals(t *rapid.T, p erase.Plan, err error, o erase.Order) {
	if err == nil {
		if len(p.Steps) == 0 || p.Technique == erase.TechniqueNone {
			t.Fatalf("a plan of nothing: %+v", p)
		}
		if !o.BestEffort && (p.Achieves < p.Accepted || p.Achieves == erase.MethodNone) {
			t.Fatalf("reaches %v, accepted is %v", p.Achieves, p.Accepted)
		}
		return
	}
	var r *erase.RefusedError
	if !errors.As(err, &r) || r.Detail == "" || r.Hint == "" || r.Path == "" || r.Reason == nil {
		t.Fatalf("refused without a way out: %#v", err)
	}
	if !slices.Contains([]error{erase.ErrOutOfReach, erase.ErrFrozen, erase.ErrLocked, erase.ErrNamespaces}, r.Reason) {
		t.Fatalf("reason %v", r.Reason)
	}
	if !strings.Contains(r.Hint, "destruction") {
		t.Fatalf("hint %q", r.Hint)
	}
}

// allowed reports whether the policy lets a command count as Purge on a drive.
func allowed(d inventory.Drive, rules erase.Rules, c inventory.EraseCommand) bool {
	m := d.Media
	if m == inventory.MediaUnknown {
		m = inventory.MediaFlash
	}
	return (m == inventory.MediaFlash || m == inventory.MediaMagnetic) && slices.Contains(rules.Purge[c], m) && erase.CheckPurge(c, m) == nil
}

func keepsMethod(t *rapid.T, p erase.Plan, d inventory.Drive, o erase.Order) {
	if p.Achieves <= erase.MethodNone {
		return
	}
	if p.Command == "" && p.Achieves != erase.Clear {
		t.Fatalf("overwriting by the host reaches %v", p.Achieves)
	}
	if p.Achieves == erase.Purge && !allowed(d, o.Rules, p.Command) {
		t.Fatalf("%s on %s is not Purge by this policy", p.Command, d.Media)
	}
	a := d.Abilities
	if a == nil {
		return
	}
	revert := p.Command == inventory.TCGRevert || p.Command == inventory.TCGPSIDRevert
	if revert && (a.Security.Kind == "tcg-pyrite-1" || p.Achieves == erase.Purge && (!a.Encrypts || a.Security.Kind == "tcg-pyrite-2" || !has1(p, erase.StepMark))) {
		t.Fatalf("a revert of %+v, encrypting %v, reaches %v", a.Security, a.Encrypts, p.Achieves)
	}
	if a.Through == "usb bridge" && p.Command == inventory.SCSIFormat {
		t.Fatal("formatting through a USB bridge reaches something")
	}
	var hidden bool
	for _, n := range []*int64{a.Hidden.HPABytes, a.Hidden.DCOBytes, a.Hidden.AMABytes} {
		hidden = hidden || n != nil && *n > 0
	}
	covers := strings.Contains(string(p.Command), "sanitize-") || p.Command == inventory.ATASecurityEraseEnhanced
	if hidden && !has1(p, erase.StepReveal) && !covers {
		t.Fatalf("%s leaves a hidden area: %+v", p.Command, a.Hidden)
	}
}

func has1(p erase.Plan, k erase.StepKind) bool {
	return slices.ContainsFunc(p.Steps, func(s erase.Step) bool { return s.Kind == k })
}

// keepsOrder: steps come in the order of their kinds; only where a policy asks
// for overwriting after an erase, that comes after a look at what it did.
func keepsOrder(t *rapid.T, p erase.Plan) {
	kinds := []erase.StepKind{erase.StepThaw, erase.StepUnlock, erase.StepAwait, erase.StepLeave, erase.StepReveal, erase.StepContinue, erase.StepMark, erase.StepErase, erase.StepOverwrite, erase.StepReadBack}
	last, count := -1, map[erase.StepKind]int{}
	for i, s := range p.Steps {
		if again := i+2 < len(p.Steps) && s.Kind == erase.StepErase && p.Steps[i+1].Kind == erase.StepMark && p.Steps[i+2].Command == s.Command; again {
			if p.Drive.Abilities.Sanitize.State != inventory.SanitizeFailed {
				t.Fatal("erases twice")
			}
			continue // once to be written again, and once to prove it
		}
		count[s.Kind]++
		at := slices.Index(kinds, s.Kind)
		looked := s.Kind == erase.StepOverwrite && i > 0 && p.Steps[i-1].Kind == erase.StepReadBack && p.Steps[i-1].Expect != erase.ExpectWritten
		if at < 0 || at < last && !looked || s.Title == "" || s.Bytes < 0 {
			t.Fatalf("step %d of %q is out of order: %+v", i+1, p.Outline(), s)
		}
		last = at
		if (s.Kind == erase.StepReadBack) != (s.Expect != "") || (s.Kind == erase.StepReadBack) != (s.Verify != "") || s.EstimateSeconds < 0 {
			t.Fatalf("step %+v", s)
		}
	}
	for _, k := range kinds {
		if count[k] > 1 && k != erase.StepOverwrite && k != erase.StepReadBack {
			t.Fatalf("%d steps of %s", count[k], k)
		}
	}
}

func keepsLocks(t *rapid.T, p erase.Plan, d inventory.Drive, o erase.Order) {
	if has1(p, erase.StepThaw) && !o.Thaw {
		t.Fatal("suspends a machine that nobody allowed to be suspended")
	}
	if has1(p, erase.StepUnlock) && !o.Password && !o.PSID && o.Resume == nil {
		t.Fatal("unlocks with nothing")
	}
	a := d.Abilities
	if a == nil || len(p.Steps) == 0 {
		return
	}
	s := a.Security
	securityErase := p.Command == inventory.ATASecurityErase || p.Command == inventory.ATASecurityEraseEnhanced
	if s.Locked && !has1(p, erase.StepUnlock) && !(securityErase && s.MasterOnly && o.Password) && has1(p, erase.StepErase) {
		t.Fatal("erases a locked drive without a key")
	}
	if s.Locked && p.Command == "" && !has1(p, erase.StepUnlock) {
		t.Fatal("overwrites a locked drive")
	}
	if s.Frozen && securityErase && !has1(p, erase.StepThaw) {
		t.Fatal("gives a frozen drive a security erase")
	}
	for _, step := range p.Steps {
		if step.Kind != erase.StepErase {
			continue
		}
		i := slices.IndexFunc(a.Erasers, func(e inventory.Eraser) bool { return e.Command == step.Command })
		if i < 0 {
			t.Fatalf("%s is not offered", step.Command)
		}
		others := slices.ContainsFunc(d.Siblings, func(s string) bool { return s != "" && s != d.Path && d.Bus != inventory.BusMMC && !bootAt(a, s) })
		if a.Erasers[i].WholeDrive && others && !o.Together {
			t.Fatal("erases namespaces that were not named")
		}
		if running := a.Sanitize.State == inventory.SanitizeRunning; running && !has1(p, erase.StepAwait) {
			t.Fatal("starts an erase while another runs")
		}
		if o.Resume != nil && o.Resume.Written == nil && strings.HasSuffix(string(o.Resume.Command), "-overwrite") && has1(p, erase.StepAwait) && a.Sanitize.Command == o.Resume.Command && p.Command == o.Resume.Command && p.Standard.Method == erase.Purge && p.Achieves > erase.MethodNone {
			t.Fatal("starts a second overwrite by the drive after one of ours")
		}
	}
	if strings.HasPrefix(a.Zoned, "host-m") || a.Zoned == "zns" {
		if has1(p, erase.StepMark) || has1(p, erase.StepOverwrite) {
			t.Fatal("writes all over a drive that is written zone by zone")
		}
	}
}

func bootAt(a *inventory.Abilities, path string) bool {
	return slices.ContainsFunc(a.Spaces, func(s inventory.Space) bool { return s.Path == path && strings.HasPrefix(s.Name, "boot") })
}

// keepsGoingOn: what an earlier run wrote is only counted where all of it is read
// back and reading proves it; the rest of the work is still all there.
func keepsGoingOn(t *rapid.T, p erase.Plan, o erase.Order) {
	var written []erase.Step
	for _, s := range p.Steps {
		if s.Kind == erase.StepOverwrite {
			written = append(written, s)
		}
	}
	if !has1(p, erase.StepContinue) {
		for _, s := range written {
			if s.FromBytes != 0 {
				t.Fatalf("begins at %d without anything to go on with", s.FromBytes)
			}
		}
		return
	}
	j, passes := o.Resume, len(o.Standard.Passes)
	switch {
	case !p.Resumes() || !p.CanGoOn || p.Verify != erase.VerifyFull || p.Command != "" || p.Achieves > erase.Clear:
		t.Fatalf("goes on in plan %+v", p)
	case j.Policy != o.Rules.Policy || o.Rules.GoOn != erase.GoOnAllPasses && (o.Rules.GoOn != erase.GoOnOnePass || passes > 1):
		t.Fatalf("goes on under the rule %q, of %d passes", o.Rules.GoOn, passes)
	case len(written) != passes-j.Written.Pass+1:
		t.Fatalf("%d of %d passes are left after pass %d", len(written), passes, j.Written.Pass)
	case written[0].FromBytes+written[0].Bytes != j.SizeBytes || written[0].FromBytes > j.Written.SyncedBytes:
		t.Fatalf("goes on at %d of %d, and up to %d is done", written[0].FromBytes, j.SizeBytes, j.Written.SyncedBytes)
	}
	last := written[len(written)-1]
	if last.FromBytes > 0 && last.Pattern.Kind != erase.Random && (p.Drive.Media != inventory.MediaMagnetic || p.Drive.Discards || p.Drive.Bus == inventory.BusVirtual || p.Drive.Bus == inventory.BusFabric) {
		t.Fatalf("takes %s on %s for proved", last.Pattern, p.Drive.Media)
	}
	for _, s := range written[1:] {
		if s.FromBytes != 0 || s.Bytes != j.SizeBytes {
			t.Fatalf("a later pass is cut short: %+v", s)
		}
	}
}

func keepsReadBack(t *rapid.T, p erase.Plan) {
	n := len(p.Steps)
	if n == 0 {
		return
	}
	if p.Verify == erase.VerifyNone {
		if has1(p, erase.StepReadBack) && p.Steps[n-1].Kind == erase.StepReadBack {
			t.Fatal("reads back at the end although nobody asked for it")
		}
		if !slices.ContainsFunc(p.Why, func(w string) bool { return strings.Contains(w, "unproven") }) {
			t.Fatalf("does not say that it proves nothing: %q", p.Why)
		}
		return
	}
	last := p.Steps[n-1]
	if last.Kind != erase.StepReadBack || last.Verify != p.Verify {
		t.Fatalf("ends with %+v, verify %q", last, p.Verify)
	}
	for i, s := range p.Steps {
		if s.Kind != erase.StepReadBack {
			continue
		}
		if written := p.Steps[i-1].Kind == erase.StepOverwrite; written != (s.Expect == erase.ExpectWritten) {
			t.Fatalf("expects %s after %s", s.Expect, p.Steps[i-1].Kind)
		}
	}
	for i, s := range p.Steps {
		again := i+2 < len(p.Steps) && p.Steps[i+2].Kind == erase.StepErase
		if s.Kind == erase.StepErase && p.Steps[i+1].Kind != erase.StepReadBack && !again {
			t.Fatalf("%s follows the erase, and every trace of what it did is gone", p.Steps[i+1].Kind)
		}
	}
}
