package bootusb

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// module is one of the kernel's.
type module struct {
	name string // as the kernel says it, with _ for -
	path string // below lib/modules/RELEASE, without what it is compressed by
	file string // its file's name in the package, the same as path or with .xz, .zst
	raw  []byte // as it is in the package
	// The following is there once it has been picked.
	content  []byte // unpacked
	depends  []string
	soft     []string // lines of modules.softdep, without the name
	softWant []string // the modules named in them
	aliases  []string
	firmware []string
}

// kernelModules is all that a kernel's packages have that could be picked.
type kernelModules struct {
	release string
	all     map[string]*module // by name
	builtin map[string]string  // path of what is built in, by name
	// builtinFile is modules.builtin as it is.
	builtinFile []byte
}

// moduleName is what the kernel calls the module in the file at p.
func moduleName(p string) string {
	base, _, _ := strings.Cut(path.Base(p), ".")
	return strings.ReplaceAll(base, "-", "_")
}

// modulePath is where a module lies in a package: /lib, or /usr/lib since the
// two were merged.
var modulePath = regexp.MustCompile(`^(?:usr/)?lib/modules/([A-Za-z0-9.+~_-]+)/(.+)$`)

// moduleFile is the path of a module below that.
var moduleFile = regexp.MustCompile(`^(kernel/[A-Za-z0-9_.+/-]+\.ko)(\.xz|\.zst|\.gz)?$`)

// may says whether a module at p may be on a stick at all, so that the others
// need not be read.
func may(p string) bool {
	p = strings.TrimPrefix(p, "kernel/")
	below := func(dir string) bool { return strings.HasPrefix(p, dir) }
	if slices.ContainsFunc(neverFrom, below) && !slices.ContainsFunc(butFrom, below) {
		return false
	}
	// Nothing needs a file system but who mounts it.
	return !strings.HasPrefix(p, "fs/") || strings.HasPrefix(p, "fs/fat/") || strings.HasPrefix(p, "fs/nls/") || strings.HasPrefix(p, "fs/efivarfs/")
}

// setBuiltin takes what is in modules.builtin.
func (k *kernelModules) setBuiltin(b []byte) {
	k.builtinFile = b
	for line := range strings.Lines(string(b)) {
		if p := strings.TrimSpace(line); p != "" {
			k.builtin[moduleName(p)] = p
		}
	}
}

// pick gives the modules that the table asks for and those that they need, in
// the order of their paths. hasFirmware says whether a file of that name was
// given.
func (k *kernelModules) pick(hasFirmware func(name string) bool) ([]*module, error) {
	picked := map[string]*module{}
	var missing []string
	for _, row := range drivers {
		for _, pattern := range row.paths {
			found, err := k.match(row, pattern, hasFirmware, picked)
			if err != nil {
				return nil, err
			}
			if !found && row.required {
				missing = append(missing, path.Base(pattern))
			}
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("choose drivers of kernel %s: it has no %s", k.release, strings.Join(missing, ", "))
	}
	list := make([]*module, 0, len(picked))
	for _, m := range picked {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *module) int { return strings.Compare(a.path, b.path) })
	return list, nil
}

// match picks what one pattern of a row is about. It says whether the kernel
// has something like that, also built in.
func (k *kernelModules) match(row driverRow, pattern string, hasFirmware func(string) bool, picked map[string]*module) (bool, error) {
	found := false
	for _, name := range slices.Sorted(maps.Keys(k.all)) {
		m := k.all[name]
		p := strings.TrimSuffix(strings.TrimPrefix(m.path, "kernel/"), ".ko")
		if ok, err := path.Match(pattern, p); err != nil {
			return false, err
		} else if !ok || slices.Contains(leftOut, p) {
			continue
		}
		if row.firmware {
			if err := m.read(); err != nil {
				return false, err
			}
			if !slices.ContainsFunc(m.firmware, hasFirmware) {
				continue
			}
		}
		if err := k.take(m, picked); err != nil {
			// What needs a module from a folder of neverFrom is not had, unless
			// somebody asked for it.
			var lack *lackError
			if errors.As(err, &lack) && !row.required && !row.firmware {
				continue
			}
			return false, fmt.Errorf("choose drivers of kernel %s: %w", k.release, err)
		}
		found = true
	}
	if _, ok := k.builtin[moduleName(path.Base(pattern))]; ok {
		found = true
	}
	return found, nil
}

