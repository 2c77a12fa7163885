package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// Joined is several namespaces of one drive as one target: their blocks one
// after another, with the one firmware that erases them all. It implements
// erase.Device.
type Joined struct{ parts []*Drive }

// Join makes one target of all namespaces of a drive, in this order. It takes
// them over, also when it fails: then they are closed.
func Join(parts ...*Drive) (*Joined, error) {
	j := &Joined{parts}
	if err := j.fits(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// joinAlign is what transfers of an erase.Device are multiples of.
const joinAlign = 4096

func (j *Joined) fits() error {
	if len(j.parts) == 0 {
		return errors.New("join namespaces: there are none")
	}
	first := j.parts[0].at.Load().facts
	for i, p := range j.parts {
		switch o := p.at.Load(); {
		case o.facts.Serial == "" || o.facts.Serial != first.Serial || o.facts.Model != first.Model:
			return fmt.Errorf("join %s and %s: %w: they are not of one drive", first.Path, o.facts.Path, erase.ErrIdentityChanged)
		case o.size%joinAlign != 0 && i < len(j.parts)-1:
			return fmt.Errorf("join %s: its %d bytes are not a multiple of %d", o.facts.Path, o.size, joinAlign)
		}
	}
	return nil
}

// SizeBytes implements erase.Device.
func (j *Joined) SizeBytes() int64 {
	n := int64(0)
	for _, p := range j.parts {
		n += p.SizeBytes()
	}
	return n
}

// each calls do for every namespace that a transfer touches, with the part of
// it that is there, and adds up what went through.
func (j *Joined) each(length, off int64, do func(p *Drive, from, to, off int64) (int64, error)) (done int64, err error) {
	for _, p := range j.parts {
		size := p.SizeBytes()
		if off < size && done < length {
			n := min(length-done, size-off)
			moved, err := do(p, done, done+n, off)
			done += moved
			if err != nil || moved < n {
				return done, err
			}
			off += n
		}
		off -= size
	}
	return done, nil
}

// ReadAt implements erase.Device.
func (j *Joined) ReadAt(b []byte, off int64) (int, error) {
	n, err := j.each(int64(len(b)), off, func(p *Drive, from, to, off int64) (int64, error) {
		n, err := p.ReadAt(b[from:to], off)
		return int64(n), err
	})
	if err == nil && n < int64(len(b)) {
		err = io.EOF
	}
	return int(n), err
}

// WriteAt implements erase.Device.
func (j *Joined) WriteAt(b []byte, off int64) (int, error) {
	n, err := j.each(int64(len(b)), off, func(p *Drive, from, to, off int64) (int64, error) {
		n, err := p.WriteAt(b[from:to], off)
		return int64(n), err
	})
	if err == nil && n < int64(len(b)) {
		err = io.ErrShortWrite
	}
	return int(n), err
}

// Alloc implements erase.Device.
func (j *Joined) Alloc(sizeBytes int) ([]byte, error) { return j.parts[0].Alloc(sizeBytes) }

// all calls do for every namespace and joins the errors.
func (j *Joined) all(do func(*Drive) error) error {
	var errs []error
	for _, p := range j.parts {
		errs = append(errs, do(p))
	}
	return errors.Join(errs...)
}

// Sync implements erase.Device.
func (j *Joined) Sync() error { return j.all((*Drive).Sync) }

// Check implements erase.Device.
func (j *Joined) Check() error { return j.all((*Drive).Check) }

// Close closes all namespaces. A command that the drive is at work on keeps all of
// them.
func (j *Joined) Close() error {
	if slices.ContainsFunc(j.parts, func(p *Drive) bool { return !p.commands.none() }) {
		for _, p := range j.parts {
			p.commands.begin()
		}
	}
	return j.all((*Drive).Close)
}

// Forget implements erase.Device. It is as sure as the least sure namespace.
func (j *Joined) Forget() (how string, err error) {
	err = j.all(func(p *Drive) error {
		h, err := p.Forget()
		if how == "" || h != "direct" {
			how = h
		}
		return err
	})
	return how, err
}

// Firmware implements erase.Device.
func (j *Joined) Firmware() erase.Firmware {
	if j.parts[0].firmware == nil {
		return nil
	}
	return joinedFirmware{j.parts[0].firmware, j.parts}
}

// joinedFirmware erases by the first namespace, since the command is one for
// the whole drive, and tidies up after all of them.
type joinedFirmware struct {
	erase.Firmware
	parts []*Drive
}

// Abilities implements erase.Firmware. The other namespaces are part of the
// target, not spaces beside it.
func (f joinedFirmware) Abilities(ctx context.Context) (inventory.Abilities, error) {
	a, err := f.Firmware.Abilities(ctx)
	var beside []inventory.Space
	for _, s := range a.Spaces {
		ours := false
		for _, p := range f.parts {
			ours = ours || s.Path != "" && s.Path == p.at.Load().facts.Path
		}
		if !ours {
			beside = append(beside, s)
		}
	}
	a.Spaces = beside
	return a, err
}

// Reveal implements erase.Firmware.
func (f joinedFirmware) Reveal(ctx context.Context) ([]erase.Command, error) {
	return f.each(func(fw erase.Firmware) ([]erase.Command, error) { return fw.Reveal(ctx) })
}

// Leave implements erase.Firmware.
func (f joinedFirmware) Leave(ctx context.Context) ([]erase.Command, error) {
	return f.each(func(fw erase.Firmware) ([]erase.Command, error) { return fw.Leave(ctx) })
}

func (f joinedFirmware) each(do func(erase.Firmware) ([]erase.Command, error)) ([]erase.Command, error) {
	var commands []erase.Command
	var errs []error
	for _, p := range f.parts {
		if p.firmware == nil {
			continue
		}
		c, err := do(p.firmware)
		commands, errs = append(commands, c...), append(errs, err)
	}
	return commands, errors.Join(errs...)
}
