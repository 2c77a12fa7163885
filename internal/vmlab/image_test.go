//go:build vm && linux

package vmlab

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What goes on a stick is one station's key and nothing else that is secret; and
// the stick that comes out of writing it is found whole by other people's tools.
func TestAStickFromTheOffice(t *testing.T) {
	o := newOffice(t)
	built := stick{t, o.stick.file}
	settings := built.read(espName, "boot/settings.img")
	image, err := os.ReadFile(o.stick.file)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(o.keys, "stations", "*.key"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v, %v", keys, err)
	}
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Contains(settings, read(keys[0])) {
		t.Error("the station's key is not on the stick")
	}
	if bytes.Contains(image, read(filepath.Join(o.keys, "organisation.key"))) || bytes.Count(image, []byte("PRIVATE KEY-----\n")) != 2 {
		t.Error("another key is on the stick") // one key has a line before and after it
	}
	for _, name := range []string{"settings.json", "settings.sealed.json", "keys/current"} {
		if !bytes.Contains(settings, []byte(name+"\x00")) {
			t.Errorf("%s is not on the stick", name)
		}
	}
	written := filepath.Join(t.TempDir(), "written.img")
	if _, err := output("truncate", "-s", "400M", written); err != nil {
		t.Fatal(err)
	}
	said, err := output(o.ombruk, "image", "write", o.stick.file, written, "--confirm", "written.img")
	if err != nil || !strings.Contains(said, "written and read back") {
		t.Fatalf("%v: %s", err, said)
	}
	if out, err := output("sfdisk", "--verify", written); err != nil || !strings.Contains(out, "No errors detected") {
		t.Errorf("%v: %s", err, out)
	}
	copied := stick{t, written}
	if !bytes.Equal(copied.read(espName, "boot/settings.img"), settings) {
		t.Error("other settings than in the image")
	}
	out, err := output("minfo", "-i", copied.partition(dataName), "::")
	if err != nil || !strings.Contains(out, "FAT32") {
		t.Errorf("%v: %s", err, out)
	}
}
