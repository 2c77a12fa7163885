package bootusb

import (
	"path/filepath"
	"strings"
	"testing"
)

// GRUB's own checker reads the menus, and what a caller adds cannot become
// part of their language.
func TestMenus(t *testing.T) {
	for name, o := range map[string]Options{
		"plain":      {},
		"args":       {Args: []string{"i915.modeset=0", "video=HDMI-A-1:1920x1080@60", "acpi_osi=!"}},
		"serial":     {Serial: true},
		"unattended": {Unattended: true, Args: []string{"ombruk.x=1"}},
	} {
		if err := checkArgs(o.Args); (err != nil) != (name == "args") {
			t.Errorf("%s: got %v", name, err) // the last of them has a !
		}
		for kind, config := range map[string][]byte{"stick": o.grubConfig("1234-ABCD", "0A1B2C3D-0000-8000-8000-0123456789AB"), "network": o.netConfig()} {
			file := filepath.Join(t.TempDir(), "grub.cfg")
			write(t, file, config)
			run(t, "grub-script-check", file)
			text := string(config)
			if got := strings.Count(text, "menuentry "); got != 5 {
				t.Errorf("%s, %s: %d entries", name, kind, got)
			}
			if first := strings.Index(text, "menuentry '"); strings.HasPrefix(text[first:], "menuentry 'Ombruk on the serial port'") != o.Serial {
				t.Errorf("%s, %s: the first entry is another:\n%s", name, kind, text)
			}
			if strings.Contains(text, "timeout=0") != o.Unattended {
				t.Errorf("%s, %s: the menu waits or does not:\n%s", name, kind, text)
			}
			if strings.Count(text, "libata.allow_tpm=1") != 4 {
				t.Errorf("%s, %s: an entry lacks what a stick always has", name, kind)
			}
			// A network start has no stick that it came from.
			if got, want := strings.Count(text, " ombruk.medium=0a1b2c3d-0000-8000-8000-0123456789ab\n"), map[string]int{"stick": 4}[kind]; got != want {
				t.Errorf("%s, %s: %d entries say which stick it is, want %d", name, kind, got, want)
			}
		}
	}
}

func TestArguments(t *testing.T) {
	for _, bad := range []string{"", "a b", "a\nb", "a'b", `a"b`, "a;b", "a$b", "a{b}", "a#b", "a\\b", "a|b", "a&b", "a<b", "ø", "init=/bin/sh", "rdinit=/x", "root=/dev/sda1", strings.Repeat("a", 300)} {
		if err := checkArgs([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, good := range []string{"nomodeset", "pci=nomsi,noaer", "console=ttyS1,9600n8", "video=1024x768-32@60", "intel_iommu=off", "ombruk.text=large"} {
		if err := checkArgs([]string{good}); err != nil {
			t.Error(err)
		}
	}
}

// Parts of GRUB and a tool of another release are not mixed.
func TestGRUBOfAnotherRelease(t *testing.T) {
	c := contents{grubPC: map[string][]byte{"boot.img": {1}, "diskboot.img": {1}, "kernel.img": {1}, "moddep.lst": {1}}}
	core, why, err := c.biosCore(t.Context(), "3.01-1+deb99u1", "1234-ABCD")
	if core != nil || err != nil || !strings.Contains(why, `"3.01"`) {
		t.Errorf("got %d bytes, %q, %v", len(core), why, err)
	}
	for version, want := range map[string]string{"2.06-13+deb12u2": "2.06", "2.12~rc1-10ubuntu4": "2.12", "1:2.12-5": "2.12", "": ""} {
		if got := release(version); got != want {
			t.Errorf("%s: got %s, want %s", version, got, want)
		}
	}
}
