package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// askHidden finds out whether the drive was made smaller than it is.
func (f *scsiFirmware) askHidden(ctx context.Context, ab *inventory.Abilities) error {
	if f.through != "" {
		return nil // there may be an ATA drive behind it, with areas of its own
	}
	shown, err := f.unit.Capacity(ctx)
	if err != nil {
		ab.Hidden.Stuck = f.stuckSmall
		return nil // as askBlocks says
	}
	blocks, err := f.hiddenBlocks(ctx, shown)
	if err != nil {
		return fmt.Errorf("whether the drive was made smaller than it is could not be asked: %w", err)
	}
	if blocks == nil {
		return nil
	}
	ab.Hidden.AMABytes = known(*blocks * int64(shown.BlockBytes))
	if *blocks > 0 {
		ab.Hidden.Stuck = f.stuckSmall
	}
	return nil
}

// hiddenBlocks is by how many blocks the drive was made smaller, by the NUMBER OF
// LOGICAL BLOCKS of MODE SELECT (SBC-4, 6.5.2); nil when it does not tell. A
// larger number among the default values tells. That there is no larger one does
// so only if the drive has block descriptors of its own for each kind of values,
// since many give the current one for all of them.
func (f *scsiFirmware) hiddenBlocks(ctx context.Context, shown scsi.Capacity) (*int64, error) {
	made, err := f.unit.Mode(ctx, scsi.ModeDefault)
	if err != nil {
		return nil, err
	}
	told := made.HasBlock && made.BlockBytes == shown.BlockBytes && made.Blocks >= shown.Blocks &&
		made.Blocks < 1<<62/uint64(shown.BlockBytes) && (made.LongLBA || made.Blocks != scsi.AllBlocksShort)
	if told && made.Blocks > shown.Blocks {
		return known(int64(made.Blocks - shown.Blocks)), nil
	}
	can, err := f.unit.Mode(ctx, scsi.ModeChangeable)
	switch {
	case err != nil:
		return nil, err
	case !can.HasBlock, can.Blocks == shown.Blocks, can.Blocks == made.Blocks:
		return nil, nil
	case can.Blocks == 0, told:
		return known(0), nil
	}
	return nil, nil
}

// enlarge gives a drive all of its blocks back. One that does not tell whether
// it has more is asked for all of them as well: those that have none take no
// notice. What it comes to is in stuckSmall; its error matters only when the
// drive was not reached.
func (f *scsiFirmware) enlarge(ctx context.Context, before scsi.Capacity) error {
	f.stuckSmall = ""
	if f.through != "" {
		return nil
	}
	hidden, err := f.hiddenBlocks(ctx, before)
	if err != nil || hidden != nil && *hidden == 0 {
		return err
	}
	err = f.selectBlocks(ctx, "all blocks", scsi.AllBlocks, scsi.AllBlocksShort, before.BlockBytes)
	if undelivered(err) || hidden == nil {
		return err
	}
	if err != nil {
		f.stuckSmall = fmt.Sprintf("the drive does not give back the blocks by which it was made smaller: %v", err)
		return nil
	}
	after, err := f.unit.Capacity(ctx)
	switch want := before.Blocks + uint64(*hidden); {
	case undelivered(err):
		return err
	case err != nil:
		f.stuckSmall = fmt.Sprintf("the drive was made smaller, and wants FORMAT UNIT before it gives the rest back: %v", err)
	case after.Blocks < want:
		f.stuckSmall = fmt.Sprintf("the drive took MODE SELECT for all of its blocks, and shows %d of %d; it may want FORMAT UNIT", after.Blocks, want)
	}
	return nil
}

// selectBlocks asks for so many blocks of that size, in the forms that drives
// take: first to be saved, since some refuse what they would forget, then not,
// since others save nothing; and with the short command where the long one, or
// its long descriptor, is not known.
func (f *scsiFirmware) selectBlocks(ctx context.Context, what string, blocks uint64, blocksShort, blockBytes uint32) (err error) {
	for _, short := range []bool{false, true} {
		for _, save := range []bool{true, false} {
			name, code, c := "MODE SELECT (10), ", "55h", scsi.ModeSelect10(scsi.BlockList(blocks, blockBytes), save)
			if short {
				name, code, c = "MODE SELECT (6), ", "15h", scsi.ModeSelect6(scsi.ShortBlockList(blocksShort, blockBytes), save)
			}
			if err = f.give(ctx, name+what, code, c); !errors.Is(err, erase.ErrUnsupported) {
				return err
			}
		}
	}
	return err
}

