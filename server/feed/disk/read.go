package disk

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"sort"

	"github.com/crier/crier/server/feed"
)

// Read implements Store. Entries that were stored close together share the bytes that were read.
func (d *Store) Read(_ context.Context, after uint64, limit, maxBytes int) ([]feed.Entry, error) {
	w := feed.Window{Entries: limit, Bytes: maxBytes}
	var out []feed.Entry
	for w.Entries > 0 && after < math.MaxUint64 {
		entries, err := d.blockFrom(after+1, w.Entries)
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 || (len(out) > 0 && entries[0].Offset != after+1) {
			break // what comes next was retired meanwhile: the rest would not be without a gap
		}
		fits := w.Head(entries)
		out = append(out, fits...)
		if len(fits) < len(entries) {
			break
		}
		after = entries[len(entries)-1].Offset
	}
	return out, nil
}

// ReadBefore implements Store.
func (d *Store) ReadBefore(_ context.Context, before uint64, limit, maxBytes int) ([]feed.Entry, error) {
	w := feed.Window{Entries: limit, Bytes: maxBytes}
	var pieces [][]feed.Entry
	for before > 0 && w.Entries > 0 {
		entries, err := d.blockUpTo(before-1, w.Entries)
		if err != nil {
			return nil, err
		}
		fits := w.Tail(entries)
		pieces = append(pieces, fits)
		if len(fits) < len(entries) || len(entries) == 0 {
			break
		}
		before = entries[0].Offset
	}
	slices.Reverse(pieces)
	return slices.Concat(pieces...), nil
}

// blockFrom returns at most n held entries from an offset on that lie in one block.
func (d *Store) blockFrom(offset uint64, n int) ([]feed.Entry, error) {
	return d.block(func(held offsets) (at uint64, want offsets) {
		at = max(held.from, offset)
		return at, offsets{at, min(held.to, at+uint64(n)-1)}
	})
}

// blockUpTo returns at most n held entries up to an offset that lie in one block.
func (d *Store) blockUpTo(offset uint64, n int) ([]feed.Entry, error) {
	return d.block(func(held offsets) (at uint64, want offsets) {
		at = min(held.to, offset)
		return at, offsets{max(held.from, at-min(at, uint64(n)-1)), at}
	})
}

// block reads the block of an offset. Choose is told what is held then, and tells which offset, and what of its block.
func (d *Store) block(choose func(held offsets) (at uint64, want offsets)) ([]feed.Entry, error) {
	for {
		p, want, err := d.locate(choose)
		if err != nil || p.f == nil {
			return nil, err
		}
		entries, err := p.read(want)
		if !errors.Is(err, os.ErrClosed) {
			return entries, err
		} // else it was retired in between
	}
}

// locate returns no file if the offset is not held.
func (d *Store) locate(choose func(held offsets) (uint64, offsets)) (span, offsets, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return span{}, offsets{}, feed.ErrClosed
	}
	held := offsets{d.first, d.last}
	at, want := choose(held)
	if !held.has(at) {
		return span{}, offsets{}, nil
	}
	i := sort.Search(len(d.segments), func(i int) bool { return d.segments[i].base > at }) - 1
	s := d.segments[i]
	return s.span(s.blockOf(at)), want, nil
}
