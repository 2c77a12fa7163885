package drive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/inventory"
)

// card is an eMMC or SD card. It implements erase.Firmware. A card tells
// nothing while it erases, so that it is given one piece after another and
// Status counts the pieces.
type card struct {
	host  Host
	facts inventory.Drive
	// ext is an eMMC's register and areas its parts beside the user area;
	// sd is set for an SD card instead.
	ext   mmc.ExtCSD
	sd    *mmc.SDStatus
	areas []area
	job   *cardJob
}

// area is a part of an eMMC beside its user area.
type area struct {
	name string
	// access is its number in PARTITION_CONFIG: 1 and 2 boot, 3 RPMB, 4 to 7
	// general purpose.
	access    byte
	sizeBytes int64
	path      string
	// closed is why it cannot be erased, empty when it can.
	closed string
}

const (
	// pieces is into how many parts an erase of the user area is cut.
	pieces = 128
	// cardSanitizeLimit is how long SANITIZE_START may take: the card gives
	// no figure.
	cardSanitizeLimit = 24 * time.Hour
	switchLimit       = time.Minute
	// byteAddressed is up to which size addresses of an eMMC are bytes and not
	// sectors (JESD84-B51 section 7.3). An SD card beyond mostBytewise cannot
	// count in bytes (SD Physical Layer section 5.3.2), nor one beyond
	// mostSectors in sectors of 32 bits.
	byteAddressed = 2 << 30
	mostBytewise  = 4 << 30
	mostSectors   = 2 << 40
)

func newMMC(ctx context.Context, d inventory.Drive, h Host, _ Secrets) (erase.Firmware, error) {
	if h.Wires().MMC == nil {
		return nil, nil
	}
	c := &card{host: h, facts: d}
	ext, errMMC := c.register(ctx)
	if errMMC == nil {
		c.ext = ext
		if d.CapacityBytes > 0 && ext.SizeBytes() != d.CapacityBytes {
			return nil, fmt.Errorf("%w: the card had %d bytes and says %d", erase.ErrIdentityChanged, d.CapacityBytes, ext.SizeBytes())
		}
		return c, nil
	}
	sd, errSD := c.sdStatus(ctx)
	if errSD != nil {
		return nil, errors.Join(errMMC, errSD)
	}
	c.sd = &sd
	return c, nil
}

// send gives the card a sequence, over the wire of an area where that has one.
// A refusal in any response is an error, as is a sequence that was cut short.
func (c *card) send(ctx context.Context, path string, commands ...mmc.Command) ([]mmc.Response, error) {
	w := c.host.Wires()
	wire := w.MMC
	if own := w.MMCAreas[path]; own != nil {
		wire = own
	}
	if wire == nil {
		return nil, fmt.Errorf("%w: no card", erase.ErrGone)
	}
	responses, err := wire.Sequence(ctx, commands...)
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", erase.ErrGone, err)
		}
		return responses, fmt.Errorf("CMD%d: %w", commands[0].Opcode, err)
	}
	if len(responses) != len(commands) {
		return responses, fmt.Errorf("CMD%d: %d answers to %d commands", commands[0].Opcode, len(responses), len(commands))
	}
	for i, r := range responses {
		if err := mmc.R1(r[0]).Err(); err != nil {
			return responses, fmt.Errorf("CMD%d: %w", commands[i].Opcode, err)
		}
	}
	return responses, nil
}

// read sends a command that reads a register, again if the card's status has
// something against it: that may be of the command before (JESD84-B51 section
// 6.13, clear condition B).
func (c *card) read(ctx context.Context, command mmc.Command) error {
	_, err := c.send(ctx, "", command)
	if refusal := (*mmc.CardError)(nil); errors.As(err, &refusal) {
		_, err = c.send(ctx, "", command)
	}
	return err
}

func (c *card) register(ctx context.Context) (mmc.ExtCSD, error) {
	read := mmc.ReadExtCSD()
	if err := c.read(ctx, read); err != nil {
		return mmc.ExtCSD{}, fmt.Errorf("read extended CSD: %w", err)
	}
	return mmc.ParseExtCSD(read.Data)
}

func (c *card) sdStatus(ctx context.Context) (mmc.SDStatus, error) {
	read := mmc.ReadSDStatus()
	if err := c.read(ctx, read); err != nil {
		return mmc.SDStatus{}, fmt.Errorf("read SD status: %w", err)
	}
	return mmc.ParseSDStatus(read.Data)
}

// found makes sure that the card is there and is the one that was opened, as
// far as its registers tell; the host knows it by its CID.
func (c *card) found(ctx context.Context) error {
	err := c.same(ctx)
	if !errors.Is(err, erase.ErrGone) {
		return err
	}
	if err := c.host.Refind(ctx); err != nil {
		return err
	}
	return c.same(ctx)
}

