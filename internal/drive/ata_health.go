package drive

import (
	"context"
	"fmt"

	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/inventory"
)

// askHealth reads what the drive tells of its health: its verdict, attributes
// with their thresholds, statistics, and the logs of self-tests and of pending
// defects. Only its verdict's and its attributes' commands are older than the
// logs; a drive need not have any.
func (a *ataFirmware) askHealth(ctx context.Context, id ata.Identify, ab *inventory.Abilities) error {
	h := inventory.SMART{}
	told := false
	logs := id.GPL && id.Has48Bit
	if id.SMART && id.SMARTOn {
		answer, err := a.drive.Do(ctx, ata.SMARTReturnStatus())
		if undelivered(err) {
			return err
		}
		if err == nil {
			if passed, err := ata.ParseSMARTStatus(*answer.Registers); err == nil {
				h.Passed, told = &passed, true
			}
		}
		took, err := a.attributes(ctx, id, &h)
		if err != nil {
			return err
		}
		tested, err := a.selfTests(ctx, logs, &h)
		if err != nil {
			return err
		}
		told = told || took || tested
	}
	if logs && a.hasLog(ctx, ata.LogStatistics) {
		told = a.statistics(ctx, id, &h) || told
	}
	if logs && a.hasLog(ctx, ata.LogPendingDefects) {
		if b, err := a.drive.Log(ctx, ata.LogPendingDefects, 0, 1); err == nil {
			if n, err := ata.ParsePendingDefects(b); err == nil {
				h.TakePending(n)
				told = true
			}
		} else {
			ab.Notes = append(ab.Notes, fmt.Sprintf("the log of pending defects cannot be read: %v", err))
		}
	}
	if told {
		h.Settle()
		ab.Health = &h
	}
	return nil
}

// attributes reads attributes and thresholds. Its error means that the drive
// was not reached.
func (a *ataFirmware) attributes(ctx context.Context, id ata.Identify, h *inventory.SMART) (told bool, err error) {
	b, err := a.drive.Read(ctx, ata.SMARTReadData())
	if undelivered(err) {
		return false, err
	}
	as, perr := ata.ParseSMARTData(b)
	if err != nil || perr != nil {
		return false, nil
	}
	thresholds := map[byte]byte{}
	t, err := a.drive.Read(ctx, ata.SMARTReadThresholds())
	if undelivered(err) {
		return false, err
	}
	if ts, perr := ata.ParseSMARTThresholds(t); err == nil && perr == nil {
		thresholds = ts
	}
	var list []inventory.ATAAttribute
	for n := range 256 {
		at, ok := as[byte(n)]
		if !ok {
			continue
		}
		threshold := -1
		if v, ok := thresholds[byte(n)]; ok {
			threshold = int(v)
		}
		list = append(list, inventory.ATAAttribute{ID: n, Value: int(at.Value), Worst: int(at.Worst), Threshold: threshold, Raw: at.Raw})
	}
	media := inventory.MediaUnknown
	switch {
	case id.Rotation == 1:
		media = inventory.MediaFlash
	case id.Rotation > 1:
		media = inventory.MediaMagnetic
	}
	h.TakeAttributes(id.Model, media, list)
	if status, err := ata.SelfTestStatus(b); err == nil && ata.SelfTestFailed(status) {
		h.SelfTest = &inventory.SelfTest{Last: inventory.SelfTestFailed, Failures: 1, HoursWrap: true}
	}
	return true, nil
}

// selfTestPages is as much of the extended log as is read: drives that have
// more than one page are rare, and 76 tests tell enough.
const selfTestPages = 4

// selfTests reads the log of self-tests, the extended one where there is one.
// Its error means that the drive was not reached.
func (a *ataFirmware) selfTests(ctx context.Context, logs bool, h *inventory.SMART) (told bool, err error) {
	var tests []ata.SelfTest
	found := false
	if logs {
		if b, derr := a.drive.Log(ctx, ata.LogDirectory, 0, 1); derr == nil {
			if pages, perr := ata.ParseLogDirectory(b, ata.LogExtendedSelfTest); perr == nil && pages > 0 && pages <= selfTestPages {
				if b, err := a.drive.Log(ctx, ata.LogExtendedSelfTest, 0, pages); err == nil {
					tests, err = ata.ParseExtendedSelfTestLog(b)
					found = err == nil
				}
			}
		}
	}
	if !found {
		b, err := a.drive.Read(ctx, ata.SMARTReadLog(ata.LogSelfTest, 1))
		if undelivered(err) {
			return false, err
		}
		if err != nil {
			return false, nil
		}
		if tests, err = ata.ParseSelfTestLog(b); err != nil {
			return false, nil
		}
	}
	var log []inventory.SelfTestResult
	for _, t := range tests {
		log = append(log, inventory.SelfTestResult{Passed: t.Passed() && !t.ByMaker(), Failed: t.Failed(), Extended: t.Extended(), Hours: int64(t.Hours)})
	}
	if of := inventory.SelfTestsFrom(log, true); h.SelfTest == nil || of.Failures > 0 {
		h.SelfTest = of
	}
	return true, nil
}

// statistics reads the Device Statistics log (ACS-4, 9.5).
func (a *ataFirmware) statistics(ctx context.Context, id ata.Identify, h *inventory.SMART) (told bool) {
	const long = 24 // the one with more than 32 bits, in page 1
	for _, p := range []struct {
		page    byte
		offsets []int
	}{
		{ata.PageGeneral, []int{8, 16, long}}, {ata.PageRotating, []int{32, 56}}, {ata.PageErrors, []int{8}},
		{ata.PageTemperature, []int{8, 32}}, {ata.PageTransport, []int{24}}, {ata.PageSolidState, []int{8}},
	} {
		b, err := a.drive.Log(ctx, ata.LogStatistics, uint16(p.page), 1)
		if err != nil {
			continue
		}
		page, err := ata.ParsePage(b, p.page)
		if err != nil {
			continue
		}
		told = true
		for _, at := range p.offsets {
			n := page.Statistic(at)
			if n == nil {
				continue
			}
			switch {
			case p.page == ata.PageTemperature:
				*n = int64(int8(*n))
			case p.page == ata.PageSolidState:
				*n &= 0xff
			case p.page != ata.PageGeneral || at != long:
				*n &= 0xffffffff
			}
			h.TakeStatistic(p.page, at, page.Normalised(at), *n, int64(id.LogicalBlockBytes))
		}
	}
	return told
}

func prefer(to **int64, n *int64) {
	if n != nil {
		*to = n
	}
}
