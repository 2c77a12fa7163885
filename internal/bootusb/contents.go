package bootusb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
)

// contents is what is taken from the packages.
type contents struct {
	kernel  program
	shim    program
	manager program // shim's MokManager; without bytes when no package has it
	grub    program
	netGrub program // GRUB for a start over HTTP; may be without bytes
	// grubPC are the parts that GRUB for a BIOS is made of, by file name.
	grubPC  map[string][]byte
	fonts   map[string][]byte
	modules kernelModules
	// given are the files below lib/firmware, unpacked when they are used.
	given map[string][]byte
	// firmwareOf is the package that each of them came in.
	firmwareOf map[string]string
	links      map[string]string // symbolic links among them
	// copyright is each package's own file about licences.
	copyright map[string][]byte
}

// program is one that the firmware of a machine checks before it starts it.
type program struct {
	bytes   []byte
	pkg     string   // its package
	signers []string // whose signature it carries
}

var (
	kernelFile   = regexp.MustCompile(`^boot/vmlinuz-([A-Za-z0-9.+~_-]+)$`)
	grubPCFile   = regexp.MustCompile(`^usr/lib/grub/i386-pc/([A-Za-z0-9_-]+\.(?:mod|img|lst))$`)
	firmwareFile = regexp.MustCompile(`^(?:usr/)?lib/firmware/(?:updates/)?(.+)$`)
	fontFile     = regexp.MustCompile(`^usr/share/consolefonts/(Uni2-Terminus(?:Bold)?[0-9x]+)\.psf\.gz$`)
)

// The names under which the signed programs come, the best first. Ubuntu has
// two generations of shim side by side.
var (
	shimFiles    = []string{"usr/lib/shim/shimx64.efi.signed", "usr/lib/shim/shimx64.efi.signed.latest", "usr/lib/shim/shimx64.efi.dualsigned"}
	managerFiles = []string{"usr/lib/shim/mmx64.efi.signed", "usr/lib/shim/mmx64.efi"}
	grubFiles    = []string{"usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"}
	netGrubFiles = []string{"usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"}
)

// gather reads the packages.
func gather(ctx context.Context, p Packages, progress func(string)) (*contents, error) {
	c := &contents{
		grubPC: map[string][]byte{}, fonts: map[string][]byte{}, given: map[string][]byte{}, firmwareOf: map[string]string{}, links: map[string]string{}, copyright: map[string][]byte{},
		modules: kernelModules{all: map[string]*module{}, builtin: map[string]string{}},
	}
	if len(p.list) == 0 {
		return nil, errors.New("no packages were given")
	}
	for _, pkg := range p.list {
		progress("read " + pkg.Name + " " + pkg.Version)
		taken := rank{}
		err := pkg.each(func(f entry, body io.Reader) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return c.take(pkg, f, body, taken)
		})
		if err != nil {
			return nil, err
		}
	}
	for _, one := range []struct {
		what string
		b    []byte
	}{
		{"a kernel (boot/vmlinuz-…)", c.kernel.bytes},
		{"shim (usr/lib/shim/shimx64.efi.signed)", c.shim.bytes},
		{"GRUB (usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed)", c.grub.bytes},
	} {
		if one.b == nil {
			return nil, fmt.Errorf("read the packages: none has %s", one.what)
		}
	}
	if len(c.modules.all) == 0 || c.modules.builtinFile == nil {
		return nil, fmt.Errorf("read the packages: none has the modules of kernel %s; Ubuntu has them in linux-modules-%s", c.modules.release, c.modules.release)
	}
	return c, nil
}

// rank remembers which of the names of a program it was taken by.
type rank map[*program]int

// take keeps what is needed of one file.
func (c *contents) take(pkg Package, f entry, body io.Reader, taken rank) error {
	if f.link != "" {
		if m := firmwareFile.FindStringSubmatch(f.name); m != nil && pkg.Firmware {
			if t := firmwareFile.FindStringSubmatch(f.link); t != nil {
				c.links[m[1]] = t[1]
			}
		}
		return nil
	}
	for _, one := range []struct {
		names []string
		to    *program
	}{{shimFiles, &c.shim}, {managerFiles, &c.manager}, {grubFiles, &c.grub}, {netGrubFiles, &c.netGrub}} {
		i := slices.Index(one.names, f.name)
		if i < 0 {
			continue
		}
		if best, ok := taken[one.to]; ok && best < i {
			return nil
		}
		b, err := readBounded(body, f.size)
		if err != nil {
			return err
		}
		taken[one.to] = i
		*one.to = program{bytes: b, pkg: pkg.Name}
		return nil
	}
	var into *[]byte
	var keep map[string][]byte
	var name string
	if m := kernelFile.FindStringSubmatch(f.name); m != nil {
		if c.kernel.bytes != nil {
			return fmt.Errorf("a second kernel, beside %s", c.modules.release)
		}
		c.kernel.pkg, into = pkg.Name, &c.kernel.bytes
		if err := c.setRelease(m[1]); err != nil {
			return err
		}
	} else if m := modulePath.FindStringSubmatch(f.name); m != nil {
		return c.takeModule(m[1], m[2], f, body)
	} else if m := grubPCFile.FindStringSubmatch(f.name); m != nil && pkg.Name == "grub-pc-bin" {
		keep, name = c.grubPC, m[1]
	} else if m := fontFile.FindStringSubmatch(f.name); m != nil {
		keep, name = c.fonts, m[1]
	} else if m := firmwareFile.FindStringSubmatch(f.name); m != nil && pkg.Firmware {
		keep, name = c.given, m[1]
		c.firmwareOf[name] = pkg.Name
	} else if f.name == "usr/share/doc/"+pkg.Name+"/copyright" && f.size > 0 {
		keep, name = c.copyright, pkg.Name
	}
	if into == nil && keep == nil {
		return nil
	}
	b, err := readBounded(body, f.size)
	if err != nil {
		return err
	}
	if into != nil {
		*into = b
	} else {
		keep[name] = b
	}
	return nil
}

