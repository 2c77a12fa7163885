package drivesim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"syscall"
)

const (
	pageBytes   = 4096
	sectorBytes = 512
	allSectors  = 0xFF // of one page
)

// errMedium is a block that cannot be read or written.
var errMedium = fmt.Errorf("unrecovered medium error: %w", syscall.EIO)

// errGuard is a block whose data does not fit its guard any more; Linux gives
// EILSEQ for it.
var errGuard = fmt.Errorf("end-to-end guard check error: %w", syscall.EILSEQ)

// area is a part of a drive that a host can address: a namespace, a logical
// unit, a boot partition.
type area struct {
	id   int    // index in medium.areas
	name string // "namespace 1", "boot partition 1"
	// number is the NSID, the LUN or the number of the boot partition.
	number uint32
	kind   areaKind
	// sizeBytes is the most that could ever be addressed.
	sizeBytes int64
	// visibleBytes is what a host can address now, shippedBytes what it
	// could when the drive came to us (HPA, DCO and AMA hide the rest).
	visibleBytes, shippedBytes int64
	// blockBytes is the size of a formatted block.
	blockBytes int
	// attached is false for an NVMe namespace that no controller shows.
	attached bool
	// late is true for a namespace that has yet to be made.
	late bool
	// dulbe makes reads of deallocated blocks fail (NVMe feature 05h).
	dulbe bool
	// key is what new data is encrypted with; 0 for none.
	key int32
	// table maps logical pages to physical ones; -1 for deallocated.
	table []int32
}

type areaKind uint8

const (
	userArea areaKind = iota
	bootArea
	rpmbArea // replay protected: no host without its key addresses it
)

// page is 4096 bytes of the medium.
type page struct {
	// data is the content; nil for content that can be told without:
	// original data, or fill over and over.
	data []byte
	fill uint64
	// key is the media key that the page was written under; 0 for none.
	key int32
	// logical is the logical page of the owner it was last written for.
	logical int32
	owner   int16 // area
	state   pageState
	// original has a bit for every sector that still holds what was on the
	// drive when it came to us.
	original uint8
	// hidden makes reads of it fail until it is written again.
	hidden bool
}

type pageState uint8

const (
	pageFree    pageState = iota // erased, ready to be written
	pageLive                     // some area's table leads to it
	pageStale                    // an old copy that waits to be erased
	pageRetired                  // an old copy in a block that is not used any more
)

// mediaKey is a key of a drive that encrypts.
type mediaKey struct {
	area  int
	alive bool // it exists somewhere in the drive
	// masked makes reads show ciphertext although the key exists: a drive
	// that only pretends to have destroyed it.
	masked bool
}

// medium is everything in a drive that can hold data. Its methods are called
// with the drive's mutex held.
type medium struct {
	flash bool
	areas []*area
	pages []page
	free  []int32
	stale []int32 // oldest first
	keys  []mediaKey
	// template is a page of original data without its number.
	template []byte
	// erased and deallocated are what such blocks read as, 8 bytes over and over.
	erased, deallocated uint64
	// cryptoUnreadable makes blocks fail whose key is gone (drives with
	// protection information), instead of reading as noise.
	cryptoUnreadable bool
	defects          map[sector]Defect
	cache            *cache
}

// sector is one sector of 512 bytes of an area.
type sector struct {
	area int
	n    int64
}

// newMedium makes the medium of a drive full of original data: every page of
// every area, and of the spare pages those that older copies were left in.
func newMedium(areas []*area, flash, encrypts bool, spare, retired, stale int, owner string) *medium {
	m := &medium{flash: flash, areas: areas, keys: []mediaKey{{}}, template: originalTemplate(owner), defects: map[sector]Defect{}}
	logical := 0
	for _, a := range areas {
		logical += int((a.sizeBytes + pageBytes - 1) / pageBytes)
	}
	spare = max(spare, retired+stale+1)
	m.pages = make([]page, logical+spare)
	tables := make([]int32, logical)
	i := int32(0)
	for _, a := range areas {
		n := int32((a.sizeBytes + pageBytes - 1) / pageBytes)
		a.table, tables = tables[:n:n], tables[n:]
		if encrypts {
			a.key = m.newKey(a.id)
		}
		for l := range n {
			m.pages[i] = page{owner: int16(a.id), logical: l, state: pageLive, original: sectorsOf(a, l), key: a.key}
			a.table[l] = i
			i++
		}
	}
	first := areas[0]
	for k := range spare {
		p := &m.pages[i]
		if k < retired+stale {
			l := int32((k*7919 + 3) % len(first.table))
			*p = page{owner: int16(first.id), logical: l, state: pageRetired, original: sectorsOf(first, l), key: first.key}
			if k >= retired {
				p.state = pageStale
				m.stale = append(m.stale, i)
			}
		} else {
			m.free = append(m.free, i)
		}
		i++
	}
	return m
}