// Reveal implements erase.Firmware: a drive that was made smaller gets all of
// its blocks back, and blocks of 520, 528 or a like size become blocks of 512
// (or 4160 and more 4096), by MODE SELECT and FORMAT UNIT. It waits until the
// drive is done, for hours.
func (f *scsiFirmware) Reveal(ctx context.Context) ([]erase.Command, error) {
	formatted := false
	defer func() { f.seen = nil }() // a format of ours is no erase
	return f.method(ctx, func() error {
		now, err := f.engine(ctx)
		if err != nil {
			return err
		}
		if now.formatting && now.state == erase.StateRunning {
			formatted = true
			if err := f.awaitFormat(ctx); err != nil {
				return err
			}
		}
		before, err := f.unit.Capacity(ctx)
		if err != nil {
			return scsiRefusal("READ CAPACITY", "9Eh/10h", err)
		}
		switch {
		case linuxReads(before.BlockBytes):
			if err := f.enlarge(ctx, before); undelivered(err) || ctx.Err() != nil {
				return err
			}
			return f.rescan(ctx)
		case formatted:
			f.stuck = fmt.Sprintf("FORMAT UNIT ended, and the drive still has blocks of %d bytes", before.BlockBytes)
			return f.rescan(ctx)
		case f.through != "":
			f.stuck = fmt.Sprintf("blocks of %d bytes cannot be changed behind a %s", before.BlockBytes, f.through)
			return nil
		}
		size := uint32(512)
		if before.BlockBytes > 4096 {
			size = 4096
		}
		err = f.selectBlocks(ctx, fmt.Sprintf("blocks of %d bytes", size), 0, 0, size)
		if err == nil {
			err = f.give(ctx, "FORMAT UNIT", "04h", scsi.FormatUnit(0, 0))
		}
		if err != nil {
			f.stuck = fmt.Sprintf("blocks of %d bytes could not be changed: %v", before.BlockBytes, err)
			return err
		}
		formatted = true
		if err := f.awaitFormat(ctx); err != nil {
			return err
		}
		after, err := f.unit.Capacity(ctx)
		if err != nil {
			return scsiRefusal("READ CAPACITY", "9Eh/10h", err)
		}
		f.stuck = ""
		if after.BlockBytes != size {
			f.stuck = fmt.Sprintf("FORMAT UNIT ended, and the drive has blocks of %d bytes", after.BlockBytes)
		}
		return f.rescan(ctx)
	})
}

func (f *scsiFirmware) rescan(ctx context.Context) error {
	if err := f.host.Rescan(ctx); err != nil {
		return fmt.Errorf("read the drive's size again: %w", err)
	}
	return nil
}

// formatSilence is how long a drive that is being reformatted may leave every
// question unanswered.
const formatSilence = 15 * time.Minute

// awaitFormat waits until a FORMAT UNIT has ended, however long it takes.
func (f *scsiFirmware) awaitFormat(ctx context.Context) error {
	answered := f.host.Now()
	for {
		now, err := f.engine(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && f.host.Now().Sub(answered) > formatSilence:
			return err
		case err != nil:
			_ = f.host.Refind(ctx) // it may be away for a moment; asked again below
		case now.state == erase.StateFailed:
			f.stuck = "FORMAT UNIT failed: " + now.said
			return fmt.Errorf("%w: FORMAT UNIT: %s", erase.ErrEraseFailed, now.said)
		case now.state == erase.StateIdle:
			return nil
		case now.state == erase.StateRunning:
			answered = f.host.Now()
		case f.host.Now().Sub(answered) > formatSilence:
			return fmt.Errorf("%w: FORMAT UNIT: %s", erase.ErrEraseFailed, now.said)
		}
		if err := f.host.Wait(ctx, formatPoll); err != nil {
			return err
		}
	}
}