// lackError is a module that needs another that is not there.
type lackError struct{ name, needs string }

func (e *lackError) Error() string {
	return fmt.Sprintf("%s needs %s, which is not there", e.name, e.needs)
}

// take picks m and what it needs, or nothing.
func (k *kernelModules) take(m *module, picked map[string]*module) error {
	var fresh []*module
	var add func(m *module) error
	add = func(m *module) error {
		if picked[m.name] != nil {
			return nil
		}
		if err := m.read(); err != nil {
			return err
		}
		picked[m.name] = m
		fresh = append(fresh, m)
		for _, d := range m.depends {
			if _, ok := k.builtin[d]; ok {
				continue
			}
			needed := k.all[d]
			if needed == nil {
				return &lackError{m.name, d}
			}
			if err := add(needed); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(m); err != nil {
		for _, f := range fresh {
			delete(picked, f.name)
		}
		return err
	}
	// What is only wished for is left out when it cannot be had.
	for _, f := range fresh {
		for _, s := range f.softWant {
			if wished := k.all[s]; wished != nil {
				var lack *lackError
				if err := k.take(wished, picked); err != nil && !errors.As(err, &lack) {
					return err
				}
			}
		}
	}
	return nil
}

// read unpacks m and reads what it says of itself.
func (m *module) read() error {
	if m.content != nil {
		return nil
	}
	_, content, err := plain(m.file, m.raw)
	if err != nil {
		return err
	}
	if err := m.info(content); err != nil {
		return fmt.Errorf("read the module %s: %w", m.path, err)
	}
	m.content = content
	return nil
}

// info reads the section that modinfo(8) shows.
func (m *module) info(content []byte) error {
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return errors.New("it has no section .modinfo")
	}
	if s.Type == elf.SHT_NOBITS || s.Size > uint64(len(content)) {
		return errors.New("its section .modinfo is damaged")
	}
	b, err := s.Data()
	if err != nil {
		return err
	}
	for _, entry := range strings.Split(string(b), "\x00") {
		key, value, ok := strings.Cut(entry, "=")
		if !ok || strings.ContainsAny(value, "\n\r") {
			continue
		}
		switch key {
		case "depends":
			for _, d := range strings.Split(value, ",") {
				if d != "" {
					m.depends = append(m.depends, moduleName(d))
				}
			}
		case "alias":
			m.aliases = append(m.aliases, value)
		case "firmware":
			m.firmware = append(m.firmware, value)
		case "softdep":
			m.soft = append(m.soft, value)
			for _, word := range strings.Fields(value) {
				if !strings.HasSuffix(word, ":") {
					m.softWant = append(m.softWant, moduleName(word))
				}
			}
		}
	}
	return nil
}

// index gives the files beside the modules, by name, in the form that depmod
// writes (modules.dep(5)).
func (k *kernelModules) index(list []*module) map[string][]byte {
	byName := map[string]*module{}
	for _, m := range list {
		byName[m.name] = m
	}
	var dep, alias, soft strings.Builder
	alias.WriteString("# Aliases extracted from modules themselves.\n")
	soft.WriteString("# Soft dependencies extracted from modules themselves.\n")
	for _, m := range list {
		fmt.Fprintf(&dep, "%s:", m.path)
		// Each after all that need it: who loads them goes from the last to the first.
		var order []string
		seen := map[string]bool{m.name: true}
		var visit func(m *module)
		visit = func(m *module) {
			for _, d := range m.depends {
				if needed := byName[d]; needed != nil && !seen[d] {
					seen[d] = true
					visit(needed)
					order = append(order, needed.path)
				}
			}
		}
		visit(m)
		slices.Reverse(order)
		for _, p := range order {
			dep.WriteString(" " + p)
		}
		dep.WriteString("\n")
		for _, a := range m.aliases {
			fmt.Fprintf(&alias, "alias %s %s\n", a, m.name)
		}
		for _, s := range m.soft {
			fmt.Fprintf(&soft, "softdep %s %s\n", m.name, s)
		}
	}
	return map[string][]byte{
		"modules.dep":     []byte(dep.String()),
		"modules.alias":   []byte(alias.String()),
		"modules.softdep": []byte(soft.String()),
		"modules.builtin": k.builtinFile,
	}
}
