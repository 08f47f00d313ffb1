package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/crier/crier/server/feed"
)

// Retire implements Store. Entries cannot be read from then on; their bytes leave the disk with their whole file.
func (d *Store) Retire(_ context.Context, now time.Time, limits feed.Limits) error {
	first := d.firstWithin(limits)
	first, err := d.firstNotBefore(first, now.Add(-limits.Age).UnixMilli())
	if first > d.first {
		d.mu.Lock()
		d.first = first
		d.mu.Unlock()
		d.keys.Retire(first)
	}
	return errors.Join(err, d.removeRetired())
}

// firstWithin returns the oldest offset that may be held by number and bytes. Bytes are counted by blocks.
func (d *Store) firstWithin(limits feed.Limits) uint64 {
	first := d.first
	if over := d.last + 1 - first; over > uint64(limits.Entries) {
		first = d.last + 1 - uint64(limits.Entries)
	}
	var held int64
	for _, s := range d.segments {
		held += s.end - segmentHeader
	}
	d.eachBlock(func(s *segment, i int, next uint64) bool {
		if held <= limits.Bytes {
			return false
		}
		held -= s.blockEnd(i) - s.blocks[i].pos
		first = max(first, next)
		return true
	})
	return first
}

// firstNotBefore returns the first offset, from one on, whose entry is not older than the time.
func (d *Store) firstNotBefore(first uint64, oldest int64) (uint64, error) {
	var err error
	d.eachBlock(func(s *segment, i int, next uint64) bool {
		if next <= first {
			return true
		}
		if s.blocks[i].newest < oldest {
			first = next
			return true
		}
		var entries []feed.Entry
		entries, err = s.span(i).read(offsets{first, next - 1})
		for _, e := range entries {
			if e.At >= oldest {
				break
			}
			first = e.Offset + 1
		}
		return false
	})
	return first, err
}

// eachBlock goes through the blocks from the oldest on. Next is the first offset of the one behind.
func (d *Store) eachBlock(visit func(s *segment, i int, next uint64) bool) {
	for k, s := range d.segments {
		for i := range s.blocks {
			next := d.last + 1
			if i+1 < len(s.blocks) {
				next = s.blocks[i+1].first
			} else if k+1 < len(d.segments) {
				next = d.segments[k+1].base
			}
			if !visit(s, i, next) {
				return
			}
		}
	}
}

// removeRetired removes the files that hold nothing any more, the oldest first and each for good before the next: a file
// that is missing in the middle would be damage.
func (d *Store) removeRetired() error {
	for len(d.segments) > 0 && d.isRetired(0) {
		if len(d.segments) == 1 {
			if err := d.markClosed(d.first); err != nil {
				return err // with no file left, the mark alone knows which offsets were given
			}
		}
		s := d.segments[0]
		s.dead = true
		_ = s.f.Close()
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("feed: retiring: %w", err)
		}
		d.mu.Lock()
		d.segments = d.segments[1:]
		d.mu.Unlock()
		if err := syncDir(d.dir); err != nil {
			return fmt.Errorf("feed: retiring: %w", err)
		}
	}
	return nil
}

// isRetired tells whether the segment has entries and all are retired.
func (d *Store) isRetired(i int) bool {
	next := d.last + 1
	if i+1 < len(d.segments) {
		next = d.segments[i+1].base
	}
	return len(d.segments[i].blocks) > 0 && next <= d.first
}
