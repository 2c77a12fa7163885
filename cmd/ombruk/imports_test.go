package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ombruk/ombruk/"

// anything is a row of a package that may import whatever there is.
var anything = []string{"*"}

// ours says which of our packages each of our packages may import, tests not
// counted. A package without a row may not exist.
var ours = map[string][]string{
	"inventory":         {},
	"inventory/grade":   {"inventory"},
	"internal/lang":     {},
	"internal/kernel":   {"internal/scsi", "internal/nvme", "internal/mmc"},
	"internal/yamlfile": {},
	"internal/orgnr":    {},
	"internal/contract": {"inventory/grade", "internal/orgnr", "internal/yamlfile"},
	"erase":             {"inventory"},
	"internal/policy":   {"erase", "inventory", "inventory/grade", "internal/yamlfile"},
	"internal/campaign": {},
	"certs":             {"erase", "inventory", "inventory/grade", "internal/orgnr"},
	"report":            {"certs", "erase", "inventory", "inventory/grade", "internal/lang"},
	"internal/scsi":     {},
	"internal/nvme":     {},
	"internal/mmc":      {},
	"internal/tcg":      {},
	"internal/ata":      {"internal/scsi"},
	"internal/drive": {
		"erase", "inventory", "internal/kernel",
		"internal/ata", "internal/scsi", "internal/nvme", "internal/mmc", "internal/tcg",
	},
	"internal/drivesim": {"inventory", "erase", "internal/drive", "internal/scsi", "internal/nvme", "internal/mmc"},
	"internal/record":   {"certs", "erase", "inventory"},
	"internal/job": {
		"internal/record", "report", "certs", "erase", "inventory", "inventory/grade",
		"internal/policy", "internal/contract",
	},
	// What a boot stick is made of, how it is built, and what runs from it.
	"internal/stick":   {"certs", "erase"},
	"internal/bootusb": {"internal/stick"},
	"internal/flash":   {"internal/stick"},
	"internal/boot":    {"internal/stick", "internal/kernel"},
	"internal/tui":     {"internal/job", "internal/stick", "internal/hands", "erase", "inventory", "inventory/grade", "internal/lang"},
	// What holds data or credentials in a machine besides its drives.
	"internal/remains": {"certs", "internal/kernel", "inventory"},
	// What hands do to a machine.
	"internal/hands": {},
	// One machine's drives from the first look to closed records.
	"internal/session": {
		"internal/job", "internal/record", "internal/policy", "internal/contract", "internal/drive", "internal/drivesim",
		"internal/kernel", "internal/tcg", "certs", "erase", "inventory", "inventory/grade",
	},
	// A terminal for tests.
	"internal/terminal":    {},
	"cmd/ombruk":           anything,
	"internal/bench":       anything,
	"internal/vmlab":       {},
	"internal/vmlab/guest": {"internal/vmlab", "internal/kernel"},
	// It plays drives to the kernel.
	"internal/vmlab/simdrive": {"internal/drivesim", "internal/scsi", "internal/nvme"},
}

// theirs says which of our packages may import a package that is not ours (or
// one below it), tests not counted. One without a row may not be imported.
var theirs = map[string][]string{
	"codeberg.org/go-pdf/fpdf":          {"report"},
	"github.com/boombuler/barcode":      {"report"},
	"github.com/google/go-tpm":          {"internal/remains"},
	"rsc.io/qr":                         {"report", "internal/tui"},
	"golang.org/x/image":                {"report", "internal/terminal"},
	"github.com/spf13/cobra":            {"cmd/ombruk"},
	"github.com/spf13/pflag":            {"cmd/ombruk"},
	"golang.org/x/term":                 {"cmd/ombruk"},
	"github.com/jaypipes/ghw":           {"inventory"},
	"github.com/goccy/go-yaml":          {"internal/yamlfile"},
	"github.com/youmark/pkcs8":          {"certs"},
	"github.com/gowebpki/jcs":           {"certs"},
	"github.com/nicksnyder/go-i18n/v2":  {"internal/lang"},
	"golang.org/x/text":                 {"internal/lang", "report"},
	"golang.org/x/sys/unix":             {"internal/boot", "inventory", "internal/kernel", "internal/drive", "internal/record", "internal/vmlab/guest", "internal/vmlab/simdrive"},
	"github.com/google/uuid":            {"certs", "internal/record", "internal/job", "cmd/ombruk"},
	"golang.org/x/sync":                 anything,
	"charm.land/bubbletea":              {"internal/tui"},
	"charm.land/lipgloss":               {"internal/tui"},
	"github.com/charmbracelet":          {"internal/tui"},
	"github.com/diskfs/go-diskfs":       {"internal/bootusb"},
	"github.com/u-root/u-root":          {"internal/bootusb"},
	"github.com/klauspost/compress":     {"internal/bootusb"},
	"github.com/ulikunitz/xz":           {"internal/bootusb"},
	"github.com/CycloneDX/cyclonedx-go": {"internal/bootusb"},
	"github.com/hinshun/vt10x":          {"internal/terminal"},
	"github.com/creack/pty":             {"internal/terminal"},
	// Of the standard library, what reaches below the language or outside.
	"unsafe":       {"internal/kernel", "internal/vmlab/simdrive"},
	"C":            {},
	"plugin":       {},
	"database/sql": {},
	"net/http":     {},
}

