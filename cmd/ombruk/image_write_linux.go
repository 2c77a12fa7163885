package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/flash"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

// imageOnLinux are the commands about sticks that only Linux has.
func imageOnLinux(a *app) []*cobra.Command { return []*cobra.Command{newImageWrite(a)} }

func newImageWrite(a *app) *cobra.Command {
	var confirm string
	var allowFixed bool
	cmd := &cobra.Command{
		Use:   "write FILE DEVICE",
		Short: "Write an image to a stick and read it back",
		Long: `Writes an image that 'ombruk image build' made to a stick. Everything on the
stick is lost. The same drives are refused as by 'ombruk erase': mounted ones,
those in use, the one this system was started from; besides those that are
neither removable nor on USB (unless --allow-fixed), and those that are too
small. You type the stick's serial, or pass it with --confirm.

The partition table is written last, so that nothing starts from half a stick;
then everything is read from the stick and compared. On a stick larger than the
image the partition for the records gets all the room there is.

Other programs can write the image too; compare the digest of what they wrote
with the one that 'ombruk image build' printed. The stick is then used up to the
size of the image.

Exit status: 0 written and read back; 1 error, or the stick gave back something
else; 5 refused before touching anything; 64 usage; 130 cancelled.`,
		Example: `  ombruk image write stick.img /dev/sdb
  ombruk image write stick.img /dev/sdb --confirm 4C530001230615108385`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var tokens []string
			if cmd.Flags().Changed("confirm") {
				tokens = []string{confirm}
			}
			return a.imageWrite(cmd.Context(), args[0], args[1], tokens, allowFixed)
		},
	}
	cmd.Flags().StringVar(&confirm, "confirm", "", "serial of the stick, instead of typing it (without a serial its path)")
	cmd.Flags().BoolVar(&allowFixed, "allow-fixed", false, "allow a drive that is neither removable nor on USB")
	return cmd
}

// imageWrite does the whole of `ombruk image write`.
func (a *app) imageWrite(parent context.Context, file, device string, tokens []string, allowFixed bool) error {
	f, before, err := openImage(file)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	im, err := flash.Open(f, before.Size())
	if err != nil {
		return fail(exitRefused, "'ombruk image build' makes one", fmt.Errorf("refused: %s: %w", file, err))
	}
	target, err := a.stickToWrite(parent, device, im, allowFixed)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(target.Uses, inventory.Use.ByName) {
		a.note("%s is a boot stick already: records on it that were not taken off are lost", printable(target.Path))
	}
	if info, err := os.Stat(target.Path); err == nil && os.SameFile(info, before) {
		return refused(&erase.RefusedError{Path: target.Path, Reason: erase.ErrInUse, Hint: "name the stick second", Detail: "this is the image itself"})
	}
	if err := a.confirmed([]inventory.Drive{target}, tokens); err != nil {
		return err
	}
	d, err := drive.Open(target, inventory.Source{}.Facts)
	if err != nil {
		return refused(err)
	}
	ctx, cancel := a.interruptible(parent, func() {
		a.note("stopping")
	})
	defer cancel()
	meter := a.meter()
	started := time.Now()
	result, err := im.Write(ctx, d, meter.show)
	meter.end()
	if err == nil {
		err = unchanged(f, before)
	}
	if closeErr := d.Close(); err == nil && closeErr != nil {
		// The bytes are right; the kernel still has the old partitions.
		a.note("pull the stick and plug it in again before you use it here: %v", closeErr)
	}
	if err != nil {
		return notWritten(target.Path, err)
	}
	return a.showWritten(file, f, target, result, time.Since(started))
}

// openImage opens a regular file, and says what it was like then.
func openImage(name string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, nil, fail(exitUsage, "the image comes first, the stick second", fmt.Errorf("%s: not a file", name))
	}
	if err != nil {
		return nil, nil, fail(exitError, "'ombruk image build' makes an image", fmt.Errorf("open image: %w", err))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("open image: %w", err)
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("open image: %w", err)
	}
	return f, info, nil
}

// errImageChanged means that the stick may hold a mix of two images.
var errImageChanged = errors.New("the image changed while it was written")

// unchanged reports an image that another program has written to meanwhile.
func unchanged(f *os.File, before os.FileInfo) error {
	now, err := f.Stat()
	if err == nil && (now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime())) {
		err = errImageChanged
	}
	return err
}

