package bootusb

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"

	"github.com/ulikunitz/xz"
)

// The parts of an .xz file that are read here (the .xz file format 1.2.1,
// sections 2.1.1, 2.1.2 and 4).
const (
	xzHeaderBytes = 12
	xzFooterBytes = 12
	// maxBlockBytes is the largest block that is unpacked by itself. What
	// dpkg-deb writes has 24 MiB at most.
	maxBlockBytes = 96 << 20
)

// newXZReader unpacks r. A stream of several blocks, as dpkg-deb writes them, is
// unpacked on all processors: a kernel package is 400 MB, and this is most of
// the time that a build takes.
func newXZReader(r *io.SectionReader) (io.ReadCloser, error) {
	blocks, err := xzBlocks(r)
	if err != nil || len(blocks) < 2 {
		// Not one plain stream with an index: the whole reader decides.
		z, err := xz.NewReader(bufio.NewReaderSize(io.NewSectionReader(r, 0, r.Size()), 1<<20))
		if err != nil {
			return nil, err
		}
		return io.NopCloser(z), nil
	}
	p := &parallelReader{stop: make(chan struct{})}
	p.queue = make(chan chan unpacked, runtime.GOMAXPROCS(0))
	go p.run(r, blocks)
	return p, nil
}

// xzBlock is one block, as the index of its stream has it.
type xzBlock struct {
	offset        int64
	unpaddedBytes uint64 // without the padding to four bytes at its end
	unpackedBytes uint64
	streamFlags   [2]byte
}

var errXZ = errors.New("damaged .xz file")

// xzBlocks reads the index at the end of the one stream in r.
func xzBlocks(r *io.SectionReader) ([]xzBlock, error) {
	var footer [xzFooterBytes]byte
	var header [xzHeaderBytes]byte
	if r.Size() < xzHeaderBytes+xzFooterBytes {
		return nil, errXZ
	}
	if _, err := r.ReadAt(footer[:], r.Size()-xzFooterBytes); err != nil {
		return nil, err
	}
	if _, err := r.ReadAt(header[:], 0); err != nil {
		return nil, err
	}
	if string(footer[10:]) != "YZ" || !bytes.Equal(footer[8:10], header[6:8]) {
		return nil, errXZ
	}
	indexBytes := (int64(binary.LittleEndian.Uint32(footer[4:])) + 1) * 4
	if indexBytes > 1<<20 || indexBytes > r.Size()-xzHeaderBytes-xzFooterBytes {
		return nil, errXZ
	}
	index := make([]byte, indexBytes)
	end := r.Size() - xzFooterBytes - indexBytes
	if _, err := r.ReadAt(index, end); err != nil {
		return nil, err
	}
	body := index[:indexBytes-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(index[indexBytes-4:]) || body[0] != 0 {
		return nil, errXZ
	}
	body = body[1:]
	next := func() uint64 {
		n, used := binary.Uvarint(body)
		if used <= 0 {
			body = nil
			return 0
		}
		body = body[used:]
		return n
	}
	count := next()
	if count > uint64(indexBytes) {
		return nil, errXZ
	}
	blocks := make([]xzBlock, 0, count)
	offset := int64(xzHeaderBytes)
	for range count {
		b := xzBlock{offset: offset, unpaddedBytes: next(), unpackedBytes: next(), streamFlags: [2]byte(header[6:8])}
		if b.unpaddedBytes == 0 || b.unpaddedBytes > maxBlockBytes || b.unpackedBytes > maxBlockBytes {
			return nil, errXZ
		}
		offset += int64(b.unpaddedBytes+3) &^ 3
		blocks = append(blocks, b)
	}
	if offset != end {
		return nil, errXZ // more than one stream, or an index of something else
	}
	return blocks, nil
}

// unpack gives what is in b, by making a stream of it alone.
func (b xzBlock) unpack(r io.ReaderAt) ([]byte, error) {
	le := binary.LittleEndian
	padded := int64(b.unpaddedBytes+3) &^ 3
	stream := make([]byte, xzHeaderBytes+padded, xzHeaderBytes+padded+64)
	copy(stream, "\xfd7zXZ\x00")
	copy(stream[6:], b.streamFlags[:])
	le.PutUint32(stream[8:], crc32.ChecksumIEEE(b.streamFlags[:]))
	if _, err := r.ReadAt(stream[xzHeaderBytes:], b.offset); err != nil {
		return nil, err
	}
	index := binary.AppendUvarint([]byte{0, 1}, b.unpaddedBytes)
	index = binary.AppendUvarint(index, b.unpackedBytes)
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = le.AppendUint32(index, crc32.ChecksumIEEE(index))
	stream = append(stream, index...)
	footer := le.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, b.streamFlags[:]...)
	stream = le.AppendUint32(stream, crc32.ChecksumIEEE(footer))
	stream = append(append(stream, footer...), "YZ"...)
	z, err := xz.NewReader(bytes.NewReader(stream))
	if err != nil {
		return nil, err
	}
	out := make([]byte, b.unpackedBytes)
	if _, err := io.ReadFull(z, out); err != nil {
		return nil, err
	}
	// The check of the block comes after its last byte.
	if n, err := z.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return nil, errXZ
	}
	return out, nil
}

type unpacked struct {
	b   []byte
	err error
}

// parallelReader reads blocks in their order while the next ones are unpacked.
type parallelReader struct {
	queue chan chan unpacked
	stop  chan struct{}
	rest  []byte
	err   error
}

func (p *parallelReader) run(r io.ReaderAt, blocks []xzBlock) {
	defer close(p.queue)
	for _, b := range blocks {
		result := make(chan unpacked, 1)
		select {
		case p.queue <- result:
		case <-p.stop:
			return
		}
		go func() {
			out, err := b.unpack(r)
			result <- unpacked{out, err}
		}()
	}
}

func (p *parallelReader) Read(to []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		result, ok := <-p.queue
		if !ok {
			p.err = io.EOF
			continue
		}
		u := <-result
		p.rest, p.err = u.b, u.err
	}
	n := copy(to, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// Close ends the unpacking; it may be called once.
func (p *parallelReader) Close() error {
	close(p.stop)
	return nil
}
