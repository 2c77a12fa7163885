package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// hideouts are the hidden areas that a drive can have.
type hideouts struct{ hpa, ama, dco bool }

var (
	errFeatureGone  = errors.New("the drive said before that it can have one, and says so no more")
	errFeaturesHide = errors.New("words 82 and 83 of IDENTIFY DEVICE do not say whether it can have one")
)

// cannot is why it is not known that a drive has no such area; nil when it says
// that it cannot have one, and always said so.
func cannot(id ata.Identify, had bool) error {
	switch {
	case had:
		return errFeatureGone
	case !id.CommandSets:
		return errFeaturesHide
	}
	return nil
}

// askHidden measures what lies beyond the last sector that can be addressed.
// Sizes that contradict each other are not known, and neither is what the drive
// will not tell: none is only what it says itself.
func (a *ataFirmware) askHidden(ctx context.Context, id ata.Identify, ab *inventory.Abilities) error {
	h := &ab.Hidden
	a.had = hideouts{hpa: a.had.hpa || id.HPA, ama: a.had.ama || id.AMA, dco: a.had.dco || id.DCO}
	note := func(what string, err error) {
		ab.Notes = append(ab.Notes, fmt.Sprintf("%s could not be asked: %v", what, err))
	}
	bytes := func(what string, sectors, above uint64) *int64 {
		if sectors < above || sectors-above > 1<<62/uint64(id.LogicalBlockBytes) {
			note(what, fmt.Errorf("%d sectors and %d of them shown: %w", sectors, above, scsi.ErrMalformed))
			return nil
		}
		return known(int64((sectors - above) * uint64(id.LogicalBlockBytes)))
	}
	const hpa, ama, dco = "Host Protected Area", "Accessible Max Address", "Device Configuration Overlay"
	native := id.Sectors
	switch {
	case id.AMA:
		n, err := a.native(ctx, ata.GetNativeMaxExt())
		if undelivered(err) {
			return err
		}
		if err == nil {
			native, h.AMABytes = n, bytes(ama, n, id.Sectors)
		} else {
			note(ama, err)
		}
	case id.HPA:
		n, err := a.native(ctx, ata.ReadNativeMax(id.Has48Bit))
		if undelivered(err) {
			return err
		}
		if err == nil {
			native, h.HPABytes = n, bytes(hpa, n, id.Sectors)
		} else {
			note(hpa, err)
		}
	default:
		if err := cannot(id, a.had.hpa || a.had.ama); err != nil {
			note(hpa, err)
		} else {
			h.HPABytes = known(0)
		}
	}
	switch err := cannot(id, a.had.dco); {
	case id.DCO:
		b, err := a.drive.Read(ctx, ata.DCOIdentify())
		if undelivered(err) {
			return err
		}
		sectors := uint64(0)
		if err == nil {
			sectors, err = ata.ParseDCO(b)
		}
		if err == nil {
			h.DCOBytes = bytes(dco, sectors, native)
		} else {
			note(dco, err)
			if a.stuck == "" {
				h.Stuck = "the drive does not answer DEVICE CONFIGURATION IDENTIFY; " + a.why(ctx, id, usuallyFrozen)
			}
		}
	case err != nil:
		note(dco, err)
	default:
		h.DCOBytes = known(0)
	}
	if h.AMABytes != nil {
		// It takes the place of the other two, which are counted once. None
		// there does not mean that there is no overlay.
		h.HPABytes = known(0)
		if *h.AMABytes == 0 && h.DCOBytes == nil {
			h.AMABytes = nil
		}
	}
	if h.Bytes() > 0 && id.HPALocks && a.stuck == "" {
		h.Stuck = "SET MAX is protected by a password (HPA security extension)"
	}
	if a.stuck != "" && (h.Bytes() > 0 || !h.Known()) {
		h.Stuck = a.stuck
	}
	return nil
}

var errStuck = errors.New("restore hidden areas")

const usuallyFrozen = "firmware usually freezes it until the next power cycle"

// why is what keeps a drive from taking a command of its hidden areas: its
// sanitize, where that is not idle, since it then takes no others; else otherwise.
func (a *ataFirmware) why(ctx context.Context, id ata.Identify, otherwise string) string {
	if !id.Sanitize.Supported {
		return otherwise
	}
	state, _, err := a.sanitizeState(ctx)
	switch {
	case err == nil && state.Running:
		return "a sanitize is running, and until it ends the drive takes nothing else"
	case err == nil && state.Failed:
		return "its last sanitize failed, and until one succeeds it takes nothing else"
	}
	return otherwise
}

