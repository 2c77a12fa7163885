package bootusb

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// The bounds of what a package may hold. The largest there is, firmware for
// graphics cards, has 700 MB in it.
const (
	maxControlBytes = 4 << 20
	maxDataBytes    = 4 << 30
	maxFileBytes    = 256 << 20
	maxFileCount    = 200_000
)

// control is what a package says of itself: the fields of its control file.
type control map[string]string

// deb is a Debian package (deb(5)): an ar archive of two tar archives.
type deb struct {
	control control
	data    member
}

// member is one file of an ar archive.
type member struct {
	name string
	body *io.SectionReader
}

// openDeb reads the control file of the package in r.
func openDeb(r io.ReaderAt, sizeBytes int64) (*deb, error) {
	members, err := readAr(r, sizeBytes)
	if err != nil {
		return nil, err
	}
	d := &deb{}
	for _, m := range members {
		switch base, _, _ := strings.Cut(m.name, "."); {
		case strings.HasPrefix(m.name, "control.tar") && d.control == nil:
			if d.control, err = readControl(m); err != nil {
				return nil, fmt.Errorf("read %s: %w", m.name, err)
			}
		case base == "data" && d.data.body == nil:
			d.data = m
		}
	}
	if d.control == nil || d.data.body == nil {
		return nil, errors.New("not a Debian package: it has no control.tar or no data.tar")
	}
	return d, nil
}

const (
	arMagic       = "!<arch>\n"
	arHeaderBytes = 60
)

// readAr lists the files of an ar archive.
func readAr(r io.ReaderAt, sizeBytes int64) ([]member, error) {
	magic := make([]byte, len(arMagic))
	if _, err := r.ReadAt(magic, 0); err != nil || string(magic) != arMagic {
		return nil, errors.New("not a Debian package: it does not begin as an ar archive")
	}
	var members []member
	header := make([]byte, arHeaderBytes)
	for at := int64(len(arMagic)); at < sizeBytes; {
		if len(members) == 16 {
			return nil, errors.New("not a Debian package: more than 16 members")
		}
		if _, err := r.ReadAt(header, at); err != nil {
			return nil, fmt.Errorf("read the header at byte %d: cut off", at)
		}
		at += arHeaderBytes
		size, err := strconv.ParseInt(strings.TrimRight(string(header[48:58]), " "), 10, 64)
		if err != nil || size < 0 || string(header[58:]) != "`\n" {
			return nil, fmt.Errorf("read the header at byte %d: damaged", at-arHeaderBytes)
		}
		if size > sizeBytes-at {
			return nil, fmt.Errorf("read the member at byte %d: cut off", at-arHeaderBytes)
		}
		name := strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/")
		members = append(members, member{name, io.NewSectionReader(r, at, size)})
		at += size + size%2
	}
	return members, nil
}

// unpack gives what is in m, which is compressed as the end of its name says.
func unpack(m member) (io.ReadCloser, error) {
	switch path.Ext(m.name) {
	case ".xz":
		return newXZReader(m.body)
	case ".zst":
		d, err := zstd.NewReader(bufio.NewReaderSize(m.body, 1<<20), zstd.WithDecoderMaxMemory(1<<30), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case ".gz":
		return gzip.NewReader(bufio.NewReaderSize(m.body, 1<<20))
	case ".tar":
		return io.NopCloser(m.body), nil
	}
	return nil, fmt.Errorf("its compression %q is not known", path.Ext(m.name))
}

// readControl finds the control file in control.tar.
func readControl(m member) (control, error) {
	r, err := unpack(m)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	t := tar.NewReader(io.LimitReader(r, maxControlBytes))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no control file in it")
		}
		if err != nil {
			return nil, err
		}
		if path.Clean(h.Name) == "control" {
			b, err := io.ReadAll(t)
			if err != nil {
				return nil, err
			}
			return parseControl(b), nil
		}
	}
}

// parseControl reads one paragraph of deb-control(5). Of a field that goes on
// over several lines the lines are kept, without what they are indented by.
func parseControl(b []byte) control {
	c := control{}
	last := ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "" && len(c) > 0:
			return c
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			if last != "" {
				c[last] += "\n" + strings.TrimSpace(line)
			}
		default:
			if name, value, ok := strings.Cut(line, ":"); ok {
				last = name
				c[name] = strings.TrimSpace(value)
			}
		}
	}
	return c
}

// entry is one file of a package. Its name is relative to the root and clean.
type entry struct {
	name string
	link string // where a symbolic link leads to, relative to the root; else empty
	size int64
}

// each calls visit for every file and symbolic link of the package, in its
// order. The reader is good until visit returns. A hard link is as good as a
// symbolic one.
func (d *deb) each(visit func(f entry, body io.Reader) error) error {
	r, err := unpack(d.data)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	limited := &io.LimitedReader{R: r, N: maxDataBytes}
	t := tar.NewReader(bufio.NewReaderSize(limited, 1<<20))
	for count := 0; ; count++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if limited.N <= 0 || count == maxFileCount {
			return fmt.Errorf("more than %d bytes or %d files are in it", int64(maxDataBytes), maxFileCount)
		}
		if err != nil {
			return err
		}
		f := entry{size: h.Size}
		if f.name, err = inside(h.Name); err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeReg:
		case tar.TypeSymlink:
			target := h.Linkname
			if !path.IsAbs(target) {
				target = path.Join(path.Dir(f.name), target) //nolint:gosec // inside has the last word, and nothing is written by it
			}
			if f.link, err = inside(target); err != nil {
				continue // it leads nowhere in the package, and nothing is taken through it
			}
		case tar.TypeLink:
			if f.link, err = inside(h.Linkname); err != nil {
				return err
			}
		default:
			continue
		}
		if err := visit(f, t); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
}

// inside is name relative to the root, and an error when it leads out of it.
func inside(name string) (string, error) {
	clean := strings.TrimPrefix(path.Clean(strings.TrimPrefix(name, "/")), "./")
	if !fs.ValidPath(clean) || strings.ContainsRune(clean, 0) {
		return "", fmt.Errorf("its file %q leads out of the package", name)
	}
	return clean, nil
}

// readBounded is all of r, which has sizeBytes as its package says.
func readBounded(r io.Reader, sizeBytes int64) ([]byte, error) {
	if sizeBytes > maxFileBytes {
		return nil, fmt.Errorf("%d bytes are more than the %d a file on the stick may have", sizeBytes, int64(maxFileBytes))
	}
	b, err := io.ReadAll(io.LimitReader(r, sizeBytes))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) != sizeBytes {
		return nil, io.ErrUnexpectedEOF
	}
	return b, nil
}

// plain is b unpacked if name says that it is compressed, and name without
// that ending.
func plain(name string, b []byte) (string, []byte, error) {
	var r io.Reader
	var err error
	ext := path.Ext(name)
	switch ext {
	case ".xz":
		r, err = xz.NewReader(bytes.NewReader(b))
	case ".zst":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20)); err == nil {
			defer d.Close()
		}
		r = d
	case ".gz":
		r, err = gzip.NewReader(bytes.NewReader(b))
	default:
		return name, b, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err == nil && len(out) > maxFileBytes {
		err = fmt.Errorf("more than %d bytes", int64(maxFileBytes))
	}
	if err != nil {
		return "", nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return strings.TrimSuffix(name, ext), out, nil
}
