//go:build vm && linux

package bootusb

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/internal/stick"
)

// debian is the packages of the machine's own distribution.
func debian(t *testing.T) Packages {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Fetch(t.Context(), filepath.Join(cache, "ombruk-vmlab", "packages"), nil, func(step string) { t.Log(step) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// depmod reads the modules of the distribution's real kernel and must come to
// what we wrote beside them.
func TestDepmodAgrees(t *testing.T) {
	c, err := gather(t.Context(), debian(t), quiet)
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.modules.pick(c.hasFirmware)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "lib", "modules", c.modules.release)
	for _, m := range list {
		name := filepath.Join(dir, m.path)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		write(t, name, m.content)
	}
	write(t, filepath.Join(dir, "modules.builtin"), c.modules.builtinFile)
	write(t, filepath.Join(dir, "modules.order"), nil)
	run(t, "depmod", "-b", root, c.modules.release)
	index := c.modules.index(list)
	for _, name := range []string{"modules.dep", "modules.alias", "modules.softdep"} {
		want, got := linesOf(read(t, filepath.Join(dir, name))), linesOf(index[name])
		for line := range want {
			if !got[line] {
				t.Errorf("%s has no line %q", name, line)
			}
		}
		for line := range got {
			if !want[line] {
				t.Errorf("depmod has no line %q in %s", line, name)
			}
		}
	}
	// The drivers that machines are known to have need nothing else.
	for _, name := range []string{"nvme", "ahci", "vmd", "megaraid_sas", "smartpqi", "hpsa", "mpt3sas", "mptsas", "aacraid", "uas", "sdhci_acpi", "sdhci_pci", "mmc_block", "i2c_hid_acpi", "hid_multitouch", "drivetemp", "virtio_blk", "virtio_scsi", "intel_lpss_pci", "surface_hid", "efivarfs"} {
		if !slices.ContainsFunc(list, func(m *module) bool { return m.name == name }) {
			if _, ok := c.modules.builtin[name]; !ok {
				t.Errorf("%s is not on the stick", name)
			}
		}
	}
	for _, m := range list {
		if strings.Contains(m.path, "/net/") || strings.Contains(m.path, "sound/") {
			t.Errorf("%s is on the stick", m.path)
		}
	}
	withFirmware, err := c.modules.pick(func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"i915", "amdgpu", "radeon", "nouveau", "aic94xx"} {
		if !slices.ContainsFunc(withFirmware, func(m *module) bool { return m.name == name }) {
			t.Errorf("%s is not on a stick with its firmware", name)
		}
	}
	t.Logf("kernel %s: %d of %d modules", c.modules.release, len(list), len(c.modules.all))
}

// linesOf sorts the words after a colon, whose order may differ.
func linesOf(b []byte) map[string]bool {
	lines := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		name, needs, isDep := strings.Cut(s.Text(), ":")
		if isDep && strings.HasSuffix(name, ".ko") {
			words := strings.Fields(needs)
			slices.Sort(words)
			lines[name+": "+strings.Join(words, " ")] = true
		} else if !strings.HasPrefix(s.Text(), "#") {
			lines[s.Text()] = true
		}
	}
	return lines
}

// The stick of the machine's own distribution starts under a BIOS too, and is
// small.
func TestDebiansStick(t *testing.T) {
	o := testOptions(t, testDistribution(t))
	o.Packages, o.SizeBytes = debian(t), 0
	image, r := build(t, o)
	if !r.BIOS {
		t.Errorf("no BIOS: %s", r.WhyNoBIOS)
	}
	checkTable(t, image, r)
	for _, p := range r.Parts {
		if p.Name != stick.BIOSName {
			checkFAT(t, image, p)
		}
	}
	_, again := build(t, o)
	if again.SHA256 != r.SHA256 {
		t.Errorf("built twice: %s and %s", r.SHA256, again.SHA256)
	}
	t.Logf("kernel %s, %d drivers, signed by %v", r.Kernel, r.Modules, r.Signers)
}
