package bootusb

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"
)

// kernelOf makes what a kernel's packages have of modules.
func kernelOf(files map[string][]byte) *kernelModules {
	k := &kernelModules{release: testRelease, all: map[string]*module{}, builtin: map[string]string{}}
	k.setBuiltin([]byte("kernel/drivers/input/serio/i8042.ko\nkernel/drivers/input/keyboard/atkbd.ko\n"))
	for name, b := range files {
		if p := "kernel/" + name; may(p) {
			m := moduleFile.FindStringSubmatch(p)
			k.all[moduleName(p)] = &module{name: moduleName(p), path: m[1], file: p, raw: b}
		}
	}
	return k
}

func pathsOf(list []*module) []string {
	var paths []string
	for _, m := range list {
		paths = append(paths, strings.TrimPrefix(m.path, "kernel/"))
	}
	return paths
}

func none(string) bool { return false }

func TestDriversOfAStick(t *testing.T) {
	list, err := kernelOf(testModules()).pick(none)
	if err != nil {
		t.Fatal(err)
	}
	got := pathsOf(list)
	for _, want := range []string{
		"drivers/nvme/host/nvme.ko", "drivers/nvme/host/nvme-core.ko", // what it needs comes along
		"drivers/ata/libata.ko", "drivers/ata/sata_sil.ko", "fs/fat/fat.ko", "drivers/pci/controller/vmd.ko",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not on the stick", want)
		}
	}
	for _, never := range []string{
		"drivers/net/ethernet/intel/e1000/e1000.ko", "net/rfkill/rfkill.ko", // no network, whoever asks for it
		"drivers/hid/hid-asus.ko",    // it needs one of these
		"drivers/ata/pata_legacy.ko", // pokes at ports
		"fs/ext4/ext4.ko", "drivers/gpu/drm/i915/i915.ko", "drivers/gpu/drm/drm.ko",
	} {
		if slices.Contains(got, never) {
			t.Errorf("%s is on the stick", never)
		}
	}
	// With its firmware the graphics card's driver is there too.
	list, err = kernelOf(testModules()).pick(func(name string) bool { return name == "i915/kbl_dmc_ver1_04.bin" })
	if err != nil || !slices.Contains(pathsOf(list), "drivers/gpu/drm/i915/i915.ko") || !slices.Contains(pathsOf(list), "drivers/gpu/drm/drm.ko") {
		t.Errorf("with firmware: got %v, %v", pathsOf(list), err)
	}
}

func TestAKernelThatWouldSeeNoDrives(t *testing.T) {
	files := testModules()
	delete(files, "drivers/nvme/host/nvme.ko")
	if _, err := kernelOf(files).pick(none); err == nil || !strings.Contains(err.Error(), "it has no nvme") {
		t.Errorf("got %v", err)
	}
	files = testModules()
	delete(files, "drivers/ata/libata.ko")
	if _, err := kernelOf(files).pick(none); err == nil || !strings.Contains(err.Error(), "needs libata, which is not there") {
		t.Errorf("got %v", err)
	}
	// Built in is as good.
	files = testModules()
	delete(files, "drivers/nvme/host/nvme.ko")
	k := kernelOf(files)
	k.setBuiltin([]byte("kernel/drivers/nvme/host/nvme.ko\nkernel/drivers/input/serio/i8042.ko\nkernel/drivers/input/keyboard/atkbd.ko\n"))
	if _, err := k.pick(none); err != nil {
		t.Errorf("built in: %v", err)
	}
	files["drivers/nvme/host/nvme.ko"] = []byte("no ELF")
	if _, err := kernelOf(files).pick(none); err == nil || !strings.Contains(err.Error(), "kernel/drivers/nvme/host/nvme.ko") {
		t.Errorf("got %v", err)
	}
}

// A module comes after all that it needs, for who loads from the end of the line.
func TestTheIndexThatInitReads(t *testing.T) {
	k := kernelOf(testModules())
	list, err := k.pick(none)
	if err != nil {
		t.Fatal(err)
	}
	index := k.index(list)
	for file, want := range map[string]string{
		"modules.dep":     "kernel/drivers/ata/ahci.ko: kernel/drivers/ata/libahci.ko kernel/drivers/ata/libata.ko kernel/drivers/scsi/scsi_mod.ko\n",
		"modules.alias":   "alias pci:v*d*sv*sd*bc01sc08i02* nvme\n",
		"modules.softdep": "softdep ahci pre: sd_mod\n",
		"modules.builtin": "kernel/drivers/input/serio/i8042.ko\n",
	} {
		if !strings.Contains(string(index[file]), want) {
			t.Errorf("%s has no %q:\n%s", file, want, index[file])
		}
	}
	if strings.Contains(string(index["modules.alias"]), "e1000") {
		t.Error("a network card has an alias")
	}
}

func FuzzModinfo(f *testing.F) {
	f.Add(ko("depends=a,b", "alias=pci:v*", "softdep=pre: c"))
	f.Add(elfFile(elf.ET_REL, ".modinfo", nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := module{path: "kernel/fuzz.ko"}
		if m.info(b) != nil {
			return
		}
		for _, a := range append(m.aliases, m.soft...) {
			if strings.ContainsAny(a, "\n\x00") {
				t.Errorf("%q would break a line of the index", a)
			}
		}
	})
}
