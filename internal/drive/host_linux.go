package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/inventory"
)

// ErrNoCommands means that a target has blocks and nothing else: no command of
// its own that it could be asked or erased by.
var ErrNoCommands = errors.New("no commands of its own")

// Options are what opening a drive with its firmware needs.
type Options struct {
	Look Look
	// Drives lists the machine's drives with their uses, so that one that
	// went away is found again; it is inventory.Source.Drives. Without it a
	// drive is only found where it was.
	Drives  func(context.Context) ([]inventory.Drive, error)
	Secrets Secrets
}

// OpenWith is [Open] and gives the drive its firmware, where it has one.
func OpenWith(ctx context.Context, facts inventory.Drive, o Options) (*Drive, error) {
	d, err := Open(facts, o.Look)
	if err != nil {
		return nil, err
	}
	if wired(facts) == "" {
		return d, nil
	}
	d.host = &host{drive: d, drives: o.Drives, sys: "/sys"}
	if d.firmware, err = Attach(ctx, facts, d.host, o.Secrets); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// wired names the wire that the kernel offers to a target: "scsi", "nvme",
// "mmc", or none. A partition has none, since commands act on the whole drive.
func wired(d inventory.Drive) string {
	if d.PartitionOf != "" || d.Bus == inventory.BusVirtual {
		return ""
	}
	for prefix, wire := range map[string]string{"sd": "scsi", "nvme": "nvme", "mmcblk": "mmc"} {
		if strings.HasPrefix(d.Name, prefix) {
			return wire
		}
	}
	return ""
}

// openAreas opens the boot and general purpose areas of an eMMC, which go by
// nodes of their own. They are for commands only.
func openAreas(d inventory.Drive, flags int) (map[string]*os.File, error) {
	if wired(d) != "mmc" {
		return nil, nil
	}
	areas := map[string]*os.File{}
	for _, path := range d.Siblings {
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|flags, 0)
		if err != nil {
			for _, other := range areas {
				_ = other.Close()
			}
			return nil, explain(path, err)
		}
		areas[path] = f
	}
	return areas, nil
}

// wires are the ways to an opened drive.
func wires(d inventory.Drive, f *os.File, areas map[string]*os.File) Wires {
	switch wired(d) {
	case "scsi":
		return Wires{SCSI: kernel.SCSI(f)}
	case "mmc":
		csd, _ := os.ReadFile(filepath.Join("/sys/block", d.Name, "device/csd"))
		w := Wires{MMC: kernel.MMC(f), MMCAreas: map[string]mmc.Issuer{}, CSD: strings.TrimSpace(string(csd))}
		for path, area := range areas {
			w.MMCAreas[path] = kernel.MMC(area)
		}
		return w
	case "nvme":
		nsid, err := kernel.NSID(f)
		if err != nil {
			return Wires{} // a path that is not a namespace, or one that is gone
		}
		return Wires{NVMe: kernel.NVMe(f), NSID: nsid, NSIDOf: nsidOf("/sys", d.Siblings)}
	}
	return Wires{}
}

// nsidOf reads what namespace a sibling's node is of, which Linux tells in
// sysfs. After a drive was found again another may go by the node of before.
func nsidOf(sys string, siblings []string) func(string) uint32 {
	return func(path string) uint32 {
		if !slices.Contains(siblings, path) {
			return 0
		}
		text, err := os.ReadFile(filepath.Join(sys, "block", filepath.Base(path), "nsid"))
		if err != nil {
			return 0
		}
		id, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
		if err != nil {
			return 0
		}
		return uint32(id)
	}
}

// clock is the real one.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

func (clock) Wait(ctx context.Context, d time.Duration) error { return erase.Wait(ctx, d) }

// host is the kernel around an opened drive.
type host struct {
	clock
	drive  *Drive
	drives func(context.Context) ([]inventory.Drive, error)
	sys    string // where sysfs is
}

func (h *host) Wires() Wires {
	o := h.drive.at.Load()
	return h.drive.commands.over(wires(o.facts, o.direct, o.areas))
}

// scanTime is what the kernel is given for looking at an NVMe controller again,
// which it does in the background.
const scanTime = 200 * time.Millisecond

// Rescan implements Host. The drive may grow by it, and only by it: what was
// hidden and is restored belongs to the drive from then on.
func (h *host) Rescan(ctx context.Context) error {
	o := h.drive.at.Load()
	what := "look at " + o.facts.Path + " again"
	if err := rescan(h.sys, o.facts.Name); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if wired(o.facts) == "nvme" {
		if err := h.Wait(ctx, scanTime); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := kernel.FlushBuffers(o.direct); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	// Blocks that cannot be read after an erase are no partitions either.
	_ = kernel.RereadPartitions(o.direct)
	size, err := kernel.SizeBytes(o.direct)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", what, erase.ErrGone, err)
	}
	if size < o.size {
		return fmt.Errorf("%s: %w: it had %d bytes and has %d", what, erase.ErrSizeChanged, o.size, size)
	}
	now, err := h.drive.look(o.facts.Path)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", what, erase.ErrGone, err)
	}
	grown := *o
	grown.size, grown.facts.CapacityBytes = size, size
	grown.facts.LogicalBlockBytes, grown.facts.PhysicalBlockBytes = now.LogicalBlockBytes, now.PhysicalBlockBytes
	grown.align = int64(max(now.LogicalBlockBytes, 512))
	h.drive.at.Store(&grown)
	return nil
}

