package inventory

import (
	"path"
	"sync"
)

// treeLog is what was looked at in a tree: by path, how.
type treeLog struct {
	mu   sync.Mutex
	seen map[string]look
}

// look is how a path was looked at.
type look uint8

const (
	lookAt   look = 1 << iota // whether it is there, or where it leads
	lookRead                  // its content
	lookList                  // its entries
)

func (l *treeLog) add(name string, how look) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[path.Clean("/"+name)] |= how
}
