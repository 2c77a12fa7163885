package drivesim

import "math/bits"

// Truth is what really is in a drive, seen from outside. It is counted by
// keeping track of every sector, not by reading through the drive's commands.
type Truth struct {
	// Areas are the parts a host could address, hidden ones restored, in the
	// drive's order.
	Areas []AreaTruth
	// SpareBytes is original data that can still be recovered in places that
	// no host can address: old copies in spare and retired blocks, and what
	// lies deallocated on the flash.
	SpareBytes int64
}

// AreaTruth is what is in one namespace, logical unit or boot area.
type AreaTruth struct {
	Name      string
	SizeBytes int64
	// OriginalBytes is original data in it that can still be recovered: it
	// is there, and in the clear or its key exists in the drive.
	OriginalBytes int64
	// HiddenBytes is how many of these lay beyond the accessible maximum
	// when the drive came to us.
	HiddenBytes int64
	// Addressable is false for what no host can address without a key that
	// is not ours (RPMB).
	Addressable bool
}

// Area is a reach within a drive.
type Area uint8

// The reaches.
const (
	// Addressable is every block a host could address: with HPA, DCO and AMA
	// lifted, in all namespaces and boot areas.
	Addressable Area = iota
	// Everything is that and what no host can address: spare, retired and
	// deallocated blocks, RPMB.
	Everything
)

// OriginalBytes is how much original data can still be recovered within a reach.
func (t Truth) OriginalBytes(reach Area) int64 {
	n := int64(0)
	for _, a := range t.Areas {
		if a.Addressable || reach == Everything {
			n += a.OriginalBytes
		}
	}
	if reach == Everything {
		n += t.SpareBytes
	}
	return n
}

// Truth looks into the drive, whatever state it is in. All Drives of one
// controller give the same.
func (d *Drive) Truth() Truth {
	c := d.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	m := c.medium
	t := Truth{Areas: make([]AreaTruth, len(m.areas))}
	for i, a := range m.areas {
		t.Areas[i] = AreaTruth{Name: a.name, SizeBytes: a.sizeBytes, Addressable: a.kind != rpmbArea}
	}
	for i := range m.pages {
		g := &m.pages[i]
		if g.original == 0 || g.key != 0 && !m.keys[g.key].alive {
			continue
		}
		n := int64(bits.OnesCount8(g.original)) * sectorBytes
		a := m.areas[g.owner]
		if g.state != pageLive || a.table[g.logical] != int32(i) {
			t.SpareBytes += n
			continue
		}
		t.Areas[g.owner].OriginalBytes += n
		if int64(g.logical)*pageBytes >= a.shippedBytes {
			t.Areas[g.owner].HiddenBytes += n
		}
	}
	return t
}
