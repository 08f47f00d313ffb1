package limit

import (
	"strings"
	"sync"
)

// Firsts is an [Outlet] for lines about texts that clients choose, such as origins or names of events: each has one
// line while it is remembered. The newest 100 that had a line are. So whoever makes up texts lets others be logged
// again, and silences none. All methods may be called concurrently.
type Firsts struct {
	outlet *Outlet

	mu sync.Mutex // guards the following

	seen  map[string]bool
	order []string // the oldest first
}

// mostFirsts is how many texts are remembered.
const mostFirsts = 100

// NewFirsts returns a Firsts that remembers nothing.
func NewFirsts() *Firsts { return &Firsts{outlet: NewOutlet(), seen: make(map[string]bool)} }

// Next says whether a line about the text may be written now, and how many lines were held back since the last one
// that was. A text whose line was held back is not remembered. What is remembered of a text is all of it: the caller
// shortens one that may be long.
func (f *Firsts) Next(text string) (held uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[text] {
		return 0, false
	}
	if held, ok = f.outlet.Next(); !ok {
		return 0, false
	}
	if len(f.order) == mostFirsts {
		delete(f.seen, f.order[0])
		f.order = append(f.order[:0], f.order[1:]...)
	}
	text = strings.Clone(text) // it may be a small part of a large request
	f.seen[text] = true
	f.order = append(f.order, text)
	return held, true
}
