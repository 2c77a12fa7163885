package flash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const mebi = 1 << 20

// tool runs a program that we did not write.
func tool(t testing.TB, pkg, stdin, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			t.Fatalf("needs %s: apt-get install %s", name, pkg)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// makeImage is a small image of a stick as other people's tools make one.
func makeImage(t testing.TB, files ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "stick.img")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 44*mebi); err != nil {
		t.Fatal(err)
	}
	tool(t, "fdisk", `label: gpt
start=2048, size=2048, name=OMBRUK-BIOS, type=21686148-6449-6E6F-744E-656564454649
size=4096, name=OMBRUK-ESP, type=uefi
size=69632, name=OMBRUK-DATA, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
`, "sfdisk", "-q", name)
	tool(t, "dosfstools", "", "mkfs.vfat", "-F", "32", "-n", "OMBRUK-DATA", "-i", "12345678", "--offset=8192", name, "34816")
	for _, f := range files {
		tool(t, "mtools", "", "mcopy", "-i", fmt.Sprintf("%s@@%d", name, 8192*512), f, "::")
	}
	image, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	copy(image[2048*512:], bytes.Repeat([]byte("core of the boot loader "), 1000))
	copy(image[4096*512:], bytes.Repeat([]byte("shim, boot loader, kernel "), 1000))
	return image
}

// medium is a stick in a file with holes. Its fault may lose or change what is
// written.
type medium struct {
	*os.File
	size   int64
	synced bool
	fault  func(p []byte, at int64) ([]byte, int64, error)
}

func newMedium(t testing.TB, sizeBytes int64) *medium {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stick"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.Write(bytes.Repeat([]byte("x-ray of the ones before "), int(min(sizeBytes, 44*mebi)/25))); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(sizeBytes); err != nil {
		t.Fatal(err)
	}
	return &medium{File: f, size: sizeBytes}
}

func (m *medium) SizeBytes() int64            { return m.size }
func (m *medium) Alloc(n int) ([]byte, error) { return make([]byte, n), nil }
func (m *medium) Sync() error                 { m.synced = true; return nil }

// holds is what is on it.
func (m *medium) holds(t testing.TB, from, to int64) []byte {
	t.Helper()
	b := make([]byte, to-from)
	if _, err := m.ReadAt(b, from); err != nil {
		t.Fatal(err)
	}
	return b
}

func (m *medium) Forget() (string, error) {
	if !m.synced {
		return "", errors.New("read back before it was synced")
	}
	return "direct", nil
}

func (m *medium) WriteAt(p []byte, at int64) (int, error) {
	m.synced = false
	n := len(p)
	if m.fault != nil {
		var err error
		if p, at, err = m.fault(p, at); err != nil {
			return 0, err
		}
	}
	if _, err := m.File.WriteAt(p, at); err != nil {
		return 0, err
	}
	return n, nil
}