// sectorsOf are the sectors of a logical page that lie within its area.
func sectorsOf(a *area, logical int32) uint8 {
	left := (a.sizeBytes - int64(logical)*pageBytes) / sectorBytes
	if left >= 8 {
		return allSectors
	}
	return 1<<left - 1
}

func (m *medium) newKey(area int) int32 {
	m.keys = append(m.keys, mediaKey{area: area, alive: true})
	return int32(len(m.keys) - 1)
}

// originalTemplate is a page of text that is easily recognised, in which
// render puts the number of each sector.
func originalTemplate(owner string) []byte {
	line := fmt.Sprintf("%s%-32.32s original data of a previous user, a letter and a journal \n", originalMark, owner)
	line = line + "area 00 sector 0000000000 " + line
	s := []byte(line)
	for len(s) < sectorBytes {
		s = append(s, "confidential - kortnummer, helseopplysninger, passord - "...)
	}
	return bytes.Repeat(s[:sectorBytes], pageBytes/sectorBytes)
}

// originalMark begins every sector of original data.
const originalMark = "ORIGINAL "

// render writes original data into b, a whole page.
func (m *medium) render(b []byte, owner int16, logical int32) {
	copy(b, m.template)
	at := bytes.Index(m.template, []byte("area 00 sector "))
	for s := range pageBytes / sectorBytes {
		w := b[s*sectorBytes+at:]
		w[5], w[6] = '0'+byte(owner/10), '0'+byte(owner%10)
		n := int64(logical)*8 + int64(s)
		for i := 24; n > 0; i-- {
			w[i] = '0' + byte(n%10)
			n /= 10
		}
	}
}

