package bootusb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/internal/stick"
)

// menuSeconds is how long the menu waits for somebody who wants another entry.
const menuSeconds = 3

// kernelArgs is what every start has.
//
//   - libata.allow_tpm=1 lets TRUSTED SEND and RECEIVE through to SATA drives,
//     which libata otherwise refuses; without it they cannot be reverted.
//   - panic=60 starts again after a minute, long enough to read the reason.
const kernelArgs = "quiet loglevel=3 libata.allow_tpm=1 panic=60"

const serialArgs = "console=tty0 console=ttyS0,115200"

// serialTerminal shows GRUB's menu on the first serial port as well.
const serialTerminal = "if serial --unit=0 --speed=115200; then\n  terminal_input console serial\n  terminal_output console serial\nfi\n"

// argument is what a kernel argument may be made of, up to maxArgumentBytes:
// nothing that means something to GRUB or iPXE.
var argument = regexp.MustCompile(`^[A-Za-z0-9_.,:=/@+%~-]+$`)

const maxArgumentBytes = 256

// checkArgs refuses arguments that would not reach the kernel as they are.
func checkArgs(args []string) error {
	for _, a := range args {
		if len(a) > maxArgumentBytes || !argument.MatchString(a) {
			return fmt.Errorf("take the kernel argument %.300q: one argument of letters, digits and _ . , : = / @ + %% ~ - is allowed", a)
		}
		if name, _, _ := strings.Cut(a, "="); name == "init" || name == "rdinit" || name == "root" || name == "initrd" {
			return fmt.Errorf("take the kernel argument %q: a stick starts its own program", a)
		}
	}
	return nil
}

// commandLine is what the kernel is told, with what one entry adds.
func (o *Options) commandLine(more ...string) string {
	words := []string{kernelArgs}
	words = append(words, o.Args...)
	return strings.Join(append(words, more...), " ")
}

// menuEntry is one way to start.
type menuEntry struct {
	id, title string
	more      []string // arguments
	textMode  bool     // the screen stays as the firmware left it
}

func (o *Options) entries() []menuEntry {
	normal := menuEntry{id: "normal", title: "Ombruk"}
	serial := menuEntry{id: "serial", title: "Ombruk on the serial port", more: []string{serialArgs}}
	rest := []menuEntry{
		{id: "large", title: "Ombruk, large text", more: []string{stick.LargeTextArg}},
		{id: "safe", title: "Ombruk, safe graphics", more: []string{"nomodeset"}, textMode: true},
	}
	if o.Serial {
		return append([]menuEntry{serial, normal}, rest...)
	}
	return append([]menuEntry{normal}, append(rest, serial)...)
}

// grubConfig is GRUB's menu on a stick. It is outside what Secure Boot checks.
// diskGUID is that of the stick's partition table: with it the stick that a
// machine was started from is told from others that are plugged in.
func (o *Options) grubConfig(volumeID, diskGUID string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The menu of a boot stick made by ombruk.\n")
	timeout, style := menuSeconds, "menu"
	if o.Unattended {
		timeout, style = 0, "hidden"
	}
	if o.Serial {
		b.WriteString(serialTerminal)
	}
	// This file system and no other: another drive may have files of the same names.
	fmt.Fprintf(&b, "search --no-floppy --fs-uuid --set=root --hint=\"$root\" %s\n", volumeID)
	b.WriteString(menu(o.entries(), timeout, style, "/boot/", func(e menuEntry) string {
		return o.commandLine(append(slices.Clone(e.more), stick.MediumArg+"="+strings.ToLower(diskGUID))...)
	}))
	return b.Bytes()
}

// menu is the part of a configuration that is the same from a stick and from
// a network.
func menu(entries []menuEntry, timeout int, style, dir string, args func(menuEntry) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "set default=0\nset timeout=%d\nset timeout_style=%s\n", timeout, style)
	for _, e := range entries {
		payload := "if [ \"$grub_platform\" = pc ]; then set gfxpayload=auto; else set gfxpayload=keep; fi"
		if e.textMode {
			payload = "if [ \"$grub_platform\" = pc ]; then set gfxpayload=text; else set gfxpayload=keep; fi"
		}
		fmt.Fprintf(&b, "menuentry '%s' --id %s {\n  %s\n  linux %svmlinuz %s\n  initrd %sinitrd.img %ssettings.img\n}\n",
			e.title, e.id, payload, dir, args(e), dir, dir)
	}
	b.WriteString("menuentry 'Power off' --id off {\n  halt\n}\n")
	return b.String()
}

// biosModules are what GRUB for a BIOS is put together from.
var biosModules = []string{
	"biosdisk", "part_gpt", "fat", "search", "search_fs_uuid", "configfile", "normal", "minicmd",
	"linux", "test", "echo", "halt", "reboot", "sleep", "serial", "terminal", "all_video", "vbe", "gfxterm",
}

// biosCore makes core.img with the program grub-mkimage of this machine. why
// says why there is none, which is no mistake: then the stick starts on
// machines with UEFI only.
//
// version is that of the package grub-pc-bin. Parts of one release and a tool of
// another may give something that does not start.
func (c *contents) biosCore(ctx context.Context, version, volumeID string) (core []byte, why string, err error) {
	tool, err := exec.LookPath("grub-mkimage")
	if err != nil {
		return nil, "grub-mkimage is not on this machine (package grub-common)", nil
	}
	for _, name := range []string{"boot.img", "diskboot.img", "kernel.img", "moddep.lst"} {
		if c.grubPC[name] == nil {
			return nil, "the package grub-pc-bin was not given", nil
		}
	}
	if theirs, ours := grubVersion(ctx, tool), release(version); theirs != ours {
		return nil, fmt.Sprintf("grub-mkimage on this machine is version %q and the package grub-pc-bin %q", theirs, ours), nil
	}
	dir, err := os.MkdirTemp("", "ombruk-grub-")
	if err != nil {
		return nil, "", fmt.Errorf("make GRUB for a BIOS: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	early := fmt.Sprintf("search --no-floppy --fs-uuid --set=root --hint=\"$root\" %s\nset prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n", volumeID)
	files := map[string][]byte{"early.cfg": []byte(early)}
	maps.Copy(files, c.grubPC)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o600); err != nil {
			return nil, "", fmt.Errorf("make GRUB for a BIOS: %w", err)
		}
	}
	out := filepath.Join(dir, "core.out")
	args := append([]string{"-O", "i386-pc", "-d", dir, "-p", "/boot/grub", "-c", filepath.Join(dir, "early.cfg"), "-o", out}, biosModules...)
	if said, err := exec.CommandContext(ctx, tool, args...).CombinedOutput(); err != nil { //nolint:gosec // the tool of that name, on our own files
		return nil, "", fmt.Errorf("make GRUB for a BIOS: grub-mkimage: %w: %s", err, bytes.TrimSpace(said))
	}
	core, err = os.ReadFile(out)
	if err != nil {
		return nil, "", fmt.Errorf("make GRUB for a BIOS: %w", err)
	}
	return core, "", nil
}

// grubVersion is the release that tool is of, such as 2.06; empty when it does
// not say.
func grubVersion(ctx context.Context, tool string) string {
	out, err := exec.CommandContext(ctx, tool, "--version").Output()
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(strings.TrimSpace(string(out)), ") ")
	return release(after)
}

// release is a distribution's version without what the distribution added.
func release(version string) string {
	_, after, ok := strings.Cut(version, ":") // the epoch
	if ok {
		version = after
	}
	upstream, _, _ := strings.Cut(version, "-")
	upstream, _, _ = strings.Cut(upstream, "~")
	return upstream
}
