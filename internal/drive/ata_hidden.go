package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/ata"
	"github.com/ombruk/ombruk/inventory"
)

// askHidden measures what lies beyond the last sector that can be addressed.
// Sizes that contradict each other are not known.
func (a *ataFirmware) askHidden(ctx context.Context, id ata.Identify, ab *inventory.Abilities) error {
	h := &ab.Hidden
	bytes := func(sectors, above uint64) *int64 {
		if sectors < above || sectors-above > 1<<62/uint64(id.LogicalBlockBytes) {
			return nil
		}
		return known(int64((sectors - above) * uint64(id.LogicalBlockBytes)))
	}
	note := func(what string, err error) {
		ab.Notes = append(ab.Notes, fmt.Sprintf("%s could not be asked: %v", what, err))
	}
	native := id.Sectors
	switch {
	case id.AMA:
		n, err := a.native(ctx, ata.GetNativeMaxExt())
		if undelivered(err) {
			return err
		}
		if err == nil {
			native, h.AMABytes = n, bytes(n, id.Sectors)
		} else {
			note("Accessible Max Address", err)
		}
	case id.HPA:
		n, err := a.native(ctx, ata.ReadNativeMax(id.Has48Bit))
		if undelivered(err) {
			return err
		}
		if err == nil {
			native, h.HPABytes = n, bytes(n, id.Sectors)
		} else {
			note("Host Protected Area", err)
		}
	default:
		h.HPABytes = known(0)
	}
	if id.DCO {
		b, err := a.drive.Read(ctx, ata.DCOIdentify())
		if undelivered(err) {
			return err
		}
		sectors := uint64(0)
		if err == nil {
			sectors, err = ata.ParseDCO(b)
		}
		if err == nil {
			h.DCOBytes = bytes(sectors, native)
		} else {
			note("Device Configuration Overlay", err)
			if a.stuck == "" {
				h.Stuck = "the drive does not answer DEVICE CONFIGURATION IDENTIFY; firmware usually freezes it until the next power cycle"
			}
		}
	} else {
		h.DCOBytes = known(0)
	}
	if h.AMABytes != nil {
		// It takes the place of the other two, which are counted once.
		if h.HPABytes == nil {
			h.HPABytes = known(0)
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
		return id, stuck(err, "")
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
		return id, stuck(err, why)
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
		return stuck(err, "firmware usually freezes it until the next power cycle")
	}
	sectors, err := ata.ParseDCO(ask.Data)
	if err != nil || sectors <= id.Sectors {
		return err
	}
	if _, err := a.give(ctx, ata.DCORestore()); err != nil {
		return stuck(err, "it may be frozen, or want a power cycle after SET MAX ADDRESS: switch the drive off and on, and start again")
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

// stuck says why an area stays hidden; errors of the wire stay what they are.
func stuck(err error, why string) error {
	if undelivered(err) || err == nil {
		return err
	}
	var e *ata.StatusError
	if errors.As(err, &e) && why != "" {
		return fmt.Errorf("%w: %w; %s", errStuck, err, why)
	}
	return fmt.Errorf("%w: %w", errStuck, err)
}
