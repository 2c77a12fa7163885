package drivesim

// cache is a drive's write cache. It is volatile: what has not been flushed
// is gone with the power. Liars keep more in it than they should.
type cache struct {
	policy cachePolicy
	pages  map[sector][]byte // by area and logical page
	order  []sector          // oldest first
}

type cachePolicy uint8

const (
	// writeThrough has no cache.
	writeThrough cachePolicy = iota
	// writeBack holds up to cachePages pages back until they are flushed.
	writeBack
	// neverWrites answers reads from the cache and flushes nothing.
	neverWrites
	// neverForgets writes through, but answers reads with what was written
	// last, also after the medium was erased.
	neverForgets
)

const cachePages = 64

func (c *cache) get(a *area, l int32) []byte {
	if len(c.pages) == 0 {
		return nil
	}
	return c.pages[sector{a.id, int64(l)}]
}

func (c *cache) put(m *medium, a *area, l int32, in int, p []byte) error {
	key := sector{a.id, int64(l)}
	b := c.pages[key]
	switch {
	case c.policy == neverWrites && b == nil && len(p) < pageBytes:
		b = make([]byte, pageBytes)
		if err := m.readPage(a, l, 0, b); err != nil {
			return err
		}
	case c.policy == writeThrough || len(p) < pageBytes && c.policy != neverWrites:
		// Parts of a page are never held back: the rest of it would have to
		// be, and with it what it still holds of the original data.
		if b != nil && c.policy == writeBack {
			if err := m.writePage(a, l, 0, b); err != nil {
				return err
			}
		}
		delete(c.pages, key)
		return m.writePage(a, l, in, p)
	case b == nil:
		b = make([]byte, pageBytes)
	}
	copy(b[in:], p)
	if c.pages == nil {
		c.pages = map[sector][]byte{}
	}
	if _, held := c.pages[key]; !held {
		c.order = append(c.order, key)
	}
	c.pages[key] = b
	if c.policy == neverForgets {
		return m.writePage(a, l, in, p)
	}
	if c.policy == writeBack && len(c.order) > cachePages {
		return c.flushOldest(m, len(c.order)-cachePages/2)
	}
	return nil
}

// flush is what the host asks for.
func (c *cache) flush(m *medium) error {
	if c.policy != writeBack {
		return nil
	}
	return c.flushOldest(m, len(c.order))
}

func (c *cache) flushOldest(m *medium, n int) error {
	for _, key := range c.order[:n] {
		if b := c.pages[key]; b != nil {
			if err := m.writePage(m.areas[key.area], int32(key.n), 0, b); err != nil {
				return err
			}
			delete(c.pages, key)
		}
	}
	c.order = c.order[n:]
	return nil
}

func (c *cache) drop(a *area, l int32) {
	if c.policy != neverForgets {
		delete(c.pages, sector{a.id, int64(l)})
	}
}

// lose is what a power cut does.
func (c *cache) lose() { c.pages, c.order = nil, nil }

// erase is what an erase does to it.
func (c *cache) erase() {
	if c.policy != neverForgets {
		c.lose()
	}
}
