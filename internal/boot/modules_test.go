package boot

import (
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"
)

// index is a small kernel's, as depmod writes it.
func index() fstest.MapFS {
	return fstest.MapFS{
		"modules.dep": {Data: []byte(`kernel/drivers/ata/ahci.ko: kernel/drivers/ata/libahci.ko kernel/drivers/ata/libata.ko kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/ata/libahci.ko: kernel/drivers/ata/libata.ko kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/hid/usbhid/usbhid.ko.xz: kernel/drivers/hid/hid.ko.xz
kernel/drivers/hid/hid-generic.ko.xz:
kernel/drivers/usb/storage/uas.ko:
kernel/drivers/usb/storage/usb-storage.ko:
`)},
		"modules.alias": {Data: []byte(`# Aliases extracted from modules themselves.
alias pci:v*d*sv*sd*bc01sc06i01* ahci
alias pci:v00008086d00002922sv*sd*bc*sc*i* ahci
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip62in* uas
alias hid:b*g*v*p* hid-generic
alias dmi*:svnDell*: dell
`)},
		"modules.softdep": {Data: []byte("softdep usb-storage pre: scsi_mod post: uas\n")},
		"modules.builtin": {Data: []byte("kernel/drivers/input/keyboard/atkbd.ko\n")},
	}
}

func TestEachDeviceFindsItsModules(t *testing.T) {
	m, err := ReadModules(index())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		modalias string
		want     []string
	}{
		{"pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", []string{"ahci"}},
		{"pci:v00008086d00002922sv00001AF4sd00001100bc01sc04i00", []string{"ahci"}},
		{"pci:v00001234d00001111sv00001AF4sd00001100bc03sc00i00", nil},
		{"usb:v0951p1666d0100dc00dsc00dp00ic08isc06ip62in00", []string{"uas"}},
		{"hid:b0003g0001v000004D9p00001702", []string{"hid_generic"}},
		{"", nil},
	} {
		if got := m.For(tt.modalias); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %v, want %v", tt.modalias, got, tt.want)
		}
	}
	files, known := m.Files("ahci")
	if want := []string{"kernel/drivers/scsi/scsi_mod.ko", "kernel/drivers/ata/libata.ko", "kernel/drivers/ata/libahci.ko", "kernel/drivers/ata/ahci.ko"}; !known || !slices.Equal(files, want) {
		t.Errorf("ahci: got %v, want %v", files, want)
	}
	if files, known := m.Files("atkbd"); !known || len(files) != 0 {
		t.Errorf("a built-in module: got %v, %v", files, known)
	}
	if _, known := m.Files("nothing"); known {
		t.Error("a module that is not there is known")
	}
	if !slices.Equal(m.before["usb_storage"], []string{"scsi_mod"}) || !slices.Equal(m.after["usb_storage"], []string{"uas"}) {
		t.Errorf("softdep: %v, %v", m.before, m.after)
	}
}

func TestAKernelWithoutItsListSaysSo(t *testing.T) {
	if _, err := ReadModules(fstest.MapFS{}); err == nil {
		t.Error("no modules.dep, and no error")
	}
}

// Shell patterns are judged by the library's, which differs only on slashes.
func TestPatterns(t *testing.T) {
	for _, tt := range []struct{ pattern, s string }{
		{"*", ""}, {"*", "abc"}, {"a*c", "abbc"}, {"a*c", "abcd"}, {"?b", "ab"}, {"[a-c]x", "bx"}, {"[a-c]x", "dx"},
		{"*bc*", "aabbcc"}, {"a*b*c", "axbxbxc"}, {"", ""}, {"", "a"}, {"a", ""}, {"**", "x"}, {"v*d*bc01*", "v1d2bc01i0"}, {"[ab-d]", "c"},
	} {
		want, err := path.Match(tt.pattern, tt.s)
		if err != nil {
			t.Fatal(err)
		}
		if got := matches(tt.pattern, tt.s); got != want {
			t.Errorf("%q on %q: got %v, want %v", tt.pattern, tt.s, got, want)
		}
	}
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{{"[!a]b", "xb", true}, {"[!a]b", "ab", false}, {"[", "[", true}, {"[]", "[]", true}, {"*", "a/b", true}} {
		if got := matches(tt.pattern, tt.s); got != tt.want {
			t.Errorf("%q on %q: got %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

func FuzzModules(f *testing.F) {
	for name, file := range index() {
		f.Add(string(file.Data), name, "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01")
	}
	f.Fuzz(func(_ *testing.T, content, name, modalias string) {
		dir := index()
		if _, ok := dir[name]; !ok {
			name = "modules.dep"
		}
		dir[name].Data = []byte(content)
		m, err := ReadModules(dir)
		if err != nil {
			return
		}
		for _, found := range m.For(modalias) {
			m.Files(found)
		}
	})
}

// BenchmarkAlias is one device among all that Debian's kernel knows.
func BenchmarkAlias(b *testing.B) {
	dir := os.Getenv("OMBRUK_MODULES")
	if dir == "" {
		b.Skip("OMBRUK_MODULES names no kernel's folder")
	}
	m, err := ReadModules(os.DirFS(dir))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.For("pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01")
	}
}