func mustOpen(t testing.TB, image []byte) *Image {
	t.Helper()
	im, err := Open(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func quiet(Progress) {}

// judged is what sfdisk and fsck.vfat say about a finished stick.
func judged(t *testing.T, m *medium) {
	t.Helper()
	name := m.Name()
	if out := tool(t, "fdisk", "", "sfdisk", "--verify", name); !strings.Contains(out, "No errors detected") {
		t.Errorf("sfdisk: %s", out)
	}
	table, err := readTable(m.holds(t, 0, headBytes))
	if err != nil {
		t.Fatal(err)
	}
	p := table.partitions[table.find("OMBRUK-DATA")]
	part := filepath.Join(t.TempDir(), "data")
	// The tables of the largest of these are 16 MiB; after that it is free.
	front := m.holds(t, p.first()*512, p.first()*512+min(p.sizeBytes(), 36*mebi))
	if err := os.WriteFile(part, front, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(part, p.sizeBytes()); err != nil {
		t.Fatal(err)
	}
	tool(t, "dosfstools", "", "fsck.vfat", "-n", "-v", part)
	if out := tool(t, "mtools", "", "mlabel", "-s", "-i", part, "::"); !strings.Contains(out, "OMBRUK-DATA") {
		t.Errorf("label: %s", out)
	}
}

func TestAStickOfTheSameSizeIsTheImage(t *testing.T) {
	image := makeImage(t)
	m := newMedium(t, int64(len(image)))
	got, err := mustOpen(t, image).Write(t.Context(), m, quiet)
	if err != nil || !bytes.Equal(m.holds(t, 0, m.size), image) {
		t.Fatalf("got %v, or another stick than the image", err)
	}
	if want := (Result{WrittenBytes: int64(len(image)), DataBytes: 34 * mebi}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What is written to may be the image itself, by another name: the table that
// comes back last is not read from where it was wiped.
func TestTheImageOntoItself(t *testing.T) {
	image := makeImage(t)
	m := newMedium(t, int64(len(image)))
	if _, err := m.WriteAt(image, 0); err != nil {
		t.Fatal(err)
	}
	im, err := Open(m.File, m.size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := im.Write(t.Context(), m, quiet); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.holds(t, 0, m.size), image) {
		t.Error("the image is another than before")
	}
}

func TestALargerStickIsUsedToItsEnd(t *testing.T) {
	image := makeImage(t)
	for _, tt := range []struct {
		size, data, unused int64
	}{
		{44*mebi + 512, 39 * mebi, 0},
		{300*mebi + 1536, 295 * mebi, 0},
		{31 << 30, 31<<30 - 5*mebi, 0},
	} {
		t.Run(fmt.Sprint(tt.size), func(t *testing.T) {
			m := newMedium(t, tt.size)
			var last Progress
			got, err := mustOpen(t, image).Write(t.Context(), m, func(p Progress) {
				if p.DoneBytes <= 0 || p.TotalBytes <= 0 || last.Reading && !p.Reading && p.DoneBytes < p.TotalBytes {
					t.Errorf("progress %+v after %+v", p, last)
				}
				last = p
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.DataBytes < tt.data-mebi || got.DataBytes > tt.data || got.UnusedBytes != tt.unused {
				t.Errorf("got %+v, want data %d, unused %d", got, tt.data, tt.unused)
			}
			if !bytes.Equal(m.holds(t, headBytes, 8192*512), image[headBytes:8192*512]) {
				t.Error("boot loaders differ")
			}
			judged(t, m)
		})
	}
}

// What the office has put on the data partition stays there.
func TestFilesOnTheDataPartitionStay(t *testing.T) {
	note := filepath.Join(t.TempDir(), "NOTE.TXT")
	if err := os.WriteFile(note, []byte("call the office"), 0o600); err != nil {
		t.Fatal(err)
	}
	image := makeImage(t, note)
	m := newMedium(t, 100*mebi)
	got, err := mustOpen(t, image).Write(t.Context(), m, quiet)
	if err != nil || got.DataBytes != 34*mebi || got.UnusedBytes < 54*mebi {
		t.Errorf("got %+v, %v", got, err)
	}
	if !bytes.Contains(m.holds(t, 0, m.size), []byte("call the office")) {
		t.Error("the note is gone")
	}
	judged(t, m)
}

// Sticks that lie: they are found out, and nothing starts from them.
func TestASickStickIsFoundOut(t *testing.T) {
	image := makeImage(t)
	lost := errors.New("the stick was pulled")
	for _, tt := range []struct {
		name  string
		size  int64
		fault func(p []byte, at int64) ([]byte, int64, error)
		want  error
	}{
		{"loses one write", 44 * mebi, func(p []byte, at int64) ([]byte, int64, error) {
			if at == headBytes+2*chunkBytes {
				return nil, at, nil
			}
			return p, at, nil
		}, ErrDiffers},
		{"flips a bit", 44 * mebi, func(p []byte, at int64) ([]byte, int64, error) {
			p = bytes.Clone(p)
			if at == headBytes {
				p[7] ^= 4
			}
			return p, at, nil
		}, ErrDiffers},
		{"is smaller than it says", 300 * mebi, func(p []byte, at int64) ([]byte, int64, error) {
			return p, at % (8 * mebi), nil
		}, ErrDiffers},
		{"has its end over its beginning", 300 * mebi, func(p []byte, at int64) ([]byte, int64, error) {
			if at > 299*mebi {
				return p, 512 * 40, nil
			}
			return p, at, nil
		}, ErrDiffers},
		{"is write-protected without a word", 44 * mebi, func(_ []byte, at int64) ([]byte, int64, error) { return nil, at, nil }, ErrDiffers},
		{"is pulled", 44 * mebi, func(p []byte, at int64) ([]byte, int64, error) {
			if at > 20*mebi {
				return nil, 0, lost
			}
			return p, at, nil
		}, lost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMedium(t, tt.size)
			m.fault = tt.fault
			if _, err := mustOpen(t, image).Write(t.Context(), m, quiet); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if _, err := readTable(m.holds(t, 0, headBytes)); err == nil {
				t.Error("it has a partition table all the same")
			}
		})
	}
}

func TestAnUnfinishedStickDoesNotStart(t *testing.T) {
	image := makeImage(t)
	m := newMedium(t, 44*mebi)
	if _, err := m.File.WriteAt(image, 0); err != nil { // an old stick of ours
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := mustOpen(t, image).Write(ctx, m, func(p Progress) {
		if p.DoneBytes > p.TotalBytes/2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if _, err := readTable(m.holds(t, 0, headBytes)); err == nil {
		t.Error("half a stick has a partition table")
	}
}

func TestWhatIsNoImage(t *testing.T) {
	image := makeImage(t)
	changed := func(at int, b byte) []byte {
		c := bytes.Clone(image)
		c[at] ^= b
		return c
	}
	other := makeImage(t)
	i := bytes.Index(other, []byte("O\x00M\x00B\x00R\x00U\x00K\x00-\x00D\x00"))
	other[i] = 'X' // and its checksums
	for _, tt := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"an empty file", nil, "no GUID partition table"},
		{"a letter", []byte("Dear all"), "no GUID partition table"},
		{"a compressed image", append([]byte("\x28\xb5\x2f\xfd"), image[:2*mebi]...), "unpack it with unzstd"},
		{"half an image", image[:22*mebi], "cut off"},
		{"an image with something after it", append(bytes.Clone(image), 0), "cut off or not copied whole"},
		{"a byte of the table's header changed", changed(512+40, 1), "damaged"},
		{"a byte of its entries changed", changed(1024+40, 1), "damaged"},
		{"another disk's image", other, "damaged"},
	} {
		_, err := Open(bytes.NewReader(tt.image), int64(len(tt.image)))
		if !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := mustOpen(t, image).Write(t.Context(), newMedium(t, 43*mebi), quiet); !errors.Is(err, ErrTooSmall) {
		t.Errorf("a small stick: got %v", err)
	}
}

// Whatever is taken for an image has a table that can be written again.
func FuzzOpen(f *testing.F) {
	image := makeImage(f)
	f.Add(image[:40*512], int64(len(image)), int64(50*mebi))
	f.Fuzz(func(t *testing.T, head []byte, size, device int64) {
		whole := bytes.Clone(head)
		if len(whole) < headBytes {
			whole = append(whole, make([]byte, headBytes-len(whole))...)
		}
		// Behind the checksums there is more to find.
		le.PutUint32(whole[512+88:], crc32.ChecksumIEEE(whole[1024:1024+entryLBAs*512]))
		le.PutUint32(whole[512+16:], sum(whole[512:512+headerBytes]))
		table, err := readTable(whole)
		if err != nil {
			return
		}
		if device > table.backupLBA*sectorBytes && device < 1<<50 {
			table.resize(device)
			table.write(whole)
			if _, err := readTable(whole); err != nil {
				t.Errorf("what was written cannot be read: %v", err)
			}
		}
		im, err := Open(bytes.NewReader(whole), size)
		if err == nil && size < 1<<40 {
			_, _ = im.layout(size + 1<<20)
		}
	})
}

// The file system of an image is a stranger's too.
func FuzzFAT(f *testing.F) {
	image := makeImage(f)
	f.Add(image[8192*512:8192*512+600*512], int64(1<<24))
	f.Fuzz(func(t *testing.T, data []byte, sectors int64) {
		old, err := readFAT(io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))))
		if err != nil {
			return
		}
		if n := old.resized(8192, sectors); n != nil {
			front := n.front()
			if front.size <= 0 || front.size > n.sectors*sectorBytes {
				t.Errorf("%d bytes of %d sectors", front.size, n.sectors)
			}
			again := make([]byte, sectorBytes)
			_, _ = front.ReadAt(again, 0)
			if !bytes.Equal(again, n.boot) {
				t.Error("the first sector is not there")
			}
		}
	})
}
