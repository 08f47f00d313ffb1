package feed

import (
	"context"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/crier/crier/server/feed/internal/fifo"
)

// ring holds the newest entries that were published.
type ring struct {
	mu sync.RWMutex // guards the following

	limits  Window
	entries fifo.Queue[Entry] // without gaps
	bytes   int

	first  atomic.Uint64 // what is before it is forgotten
	oldest atomic.Uint64 // the oldest of entries; 0 for none
}

func (r *ring) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Offset < r.first.Load() {
		return // it was forgotten at once
	}
	if n := r.entries.Len(); n > 0 && r.entries.At(n-1).Offset+1 != e.Offset {
		r.entries.Drop(n) // another node of a cluster stored what lies between
		r.bytes = 0
	}
	r.entries.Push(e)
	r.bytes += e.Size()
	for r.entries.Len() > r.limits.Entries || r.bytes > r.limits.Bytes {
		r.bytes -= r.entries.At(0).Size()
		r.entries.Drop(1)
	}
	r.noteOldest()
}

// forget drops what is before an offset.
func (r *ring) forget(first uint64) {
	if r.first.Load() >= first {
		return
	}
	if r.oldest.Load() >= first {
		r.first.Store(first) // nothing is to be dropped, as mostly
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for ; n < r.entries.Len() && r.entries.At(n).Offset < first; n++ {
		r.bytes -= r.entries.At(n).Size()
	}
	r.entries.Drop(n)
	r.first.Store(first)
	r.noteOldest()
}

// noteOldest needs the lock.
func (r *ring) noteOldest() {
	if r.entries.Len() == 0 {
		r.oldest.Store(0)
		return
	}
	r.oldest.Store(r.entries.At(0).Offset)
}

// view calls f with the entries, if they reach back to the offset.
func (r *ring) view(offset uint64, f func([]Entry)) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.entries.Len() == 0 || r.entries.At(0).Offset > max(offset, r.first.Load()) {
		return false
	}
	f(r.entries.All())
	return true
}

// Last returns the newest offset that was published. Its done may still be running; in a Seam it is not.
func (l *Log) Last() uint64 { return l.last.Load() }

// Bounds returns what can be read. It never waits for the store.
func (l *Log) Bounds() Bounds {
	l.expire()
	last := l.Last() // first: what is retired meanwhile may be newer
	b := l.store.Bounds()
	b.Last = last
	b.First = min(b.First, b.Last+1)
	return b
}

// Known tells what Append would answer a repetition, as far as memory knows that it is one. It never waits for the
// store, and does not care whether that takes anything now: what was stored stays so.
func (l *Log) Known(e *Entry) (first Result, known bool) {
	if e.Key == "" {
		return Result{}, false
	}
	l.expire()
	last := l.Last() // first: what is stored just now may fail yet, and its offset be given to another
	first, known = l.store.Known(e)
	if !known || first.Offset > last {
		return Result{}, false
	}
	l.counts.repeated.Add(1)
	return first, true
}

// Recent is Read for what memory holds; not ok: the store has to be asked. It never waits for the store.
func (l *Log) Recent(after, end uint64, limit, maxBytes int) (p Page, ok bool) {
	l.expire()
	end = l.endOf(end)
	if after >= end {
		return Page{UpTo: after}, true
	}
	ok = l.recent.view(after+1, func(all []Entry) {
		w := Window{Entries: limit, Bytes: maxBytes}
		p = l.page(slices.Clone(w.Head(upTo(from(all, after+1), end))), after, end)
	})
	return p, ok
}

// Read returns published entries after an offset, in order: at most limit, no more than maxBytes
// unless the first alone has more, and none after end (0: up to Last).
func (l *Log) Read(ctx context.Context, after, end uint64, limit, maxBytes int) (Page, error) {
	if p, ok := l.Recent(after, end, limit, maxBytes); ok {
		return p, nil
	}
	end = l.endOf(end)
	entries, err := l.store.Read(ctx, after, limit, maxBytes)
	if err != nil {
		return Page{}, err
	}
	return l.page(upTo(entries, end), after, end), nil
}

func (l *Log) endOf(end uint64) uint64 {
	if last := l.Last(); end == 0 || end > last {
		return last
	}
	return end
}

// page makes a page of the entries that were found after an offset. Without any, there is nothing up to end.
func (l *Log) page(entries []Entry, after, end uint64) Page {
	p := Page{Entries: entries, UpTo: end}
	next := end + 1
	if n := len(entries); n > 0 {
		p.UpTo, next = entries[n-1].Offset, entries[0].Offset
	}
	p.Missed = next > after+1 && next-1 > l.store.Bounds().Gap
	return p
}

// RecentBefore is Before for what memory holds; not ok: the store has to be asked. It never waits for the store.
func (l *Log) RecentBefore(before uint64, limit, maxBytes int) (entries []Entry, ok bool) {
	l.expire()
	before = l.beforeOf(before)
	if limit <= 0 {
		return nil, true
	}
	oldest := uint64(1)
	if before > uint64(limit) {
		oldest = before - uint64(limit)
	}
	ok = l.recent.view(oldest, func(all []Entry) {
		w := Window{Entries: limit, Bytes: maxBytes}
		entries = slices.Clone(w.Tail(upTo(all, before-1)))
	})
	return entries, ok
}

// Before returns the last published entries before an offset (0: the newest), in growing order, within the same
// limits.
func (l *Log) Before(ctx context.Context, before uint64, limit, maxBytes int) ([]Entry, error) {
	if entries, ok := l.RecentBefore(before, limit, maxBytes); ok {
		return entries, nil
	}
	return l.store.ReadBefore(ctx, l.beforeOf(before), limit, maxBytes)
}

func (l *Log) beforeOf(before uint64) uint64 {
	if last := l.Last(); before == 0 || before > last {
		return last + 1
	}
	return before
}

// from returns those of entries in order that have at least the offset.
func from(entries []Entry, offset uint64) []Entry {
	return entries[sort.Search(len(entries), func(i int) bool { return entries[i].Offset >= offset }):]
}

// upTo returns those of entries in order that have at most the offset.
func upTo(entries []Entry, offset uint64) []Entry {
	return entries[:sort.Search(len(entries), func(i int) bool { return entries[i].Offset > offset })]
}
