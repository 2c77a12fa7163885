package erase

import "slices"

// span is a range of bytes on a drive, [Off, Off+Len).
type span struct{ Off, Len int64 }

// The sampling rule that contracts still ask for, from NIST SP 800-88 Rev. 1
// section 4.7: at least 1000 equal parts, in each at least two places that do
// not overlap of about five per cent of the part, and the first and the last
// addressable location.
const (
	sampleStrata   = 1000
	samplePerMille = 50 // of each stratum, twice
)

// sample draws the places to read back on a drive of the given size, in
// ascending order, page-aligned but for the end, not overlapping. It also
// gives their total. Below 128 MiB, where the parts would be smaller than the
// transfers, it is the whole drive.
func sample(size int64, key Key) ([]span, int64) {
	stratum := size / sampleStrata / pageBytes * pageBytes
	if stratum < 32*pageBytes {
		return []span{{0, size}}, size
	}
	choose := key.choices(chooseSample)
	length := (stratum*samplePerMille/1000 + pageBytes - 1) / pageBytes * pageBytes
	spans := []span{{0, pageBytes}}
	for start := int64(0); start < size; start += stratum {
		half := min(stratum, size-start) / 2 / pageBytes * pageBytes
		for i := int64(0); i < 2; i++ {
			room := half - length
			if room < 0 { // the remainder after the last full stratum
				continue
			}
			off := start + i*half + choose.below(room/pageBytes+1)*pageBytes
			spans = append(spans, span{off, length})
		}
	}
	last := (size - 1) / pageBytes * pageBytes
	spans = append(spans, span{last, size - last})
	return merge(spans)
}

// merge sorts spans, joins those that touch or overlap, and adds them up.
func merge(spans []span) ([]span, int64) {
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.Off < b.Off:
			return -1
		case a.Off > b.Off:
			return 1
		}
		return 0
	})
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.Off <= out[n-1].Off+out[n-1].Len {
			out[n-1].Len = max(out[n-1].Len, s.Off+s.Len-out[n-1].Off)
			continue
		}
		out = append(out, s)
	}
	var total int64
	for _, s := range out {
		total += s.Len
	}
	return out, total
}