// stickToWrite finds the drive and refuses it when it may not be overwritten.
func (a *app) stickToWrite(ctx context.Context, device string, im *flash.Image, allowFixed bool) (inventory.Drive, error) {
	all, found, err := a.named(ctx, session.Machine(), []string{device})
	if err != nil {
		return inventory.Drive{}, err
	}
	d := found[0]
	refuse := func(reason error, hint, format string, args ...any) error {
		return refused(&erase.RefusedError{Path: d.Path, Reason: reason, Hint: hint, Detail: fmt.Sprintf(format, args...)})
	}
	// An old stick of ours that lies idle is there to be written anew.
	checked := d
	checked.Uses = slices.DeleteFunc(slices.Clone(d.Uses), inventory.Use.ByName)
	if err := erase.Blocked(checked, slices.Concat(all, found), false); err != nil {
		return d, refused(err)
	}
	switch fixed := !d.Removable && d.Bus != inventory.BusUSB && d.Bus != inventory.BusImage; {
	case fixed && !allowFixed:
		return d, refuse(erase.ErrNotADrive, "if it really is to become a stick, pass --allow-fixed", "this is no stick: it is neither removable nor on USB")
	case d.CapacityBytes < im.SizeBytes():
		return d, refuse(flash.ErrTooSmall, "take a larger stick, or build the image with a smaller --size",
			"it has %s and the image %s", decimalBytes(d.CapacityBytes), decimalBytes(im.SizeBytes()))
	case d.Bus != inventory.BusImage && d.LogicalBlockBytes > flash.BlockBytes:
		return d, refuse(erase.ErrNotADrive, "take another stick", "it has blocks of %d bytes, and machines start only from those with %d", d.LogicalBlockBytes, flash.BlockBytes)
	}
	return d, nil
}

// notWritten says what a stick is worth that was not written to its end.
func notWritten(path string, err error) error {
	wrapped := fmt.Errorf("write the stick %s: %w", path, err)
	switch {
	case errors.Is(err, context.Canceled):
		return fail(exitCancelled, "nothing starts from it as it is: write it again", fmt.Errorf("write the stick %s: stopped; the stick is not usable", path))
	case errors.Is(err, flash.ErrDiffers):
		return fail(exitError, "the stick is defective, or smaller than it says: do not use it for anything", wrapped)
	}
	return fail(exitError, "the stick is not usable as it is: write it again, or take another", wrapped)
}

// showWritten says what was done, with the digest by which the image is known.
func (a *app) showWritten(file string, image io.ReadSeeker, d inventory.Drive, r flash.Result, took time.Duration) error {
	digest, err := digestOf(image)
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.emit(struct {
			Type          string  `json:"type"`
			Schema        int     `json:"schema"`
			File          string  `json:"file"`
			SHA256        string  `json:"sha256"` // of the image
			Path          string  `json:"path"`
			Model         string  `json:"model"`
			Serial        string  `json:"serial"`
			CapacityBytes int64   `json:"capacity_bytes"`
			WrittenBytes  int64   `json:"written_bytes"`
			RecordsBytes  int64   `json:"records_bytes"` // room for records
			UnusedBytes   int64   `json:"unused_bytes"`
			Seconds       float64 `json:"seconds"`
		}{"stick", 1, file, digest, d.Path, d.Model, d.Serial, d.CapacityBytes, r.WrittenBytes, r.DataBytes, r.UnusedBytes, took.Seconds()})
	}
	a.say("%s is written and read back: %s in %s", printable(describe(d)), decimalBytes(r.WrittenBytes), took.Round(time.Second))
	a.say("room for records: %s", decimalBytes(r.DataBytes))
	if r.UnusedBytes > 0 {
		a.say("not used: %s, because the image has files where the records go", decimalBytes(r.UnusedBytes))
	}
	a.say("image sha256: %s", digest)
	return nil
}

func digestOf(image io.ReadSeeker) (string, error) {
	h := sha256.New()
	_, err := image.Seek(0, io.SeekStart)
	if err == nil {
		_, err = io.Copy(h, image)
	}
	if err != nil {
		return "", fmt.Errorf("read the image: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// meter shows how far the writing of a stick is.
type meter struct {
	w       io.Writer
	bar     bool // one line, drawn over
	reading bool
	// begun is when this phase began, and shown when it was last drawn.
	begun, shown time.Time
}

func (a *app) meter() *meter {
	f, ok := a.stderr.(*os.File)
	now := time.Now()
	return &meter{w: a.stderr, bar: ok && !a.flags.json && term.IsTerminal(int(f.Fd())), begun: now, shown: now}
}

// show is called after every transfer.
func (m *meter) show(p flash.Progress) {
	now, every := time.Now(), plainEvery
	if p.Reading != m.reading {
		m.reading, m.begun, m.shown = p.Reading, now, now
	}
	if m.bar {
		every = 200 * time.Millisecond
	}
	if now.Sub(m.shown) < every {
		return
	}
	m.shown = now
	line := meterLine(p, now.Sub(m.begun))
	if m.bar {
		fmt.Fprintf(m.w, "\r%s\x1b[K", line)
		return
	}
	fmt.Fprintln(m.w, line)
}

// end leaves the terminal tidy.
func (m *meter) end() {
	if m.bar {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}

// meterLine is how far a phase is after so long.
func meterLine(p flash.Progress, took time.Duration) string {
	word := "writing"
	if p.Reading {
		word = "reading back"
	}
	line := fmt.Sprintf("%-12s %s of %s", word, decimalBytes(p.DoneBytes), decimalBytes(p.TotalBytes))
	if seconds := took.Seconds(); seconds >= 0.5 {
		rate := float64(p.DoneBytes) / seconds
		left := time.Duration(float64(p.TotalBytes-p.DoneBytes) / max(rate, 1) * float64(time.Second)).Round(time.Second)
		line += fmt.Sprintf("  %.1f MB/s  %d:%02d left", rate/1e6, int(left.Minutes()), int(left.Seconds())%60)
	}
	return line
}
