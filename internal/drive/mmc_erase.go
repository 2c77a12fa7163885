package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/inventory"
)

// piece is one part of an erase: a sequence that goes to one area.
type piece struct {
	at       area
	commands []mmc.Command
	record   erase.Command // without its status
	bytes    int64         // of the whole work; 0 for what tells no size
}

// Start implements erase.Firmware.
func (c *card) Start(ctx context.Context, command inventory.EraseCommand, o erase.StartOptions) ([]erase.Command, error) {
	if c.job.working() {
		return nil, fmt.Errorf("%s: %s is still running", command, c.job.command)
	}
	c.job = nil
	if err := c.found(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	if locked, err := c.locked(ctx); err != nil || locked {
		if err == nil {
			err = erase.ErrLocked
		}
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	if o.PurgeOrFail || o.OpenMedia {
		return nil, fmt.Errorf("%s, purge or fail, or open media: %w", command, erase.ErrUnsupported)
	}
	work, err := c.work(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	job := &cardJob{command: command, done: make(chan struct{})}
	c.job = job
	go c.carryOut(ctx, job, work)
	s := job.status(formatMoment)
	if s.State == erase.StateFailed {
		c.job = nil
		return []erase.Command{s.Command}, cardRefusal(s.Command, job.err)
	}
	return records(work, s), nil
}

// records are what was ordered, one entry for neighbours that differ in
// nothing but the piece.
func records(work []piece, s erase.Status) []erase.Command {
	var all []erase.Command
	for _, p := range work {
		r := p.record
		if r.Status = "ordered"; s.State == erase.StateSucceeded {
			r.Status = "done"
		}
		if n := len(all); n == 0 || all[n-1] != r {
			all = append(all, r)
		}
	}
	return all
}

func cardRefusal(c erase.Command, err error) error {
	var refusal *mmc.CardError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	e := &erase.DriveError{Command: c}
	const illegalCommand = 1 << 22
	if refusal.Bits&illegalCommand != 0 {
		e.Cause = erase.ErrUnsupported
	}
	return e
}

// carryOut gives the card one piece after another. A piece that was not
// delivered is given once more to a card that is found again: erasing twice
// does no harm. When ctx ends no further piece is given and no card is looked for,
// but the piece that the card works on is waited for.
func (c *card) carryOut(ctx context.Context, job *cardJob, work []piece) {
	defer close(job.done)
	var total, done int64
	for _, p := range work {
		total += p.bytes
	}
	for _, p := range work {
		r := p.record
		r.Status = "no answer yet: it answers when it is done"
		// SANITIZE_START tells no progress, and an erase before it is no
		// more than a half.
		ppm := int64(float64(done) / float64(max(total, 1)) * 1e6)
		if job.command == inventory.MMCSanitize {
			ppm /= 2
		}
		job.tell(r, ppm)
		within, err := context.WithoutCancel(ctx), ctx.Err()
		if err == nil {
			err = c.carry(within, p)
		}
		if errors.Is(err, erase.ErrGone) && ctx.Err() == nil && c.host.Refind(ctx) == nil {
			// A card does not answer what it does not know, and says so in
			// the status after it.
			if said := c.word(within); said != nil {
				err = said
			} else if err = errors.Join(c.same(within), ctx.Err()); err == nil {
				err = c.carry(within, p)
			}
		}
		if err != nil {
			r.Status = err.Error()
			job.tell(r, ppm)
			job.mu.Lock()
			job.err = err
			job.mu.Unlock()
			return
		}
		done += p.bytes
		r.Status = "card status without an error"
		job.tell(r, ppm)
	}
}

// word is what the card has to say of the command before, nil when it found
// nothing wrong, or cannot be asked.
func (c *card) word(ctx context.Context) error {
	_, err := c.locked(ctx)
	if refusal := (*mmc.CardError)(nil); errors.As(err, &refusal) {
		return refusal
	}
	return nil
}

func (c *card) carry(ctx context.Context, p piece) error {
	if c.sd != nil {
		_, err := c.send(ctx, "", append(p.commands[:len(p.commands):len(p.commands)], mmc.ReadSDStatus())...)
		return err
	}
	return c.within(ctx, p.at, p.commands...)
}

// work cuts an erase into pieces.
func (c *card) work(ctx context.Context, command inventory.EraseCommand) ([]piece, error) {
	if c.sd != nil {
		if command != inventory.SDErase {
			return nil, erase.ErrUnsupported
		}
		if c.facts.CapacityBytes <= 0 {
			return nil, errors.New("its size is not known")
		}
		bytewise, err := c.bytewise()
		if err != nil {
			return nil, err
		}
		return c.workSD(bytewise), nil
	}
	user, others := mmc.EraseGroups, mmc.EraseGroups
	if c.ext.CanTrim() {
		others = mmc.EraseTrim // which need not be whole erase groups
	}
	switch {
	case command == inventory.MMCErase:
	case command == inventory.MMCSanitize && c.ext.CanSanitize():
	case command == inventory.MMCSecureErase && c.ext.CanSecureErase():
		user, others = mmc.EraseSecure, mmc.EraseSecure
	default:
		return nil, fmt.Errorf("%w (EXT_CSD_REV %d, SEC_FEATURE_SUPPORT %02Xh)", erase.ErrUnsupported, c.ext.EXT_CSD_REV, c.ext.SEC_FEATURE_SUPPORT)
	}
	var work []piece
	if c.ext.ERASE_GROUP_DEF&1 == 0 && c.ext.GroupBytes() > 0 {
		// Multipliers and group size are those of high capacity only with
		// this bit, which every power cycle clears.
		work = append(work, piece{at: area{name: "user area"},
			commands: []mmc.Command{mmc.Switch(mmc.EraseGroupDef, 1, switchLimit)},
			record:   erase.Command{Name: "SWITCH, high-capacity erase groups", Code: "CMD6, byte 175 set to 01h"}})
	}
	work = append(work, c.workArea(area{name: "user area", sizeBytes: c.ext.SizeBytes()}, user)...)
	c.findAreas(ctx, false)
	for _, at := range c.areas {
		if at.closed == "" {
			work = append(work, c.workArea(at, others)...)
		}
	}
	if command == inventory.MMCSanitize {
		work = append(work, piece{at: area{name: "user area"},
			commands: []mmc.Command{mmc.Switch(mmc.SanitizeStart, 1, cardSanitizeLimit)},
			record:   erase.Command{Name: "SWITCH, SANITIZE_START", Code: "CMD6, byte 165 set to 01h"}})
	}
	return work, nil
}

// workArea erases an area of an eMMC from its first to its last sector.
func (c *card) workArea(at area, argument uint32) []piece {
	name := map[uint32]string{mmc.EraseGroups: "ERASE", mmc.EraseTrim: "TRIM", mmc.EraseSecure: "SECURE ERASE"}[argument]
	group := c.ext.GroupBytes()
	if group == 0 {
		group = at.sizeBytes // in one piece
	}
	each := max((at.sizeBytes/pieces+group-1)/group, 1) * group
	bytewise := c.ext.SizeBytes() <= byteAddressed
	var work []piece
	for from := int64(0); from < at.sizeBytes; from += each {
		to := min(from+each, at.sizeBytes)
		groups := max((to-from)/max(c.ext.GroupBytes(), 1), 1)
		if c.ext.GroupBytes() == 0 {
			groups = (to - from) / (512 << 10)
		}
		work = append(work, piece{
			at: at, bytes: to - from,
			commands: mmc.Erase(address(from, bytewise), address(to-mmc.SectorBytes, bytewise), argument, c.ext.EraseTimeout(argument, groups)),
			record: erase.Command{
				Name: name + ", " + at.name,
				Code: fmt.Sprintf("CMD35, CMD36, CMD38 with argument %08Xh: all %d sectors", argument, at.sizeBytes/mmc.SectorBytes),
			},
		})
	}
	return work
}

// workSD erases an SD card from its first to its last sector.
func (c *card) workSD(bytewise bool) []piece {
	size, unit := c.facts.CapacityBytes, int64(64<<20) // of which every allocation unit is a part
	if c.sd.AUBytes > 0 && unit%c.sd.AUBytes != 0 {
		unit = c.sd.AUBytes
	}
	each := max((size/pieces+unit-1)/unit, 1) * unit
	var work []piece
	for from := int64(0); from < size; from += each {
		to := min(from+each, size)
		work = append(work, piece{
			bytes:    to - from,
			commands: mmc.EraseSD(address(from, bytewise), address(to-mmc.SectorBytes, bytewise), c.sd.EraseTimeout(to-from)),
			record:   erase.Command{Name: "ERASE", Code: fmt.Sprintf("CMD32, CMD33, CMD38 with argument 00000000h: all %d sectors", size/mmc.SectorBytes)},
		})
	}
	return work
}

// bytewise reports whether an SD card counts addresses in bytes: standard capacity
// cards do, up to 4 GiB, and the structure of their CSD tells them from those of
// high capacity, which count sectors. Without that the size decides, where it can:
// sectors given to a card that counts bytes would leave most of it as it was.
func (c *card) bytewise() (bool, error) {
	structure, err := mmc.CSDStructure(c.host.Wires().CSD)
	size := c.facts.CapacityBytes
	switch {
	case size > mostSectors, err == nil && structure > mmc.CSDHigh, err == nil && structure == mmc.CSDStandard && size > mostBytewise:
		return false, fmt.Errorf("%w: how a card of %d bytes counts addresses is not known (CSD_STRUCTURE %d)", erase.ErrUnsupported, size, structure)
	case err == nil:
		return structure == mmc.CSDStandard, nil
	case size > byteAddressed && size <= mostBytewise:
		return false, fmt.Errorf("%w: whether it counts addresses in bytes or sectors is not known: %w", erase.ErrUnsupported, err)
	}
	return size <= byteAddressed, nil
}

// address is a place on a card in the unit that it counts in.
func address(offset int64, bytewise bool) uint32 {
	if !bytewise {
		offset /= mmc.SectorBytes
	}
	return uint32(offset)
}
