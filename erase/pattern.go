package erase

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// PatternKind is how the bytes of a pass come about.
type PatternKind uint8

// The kinds of pattern. RandomByte and Complement become Constant when a run
// starts; the other two stay what they are.
const (
	Constant   PatternKind = iota // Bytes, repeated from offset 0
	RandomByte                    // one byte chosen for this run, repeated
	Complement                    // the complement of the last RandomByte
	Random                        // a key stream, different at every offset
)

// Pattern is what one overwriting pass writes.
type Pattern struct {
	Kind PatternKind
	// Bytes, 1 to 8 of them, of a constant pattern: the byte at offset n of
	// the drive is Bytes[n % len(Bytes)].
	Bytes []byte
	// Label is set when a run fixes a chosen byte: "random byte 4E".
	Label string
}

// String names the pattern as it stands on a page and in a plan.
func (p Pattern) String() string {
	switch {
	case p.Label != "":
		return p.Label
	case p.Kind == RandomByte:
		return "random byte"
	case p.Kind == Complement:
		return "its complement"
	case p.Kind == Random:
		return "random (AES-128-CTR)"
	}
	return strings.ToUpper(spaced(hex.EncodeToString(p.Bytes)))
}

func spaced(h string) string {
	var parts []string
	for i := 0; i+2 <= len(h); i += 2 {
		parts = append(parts, h[i:i+2])
	}
	return strings.Join(parts, " ")
}

// Key is the only randomness of a run: its random passes, its chosen bytes,
// the order of passes that a standard wants shuffled and the places of a
// sample all follow from it, so that a run can be checked or taken up again by
// whoever has the key.
//
// It is an AES-128 key: what is written need not stay secret, it only must not
// be guessed or compressed by the drive, and a longer key costs a tenth more
// processor time.
type Key [16]byte

// SHA256 is the key's digest in hex, which goes into the record.
func (k Key) SHA256() string {
	sum := sha256.Sum256(k[:])
	return hex.EncodeToString(sum[:])
}

// IV is the initial counter block of a pass: the pass number (from 1) in the
// high eight bytes and zero below, big-endian. The stream of pass n is that of
//
//	openssl enc -aes-128-ctr -K <key> -iv <IV>
//
// over zeros. Pass number 0 is kept for choices (see [Key.choices]).
func (k Key) IV(pass int) [aes.BlockSize]byte {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[:8], uint64(pass))
	return iv
}

// stream gives the key stream of a pass from a byte offset on, which must be a
// multiple of the AES block.
func (k Key) stream(block cipher.Block, pass int, offset int64) cipher.Stream {
	iv := k.IV(pass)
	binary.BigEndian.PutUint64(iv[8:], uint64(offset)/aes.BlockSize)
	return cipher.NewCTR(block, iv[:])
}

// choices is a deterministic source for what a run has to choose. use keeps
// one kind of choice apart from another.
func (k Key) choices(use uint64) *chooser {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // the key has the right length by its type
	}
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[8:], use<<40)
	return &chooser{cipher.NewCTR(block, iv[:])}
}

type chooser struct{ s cipher.Stream }

// below gives a number from 0 to n-1 without bias worth mentioning (n is far
// below 2^64).
func (c *chooser) below(n int64) int64 {
	var b [8]byte
	c.s.XORKeyStream(b[:], b[:])
	return int64(binary.BigEndian.Uint64(b[:]) % uint64(n))
}

// The uses of [Key.choices].
const (
	chooseBytes uint64 = iota
	chooseOrder
	chooseSample
	chooseMarks
)

// fixed returns the passes with every choice made: chosen bytes and shuffled
// runs of passes.
func fixed(s Standard, key Key) []Pattern {
	passes := append([]Pattern(nil), s.Passes...)
	if s.ShuffleFrom > 0 {
		part := passes[s.ShuffleFrom-1 : s.ShuffleTo]
		order := key.choices(chooseOrder)
		for i := len(part) - 1; i > 0; i-- {
			j := order.below(int64(i + 1))
			part[i], part[j] = part[j], part[i]
		}
	}
	bytesOf := key.choices(chooseBytes)
	var last byte
	for i, p := range passes {
		switch p.Kind {
		case RandomByte:
			last = byte(bytesOf.below(256))
			passes[i] = Pattern{Kind: Constant, Bytes: []byte{last}, Label: fmt.Sprintf("random byte %02X", last)}
		case Complement:
			passes[i] = Pattern{Kind: Constant, Bytes: []byte{^last}, Label: fmt.Sprintf("complement %02X", ^last)}
		}
	}
	return passes
}

// stampBytes is the size a constant pattern is laid out to: large enough to
// write from, small enough to stay in the processor's cache.
const stampBytes = 64 << 10

// stamp lays a constant pattern out in memory so that it can be written and
// compared from any page-aligned offset of the drive.
type stamp struct {
	bytes []byte // a whole number of periods
	// period is the least common multiple of the pattern and a page.
	period int64
}

// stampRoomBytes is room for any pattern of 1 to 8 bytes: the least common
// multiple of its length and a page is at most seven pages.
const stampRoomBytes = 128 << 10

// newStamp lays a pattern out at the start of room.
func newStamp(p Pattern, room []byte) stamp {
	period := len(p.Bytes)
	for period%pageBytes != 0 {
		period += len(p.Bytes)
	}
	size := period * max(1, stampBytes/period)
	copy(room[:size], bytes.Repeat(p.Bytes, size/len(p.Bytes)))
	return stamp{bytes: room[:size], period: int64(period)}
}

// from returns the laid-out pattern beginning with the byte that belongs at
// offset off of the drive. It is shorter than the whole by the phase.
func (s stamp) from(off int64) []byte { return s.bytes[off%s.period:] }

// pageBytes is the alignment of every transfer but the last.
const pageBytes = 4096
