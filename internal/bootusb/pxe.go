package bootusb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WritePXE writes what a network start takes to dir, a folder that is empty or
// not there yet: kernel, initramfs and settings, a script for iPXE, and shim
// and GRUB for machines that start over HTTP or TFTP with Secure Boot on. The
// result has no partitions, and the size is that of all files. On an error dir
// may hold some of them.
//
// The settings hold the station's key: who can read the folder can sign as the
// station.
func WritePXE(ctx context.Context, dir string, o Options, progress func(step string)) (Result, error) {
	left, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Result{}, fmt.Errorf("write the files for a network start: %w", err)
	}
	if len(left) > 0 {
		return Result{}, fmt.Errorf("write the files for a network start: the folder %s is not empty", dir)
	}
	p, err := assemble(ctx, &o, progress)
	if err != nil {
		return Result{}, fmt.Errorf("write the files for a network start: %w", err)
	}
	r := p.result()
	r.WhyNoBIOS = "a BIOS starts it with iPXE"
	progress("write the files")
	for _, f := range p.netFiles(&o) {
		name := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return Result{}, fmt.Errorf("write the files for a network start: %w", err)
		}
		if err := os.WriteFile(name, f.b, 0o644); err != nil {
			return Result{}, fmt.Errorf("write the files for a network start: %w", err)
		}
		r.SizeBytes += int64(len(f.b))
	}
	return r, nil
}

// netFiles are the files of a network start.
func (p *pieces) netFiles(o *Options) []espFile {
	files := []espFile{
		{"vmlinuz", p.kernel.bytes},
		{"initrd.img", p.initrd},
		{"settings.img", p.settings},
		{"boot.ipxe", o.ipxeScript()},
		{"sbom.json", p.sbom},
		{"README.txt", []byte(pxeReadme)},
	}
	if p.netGrub.bytes != nil {
		files = append(files,
			espFile{"shimx64.efi", p.shim.bytes},
			espFile{"grubx64.efi", p.netGrub.bytes}, // the name by which shim asks for it
			espFile{"grub/grub.cfg", o.netConfig()},
		)
		if p.manager.bytes != nil {
			files = append(files, espFile{"mmx64.efi", p.manager.bytes})
		}
	}
	return append(files, p.licences(o)...)
}

// ipxeScript is read by iPXE. The kernel is told the names of its two archives
// besides, which a kernel started by UEFI asks iPXE for.
func (o *Options) ipxeScript() []byte {
	var b bytes.Buffer
	e := o.entries()[0]
	fmt.Fprintf(&b, "#!ipxe\n# Starts Ombruk over the network. The files lie beside this one.\n")
	fmt.Fprintf(&b, "kernel vmlinuz initrd=initrd.img initrd=settings.img %s\n", o.commandLine(e.more...))
	b.WriteString("initrd initrd.img\ninitrd settings.img\nboot\n")
	return b.Bytes()
}

// netConfig is GRUB's menu when it came over the network.
func (o *Options) netConfig() []byte {
	timeout, style := menuSeconds, "menu"
	if o.Unattended {
		timeout, style = 0, "hidden"
	}
	var b strings.Builder
	b.WriteString("# The menu of a network start made by ombruk.\n")
	if o.Serial {
		b.WriteString(serialTerminal)
	}
	b.WriteString(menu(o.entries(), timeout, style, "$cmdpath/", func(e menuEntry) string { return o.commandLine(e.more...) }))
	return []byte(b.String())
}

// licences are each package's own file about licences, and a list of them.
// Their names are short, since the library takes two long ones that begin
// alike for one.
func (p *pieces) licences(o *Options) []espFile {
	var files []espFile
	var list strings.Builder
	list.WriteString(licenceHead)
	for _, pkg := range o.Packages.list {
		where := "-     " // some packages leave it to another of the same source
		if text := p.copyright[pkg.Name]; text != nil {
			where = fmt.Sprintf("%02d.txt", len(files)+1)
			files = append(files, espFile{"licences/" + where, text})
		}
		fmt.Fprintf(&list, "%s  %s %s\n", where, pkg.Name, pkg.Version)
	}
	return append(files, espFile{"licences/list.txt", []byte(list.String())})
}

const licenceHead = `What is here was taken unchanged from the packages below, but for the console
fonts: those were made from the Terminus fonts in console-setup-linux, with other
characters, and are named otherwise. The source of each package is the
distribution's source package of that version. sbom.json has their digests and
the Go modules of Ombruk itself, whose licence is the Apache License 2.0.

`

const pxeReadme = `Ombruk over the network

iPXE (BIOS, or UEFI with Secure Boot off): let it load boot.ipxe. All files lie
in one folder of a TFTP or HTTP server. iPXE as it is commonly built carries no
signature that machines with Secure Boot on accept.

Secure Boot on: let the firmware load shimx64.efi, over TFTP (PXE) or HTTP (UEFI
HTTP Boot). shim loads grubx64.efi from the same folder, and that reads
/grub/grub.cfg from the root of the server, so the folder must be its root.

There is no data partition: records are kept only on a stick that is plugged in.

settings.img holds the station's key and policy. Whoever can read it can sign as
the station, and whoever can answer DHCP can start something else instead: use a
network of its own.
`
