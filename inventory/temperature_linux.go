package inventory

// Temperature reads a drive's sensor again, in degrees Celsius. It is false
// where the kernel offers none or the drive is gone.
func (s Source) Temperature(d Drive) (celsius int, ok bool) {
	r := &reader{blocks: readBlocks(newTree(s.Root))}
	b := r.byName[d.Name]
	if b == nil {
		return 0, false
	}
	if b.whole != nil {
		b = b.whole
	}
	c := r.temperature(b)
	if c == nil {
		return 0, false
	}
	return *c, true
}
