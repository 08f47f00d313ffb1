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

// Read implements feed.Store. Entries that were stored close together share the bytes that were read.
func (d *Store) Read(ctx context.Context, after uint64, limit, maxBytes int) ([]feed.Entry, error) {
	w := feed.Window{Entries: limit, Bytes: maxBytes}
	var out []feed.Entry
	for w.Entries > 0 && after < math.MaxUint64 {
		entries, err := d.block(ctx, func(held offsets) (span, offsets) {
			if len(out) > 0 && held.from > after+1 {
				return span{}, offsets{} // what comes next was retired meanwhile: the rest would not be without a gap
			}
			return d.blockFrom(max(held.from, after+1), held.to, w.Entries)
		})
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			break
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

// ReadBefore implements feed.Store.
func (d *Store) ReadBefore(ctx context.Context, before uint64, limit, maxBytes int) ([]feed.Entry, error) {
	w := feed.Window{Entries: limit, Bytes: maxBytes}
	var pieces [][]feed.Entry
	for before > 0 && w.Entries > 0 {
		entries, err := d.block(ctx, func(held offsets) (span, offsets) {
			return d.blockUpTo(min(held.to, before-1), held.from, w.Entries)
		})
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

// block reads the block that choose finds, which is told what is held then, and what of it is wanted.
func (d *Store) block(ctx context.Context, choose func(held offsets) (span, offsets)) ([]feed.Entry, error) {
	for {
		p, want, err := d.locate(choose)
		if err != nil || p.f == nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := p.read(want)
		if !errors.Is(err, os.ErrClosed) {
			return entries, err
		} // else it was retired in between
	}
}

// locate returns no file if nothing is found.
func (d *Store) locate(choose func(held offsets) (span, offsets)) (span, offsets, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return span{}, offsets{}, feed.ErrClosed
	}
	held := offsets{d.oldest(), d.last}
	if held.from > held.to {
		return span{}, offsets{}, nil
	}
	p, want := choose(held)
	return p, want, nil
}

// blockFrom finds at most n entries from an offset on, and up to another. It needs the lock.
func (d *Store) blockFrom(from, to uint64, n int) (span, offsets) {
	i := sort.Search(len(d.segments), func(i int) bool {
		s := d.segments[i]
		return len(s.blocks) == 0 || s.next() > from
	})
	if from > to || i == len(d.segments) || len(d.segments[i].blocks) == 0 {
		return span{}, offsets{}
	}
	s := d.segments[i]
	k := s.from(from)
	from = max(from, s.blocks[k].first)
	return s.span(k), offsets{from, min(to, from+uint64(n)-1)}
}

// blockUpTo finds at most n entries up to an offset, and from another on. It needs the lock.
func (d *Store) blockUpTo(to, from uint64, n int) (span, offsets) {
	i := sort.Search(len(d.segments), func(i int) bool {
		s := d.segments[i]
		return len(s.blocks) == 0 || s.first() > to
	}) - 1
	if to < from || i < 0 {
		return span{}, offsets{}
	}
	s := d.segments[i]
	k := s.upTo(to)
	to = min(to, s.blocks[k].next-1)
	if to < from {
		return span{}, offsets{}
	}
	return s.span(k), offsets{max(from, to-min(to, uint64(n)-1)), to}
}
