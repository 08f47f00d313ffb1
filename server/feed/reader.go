package feed

import (
	"slices"
	"sort"
	"sync"
)

// ring holds the newest entries that were published.
type ring struct {
	mu sync.RWMutex // guards the following

	limits  window
	entries fifo[Entry] // without gaps
	bytes   int
}

func (r *ring) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.entries.len(); n > 0 && r.entries.at(n-1).Offset+1 != e.Offset {
		r.entries.drop(n) // another node of a cluster stored what lies between
		r.bytes = 0
	}
	r.entries.push(e)
	r.bytes += e.size()
	for r.entries.len() > r.limits.entries || r.bytes > r.limits.bytes {
		r.bytes -= r.entries.at(0).size()
		r.entries.drop(1)
	}
}

// view calls f with the entries, if they reach back to the offset.
func (r *ring) view(offset uint64, f func([]Entry)) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.entries.len() == 0 || r.entries.at(0).Offset > offset {
		return false
	}
	f(r.entries.all())
	return true
}

// Last returns the newest offset that was published. Its done may still be running; in a Seam it is not.
func (l *Log) Last() uint64 { return l.last.Load() }

// First returns the oldest offset held; that of the entry to come if none is held. An entry before it is gone.
func (l *Log) First() uint64 {
	first, _ := l.store.Bounds()
	return min(first, l.Last()+1)
}

// Recent returns the published entries after an offset, if memory holds all of them. It never waits for the store.
func (l *Log) Recent(after uint64) (entries []Entry, ok bool) {
	last := l.Last()
	if after >= last {
		return nil, true
	}
	ok = l.recent.view(after+1, func(all []Entry) {
		entries = slices.Clone(upTo(from(all, after+1), last))
	})
	return entries, ok
}

// Read returns published entries after an offset, in order and without a gap: at most limit, no more than maxBytes
// unless the first alone has more, and none after upTo (0: up to Last). Entries that are no longer held are left out at the
// start: if the first one has not the offset after+1, or there is none though after < upTo, the reader missed some. So it
// did if after is above Last: its offset is from another feed.
func (l *Log) Read(after, end uint64, limit, maxBytes int) ([]Entry, error) {
	last := l.Last()
	if end == 0 || end > last {
		end = last
	}
	if after >= end {
		return nil, nil
	}
	var page []Entry
	if l.recent.view(after+1, func(all []Entry) {
		w := window{entries: limit, bytes: maxBytes}
		page = slices.Clone(w.head(upTo(from(all, after+1), end)))
	}) {
		return page, nil
	}
	page, err := l.store.Read(after, limit, maxBytes)
	return upTo(page, end), err
}

// Before returns the last published entries before an offset (0: the newest), in growing order, within the same limits.
func (l *Log) Before(before uint64, limit, maxBytes int) ([]Entry, error) {
	if last := l.Last(); before == 0 || before > last {
		before = last + 1
	}
	if page, ok := l.recentBefore(before, limit, maxBytes); ok {
		return page, nil
	}
	return l.store.ReadBefore(before, limit, maxBytes)
}

// recentBefore answers from memory if that holds the whole page.
func (l *Log) recentBefore(before uint64, limit, maxBytes int) (page []Entry, ok bool) {
	if limit <= 0 {
		return nil, true
	}
	oldest := uint64(1)
	if before > uint64(limit) {
		oldest = before - uint64(limit)
	}
	ok = l.recent.view(oldest, func(all []Entry) {
		w := window{entries: limit, bytes: maxBytes}
		page = slices.Clone(w.tail(upTo(all, before-1)))
	})
	return page, ok
}

// from returns those of entries in order that have at least the offset.
func from(entries []Entry, offset uint64) []Entry {
	return entries[sort.Search(len(entries), func(i int) bool { return entries[i].Offset >= offset }):]
}

// upTo returns those of entries in order that have at most the offset.
func upTo(entries []Entry, offset uint64) []Entry {
	return entries[:sort.Search(len(entries), func(i int) bool { return entries[i].Offset > offset })]
}
