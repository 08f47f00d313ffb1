// Package memory holds a feed in memory: it lives and ends with its process.
package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/fifo"
	"github.com/crier/crier/server/feed/internal/keys"
	"github.com/crier/crier/server/feed/internal/retention"
)

// A Store is a [feed.Store] that lives and ends with its process. All methods may be called concurrently.
type Store struct {
	mu sync.RWMutex // guards the following

	entries fifo.Queue[feed.Entry]
	last    uint64
	bytes   int64 // of entries
	keys    keys.Index
	limiter retention.Limiter
}

var _ feed.Instant = (*Store)(nil)

// New returns an empty store whose first entry will have the offset after+1. A process that starts again, and whose
// clients still know offsets of its former life, must start above those: see [AboveFormerLives].
func New(after uint64) *Store { return &Store{last: after} }

// AboveFormerLives returns an offset that no feed in memory has reached that was started in the same way before now,
// as long as it took in fewer than a million entries a second. The offsets after it fit a JavaScript number until
// 2255.
func AboveFormerLives(now time.Time) uint64 { return uint64(max(0, now.UnixMicro())) }

// Append implements feed.Store. It never fails.
func (m *Store) Append(_ context.Context, entries []feed.Entry, results []feed.Result) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		e.Offset = m.last + 1
		if first, repeated := m.keys.Add(e); repeated {
			results[i] = first
			continue
		}
		results[i] = feed.Result{Offset: e.Offset, At: e.At}
		m.last++
		m.bytes += int64(e.Size())
		m.entries.Push(*e)
	}
	m.forget(m.limiter.Surplus(held{m}))
	return nil
}

// Known implements feed.Store.
func (m *Store) Known(e *feed.Entry) (first feed.Result, known bool) { return m.keys.Find(e) }

// Instant implements feed.Instant.
func (m *Store) Instant() {}

// Probe implements feed.Store.
func (m *Store) Probe(context.Context) error { return nil }

// Check implements feed.Store.
func (m *Store) Check(context.Context) error { return nil }

// Read implements feed.Store.
func (m *Store) Read(_ context.Context, after uint64, limit, maxBytes int) ([]feed.Entry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if after >= m.last {
		return nil, nil
	}
	skip := max(after+1, m.first()) - m.first()
	w := feed.Window{Entries: limit, Bytes: maxBytes}
	return slices.Clone(w.Head(m.entries.All()[skip:])), nil
}

// ReadBefore implements feed.Store.
func (m *Store) ReadBefore(_ context.Context, before uint64, limit, maxBytes int) ([]feed.Entry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	first := m.first()
	end := min(max(before, first), m.last+1) - first
	w := feed.Window{Entries: limit, Bytes: maxBytes}
	return slices.Clone(w.Tail(m.entries.All()[:end])), nil
}

// Bounds implements feed.Store.
func (m *Store) Bounds() feed.Bounds {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return feed.Bounds{First: m.first(), Last: m.last, Entries: m.entries.Len(), Bytes: m.bytes}
}

// first needs the lock.
func (m *Store) first() uint64 { return m.last + 1 - uint64(m.entries.Len()) }

// Limit implements feed.Store.
func (m *Store) Limit(now time.Time, limits feed.Limits) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone, due := m.limiter.Limit(held{m}, now, limits)
	m.forget(gone)
	return due
}

// held is what a store holds. Its lock must be held.
type held struct{ m *Store }

func (h held) Len() int     { return h.m.entries.Len() }
func (h held) Bytes() int64 { return h.m.bytes }

func (h held) Entry(i int) (at, bytes int64) {
	e := h.m.entries.At(i)
	return e.At, int64(e.Size())
}

// forget needs the lock.
func (m *Store) forget(n int) {
	if n == 0 {
		return
	}
	for i := range n {
		m.bytes -= int64(m.entries.At(i).Size())
	}
	m.entries.Drop(n)
	m.keys.Retire(m.first())
}

// Retire implements feed.Store.
func (m *Store) Retire(context.Context) error { return nil }

// Close implements feed.Store.
func (m *Store) Close() error { return nil }