// native asks for the native maximum, in sectors.
func (a *ataFirmware) native(ctx context.Context, c ata.Command) (uint64, error) {
	answer, err := a.drive.Do(ctx, c)
	if err != nil {
		return 0, err
	}
	return ata.NativeMax(c, *answer.Registers)
}

// Reveal implements erase.Firmware: HPA or AMA first, since an overlay cannot
// be undone while they are set, then DCO, then HPA again, which the overlay may
// have covered. A drive takes one lasting SET MAX in each power cycle, and this
// program cannot cycle the power: what then stays hidden is said in
// Hidden.Stuck, with what to do about it.
func (a *ataFirmware) Reveal(ctx context.Context) ([]erase.Command, error) {
	return a.method(ctx, func() error {
		a.stuck = ""
		id, err := a.identify(ctx)
		if err != nil {
			return refusal(err, nil)
		}
		id, err = a.raise(ctx, id)
		if err == nil {
			err = a.restoreDCO(ctx, id)
		}
		if undelivered(err) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			a.stuck = err.Error()
		}
		if err := a.host.Rescan(ctx); err != nil {
			return fmt.Errorf("read the drive's size again: %w", err)
		}
		return nil
	})
}

// raise sets the last address to the native one, for good. The question for
// the native address comes immediately before, as the standard demands.
func (a *ataFirmware) raise(ctx context.Context, id ata.Identify) (ata.Identify, error) {
	ask, set := ata.ReadNativeMax(id.Has48Bit), func(last uint64) ata.Command { return ata.SetMaxAddress(id.Has48Bit, last) }
	switch {
	case id.AMA:
		ask, set = ata.GetNativeMaxExt(), ata.SetAccessibleMaxExt
	case !id.HPA:
		return id, nil
	}
	answer, err := a.give(ctx, ask)
	if err != nil {
		return id, a.blame(ctx, id, err, "")
	}
	native, err := ata.NativeMax(ask, *answer.Registers)
	if err != nil || native <= id.Sectors {
		return id, err
	}
	if _, err = a.give(ctx, set(native-1)); err != nil {
		why := "a drive takes it once in a power cycle: switch it off and on, and start again"
		if id.HPALocks {
			why = "a password protects it (HPA security extension)"
		}
		return id, a.blame(ctx, id, err, why)
	}
	now, err := a.identify(ctx)
	if err != nil {
		return id, err
	}
	if now.Sectors != native {
		return now, fmt.Errorf("%w: %s was accepted, and the drive still shows %d of %d sectors", errStuck, set(0).Name, now.Sectors, native)
	}
	return now, nil
}

// restoreDCO undoes an overlay, and the HPA that then comes to light.
func (a *ataFirmware) restoreDCO(ctx context.Context, id ata.Identify) error {
	if !id.DCO {
		return nil
	}
	ask := ata.DCOIdentify()
	if _, err := a.give(ctx, ask); err != nil {
		return a.blame(ctx, id, err, usuallyFrozen)
	}
	sectors, err := ata.ParseDCO(ask.Data)
	if err != nil || sectors <= id.Sectors {
		return err
	}
	if _, err := a.give(ctx, ata.DCORestore()); err != nil {
		return a.blame(ctx, id, err, "it may be frozen, or want a power cycle after SET MAX ADDRESS: switch the drive off and on, and start again")
	}
	now, err := a.identify(ctx)
	if err != nil {
		return err
	}
	if now, err = a.raise(ctx, now); err != nil {
		return err
	}
	if now.Sectors < sectors {
		return fmt.Errorf("%w: after DEVICE CONFIGURATION RESTORE the drive shows %d of %d sectors: switch it off and on, and start again", errStuck, now.Sectors, sectors)
	}
	return nil
}

// blame says why an area stays hidden; errors of the wire stay what they are.
func (a *ataFirmware) blame(ctx context.Context, id ata.Identify, err error, otherwise string) error {
	if undelivered(err) || err == nil {
		return err
	}
	var e *ata.StatusError
	if !errors.As(err, &e) {
		return fmt.Errorf("%w: %w", errStuck, err)
	}
	if why := a.why(ctx, id, otherwise); why != "" {
		return fmt.Errorf("%w: %w; %s", errStuck, err, why)
	}
	return fmt.Errorf("%w: %w", errStuck, err)
}