func (c *contents) setRelease(release string) error {
	if c.modules.release != "" && c.modules.release != release {
		return fmt.Errorf("it is for kernel %s, and there is also %s", release, c.modules.release)
	}
	c.modules.release = release
	return nil
}

// takeModule keeps a module that could be picked, and the list of those that
// are built in.
func (c *contents) takeModule(release, rest string, f entry, body io.Reader) error {
	if rest == "modules.builtin" {
		if err := c.setRelease(release); err != nil {
			return err
		}
		b, err := readBounded(body, f.size)
		if err != nil {
			return err
		}
		c.modules.setBuiltin(b)
		return nil
	}
	m := moduleFile.FindStringSubmatch(rest)
	if m == nil || !may(rest) {
		return nil
	}
	if err := c.setRelease(release); err != nil {
		return err
	}
	b, err := readBounded(body, f.size)
	if err != nil {
		return err
	}
	name := moduleName(m[1])
	c.modules.all[name] = &module{name: name, path: m[1], file: rest, raw: b}
	return nil
}

// firmwareFor gives the firmware files that the modules ask for and that were
// given, by name, unpacked. A package that was asked for and of which nothing is
// taken is an error: somebody expects something of it.
func (c *contents) firmwareFor(list []*module, p Packages) (map[string][]byte, error) {
	files := map[string][]byte{}
	used := map[string]bool{}
	for _, m := range list {
		for _, pattern := range m.firmware {
			for _, name := range c.matching(pattern) {
				if files[name] != nil {
					continue
				}
				source := c.resolve(name)
				_, b, err := plain(source, c.given[source])
				if err != nil {
					return nil, err
				}
				files[name] = b
				used[c.firmwareOf[source]] = true
			}
		}
	}
	for _, pkg := range p.list {
		if pkg.Firmware && !used[pkg.Name] {
			return nil, fmt.Errorf("take firmware from the package %s: no driver of kernel %s that a stick has asks for any of it", pkg.Name, c.modules.release)
		}
	}
	return files, nil
}

// hasFirmware says whether a file as a module asks for it was given.
func (c *contents) hasFirmware(pattern string) bool { return len(c.matching(pattern)) > 0 }

// matching are the names of the given firmware files that pattern is about,
// without what they are compressed by.
func (c *contents) matching(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		if c.resolve(pattern) != "" {
			return []string{pattern}
		}
		return nil
	}
	var names []string
	for file := range c.given {
		name := file
		for _, ext := range []string{".xz", ".zst"} {
			name = strings.TrimSuffix(name, ext)
		}
		if ok, err := path.Match(pattern, name); err == nil && ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// resolve is the file that holds what is called name, or nothing.
func (c *contents) resolve(name string) string {
	for range 8 { // links that lead in a circle lead nowhere
		for _, ext := range []string{"", ".xz", ".zst"} {
			if _, ok := c.given[name+ext]; ok {
				return name + ext
			}
		}
		to := ""
		for _, ext := range []string{"", ".xz", ".zst"} {
			if l, ok := c.links[name+ext]; ok {
				to = strings.TrimSuffix(l, ext)
				break
			}
		}
		if to == "" {
			// A folder above it may be the link.
			for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
				if l, ok := c.links[dir]; ok {
					to = l + strings.TrimPrefix(name, dir)
					break
				}
			}
		}
		if to == "" {
			return ""
		}
		name = to
	}
	return ""
}

// checkSignatures reads the signatures of what the firmware and shim check.
// With unsigned a program may be without one.
func (c *contents) checkSignatures(unsigned bool) error {
	for _, p := range []*program{&c.shim, &c.manager, &c.grub, &c.netGrub, &c.kernel} {
		if p.bytes == nil {
			continue
		}
		names, err := signers(p.bytes)
		if errors.Is(err, ErrUnsigned) && unsigned {
			continue
		}
		if err != nil {
			return fmt.Errorf("check the program of %s: %w", p.pkg, err)
		}
		p.signers = names
	}
	return nil
}
