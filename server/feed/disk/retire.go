package disk

import (
	"context"
	"fmt"
	"time"

	"github.com/crier/crier/server/feed"
)

// Limit implements feed.Store. Entries cannot be read from then on; their bytes leave the disk with their whole file.
func (d *Store) Limit(now time.Time, limits feed.Limits) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone, due := d.limiter.Limit(held{d}, now, limits)
	d.forget(gone)
	return due
}

// held is what a store holds. Its lock must be held.
type held struct{ d *Store }

func (h held) Len() int     { return h.d.held.Len() }
func (h held) Bytes() int64 { return h.d.bytes }

func (h held) Entry(i int) (at, bytes int64) {
	e := h.d.held.At(i)
	return e.at, e.bytes
}

// forget needs the lock.
func (d *Store) forget(n int) {
	if n == 0 {
		return
	}
	for i := range n {
		d.bytes -= d.held.At(i).bytes
	}
	d.held.Drop(n)
}

// Retire implements feed.Store. It removes the files that hold nothing any more, the oldest first and each for good
// before the next.
func (d *Store) Retire(context.Context) error {
	for len(d.segments) > 0 && d.isRetired(d.segments[0]) {
		s := d.segments[0]
		if len(d.segments) == 1 {
			if err := d.noteEmpty(); err != nil {
				return err // with no file left, the state alone knows which offsets were given
			}
		}
		if !s.dead {
			s.dead = true
			_ = s.f.Close()
		}
		if err := d.opts.files.remove(s.path); err != nil {
			return fmt.Errorf("feed: retiring: %w", err)
		}
		d.mu.Lock()
		d.segments = d.segments[1:]
		d.mu.Unlock()
		if err := d.opts.files.syncDir(d.dir); err != nil {
			return fmt.Errorf("feed: retiring: %w", err)
		}
	}
	return nil
}

// noteEmpty notes that nothing is held, and in no file.
func (d *Store) noteEmpty() error {
	now := d.state.last
	now.closed, now.first, now.last, now.tail, now.tailFile = true, d.last+1, d.last, 0, identity{}
	if err := d.state.write(now); err != nil {
		return fmt.Errorf("feed: retiring: %w", err)
	}
	return nil
}

// isRetired tells whether a segment has entries and all are retired.
func (d *Store) isRetired(s *segment) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(s.blocks) > 0 && s.next() <= d.oldest()
}
