// Package bootusb builds the boot stick: from a distribution's signed packages
// and our own program to the bytes of an image, or to the files that a network
// start takes. It decides what is on a stick and where. It needs neither root
// nor Linux, and mounts nothing.
package bootusb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// DefaultSizeBytes is how large an image is when nothing else is asked for. The
// records of a machine are a megabyte, so it holds those of some hundreds.
const DefaultSizeBytes = 512 * mib

// Options are what a stick is built from.
type Options struct {
	Packages Packages
	// Program is the one that a stick runs, the bytes of a static program for
	// Linux on x86-64.
	Program []byte
	// Settings are the files below [stick.SettingsDir], by their names relative
	// to it, with slashes.
	Settings map[string][]byte
	// Args are given to the kernel besides those that a stick has anyway.
	Args []string
	// SizeBytes is how large the image is; 0 is [DefaultSizeBytes]. It is rounded
	// down to whole MiB.
	SizeBytes int64
	// Time is when the image was made; it is in all times on the stick.
	Time time.Time
	// Unattended starts without showing the menu.
	Unattended bool
	// Serial makes the first serial port the console, and shows the menu there.
	Serial bool
	// Unsigned takes programs without a signature, which start on no machine
	// with Secure Boot on.
	Unsigned bool
}

// Result says what was built.
type Result struct {
	SizeBytes int64
	SHA256    string // of the image, hexadecimal
	Parts     []Part
	Kernel    string // its release
	Modules   int    // how many drivers are on it
	Firmware  int    // how many files of firmware for them
	// BIOS: it starts on machines without UEFI too. WhyNoBIOS says why not.
	BIOS      bool
	WhyNoBIOS string
	// Signers are whose signatures the programs carry that Secure Boot checks,
	// in the order in which they start each other.
	Signers []Signer
	// SBOM is the list of all that is on the stick (CycloneDX, JSON); it lies on
	// it as sbom.json.
	SBOM []byte
}

// Signer is whose signatures one program carries.
type Signer struct {
	Program string   // shim, grub, kernel
	Package string   // it came in
	Names   []string // empty when it carries none
}

// Build writes the image of a stick to out, an empty file. The caller makes it
// appear under its name once it is whole: a file beside it, Sync, Rename. The
// same options give the same bytes. On an error out holds rubbish.
func Build(ctx context.Context, out *os.File, o Options, progress func(step string)) (Result, error) {
	if info, err := out.Stat(); err != nil {
		return Result{}, fmt.Errorf("build the image: %w", err)
	} else if !info.Mode().IsRegular() || info.Size() != 0 {
		return Result{}, fmt.Errorf("build the image: %s is no empty file", out.Name())
	}
	p, err := assemble(ctx, &o, progress)
	if err != nil {
		return Result{}, fmt.Errorf("build the image: %w", err)
	}
	r, err := p.writeImage(ctx, out, &o, progress)
	if err != nil {
		return Result{}, fmt.Errorf("build the image: %w", err)
	}
	return r, nil
}

// pieces are what a stick is put together from.
type pieces struct {
	*contents
	id       identity
	drivers  []*module
	firmware map[string][]byte // files that the drivers ask for, by name
	initrd   []byte
	settings []byte
	sbom     []byte
}

// assemble makes everything that a stick and a network start have in common.
func assemble(ctx context.Context, o *Options, progress func(string)) (*pieces, error) {
	if err := checkArgs(o.Args); err != nil {
		return nil, err
	}
	if o.Time.IsZero() {
		return nil, errors.New("no time was given")
	}
	if err := CheckProgram(o.Program); err != nil {
		return nil, err
	}
	c, err := gather(ctx, o.Packages, progress)
	if err != nil {
		return nil, err
	}
	progress("check signatures")
	if err := c.checkSignatures(o.Unsigned); err != nil {
		return nil, err
	}
	p := &pieces{contents: c}
	if p.drivers, err = c.modules.pick(c.hasFirmware); err != nil {
		return nil, err
	}
	if p.firmware, err = c.firmwareFor(p.drivers, o.Packages); err != nil {
		return nil, err
	}
	progress(fmt.Sprintf("pack the program and %d drivers", len(p.drivers)))
	if p.initrd, err = c.initramfs(o.Program, p.drivers, p.firmware, o.Time.Unix()); err != nil {
		return nil, err
	}
	if p.settings, err = settingsArchive(o.Settings, o.Time.Unix()); err != nil {
		return nil, err
	}
	p.id = p.identify(o)
	if p.sbom, err = p.bom(o); err != nil {
		return nil, fmt.Errorf("list what is on it: %w", err)
	}
	return p, ctx.Err()
}