// rescan has the kernel ask a drive again for what it is. A drive that has no
// such way is taken as it is.
func rescan(sys, name string) error {
	device := filepath.Join(sys, "block", name, "device")
	var attributes []string
	for _, pattern := range []string{"rescan", "rescan_controller", "nvme*/rescan_controller"} {
		found, err := filepath.Glob(filepath.Join(device, pattern))
		if err != nil {
			return err
		}
		attributes = append(attributes, found...)
	}
	var errs []error
	for _, a := range attributes {
		f, err := os.OpenFile(a, os.O_WRONLY, 0)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		_, err = f.WriteString("1\n")
		errs = append(errs, err, f.Close())
	}
	return errors.Join(errs...)
}

// Refind implements Host. While the drive is away nobody's hold keeps others
// off it, so it is only taken again when nothing uses it.
func (h *host) Refind(ctx context.Context) error {
	d, o := h.drive, h.drive.at.Load()
	if d.closed.Load() {
		return fmt.Errorf("find %s again: %w: it was closed", o.facts.Path, erase.ErrGone)
	}
	if _, err := kernel.SizeBytes(o.direct); err == nil && d.same(o) == nil {
		return nil
	}
	what := "find " + o.facts.Path + " again"
	// Our own hold would keep us out, too.
	_ = o.close()
	found, err := h.find(ctx, o.facts)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if len(found.Uses) > 0 {
		return fmt.Errorf("%s: %w: it is %s", what, erase.ErrInUse, found.Uses[0])
	}
	// It is opened as what is there now, and held to what it was: a size that
	// changed without our doing shows in Check.
	now := o.facts
	now.Path, now.Name, now.DeviceNumber, now.Siblings, now.CapacityBytes = found.Path, found.Name, found.DeviceNumber, found.Siblings, found.CapacityBytes
	again, err := d.take(now)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	again.size, again.facts.CapacityBytes = o.size, o.facts.CapacityBytes
	d.at.Store(again)
	if d.closed.Load() {
		return fmt.Errorf("%s: %w: it was closed meanwhile", what, errors.Join(erase.ErrGone, again.close()))
	}
	return nil
}

// find looks for the one drive that is what facts describes.
func (h *host) find(ctx context.Context, facts inventory.Drive) (inventory.Drive, error) {
	if facts.Serial == "" && facts.WWN == "" {
		return inventory.Drive{}, fmt.Errorf("%w: it tells neither serial nor WWN, so that it cannot be known again", erase.ErrGone)
	}
	if h.drives == nil {
		return inventory.Drive{}, fmt.Errorf("%w: there is no list of drives to look in", erase.ErrGone)
	}
	drives, err := h.drives(ctx)
	if err != nil {
		return inventory.Drive{}, err
	}
	var same []inventory.Drive
	for _, d := range drives {
		if d.Serial == facts.Serial && d.WWN == facts.WWN && d.Model == facts.Model && d.Bus == facts.Bus {
			same = append(same, d)
		}
	}
	switch len(same) {
	case 0:
		return inventory.Drive{}, fmt.Errorf("%w: no drive with serial %q and WWN %q", erase.ErrGone, facts.Serial, facts.WWN)
	case 1:
		return same[0], nil
	}
	return inventory.Drive{}, fmt.Errorf("%w: %s and %s both have serial %q and WWN %q", erase.ErrIdentityChanged, same[0].Path, same[1].Path, facts.Serial, facts.WWN)
}

// Probe asks a drive what it can do, with commands that change nothing. It does
// not take the drive: others may be using it. The error is [ErrNoCommands]
// where there is no way to ask.
func Probe(ctx context.Context, facts inventory.Drive) (inventory.Abilities, error) {
	if wired(facts) == "" {
		return inventory.Abilities{}, ErrNoCommands
	}
	f, err := os.OpenFile(facts.Path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return inventory.Abilities{}, fmt.Errorf("ask %s: %w", facts.Path, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return inventory.Abilities{}, fmt.Errorf("ask %s: %w", facts.Path, err)
	}
	st := info.Sys().(*syscall.Stat_t)
	if number := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev)); number != facts.DeviceNumber {
		return inventory.Abilities{}, fmt.Errorf("ask %s: %w: device number was %s and is %s", facts.Path, erase.ErrIdentityChanged, facts.DeviceNumber, number)
	}
	areas, err := openAreas(facts, 0)
	if err != nil {
		return inventory.Abilities{}, fmt.Errorf("ask %s: %w", facts.Path, err)
	}
	defer func() {
		for _, area := range areas {
			_ = area.Close()
		}
	}()
	fw, err := NewFirmware(ctx, facts, visitor{facts: facts, file: f, areas: areas}, Secrets{})
	switch {
	case err != nil:
		return inventory.Abilities{}, fmt.Errorf("ask %s: %w", facts.Path, err)
	case fw == nil:
		return inventory.Abilities{}, ErrNoCommands
	}
	a, err := fw.Abilities(ctx)
	if err != nil {
		return inventory.Abilities{}, fmt.Errorf("ask %s: %w", facts.Path, err)
	}
	return a, nil
}

// visitor is the host of a drive that is only asked.
type visitor struct {
	clock
	facts inventory.Drive
	file  *os.File
	areas map[string]*os.File
}

func (v visitor) Wires() Wires { return wires(v.facts, v.file, v.areas) }

func (v visitor) Rescan(context.Context) error { return nil }

func (v visitor) Refind(context.Context) error {
	return fmt.Errorf("%w: %s does not answer", erase.ErrGone, v.facts.Path)
}
