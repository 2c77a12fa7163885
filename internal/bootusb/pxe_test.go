package bootusb

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A station lead puts sticks aside and starts machines over the network.
func TestNetworkStart(t *testing.T) {
	d := testDistribution(t)
	o := testOptions(t, d)
	o.Args = []string{"ombruk.test=1"}
	dir := filepath.Join(t.TempDir(), "server", "ombruk")
	r, err := WritePXE(t.Context(), dir, o, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"vmlinuz":     d["linux-image-"+testRelease]["boot/vmlinuz-"+testRelease],
		"shimx64.efi": d["shim-signed"]["usr/lib/shim/shimx64.efi.signed"],
		"grubx64.efi": d["grub-efi-amd64-signed"]["usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"],
		"sbom.json":   r.SBOM,
	} {
		if !bytes.Equal(read(t, filepath.Join(dir, name)), want) {
			t.Errorf("%s is another", name)
		}
	}
	script := string(read(t, filepath.Join(dir, "boot.ipxe")))
	for _, want := range []string{"#!ipxe\n", "kernel vmlinuz initrd=initrd.img initrd=settings.img quiet", "libata.allow_tpm=1", " ombruk.test=1\n", "initrd initrd.img\n", "initrd settings.img\n"} {
		if !strings.Contains(script, want) {
			t.Errorf("boot.ipxe has no %q:\n%s", want, script)
		}
	}
	files := unpackInitramfs(t, read(t, filepath.Join(dir, "initrd.img")))
	if !bytes.Equal(files["init"].content, o.Program) {
		t.Error("the program is another")
	}
	if got := unpackCPIO(t, read(t, filepath.Join(dir, "settings.img")))["ombruk/keys/station.key"]; string(got.content) != "secret" {
		t.Errorf("the settings have %q", got.content)
	}
	// The same as on a stick.
	image, s := build(t, o)
	for name, on := range map[string]string{"initrd.img": "boot/initrd.img", "settings.img": "boot/settings.img", "vmlinuz": "boot/vmlinuz"} {
		if !bytes.Equal(mtype(t, image, s.Parts[0], on), read(t, filepath.Join(dir, name))) {
			t.Errorf("%s is not what a stick has", name)
		}
	}
	// A folder that has something in it is left alone.
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := WritePXE(t.Context(), dir, o, quiet); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadDir(dir); err != nil || len(after) != len(before) {
		t.Errorf("there were %d files, and now %d, %v", len(before), len(after), err)
	}
}

// Somebody adds a package with firmware for a graphics card.
func TestFirmware(t *testing.T) {
	d := testDistribution(t)
	d["firmware-graphics"] = map[string][]byte{
		"lib/firmware/i915/kbl_dmc_ver1_04.bin":  []byte("-> dmc/real.bin"),
		"lib/firmware/i915/dmc/real.bin.zst":     zst(t, []byte("firmware")),
		"lib/firmware/amdgpu/polaris.bin":        []byte("for a driver that this kernel lacks"),
		"lib/firmware/i915/circle.bin":           []byte("-> circle.bin"),
		"usr/share/doc/firmware-graphics/readme": []byte("x"),
	}
	on := func(firmware ...string) map[string]unpackedFile {
		t.Helper()
		image, r := build(t, testOptions(t, d, firmware...))
		return unpackInitramfs(t, mtype(t, image, r.Parts[0], "boot/initrd.img"))
	}
	files := on("firmware-graphics")
	if got := files["lib/firmware/i915/kbl_dmc_ver1_04.bin"].content; string(got) != "firmware" {
		t.Errorf("the firmware that i915 asks for: got %q", got)
	}
	if _, ok := files["lib/modules/"+testRelease+"/kernel/drivers/gpu/drm/i915/i915.ko"]; !ok {
		t.Error("its driver is not there")
	}
	for name := range maps.Keys(files) {
		if strings.Contains(name, "amdgpu") || strings.Contains(name, "circle") {
			t.Errorf("%s is there, and nothing asks for it", name)
		}
	}
	d["firmware-other"] = map[string][]byte{"lib/firmware/iwlwifi.ucode": []byte("x")}
	if _, _, err := tryBuild(t, testOptions(t, d, "firmware-other")); err == nil || !strings.Contains(err.Error(), "take firmware from the package firmware-other: no driver") {
		t.Errorf("firmware that nothing asks for: got %v", err)
	}
	for name := range maps.Keys(on()) { // not asked for
		if strings.Contains(name, "firmware") || strings.Contains(name, "i915") {
			t.Errorf("%s is there without being asked for", name)
		}
	}
}