// identify derives what the image is called by from all that goes into it.
func (p *pieces) identify(o *Options) identity {
	h := sha256.New()
	fmt.Fprintf(h, "ombruk image 1\n%d\n%d\n%v\n%q\n", o.Time.Unix(), o.size(), o.entries(), o.commandLine())
	fmt.Fprintf(h, "%v\n", o.Unattended)
	for _, b := range [][]byte{p.kernel.bytes, p.shim.bytes, p.manager.bytes, p.grub.bytes, p.initrd, p.settings} {
		fmt.Fprintf(h, "%x\n", sha256.Sum256(b))
	}
	for _, name := range slices.Sorted(maps.Keys(p.grubPC)) {
		fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(p.grubPC[name]))
	}
	for _, pkg := range o.Packages.list {
		fmt.Fprintf(h, "%s %s\n", pkg.Name, pkg.SHA256)
	}
	return identity(h.Sum(nil))
}

func (id identity) derive(what string) [32]byte {
	return sha256.Sum256(append([]byte(what+"\n"), id[:]...))
}

func (o *Options) size() int64 {
	if o.SizeBytes == 0 {
		return DefaultSizeBytes
	}
	return o.SizeBytes
}

// writeImage writes everything to out.
func (p *pieces) writeImage(ctx context.Context, out *os.File, o *Options, progress func(string)) (Result, error) {
	id := volumeID(p.id.volume(1))
	core, why, err := p.biosCore(ctx, o.Packages.version("grub-pc-bin"), id)
	if err != nil {
		return Result{}, err
	}
	files := p.espFiles(o, id)
	var contentBytes int64
	for _, f := range files {
		contentBytes += int64(len(f.b))
	}
	l, err := plan(o.size(), contentBytes)
	if err != nil {
		return Result{}, err
	}
	progress("write the image")
	if err := out.Truncate(l.sizeBytes); err != nil { // what is not written stays a hole
		return Result{}, err
	}
	if err := writeDisk(out, l, p.id, files, o.Time); err != nil {
		return Result{}, err
	}
	if core != nil {
		if err := writeBIOS(out, p.grubPC["boot.img"], core, l); err != nil {
			return Result{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(out, 0, l.sizeBytes)); err != nil {
		return Result{}, fmt.Errorf("read the image back: %w", err)
	}
	r := p.result()
	r.SizeBytes, r.SHA256, r.Parts = l.sizeBytes, hex.EncodeToString(h.Sum(nil)), []Part{l.esp, l.data, l.bios}
	r.BIOS, r.WhyNoBIOS = core != nil, why
	return r, nil
}

func (p *pieces) result() Result {
	return Result{
		Kernel: p.modules.release, Modules: len(p.drivers), Firmware: len(p.firmware), SBOM: p.sbom,
		Signers: []Signer{
			{"shim", p.shim.pkg, p.shim.signers},
			{"grub", p.grub.pkg, p.grub.signers},
			{"kernel", p.kernel.pkg, p.kernel.signers},
		},
	}
}

// espFiles are the files on the ESP.
func (p *pieces) espFiles(o *Options, volumeID string) []espFile {
	config := o.grubConfig(volumeID, p.id.guid(0))
	files := []espFile{
		{"EFI/BOOT/BOOTX64.EFI", p.shim.bytes},
		{"EFI/BOOT/grubx64.efi", p.grub.bytes},
		// GRUB looks where the distribution that signed it would have put it.
		{"EFI/debian/grub.cfg", config},
		{"EFI/ubuntu/grub.cfg", config},
		{"boot/grub/grub.cfg", config},
		{"boot/vmlinuz", p.kernel.bytes},
		{"boot/initrd.img", p.initrd},
		{"boot/settings.img", p.settings},
		{"sbom.json", p.sbom},
	}
	if p.manager.bytes != nil {
		files = append(files, espFile{"EFI/BOOT/mmx64.efi", p.manager.bytes})
	}
	return append(files, p.licences(o)...)
}
