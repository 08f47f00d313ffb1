package feed

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is a Store that lives and ends with its process. All methods may be called concurrently.
type Memory struct {
	mu sync.RWMutex // guards the following

	entries fifo[Entry]
	last    uint64
	bytes   int64 // of entries
	keys    keyIndex
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store whose first entry will have the offset after+1. A process that starts again, and whose
// clients still know offsets of its former life, must start above those: see [AboveFormerLives].
func NewMemory(after uint64) *Memory { return &Memory{last: after} }

// AboveFormerLives returns an offset that no feed in memory has reached that was started in the same way before now, as
// long as it took in fewer than a million entries a second. The offsets after it fit a JavaScript number until 2255.
func AboveFormerLives(now time.Time) uint64 { return uint64(max(0, now.UnixMicro())) }

// Append implements Store. It never fails.
func (m *Memory) Append(_ context.Context, entries []Entry, results []Result) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		e.Offset = m.last + 1
		if first, repeated := m.keys.add(e); repeated {
			results[i] = first
			continue
		}
		results[i] = Result{Offset: e.Offset, At: e.At}
		m.last++
		m.bytes += int64(e.size())
		m.entries.push(*e)
	}
	return nil
}

// Probe implements Store.
func (m *Memory) Probe(context.Context) error { return nil }

// Read implements Store.
func (m *Memory) Read(_ context.Context, after uint64, limit, maxBytes int) ([]Entry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if after >= m.last {
		return nil, nil
	}
	skip := max(after+1, m.first()) - m.first()
	w := window{entries: limit, bytes: maxBytes}
	return slices.Clone(w.head(m.entries.all()[skip:])), nil
}

// ReadBefore implements Store.
func (m *Memory) ReadBefore(_ context.Context, before uint64, limit, maxBytes int) ([]Entry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	first := m.first()
	end := min(max(before, first), m.last+1) - first
	w := window{entries: limit, bytes: maxBytes}
	return slices.Clone(w.tail(m.entries.all()[:end])), nil
}

// Bounds implements Store.
func (m *Memory) Bounds() Bounds {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return Bounds{First: m.first(), Last: m.last}
}

// first needs the lock.
func (m *Memory) first() uint64 { return m.last + 1 - uint64(m.entries.len()) }

// Retire implements Store.
func (m *Memory) Retire(_ context.Context, now time.Time, limits Limits) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	oldest := now.Add(-limits.Age).UnixMilli()
	n := 0
	for ; n < m.entries.len(); n++ {
		e := m.entries.at(n)
		if m.entries.len()-n <= limits.Entries && m.bytes <= limits.Bytes && e.At >= oldest {
			break
		}
		m.bytes -= int64(e.size())
	}
	m.entries.drop(n)
	m.keys.retire(m.first())
	return nil
}

// Close implements Store.
func (m *Memory) Close() error { return nil }
