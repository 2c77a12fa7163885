package bootusb

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listOf reads a package and gives its files by name.
func listOf(b []byte) (control, map[string]string, error) {
	d, err := openDeb(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, nil, err
	}
	files := map[string]string{}
	err = d.each(func(f entry, body io.Reader) error {
		if f.link != "" {
			files[f.name] = "-> " + f.link
			return nil
		}
		b, err := readBounded(body, f.size)
		files[f.name] = string(b)
		return err
	})
	return d.control, files, err
}

// Packages as dpkg-deb makes them, in each of its compressions.
func TestPackagesThatDpkgMade(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, name), []byte(text))
	}
	large := strings.Repeat("0123456789abcdef", 1<<16)
	write("DEBIAN/control", "Package: sample\nVersion: 1:2.0-1+b1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a sample\n of two lines\n")
	write("usr/share/sample/large", large)
	write("usr/share/sample/with space", "text")
	if err := os.Symlink("large", filepath.Join(root, "usr/share/sample/link")); err != nil {
		t.Fatal(err)
	}
	run(t, "chmod", "-R", "u=rwX,go=rX", root)
	for _, kind := range []string{"xz", "gzip", "zstd", "none"} {
		name := filepath.Join(t.TempDir(), "sample.deb")
		run(t, "dpkg-deb", "--root-owner-group", "-Z"+kind, "-b", root, name)
		c, files, err := listOf(read(t, name))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if c["Package"] != "sample" || c["Version"] != "1:2.0-1+b1" || c["Description"] != "a sample\nof two lines" {
			t.Errorf("%s: got %q", kind, c)
		}
		if files["usr/share/sample/large"] != large || files["usr/share/sample/with space"] != "text" || files["usr/share/sample/link"] != "-> usr/share/sample/large" {
			t.Errorf("%s: got other files than were packed", kind)
		}
	}
}

// xz writes several blocks when it may use several processors, as dpkg-deb
// lets it with large packages.
func TestXZOfManyBlocks(t *testing.T) {
	var text bytes.Buffer
	for i := range 300_000 {
		text.WriteString(strings.Repeat(string(rune('a'+i%26)), i%7))
	}
	name := filepath.Join(t.TempDir(), "text")
	write(t, name, text.Bytes())
	run(t, "xz", "--keep", "--block-size=100000", name)
	packed := read(t, name+".xz")
	section := func(b []byte) *io.SectionReader { return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))) }
	blocks, err := xzBlocks(section(packed))
	if err != nil || len(blocks) < 5 {
		t.Fatalf("got %d blocks, %v", len(blocks), err)
	}
	r, err := newXZReader(section(packed))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, text.Bytes()) {
		t.Errorf("got %d bytes, want %d: %v", len(got), text.Len(), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	// One bit anywhere is noticed.
	for _, at := range []int{20, len(packed) / 3, len(packed) / 2, len(packed) - 5} {
		damaged := bytes.Clone(packed)
		damaged[at] ^= 4
		r, err := newXZReader(section(damaged))
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err == nil {
			t.Errorf("a bit changed at byte %d of %d: no error", at, len(packed))
		}
	}
}

func TestPackagesThatAreNone(t *testing.T) {
	control := string(gz(t, tarOf(t, map[string][]byte{"control": []byte("Package: x\nVersion: 1\nArchitecture: all\n")})))
	data := func(files map[string][]byte) []byte {
		return arOf("debian-binary", "2.0\n", "control.tar.gz", control, "data.tar.gz", string(gz(t, tarOf(t, files))))
	}
	whole := data(map[string][]byte{"./a": []byte("b")})
	for _, tt := range []struct {
		name string
		b    []byte
		want string
	}{
		{"a web page", []byte("<html>404"), "does not begin as an ar archive"},
		{"nothing", nil, "does not begin as an ar archive"},
		{"half of one", whole[:len(whole)-20], "cut off"},
		{"an archive of something else", arOf("hello.o", "code"), "no control.tar"},
		{"no control file", arOf("debian-binary", "2.0\n", "control.tar.gz", string(gz(t, tarOf(t, nil))), "data.tar.gz", ""), "no control file"},
		{"another compression", arOf("debian-binary", "2.0\n", "control.tar.gz", control, "data.tar.lzo", "x"), `".lzo" is not known`},
		{"a way out", data(map[string][]byte{"../../etc/passwd": []byte("x")}), "leads out of the package"},
		{"a way out in the middle", data(map[string][]byte{"usr/../../etc/passwd": []byte("x")}), "leads out of the package"},
	} {
		if _, _, err := listOf(tt.b); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	// A link that leads out is no way to anything.
	if _, files, err := listOf(data(map[string][]byte{"a/link": []byte("-> ../../../etc/shadow")})); err != nil || len(files) != 0 {
		t.Errorf("got %v, %v", files, err)
	}
}

func FuzzDeb(f *testing.F) {
	f.Add(arOf("debian-binary", "2.0\n", "control.tar", "x", "data.tar", "y"))
	f.Add([]byte("!<arch>\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, files, err := listOf(b)
		if err != nil {
			return
		}
		for name := range files {
			if strings.HasPrefix(name, "/") || strings.Contains("/"+name+"/", "/../") {
				t.Errorf("it gave a file %q", name)
			}
		}
	})
}

func FuzzXZ(f *testing.F) {
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x00\x00\x00\x00\x1c\xdf\x44\x21\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04YZ"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		section := io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
		r, err := newXZReader(section)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<20))
		_ = r.Close()
	})
}
