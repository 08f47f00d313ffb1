package limit

import "sync/atomic"

// Hits count how often each limit was met. They are made once, with all names, so that a limit that was never met is
// there too, as 0. All methods may be called concurrently.
type Hits struct {
	counts map[string]*atomic.Uint64
}

// NewHits returns counts for the limits of these names.
func NewHits(names ...string) Hits {
	h := Hits{counts: make(map[string]*atomic.Uint64, len(names))}
	for _, name := range names {
		h.counts[name] = new(atomic.Uint64)
	}
	return h
}

// Add counts one hit. A name that Hits was not made with is not counted.
func (h Hits) Add(name string) {
	if n := h.counts[name]; n != nil {
		n.Add(1)
	}
}

// Counts returns the hits by name.
func (h Hits) Counts() map[string]uint64 {
	all := make(map[string]uint64, len(h.counts))
	for name, n := range h.counts {
		all[name] = n.Load()
	}
	return all
}