// listed is what `go list -json` tells about one package.
type listed struct {
	ImportPath string
	Imports    []string
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for _, p := range listPackages(t, goos) {
			name := strings.TrimPrefix(p.ImportPath, module)
			row, ok := ours[name]
			if !ok {
				t.Errorf("%s has no row in the table of who may import whom: decide what it may import and add it to `ours` here", name)
				continue
			}
			for _, path := range p.Imports {
				if dep, isOurs := strings.CutPrefix(path, module); isOurs {
					if !allows(row, dep) {
						t.Errorf("%s (%s) imports %s: move the code to a package that may (see `ours`), or pass the value in", name, goos, dep)
					}
					continue
				}
				if msg := foreign(name, path); msg != "" {
					t.Errorf("%s (%s) imports %s: %s", name, goos, path, msg)
				}
			}
		}
	}
}

// foreign is what is wrong with name importing path, which is not ours; empty
// when nothing is.
func foreign(name, path string) string {
	for dep, row := range theirs {
		if path == dep || strings.HasPrefix(path, dep+"/") {
			if allows(row, name) {
				return ""
			}
			if len(row) == 0 {
				return "nothing in ombruk may"
			}
			return "only " + strings.Join(row, ", ") + " may: call that package instead"
		}
	}
	if host, _, _ := strings.Cut(path, "/"); strings.Contains(host, ".") {
		return "it has no row in `theirs`: decide which one package may use it and add it here"
	}
	return ""
}

func allows(row []string, name string) bool {
	return slices.Equal(row, anything) || slices.Contains(row, name)
}

// A table that lets everything through would not show; this does.
func TestImportRulesBite(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		want       bool
	}{
		{"report", "codeberg.org/go-pdf/fpdf", true},
		{"certs", "codeberg.org/go-pdf/fpdf", false},
		{"report", "github.com/spf13/cobra/doc", false},
		{"cmd/ombruk", "unsafe", false},
		{"internal/kernel", "unsafe", true},
		{"internal/record", "database/sql", false},
		{"erase", "github.com/some/thing", false},
		{"erase", "golang.org/x/sys/unix", false},
		{"erase", "encoding/json", true},
	} {
		if msg := foreign(tt.name, tt.path); (msg == "") != tt.want {
			t.Errorf("%s imports %s: got %q", tt.name, tt.path, msg)
		}
	}
}

// Registration in init hides what a program is made of.
func TestNoInitFunctions(t *testing.T) {
	eachFile(t, func(name string, content []byte) {
		if filepath.Ext(name) != ".go" {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("parse %s: %v", name, err)
			return
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function: make it an ordinary one and call it from where it is needed", name)
			}
		}
	})
}

// What is in the tree must build and read the same on any machine, so it names
// no folder of the one it was written on and no registry that happened to
// serve it.
func TestTreeNamesNoMachine(t *testing.T) {
	// In pieces, so that this file passes its own test.
	folders := regexp.MustCompile(`(^|[\s"'` + "`" + `(=:])/(wo` + `rk|fa` + `rm|tmp/bash` + `_jobs)[/.]`)
	hosts := regexp.MustCompile(`(?i)\b(proxy\.gol` + `ang\.org|sum\.gol` + `ang\.org|goproxy\.(io|cn)|registry\.(npm` + `js\.org|yarn` + `pkg\.com)|pyp` + `i\.org|files\.python` + `hosted\.org|crates` + `\.io|deb\.deb` + `ian\.org|rubyg` + `ems\.org)\b`)
	eachFile(t, func(name string, content []byte) {
		for n, line := range bytes.Split(content, []byte("\n")) {
			if m := folders.Find(line); m != nil {
				t.Errorf("%s:%d names a folder of one machine (%s): use a relative path or t.TempDir", name, n+1, m)
			}
			if m := hosts.Find(line); m != nil {
				t.Errorf("%s:%d names a package registry (%s): leave that to the tools' own configuration", name, n+1, m)
			}
		}
	})
}

// listPackages lists our packages as they are built for an operating system.
func listPackages(t *testing.T, goos string) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", module+"...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v\n%s", goos, err, stderr.Bytes())
	}
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list for %s: %v", goos, err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("go list for %s found no packages", goos)
	}
	return packages
}

// eachFile calls do with every file of the tree that git keeps or would, named
// from the root. Without git, as in a release's source archive, that is every
// file but what builds leave.
func eachFile(t *testing.T, do func(name string, content []byte)) {
	t.Helper()
	root := filepath.Join("..", "..")
	var names []string
	if out, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output(); err == nil {
		names = strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	} else {
		err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains([]string{".git", "bin", "dist"}, name):
				return fs.SkipDir
			case d.Type().IsRegular():
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, but git has not been told
		}
		if err != nil {
			t.Fatal(err)
		}
		do(name, content)
	}
	if len(names) < 10 {
		t.Fatalf("found %d files only: %v", len(names), names)
	}
}