// read fills p with what a host sees of an area at off. Both are multiples of
// 512 bytes. An error is of the whole transfer.
func (m *medium) read(a *area, p []byte, off int64) error {
	if err := bounds(a, p, off); err != nil {
		return err
	}
	if m.defective(a, off, len(p), func(d Defect) bool { return d.Unreadable }) {
		return errMedium
	}
	for len(p) > 0 {
		l, in := int32(off/pageBytes), int(off%pageBytes)
		n := min(pageBytes-in, len(p))
		if b := m.cache.get(a, l); b != nil {
			copy(p[:n], b[in:])
		} else if err := m.readPage(a, l, in, p[:n]); err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

func bounds(a *area, p []byte, off int64) error {
	switch {
	case off < 0 || off%sectorBytes != 0 || len(p)%sectorBytes != 0:
		return fmt.Errorf("not whole sectors: %w", syscall.EINVAL)
	case off+int64(len(p)) > a.visibleBytes:
		return fmt.Errorf("beyond the last block: %w", io.EOF)
	}
	return nil
}

// readPage reads bytes of one logical page from the medium.
func (m *medium) readPage(a *area, l int32, in int, p []byte) error {
	i := a.table[l]
	if i < 0 {
		if a.dulbe {
			return fmt.Errorf("deallocated or unwritten logical block: %w", errMedium)
		}
		fill8(p, m.deallocated)
		return nil
	}
	g := &m.pages[i]
	if g.hidden {
		return errMedium
	}
	if k := m.keys[g.key]; g.key != 0 && (!k.alive || k.masked) {
		if m.cryptoUnreadable {
			return errGuard
		}
		// The old ciphertext through the key of today.
		noise(p, uint64(i)<<32|uint64(a.key), in)
		return nil
	}
	switch {
	case g.data != nil:
		copy(p, g.data[in:])
	case g.original != 0 && len(p) == pageBytes:
		m.render(p, g.owner, g.logical)
	case g.original != 0:
		var b [pageBytes]byte
		m.render(b[:], g.owner, g.logical)
		copy(p, b[in:])
	default:
		fill8(p, g.fill)
	}
	return nil
}

// write takes what a host sends. Both p and off are multiples of 512 bytes.
func (m *medium) write(a *area, p []byte, off int64) error {
	if err := bounds(a, p, off); err != nil {
		return err
	}
	if m.defective(a, off, len(p), func(d Defect) bool { return d.Unwritable }) {
		return errMedium
	}
	for len(p) > 0 {
		l, in := int32(off/pageBytes), int(off%pageBytes)
		n := min(pageBytes-in, len(p))
		if err := m.cache.put(m, a, l, in, p[:n]); err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// writePage writes bytes of one logical page to the medium. Flash writes to
// another page and leaves the old one as it is.
func (m *medium) writePage(a *area, l int32, in int, p []byte) error {
	var whole [pageBytes]byte
	old := a.table[l]
	keep := uint8(0) // original sectors that go along
	if len(p) < pageBytes {
		if old >= 0 {
			if m.readable(old) {
				keep = m.pages[old].original &^ sectorMask(in, len(p))
			}
			if err := m.readPage(a, l, 0, whole[:]); err != nil {
				clear(whole[:]) // what cannot be read cannot be kept
				keep = 0
			}
		}
		copy(whole[in:], p)
		p = whole[:]
	}
	at := old
	if m.flash || old < 0 {
		at = m.take()
		if at < 0 {
			return fmt.Errorf("no spare block is left: %w", errMedium)
		}
		if old >= 0 {
			m.pages[old].state = pageStale
			m.stale = append(m.stale, old)
		}
		a.table[l] = at
	}
	g := &m.pages[at]
	buffer := g.data
	*g = page{owner: int16(a.id), logical: l, state: pageLive, original: keep, key: a.key}
	if fill := binary.LittleEndian.Uint64(p); keep == 0 && bytes.Equal(p[8:], p[:pageBytes-8]) {
		g.fill = fill
		return nil
	}
	if buffer == nil {
		buffer = make([]byte, pageBytes)
	}
	copy(buffer, p)
	g.data = buffer
	return nil
}

func sectorMask(in, n int) uint8 {
	first, last := in/sectorBytes, (in+n)/sectorBytes
	return uint8((1<<last - 1) &^ (1<<first - 1))
}

func (m *medium) readable(i int32) bool {
	k := m.pages[i].key
	return k == 0 || m.keys[k].alive && !m.keys[k].masked
}

// take gives a free page, erasing the oldest stale one when there is none; -1
// when there is neither.
func (m *medium) take() int32 {
	if n := len(m.free); n > 0 {
		i := m.free[n-1]
		m.free = m.free[:n-1]
		return i
	}
	if len(m.stale) == 0 {
		return -1
	}
	i := m.stale[0]
	m.stale = m.stale[1:]
	m.erase(i, m.erased)
	return i
}

// erase makes a page hold fill and nothing else.
func (m *medium) erase(i int32, fill uint64) {
	g := &m.pages[i]
	g.data, g.fill, g.key, g.original = nil, fill, 0, 0
}

// unmap deallocates whole pages of an area; what they led to stays on the
// medium until it is needed.
func (m *medium) unmap(a *area, first, n int64) {
	for l := first; l < min(first+n, int64(len(a.table))); l++ {
		m.cache.drop(a, int32(l))
		if i := a.table[l]; i >= 0 {
			m.pages[i].state = pageStale
			m.stale = append(m.stale, i)
			a.table[l] = -1
		}
	}
}

// hide makes reads of all that was written to areas fail, but for what looks
// blank.
func (m *medium) hide(areas []*area) {
	for _, a := range areas {
		for _, i := range a.table {
			if i >= 0 {
				g := &m.pages[i]
				blank := g.data == nil && g.original == 0 && (g.fill == 0 || g.fill == m.erased || g.fill == m.deallocated)
				g.hidden = g.hidden || !blank
			}
		}
	}
}

// settle rebuilds the lists of free and stale pages after an erase.
func (m *medium) settle() {
	m.free, m.stale = m.free[:0], m.stale[:0]
	for i := range m.pages {
		g := &m.pages[i]
		switch {
		case g.state == pageStale && g.data == nil && g.original == 0 && g.key == 0, g.state == pageFree:
			g.state = pageFree
			m.free = append(m.free, int32(i))
		case g.state == pageStale:
			m.stale = append(m.stale, int32(i))
		}
	}
}

func (m *medium) defective(a *area, off int64, n int, is func(Defect) bool) bool {
	if len(m.defects) == 0 {
		return false
	}
	for s := off / sectorBytes; s < (off+int64(n))/sectorBytes; s++ {
		if d, ok := m.defects[sector{a.id, s}]; ok && is(d) {
			return true
		}
	}
	return false
}

// fill8 fills p with eight bytes over and over; p begins at a multiple of 512.
func fill8(p []byte, fill uint64) {
	if fill == 0 {
		clear(p)
		return
	}
	binary.LittleEndian.PutUint64(p, fill)
	for n := 8; n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
}

// noise fills p with what ciphertext looks like without its key: the same for
// the same seed, from byte in of the page on. p is a whole number of sectors.
func noise(p []byte, seed uint64, in int) {
	x := seed*0x9E3779B97F4A7C15 + uint64(in/8)*0xD1342543DE82EF95
	for len(p) >= 8 {
		x += 0xD1342543DE82EF95
		z := (x ^ x>>32) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>29) * 0x94D049BB133111EB
		binary.LittleEndian.PutUint64(p, z^z>>32)
		p = p[8:]
	}
}

// pattern8 is a pattern of 1, 2, 4 or 8 bytes in hexadecimal as eight bytes.
func pattern8(hex string) (uint64, error) {
	if n := len(hex); n != 2 && n != 4 && n != 8 && n != 16 {
		return 0, fmt.Errorf("pattern %q: want 1, 2, 4 or 8 bytes in hexadecimal", hex)
	}
	v, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("pattern %q: %w", hex, err)
	}
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(v >> (8 * (len(hex)/2 - 1 - i%(len(hex)/2))))
	}
	return binary.LittleEndian.Uint64(b), nil
}
