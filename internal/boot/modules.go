package boot

import (
	"bufio"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits of what is read from depmod's files. Debian's whole kernel has 4,000
// modules and 26,000 aliases.
const (
	maxIndexLines = 1 << 18
	maxIndexLine  = 1 << 16
)

// Modules are the kernel modules that there are, from depmod's text files
// (modules.dep(5), depmod(8)).
type Modules struct {
	// files are each module's own file and then those of what it needs, the
	// furthest last, by the module's name.
	files   map[string][]string
	builtin map[string]bool
	// aliases are patterns by their bus, which is the text before the colon.
	aliases map[string][]alias
	// soft are modules to be loaded before a module and after it.
	before, after map[string][]string
}

// alias says which module drives what fits a pattern.
type alias struct {
	fixed   string // before the first wildcard
	pattern string // from there on
	module  string
}

// ReadModules reads the files in a kernel's folder. Only modules.dep must be
// there.
func ReadModules(dir fs.FS) (*Modules, error) {
	m := &Modules{
		files: map[string][]string{}, builtin: map[string]bool{}, aliases: map[string][]alias{},
		before: map[string][]string{}, after: map[string][]string{},
	}
	for _, list := range []struct {
		name string
		must bool
		line func(words []string)
	}{
		{"modules.dep", true, m.dep},
		{"modules.alias", false, m.alias},
		{"modules.softdep", false, m.soft},
		{"modules.builtin", false, func(words []string) { m.builtin[moduleName(words[0])] = true }},
	} {
		if err := readIndex(dir, list.name, list.line); err != nil && (list.must || !isNotExist(err)) {
			return nil, fmt.Errorf("read %s: %w", list.name, err)
		}
	}
	return m, nil
}

// readIndex gives the words of each line that is not empty or a comment.
func readIndex(dir fs.FS, name string, line func(words []string)) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 0, 64<<10), maxIndexLine)
	for n := 0; in.Scan(); n++ {
		if n == maxIndexLines {
			return fmt.Errorf("more than %d lines", maxIndexLines)
		}
		if words := strings.Fields(in.Text()); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			line(words)
		}
	}
	return in.Err()
}

// moduleName is the name of the module in a file, or of one that is written
// with dashes.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

func (m *Modules) dep(words []string) {
	own, ok := strings.CutSuffix(words[0], ":")
	if !ok {
		return
	}
	files := []string{own}
	m.files[moduleName(own)] = append(files, words[1:]...)
}

func (m *Modules) alias(words []string) {
	if len(words) != 3 || words[0] != "alias" {
		return
	}
	pattern := words[1]
	bus, _, _ := strings.Cut(pattern, ":")
	at := strings.IndexAny(pattern, "*?[")
	if at < 0 {
		at = len(pattern)
	}
	m.aliases[bus] = append(m.aliases[bus], alias{pattern[:at], pattern[at:], moduleName(words[2])})
}

func (m *Modules) soft(words []string) {
	if len(words) < 3 || words[0] != "softdep" {
		return
	}
	name := moduleName(words[1])
	to := m.before
	for _, w := range words[2:] {
		switch w {
		case "pre:":
			to = m.before
		case "post:":
			to = m.after
		default:
			to[name] = append(to[name], moduleName(w))
		}
	}
}

// For gives the modules that drive a device, by what its modalias says.
func (m *Modules) For(modalias string) []string {
	bus, _, _ := strings.Cut(modalias, ":")
	var names []string
	for _, a := range m.aliases[bus] {
		rest, ok := strings.CutPrefix(modalias, a.fixed)
		if ok && matches(a.pattern, rest) && !slices.Contains(names, a.module) {
			names = append(names, a.module)
		}
	}
	return names
}

// Files gives the files of a module and of all it needs, each after what it
// needs. known is false for a name that the kernel does not have at all; one
// that is built in has no files.
func (m *Modules) Files(name string) (files []string, known bool) {
	files, known = m.files[name]
	files = slices.Clone(files)
	slices.Reverse(files)
	return files, known || m.builtin[name]
}

// matches is fnmatch without flags: *, ?, [abc], [a-z], [!a].
func matches(pattern, s string) bool {
	// back is where to go on with one more character in the last star.
	back, backS := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				p++
				back, backS = p, i
				continue
			}
			if width, ok := matchesOne(pattern[p:], s[i]); ok {
				p += width
				i++
				continue
			}
		}
		if back < 0 {
			return false
		}
		backS++
		p, i = back, backS
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchesOne matches one character and gives how much of the pattern it took.
func matchesOne(pattern string, c byte) (width int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		end := strings.IndexByte(pattern[1:], ']')
		if end <= 0 {
			break // an open bracket is itself
		}
		set := pattern[1 : 1+end]
		not := set[0] == '!'
		if not {
			set = set[1:]
		}
		in := false
		for i := 0; i < len(set); i++ {
			if i+2 < len(set) && set[i+1] == '-' {
				in = in || set[i] <= c && c <= set[i+2]
				i += 2
			} else {
				in = in || set[i] == c
			}
		}
		return end + 2, in != not
	}
	return 1, pattern[0] == c
}
