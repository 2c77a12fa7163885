package drive

import (
	"context"
	"fmt"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// Abilities implements erase.Firmware.
func (f *scsiFirmware) Abilities(ctx context.Context) (inventory.Abilities, error) {
	var ab inventory.Abilities
	err := patiently(ctx, f.host, func() (err error) {
		ab, err = f.ask(ctx)
		return err
	})
	return ab, err
}

// ask asks everything once. Its error means that the drive was not reached.
func (f *scsiFirmware) ask(ctx context.Context) (inventory.Abilities, error) {
	ab := inventory.Abilities{
		Protocol: "scsi", Through: f.through, Erasers: []inventory.Eraser{},
		Sanitize: inventory.SanitizeState{ProgressPPM: -1}, Notes: append([]string{}, f.notes...),
	}
	if f.silent {
		return ab, nil
	}
	if err := f.same(ctx); err != nil {
		return ab, err
	}
	for _, ask := range []func(context.Context, *inventory.Abilities) error{f.askErasers, f.askEngine, f.askBlocks, f.askHidden, f.askUnits, f.askHealth} {
		if err := ask(ctx, &ab); err != nil && (undelivered(err) || ctx.Err() != nil) {
			return ab, err
		} else if err != nil {
			ab.Notes = append(ab.Notes, err.Error())
		}
	}
	if has, known, err := f.unit.Supports(ctx, 0xa2, -1); f.through == "" && err == nil && (has || !known) {
		tcgAbilities(ctx, securityProtocol{f.unit}, &ab)
	}
	return ab, nil
}

// askErasers adds the erase commands. Which service actions SANITIZE has is
// told only by REPORT SUPPORTED OPERATION CODES.
func (f *scsiFirmware) askErasers(ctx context.Context, ab *inventory.Abilities) error {
	unknown := false
	for _, c := range []inventory.EraseCommand{inventory.SCSISanitizeCrypto, inventory.SCSISanitizeBlock, inventory.SCSISanitizeOverwrite} {
		_, action, _ := scsiErase(c)
		has, known, err := f.unit.Supports(ctx, scsi.SanitizeOpCode, int(action))
		if err != nil {
			return err
		}
		unknown = unknown || !known
		if has {
			ab.Erasers = append(ab.Erasers, inventory.Eraser{Command: c, WholeDrive: true})
			ab.Encrypts = ab.Encrypts || c == inventory.SCSISanitizeCrypto
		}
	}
	format := inventory.Eraser{Command: inventory.SCSIFormat, WholeDrive: true}
	if f.through != "" {
		format.Blocked = "behind a " + f.through + " FORMAT UNIT may be reported done and do nothing"
	}
	has, known, err := f.unit.Supports(ctx, 0x04, -1)
	if err != nil {
		return err
	}
	if has || !known {
		ab.Erasers = append(ab.Erasers, format)
	}
	if unknown {
		ab.Notes = append(ab.Notes, "the drive does not list its commands (REPORT SUPPORTED OPERATION CODES), so whether it has SANITIZE is not known")
	}
	return nil
}

func (f *scsiFirmware) askEngine(ctx context.Context, ab *inventory.Abilities) error {
	now, err := f.engine(ctx)
	if err != nil {
		return err
	}
	sanitizes := false
	for i, e := range ab.Erasers {
		sanitizes = sanitizes || e.Command != inventory.SCSIFormat
		if e.Command == inventory.SCSIFormat && e.Blocked == "" && now.sanitizing && now.state == erase.StateFailed {
			ab.Erasers[i].Blocked = "its last sanitize failed, and until one succeeds it takes nothing else"
		}
	}
	ab.Sanitize.Raw = now.said
	switch {
	case now.sanitizing && now.state == erase.StateFailed:
		ab.Sanitize.State = inventory.SanitizeFailed
	case now.sanitizing:
		ab.Sanitize.State, ab.Sanitize.ProgressPPM = inventory.SanitizeRunning, now.ppm
	case now.formatting && now.state == erase.StateRunning:
		// As with a sanitize, it is awaited and not disturbed.
		ab.Sanitize.State, ab.Sanitize.ProgressPPM = inventory.SanitizeRunning, now.ppm
		ab.Sanitize.Command = inventory.SCSIFormat
	case !sanitizes:
		ab.Sanitize.Raw = ""
	case now.state == erase.StateIdle:
		ab.Sanitize.State = inventory.SanitizeIdle
	default:
		ab.Sanitize.State = inventory.SanitizeUnknown
	}
	return nil
}

// linuxReads reports whether Linux can read blocks of this size.
func linuxReads(blockBytes uint32) bool {
	return blockBytes == 512 || blockBytes == 1024 || blockBytes == 2048 || blockBytes == 4096
}

// askBlocks finds blocks that Linux cannot read, and zones.
func (f *scsiFirmware) askBlocks(ctx context.Context, ab *inventory.Abilities) error {
	inq, err := f.unit.Inquiry(ctx)
	if err != nil {
		return fmt.Errorf("inquiry: %w", err)
	}
	if page, err := f.unit.VPD(ctx, 0xb1); undelivered(err) {
		return err
	} else if c, perr := scsi.ParseVPDB1(page); err == nil && perr == nil && c.Zoned == 1 {
		ab.Zoned = "host-aware"
	}
	if inq.Type == scsi.TypeHostManaged {
		ab.Zoned = "host-managed"
	}
	capacity, err := f.unit.Capacity(ctx)
	if err != nil {
		return fmt.Errorf("read capacity: %w", err)
	}
	if !linuxReads(capacity.BlockBytes) {
		ab.BlockBytes = int(capacity.BlockBytes)
		if f.stuck != "" {
			ab.Notes = append(ab.Notes, f.stuck)
		}
	}
	return nil
}

// askUnits lists the drive's other logical units.
func (f *scsiFirmware) askUnits(ctx context.Context, ab *inventory.Abilities) error {
	b, err := f.unit.In(ctx, scsi.ReportLUNs(1024))
	if undelivered(err) {
		return err
	}
	luns, perr := scsi.ParseReportLUNs(b)
	if err != nil || perr != nil || len(luns) < 2 {
		return nil // a single unit need not know the command
	}
	// Which of them is ours is not said; the inventory knows the others'
	// nodes, in no order that is told, so they are named by node.
	for i := range len(luns) - 1 {
		s := inventory.Space{Name: fmt.Sprintf("further logical unit %d of %d", i+1, len(luns)-1), Reach: "none"}
		if i < len(f.facts.Siblings) {
			s.Path, s.Reach = f.facts.Siblings[i], "node"
		}
		ab.Spaces = append(ab.Spaces, s)
	}
	return nil
}

// askHealth reads the log pages that the drive says it has.
func (f *scsiFirmware) askHealth(ctx context.Context, ab *inventory.Abilities) error {
	b, err := f.unit.Log(ctx, scsi.LogSupported)
	if undelivered(err) {
		return err
	}
	pages, perr := scsi.ParseSupportedLogs(b)
	if err != nil || perr != nil {
		return nil
	}
	h, told := inventory.SMART{}, false
	add := func(to **int64, n *int64) {
		if n != nil {
			sum := *n
			if *to != nil {
				sum += **to
			}
			*to = known(sum)
		}
	}
	for _, page := range pages {
		take := map[byte]func(scsi.Parameters){
			scsi.LogWriteErrors: func(p scsi.Parameters) {
				add(&h.ReportedUncorrectable, p.Uncorrected())
				prefer(&h.WrittenBytes, p.Bytes())
			},
			scsi.LogReadErrors:   func(p scsi.Parameters) { add(&h.ReportedUncorrectable, p.Uncorrected()) },
			scsi.LogVerifyErrors: func(p scsi.Parameters) { add(&h.ReportedUncorrectable, p.Uncorrected()) },
			scsi.LogTemperature:  func(p scsi.Parameters) { prefer(&h.TemperatureCelsius, p.Temperature()) },
			scsi.LogStartStop:    func(p scsi.Parameters) { prefer(&h.PowerCycles, p.Starts()) },
			scsi.LogSolidState:   func(p scsi.Parameters) { prefer(&h.PercentUsed, p.PercentUsed()) },
			scsi.LogBackground: func(p scsi.Parameters) {
				if n := p.PoweredMinutes(); n != nil {
					h.PowerOnHours = known(*n / 60)
				}
				prefer(&h.Pending, p.Unreplaced())
			},
			scsi.LogSelfTest: func(p scsi.Parameters) {
				var log []inventory.SelfTestResult
				for _, t := range p.SelfTests() {
					log = append(log, inventory.SelfTestResult{Passed: t.Passed(), Failed: t.Failed(), Extended: t.Extended(), Hours: int64(t.Hours)})
				}
				h.SelfTest = inventory.SelfTestsFrom(log, true)
			},
			scsi.LogInformation: func(p scsi.Parameters) {
				if fails := p.Predicts(); fails != nil {
					passed := !*fails
					h.Passed = &passed
				}
			},
		}[page]
		if take == nil {
			continue
		}
		b, err := f.unit.Log(ctx, page)
		if undelivered(err) {
			return err
		}
		if p, perr := scsi.ParseLog(b, page); err == nil && perr == nil {
			take(p)
			told = true
		}
	}
	if b, err := f.unit.In(ctx, scsi.ReadGrownDefects()); err == nil {
		if n, err := scsi.ParseDefectCount(b); err == nil {
			h.Reallocated, told = &n, true
		}
	} else if undelivered(err) {
		return err
	}
	if told {
		h.Settle()
		ab.Health = &h
	}
	return nil
}