func (c *card) same(ctx context.Context) error {
	if c.sd != nil {
		is, err := c.sdStatus(ctx)
		if err == nil && is != *c.sd {
			err = fmt.Errorf("%w: the SD status was %+v and is %+v", erase.ErrIdentityChanged, *c.sd, is)
		}
		return err
	}
	is, err := c.register(ctx)
	if err == nil && (is.SEC_COUNT != c.ext.SEC_COUNT || is.BOOT_SIZE_MULT != c.ext.BOOT_SIZE_MULT || is.RPMB_SIZE_MULT != c.ext.RPMB_SIZE_MULT ||
		is.GP_SIZE_MULT != c.ext.GP_SIZE_MULT || is.EXT_CSD_REV != c.ext.EXT_CSD_REV || is.HC_ERASE_GRP_SIZE != c.ext.HC_ERASE_GRP_SIZE) {
		err = fmt.Errorf("%w: the card had %d sectors and has %d, or other areas", erase.ErrIdentityChanged, c.ext.SEC_COUNT, is.SEC_COUNT)
	}
	if err == nil {
		c.ext = is
	}
	return err
}

// locked asks whether a password keeps the card shut. An SD card says so in
// every response, also in that to its status.
func (c *card) locked(ctx context.Context) (bool, error) {
	ask := mmc.SendStatus()
	if c.sd != nil {
		ask = mmc.ReadSDStatus()
	}
	r, err := c.send(ctx, "", ask)
	return err == nil && mmc.R1(r[0][0]).Locked(), err
}

// Abilities implements erase.Firmware.
func (c *card) Abilities(ctx context.Context) (inventory.Abilities, error) {
	if c.job.working() {
		return inventory.Abilities{}, fmt.Errorf("%s is still running", c.job.command)
	}
	if err := c.found(ctx); err != nil {
		return inventory.Abilities{}, err
	}
	a := inventory.Abilities{
		Protocol: "mmc", Erasers: []inventory.Eraser{}, Hidden: inventory.Hidden{AMABytes: new(int64)},
		Sanitize: inventory.SanitizeState{ProgressPPM: -1},
	}
	blocked := ""
	locked, err := c.locked(ctx)
	if err != nil {
		return a, err
	}
	if locked {
		a.Security = inventory.Security{Supported: true, Enabled: true, Locked: true, Kind: "mmc"}
		blocked = "locked with a password"
	}
	add := func(has bool, command inventory.EraseCommand) {
		if has {
			a.Erasers = append(a.Erasers, inventory.Eraser{Command: command, WholeDrive: true, Blocked: blocked})
		}
	}
	if c.sd != nil {
		if _, err := c.bytewise(); err != nil && blocked == "" {
			blocked = err.Error()
		}
		add(true, inventory.SDErase)
		return a, nil
	}
	add(c.ext.CanSanitize(), inventory.MMCSanitize)
	add(c.ext.CanSecureErase(), inventory.MMCSecureErase)
	add(true, inventory.MMCErase)
	c.findAreas(ctx, locked)
	for _, at := range c.areas {
		s := inventory.Space{Name: at.name, Path: at.path, SizeBytes: at.sizeBytes, Reach: "drive"}
		if at.closed != "" {
			s.Reach = "none"
			a.Notes = append(a.Notes, fmt.Sprintf("%s is left as it is: %s", at.name, at.closed))
		}
		a.Spaces = append(a.Spaces, s)
	}
	if c.ext.RPMBBytes() > 0 {
		a.Spaces = append(a.Spaces, inventory.Space{Name: "RPMB", SizeBytes: c.ext.RPMBBytes(), Reach: "none"})
	}
	a.Health = cardHealth(c.ext)
	return a, nil
}

// cardHealth is nil before EXT_CSD_REV 7, which brought the figures.
func cardHealth(e mmc.ExtCSD) *inventory.SMART {
	used := int64(max(e.LIFE_TIME_EST_A, e.LIFE_TIME_EST_B))
	if e.EXT_CSD_REV < 7 || used == 0 && e.PRE_EOL_INFO == 0 {
		return nil
	}
	h := &inventory.SMART{}
	if used >= 1 && used <= 11 {
		used *= 10
		h.PercentUsed = &used
	}
	if e.PRE_EOL_INFO >= 1 && e.PRE_EOL_INFO <= 3 {
		passed := e.PRE_EOL_INFO < 3
		h.Passed = &passed
	}
	if e.PRE_EOL_INFO == 2 { // four fifths of the reserve are used (JESD84-B51, 7.4)
		left := int64(20)
		h.SparePercent = &left
	}
	return h
}

