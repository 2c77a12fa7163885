//go:build !windows

package bootusb

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeApt puts an apt into PATH that knows and serves the packages in a folder.
// Every download leaves a line in the file whose name is returned.
func fakeApt(t *testing.T, debs string, depends map[string]string) string {
	t.Helper()
	bin := t.TempDir()
	log := filepath.Join(bin, "log")
	write(t, log, nil)
	var show, uris, get strings.Builder
	entries, err := os.ReadDir(debs)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".deb")
		file := name + "_1%3a1.0_amd64.deb"
		b := read(t, filepath.Join(debs, e.Name()))
		known[name] = ""
		fmt.Fprintf(&uris, "  %s) echo \"'http://example.org/pool/%s' %s %d SHA256:%x\" ;;\n", name, file, file, len(b), sha256.Sum256(b))
		fmt.Fprintf(&get, "  %s) cp '%s' './%s'; echo %s >> '%s' ;;\n", name, filepath.Join(debs, e.Name()), file, name, log)
	}
	for name, d := range depends {
		known[name] = d
	}
	for name, d := range known {
		fmt.Fprintf(&show, "  %s) printf 'Package: %s\\nVersion: 1.0\\nDepends: %s\\nDescription: x\\n' ;;\n", name, name, d)
	}
	script := func(name, text string) {
		t.Helper()
		write(t, filepath.Join(bin, name), []byte("#!/bin/sh\n"+text))
		if err := os.Chmod(filepath.Join(bin, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script("apt-cache", "for p; do :; done\ncase \"$p\" in\n"+show.String()+"  *) echo 'E: No packages found' >&2; exit 100 ;;\nesac\n")
	script("apt-get", "shift\nif [ \"$1\" = --print-uris ]; then shift 2; for p; do case \"$p\" in\n"+uris.String()+
		"  *) echo \"E: Unable to locate package $p\" >&2; exit 100 ;;\nesac; done; exit 0; fi\nshift\nfor p; do case \"$p\" in\n"+get.String()+"esac; done\n")
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

func TestFetchingFromDebianAndUbuntu(t *testing.T) {
	for name, tt := range map[string]struct {
		depends map[string]string
		more    []string
		absent  []string
	}{
		"Debian": {depends: map[string]string{"linux-image-amd64": "linux-image-" + testRelease + " (= 6.1.1-1)"}},
		"Ubuntu": {
			depends: map[string]string{
				"linux-image-generic":        "linux-image-" + testRelease + ", linux-modules-extra-" + testRelease + ", linux-firmware",
				"linux-image-" + testRelease: "kmod, linux-base (>= 4.5), linux-modules-" + testRelease,
			},
			more: []string{"linux-modules-" + testRelease, "linux-modules-extra-" + testRelease}, absent: []string{"shim-helpers-amd64-signed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			debs := t.TempDir()
			names := []string{"linux-image-" + testRelease, "shim-signed", "shim-helpers-amd64-signed", "grub-efi-amd64-signed", "grub-pc-bin", "console-setup-linux", "firmware-x"}
			count := 0
			for _, n := range append(names, tt.more...) {
				if len(tt.absent) > 0 && n == tt.absent[0] {
					continue
				}
				count++
				write(t, filepath.Join(debs, n+".deb"), debOf(t, n, "1:1.0", "amd64", map[string][]byte{"x": []byte(n)}))
			}
			log := fakeApt(t, debs, tt.depends)
			cache := filepath.Join(t.TempDir(), "cache")
			for range 2 { // the second time nothing is fetched
				p, err := Fetch(t.Context(), cache, []string{"firmware-x"}, quiet)
				if err != nil {
					t.Fatal(err)
				}
				if got := len(p.List()); got != count {
					t.Errorf("got %d packages, want %d", got, count)
				}
				if got := strings.Count(string(read(t, log)), "\n"); got != count {
					t.Errorf("%d downloads, want %d", got, count)
				}
			}
			// A file that was damaged in the cache is fetched again.
			write(t, filepath.Join(cache, "shim-signed_1%3a1.0_amd64.deb"), []byte("half"))
			if _, err := Fetch(t.Context(), cache, nil, quiet); err != nil {
				t.Error(err)
			}
			if got := strings.Count(string(read(t, log)), "shim-signed\n"); got != 2 {
				t.Errorf("shim was fetched %d times", got)
			}
			// What was fetched and is not what the lists say is not kept.
			write(t, filepath.Join(debs, "grub-pc-bin.deb"), []byte("somebody else's"))
			write(t, filepath.Join(cache, "grub-pc-bin_1%3a1.0_amd64.deb"), nil)
			if _, err := Fetch(t.Context(), cache, nil, quiet); err == nil || !strings.Contains(err.Error(), "fetch the package grub-pc-bin: its digest is") {
				t.Errorf("got %v", err)
			}
			if _, err := Fetch(t.Context(), cache, []string{"no-such-firmware"}, quiet); err == nil || !strings.Contains(err.Error(), "Unable to locate package no-such-firmware") {
				t.Errorf("got %v", err)
			}
			if _, err := Fetch(t.Context(), cache, []string{"--help"}, quiet); err == nil || !strings.Contains(err.Error(), `"--help" is no name of a package`) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFetchingWithoutLists(t *testing.T) {
	fakeApt(t, t.TempDir(), nil)
	if _, err := Fetch(t.Context(), t.TempDir(), nil, quiet); err == nil || !strings.Contains(err.Error(), "apt-get update") {
		t.Errorf("got %v", err)
	}
}