// findAreas lists the areas beside the user area, and tries which of them can
// be reached, unless the card is locked.
func (c *card) findAreas(ctx context.Context, locked bool) {
	c.areas = nil
	add := func(name, suffix string, access byte, sizeBytes int64, closed string) {
		if sizeBytes <= 0 {
			return
		}
		at := area{name: name, access: access, sizeBytes: sizeBytes, closed: closed}
		for _, path := range c.facts.Siblings {
			if strings.HasSuffix(path, suffix) {
				at.path = path
			}
		}
		if locked {
			at.closed = "the card is locked"
		}
		if at.closed == "" && c.within(ctx, at) != nil {
			at.closed = "its node is needed to reach it, and is not there"
		}
		c.areas = append(c.areas, at)
	}
	for n := byte(1); n <= 2; n++ {
		closed := ""
		switch {
		case c.ext.StartsFrom() == n:
			closed = "the machine starts from it"
		case c.ext.BootProtected(int(n)) == 1:
			closed = "it is write protected until the next power cycle"
		case c.ext.BootProtected(int(n)) != 0:
			closed = "it is write protected for good"
		}
		add(fmt.Sprintf("boot partition %d", n), fmt.Sprintf("boot%d", n-1), n, c.ext.BootBytes(), closed)
	}
	for i := range c.ext.GP_SIZE_MULT {
		add(fmt.Sprintf("general purpose partition %d", i+1), fmt.Sprintf("gp%d", i), byte(4+i), c.ext.GeneralBytes(i), "")
	}
}

// within is a sequence that goes to an area: over its own wire as it is, else
// between two that select the area and the user area again. The register read
// in it tells which area it went to.
func (c *card) within(ctx context.Context, at area, commands ...mmc.Command) error {
	read := mmc.ReadExtCSD()
	sequence := append(commands[:len(commands):len(commands)], mmc.SendStatus(), read)
	own := c.host.Wires().MMCAreas[at.path] != nil
	if !own && at.access != 0 {
		others := c.ext.PARTITION_CONFIG &^ 7
		sequence = append([]mmc.Command{mmc.Switch(mmc.PartitionConfig, others|at.access, switchLimit), mmc.SendStatus()}, sequence...)
		sequence = append(sequence, mmc.Switch(mmc.PartitionConfig, others, switchLimit), mmc.SendStatus())
	}
	_, err := c.send(ctx, at.path, sequence...)
	if err != nil && !own && at.access != 0 {
		// What stopped it may have left the area selected.
		_, again := c.send(ctx, "", mmc.Switch(mmc.PartitionConfig, c.ext.PARTITION_CONFIG&^7, switchLimit), mmc.SendStatus())
		return errors.Join(err, again)
	}
	if err != nil {
		return err
	}
	is, err := mmc.ParseExtCSD(read.Data)
	if err == nil && is.Access() != at.access {
		err = fmt.Errorf("%s: commands went to area %d", at.name, is.Access())
	}
	return err
}

// Reveal implements erase.Firmware: a card hides nothing that could be shown.
func (c *card) Reveal(context.Context) ([]erase.Command, error) { return nil, nil }

// Unlock implements erase.Firmware. A card's password is not taken.
func (c *card) Unlock(ctx context.Context) ([]erase.Command, error) {
	locked, err := c.locked(ctx)
	if err == nil && locked {
		err = fmt.Errorf("%w with a password that the card's own device must lift (CMD42)", erase.ErrLocked)
	}
	return nil, err
}

// Leave implements erase.Firmware.
func (c *card) Leave(ctx context.Context) ([]erase.Command, error) {
	if c.job.working() {
		return nil, fmt.Errorf("%s is still running", c.job.command)
	}
	return nil, errors.Join(c.found(ctx), c.host.Rescan(ctx))
}

// Status implements erase.Firmware.
func (c *card) Status(context.Context) (erase.Status, error) {
	if c.job == nil {
		return erase.Status{State: erase.StateIdle, ProgressPPM: -1, Command: erase.Command{Name: "ERASE", Status: "a card tells of no erase that was given before"}}, nil
	}
	return c.job.status(formatMoment / 10), nil
}

// cardJob is an erase that goes on in a goroutine.
type cardJob struct {
	command inventory.EraseCommand
	done    chan struct{}
	mu      sync.Mutex
	at      erase.Command
	ppm     int64
	err     error
}

func (j *cardJob) tell(at erase.Command, ppm int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at, j.ppm = at, ppm
}

func (j *cardJob) working() bool {
	if j == nil {
		return false
	}
	select {
	case <-j.done:
		return false
	default:
		return true
	}
}

// status waits a moment for the end, which comes from another goroutine.
func (j *cardJob) status(moment time.Duration) erase.Status {
	timer := time.NewTimer(moment)
	defer timer.Stop()
	s := erase.Status{State: erase.StateRunning, Of: j.command}
	select {
	case <-j.done:
		s.State = erase.StateSucceeded
	case <-timer.C:
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.Command, s.ProgressPPM = j.at, j.ppm
	if s.State == erase.StateSucceeded && j.err != nil {
		s.State, s.Lost = erase.StateFailed, errors.Is(j.err, erase.ErrGone)
	}
	return s
}
